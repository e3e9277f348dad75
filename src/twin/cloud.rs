//! The twin's tenant as data: what differs from the groups as collected, the job with its schema, secrets and scope.

use super::world::World;
use crate::bundle::EntraObjectRecord;
use crate::cutover::port::{Assigned, CloudGroup};
use crate::directory::ObjectGuid;
use crate::directory::inventory::{EntraKind, Inventory, NONE, Tri};
use crate::plan::Plan;
use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, HashMap, HashSet};

/// What differs from the group as collected.
#[derive(Debug, Clone, Default)]
pub(crate) struct Overlay {
    /// Extension values; `None` for one that was taken away.
    pub extensions: BTreeMap<String, Option<String>>,
    pub writeback: Option<Tri>,
    pub members: Option<Vec<u32>>,
    pub display_name: Option<String>,
    pub description: Option<Option<String>>,
    pub deleted: bool,
}

/// A group that was made since, beside its overlay.
#[derive(Debug, Clone)]
pub(crate) struct NewGroup {
    pub id: ObjectGuid,
    pub name: String,
}

/// The Cloud Sync job.
#[derive(Debug, Clone)]
pub(crate) struct Job {
    pub service_principal: String,
    pub id: String,
    pub raw: Value,
    pub code: String,
    pub next: Option<DateTime<Utc>>,
    /// Groups it has provisioned, with the version of the group that it saw.
    pub seen: BTreeMap<ObjectGuid, u64>,
    pub cycles: u64,
}

pub(crate) struct Cloud {
    /// By object number.
    pub overlays: BTreeMap<u32, Overlay>,
    pub new_groups: Vec<NewGroup>,
    by_id: HashMap<ObjectGuid, u32>,
    base_objects: u32,
    pub job: Option<Job>,
    /// The configuration's service principal, where it was made since.
    pub new_principal: Option<Value>,
    pub schema: Option<Value>,
    pub secrets: Vec<(String, String)>,
    /// A hidden value was written back as if it were the secret.
    pub secrets_spoilt: bool,
    pub assigned: Vec<Assigned>,
    /// The job's assignments are other than collected.
    pub reassigned: bool,
    pub logs: Vec<(DateTime<Utc>, Value)>,
    pub agents: Vec<Value>,
    pub extensions: HashSet<String>,
    /// Counts changes; a group's is that of its last one.
    pub version: u64,
    pub versions: HashMap<ObjectGuid, u64>,
    /// objectGUID and object id of every planned group.
    pub planned: Vec<(ObjectGuid, ObjectGuid)>,
    /// When groups were provisioned on demand, lately.
    pub on_demand: Vec<DateTime<Utc>>,
    pub v2: Option<bool>,
}

impl Cloud {
    pub fn of(base: &Inventory, plan: &Plan) -> Cloud {
        let sync = &base.cloud_sync;
        let raw = sync.jobs.iter().flatten().find(|j| match &plan.job.id {
            Some(id) => j.get("id").and_then(Value::as_str) == Some(id),
            None => false,
        });
        let principal = plan.job.service_principal.clone().unwrap_or_default();
        let job = raw.map(|raw| Job {
            service_principal: principal.clone(),
            id: plan.job.id.clone().unwrap_or_default(),
            code: raw.pointer("/status/code").and_then(Value::as_str).unwrap_or("NotRun").to_owned(),
            raw: raw.clone(),
            next: None,
            seen: BTreeMap::new(),
            cycles: 0,
        });
        let own = |a: &&crate::directory::inventory::Assignment| {
            principal.is_empty() || a.resource_id.as_deref().is_none_or(|r| r == principal)
        };
        let assigned = sync.assignments.iter().flatten().filter(own).enumerate().filter_map(|(i, a)| {
            Some(Assigned {
                id: format!("assignment-{i}"),
                principal: ObjectGuid::parse(&a.principal_id)?,
                principal_type: a.principal_type.clone(),
                app_role: a.app_role_id.clone(),
            })
        });
        let domain = plan.job.domain.clone().or_else(|| plan.bundle.domain.clone()).unwrap_or_default();
        let parse = |text: &str| ObjectGuid::parse(text);
        let groups = plan.waves.iter().flat_map(|w| &w.groups);
        Cloud {
            overlays: BTreeMap::new(),
            new_groups: Vec::new(),
            by_id: base.entra.objects.iter().enumerate().map(|(i, o)| (o.id, i as u32)).collect(),
            base_objects: base.entra.objects.len() as u32,
            schema: job.as_ref().and_then(|_| schema_of(base)),
            secrets: secrets(&domain),
            secrets_spoilt: false,
            assigned: assigned.collect(),
            reassigned: false,
            logs: Vec::new(),
            agents: sync.agents.clone().unwrap_or_else(agents),
            extensions: base.entra.extensions.iter().filter_map(|(n, _)| Some(base.text.get(*n)?.to_owned())).collect(),
            version: 0,
            versions: HashMap::new(),
            planned: groups.filter_map(|g| Some((parse(&g.object_guid)?, parse(&g.object_id)?))).collect(),
            on_demand: Vec::new(),
            v2: base.entra.tenant.group_writeback,
            new_principal: None,
            job,
        }
    }

    pub fn number(&self, id: ObjectGuid) -> Option<u32> {
        self.by_id.get(&id).copied()
    }
    /// Something about a group changed.
    pub fn touch(&mut self, id: ObjectGuid) {
        self.version += 1;
        self.versions.insert(id, self.version);
    }
    pub fn overlay(&mut self, number: u32) -> &mut Overlay {
        self.overlays.entry(number).or_default()
    }
    pub fn new_group(&mut self, id: ObjectGuid, name: &str, members: Vec<u32>) -> u32 {
        let number = self.base_objects + self.new_groups.len() as u32;
        self.new_groups.push(NewGroup { id, name: name.to_owned() });
        self.by_id.insert(id, number);
        self.overlay(number).members = Some(members);
        self.touch(id);
        number
    }
    pub fn new_at(&self, number: u32) -> Option<&NewGroup> {
        self.new_groups.get(number.checked_sub(self.base_objects)? as usize)
    }
    pub fn next_cycle(&self) -> Option<DateTime<Utc>> {
        self.job.as_ref().and_then(|j| j.next)
    }
    pub fn is_deleted(&self, number: u32) -> bool {
        self.overlays.get(&number).is_some_and(|o| o.deleted)
    }
    /// A secret of the job, by its key.
    pub fn secret(&self, key: &str) -> Option<&str> {
        self.secrets.iter().find(|(k, _)| k.eq_ignore_ascii_case(key)).map(|(_, v)| v.as_str())
    }
}

/// The schema that maps groups to AD, among those collected.
fn schema_of(base: &Inventory) -> Option<Value> {
    let schemas = base.cloud_sync.schemas.as_ref()?;
    let fits = |v: &&Value| {
        serde_json::from_value::<crate::predict::schema::SynchronizationSchema>((*v).clone())
            .is_ok_and(|s| s.group_mapping().is_ok())
    };
    schemas.iter().find(fits).or(schemas.first()).cloned()
}

pub(super) fn secrets(domain: &str) -> Vec<(String, String)> {
    let pair = |key: &str, value: String| (key.to_owned(), value);
    let notify = json!({ "Enabled": true, "Recipients": format!("operator@{domain}"), "DeleteThresholdEnabled": true,
                         "DeleteThresholdValue": 500 });
    vec![pair("Domain", json!({ "domain": domain }).to_string()), pair("SyncNotificationSettings", notify.to_string())]
}

fn agents() -> Vec<Value> {
    let agent = |n: u128| {
        json!({ "id": ObjectGuid::from_u128(0x7477_696e_0000_4000_8000_0000_0001_0000 + n).to_string(),
                "machineName": format!("agent{n}"), "status": "active", "supportedPublishingTypes": ["provisioning"] })
    };
    vec![agent(1), agent(2)]
}

/// A truth value as Graph writes it.
fn tri(value: Option<Option<bool>>) -> Option<Value> {
    value.map(|v| v.map_or(Value::Null, Value::Bool))
}

impl World {
    /// Direct members of a group, by object number, as they are now.
    pub(super) fn cloud_members(&self, number: u32) -> Vec<u32> {
        if let Some(members) = self.cloud.overlays.get(&number).and_then(|o| o.members.clone()) {
            return members;
        }
        match self.base.entra.objects.get(number as usize) {
            Some(o) if o.kind == EntraKind::Group && o.detail != NONE => {
                self.base.entra.members.row(o.detail as usize).to_vec()
            }
            _ => Vec::new(),
        }
    }
    pub(super) fn cloud_id(&self, number: u32) -> ObjectGuid {
        match self.base.entra.objects.get(number as usize) {
            Some(object) => object.id,
            None => self.cloud.new_at(number).map_or(ObjectGuid::NIL, |g| g.id),
        }
    }
    /// An extension value as it is now.
    pub(super) fn extension(&self, number: u32, name: &str) -> Option<String> {
        let overlay = self.cloud.overlays.get(&number);
        if let Some((_, value)) = overlay.and_then(|o| o.extensions.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)))
        {
            return value.clone();
        }
        let object = self.base.entra.objects.get(number as usize)?;
        let group = self.base.entra.groups.get(object.detail as usize)?;
        let (first, count) = (group.extensions.0 as usize, usize::from(group.extensions.1));
        let pairs = self.base.entra.extensions.get(first..first + count)?;
        let found = pairs.iter().find(|(n, _)| self.base.text.get(*n).is_some_and(|n| n.eq_ignore_ascii_case(name)));
        found.and_then(|(_, v)| self.base.text.get(*v)).map(str::to_owned)
    }

    /// A group as Graph returns it; `None` where there is none.
    pub(super) fn cloud_group(&self, id: ObjectGuid) -> Option<CloudGroup> {
        let number = self.cloud.number(id)?;
        if self.cloud.is_deleted(number) {
            return None;
        }
        let properties = match self.cloud.new_at(number) {
            Some(new) => self.new_properties(number, new),
            None => self.properties(number)?,
        };
        let mut members: Vec<ObjectGuid> = self.cloud_members(number).into_iter().map(|m| self.cloud_id(m)).collect();
        members.sort_unstable();
        Some(CloudGroup { id, properties, members })
    }

    fn new_properties(&self, number: u32, new: &NewGroup) -> Value {
        let mut out = json!({
            "id": new.id.to_string(), "displayName": new.name, "description": Value::Null, "groupTypes": [],
            "mailEnabled": false, "securityEnabled": true, "mailNickname": format!("g{number}"),
            "onPremisesSyncEnabled": Value::Null,
            "writebackConfiguration": { "isEnabled": false, "onPremisesGroupType": Value::Null },
        });
        if let Value::Object(map) = &mut out {
            self.overlaid(number, map);
        }
        out
    }

    fn properties(&self, number: u32) -> Option<Value> {
        let object = self.base.entra.objects.get(number as usize)?;
        let record = EntraObjectRecord::of(&self.base, object).group.filter(|g| !g.deleted)?;
        let mut map = Map::new();
        map.insert("id".to_owned(), json!(object.id.to_string()));
        let types: Vec<&str> = [("Unified", record.unified), ("DynamicMembership", record.dynamic)]
            .into_iter()
            .filter(|(_, v)| *v == Some(Some(true)))
            .map(|(n, _)| n)
            .collect();
        if record.unified.is_some() {
            map.insert("groupTypes".to_owned(), json!(types));
        }
        let known = &self.base.entra.tenant.group_properties;
        for (name, value) in [
            ("displayName", &record.display_name),
            ("description", &record.description),
            ("mailNickname", &record.mail_nickname),
        ] {
            match value {
                Some(text) => drop(map.insert(name.to_owned(), json!(text.0))),
                None if known.iter().any(|k| k == name) => drop(map.insert(name.to_owned(), Value::Null)),
                None => {}
            }
        }
        for (name, value) in [
            ("securityEnabled", record.security_enabled),
            ("mailEnabled", record.mail_enabled),
            ("onPremisesSyncEnabled", record.on_premises_sync_enabled),
            ("isAssignableToRole", record.is_assignable_to_role),
            ("isManagementRestricted", record.is_management_restricted),
        ] {
            if let Some(value) = tri(value) {
                map.insert(name.to_owned(), value);
            }
        }
        if let Some(paused) = record.paused {
            let state = paused.map(|p| if p { "Paused" } else { "On" });
            map.insert("membershipRuleProcessingState".to_owned(), json!(state));
        }
        if let Some(sid) = &record.on_premises_security_identifier {
            map.insert("onPremisesSecurityIdentifier".to_owned(), json!(sid.as_ref().map(|s| &*s.0)));
        }
        if let Some(enabled) = tri(record.writeback_enabled) {
            let kind = record.on_premises_group_type.as_ref().map(|t| &*t.0);
            let writeback = json!({ "isEnabled": enabled, "onPremisesGroupType": kind });
            map.insert("writebackConfiguration".to_owned(), writeback);
        }
        for (name, value) in &record.extensions {
            map.insert(name.0.clone().into_owned(), extension_value(&value.0));
        }
        self.overlaid(number, &mut map);
        Some(Value::Object(map))
    }

    /// Puts what changed since over the properties.
    fn overlaid(&self, number: u32, map: &mut Map<String, Value>) {
        let Some(overlay) = self.cloud.overlays.get(&number) else { return };
        for (name, value) in &overlay.extensions {
            match value {
                Some(value) => drop(map.insert(name.clone(), extension_value(value))),
                None => drop(map.remove(name)),
            }
        }
        if let Some(name) = &overlay.display_name {
            map.insert("displayName".to_owned(), json!(name));
        }
        if let Some(description) = &overlay.description {
            map.insert("description".to_owned(), json!(description));
        }
        if let Some(enabled) = overlay.writeback.and_then(|t| tri(t.known())) {
            let writeback = map.entry("writebackConfiguration").or_insert_with(|| json!({}));
            if let Some(writeback) = writeback.as_object_mut() {
                writeback.insert("isEnabled".to_owned(), enabled);
            }
        }
    }
}

/// Truth values are kept as words.
fn extension_value(text: &str) -> Value {
    match text {
        "True" => Value::Bool(true),
        "False" => Value::Bool(false),
        text => json!(text),
    }
}
