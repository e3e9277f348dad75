//! `audit` as a pipeline and an auditor run it.

use crate::support::World;
use crate::support::cli::{Desk, names};
use groupshift::report::audit::FILE_NAMES;
use serde_json::Value;

fn audit(desk: &Desk, more: &[&str]) -> crate::support::cli::Ran {
    desk.run(&[&["audit", "--bundle", "bundle"], more].concat())
}

#[test]
fn writes_six_reports_and_says_where() {
    let desk = Desk::collected(&World::base());
    let ran = audit(&desk, &["--out", "out"]);
    assert!([0, 3].contains(&ran.code), "{}{}", ran.out, ran.err);
    let mut want = FILE_NAMES.map(str::to_owned).to_vec();
    want.sort();
    assert_eq!(names(&desk.path("out")), want);
    assert!(ran.out.contains("Audit") && ran.out.contains("out"), "{}", ran.out);
    let value = desk.json("out/audit.json");
    assert_eq!(value["checks"].as_array().unwrap().len(), 28);
    assert_eq!(value["bundle"]["created"], desk.json("bundle/manifest.json")["created"]);
    // The same bundle gives the same bytes.
    audit(&desk, &["--out", "again"]);
    for name in FILE_NAMES {
        assert!(desk.text(&format!("out/{name}")) == desk.text(&format!("again/{name}")), "{name}");
    }
    // Only what is asked for.
    audit(&desk, &["--out", "some", "--reports", "junit,sarif"]);
    assert_eq!(names(&desk.path("some")), ["audit.junit.xml", "audit.sarif"]);
    audit(&desk, &["--out", "none", "--reports", "none"]);
    assert!(!desk.path("none").exists());
    // Reports are replaced on demand, foreign files never.
    audit(&desk, &["--out", "out"]).code(2);
    assert!([0, 3].contains(&audit(&desk, &["--out", "out", "--force"]).code));
    std::fs::write(desk.path("out/audit.sarif"), "mine").unwrap();
    audit(&desk, &["--out", "out", "--force"]).code(2);
    assert_eq!(desk.text("out/audit.sarif"), "mine");
}

#[test]
fn exit_codes_follow_the_checks() {
    let desk = Desk::collected(&World::base());
    let ran = audit(&desk, &["--out", "out", "--format", "json"]);
    let value: Value = serde_json::from_str(&ran.out).unwrap();
    let checks = value["checks"].as_array().unwrap();
    let at_least = |severity: &str, wanted: &[&str]| {
        let order = ["info", "low", "medium", "high", "blocker"];
        let rank = |s: &str| order.iter().position(|o| *o == s).unwrap();
        checks.iter().any(|c| {
            let open = wanted.contains(&"unknown") && c["unknown"].as_u64() > Some(0);
            rank(c["severity"].as_str().unwrap()) >= rank(severity)
                && (wanted.contains(&c["status"].as_str().unwrap()) || open)
        })
    };
    let code = |found: bool| if found { 3 } else { 0 };
    ran.code(code(at_least("high", &["fail"])));
    for severity in ["blocker", "high", "medium", "low", "info"] {
        audit(&desk, &["--reports", "none", "--fail-on", severity]).code(code(at_least(severity, &["fail"])));
        audit(&desk, &["--reports", "none", "--fail-on", severity, "--fail-on-unknown"])
            .code(code(at_least(severity, &["fail", "unknown"])));
    }
    // An export without an AD part leaves much unknown: unknown alone is no failure, and never a pass.
    let mut world = World::base();
    world.ad = None;
    world.settings.writeback_ou = None;
    let desk = Desk::collected(&world);
    audit(&desk, &["--reports", "none", "--fail-on", "blocker", "--fail-on-unknown"]).code(3);
}

#[test]
fn beside_the_last_one() {
    let desk = Desk::collected(&World::base());
    audit(&desk, &["--out", "monday"]);
    let ran = audit(&desk, &["--out", "tuesday", "--baseline", "monday"]);
    assert!(ran.out.contains("Since last time") && ran.out.contains("0 new, 0 fixed"), "{}", ran.out);
    // Nothing is new, so a pipeline that looks at new failures only is content.
    audit(&desk, &["--reports", "none", "--baseline", "monday/audit.json", "--fail-on", "info", "--fail-on-new"])
        .code(0);
    assert_eq!(desk.json("tuesday/audit.json")["baseline"]["counts"]["new"], 0);
    // What is no audit is refused before anything is read.
    std::fs::write(desk.path("other.json"), "{\"schema\":\"groupshift/plan/v1\"}").unwrap();
    std::fs::write(desk.path("broken.json"), "{\"schema\":\"groupshift/audit/v1\",").unwrap();
    std::fs::write(desk.path("empty.json"), "{\"schema\":\"groupshift/audit/v1\"}").unwrap();
    for (file, code, says) in [
        ("other.json", 1, "groupshift/plan/v1"),
        ("broken.json", 1, "broken.json"),
        ("empty.json", 1, "no audit"),
        ("nowhere", 2, "nothing to compare"),
    ] {
        let ran = audit(&desk, &["--reports", "none", "--baseline", file]);
        let says = if file == "nowhere" { "no audit here" } else { says };
        assert!(ran.code == code && ran.err.contains(says), "{file}: {} {}", ran.code, ran.err);
    }
    audit(&desk, &["--reports", "none", "--fail-on-new"]).code(2);
}

#[test]
fn the_trend_is_kept_in_the_store_and_nowhere_else() {
    let desk = Desk::collected(&World::base());
    audit(&desk, &["--out", "one"]);
    assert!(!desk.path("groupshift-data").exists(), "no store is made for an auditor who has none");
    std::fs::create_dir(desk.path("groupshift-data")).unwrap();
    audit(&desk, &["--out", "two"]);
    assert_eq!(desk.text("groupshift-data/audits.jsonl").lines().count(), 1);
    // The same state again is no new point.
    audit(&desk, &["--out", "three"]);
    assert_eq!(desk.text("groupshift-data/audits.jsonl").lines().count(), 1);
    assert!(!desk.text("three/audit.html").contains("id=\"trend\""), "one audit is no trend");
    // A later state is one.
    let earlier = desk.text("groupshift-data/audits.jsonl").replace("\"created\":\"20", "\"created\":\"19");
    let earlier = earlier.replacen("\"bundleSha256\":\"", "\"bundleSha256\":\"f", 1);
    std::fs::write(desk.path("groupshift-data/audits.jsonl"), format!("{earlier}not ours\n")).unwrap();
    let ran = audit(&desk, &["--out", "four"]);
    assert!(ran.err.contains("1 line(s)"), "{}", ran.err);
    assert!(desk.text("four/audit.html").contains("id=\"trend\""));
    // A store that cannot be written to is said, and holds nothing back.
    std::fs::remove_file(desk.path("groupshift-data/audits.jsonl")).unwrap();
    std::fs::create_dir(desk.path("groupshift-data/audits.jsonl")).unwrap();
    let ran = audit(&desk, &["--out", "five"]);
    assert!([0, 3].contains(&ran.code) && ran.err.contains("trend"), "{}", ran.err);
    assert!(desk.path("five/audit.json").exists());
    // A configured folder is made.
    std::fs::write(desk.path("groupshift.toml"), "[store]\ndir = \"kept\"\n").unwrap();
    audit(&desk, &["--out", "six"]);
    assert!(desk.path("kept/audits.jsonl").exists());
}

#[test]
fn held_against_a_plan() {
    let desk = Desk::collected(&World::base());
    desk.run(&["plan", "bundle", "--out", "plan.json", "--draft"]);
    audit(&desk, &["--out", "out", "--against", "plan.json"]);
    let value = desk.json("out/audit.json");
    assert_eq!(value["against"]["kind"], "plan");
    assert_eq!(value["against"]["sha256"], desk.json("plan.json")["sha256"]);
    let ran = audit(&desk, &["--reports", "none", "--against", "nothing.json"]).code(2);
    assert!(ran.err.contains("--against") && ran.err.contains("hint:"), "{}", ran.err);
}

#[test]
fn without_bundle_and_configuration_it_says_what_to_do() {
    let desk = Desk::new();
    let ran = desk.run(&["audit", "--reports", "none"]).code(2);
    assert!(ran.err.contains("[ad]") && ran.err.contains("hint:"), "{}", ran.err);
    assert!(ran.err.contains("--bundle") && !ran.err.contains("--offline"), "options of its own: {}", ran.err);
    desk.run(&["handover"]).code(2).says(&["--bundle"]);
    // Nothing was written, not even an empty folder for reports.
    desk.run(&["audit", "--bundle", "nowhere", "--out", "out/deep"]).code(1);
    desk.run(&["handover", "--bundle", "nowhere"]).code(1);
    assert_eq!(desk.names(), Vec::<String>::new());
}

#[test]
fn checks_are_explained() {
    let desk = Desk::new();
    for id in ["A06", "a6", "A6"] {
        let ran = desk.run(&["explain", id]).ok();
        assert!(
            ran.out.contains("A06") && ran.out.contains("Condition") && ran.out.contains("check, high"),
            "{}",
            ran.out
        );
    }
    let all = desk.run(&["explain", "--all"]).ok().out;
    for id in ["C01 ", "E1 ", "A01 ", "A28 ", "Sources"] {
        assert!(all.contains(id), "{id}");
    }
    let value: Value = serde_json::from_str(&desk.run(&["explain", "A13", "--format", "json"]).ok().out).unwrap();
    assert_eq!(value["kind"], "check");
    assert_eq!(value["severity"], "high");
    let ran = desk.run(&["explain", "A99"]).code(2);
    assert!(ran.err.contains("A01 to A28"), "{}", ran.err);
}
