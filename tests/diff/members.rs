//! What becomes of each sort of member, with the option on, off and unknown.

use crate::support::{
    G, World, ad_guid, ad_user, entra_group, entra_user, group_dn, group_id, member, other_id, sid, user_dn, user_id,
};
use crate::tell;
use groupshift::plan::difference::ScopeChoice;
use serde_json::{Value, json};

/// A member of the group under test, on one side or both.
struct Case {
    name: &'static str,
    world: fn(&mut World),
    /// Entra id or DN.
    member: String,
    on: &'static str,
    off: &'static str,
    unknown: &'static str,
}

fn case(name: &'static str, world: fn(&mut World), member: String, fates: [&'static str; 3]) -> Case {
    let [on, off, unknown] = fates;
    Case { name, world, member, on, off, unknown }
}

/// User 3 in Entra and AD; a member in Entra.
fn user3(w: &mut World) -> &mut Value {
    w.add_user(3).emember("user", &user_id(3));
    w.user(3)
}

fn in_ad(w: &mut World, dn: String) {
    w.g().add("member", dn);
}

/// A group synchronised from AD, a member in Entra.
fn synced_child(w: &mut World) {
    let mut child = entra_group("Synced", &group_id(9));
    child["onPremisesSyncEnabled"] = json!(true);
    child["onPremisesSecurityIdentifier"] = json!(sid(3009));
    let mut entry = crate::support::ad_group("Synced", &group_id(9), 3009);
    entry.unset("adminDescription");
    w.add_entry(entry).add_entra(child).emember("group", &group_id(9));
}

fn mail_child(w: &mut World) {
    w.add_pair(8).emember("group", &group_id(8));
    w.entra(&group_id(8))["groupTypes"] = json!(["Unified"]);
    w.entra(&group_id(8))["mailEnabled"] = json!(true);
}

#[test]
fn every_reason() {
    let same = |fate| [fate, fate, fate];
    let cases = [
        case("in both", |_| (), user_id(1), ["-", "maybe-lost membership-option-off", "-"]),
        case(
            "a user that AD's list lacks",
            |w| {
                user3(w);
            },
            user_id(3),
            ["added", "not-written membership-option-off", "maybe-added membership-option-unknown"],
        ),
        case(
            "no member in Entra",
            |w| {
                w.add_entry(ad_user(4));
                in_ad(w, user_dn(4));
            },
            user_dn(4),
            same("lost not-in-entra"),
        ),
        case(
            "a cloud user",
            |w| {
                let user = json!({ "id": user_id(3), "onPremisesSyncEnabled": null, "onPremisesObjectIdentifier": null, "onPremisesSecurityIdentifier": null });
                w.users.as_mut().unwrap().push(user);
                w.emember("user", &user_id(3));
            },
            user_id(3),
            same("not-written no-ad-account"),
        ),
        case(
            "a synchronised user without identifier, in AD",
            |w| {
                user3(w)["onPremisesObjectIdentifier"] = Value::Null;
                in_ad(w, user_dn(3));
            },
            user_id(3),
            same("maybe-lost no-on-premises-identifier"),
        ),
        case(
            "the same, not in AD",
            |w| user3(w)["onPremisesObjectIdentifier"] = Value::Null,
            user_id(3),
            same("not-written no-on-premises-identifier"),
        ),
        case(
            "a user of another forest",
            |w| {
                user3(w)["onPremisesObjectIdentifier"] = json!(ad_guid(0x99999));
                w.user(3)["onPremisesSecurityIdentifier"] = json!("S-1-5-21-9-9-9-5003");
            },
            user_id(3),
            same("not-written other-forest"),
        ),
        case(
            "a synchronised group, nested in AD",
            |w| {
                synced_child(w);
                in_ad(w, group_dn("Synced"));
            },
            group_id(9),
            same("maybe-lost synced-group"),
        ),
        case("the same, not nested in AD", synced_child, group_id(9), same("not-written synced-group")),
        case(
            "a Microsoft 365 group, nested in AD",
            |w| {
                mail_child(w);
                in_ad(w, group_dn("Extra 8"));
            },
            group_id(8),
            same("maybe-lost mail-group"),
        ),
        case(
            "a device",
            |w| {
                w.emember("device", &other_id(1));
            },
            other_id(1),
            same("not-written other-type"),
        ),
        case(
            "a service principal",
            |w| {
                w.emember("servicePrincipal", &other_id(2));
            },
            other_id(2),
            same("not-written other-type"),
        ),
        case(
            "a cloud group in scope, nested in AD",
            |w| {
                w.add_pair(7).emember("group", &group_id(7));
                in_ad(w, group_dn("Extra 7"));
            },
            group_id(7),
            same("-"),
        ),
        case(
            "a cloud group in scope, not nested in AD yet",
            |w| {
                w.add_pair(7).emember("group", &group_id(7));
            },
            group_id(7),
            same("added"),
        ),
        case(
            "a cloud group that is not written back",
            |w| {
                let mut child = entra_group("Cloud only", &group_id(6));
                child["writebackConfiguration"]["isEnabled"] = json!(false);
                w.add_entra(child).emember("group", &group_id(6));
            },
            group_id(6),
            same("not-written nested-group-out-of-scope"),
        ),
        case(
            "a nested group whose anchor two groups carry",
            |w| {
                w.add_pair(5).emember("group", &group_id(5));
                w.add_entry(crate::support::ad_group("Twin", &group_id(5), 3905));
                in_ad(w, group_dn("Extra 5"));
            },
            group_id(5),
            same("maybe-lost nested-group-unmatched"),
        ),
        case(
            "a user of whom nothing is known",
            |w| {
                w.emember("user", &user_id(77));
            },
            user_id(77),
            same("maybe-added unknown-member"),
        ),
        case(
            "an AD member that nobody describes",
            |w| in_ad(w, "CN=Unseen,DC=contoso,DC=com".to_owned()),
            "CN=Unseen,DC=contoso,DC=com".to_owned(),
            same("open unknown-member"),
        ),
    ];
    for c in cases {
        let mut world = World::base();
        (c.world)(&mut world);
        for (option, want) in [(Some(true), c.on), (Some(false), c.off), (None, c.unknown)] {
            let told = tell(&world, ScopeChoice::Planned, option);
            assert_eq!(told.fate(G, &c.member), want, "{}, option {option:?}", c.name);
            let g = told.group(G);
            let depends = crate::texts(&g["depends"]);
            // Whatever is open names the point that it rests on.
            let open = ["maybe-added", "maybe-lost", "open"].iter().any(|f| want.starts_with(f));
            assert!(!open || !depends.is_empty(), "{}: {g:#}", c.name);
            assert_eq!(depends.contains(&"membership-option".to_owned()), option.is_none(), "{}", c.name);
        }
    }
}

#[test]
fn lists_that_are_not_whole_are_open() {
    // Entra's list was not collected: nothing is said to go.
    let mut world = World::base();
    world.eunset("members");
    let told = tell(&world, ScopeChoice::Planned, Some(true));
    let m = &told.group(G)["members"];
    assert_eq!((&m["lost"], &m["open"], &m["added"]), (&json!(0), &json!(2), &json!(0)));
    assert!(crate::texts(&told.group(G)["depends"]).contains(&"input".to_owned()));
    // AD's list was not collected: nothing is said to come for certain.
    let mut world = World::base();
    world.g().unset("member");
    world.add_user(3).emember("user", &user_id(3));
    let told = tell(&world, ScopeChoice::Planned, Some(true));
    assert_eq!(told.group(G)["members"]["lost"], json!(0));
}

#[test]
fn a_child_that_is_made_anew_is_a_member_without_a_name() {
    let mut world = World::base();
    world.add_entra(entra_group("New child", &group_id(3))).emember("group", &group_id(3));
    let told = tell(&world, ScopeChoice::Planned, Some(true));
    assert_eq!(told.fate(G, &group_id(3)), "added");
    assert_eq!(told.group(&group_id(3))["action"], "create");
}

#[test]
fn two_entra_members_for_one_account() {
    let mut world = World::base();
    let mut twin = entra_user(1);
    twin["id"] = json!(user_id(50));
    twin["onPremisesObjectIdentifier"] = Value::Null;
    world.users.as_mut().unwrap().push(twin);
    world.eg()["members"].as_array_mut().unwrap().push(member("user", &user_id(50)));
    let told = tell(&world, ScopeChoice::Planned, Some(true));
    // The one that is written decides; the account counts once.
    assert_eq!(told.group(G)["members"]["kept"], json!(2));
    assert_eq!(told.group(G)["members"]["maybeLost"], json!(0));
}
