//! Access before and after: effective membership, through any depth of nesting. What changes is found from the people
//! whose own or whose group's membership changes: for each of them, the groups above are climbed before and after.
//! Cycles are fine; a person counts once, however many ways lead to a group.

use crate::directory::Rows;
use crate::directory::inventory::{Inventory, NONE};
use crate::predict::{Fate, Forecast, nesting};
use hashbrown::HashSet;
use rayon::prelude::*;

/// What happens to one person's effective membership of one AD group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    Gained,
    Lost,
    /// Depends on an open point.
    MaybeGained,
    MaybeLost,
}

/// (row of `ad.groups`, what, AD object).
pub type Change = (u32, Kind, u32);

/// A direct membership that changes: (member object, group row).
type Edge = (u32, u32);

/// Direct memberships that come and go, each list sorted.
#[derive(Default)]
struct Deltas {
    lost: Vec<Edge>,
    maybe_lost: Vec<Edge>,
    added: Vec<Edge>,
    maybe_added: Vec<Edge>,
}

pub struct Access {
    /// Sorted by group.
    changes: Vec<Change>,
    /// AD groups that have groups as members: (member object, group row), sorted.
    nesting: Vec<Edge>,
}

/// Which memberships count.
#[derive(Clone, Copy, PartialEq, Eq)]
enum World {
    Before,
    /// What is certain.
    After,
    /// And everything is lost that may be.
    Least,
    /// And everything is added that may be.
    Most,
}

struct Graph<'a> {
    inventory: &'a Inventory,
    deltas: Deltas,
    /// Who stands in which group, for those who are looked at: rows of groups by AD object number.
    above: Rows,
    /// By AD object number: which lists of `deltas` have it as a member.
    touched: Vec<u8>,
}

const LOST: u8 = 1;
const ADDED: u8 = 2;
const MAYBE_LOST: u8 = 4;
const MAYBE_ADDED: u8 = 8;

/// What a climb needs, kept from one to the next.
#[derive(Default)]
struct Scratch {
    seen: HashSet<u32>,
    open: Vec<u32>,
}

/// The entries of a sorted list with this member.
fn of(edges: &[Edge], member: u32) -> &[Edge] {
    let start = edges.partition_point(|e| e.0 < member);
    let len = edges[start..].partition_point(|e| e.0 == member);
    &edges[start..start + len]
}

impl Graph<'_> {
    /// Rows of the groups that hold a member, directly or not, ascending; and which kinds of change lie on the way.
    fn climb(&self, member: u32, world: World, scratch: &mut Scratch) -> (Vec<u32>, u8) {
        let Scratch { seen, open } = scratch;
        seen.clear();
        open.clear();
        open.push(member);
        let (d, mut met) = (&self.deltas, 0);
        while let Some(node) = open.pop() {
            let mut go = |row: u32| {
                if seen.insert(row) {
                    open.push(self.inventory.ad.groups[row as usize].object);
                }
            };
            let touched = self.touched[node as usize];
            met |= touched;
            for &row in self.above.row(node as usize) {
                let gone = touched & LOST != 0 && world != World::Before && d.lost.binary_search(&(node, row)).is_ok()
                    || touched & MAYBE_LOST != 0
                        && world == World::Least
                        && d.maybe_lost.binary_search(&(node, row)).is_ok();
                if !gone {
                    go(row);
                }
            }
            if touched & ADDED != 0 && world != World::Before {
                of(&d.added, node).iter().for_each(|e| go(e.1));
            }
            if touched & MAYBE_ADDED != 0 && world == World::Most {
                of(&d.maybe_added, node).iter().for_each(|e| go(e.1));
            }
        }
        let mut rows: Vec<u32> = seen.iter().copied().collect();
        rows.sort_unstable();
        (rows, met)
    }

    /// What changes for one person.
    fn changes(&self, person: u32, scratch: &mut Scratch) -> Vec<Change> {
        let mut out: Vec<Change> = Vec::new();
        let lacks = |rows: &[u32], row: &u32| rows.binary_search(row).is_err();
        let (before, met) = self.climb(person, World::Before, scratch);
        if met == 0 {
            return out;
        }
        let (after, met) = match met & (LOST | ADDED) {
            0 => (before.clone(), met),
            _ => {
                let (after, more) = self.climb(person, World::After, scratch);
                (after, met | more)
            }
        };
        out.extend(before.iter().filter(|r| lacks(&after, r)).map(|r| (*r, Kind::Lost, person)));
        out.extend(after.iter().filter(|r| lacks(&before, r)).map(|r| (*r, Kind::Gained, person)));
        if met & MAYBE_LOST != 0 {
            let (least, _) = self.climb(person, World::Least, scratch);
            let stays = |r: &&u32| !lacks(&after, r) && lacks(&least, r);
            out.extend(before.iter().filter(stays).map(|r| (*r, Kind::MaybeLost, person)));
        }
        if met & MAYBE_ADDED != 0 {
            let (most, _) = self.climb(person, World::Most, scratch);
            let comes = |r: &&u32| lacks(&before, r) && lacks(&after, r);
            out.extend(most.iter().filter(comes).map(|r| (*r, Kind::MaybeGained, person)));
        }
        out
    }
}

impl Access {
    pub fn of(forecast: &Forecast<'_>) -> Self {
        let inventory = forecast.inventory();
        let nesting = nesting(inventory);
        let deltas = deltas(forecast);
        let people = affected(inventory, &deltas);
        let mut edges = held(inventory, &people);
        edges.extend_from_slice(&nesting);
        edges.par_sort_unstable();
        let mut touched = vec![0u8; inventory.ad.objects.len()];
        for (list, bit) in [
            (&deltas.lost, LOST),
            (&deltas.added, ADDED),
            (&deltas.maybe_lost, MAYBE_LOST),
            (&deltas.maybe_added, MAYBE_ADDED),
        ] {
            list.iter().for_each(|e| touched[e.0 as usize] |= bit);
        }
        let mut above = Rows::default();
        let mut rest = edges.as_slice();
        for object in 0..touched.len() as u32 {
            let len = rest.iter().take_while(|e| e.0 == object).count();
            above.push(rest[..len].iter().map(|e| e.1));
            rest = &rest[len..];
        }
        drop(edges);
        let graph = Graph { inventory, deltas, above, touched };
        let mut changes: Vec<Change> = (0..people.len() as u32)
            .into_par_iter()
            .filter(|person| people[*person as usize])
            .map_init(Scratch::default, |scratch, person| graph.changes(person, scratch))
            .flatten_iter()
            .collect();
        changes.par_sort_unstable();
        Access { changes, nesting }
    }

    /// What changes for one AD group, by row: sorted by kind, then by AD object.
    pub fn group(&self, row: u32) -> &[Change] {
        let start = self.changes.partition_point(|c| c.0 < row);
        let len = self.changes[start..].partition_point(|c| c.0 == row);
        &self.changes[start..start + len]
    }
    pub fn changes(&self) -> &[Change] {
        &self.changes
    }
    /// Rows of the AD groups for which anything changes.
    pub fn groups(&self) -> Vec<u32> {
        let mut rows: Vec<u32> = self.changes.iter().map(|c| c.0).collect();
        rows.dedup();
        rows
    }
    /// Distinct people with a change of this kind.
    pub fn people(&self, kind: Kind) -> u64 {
        let mut people: Vec<u32> = self.changes.iter().filter(|c| c.1 == kind).map(|c| c.2).collect();
        people.par_sort_unstable();
        people.dedup();
        people.len() as u64
    }
    /// Rows of the AD groups that have this one as a direct member.
    pub fn parents(&self, inventory: &Inventory, row: u32) -> Vec<u32> {
        let Some(group) = inventory.ad.groups.get(row as usize) else { return Vec::new() };
        of(&self.nesting, group.object).iter().map(|e| e.1).collect()
    }
    /// Rows of the AD groups that hold this one, directly or not; itself only where it stands in a cycle.
    pub fn ancestors(&self, inventory: &Inventory, row: u32) -> Vec<u32> {
        let (mut seen, mut open) = (HashSet::<u32>::new(), vec![row]);
        while let Some(row) = open.pop() {
            open.extend(self.parents(inventory, row).into_iter().filter(|parent| seen.insert(*parent)));
        }
        let mut rows: Vec<u32> = seen.into_iter().collect();
        rows.sort_unstable();
        rows
    }
}

/// How many people a group holds today, through any depth.
pub fn effective_members(inventory: &Inventory, row: u32) -> u64 {
    let group_of = |object: u32| inventory.ad.objects[object as usize].group;
    let direct = inventory.ad.members.row(row as usize);
    if direct.iter().all(|m| group_of(*m) == NONE) {
        return direct.len() as u64;
    }
    let (mut people, mut seen, mut open) = (HashSet::<u32>::new(), HashSet::<u32>::from_iter([row]), vec![row]);
    while let Some(row) = open.pop() {
        for &member in inventory.ad.members.row(row as usize) {
            match group_of(member) {
                NONE => {
                    people.insert(member);
                }
                child => {
                    if seen.insert(child) {
                        open.push(child);
                    }
                }
            }
        }
    }
    people.len() as u64
}

fn deltas(forecast: &Forecast<'_>) -> Deltas {
    let found: Vec<(Fate, Edge)> = forecast
        .outcomes()
        .par_iter()
        .enumerate()
        .filter(|(_, o)| {
            let m = &o.members;
            o.ad != NONE && m.added + m.maybe_added + m.lost + m.maybe_lost > 0
        })
        .flat_map_iter(|(position, outcome)| {
            let mut out = Vec::new();
            forecast.visit_members(position, &mut |line| {
                let moves = matches!(line.fate, Fate::Added | Fate::MaybeAdded | Fate::Lost | Fate::MaybeLost);
                if moves && line.ad != NONE {
                    out.push((line.fate, (line.ad, outcome.ad)));
                }
            });
            out
        })
        .collect();
    let of = |fate: Fate| {
        let mut edges: Vec<Edge> = found.iter().filter(|(f, _)| *f == fate).map(|(_, e)| *e).collect();
        edges.par_sort_unstable();
        edges
    };
    Deltas {
        lost: of(Fate::Lost),
        maybe_lost: of(Fate::MaybeLost),
        added: of(Fate::Added),
        maybe_added: of(Fate::MaybeAdded),
    }
}

/// The people under any membership that changes, by AD object number.
fn affected(inventory: &Inventory, deltas: &Deltas) -> Vec<bool> {
    let mut people = vec![false; inventory.ad.objects.len()];
    let mut seen = vec![false; inventory.ad.groups.len()];
    let mut open: Vec<u32> = Vec::new();
    let mut by_group: Vec<Edge> = Vec::new();
    for edges in [&deltas.lost, &deltas.maybe_lost, &deltas.added, &deltas.maybe_added] {
        for (member, row) in edges {
            mark(inventory, *member, &mut people, &mut seen, &mut open);
            by_group.push((*row, *member));
        }
    }
    by_group.par_sort_unstable();
    while let Some(row) = open.pop() {
        let added = of(&by_group, row).iter().map(|e| e.1);
        for member in inventory.ad.members.row(row as usize).iter().copied().chain(added) {
            mark(inventory, member, &mut people, &mut seen, &mut open);
        }
    }
    people
}

fn mark(inventory: &Inventory, member: u32, people: &mut [bool], seen: &mut [bool], open: &mut Vec<u32>) {
    match inventory.ad.objects[member as usize].group {
        NONE => people[member as usize] = true,
        row => {
            if !std::mem::replace(&mut seen[row as usize], true) {
                open.push(row);
            }
        }
    }
}

/// The direct memberships of these people.
fn held(inventory: &Inventory, people: &[bool]) -> Vec<Edge> {
    if !people.contains(&true) {
        return Vec::new();
    }
    (0..inventory.ad.members.len())
        .into_par_iter()
        .flat_map_iter(|row| {
            let members = inventory.ad.members.row(row).iter().copied();
            members.filter(|m| people[*m as usize]).map(move |m| (m, row as u32))
        })
        .collect()
}
