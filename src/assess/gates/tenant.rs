//! Gates about the tenant and Cloud Sync: E1, E2, E11, E12, E14, E15.

use super::{GateContext, GateRule, Outcome};
use crate::assess::connect::at_least;
use crate::report::model::Severity;
use serde_json::{Value, json};

pub fn gates() -> Vec<GateRule> {
    vec![
        GateRule {
            id: "E1",
            title: "Group writeback V2 is on",
            condition: "GroupWritebackV2 (features.groupWriteBackEnabled) is true for the tenant.",
            why: "With V2 off there is nothing to migrate, or the migration was begun already; turning it off cannot be undone.",
            remedy: "If V2 was turned off before: go on with the audit, not with a plan. AD's groups are what they were at that moment.",
            severity: Severity::Blocker,
            blocks: &["plan"],
            sources: &["MIG26", "GWB2"],
            attestable: false,
            check: e1,
        },
        GateRule {
            id: "E2",
            title: "Provisioning agents alive and new enough",
            condition: "At least one agent is active and every active one is of version 1.1.2334.0 or later.",
            why: "Older agents do not provision groups to AD reliably; with none, nothing is written at all.",
            remedy: "Install or update the Microsoft Entra provisioning agent; three active ones are recommended.",
            severity: Severity::High,
            blocks: &["cutover run"],
            sources: &["PRE26"],
            attestable: true,
            check: e2,
        },
        GateRule {
            id: "E11",
            title: "No other configuration writes to the domain",
            condition: "At most one Microsoft Entra ID to AD configuration exists for the domain.",
            why: "One configuration per AD domain is supported; a second would write the same groups.",
            remedy: "Find out which configuration is in use and delete the other, with its owner's consent.",
            severity: Severity::Blocker,
            blocks: &["plan", "cutover run"],
            sources: &["OVW26", "DEP26"],
            attestable: false,
            check: e11,
        },
        GateRule {
            id: "E12",
            title: "Licences cover the configuration",
            condition: "Entra ID P1 for the first configurations, Entra ID Governance for the third and later; at most 20.",
            why: "Licence terms are not enforced at once, but an audit will ask.",
            remedy: "Check the tenant's licences against the number of configurations, then attest.",
            severity: Severity::Low,
            blocks: &["cutover run"],
            sources: &["OVW26", "DEP26"],
            attestable: true,
            check: e12,
        },
        GateRule {
            id: "E14",
            title: "Membership to on-premises users is provisioned",
            condition: "The scoping option that writes memberships of on-premises users is on.",
            why: "It is off by default, and a group without eligible members is provisioned empty: every member would be lost.",
            remedy: "Turn on \"Configure group membership\" in the configuration's scoping page, then attest.",
            severity: Severity::Blocker,
            blocks: &["cutover run"],
            sources: &["WORKS26", "CFG26"],
            attestable: true,
            check: e14,
        },
        GateRule {
            id: "E15",
            title: "Connect's own migration tool is not planned first",
            condition: "\"Transition to Cloud Sync\" in Connect's wizard is not to run before this migration is over.",
            why: "It refuses to run with custom synchronisation rules, and this migration needs two of them.",
            remedy: "Ask who plans that transition; put it after this migration, then attest.",
            severity: Severity::Medium,
            blocks: &["cutover run"],
            sources: &["TOOL26"],
            attestable: true,
            check: e15,
        },
    ]
}

fn e1(gcx: &GateContext<'_>) -> Outcome {
    let inventory = gcx.cx.inventory;
    let mut seen: Vec<(String, bool)> = Vec::new();
    if let Some(value) = inventory.entra.tenant.group_writeback {
        seen.push(("Entra: features.groupWriteBackEnabled".to_owned(), value));
    }
    for server in &inventory.connect {
        if let Some(value) = crate::assess::connect::company_feature(server, "GroupWritebackV2") {
            seen.push((format!("{}: GroupWritebackV2", server.name), value));
        }
    }
    let evidence: Value =
        seen.iter().map(|(from, value)| (from.clone(), json!(value))).collect::<serde_json::Map<_, _>>().into();
    let settle = "Add entra/onPremisesSynchronization.json (GET /directory/onPremisesSynchronization), or connect-state.json from a Connect server.";
    match (seen.iter().any(|(_, v)| *v), seen.iter().any(|(_, v)| !*v)) {
        (true, false) => Outcome::pass("Group writeback V2 is on").evidence(evidence),
        (false, true) => Outcome::fail("Group writeback V2 is off").evidence(evidence),
        (true, true) => Outcome::unknown(
            "The sources contradict each other about group writeback V2",
            "Export both again at the same time.",
        )
        .evidence(evidence),
        (false, false) => {
            Outcome::unknown("The input does not say whether group writeback V2 is on", settle).evidence(evidence)
        }
    }
}

/// The lowest agent version that the prerequisites of 2026 name.
const AGENT_MINIMUM: &str = "1.1.2334.0";

fn e2(gcx: &GateContext<'_>) -> Outcome {
    let inventory = gcx.cx.inventory;
    let Some(agents) = &inventory.cloud_sync.agents else {
        return Outcome::unknown(
            "The input does not list the agents",
            "Add cloudsync/agents.json (GET /beta/onPremisesPublishingProfiles/provisioning/agents), or check the agents and attest.",
        );
    };
    let text = |a: &Value, name: &str| a.get(name).and_then(Value::as_str).map(str::to_owned);
    let mut listed = Vec::new();
    let (mut active, mut old, mut open) = (0, 0, 0);
    for agent in agents {
        let machine = text(agent, "machineName").unwrap_or_else(|| "(unnamed)".to_owned());
        let status = text(agent, "status").unwrap_or_default();
        let short = machine.split('.').next().unwrap_or(&machine).to_lowercase();
        let version = text(agent, "version").or_else(|| text(agent, "agentVersion")).or_else(|| {
            let server = inventory
                .connect
                .iter()
                .find(|s| s.name.split('.').next().is_some_and(|n| n.eq_ignore_ascii_case(&short)))?;
            crate::assess::connect::agent_version(server)
        });
        if status.eq_ignore_ascii_case("active") {
            active += 1;
            match &version {
                Some(v) if at_least(v, AGENT_MINIMUM) == Some(false) => old += 1,
                Some(v) if at_least(v, AGENT_MINIMUM) == Some(true) => {}
                _ => open += 1,
            }
        }
        listed.push(json!({ "machineName": machine, "status": status, "version": version }));
    }
    let evidence = json!({ "minimum": AGENT_MINIMUM, "agents": listed });
    if active == 0 {
        return Outcome::fail(format!("None of {} agent(s) is active", agents.len())).evidence(evidence);
    }
    if old > 0 {
        return Outcome::fail(format!("{old} active agent(s) are older than {AGENT_MINIMUM}")).evidence(evidence);
    }
    if open > 0 {
        let settle = "Look at each agent's host (Settings, Apps, or the agent's file version) and attest; Graph does not tell the version.";
        return Outcome::unknown(format!("{active} agent(s) are active; the version of {open} is not known"), settle)
            .evidence(evidence);
    }
    let note = if active < 3 { "; three are recommended" } else { "" };
    Outcome::pass(format!("{active} active agent(s), all {AGENT_MINIMUM} or later{note}")).evidence(evidence)
}

fn e11(gcx: &GateContext<'_>) -> Outcome {
    let cloud = &gcx.cx.cloud;
    let Some(jobs) = cloud.to_ad_jobs() else {
        return Outcome::unknown(
            "The input does not list Cloud Sync's jobs",
            "Add cloudsync/servicePrincipal.json and jobs.json of every configuration for this domain, or collect live.",
        );
    };
    let own = |names: &[String]| cloud.domain().map(|d| names.iter().filter(|n| n.eq_ignore_ascii_case(d)).count());
    let configurations = cloud.principals().and_then(own);
    let evidence = json!({ "domain": cloud.domain(), "jobs": jobs, "servicePrincipals": cloud.principals() });
    match (jobs.len(), configurations) {
        (_, Some(n @ 2..)) => {
            Outcome::fail(format!("{n} configurations carry the domain's name: only one per domain is supported"))
                .evidence(evidence)
        }
        (0, _) => Outcome::pass("No configuration writes to the domain yet").evidence(evidence),
        (1, _) => Outcome::pass("One configuration writes to the domain").evidence(evidence),
        // Each configuration is a service principal of its own, named after its domain.
        (n, Some(1)) if cloud.principals().is_some_and(|p| p.len() >= n) => {
            Outcome::pass(format!("One configuration writes to the domain, {} to other domains", n - 1))
                .evidence(evidence)
        }
        (n, _) => Outcome::fail(format!("{n} jobs write to AD, and nothing says that they are of different domains"))
            .evidence(evidence),
    }
}

fn e12(gcx: &GateContext<'_>) -> Outcome {
    let configurations = gcx.cx.cloud.to_ad_jobs().map(<[Value]>::len);
    let plans = gcx.cx.inventory.entra.tenant.skus.as_ref().map(|skus| {
        let has = |name: &str| skus.iter().any(|s| s.service_plans.iter().any(|p| p.eq_ignore_ascii_case(name)));
        (
            has("AAD_PREMIUM") || has("AAD_PREMIUM_P2"),
            has("Entra_Identity_Governance")
                || skus.iter().any(|s| s.sku_part_number.to_ascii_uppercase().contains("GOVERNANCE")),
        )
    });
    let evidence = json!({
        "configurationsSeen": configurations, "premium": plans.map(|p| p.0), "governance": plans.map(|p| p.1), "maximum": 20,
    });
    if configurations.is_some_and(|n| n > 20) {
        return Outcome::fail("More than 20 configurations: the limit of a tenant").evidence(evidence);
    }
    if plans.is_some_and(|(premium, _)| !premium) {
        return Outcome::fail("The tenant's licences do not include Entra ID P1").evidence(evidence);
    }
    if configurations.is_some_and(|n| n > 2) && plans.is_some_and(|(_, governance)| !governance) {
        return Outcome::fail(
            "More than two configurations, and the tenant's licences do not include Entra ID Governance",
        )
        .evidence(evidence);
    }
    Outcome::unknown(
        "Licence terms cannot be observed from here",
        "Compare the tenant's licences with its configurations, then attest with --accept \"E12=…\".",
    )
    .evidence(evidence)
}

fn e14(_: &GateContext<'_>) -> Outcome {
    Outcome::unknown(
        "Whether memberships of on-premises users are provisioned is not shown by any documented interface",
        "Look at the configuration's scoping page in the portal, then attest with --accept \"E14=…\"; the canary wave proves it.",
    )
    .evidence(json!({ "default": "off in new configurations" }))
}

fn e15(_: &GateContext<'_>) -> Outcome {
    Outcome::unknown(
        "Plans cannot be observed from here",
        "Ask who plans a transition with Connect's own tool, then attest with --accept \"E15=…\".",
    )
}
