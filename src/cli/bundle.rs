//! `bundle verify | info | anonymise`: is it whole, what is in it, a copy fit to share.

use super::Global;
use super::printer::{BOLD, GREEN, Printer, YELLOW};
use crate::bundle::{self, anonymise::Verdicts};
use crate::error::{Result, exit};
use crate::report::plain;
use serde_json::json;
use std::path::{Path, PathBuf};

#[derive(clap::Subcommand)]
pub enum Command {
    /// Check every file of a bundle against its manifest
    Verify { bundle: PathBuf },
    /// What is in a bundle, and how complete it is
    Info { bundle: PathBuf },
    /// Make a copy with names, DNs, SIDs and ids replaced consistently: same structure, same verdicts, fit to share
    #[command(after_help = ANONYMISE_HELP)]
    Anonymise {
        bundle: PathBuf,
        /// The new bundle: a folder that does not exist yet
        #[arg(long, value_name = "BUNDLE")]
        out: PathBuf,
    },
}

const ANONYMISE_HELP: &str = "\
What remains visible: how many objects there are and how they are nested, kinds, flags and rights, dates and sizes, lengths \
and repeated words of names of groups and containers. The pseudonyms differ with every run. A plan is never made from such \
a bundle.";

fn anonymise(dir: &Path, out: &Path, printer: &mut Printer) -> Result<u8> {
    bundle::write::check_target(out)?;
    let bar = printer.progress("reading the bundle");
    let (opened, inventory) = bundle::open(dir)?;
    bar.set_message("assessing the original");
    let before = Verdicts::of(&inventory)?;
    bar.set_message("replacing names and ids");
    let (inventory, about) = bundle::anonymise::anonymise(inventory, &opened.manifest);
    bar.set_message("assessing the copy");
    let after = Verdicts::of(&inventory)?;
    bar.set_message("writing the bundle");
    let manifest = bundle::write(&inventory, about, out)?;
    bar.finish_and_clear();
    let (groups, gates) = before.differences(&after);
    let written = bundle::open_verified(out)?;
    if printer.is_json() {
        printer.json(&json!({
            "bundle": out, "sha256": written.sha256, "anonymised": manifest.anonymised, "groups": before.groups(),
            "groupsJudgedOtherwise": groups, "gatesJudgedOtherwise": gates,
        }));
    } else {
        printer.line(format!("{BOLD}Anonymised bundle{BOLD:#} {}", plain(&out.display().to_string())));
        printer.line(format!("SHA-256 {}", written.sha256));
        if groups == 0 && gates.is_empty() {
            printer.line(format!("{GREEN}same verdicts{GREEN:#}: {} groups and all gates", before.groups()));
        }
        printer.note(
            "Lengths, repeated words, dates and counts remain visible: see \"groupshift bundle anonymise --help\".",
        );
    }
    if groups > 0 || !gates.is_empty() {
        let gates = if gates.is_empty() { String::new() } else { format!(" and the gates {}", gates.join(", ")) };
        printer.warn(format!(
            "{groups} of {} groups{gates} are judged otherwise in the copy: their mappings or filters look into names in a way that pseudonyms do not keep",
            before.groups()
        ));
    }
    Ok(exit::DONE)
}

pub fn run(command: Command, _: &Global, printer: &mut Printer) -> Result<u8> {
    match command {
        Command::Anonymise { bundle: dir, out } => return anonymise(&dir, &out, printer),
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
            if m.anonymised {
                printer.line("anonymised: names and ids were replaced; no plan is made from it");
            }
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
