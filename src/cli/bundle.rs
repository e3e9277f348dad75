//! `bundle verify | info`: is it whole, and what is in it.

use super::Global;
use super::printer::{BOLD, GREEN, Printer, YELLOW};
use crate::bundle;
use crate::error::{Result, exit};
use crate::report::plain;
use serde_json::json;
use std::path::PathBuf;

#[derive(clap::Subcommand)]
pub enum Command {
    /// Check every file of a bundle against its manifest
    Verify { bundle: PathBuf },
    /// What is in a bundle, and how complete it is
    Info { bundle: PathBuf },
}

pub fn run(command: Command, _: &Global, printer: &mut Printer) -> Result<u8> {
    match command {
        Command::Verify { bundle: dir } => {
            let (opened, _) = bundle::open(&dir)?;
            if printer.is_json() {
                printer.json(&json!({ "bundle": dir, "sha256": opened.sha256, "complete": opened.manifest.certificate.complete }));
            } else {
                printer
                    .line(format!("{GREEN}whole{GREEN:#}: {} files match the manifest", opened.manifest.files.len()));
                printer.line(format!("SHA-256 {}", opened.sha256));
                if !opened.manifest.certificate.complete {
                    printer.line(format!("{YELLOW}partial{YELLOW:#}: the collection fell short and was accepted so"));
                }
            }
        }
        Command::Info { bundle: dir } => {
            let opened = bundle::open_verified(&dir)?;
            let m = &opened.manifest;
            if printer.is_json() {
                printer.json(&json!({ "bundle": dir, "sha256": opened.sha256, "manifest": m }));
                return Ok(exit::DONE);
            }
            printer.line(format!(
                "{BOLD}Bundle{BOLD:#} {} of {}, made by {} {}",
                m.schema, m.created, m.tool.name, m.tool.version
            ));
            printer.line(format!("SHA-256 {}", opened.sha256));
            for (name, count) in &m.counts {
                printer.line(format!("  {count:>10}  {name}"));
            }
            printer.line(format!(
                "{BOLD}Completeness{BOLD:#}: {}",
                if m.certificate.complete { "complete" } else { "PARTIAL" }
            ));
            for part in &m.certificate.parts {
                let expected = part.expected.map(|e| format!(" of {e}")).unwrap_or_default();
                let short = part.shortfall.as_deref().map(|s| format!("  SHORT: {}", plain(s))).unwrap_or_default();
                printer.line(format!("  {:>10}{expected}  {}{short}", part.read, plain(&part.partition)));
            }
            for line in &m.certificate.not_looked_at {
                printer.line(format!("  not looked at: {}", plain(line)));
            }
            printer.line(format!("{BOLD}Sources{BOLD:#}"));
            for source in &m.sources {
                printer.line(format!(
                    "  {:>12} bytes  {}  {}",
                    source.bytes,
                    source.modified.as_deref().unwrap_or("-"),
                    plain(&source.name)
                ));
            }
        }
    }
    Ok(exit::DONE)
}
