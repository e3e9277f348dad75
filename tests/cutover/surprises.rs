//! An agent that does what nobody foretold: the wave stops at once, everything is shown, and the rollback brings back
//! identity, name, place and members.

use super::agent::Misdeed;
use super::lab::{Lab, differences, values};
use super::stations::Station;
use super::world::person_dn;

/// The second wave with these misdeeds: it stops, and says of each group what is wrong. Returns the state before.
fn wave_with(lab: &mut Lab, misdeeds: &[(&str, Misdeed)], says: &[&str]) -> super::lab::Dump {
    lab.work();
    let before = lab.dump();
    let own = misdeeds.iter().map(|(name, m)| (lab.world.group(name).id(), m.clone())).collect();
    lab.agent.behave(|b| b.misdeeds = own);
    lab.resume(&[]).code(5).says(&["differences from the prediction"]).says(says);
    // The first reaction is to pause the job, and nothing further is touched.
    assert_eq!((lab.state.job().unwrap().code.as_str(), lab.agent.to_do()), ("Paused", 0));
    assert_eq!(lab.state.in_scope().len(), 7, "the canaries and this wave");
    before
}

#[test]
fn renamed_moved_emptied_and_described() {
    let Some(mut lab) = Lab::at(Station::Canaries) else { return };
    let misdeeds = [
        ("Finance", Misdeed::Renames("Finance (old)".to_owned())),
        ("Sales EMEA", Misdeed::MovesTo("CN=Users,DC=contoso,DC=test".to_owned())),
        ("Everybody", Misdeed::Empties),
        ("Empty", Misdeed::Adds(person_dn(33))),
    ];
    let says =
        ["CN=Finance (old)", "CN=Users,DC=contoso,DC=test", "member-lost", "Person 12", "member-gained", "Person 33"];
    let before = wave_with(&mut lab, &misdeeds, &says);
    // The same stop again, until somebody decides.
    lab.resume(&[]).code(5);
    // Who came, and stands in no Entra group, may be somebody else's doing: told, and left.
    lab.rollback(&["--wave", "Offices"]).code(0).says(&["Rolled back", "Person 33"]);
    let empty = lab.world.group("Empty").dn();
    assert_eq!(differences(&before, &lab.dump()), [format!("{empty}: + member: {}", person_dn(33))]);
    assert_eq!((lab.state.in_scope().len(), lab.state.job().unwrap().code.as_str()), (2, "Paused"));
}

#[test]
fn deleted_and_brought_back_with_its_sid() {
    let Some(mut lab) = Lab::at(Station::Canaries) else { return };
    // A tombstone keeps next to nothing: members, texts and memberships come from the snapshot.
    lab.controller.say_no_recycle_bin();
    let before = wave_with(&mut lab, &[("Finance", Misdeed::Deletes)], &["deleted", &lab_anchor("Finance")]);
    assert_eq!(lab.dump().len(), before.len() - 1);
    lab.rollback(&["--wave", "Offices"]).code(0);
    // SID, name, texts, members, and the groups that nested it.
    assert_eq!(reanimated(differences(&before, &lab.dump())), Vec::<String>::new());
}

/// Without what the directory itself gives an object that comes back from deletion.
fn reanimated(differences: Vec<String>) -> Vec<String> {
    let own = ["+ adminCount: 0", "+ operatorCount: 0"];
    differences.into_iter().filter(|line| !own.iter().any(|o| line.ends_with(o))).collect()
}

fn lab_anchor(name: &str) -> String {
    super::world::World::cutover().group(name).anchor()
}

#[test]
fn duplicated_and_a_bystander_touched() {
    let Some(mut lab) = Lab::at(Station::Canaries) else { return };
    let bystander = lab.world.group("Bystander").dn();
    let misdeeds = [
        ("Finance", Misdeed::Duplicates),
        ("Everybody", Misdeed::Touches { group: bystander.clone(), member: person_dn(34) }),
    ];
    let before = wave_with(&mut lab, &misdeeds, &["duplicate", "Person 34", &lab_anchor("Bystander")]);
    let count = lab.dump().len();
    lab.rollback(&["--wave", "Offices"]);
    // The tool deletes nothing: the second group is for a person to remove. Everything else is as it was.
    let left: Vec<String> = differences(&before, &lab.dump());
    assert_eq!(lab.dump().len(), count);
    assert!(left.iter().any(|l| l.contains(" 2,") && l.ends_with("is new")), "{left:?}");
    let others: Vec<&String> = left.iter().filter(|l| !l.ends_with("is new")).collect();
    assert!(others.iter().all(|l| l.starts_with(&bystander)), "{others:?}");
}

#[test]
fn members_that_the_job_cannot_write_are_stripped() {
    let Some(mut lab) = Lab::at(Station::Canaries) else { return };
    lab.work();
    lab.resume(&[]).code(4);
    lab.agent.behave(|b| b.strips_unprovisionable = true);
    lab.work();
    let before = lab.dump();
    let team = lab.world.group("Team Site").dn();
    lab.resume(&[]).code(5).says(&["member-lost", &team]);
    assert_eq!(lab.values("Projects", "member").len(), 2);
    lab.rollback(&["--wave", "Wave 1"]).code(0);
    assert_eq!(differences(&before, &lab.dump()), Vec::<String>::new());
    assert!(values(&lab.lines("Projects"), "member").contains(&team));
}

#[test]
fn an_emptied_canary_stops_before_the_next_one() {
    let Some(mut lab) = Lab::at(Station::Ready) else { return };
    lab.agent.behave(|b| {
        b.misdeeds = vec![
            (super::world::World::cutover().group("Stamped").id(), Misdeed::Empties),
            (super::world::World::cutover().group("Sales").id(), Misdeed::Empties),
        ]
    });
    lab.work();
    let before = lab.dump();
    lab.resume(&[]).code(5).says(&["canary"]);
    // One canary was provisioned on demand; the other never was.
    assert_eq!((lab.agent.to_do(), lab.state.job().unwrap().code.as_str()), (1, "Paused"));
    assert_eq!(differences(&before, &lab.dump()).len(), 1, "one member of one group");
    lab.agent.behave(|b| b.misdeeds.clear());
    lab.rollback(&["--wave", "Canary"]).code(0);
    assert_eq!(differences(&before, &lab.dump()), Vec::<String>::new());
}

#[test]
fn a_group_made_anew_is_not_the_same_group() {
    let Some(mut lab) = Lab::at(Station::Canaries) else { return };
    lab.controller.say_no_recycle_bin();
    let before = wave_with(&mut lab, &[("Sales EMEA", Misdeed::Recreates)], &["deleted", "duplicate"]);
    // Its name is taken by the new one, which nobody but a person may remove: the undo is stuck, and says so.
    lab.rollback(&["--wave", "Offices"]).code(4).says(&["STUCK"]);
    let left = differences(&before, &lab.dump());
    assert!(left.iter().any(|l| l.ends_with("is gone")) && left.iter().any(|l| l.ends_with("is new")), "{left:?}");
    // The impostor taken away, the same rollback brings the group back.
    let dn = lab.world.group("Sales EMEA").dn();
    lab.controller.modify(&format!("dn: {dn}\nchangetype: delete\n\n"));
    lab.rollback(&["--wave", "Offices"]).code(0);
    assert_eq!(reanimated(differences(&before, &lab.dump())), Vec::<String>::new());
}

#[test]
fn a_job_in_quarantine_is_explained_and_paused() {
    let Some(mut lab) = Lab::at(Station::Canaries) else { return };
    lab.work();
    let finance = lab.world.group("Finance");
    // A second carrier of a stamp, outside of the container.
    let dn = "CN=Second,OU=Retired,DC=contoso,DC=test";
    lab.controller.modify(&format!("dn: {dn}\nchangetype: add\nobjectClass: group\ngroupType: -2147483640\nsAMAccountName: second\nmsDS-ExternalDirectoryObjectId: {}\n\n", finance.anchor()));
    lab.resume(&[]).code(5).says(&["carried by", "CN=Second"]);
    assert_eq!(lab.state.in_scope().len(), 2, "nothing was scoped in");
    lab.controller.modify(&format!("dn: {dn}\nchangetype: delete\n\n"));
    lab.state.quarantine("EncounteredQuarantineException", "HybridIdentityServiceNoActiveAgents", "no agent is active");
    lab.resume(&[]).code(5);
    assert_ne!(lab.state.job().unwrap().code, "Active");
}

#[test]
fn the_throwaway_group_shows_what_the_service_does() {
    let Some(mut lab) = Lab::at(Station::Stamped) else { return };
    let before = lab.dump();
    // The membership option is off, whatever was attested: no real group has been touched when it shows.
    lab.agent.behave(|b| b.on_premises_members = false);
    lab.finish().code(4).says(&["membership of on-premises users is not provisioned"]);
    let throwaway = |l: &String| l.ends_with("is new");
    assert!(differences(&before, &lab.dump()).iter().all(throwaway), "{:?}", differences(&before, &lab.dump()));
    assert_eq!(lab.state.job().unwrap().code, "Paused");
    // Turned on; and now it deletes what leaves its scope, whatever the settings say.
    lab.agent.behave(|b| (b.on_premises_members, b.deletes_out_of_scope, b.ignores_settings) = (true, true, true));
    lab.resume(&[]).code(4).says(&["deleted the throwaway group"]);
    assert_eq!(differences(&before, &lab.dump()), Vec::<String>::new());
    // Known and accepted, the canaries come next; a rollback scopes nothing out, and no group is lost by it.
    lab.resume(&["--accept", "out-of-scope-deletes=rollbacks leave the scope alone"]).code(4);
    assert!(lab.waits().unwrap().contains("Canary"), "{:?}", lab.waits());
    lab.work();
    lab.resume(&[]).code(4);
    let before = lab.dump();
    lab.rollback(&["--wave", "Canary"]).code(0).says(&["scope"]);
    lab.agent.behave(|b| b.interval = std::time::Duration::from_millis(50));
    std::thread::sleep(std::time::Duration::from_millis(300));
    assert_eq!(differences(&before, &lab.dump()), Vec::<String>::new());
    assert_eq!((lab.state.in_scope().len(), lab.state.job().unwrap().code.as_str()), (2, "Paused"));
}
