//! The program from outside: every command with good and with bad input, exit codes, and what it leaves behind.

// Helpers of tests are tests too, which the lints see only where an attribute says so.
#![allow(clippy::unwrap_used, clippy::panic)]
// A case is one row of a table: a tuple, whose expression drops what a helper hands back for chaining.
#![allow(dropping_references, clippy::type_complexity)]

#[path = "support/mod.rs"]
mod support;

#[path = "cli/bundle.rs"]
mod bundle;
#[path = "cli/commands.rs"]
mod commands;
#[path = "cli/fuzz.rs"]
mod fuzz;
#[path = "cli/harmless.rs"]
mod harmless;
#[path = "cli/input.rs"]
mod input;
#[path = "cli/partial.rs"]
mod partial;
#[path = "cli/schema.rs"]
mod schema;
