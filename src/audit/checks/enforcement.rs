//! Whether AD itself refuses other writers: A10–A12.

use super::{AuditRule, Outcome, made_at_once};
use crate::audit::context::Context;
use crate::report::model::Severity;

pub fn checks() -> Vec<AuditRule> {
    vec![
        AuditRule {
            id: "A10",
            title: "Groups marked as mastered in the cloud",
            condition: "Where the domain has an enforcement policy, msDS-ObjectSoa is Cloud on every group.",
            why: "Without the mark the policy does not protect the group.",
            remedy: "Add the constant mapping msDS-ObjectSoa = Cloud to the job, and restart it.",
            severity: Severity::Medium,
            blocks: &[],
            sources: &["ENF26"],
            check: a10,
            show: made_at_once,
        },
        AuditRule {
            id: "A11",
            title: "The enforcement policy is in force",
            condition: "CN=Cloud,CN=SOA-Policies,CN=System is Enforced; its SIDs are the agent's account and approved writers, all resolve, and there are at most 64.",
            why: "One SID that does not resolve keeps the whole policy from loading; in Audit mode nothing is blocked.",
            remedy: "Run Set-CloudSyncSOAPolicy.ps1 again with the right accounts.",
            severity: Severity::High,
            blocks: &[],
            sources: &["ENF26"],
            check: a11,
            show: made_at_once,
        },
        AuditRule {
            id: "A12",
            title: "Every controller can enforce",
            condition: "Every writable domain controller runs Windows Server 2022 or 2025 with ntdsai.dll 10.0.20348.5257 or 10.0.26100.32995 or later, the known-issue-rollback policy on, and Security Diagnostics 1.",
            why: "A controller that does not enforce is the way around the policy.",
            remedy: "Update the controllers, apply the group policy package, restart them.",
            severity: Severity::High,
            blocks: &[],
            sources: &["ENF26"],
            check: a12,
            show: made_at_once,
        },
    ]
}

fn a10(_: &Context<'_>) -> Outcome {
    Outcome::unknown("Not judged yet", "Follow this branch.")
}

fn a11(_: &Context<'_>) -> Outcome {
    Outcome::unknown("Not judged yet", "Follow this branch.")
}

fn a12(_: &Context<'_>) -> Outcome {
    Outcome::unknown("Not judged yet", "Follow this branch.")
}
