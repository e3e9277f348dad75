//! Who is in them: A06, A07, A28.

use super::{AuditRule, Outcome, made_at_once};
use crate::audit::context::Context;
use crate::report::model::Severity;

pub fn checks() -> Vec<AuditRule> {
    vec![
        AuditRule {
            id: "A06",
            title: "Members are those of the Entra group",
            condition: "AD's direct members are the AD objects of the Entra group's direct members that the job provisions.",
            why: "AD-side edits are neither seen nor corrected until the Entra group next changes: who was added keeps access, who was removed lacks it.",
            remedy: "Provision the group on demand (at most five members a call), or restart the job; nothing reconciles by itself.",
            severity: Severity::High,
            blocks: &[],
            sources: &["PRE25", "SOAC", "GPADT"],
            check: a06,
            show: made_at_once,
        },
        AuditRule {
            id: "A07",
            title: "No group was emptied",
            condition: "No group is without members in AD that had members before, or whose Entra group has members to provision.",
            why: "The membership option off, or references that do not resolve, empties groups: everybody loses access at once.",
            remedy: "Turn on \"Configure group membership\" in the configuration's scoping page; check msDS-ExternalDirectoryObjectId of nested groups and onPremisesObjectIdentifier of users; then restart the job.",
            severity: Severity::Blocker,
            blocks: &[],
            sources: &["WORKS26"],
            check: a07,
            show: made_at_once,
        },
        AuditRule {
            id: "A28",
            title: "Sizes within what is supported",
            condition: "No group has more direct members than supported, and groups and memberships in scope stay below the limits of the scope mode.",
            why: "Beyond the limits provisioning slows down or stops, and support ends.",
            remedy: "Split the group, or bring fewer groups into scope.",
            severity: Severity::Medium,
            blocks: &[],
            sources: &["DEP26"],
            check: a28,
            show: made_at_once,
        },
    ]
}

fn a06(_: &Context<'_>) -> Outcome {
    Outcome::unknown("Not judged yet", "Follow this branch.")
}

fn a07(_: &Context<'_>) -> Outcome {
    Outcome::unknown("Not judged yet", "Follow this branch.")
}

fn a28(_: &Context<'_>) -> Outcome {
    Outcome::unknown("Not judged yet", "Follow this branch.")
}
