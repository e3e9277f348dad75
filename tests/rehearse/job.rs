//! A Cloud Sync job that was there before the plan.

use crate::support::{OU, World, group_id};
use serde_json::{Value, json};

pub const JOB: &str = "AAD2ADGroupProvisioning.0123456789abcdef0123456789abcdef.1b2c3d4e-0000-4000-8000-000000000001";

fn mapping(target: &str, kind: &str, name: &str, expression: &str) -> Value {
    json!({
        "defaultValue": null, "exportMissingReferences": false, "flowBehavior": "FlowWhenChanged", "flowType": "Always",
        "matchingPriority": 0, "targetAttributeName": target,
        "source": { "expression": expression, "name": name, "type": kind, "parameters": [] },
    })
}

pub fn add(world: &mut World) {
    world.json(
        "cloudsync/jobs.json",
        json!({ "value": [{ "id": JOB, "templateId": "AAD2ADGroupProvisioning", "status": { "code": "Active" } }] }),
    );
    world.json("cloudsync/servicePrincipal.json", json!({ "id": "sp", "displayName": "contoso.com", "appRoles": [
        { "id": "1a0abf4d-b9fa-4512-a3a2-51ee82c6fd9f", "isEnabled": true, "displayName": "User", "allowedMemberTypes": ["User"], "value": null }] }));
    world.json("cloudsync/schema.json", json!({
        "id": JOB, "version": "v1",
        "directories": [
            { "id": "aad", "name": "Azure Active Directory", "objects": [{ "name": "Group", "attributes": [] }] },
            { "id": "ad", "name": "Active Directory", "objects": [{ "name": "group", "attributes": [] }] },
        ],
        "synchronizationRules": [{
            "id": "r1", "name": "AAD2ADGroupProvisioning", "sourceDirectoryName": "Azure Active Directory", "targetDirectoryName": "Active Directory",
            "objectMappings": [{
                "enabled": true, "flowTypes": "Add,Update,Delete", "name": "Provision Groups", "sourceObjectName": "Group", "targetObjectName": "group",
                "attributeMappings": [
                    mapping("cn", "Attribute", "displayName", "[displayName]"),
                    mapping("parentDistinguishedName", "Constant", OU, &format!("\"{OU}\"")),
                ],
            }],
        }],
    }));
    let assigned = json!({ "principalId": group_id(6), "principalType": "Group", "resourceId": "sp",
                           "appRoleId": "1a0abf4d-b9fa-4512-a3a2-51ee82c6fd9f" });
    world.json("cloudsync/appRoleAssignedTo.json", json!({ "value": [assigned] }));
}
