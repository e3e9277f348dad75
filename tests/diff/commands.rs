//! `diff` as a user runs it: files, exit codes, formats, and that the same bundle gives the same bytes.

use crate::support::cli::{Desk, names};
use crate::support::{World, ad_user, user_dn, user_id};
use serde_json::{Value, json};

fn drifted() -> World {
    let mut world = World::base();
    world.add_entry(ad_user(4));
    world.g().add("member", user_dn(4));
    world.add_user(3).emember("user", &user_id(3));
    world
}

#[test]
fn files_and_bytes() {
    let desk = Desk::collected(&drifted());
    let ran = desk.run(&["diff", "bundle", "--out", "one"]).ok();
    assert!(ran.out.contains("- member: CN=User 4") && ran.out.contains("? member: CN=User 3"), "{}", ran.out);
    assert!(ran.out.contains("lose it"), "{}", ran.out);
    assert!(!ran.out.contains('\u{1b}'), "no colours where nobody sees them");
    desk.run(&["diff", "bundle", "--out", "two"]).ok();
    assert_eq!(names(&desk.path("one")), ["diff.csv", "diff.html", "diff.json", "diff.md"]);
    for name in names(&desk.path("one")) {
        assert_eq!(desk.text(&format!("one/{name}")), desk.text(&format!("two/{name}")), "{name}");
    }
    // A folder with content is refused; one of ours is replaced on request.
    desk.run(&["diff", "bundle", "--out", "one"]).code(2);
    desk.run(&["diff", "bundle", "--out", "one", "--force"]).ok();
    desk.run(&["diff", "bundle", "--out", "three", "--reports", "md"]).ok();
    assert_eq!(names(&desk.path("three")), ["diff.md"]);
}

#[test]
fn exit_codes() {
    let desk = Desk::collected(&drifted());
    let run = |more: &[&str]| desk.run(&[&["diff", "bundle", "--reports", "none"], more].concat());
    run(&[]).ok();
    run(&["--fail-on", "high"]).code(3);
    run(&["--fail-on", "blocker"]).ok();
    run(&["--fail-on", "blocker", "--fail-on-unknown"]).code(3);
    run(&["--fail-on", "high", "--scope", "job"]).ok();
    run(&["--scope", "nowhere"]).code(2);
    desk.run(&["diff", "nothing"]).code(1).says(&["nothing"]);
    desk.run(&["diff", "bundle", "bundle", "--fail-on", "low"]).ok();
    desk.run(&["diff", "bundle", "bundle", "--scope", "job"]).code(2);
}

#[test]
fn formats_and_colours() {
    let desk = Desk::collected(&drifted());
    let ran = desk.run(&["diff", "bundle", "--reports", "none", "--format", "json"]).ok();
    let head: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!((&head["schema"], &head["summary"]["membersLost"]), (&json!("groupshift/diff/v1"), &json!(1)));
    assert_eq!(head["out"], Value::Null);
    let coloured = desk.run(&["diff", "bundle", "--reports", "none", "--color", "always"]).ok().out;
    assert!(coloured.contains("\u{1b}[31m- member: CN=User 4"), "{coloured:?}");
    let on = desk.run(&["diff", "bundle", "--reports", "none", "--on-premises-members", "on"]).ok().out;
    assert!(on.contains("+ member: CN=User 3") && !on.contains("membership-option"), "{on}");
    let attested = desk.run(&["diff", "bundle", "--reports", "none", "--accept", "E14=seen in the portal"]).ok().out;
    assert_eq!(attested, on);
}

#[test]
fn the_published_schema_holds() {
    let desk = Desk::collected(&drifted());
    desk.run(&["diff", "bundle", "--out", "one"]).ok();
    desk.run(&["diff", "bundle", "bundle", "--out", "two"]).ok();
    let schema: Value = serde_json::from_str(&desk.run(&["schema", "diff"]).ok().out).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    for file in ["one/diff.json", "two/diff.json"] {
        let value = desk.json(file);
        let errors: Vec<String> = validator.iter_errors(&value).map(|e| e.to_string()).collect();
        assert!(errors.is_empty(), "{file}: {errors:?}");
    }
    let mut wrong = desk.json("one/diff.json");
    wrong["groups"][0]["severity"] = json!("perhaps");
    assert!(!validator.is_valid(&wrong) && !validator.is_valid(&json!({})));
}

#[test]
fn tables_are_harmless() {
    let mut world = drifted();
    world.eset("displayName", json!("=HYPERLINK(\"x\")\u{202e}"));
    let desk = Desk::collected(&world);
    let ran = desk.run(&["diff", "bundle", "--out", "one"]).ok();
    assert!(!ran.out.contains('\u{202e}'));
    let csv = desk.text("one/diff.csv");
    assert!(csv.contains("'=HYPERLINK") && !csv.contains('\u{202e}'), "{csv}");
    assert!(!desk.text("one/diff.md").contains('\u{202e}'));
    let mut reader = csv::ReaderBuilder::new().from_reader(csv.trim_start_matches('\u{feff}').as_bytes());
    let width = reader.headers().unwrap().len();
    assert!(reader.records().all(|r| r.unwrap().len() == width));
}
