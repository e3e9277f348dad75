//! A small tenant over HTTPS for the collector's own tests: it serves the files of an offline folder as Graph would, page
//! by page, keeps a log of changes for delta, and is unhelpful where the service may be: deltas leave out null, tell
//! nothing of the memberships of restored objects, and refuse what a test tells them to.

use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::{Request, Response, service::service_fn};
use hyper_util::rt::TokioIo;
use rustls::{ServerConfig, pki_types};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

/// What happened, for delta.
#[derive(Debug, Clone, PartialEq)]
pub enum Log {
    Group(String),
    Member { group: String, member: String, added: bool },
    User(String),
}

/// What is answered instead: status, error code, message; taken off the list when it was answered.
pub type Refusal = (&'static str, u16, &'static str);

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
    pub before: Option<Box<dyn FnMut(&str, &mut Parts<'_>) + Send>>,
    pub requests: Vec<String>,
    pub page: usize,
    pub base: String,
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
        for name in ["groups-v1.json", "groups-beta.json"] {
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
            ["groups"] => self.page(version, &path, query, self.groups.values().map(shape)),
            ["users"] => self.page(version, &path, query, self.users.values().map(shape)),
            ["directory", "deletedItems", "microsoft.graph.group"] => {
                self.page(version, &path, query, self.deleted.values().map(shape))
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
                self.page(version, &path, query, self.members_of(id).iter().map(|m| self.member(m)))
            }
            ["groups", id, "onPremisesSyncBehavior"] => match self.groups.get(*id) {
                Some(group) => {
                    let managed = group["onPremisesSyncBehavior"]["isCloudManaged"].as_bool().unwrap_or(false);
                    (200, json!({ "id": id, "isCloudManaged": managed }))
                }
                None => missing(),
            },
            ["servicePrincipals", _, "synchronization", "jobs"] => (200, json!({ "value": self.fixed["/jobs"] })),
            ["servicePrincipals", _, "synchronization", "jobs", _, "schema"] => (200, self.fixed["/schema"][0].clone()),
            ["servicePrincipals", _, "synchronization", "jobs", _, "schema", "functions"] => {
                (200, json!({ "value": [{ "name": "Append", "parameters": [] }] }))
            }
            ["servicePrincipals", _, "synchronization", "jobs", _, "schema", "filterOperators"] => {
                (200, json!({ "value": [{ "name": "EQUALS", "arity": "Binary" }] }))
            }
            ["servicePrincipals", _, "appRoleAssignedTo"] => {
                self.page(version, &path, query, self.fixed["/appRoleAssignedTo"].as_array().unwrap().iter().cloned())
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

    fn page(
        &self,
        version: &str,
        path: &str,
        query: &BTreeMap<String, String>,
        all: impl ExactSizeIterator<Item = Value>,
    ) -> (u16, Value) {
        let at: usize = query.get("$skiptoken").map_or(0, |t| t.parse().unwrap());
        let more = at + self.page < all.len();
        let mut body = json!({ "value": all.skip(at).take(self.page).collect::<Vec<_>>() });
        if more {
            let select = query.get("$select").map_or(String::new(), |s| format!("&$select={s}"));
            body["@odata.nextLink"] =
                json!(format!("{}/{version}{path}?$skiptoken={}{select}", self.base, at + self.page));
        }
        (200, body)
    }

    /// The first answers hold every group, members split in two; the later ones what the log tells.
    fn group_delta(&mut self, path: &str, query: &BTreeMap<String, String>, version: &str) -> (u16, Value) {
        let select = query.get("$select").cloned().unwrap_or_default();
        let link = |log: usize| format!("{}/{version}{path}?$deltatoken={log}&$select={select}", self.base);
        if query.get("$deltatoken").is_some_and(|t| t == "latest") {
            return (200, json!({ "value": [], "@odata.deltaLink": link(self.log.len()) }));
        }
        let names: Vec<&str> = select.split(',').collect();
        let shape = |group: &Value| {
            let mut value = pick(group, Some(&names), version);
            // Never set is not told.
            value.as_object_mut().unwrap().retain(|_, v| !v.is_null());
            value
        };
        if let Some(from) = query.get("$deltatoken") {
            let mut touched: BTreeMap<&str, BTreeMap<&str, bool>> = BTreeMap::new();
            for entry in &self.log[from.parse::<usize>().unwrap()..] {
                match entry {
                    Log::Group(id) => {
                        touched.entry(id).or_default();
                    }
                    Log::Member { group, member, added } => {
                        touched.entry(group).or_default().insert(member, *added);
                    }
                    Log::User(_) => {}
                }
            }
            let mut values = Vec::new();
            for (id, members) in touched {
                let Some(group) = self.groups.get(id) else {
                    values.push(json!({ "id": id, "@removed": { "reason": "changed" } }));
                    continue;
                };
                let mut value = shape(group);
                let told: Vec<Value> = members
                    .iter()
                    .map(|(m, added)| {
                        let mut member = self.member(m);
                        if !added {
                            member["@removed"] = json!({ "reason": "deleted" });
                        }
                        member
                    })
                    .collect();
                if !told.is_empty() {
                    value["members@delta"] = json!(told);
                }
                values.push(value);
            }
            return (200, json!({ "value": values, "@odata.deltaLink": link(self.log.len()) }));
        }
        // A token is a place in the list of groups and the length of the log when the list was begun.
        let (at, log) = match query.get("$skiptoken").and_then(|t| t.split_once('-')) {
            Some((at, log)) => (at.parse().unwrap(), log.parse().unwrap()),
            None => (0, self.log.len()),
        };
        let all: Vec<(&String, &Value)> = self.groups.iter().collect();
        let mut values = Vec::new();
        for (id, group) in all.iter().skip(at).take(self.page) {
            let members: Vec<Value> = self.members_of(id).iter().map(|m| self.member(m)).collect();
            let (first, second) = members.split_at(members.len() / 2);
            let mut value = shape(group);
            if !first.is_empty() {
                value["members@delta"] = json!(first);
            }
            values.push(value);
            if !second.is_empty() {
                values.push(json!({ "id": id, "members@delta": second }));
            }
        }
        let mut body = json!({ "value": values });
        if at + self.page < all.len() {
            body["@odata.nextLink"] =
                json!(format!("{}/{version}{path}?$skiptoken={}-{log}&$select={select}", self.base, at + self.page));
        } else {
            body["@odata.deltaLink"] = json!(link(log));
        }
        (200, body)
    }

    fn user_delta(&self, query: &BTreeMap<String, String>) -> (u16, Value) {
        let select = query.get("$select").cloned().unwrap_or_default();
        let link = format!("{}/beta/users/delta?$deltatoken={}&$select={select}", self.base, self.log.len());
        let from = query.get("$deltatoken").filter(|t| *t != "latest").map_or(self.log.len(), |t| t.parse().unwrap());
        let mut values = Vec::new();
        for entry in &self.log[from..] {
            if let Log::User(id) = entry {
                values.push(match self.users.get(id) {
                    // The identifier is left out, as a delta may do.
                    Some(user) => pick(user, Some(&["id", "userPrincipalName", "onPremisesSyncEnabled"]), "beta"),
                    None => json!({ "id": id, "@removed": { "reason": "changed" } }),
                });
            }
        }
        (200, json!({ "value": values, "@odata.deltaLink": link }))
    }

    fn refuse(&mut self, path: &str) -> Option<(u16, Value)> {
        let denied = self.denied.iter().find(|(part, ..)| path.contains(part)).copied();
        let once = self.refusals.iter().position(|(part, ..)| path.contains(part)).map(|i| self.refusals.remove(i));
        let (_, status, code) = denied.or(once)?;
        Some((status, json!({ "error": { "code": code, "message": "as the test wants it" } })))
    }

    fn serve(&mut self, path: &str, query: &str, body: &[u8]) -> (u16, Value) {
        let decoded = |s: &str| {
            url::form_urlencoded::parse(s.as_bytes()).map(|(k, v)| (k.into_owned(), v.into_owned())).collect()
        };
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
        if let Some(refusal) = self.refuse(&full) {
            return refusal;
        }
        if !path.ends_with("/$batch") {
            return self.answer(path, &decoded(query));
        }
        let version = path.trim_end_matches("/$batch");
        let asked: Value = serde_json::from_slice(body).unwrap();
        let mut responses = Vec::new();
        for part in asked["requests"].as_array().unwrap() {
            let url = format!("{version}{}", part["url"].as_str().unwrap());
            let (path, query) = url.split_once('?').unwrap_or((&url, ""));
            let (status, body) = self.refuse(&url).unwrap_or_else(|| self.answer(path, &decoded(query)));
            responses.push(json!({ "id": part["id"], "status": status, "body": body }));
        }
        responses.reverse();
        (200, json!({ "responses": responses }))
    }
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

/// The tenant at an address.
pub struct Server {
    pub tenant: Arc<Mutex<Tenant>>,
    pub ca_file: PathBuf,
    pub url: String,
    _folder: tempfile::TempDir,
    _runtime: tokio::runtime::Runtime,
}

pub fn start(mut tenant: Tenant) -> Server {
    let folder = tempfile::tempdir().unwrap();
    let certified = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    let ca_file = folder.path().join("ca.pem");
    std::fs::write(&ca_file, certified.cert.pem()).unwrap();
    let key = pki_types::PrivateKeyDer::try_from(certified.signing_key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certified.cert.der().clone()], key)
        .unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(tls));
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
    let url = format!("https://127.0.0.1:{}", listener.local_addr().unwrap().port());
    tenant.base.clone_from(&url);
    let tenant = Arc::new(Mutex::new(tenant));
    let shared = tenant.clone();
    runtime.spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (acceptor, shared) = (acceptor.clone(), shared.clone());
            tokio::spawn(async move {
                let Ok(stream) = acceptor.accept(stream).await else { return };
                let service = service_fn(move |request: Request<hyper::body::Incoming>| {
                    let shared = shared.clone();
                    async move {
                        let (path, query) =
                            (request.uri().path().to_owned(), request.uri().query().unwrap_or("").to_owned());
                        let body = request.into_body().collect().await?.to_bytes();
                        let (status, answer) = shared.lock().unwrap().serve(&path, &query, &body);
                        let kind = if answer.is_number() { "text/plain" } else { "application/json" };
                        let body = Full::new(Bytes::from(answer.to_string()));
                        let built = Response::builder().status(status).header("content-type", kind).body(body);
                        Ok::<_, hyper::Error>(built.unwrap())
                    }
                });
                let _ =
                    hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
            });
        }
    });
    Server { tenant, ca_file, url, _folder: folder, _runtime: runtime }
}
