//! The one engine: it walks the steps of a plan over the ports, journals, and stops at the first thing that is not as
//! the plan says. `rehearse` runs the same code on the twin.
//!
//! Every step can run twice: what is done already is found done on live state. A step's own writes go through `write`,
//! what is seen through `look` and `compare`, what a Connect server did through `connect`.

pub mod compare;
mod connect;
mod dry;
pub mod evidence;
mod gates;
pub(super) mod job;
mod look;
mod prepare;
mod stamp;
mod throwaway;
mod wave;
mod write;

pub use dry::{DryCounts, dry_run};
pub(super) use write::StampWrite;

use super::port::{Answer, Directory, Level, Observer, Operator, Ports, SyncServer, Tenant};
use super::record::{RunState, StepState};
use super::store::Run;
use crate::assess::Settings;
use crate::directory::ObjectGuid;
use crate::error::{Error, Result};
use crate::plan::Plan;
use crate::plan::model::{PlannedGroup, Step, Wave};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// The five ports as one type, so that the engine names one parameter.
pub trait Surroundings {
    type Directory: Directory;
    type Tenant: Tenant;
    type Servers: SyncServer;
    type Observer: Observer;
    type Operator: Operator;
    fn directory(&self) -> &Self::Directory;
    fn tenant(&self) -> &Self::Tenant;
    fn servers(&self) -> &Self::Servers;
    fn observer(&self) -> &Self::Observer;
    fn operator(&self) -> &Self::Operator;
}

impl<D: Directory, T: Tenant, S: SyncServer, L: Observer, O: Operator> Surroundings for Ports<D, T, S, L, O> {
    type Directory = D;
    type Tenant = T;
    type Servers = S;
    type Observer = L;
    type Operator = O;
    fn directory(&self) -> &D {
        &self.directory
    }
    fn tenant(&self) -> &T {
        &self.tenant
    }
    fn servers(&self) -> &S {
        &self.servers
    }
    fn observer(&self) -> &L {
        &self.observer
    }
    fn operator(&self) -> &O {
        &self.operator
    }
}

/// Something accepted on the command line: `SUBJECT=REASON`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accept {
    pub subject: String,
    pub reason: String,
    pub by: String,
}

/// How a run is to go.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// End after this wave was verified.
    pub wave: Option<String>,
    /// Ordinary questions are answered with yes.
    pub yes: bool,
    pub accept: Vec<Accept>,
    /// The domain's name, which confirms the step that cannot be undone.
    pub confirm_irreversible: Option<String>,
    /// A folder on another host that gets a copy of the snapshots.
    pub copy_to: Option<PathBuf>,
    /// An Entra group that the operator made as the throwaway, where the program may not.
    pub throwaway: Option<ObjectGuid>,
    /// What gates say is written down and passed: only a rehearsal may.
    pub rehearsal: bool,
    pub settings: Settings,
}

/// Where and why a run stopped.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Stop {
    pub step: String,
    /// One sentence.
    pub headline: String,
    /// Object by object.
    pub lines: Vec<String>,
    /// What the operator can do now, one sentence each.
    pub next: Vec<String>,
    pub differences: Vec<compare::Difference>,
}

impl Stop {
    pub fn new(headline: impl Into<String>) -> Stop {
        Stop { headline: headline.into(), ..Stop::default() }
    }
    pub fn line(mut self, line: impl Into<String>) -> Stop {
        self.lines.push(line.into());
        self
    }
    pub fn lines(mut self, lines: impl IntoIterator<Item = String>) -> Stop {
        self.lines.extend(lines);
        self
    }
    pub fn next(mut self, next: impl Into<String>) -> Stop {
        self.next.push(next.into());
        self
    }
}

/// What ends a step before its end.
#[derive(Debug)]
pub enum Halt {
    /// An operator has to pass a gate (exit code 4).
    Gate(Stop),
    /// Live state is not what plan or prediction says (exit code 5).
    Drift(Stop),
    /// The operator asked for it (exit code 130).
    Interrupted(String),
    Error(Error),
}

impl From<Error> for Halt {
    fn from(error: Error) -> Self {
        Halt::Error(error)
    }
}

pub type Go<T = ()> = std::result::Result<T, Halt>;

/// How a run ended for now.
#[derive(Debug)]
pub enum Ending {
    /// Every step is done.
    Done,
    /// The wanted wave is verified; the next one, if any.
    Wave {
        done: String,
        next: Option<String>,
    },
    Gate(Stop),
    Drift(Stop),
    Interrupted(String),
}

/// One process's work on one run.
pub struct Engine<'a, P: Surroundings> {
    pub ports: &'a P,
    pub run: &'a Run,
    pub plan: &'a Plan,
    pub options: &'a Options,
}

impl<'a, P: Surroundings> Engine<'a, P> {
    pub fn new(ports: &'a P, run: &'a Run, plan: &'a Plan, options: &'a Options) -> Self {
        Engine { ports, run, plan, options }
    }

    /// Goes on with the run until its end, or until something stops it. State is in the journal whatever happens.
    pub async fn go(&self) -> Result<Ending> {
        self.run.set_state(RunState::Open, None)?;
        let ending = match self.walk().await {
            Ok(ending) => ending,
            Err(Halt::Error(error)) => {
                if !super::store::is_crash(&error) {
                    self.say(Level::Trouble, &error.to_string())?;
                    self.run.set_state(RunState::Stopped, Some(&error.to_string()))?;
                }
                return Err(error);
            }
            Err(Halt::Gate(stop)) => Ending::Gate(stop),
            Err(Halt::Drift(stop)) => Ending::Drift(stop),
            Err(Halt::Interrupted(why)) => Ending::Interrupted(why),
        };
        let (state, reason) = match &ending {
            Ending::Done => (RunState::Done, None),
            Ending::Wave { done, .. } => (RunState::Stopped, Some(format!("wave {done} is verified"))),
            Ending::Gate(stop) | Ending::Drift(stop) => (RunState::Stopped, Some(stop.headline.clone())),
            Ending::Interrupted(why) => (RunState::Stopped, Some(why.clone())),
        };
        if let Ending::Gate(stop) | Ending::Drift(stop) = &ending {
            self.run.put("stop", &serde_json::to_value(stop).unwrap_or_default())?;
            self.say(Level::Trouble, &stop.headline)?;
            for line in stop.lines.iter().take(50) {
                self.say(Level::Trouble, &format!("  {line}"))?;
            }
        }
        self.run.set_state(state, reason.as_deref())?;
        Ok(ending)
    }

    async fn walk(&self) -> Go<Ending> {
        self.hold_pin().await?;
        self.reconcile().await?;
        for (position, step) in self.plan.steps.iter().enumerate() {
            let record = self.run.step(&step.id)?;
            if record.state == StepState::Done {
                continue;
            }
            if matches!(record.state, StepState::Undone | StepState::Stuck) {
                return Err(Halt::Gate(
                    Stop { step: step.id.clone(), ..Stop::new(format!("{} {} was rolled back", step.id, step.title)) }
                        .next(
                            "Begin a new run of a new plan: what was taken back is not done a second time by this one.",
                        ),
                ));
            }
            self.breathe()?;
            if step.kind == "hold-job" && record.state == StepState::Pending {
                self.ask_for_wave(step).await?;
            }
            self.say(Level::Step, &format!("{} {}", step.id, step.title))?;
            self.run.set_step(&step.id, StepState::Begun, None, self.now())?;
            match self.step(step).await {
                Ok(detail) => self.run.set_step(&step.id, StepState::Done, detail.as_deref(), self.now())?,
                Err(halt) => return Err(named(halt, step)),
            }
            let last_of_wave = self.plan.steps.get(position + 1).is_none_or(|next| next.wave != step.wave);
            if let Some(wave) = step.wave.as_deref().filter(|_| last_of_wave)
                && self.options.wave.as_deref() == Some(wave)
            {
                return Ok(Ending::Wave { done: wave.to_owned(), next: self.next_wave(position) });
            }
        }
        Ok(Ending::Done)
    }

    fn next_wave(&self, position: usize) -> Option<String> {
        self.plan.steps[position + 1..].iter().find_map(|s| s.wave.clone())
    }

    /// One step; the answer is what its record says of it.
    async fn step(&self, step: &Step) -> Go<Option<String>> {
        match step.kind.as_str() {
            "preflight" => self.preflight(step).await,
            "snapshot" => self.snapshot(step).await,
            "pause-job" => self.pause_step(step).await,
            "write-extensions" => self.write_extensions(step).await,
            "stamp" => self.stamp(step).await,
            "verify-stamps" => self.verify_stamps(step, &self.planned()).await,
            "freeze-canaries" => self.freeze(step).await,
            "create-job" => self.create_job(step).await,
            "configure-job" => self.configure_job(step).await,
            "throwaway" => self.throwaway(step).await,
            "hold-job" => self.hold_job(step).await,
            "scope-in" => self.scope_in(step).await,
            "start-job" => self.start_job(step).await,
            "verify-wave" => self.verify_wave(step).await,
            "compare-all" => self.compare_all(step).await,
            "final-job" => self.final_job(step).await,
            "audit" => Ok(Some("run: groupshift audit --against the plan".to_owned())),
            "keep-rules" => {
                self.say(Level::Info, &step.what)?;
                Ok(None)
            }
            _ if step.script.is_some() => self.errand(step).await,
            other => Err(Error::failed(format!(
                "the plan has a step of the kind {other:?}, which this version does not know"
            ))
            .hint("Use the version of groupshift that made the plan, or plan again.")
            .into()),
        }
    }

    // What every step uses.

    pub(in crate::cutover) fn now(&self) -> chrono::DateTime<chrono::Utc> {
        self.ports.operator().now()
    }

    /// Tells the operator, and writes it into the run's log.
    pub(in crate::cutover) fn say(&self, level: Level, text: &str) -> Result<()> {
        self.ports.operator().say(level, text);
        self.run.log(level, text, self.now())
    }

    /// Ends here where the operator wants that: between two objects state is safe.
    pub(in crate::cutover) fn breathe(&self) -> Go {
        match self.ports.operator().wants_to_stop() {
            Some(why) => Err(Halt::Interrupted(why)),
            None => Ok(()),
        }
    }

    pub(in crate::cutover) fn planned(&self) -> Vec<&'a PlannedGroup> {
        self.plan.waves.iter().flat_map(|w| &w.groups).collect()
    }

    pub(in crate::cutover) fn wave_of(&self, step: &Step) -> Go<&'a Wave> {
        let name = step.wave.as_deref().unwrap_or_default();
        let found = self.plan.waves.iter().find(|w| w.name == name);
        found.ok_or_else(|| {
            Error::failed(format!("step {} names the wave {name:?}, which the plan does not have", step.id)).into()
        })
    }

    /// Whether this was accepted, on the command line now or earlier in the run; what is accepted now is recorded.
    pub(in crate::cutover) fn accepted(&self, kind: &str, subject: &str) -> Result<bool> {
        if self.run.remarks()?.iter().any(|r| r.kind == kind && r.subject.eq_ignore_ascii_case(subject)) {
            return Ok(true);
        }
        let Some(wish) = self.options.accept.iter().find(|a| a.subject.eq_ignore_ascii_case(subject)) else {
            return Ok(false);
        };
        self.run.remark(kind, subject, &wish.reason, &wish.by, self.now())?;
        self.say(Level::Warning, &format!("accepted by {}: {subject}: {}", wish.by, wish.reason))?;
        Ok(true)
    }

    /// A question that `--yes` answers.
    pub(in crate::cutover) async fn confirm(&self, question: &str) -> Go<bool> {
        if self.options.yes || self.options.rehearsal {
            return Ok(true);
        }
        Ok(match self.ports.operator().ask(question, "--yes").await? {
            Answer::Text(text) => matches!(text.trim().to_ascii_lowercase().as_str(), "y" | "yes"),
            Answer::Nobody => false,
        })
    }

    async fn ask_for_wave(&self, step: &Step) -> Go {
        let wave = self.wave_of(step)?;
        if self.options.wave.is_some() || self.options.yes || self.options.rehearsal {
            return Ok(());
        }
        // The first wave follows from having begun at all.
        if self.plan.waves.first().is_some_and(|first| first.name == wave.name) {
            return Ok(());
        }
        if self.confirm(&format!("Go on with wave {} ({} groups)?", wave.name, wave.groups.len())).await? {
            return Ok(());
        }
        Err(Halt::Gate(Stop::new(format!("wave {} was not begun", wave.name)).next(format!(
            "Go on with: groupshift cutover resume --wave \"{}\" (or --yes for all that remain).",
            wave.name
        ))))
    }

    /// The controller stays the same for the whole run.
    async fn hold_pin(&self) -> Go {
        let now = self.ports.directory().pin().await?;
        let Some(pinned) = self.run.record()?.pin else {
            self.run.set_pin(&now)?;
            self.say(
                Level::Info,
                &format!("pinned to {} (highestCommittedUSN {})", now.controller, now.highest_committed_usn),
            )?;
            return Ok(());
        };
        if pinned.invocation_id == now.invocation_id {
            return Ok(());
        }
        if self.accepted("controller", &now.controller)? {
            self.run.set_pin(&now)?;
            return Ok(());
        }
        Err(Halt::Gate(
            Stop::new(format!("the run is pinned to {}, and {} answers", pinned.controller, now.controller))
                .line(format!("database {} then, {} now", pinned.invocation_id, now.invocation_id))
                .next(format!("Point [ad] url at {} again.", pinned.controller))
                .next(format!(
                    "Or, if that controller is gone: groupshift cutover resume --controller {}",
                    now.controller
                )),
        ))
    }
}

fn named(halt: Halt, step: &Step) -> Halt {
    let with = |mut stop: Stop| {
        if stop.step.is_empty() {
            stop.step = step.id.clone();
        }
        stop.headline = format!("{} {}: {}", step.id, step.title, stop.headline);
        stop
    };
    match halt {
        Halt::Gate(stop) => Halt::Gate(with(stop)),
        Halt::Drift(stop) => Halt::Drift(with(stop)),
        other => other,
    }
}
