//! The audit: each check on a world that passes and one that fails in just that way, mutations of a clean world, the
//! reading of access lists against Samba's own, and a real controller.

// Helpers of tests are tests too, which the lints see only where an attribute says so.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)]
#![allow(dropping_references, clippy::type_complexity)]

#[path = "support/mod.rs"]
mod support;

#[cfg(unix)]
#[path = "lab/directory/mod.rs"]
#[allow(dead_code, reason = "other suites use more of the lab, and it says what it skips")]
mod directory;
#[cfg(unix)]
#[path = "lab/world.rs"]
#[allow(dead_code, reason = "other suites use more of the lab")]
mod world;

#[path = "audit/made.rs"]
mod made;

#[path = "audit/clean.rs"]
mod clean;
#[path = "audit/former.rs"]
mod former;
#[cfg(unix)]
#[path = "audit/live.rs"]
mod live;
#[path = "audit/mutations.rs"]
mod mutations;
#[path = "audit/samba_reading.rs"]
mod samba_reading;
#[path = "audit/unknown.rs"]
mod unknown;
