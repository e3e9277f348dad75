//! The LDAP transport against a double of a domain controller on the wire: searches that end whole or in an error,
//! every fault of connection and protocol, TLS, sign-in.

// Helpers of tests are tests too, which the lints see only where an attribute says so.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)]

#[path = "lab/wire/mod.rs"]
mod wire;

#[path = "ldap/support.rs"]
mod support;

#[path = "ldap/search.rs"]
mod search;

#[path = "ldap/cut.rs"]
mod cut;

#[path = "ldap/broken.rs"]
mod broken;

#[path = "ldap/sign_in.rs"]
mod sign_in;

#[path = "ldap/trust.rs"]
mod trust;

#[path = "ldap/write.rs"]
mod write;

#[cfg(unix)]
#[path = "ldap/slapd.rs"]
mod slapd;

#[path = "ldap/real.rs"]
mod real;
