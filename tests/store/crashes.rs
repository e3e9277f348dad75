//! The process ends at every boundary of the journal, first played, then really; the next one goes on to the same end.

use super::support::*;
use groupshift::cutover::store::{Store, is_crash};
use std::cell::{Cell, RefCell};
use std::process::{Command, Stdio};
use std::rc::Rc;

/// The store with a fuse that blows at the n-th boundary, and stays blown.
fn fused(desk: &Desk, at: usize, seen: &Rc<RefCell<Vec<String>>>) -> Store {
    let (count, seen) = (Cell::new(0), seen.clone());
    desk.store().with_fuse(Rc::new(move |name| {
        count.set(count.get() + 1);
        seen.borrow_mut().push(name.to_owned());
        count.get() >= at
    }))
}

#[test]
fn a_crash_at_every_boundary_loses_nothing_and_does_nothing_twice() {
    let names = Rc::new(RefCell::new(Vec::new()));
    let desk = Desk::new();
    finished(&work(&fused(&desk, usize::MAX, &names)).unwrap(), "without a crash");
    let names = names.borrow().clone();
    // Every sort of entry is passed, each before, inside and after its transaction.
    for act in ["begin", "pin", "step", "keep", "intend", "settle", "remark", "put", "log", "state"] {
        for when in ["before", "inside", "after"] {
            assert!(names.contains(&format!("{act}.{when}")), "{act}.{when} was not passed");
        }
    }
    for at in 1..=names.len() {
        let desk = Desk::new();
        let when = format!("crash {at} at {}", names[at - 1]);
        let error = match work(&fused(&desk, at, &Rc::default())) {
            Err(error) => error,
            Ok(_) => panic!("{when}: it went through"),
        };
        assert!(is_crash(&error), "{when}: {error}");
        finished(&work(&desk.store()).unwrap_or_else(|e| panic!("{when}: {e}")), &when);
        // No second run was begun, and no folder is left without one.
        let store = desk.store();
        let runs = store.runs().unwrap();
        assert_eq!(runs.len(), 1, "{when}");
    }
}

#[test]
fn a_crash_again_and_again_comes_to_the_same_end() {
    // One store, one more boundary each time.
    let desk = Desk::new();
    for at in 1.. {
        match work(&fused(&desk, at, &Rc::default())) {
            Err(error) => assert!(is_crash(&error), "{error}"),
            Ok(run) => return finished(&run, "at last"),
        }
    }
}

const CHILD: &str = "GROUPSHIFT_TEST_STORE_WORK";

/// With the variable set, this test is the child: it works until it is made to abort.
#[test]
fn an_abort_at_every_boundary_is_survived_by_the_file() {
    if let Some(dir) = std::env::var_os(CHILD) {
        let dir = std::path::PathBuf::from(dir);
        work(&store(&dir.join("store"), &dir.join("locks"))).unwrap();
        return;
    }
    let mut aborted = 0;
    for at in 1..1000 {
        let desk = Desk::new();
        let done = Command::new(std::env::current_exe().unwrap())
            .args(["crashes::an_abort_at_every_boundary_is_survived_by_the_file", "--exact", "--nocapture"])
            .env(CHILD, desk.dir.path())
            .env("GROUPSHIFT_TEST_ABORT_AT", at.to_string())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .unwrap();
        finished(&work(&desk.store()).unwrap_or_else(|e| panic!("boundary {at}: {e}")), &format!("boundary {at}"));
        if done.success() {
            break;
        }
        aborted = at;
    }
    assert!(aborted > 50, "only {aborted} boundaries were met");
}
