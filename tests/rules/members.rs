//! How many members, and which of them Cloud Sync can write: C17, C18, C20–C26.

use crate::support::{G, World, ad_guid, entra_group, entra_user, group_id, other_id, user_id};
use crate::table::{Found, Open, Silent, finding, subject, table, told, world};
use serde_json::{Value, json};

#[test]
fn c17_and_c18_at_the_documented_limits() {
    let sizes = [(44_999, Silent, Silent), (45_000, Silent, Found), (50_000, Silent, Found), (50_001, Found, Silent)];
    let outcome = world(|w| {
        for (i, (size, ..)) in sizes.iter().enumerate() {
            w.add_pair(i as u32);
            let entry = w.entry(&format!("Extra {i}"));
            for n in 0..*size {
                entry.add("member", format!("CN=M{n},OU=Many,DC=contoso,DC=com"));
            }
        }
    });
    for (i, (size, c17, c18)) in sizes.iter().enumerate() {
        let id = group_id(i as u32);
        let status =
            |rule| outcome.finding(&id, rule).map_or(Silent, |f| if f["status"] == "found" { Found } else { Open });
        assert_eq!((status("C17"), status("C18")), (*c17, *c18), "{size}");
        assert_eq!(outcome.group(&id)["members"], *size);
        let verdict = if *size > 50_000 { "exclude" } else { "review" }; // C27: Entra has none of them
        assert!([verdict, "migrate"].contains(&outcome.group(&id)["verdict"].as_str().unwrap()), "{size}");
    }
    assert_eq!(outcome.finding(&group_id(3), "C17").unwrap()["evidence"]["limit"], 50_000);
}

/// With small limits set, the same rules at their edges on either side.
#[test]
fn c17_and_c18_by_policy() {
    fn limit(w: &mut World, most: u64, warn: u64) {
        w.settings.limits.max_group_members = most;
        w.settings.limits.warn_group_members = warn;
    }
    fn only_entra(w: &mut World) {
        w.drop_entry("Group_3a5c3221");
    }
    table(
        "C17",
        &[
            ("two of two", |w| limit(w, 2, 1), Silent, "migrate"),
            ("two of one", |w| limit(w, 1, 1), Found, "exclude"),
            (
                "Entra has more than AD",
                |w| {
                    limit(w, 2, 1);
                    w.add_user(3).emember("user", &user_id(3));
                },
                Found,
                "exclude",
            ),
            (
                "not in AD, but in Entra",
                |w| {
                    limit(w, 1, 1);
                    only_entra(w);
                },
                Found,
                "exclude",
            ),
            (
                "Entra's list goes on, and what was read is too much already",
                |w| {
                    limit(w, 2, 1);
                    w.add_user(3).emember("user", &user_id(3)).eset("members@odata.nextLink", json!("https://x"));
                },
                Found,
                "exclude",
            ),
            (
                "AD's list is not whole",
                |w| {
                    w.g().unset("member").set("member;range=0-0", crate::support::user_dn(1));
                },
                Open,
                "migrate",
            ),
            (
                "AD's list is not whole, and too long already",
                |w| {
                    limit(w, 1, 1);
                    w.g()
                        .unset("member")
                        .add("member;range=0-1", crate::support::user_dn(1))
                        .add("member;range=0-1", crate::support::user_dn(2));
                },
                Found,
                "exclude",
            ),
        ],
    );
    table(
        "C18",
        &[
            ("far", |w| limit(w, 100, 90), Silent, "migrate"),
            ("near", |w| limit(w, 100, 2), Found, "migrate"),
            ("at the limit", |w| limit(w, 2, 2), Found, "migrate"),
            ("beyond it", |w| limit(w, 1, 1), Silent, "exclude"),
        ],
    );
}

/// The first user's properties are set so; the AD side stays.
fn user(w: &mut World, changes: &[(&str, Value)]) {
    for (name, value) in changes {
        match value {
            Value::String(s) if s == "absent" => drop(w.user(1).as_object_mut().unwrap().remove(*name)),
            value => w.user(1)[*name] = value.clone(),
        }
    }
}

const ID: &str = "onPremisesObjectIdentifier";
const SYNCED: &str = "onPremisesSyncEnabled";

#[test]
fn users() {
    let absent = || json!("absent");
    let other_forest = json!(ad_guid(0x99999));
    // Changes to user 1 and what C20, C21 and C22 say.
    let cases: &[(&str, Vec<(&str, Value)>, [crate::table::Want; 3])] = &[
        ("synchronised, found", vec![], [Silent, Silent, Silent]),
        (
            "identifier as base64 of AD's bytes",
            vec![(ID, json!(groupshift::directory::ObjectGuid::parse(&ad_guid(0x10001)).unwrap().to_immutable_id()))],
            [Silent, Silent, Silent],
        ),
        ("identifier in capitals", vec![(ID, json!(ad_guid(0x10001).to_uppercase()))], [Silent, Silent, Silent]),
        ("cloud only", vec![(ID, json!(null)), (SYNCED, json!(null))], [Found, Silent, Silent]),
        ("cloud only, false", vec![(ID, json!(null)), (SYNCED, json!(false))], [Found, Silent, Silent]),
        ("cloud only, identifier absent", vec![(ID, absent()), (SYNCED, json!(null))], [Found, Silent, Silent]),
        ("synchronised, identifier null", vec![(ID, json!(null))], [Silent, Found, Silent]),
        ("synchronised, identifier empty", vec![(ID, json!(""))], [Silent, Found, Silent]),
        ("synchronised, identifier absent", vec![(ID, absent())], [Open, Open, Open]),
        ("another forest", vec![(ID, other_forest.clone())], [Silent, Silent, Found]),
        ("unreadable", vec![(ID, json!("xyz"))], [Silent, Silent, Found]),
        ("identifier null, synchronised absent", vec![(ID, json!(null)), (SYNCED, absent())], [Open, Open, Open]),
    ];
    for (what, changes, want) in cases {
        let outcome = world(|w| user(w, changes));
        let said = ["C20", "C21", "C22"].map(|rule| told(&outcome, rule));
        assert_eq!(said, *want, "{what}");
        if let Some(rule) = ["C20", "C21", "C22"].iter().find(|r| told(&outcome, r) == Found) {
            let f = finding(&outcome, rule).unwrap();
            assert_eq!(f["evidence"]["count"], 1, "{what}");
            assert_eq!(f["evidence"]["first"][0]["id"], user_id(1), "{what}");
        }
    }
    table(
        "C21",
        &[
            ("null", |w| user(w, &[(ID, json!(null))]), Found, "fix"),
            ("cloud only", |w| user(w, &[(ID, json!(null)), (SYNCED, json!(null))]), Silent, "migrate"),
            ("users not collected", |w| w.users = None, Open, "migrate"),
            ("members not collected", |w| drop(w.eunset("members")), Open, "migrate"),
            (
                "no members",
                |w| {
                    w.eset("members", json!([]));
                    w.g().unset("member");
                },
                Silent,
                "migrate",
            ),
            ("Entra not collected", |w| w.groups = None, Open, "review"),
            ("no such group", |w| drop(w.drop_entra(G)), Silent, "review"),
        ],
    );
    table(
        "C22",
        &[
            ("another forest", |w| user(w, &[(ID, json!(ad_guid(7)))]), Found, "fix"),
            (
                "AD's users not exported: nothing can be told",
                |w| {
                    w.drop_entry("User 1").drop_entry("User 2");
                },
                Open,
                "migrate",
            ),
        ],
    );
}

#[test]
fn evidence_is_a_count_and_the_first_twenty() {
    let outcome = world(|w| {
        for n in 100..125 {
            let mut user = entra_user(n);
            user[ID] = json!(null);
            user[SYNCED] = json!(null);
            w.users.as_mut().unwrap().push(user);
            w.emember("user", &user_id(n));
        }
    });
    let f = finding(&outcome, "C20").unwrap();
    assert_eq!(f["evidence"]["count"], 25);
    assert_eq!(f["evidence"]["first"].as_array().unwrap().len(), 20);
}

/// A nested group, whose Entra side is altered.
fn nested(w: &mut World, change: impl FnOnce(&mut Value)) {
    w.add_pair(1);
    w.emember("group", &group_id(1));
    let dn = crate::support::group_dn("Extra 1");
    w.g().add("member", dn);
    change(w.entra(&group_id(1)));
}

#[test]
fn c23_and_c26() {
    table(
        "C23",
        &[
            ("none", |_| {}, Silent, "migrate"),
            ("a cloud group", |w| nested(w, |_| {}), Silent, "migrate"),
            ("synchronised", |w| nested(w, |g| g["onPremisesSyncEnabled"] = json!(true)), Found, ""),
            ("absent", |w| nested(w, |g| drop(g.as_object_mut().unwrap().remove("onPremisesSyncEnabled"))), Open, ""),
            (
                "converted (null)",
                |w| {
                    nested(w, |g| {
                        g["onPremisesSecurityIdentifier"] = json!("S-1-5-21-1-2-3-4");
                        g["onPremisesSyncBehavior"] = json!({ "isCloudManaged": true });
                    })
                },
                Silent,
                "",
            ),
            ("a group of which only the id is known", |w| drop(w.emember("group", &group_id(9))), Open, ""),
            (
                "a member of unknown type",
                |w| {
                    w.eg()["members"].as_array_mut().unwrap().push(json!({ "id": other_id(1) }));
                },
                Open,
                "",
            ),
        ],
    );
    table(
        "C26",
        &[
            ("a cloud group", |w| nested(w, |_| {}), Silent, "migrate"),
            ("Microsoft 365", |w| nested(w, |g| g["groupTypes"] = json!(["Unified"])), Found, "review"),
            ("mail-enabled security", |w| nested(w, |g| g["mailEnabled"] = json!(true)), Found, "review"),
            (
                "distribution list",
                |w| {
                    nested(w, |g| {
                        g["mailEnabled"] = json!(true);
                        g["securityEnabled"] = json!(false);
                    })
                },
                Found,
                "review",
            ),
            (
                "synchronised and mail-enabled is C23",
                |w| {
                    nested(w, |g| {
                        g["mailEnabled"] = json!(true);
                        g["onPremisesSyncEnabled"] = json!(true);
                    })
                },
                Silent,
                "",
            ),
            ("mailEnabled absent", |w| nested(w, |g| drop(g.as_object_mut().unwrap().remove("mailEnabled"))), Open, ""),
        ],
    );
}

#[test]
fn c24_without_a_job() {
    table(
        "C24",
        &[
            ("none", |_| {}, Silent, "migrate"),
            ("child migrates", |w| nested(w, |_| {}), Silent, "migrate"),
            (
                "child needs a fix",
                |w| {
                    nested(w, |_| {});
                    w.entry("Extra 1").set("groupType", "-2147483646");
                },
                Silent,
                "migrate",
            ),
            ("child needs review", |w| nested(w, |g| g["isAssignableToRole"] = json!(true)), Found, "fix"),
            (
                "child is excluded",
                |w| {
                    nested(w, |g| g["securityEnabled"] = json!(true));
                    w.settings.limits.max_group_members = 2;
                    for n in [1, 2, 3] {
                        w.entry("Extra 1").add("member", crate::support::user_dn(n));
                    }
                    w.g().unset("member").add("member", crate::support::user_dn(1));
                },
                Found,
                "",
            ),
            (
                "child is not written back",
                |w| {
                    w.add_entra(entra_group("Free", &group_id(2)));
                    w.entra(&group_id(2))["writebackConfiguration"] = json!({ "isEnabled": false });
                    w.emember("group", &group_id(2));
                },
                Found,
                "fix",
            ),
            (
                "child is on, but not in AD",
                |w| {
                    w.add_entra(entra_group("Lost", &group_id(2)));
                    w.emember("group", &group_id(2));
                },
                Found,
                "fix",
            ),
            ("only the child's id is known", |w| drop(w.emember("group", &group_id(9))), Open, "migrate"),
            ("members not collected", |w| drop(w.eunset("members")), Open, "migrate"),
            (
                "of itself",
                |w| {
                    w.emember("group", G);
                    w.g().add("member", crate::support::group_dn("Group_3a5c3221"));
                },
                Silent,
                "migrate",
            ),
            (
                "two groups hold each other",
                |w| {
                    nested(w, |_| {});
                    let own = json!({ "@odata.type": "#microsoft.graph.group", "id": G });
                    w.entra(&group_id(1))["members"] = json!([own]);
                    w.entry("Extra 1").add("member", crate::support::group_dn("Group_3a5c3221"));
                },
                Silent,
                "migrate",
            ),
            (
                "two groups hold each other, the other excluded",
                |w| {
                    nested(w, |g| g["onPremisesSyncEnabled"] = json!(null));
                    let own = json!({ "@odata.type": "#microsoft.graph.group", "id": G });
                    w.entra(&group_id(1))["members"] = json!([own]);
                    w.entra(&group_id(1))["isManagementRestricted"] = json!(true);
                    w.entry("Extra 1").add("member", crate::support::group_dn("Group_3a5c3221"));
                },
                Found,
                "fix",
            ),
        ],
    );
    // A chain: C24 of the middle group makes it `fix`, which moves; so the outer group has no C24.
    let outcome = world(|w| {
        nested(w, |_| {});
        w.add_pair(2);
        w.entra(&group_id(2))["isAssignableToRole"] = json!(true);
        w.entra(&group_id(1))["members"] = json!([{ "@odata.type": "#microsoft.graph.group", "id": group_id(2) }]);
        w.entry("Extra 1").add("member", crate::support::group_dn("Extra 2"));
    });
    assert_eq!(outcome.group(&group_id(1))["verdict"], "fix");
    assert_eq!((told(&outcome, "C24"), subject(&outcome).unwrap()["verdict"].as_str()), (Silent, Some("migrate")));
    let first = &outcome.finding(&group_id(1), "C24").unwrap()["evidence"]["first"][0];
    assert_eq!((first["id"].as_str(), first["why"].is_string()), (Some(group_id(2).as_str()), true));
}

#[test]
fn c25() {
    table(
        "C25",
        &[
            ("none", |_| {}, Silent, "migrate"),
            ("device", |w| drop(w.emember("device", &other_id(1))), Found, "review"),
            ("service principal", |w| drop(w.emember("servicePrincipal", &other_id(1))), Found, "review"),
            ("contact", |w| drop(w.emember("orgContact", &other_id(1))), Found, "review"),
            ("a type that nobody knows yet", |w| drop(w.emember("agentIdentity", &other_id(1))), Found, "review"),
            (
                "no type",
                |w| {
                    w.eg()["members"].as_array_mut().unwrap().push(json!({ "id": other_id(1) }));
                },
                Open,
                "migrate",
            ),
            (
                "no type, but listed among the users",
                |w| {
                    w.add_user(3);
                    w.eg()["members"].as_array_mut().unwrap().push(json!({ "id": user_id(3) }));
                    w.g().add("member", crate::support::user_dn(3));
                },
                Silent,
                "migrate",
            ),
        ],
    );
}
