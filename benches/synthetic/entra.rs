//! The Entra side: groups with their members, deleted groups, users, the organization, and one Cloud Sync job, as Graph
//! answers.

use super::ad::Written;
use super::plan::{Era, Fault, Group, Member, Plan, UserKind};
use super::text::{self, CONTAINER, DNS_DOMAIN, Sink};
use serde_json::json;
use std::io;
use std::path::Path;

/// The application role that puts a group into the job's scope.
const SCOPE_ROLE: &str = "1a0abf4d-b9fa-4512-a3a2-51ee82c6fd9f";
/// The directory extension that keeps the CN of a group that the mapping could not compute.
const CN_EXTENSION: &str = "extension_5f0c4e0f3d6a4a3c9f1b7a52c8d1e6b4_writebackCN";
const BETA: &str = "https://graph.microsoft.com/beta/$metadata#";

/// A collection's objects, one a line: inside a response body, or as JSON Lines.
struct List {
    sink: Sink,
    lines: bool,
    first: bool,
}

impl List {
    fn create(dir: &Path, name: &str, context: &str, lines: bool) -> io::Result<Self> {
        let mut sink = Sink::create(&dir.join(format!("{name}.{}", if lines { "jsonl" } else { "json" })))?;
        if !lines {
            sink.put(format!("{{\"@odata.context\":\"{BETA}{context}\",\"value\":[").as_bytes())?;
        }
        Ok(List { sink, lines, first: true })
    }
    fn put(&mut self, object: &[u8]) -> io::Result<()> {
        match (self.lines, std::mem::take(&mut self.first)) {
            (true, true) => {}
            (false, false) => self.sink.put(b",\n")?,
            _ => self.sink.put(b"\n")?,
        }
        self.sink.put(object)
    }
    fn finish(mut self) -> io::Result<u64> {
        self.sink.put(if self.lines { b"\n" } else { b"\n]}\n" })?;
        self.sink.finish()
    }
}

pub fn write(plan: &Plan, dir: &Path, lines: bool) -> io::Result<Written> {
    let mut written = Written { bytes: tenant(plan, dir)?, ..Written::default() };
    groups(plan, dir, lines, &mut written)?;
    users(plan, dir, lines, &mut written)?;
    Ok(written)
}

fn groups(plan: &Plan, dir: &Path, lines: bool, written: &mut Written) -> io::Result<()> {
    let mut list = List::create(dir, "groups", "groups", lines)?;
    let mut deleted = List::create(dir, "deletedItems", "directoryObjects", false)?;
    let mut object = Vec::new();
    for group in plan.groups() {
        if group.fault == Some(Fault::Orphan) {
            continue;
        }
        object.clear();
        written.memberships += describe(plan, &group, &mut object);
        written.groups += 1;
        match group.fault {
            Some(Fault::SoftDeleted) => deleted.put(&object)?,
            _ => list.put(&object)?,
        }
    }
    for number in 0..plan.synced_groups {
        let (id, _, rid) = plan.synced_group(number);
        object.clear();
        object.extend_from_slice(b"{\"id\":\"");
        text::guid(&mut object, id);
        object.extend_from_slice(b"\",\"displayName\":\"Legacy Group ");
        text::digits(&mut object, number, 6);
        object.extend_from_slice(
            b"\",\"securityEnabled\":true,\"mailEnabled\":false,\"groupTypes\":[],\"onPremisesSyncEnabled\":true,\
              \"onPremisesSecurityIdentifier\":\"",
        );
        text::sid(&mut object, rid);
        object.extend_from_slice(b"\",\"members\":[]}");
        list.put(&object)?;
        written.groups += 1;
    }
    written.bytes += list.finish()? + deleted.finish()?;
    Ok(())
}

/// One group; returns how many members it has.
fn describe(plan: &Plan, group: &Group, out: &mut Vec<u8>) -> u64 {
    out.extend_from_slice(b"{\"id\":\"");
    text::guid(out, group.id);
    out.extend_from_slice(b"\",\"displayName\":\"");
    text::group_name(out, group);
    out.extend_from_slice(b"\",\"description\":null,\"mailNickname\":\"g");
    text::digits(out, group.number, 7);
    let mail = matches!(group.fault, Some(Fault::MailEnabled | Fault::Unified | Fault::UnifiedSecurity));
    let unified = matches!(group.fault, Some(Fault::Unified | Fault::UnifiedSecurity));
    let paused = group.fault == Some(Fault::Paused);
    let on = |condition: bool| if condition { "true" } else { "false" };
    for (name, value) in [
        ("securityEnabled", on(group.fault != Some(Fault::Unified))),
        ("mailEnabled", on(mail)),
        (
            "groupTypes",
            if unified {
                "[\"Unified\"]"
            } else if paused {
                "[\"DynamicMembership\"]"
            } else {
                "[]"
            },
        ),
        ("membershipRuleProcessingState", if paused { "\"Paused\"" } else { "null" }),
        ("onPremisesSyncEnabled", if group.fault == Some(Fault::Synced) { "true" } else { "null" }),
        ("onPremisesSecurityIdentifier", "null"),
        ("isAssignableToRole", on(group.fault == Some(Fault::RoleAssignable))),
        ("isManagementRestricted", "false"),
        ("onPremisesSyncBehavior", "{\"isCloudManaged\":false}"),
        ("deletedDateTime", if group.fault == Some(Fault::SoftDeleted) { "\"2026-11-02T08:15:00Z\"" } else { "null" }),
    ] {
        out.extend_from_slice(if name == "securityEnabled" { b"\",\"" } else { b",\"" });
        out.extend_from_slice(name.as_bytes());
        out.extend_from_slice(b"\":");
        out.extend_from_slice(value.as_bytes());
    }
    if group.era != Era::DisplayName {
        out.extend_from_slice(b",\"");
        out.extend_from_slice(CN_EXTENSION.as_bytes());
        out.extend_from_slice(b"\":\"");
        text::group_cn(out, group);
        out.push(b'"');
    }
    out.extend_from_slice(b",\"writebackConfiguration\":{\"isEnabled\":");
    out.extend_from_slice(on(group.fault != Some(Fault::Disabled)).as_bytes());
    out.extend_from_slice(match group.fault {
        Some(Fault::Unified) => b",\"onPremisesGroupType\":\"universalDistributionGroup\"},\"members\":[".as_slice(),
        _ => b",\"onPremisesGroupType\":\"universalSecurityGroup\"},\"members\":[",
    });
    let mut count = 0;
    for member in plan.members(group) {
        let (kind, id): (&[u8], u128) = match member {
            Member::User(number) => (b"user", plan.user(number).id),
            Member::Group(number) => (b"group", plan.group(number, 0).id),
            Member::SyncedGroup(number) => (b"group", plan.synced_group(number).0),
            Member::Device(id) => (b"device", id),
        };
        out.extend_from_slice(if count == 0 {
            b"{\"@odata.type\":\"#microsoft.graph."
        } else {
            b",{\"@odata.type\":\"#microsoft.graph."
        });
        out.extend_from_slice(kind);
        out.extend_from_slice(b"\",\"id\":\"");
        text::guid(out, id);
        out.extend_from_slice(b"\"}");
        count += 1;
    }
    out.extend_from_slice(b"]}");
    count
}

fn users(plan: &Plan, dir: &Path, lines: bool, written: &mut Written) -> io::Result<()> {
    let mut list = List::create(dir, "users", "users", lines)?;
    let mut object = Vec::new();
    for user in plan.users() {
        object.clear();
        object.extend_from_slice(b"{\"id\":\"");
        text::guid(&mut object, user.id);
        object.extend_from_slice(b"\",\"displayName\":\"");
        text::user_name(&mut object, &user, false);
        object.extend_from_slice(b"\",\"userPrincipalName\":\"");
        text::account_name(&mut object, &user);
        object.extend_from_slice(b"@contoso.com\",");
        if user.kind == UserKind::CloudOnly {
            object.extend_from_slice(
                b"\"onPremisesSyncEnabled\":null,\"onPremisesObjectIdentifier\":null,\"onPremisesSecurityIdentifier\":null}",
            );
        } else {
            object.extend_from_slice(b"\"onPremisesSyncEnabled\":true,\"onPremisesObjectIdentifier\":");
            if user.kind == UserKind::NoIdentifier {
                object.extend_from_slice(b"null");
            } else {
                object.push(b'"');
                text::guid(&mut object, user.guid);
                object.push(b'"');
            }
            object.extend_from_slice(b",\"onPremisesSecurityIdentifier\":\"");
            text::sid(&mut object, user.rid);
            object.extend_from_slice(b"\"}");
        }
        list.put(&object)?;
        written.users += 1;
    }
    written.bytes += list.finish()?;
    Ok(())
}

fn tenant(plan: &Plan, dir: &Path) -> io::Result<u64> {
    let organization = json!({ "value": [{
        "id": id(plan, "tenant"),
        "displayName": "Contoso (synthetic)",
        "onPremisesSyncEnabled": true,
        "verifiedDomains": [{ "name": DNS_DOMAIN, "isDefault": true, "isInitial": false, "type": "Managed" }],
    }]});
    let synchronization = json!({ "value": [{
        "id": id(plan, "tenant"),
        "features": { "groupWriteBackEnabled": true, "unifiedGroupWritebackEnabled": false },
        "configuration": {
            "synchronizationClientVersion": "2.5.79.0",
            "writebackConfiguration": { "unifiedGroupContainer": CONTAINER },
        },
    }]});
    Ok(save(dir, "organization", &organization)? + save(dir, "onPremisesSynchronization", &synchronization)?)
}

/// `cloudsync/`: one paused job whose mappings keep every CN, and every healthy group in its scope.
pub fn write_cloud_sync(plan: &Plan, dir: &Path) -> io::Result<u64> {
    let principal = id(plan, "service principal");
    let job = format!("AAD2ADGroupProvisioning.{}.{}", id(plan, "tenant").replace('-', ""), id(plan, "job"));
    let never = "0001-01-01T00:00:00Z";
    let constant = |value: &str| json!({ "type": "Constant", "name": value, "expression": format!("\"{value}\""), "parameters": [] });
    let attribute =
        |name: &str| json!({ "type": "Attribute", "name": name, "expression": format!("[{name}]"), "parameters": [] });
    let function =
        |name: &str, text: &str| json!({ "type": "Function", "name": name, "expression": text, "parameters": [] });
    let anchor = "Append(\"Group_\", [objectId])";
    let named = "Append(Append(Left(Trim([displayName]), 51), \"_\"), Mid([objectId], 25, 12))";
    let mappings: Vec<_> = [
        ("adminDescription", function("Append", anchor)),
        ("cn", function("Coalesce", &format!("Coalesce([{CN_EXTENSION}], {named})"))),
        ("description", function("Left", "Left(Trim([description]), 448)")),
        ("displayName", attribute("displayName")),
        ("isSecurityGroup", constant("True")),
        ("member", attribute("members")),
        ("msDS-ExternalDirectoryObjectId", function("Append", anchor)),
        ("parentDistinguishedName", constant(CONTAINER)),
        ("UniversalScope", constant("True")),
    ]
    .into_iter()
    .map(|(target, source)| {
        json!({
            "targetAttributeName": target, "source": source, "defaultValue": null, "exportMissingReferences": false,
            "flowBehavior": "FlowWhenChanged", "flowType": "Always",
            "matchingPriority": u8::from(target == "msDS-ExternalDirectoryObjectId"),
        })
    })
    .collect();
    let mut bytes = 0;
    bytes += save(
        dir,
        "servicePrincipal",
        &json!({ "value": [{
            "id": principal, "appId": id(plan, "application"), "displayName": DNS_DOMAIN, "accountEnabled": true,
            "appRoleAssignmentRequired": false, "servicePrincipalType": "Application",
        }]}),
    )?;
    bytes += save(
        dir,
        "jobs",
        &json!({ "value": [{
            "id": job, "templateId": "AAD2ADGroupProvisioning",
            "schedule": { "expiration": null, "interval": "PT20M", "state": "Disabled" },
            "status": {
                "code": "Paused", "countSuccessiveCompleteFailures": 0, "escrowsPruned": false, "lastExecution": null,
                "lastSuccessfulExecution": null, "lastSuccessfulExecutionWithExports": null, "progress": [], "quarantine": null,
                "steadyStateFirstAchievedTime": never, "steadyStateLastAchievedTime": never, "synchronizedEntryCountByType": [],
            },
            "synchronizationJobSettings": [],
        }]}),
    )?;
    bytes += save(
        dir,
        "schema",
        &json!({
            "id": job, "version": "1",
            "synchronizationRules": [{
                "id": id(plan, "rule"), "name": "Entra ID to Active Directory", "editable": true, "priority": 1,
                "sourceDirectoryName": "Azure Active Directory", "targetDirectoryName": "Active Directory",
                "objectMappings": [{
                    "name": "Groups", "enabled": true, "flowTypes": "Add, Update, Delete", "sourceObjectName": "Group",
                    "targetObjectName": "group", "scope": null, "attributeMappings": mappings,
                }],
            }],
            "directories": [],
        }),
    )?;
    let agent = |number: u8| {
        json!({ "id": id(plan, &format!("agent {number}")), "machineName": format!("prov{number}.{DNS_DOMAIN}"), "status": "active",
            "supportedPublishingTypes": ["provisioning"] })
    };
    bytes += save(dir, "agents", &json!({ "value": [agent(1), agent(2)] }))?;
    let mut list = List::create(dir, "appRoleAssignedTo", "appRoleAssignments", false)?;
    let tail =
        format!("\",\"principalType\":\"Group\",\"appRoleId\":\"{SCOPE_ROLE}\",\"resourceId\":\"{principal}\"}}");
    let mut object = Vec::new();
    for number in (0..plan.size.groups).filter(|number| plan.fault(*number).is_none()) {
        object.clear();
        object.extend_from_slice(b"{\"principalId\":\"");
        text::guid(&mut object, plan.group(number, 0).id);
        object.extend_from_slice(tail.as_bytes());
        list.put(&object)?;
    }
    Ok(bytes + list.finish()?)
}

fn id(plan: &Plan, what: &str) -> String {
    let mut out = Vec::new();
    text::guid(&mut out, plan.id(what));
    String::from_utf8_lossy(&out).into_owned()
}

fn save(dir: &Path, name: &str, value: &serde_json::Value) -> io::Result<u64> {
    let mut sink = Sink::create(&dir.join(format!("{name}.json")))?;
    sink.put(&serde_json::to_vec_pretty(value)?)?;
    sink.finish()
}
