//! The port over the twin's Connect servers: each errand has the effect of its script, checks what the script checks, and
//! leaves the evidence that the script leaves.

use super::Shared;
use super::connect::guarded;
use super::faults::Port;
use super::world::{World, stamp};
use crate::cutover::port::{Done, Errand, SyncServer};
use crate::directory::ObjectGuid;
use crate::directory::connect::{Direction, Flow, FlowKind, ScopeCondition, ScopeGroup, SyncRule, entra_connector};
use crate::error::{Error, Place, Result};
use crate::plan::model::{RulePlan, ServerPlan};
use serde_json::{Map, Value, json};
use std::time::Duration;

/// The Connect servers in memory.
pub struct TwinServers(pub(super) Shared);

/// Stands at the head of a rule that a script made.
const OURS: &str = "groupshift: keeps Connect from writing or deleting groups that Cloud Sync maintains.";

impl SyncServer for TwinServers {
    async fn perform(&self, errand: &Errand) -> Result<Done> {
        let world = &mut *self.0.borrow_mut();
        let mut done = None;
        let what = format!("{} on {}", errand.step, errand.server);
        let attempted = world.attempt(Port::Servers, &what, |world| {
            done = Some(world.perform(errand));
            Ok(())
        });
        attempted?;
        done.unwrap_or_else(|| Err(Error::failed("the script was not run")))
    }
}

/// What a script came to.
pub(super) struct Ran {
    pub kind: String,
    pub step: String,
    pub notes: Vec<String>,
    pub detail: Map<String, Value>,
}

fn thrown(server: &str, message: impl Into<String>) -> Error {
    Error::failed(format!("the script ended with an error: {}", message.into()))
        .at(Place::default().object(server))
        .hint("Nothing was changed by it. Put right what it says, then run it again.")
}

impl World {
    fn perform(&mut self, errand: &Errand) -> Result<Done> {
        // Somebody reads the script, opens a session, runs it.
        self.pass(Duration::from_secs(60));
        let Some(at) = self.connect.server(&errand.server) else {
            return Err(thrown(&errand.server, "there is no such server"));
        };
        let id = errand.step.strip_suffix("-undo").unwrap_or(&errand.step);
        let own = self.connect.steps.get(id).cloned().unwrap_or_else(|| errand.kind.clone());
        let (kind, step) = match (errand.undo, crate::plan::scripts::undo_kind(&own)) {
            (true, Some(undo)) => (undo.to_owned(), format!("{id}-undo")),
            (true, None) => return Err(thrown(&errand.server, format!("{own} has no script that takes it back"))),
            (false, _) => (own, id.to_owned()),
        };
        let mut ran = Ran { kind, step, notes: Vec::new(), detail: Map::new() };
        self.run(at, &mut ran, errand)?;
        self.connect.changed = true;
        self.write_evidence(at, &ran, errand)?;
        Ok(Done::Evidence)
    }

    fn run(&mut self, at: usize, ran: &mut Ran, errand: &Errand) -> Result<()> {
        let name = self.connect.servers[at].name.clone();
        let staging = self.connect.servers[at].staging;
        let must_stage = |why: &str| if staging { Ok(()) } else { Err(thrown(&name, why)) };
        match ran.kind.as_str() {
            "staging-on" | "staging-off" => {
                let on = ran.kind == "staging-on";
                self.connect.servers[at].staging = on;
                ran.detail.insert("wanted".to_owned(), json!(on));
                ran.detail.insert("found".to_owned(), json!(on));
                ran.notes.push(format!("Staging mode is {}.", if on { "on" } else { "off" }));
            }
            "scheduler-on" | "scheduler-off" => {
                let on = ran.kind == "scheduler-on";
                let before = self.connect.scheduler;
                ran.detail.insert("before".to_owned(), json!(before));
                let already = if before == on { " already" } else { "" };
                if before != on {
                    self.connect.set_scheduler(on, self.now);
                }
                ran.notes.push(format!("The scheduler is {}{already}.", if on { "on" } else { "off" }));
            }
            "coexistence-rules" => {
                must_stage("This server is not in staging mode. Rules are changed in staging mode only.")?;
                let plan = self.server_plan(&name)?;
                self.add_rules(at, &plan, &mut ran.notes)?;
            }
            "remove-rules" => {
                if !self.connect.v2 {
                    return Err(thrown(&name, "Group writeback V2 is not known to be on. The rules stay."));
                }
                must_stage("This server is not in staging mode. Rules are changed in staging mode only.")?;
                let rules = &mut self.connect.servers[at].rules;
                let gone: Vec<String> =
                    rules.iter().filter(|r| r.description == OURS).map(|r| format!("Removed: {}", r.name)).collect();
                rules.retain(|r| r.description != OURS);
                ran.notes.extend(gone);
            }
            "full-sync" | "delta-sync" => {
                if ran.kind == "full-sync" {
                    must_stage("This server is not in staging mode: a cycle now would export. Nothing was started.")?;
                }
                ran.detail.insert("startedAt".to_owned(), json!(stamp(self.now)));
                self.pass(Duration::from_secs(4 * 60));
                self.synchronise(at);
                if !staging {
                    self.export(at);
                }
                ran.detail.insert("endedAt".to_owned(), json!(stamp(self.now)));
                ran.detail.insert("runs".to_owned(), self.runs(at, ran.kind == "full-sync"));
                ran.notes.push("The cycle has ended.".to_owned());
            }
            "pending-exports" => self.export_to_files(at, ran, errand)?,
            "disable-v2" => self.disable_v2(at, ran)?,
            other => return Err(thrown(&name, format!("there is no script of the kind {other}"))),
        }
        Ok(())
    }

    fn server_plan(&self, name: &str) -> Result<ServerPlan> {
        let found = self.connect.plans.iter().find(|p| p.name.eq_ignore_ascii_case(name)).cloned();
        found.ok_or_else(|| thrown(name, "the plan has nothing for this server"))
    }

    fn disable_v2(&mut self, at: usize, ran: &mut Ran) -> Result<()> {
        let server = &self.connect.servers[at];
        let name = server.name.clone();
        if !server.staging {
            return Err(thrown(&name, "This server is not in staging mode. Nothing was changed."));
        }
        if self.connect.scheduler {
            return Err(thrown(&name, "The scheduler is on. Nothing was changed."));
        }
        if !guarded(&server.rules) {
            return Err(thrown(&name, "The coexistence rules are not in force on this server. Nothing was changed."));
        }
        ran.detail.insert("before".to_owned(), json!(self.connect.v2));
        let said = if self.connect.v2 { "Group writeback V2 is off." } else { "Group writeback V2 is off already." };
        ran.notes.push(said.to_owned());
        self.connect.v2 = false;
        self.cloud.v2 = self.cloud.v2.map(|_| false);
        Ok(())
    }

    fn add_rules(&mut self, at: usize, plan: &ServerPlan, notes: &mut Vec<String>) -> Result<()> {
        let wanted = std::iter::once((&plan.inbound, true)).chain(plan.outbound.iter().map(|o| (o, false)));
        for (rule, inbound) in wanted.filter(|(r, _)| !r.present) {
            let what = if inbound { "inbound" } else { "outbound" };
            let server = &mut self.connect.servers[at];
            let id = ObjectGuid::parse(&rule.identifier);
            if server.rules.iter().any(|r| r.id == id) {
                notes.push(format!("The {what} rule is there; it is left as it is."));
                continue;
            }
            let precedence = rule.precedence.map(i64::from);
            if let Some(other) = server.rules.iter().find(|r| r.precedence == precedence) {
                let message =
                    format!("Precedence {} is taken by '{}'. Plan again.", precedence.unwrap_or(0), other.name);
                return Err(thrown(&server.name, message));
            }
            server.rules.push(made_rule(rule, id, inbound));
            notes.push(format!("The {what} rule was added."));
        }
        self.connect.servers[at].rules.sort_by_key(|r| (r.precedence, r.id));
        Ok(())
    }

    /// The run history after a cycle.
    fn runs(&self, at: usize, full: bool) -> Value {
        let server = &self.connect.servers[at];
        let word = if full { "Full" } else { "Delta" };
        let connectors = self.base.connect[server.row].connectors.iter().flatten();
        let mut out = Vec::new();
        for connector in connectors {
            for (profile, export) in [("Import", false), ("Synchronization", false), ("Export", true)] {
                if export && server.staging {
                    continue;
                }
                let profile = if export { profile.to_owned() } else { format!("{word} {profile}") };
                out.push(json!({ "connector": connector.name, "profile": profile, "result": "success" }));
            }
        }
        Value::Array(out)
    }
}

fn made_rule(plan: &RulePlan, id: Option<ObjectGuid>, inbound: bool) -> SyncRule {
    let condition = |attribute: &str, operator: &str, value: &str| ScopeCondition {
        attribute: attribute.to_owned(),
        operator: operator.to_owned(),
        value: value.to_owned(),
    };
    let conditions = match inbound {
        true => vec![condition("cloudMastered", "EQUAL", "true"), condition("mail", "ISNULL", "")],
        false => vec![condition("cloudNoFlow", "EQUAL", "true")],
    };
    let mark = Flow {
        target: "cloudNoFlow".to_owned(),
        kind: FlowKind::Constant,
        source: Vec::new(),
        text: "true".to_owned(),
        merge: "Update".to_owned(),
        execute_once: false,
    };
    SyncRule {
        id,
        name: plan.name.clone(),
        description: OURS.to_owned(),
        direction: Some(if inbound { Direction::Inbound } else { Direction::Outbound }),
        connector: plan.connector.as_deref().and_then(ObjectGuid::parse).or(inbound.then(entra_connector)),
        source_object_type: "group".to_owned(),
        target_object_type: "group".to_owned(),
        link_type: if inbound { "Join" } else { "JoinNoFlow" }.to_owned(),
        precedence: plan.precedence.map(i64::from),
        immutable_tag: None,
        disabled: Some(false),
        scope: vec![ScopeGroup { conditions }],
        joins: Vec::new(),
        flows: if inbound { vec![mark] } else { Vec::new() },
    }
}
