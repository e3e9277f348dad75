//! What must hold of every difference: counts agree with the lists they count, nothing depends on the order of the input.

use crate::support::{World, ad_group, ad_user, entra_group, entra_user, group_dn, group_id, member, user_dn, user_id};
use crate::{Told, tell};
use groupshift::plan::difference::ScopeChoice;
use proptest::prelude::*;
use serde_json::{Value, json};

/// Which groups hold which members on each side: (group, member user, in AD, in Entra); users below 2 are broken in some
/// way. Then which groups nest which.
#[derive(Debug, Clone)]
struct Plan {
    users: Vec<(u32, u32, bool, bool)>,
    nested: Vec<(u32, u32, bool, bool)>,
    option: Option<bool>,
}

const GROUPS: u32 = 5;
const USERS: u32 = 7;

fn plan() -> impl Strategy<Value = Plan> {
    let users = proptest::collection::vec((0..GROUPS, 0..USERS, any::<bool>(), any::<bool>()), 0..30);
    let nested = proptest::collection::vec((0..GROUPS, 0..GROUPS, any::<bool>(), any::<bool>()), 0..8);
    let option = prop_oneof![Just(None), Just(Some(true)), Just(Some(false))];
    (users, nested, option).prop_map(|(users, nested, option)| Plan { users, nested, option })
}

fn world(plan: &Plan, turned: bool) -> World {
    let mut world = World::base();
    world.ad = Some(vec![]);
    world.groups = Some(vec![]);
    world.users = Some(vec![]);
    let users: Vec<u32> = if turned { (0..USERS).rev().collect() } else { (0..USERS).collect() };
    for n in users {
        let mut user = entra_user(n);
        match n {
            0 => user["onPremisesObjectIdentifier"] = Value::Null,
            1 => {
                user = json!({ "id": user_id(1), "onPremisesSyncEnabled": null, "onPremisesObjectIdentifier": null,
                               "onPremisesSecurityIdentifier": null });
            }
            _ => {}
        }
        world.users.as_mut().unwrap().push(user);
        world.add_entry(ad_user(n));
    }
    let groups: Vec<u32> = if turned { (0..GROUPS).rev().collect() } else { (0..GROUPS).collect() };
    for n in groups {
        let (name, id) = (format!("Extra {n}"), group_id(n));
        let (mut entry, mut entra) = (ad_group(&name, &id, 3000 + n), entra_group(&name, &id));
        // Even an empty list is a list.
        entry.add("description", "x");
        let mut add = |kind: &str, dn: String, id: String, in_ad: bool, in_entra: bool| {
            let known = entry.values.iter().any(|(a, v)| a == "member" && *v == dn.as_bytes());
            if in_ad && !known {
                entry.add("member", dn);
            }
            let list = entra["members"].as_array_mut().unwrap();
            if in_entra && !list.iter().any(|m| m["id"] == id.as_str()) {
                list.push(member(kind, &id));
            }
        };
        let order = |len: usize| -> Vec<usize> { if turned { (0..len).rev().collect() } else { (0..len).collect() } };
        for i in order(plan.users.len()) {
            let (g, u, in_ad, in_entra) = plan.users[i];
            if g == n {
                add("user", user_dn(u), user_id(u), in_ad, in_entra);
            }
        }
        for i in order(plan.nested.len()) {
            let (g, child, in_ad, in_entra) = plan.nested[i];
            if g == n && child != n {
                add("group", group_dn(&format!("Extra {child}")), group_id(child), in_ad, in_entra);
            }
        }
        world.add_entry(entry);
        world.add_entra(entra);
    }
    world
}

fn number(value: &Value, name: &str) -> u64 {
    value[name].as_u64().unwrap_or_else(|| panic!("{name}: {value}"))
}

fn consistent(told: &Told) {
    let mut sums = [0u64; 4];
    for g in told.groups() {
        let m = &g["members"];
        let n = |name| number(m, name);
        // Everybody in AD stays, goes, may go, or cannot be compared.
        assert_eq!(n("ad"), n("kept") + n("lost") + n("maybeLost") + n("open"), "{g:#}");
        assert!(n("keptIfOption") <= n("kept"));
        let listed =
            |fate: &str| g["memberChanges"].as_array().unwrap().iter().filter(|c| c["fate"] == fate).count() as u64;
        for (fate, name) in [
            ("added", "added"),
            ("lost", "lost"),
            ("maybe-lost", "maybeLost"),
            ("maybe-added", "maybeAdded"),
            ("open", "open"),
            ("not-written", "notWritten"),
        ] {
            assert_eq!(listed(fate), n(name), "{fate}: {g:#}");
        }
        if g["action"] != "parent" {
            assert!(n("entra") >= n("added") + n("notWritten"), "{g:#}");
        }
        let a = &g["access"];
        let n = |name| number(a, name);
        assert_eq!(n("after"), n("before") + n("gainedCount") - n("lostCount"), "{g:#}");
        assert_eq!(a["lost"].as_array().unwrap().len() as u64, n("lostCount"));
        // What is certain is not also possible.
        for name in crate::texts(&a["lost"]) {
            assert!(!crate::texts(&a["maybeLost"]).contains(&name));
        }
        let m = &g["members"];
        for (sum, name) in sums.iter_mut().zip(["added", "lost", "maybeLost", "notWritten"]) {
            *sum += number(m, name);
        }
        let trouble = number(m, "maybeLost") + number(m, "maybeAdded") + number(m, "open");
        assert!(trouble == 0 || !g["depends"].as_array().unwrap().is_empty(), "{g:#}");
    }
    let s = told.summary();
    let of = ["membersAdded", "membersLost", "membersMaybeLost", "membersNotWritten"].map(|n| number(s, n));
    assert_eq!(sums, of);
    assert_eq!(number(s, "groups"), number(s, "changed") + number(s, "unchanged") + number(s, "unchangedUnless"));
}

/// The people of each group by brute force: everybody who is reached, whatever the way.
fn reach(edges: &[(String, String)], group: &str) -> std::collections::BTreeSet<String> {
    let (mut seen, mut open) = (std::collections::BTreeSet::new(), vec![group.to_owned()]);
    while let Some(at) = open.pop() {
        for (_, member) in edges.iter().filter(|(g, _)| *g == at) {
            if seen.insert(member.clone()) {
                open.push(member.clone());
            }
        }
    }
    seen.into_iter().filter(|m| m.starts_with("CN=User")).collect()
}

/// Access as told, held against walking the whole graph twice.
fn access_is_right(plan: &Plan, told: &Told) {
    let name = |n: u32| group_dn(&format!("Extra {n}"));
    let mut before: Vec<(String, String)> = plan
        .users
        .iter()
        .filter(|u| u.2)
        .map(|u| (name(u.0), user_dn(u.1)))
        .chain(plan.nested.iter().filter(|n| n.2 && n.0 != n.1).map(|n| (name(n.0), name(n.1))))
        .collect();
    before.sort();
    before.dedup();
    let mut after = before.clone();
    for g in told.groups() {
        let dn = g["dn"].as_str().unwrap().to_owned();
        for m in g["memberChanges"].as_array().unwrap() {
            let edge = (dn.clone(), m["dn"].as_str().unwrap_or("").to_owned());
            match m["fate"].as_str().unwrap() {
                "lost" => after.retain(|e| *e != edge),
                "added" => after.push(edge),
                _ => {}
            }
        }
    }
    for g in told.groups() {
        let dn = g["dn"].as_str().unwrap();
        let (was, is) = (reach(&before, dn), reach(&after, dn));
        let lost: Vec<String> = was.difference(&is).cloned().collect();
        let gained: Vec<String> = is.difference(&was).cloned().collect();
        assert_eq!(crate::texts(&g["access"]["lost"]), lost, "{dn}");
        assert_eq!(crate::texts(&g["access"]["gained"]), gained, "{dn}");
        assert_eq!(number(&g["access"], "before"), was.len() as u64, "{dn}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn counts_access_and_order(plan in plan()) {
        let told = tell(&world(&plan, false), ScopeChoice::Planned, plan.option);
        consistent(&told);
        access_is_right(&plan, &told);
        let mut turned = tell(&world(&plan, true), ScopeChoice::Planned, plan.option);
        // Two bundles of other bytes have another hash; all else is alike.
        turned.json["bundle"]["sha256"] = told.json["bundle"]["sha256"].clone();
        prop_assert_eq!(&told.json, &turned.json);
    }
}
