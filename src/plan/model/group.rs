//! A planned group in its published shape.

use crate::report::model::Verdict;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PlannedGroup {
    pub object_id: String,
    pub object_guid: String,
    pub sid: Option<String>,
    pub dn: String,
    pub display_name: Option<String>,
    pub verdict: Verdict,
    pub risk: Risk,
    /// Direct members in AD when the bundle was made; the bundle has their names.
    pub members: u64,
    pub group_type: Option<i32>,
    /// Object ids of planned groups that it nests: they are scoped in before it.
    pub nests: Vec<String>,
    /// Groups with the same number nest each other in a circle and move together.
    pub unit: Option<u64>,
    /// Findings that this plan settles, with how.
    pub fixes: Vec<Fixed>,
    /// Positions in `decisions`.
    pub decisions: Vec<u64>,
    pub steps: Vec<GroupStep>,
    pub predicted: PredictedGroup,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Risk {
    pub score: u32,
    pub parts: Vec<RiskPart>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RiskPart {
    pub what: String,
    pub points: u32,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Fixed {
    pub rule: String,
    pub by: String,
}

/// One write to one group, or one check of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GroupStep {
    /// `stamp`, `write-extension`, `freeze`, `scope-in` or `verify`.
    pub kind: Cow<'static, str>,
    /// The step of the plan in which it is done.
    pub step: String,
    pub attribute: Option<Cow<'static, str>>,
    /// The value that must be there before the write; null is no value.
    pub expects: Option<String>,
    pub writes: Option<String>,
    pub reversible: bool,
    pub undo: Cow<'static, str>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PredictedGroup {
    /// Null where it cannot be said.
    pub dn: Option<String>,
    pub cn: Option<String>,
    pub member_adds: Vec<String>,
    pub member_removals: Vec<String>,
    /// Under one reading of an open point; at most the first twenty of each are named. Those whose membership hangs on
    /// the membership option alone are counted only: it decides about every member that has an AD account.
    pub possible_adds: Possible,
    pub possible_removals: Possible,
    /// Members in Entra that the job does not write.
    pub not_written: u64,
    pub attributes: Vec<AttributeChange>,
    /// Names of the open points that this rests on.
    pub depends: Vec<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Possible {
    pub count: u64,
    pub first: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AttributeChange {
    pub name: String,
    pub after: Option<String>,
    /// Where `after` is null: what may come, or why nothing can be said.
    pub note: Option<String>,
}
