//! The files of a plan: hashed, refused when edited, never written over what is not ours.

use crate::support::World;
use crate::support::cli::Desk;
use crate::{With, made, nested, plan_with};
use groupshift::plan;

fn desk() -> Desk {
    let desk = Desk::collected(&World::base());
    desk.run(&["plan", "bundle", "--out", "out/plan.json", "--draft"]).code(4);
    desk
}

#[test]
fn an_edited_plan_is_refused() {
    let desk = desk();
    let path = desk.path("out/plan.json");
    let text = desk.text("out/plan.json");
    let read = plan::read(&path).unwrap();
    assert_eq!(read.sha256, plan::hash(&read).unwrap());
    assert_eq!(read.bundle.path, "../bundle");
    let sha = read.sha256.clone();
    let zero = "0".repeat(64);
    for (what, edited) in [
        ("a value", text.replacen("\"executable\": false", "\"executable\": true", 1)),
        ("a blank", text.replacen("\"executable\": false", "\"executable\":  false", 1)),
        ("the hash", text.replacen(&sha, &zero, 1)),
        ("a field more", text.replacen("\"executable\"", "\"more\": 1,\n  \"executable\"", 1)),
        ("cut", text[..text.len() / 2].to_owned()),
        ("a byte order mark", format!("\u{feff}{text}")),
        ("another schema", text.replacen("plan/v1", "plan/v2", 1)),
    ] {
        assert_ne!(edited, text, "{what}");
        std::fs::write(&path, edited).unwrap();
        let error = plan::read(&path).unwrap_err();
        assert!(!error.hints.is_empty(), "{what}: {error}");
        if ["cut", "a byte order mark"].contains(&what) {
            assert!(error.message.contains(what), "{what}: {error}");
        }
    }
}

#[test]
fn it_writes_over_its_own_only() {
    let desk = desk();
    for name in ["plan.json", "plan.html", "plan.md", "plan-scripts"] {
        let there = desk.path("out").join(name);
        assert!(there.exists() || name == "plan-scripts", "{name}");
    }
    let again = ["plan", "bundle", "--out", "out/plan.json", "--draft"];
    desk.run(&again).code(2).says(&["exists", "--force"]);
    let before = desk.text("out/plan.json");
    desk.run(&[&again[..], &["--force"]].concat()).code(4);
    assert_eq!(desk.text("out/plan.json"), before);
    std::fs::write(desk.path("out/plan.md"), "mine").unwrap();
    desk.run(&[&again[..], &["--force"]].concat()).code(2).says(&["was not written by this program"]);
    assert_eq!(desk.text("out/plan.md"), "mine");
    desk.run(&["plan", "bundle", "--out", "plan", "--draft"]).code(2).says(&[".json"]);
}

#[test]
fn it_is_what_its_schema_says() {
    let desk = desk();
    let schema: serde_json::Value = serde_json::from_str(&desk.run(&["schema", "plan"]).ok().out).unwrap();
    let value: serde_json::Value = serde_json::from_str(&desk.text("out/plan.json")).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let wrong: Vec<String> = validator.iter_errors(&value).map(|e| e.to_string()).collect();
    assert!(wrong.is_empty(), "{wrong:?}");
    for name in ["waves", "decisions"] {
        let schema: serde_json::Value = serde_json::from_str(&desk.run(&["schema", name]).ok().out).unwrap();
        assert!(jsonschema::validator_for(&schema).is_ok(), "{name}");
    }
}

#[test]
fn hostile_names_are_harmless() {
    let mut world = World::base();
    world.eset("displayName", serde_json::json!("<script>alert(1)</script>\u{202e}|x"));
    let dir = tempfile::tempdir().unwrap();
    let plan = made(&world, With::default());
    let files = groupshift::report::plan::Files::beside(&dir.path().join("plan.json")).unwrap();
    groupshift::report::plan::write(&plan, &files, false).unwrap();
    for name in ["plan.html", "plan.md"] {
        let text = std::fs::read_to_string(dir.path().join(name)).unwrap();
        assert!(!text.contains("<script>") && !text.contains('\u{202e}'), "{name}");
    }
}

/// A plan that is written a part at a time is, byte for byte, the one that is written whole; so are its pages.
#[test]
fn in_parts_it_is_the_same() {
    let mut world = nested(150, &[(3, 4), (4, 5), (7, 9)]);
    // Somebody loses a membership.
    world.entry("Extra 11").add("member", crate::support::group_dn("Extra 12"));
    for waves in [None, Some("[canary]\nsize = 3\n[waves]\nsize = 70\n"), Some("[waves]\nsize = 1\n")] {
        let with = With { waves, ..With::default() };
        let whole = made(&world, with);
        let dir = tempfile::tempdir().unwrap();
        let (one, two) = (dir.path().join("whole"), dir.path().join("parts"));
        let files =
            |folder: &std::path::Path| groupshift::report::plan::Files::beside(&folder.join("plan.json")).unwrap();
        groupshift::report::plan::write(&whole, &files(&one), false).unwrap();
        let shown = plan_with(&world, with, |a| groupshift::report::plan::write_in_parts(a, &files(&two), false));
        let plan::Made::Plan((shown, _)) = shown.unwrap() else { panic!("blocked") };
        assert_eq!((&shown.sha256, &shown.summary), (&whole.sha256, &whole.summary), "{waves:?}");
        for name in ["plan.json", "plan.md", "plan.html"] {
            let text = |folder: &std::path::Path| std::fs::read_to_string(folder.join(name)).unwrap();
            assert_eq!(text(&one), text(&two), "{waves:?} {name}");
        }
        assert_eq!(plan::read(&two.join("plan.json")).unwrap(), whole);
        // The sums were made without making the groups.
        let groups = || whole.waves.iter().flat_map(|w| &w.groups);
        let sum = |of: &dyn Fn(&plan::model::PlannedGroup) -> u64| groups().map(of).sum::<u64>();
        let s = &whole.summary;
        assert_eq!(s.member_adds, sum(&|g| g.predicted.member_adds.len() as u64));
        assert_eq!(s.member_removals, sum(&|g| g.predicted.member_removals.len() as u64));
        assert_eq!(s.possible_removals, sum(&|g| g.predicted.possible_removals.count));
        assert_eq!(s.depends, sum(&|g| u64::from(!g.predicted.depends.is_empty())));
        assert_eq!(s.renamed_or_moved, sum(&|g| u64::from(g.predicted.dn.as_ref() != Some(&g.dn))));
        for point in &whole.open {
            assert_eq!(point.groups, sum(&|g| u64::from(g.predicted.depends.contains(&point.name))), "{}", point.name);
        }
        let writes = |g: &plan::model::PlannedGroup| {
            g.steps.iter().filter(|s| ["scope-in", "write-extension", "freeze"].contains(&&*s.kind)).count() as u64
        };
        assert_eq!(whole.timing.graph_writes, sum(&writes));
        assert!(whole.waves.iter().map(|w| w.groups.len()).sum::<usize>() > 140);
    }
}
