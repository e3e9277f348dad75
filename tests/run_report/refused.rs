//! What `cutover run` refuses before it makes a store, a connection or a question.

use crate::store::plan;
use crate::support::cli::Desk;
use groupshift::plan::{self, Plan};

/// The example's plan, changed as a planner could have made it, with a hash of its own.
pub fn variant(change: impl FnOnce(&mut Plan)) -> Vec<u8> {
    let mut plan = plan().0.clone();
    change(&mut plan);
    plan.sha256 = String::new();
    plan.sha256 = plan::hash(&plan).unwrap();
    plan::canonical(&plan).unwrap()
}

/// One that can be executed.
pub fn executable() -> Vec<u8> {
    variant(|plan| {
        plan.executable = true;
        plan.stops.clear();
    })
}

#[test]
fn plans_that_no_run_executes() {
    let edited = String::from_utf8(executable()).unwrap().replacen("Canary", "Canarx", 1).into_bytes();
    let made = |change: &dyn Fn(&mut Plan)| {
        variant(|plan| {
            plan.executable = true;
            change(plan);
        })
    };
    let cases: [(&str, Vec<u8>, i32, &[&str]); 5] = [
        ("edited", edited, 2, &["was edited", "Plan again"]),
        ("no plan", b"{\"schema\":\"groupshift/diff/v1\"}".to_vec(), 2, &["groupshift/diff/v1", "plan again"]),
        ("anonymised", made(&|p| p.bundle.anonymised = true), 2, &["anonymised", "groupshift collect"]),
        ("partial", made(&|p| p.bundle.complete = false), 2, &["partial", "groupshift collect"]),
        (
            "of no domain",
            made(&|p| (p.bundle.domain, p.job.domain) = (None, None)),
            2,
            &["which AD domain", "[cloud_sync]"],
        ),
    ];
    for (what, bytes, code, parts) in cases {
        let desk = Desk::new();
        std::fs::write(desk.path("plan.json"), bytes).unwrap();
        for more in [&[][..], &["--dry-run"], &["--yes"]] {
            let ran = desk.run(&[&["cutover", "run", "plan.json"], more].concat());
            assert_eq!(ran.code, code, "{what}: {}", ran.err);
            ran.says(parts);
        }
        assert_eq!(desk.names(), ["plan.json"], "{what}: something was left behind");
    }
    Desk::new().run(&["cutover", "run", "nowhere.json"]).code(1).says(&["nowhere.json"]);
}

#[test]
fn a_draft_is_stopped_at_its_gates() {
    let desk = Desk::new();
    std::fs::write(desk.path("plan.json"), &plan().1).unwrap();
    let ran = desk.run(&["cutover", "run", "plan.json", "--yes"]).code(4);
    ran.prints(&["Stopped: this plan is a draft", "E6", "-> Then collect and plan again"]);
    let out = desk.run(&["cutover", "run", "plan.json", "--format", "json"]).code(4).out;
    let value: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(value["ending"], "gate");
    assert!(value["stop"]["lines"].as_array().unwrap().len() >= 2);
    assert_eq!(desk.names(), ["plan.json"]);
}

#[test]
fn usage_is_checked_before_anything_is_made() {
    let desk = Desk::new();
    std::fs::write(desk.path("plan.json"), executable()).unwrap();
    let run = |more: &[&str]| desk.run(&[&["cutover", "run", "plan.json"], more].concat());
    run(&["--wave", "Nowhere"]).code(2).says(&["no wave", "Canary, Sites, Wave 1, Wave 2"]);
    run(&["--accept", "E14="]).code(2).says(&["a name and a reason"]);
    run(&["--throwaway", "x"]).code(2).says(&["object id"]);
    // Without any server configured nothing is begun.
    run(&[]).code(2).says(&["needs both Active Directory and the tenant", "url under [ad]"]);
    assert_eq!(desk.names(), ["plan.json"]);
}
