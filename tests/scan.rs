//! The scan of a live domain against a double of its controller: limits, faults at every point, changes while it runs.
//! Each ends in a whole scan or in a clear error, never in a part that looks whole.

// Helpers of tests are tests too, which the lints see only where an attribute says so.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)]

#[path = "lab/wire/mod.rs"]
mod wire;

#[path = "scan/support.rs"]
mod support;

#[path = "scan/connections.rs"]
mod connections;

#[path = "scan/limits.rs"]
mod limits;

#[path = "scan/faults.rs"]
mod faults;

#[path = "scan/changes.rs"]
mod changes;

#[path = "scan/since.rs"]
mod since;
