//! The cutover on real parts: the program itself, a Samba domain controller, the fake tenant with its provisioning agent,
//! and the double of the Connect administrator.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::type_complexity,
    reason = "helpers of tests fail by panicking and say what they skip"
)]

#[path = "lab/agent/mod.rs"]
mod agent;
#[path = "lab/connect/mod.rs"]
mod connect;
#[path = "lab/directory/mod.rs"]
#[allow(dead_code, reason = "other suites use more of the lab")]
mod directory;
#[path = "lab/proxy.rs"]
mod proxy;
#[path = "lab/tenant/mod.rs"]
mod tenant;
#[path = "lab/world.rs"]
#[allow(dead_code, reason = "other suites use more of the lab")]
mod world;

#[path = "cutover/faults.rs"]
mod faults;
#[path = "cutover/foreign.rs"]
mod foreign;
#[path = "cutover/killed.rs"]
mod killed;
#[path = "cutover/lab.rs"]
mod lab;
#[path = "cutover/parts.rs"]
mod parts;
#[path = "cutover/rights.rs"]
mod rights;
#[path = "cutover/stations.rs"]
mod stations;
#[path = "cutover/surprises.rs"]
mod surprises;
#[path = "cutover/two.rs"]
mod two;
#[path = "cutover/undo.rs"]
mod undo;
#[path = "cutover/waves.rs"]
mod waves;
