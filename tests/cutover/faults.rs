//! What breaks on the way: connections, Graph, the disk, the clock. Each time the run ends with what to do, and goes on when
//! it can; the end is the same.

use super::lab::{Dump, Lab, Ran, differences};
use super::proxy::Proxy;
use super::stations::Station;
use super::tenant::faults::{Kind, Planned};
use std::process::Command;

/// The configuration by way of two proxies, for the controller and its catalog.
fn by_way_of(lab: &mut Lab) -> (Proxy, Proxy) {
    let proxy = |port: u16| Proxy::start(format!("{}:{port}", lab.controller.address).parse().unwrap());
    let (ldap, catalog) = (proxy(636), proxy(3269));
    let text = std::fs::read_to_string(lab.path("groupshift.toml")).unwrap();
    let text = text.replace(&lab.controller.global_catalog(), &format!("ldaps://localhost:{}", catalog.port));
    let text =
        text.replace(&format!("\"{}\"", lab.controller.ldaps()), &format!("\"ldaps://localhost:{}\"", ldap.port));
    std::fs::write(lab.path("groupshift.toml"), text).unwrap();
    (ldap, catalog)
}

#[test]
fn the_connection_to_the_controller_is_cut() {
    let Some(mut lab) = Lab::new() else { return };
    lab.plan("documented");
    let fresh = lab.dump();
    let (ldap, catalog) = by_way_of(&mut lab);
    let mut ends = 0;
    let mut ran = None;
    // Ever fewer requests between two cuts, then ever more: some fall within the reading, some within the writes.
    for (start, every) in [9, 13, 17, 23, 31, 43, 61, 83, 113, -1].into_iter().enumerate() {
        ldap.cut_every(every);
        let begun = lab.run_folder().is_some();
        let one = if begun { lab.resume(&[]) } else { lab.begin() };
        if one.code == 1 {
            ends += 1;
            assert!(one.err.contains("hint:"), "{start}: {one:?}");
        } else {
            ran = Some(one);
            break;
        }
    }
    ldap.cut_every(-1);
    ran.unwrap().code(4);
    assert!(lab.waits().unwrap().contains("taging"));
    println!("{} cuts, {ends} runs ended by them", ldap.cuts());
    assert!(ldap.cuts() >= 5, "{}", ldap.cuts());
    assert_eq!(differences(&fresh, &lab.dump()).len(), 11);
    // Nothing is in doubt, and nothing was written twice.
    assert_eq!((lab.writes("inDoubt"), lab.writes("foreign")), (0, 0));
    // A controller that is gone is told, with what to do; back again, the run goes on.
    ldap.close(true);
    catalog.close(true);
    lab.resume(&[]).code(1).says(&["localhost"]);
    ldap.close(false);
    catalog.close(false);
    lab.resume(&[]).code(4);
    lab.rollback_all().code(0);
    assert_eq!(differences(&fresh, &lab.dump()), Vec::<String>::new());
}

/// The second wave, from the canaries to the third one's pending exports, with these faults of Graph's.
fn wave_under(lab: &mut Lab, faults: &[(&str, Kind)]) -> (Vec<Ran>, Dump) {
    lab.work();
    let planned =
        faults.iter().map(|(operation, kind)| Planned { operation: (*operation).to_owned(), kind: kind.clone() });
    lab.state.with(|t| t.faults = planned.collect());
    let mut all = Vec::new();
    for _ in 0..12 {
        let ran = lab.resume(&[]);
        all.push(ran.clone());
        if ran.code == 4 && lab.waits().is_some() {
            break;
        }
        assert_eq!(ran.code, 1, "stdout: {}\nstderr: {}", ran.out, ran.err);
    }
    assert!(lab.waits().is_some_and(|w| w.contains("Wave 1")), "{all:?}");
    let left = lab.state.with(|t| t.faults.clone());
    assert!(left.is_empty(), "never asked for: {left:?}");
    (all, lab.dump())
}

#[test]
fn graph_throttles_fails_and_resets() {
    let Some(mut lab) = Lab::at(Station::Canaries) else { return };
    let before = lab.dump();
    let sp = "/v1.0/servicePrincipals/{id}";
    let faults = [
        (format!("GET {sp}/synchronization/jobs"), Kind::Throttled(Some("1"))),
        (format!("GET {sp}/synchronization/jobs"), Kind::Unavailable),
        (format!("GET {sp}/synchronization/jobs"), Kind::ResetWithin),
        (format!("POST {sp}/synchronization/jobs/{{id}}/start"), Kind::ResetAfter),
        (format!("POST {sp}/synchronization/jobs/{{id}}/pause"), Kind::UnavailableAfter),
        (format!("PART POST {sp}/appRoleAssignedTo"), Kind::Throttled(Some("1"))),
        (format!("PART POST {sp}/appRoleAssignedTo"), Kind::UnavailableAfter),
        (format!("GET {sp}/appRoleAssignedTo"), Kind::ResetBefore),
    ];
    let faults: Vec<(&str, Kind)> = faults.iter().map(|(o, k)| (o.as_str(), k.clone())).collect();
    let (_, after) = wave_under(&mut lab, &faults);
    // The drift is put right, and nothing else happened; each group was assigned once.
    assert_eq!(differences(&before, &after).len(), 2);
    assert_eq!(lab.state.in_scope().len(), 7);
    assert_eq!(lab.writes("inDoubt"), 0);
}

fn mount(arguments: &[&str], at: &std::path::Path) -> bool {
    Command::new("mount").args(arguments).arg(at).output().is_ok_and(|o| o.status.success())
}

/// Taken away when the test ends, however it ends.
struct Mounted(std::path::PathBuf);

impl Drop for Mounted {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).output();
    }
}

#[test]
fn the_disk_is_full_and_the_journal_read_only() {
    let Some(mut lab) = Lab::new() else { return };
    let store = lab.store();
    std::fs::create_dir_all(&store).unwrap();
    if !mount(&["-t", "tmpfs", "-o", "size=300k,mode=0700", "groupshift-test"], &store) {
        println!("skipped: a full disk (no small file system can be mounted here: it takes root)");
        return;
    }
    let _mounted = Mounted(store.clone());
    lab.plan("documented");
    let fresh = lab.dump();
    let ran = lab.begin();
    assert!(ran.code == 1, "{ran:?}");
    let told = format!("{}{}", ran.out, ran.err).to_lowercase();
    assert!(told.contains("space") || told.contains("full"), "{told}");
    // What cannot be undone is not begun: nothing was written.
    assert_eq!(differences(&fresh, &lab.dump()), Vec::<String>::new());
    assert!(mount(&["-o", "remount,size=64m"], &store));
    let ran = if lab.run_folder().is_some() && lab.go(&["cutover", "status"]).code == 0 {
        lab.resume(&[])
    } else {
        lab.begin()
    };
    ran.code(4);
    assert_eq!(differences(&fresh, &lab.dump()).len(), 11);
    // Read-only: refused before anything is sent.
    lab.work();
    let (before, writes) = (lab.dump(), lab.state.writes().len());
    assert!(mount(&["-o", "remount,ro"], &store));
    let ran = lab.resume(&[]).code(1);
    let told = format!("{}{}", ran.out, ran.err).to_lowercase();
    assert!(told.contains("read-only") || told.contains("readonly"), "{told}");
    assert_eq!((differences(&before, &lab.dump()), lab.state.writes().len()), (Vec::new(), writes));
    assert!(mount(&["-o", "remount,rw"], &store));
    lab.resume(&[]).code(4);
    lab.rollback_all().code(0);
    assert_eq!(differences(&fresh, &lab.dump()), Vec::<String>::new());
}

#[test]
fn the_clock_was_set_back() {
    let Some(mut lab) = Lab::at(Station::Canaries) else { return };
    lab.work();
    // As if the journal had been written by a clock that was ahead.
    let journal = rusqlite::Connection::open(lab.store().join("runs.sqlite")).unwrap();
    journal.execute("UPDATE runs SET clock = '2031-01-01T00:00:00.000Z'", []).unwrap();
    drop(journal);
    let before = (lab.dump(), lab.state.writes().len());
    let ran = lab.resume(&[]);
    assert!(ran.code == 1 || ran.code == 4, "{ran:?}");
    ran.says(&["clock"]);
    assert_eq!((lab.dump(), lab.state.writes().len()), before);
    lab.resume(&["--accept", "clock=it is right now, it was ahead"]).code(4);
    assert!(lab.waits().unwrap().contains("Wave 1"));
}
