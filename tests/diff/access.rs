//! Effective membership before and after: nesting, cycles, several ways, and the groups around.

use crate::support::{
    G, World, ad_user, entra_group, entra_user, group_dn, group_id, member, sid_bytes, user_dn, user_id,
};
use crate::{texts, told};
use serde_json::{Value, json};

/// An AD group that is not written back.
fn local(w: &mut World, name: &str, rid: u32, members: &[String]) {
    let mut entry = crate::support::ad_group(name, "", rid);
    entry.unset("adminDescription");
    entry.dn = format!("CN={name},OU=Resources,DC=contoso,DC=com");
    for m in members {
        entry.add("member", m);
    }
    w.add_entry(entry);
}

fn in_resources(name: &str) -> String {
    format!("CN={name},OU=Resources,DC=contoso,DC=com")
}

/// User 4 is a member in AD only, user 3 in Entra only.
fn drifted() -> World {
    let mut world = World::base();
    world.add_entry(ad_user(4));
    world.g().add("member", user_dn(4));
    world.add_user(3).emember("user", &user_id(3));
    world
}

fn access(row: &Value, what: &str) -> Vec<String> {
    texts(&row["access"][what])
}

#[test]
fn through_nesting() {
    let mut world = drifted();
    local(&mut world, "Files", 4001, &[group_dn("Group_3a5c3221")]);
    local(&mut world, "Server", 4002, &[in_resources("Files"), user_dn(1)]);
    // One that user 4 reaches another way stays his.
    local(&mut world, "Both", 4003, &[in_resources("Files"), user_dn(4)]);
    local(&mut world, "Apart", 4004, &[user_dn(1)]);
    let told = told(&world);
    let g = told.group(G);
    assert_eq!((access(g, "lost"), access(g, "gained")), (vec![user_dn(4)], vec![user_dn(3)]));
    assert_eq!((&g["access"]["before"], &g["access"]["after"]), (&json!(3), &json!(3)));
    assert_eq!(g["use"]["nestedIn"], json!([in_resources("Files")]));
    assert_eq!(g["use"]["ancestors"], json!(3));
    for name in ["Files", "Server"] {
        let row = told.group(name);
        assert_eq!((&row["action"], &row["severity"]), (&json!("parent"), &json!("high")), "{name}");
        assert_eq!((access(row, "lost"), access(row, "gained")), (vec![user_dn(4)], vec![user_dn(3)]), "{name}");
    }
    assert_eq!((access(told.group("Both"), "lost"), access(told.group("Both"), "gained")), (vec![], vec![user_dn(3)]));
    assert!(!told.groups().iter().any(|g| g["dn"] == in_resources("Apart")));
    let s = told.summary();
    assert_eq!((&s["peopleLosing"], &s["peopleGaining"], &s["parentsAffected"]), (&json!(1), &json!(1), &json!(3)));
}

#[test]
fn through_cycles() {
    let mut world = drifted();
    local(&mut world, "A", 4001, &[group_dn("Group_3a5c3221"), in_resources("B")]);
    local(&mut world, "B", 4002, &[in_resources("A")]);
    let told = told(&world);
    for name in ["A", "B"] {
        assert_eq!(access(told.group(name), "lost"), vec![user_dn(4)], "{name}");
        assert_eq!(told.group(name)["access"]["before"], json!(3), "{name}");
        assert_eq!(told.group(name)["access"]["after"], json!(3), "{name}");
    }
}

#[test]
fn a_nested_group_that_goes_takes_its_people_along() {
    let mut world = World::base();
    // Two written-back groups; the child is nested in AD only, so its place goes, with user 5 but not with user 1.
    world.add_pair(1).add_user(5);
    world.entry("Extra 1").add("member", user_dn(5)).add("member", user_dn(1));
    world.entra(&group_id(1))["members"] = json!([member("user", &user_id(5)), member("user", &user_id(1))]);
    world.g().add("member", group_dn("Extra 1"));
    let told = told(&world);
    assert_eq!(told.fate(G, &group_dn("Extra 1")), "lost not-in-entra");
    assert_eq!(access(told.group(G), "lost"), vec![user_dn(5)]);
    assert_eq!(access(told.group("Extra 1"), "lost"), Vec::<String>::new());
    // And one that comes brings them.
    world.g().unset("member").add("member", user_dn(1)).add("member", user_dn(2));
    world.emember("group", &group_id(1));
    let told = crate::told(&world);
    assert_eq!(access(told.group(G), "gained"), vec![user_dn(5)]);
}

#[test]
fn what_is_possible_is_said_apart() {
    let mut world = World::base();
    world.add_entry(ad_user(3));
    let mut user = entra_user(3);
    user["onPremisesObjectIdentifier"] = Value::Null;
    world.users.as_mut().unwrap().push(user);
    world.emember("user", &user_id(3)).g().add("member", user_dn(3));
    let told = told(&world);
    let g = told.group(G);
    assert_eq!((access(g, "lost"), access(g, "maybeLost")), (vec![], vec![user_dn(3)]));
    assert_eq!(told.summary()["peopleMaybeLosing"], json!(1));
    assert_eq!(g["depends"], json!(["first-update", "move"]));
}

#[test]
fn access_lists_that_name_the_group() {
    use groupshift::directory::Sid;
    use groupshift::directory::security::{Ace, Dacl, Entry, SecurityDescriptor};
    let mut world = drifted();
    let mut descriptor =
        SecurityDescriptor::parse(&[1, 0, 4, 128, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]).unwrap();
    let trustee = Sid::from_bytes(&sid_bytes(&crate::support::sid(2001))).unwrap();
    descriptor.dacl = Dacl::List(vec![Entry::Ace(Ace::allow(trustee, 0x10))]);
    local(&mut world, "Guarded", 4001, &[]);
    world.entry("Guarded").set("nTSecurityDescriptor", descriptor.to_bytes().unwrap());
    let told = told(&world);
    let g = told.group(G);
    assert_eq!(g["use"]["namedBy"], json!([in_resources("Guarded")]));
    assert!(texts(&g["notes"]).join(" ").contains("1 AD object(s) name this group"), "{g:#}");
    let _ = entra_group("x", G);
}
