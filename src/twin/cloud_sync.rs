//! Cloud Sync: what a cycle of the job does. It takes the groups in scope, finds each by its stamp, and writes name,
//! place, attributes and members. Names are the mappings' (the prediction's evaluation of the saved schema); whom it
//! takes, whom it finds and what it writes is decided here.

use super::faults::Surprise;
use super::world::{Actor, World};
use crate::cutover::port::{OnDemand, STAMP};
use crate::directory::inventory::{EntraKind, Inventory, NONE};
use crate::directory::{Anchor, ObjectGuid, same_dn, split};
use crate::predict::schema::{FlowTypes, SynchronizationSchema};
use crate::predict::{After, Assumptions, Forecast, Mappings, Predicted, ScopeMode, Scoping};
use chrono::TimeDelta;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// What the documentation leaves open. By default the service leaves alone whatever it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Behaviour {
    /// "Provision membership to on-premises users" is on.
    pub on_premises_members: bool,
    /// The first update takes out members that stand for Entra members that the job cannot write.
    pub strips_unprovisionable: bool,
    /// A matched group moves when only its container differs.
    pub moves: bool,
    /// A group that leaves the scope is deleted, where neither flow types nor settings forbid it.
    pub deletes_out_of_scope: bool,
    /// The join disregards letter case.
    pub case_blind: bool,
}

impl Default for Behaviour {
    fn default() -> Self {
        Behaviour {
            on_premises_members: true,
            strips_unprovisionable: false,
            moves: false,
            deletes_out_of_scope: false,
            case_blind: false,
        }
    }
}

/// What provisioning one group came to.
pub(super) struct Deed {
    pub action: &'static str,
    pub status: &'static str,
    pub code: &'static str,
    pub says: String,
}

impl Deed {
    fn done(action: &'static str, says: impl Into<String>) -> Deed {
        Deed { action, status: "success", code: "", says: says.into() }
    }
    fn skipped(code: &'static str, says: impl Into<String>) -> Deed {
        Deed { action: "other", status: "skipped", code, says: says.into() }
    }
    fn failed(code: &'static str, says: impl Into<String>) -> Deed {
        Deed { action: "other", status: "failure", code, says: says.into() }
    }
}

/// One look at the tenant, for all groups of a cycle.
struct Cycle<'a> {
    forecast: Forecast<'a>,
    /// Inventory row of a group by its place in the twin.
    rows: BTreeMap<usize, u32>,
    flow: FlowTypes,
    scope: BTreeSet<u32>,
}

impl World {
    /// Runs the job's cycle, and says when the next one is.
    pub(super) fn job_cycle(&mut self) {
        let began = self.now;
        let Some(mut job) = self.cloud.job.clone() else { return };
        if self.cloud.secrets_spoilt {
            self.quarantine("EncounteredQuarantineException", "the credentials of the configuration do not work");
            return;
        }
        let scope: BTreeSet<u32> = self.scope();
        let due: Vec<u32> = scope
            .iter()
            .copied()
            .filter(|n| {
                let id = self.cloud_id(*n);
                let version = self.cloud.versions.get(&id).copied().unwrap_or(0).max(1);
                job.seen.get(&id).is_none_or(|seen| *seen < version)
            })
            .collect();
        let (inventory, rows) = self.present();
        let cycle = self.cycle(&inventory, &rows, scope);
        let surprise = self.faults.surprise(due.len());
        let mut quarantined = false;
        for (at, number) in due.iter().enumerate() {
            let id = self.cloud_id(*number);
            let own = surprise.filter(|(which, _)| *which == at).map(|(_, s)| s);
            if own == Some(Surprise::Skip) {
                self.note(format!("Cloud Sync passes over the group {id} without a word"));
                continue;
            }
            let deed = self.provision_group(&cycle, *number, None);
            quarantined |= deed.code == DUPLICATES;
            self.log(id, &deed);
            job.seen.insert(id, self.cloud.versions.get(&id).copied().unwrap_or(0).max(1));
            if let Some(own) = own {
                self.surprise(id, own);
                quarantined |= own == Surprise::Quarantine;
            }
        }
        let (left, deletes) = self.leave_scope(&cycle, &mut job.seen);
        job.cycles += 1;
        job.next = Some(began + TimeDelta::from_std(self.switches.cycle).unwrap_or(TimeDelta::minutes(20)));
        let next = job.next;
        let count = due.len() + left;
        if let Some(own) = self.cloud.job.as_mut() {
            (own.seen, own.cycles, own.next) = (job.seen, job.cycles, next);
        }
        match (quarantined, deletes) {
            (true, _) => self.quarantine("EncounteredQuarantineException", "see the provisioning log"),
            (_, Some(n)) => self.quarantine("TooManyDeletes", &format!("{n} groups would be deleted")),
            _ => self.executed("Succeeded", count),
        }
    }

    fn cycle<'a>(&self, inventory: &'a Inventory, rows: &[usize], scope: BTreeSet<u32>) -> Cycle<'a> {
        let assumed = Assumptions {
            mode: self.mode,
            domain: Some(&self.domain),
            mappings: Mappings::Job,
            scope: Scoping::Job,
            on_premises_members: Some(self.behaviour.on_premises_members),
        };
        let schema = self.cloud.schema.clone().unwrap_or_default();
        let schema = serde_json::from_value::<SynchronizationSchema>(schema).unwrap_or_default();
        let flow = schema.group_mapping().map(|g| g.mapping.flow_types.clone()).unwrap_or_default();
        let rows = rows.iter().enumerate().map(|(row, index)| (*index, row as u32)).collect();
        Cycle { forecast: Forecast::of(inventory, &assumed), rows, flow, scope }
    }

    /// Whom the job takes: by assignment or filter, and by the service's own clause.
    fn scope(&self) -> BTreeSet<u32> {
        let kind = |number: &u32| {
            let group = self.base.entra.objects.get(*number as usize).filter(|o| o.kind == EntraKind::Group);
            match group.and_then(|o| self.base.entra.groups.get(o.detail as usize)) {
                Some(g) => {
                    g.security_enabled.is_true() && !g.synced.is_true() && !g.mail_enabled.is_true() && !g.deleted
                }
                None => self.cloud.new_at(*number).is_some(),
            }
        };
        let all = 0..(self.base.entra.objects.len() + self.cloud.new_groups.len()) as u32;
        let assigned = self.cloud.assigned.iter().filter_map(|a| self.cloud.number(a.principal));
        let everybody = self.cloud.secret("SyncAll").is_some_and(|v| v.eq_ignore_ascii_case("true"));
        let candidates: BTreeSet<u32> = match self.mode {
            ScopeMode::Selected if !everybody => assigned.collect(),
            _ => all.collect(),
        };
        let filter = self.cloud.schema.as_ref().map(filters).unwrap_or_default();
        candidates
            .into_iter()
            .filter(|n| kind(n) && !self.cloud.is_deleted(*n))
            .filter(|n| filter.is_empty() || filter.iter().any(|clauses| clauses.iter().all(|c| self.passes(*n, c))))
            .collect()
    }

    /// One clause of a scoping filter. What this does not know takes nobody in.
    fn passes(&self, number: u32, (name, operator, wanted): &Clause) -> bool {
        let value = match name.strip_prefix("extension_") {
            Some(_) => self.extension(number, name),
            None => self.cloud_group(self.cloud_id(number)).and_then(|g| match g.properties.get(name)? {
                Value::String(text) => Some(text.clone()),
                Value::Bool(b) => Some(if *b { "True" } else { "False" }.to_owned()),
                _ => None,
            }),
        };
        match operator.to_ascii_uppercase().replace('_', " ").as_str() {
            "IS TRUE" => value.as_deref() == Some("True"),
            "IS FALSE" => value.as_deref() == Some("False"),
            "IS NULL" => value.is_none(),
            "IS NOT NULL" => value.is_some(),
            "EQUALS" => value.is_some() && value == *wanted,
            "NOT EQUALS" => value.is_some() && value != *wanted,
            _ => false,
        }
    }

    /// AD groups of the job's domain that carry the stamp of an Entra group.
    pub(super) fn found(&self, id: ObjectGuid) -> Vec<usize> {
        let anchor = Anchor(id).to_string();
        let exact = |i: &usize| self.behaviour.case_blind || self.ad.groups[*i].stamp() == Some(&anchor);
        let own = |i: &usize| self.in_domain(&self.ad.groups[*i].dn);
        self.ad.carriers(STAMP, &anchor).filter(|i| exact(i) && own(i)).collect()
    }

    /// Writes one group. `only` names the members to be written, as on demand; `None` is all of them.
    fn provision_group(&mut self, cycle: &Cycle<'_>, number: u32, only: Option<&[ObjectGuid]>) -> Deed {
        let id = self.cloud_id(number);
        let found = self.found(id);
        let row = cycle.forecast.inventory().entra.objects.get(number as usize).map_or(NONE, |o| o.detail);
        let position = cycle.forecast.position_of_entra(row);
        let index = match found.as_slice() {
            [] if cycle.flow.add() == Some(true) => {
                let name = position.and_then(|p| cycle.forecast.new_name(&cycle.forecast.outcomes()[p]));
                let Some((cn, parent)) = name else {
                    return Deed::failed("AttributeMappingError", "the mappings give no name");
                };
                let anchor = Anchor(id).to_string().into_bytes();
                let attributes = [
                    (STAMP.to_owned(), vec![anchor.clone()]),
                    ("adminDescription".to_owned(), vec![anchor]),
                    ("groupType".to_owned(), vec![b"-2147483640".to_vec()]),
                ];
                let dn = format!("{},{parent}", crate::directory::Rdn::new("CN", &cn));
                match self.make(&dn, &attributes) {
                    Ok(guid) => {
                        self.note(format!("Cloud Sync makes the group {dn}"));
                        match self.ad.by_guid(&self.base, guid) {
                            Some(index) => index,
                            None => return Deed::failed("InternalError", "the new group is not found"),
                        }
                    }
                    Err(fault) => return Deed::failed("EntryCreateFailed", fault.error.to_string()),
                }
            }
            [] => {
                return Deed::skipped("SkipReason:NotEffectivelyEntitled", "no group has the stamp, and none is made");
            }
            [_] if cycle.flow.update() != Some(true) => {
                return Deed::skipped("RedundantExport", "the flow types hold no Update");
            }
            [one] => *one,
            _ => return Deed::failed(DUPLICATES, format!("{} objects carry the stamp of {id}", found.len())),
        };
        let created = found.is_empty();
        let now = self.ad.usn;
        if let Some(after) = position
            .filter(|p| cycle.rows.get(&index) == Some(&cycle.forecast.outcomes()[*p].ad) || created)
            .and_then(|p| cycle.forecast.after(p))
            && let Err(says) = self.apply(index, &after, created)
        {
            return Deed::failed("EntryUpdateFailed", says);
        }
        if let Err(says) = self.apply_members(&cycle.scope, index, number, only) {
            return Deed::failed("MemberUpdateFailed", says);
        }
        match (created, self.ad.usn == now) {
            (true, _) => Deed::done("create", "created"),
            (_, true) => Deed::skipped("RedundantExport", "nothing was to be changed"),
            _ => Deed::done("update", "updated"),
        }
    }

    /// Name, place and attributes.
    fn apply(&mut self, index: usize, after: &After, created: bool) -> Result<(), String> {
        let dn = self.ad.groups[index].dn.clone();
        let (cn, parent) = split(&dn).map(|(a, b)| (a.into_owned(), b.into_owned())).unwrap_or_default();
        let new_cn = settled(&after.cn, &cn)?.unwrap_or_else(|| cn.clone());
        let mut new_parent = settled(&after.parent, &parent)?.unwrap_or_else(|| parent.clone());
        if !self.behaviour.moves || same_dn(&new_parent, &parent) {
            new_parent.clone_from(&parent);
        }
        if !created && (new_cn != cn || new_parent != parent) {
            self.rename(index, &crate::directory::Rdn::new("CN", &new_cn).to_string(), &new_parent, Actor::CloudSync)
                .map_err(|f| f.error.to_string())?;
        }
        for attribute in &after.attributes {
            let today = self.ad.groups[index].text(&attribute.name).map(str::to_owned);
            if attribute.name.eq_ignore_ascii_case("groupType") {
                continue;
            }
            if let Some(value) = settled(&attribute.after, today.as_deref().unwrap_or(""))? {
                self.put_text(index, &attribute.name, Some(value.as_str()).filter(|v| !v.is_empty()), Actor::CloudSync);
            }
        }
        if let Some(sam) = &after.sam_account_name {
            let today = self.ad.groups[index].text("sAMAccountName").unwrap_or("").to_owned();
            if let Some(value) = settled(sam, &today)?.filter(|v| !v.is_empty()) {
                self.put_text(index, "sAMAccountName", Some(&value), Actor::CloudSync);
            }
        }
        Ok(())
    }

    /// Groups that the job knew and takes no more: how many, and whether deleting them went over the threshold.
    fn leave_scope(&mut self, cycle: &Cycle<'_>, seen: &mut BTreeMap<ObjectGuid, u64>) -> (usize, Option<usize>) {
        let gone: Vec<ObjectGuid> = seen
            .keys()
            .copied()
            .filter(|id| self.cloud.number(*id).is_none_or(|n| !cycle.scope.contains(&n)))
            .collect();
        let skips = self.cloud.secret("SkipOutOfScopeDeletions").is_some_and(|v| v.eq_ignore_ascii_case("true"));
        let deletes = self.behaviour.deletes_out_of_scope && cycle.flow.delete() == Some(true) && !skips;
        if deletes && gone.len() as u64 >= self.delete_threshold() {
            for id in &gone {
                let says = "held back: too many deletions";
                self.log(
                    *id,
                    &Deed { action: "stageddelete", status: "skipped", code: "TooManyDeletes", says: says.to_owned() },
                );
            }
            return (0, Some(gone.len()));
        }
        for id in &gone {
            seen.remove(id);
            if deletes && let [index] = *self.found(*id).as_slice() {
                let dn = self.ad.groups[index].dn.clone();
                self.note(format!("Cloud Sync deletes {dn}, which left its scope"));
                self.delete(index);
                self.log(*id, &Deed::done("delete", "deleted"));
            } else {
                self.log(*id, &Deed::skipped("OutOfScope", "left as it is"));
            }
        }
        (gone.len(), None)
    }

    fn delete_threshold(&self) -> u64 {
        let settings =
            self.cloud.secret("SyncNotificationSettings").and_then(|v| serde_json::from_str::<Value>(v).ok());
        let Some(settings) = settings else { return 500 };
        match settings.get("DeleteThresholdEnabled").and_then(Value::as_bool) {
            Some(false) => u64::MAX,
            _ => settings.get("DeleteThresholdValue").and_then(Value::as_u64).unwrap_or(500),
        }
    }

    /// Provisions one group on demand.
    pub(super) fn provision_now(&mut self, group: ObjectGuid, members: &[ObjectGuid]) -> OnDemand {
        let scope = self.scope();
        let deed = match self.cloud.number(group).filter(|n| scope.contains(n)) {
            None => Deed::skipped("NotEffectivelyEntitled", "the group is not in the job's scope"),
            Some(number) => {
                let (inventory, rows) = self.present();
                let cycle = self.cycle(&inventory, &rows, scope);
                self.provision_group(&cycle, number, Some(members))
            }
        };
        self.log(group, &deed);
        let result = match deed.status {
            "success" => "Success",
            "skipped" => "Skipped",
            _ => "Failure",
        };
        let details = json!({ "errorCode": deed.code, "errorMessage": deed.says });
        let raw = json!({ "key": json!({ "result": result, "details": details }).to_string(), "value": "{}" });
        OnDemand { result: result.to_owned(), details, raw }
    }
}

pub(super) const DUPLICATES: &str = "HybridSynchronizationActiveDirectoryUnexpectedDuplicateEntriesFound";

/// Attribute, operator, operand.
type Clause = (String, String, Option<String>);

/// The filter of the mapping of groups: any of the sets, all of its clauses.
fn filters(schema: &Value) -> Vec<Vec<Clause>> {
    let parsed = serde_json::from_value::<SynchronizationSchema>(schema.clone()).unwrap_or_default();
    let Ok(mapping) = parsed.group_mapping() else { return Vec::new() };
    let filter = mapping.mapping.scope.as_ref().and_then(|f| serde_json::to_value(f).ok()).unwrap_or_default();
    let list = |v: Option<&Value>| v.and_then(Value::as_array).cloned().unwrap_or_default();
    let clause = |c: &Value| {
        let text = |name: &str| c.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let operand = c.pointer("/targetOperand/values/0").and_then(Value::as_str).map(str::to_owned);
        (text("sourceOperandName"), text("operatorName"), operand)
    };
    let sets = list(filter.get("groups")).into_iter().chain(list(filter.get("inputFilterGroups")));
    sets.map(|g| list(g.get("clauses")).iter().map(clause).collect::<Vec<Clause>>()).filter(|c| !c.is_empty()).collect()
}

/// What is written where it is open: what stands there, if that is one of the readings; else the first.
fn settled(after: &Predicted, now: &str) -> Result<Option<String>, String> {
    match after {
        Predicted::Unchanged => Ok(None),
        Predicted::Value(value) => Ok(Some(value.clone())),
        Predicted::Unknown { candidates, .. } => {
            let stays = candidates.is_empty() || candidates.iter().any(|c| c == now || same_dn(c, now));
            Ok(if stays { None } else { candidates.first().cloned() })
        }
        Predicted::Error(text) => Err(text.clone()),
    }
}
