//! `collect`: AD, Entra, Cloud Sync and Connect state into one bundle, live or from exported files.

use super::printer::{BOLD, Printer, RED};
use super::{Global, configuration};
use crate::bundle::{self, Manifest};
use crate::collect::events;
use crate::collect::live::{self, Base, Live, Note, Outcome};
use crate::collect::offline::{self, Collected, Wishes};
use crate::config::Config;
use crate::error::{Error, Result, exit};
use crate::report::plain;
use indicatif::ProgressBar;
use serde_json::json;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Instant;

#[derive(clap::Args)]
pub struct Args {
    /// Read files that an administrator exported (ad/, entra/, cloudsync/, connect/) instead of live servers
    #[arg(long, value_name = "DIR", conflicts_with = "since")]
    offline: Option<PathBuf>,
    /// The bundle to make; nothing is written over
    #[arg(long, value_name = "BUNDLE")]
    out: PathBuf,
    /// What the bundle is for; an audit also needs logs, access packages and replication metadata. Of exported files all are read
    #[arg(long = "for", id = "purpose", value_enum, default_value_t = Purpose::Assess)]
    purpose: Purpose,
    /// Read only what has changed since this bundle was collected; the result is that of a full collection
    #[arg(long, value_name = "BUNDLE")]
    since: Option<PathBuf>,
    /// Share of the tenant's Microsoft Graph limit to use, in percent
    #[arg(long, value_name = "PERCENT", value_parser = clap::value_parser!(u8).range(1..=100), conflicts_with = "offline")]
    graph_budget: Option<u8>,
    /// Zone of the times in CSV exports of security events, as +01:00 [default: taken as UTC, and said]; XML has its own
    #[arg(long, value_name = "OFFSET", requires = "offline", allow_hyphen_values = true)]
    event_zone: Option<chrono::FixedOffset>,
    /// Make a bundle even if the collection falls short; it says so for ever
    #[arg(long)]
    accept_partial: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Purpose {
    Assess,
    Audit,
}

pub fn run(args: Args, global: &Global, printer: &mut Printer) -> Result<u8> {
    let config = configuration(global, printer)?;
    let created = || chrono::Utc::now().to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
    let manifest = match &args.offline {
        Some(dir) => {
            let wishes = Wishes { domain: config.settings.cloud_sync.domain.clone(), event_zone: args.event_zone };
            collect(dir, &args.out, &wishes, created(), args.accept_partial, printer)?
        }
        None => {
            bundle::write::check_target(&args.out)?;
            let base = args.since.as_deref().map(Base::open).transpose()?;
            let wishes = live::Wishes {
                audit: args.purpose == Purpose::Audit,
                graph_budget: args.graph_budget,
                questions: Some(crate::predict::questions),
                ..live::Wishes::default()
            };
            let read =
                read_live(&config, wishes, base, printer).map_err(|e| match live::has_source(&config.settings) {
                    true => e,
                    false => e.hint("To read files that an administrator exported instead, give --offline DIR."),
                });
            match read? {
                Outcome::Interrupted => {
                    printer.note("interrupted: no bundle was written");
                    return Ok(exit::INTERRUPTED);
                }
                Outcome::Done(mut collected) => {
                    if args.purpose == Purpose::Audit {
                        add_events(&mut collected, &config)?;
                    }
                    save(*collected, &args.out, created(), args.accept_partial, Way::Live, printer)?
                }
            }
        }
    };
    show(&manifest, &args.out, printer);
    Ok(exit::DONE)
}

/// Runs the live collection with its progress line and its notes.
pub(super) fn read_live(
    config: &Config,
    wishes: live::Wishes,
    since: Option<Base>,
    printer: &mut Printer,
) -> Result<Outcome> {
    // Secrets may be asked for first, so there is no progress line before something is being done.
    let bar: OnceLock<ProgressBar> = OnceLock::new();
    let shown = Mutex::new((printer, BTreeMap::<&'static str, Line>::new()));
    let tell = |note: Note<'_>| {
        let (printer, lines) = &mut *shown.lock().unwrap_or_else(PoisonError::into_inner);
        let aside = |print: &mut dyn FnMut()| match bar.get() {
            Some(bar) => bar.suspend(print),
            None => print(),
        };
        match note {
            Note::Doing { part, what, done, of } => {
                lines.entry(part).or_insert_with(Line::new).tell(what, done, of);
                let text: Vec<String> = lines.iter().map(|(part, line)| format!("{part}: {}", line.text())).collect();
                bar.get_or_init(|| printer.progress("")).set_message(text.join(" | "));
            }
            Note::Detail(text) => aside(&mut || printer.detail(plain(&text))),
            Note::Notice(text) => aside(&mut || printer.note(plain(&text))),
            Note::Warning(text) => aside(&mut || printer.warn(plain(&text))),
        }
    };
    let done = Live { config, wishes, since, tell: &tell }.collect();
    if let Some(bar) = bar.get() {
        bar.finish_and_clear();
    }
    done
}

/// What one side is doing, with its rate.
struct Line {
    what: String,
    since: Instant,
    done: u64,
    of: Option<u64>,
}

impl Line {
    fn new() -> Self {
        Line { what: String::new(), since: Instant::now(), done: 0, of: None }
    }
    fn tell(&mut self, what: &str, done: u64, of: Option<u64>) {
        if self.what != what {
            (self.what, self.since) = (what.to_owned(), Instant::now());
        }
        (self.done, self.of) = (done, of);
    }
    fn text(&self) -> String {
        let seconds = self.since.elapsed().as_secs_f64();
        let rate = if self.done > 0 && seconds > 0.5 {
            format!(", {:.0}/s", self.done as f64 / seconds)
        } else {
            String::new()
        };
        match (self.done, self.of) {
            (0, _) => self.what.clone(),
            (done, Some(of)) => format!("{} {done} of {of}{rate}", self.what),
            (done, None) => format!("{} {done}{rate}", self.what),
        }
    }
}

/// Collects exported files and writes; used by `demo` too.
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
    save(collected?, out, created, accept_partial, Way::Offline, printer)
}

/// Where the state came from.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Live,
    Offline,
}

/// Adds the security events that are exported for audits, where the configuration names their folder.
pub(super) fn add_events(collected: &mut Collected, config: &Config) -> Result<()> {
    let ad = &config.settings.ad;
    let Some(dir) = &ad.events else { return Ok(()) };
    let zone = ad.event_zone.as_deref().map(|text| {
        text.parse().map_err(|_| {
            Error::usage(format!("[ad] event_zone {text:?} is no offset from UTC"))
                .hint("Write it as \"+01:00\", or \"-05:00\".")
        })
    });
    events::add(collected, dir, zone.transpose()?)
}

/// Writes what was collected live, as of now.
pub(super) fn save_live(
    collected: Collected,
    out: &Path,
    accept_partial: bool,
    printer: &mut Printer,
) -> Result<Manifest> {
    let created = chrono::Utc::now().to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
    save(collected, out, created, accept_partial, Way::Live, printer)
}

/// Writes the bundle, unless what was collected falls short and that is not accepted.
fn save(
    collected: Collected,
    out: &Path,
    created: String,
    accept_partial: bool,
    way: Way,
    printer: &mut Printer,
) -> Result<Manifest> {
    for source in &collected.sources {
        match way {
            Way::Offline => printer.detail(format!("read {} ({} bytes)", plain(&source.name), source.bytes)),
            Way::Live => printer.detail(format!("read {}", plain(&source.name))),
        }
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
        let again = match way {
            Way::Offline => "Export the missing part and collect again.",
            Way::Live => "Mend what is named above, or collect again at a quieter time.",
        };
        return Err(Error::failed("the collection falls short; no bundle was written")
            .hint(again)
            .hint("Or give --accept-partial: then the bundle and every report say that it is partial, and what rests on the missing part is unknown."));
    }
    let bar = printer.progress("writing the bundle");
    let about = bundle::write::About {
        created,
        anonymised: false,
        sources: collected.sources,
        certificate: collected.certificate,
    };
    let manifest = bundle::write_with(&collected.inventory, about, collected.raw, out);
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
    for line in manifest.certificate.parts.iter().flat_map(|part| &part.hidden) {
        printer.line(format!("  not shown to this account: {}", plain(line)));
    }
    for line in &manifest.certificate.not_looked_at {
        printer.line(format!("  not looked at: {}", plain(line)));
    }
    if count("problems") > 0 {
        printer.line(format!("  {} problem(s) in the input; the assessment lists them", count("problems")));
    }
    printer.note(format!("Next: groupshift assess {}", out.display()));
}
