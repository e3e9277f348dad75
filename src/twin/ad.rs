//! The objects of the twin's forest: groups with everything that can change of them, all others by name. A membership is
//! an object's number, so that links follow renames.

use super::world::Actor;
use crate::cutover::port::STAMP;
use crate::directory::inventory::{AdClass, Inventory, NONE, SidRef};
use crate::directory::{ObjectGuid, Rows, Sid, write_key};
use chrono::{DateTime, Utc};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

/// A group of AD.
pub(crate) struct Group {
    /// Its object number: the base's, or one after those.
    pub number: u32,
    pub guid: ObjectGuid,
    pub dn: String,
    /// All but what follows from the other fields: name, GUID, links, bookkeeping. As AD spells the names.
    pub attributes: BTreeMap<String, Vec<Vec<u8>>>,
    /// Object numbers, ascending.
    pub members: Vec<u32>,
    pub member_of: BTreeSet<u32>,
    /// `member_of` as it was at the beginning, where it has changed.
    pub first_member_of: Option<BTreeSet<u32>>,
    pub deleted: bool,
    pub usn: u64,
    pub changed: Option<DateTime<Utc>>,
    /// Every stamp it had, with since when: what a controller shows that lags behind.
    pub stamps: Vec<(DateTime<Utc>, Option<String>)>,
    /// EDOI and `adminDescription` as the indexes have them, in lower case.
    indexed: [Option<String>; 2],
}

/// Attributes that are searched for values.
const INDEXED: [&str; 2] = [STAMP, "adminDescription"];

impl Group {
    pub fn text(&self, name: &str) -> Option<&str> {
        let values = self.attributes.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v)?;
        values.first().and_then(|v| std::str::from_utf8(v).ok())
    }
    pub fn sid(&self) -> Option<Sid> {
        Sid::from_bytes(self.attributes.get("objectSid")?.first()?)
    }
    pub fn stamp(&self) -> Option<&str> {
        self.text(STAMP)
    }
    pub fn set_text(&mut self, name: &str, value: Option<&str>) {
        match value {
            Some(value) => self.attributes.insert(name.to_owned(), vec![value.as_bytes().to_vec()]),
            None => self.attributes.remove(name),
        };
    }
}

/// Whoever changed a value last, and whether it was added.
pub(crate) type Trace = HashMap<(usize, String, Vec<u8>), (Actor, bool)>;

pub(crate) struct Ad {
    /// The base's groups by their row, then those made since.
    pub groups: Vec<Group>,
    base_objects: u32,
    base_groups: usize,
    by_name: HashMap<u128, u32>,
    /// Containers that exist, as far as some name stands below them.
    containers: HashSet<u128>,
    by_guid: HashMap<ObjectGuid, u32>,
    by_sid: HashMap<SidRef, u32>,
    /// Live groups by the value of each indexed attribute, in lower case.
    by_value: [HashMap<String, BTreeSet<usize>>; 2],
    pub usn: u64,
    pub invocation_id: ObjectGuid,
    pub domain_sid: Option<Sid>,
    pub last_rid: u32,
    /// Changed values by group, attribute in lower case, and value.
    pub trace: Trace,
}

/// A name as a number; names that are none have one too.
pub(super) fn name_key(dn: &str) -> u128 {
    let mut key = Vec::with_capacity(dn.len());
    if write_key(dn, &mut key).is_none() {
        key = dn.to_lowercase().into_bytes();
    }
    xxhash_rust::xxh3::xxh3_128(&key)
}

impl Ad {
    pub fn of(base: &Inventory, now: DateTime<Utc>) -> Ad {
        let environment = &base.ad.environment;
        let known = environment.controller.as_ref();
        let usn = known.map_or(100_000, |c| c.highest_committed_usn);
        let mut ad = Ad {
            groups: Vec::with_capacity(base.ad.groups.len()),
            base_objects: base.ad.objects.len() as u32,
            base_groups: base.ad.groups.len(),
            by_name: HashMap::with_capacity(base.ad.objects.len()),
            containers: HashSet::new(),
            by_guid: HashMap::with_capacity(base.ad.objects.len()),
            by_sid: HashMap::new(),
            by_value: [HashMap::new(), HashMap::new()],
            usn,
            invocation_id: known
                .map(|c| c.invocation_id)
                .filter(|id| !id.is_nil())
                .unwrap_or(ObjectGuid::from_u128(0x7477_696e_0000_4000_8000_0000_0000_0001)),
            domain_sid: None,
            last_rid: 0,
            trace: HashMap::new(),
        };
        let parents = parents(base);
        for (row, group) in base.ad.groups.iter().enumerate() {
            let mut made = from_base(base, row);
            made.usn = usn;
            made.member_of = parents.row(row).iter().chain(base.ad.member_of.row(row)).copied().collect();
            made.stamps = vec![(now, base.text.get(group.edoi).map(str::to_owned))];
            ad.groups.push(made);
        }
        for (number, object) in base.ad.objects.iter().enumerate() {
            let dn = base.text.get(object.dn).unwrap_or("");
            ad.by_name.insert(name_key(dn), number as u32);
            ad.container_of(dn);
            if object.class == AdClass::Container {
                ad.containers.insert(name_key(dn));
            }
            if !object.guid.is_nil() {
                ad.by_guid.entry(object.guid).or_insert(number as u32);
            }
            if object.sid.is_some() {
                ad.by_sid.entry(object.sid).or_insert(number as u32);
            }
        }
        (0..ad.groups.len()).for_each(|index| ad.index(index));
        for group in &ad.groups {
            let account = group.sid().filter(Sid::is_domain_account);
            if let Some((domain, rid)) = account.and_then(|s| Some((s.domain()?, s.rid()?))) {
                ad.last_rid = ad.last_rid.max(rid);
                ad.domain_sid.get_or_insert(domain);
            }
        }
        let highest = base.ad.objects.iter().filter(|o| o.sid.is_some()).map(|o| o.sid.rid).max();
        ad.last_rid = ad.last_rid.max(highest.unwrap_or(0)).max(1_000);
        ad
    }

    /// Notes that the containers above a name exist.
    fn container_of(&mut self, dn: &str) {
        let mut rest = dn.to_owned();
        while let Some(parent) = crate::directory::split(&rest).map(|(_, parent)| parent.into_owned()) {
            if !self.containers.insert(name_key(&parent)) {
                return;
            }
            rest = parent;
        }
    }

    pub fn has_container(&self, dn: &str) -> bool {
        self.containers.contains(&name_key(dn))
    }
    /// The group at an object number.
    pub fn index_of(&self, base: &Inventory, number: u32) -> Option<usize> {
        match number.checked_sub(self.base_objects) {
            Some(after) => Some(self.base_groups + after as usize).filter(|i| *i < self.groups.len()),
            None => base.ad.objects.get(number as usize).map(|o| o.group).filter(|g| *g != NONE).map(|g| g as usize),
        }
    }
    /// A live or deleted group by its objectGUID.
    pub fn by_guid(&self, base: &Inventory, guid: ObjectGuid) -> Option<usize> {
        self.index_of(base, *self.by_guid.get(&guid)?)
    }
    pub fn object_by_guid(&self, guid: ObjectGuid) -> Option<u32> {
        self.by_guid.get(&guid).copied()
    }
    /// The object of a name.
    pub fn by_name(&self, dn: &str) -> Option<u32> {
        self.by_name.get(&name_key(dn)).copied()
    }
    pub fn dn<'a>(&'a self, base: &'a Inventory, number: u32) -> &'a str {
        match self.index_of(base, number) {
            Some(index) => &self.groups[index].dn,
            None => base.dn(number),
        }
    }
    pub fn live(&self) -> impl Iterator<Item = (usize, &Group)> {
        self.groups.iter().enumerate().filter(|(_, g)| !g.deleted)
    }
    pub fn object_by_sid(&self, sid: Option<SidRef>) -> Option<u32> {
        self.by_sid.get(&sid?).copied()
    }
    /// Live groups that carry this value in EDOI or `adminDescription`, without regard to letter case.
    pub fn carriers(&self, attribute: &str, value: &str) -> impl Iterator<Item = usize> {
        let which = INDEXED.iter().position(|name| *name == attribute);
        let found = which.and_then(|which| self.by_value[which].get(&value.to_lowercase()));
        found.into_iter().flatten().copied()
    }
    /// Brings the indexes up to date with a group.
    fn index(&mut self, index: usize) {
        for (which, name) in INDEXED.iter().enumerate() {
            let group = &mut self.groups[index];
            let now = if group.deleted { None } else { group.text(name).map(str::to_lowercase) };
            if group.indexed[which] == now {
                continue;
            }
            if let Some(set) = group.indexed[which].as_ref().and_then(|old| self.by_value[which].get_mut(old)) {
                set.remove(&index);
            }
            if let Some(value) = &now {
                self.by_value[which].entry(value.clone()).or_default().insert(index);
            }
            group.indexed[which] = now;
        }
    }

    /// Bookkeeping of a change.
    pub fn touch(&mut self, index: usize, now: DateTime<Utc>) {
        self.usn += 1;
        let group = &mut self.groups[index];
        group.usn = self.usn;
        group.changed = Some(now);
        group.set_text("whenChanged", Some(&now.format("%Y%m%d%H%M%S.0Z").to_string()));
        let stamp = group.stamp().map(str::to_owned);
        if group.stamps.last().is_none_or(|(_, last)| *last != stamp) {
            group.stamps.push((now, stamp));
        }
        self.index(index);
    }
    /// Adds or takes out a member, and its `memberOf`. False where nothing was to be done.
    pub fn link(&mut self, base: &Inventory, index: usize, member: u32, add: bool) -> bool {
        let number = self.groups[index].number;
        let members = &mut self.groups[index].members;
        match (members.binary_search(&member), add) {
            (Ok(at), false) => drop(members.remove(at)),
            (Err(at), true) => members.insert(at, member),
            _ => return false,
        }
        if let Some(child) = self.index_of(base, member) {
            let child = &mut self.groups[child];
            if child.first_member_of.is_none() {
                child.first_member_of = Some(child.member_of.clone());
            }
            match add {
                true => child.member_of.insert(number),
                false => child.member_of.remove(&number),
            };
        }
        true
    }
    /// Gives a group another name; that it is free is the caller's to see.
    pub fn name(&mut self, index: usize, dn: &str) {
        let number = self.groups[index].number;
        let old = name_key(&self.groups[index].dn);
        if self.by_name.get(&old) == Some(&number) {
            self.by_name.remove(&old);
        }
        self.by_name.insert(name_key(dn), number);
        self.container_of(dn);
        dn.clone_into(&mut self.groups[index].dn);
    }
    pub fn forget_name(&mut self, index: usize) {
        self.by_name.remove(&name_key(&self.groups[index].dn));
    }
    /// A new group without members.
    pub fn insert(&mut self, guid: ObjectGuid, dn: &str, attributes: BTreeMap<String, Vec<Vec<u8>>>) -> usize {
        let index = self.groups.len();
        let number = self.base_objects + (index - self.base_groups) as u32;
        self.groups.push(Group {
            number,
            guid,
            dn: String::new(),
            attributes,
            members: Vec::new(),
            member_of: BTreeSet::new(),
            first_member_of: None,
            deleted: false,
            usn: self.usn,
            changed: None,
            stamps: Vec::new(),
            indexed: [None, None],
        });
        self.by_guid.insert(guid, number);
        self.by_name.insert(name_key(dn), number);
        self.container_of(dn);
        dn.clone_into(&mut self.groups[index].dn);
        index
    }
    pub fn base_groups(&self) -> usize {
        self.base_groups
    }
}

/// Row i: object numbers of the groups that have group i as a member.
fn parents(base: &Inventory) -> Rows {
    let mut found: Vec<Vec<u32>> = vec![Vec::new(); base.ad.groups.len()];
    for (row, group) in base.ad.groups.iter().enumerate() {
        for &member in base.ad.members.row(row) {
            let child = base.ad.objects[member as usize].group;
            if child != NONE {
                found[child as usize].push(group.object);
            }
        }
    }
    let mut rows = Rows::default();
    found.into_iter().for_each(|row| rows.push(row));
    rows
}

fn from_base(base: &Inventory, row: usize) -> Group {
    let group = &base.ad.groups[row];
    let object = base.ad_object(group);
    let text = |t| base.text.get(t).map(str::to_owned);
    let mut made = Group {
        number: group.object,
        guid: object.guid,
        dn: base.dn(group.object).to_owned(),
        attributes: BTreeMap::new(),
        members: base.ad.members.row(row).to_vec(),
        member_of: BTreeSet::new(),
        first_member_of: None,
        deleted: false,
        usn: 0,
        changed: None,
        stamps: Vec::new(),
        indexed: [None, None],
    };
    made.attributes.insert("objectClass".to_owned(), vec![b"top".to_vec(), b"group".to_vec()]);
    if let Some(sid) = base.sids.get(object.sid) {
        made.attributes.insert("objectSid".to_owned(), vec![sid.to_bytes()]);
    }
    if let Some(descriptor) = base.ad.descriptors.get(object.security as usize) {
        made.attributes.insert("nTSecurityDescriptor".to_owned(), vec![descriptor.clone()]);
    }
    for (name, value) in [
        ("sAMAccountName", text(object.sam_account_name)),
        ("groupType", group.group_type.map(|t| t.0.to_string())),
        ("adminDescription", text(group.admin_description)),
        (STAMP, text(group.edoi)),
        ("displayName", text(group.display_name)),
        ("description", text(group.description)),
        ("mail", text(group.mail)),
        ("msDS-ObjectSoa", text(group.object_soa)),
        ("whenChanged", text(group.when_changed)),
        ("adminCount", group.admin_count.then(|| "1".to_owned())),
    ] {
        if value.is_some() {
            made.set_text(name, value.as_deref());
        }
    }
    made
}
