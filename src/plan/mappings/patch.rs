//! The change to the job's schema that proposed mappings need, and what is to be known about them.

use super::Part;
use crate::directory::inventory::Inventory;
use crate::plan::model::{MappingProposal, SchemaPatch};
use crate::predict::expression;
use crate::predict::schema::SynchronizationSchema;
use serde_json::{Value, json};

/// The schema that maps groups, among those collected.
fn job_schema(inventory: &Inventory) -> Option<SynchronizationSchema> {
    let schemas = inventory.cloud_sync.schemas.as_ref()?;
    schemas.iter().find_map(|s| {
        let schema: SynchronizationSchema = serde_json::from_value(s.clone()).ok()?;
        schema.group_mapping().is_ok().then_some(schema)
    })
}

/// The change to the schema; nothing where the job's mappings stay.
pub(super) fn patch(inventory: &Inventory, sources: &[(Part, Option<Value>)]) -> Option<SchemaPatch> {
    let schema = job_schema(inventory);
    let group = schema.as_ref().and_then(|s| s.group_mapping().ok());
    let mut patch = SchemaPatch {
        target_object_name: group
            .as_ref()
            .and_then(|g| g.mapping.target_object_name.clone())
            .unwrap_or_else(|| "group".to_owned()),
        expects: Vec::new(),
        attribute_mappings: Vec::new(),
    };
    for (part, source) in sources {
        let Some(source) = source else { continue };
        let before = group.as_ref().and_then(|g| g.mapping.of(part.target()).next());
        let before = before.and_then(|m| serde_json::to_value(m).ok());
        let mut after = before.clone().unwrap_or_else(|| {
            json!({ "targetAttributeName": part.target(), "exportMissingReferences": false,
                    "flowBehavior": "FlowWhenChanged", "flowType": "Always", "matchingPriority": 0 })
        });
        after["source"] = source.clone();
        after["defaultValue"] = Value::Null;
        after["flowType"] = json!("Always");
        patch.expects.extend(before);
        patch.attribute_mappings.push(after);
    }
    (!patch.attribute_mappings.is_empty()).then_some(patch)
}

pub(super) fn notes(proposal: &MappingProposal) -> Vec<String> {
    let mut notes = Vec::new();
    let both = [&proposal.cn, &proposal.parent_distinguished_name];
    for mapping in both.into_iter().flatten() {
        let parsed = expression::parse(&mapping.expression);
        notes.extend(parsed.iter().flat_map(|e| e.notes().iter().map(|n| n.message.clone())));
    }
    if proposal.extensions.iter().any(|e| !e.exists) {
        notes.push("The extension property is created on the application with the identifier URI api://<tenantId>/CloudSyncCustomExtensionsApp; only that application is supported.".to_owned());
    }
    if proposal.extensions.iter().any(|e| e.exists) {
        notes.push("Which application the extension property belongs to is not in the bundle: a group reads it only if that is CloudSyncCustomExtensionsApp or Connect's own. The canary shows it.".to_owned());
    }
    notes.dedup();
    notes
}
