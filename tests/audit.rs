//! The audit: each check on a world that passes and one that fails in just that way, mutations of a clean world, the
//! reading of access lists against Samba's own, and a real controller.

// Helpers of tests are tests too, which the lints see only where an attribute says so.
#![allow(clippy::unwrap_used, clippy::panic)]
#![allow(dropping_references, clippy::type_complexity)]

#[path = "support/mod.rs"]
mod support;

#[path = "audit/world.rs"]
mod world;

#[path = "audit/clean.rs"]
mod clean;
#[path = "audit/mutations.rs"]
mod mutations;
#[path = "audit/samba_reading.rs"]
mod samba_reading;
#[path = "audit/unknown.rs"]
mod unknown;
