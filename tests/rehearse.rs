//! The engine of a cutover on the twin: each law of a cutover by a test that fails without its guard, crashes at every
//! boundary and every call, rollbacks from every step, seeds by the hundred.

// Helpers of tests are tests too, which the lints see only where an attribute says so.
#![allow(clippy::unwrap_used, clippy::panic, clippy::result_large_err)]

#[path = "support/mod.rs"]
mod support;

#[path = "rehearse/command.rs"]
mod command;
#[path = "rehearse/crashes.rs"]
mod crashes;
#[path = "rehearse/job.rs"]
mod job;
#[path = "rehearse/laws.rs"]
mod laws;
#[path = "rehearse/rollbacks.rs"]
mod rollbacks;
#[path = "rehearse/seeds.rs"]
mod seeds;
#[path = "rehearse/stage.rs"]
#[allow(dead_code)]
mod stage;
#[path = "rehearse/whole.rs"]
mod whole;
