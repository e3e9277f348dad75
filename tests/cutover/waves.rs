//! A run from its first step to its last.

use super::lab::{Lab, differences, values};
use super::stations::{Station, expected};
use super::world::person_dn;

#[test]
fn three_waves_end_with_every_group_in_place() {
    let Some(mut lab) = Lab::at(Station::Canaries) else { return };
    let plan = lab.json("plan/plan.json");
    let names: Vec<&str> = plan["waves"].as_array().unwrap().iter().map(|w| w["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["Canary", "Offices", "Wave 1"]);
    lab.finish().code(0).says(&["The cutover is done"]);
    // Every group under its objectGUID with its SID, its name and its members; nothing else has changed.
    let (fresh, now) = (lab.fresh(), lab.dump());
    assert_eq!(differences(&fresh, &now), expected(&lab, &fresh));
    for wave in plan["waves"].as_array().unwrap() {
        for group in wave["groups"].as_array().unwrap() {
            let lines = lab.lines(group["displayName"].as_str().unwrap());
            assert_eq!(values(&lines, "dn"), [group["predicted"]["dn"].as_str().unwrap()], "the predicted name");
        }
    }
    let drifted = lab.values("Drifted", "member");
    assert!(drifted.contains(&person_dn(19)) && !drifted.contains(&person_dn(20)), "{drifted:?}");
    // The job is as it is to stay, and its scope is what the waves hold.
    assert_eq!(lab.state.job().unwrap().code, "Active");
    assert_eq!(lab.state.in_scope().len(), 12);
    assert!(lab.state.schema().unwrap().to_string().contains("Add,Update,Delete"));
    // The journal says the same: nothing in doubt, every step done; its snapshots verify.
    let status = lab.status();
    assert_eq!((&status["run"]["state"], lab.writes("inDoubt")), (&"done".into(), 0), "{status}");
    let open: Vec<_> = status["steps"].as_array().unwrap().iter().filter(|s| s["state"] != "done").collect();
    assert!(open.is_empty(), "{open:?}");
    lab.go(&["snapshot", "verify"]).code(0);
    for name in ["run.json", "run.html", "run.md"] {
        assert!(lab.run_folder().unwrap().join(name).is_file(), "{name}");
    }
    // Nothing secret reached what the run keeps.
    let secrets = [super::directory::PASSWORD, "opaque-token"];
    let kept = String::from_utf8_lossy(&std::fs::read(lab.store().join("runs.sqlite")).unwrap()).into_owned();
    assert!(secrets.iter().all(|s| !kept.contains(s)));
}

#[test]
fn a_dry_run_writes_nothing() {
    let Some(lab) = Lab::new() else { return };
    lab.plan("documented");
    let before = (lab.dump(), lab.state.writes().len());
    let mut arguments = vec!["cutover", "run", "plan/plan.json", "--dry-run"];
    arguments.extend(super::lab::WORD);
    lab.go(&arguments).code(0).says(&["Nothing was written", "11"]);
    assert_eq!((lab.dump(), lab.state.writes().len()), before);
    assert!(lab.run_folder().is_none());
}

#[test]
fn canaries_first_are_verified_while_v2_is_on() {
    let Some(mut lab) = Lab::new() else { return };
    lab.plan("canary-first");
    let fresh = lab.dump();
    lab.begin().code(4);
    lab.drive(|_, step| step.contains("V2 off")).code(4);
    // The canaries are under Cloud Sync already, the server stands in staging, and V2 is on.
    assert_eq!(lab.state.in_scope().len(), 2);
    let server = &lab.administrator.server;
    assert_eq!((server.staging, server.v2, server.scheduler), (true, true, false));
    lab.finish().code(0).says(&["The cutover is done"]);
    assert_eq!(differences(&fresh, &lab.dump()), expected(&lab, &fresh));
    let server = &lab.administrator.server;
    assert_eq!((server.staging, server.v2, server.scheduler), (false, false, true));
}
