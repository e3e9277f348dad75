//! The tenant as somebody sees it who stands in it: a test, a person at the portal, the lab's provisioning agent. What is
//! seen here is what is, however late Graph shows it.

use super::writes::{OnDemand, Provisioned, SCOPE_ROLE, Switches, Write};
use super::{Log, Tenant, text};
use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

/// Clones are of the same tenant.
#[derive(Clone)]
pub struct State(Arc<Mutex<Tenant>>);

/// The job, with the service principal that it belongs to.
#[derive(Debug, Clone, PartialEq)]
pub struct Job {
    pub principal: String,
    pub id: String,
    /// `status.code`.
    pub code: String,
    pub raw: Value,
}

/// A member: its id, and whether it is a user, a group or something else (`#microsoft.graph.user` …).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Member {
    pub id: String,
    pub kind: String,
}

fn time(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Millis, true)
}

impl State {
    pub fn of(tenant: Arc<Mutex<Tenant>>) -> State {
        State(tenant)
    }

    /// Anything at all, at one moment.
    pub fn with<T>(&self, act: impl FnOnce(&mut Tenant) -> T) -> T {
        act(&mut self.0.lock().unwrap())
    }

    // What is.

    pub fn groups(&self) -> BTreeMap<String, Value> {
        self.with(|t| t.groups.clone())
    }
    /// A group that is not deleted.
    pub fn group(&self, id: &str) -> Option<Value> {
        self.with(|t| t.groups.get(id).cloned())
    }
    pub fn users(&self) -> BTreeMap<String, Value> {
        self.with(|t| t.users.clone())
    }
    pub fn user(&self, id: &str) -> Option<Value> {
        self.with(|t| t.users.get(id).cloned())
    }
    /// Direct members.
    pub fn members(&self, group: &str) -> Vec<Member> {
        self.with(|t| {
            let kind = |id: &String| t.kinds.get(id).cloned().unwrap_or_default();
            t.members_of(group).into_iter().map(|id| Member { kind: kind(&id), id }).collect()
        })
    }
    /// Everything assigned to the job's service principal.
    pub fn assignments(&self) -> Vec<Value> {
        let Some(job) = self.job() else { return Vec::new() };
        self.with(|t| t.assignments_of(&job.principal))
    }
    /// Ids of the groups in scope by assignment.
    pub fn in_scope(&self) -> BTreeSet<String> {
        self.assignments().iter().map(|a| text(a, "principalId").to_lowercase()).collect()
    }
    /// The first job there is.
    pub fn job(&self) -> Option<Job> {
        self.with(|t| {
            let raw = t.list("/jobs").into_iter().next()?;
            let id = text(&raw, "id");
            let code = raw["status"]["code"].as_str().unwrap_or_default().to_owned();
            Some(Job { principal: t.owner(&id), id, code, raw })
        })
    }
    pub fn schema(&self) -> Option<Value> {
        let job = self.job()?;
        self.with(|t| t.schema_of(&job.id))
    }
    /// Secrets of the job's service principal, with their values.
    pub fn secrets(&self) -> BTreeMap<String, String> {
        let Some(job) = self.job() else { return BTreeMap::new() };
        self.with(|t| t.secrets.get(&job.principal).into_iter().flatten().cloned().collect())
    }
    pub fn logs(&self) -> Vec<Value> {
        self.with(|t| t.list("/auditLogs/provisioning"))
    }
    /// How often a cycle was asked for at once: starts, restarts, schemas saved while the job ran.
    pub fn wakes(&self) -> u64 {
        self.with(|t| t.wakes)
    }
    /// Every write that came through Graph.
    pub fn writes(&self) -> Vec<Write> {
        self.with(|t| t.writes.clone())
    }

    // What the service and its agent do.

    /// A provisioning log entry; id, time and job are added where it has none.
    pub fn append_log(&self, mut entry: Value) {
        let job = self.job().map(|j| j.id);
        self.with(|t| {
            let id = t.new_id();
            for (name, value) in
                [("id", json!(id)), ("activityDateTime", json!(time(Utc::now()))), ("jobId", json!(job))]
            {
                if entry[name].is_null() {
                    entry[name] = value;
                }
            }
            let all = t.fixed.entry("/auditLogs/provisioning".to_owned()).or_insert_with(|| json!([]));
            all.as_array_mut().unwrap().push(entry);
        });
    }
    /// `Active`, `Paused`, `Quarantine` …, and what follows from it.
    pub fn set_job_status(&self, code: &str) {
        if let Some(job) = self.job() {
            self.with(|t| t.set_code(&job.id, code));
        }
    }
    /// Changes the job as Graph returns it.
    pub fn edit_job(&self, edit: impl FnOnce(&mut Value)) {
        if let Some(job) = self.job() {
            self.with(|t| t.job_mut(&job.id).map(edit));
        }
    }
    /// Puts the job into quarantine for this reason.
    pub fn quarantine(&self, reason: &str, code: &str, message: &str) {
        self.set_job_status("Quarantine");
        self.edit_job(|job| {
            job["status"]["quarantine"] = json!({
                "currentBegan": time(Utc::now()), "nextAttempt": time(Utc::now()), "reason": reason,
                "seriesBegan": time(Utc::now()), "seriesCount": 1,
                "error": { "code": code, "message": message, "tenantActionable": true },
            });
        });
    }
    /// An execution of the job has ended; `state` is `Succeeded`, `Failed` or `EntryLevelErrors`.
    pub fn end_execution(&self, began: DateTime<Utc>, state: &str, exported: u64) {
        let run = self.with(Tenant::new_id);
        let execution = json!({
            "activityIdentifier": run, "timeBegan": time(began), "timeEnded": time(Utc::now()), "state": state,
            "countExported": exported, "countEscrowed": 0, "countImported": exported, "error": null,
        });
        self.edit_job(|job| {
            let status = &mut job["status"];
            status["lastExecution"] = execution.clone();
            let failures = status["countSuccessiveCompleteFailures"].as_u64().unwrap_or(0);
            if state == "Succeeded" {
                status["lastSuccessfulExecution"] = execution.clone();
                status["countSuccessiveCompleteFailures"] = json!(0);
                status["steadyStateLastAchievedTime"] = execution["timeEnded"].clone();
                if exported > 0 {
                    status["lastSuccessfulExecutionWithExports"] = execution;
                }
            } else {
                status["countSuccessiveCompleteFailures"] = json!(failures + 1);
            }
        });
    }
    /// Who provisions on demand. It may use this handle while it does.
    pub fn on_demand(&self, agent: impl Fn(OnDemand) -> Provisioned + Send + Sync + 'static) {
        self.with(|t| t.agent = Some(Arc::new(agent)));
    }

    // What people do meanwhile.

    pub fn switch(&self, set: impl FnOnce(&mut Switches)) {
        self.with(|t| set(&mut t.switches));
    }
    pub fn set_secret(&self, key: &str, value: &str) {
        let Some(job) = self.job() else { return };
        self.with(|t| {
            let all = t.secrets.entry(job.principal).or_default();
            all.retain(|(k, _)| k != key);
            all.push((key.to_owned(), value.to_owned()));
        });
    }
    /// Somebody assigns a group in the portal.
    pub fn assign(&self, group: &str) {
        let Some(job) = self.job() else { return };
        let body = json!({ "principalId": group, "resourceId": job.principal, "appRoleId": SCOPE_ROLE });
        let path = format!("/v1.0/servicePrincipals/{}/appRoleAssignedTo", job.principal);
        self.unrecorded("POST", &path, &body);
    }
    pub fn unassign(&self, group: &str) {
        self.with(|t| {
            if let Some(all) = t.fixed.get_mut("/appRoleAssignedTo").and_then(Value::as_array_mut) {
                all.retain(|a| a["principalId"] != group);
            }
        });
    }
    /// Changes a group's properties.
    pub fn edit_group(&self, id: &str, edit: impl FnOnce(&mut Value)) {
        self.with(|t| {
            edit(t.groups.get_mut(id).unwrap());
            t.log.push(Log::Group(id.to_owned()));
        });
    }
    pub fn add_member(&self, group: &str, member: &str) {
        self.with(|t| t.add_member(group, member, true));
    }
    pub fn remove_member(&self, group: &str, member: &str) {
        self.with(|t| t.add_member(group, member, false));
    }
    /// All members go.
    pub fn empty(&self, group: &str) {
        for member in self.members(group) {
            self.remove_member(group, &member.id);
        }
    }
    /// The group is soft-deleted.
    pub fn delete_group(&self, id: &str) {
        self.with(|t| {
            if let Some(mut group) = t.groups.remove(id) {
                group["deletedDateTime"] = json!(time(Utc::now()));
                t.deleted.insert(id.to_owned(), group);
                t.log.push(Log::Group(id.to_owned()));
            }
        });
        self.unassign(id);
    }

    fn unrecorded(&self, method: &str, path: &str, body: &Value) {
        self.with(|t| {
            let (status, answer) = t.write(method, path, body, None);
            t.writes.pop();
            assert!(status < 300, "{answer}");
        });
    }
}
