//! Waves: nested groups before those that nest them, circles never split, pins kept, sizes kept. Works on numbers alone,
//! so that the properties can be tested without a tenant.

use crate::directory::Rows;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

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
    /// The groups of each unit, in the order of the policy.
    members: Rows,
    /// Units nested, each once, all of lower number.
    children: Rows,
    parents: Rows,
}

impl Units {
    fn build(task: &Task<'_>) -> Units {
        let of = units(task.children);
        let count = of.iter().max().map_or(0, |m| *m as usize + 1);
        let mut members: Vec<(u32, u32)> = of.iter().enumerate().map(|(i, u)| (*u, i as u32)).collect();
        members.sort_unstable_by_key(|(u, i)| (*u, task.rank[*i as usize]));
        let mut nested: Vec<(u32, u32)> = Vec::new();
        for (i, &u) in of.iter().enumerate() {
            let own = task.children.row(i).iter().map(|c| of[*c as usize]).filter(|c| *c != u);
            nested.extend(own.map(|c| (u, c)));
        }
        nested.sort_unstable();
        nested.dedup();
        let children = Rows::from_pairs(count, &nested);
        let parents = children.reversed(count);
        Units { of, members: Rows::from_pairs(count, &members), children, parents }
    }
    fn len(&self) -> usize {
        self.members.len()
    }
    fn members(&self, unit: u32) -> &[u32] {
        self.members.row(unit as usize)
    }
    fn children(&self, unit: u32) -> &[u32] {
        self.children.row(unit as usize)
    }
    fn rank(&self, unit: u32, rank: &[u32]) -> u32 {
        self.members(unit).iter().map(|i| rank[*i as usize]).min().unwrap_or(0)
    }
    /// These units, nested ones first, else by rank.
    fn sorted(&self, chosen: &[u32], rank: &[u32]) -> Vec<u32> {
        const ELSEWHERE: u32 = u32::MAX;
        let mut waiting = vec![ELSEWHERE; self.len()];
        chosen.iter().for_each(|u| waiting[*u as usize] = 0);
        for u in chosen {
            let own = self.children(*u).iter().filter(|c| waiting[**c as usize] != ELSEWHERE).count();
            waiting[*u as usize] = own as u32;
        }
        let entry = |u: u32| Reverse((self.rank(u, rank), u));
        let mut ready: BinaryHeap<Reverse<(u32, u32)>> =
            chosen.iter().filter(|u| waiting[**u as usize] == 0).map(|u| entry(*u)).collect();
        let mut out = Vec::with_capacity(chosen.len());
        while let Some(Reverse((_, u))) = ready.pop() {
            out.push(u);
            for p in self.parents.row(u as usize) {
                let left = &mut waiting[*p as usize];
                if *left != ELSEWHERE {
                    *left -= 1;
                    if *left == 0 {
                        ready.push(entry(*p));
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
            let pinned = |u: &&u32| units.members(**u).iter().any(|i| task.pins[*i as usize] == Pin::Hard(s));
            let count: usize = chosen.iter().filter(pinned).map(|u| units.members(*u).len()).sum();
            let all: usize = chosen.iter().map(|u| units.members(*u).len()).sum();
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
        let members = units.members(*u);
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
    let count = units.len();
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
        let below = units.children(u as u32).iter().filter_map(|c| floor[*c as usize]).max_by_key(|(s, _)| *s);
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
        for c in units.children(u as u32) {
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
    let size = |u: u32| units.members(u).len();
    let taken: usize = (0..slot.len() as u32).filter(|u| slot[*u as usize] == Some(0)).map(size).sum();
    let mut left = task.slots[0].size.saturating_sub(taken);
    let ready = |u: u32, slot: &[Option<u32>]| {
        slot[u as usize].is_none() && units.children(u).iter().all(|c| slot[*c as usize] == Some(0))
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
mod tests;
