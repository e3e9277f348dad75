//! Who the groups are: A01–A05, A26.

use super::{AuditRule, Outcome, made_at_once};
use crate::audit::context::Context;
use crate::report::model::Severity;

pub fn checks() -> Vec<AuditRule> {
    vec![
        AuditRule {
            id: "A01",
            title: "One object carries the anchor",
            condition: "For every group that is to be in AD (in the job's scope, in the plan or in the snapshots), exactly one object of the forest has msDS-ExternalDirectoryObjectId Group_<object id>.",
            why: "Cloud Sync joins by this value: with none it makes a second group with a new SID, with two it reports an error and may quarantine the whole job.",
            remedy: "Find the objects with (msDS-ExternalDirectoryObjectId=Group_<object id>) in the Global Catalog; keep the one with the snapshot's SID and clear or remove the others, then restart the job. Where none has it, stamp the right group.",
            severity: Severity::Blocker,
            blocks: &[],
            sources: &["WORKS26", "ERR26"],
            check: a01,
            show: made_at_once,
        },
        AuditRule {
            id: "A02",
            title: "Same objectGUID and SID as before",
            condition: "objectGUID and objectSid of every group of the plan or snapshot are what they were before the cutover.",
            why: "A group made anew has another SID: every access list that names the old one lets nobody in.",
            remedy: "Restore the group from the Recycle Bin or the snapshot (groupshift cutover rollback), so that it has its old SID; what the new one was granted meanwhile has to be taken back.",
            severity: Severity::Blocker,
            blocks: &[],
            sources: &["GOV26"],
            check: a02,
            show: made_at_once,
        },
        AuditRule {
            id: "A03",
            title: "Name and place as approved",
            condition: "The group's DN is the one that the plan approves, else the one it had before, else the one that the job's mappings give; and the mappings do not lead away from it.",
            why: "Applications find groups by DN, and access that is inherited depends on the container.",
            remedy: "Correct the job's mappings of cn and parentDistinguishedName, then put the group back where it belongs.",
            severity: Severity::High,
            blocks: &[],
            sources: &["MIG26", "GOV26"],
            check: a03,
            show: made_at_once,
        },
        AuditRule {
            id: "A04",
            title: "Universal security group",
            condition: "groupType is -2147483640.",
            why: "Only universal security groups are provisioned; another scope or type changes where the group counts in access decisions.",
            remedy: "Convert the group back to a universal security group, and find out who changed it.",
            severity: Severity::High,
            blocks: &[],
            sources: &["PRE25"],
            check: a04,
            show: made_at_once,
        },
        AuditRule {
            id: "A05",
            title: "Both anchors say the same",
            condition: "adminDescription and msDS-ExternalDirectoryObjectId are both Group_<object id> of the Entra group.",
            why: "One is what the group is joined by, the other keeps it from being synchronised back to Entra: apart, the group loops or loses its match.",
            remedy: "Set both to Group_<object id>. Find out who changed them.",
            severity: Severity::High,
            blocks: &[],
            sources: &["MAP25"],
            check: a05,
            show: made_at_once,
        },
        AuditRule {
            id: "A26",
            title: "No anchored group without its Entra group",
            condition: "The Entra group of every anchored AD group exists and is not soft-deleted.",
            why: "Nobody maintains such a group, yet it still opens what it was granted.",
            remedy: "Find the owner; remove what the group is granted, then the group.",
            severity: Severity::Medium,
            blocks: &[],
            sources: &["GWB2"],
            check: a26,
            show: made_at_once,
        },
    ]
}

fn a01(_: &Context<'_>) -> Outcome {
    Outcome::unknown("Not judged yet", "Follow this branch.")
}

fn a02(_: &Context<'_>) -> Outcome {
    Outcome::unknown("Not judged yet", "Follow this branch.")
}

fn a03(_: &Context<'_>) -> Outcome {
    Outcome::unknown("Not judged yet", "Follow this branch.")
}

fn a04(_: &Context<'_>) -> Outcome {
    Outcome::unknown("Not judged yet", "Follow this branch.")
}

fn a05(_: &Context<'_>) -> Outcome {
    Outcome::unknown("Not judged yet", "Follow this branch.")
}

fn a26(_: &Context<'_>) -> Outcome {
    Outcome::unknown("Not judged yet", "Follow this branch.")
}
