//! A provisioning agent for the lab: it plays Cloud Sync between the fake tenant and a real domain controller. A cycle takes
//! the groups that are assigned, finds each in the domain by its stamp, and writes name, place, attributes and members
//! as the job's saved schema says, with an account of its own. It knows nothing of a plan or a prediction.
//!
//! What the documentation leaves open is a switch of `Behaviour`; what no documentation foresees is a `Misdeed`. Cycles
//! follow each other as fast as a test wants while the job is active; `cloud` is the tenant as the agent sees it,
//! `directory` its hands in AD.

// Each test file uses another part of it.
#![allow(dead_code)]

mod cloud;
mod directory;
mod provision;

pub use cloud::{Cloud, Snapshot};

use super::directory::{Controller, PASSWORD};
use super::tenant::Tenant;
use super::tenant::state::State;
use super::tenant::writes::{OnDemand, Provisioned};
use super::world;
use chrono::{SecondsFormat, Utc};
use directory::Hands;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// What the documentation leaves open. By default the service leaves alone whatever it may.
#[derive(Debug, Clone)]
pub struct Behaviour {
    /// "Provision membership to on-premises users" is on.
    pub on_premises_members: bool,
    /// The first update takes out members that stand for Entra members which the job cannot write.
    pub strips_unprovisionable: bool,
    /// A matched group moves where only its container differs.
    pub moves: bool,
    /// A group that leaves the scope is deleted, where neither flow types nor settings forbid it.
    pub deletes_out_of_scope: bool,
    /// Neither the settings that forbid it are heeded, nor the threshold.
    pub ignores_settings: bool,
    /// The match disregards letter case.
    pub case_blind: bool,
    /// Between two cycles of an active job.
    pub interval: Duration,
    /// The agent's host is down: no cycle comes, whatever the job's status is.
    pub rests: bool,
    /// What is done to a group, once, when it is next provisioned: by object id.
    pub misdeeds: Vec<(String, Misdeed)>,
}

impl Default for Behaviour {
    fn default() -> Self {
        Behaviour {
            on_premises_members: true,
            strips_unprovisionable: false,
            moves: false,
            deletes_out_of_scope: false,
            ignores_settings: false,
            case_blind: false,
            interval: Duration::from_millis(250),
            rests: false,
            misdeeds: Vec::new(),
        }
    }
}

/// What nobody foretold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Misdeed {
    /// Takes every member out.
    Empties,
    /// Takes one member out.
    TakesOut(String),
    Adds(String),
    /// Another CN in the same container.
    Renames(String),
    /// Another container.
    MovesTo(String),
    /// A second group with the same stamp.
    Duplicates,
    Deletes,
    /// The group under its name again, with another SID.
    Recreates,
    /// Another text.
    Describes(String),
    /// A member more in a group that is not its business, by DN.
    Touches {
        group: String,
        member: String,
    },
    /// The group is passed over without a word.
    Skips,
}

/// What the agent knows from one cycle to the next, as the service's watermark does.
#[derive(Debug, Default, Clone)]
pub struct Memory {
    schema: u64,
    /// Object id of each group that was provisioned, and what it looked like.
    seen: BTreeMap<String, u64>,
    pub cycles: u64,
}

struct Shared {
    hands: Hands,
    behaviour: Mutex<Behaviour>,
    memory: Mutex<Memory>,
    ended: AtomicBool,
}

/// The agent; it works until it is dropped.
pub struct Agent {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

impl Agent {
    /// Works for this tenant on this controller.
    pub fn start(controller: &Controller, tenant: Arc<Mutex<Tenant>>) -> Agent {
        let mut agent = Agent::idle(&controller.ldaps(), controller.ca_file.clone());
        let (shared, own) = (agent.shared.clone(), tenant.clone());
        // Called without a lock on the tenant; it takes one, so that it never meets a cycle.
        State::of(tenant.clone()).on_demand(move |wanted| {
            let mut tenant = own.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            on_demand(&shared, &mut *tenant, &wanted)
        });
        let shared = agent.shared.clone();
        agent.thread = Some(std::thread::spawn(move || {
            while !shared.ended.load(Ordering::SeqCst) {
                // A cycle and a request of Graph's exclude each other: a pause that was answered is a pause.
                let mut tenant = tenant.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                let rests = shared.behaviour.lock().unwrap().rests;
                let active = !rests && tenant.snapshot().code() == "Active";
                if active {
                    cycle(&shared, &mut *tenant);
                }
                drop(tenant);
                let rested = Instant::now();
                loop {
                    std::thread::sleep(Duration::from_millis(20));
                    let wait = shared.behaviour.lock().unwrap().interval;
                    if !active || rested.elapsed() >= wait || shared.ended.load(Ordering::SeqCst) {
                        break;
                    }
                }
            }
        }));
        agent
    }

    /// One that does nothing by itself.
    pub fn idle(url: &str, ca_file: PathBuf) -> Agent {
        let hands = Hands::new(url, world::AGENT, PASSWORD, &ca_file);
        let shared =
            Shared { hands, behaviour: Mutex::default(), memory: Mutex::default(), ended: AtomicBool::new(false) };
        Agent { shared: Arc::new(shared), thread: None }
    }

    pub fn behave(&self, change: impl FnOnce(&mut Behaviour)) {
        change(&mut self.shared.behaviour.lock().unwrap());
    }
    pub fn cycles(&self) -> u64 {
        self.shared.memory.lock().unwrap().cycles
    }
    /// Misdeeds that are still to be done.
    pub fn to_do(&self) -> usize {
        self.shared.behaviour.lock().unwrap().misdeeds.len()
    }

    /// One cycle now.
    pub fn cycle(&self, cloud: &mut (dyn Cloud + Send)) {
        cycle(&self.shared, cloud);
    }

    pub fn memory(&self) -> Memory {
        self.shared.memory.lock().unwrap().clone()
    }
    pub fn remember(&self, memory: Memory) {
        *self.shared.memory.lock().unwrap() = memory;
    }
    /// A restart of the job from the beginning: everything is looked at anew.
    pub fn forget(&self) {
        *self.shared.memory.lock().unwrap() = Memory::default();
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        self.shared.ended.store(true, Ordering::SeqCst);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// What provisioning one group came to.
#[derive(Debug, Clone)]
pub struct Deed {
    pub action: &'static str,
    pub status: &'static str,
    pub code: &'static str,
    pub says: String,
    pub target: Option<String>,
}

impl Deed {
    fn done(action: &'static str, target: &str) -> Deed {
        Deed { action, status: "success", code: "", says: String::new(), target: Some(target.to_owned()) }
    }
    fn skipped(code: &'static str, says: impl Into<String>) -> Deed {
        Deed { action: "other", status: "skipped", code, says: says.into(), target: None }
    }
    fn failed(code: &'static str, says: impl Into<String>) -> Deed {
        Deed { action: "other", status: "failure", code, says: says.into(), target: None }
    }
}

pub const DUPLICATES: &str = "HybridSynchronizationActiveDirectoryUnexpectedDuplicateEntriesFound";

fn cycle(shared: &Shared, cloud: &mut (dyn Cloud + '_)) {
    let snapshot = cloud.snapshot();
    let began = now();
    let behaviour = shared.behaviour.lock().unwrap().clone();
    let mut memory = shared.memory.lock().unwrap();
    let outcome = in_a_runtime(provision::cycle(&shared.hands, &snapshot, &behaviour, &mut memory));
    memory.cycles += 1;
    let number = memory.cycles;
    drop(memory);
    let (deeds, failed) = match outcome {
        Ok(cycled) => {
            let mut behaviour = shared.behaviour.lock().unwrap();
            behaviour.misdeeds.retain(|m| !cycled.done.contains(m));
            (cycled.deeds, None)
        }
        Err(text) => (Vec::new(), Some(text)),
    };
    let quarantine = deeds.iter().find_map(|(_, d)| match d.code {
        DUPLICATES => Some(("EncounteredQuarantineException", d.says.clone())),
        "TooManyDeletes" => Some(("TooManyDeletes", d.says.clone())),
        _ => None,
    });
    let count = deeds.len();
    for (group, deed) in &deeds {
        cloud.log(entry(&snapshot, group, deed, number));
    }
    cloud.status(&mut |status| {
        let failed = failed.clone().or_else(|| quarantine.as_ref().map(|(reason, _)| (*reason).to_owned()));
        executed(status, &began, count, number, failed.as_deref());
        if let Some((reason, message)) = &quarantine {
            status["code"] = json!("Quarantine");
            status["quarantine"] = json!({
                "reason": reason, "currentBegan": now(), "seriesBegan": now(), "seriesCount": 1, "nextAttempt": null,
                "error": { "code": reason, "message": message },
            });
        }
    });
}

fn on_demand(shared: &Shared, cloud: &mut dyn Cloud, wanted: &OnDemand) -> Provisioned {
    let snapshot = cloud.snapshot();
    let behaviour = shared.behaviour.lock().unwrap().clone();
    let group = &wanted.group;
    let done = in_a_runtime(provision::one(&shared.hands, &snapshot, &behaviour, group, Some(&wanted.members)));
    let (deed, done) = done.unwrap_or_else(|text| (Deed::failed("InternalError", text), Vec::new()));
    shared.behaviour.lock().unwrap().misdeeds.retain(|m| !done.contains(m));
    cloud.log(entry(&snapshot, group, &deed, 0));
    let result = match deed.status {
        "success" => "Success",
        "skipped" => "Skipped",
        _ => "Failure",
    };
    let details = json!({ "errorCode": deed.code, "errorMessage": deed.says });
    Provisioned { result: result.to_owned(), details, value: json!({ "action": deed.action }) }
}

/// In a thread and a runtime of its own: callers may stand in a runtime already.
fn in_a_runtime<T: Send>(work: impl Future<Output = T> + Send) -> T {
    std::thread::scope(|scope| {
        let thread =
            scope.spawn(|| tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work));
        thread.join().unwrap()
    })
}

fn now() -> String {
    Utc::now().to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// An entry of the provisioning log.
fn entry(snapshot: &Snapshot, group: &str, deed: &Deed, cycle: u64) -> Value {
    let error = match deed.code {
        "" => Value::Null,
        code => json!({ "errorCode": code, "reason": deed.says, "errorCategory": "nonServiceFailure",
                        "additionalDetails": null, "recommendedAction": null }),
    };
    let id = uuid::Uuid::new_v4().to_string();
    json!({
        "id": id, "activityDateTime": now(), "changeId": id, "cycleId": format!("cycle-{cycle}"),
        "jobId": snapshot.job["id"], "tenantId": world::id("tenant"), "provisioningAction": deed.action,
        "provisioningStatusInfo": { "status": deed.status, "errorInformation": error },
        "servicePrincipal": { "id": world::cutover::principal_id(), "displayName": "contoso.test" },
        "sourceIdentity": { "id": group, "displayName": snapshot.group(group)["displayName"], "identityType": "Group", "details": {} },
        "targetIdentity": { "id": deed.target, "displayName": deed.target, "identityType": "group", "details": {} },
        "modifiedProperties": [], "provisioningSteps": [],
    })
}

/// The job's status after an execution.
fn executed(status: &mut Value, began: &str, count: usize, number: u64, failed: Option<&str>) {
    let execution = json!({
        "activityIdentifier": uuid::Uuid::new_v4().to_string(), "timeBegan": began, "timeEnded": now(),
        "state": if failed.is_none() { "Succeeded" } else { "Failed" },
        "error": failed.map(|text| json!({ "code": "ExecutionFailed", "message": text })),
        "countEntitled": count, "countEntitledForProvisioning": count, "countEscrowed": 0, "countEscrowedRaw": 0,
        "countExported": count, "countExports": count, "countImported": count,
        "countImportedDeltas": count, "countImportedReferenceDeltas": 0,
    });
    if failed.is_none() {
        status["lastSuccessfulExecution"] = execution.clone();
        status["steadyStateLastAchievedTime"] = json!(now());
        status["countSuccessiveCompleteFailures"] = json!(0);
    } else {
        let failures = status["countSuccessiveCompleteFailures"].as_u64().unwrap_or(0);
        status["countSuccessiveCompleteFailures"] = json!(failures + 1);
    }
    status["lastExecution"] = execution;
    status["progress"] = json!([{ "completedUnits": number, "progressObservationDateTime": now(), "totalUnits": number, "units": "cycles" }]);
}
