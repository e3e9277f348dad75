//! What the job rests on: agents and licences: A25, A27.

use super::job::text;
use super::{AuditRule, Hit, Outcome, made_at_once};
use crate::assess::connect::{agent_version, at_least};
use crate::audit::context::Context;
use crate::report::model::{GateStatus, Severity};
use serde_json::{Value, json};

pub fn checks() -> Vec<AuditRule> {
    vec![
        AuditRule {
            id: "A25",
            title: "Enough agents, new enough",
            condition: "At least two provisioning agents are active, each of version 1.1.2334.0 or later.",
            why: "With one agent, a restart of its host stops provisioning; older agents do not provision groups reliably.",
            remedy: "Install a second and third agent on hosts of tier 0 with NTLM off, and update the old ones.",
            severity: Severity::Medium,
            blocks: &[],
            sources: &["PREM26"],
            check: a25,
            show: made_at_once,
        },
        AuditRule {
            id: "A27",
            title: "Licences cover the configurations",
            condition: "At most 20 configurations from Entra to AD; from the third on the tenant has Entra ID Governance, else Entra ID P1.",
            why: "Licence terms are not enforced at once, but an audit will ask.",
            remedy: "Buy the licences, or remove configurations.",
            severity: Severity::Low,
            blocks: &[],
            sources: &["OVW26"],
            check: a27,
            show: made_at_once,
        },
    ]
}

/// The lowest agent version that the prerequisites of 2026 name.
const AGENT_MINIMUM: &str = "1.1.2334.0";
/// Agents that must be active, and that are recommended.
const AGENTS: usize = 2;
const AGENTS_RECOMMENDED: usize = 3;

fn a25(cx: &Context<'_>) -> Outcome {
    let settle = "Add cloudsync/agents.json (GET /beta/onPremisesPublishingProfiles/provisioning/agents). Graph does not tell versions: look at each agent's host, and put its version beside it as \"version\". Tier 0 and NTLM off are for the host's owner to confirm.";
    let Some(agents) = &cx.inventory.cloud_sync.agents else {
        return Outcome::unknown("The agents are not in the input", settle);
    };
    let mut out = Outcome::default();
    let (mut active, mut lines) = (0usize, Vec::new());
    for agent in agents {
        let machine = text(agent, "machineName").unwrap_or("(unnamed)");
        let is_active = text(agent, "status").is_some_and(|s| s.eq_ignore_ascii_case("active"));
        let short = machine.split('.').next().unwrap_or(machine);
        let version = text(agent, "version").or_else(|| text(agent, "agentVersion")).map(str::to_owned).or_else(|| {
            let same = |name: &str| name.split('.').next().is_some_and(|n| n.eq_ignore_ascii_case(short));
            agent_version(cx.inventory.connect.iter().find(|s| same(&s.name))?)
        });
        if is_active {
            active += 1;
            match version.as_deref().map(|v| (v, at_least(v, AGENT_MINIMUM))) {
                Some((_, Some(true))) => {}
                Some((v, Some(false))) => {
                    out.failed.push(Hit::about(
                        machine,
                        "version",
                        format!("The agent on {machine} is of version {v}"),
                        &format!("{AGENT_MINIMUM} or later"),
                        v,
                    ));
                }
                other => {
                    let message = format!("The version of the agent on {machine} is not known");
                    out.open.push(Hit::about(
                        machine,
                        "version",
                        message,
                        &format!("{AGENT_MINIMUM} or later"),
                        other.map_or("", |(v, _)| v),
                    ));
                }
            }
        }
        lines.push(json!({ "machineName": machine, "active": is_active, "version": version }));
    }
    if active < AGENTS {
        let message = format!("{active} of {} agent(s) are active", agents.len());
        out.failed.push(Hit::about(
            "agents",
            "count",
            message,
            &format!("at least {AGENTS}, {AGENTS_RECOMMENDED} recommended"),
            &active.to_string(),
        ));
    }
    out.evidence = json!({ "agents": lines, "active": active, "minimumVersion": AGENT_MINIMUM, "recommended": AGENTS_RECOMMENDED });
    let note = if active < AGENTS_RECOMMENDED { "; three are recommended" } else { "" };
    out.message = match (out.failed.len(), out.open.len()) {
        (0, 0) => format!(
            "{active} active agents, all {AGENT_MINIMUM} or later{note}; whether their hosts are of tier 0, with NTLM off, is not judged"
        ),
        (0, n) => format!("{active} active agents{note}; the version of {n} is not known"),
        _ => format!("{active} active agent(s); not enough of them, or not new enough"),
    };
    out.remedy = Some(settle.to_owned());
    out
}

fn a27(cx: &Context<'_>) -> Outcome {
    let settle = "Add entra/subscribedSkus.json and cloudsync/jobs.json of every configuration.";
    let configurations = cx.assess.cloud.to_ad_jobs().map(<[Value]>::len);
    let plans = cx.inventory.entra.tenant.skus.as_ref().map(|skus| {
        let has = |name: &str| skus.iter().any(|s| s.service_plans.iter().any(|p| p.eq_ignore_ascii_case(name)));
        let governance = has("Entra_Identity_Governance")
            || skus.iter().any(|s| s.sku_part_number.to_ascii_uppercase().contains("GOVERNANCE"));
        (has("AAD_PREMIUM") || has("AAD_PREMIUM_P2"), governance)
    });
    let evidence = json!({
        "configurations": configurations, "premium": plans.map(|p| p.0), "governance": plans.map(|p| p.1), "maximum": 20,
        "withoutGovernance": 2,
    });
    let mut out = Outcome { evidence, remedy: Some(settle.to_owned()), ..Outcome::default() };
    if let Some(n) = configurations.filter(|n| *n > 20) {
        out.failed.push(Hit::about(
            "configurations",
            "count",
            format!("{n} configurations from Entra to AD"),
            "at most 20",
            &n.to_string(),
        ));
    }
    if let Some((premium, governance)) = plans {
        if !premium {
            out.failed.push(Hit::about(
                "licences",
                "premium",
                "The tenant's licences do not include Entra ID P1",
                "Entra ID P1",
                "none",
            ));
        }
        if let Some(n) = configurations.filter(|n| *n > 2 && !governance) {
            let message = format!("{n} configurations, and the tenant's licences do not include Entra ID Governance");
            out.failed.push(Hit::about("licences", "governance", message, "Entra ID Governance", "none"));
        }
    }
    out.message = match (out.failed.is_empty(), configurations, plans) {
        (false, ..) => "The licences do not cover the configurations".to_owned(),
        (_, Some(n), Some(_)) => format!(
            "{n} configuration(s) from Entra to AD, and the licences for them; how many seats are needed is not judged"
        ),
        (_, None, _) => "How many configurations there are is not in the input".to_owned(),
        (_, _, None) => "The tenant's licences are not in the input".to_owned(),
    };
    if out.failed.is_empty() && (configurations.is_none() || plans.is_none()) {
        out.status = Some(GateStatus::Unknown);
    }
    out
}
