//! The ports over the real systems: Active Directory over LDAP, the tenant over Graph, the Connect servers, a whole look
//! at both sides, the person at the terminal.

pub mod ad;
