//! Connections that break, servers that are busy, slow, restarted or not what they were: a whole scan or a clear error.

use crate::support::*;
use crate::wire::{Act, Op, Request, Wire};
use groupshift::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

fn small() -> Wire {
    let mut directory = world(12, 8, 4);
    directory.max_page = 5;
    directory.max_values = Some(3);
    Wire::start(directory)
}

/// Every request of the scan in turn is answered by a part of its answer and the end of the connection.
#[test]
fn a_connection_cut_anywhere_is_replaced() {
    let wire = small();
    let whole = seen(&scan(&wire).unwrap().inventory);
    let mut cuts = 0;
    for after in [0, 1, 40, 300] {
        let mut nth = 3;
        loop {
            let (count, cut) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
            let (counting, cutting) = (count.clone(), cut.clone());
            wire.on(move |_, _| match counting.fetch_add(1, Ordering::SeqCst) + 1 == nth {
                true => {
                    cutting.store(1, Ordering::SeqCst);
                    Act::Cut(after)
                }
                false => Act::Answer,
            });
            let half = scan(&wire).unwrap_or_else(|e| panic!("request {nth}, after {after} bytes: {e}"));
            assert!(is_whole(&half), "request {nth}, after {after} bytes");
            assert_eq!(seen(&half.inventory), whole, "request {nth}, after {after} bytes");
            cuts += cut.load(Ordering::SeqCst);
            if count.load(Ordering::SeqCst) < nth {
                break;
            }
            nth += 4;
        }
    }
    assert!(cuts > 40, "only {cuts} cuts");
}

/// Every connection breaks after so many bytes: the scan ends whole, or says so; nothing in between.
#[test]
fn connections_that_all_break_end_whole_or_in_an_error() {
    let wire = small();
    let whole = seen(&scan(&wire).unwrap().inventory);
    let (mut good, mut bad) = (0, 0);
    for bytes in [1, 50, 200, 700, 1_500, 3_000, 6_000, 12_000, 50_000] {
        wire.cut_after(Some(bytes));
        match scan(&wire) {
            Ok(half) => {
                assert!(is_whole(&half) && seen(&half.inventory) == whole, "{bytes}");
                good += 1;
            }
            Err(error) => {
                assert!(clear(&error), "{bytes}: {error}");
                bad += 1;
            }
        }
    }
    assert!(good > 0 && bad > 2, "{good} good, {bad} bad");
}

/// An error names the server and is about the connection.
fn clear(error: &Error) -> bool {
    error.to_string().contains("ldaps://127.0.0.1") && !error.hints.is_empty()
}

#[test]
fn a_controller_killed_while_it_is_read_is_an_error() {
    let wire = small();
    for nth in [3, 8, 15, 25] {
        let mut count = 0;
        wire.on(move |_, _| {
            count += 1;
            if count >= nth { Act::Hang } else { Act::Answer }
        });
        let error = scan(&wire).err().unwrap_or_else(|| panic!("whole after {nth} requests"));
        assert!(clear(&error), "{error}");
    }
}

fn other_than_root(request: &Request) -> bool {
    request.is_search()
}

#[test]
fn a_busy_server_is_waited_for() {
    let wire = small();
    let whole = seen(&scan(&wire).unwrap().inventory);
    let mut left = 3;
    wire.on(move |request, _| match left > 0 && other_than_root(request) {
        true => {
            left -= 1;
            Act::Result(51, "0000208E: SvcErr: DSID-02080495, problem 5001 (BUSY), data 0")
        }
        false => Act::Answer,
    });
    assert_eq!(seen(&scan(&wire).unwrap().inventory), whole);
    wire.on(|request, _| match other_than_root(request) {
        true => Act::Result(51, "0000208E: SvcErr: DSID-02080495, problem 5001 (BUSY), data 0"),
        false => Act::Answer,
    });
    assert!(clear(&scan(&wire).err().unwrap()));
}

#[test]
fn an_answer_that_comes_too_late_is_asked_for_again() {
    let wire = small();
    let whole = seen(&scan(&wire).unwrap().inventory);
    let mut count = 0;
    wire.on(move |request, _| {
        count += u64::from(other_than_root(request));
        if other_than_root(request) && count == 6 { Act::Delay(Duration::from_secs(4)) } else { Act::Answer }
    });
    assert_eq!(seen(&scan(&wire).unwrap().inventory), whole);
}

#[test]
fn a_server_that_falls_silent_is_an_error() {
    let wire = small();
    wire.on(|request, _| match &request.op {
        Op::Search { base, .. } if base == DOMAIN => Act::Silence,
        _ => Act::Answer,
    });
    let error = scan(&wire).err().unwrap();
    assert!(clear(&error) && error.to_string().contains("no answer"), "{error}");
}

#[test]
fn limits_of_the_server_are_errors_and_not_ends() {
    // Many questions are on their way at once, so what is refused is told by what it asks for: the domain's objects.
    let of_the_domain = |request: &Request| matches!(&request.op, Op::Search { base, scope: 2, .. } if base == DOMAIN);
    for (code, said) in
        [(3, "time"), (4, "size"), (11, "administrative"), (50, "00002098: SecErr"), (1, "000020D6: operations")]
    {
        for answered in 0..3 {
            let wire = small();
            let mut count = 0;
            wire.on(move |request, _| {
                count += u64::from(of_the_domain(request));
                if of_the_domain(request) && count > answered { Act::Result(code, said) } else { Act::Answer }
            });
            match scan(&wire) {
                Err(error) => assert!(error.to_string().contains(&code.to_string()), "{code}: {error}"),
                Ok(_) => panic!("result {code} after {answered} answers was taken for an end"),
            }
        }
    }
}

#[test]
fn another_controller_in_the_midst_is_refused() {
    let wire = small();
    let mut searches = 0;
    wire.on(move |request, directory| {
        searches += u64::from(other_than_root(request));
        if searches == 9 {
            searches += 1;
            *directory.root.values_mut("dsServiceName") = vec![b"CN=NTDS Settings,CN=DC2,DC=contoso,DC=test".to_vec()];
            return Act::Hang;
        }
        Act::Answer
    });
    let error = scan(&wire).err().unwrap();
    assert!(error.to_string().contains("another domain controller"), "{error}");
}

#[test]
fn what_is_no_controller_is_said() {
    let mut directory = world(2, 1, 1);
    directory.root.attributes.retain(|(name, _)| name != "defaultNamingContext");
    let error = scan(&Wire::start(directory)).err().unwrap();
    assert!(error.to_string().contains("no Active Directory domain controller"), "{error}");
}

/// Ctrl-C while the controller keeps the program waiting: exit code 130, and no bundle.
#[cfg(unix)]
#[test]
fn an_interrupt_leaves_no_bundle() {
    let wire = small();
    config(&wire, "");
    let waiting = Arc::new(AtomicU64::new(0));
    let seen = waiting.clone();
    wire.on(move |request, _| match other_than_root(request) {
        true => {
            seen.fetch_add(1, Ordering::SeqCst);
            Act::Silence
        }
        false => Act::Answer,
    });
    let out = wire.folder().join("bundle");
    let mut child = std::process::Command::new(env!("CARGO_BIN_EXE_groupshift"))
        .arg("collect")
        .arg("--config")
        .arg(wire.folder().join("groupshift.toml"))
        .arg("--out")
        .arg(&out)
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let began = std::time::Instant::now();
    while waiting.load(Ordering::SeqCst) == 0 {
        assert!(began.elapsed() < Duration::from_secs(30), "nothing was asked");
        std::thread::sleep(Duration::from_millis(20));
    }
    let kill = std::process::Command::new("kill").arg("-INT").arg(child.id().to_string()).status().unwrap();
    assert!(kill.success());
    let code = child.wait().unwrap().code();
    assert_eq!(code, Some(130));
    assert!(!out.exists());
    let left: Vec<_> = std::fs::read_dir(wire.folder()).unwrap().flatten().map(|e| e.file_name()).collect();
    assert!(!left.iter().any(|n| n.to_string_lossy().contains("bundle")), "{left:?}");
}
