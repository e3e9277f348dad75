//! A made-up tenant in which every sort of value occurs that a verdict may rest on, and names to look for afterwards.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use groupshift::directory::security::{Ace, Dacl, Entry, SecurityDescriptor, control, rights, schema};
use groupshift::directory::{ObjectGuid, Rdn, Sid};
use serde_json::{Value, json};
use std::path::Path;

/// What the job's schema says of names, containers and scope.
#[derive(Clone)]
pub struct Job {
    pub cn: &'static str,
    pub parent: &'static str,
    pub sam: Option<&'static str>,
    pub scope: Value,
}

pub const DEFAULT_CN: &str = r#"Append(Append(Left(Trim([displayName]),51),"_"),Mid([objectId],25,12))"#;
pub const CONSTANT_OU: &str = "\"OU=Rückschreiben\\, Gruppen,OU=Zephyrine,DC=corp,DC=hyperion,DC=net\"";
pub const CONTAINER: &str = "OU=Rückschreiben\\, Gruppen,OU=Zephyrine,DC=corp,DC=hyperion,DC=net";
pub const APP: &str = "0f1e2d3c4b5a69788796a5b4c3d2e1f0";

/// Texts that must not occur in a copy, in lower case.
pub const CANARIES: [&str; 30] = [
    "hyperion",
    "zephyrine",
    "quillfeather",
    "rückschreiben",
    "marmalade",
    "cfbezoek",
    "ottoline",
    "wavertree",
    "blackthorn",
    "0f1e2d3c4b5a",
    "kestrel07",
    "10.47.11.93",
    "ds-canary",
    "oubliette",
    "secret-token",
    "vellichor",
    "nibelung",
    "tamarisk",
    "1234567890-2345678901",
    "3456789012",
    "-4711",
    "d15ea5e0",
    "badc0ffee",
    "corp.hyperion",
    "cornelius",
    "msol_5a5a",
    "sycamore",
    "exec council",
    "polder",
    "lysander",
];

/// A GUID that is a number of this world.
pub fn guid(n: u128) -> ObjectGuid {
    ObjectGuid::from_u128(0xd15ea5e0_0000_4000_8000_badc0ffe0000 + (n << 64) + n)
}
pub fn sid(rid: u32) -> String {
    format!("S-1-5-21-1234567890-2345678901-3456789012-{rid}")
}

/// A group: its number, display name, CN (`None`: by the default mapping), and further lines of its entry.
pub struct Group(pub u128, pub &'static str, pub Option<&'static str>, pub &'static [&'static str]);

pub const GROUPS: [Group; 20] = [
    Group(1, "Quillfeather Readers", None, &[]),
    Group(2, "SG-Marmalade, Preserves", None, &["edoi: Group_{id}"]),
    Group(3, "Ottoline's exceedingly long-winded committee of administrators, Wavertree", None, &[]),
    Group(4, "  Blackthorn padded  ", None, &[]),
    Group(5, "Rückschreiben Größe Übung", None, &[]),
    Group(6, "Nibelung", Some("Group_{id}"), &[]),
    Group(7, "Renamed since Tamarisk", Some("Oubliette_{last}"), &[]),
    Group(8, "CFBezoek", Some("SG-CFBezoek"), &["adminDescription: TakenOver_Group_{id}"]),
    Group(9, "Vellichor", None, &["adminDescription: Group_{ID}", "edoi: Group_{id}"]),
    Group(10, "Sycamore", None, &["adminDescription: Group_NoSync"]),
    Group(11, "Sycamore two", None, &["adminDescription: group_nosync"]),
    Group(12, "Exec Council", None, &["edoi: User_{id}", "mail: exec@hyperion.net", "description: Cornelius decides"]),
    Group(13, "Polder", Some("Polder\\\\"), &["edoi: Group_d15ea5e0-0000-4000-8000-badc0ffe9999"]),
    Group(14, "Lysander", None, &["adminCount: 1", "msDS-ObjectSoa: Cloud"]),
    Group(15, "Lysander denied", None, &["sd: deny"]),
    Group(16, "Lysander conditional", None, &["sd: conditional"]),
    Group(17, "Lysander protected", None, &["sd: protected"]),
    Group(18, "Lysander broken", None, &["sd: broken"]),
    Group(19, "IT", Some("Group_{id}"), &[]),
    Group(20, "Gone in Entra", None, &["entra: none"]),
];

fn cn_of(group: &Group) -> String {
    let (id, last) = (guid(group.0).to_string(), guid(group.0).to_string()[24..].to_owned());
    match group.2 {
        Some(cn) => cn.replace("{id}", &id).replace("{last}", &last),
        None => {
            let left: String = group.1.trim().chars().take(51).collect();
            Rdn::new("CN", &format!("{left}_{last}")).to_string()[3..].to_owned()
        }
    }
}
pub fn dn_of(group: &Group) -> String {
    format!("CN={},{CONTAINER}", cn_of(group))
}

fn descriptor(sort: &str) -> Vec<u8> {
    let agent = Sid::parse(&sid(4711)).unwrap();
    let mut entries = vec![Entry::Ace(Ace::allow(agent.clone(), rights::ALL))];
    let mut flags = 0;
    match sort {
        "deny" => entries.insert(0, Entry::Ace(Ace::deny(agent, rights::WRITE_PROPERTY).on(schema::member()))),
        "conditional" => {
            let body = [&rights::ALL.to_le_bytes()[..], &agent.to_bytes(), b"artxDepartment==Cornelius"].concat();
            entries = vec![Entry::Opaque { kind: 9, flags: 0, body }];
        }
        "protected" => {
            (flags, entries) =
                (control::DACL_PROTECTED, vec![Entry::Ace(Ace::allow(Sid::parse("S-1-5-11").unwrap(), rights::READ))]);
        }
        "broken" => return b"\x01\x00Cornelius was here, not a descriptor".to_vec(),
        _ => entries.push(Entry::Ace(Ace::allow(agent, rights::CREATE_CHILD).on(guid(777)))),
    }
    let owner = Sid::parse(&sid(512));
    SecurityDescriptor { control: flags, owner, group: None, dacl: Dacl::List(entries) }.to_bytes().unwrap()
}

fn entry(out: &mut String, dn: &str, lines: &[(&str, &[u8])]) {
    for (name, value) in std::iter::once(&("dn", dn.as_bytes())).chain(lines) {
        out.push_str(&format!("{name}:: {}\n", STANDARD.encode(value)));
    }
    out.push('\n');
}

fn ad() -> String {
    let mut out = String::new();
    let root = "DC=corp,DC=hyperion,DC=net";
    let container = descriptor("");
    entry(&mut out, CONTAINER, &[("objectClass", b"organizationalUnit"), ("nTSecurityDescriptor", &container)]);
    for (name, n) in
        [("Cornelius Nibelung", 101u128), ("Anna, Sycamore", 102), ("Lysander", 103), ("Polder\\2B Tamarisk", 104)]
    {
        let dn = format!("CN={},OU=People,{root}", name.replace(", ", "\\, "));
        let carrier = format!("Group_{}", guid(6));
        let sam = format!("kestrel{n:02}");
        let account = Sid::parse(&sid(3000 + n as u32)).unwrap().to_bytes();
        let mut lines: Vec<(&str, &[u8])> =
            vec![("objectClass", b"user"), ("sAMAccountName", sam.as_bytes()), ("objectSid", &account)];
        let id = guid(n).to_ad_bytes();
        lines.push(("objectGUID", &id));
        if n == 103 {
            lines.push(("adminDescription", carrier.as_bytes()));
        }
        entry(&mut out, &dn, &lines);
    }
    let agent = Sid::parse(&sid(4711)).unwrap().to_bytes();
    entry(
        &mut out,
        &format!("CN=kestrel07,CN=Managed Service Accounts,{root}"),
        &[
            ("objectClass", b"msDS-GroupManagedServiceAccount"),
            ("sAMAccountName", b"provAgentgMSA$"),
            ("objectSid", &agent),
        ],
    );
    entry(
        &mut out,
        &format!("CN={},CN=ForeignSecurityPrincipals,{root}", sid(9_999)),
        &[("objectClass", b"foreignSecurityPrincipal")],
    );
    entry(
        &mut out,
        &format!("CN=Cloud,CN=SOA-Policies,CN=System,{root}"),
        &[("objectClass", b"container"), ("msDS-Settings", b"Enforced"), ("msDS-Settings", sid(4711).as_bytes())],
    );
    entry(
        &mut out,
        &format!("CN=DS-CANARY,OU=Domain Controllers,{root}"),
        &[
            ("objectClass", b"computer"),
            ("userAccountControl", b"532480"),
            ("dNSHostName", b"ds-canary.corp.hyperion.net"),
            ("operatingSystem", b"Windows Server 2022 Datacenter"),
        ],
    );
    let backup = Sid::parse("S-1-5-32-551").unwrap().to_bytes();
    let members = [dn_of(&GROUPS[0]), format!("CN=Cornelius Nibelung,OU=People,{root}")];
    entry(
        &mut out,
        &format!("CN=Backup Operators,CN=Builtin,{root}"),
        &[
            ("objectClass", b"group"),
            ("groupType", b"-2147483643"),
            ("objectSid", &backup),
            ("adminDescription", format!("Group_{}", guid(1)).as_bytes()),
            ("member", members[0].as_bytes()),
            ("member", members[1].as_bytes()),
            ("member", format!("CN={},CN=ForeignSecurityPrincipals,{root}", sid(9_999)).as_bytes()),
        ],
    );
    for group in &GROUPS {
        let id = guid(group.0).to_string();
        let fill = |t: &str| t.replace("{id}", &id).replace("{ID}", &id.to_uppercase());
        let own = |name: &str| group.3.iter().find_map(|l| l.strip_prefix(name)?.strip_prefix(": ")).map(fill);
        let anchor = own("adminDescription").unwrap_or_else(|| format!("Group_{id}"));
        let (object_guid, account) =
            (guid(group.0 + 5000).to_ad_bytes(), Sid::parse(&sid(5000 + group.0 as u32)).unwrap().to_bytes());
        let sam = format!("{}_Hyperion_Group", group.1.trim());
        let member = format!("CN=Anna\\, Sycamore,OU=People,{root}");
        let security = own("sd").map(|sort| descriptor(&sort)).unwrap_or_else(|| container.clone());
        let extra: Vec<(&str, String)> = [
            ("edoi", "msDS-ExternalDirectoryObjectId"),
            ("mail", "mail"),
            ("description", "description"),
            ("adminCount", "adminCount"),
            ("msDS-ObjectSoa", "msDS-ObjectSoa"),
        ]
        .into_iter()
        .filter_map(|(own_name, name)| Some((name, own(own_name)?)))
        .collect();
        let mut lines: Vec<(&str, &[u8])> = vec![
            ("objectClass", b"group"),
            ("groupType", b"-2147483640"),
            ("objectGUID", &object_guid),
            ("objectSid", &account),
            ("sAMAccountName", sam.as_bytes()),
            ("displayName", group.1.as_bytes()),
            ("adminDescription", anchor.as_bytes()),
            ("member", member.as_bytes()),
            ("nTSecurityDescriptor", &security),
            ("whenChanged", b"20261101120000.0Z"),
        ];
        lines.extend(extra.iter().map(|(n, v)| (*n, v.as_bytes())));
        entry(&mut out, &dn_of(group), &lines);
    }
    out
}

fn entra() -> (Value, Value) {
    let user = |n: u128, id: Value, synced: Value, sid: Value| {
        json!({ "@odata.type": "#microsoft.graph.user", "id": guid(n + 200).to_string(), "displayName": format!("Cornelius {n}"),
            "onPremisesSyncEnabled": synced, "onPremisesObjectIdentifier": id, "onPremisesSecurityIdentifier": sid })
    };
    let users = json!([
        user(101, json!(guid(101).to_string()), json!(true), json!(sid(3101))),
        user(102, json!(guid(102).to_immutable_id()), json!(true), json!(sid(3102))),
        user(103, json!("oubliette"), json!(true), json!(sid(3103))),
        user(104, Value::Null, json!(true), json!(sid(3104))),
        user(105, Value::Null, Value::Null, Value::Null),
        user(106, json!(guid(999).to_string()), json!(true), json!("S-1-5-21-9-9-9-1234")),
    ]);
    let mut groups: Vec<Value> = Vec::new();
    for group in GROUPS.iter().filter(|g| !g.3.contains(&"entra: none")) {
        let mut members = vec![json!({ "@odata.type": "#microsoft.graph.user", "id": guid(302).to_string() })];
        if group.0 % 3 == 0 {
            members.extend(
                (303..307).map(|n| json!({ "@odata.type": "#microsoft.graph.user", "id": guid(n).to_string() })),
            );
        }
        if group.0 == 1 {
            members.push(json!({ "@odata.type": "#microsoft.graph.group", "id": guid(2).to_string() }));
            members.push(json!({ "@odata.type": "#microsoft.graph.device", "id": guid(888).to_string(), "displayName": "KESTREL07" }));
        }
        let mut value = json!({
            "id": guid(group.0).to_string(), "displayName": group.1, "description": "Cornelius wrote this", "groupTypes": [],
            "mailNickname": group.1.split(' ').next(), "securityEnabled": true, "mailEnabled": false, "onPremisesSyncEnabled": null,
            "isAssignableToRole": false, "isManagementRestricted": false, "onPremisesSecurityIdentifier": null,
            "membershipRuleProcessingState": null, "onPremisesSyncBehavior": { "isCloudManaged": false },
            "writebackConfiguration": { "isEnabled": true, "onPremisesGroupType": "universalSecurityGroup" }, "members": members });
        // Some keep their old place in an extension property, in the spelling of the directory.
        if group.0 % 2 == 0 {
            value[format!("extension_{APP}_GroupDN")] = json!(dn_of(group));
        }
        if group.0 % 4 == 0 {
            value[format!("extension_{APP}_GroupCN")] = json!(cn_of(group));
        }
        value[format!("extension_{APP}_WritebackEnabled")] = json!(group.0 < 15);
        groups.push(value);
    }
    (json!({ "value": groups }), json!({ "value": users }))
}

fn schema_of(job: &Job) -> Value {
    let source = |e: &str| match e.strip_prefix('"').and_then(|e| e.strip_suffix('"')) {
        Some(constant) => json!({ "type": "Constant", "name": constant, "expression": e, "parameters": [] }),
        None if !e.contains('(') => {
            json!({ "type": "Attribute", "name": e, "expression": format!("[{e}]"), "parameters": [] })
        }
        None => json!({ "type": "Function", "name": e.split('(').next(), "expression": e, "parameters": [] }),
    };
    let mut mappings = vec![
        json!({ "targetAttributeName": "msDS-ExternalDirectoryObjectId", "source": source("Append(\"Group_\", [objectId])"), "matchingPriority": 1 }),
        json!({ "targetAttributeName": "cn", "flowType": "Always", "source": source(job.cn) }),
        json!({ "targetAttributeName": "parentDistinguishedName", "flowType": "Always", "source": source(job.parent) }),
    ];
    mappings.extend(
        job.sam.map(|e| json!({ "targetAttributeName": "sAMAccountName", "flowType": "Always", "source": source(e) })),
    );
    json!({ "id": "AAD2ADGroupProvisioning.d15ea5e0111140008000badc0ffe1111.d15ea5e0-1111-4000-8000-badc0ffe1111",
        "synchronizationRules": [{ "name": "Oubliette rule", "sourceDirectoryName": "Azure Active Directory",
            "targetDirectoryName": "Active Directory", "priority": 1, "objectMappings": [{ "name": "Vellichor groups", "enabled": true,
            "sourceObjectName": "Group", "targetObjectName": "group", "flowTypes": "Add,Update,Delete", "scope": job.scope,
            "attributeMappings": mappings }] }] })
}

/// Writes the export of the world with this job.
pub fn write(dir: &Path, job: &Job) {
    let file = |path: &str, text: String| {
        let path = dir.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    let (groups, users) = entra();
    file("ad/hyperion.ldf", ad());
    file("ad/vellichor.txt", "not read".to_owned());
    file("entra/groups.json", groups.to_string());
    file("entra/users.json", users.to_string());
    file(
        "entra/organization.json",
        json!({ "value": [{ "id": guid(900).to_string(), "displayName": "Hyperion Vellichor",
        "verifiedDomains": [{ "name": "hyperion.net", "isDefault": true }] }] })
        .to_string(),
    );
    file("entra/onPremisesSynchronization.json", json!({ "value": [{ "features": { "groupWriteBackEnabled": true },
        "configuration": { "synchronizationClientVersion": "2.5.79.0", "writebackConfiguration": { "unifiedGroupContainer": CONTAINER } } }] }).to_string());
    file("entra/subscribedSkus.json", json!({ "value": [{ "skuPartNumber": "OUBLIETTE_E5", "servicePlans": [{ "servicePlanName": "AAD_PREMIUM_P2" }] }] }).to_string());
    file(
        "cloudsync/servicePrincipal.json",
        json!({ "value": [{ "id": guid(901).to_string(), "displayName": "corp.hyperion.net",
        "secretText": "secret-token", "passwordCredentials": [{ "hint": "secret-token" }] }] })
        .to_string(),
    );
    file("cloudsync/jobs.json", json!({ "value": [{ "id": format!("AAD2ADGroupProvisioning.{}.{}", guid(900).to_string().replace('-', ""), guid(902)),
        "templateId": "AAD2ADGroupProvisioning", "status": { "code": "Active", "troubleshootingUrl": "https://hyperion.net/oubliette" },
        "synchronizationJobSettings": [{ "name": "Domain", "value": "corp.hyperion.net" }, { "name": "SecretToken", "value": "secret-token" }] }] }).to_string());
    file("cloudsync/schema.json", schema_of(job).to_string());
    let assigned: Vec<Value> = GROUPS.iter().filter(|g| g.0 < 18).map(|g| json!({ "principalId": guid(g.0).to_string(), "principalType": "Group",
        "principalDisplayName": g.1, "appRoleId": "1a0abf4d-b9fa-4512-a3a2-51ee82c6fd9f", "resourceId": guid(901).to_string(), "resourceDisplayName": "corp.hyperion.net" })).collect();
    file("cloudsync/appRoleAssignedTo.json", json!({ "value": assigned }).to_string());
    file("cloudsync/agents.json", json!({ "value": [{ "id": guid(903).to_string(), "machineName": "KESTREL07.corp.hyperion.net", "externalIp": "10.47.11.93", "status": "active" }] }).to_string());
    file("connect/KESTREL07/connect-state.json", connect().to_string());
    file(
        "connect/KESTREL07/csexport.xml",
        format!(
            "<?xml version=\"1.0\"?><cs-objects><cs-object cs-dn=\"{0}\" id=\"{{{2}}}\" object-type=\"group\">\
        <unapplied-export><delta operation=\"update\" dn=\"{0}\"><dn-attr name=\"member\" operation=\"update\"><dn-value operation=\"delete\">\
        <dn>CN=Cornelius Nibelung,OU=People,DC=corp,DC=hyperion,DC=net</dn></dn-value></dn-attr></delta></unapplied-export>\
        <synchronized-hologram><entry><attr name=\"adminDescription\"><value>Group_{1}</value></attr></entry></synchronized-hologram></cs-object></cs-objects>",
            dn_of(&GROUPS[0]),
            guid(1),
            guid(904)
        ),
    );
}

fn connect() -> Value {
    let (ad, aad) = (guid(905).to_string(), "b891884f-051e-4a83-95af-2544101c9083");
    let rule = |id: ObjectGuid, name: &str, more: Value| {
        let mut rule = json!({ "id": id.to_string(), "name": name, "description": "Cornelius asked for it", "direction": "Inbound", "connector": aad,
            "sourceObjectType": "group", "targetObjectType": "group", "linkType": "Join", "precedence": 88, "immutableTag": "", "disabled": false,
            "scope": [{ "conditions": [{ "attribute": "cloudMastered", "operator": "EQUAL", "value": "true" }, { "attribute": "mail", "operator": "ISNULL", "value": "" }] }],
            "joins": [], "flows": [{ "destination": "cloudNoFlow", "flowType": "Constant", "source": ["True"], "mergeType": "Update", "executeOnce": false }] });
        more.as_object().unwrap().iter().for_each(|(k, v)| rule[k] = v.clone());
        rule
    };
    let flow = |target: &str, kind: &str, source: &str, expression: Value| json!({ "destination": target, "flowType": kind, "source": [source], "expression": expression, "mergeType": "Update", "executeOnce": false });
    json!({ "schema": "groupshift/connect-state/v1", "nonce": "badc0ffee", "computerName": "KESTREL07", "collectedAt": "2026-11-12T08:00:00Z",
        "connectVersion": "2.5.79.0",
        "scheduler": { "syncCycleEnabled": true, "schedulerSuspended": false, "stagingModeEnabled": false, "nextSyncCyclePolicyType": "Delta", "currentlyEffectiveSyncCycleInterval": "00:30:00" },
        "companyFeatures": { "GroupWritebackV2": true, "UnifiedGroupWriteback": true },
        "globalSettings": { "Microsoft.GroupWriteBack.Container": CONTAINER, "Microsoft.GroupWriteBack.Forest": "corp.hyperion.net" },
        "connectors": [
            { "id": ad, "name": "corp.hyperion.net", "category": "AD", "subtype": "", "forest": "corp.hyperion.net", "account": "HYPERION\\MSOL_5a5a5a",
              "writebackContainer": CONTAINER, "partitions": [{ "dn": "DC=corp,DC=hyperion,DC=net", "selected": true, "objectClasses": ["user", "group"],
              "inclusions": ["OU=Zephyrine,DC=corp,DC=hyperion,DC=net"], "exclusions": ["DC=corp,DC=hyperion,DC=net"] }], "attributes": ["member", "vellichorCode"] },
            { "id": aad, "name": "hyperion.onmicrosoft.com - AAD", "category": "Extensible2", "subtype": "Windows Azure Active Directory (Microsoft)", "account": "Sync_KESTREL07_5a5a@hyperion.onmicrosoft.com" } ],
        "rules": [
            rule(guid(911), "Oubliette in", json!({})),
            rule(guid(912), "In from AAD - Group SOAInAAD", json!({ "precedence": 130, "linkType": "Provision", "immutableTag": "Microsoft.InfromAADGroupSOAInAAD.005",
                "flows": [flow("displayName", "Direct", "displayName", Value::Null), flow("description", "Direct", "description", Value::Null), flow("cloudAnchor", "Direct", "cloudAnchor", Value::Null),
                    flow("targetWritebackType", "Expression", "writebackType", json!("IIF(IsNullOrEmpty([writebackType]),\"0\",[writebackType])"))] })),
            rule(guid(913), "Hyperion SOA in AAD extra", json!({ "precedence": 61, "flows": [flow("vellichorCode", "Expression", "vellichorCode", json!("IIF(InStr([vellichorCode],\"Tamarisk\")>0,\"OU=Polder,DC=corp,DC=hyperion,DC=net\",Hyperion(\"x\"))"))] })),
            rule(guid(914), "Nibelung cleaner", json!({ "precedence": 62, "flows": [flow("reasonFiltered", "Expression", "reasonFiltered", json!("IIF(InStr([reasonFiltered],\"SoftDelete\")>0,\"DeleteThisGroupInAD\",[reasonFiltered])"))] })),
            rule(guid(915), "Oubliette out", json!({ "precedence": 89, "direction": "Outbound", "connector": ad, "linkType": "JoinNoFlow", "flows": [], "scope": [{ "conditions": [{ "attribute": "cloudNoFlow", "operator": "EQUAL", "value": "true" }] }] })),
        ],
        "metaverseAttributes": ["cloudMastered", "cloudNoFlow", "vellichorCode"],
        "provisioningAgent": { "installed": true, "version": "1.1.2505.0" },
        "errors": [] })
}
