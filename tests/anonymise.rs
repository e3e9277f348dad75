//! An anonymised bundle says the same of every group and every gate, and nothing of whose it was.

#![allow(clippy::unwrap_used)]

#[path = "anonymise/support.rs"]
mod support;
#[path = "anonymise/world.rs"]
mod world;

use groupshift::directory::Dn;
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
        // The domain is one name, however it is spelled: as DNS name, in DNs, in the names of hosts.
        let container = Dn::parse(pair.after.entra.tenant.writeback_container.as_deref().unwrap()).unwrap();
        let environment = &pair.after.ad.environment;
        let domain = container.dns_domain().unwrap();
        assert_eq!(environment.domains, [domain.as_str()]);
        assert!(environment.domain_controllers[0].name.ends_with(&format!(".{domain}")));
        assert_eq!(pair.after.connect[0].writeback_forest.value().unwrap().as_deref(), Some(domain.as_str()));
    }
}

/// Binary forms of what the world's SIDs and ids are made of, as hexadecimal.
#[test]
fn security_descriptors_tell_no_account() {
    let (_, job) = jobs().swap_remove(0);
    let pair = Pair::of(|dir| world::write(dir, &job));
    let hex = |bytes: &[u8]| bytes.iter().map(|b| format!("{b:02x}")).collect::<String>();
    let (old, new) = (bytes_of(&pair.original), bytes_of(&pair.copy));
    for canary in [
        hex(&1_234_567_890u32.to_le_bytes()),
        hex(&3_456_789_012u32.to_le_bytes()),
        hex(&world::guid(777).to_ad_bytes()),
        hex(b"Cornelius"),
    ] {
        assert!(old.contains(&canary) && !new.contains(&canary), "{canary}");
    }
    assert_eq!(pair.before.ad.descriptors.len(), pair.after.ad.descriptors.len());
}

#[test]
fn words_and_ids_of_the_world_are_gone() {
    let (_, job) = jobs().swap_remove(3);
    let pair = Pair::of(|dir| world::write(dir, &job));
    let found = words(&bytes_of(&pair.copy));
    let allowed = words(
        "container managed service accounts provagentgmsa builtin controllers policies domain system policies people foreignsecurityprincipals",
    );
    let told: Vec<String> = pair
        .names()
        .iter()
        .flat_map(|name| words(name))
        .filter(|w| w.chars().count() >= 6 && found.contains(w) && !allowed.contains(w))
        .collect();
    assert!(told.is_empty(), "{told:?}");
    assert!(pair.ids().is_disjoint(&found));
}

fn groupshift(arguments: &[&std::path::Path]) -> std::process::Output {
    assert_cmd::Command::cargo_bin("groupshift").unwrap().args(arguments).output().unwrap()
}

#[test]
fn the_command_writes_a_bundle_and_says_that_it_judges_alike() {
    let (_, job) = jobs().swap_remove(0);
    let pair = Pair::of(|dir| world::write(dir, &job));
    let dir = tempfile::tempdir().unwrap();
    let run = |out: &str, more: &[&str]| {
        let mut arguments: Vec<std::path::PathBuf> = ["bundle", "anonymise"].map(Into::into).to_vec();
        arguments.extend([pair.original.clone(), "--out".into(), dir.path().join(out)]);
        arguments.extend(more.iter().map(Into::into));
        groupshift(&arguments.iter().map(|a| a.as_path()).collect::<Vec<_>>())
    };
    let output = run("one", &[]);
    let told = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success() && told.contains("same verdicts: 24 groups and all gates"), "{told}");
    let output = run("two", &["--format", "json"]);
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(told["groupsJudgedOtherwise"], 0);
    // Another key each time: nothing of one copy is found in the other.
    let (_, one) = groupshift::bundle::open(&dir.path().join("one")).unwrap();
    let (opened, two) = groupshift::bundle::open(&dir.path().join("two")).unwrap();
    assert!(opened.manifest.anonymised);
    assert!(
        (0..one.ad.objects.len())
            .all(|i| one.ad.objects[i].guid.is_nil() || one.ad.objects[i].guid != two.ad.objects[i].guid)
    );
    assert!((0..one.ad.objects.len()).all(|i| one.dn(i as u32) != two.dn(i as u32)));
    // A bundle is never written over something.
    assert_eq!(run("one", &[]).status.code(), Some(2));
    let verified =
        groupshift(&[std::path::Path::new("bundle"), std::path::Path::new("verify"), &dir.path().join("two")]);
    assert!(verified.status.success());
}

#[test]
fn what_pseudonyms_cannot_keep_is_said() {
    // A filter that looks into a word: a nested group passes it, and its pseudonym does not.
    let (_, mut job) = jobs().swap_remove(0);
    job.scope = clause("displayName", "INCLUDES", &["armalad"]);
    let pair = Pair::of(|dir| world::write(dir, &job));
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("out");
    let output = groupshift(&["bundle".as_ref(), "anonymise".as_ref(), &pair.original, "--out".as_ref(), &out]);
    let (told, warned) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert!(warned.contains("2 of 24 groups are judged otherwise"), "{warned}");
    assert!(output.status.success() && !told.contains("same verdicts"), "{told}");
    assert!(out.join("manifest.json").exists());
}
