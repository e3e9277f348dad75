//! A forest and a tenant that are ready for a cutover: groups that move in three waves, some that stay outside, a Cloud
//! Sync configuration that was made and never started.

use super::{Group, Kind, OU, SEALED_OU, Stamp, UNIVERSAL_DISTRIBUTION, UNIVERSAL_SECURITY, VAULT, World, group, id};
use serde_json::{Value, json};
use std::fs;
use std::path::Path;

/// The role that scopes a group into provisioning, in the public cloud.
const SCOPE_ROLE: &str = "1a0abf4d-b9fa-4512-a3a2-51ee82c6fd9f";

impl World {
    pub fn cutover() -> World {
        let groups = vec![
            // The canaries.
            group("Sales", &["u1", "u2", "u3", "u4"]),
            Group { stamp: Stamp::Anchor, ..group("Stamped", &["u8"]) },
            // Further waves.
            group("Sales EMEA", &["u1", "u2"]),
            group("Finance", &["u5", "u6", "c1"]),
            Group { in_entra: Kind::Dynamic, ..group("Everybody", &["u1", "u2", "u3", "u4", "u5", "u11", "u12"]) },
            group("Empty", &[]),
            // Somebody changed it in AD: the decision says that Entra is right.
            Group { drift: vec!["u20", "-u19"], ..group("Drifted", &["u19", "u21"]) },
            // Nests a group that Cloud Sync does not write.
            group("Projects", &["u9", "u10", "Team Site"]),
            group("All Offices", &["Sales", "Finance", "u7"]),
            // As AdminSDHolder protects it, and one in a unit that inherits nothing.
            group(VAULT, &["u26", "u27"]),
            Group { parent: SEALED_OU, ..group("Sealed", &["u33"]) },
            group("Night Shift", &["u40", "u41", "u42", "u43", "u44", "u45", "u46", "u47"]),
            // Outside every wave.
            group("Bystander", &["u50", "u51"]),
            Group {
                in_entra: Kind::Microsoft365,
                group_type: UNIVERSAL_DISTRIBUTION,
                mail: true,
                ..group("Team Site", &["u13"])
            },
            Group { in_entra: Kind::Microsoft365, in_ad: false, ..group("Club", &["u14"]) },
        ];
        World {
            people: 60,
            cloud_only: 1,
            groups,
            plain: vec![
                ("Sales Share", -2147483644, vec!["Sales"]),
                ("ERP Users", UNIVERSAL_SECURITY, vec!["All Offices", "u32"]),
            ],
            deleted: Vec::new(),
            ready: true,
        }
    }

    /// How its waves are cut.
    pub fn waves(&self) -> String {
        let ids = |names: &[&str]| json!(names.iter().map(|n| self.group(n).id()).collect::<Vec<_>>()).to_string();
        format!(
            "[canary]\nsize = 2\ngroups = {}\n\n[waves]\nsize = 20\n\n[[wave]]\nname = \"Offices\"\ngroups = {}\n\n[exclude]\ngroups = {}\n",
            ids(&["Sales", "Stamped"]),
            ids(&["Sales EMEA", "Finance", "Everybody", "Empty", "Drifted"]),
            ids(&["Bystander"]),
        )
    }

    /// What its owners decided.
    pub fn decisions(&self) -> String {
        let one = |rule: &str, name: &str, action: &str| {
            format!(
                "[[decision]]\nrule = \"{rule}\"\ngroup = \"{}\"\naction = \"{action}\"\nreason = \"as the lab wants it\"\nby = \"the lab\"\n\n",
                self.group(name).id()
            )
        };
        [
            one("C27", "Drifted", "include"),
            one("C26", "Projects", "include"),
            one("*", "Bystander", "leave"),
            one("C02", "Team Site", "leave"),
            one("C04", "Club", "leave"),
        ]
        .concat()
    }
}

pub fn principal_id() -> String {
    id("service principal")
}

fn job_id() -> String {
    format!("AAD2ADGroupProvisioning.{}.{}", id("tenant").replace('-', ""), id("job"))
}

/// The files of the Cloud Sync configuration, below `dir`: paused, nothing in its scope, the mappings of a new one.
pub fn write_job(dir: &Path) {
    let folder = dir.join("cloudsync");
    fs::create_dir_all(&folder).unwrap();
    let write = |name: &str, value: Value| fs::write(folder.join(name), value.to_string()).unwrap();
    write(
        "servicePrincipal.json",
        json!({ "value": [{
            "id": principal_id(), "appId": id("application"), "displayName": "contoso.test", "accountEnabled": true,
            "appRoleAssignmentRequired": false, "servicePrincipalType": "Application",
            "tags": ["WindowsAzureActiveDirectoryIntegratedApp"],
            "appRoles": [{ "id": SCOPE_ROLE, "allowedMemberTypes": ["User"], "displayName": "User", "isEnabled": true, "value": null }],
        }] }),
    );
    write(
        "jobs.json",
        json!({ "value": [{
            "id": job_id(), "templateId": "AAD2ADGroupProvisioning",
            "schedule": { "expiration": null, "interval": "PT2S", "state": "Disabled" },
            "status": {
                "code": "Paused", "countSuccessiveCompleteFailures": 0, "escrowsPruned": false, "lastExecution": null,
                "lastSuccessfulExecution": null, "lastSuccessfulExecutionWithExports": null, "progress": [],
                "quarantine": null, "synchronizedEntryCountByType": [], "troubleshootingUrl": null,
            },
            "synchronizationJobSettings": [],
        }] }),
    );
    write("appRoleAssignedTo.json", json!({ "value": [] }));
    write("schema.json", schema());
}

fn schema() -> Value {
    let function = |name: &str, expression: &str| json!({ "type": "Function", "name": name, "expression": expression, "parameters": [] });
    let attribute =
        |name: &str| json!({ "type": "Attribute", "name": name, "expression": format!("[{name}]"), "parameters": [] });
    let constant = |value: &str| json!({ "type": "Constant", "name": value, "expression": format!("\"{value}\""), "parameters": [] });
    let anchor = || function("Append", "Append(\"Group_\", [objectId])");
    let mapping = |target: &str, source: Value, priority: u32| {
        json!({
            "targetAttributeName": target, "source": source, "defaultValue": null, "exportMissingReferences": false,
            "flowBehavior": "FlowWhenChanged", "flowType": "Always", "matchingPriority": priority,
        })
    };
    let name = "Append(Append(Left(Trim([displayName]), 51), \"_\"), Mid([objectId], 25, 12))";
    let mappings = [
        mapping("adminDescription", anchor(), 0),
        mapping("cn", function("Append", name), 0),
        mapping("description", function("Left", "Left(Trim([description]), 448)"), 0),
        mapping("displayName", attribute("displayName"), 0),
        mapping("isSecurityGroup", constant("True"), 0),
        mapping("member", attribute("members"), 0),
        mapping("msDS-ExternalDirectoryObjectId", anchor(), 1),
        mapping("parentDistinguishedName", constant(OU), 0),
        mapping("UniversalScope", constant("True"), 0),
    ];
    let definition = |name: &str, kind: &str, several: bool| json!({ "name": name, "type": kind, "multivalued": several, "mutability": "ReadWrite", "required": false });
    json!({
        "id": job_id(), "version": "1",
        "synchronizationRules": [{
            "id": id("rule"), "name": "Entra ID groups to Active Directory", "editable": true, "priority": 1,
            "sourceDirectoryName": "Azure Active Directory", "targetDirectoryName": "Active Directory", "metadata": [],
            "objectMappings": [{
                "name": "Groups", "enabled": true, "flowTypes": "Add, Update, Delete", "sourceObjectName": "Group",
                "targetObjectName": "group", "scope": null, "metadata": [], "attributeMappings": mappings,
            }],
        }],
        "directories": [
            { "id": id("source"), "name": "Azure Active Directory", "discoverabilities": "None", "objects": [{ "name": "Group", "attributes": [
                definition("objectId", "String", false), definition("displayName", "String", false),
                definition("description", "String", false), definition("members", "Reference", true),
            ] }] },
            { "id": id("target"), "name": "Active Directory", "discoverabilities": "None", "objects": [{ "name": "group", "attributes": [
                definition("adminDescription", "String", false), definition("cn", "String", false),
                definition("description", "String", false), definition("displayName", "String", false),
                definition("isSecurityGroup", "Boolean", false), definition("member", "Reference", true),
                definition("msDS-ExternalDirectoryObjectId", "String", false),
                json!({ "name": "ObjectGUID", "type": "String", "anchor": true, "mutability": "ReadOnly", "required": true }),
                definition("parentDistinguishedName", "String", false), definition("UniversalScope", "Boolean", false),
            ] }] },
        ],
    })
}
