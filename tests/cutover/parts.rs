//! The lab's own parts, each alone: the agent does what Cloud Sync is documented to do and what its switches say, and the
//! double leaves evidence that is true.

use super::agent::{Cloud, Misdeed};
use super::connect::{Pending, Server, Twist};
use super::lab::{Lab, differences, values};
use groupshift::cutover::engine::evidence::{self, Anchored, Claim};
use groupshift::directory::write_key;
use groupshift::plan::Plan;
use hashbrown::HashSet;
use serde_json::json;
use std::time::{Duration, Instant};

/// The mapping that keeps the names of the container.
fn keep_names(lab: &Lab) {
    lab.state.with(|t| {
        let schema = &mut t.fixed.get_mut("/schema").unwrap()[0];
        let list = schema["synchronizationRules"][0]["objectMappings"][0]["attributeMappings"].as_array_mut().unwrap();
        let cn = list.iter_mut().find(|m| m["targetAttributeName"] == "cn").unwrap();
        cn["source"] = json!({ "type": "Function", "name": "Append", "expression": "Append(\"Group_\", [objectId])", "parameters": [] });
    });
}

/// Starts the job and waits for the end of a cycle that began after that.
fn cycles(lab: &Lab, how_many: u64) {
    lab.state.set_job_status("Active");
    let (wanted, begun) = (lab.agent.cycles() + how_many, Instant::now());
    while lab.agent.cycles() < wanted {
        assert!(begun.elapsed() < Duration::from_secs(30), "{:?}", lab.state.job());
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn the_agent_takes_over_what_is_stamped_and_makes_what_is_not() {
    let Some(lab) = Lab::new() else { return };
    let id = |name: &str| lab.world.group(name).id();
    keep_names(&lab);
    lab.stamp_by_hand(&["Sales", "Finance", "All Offices", "Drifted", "Projects", "Everybody", "Vault"]);
    let before = lab.dump();
    // Nothing happens while the job rests, and nothing to groups that are as Entra wants them.
    for name in ["Sales", "Finance", "All Offices", "Projects", "Vault", "Stamped"] {
        lab.state.assign(&id(name));
    }
    std::thread::sleep(Duration::from_millis(100));
    assert_eq!(lab.agent.cycles(), 0);
    cycles(&lab, 2);
    assert_eq!(differences(&before, &lab.dump()), Vec::<String>::new());
    let job = lab.state.job().unwrap();
    assert_eq!((job.code.as_str(), &job.raw["status"]["lastExecution"]["state"]), ("Active", &json!("Succeeded")));
    assert_eq!(lab.state.logs().len(), 6, "{:?}", lab.state.logs());

    // Drift is put right: who is not in Entra goes, who is comes.
    lab.state.assign(&id("Drifted"));
    cycles(&lab, 2);
    let members = lab.values("Drifted", "member");
    assert!(
        members.iter().any(|m| m.contains("Person 19")) && !members.iter().any(|m| m.contains("Person 20")),
        "{members:?}"
    );

    // A change in AD alone is not seen; the next change in Entra overwrites it.
    let sales = lab.world.group("Sales");
    let person = |n: usize| super::world::person_dn(n);
    lab.controller.modify(&format!(
        "dn: {}\nchangetype: modify\nadd: member\nmember: {}\n-\n\n",
        sales.dn(),
        person(30)
    ));
    cycles(&lab, 2);
    assert_eq!(lab.values("Sales", "member").len(), 5);
    lab.state.add_member(&sales.id(), &super::world::id("u31"));
    cycles(&lab, 2);
    let members = lab.values("Sales", "member");
    assert!(members.contains(&person(31)) && !members.contains(&person(30)), "{members:?}");

    // A group without a stamp is made a second time, as law 7 fears.
    lab.state.assign(&id("Night Shift"));
    let count = lab.dump().len();
    cycles(&lab, 2);
    assert_eq!(lab.state.logs().last().unwrap()["provisioningStatusInfo"]["status"], "failure", "the name is taken");
    lab.controller.modify(&format!(
        "dn: {}\nchangetype: modrdn\nnewrdn: CN=Nights\ndeleteoldrdn: 1\n\n",
        lab.world.group("Night Shift").dn()
    ));
    cycles(&lab, 2);
    assert_eq!(lab.dump().len(), count + 1);

    // Two with one stamp: the job goes into quarantine and rests.
    lab.state.assign(&id("Everybody"));
    let everybody = lab.world.group("Everybody");
    lab.controller.modify(&format!(
        "dn: CN=Copy,{}\nchangetype: add\nobjectClass: group\ngroupType: -2147483640\nsAMAccountName: copy\nmsDS-ExternalDirectoryObjectId: {}\n\n",
        super::world::OU,
        everybody.anchor()
    ));
    cycles(&lab, 1);
    let job = lab.state.job().unwrap();
    assert_eq!(job.code, "Quarantine");
    assert_eq!(job.raw["status"]["quarantine"]["reason"], "EncounteredQuarantineException");
    assert!(!job.raw["status"]["lastExecution"]["state"].as_str().unwrap().starts_with("Succ"));
}

#[test]
fn each_switch_of_the_agent_does_what_it_says() {
    let Some(lab) = Lab::new() else { return };
    let id = |name: &str| lab.world.group(name).id();
    keep_names(&lab);
    let names = ["Sales", "Finance", "Projects", "Sales EMEA", "Empty", "Everybody", "Vault", "Night Shift"];
    lab.stamp_by_hand(&names);
    let start = lab.dump();

    // Membership off: nobody comes, and nobody who is there goes, until the first update strips.
    lab.agent.behave(|b| b.on_premises_members = false);
    lab.state.add_member(&id("Sales"), &super::world::id("u31"));
    lab.state.assign(&id("Sales"));
    cycles(&lab, 2);
    assert_eq!(lab.values("Sales", "member").len(), 4);
    lab.agent.behave(|b| (b.on_premises_members, b.strips_unprovisionable) = (true, true));
    lab.state.assign(&id("Projects"));
    cycles(&lab, 2);
    let members = lab.values("Projects", "member");
    assert_eq!(members.len(), 2, "the Microsoft 365 group is no member any more: {members:?}");
    lab.agent.behave(|b| b.strips_unprovisionable = false);

    // A stamp in another letter case is no match, unless the service is blind to it.
    let finance = lab.world.group("Finance");
    let other = finance.anchor().to_uppercase().replace("GROUP_", "Group_");
    lab.controller.modify(&format!("dn: {}\nchangetype: modify\nreplace: msDS-ExternalDirectoryObjectId\nmsDS-ExternalDirectoryObjectId: {other}\n-\n\n", finance.dn()));
    lab.state.assign(&id("Finance"));
    cycles(&lab, 2);
    assert_eq!(
        lab.state.logs().last().unwrap()["provisioningStatusInfo"]["status"],
        "failure",
        "it is not found, and the name is taken"
    );
    lab.agent.behave(|b| b.case_blind = true);
    cycles(&lab, 2);
    assert_ne!(lab.state.logs().last().unwrap()["provisioningStatusInfo"]["status"], "failure");

    // Names follow the mapping, the place only where the switch says so.
    lab.state.with(|t| {
        let schema = &mut t.fixed.get_mut("/schema").unwrap()[0];
        for mapping in schema["synchronizationRules"][0]["objectMappings"][0]["attributeMappings"].as_array_mut().unwrap() {
            if mapping["targetAttributeName"] == "parentDistinguishedName" {
                mapping["source"] = json!({ "type": "Constant", "name": "OU=Retired,DC=contoso,DC=test", "expression": "\"OU=Retired,DC=contoso,DC=test\"", "parameters": [] });
            }
        }
    });
    lab.state.assign(&id("Sales EMEA"));
    cycles(&lab, 2);
    assert_eq!(values(&lab.lines("Sales EMEA"), "dn"), [lab.world.group("Sales EMEA").dn()]);
    lab.agent.behave(|b| b.moves = true);
    lab.agent.forget();
    cycles(&lab, 2);
    assert!(values(&lab.lines("Sales EMEA"), "dn")[0].ends_with("OU=Retired,DC=contoso,DC=test"));
    assert!(lab.state.logs().iter().all(|l| l["provisioningAction"] != "delete"));

    // What left the scope is deleted only where nothing forbids it.
    lab.agent.behave(|b| (b.moves, b.deletes_out_of_scope) = (false, true));
    lab.state.set_secret("SkipOutOfScopeDeletions", "True");
    lab.state.unassign(&id("Sales EMEA"));
    cycles(&lab, 2);
    assert_eq!(lab.dump().len(), start.len());
    lab.state.set_secret("SkipOutOfScopeDeletions", "False");
    lab.state.unassign(&id("Projects"));
    cycles(&lab, 2);
    assert_eq!(lab.dump().len(), start.len() - 1);
    lab.state.set_secret("SyncNotificationSettings", "{\"DeleteThresholdEnabled\":true,\"DeleteThresholdValue\":1}");
    lab.state.unassign(&id("Sales"));
    cycles(&lab, 1);
    assert_eq!(lab.dump().len(), start.len() - 1, "the threshold holds it back");
    assert_eq!(lab.state.job().unwrap().raw["status"]["quarantine"]["reason"], "TooManyDeletes");
    lab.state.set_job_status("Paused");

    // What nobody foretells, once.
    let (empty, shift) = (id("Empty"), id("Night Shift"));
    lab.agent.behave(|b| {
        b.misdeeds =
            vec![(empty.clone(), Misdeed::Adds(super::world::person_dn(9))), (shift.clone(), Misdeed::Recreates)];
    });
    lab.state.set_secret("SyncNotificationSettings", "{\"DeleteThresholdEnabled\":true,\"DeleteThresholdValue\":500}");
    lab.agent.behave(|b| b.deletes_out_of_scope = false);
    let sid = lab.lines("Night Shift").iter().find(|l| l.starts_with("objectSid")).cloned();
    lab.state.assign(&empty);
    lab.state.assign(&shift);
    cycles(&lab, 2);
    assert_eq!(lab.values("Empty", "member").len(), 1);
    let now = lab.lines("Night Shift");
    assert_ne!(now.iter().find(|l| l.starts_with("objectSid")).cloned(), sid);
    assert_eq!((values(&now, "member").len(), lab.agent.to_do()), (8, 0));
    // And a group that somebody asked for, at once, with the members that were named.
    lab.state.set_job_status("Paused");
    let everybody = id("Everybody");
    assert!(lab.server.tenant.lock().unwrap().snapshot().group(&everybody)["displayName"] == "Everybody");
}

#[test]
fn the_double_leaves_evidence_that_the_run_believes_only_where_it_is_true() {
    let Some(lab) = Lab::new() else { return };
    lab.plan("documented");
    let plan: Plan = serde_json::from_slice(&std::fs::read(lab.path("plan/plan.json")).unwrap()).unwrap();
    let server = &plan.connect[0];
    let names: HashSet<Vec<u8>> = lab
        .world
        .groups
        .iter()
        .filter(|g| g.in_ad)
        .map(|g| {
            let mut key = Vec::new();
            write_key(&g.dn(), &mut key).unwrap();
            key
        })
        .collect();
    let anchored = Anchored { names, ..Anchored::default() };
    let folder = lab.path("evidence");
    // One script at the double, and what the engine holds against its evidence.
    let run = |double: &mut Server, path: &str, step: &str, kind: &str, nonce: &str| -> Result<Vec<String>, String> {
        let text = std::fs::read_to_string(lab.path("plan").join(path)).unwrap();
        let script = lab.path(&format!("{step}.ps1"));
        std::fs::write(&script, text.replace(groupshift::plan::NONCE, nonce)).unwrap();
        let target = folder.join(format!("{step}.json"));
        double.run(&script, &target)?;
        let (found, _) = evidence::read(&target).map_err(|e| format!("unreadable: {e}"))?;
        let claim = Claim {
            plan: &plan.sha256,
            step,
            kind,
            nonce,
            server,
            anchored: &anchored,
            not_before: None,
            now: chrono::Utc::now(),
            members_may_flow: false,
        };
        Ok(evidence::judge(&found, &claim, &folder).unwrap())
    };
    let scripts: Vec<_> = plan.steps.iter().filter_map(|s| Some((s, s.script.clone()?))).collect();
    assert!(scripts.len() >= 10, "{}", scripts.len());
    let mut double = Server::new();
    double.pending = vec![Pending::harmless(&super::world::person_dn(3))];
    for (step, path) in &scripts {
        assert_eq!(run(&mut double, path, &step.id, &step.kind, "n1"), Ok(Vec::new()), "{} {}", step.id, step.kind);
    }
    assert_eq!((double.v2, double.staging, double.scheduler, double.rules.len()), (false, false, true, 3));
    // Undone while V2 is on, refused once it is off.
    let undo = |kind: &str| {
        plan.steps.iter().find(|s| s.kind == kind).map(|s| (s.id.clone(), s.undo.script.clone().unwrap())).unwrap()
    };
    let (id, path) = undo("coexistence-rules");
    assert!(run(&mut double, &path, &format!("{id}-undo"), "remove-rules", "n1").unwrap_err().contains("V2"));

    // Nothing is shown that was not done, and nothing is believed that is another's, old, cut or touched.
    let of = |kind: &str| scripts.iter().find(|(s, _)| s.kind == kind).map(|(s, p)| (s.id.clone(), p.clone())).unwrap();
    for (kind, twist, words) in [
        ("staging-on", Twist::Nonce("another run's".to_owned()), "nonce"),
        ("staging-on", Twist::Plan("0".repeat(64)), "plan"),
        ("staging-on", Twist::Computer("SYNC02".to_owned()), "server"),
        ("staging-on", Twist::WhatIf, "WhatIf"),
        ("staging-on", Twist::Lacks("StagingModeEnabled"), "StagingModeEnabled"),
        ("staging-on", Twist::Cut, "unreadable"),
        ("full-sync", Twist::RunFailed, "stopped-server-down"),
        ("pending-exports", Twist::ExportTouched, "SHA-256"),
        ("pending-exports", Twist::ExportLeft, "does not lie"),
    ] {
        let mut double = Server::new();
        let (id, path) = of("coexistence-rules");
        double.staging = true;
        run(&mut double, &path, &id, "coexistence-rules", "n1").unwrap();
        double.twists.push((kind.to_owned(), twist.clone()));
        let (id, path) = of(kind);
        let against = match run(&mut double, &path, &id, kind, "n1") {
            Ok(list) => list.join("; "),
            Err(text) => text,
        };
        assert!(against.contains(words), "{kind} {twist:?}: {against}");
        assert_eq!(run(&mut double, &path, &id, kind, "n1"), Ok(Vec::new()), "{kind}: done right the second time");
    }
    let mut double = Server::new();
    let sales = lab.world.group("Sales");
    for pending in [
        Pending::delete(&sales.dn(), &sales.anchor()),
        Pending::members(&sales.dn(), &sales.anchor(), &[super::world::person_dn(1)]),
    ] {
        double.pending = vec![pending];
        let (id, path) = of("pending-exports");
        let against = run(&mut double, &path, &id, "pending-exports", "n1").unwrap();
        assert!(against.len() == 1 && against[0].contains(&sales.anchor()), "{against:?}");
    }
    // What the scripts refuse, the double refuses.
    let (id, path) = of("coexistence-rules");
    assert!(run(&mut Server::new(), &path, &id, "coexistence-rules", "n1").unwrap_err().contains("staging"));
    let (id, path) = of("disable-v2");
    let mut double = Server::new();
    (double.staging, double.scheduler) = (true, false);
    assert!(run(&mut double, &path, &id, "disable-v2", "n1").unwrap_err().contains("not in force"));
    assert!(double.v2);
}
