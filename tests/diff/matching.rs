//! Which AD group is found for which Entra group, and what that means.

use crate::support::{G, World, ad_group, entra_group, group_dn, group_id, sid};
use crate::{tell, texts, told};
use groupshift::plan::difference::ScopeChoice;
use serde_json::json;

const NAME: &str = "Group_3a5c3221";

#[test]
fn every_action() {
    let edoi = "msDS-ExternalDirectoryObjectId";
    let cases: [(&str, fn(&mut World), &str, &str); 9] = [
        ("not stamped", |_| (), NAME, "stamp"),
        ("stamped", |w| drop(w.g().set("msDS-ExternalDirectoryObjectId", format!("Group_{G}"))), NAME, "update"),
        (
            "stamped in capitals",
            |w| drop(w.g().set("msDS-ExternalDirectoryObjectId", format!("Group_{}", G.to_uppercase()))),
            NAME,
            "update",
        ),
        (
            "stamped twice",
            |w| {
                w.g().set("msDS-ExternalDirectoryObjectId", format!("Group_{G}"));
                let mut twin = ad_group("Twin", G, 2900);
                twin.unset("adminDescription").set("msDS-ExternalDirectoryObjectId", format!("Group_{G}"));
                w.add_entry(twin);
            },
            NAME,
            "duplicates",
        ),
        ("two carry the anchor", |w| drop(w.add_entry(ad_group("Twin", G, 2900))), NAME, "undecided"),
        (
            "a stamp of another group",
            |w| {
                w.g().set("msDS-ExternalDirectoryObjectId", format!("Group_{}", group_id(1)));
                w.add_entra(entra_group("Other", &group_id(1)));
            },
            // The AD group is what the other Entra group finds.
            NAME,
            "update",
        ),
        ("soft-deleted", |w| drop(w.eset("deletedDateTime", json!("2026-11-01T00:00:00Z"))), NAME, "out-of-scope"),
        ("no such Entra group", |w| drop(w.drop_entra(G)), NAME, "gone"),
        ("not in AD", |w| drop(w.drop_entry(NAME)), G, "create"),
    ];
    let _ = edoi;
    for (name, change, which, want) in cases {
        let mut world = World::base();
        change(&mut world);
        let told = told(&world);
        assert_eq!(told.group(which)["action"], want, "{name}");
    }
}

#[test]
fn a_stamp_of_another_group_makes_a_second_one() {
    let mut world = World::base();
    world.g().set("msDS-ExternalDirectoryObjectId", format!("Group_{}", group_id(1)));
    world.add_entra(entra_group("Other", &group_id(1)));
    let told = told(&world);
    let made = told.group(G);
    assert_eq!(
        (&made["action"], &made["severity"], &made["dn"]),
        (&json!("create-beside"), &json!("blocker"), &json!(null))
    );
    assert_eq!(told.summary()["duplicates"], json!(1));
}

#[test]
fn letter_case_of_the_stamp_is_an_open_point() {
    let mut world = World::base();
    world.g().set("msDS-ExternalDirectoryObjectId", format!("Group_{}", G.to_uppercase()));
    assert!(texts(&told(&world).group(G)["depends"]).contains(&"anchor-case".to_owned()));
}

#[test]
fn an_unstamped_group_says_what_would_be_made_beside_it() {
    let told = told(&World::base());
    let notes = texts(&told.group(G)["notes"]).join(" ");
    assert!(notes.contains("CN=Sales_e9305786a271,CN=Users,DC=contoso,DC=com beside it"), "{notes}");
    assert_eq!(told.summary()["toStamp"], json!(1));
}

#[test]
fn the_scope_of_today() {
    let mut world = World::base();
    // No job takes nothing.
    let now = tell(&world, ScopeChoice::Job, Some(true));
    assert_eq!(now.group(G)["action"], "out-of-scope");
    assert_eq!(now.group(G)["differs"], json!(false));
    // Excluded groups are in no plan's scope.
    world.eset("onPremisesSyncEnabled", json!(true));
    assert_eq!(told(&world).group(G)["action"], "out-of-scope");
}

#[test]
fn another_domain_is_not_searched() {
    let mut world = World::base();
    world.settings.domain = Some("contoso.com".to_owned());
    let mut far = ad_group("Far", &group_id(4), 3004);
    far.dn = "CN=Far,OU=Groups,DC=emea,DC=contoso,DC=com".to_owned();
    far.set("msDS-ExternalDirectoryObjectId", format!("Group_{}", group_id(4)));
    far.set("objectSid", crate::support::sid_bytes("S-1-5-21-4-4-4-3004"));
    world.add_entry(far).add_entra(entra_group("Far", &group_id(4)));
    let told = told(&world);
    assert_eq!(told.group("Far")["action"], "bystander");
    let made: Vec<_> =
        told.groups().iter().filter(|g| g["action"] == "create-beside" || g["action"] == "create").collect();
    assert_eq!(made.len(), 1, "{made:?}");
    let _ = (group_dn("x"), sid(1));
}
