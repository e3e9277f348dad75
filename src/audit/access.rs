//! Who effectively holds the groups of the snapshot, through any depth of nesting, then and now. Nesting in groups that
//! the snapshot does not hold is taken as it is today, on both sides.

use super::context::Context;
use super::former::FormerMembers;
use crate::directory::inventory::{Inventory, NONE};
use crate::directory::write_key;
use hashbrown::{HashMap, HashSet};
use serde_json::{Value, json};

/// How many examples are named.
const LISTED: usize = 20;

/// What changed for whom since the snapshot; `None` without one. Names that AD no longer has count as people of their own.
pub fn since(cx: &Context<'_>) -> Option<Value> {
    let former = cx.former?;
    let lists = former.groups().iter().any(|g| matches!(g.members, FormerMembers::List(_)));
    if !lists {
        return None;
    }
    let before = Before::of(cx);
    let (mut gained, mut lost, mut groups) = (0u64, 0u64, 0u64);
    let mut first: Vec<Value> = Vec::new();
    for entry in cx.entries.iter().filter(|e| e.former != NONE && e.ad != NONE) {
        let (then, now) = (before.people(cx.inventory, entry.ad), people(cx.inventory, entry.ad, &HashMap::new()));
        let new = now.iter().filter(|p| !then.contains(*p)).count() as u64;
        let gone: Vec<u32> = then.iter().filter(|p| !now.contains(*p)).copied().collect();
        let vanished = before.vanished.get(&entry.ad).map_or(0, Vec::len) as u64;
        if new + vanished > 0 || !gone.is_empty() {
            groups += 1;
            gained += new;
            lost += gone.len() as u64 + vanished;
            if first.len() < LISTED {
                let mut names: Vec<&str> = gone.iter().map(|p| cx.inventory.dn(*p)).collect();
                names.sort_unstable();
                names.truncate(LISTED);
                first.push(json!({
                    "dn": cx.dn(entry), "gained": new, "lost": gone.len() as u64 + vanished, "lostFirst": names,
                }));
            }
        }
    }
    Some(json!({ "groups": groups, "gained": gained, "lost": lost, "first": first }))
}

/// The direct members of the snapshot's groups as they were, by row of `ad.groups`.
struct Before {
    rows: HashMap<u32, Vec<u32>>,
    /// Names of members that AD no longer has.
    vanished: HashMap<u32, Vec<String>>,
}

impl Before {
    fn of(cx: &Context<'_>) -> Self {
        let inventory = cx.inventory;
        // Only names that a snapshot holds are looked for.
        let mut wanted: HashMap<Vec<u8>, u32> = HashMap::new();
        let key = |dn: &str| {
            let mut key = Vec::new();
            write_key(dn, &mut key).map(|()| key)
        };
        for group in cx.former.iter().flat_map(|f| f.groups()) {
            if let FormerMembers::List(list) = &group.members {
                wanted.extend(list.iter().filter_map(|dn| Some((key(dn)?, NONE))));
            }
        }
        for (id, object) in inventory.ad.objects.iter().enumerate() {
            if let Some(found) = inventory.text.get(object.dn).and_then(key).and_then(|k| wanted.get_mut(&k)) {
                *found = id as u32;
            }
        }
        // A group that was renamed by the cutover is still the group.
        for entry in cx.entries.iter().filter(|e| e.former != NONE && e.ad != NONE) {
            if let Some(found) = cx.before(entry).and_then(|b| key(&b.dn)).and_then(|k| wanted.get_mut(&k)) {
                *found = inventory.ad.groups[entry.ad as usize].object;
            }
        }
        let (mut rows, mut vanished) = (HashMap::new(), HashMap::new());
        for entry in cx.entries.iter().filter(|e| e.ad != NONE) {
            let Some(FormerMembers::List(list)) = cx.before(entry).map(|b| &b.members) else { continue };
            let (mut known, mut gone) = (Vec::new(), Vec::new());
            for dn in list {
                match key(dn).and_then(|k| wanted.get(&k)).copied().filter(|id| *id != NONE) {
                    Some(id) => known.push(id),
                    None => gone.push(dn.clone()),
                }
            }
            rows.insert(entry.ad, known);
            if !gone.is_empty() {
                vanished.insert(entry.ad, gone);
            }
        }
        Before { rows, vanished }
    }
    fn people(&self, inventory: &Inventory, row: u32) -> HashSet<u32> {
        people(inventory, row, &self.rows)
    }
}

/// Everybody below a group; `instead` holds the direct members of groups that had others.
fn people(inventory: &Inventory, row: u32, instead: &HashMap<u32, Vec<u32>>) -> HashSet<u32> {
    let (mut out, mut seen, mut open) = (HashSet::<u32>::new(), HashSet::<u32>::from_iter([row]), vec![row]);
    while let Some(row) = open.pop() {
        let members = match instead.get(&row) {
            Some(list) => list.as_slice(),
            None => inventory.ad.members.row(row as usize),
        };
        for &member in members {
            match inventory.ad.objects.get(member as usize).map_or(NONE, |o| o.group) {
                NONE => {
                    out.insert(member);
                }
                child => {
                    if seen.insert(child) {
                        open.push(child);
                    }
                }
            }
        }
    }
    out
}
