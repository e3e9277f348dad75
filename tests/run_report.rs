//! The report of a run and the commands that show one: `run.json`, `run.md`, `run.html`, `cutover status`, `adopt`,
//! `snapshot …`, and what `cutover run` refuses before anything is touched.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "helpers of tests fail by panicking and say what they skip"
)]

#[path = "browser/mod.rs"]
mod browser;
#[path = "run_report/commands.rs"]
mod commands;
#[path = "run_report/page.rs"]
mod page;
#[path = "run_report/refused.rs"]
mod refused;
#[path = "run_report/secrets.rs"]
mod secrets;
#[path = "run_report/shape.rs"]
mod shape;
#[path = "store/support.rs"]
mod store;
#[path = "support/mod.rs"]
mod support;

use groupshift::cutover::engine::Stop;
use groupshift::cutover::engine::compare::{Difference, Kind};
use groupshift::cutover::record::{Intent, RunState, Settled, StepState, WriteState};
use groupshift::cutover::rollback::Rolled;
use groupshift::cutover::store::Run;
use serde_json::json;
use store::{at, guid};

/// A name that would do harm where it is taken for markup, for a terminal's commands or for a table's columns.
pub const HOSTILE: &str = "</script><img src=x onerror=alert(1)>\u{1b}[2J\u{202e}|a|\u{2028}{{x}}";

pub fn difference() -> Difference {
    Difference {
        key: "D-1a2b3c4d".to_owned(),
        kind: Kind::MemberLost,
        object_guid: guid(1).to_string(),
        dn: format!("CN={HOSTILE},OU=GroupWriteback,DC=contoso,DC=com"),
        expected: "CN=Person 0001,OU=People,DC=contoso,DC=com".to_owned(),
        actual: "not a member".to_owned(),
        member: Some("CN=Person 0001,OU=People,DC=contoso,DC=com".to_owned()),
    }
}

/// A run with writes in every state, an accepted gate, something learnt, and a stop at a difference.
pub fn stopped(run: &Run) {
    run.set_pin(&store::pin()).unwrap();
    run.set_step("S01", StepState::Begun, None, at(0)).unwrap();
    run.set_step("S01", StepState::Done, Some("gates pass"), at(5)).unwrap();
    run.set_step("S02", StepState::Begun, None, at(6)).unwrap();
    let kept = run.keep("S02", &[store::snapshot(1), store::snapshot(2)], at(7)).unwrap();
    run.set_step("S02", StepState::Done, Some("2 snapshots"), at(8)).unwrap();
    run.set_step("S05", StepState::Begun, None, at(10)).unwrap();
    let members: Vec<String> = (0..300).map(|n| format!("CN=Person {n:04},OU=People,DC=contoso,DC=com")).collect();
    let states = [
        WriteState::Done,
        WriteState::Already,
        WriteState::Foreign,
        WriteState::Failed,
        WriteState::Undone,
        WriteState::Intended,
    ];
    for (n, state) in (0..).zip(states) {
        let name = if n == 0 { HOSTILE.to_owned() } else { format!("Group {n}") };
        let intent = Intent {
            name,
            old: (n == 1).then(|| json!(members)),
            new: Some(json!(format!("Group_{}", guid(n)))),
            ..store::intent(n, Some(kept[0]))
        };
        let [id] = run.intend(&[intent], at(11 + i64::from(n))).unwrap()[..] else { panic!() };
        if state != WriteState::Intended {
            let detail = (state == WriteState::Failed).then(|| format!("insufficient rights {HOSTILE}"));
            let server = Some("dc1.contoso.com".to_owned());
            run.settle(&[Settled { write: id, state, server, detail }], at(12 + i64::from(n))).unwrap();
        }
    }
    run.remark("gate", "E14", "checked in the portal", "admin", at(20)).unwrap();
    run.remark("learnt", "membership-option", "on-premises users are written", "the throwaway group", at(21)).unwrap();
    let stop = Stop {
        step: "S27".to_owned(),
        headline: "S27 Verify: 1 difference from the prediction".to_owned(),
        lines: vec![difference().line()],
        next: vec!["groupshift cutover rollback --wave Canary".to_owned()],
        differences: vec![difference()],
    };
    run.put("stop", &serde_json::to_value(&stop).unwrap()).unwrap();
    run.put(
        "settled",
        &json!([{ "point": "membership-option", "answer": "on", "text": "seen", "groups": 12, "removals": 3 }]),
    )
    .unwrap();
    run.put("differences:S27", &json!([difference()])).unwrap();
    run.log(groupshift::cutover::port::Level::Trouble, &format!("S27 differs: {HOSTILE}"), at(30)).unwrap();
    run.set_state(RunState::Stopped, Some(&stop.headline)).unwrap();
}

/// The same, rolled back with a conflict and something stuck.
pub fn rolled(run: &Run, stuck: bool) {
    stopped(run);
    let undo = Intent { undo: true, undoes: Some(1), action: "stamp".to_owned(), ..store::intent(0, None) };
    let [id] = run.intend(&[undo], at(40)).unwrap()[..] else { panic!() };
    run.settle(&[Settled { write: id, state: WriteState::Done, server: None, detail: None }], at(41)).unwrap();
    let rolled = Rolled {
        restored: vec!["Group 0: the stamp is gone again".to_owned()],
        conflicts: vec![format!("{HOSTILE}: somebody wrote another stamp since")],
        stuck: if stuck { vec!["Group 3: reanimate it by hand".to_owned()] } else { Vec::new() },
        left: vec!["the coexistence rules".to_owned()],
        different: vec!["Group 2: member".to_owned()],
        compared: 2,
    };
    run.put("rolled", &serde_json::to_value(&rolled).unwrap()).unwrap();
    run.set_step(
        "S05",
        if stuck { StepState::Stuck } else { StepState::Undone },
        rolled.stuck.first().map(String::as_str),
        at(42),
    )
    .unwrap();
    run.set_state(RunState::RolledBack, Some("1 restored")).unwrap();
}
