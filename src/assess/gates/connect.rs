//! Gates about Connect, judged server by server and by content: E3, E6–E10.

use super::{GateContext, GateRule, Outcome};
use crate::assess::connect::{
    ContainerScope, DeleteRule, RuleIssue, RuleRef, ServerRole, at_least, container_scope, deletes_out_of_scope,
    free_everywhere, inbound_coexistence, outbound_coexistence, precedence_of_every_rule_is_known, role_contradictions,
    server_role, soa_in_aad_clones,
};
use crate::directory::connect::ConnectServer;
use crate::report::model::Severity;
use serde_json::{Value, json};

pub fn gates() -> Vec<GateRule> {
    vec![
        GateRule {
            id: "E3",
            title: "Connect is new enough",
            condition: "Every Connect server runs 2.2.8.0 or later.",
            why: "Only from 2.2.8.0 does Connect export onPremisesObjectIdentifier, by which Cloud Sync finds members.",
            remedy: "Update Connect, run a full synchronisation, then collect again.",
            severity: Severity::Blocker,
            blocks: &["plan"],
            sources: &["PRE26", "CVH"],
            attestable: false,
            check: e3,
        },
        GateRule {
            id: "E6",
            title: "No rule deletes groups that leave the scope",
            condition: "No enabled rule flows DeleteThisGroupInAD to reasonFiltered, on any server.",
            why: "With it, a group that is disabled for writeback or soft-deleted is deleted from AD at the next cycle.",
            remedy: "Disable the rule on every server before anything is scoped out, and run a full synchronisation in staging mode.",
            severity: Severity::Blocker,
            blocks: &["plan", "cutover run"],
            sources: &["MOD"],
            attestable: false,
            check: e6,
        },
        GateRule {
            id: "E7",
            title: "Default SOAInAAD rules are in force",
            condition: "The rules for cloud-mastered groups are the product's own, enabled, and not replaced by clones.",
            why: "A clone does not get updates: targetWritebackType stays null and every group is written as a distribution group.",
            remedy: "Enable the default rules, remove the clones, run a full synchronisation, on every server.",
            severity: Severity::High,
            blocks: &["plan"],
            sources: &["CVH"],
            attestable: false,
            check: e7,
        },
        GateRule {
            id: "E8",
            title: "Writeback container is in Connect's scope",
            condition: "The container is included in a selected partition of the AD connector, on every server.",
            why: "Groups outside Connect's scope are treated as gone: the documentation warns against taking the container out before Cloud Sync is validated.",
            remedy: "Include the container (wizard: domain and OU filtering) until the migration is over.",
            severity: Severity::High,
            blocks: &["cutover run"],
            sources: &["MIG26"],
            attestable: false,
            check: e8,
        },
        GateRule {
            id: "E9",
            title: "One active Connect server",
            condition: "Exactly one server exports; every other one is in staging mode.",
            why: "A second active server, or a forgotten one that comes back, writes or deletes the same groups.",
            remedy: "Put every server but one into staging mode, or retire it.",
            severity: Severity::Blocker,
            blocks: &["plan", "cutover run"],
            sources: &["STG", "MIG26"],
            attestable: false,
            check: e9,
        },
        GateRule {
            id: "E10",
            title: "Two rule precedences are free",
            condition: "Two precedences below 100 are free on every server (88 and 89 are the documented ones).",
            why: "The two coexistence rules need unique precedences of their own.",
            remedy: "Renumber custom rules until two numbers below 100 are free.",
            severity: Severity::Medium,
            blocks: &["plan"],
            sources: &["MIG26", "IMPEXP"],
            attestable: false,
            check: e10,
        },
    ]
}

const CONNECT_MINIMUM: &str = "2.2.8.0";
const NO_SERVER: &str = "No Connect server is in the input";
const SETTLE_STATE: &str = "Run the script of \"groupshift connect-script\" on every Connect server and put each connect-state.json into connect/<server>/.";
const SETTLE_RULES: &str = "Export every Connect server with Get-ADSyncServerConfiguration -Path, or run the script of \"groupshift connect-script\" there.";

fn servers<'a>(gcx: &GateContext<'a>) -> &'a [ConnectServer] {
    &gcx.cx.inventory.connect
}

fn rule_json(rule: &RuleRef) -> Value {
    json!({ "server": rule.server, "name": rule.name, "id": rule.id })
}

fn issue_json(issue: &RuleIssue) -> Value {
    json!({ "server": issue.rule.server, "name": issue.rule.name, "id": issue.rule.id, "what": issue.what })
}

fn e3(gcx: &GateContext<'_>) -> Outcome {
    let mut seen: Vec<(String, Option<String>)> =
        servers(gcx).iter().map(|s| (s.name.clone(), s.version.value().cloned())).collect();
    if let Some(version) = &gcx.cx.inventory.entra.tenant.connect_version {
        seen.push(("Entra: synchronizationClientVersion".to_owned(), Some(version.clone())));
    }
    let evidence = json!({ "minimum": CONNECT_MINIMUM, "versions": seen.iter().map(|(n, v)| json!({ "of": n, "version": v })).collect::<Vec<_>>() });
    let judged: Vec<Option<bool>> =
        seen.iter().map(|(_, v)| v.as_deref().and_then(|v| at_least(v, CONNECT_MINIMUM))).collect();
    let settle = "Add connect-state.json of every Connect server, or onPremisesSynchronization.json of Graph beta.";
    if let Some(i) = judged.iter().position(|j| *j == Some(false)) {
        return Outcome::fail(format!("{} runs {}", seen[i].0, seen[i].1.as_deref().unwrap_or("?"))).evidence(evidence);
    }
    if judged.is_empty() || judged.contains(&None) {
        return Outcome::unknown("The version of Connect is not known for every server", settle).evidence(evidence);
    }
    Outcome::pass("Every Connect server seen runs 2.2.8.0 or later; whether the build is still in support is not judged (see Connect's version history)")
        .evidence(evidence)
}

fn e6(gcx: &GateContext<'_>) -> Outcome {
    let list = servers(gcx);
    if list.is_empty() {
        return Outcome::unknown(NO_SERVER, SETTLE_RULES);
    }
    let found: Vec<DeleteRule> =
        list.iter().flat_map(|s| s.rules.iter().flatten().filter_map(|r| deletes_out_of_scope(r, s))).collect();
    let evidence = json!({ "rules": found.iter().map(|d| {
        let mut rule = rule_json(&d.rule);
        rule["enabled"] = json!(d.enabled);
        rule["byContent"] = json!(d.by_content);
        rule["flow"] = json!(d.flow);
        rule
    }).collect::<Vec<_>>() });
    if let Some(rule) = found.iter().find(|d| d.by_content && d.enabled != Some(false)) {
        return Outcome::fail(format!(
            "The rule {:?} on {} deletes groups that leave the scope",
            rule.rule.name, rule.rule.server
        ))
        .evidence(evidence);
    }
    if let Some(rule) = found.iter().find(|d| !d.by_content && d.enabled != Some(false)) {
        return Outcome::unknown(
            format!(
                "The rule {:?} on {} has the identifier of the deleting rule, but not its content",
                rule.rule.name, rule.rule.server
            ),
            "Look at the rule in the Synchronization Rules Editor; disable it if it deletes.",
        )
        .evidence(evidence);
    }
    let blind = without_rules(list);
    if !blind.is_empty() {
        return Outcome::unknown(format!("The rules of {} are not in the input", blind.join(", ")), SETTLE_RULES)
            .evidence(evidence);
    }
    Outcome::pass(match found.len() {
        0 => "No rule deletes groups that leave the scope".to_owned(),
        _ => "The deleting rule exists, but is disabled".to_owned(),
    })
    .evidence(evidence)
}

fn without_rules(list: &[ConnectServer]) -> Vec<&str> {
    list.iter().filter(|s| s.rules.is_none()).map(|s| s.name.as_str()).collect()
}

fn e7(gcx: &GateContext<'_>) -> Outcome {
    let list = servers(gcx);
    if list.is_empty() {
        return Outcome::unknown(NO_SERVER, SETTLE_RULES);
    }
    let (mut defaults, mut issues, mut flows, mut bare) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for server in list {
        let Some(report) = soa_in_aad_clones(server) else { continue };
        if report.defaults.is_empty() && report.clones.is_empty() {
            bare.push(server.name.as_str());
        }
        let gives_flows = server
            .rules
            .iter()
            .flatten()
            .any(|r| !r.flows.is_empty() && report.defaults.iter().any(|d| d.id == r.id && d.name == r.name));
        if report.flows_writeback_type.is_empty() && gives_flows {
            issues.push(json!({ "server": server.name, "what": "no enabled rule flows targetWritebackType" }));
        }
        defaults.extend(report.defaults.iter().map(rule_json));
        issues.extend(report.disabled.iter().chain(&report.clones).map(issue_json));
        flows.extend(report.flows_writeback_type.iter().map(rule_json));
    }
    let n = issues.len();
    let evidence = json!({ "defaults": defaults, "issues": issues, "flowsTargetWritebackType": flows });
    if n > 0 {
        return Outcome::fail(format!("{n} rule(s) for cloud-mastered groups are disabled or cloned"))
            .evidence(evidence);
    }
    let blind = without_rules(list);
    if !blind.is_empty() {
        return Outcome::unknown(format!("The rules of {} are not in the input", blind.join(", ")), SETTLE_RULES)
            .evidence(evidence);
    }
    if !bare.is_empty() {
        return Outcome::unknown(
            format!(
                "{} has no SOAInAAD rules at all: its version may be older than group writeback V2",
                bare.join(", ")
            ),
            "Check the version of Connect (gate E3) and export its rules again.",
        )
        .evidence(evidence);
    }
    Outcome::pass("The product's own rules for cloud-mastered groups are enabled and not cloned").evidence(evidence)
}

fn e8(gcx: &GateContext<'_>) -> Outcome {
    let list = servers(gcx);
    if list.is_empty() {
        return Outcome::unknown(NO_SERVER, SETTLE_RULES);
    }
    let Some(container) = &gcx.cx.container else {
        return Outcome::unknown(
            "The writeback container is not known",
            "Set [ad] writeback_ou, or add onPremisesSynchronization.json of Graph beta or a Connect export.",
        );
    };
    let (mut lines, mut excluded, mut open) = (Vec::new(), Vec::new(), Vec::new());
    for server in list {
        match container_scope(server, &container.dn) {
            ContainerScope::Included { by, except } => {
                lines.push(json!({ "server": server.name, "included": true, "by": by, "except": except }));
            }
            ContainerScope::Excluded { by } => {
                excluded.push(format!("{} ({by})", server.name));
                lines.push(json!({ "server": server.name, "included": false, "by": by }));
            }
            ContainerScope::Unknown { why } => {
                open.push(format!("{} ({why})", server.name));
                lines.push(json!({ "server": server.name, "included": null, "why": why }));
            }
        }
    }
    let evidence = json!({ "container": container.dn, "containerFrom": container.from, "servers": lines });
    if !excluded.is_empty() {
        return Outcome::fail(format!("{} is not in the scope of {}", container.dn, excluded.join(", ")))
            .evidence(evidence);
    }
    if !open.is_empty() {
        return Outcome::unknown(
            format!("Whether the container is in scope is open for {}", open.join(", ")),
            SETTLE_RULES,
        )
        .evidence(evidence);
    }
    Outcome::pass(format!("{} is in scope on every server seen", container.dn)).evidence(evidence)
}

fn e9(gcx: &GateContext<'_>) -> Outcome {
    let list = servers(gcx);
    if list.is_empty() {
        return Outcome::unknown(NO_SERVER, SETTLE_STATE);
    }
    let roles: Vec<(&str, ServerRole)> = list.iter().map(|s| (s.name.as_str(), server_role(s))).collect();
    let words = |role: &ServerRole| match role {
        ServerRole::Active => "active".to_owned(),
        ServerRole::Staging => "staging".to_owned(),
        ServerRole::Stopped(why) => format!("stopped: {why}"),
        ServerRole::Unknown(why) => format!("unknown: {why}"),
    };
    let contradictions: Vec<String> =
        list.iter().flat_map(|s| role_contradictions(s).into_iter().map(move |c| format!("{}: {c}", s.name))).collect();
    let evidence = json!({
        "servers": roles.iter().map(|(n, r)| json!({ "server": n, "role": words(r) })).collect::<Vec<_>>(),
        "contradictions": contradictions,
    });
    let of =
        |wanted: fn(&ServerRole) -> bool| roles.iter().filter(|(_, r)| wanted(r)).map(|(n, _)| *n).collect::<Vec<_>>();
    let active = of(|r| *r == ServerRole::Active);
    let unknown = of(|r| matches!(r, ServerRole::Unknown(_)));
    let stopped = of(|r| matches!(r, ServerRole::Stopped(_)));
    if active.len() + stopped.len() > 1 {
        let names: Vec<&str> = active.iter().chain(&stopped).copied().collect();
        return Outcome::fail(format!("{} are not in staging mode: more than one server can export", names.join(", ")))
            .evidence(evidence);
    }
    if !unknown.is_empty() {
        return Outcome::unknown(format!("The role of {} is not known", unknown.join(", ")), SETTLE_STATE)
            .evidence(evidence);
    }
    if let Some(name) = stopped.first() {
        return Outcome::fail(format!("{name} would export, but its schedule is off; nothing is synchronised now"))
            .evidence(evidence);
    }
    match active.first() {
        Some(name) => Outcome::pass(format!("{name} is the only server seen that exports")).evidence(evidence),
        None => Outcome::fail("Every server seen is in staging mode: nothing is exported").evidence(evidence),
    }
}

fn e10(gcx: &GateContext<'_>) -> Outcome {
    let list = servers(gcx);
    if list.is_empty() {
        return Outcome::unknown(NO_SERVER, SETTLE_RULES);
    }
    let blind: Vec<&str> = list
        .iter()
        .filter(|s| s.rules.as_ref().is_none_or(|r| !precedence_of_every_rule_is_known(r)))
        .map(|s| s.name.as_str())
        .collect();
    let free = free_everywhere(list);
    let mut present = Vec::new();
    for server in list {
        let Some(rules) = &server.rules else { continue };
        for rule in rules {
            for (judged, kind) in
                [(inbound_coexistence(rule, server), "inbound"), (outbound_coexistence(rule, server), "outbound")]
            {
                if judged.is_right() {
                    let mut line = rule_json(&judged.rule);
                    line["kind"] = json!(kind);
                    line["precedence"] = json!(rule.precedence);
                    present.push(line);
                }
            }
        }
    }
    // The rules that are known may already leave too few, whatever the others hold.
    let ruled_out = free.as_ref().is_some_and(|f| f.len() < 2);
    let free = free.unwrap_or_default();
    let chosen: Vec<u16> = free.iter().copied().take(2).collect();
    let evidence = json!({ "free": free.len(), "chosen": chosen, "coexistenceRules": present });
    if !blind.is_empty() && !ruled_out {
        return Outcome::unknown(
            format!("The rules of {} are not in the input, or lack their precedence", blind.join(", ")),
            SETTLE_RULES,
        )
        .evidence(evidence);
    }
    match chosen.as_slice() {
        [a, b] => Outcome::pass(format!("Precedences {a} and {b} are free on every server seen")).evidence(evidence),
        _ => Outcome::fail(format!("{} precedence(s) below 100 are free on every server, two are needed", free.len()))
            .evidence(evidence),
    }
}
