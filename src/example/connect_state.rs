//! `connect-state.json` of the example's Connect servers.

use super::connect::{
    ATTRIBUTES, CLASSES, METAVERSE, Server, VERSION, entra_account, has, included, is_off, settings, title,
};
use super::connect_rules::{AD_CONNECTOR, ENTRA_CONNECTOR, Flow, RULES, Rule};
use super::tenant::{CLOUD_DOMAIN, DNS_DOMAIN, NETBIOS, ROOT, WRITEBACK};
use serde_json::{Map, Value, json};

/// `connect-state.json`. SYNC01's is as the collector script writes it; SYNC02's went through a pipe of Windows
/// PowerShell 5.1 and back into a file: UTF-16, dates in milliseconds, truth values as text, a list of one as its element.
pub fn state(server: &Server) -> Vec<u8> {
    let plain = state_value(server);
    if !server.staging {
        let mut out = serde_json::to_vec_pretty(&plain).unwrap_or_default();
        out.push(b'\n');
        return out;
    }
    let mut bent = distorted(plain);
    if let Value::Object(map) = &mut bent {
        map.insert("collectedAt".into(), json!(format!("/Date({})/", server.collected.1)));
    }
    let text = serde_json::to_string_pretty(&bent).unwrap_or_default().replace('\n', "\r\n") + "\r\n";
    std::iter::once(0xfeff).chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect()
}

fn distorted(value: Value) -> Value {
    match value {
        Value::Bool(b) => json!(title(b)),
        Value::Array(items) => {
            let mut items: Vec<Value> = items.into_iter().map(distorted).collect();
            if items.len() == 1 { items.pop().unwrap_or_default() } else { Value::Array(items) }
        }
        Value::Object(map) => Value::Object(map.into_iter().map(|(key, value)| (key, distorted(value))).collect()),
        other => other,
    }
}

fn state_value(server: &Server) -> Value {
    let mut global = Map::new();
    for (name, value) in settings(server) {
        global.insert(name.to_owned(), json!(value));
    }
    json!({
        "schema": "groupshift/connect-state/v1",
        "nonce": Value::Null,
        "computerName": server.name,
        "collectedAt": server.collected.0,
        "connectVersion": VERSION,
        "scheduler": {
            "syncCycleEnabled": true,
            "schedulerSuspended": false,
            "stagingModeEnabled": server.staging,
            "maintenanceEnabled": true,
            "syncCycleInProgress": false,
            "nextSyncCyclePolicyType": "Delta",
            "currentlyEffectiveSyncCycleInterval": "00:30:00",
            "nextSyncCycleStart": "2026-11-20T16:31:00Z",
        },
        "companyFeatures": {
            "PasswordHashSync": true,
            "ForcePasswordChangeOnLogOn": false,
            "UserWriteback": false,
            "DeviceWriteback": false,
            "UnifiedGroupWriteback": true,
            "GroupWritebackV2": true,
        },
        "globalSettings": global,
        "connectors": [
            {
                "id": AD_CONNECTOR,
                "name": DNS_DOMAIN,
                "category": "AD",
                "subtype": "",
                "forest": DNS_DOMAIN,
                "account": format!("{NETBIOS}\\{}", server.account),
                "writebackContainer": format!("{WRITEBACK},{ROOT}"),
                "partitions": [{
                    "dn": ROOT,
                    "selected": true,
                    "objectClasses": CLASSES,
                    "inclusions": included(),
                    "exclusions": [ROOT],
                }],
                "attributes": ATTRIBUTES,
            },
            {
                "id": ENTRA_CONNECTOR,
                "name": format!("{CLOUD_DOMAIN} - AAD"),
                "category": "Extensible2",
                "subtype": "Windows Azure Active Directory (Microsoft)",
                "forest": Value::Null,
                "account": entra_account(server),
                "writebackContainer": Value::Null,
                "partitions": [],
                "attributes": ["cloudAnchor", "cloudMastered", "displayName", "mail", "member"],
            },
        ],
        "rules": RULES.iter().filter(|r| has(server, r)).map(|r| state_rule(r, server)).collect::<Vec<_>>(),
        "metaverseAttributes": METAVERSE,
        "provisioningAgent": { "installed": false, "version": Value::Null },
        "errors": [],
    })
}

fn state_rule(rule: &Rule, server: &Server) -> Value {
    let scope: Vec<Value> = rule
        .scope
        .iter()
        .map(|(attribute, operator, value)| json!({ "attribute": attribute, "operator": operator, "value": value }))
        .collect();
    let joins: Vec<Value> = rule
        .join
        .iter()
        .map(|(connected, metaverse)| json!({ "connectorAttribute": connected, "metaverseAttribute": metaverse, "caseSensitive": false }))
        .collect();
    let flows: Vec<Value> = rule
        .flows
        .iter()
        .map(|flow| {
            let (target, kind, source, text) = match *flow {
                Flow::Direct(target, source) => (target, "Direct", source, ""),
                Flow::Constant(target, value) => (target, "Constant", value, ""),
                Flow::Expression(target, source, text) => (target, "Expression", source, text),
            };
            json!({
                "destination": target,
                "flowType": kind,
                "source": [source],
                "expression": text,
                "mergeType": "Update",
                "executeOnce": false,
            })
        })
        .collect();
    let group = |conditions: Vec<Value>| match conditions.is_empty() {
        true => json!([]),
        false => json!([{ "conditions": conditions }]),
    };
    json!({
        "id": rule.id,
        "name": rule.name,
        "description": rule.description,
        "direction": if rule.inbound { "Inbound" } else { "Outbound" },
        "connector": if rule.entra { ENTRA_CONNECTOR } else { AD_CONNECTOR },
        "sourceObjectType": rule.objects.0,
        "targetObjectType": rule.objects.1,
        "linkType": rule.link,
        "precedence": rule.precedence,
        "immutableTag": rule.tag,
        "disabled": is_off(server, rule),
        "scope": group(scope),
        "joins": group(joins),
        "flows": flows,
    })
}
