//! The published schemas hold of what the program writes and reads.

use crate::support::cli::{Desk, Ran};
use crate::support::{World, connect};
use serde_json::{Value, json};

fn schema(name: &str) -> jsonschema::Validator {
    let Ran { out, .. } = Desk::new().run(&["schema", name]).ok();
    jsonschema::validator_for(&serde_json::from_str(&out).unwrap()).unwrap()
}

#[track_caller]
fn holds(validator: &jsonschema::Validator, value: &Value) {
    let errors: Vec<String> = validator.iter_errors(value).map(|e| format!("{}: {e}", e.instance_path())).collect();
    assert!(errors.is_empty(), "{errors:?}");
}

#[test]
fn assessment_and_manifest() {
    let mut world = World::base();
    world.add_pair(1).server("sync01", |_| {});
    world.drop_entry("Extra 1");
    world.g().add("member", "CN=Unseen,DC=contoso,DC=com");
    let desk = Desk::collected(&world);
    desk.assess(&["--accept", "E14=seen"]).ok();
    let (assessment, manifest) = (schema("assessment"), schema("bundle"));
    holds(&assessment, &desk.json("out/assessment.json"));
    holds(&manifest, &desk.json("bundle/manifest.json"));
    // They are no schemas that anything passes.
    for wrong in [json!({}), json!([]), json!({ "schema": "groupshift/assessment/v1", "groups": 7 })] {
        assert!(!assessment.is_valid(&wrong) && !manifest.is_valid(&wrong), "{wrong}");
    }
    let mut changed = desk.json("out/assessment.json");
    changed["groups"][0]["verdict"] = json!("perhaps");
    assert!(!assessment.is_valid(&changed));
}

#[test]
fn connect_state() {
    let validator = schema("connect-state");
    holds(&validator, &connect::server("sync01"));
    let dir = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/connect/fixtures/sync01/connect-state.json");
    holds(&validator, &serde_json::from_slice(&std::fs::read(dir).unwrap()).unwrap());
    assert!(!validator.is_valid(&json!({ "connectors": 7 })));
}

#[test]
fn config_and_unknown_names() {
    let validator = schema("config");
    assert!(validator.is_valid(&json!({ "ad": { "writeback_ou": "OU=x" } })));
    assert!(!validator.is_valid(&json!({ "ad": { "writeback_ou": 7 } })));
    Desk::new().run(&["schema", "nothing"]).code(2).says(&["assessment", "bundle", "connect-state", "config"]);
}
