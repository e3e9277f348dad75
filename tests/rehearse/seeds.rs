//! Seeds by the hundred: whatever goes wrong, every group is intact in the end, or the run stopped and the rollback has
//! restored it.

use crate::stage::{Kind, Stage, documented, rt, stage};
use groupshift::twin::{Fault, Scene, Twin};
use std::sync::atomic::{AtomicU64, Ordering};

fn told(scene: &Scene) -> String {
    let lines: String =
        scene.lines.iter().map(|l| format!("{} {:?} {}\n", l.at.format("%d %H:%M:%S"), l.level, l.text)).collect();
    format!("{}\n{:#?}\n{lines}\n{:#?}\nagainst: {:#?}", scene.title, scene.stops, scene.happened, scene.against)
}

/// Plays this many, on as many cores as there are; the first that is not safe is told.
fn play(count: u64, one: impl Fn(u64) -> Scene + Sync) {
    let next = AtomicU64::new(0);
    let endings = std::sync::Mutex::new(std::collections::BTreeMap::<&str, u64>::new());
    let bad = std::sync::Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                loop {
                    let n = next.fetch_add(1, Ordering::SeqCst);
                    if n >= count {
                        return;
                    }
                    let scene = one(n);
                    *endings.lock().unwrap().entry(scene.ending).or_default() += 1;
                    if !scene.safe {
                        bad.lock().unwrap().push((n, told(&scene)));
                    }
                }
            });
        }
    });
    let (bad, endings) = (bad.into_inner().unwrap(), endings.into_inner().unwrap());
    assert!(bad.is_empty(), "{} of {count} are not safe ({endings:?}); seed {}: {}", bad.len(), bad[0].0, bad[0].1);
    // Both ends are reached, or the seeds meet nothing.
    assert!(endings.contains_key("done") && endings.contains_key("rolled-back"), "{endings:?}");
}

#[test]
fn two_hundred_seeds() {
    let staged: &'static Stage = documented();
    play(200, |seed| {
        staged.scenes(|s| {
            let twin = Twin::of(staged.inventory(), &staged.plan, Some(seed));
            rt().block_on(s.scene(&format!("seed {seed}"), twin)).unwrap_or_else(|e| panic!("seed {seed}: {e}"))
        })
    });
}

#[test]
fn every_fault_at_many_moments() {
    let staged = stage(Kind { canary_first: true, ..Kind::default() });
    let moments = 3;
    play(Fault::ALL.len() as u64 * moments, |n| {
        let fault = Fault::ALL[(n / moments) as usize];
        staged.scenes(|s| {
            let after = (n % moments) * 80;
            let twin = Twin::of(staged.inventory(), &staged.plan, None).meeting(fault, after, n);
            rt().block_on(s.scene(&format!("{fault:?} after {after}"), twin))
                .unwrap_or_else(|e| panic!("{fault:?}: {e}"))
        })
    });
}
