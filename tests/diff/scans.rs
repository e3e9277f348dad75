//! Two scans held against each other.

use crate::support::cli::Desk;
use crate::support::{G, World, ad_user, entra_group, group_dn, group_id, user_dn, user_id};
use crate::texts;
use serde_json::{Value, json};

/// Collects two worlds and compares them; the document.
fn compare(before: &World, after: &World) -> Value {
    let desk = Desk::new();
    for (world, name) in [(before, "one"), (after, "two")] {
        world.write(&desk.path(&format!("export-{name}")));
        let export = format!("export-{name}");
        desk.run(&["collect", "--offline", &export, "--out", name, "--accept-partial"]).ok();
    }
    desk.run(&["diff", "one", "two", "--out", "out"]).ok();
    desk.json("out/diff.json")
}

fn object<'a>(json: &'a Value, side: &str, which: &str) -> &'a Value {
    let is = |o: &&Value| {
        o["side"] == side
            && (o["id"] == which || o["dn"].as_str().is_some_and(|d| d.starts_with(&format!("CN={which},"))))
    };
    let all = json["objects"].as_array().unwrap();
    all.iter().find(is).unwrap_or_else(|| panic!("{which}: {all:#?}"))
}

#[test]
fn the_same_twice() {
    let json = compare(&World::base(), &World::base());
    assert_eq!((&json["kind"], &json["objects"]), (&json!("scans"), &json!([])));
    assert_eq!(json["summary"]["changed"], json!(0));
}

#[test]
fn each_kind_of_change() {
    let mut after = World::base();
    // Renamed and moved: the same objectGUID.
    let group = after.g();
    group.set("description", "new").unset("displayName");
    // Members: one goes, one comes.
    group.unset("member").add("member", user_dn(1)).add("member", user_dn(3));
    group.dn = "CN=Sales,OU=Elsewhere,DC=contoso,DC=com".to_owned();
    after.add_entry(ad_user(3));
    after.add_pair(1);
    after.drop_entry("User 2");
    after.eset("displayName", json!("Sales and more"));
    after.emember("user", &user_id(9));
    after.user(2)["onPremisesObjectIdentifier"] = Value::Null;
    let json = compare(&World::base(), &after);
    let g = object(&json, "ad", "Sales");
    assert_eq!(g["state"], "changed");
    let values: Vec<(String, Value, Value)> = g["attributes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|v| (v["attribute"].as_str().unwrap().to_owned(), v["before"].clone(), v["after"].clone()))
        .collect();
    assert_eq!(
        values,
        [
            (
                "distinguishedName".to_owned(),
                json!(group_dn("Group_3a5c3221")),
                json!("CN=Sales,OU=Elsewhere,DC=contoso,DC=com")
            ),
            ("displayName".to_owned(), json!("Group_3a5c3221"), Value::Null),
            ("description".to_owned(), Value::Null, json!("new")),
        ]
    );
    assert_eq!((texts(&g["membersAdded"]), texts(&g["membersRemoved"])), (vec![user_dn(3)], vec![user_dn(2)]));
    assert_eq!(object(&json, "ad", "User 2")["state"], "removed");
    assert_eq!(object(&json, "ad", "User 3")["state"], "added");
    assert_eq!(object(&json, "ad", "Extra 1")["state"], "added");
    assert_eq!(object(&json, "entra", &group_id(1))["class"], "group");
    let e = object(&json, "entra", G);
    assert_eq!(e["attributes"], json!([{ "attribute": "displayName", "before": "Sales", "after": "Sales and more" }]));
    assert_eq!(e["membersAddedCount"], json!(1));
    let u = object(&json, "entra", &user_id(2));
    assert_eq!(u["attributes"][0]["after"], "null");
    let s = &json["summary"];
    assert_eq!(
        (&s["added"], &s["removed"], &s["changed"], &s["renamed"]),
        (&json!(3), &json!(1), &json!(3), &json!(1))
    );
}

#[test]
fn a_list_that_was_not_collected_is_no_change_of_members() {
    let mut after = World::base();
    after.eunset("members");
    let json = compare(&World::base(), &after);
    let g = object(&json, "entra", G);
    assert_eq!((&g["membersRemovedCount"], &g["membersAddedCount"]), (&json!(0), &json!(0)));
    assert!(g["membersUnknown"].is_string(), "{g:#}");
    let _ = entra_group("x", G);
}

#[test]
fn scans_of_two_worlds_are_noticed() {
    let desk = Desk::collected(&World::base());
    desk.run(&["bundle", "anonymise", "bundle", "--out", "other"]).ok();
    let args = ["diff", "bundle", "other", "--reports", "none"];
    desk.run(&args).ok().says(&["no object in common"]);
    let same = desk.run(&["diff", "bundle", "bundle", "--reports", "none"]).ok();
    assert!(!same.err.contains("in common"), "{}", same.err);
}
