//! The Connect administrator's double: it takes a script that a run laid ready, does on a server of its own what the script
//! would do there, checks first what the script checks, and leaves the evidence that the script leaves. There is no
//! PowerShell here; what to do is read from the script's own text: nonce, plan, step, server, rules, connectors.
//!
//! The server has a state and evidence is taken from it, so that a step that was not done is not shown as done. `Twist`
//! is what an administrator gets wrong. `script` reads a script, `evidence` writes the files.

// Each test file uses another part of it.
#![allow(dead_code)]

mod evidence;
mod script;

pub use evidence::{Pending, connect_state};
pub use script::Script;

use serde_json::{Map, Value, json};
use std::path::{Path, PathBuf};

pub const SERVER: &str = "SYNC01";
pub const AD_CONNECTOR: &str = "0c0ffee0-0000-4000-8000-00000000ad01";
pub const ENTRA_CONNECTOR: &str = "b891884f-051e-4a83-95af-2544101c9083";
/// Stands at the head of the description of a rule that a script made.
const OURS: &str = "groupshift:";

/// A synchronisation rule, as scripts show it.
#[derive(Debug, Clone, PartialEq)]
pub struct Rule {
    pub id: String,
    pub name: String,
    pub description: String,
    pub direction: String,
    pub connector: String,
    pub link_type: String,
    pub precedence: i64,
    pub disabled: bool,
    /// Destination, kind, source.
    pub flows: Vec<(String, String, String)>,
    /// Attribute, operator, value.
    pub conditions: Vec<(String, String, String)>,
}

/// What an administrator gets wrong, once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Twist {
    /// The evidence of another run.
    Nonce(String),
    /// Run on another server.
    Computer(String),
    /// The script of another plan.
    Plan(String),
    /// With -WhatIf.
    WhatIf,
    /// The file is copied while it is being written.
    Cut,
    /// A value is missing from the state.
    Lacks(&'static str),
    /// A run profile ended with an error.
    RunFailed,
    /// The file of pending exports was opened and saved again.
    ExportTouched,
    /// The file of pending exports was left on the server.
    ExportLeft,
}

/// The server's state, and who works on it.
#[derive(Debug, Clone)]
pub struct Server {
    pub name: String,
    pub staging: bool,
    pub scheduler: bool,
    pub v2: bool,
    pub v1: bool,
    pub rules: Vec<Rule>,
    /// What would be exported to AD.
    pub pending: Vec<Pending>,
    pub cycles: u64,
    /// What the administrator types where a script asks for the domain's name.
    pub types: String,
    /// For the next script of this kind.
    pub twists: Vec<(String, Twist)>,
    /// Scripts that were run: step, kind, and what was said.
    pub history: Vec<(String, String, Vec<String>)>,
}

/// What a script did before it wrote its evidence.
struct Ran {
    notes: Vec<String>,
    detail: Map<String, Value>,
}

fn yes(ok: bool, otherwise: &str) -> Result<(), String> {
    if ok { Ok(()) } else { Err(otherwise.to_owned()) }
}

impl Server {
    /// Active, in good order, with group writeback V2 on.
    pub fn new() -> Server {
        let own = |n: u32, name: &str, precedence: i64, flows: &[&str]| Rule {
            id: format!("5a5a{n:04}-0000-4000-8000-000000000001"),
            name: name.to_owned(),
            description: String::new(),
            direction: "Inbound".to_owned(),
            connector: ENTRA_CONNECTOR.to_owned(),
            link_type: "Join".to_owned(),
            precedence,
            disabled: false,
            flows: flows.iter().map(|f| ((*f).to_owned(), "Direct".to_owned(), (*f).to_owned())).collect(),
            conditions: vec![("cloudMastered".to_owned(), "EQUAL".to_owned(), "true".to_owned())],
        };
        let flows = ["displayName", "description", "member", "targetWritebackType"];
        Server {
            name: SERVER.to_owned(),
            staging: false,
            scheduler: true,
            v2: true,
            v1: true,
            rules: vec![own(1, "In from AAD - Group SOAInAAD", 130, &flows)],
            pending: Vec::new(),
            cycles: 0,
            types: "contoso.test".to_owned(),
            twists: Vec::new(),
            history: Vec::new(),
        }
    }

    /// The rules by which Connect keeps the groups without writing them.
    fn guarded(&self, needed: &[String]) -> Result<(), String> {
        for id in needed {
            let there = self.rules.iter().any(|r| r.id.eq_ignore_ascii_case(id) && !r.disabled);
            yes(there, &format!("The coexistence rule {id} is not in force on this server. Nothing was changed."))?;
        }
        Ok(())
    }

    /// Runs a script and leaves its evidence there; an error is what the script throws, and then there is no evidence.
    pub fn run(&mut self, script: &Path, evidence: &Path) -> Result<(), String> {
        let text = std::fs::read_to_string(script).map_err(|e| format!("{}: {e}", script.display()))?;
        let script = Script::read(&text)?;
        let twist = self.twists.iter().position(|(kind, _)| *kind == script.kind).map(|i| self.twists.remove(i).1);
        yes(script.server.split('.').next() == Some(self.name.as_str()), "This script is for another server.")?;
        let mut ran = Ran { notes: Vec::new(), detail: Map::new() };
        if twist != Some(Twist::WhatIf) {
            self.act(&script, &mut ran, evidence, twist.as_ref())?;
        }
        self.history.push((script.step.clone(), script.kind.clone(), ran.notes.clone()));
        evidence::write(self, &script, &ran.notes, ran.detail, evidence, twist.as_ref())
    }

    fn act(&mut self, script: &Script, ran: &mut Ran, evidence: &Path, twist: Option<&Twist>) -> Result<(), String> {
        let staged = |why: &str| yes(self.staging, why);
        let rules_in_staging = "This server is not in staging mode. Rules are changed in staging mode only.";
        match script.kind.as_str() {
            // Done in the wizard, then read back by the script.
            "staging-on" | "staging-off" => {
                let on = script.kind == "staging-on";
                self.staging = on;
                ran.detail.insert("wanted".to_owned(), json!(on));
                ran.detail.insert("found".to_owned(), json!(self.staging));
                ran.notes.push(format!("Staging mode is {}.", if on { "on" } else { "off" }));
            }
            "scheduler-on" | "scheduler-off" => {
                let on = script.kind == "scheduler-on";
                ran.detail.insert("before".to_owned(), json!(self.scheduler));
                let already = if self.scheduler == on { " already" } else { "" };
                self.scheduler = on;
                ran.notes.push(format!("The scheduler is {}{already}.", if on { "on" } else { "off" }));
            }
            "coexistence-rules" => {
                staged(rules_in_staging)?;
                for rule in &script.rules {
                    self.add_rule(rule, &mut ran.notes)?;
                }
            }
            "remove-rules" => {
                yes(self.v2, "Group writeback V2 is not known to be on. The rules stay.")?;
                staged(rules_in_staging)?;
                for id in &script.needed {
                    let Some(at) = self.rules.iter().position(|r| r.id.eq_ignore_ascii_case(id)) else { continue };
                    yes(self.rules[at].description.starts_with(OURS), "The rule was not made by this plan.")?;
                    ran.notes.push(format!("Removed: {}", self.rules.remove(at).name));
                }
            }
            "full-sync" | "delta-sync" => {
                if script.staging_only {
                    staged("This server is not in staging mode: a cycle now would export. Nothing was started.")?;
                }
                self.cycles += 1;
                let result = if twist == Some(&Twist::RunFailed) { "completed-export-errors" } else { "success" };
                let result =
                    if twist == Some(&Twist::RunFailed) && self.staging { "stopped-server-down" } else { result };
                let word = if script.kind == "full-sync" { "Full" } else { "Delta" };
                let mut runs = Vec::new();
                for connector in ["contoso.test", "AAD"] {
                    for profile in ["Import", "Synchronization"] {
                        runs.push(
                            json!({ "connector": connector, "profile": format!("{word} {profile}"), "result": result }),
                        );
                    }
                    if !self.staging {
                        runs.push(json!({ "connector": connector, "profile": "Export", "result": "success" }));
                    }
                }
                let at = evidence::now();
                ran.detail.insert("startedAt".to_owned(), json!(at));
                ran.detail.insert("endedAt".to_owned(), json!(at));
                ran.detail.insert("runs".to_owned(), json!(runs));
                ran.notes.push("The cycle has ended.".to_owned());
            }
            "pending-exports" => {
                let files = evidence::exports(self, script, evidence, twist)?;
                ran.detail.insert("files".to_owned(), files);
            }
            "disable-v2" => {
                staged("This server is not in staging mode. Nothing was changed.")?;
                yes(!self.scheduler, "The scheduler is on. Nothing was changed.")?;
                self.guarded(&script.needed)?;
                ran.detail.insert("before".to_owned(), json!(self.v2));
                if self.v2 {
                    yes(self.types == script.domain, "That is not the name. Nothing was changed.")?;
                    self.v2 = false;
                    ran.notes.push("Group writeback V2 is off.".to_owned());
                } else {
                    ran.notes.push("Group writeback V2 is off already.".to_owned());
                }
            }
            other => return Err(format!("the double knows no script of the kind {other}")),
        }
        Ok(())
    }

    fn add_rule(&mut self, rule: &Rule, notes: &mut Vec<String>) -> Result<(), String> {
        if self.rules.iter().any(|r| r.id.eq_ignore_ascii_case(&rule.id)) {
            notes.push(format!("The rule {} is there; it is left as it is.", rule.name));
            return Ok(());
        }
        if let Some(other) = self.rules.iter().find(|r| r.precedence == rule.precedence) {
            return Err(format!("Precedence {} is taken by '{}'. Plan again.", rule.precedence, other.name));
        }
        self.rules.push(rule.clone());
        notes.push(format!("The rule {} was added.", rule.name));
        Ok(())
    }
}

/// The administrator at the folder of a run: the script that was laid there last is run, where it has no evidence yet.
pub struct Administrator {
    pub server: Server,
    /// Where `connect-state.json` is kept as the server is now.
    pub state_file: PathBuf,
}

impl Administrator {
    pub fn new(state_file: PathBuf) -> Administrator {
        let administrator = Administrator { server: Server::new(), state_file };
        administrator.keep_state();
        administrator
    }

    /// What the collector script would write on the server now.
    pub fn keep_state(&self) {
        std::fs::write(&self.state_file, connect_state(&self.server).to_string()).unwrap();
    }

    /// Does what waits in the run's folder; says what was run. A script that throws is told as the error. An older one that
    /// nobody asks for any more is left alone: it may be the one that turns V2 off.
    pub fn work(&mut self, run: &Path) -> Result<Vec<String>, String> {
        let mut done = Vec::new();
        if let Some((script, evidence)) = waiting(run).pop() {
            self.server.run(&script, &evidence)?;
            self.keep_state();
            done.push(script.file_stem().unwrap().to_string_lossy().into_owned());
        }
        Ok(done)
    }
}

/// Scripts of a run without evidence, and where the evidence goes: the oldest first.
pub fn waiting(run: &Path) -> Vec<(PathBuf, PathBuf)> {
    let Ok(entries) = std::fs::read_dir(run.join("scripts")) else { return Vec::new() };
    let mut out: Vec<(std::time::SystemTime, PathBuf, PathBuf)> = Vec::new();
    for entry in entries.flatten() {
        let path = entry.path();
        if path.extension().is_none_or(|e| e != "ps1") {
            continue;
        }
        let evidence = run.join("evidence").join(path.file_stem().unwrap()).with_extension("json");
        if !evidence.exists() {
            out.push((entry.metadata().and_then(|m| m.modified()).unwrap(), path, evidence));
        }
    }
    out.sort();
    out.into_iter().map(|(_, script, evidence)| (script, evidence)).collect()
}
