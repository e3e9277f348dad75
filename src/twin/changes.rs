//! How the twin's directory takes changes: guards as Active Directory has them, all or nothing, and a trace of who wrote
//! what, so that a run that undoes somebody else's work is caught at it.

use super::world::{Actor, World};
use crate::cutover::port::{Change, Refusal, STAMP, WriteFault, Written};
use crate::directory::{Dn, ObjectGuid, Rdn, same_dn, split};
use crate::error::{Error, Place};
use std::collections::BTreeMap;

/// Attributes that only the directory itself writes.
const SYSTEM: [&str; 12] = [
    "objectGUID",
    "objectSid",
    "distinguishedName",
    "cn",
    "name",
    "memberOf",
    "objectClass",
    "whenChanged",
    "whenCreated",
    "uSNChanged",
    "uSNCreated",
    "isDeleted",
];

/// Attributes of a group with at most one value.
const SINGLE: [&str; 12] = [
    STAMP,
    "adminDescription",
    "displayName",
    "sAMAccountName",
    "groupType",
    "mail",
    "adminCount",
    "msDS-ObjectSoa",
    "nTSecurityDescriptor",
    "managedBy",
    "info",
    "mailNickname",
];

pub(super) fn fault(refusal: Refusal, dn: &str, message: impl Into<String>) -> WriteFault {
    WriteFault::new(refusal, Error::failed(message).at(Place::default().object(dn)))
}

/// Text compares without regard to letter case.
fn same_value(a: &[u8], b: &[u8]) -> bool {
    a == b
        || match (std::str::from_utf8(a), std::str::from_utf8(b)) {
            (Ok(a), Ok(b)) => a.to_lowercase() == b.to_lowercase(),
            _ => false,
        }
}

/// What a list of changes makes of a group, before it is done.
#[derive(Default)]
struct Outcome {
    attributes: BTreeMap<String, Vec<Vec<u8>>>,
    /// Members to add and to take out.
    links: Vec<(u32, bool)>,
}

impl World {
    /// A live group, or why it cannot be written.
    pub(super) fn writable(&self, guid: ObjectGuid) -> Written<usize> {
        match self.ad.by_guid(&self.base, guid) {
            Some(index) if !self.ad.groups[index].deleted => Ok(index),
            _ => {
                let refusal = if self.ad.object_by_guid(guid).is_some() && self.ad.by_guid(&self.base, guid).is_none() {
                    Refusal::Right
                } else {
                    Refusal::Missing
                };
                Err(fault(refusal, &guid.to_string(), "there is no group of this objectGUID to be written"))
            }
        }
    }

    /// The run's right to write this.
    pub(super) fn allowed(&self, index: usize, right: bool, what: &str) -> Written {
        let group = &self.ad.groups[index];
        let enforced = group.text("msDS-ObjectSoa").is_some_and(|s| s.eq_ignore_ascii_case("Cloud"))
            && self.base.ad.environment.soa_policy.iter().flatten().any(|s| s.eq_ignore_ascii_case("Enforced"));
        if right && !enforced && !self.switches.denied.contains(&group.guid) {
            return Ok(());
        }
        Err(fault(Refusal::Right, &group.dn, format!("the account may not write {what}")))
    }

    /// Changes one group, all or nothing.
    pub(super) fn modify(&mut self, index: usize, changes: &[Change], actor: Actor) -> Written {
        let group = &self.ad.groups[index];
        let mut out = Outcome { attributes: group.attributes.clone(), links: Vec::new() };
        let dn = group.dn.clone();
        for change in changes {
            let (attribute, values, kind) = match change {
                Change::Add { attribute, values } => (attribute, values, 'a'),
                Change::Delete { attribute, values } => (attribute, values, 'd'),
                Change::Replace { attribute, values } => (attribute, values, 'r'),
            };
            if SYSTEM.iter().any(|s| s.eq_ignore_ascii_case(attribute)) {
                return Err(fault(Refusal::Other, &dn, format!("{attribute} is the directory's own")));
            }
            if actor == Actor::Run {
                let rights = self.switches.rights;
                let right = match () {
                    () if attribute.eq_ignore_ascii_case(STAMP) => rights.stamp,
                    () if attribute.eq_ignore_ascii_case("member") => rights.member,
                    () => rights.other,
                };
                self.allowed(index, right, attribute)?;
            }
            if attribute.eq_ignore_ascii_case("member") {
                self.relink(index, values, kind, &mut out)?;
            } else {
                change_values(&mut out.attributes, attribute, values, kind, &dn)?;
            }
        }
        self.traced(index, &out, actor);
        let base = &self.base;
        self.ad.groups[index].attributes = out.attributes;
        for (member, add) in out.links {
            self.ad.link(base, index, member, add);
        }
        self.ad.touch(index, self.now);
        Ok(())
    }

    fn relink(&self, index: usize, values: &[Vec<u8>], kind: char, out: &mut Outcome) -> Written {
        let group = &self.ad.groups[index];
        let mut wanted = Vec::new();
        for value in values {
            let text = String::from_utf8_lossy(value);
            let number = self
                .ad
                .by_name(&text)
                .ok_or_else(|| fault(Refusal::Other, &group.dn, format!("there is no object {text} to be a member")))?;
            wanted.push(number);
        }
        let has = |member: u32, links: &[(u32, bool)]| {
            let last = links.iter().rev().find(|(m, _)| *m == member).map(|(_, add)| *add);
            last.unwrap_or_else(|| group.members.binary_search(&member).is_ok())
        };
        if kind == 'r' || (kind == 'd' && values.is_empty()) {
            if kind == 'd' && group.members.is_empty() {
                return Err(fault(Refusal::Guard, &group.dn, "there is no member to be taken out"));
            }
            out.links.extend(group.members.iter().filter(|m| !wanted.contains(m)).map(|m| (*m, false)));
            out.links.extend(wanted.iter().filter(|m| group.members.binary_search(m).is_err()).map(|m| (*m, true)));
            return Ok(());
        }
        for (member, value) in wanted.into_iter().zip(values) {
            let name = String::from_utf8_lossy(value);
            match (has(member, &out.links), kind) {
                (true, 'a') => {
                    return Err(fault(Refusal::Guard, &group.dn, format!("{name} is a member already")));
                }
                (false, 'd') => return Err(fault(Refusal::Guard, &group.dn, format!("{name} is no member"))),
                _ => out.links.push((member, kind == 'a')),
            }
        }
        Ok(())
    }

    /// Notes each value that comes or goes, and catches the run at undoing what others did.
    fn traced(&mut self, index: usize, out: &Outcome, actor: Actor) {
        let group = &self.ad.groups[index];
        let mut deltas: Vec<(String, Vec<u8>, bool)> = Vec::new();
        let names = |a: &BTreeMap<String, Vec<Vec<u8>>>| a.keys().cloned().collect::<Vec<_>>();
        for name in names(&group.attributes).into_iter().chain(names(&out.attributes)) {
            let empty = Vec::new();
            let (old, new) =
                (group.attributes.get(&name).unwrap_or(&empty), out.attributes.get(&name).unwrap_or(&empty));
            let lower = name.to_ascii_lowercase();
            deltas.extend(old.iter().filter(|v| !new.contains(v)).map(|v| (lower.clone(), v.clone(), false)));
            deltas.extend(new.iter().filter(|v| !old.contains(v)).map(|v| (lower.clone(), v.clone(), true)));
        }
        deltas.extend(out.links.iter().map(|(m, add)| ("member".to_owned(), m.to_le_bytes().to_vec(), *add)));
        for (attribute, value, add) in deltas {
            self.trace(index, &attribute, value, add, actor);
        }
    }

    fn trace(&mut self, index: usize, attribute: &str, value: Vec<u8>, add: bool, actor: Actor) {
        let key = (index, attribute.to_owned(), value);
        if actor == Actor::Run {
            let last = self.ad.trace.get(&key).copied();
            let shown = match attribute {
                "member" => {
                    let number = <[u8; 4]>::try_from(key.2.as_slice()).map_or(0, u32::from_le_bytes);
                    self.ad.dn(&self.base, number).to_owned()
                }
                _ => String::from_utf8_lossy(&key.2).into_owned(),
            };
            let dn = &self.ad.groups[index].dn;
            match (last, add) {
                (Some((Actor::Foreign, true)), false) => {
                    self.broken
                        .push(format!("{dn}: the run took out {attribute} {shown}, which somebody else had set"));
                }
                (Some((Actor::Foreign, false)), true) => {
                    self.broken.push(format!(
                        "{dn}: the run set {attribute} {shown} again, which somebody else had taken out"
                    ));
                }
                (None, false) if attribute == "member" => {
                    self.broken.push(format!("{dn}: the run took out the member {shown}, which it had not added"));
                }
                _ => {}
            }
        }
        self.ad.trace.insert(key, (actor, add));
    }

    /// Renames and moves a group.
    pub(super) fn rename(&mut self, index: usize, rdn: &str, parent: &str, actor: Actor) -> Written {
        let old = self.ad.groups[index].dn.clone();
        let rdn = if rdn.get(..3).is_some_and(|p| p.eq_ignore_ascii_case("CN=")) {
            rdn.to_owned()
        } else {
            Rdn::new("CN", rdn).to_string()
        };
        let dn = format!("{rdn},{parent}");
        if Dn::parse(&dn).is_err() {
            return Err(fault(Refusal::Other, &old, format!("{dn} is no distinguished name")));
        }
        if actor == Actor::Run {
            self.allowed(index, self.switches.rights.rename, "its name")?;
            let key = (index, "dn".to_owned(), Vec::new());
            if let Some((Actor::Foreign, _)) = self.ad.trace.get(&key) {
                self.broken.push(format!("{old}: the run renamed it, after somebody else had"));
            }
        }
        if !self.ad.has_container(parent) {
            return Err(fault(Refusal::Other, &old, format!("there is no container {parent}")));
        }
        if let Some(number) = self.ad.by_name(&dn)
            && number != self.ad.groups[index].number
        {
            return Err(fault(Refusal::Other, &old, format!("the name {dn} is taken")));
        }
        self.ad.trace.insert((index, "dn".to_owned(), Vec::new()), (actor, true));
        self.ad.name(index, &dn);
        self.ad.touch(index, self.now);
        Ok(())
    }

    /// Deletes a group: its links go, its tombstone stays. Nothing that a run does leads here.
    pub(super) fn delete(&mut self, index: usize) {
        let number = self.ad.groups[index].number;
        let parents = self.ad.groups[index].member_of.iter();
        let parents: Vec<usize> = parents.filter_map(|p| self.ad.index_of(&self.base, *p)).collect();
        for parent in parents {
            self.ad.link(&self.base, parent, number, false);
            self.ad
                .trace
                .insert((parent, "member".to_owned(), number.to_le_bytes().to_vec()), (Actor::CloudSync, false));
        }
        for member in self.ad.groups[index].members.clone() {
            self.ad.link(&self.base, index, member, false);
        }
        self.ad.trace.retain(|(i, _, _), _| *i != index);
        self.ad.forget_name(index);
        let group = &mut self.ad.groups[index];
        group.deleted = true;
        group.member_of.clear();
        let kept = ["objectClass", "objectSid", "sAMAccountName", "groupType", "nTSecurityDescriptor"];
        group.attributes.retain(|name, _| kept.contains(&name.as_str()));
        let parent = split(&group.dn).map(|(_, p)| p.into_owned()).unwrap_or_default();
        group.set_text("lastKnownParent", Some(&parent));
        group.set_text("isDeleted", Some("TRUE"));
        self.ad.touch(index, self.now);
        // What a restored group gets back was taken by the deletion, not by the run.
        self.ad.trace.insert((index, "dn".to_owned(), Vec::new()), (Actor::CloudSync, true));
    }

    /// Brings a deleted group back under a name, without its links and most of its attributes.
    pub(super) fn reanimate(&mut self, guid: ObjectGuid, dn: &str) -> Written {
        let Some(index) = self.ad.by_guid(&self.base, guid).filter(|i| self.ad.groups[*i].deleted) else {
            return Err(fault(Refusal::Missing, &guid.to_string(), "there is no deleted group of this objectGUID"));
        };
        self.allowed(index, self.switches.rights.reanimate, "deleted objects")?;
        self.free_name(dn)?;
        let group = &mut self.ad.groups[index];
        group.deleted = false;
        group.attributes.remove("isDeleted");
        group.attributes.remove("lastKnownParent");
        self.ad.name(index, dn);
        self.ad.touch(index, self.now);
        Ok(())
    }

    /// That an object could be made there.
    fn free_name(&self, dn: &str) -> Written {
        let Some((_, parent)) = split(dn) else {
            return Err(fault(Refusal::Other, dn, "this is no distinguished name"));
        };
        if self.ad.by_name(dn).is_some() {
            return Err(fault(Refusal::Other, dn, "the name is taken"));
        }
        if !self.ad.has_container(&parent) {
            return Err(fault(Refusal::Other, dn, format!("there is no container {parent}")));
        }
        Ok(())
    }

    /// Makes a group.
    pub(super) fn make(&mut self, dn: &str, attributes: &[(String, Vec<Vec<u8>>)]) -> Written<ObjectGuid> {
        self.free_name(dn)?;
        let mut own = BTreeMap::new();
        let mut members = Vec::new();
        for (name, values) in attributes {
            match name.to_ascii_lowercase().as_str() {
                "member" => {
                    for value in values {
                        let text = String::from_utf8_lossy(value);
                        members.push(self.ad.by_name(&text).ok_or_else(|| {
                            fault(Refusal::Other, dn, format!("there is no object {text} to be a member"))
                        })?);
                    }
                }
                "cn" | "name" | "distinguishedname" => {}
                _ => change_values(&mut own, name, values, 'a', dn)?,
            }
        }
        own.insert("objectClass".to_owned(), vec![b"top".to_vec(), b"group".to_vec()]);
        own.entry("groupType".to_owned()).or_insert_with(|| vec![b"-2147483646".to_vec()]);
        let guid = self.new_guid();
        if let Some(sid) = self.new_sid() {
            own.insert("objectSid".to_owned(), vec![sid.to_bytes()]);
        }
        let random = format!("$V{:05X}-{:06X}", self.ad.last_rid, self.ad.usn & 0xff_ffff);
        own.entry("sAMAccountName".to_owned()).or_insert_with(|| vec![random.into_bytes()]);
        let index = self.ad.insert(guid, dn, own);
        for member in members {
            self.ad.link(&self.base, index, member, true);
        }
        self.ad.touch(index, self.now);
        Ok(guid)
    }

    /// Sets a text attribute without a guard, as services do.
    pub(super) fn put_text(&mut self, index: usize, attribute: &str, value: Option<&str>, actor: Actor) -> bool {
        let now = self.ad.groups[index].text(attribute).map(str::to_owned);
        if now.as_deref() == value {
            return false;
        }
        let values = value.map(|v| v.as_bytes().to_vec()).into_iter().collect();
        self.modify(index, &[Change::Replace { attribute: attribute.to_owned(), values }], actor).is_ok()
    }

    /// The container of a group.
    pub(super) fn parent_of(&self, index: usize) -> String {
        split(&self.ad.groups[index].dn).map(|(_, p)| p.into_owned()).unwrap_or_default()
    }
    pub(super) fn stands_at(&self, index: usize, dn: &str) -> bool {
        same_dn(&self.ad.groups[index].dn, dn)
    }
}

fn change_values(
    attributes: &mut BTreeMap<String, Vec<Vec<u8>>>,
    attribute: &str,
    values: &[Vec<u8>],
    kind: char,
    dn: &str,
) -> Written {
    let spelt = attributes.keys().find(|k| k.eq_ignore_ascii_case(attribute)).cloned().unwrap_or_else(|| {
        SINGLE.iter().find(|s| s.eq_ignore_ascii_case(attribute)).map_or(attribute, |s| s).to_owned()
    });
    if values.iter().any(Vec::is_empty) {
        return Err(fault(Refusal::Other, dn, format!("an empty value cannot stand in {attribute}")));
    }
    let own = attributes.entry(spelt.clone()).or_default();
    match kind {
        'r' => *own = values.to_vec(),
        'd' if values.is_empty() && own.is_empty() => {
            return Err(fault(Refusal::Guard, dn, format!("{attribute} has no value to be deleted")));
        }
        'd' if values.is_empty() => own.clear(),
        'd' => {
            for value in values {
                match own.iter().position(|v| same_value(v, value)) {
                    Some(at) => drop(own.remove(at)),
                    None => {
                        let text = String::from_utf8_lossy(value);
                        return Err(fault(Refusal::Guard, dn, format!("{attribute} has no value {text}")));
                    }
                }
            }
        }
        _ => {
            for value in values {
                if own.iter().any(|v| same_value(v, value)) {
                    return Err(fault(Refusal::Guard, dn, format!("{attribute} has this value already")));
                }
                own.push(value.clone());
            }
        }
    }
    if own.len() > 1 && SINGLE.iter().any(|s| s.eq_ignore_ascii_case(attribute)) {
        return Err(fault(Refusal::Guard, dn, format!("{attribute} has a value already")));
    }
    if own.is_empty() {
        attributes.remove(&spelt);
    }
    Ok(())
}
