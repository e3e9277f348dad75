//! The one engine: it walks the steps of a plan over the ports, journals, and stops at the first thing that is not as
//! the plan says. `rehearse` runs the same code on the twin.
//!
//! Every step can run twice: what is done already is found done on live state. A step's own writes go through `write`,
//! what is seen through `look` and `compare`, what a Connect server did through `connect`.

mod canary;
pub mod compare;
mod connect;
mod cycle;
mod dry;
pub mod evidence;
mod gates;
pub(super) mod job;
mod learn;
mod look;
mod prepare;
mod scope;
pub(super) mod settings;
mod stamp;
mod throwaway;
mod walk;
mod wave;
mod write;

pub use dry::{DryCounts, dry_run};
pub(super) use learn::OUT_OF_SCOPE;
pub use learn::Settled;
pub(in crate::cutover) use walk::REHEARSAL;
pub(super) use wave::before as before_look;
pub(super) use write::StampWrite;

use super::port::{Answer, Directory, Level, Observer, Operator, Ports, SyncServer, Tenant};
use super::store::Run;
use crate::assess::Settings;
use crate::directory::ObjectGuid;
use crate::error::{Error, Result};
use crate::plan::Plan;
use crate::plan::model::{PlannedGroup, Step, Wave};
use serde::{Deserialize, Serialize};
use std::cell::OnceCell;
use std::path::PathBuf;
use std::rc::Rc;

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
    /// The plan is a draft, and the run a rehearsal on a twin: what would refuse or stop a real run is told, written down
    /// as a remark and passed. No run but one that was begun as a rehearsal takes it.
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
    /// Where only a new plan helps: the commands that make and run one.
    pub(in crate::cutover) fn plan_again(self) -> Stop {
        self.next("Collect and plan again: groupshift collect --out BUNDLE; groupshift plan BUNDLE --out PLAN.json; groupshift cutover run PLAN.json")
            .next("What this run wrote stays where it is, or is taken back first: groupshift cutover rollback --all")
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
    /// The anchored groups of the first look, once they were asked for.
    anchored: OnceCell<Rc<evidence::Anchored>>,
}

impl<'a, P: Surroundings> Engine<'a, P> {
    pub fn new(ports: &'a P, run: &'a Run, plan: &'a Plan, options: &'a Options) -> Self {
        Engine { ports, run, plan, options, anchored: OnceCell::new() }
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

    /// What would stop a real run, and does not stop the rehearsal of a draft: told, and kept for the reports.
    pub(in crate::cutover) fn would_stop(&self, subject: &str, text: &str) -> Result<()> {
        self.run.remark("would-stop", subject, text, "the rehearsal", self.now())?;
        self.say(Level::Warning, &format!("a real run would stop here: {text}"))
    }

    /// A question that `--yes` answers.
    pub(in crate::cutover) async fn confirm(&self, question: &str) -> Go<bool> {
        if self.options.yes {
            return Ok(true);
        }
        Ok(match self.ports.operator().ask(question, "--yes").await? {
            Answer::Text(text) => matches!(text.trim().to_ascii_lowercase().as_str(), "y" | "yes"),
            Answer::Nobody => false,
        })
    }
}
