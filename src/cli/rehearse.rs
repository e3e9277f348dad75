//! `rehearse`: the whole run of a plan on an in-memory twin of its bundle, with faults on request.

use super::printer::{BOLD, DIM, GREEN, Printer, RED, YELLOW};
use super::{Global, assess, configuration};
use crate::assess::Settings;
use crate::bundle;
use crate::cutover::engine::Options;
use crate::cutover::port::Level;
use crate::cutover::record::LogLine;
use crate::cutover::store::Run;
use crate::error::{Error, Place, Result, exit};
use crate::plan::{self, Plan};
use crate::report::folder::{Folder, create_private};
use crate::report::{self, plain};
use crate::twin::{Rehearsal, Scene, Stage, Twin};
use std::path::{Path, PathBuf};

#[derive(clap::Args)]
pub struct Args {
    /// The plan
    #[arg(value_name = "PLAN")]
    plan: PathBuf,
    /// The bundle that it was made from [default: where the plan says]
    #[arg(long, value_name = "BUNDLE")]
    bundle: Option<PathBuf>,
    /// Let things go wrong: each fault once, at a moment drawn from this number, then several at a time
    #[arg(long, value_name = "SEED")]
    faults: Option<u64>,
    /// Keep the run's report of the rehearsal in this folder [default: nothing is kept]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

pub fn run(args: Args, global: &Global, printer: &mut Printer) -> Result<u8> {
    let plan = plan::read(&args.plan)?;
    let config = configuration(global, printer)?;
    let settings = assess::settings(&config, &[])?;
    let bundle = match args.bundle {
        Some(path) => path,
        None => plan.bundle.path.split('/').fold(beside(&args.plan), |path, part| path.join(part)),
    };
    let bar = printer.progress("reading the bundle");
    let opened = bundle::open(&bundle).map_err(|e| {
        e.hint("The bundle that a plan was made from is looked for where it was, seen from the plan. Name it with --bundle.")
    })?;
    if opened.0.sha256 != plan.bundle.sha256 {
        return Err(Error::usage(format!(
            "this is not the bundle that the plan was made from: its manifest's SHA-256 is {}, and the plan says {}",
            opened.0.sha256, plan.bundle.sha256
        ))
        .at(Place::file(&bundle))
        .hint("Name the right one with --bundle, or plan again from this one."));
    }
    drop(opened);
    bar.set_message("rehearsing");
    let rehearsal = rehearse(&plan, &bundle, settings, args.faults, args.out.as_deref(), None)?;
    bar.finish_and_clear();
    show(&plan, &rehearsal, global.verbose > 0, printer);
    if let Some(out) = args.out.as_deref().filter(|_| !printer.is_json()) {
        printer.line(format!("{BOLD}Report{BOLD:#}: {}", out.join("run.html").display()));
    }
    Ok(if rehearsal.safe { exit::DONE } else { exit::FAILED })
}

fn beside(plan: &Path) -> PathBuf {
    plan.parent().map(Path::to_owned).unwrap_or_default()
}

/// Told how the run in which nothing goes wrong ended, while its store and its twin are still there.
pub type Ended<'e> = dyn Fn(&Run, &Twin) -> Result<()> + 'e;

/// Plays it; the report of the run in which nothing goes wrong is kept in `out`.
pub fn rehearse(
    plan: &Plan,
    bundle: &Path,
    settings: Settings,
    seed: Option<u64>,
    out: Option<&Path>,
    ended: Option<&Ended<'_>>,
) -> Result<Rehearsal> {
    let folder = match out {
        Some(out) => Some(Folder::prepare(out, &report::run::FILE_NAMES, false)?),
        None => None,
    };
    let read = || Ok(bundle::open(bundle)?.1);
    let kept = |title: &str, run: &Run, twin: &Twin| {
        if title != crate::twin::SMOOTH {
            return Ok(());
        }
        if let Some(folder) = &folder {
            report::run::write_to(&report::run::report(run, plan)?, folder)?;
        }
        ended.map_or(Ok(()), |ended| ended(run, twin))
    };
    let settings = Settings {
        scope: if plan.job.scope == "attribute" {
            crate::assess::ScopeMode::Attribute
        } else {
            crate::assess::ScopeMode::Selected
        },
        domain: settings.domain.or_else(|| plan.bundle.domain.clone()),
        writeback_ou: settings.writeback_ou.or_else(|| plan.bundle.writeback_container.clone()),
        ..settings
    };
    let dir = tempfile::tempdir().map_err(|e| Error::io("make a folder in", &std::env::temp_dir(), e))?;
    create_private(dir.path())?;
    let options = Options { settings, ..Options::default() };
    let stage = Stage { plan, inventory: &read, options, dir: dir.path().to_owned(), kept: Some(&kept) };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .map_err(|e| Error::failed(format!("cannot start the runtime: {e}")))?;
    runtime.block_on(stage.rehearse(seed))
}

/// What was seen, scene by scene, and the verdict.
pub fn show(plan: &Plan, rehearsal: &Rehearsal, whole: bool, printer: &mut Printer) {
    if printer.is_json() {
        printer.json(&serde_json::to_value(rehearsal).unwrap_or_default());
        return;
    }
    printer.line(format!(
        "{BOLD}Rehearsal{BOLD:#} of plan {} on a twin of {}: {} groups in {} waves",
        &plan.sha256[..12.min(plan.sha256.len())],
        plain(&rehearsal.domain),
        plan.summary.planned,
        plan.summary.waves
    ));
    if rehearsal.draft {
        printer.line(format!(
            "{RED}DRAFT{RED:#}: no run executes this plan. What would stop a real run is told below, and passed here."
        ));
    }
    for (number, scene) in rehearsal.scenes.iter().enumerate() {
        printer.line(format!("{BOLD}{}. {}{BOLD:#}", number + 1, plain(&scene.title)));
        match number == 0 || whole {
            true => lines(scene, whole, printer),
            false => stops(scene, printer),
        }
        let style = if scene.safe { GREEN } else { RED };
        printer.line(format!("  {style}{}{style:#}", plain(&scene.verdict)));
        for against in &scene.against {
            printer.line(format!("    {RED}{}{RED:#}", plain(against)));
        }
    }
    let safe = rehearsal.scenes.iter().filter(|s| s.safe).count();
    let style = if rehearsal.safe { GREEN } else { RED };
    printer.line(format!(
        "{style}{BOLD}Verdict{BOLD:#}{style:#}: {safe} of {} runs ended safely{}",
        rehearsal.scenes.len(),
        match (rehearsal.seed, rehearsal.safe) {
            (None, true) => "; with --faults SEED things go wrong".to_owned(),
            (Some(seed), false) => format!("; the same again with --faults {seed}"),
            _ => String::new(),
        }
    ));
}

/// What the operator of a run in which nothing goes wrong sees. Writes one by one only on request.
fn lines(scene: &Scene, whole: bool, printer: &mut Printer) {
    let mut writes = 0u64;
    let told = |writes: &mut u64, printer: &mut Printer| {
        if *writes > 0 {
            printer.line(format!("      {DIM}{writes} writes{DIM:#}"));
        }
        *writes = 0;
    };
    for line in &scene.lines {
        if line.level == Level::Write && !whole {
            writes += 1;
            continue;
        }
        told(&mut writes, printer);
        printer.line(shown(line));
    }
    told(&mut writes, printer);
}

fn shown(line: &LogLine) -> String {
    let time = line.at.format("%d %H:%M");
    let text = plain(&line.text);
    match line.level {
        Level::Step => format!("  {DIM}{time}{DIM:#} {BOLD}{text}{BOLD:#}"),
        Level::Info | Level::Write => format!("  {DIM}{time}   {text}{DIM:#}"),
        Level::Warning => format!("  {DIM}{time}{DIM:#}   {YELLOW}{text}{YELLOW:#}"),
        Level::Trouble => format!("  {DIM}{time}{DIM:#}   {RED}{text}{RED:#}"),
    }
}

/// Of a run in which things go wrong: what did, where the run stopped, and what was done next.
fn stops(scene: &Scene, printer: &mut Printer) {
    for happened in &scene.happened {
        printer.line(format!("  {YELLOW}{}{YELLOW:#}", plain(happened)));
    }
    if scene.happened.is_empty() {
        printer.line(format!("  {DIM}the moment for it never came{DIM:#}"));
    }
    for stop in &scene.stops {
        printer.line(format!("  {}: {}", stop.kind, plain(&stop.headline)));
        for line in stop.lines.iter().take(4) {
            printer.line(format!("      {DIM}{}{DIM:#}", plain(line)));
        }
        if stop.lines.len() > 4 {
            printer.line(format!("      {DIM}and {} more{DIM:#}", stop.lines.len() - 4));
        }
        printer.line(format!("    -> {}", plain(&stop.did)));
    }
}
