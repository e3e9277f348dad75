//! The published shape of an assessment (`assessment.json`, schema `groupshift/assessment/v1`) and the view that every
//! writer reads it through.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub const ASSESSMENT_SCHEMA: &str = "groupshift/assessment/v1";

/// How bad a finding, gate or check is. Ordered: `info` is least, `blocker` most.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    Info,
    Low,
    Medium,
    High,
    Blocker,
}

impl Severity {
    pub const ALL: [Severity; 5] = [Severity::Blocker, Severity::High, Severity::Medium, Severity::Low, Severity::Info];
    pub fn as_str(self) -> &'static str {
        match self {
            Severity::Info => "info",
            Severity::Low => "low",
            Severity::Medium => "medium",
            Severity::High => "high",
            Severity::Blocker => "blocker",
        }
    }
}

/// What becomes of a group. Ordered by strictness: the strictest of its findings is the group's verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// Can move as it is.
    Migrate,
    /// Can move once what the findings say is fixed.
    Fix,
    /// Somebody must look and decide first.
    Review,
    /// Does not move by this path.
    Exclude,
}

impl Verdict {
    pub const ALL: [Verdict; 4] = [Verdict::Migrate, Verdict::Fix, Verdict::Review, Verdict::Exclude];
    pub fn as_str(self) -> &'static str {
        match self {
            Verdict::Migrate => "migrate",
            Verdict::Fix => "fix",
            Verdict::Review => "review",
            Verdict::Exclude => "exclude",
        }
    }
}

/// Whether a rule's condition holds, or the input cannot tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum FindingStatus {
    Found,
    Unknown,
}

impl FindingStatus {
    pub fn as_str(self) -> &'static str {
        match self {
            FindingStatus::Found => "found",
            FindingStatus::Unknown => "unknown",
        }
    }
}

/// The state of an environment gate. Unknown is never pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum GateStatus {
    Pass,
    Fail,
    Unknown,
    NotApplicable,
}

impl GateStatus {
    pub fn as_str(self) -> &'static str {
        match self {
            GateStatus::Pass => "pass",
            GateStatus::Fail => "fail",
            GateStatus::Unknown => "unknown",
            GateStatus::NotApplicable => "not-applicable",
        }
    }
}

/// A gate passed on somebody's word, because it cannot be observed from here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Attestation {
    pub reason: String,
    /// Who attested: the operating system's account name.
    pub by: String,
}

/// One environment gate.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Gate {
    /// `E1`…`E15`, `C19` or `C37`.
    pub id: String,
    pub title: String,
    pub status: GateStatus,
    pub severity: Severity,
    /// The commands or steps that this gate holds back while it does not pass.
    pub blocks: Vec<String>,
    /// What was seen.
    pub message: String,
    /// What to do, or for `unknown`, what would settle it.
    pub remediation: String,
    /// The facts that the status rests on.
    pub evidence: serde_json::Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attested: Option<Attestation>,
    /// Sources of the gate, keys of the documentation's source table.
    pub sources: Vec<String>,
}

/// One finding of one group.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Finding {
    /// `C01`…`C41`.
    pub rule: String,
    pub status: FindingStatus,
    pub severity: Severity,
    pub message: String,
    /// What to do, or for `unknown`, what would settle it.
    pub remediation: String,
    pub evidence: serde_json::Value,
}

/// One assessed group.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Group {
    /// Entra object id; from the anchor where Entra has no such group; null where there is neither.
    pub object_id: Option<String>,
    /// AD objectGUID as text.
    pub object_guid: Option<String>,
    pub sid: Option<String>,
    /// Null when Entra says that the group is written back but AD has no object.
    pub dn: Option<String>,
    pub display_name: Option<String>,
    pub verdict: Verdict,
    /// Direct members in AD.
    pub members: u64,
    /// Ordered by rule id.
    pub findings: Vec<Finding>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Summary {
    pub groups: u64,
    pub migrate: u64,
    pub fix: u64,
    pub exclude: u64,
    pub review: u64,
    /// Groups with at least one finding that the input could not settle.
    pub unknown: u64,
    /// Direct memberships in AD of the assessed groups.
    pub memberships: u64,
    /// For each rule: groups where it was found, and where the input could not tell.
    pub rules: Vec<RuleCount>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RuleCount {
    pub rule: String,
    pub title: String,
    /// The worst severity this rule was found with, or its usual one.
    pub severity: Severity,
    /// The verdict this rule gives when it holds.
    pub verdict: Verdict,
    pub found: u64,
    /// Groups where it was found with a severity above `info`: some rules state what is in order, too.
    pub attention: u64,
    pub unknown: u64,
}

/// The bundle an assessment was made from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct BundleRef {
    /// When the bundle was collected, UTC, RFC 3339.
    pub created: String,
    /// SHA-256 of the bundle's manifest.
    pub sha256: String,
    /// False when the collection fell short and was accepted as partial.
    pub complete: bool,
    /// True for a bundle whose names and ids were replaced.
    pub anonymised: bool,
    /// AD domain, when the input names one.
    pub domain: Option<String>,
    /// Display name of the tenant, when the input names one.
    pub tenant: Option<String>,
    /// The container that groups are written back to, and how it was found.
    pub writeback_container: Option<String>,
    pub writeback_container_from: Option<String>,
}

/// Something wrong in the input that did not stop the collection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Problem {
    /// What sort: `duplicate-dn`, `duplicate-guid`, `duplicate-id`, `member-not-exported`, …
    pub kind: String,
    /// The object concerned: a DN or an id.
    pub object: String,
    /// What was wrong with it, with file and line where known.
    pub detail: String,
}

/// Everything in front of the groups.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Header {
    pub schema: String,
    pub bundle: BundleRef,
    pub summary: Summary,
    pub gates: Vec<Gate>,
    /// What the collection could not look at or fell short of, in sentences; empty for a complete one.
    pub limits: Vec<String>,
    pub problems: Vec<Problem>,
}

/// The whole document, as `assessment.json` holds it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Assessment {
    #[serde(flatten)]
    pub header: Header,
    pub groups: Vec<Group>,
}

/// What a report writer reads: the header, then each group in its published order, one at a time, so that no writer
/// needs to hold a million of them.
pub trait View: Sync {
    fn header(&self) -> &Header;
    fn len(&self) -> usize;
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
    /// The group at `index` of the published order (by DN, null last, then by objectId).
    fn group(&self, index: usize) -> Group;
    /// The verdict of that group, without rendering it.
    fn verdict(&self, index: usize) -> Verdict;
}

impl View for Assessment {
    fn header(&self) -> &Header {
        &self.header
    }
    fn len(&self) -> usize {
        self.groups.len()
    }
    fn group(&self, index: usize) -> Group {
        self.groups[index].clone()
    }
    fn verdict(&self, index: usize) -> Verdict {
        self.groups[index].verdict
    }
}
