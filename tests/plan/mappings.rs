//! Proposed mappings: the simplest form that keeps every name and place, and what it needs.

use crate::support::{G, World, ad_group, entra_group, group_id};
use crate::{With, made};
use groupshift::directory::inventory::Evaluation;
use groupshift::plan::Plan;
use serde_json::json;

fn plan(alter: impl FnOnce(&mut World)) -> Plan {
    let mut world = World::base();
    world.drop_entry("Group_3a5c3221").drop_entra(G);
    alter(&mut world);
    made(&world, With::default())
}

/// A clean pair of this CN, display name and number, below the writeback container or another.
fn pair(world: &mut World, n: u32, cn: &str, display: &str, parent: Option<&str>) {
    let mut entry = ad_group(cn, &group_id(n), 3000 + n);
    if let Some(parent) = parent {
        entry.dn = format!("CN={cn},{parent}");
    }
    world.add_entry(entry);
    world.add_entra(entra_group(display, &group_id(n)));
}

fn forms(plan: &Plan) -> (String, String) {
    let m = &plan.mappings;
    (m.cn.as_ref().unwrap().form.clone(), m.parent_distinguished_name.as_ref().unwrap().form.clone())
}

fn default_cn(n: u32, display: &str) -> String {
    format!("{display}_{n:012x}")
}

#[test]
fn the_simplest_form_that_holds() {
    type Case = (&'static str, fn(&mut World), (&'static str, &'static str), &'static str);
    let cases: [Case; 5] = [
        (
            "all named by id",
            |w| (1..4).for_each(|n| pair(w, n, &format!("Group_{}", group_id(n)), "Sales", None)),
            ("function", "constant"),
            "Append(\"Group_\",[objectId])",
        ),
        (
            "all named by the default",
            |w| (1..4).for_each(|n| pair(w, n, &default_cn(n, "Sales"), "Sales", None)),
            ("function", "constant"),
            "Append(Append(Left(Trim([displayName]),51),\"_\"),Mid([objectId],25,12))",
        ),
        (
            "all named by display name",
            |w| (1..4).for_each(|n| pair(w, n, &format!("Sales {n}"), &format!("Sales {n}"), None)),
            ("attribute", "constant"),
            "[displayName]",
        ),
        (
            "few of both kinds",
            |w| {
                pair(w, 1, &format!("Group_{}", group_id(1)), "Sales", None);
                pair(w, 2, &default_cn(2, "Sales"), "Sales", Some("OU=Other,DC=contoso,DC=com"));
            },
            ("switch", "switch"),
            "Switch([objectId],,",
        ),
        (
            "many of both kinds",
            |w| {
                for n in 1..40 {
                    let cn = if n % 2 == 0 { format!("Group_{}", group_id(n)) } else { default_cn(n, "Sales") };
                    pair(w, n, &cn, "Sales", (n % 3 == 0).then_some("OU=Other,DC=contoso,DC=com"));
                }
            },
            ("extension", "extension"),
            "[extension_{appId}_GroupCN]",
        ),
    ];
    for (what, alter, (cn, parent), expression) in cases {
        let plan = plan(alter);
        let m = &plan.mappings;
        assert_eq!(forms(&plan), (cn.to_owned(), parent.to_owned()), "{what}");
        assert!(m.cn.as_ref().unwrap().expression.starts_with(expression), "{what}: {:?}", m.cn);
        assert!(m.keeps_every_name && m.keeps_every_place && m.cannot_keep.is_empty(), "{what}: {m:?}");
        assert_eq!(m.cn.as_ref().unwrap().holds, plan.summary.planned, "{what}");
        let patch = m.schema_patch.as_ref().unwrap();
        assert_eq!(patch.attribute_mappings.len(), 2, "{what}");
        for group in plan.waves.iter().flat_map(|w| &w.groups) {
            assert_eq!(group.predicted.dn.as_deref(), Some(group.dn.as_str()), "{what}");
        }
        let text = serde_json::to_string(m).unwrap();
        assert!(!text.contains("IIF("), "{what}");
    }
}

#[test]
fn extension_values_are_steps_of_their_groups() {
    let plan = plan(|w| {
        for n in 1..40 {
            let cn = if n % 2 == 0 { format!("Group_{}", group_id(n)) } else { default_cn(n, "Sales") };
            pair(w, n, &cn, "Sales", None);
        }
    });
    for group in plan.waves.iter().flat_map(|w| &w.groups) {
        let step = group.steps.iter().find(|s| s.kind == "write-extension").unwrap();
        assert_eq!((step.expects.as_deref(), step.writes.as_deref()), (None, group.predicted.cn.as_deref()));
    }
    assert_eq!(plan.mappings.extensions[0].values, plan.summary.planned);
    assert!(!plan.mappings.extensions[0].exists);
}

/// A job whose own mappings keep everything is left alone; one that reads an extension is helped out.
#[test]
fn the_jobs_own_mapping() {
    let job = |world: &mut World, cn: &str, parent: &str| {
        let mapping = |target: &str, text: &str| {
            json!({ "targetAttributeName": target, "flowType": "Always",
                    "source": { "type": "Function", "name": text.split('(').next(), "expression": text, "parameters": [] } })
        };
        let parent = json!({ "targetAttributeName": "parentDistinguishedName", "flowType": "Always",
                             "source": { "type": "Constant", "name": parent, "expression": format!("\"{parent}\""), "parameters": [] } });
        world.json(
            "cloudsync/jobs.json",
            json!({ "value": [{ "id": "AAD2ADGroupProvisioning.x.y", "templateId": "AAD2ADGroupProvisioning",
            "status": { "code": "Paused", "lastExecution": null }, "schedule": { "interval": "PT40M" } }] }),
        );
        world.json("cloudsync/appRoleAssignedTo.json", json!({ "value": [] }));
        world.json("cloudsync/schema.json", json!({ "synchronizationRules": [{ "targetDirectoryName": "Active Directory",
            "objectMappings": [{ "sourceObjectName": "Group", "targetObjectName": "group", "enabled": true, "flowTypes": "Add,Update,Delete",
                "attributeMappings": [mapping("cn", cn), parent] }] }] }));
    };
    let ou = crate::support::OU;
    let kept = plan(|w| {
        pair(w, 1, &format!("Group_{}", group_id(1)), "Sales", None);
        job(w, "Append(\"Group_\",[objectId])", ou);
    });
    assert_eq!(forms(&kept), ("job".to_owned(), "job".to_owned()));
    assert!(kept.mappings.schema_patch.is_none() && kept.mappings.keeps_every_name);
    assert_eq!((kept.timing.cycle_minutes, kept.job.id.is_some()), (40, true));

    let changed = plan(|w| {
        pair(w, 1, &format!("Group_{}", group_id(1)), "Sales", None);
        job(w, "Append(\"Group_\",[objectId])", "CN=Users,DC=contoso,DC=com");
    });
    assert_eq!(forms(&changed), ("job".to_owned(), "constant".to_owned()));
    let patch = changed.mappings.schema_patch.as_ref().unwrap();
    assert_eq!(patch.expects[0]["source"]["name"], "CN=Users,DC=contoso,DC=com");
    assert_eq!(patch.attribute_mappings[0]["source"]["name"], ou);
    let fixed = &changed.waves[0].groups[0].fixes;
    assert!(fixed.iter().any(|f| f.rule == "C30"), "{fixed:?}");
}

#[test]
fn a_name_that_nothing_keeps() {
    let plan = plan(|w| {
        pair(w, 1, &format!("Group_{}", group_id(1)), "Sales", None);
        pair(w, 2, "\\ Led by a blank", " Led by a blank", None);
    });
    assert_eq!(plan.summary.planned, 1);
    let left = plan.outside.iter().find(|o| o.object_id.as_deref() == Some(&group_id(2))).unwrap();
    assert!(left.reasons.iter().any(|r| r.text.contains("blank")), "{left:?}");
}

/// What the tenant's own evaluator gives for a planned group decides whether a mapping is proposed.
#[test]
fn the_tenant_has_a_say() {
    let mut world = World::base();
    world.drop_entry("Group_3a5c3221").drop_entra(G);
    (1..4).for_each(|n| pair(&mut world, n, &format!("Sales {n}"), &format!("Sales {n}"), None));
    let answer = |expression: &str, n: u32, result: &[&str]| Evaluation {
        expression: expression.to_owned(),
        group: Some(group_id(n)),
        evaluated: true,
        result: result.iter().map(|r| (*r).to_owned()).collect(),
        ..Evaluation::default()
    };
    let planned = |evaluations: &[Evaluation]| made(&world, With { evaluations, ..With::default() });
    let note = |plan: &Plan, words: &str| plan.mappings.notes.iter().any(|n| n.contains(words));

    let agreed = planned(&[answer("[displayName]", 1, &["Sales 1"]), answer("[displayName]", 3, &["Sales 3"])]);
    assert_eq!(forms(&agreed).0, "attribute");
    assert!(note(&agreed, "gives the present value of cn for all 2 groups"), "{:?}", agreed.mappings.notes);

    for wrong in [&["Sales 2!"][..], &[]] {
        let refused = planned(&[answer("[displayName]", 1, &["Sales 1"]), answer("[displayName]", 2, wrong)]);
        assert_eq!(forms(&refused).0, "switch");
        assert!(note(&refused, "[displayName] was refused for cn"), "{:?}", refused.mappings.notes);
        assert!(refused.mappings.keeps_every_name);
    }
    // One that fails, too. An answer about a group that is not planned says nothing.
    let failed = Evaluation { evaluated: false, error: Some("no".to_owned()), ..answer("[displayName]", 2, &[]) };
    assert_eq!(forms(&planned(&[failed])).0, "switch");
    assert_eq!(forms(&planned(&[answer("[displayName]", 9, &["x"])])).0, "attribute");

    // A tenant that refuses every form: no group is planned, and each says why.
    let mut answers = vec![answer("[displayName]", 1, &["x"])];
    for _ in 0..4 {
        let plan = planned(&answers);
        let Some(cn) = &plan.mappings.cn else { break };
        answers.push(answer(&cn.expression, 1, &["x"]));
    }
    let none = planned(&answers);
    assert_eq!(none.summary.planned, 0);
    let says =
        |o: &groupshift::plan::model::Outside| o.reasons.iter().any(|r| r.text.contains("refuses every mapping"));
    assert!(none.outside.iter().any(says), "{:?}", none.outside);
}
