//! C27: AD's direct members held against what Entra's direct members are in AD.

use crate::support::{
    Entry, G, PEOPLE, World, ad_group, entra_group, group_dn, group_id, guid_bytes, other_id, sid, sid_bytes, user_dn,
    user_id,
};
use crate::table::{Found, Open, Silent, finding, table, world};
use serde_json::{Value, json};

fn user(w: &mut World, name: &str, value: Value) {
    w.user(1)[name] = value;
}

/// A group synchronised from AD, in both member lists.
fn synced(w: &mut World) {
    let mut group = entra_group("Local", &group_id(5));
    group["onPremisesSyncEnabled"] = json!(true);
    group["onPremisesSecurityIdentifier"] = json!(sid(4005));
    w.add_entra(group);
    let mut entry = ad_group("Local", "x", 4005);
    entry.dn = "CN=Local,OU=Groups,DC=contoso,DC=com".into();
    entry.unset("adminDescription");
    w.add_entry(entry).emember("group", &group_id(5));
    w.g().add("member", "CN=Local,OU=Groups,DC=contoso,DC=com");
}

fn cloud_child(w: &mut World) {
    w.add_pair(1).emember("group", &group_id(1));
    w.g().add("member", group_dn("Extra 1"));
}

#[test]
fn c27() {
    table(
        "C27",
        &[
            ("the same", |_| {}, Silent, "migrate"),
            (
                "the same, spelt differently",
                |w| {
                    w.g()
                        .unset("member")
                        .add("member", "cn=user 1, ou=people,DC=CONTOSO,DC=com")
                        .add("member", user_dn(2));
                },
                Silent,
                "migrate",
            ),
            (
                "both empty",
                |w| {
                    w.g().unset("member");
                    w.eset("members", json!([]));
                },
                Silent,
                "migrate",
            ),
            (
                "missing in AD",
                |w| {
                    w.g().unset("member").add("member", user_dn(1));
                },
                Found,
                "review",
            ),
            (
                "too many in AD",
                |w| {
                    w.add_user(3);
                    w.g().add("member", user_dn(3));
                },
                Found,
                "review",
            ),
            (
                "an AD-only computer too many",
                |w| {
                    let mut pc = Entry::new(format!("CN=PC,{PEOPLE}"), &["top", "person", "user", "computer"]);
                    pc.set("objectGUID", guid_bytes(&other_id(1)));
                    w.add_entry(pc);
                    w.g().add("member", format!("CN=PC,{PEOPLE}"));
                },
                Found,
                "review",
            ),
            (
                "the user is found by SID where the identifier is null",
                |w| user(w, "onPremisesObjectIdentifier", json!(null)),
                Silent,
                "fix",
            ),
            (
                "by SID where the identifier is not of this forest",
                |w| user(w, "onPremisesObjectIdentifier", json!(other_id(9))),
                Silent,
                "fix",
            ),
            (
                "neither identifier nor SID",
                |w| {
                    user(w, "onPremisesObjectIdentifier", json!(null));
                    user(w, "onPremisesSecurityIdentifier", json!(null));
                },
                Found,
                "review",
            ),
            (
                "the SID of another user",
                |w| {
                    user(w, "onPremisesObjectIdentifier", json!(null));
                    user(w, "onPremisesSecurityIdentifier", json!(sid(5099)));
                },
                Found,
                "review",
            ),
            (
                "a cloud-only member is not expected",
                |w| {
                    w.users.as_mut().unwrap().push(
                        json!({ "id": user_id(8), "onPremisesSyncEnabled": null, "onPremisesObjectIdentifier": null }),
                    );
                    w.emember("user", &user_id(8));
                },
                Silent,
                "migrate",
            ),
            ("a device is not expected", |w| drop(w.emember("device", &other_id(1))), Silent, "review"),
            ("a nested cloud group by its anchor", cloud_child, Silent, "migrate"),
            (
                "a nested cloud group by EDOI",
                |w| {
                    cloud_child(w);
                    let anchor = format!("Group_{}", group_id(1));
                    w.entry("Extra 1").unset("adminDescription").set("msDS-ExternalDirectoryObjectId", anchor);
                },
                Silent,
                "",
            ),
            ("a nested cloud group missing", |w| drop(w.add_pair(1).emember("group", &group_id(1))), Found, "review"),
            ("a nested synchronised group by its SID", synced, Silent, "fix"),
            (
                "a nested synchronised group without its SID",
                |w| {
                    synced(w);
                    w.entra(&group_id(5)).as_object_mut().unwrap().remove("onPremisesSecurityIdentifier");
                },
                Open,
                "",
            ),
            (
                "an AD member that was not exported",
                |w| {
                    w.g().add("member", "CN=Unseen,OU=X,DC=contoso,DC=com");
                },
                Open,
                "migrate",
            ),
            (
                "a user that was not exported from Entra",
                |w| {
                    w.users.as_mut().unwrap().remove(0);
                },
                Open,
                "migrate",
            ),
            ("Entra's members not collected", |w| drop(w.eunset("members")), Open, "migrate"),
            ("Entra's members go on", |w| drop(w.eset("members@odata.nextLink", json!("https://x"))), Open, "migrate"),
            (
                "AD's members not whole",
                |w| {
                    w.g().unset("member").add("member;range=0-0", user_dn(1));
                },
                Open,
                "migrate",
            ),
            (
                "AD's members whole, in ranges",
                |w| {
                    w.g().unset("member").add("member;range=0-0", user_dn(1)).add("member;range=1-*", user_dn(2));
                },
                Silent,
                "migrate",
            ),
            (
                "the last range overlaps",
                |w| {
                    w.g()
                        .unset("member")
                        .add("member;range=0-1", user_dn(1))
                        .add("member;range=0-1", user_dn(2))
                        .add("member;range=1-*", user_dn(2));
                },
                Silent,
                "migrate",
            ),
            ("Entra not collected", |w| w.groups = None, Open, "review"),
            ("no such group in Entra", |w| drop(w.drop_entra(G)), Silent, "review"),
        ],
    );
}

#[test]
fn both_sides_are_named() {
    let outcome = world(|w| {
        w.add_user(3);
        w.g().unset("member").add("member", user_dn(1)).add("member", user_dn(3));
    });
    let f = finding(&outcome, "C27").unwrap();
    assert_eq!((&f["evidence"]["missing"], &f["evidence"]["extra"]), (&json!([user_dn(2)]), &json!([user_dn(3)])));
    assert_eq!(f["severity"], "high");
}

/// Ranges of one list in entries and files of any order are one list, and a range exported twice counts once.
#[test]
fn ranges_in_any_order() {
    let piece = |dn: &str, range: &str, members: &[u32]| {
        let mut entry = Entry::new(dn, &[]);
        for n in members {
            entry.add(&format!("member;range={range}"), user_dn(*n));
        }
        entry.text()
    };
    let dn = group_dn("Group_3a5c3221");
    for (what, first, last) in [
        ("later files", None, Some(["1-1", "2-*"])),
        ("earlier files", Some(["1-1", "2-*"]), None),
        ("twice", Some(["1-1", "2-*"]), Some(["1-1", "2-*"])),
    ] {
        let outcome = world(|w| {
            w.add_user(3).emember("user", &user_id(3));
            let head = user_dn(1);
            w.g().unset("member").add("member;range=0-0", head);
            for (file, ranges) in [("ad/a.ldf", first), ("ad/z.ldf", last)] {
                if let Some([middle, end]) = ranges {
                    w.text(file, &(piece(&dn, middle, &[2]) + &piece(&dn, end, &[3])));
                }
            }
        });
        let group = crate::table::subject(&outcome).unwrap();
        assert_eq!(
            (group["members"].as_u64(), group["verdict"].as_str()),
            (Some(3), Some("migrate")),
            "{what}: {group:#}"
        );
        assert!(finding(&outcome, "C27").is_none(), "{what}");
    }
}

/// Attributes of one object may come in several exports, in any order.
#[test]
fn one_object_in_several_exports() {
    for file in ["ad/a.ldf", "ad/z.ldf"] {
        let outcome = world(|w| {
            w.g().unset("msDS-ExternalDirectoryObjectId");
            let mut part = Entry::new(group_dn("Group_3a5c3221"), &[]);
            part.set("msDS-ExternalDirectoryObjectId", format!("Group_{G}")).set("objectSid", sid_bytes(&sid(2001)));
            w.text(file, &part.text());
        });
        let group = crate::table::subject(&outcome).unwrap_or_else(|| panic!("{file}: the group is lost"));
        assert_eq!(group["verdict"], "migrate", "{file}: {group:#}");
        assert!(
            finding(&outcome, "C14").unwrap()["message"].as_str().unwrap().starts_with("Done"),
            "{file}: {group:#}"
        );
    }
}
