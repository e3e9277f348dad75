//! The proposed mappings of name and place in their published shape.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What is proposed, and how far it keeps the planned groups as they are.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct MappingProposal {
    /// Whether every planned group keeps its CN and its container, proved by evaluating both for every one of them.
    pub keeps_every_name: bool,
    pub keeps_every_place: bool,
    pub cn: Option<ProposedMapping>,
    pub parent_distinguished_name: Option<ProposedMapping>,
    /// Extension properties that must exist, by their full name; `{appId}` stands for the application's id without
    /// hyphens where the bundle does not tell it.
    pub extensions: Vec<ExtensionProperty>,
    /// Groups that no mapping keeps, and why.
    pub cannot_keep: Vec<CannotKeep>,
    /// The change to the job's schema: read, compare with `expects`, replace, write back whole.
    pub schema_patch: Option<SchemaPatch>,
    /// What is to be known about these mappings.
    pub notes: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ProposedMapping {
    /// `constant`, `attribute`, `function`, `switch`, `extension`, or `job` for the job's own.
    pub form: String,
    pub expression: String,
    /// For how many planned groups it was evaluated, and for how many it gave the present value.
    pub evaluated: u64,
    pub holds: u64,
    pub why: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ExtensionProperty {
    pub name: String,
    /// Present in the bundle, or to be created by the plan.
    pub exists: bool,
    /// Groups that get a value; each value stands in the group's own steps.
    pub values: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CannotKeep {
    pub object_id: String,
    pub dn: String,
    /// `cn` or `parentDistinguishedName`.
    pub attribute: String,
    pub reason: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SchemaPatch {
    /// The mapping of groups that is changed, as the schema names its target object.
    pub target_object_name: String,
    /// The mappings as the bundle has them; a live schema that differs stops the run.
    pub expects: Vec<serde_json::Value>,
    /// What they become: attributeMapping objects of Microsoft Graph.
    pub attribute_mappings: Vec<serde_json::Value>,
}
