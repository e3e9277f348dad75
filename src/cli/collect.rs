//! `collect`: exported files into one bundle.

use super::printer::{BOLD, Printer, RED};
use super::{Global, configuration};
use crate::bundle::{self, Manifest};
use crate::collect::offline::{self, Wishes};
use crate::error::{Error, Result, exit};
use crate::report::plain;
use serde_json::json;
use std::path::{Path, PathBuf};

#[derive(clap::Args)]
pub struct Args {
    /// Folder with the files an administrator exported: ad/, entra/, cloudsync/, connect/
    #[arg(long, value_name = "DIR", required = true)]
    offline: PathBuf,
    /// The bundle to make; nothing is written over
    #[arg(long, value_name = "BUNDLE")]
    out: PathBuf,
    /// Make a bundle even if the collection falls short; it says so for ever
    #[arg(long)]
    accept_partial: bool,
}

pub fn run(args: Args, global: &Global, printer: &mut Printer) -> Result<u8> {
    let config = configuration(global, printer)?;
    let wishes = Wishes { domain: config.settings.cloud_sync.domain.clone() };
    let created = chrono::Utc::now().to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
    let manifest = collect(&args.offline, &args.out, &wishes, created, args.accept_partial, printer)?;
    show(&manifest, &args.out, printer);
    Ok(exit::DONE)
}

/// Collects and writes; used by `demo` too.
pub fn collect(
    offline: &Path,
    out: &Path,
    wishes: &Wishes,
    created: String,
    accept_partial: bool,
    printer: &mut Printer,
) -> Result<Manifest> {
    bundle::write::check_target(out)?;
    let bar = printer.progress("reading");
    let collected = offline::collect(offline, wishes, &mut |path, read| {
        let name = plain(&path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default());
        bar.set_message(if read == 0 { format!("reading {name}") } else { format!("reading {name}: {read} entries") });
    });
    bar.finish_and_clear();
    let collected = collected?;
    for source in &collected.sources {
        printer.detail(format!("read {} ({} bytes)", plain(&source.name), source.bytes));
    }
    for part in collected.certificate.parts.iter().filter(|p| p.shortfall.is_some()) {
        let text = format!("{}: {}", plain(&part.partition), plain(part.shortfall.as_deref().unwrap_or("")));
        if !accept_partial {
            printer.note(format!("{RED}incomplete:{RED:#} {text}"));
        } else {
            printer.warn(format!("incomplete, accepted: {text}"));
        }
    }
    if !collected.certificate.complete && !accept_partial {
        return Err(Error::failed("the collection falls short; no bundle was written")
            .hint("Export the missing part and collect again.")
            .hint("Or give --accept-partial: then the bundle and every report say that it is partial, and what rests on the missing part is unknown."));
    }
    let bar = printer.progress("writing the bundle");
    let about = bundle::write::About {
        created,
        anonymised: false,
        sources: collected.sources,
        certificate: collected.certificate,
    };
    let manifest = bundle::write(&collected.inventory, about, out);
    bar.finish_and_clear();
    manifest
}

fn show(manifest: &Manifest, out: &Path, printer: &mut Printer) {
    if printer.is_json() {
        return printer.json(&json!({ "bundle": out, "manifest": manifest }));
    }
    let count = |name: &str| manifest.counts.get(name).copied().unwrap_or(0);
    printer.line(format!("{BOLD}Bundle{BOLD:#} {}", out.display()));
    printer.line(format!(
        "  AD: {} groups, {} objects, {} memberships; Entra: {} groups, {} users, {} memberships; Connect servers: {}",
        count("adGroups"),
        count("adObjects"),
        count("adMemberships"),
        count("entraGroups"),
        count("entraUsers"),
        count("entraMemberships"),
        count("connectServers")
    ));
    for line in &manifest.certificate.not_looked_at {
        printer.line(format!("  not looked at: {}", plain(line)));
    }
    if count("problems") > 0 {
        printer.line(format!("  {} problem(s) in the input; the assessment lists them", count("problems")));
    }
    printer.note(format!("Next: groupshift assess {}", out.display()));
}
