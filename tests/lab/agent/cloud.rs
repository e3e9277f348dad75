//! The tenant as Cloud Sync sees it.

use super::super::tenant::Tenant;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash, Hasher};

/// What a cycle reads of the tenant, and where it leaves what it did.
pub trait Cloud {
    fn snapshot(&self) -> Snapshot;
    /// Adds to the provisioning log.
    fn log(&mut self, entry: Value);
    /// Changes the job's status.
    fn status(&mut self, change: &mut dyn FnMut(&mut Value));
}

/// The tenant at one moment.
#[derive(Debug, Clone, Default)]
pub struct Snapshot {
    pub job: Value,
    pub schema: Value,
    /// Key and value.
    pub secrets: Vec<(String, String)>,
    /// Object ids of assigned groups.
    pub assigned: BTreeSet<String>,
    pub groups: BTreeMap<String, Value>,
    pub members: BTreeMap<String, BTreeSet<String>>,
    pub users: BTreeMap<String, Value>,
    /// `@odata.type` by object id.
    pub kinds: BTreeMap<String, String>,
}

impl Snapshot {
    pub fn code(&self) -> &str {
        self.job.pointer("/status/code").and_then(Value::as_str).unwrap_or_default()
    }
    pub fn group(&self, id: &str) -> Value {
        self.groups.get(id).cloned().unwrap_or(Value::Null)
    }
    pub fn is_user(&self, id: &str) -> bool {
        self.kinds.get(id).is_some_and(|k| k.ends_with(".user"))
    }
    pub fn is_group(&self, id: &str) -> bool {
        self.kinds.get(id).is_some_and(|k| k.ends_with(".group"))
    }
    pub fn members_of(&self, id: &str) -> impl Iterator<Item = &String> {
        self.members.get(id).into_iter().flatten()
    }
    pub fn secret(&self, key: &str) -> Option<&str> {
        self.secrets.iter().find(|(k, _)| k.eq_ignore_ascii_case(key)).map(|(_, value)| value.as_str())
    }
    /// The service's own clause, which comes before any assignment.
    pub fn takes(&self, id: &str) -> bool {
        let Some(group) = self.groups.get(id) else { return false };
        self.assigned.contains(id)
            && group["securityEnabled"] == json!(true)
            && group["onPremisesSyncEnabled"] != json!(true)
            && group["mailEnabled"] != json!(true)
    }
    /// What of a group makes it due again when it changes.
    pub fn mark(&self, id: &str) -> u64 {
        hash(&(self.group(id).to_string(), self.members.get(id)))
    }
    pub fn schema_mark(&self) -> u64 {
        hash(&self.schema.to_string())
    }
}

fn hash(value: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

impl Cloud for Tenant {
    fn snapshot(&self) -> Snapshot {
        let list = |name: &str| self.fixed.get(name).and_then(Value::as_array).cloned().unwrap_or_default();
        let assigned = list("/appRoleAssignedTo");
        Snapshot {
            job: list("/jobs").into_iter().next().unwrap_or(Value::Null),
            schema: list("/schema").into_iter().next().unwrap_or(Value::Null),
            secrets: self.secrets.values().next().cloned().unwrap_or_default(),
            assigned: assigned.iter().filter_map(|a| a["principalId"].as_str().map(str::to_owned)).collect(),
            groups: self.groups.clone(),
            members: self.members.clone(),
            users: self.users.clone(),
            kinds: self.kinds.clone(),
        }
    }
    fn log(&mut self, entry: Value) {
        let log = self.fixed.entry("/auditLogs/provisioning".to_owned()).or_insert_with(|| json!([]));
        log.as_array_mut().unwrap().push(entry);
    }
    fn status(&mut self, change: &mut dyn FnMut(&mut Value)) {
        if let Some(job) = self.fixed.get_mut("/jobs").and_then(|jobs| jobs.get_mut(0)) {
            change(&mut job["status"]);
        }
    }
}
