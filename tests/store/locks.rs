//! One run at a time on a store and on a domain; a dead process's lock blocks nobody; the files that end a run.

use super::support::*;
use groupshift::cutover::store::Store;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

const CHILD: &str = "GROUPSHIFT_TEST_STORE_HOLDER";

/// A process of its own that holds the lock of the store.
fn holder(desk: &Desk) -> Child {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["locks::a_second_run_is_refused_and_a_dead_one_does_not_block", "--exact", "--nocapture"])
        .env(CHILD, desk.dir.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap() == "locked"));
    child
}

#[test]
fn a_second_run_is_refused_and_a_dead_one_does_not_block() {
    if let Some(dir) = std::env::var_os(CHILD) {
        let dir = PathBuf::from(dir);
        let store = store(&dir.join("store"), &dir.join("locks"));
        let lock = store.lock(DOMAIN).unwrap();
        lock.name_run("20261121-2100-abcd").unwrap();
        println!("\nlocked");
        // Until it is killed.
        let _ = std::io::stdin().read_line(&mut String::new());
        return;
    }
    let desk = Desk::new();
    let mut child = holder(&desk);
    let store = desk.store();
    let error = store.lock(DOMAIN).unwrap_err();
    let text = format!("{error} {:?}", error.hints);
    for part in ["this store", "20261121-2100-abcd", &format!("process {}", child.id()), "Ctrl-C", "named stop"] {
        assert!(text.contains(part), "{part:?} is not in {text}");
    }
    assert!(store.held_by().unwrap().is_some_and(|by| by.contains("20261121-2100-abcd")));
    // Another store, the same domain in other letters: the same refusal; another domain: none.
    let other = Store::open(&desk.dir.path().join("other")).unwrap().with_lock_folder(&desk.locks());
    let error = other.lock("CONTOSO.com").unwrap_err();
    assert!(error.message.contains("the domain CONTOSO.com"), "{error}");
    drop(other.lock("fabrikam.com").unwrap());

    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(store.held_by().unwrap(), None);
    let lock = store.lock(DOMAIN).unwrap();
    // Within one process too.
    assert!(desk.store().lock(DOMAIN).is_err());
    drop(lock);
    drop(store.lock(DOMAIN).unwrap());
}

#[test]
fn someone_who_only_looks_keeps_nobody_out() {
    let desk = Desk::new();
    let path = desk.path();
    let store = desk.store();
    drop(store.lock(DOMAIN).unwrap());
    let looking = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(true));
    let flag = looking.clone();
    let looker = std::thread::spawn(move || {
        let store = Store::open_existing(&path).unwrap();
        while flag.load(std::sync::atomic::Ordering::Relaxed) {
            store.held_by().unwrap();
        }
    });
    for _ in 0..50 {
        drop(store.lock(DOMAIN).unwrap_or_else(|e| panic!("{e}")));
    }
    looking.store(false, std::sync::atomic::Ordering::Relaxed);
    looker.join().unwrap();
}

#[test]
fn a_stop_or_pause_file_is_a_wish_to_stop() {
    let desk = Desk::new();
    let store = desk.store();
    assert_eq!(store.stop_wish(), None);
    for name in ["stop", "pause", "stop.txt", "pause.txt"] {
        let file = desk.path().join(name);
        std::fs::write(&file, "").unwrap();
        let wish = store.stop_wish().unwrap();
        assert!(wish.contains(name) && wish.contains("remove it"), "{wish}");
        std::fs::remove_file(file).unwrap();
    }
    assert_eq!(store.stop_wish(), None);
}
