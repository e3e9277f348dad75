//! A collection from the tenant, as the tests make it.

use super::list;
use super::server::Server;
use groupshift::bundle::{self, Manifest, write::About};
use groupshift::collect::live::{Base, Live, Note, Outcome, Wishes};
use groupshift::collect::offline::Collected;
use groupshift::config::{self, Around, Config};
use serde_json::{Value, json};
use std::path::Path;
use std::sync::Mutex;

/// The example tenant without its AD and Connect parts.
pub fn example() -> tempfile::TempDir {
    // An eighth of it does, and is quick.
    example_of(&["0", "1"])
}

/// The same with only those groups and users whose ids begin so.
pub fn example_of(beginnings: &[&str]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    groupshift::example::write(dir.path()).unwrap();
    for part in ["ad", "connect"] {
        std::fs::remove_dir_all(dir.path().join(part)).unwrap();
    }
    let kept = |value: &Value| value["id"].as_str().is_some_and(|id| beginnings.iter().any(|b| id.starts_with(b)));
    for name in ["groups-v1.json", "groups-beta.json", "deletedItems.json", "users.json"] {
        let file = dir.path().join("entra").join(name);
        let mut values: Vec<Value> = list(&file).into_iter().filter(kept).collect();
        for value in &mut values {
            if let Some(members) = value.get_mut("members").and_then(Value::as_array_mut) {
                let other = |m: &Value| {
                    m["@odata.type"] != "#microsoft.graph.user" && m["@odata.type"] != "#microsoft.graph.group"
                };
                members.retain(|m| other(m) || kept(m));
            }
        }
        // The service shows no members of a deleted group.
        if name.starts_with("deleted") {
            values.iter_mut().for_each(|v| drop(v.as_object_mut().unwrap().remove("members")));
        }
        std::fs::write(&file, json!({ "value": values }).to_string()).unwrap();
    }
    dir
}

/// How the client is to sign in: further lines under `[entra]`.
pub fn config_with(server: &Server, dir: &Path, auth: &str) -> Config {
    let quoted = |p: &Path| json!(p.to_string_lossy()).to_string();
    let text = format!(
        "[entra]\ntenant_id = \"4b5c3221-c465-48c0-95b8-e9305786a272\"\nclient_id = \"4b5c3221-c465-48c0-95b8-e9305786a273\"\n\
         {auth}\ngraph_url = \"{0}\"\nlogin_url = \"{0}\"\nca_file = {1}\n",
        server.url,
        quoted(&server.ca_file)
    );
    let file = dir.join("groupshift.toml");
    std::fs::write(&file, text).unwrap();
    config::load(Some(&file), &Around { folder: dir, windows: false, env: &|_| None, env_names: &[] }).unwrap()
}

/// With a token at hand.
pub fn config_of(server: &Server, dir: &Path) -> Config {
    let token = dir.join("token");
    std::fs::write(&token, "opaque-token").unwrap();
    config_with(server, dir, &format!("auth = \"token\"\ntoken_file = {}", json!(token.to_string_lossy())))
}

pub struct Run {
    pub result: groupshift::error::Result<Collected>,
    pub notes: Vec<String>,
}

pub fn run(server: &Server, since: Option<&Path>, audit: bool) -> Run {
    let dir = tempfile::tempdir().unwrap();
    run_with(&config_of(server, dir.path()), since, audit)
}

pub fn run_with(config: &Config, since: Option<&Path>, audit: bool) -> Run {
    run_wishing(config, since, Wishes { audit, ..Wishes::default() })
}

pub fn run_wishing(config: &Config, since: Option<&Path>, wishes: Wishes) -> Run {
    let notes = Mutex::new(Vec::new());
    let tell = |note: Note<'_>| {
        if let Note::Detail(text) | Note::Warning(text) | Note::Notice(text) = note {
            notes.lock().unwrap().push(text);
        }
    };
    let since = since.map(|dir| Base::open(dir).unwrap());
    let wishes = Wishes { graph_budget: Some(100), hurry: true, ..wishes };
    let result = Live { config, wishes, since, tell: &tell }.collect().map(|outcome| match outcome {
        Outcome::Done(collected) => *collected,
        Outcome::Interrupted => panic!("nobody interrupted"),
    });
    Run { result, notes: notes.into_inner().unwrap() }
}

pub fn collect(server: &Server) -> Collected {
    let run = run(server, None, false);
    run.result.unwrap_or_else(|e| panic!("{e}\n{:#?}", run.notes))
}

pub fn save(collected: Collected, out: &Path) -> Manifest {
    let created = chrono::Utc::now().to_rfc3339();
    let Collected { inventory, sources, certificate, raw } = collected;
    bundle::write_with(&inventory, About { created, anonymised: false, sources, certificate }, raw, out).unwrap()
}
