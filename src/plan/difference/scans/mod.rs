//! What changed between two scans: AD's objects by objectGUID, Entra's by id, attribute by attribute, members by who they
//! are. An object that a scan fell short of is not taken for one that went away without a word: the limits say so.

mod values;

use crate::assess::{AboutBundle, Settings, bundle_ref, find_container};
use crate::directory::inventory::{AdClass, Completeness, EntraKind, Inventory, NONE};
use crate::directory::write_key;
use crate::report::diff::model::{
    DIFF_SCHEMA, DiffKind, DiffView, Head, ObjectDiff, ObjectState, Row, ScanHeader, ScanSummary, ValueChange,
};
use hashbrown::HashMap;
use rayon::prelude::*;
use values::{ad_values, entra_values, word};

/// Members that a row lists on each side; all of them are counted.
const LISTED: usize = 1_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Ad,
    Entra,
}

/// An object of both scans, or of one: numbers, or `NONE`.
#[derive(Debug, Clone, Copy)]
struct Pair {
    side: Side,
    before: u32,
    after: u32,
    members_added: u32,
    members_removed: u32,
    renamed: bool,
    members_unknown: bool,
}

pub struct ScanDifference<'a> {
    before: &'a Inventory,
    after: &'a Inventory,
    /// The later scan's number of each object of the earlier one, or `NONE`.
    ad: Vec<u32>,
    entra: Vec<u32>,
    rows: Vec<Pair>,
    header: ScanHeader,
}

/// One scan as it is told apart in reports.
pub struct Scan<'a> {
    pub inventory: &'a Inventory,
    pub about: AboutBundle,
}

impl<'a> ScanDifference<'a> {
    pub fn of(before: Scan<'a>, after: Scan<'a>, settings: &Settings) -> Self {
        let (a, b) = (before.inventory, after.inventory);
        let (ad, entra) = rayon::join(|| ad_pairs(a, b), || entra_pairs(a, b));
        let head = |scan: &Scan<'_>| {
            let container = find_container(scan.inventory, settings);
            bundle_ref(scan.inventory, settings, container.as_ref(), &scan.about)
        };
        let mut limits = Vec::new();
        for (which, scan) in [("earlier", &before), ("later", &after)] {
            if !scan.about.complete {
                limits.push(format!(
                    "The {which} scan fell short: an object that it lacks may have been there all the same."
                ));
            }
            limits.extend(scan.about.limits.iter().map(|l| format!("The {which} scan: {l}")));
        }
        let header = ScanHeader {
            schema: DIFF_SCHEMA.to_owned(),
            kind: DiffKind::Scans,
            before: head(&before),
            after: head(&after),
            summary: ScanSummary::default(),
            limits,
        };
        let mut scans = ScanDifference { before: a, after: b, ad, entra, rows: Vec::new(), header };
        scans.find();
        scans
    }

    pub fn header(&self) -> &ScanHeader {
        &self.header
    }

    fn find(&mut self) {
        let mut rows: Vec<Pair> = Vec::new();
        for (side, links, n_before, n_after) in [
            (Side::Ad, &self.ad, self.before.ad.objects.len(), self.after.ad.objects.len()),
            (Side::Entra, &self.entra, self.before.entra.objects.len(), self.after.entra.objects.len()),
        ] {
            let mut reached = vec![false; n_after];
            links.iter().filter(|l| **l != NONE).for_each(|l| reached[*l as usize] = true);
            let pair = |before: u32, after: u32| self.judge(side, before, after);
            let kept: Vec<Pair> =
                (0..n_before as u32).into_par_iter().filter_map(|i| pair(i, links[i as usize])).collect();
            let new: Vec<Pair> = (0..n_after as u32)
                .into_par_iter()
                .filter(|i| !reached[*i as usize])
                .filter_map(|i| pair(NONE, i))
                .collect();
            let mut of_side: Vec<Pair> = kept.into_iter().chain(new).collect();
            of_side.par_sort_by(|x, y| self.order_key(x).cmp(&self.order_key(y)));
            rows.extend(of_side);
        }
        let count = |f: &dyn Fn(&Pair) -> bool| rows.iter().filter(|p| f(p)).count() as u64;
        let objects = |i: &Inventory| {
            let described = i.ad.objects.iter().filter(|o| o.class != AdClass::Missing).count();
            (described + i.entra.objects.iter().filter(|o| o.detail != NONE).count()) as u64
        };
        self.header.summary = ScanSummary {
            objects_before: objects(self.before),
            objects_after: objects(self.after),
            added: count(&|p| p.before == NONE),
            removed: count(&|p| p.after == NONE),
            changed: count(&|p| p.before != NONE && p.after != NONE),
            renamed: count(&|p| p.renamed),
            members_added: rows.iter().map(|p| u64::from(p.members_added)).sum(),
            members_removed: rows.iter().map(|p| u64::from(p.members_removed)).sum(),
            members_unknown: count(&|p| p.members_unknown),
        };
        self.rows = rows;
    }

    /// The pair, where anything of it changed.
    fn judge(&self, side: Side, before: u32, after: u32) -> Option<Pair> {
        let described = |inventory: &Inventory, i: u32| match side {
            Side::Ad => inventory.ad.objects.get(i as usize).is_some_and(|o| o.class != AdClass::Missing),
            Side::Entra => inventory.entra.objects.get(i as usize).is_some_and(|o| o.detail != NONE),
        };
        let (was, is) = (described(self.before, before), described(self.after, after));
        if !was && !is {
            return None;
        }
        let mut pair = Pair {
            side,
            before: if was { before } else { NONE },
            after: if is { after } else { NONE },
            members_added: 0,
            members_removed: 0,
            renamed: false,
            members_unknown: false,
        };
        let members = self.members(&pair, &mut |_, _| {});
        pair.members_added = members.added;
        pair.members_removed = members.removed;
        pair.members_unknown = members.unknown;
        if !was || !is {
            return Some(pair);
        }
        let changes = self.values(&pair);
        pair.renamed = changes.iter().any(|v| v.attribute == "distinguishedName");
        (!changes.is_empty() || pair.members_added + pair.members_removed > 0 || pair.members_unknown).then_some(pair)
    }

    /// AD by name, Entra by id.
    fn order_key(&self, pair: &Pair) -> (&str, u128, u32) {
        let (inventory, i) = if pair.after == NONE { (self.before, pair.before) } else { (self.after, pair.after) };
        match pair.side {
            Side::Ad => (inventory.dn(i), 0, i),
            Side::Entra => ("", inventory.entra.objects[i as usize].id.as_u128(), i),
        }
    }

    fn values(&self, pair: &Pair) -> Vec<ValueChange> {
        let of = |inventory, i| match pair.side {
            Side::Ad => ad_values(inventory, i),
            Side::Entra => entra_values(inventory, i),
        };
        let (before, after) = (of(self.before, pair.before), of(self.after, pair.after));
        let names = before.iter().chain(&after).map(|(name, _)| name);
        let mut seen: Vec<&str> = Vec::new();
        let mut out = Vec::new();
        for name in names {
            if seen.contains(&name.as_str()) {
                continue;
            }
            seen.push(name);
            let find = |values: &[(String, Option<String>)]| {
                values.iter().find(|(n, _)| n == name).and_then(|(_, value)| value.clone())
            };
            let (before, after) = (find(&before), find(&after));
            if before != after {
                out.push(ValueChange { attribute: name.clone(), before, after });
            }
        }
        out
    }

    /// Holds the member lists against each other; `visit` is told each difference, and whether it was added.
    fn members(&self, pair: &Pair, visit: &mut dyn FnMut(bool, u32)) -> MemberChange {
        let of = |inventory: &'a Inventory, i: u32| -> Option<(&'a [u32], Completeness)> {
            match pair.side {
                Side::Ad => {
                    let row = inventory.ad.objects.get(i as usize)?.group;
                    let group = inventory.ad.groups.get(row as usize)?;
                    Some((inventory.ad.members.row(row as usize), group.members))
                }
                Side::Entra => {
                    let object = inventory.entra.objects.get(i as usize)?;
                    let group = inventory.entra.groups.get(object.detail as usize);
                    let group = group.filter(|_| object.kind == EntraKind::Group)?;
                    Some((inventory.entra.members.row(object.detail as usize), group.members))
                }
            }
        };
        let mut change = MemberChange::default();
        let (Some((was, known_before)), Some((is, known_after))) =
            (of(self.before, pair.before), of(self.after, pair.after))
        else {
            return change;
        };
        if known_before != Completeness::Complete || known_after != Completeness::Complete {
            // Two lists that were both not collected say nothing new.
            change.unknown = known_before != known_after || known_before == Completeness::Partial;
            return change;
        }
        let links = match pair.side {
            Side::Ad => &self.ad,
            Side::Entra => &self.entra,
        };
        let mut stayed: Vec<u32> = Vec::with_capacity(was.len());
        for &member in was {
            match links[member as usize] {
                there if there != NONE && is.binary_search(&there).is_ok() => stayed.push(there),
                _ => {
                    change.removed += 1;
                    visit(false, member);
                }
            }
        }
        if stayed.len() < is.len() {
            stayed.sort_unstable();
            for &member in is.iter().filter(|m| stayed.binary_search(m).is_err()) {
                change.added += 1;
                visit(true, member);
            }
        }
        change
    }
}

#[derive(Debug, Clone, Copy, Default)]
struct MemberChange {
    added: u32,
    removed: u32,
    unknown: bool,
}

impl DiffView for ScanDifference<'_> {
    fn head(&self) -> Head<'_> {
        Head::Scans(&self.header)
    }
    fn len(&self) -> usize {
        self.rows.len()
    }
    fn is_notable(&self, _: usize) -> bool {
        true
    }
    fn row(&self, index: usize) -> Row {
        let pair = &self.rows[index];
        let (inventory, i) = if pair.after == NONE { (self.before, pair.before) } else { (self.after, pair.after) };
        let state = match (pair.before, pair.after) {
            (NONE, _) => ObjectState::Added,
            (_, NONE) => ObjectState::Removed,
            _ => ObjectState::Changed,
        };
        let (mut members_added, mut members_removed) = (Vec::new(), Vec::new());
        self.members(pair, &mut |added, member| {
            let (list, inventory) =
                if added { (&mut members_added, self.after) } else { (&mut members_removed, self.before) };
            if list.len() < LISTED {
                list.push(name(inventory, pair.side, member));
            }
        });
        members_added.sort_unstable();
        members_removed.sort_unstable();
        let mut row = ObjectDiff {
            side: String::new(),
            state,
            class: String::new(),
            id: None,
            sid: None,
            dn: None,
            name: None,
            attributes: self.values(pair),
            members_added,
            members_removed,
            members_added_count: pair.members_added.into(),
            members_removed_count: pair.members_removed.into(),
            members_unknown: pair
                .members_unknown
                .then(|| "one of the scans has this member list not whole, so that it cannot be compared".to_owned()),
        };
        match pair.side {
            Side::Ad => {
                let object = &inventory.ad.objects[i as usize];
                let group = inventory.ad.groups.get(object.group as usize);
                row.side = "ad".to_owned();
                row.class = word(object.class);
                row.id = (!object.guid.is_nil()).then(|| object.guid.to_string());
                row.sid = inventory.sids.get(object.sid).map(|s| s.to_string());
                row.dn = Some(inventory.dn(i).to_owned());
                row.name = group
                    .and_then(|g| inventory.text.get(g.display_name))
                    .or_else(|| inventory.text.get(object.sam_account_name))
                    .map(str::to_owned);
            }
            Side::Entra => {
                let object = &inventory.entra.objects[i as usize];
                row.side = "entra".to_owned();
                row.class = word(object.kind);
                row.id = Some(object.id.to_string());
                row.name = inventory.text.get(object.name).map(str::to_owned);
            }
        }
        Row::Object(Box::new(row))
    }
}

fn name(inventory: &Inventory, side: Side, i: u32) -> String {
    match side {
        Side::Ad => inventory.dn(i).to_owned(),
        Side::Entra => {
            let object = &inventory.entra.objects[i as usize];
            match inventory.text.get(object.name) {
                Some(name) => format!("{name} ({})", object.id),
                None => object.id.to_string(),
            }
        }
    }
}

/// Earlier numbers to later ones: by objectGUID, and names for objects without one.
fn ad_pairs(before: &Inventory, after: &Inventory) -> Vec<u32> {
    let key = |inventory: &Inventory, i: u32| {
        let mut key = Vec::new();
        write_key(inventory.dn(i), &mut key).map(|()| key)
    };
    let mut by_guid: HashMap<u128, u32> = HashMap::with_capacity(after.ad.objects.len());
    let mut by_name: HashMap<Vec<u8>, u32> = HashMap::new();
    let nameless = before.ad.objects.iter().chain(&after.ad.objects).any(|o| o.guid.is_nil());
    for (i, object) in after.ad.objects.iter().enumerate() {
        if !object.guid.is_nil() {
            by_guid.entry(object.guid.as_u128()).or_insert(i as u32);
        }
        if nameless && let Some(key) = key(after, i as u32) {
            by_name.entry(key).or_insert(i as u32);
        }
    }
    let find = |i: usize| {
        let guid = before.ad.objects[i].guid;
        let by_its_name = || {
            let there = *by_name.get(&key(before, i as u32)?)?;
            // Two objects with different GUIDs are two objects, whatever their names.
            let other = after.ad.objects[there as usize].guid;
            (guid.is_nil() || other.is_nil()).then_some(there)
        };
        let known = if guid.is_nil() { None } else { by_guid.get(&guid.as_u128()).copied() };
        known.or_else(by_its_name).unwrap_or(NONE)
    };
    (0..before.ad.objects.len()).into_par_iter().map(find).collect()
}

fn entra_pairs(before: &Inventory, after: &Inventory) -> Vec<u32> {
    let objects = after.entra.objects.iter().enumerate();
    let by_id: HashMap<u128, u32> = objects.map(|(i, o)| (o.id.as_u128(), i as u32)).collect();
    before.entra.objects.par_iter().map(|o| by_id.get(&o.id.as_u128()).copied().unwrap_or(NONE)).collect()
}
