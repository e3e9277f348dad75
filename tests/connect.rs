//! Entra Connect input, from outside: real and made exports, state files, damaged input, the collector script.

// Helpers of tests are tests too, which the lints see only where an attribute says so.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)]

#[path = "connect/support.rs"]
mod support;

#[path = "connect/real.rs"]
mod real;

#[path = "connect/script.rs"]
mod script;

#[path = "connect/made.rs"]
mod made;
