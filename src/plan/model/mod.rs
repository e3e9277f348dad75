//! The published shape of a plan (`plan.json`, schema `groupshift/plan/v1`): all that a cutover needs to execute it, and
//! all that a change board reads. Unknown fields are refused, so that nothing in an executed plan goes unread.

mod group;
mod mapping;

pub use group::{AttributeChange, Fixed, GroupStep, PlannedGroup, Possible, PredictedGroup, Risk, RiskPart};
pub use mapping::{CannotKeep, ExtensionProperty, MappingProposal, ProposedMapping, SchemaPatch};

use crate::report::model::{Gate, Verdict};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub const PLAN_SCHEMA: &str = "groupshift/plan/v1";

/// The whole plan.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Plan {
    pub schema: String,
    /// SHA-256 of this document with this field empty; a plan that was edited does not match it.
    pub sha256: String,
    /// Version of the program that made it.
    pub tool: String,
    /// False where something in `stops` holds back the whole plan; `cutover run` then refuses it.
    pub executable: bool,
    pub order: Order,
    pub bundle: PlanBundle,
    pub summary: PlanSummary,
    /// What stands in the way, each with what to do. Empty for a plan that can run to its end.
    pub stops: Vec<Stop>,
    pub gates: Vec<Gate>,
    pub mappings: MappingProposal,
    pub job: JobPlan,
    pub connect: Vec<ServerPlan>,
    /// The tenant-level steps and the waves, in the order in which they are done.
    pub steps: Vec<Step>,
    pub waves: Vec<Wave>,
    /// Written-back groups that no wave holds, and Microsoft 365 groups that turning V2 off writes to AD.
    pub outside: Vec<Outside>,
    pub decisions: Vec<Decision>,
    pub policy: PolicyRecord,
    pub timing: Timing,
    /// What the documentation leaves open and this plan therefore rests on.
    pub open: Vec<OpenPoint>,
}

/// In which order V2 is turned off and groups are taken over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Order {
    /// Microsoft's: V2 off first, then wave after wave.
    #[default]
    Documented,
    /// A first wave is verified under Cloud Sync while V2 is still on.
    CanaryFirst,
}

impl Order {
    pub fn as_str(self) -> &'static str {
        match self {
            Order::Documented => "documented",
            Order::CanaryFirst => "canary-first",
        }
    }
}

/// How Connect is kept from writing the canaries while V2 is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Hold {
    /// The active server stands in staging mode meanwhile.
    #[default]
    Staging,
    /// The canaries' `writebackConfiguration.isEnabled` is set to false, which freezes their copies.
    Writeback,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PlanBundle {
    /// Where the bundle lies, relative to the plan's own folder where that can be said; with forward slashes.
    pub path: String,
    pub created: String,
    /// SHA-256 of the bundle's manifest.
    pub sha256: String,
    pub complete: bool,
    pub anonymised: bool,
    pub domain: Option<String>,
    pub tenant: Option<String>,
    pub writeback_container: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PlanSummary {
    pub assessed: u64,
    /// Groups in waves.
    pub planned: u64,
    /// Their direct memberships in Entra.
    pub links: u64,
    pub waves: u64,
    pub outside: u64,
    /// Those of `outside` that V2's end changes and about which no decision is recorded.
    pub undecided: u64,
    /// Planned groups whose name or place changes.
    pub renamed_or_moved: u64,
    pub member_adds: u64,
    pub member_removals: u64,
    /// Removals that come only under a reading of an open point.
    pub possible_removals: u64,
    /// Planned groups whose outcome rests on an open point.
    pub depends: u64,
}

/// Something that holds the plan back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Stop {
    /// `gate`, `limit`, `bundle`, `job`, `connect`, `mapping`, `empty` or `decisions`.
    pub kind: String,
    /// The gate's id, where it is one.
    pub id: Option<String>,
    pub message: String,
    pub remediation: String,
    /// What it holds back: the whole `plan`, the `cutover run`, or the one `irreversible` step.
    pub holds: Holds,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Holds {
    /// `plan` itself ends with exit code 4.
    Plan,
    /// The plan is made; `cutover run` refuses it.
    Run,
    /// The run stops before the first step that this concerns.
    Start,
    /// The run stops before the step that cannot be undone.
    Irreversible,
}

/// The Cloud Sync job as the plan wants it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct JobPlan {
    /// Found in the bundle; null where the run has to create it.
    pub id: Option<String>,
    pub service_principal: Option<String>,
    pub template: String,
    pub domain: Option<String>,
    /// `selected` or `attribute`.
    pub scope: String,
    pub app_role_id: Option<String>,
    /// What the live job must say before anything is scoped in.
    pub flow_types: String,
    pub skip_out_of_scope_deletions: bool,
    pub delete_threshold: u64,
    /// Object ids of what is assigned today. All of it is taken out before the job starts: each group comes back in its
    /// own wave.
    pub assigned_today: Vec<String>,
}

/// One Connect server: what it is, and what its scripts use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ServerPlan {
    pub name: String,
    /// `active`, `staging`, `stopped` or `unknown`.
    pub role: String,
    pub inbound: RulePlan,
    /// One for each AD connector that groups are written back through.
    pub outbound: Vec<RulePlan>,
    pub ad_connector: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RulePlan {
    pub name: String,
    pub identifier: String,
    pub connector: Option<String>,
    pub connector_name: Option<String>,
    pub precedence: Option<u16>,
    /// The server has a rule of this content already; it is left as it is.
    pub present: bool,
    /// What a rule that looks like it, and is not it, has wrong.
    pub flaws: Vec<String>,
}

/// A step of the tenant's.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Step {
    pub id: String,
    pub kind: String,
    pub title: String,
    /// What happens, for a reader who has never seen it.
    pub what: String,
    /// `groupshift`, `Connect administrator`, `change owner`.
    pub who: String,
    /// The Connect server it happens on.
    pub server: Option<String>,
    /// The wave that it belongs to.
    pub wave: Option<String>,
    /// The script, relative to the plan's folder.
    pub script: Option<String>,
    /// Which sitting of the schedule it belongs to; 0 is the preparation.
    pub session: u32,
    /// When the sitting begins, UTC; absent where the policy gives no start.
    pub at: Option<String>,
    /// Minutes it is expected to take; absent where nothing tells.
    pub minutes: Option<u64>,
    pub gate: Vec<GateRef>,
    /// What proves that it was done.
    pub evidence: Vec<String>,
    pub reversible: bool,
    pub point_of_no_return: bool,
    pub undo: Undo,
}

/// What must hold before a step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GateRef {
    /// A gate's id (`E6`), or the name of a check that the run makes on live state.
    pub id: String,
    pub requires: String,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Undo {
    /// `none-needed`, `automatic`, `script`, `manual` or `impossible`.
    pub kind: String,
    pub text: String,
    pub script: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Wave {
    pub name: String,
    pub canary: bool,
    pub session: u32,
    pub at: Option<String>,
    /// Whole days for which its groups stand frozen between the end of V2 and this wave.
    pub days_frozen: Option<u64>,
    pub links: u64,
    pub graph_writes: u64,
    /// Cycles of the job that are expected, and after which the run gives up waiting.
    pub cycles: u64,
    pub cycles_at_most: u64,
    pub minutes: u64,
    /// The wave is larger than its size, since its groups nest each other in a circle and move together.
    pub oversize: bool,
    pub groups: Vec<PlannedGroup>,
}

/// A group that no wave holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Outside {
    pub object_id: Option<String>,
    pub dn: Option<String>,
    pub display_name: Option<String>,
    pub verdict: Option<Verdict>,
    /// Why no wave holds it.
    pub reasons: Vec<Reason>,
    /// What turning V2 off does to it: `frozen`, `becomes-distribution`, `created`, `written-by-v1`; or `none`.
    pub effect: String,
    pub effect_text: String,
    /// Position in `decisions`, where one was recorded.
    pub decision: Option<u64>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Reason {
    /// The rule, or `policy`, `nesting`.
    pub rule: String,
    pub text: String,
}

/// A recorded decision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Decision {
    pub rule: String,
    /// Object id, or the DN where there is none.
    pub group: String,
    pub action: Action,
    pub reason: String,
    pub by: String,
}

/// What a decision says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// The group moves, its finding known and accepted.
    Include,
    /// The group stays outside, and what V2's end does to it is accepted.
    Leave,
}

/// The policy that was applied, with its defaults filled in.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PolicyRecord {
    /// SHA-256 of the files as they were read; null where none was given.
    pub waves_sha256: Option<String>,
    pub decisions_sha256: Option<String>,
    pub canary_size: u64,
    pub wave_size: u64,
    pub order_by: String,
    pub hold: Hold,
    pub start: Option<String>,
    pub days_between: u64,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Timing {
    /// Writes a second that Graph allows an application at best.
    pub graph_writes_per_second: u64,
    pub graph_writes: u64,
    pub directory_writes: u64,
    pub cycle_minutes: u64,
    /// Where the cycle's length comes from.
    pub cycle_from: String,
    pub cycles: u64,
    /// Graph writes and cycles; what people do is not in it.
    pub minutes: u64,
    pub sessions: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct OpenPoint {
    pub name: String,
    pub question: String,
    pub settled_by: String,
    /// Planned groups whose outcome rests on it.
    pub groups: u64,
}
