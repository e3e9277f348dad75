//! `cutover`: begin a run, see where it stands, go on, take it back, take it over.

use super::printer::{BOLD, DIM, GREEN, Printer, RED, YELLOW};
use super::{Global, configuration};
use crate::config::Config;
use crate::cutover::engine::{Accept, Ending, Engine, Halt, Options, Stop};
use crate::cutover::live;
use crate::cutover::record::{RunState, StepState, WriteState};
use crate::cutover::rollback::{Rolled, Target};
use crate::cutover::store::{self, Run, Store};
use crate::directory::ObjectGuid;
use crate::error::{Error, Place, Result, exit};
use crate::plan::{self, Plan};
use crate::report::plain;
use serde_json::json;
use std::path::{Path, PathBuf};

#[derive(clap::Subcommand)]
pub enum Command {
    /// Execute a plan's next waves; writes to AD and Entra
    Run(RunArgs),
    /// Where a run stands
    Status(WhichRun),
    /// Go on after a stop
    Resume(ResumeArgs),
    /// Take back what a run did: a group, a wave, everything
    Rollback(RollbackArgs),
    /// Take over a run whose machine is lost, from its snapshot copy
    Adopt(AdoptArgs),
}

#[derive(clap::Args)]
pub struct WhichRun {
    /// Which run, where the store has several
    #[arg(long = "run", value_name = "ID")]
    id: Option<String>,
}

#[derive(clap::Args)]
struct How {
    /// End after this wave was verified
    #[arg(long, value_name = "NAME")]
    wave: Option<String>,
    /// Answer ordinary questions with yes; never the one before the point of no return
    #[arg(long)]
    yes: bool,
    /// Accept a gate or a difference on your word, by the name that the stop showed, for example "E14=checked in the portal"
    #[arg(long = "accept", value_name = "GATE=REASON")]
    accept: Vec<String>,
    /// Confirm the step that cannot be undone, by the name of the AD domain
    #[arg(long, value_name = "DOMAIN")]
    confirm_irreversible: Option<String>,
    /// A folder on another host: gets a copy of the snapshots, which the step that cannot be undone asks for
    #[arg(long, value_name = "DIR")]
    copy_to: Option<PathBuf>,
    /// The throwaway group, made by hand in Entra, where the program may not make groups
    #[arg(long, value_name = "OBJECTID")]
    throwaway: Option<String>,
}

#[derive(clap::Args)]
pub struct RunArgs {
    /// The plan
    #[arg(value_name = "PLAN")]
    plan: PathBuf,
    /// Show every write without doing it
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    how: How,
}

#[derive(clap::Args)]
pub struct ResumeArgs {
    #[command(flatten)]
    which: WhichRun,
    /// Go on with this domain controller, where the one that the run is pinned to is gone
    #[arg(long, value_name = "DC")]
    controller: Option<String>,
    #[command(flatten)]
    how: How,
}

#[derive(clap::Args)]
pub struct RollbackArgs {
    #[command(flatten)]
    which: WhichRun,
    /// One wave
    #[arg(long, value_name = "NAME", conflicts_with_all = ["group", "all"])]
    wave: Option<String>,
    /// One group, by object id, objectGUID or DN
    #[arg(long, value_name = "ID", conflicts_with = "all")]
    group: Option<String>,
    /// Everything that the run did
    #[arg(long)]
    all: bool,
    /// Do not ask
    #[arg(long)]
    yes: bool,
    /// Accept what the rollback asks about, by the name it shows
    #[arg(long = "accept", value_name = "NAME=REASON")]
    accept: Vec<String>,
}

#[derive(clap::Args)]
pub struct AdoptArgs {
    /// The folder that --copy-to or "snapshot export" wrote
    #[arg(value_name = "SNAPSHOT")]
    from: PathBuf,
    /// The chain's SHA-256 that was printed when the copy was written
    #[arg(long, value_name = "SHA256")]
    sha256: Option<String>,
}

pub fn run(command: Command, global: &Global, printer: &mut Printer) -> Result<u8> {
    match command {
        Command::Run(args) => begin(args, global, printer),
        Command::Status(which) => status(which, global, printer),
        Command::Resume(args) => resume(args, global, printer),
        Command::Rollback(args) => rollback(args, global, printer),
        Command::Adopt(args) => adopt(args, global, printer),
    }
}

fn options(how: How, config: &Config) -> Result<Options> {
    let accept = how.accept.iter().map(|text| accepted(text)).collect::<Result<_>>()?;
    let throwaway = match &how.throwaway {
        None => None,
        Some(text) => Some(ObjectGuid::parse(text).ok_or_else(|| Error::usage(format!("--throwaway {text:?} is no object id")))?),
    };
    Ok(Options {
        wave: how.wave,
        yes: how.yes,
        accept,
        confirm_irreversible: how.confirm_irreversible,
        copy_to: how.copy_to,
        throwaway,
        rehearsal: false,
        settings: super::assess::settings(config, &[])?,
    })
}

fn accepted(text: &str) -> Result<Accept> {
    let (subject, reason) = text.split_once('=').filter(|(s, r)| !s.trim().is_empty() && !r.trim().is_empty()).ok_or_else(|| {
        Error::usage(format!("--accept {text:?}: a reason is missing")).hint("Write it as --accept \"E14=checked in the portal\".")
    })?;
    let by = whoami::username().unwrap_or_else(|_| "(unknown account)".to_owned());
    Ok(Accept { subject: subject.trim().to_owned(), reason: reason.trim().to_owned(), by })
}

fn begin(args: RunArgs, global: &Global, printer: &mut Printer) -> Result<u8> {
    let plan = plan::read(&args.plan)?;
    refuse(&plan, &args.plan)?;
    if let Some(wave) = &args.how.wave {
        known_wave(&plan, wave)?;
    }
    let config = configuration(global, printer)?;
    let domain = domain_of(&plan)?;
    let options = options(args.how, &config)?;
    let store = Store::open(&config.settings.store.dir)?;
    if args.dry_run {
        return dry_run(&plan, &store, &options, &config, global, printer);
    }
    let lock = store.lock(&domain)?;
    let going = |r: &&crate::cutover::record::RunRecord| matches!(r.state, RunState::Open | RunState::Stopped);
    let runs = store.runs()?;
    let run = match runs.iter().filter(going).find(|r| r.domain.eq_ignore_ascii_case(&domain)) {
        Some(known) if known.plan_sha256 == plan.sha256 => {
            printer.note(format!("going on with run {} of this plan", known.id));
            store.run(Some(&known.id))?
        }
        Some(other) => {
            return Err(Error::usage(format!("run {} of another plan is not ended in {domain}", other.id))
                .hint(format!("Go on with it: groupshift cutover resume --run {}", other.id))
                .hint(format!("Or take it back: groupshift cutover rollback --run {} --all", other.id)));
        }
        None => {
            let bytes = std::fs::read(&args.plan).map_err(|e| Error::io("read the plan", &args.plan, e))?;
            store.begin(&plan, &bytes, &args.plan, &domain, chrono::Utc::now())?
        }
    };
    lock.name_run(run.id())?;
    go(&store, &run, &plan, &options, &config, None, global, printer)
}

/// What no run executes, whatever is accepted.
fn refuse(plan: &Plan, path: &Path) -> Result<()> {
    let what = match (plan.bundle.complete, plan.bundle.anonymised) {
        (_, true) => "the plan was made from an anonymised bundle",
        (false, _) => "the plan was made from a partial bundle",
        _ => return Ok(()),
    };
    Err(Error::input(Place::file(path), what).hint("Collect whole, from the real directory, and plan again."))
}

fn known_wave(plan: &Plan, wave: &str) -> Result<()> {
    if plan.waves.iter().any(|w| w.name == wave) {
        return Ok(());
    }
    let names: Vec<&str> = plan.waves.iter().map(|w| w.name.as_str()).collect();
    Err(Error::usage(format!("the plan has no wave {wave:?}")).hint(format!("Its waves are: {}", names.join(", "))))
}

fn domain_of(plan: &Plan) -> Result<String> {
    plan.bundle.domain.clone().or_else(|| plan.job.domain.clone()).ok_or_else(|| {
        Error::usage("the plan does not say which AD domain it is for")
            .hint("Set domain under [cloud_sync] in groupshift.toml, collect and plan again.")
    })
}

fn runtime() -> Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|e| Error::failed(format!("cannot start the network runtime: {e}")))
}

#[expect(clippy::too_many_arguments, reason = "one call site a command")]
fn go(
    store: &Store,
    run: &Run,
    plan: &Plan,
    options: &Options,
    config: &Config,
    controller: Option<String>,
    global: &Global,
    printer: &mut Printer,
) -> Result<u8> {
    let runtime = runtime()?;
    let ending = runtime.block_on(async {
        let ports = live::ports(config, controller.as_deref(), || store.stop_wish(), global.into()).await?;
        Engine::new(&ports, run, plan, options).go().await
    });
    runtime.shutdown_timeout(std::time::Duration::from_secs(1));
    let ending = ending?;
    let reports = crate::report::run::write(run, plan)?;
    show_ending(run, &ending, &reports, printer);
    Ok(code(&ending))
}

fn code(ending: &Ending) -> u8 {
    match ending {
        Ending::Done | Ending::Wave { .. } => exit::DONE,
        Ending::Gate(_) => exit::GATE,
        Ending::Drift(_) => exit::DRIFT,
        Ending::Interrupted(_) => exit::INTERRUPTED,
    }
}

fn dry_run(plan: &Plan, store: &Store, options: &Options, config: &Config, global: &Global, printer: &mut Printer) -> Result<u8> {
    let known = store.runs()?.into_iter().rev().find(|r| r.plan_sha256 == plan.sha256);
    let run = known.map(|r| store.run(Some(&r.id))).transpose()?;
    let states: std::collections::HashMap<String, StepState> = match &run {
        Some(run) => run.steps()?.into_iter().map(|s| (s.step, s.state)).collect(),
        None => Default::default(),
    };
    let runtime = runtime()?;
    let counts = runtime.block_on(async {
        let ports = live::ports(config, None, || store.stop_wish(), global.into()).await?;
        let done = |id: &str| states.get(id).copied().unwrap_or(StepState::Pending);
        match crate::cutover::engine::dry_run(&ports, plan, options, done).await {
            Ok(counts) => Ok(Some(counts)),
            Err(Halt::Interrupted(_)) => Ok(None),
            Err(Halt::Error(error)) => Err(error),
            Err(Halt::Gate(stop) | Halt::Drift(stop)) => Err(Error::failed(stop.headline)),
        }
    });
    runtime.shutdown_timeout(std::time::Duration::from_secs(1));
    let Some(counts) = counts? else { return Ok(exit::INTERRUPTED) };
    if printer.is_json() {
        printer.json(&json!({ "dryRun": true, "writes": counts.writes, "blocked": counts.blocked, "there": counts.done }));
    } else {
        printer.line(format!("{BOLD}Nothing was written.{BOLD:#} {} writes would be done, {} are there already, {} would stop the run.", counts.writes, counts.done, counts.blocked));
    }
    Ok(if counts.blocked > 0 { exit::DRIFT } else { exit::DONE })
}

fn resume(args: ResumeArgs, global: &Global, printer: &mut Printer) -> Result<u8> {
    let config = configuration(global, printer)?;
    let store = Store::open_existing(&config.settings.store.dir)?;
    let run = store.run(args.which.id.as_deref())?;
    let plan = run.plan()?;
    if let Some(wave) = &args.how.wave {
        known_wave(&plan, wave)?;
    }
    let mut options = options(args.how, &config)?;
    if let Some(controller) = &args.controller {
        let by = whoami::username().unwrap_or_else(|_| "(unknown account)".to_owned());
        options.accept.push(Accept { subject: controller.clone(), reason: "named with --controller".to_owned(), by });
    }
    let record = run.record()?;
    let lock = store.lock(&record.domain)?;
    lock.name_run(run.id())?;
    // A clock that was set back makes the journal's order doubtful; somebody has to say that it is right now.
    if let Some(clock) = options.accept.iter().find(|a| a.subject.eq_ignore_ascii_case("clock")) {
        run.remark(store::CLOCK, "clock", &clock.reason, &clock.by, chrono::Utc::now())?;
    }
    go(&store, &run, &plan, &options, &config, args.controller, global, printer)
}

fn rollback(args: RollbackArgs, global: &Global, printer: &mut Printer) -> Result<u8> {
    let target = match (&args.wave, &args.group, args.all) {
        (Some(wave), None, false) => Target::Wave(wave.clone()),
        (None, Some(group), false) => Target::Group(group.clone()),
        (None, None, true) => Target::All,
        _ => {
            return Err(Error::usage("what is to be rolled back is not said")
                .hint("Give --group ID, --wave NAME or --all. groupshift cutover status shows what was done."));
        }
    };
    let config = configuration(global, printer)?;
    let store = Store::open_existing(&config.settings.store.dir)?;
    let run = match &args.which.id {
        Some(id) => store.run(Some(id))?,
        None => store.run(None).or_else(|_| store.run_to_look_at(None))?,
    };
    let plan = run.plan()?;
    let options = Options {
        yes: args.yes,
        accept: args.accept.iter().map(|text| accepted(text)).collect::<Result<_>>()?,
        settings: super::assess::settings(&config, &[])?,
        ..Options::default()
    };
    let lock = store.lock(&run.record()?.domain)?;
    lock.name_run(run.id())?;
    let runtime = runtime()?;
    let rolled = runtime.block_on(async {
        let ports = live::ports(&config, None, || store.stop_wish(), global.into()).await?;
        Ok::<_, Error>(Engine::new(&ports, &run, &plan, &options).rollback(&target).await)
    });
    runtime.shutdown_timeout(std::time::Duration::from_secs(1));
    let outcome = rolled?;
    let reports = crate::report::run::write(&run, &plan)?;
    match outcome {
        Ok(rolled) => {
            show_rolled(&rolled, &reports, printer);
            Ok(match (rolled.stuck.is_empty(), rolled.conflicts.is_empty()) {
                (false, _) => exit::GATE,
                (true, false) => exit::DRIFT,
                (true, true) => exit::DONE,
            })
        }
        Err(Halt::Error(error)) => Err(error),
        Err(Halt::Gate(stop)) => {
            let ending = Ending::Gate(stop);
            show_ending(&run, &ending, &reports, printer);
            Ok(exit::GATE)
        }
        Err(Halt::Drift(stop)) => {
            let ending = Ending::Drift(stop);
            show_ending(&run, &ending, &reports, printer);
            Ok(exit::DRIFT)
        }
        Err(Halt::Interrupted(why)) => {
            printer.note(format!("interrupted: {why}. Go on with the same command."));
            Ok(exit::INTERRUPTED)
        }
    }
}

fn adopt(args: AdoptArgs, global: &Global, printer: &mut Printer) -> Result<u8> {
    let config = configuration(global, printer)?;
    let store = Store::open(&config.settings.store.dir)?;
    let by = whoami::username().unwrap_or_else(|_| "(unknown account)".to_owned());
    let run = store.adopt(&args.from, args.sha256.as_deref(), &by, chrono::Utc::now())?;
    if printer.is_json() {
        printer.json(&json!({ "run": run.id(), "adopted": true }));
        return Ok(exit::DONE);
    }
    printer.line(format!("{BOLD}Run {} is taken over.{BOLD:#}", plain(run.id())));
    printer.line("A lock does not span machines: make sure that the former one runs nothing of it any more.");
    printer.line(format!("Go on with: groupshift cutover resume --run {}", plain(run.id())));
    Ok(exit::DONE)
}

fn status(which: WhichRun, global: &Global, printer: &mut Printer) -> Result<u8> {
    let config = configuration(global, printer)?;
    let store = Store::open_existing(&config.settings.store.dir)?;
    let run = store.run_to_look_at(which.id.as_deref())?;
    let (record, plan) = (run.record()?, run.plan()?);
    let steps: std::collections::HashMap<String, _> = run.steps()?.into_iter().map(|s| (s.step.clone(), s)).collect();
    let writes = run.writes()?;
    let count = |state: WriteState| writes.iter().filter(|w| w.state == state).count();
    let stop: Option<Stop> = run.get("stop")?.and_then(|v| serde_json::from_value(v).ok());
    let stop = stop.filter(|_| record.state == RunState::Stopped);
    if printer.is_json() {
        let list: Vec<_> = plan
            .steps
            .iter()
            .map(|s| json!({ "id": s.id, "kind": s.kind, "title": s.title, "wave": s.wave, "record": steps.get(&s.id) }))
            .collect();
        printer.json(&json!({
            "run": record, "steps": list, "stop": stop, "remarks": run.remarks()?,
            "writes": { "done": count(WriteState::Done), "open": count(WriteState::Intended), "failed": count(WriteState::Failed), "foreign": count(WriteState::Foreign) },
        }));
        return Ok(exit::DONE);
    }
    printer.line(format!("{BOLD}Run {}{BOLD:#} in {}: {}", plain(&record.id), plain(&record.domain), state_word(record.state)));
    printer.line(format!("{DIM}begun {} by {} on {}; plan {}{DIM:#}", record.begun.format("%Y-%m-%d %H:%M UTC"), plain(&record.user), plain(&record.host), &record.plan_sha256[..12.min(record.plan_sha256.len())]));
    if let Some(reason) = &record.reason {
        printer.line(format!("  {}", plain(reason)));
    }
    for step in &plan.steps {
        let known = steps.get(&step.id);
        let (mark, color) = match known.map_or(StepState::Pending, |s| s.state) {
            StepState::Pending => ("      ", DIM),
            StepState::Begun => ("begun ", YELLOW),
            StepState::Done => ("done  ", GREEN),
            StepState::Undone => ("undone", DIM),
            StepState::Stuck => ("STUCK ", RED),
        };
        let detail = known.and_then(|s| s.detail.as_deref()).map(|d| format!(" ({})", plain(d))).unwrap_or_default();
        let mark_return = if step.point_of_no_return { "  <- point of no return" } else { "" };
        printer.line(format!("  {color}{mark}{color:#} {} {}{detail}{mark_return}", step.id, plain(&step.title)));
    }
    printer.line(format!(
        "Writes: {} done, {} in doubt, {} refused, {} not ours",
        count(WriteState::Done),
        count(WriteState::Intended),
        count(WriteState::Failed),
        count(WriteState::Foreign)
    ));
    for remark in run.remarks()? {
        printer.line(format!("{DIM}{} {}: {} ({}){DIM:#}", remark.kind, plain(&remark.subject), plain(&remark.text), plain(&remark.by)));
    }
    if let Some(stop) = stop {
        show_stop(&stop, RED, printer);
    }
    Ok(exit::DONE)
}

fn state_word(state: RunState) -> &'static str {
    match state {
        RunState::Open => "open: running, or its process is gone (then: groupshift cutover resume)",
        RunState::Stopped => "stopped; state is safe",
        RunState::Done => "done",
        RunState::RolledBack => "rolled back",
    }
}

fn show_ending(run: &Run, ending: &Ending, reports: &Path, printer: &mut Printer) {
    if printer.is_json() {
        let (state, stop, wave) = match ending {
            Ending::Done => ("done", None, None),
            Ending::Wave { done, .. } => ("wave", None, Some(done)),
            Ending::Gate(stop) => ("gate", Some(stop), None),
            Ending::Drift(stop) => ("drift", Some(stop), None),
            Ending::Interrupted(_) => ("interrupted", None, None),
        };
        return printer.json(&json!({ "run": run.id(), "ending": state, "stop": stop, "wave": wave, "reports": reports }));
    }
    match ending {
        Ending::Done => printer.line(format!("{GREEN}{BOLD}The cutover is done.{BOLD:#}{GREEN:#} Next: groupshift audit --against the plan")),
        Ending::Wave { done, next } => {
            printer.line(format!("{GREEN}Wave {} is verified.{GREEN:#}", plain(done)));
            if let Some(next) = next {
                printer.line(format!("Next: groupshift cutover resume --wave \"{}\"", plain(next)));
            }
        }
        Ending::Gate(stop) => show_stop(stop, YELLOW, printer),
        Ending::Drift(stop) => show_stop(stop, RED, printer),
        Ending::Interrupted(why) => {
            printer.line(format!("{YELLOW}Interrupted:{YELLOW:#} {}. State is safe. Go on with: groupshift cutover resume", plain(why)));
        }
    }
    printer.line(format!("{DIM}Report: {}{DIM:#}", reports.display()));
}

fn show_stop(stop: &Stop, style: anstyle::Style, printer: &mut Printer) {
    printer.line(format!("{style}Stopped:{style:#} {}", plain(&stop.headline)));
    for line in stop.lines.iter().take(25) {
        printer.line(format!("  {}", plain(line)));
    }
    if stop.lines.len() > 25 {
        printer.line(format!("  and {} more (see the report)", stop.lines.len() - 25));
    }
    for next in &stop.next {
        printer.line(format!("  -> {}", plain(next)));
    }
}

fn show_rolled(rolled: &Rolled, reports: &Path, printer: &mut Printer) {
    if printer.is_json() {
        return printer.json(&json!({ "rolledBack": rolled, "reports": reports }));
    }
    let clean = rolled.stuck.is_empty() && rolled.conflicts.is_empty();
    let style = if clean { GREEN } else { YELLOW };
    printer.line(format!(
        "{style}{BOLD}Rolled back:{BOLD:#}{style:#} {} restored, {} conflicts, {} stuck, {} left on purpose",
        rolled.restored.len(),
        rolled.conflicts.len(),
        rolled.stuck.len(),
        rolled.left.len()
    ));
    let lists = [("conflict", &rolled.conflicts), ("STUCK", &rolled.stuck), ("left", &rolled.left), ("different", &rolled.different)];
    for (word, list) in lists {
        for line in list.iter().take(25) {
            printer.line(format!("  {word}: {}", plain(line)));
        }
        if list.len() > 25 {
            printer.line(format!("  {word}: and {} more (see the report)", list.len() - 25));
        }
    }
    printer.line(format!("  {} groups compared with their snapshots; {} values differ", rolled.compared, rolled.different.len()));
    printer.line(format!("{DIM}Report: {}{DIM:#}", reports.display()));
}
