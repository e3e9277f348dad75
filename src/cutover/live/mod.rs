//! The ports over the real systems: Active Directory over LDAP, the tenant through Graph, the Connect servers by PowerShell
//! or by a person, a whole look at both sides, the operator at the terminal.

pub mod ad;
pub mod flight;
pub mod operator;
pub mod servers;
pub mod tenant;
