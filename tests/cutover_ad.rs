//! The ports of a cutover to Active Directory: on a real domain controller, through a proxy that cuts connections, and
//! against the double for what a real one does seldom.

// Helpers of tests are tests too, which the lints see only where an attribute says so.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)]
// A controller's lock files and processes are Unix's.
#![cfg(unix)]

#[path = "lab/directory/mod.rs"]
#[allow(dead_code, reason = "other suites use more of the lab")]
mod directory;
#[path = "lab/wire/mod.rs"]
mod wire;
#[path = "lab/world.rs"]
#[allow(dead_code, unused_imports, reason = "other suites use more of the lab")]
mod world;

#[path = "cutover_ad/support.rs"]
mod support;

#[path = "cutover_ad/big.rs"]
mod big;
#[path = "cutover_ad/double.rs"]
mod double;
#[path = "cutover_ad/doubt.rs"]
mod doubt;
#[path = "cutover_ad/forest.rs"]
mod forest;
#[path = "cutover_ad/reading.rs"]
mod reading;
#[path = "cutover_ad/reviving.rs"]
mod reviving;
#[path = "cutover_ad/writing.rs"]
mod writing;
