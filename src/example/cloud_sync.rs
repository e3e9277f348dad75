//! The example's Cloud Sync configuration as Graph answers: one job for the domain, made and scoped, not started.
//!
//! Its `cn` mapping takes the name that an extension property of the group keeps, and makes one of display name and
//! object id where there is none. So groups of the older naming keep their `Group_<id>` where somebody filled the
//! property, and groups of the newer naming keep theirs without it.

use super::entra::{TENANT_LABEL, agent_host, target_container};
use super::tenant::{CN_EXTENSION, DNS_DOMAIN, Tenant, derived};
use crate::directory::ObjectGuid;
use serde_json::{Value, json};

/// The role that scopes a group into provisioning, in the public cloud.
const SCOPE_ROLE: &str = "1a0abf4d-b9fa-4512-a3a2-51ee82c6fd9f";
const BETA: &str = "https://graph.microsoft.com/beta/$metadata#";
const NEVER: &str = "0001-01-01T00:00:00Z";

fn principal() -> ObjectGuid {
    derived("entra/service-principal")
}

fn job_id() -> String {
    let tenant = derived(TENANT_LABEL).to_string().replace('-', "");
    format!("AAD2ADGroupProvisioning.{tenant}.{}", derived("entra/job"))
}

/// `cloudsync/servicePrincipal.json`.
pub fn service_principal() -> Value {
    json!({ "@odata.context": format!("{BETA}servicePrincipals"), "value": [{
        "id": principal().to_string(),
        "appId": derived("entra/application").to_string(),
        "displayName": DNS_DOMAIN,
        "accountEnabled": true,
        "appRoleAssignmentRequired": false,
        "servicePrincipalType": "Application",
        "tags": ["WindowsAzureActiveDirectoryIntegratedApp"],
        "appRoles": [{
            "id": SCOPE_ROLE,
            "allowedMemberTypes": ["User"],
            "displayName": "User",
            "isEnabled": true,
            "value": Value::Null,
        }],
    }]})
}

/// `cloudsync/jobs.json`.
pub fn jobs() -> Value {
    json!({ "@odata.context": format!("{BETA}servicePrincipals('{}')/synchronization/jobs", principal()), "value": [{
        "id": job_id(),
        "templateId": "AAD2ADGroupProvisioning",
        "schedule": { "expiration": Value::Null, "interval": "PT20M", "state": "Disabled" },
        "status": {
            "code": "Paused",
            "countSuccessiveCompleteFailures": 0,
            "escrowsPruned": false,
            "lastExecution": Value::Null,
            "lastSuccessfulExecution": Value::Null,
            "lastSuccessfulExecutionWithExports": Value::Null,
            "progress": [],
            "quarantine": Value::Null,
            "steadyStateFirstAchievedTime": NEVER,
            "steadyStateLastAchievedTime": NEVER,
            "synchronizedEntryCountByType": [],
            "troubleshootingUrl": Value::Null,
        },
        "synchronizationJobSettings": [],
    }]})
}

/// `cloudsync/appRoleAssignedTo.json`.
pub fn assignments(tenant: &Tenant) -> Value {
    let list: Vec<Value> = tenant
        .groups
        .iter()
        .filter(|g| g.in_scope)
        .map(|group| {
            json!({
                "id": derived(&format!("entra/assignment/{}", group.id)).to_string(),
                "appRoleId": SCOPE_ROLE,
                "createdDateTime": "2026-11-16T10:05:00Z",
                "deletedDateTime": Value::Null,
                "principalDisplayName": group.row.name,
                "principalId": group.id.to_string(),
                "principalType": "Group",
                "resourceDisplayName": DNS_DOMAIN,
                "resourceId": principal().to_string(),
            })
        })
        .collect();
    json!({ "@odata.context": format!("{BETA}servicePrincipals('{}')/appRoleAssignedTo", principal()), "value": list })
}

/// `cloudsync/agents.json`.
pub fn agents() -> Value {
    let agent = |number: u32, address: &str| {
        json!({
            "id": derived(&format!("entra/agent/{number}")).to_string(),
            "machineName": agent_host(number),
            "externalIp": address,
            "status": "active",
            "supportedPublishingTypes": ["provisioning"],
        })
    };
    let list = [agent(3, "203.0.113.41"), agent(4, "203.0.113.42")];
    json!({ "@odata.context": format!("{BETA}onPremisesPublishingProfiles('provisioning')/agents"), "value": list })
}

fn attribute(name: &str) -> Value {
    json!({ "type": "Attribute", "name": name, "expression": format!("[{name}]"), "parameters": [] })
}

fn constant(value: &str) -> Value {
    json!({ "type": "Constant", "name": value, "expression": format!("\"{value}\""), "parameters": [] })
}

fn function(name: &str, expression: &str, parameters: &[(&str, Value)]) -> Value {
    let parameters: Vec<Value> = parameters.iter().map(|(key, value)| json!({ "key": key, "value": value })).collect();
    json!({ "type": "Function", "name": name, "expression": expression, "parameters": parameters })
}

fn anchor() -> Value {
    function(
        "Append",
        "Append(\"Group_\", [objectId])",
        &[("source", constant("Group_")), ("suffix", attribute("objectId"))],
    )
}

/// The mapping of the name. Its parameters' keys are not published, so only the text is given.
fn name() -> Value {
    let made = "Append(Append(Left(Trim([displayName]), 51), \"_\"), Mid([objectId], 25, 12))";
    function("Coalesce", &format!("Coalesce([{CN_EXTENSION}], {made})"), &[])
}

fn mapping(target: &str, source: Value, matching_priority: u32) -> Value {
    json!({
        "targetAttributeName": target,
        "source": source,
        "defaultValue": Value::Null,
        "exportMissingReferences": false,
        "flowBehavior": "FlowWhenChanged",
        "flowType": "Always",
        "matchingPriority": matching_priority,
    })
}

/// `cloudsync/schema.json`.
pub fn schema() -> Value {
    let description = function("Left", "Left(Trim([description]), 448)", &[]);
    let mappings = [
        mapping("adminDescription", anchor(), 0),
        mapping("cn", name(), 0),
        mapping("description", description, 0),
        mapping("displayName", attribute("displayName"), 0),
        mapping("isSecurityGroup", constant("True"), 0),
        mapping("member", attribute("members"), 0),
        mapping("msDS-ExternalDirectoryObjectId", anchor(), 1),
        mapping("parentDistinguishedName", constant(&target_container()), 0),
        mapping("sAMAccountName", attribute("mailNickname"), 0),
        mapping("UniversalScope", constant("True"), 0),
    ];
    let definition = |name: &str, kind: &str, multivalued: bool| json!({ "name": name, "type": kind, "multivalued": multivalued, "mutability": "ReadWrite", "required": false });
    let (id, cn_extension) = (job_id(), CN_EXTENSION);
    json!({
        "@odata.context": format!("{BETA}servicePrincipals('{}')/synchronization/jobs('{id}')/schema/$entity", principal()),
        "id": id,
        "version": "3",
        "synchronizationRules": [{
            "id": derived("entra/rule").to_string(),
            "name": "Entra ID groups to Active Directory",
            "editable": true,
            "priority": 1,
            "sourceDirectoryName": "Azure Active Directory",
            "targetDirectoryName": "Active Directory",
            "metadata": [],
            "objectMappings": [{
                "name": "Groups",
                "enabled": true,
                "flowTypes": "Add, Update, Delete",
                "sourceObjectName": "Group",
                "targetObjectName": "group",
                "scope": Value::Null,
                "metadata": [],
                "attributeMappings": mappings,
            }],
        }],
        "directories": [
            {
                "id": derived("entra/directory/source").to_string(),
                "name": "Azure Active Directory",
                "discoverabilities": "None",
                "objects": [{ "name": "Group", "attributes": [
                    definition("objectId", "String", false),
                    definition("displayName", "String", false),
                    definition("description", "String", false),
                    definition("mailNickname", "String", false),
                    definition(cn_extension, "String", false),
                    definition("members", "Reference", true),
                ]}],
            },
            {
                "id": derived("entra/directory/target").to_string(),
                "name": "Active Directory",
                "discoverabilities": "None",
                "objects": [{ "name": "group", "attributes": [
                    definition("adminDescription", "String", false),
                    definition("cn", "String", false),
                    definition("description", "String", false),
                    definition("displayName", "String", false),
                    definition("isSecurityGroup", "Boolean", false),
                    definition("member", "Reference", true),
                    definition("msDS-ExternalDirectoryObjectId", "String", false),
                    json!({ "name": "ObjectGUID", "type": "String", "anchor": true, "mutability": "ReadOnly", "required": true }),
                    definition("parentDistinguishedName", "String", false),
                    definition("sAMAccountName", "String", false),
                    definition("UniversalScope", "Boolean", false),
                ]}],
            },
        ],
    })
}
