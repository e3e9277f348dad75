//! Waves: nested groups before those that nest them, circles never split, pins kept, sizes kept. Works on numbers alone,
//! so that the properties can be tested without a tenant.

use crate::directory::Rows;
use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap};

/// Where the policy wants a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Pin {
    #[default]
    Free,
    /// Named: exactly this slot.
    Hard(u32),
    /// Matched by a pattern or container: this slot, unless a nested group is pinned later or a nesting one earlier.
    Soft(u32),
}

/// A wave of the policy's.
#[derive(Debug, Clone, Copy)]
pub(super) struct Slot {
    pub size: usize,
    /// Take free groups of the least risk until it is full; only the first slot does.
    pub fill: bool,
}

pub(super) struct Task<'a> {
    /// Row i: the groups that group i nests.
    pub children: &'a Rows,
    /// Place of each group in the order of the policy, and in that of risk; each a permutation.
    pub rank: &'a [u32],
    pub risk_rank: &'a [u32],
    pub pins: &'a [Pin],
    pub slots: &'a [Slot],
    /// Size of the waves that take the rest.
    pub rest: usize,
}

/// A wave: which slot it is of (`None`: of the rest), and its groups, nested ones first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Cut {
    pub slot: Option<u32>,
    pub groups: Vec<u32>,
    pub oversize: bool,
}

/// Why the pins cannot be kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trouble {
    /// Two groups that move together are pinned apart.
    Apart(u32, u32),
    /// A group is pinned before one that it nests.
    BeforeNested { parent: u32, child: u32 },
    /// More groups are pinned to a slot, with what they nest, than it takes.
    TooMany { slot: u32, count: usize },
}

/// Groups that nest each other in a circle, as numbers of units: a unit has a higher number than those it nests.
pub(super) fn units(children: &Rows) -> Vec<u32> {
    // Tarjan's algorithm with a stack of its own: nesting may be deeper than a thread's stack.
    const NEW: u32 = u32::MAX;
    let n = children.len();
    let (mut index, mut low, mut unit) = (vec![NEW; n], vec![0u32; n], vec![NEW; n]);
    let (mut next, mut units) = (0u32, 0u32);
    let (mut open, mut calls): (Vec<u32>, Vec<(u32, usize)>) = (Vec::new(), Vec::new());
    for start in 0..n as u32 {
        if index[start as usize] != NEW {
            continue;
        }
        calls.push((start, 0));
        while let Some((v, at)) = calls.pop() {
            let vi = v as usize;
            if at == 0 {
                index[vi] = next;
                low[vi] = next;
                next += 1;
                open.push(v);
            } else {
                let done = children.row(vi)[at - 1] as usize;
                low[vi] = low[vi].min(low[done]);
            }
            let mut at = at;
            let mut deeper = None;
            while let Some(&w) = children.row(vi).get(at) {
                at += 1;
                if index[w as usize] == NEW {
                    deeper = Some(w);
                    break;
                }
                if unit[w as usize] == NEW {
                    low[vi] = low[vi].min(index[w as usize]);
                }
            }
            if let Some(w) = deeper {
                calls.push((v, at));
                calls.push((w, 0));
                continue;
            }
            if low[vi] == index[vi] {
                while let Some(w) = open.pop() {
                    unit[w as usize] = units;
                    if w == v {
                        break;
                    }
                }
                units += 1;
            }
        }
    }
    unit
}

struct Units {
    of: Vec<u32>,
    members: Vec<Vec<u32>>,
    /// Units nested, each once, all of lower number.
    children: Vec<Vec<u32>>,
    parents: Rows,
}

impl Units {
    fn build(task: &Task<'_>) -> Units {
        let of = units(task.children);
        let count = of.iter().max().map_or(0, |m| *m as usize + 1);
        let (mut members, mut children) = (vec![Vec::new(); count], vec![Vec::new(); count]);
        for (i, &u) in of.iter().enumerate() {
            members[u as usize].push(i as u32);
            let own = task.children.row(i).iter().map(|c| of[*c as usize]).filter(|c| *c != u);
            children[u as usize].extend(own);
        }
        let mut down = Rows::default();
        for (list, nested) in members.iter_mut().zip(&mut children) {
            list.sort_by_key(|i| task.rank[*i as usize]);
            nested.sort_unstable();
            nested.dedup();
            down.push(nested.iter().copied());
        }
        let parents = down.reversed(count);
        Units { of, members, children, parents }
    }
    fn rank(&self, unit: u32, rank: &[u32]) -> u32 {
        self.members[unit as usize].iter().map(|i| rank[*i as usize]).min().unwrap_or(0)
    }
    /// These units, nested ones first, else by rank.
    fn sorted(&self, chosen: &[u32], rank: &[u32]) -> Vec<u32> {
        let set: BTreeSet<u32> = chosen.iter().copied().collect();
        let mut waiting: std::collections::HashMap<u32, usize> =
            set.iter().map(|u| (*u, self.children[*u as usize].iter().filter(|c| set.contains(c)).count())).collect();
        let mut ready: BinaryHeap<Reverse<(u32, u32)>> =
            waiting.iter().filter(|(_, n)| **n == 0).map(|(u, _)| Reverse((self.rank(*u, rank), *u))).collect();
        let mut out = Vec::with_capacity(chosen.len());
        while let Some(Reverse((_, u))) = ready.pop() {
            out.push(u);
            for p in self.parents.row(u as usize) {
                if let Some(n) = waiting.get_mut(p) {
                    *n -= 1;
                    if *n == 0 {
                        ready.push(Reverse((self.rank(*p, rank), *p)));
                    }
                }
            }
        }
        out
    }
}

/// Cuts all groups into waves.
pub(super) fn cut(task: &Task<'_>) -> Result<Vec<Cut>, Trouble> {
    let units = Units::build(task);
    let mut slot = assign(task, &units)?;
    if task.slots.first().is_some_and(|s| s.fill) {
        fill(task, &units, &mut slot);
    }
    let mut out = Vec::new();
    let mut by_slot: Vec<Vec<u32>> = vec![Vec::new(); task.slots.len() + 1];
    for (u, s) in slot.iter().enumerate() {
        by_slot[s.map_or(task.slots.len(), |s| s as usize)].push(u as u32);
    }
    for (s, chosen) in by_slot.iter().enumerate() {
        let (name, size) = match task.slots.get(s) {
            Some(own) => (Some(s as u32), own.size),
            None => (None, task.rest),
        };
        if let Some(s) = name {
            let pinned = |u: &&u32| units.members[**u as usize].iter().any(|i| task.pins[*i as usize] == Pin::Hard(s));
            let count: usize = chosen.iter().filter(pinned).map(|u| units.members[*u as usize].len()).sum();
            let all: usize = chosen.iter().map(|u| units.members[*u as usize].len()).sum();
            // A canary wave is one wave; another may run over into a second one, but not with what was named for it.
            if count > size || task.slots[s as usize].fill && all > size && count > 0 {
                return Err(Trouble::TooMany {
                    slot: s,
                    count: count.max(if task.slots[s as usize].fill { all } else { 0 }),
                });
            }
        }
        chunks(name, &units.sorted(chosen, task.rank), &units, size, &mut out);
    }
    Ok(out)
}

fn chunks(slot: Option<u32>, sorted: &[u32], units: &Units, size: usize, out: &mut Vec<Cut>) {
    let mut wave = Cut { slot, groups: Vec::new(), oversize: false };
    for u in sorted {
        let members = &units.members[*u as usize];
        if !wave.groups.is_empty() && wave.groups.len() + members.len() > size {
            out.push(std::mem::replace(&mut wave, Cut { slot, groups: Vec::new(), oversize: false }));
        }
        wave.groups.extend(members);
        wave.oversize = wave.groups.len() > size;
    }
    if !wave.groups.is_empty() {
        out.push(wave);
    }
}

/// The slot of each unit that the policy names, with what it nests.
fn assign(task: &Task<'_>, units: &Units) -> Result<Vec<Option<u32>>, Trouble> {
    let count = units.members.len();
    let mut hard: Vec<Option<(u32, u32)>> = vec![None; count];
    let mut soft: Vec<Option<u32>> = vec![None; count];
    for (i, pin) in task.pins.iter().enumerate() {
        let u = units.of[i] as usize;
        match (*pin, hard[u]) {
            (Pin::Hard(s), Some((other, who))) if other != s => return Err(Trouble::Apart(who, i as u32)),
            (Pin::Hard(s), None) => hard[u] = Some((s, i as u32)),
            (Pin::Soft(s), _) => soft[u] = Some(soft[u].map_or(s, |old| old.min(s))),
            _ => {}
        }
    }
    // The latest slot that anything below is pinned to, and by which group. Nested units have lower numbers.
    let mut floor: Vec<Option<(u32, u32)>> = vec![None; count];
    for u in 0..count {
        let below = units.children[u].iter().filter_map(|c| floor[*c as usize]).max_by_key(|(s, _)| *s);
        floor[u] = match (hard[u], below) {
            (Some((s, parent)), Some((deeper, child))) if deeper > s => {
                return Err(Trouble::BeforeNested { parent, child });
            }
            (Some(own), _) => Some(own),
            (None, below) => below,
        };
    }
    let mut slot: Vec<Option<u32>> = hard.iter().map(|h| h.map(|(s, _)| s)).collect();
    for u in 0..count {
        if let (None, Some(s)) = (hard[u], soft[u]) {
            slot[u] = Some(s.max(floor[u].map_or(0, |(s, _)| s)));
        }
    }
    // What is nested comes no later than what nests it. Parents have higher numbers, so one pass down is enough.
    for u in (0..count).rev() {
        let Some(own) = slot[u] else { continue };
        for c in &units.children[u] {
            let c = *c as usize;
            if hard[c].is_none() && slot[c].is_none_or(|s| s > own) {
                slot[c] = Some(own);
            }
        }
    }
    Ok(slot)
}

/// Fills the first slot with free units of the least risk.
fn fill(task: &Task<'_>, units: &Units, slot: &mut [Option<u32>]) {
    let size = |u: u32| units.members[u as usize].len();
    let taken: usize = (0..slot.len() as u32).filter(|u| slot[*u as usize] == Some(0)).map(size).sum();
    let mut left = task.slots[0].size.saturating_sub(taken);
    let ready = |u: u32, slot: &[Option<u32>]| {
        slot[u as usize].is_none() && units.children[u as usize].iter().all(|c| slot[*c as usize] == Some(0))
    };
    let entry = |u: u32| Reverse((units.rank(u, task.risk_rank), u));
    let mut heap: BinaryHeap<_> = (0..slot.len() as u32).filter(|u| ready(*u, slot)).map(entry).collect();
    while left > 0 {
        let Some(Reverse((_, u))) = heap.pop() else { break };
        if slot[u as usize].is_some() || size(u) > left {
            continue;
        }
        slot[u as usize] = Some(0);
        left -= size(u);
        for p in units.parents.row(u as usize) {
            if ready(*p, slot) {
                heap.push(entry(*p));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

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
        assert_eq!(
            run(&edges, &[Hard(0), Free, Free, Hard(0)], &small, 9),
            Err(Trouble::TooMany { slot: 0, count: 2 })
        );
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
}
