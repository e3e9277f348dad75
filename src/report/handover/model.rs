//! The published shape of a handover (`handover --format json`, schema `groupshift/handover/v1`).

use crate::report::model::BundleRef;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub const HANDOVER_SCHEMA: &str = "groupshift/handover/v1";

/// What to do about tickets that were issued before a change.
pub const TICKETS: &str = "A Kerberos ticket and a logon session keep the groups that they were made with. After a change of members or nesting: sign out and in again, or \"klist purge\"; for services that run as the computer, \"klist -li 0x3e7 purge\" as administrator, or restart it; else the old groups hold until the ticket expires (10 hours by default).";

/// The whole document.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Handover {
    pub schema: String,
    pub bundle: BundleRef,
    /// The plan that says when, and under which names; null where none was given.
    pub plan: Option<PlanRef>,
    /// Where the names afterwards come from: `plan`, `job`, `defaults` (there is neither) or `unknown`.
    pub names_from: String,
    pub groups: Vec<Handed>,
    pub limits: Vec<String>,
    /// What to do about tickets.
    pub tickets: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PlanRef {
    pub sha256: String,
    /// Whether the plan was made from the very bundle that this handover was.
    pub of_this_bundle: bool,
}

/// One group, for the owner of the applications that use it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Handed {
    pub object_id: Option<String>,
    pub object_guid: Option<String>,
    pub sid: Option<String>,
    pub dn: String,
    pub display_name: Option<String>,
    /// DNS name of the group's domain.
    pub domain: Option<String>,
    pub sam_account_name: Option<String>,
    /// `DOMAIN\account`; null where the input lacks the account's name or the domain's short name.
    pub account: Option<String>,
    /// `universal security`, …
    #[serde(rename = "type")]
    pub group_type: Option<String>,
    /// Direct members in AD.
    pub members: u64,
    /// Access packages that govern it, where the bundle was collected for an audit.
    pub governed_by: Vec<String>,
    /// AD groups that have it as a direct member, at most fifty by name.
    pub nested_in: Vec<String>,
    pub nested_in_count: u64,
    /// AD objects whose access list names it, at most fifty by name.
    pub named_by: Vec<String>,
    pub named_by_count: u64,
    pub wave: Option<String>,
    /// When the wave begins, UTC.
    pub at: Option<String>,
    /// Names that are possible afterwards: none where it cannot be said, one where it is certain.
    pub dn_after: Vec<String>,
    /// Account names that are possible afterwards, where the name may change.
    pub account_name_after: Vec<String>,
    pub members_added: u64,
    pub members_lost: u64,
    /// Members that come or go only under one reading of an open point.
    pub members_open: u64,
    /// People who gain or lose the group, nesting counted.
    pub people_gaining: u64,
    pub people_losing: u64,
    /// What changes, in sentences.
    pub changes: Vec<String>,
    /// What the owner has to do, in sentences.
    pub to_do: Vec<String>,
}
