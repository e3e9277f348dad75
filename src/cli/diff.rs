//! `diff`: what Cloud Sync will change, from one bundle; what changed between two.

use super::assess::{LimitArgs, dated, settings};
use super::printer::{BOLD, DIM, Printer, RED, YELLOW};
use super::{Global, configuration};
use crate::assess::{AboutBundle, Assessed, Settings};
use crate::bundle;
use crate::error::{Result, exit};
use crate::plan::difference::scans::{Scan, ScanDifference};
use crate::plan::difference::{Difference, ScopeChoice, forecast};
use crate::report::diff::model::{DiffView, Head, ScanHeader};
use crate::report::diff::{self, FILE_NAMES, text};
use crate::report::folder::Folder;
use crate::report::model::Severity;
use crate::report::plain;
use clap::ValueEnum;
use serde_json::json;
use std::path::{Path, PathBuf};

#[derive(clap::Args)]
pub struct Args {
    /// The bundle to predict from, or the earlier of two scans
    #[arg(value_name = "BUNDLE")]
    bundle: PathBuf,
    /// The later scan: then what changed between the two is shown
    #[arg(value_name = "OTHER", conflicts_with_all = ["scope", "members", "accept"])]
    other: Option<PathBuf>,
    /// Folder for the reports [default: a dated folder under reports/]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Replace reports that this program wrote into the folder before
    #[arg(long)]
    force: bool,
    /// Which reports to write
    #[arg(long, value_enum, value_delimiter = ',', value_name = "LIST", default_value = "all")]
    reports: Vec<Kind>,
    /// Which groups are in the job's scope [default: planned]
    #[arg(long, value_enum, value_name = "WHICH")]
    scope: Option<Scope>,
    /// Whether "Provision membership to on-premises users" is on; without it, that is unknown
    #[arg(long = "on-premises-members", value_enum, value_name = "ON|OFF")]
    members: Option<OnOff>,
    #[command(flatten)]
    limit: LimitArgs,
    /// Pass a gate that cannot be observed from here on your word, for example "E14=checked in the portal"
    #[arg(long = "accept", value_name = "GATE=REASON")]
    accept: Vec<String>,
    /// How many groups or objects to print
    #[arg(long, value_name = "N", default_value_t = 40)]
    show: usize,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Kind {
    All,
    Html,
    Csv,
    Json,
    Md,
    /// Only compare and print
    None,
}

#[derive(Clone, Copy, ValueEnum)]
enum Scope {
    /// Every written-back group, as after the last wave
    Planned,
    /// What the job takes today
    Job,
}

#[derive(Clone, Copy, ValueEnum)]
enum OnOff {
    On,
    Off,
}

pub fn run(args: Args, global: &Global, printer: &mut Printer) -> Result<u8> {
    let config = configuration(global, printer)?;
    let settings = settings(&config, &args.accept)?;
    let kinds = [Kind::Json, Kind::Html, Kind::Csv, Kind::Md];
    let chosen = |kind: &Kind| args.reports.contains(&Kind::All) || args.reports.contains(kind);
    let names: Vec<&'static str> =
        FILE_NAMES.into_iter().zip(kinds).filter(|(_, kind)| chosen(kind)).map(|(name, _)| name).collect();
    let out = args.out.clone().unwrap_or_else(|| dated("diff"));
    let limit = args.limit.fail_on.map(Severity::from);
    let bar = printer.progress("reading the bundle");
    let (opened, inventory) = bundle::open(&args.bundle)?;
    let about = AboutBundle::of(&opened);
    let reaches = match &args.other {
        None => {
            bar.set_message("predicting");
            let scope = match args.scope {
                None | Some(Scope::Planned) => ScopeChoice::Planned,
                Some(Scope::Job) => ScopeChoice::Job,
            };
            let option = args.members.map(|o| matches!(o, OnOff::On));
            let assessed = Assessed::run(&inventory, &settings, AboutBundle::of(&opened))?;
            let forecast = forecast(&assessed, &settings, scope, option);
            let difference = Difference::of(&forecast, &settings, scope, &about);
            bar.set_message("writing the reports");
            publish(&difference, &out, &names, args.force)?;
            bar.finish_and_clear();
            show(&difference, &out, &names, args.show, printer);
            limit.is_some_and(|limit| difference.reaches(limit, args.limit.fail_on_unknown))
        }
        Some(other) => {
            bar.set_message("reading the other bundle");
            let (opened, later) = bundle::open(other)?;
            bar.set_message("comparing");
            let scans = ScanDifference::of(
                Scan { inventory: &inventory, about },
                Scan { inventory: &later, about: AboutBundle::of(&opened) },
                &settings,
            );
            bar.set_message("writing the reports");
            publish(&scans, &out, &names, args.force)?;
            bar.finish_and_clear();
            if let Head::Scans(ScanHeader { summary: s, .. }) = scans.head()
                && s.objects_before > 0
                && s.objects_after > 0
                && (s.removed, s.added) == (s.objects_before, s.objects_after)
            {
                printer.warn("the two scans have no object in common: they are of different forests and tenants, or one of them is anonymised");
            }
            show(&scans, &out, &names, args.show, printer);
            // A change between two scans carries no severity of its own: any counts.
            limit.is_some() && !scans.is_empty()
        }
    };
    Ok(if reaches { exit::FINDINGS } else { exit::DONE })
}

fn publish(view: &dyn DiffView, out: &Path, names: &[&'static str], force: bool) -> Result<()> {
    if !names.is_empty() {
        diff::write(view, &Folder::prepare(out, names, force)?, names)?;
    }
    Ok(())
}

/// The step of `demo`: predicts, writes, says where.
pub fn demo(
    assessed: &Assessed<'_>,
    about: &AboutBundle,
    settings: &Settings,
    out: &Path,
    printer: &mut Printer,
) -> Result<()> {
    let scope = ScopeChoice::default();
    let forecast = forecast(assessed, settings, scope, None);
    let difference = Difference::of(&forecast, settings, scope, about);
    publish(&difference, out, &FILE_NAMES, false)?;
    // The demo's one JSON document is the assessment's.
    if !printer.is_json() {
        show(&difference, out, &FILE_NAMES, 0, printer);
    }
    Ok(())
}

fn show(view: &dyn DiffView, out: &Path, names: &[&str], rows: usize, printer: &mut Printer) {
    let written = (!names.is_empty()).then_some(out);
    if printer.is_json() {
        let files: Vec<PathBuf> = written.map(|o| names.iter().map(|n| o.join(n)).collect()).unwrap_or_default();
        let head = match view.head() {
            Head::Forecast(header) => serde_json::to_value(header),
            Head::Scans(header) => serde_json::to_value(header),
        };
        let mut value = head.unwrap_or_default();
        value["out"] = json!(written);
        value["files"] = json!(files);
        return printer.json(&value);
    }
    if let Head::Forecast(header) = view.head()
        && !header.bundle.complete
    {
        printer
            .line(format!("{RED}PARTIAL{RED:#}: the collection fell short; what rests on the missing part is unknown"));
    }
    if rows > 0 {
        let mut lines = Vec::new();
        text::rows(view, rows, &mut |line| lines.push(line));
        lines.into_iter().for_each(|line| printer.line(line));
    }
    printer.line(format!("{BOLD}Difference{BOLD:#}: {}", plain(&text::headline(view.head()))));
    if let Head::Forecast(header) = view.head() {
        for point in &header.summary.open_points {
            printer.line(format!(
                "  {YELLOW}open{YELLOW:#}     {} ({}): {} {DIM}{}{DIM:#}",
                point.point, point.groups, point.question, point.settled_by
            ));
        }
        if header.basis.mappings == "defaults" {
            printer.line(format!(
                "{DIM}There is no Cloud Sync job: names and places are those of the documented default mappings{DIM:#}"
            ));
        }
    }
    if let Some(out) = written {
        printer.line(format!("{BOLD}Reports{BOLD:#}: {}", out.display()));
    }
}
