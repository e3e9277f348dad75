//! What the store promises about its entries: what was meant is not changed, the clock does not go back, which run is
//! meant is never guessed, files are for their owner only.

use super::support::*;
use groupshift::cutover::record::{RunState, Settled, SnapshotKind, StepState, WriteState};
use groupshift::cutover::store::{CLOCK, FILE, Snapshot, Store};
use serde_json::json;

#[test]
fn entries_come_back_as_they_were_written() {
    let desk = Desk::new();
    let store = desk.store();
    let run = begin(&store);
    let kept = run.keep("S02", &[snapshot(1), snapshot(2)], at(1)).unwrap();
    assert_eq!(kept, [1, 2]);
    let job = Snapshot {
        kind: SnapshotKind::Job,
        object: "job".to_owned(),
        name: "Cloud Sync job".to_owned(),
        body: json!({ "id": "job", "status": { "code": "Paused" }, "schedule": null }),
    };
    run.keep("S03", std::slice::from_ref(&job), at(2)).unwrap();
    assert_eq!(run.snapshot(SnapshotKind::Job, "job").unwrap().unwrap().1, job.body);
    let ids = run.intend(&[intent(1, Some(1)), intent(2, Some(2))], at(3)).unwrap();
    assert_eq!(run.open_writes().unwrap().len(), 2);
    let foreign = Settled {
        write: ids[1],
        state: WriteState::Foreign,
        server: Some("dc1.contoso.com".to_owned()),
        detail: Some("something else stands there".to_owned()),
    };
    run.settle(&[foreign], at(4)).unwrap();
    let write = run.write(ids[1]).unwrap();
    assert_eq!((write.state, write.settled, write.meant), (WriteState::Foreign, Some(at(4)), at(3)));
    assert_eq!(write.intent, intent(2, Some(2)));
    assert_eq!(run.open_writes().unwrap().len(), 1);
    // The first snapshot of an object is its state before; a later one does not take its place.
    let mut later = snapshot(1);
    later.body["attributes"]["description"] = json!(["later"]);
    run.keep("S20", std::slice::from_ref(&later), at(5)).unwrap();
    assert_eq!(run.snapshot(SnapshotKind::AdGroup, &guid(1).to_string()).unwrap().unwrap().1, snapshot(1).body);
    assert_eq!(run.last_snapshot(SnapshotKind::AdGroup, &guid(1).to_string()).unwrap().unwrap().1, later.body);
    // The plan comes back byte for byte, and verified.
    assert_eq!(run.plan_bytes().unwrap(), plan().1);
    assert_eq!(&run.plan().unwrap(), &plan().0);
}

#[test]
fn what_could_not_be_restored_is_no_snapshot() {
    let desk = Desk::new();
    let run = begin(&desk.store());
    let mut bad = snapshot(1);
    bad.body["attributes"]["member"] = json!("not a list");
    assert!(run.keep("S02", &[snapshot(2), bad], at(1)).is_err());
    assert_eq!(run.snapshots().unwrap().len(), 0, "one of the two was kept");
}

#[test]
fn nothing_that_was_meant_can_be_changed_or_dropped() {
    let desk = Desk::new();
    let store = desk.store();
    work(&store).unwrap();
    drop(store);
    let conn = rusqlite::Connection::open(desk.path().join(FILE)).unwrap();
    for sql in [
        "DELETE FROM writes",
        "DELETE FROM snapshots",
        "DELETE FROM bodies",
        "UPDATE writes SET new = '\"x\"'",
        "UPDATE writes SET old = '\"x\"'",
        "UPDATE writes SET object = 'x'",
        "UPDATE snapshots SET sha256 = 'x'",
        "UPDATE bodies SET body = x'00'",
    ] {
        let error = conn.execute(sql, []).expect_err(sql);
        assert!(
            error.to_string().contains("journal keeps") || error.to_string().contains("not changed"),
            "{sql}: {error}"
        );
    }
    finished(&desk.store().run_to_look_at(None).unwrap(), "after all those attempts");
}

#[test]
fn a_clock_set_back_stops_before_anything_is_sent() {
    let desk = Desk::new();
    let run = begin(&desk.store());
    run.keep("S02", &[snapshot(1)], at(1000)).unwrap();
    // A clock that is put right by some seconds is no matter.
    run.intend(&[intent(1, Some(1))], at(970)).unwrap();
    let error = run.intend(&[intent(1, Some(1))], at(900)).unwrap_err();
    let hints = error.hints.join(" ");
    assert!(error.message.contains("clock was set back"), "{error}");
    assert!(hints.contains("Nothing was sent") && hints.contains("--accept CLOCK=REASON"), "{hints}");
    assert!(run.keep("S02", &[snapshot(2)], at(900)).is_err());
    assert_eq!((run.writes().unwrap().len(), run.snapshots().unwrap().len()), (1, 1));
    // Somebody says that the time is right now.
    run.remark(CLOCK, "clock", "the host's clock was an hour ahead", "admin", at(900)).unwrap();
    run.intend(&[intent(1, Some(1))], at(901)).unwrap();
}

#[test]
fn which_run_is_meant_is_never_guessed() {
    let desk = Desk::new();
    let store = desk.store();
    let no_run = |error: groupshift::error::Error| {
        assert_eq!(error.exit_code(), 2, "{error}");
        error.hints.join(" ")
    };
    assert!(no_run(store.run(None).err().unwrap()).contains("groupshift cutover run PLAN"));
    assert!(no_run(store.run_to_take_back(None).err().unwrap()).contains("groupshift cutover run PLAN"));
    let first = begin(&store);
    assert_eq!(store.run(None).unwrap().id(), first.id());
    let second = begin(&store);
    let hint = no_run(store.run(None).err().unwrap());
    assert!(hint.contains(first.id()) && hint.contains(second.id()), "{hint}");
    assert!(store.run_to_take_back(None).is_err());
    assert_eq!(store.run_to_look_at(None).unwrap().id(), second.id());
    assert_eq!(store.run(Some(first.id())).unwrap().id(), first.id());
    assert!(no_run(store.run(Some("20200101-0000-ffff")).err().unwrap()).contains(first.id()));
    // One going, one done: the one that is going. Both done: one has to be named.
    first.set_state(RunState::Done, None).unwrap();
    assert_eq!(store.run_to_take_back(None).unwrap().id(), second.id());
    second.set_state(RunState::Done, None).unwrap();
    assert!(store.run(None).is_err());
    assert!(no_run(store.run_to_take_back(None).err().unwrap()).contains("--run"));
    second.set_state(RunState::RolledBack, None).unwrap();
    assert_eq!(store.run_to_take_back(None).unwrap().id(), first.id());
}

#[test]
fn a_step_keeps_its_first_beginning_and_its_last_end() {
    let desk = Desk::new();
    let run = begin(&desk.store());
    assert_eq!(run.step("S05").unwrap().state, StepState::Pending);
    run.set_step("S05", StepState::Begun, None, at(1)).unwrap();
    run.set_step("S05", StepState::Begun, None, at(50)).unwrap();
    run.set_step("S05", StepState::Done, Some("4 stamps"), at(60)).unwrap();
    let step = run.step("S05").unwrap();
    assert_eq!((step.begun, step.ended, step.detail.as_deref()), (Some(at(1)), Some(at(60)), Some("4 stamps")));
}

#[test]
fn a_script_that_was_edited_beside_the_plan_is_refused() {
    let desk = Desk::new();
    let folder = desk.dir.path().join("plan");
    let (plan, bytes) = plan();
    let script = &groupshift::plan::scripts(plan).unwrap()[0];
    let place = folder.join(&script.path);
    std::fs::create_dir_all(place.parent().unwrap()).unwrap();
    std::fs::write(&place, script.text.replace("Set-StrictMode", "# Set-StrictMode")).unwrap();
    let store = desk.store();
    let error = store.begin(plan, bytes, &folder, DOMAIN, at(0)).err().unwrap();
    assert!(error.message.contains("edited"), "{error}");
    assert!(error.place.unwrap().to_string().contains(place.file_name().unwrap().to_str().unwrap()));
    assert_eq!(store.runs().unwrap().len(), 0);
    // As the plan makes it, it is taken, with the run's own nonce in it.
    std::fs::write(&place, &script.text).unwrap();
    let run = store.begin(plan, bytes, &folder, DOMAIN, at(0)).unwrap();
    let text = std::fs::read_to_string(run.folder().join(&script.path)).unwrap();
    assert!(text.contains(&run.record().unwrap().nonce) && !text.contains(groupshift::plan::NONCE));
}

#[cfg(unix)]
#[test]
fn every_file_and_folder_is_for_its_owner_only() {
    use std::os::unix::fs::PermissionsExt;
    let desk = Desk::new();
    let store = desk.store();
    let lock = store.lock(DOMAIN).unwrap();
    let run = work(&store).unwrap();
    groupshift::report::run::write(&run, &small().0).unwrap();
    run.export(&desk.dir.path().join("copy")).unwrap();
    let mut open = vec![desk.path(), desk.locks(), desk.dir.path().join("copy")];
    let mut seen = 0;
    while let Some(path) = open.pop() {
        let kind = std::fs::symlink_metadata(&path).unwrap();
        let mode = kind.permissions().mode() & 0o777;
        assert_eq!(mode & 0o077, 0, "{} is {mode:o}", path.display());
        seen += 1;
        if kind.is_dir() {
            assert_eq!(mode, 0o700, "{}", path.display());
            open.extend(std::fs::read_dir(&path).unwrap().map(|e| e.unwrap().path()));
        }
    }
    assert!(seen > 20, "{seen}");
    drop(lock);
}

#[test]
fn a_store_that_is_not_there_is_not_made_by_looking() {
    let desk = Desk::new();
    let error = Store::open_existing(&desk.path()).err().unwrap();
    assert!(error.message.contains("no store"), "{error}");
    assert!(!desk.path().exists());
}
