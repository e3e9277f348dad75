//! From a clean world, every single change is caught by exactly the checks that should catch it, and by no others.

use crate::made::*;
use crate::support::connect::{AD_CONNECTOR, ENTRA_CONNECTOR};
use crate::support::*;
use groupshift::audit::former::FormerMembers;
use groupshift::audit::model::Audit;
use groupshift::directory::security::{Ace, inheritance, rights, schema};
use serde_json::{Value, json};

type Change = fn(&mut Clean);

/// What is changed, how, and the checks that fail.
const MUTATIONS: &[(&str, Change, &[&str])] = &[
    // Anchors and identity.
    ("a second carrier of the stamp in another container", duplicate, &["A01"]),
    ("the stamp is cleared", |c| drop(c.ad("Extra 2").unset("msDS-ExternalDirectoryObjectId")), &["A01", "A05"]),
    (
        "the stamp names another group",
        |c| drop(c.ad("Extra 2").set("msDS-ExternalDirectoryObjectId", format!("Group_{}", group_id(77)))),
        &["A01", "A05", "A06"],
    ),
    ("adminDescription is cleared", |c| drop(c.ad("Extra 2").unset("adminDescription")), &["A05"]),
    ("adminDescription is something else", |c| drop(c.ad("Extra 2").set("adminDescription", "HR")), &["A05"]),
    ("the group was made anew", made_anew, &["A02", "A23"]),
    ("only the SID is another", |c| drop(c.ad("Extra 2").set("objectSid", sid_bytes(&sid(7777)))), &["A02", "A23"]),
    (
        "the group is gone from AD",
        |c| {
            c.world.drop_entry("Extra 2");
            c.ad("Extra 1").values.retain(|(n, v)| n != "member" || !v.starts_with(b"CN=Extra 2"));
        },
        &["A01", "A02", "A06"],
    ),
    // Name, place, type.
    ("renamed", renamed, &["A03", "A23"]),
    ("moved to another container", moved, &["A03", "A23"]),
    ("another account name", |c| drop(c.ad("Extra 2").set("sAMAccountName", "sales-old")), &["A23"]),
    (
        "the mapping of the container is another",
        |c| {
            c.edit("cloudsync/schema.json", |s| {
                let mapping = &mut s["synchronizationRules"][0]["objectMappings"][0]["attributeMappings"][1];
                mapping["source"]["name"] = json!("CN=Users,DC=contoso,DC=com");
                mapping["source"]["expression"] = json!("\"CN=Users,DC=contoso,DC=com\"");
            })
        },
        &["A03"],
    ),
    (
        "renamed in Entra, where the name follows",
        |c| c.world.entra(&group_id(2))["displayName"] = json!("Other"),
        &["A03"],
    ),
    ("a global group", |c| drop(c.ad("Extra 2").set("groupType", "-2147483646")), &["A04"]),
    ("a distribution group", |c| drop(c.ad("Extra 2").set("groupType", "8")), &["A04"]),
    // Members.
    ("a member added in AD", |c| drop(c.ad("Extra 2").add("member", user_dn(3))), &["A06"]),
    ("a member removed in AD", |c| remove_member(c, "Sales", &user_dn(2)), &["A06"]),
    (
        "a member added in Entra, not provisioned",
        |c| c.world.entra(&group_id(2))["members"].as_array_mut().unwrap().push(member("user", &user_id(3))),
        &["A06"],
    ),
    ("emptied in AD", |c| remove_member(c, "Extra 2", &user_dn(1)), &["A06", "A07"]),
    ("the nested group removed from its parent", |c| remove_member(c, "Extra 1", &group_dn("Extra 2")), &["A06"]),
    ("more members than supported", |c| c.world.settings.limits.max_group_members = 1, &["A28"]),
    ("more groups in scope than supported", |c| c.world.settings.limits.max_groups_selected = 2, &["A28"]),
    ("more memberships in scope than supported", |c| c.world.settings.limits.max_links_selected = 4, &["A28"]),
    // Who may write.
    (
        "helpdesk may write member",
        |c| grant(c, "Extra 2", Ace::allow(sid_of(HELPDESK), rights::WRITE_PROPERTY).on(schema::member())),
        &["A08"],
    ),
    (
        "helpdesk may write the membership set, by inheritance",
        |c| {
            grant(
                c,
                "Extra 2",
                Ace::allow(sid_of(HELPDESK), rights::WRITE_PROPERTY)
                    .on(schema::membership())
                    .flags(inheritance::INHERITED),
            )
        },
        &["A08"],
    ),
    (
        "everybody may add himself",
        |c| grant(c, "Extra 2", Ace::allow(well_known("S-1-1-0"), rights::SELF).on(schema::member())),
        &["A08"],
    ),
    ("a user may delete", |c| grant(c, "Extra 2", Ace::allow(sid_of(1105), rights::DELETE)), &["A08"]),
    (
        "a user may rename",
        |c| grant(c, "Extra 2", Ace::allow(sid_of(1105), rights::WRITE_PROPERTY).on(schema::public_information())),
        &["A08"],
    ),
    (
        "a user may change the access list",
        |c| grant(c, "Extra 2", Ace::allow(sid_of(1105), rights::WRITE_DAC)),
        &["A08"],
    ),
    (
        "owned by a user",
        |c| drop(c.ad("Extra 2").set("nTSecurityDescriptor", descriptor(sid_of(1105), usual_aces()))),
        &["A08"],
    ),
    (
        "a deleted account still may write",
        |c| grant(c, "Extra 2", Ace::allow(sid_of(9999), rights::GENERIC_ALL)),
        &["A08"],
    ),
    ("helpdesk may delete groups out of the container", grant_container, &["A08"]),
    (
        "Connect's account may write, and V1 is off",
        |c| {
            grant(c, "Extra 2", Ace::allow(sid_of(MSOL), rights::ALL));
            v1_off(c);
        },
        &["A08"],
    ),
    // Who did write.
    (
        "an event by another account",
        |c| c.events.as_mut().unwrap().push(event(4756, "2026-11-16T10:00:00Z", 1105, 2001)),
        &["A09"],
    ),
    (
        "a modification by another account, named by DN",
        |c| {
            let mut e = event(5136, "2026-11-16T10:00:00Z", 1105, 2001);
            (e.target_sid, e.target_dn, e.attribute) = (None, Some(group_dn("Sales")), Some("member".to_owned()));
            c.events.as_mut().unwrap().push(e);
        },
        &["A09"],
    ),
    (
        "a change in replication metadata that the log does not know",
        |c| c.metadata.as_mut().unwrap()[2] = metadata(3002, &[("member", "2026-11-16T03:00:00Z")]),
        &["A09"],
    ),
    // Enforcement.
    ("a group without the mark", |c| drop(c.ad("Extra 2").unset("msDS-ObjectSoa")), &["A10"]),
    ("the policy only audits", |c| policy(c, &["Audit", &sid(AGENT)]), &["A11"]),
    (
        "the policy lacks the agent",
        |c| {
            c.approved = vec!["ops".to_owned()];
            policy(c, &["Enforced", &sid(1105)])
        },
        &["A11"],
    ),
    ("the policy has a SID that does not resolve", |c| policy(c, &["Enforced", &sid(AGENT), &sid(8888)]), &["A11"]),
    ("the policy has an account that is not approved", |c| policy(c, &["Enforced", &sid(AGENT), &sid(1105)]), &["A11"]),
    ("a controller of 2019", |c| drop(c.ad("DC1").set("operatingSystem", "Windows Server 2019 Datacenter")), &["A12"]),
    // Connect.
    (
        "V2 is on by Entra",
        |c| c.edit("entra/onPremisesSynchronization.json", |v| v["features"]["groupWriteBackEnabled"] = json!(true)),
        &["A13"],
    ),
    (
        "V2 is on by one server",
        |c| server(c, "sync02", |s| s["companyFeatures"]["GroupWritebackV2"] = json!(true)),
        &["A13"],
    ),
    (
        "the standby lacks the inbound rule",
        |c| server(c, "sync02", |s| rules(s).retain(|r| r["name"] != "In coexistence")),
        &["A14"],
    ),
    (
        "the outbound rule is disabled",
        |c| server(c, "sync01", |s| rule_of(s, "Out coexistence")["disabled"] = json!(true)),
        &["A14"],
    ),
    (
        "the inbound rule is on the wrong connector",
        |c| server(c, "sync01", |s| rule_of(s, "In coexistence")["connector"] = json!(AD_CONNECTOR)),
        &["A14"],
    ),
    (
        "the outbound rule joins with flow",
        |c| server(c, "sync01", |s| rule_of(s, "Out coexistence")["linkType"] = json!("Join")),
        &["A14"],
    ),
    (
        "the outbound rule is on the Entra connector",
        |c| server(c, "sync01", |s| rule_of(s, "Out coexistence")["connector"] = json!(ENTRA_CONNECTOR)),
        &["A14"],
    ),
    (
        "the inbound rule also takes groups with mail",
        |c| {
            server(c, "sync01", |s| {
                drop(rule_of(s, "In coexistence")["scope"][0]["conditions"].as_array_mut().unwrap().pop())
            })
        },
        &["A14"],
    ),
    (
        "a deletion waits",
        |c| drop(c.world.text("connect/sync01/csexport.xml", &pending(&group_dn("Sales"), "delete"))),
        &["A15"],
    ),
    (
        "V1 is off and a rule is missing",
        |c| {
            v1_off(c);
            server(c, "sync01", |s| rules(s).retain(|r| r["name"] != "Out coexistence"));
        },
        &["A14", "A16"],
    ),
    // The job.
    (
        "the job is in quarantine",
        |c| {
            job(c, |j| {
                j["status"]["code"] = json!("Quarantine");
                j["status"]["quarantine"] = json!({ "reason": "TooManyDeletes" });
            })
        },
        &["A17"],
    ),
    ("the job is paused", |c| job(c, |j| j["status"]["code"] = json!("Paused")), &["A17"]),
    ("the job failed altogether", |c| job(c, |j| j["status"]["countSuccessiveCompleteFailures"] = json!(3)), &["A17"]),
    (
        "deletions are not held back",
        |c| secrets(c, "{\"Enabled\":true,\"Recipients\":\"ops@contoso.com\",\"DeleteThresholdEnabled\":false}"),
        &["A17"],
    ),
    (
        "nobody is told of deletions",
        |c| secrets(c, "{\"Enabled\":true,\"Recipients\":\"\",\"DeleteThresholdEnabled\":true}"),
        &["A17"],
    ),
    (
        "the last provisioning failed",
        |c| add_log(c, log(&group_id(2), "2026-11-19T10:00:00Z", "update", "failure", Some("TimeOut"))),
        &["A18"],
    ),
    (
        "a staged delete",
        |c| add_log(c, log(&group_id(2), "2026-11-19T10:00:00Z", "stagedDelete", "success", None)),
        &["A18"],
    ),
    (
        "a skip",
        |c| add_log(c, log(&group_id(2), "2026-11-19T10:00:00Z", "other", "skipped", Some("NotEffectivelyEntitled"))),
        &["A18"],
    ),
    (
        "one agent only",
        |c| c.edit("cloudsync/agents.json", |v| v["value"].as_array_mut().unwrap().truncate(1)),
        &["A25"],
    ),
    ("an old agent", |c| c.edit("cloudsync/agents.json", |v| v["value"][1]["version"] = json!("1.1.1370.0")), &["A25"]),
    (
        "no P1",
        |c| c.edit("entra/subscribedSkus.json", |v| v["value"] = json!([{ "skuPartNumber": "F", "servicePlans": [] }])),
        &["A27"],
    ),
    // Scope.
    (
        "a migrated group is not assigned",
        |c| {
            Clean::assign(&mut c.world, &[G.to_owned(), group_id(1)]);
            c.world.entra(&group_id(2))["writebackConfiguration"]["isEnabled"] = json!(false);
        },
        &["A19"],
    ),
    (
        "a group is assigned that nobody planned",
        |c| {
            unplanned(c, 5);
            assign_more(c, 5);
        },
        &["A19"],
    ),
    ("a Microsoft 365 group is assigned", |c| assign_more(c, TOWN_HALL), &["A19"]),
    ("a nested group is not in scope", nested_out_of_scope, &["A19"]),
    (
        "on for writeback, out of scope",
        |c| {
            let mut g = entra_group("Left", &group_id(8));
            g["members"] = json!([]);
            c.world.add_entra(g);
        },
        &["A20"],
    ),
    ("a new Microsoft 365 group in the container", |c| c.outside.clear(), &["A21"]),
    // Governance.
    ("a direct addition to a governed group", direct, &["A22"]),
    (
        "an assignment that ended, its target still a member",
        |c| c.edit("entra/accessPackageAssignments.json", |v| v["value"][0]["state"] = json!("expired")),
        &["A22"],
    ),
    (
        "the package grants ownership only",
        |c| {
            c.edit("entra/accessPackages.json", |v| {
                v["value"][0]["resourceRoleScopes"][0]["role"] = json!({ "displayName": "Owner" })
            })
        },
        &["A22", "A24"],
    ),
    ("the application's group holds others", |c| drop(c.ad("App Sales").add("member", user_dn(3))), &["A24"]),
    ("the application's group is global", |c| drop(c.ad("App Sales").set("groupType", "-2147483646")), &["A24"]),
    (
        "the application's group is a group of the system",
        |c| drop(c.ad("App Sales").set("objectSid", sid_bytes(&sid(525)))),
        &["A24"],
    ),
    // Orphans.
    ("an anchored group without its Entra group", orphan, &["A26"]),
    (
        "a soft-deleted Entra group",
        |c| {
            orphan(c);
            let mut g = entra_group("Gone", &group_id(9));
            g["deletedDateTime"] = json!("2026-11-18T00:00:00Z");
            c.world.deleted.as_mut().unwrap().push(g);
        },
        &["A26"],
    ),
];

fn duplicate(c: &mut Clean) {
    let mut copy = ad_group("Sales", G, 6001);
    copy.dn = "CN=Sales,OU=Old,DC=contoso,DC=com".to_owned();
    copy.set("msDS-ExternalDirectoryObjectId", format!("Group_{G}")).set("msDS-ObjectSoa", "Cloud");
    c.world.add_entry(copy);
}

fn made_anew(c: &mut Clean) {
    let entry = c.ad("Extra 2");
    entry.set("objectGUID", guid_bytes(&ad_guid(6002))).set("objectSid", sid_bytes(&sid(6002)));
}

fn remove_member(c: &mut Clean, name: &str, dn: &str) {
    c.ad(name).values.retain(|(n, v)| n != "member" || v != dn.as_bytes());
}

/// The group stands under another DN, and the mappings agree, so that nothing moves it back.
fn renamed(c: &mut Clean) {
    relocate(c, "CN=Sales new,OU=GroupWriteback,DC=contoso,DC=com");
    c.world.entra(G)["displayName"] = json!("Sales new");
}

fn moved(c: &mut Clean) {
    relocate(c, "CN=Sales,OU=Elsewhere,DC=contoso,DC=com");
}

fn relocate(c: &mut Clean, dn: &str) {
    c.ad("Sales").dn = dn.to_owned();
    let app = c.ad("App Sales");
    app.unset("member").add("member", dn);
}

fn grant(c: &mut Clean, name: &str, ace: Ace) {
    let mut aces = usual_aces();
    aces.push(ace);
    c.ad(name).set("nTSecurityDescriptor", descriptor(sid_of(512), aces));
}

fn grant_container(c: &mut Clean) {
    let aces = vec![
        Ace::allow(sid_of(512), rights::ALL),
        Ace::allow(sid_of(HELPDESK), rights::DELETE_CHILD).on(schema::class_group()),
    ];
    let ou = c.world.ad.as_mut().unwrap().iter_mut().find(|e| e.dn == OU).unwrap();
    ou.set("nTSecurityDescriptor", descriptor(sid_of(512), aces));
}

fn v1_off(c: &mut Clean) {
    c.edit("entra/onPremisesSynchronization.json", |v| v["features"]["unifiedGroupWritebackEnabled"] = json!(false));
    for name in ["sync01", "sync02"] {
        server(c, name, |s| s["companyFeatures"]["UnifiedGroupWriteback"] = json!(false));
    }
}

fn policy(c: &mut Clean, settings: &[&str]) {
    let entry = c.ad("Cloud");
    entry.unset("msDS-Settings");
    for text in settings {
        entry.add("msDS-Settings", text);
    }
}

fn server(c: &mut Clean, name: &str, change: impl FnOnce(&mut Value)) {
    c.edit(&format!("connect/{name}/connect-state.json"), change);
}

fn rules(server: &mut Value) -> &mut Vec<Value> {
    server["rules"].as_array_mut().unwrap()
}

fn rule_of<'v>(server: &'v mut Value, name: &str) -> &'v mut Value {
    rules(server).iter_mut().find(|r| r["name"] == name).unwrap()
}

fn job(c: &mut Clean, change: impl FnOnce(&mut Value)) {
    c.edit("cloudsync/jobs.json", |v| change(&mut v["value"][0]));
}

fn secrets(c: &mut Clean, settings: &str) {
    c.edit("cloudsync/secrets.json", |v| v["value"][1]["value"] = json!(settings));
}

fn add_log(c: &mut Clean, log: Value) {
    c.edit("cloudsync/provisioningLogs.json", |v| v["value"].as_array_mut().unwrap().push(log));
}

fn assign_more(c: &mut Clean, n: u32) {
    Clean::assign(&mut c.world, &[G.to_owned(), group_id(1), group_id(2), group_id(n)]);
}

/// A group that Cloud Sync made by itself, in order but for not being in the snapshot.
fn unplanned(c: &mut Clean, n: u32) {
    c.world.add_pair(n);
    let name = format!("Extra {n}");
    c.ad(&name)
        .set("msDS-ExternalDirectoryObjectId", format!("Group_{}", group_id(n)))
        .set("msDS-ObjectSoa", "Cloud")
        .set("nTSecurityDescriptor", descriptor(sid_of(512), usual_aces()));
}

/// A cloud group inside `Extra 1` that the job does not take, and that AD has all the same.
fn nested_out_of_scope(c: &mut Clean) {
    let mut child = entra_group("Child", &group_id(6));
    child["writebackConfiguration"]["isEnabled"] = json!(false);
    c.world.add_entra(child);
    c.world.entra(&group_id(1))["members"].as_array_mut().unwrap().push(member("group", &group_id(6)));
}

fn direct(c: &mut Clean) {
    c.ad("Sales").add("member", user_dn(3));
    c.world.emember("user", &user_id(3));
}

fn orphan(c: &mut Clean) {
    let mut entry = ad_group("Orphan", &group_id(9), 6009);
    entry.set("nTSecurityDescriptor", descriptor(sid_of(512), usual_aces()));
    c.world.add_entry(entry);
}

#[test]
fn each_is_caught_by_exactly_the_checks_that_should() {
    assert!(MUTATIONS.len() >= 40);
    let mut wrong = Vec::new();
    let mut met: Vec<&str> = Vec::new();
    for (what, change, want) in MUTATIONS {
        let mut clean = Clean::new();
        change(&mut clean);
        let audit = clean.audit();
        let found = with(&audit, "fail");
        if found != *want {
            wrong.push(format!("{what}: {found:?}, wanted {want:?}\n{}", shown(&audit, want)));
        }
        met.extend(*want);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let missed: Vec<String> = (1..=28).map(|i| format!("A{i:02}")).filter(|id| !met.contains(&id.as_str())).collect();
    assert_eq!(missed, [""; 0], "every check is made to fail by some mutation");
}

fn shown(audit: &Audit, want: &[&str]) -> String {
    let of = audit.checks.iter().filter(|c| (c.head.status.as_str() == "fail") != want.contains(&c.head.id.as_str()));
    of.map(|c| {
        let all: Vec<String> = c
            .failures
            .iter()
            .map(|f| format!("    {}: {} [{:?} / {:?}]", f.name(), f.message, f.expected, f.actual))
            .collect();
        format!("  {} {} {}\n{}\n", c.head.id, c.head.status.as_str(), c.head.message, all.join("\n"))
    })
    .collect()
}

/// What a failure says: the object, expected, actual, and the facts behind it.
#[test]
fn failures_tell_object_expected_actual() {
    let mut c = Clean::new();
    duplicate(&mut c);
    made_anew(&mut c);
    remove_member(&mut c, "Extra 1", &user_dn(3));
    c.ad("Extra 1").add("member", user_dn(2));
    grant(
        &mut c,
        "Sales",
        Ace::allow(sid_of(HELPDESK), rights::WRITE_PROPERTY).on(schema::member()).flags(inheritance::INHERITED),
    );
    let audit = c.audit();
    let first = |id: &str| one(&audit, id).failures[0].clone();
    let a01 = first("A01");
    assert_eq!((a01.object_id.as_deref(), a01.expected.as_deref()), (Some(G), Some("1 object")));
    assert_eq!(a01.actual.unwrap(), format!("2 objects: {}; CN=Sales,OU=Old,DC=contoso,DC=com", group_dn("Sales")));
    let a02 = first("A02");
    assert_eq!(a02.expected.unwrap(), format!("objectGUID {}, SID {}", ad_guid(3002), sid(3002)));
    assert_eq!(a02.actual.unwrap(), format!("objectGUID {}, SID {}", ad_guid(6002), sid(6002)));
    let a06 = first("A06");
    assert_eq!(a06.object_id, Some(group_id(1)));
    assert_eq!(
        (a06.evidence["missing"][0].as_str(), a06.evidence["extra"][0].as_str()),
        (Some(&*user_dn(3)), Some(&*user_dn(2)))
    );
    // Of two carriers it is open which the job takes, and so are the members.
    assert_eq!(one(&audit, "A06").unknowns[0].object_id.as_deref(), Some(G));
    assert_eq!(a06.expected.as_deref(), Some("2 members, as Entra has them"));
    let access = &one(&audit, "A06").head.evidence["effectiveAccessSince"];
    assert_eq!((access["lost"].as_u64(), access["gained"].as_u64()), (Some(1), Some(1)));
    let a08 = first("A08");
    let writer = &a08.evidence["writers"][0];
    assert_eq!(
        (writer["name"].as_str(), writer["inherited"].as_bool(), writer["people"].as_u64()),
        (Some("Helpdesk"), Some(true), Some(1))
    );
    assert_eq!(a08.actual.as_deref(), Some("Helpdesk (write member)"));
    let line = audit.header.summary.groups_failing;
    assert_eq!((line, audit.header.summary.worst.unwrap().as_str()), (3, "blocker"));
}

/// The members before are counted whatever the form of the baseline.
#[test]
fn a_plan_has_counts_only() {
    let mut c = Clean::new();
    for group in c.former.as_mut().unwrap() {
        group.members = FormerMembers::Count(group.members.count().unwrap());
        group.account_name = None;
    }
    c.ad("Extra 2").unset("member");
    let audit = c.audit();
    assert_eq!(with(&audit, "fail"), ["A06", "A07"]);
    assert!(one(&audit, "A06").head.evidence.get("effectiveAccessSince").is_none());
}
