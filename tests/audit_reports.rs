//! Reports of an audit: every form valid and the same each time, hostile names harmless, the comparison with the last
//! audit, the command with its exit codes, and the page in a headless Chromium.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test that cannot go on should say where, and what it skips"
)]

#[path = "browser/mod.rs"]
#[allow(dead_code, reason = "other suites use more of the browser")]
mod browser;
mod support;

#[path = "audit_reports/baseline.rs"]
mod baseline;
#[path = "audit_reports/command.rs"]
mod command;
#[path = "audit_reports/events.rs"]
mod events;
#[path = "audit_reports/formats.rs"]
mod formats;
#[path = "audit_reports/handover.rs"]
mod handover;
#[path = "audit_reports/made.rs"]
mod made;
#[path = "audit_reports/page.rs"]
mod page;
