//! The tenant through Microsoft Graph. Reads go through the client as those of a collection do. A write is sent once; only
//! what has no other effect when it is sent twice is repeated, after a look at what became of it, and what stays unclear
//! is in doubt: the engine looks at live state and decides.

mod configure;
mod doubt;
mod group;
mod job;
mod made;
mod on_demand;
mod scope;

use super::flight::Flight;
use crate::collect::live::Wishes;
use crate::collect::live::entra::queries;
use crate::collect::live::entra::wire::{Trouble, Wire};
use crate::config::{Config, Settings};
use crate::cutover::port::{Assigned, CloudGroup, JobState, OnDemand, Tenant, Written};
use crate::directory::ObjectGuid;
use crate::error::Result;
use crate::graph::{DeviceCode, Graph, Options};
use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::Value;
use std::collections::{BTreeSet, HashMap};
use std::sync::{Mutex, PoisonError};

/// What the client has to say while it works.
pub struct Words {
    pub show_code: Box<dyn Fn(&DeviceCode) + Send + Sync>,
    /// Of repeated requests.
    pub tell: Box<dyn Fn(String) + Send + Sync>,
}

impl Default for Words {
    fn default() -> Self {
        Words { show_code: Box::new(|_| {}), tell: Box::new(|_| {}) }
    }
}

/// Microsoft Graph.
pub struct LiveTenant {
    wire: Wire,
    settings: Settings,
    flight: Flight,
    known: Mutex<Known>,
}

/// What was learnt of the tenant in this process.
#[derive(Default)]
struct Known {
    /// Whose job it is.
    principal: Option<String>,
    /// Names of extension properties that groups may carry a value of.
    extensions: Option<BTreeSet<String>>,
    /// The tag that came with what was read last under a path.
    tags: HashMap<String, String>,
    /// The group that was read alone last: what a change of it is guarded by.
    group: Option<CloudGroup>,
    /// Whether the token shows members that a group hides.
    sees_hidden: Option<bool>,
}

impl LiveTenant {
    /// Takes the secrets in; nothing is sent yet.
    pub fn new(config: &Config, wishes: &Wishes, words: Words, flight: Flight) -> Result<LiveTenant> {
        let entra = &config.settings.entra;
        let who = entra.client_id.clone().unwrap_or_default();
        let defaults = Options::default();
        let options = Options {
            budget_percent: wishes.graph_budget.unwrap_or(defaults.budget_percent),
            hurry: wishes.hurry,
            show_code: words.show_code,
            tell: words.tell,
            ..defaults
        };
        let graph = Graph::new(entra, &|secret| config.fetch(secret, &who), options)?;
        Ok(LiveTenant { wire: Wire::over(graph), settings: config.settings.clone(), flight, known: Mutex::default() })
    }

    /// The client, which others may share: its token, budget and limits are one.
    pub fn graph(&self) -> &Graph {
        self.wire.graph()
    }

    fn known<T>(&self, look: impl FnOnce(&mut Known) -> T) -> T {
        look(&mut self.known.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Tenant for LiveTenant {
    async fn groups(&self, ids: &[ObjectGuid]) -> Result<Vec<Option<CloudGroup>>> {
        self.read_groups(ids).await
    }
    async fn job(&self) -> Result<Option<JobState>> {
        self.find_job().await
    }
    async fn schema(&self, job: &JobState) -> Result<Value> {
        self.read_schema(job).await
    }
    async fn secrets(&self, job: &JobState) -> Result<Value> {
        self.read_secrets(&job.service_principal).await
    }
    async fn assignments(&self, job: &JobState) -> Result<Vec<Assigned>> {
        self.read_assignments(job).await
    }
    async fn logs(&self, job: &JobState, since: DateTime<Utc>) -> Result<Vec<Value>> {
        let query = queries::provisioning_logs(&since.to_rfc3339_opts(SecondsFormat::Secs, true), Some(&job.id));
        match self.wire.values(&query).await {
            // The list begins anew; what was read is read again.
            Err(Trouble::Expired(_)) => self.wire.values(&query).await.map_err(Trouble::into_error),
            other => other.map_err(Trouble::into_error),
        }
    }
    async fn agents(&self) -> Result<Vec<Value>> {
        match self.wire.values(queries::AGENTS).await {
            // No agent was ever registered for provisioning.
            Err(Trouble::Missing(_)) => Ok(Vec::new()),
            other => other.map_err(Trouble::into_error),
        }
    }
    async fn create_job(&self, domain: &str, template: &str) -> Written<JobState> {
        let _in_flight = self.flight.begin();
        self.make_job(domain, template).await
    }
    async fn put_schema(&self, job: &JobState, schema: &Value) -> Written {
        let _in_flight = self.flight.begin();
        self.save_schema(job, schema).await
    }
    async fn put_secrets(&self, job: &JobState, secrets: &Value) -> Written {
        let _in_flight = self.flight.begin();
        self.save_secrets(&job.service_principal, secrets).await
    }
    async fn start(&self, job: &JobState) -> Written {
        let _in_flight = self.flight.begin();
        self.set_running(job).await
    }
    async fn pause(&self, job: &JobState) -> Written {
        let _in_flight = self.flight.begin();
        self.set_paused(job).await
    }
    async fn restart(&self, job: &JobState, criteria: &Value) -> Written {
        let _in_flight = self.flight.begin();
        self.run_anew(job, criteria).await
    }
    async fn assign(&self, job: &JobState, app_role: &str, groups: &[ObjectGuid]) -> Result<Vec<Written>> {
        let _in_flight = self.flight.begin();
        self.scope_in(job, app_role, groups).await
    }
    async fn unassign(&self, job: &JobState, assignments: &[Assigned]) -> Result<Vec<Written>> {
        let _in_flight = self.flight.begin();
        self.scope_out(job, assignments).await
    }
    async fn update_group(&self, group: ObjectGuid, properties: &Value) -> Written {
        let _in_flight = self.flight.begin();
        self.change_group(group, properties).await
    }
    async fn create_extension(&self, name: &str) -> Written<String> {
        let _in_flight = self.flight.begin();
        self.make_extension(name).await
    }
    async fn provision(
        &self,
        job: &JobState,
        rule: &str,
        group: ObjectGuid,
        members: &[ObjectGuid],
    ) -> Written<OnDemand> {
        let _in_flight = self.flight.begin();
        self.provision_now(job, rule, group, members).await
    }
    async fn create_group(&self, name: &str, members: &[ObjectGuid]) -> Written<ObjectGuid> {
        let _in_flight = self.flight.begin();
        self.make_group(name, members).await
    }
}
