//! A collection that falls short: exit code 1 and no bundle, unless the operator accepts it; then everything says so.

use crate::support::cli::Desk;
use crate::support::{World, entra_group, group_id, user_dn};
use serde_json::{Value, json};

const CONTEXT: &str = "https://graph.microsoft.com/v1.0/$metadata#groups";
const BETA: &str = "https://graph.microsoft.com/beta/$metadata#groups(id,writebackConfiguration)";

fn page(w: &mut World, file: &str, context: &str, more: Value) {
    let mut page = json!({ "@odata.context": context, "value": w.groups.clone().unwrap_or_default() });
    page.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    w.json(&format!("entra/{file}"), page);
}

fn only_pages(w: &mut World, pages: &[(&str, &str, Value)]) {
    for (file, context, more) in pages {
        page(w, file, context, more.clone());
    }
    w.groups = None;
}

fn next() -> Value {
    json!({ "@odata.nextLink": "https://graph.microsoft.com/v1.0/groups?$skiptoken=x" })
}

fn ldif_tail(w: &mut World, tail: &str) {
    let mut text = String::from_utf8(w.export().remove("ad/export.ldf").unwrap()).unwrap();
    text.push_str(tail);
    w.ad = None;
    w.text("ad/export.ldf", &text);
}

type Short = (&'static str, fn(&mut World), &'static str);

const SHORT: &[Short] = &[
    (
        "range not finished",
        |w| drop(w.g().unset("member").add("member;range=0-0", user_dn(1))),
        "member lists of 1 group",
    ),
    (
        "range with a gap",
        |w| drop(w.g().unset("member").add("member;range=0-0", user_dn(1)).add("member;range=5-*", user_dn(2))),
        "member lists of 1 group",
    ),
    (
        "range that begins late",
        |w| drop(w.g().unset("member").add("member;range=1-*", user_dn(2))),
        "member lists of 1 group",
    ),
    ("the last page is missing", |w| only_pages(w, &[("groups.json", CONTEXT, next())]), "last page is missing"),
    (
        "the last page of beta is missing",
        |w| {
            only_pages(w, &[("groups.json", CONTEXT, json!({})), ("groups-beta.json", BETA, next())]);
        },
        "last page is missing",
    ),
    (
        "the count says more",
        |w| only_pages(w, &[("groups.json", CONTEXT, json!({ "@odata.count": 2 }))]),
        "@odata.count says 2, 1 were read",
    ),
    (
        "the count of one query says more",
        |w| {
            only_pages(
                w,
                &[("groups.json", CONTEXT, json!({ "@odata.count": 2 })), ("groups-beta.json", BETA, json!({}))],
            );
        },
        "@odata.count says 2, 1 were read",
    ),
    ("members go on", |w| drop(w.eset("members@odata.nextLink", json!("https://x"))), "members@odata.nextLink"),
    (
        "size limit",
        |w| ldif_tail(w, "# search result\nsearch: 2\nresult: 4 Size limit exceeded\n\n"),
        "4 Size limit exceeded",
    ),
    (
        "expanded members stop at twenty",
        |w| {
            for n in 100..118 {
                w.add_user(n).emember("user", &crate::support::user_id(n));
            }
            only_pages(
                w,
                &[("groups.json", "https://graph.microsoft.com/v1.0/$metadata#groups(members())", json!({}))],
            );
        },
        "exactly 20 members",
    ),
    (
        "pages of assignments",
        |w| {
            w.json("cloudsync/appRoleAssignedTo.json", json!({ "value": [], "@odata.nextLink": "https://x" }));
        },
        "last page is missing",
    ),
];

/// Only the start of a file is looked at for its context; where that ends within a character, it is still read.
#[test]
fn twenty_expanded_members_beside_long_texts() {
    for padding in ["", "a", "aa"] {
        let mut world = World::base();
        for n in 100..118 {
            world.add_user(n).emember("user", &crate::support::user_id(n));
        }
        world.eset("description", json!(format!("{padding}{}", "€".repeat(3000))));
        only_pages(
            &mut world,
            &[("groups.json", "https://graph.microsoft.com/v1.0/$metadata#groups(members())", json!({}))],
        );
        Desk::with(&world).collect().code(1).says(&["exactly 20 members"]);
    }
}

#[test]
fn refused_unless_accepted() {
    for (what, spoil, says) in SHORT {
        let mut world = World::base();
        spoil(&mut world);
        let desk = Desk::with(&world);
        desk.collect().code(1).says(&[says, "falls short", "--accept-partial"]);
        assert_eq!(desk.names(), ["export"], "{what}");
        let ran = desk.run(&["collect", "--offline", "export", "--out", "bundle", "--accept-partial"]).ok();
        assert!(ran.err.contains(says), "{what}: {}", ran.err);

        let first = desk.assess(&[]).ok().out;
        assert!(first.lines().next().unwrap().starts_with("PARTIAL"), "{what}: {first}");
        let assessment = desk.json("out/assessment.json");
        assert_eq!(assessment["bundle"]["complete"], false, "{what}");
        assert!(assessment["limits"].to_string().contains(says), "{what}: {}", assessment["limits"]);
        assert!(desk.text("out/assessment.md").lines().take(4).any(|l| l.contains("PARTIAL")), "{what}");
        assert!(desk.text("out/assessment.html").to_lowercase().contains("partial"), "{what}");
        desk.run(&["bundle", "verify", "bundle"]).ok().prints(&["partial"]);
        desk.run(&["bundle", "info", "bundle"]).ok().prints(&["PARTIAL", says]);
    }
}

#[test]
fn what_is_whole_is_not_short() {
    let whole: &[(&str, fn(&mut World))] = &[
        ("ranges that join", |w| {
            drop(w.g().unset("member").add("member;range=0-0", user_dn(1)).add("member;range=1-*", user_dn(2)))
        }),
        ("one range that is all", |w| {
            drop(w.g().unset("member").add("member;range=0-*", user_dn(1)).add("member;range=0-*", user_dn(2)))
        }),
        ("two pages", |w| only_pages(w, &[("groups-1.json", CONTEXT, next()), ("groups-2.json", CONTEXT, json!({}))])),
        ("a count that is met", |w| only_pages(w, &[("groups.json", CONTEXT, json!({ "@odata.count": 1 }))])),
        ("success", |w| ldif_tail(w, "search: 2\nresult: 0 Success\n\n# numResponses: 5\n")),
        ("twenty members, not expanded", |w| {
            for n in 100..118 {
                w.add_user(n).emember("user", &crate::support::user_id(n));
            }
        }),
    ];
    for (what, alter) in whole {
        let mut world = World::base();
        alter(&mut world);
        let ran = Desk::with(&world).collect();
        assert_eq!(ran.code, 0, "{what}: {}", ran.err);
    }
}

/// What rests on the missing part is unknown; the rest is as before.
#[test]
fn what_rests_on_the_missing_part_is_unknown() {
    let mut world = World::base();
    world.add_pair(1);
    world.g().unset("member").add("member;range=0-0", user_dn(1));
    let outcome = world.run();
    let status =
        |group: &str, rule: &str| outcome.finding(group, rule).map(|f| f["status"].as_str().unwrap().to_owned());
    for rule in ["C17", "C27"] {
        assert_eq!(status("Group_3a5c3221", rule).as_deref(), Some("unknown"), "{rule}");
        assert_eq!(status(&group_id(1), rule), None, "{rule}");
    }
    // A list of groups that is not whole cannot say that a group is gone.
    let mut world = World::base();
    world.groups = Some(vec![entra_group("Other", &group_id(7))]);
    only_pages(&mut world, &[("groups.json", CONTEXT, next())]);
    let outcome = world.run();
    let found = outcome.finding("Group_3a5c3221", "C11").unwrap();
    assert_eq!(found["status"], "unknown", "{found:#}");
    assert_eq!(outcome.status("C19"), "unknown");

    // A search that was cut cannot say that AD lacks an object.
    let mut world = World::base();
    world.add_entra(entra_group("Lost", &group_id(7)));
    world.user(1)["onPremisesObjectIdentifier"] = json!(crate::support::other_id(5));
    world.user(1)["onPremisesSecurityIdentifier"] = json!(crate::support::sid(9999));
    ldif_tail(&mut world, "search: 2\nresult: 4 Size limit exceeded\n\n");
    let outcome = world.run();
    let status = |group: &str, rule: &str| outcome.finding(group, rule).unwrap()["status"].as_str().unwrap().to_owned();
    assert_eq!(status(&group_id(7), "C41"), "unknown");
    assert_eq!(status("Group_3a5c3221", "C22"), "unknown");
    assert_eq!(status("Group_3a5c3221", "C27"), "unknown");
}
