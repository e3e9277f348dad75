//! What the server's scripts leave: evidence, `csexport`'s files, and the state that the collector script writes.

use super::super::world;
use super::{AD_CONNECTOR, ENTRA_CONNECTOR, Rule, Script, Server, Twist};
use chrono::{SecondsFormat, Utc};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use std::fmt::Write as _;
use std::path::Path;

/// One object that waits to be exported to AD.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pending {
    pub dn: String,
    pub anchor: Option<String>,
    /// `add`, `delete`, `update`, `replace`.
    pub operation: String,
    pub new_dn: Option<String>,
    /// Attributes that change.
    pub attributes: Vec<String>,
    pub members_added: Vec<String>,
    pub members_removed: Vec<String>,
}

impl Pending {
    pub fn delete(dn: &str, anchor: &str) -> Pending {
        Pending {
            dn: dn.to_owned(),
            anchor: Some(anchor.to_owned()),
            operation: "delete".to_owned(),
            new_dn: None,
            attributes: Vec::new(),
            members_added: Vec::new(),
            members_removed: Vec::new(),
        }
    }
    pub fn members(dn: &str, anchor: &str, removed: &[String]) -> Pending {
        Pending { operation: "update".to_owned(), members_removed: removed.to_vec(), ..Pending::delete(dn, anchor) }
    }
    /// Somebody's new department: what waits on any day.
    pub fn harmless(dn: &str) -> Pending {
        let attributes = vec!["department".to_owned()];
        Pending { operation: "update".to_owned(), anchor: None, attributes, ..Pending::delete(dn, "") }
    }
}

pub fn now() -> String {
    Utc::now().to_rfc3339_opts(SecondsFormat::Secs, true)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut out, b| {
        let _ = write!(out, "{b:02x}");
        out
    })
}

/// Rules that evidence shows: those that speak of the marks of coexistence.
fn matters(rule: &Rule) -> bool {
    let word = |t: &str| t.contains("cloudNoFlow") || t.contains("reasonFiltered");
    rule.flows.iter().any(|(a, _, b)| word(a) || word(b)) || rule.conditions.iter().any(|(a, _, b)| word(a) || word(b))
}

/// A rule with the properties that the script's text names.
fn as_the_script_shows(rule: &Rule, script: &Script) -> Value {
    let mut value = shown(rule);
    if script.shows_object_types {
        value["sourceObjectType"] = json!("group");
        value["targetObjectType"] = json!("group");
    }
    value
}

fn shown(rule: &Rule) -> Value {
    let flow = |(destination, kind, source): &(String, String, String)| json!({ "destination": destination, "flowType": kind, "source": source, "mergeType": "Update" });
    let condition = |(attribute, operator, value): &(String, String, String)| json!({ "attribute": attribute, "operator": operator, "value": value });
    json!({
        "id": rule.id, "name": rule.name, "direction": rule.direction, "connector": rule.connector,
        "linkType": rule.link_type, "precedence": rule.precedence, "disabled": rule.disabled,
        "flows": rule.flows.iter().map(flow).collect::<Vec<_>>(),
        "scope": [{ "conditions": rule.conditions.iter().map(condition).collect::<Vec<_>>() }],
    })
}

pub fn write(
    server: &Server,
    script: &Script,
    notes: &[String],
    detail: Map<String, Value>,
    target: &Path,
    twist: Option<&Twist>,
) -> Result<(), String> {
    let mut record = json!({
        "schema": "groupshift/connect-evidence/v1", "plan": script.plan, "step": script.step, "kind": script.kind,
        "nonce": script.nonce, "computerName": server.name, "at": now(), "whatIf": false, "done": notes,
        "state": {
            "SyncCycleEnabled": server.scheduler, "StagingModeEnabled": server.staging, "SchedulerSuspended": false,
            "SyncCycleInProgress": false, "MaintenanceEnabled": true, "NextSyncCyclePolicyType": "Delta",
            "CurrentlyEffectiveSyncCycleInterval": "00:30:00", "GroupWritebackV2": server.v2,
            "UnifiedGroupWriteback": server.v1,
        },
        "rules": server.rules.iter().filter(|r| matters(r)).map(|r| as_the_script_shows(r, script)).collect::<Vec<_>>(),
        "detail": detail,
    });
    match twist {
        Some(Twist::Nonce(nonce)) => record["nonce"] = json!(nonce),
        Some(Twist::Computer(name)) => record["computerName"] = json!(name),
        Some(Twist::Plan(plan)) => record["plan"] = json!(plan),
        // The script itself writes no file then; somebody wrote it by hand.
        Some(Twist::WhatIf) => record["whatIf"] = json!(true),
        Some(Twist::Lacks(name)) => drop(record["state"].as_object_mut().unwrap().remove(*name)),
        _ => {}
    }
    let mut text = serde_json::to_string_pretty(&record).unwrap().replace('\n', "\r\n");
    if twist == Some(&Twist::Cut) {
        text.truncate(text.len() / 2);
    }
    std::fs::create_dir_all(target.parent().unwrap()).map_err(|e| e.to_string())?;
    // Beside first, so that a run never meets half of it.
    let beside = target.with_extension("part");
    std::fs::write(&beside, text).and_then(|()| std::fs::rename(&beside, target)).map_err(|e| e.to_string())
}

/// The pending exports of every connector, beside the evidence; the answer is what the evidence says of them.
pub fn exports(server: &Server, script: &Script, evidence: &Path, twist: Option<&Twist>) -> Result<Value, String> {
    let folder = evidence.parent().unwrap();
    std::fs::create_dir_all(folder).map_err(|e| e.to_string())?;
    let mut files = Vec::new();
    for (n, connector) in script.connectors.iter().enumerate() {
        let name = format!("{}-csexport-{n}.xml", script.step);
        let path = folder.join(&name);
        let text = xml(if n == 0 { &server.pending } else { &[] });
        std::fs::write(&path, &text).map_err(|e| e.to_string())?;
        files.push(json!({ "connector": connector, "file": name, "bytes": text.len(), "sha256": hex(&Sha256::digest(text.as_bytes())) }));
        match twist {
            Some(Twist::ExportTouched) => std::fs::write(&path, text.replace("\r\n", "\n") + "\n").unwrap(),
            Some(Twist::ExportLeft) => std::fs::remove_file(&path).unwrap(),
            _ => {}
        }
    }
    Ok(Value::Array(files))
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// As `csexport … /f:x` writes it.
fn xml(pending: &[Pending]) -> String {
    let mut out = String::from("<cs-objects>\r\n");
    for object in pending {
        let (dn, operation) = (escaped(&object.dn), &object.operation);
        let new = object.new_dn.as_deref().map_or_else(|| dn.clone(), escaped);
        let kind = if object.anchor.is_some() { "group" } else { "user" };
        let _ = write!(
            out,
            " <cs-object cs-dn=\"{dn}\" object-type=\"{kind}\">\r\n  <unapplied-export>\r\n   <delta operation=\"{operation}\" dn=\"{new}\">\r\n"
        );
        for name in &object.attributes {
            let _ = write!(out, "    <attr name=\"{name}\" operation=\"replace\"><value>x</value></attr>\r\n");
        }
        if !object.members_added.is_empty() || !object.members_removed.is_empty() {
            out.push_str("    <dn-attr name=\"member\" operation=\"update\">\r\n");
            for (list, operation) in [(&object.members_added, "add"), (&object.members_removed, "delete")] {
                for dn in list {
                    let _ =
                        write!(out, "     <dn-value operation=\"{operation}\"><dn>{}</dn></dn-value>\r\n", escaped(dn));
                }
            }
            out.push_str("    </dn-attr>\r\n");
        }
        out.push_str("   </delta>\r\n  </unapplied-export>\r\n");
        if let Some(anchor) = &object.anchor {
            let _ = write!(
                out,
                "  <unapplied-export-hologram>\r\n   <entry dn=\"{dn}\"><attr name=\"adminDescription\"><value>{anchor}</value></attr></entry>\r\n  </unapplied-export-hologram>\r\n"
            );
        }
        out.push_str(" </cs-object>\r\n");
    }
    out.push_str("</cs-objects>\r\n");
    out
}

/// `connect-state.json` of the server as it is now.
pub fn connect_state(server: &Server) -> Value {
    let rule = |r: &Rule| {
        let flow = |(destination, kind, source): &(String, String, String)| json!({ "destination": destination, "flowType": kind, "source": [source], "expression": null, "mergeType": "Update", "executeOnce": false });
        let mut value = shown(r);
        value["description"] = json!(r.description);
        value["sourceObjectType"] = json!("group");
        value["targetObjectType"] = json!("group");
        value["immutableTag"] =
            if r.precedence < 100 { json!("") } else { json!("Microsoft.InfromAADGroupSOAInAAD.005") };
        value["joins"] = json!([]);
        value["flows"] = r.flows.iter().map(flow).collect();
        value
    };
    json!({
        "schema": "groupshift/connect-state/v1", "nonce": "n", "computerName": server.name, "collectedAt": now(),
        "connectVersion": "2.5.79.0",
        "scheduler": { "syncCycleEnabled": server.scheduler, "schedulerSuspended": false, "stagingModeEnabled": server.staging },
        "companyFeatures": { "GroupWritebackV2": server.v2, "UnifiedGroupWriteback": server.v1 },
        "globalSettings": { "Microsoft.GroupWriteBack.Container": world::OU, "Microsoft.GroupWriteBack.Forest": "contoso.test" },
        "connectors": [
            { "id": AD_CONNECTOR, "name": "contoso.test", "category": "AD", "subtype": "", "forest": "contoso.test",
              "writebackContainer": world::OU, "partitions": [
                { "dn": "DC=contoso,DC=test", "selected": true, "objectClasses": ["user", "group"],
                  "inclusions": [world::OU], "exclusions": ["DC=contoso,DC=test"] }] },
            { "id": ENTRA_CONNECTOR, "name": "AAD", "category": "Extensible2",
              "subtype": "Windows Azure Active Directory (Microsoft)", "partitions": [] },
        ],
        "rules": server.rules.iter().map(rule).collect::<Vec<_>>(),
        "metaverseAttributes": ["cloudNoFlow"],
        "provisioningAgent": { "installed": true, "version": "1.1.2505.0" }, "errors": [],
    })
}
