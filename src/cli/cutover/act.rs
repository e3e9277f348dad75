//! The commands that write: `run`, `resume`, `rollback`.

use super::show;
use super::{ResumeArgs, RollbackArgs, RunArgs, accepted, options};
use crate::cli::printer::{BOLD, Printer};
use crate::cli::{Global, assess, configuration};
use crate::config::Config;
use crate::cutover::engine::{Accept, Ending, Engine, Halt, Options, Stop, dry_run};
use crate::cutover::live;
use crate::cutover::record::{RunRecord, RunState, StepState};
use crate::cutover::rollback::Target;
use crate::cutover::store::{self, Run, Store};
use crate::error::{Error, Kind, Place, Result, exit};
use crate::plan::model::Holds;
use crate::plan::{self, Plan};
use crate::report::{self, plain};
use serde_json::json;
use std::collections::HashMap;
use std::path::{Path, PathBuf};

pub fn begin(args: RunArgs, global: &Global, printer: &mut Printer) -> Result<u8> {
    // A plan that cannot be relied on is bad usage, whatever is wrong with it.
    let plan = plan::read(&args.plan)
        .map_err(|e| Error { kind: if e.kind == Kind::Input { Kind::Usage } else { e.kind }, ..e })?;
    refuse(&plan, &args.plan)?;
    if let Some(wave) = &args.how.wave {
        known_wave(&plan, wave)?;
    }
    if !plan.executable {
        show::stop(None, "gate", &held(&plan), printer);
        return Ok(exit::GATE);
    }
    let config = configuration(global, printer)?;
    let domain = domain_of(&plan)?;
    let options = options(args.how, &config)?;
    if args.dry_run {
        return show_writes(&plan, &options, &config, global, printer);
    }
    configured(&config)?;
    let store = Store::open(&config.settings.store.dir)?;
    let lock = store.lock(&domain)?;
    let going = |r: &&RunRecord| matches!(r.state, RunState::Open | RunState::Stopped);
    let runs = store.runs()?;
    let run = match runs.iter().filter(going).find(|r| r.domain.eq_ignore_ascii_case(&domain)) {
        Some(known) if known.plan_sha256 == plan.sha256 => {
            printer.note(format!("going on with run {} of this plan", plain(&known.id)));
            store.run(Some(&known.id))?
        }
        // Nothing of it is in effect, and nothing has to be taken back: the new plan takes its place.
        Some(other) if touched_nothing(&store.run(Some(&other.id))?)? => {
            let why = "it never wrote anything; a run of another plan took its place";
            store.run(Some(&other.id))?.set_state(RunState::Closed, Some(why))?;
            printer.note(format!("run {} of another plan is closed: {why}", plain(&other.id)));
            new_run(&store, &plan, &args.plan, &domain)?
        }
        // What it did stays in effect, on the operator's word; its journal and snapshots stay too.
        Some(other) if options.accept.iter().any(|a| a.subject == other.id) => {
            let former = store.run(Some(&other.id))?;
            for word in options.accept.iter().filter(|a| a.subject == other.id) {
                former.remark("closed", &plan.sha256, &word.reason, &word.by, chrono::Utc::now())?;
                former.set_state(RunState::Closed, Some(&word.reason))?;
            }
            printer.note(format!("run {} of another plan is closed and left as it is", plain(&other.id)));
            new_run(&store, &plan, &args.plan, &domain)?
        }
        Some(other) => {
            return Err(Error::usage(format!(
                "run {} of another plan is not ended in {}",
                plain(&other.id),
                plain(&domain)
            ))
            .hint(format!("Go on with it: groupshift cutover resume --run {}", plain(&other.id)))
            .hint(format!("Or take it back: groupshift cutover rollback --run {} --all", plain(&other.id)))
            .hint(format!(
                "Or leave what it did as it is, where the new plan was made from a bundle collected since: --accept \"{}=why\"",
                plain(&other.id)
            )));
        }
        None => new_run(&store, &plan, &args.plan, &domain)?,
    };
    lock.name_run(run.id())?;
    go(&run, &plan, &options, &config, None, global, printer)
}

/// Whether a run came no further than looking and keeping what it saw.
fn touched_nothing(run: &Run) -> Result<bool> {
    let plan = run.plan()?;
    let looks = |id: &str| plan.steps.iter().any(|s| s.id == id && matches!(s.kind.as_str(), "preflight" | "snapshot"));
    let only_looked = run.steps()?.iter().all(|s| s.state == StepState::Pending || looks(&s.step));
    Ok(only_looked && run.writes()?.is_empty())
}

fn new_run(store: &Store, plan: &Plan, path: &Path, domain: &str) -> Result<Run> {
    let bytes = std::fs::read(path).map_err(|e| Error::io("read the plan", path, e))?;
    let beside = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    store.begin(plan, &bytes, beside, domain, chrono::Utc::now())
}

/// No run is begun that could not take its first step.
fn configured(config: &Config) -> Result<()> {
    let missing = match (&config.settings.ad.url, &config.settings.entra.tenant_id) {
        (Some(_), Some(_)) => return Ok(()),
        (None, _) => "url under [ad]",
        (_, None) => "tenant_id under [entra]",
    };
    Err(Error::usage("a cutover needs both Active Directory and the tenant").hint(format!(
        "Set {missing} in groupshift.toml; groupshift preflight then says whether everything is reached."
    )))
}

/// What no run executes, whatever is accepted.
fn refuse(plan: &Plan, path: &Path) -> Result<()> {
    let what = match (plan.bundle.complete, plan.bundle.anonymised) {
        (_, true) => "the plan was made from an anonymised bundle: its names and ids are none of the tenant's",
        (false, _) => "the plan was made from a partial bundle: what it does not know, it cannot keep",
        _ => return Ok(()),
    };
    Err(Error::usage(what)
        .at(Place::file(path))
        .hint("Collect whole, from the real directory, and plan again: groupshift collect --out BUNDLE"))
}

/// Why a draft is none to execute.
fn held(plan: &Plan) -> Stop {
    let mut stop = Stop::new("this plan is a draft: what it was made from holds it back");
    for held in plan.stops.iter().filter(|s| matches!(s.holds, Holds::Plan | Holds::Run)) {
        stop = stop.line(held.message.clone()).next(held.remediation.clone());
    }
    stop.next("Then collect and plan again: groupshift collect --out BUNDLE; groupshift plan BUNDLE --out PLAN.json")
}

fn known_wave(plan: &Plan, wave: &str) -> Result<()> {
    if plan.waves.iter().any(|w| w.name == wave) {
        return Ok(());
    }
    let names: Vec<String> = plan.waves.iter().map(|w| plain(&w.name)).collect();
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

/// Why a run stopped whose operator did not wait for its current object.
const LEFT: &str =
    "the operator left with Ctrl-C before the current step ended; a job that was started may still be working";

/// Runs something on a runtime of its own, which does not wait for what it left behind.
fn block_on<T>(work: impl Future<Output = T>) -> Result<T> {
    let runtime = runtime()?;
    let out = runtime.block_on(work);
    runtime.shutdown_timeout(std::time::Duration::from_secs(1));
    Ok(out)
}

/// A file named stop or pause in the store's folder, looked for between two objects.
fn stop_file(config: &Config) -> impl Fn() -> Option<String> + Send + Sync + 'static {
    let dir: PathBuf = config.settings.store.dir.clone();
    move || store::stop_wish_in(&dir)
}

/// Walks the run to its end or its next stop, writes its report whatever the end, and says how it ended.
fn go(
    run: &Run,
    plan: &Plan,
    options: &Options,
    config: &Config,
    controller: Option<String>,
    global: &Global,
    printer: &mut Printer,
) -> Result<u8> {
    let ending = block_on(async {
        let ports = match live::ports(config, controller.as_deref(), stop_file(config), global.into()).await {
            Ok(ports) => ports,
            Err(error) => {
                run.set_state(RunState::Stopped, Some(&error.to_string()))?;
                return Err(error);
            }
        };
        let engine = Engine::new(&ports, run, plan, options);
        match ports.operator.unless_left(engine.go()).await {
            Some(ending) => ending,
            None => {
                run.set_state(RunState::Stopped, Some(LEFT))?;
                Ok(Ending::Interrupted(LEFT.to_owned()))
            }
        }
    })?;
    let reports = reported(run, plan, printer);
    let ending = ending.map_err(|e| safe(e, run))?;
    show::ending(run, &ending, reports.as_deref(), printer);
    Ok(match ending {
        Ending::Done | Ending::Wave { .. } => exit::DONE,
        Ending::Gate(_) => exit::GATE,
        Ending::Drift(_) => exit::DRIFT,
        Ending::Interrupted(_) => exit::INTERRUPTED,
    })
}

/// A report that cannot be written takes nothing away from the run.
fn reported(run: &Run, plan: &Plan, printer: &mut Printer) -> Option<PathBuf> {
    match report::run::write(run, plan) {
        Ok(path) => Some(path),
        Err(e) => {
            printer.warn(format!("the run's report was not written: {e}"));
            None
        }
    }
}

/// An error in the middle of a run always says how to go on.
fn safe(error: Error, run: &Run) -> Error {
    let said = error.hints.iter().any(|hint| hint.contains("groupshift cutover"));
    match said {
        true => error,
        false => error.hint(format!(
            "The journal knows what was done. Once this is mended, go on with: groupshift cutover resume --run {}",
            plain(run.id())
        )),
    }
}

fn show_writes(plan: &Plan, options: &Options, config: &Config, global: &Global, printer: &mut Printer) -> Result<u8> {
    // A dry run leaves nothing behind, no store either.
    let states: HashMap<String, StepState> = match Store::open_existing(&config.settings.store.dir) {
        Err(_) => HashMap::new(),
        Ok(store) => match store.runs()?.into_iter().rev().find(|r| r.plan_sha256 == plan.sha256) {
            Some(known) => store.run(Some(&known.id))?.steps()?.into_iter().map(|s| (s.step, s.state)).collect(),
            None => HashMap::new(),
        },
    };
    let done = |id: &str| states.get(id).copied().unwrap_or(StepState::Pending);
    let counts = block_on(async {
        let ports = live::ports(config, None, stop_file(config), global.into()).await?;
        let left = || Err(Halt::Interrupted(LEFT.to_owned()));
        ports.operator.unless_left(dry_run(&ports, plan, options, done)).await.unwrap_or_else(left)
    })?;
    let counts = match counts {
        Ok(counts) => counts,
        Err(halt) => return show::halted(None, halt, None, printer),
    };
    if printer.is_json() {
        printer
            .json(&json!({ "dryRun": true, "writes": counts.writes, "blocked": counts.blocked, "there": counts.done }));
    } else {
        printer.line(format!(
            "{BOLD}Nothing was written.{BOLD:#} {} writes would be done, {} are there already, {} would stop the run.",
            counts.writes, counts.done, counts.blocked
        ));
    }
    Ok(if counts.blocked > 0 { exit::DRIFT } else { exit::DONE })
}

pub fn resume(args: ResumeArgs, global: &Global, printer: &mut Printer) -> Result<u8> {
    let config = configuration(global, printer)?;
    let store = Store::open_existing(&config.settings.store.dir)?;
    let run = store.run(args.which.id.as_deref())?;
    let plan = run.plan()?;
    let record = run.record()?;
    if let Some(wave) = &args.how.wave {
        known_wave(&plan, wave)?;
    }
    let mut options = options(args.how, &config)?;
    options.accept.extend(named_controller(args.controller.as_deref()));
    match record.state {
        RunState::Open | RunState::Stopped => {}
        RunState::Done => {
            printer.note(format!("run {} is done; every step is looked at once more", plain(run.id())));
        }
        RunState::Closed => {
            return Err(Error::usage(format!(
                "run {} is closed: a run of another plan took its place",
                plain(run.id())
            ))
            .hint("See which runs there are: groupshift cutover status")
            .hint(format!(
                "What it did can be taken back: groupshift cutover rollback --run {} --all",
                plain(run.id())
            )));
        }
        RunState::RolledBack => {
            return Err(Error::usage(format!(
                "run {} is rolled back: there is nothing to go on with",
                plain(run.id())
            ))
            .hint("Collect and plan anew: groupshift collect --out BUNDLE; groupshift plan BUNDLE --out PLAN.json"));
        }
    }
    let lock = store.lock(&record.domain)?;
    lock.name_run(run.id())?;
    // A clock that was set back makes the journal's order doubtful; somebody has to say that it is right now.
    if let Some(clock) = options.accept.iter().find(|a| a.subject.eq_ignore_ascii_case(store::CLOCK)) {
        run.remark(store::CLOCK, "clock", &clock.reason, &clock.by, chrono::Utc::now())?;
    }
    go(&run, &plan, &options, &config, args.controller, global, printer)
}

/// Naming a controller is accepting it.
fn named_controller(controller: Option<&str>) -> Option<Accept> {
    let controller = controller?.to_owned();
    Some(Accept { subject: controller, reason: "named with --controller".to_owned(), by: store::user() })
}

pub fn rollback(args: RollbackArgs, global: &Global, printer: &mut Printer) -> Result<u8> {
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
    let run = store.run_to_take_back(args.which.id.as_deref())?;
    let plan = run.plan()?;
    let mut accept: Vec<Accept> = accepted(&args.accept)?;
    accept.extend(named_controller(args.controller.as_deref()));
    let options = Options { yes: args.yes, accept, settings: assess::settings(&config, &[])?, ..Options::default() };
    let record = run.record()?;
    let lock = store.lock(&record.domain)?;
    lock.name_run(run.id())?;
    printer.note(format!("rolling back run {} in {}", plain(run.id()), plain(&record.domain)));
    let rolled = block_on(async {
        let ports = live::ports(&config, args.controller.as_deref(), stop_file(&config), global.into()).await?;
        let engine = Engine::new(&ports, &run, &plan, &options);
        let left = || Err(Halt::Interrupted(LEFT.to_owned()));
        ports.operator.unless_left(engine.rollback(&target)).await.unwrap_or_else(left)
    })?;
    let reports = reported(&run, &plan, printer);
    match rolled {
        Ok(rolled) => {
            show::rolled(&run, &rolled, reports.as_deref(), printer);
            Ok(match (rolled.stuck.is_empty(), rolled.conflicts.is_empty()) {
                (false, _) => exit::GATE,
                (true, false) => exit::DRIFT,
                (true, true) => exit::DONE,
            })
        }
        Err(Halt::Error(error)) => {
            Err(error.hint("What was taken back so far stands in the journal. Give the same command again."))
        }
        Err(halt) => show::halted(Some(&run), halt, reports.as_deref(), printer),
    }
}
