//! The Connect servers as data, and what Connect itself does: while V2 is on it writes members of the groups it wrote; once
//! V2 is off it deletes the security groups that no coexistence rule holds, and writes Microsoft 365 groups as V1 does.

use super::world::{Actor, World};
use crate::directory::connect::{ConnectServer, Direction, Operation, PendingObject, PendingReference, SyncRule};
use crate::directory::inventory::{EntraKind, Inventory, NONE};
use crate::directory::{Anchor, Rdn};
use crate::plan::Plan;
use crate::plan::model::ServerPlan;
use chrono::{DateTime, TimeDelta, Utc};
use std::collections::{BTreeMap, BTreeSet};

/// One Connect server.
pub(crate) struct Server {
    pub name: String,
    /// Its row in the base.
    pub row: usize,
    pub staging: bool,
    pub rules: Vec<SyncRule>,
    /// What its last synchronisation went by: V2, the rules, the tenant's state.
    pub judged_v2: bool,
    pub judged_guard: bool,
    pub judged_version: u64,
    pub exported_version: u64,
    /// Pending exports as collected that are none of groups, until they go out.
    pub carried: Vec<PendingObject>,
    /// The objects of the last `csexport`, once there was one.
    pub shown: Option<Vec<PendingObject>>,
    pub last_sync: Option<DateTime<Utc>>,
}

pub(crate) struct Connect {
    pub servers: Vec<Server>,
    /// Shared by all of them.
    pub scheduler: bool,
    pub v2: bool,
    next: Option<DateTime<Utc>>,
    /// The plan's part: what the scripts know.
    pub plans: Vec<ServerPlan>,
    /// Kind of each step, by its id.
    pub steps: BTreeMap<String, String>,
    pub plan_sha256: String,
    /// Something was changed, so that what was collected holds no more.
    pub changed: bool,
}

impl Connect {
    pub fn of(base: &Inventory, plan: &Plan, now: DateTime<Utc>) -> Connect {
        let told = base.connect.iter().find_map(|s| s.company_feature("GroupWritebackV2"));
        let v2 = base.entra.tenant.group_writeback.or(told).unwrap_or(true);
        let servers = base.connect.iter().enumerate().map(|(row, server)| {
            let rules = server.rules.clone().unwrap_or_default();
            let pending = server.pending_exports.iter().flat_map(|p| &p.objects);
            Server {
                name: server.name.clone(),
                row,
                staging: server.staging_mode.value().copied().unwrap_or(false),
                judged_v2: v2,
                judged_guard: guarded(&rules),
                judged_version: 0,
                exported_version: 0,
                carried: pending.filter(|o| !o.object_type.eq_ignore_ascii_case("group")).cloned().collect(),
                shown: None,
                last_sync: None,
                rules,
            }
        });
        let enabled = |s: &ConnectServer| s.scheduler.sync_cycle_enabled.value().copied().unwrap_or(true);
        let scheduler = base.connect.first().is_none_or(enabled);
        Connect {
            servers: servers.collect(),
            scheduler,
            v2,
            next: (scheduler && !base.connect.is_empty()).then(|| now + TimeDelta::minutes(30)),
            plans: plan.connect.clone(),
            steps: plan.steps.iter().map(|s| (s.id.clone(), s.kind.clone())).collect(),
            plan_sha256: plan.sha256.clone(),
            changed: false,
        }
    }
    pub fn next_cycle(&self) -> Option<DateTime<Utc>> {
        self.next.filter(|_| self.scheduler)
    }
    /// A server by its name, with or without domain.
    pub fn server(&self, name: &str) -> Option<usize> {
        let short = |n: &str| n.split('.').next().unwrap_or(n).to_lowercase();
        self.servers.iter().position(|s| short(&s.name) == short(name))
    }
    pub fn set_scheduler(&mut self, on: bool, now: DateTime<Utc>) {
        self.scheduler = on;
        self.next = on.then(|| now + TimeDelta::minutes(10));
    }
}

/// Whether two rules hold the groups: one marks them, the other joins the marked without flow.
pub(super) fn guarded(rules: &[SyncRule]) -> bool {
    let on = |r: &&SyncRule| r.disabled != Some(true);
    let marks = |r: &SyncRule| {
        r.direction == Some(Direction::Inbound) && r.flows.iter().any(|f| f.target.eq_ignore_ascii_case("cloudNoFlow"))
    };
    let joins = |r: &SyncRule| {
        let scoped =
            r.scope.iter().flat_map(|g| &g.conditions).any(|c| c.attribute.eq_ignore_ascii_case("cloudNoFlow"));
        r.direction == Some(Direction::Outbound) && r.link_type.eq_ignore_ascii_case("JoinNoFlow") && scoped
    };
    rules.iter().filter(on).any(marks) && rules.iter().filter(on).any(joins)
}

impl World {
    /// The scheduler's cycle, on every server.
    pub(super) fn connect_cycles(&mut self) {
        for at in 0..self.connect.servers.len() {
            self.synchronise(at);
            if !self.connect.servers[at].staging {
                self.export(at);
            }
        }
        let every = TimeDelta::from_std(self.switches.connect_cycle).unwrap_or(TimeDelta::minutes(30));
        self.connect.next = Some(self.now + every);
    }

    /// Import and synchronisation: what is pending is made up anew.
    pub(super) fn synchronise(&mut self, at: usize) {
        let (v2, version) = (self.connect.v2, self.cloud.version);
        let server = &mut self.connect.servers[at];
        server.judged_v2 = v2;
        server.judged_guard = guarded(&server.rules);
        server.judged_version = version;
        server.last_sync = Some(self.now);
    }

    /// What a server would export to AD.
    pub(super) fn pending(&self, at: usize) -> Vec<PendingObject> {
        let server = &self.connect.servers[at];
        let mut out = server.carried.clone();
        let mut written: BTreeSet<u32> = BTreeSet::new();
        for (index, group) in self.ad.live() {
            let Some(anchor) = group.text("adminDescription").and_then(Anchor::parse) else { continue };
            let Some(number) = self.cloud.number(anchor.0) else { continue };
            let unified = self.is_unified(number);
            written.insert(number);
            let mut object = PendingObject {
                dn: group.dn.clone(),
                object_type: "group".to_owned(),
                anchor: Some(anchor.to_string()),
                ..PendingObject::default()
            };
            if !server.judged_v2 && !unified {
                if !server.judged_guard && index < self.ad.base_groups() {
                    object.operation = Operation::Delete;
                    out.push(object);
                }
                continue;
            }
            let version = self.cloud.versions.get(&anchor.0).copied().unwrap_or(0);
            let news = version > server.exported_version && version <= server.judged_version;
            if !news || (server.judged_v2 && self.is_frozen(number)) {
                continue;
            }
            let wanted: BTreeSet<u32> =
                self.cloud_members(number).into_iter().filter_map(|m| self.counterpart(m)).collect();
            let name = |n: &u32| self.ad.dn(&self.base, *n).to_owned();
            let change = PendingReference {
                attribute: "member".to_owned(),
                operation: Operation::Update,
                added: wanted.iter().filter(|m| group.members.binary_search(m).is_err()).map(name).collect(),
                removed: group.members.iter().filter(|m| !wanted.contains(m)).map(name).collect(),
                unclear: Vec::new(),
            };
            if !change.added.is_empty() || !change.removed.is_empty() {
                object.operation = Operation::Update;
                object.references.push(change);
                out.push(object);
            }
        }
        if !server.judged_v2 && self.switches.v1_writes {
            out.extend(self.unwritten(&written));
        }
        out
    }

    /// Microsoft 365 groups without an AD copy: V1 writes them all.
    fn unwritten(&self, written: &BTreeSet<u32>) -> Vec<PendingObject> {
        let Some(container) = &self.container else { return Vec::new() };
        let all = 0..self.base.entra.objects.len() as u32;
        all.filter(|n| self.is_unified(*n) && !written.contains(n) && !self.cloud.is_deleted(*n))
            .map(|n| {
                let anchor = Anchor(self.cloud_id(n)).to_string();
                PendingObject {
                    dn: format!("{},{container}", Rdn::new("CN", &anchor)),
                    object_type: "group".to_owned(),
                    anchor: Some(anchor),
                    operation: Operation::Add,
                    ..PendingObject::default()
                }
            })
            .collect()
    }

    fn is_unified(&self, number: u32) -> bool {
        let object =
            self.base.entra.objects.get(number as usize).filter(|o| o.kind == EntraKind::Group && o.detail != NONE);
        object
            .and_then(|o| self.base.entra.groups.get(o.detail as usize))
            .is_some_and(|g| g.unified.is_true() && !g.deleted)
    }
    /// V2 leaves the group's copy as it is.
    fn is_frozen(&self, number: u32) -> bool {
        let group = self.cloud_group(self.cloud_id(number));
        let enabled = group.as_ref().and_then(|g| g.properties.pointer("/writebackConfiguration/isEnabled"));
        group.is_none() || enabled.is_some_and(|v| v.as_bool() == Some(false))
    }
    /// Writes what is pending to AD.
    pub(super) fn export(&mut self, at: usize) {
        for object in self.pending(at) {
            let number = self.ad.by_name(&object.dn);
            let index = number.and_then(|n| self.ad.index_of(&self.base, n)).filter(|i| !self.ad.groups[*i].deleted);
            match (&object.operation, index) {
                (Operation::Delete, Some(index)) => {
                    self.note(format!("Connect deletes {}: V2 is off, and no rule holds the group", object.dn));
                    self.delete(index);
                }
                (Operation::Update, Some(index)) => {
                    let find =
                        |list: &[String]| -> Vec<u32> { list.iter().filter_map(|d| self.ad.by_name(d)).collect() };
                    let reference = object.references.first();
                    let (new, gone) = reference.map(|r| (find(&r.added), find(&r.removed))).unwrap_or_default();
                    self.relate(index, &new, &gone, Actor::Connect);
                }
                (Operation::Add, None) if object.object_type == "group" => {
                    let anchor = object.anchor.clone().unwrap_or_default().into_bytes();
                    let attributes =
                        [("adminDescription".to_owned(), vec![anchor]), ("groupType".to_owned(), vec![b"8".to_vec()])];
                    if self.make(&object.dn, &attributes).is_ok() {
                        self.note(format!("Connect writes the Microsoft 365 group {} to AD, as V1 does", object.dn));
                    }
                }
                _ => {}
            }
        }
        let server = &mut self.connect.servers[at];
        server.exported_version = server.judged_version;
        server.carried.clear();
    }
}
