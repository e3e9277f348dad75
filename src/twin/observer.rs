//! A look at the whole twin: an Inventory as a collection would give it now. What did not change is as it was collected,
//! object by object in the same order, so that an untouched twin gives the same assessment as its bundle.

use super::Shared;
use super::cloud::Overlay;
use super::faults::Port;
use super::world::{Actor, World};
use crate::bundle::{AdGroupRecord, AdObjectRecord, EntraGroupRecord, EntraObjectRecord, Str};
use crate::cutover::port::{Observer, STAMP};
use crate::directory::connect::{ConnectServer, Fact, Origin, PendingExports};
use crate::directory::inventory::{
    Ad, AdClass, Assignment, CloudSync, Completeness, Entra, EntraKind, Inventory, NONE,
};
use crate::directory::{GroupType, Rows};
use crate::error::Result;
use serde_json::Value;
use std::borrow::Cow;

/// Both sides at a glance.
pub struct TwinObserver(pub(super) Shared);

impl Observer for TwinObserver {
    async fn look(&self) -> Result<Inventory> {
        let world = &mut *self.0.borrow_mut();
        world.arrive(Port::Observer, "looking at both sides")?;
        for (actor, _) in world.ad.trace.values_mut().filter(|(actor, _)| *actor == Actor::Foreign) {
            *actor = Actor::Shown;
        }
        Ok(world.present().0)
    }
}

fn text(value: Option<&str>) -> Option<Str<'_>> {
    value.map(|v| Str(Cow::Borrowed(v)))
}

impl World {
    /// The present state, and for each row of its `ad.groups` the group's place in the twin.
    pub(super) fn present(&self) -> (Inventory, Vec<usize>) {
        let mut out = Inventory::default();
        let rows = self.present_ad(&mut out);
        self.present_entra(&mut out);
        out.cloud_sync = self.present_cloud_sync();
        out.connect = self.base.connect.iter().enumerate().map(|(row, s)| self.present_server(row, s)).collect();
        out.problems.clone_from(&self.base.problems);
        (out, rows)
    }

    fn present_ad(&self, out: &mut Inventory) -> Vec<usize> {
        let base = &self.base;
        out.ad = Ad { present: base.ad.present, ..Ad::default() };
        // Object numbers change where something was deleted; members keep their order.
        let total = base.ad.objects.len() + self.ad.groups.len() - self.ad.base_groups();
        let mut numbers = vec![NONE; total];
        let mut rows = Vec::new();
        for (number, object) in base.ad.objects.iter().enumerate() {
            let group = self.ad.index_of(base, number as u32).map(|index| (index, &self.ad.groups[index]));
            if group.is_some_and(|(_, g)| g.deleted) {
                continue;
            }
            numbers[number] = out.ad.objects.len() as u32;
            let mut record = AdObjectRecord::of(base, object);
            if let Some((index, group)) = group {
                rows.push(index);
                record.dn = Str(Cow::Borrowed(&group.dn));
                record.sam_account_name = text(group.text("sAMAccountName"));
                if let Some(own) = &mut record.group {
                    self.describe(group, own);
                }
            }
            record.restore(out);
        }
        for (index, group) in self.ad.groups.iter().enumerate().skip(self.ad.base_groups()).filter(|(_, g)| !g.deleted)
        {
            numbers[group.number as usize] = out.ad.objects.len() as u32;
            rows.push(index);
            let mut own = AdGroupRecord {
                group_type: None,
                admin_description: None,
                edoi: None,
                display_name: None,
                description: None,
                mail: None,
                has_proxy_addresses: false,
                admin_count: false,
                object_soa: None,
                when_changed: None,
                members: Completeness::Complete,
                conflict: false,
            };
            self.describe(group, &mut own);
            let record = AdObjectRecord {
                dn: Str(Cow::Borrowed(&group.dn)),
                class: AdClass::Group,
                object_guid: Some(group.guid),
                object_sid: group.sid().map(|s| Str(Cow::Owned(s.to_string()))),
                sam_account_name: text(group.text("sAMAccountName")),
                security: None,
                group: Some(own),
            };
            record.restore(out);
        }
        let now = |n: &u32| numbers.get(*n as usize).copied().filter(|n| *n != NONE);
        let (mut members, mut member_of) = (Rows::default(), Rows::default());
        for index in &rows {
            let group = &self.ad.groups[*index];
            members.push(group.members.iter().filter_map(now));
            let collected: &[u32] = if *index < self.ad.base_groups() { base.ad.member_of.row(*index) } else { &[] };
            match &group.first_member_of {
                None if *index < self.ad.base_groups() => member_of.push(collected.iter().filter_map(now)),
                first => {
                    let first = first.clone().unwrap_or_default();
                    let kept = collected.iter().copied().filter(|p| group.member_of.contains(p) || !first.contains(p));
                    let new = group.member_of.iter().copied().filter(|p| !first.contains(p));
                    let mut row: Vec<u32> = kept.chain(new).filter_map(|p| now(&p)).collect();
                    row.sort_unstable();
                    row.dedup();
                    member_of.push(row);
                }
            }
        }
        (out.ad.members, out.ad.member_of) = (members, member_of);
        out.ad.descriptors.clone_from(&base.ad.descriptors);
        let environment = &mut out.ad.environment;
        environment.clone_from(&base.ad.environment);
        environment.groups = (environment.groups + rows.len() as u64).saturating_sub(base.ad.groups.len() as u64);
        // The first stamp in a forest shows that the attribute is there.
        let stamped = self.ad.live().any(|(_, g)| g.stamp().is_some());
        let lower = STAMP.to_ascii_lowercase();
        if stamped && !environment.attributes_seen.contains(&lower) {
            environment.attributes_seen.push(lower);
            environment.attributes_seen.sort();
        }
        rows
    }

    fn describe<'a>(&self, group: &'a super::ad::Group, own: &mut AdGroupRecord<'a>) {
        own.group_type = group.text("groupType").and_then(GroupType::parse);
        own.admin_description = text(group.text("adminDescription"));
        own.edoi = text(group.stamp());
        own.display_name = text(group.text("displayName"));
        own.description = text(group.text("description"));
        own.mail = text(group.text("mail"));
        own.object_soa = text(group.text("msDS-ObjectSoa"));
        own.when_changed = text(group.text("whenChanged"));
        own.admin_count = group.text("adminCount") == Some("1");
    }

    fn present_entra(&self, out: &mut Inventory) {
        let base = &self.base;
        out.entra = Entra { tenant: base.entra.tenant.clone(), ..Entra::default() };
        out.entra.tenant.group_writeback = self.cloud.v2;
        let count = base.entra.objects.len() as u32;
        for (number, object) in base.entra.objects.iter().enumerate() {
            let mut record = EntraObjectRecord::of(base, object);
            if let (Some(overlay), Some(group)) = (self.cloud.overlays.get(&(number as u32)), &mut record.group) {
                overlaid(overlay, group);
            }
            record.restore(out);
        }
        for (at, new) in self.cloud.new_groups.iter().enumerate() {
            let mut group = EntraGroupRecord {
                display_name: text(Some(&new.name)),
                security_enabled: Some(Some(true)),
                mail_enabled: Some(Some(false)),
                unified: Some(Some(false)),
                dynamic: Some(Some(false)),
                on_premises_sync_enabled: Some(None),
                is_cloud_managed: Some(Some(false)),
                writeback_enabled: Some(Some(false)),
                members: Completeness::Complete,
                ..EntraGroupRecord::default()
            };
            if let Some(overlay) = self.cloud.overlays.get(&(count + at as u32)) {
                overlaid(overlay, &mut group);
            }
            let name = text(Some(&new.name));
            EntraObjectRecord { id: new.id, kind: EntraKind::Group, name, user: None, group: Some(group) }.restore(out);
        }
        // Rows stand in the order of the objects that have them.
        let mut members = Rows::default();
        for (number, object) in out.entra.objects.iter().enumerate() {
            if object.kind == EntraKind::Group && object.detail != NONE {
                members.push(self.cloud_members(number as u32));
            }
        }
        out.entra.members = members;
        let new = self.cloud.new_groups.len() as u64;
        if let Some(groups) = out.entra.tenant.collections.get_mut("groups") {
            *groups += new;
        }
    }

    fn present_cloud_sync(&self) -> CloudSync {
        let mut sync = self.base.cloud_sync.clone();
        let Some(job) = &self.cloud.job else { return sync };
        let id = |v: &Value| v.get("id").and_then(Value::as_str).map(str::to_owned);
        let jobs = sync.jobs.get_or_insert_default();
        match jobs.iter_mut().find(|j| id(j).as_deref() == Some(&job.id)) {
            Some(known) => known.clone_from(&job.raw),
            None => jobs.push(job.raw.clone()),
        }
        if let Some(principal) = &self.cloud.new_principal {
            sync.service_principals.get_or_insert_default().push(principal.clone());
        }
        if let Some(schema) = &self.cloud.schema {
            let schemas = sync.schemas.get_or_insert_default();
            let known = schemas.iter().position(|s| id(s) == id(schema) && id(s).is_some());
            let only = (schemas.len() == 1 && self.cloud.new_principal.is_none()).then_some(0);
            match known.or(only) {
                Some(at) => schemas[at].clone_from(schema),
                None => schemas.insert(0, schema.clone()),
            }
        }
        if self.cloud.reassigned || (self.cloud.new_principal.is_some() && sync.assignments.is_none()) {
            let list = sync.assignments.get_or_insert_default();
            let own = |a: &Assignment| a.resource_id.as_deref().is_none_or(|r| r == job.service_principal);
            list.retain(|a| !own(a));
            list.extend(self.cloud.assigned.iter().map(|a| Assignment {
                principal_id: a.principal.to_string(),
                principal_type: a.principal_type.clone(),
                app_role_id: a.app_role.clone(),
                resource_id: Some(job.service_principal.clone()),
            }));
        }
        sync
    }

    fn present_server(&self, row: usize, collected: &ConnectServer) -> ConnectServer {
        let mut out = collected.clone();
        let Some(server) = self.connect.servers.iter().find(|s| s.row == row).filter(|_| self.connect.changed) else {
            return out;
        };
        let observe = |fact: &mut Fact<bool>, value: bool| {
            if fact.value() != Some(&value) {
                fact.observe(value, Origin::State, Some(self.now));
            }
        };
        observe(&mut out.staging_mode, server.staging);
        observe(&mut out.scheduler.sync_cycle_enabled, self.connect.scheduler);
        if let Some(features) = &mut out.company_features {
            for (name, value) in features.iter_mut().filter(|(n, _)| n.eq_ignore_ascii_case("GroupWritebackV2")) {
                tracing::trace!(name, "read again");
                *value = self.connect.v2;
            }
        }
        if out.rules.is_some() {
            out.rules = Some(server.rules.clone());
        }
        if let Some(shown) = &server.shown {
            out.pending_exports = vec![PendingExports { file: "csexport.xml".to_owned(), objects: shown.clone() }];
        }
        out
    }
}

/// What changed since lies over what was collected.
fn overlaid<'a>(overlay: &'a Overlay, group: &mut EntraGroupRecord<'a>) {
    for (name, value) in &overlay.extensions {
        group.extensions.retain(|(n, _)| !n.0.eq_ignore_ascii_case(name));
        if let Some(value) = value {
            group.extensions.push((Str(Cow::Borrowed(name)), Str(Cow::Borrowed(value))));
        }
    }
    if let Some(writeback) = overlay.writeback {
        group.writeback_enabled = writeback.known();
    }
    if let Some(name) = &overlay.display_name {
        group.display_name = text(Some(name));
    }
    if let Some(description) = &overlay.description {
        group.description = text(description.as_deref());
    }
    if overlay.members.is_some() {
        group.members = Completeness::Complete;
    }
    group.deleted |= overlay.deleted;
}
