//! `kill -9` at the boundaries of the journal and at random instants, each followed by a resume: the end is the same.

use super::lab::{Dump, Lab, Ran, WORD, differences};
use super::stations::{Station, expected};
use std::fs::File;
use std::path::Path;
use std::time::{Duration, Instant};

/// When a process dies.
#[derive(Debug, Clone, Copy)]
enum Death {
    /// At the n-th boundary of the journal since its start: a transaction begins, or is committed.
    Boundary(u64),
    After(Duration),
}

enum End {
    Killed,
    Ended(Ran),
}

/// Runs the program until its death, or to its end where that comes first.
fn hunt(lab: &Lab, arguments: &[&str], death: Death) -> End {
    let (out, err) = (lab.path("out.txt"), lab.path("err.txt"));
    let mut command = lab.command(arguments);
    command.stdout(File::create(&out).unwrap()).stderr(File::create(&err).unwrap());
    // While a transaction is open, SQLite's own rollback journal has a length.
    let journal = lab.store().join("runs.sqlite-journal");
    let open = || std::fs::metadata(&journal).is_ok_and(|m| m.len() > 0);
    let (mut was, mut seen, begun) = (open(), 0, Instant::now());
    let mut child = command.spawn().unwrap();
    loop {
        let due = match death {
            Death::Boundary(n) => {
                let now = open();
                seen += u64::from(now != was);
                was = now;
                seen >= n
            }
            Death::After(time) => begun.elapsed() >= time,
        };
        if due {
            child.kill().unwrap();
        }
        if let Some(status) = if due { Some(child.wait().unwrap()) } else { child.try_wait().unwrap() } {
            let text = |path: &Path| std::fs::read_to_string(path).unwrap();
            return match status.code() {
                // It ended by itself just before.
                Some(code) => End::Ended(Ran { code, out: text(&out), err: text(&err) }),
                None => End::Killed,
            };
        }
        assert!(begun.elapsed() < Duration::from_secs(180), "{arguments:?} does not end");
        std::thread::sleep(Duration::from_micros(60));
    }
}

/// Drives a run to its end through deaths; says how many there were.
fn survive(lab: &mut Lab, mut death: impl FnMut(u64) -> Option<Death>) -> u64 {
    let (mut kills, mut starts) = (0, 0);
    loop {
        starts += 1;
        assert!(starts < 600, "no progress after {kills} kills: {}", lab.status());
        // The tenant of the lab takes a client that asks without end for lost.
        lab.state.with(|t| t.requests.clear());
        if lab.waits().is_some() {
            lab.work();
        }
        let began = lab.store().join("runs.sqlite").exists()
            && lab.run_folder().is_some()
            && lab.go(&["cutover", "status"]).code == 0;
        let copy = lab.path(&format!("copies/{starts}"));
        let mut arguments = match began {
            true => {
                vec!["cutover", "resume", "--confirm-irreversible", "contoso.test", "--copy-to", copy.to_str().unwrap()]
            }
            false => vec!["cutover", "run", "plan/plan.json"],
        };
        arguments.extend(WORD);
        let ended = match death(kills) {
            Some(death) => hunt(lab, &arguments, death),
            None => End::Ended(lab.go(&arguments)),
        };
        match ended {
            End::Killed => kills += 1,
            End::Ended(ran) if ran.code == 0 => return kills,
            // It died in its last moments, and everything was done.
            End::Ended(ran) if ran.code == 2 && lab.status()["run"]["state"] == "done" => return kills,
            // Somebody has to run a script on the server.
            End::Ended(ran) if ran.code == 4 && lab.waits().is_some() => {}
            End::Ended(ran) => panic!("after {kills} kills it ended with {}: {}{}", ran.code, ran.out, ran.err),
        }
    }
}

/// What holds after any run of all waves, however often it died.
fn unharmed(lab: &Lab, fresh: &Dump) {
    assert_eq!(differences(fresh, &lab.dump()), expected(lab, fresh));
    // Nothing was written twice: each stamp has version 1 in AD's own metadata, each group was assigned once.
    for group in lab.world.groups.iter().filter(|g| lab.state.in_scope().contains(&g.id())) {
        let metadata = lab.controller.search(&group.dn(), "(objectClass=group)", &["msDS-ReplAttributeMetaData"]);
        for part in metadata.split("<DS_REPL_ATTR_META_DATA>").filter(|p| p.contains("msDS-ExternalDirectoryObjectId"))
        {
            assert!(part.contains("<dwVersion>1</dwVersion>"), "{}: {part}", group.name);
        }
        let assigned = lab
            .state
            .writes()
            .iter()
            .filter(|w| {
                w.method == "POST"
                    && w.status < 300
                    && w.path.contains("appRoleAssignedTo")
                    && w.body["principalId"] == group.id().as_str()
            })
            .count();
        assert_eq!(assigned, 1, "{} was assigned {assigned} times", group.name);
    }
    let throwaways = lab
        .state
        .groups()
        .values()
        .filter(|g| g["displayName"].as_str().is_some_and(|n| n.starts_with("groupshift throwaway")))
        .count();
    assert_eq!(throwaways, 1);
    let status = lab.status();
    assert_eq!((&status["run"]["state"], lab.writes("inDoubt")), (&"done".into(), 0), "{status}");
    lab.go(&["snapshot", "verify"]).code(0);
}

#[test]
fn killed_at_the_boundaries_of_the_journal() {
    let Some(mut lab) = Lab::new() else { return };
    lab.plan("documented");
    let fresh = lab.dump();
    let mut random = fastrand::Rng::with_seed(11);
    // A process that comes back passes some boundaries before it goes on, and some steps need many in one go.
    let kills = survive(&mut lab, |kills| {
        Some(Death::Boundary(if kills % 6 < 5 { random.u64(1..9) } else { random.u64(8..34) }))
    });
    println!("{kills} kills at boundaries");
    assert!(kills >= 90, "{kills}");
    unharmed(&lab, &fresh);
}

#[test]
fn killed_at_random_instants() {
    let Some(mut lab) = Lab::at(Station::Ready) else { return };
    let mut random = fastrand::Rng::with_seed(7);
    // As fast as this machine is now: from before the program has begun to well within its work.
    let begun = Instant::now();
    lab.status();
    let start = begun.elapsed().as_micros() as u64;
    let mut death = || Death::After(Duration::from_micros(random.u64(start / 4..start * 5)));
    let kills = survive(&mut lab, |kills| (kills < 120).then(&mut death));
    println!("{kills} kills at random");
    assert!(kills >= 100, "{kills}");
    unharmed(&lab, &lab.fresh());
}
