//! The anchors and what they point to: C10–C16.

use crate::support::{Entry, G, PEOPLE, World, ad_group, entra_group, group_id};
use crate::table::{Found, Open, Silent, finding, subject, table, told, world};
use serde_json::json;

const EDOI: &str = "msDS-ExternalDirectoryObjectId";

#[test]
fn c10() {
    table(
        "C10",
        &[
            ("anchor", |_| {}, Silent, "migrate"),
            (
                "upper-case digits",
                |w| drop(w.g().set("adminDescription", format!("Group_{}", G.to_uppercase()))),
                Silent,
                "migrate",
            ),
            ("empty", |w| drop(w.g().unset("adminDescription")), Found, "review"),
            ("TakenOver", |w| drop(w.g().set("adminDescription", format!("TakenOver_Group_{G}"))), Found, "review"),
            ("a marker of an administrator", |w| drop(w.g().set("adminDescription", "Group_NoSync")), Found, "review"),
            ("lower-case prefix", |w| drop(w.g().set("adminDescription", format!("group_{G}"))), Found, "review"),
            ("braces", |w| drop(w.g().set("adminDescription", format!("Group_{{{G}}}"))), Found, "review"),
            ("trailing blank", |w| drop(w.g().set("adminDescription", format!("Group_{G} "))), Found, "review"),
            (
                "one digit short",
                |w| drop(w.g().set("adminDescription", format!("Group_{}", &G[..35]))),
                Found,
                "review",
            ),
            ("User_", |w| drop(w.g().set("adminDescription", format!("User_{G}"))), Found, "review"),
            ("words", |w| drop(w.g().set("adminDescription", "our group")), Found, "review"),
            ("not in AD", |w| drop(w.drop_entry("Group_3a5c3221")), Silent, "review"),
        ],
    );
    // A group of unknown origin is not joined to the Entra group that its value names.
    let outcome = world(|w| drop(w.g().set("adminDescription", format!("TakenOver_Group_{G}"))));
    assert!(subject(&outcome).unwrap()["objectId"].is_null());
}

#[test]
fn c11_and_c12() {
    table(
        "C11",
        &[
            ("there", |_| {}, Silent, "migrate"),
            ("gone", |w| drop(w.drop_entra(G)), Found, "review"),
            ("Entra's groups not collected", |w| w.groups = None, Open, "review"),
            (
                "soft-deleted",
                |w| {
                    w.drop_entra(G);
                    w.deleted = Some(vec![entra_group("Sales", G)]);
                },
                Silent,
                "exclude",
            ),
            ("no anchor", |w| drop(w.g().unset("adminDescription")), Silent, "review"),
        ],
    );
    for (deleted, says) in [(Some(Vec::new()), "neither live nor deleted"), (None, "were not collected")] {
        let outcome = world(|w| {
            w.drop_entra(G);
            w.deleted = deleted.clone();
        });
        let group = subject(&outcome).unwrap();
        assert_eq!(group["objectId"], G, "the id is known from the anchor");
        assert!(finding(&outcome, "C11").unwrap()["message"].as_str().unwrap().contains(says));
    }
    table(
        "C12",
        &[
            ("alive", |_| {}, Silent, "migrate"),
            (
                "in deletedItems",
                |w| {
                    w.drop_entra(G);
                    w.deleted = Some(vec![entra_group("Sales", G)]);
                },
                Found,
                "exclude",
            ),
            (
                "deletedDateTime among the groups",
                |w| drop(w.eset("deletedDateTime", json!("2026-11-01T00:00:00Z"))),
                Found,
                "exclude",
            ),
            ("deletedDateTime null", |w| drop(w.eset("deletedDateTime", json!(null))), Silent, "migrate"),
            (
                "the date that means none",
                |w| drop(w.eset("deletedDateTime", json!("0001-01-01T00:00:00Z"))),
                Silent,
                "migrate",
            ),
            ("gone", |w| drop(w.drop_entra(G)), Silent, "review"),
            ("not collected", |w| w.groups = None, Open, "review"),
        ],
    );
}

#[test]
fn c13() {
    table(
        "C13",
        &[
            ("true", |_| {}, Silent, "migrate"),
            ("false", |w| drop(w.eset("writebackConfiguration", json!({ "isEnabled": false }))), Found, "review"),
            ("null", |w| drop(w.eset("writebackConfiguration", json!({ "isEnabled": null }))), Found, "review"),
            ("the whole configuration null", |w| drop(w.eset("writebackConfiguration", json!(null))), Found, "review"),
            ("absent", |w| drop(w.eunset("writebackConfiguration")), Open, "migrate"),
            (
                "false, but Microsoft 365",
                |w| {
                    w.eset("writebackConfiguration", json!({ "isEnabled": false }))
                        .eset("groupTypes", json!(["Unified"]));
                },
                Silent,
                "exclude",
            ),
            (
                "false, but deleted",
                |w| {
                    w.eset("writebackConfiguration", json!({ "isEnabled": false }))
                        .eset("deletedDateTime", json!("2026-01-01T00:00:00Z"));
                },
                Silent,
                "exclude",
            ),
            ("Entra not collected", |w| w.groups = None, Open, "review"),
        ],
    );
}

#[test]
fn c14_and_c16() {
    let id = group_id(1);
    let upper = format!("Group_{}", G.to_uppercase());
    let same = format!("Group_{G}");
    let other = format!("Group_{id}");
    // EDOI, adminDescription, severity of C14 if found, C16, verdict.
    let cases: &[(&str, Option<&str>, Option<&str>, Option<&str>, _, &str)] = &[
        ("empty", None, Some(&same), Some("info"), Silent, "migrate"),
        ("equal", Some(&same), Some(&same), Some("info"), Silent, "migrate"),
        ("equal but for case", Some(&upper), Some(&same), Some("info"), Silent, "migrate"),
        ("both upper-case", Some(&upper), Some(&upper), Some("info"), Silent, "migrate"),
        ("different", Some(&other), Some(&same), Some("high"), Silent, "review"),
        ("an anchor, adminDescription empty", Some(&same), None, Some("high"), Silent, "review"),
        ("User_", Some("User_3a5c3221-c465-48c0-95b8-e9305786a271"), Some(&same), None, Found, "review"),
        ("words", Some("x"), Some(&same), None, Found, "review"),
        ("malformed", Some("Group_x"), Some(&same), None, Found, "review"),
        ("lower-case prefix", Some("group_3a5c3221-c465-48c0-95b8-e9305786a271"), Some(&same), None, Found, "review"),
        ("TakenOver", Some("TakenOver_Group_3a5c3221-c465-48c0-95b8-e9305786a271"), Some(&same), None, Found, "review"),
    ];
    for (what, edoi, admin, severity, c16, verdict) in cases {
        let outcome = world(|w| {
            for (name, value) in [(EDOI, edoi), ("adminDescription", admin)] {
                match value {
                    Some(value) => w.g().set(name, value),
                    None => w.g().unset(name),
                };
            }
        });
        let c14 = finding(&outcome, "C14");
        assert_eq!(c14.and_then(|f| f["severity"].as_str()), *severity, "{what}: {c14:?}");
        assert_eq!(told(&outcome, "C16"), *c16, "{what}");
        assert_eq!(subject(&outcome).unwrap()["verdict"], *verdict, "{what}");
        if what.contains("upper-case") || what.ends_with("for case") {
            assert!(c14.unwrap()["message"].as_str().unwrap().contains("letter case"), "{what}: {c14:?}");
        }
    }
}

/// Nothing is stamped on a group that has no anchor, and the report must not say so.
#[test]
fn c14_promises_no_stamp_without_an_anchor() {
    let outcome = world(|w| drop(w.g().unset("adminDescription")));
    let c14 = finding(&outcome, "C14");
    assert!(c14.is_none_or(|f| !f["message"].as_str().unwrap().contains("cutover stamps")), "{c14:?}");
}

fn second(w: &mut World, dn: &str, admin: Option<&str>, edoi: Option<&str>) {
    let mut entry = ad_group("Second", "x", 2900);
    entry.dn = dn.to_owned();
    entry.unset("adminDescription");
    for (name, value) in [("adminDescription", admin), (EDOI, edoi)] {
        if let Some(value) = value {
            entry.set(name, value);
        }
    }
    w.add_entry(entry);
}

#[test]
fn c15() {
    const ANCHOR: &str = "Group_3a5c3221-c465-48c0-95b8-e9305786a271";
    const UPPER: &str = "Group_3A5C3221-C465-48C0-95B8-E9305786A271";
    const ELSEWHERE: &str = "CN=Second,OU=Other,DC=contoso,DC=com";
    table(
        "C15",
        &[
            ("alone", |_| {}, Silent, "migrate"),
            ("its own two attributes", |w| drop(w.g().set(EDOI, ANCHOR)), Silent, "migrate"),
            (
                "adminDescription twice in the container",
                |w| second(w, "CN=Second,OU=GroupWriteback,DC=contoso,DC=com", Some(ANCHOR), None),
                Found,
                "fix",
            ),
            ("adminDescription in another OU", |w| second(w, ELSEWHERE, Some(ANCHOR), None), Found, "fix"),
            ("in other letters", |w| second(w, ELSEWHERE, Some(UPPER), None), Found, "fix"),
            (
                "EDOI twice",
                |w| {
                    w.g().set(EDOI, ANCHOR);
                    second(w, ELSEWHERE, None, Some(ANCHOR));
                },
                Found,
                "fix",
            ),
            (
                "EDOI elsewhere is what the cutover would stamp here",
                |w| second(w, ELSEWHERE, None, Some(ANCHOR)),
                Found,
                "fix",
            ),
            (
                "adminDescription elsewhere is this EDOI",
                |w| {
                    w.g().set(EDOI, ANCHOR).unset("adminDescription");
                    second(w, ELSEWHERE, Some(ANCHOR), None);
                },
                Found,
                "review",
            ),
            (
                "a user with this EDOI",
                |w| {
                    w.g().set(EDOI, ANCHOR);
                    w.entry("User 1").set(EDOI, ANCHOR);
                },
                Found,
                "fix",
            ),
            ("a user with the EDOI to be stamped here", |w| drop(w.entry("User 1").set(EDOI, ANCHOR)), Found, "fix"),
            (
                "a contact with this adminDescription",
                |w| {
                    let mut contact = Entry::new(format!("CN=C,{PEOPLE}"), &["top", "contact"]);
                    contact.set("adminDescription", UPPER);
                    w.add_entry(contact);
                },
                Found,
                "fix",
            ),
            (
                "a deleted object with it",
                |w| {
                    let mut tomb =
                        Entry::new("CN=Old\\0ADEL:1,CN=Deleted Objects,DC=contoso,DC=com", &["top", "group"]);
                    tomb.set("adminDescription", ANCHOR).set("isDeleted", "TRUE");
                    w.add_entry(tomb);
                },
                Silent,
                "migrate",
            ),
            (
                "another anchor",
                |w| second(w, ELSEWHERE, Some("Group_3a5c3221-c465-48c0-95b8-e9305786a272"), None),
                Silent,
                "migrate",
            ),
            (
                "malformed, twice",
                |w| {
                    w.g().set("adminDescription", "Group_NoSync");
                    second(w, ELSEWHERE, Some("group_nosync"), None);
                },
                Found,
                "review",
            ),
            (
                "words, twice",
                |w| {
                    w.g().set("adminDescription", "x");
                    second(w, ELSEWHERE, Some("x"), None);
                },
                Silent,
                "review",
            ),
        ],
    );
    // Both carriers are named to each other, wherever they stand.
    let outcome = world(|w| second(w, ELSEWHERE, Some(ANCHOR), None));
    let f = finding(&outcome, "C15").unwrap();
    assert_eq!(f["evidence"]["others"], json!([ELSEWHERE]));
    assert_eq!(f["severity"], "blocker");
    let second = outcome.group("Second");
    assert_eq!((second["objectId"].as_str(), outcome.groups().len()), (Some(G), 2));
    assert!(second["findings"].as_array().unwrap().iter().any(|f| f["rule"] == "C15"));
}
