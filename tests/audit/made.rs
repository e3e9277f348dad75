//! A tenant after its cutover in which everything is as it should be, and ways to spoil it. It is written as files,
//! collected, kept as a bundle with its audit parts, read back and audited, in process.

use crate::support::connect::{AD_CONNECTOR, ENTRA_CONNECTOR};
use crate::support::*;
use groupshift::assess::AboutBundle;
use groupshift::audit::former::{Former, FormerGroup, FormerMembers};
use groupshift::audit::model::{AgainstKind, Audit, Check, View};
use groupshift::audit::{self, Evidence, Input, Settings};
use groupshift::bundle::{self, RawFile, files, write::About};
use groupshift::collect::offline;
use groupshift::directory::events::SecurityEvent;
use groupshift::directory::security::{
    Ace, Dacl, Entry as AclEntry, SecurityDescriptor, control, inheritance, rights, schema,
};
use groupshift::directory::{GroupType, ObjectGuid, Sid};
use serde_json::{Value, json};

pub const JOB: &str = "AAD2ADGroupProvisioning.0123456789abcdef0123456789abcdef.1b2c3d4e-0000-4000-8000-000000000001";
/// When the groups were taken over; everything in the clean world is from before, or the agent's.
pub const CUTOVER: &str = "2026-11-10T20:00:00Z";
pub const AGENT: u32 = 1500;
pub const MSOL: u32 = 1501;
pub const HELPDESK: u32 = 1502;
/// The Microsoft 365 group in the container.
pub const TOWN_HALL: u32 = 90;
/// The application's own group.
pub const APP: &str = "CN=App Sales,OU=Apps,DC=contoso,DC=com";

pub struct Clean {
    pub world: World,
    pub events: Option<Vec<SecurityEvent>>,
    pub metadata: Option<Vec<Value>>,
    pub former: Option<Vec<FormerGroup>>,
    pub kind: AgainstKind,
    pub outside: Vec<String>,
    pub approved: Vec<String>,
}

pub fn sid_of(rid: u32) -> Sid {
    Sid::parse(&sid(rid)).unwrap()
}
pub fn well_known(text: &str) -> Sid {
    Sid::parse(text).unwrap()
}
fn at(text: &str) -> chrono::DateTime<chrono::Utc> {
    text.parse().unwrap()
}

/// What Active Directory gives a new group, the agent's rights among them.
pub fn usual_aces() -> Vec<Ace> {
    vec![
        Ace::allow(sid_of(512), rights::ALL),
        Ace::allow(well_known("S-1-5-18"), rights::ALL),
        Ace::allow(well_known("S-1-5-32-548"), rights::ALL),
        Ace::allow(well_known("S-1-5-11"), rights::READ),
        Ace::allow(sid_of(AGENT), rights::ALL).flags(inheritance::INHERITED),
        Ace::allow(sid_of(519), rights::ALL).flags(inheritance::INHERITED),
        Ace::allow(sid_of(HELPDESK), rights::ALL).for_children(schema::class_user()),
    ]
}

pub fn descriptor(owner: Sid, aces: Vec<Ace>) -> Vec<u8> {
    let dacl = Dacl::List(aces.into_iter().map(AclEntry::Ace).collect());
    SecurityDescriptor { control: control::SELF_RELATIVE, owner: Some(owner), group: None, dacl }.to_bytes().unwrap()
}

fn mapping(target: &str, kind: &str, name: &str, expression: &str) -> Value {
    json!({
        "defaultValue": null, "exportMissingReferences": false, "flowBehavior": "FlowWhenChanged", "flowType": "Always",
        "matchingPriority": 0, "targetAttributeName": target,
        "source": { "expression": expression, "name": name, "type": kind, "parameters": [] },
    })
}

/// A custom rule of the procedure.
pub fn coexistence(id: &str, name: &str, direction: &str, connector: &str, link: &str, precedence: u32) -> Value {
    let condition = |attribute: &str, operator: &str, value: &str| json!({ "attribute": attribute, "operator": operator, "value": value });
    let inbound = direction == "Inbound";
    json!({
        "id": id, "name": name, "direction": direction, "connector": connector, "sourceObjectType": "group",
        "targetObjectType": "group", "linkType": link, "precedence": precedence, "immutableTag": "", "disabled": false,
        "scope": [{ "conditions": if inbound { json!([condition("cloudMastered", "EQUAL", "true"), condition("mail", "ISNULL", "")]) }
            else { json!([condition("cloudNoFlow", "EQUAL", "true")]) } }],
        "joins": [],
        "flows": if inbound { json!([{ "destination": "cloudNoFlow", "flowType": "Constant", "source": ["True"], "expression": null,
            "mergeType": "Update", "executeOnce": false }]) } else { json!([]) },
    })
}

pub fn pending(dn: &str, operation: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<cs-objects>\n<cs-object cs-dn=\"{dn}\" id=\"{{7D0C1E9A-3F52-4E0B-9C1D-5A7E0B2C4F18}}\" object-type=\"group\">\n<unapplied-export><delta operation=\"{operation}\" dn=\"{dn}\"><primary-objectclass>group</primary-objectclass></delta></unapplied-export>\n</cs-object>\n</cs-objects>\n"
    )
}

pub fn log(id: &str, time: &str, action: &str, status: &str, code: Option<&str>) -> Value {
    json!({
        "id": format!("{id}{time}"), "activityDateTime": time, "jobId": JOB, "provisioningAction": action,
        "sourceIdentity": { "id": id, "identityType": "Group" }, "targetIdentity": { "id": ad_guid(1), "identityType": "group" },
        "provisioningStatusInfo": { "status": status, "errorInformation": code.map(|c| json!({ "errorCode": c, "reason": "because" })) },
    })
}

pub fn assignment(package: &str, target: &str, state: &str) -> Value {
    json!({ "id": format!("{package}-{target}"), "state": state, "target": { "objectId": target, "displayName": "x" }, "accessPackage": { "id": package } })
}

pub fn event(id: u32, time: &str, subject: u32, target: u32) -> SecurityEvent {
    SecurityEvent {
        time: at(time),
        id,
        target_sid: Some(sid_of(target)),
        target_name: None,
        target_dn: None,
        target_guid: None,
        subject_sid: Some(sid_of(subject)),
        subject_name: Some(format!("CONTOSO\\a{subject}")),
        member: Some(user_dn(1)),
        attribute: None,
        value: None,
        computer: Some("dc1.contoso.com".to_owned()),
        record: Some(7),
    }
}

/// Replication metadata of a group: its stamp, and changes of other attributes.
pub fn metadata(rid: u32, changes: &[(&str, &str)]) -> Value {
    let one = |name: &str, time: &str| {
        format!(
            "<DS_REPL_ATTR_META_DATA><pszAttributeName>{name}</pszAttributeName><dwVersion>2</dwVersion><ftimeLastOriginatingChange>{time}</ftimeLastOriginatingChange><pszLastOriginatingDsaDN>CN=NTDS Settings,CN=DC1,CN=Servers,CN=S,CN=Sites,CN=Configuration,{DOMAIN}</pszLastOriginatingDsaDN></DS_REPL_ATTR_META_DATA>"
        )
    };
    let mut all = vec![one("whenCreated", "2026-01-01T08:00:00Z"), one("msDS-ExternalDirectoryObjectId", CUTOVER)];
    all.extend(changes.iter().map(|(name, time)| one(name, time)));
    json!({ "objectGuid": ad_guid(rid), "dn": "x", "attributes": all, "values": [] })
}

impl Clean {
    /// Three groups: `G` (two users, governed by an access package, nested in the application's group), `Extra 1` (a user
    /// and, nested, `Extra 2`), `Extra 2` (a user); a Microsoft 365 group beside them; all under enforcement.
    pub fn new() -> Clean {
        let mut w = World::base();
        w.add_user(3).add_pair(1).add_pair(2);
        w.entry("Extra 1").add("member", user_dn(3)).add("member", group_dn("Extra 2"));
        w.entra(&group_id(1))["members"] = json!([member("user", &user_id(3)), member("group", &group_id(2))]);
        w.entry("Extra 2").add("member", user_dn(1));
        w.entra(&group_id(2))["members"] = json!([member("user", &user_id(1))]);
        for (name, id) in [("Group_3a5c3221", G.to_owned()), ("Extra 1", group_id(1)), ("Extra 2", group_id(2))] {
            w.entry(name)
                .set("msDS-ExternalDirectoryObjectId", format!("Group_{id}"))
                .set("msDS-ObjectSoa", "Cloud")
                .set("nTSecurityDescriptor", descriptor(sid_of(512), usual_aces()));
        }
        // The mapping keeps CN=<display name>.
        w.g().dn = group_dn("Sales");
        Self::town_hall(&mut w);
        Self::accounts(&mut w);
        Self::controllers(&mut w);
        Self::cloud_sync(&mut w);
        Self::connect(&mut w);
        Self::governance(&mut w);
        w.settings.agent_account = Some("CONTOSO\\provAgentgMSA$".to_owned());
        let metadata =
            Some([2001, 3001, 3002].map(|rid| metadata(rid, &[("member", "2026-11-15T10:00:00Z")])).to_vec());
        let mut clean = Clean {
            world: w,
            events: Some(vec![
                event(4756, "2026-11-15T10:00:00Z", AGENT, 2001),
                event(4756, "2026-11-09T10:00:00Z", 1105, 2001),
            ]),
            metadata,
            former: None,
            kind: AgainstKind::Snapshot,
            outside: vec![group_id(TOWN_HALL)],
            approved: Vec::new(),
        };
        clean.former = Some(clean.as_it_is());
        clean
    }

    fn town_hall(w: &mut World) {
        let id = group_id(TOWN_HALL);
        let mut entry = ad_group("Town Hall", &id, 3090);
        entry.set("groupType", "8").set("nTSecurityDescriptor", descriptor(sid_of(512), usual_aces()));
        w.add_entry(entry);
        let mut entra = entra_group("Town Hall", &id);
        entra["groupTypes"] = json!(["Unified"]);
        entra["mailEnabled"] = json!(true);
        entra["securityEnabled"] = json!(false);
        entra["writebackConfiguration"] = json!({ "isEnabled": null, "onPremisesGroupType": null });
        w.add_entra(entra);
    }

    fn accounts(w: &mut World) {
        let mut account = |name: &str, rid: u32, classes: &[&str]| {
            let mut entry = Entry::new(format!("CN={name},OU=Admins,{DOMAIN}"), classes);
            entry
                .set("objectGUID", guid_bytes(&ad_guid(rid)))
                .set("objectSid", sid_bytes(&sid(rid)))
                .set("sAMAccountName", name);
            w.add_entry(entry);
        };
        let user = ["top", "person", "organizationalPerson", "user"];
        account("provAgentgMSA$", AGENT, &["top", "computer", "msDS-GroupManagedServiceAccount"]);
        account("MSOL_0123456789ab", MSOL, &user);
        account("ops", 1105, &user);
        for (name, rid) in [("Domain Admins", 512), ("Helpdesk", HELPDESK)] {
            let mut entry = Entry::new(format!("CN={name},CN=Users,{DOMAIN}"), &["top", "group"]);
            entry
                .set("objectGUID", guid_bytes(&ad_guid(rid)))
                .set("objectSid", sid_bytes(&sid(rid)))
                .set("sAMAccountName", name)
                .set("groupType", "-2147483646")
                .add("member", format!("CN=ops,OU=Admins,{DOMAIN}"));
            w.add_entry(entry);
        }
        let container = vec![
            Ace::allow(sid_of(512), rights::ALL),
            Ace::allow(well_known("S-1-5-18"), rights::ALL),
            Ace::allow(sid_of(AGENT), rights::ALL).flags(inheritance::CONTAINER),
        ];
        let ou = w.ad.as_mut().unwrap().iter_mut().find(|e| e.dn == OU).unwrap();
        ou.set("nTSecurityDescriptor", descriptor(sid_of(512), container));
    }

    fn controllers(w: &mut World) {
        let mut dc = Entry::new(format!("CN=DC1,OU=Domain Controllers,{DOMAIN}"), &["top", "computer"]);
        dc.set("userAccountControl", "532480")
            .set("dNSHostName", "dc1.contoso.com")
            .set("operatingSystem", "Windows Server 2022 Standard")
            .set("objectSid", sid_bytes(&sid(1000)));
        w.add_entry(dc);
        let mut policy = Entry::new(format!("CN=Cloud,CN=SOA-Policies,CN=System,{DOMAIN}"), &["top", "container"]);
        policy.add("msDS-Settings", "Enforced").add("msDS-Settings", sid(AGENT));
        w.add_entry(policy);
    }

    fn cloud_sync(w: &mut World) {
        w.json("cloudsync/jobs.json", json!({ "value": [{
            "id": JOB, "templateId": "AAD2ADGroupProvisioning",
            "schedule": { "interval": "PT20M", "state": "Active" },
            "status": {
                "code": "Active", "quarantine": null, "countSuccessiveCompleteFailures": 0,
                "steadyStateFirstAchievedTime": "2026-11-10T21:00:00Z", "steadyStateLastAchievedTime": "2026-11-20T05:40:00Z",
                "lastExecution": { "state": "Succeeded", "timeEnded": "2026-11-20T05:40:00Z", "error": null },
            },
        }] }));
        w.json("cloudsync/secrets.json", json!({ "value": [
            { "key": "Domain", "value": "{\"domain\":\"contoso.com\"}" },
            { "key": "SyncNotificationSettings", "value": "{\"Enabled\":true,\"Recipients\":\"ops@contoso.com\",\"DeleteThresholdEnabled\":true,\"DeleteThresholdValue\":50}" }] }));
        w.json("cloudsync/servicePrincipal.json", json!({ "id": "sp", "displayName": "contoso.com" }));
        w.json("cloudsync/schema.json", json!({
            "id": JOB, "version": "v1",
            "directories": [
                { "id": "aad", "name": "Azure Active Directory", "objects": [{ "name": "Group", "attributes": [] }] },
                { "id": "ad", "name": "Active Directory", "objects": [{ "name": "group", "attributes": [] }] },
            ],
            "synchronizationRules": [{
                "id": "r1", "name": "AAD2ADGroupProvisioning", "sourceDirectoryName": "Azure Active Directory",
                "targetDirectoryName": "Active Directory",
                "objectMappings": [{
                    "enabled": true, "flowTypes": "Add,Update,Delete", "name": "Provision Groups", "sourceObjectName": "Group",
                    "targetObjectName": "group",
                    "attributeMappings": [
                        mapping("cn", "Attribute", "displayName", "[displayName]"),
                        mapping("parentDistinguishedName", "Constant", OU, &format!("\"{OU}\"")),
                    ],
                }],
            }],
        }));
        Self::assign(w, &[G.to_owned(), group_id(1), group_id(2)]);
        let agent = |n: u32| json!({ "id": format!("agent{n}"), "machineName": format!("agent{n}.contoso.com"), "status": "active", "version": "1.1.2505.0" });
        w.json("cloudsync/agents.json", json!({ "value": [agent(1), agent(2), agent(3)] }));
        let logs: Vec<Value> = [G.to_owned(), group_id(1), group_id(2)]
            .iter()
            .flat_map(|id| {
                [
                    log(id, "2026-11-10T21:00:00Z", "update", "success", None),
                    log(id, "2026-11-15T10:00:00Z", "update", "success", None),
                ]
            })
            .collect();
        w.json("cloudsync/provisioningLogs.json", json!({ "value": logs }));
        w.json("entra/subscribedSkus.json", json!({ "value": [{ "skuPartNumber": "AAD_PREMIUM", "servicePlans": [{ "servicePlanName": "AAD_PREMIUM" }] }] }));
        w.json(
            "entra/onPremisesSynchronization.json",
            json!({ "features": { "groupWriteBackEnabled": false, "unifiedGroupWritebackEnabled": true } }),
        );
    }

    pub fn assign(w: &mut World, ids: &[String]) {
        let list: Vec<Value> =
            ids.iter().map(|id| json!({ "principalId": id, "principalType": "Group", "resourceId": "sp" })).collect();
        w.json("cloudsync/appRoleAssignedTo.json", json!({ "value": list }));
    }

    fn connect(w: &mut World) {
        for name in ["sync01", "sync02"] {
            w.server(name, |s| {
                s["companyFeatures"] = json!({ "GroupWritebackV2": false, "UnifiedGroupWriteback": true });
                s["scheduler"]["stagingModeEnabled"] = json!(name == "sync02");
                let rules = s["rules"].as_array_mut().unwrap();
                rules.push(coexistence(
                    "e4eae1c9-b9bc-4328-ade9-df871cdd3027",
                    "In coexistence",
                    "Inbound",
                    ENTRA_CONNECTOR,
                    "Join",
                    88,
                ));
                rules.push(coexistence(
                    "419fda18-75bb-4e23-b947-8b06e7246551",
                    "Out coexistence",
                    "Outbound",
                    AD_CONNECTOR,
                    "JoinNoFlow",
                    89,
                ));
            });
            w.text(
                &format!("connect/{name}/csexport.xml"),
                "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<cs-objects></cs-objects>\n",
            );
        }
    }

    fn governance(w: &mut World) {
        let mut app = Entry::new(APP, &["top", "group"]);
        app.set("objectGUID", guid_bytes(&ad_guid(4000)))
            .set("objectSid", sid_bytes(&sid(4000)))
            .set("sAMAccountName", "App Sales")
            .set("groupType", "-2147483640")
            .add("member", group_dn("Sales"));
        w.add_entry(app);
        w.json(
            "entra/accessPackages.json",
            json!({ "value": [{ "id": "package1", "displayName": "Sales access", "resourceRoleScopes": [
            { "role": { "displayName": "Member", "originId": format!("Member_{G}"), "originSystem": "AadGroup" },
              "scope": { "originId": G, "originSystem": "AadGroup" } }] }] }),
        );
        let all: Vec<Value> = [1, 2].iter().map(|n| assignment("package1", &user_id(*n), "delivered")).collect();
        w.json("entra/accessPackageAssignments.json", json!({ "value": all }));
    }

    /// The groups as a snapshot of this moment would hold them.
    pub fn as_it_is(&self) -> Vec<FormerGroup> {
        let group = |name: &str, id: &str, rid: u32, members: Vec<String>| FormerGroup {
            guid: ObjectGuid::parse(&ad_guid(rid)).unwrap(),
            id: ObjectGuid::parse(id),
            sid: Some(sid_of(rid)),
            dn: group_dn(name),
            approved_dn: None,
            display_name: Some(name.to_owned()),
            account_name: Some(format!("sam-{rid}")),
            group_type: Some(GroupType::UNIVERSAL_SECURITY),
            members: FormerMembers::List(members),
            wave: Some("canary".to_owned()),
            outside: false,
            since: Some(at(CUTOVER)),
        };
        vec![
            group("Sales", G, 2001, vec![user_dn(1), user_dn(2)]),
            group("Extra 1", &group_id(1), 3001, vec![user_dn(3), group_dn("Extra 2")]),
            group("Extra 2", &group_id(2), 3002, vec![user_dn(1)]),
        ]
    }

    pub fn settings(&self) -> Settings {
        Settings { assess: self.world.settings.clone(), approved_writers: self.approved.clone(), since: None }
    }

    /// An entry of AD, by the beginning of its name.
    pub fn ad(&mut self, name: &str) -> &mut Entry {
        let head = format!("CN={name},");
        self.world.ad.as_mut().unwrap().iter_mut().find(|e| e.dn.starts_with(&head)).unwrap()
    }
    /// Changes a JSON file of the world.
    pub fn edit(&mut self, path: &str, change: impl FnOnce(&mut Value)) {
        let mut value: Value = serde_json::from_slice(&self.world.files[path]).unwrap();
        change(&mut value);
        self.world.json(path, value);
    }

    pub fn former(&self) -> Option<Former> {
        let mut former = Former::new(self.kind, "20261110-2000-7f3a", self.former.clone()?);
        former.outside = Some(self.outside.iter().map(|id| ObjectGuid::parse(id).unwrap()).collect());
        Some(former)
    }

    pub fn audit(&self) -> Audit {
        let dir = tempfile::tempdir().unwrap();
        let (export, out) = (dir.path().join("export"), dir.path().join("bundle"));
        std::fs::create_dir_all(&export).unwrap();
        self.world.write(&export);
        let mut collected =
            offline::collect(&export, &self.world.wishes, &mut |_, _| {}).unwrap_or_else(|e| panic!("{e}"));
        if let Some(events) = &self.events {
            collected.raw.push(raw(files::SECURITY_EVENTS, events));
        }
        if let Some(metadata) = &self.metadata {
            collected.raw.push(raw(files::AD_METADATA, metadata));
        }
        let about = About {
            created: CREATED.to_owned(),
            anonymised: false,
            sources: Vec::new(),
            certificate: collected.certificate,
        };
        bundle::write_with(&collected.inventory, about, collected.raw, &out).unwrap();
        let (opened, inventory) = bundle::open(&out).unwrap();
        let (settings, former) = (self.settings(), self.former());
        let evidence = Evidence::read(&out, &opened).unwrap();
        let input = Input {
            inventory: &inventory,
            settings: &settings,
            about: AboutBundle::of(&opened),
            evidence: &evidence,
            former: former.as_ref(),
        };
        let audited = audit::audit(input).unwrap();
        let document = audited.document();
        check(&audited, &document);
        document
    }
}

fn raw<T: serde::Serialize>(name: &'static str, records: &[T]) -> RawFile {
    let mut file = RawFile::new(name).unwrap();
    records.iter().for_each(|r| file.push(r).unwrap());
    file
}

/// What holds of every audit, whatever the input.
fn check(view: &dyn View, document: &Audit) {
    let ids: Vec<&str> = document.checks.iter().map(|c| c.head.id.as_str()).collect();
    let want: Vec<String> = (1..=28).map(|i| format!("A{i:02}")).collect();
    assert_eq!(ids, want, "all checks are always listed");
    let json = serde_json::to_value(document).unwrap();
    assert_eq!(json["schema"], "groupshift/audit/v1");
    let back: Audit = serde_json::from_value(json).unwrap();
    assert_eq!(back, *document, "it reads back as it was");
    for check in &document.checks {
        let head = &check.head;
        let failing = head.status.as_str() == "fail";
        assert_eq!(failing, head.failed > 0, "{}: {}", head.id, head.message);
        assert!(!head.message.is_empty() && head.evidence.is_object(), "{head:?}");
        assert_eq!(head.remediation.is_empty(), matches!(head.status.as_str(), "pass" | "not-applicable"), "{head:?}");
        let mut keys: Vec<&str> = check.failures.iter().map(|f| f.key.as_str()).collect();
        let n = keys.len();
        keys.sort_unstable();
        keys.dedup();
        assert_eq!(keys.len(), n, "{}: keys tell failures apart: {:?}", head.id, check.failures);
        for failure in &check.failures {
            assert!(!failure.message.is_empty() && failure.name() != "(unnamed)", "{}: {failure:?}", head.id);
            assert!(failure.expected.is_some() && failure.actual.is_some(), "{}: {failure:?}", head.id);
            assert!(failure.evidence.is_object(), "{}: {failure:?}", head.id);
        }
    }
    let lines: Vec<_> = (0..view.groups()).map(|i| view.group(i)).collect();
    assert!(lines.is_sorted_by_key(|l| (l.dn.is_none(), l.dn.clone(), l.object_id.clone())), "groups by DN, null last");
    for (i, line) in lines.iter().enumerate() {
        assert_eq!(view.group_state(i), (!line.failed.is_empty(), !line.unknown.is_empty()));
    }
    let failing = lines.iter().filter(|l| !l.failed.is_empty()).count() as u64;
    assert_eq!((document.header.summary.groups, document.header.summary.groups_failing), (lines.len() as u64, failing));
}

pub fn one<'a>(audit: &'a Audit, id: &str) -> &'a Check {
    audit.checks.iter().find(|c| c.head.id == id).unwrap()
}
pub fn status<'a>(audit: &'a Audit, id: &str) -> &'a str {
    one(audit, id).head.status.as_str()
}
/// Ids of the checks that have this status.
pub fn with<'a>(audit: &'a Audit, status: &str) -> Vec<&'a str> {
    audit.checks.iter().filter(|c| c.head.status.as_str() == status).map(|c| c.head.id.as_str()).collect()
}
