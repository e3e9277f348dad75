//! The state against a model tenant: whatever way it was read, and in whatever pieces, the bundle's bytes are the same.

use super::state::{Of, State};
use crate::bundle::{self, Certificate, files, write::About};
use crate::collect::graph_json::{self, Record};
use crate::directory::inventory::{Completeness, Inventory, Tri};
use proptest::prelude::*;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

fn try_to_apply(state: &mut State, value: &Value, of: Of) -> Result<(), String> {
    let read = graph_json::read_answer::<Record>(value.to_string().as_bytes(), Path::new("page"));
    read.map_err(|e| e.to_string())?.0.iter().try_for_each(|record| state.apply(record, of))
}

fn apply(state: &mut State, value: &Value, of: Of) {
    try_to_apply(state, value, of).unwrap();
}

fn id(kind: u8, n: u8) -> String {
    format!("{kind:02x}000000-0000-4000-8000-0000000000{n:02x}")
}

/// Hashes of the two data files about Entra.
fn bytes(inventory: &Inventory) -> Vec<(String, String)> {
    let dir = tempfile::tempdir().unwrap();
    let about =
        About { created: String::new(), anonymised: false, sources: Vec::new(), certificate: Certificate::default() };
    let manifest = bundle::write(inventory, about, &dir.path().join("bundle")).unwrap();
    let wanted = [files::ENTRA_OBJECTS, files::ENTRA_MEMBERS];
    manifest.files.into_iter().filter(|f| wanted.contains(&f.name.as_str())).map(|f| (f.name, f.sha256)).collect()
}

/// What the model tenant holds.
#[derive(Debug, Clone, Default, PartialEq)]
struct Model {
    /// By number: name, and members as (kind, number).
    groups: BTreeMap<u8, (u8, BTreeSet<(u8, u8)>)>,
    /// Soft-deleted groups.
    deleted: BTreeMap<u8, u8>,
    /// By number: name.
    users: BTreeMap<u8, u8>,
}

const GROUP: u8 = 1;
const USER: u8 = 2;
const DEVICE: u8 = 3;

fn member(kind: u8, n: u8) -> Value {
    let name = ["", "group", "user", "device"][usize::from(kind)];
    json!({ "id": id(kind, n), "@odata.type": format!("#microsoft.graph.{name}") })
}

fn group(n: u8, name: u8, members: &BTreeSet<(u8, u8)>) -> Value {
    let members: Vec<Value> = members.iter().map(|(k, m)| member(*k, *m)).collect();
    json!({
        "id": id(GROUP, n), "displayName": format!("group {name}"), "securityEnabled": true, "groupTypes": [],
        "onPremisesSyncEnabled": null, "onPremisesSecurityIdentifier": null,
        "writebackConfiguration": { "isEnabled": name.is_multiple_of(2), "onPremisesGroupType": null },
        "members@delta": members,
    })
}

fn user(n: u8, name: u8) -> Value {
    json!({
        "id": id(USER, n), "userPrincipalName": format!("user{name}@contoso.com"), "onPremisesSyncEnabled": true,
        "onPremisesObjectIdentifier": id(9, n), "onPremisesSecurityIdentifier": format!("S-1-5-21-1-2-3-{}", 1000 + u32::from(n)),
    })
}

impl Model {
    fn change(&mut self, (op, a, b, c): (u8, u8, u8, u8)) {
        match op {
            0 | 1 => {
                self.users.insert(a, c);
            }
            2 => {
                self.users.remove(&a);
                self.groups.values_mut().for_each(|g| {
                    g.1.remove(&(USER, a));
                });
            }
            3 => {
                if !self.deleted.contains_key(&a) {
                    self.groups.entry(a).or_default().0 = c;
                }
            }
            4 => {
                if let Some((name, _)) = self.groups.remove(&a) {
                    self.deleted.insert(a, name);
                    self.groups.values_mut().for_each(|g| {
                        g.1.remove(&(GROUP, a));
                    });
                }
            }
            5 => {
                if let Some(name) = self.deleted.remove(&a) {
                    self.groups.insert(a, (name, BTreeSet::from([(DEVICE, b)])));
                }
            }
            6..=8 => {
                let kind = [USER, GROUP, DEVICE][usize::from(c % 3)];
                let there = match kind {
                    USER => self.users.contains_key(&b),
                    GROUP => self.groups.contains_key(&b),
                    _ => true,
                };
                if let Some(g) = self.groups.get_mut(&a).filter(|_| there) {
                    g.1.insert((kind, b));
                }
            }
            _ => {
                if let Some(g) = self.groups.get_mut(&a) {
                    let gone = g.1.iter().nth(usize::from(b) % g.1.len().max(1)).copied();
                    gone.map(|m| g.1.remove(&m));
                }
            }
        }
    }

    /// The tenant as a whole reading sees it, in pages of `page` groups, members split where `split` says.
    fn read(&self, state: &mut State, page: usize, split: bool) {
        let all: Vec<_> = self.groups.iter().collect();
        for chunk in all.chunks(page.max(1)) {
            let mut values = Vec::new();
            for (n, (name, members)) in chunk {
                if split && members.len() > 1 {
                    let at = *members.iter().nth(1).unwrap();
                    let (a, b): (BTreeSet<_>, BTreeSet<_>) = members.iter().partition(|m| **m < at);
                    values.push(group(**n, *name, &a));
                    values.push(group(**n, *name, &b));
                } else {
                    values.push(group(**n, *name, members));
                }
            }
            apply(state, &json!({ "value": values }), Of::Groups);
        }
        let users: Vec<Value> = self.users.iter().map(|(n, name)| user(*n, *name)).collect();
        apply(state, &json!({ "value": users }), Of::Users);
    }

    /// What came between `before` and this, as an answer of changes tells it.
    fn read_changes(&self, before: &Model, state: &mut State) {
        let empty = BTreeSet::new();
        let mut values = Vec::new();
        for (n, (name, members)) in &self.groups {
            let known = before.groups.get(n);
            if known.is_some_and(|k| *k == (*name, members.clone())) {
                continue;
            }
            let old = known.map_or(&empty, |k| &k.1);
            let mut value = group(*n, *name, &members.difference(old).copied().collect());
            let list = value["members@delta"].as_array_mut().unwrap();
            for (k, m) in old.difference(members) {
                let mut gone = member(*k, *m);
                gone["@removed"] = json!({ "reason": "deleted" });
                list.insert(0, gone);
            }
            values.push(value);
        }
        for n in before.groups.keys().filter(|n| !self.groups.contains_key(n)) {
            values.push(json!({ "id": id(GROUP, *n), "@removed": { "reason": "changed" } }));
        }
        apply(state, &json!({ "value": values }), Of::Groups);
        let mut values: Vec<Value> = Vec::new();
        for (n, name) in self.users.iter().filter(|(n, name)| before.users.get(n) != Some(name)) {
            values.push(user(*n, *name));
        }
        for n in before.users.keys().filter(|n| !self.users.contains_key(n)) {
            values.push(json!({ "id": id(USER, *n), "@removed": { "reason": "changed" } }));
        }
        apply(state, &json!({ "value": values }), Of::Users);
    }

    fn finish(&self, mut state: State) -> Inventory {
        state.absent_is_null();
        state.all_members_known(true);
        let deleted: Vec<Value> = self
            .deleted
            .iter()
            .map(|(n, name)| {
                let mut value = group(*n, *name, &BTreeSet::new());
                value.as_object_mut().unwrap().remove("members@delta");
                value
            })
            .collect();
        apply(&mut state, &json!({ "value": deleted }), Of::DeletedGroups);
        let (groups, deleted, users) = state.counts();
        let wanted = (self.groups.len() as u64, self.deleted.len() as u64, self.users.len() as u64);
        assert_eq!((groups, deleted, users), wanted);
        state.finish()
    }

    fn whole(&self) -> Inventory {
        let mut state = State::default();
        self.read(&mut state, 3, false);
        self.finish(state)
    }
}

type Op = (u8, u8, u8, u8);

fn ops() -> impl Strategy<Value = Vec<Op>> {
    proptest::collection::vec((0u8..12, 0u8..6, 0u8..6, any::<u8>()), 0..60)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn whole_and_since_are_the_same(first in ops(), later in ops(), page in 1usize..5, split: bool) {
        let mut before = Model::default();
        first.into_iter().for_each(|op| before.change(op));
        let mut after = before.clone();
        later.into_iter().for_each(|op| after.change(op));
        let wanted = bytes(&after.whole());

        // In other pages, and with one round begun in vain.
        let mut state = State::default();
        before.read(&mut state, 2, split);
        state.restart_groups();
        state.restart_users();
        after.read(&mut state, page, split);
        prop_assert_eq!(&bytes(&after.finish(state)), &wanted);

        // Changes while it is read.
        let mut state = State::default();
        before.read(&mut state, page, split);
        state.begin_round();
        after.read_changes(&before, &mut state);
        state.end_round();
        prop_assert_eq!(&bytes(&after.finish(state)), &wanted);

        // From a former bundle.
        let base = before.whole();
        let mut state = State::of(&base);
        state.begin_round();
        after.read_changes(&before, &mut state);
        let news = state.end_round();
        prop_assert_eq!(news.users.len(), after.users.keys().filter(|n| !before.users.contains_key(n)).count());
        prop_assert_eq!(
            news.restored_groups.len(),
            after.groups.keys().filter(|n| before.deleted.contains_key(n)).count()
        );
        prop_assert_eq!(&bytes(&after.finish(state)), &wanted);
    }
}

fn one_group(state: State) -> (Inventory, crate::directory::inventory::EntraGroup) {
    let inventory = state.finish();
    let group = inventory.entra.groups[0];
    (inventory, group)
}

#[test]
fn absent_and_null_are_kept_apart() {
    // Nothing came with writebackConfiguration: that is unknown. isAssignableToRole came for another group: here it is null.
    let mut state = State::default();
    apply(
        &mut state,
        &json!([{ "id": id(1, 1), "displayName": "a" }, { "id": id(1, 2), "isAssignableToRole": true }]),
        Of::Groups,
    );
    assert!(state.has_seen("isAssignableToRole") && !state.has_seen("writebackConfiguration"));
    state.absent_is_null();
    let (_, group) = one_group(state);
    assert_eq!((group.writeback.is_enabled, group.role_assignable), (Tri::Absent, Tri::Null));

    // Details are laid over groups that are known, and make none.
    let mut state = State::default();
    apply(&mut state, &json!([{ "id": id(1, 1), "displayName": "a" }]), Of::Groups);
    let details = json!([
        { "id": id(1, 1), "writebackConfiguration": { "isEnabled": true, "onPremisesGroupType": "universalSecurityGroup" } },
        { "id": id(1, 2), "writebackConfiguration": null },
    ]);
    apply(&mut state, &details, Of::GroupDetails);
    assert_eq!(state.counts().0, 1);
    let (inventory, group) = one_group(state);
    assert_eq!((group.writeback.is_enabled, inventory.entra.groups.len()), (Tri::True, 1));
    assert_eq!(inventory.text.get(group.writeback.group_type), Some("universalSecurityGroup"));
}

#[test]
fn hidden_members_are_unknown_not_none() {
    for (sees, wanted) in [(false, Completeness::Absent), (true, Completeness::Complete)] {
        let mut state = State::default();
        let groups =
            json!([{ "id": id(1, 1), "visibility": "HiddenMembership" }, { "id": id(1, 2), "visibility": "Private" }]);
        apply(&mut state, &groups, Of::Groups);
        assert_eq!(state.all_members_known(sees), u64::from(!sees));
        let inventory = state.finish();
        assert_eq!(
            (inventory.entra.groups[0].members, inventory.entra.groups[1].members),
            (wanted, Completeness::Complete)
        );
    }
}

#[test]
fn refused() {
    for (value, what) in [
        (json!([{ "displayName": "x" }]), "without \"id\""),
        (json!([{ "id": "x" }]), "no GUID"),
        (json!([{ "id": id(1, 1), "members@delta": [{ "id": "x" }] }]), "member id"),
    ] {
        let error = try_to_apply(&mut State::default(), &value, Of::Groups).unwrap_err();
        assert!(error.contains(what), "{error}");
    }
}
