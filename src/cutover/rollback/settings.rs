//! Everything of a rollback that is no group's own state: stamps, extension values, the job, the Connect servers.

use super::Rolled;
use crate::cutover::engine::{Engine, Go, Halt, Surroundings};
use crate::cutover::port::{Assigned, JobState, Tenant};
use crate::cutover::record::{Intent, SnapshotKind, StepState, WriteRecord};
use crate::directory::ObjectGuid;
use crate::plan::model::{PlannedGroup, Step};
use hashbrown::{HashMap, HashSet};
use serde_json::{Value, json};

impl<P: Surroundings> Engine<'_, P> {
    /// Stamps of groups that were in no started job's scope, while V2 is on.
    pub(super) async fn remove_stamps(
        &self,
        groups: &[&PlannedGroup],
        v2_off: bool,
        rolled: &mut Rolled,
    ) -> Go<HashSet<ObjectGuid>> {
        let targets: HashSet<&str> = groups.iter().map(|g| g.object_guid.as_str()).collect();
        let ours: Vec<WriteRecord> =
            self.done("stamp")?.into_iter().filter(|w| targets.contains(w.intent.object.as_str())).collect();
        // What becomes of each is said here, whatever an earlier or later snapshot holds.
        let settled: HashSet<ObjectGuid> = ours.iter().filter_map(|w| ObjectGuid::parse(&w.intent.object)).collect();
        if ours.is_empty() {
            return Ok(settled);
        }
        if v2_off {
            rolled.left.push(format!(
                "{} stamps stay: V2 is off, and a stamp is what Cloud Sync finds the group by",
                ours.len()
            ));
            return Ok(settled);
        }
        let mut due = Vec::new();
        for write in ours {
            let planned = groups.iter().find(|g| g.object_guid == write.intent.object);
            if planned.is_some_and(|g| self.was_started(&g.object_id).unwrap_or(true)) {
                rolled.left.push(format!("{}: its stamp stays: it was in a started job's scope, and without the stamp the next scoping makes a duplicate", write.intent.name));
                continue;
            }
            let Some(guid) = ObjectGuid::parse(&write.intent.object) else { continue };
            let text = |v: &Option<Value>| v.as_ref().and_then(Value::as_str).map(str::to_owned);
            due.push(crate::cutover::engine::StampWrite {
                guid,
                name: write.intent.name.clone(),
                old: text(&write.intent.new),
                new: text(&write.intent.old),
                snapshot: write.intent.snapshot,
                undoes: Some(write.id),
            });
        }
        match self.write_stamps("rollback", true, &due).await {
            Ok(0) => {}
            Ok(count) => {
                rolled.restored.push(format!("{count} stamps are as they were"));
                // Where the run goes on, they have to be written again first.
                for step in self.plan.steps.iter().filter(|s| matches!(s.kind.as_str(), "stamp" | "verify-stamps")) {
                    if self.run.step(&step.id)?.state == StepState::Done {
                        self.run.set_step(&step.id, StepState::Undone, None, self.now())?;
                    }
                }
            }
            Err(Halt::Drift(stop)) => rolled.conflicts.extend(stop.lines),
            Err(Halt::Gate(stop)) => rolled.stuck.push(format!("{}: {}", stop.headline, stop.lines.join("; "))),
            Err(halt) => return Err(halt),
        }
        Ok(settled)
    }

    /// Extension values and the canaries' freeze, where they are still ours.
    pub(super) async fn restore_properties(&self, groups: &[&PlannedGroup], v2_off: bool, rolled: &mut Rolled) -> Go {
        let targets: HashSet<String> = groups.iter().map(|g| g.object_id.to_lowercase()).collect();
        for action in ["write-extension", "freeze"] {
            let ours: Vec<WriteRecord> =
                self.done(action)?.into_iter().filter(|w| targets.contains(&w.intent.object.to_lowercase())).collect();
            if ours.is_empty() {
                continue;
            }
            if v2_off {
                rolled
                    .left
                    .push(format!("{} values ({action}) stay: V2 is off, and the mappings read them", ours.len()));
                continue;
            }
            for write in ours {
                let Some(id) = ObjectGuid::parse(&write.intent.object) else { continue };
                let name = write.intent.attribute.clone().unwrap_or_default();
                let intent = Intent {
                    step: "rollback".to_owned(),
                    undo: true,
                    undoes: Some(write.id),
                    old: write.intent.new.clone(),
                    new: write.intent.old.clone(),
                    snapshot: None,
                    ..write.intent.clone()
                };
                let label = intent.name.clone();
                match self.set_property(intent, id, &name, &write.intent.new, &write.intent.old).await {
                    Ok(_) => rolled.restored.push(format!("{label}: {name} is as it was")),
                    Err(Halt::Drift(stop)) => rolled.conflicts.push(format!("{label}: {}", stop.headline)),
                    Err(Halt::Gate(stop)) => rolled.stuck.push(format!("{label}: {}", stop.headline)),
                    Err(halt) => return Err(halt),
                }
            }
        }
        Ok(())
    }

    /// Mappings, settings and scope of the job as they were; it stays paused.
    pub(super) async fn restore_job(&self, rolled: &mut Rolled) -> Go {
        let tenant = self.ports.tenant();
        let Some(job) = tenant.job().await? else { return Ok(()) };
        let Some((_, schema)) = self.run.snapshot(SnapshotKind::Schema, &job.id)? else { return Ok(()) };
        let now = tenant.schema(&job).await?;
        use crate::cutover::engine::settings::summary;
        if summary(&now) != summary(&schema) {
            let last = self.done("schema")?.pop().and_then(|w| w.intent.new);
            if last.is_some_and(|last| last == summary(&now)) {
                let intent = Intent {
                    step: "rollback".to_owned(),
                    undo: true,
                    action: "schema".to_owned(),
                    name: "Cloud Sync job".to_owned(),
                    old: Some(summary(&now)),
                    new: Some(summary(&schema)),
                    ..Intent::default()
                };
                let seen = || async { Ok(summary(&tenant.schema(&job).await?) == summary(&schema)) };
                match self.tenant_write(intent, async { tenant.put_schema(&job, &schema).await }, seen).await {
                    Ok(_) => rolled.restored.push("the job's mappings are as they were".to_owned()),
                    Err(Halt::Error(error)) if crate::cutover::store::is_crash(&error) => {
                        return Err(Halt::Error(error));
                    }
                    Err(halt) => rolled.stuck.push(format!("the job's mappings: {}", told(halt))),
                }
            } else {
                rolled.conflicts.push("the job's mappings were changed since, not by this run".to_owned());
            }
        }
        if let Some((_, secrets)) = self.run.snapshot(SnapshotKind::Secrets, &job.id)? {
            self.restore_settings(&job, &secrets, rolled).await?;
        }
        self.restore_scope(&job, rolled).await?;
        let ran = self
            .run
            .snapshot(SnapshotKind::Job, &job.id)?
            .and_then(|(_, v)| v.get("code").and_then(Value::as_str).map(str::to_owned));
        if ran.is_some_and(|code| code.eq_ignore_ascii_case("Active")) {
            rolled.left.push(
                "the job stays paused: it ran before. Start it in the portal when you have looked at AD.".to_owned(),
            );
        }
        Ok(())
    }

    /// What was in scope before the run, and was taken out by it, is in scope again; the job is paused.
    async fn restore_scope(&self, job: &JobState, rolled: &mut Rolled) -> Go {
        let roles: HashMap<ObjectGuid, String> = match self.run.snapshot(SnapshotKind::Assignments, &job.id)? {
            Some((_, was)) => {
                let was: Vec<Assigned> = serde_json::from_value(was).unwrap_or_default();
                was.into_iter().map(|a| (a.principal, a.app_role.unwrap_or_default())).collect()
            }
            None => HashMap::new(),
        };
        let throwaway = self.throwaway_group()?;
        let mut back: Vec<ObjectGuid> =
            self.done("scope-out")?.iter().filter_map(|w| ObjectGuid::parse(&w.intent.object)).collect();
        back.retain(|id| Some(*id) != throwaway && (self.by_attribute() || roles.contains_key(id)));
        back.sort();
        back.dedup();
        for id in back {
            let role = roles.get(&id).map(String::as_str);
            match self.scope_one_in("rollback", true, id, &id.to_string(), role).await {
                Ok(()) => rolled.restored.push(format!("{id} is in the job's scope again, as before")),
                Err(Halt::Error(error)) if crate::cutover::store::is_crash(&error) => {
                    return Err(Halt::Error(error));
                }
                Err(halt) => rolled.stuck.push(format!("{id}: {}", told(halt))),
            }
        }
        Ok(())
    }

    async fn restore_settings(&self, job: &JobState, was: &Value, rolled: &mut Rolled) -> Go {
        use crate::cutover::engine::settings::{masked, without_credentials};
        let tenant = self.ports.tenant();
        let wrote = self.done("secrets")?;
        if wrote.is_empty() {
            return Ok(());
        }
        let now = tenant.secrets(job).await?;
        if without_credentials(&now) == *was {
            return Ok(());
        }
        if !masked(&now).is_empty() {
            rolled.stuck.push(format!(
                "the job's settings: Graph masks {}, so they cannot be written back whole. Set in the portal what they were: {was}",
                masked(&now).join(", ")
            ));
            return Ok(());
        }
        // The values that are no credentials as they were; the others as they are.
        let plain = |key: &str| {
            was.as_array()
                .into_iter()
                .flatten()
                .find(|s| s.get("key").and_then(Value::as_str) == Some(key))
                .and_then(|s| s.get("value").cloned())
        };
        let had =
            |key: &str| was.as_array().into_iter().flatten().any(|s| s.get("key").and_then(Value::as_str) == Some(key));
        let wanted: Value = now
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|s| {
                let key = s.get("key").and_then(Value::as_str)?;
                let former = plain(key).filter(|v| !v.is_null());
                // A setting that the run added says from now on what the service takes for granted where nothing is said;
                // what others added is theirs.
                match (former, had(key)) {
                    (Some(value), _) => Some(json!({ "key": key, "value": value })),
                    (None, false) if key.eq_ignore_ascii_case("SkipOutOfScopeDeletions") => {
                        Some(json!({ "key": key, "value": "False" }))
                    }
                    (None, _) => Some(s.clone()),
                }
            })
            .collect();
        if without_credentials(&now) == without_credentials(&wanted) {
            return Ok(());
        }
        let intent = Intent {
            step: "rollback".to_owned(),
            undo: true,
            action: "secrets".to_owned(),
            name: "Cloud Sync job".to_owned(),
            old: Some(without_credentials(&now)),
            new: Some(was.clone()),
            ..Intent::default()
        };
        let seen = || async { Ok(without_credentials(&tenant.secrets(job).await?) == without_credentials(&wanted)) };
        match self.tenant_write(intent, async { tenant.put_secrets(job, &wanted).await }, seen).await {
            Ok(_) => rolled.restored.push("the job's settings are as they were".to_owned()),
            Err(Halt::Error(error)) if crate::cutover::store::is_crash(&error) => return Err(Halt::Error(error)),
            Err(halt) => rolled.stuck.push(format!("the job's settings: {}", told(halt))),
        }
        Ok(())
    }

    /// The Connect servers' steps by their undo scripts, last first, while V2 is on.
    pub(super) async fn undo_scripts(&self, v2_off: bool, rolled: &mut Rolled) -> Go {
        for step in self.plan.steps.iter().rev().filter(|s| s.undo.script.is_some()) {
            let record = self.run.step(&step.id)?;
            if !matches!(record.state, StepState::Done | StepState::Begun | StepState::Stuck) {
                continue;
            }
            if v2_off {
                rolled.left.push(format!(
                    "{} {} on {}: stays, V2 is off",
                    step.id,
                    step.title,
                    step.server.as_deref().unwrap_or("")
                ));
                continue;
            }
            if step.kind == "staging-on" {
                self.look_before_leaving(step).await?;
            }
            match self.run_script(step, true).await {
                Ok(_) => {
                    self.run.set_step(&step.id, StepState::Undone, None, self.now())?;
                    rolled.restored.push(format!(
                        "{} {} was taken back on {}",
                        step.id,
                        step.title,
                        step.server.as_deref().unwrap_or("")
                    ));
                }
                // A person has to do it: the rollback waits, and is run again.
                Err(Halt::Gate(stop)) => return Err(Halt::Gate(stop)),
                Err(Halt::Drift(stop)) => rolled.stuck.push(format!("{}: {}", stop.headline, stop.lines.join("; "))),
                Err(halt) => return Err(halt),
            }
        }
        Ok(())
    }
}

impl<P: Surroundings> Engine<'_, P> {
    /// Before a server leaves staging again: nothing may be pending that deletes, makes or renames an anchored group.
    /// Members flow again, since V2 maintains them.
    async fn look_before_leaving(&self, step: &Step) -> Go {
        let same = |s: &&Step| s.kind == "pending-exports" && s.server == step.server;
        let Some(pending) = self.plan.steps.iter().find(same) else { return Ok(()) };
        let key = format!("looked-before:{}", step.id);
        if self.fact(&key)?.is_none() {
            self.next_attempt(&pending.id)?;
            self.run.put(&format!("issued:{}", pending.id), &Value::Null)?;
            self.run.put(&key, &json!(true))?;
        }
        match self.run_script_where(pending, false, true).await {
            Ok(_) => Ok(()),
            Err(Halt::Drift(stop)) => Err(Halt::Gate(
                stop.next("The server stays in staging mode until that is settled. Then run the same rollback again."),
            )),
            Err(halt) => Err(halt),
        }
    }
}

fn told(halt: Halt) -> String {
    match halt {
        Halt::Gate(stop) | Halt::Drift(stop) => format!("{}: {}", stop.headline, stop.lines.join("; ")),
        Halt::Interrupted(why) => why,
        Halt::Error(error) => error.to_string(),
    }
}
