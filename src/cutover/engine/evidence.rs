//! What a Connect server's script wrote down (`groupshift/connect-evidence/v1`), and whether it proves the step. Pure: a
//! file that says less than is needed proves nothing.

use crate::assess::connect::{Judgement, inbound_coexistence, outbound_coexistence};
use crate::bundle::write::hex;
use crate::collect::connect::read_pending_exports;
use crate::directory::connect::{
    ConnectServer, Direction, Flow, FlowKind, Operation, PendingObject, ScopeCondition, ScopeGroup, SyncRule,
};
use crate::directory::{ObjectGuid, starts_like_anchor, write_key};
use crate::error::{Error, Place, Result};
use crate::plan::model::ServerPlan;
use chrono::{DateTime, TimeDelta, Utc};
use hashbrown::HashSet;
use serde::Deserialize;
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::path::Path;

pub const EVIDENCE_SCHEMA: &str = "groupshift/connect-evidence/v1";

/// The file as the scripts write it.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Evidence {
    pub schema: String,
    pub plan: String,
    pub step: String,
    pub kind: String,
    pub nonce: String,
    pub computer_name: String,
    pub at: DateTime<Utc>,
    #[serde(default)]
    pub what_if: bool,
    #[serde(default)]
    pub state: Value,
    #[serde(default)]
    pub rules: Value,
    #[serde(default)]
    pub detail: Value,
}

/// What the evidence has to be evidence of.
pub struct Claim<'c> {
    pub plan: &'c str,
    pub step: &'c str,
    pub kind: &'c str,
    pub nonce: &'c str,
    pub server: &'c ServerPlan,
    /// The anchored groups.
    pub anchored: &'c Anchored,
    /// No evidence of before this counts: the last cycle that the run knows of, or when the errand was given out.
    pub not_before: Option<DateTime<Utc>>,
    /// The run's own clock: evidence of long after it means that one of the clocks is wrong.
    pub now: DateTime<Utc>,
    /// Connect maintains the groups again, so that members may flow: a rollback leaves staging while V2 is on.
    pub members_may_flow: bool,
}

/// Which groups a pending export may not touch.
#[derive(Debug, Clone, Default)]
pub struct Anchored {
    /// DNs of the anchored groups, as comparison keys.
    pub names: HashSet<Vec<u8>>,
    /// Those of Microsoft 365 groups that stay with Connect: it goes on changing their members.
    pub with_connect: HashSet<Vec<u8>>,
    /// Anchors, in lower case, of the same, and of Microsoft 365 groups that V1 is expected to make.
    pub kept_anchors: HashSet<String>,
    pub made_anchors: HashSet<String>,
}

/// Clocks of two computers in one domain differ by minutes at most.
const SKEW: TimeDelta = TimeDelta::minutes(10);

/// Reads the file; what is no such file is refused with its place.
pub fn read(path: &Path) -> Result<(Evidence, Value)> {
    let mut text = String::new();
    std::io::Read::read_to_string(&mut crate::collect::source::open(path)?, &mut text)
        .map_err(|e| Error::io("read the evidence", path, e))?;
    let hint = "Run the script again; it writes the file whole.";
    let value: Value = serde_json::from_str(&text).map_err(|e| {
        Error::input(Place::file(path).line(e.line() as u64), format!("this is no evidence file: {e}")).hint(hint)
    })?;
    let evidence: Evidence = serde_json::from_value(value.clone())
        .map_err(|e| Error::input(Place::file(path), format!("this is no evidence file: {e}")).hint(hint))?;
    Ok((evidence, value))
}

/// What speaks against it; empty where it proves the step.
pub fn judge(evidence: &Evidence, claim: &Claim<'_>, folder: &Path) -> Result<Vec<String>> {
    let mut out = Vec::new();
    let mut differs = |what: &str, found: &str, wanted: &str| {
        if found != wanted {
            out.push(format!("{what} is {found:?}, and should be {wanted:?}"));
        }
    };
    differs("schema", &evidence.schema, EVIDENCE_SCHEMA);
    differs("the plan", &evidence.plan, claim.plan);
    differs("the step", &evidence.step, claim.step);
    differs("the kind", &evidence.kind, claim.kind);
    differs("the nonce", &evidence.nonce, claim.nonce);
    let short = |name: &str| name.split('.').next().unwrap_or_default().to_ascii_lowercase();
    differs("the server", &short(&evidence.computer_name), &short(&claim.server.name));
    if evidence.what_if {
        out.push("the script ran with -WhatIf: it did nothing".to_owned());
    }
    if let Some(limit) = claim.not_before.filter(|limit| evidence.at + SKEW < *limit) {
        out.push(format!("it is of {}, and what it has to show is of {limit} or later", evidence.at));
    }
    if evidence.at > claim.now + SKEW {
        out.push(format!("it is of {}, and it is {} here: one of the clocks is wrong", evidence.at, claim.now));
    }
    if !out.is_empty() {
        return Ok(out);
    }
    let flag = |name: &str| evidence.state.get(name).and_then(Value::as_bool);
    let mut wants = |name: &str, wanted: bool| match flag(name) {
        Some(now) if now == wanted => {}
        Some(now) => out.push(format!("{name} is {now}, and should be {wanted}")),
        None => out.push(format!("{name} is not in the evidence")),
    };
    match claim.kind {
        "staging-on" => wants("StagingModeEnabled", true),
        "staging-off" => wants("StagingModeEnabled", false),
        "scheduler-off" => wants("SyncCycleEnabled", false),
        "scheduler-on" => wants("SyncCycleEnabled", true),
        "disable-v2" => {
            wants("GroupWritebackV2", false);
            wants("StagingModeEnabled", true);
        }
        // Outside of staging a full cycle would have exported, and rules would have been in force at once.
        "full-sync" | "coexistence-rules" => wants("StagingModeEnabled", true),
        _ => {}
    }
    match claim.kind {
        "coexistence-rules" | "full-sync" | "disable-v2" => out.extend(rules_wrong(evidence, claim.server)),
        "pending-exports" => out.extend(pending(evidence, claim, folder)?),
        _ => {}
    }
    if matches!(claim.kind, "full-sync" | "delta-sync") {
        out.extend(runs_failed(evidence));
    }
    Ok(out)
}

/// Runs of the cycle that did not end well.
fn runs_failed(evidence: &Evidence) -> Vec<String> {
    let Some(runs) = list(evidence.detail.get("runs")) else {
        return vec!["the run history is not in the evidence".to_owned()];
    };
    let text = |run: &Value, name: &str| run.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let bad = |result: &str| {
        !result.is_empty()
            && !result.eq_ignore_ascii_case("success")
            && !result.to_ascii_lowercase().starts_with("completed")
    };
    if runs.is_empty() {
        return vec!["the run history in the evidence is empty: no cycle is shown".to_owned()];
    }
    runs.iter()
        .filter(|r| bad(&text(r, "result")))
        .map(|r| format!("{} of {} ended with {}", text(r, "profile"), text(r, "connector"), text(r, "result")))
        .collect()
}

/// A list, or the single object that PowerShell makes of a list of one.
fn list(value: Option<&Value>) -> Option<Vec<&Value>> {
    match value? {
        Value::Array(list) => Some(list.iter().collect()),
        Value::Null => Some(Vec::new()),
        one => Some(vec![one]),
    }
}

/// What the two coexistence rules have wrong, by content.
fn rules_wrong(evidence: &Evidence, server: &ServerPlan) -> Vec<String> {
    let rules: Vec<SyncRule> = list(Some(&evidence.rules)).unwrap_or_default().into_iter().map(rule).collect();
    let connectors = server
        .outbound
        .iter()
        .filter_map(|o| {
            Some(crate::directory::connect::Connector {
                id: ObjectGuid::parse(o.connector.as_deref()?),
                name: o.connector_name.clone().unwrap_or_default(),
                category: "AD".to_owned(),
                ..Default::default()
            })
        })
        .collect();
    let shown = ConnectServer {
        name: server.name.clone(),
        connectors: Some(connectors),
        rules: Some(rules.clone()),
        ..ConnectServer::default()
    };
    let mut out = Vec::new();
    let inbound: Vec<Judgement> = rules.iter().map(|r| inbound_coexistence(r, &shown).judgement).collect();
    out.extend(lacking("the inbound rule (cloudNoFlow)", &inbound));
    for wanted in &server.outbound {
        let connector = wanted.connector.as_deref().and_then(ObjectGuid::parse);
        let judged: Vec<Judgement> = rules
            .iter()
            .filter(|r| connector.is_none() || r.connector == connector)
            .map(|r| outbound_coexistence(r, &shown).judgement)
            .collect();
        let name = wanted.connector_name.as_deref().unwrap_or("the AD connector");
        out.extend(lacking(&format!("the outbound rule (JoinNoFlow) for {name}"), &judged));
    }
    out
}

fn lacking(what: &str, judged: &[Judgement]) -> Option<String> {
    if judged.contains(&Judgement::Right) {
        return None;
    }
    let flaws = judged.iter().find_map(|j| match j {
        Judgement::AlmostRight(flaws) => Some(flaws.join("; ")),
        _ => None,
    });
    Some(match flaws {
        Some(flaws) => format!("{what} is not right: {flaws}"),
        None => format!("{what} is not there"),
    })
}

fn rule(value: &Value) -> SyncRule {
    let text = |v: &Value, name: &str| v.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let flows = list(value.get("flows")).unwrap_or_default();
    let scope = list(value.get("scope")).unwrap_or_default();
    SyncRule {
        id: ObjectGuid::parse(text(value, "id").trim_matches(['{', '}'])),
        name: text(value, "name"),
        direction: Some(Direction::read(&text(value, "direction"))),
        connector: ObjectGuid::parse(text(value, "connector").trim_matches(['{', '}'])),
        source_object_type: text(value, "sourceObjectType"),
        target_object_type: text(value, "targetObjectType"),
        link_type: text(value, "linkType"),
        precedence: value.get("precedence").and_then(Value::as_i64),
        disabled: value.get("disabled").and_then(Value::as_bool),
        scope: scope
            .iter()
            .map(|g| ScopeGroup {
                conditions: list(g.get("conditions"))
                    .unwrap_or_default()
                    .iter()
                    .map(|c| ScopeCondition {
                        attribute: text(c, "attribute"),
                        operator: text(c, "operator"),
                        value: text(c, "value"),
                    })
                    .collect(),
            })
            .collect(),
        flows: flows
            .iter()
            .map(|f| Flow {
                target: text(f, "destination"),
                kind: match text(f, "flowType").to_ascii_lowercase().as_str() {
                    "constant" => FlowKind::Constant,
                    "expression" => FlowKind::Expression,
                    "direct" => FlowKind::Direct,
                    other => FlowKind::Other(other.to_owned()),
                },
                source: vec![text(f, "source")],
                text: text(f, "source"),
                merge: text(f, "mergeType"),
                execute_once: false,
            })
            .collect(),
        ..SyncRule::default()
    }
}

/// What is pending for anchored groups, from the files beside the evidence.
fn pending(evidence: &Evidence, claim: &Claim<'_>, folder: &Path) -> Result<Vec<String>> {
    let files = list(evidence.detail.get("files")).unwrap_or_default();
    if files.len() < claim.server.outbound.len().max(1) {
        return Ok(vec![format!(
            "{} csexport files are named, {} connectors are to be shown",
            files.len(),
            claim.server.outbound.len().max(1)
        )]);
    }
    let mut out = Vec::new();
    let shown: Vec<&str> = files.iter().filter_map(|f| f.get("connector").and_then(Value::as_str)).collect();
    for wanted in claim.server.outbound.iter().filter_map(|o| o.connector_name.as_deref()) {
        if !shown.iter().any(|s| s.eq_ignore_ascii_case(wanted)) {
            out.push(format!("no file shows the connector {wanted}"));
        }
    }
    for file in files {
        let name = file.get("file").and_then(Value::as_str).unwrap_or_default();
        if name.is_empty() || name.contains(['/', '\\']) || name.starts_with('.') {
            out.push(format!("{name:?} is no file name"));
            continue;
        }
        let path = folder.join(name);
        let bytes = match std::fs::read(&path) {
            Ok(bytes) => bytes,
            Err(e) => {
                out.push(format!("{name} does not lie beside the evidence: {e}"));
                continue;
            }
        };
        let wanted = file.get("sha256").and_then(Value::as_str).unwrap_or_default();
        if !hex(&Sha256::digest(&bytes)).eq_ignore_ascii_case(wanted) {
            out.push(format!("{name} is not the file that the script wrote: its SHA-256 differs"));
            continue;
        }
        let exports = read_pending_exports(&path, name)?;
        out.extend(exports.objects.iter().filter_map(|o| dangerous(o, claim)));
    }
    Ok(out)
}

/// What a pending export would do to an anchored group that nobody may do now.
fn dangerous(object: &PendingObject, claim: &Claim<'_>) -> Option<String> {
    let anchored = claim.anchored;
    let key = |dn: &str| {
        let mut key = Vec::new();
        write_key(dn, &mut key).map(|_| key)
    };
    let known = |set: &HashSet<Vec<u8>>, dn: &str| key(dn).is_some_and(|k| set.contains(&k));
    let anchor = object.anchor.as_deref().map(str::to_lowercase);
    let concerns = object.anchor.as_deref().is_some_and(starts_like_anchor)
        || known(&anchored.names, &object.dn)
        || object.new_dn.as_deref().is_some_and(|dn| known(&anchored.names, dn));
    if !concerns || !object.is_change() {
        return None;
    }
    // Microsoft 365 groups stay with Connect: that it makes those that the plan names, and changes members, is its part.
    let stays =
        anchor.as_ref().is_some_and(|a| anchored.kept_anchors.contains(a)) || known(&anchored.with_connect, &object.dn);
    let made = anchor.as_ref().is_some_and(|a| anchored.made_anchors.contains(a));
    let what = match &object.operation {
        Operation::Add if made => return None,
        Operation::Add => "would be created",
        Operation::Delete => "would be DELETED",
        _ if object.new_dn.is_some() => "would be renamed or moved",
        _ if stays => return None,
        _ if object.changes_reference("member") => {
            if claim.members_may_flow {
                return None;
            }
            "would get other members"
        }
        Operation::Update | Operation::Replace if object.references.is_empty() && !object.attributes.is_empty() => {
            return None;
        }
        _ => "would be changed in a way that is not understood",
    };
    Some(format!("{} {what}", object.dn))
}
