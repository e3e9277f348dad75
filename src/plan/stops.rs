//! What holds a plan back besides its groups: gates, an unfit bundle, Cloud Sync's limits.

use super::candidates::Candidate;
use super::model::{Holds, Stop};
use crate::assess::{Assessed, ScopeMode};
use crate::report::model::{Gate, GateStatus, View};

pub(super) fn passes(gates: &[Gate], id: &str) -> bool {
    gates.iter().any(|g| g.id == id && g.status == GateStatus::Pass)
}

/// Gates that fail or are not known, by what they hold back.
pub(super) fn of_gates(gates: &[Gate]) -> Vec<Stop> {
    let open = |g: &&Gate| matches!(g.status, GateStatus::Fail | GateStatus::Unknown);
    gates
        .iter()
        .filter(open)
        .map(|g| Stop {
            kind: "gate".to_owned(),
            id: Some(g.id.clone()),
            message: format!(
                "{} {}: {}",
                g.id,
                if g.status == GateStatus::Fail { "fails" } else { "is not known" },
                g.message
            ),
            remediation: g.remediation.clone(),
            holds: if g.blocks.iter().any(|b| b == "plan") { Holds::Plan } else { Holds::Start },
        })
        .collect()
}

pub(super) fn of_bundle(assessed: &Assessed<'_>, stops: &mut Vec<Stop>) {
    let bundle = &assessed.header().bundle;
    let mut stop = |message: &str, remediation: &str| {
        stops.push(Stop {
            kind: "bundle".to_owned(),
            id: None,
            message: message.to_owned(),
            remediation: remediation.to_owned(),
            holds: Holds::Run,
        });
    };
    if !bundle.complete {
        stop(
            "the bundle is partial: groups and members may be missing from it",
            "Collect again, without --accept-partial.",
        );
    }
    if bundle.anonymised {
        stop("the bundle is anonymised: its names and ids are none of the tenant's", "Plan from the original bundle.");
    }
}

/// Cloud Sync's limits on what would be in scope.
pub(super) fn of_limits(assessed: &Assessed<'_>, candidates: &[Candidate], stops: &mut Vec<Stop>) {
    let settings = assessed.settings();
    let limits = &settings.limits;
    let (most_groups, most_links) = match settings.scope {
        ScopeMode::Selected => (limits.max_groups_selected, limits.max_links_selected),
        ScopeMode::Attribute => (limits.max_groups_filtered, limits.max_links_filtered),
    };
    let members = &assessed.inventory().entra.members;
    let links: u64 = candidates.iter().map(|c| members.row(c.entry.entra as usize).len() as u64).sum();
    let mut stop = |message: String| {
        stops.push(Stop {
            kind: "limit".to_owned(),
            id: Some("C19".to_owned()),
            message,
            remediation: "Plan fewer groups ([include] or [exclude] of waves.toml), or choose the other scope mode where its limits fit.".to_owned(),
            holds: Holds::Run,
        });
    };
    let mode = settings.scope.as_str();
    if candidates.len() as u64 > most_groups {
        stop(format!("{} groups are planned; the mode \"{mode}\" takes {most_groups}", candidates.len()));
    }
    if links > most_links {
        stop(format!("{links} direct memberships are planned; the mode \"{mode}\" takes {most_links}"));
    }
    if candidates.is_empty() {
        stops.push(Stop {
            kind: "empty".to_owned(),
            id: None,
            message: "no group can move".to_owned(),
            remediation: "See the reasons beside each group outside, and the assessment.".to_owned(),
            holds: Holds::Run,
        });
    }
}
