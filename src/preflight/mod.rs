//! What can be tested before anything is collected or changed: connections, sign-ins, rights, permissions, and every
//! gate of the environment that shows from here. Each line says what was tried and what was seen. Nothing is written.

mod ad;
mod entra;
pub mod model;

use crate::assess::{AboutBundle, Assessed, Settings};
use crate::collect::live::{self, Tell, ad as live_ad, entra as live_entra};
use crate::config::Config;
use crate::directory::inventory::Inventory;
use crate::error::{Error, Result};
use crate::report::model::{Gate, GateStatus, Severity, View};
use model::{Check, CommandState, PREFLIGHT_SCHEMA, Preflight};
use serde_json::{Value, json};
use tokio::sync::watch;

/// The commands whose needs are told apart.
const COMMANDS: [&str; 4] = ["collect", "plan", "cutover", "audit"];
/// Gates about totals need the groups themselves, which a preflight does not read.
const NOT_FROM_HERE: [&str; 1] = ["C19"];

/// How a preflight ended.
pub enum Outcome {
    Done(Box<Preflight>),
    Interrupted,
}

/// Tests what is configured.
pub fn run(config: &Config, settings: &Settings, tell: &Tell<'_>) -> Result<Outcome> {
    let (with_ad, with_entra) = (config.settings.ad.url.is_some(), config.settings.entra.tenant_id.is_some());
    let connect = live::connect_servers(config);
    if !with_ad && !with_entra && matches!(connect, Ok(None)) {
        return Err(Error::usage("nothing is configured that could be tested")
            .hint("Set url under [ad], tenant_id under [entra], export or state under [connect] in groupshift.toml."));
    }
    let ad = with_ad.then(|| live_ad::Reader::new(config)).transpose()?;
    let entra = with_entra.then(|| live_entra::Reader::new(config, &live::Wishes::default())).transpose()?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|e| Error::failed(format!("cannot start the network runtime: {e}")))?;
    let (known, container) = watch::channel(None);
    let both = runtime.block_on(async {
        let ad = async {
            match ad {
                Some(reader) => Some(reader.probe(container).await),
                None => None,
            }
        };
        let entra = async {
            match entra {
                Some(reader) => Some(reader.probe(known, tell).await),
                None => {
                    drop(known);
                    None
                }
            }
        };
        tokio::select! {
            both = async { tokio::join!(ad, entra) } => Some(both),
            _ = tokio::signal::ctrl_c() => None,
        }
    });
    runtime.shutdown_timeout(std::time::Duration::from_secs(1));
    let Some((ad, entra)) = both else { return Ok(Outcome::Interrupted) };
    let mut checks = Vec::new();
    let mut inventory = Inventory::default();
    match ad {
        None => checks.push(not_configured("ad.connect", "Active Directory", "[ad] url")),
        Some(Err(error)) => checks.push(failed("ad.connect", "connect to the domain controller and sign in", &error)),
        Some(Ok(probe)) => {
            ad::checks(&probe, &mut checks);
            inventory = probe.inventory;
        }
    }
    match entra {
        None => checks.push(not_configured("entra.connect", "Entra", "[entra] tenant_id")),
        Some(Err(error)) => checks.push(failed("entra.connect", "sign in to Entra and ask Graph", &error)),
        Some(Ok(probe)) => {
            entra::checks(&probe, &mut checks);
            let mut other = probe.inventory;
            inventory.cloud_sync = std::mem::take(&mut other.cloud_sync);
            inventory.take_entra(other);
        }
    }
    match connect {
        Ok(None) => checks.push(not_configured("connect.export", "Connect's export", "[connect] export or state")),
        Err(error) => checks.push(failed("connect.export", "read the Connect exports", &error)),
        Ok(Some(servers)) => {
            let names: Vec<&str> = servers.iter().map(|s| s.name.as_str()).collect();
            let message = format!("{} Connect server(s) read", servers.len());
            checks.push(pass("connect.export", "read the Connect exports", message).with(json!({ "servers": names })));
            inventory.connect = servers;
        }
    }
    let mut gates = gates(&inventory, settings)?;
    point_at_failures(&checks, &mut gates);
    let commands = COMMANDS.iter().map(|name| state_of(name, &checks, &gates)).collect();
    Ok(Outcome::Done(Box::new(Preflight { schema: PREFLIGHT_SCHEMA.to_owned(), checks, gates, commands })))
}

/// The same gates as an assessment's, over what was seen.
fn gates(inventory: &Inventory, settings: &Settings) -> Result<Vec<Gate>> {
    let about = AboutBundle {
        created: String::new(),
        sha256: String::new(),
        complete: true,
        anonymised: false,
        limits: Vec::new(),
    };
    let assessed = Assessed::run(inventory, settings, about)?;
    let mut gates: Vec<Gate> =
        assessed.header().gates.iter().filter(|g| !NOT_FROM_HERE.contains(&g.id.as_str())).cloned().collect();
    for gate in &mut gates {
        // The gates speak to a reader of exported files too.
        gate.remediation = gate.remediation.replace(", or run preflight", "");
    }
    Ok(gates)
}

/// Which connection would show a gate.
const SHOWN_BY: [(&str, &[&str]); 3] = [
    ("ad.connect", &["E4", "E13", "C37"]),
    ("entra.connect", &["E1", "E2", "E3", "E11"]),
    ("connect.export", &["E6", "E7", "E8", "E9", "E10"]),
];

/// Where the connection failed that would show a gate, the first thing to do is to mend that, not to export files.
fn point_at_failures(checks: &[Check], gates: &mut [Gate]) {
    for (check, shows) in SHOWN_BY {
        if !checks.iter().any(|c| c.id == check && c.status == GateStatus::Fail) {
            continue;
        }
        for gate in gates.iter_mut().filter(|g| g.status == GateStatus::Unknown && shows.contains(&g.id.as_str())) {
            gate.remediation = format!("Mend {check} above: it is seen from here then.");
        }
    }
}

fn state_of(command: &str, checks: &[Check], gates: &[Gate]) -> CommandState {
    let of_checks = checks.iter().filter(|c| c.blocks.iter().any(|b| b == command)).map(|c| (c.id.as_str(), c.status));
    let holds = |b: &String| b == command || b.strip_prefix(command).is_some_and(|rest| rest.starts_with(" "));
    let of_gates = gates.iter().filter(|g| g.blocks.iter().any(holds)).map(|g| (g.id.as_str(), g.status));
    let (mut failing, mut open) = (Vec::new(), Vec::new());
    for (id, status) in of_checks.chain(of_gates) {
        match status {
            GateStatus::Fail => failing.push(id.to_owned()),
            GateStatus::Unknown => open.push(id.to_owned()),
            _ => {}
        }
    }
    let ready = match (failing.is_empty(), open.is_empty()) {
        (false, _) => GateStatus::Fail,
        (true, false) => GateStatus::Unknown,
        (true, true) => GateStatus::Pass,
    };
    failing.append(&mut open);
    CommandState { command: command.to_owned(), ready, held_back_by: failing }
}

fn check(id: &str, status: GateStatus, severity: Severity, tried: &str, message: impl Into<String>) -> Check {
    Check {
        id: id.to_owned(),
        status,
        severity,
        blocks: Vec::new(),
        tried: tried.to_owned(),
        message: message.into(),
        remediation: String::new(),
        evidence: json!({}),
    }
}

fn pass(id: &str, tried: &str, message: impl Into<String>) -> Check {
    check(id, GateStatus::Pass, Severity::Info, tried, message)
}

impl Check {
    fn blocks(mut self, commands: &[&str]) -> Check {
        self.blocks = commands.iter().map(|c| (*c).to_owned()).collect();
        self
    }
    fn remedy(mut self, text: impl Into<String>) -> Check {
        self.remediation = text.into();
        self
    }
    fn with(mut self, evidence: Value) -> Check {
        self.evidence = evidence;
        self
    }
}

fn not_configured(id: &str, what: &str, key: &str) -> Check {
    let message = format!("{what} is not configured, so nothing of it was tried");
    check(id, GateStatus::Unknown, Severity::Medium, &format!("look for {key}"), message)
        .remedy(format!("Set {key} in groupshift.toml."))
}

/// An error as a line: what happened, and its hints as the remedy.
fn failed(id: &str, tried: &str, error: &Error) -> Check {
    check(id, GateStatus::Fail, Severity::Blocker, tried, error.to_string())
        .blocks(&["collect", "cutover", "audit"])
        .remedy(error.hints.join(" "))
}
