//! A full disk and a read-only one, on a small file system of their own. Only root may mount one: elsewhere the test says
//! that it was left out.

use super::support::*;
use groupshift::cutover::record::{SnapshotKind, WriteState};
use groupshift::cutover::store::{Snapshot, Store};
use serde_json::json;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A file system in memory of this size, unmounted at the end.
struct Mount {
    desk: Desk,
}

impl Mount {
    fn of(size: &str) -> Option<Mount> {
        let desk = Desk::new();
        let at = desk.dir.path().join("disk");
        std::fs::create_dir(&at).unwrap();
        let option = format!("size={size}");
        let done = Command::new("mount").args(["-t", "tmpfs", "-o", &option, "tmpfs"]).arg(&at).output();
        match done {
            Ok(out) if out.status.success() => Some(Mount { desk }),
            _ => {
                eprintln!("left out: no small file system can be mounted here (root on Linux can)");
                None
            }
        }
    }
    fn path(&self) -> PathBuf {
        self.desk.dir.path().join("disk")
    }
    fn store(&self) -> Store {
        store(&self.path().join("store"), &self.desk.locks())
    }
    fn remount(&self, how: &str) {
        let done = Command::new("mount").args(["-o", &format!("remount,{how}")]).arg(self.path()).status().unwrap();
        assert!(done.success(), "remount {how}");
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.path()).status();
    }
}

fn fill(dir: &Path) -> PathBuf {
    let file = dir.join("fill");
    let mut out = std::fs::File::create(&file).unwrap();
    for block in [65_536, 4096] {
        while std::io::Write::write_all(&mut out, &vec![1; block]).is_ok() {}
    }
    file
}

/// Bodies that do not compress, so that they need room.
fn big(n: u32) -> Snapshot {
    let mut rng = fastrand::Rng::with_seed(u64::from(n));
    let text: String = std::iter::repeat_with(|| rng.alphanumeric()).take(200_000).collect();
    Snapshot { kind: SnapshotKind::Schema, object: format!("job {n}"), name: "job".to_owned(), body: json!(text) }
}

#[test]
fn a_full_disk_stops_before_anything_is_sent_and_hides_nothing() {
    let Some(disk) = Mount::of("4m") else { return };
    let store = disk.store();
    let run = begin(&store);
    run.keep("S02", &[snapshot(1)], at(1)).unwrap();
    run.intend(&[intent(1, Some(1))], at(2)).unwrap();
    let filling = fill(&disk.path());
    let error = run.keep("S02", &[big(1), big(2), big(3), big(4)], at(3)).unwrap_err();
    let text = format!("{error} {}", error.hints.join(" "));
    for part in ["the disk is full", "Nothing was sent", "Make room", "groupshift cutover resume"] {
        assert!(text.contains(part), "{part:?} is not in: {text}");
    }
    // Everything before stands, is read and verifies, with the disk still full, in this process and in the next.
    assert_eq!(run.open_writes().unwrap().len(), 1);
    assert_eq!(run.verify_snapshots().unwrap(), Vec::<String>::new());
    drop((run, store));
    let store = disk.store();
    let run = store.run(None).unwrap();
    assert_eq!((run.snapshots().unwrap().len(), run.writes().unwrap().len()), (1, 1));
    // With room again it goes on.
    std::fs::remove_file(filling).unwrap();
    run.keep("S02", &[big(1)], at(4)).unwrap();
    let outcome =
        groupshift::cutover::record::Settled { write: 1, state: WriteState::Done, server: None, detail: None };
    run.settle(&[outcome], at(5)).unwrap();
    assert_eq!(run.verify_snapshots().unwrap(), Vec::<String>::new());
}

#[test]
fn a_read_only_journal_can_be_read_and_says_why_it_cannot_be_written() {
    let Some(disk) = Mount::of("4m") else { return };
    let store = disk.store();
    let run = begin(&store);
    run.keep("S02", &[snapshot(1)], at(1)).unwrap();
    let id = run.id().to_owned();
    drop((run, store));
    disk.remount("ro");
    let store = disk.store();
    let run = store.run(None).unwrap();
    assert_eq!(run.verify_snapshots().unwrap(), Vec::<String>::new());
    groupshift::report::run::standing(&run, &plan().0).unwrap();
    let error = run.intend(&[intent(1, Some(1))], at(2)).unwrap_err();
    let text = format!("{error} {}", error.hints.join(" "));
    for part in ["read-only", "Nothing was sent", "right to write"] {
        assert!(text.contains(part), "{part:?} is not in: {text}");
    }
    drop((run, store));
    disk.remount("rw");
    disk.store().run(Some(&id)).unwrap().intend(&[intent(1, Some(1))], at(2)).unwrap();
}
