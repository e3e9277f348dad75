//! A small world as an administrator would export it: one clean domain with one written-back group, and ways to spoil
//! it. A world is written as files, collected, kept as a bundle, read back and assessed, in process.

#![allow(dead_code)] // Each test program uses its own part of this.

pub mod cli;
pub mod connect;
pub mod invariants;
pub mod ldif;

use groupshift::assess::{AboutBundle, Assessed, Settings};
use groupshift::bundle::{self, write::About};
use groupshift::collect::offline::{self, Wishes};
use groupshift::directory::{ObjectGuid, Sid};
use groupshift::error::Error;
use groupshift::report;
pub use ldif::Entry;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

pub const DOMAIN: &str = "DC=contoso,DC=com";
pub const OU: &str = "OU=GroupWriteback,DC=contoso,DC=com";
pub const PEOPLE: &str = "OU=People,DC=contoso,DC=com";
/// The group under test, on both sides.
pub const G: &str = "3a5c3221-c465-48c0-95b8-e9305786a271";
pub const DOMAIN_SID: &str = "S-1-5-21-1111-2222-3333";
/// When the bundles of these tests were made.
pub const CREATED: &str = "2026-11-20T06:00:00Z";

#[derive(Default)]
pub struct World {
    /// `ad/export.ldf`; none where the folder has no AD part.
    pub ad: Option<Vec<Entry>>,
    /// `entra/groups.json`, `users.json`, `deletedItems.json`.
    pub groups: Option<Vec<Value>>,
    pub users: Option<Vec<Value>>,
    pub deleted: Option<Vec<Value>>,
    /// Every other file, by its path in the folder.
    pub files: BTreeMap<String, Vec<u8>>,
    pub settings: Settings,
    pub wishes: Wishes,
}

/// Ids that tell apart what they stand for: groups, users, other Entra objects, AD objects.
pub fn group_id(n: u32) -> String {
    format!("aaaaaaaa-0000-4000-8000-{n:012x}")
}
pub fn user_id(n: u32) -> String {
    format!("bbbbbbbb-0000-4000-8000-{n:012x}")
}
pub fn other_id(n: u32) -> String {
    format!("cccccccc-0000-4000-8000-{n:012x}")
}
pub fn ad_guid(n: u32) -> String {
    format!("dddddddd-0000-4000-8000-{n:012x}")
}
pub fn sid(rid: u32) -> String {
    format!("{DOMAIN_SID}-{rid}")
}
pub fn guid_bytes(text: &str) -> [u8; 16] {
    ObjectGuid::parse(text).unwrap().to_ad_bytes()
}
pub fn sid_bytes(text: &str) -> Vec<u8> {
    Sid::parse(text).unwrap().to_bytes()
}
pub fn group_dn(name: &str) -> String {
    format!("CN={name},{OU}")
}
pub fn user_dn(n: u32) -> String {
    format!("CN=User {n},{PEOPLE}")
}

/// A written-back group of AD, stamped by V2, not yet by the cutover.
pub fn ad_group(name: &str, id: &str, rid: u32) -> Entry {
    let mut entry = Entry::new(group_dn(name), &["top", "group"]);
    entry
        .set("objectGUID", guid_bytes(&ad_guid(rid)))
        .set("objectSid", sid_bytes(&sid(rid)))
        .set("sAMAccountName", format!("sam-{rid}"))
        .set("groupType", "-2147483640")
        .set("displayName", name)
        .set("adminDescription", format!("Group_{id}"));
    entry
}

/// A cloud security group of Entra with every property that rules ask for.
pub fn entra_group(name: &str, id: &str) -> Value {
    json!({
        "id": id, "displayName": name, "description": null, "mailNickname": "x",
        "securityEnabled": true, "mailEnabled": false, "groupTypes": [], "membershipRuleProcessingState": null,
        "onPremisesSyncEnabled": null, "onPremisesSecurityIdentifier": null, "onPremisesSamAccountName": null,
        "isAssignableToRole": null, "isManagementRestricted": null,
        "onPremisesSyncBehavior": { "isCloudManaged": false },
        "writebackConfiguration": { "isEnabled": true, "onPremisesGroupType": "universalSecurityGroup" },
        "members": [],
    })
}

pub fn ad_user(n: u32) -> Entry {
    let mut entry = Entry::new(user_dn(n), &["top", "person", "organizationalPerson", "user"]);
    entry
        .set("objectGUID", guid_bytes(&ad_guid(0x10000 + n)))
        .set("objectSid", sid_bytes(&sid(5000 + n)))
        .set("sAMAccountName", format!("user{n}"));
    entry
}

pub fn entra_user(n: u32) -> Value {
    json!({
        "id": user_id(n), "userPrincipalName": format!("user{n}@contoso.com"), "onPremisesSyncEnabled": true,
        "onPremisesObjectIdentifier": ad_guid(0x10000 + n), "onPremisesSecurityIdentifier": sid(5000 + n),
    })
}

pub fn member(kind: &str, id: &str) -> Value {
    json!({ "@odata.type": format!("#microsoft.graph.{kind}"), "id": id })
}

impl World {
    /// Two synchronised users, one clean universal security group that holds both, and no Cloud Sync job.
    pub fn base() -> World {
        let mut group = ad_group("Group_3a5c3221", G, 2001);
        let mut entra = entra_group("Sales", G);
        for n in [1, 2] {
            group.add("member", user_dn(n));
            entra["members"].as_array_mut().unwrap().push(member("user", &user_id(n)));
        }
        let mut world = World {
            ad: Some(vec![Entry::new(OU, &["top", "organizationalUnit"]), group, ad_user(1), ad_user(2)]),
            groups: Some(vec![entra]),
            users: Some(vec![entra_user(1), entra_user(2)]),
            deleted: Some(Vec::new()),
            ..World::default()
        };
        world.settings.writeback_ou = Some(OU.to_owned());
        world.json("cloudsync/jobs.json", json!({ "value": [] }));
        world
    }

    /// The AD side of the group under test.
    pub fn g(&mut self) -> &mut Entry {
        self.entry("Group_3a5c3221")
    }
    /// The Entra side of the group under test.
    pub fn eg(&mut self) -> &mut Value {
        self.entra(G)
    }
    /// Sets a property of the Entra side of the group under test.
    pub fn eset(&mut self, name: &str, value: Value) -> &mut Self {
        self.eg()[name] = value;
        self
    }
    pub fn eunset(&mut self, name: &str) -> &mut Self {
        self.eg().as_object_mut().unwrap().remove(name);
        self
    }
    pub fn entry(&mut self, name: &str) -> &mut Entry {
        let head = format!("CN={name},");
        self.ad.as_mut().unwrap().iter_mut().find(|e| e.dn.starts_with(&head)).unwrap()
    }
    pub fn entra(&mut self, id: &str) -> &mut Value {
        self.groups.as_mut().unwrap().iter_mut().find(|g| g["id"] == id).unwrap()
    }
    pub fn user(&mut self, n: u32) -> &mut Value {
        let id = user_id(n);
        self.users.as_mut().unwrap().iter_mut().find(|g| g["id"] == id).unwrap()
    }
    pub fn add_entry(&mut self, entry: Entry) -> &mut Self {
        self.ad.as_mut().unwrap().push(entry);
        self
    }
    pub fn add_entra(&mut self, group: Value) -> &mut Self {
        self.groups.as_mut().unwrap().push(group);
        self
    }
    pub fn drop_entry(&mut self, name: &str) -> &mut Self {
        let head = format!("CN={name},");
        self.ad.as_mut().unwrap().retain(|e| !e.dn.starts_with(&head));
        self
    }
    pub fn drop_entra(&mut self, id: &str) -> &mut Self {
        self.groups.as_mut().unwrap().retain(|g| g["id"] != id);
        self
    }
    /// A further clean pair: `CN=Extra <n>` in AD, `group_id(n)` in Entra.
    pub fn add_pair(&mut self, n: u32) -> &mut Self {
        let (name, id) = (format!("Extra {n}"), group_id(n));
        self.add_entry(ad_group(&name, &id, 3000 + n));
        self.add_entra(entra_group(&name, &id))
    }
    /// A further synchronised user with its AD account.
    pub fn add_user(&mut self, n: u32) -> &mut Self {
        self.users.as_mut().unwrap().push(entra_user(n));
        self.add_entry(ad_user(n))
    }
    /// A member of the group under test, in Entra.
    pub fn emember(&mut self, kind: &str, id: &str) -> &mut Self {
        self.eg()["members"].as_array_mut().unwrap().push(member(kind, id));
        self
    }
    pub fn json(&mut self, path: &str, value: Value) -> &mut Self {
        self.files.insert(path.to_owned(), serde_json::to_vec_pretty(&value).unwrap());
        self
    }
    pub fn text(&mut self, path: &str, text: &str) -> &mut Self {
        self.files.insert(path.to_owned(), text.as_bytes().to_vec());
        self
    }

    /// Every file of the exported folder.
    pub fn export(&self) -> BTreeMap<String, Vec<u8>> {
        let mut files = BTreeMap::new();
        if let Some(entries) = &self.ad {
            let text: String = entries.iter().map(Entry::text).collect();
            files.insert("ad/export.ldf".to_owned(), text.into_bytes());
        }
        for (name, list) in [("groups", &self.groups), ("users", &self.users), ("deletedItems", &self.deleted)] {
            if let Some(list) = list {
                files.insert(format!("entra/{name}.json"), serde_json::to_vec(&json!({ "value": list })).unwrap());
            }
        }
        files.extend(self.files.iter().map(|(k, v)| (k.clone(), v.clone())));
        files
    }
    /// Writes the exported folder.
    pub fn write(&self, dir: &Path) {
        write_files(dir, &self.export());
    }
    /// Collects, keeps, reads back, assesses.
    pub fn assess(&self) -> Result<Outcome, Error> {
        let dir = tempfile::tempdir().unwrap();
        let bundle = self.bundle(dir.path())?;
        assess_bundle(&bundle, &self.settings)
    }
    /// Collects into a bundle below `dir`, whether or not the collection is whole.
    pub fn bundle(&self, dir: &Path) -> Result<PathBuf, Error> {
        let (export, out) = (dir.join("export"), dir.join("bundle"));
        self.write(&export);
        std::fs::create_dir_all(&export).unwrap();
        let collected = offline::collect(&export, &self.wishes, &mut |_, _| {})?;
        let about = About {
            created: CREATED.to_owned(),
            anonymised: false,
            sources: Vec::new(), // Times of files would make equal worlds differ.
            certificate: collected.certificate,
        };
        bundle::write(&collected.inventory, about, &out)?;
        Ok(out)
    }
    /// The same, for worlds that must work.
    pub fn run(&self) -> Outcome {
        self.assess().unwrap_or_else(|e| panic!("{e}"))
    }
}

pub fn write_files(dir: &Path, files: &BTreeMap<String, Vec<u8>>) {
    for (name, bytes) in files {
        let path = dir.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }
}

pub fn assess_bundle(dir: &Path, settings: &Settings) -> Result<Outcome, Error> {
    let (opened, inventory) = bundle::open(dir)?;
    let about = AboutBundle {
        created: opened.manifest.created.clone(),
        sha256: opened.sha256.clone(),
        complete: opened.manifest.certificate.complete,
        anonymised: false,
        limits: Vec::new(),
    };
    let assessed = Assessed::run(&inventory, settings, about)?;
    let mut bytes = Vec::new();
    report::json::write(&assessed, &mut bytes)?;
    let json: Value = serde_json::from_slice(&bytes).unwrap();
    invariants::check(&json);
    Ok(Outcome { json, bytes })
}

/// An assessment as its JSON says it.
pub struct Outcome {
    pub json: Value,
    pub bytes: Vec<u8>,
}

impl Outcome {
    pub fn groups(&self) -> &Vec<Value> {
        self.json["groups"].as_array().unwrap()
    }
    /// The group with this Entra id or name of its AD object; the world must have exactly one.
    pub fn group(&self, which: &str) -> &Value {
        let head = format!("CN={which},");
        let is = |g: &&Value| g["objectId"] == which || g["dn"].as_str().is_some_and(|d| d.starts_with(&head));
        let found: Vec<&Value> = self.groups().iter().filter(is).collect();
        assert_eq!(found.len(), 1, "{which}: {:?}", self.groups());
        found[0]
    }
    pub fn finding(&self, which: &str, rule: &str) -> Option<&Value> {
        self.group(which)["findings"].as_array().unwrap().iter().find(|f| f["rule"] == rule)
    }
    pub fn gate(&self, id: &str) -> &Value {
        self.json["gates"].as_array().unwrap().iter().find(|g| g["id"] == id).unwrap()
    }
    pub fn status(&self, gate: &str) -> &str {
        self.gate(gate)["status"].as_str().unwrap()
    }
}
