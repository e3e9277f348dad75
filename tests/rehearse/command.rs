//! `groupshift rehearse` as an operator calls it.

use crate::stage::{Kind, documented, rt, stage, world};
use crate::support::cli::Desk;
use groupshift::plan;
use groupshift::twin::{Fault, Twin};
use std::path::Path;

/// A folder with the stage's bundle and plan, as `plan` leaves them.
fn desk(kind: Kind) -> Desk {
    let desk = Desk::collected(&world(kind));
    let staged = stage(kind);
    // The stage's own bundle is the one that its plan is about.
    std::fs::remove_dir_all(desk.path("bundle")).unwrap();
    copy(staged.bundle(), &desk.path("bundle"));
    std::fs::write(desk.path("plan.json"), plan::canonical(&staged.plan).unwrap()).unwrap();
    desk
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        std::fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
    }
}

#[test]
fn the_whole_run_is_shown_and_its_report_kept() {
    let desk = desk(Kind::default());
    let ran = desk.run(&["rehearse", "plan.json", "--out", "kept"]).code(0).prints(&[
        "7 groups in 3 waves",
        "Group writeback V2 off",
        "THE POINT OF NO RETURN",
        "every group is in place",
        "1 of 1 runs ended safely",
        "run.html",
    ]);
    assert!(!ran.out.contains("DRAFT"));
    for name in ["run.html", "run.json", "run.md"] {
        assert!(desk.path("kept").join(name).exists(), "{name}");
    }
    // The same input gives the same output.
    let again = desk.run(&["rehearse", "plan.json"]).code(0);
    let body = |text: &str| text.lines().filter(|l| !l.contains("run.html")).collect::<Vec<_>>().join("\n");
    assert_eq!(body(&ran.out), body(&again.out));
}

#[test]
fn a_bundle_that_is_not_the_plans_own_is_refused() {
    let desk = desk(Kind::default());
    std::fs::rename(desk.path("bundle"), desk.path("moved")).unwrap();
    let ran = desk.run(&["rehearse", "plan.json"]);
    assert_ne!(ran.code, 0);
    assert!(ran.err.contains("--bundle"), "{}", ran.err);
    desk.run(&["rehearse", "plan.json", "--bundle", "moved"]).code(0);
    copy(stage(Kind { with_job: true, ..Kind::default() }).bundle(), &desk.path("other"));
    let ran = desk.run(&["rehearse", "plan.json", "--bundle", "other"]).code(2);
    assert!(ran.err.contains("not the bundle that the plan was made from"), "{}", ran.err);
    // An edited plan is none.
    let text = std::fs::read_to_string(desk.path("plan.json")).unwrap();
    std::fs::write(desk.path("plan.json"), text.replace("\"executable\": true", "\"executable\": false")).unwrap();
    let ran = desk.run(&["rehearse", "plan.json", "--bundle", "moved"]);
    assert!(ran.code != 0 && ran.err.contains("edited"), "{}", ran.err);
}

#[test]
fn faults_are_told_one_by_one_and_the_same_seed_says_the_same() {
    let staged = documented();
    let scene = |fault: Fault| {
        // A job is started by somebody else while the run has it at rest.
        let call = if fault == Fault::JobStarted { 60 } else { 120 };
        staged.scenes(|s| {
            let twin = Twin::of(staged.inventory(), &staged.plan, None).meeting(fault, call, 7);
            rt().block_on(s.scene(fault.title(), twin)).unwrap()
        })
    };
    for fault in [Fault::CrashAfter, Fault::LostAfter, Fault::Strips, Fault::JobStarted] {
        let (one, two) = (scene(fault), scene(fault));
        assert_eq!(serde_json::to_value(&one).unwrap(), serde_json::to_value(&two).unwrap(), "{fault:?}");
        assert_eq!(one.happened.len(), 1, "{fault:?} {:?}", one.happened);
        // A write whose answer was lost is looked for, and found: nothing stops.
        assert!(one.safe && one.stops.is_empty() == (fault == Fault::LostAfter), "{fault:?} {:#?}", one.stops);
        assert!(one.stops.iter().all(|s| !s.did.is_empty()));
    }
}
