//! The real ports: Active Directory over LDAP, the tenant through Graph, the Connect servers by PowerShell or by a person,
//! the operator at the terminal.

pub mod flight;
pub mod operator;
pub mod servers;
pub mod tenant;
