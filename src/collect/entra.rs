//! What Graph objects mean: groups of v1.0 and beta joined by id, users, members, deleted groups. A property that no
//! file carries stays absent, which is not the same as null.

use super::graph_json::{MemberId, MemberRecord, PROPERTIES, Record};
use crate::directory::inventory::{
    Completeness, EntraGroup, EntraKind, EntraObject, EntraUser, Identifier, Inventory, NONE, SidRef, Tri, Writeback,
};
use crate::directory::{ObjectGuid, Sid, Text};
use crate::report::model::Problem;
use hashbrown::{DefaultHashBuilder, HashTable};
use std::collections::HashMap;
use std::hash::BuildHasher;

/// Which collection a file holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Collection {
    Groups,
    DeletedItems,
    Users,
}

#[derive(Default)]
pub struct EntraBuilder {
    hasher: DefaultHashBuilder,
    by_id: HashTable<u32>,
    /// Members that arrive after the group's row was opened.
    extra: Vec<(u32, Vec<u32>)>,
    /// Members that a delta page takes away again.
    removed: HashMap<u32, Vec<u32>>,
    /// Groups whose whole member list a file has given already.
    listed: HashMap<u32, u64>,
    properties: u32,
    problems: Vec<Problem>,
    /// Groups with exactly 20 members from a file whose context speaks of expanded members.
    pub expanded: bool,
    at_twenty: Vec<u32>,
    above_twenty: bool,
}

impl EntraBuilder {
    /// Takes one object in; the error text is completed with file and line by the caller.
    pub fn add(
        &mut self,
        inventory: &mut Inventory,
        record: Record,
        collection: Collection,
        file: &str,
    ) -> Result<(), String> {
        let id = record.id.as_deref().ok_or("an object without \"id\"")?;
        let id = ObjectGuid::parse(id).ok_or_else(|| format!("the id {id:?} is no GUID"))?;
        let kind = match (record.odata_type.as_deref(), collection) {
            (Some(text), _) => kind_of(text),
            (None, Collection::Users) => EntraKind::User,
            (None, _) => EntraKind::Group,
        };
        let object = self.object(inventory, id, kind);
        match kind {
            EntraKind::Group => self.group(inventory, object, record, collection, file),
            EntraKind::User => self.user(inventory, object, &record, file),
            _ => Ok(()), // listed, of a kind that no rule asks more about
        }
    }

    fn user(&mut self, inventory: &mut Inventory, object: u32, record: &Record, file: &str) -> Result<(), String> {
        let user = read_user(inventory, object, record)?;
        let name = record.user_principal_name.clone().flatten().or_else(|| record.display_name.clone().flatten());
        let detail = inventory.entra.objects[object as usize].detail;
        if detail != NONE {
            let old = &mut inventory.entra.users[detail as usize];
            let clash = (old.synced != user.synced && old.synced != Tri::Absent && user.synced != Tri::Absent)
                || (old.on_premises_id != user.on_premises_id
                    && old.on_premises_id != Identifier::Absent
                    && user.on_premises_id != Identifier::Absent);
            old.synced = old.synced.or(user.synced);
            if old.on_premises_id == Identifier::Absent {
                old.on_premises_id = user.on_premises_id;
            }
            old.sid = old.sid.or(user.sid);
            if clash {
                self.duplicate(inventory.entra.objects[object as usize].id, "user", "on-premises properties", file);
            }
            return Ok(());
        }
        inventory.entra.objects[object as usize].detail = inventory.entra.users.len() as u32;
        if inventory.entra.objects[object as usize].name.is_none() {
            inventory.entra.objects[object as usize].name = inventory.text.add_opt(name.as_deref());
        }
        inventory.entra.users.push(user);
        Ok(())
    }

    fn group(
        &mut self,
        inventory: &mut Inventory,
        object: u32,
        mut record: Record,
        collection: Collection,
        file: &str,
    ) -> Result<(), String> {
        self.properties |= record.properties;
        let detail = inventory.entra.objects[object as usize].detail;
        let row = if detail == NONE { inventory.entra.groups.len() as u32 } else { detail };
        let members = record.members.take();
        let delta = record.members_delta.take();
        let fresh = self.read_group(inventory, object, &record, collection)?;
        if detail == NONE {
            inventory.entra.objects[object as usize].detail = row;
            inventory.entra.groups.push(fresh);
            let name = fresh.display_name;
            if name.is_some() {
                inventory.entra.objects[object as usize].name = name;
            }
        } else {
            let differs = merge(inventory, row, &fresh);
            if !differs.is_empty() {
                inventory.entra.groups[row as usize].conflict = true;
                let id = inventory.entra.objects[object as usize].id;
                self.duplicate(id, "group", &differs.join(", "), file);
            }
        }
        let first_row = inventory.entra.members.len() as u32 == row;
        let mut whole = Vec::new();
        if let Some(list) = &members {
            whole = self.ids(inventory, list)?;
            if self.expanded {
                self.above_twenty |= whole.len() > 20;
                if whole.len() == 20 {
                    self.at_twenty.push(row);
                }
            }
            let print = fingerprint(&whole);
            let known = self.listed.get(&row).copied();
            match known {
                Some(before) if before == print => whole.clear(),
                Some(_) => {
                    inventory.entra.groups[row as usize].conflict = true;
                    self.duplicate(inventory.entra.objects[object as usize].id, "group", "members", file);
                    whole.clear();
                }
                None => {
                    self.listed.insert(row, print);
                }
            }
            let group = &mut inventory.entra.groups[row as usize];
            if group.members != Completeness::Partial {
                group.members = if record.members_cut { Completeness::Partial } else { Completeness::Complete };
            }
        }
        if let Some(list) = &delta {
            let (gone, here): (Vec<_>, Vec<_>) = list.iter().cloned().partition(|m| m.removed);
            whole.extend(self.ids(inventory, &here)?);
            let gone = self.ids(inventory, &gone)?;
            if !gone.is_empty() {
                self.removed.entry(row).or_default().extend(gone);
            }
            let group = &mut inventory.entra.groups[row as usize];
            if group.members == Completeness::Absent {
                group.members = Completeness::Complete;
            }
        }
        if first_row {
            inventory.entra.members.push(whole);
        } else if !whole.is_empty() {
            self.extra.push((row, whole));
        }
        Ok(())
    }

    /// What a record says of a group, by itself.
    pub(super) fn read_group(
        &mut self,
        inventory: &mut Inventory,
        object: u32,
        record: &Record,
        collection: Collection,
    ) -> Result<EntraGroup, String> {
        let sid = sid(record, &mut inventory.sids)?;
        let first = inventory.entra.extensions.len() as u32;
        for (name, value) in &record.extensions {
            let pair = (inventory.text.add(name), inventory.text.add(value));
            inventory.entra.extensions.push(pair);
        }
        let text = &mut inventory.text;
        let has_type = |wanted: &str| match &record.group_types {
            None => Tri::Absent,
            Some(None) => Tri::False,
            Some(Some(list)) => Tri::from_known(Some(Some(list.iter().any(|t| t.eq_ignore_ascii_case(wanted))))),
        };
        Ok(EntraGroup {
            object,
            display_name: text.add_opt(record.display_name.clone().flatten().as_deref()),
            description: text.add_opt(record.description.clone().flatten().as_deref()),
            mail_nickname: text.add_opt(record.mail_nickname.clone().flatten().as_deref()),
            security_enabled: Tri::from_known(record.security_enabled),
            mail_enabled: Tri::from_known(record.mail_enabled),
            unified: has_type("Unified"),
            dynamic: has_type("DynamicMembership"),
            paused: match &record.membership_rule_processing_state {
                None => Tri::Absent,
                Some(None) => Tri::Null,
                Some(Some(state)) => Tri::from_known(Some(Some(state.eq_ignore_ascii_case("Paused")))),
            },
            synced: Tri::from_known(record.on_premises_sync_enabled),
            role_assignable: Tri::from_known(record.is_assignable_to_role),
            management_restricted: Tri::from_known(record.is_management_restricted),
            cloud_managed: Tri::from_known(record.is_cloud_managed),
            writeback: match &record.writeback {
                None => Writeback::default(),
                Some(None) => Writeback { is_enabled: Tri::Null, group_type: Text::NONE },
                Some(Some(w)) => Writeback {
                    // Inside a configuration that is there, a property left out reads as null.
                    is_enabled: Tri::from_known(Some(w.is_enabled.flatten())),
                    group_type: text.add_opt(w.on_premises_group_type.clone().flatten().as_deref()),
                },
            },
            sid,
            has_on_premises_identity: record.other_on_premises_identity || sid.is_some_and(SidRef::is_some),
            deleted: collection == Collection::DeletedItems
                || record.removed
                || record
                    .deleted_date_time
                    .as_ref()
                    .is_some_and(|d| d.as_deref().is_some_and(|d| !d.is_empty() && !d.starts_with("0001-01-01"))),
            members: Completeness::Absent,
            conflict: false,
            extensions: (first, record.extensions.len().min(usize::from(u16::MAX)) as u16),
        })
    }

    pub(super) fn ids(&mut self, inventory: &mut Inventory, list: &[MemberRecord]) -> Result<Vec<u32>, String> {
        // All at once: the processor then waits for many places of a large table at a time.
        let known: Vec<u32> = list
            .iter()
            .map(|member| match &member.id {
                MemberId::Guid(id) => self.known(inventory, *id).unwrap_or(NONE),
                _ => NONE,
            })
            .collect();
        list.iter()
            .zip(known)
            .map(|(member, known)| {
                let id = match &member.id {
                    MemberId::Guid(id) => *id,
                    MemberId::Unreadable(text) => return Err(format!("the member id {text:?} is no GUID")),
                    MemberId::Missing => return Err("a member without \"id\"".to_owned()),
                };
                let object = match inventory.entra.objects.get(known as usize) {
                    Some(object) if object.kind != EntraKind::Unknown => known,
                    _ => self.object(inventory, id, member.kind),
                };
                if let Some(name) = &member.display_name
                    && inventory.entra.objects[object as usize].name.is_none()
                {
                    inventory.entra.objects[object as usize].name = inventory.text.add(name);
                }
                Ok(object)
            })
            .collect()
    }

    /// The number of an object, which is made where it is not known yet.
    pub(super) fn object(&mut self, inventory: &mut Inventory, id: ObjectGuid, kind: EntraKind) -> u32 {
        let hash = self.hasher.hash_one(id);
        let (objects, hasher) = (&mut inventory.entra.objects, &self.hasher);
        if let Some(&known) = self.by_id.find(hash, |&i| objects[i as usize].id == id) {
            let object = &mut objects[known as usize];
            if object.kind == EntraKind::Unknown {
                object.kind = kind;
            }
            return known;
        }
        let index = objects.len() as u32;
        objects.push(EntraObject { id, kind, detail: NONE, name: Text::NONE });
        self.by_id.insert_unique(hash, index, |&i| hasher.hash_one(objects[i as usize].id));
        index
    }

    /// The number of an object that is known.
    pub(super) fn known(&self, inventory: &Inventory, id: ObjectGuid) -> Option<u32> {
        let objects = &inventory.entra.objects;
        self.by_id.find(self.hasher.hash_one(id), |&i| objects[i as usize].id == id).copied()
    }

    /// Notes which properties a record carries.
    pub(super) fn carries(&mut self, record: &Record) {
        self.properties |= record.properties;
    }

    /// The same for properties that a former collection found.
    pub(super) fn note_properties(&mut self, names: &[String]) {
        for (bit, name) in PROPERTIES.iter().enumerate() {
            self.properties |= u32::from(names.iter().any(|n| n == name)) << bit;
        }
    }

    /// Whether any group so far carried the property.
    pub(super) fn has_seen(&self, property: &str) -> bool {
        PROPERTIES.iter().position(|p| *p == property).is_some_and(|bit| self.properties & (1 << bit) != 0)
    }

    /// The properties that at least one group carried.
    pub(super) fn group_properties(&self) -> Vec<String> {
        let seen = PROPERTIES.iter().enumerate().filter(|(bit, _)| self.properties & (1 << bit) != 0);
        seen.map(|(_, p)| (*p).to_owned()).collect()
    }

    fn duplicate(&mut self, id: ObjectGuid, what: &str, differs: &str, file: &str) {
        self.problems.push(Problem {
            kind: "duplicate-id".to_owned(),
            object: id.to_string(),
            detail: format!("one {what} is described twice, differently ({differs}; again in {file}); the first is used, and it needs a look"),
        });
    }

    /// Closes the Entra half: rows joined and sorted, removed members taken out. Returns the groups whose member list
    /// may have been cut at 20 by `$expand`.
    pub fn finish(mut self, inventory: &mut Inventory) -> Vec<u32> {
        let mut rows = std::mem::take(&mut inventory.entra.members).with_extra(&self.extra);
        rows.sort_rows();
        if !self.removed.is_empty() || has_repeats(&rows) {
            let mut clean = crate::directory::Rows::default();
            for i in 0..rows.len() {
                let gone = self.removed.get(&(i as u32));
                let mut row: Vec<u32> =
                    rows.row(i).iter().copied().filter(|v| !gone.is_some_and(|g| g.contains(v))).collect();
                row.dedup();
                clean.push(row);
            }
            rows = clean;
        }
        inventory.entra.members = rows;
        let suspicious = if self.above_twenty { Vec::new() } else { std::mem::take(&mut self.at_twenty) };
        for &row in &suspicious {
            inventory.entra.groups[row as usize].members = Completeness::Partial;
        }
        inventory.entra.tenant.group_properties = self.group_properties();
        inventory.problems.append(&mut self.problems);
        suspicious
    }
}

/// Each row sorted, and every number in it once: exports overlap.
pub(super) fn without_repeats(mut rows: crate::directory::Rows) -> crate::directory::Rows {
    rows.sort_rows();
    if !has_repeats(&rows) {
        return rows;
    }
    let mut clean = crate::directory::Rows::default();
    for i in 0..rows.len() {
        let mut row = rows.row(i).to_vec();
        row.dedup();
        clean.push(row);
    }
    clean
}

fn has_repeats(rows: &crate::directory::Rows) -> bool {
    (0..rows.len()).any(|i| rows.row(i).windows(2).any(|w| w[0] == w[1]))
}

/// Fills what the known description lacks from a further one; names what contradicts it.
fn merge(inventory: &mut Inventory, row: u32, fresh: &EntraGroup) -> Vec<&'static str> {
    let mut differs = Vec::new();
    let Inventory { text, entra, .. } = inventory;
    let old = &mut entra.groups[row as usize];
    let mut tri = |name: &'static str, old: &mut Tri, new: Tri| {
        if *old != Tri::Absent && new != Tri::Absent && *old != new {
            differs.push(name);
        }
        *old = old.or(new);
    };
    tri("securityEnabled", &mut old.security_enabled, fresh.security_enabled);
    tri("mailEnabled", &mut old.mail_enabled, fresh.mail_enabled);
    tri("groupTypes", &mut old.unified, fresh.unified);
    tri("groupTypes", &mut old.dynamic, fresh.dynamic);
    tri("membershipRuleProcessingState", &mut old.paused, fresh.paused);
    tri("onPremisesSyncEnabled", &mut old.synced, fresh.synced);
    tri("isAssignableToRole", &mut old.role_assignable, fresh.role_assignable);
    tri("isManagementRestricted", &mut old.management_restricted, fresh.management_restricted);
    tri("onPremisesSyncBehavior", &mut old.cloud_managed, fresh.cloud_managed);
    let writeback_was_absent = old.writeback.is_enabled == Tri::Absent;
    tri("writebackConfiguration", &mut old.writeback.is_enabled, fresh.writeback.is_enabled);
    if writeback_was_absent {
        old.writeback.group_type = fresh.writeback.group_type;
    }
    for (name, old, new) in [
        ("displayName", &mut old.display_name, fresh.display_name),
        ("description", &mut old.description, fresh.description),
        ("mailNickname", &mut old.mail_nickname, fresh.mail_nickname),
    ] {
        if old.is_none() {
            *old = new;
        } else if new.is_some() && text.get(*old) != text.get(new) {
            differs.push(name);
        }
    }
    if let (Some(a), Some(b)) = (old.sid, fresh.sid)
        && a != b
    {
        differs.push("onPremisesSecurityIdentifier");
    }
    old.sid = old.sid.or(fresh.sid);
    old.has_on_premises_identity |= fresh.has_on_premises_identity;
    if old.deleted != fresh.deleted {
        differs.push("deletedDateTime");
        old.deleted = true;
    }
    if old.extensions.1 == 0 {
        old.extensions = fresh.extensions;
    }
    differs.dedup();
    differs
}

/// What a record says of a user, by itself.
pub(super) fn read_user(inventory: &mut Inventory, object: u32, record: &Record) -> Result<EntraUser, String> {
    let text = &mut inventory.text;
    Ok(EntraUser {
        object,
        synced: Tri::from_known(record.on_premises_sync_enabled),
        on_premises_id: match &record.on_premises_object_identifier {
            None => Identifier::Absent,
            Some(None) => Identifier::Null,
            Some(Some(value)) if value.is_empty() => Identifier::Null,
            Some(Some(value)) => match ObjectGuid::parse(value).or_else(|| ObjectGuid::from_immutable_id(value)) {
                Some(guid) => Identifier::Guid(guid),
                None => Identifier::Unreadable(text.add(value)),
            },
        },
        sid: sid(record, &mut inventory.sids)?,
    })
}

fn sid(record: &Record, sids: &mut crate::directory::inventory::SidTable) -> Result<Option<SidRef>, String> {
    match &record.on_premises_security_identifier {
        None => Ok(None),
        Some(None) => Ok(Some(SidRef::default())),
        Some(Some(text)) if text.is_empty() => Ok(Some(SidRef::default())),
        Some(Some(text)) => {
            let sid = Sid::parse(text).ok_or_else(|| format!("onPremisesSecurityIdentifier {text:?} is no SID"))?;
            Ok(Some(sids.add(&sid)))
        }
    }
}

/// `#microsoft.graph.user` and the like; letter case does not count.
pub(super) fn kind_of(odata_type: &str) -> EntraKind {
    let name = odata_type.rsplit('.').next().unwrap_or(odata_type).trim_start_matches('#');
    for (known, kind) in [
        ("user", EntraKind::User),
        ("group", EntraKind::Group),
        ("device", EntraKind::Device),
        ("servicePrincipal", EntraKind::ServicePrincipal),
        ("orgContact", EntraKind::Contact),
        ("contact", EntraKind::Contact),
    ] {
        if name.eq_ignore_ascii_case(known) {
            return kind;
        }
    }
    EntraKind::Other
}

/// The same for two lists that hold the same members, whatever their order.
fn fingerprint(ids: &[u32]) -> u64 {
    let mut sorted = ids.to_vec();
    sorted.sort_unstable();
    sorted.dedup();
    sorted.iter().fold(0xcbf2_9ce4_8422_2325, |h, v| (h ^ u64::from(*v)).wrapping_mul(0x0000_0100_0000_01b3))
        ^ sorted.len() as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    const A: &str = "3a5c3221-c465-48c0-95b8-e9305786a271";
    const B: &str = "4b5c3221-c465-48c0-95b8-e9305786a272";
    const U: &str = "5c5c3221-c465-48c0-95b8-e9305786a273";

    fn load(files: &[(Collection, String)]) -> Result<Inventory, String> {
        let (mut inventory, mut builder) = (Inventory::default(), EntraBuilder::default());
        for (collection, text) in files {
            super::super::graph_json::read(text.as_bytes(), Path::new("f.json"), &mut |r| {
                builder.add(&mut inventory, r, *collection, "f.json")
            })
            .map_err(|e| e.to_string())?;
        }
        builder.finish(&mut inventory);
        Ok(inventory)
    }

    #[test]
    fn beta_fills_what_v1_lacks() {
        let inventory = load(&[
            (Collection::Groups, format!(r##"[{{"id":"{A}","displayName":"Sales","securityEnabled":true,"groupTypes":[],"members":[{{"id":"{U}","@odata.type":"#microsoft.graph.user"}}]}}]"##)),
            (Collection::Groups, format!(r#"{{"id":"{}","writebackConfiguration":{{"isEnabled":true,"onPremisesGroupType":"universalSecurityGroup"}}}}"#, A.to_uppercase())),
        ])
        .unwrap();
        let group = inventory.entra.groups[0];
        assert_eq!(inventory.entra.groups.len(), 1);
        assert_eq!(
            (group.writeback.is_enabled, group.security_enabled, group.unified, group.mail_enabled),
            (Tri::True, Tri::True, Tri::False, Tri::Absent)
        );
        assert_eq!((group.members, group.conflict), (Completeness::Complete, false));
        assert!(inventory.problems.is_empty());
        assert_eq!(inventory.entra.members.row(0).len(), 1);
    }

    #[test]
    fn contradictions_are_reported() {
        let inventory = load(&[
            (Collection::Groups, format!(r#"[{{"id":"{A}","displayName":"Sales","mailEnabled":false}},{{"id":"{A}","displayName":"Sold","mailEnabled":true}}]"#)),
        ])
        .unwrap();
        assert!(inventory.entra.groups[0].conflict);
        assert_eq!((inventory.problems[0].kind.as_str(), inventory.problems[0].object.as_str()), ("duplicate-id", A));
        assert!(
            inventory.problems[0].detail.contains("mailEnabled")
                && inventory.problems[0].detail.contains("displayName")
        );
    }

    #[test]
    fn delta_pages_join() {
        let inventory = load(&[(
            Collection::Groups,
            format!(
                r#"{{"value":[{{"id":"{A}","displayName":"x","members@delta":[{{"id":"{U}"}}]}},{{"id":"{B}","members@delta":[]}},{{"id":"{A}","members@delta":[{{"id":"{B}"}},{{"id":"{U}","@removed":{{"reason":"deleted"}}}}]}}]}}"#
            ),
        )])
        .unwrap();
        assert!(inventory.problems.is_empty(), "{:?}", inventory.problems);
        let row = inventory.entra.members.row(0);
        assert_eq!(row.len(), 1);
        assert_eq!(inventory.entra.objects[row[0] as usize].id.to_string(), B);
        assert_eq!(inventory.entra.groups[1].members, Completeness::Complete);
    }

    #[test]
    fn identifiers_in_both_encodings() {
        let guid = ObjectGuid::parse(U).unwrap();
        for (value, want) in [
            (format!("\"{U}\""), Identifier::Guid(guid)),
            (format!("\"{}\"", guid.to_immutable_id()), Identifier::Guid(guid)),
            ("null".to_owned(), Identifier::Null),
            ("\"\"".to_owned(), Identifier::Null),
        ] {
            let inventory =
                load(&[(Collection::Users, format!(r#"[{{"id":"{U}","onPremisesObjectIdentifier":{value}}}]"#))])
                    .unwrap();
            assert_eq!(inventory.entra.users[0].on_premises_id, want);
        }
        let inventory =
            load(&[(Collection::Users, format!(r#"[{{"id":"{U}","onPremisesObjectIdentifier":"zzz"}}]"#))]).unwrap();
        assert!(matches!(inventory.entra.users[0].on_premises_id, Identifier::Unreadable(_)));
    }

    #[test]
    fn refused() {
        for (text, what) in [
            ("[{\"id\":\"x\"}]".to_owned(), "no GUID"),
            ("[{}]".to_owned(), "without \"id\""),
            (format!("[{{\"id\":\"{A}\",\"members\":[{{\"id\":\"x\"}}]}}]"), "member id"),
            (format!("[{{\"id\":\"{A}\",\"onPremisesSecurityIdentifier\":\"S-9\"}}]"), "no SID"),
        ] {
            assert!(load(&[(Collection::Groups, text)]).unwrap_err().contains(what));
        }
    }
}
