//! The assessment as a whole: which groups are listed, in which order, and that equal input gives equal bytes.

use crate::support::{DOMAIN, Entry, G, OU, World, ad_group, assess_bundle, entra_group, group_id};
use crate::table::{subject, world};
use serde_json::json;

#[test]
fn the_clean_group_has_no_other_findings() {
    let outcome = world(|_| {});
    let mut rules: Vec<&str> = subject(&outcome).unwrap()["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|f| f["rule"].as_str().unwrap())
        .collect();
    rules.retain(|r| !["C28", "C29", "C30", "C31"].contains(r)); // tests/rules/job.rs
    assert_eq!(rules, ["C01", "C14"]);
    assert_eq!(outcome.json["summary"]["migrate"], 1);
}

#[test]
fn which_groups_are_listed() {
    let outcome = world(|w| {
        let mut plain = ad_group("Plain", "x", 2801);
        plain.unset("adminDescription");
        let mut elsewhere = ad_group("Elsewhere", &group_id(1), 2802);
        elsewhere.dn = format!("CN=Elsewhere,OU=Other,{DOMAIN}");
        let mut stray = ad_group("Stray", &group_id(2), 2803);
        stray.dn = format!("CN=Stray,OU=Other,{DOMAIN}");
        let mut ordinary = ad_group("Ordinary", "x", 2804);
        ordinary.unset("adminDescription").dn = format!("CN=Ordinary,OU=Other,{DOMAIN}");
        let mut deep = ad_group("Deep", "x", 2805);
        deep.unset("adminDescription").dn = format!("CN=Deep,OU=Below,{OU}");
        let mut looks_alike = ad_group("Trick", "x", 2806);
        looks_alike.unset("adminDescription").dn = "CN=Trick,OU=NotGroupWriteback,DC=contoso,DC=com".into();
        for entry in [plain, elsewhere, stray, ordinary, deep, looks_alike] {
            w.add_entry(entry);
        }
        w.add_entra(entra_group("Elsewhere", &group_id(1)));
        w.settings.writeback_ou = Some(OU.to_lowercase());
    });
    let names: Vec<&str> =
        outcome.groups().iter().map(|g| g["dn"].as_str().unwrap().split(',').next().unwrap()).collect();
    // Stray has an anchor without an Entra group, and does not stand in the container.
    assert_eq!(names, ["CN=Deep", "CN=Elsewhere", "CN=Group_3a5c3221", "CN=Plain"]);
    assert!(outcome.group("Plain")["objectId"].is_null());
}

#[test]
fn the_container_is_found() {
    let from = |alter: &dyn Fn(&mut World)| {
        let outcome = world(|w| {
            w.settings.writeback_ou = None;
            alter(w);
        });
        let text = |name: &str| outcome.json["bundle"][name].as_str().unwrap_or_default().to_owned();
        (text("writebackContainer"), text("writebackContainerFrom"))
    };
    let (dn, by) = from(&|_| {});
    assert!(dn == OU && by.contains("most anchored"), "{dn} {by}");
    let (dn, by) = from(&|w| {
        drop(w.server("sync01", |s| {
            s["globalSettings"]["Microsoft.GroupWriteBack.Container"] = json!("OU=C,DC=contoso,DC=com")
        }))
    });
    assert!(dn == "OU=C,DC=contoso,DC=com" && by.contains("Connect"), "{dn} {by}");
    let tenant =
        json!({ "configuration": { "writebackConfiguration": { "unifiedGroupContainer": "OU=E,DC=contoso,DC=com" } } });
    let (dn, by) =
        from(&|w| drop(w.server("sync01", |_| {}).json("entra/onPremisesSynchronization.json", tenant.clone())));
    assert!(dn == "OU=E,DC=contoso,DC=com" && by.contains("Entra"), "{dn} {by}");
    let (dn, by) = from(&|w| {
        w.json("entra/onPremisesSynchronization.json", tenant.clone());
        w.settings.writeback_ou = Some("OU=K,DC=contoso,DC=com".into());
    });
    assert!(dn == "OU=K,DC=contoso,DC=com" && by.contains("configuration"), "{dn} {by}");
}

#[test]
fn order_and_totals() {
    let outcome = world(|w| {
        for n in [9, 3, 7] {
            w.add_pair(n);
        }
        for n in [30, 20] {
            w.add_entra(entra_group("Lost", &group_id(n)));
        }
        w.entry("Extra 3").set("groupType", "-2147483646");
        w.entra(&group_id(7))["mailEnabled"] = json!(true);
        w.entry("Extra 9").dn = format!("CN=extra 9,{OU}");
    });
    let order: Vec<&str> =
        outcome.groups().iter().map(|g| g["dn"].as_str().or(g["objectId"].as_str()).unwrap()).collect();
    let last = group_id(30);
    assert_eq!(order.last(), Some(&last.as_str()));
    assert_eq!(order.len(), 6);
    let s = &outcome.json["summary"];
    let counts = ["migrate", "fix", "exclude", "review", "memberships"].map(|n| s[n].as_u64().unwrap());
    assert_eq!(counts, [2, 1, 1, 2, 2]);
}

/// Strictest wins: each pair of findings, whatever their order.
#[test]
fn the_strictest_finding_decides() {
    type Alter = fn(&mut World);
    let fix: Alter = |w| drop(w.g().set("groupType", "-2147483646"));
    let review: Alter = |w| drop(w.eset("isAssignableToRole", json!(true)));
    let exclude: Alter = |w| drop(w.eset("deletedDateTime", json!("2026-01-01T00:00:00Z")));
    let open: Alter = |w| drop(w.eunset("mailEnabled"));
    let harmless: Alter = |w| drop(w.eunset("onPremisesSyncBehavior"));
    for (what, alters, want) in [
        ("fix", vec![fix], "fix"),
        ("fix and review", vec![fix, review], "review"),
        ("fix and exclude", vec![fix, exclude], "exclude"),
        ("review and exclude", vec![review, exclude], "exclude"),
        ("all", vec![fix, review, exclude, open], "exclude"),
        ("fix and open C01", vec![fix, open], "review"),
        ("fix and open C35", vec![fix, harmless], "fix"),
        ("open C35", vec![harmless], "migrate"),
    ] {
        let outcome = world(|w| alters.iter().for_each(|a| a(w)));
        assert_eq!(subject(&outcome).unwrap()["verdict"], want, "{what}");
    }
}

#[test]
fn the_same_bundle_gives_the_same_bytes() {
    let dir = tempfile::tempdir().unwrap();
    let mut world = World::base();
    for n in 0..40 {
        world.add_pair(n);
        world.add_entra(entra_group("Lost", &group_id(1000 - n)));
    }
    world.server("sync01", |_| {}).server("sync02", |s| s["scheduler"]["stagingModeEnabled"] = json!(true));
    let bundle = world.bundle(dir.path()).unwrap();
    let first = assess_bundle(&bundle, &world.settings).unwrap();
    let again = assess_bundle(&bundle, &world.settings).unwrap();
    assert_eq!(first.bytes, again.bytes);
    // Nor does the order of lines in the export decide anything.
    let mut turned = World::base();
    for n in (0..40).rev() {
        turned.add_pair(n);
        turned.add_entra(entra_group("Lost", &group_id(1000 - n)));
    }
    turned.server("sync02", |s| s["scheduler"]["stagingModeEnabled"] = json!(true)).server("sync01", |_| {});
    turned.ad.as_mut().unwrap().reverse();
    turned.groups.as_mut().unwrap().reverse();
    let turned = turned.run();
    assert_eq!((&first.json["groups"], &first.json["summary"]), (&turned.json["groups"], &turned.json["summary"]));
}

/// Two AD objects of one Entra group are two entries with the same id.
#[test]
fn entries_are_objects() {
    let outcome = world(|w| {
        let mut second = ad_group("Second", G, 2900);
        second.dn = format!("CN=Second,OU=Other,{DOMAIN}");
        w.add_entry(second);
    });
    assert_eq!(outcome.groups().iter().filter(|g| g["objectId"] == G).count(), 2);
}

/// An object that only looks like a group by its name is none.
#[test]
fn only_groups_are_groups() {
    let outcome = world(|w| drop(w.add_entry(Entry::new(format!("CN=Group_x,{OU}"), &["top", "contact"]))));
    assert_eq!(outcome.groups().len(), 1);
}
