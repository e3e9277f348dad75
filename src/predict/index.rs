//! Look-ups over an Inventory that every rule shares, built once: who is who between Entra and AD.

use crate::directory::inventory::{AdClass, AdGroup, Inventory, NONE, SidRef};
use crate::directory::{Anchor, AnchorText, ObjectGuid, starts_like_anchor};
use hashbrown::{DefaultHashBuilder, HashMap, HashSet, HashTable};
use rayon::prelude::*;
use std::hash::BuildHasher;

pub struct Index {
    hasher: DefaultHashBuilder,
    entra_groups: HashTable<u32>,
    ad_by_guid: HashTable<u32>,
    ad_by_sid: HashTable<u32>,
    /// Anchors of AD groups by `adminDescription`, then by EDOI: (object id, group row), sorted.
    pub by_admin_description: Vec<(u128, u32)>,
    pub by_edoi: Vec<(u128, u32)>,
    /// Values that begin with `Group_` but are no anchors, lower case (and whether in EDOI), with the groups that carry them.
    pub odd_values: HashMap<(bool, String), Vec<u32>>,
    ad_by_anchor: HashTable<(ObjectGuid, u32)>,
    /// Rows of AD groups that may share a value with another object; C15 looks no further at the rest.
    pub perhaps_shared: HashSet<u32>,
    /// Whether the input has AD users with an objectGUID, and is not cut, so that a missing one means something.
    pub has_ad_users: bool,
}

impl Index {
    pub fn build(inventory: &Inventory) -> Self {
        let hasher = DefaultHashBuilder::default();
        let (((by_admin_description, by_edoi), odd_values), (entra_groups, (ad_by_guid, ad_by_sid))) = rayon::join(
            || rayon::join(|| anchors(inventory), || odd_values(inventory)),
            || {
                rayon::join(
                    || entra_groups(inventory, &hasher),
                    || rayon::join(|| ad_guids(inventory, &hasher), || ad_sids(inventory, &hasher)),
                )
            },
        );
        let has_ad_users = !inventory.ad.environment.partial
            && inventory.ad.objects.iter().any(|o| o.class == AdClass::User && !o.guid.is_nil());
        let (ad_by_anchor, perhaps_shared) = rayon::join(
            || ad_anchors(&hasher, &by_admin_description, &by_edoi, inventory),
            || perhaps_shared(inventory, &by_admin_description, &by_edoi, &odd_values),
        );
        Index {
            hasher,
            entra_groups,
            ad_by_guid,
            ad_by_sid,
            by_admin_description,
            by_edoi,
            odd_values,
            ad_by_anchor,
            perhaps_shared,
            has_ad_users,
        }
    }

    /// Row of the Entra group with this id.
    pub fn entra_group(&self, inventory: &Inventory, id: ObjectGuid) -> Option<u32> {
        let hash = self.hasher.hash_one(id);
        self.entra_groups
            .find(hash, |&row| inventory.entra_object(&inventory.entra.groups[row as usize]).id == id)
            .copied()
    }
    pub fn ad_by_guid(&self, inventory: &Inventory, guid: ObjectGuid) -> Option<u32> {
        self.ad_by_guid.find(self.hasher.hash_one(guid), |&id| inventory.ad.objects[id as usize].guid == guid).copied()
    }
    pub fn ad_by_sid(&self, inventory: &Inventory, sid: SidRef) -> Option<u32> {
        self.ad_by_sid.find(self.hasher.hash_one(sid), |&id| inventory.ad.objects[id as usize].sid == sid).copied()
    }
    /// Rows of AD groups whose `adminDescription` is this anchor, or failing that, whose EDOI is.
    pub fn ad_group_by_anchor(&self, id: ObjectGuid) -> Option<u32> {
        self.ad_by_anchor.find(self.hasher.hash_one(id), |(known, _)| *known == id).map(|(_, row)| *row)
    }
}

/// One row for each anchor that a group is matched by: `adminDescription` before EDOI, the first row of several.
fn ad_anchors(
    hasher: &DefaultHashBuilder,
    by_description: &Anchors,
    by_edoi: &Anchors,
    inventory: &Inventory,
) -> HashTable<(ObjectGuid, u32)> {
    let described = |row: u32| {
        let text = inventory.text.get(inventory.ad.groups[row as usize].admin_description);
        AnchorText::read(text).anchor().is_some()
    };
    let mut table = HashTable::with_capacity(by_description.len().max(by_edoi.len()));
    // A group whose two attributes differ is matched by its description.
    let by_edoi = by_edoi.iter().filter(|(_, row)| !described(*row));
    for (key, row) in by_description.iter().chain(by_edoi) {
        let id = ObjectGuid::from_u128(*key);
        table
            .entry(hasher.hash_one(id), |(known, _)| *known == id, |(known, _)| hasher.hash_one(known))
            .or_insert((id, *row));
    }
    table
}

/// Values that begin like an anchor and are none.
fn odd_values(inventory: &Inventory) -> HashMap<(bool, String), Vec<u32>> {
    let mut odd: HashMap<(bool, String), Vec<u32>> = HashMap::default();
    for (row, group) in inventory.ad.groups.iter().enumerate() {
        for (is_edoi, text) in [(false, group.admin_description), (true, group.edoi)] {
            if let Some(text) = inventory.text.get(text)
                && starts_like_anchor(text)
                && Anchor::parse(text).is_none()
            {
                odd.entry((is_edoi, text.to_lowercase())).or_default().push(row as u32);
            }
        }
    }
    odd
}

fn perhaps_shared(
    inventory: &Inventory,
    by_description: &Anchors,
    by_edoi: &Anchors,
    odd: &HashMap<(bool, String), Vec<u32>>,
) -> HashSet<u32> {
    let mut all: Anchors = by_description.iter().chain(by_edoi).copied().collect();
    all.par_sort_unstable();
    all.dedup();
    let others: HashSet<u128> = inventory
        .ad
        .environment
        .other_carriers
        .iter()
        .filter_map(|c| AnchorText::read(Some(&c.value)).anchor())
        .map(|a| a.0.as_u128())
        .collect();
    let mut rows: HashSet<u32> = odd.values().flatten().copied().collect();
    for same in all.chunk_by(|a, b| a.0 == b.0) {
        if same.len() > 1 || others.contains(&same[0].0) {
            rows.extend(same.iter().map(|(_, row)| *row));
        }
    }
    rows
}

/// The entries of a sorted anchor list that carry this id.
pub fn carriers(sorted: &[(u128, u32)], id: ObjectGuid) -> &[(u128, u32)] {
    let start = sorted.partition_point(|(k, _)| *k < id.as_u128());
    let len = sorted[start..].iter().take_while(|(k, _)| *k == id.as_u128()).count();
    &sorted[start..start + len]
}

/// The anchor a group is matched by: V2's own `adminDescription`, else EDOI.
pub fn anchor_of(inventory: &Inventory, group: &AdGroup) -> Option<Anchor> {
    AnchorText::read(inventory.text.get(group.admin_description))
        .anchor()
        .or_else(|| AnchorText::read(inventory.text.get(group.edoi)).anchor())
}

/// AD groups that have groups as members: (member object, group row), sorted.
pub fn nesting(inventory: &Inventory) -> Vec<(u32, u32)> {
    let rows = &inventory.ad.members;
    let mut out: Vec<(u32, u32)> = (0..rows.len())
        .into_par_iter()
        .flat_map_iter(|row| {
            let groups = rows.row(row).iter().filter(|m| inventory.ad.objects[**m as usize].group != NONE);
            groups.map(move |m| (*m, row as u32))
        })
        .collect();
    out.par_sort_unstable();
    out
}

/// (object id, group row), sorted.
type Anchors = Vec<(u128, u32)>;

fn anchors(inventory: &Inventory) -> (Anchors, Anchors) {
    let list = |pick: fn(&AdGroup) -> crate::directory::Text| {
        let mut out: Vec<(u128, u32)> = inventory
            .ad
            .groups
            .par_iter()
            .enumerate()
            .filter_map(|(row, g)| Some((Anchor::parse(inventory.text.get(pick(g))?)?.0.as_u128(), row as u32)))
            .collect();
        out.par_sort_unstable();
        out
    };
    rayon::join(|| list(|g| g.admin_description), || list(|g| g.edoi))
}

fn entra_groups(inventory: &Inventory, hasher: &DefaultHashBuilder) -> HashTable<u32> {
    let key = |row: &u32| hasher.hash_one(inventory.entra_object(&inventory.entra.groups[*row as usize]).id);
    let mut table = HashTable::with_capacity(inventory.entra.groups.len());
    for row in 0..inventory.entra.groups.len() as u32 {
        table.insert_unique(key(&row), row, key);
    }
    table
}

fn ad_guids(inventory: &Inventory, hasher: &DefaultHashBuilder) -> HashTable<u32> {
    let key = |id: &u32| hasher.hash_one(inventory.ad.objects[*id as usize].guid);
    let mut table = HashTable::with_capacity(inventory.ad.objects.len());
    for (id, object) in inventory.ad.objects.iter().enumerate().filter(|(_, o)| !o.guid.is_nil()) {
        table
            .entry(key(&(id as u32)), |&i| inventory.ad.objects[i as usize].guid == object.guid, key)
            .or_insert(id as u32);
    }
    table
}

fn ad_sids(inventory: &Inventory, hasher: &DefaultHashBuilder) -> HashTable<u32> {
    let key = |id: &u32| hasher.hash_one(inventory.ad.objects[*id as usize].sid);
    let mut table = HashTable::with_capacity(inventory.ad.objects.len());
    for (id, object) in inventory.ad.objects.iter().enumerate().filter(|(_, o)| o.sid.is_some()) {
        table
            .entry(key(&(id as u32)), |&i| inventory.ad.objects[i as usize].sid == object.sid, key)
            .or_insert(id as u32);
    }
    table
}
