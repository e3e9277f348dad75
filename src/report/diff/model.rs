//! The published shape of a difference (`diff.json`, schema `groupshift/diff/v1`): what Cloud Sync will make of each
//! group (`kind` is `forecast`), or what changed between two scans (`kind` is `scans`).

use crate::report::model::{BundleRef, Severity};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub const DIFF_SCHEMA: &str = "groupshift/diff/v1";

/// What is held against what.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum DiffKind {
    Forecast,
    Scans,
}

/// What the forecast assumes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Basis {
    /// `planned`: every written-back group; `job`: what the job takes today.
    pub scope: String,
    /// `job`, `defaults` (there is no job), or `unknown`.
    pub mappings: String,
    /// "Provision membership to on-premises users": `on`, `off` or `unknown`.
    pub membership_option: String,
    /// The AD domain that is written to.
    pub domain: Option<String>,
    /// The mappings of name and container, as the schema writes them.
    pub cn: Option<String>,
    pub parent_distinguished_name: Option<String>,
    /// What is odd about the mappings.
    pub notes: Vec<String>,
}

/// An open point, and how many groups rest on it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OpenPoint {
    pub point: String,
    pub question: String,
    pub settled_by: String,
    pub groups: u64,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ForecastSummary {
    /// Groups looked at, and AD groups that nest one whose members change.
    pub groups: u64,
    /// Groups that stay as they are, whatever the open points turn out to be.
    pub unchanged: u64,
    /// Groups that stay as they are unless an open point is decided the other way.
    pub unchanged_unless: u64,
    /// Groups of which something will, or may, be other than it is.
    pub changed: u64,
    /// Groups whose outcome rests on an open point.
    pub depends: u64,
    pub renamed: u64,
    pub moved: u64,
    /// Other attributes than name and place.
    pub attributes: u64,
    /// Groups made anew where AD has none.
    pub created: u64,
    /// Groups that would get a second object in AD, or an error for having one.
    pub duplicates: u64,
    /// Groups that must be stamped first, since they would be duplicated otherwise.
    pub to_stamp: u64,
    /// Groups whose new name somebody has.
    pub name_taken: u64,
    pub members_kept: u64,
    /// Those of the kept that stay only where the membership option is on.
    pub members_kept_if_option: u64,
    pub members_added: u64,
    pub members_maybe_added: u64,
    pub members_lost: u64,
    pub members_maybe_lost: u64,
    pub members_open: u64,
    pub members_not_written: u64,
    /// Distinct people whose effective membership of some AD group changes.
    pub people_gaining: u64,
    pub people_losing: u64,
    pub people_maybe_gaining: u64,
    pub people_maybe_losing: u64,
    /// AD groups outside the migration that nest a group whose members change.
    pub parents_affected: u64,
    pub open_points: Vec<OpenPoint>,
}

/// Everything in front of the groups of a forecast.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ForecastHeader {
    pub schema: String,
    pub kind: DiffKind,
    pub bundle: BundleRef,
    pub basis: Basis,
    pub summary: ForecastSummary,
    /// What cannot be seen from here, and what the collection fell short of, in sentences.
    pub limits: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum AttributeState {
    Same,
    Changed,
    /// The candidates are the values that are possible.
    Unknown,
    Error,
    /// The job writes it; today's value is not in the bundle.
    NotCollected,
    /// The job does not map it: that it stays is presumed, not documented.
    Unmapped,
}

/// One attribute: AD today, Entra today, AD afterwards.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AttributeDiff {
    pub attribute: String,
    pub ad: Option<String>,
    pub entra: Option<String>,
    pub after: Option<String>,
    pub state: AttributeState,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub candidates: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// A member that does not simply stay.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct MemberDiff {
    /// `added`, `maybe-added`, `lost`, `maybe-lost`, `open`, `not-written`.
    pub fate: String,
    /// Name in AD, where the member has an object there.
    pub dn: Option<String>,
    /// Entra object id, where the member has one.
    pub object_id: Option<String>,
    pub name: Option<String>,
    /// `no-ad-account`, `synced-group`, …; absent where there is nothing to explain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct MemberCounts {
    /// Direct members in AD, and in Entra.
    pub ad: u64,
    pub entra: u64,
    pub kept: u64,
    pub kept_if_option: u64,
    pub added: u64,
    pub maybe_added: u64,
    pub lost: u64,
    pub maybe_lost: u64,
    pub open: u64,
    pub not_written: u64,
}

/// Effective membership, through any depth of nesting: people by name, at most a thousand of each kind.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AccessDiff {
    pub before: u64,
    pub after: u64,
    pub gained_count: u64,
    pub lost_count: u64,
    pub maybe_gained_count: u64,
    pub maybe_lost_count: u64,
    pub gained: Vec<String>,
    pub lost: Vec<String>,
    pub maybe_gained: Vec<String>,
    pub maybe_lost: Vec<String>,
}

/// Where a group is used, as far as the bundle shows it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct UseOfGroup {
    /// AD groups that have it as a direct member, at most fifty by name.
    pub nested_in: Vec<String>,
    pub nested_in_count: u64,
    /// AD groups that hold it through any depth.
    pub ancestors: u64,
    /// AD objects whose access list names it, at most fifty by name.
    pub named_by: Vec<String>,
    pub named_by_count: u64,
}

/// One group: what is, and what will be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct GroupDiff {
    pub object_id: Option<String>,
    pub object_guid: Option<String>,
    pub sid: Option<String>,
    /// Null where AD has no such group.
    pub dn: Option<String>,
    pub display_name: Option<String>,
    /// `update`, `stamp`, `create`, `create-beside`, `duplicates`, `undecided`, `bystander`, `untouched`,
    /// `out-of-scope`, `gone`, `open`; `parent` for an AD group that nests one whose members change.
    pub action: String,
    pub severity: Severity,
    /// Whether anything will, or may, be other than it is.
    pub differs: bool,
    /// `renamed`, `moved`, `display-name`, `description`, `account-name`, `attribute`, `name-open`, `name-taken`, `error`,
    /// `stamped`, `created`, `duplicate`, `members-added`, `members-lost`, `members-maybe-lost`, `members-maybe-added`,
    /// `members-open`, `access-gained`, `access-lost`.
    pub changes: Vec<String>,
    /// The open points that the outcome rests on.
    pub depends: Vec<String>,
    pub attributes: Vec<AttributeDiff>,
    pub members: MemberCounts,
    /// Members that do not simply stay, at most a thousand of each fate.
    pub member_changes: Vec<MemberDiff>,
    pub access: AccessDiff,
    #[serde(rename = "use")]
    pub used: UseOfGroup,
    /// What else is to be known, in sentences.
    pub notes: Vec<String>,
}

/// What changed about one object between two scans.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ObjectState {
    Added,
    Removed,
    Changed,
}

impl ObjectState {
    pub fn as_str(self) -> &'static str {
        match self {
            ObjectState::Added => "added",
            ObjectState::Removed => "removed",
            ObjectState::Changed => "changed",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ValueChange {
    pub attribute: String,
    pub before: Option<String>,
    pub after: Option<String>,
}

/// One object of AD or of Entra that is not as it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ObjectDiff {
    /// `ad` or `entra`.
    pub side: String,
    pub state: ObjectState,
    /// `group`, `user`, `computer`, …
    pub class: String,
    /// objectGUID, or Entra object id; null where neither scan has one.
    pub id: Option<String>,
    pub sid: Option<String>,
    /// The present DN, or the last known one.
    pub dn: Option<String>,
    pub name: Option<String>,
    pub attributes: Vec<ValueChange>,
    /// Direct members by name, at most a thousand of each.
    pub members_added: Vec<String>,
    pub members_removed: Vec<String>,
    pub members_added_count: u64,
    pub members_removed_count: u64,
    /// Why members could not be compared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub members_unknown: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ScanSummary {
    pub objects_before: u64,
    pub objects_after: u64,
    pub added: u64,
    pub removed: u64,
    pub changed: u64,
    pub renamed: u64,
    pub members_added: u64,
    pub members_removed: u64,
    /// Groups whose member lists could not be compared.
    pub members_unknown: u64,
}

/// Everything in front of the objects of a comparison of two scans.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ScanHeader {
    pub schema: String,
    pub kind: DiffKind,
    /// The earlier scan, and the later one.
    pub before: BundleRef,
    pub after: BundleRef,
    pub summary: ScanSummary,
    pub limits: Vec<String>,
}

/// The whole document, as `diff.json` holds it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Diff {
    Forecast {
        #[serde(flatten)]
        header: ForecastHeader,
        groups: Vec<GroupDiff>,
    },
    Scans {
        #[serde(flatten)]
        header: ScanHeader,
        objects: Vec<ObjectDiff>,
    },
}

/// What a report writer reads: the head, then each row in published order, one at a time.
pub trait DiffView: Sync {
    fn head(&self) -> Head<'_>;
    fn len(&self) -> usize;
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
    fn row(&self, index: usize) -> Row;
    /// Whether the row is one that somebody should look at, without rendering it.
    fn is_notable(&self, index: usize) -> bool;
}

#[derive(Debug, Clone, Copy)]
pub enum Head<'a> {
    Forecast(&'a ForecastHeader),
    Scans(&'a ScanHeader),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Row {
    Group(Box<GroupDiff>),
    Object(Box<ObjectDiff>),
}
