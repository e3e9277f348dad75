//! An anonymised bundle says the same of every group and every gate, and nothing of whose it was.

#[path = "anonymise/support.rs"]
mod support;
#[path = "anonymise/world.rs"]
mod world;

use serde_json::{Value, json};
use support::{Pair, bytes_of, words};
use world::Job;

#[test]
fn the_example_keeps_its_verdicts_and_loses_its_names() {
    let pair = Pair::of(|dir| groupshift::example::write(dir).unwrap());
    pair.same_verdicts();
    let text = bytes_of(&pair.copy).to_lowercase();
    // Names that every domain or product has, and words of the collection itself.
    let allowed = words(
        "users builtin computers system configuration schema groups domain controllers managed service accounts \
         administrators servers microsoft directory services displayname description missing readers security \
         device user account office server application department export external feature features object onmicrosoft \
         optional partitions policies provagentgmsa recycle windows",
    );
    let found = words(&text);
    let mut told: Vec<String> = Vec::new();
    for name in pair.names() {
        told.extend(words(&name).into_iter().filter(|w| w.len() >= 6 && found.contains(w) && !allowed.contains(w)));
    }
    told.sort_unstable();
    told.dedup();
    assert!(told.is_empty(), "{told:?}");
    for canary in ["fabrikam", "litware", "1318470925", "2843105573", "203.0.113", "6f0d2f8a1c7b"] {
        assert!(!text.contains(canary), "{canary}");
    }
    for id in pair.ids() {
        assert!(!found.contains(&id), "{id}");
    }
}

const GROUP_DN_OU: &str = r#"IIF(IsPresent([extension_0f1e2d3c4b5a69788796a5b4c3d2e1f0_GroupDN]), Replace(Mid(Mid(Replace([extension_0f1e2d3c4b5a69788796a5b4c3d2e1f0_GroupDN], "\,", , , "\2C", , ), Instr(Replace([extension_0f1e2d3c4b5a69788796a5b4c3d2e1f0_GroupDN], "\,", , , "\2C", , ), ",", , ), 9999), 2, 9999), "\2C", , , ",", , ), "OU=Polder,DC=corp,DC=hyperion,DC=net")"#;
const GROUP_DN_CN: &str = r#"IIF(IsPresent([extension_0f1e2d3c4b5a69788796a5b4c3d2e1f0_GroupDN]), Replace(Replace(Replace(Word(Replace([extension_0f1e2d3c4b5a69788796a5b4c3d2e1f0_GroupDN], "\,", , , "\2C", , ), 1, ","), "CN=", , , "", , ), "cn=", , , "", , ), "\2C", , , ",", , ), Append(Append(Left(Trim([displayName]), 51), "_"), Mid([objectId], 25, 12)))"#;
const SWITCH_OU: &str = r#"Switch([displayName],"OU=Rückschreiben\\, Gruppen,OU=Zephyrine,DC=corp,DC=hyperion,DC=net","Nibelung","OU=Polder,DC=corp,DC=hyperion,DC=net","Sycamore","OU=Tamarisk,DC=corp,DC=hyperion,DC=net")"#;

fn clause(attribute: &str, operator: &str, values: &[&str]) -> Value {
    json!({ "groups": [{ "name": "Oubliette", "clauses": [
        { "sourceOperandName": attribute, "operatorName": operator, "targetOperand": { "values": values } }] }] })
}

/// Jobs as tenants have them: kept names, made names, cut names, names from extension properties, filters.
fn jobs() -> Vec<(&'static str, Job)> {
    let job = |cn, parent, sam, scope| Job { cn, parent, sam, scope };
    let enabled = format!("extension_{}_WritebackEnabled", world::APP);
    vec![
        ("as made", job(world::DEFAULT_CN, world::CONSTANT_OU, None, Value::Null)),
        (
            "kept names, documented account name",
            job(
                r#"Append("Group_",[objectId])"#,
                world::CONSTANT_OU,
                Some(r#"Join("_", Trim([displayName]), "Hyperion_Group")"#),
                clause("displayName", "EQUALS", &["Nibelung"]),
            ),
        ),
        (
            "the property, else as made",
            job(
                r#"Coalesce([extension_0f1e2d3c4b5a69788796a5b4c3d2e1f0_GroupCN], Append(Append(Left(Trim([displayName]),51),"_"),Mid([objectId],25,12)))"#,
                SWITCH_OU,
                Some("mailNickname"),
                clause(&enabled, "IS TRUE", &[]),
            ),
        ),
        (
            "the old place",
            job(GROUP_DN_CN, GROUP_DN_OU, None, clause("displayName", "REGEX MATCH", &["^SG-|^Lysander( [a-z]+)?$"])),
        ),
        (
            "a prefix, cut short",
            job(
                r#"Append("SG-",Left([displayName],9))"#,
                r#"Join(",","OU=Rückschreiben\\, Gruppen","OU=Zephyrine","DC=corp,DC=hyperion,DC=net")"#,
                Some("Left([displayName], 12)"),
                clause("mailNickname", "NOT EQUALS", &["IT"]),
            ),
        ),
    ]
}

#[test]
fn every_sort_of_value_keeps_its_verdict_and_loses_its_name() {
    for (what, job) in jobs() {
        let pair = Pair::of(|dir| world::write(dir, &job));
        eprintln!("{what}: {}", pair.same_verdicts());
        let text = bytes_of(&pair.copy).to_lowercase();
        let plain = bytes_of(&pair.original).to_lowercase();
        for canary in world::CANARIES {
            assert!(
                !text.contains(canary),
                "{what}: {canary} at {:?}",
                text.find(canary).map(|at| &text[at.saturating_sub(80)..(at + 80).min(text.len())])
            );
        }
        // The canaries are worth something: but for what is never collected, the original has them.
        let missing: Vec<&str> = world::CANARIES.into_iter().filter(|c| !plain.contains(c)).collect();
        assert!(missing.is_empty(), "{what}: {missing:?}");
        assert!(pair.manifest.anonymised);
    }
}
