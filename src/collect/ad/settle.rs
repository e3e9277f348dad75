//! What a live scan needs besides: an object described anew (it changed while it was read), renamed or deleted meanwhile,
//! and an order of objects that does not hang on which connection was the faster.

use super::{AdBuilder, Prepared};
use crate::directory::inventory::{AdClass, AdObject, Inventory, NONE};
use crate::directory::{ObjectGuid, Rows};
use crate::error::Result;
use rayon::prelude::*;
use std::collections::{HashMap, HashSet};
use std::path::Path;

/// Groups whose members are numbered anew at a time, by all cores.
const ROWS: usize = 4_096;
/// Number of an object that is no more.
const GONE: u32 = NONE;

/// What changed under the reader's hands.
#[derive(Default)]
pub(super) struct Changes {
    /// The object being described anew replaces what is known of it.
    pub(super) replacing: bool,
    /// Group row → its members and parents as read last.
    pub(super) rows: HashMap<u32, (Vec<u32>, Vec<u32>)>,
    guids: HashMap<ObjectGuid, u32>,
    /// Numbers given to names that turned out to be of one object.
    alias: HashMap<u32, u32>,
    gone: HashSet<u32>,
    /// Objects whose name went over to another object: memberships that were read by that name may mean either.
    suspects: HashSet<u32>,
    ready: bool,
}

impl AdBuilder {
    /// Where `refresh` and its like look objects up; made when first needed.
    fn index(&mut self, inventory: &Inventory) {
        if !self.changes.ready {
            self.changes.ready = true;
            let objects = inventory.ad.objects.iter().enumerate();
            self.changes.guids = objects.filter(|(_, o)| !o.guid.is_nil()).map(|(i, o)| (o.guid, i as u32)).collect();
        }
    }

    /// The number of a known object.
    pub fn known(&mut self, inventory: &Inventory, guid: ObjectGuid) -> Option<u32> {
        self.index(inventory);
        self.changes.guids.get(&guid).copied().filter(|id| !self.changes.gone.contains(id))
    }

    /// Takes in a newer description of an object, whole: it replaces what was known, under whatever name that was.
    pub fn refresh(
        &mut self,
        inventory: &mut Inventory,
        prepared: &Prepared,
        guid: ObjectGuid,
        path: &Path,
    ) -> Result<()> {
        self.index(inventory);
        let named = self.number_of(prepared.entry.dn.as_bytes());
        let known = self.changes.guids.get(&guid).copied();
        if let Some(known) = known {
            self.changes.gone.remove(&known);
        }
        let other = named.filter(|n| Some(*n) != known);
        if let Some(other) = other {
            let mentioned = inventory.ad.objects[other as usize].class == AdClass::Missing;
            match (mentioned, known) {
                (true, Some(known)) => {
                    self.changes.alias.insert(other, known);
                }
                (true, None) => {}
                (false, _) => {
                    // The name was another object's when it was read: memberships by this name are doubtful.
                    self.changes.suspects.insert(other);
                    self.changes.suspects.extend(known);
                }
            }
            if known.is_some() || !mentioned {
                self.numbers.forget(other);
            }
        }
        if let Some(known) = known
            && named != Some(known)
        {
            self.numbers.forget(known);
            self.name(inventory, known, prepared);
        }
        self.changes.replacing = true;
        let done = self.add(inventory, prepared, path);
        self.changes.replacing = false;
        done?;
        if let Some(id) = self.number_of(prepared.entry.dn.as_bytes()) {
            self.changes.guids.insert(guid, id);
        }
        Ok(())
    }

    /// The object was deleted while the scan ran, or left what is scanned: so did its links.
    pub fn gone(&mut self, inventory: &Inventory, guid: ObjectGuid) {
        self.index(inventory);
        if let Some(&id) = self.changes.guids.get(&guid) {
            self.changes.gone.insert(id);
            self.numbers.forget(id);
        }
    }

    /// Gives a group, described without its members, the members that it is known to have.
    pub fn adopt_members(&mut self, group: u32, members: Vec<u32>) {
        if !members.is_empty() {
            self.attributes_seen.insert("member".to_owned());
        }
        self.changes.rows.insert(group, (members, Vec::new()));
    }

    /// Groups that name a doubtful object; asked for once, since they are then to be read again.
    pub fn doubtful_groups(&mut self, inventory: &Inventory) -> Vec<ObjectGuid> {
        let suspects = std::mem::take(&mut self.changes.suspects);
        match suspects.is_empty() {
            true => Vec::new(),
            false => self.groups_naming(inventory, |id| suspects.contains(&id)),
        }
    }

    /// Groups with a member that `wanted` picks.
    pub fn groups_naming(&self, inventory: &Inventory, wanted: impl Fn(u32) -> bool) -> Vec<ObjectGuid> {
        let ad = &inventory.ad;
        let mut out = Vec::new();
        for (row, group) in ad.groups.iter().enumerate() {
            let members = match self.changes.rows.get(&(row as u32)) {
                Some((members, _)) => members.as_slice(),
                None => ad.members.row(row),
            };
            let object = &ad.objects[group.object as usize];
            if object.group == row as u32
                && !self.changes.gone.contains(&group.object)
                && members.iter().any(|id| wanted(self.numbered(*id)))
            {
                out.push(object.guid);
            }
        }
        out
    }

    /// Names that members mention but no entry describes so far.
    pub fn undescribed(&self, inventory: &Inventory) -> Vec<u32> {
        let missing =
            |id: u32| self.real(id) == id && id != GONE && inventory.ad.objects[id as usize].class == AdClass::Missing;
        let mut out: Vec<u32> = (0..inventory.ad.objects.len() as u32).filter(|id| missing(*id)).collect();
        if !out.is_empty() {
            let mut named = HashSet::new();
            for row in 0..inventory.ad.members.len() {
                let replaced = self.changes.rows.get(&(row as u32));
                let members = replaced.map_or(inventory.ad.members.row(row), |(members, _)| members);
                named.extend(members.iter().map(|id| self.real(*id)).filter(|id| missing(*id)));
            }
            out.retain(|id| named.contains(id));
        }
        out
    }

    /// The object that a number stands for now; `GONE` where it is no more.
    fn real(&self, id: u32) -> u32 {
        let id = self.numbered(id);
        if self.changes.gone.contains(&id) { GONE } else { id }
    }

    fn numbered(&self, mut id: u32) -> u32 {
        for _ in 0..=self.changes.alias.len() {
            match self.changes.alias.get(&id) {
                Some(next) => id = *next,
                None => break,
            }
        }
        id
    }

    /// The number of a name that was met before.
    pub fn number_of(&mut self, dn: &[u8]) -> Option<u32> {
        self.numbers.named(dn)
    }

    /// Gives a known object the name of this entry.
    fn name(&mut self, inventory: &mut Inventory, id: u32, prepared: &Prepared) {
        let dn = prepared.entry.dn.as_str();
        if self.numbers.name(dn.as_bytes(), id) {
            inventory.ad.objects[id as usize].dn = inventory.text.add(dn);
        }
    }

    /// Applies what changed during the scan, and puts objects and groups into the order of their names: the same
    /// directory then gives the same bundle, whichever connection read what.
    pub fn settle(&mut self, inventory: &mut Inventory) {
        self.numbers.clear();
        let rows = std::mem::take(&mut self.changes.rows);
        let ad = &inventory.ad;
        let own = |row: usize| {
            let object = ad.groups[row].object;
            self.real(object) == object && ad.objects[object as usize].group == row as u32
        };
        let members = |row: usize| rows.get(&(row as u32)).map_or(ad.members.row(row), |(m, _)| m.as_slice());
        let parents = |row: usize| match rows.get(&(row as u32)) {
            Some((_, parents)) if !parents.is_empty() => parents.as_slice(),
            _ => ad.member_of.row(row),
        };
        let mut named = vec![false; ad.objects.len()];
        for row in (0..ad.groups.len()).filter(|r| own(*r)) {
            for id in members(row).iter().chain(parents(row)) {
                if let Some(flag) = named.get_mut(self.real(*id) as usize) {
                    *flag = true;
                }
            }
        }
        let dn = |id: u32| inventory.text.get(ad.objects[id as usize].dn).unwrap_or("");
        let mut order: Vec<([u64; 4], u32)> = (0..ad.objects.len() as u32)
            .into_par_iter()
            .filter(|id| self.real(*id) == *id)
            .filter(|id| named[*id as usize] || ad.objects[*id as usize].class != AdClass::Missing)
            .map(|id| (beginning(dn(id)), id))
            .collect();
        order.par_sort_unstable_by(|(first, a), (second, b)| {
            first.cmp(second).then_with(|| dn(*a).cmp(dn(*b))).then(a.cmp(b))
        });
        let order: Vec<u32> = order.into_iter().map(|(_, id)| id).collect();
        let mut new = vec![GONE; ad.objects.len()];
        for (place, id) in order.iter().enumerate() {
            new[*id as usize] = place as u32;
        }
        let renumbered = |ids: &[u32]| {
            let mut row = Vec::with_capacity(ids.len());
            let numbers = ids.iter().filter_map(|id| new.get(self.real(*id) as usize).copied());
            row.extend(numbers.filter(|id| *id != GONE));
            row.sort_unstable();
            row.dedup();
            row
        };
        let (mut objects, mut groups) = (Vec::with_capacity(order.len()), Vec::with_capacity(ad.groups.len()));
        let mut rows_in_order = Vec::with_capacity(ad.groups.len());
        let mut descriptors: Vec<Vec<u8>> = Vec::new();
        let mut placed: HashMap<u32, u32> = HashMap::new();
        for id in &order {
            let mut object: AdObject = ad.objects[*id as usize];
            let row = object.group as usize;
            if object.group != NONE {
                let mut group = ad.groups[row];
                (group.object, object.group) = (objects.len() as u32, groups.len() as u32);
                rows_in_order.push(row);
                groups.push(group);
            }
            if let Some(bytes) = ad.descriptors.get(object.security as usize) {
                object.security = *placed.entry(object.security).or_insert_with(|| {
                    descriptors.push(bytes.clone());
                    descriptors.len() as u32 - 1
                });
            }
            objects.push(object);
        }
        let mut new_members = Rows::with_capacity(ad.groups.len(), ad.members.total());
        let mut new_parents = Rows::with_capacity(ad.groups.len(), ad.member_of.total());
        for some in rows_in_order.chunks(ROWS) {
            let done: Vec<(Vec<u32>, Vec<u32>)> =
                some.par_iter().map(|row| (renumbered(members(*row)), renumbered(parents(*row)))).collect();
            for (members, parents) in done {
                new_members.push(members);
                new_parents.push(parents);
            }
        }
        let ad = &mut inventory.ad;
        (ad.objects, ad.groups, ad.descriptors) = (objects, groups, descriptors);
        (ad.members, ad.member_of) = (new_members, new_parents);
        let environment = &mut ad.environment;
        environment.other_carriers.sort_by(|a, b| (&a.dn, &a.attribute).cmp(&(&b.dn, &b.attribute)));
        environment.other_carriers.dedup();
        environment.domain_controllers.sort_by(|a, b| a.name.cmp(&b.name));
        environment.domain_controllers.dedup();
        self.changes = Changes::default();
    }
}

/// The first bytes of a name, in the order of the names: most names are told apart by them, which lie side by side.
fn beginning(dn: &str) -> [u64; 4] {
    let mut parts = dn.as_bytes().chunks(8);
    std::array::from_fn(|_| {
        let part = parts.next().unwrap_or_default();
        let mut bytes = [0; 8];
        bytes[..part.len()].copy_from_slice(part);
        u64::from_be_bytes(bytes)
    })
}

#[cfg(test)]
mod tests;
