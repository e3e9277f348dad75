//! A tenant over HTTPS: it serves the files of an offline folder as Graph would, page by page, keeps a log of changes for
//! delta, and is unhelpful where the service may be: deltas leave out null, tell nothing of the memberships of restored
//! objects, and refuse what a test tells them to. `server` is how it is reached, `login` its sign-in service, `faults`
//! what may go wrong on the way, `record` the traffic as it was. `writes` is what can be changed through Graph, `state` how
//! a test (or the lab's provisioning agent) sees and changes the tenant itself.

// Each test file that takes the tenant in uses another part of it.
#![allow(dead_code)]

pub mod collecting;
mod delta;
pub mod described;
pub mod evaluator;
pub mod faults;
pub mod login;
pub mod record;
pub mod server;
pub mod state;
pub mod writes;

use faults::Planned;
use login::Login;
use record::Recorder;
use serde_json::{Map, Value, json};
use server::Asked;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use writes::{Agent, Stale, Switches, Write};

/// What happened, for delta.
#[derive(Debug, Clone, PartialEq)]
pub enum Log {
    Group(String),
    Member { group: String, member: String, added: bool },
    User(String),
}

/// What is answered instead: status, error code, message; taken off the list when it was answered.
pub type Refusal = (&'static str, u16, &'static str);

/// Changes the tenant before a request, of which it is told the path.
pub type Before = Box<dyn FnMut(&str, &mut Parts<'_>) + Send>;

#[derive(Default)]
pub struct Tenant {
    pub groups: BTreeMap<String, Value>,
    pub members: BTreeMap<String, BTreeSet<String>>,
    pub deleted: BTreeMap<String, Value>,
    pub users: BTreeMap<String, Value>,
    pub kinds: BTreeMap<String, String>,
    pub fixed: BTreeMap<String, Value>,
    pub log: Vec<Log>,
    /// Part of a path and what is answered to the next request with it.
    pub refusals: Vec<Refusal>,
    /// The same, for ever.
    pub denied: Vec<Refusal>,
    /// Called with the path before each request.
    pub before: Option<Before>,
    pub requests: Vec<String>,
    /// What goes wrong, once or always.
    pub faults: Vec<Planned>,
    /// A page that is given once more: the next request with this query gets it.
    pub again: Option<Value>,
    /// Sign-ins are checked where this is given; else any token will do.
    pub login: Option<Login>,
    pub recorder: Option<Recorder>,
    /// Its evaluator of expressions; without it there is none.
    pub evaluator: Option<evaluator::Evaluator>,
    pub page: usize,
    /// Groups on a page of their delta; as on other pages where this is 0.
    pub delta_page: usize,
    pub base: String,
    /// Secrets by service principal.
    pub secrets: BTreeMap<String, Vec<(String, String)>>,
    /// Service principals by job, where there are several.
    pub owners: BTreeMap<String, String>,
    pub switches: Switches,
    /// Every write that was answered, in order.
    pub writes: Vec<Write>,
    /// Starts, restarts and schemas that were saved while the job ran: each asks for a cycle at once.
    pub wakes: u64,
    /// What reads are answered from while writes do not show yet.
    pub stale: Option<Stale>,
    /// Answers what is provisioned on demand.
    pub agent: Option<Agent>,
    /// Ids given out so far.
    pub made: u64,
    /// Requests about a new service principal that are still answered as if there were none.
    pub unknown_yet: BTreeMap<String, usize>,
    pub on_demand: Vec<std::time::Instant>,
    /// What the agent made of the request that is being answered.
    pub provisioned: Option<writes::Provisioned>,
}

/// What a test may change between two requests.
pub struct Parts<'t> {
    pub groups: &'t mut BTreeMap<String, Value>,
    pub members: &'t mut BTreeMap<String, BTreeSet<String>>,
    pub log: &'t mut Vec<Log>,
}

pub fn list(path: &Path) -> Vec<Value> {
    let Ok(text) = std::fs::read(path) else { return Vec::new() };
    let bodies = serde_json::Deserializer::from_slice(&text).into_iter::<Value>();
    bodies
        .flat_map(|body| match body.unwrap() {
            Value::Array(list) => list,
            Value::Object(ref map) if map.get("value").is_some_and(Value::is_array) => {
                map["value"].as_array().unwrap().clone()
            }
            other => vec![other],
        })
        .collect()
}

fn text(value: &Value, name: &str) -> String {
    value[name].as_str().unwrap_or_default().to_owned()
}

impl Tenant {
    /// From the files of an offline folder.
    pub fn load(dir: &Path) -> Tenant {
        let mut tenant = Tenant::default();
        for name in ["groups.json", "groups-v1.json", "groups-beta.json"] {
            for group in list(&dir.join("entra").join(name)) {
                let id = text(&group, "id");
                tenant.kinds.insert(id.clone(), "#microsoft.graph.group".to_owned());
                let known = tenant.groups.entry(id.clone()).or_insert_with(|| json!({}));
                for (key, value) in group.as_object().unwrap() {
                    if key == "members" {
                        for member in value.as_array().unwrap() {
                            let kind = text(member, "@odata.type");
                            tenant.kinds.entry(text(member, "id")).or_insert(kind);
                            tenant.members.entry(id.clone()).or_default().insert(text(member, "id"));
                        }
                    } else {
                        known[key] = value.clone();
                    }
                }
            }
        }
        for user in list(&dir.join("entra/users.json")) {
            tenant.kinds.insert(text(&user, "id"), "#microsoft.graph.user".to_owned());
            tenant.users.insert(text(&user, "id"), user);
        }
        for group in list(&dir.join("entra/deletedItems.json")) {
            tenant.deleted.insert(text(&group, "id"), group);
        }
        for (file, path) in [
            ("entra/organization.json", "/organization"),
            ("entra/onPremisesSynchronization.json", "/directory/onPremisesSynchronization"),
            ("entra/subscribedSkus.json", "/subscribedSkus"),
            ("cloudsync/servicePrincipal.json", "/servicePrincipals"),
            ("cloudsync/jobs.json", "/jobs"),
            ("cloudsync/schema.json", "/schema"),
            ("cloudsync/appRoleAssignedTo.json", "/appRoleAssignedTo"),
            ("cloudsync/agents.json", "/agents"),
        ] {
            tenant.fixed.insert(path.to_owned(), Value::Array(list(&dir.join(file))));
        }
        tenant.page = tenant.groups.len() / 4 + 1;
        tenant
    }

    /// What only an audit reads: two log entries, two access packages of which one governs a group, an assignment.
    pub fn with_audit(mut self) -> Tenant {
        let job = self.fixed["/jobs"][0]["id"].clone();
        let group = self.groups.keys().next().unwrap().clone();
        let logs = json!([{ "id": "l1", "jobId": job }, { "id": "l2", "jobId": job }]);
        self.fixed.insert("/auditLogs/provisioning".to_owned(), logs);
        let governance = "/identityGovernance/entitlementManagement";
        let (one, two) = ("5c5e1a52-0000-4000-8000-000000000001", "5c5e1a52-0000-4000-8000-000000000002");
        self.fixed.insert(format!("{governance}/accessPackages"), json!([{ "id": one }, { "id": two }]));
        let package =
            |id: &str, origin: &str| json!([{ "id": id, "resourceRoleScopes": [{ "scope": { "originId": origin } }] }]);
        for (id, origin) in [(one, group.as_str()), (two, "other")] {
            self.fixed.insert(format!("{governance}/accessPackages/{id}"), package(id, origin));
        }
        self.fixed.insert(format!("{governance}/assignments"), json!([{ "id": "a1", "state": "delivered" }]));
        self
    }

    /// The first so many groups, with their members, and users; two pages of either.
    pub fn keep(mut self, count: usize) -> Tenant {
        let groups: Vec<String> = self.groups.keys().skip(count).cloned().collect();
        for id in groups {
            self.groups.remove(&id);
            self.members.remove(&id);
        }
        let users: BTreeSet<String> = self.users.keys().skip(count).cloned().collect();
        self.users.retain(|id, _| !users.contains(id));
        let gone: BTreeSet<String> = self.deleted.keys().skip(count).cloned().collect();
        self.deleted.retain(|id, _| !gone.contains(id));
        self.page = count.div_ceil(2);
        self
    }

    pub fn add_member(&mut self, group: &str, member: &str, added: bool) {
        let list = self.members.entry(group.to_owned()).or_default();
        if added {
            list.insert(member.to_owned())
        } else {
            list.remove(member)
        };
        self.log.push(Log::Member { group: group.to_owned(), member: member.to_owned(), added });
    }

    fn answer(&mut self, path: &str, query: &BTreeMap<String, String>) -> (u16, Value) {
        let (version, rest) = path.trim_start_matches('/').split_once('/').unwrap();
        let path = format!("/{rest}");
        let segments: Vec<&str> = rest.split('/').collect();
        let select: Option<Vec<&str>> = query.get("$select").map(|s| s.split(',').collect());
        let shape = |value: &Value| pick(value, select.as_deref(), version);
        match segments.as_slice() {
            ["groups", "$count"] if query.contains_key("$filter") => {
                let synced = self.groups.values().filter(|g| g["onPremisesSyncEnabled"] == true).count();
                (200, json!(synced))
            }
            ["groups", "$count"] => (200, json!(self.groups.len())),
            ["users", "$count"] => (200, json!(self.users.len())),
            ["groups", "delta"] => self.group_delta(&path, query, version),
            ["users", "delta"] => self.user_delta(query),
            ["groups"] => {
                let found: Vec<&Value> = self.groups.values().filter(|g| writes::matches(g, query)).collect();
                self.page(version, &path, query, found.into_iter(), shape)
            }
            ["groups", id] => match self.groups.get(*id) {
                Some(group) => {
                    let mut group = pick(group, select.as_deref(), version);
                    if self.switches.etags {
                        group["@odata.etag"] = json!(writes::etag(&self.groups[*id]));
                    }
                    (200, group)
                }
                None => missing(),
            },
            ["users"] => self.page(version, &path, query, self.users.values(), shape),
            ["directory", "deletedItems", "microsoft.graph.group"] => {
                self.page(version, &path, query, self.deleted.values(), shape)
            }
            ["users", id] => match self.users.get(*id) {
                Some(user) => (200, pick(user, select.as_deref(), version)),
                None => missing(),
            },
            ["users", id, "memberOf", _] => {
                let of = self.members.iter().filter(|(g, m)| m.contains(*id) && self.groups.contains_key(*g));
                let all: Vec<Value> = of.map(|(g, _)| json!({ "id": g })).collect();
                (200, json!({ "value": all }))
            }
            ["groups", id, "members"] => {
                self.page(version, &path, query, self.members_of(id).into_iter(), |m| self.member(&m))
            }
            ["groups", id, "onPremisesSyncBehavior"] => match self.groups.get(*id) {
                Some(group) => {
                    let managed = group["onPremisesSyncBehavior"]["isCloudManaged"].as_bool().unwrap_or(false);
                    (200, json!({ "id": id, "isCloudManaged": managed }))
                }
                None => missing(),
            },
            ["servicePrincipals", id, ..] if self.hides(id) => missing(),
            ["servicePrincipals"] => {
                let all: Vec<Value> = self.principals();
                let found: Vec<&Value> = all.iter().filter(|p| writes::matches(p, query)).collect();
                self.page(version, &path, query, found.into_iter(), Value::clone)
            }
            ["servicePrincipals", id] => match self.principals().into_iter().find(|p| p["id"] == *id) {
                Some(principal) => (200, principal),
                None => missing(),
            },
            ["servicePrincipals", sp, "synchronization", "jobs"] => (200, json!({ "value": self.jobs_of(sp) })),
            ["servicePrincipals", sp, "synchronization", "jobs", job] => {
                match self.jobs_of(sp).into_iter().find(|j| j["id"] == *job) {
                    Some(job) => (200, job),
                    None => missing(),
                }
            }
            ["servicePrincipals", sp, "synchronization", "secrets"] => (200, self.shown_secrets(sp)),
            ["servicePrincipals", _, "synchronization", "jobs", job, "schema"] => match self.schema_of(job) {
                Some(mut schema) => {
                    if self.switches.etags {
                        schema["@odata.etag"] = json!(writes::etag(&schema));
                    }
                    (200, schema)
                }
                None => missing(),
            },
            ["servicePrincipals", _, "synchronization", "jobs", _, "schema", "functions"] => {
                (200, json!({ "value": [{ "name": "Append", "parameters": [] }] }))
            }
            ["servicePrincipals", _, "synchronization", "jobs", _, "schema", "filterOperators"] => {
                (200, json!({ "value": [{ "name": "EQUALS", "arity": "Binary" }] }))
            }
            ["servicePrincipals", sp, "appRoleAssignedTo"] => {
                let all = self.assignments_of(sp);
                self.page(version, &path, query, all.into_iter(), |a| a)
            }
            ["auditLogs", "provisioning"] => {
                let all: Vec<Value> = self.list("/auditLogs/provisioning");
                let found: Vec<Value> = all.into_iter().filter(|log| writes::matches(log, query)).collect();
                self.page(version, &path, query, found.into_iter(), |l| l)
            }
            ["applications"] => {
                let found: Vec<Value> =
                    self.list("/applications").into_iter().filter(|a| writes::matches(a, query)).collect();
                (200, json!({ "value": found }))
            }
            ["applications", id, "extensionProperties"] => {
                let all = self.list("/extensionProperties").into_iter();
                let own: Vec<Value> = all.filter(|e| e["appObjectId"] == *id).collect();
                (200, json!({ "value": own }))
            }
            ["onPremisesPublishingProfiles", ..] => (200, json!({ "value": self.fixed["/agents"] })),
            _ => match self.fixed.get(&path) {
                Some(values) if path.contains("/accessPackages/") => (200, values[0].clone()),
                Some(values) => (200, json!({ "value": values })),
                None => missing(),
            },
        }
    }

    fn members_of(&self, group: &str) -> Vec<String> {
        let there =
            |m: &&String| !self.deleted.contains_key(*m) && (!is_user(&self.kinds, m) || self.users.contains_key(*m));
        self.members.get(group).into_iter().flatten().filter(there).cloned().collect()
    }

    fn member(&self, id: &str) -> Value {
        json!({ "@odata.type": self.kinds.get(id), "id": id })
    }

    fn page<T>(
        &self,
        version: &str,
        path: &str,
        query: &BTreeMap<String, String>,
        all: impl ExactSizeIterator<Item = T>,
        shape: impl Fn(T) -> Value,
    ) -> (u16, Value) {
        let at: usize = query.get("$skiptoken").map_or(0, |t| t.parse().unwrap());
        let more = at + self.page < all.len();
        let mut body = json!({ "value": all.skip(at).take(self.page).map(shape).collect::<Vec<_>>() });
        if more {
            let kept =
                |name: &str| query.get(name).map_or(String::new(), |s| format!("&{name}={s}").replace(' ', "%20"));
            body["@odata.nextLink"] = json!(format!(
                "{}/{version}{path}?$skiptoken={}{}{}",
                self.base,
                at + self.page,
                kept("$select"),
                kept("$filter")
            ));
        }
        (200, body)
    }

    fn refuse(&mut self, path: &str) -> Option<(u16, Value)> {
        let denied = self.denied.iter().find(|(part, ..)| path.contains(part)).copied();
        let once = self.refusals.iter().position(|(part, ..)| path.contains(part)).map(|i| self.refusals.remove(i));
        let (_, status, code) = denied.or(once)?;
        Some((status, json!({ "error": { "code": code, "message": "as the test wants it" } })))
    }

    /// The answer to one request, faults aside.
    pub(super) fn serve(&mut self, asked: &Asked) -> (u16, Value) {
        let Asked { method, path, query, body, .. } = asked;
        let full = format!("{path}?{query}");
        if let Some(mut before) = self.before.take() {
            before(&full, &mut Parts { groups: &mut self.groups, members: &mut self.members, log: &mut self.log });
            self.before = Some(before);
        }
        self.requests.push(full.clone());
        // A collector that goes round in a circle must not keep the test for ever.
        if self.requests.len() > 20_000 {
            let last = self.requests.iter().rev().take(3).cloned().collect::<Vec<_>>().join(" ");
            return (500, json!({ "error": { "code": "TooMany", "message": last } }));
        }
        if let Some(refusal) = self.refuse(&format!("{method} {full}")) {
            return refusal;
        }
        if let (true, Some(evaluator)) = (path.ends_with("/schema/parseExpression"), &self.evaluator) {
            return evaluator::answer(evaluator, body);
        }
        if !path.ends_with("/$batch") {
            let body = serde_json::from_slice(body).unwrap_or(Value::Null);
            return self.routed(method, path, query, &body, asked.header("if-match"));
        }
        let version = path.trim_end_matches("/$batch").to_owned();
        let asked: Value = serde_json::from_slice(body).unwrap();
        let mut responses = Vec::new();
        let parts = asked["requests"].as_array().unwrap();
        if parts.len() > 20 {
            return (
                400,
                json!({ "error": { "code": "BadRequest", "message": "Number of batch request steps exceeds the maximum value of 20" } }),
            );
        }
        for part in parts {
            let method = part["method"].as_str().unwrap();
            let url = format!("{version}{}", part["url"].as_str().unwrap());
            let (path, query) = url.split_once('?').unwrap_or((&url, ""));
            let if_match = part["headers"]["If-Match"].as_str();
            let planned = self.fault_of_part(method, path, query, &part["id"]);
            if let Some((refused, false)) = planned {
                responses.push(refused);
                continue;
            }
            let (status, body) = self
                .refuse(&format!("{method} {url}"))
                .unwrap_or_else(|| self.routed(method, path, query, &part["body"], if_match));
            if let Some((refused, true)) = planned {
                responses.push(refused);
                continue;
            }
            responses.push(json!({ "id": part["id"], "status": status, "body": body }));
        }
        responses.reverse();
        (200, json!({ "responses": responses }))
    }

    /// Reads are answered from what shows, writes change what is.
    fn routed(&mut self, method: &str, path: &str, query: &str, body: &Value, if_match: Option<&str>) -> (u16, Value) {
        if method != "GET" {
            return self.write(method, path, body, if_match);
        }
        self.as_shown(|tenant| tenant.answer(path, &decoded(query)))
    }

    fn list(&self, path: &str) -> Vec<Value> {
        self.fixed.get(path).and_then(Value::as_array).cloned().unwrap_or_default()
    }
}

fn decoded(query: &str) -> BTreeMap<String, String> {
    url::form_urlencoded::parse(query.as_bytes()).map(|(k, v)| (k.into_owned(), v.into_owned())).collect()
}

fn is_user(kinds: &BTreeMap<String, String>, id: &str) -> bool {
    kinds.get(id).is_some_and(|k| k.ends_with(".user"))
}

fn missing() -> (u16, Value) {
    (404, json!({ "error": { "code": "Request_ResourceNotFound", "message": "There is none." } }))
}

/// The selected properties; what the version or the object does not have is null or left out, as Graph does.
fn pick(value: &Value, select: Option<&[&str]>, version: &str) -> Value {
    let Some(select) = select else { return value.clone() };
    let mut out = Map::new();
    for name in select.iter().filter(|n| **n != "members") {
        if *name != "writebackConfiguration" || version == "beta" {
            out.insert((*name).to_owned(), value.get(*name).cloned().unwrap_or(Value::Null));
        }
    }
    Value::Object(out)
}
