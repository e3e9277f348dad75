//! The published shape of an audit (`audit.json`, schema `groupshift/audit/v1`), and the view that every writer reads it
//! through: the head, the checks, each failure when it is asked for, and the groups with what failed for them.

use crate::report::model::{BundleRef, GateStatus, Problem, Severity};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub const AUDIT_SCHEMA: &str = "groupshift/audit/v1";

/// How many of the objects that a check could not judge are named.
pub const UNKNOWNS_LISTED: usize = 20;

/// What the state was held against.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum AgainstKind {
    /// Nothing but the tenant itself.
    #[default]
    Nothing,
    /// What a plan saw and promised.
    Plan,
    /// What a run kept of each group before it touched it.
    Snapshot,
}

impl AgainstKind {
    pub fn as_str(self) -> &'static str {
        match self {
            AgainstKind::Nothing => "nothing",
            AgainstKind::Plan => "plan",
            AgainstKind::Snapshot => "snapshot",
        }
    }
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Against {
    pub kind: AgainstKind,
    /// The plan's or the run's name, for a reader; null for nothing.
    pub name: Option<String>,
    /// Of the plan, or of the chain over the snapshots.
    pub sha256: Option<String>,
    /// When what it holds was seen, UTC.
    pub taken: Option<String>,
    pub groups: u64,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CheckCounts {
    pub pass: u64,
    pub fail: u64,
    pub unknown: u64,
    pub not_applicable: u64,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SeverityCounts {
    pub blocker: u64,
    pub high: u64,
    pub medium: u64,
    pub low: u64,
    pub info: u64,
}

impl SeverityCounts {
    pub fn add(&mut self, severity: Severity, n: u64) {
        *match severity {
            Severity::Blocker => &mut self.blocker,
            Severity::High => &mut self.high,
            Severity::Medium => &mut self.medium,
            Severity::Low => &mut self.low,
            Severity::Info => &mut self.info,
        } += n;
    }
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Summary {
    /// Groups that were audited: those in the job's scope, those that carry its stamp, and those of the plan or snapshot.
    pub groups: u64,
    /// Their direct memberships in AD.
    pub memberships: u64,
    /// Groups for which a check failed, and those for which none failed and one stayed open.
    pub groups_failing: u64,
    pub groups_unknown: u64,
    pub checks: CheckCounts,
    /// Failures by severity.
    pub failures: SeverityCounts,
    /// The worst severity of a check that failed; null where none did.
    pub worst: Option<Severity>,
}

/// One check, without its failures.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CheckHead {
    /// `A01`…`A28`; published, never changes meaning.
    pub id: String,
    pub title: String,
    pub status: GateStatus,
    pub severity: Severity,
    /// Commands or steps that it holds back while it does not pass.
    pub blocks: Vec<String>,
    /// What was seen, in a sentence.
    pub message: String,
    /// What to do, or for `unknown`, what would settle it.
    pub remediation: String,
    /// The facts that the status rests on.
    pub evidence: Value,
    pub sources: Vec<String>,
    /// How many failures there are.
    pub failed: u64,
    /// How many objects the input could not tell about; the first of them are named in `unknowns`.
    pub unknown: u64,
}

/// One object that is not as it should be (or, in `unknowns`, of which the input tells too little).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Failure {
    /// Tells the failures of one check apart, and stays the same from audit to audit while the failure is the same.
    pub key: String,
    /// The group, where it is one: Entra object id; objectGUID, SID and DN in AD.
    pub object_id: Option<String>,
    pub object_guid: Option<String>,
    pub sid: Option<String>,
    pub dn: Option<String>,
    pub display_name: Option<String>,
    /// What is concerned where it is no group: a Connect server, an agent, a job, a controller, an account.
    pub subject: Option<String>,
    /// The attribute or setting.
    pub attribute: Option<String>,
    pub expected: Option<String>,
    pub actual: Option<String>,
    /// In a sentence.
    pub message: String,
    /// The facts: lists of members, access entries, log records. An object.
    pub evidence: Value,
}

impl Failure {
    /// What it is about, in one name.
    pub fn name(&self) -> &str {
        let names = [&self.dn, &self.subject, &self.display_name, &self.object_id];
        names.into_iter().flatten().next().map_or("(unnamed)", String::as_str)
    }
}

/// One check with its failures, as `audit.json` has it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Check {
    #[serde(flatten)]
    pub head: CheckHead,
    /// By DN, those without one last.
    pub failures: Vec<Failure>,
    /// The first objects that could not be judged, at most twenty.
    pub unknowns: Vec<Failure>,
}

/// Everything in front of the checks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Header {
    pub schema: String,
    pub bundle: BundleRef,
    pub against: Against,
    pub summary: Summary,
    /// What the collection could not look at or fell short of, in sentences; empty for a complete one.
    pub limits: Vec<String>,
    pub problems: Vec<Problem>,
}

/// The whole document, as `audit.json` holds it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Audit {
    #[serde(flatten)]
    pub header: Header,
    /// All of them, by id.
    pub checks: Vec<Check>,
}

/// One audited group for a page: what it is, and which checks failed or stayed open for it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GroupLine {
    pub object_id: Option<String>,
    pub object_guid: Option<String>,
    pub sid: Option<String>,
    pub dn: Option<String>,
    pub display_name: Option<String>,
    /// Direct members in AD.
    pub members: u64,
    /// Whether the job takes it; `None` where the input does not tell.
    pub in_scope: Option<bool>,
    /// The wave of the plan that it was in.
    pub wave: Option<String>,
    /// Ids of checks.
    pub failed: Vec<&'static str>,
    pub unknown: Vec<&'static str>,
}

/// What a report writer reads. Failures are made one at a time, so that no writer needs to hold a million of them.
pub trait View: Sync {
    fn header(&self) -> &Header;
    /// How many checks there are: all, by id.
    fn checks(&self) -> usize;
    fn check(&self, check: usize) -> &CheckHead;
    /// Failure `index` of the `failed` of a check: by DN, those without one last.
    fn failure(&self, check: usize, index: usize) -> Failure;
    /// The same of what could not be judged; `index` is below `unknown` and below `UNKNOWNS_LISTED`.
    fn open(&self, check: usize, index: usize) -> Failure;
    /// How many groups `group` tells about: all that were audited, by DN, null last, then by object id. None for a
    /// document that was read back.
    fn groups(&self) -> usize;
    fn group(&self, index: usize) -> GroupLine;
    /// Whether a check failed for the group, and whether one stayed open, without rendering it.
    fn group_state(&self, index: usize) -> (bool, bool);
    /// Whether a check failed at or above `limit`; `unknown_too` counts those that the input could not settle.
    fn reaches(&self, limit: Severity, unknown_too: bool) -> bool {
        (0..self.checks()).map(|i| self.check(i)).any(|c| {
            c.severity >= limit
                && (c.status == GateStatus::Fail || unknown_too && (c.status == GateStatus::Unknown || c.unknown > 0))
        })
    }
    /// The document, whole: for an audit that fits into memory, such as last time's in a comparison.
    fn document(&self) -> Audit {
        let one = |i: usize| {
            let head = self.check(i).clone();
            let listed = (head.unknown as usize).min(UNKNOWNS_LISTED);
            Check {
                failures: (0..head.failed as usize).map(|f| self.failure(i, f)).collect(),
                unknowns: (0..listed).map(|f| self.open(i, f)).collect(),
                head,
            }
        };
        Audit { header: self.header().clone(), checks: (0..self.checks()).map(one).collect() }
    }
}

impl View for Audit {
    fn header(&self) -> &Header {
        &self.header
    }
    fn checks(&self) -> usize {
        self.checks.len()
    }
    fn check(&self, check: usize) -> &CheckHead {
        &self.checks[check].head
    }
    fn failure(&self, check: usize, index: usize) -> Failure {
        self.checks[check].failures[index].clone()
    }
    fn open(&self, check: usize, index: usize) -> Failure {
        self.checks[check].unknowns[index].clone()
    }
    fn groups(&self) -> usize {
        0
    }
    fn group(&self, _: usize) -> GroupLine {
        GroupLine::default()
    }
    fn group_state(&self, _: usize) -> (bool, bool) {
        (false, false)
    }
}
