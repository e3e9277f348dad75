//! The files that a script leaves: its evidence as the scripts write it, and `csexport`'s pending exports.

use super::connect::Server;
use super::servers::Ran;
use super::world::{World, stamp};
use crate::cutover::port::Errand;
use crate::directory::connect::{FlowKind, PendingObject, SyncRule};
use crate::error::{Error, Result};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::fmt::Write as _;
use std::path::Path;

impl World {
    pub(super) fn write_evidence(&self, at: usize, ran: &Ran, errand: &Errand) -> Result<()> {
        let server = &self.connect.servers[at];
        let short = server.name.split('.').next().unwrap_or(&server.name);
        let record = json!({
            "schema": "groupshift/connect-evidence/v1",
            "plan": self.connect.plan_sha256,
            "step": ran.step,
            "kind": ran.kind,
            "nonce": errand.nonce,
            "computerName": short,
            "at": stamp(self.now),
            "whatIf": false,
            "done": ran.notes,
            "state": self.server_state(server),
            "rules": server.rules.iter().filter(|r| matters(r)).map(rule_state).collect::<Vec<_>>(),
            "detail": ran.detail,
        });
        let text =
            serde_json::to_vec_pretty(&record).map_err(|e| Error::failed(format!("the evidence: {e}")).source(e))?;
        write(&errand.evidence, &text)
    }

    fn server_state(&self, server: &Server) -> Value {
        let v1 = self.base.connect[server.row].company_feature("UnifiedGroupWriteback");
        json!({
            "SyncCycleEnabled": self.connect.scheduler,
            "StagingModeEnabled": server.staging,
            "SchedulerSuspended": false,
            "SyncCycleInProgress": false,
            "MaintenanceEnabled": true,
            "NextSyncCyclePolicyType": "Delta",
            "CurrentlyEffectiveSyncCycleInterval": "00:30:00",
            "GroupWritebackV2": self.connect.v2,
            "UnifiedGroupWriteback": v1.unwrap_or(true),
        })
    }

    /// Pending exports, a file for each AD connector, beside the evidence.
    pub(super) fn export_to_files(&mut self, at: usize, ran: &mut Ran, errand: &Errand) -> Result<()> {
        let pending = self.pending(at);
        let name = self.connect.servers[at].name.clone();
        let plan = self.connect.plans.iter().find(|p| p.name.eq_ignore_ascii_case(&name));
        let connectors: Vec<String> =
            plan.iter().flat_map(|p| &p.outbound).map(|o| o.connector_name.clone().unwrap_or_default()).collect();
        let folder = errand.evidence.parent().unwrap_or(Path::new("."));
        let mut files = Vec::new();
        for (n, connector) in connectors.iter().enumerate() {
            let file = format!("{}-csexport-{n}.xml", ran.step);
            // One forest: everything that waits goes through its first connector.
            let text = xml(if n == 0 { &pending } else { &[] });
            write(&folder.join(&file), text.as_bytes())?;
            files.push(json!({ "connector": connector, "file": file, "bytes": text.len(),
                               "sha256": crate::bundle::write::hex(&Sha256::digest(text.as_bytes())) }));
            ran.notes.push(format!("Written: {file}"));
        }
        ran.detail.insert("files".to_owned(), Value::Array(files));
        self.connect.servers[at].shown = Some(pending);
        Ok(())
    }
}

fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(|e| Error::io("make this folder", folder, e))?;
    }
    std::fs::write(path, bytes).map_err(|e| Error::io("write", path, e))
}

/// The rules that evidence shows: those that speak of the marks of coexistence.
fn matters(rule: &SyncRule) -> bool {
    let word = |text: &str| text.contains("cloudNoFlow") || text.contains("reasonFiltered");
    rule.flows.iter().any(|f| word(&f.target) || word(&f.text) || f.source.iter().any(|s| word(s)))
        || rule.scope.iter().flat_map(|g| &g.conditions).any(|c| word(&c.attribute) || word(&c.value))
}

fn rule_state(rule: &SyncRule) -> Value {
    let flows: Vec<Value> = rule
        .flows
        .iter()
        .map(|flow| {
            let (kind, source) = match &flow.kind {
                FlowKind::Direct => ("Direct", flow.source.join(" ")),
                FlowKind::Constant => ("Constant", flow.text.clone()),
                FlowKind::Expression => ("Expression", flow.text.clone()),
                FlowKind::Other(kind) => (kind.as_str(), flow.text.clone()),
            };
            json!({ "destination": flow.target, "flowType": kind, "source": source, "mergeType": flow.merge })
        })
        .collect();
    let scope: Vec<Value> = rule
        .scope
        .iter()
        .map(|group| {
            let conditions: Vec<Value> = group
                .conditions
                .iter()
                .map(|c| json!({ "attribute": c.attribute, "operator": c.operator, "value": c.value }))
                .collect();
            json!({ "conditions": conditions })
        })
        .collect();
    json!({
        "id": rule.id.map(|id| id.to_string()), "name": rule.name,
        "direction": rule.direction.as_ref().map(|d| d.as_str()),
        "connector": rule.connector.map(|c| c.to_string()), "linkType": rule.link_type,
        "sourceObjectType": rule.source_object_type, "targetObjectType": rule.target_object_type,
        "precedence": rule.precedence, "disabled": rule.disabled.unwrap_or(false), "flows": flows, "scope": scope,
    })
}

/// As `csexport … /f:x` writes it.
fn xml(objects: &[PendingObject]) -> String {
    let mut out = String::from("<cs-objects>\r\n");
    for object in objects {
        let _ = write!(
            out,
            " <cs-object cs-dn=\"{}\" object-type=\"{}\">\r\n  <unapplied-export>\r\n   <delta operation=\"{}\" dn=\"{}\">\r\n",
            escaped(&object.dn),
            escaped(&object.object_type),
            escaped(object.operation.as_str()),
            escaped(object.new_dn.as_deref().unwrap_or(&object.dn)),
        );
        for attribute in object.attributes.iter().filter(|a| !a.name.eq_ignore_ascii_case("adminDescription")) {
            let (name, operation) = (escaped(&attribute.name), escaped(attribute.operation.as_str()));
            let _ = write!(out, "    <attr name=\"{name}\" operation=\"{operation}\"/>\r\n");
        }
        for reference in &object.references {
            let (name, operation) = (escaped(&reference.attribute), escaped(reference.operation.as_str()));
            let _ = write!(out, "    <dn-attr name=\"{name}\" operation=\"{operation}\">\r\n");
            for (list, operation) in [(&reference.added, "add"), (&reference.removed, "delete")] {
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
                "  <unapplied-export-hologram>\r\n   <entry dn=\"{}\"><attr name=\"adminDescription\"><value>{}</value></attr>\
                 </entry>\r\n  </unapplied-export-hologram>\r\n",
                escaped(&object.dn),
                escaped(anchor)
            );
        }
        out.push_str(" </cs-object>\r\n");
    }
    out.push_str("</cs-objects>\r\n");
    out
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            c if (c as u32) < 0x20 => out.push_str(&format!("&#x{:X};", c as u32)),
            c => out.push(c),
        }
    }
    out
}
