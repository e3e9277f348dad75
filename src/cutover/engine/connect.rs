//! Steps on a Connect server: the script with the run's own nonce is laid ready, somebody (or the program itself, on
//! that server) runs it, and its evidence is judged before the run believes it.

use super::evidence::{self, Anchored, Claim};
use super::look::{FIRST, anchored};
use super::{Engine, Go, Halt, Stop, Surroundings};
use crate::cutover::port::{Answer, Done, Errand, Level, Operator, SyncServer};
use crate::cutover::record::SnapshotKind;
use crate::cutover::store::Snapshot;
use crate::directory::{ObjectGuid, write_key};
use crate::error::{Error, Result};
use crate::plan::model::{ServerPlan, Step};
use crate::plan::scripts;
use chrono::{DateTime, TimeDelta, Utc};
use hashbrown::HashSet;
use serde_json::{Value, json};
use std::path::PathBuf;
use std::rc::Rc;

impl<P: Surroundings> Engine<'_, P> {
    pub(super) async fn errand(&self, step: &Step) -> Go<Option<String>> {
        if step.point_of_no_return {
            self.gate_irreversible(step).await?;
        }
        if matches!(step.kind.as_str(), "scheduler-on" | "staging-off" | "disable-v2") {
            self.pending_is_fresh(step).await?;
        }
        self.run_script(step, false).await
    }

    /// The pending exports that a step rests on were seen after the last cycle: else they are looked at again.
    pub(super) async fn pending_is_fresh(&self, step: &Step) -> Go {
        let position = self.plan.steps.iter().position(|s| s.id == step.id).unwrap_or_default();
        let former = self.plan.steps[..position].iter().rev().find(|s| s.kind == "pending-exports");
        let Some(pending) = former else { return Ok(()) };
        let fact = self.fact(&format!("evidence:{}", pending.id))?;
        let seen = self.evidence_time(&pending.id)?;
        let interval = fact.as_ref().and_then(|f| f.get("minutes")?.as_i64());
        let age = seen.map(|at: DateTime<Utc>| self.now() - at);
        // While the scheduler runs a cycle may begin at any moment after its interval; without it only by hand.
        let limit = TimeDelta::minutes(interval.unwrap_or(12 * 60));
        let after_sync = match (seen, self.last_sync()?) {
            (Some(at), Some(sync)) => at + TimeDelta::minutes(1) >= sync,
            _ => true,
        };
        // Cycles start by themselves once the scheduler is on: what was pending before may not be all any more.
        let mut scheduler_on = None;
        for between in self.plan.steps[..position].iter().filter(|s| s.kind == "scheduler-on") {
            scheduler_on = scheduler_on.max(self.evidence_time(&between.id)?);
        }
        let before_scheduler =
            step.kind == "staging-off" && seen.is_some_and(|at| scheduler_on.is_some_and(|on| on >= at));
        if age.is_some_and(|age| age <= limit) && after_sync && !before_scheduler {
            return Ok(());
        }
        // Given out already, and waited for: a run that comes back for the evidence does not ask for another one.
        let given_out = self.fact(&format!("attempt:{}", pending.id))?.and_then(|v| v.as_u64()).unwrap_or(1);
        let shown = fact.as_ref().and_then(|f| f.get("attempt")?.as_u64()).unwrap_or(given_out);
        if shown >= given_out {
            self.say(
                Level::Info,
                &format!("{}: the pending exports are looked at again: a cycle may have run since", pending.id),
            )?;
            self.run.put(&format!("issued:{}", pending.id), &Value::Null)?;
            self.next_attempt(&pending.id)?;
        }
        self.run_script(pending, false).await?;
        Ok(())
    }

    fn evidence_time(&self, id: &str) -> Result<Option<DateTime<Utc>>> {
        let fact = self.fact(&format!("evidence:{id}"))?;
        Ok(fact.and_then(|f| serde_json::from_value(f.get("at")?.clone()).ok()))
    }

    /// When the last cycle ended that this run had run.
    fn last_sync(&self) -> Result<Option<DateTime<Utc>>> {
        Ok(self.fact("last-sync")?.and_then(|v| serde_json::from_value(v).ok()))
    }

    fn server_of(&self, step: &Step) -> Result<&ServerPlan> {
        let name = step.server.as_deref().unwrap_or_default();
        let found = self.plan.connect.iter().find(|s| s.name == name);
        found.ok_or_else(|| {
            Error::failed(format!("step {} names the Connect server {name:?}, which the plan does not have", step.id))
        })
    }

    /// Has a step's script run (or its undo), and judges the evidence.
    pub(crate) async fn run_script(&self, step: &Step, undo: bool) -> Go<Option<String>> {
        self.run_script_where(step, undo, false).await
    }

    pub(crate) async fn run_script_where(&self, step: &Step, undo: bool, members_may_flow: bool) -> Go<Option<String>> {
        let server = self.server_of(step)?;
        let path = if undo { step.undo.script.as_deref() } else { step.script.as_deref() };
        let Some(path) = path else { return Ok(None) };
        let (id, kind) = match undo {
            true => (format!("{}-undo", step.id), scripts::undo_kind(&step.kind).unwrap_or_default().to_owned()),
            false => (step.id.clone(), step.kind.clone()),
        };
        let anchored = match self.anchored.get() {
            Some(known) => Rc::clone(known),
            None => Rc::new(self.anchored_keys()?),
        };
        if self.has_look(FIRST) {
            let _ = self.anchored.set(Rc::clone(&anchored));
        }
        let issued: DateTime<Utc> = match self.fact(&format!("issued:{id}"))? {
            Some(at) => serde_json::from_value(at).unwrap_or_else(|_| self.now()),
            None => self.now(),
        };
        self.run.put(&format!("issued:{id}"), &json!(issued))?;
        let not_before = if kind == "pending-exports" { self.last_sync()?.max(Some(issued)) } else { Some(issued) };
        loop {
            self.breathe()?;
            let key = format!("attempt:{id}");
            let attempt = self.fact(&key)?.and_then(|v| v.as_u64()).unwrap_or(1);
            let errand = self.errand_of(step, path, &id, &kind, server, undo, attempt)?;
            match self.ports.servers().perform(&errand).await? {
                Done::Evidence => {}
                Done::Waiting(what) => {
                    self.say(Level::Info, &what)?;
                    match self
                        .ports
                        .operator()
                        .ask("Press Enter when the evidence lies there", "groupshift cutover resume")
                        .await?
                    {
                        Answer::Text(_) => continue,
                        Answer::Nobody => {
                            return Err(Halt::Gate(
                                Stop {
                                    step: step.id.clone(),
                                    ..Stop::new(format!("{id} is for the Connect administrator of {}", server.name))
                                }
                                .line(what)
                                .next("When the evidence lies there: groupshift cutover resume"),
                            ));
                        }
                    }
                }
            }
            let (found, body) = evidence::read(&errand.evidence)?;
            let folder = errand.evidence.parent().map(PathBuf::from).unwrap_or_default();
            let claim = Claim {
                plan: &self.plan.sha256,
                step: &id,
                kind: &kind,
                nonce: &errand.nonce,
                server,
                anchored: &anchored,
                not_before,
                now: self.now(),
                members_may_flow,
            };
            let against = evidence::judge(&found, &claim, &folder)?;
            if against.is_empty() {
                self.keep_evidence(&id, server, body)?;
                self.note_evidence(&id, &kind, &found, attempt)?;
                self.say(
                    Level::Info,
                    &format!(
                        "{id}: shown by the evidence of {} of {}",
                        found.computer_name,
                        found.at.format("%Y-%m-%d %H:%M:%S UTC")
                    ),
                )?;
                return Ok(Some(format!("evidence of {}", found.at.to_rfc3339())));
            }
            // The next try carries another nonce, so that this file does not count again.
            self.run.put(&key, &json!(attempt + 1))?;
            self.run.put(&format!("issued:{id}"), &Value::Null)?;
            let mut stop = Stop {
                step: step.id.clone(),
                ..Stop::new(format!("the evidence of {} does not show what it has to", server.name))
            };
            stop = stop.lines(against);
            return Err(match kind.as_str() {
                "pending-exports" => Halt::Drift(
                    stop.next("Connect is about to change groups that Cloud Sync is to maintain. Leave the scheduler off, find out why, mend it.")
                        .next("Then: groupshift cutover resume (the script is run again, with a new nonce)"),
                ),
                _ => Halt::Gate(stop.next("Mend it on the server, then: groupshift cutover resume (the script is run again, with a new nonce)")),
            });
        }
    }

    #[expect(clippy::too_many_arguments, reason = "an errand is said in one piece")]
    fn errand_of(
        &self,
        step: &Step,
        path: &str,
        id: &str,
        kind: &str,
        server: &ServerPlan,
        undo: bool,
        attempt: u64,
    ) -> Result<Errand> {
        let nonce = format!("{}-{id}-{attempt}", self.run.record()?.nonce);
        let folder = self.run.folder();
        let script = folder.join("scripts").join(format!("{id}-{attempt}.ps1"));
        let rendered = scripts::script(self.plan, path)?;
        let text = rendered
            .map(|s| s.text.replace(scripts::NONCE, &nonce))
            .ok_or_else(|| Error::failed(format!("the plan has no script {path}")))?;
        let evidence = folder.join("evidence").join(format!("{id}-{attempt}.json"));
        for file in [&script, &evidence] {
            let parent = file.parent().unwrap_or(&folder);
            std::fs::create_dir_all(parent).map_err(|e| Error::io("create the folder", parent, e))?;
        }
        let current = std::fs::read(&script).unwrap_or_default();
        if current != text.as_bytes() {
            std::fs::write(&script, text).map_err(|e| Error::io("write the script", &script, e))?;
        }
        Ok(Errand {
            step: step.id.clone(),
            kind: kind.to_owned(),
            server: server.name.clone(),
            script,
            undo,
            nonce,
            evidence,
        })
    }

    fn anchored_keys(&self) -> Result<Anchored> {
        if !self.has_look(FIRST) {
            return Ok(Anchored::default());
        }
        let look = self.open_look(FIRST)?;
        let anchors = |ids: &HashSet<ObjectGuid>| -> HashSet<String> {
            ids.iter().map(|id| crate::directory::Anchor(*id).to_string().to_lowercase()).collect()
        };
        let with_connect = self.stays_with_connect();
        let mut out = Anchored {
            kept_anchors: anchors(&with_connect),
            made_anchors: anchors(&self.made_by_v1()),
            ..Anchored::default()
        };
        for (row, _) in anchored(&look) {
            let group = &look.ad.groups[row as usize];
            let mut key = Vec::new();
            if write_key(look.dn(group.object), &mut key).is_none() {
                continue;
            }
            if crate::predict::index::anchor_of(&look, group).is_some_and(|a| with_connect.contains(&a.0)) {
                out.with_connect.insert(key.clone());
            }
            out.names.insert(key);
        }
        Ok(out)
    }

    /// What later steps ask of this evidence: when it was, when a cycle ended, how soon the next may come.
    fn note_evidence(&self, id: &str, kind: &str, found: &evidence::Evidence, attempt: u64) -> Result<()> {
        let on = found.state.get("SyncCycleEnabled").and_then(Value::as_bool) == Some(true);
        let every = found.state.get("CurrentlyEffectiveSyncCycleInterval").and_then(Value::as_str);
        let minutes = every.and_then(minutes).filter(|_| on).or(on.then_some(30));
        self.run.put(&format!("evidence:{id}"), &json!({ "at": found.at, "minutes": minutes, "attempt": attempt }))?;
        if matches!(kind, "full-sync" | "delta-sync") {
            let ended = found.detail.get("endedAt").and_then(Value::as_str);
            let ended = ended.and_then(|t| DateTime::parse_from_rfc3339(t).ok()).map_or(found.at, |t| t.to_utc());
            self.run.put("last-sync", &json!(self.last_sync()?.map_or(ended, |known| known.max(ended))))?;
        }
        Ok(())
    }

    fn keep_evidence(&self, id: &str, server: &ServerPlan, body: Value) -> Result<()> {
        let snapshot = Snapshot { kind: SnapshotKind::Server, object: id.to_owned(), name: server.name.clone(), body };
        self.run.keep(id, &[snapshot], self.now()).map(|_| ())
    }
}

/// `00:30:00`, or `1.00:00:00` with days, in minutes.
fn minutes(text: &str) -> Option<i64> {
    let (days, time) = text.split_once('.').unwrap_or(("0", text));
    let mut parts = time.split(':').map(|p| p.parse::<i64>().ok());
    let (hours, minutes) = (parts.next()??, parts.next()??);
    Some(days.parse::<i64>().ok()? * 1440 + hours * 60 + minutes)
}
