//! The store of runs as an administrator has to be able to rely on it: crashes at every boundary, processes killed with
//! no warning, full and read-only disks, files damaged and changed, copies taken over on another machine.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "helpers of tests fail by panicking, children say on standard output how far they are"
)]

#[path = "store/copies.rs"]
mod copies;
#[path = "store/crashes.rs"]
mod crashes;
#[path = "store/damage.rs"]
mod damage;
#[path = "store/disk.rs"]
mod disk;
#[path = "store/killed.rs"]
mod killed;
#[path = "store/locks.rs"]
mod locks;
#[path = "store/rules.rs"]
mod rules;
#[path = "store/support.rs"]
mod support;
