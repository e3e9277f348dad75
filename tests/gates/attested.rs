//! What `--accept` passes, and what it does not.

use crate::support::World;
use groupshift::assess::Accepted;
use groupshift::error::exit;
use serde_json::json;

fn accept(w: &mut World, gate: &str, reason: &str) {
    w.settings.accepted.push(Accepted { gate: gate.to_owned(), reason: reason.to_owned(), by: "ada".to_owned() });
}

#[test]
fn a_word_passes_what_cannot_be_seen() {
    for gate in ["E2", "E12", "E14", "E15", "e14"] {
        let mut world = World::base();
        accept(&mut world, gate, "  seen in the portal ");
        let outcome = world.run();
        let gate = outcome.gate(&gate.to_uppercase()).clone();
        assert_eq!(gate["status"], "pass");
        assert_eq!(gate["attested"], json!({ "reason": "seen in the portal", "by": "ada" }));
        assert!(gate["message"].as_str().unwrap().contains("Attested"), "{gate:#}");
        let passed = outcome.json["gates"].as_array().unwrap().iter().filter(|g| g.get("attested").is_some()).count();
        assert_eq!(passed, 1, "no other gate is touched");
    }
}

#[test]
fn a_word_does_not_pass_what_is_seen() {
    for (gate, reason, says) in [
        ("E1", "x", "observed, not attested"),
        ("E4", "x", "observed, not attested"),
        ("C19", "x", "observed, not attested"),
        ("C37", "x", "observed, not attested"),
        ("E16", "x", "no such gate"),
        ("C01", "x", "no such gate"),
        ("", "x", "no such gate"),
        ("E14", "", "reason is missing"),
        ("E14", " \t", "reason is missing"),
    ] {
        let mut world = World::base();
        accept(&mut world, gate, reason);
        let error = world.assess().err().unwrap();
        assert!(error.to_string().contains(says) && error.exit_code() == exit::USAGE, "{gate}: {error}");
        assert!(!error.hints.is_empty(), "{gate}");
    }
}

#[test]
fn a_word_against_the_evidence_is_refused() {
    let mut world = World::base();
    world.json("cloudsync/agents.json", json!({ "value": [{ "machineName": "a", "status": "inactive" }] }));
    accept(&mut world, "E2", "they run, I swear");
    let error = world.assess().err().unwrap();
    assert!(error.to_string().contains("observed to fail"), "{error}");
}

#[test]
fn a_word_beside_a_pass_changes_nothing() {
    let mut world = World::base();
    world.json(
        "cloudsync/agents.json",
        json!({ "value": [{ "machineName": "a", "status": "active", "version": "1.1.2505.0" }] }),
    );
    accept(&mut world, "E2", "checked");
    let outcome = world.run();
    assert_eq!(outcome.status("E2"), "pass");
    assert!(outcome.gate("E2").get("attested").is_none());
}
