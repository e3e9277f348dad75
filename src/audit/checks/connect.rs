//! What the Connect servers would do: A13–A16, server by server and by content.

use super::{AuditRule, Hit, Outcome, made_at_once};
use crate::assess::connect::{
    Judged, Judgement, ServerRole, company_feature, inbound_coexistence, outbound_coexistence, server_role,
};
use crate::audit::context::{Context, anchor_of};
use crate::directory::connect::{ConnectServer, Operation, PendingObject};
use crate::directory::inventory::NONE;
use crate::directory::{Anchor, AnchorText, write_key};
use crate::plan::written_through;
use crate::report::model::{GateStatus, Severity};
use hashbrown::HashMap;
use serde_json::{Value, json};

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

const SETTLE_STATE: &str = "Run the script of \"groupshift connect-script\" on every Connect server and put each connect-state.json into connect/<server>/.";
const SETTLE_RULES: &str = "Export every Connect server with Get-ADSyncServerConfiguration -Path, or run the script of \"groupshift connect-script\" there.";
const SETTLE_EXPORT: &str = "On every Connect server: csexport \"<AD connector>\" ad-pending.xml /f:x, and put the file into connect/<server>/.";

/// What is seen of a company feature: who says it, and what.
fn feature(cx: &Context<'_>, name: &str, by_entra: Option<bool>) -> Vec<(String, Option<bool>)> {
    let mut seen: Vec<(String, Option<bool>)> =
        cx.inventory.connect.iter().map(|s| (s.name.clone(), company_feature(s, name))).collect();
    if by_entra.is_some() {
        seen.push(("Entra".to_owned(), by_entra));
    }
    seen
}

fn v2(cx: &Context<'_>) -> Vec<(String, Option<bool>)> {
    feature(cx, "GroupWritebackV2", cx.inventory.entra.tenant.group_writeback)
}

fn v1(cx: &Context<'_>) -> Vec<(String, Option<bool>)> {
    feature(cx, "UnifiedGroupWriteback", cx.inventory.entra.tenant.unified_group_writeback)
}

fn list(seen: &[(String, Option<bool>)]) -> Value {
    json!(seen.iter().map(|(from, value)| json!({ "from": from, "value": value })).collect::<Vec<_>>())
}

fn role(server: &ConnectServer) -> String {
    match server_role(server) {
        ServerRole::Active => "active".to_owned(),
        ServerRole::Staging => "staging".to_owned(),
        ServerRole::Stopped(why) => format!("stopped: {why}"),
        ServerRole::Unknown(why) => format!("unknown: {why}"),
    }
}

fn a13(cx: &Context<'_>) -> Outcome {
    let (v2, v1) = (v2(cx), v1(cx));
    let mut out = Outcome::default();
    for (from, value) in &v2 {
        match value {
            Some(true) => {
                let message = format!("{from} says that group writeback V2 is on");
                out.failed.push(Hit::about(from, "GroupWritebackV2", message, "false", "true"));
            }
            Some(false) => {}
            None => out.open.push(Hit::about(
                from,
                "GroupWritebackV2",
                format!("{from} does not say whether V2 is on"),
                "false",
                "",
            )),
        }
    }
    out.evidence = json!({
        "GroupWritebackV2": list(&v2), "UnifiedGroupWriteback": list(&v1),
        "servers": cx.inventory.connect.iter().map(|s| json!({ "server": s.name, "role": role(s) })).collect::<Vec<_>>(),
    });
    let v1_is = match (v1.iter().any(|(_, v)| *v == Some(true)), v1.iter().any(|(_, v)| *v == Some(false))) {
        (true, false) => "on",
        (false, true) => "off",
        (true, true) => "on by one source and off by another",
        (false, false) => "not told",
    };
    out.message = match (out.failed.len(), v2.iter().any(|(_, v)| *v == Some(false))) {
        (0, true) => format!("Group writeback V2 is off; V1 is {v1_is}, which is for its owner to have decided"),
        (0, false) => "The input does not say whether group writeback V2 is on".to_owned(),
        _ => format!("Group writeback V2 is still on; V1 is {v1_is}"),
    };
    // The feature is the tenant's: where one source tells it and none contradicts, the silence of others is no question.
    if out.failed.is_empty() {
        let told = v2.iter().any(|(_, v)| *v == Some(false));
        out.status = Some(if told { GateStatus::Pass } else { GateStatus::Unknown });
    }
    out.remedy = Some("Add entra/onPremisesSynchronization.json (GET /directory/onPremisesSynchronization), or connect-state.json from a Connect server.".to_owned());
    out
}

/// The coexistence rules of one server.
struct Rules {
    /// Rules that are right, for the evidence.
    right: Vec<Value>,
    /// What is missing or wrong: which rule, expected, what is there instead.
    wrong: Vec<(String, String)>,
}

fn rules_of(cx: &Context<'_>, server: &ConnectServer) -> Option<Rules> {
    let rules = server.rules.as_ref()?;
    let mut found = Rules { right: Vec::new(), wrong: Vec::new() };
    let mut take = |what: String, judged: Vec<(Judged, Option<i64>)>| {
        if let Some((right, precedence)) = judged.iter().find(|(j, _)| j.is_right()) {
            found
                .right
                .push(json!({ "what": what, "name": right.rule.name, "id": right.rule.id, "precedence": precedence }));
            return;
        }
        let almost = judged.iter().filter_map(|(j, _)| match &j.judgement {
            Judgement::AlmostRight(flaws) => Some(format!("{:?}: {}", j.rule.name, flaws.join("; "))),
            _ => None,
        });
        let almost: Vec<String> = almost.collect();
        let actual = if almost.is_empty() { "no such rule".to_owned() } else { almost.join(" | ") };
        found.wrong.push((what, actual));
    };
    take("inbound".to_owned(), rules.iter().map(|r| (inbound_coexistence(r, server), r.precedence)).collect());
    let container = cx.assess.container.as_ref().map(|c| c.dn.as_str());
    let connectors = written_through(server, container);
    if connectors.is_empty() {
        take("outbound".to_owned(), rules.iter().map(|r| (outbound_coexistence(r, server), r.precedence)).collect());
    }
    for connector in connectors {
        let judge = |r: &crate::directory::connect::SyncRule| {
            let judged = outbound_coexistence(r, server);
            // A rule of another connector is none of this one, unless it looks like the one that is missing.
            let other = r.connector != connector.id && judged.is_right();
            (if other { Judged { judgement: Judgement::Not, ..judged } } else { judged }, r.precedence)
        };
        take(format!("outbound to {}", connector.name), rules.iter().map(judge).collect());
    }
    Some(found)
}

fn a14(cx: &Context<'_>) -> Outcome {
    let servers = &cx.inventory.connect;
    if servers.is_empty() {
        return Outcome::unknown("No Connect server is in the input", SETTLE_RULES);
    }
    let mut out = Outcome::default();
    let mut lines = Vec::new();
    for server in servers {
        let Some(rules) = rules_of(cx, server) else {
            out.open.push(Hit::about(
                &server.name,
                "rules",
                format!("The rules of {} are not in the input", server.name),
                "both rules",
                "",
            ));
            lines.push(json!({ "server": server.name, "role": role(server), "rules": null }));
            continue;
        };
        for (what, actual) in &rules.wrong {
            let message = format!("{} ({}) has no right {what} coexistence rule", server.name, role(server));
            out.failed.push(Hit::about(
                &server.name,
                what,
                message,
                &format!("one right {what} rule, enabled"),
                actual,
            ));
        }
        lines.push(json!({ "server": server.name, "role": role(server), "rules": rules.right }));
    }
    out.evidence = json!({ "servers": lines });
    out.message = match out.failed.len() {
        0 => format!("{} Connect server(s), each with both coexistence rules", servers.len()),
        n => format!("{n} coexistence rule(s) are missing or not right"),
    };
    out.remedy = Some(SETTLE_RULES.to_owned());
    out
}

fn a15(cx: &Context<'_>) -> Outcome {
    let servers = &cx.inventory.connect;
    if servers.is_empty() {
        return Outcome::unknown("No Connect server is in the input", SETTLE_EXPORT);
    }
    let names = by_name(cx);
    let mut out = Outcome::default();
    let (mut pending, mut other, mut lines) = (0u64, 0u64, Vec::new());
    for server in servers {
        let files: Vec<&str> = server.pending_exports.iter().map(|p| p.file.as_str()).collect();
        lines.push(json!({ "server": server.name, "role": role(server), "files": files }));
        if files.is_empty() {
            let message = format!("The pending exports of {} are not in the input", server.name);
            out.open.push(Hit::about(&server.name, "csexport", message, "no pending deletion", ""));
        }
        for object in server.pending_exports.iter().flat_map(|p| &p.objects) {
            pending += 1;
            let row = row_of(cx, object, &names);
            // Without a type, an object that is a group of AD's counts as one.
            let is_group =
                object.object_type.eq_ignore_ascii_case("group") || object.object_type.is_empty() && row != NONE;
            if !is_group {
                continue;
            }
            let certain = match &object.operation {
                Operation::Delete => true,
                Operation::Unknown(_) | Operation::Unsaid => false,
                _ => {
                    other += u64::from(object.is_change() && row != NONE);
                    continue;
                }
            };
            let word = object.operation.as_str();
            let message = match certain {
                true => format!("{} will delete the group with its next export", server.name),
                false => format!("What {} is about to do to the group is not told ({word})", server.name),
            };
            let mut failure = match (row, cx.position_of_ad(row)) {
                (NONE, _) => crate::audit::model::Failure {
                    key: format!("{}|{}", object.dn, server.name),
                    dn: Some(object.dn.clone()),
                    object_id: object.anchor.as_deref().and_then(Anchor::parse).map(|a| a.0.to_string()),
                    message,
                    ..Default::default()
                },
                (row, NONE) => cx.failure_of_ad(row, &server.name, message),
                (_, position) => cx.failure(position, &server.name, message),
            };
            failure.subject = Some(server.name.clone());
            failure.expected = Some("no pending deletion".to_owned());
            failure.actual = Some(format!("pending export: {word}"));
            failure.evidence = json!({ "server": server.name, "role": role(server), "operation": word, "adminDescription": object.anchor });
            let hit = Hit::made(cx.position_of_ad(row), failure);
            if certain { out.failed.push(hit) } else { out.open.push(hit) }
        }
    }
    out.evidence = json!({ "servers": lines, "pendingObjects": pending, "otherPendingChangesOfAuditedGroups": other });
    out.message = match out.failed.len() {
        0 => format!("{pending} pending object(s) in the exports to AD, no deletion of a group among them"),
        n => format!("{n} group(s) wait to be deleted from AD"),
    };
    out.remedy = Some(SETTLE_EXPORT.to_owned());
    out
}

/// Rows of AD groups by the key of their name, where an export may name them.
fn by_name(cx: &Context<'_>) -> HashMap<Vec<u8>, u32> {
    let pending = cx.inventory.connect.iter().flat_map(|s| &s.pending_exports).flat_map(|p| &p.objects);
    let mut wanted: HashMap<Vec<u8>, u32> = HashMap::new();
    for object in pending {
        let mut key = Vec::new();
        if write_key(&object.dn, &mut key).is_some() {
            wanted.insert(key, NONE);
        }
    }
    if wanted.is_empty() {
        return wanted;
    }
    let mut key = Vec::new();
    for (row, group) in cx.inventory.ad.groups.iter().enumerate() {
        key.clear();
        if write_key(cx.inventory.dn(group.object), &mut key).is_some()
            && let Some(found) = wanted.get_mut(&key)
        {
            *found = row as u32;
        }
    }
    wanted
}

/// The AD group that a pending object is, by its name or its anchor.
fn row_of(cx: &Context<'_>, object: &PendingObject, names: &HashMap<Vec<u8>, u32>) -> u32 {
    let mut key = Vec::new();
    let by_name = write_key(&object.dn, &mut key).and_then(|()| names.get(&key)).copied().unwrap_or(NONE);
    if by_name != NONE {
        return by_name;
    }
    let anchor = AnchorText::read(object.anchor.as_deref()).anchor();
    anchor.and_then(|a| cx.assess.index.ad_group_by_anchor(a.0)).unwrap_or(NONE)
}

fn a16(cx: &Context<'_>) -> Outcome {
    let servers = &cx.inventory.connect;
    let seen = v1(cx);
    let off = seen.iter().any(|(_, v)| *v == Some(false));
    let known = off || seen.iter().any(|(_, v)| *v == Some(true));
    let (mut wrong, mut blind) = (Vec::new(), Vec::new());
    for server in servers {
        match rules_of(cx, server) {
            None => blind.push(server.name.clone()),
            Some(rules) if rules.wrong.is_empty() => {}
            Some(_) => wrong.push(server.name.clone()),
        }
    }
    let anchored = cx.inventory.ad.groups.iter().filter(|g| anchor_of(cx.inventory, g).is_some()).count();
    let evidence = json!({
        "UnifiedGroupWriteback": list(&seen), "serversWithoutTheRules": wrong, "serversWithoutRulesInTheInput": blind, "anchoredGroups": anchored,
    });
    if !off && known {
        return Outcome::pass("Writeback V1 is on: nothing was turned off under joined groups").evidence(evidence);
    }
    let mut out = Outcome { evidence, ..Outcome::default() };
    for server in &wrong {
        let message = match off {
            true => format!(
                "Writeback V1 is off, and {server} lacks a coexistence rule: its next full synchronisation deletes {anchored} groups"
            ),
            false => format!("{server} lacks a coexistence rule, and whether V1 is on is not in the input"),
        };
        let hit = Hit::about(server, "V1", message, "V1 on, or both coexistence rules", "V1 off, a rule missing");
        if off { out.failed.push(hit) } else { out.open.push(hit) }
    }
    out.message = match (off, out.failed.len()) {
        (true, 0) => "Writeback V1 is off, and every Connect server has both coexistence rules".to_owned(),
        (true, n) => format!("Writeback V1 is off, and {n} Connect server(s) lack a coexistence rule"),
        (false, _) => "Whether writeback V1 is on is not in the input".to_owned(),
    };
    out.remedy = Some(format!("Add entra/onPremisesSynchronization.json. {SETTLE_STATE} {SETTLE_RULES}"));
    let settled = !servers.is_empty() && blind.is_empty() && wrong.is_empty();
    if out.failed.is_empty() && !settled {
        out.status = Some(GateStatus::Unknown);
    }
    out
}
