//! C28–C31, and C24 with a Cloud Sync job: the job's own mappings and scope decide.

use crate::support::{G, OU, World, group_dn, group_id};
use crate::table::{Found, Open, Silent, finding, subject, table, told, world};
use serde_json::{Value, json};

const DEFAULT_CN: &str = r#"Append(Append(Left(Trim([displayName]),51),"_"),Mid([objectId],25,12))"#;
const ANCHOR_CN: &str = r#"Append("Group_",[objectId])"#;
const JOB: &str = "AAD2ADGroupProvisioning.0123456789abcdef0123456789abcdef.1b2c3d4e-0000-4000-8000-000000000001";

/// Target attribute and the expression that fills it.
fn mapping(target: &str, expression: &str) -> Value {
    let (kind, name) = match expression.strip_prefix('=') {
        Some(constant) => ("Constant", constant.to_owned()),
        None if expression.starts_with('[') && expression.matches('[').count() == 1 && expression.ends_with(']') => {
            ("Attribute", expression.trim_matches(['[', ']']).to_owned())
        }
        None => ("Function", expression.split('(').next().unwrap().to_owned()),
    };
    let text = match kind {
        "Constant" => format!("\"{name}\""),
        _ => expression.to_owned(),
    };
    json!({
        "defaultValue": null, "exportMissingReferences": false, "flowBehavior": "FlowWhenChanged", "flowType": "Always",
        "matchingPriority": 0, "targetAttributeName": target,
        "source": { "expression": text, "name": name, "type": kind, "parameters": [] },
    })
}

fn with_job(w: &mut World, mappings: &[(&str, &str)]) {
    w.json(
        "cloudsync/jobs.json",
        json!({ "value": [{ "id": JOB, "templateId": "AAD2ADGroupProvisioning", "status": { "code": "Active" } }] }),
    );
    w.json("cloudsync/servicePrincipal.json", json!({ "id": "sp", "displayName": "contoso.com" }));
    let mappings: Vec<Value> = mappings.iter().map(|(t, e)| mapping(t, e)).collect();
    w.json("cloudsync/schema.json", json!({
        "id": JOB, "version": "v1",
        "directories": [
            { "id": "aad", "name": "Azure Active Directory", "objects": [{ "name": "Group", "attributes": [] }] },
            { "id": "ad", "name": "Active Directory", "objects": [{ "name": "group", "attributes": [] }] },
        ],
        "synchronizationRules": [{
            "id": "r1", "name": "AAD2ADGroupProvisioning", "sourceDirectoryName": "Azure Active Directory", "targetDirectoryName": "Active Directory",
            "objectMappings": [{
                "enabled": true, "flowTypes": "Add,Update,Delete", "name": "Provision Groups", "sourceObjectName": "Group", "targetObjectName": "group",
                "attributeMappings": mappings,
            }],
        }],
    }));
    assigned(w, &[G]);
}

fn assigned(w: &mut World, ids: &[&str]) {
    let list: Vec<Value> =
        ids.iter().map(|id| json!({ "principalId": id, "principalType": "Group", "resourceId": "sp" })).collect();
    w.json("cloudsync/appRoleAssignedTo.json", json!({ "value": list }));
}

/// A job that keeps the container, with this expression for the name.
fn job(w: &mut World, cn: &str) {
    with_job(w, &[("cn", cn), ("parentDistinguishedName", &format!("={OU}"))]);
}

/// The AD object gets this CN.
fn named(w: &mut World, cn: &str) {
    w.g().set("cn", cn.replace("\\,", ",")).dn = group_dn(cn);
}

fn of(outcome: &crate::support::Outcome, rule: &str) -> Option<Value> {
    outcome.groups().iter().find(|g| g["objectId"] == G)?["findings"]
        .as_array()?
        .iter()
        .find(|f| f["rule"] == rule)
        .cloned()
}

#[test]
fn silent_without_a_job_open_without_knowing() {
    let rules = ["C28", "C29", "C30", "C31"];
    let outcome = world(|_| {});
    assert_eq!(rules.map(|r| told(&outcome, r)), [Silent; 4], "an empty list of jobs");
    let outcome = world(|w| drop(w.files.remove("cloudsync/jobs.json")));
    assert_eq!(rules.map(|r| told(&outcome, r)), [Silent, Open, Open, Open], "jobs not collected");
    assert_eq!(subject(&outcome).unwrap()["verdict"], "migrate");
    let outcome = world(|w| {
        job(w, DEFAULT_CN);
        w.files.remove("cloudsync/schema.json");
    });
    assert_eq!(rules.map(|r| told(&outcome, r)), [Silent, Open, Open, Open], "schema not collected");
    let outcome = world(|w| {
        w.json(
            "cloudsync/jobs.json",
            json!({ "value": [{ "id": "AD2AADProvisioning.1", "templateId": "AD2AADProvisioning" }] }),
        );
    });
    assert_eq!(rules.map(|r| told(&outcome, r)), [Silent; 4], "a job of the other direction");
}

/// Names by the published default mapping, and by the one that keeps `Group_<id>`.
#[test]
fn c28_and_c29() {
    let id_name = format!("Group_{G}");
    let long = "All employees of the Contoso Europe, Middle East and Africa region";
    let fifty = "A".repeat(50) + " B";
    let cut = "A".repeat(50) + " _e9305786a271";
    // CN in AD, displayName, mapping, C28, C29, predicted.
    let cases: &[(&str, &str, &str, _, _, Option<&str>)] = &[
        (&id_name, "Sales", DEFAULT_CN, Found, Silent, Some("Sales_e9305786a271")),
        (&id_name, "Sales", ANCHOR_CN, Silent, Silent, None),
        ("Sales_e9305786a271", "Sales", DEFAULT_CN, Silent, Silent, None),
        ("sales_E9305786A271", "Sales", DEFAULT_CN, Silent, Silent, None),
        ("Sales_e9305786a271", "  Sales  ", DEFAULT_CN, Silent, Silent, None),
        ("Sales_e9305786a271", "Sold", DEFAULT_CN, Silent, Found, Some("Sold_e9305786a271")),
        ("Sales_e9305786a271", "Sales", ANCHOR_CN, Silent, Found, Some(&id_name)),
        ("Finance\\, EU_e9305786a271", "Finance, EU", DEFAULT_CN, Silent, Silent, None),
        ("Sales_e9305786a271", "Finance, EU", DEFAULT_CN, Silent, Found, Some("Finance, EU_e9305786a271")),
        (
            "x",
            long,
            DEFAULT_CN,
            Silent,
            Found,
            Some("All employees of the Contoso Europe, Middle East an_e9305786a271"),
        ),
        ("x", &fifty, DEFAULT_CN, Silent, Found, Some(&cut)),
    ];
    for (cn, display, expression, c28, c29, predicted) in cases {
        let outcome = world(|w| {
            job(w, expression);
            named(w, cn);
            w.eset("displayName", json!(display));
        });
        let what = format!("{cn} {display} {expression}");
        let status = |rule| of(&outcome, rule).map_or(Silent, |f| if f["status"] == "found" { Found } else { Open });
        assert_eq!(
            (status("C28"), status("C29")),
            (*c28, *c29),
            "{what}: {:?} {:?}",
            of(&outcome, "C28"),
            of(&outcome, "C29")
        );
        if let Some(predicted) = predicted {
            let f = of(&outcome, "C28").or_else(|| of(&outcome, "C29")).unwrap();
            assert_eq!(f["evidence"]["predicted"], *predicted, "{what}");
            assert!(f["message"].as_str().unwrap().contains(*predicted), "the finding gives the CN: {f:#}");
            assert_eq!(outcome.groups()[0]["verdict"], "fix", "{what}");
        }
    }
    // A property that the expression needs and the input lacks leaves it open.
    let outcome = world(|w| {
        job(w, DEFAULT_CN);
        w.eunset("displayName");
    });
    assert_eq!(told(&outcome, "C29"), Open);
}

#[test]
fn c30() {
    const SWITCH: &str = r#"Switch([displayName],"OU=Default,OU=container,DC=contoso,DC=com","Marketing","OU=Marketing,OU=container,DC=contoso,DC=com","Sales","OU=Sales,OU=container,DC=contoso,DC=com")"#;
    let outcome =
        world(|w| with_job(w, &[("cn", ANCHOR_CN), ("parentDistinguishedName", "=CN=Users,DC=contoso,DC=com")]));
    let f = of(&outcome, "C30").unwrap();
    assert_eq!(
        (f["status"].as_str(), f["evidence"]["predicted"].as_str()),
        (Some("found"), Some("CN=Users,DC=contoso,DC=com"))
    );
    assert_eq!(f["severity"], "high");
    for (what, parent) in [
        ("the same", format!("={OU}")),
        ("in other letters", format!("={}", OU.to_lowercase())),
        ("with blanks", format!("={}", OU.replace(',', ", "))),
    ] {
        let outcome = world(|w| with_job(w, &[("cn", ANCHOR_CN), ("parentDistinguishedName", &parent)]));
        assert!(of(&outcome, "C30").is_none(), "{what}: {:#}", of(&outcome, "C30").unwrap());
    }
    for (display, want) in [
        ("Marketing", "OU=Marketing,OU=container,DC=contoso,DC=com"),
        ("Sales", "OU=Sales,OU=container,DC=contoso,DC=com"),
        ("sales", "OU=Default,OU=container,DC=contoso,DC=com"),
        ("Sales EU", "OU=Default,OU=container,DC=contoso,DC=com"),
    ] {
        let outcome = world(|w| {
            with_job(w, &[("cn", ANCHOR_CN), ("parentDistinguishedName", SWITCH)]);
            w.eset("displayName", json!(display));
        });
        let f = of(&outcome, "C30").unwrap();
        let named = f["evidence"]["predicted"] == want || f["evidence"]["candidates"].to_string().contains(want);
        assert!(named, "{display}: {f:#}");
    }
}

#[test]
fn c31() {
    let cases: &[(&str, Option<&str>, _, &str)] = &[
        ("not mapped", None, Found, "info"),
        ("mapped to what AD has", Some("=sam-2001"), Silent, ""),
        ("in other letters", Some("=SAM-2001"), Silent, ""),
        ("mapped to another", Some(r#"Join("_",[displayName],"Contoso_Group")"#), Found, "medium"),
    ];
    for (what, sam, want, severity) in cases {
        let outcome = world(|w| {
            let parent = format!("={OU}");
            let mut mappings = vec![("cn", ANCHOR_CN), ("parentDistinguishedName", parent.as_str())];
            mappings.extend(sam.map(|s| ("sAMAccountName", s)));
            with_job(w, &mappings);
            named(w, &format!("Group_{G}"));
        });
        let f = of(&outcome, "C31");
        assert_eq!(
            f.as_ref().map_or(Silent, |f| if f["status"] == "found" { Found } else { Open }),
            *want,
            "{what}: {f:?}"
        );
        if let Some(f) = f {
            assert_eq!(f["severity"], *severity, "{what}: {f:#}");
            let verdict = if *severity == "info" { "migrate" } else { "review" };
            assert_eq!(outcome.groups()[0]["verdict"], verdict, "{what}");
        }
    }
}

fn nested(w: &mut World) {
    job(w, DEFAULT_CN);
    w.add_pair(1).emember("group", &group_id(1));
    w.g().add("member", group_dn("Extra 1"));
    w.eset("displayName", json!("Sales"));
}

#[test]
fn c24_by_the_jobs_scope() {
    table(
        "C24",
        &[
            ("child not assigned", nested, Found, "fix"),
            (
                "child assigned",
                |w| {
                    nested(w);
                    assigned(w, &[G, &group_id(1)]);
                },
                Silent,
                "",
            ),
            (
                "assigned in capitals",
                |w| {
                    nested(w);
                    assigned(w, &[&group_id(1).to_uppercase()]);
                },
                Silent,
                "",
            ),
            (
                "child assigned, though of another verdict",
                |w| {
                    nested(w);
                    w.entra(&group_id(1))["isAssignableToRole"] = json!(true);
                    assigned(w, &[G, &group_id(1)]);
                },
                Silent,
                "",
            ),
            (
                "assignments not collected",
                |w| {
                    nested(w);
                    w.files.remove("cloudsync/appRoleAssignedTo.json");
                },
                Open,
                "",
            ),
            (
                "assigned, schema not collected",
                |w| {
                    nested(w);
                    assigned(w, &[G, &group_id(1)]);
                    w.files.remove("cloudsync/schema.json");
                },
                Open,
                "",
            ),
        ],
    );
    let outcome = world(nested);
    let first = &finding(&outcome, "C24").unwrap()["evidence"]["first"][0];
    assert!(first["why"].as_str().unwrap().contains("scope"), "{first:#}");
}
