//! The Cloud Sync job: at rest before anything else, set up as the plan says, started. Saving a schema starts a
//! synchronization, so nothing is saved while the job runs.

use super::scope::PROPERTY;
use super::settings::{Wanted, property_in_filter};
use super::{Engine, Go, Halt, Stop, Surroundings};
use crate::cutover::port::{JobState, Refusal, Tenant};
use crate::cutover::record::{Intent, Settled, WriteState};
use crate::directory::ObjectGuid;
use crate::error::{Error, Result};
use crate::plan::model::Step;
use hashbrown::HashSet;
use serde_json::json;
use std::cell::Cell;

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
        let why = Cell::new(None);
        let send = async {
            let made = tenant.create_job(&domain, &self.plan.job.template).await;
            why.set(made.as_ref().err().map(|f| f.refusal));
            made.map(|_| ())
        };
        match self.tenant_write(intent, send, || async { Ok(tenant.job().await?.is_some()) }).await {
            Ok(_) => Ok(Some("created".to_owned())),
            Err(Halt::Error(error)) if why.get() == Some(Refusal::Other) => Err(Halt::Gate(
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
        if self.fact("job-kept")?.is_none() {
            self.keep_job(&step.id).await?;
            self.run.put("job-kept", &json!(true))?;
        }
        if self.by_attribute() {
            self.find_property(step, &job).await?;
        }
        self.save_settings(step, &job, self.wanted()).await?;
        self.save_schema(step, &job, &self.plan.job.flow_types, true).await?;
        self.empty_scope(step, &job).await?;
        self.require_rest(step).await?;
        Ok(Some("settings, mappings and an empty scope, read back".to_owned()))
    }

    /// What is in scope today goes out, and comes back in its own wave; what the plan did not see stops the run.
    async fn empty_scope(&self, step: &Step, job: &JobState) -> Go {
        let known: HashSet<ObjectGuid> = match self.by_attribute() {
            true => self.planned().iter().filter_map(|g| ObjectGuid::parse(&g.object_id)).collect(),
            false => self.plan.job.assigned_today.iter().filter_map(|id| ObjectGuid::parse(id)).collect(),
        };
        let now = self.in_scope_now(job).await?;
        let mut strangers: Vec<String> = now.difference(&known).map(ToString::to_string).collect();
        if !strangers.is_empty() {
            strangers.sort();
            return Err(Halt::Drift(
                Stop::new(format!("{} groups are in the job's scope that the plan did not see", strangers.len()))
                    .lines(strangers)
                    .next("Nothing was scoped out. Find out who brought them in.")
                    .plan_again(),
            ));
        }
        self.scope_groups_out(&step.id, false, &now).await?;
        let left = self.in_scope_now(job).await?.len();
        if left > 0 {
            return Err(Halt::Drift(
                Stop::new(format!("{left} groups are still in the job's scope"))
                    .next("Somebody brings them back. Find out who, then: groupshift cutover resume"),
            ));
        }
        Ok(())
    }

    /// The extension property that scopes groups in: the one that the job's filter names, else made.
    async fn find_property(&self, step: &Step, job: &JobState) -> Go {
        let key = format!("extension:{PROPERTY}");
        if self.fact(&key)?.is_some() {
            return Ok(());
        }
        let tenant = self.ports.tenant();
        let name = match property_in_filter(&tenant.schema(job).await?) {
            Some(name) => name,
            None => self.make_extension(step, PROPERTY).await?,
        };
        self.run.put(&key, &json!(name)).map_err(Halt::from)
    }

    /// An extension property for groups; the port gives the one that is there where it is.
    pub(super) async fn make_extension(&self, step: &Step, name: &str) -> Go<String> {
        let intent = Intent {
            step: step.id.clone(),
            action: "create-extension".to_owned(),
            name: name.to_owned(),
            new: Some(json!(name)),
            ..Intent::default()
        };
        let write = self.run.intend(&[intent], self.now())?.first().copied().unwrap_or_default();
        let made = self.ports.tenant().create_extension(name).await;
        let (state, detail) = match &made {
            Ok(full) => (WriteState::Done, full.clone()),
            Err(fault) => (WriteState::Failed, fault.error.to_string()),
        };
        if !made.as_ref().is_err_and(|f| crate::cutover::store::is_crash(&f.error)) {
            let server = Some("Microsoft Graph".to_owned());
            self.run.settle(&[Settled { write, state, server, detail: Some(detail) }], self.now())?;
        }
        made.map_err(|fault| super::write::refused(fault, name))
    }

    /// The job as it is to stay: all flow types, the usual threshold.
    pub(super) async fn final_job(&self, step: &Step) -> Go<Option<String>> {
        self.pause(&step.id, false).await?;
        let job = self.the_job().await?;
        let last = self.plan.waves.last().map(|w| w.name.clone());
        self.scope_is_exact(&Step { wave: last, ..step.clone() }, &job).await?;
        self.save_settings(step, &job, Wanted { skip: true, threshold: 500, all: self.by_attribute() }).await?;
        self.save_schema(step, &job, "Add,Update,Delete", false).await?;
        self.start(&step.id, &job).await?;
        Ok(Some("flow types Add, Update, Delete; started".to_owned()))
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
