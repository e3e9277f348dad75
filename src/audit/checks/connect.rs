//! What the Connect servers would do: A13–A16, server by server and by content.

use super::{AuditRule, Outcome, made_at_once};
use crate::audit::context::Context;
use crate::report::model::Severity;

pub fn checks() -> Vec<AuditRule> {
    vec![
        AuditRule {
            id: "A13",
            title: "Group writeback V2 is off",
            condition: "GroupWritebackV2 is false, by Entra and by every Connect server; UnifiedGroupWriteback (V1) is as decided.",
            why: "With V2 on, two engines write the same groups.",
            remedy: "Finish the plan: the step that turns V2 off, with its confirmation.",
            severity: Severity::High,
            blocks: &[],
            sources: &["MIG26"],
            check: a13,
            show: made_at_once,
        },
        AuditRule {
            id: "A14",
            title: "Both coexistence rules on every server",
            condition: "Every Connect server, staging ones too, has the inbound and, for each AD connector that groups are written through, the outbound coexistence rule: by content, enabled, on the right connector.",
            why: "Without them Connect may take the groups for out of scope and delete them, or write their members.",
            remedy: "Create the rules with the plan's scripts on the server that lacks them, before it exports again.",
            severity: Severity::Blocker,
            blocks: &["cutover run"],
            sources: &["MIG26"],
            check: a14,
            show: made_at_once,
        },
        AuditRule {
            id: "A15",
            title: "No AD group waits to be deleted",
            condition: "No Connect server has a pending deletion of a group in the exports to AD.",
            why: "The next export carries it out.",
            remedy: "Stop the scheduler (Set-ADSyncScheduler -SyncCycleEnabled $false) and find out why the deletion is pending before anything is exported.",
            severity: Severity::Blocker,
            blocks: &["cutover run"],
            sources: &["STG"],
            check: a15,
            show: made_at_once,
        },
        AuditRule {
            id: "A16",
            title: "V1 was not turned off under joined groups",
            condition: "UnifiedGroupWriteback (V1) is on, or every Connect server has both coexistence rules.",
            why: "Once V1 is off, the next full synchronisation deletes what Connect still takes for its own.",
            remedy: "Stop the scheduler on every server, create the coexistence rules, check the pending exports, and only then go on.",
            severity: Severity::Blocker,
            blocks: &["cutover run"],
            sources: &["FAQ26", "GWB1"],
            check: a16,
            show: made_at_once,
        },
    ]
}

fn a13(_: &Context<'_>) -> Outcome {
    Outcome::unknown("Not judged yet", "Follow this branch.")
}

fn a14(_: &Context<'_>) -> Outcome {
    Outcome::unknown("Not judged yet", "Follow this branch.")
}

fn a15(_: &Context<'_>) -> Outcome {
    Outcome::unknown("Not judged yet", "Follow this branch.")
}

fn a16(_: &Context<'_>) -> Outcome {
    Outcome::unknown("Not judged yet", "Follow this branch.")
}
