//! `audit.json` as a whole, for its schema, and one point of the trend across audits.

use super::compare::Comparison;
use crate::audit::model::{AgainstKind, Check, CheckCounts, Header, SeverityCounts, View};
use crate::report::model::{GateStatus, Severity};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// `audit.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Document {
    #[serde(flatten)]
    pub header: Header,
    /// What the last audit said (`--baseline`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub baseline: Option<Comparison>,
    /// All of them, by id.
    pub checks: Vec<Check>,
}

/// One audit, as a line of the history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Point {
    /// When the audited state was collected, UTC.
    pub created: String,
    pub bundle_sha256: String,
    pub domain: Option<String>,
    pub tenant: Option<String>,
    pub against: AgainstKind,
    pub against_sha256: Option<String>,
    pub groups: u64,
    pub groups_failing: u64,
    pub groups_unknown: u64,
    pub checks: CheckCounts,
    pub failures: SeverityCounts,
    pub worst: Option<Severity>,
    /// Ids of the checks that failed.
    pub failing: Vec<String>,
}

impl Point {
    pub fn of(view: &dyn View) -> Self {
        let h = view.header();
        let failing = |c: &&crate::audit::model::CheckHead| c.status == GateStatus::Fail;
        Point {
            created: h.bundle.created.clone(),
            bundle_sha256: h.bundle.sha256.clone(),
            domain: h.bundle.domain.clone(),
            tenant: h.bundle.tenant.clone(),
            against: h.against.kind,
            against_sha256: h.against.sha256.clone(),
            groups: h.summary.groups,
            groups_failing: h.summary.groups_failing,
            groups_unknown: h.summary.groups_unknown,
            checks: h.summary.checks,
            failures: h.summary.failures,
            worst: h.summary.worst,
            failing: (0..view.checks()).map(|i| view.check(i)).filter(failing).map(|c| c.id.clone()).collect(),
        }
    }
    /// Whether both judge the same state in the same way.
    pub fn is_of_same(&self, other: &Point) -> bool {
        self.bundle_sha256 == other.bundle_sha256
            && self.against == other.against
            && self.against_sha256 == other.against_sha256
    }
    /// All failures.
    pub fn failed(&self) -> u64 {
        let f = &self.failures;
        f.blocker + f.high + f.medium + f.low + f.info
    }
}
