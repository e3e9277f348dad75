//! On a real domain controller: what somebody does to the groups there is found by the checks that should find it.

use crate::directory::{self, Controller, ROOT, Template, start};
use crate::world::{self, World, given, person_dn, write_tenant};
use groupshift::assess::AboutBundle;
use groupshift::audit::former::{Former, FormerGroup, FormerMembers};
use groupshift::audit::model::{AgainstKind, View};
use groupshift::audit::{self, Evidence, Input, Settings};
use groupshift::bundle::{self, write::About};
use groupshift::collect::offline::{self, Wishes};
use groupshift::directory::{Inventory, ObjectGuid};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

const JOB: &str = "AAD2ADGroupProvisioning.0123456789abcdef0123456789abcdef.1b2c3d4e-0000-4000-8000-000000000001";
const MIGRATED: [&str; 3] = ["Sales", "Finance", "All Offices"];

fn export(controller: &Controller, dir: &Path) {
    std::fs::create_dir_all(dir.join("ad")).unwrap();
    let filter = "(|(objectClass=group)(objectClass=user)(objectClass=organizationalUnit)(objectClass=container))";
    let mut arguments = vec!["-LLL", "-o", "ldif-wrap=no", "-E", "pr=1000/noprompt"];
    arguments.extend(["-E", "!1.2.840.113556.1.4.801=::MAMCAQc=", "-b", ROOT, filter, "*", "nTSecurityDescriptor"]);
    std::fs::write(dir.join("ad/domain.ldif"), controller.tool("ldapsearch", &arguments, "")).unwrap();
}

/// The job takes the migrated groups and keeps their names and their place.
fn cloud_sync(world: &World, dir: &Path) {
    let write = |name: &str, value: Value| {
        std::fs::create_dir_all(dir.join("cloudsync")).unwrap();
        std::fs::write(dir.join("cloudsync").join(name), value.to_string()).unwrap();
    };
    let mapping = |target: &str, kind: &str, name: &str, expression: String| {
        json!({ "flowBehavior": "FlowWhenChanged", "flowType": "Always", "matchingPriority": 0, "targetAttributeName": target,
            "source": { "expression": expression, "name": name, "type": kind, "parameters": [] } })
    };
    write(
        "jobs.json",
        json!({ "value": [{ "id": JOB, "templateId": "AAD2ADGroupProvisioning", "status": { "code": "Active" } }] }),
    );
    write("servicePrincipal.json", json!({ "id": "sp", "displayName": "contoso.test" }));
    write(
        "schema.json",
        json!({ "id": JOB, "version": "v1",
        "directories": [
            { "id": "aad", "name": "Azure Active Directory", "objects": [{ "name": "Group", "attributes": [] }] },
            { "id": "ad", "name": "Active Directory", "objects": [{ "name": "group", "attributes": [] }] } ],
        "synchronizationRules": [{ "id": "r1", "name": "AAD2ADGroupProvisioning",
            "sourceDirectoryName": "Azure Active Directory", "targetDirectoryName": "Active Directory",
            "objectMappings": [{ "enabled": true, "flowTypes": "Add,Update,Delete", "name": "Provision Groups",
                "sourceObjectName": "Group", "targetObjectName": "group", "attributeMappings": [
                    mapping("cn", "Function", "Append", "Append(\"Group_\",[objectId])".to_owned()),
                    mapping("parentDistinguishedName", "Constant", world::OU, format!("\"{}\"", world::OU)) ] }] }] }),
    );
    let assigned: Vec<Value> = MIGRATED
        .iter()
        .map(|name| json!({ "principalId": world.group(name).id(), "principalType": "Group", "resourceId": "sp" }))
        .collect();
    write("appRoleAssignedTo.json", json!({ "value": assigned }));
}

struct Bench<'c> {
    controller: &'c Controller,
    world: World,
    tenant: tempfile::TempDir,
}

impl Bench<'_> {
    fn read(&self) -> (tempfile::TempDir, Inventory, bundle::Opened) {
        let dir = tempfile::tempdir().unwrap();
        let export_to = dir.path().join("export");
        copy(self.tenant.path(), &export_to);
        export(self.controller, &export_to);
        let collected =
            offline::collect(&export_to, &Wishes::default(), &mut |_, _| {}).unwrap_or_else(|e| panic!("{e}"));
        let about = About {
            created: "2026-11-20T06:00:00Z".to_owned(),
            anonymised: false,
            sources: Vec::new(),
            certificate: collected.certificate,
        };
        let out = dir.path().join("bundle");
        bundle::write_with(&collected.inventory, about, collected.raw, &out).unwrap();
        let (opened, inventory) = bundle::open(&out).unwrap();
        (dir, inventory, opened)
    }

    /// The migrated groups as they are now.
    fn snapshot(&self) -> Former {
        let (_dir, inventory, _) = self.read();
        let of = |name: &&str| {
            let wanted = self.world.group(name);
            let row = inventory
                .ad
                .groups
                .iter()
                .position(|g| groupshift::directory::same_dn(inventory.dn(g.object), &wanted.dn()));
            let (row, group) = row.map(|r| (r, &inventory.ad.groups[r])).unwrap();
            let object = inventory.ad_object(group);
            FormerGroup {
                guid: object.guid,
                id: ObjectGuid::parse(&wanted.id()),
                sid: inventory.sids.get(object.sid),
                dn: inventory.dn(group.object).to_owned(),
                account_name: inventory.text.get(object.sam_account_name).map(str::to_owned),
                group_type: group.group_type,
                members: FormerMembers::List(
                    inventory.ad.members.row(row).iter().map(|m| inventory.dn(*m).to_owned()).collect(),
                ),
                ..FormerGroup::default()
            }
        };
        Former::new(AgainstKind::Snapshot, "lab", MIGRATED.iter().map(of).collect())
    }

    /// What fails: check and object.
    fn failing(&self, former: &Former) -> BTreeSet<(String, String)> {
        let (dir, inventory, opened) = self.read();
        let mut settings = Settings::default();
        settings.assess.writeback_ou = Some(world::OU.to_owned());
        settings.assess.agent_account = Some("CONTOSO\\svc-agent".to_owned());
        let evidence = Evidence::read(&dir.path().join("bundle"), &opened).unwrap();
        let input = Input {
            inventory: &inventory,
            settings: &settings,
            about: AboutBundle::of(&opened),
            evidence: &evidence,
            former: Some(former),
        };
        let document = audit::audit(input).unwrap().document();
        let named = |name: &str| {
            let known = MIGRATED.iter().find(|m| groupshift::directory::same_dn(&self.world.group(m).dn(), name));
            known.map_or_else(|| name.to_owned(), |known| (*known).to_owned())
        };
        let ids = MIGRATED.map(|name| self.world.group(name).id());
        let all = document.checks.iter().flat_map(|c| c.failures.iter().map(|f| (c.head.id.clone(), f.clone())));
        let ours = all.filter(|(_, f)| f.object_id.as_ref().is_some_and(|id| ids.contains(id)));
        ours.map(|(id, f)| (id, named(f.name()))).collect()
    }
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().flatten() {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target)
        } else {
            let _ = std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

fn samba_tool(controller: &Controller, arguments: &[&str]) {
    let output = Command::new("samba-tool")
        .args(arguments)
        .args(["-H", &controller.ldaps(), "-U", &format!("administrator%{}", directory::PASSWORD)])
        .args(["--option=tls verify peer = ca_only", "-s", controller.folder.join("etc/smb.conf").to_str().unwrap()])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

fn pairs(list: &[(&str, &str)]) -> BTreeSet<(String, String)> {
    list.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect()
}

#[test]
fn changes_on_a_real_controller_are_found() {
    let Some(controller) = start(Template::World) else { return };
    let world = World::v2();
    let tenant = tempfile::tempdir().unwrap();
    let given = given(&controller);
    write_tenant(&world, &given, tenant.path());
    cloud_sync(&world, tenant.path());
    for name in MIGRATED {
        let group = world.group(name);
        controller.modify(&format!(
            "dn: {}\nchangetype: modify\nadd: msDS-ExternalDirectoryObjectId\nmsDS-ExternalDirectoryObjectId: {}\n-\n",
            group.dn(),
            group.anchor()
        ));
    }
    let bench = Bench { controller: &controller, world, tenant };
    let before = bench.snapshot();
    // The lab was made with one person who may write the members of Finance.
    let mut known = pairs(&[("A08", "Finance")]);
    assert_eq!(bench.failing(&before), known);

    let dn = |name: &str| bench.world.group(name).dn();
    // A member added by hand.
    controller.modify(&format!("dn: {}\nchangetype: modify\nadd: member\nmember: {}\n-\n", dn("Sales"), person_dn(50)));
    known.insert(("A06".to_owned(), "Sales".to_owned()));
    assert_eq!(bench.failing(&before), known);

    // An access entry on another group.
    let person = given.get(&person_dn(41)).map(|(_, sid)| sid.clone()).unwrap();
    let entry = format!("--sddl=(OA;;WP;bf9679c0-0de6-11d0-a285-00aa003049e2;;{person})");
    samba_tool(&controller, &["dsacl", "set", &format!("--objectdn={}", dn("All Offices")), &entry]);
    known.insert(("A08".to_owned(), "All Offices".to_owned()));
    assert_eq!(bench.failing(&before), known);

    // A second carrier of an anchor, in another unit.
    let anchor = bench.world.group("Finance").anchor();
    controller.modify(&format!(
        "dn: CN=Second,OU=Retired,{ROOT}\nchangetype: add\nobjectClass: group\nsAMAccountName: second\ngroupType: -2147483640\nmsDS-ExternalDirectoryObjectId: {anchor}\n\n"
    ));
    known.insert(("A01".to_owned(), "Finance".to_owned()));
    assert_eq!(bench.failing(&before), known);

    // A group deleted and made again under the same name: another SID, and the access entry is gone with the old one.
    let group = bench.world.group("All Offices").clone();
    let mut again = format!(
        "dn: {0}\nchangetype: delete\n\ndn: {0}\nchangetype: add\nobjectClass: group\nsAMAccountName: again\ngroupType: -2147483640\nadminDescription: {1}\nmsDS-ExternalDirectoryObjectId: {1}\n",
        group.dn(),
        group.anchor()
    );
    for member in world::ad_members(&bench.world, &group) {
        again.push_str(&format!("member: {member}\n"));
    }
    controller.modify(&(again + "\n"));
    known.remove(&("A08".to_owned(), "All Offices".to_owned()));
    known.extend(pairs(&[("A02", "All Offices"), ("A23", "All Offices")]));
    assert_eq!(bench.failing(&before), known);

    replication_metadata(&bench, &controller);
}

/// The controller tells when the stamp and the members of each group last changed, in whatever form it has.
fn replication_metadata(bench: &Bench<'_>, controller: &Controller) {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("groupshift.toml"), controller.config(directory::ADMIN)).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_groupshift"))
        .args(["collect", "--for", "audit", "--out", "live", "--accept-partial"])
        .current_dir(dir.path())
        .env("GROUPSHIFT_AD_PASSWORD", directory::PASSWORD)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let (opened, inventory) = bundle::open(&dir.path().join("live")).unwrap();
    let evidence = Evidence::read(&dir.path().join("live"), &opened).unwrap();
    let metadata = evidence.metadata.expect("a live collection for an audit has replication metadata");
    assert_eq!(metadata.unreadable, 0);
    let sales = inventory
        .ad
        .groups
        .iter()
        .find(|g| groupshift::directory::same_dn(inventory.dn(g.object), &bench.world.group("Sales").dn()));
    let guid = inventory.ad_object(sales.unwrap()).guid;
    let stamped = metadata.changed(guid, "msDS-ExternalDirectoryObjectId").expect("the stamp is in the metadata");
    let age = chrono::Utc::now() - stamped;
    assert!((0..3_600).contains(&age.num_seconds()), "stamped {stamped}");
    assert!(
        metadata.changed(guid, "groupType").is_some()
            && metadata.group(guid).unwrap().iter().all(|c| c.controller.is_some())
    );
}
