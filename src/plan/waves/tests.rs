//! What every cut keeps to, on any groups.

use super::*;
use proptest::prelude::*;
use std::collections::BTreeSet;

fn rows(edges: &[Vec<u32>]) -> Rows {
    let mut rows = Rows::default();
    for row in edges {
        rows.push(row.iter().copied());
    }
    rows
}

fn run(edges: &[Vec<u32>], pins: &[Pin], slots: &[Slot], rest: usize) -> Result<Vec<Cut>, Trouble> {
    let rank: Vec<u32> = (0..edges.len() as u32).collect();
    let risk: Vec<u32> = (0..edges.len() as u32).rev().collect();
    cut(&Task { children: &rows(edges), rank: &rank, risk_rank: &risk, pins, slots, rest })
}

fn groups(cuts: &[Cut]) -> Vec<Vec<u32>> {
    cuts.iter().map(|c| c.groups.clone()).collect()
}

#[test]
fn nested_groups_come_first() {
    // 0 nests 1 nests 2; 3 stands alone.
    let edges = [vec![1], vec![2], vec![], vec![]];
    let free = [Pin::Free; 4];
    assert_eq!(groups(&run(&edges, &free, &[], 2).unwrap()), [[2, 1], [0, 3]]);
    assert_eq!(groups(&run(&edges, &free, &[], 9).unwrap()), [[2, 1, 0, 3]]);
    // The canary takes the least risk, which here is the highest number.
    let canary = [Slot { size: 1, fill: true }];
    assert_eq!(groups(&run(&edges, &free, &canary, 9).unwrap()), [vec![3], vec![2, 1, 0]]);
}

#[test]
fn circles_stay_together() {
    let edges = [vec![1], vec![2], vec![0], vec![0], vec![]];
    let cuts = run(&edges, &[Pin::Free; 5], &[], 2).unwrap();
    assert_eq!(groups(&cuts), [vec![0, 1, 2], vec![3, 4]]);
    assert_eq!(cuts.iter().map(|c| c.oversize).collect::<Vec<_>>(), [true, false]);
    let pins = [Pin::Hard(0), Pin::Hard(1), Pin::Free, Pin::Free, Pin::Free];
    let slots = [Slot { size: 9, fill: false }; 2];
    assert_eq!(run(&edges, &pins, &slots, 9), Err(Trouble::Apart(0, 1)));
}

#[test]
fn pins() {
    let edges = [vec![1], vec![2], vec![], vec![]];
    let slots = [Slot { size: 9, fill: false }; 2];
    let pinned = |pins: [Pin; 4]| run(&edges, &pins, &slots, 9);
    use Pin::{Free, Hard, Soft};
    // What a pinned group nests comes with it.
    assert_eq!(groups(&pinned([Hard(0), Free, Free, Free]).unwrap()), [vec![2, 1, 0], vec![3]]);
    assert_eq!(groups(&pinned([Hard(1), Free, Hard(0), Free]).unwrap()), [vec![2], vec![1, 0], vec![3]]);
    assert_eq!(pinned([Hard(0), Free, Hard(1), Free]), Err(Trouble::BeforeNested { parent: 0, child: 2 }));
    // A pattern gives way, a name does not.
    assert_eq!(groups(&pinned([Soft(0), Free, Hard(1), Free]).unwrap()), [vec![2, 1, 0], vec![3]]);
    assert_eq!(groups(&pinned([Hard(0), Soft(1), Free, Soft(1)]).unwrap()), [vec![2, 1, 0], vec![3]]);
    let small = [Slot { size: 1, fill: false }];
    assert_eq!(run(&edges, &[Hard(0), Free, Free, Hard(0)], &small, 9), Err(Trouble::TooMany { slot: 0, count: 2 }));
    assert_eq!(groups(&run(&edges, &[Soft(0), Free, Free, Soft(0)], &small, 9).unwrap()), [[2], [1], [0], [3]]);
}

#[test]
fn ten_thousand_deep() {
    let n = 10_000u32;
    let edges: Vec<Vec<u32>> = (0..n).map(|i| if i + 1 < n { vec![i + 1] } else { Vec::new() }).collect();
    let cuts = run(&edges, &vec![Pin::Free; n as usize], &[Slot { size: 3, fill: true }], 100).unwrap();
    let all: Vec<u32> = cuts.iter().flat_map(|c| c.groups.clone()).collect();
    assert_eq!(all, (0..n).rev().collect::<Vec<_>>());
    let mut ring = edges;
    ring[n as usize - 1] = vec![0];
    let cuts = run(&ring, &vec![Pin::Free; n as usize], &[], 100).unwrap();
    assert!(cuts.len() == 1 && cuts[0].oversize);
}

prop_compose! {
    fn any_task()(n in 1usize..24)(
        edges in proptest::collection::vec(proptest::collection::btree_set(0..n as u32, 0..4), n),
        pins in proptest::collection::vec(0u8..12, n),
        sizes in (1usize..6, 1usize..6, 1usize..6),
    ) -> (Vec<Vec<u32>>, Vec<Pin>, [Slot; 2], usize) {
        let pins = pins.into_iter().map(|p| match p {
            0 => Pin::Hard(0), 1 => Pin::Hard(1), 2 => Pin::Soft(0), 3 => Pin::Soft(1), _ => Pin::Free,
        }).collect();
        let slots = [Slot { size: sizes.0, fill: true }, Slot { size: sizes.1, fill: false }];
        (edges.into_iter().map(|row| row.into_iter().collect()).collect(), pins, slots, sizes.2)
    }
}

proptest! {
    #[test]
    fn every_wave_is_lawful((edges, pins, slots, rest) in any_task()) {
        let result = run(&edges, &pins, &slots, rest);
        prop_assert_eq!(&result, &run(&edges, &pins, &slots, rest));
        let Ok(cuts) = result else { return Ok(()) };
        let unit = units(&rows(&edges));
        let mut place = vec![None; edges.len()];
        for (w, wave) in cuts.iter().enumerate() {
            for (p, g) in wave.groups.iter().enumerate() {
                prop_assert!(place[*g as usize].replace((w, p)).is_none(), "{} stands twice", g);
            }
            let size = wave.slot.map_or(rest, |s| slots[s as usize].size);
            let together: BTreeSet<u32> = wave.groups.iter().map(|g| unit[*g as usize]).collect();
            prop_assert!(wave.groups.len() <= size || wave.oversize && together.len() == 1 || wave.slot == Some(0));
        }
        for (parent, nested) in edges.iter().enumerate() {
            prop_assert!(place[parent].is_some(), "{} is lost", parent);
            for child in nested {
                if unit[parent] == unit[*child as usize] {
                    prop_assert_eq!(place[parent].map(|p| p.0), place[*child as usize].map(|p| p.0));
                } else {
                    prop_assert!(place[*child as usize] < place[parent], "{} before {}", parent, child);
                }
            }
        }
        for (g, pin) in pins.iter().enumerate() {
            if let (Pin::Hard(s), Some((w, _))) = (pin, place[g]) {
                prop_assert_eq!(cuts[w].slot, Some(*s));
            }
        }
    }

    #[test]
    fn units_are_the_circles(edges in (1usize..10).prop_flat_map(|n| {
        proptest::collection::vec(proptest::collection::vec(0..n as u32, 0..3), n)
    })) {
        let n = edges.len();
        let mut reach = vec![vec![false; n]; n];
        for (i, row) in edges.iter().enumerate() {
            for c in row { reach[i][*c as usize] = true; }
        }
        for k in 0..n { for i in 0..n { for j in 0..n {
            if reach[i][k] && reach[k][j] { reach[i][j] = true; }
        }}}
        let unit = units(&rows(&edges));
        for i in 0..n { for j in 0..n {
            prop_assert_eq!(unit[i] == unit[j], i == j || reach[i][j] && reach[j][i]);
        }}
    }
}
