//! A process that dies at every boundary of the journal, and at every call to AD, Graph and the Connect servers, before it
//! and after it: each time the next one goes on, to the same end, with no write twice in effect.

use crate::stage::{Kind, Play, stage, told};
use groupshift::cutover::engine::Ending;
use groupshift::cutover::record::WriteState;
use groupshift::cutover::store::{Store, is_crash};
use std::cell::RefCell;
use std::collections::HashSet;
use std::rc::Rc;

/// Goes on, process after process, until the run is done; how many died.
fn to_the_end(play: &Play, mut process: impl FnMut() -> Store) -> u64 {
    for died in 0..2_500 {
        let store = process();
        match play.go_in(&store) {
            Ok(Ending::Done) => return died,
            Err(error) if is_crash(&error) => {}
            other => panic!("after {died} deaths: {}\n{}", told(&other), play.log()),
        }
    }
    let log = play.log();
    let from = log.len().saturating_sub(6_000);
    panic!("no end: … {}", log.get(from..).unwrap_or(&log));
}

/// The end is that of a run in which nobody died, and AD took no change twice.
fn as_if_nothing_had_happened(play: &Play, kind: Kind) {
    let smooth = stage(kind).play();
    smooth.finish();
    // The throwaway is named after its run.
    let dump = |p: &Play| {
        let id = p.record().id;
        let tail = format!("throwaway-{}", &id[id.len() - 4..]);
        p.twin.dump().replace(&id, "RUN").replace(&tail, "throwaway-RUN")
    };
    let (is, should) = (dump(play), dump(&smooth));
    let differs =
        |a: &str, b: &str| a.lines().filter(|l| !b.lines().any(|o| o == *l)).map(str::to_owned).collect::<Vec<_>>();
    assert!(is == should, "there is {:#?}\nthere should be {:#?}", differs(&is, &should), differs(&should, &is));
    assert_eq!(play.twin.changes(), smooth.twin.changes(), "a write was done twice: {}", play.log());
    play.intact();
    let open: Vec<_> = play.writes().into_iter().filter(|w| w.state == WriteState::Intended).collect();
    assert!(open.is_empty(), "{open:#?}");
    assert!(play.run().verify_snapshots().unwrap().is_empty());
}

#[test]
fn at_every_boundary_of_the_journal() {
    let kind = Kind::default();
    let play = stage(kind).play();
    let seen: Rc<RefCell<HashSet<String>>> = Rc::default();
    let died = to_the_end(&play, || {
        let seen = Rc::clone(&seen);
        let place = play.twin.watch();
        // A boundary is known by its name and by how far things have come.
        play.store().with_fuse(Rc::new(move |name| seen.borrow_mut().insert(format!("{name} {}", place()))))
    });
    as_if_nothing_had_happened(&play, kind);
    assert!(died >= 300, "the processes died {died} times");
}

#[test]
fn at_every_call() {
    let kind = Kind { canary_first: true, frozen_canaries: true, with_job: true, ..Kind::default() };
    let play = stage(kind).play();
    play.twin.crash_everywhere();
    let died = to_the_end(&play, || play.store().with_fuse(play.twin.fuse()));
    as_if_nothing_had_happened(&play, kind);
    assert!(died >= 150, "the processes died {died} times");
}
