//! Who may write them: A08.

use super::{AuditRule, Outcome, made_at_once};
use crate::audit::context::Context;
use crate::report::model::Severity;

pub fn checks() -> Vec<AuditRule> {
    vec![AuditRule {
        id: "A08",
        title: "Only the agent writes the groups",
        condition: "On every group nobody but the agent's account, the administrators of the domain and the approved writers may write member, delete, rename or move it, or change its access list; the account of Connect may only while writeback V1 is in use.",
        why: "Every other way to write is a way around the governance of the Entra group.",
        remedy: "Remove the access entry, on the object or where it is inherited from; for the account of Connect, the rights that Set-ADSyncUnifiedGroupWritebackPermissions gave.",
        severity: Severity::High,
        blocks: &[],
        sources: &["ELM", "GOV26", "ACC"],
        check: a08,
        show: made_at_once,
    }]
}

fn a08(_: &Context<'_>) -> Outcome {
    Outcome::unknown("Not judged yet", "Follow this branch.")
}
