//! Connect servers as `connect-state.json` describes them: one clean server, to be spoilt.

use super::{OU, World};
use serde_json::{Value, json};

pub const ENTRA_CONNECTOR: &str = "b891884f-051e-4a83-95af-2544101c9083";
pub const AD_CONNECTOR: &str = "0c0ffee0-0000-4000-8000-00000000ad01";

/// A healthy active server with group writeback V2 and the product's own rules.
pub fn server(name: &str) -> Value {
    json!({
        "schema": "groupshift/connect-state/v1", "nonce": "n", "computerName": name,
        "collectedAt": "2026-11-19T08:00:00Z", "connectVersion": "2.5.79.0",
        "scheduler": { "syncCycleEnabled": true, "schedulerSuspended": false, "stagingModeEnabled": false },
        "companyFeatures": { "GroupWritebackV2": true, "UnifiedGroupWriteback": true },
        "globalSettings": { "Microsoft.GroupWriteBack.Container": OU, "Microsoft.GroupWriteBack.Forest": "contoso.com" },
        "connectors": [
            { "id": AD_CONNECTOR, "name": "contoso.com", "category": "AD", "subtype": "", "forest": "contoso.com",
              "writebackContainer": OU, "partitions": [
                { "dn": "DC=contoso,DC=com", "selected": true, "objectClasses": ["user", "group"],
                  "inclusions": [OU], "exclusions": ["DC=contoso,DC=com"] }] },
            { "id": ENTRA_CONNECTOR, "name": "AAD", "category": "Extensible2",
              "subtype": "Windows Azure Active Directory (Microsoft)", "partitions": [] },
        ],
        "rules": [
            rule(1, "In from AAD - Group SOAInAAD", 130, "Microsoft.InfromAADGroupSOAInAAD.005", ENTRA_CONNECTOR, json!([
                flow("displayName"), flow("description"), flow("member"), flow("targetWritebackType")])),
        ],
        "metaverseAttributes": ["cloudNoFlow"],
        "provisioningAgent": { "installed": true, "version": "1.1.2505.0" }, "errors": [],
    })
}

pub fn flow(target: &str) -> Value {
    json!({ "destination": target, "flowType": "Direct", "source": [target], "expression": null, "mergeType": "Update", "executeOnce": false })
}

pub fn rule(n: u32, name: &str, precedence: i64, tag: &str, connector: &str, flows: Value) -> Value {
    json!({
        "id": format!("5a5a{n:04}-0000-4000-8000-000000000001"), "name": name, "direction": "Inbound",
        "connector": connector, "sourceObjectType": "group", "targetObjectType": "group", "linkType": "Join",
        "precedence": precedence, "immutableTag": tag, "disabled": false,
        "scope": [ { "conditions": [ { "attribute": "cloudMastered", "operator": "EQUAL", "value": "true" } ] } ],
        "joins": [], "flows": flows,
    })
}

impl World {
    /// Adds a clean server after `change`.
    pub fn server(&mut self, name: &str, change: impl FnOnce(&mut Value)) -> &mut Self {
        let mut state = server(name);
        change(&mut state);
        self.json(&format!("connect/{name}/connect-state.json"), state)
    }
}
