//! The published shape of a run's report (`run.json`, schema `groupshift/run/v1`). Where the run stands is a part of its
//! own, which `cutover status` prints too.

use crate::cutover::engine::compare::Difference;
use crate::cutover::port::Level;
use crate::cutover::record::{Remark, RunState, StepState, WriteRecord};
use crate::cutover::rollback::Rolled;
use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub const RUN_SCHEMA: &str = "groupshift/run/v1";

/// The whole report.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RunReport {
    #[serde(flatten)]
    pub standing: Standing,
    /// Every write in the order in which it was meant, with what stood there before and after.
    pub writes: Vec<WriteRecord>,
    /// The operator's log.
    pub log: Vec<LogEntry>,
}

/// Where a run stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Standing {
    pub schema: String,
    pub verdict: Verdict,
    pub run: About,
    pub summary: Summary,
    /// Why it stopped, where it did.
    pub stop: Option<Halted>,
    pub waves: Vec<WaveStanding>,
    pub steps: Vec<StepStanding>,
    /// What was not as predicted when a step looked last, and was not accepted.
    pub differences: Vec<Found>,
    /// What the last rollback did and could not do.
    pub rollback: Option<Rolled>,
    /// What was accepted, confirmed and learnt.
    pub remarks: Vec<Remark>,
    /// Open points of the plan that this tenant's behaviour settled, and what that means for the groups still to come.
    pub settled: Vec<SettledPoint>,
    /// Object ids of groups that were rolled back one by one, which no later wave takes in again.
    pub left_out: Vec<String>,
}

/// An open point that is settled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SettledPoint {
    pub point: String,
    pub answer: String,
    pub text: String,
    /// Planned groups of waves still to come that rest on it.
    pub groups: u64,
    /// Possible removals of the plan that this decides.
    pub removals: u64,
}

/// The answer first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Verdict {
    pub state: VerdictState,
    pub headline: String,
    /// What else has to be known, one sentence each.
    pub notes: Vec<String>,
    /// What can be done now; a command stands whole, as it is typed.
    pub next: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum VerdictState {
    /// Every step is done.
    Done,
    /// Begun and not ended: running, or its process is gone.
    Open,
    /// Stopped; `cutover resume` goes on.
    Stopped,
    /// Rolled back as far as it goes.
    RolledBack,
    /// Left as it is; a run of another plan took its place.
    Closed,
    /// An undo failed.
    Stuck,
}

impl VerdictState {
    pub fn as_str(self) -> &'static str {
        match self {
            VerdictState::Done => "done",
            VerdictState::Open => "open",
            VerdictState::Stopped => "stopped",
            VerdictState::RolledBack => "rolled-back",
            VerdictState::Closed => "closed",
            VerdictState::Stuck => "stuck",
        }
    }
}

/// Which run, of which plan, by whom, on what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct About {
    pub id: String,
    pub state: RunState,
    pub reason: Option<String>,
    pub domain: String,
    pub tenant: Option<String>,
    pub begun: DateTime<Utc>,
    /// The machine and the account that began it.
    pub host: String,
    pub user: String,
    /// Version of the program that began it.
    pub tool: String,
    /// The domain controller that it is pinned to, the id of its database, and its highest USN then.
    pub controller: Option<String>,
    pub invocation_id: Option<String>,
    pub highest_committed_usn: Option<u64>,
    pub plan_sha256: String,
    pub bundle_sha256: String,
    pub bundle_created: String,
    pub order: String,
    /// Run on a twin in memory; nothing real was touched.
    pub rehearsal: bool,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Summary {
    /// Groups of the plan's waves.
    pub groups: u64,
    /// Those of waves that are verified.
    pub groups_done: u64,
    pub waves: u64,
    pub waves_done: u64,
    pub steps: u64,
    pub steps_done: u64,
    /// Writes of the cutover, and of rollbacks.
    pub writes: WriteCounts,
    pub undo_writes: WriteCounts,
    /// Objects that a write of the cutover changed.
    pub objects_changed: u64,
    pub snapshots: u64,
    /// The chain value of the last snapshot.
    pub chain_head: String,
    /// The newest entry of the journal.
    pub last_entry: Option<DateTime<Utc>>,
    /// The step that cannot be undone is done, or was confirmed and begun.
    pub past_point_of_no_return: bool,
}

/// Writes by how they stand.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct WriteCounts {
    /// Done and read back.
    pub done: u64,
    /// Was that way already.
    pub already: u64,
    /// Meant and perhaps sent; `resume` looks.
    pub in_doubt: u64,
    /// Somebody else's value stands there.
    pub foreign: u64,
    pub failed: u64,
    /// Taken back.
    pub undone: u64,
}

impl WriteCounts {
    pub fn all(&self) -> u64 {
        self.done + self.already + self.in_doubt + self.foreign + self.failed + self.undone
    }
}

/// Where and why it stopped.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Halted {
    pub step: String,
    pub headline: String,
    pub lines: Vec<String>,
    pub next: Vec<String>,
    pub differences: Vec<Difference>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct WaveStanding {
    pub name: String,
    pub canary: bool,
    pub groups: u64,
    pub state: StepState,
    pub steps: u64,
    pub steps_done: u64,
    pub begun: Option<DateTime<Utc>>,
    pub ended: Option<DateTime<Utc>>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct StepStanding {
    pub id: String,
    pub kind: String,
    pub title: String,
    pub who: String,
    pub server: Option<String>,
    pub wave: Option<String>,
    pub reversible: bool,
    pub point_of_no_return: bool,
    pub state: StepState,
    pub begun: Option<DateTime<Utc>>,
    pub ended: Option<DateTime<Utc>>,
    pub detail: Option<String>,
    pub writes: WriteCounts,
}

/// Differences that a step found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Found {
    pub step: String,
    pub differences: Vec<Difference>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LogEntry {
    pub at: DateTime<Utc>,
    pub level: Level,
    pub text: String,
}
