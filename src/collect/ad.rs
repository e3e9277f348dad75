//! What LDIF entries of Active Directory mean: each entry becomes an object of the Inventory or a fact about the
//! domain. Names that members mention are numbered when first seen, so one pass over the files is enough.

mod names;
mod settle;

pub use names::{NameKeys, Prepared};

use super::entra::without_repeats;
use super::ldif::Entry;
use crate::directory::inventory::{
    AdClass, AdGroup, AdObject, Carrier, Completeness, DomainController, Inventory, NONE, SidRef,
};
use crate::directory::{GroupType, ObjectGuid, Sid, Text, starts_like_anchor, write_key};
use crate::error::{Error, Place, Result};
use crate::report::model::Problem;
use names::{NameKey, Numbers};
use rayon::slice::ParallelSliceMut;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::path::{Path, PathBuf};

/// At most this many members that no entry describes are listed one by one; the rest is counted.
const MAX_LISTED: usize = 1_000;

/// Fills the AD half of an Inventory from entries, in any order.
#[derive(Default)]
pub struct AdBuilder {
    numbers: Numbers,
    /// Numbers of the names of the entry at hand, as far as they are known.
    known: Vec<u32>,
    key: Vec<u8>,
    /// For lists that came in ranges: group row → the ranges read.
    ranges: HashMap<u32, Vec<(u32, Option<u32>)>>,
    extra: Vec<(u32, Vec<u32>)>,
    descriptors: HashMap<Vec<u8>, u32>,
    attributes_seen: BTreeSet<String>,
    /// DNS domain → where it was first seen.
    domains: BTreeMap<String, (PathBuf, u64)>,
    last_domain: Vec<u8>,
    /// Domains that crossRef objects of the input name as partitions of the forest.
    partitions: BTreeSet<String>,
    problems: Vec<Problem>,
    row: Vec<u32>,
    parents: Vec<u32>,
    range_values: u64,
    /// `memberOf` of further entries about a group.
    extra_parents: Vec<(u32, Vec<u32>)>,
    /// Groups whose member list came in an entry of its own.
    filled: HashSet<u32>,
    /// Objects that only entries without objectClass describe so far (a range of members, an export of one attribute),
    /// with those entries, to be read again once another says what the object is.
    classless: HashMap<u32, Vec<(Entry, PathBuf)>>,
    changes: settle::Changes,
}

/// The values of one entry that this program has a use for.
#[derive(Default)]
struct Facts<'e> {
    classes: Vec<&'e str>,
    guid: Option<ObjectGuid>,
    sid: Option<Sid>,
    sam: Option<&'e str>,
    group_type: Option<GroupType>,
    admin_description: Option<&'e str>,
    edoi: Option<&'e str>,
    display_name: Option<&'e str>,
    description: Option<&'e str>,
    mail: Option<&'e str>,
    proxies: bool,
    admin_count: bool,
    object_soa: Option<&'e str>,
    when_changed: Option<&'e str>,
    descriptor: Option<&'e [u8]>,
    deleted: bool,
    schema_version: Option<i64>,
    ldap_display_name: Option<&'e str>,
    /// Among the features that a partition names as enabled.
    recycle_bin: bool,
    feature_enabled: bool,
    feature_guid: bool,
    operating_system: Option<&'e str>,
    dns_host_name: Option<&'e str>,
    domain_controller: bool,
    nc_name: Option<&'e str>,
    netbios_name: Option<&'e str>,
    settings: Vec<&'e str>,
}

impl<'e> Facts<'e> {
    /// Takes in a value of an attribute, named in lower case and as written; the error says what is wrong with it.
    fn take(&mut self, attribute: &str, written: &str, value: &'e [u8]) -> Result<(), String> {
        let text = || {
            std::str::from_utf8(value).map_err(|_| format!("the value of {written} is binary where text is expected"))
        };
        match attribute {
            "objectclass" => self.classes.push(text()?),
            "objectguid" => self.guid = Some(guid(value).ok_or("objectGUID is not 16 bytes")?),
            "objectsid" => self.sid = Some(sid(value).ok_or("objectSid is no security identifier")?),
            "samaccountname" => self.sam = Some(text()?),
            "grouptype" => {
                self.group_type = Some(GroupType::parse(text()?).ok_or("groupType is no 32-bit number")?);
            }
            "admindescription" => self.admin_description = Some(text()?),
            "msds-externaldirectoryobjectid" => self.edoi = Some(text()?),
            "displayname" => self.display_name = Some(text()?),
            "description" => self.description = Some(text()?),
            "mail" => self.mail = Some(text()?),
            "proxyaddresses" => self.proxies = true,
            "admincount" => self.admin_count = text()?.trim() == "1",
            "msds-objectsoa" => self.object_soa = Some(text()?),
            "whenchanged" => self.when_changed = Some(text()?),
            "ntsecuritydescriptor" => self.descriptor = Some(value),
            "isdeleted" => self.deleted = text()?.eq_ignore_ascii_case("TRUE"),
            "objectversion" => self.schema_version = text()?.trim().parse().ok(),
            "ldapdisplayname" => self.ldap_display_name = Some(text()?),
            "msds-enabledfeature" => {
                self.recycle_bin |= text()?.to_ascii_lowercase().starts_with("cn=recycle bin feature,");
            }
            "msds-enabledfeaturebl" => self.feature_enabled = true,
            "msds-optionalfeatureguid" => self.feature_guid = true,
            "operatingsystem" => self.operating_system = Some(text()?),
            "dnshostname" => self.dns_host_name = Some(text()?),
            "useraccountcontrol" => {
                self.domain_controller |= text()?.trim().parse::<i64>().is_ok_and(|v| v & 0x2000 != 0);
            }
            "primarygroupid" => self.domain_controller |= matches!(text()?.trim(), "516" | "521"),
            "ncname" => self.nc_name = Some(text()?),
            "netbiosname" => self.netbios_name = Some(text()?),
            "msds-settings" => self.settings.push(text()?),
            _ => {}
        }
        Ok(())
    }
}

impl AdBuilder {
    /// How names become keys here.
    pub fn keys(&self) -> NameKeys {
        self.numbers.keys
    }

    /// Takes one entry in.
    pub fn add(&mut self, inventory: &mut Inventory, prepared: &Prepared, path: &Path) -> Result<()> {
        inventory.ad.present = true;
        let entry = &prepared.entry;
        let place = |line: u64| {
            let place = Place::file(path).object(entry.dn.clone());
            if line == 0 { place } else { place.line(line) } // an entry from a server has no lines
        };
        if entry.dn.is_empty() {
            return Ok(()); // the rootDSE
        }
        self.note_domain(&entry.dn, path, entry.line).map_err(|what| Error::input(place(entry.line), what))?;
        let mut facts = Facts::default();
        self.row.clear();
        self.parents.clear();
        // All names at once: the processor then waits for many places of a large table at a time.
        let mut known = std::mem::take(&mut self.known);
        known.clear();
        known.extend(prepared.names.iter().map(|key| self.numbers.spelt(*key).unwrap_or(NONE)));
        let mut names = prepared.names.iter().zip(&known);
        let mut ranges: Vec<(u32, Option<u32>)> = Vec::new();
        let mut lower = String::new();
        for (name, values) in entry.attributes() {
            let (base, options) = name.split_once(';').unwrap_or((name, ""));
            lower.clear();
            lower.push_str(base);
            lower.make_ascii_lowercase();
            let is_member = lower == "member";
            if is_member && let Some(range) = range(options) {
                if ranges.last() != Some(&range) {
                    ranges.push(range);
                }
                self.range_values += values.len() as u64;
            }
            if is_member || lower == "memberof" {
                for (value, line) in values.filter(|(value, _)| !value.is_empty()) {
                    let id = match names.next() {
                        Some((_, &id)) if id != NONE => id,
                        Some((key, _)) => self.object(inventory, value, *key).ok_or_else(|| {
                            let what = if is_member { "the member" } else { "memberOf" };
                            let value = String::from_utf8_lossy(value);
                            Error::input(place(line), format!("{what} {value:?} is no distinguished name"))
                        })?,
                        None => return Err(Error::failed(format!("names of {} were not keyed", entry.dn))),
                    };
                    if is_member { self.row.push(id) } else { self.parents.push(id) }
                }
            } else {
                for (value, line) in values {
                    facts.take(&lower, base, value).map_err(|what| Error::input(place(line), what))?;
                }
            }
            if !self.attributes_seen.contains(&lower) {
                self.attributes_seen.insert(lower.clone());
            }
        }
        self.known = known;
        self.environment(inventory, entry, &facts);
        self.store(inventory, prepared, path, &facts, &ranges)
    }

    fn environment(&mut self, inventory: &mut Inventory, entry: &Entry, facts: &Facts<'_>) {
        let environment = &mut inventory.ad.environment;
        let has = |class: &str| facts.classes.iter().any(|c| c.eq_ignore_ascii_case(class));
        let lower = entry.dn.to_ascii_lowercase();
        if facts.recycle_bin {
            environment.recycle_bin = Some(true);
        }
        if has("dMD") && facts.schema_version.is_some() {
            environment.schema_version = facts.schema_version;
        }
        if has("attributeSchema")
            && let Some(name) = facts.ldap_display_name
        {
            environment.schema_attributes.push(name.to_owned());
        }
        if lower.starts_with("cn=recycle bin feature,") && (facts.feature_enabled || facts.feature_guid) {
            let enabled = environment.recycle_bin == Some(true) || facts.feature_enabled;
            environment.recycle_bin = Some(enabled);
        }
        if has("crossRef")
            && let Some(domain) = facts.nc_name.and_then(dns_domain)
        {
            if let Some(name) = facts.netbios_name {
                environment.netbios_names.insert(domain.clone(), name.to_owned());
            }
            self.partitions.insert(domain);
        }
        if facts.domain_controller && has("computer") {
            environment.domain_controllers.push(DomainController {
                name: facts.dns_host_name.unwrap_or(&entry.dn).to_owned(),
                operating_system: facts.operating_system.map(str::to_owned),
            });
        }
        if lower.starts_with("cn=soa-policies,cn=system,") || lower.starts_with("cn=system,dc=") {
            environment.soa_policy_searched = true;
        }
        if lower.starts_with("cn=cloud,cn=soa-policies,cn=system,") || lower.starts_with("cn=cloudsyncsoapolicy,") {
            environment.soa_policy_searched = true;
            environment.soa_policy = Some(facts.settings.iter().map(|s| (*s).to_owned()).collect());
        }
    }

    fn store(
        &mut self,
        inventory: &mut Inventory,
        prepared: &Prepared,
        path: &Path,
        facts: &Facts<'_>,
        ranges: &[(u32, Option<u32>)],
    ) -> Result<()> {
        let entry = &prepared.entry;
        let Some(id) = self.object(inventory, entry.dn.as_bytes(), prepared.dn) else {
            let error = crate::directory::Dn::parse(&entry.dn).err().map(|e| e.to_string()).unwrap_or_default();
            return Err(Error::input(Place::file(path).line(entry.line).object(entry.dn.clone()), error));
        };
        let known = inventory.ad.objects[id as usize];
        let class = classify(facts);
        let mut held = Vec::new();
        if self.changes.replacing {
            let before = inventory.text.get(known.dn).unwrap_or("").to_owned();
            inventory.ad.environment.other_carriers.retain(|c| c.dn != before);
        } else if known.class != AdClass::Missing {
            let described = !facts.classes.is_empty() || class == AdClass::Group;
            match self.classless.get_mut(&id) {
                None => return self.again(inventory, entry, path, facts, ranges, id),
                Some(list) if !described => {
                    list.push((entry.clone(), path.to_owned()));
                    return Ok(());
                }
                Some(_) => held = self.classless.remove(&id).unwrap_or_default(),
            }
            let before = inventory.text.get(known.dn).unwrap_or("").to_owned();
            inventory.ad.environment.other_carriers.retain(|c| c.dn != before);
        } else if facts.classes.is_empty() && class != AdClass::Group && !facts.deleted {
            // An object itself keeps its identifiers; only an entry that says more has to be kept.
            let more = class == AdClass::Other || self.says_more_than_a_user(facts, ranges);
            let first = if more { vec![(entry.clone(), path.to_owned())] } else { Vec::new() };
            self.classless.insert(id, first);
        }
        let sid = facts.sid.as_ref().map_or(SidRef::default(), |s| inventory.sids.add(s));
        let security = self.descriptor(inventory, facts.descriptor);
        let text = &mut inventory.text;
        // The entry's own spelling of its name is the one to show.
        let dn = if text.get(known.dn) == Some(entry.dn.as_str()) { known.dn } else { text.add(&entry.dn) };
        let mut object = AdObject {
            dn,
            guid: facts.guid.unwrap_or(known.guid),
            sid: if sid.is_some() { sid } else { known.sid },
            sam_account_name: if facts.sam.is_some() { text.add_opt(facts.sam) } else { known.sam_account_name },
            class,
            group: NONE,
            security: if security != NONE { security } else { known.security },
        };
        if class == AdClass::Group {
            object.group = inventory.ad.groups.len() as u32;
            let members = if ranges.is_empty() { Completeness::Complete } else { Completeness::Partial };
            let group = AdGroup {
                object: id,
                group_type: facts.group_type,
                admin_description: text.add_opt(facts.admin_description),
                edoi: text.add_opt(facts.edoi),
                display_name: text.add_opt(facts.display_name),
                description: text.add_opt(facts.description),
                mail: text.add_opt(facts.mail),
                has_proxy_addresses: facts.proxies,
                admin_count: facts.admin_count,
                object_soa: text.add_opt(facts.object_soa),
                when_changed: text.add_opt(facts.when_changed),
                members,
                conflict: false,
            };
            if self.changes.replacing && known.group != NONE {
                object.group = known.group;
                inventory.ad.groups[known.group as usize] = group;
                self.changes.rows.insert(known.group, (self.row.clone(), self.parents.clone()));
            } else {
                inventory.ad.groups.push(group);
                inventory.ad.members.push(self.row.iter().copied());
                inventory.ad.member_of.push(self.parents.iter().copied());
            }
            if !ranges.is_empty() {
                self.ranges.entry(object.group).or_default().extend_from_slice(ranges);
            }
        }
        inventory.ad.objects[id as usize] = object;
        if class != AdClass::Group && !facts.deleted {
            note_carriers(inventory, entry, facts);
        }
        let values = self.range_values;
        for (entry, path) in held {
            let mut prepared = Prepared { entry, ..Prepared::default() };
            prepared.make_ready(self.keys());
            self.add(inventory, &prepared, &path)?;
        }
        self.range_values = values; // They were counted when they were first read.
        Ok(())
    }

    fn says_more_than_a_user(&self, facts: &Facts<'_>, ranges: &[(u32, Option<u32>)]) -> bool {
        !self.row.is_empty()
            || !ranges.is_empty()
            || facts.admin_description.is_some()
            || facts.edoi.is_some()
            || facts.object_soa.is_some()
            || facts.admin_count
    }

    /// A second entry with a name that is known already: a further range of members, an overlapping export, or a
    /// contradiction.
    fn again(
        &mut self,
        inventory: &mut Inventory,
        entry: &Entry,
        path: &Path,
        facts: &Facts<'_>,
        ranges: &[(u32, Option<u32>)],
        id: u32,
    ) -> Result<()> {
        let object = inventory.ad.objects[id as usize];
        // A file is named as among the sources, whatever folder the export lies in; what comes from a server has no lines.
        let file = || path.file_name().unwrap_or_default().to_string_lossy();
        let at = if entry.line == 0 { path.display().to_string() } else { format!("ad/{}:{}", file(), entry.line) };
        let same_guid = facts.guid.is_none() || object.guid.is_nil() || facts.guid == Some(object.guid);
        let part = facts.classes.is_empty();
        if same_guid && part {
            self.complete(inventory, entry, facts, id);
        }
        if object.group != NONE && !ranges.is_empty() && same_guid {
            self.ranges.entry(object.group).or_default().extend_from_slice(ranges);
            self.extra.push((object.group, self.row.clone()));
            inventory.ad.groups[object.group as usize].members = Completeness::Partial;
            return Ok(());
        }
        let mut differs = Vec::new();
        if !same_guid {
            differs.push("objectGUID");
        }
        if object.group != NONE {
            let group = inventory.ad.groups[object.group as usize];
            let changed = |old: Text, new: Option<&str>| new.is_some() && inventory.text.get(old) != new;
            if facts.group_type.is_some() && facts.group_type != group.group_type {
                differs.push("groupType");
            }
            if changed(group.admin_description, facts.admin_description) {
                differs.push("adminDescription");
            }
            if changed(group.edoi, facts.edoi) {
                differs.push("msDS-ExternalDirectoryObjectId");
            }
            let first = inventory.ad.members.row(object.group as usize).is_empty() && self.filled.insert(object.group);
            if first && part && !self.row.is_empty() && !self.ranges.contains_key(&object.group) {
                self.extra.push((object.group, self.row.clone()));
            } else if !self.row.is_empty() && !self.ranges.contains_key(&object.group) {
                let mut old = inventory.ad.members.row(object.group as usize).to_vec();
                let mut new = self.row.clone();
                old.sort_unstable();
                new.sort_unstable();
                if old != new {
                    differs.push("member");
                }
            }
            inventory.ad.groups[object.group as usize].conflict |= !differs.is_empty();
        }
        if same_guid && !part {
            self.complete(inventory, entry, facts, id);
        }
        if differs.is_empty() && part {
            return Ok(()); // a further part of one description
        }
        self.problems.push(Problem {
            kind: "duplicate-dn".to_owned(),
            object: entry.dn.clone(),
            detail: match differs.is_empty() {
                true => format!("described twice, alike (again at {at}): the exports overlap"),
                false => format!(
                    "described twice, differently (again at {at}): {}; the first is used, and the group needs a look",
                    differs.join(", ")
                ),
            },
        });
        Ok(())
    }

    /// Fills what the known description lacks from a further one; what it has stays.
    fn complete(&mut self, inventory: &mut Inventory, entry: &Entry, facts: &Facts<'_>, id: u32) {
        let security = self.descriptor(inventory, facts.descriptor);
        let Inventory { ad, text, sids, .. } = inventory;
        let object = &mut ad.objects[id as usize];
        if object.guid.is_nil() {
            object.guid = facts.guid.unwrap_or_default();
        }
        if !object.sid.is_some() {
            object.sid = facts.sid.as_ref().map_or(SidRef::default(), |s| sids.add(s));
        }
        if object.security == NONE {
            object.security = security;
        }
        let mut fill = |known: &mut Text, new: Option<&str>| {
            if known.is_none() {
                *known = text.add_opt(new);
            }
        };
        fill(&mut object.sam_account_name, facts.sam);
        let Some(group) = ad.groups.get_mut(object.group as usize) else {
            if !facts.deleted {
                note_carriers(inventory, entry, facts);
            }
            return;
        };
        // Between two whole descriptions a missing value is a contradiction, which the first one wins.
        if facts.classes.is_empty() {
            group.group_type = group.group_type.or(facts.group_type);
            fill(&mut group.admin_description, facts.admin_description);
            fill(&mut group.edoi, facts.edoi);
        }
        for (known, new) in [
            (&mut group.display_name, facts.display_name),
            (&mut group.description, facts.description),
            (&mut group.mail, facts.mail),
            (&mut group.object_soa, facts.object_soa),
            (&mut group.when_changed, facts.when_changed),
        ] {
            fill(known, new);
        }
        group.has_proxy_addresses |= facts.proxies;
        group.admin_count |= facts.admin_count;
        if !self.parents.is_empty() {
            self.extra_parents.push((object.group, self.parents.clone()));
        }
    }

    fn descriptor(&mut self, inventory: &mut Inventory, bytes: Option<&[u8]>) -> u32 {
        let Some(bytes) = bytes else { return NONE };
        if let Some(&known) = self.descriptors.get(bytes) {
            return known;
        }
        let index = inventory.ad.descriptors.len() as u32;
        inventory.ad.descriptors.push(bytes.to_vec());
        self.descriptors.insert(bytes.to_vec(), index);
        index
    }

    /// The number of a name, given when it is first seen.
    fn object(&mut self, inventory: &mut Inventory, dn: &[u8], spelling: NameKey) -> Option<u32> {
        let Inventory { ad, text, .. } = inventory;
        self.numbers.number(dn, spelling, || {
            ad.objects.push(AdObject {
                dn: text.add(&String::from_utf8_lossy(dn)), // only text has a key
                guid: ObjectGuid::NIL,
                sid: SidRef::default(),
                sam_account_name: Text::NONE,
                class: AdClass::Missing,
                group: NONE,
                security: NONE,
            });
            ad.objects.len() as u32 - 1
        })
    }

    fn note_domain(&mut self, dn: &str, path: &Path, line: u64) -> Result<(), String> {
        self.key.clear();
        write_key(dn, &mut self.key).ok_or_else(|| match crate::directory::Dn::parse(dn) {
            Err(e) => e.to_string(),
            Ok(_) => "not a distinguished name".to_owned(),
        })?;
        let start = match self.key.starts_with(b"dc=") {
            true => 0,
            false => match memchr::memmem::find(&self.key, b"\0dc=") {
                Some(at) => at + 1,
                None => return Ok(()),
            },
        };
        let tail = &self.key[start..];
        if tail != self.last_domain.as_slice() {
            self.last_domain = tail.to_vec();
            let domain = String::from_utf8_lossy(tail).replace('\0', ".").replace("dc=", "");
            self.domains.entry(domain).or_insert_with(|| (path.to_owned(), line));
        }
        Ok(())
    }

    /// Closes the AD half: ranges joined, rows sorted, what is missing or double reported. `values_by_range` is for
    /// the certificate.
    pub fn finish(mut self, inventory: &mut Inventory) -> AdFinished {
        let members = std::mem::take(&mut inventory.ad.members);
        inventory.ad.members = without_repeats(members.with_extra(&self.extra));
        let parents = std::mem::take(&mut inventory.ad.member_of);
        inventory.ad.member_of = without_repeats(parents.with_extra(&self.extra_parents));
        for (&group, ranges) in &mut self.ranges {
            inventory.ad.groups[group as usize].members = match covers(ranges) {
                true => Completeness::Complete,
                false => Completeness::Partial,
            };
        }
        let mut partial: Vec<String> = Vec::new();
        for group in inventory.ad.groups.iter().filter(|g| g.members == Completeness::Partial) {
            partial.push(inventory.dn(group.object).to_owned());
        }
        partial.sort();
        self.report_duplicate_guids(inventory);
        self.report_missing(inventory);
        let environment = &mut inventory.ad.environment;
        environment.attributes_seen = self.attributes_seen.into_iter().collect();
        environment.domains = self.domains.keys().cloned().collect();
        environment.groups = inventory.ad.groups.len() as u64;
        environment.users = inventory.ad.objects.iter().filter(|o| o.class == AdClass::User).count() as u64;
        environment.schema_attributes.sort();
        inventory.problems.append(&mut self.problems);
        AdFinished { domains: self.domains, partitions: self.partitions, partial, values_by_range: self.range_values }
    }

    fn report_duplicate_guids(&mut self, inventory: &mut Inventory) {
        let mut guids: Vec<(ObjectGuid, u32)> = inventory
            .ad
            .objects
            .iter()
            .enumerate()
            .filter(|(_, o)| !o.guid.is_nil())
            .map(|(i, o)| (o.guid, i as u32))
            .collect();
        guids.par_sort_unstable();
        for pair in guids.chunk_by(|a, b| a.0 == b.0).filter(|c| c.len() > 1) {
            let names: Vec<&str> = pair.iter().map(|(_, id)| inventory.dn(*id)).collect();
            self.problems.push(Problem {
                kind: "duplicate-guid".to_owned(),
                object: pair[0].0.to_string(),
                detail: format!("one objectGUID under several names (renamed between exports?): {}", names.join("; ")),
            });
            for &(_, id) in pair {
                let group = inventory.ad.objects[id as usize].group;
                if group != NONE {
                    inventory.ad.groups[group as usize].conflict = true;
                }
            }
        }
    }

    fn report_missing(&mut self, inventory: &Inventory) {
        let missing = |id: &u32| inventory.ad.objects[*id as usize].class == AdClass::Missing;
        if inventory.ad.objects.iter().all(|o| o.class != AdClass::Missing) {
            return;
        }
        let mut first_group: BTreeMap<u32, u32> = BTreeMap::new();
        let mut total = 0usize;
        for group in 0..inventory.ad.members.len() {
            for id in inventory.ad.members.row(group).iter().filter(|id| missing(id)) {
                if first_group.contains_key(id) {
                    continue;
                }
                total += 1;
                if first_group.len() < MAX_LISTED {
                    first_group.insert(*id, group as u32);
                }
            }
        }
        if total == 0 {
            return;
        }
        // Past the cap an object may be counted once for each group that names it, so the figure is an upper bound.
        for (id, group) in &first_group {
            self.problems.push(Problem {
                kind: "member-not-exported".to_owned(),
                object: inventory.dn(*id).to_owned(),
                detail: format!(
                    "a member of {}, but no entry of the export describes it",
                    inventory.dn(inventory.ad.groups[*group as usize].object)
                ),
            });
        }
        if total > first_group.len() {
            self.problems.push(Problem {
                kind: "member-not-exported".to_owned(),
                object: "(more)".to_owned(),
                detail: format!(
                    "{} further memberships name objects that no entry describes",
                    total - first_group.len()
                ),
            });
        }
    }
}

/// What the caller still needs after the builder is done.
pub struct AdFinished {
    pub domains: BTreeMap<String, (PathBuf, u64)>,
    pub partitions: BTreeSet<String>,
    /// DNs of groups whose member list is not whole.
    pub partial: Vec<String>,
    pub values_by_range: u64,
}

/// An object that is no group and carries an anchor, in the order and with the repeats of the input.
fn note_carriers(inventory: &mut Inventory, entry: &Entry, facts: &Facts<'_>) {
    for (attribute, value) in
        [("adminDescription", facts.admin_description), ("msDS-ExternalDirectoryObjectId", facts.edoi)]
    {
        let Some(value) = value.filter(|v| starts_like_anchor(v)) else { continue };
        let carrier = Carrier { dn: entry.dn.clone(), attribute: attribute.to_owned(), value: value.to_owned() };
        if inventory.ad.environment.other_carriers.last() != Some(&carrier) {
            inventory.ad.environment.other_carriers.push(carrier);
        }
    }
}

fn classify(facts: &Facts<'_>) -> AdClass {
    let has = |class: &str| facts.classes.iter().any(|c| c.eq_ignore_ascii_case(class));
    if facts.deleted {
        AdClass::Other
    } else if has("group") || (facts.classes.is_empty() && facts.group_type.is_some()) {
        AdClass::Group
    } else if has("msDS-GroupManagedServiceAccount") || has("msDS-ManagedServiceAccount") {
        AdClass::ManagedServiceAccount
    } else if has("computer") {
        AdClass::Computer
    } else if has("user")
        || has("inetOrgPerson")
        || (facts.classes.is_empty() && facts.sid.is_some() && facts.sam.is_some())
    {
        AdClass::User
    } else if has("contact") {
        AdClass::Contact
    } else if has("foreignSecurityPrincipal") {
        AdClass::ForeignSecurityPrincipal
    } else if has("organizationalUnit") || has("container") || has("builtinDomain") || has("domainDNS") {
        AdClass::Container
    } else {
        AdClass::Other
    }
}

/// `range=0-1499`, `range=1500-*`.
fn range(options: &str) -> Option<(u32, Option<u32>)> {
    let text = options.split(';').find_map(|o| o.to_ascii_lowercase().strip_prefix("range=").map(str::to_owned))?;
    let (low, high) = text.split_once('-')?;
    Some((low.parse().ok()?, if high == "*" { None } else { Some(high.parse().ok()?) }))
}

/// True where the ranges join from zero to the open end.
fn covers(ranges: &mut [(u32, Option<u32>)]) -> bool {
    ranges.sort_by_key(|(low, high)| (*low, high.unwrap_or(u32::MAX)));
    let mut next = 0u32;
    for (low, high) in ranges.iter() {
        if *low > next {
            return false;
        }
        match high {
            None => return true,
            Some(high) => next = next.max(high.saturating_add(1)),
        }
    }
    false
}

fn guid(value: &[u8]) -> Option<ObjectGuid> {
    ObjectGuid::from_ad_bytes(value).or_else(|| ObjectGuid::parse(std::str::from_utf8(value).ok()?))
}

fn sid(value: &[u8]) -> Option<Sid> {
    Sid::from_bytes(value).or_else(|| Sid::parse(std::str::from_utf8(value).ok()?))
}

fn dns_domain(dn: &str) -> Option<String> {
    crate::directory::Dn::parse(dn).ok()?.dns_domain()
}

#[cfg(test)]
mod tests;
