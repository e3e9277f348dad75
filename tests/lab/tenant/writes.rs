//! What can be changed through Graph, with the effect that is documented: assignments, the job and its schema and
//! secrets, groups, extension properties, a new configuration. Reads may show a change late, as a switch says.

use super::{Log, Tenant, missing, text};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What Graph shows in place of a value that it hides.
pub const HIDDEN: &str = "**********";
/// The role that scopes a group in, in the public cloud.
pub const SCOPE_ROLE: &str = "1a0abf4d-b9fa-4512-a3a2-51ee82c6fd9f";

/// When reads show a write.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Lag {
    /// After so many reads.
    Reads(usize),
    Time(Duration),
}

/// What the documentation leaves open, or what a tenant is like.
#[derive(Debug, Clone, Default)]
pub struct Switches {
    /// Values of secrets are not shown, but for those of notifications.
    pub masked_secrets: bool,
    /// A schema that is saved while the job runs is refused; else it starts a cycle.
    pub refuses_schema_while_running: bool,
    pub lag: Option<Lag>,
    /// Groups and schemas carry a tag, and `If-Match` is obeyed.
    pub etags: bool,
    /// So many requests about a new service principal are answered as if there were none.
    pub new_principal_late: usize,
    /// Nobody but the portal makes a configuration.
    pub no_new_jobs: bool,
    /// Provisioning on demand takes five requests in ten seconds.
    pub on_demand_limit: bool,
    /// The new job runs at once.
    pub new_job_runs: bool,
}

/// A write as it was answered.
#[derive(Debug, Clone, PartialEq)]
pub struct Write {
    pub method: String,
    pub path: String,
    pub body: Value,
    pub status: u16,
}

/// What somebody wants to be provisioned now.
#[derive(Debug, Clone, PartialEq)]
pub struct OnDemand {
    pub job: String,
    pub rule: String,
    pub group: String,
    pub members: Vec<String>,
}

/// What came of it: `result` and `details` as in the answer's key, `value` as in its value.
#[derive(Debug, Clone, PartialEq)]
pub struct Provisioned {
    pub result: String,
    pub details: Value,
    pub value: Value,
}

/// Provisions on demand; called without a lock on the tenant.
pub type Agent = Arc<dyn Fn(OnDemand) -> Provisioned + Send + Sync>;

/// What reads are answered from while writes do not show yet.
pub struct Stale {
    groups: BTreeMap<String, Value>,
    members: BTreeMap<String, std::collections::BTreeSet<String>>,
    fixed: BTreeMap<String, Value>,
    secrets: BTreeMap<String, Vec<(String, String)>>,
    reads: usize,
    until: Option<Instant>,
}

pub fn etag(value: &Value) -> String {
    let mut plain = value.clone();
    if let Some(object) = plain.as_object_mut() {
        object.remove("@odata.etag");
    }
    let sum = plain.to_string().bytes().fold(7u64, |sum, b| sum.wrapping_mul(31).wrapping_add(u64::from(b)));
    format!("W/\"{sum:016x}\"")
}

fn refused(status: u16, code: &str, message: &str) -> (u16, Value) {
    (status, json!({ "error": { "code": code, "message": message, "innerError": { "request-id": "9e0d" } } }))
}

fn bad(message: &str) -> (u16, Value) {
    refused(400, "Request_BadRequest", message)
}

const DONE: (u16, Value) = (204, Value::Null);

/// Whether an object is one that the `$filter` asks for; of filters, those are understood that the program uses.
pub fn matches(value: &Value, query: &BTreeMap<String, String>) -> bool {
    let Some(filter) = query.get("$filter") else { return true };
    filter.split(" and ").all(|clause| {
        if let Some(wanted) = clause.strip_prefix("identifierUris/any(") {
            let wanted = wanted.split('\'').nth(1).unwrap_or_default();
            return value["identifierUris"].as_array().is_some_and(|l| l.iter().any(|u| u == wanted));
        }
        let mut words = clause.splitn(3, ' ');
        let (name, operator, wanted) =
            (words.next().unwrap_or(""), words.next().unwrap_or(""), words.next().unwrap_or("").trim_matches('\''));
        match (value.get(name).and_then(Value::as_str), operator) {
            // What a file does not tell is taken for what is asked for.
            (None, _) => name != "displayName" && name != "mailNickname",
            (Some(found), "eq") => found.eq_ignore_ascii_case(&wanted.replace("''", "'")),
            (Some(found), "ge") => {
                let time = |t: &str| chrono::DateTime::parse_from_rfc3339(t).unwrap();
                time(found) >= time(wanted)
            }
            other => panic!("no filter of the tenant's: {clause} {other:?}"),
        }
    })
}

impl Tenant {
    pub(super) fn new_id(&mut self) -> String {
        self.made += 1;
        format!("a0000000-0000-4000-8000-{:012x}", self.made)
    }

    pub(super) fn principals(&self) -> Vec<Value> {
        self.list("/servicePrincipals")
    }

    /// Whether a new service principal is not known everywhere yet.
    pub(super) fn hides(&mut self, principal: &str) -> bool {
        match self.unknown_yet.get_mut(principal) {
            Some(left) if *left > 0 => {
                *left -= 1;
                true
            }
            _ => false,
        }
    }

    pub(super) fn owner(&self, job: &str) -> String {
        let first = || self.principals().first().map(|p| text(p, "id")).unwrap_or_default();
        self.owners.get(job).cloned().unwrap_or_else(first)
    }

    pub(super) fn jobs_of(&self, principal: &str) -> Vec<Value> {
        self.list("/jobs").into_iter().filter(|j| self.owner(&text(j, "id")) == principal).collect()
    }

    /// Schemas stand in the order of the jobs.
    pub(super) fn schema_of(&self, job: &str) -> Option<Value> {
        let at = self.list("/jobs").iter().position(|j| j["id"] == job)?;
        self.list("/schema").get(at).cloned()
    }

    pub(super) fn assignments_of(&self, principal: &str) -> Vec<Value> {
        let all = self.list("/appRoleAssignedTo").into_iter();
        all.filter(|a| a["resourceId"].as_str().is_none_or(|r| r == principal)).collect()
    }

    pub(super) fn shown_secrets(&self, principal: &str) -> Value {
        let hidden = |key: &str| self.switches.masked_secrets && key != "SyncNotificationSettings";
        let list = self.secrets.get(principal).into_iter().flatten();
        let list: Vec<Value> =
            list.map(|(k, v)| json!({ "key": k, "value": if hidden(k) { HIDDEN } else { v } })).collect();
        json!({ "value": list })
    }

    fn rows(&mut self, path: &str) -> &mut Vec<Value> {
        self.fixed.entry(path.to_owned()).or_insert_with(|| json!([])).as_array_mut().unwrap()
    }

    pub(super) fn job_mut(&mut self, job: &str) -> Option<&mut Value> {
        self.rows("/jobs").iter_mut().find(|j| j["id"] == job)
    }

    /// What a job says of its state, as documented.
    pub(super) fn set_code(&mut self, job: &str, code: &str) {
        let Some(job) = self.job_mut(job) else { return };
        job["status"]["code"] = json!(code);
        if code != "Quarantine" {
            job["status"]["quarantine"] = Value::Null;
        }
        job["schedule"]["state"] = json!(if code == "Active" { "Active" } else { "Disabled" });
    }

    /// Reads from what shows, which is behind what is where a switch says so.
    pub(super) fn as_shown<T>(&mut self, look: impl FnOnce(&mut Tenant) -> T) -> T {
        let Some(mut stale) = self.stale.take() else { return look(self) };
        let over = match stale.until {
            Some(until) => Instant::now() >= until,
            None => stale.reads == 0,
        };
        if over {
            return look(self);
        }
        stale.reads = stale.reads.saturating_sub(1);
        self.swap(&mut stale);
        let seen = look(self);
        self.swap(&mut stale);
        self.stale = Some(stale);
        seen
    }

    fn swap(&mut self, stale: &mut Stale) {
        std::mem::swap(&mut self.groups, &mut stale.groups);
        std::mem::swap(&mut self.members, &mut stale.members);
        std::mem::swap(&mut self.fixed, &mut stale.fixed);
        std::mem::swap(&mut self.secrets, &mut stale.secrets);
    }

    /// Keeps what shows for a while.
    fn fall_behind(&mut self) {
        let Some(lag) = self.switches.lag else { return };
        let (reads, until) = match lag {
            Lag::Reads(reads) => (reads, None),
            Lag::Time(time) => (usize::MAX, Some(Instant::now() + time)),
        };
        match &mut self.stale {
            Some(stale) => (stale.reads, stale.until) = (reads, until),
            None => {
                self.stale = Some(Stale {
                    groups: self.groups.clone(),
                    members: self.members.clone(),
                    fixed: self.fixed.clone(),
                    secrets: self.secrets.clone(),
                    reads,
                    until,
                });
            }
        }
    }

    pub(super) fn write(&mut self, method: &str, path: &str, body: &Value, if_match: Option<&str>) -> (u16, Value) {
        self.fall_behind();
        let (version, rest) = path.trim_start_matches('/').split_once('/').unwrap();
        let segments: Vec<&str> = rest.split('/').collect();
        let (status, answer) = self.change(method, version, &segments, body, if_match);
        self.writes.push(Write { method: method.to_owned(), path: path.to_owned(), body: body.clone(), status });
        (status, answer)
    }

    fn change(
        &mut self,
        method: &str,
        version: &str,
        segments: &[&str],
        body: &Value,
        if_match: Option<&str>,
    ) -> (u16, Value) {
        if let ["servicePrincipals", id, ..] = segments
            && (self.hides(id) || !self.principals().iter().any(|p| p["id"] == *id))
        {
            return missing();
        }
        if let ["servicePrincipals", sp, "synchronization", "jobs", job, ..] = segments
            && !self.jobs_of(sp).iter().any(|j| j["id"] == *job)
        {
            return missing();
        }
        match (method, segments) {
            ("POST", ["servicePrincipals", sp, "appRoleAssignedTo"]) => self.post_assignment(sp, body),
            ("DELETE", ["servicePrincipals", _, "appRoleAssignedTo", id]) => {
                let all = self.rows("/appRoleAssignedTo");
                let before = all.len();
                all.retain(|a| a["id"] != *id);
                if all.len() == before { missing() } else { DONE }
            }
            ("POST", ["servicePrincipals", _, "synchronization", "jobs", job, "start"]) => {
                self.set_code(job, "Active");
                self.wakes += 1;
                DONE
            }
            ("POST", ["servicePrincipals", _, "synchronization", "jobs", job, "pause"]) => {
                self.set_code(job, "Paused");
                DONE
            }
            ("POST", ["servicePrincipals", _, "synchronization", "jobs", job, "restart"]) => {
                if !body["criteria"].is_object() {
                    return bad("criteria is missing");
                }
                self.set_code(job, "Active");
                self.wakes += 1;
                DONE
            }
            ("POST", ["servicePrincipals", _, "synchronization", "jobs", _, "provisionOnDemand"]) => {
                self.post_on_demand(body)
            }
            ("POST", ["servicePrincipals", sp, "synchronization", "jobs"]) => self.post_job(sp, body),
            ("PUT", ["servicePrincipals", _, "synchronization", "jobs", job, "schema"]) => {
                self.put_schema(job, body, if_match)
            }
            ("PUT", ["servicePrincipals", sp, "synchronization", "secrets"]) => {
                let list = body["value"].as_array().cloned().unwrap_or_default();
                if list.is_empty() || list.iter().any(|s| !s["key"].is_string() || !s["value"].is_string()) {
                    return bad("value is no list of secrets");
                }
                // All of them: what is not given is gone.
                let list = list.iter().map(|s| (text(s, "key"), text(s, "value"))).collect();
                self.secrets.insert((*sp).to_owned(), list);
                DONE
            }
            ("POST", ["applicationTemplates", template, "instantiate"]) => self.instantiate(template, body),
            ("POST", ["groups"]) => self.post_group(body),
            ("PATCH", ["groups", id]) => self.patch_group(version, id, body, if_match),
            ("POST", ["applications", id, "extensionProperties"]) => self.post_extension(id, body),
            _ => refused(405, "Request_BadRequest", "The tenant knows no such request."),
        }
    }

    fn post_assignment(&mut self, sp: &str, body: &Value) -> (u16, Value) {
        let (principal, role) = (text(body, "principalId"), text(body, "appRoleId"));
        if text(body, "resourceId") != sp {
            return bad("resourceId is not that of the service principal");
        }
        let Some(name) = self.groups.get(&principal).map(|g| g["displayName"].clone()) else { return missing() };
        let resource = self.principals().into_iter().find(|p| p["id"] == sp).unwrap_or_default();
        let roles = resource["appRoles"].as_array();
        if roles.is_some_and(|r| !r.is_empty() && !r.iter().any(|r| r["id"] == role)) {
            return bad("Permission being assigned was not found on application");
        }
        let there = |a: &Value| a["principalId"] == principal && a["appRoleId"] == role;
        if self.assignments_of(sp).iter().any(there) {
            return bad("Permission being assigned already exists on the object");
        }
        // As the service's own: 43 letters, digits, hyphens and underscores.
        self.made += 1;
        let assignment = json!({
            "id": format!("as_{:040x}", self.made), "principalId": principal, "principalType": "Group",
            "principalDisplayName": name, "resourceId": sp, "resourceDisplayName": resource["displayName"],
            "appRoleId": role, "createdDateTime": "2026-11-21T12:00:00Z",
        });
        self.rows("/appRoleAssignedTo").push(assignment.clone());
        (201, assignment)
    }

    fn put_schema(&mut self, job: &str, body: &Value, if_match: Option<&str>) -> (u16, Value) {
        let Some(at) = self.list("/jobs").iter().position(|j| j["id"] == job) else { return missing() };
        if !body["synchronizationRules"].is_array() {
            return bad("synchronizationRules is missing");
        }
        let now = self.list("/schema").get(at).cloned().unwrap_or_default();
        if self.switches.etags && if_match.is_some_and(|tag| tag != etag(&now)) {
            return refused(412, "PreconditionFailed", "The schema has changed.");
        }
        let running = self.list("/jobs")[at]["status"]["code"] == "Active";
        if running && self.switches.refuses_schema_while_running {
            return bad("The schema cannot be saved while the job runs");
        }
        let mut schema = body.clone();
        schema.as_object_mut().unwrap().retain(|name, _| !name.starts_with("@odata."));
        let all = self.rows("/schema");
        all.resize(all.len().max(at + 1), Value::Null);
        all[at] = schema;
        // Saving a schema starts a synchronization.
        self.wakes += u64::from(running);
        DONE
    }

    fn post_job(&mut self, sp: &str, body: &Value) -> (u16, Value) {
        let template = text(body, "templateId");
        if template.is_empty() {
            return bad("templateId is missing");
        }
        if self.switches.no_new_jobs {
            return refused(403, "Authorization_RequestDenied", "Insufficient privileges to complete the operation.");
        }
        let id = format!("{template}.4b5c3221c46548c095b8e9305786a272.{}", self.new_id());
        let job = json!({
            "id": id, "templateId": "AAD2ADGroups",
            "schedule": { "expiration": null, "interval": "PT20M", "state": "Disabled" },
            "status": {
                "code": "Paused", "countSuccessiveCompleteFailures": 0, "escrowsPruned": false, "lastExecution": null,
                "lastSuccessfulExecution": null, "lastSuccessfulExecutionWithExports": null, "progress": [],
                "quarantine": null, "steadyStateFirstAchievedTime": "0001-01-01T00:00:00Z",
                "steadyStateLastAchievedTime": "0001-01-01T00:00:00Z", "synchronizedEntryCountByType": [],
                "troubleshootingUrl": null,
            },
        });
        let schema = groupshift::predict::defaults::schema(Some("contoso.com")).unwrap();
        let mut schema = serde_json::to_value(schema).unwrap();
        schema["synchronizationRules"][0]["id"] = json!(self.new_id());
        let count = self.rows("/jobs").len();
        self.rows("/schema").resize(count, Value::Null);
        self.rows("/schema").push(schema);
        self.rows("/jobs").push(job.clone());
        self.owners.insert(id.clone(), sp.to_owned());
        if self.switches.new_job_runs {
            self.set_code(&id, "Active");
        }
        (201, job)
    }

    fn instantiate(&mut self, template: &str, body: &Value) -> (u16, Value) {
        let name = text(body, "displayName");
        if name.is_empty() {
            return bad("displayName is missing");
        }
        if self.switches.no_new_jobs {
            return refused(403, "Authorization_RequestDenied", "Insufficient privileges to complete the operation.");
        }
        let (id, app) = (self.new_id(), self.new_id());
        let principal = json!({
            "id": id, "appId": app, "displayName": name, "accountEnabled": true, "applicationTemplateId": template,
            "appRoleAssignmentRequired": true, "servicePrincipalType": "Application",
            "appRoles": [{ "id": SCOPE_ROLE, "allowedMemberTypes": ["User"], "displayName": "User",
                           "isEnabled": true, "value": null }],
        });
        self.rows("/servicePrincipals").push(principal.clone());
        self.unknown_yet.insert(id, self.switches.new_principal_late);
        let application = json!({ "id": self.new_id(), "appId": app, "displayName": name });
        (201, json!({ "application": application, "servicePrincipal": principal }))
    }

    fn post_group(&mut self, body: &Value) -> (u16, Value) {
        for name in ["displayName", "mailNickname"] {
            if text(body, name).is_empty() {
                return bad("A value is required for displayName and mailNickname");
            }
        }
        if !body["mailEnabled"].is_boolean() || !body["securityEnabled"].is_boolean() {
            return bad("A value is required for mailEnabled and securityEnabled");
        }
        let bound = body["members@odata.bind"].as_array().cloned().unwrap_or_default();
        if bound.len() > 20 {
            return bad("At most 20 relationships can be added with a group");
        }
        let members: Vec<String> =
            bound.iter().filter_map(|m| m.as_str()?.rsplit('/').next().map(str::to_owned)).collect();
        if !members.iter().all(|m| self.kinds.contains_key(m)) {
            return missing();
        }
        let id = self.new_id();
        let mut group = json!({
            "id": id, "description": null, "groupTypes": [], "onPremisesSyncEnabled": null,
            "onPremisesSecurityIdentifier": null, "isAssignableToRole": null, "visibility": null,
            "writebackConfiguration": { "isEnabled": null, "onPremisesGroupType": null },
        });
        for (name, value) in body.as_object().unwrap().iter().filter(|(n, _)| !n.contains('@')) {
            group[name] = value.clone();
        }
        self.kinds.insert(id.clone(), "#microsoft.graph.group".to_owned());
        self.groups.insert(id.clone(), group.clone());
        self.log.push(Log::Group(id.clone()));
        for member in members {
            self.add_member(&id, &member, true);
        }
        (201, group)
    }

    fn patch_group(&mut self, version: &str, id: &str, body: &Value, if_match: Option<&str>) -> (u16, Value) {
        let known: Vec<String> = self.list("/extensionProperties").iter().map(|e| text(e, "name")).collect();
        let etags = self.switches.etags;
        let Some(group) = self.groups.get_mut(id) else { return missing() };
        if etags && if_match.is_some_and(|tag| tag != etag(group)) {
            return refused(412, "PreconditionFailed", "The group has changed.");
        }
        let fields = body.as_object().cloned().unwrap_or_default();
        for name in fields.keys() {
            let plain = ["displayName", "description", "mailNickname"].contains(&name.as_str());
            let writeback = name == "writebackConfiguration" && version == "beta";
            if !plain && !writeback && !known.contains(name) {
                return bad(&format!("The property '{name}' does not exist on the group"));
            }
        }
        for (name, value) in fields {
            match (&name[..], value) {
                // Only what is given of it changes.
                ("writebackConfiguration", Value::Object(parts)) => {
                    for (part, value) in parts {
                        group["writebackConfiguration"][part] = value;
                    }
                }
                (_, value) => group[&name] = value,
            }
        }
        self.log.push(Log::Group(id.to_owned()));
        DONE
    }

    fn post_extension(&mut self, application: &str, body: &Value) -> (u16, Value) {
        let Some(app) = self.list("/applications").into_iter().find(|a| a["id"] == application) else {
            return missing();
        };
        let name = format!("extension_{}_{}", text(&app, "appId").replace('-', ""), text(body, "name"));
        if self.list("/extensionProperties").iter().any(|e| e["name"] == name) {
            return bad(&format!("An extension property exists with the name {name}."));
        }
        let property = json!({
            "id": self.new_id(), "name": name, "dataType": body["dataType"], "targetObjects": body["targetObjects"],
            "appDisplayName": "", "isSyncedFromOnPremises": false, "appObjectId": application,
        });
        self.rows("/extensionProperties").push(property.clone());
        let mut shown = property;
        shown.as_object_mut().unwrap().remove("appObjectId");
        (201, shown)
    }

    /// What is wanted on demand, where the request is one that would be carried out.
    pub(super) fn wanted_on_demand(&self, job: &str, body: &Value) -> Option<OnDemand> {
        let wanted = body["parameters"].get(0)?;
        let subject = wanted["subjects"].get(0)?;
        let group = text(subject, "objectId");
        let members: Vec<String> =
            subject["links"]["members"].as_array().into_iter().flatten().map(|m| text(m, "objectId")).collect();
        let rule = text(wanted, "ruleId");
        let right = members.len() <= 5 && self.groups.contains_key(&group) && !rule.is_empty();
        right.then(|| OnDemand { job: job.to_owned(), rule, group, members })
    }

    fn post_on_demand(&mut self, body: &Value) -> (u16, Value) {
        if self.wanted_on_demand("", body).is_none() {
            return bad("parameters are not of one group with at most five members");
        }
        if self.switches.on_demand_limit {
            self.on_demand.retain(|t| t.elapsed() < Duration::from_secs(10));
            if self.on_demand.len() >= 5 {
                return refused(429, "TooManyRequests", "Five requests in ten seconds.");
            }
            self.on_demand.push(Instant::now());
        }
        let done = self.provisioned.take().unwrap_or(Provisioned {
            result: "Success".to_owned(),
            details: json!({}),
            value: json!({}),
        });
        let key = json!({ "result": done.result, "details": done.details }).to_string();
        (200, json!({ "key": key, "value": done.value.to_string() }))
    }
}
