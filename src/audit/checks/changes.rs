//! Who did write them: A09.

use super::{AuditRule, Outcome, made_at_once};
use crate::audit::context::Context;
use crate::report::model::Severity;

pub fn checks() -> Vec<AuditRule> {
    vec![AuditRule {
        id: "A09",
        title: "Nobody but the agent changed the groups",
        condition: "Since the cutover no security event of the domain controllers (4754-4758, 5136) and no replication metadata shows a change of a group by another account than the agent's.",
        why: "An out-of-band change gives or takes access without a trace in Entra.",
        remedy: "Ask the account's owner; undo the change by provisioning the group again; turn on enforcement.",
        severity: Severity::High,
        blocks: &[],
        sources: &["GOV26"],
        check: a09,
        show: made_at_once,
    }]
}

fn a09(_: &Context<'_>) -> Outcome {
    Outcome::unknown("Not judged yet", "Follow this branch.")
}
