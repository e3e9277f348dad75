//! Two runs at once.

use super::lab::{Lab, WORD};
use super::stations::Station;
use std::process::Stdio;
use std::time::{Duration, Instant};

#[test]
fn the_second_is_refused_and_a_dead_one_blocks_nobody() {
    let Some(mut lab) = Lab::at(Station::Canaries) else { return };
    lab.work();
    // The first one waits for the job's cycle, which does not come.
    lab.agent.behave(|b| b.rests = true);
    let mut arguments = vec!["cutover", "resume"];
    arguments.extend(WORD);
    let mut first = lab.command(&arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let begun = Instant::now();
    while lab.state.job().unwrap().code != "Active" {
        assert!(
            begun.elapsed() < Duration::from_secs(60) && first.try_wait().unwrap().is_none(),
            "it does not get there"
        );
        std::thread::sleep(Duration::from_millis(20));
    }
    let pid = first.id().to_string();
    lab.resume(&[]).code(1).says(&["in use", &pid, "One run at a time"]);
    lab.rollback(&["--wave", "Canary"]).code(1).says(&["in use"]);
    // Another store, the same domain.
    let text = std::fs::read_to_string(lab.path("groupshift.toml")).unwrap();
    std::fs::write(lab.path("other.toml"), text.replace("dir = \"store\"", "dir = \"other\"")).unwrap();
    let mut other = vec!["cutover", "run", "plan/plan.json", "--config", "other.toml"];
    other.extend(WORD);
    lab.go(&other).code(1).says(&["contoso.test", "in use"]);
    // Looking is free.
    assert_eq!(lab.status()["run"]["state"], "open");
    first.kill().unwrap();
    first.wait().unwrap();
    lab.agent.behave(|b| b.rests = false);
    lab.resume(&[]).code(4);
    assert!(lab.waits().unwrap().contains("Wave 1"));
}

#[test]
fn a_stop_file_ends_it_between_two_objects() {
    let Some(mut lab) = Lab::at(Station::Canaries) else { return };
    lab.work();
    std::fs::write(lab.store().join("stop"), "").unwrap();
    let before = (lab.dump(), lab.state.in_scope());
    lab.resume(&[]).code(130).says(&["stop"]);
    assert_eq!((lab.dump(), lab.state.in_scope()), before);
    std::fs::remove_file(lab.store().join("stop")).unwrap();
    lab.resume(&[]).code(4);
    assert!(lab.waits().unwrap().contains("Wave 1"));
}
