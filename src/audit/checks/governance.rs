//! Access packages and the applications behind the groups: A22–A24.

use super::{AuditRule, Outcome, made_at_once};
use crate::audit::context::Context;
use crate::report::model::Severity;

pub fn checks() -> Vec<AuditRule> {
    vec![
        AuditRule {
            id: "A22",
            title: "Members are those of the access packages",
            condition: "Every group that an access package grants membership of has exactly the targets of the packages' active assignments as members.",
            why: "A direct addition is access without request, approval, review or end.",
            remedy: "Remove the direct members, or have them request the package; deliver assignments that are stuck.",
            severity: Severity::High,
            blocks: &[],
            sources: &["ELM", "GOV26"],
            check: a22,
            show: made_at_once,
        },
        AuditRule {
            id: "A23",
            title: "What applications have on record is still true",
            condition: "DN, domain, account name and SID of every group are what was on record at the cutover, or what the plan approved.",
            why: "Applications name groups by one of the four: another value and they let nobody in.",
            remedy: "Tell the application's owner (groupshift handover), or put the old name back.",
            severity: Severity::High,
            blocks: &[],
            sources: &["ELM"],
            check: a23,
            show: made_at_once,
        },
        AuditRule {
            id: "A24",
            title: "The application's own group holds nothing else",
            condition: "An AD group that nests a governed group has no other members, is a universal security group and no well-known group.",
            why: "Every other member gets the same access without the access package.",
            remedy: "Remove the other members; make the group universal; for a well-known group, grant the access to another one.",
            severity: Severity::High,
            blocks: &[],
            sources: &["GOV26"],
            check: a24,
            show: made_at_once,
        },
    ]
}

fn a22(_: &Context<'_>) -> Outcome {
    Outcome::unknown("Not judged yet", "Follow this branch.")
}

fn a23(_: &Context<'_>) -> Outcome {
    Outcome::unknown("Not judged yet", "Follow this branch.")
}

fn a24(_: &Context<'_>) -> Outcome {
    Outcome::unknown("Not judged yet", "Follow this branch.")
}
