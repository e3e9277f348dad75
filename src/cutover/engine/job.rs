//! The Cloud Sync job: at rest before anything else, set up as the plan says, started, waited for. Saving a schema
//! starts a synchronization, so nothing is saved while the job runs.

use super::{Engine, Go, Halt, Stop, Surroundings};
use crate::cutover::port::{Assigned, JobState, Level, Operator, Tenant};
use crate::cutover::record::Intent;
use crate::directory::ObjectGuid;
use crate::error::{Error, Result};
use crate::plan::model::Step;
use hashbrown::HashSet;
use serde_json::{Value, json};
use std::time::Duration;

/// The cycle where nothing tells its length, and how often a waiting run looks.
const CYCLE: Duration = Duration::from_secs(40 * 60);
const LOOK: Duration = Duration::from_secs(30);
/// Secrets that hold no credential; others are never kept.
const PLAIN: [&str; 3] = ["Domain", "SyncNotificationSettings", "SkipOutOfScopeDeletions"];

impl<P: Surroundings> Engine<'_, P> {
    /// The job, which has to be there.
    pub(crate) async fn the_job(&self) -> Result<JobState> {
        let job = self.ports.tenant().job().await?;
        job.ok_or_else(|| {
            Error::failed("there is no Cloud Sync job that provisions groups to the domain")
                .hint("Make the configuration in the portal (Cloud Sync, New configuration, Microsoft Entra ID to AD), leave it disabled, then: groupshift cutover resume")
        })
    }

    /// Pauses the job, if there is one, and sees that it is at rest.
    pub(crate) async fn pause(&self, step: &str, undo: bool) -> Go<bool> {
        let tenant = self.ports.tenant();
        let Some(job) = tenant.job().await? else { return Ok(false) };
        let intent = Intent {
            step: step.to_owned(),
            undo,
            action: "pause".to_owned(),
            name: "Cloud Sync job".to_owned(),
            attribute: Some("status".to_owned()),
            old: Some(json!(job.code)),
            new: Some(json!("Paused")),
            ..Intent::default()
        };
        let at_rest = || async { Ok(tenant.job().await?.is_none_or(|j| j.is_at_rest())) };
        self.tenant_write(intent, async { tenant.pause(&job).await }, at_rest).await
    }

    pub(super) async fn pause_step(&self, step: &Step) -> Go<Option<String>> {
        let paused = self.pause(&step.id, false).await?;
        Ok(Some(if paused { "paused" } else { "was at rest" }.to_owned()))
    }

    /// Nothing is written to AD groups, and nothing saved, while the job could act on it.
    pub(super) async fn require_rest(&self, step: &Step) -> Go<Option<JobState>> {
        let job = self.ports.tenant().job().await?;
        match job {
            Some(job) if !job.is_at_rest() => Err(Halt::Drift(
                Stop { step: step.id.clone(), ..Stop::new(format!("the Cloud Sync job is {}, not paused", job.code)) }
                    .next("Somebody started it. Pause it, find out why, then: groupshift cutover resume"),
            )),
            job => Ok(job),
        }
    }

    pub(super) async fn create_job(&self, step: &Step) -> Go<Option<String>> {
        let tenant = self.ports.tenant();
        if let Some(job) = tenant.job().await? {
            return Ok(Some(format!("there is one: {}", job.id)));
        }
        let domain = self.run.record()?.domain;
        let intent = Intent {
            step: step.id.clone(),
            action: "create-job".to_owned(),
            name: domain.clone(),
            new: Some(json!(self.plan.job.template)),
            ..Intent::default()
        };
        let send = async { tenant.create_job(&domain, &self.plan.job.template).await.map(|_| ()) };
        match self.tenant_write(intent, send, || async { Ok(tenant.job().await?.is_some()) }).await {
            Ok(_) => Ok(Some("created".to_owned())),
            Err(Halt::Error(error)) if super::super::store::is_crash(&error) => Err(Halt::Error(error)),
            Err(Halt::Error(error)) => Err(Halt::Gate(
                Stop::new("the service did not let the program create the configuration")
                    .line(error.to_string())
                    .next(format!("Make it in the portal: Cloud Sync, New configuration, Microsoft Entra ID to AD, domain {domain}; leave it disabled. Then: groupshift cutover resume")),
            )),
            Err(halt) => Err(halt),
        }
    }

    /// Settings first, then mappings, then an empty scope: nothing can be deleted by what comes after.
    pub(super) async fn configure_job(&self, step: &Step) -> Go<Option<String>> {
        self.gate_agents().await?;
        let job = self.the_job().await?;
        self.require_rest(step).await?;
        if self.run.get("job-kept")?.is_none() {
            self.keep_job(&step.id).await?;
            self.run.put("job-kept", &json!(true))?;
        }
        let threshold = self.plan.job.delete_threshold;
        self.save_settings(step, &job, self.plan.job.skip_out_of_scope_deletions, threshold).await?;
        self.save_schema(step, &job, &self.plan.job.flow_types, true).await?;
        let planned: HashSet<ObjectGuid> =
            self.plan.job.assigned_today.iter().filter_map(|id| ObjectGuid::parse(id)).collect();
        let assigned = self.ports.tenant().assignments(&job).await?;
        let strangers: Vec<String> =
            assigned.iter().filter(|a| !planned.contains(&a.principal)).map(|a| a.principal.to_string()).collect();
        if !strangers.is_empty() {
            return Err(Halt::Drift(
                Stop::new(format!("{} groups are assigned that the plan did not see", strangers.len()))
                    .lines(strangers)
                    .next("Nothing was scoped out. Find out who assigned them, then collect and plan again."),
            ));
        }
        self.take_out(&step.id, false, &job, assigned).await?;
        self.require_rest(step).await?;
        Ok(Some("settings, mappings and an empty scope, read back".to_owned()))
    }

    /// The job as it is to stay: all flow types, the usual threshold.
    pub(super) async fn final_job(&self, step: &Step) -> Go<Option<String>> {
        self.pause(&step.id, false).await?;
        let job = self.the_job().await?;
        self.save_settings(step, &job, true, 500).await?;
        self.save_schema(step, &job, "Add,Update,Delete", false).await?;
        self.start(&step.id, &job).await?;
        Ok(Some("flow types Add, Update, Delete; started".to_owned()))
    }

    /// SkipOutOfScopeDeletions and the delete threshold, by PUT of all secrets: refused where one of them was masked.
    async fn save_settings(&self, step: &Step, job: &JobState, skip: bool, threshold: u64) -> Go {
        let tenant = self.ports.tenant();
        let now = tenant.secrets(job).await?;
        let wanted = settings(&now, skip, threshold);
        if same_settings(&now, skip, threshold) {
            return Ok(());
        }
        let masked = masked(&now);
        if !masked.is_empty() {
            if self.accepted("gate", "secrets-not-masked")? {
                return Ok(());
            }
            return Err(Halt::Gate(
                Stop::new("the job's settings cannot be saved without losing secrets that Graph does not show")
                    .line(format!("masked: {}", masked.join(", ")))
                    .next(format!("Set in the portal (configuration, Properties): prevent accidental deletion, threshold {threshold}; and SkipOutOfScopeDeletions = {skip}."))
                    .next("Then: groupshift cutover resume --accept \"secrets-not-masked=who set it\""),
            ));
        }
        self.require_rest(step).await?;
        let intent = Intent {
            step: step.id.clone(),
            action: "secrets".to_owned(),
            name: "Cloud Sync job".to_owned(),
            old: Some(without_credentials(&now)),
            new: Some(json!({ "SkipOutOfScopeDeletions": skip, "DeleteThresholdValue": threshold })),
            ..Intent::default()
        };
        let seen = || async { Ok(same_settings(&tenant.secrets(job).await?, skip, threshold)) };
        self.tenant_write(intent, async { tenant.put_secrets(job, &wanted).await }, seen).await?;
        Ok(())
    }

    async fn save_schema(&self, step: &Step, job: &JobState, flow_types: &str, patch: bool) -> Go {
        let tenant = self.ports.tenant();
        let now = tenant.schema(job).await?;
        let wanted = self.schema_wanted(&now, flow_types, patch)?;
        if now == wanted {
            return Ok(());
        }
        self.require_rest(step).await?;
        let intent = Intent {
            step: step.id.clone(),
            action: "schema".to_owned(),
            name: "Cloud Sync job".to_owned(),
            old: Some(summary(&now)),
            new: Some(summary(&wanted)),
            ..Intent::default()
        };
        let seen = || async { Ok(summary(&tenant.schema(job).await?) == summary(&wanted)) };
        self.tenant_write(intent, async { tenant.put_schema(job, &wanted).await }, seen).await?;
        let after = tenant.job().await?;
        if after.as_ref().is_some_and(|j| !j.is_at_rest()) {
            self.pause(&step.id, false).await?;
            return Err(Halt::Drift(
                Stop::new("saving the schema started the job; it was paused at once")
                    .next("Look at the provisioning logs for what it did. Nothing was in scope by this run. Then: groupshift cutover resume"),
            ));
        }
        Ok(())
    }

    fn schema_wanted(&self, now: &Value, flow_types: &str, patch: bool) -> Go<Value> {
        let mut wanted = now.clone();
        let mut found = 0;
        let patch = self.plan.mappings.schema_patch.as_ref().filter(|_| patch);
        for mapping in group_mappings(&mut wanted) {
            found += 1;
            if let Some(object) = mapping.as_object_mut() {
                object.insert("flowTypes".to_owned(), json!(flow_types));
            }
            let Some(patch) = patch else { continue };
            let Some(list) = mapping.get_mut("attributeMappings").and_then(Value::as_array_mut) else { continue };
            for new in &patch.attribute_mappings {
                let target = target_of(new);
                let expects = patch.expects.iter().find(|e| target_of(e) == target);
                match list.iter_mut().find(|m| target_of(m) == target) {
                    Some(present) => {
                        let source = |m: &Value| (m.pointer("/source/expression").cloned(), m.get("flowType").cloned());
                        let as_planned = expects.is_some_and(|e| source(e) == source(present));
                        if source(present) != source(new) && !as_planned {
                            return Err(Halt::Drift(
                                Stop::new(format!(
                                    "the job's mapping of {} is not what the plan saw",
                                    target.unwrap_or_default()
                                ))
                                .line(format!(
                                    "it is {}",
                                    present.pointer("/source/expression").unwrap_or(&Value::Null)
                                ))
                                .next("Nothing was saved. Collect and plan again."),
                            ));
                        }
                        if source(present) != source(new) {
                            *present = new.clone();
                        }
                    }
                    None => list.push(new.clone()),
                }
            }
        }
        if found == 0 {
            return Err(Error::failed("the job's schema has no mapping of groups")
                .hint("Look at the configuration in the portal; a plan is made for a job that provisions groups.")
                .into());
        }
        Ok(wanted)
    }

    /// Takes assignments out of the job's scope.
    pub(crate) async fn take_out(&self, step: &str, undo: bool, job: &JobState, out: Vec<Assigned>) -> Go<u64> {
        let tenant = self.ports.tenant();
        let mut count = 0;
        for batch in out.chunks(20) {
            self.breathe()?;
            let intents: Vec<Intent> = batch
                .iter()
                .map(|a| Intent {
                    step: step.to_owned(),
                    undo,
                    action: "scope-out".to_owned(),
                    object: a.principal.to_string(),
                    name: a.principal.to_string(),
                    attribute: Some("appRoleAssignedTo".to_owned()),
                    old: Some(json!({ "id": a.id, "appRoleId": a.app_role })),
                    ..Intent::default()
                })
                .collect();
            let ids = self.run.intend(&intents, self.now())?;
            let answers = tenant.unassign(job, batch).await?;
            let gone = || async {
                let now: HashSet<ObjectGuid> = tenant.assignments(job).await?.iter().map(|a| a.principal).collect();
                Ok(batch.iter().all(|a| !now.contains(&a.principal)))
            };
            let all_gone = self.wait_for(&gone).await?;
            let now: HashSet<ObjectGuid> = tenant.assignments(job).await?.iter().map(|a| a.principal).collect();
            self.settle_scope(&ids, batch.iter().map(|a| !now.contains(&a.principal)), &answers)?;
            count += batch.iter().filter(|a| !now.contains(&a.principal)).count() as u64;
            if !all_gone {
                return Err(first_fault(answers, "groups could not be taken out of the job's scope"));
            }
        }
        Ok(count)
    }

    pub(crate) fn settle_scope(
        &self,
        ids: &[i64],
        done: impl Iterator<Item = bool>,
        answers: &[std::result::Result<(), crate::cutover::port::WriteFault>],
    ) -> Result<()> {
        use crate::cutover::record::{Settled, WriteState};
        let settled: Vec<Settled> = ids
            .iter()
            .zip(done)
            .enumerate()
            .map(|(i, (id, done))| Settled {
                write: *id,
                state: if done { WriteState::Done } else { WriteState::Failed },
                server: Some("Microsoft Graph".to_owned()),
                detail: answers.get(i).and_then(|a| a.as_ref().err()).map(|f| f.error.to_string()),
            })
            .collect();
        self.run.settle(&settled, self.now())
    }

    /// Starts the job and sees that it is started.
    pub(crate) async fn start(&self, step: &str, job: &JobState) -> Go {
        let tenant = self.ports.tenant();
        let intent = Intent {
            step: step.to_owned(),
            action: "start".to_owned(),
            name: "Cloud Sync job".to_owned(),
            attribute: Some("status".to_owned()),
            old: Some(json!(job.code)),
            new: Some(json!("Active")),
            ..Intent::default()
        };
        let seen = || async { Ok(tenant.job().await?.is_some_and(|j| !j.is_at_rest())) };
        self.tenant_write(intent, async { tenant.start(job).await }, seen).await?;
        Ok(())
    }

    /// Waits until the job has ended an execution that is not this one, successfully.
    pub(crate) async fn wait_for_cycle(&self, before: &Option<Value>, cycles: u64) -> Go<JobState> {
        let limit =
            cycle_length(&self.the_job().await?) * u32::try_from(cycles.max(1)).unwrap_or(3) + Duration::from_secs(600);
        let mut waited = Duration::ZERO;
        loop {
            self.breathe()?;
            let job = self.the_job().await?;
            if job.in_quarantine() {
                self.pause("quarantine", false).await?;
                return Err(Halt::Drift(self.explain_quarantine(&job)));
            }
            let last = job.raw.pointer("/status/lastExecution").cloned();
            let state = last.as_ref().and_then(|l| l.get("state")).and_then(Value::as_str).unwrap_or_default();
            if last != *before && state.eq_ignore_ascii_case("Succeeded") {
                return Ok(job);
            }
            if waited >= limit {
                return Err(Halt::Gate(
                    Stop::new(format!("the job ended no successful cycle within {} minutes", limit.as_secs() / 60))
                        .line(format!("its status is {}, its last execution {}", job.code, if state.is_empty() { "unknown" } else { state }))
                        .next("Look at the configuration's provisioning logs and at the agents. Then: groupshift cutover resume (the wait begins anew), or: groupshift cutover rollback --wave NAME"),
                ));
            }
            self.ports.operator().progress(
                "waiting for the job's cycle, minutes",
                waited.as_secs() / 60,
                Some(limit.as_secs() / 60),
            );
            self.ports.operator().sleep(LOOK).await;
            waited += LOOK;
        }
    }

    fn explain_quarantine(&self, job: &JobState) -> Stop {
        let quarantine = job.raw.pointer("/status/quarantine").cloned().unwrap_or(Value::Null);
        let reason = quarantine.get("reason").and_then(Value::as_str).unwrap_or("Unknown");
        let words = match reason {
            "TooManyDeletes" => {
                "it was about to delete more groups than the threshold allows: nothing was deleted, the deletes are staged"
            }
            "EncounteredEscrowProportionThreshold"
            | "EncounteredBaseEscrowThreshold"
            | "EncounteredTotalEscrowThreshold" => "too many objects failed and are held in escrow",
            "QuarantinedOnDemand" => "the service was told to",
            _ => "the service names no reason that is documented",
        };
        let error = quarantine.pointer("/error/message").and_then(Value::as_str).unwrap_or("none given");
        Stop::new(format!("the job is in quarantine ({reason}) and was paused"))
            .line(words)
            .line(format!("the service's own error: {error}"))
            .next("Look at the provisioning logs of the configuration; mend the cause, then: groupshift cutover resume")
            .next("Or take the wave back: groupshift cutover rollback --wave NAME. Do not allow staged deletes.")
    }

    /// Tells what the job's counters and the logs say went wrong.
    pub(super) fn tell_trouble(&self, job: &JobState, logs: &[Value]) -> Result<Vec<String>> {
        let mut out = Vec::new();
        if let Some(n) =
            job.raw.pointer("/status/countSuccessiveCompleteFailures").and_then(Value::as_u64).filter(|n| *n > 0)
        {
            out.push(format!("{n} executions failed one after another"));
        }
        for log in logs {
            let action = log.get("provisioningAction").and_then(Value::as_str).unwrap_or_default();
            let status = log.pointer("/provisioningStatusInfo/status").and_then(Value::as_str).unwrap_or_default();
            let name = log.pointer("/sourceIdentity/displayName").and_then(Value::as_str).unwrap_or("(no name)");
            if action.eq_ignore_ascii_case("stageddelete") {
                out.push(format!("{name}: a delete is staged: the threshold held it back"));
            } else if status.eq_ignore_ascii_case("failure") {
                let code = log
                    .pointer("/provisioningStatusInfo/errorInformation/errorCode")
                    .and_then(Value::as_str)
                    .unwrap_or("no code");
                out.push(format!("{name}: {code}: {}", error_words(code)));
            }
        }
        for line in &out {
            self.say(Level::Warning, line)?;
        }
        Ok(out)
    }
}

/// Published error codes in words (domain reference 3.6, ERR26).
fn error_words(code: &str) -> &'static str {
    match code {
        "HybridSynchronizationActiveDirectoryUnexpectedDuplicateEntriesFound" => {
            "several AD objects carry this group's stamp"
        }
        "TimeOut" => "the agent did not answer within ten minutes",
        "HybridIdentityServiceNoAgentsAssigned" => "no agent is assigned to the configuration",
        "HybridIdentityServiceNoActiveAgents" => "no agent is active",
        "HybridSynchronizationActiveDirectoryInternalServerError" => "the agent met an error in Active Directory",
        "HybridIdentityServiceAgentSignalingError" => "the service could not reach the agent",
        "AzureDirectoryServiceServerBusy" => "the directory was busy; the job tries again",
        _ => "see the provisioning log of the group",
    }
}

pub(crate) fn first_fault(answers: Vec<std::result::Result<(), crate::cutover::port::WriteFault>>, what: &str) -> Halt {
    match answers.into_iter().find_map(std::result::Result::err) {
        Some(fault) => super::write::refused(fault, what),
        None => Error::failed(format!("{what}, though Graph accepted it"))
            .hint("Wait some minutes, then: groupshift cutover resume")
            .into(),
    }
}

impl From<crate::cutover::port::WriteFault> for Halt {
    fn from(fault: crate::cutover::port::WriteFault) -> Self {
        super::write::refused(fault, "the job")
    }
}

/// The mappings of groups in a schema.
pub(crate) fn group_mappings(schema: &mut Value) -> impl Iterator<Item = &mut Value> {
    let rules = schema.get_mut("synchronizationRules").and_then(Value::as_array_mut).into_iter().flatten();
    rules
        .flat_map(|r| r.get_mut("objectMappings").and_then(Value::as_array_mut).into_iter().flatten())
        .filter(|m| m.get("sourceObjectName").and_then(Value::as_str).is_some_and(|n| n.eq_ignore_ascii_case("group")))
}

fn target_of(mapping: &Value) -> Option<String> {
    mapping.get("targetAttributeName").and_then(Value::as_str).map(str::to_lowercase)
}

/// What of a schema a saved one has to agree in: the service may add defaults of its own.
pub(crate) fn summary(schema: &Value) -> Value {
    let mut copy = schema.clone();
    let list: Vec<Value> = group_mappings(&mut copy)
        .map(|m| {
            let mut mappings: Vec<Value> = m
                .get("attributeMappings")
                .and_then(Value::as_array)
                .into_iter()
                .flatten()
                .map(|a| json!({ "target": target_of(a), "flowType": a.get("flowType"), "expression": a.pointer("/source/expression") }))
                .collect();
            mappings.sort_by_key(Value::to_string);
            json!({ "target": m.get("targetObjectName"), "flowTypes": m.get("flowTypes"), "enabled": m.get("enabled"), "mappings": mappings, "scope": m.get("scope") })
        })
        .collect();
    Value::Array(list)
}

fn secret<'v>(secrets: &'v Value, key: &str) -> Option<&'v str> {
    let list = secrets.as_array()?;
    let found =
        list.iter().find(|s| s.get("key").and_then(Value::as_str).is_some_and(|k| k.eq_ignore_ascii_case(key)))?;
    found.get("value").and_then(Value::as_str)
}

/// Keys whose value Graph did not show.
pub(crate) fn masked(secrets: &Value) -> Vec<String> {
    let hidden = |v: Option<&Value>| match v.and_then(Value::as_str) {
        None | Some("") => true,
        Some(text) => text.chars().filter(|c| *c == '*').count() >= 3 && text.chars().all(|c| matches!(c, '*' | '•')),
    };
    let list = secrets.as_array().into_iter().flatten();
    list.filter(|s| hidden(s.get("value")))
        .filter_map(|s| s.get("key").and_then(Value::as_str).map(str::to_owned))
        .collect()
}

/// The secrets with the values of those that are no credentials only.
pub(crate) fn without_credentials(secrets: &Value) -> Value {
    let list = secrets.as_array().into_iter().flatten();
    list.map(|s| {
        let key = s.get("key").and_then(Value::as_str).unwrap_or_default();
        let plain = PLAIN.iter().any(|p| p.eq_ignore_ascii_case(key));
        json!({ "key": key, "value": s.get("value").filter(|_| plain) })
    })
    .collect()
}

fn notification(secrets: &Value) -> Value {
    secret(secrets, "SyncNotificationSettings").and_then(|t| serde_json::from_str(t).ok()).unwrap_or_else(|| json!({}))
}

pub(crate) fn same_settings(secrets: &Value, skip: bool, threshold: u64) -> bool {
    let notification = notification(secrets);
    secret(secrets, "SkipOutOfScopeDeletions")
        .is_some_and(|t| t.eq_ignore_ascii_case(if skip { "true" } else { "false" }))
        && notification.get("DeleteThresholdEnabled").and_then(Value::as_bool) == Some(true)
        && notification.get("DeleteThresholdValue").and_then(Value::as_u64) == Some(threshold)
}

/// All secrets, with the two settings as they are to be.
pub(crate) fn settings(secrets: &Value, skip: bool, threshold: u64) -> Value {
    let mut notification = notification(secrets);
    if let Some(object) = notification.as_object_mut() {
        object.insert("DeleteThresholdEnabled".to_owned(), json!(true));
        object.insert("DeleteThresholdValue".to_owned(), json!(threshold));
    }
    let ours = [
        ("SkipOutOfScopeDeletions", if skip { "True" } else { "False" }.to_owned()),
        ("SyncNotificationSettings", notification.to_string()),
    ];
    let is_ours = |s: &Value| {
        s.get("key").and_then(Value::as_str).is_some_and(|k| ours.iter().any(|(o, _)| o.eq_ignore_ascii_case(k)))
    };
    let mut list: Vec<Value> = secrets.as_array().into_iter().flatten().filter(|s| !is_ours(s)).cloned().collect();
    list.extend(ours.iter().map(|(key, value)| json!({ "key": key, "value": value })));
    Value::Array(list)
}

/// The job's interval (`PT40M`), else the usual one.
pub(crate) fn cycle_length(job: &JobState) -> Duration {
    let text = job.raw.pointer("/schedule/interval").and_then(Value::as_str).unwrap_or_default();
    let minutes = text.strip_prefix("PT").and_then(|t| t.strip_suffix('M')).and_then(|m| m.parse::<u64>().ok());
    minutes.map_or(CYCLE, |m| Duration::from_secs(m * 60))
}
