//! Names, places and attributes: AD today, Entra today, AD afterwards.

use crate::support::{Entry, G, OU, World, ad_group, entra_group, group_id};
use crate::{texts, told};
use serde_json::{Value, json};

/// A job with these mappings: target, expression (`=text` for a constant), flow type.
pub fn job(w: &mut World, mappings: &[(&str, &str, &str)]) {
    let mapping = |(target, expression, flow): &(&str, &str, &str)| {
        let (kind, name, text) = match expression.strip_prefix('=') {
            Some(constant) => ("Constant", constant.to_owned(), format!("\"{constant}\"")),
            None if expression.starts_with('[') => {
                ("Attribute", expression.trim_matches(['[', ']']).to_owned(), (*expression).to_owned())
            }
            None => ("Function", expression.split('(').next().unwrap().to_owned(), (*expression).to_owned()),
        };
        json!({ "targetAttributeName": target, "flowType": flow, "matchingPriority": 0,
                "source": { "type": kind, "name": name, "expression": text, "parameters": [] } })
    };
    let mappings: Vec<Value> = mappings.iter().map(mapping).collect();
    w.json(
        "cloudsync/jobs.json",
        json!({ "value": [{ "id": "AAD2ADGroupProvisioning.1", "templateId": "AAD2ADGroupProvisioning" }] }),
    );
    w.json("cloudsync/servicePrincipal.json", json!({ "id": "sp", "displayName": "contoso.com" }));
    w.json("cloudsync/schema.json", json!({
        "id": "AAD2ADGroupProvisioning.1",
        "synchronizationRules": [{ "name": "r", "sourceDirectoryName": "Azure Active Directory", "targetDirectoryName": "Active Directory",
            "objectMappings": [{ "enabled": true, "flowTypes": "Add,Update,Delete", "sourceObjectName": "Group",
                                 "targetObjectName": "group", "attributeMappings": mappings }] }] }));
    w.json("cloudsync/appRoleAssignedTo.json", json!({ "value": [] }));
}

const CN: (&str, &str, &str) = ("cn", "Append(\"Group_\",[objectId])", "Always");

/// The AD object, called as the mapping of `CN` would call it.
fn stay(w: &mut World) -> &mut Entry {
    let dn = format!("CN=Group_{G},{OU}");
    let anchor = format!("Group_{G}");
    let of_group = |e: &&mut Entry| e.values.iter().any(|(n, v)| n == "adminDescription" && *v == anchor.as_bytes());
    let entry = w.ad.as_mut().unwrap().iter_mut().find(of_group).unwrap();
    entry.dn = dn;
    entry
}

#[test]
fn documented_defaults_without_a_job() {
    let told = told(&World::base());
    assert_eq!(told.json["basis"]["mappings"], "defaults");
    let g = told.group(G);
    let changes = texts(&g["changes"]);
    for change in ["renamed", "moved", "display-name", "stamped"] {
        assert!(changes.contains(&change.to_owned()), "{change}: {changes:?}");
    }
    let cn = told.attribute(G, "cn");
    assert_eq!(
        (&cn["ad"], &cn["after"], &cn["state"]),
        (&json!("Group_3a5c3221"), &json!("Sales_e9305786a271"), &json!("changed"))
    );
    let dn = told.attribute(G, "distinguishedName");
    assert_eq!(dn["after"], "CN=Sales_e9305786a271,CN=Users,DC=contoso,DC=com");
    let name = told.attribute(G, "displayName");
    assert_eq!(
        (&name["ad"], &name["entra"], &name["after"]),
        (&json!("Group_3a5c3221"), &json!("Sales"), &json!("Sales"))
    );
    assert_eq!(told.attribute(G, "sAMAccountName")["state"], "unmapped");
    assert!(texts(&g["depends"]).contains(&"move".to_owned()));
    assert_eq!(g["severity"], "high");
}

#[test]
fn mappings_that_keep_everything() {
    let mut world = World::base();
    stay(&mut world).set("msDS-ExternalDirectoryObjectId", format!("Group_{G}"));
    job(&mut world, &[CN, ("parentDistinguishedName", &format!("={OU}"), "Always")]);
    let told = told(&world);
    let g = told.group(G);
    assert_eq!((&g["differs"], &g["changes"], &g["depends"]), (&json!(false), &json!([]), &json!([])));
    assert_eq!(told.summary()["unchanged"], json!(1));
    assert_eq!(told.attribute(G, "cn")["state"], "same");
}

#[test]
fn open_points_give_both_outcomes() {
    // A mapping that applies at creation only, of name or place.
    let mut world = World::base();
    job(&mut world, &[("cn", CN.1, "ObjectAddOnly"), ("parentDistinguishedName", &format!("={OU}"), "Always")]);
    let first = told(&world);
    let cn = first.attribute(G, "cn");
    assert_eq!(cn["state"], "unknown");
    assert_eq!(texts(&cn["candidates"]), [format!("Group_{G}"), "Group_3a5c3221".to_owned()]);
    assert_eq!(first.group(G)["depends"], json!(["add-only"]));
    assert!(texts(&first.group(G)["changes"]).contains(&"name-open".to_owned()));
    // An attribute that the input lacks.
    let mut world = World::base();
    job(
        &mut world,
        &[
            ("cn", "[extension_0123456789abcdef0123456789abcdef_Name]", "Always"),
            ("parentDistinguishedName", &format!("={OU}"), "Always"),
        ],
    );
    assert_eq!(told(&world).group(G)["depends"], json!(["expression"]));
    // A matched group of another kind.
    let mut world = World::base();
    stay(&mut world).set("groupType", "-2147483646");
    job(
        &mut world,
        &[
            CN,
            ("parentDistinguishedName", &format!("={OU}"), "Always"),
            ("UniversalScope", "=True", "Always"),
            ("isSecurityGroup", "=True", "Always"),
        ],
    );
    let third = told(&world);
    assert_eq!(third.group(G)["depends"], json!(["group-type"]));
    assert_eq!(texts(&third.attribute(G, "groupType")["candidates"]), ["universal security", "global security"]);
    // Without any schema, names are unknown.
    let mut world = World::base();
    world.files.remove("cloudsync/jobs.json");
    let fourth = told(&world);
    assert_eq!(fourth.json["basis"]["mappings"], "unknown");
    assert!(texts(&fourth.group(G)["depends"]).contains(&"expression".to_owned()));
    assert_eq!(fourth.attribute(G, "cn")["state"], "unknown");
}

#[test]
fn names_that_are_taken() {
    let mut world = World::base();
    job(&mut world, &[("cn", "[displayName]", "Always"), ("parentDistinguishedName", &format!("={OU}"), "Always")]);
    // One by an object of AD, two by each other.
    let mut other = ad_group("Sales", "", 2500);
    other.unset("adminDescription");
    world.add_entry(other);
    for n in [1, 2] {
        world.add_entry(ad_group(&format!("Twin {n}"), &group_id(n), 3000 + n));
        world.add_entra(entra_group("Twins", &group_id(n)));
    }
    let told = told(&world);
    assert!(
        texts(&told.group(G)["notes"]).join(" ").contains("The new name is taken: CN=Sales,"),
        "{:#}",
        told.group(G)
    );
    assert_eq!(told.group(G)["severity"], "blocker");
    let taken: Vec<bool> =
        (1..=2).map(|n| texts(&told.group(&group_id(n))["changes"]).contains(&"name-taken".to_owned())).collect();
    assert_eq!(taken.iter().filter(|t| **t).count(), 1, "the second of two has it taken");
    assert_eq!(told.summary()["nameTaken"], json!(2));
}

#[test]
fn an_empty_description_stays_empty() {
    let mut world = World::base();
    stay(&mut world);
    job(
        &mut world,
        &[
            CN,
            ("parentDistinguishedName", &format!("={OU}"), "Always"),
            ("description", "Left(Trim([description]),448)", "Always"),
        ],
    );
    assert_eq!(told(&world).attribute(G, "description")["state"], "same");
    // One that AD has and Entra has not may be cleared.
    stay(&mut world).set("description", "by hand");
    assert_eq!(told(&world).attribute(G, "description")["state"], "unknown");
    world.eset("description", json!("from the cloud"));
    let told = told(&world);
    let d = told.attribute(G, "description");
    assert_eq!(
        (&d["ad"], &d["entra"], &d["after"]),
        (&json!("by hand"), &json!("from the cloud"), &json!("from the cloud"))
    );
}

#[test]
fn an_attribute_that_the_bundle_does_not_hold() {
    let mut world = World::base();
    stay(&mut world);
    job(&mut world, &[CN, ("parentDistinguishedName", &format!("={OU}"), "Always"), ("info", "=governed", "Always")]);
    let told = told(&world);
    let info = told.attribute(G, "info");
    assert_eq!((&info["state"], &info["after"]), (&json!("not-collected"), &json!("governed")));
    assert_eq!(told.group(G)["differs"], json!(false));
}
