//! The Entra half read live from a tenant over HTTPS: the same as its exported files, whatever way it is read, from a
//! former bundle too; and what it says when it is refused something.

#![allow(clippy::type_complexity, clippy::unwrap_used, clippy::panic)]

#[path = "lab/tenant/mod.rs"]
mod tenant;

use groupshift::bundle::{self, Certificate, Manifest, files, write::About};
use groupshift::collect::offline;
use groupshift::directory::inventory::{Completeness, Identifier, Inventory, NONE, Tri};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::PathBuf;
use tenant::collecting::{collect, example, example_of, run, save};

#[path = "graph_collect/evaluator.rs"]
mod evaluator;
use tenant::server::start;
use tenant::{Log, Tenant};

fn entra_hashes(manifest: &Manifest) -> Vec<(String, u64, String)> {
    let wanted = [files::ENTRA_OBJECTS, files::ENTRA_MEMBERS, files::ENTRA_TENANT, files::CLOUD_SYNC];
    let files = manifest.files.iter().filter(|f| wanted.contains(&f.name.as_str()));
    files.map(|f| (f.name.clone(), f.records, f.sha256.clone())).collect()
}

/// Everything that is known of each object, by id.
fn dump(inventory: &Inventory) -> BTreeMap<String, String> {
    let entra = &inventory.entra;
    let text = |t| inventory.text.get(t).unwrap_or("-");
    let mut out = BTreeMap::new();
    for object in &entra.objects {
        let mut line = format!("{:?} {}", object.kind, text(object.name));
        if object.detail != NONE && matches!(object.kind, groupshift::directory::inventory::EntraKind::Group) {
            let g = &entra.groups[object.detail as usize];
            let mut members: Vec<String> = entra
                .members
                .row(object.detail as usize)
                .iter()
                .map(|m| entra.objects[*m as usize].id.to_string())
                .collect();
            members.sort();
            let at = g.extensions.0 as usize;
            let mut extensions: Vec<(&str, &str)> = entra.extensions[at..at + usize::from(g.extensions.1)]
                .iter()
                .map(|(a, b)| (text(*a), text(*b)))
                .collect();
            extensions.sort_unstable();
            line += &format!(
                " {} {} {} {:?} {:?} {:?} {:?} {:?} {:?} {:?} {:?} {:?} {} {:?} {} {} {members:?} {extensions:?}",
                text(g.display_name),
                text(g.description),
                text(g.mail_nickname),
                g.security_enabled,
                g.mail_enabled,
                g.unified,
                g.dynamic,
                g.paused,
                g.synced,
                g.role_assignable,
                g.management_restricted,
                g.writeback.is_enabled,
                text(g.writeback.group_type),
                g.sid.map(|s| inventory.sids.get(s)),
                g.has_on_premises_identity,
                g.deleted,
            );
        } else if object.detail != NONE {
            let u = &entra.users[object.detail as usize];
            let id = match u.on_premises_id {
                Identifier::Unreadable(t) => format!("unreadable {}", text(t)),
                other => format!("{other:?}"),
            };
            line += &format!(" {:?} {id} {:?}", u.synced, u.sid.map(|s| inventory.sids.get(s)));
        }
        out.insert(object.id.to_string(), line);
    }
    out
}

/// The same, where a property that the files leave out may be null live.
fn same(live: &Inventory, offline: &Inventory) {
    let (live, offline) = (dump(live), dump(offline));
    let loose = |line: &str| line.replace("Absent", "Null").replace("None", "Some(None)");
    for (id, line) in &offline {
        let found = live.get(id).unwrap_or_else(|| panic!("{id} is missing: {line}"));
        assert_eq!(loose(found), loose(line), "{id}");
    }
    assert_eq!(live.len(), offline.len());
}

/// For what is read many times over.
fn small() -> tempfile::TempDir {
    example_of(&["0"])
}

#[test]
fn live_is_offline() {
    let dir = example();
    let offline = offline::collect(dir.path(), &offline::Wishes::default(), &mut |_, _| {}).unwrap();
    let server = start(Tenant::load(dir.path()));
    let live = collect(&server);
    same(&live.inventory, &offline.inventory);
    assert!(live.certificate.complete, "{:#?}", live.certificate);
    let (a, b) = (&live.inventory, &offline.inventory);
    assert_eq!(a.cloud_sync.jobs, b.cloud_sync.jobs);
    assert_eq!(a.cloud_sync.schemas, b.cloud_sync.schemas);
    assert_eq!(a.cloud_sync.assignments, b.cloud_sync.assignments);
    assert_eq!(a.cloud_sync.agents, b.cloud_sync.agents);
    assert!(a.cloud_sync.functions.is_some() && a.cloud_sync.filter_operators.is_some());
    let tenant = |i: &Inventory| {
        let t = i.entra.tenant.clone();
        (t.id, t.display_name, t.default_domain, t.group_writeback, t.writeback_container, t.connect_version, t.skus)
    };
    assert_eq!(tenant(a), tenant(b));
    for name in ["users", "deletedItems", "organization", "onPremisesSynchronization"] {
        assert_eq!(a.entra.tenant.collections.get(name), b.entra.tenant.collections.get(name), "{name}");
    }
    // Whoever is enabled for writeback was asked for the source of authority.
    let asked =
        a.entra.groups.iter().filter(|g| g.writeback.is_enabled == Tri::True && !g.deleted && !g.synced.is_true());
    assert!(
        asked.clone().count() > 10 && asked.clone().all(|g| g.cloud_managed != Tri::Absent || g.mail_enabled.is_true())
    );
    let part = |name: &str| live.certificate.parts.iter().find(|p| p.partition == name).unwrap();
    assert_eq!(part("groups").expected, Some(part("groups").read));
    assert_eq!(part("users").expected, Some(part("users").read));
    assert!(live.sources.iter().all(|s| s.name.starts_with(&server.url) && !s.name.contains('?')));
    assert!(server.tenant.lock().unwrap().requests.iter().all(|r| !r.contains("expand=members")));
}

#[test]
fn every_way_reads_the_same() {
    let dir = small();
    let offline = offline::collect(dir.path(), &offline::Wishes::default(), &mut |_, _| {}).unwrap();
    for (refused, said) in [
        // No $top for delta; no beta delta; no delta at all.
        (vec![("/beta/groups/delta?$select", 400, "BadRequest")], "read from the start"),
        (vec![("/beta/groups/delta", 400, "BadRequest")], "writebackConfiguration"),
        (vec![("/groups/delta", 400, "BadRequest")], "group by group"),
        (vec![("/groups/delta", 501, "NotImplemented")], "group by group"),
    ] {
        let mut tenant = Tenant::load(dir.path());
        if said == "read from the start" {
            tenant.refusals = refused;
        } else {
            tenant.denied = refused;
        }
        let server = start(tenant);
        let run = run(&server, None, false);
        let live = run.result.unwrap_or_else(|e| panic!("{e}\n{:#?}", run.notes));
        assert!(run.notes.iter().any(|n| n.contains(said)), "{said}: {:#?}", run.notes);
        if said == "group by group" {
            // Members of groups that can never be written back are not read, and said to be unknown.
            let (live, offline) = (&live.inventory, &offline.inventory);
            for group in live.entra.groups.iter().filter(|g| !g.deleted) {
                let written = !group.synced.is_true() && (!group.mail_enabled.is_true() || group.unified.is_true());
                assert_eq!(group.members == Completeness::Complete, written);
            }
            assert_eq!(live.entra.users.len(), offline.entra.users.len());
        } else {
            same(&live.inventory, &offline.inventory);
        }
        assert!(live.certificate.complete, "{:#?}", live.certificate);
    }
}

#[test]
fn tokens_that_expire_begin_the_part_again() {
    let dir = small();
    let offline = offline::collect(dir.path(), &offline::Wishes::default(), &mut |_, _| {}).unwrap();
    for refusal in [
        ("/beta/groups/delta?$skiptoken", 400, "Directory_ExpiredPageToken"),
        ("/beta/groups/delta?$skiptoken", 404, "UnknownError"),
        ("/beta/groups/delta?$deltatoken", 410, "SyncStateNotFound"),
        ("/beta/users?$skiptoken", 400, "Directory_ExpiredPageToken"),
        ("/beta/users/delta?$deltatoken=0", 400, "syncStateNotFound"),
        ("/v1.0/groups/$count", 503, "ServiceUnavailable"),
    ] {
        let mut tenant = Tenant::load(dir.path());
        tenant.refusals = vec![refusal];
        let server = start(tenant);
        let live = collect(&server);
        assert!(server.tenant.lock().unwrap().refusals.is_empty(), "{refusal:?} was not met");
        same(&live.inventory, &offline.inventory);
        assert!(live.certificate.complete, "{refusal:?}");
    }
    // For ever: an error, not a loop.
    let mut tenant = Tenant::load(dir.path());
    tenant.denied = vec![("/beta/users?$skiptoken", 400, "Directory_ExpiredPageToken")];
    let error = run(&start(tenant), None, false).result.err().unwrap();
    assert!(error.message.contains("Directory_ExpiredPageToken"), "{error}");
}

#[test]
fn what_is_denied_is_named() {
    let dir = small();
    for (path, partition, permission) in [
        ("/beta/users", "users", "User.Read.All"),
        ("/groups", "groups", "Group.Read.All"),
        ("/deletedItems", "deletedItems", "Group.Read.All"),
        ("/onPremisesPublishingProfiles", "agents", "OnPremisesPublishingProfiles"),
        ("/subscribedSkus", "subscribedSkus", "LicenseAssignment.Read.All"),
        ("/synchronization/jobs", "jobs", "Synchronization.Read.All"),
        ("/onPremisesSynchronization", "onPremisesSynchronization", "OnPremDirectorySynchronization.Read.All"),
        ("/appRoleAssignedTo", "appRoleAssignedTo", "Application.Read.All"),
        ("/onPremisesSyncBehavior", "onPremisesSyncBehavior", "Group-OnPremisesSyncBehavior.ReadWrite.All"),
    ] {
        let mut tenant = Tenant::load(dir.path());
        tenant.denied = vec![(path, 403, "Authorization_RequestDenied")];
        let live = collect(&start(tenant));
        assert!(!live.certificate.complete);
        let part = live.certificate.parts.iter().find(|p| p.partition == partition).unwrap();
        let shortfall = part.shortfall.as_deref().unwrap();
        assert!(shortfall.contains(permission) && shortfall.contains("Authorization_RequestDenied"), "{shortfall}");
        assert_eq!(part.hidden.len(), 1);
        let (entra, cloud) = (&live.inventory.entra, &live.inventory.cloud_sync);
        match partition {
            "users" | "deletedItems" | "groups" => assert!(!entra.has(partition), "{partition}"),
            "agents" => assert!(cloud.agents.is_none()),
            "jobs" => assert!(cloud.jobs.is_none() && cloud.service_principals.is_some()),
            "appRoleAssignedTo" => assert!(cloud.assignments.is_none()),
            "subscribedSkus" => assert!(entra.tenant.skus.is_none()),
            _ => {}
        }
    }
}

/// Ids of groups and users of the example to play with.
fn pick(tenant: &Tenant, n: usize) -> (Vec<String>, Vec<String>) {
    let groups = tenant
        .groups
        .iter()
        .filter(|(id, g)| g["onPremisesSyncEnabled"] != true && tenant.members.get(*id).is_some_and(|m| m.len() > 2));
    (groups.map(|(id, _)| id.clone()).take(n).collect(), tenant.users.keys().take(n).cloned().collect())
}

#[test]
fn since_a_bundle_is_a_full_collection() {
    let dir = example();
    let out = tempfile::tempdir().unwrap();
    let server = start(Tenant::load(dir.path()));
    let (first, second, third): (PathBuf, PathBuf, PathBuf) =
        (out.path().join("1"), out.path().join("2"), out.path().join("3"));
    // A group and a user who are away at first.
    let (away_group, away_user) = {
        let mut t = server.tenant.lock().unwrap();
        let (groups, users) = pick(&t, 6);
        let group = t.groups.remove(&groups[0]).unwrap();
        t.deleted.insert(groups[0].clone(), group);
        let user = t.users.remove(&users[0]).unwrap();
        let (group_id, user_id) = (groups[0].clone(), users[0].clone());
        // The restored user comes back into this group without a word.
        t.members.entry(groups[1].clone()).or_default().insert(user_id.clone());
        (group_id, (user_id, user))
    };
    save(collect(&server), &first);
    {
        let mut t = server.tenant.lock().unwrap();
        let (groups, users) = pick(&t, 6);
        let gone = t.members[&groups[1]].iter().next().unwrap().clone();
        t.add_member(&groups[1], &gone, false);
        t.add_member(&groups[1], &users[3], true);
        t.add_member(&groups[2], &users[4], true);
        t.add_member(&groups[2], &users[4], false);
        // Renamed; deleted; restored; new, with members.
        t.groups.get_mut(&groups[2]).unwrap()["displayName"] = json!("Renamed");
        t.groups.get_mut(&groups[2]).unwrap()["writebackConfiguration"] =
            json!({ "isEnabled": false, "onPremisesGroupType": null });
        t.log.push(Log::Group(groups[2].clone()));
        let group = t.groups.remove(&groups[3]).unwrap();
        t.deleted.insert(groups[3].clone(), group);
        t.log.push(Log::Group(groups[3].clone()));
        let group = t.deleted.remove(&away_group).unwrap();
        t.groups.insert(away_group.clone(), group);
        t.log.push(Log::Group(away_group.clone()));
        let new = "77777777-c465-48c0-95b8-e9305786a2aa";
        let mut value = t.groups[&groups[1]].clone();
        (value["id"], value["displayName"]) = (json!(new), json!("New"));
        t.kinds.insert(new.to_owned(), "#microsoft.graph.group".to_owned());
        t.groups.insert(new.to_owned(), value);
        t.log.push(Log::Group(new.to_owned()));
        t.add_member(new, &users[2], true);
        // A user changed, one deleted, one restored with memberships, one new.
        t.users.get_mut(&users[2]).unwrap()["userPrincipalName"] = json!("changed@contoso.com");
        t.log.push(Log::User(users[2].clone()));
        t.users.remove(&users[5]);
        t.log.push(Log::User(users[5].clone()));
        let (id, mut user) = away_user.clone();
        user["createdDateTime"] = json!("2020-01-01T00:00:00Z");
        t.users.insert(id.clone(), user.clone());
        t.log.push(Log::User(id));
        let new = "88888888-c465-48c0-95b8-e9305786a2aa";
        (user["id"], user["userPrincipalName"]) = (json!(new), json!("new@contoso.com"));
        user["createdDateTime"] = json!("2099-01-01T00:00:00Z");
        t.kinds.insert(new.to_owned(), "#microsoft.graph.user".to_owned());
        t.users.insert(new.to_owned(), user);
        t.log.push(Log::User(new.to_owned()));
        t.requests.clear();
    }
    let later = run(&server, Some(&first), false);
    let later = later.result.unwrap_or_else(|e| panic!("{e}\n{:#?}", later.notes));
    let few = std::mem::take(&mut server.tenant.lock().unwrap().requests);
    assert!(!few.iter().any(|r| r.contains("/groups/delta") && !r.contains("deltatoken")), "{few:#?}");
    assert!(!few.iter().any(|r| r.starts_with("/beta/users?")), "{few:#?}");
    let full = collect(&server);
    let (later_dump, full_dump) = (dump(&later.inventory), dump(&full.inventory));
    for (id, line) in &full_dump {
        assert_eq!(later_dump.get(id), Some(line), "{id}");
    }
    assert_eq!(later_dump.len(), full_dump.len());
    let full_dump = dump(&full.inventory);
    let (user, group) = (&away_user.0, &away_group);
    assert!(full_dump.values().any(|l| l.contains(user.as_str())) && full_dump[group].contains("false"));
    assert_eq!(entra_hashes(&save(later, &second)), entra_hashes(&save(full, &third)));

    // On from the second; nothing has changed. Then with links that have expired: read in full, and said so.
    let again = run(&server, Some(&second), false).result.unwrap();
    assert_eq!(dump(&again.inventory), full_dump);
    server.tenant.lock().unwrap().refusals = vec![
        ("/beta/groups/delta?$deltatoken", 410, "SyncStateNotFound"),
        ("/beta/users/delta?$deltatoken", 410, "SyncStateNotFound"),
    ];
    let run = run(&server, Some(&second), false);
    assert_eq!(dump(&run.result.unwrap().inventory), full_dump);
    assert!(run.notes.iter().any(|n| n.contains("from the start")), "{:#?}", run.notes);
}

#[test]
fn a_bundle_that_cannot_be_gone_on_from_is_read_in_full() {
    let dir = example();
    let out = tempfile::tempdir().unwrap();
    let server = start(Tenant::load(dir.path()));
    let offline = offline::collect(dir.path(), &offline::Wishes::default(), &mut |_, _| {}).unwrap();
    let about = About {
        created: "2026-11-21T00:00:00Z".to_owned(),
        anonymised: false,
        sources: Vec::new(),
        certificate: Certificate::default(),
    };
    let without = out.path().join("without");
    bundle::write(&offline.inventory, about, &without).unwrap();
    let run = run(&server, Some(&without), false);
    assert_eq!(dump(&run.result.unwrap().inventory), dump(&collect(&server).inventory));
    let said = run.notes.iter().filter(|n| n.contains("keeps no place")).count();
    assert_eq!(said, 2, "{:#?}", run.notes);
}

#[test]
fn changes_while_it_is_read_are_settled() {
    let dir = example();
    let mut tenant = Tenant::load(dir.path());
    let (groups, users) = pick(&tenant, 4);
    let (gone, joined, user) = (groups[0].clone(), groups[1].clone(), users[1].clone());
    let mut done = false;
    tenant.before = Some(Box::new(move |path, parts| {
        if !done && path.contains("/groups/delta?$skiptoken") {
            done = true;
            parts.groups.remove(&gone);
            parts.log.push(Log::Group(gone.clone()));
            parts.members.get_mut(&joined).unwrap().insert(user.clone());
            parts.log.push(Log::Member { group: joined.clone(), member: user.clone(), added: true });
        }
    }));
    let server = start(tenant);
    let settled = collect(&server);
    assert!(settled.certificate.complete);
    assert_eq!(dump(&settled.inventory), dump(&collect(&server).inventory));
    assert!(!dump(&settled.inventory).contains_key(&groups[0]));
}

#[test]
fn an_audit_keeps_logs_and_packages() {
    let dir = example();
    let server = start(Tenant::load(dir.path()).with_audit());
    let run = run(&server, None, true);
    let live = run.result.unwrap();
    let kept: BTreeMap<&str, u64> = live.raw.iter().map(|r| (r.name, r.records())).collect();
    let jobs = live.inventory.cloud_sync.jobs.as_ref().unwrap().len() as u64;
    assert_eq!(kept[files::PROVISIONING_LOGS], 2 * jobs, "{kept:?}");
    assert_eq!((kept[files::ACCESS_PACKAGES], kept[files::ACCESS_ASSIGNMENTS]), (2, 1));
    let asked: Vec<Value> = server
        .tenant
        .lock()
        .unwrap()
        .requests
        .iter()
        .filter(|r| r.contains("/assignments"))
        .map(|r| json!(r))
        .collect();
    assert_eq!(asked.len(), 1, "{asked:?}");

    // The same bodies from files.
    for (name, body) in [
        ("cloudsync/provisioningLogs-1.json", json!({ "value": [{ "id": "l1" }] })),
        ("cloudsync/provisioningLogs-2.json", json!({ "value": [{ "id": "l2" }] })),
        ("entra/accessPackages.json", json!({ "value": [{ "id": "p1" }] })),
        ("entra/accessPackageAssignments.json", json!({ "value": [{ "id": "a1" }, { "id": "a2" }] })),
    ] {
        std::fs::write(dir.path().join(name), body.to_string()).unwrap();
    }
    let offline = offline::collect(dir.path(), &offline::Wishes::default(), &mut |_, _| {}).unwrap();
    let kept: BTreeMap<&str, u64> = offline.raw.iter().map(|r| (r.name, r.records())).collect();
    let wanted = [(files::PROVISIONING_LOGS, 2), (files::ACCESS_PACKAGES, 1), (files::ACCESS_ASSIGNMENTS, 2)];
    assert_eq!(kept, wanted.into_iter().collect());
    let manifest = save(offline, &dir.path().join("bundle"));
    assert!(manifest.files.iter().any(|f| f.name == files::PROVISIONING_LOGS && f.records == 2));
    assert!(bundle::open(&dir.path().join("bundle")).is_ok());
}
