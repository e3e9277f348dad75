//! `audit`: live or collected state in, held against a plan or a run's snapshots; every check, and the reports.

use super::assess::{SeverityArg, dated, settings};
use super::printer::{BOLD, DIM, GREEN, Printer, RED, YELLOW};
use super::state::{State, Wanted};
use super::{Global, configuration};
use crate::assess::AboutBundle;
use crate::audit::model::{Audit, View};
use crate::audit::{self, AUDIT_SCHEMA, Audited, Evidence, Former, Input, Settings};
use crate::config::{Config, Origin};
use crate::directory::Inventory;
use crate::error::{Error, Place, Result, exit};
use crate::report::audit::compare::Comparison;
use crate::report::audit::document::Point;
use crate::report::audit::{FILE_NAMES, Report, history, words, write};
use crate::report::folder::{Folder, create_private};
use crate::report::html::{RuleText, SourceText};
use crate::report::model::{GateStatus, Severity};
use crate::report::plain;
use chrono::{DateTime, Utc};
use clap::ValueEnum;
use serde_json::json;
use std::path::{Path, PathBuf};

#[derive(clap::Args)]
pub struct Args {
    /// What the groups were before: plan.json, the folder of exported snapshots, or a run of the store
    #[arg(long, value_name = "PLAN|SNAPSHOT|RUN")]
    against: Option<String>,
    /// The last audit's audit.json, or its folder: says what is new, fixed and unchanged
    #[arg(long, value_name = "AUDIT")]
    baseline: Option<PathBuf>,
    /// Audit this bundle instead of the live state (collect --for audit, or collect --offline)
    #[arg(long, value_name = "BUNDLE")]
    bundle: Option<PathBuf>,
    /// Folder for the reports [default: a dated folder under reports/]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Replace reports that this program wrote into the folder before
    #[arg(long)]
    force: bool,
    /// Which reports to write
    #[arg(long, value_enum, value_delimiter = ',', value_name = "LIST", default_value = "all")]
    reports: Vec<Kind>,
    /// Exit with 3 if a check fails at or above this severity
    #[arg(long, value_enum, value_name = "SEVERITY", default_value = "high")]
    fail_on: SeverityArg,
    /// Count checks that are not known too
    #[arg(long)]
    fail_on_unknown: bool,
    /// Count only failures that the baseline did not have
    #[arg(long, requires = "baseline", conflicts_with = "fail_on_unknown")]
    fail_on_new: bool,
    /// Changes before this moment are the cutover's own, as 2026-11-24T23:30:00Z [default: as the snapshots or stamps tell]
    #[arg(long, value_name = "TIME")]
    since: Option<DateTime<Utc>>,
    /// Keep the live state that is audited as a bundle
    #[arg(long, value_name = "BUNDLE", conflicts_with = "bundle")]
    keep_bundle: Option<PathBuf>,
    /// Share of the tenant's Microsoft Graph limit to use, in percent
    #[arg(long, value_name = "PERCENT", value_parser = clap::value_parser!(u8).range(1..=100), conflicts_with = "bundle")]
    graph_budget: Option<u8>,
    /// Audit though the live collection falls short; every report says so
    #[arg(long, conflicts_with = "bundle")]
    accept_partial: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Kind {
    All,
    Json,
    Html,
    Csv,
    Md,
    Junit,
    Sarif,
    /// Only judge and print
    None,
}

pub fn run(args: Args, global: &Global, printer: &mut Printer) -> Result<u8> {
    let config = configuration(global, printer)?;
    let settings = audit_settings(&config, args.since)?;
    let kinds = [Kind::Json, Kind::Html, Kind::Csv, Kind::Md, Kind::Junit, Kind::Sarif];
    let chosen = |kind: &Kind| args.reports.contains(&Kind::All) || args.reports.contains(kind);
    let names: Vec<&'static str> =
        FILE_NAMES.into_iter().zip(kinds).filter(|(_, kind)| chosen(kind)).map(|(name, _)| name).collect();
    let out = args.out.clone().unwrap_or_else(|| dated("audit"));
    // What is wrong with the arguments shows before anything is read.
    let folder = (!names.is_empty()).then(|| Folder::prepare(&out, &names, args.force)).transpose()?;
    let last = args.baseline.as_deref().map(read_baseline).transpose()?;
    let store = &config.settings.store.dir;
    let former = args.against.as_deref().map(|what| Former::open(what, store, Utc::now())).transpose()?;
    let wanted = Wanted {
        bundle: args.bundle.as_deref(),
        audit: true,
        events: true,
        graph_budget: args.graph_budget,
        accept_partial: args.accept_partial,
        keep: args.keep_bundle.as_deref(),
    };
    let Some(state) = State::read(wanted, &config, printer)? else {
        printer.note("interrupted: nothing was written");
        return Ok(exit::INTERRUPTED);
    };
    let bar = printer.progress("auditing");
    let evidence = Evidence::read(&state.dir, &state.opened)?;
    let audited = audit::audit(Input {
        inventory: &state.inventory,
        settings: &settings,
        about: state.about(),
        evidence: &evidence,
        former: former.as_ref(),
    })?;
    let comparison = match &last {
        Some((name, last)) => Some(Comparison::of(&audited, last, name)?),
        None => None,
    };
    bar.set_message("writing the reports");
    let trend = keep_trend(&config, &audited, printer);
    if let Some(folder) = &folder {
        publish(&audited, comparison.as_ref(), &trend, folder, &names)?;
    }
    bar.finish_and_clear();
    show(&audited, comparison.as_ref(), folder.as_ref().map(|_| out.as_path()), &names, printer);
    let limit = Severity::from(args.fail_on);
    let reaches = match (&comparison, args.fail_on_new) {
        (Some(comparison), true) => comparison.has_new(&audited, limit),
        _ => audited.reaches(limit, args.fail_on_unknown),
    };
    Ok(if reaches { exit::FINDINGS } else { exit::DONE })
}

pub(super) fn audit_settings(config: &Config, since: Option<DateTime<Utc>>) -> Result<Settings> {
    Ok(Settings {
        assess: settings(config, &[])?,
        approved_writers: config.settings.ad.approved_writers.clone(),
        since,
    })
}

/// Reads the last audit; `audit.json` itself, or the folder that holds it.
fn read_baseline(path: &Path) -> Result<(String, Audit)> {
    let file = if path.is_dir() { path.join(FILE_NAMES[0]) } else { path.to_owned() };
    let bytes = std::fs::read(&file).map_err(|e| match e.kind() {
        std::io::ErrorKind::NotFound => Error::usage("there is no audit here to compare with")
            .at(Place::file(&file))
            .hint("Give --baseline the audit.json of the last audit, or the folder that holds it."),
        _ => Error::io("read the last audit from", &file, e),
    })?;
    let value: serde_json::Value =
        serde_json::from_slice(&bytes).map_err(|e| crate::collect::graph_json::json_error(&file, &e))?;
    let schema = value.get("schema").and_then(serde_json::Value::as_str).unwrap_or("none");
    if schema != AUDIT_SCHEMA {
        return Err(Error::input(
            Place::file(&file),
            format!("the schema is {schema:?}, this program reads {AUDIT_SCHEMA:?}"),
        )
        .hint("Give --baseline the audit.json of an audit, made by a version of groupshift that writes this schema."));
    }
    let audit: Audit = serde_json::from_value(value).map_err(|e| {
        Error::input(Place::file(&file), format!("this is no audit of this program: {e}"))
            .hint("The file was changed or cut: use another audit, or audit without --baseline.")
    })?;
    Ok((file.to_string_lossy().replace('\\', "/"), audit))
}

/// The audits of before, with this one added to them. Kept where there is a store or one is configured; never a reason to
/// fail.
fn keep_trend(config: &Config, audited: &Audited<'_>, printer: &mut Printer) -> Vec<Point> {
    let store = &config.settings.store.dir;
    let now = Point::of(audited);
    let named = config.origin("store", "dir").is_some_and(|origin| *origin != Origin::Default);
    if !store.is_dir() && !named {
        printer.detail(
            "there is no store, so this audit is not kept for a trend; [store] dir in groupshift.toml names one",
        );
        return vec![now];
    }
    let history = match history::read(store) {
        Ok(history) => history,
        Err(e) => {
            printer.warn(format!("the trend is left out: {}", plain(&e.to_string())));
            return vec![now];
        }
    };
    if history.unreadable > 0 {
        printer.warn(format!(
            "{} line(s) of {} are no audits and are passed over",
            history.unreadable,
            store.join(history::FILE).display()
        ));
    }
    let trend = history::up_to(&history, &now);
    if audited.header().bundle.anonymised {
        return trend;
    }
    let known = history.points.contains(&now);
    let kept = match known {
        true => Ok(()),
        false => create_private(store).and_then(|()| history::add(store, &now)),
    };
    if let Err(e) = kept {
        printer.warn(format!("this audit is not kept for the trend: {}", plain(&e.to_string())));
    }
    trend
}

fn publish(
    view: &dyn View,
    baseline: Option<&Comparison>,
    trend: &[Point],
    folder: &Folder,
    names: &[&'static str],
) -> Result<()> {
    let registry = check_texts();
    write(&Report { view, registry: &registry, baseline, trend }, folder, names).map(drop)
}

/// The registry's texts, for appendices.
pub fn check_texts() -> Vec<RuleText<'static>> {
    let sources = |keys: &'static [&'static str]| {
        let of = |key: &&'static str| SourceText {
            key,
            title: crate::assess::sources::title(key).unwrap_or(key),
            url: None,
        };
        keys.iter().map(of).collect()
    };
    audit::checks()
        .iter()
        .map(|c| RuleText { id: c.id, title: c.title, why: c.why, remedy: c.remedy, sources: sources(c.sources) })
        .collect()
}

/// The step of `demo`: the state that a rehearsed run left behind, against what its groups were before. Returns what to
/// print of it.
pub(super) fn demo(
    inventory: &Inventory,
    about: AboutBundle,
    former: &Former,
    settings: &crate::assess::Settings,
    out: &Path,
) -> Result<Vec<String>> {
    let settings = Settings { assess: settings.clone(), ..Settings::default() };
    let evidence = Evidence::default();
    let audited =
        audit::audit(Input { inventory, settings: &settings, about, evidence: &evidence, former: Some(former) })?;
    publish(&audited, None, &[], &Folder::prepare(out, &FILE_NAMES, false)?, &FILE_NAMES)?;
    Ok(lines(&audited))
}

/// Writes every report of an audit; for the example and its tests.
pub fn write_audit(view: &dyn View, folder: &Folder) -> Result<()> {
    publish(view, None, &[], folder, &FILE_NAMES)
}

/// What was found, in a few lines.
pub(super) fn show(
    view: &dyn View,
    baseline: Option<&Comparison>,
    out: Option<&Path>,
    names: &[&str],
    printer: &mut Printer,
) {
    let header = view.header();
    if printer.is_json() {
        let files: Vec<PathBuf> = out.map(|o| names.iter().map(|n| o.join(n)).collect()).unwrap_or_default();
        let checks: Vec<_> = (0..view.checks()).map(|i| view.check(i)).collect();
        return printer.json(&json!({
            "schema": header.schema, "out": out, "files": files, "bundle": header.bundle, "against": header.against,
            "summary": header.summary, "checks": checks, "limits": header.limits,
            "baseline": baseline.map(|b| json!({ "name": b.name, "counts": b.counts, "checks": b.checks, "notes": b.notes })),
        }));
    }
    if !header.bundle.complete {
        printer
            .line(format!("{RED}PARTIAL{RED:#}: the collection fell short; what rests on the missing part is unknown"));
    }
    lines(view).into_iter().for_each(|line| printer.line(line));
    if let Some(baseline) = baseline {
        printer.line(format!("{BOLD}Since last time{BOLD:#}: {}", plain(&words::since(baseline))));
        for note in &baseline.notes {
            printer.line(format!("  {YELLOW}note{YELLOW:#} {}", plain(note)));
        }
    }
    if header.against.name.is_none() {
        printer.line(format!(
            "{DIM}Held against nothing but the tenant itself; --against PLAN says what the groups were before{DIM:#}"
        ));
    }
    for limit in &header.limits {
        printer.line(format!("{DIM}Limits: {}{DIM:#}", plain(limit)));
    }
    if let Some(out) = out {
        printer.line(format!("{BOLD}Reports{BOLD:#}: {}", out.display()));
    }
}

/// The verdict, and every check that applies.
fn lines(view: &dyn View) -> Vec<String> {
    let mut out = Vec::new();
    let (headline, more) = words::verdict(view);
    out.push(format!("{BOLD}Audit{BOLD:#}: {}", plain(&headline)));
    for line in more {
        out.push(format!("  {}", plain(&line)));
    }
    for i in words::ordered(view) {
        let check = view.check(i);
        let word = match check.status {
            GateStatus::Fail => format!("{RED}FAIL{RED:#}   "),
            GateStatus::Unknown => format!("{YELLOW}unknown{YELLOW:#}"),
            GateStatus::Pass => format!("{GREEN}pass{GREEN:#}   "),
            GateStatus::NotApplicable => continue,
        };
        let severity =
            if check.status == GateStatus::Fail { format!(" [{}]", check.severity.as_str()) } else { String::new() };
        out.push(format!("  {word} {} {}{severity}", check.id, check.title));
        if check.status != GateStatus::Pass {
            out.push(format!("          {DIM}{}{DIM:#}", plain(&check.message)));
        }
    }
    let other = view.header().summary.checks.not_applicable;
    if other > 0 {
        out.push(format!("  {DIM}{other} check(s) do not apply{DIM:#}"));
    }
    out
}
