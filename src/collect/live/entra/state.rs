//! What Entra looks like so far, while pages come in. In a live reading a later record is the newer one: it is laid over
//! what is known, members are added and taken away in the order of the answers, and what was deleted is left out at the
//! end. A part that has to be read again starts a new generation: what that does not show any more is gone.

use super::members::{Change, Changes};
use crate::collect::entra::{Collection, EntraBuilder, kind_of, read_user};
use crate::collect::graph_json::{MemberRecord, Record};
use crate::directory::inventory::{
    Completeness, EntraGroup, EntraKind, EntraObject, EntraUser, Identifier, Inventory, NONE, SidRef, Tri, Writeback,
};
use crate::directory::{ObjectGuid, Rows, Text};
use std::collections::HashSet;

/// The generation of rows that are gone.
const GONE: u32 = 0;

/// Groups and users by row, and the changes of memberships.
pub struct State {
    pub inventory: Inventory,
    builder: EntraBuilder,
    members: Changes,
    /// In which generation each group, each user was last seen.
    group_seen: Vec<u32>,
    user_seen: Vec<u32>,
    group_generation: u32,
    user_generation: u32,
    /// Groups whose members are hidden from who may not see hidden ones.
    hidden: HashSet<u32>,
    /// Objects that a round of changes described though they were not known before.
    news: News,
    /// Whether what comes in now are changes, whose news are noted.
    in_round: bool,
}

/// What a round of changes brought that its answers may not describe in full.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct News {
    /// Users that were not there before: new, or restored.
    pub users: Vec<ObjectGuid>,
    /// Groups that were deleted before.
    pub restored_groups: Vec<ObjectGuid>,
    /// Users described without `onPremisesObjectIdentifier`.
    pub without_identifier: Vec<ObjectGuid>,
    /// Groups that were there and are not any more.
    pub removed_groups: u64,
}

impl Default for State {
    fn default() -> Self {
        State {
            inventory: Inventory::default(),
            builder: EntraBuilder::default(),
            members: Changes::default(),
            group_seen: Vec::new(),
            user_seen: Vec::new(),
            group_generation: 1,
            user_generation: 1,
            hidden: HashSet::new(),
            news: News::default(),
            in_round: false,
        }
    }
}

/// What the records of a page describe.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Of {
    Groups,
    DeletedGroups,
    /// Some further properties of groups; one that is not known is passed over, since these are not all of it.
    GroupDetails,
    Users,
}

impl State {
    /// What a former bundle holds, to lay changes over. Its deleted groups are left out: they are read anew.
    pub fn of(base: &Inventory) -> Self {
        let mut state = State::default();
        state.builder.note_properties(&base.entra.tenant.group_properties);
        let mut number = vec![NONE; base.entra.objects.len()];
        for (i, object) in base.entra.objects.iter().enumerate() {
            let new = state.builder.object(&mut state.inventory, object.id, object.kind);
            number[i] = new;
            let text = &mut state.inventory.text;
            state.inventory.entra.objects[new as usize].name = text.add_opt(base.text.get(object.name));
        }
        for user in &base.entra.users {
            let user = state.copy_user(base, user, number[user.object as usize]);
            state.new_user(user);
        }
        for group in &base.entra.groups {
            let group = state.copy_group(base, group, number[group.object as usize]);
            let row = state.new_group(group);
            if group.deleted {
                state.group_seen[row as usize] = GONE;
            }
        }
        for (i, group) in base.entra.groups.iter().enumerate().filter(|(_, g)| !g.deleted) {
            let row = state.inventory.entra.objects[number[group.object as usize] as usize].detail;
            let list: Vec<u32> = base.entra.members.row(i).iter().map(|m| number[*m as usize]).collect();
            state.members.push(row, Change::Add, &list);
        }
        state
    }

    fn copy_user(&mut self, base: &Inventory, user: &EntraUser, object: u32) -> EntraUser {
        let on_premises_id = match user.on_premises_id {
            Identifier::Unreadable(text) => Identifier::Unreadable(self.inventory.text.add_opt(base.text.get(text))),
            other => other,
        };
        EntraUser { object, on_premises_id, sid: self.copy_sid(base, user.sid), ..*user }
    }

    fn copy_group(&mut self, base: &Inventory, group: &EntraGroup, object: u32) -> EntraGroup {
        let sid = self.copy_sid(base, group.sid);
        let first = self.inventory.entra.extensions.len() as u32;
        let (at, count) = (group.extensions.0 as usize, usize::from(group.extensions.1));
        for (name, value) in base.entra.extensions.get(at..at + count).unwrap_or_default() {
            let text = &mut self.inventory.text;
            let pair = (text.add_opt(base.text.get(*name)), text.add_opt(base.text.get(*value)));
            self.inventory.entra.extensions.push(pair);
        }
        let mut copy = |t: Text| self.inventory.text.add_opt(base.text.get(t));
        EntraGroup {
            object,
            display_name: copy(group.display_name),
            description: copy(group.description),
            mail_nickname: copy(group.mail_nickname),
            writeback: Writeback { group_type: copy(group.writeback.group_type), ..group.writeback },
            sid,
            extensions: (first, group.extensions.1),
            // Asked anew for each candidate.
            cloud_managed: Tri::Absent,
            ..*group
        }
    }

    fn copy_sid(&mut self, base: &Inventory, sid: Option<SidRef>) -> Option<SidRef> {
        sid.map(|sid| base.sids.get(sid).map_or(SidRef::default(), |sid| self.inventory.sids.add(&sid)))
    }

    /// The groups are read once more from the start.
    pub fn restart_groups(&mut self) {
        self.group_generation += 1;
    }

    pub fn restart_users(&mut self) {
        self.user_generation += 1;
    }

    /// From here on changes come in.
    pub fn begin_round(&mut self) {
        self.in_round = true;
        self.news = News::default();
    }

    /// What the round of changes brought.
    pub fn end_round(&mut self) -> News {
        self.in_round = false;
        std::mem::take(&mut self.news)
    }

    /// Lays one record over what is known.
    pub fn apply(&mut self, record: &Record, of: Of) -> Result<(), String> {
        let id = record.id.as_deref().ok_or("an object without \"id\"")?;
        let id = ObjectGuid::parse(id).ok_or_else(|| format!("the id {id:?} is no GUID"))?;
        let kind = match (record.odata_type.as_deref(), of) {
            (Some(text), _) => kind_of(text),
            (None, Of::Users) => EntraKind::User,
            (None, _) => EntraKind::Group,
        };
        if record.removed {
            self.remove(id, of);
            return Ok(());
        }
        if of == Of::GroupDetails && self.group_row(id).is_none() {
            return Ok(());
        }
        let object = self.builder.object(&mut self.inventory, id, kind);
        match of {
            Of::Users if kind == EntraKind::User => self.user(object, record),
            Of::Groups | Of::DeletedGroups | Of::GroupDetails if kind == EntraKind::Group => {
                self.group(object, record, of)
            }
            _ => Ok(()), // listed, of a kind that no rule asks more about
        }
    }

    fn remove(&mut self, id: ObjectGuid, of: Of) {
        let Some(object) = self.builder.known(&self.inventory, id) else { return };
        let EntraObject { detail, kind, .. } = self.inventory.entra.objects[object as usize];
        match (detail, of, kind) {
            (NONE, _, _) => {}
            (row, Of::Users, EntraKind::User) => self.user_seen[row as usize] = GONE,
            (row, Of::Groups | Of::DeletedGroups, EntraKind::Group) => {
                self.news.removed_groups += u64::from(self.group_seen[row as usize] != GONE);
                self.group_seen[row as usize] = GONE;
                self.members.push(row, Change::Clear, &[]);
            }
            _ => {}
        }
    }

    fn user(&mut self, object: u32, record: &Record) -> Result<(), String> {
        let fresh = read_user(&mut self.inventory, object, record)?;
        let row = self.inventory.entra.objects[object as usize].detail;
        let id = self.inventory.entra.objects[object as usize].id;
        if self.in_round && record.on_premises_object_identifier.is_none() {
            self.news.without_identifier.push(id);
        }
        let old_name = self.inventory.entra.objects[object as usize].name;
        if row == NONE {
            if self.in_round {
                self.news.users.push(id);
            }
            self.new_user(fresh);
        } else {
            let known = self.user_seen[row as usize] == self.user_generation;
            if self.in_round && self.user_seen[row as usize] == GONE {
                self.news.users.push(id);
            }
            self.user_seen[row as usize] = self.user_generation;
            let old = &mut self.inventory.entra.users[row as usize];
            if !known {
                *old = fresh;
            } else {
                old.synced = fresh.synced.or(old.synced);
                if fresh.on_premises_id != Identifier::Absent {
                    old.on_premises_id = fresh.on_premises_id;
                }
                old.sid = fresh.sid.or(old.sid);
            }
        }
        let name = record.user_principal_name.clone().flatten().or_else(|| record.display_name.clone().flatten());
        let text = &mut self.inventory.text;
        if let Some(name) = name.filter(|n| text.get(old_name) != Some(n.as_str())) {
            self.inventory.entra.objects[object as usize].name = text.add(&name);
        }
        Ok(())
    }

    fn new_user(&mut self, user: EntraUser) {
        self.inventory.entra.objects[user.object as usize].detail = self.inventory.entra.users.len() as u32;
        self.inventory.entra.users.push(user);
        self.user_seen.push(self.user_generation);
    }

    fn new_group(&mut self, group: EntraGroup) -> u32 {
        let row = self.inventory.entra.groups.len() as u32;
        self.inventory.entra.objects[group.object as usize].detail = row;
        self.inventory.entra.groups.push(group);
        self.group_seen.push(self.group_generation);
        row
    }

    fn group(&mut self, object: u32, record: &Record, of: Of) -> Result<(), String> {
        self.builder.carries(record);
        let collection = if of == Of::DeletedGroups { Collection::DeletedItems } else { Collection::Groups };
        let fresh = self.builder.read_group(&mut self.inventory, object, record, collection)?;
        let mut row = self.inventory.entra.objects[object as usize].detail;
        if row == NONE {
            row = self.new_group(fresh);
        } else {
            let seen = self.group_seen[row as usize];
            let EntraObject { id, .. } = self.inventory.entra.objects[object as usize];
            if self.in_round && of == Of::Groups && seen == GONE {
                self.news.restored_groups.push(id);
            }
            if of == Of::GroupDetails && seen != self.group_generation {
                return Ok(()); // deleted meanwhile
            }
            self.group_seen[row as usize] = self.group_generation;
            let old = &mut self.inventory.entra.groups[row as usize];
            // A deleted group is as it was when it was deleted, without the members it had.
            if seen != self.group_generation || of == Of::DeletedGroups {
                *old = EntraGroup { cloud_managed: fresh.cloud_managed.or(old.cloud_managed), ..fresh };
                self.members.push(row, Change::Clear, &[]);
            } else {
                overlay(old, &fresh, record);
            }
        }
        if record.hidden_members {
            self.hidden.insert(row);
        }
        let name = self.inventory.entra.groups[row as usize].display_name;
        if name.is_some() {
            self.inventory.entra.objects[object as usize].name = name;
        }
        if let Some(list) = &record.members_delta {
            self.change_members(row, list)?;
        }
        Ok(())
    }

    /// Adds and takes away, in the order of the answer.
    fn change_members(&mut self, row: u32, list: &[MemberRecord]) -> Result<(), String> {
        for run in list.chunk_by(|a, b| a.removed == b.removed) {
            let change = if run[0].removed { Change::Remove } else { Change::Add };
            let ids = self.builder.ids(&mut self.inventory, run)?;
            self.members.push(row, change, &ids);
        }
        Ok(())
    }

    /// The first page of a group's own list takes the place of what was known; further pages are added.
    pub fn list_members(&mut self, id: ObjectGuid, list: &[MemberRecord], first: bool) -> Result<(), String> {
        let Some(row) = self.group_row(id) else { return Ok(()) };
        if first {
            self.members.push(row, Change::Clear, &[]);
        }
        let ids = self.builder.ids(&mut self.inventory, list)?;
        self.members.push(row, Change::Add, &ids);
        Ok(())
    }

    /// A group's own list was read to its end, or could not be.
    pub fn members_are(&mut self, id: ObjectGuid, how: Completeness) {
        if let Some(row) = self.group_row(id) {
            self.inventory.entra.groups[row as usize].members = how;
        }
    }

    /// A user is a member of these groups, as the user's own list says.
    pub fn member_of(&mut self, user: ObjectGuid, groups: &[ObjectGuid]) {
        let object = self.builder.object(&mut self.inventory, user, EntraKind::User);
        for group in groups {
            if let Some(row) = self.group_row(*group) {
                self.members.push(row, Change::Add, &[object]);
            }
        }
    }

    pub fn set_cloud_managed(&mut self, id: ObjectGuid, value: Tri) {
        if let Some(row) = self.group_row(id) {
            self.inventory.entra.groups[row as usize].cloud_managed = value;
        }
    }

    fn group_row(&self, id: ObjectGuid) -> Option<u32> {
        let object = self.builder.known(&self.inventory, id)?;
        let EntraObject { detail, kind, .. } = self.inventory.entra.objects[object as usize];
        (kind == EntraKind::Group && detail != NONE).then_some(detail)
    }

    /// Whether any group so far carried the property.
    pub fn has_seen(&self, property: &str) -> bool {
        self.builder.has_seen(property)
    }

    /// Rows of the groups that are there, deleted ones among them where they were listed.
    fn present(&self) -> impl Iterator<Item = (usize, &EntraGroup)> {
        let there = |i: usize| self.group_seen[i] == self.group_generation;
        self.inventory.entra.groups.iter().enumerate().filter(move |(i, _)| there(*i))
    }

    /// Ids of the groups that are there and not deleted, and for which `wanted` holds.
    pub fn groups(&self, wanted: impl Fn(&EntraGroup) -> bool) -> Vec<ObjectGuid> {
        let live = self.present().filter(|(_, g)| !g.deleted && wanted(g));
        live.map(|(_, g)| self.inventory.entra.objects[g.object as usize].id).collect()
    }

    /// How many groups, deleted groups and users there are.
    pub fn counts(&self) -> (u64, u64, u64) {
        let deleted = self.present().filter(|(_, g)| g.deleted).count() as u64;
        let groups = self.present().count() as u64 - deleted;
        let users = self.user_seen.iter().filter(|s| **s == self.user_generation).count() as u64;
        (groups, deleted, users)
    }

    /// Memberships as they came; what was taken away again is not subtracted before the end.
    pub fn memberships(&self) -> u64 {
        self.members.added()
    }

    /// Every group that is there was listed with all its members. Where hidden ones are not shown (`hidden` is false),
    /// the lists of the groups that hide theirs stay unknown; returns how many these are.
    pub fn all_members_known(&mut self, hidden: bool) -> u64 {
        let mut unknown = 0;
        for (row, group) in self.inventory.entra.groups.iter_mut().enumerate() {
            let kept = hidden || !self.hidden.contains(&(row as u32));
            if self.group_seen[row] == self.group_generation && !group.deleted {
                group.members = if kept { Completeness::Complete } else { Completeness::Absent };
                unknown += u64::from(!kept);
            }
        }
        unknown
    }

    /// An answer about changes leaves out what was never set. What was selected, and came for one group at least, is
    /// null where it did not come.
    pub fn absent_is_null(&mut self) {
        let seen = |p: &str| self.builder.has_seen(p);
        let (synced, sid, role) =
            (seen("onPremisesSyncEnabled"), seen("onPremisesSecurityIdentifier"), seen("isAssignableToRole"));
        let (managed, writeback, paused, mail, security) = (
            seen("isManagementRestricted"),
            seen("writebackConfiguration"),
            seen("membershipRuleProcessingState"),
            seen("mailEnabled"),
            seen("securityEnabled"),
        );
        let types = seen("groupTypes");
        for group in &mut self.inventory.entra.groups {
            let null = |value: &mut Tri, seen: bool, empty: Tri| {
                if seen && *value == Tri::Absent {
                    *value = empty;
                }
            };
            null(&mut group.synced, synced, Tri::Null);
            null(&mut group.role_assignable, role, Tri::Null);
            null(&mut group.management_restricted, managed, Tri::Null);
            null(&mut group.writeback.is_enabled, writeback, Tri::Null);
            null(&mut group.paused, paused, Tri::Null);
            null(&mut group.mail_enabled, mail, Tri::Null);
            null(&mut group.security_enabled, security, Tri::Null);
            null(&mut group.unified, types, Tri::False);
            null(&mut group.dynamic, types, Tri::False);
            if sid && group.sid.is_none() {
                group.sid = Some(SidRef::default());
            }
        }
    }

    /// Closes the reading: objects in the order of their ids, without what is gone, so that the same tenant gives the
    /// same bundle whichever way it was read.
    pub fn finish(self) -> Inventory {
        let State { mut inventory, builder, members, group_seen, user_seen, group_generation, user_generation, .. } =
            self;
        inventory.entra.tenant.group_properties = builder.group_properties();
        let entra = std::mem::take(&mut inventory.entra);
        let rows = members.rows(entra.groups.len());
        let is_gone = |o: &EntraObject| match (o.detail, o.kind) {
            (NONE, _) => false,
            (row, EntraKind::Group) => group_seen[row as usize] != group_generation,
            (row, EntraKind::User) => user_seen[row as usize] != user_generation,
            _ => false,
        };
        // Objects that are only mentioned stay as long as a group that is there mentions them.
        let mut keep: Vec<bool> = entra.objects.iter().map(|o| o.detail != NONE && !is_gone(o)).collect();
        for (row, group) in entra.groups.iter().enumerate() {
            if keep[group.object as usize] {
                for &member in rows.row(row) {
                    keep[member as usize] |= entra.objects[member as usize].detail == NONE;
                }
            }
        }
        let mut order: Vec<u32> = (0..entra.objects.len() as u32).filter(|i| keep[*i as usize]).collect();
        order.sort_unstable_by_key(|i| entra.objects[*i as usize].id);
        let mut number = vec![NONE; entra.objects.len()];
        for (new, old) in order.iter().enumerate() {
            number[*old as usize] = new as u32;
        }
        let out = &mut inventory.entra;
        out.members = Rows::default();
        let mut row = Vec::new();
        for (new, &old) in order.iter().enumerate() {
            let mut object = entra.objects[old as usize];
            let detail = object.detail as usize;
            if object.detail != NONE && object.kind == EntraKind::Group {
                object.detail = out.groups.len() as u32;
                out.groups.push(EntraGroup { object: new as u32, ..entra.groups[detail] });
                row.clear();
                row.extend(rows.row(detail).iter().map(|m| number[*m as usize]).filter(|m| *m != NONE));
                row.sort_unstable();
                out.members.push(row.iter().copied());
            } else if object.detail != NONE && object.kind == EntraKind::User {
                object.detail = out.users.len() as u32;
                out.users.push(EntraUser { object: new as u32, ..entra.users[detail] });
            }
            out.objects.push(object);
        }
        (out.extensions, out.tenant) = (entra.extensions, entra.tenant);
        inventory
    }
}

/// Lays a newer record over a group: what it carries counts, what it leaves out stays.
fn overlay(old: &mut EntraGroup, fresh: &EntraGroup, record: &Record) {
    for (old, fresh) in [
        (&mut old.security_enabled, fresh.security_enabled),
        (&mut old.mail_enabled, fresh.mail_enabled),
        (&mut old.unified, fresh.unified),
        (&mut old.dynamic, fresh.dynamic),
        (&mut old.paused, fresh.paused),
        (&mut old.synced, fresh.synced),
        (&mut old.role_assignable, fresh.role_assignable),
        (&mut old.management_restricted, fresh.management_restricted),
        (&mut old.cloud_managed, fresh.cloud_managed),
    ] {
        *old = fresh.or(*old);
    }
    if record.writeback.is_some() {
        old.writeback = fresh.writeback;
    }
    for (old, fresh, carried) in [
        (&mut old.display_name, fresh.display_name, record.display_name.is_some()),
        (&mut old.description, fresh.description, record.description.is_some()),
        (&mut old.mail_nickname, fresh.mail_nickname, record.mail_nickname.is_some()),
    ] {
        if carried {
            *old = fresh;
        }
    }
    match record.on_premises_security_identifier.is_some() {
        true => (old.sid, old.has_on_premises_identity) = (fresh.sid, fresh.has_on_premises_identity),
        false => old.has_on_premises_identity |= fresh.has_on_premises_identity,
    }
    old.deleted = fresh.deleted;
    // A changed group comes with all selected properties; a page of further members with none of them.
    if record.display_name.is_some() || fresh.extensions.1 > 0 {
        old.extensions = fresh.extensions;
    }
}
