//! Files that were damaged, cut, changed or made by another version: named and refused, never worked on.

use super::support::*;
use groupshift::cutover::record::SnapshotKind;
use groupshift::cutover::store::{FILE, Store};
use rusqlite::Connection;
use std::sync::OnceLock;

/// The file of a finished run, made once.
fn finished_file() -> &'static [u8] {
    static BYTES: OnceLock<Vec<u8>> = OnceLock::new();
    BYTES.get_or_init(|| {
        let desk = Desk::new();
        drop(work(&desk.store()).unwrap());
        std::fs::read(desk.path().join(FILE)).unwrap()
    })
}

fn with_file(bytes: &[u8]) -> Desk {
    let desk = Desk::new();
    std::fs::create_dir(desk.path()).unwrap();
    std::fs::write(desk.path().join(FILE), bytes).unwrap();
    desk
}

/// A finished run whose file is then changed by somebody who knows SQL.
fn changed(sql: &str) -> (Desk, Store) {
    let desk = with_file(finished_file());
    let conn = Connection::open(desk.path().join(FILE)).unwrap();
    for trigger in ["snapshots_stay", "snapshots_stand", "bodies_stay", "bodies_stand", "writes_stay", "writes_stand"] {
        conn.execute(&format!("DROP TRIGGER {trigger}"), []).unwrap();
    }
    conn.execute_batch(&format!("PRAGMA foreign_keys = OFF; {sql}")).unwrap();
    drop(conn);
    let store = desk.store();
    (desk, store)
}

#[test]
fn a_changed_snapshot_is_named() {
    let second = guid(1).to_string();
    let cases = [
        ("UPDATE snapshots SET name = 'another' WHERE id = 2", vec!["snapshot 2 of", &second, "chain is broken"]),
        (
            "UPDATE snapshots SET taken = '2026-11-20T00:00:00.000Z' WHERE id = 2",
            vec!["snapshot 2 of", "chain is broken"],
        ),
        (
            "UPDATE snapshots SET sha256 = replace(sha256, substr(sha256, 1, 4), 'aaaa') WHERE id = 2",
            vec!["snapshot 2 of", "SHA-256"],
        ),
        (
            "UPDATE bodies SET body = (SELECT body FROM bodies WHERE snapshot = 1) WHERE snapshot = 2",
            vec!["snapshot 2 of"],
        ),
        (
            "UPDATE bodies SET body = substr(body, 1, length(body) - 3) WHERE snapshot = 2",
            vec!["snapshot 2 of", "cannot be unpacked"],
        ),
        ("DELETE FROM bodies WHERE snapshot = 2", vec!["snapshot 2 of", "its body is missing"]),
        (
            "DELETE FROM bodies WHERE snapshot = 2; DELETE FROM snapshots WHERE id = 2",
            vec!["one is missing or moved", "took 4 snapshots, and 3 are here"],
        ),
        (
            "DELETE FROM bodies WHERE snapshot = 4; DELETE FROM snapshots WHERE id = 4",
            vec!["took 4 snapshots, and 3 are here"],
        ),
        ("UPDATE runs SET chain_head = 'x'", vec!["the last snapshot is not the one"]),
        ("UPDATE runs SET nonce = 'x'", vec!["snapshot 1 of", "chain is broken"]),
        (
            "UPDATE snapshots SET id = 9 WHERE id = 1; UPDATE snapshots SET id = 1 WHERE id = 2; UPDATE snapshots SET id = 2 WHERE id = 9",
            vec!["snapshot 1 of", "snapshot 2 of"],
        ),
    ];
    for (sql, parts) in cases {
        let (_desk, store) = changed(sql);
        let run = store.run_to_look_at(None).unwrap();
        let problems = run.verify_snapshots().unwrap().join("\n");
        for part in parts {
            assert!(problems.contains(part), "{sql}: {part:?} is not in: {problems}");
        }
    }
    // And where nothing was changed, nothing is named.
    let (_desk, store) = changed("");
    assert_eq!(store.run_to_look_at(None).unwrap().verify_snapshots().unwrap(), Vec::<String>::new());
}

#[test]
fn nothing_is_restored_from_a_changed_snapshot() {
    for sql in [
        "UPDATE bodies SET body = (SELECT body FROM bodies WHERE snapshot = 1) WHERE snapshot = 2",
        "UPDATE snapshots SET name = 'another' WHERE id = 2",
        "DELETE FROM bodies WHERE snapshot = 2",
    ] {
        let (desk, store) = changed(sql);
        let run = store.run_to_look_at(None).unwrap();
        let error = run.snapshot(SnapshotKind::AdGroup, &guid(1).to_string()).unwrap_err();
        assert!(error.message.contains("cannot be relied on"), "{sql}: {error}");
        assert!(error.hints.join(" ").contains("groupshift snapshot verify"), "{sql}");
        // The others are as good as before.
        run.snapshot(SnapshotKind::AdGroup, &guid(3).to_string()).unwrap().unwrap();
        // Nor is it copied as if it were whole.
        let error = run.export(&desk.dir.path().join("copy")).unwrap_err();
        assert!(error.message.contains("unsound"), "{sql}: {error}");
        assert!(!desk.dir.path().join("copy").exists());
    }
}

#[test]
fn a_changed_plan_or_word_is_refused() {
    let (_desk, store) = changed("UPDATE runs SET plan_sha256 = 'x'");
    let error = store.run_to_look_at(None).unwrap().plan().unwrap_err();
    assert!(error.message.contains("SHA-256"), "{error}");
    let (_desk, store) = changed("PRAGMA ignore_check_constraints = ON; UPDATE steps SET state = 'finished'");
    let error = store.run_to_look_at(None).unwrap().steps().unwrap_err();
    assert!(error.message.contains("finished"), "{error}");
    let (_desk, store) = changed("UPDATE writes SET meant = 'yesterday'");
    let error = store.run_to_look_at(None).unwrap().writes().unwrap_err();
    assert!(error.message.contains("yesterday"), "{error}");
}

fn refused(desk: &Desk, what: &str, parts: &[&str]) {
    // Refused at the door, or by the look that every run begins with.
    let error = match Store::open(&desk.path()) {
        Err(error) => error,
        Ok(store) => match store.with_lock_folder(&desk.locks()).lock(DOMAIN) {
            Err(error) => error,
            Ok(_) => panic!("{what}: it was taken for sound"),
        },
    };
    let text = format!("{error} {}", error.hints.join(" "));
    for part in parts {
        assert!(text.contains(part), "{what}: {part:?} is not in: {text}");
    }
}

#[test]
fn a_damaged_or_cut_file_is_refused_with_what_to_do() {
    let adopt = "groupshift cutover adopt COPY";
    let whole = |change: &dyn Fn(Vec<u8>) -> Vec<u8>| {
        let bytes = change(finished_file().to_vec());
        with_file(&bytes)
    };
    refused(&whole(&|b| b[..b.len() / 2].to_vec()), "cut in half", &["damaged", adopt]);
    refused(&whole(&|b| b[..100].to_vec()), "cut to its head", &["damaged", adopt]);
    refused(&whole(&|_| Vec::new()), "emptied", &["empty", adopt]);
    refused(&whole(&|_| b"not a database at all, but text".repeat(40)), "overwritten", &["damaged", adopt]);
    // A page in the middle: found where that page is in use, and every page of this file is.
    for page in 1..finished_file().len() / 4096 {
        let desk = whole(&|mut b: Vec<u8>| {
            b[page * 4096..page * 4096 + 64].fill(0xee);
            b
        });
        let found = match Store::open(&desk.path()) {
            Err(_) => true,
            Ok(store) => {
                let store = store.with_lock_folder(&desk.locks());
                let run = store.run_to_look_at(None);
                store.lock(DOMAIN).is_err()
                    || run.is_err()
                    || run.is_ok_and(|r| r.verify_snapshots().map_or(true, |p| !p.is_empty()))
            }
        };
        // The plan's own pages are told by its hash.
        let found = found || desk.store().run_to_look_at(None).unwrap().plan().is_err();
        assert!(found, "page {page} was overwritten and nobody noticed");
    }
}

#[test]
fn a_journal_of_a_newer_version_or_of_something_else_is_left_alone() {
    let set = |sql: &str| {
        let desk = with_file(finished_file());
        Connection::open(desk.path().join(FILE)).unwrap().execute_batch(sql).unwrap();
        let before = std::fs::read(desk.path().join(FILE)).unwrap();
        (desk, before)
    };
    let (desk, before) = set("PRAGMA user_version = 2");
    refused(&desk, "newer", &["form 2", "newer version", "Nothing was changed"]);
    assert_eq!(std::fs::read(desk.path().join(FILE)).unwrap(), before);
    let (desk, before) = set("PRAGMA application_id = 1");
    refused(&desk, "another program's", &["no journal of this program"]);
    assert_eq!(std::fs::read(desk.path().join(FILE)).unwrap(), before);
}

#[test]
fn a_journal_that_vanished_is_not_begun_anew() {
    let desk = Desk::new();
    let id = begin(&desk.store()).id().to_owned();
    std::fs::remove_file(desk.path().join(FILE)).unwrap();
    refused(&desk, "gone", &["damaged", &id, "groupshift cutover adopt COPY"]);
    assert!(!desk.path().join(FILE).exists());
}
