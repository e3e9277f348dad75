//! The tenant's side of the world, as the files of an offline collection.

use super::{Given, Group, Kind, OU, World, id, person_dn};
use serde_json::{Value, json};
use std::fs;
use std::path::Path;

/// The tenant's side, as the files of an offline collection: `entra/` and `cloudsync/` below `dir`.
pub fn write_tenant(world: &World, given: &Given, dir: &Path) {
    let write = |name: &str, value: Value| {
        let path = dir.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, serde_json::to_vec_pretty(&value).unwrap()).unwrap();
    };
    let exists = |g: &&Group| !matches!(g.in_entra, Kind::Gone | Kind::Deleted);
    let groups: Vec<Value> = world.groups.iter().filter(exists).map(|g| graph_group(world, g)).collect();
    write("entra/groups.json", json!({ "value": groups }));
    let deleted: Vec<Value> = world
        .groups
        .iter()
        .filter(|g| g.in_entra == Kind::Deleted)
        .map(|g| {
            let mut value = graph_group(world, g);
            value["deletedDateTime"] = json!("2026-11-01T08:00:00Z");
            value
        })
        .collect();
    write("entra/deletedItems.json", json!({ "value": deleted }));
    let mut users = Vec::new();
    for number in 1..=world.people {
        let (guid, sid) = &given[&person_dn(number)];
        users.push(json!({
            "id": id(&format!("u{number}")), "userPrincipalName": format!("person{number:02}@contoso.test"),
            "displayName": format!("Person {number:02}"), "onPremisesSyncEnabled": true,
            "onPremisesObjectIdentifier": guid, "onPremisesSecurityIdentifier": sid,
        }));
    }
    for number in 1..=world.cloud_only {
        users.push(json!({
            "id": id(&format!("c{number}")), "userPrincipalName": format!("cloud{number}@contoso.test"),
            "displayName": format!("Cloud {number}"), "onPremisesSyncEnabled": null,
            "onPremisesObjectIdentifier": null, "onPremisesSecurityIdentifier": null,
        }));
    }
    write("entra/users.json", json!({ "value": users }));
    write(
        "entra/organization.json",
        json!({ "value": [{
        "id": id("tenant"), "displayName": "Contoso",
        "verifiedDomains": [{ "name": "contoso.test", "isDefault": true, "isInitial": false, "capabilities": "Email", "type": "Managed" }],
    }] }),
    );
    write(
        "entra/onPremisesSynchronization.json",
        json!({ "value": [{
        "id": id("tenant"),
        "features": { "groupWriteBackEnabled": true, "unifiedGroupWritebackEnabled": true },
        "configuration": {
            "synchronizationClientVersion": "2.5.76.0",
            "writebackConfiguration": { "unifiedGroupContainer": OU },
        },
    }] }),
    );
    write(
        "entra/subscribedSkus.json",
        json!({ "value": [{
        "id": "1", "skuPartNumber": "AAD_PREMIUM", "servicePlans": [{ "servicePlanId": id("plan"), "servicePlanName": "AAD_PREMIUM", "provisioningStatus": "Success", "appliesTo": "User" }],
    }] }),
    );
    write(
        "cloudsync/agents.json",
        json!({ "value": [{
        "id": id("agent"), "machineName": "sync1.contoso.test", "externalIp": "203.0.113.5", "status": "active",
        "supportedPublishingTypes": ["provisioning"],
    }] }),
    );
}

fn graph_group(world: &World, group: &Group) -> Value {
    let mut types = Vec::new();
    if group.in_entra == Kind::Microsoft365 {
        types.push("Unified");
    }
    if group.in_entra == Kind::Dynamic {
        types.push("DynamicMembership");
    }
    let mail_enabled = matches!(group.in_entra, Kind::Microsoft365 | Kind::MailEnabledSecurity);
    let members: Vec<Value> = group
        .members
        .iter()
        .map(|m| {
            let person = m.len() < 4 && m.starts_with(['u', 'c']);
            let kind = if person { "#microsoft.graph.user" } else { "#microsoft.graph.group" };
            let id = if person { id(m) } else { world.group(m).id() };
            json!({ "@odata.type": kind, "id": id })
        })
        .collect();
    json!({
        "id": group.id(), "displayName": group.name, "description": null,
        "mailNickname": id(&format!("{}/nick", group.name))[..8], "securityEnabled": group.security_enabled(),
        "mailEnabled": mail_enabled, "groupTypes": types,
        "membershipRuleProcessingState": (group.in_entra == Kind::Dynamic).then_some("On"),
        "onPremisesSyncEnabled": null, "onPremisesSecurityIdentifier": null, "onPremisesSamAccountName": null,
        "onPremisesDomainName": null, "onPremisesNetBiosName": null,
        "isAssignableToRole": null, "isManagementRestricted": false,
        "visibility": if group.in_entra == Kind::Microsoft365 { json!("Private") } else { Value::Null },
        "writebackConfiguration": { "isEnabled": group.name != "Club", "onPremisesGroupType": if group.security_enabled() { json!("universalSecurityGroup") } else { Value::Null } },
        "onPremisesSyncBehavior": { "isCloudManaged": false },
        "members": members,
    })
}
