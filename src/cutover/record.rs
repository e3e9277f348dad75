//! What the journal keeps: the run itself, its steps, each write with what stood before and after, what was learnt and
//! accepted. Published in a run's report, readable with any SQLite tool in the store.

use crate::cutover::port::Pin;
use crate::directory::ObjectGuid;
use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// How a run stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RunState {
    /// Begun and not ended: running, or its process is gone.
    Open,
    /// Ended by the operator, a gate or a difference; `resume` goes on.
    Stopped,
    /// Every step is done.
    Done,
    /// Rolled back as far as it goes.
    RolledBack,
    /// Left as it is, on the operator's word: a run of another plan took its place.
    Closed,
}

/// One run of one plan.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RunRecord {
    /// Short and speakable, as in `20261121-2103-7f3a`.
    pub id: String,
    pub plan_sha256: String,
    pub tool: String,
    /// DNS name of the AD domain.
    pub domain: String,
    pub tenant: Option<String>,
    /// Every evidence file has to carry it.
    pub nonce: String,
    pub begun: DateTime<Utc>,
    pub host: String,
    pub user: String,
    pub state: RunState,
    /// The controller it is pinned to, and its USN when it began.
    pub pin: Option<Pin>,
    /// Why it stopped, in words, where it did.
    pub reason: Option<String>,
}

/// How a step stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum StepState {
    Pending,
    Begun,
    Done,
    /// Taken back.
    Undone,
    /// Its undo failed; the detail says what to do.
    Stuck,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct StepRecord {
    pub step: String,
    pub state: StepState,
    pub begun: Option<DateTime<Utc>>,
    pub ended: Option<DateTime<Utc>>,
    pub detail: Option<String>,
}

/// What one write is meant to do, written down before it is sent.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Intent {
    pub step: String,
    /// True for a write of a rollback.
    pub undo: bool,
    /// The write that this one takes back.
    pub undoes: Option<i64>,
    /// `stamp`, `write-extension`, `freeze`, `scope-in`, `scope-out`, `pause`, `start`, `schema`, `secrets`, `restart`, `rename`,
    /// `member`, `attribute`, `reanimate`, `provision`, `create`, `errand` …
    pub action: String,
    /// objectGUID of the AD object, or the object id of the Entra one; empty for the job.
    pub object: String,
    /// Its name when it was meant, for a reader.
    pub name: String,
    pub attribute: Option<String>,
    /// What stands there before the write, and what after; absent for none.
    pub old: Option<Value>,
    pub new: Option<Value>,
    /// The snapshot that holds the object as it was.
    pub snapshot: Option<i64>,
}

/// How a write stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum WriteState {
    /// Meant, and perhaps sent: live state tells.
    Intended,
    /// Done and read back.
    Done,
    /// It was that way already; nothing was sent, or nothing had to be.
    Already,
    /// Something else stands there: not ours to overwrite.
    Foreign,
    /// Refused or failed; nothing was done.
    Failed,
    /// Taken back, and that read back.
    Undone,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct WriteRecord {
    pub id: i64,
    #[serde(flatten)]
    pub intent: Intent,
    pub state: WriteState,
    pub meant: DateTime<Utc>,
    pub settled: Option<DateTime<Utc>>,
    /// Which controller or service answered.
    pub server: Option<String>,
    pub detail: Option<String>,
}

/// What an outcome adds to a write.
#[derive(Debug, Clone, PartialEq)]
pub struct Settled {
    pub write: i64,
    pub state: WriteState,
    pub server: Option<String>,
    pub detail: Option<String>,
}

/// What a snapshot is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SnapshotKind {
    /// An AD group: every attribute.
    AdGroup,
    /// Its Entra object with members.
    CloudGroup,
    /// The job with its status.
    Job,
    Schema,
    /// Names of the secrets and the values that are not masked.
    Secrets,
    Assignments,
    /// What a Connect server said of itself.
    Server,
}

/// A snapshot, without its body.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SnapshotRecord {
    pub id: i64,
    pub kind: SnapshotKind,
    /// objectGUID, object id, or the job's id.
    pub object: String,
    pub name: String,
    /// Why it was taken: the step.
    pub step: String,
    pub taken: DateTime<Utc>,
    pub bytes: u64,
    /// SHA-256 of the body.
    pub sha256: String,
    /// SHA-256 of the former record's chain value, this record's fields and its body's hash: changing, dropping or
    /// reordering any of them shows.
    pub chain: String,
}

/// One line of the operator's log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LogLine {
    pub at: DateTime<Utc>,
    pub level: crate::cutover::port::Level,
    pub text: String,
}

/// What the operator accepted, or what this tenant's behaviour taught the run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Remark {
    /// `gate`, `difference`, `shrunk`, `confirmation`, `off-host-copy`, `learnt`.
    pub kind: String,
    /// The gate, the open point, or the difference.
    pub subject: String,
    pub text: String,
    pub by: String,
    pub at: DateTime<Utc>,
}

/// The key of an object in journal and snapshots.
pub fn key(guid: ObjectGuid) -> String {
    guid.to_string()
}
