//! A process that writes the journal is killed with no warning, again and again, on one store: what it had been told is
//! kept is kept, and the next one goes on.

use super::support::*;
use groupshift::cutover::record::{Settled, WriteState};
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

const CHILD: &str = "GROUPSHIFT_TEST_STORE_WRITER";
const KILLS: u32 = 20;

/// Writes until it is killed; says each time what the store has promised.
fn write_forever(dir: &std::path::Path) -> ! {
    let store = store(&dir.join("store"), &dir.join("locks"));
    let _lock = store.lock(DOMAIN).unwrap();
    let run = match store.runs().unwrap().last() {
        Some(run) => store.run(Some(&run.id)).unwrap(),
        None => begin(&store),
    };
    println!("\nlocked");
    let settled = |write: i64| Settled { write, state: WriteState::Done, server: None, detail: None };
    // What the former one left open is looked at first, as a run that goes on does.
    let open: Vec<Settled> = run.open_writes().unwrap().iter().map(|w| settled(w.id)).collect();
    run.settle(&open, at(2)).unwrap();
    let mut n = run.snapshots().unwrap().len() as u32;
    loop {
        let kept = run.keep("S02", &[snapshot(n), snapshot(n + 1)], at(2)).unwrap();
        println!("kept {}", kept[1]);
        let ids = run.intend(&[intent(n, Some(kept[0])), intent(n + 1, Some(kept[1]))], at(2)).unwrap();
        println!("meant {}", ids[1]);
        run.settle(&[settled(ids[0]), settled(ids[1])], at(2)).unwrap();
        println!("settled {}", ids[1]);
        n += 2;
    }
}

/// With the variable set, this test is the child.
#[test]
fn what_was_promised_is_there_after_a_kill() {
    if let Some(dir) = std::env::var_os(CHILD) {
        write_forever(&PathBuf::from(dir));
    }
    let desk = Desk::new();
    let (mut kept, mut meant, mut settled) = (0, 0, 0);
    let mut seed = fastrand::Rng::with_seed(20_261_121);
    for kill in 0..KILLS {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["killed::what_was_promised_is_there_after_a_kill", "--exact", "--nocapture"])
            .env(CHILD, desk.dir.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        // It has the lock, so the former, killed process does not hold it any more.
        assert!(lines.by_ref().any(|line| line.unwrap() == "locked"), "kill {kill}: the child could not go on");
        // At least one promise each time; then at any instant.
        let mut wait = Duration::from_micros(seed.u64(0..40_000));
        let mut promised = |line: &str| {
            let Some((what, id)) = line.split_once(' ') else { return };
            let id: i64 = id.parse().unwrap_or(0);
            match what {
                "kept" => kept = id,
                "meant" => meant = id,
                "settled" => settled = id,
                _ => {}
            }
        };
        promised(&lines.next().unwrap().unwrap());
        let killer = std::thread::spawn(move || {
            std::thread::sleep(std::mem::take(&mut wait));
            child.kill().unwrap();
            child.wait().unwrap();
        });
        // What it still said before it died counts too; its last line may be cut.
        lines.map_while(Result::ok).for_each(|line| promised(&line));
        killer.join().unwrap();

        let store = desk.store();
        drop(store.lock(DOMAIN).unwrap_or_else(|e| panic!("kill {kill}: {e}")));
        let run = store.run(None).unwrap();
        assert_eq!(run.verify_snapshots().unwrap(), Vec::<String>::new(), "kill {kill}");
        assert!(run.snapshots().unwrap().len() as i64 >= kept, "kill {kill}: a kept snapshot is gone");
        let writes = run.writes().unwrap();
        assert!(writes.len() as i64 >= meant, "kill {kill}: an intent is gone");
        assert!(writes.iter().take(settled as usize).all(|w| w.state == WriteState::Done), "kill {kill}");
        // Both halves of a batch stand, or none.
        assert_eq!((writes.len() % 2, run.snapshots().unwrap().len() % 2), (0, 0), "kill {kill}");
    }
    assert!(settled > i64::from(KILLS), "the children hardly came to anything: {settled}");
}
