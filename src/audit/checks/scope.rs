//! Whom the job takes, and whom it does not: A19–A21.

use super::{AuditRule, Outcome, made_at_once};
use crate::audit::context::Context;
use crate::report::model::Severity;

pub fn checks() -> Vec<AuditRule> {
    vec![
        AuditRule {
            id: "A19",
            title: "The job's scope is the migrated set",
            condition: "Every migrated group, and every cloud security group nested in one, is in the job's scope; nothing else is.",
            why: "A migrated group out of scope is maintained by nobody; an extra one is written without having been planned.",
            remedy: "Assign what is missing to the configuration's service principal, and take out what does not belong.",
            severity: Severity::High,
            blocks: &[],
            sources: &["DEP26", "CFG26"],
            check: a19,
            show: made_at_once,
        },
        AuditRule {
            id: "A20",
            title: "No group is left on writeback alone",
            condition: "No Entra security group is switched on for writeback (writebackConfiguration.isEnabled) and out of the job's scope.",
            why: "Cloud Sync ignores the switch: the AD copy is frozen, leavers keep their access.",
            remedy: "Bring the group into the job's scope, or retire its AD copy and switch it off.",
            severity: Severity::Medium,
            blocks: &[],
            sources: &["FAQ26"],
            check: a20,
            show: made_at_once,
        },
        AuditRule {
            id: "A21",
            title: "No new Microsoft 365 groups in the container",
            condition: "Since the cutover no Microsoft 365 group has come into the writeback container.",
            why: "Turning V2 off makes V1 write every Microsoft 365 group to AD.",
            remedy: "Tell the owners of the container, or decide about V1.",
            severity: Severity::Medium,
            blocks: &[],
            sources: &["MIG26"],
            check: a21,
            show: made_at_once,
        },
    ]
}

fn a19(_: &Context<'_>) -> Outcome {
    Outcome::unknown("Not judged yet", "Follow this branch.")
}

fn a20(_: &Context<'_>) -> Outcome {
    Outcome::unknown("Not judged yet", "Follow this branch.")
}

fn a21(_: &Context<'_>) -> Outcome {
    Outcome::unknown("Not judged yet", "Follow this branch.")
}
