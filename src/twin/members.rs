//! Who a member of Entra is in AD, for Connect and for Cloud Sync, and how their member lists reach the directory.

use super::world::{Actor, World};
use crate::directory::inventory::{AdClass, Completeness, EntraKind, Identifier};
use crate::directory::{Anchor, ObjectGuid};
use std::collections::BTreeSet;

impl World {
    /// The AD object that Connect writes for a member.
    pub(super) fn counterpart(&self, member: u32) -> Option<u32> {
        let object = self.base.entra.objects.get(member as usize)?;
        match object.kind {
            EntraKind::User => {
                let user = self.base.entra.users.get(object.detail as usize)?;
                match user.on_premises_id {
                    Identifier::Guid(guid) => self.ad.object_by_guid(guid).or_else(|| self.ad.object_by_sid(user.sid)),
                    _ => self.ad.object_by_sid(user.sid),
                }
            }
            EntraKind::Group => {
                let anchor = Anchor(object.id).to_string();
                let written = self.ad.carriers("adminDescription", &anchor).next().map(|i| self.ad.groups[i].number);
                written.or_else(|| self.ad.object_by_sid(self.base.entra.groups.get(object.detail as usize)?.sid))
            }
            _ => None,
        }
    }

    /// Whether a member in AD stands for somebody whom the Entra group has.
    pub(super) fn stands_in_cloud(&self, index: usize, member: u32) -> bool {
        let group = &self.ad.groups[index];
        let anchor = group.stamp().or(group.text("adminDescription")).and_then(Anchor::parse);
        let Some(number) = anchor.and_then(|a| self.cloud.number(a.0)) else { return true };
        self.cloud_members(number).into_iter().any(|m| self.counterpart(m) == Some(member))
    }

    /// The AD object of an Entra member, and whether the job writes it.
    fn reference(&self, scope: &BTreeSet<u32>, member: u32) -> (Option<u32>, bool) {
        let id = self.cloud_id(member);
        let by_anchor = || {
            let anchor = Anchor(id).to_string();
            self.ad.carriers("adminDescription", &anchor).next().map(|i| self.ad.groups[i].number)
        };
        let Some(object) = self.base.entra.objects.get(member as usize) else {
            let found = self.found(id);
            return (found.first().map(|i| self.ad.groups[*i].number), scope.contains(&member) && found.len() == 1);
        };
        match object.kind {
            EntraKind::User => match self.base.entra.users.get(object.detail as usize) {
                Some(user) => match user.on_premises_id {
                    Identifier::Guid(guid) => match self.ad.object_by_guid(guid) {
                        Some(number) => (Some(number), self.behaviour.on_premises_members),
                        None => (self.ad.object_by_sid(user.sid), false),
                    },
                    _ => (self.ad.object_by_sid(user.sid), false),
                },
                None => (None, false),
            },
            EntraKind::Group => {
                let group = self.base.entra.groups.get(object.detail as usize);
                if group.is_some_and(|g| g.synced.is_true()) {
                    return (self.ad.object_by_sid(group.and_then(|g| g.sid)), false);
                }
                match (scope.contains(&member), self.found(id).as_slice()) {
                    (true, [one]) => (Some(self.ad.groups[*one].number), true),
                    _ => (by_anchor(), false),
                }
            }
            _ => (None, false),
        }
    }

    pub(super) fn apply_members(
        &mut self,
        scope: &BTreeSet<u32>,
        index: usize,
        number: u32,
        only: Option<&[ObjectGuid]>,
    ) -> Result<(), String> {
        let collected =
            self.base.entra.objects.get(number as usize).and_then(|o| self.base.entra.groups.get(o.detail as usize));
        let overlaid = self.cloud.overlays.get(&number).is_some_and(|o| o.members.is_some());
        if collected.is_some_and(|g| g.members != Completeness::Complete) && !overlaid {
            return Ok(());
        }
        let (mut wanted, mut stands, mut open) = (BTreeSet::new(), BTreeSet::new(), false);
        for member in self.cloud_members(number) {
            let kind = self.base.entra.objects.get(member as usize).map(|o| o.kind);
            match self.reference(scope, member) {
                (Some(object), true) if only.is_none_or(|o| o.contains(&self.cloud_id(member))) => {
                    wanted.insert(object);
                }
                (Some(object), _) => drop(stands.insert(object)),
                (None, _) => open |= matches!(kind, Some(EntraKind::Unknown)),
            }
        }
        let present = self.ad.groups[index].members.clone();
        let mut gone = Vec::new();
        for member in present.iter().filter(|m| !wanted.contains(m) && only.is_none()) {
            let class = self.base.ad.objects.get(*member as usize).map_or(AdClass::Group, |o| o.class);
            let known = class != AdClass::Missing && !open;
            if (stands.contains(member) && self.behaviour.strips_unprovisionable) || (known && !stands.contains(member))
            {
                gone.push(*member);
            }
        }
        let new: Vec<u32> = wanted.into_iter().filter(|m| present.binary_search(m).is_err()).collect();
        self.relate(index, &new, &gone, Actor::CloudSync);
        Ok(())
    }

    /// Adds and takes out members as a service does: whole, without asking.
    pub(super) fn relate(&mut self, index: usize, new: &[u32], gone: &[u32], actor: Actor) {
        for (list, add) in [(new, true), (gone, false)] {
            for member in list {
                if self.ad.link(&self.base, index, *member, add) {
                    self.ad.trace.insert((index, "member".to_owned(), member.to_le_bytes().to_vec()), (actor, add));
                }
            }
        }
        if !new.is_empty() || !gone.is_empty() {
            self.ad.touch(index, self.now);
        }
    }
}
