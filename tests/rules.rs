//! Every rule about groups, held against worlds where it holds, does not hold, or cannot be told.

// Helpers of tests are tests too, which the lints see only where an attribute says so.
#![allow(clippy::unwrap_used, clippy::panic)]
// A case is one row of a table: a tuple, whose expression drops what a helper hands back for chaining.
#![allow(dropping_references, clippy::type_complexity)]

#[path = "support/mod.rs"]
mod support;

#[path = "rules/table.rs"]
mod table;

#[path = "rules/anchor.rs"]
mod anchor;
#[path = "rules/differences.rs"]
mod differences;
#[path = "rules/job.rs"]
mod job;
#[path = "rules/kind.rs"]
mod kind;
#[path = "rules/members.rs"]
mod members;
#[path = "rules/parts.rs"]
mod parts;
#[path = "rules/rights.rs"]
mod rights;
#[path = "rules/state.rs"]
mod state;
#[path = "rules/whole.rs"]
mod whole;
