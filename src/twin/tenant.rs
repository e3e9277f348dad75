//! The port over the twin's tenant.

use super::Shared;
use super::cloud::{self, Job};
use super::faults::Port;
use super::world::{World, stamp};
use crate::cutover::port::{Assigned, CloudGroup, JobState, OnDemand, Refusal, Tenant, WriteFault, Written};
use crate::directory::ObjectGuid;
use crate::directory::inventory::Tri;
use crate::error::{Error, Place, Result};
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Microsoft Graph in memory.
pub struct TwinTenant(pub(super) Shared);

/// What Graph shows in place of a value that it hides.
const HIDDEN: &str = "**********";

impl TwinTenant {
    fn reading<T>(&self, what: &str, look: impl FnOnce(&World) -> Result<T>) -> Result<T> {
        let world = &mut *self.0.borrow_mut();
        world.arrive(Port::Tenant, what)?;
        look(world)
    }
    fn writing<T>(&self, what: &str, write: impl FnOnce(&mut World) -> Written<T>) -> Written<T> {
        self.0.borrow_mut().attempt(Port::Tenant, what, write)
    }
}

pub(super) fn refused(refusal: Refusal, object: &str, message: impl Into<String>) -> WriteFault {
    WriteFault::new(refusal, Error::failed(message).at(Place::default().object(object)))
}

impl World {
    fn job_state(&self) -> Option<JobState> {
        let job = self.cloud.job.as_ref()?;
        Some(JobState {
            service_principal: job.service_principal.clone(),
            id: job.id.clone(),
            code: job.code.clone(),
            raw: job.raw.clone(),
        })
    }
    /// The job, if it is the one that is meant.
    fn own_job(&mut self, meant: &JobState) -> Written<&mut Job> {
        match self.cloud.job.as_mut().filter(|j| j.id == meant.id) {
            Some(job) => Ok(job),
            None => Err(refused(Refusal::Missing, &meant.id, "there is no such job")),
        }
    }
    fn known_job(&self, meant: &JobState) -> Result<&Job> {
        let found = self.cloud.job.as_ref().filter(|j| j.id == meant.id);
        found.ok_or_else(|| Error::failed("there is no such job").at(Place::default().object(&meant.id)))
    }

    /// What the job says of its state.
    pub(super) fn set_code(&mut self, code: &str) {
        let interval = self.switches.cycle.as_secs() / 60;
        let Some(job) = self.cloud.job.as_mut() else { return };
        code.clone_into(&mut job.code);
        if let Some(raw) = job.raw.as_object_mut() {
            let status = raw.entry("status").or_insert_with(|| json!({}));
            if let Some(status) = status.as_object_mut() {
                status.insert("code".to_owned(), json!(code));
                if code != "Quarantine" {
                    status.insert("quarantine".to_owned(), Value::Null);
                }
            }
            let state = if code == "Active" { "Active" } else { "Disabled" };
            let schedule = json!({ "expiration": Value::Null, "interval": format!("PT{interval}M"), "state": state });
            raw.insert("schedule".to_owned(), schedule);
        }
    }
    pub(super) fn start_job(&mut self) {
        self.set_code("Active");
        let soon = TimeDelta::from_std(self.switches.cycle / 10).unwrap_or(TimeDelta::zero());
        let next = self.now + soon;
        if let Some(job) = self.cloud.job.as_mut() {
            job.next = Some(next);
        }
    }
    pub(super) fn pause_job(&mut self) {
        self.set_code("Paused");
        if let Some(job) = self.cloud.job.as_mut() {
            job.next = None;
        }
    }
    pub(super) fn assign(&mut self, principal: ObjectGuid, app_role: Option<&str>) {
        let id = self.new_guid().to_string();
        self.cloud.reassigned = true;
        self.cloud.assigned.push(Assigned {
            id,
            principal,
            principal_type: Some("Group".to_owned()),
            app_role: app_role.map(str::to_owned),
        });
        self.cloud.touch(principal);
    }

    fn create_job(&mut self, domain: &str, template: &str) -> Written<JobState> {
        if !self.switches.creates_jobs {
            return Err(refused(Refusal::Other, domain, "the service lets nobody but the portal make a configuration"));
        }
        if let Some(job) = self.job_state() {
            return Err(refused(Refusal::Other, &job.id, "a configuration for this domain is there already"));
        }
        let (principal, application) = (self.new_guid().to_string(), self.new_guid().to_string());
        let tenant = self.base.entra.tenant.id.clone().unwrap_or_default().replace('-', "");
        let id = format!("{template}.{tenant}.{}", self.new_guid());
        let schema = crate::predict::defaults::schema(Some(domain)).ok().and_then(|s| serde_json::to_value(s).ok());
        let mut schema = schema.unwrap_or_default();
        let rule = self.new_guid().to_string();
        schema["id"] = json!(id);
        schema["synchronizationRules"][0]["id"] = json!(rule);
        schema["synchronizationRules"][0]["objectMappings"][0]["flowTypes"] = json!("Add,Update,Delete");
        let name = self.domain.clone();
        self.cloud.new_principal = Some(json!({
            "id": principal, "appId": application, "displayName": name, "accountEnabled": true,
            "appRoles": [{ "id": "1a0abf4d-b9fa-4512-a3a2-51ee82c6fd9f", "isEnabled": true, "displayName": "User",
                           "allowedMemberTypes": ["User"], "value": Value::Null }],
        }));
        self.cloud.schema = Some(schema);
        let set: Vec<(String, String)> = std::mem::take(&mut self.cloud.secrets);
        self.cloud.secrets = cloud::secrets(domain);
        self.cloud.secrets.extend(set.into_iter().filter(|(k, _)| k == "SyncAll"));
        self.cloud.job = Some(Job {
            service_principal: principal,
            id: id.clone(),
            raw: json!({ "id": id, "templateId": template, "status": { "code": "NotRun", "lastExecution": Value::Null,
                         "lastSuccessfulExecution": Value::Null, "quarantine": Value::Null } }),
            code: "NotRun".to_owned(),
            next: None,
            seen: BTreeMap::new(),
            cycles: 0,
        });
        self.set_code("NotRun");
        self.job_state().ok_or_else(|| refused(Refusal::Other, domain, "the configuration was not made"))
    }

    fn update_group(&mut self, group: ObjectGuid, properties: &Value) -> Written {
        let missing = || refused(Refusal::Missing, &group.to_string(), "there is no such group");
        let number = self.cloud.number(group).filter(|n| !self.cloud.is_deleted(*n)).ok_or_else(missing)?;
        let Some(properties) = properties.as_object() else {
            return Err(refused(Refusal::Other, &group.to_string(), "the body is no object"));
        };
        // Refused as a whole, or taken as a whole.
        for name in properties.keys() {
            let known = ["writebackConfiguration", "displayName", "description"].contains(&name.as_str())
                || self.cloud.extensions.contains(name);
            if !known {
                let message = format!("there is no property {name} to be set on a group");
                return Err(refused(Refusal::Other, &group.to_string(), message));
            }
        }
        let overlay = self.cloud.overlay(number);
        for (name, value) in properties {
            match name.as_str() {
                "writebackConfiguration" => {
                    let enabled = value.get("isEnabled").and_then(Value::as_bool);
                    overlay.writeback = Some(Tri::from_known(Some(enabled)));
                }
                "displayName" => overlay.display_name = value.as_str().map(str::to_owned),
                "description" => overlay.description = Some(value.as_str().map(str::to_owned)),
                _ => {
                    let text = match value {
                        Value::Null => None,
                        Value::Bool(true) => Some("True".to_owned()),
                        Value::Bool(false) => Some("False".to_owned()),
                        Value::String(text) => Some(text.clone()),
                        other => Some(other.to_string()),
                    };
                    overlay.extensions.insert(name.clone(), text);
                }
            }
        }
        self.cloud.touch(group);
        Ok(())
    }

    /// The application that extensions belong to.
    fn application(&self) -> String {
        let known = self.cloud.extensions.iter().filter_map(|n| n.split('_').nth(1)).next();
        known.map_or_else(|| "7477696e000040008000000000000002".to_owned(), str::to_owned)
    }
}

impl Tenant for TwinTenant {
    async fn groups(&self, ids: &[ObjectGuid]) -> Result<Vec<Option<CloudGroup>>> {
        self.reading("reading groups", |world| Ok(ids.iter().map(|id| world.cloud_group(*id)).collect()))
    }
    async fn job(&self) -> Result<Option<JobState>> {
        self.reading("reading the job", |world| Ok(world.job_state()))
    }
    async fn schema(&self, job: &JobState) -> Result<Value> {
        self.reading("reading the schema", |world| {
            world.known_job(job)?;
            world.cloud.schema.clone().ok_or_else(|| {
                Error::failed("the job's schema is not in the bundle")
                    .hint("Collect again with cloudsync/schema.json, and plan anew.")
            })
        })
    }
    async fn secrets(&self, job: &JobState) -> Result<Value> {
        self.reading("reading the secrets", |world| {
            world.known_job(job)?;
            let hidden = world.switches.masked_secrets;
            let show = |(key, value): &(String, String)| {
                let value = if hidden && key != "SyncNotificationSettings" { HIDDEN } else { value };
                json!({ "key": key, "value": value })
            };
            Ok(Value::Array(world.cloud.secrets.iter().map(show).collect()))
        })
    }
    async fn assignments(&self, job: &JobState) -> Result<Vec<Assigned>> {
        self.reading("reading the assignments", |world| {
            world.known_job(job)?;
            Ok(world.cloud.assigned.clone())
        })
    }
    async fn logs(&self, job: &JobState, since: DateTime<Utc>) -> Result<Vec<Value>> {
        self.reading("reading the provisioning log", |world| {
            world.known_job(job)?;
            Ok(world.cloud.logs.iter().filter(|(at, _)| *at >= since).map(|(_, entry)| entry.clone()).collect())
        })
    }
    async fn agents(&self) -> Result<Vec<Value>> {
        self.reading("reading the agents", |world| Ok(world.cloud.agents.clone()))
    }
    async fn create_job(&self, domain: &str, template: &str) -> Written<JobState> {
        self.writing("making the configuration", |world| world.create_job(domain, template))
    }
    async fn put_schema(&self, job: &JobState, schema: &Value) -> Written {
        self.writing("saving the schema", |world| {
            let active = world.own_job(job)?.code == "Active";
            // The service keeps no annotation of an answer.
            let mut schema = schema.clone();
            if let Some(map) = schema.as_object_mut() {
                map.retain(|name, _| !name.starts_with("@odata."));
            }
            world.cloud.schema = Some(schema);
            world.cloud.version += 1;
            let everything = world.own_job(job)?;
            everything.seen.values_mut().for_each(|v| *v = 0);
            if active {
                // Saving a schema starts a cycle.
                let now = world.now;
                world.own_job(job)?.next = Some(now);
            }
            Ok(())
        })
    }
    async fn put_secrets(&self, job: &JobState, secrets: &Value) -> Written {
        self.writing("saving the secrets", |world| {
            world.own_job(job)?;
            let list = secrets.as_array().or_else(|| secrets.get("value").and_then(Value::as_array));
            let Some(list) = list else {
                return Err(refused(Refusal::Other, &job.id, "the secrets are no list"));
            };
            let pair = |v: &Value| Some((v.get("key")?.as_str()?.to_owned(), v.get("value")?.as_str()?.to_owned()));
            let new: Vec<(String, String)> = list.iter().filter_map(pair).collect();
            // Those settings may be taken out again by whoever put them there; a credential may not.
            let optional = |k: &str| matches!(k, "SkipOutOfScopeDeletions" | "SyncAll");
            let lost = world.cloud.secrets.iter().any(|(k, _)| !optional(k) && !new.iter().any(|(n, _)| n == k));
            if lost || new.iter().any(|(_, v)| v.chars().all(|c| c == '*')) {
                world.cloud.secrets_spoilt = true;
                world.broken.push("the run wrote the job's secrets back without their values".to_owned());
            }
            world.cloud.secrets = new;
            Ok(())
        })
    }
    async fn start(&self, job: &JobState) -> Written {
        self.writing("starting the job", |world| {
            world.own_job(job)?;
            world.start_job();
            Ok(())
        })
    }
    async fn pause(&self, job: &JobState) -> Written {
        self.writing("pausing the job", |world| {
            world.own_job(job)?;
            world.pause_job();
            Ok(())
        })
    }
    async fn restart(&self, job: &JobState, criteria: &Value) -> Written {
        self.writing("restarting the job", |world| {
            let reset = criteria.get("resetScope").and_then(Value::as_str).unwrap_or_default().to_owned();
            let job = world.own_job(job)?;
            if reset.contains("Full") || reset.contains("Watermark") {
                job.seen.values_mut().for_each(|v| *v = 0);
            }
            world.start_job();
            Ok(())
        })
    }
    async fn assign(&self, job: &JobState, app_role: &str, groups: &[ObjectGuid]) -> Result<Vec<Written>> {
        let mut out = Vec::with_capacity(groups.len());
        for group in groups {
            let written = self.writing("assigning a group", |world| {
                world.own_job(job)?;
                let number = world.cloud.number(*group).filter(|n| !world.cloud.is_deleted(*n));
                if number.is_none() {
                    return Err(refused(Refusal::Missing, &group.to_string(), "there is no such group"));
                }
                if !world.cloud.assigned.iter().any(|a| a.principal == *group) {
                    world.assign(*group, Some(app_role));
                }
                Ok(())
            });
            out.push(written);
        }
        Ok(out)
    }
    async fn unassign(&self, job: &JobState, assignments: &[Assigned]) -> Result<Vec<Written>> {
        let mut out = Vec::with_capacity(assignments.len());
        for gone in assignments {
            let written = self.writing("taking a group out of scope", |world| {
                world.own_job(job)?;
                world.cloud.reassigned = true;
                world.cloud.assigned.retain(|a| a.id != gone.id);
                Ok(())
            });
            out.push(written);
        }
        Ok(out)
    }
    async fn update_group(&self, group: ObjectGuid, properties: &Value) -> Written {
        self.writing("changing a group", |world| world.update_group(group, properties))
    }
    async fn create_extension(&self, name: &str) -> Written<String> {
        self.writing("making an extension property", |world| {
            let full = match name.starts_with("extension_") {
                true => name.to_owned(),
                false => format!("extension_{}_{name}", world.application()),
            };
            world.cloud.extensions.insert(full.clone());
            Ok(full)
        })
    }
    async fn provision(
        &self,
        job: &JobState,
        rule: &str,
        group: ObjectGuid,
        members: &[ObjectGuid],
    ) -> Written<OnDemand> {
        self.writing("provisioning on demand", |world| {
            world.own_job(job)?;
            let at = world.now;
            world.cloud.on_demand.retain(|t| *t + TimeDelta::seconds(10) > at);
            if world.cloud.on_demand.len() >= 5 {
                let message = "five groups were provisioned in ten seconds: the service asks for patience (429)";
                return Err(refused(Refusal::Busy, &group.to_string(), message));
            }
            if members.len() > 5 {
                return Err(refused(Refusal::Other, &group.to_string(), "at most five members can be named"));
            }
            world.cloud.on_demand.push(at);
            tracing::trace!(rule, at = stamp(at), "provisioning on demand");
            Ok(world.provision_now(group, members))
        })
    }
    async fn create_group(&self, name: &str, members: &[ObjectGuid]) -> Written<ObjectGuid> {
        self.writing("making a group in Entra", |world| {
            let mut numbers = Vec::new();
            for member in members {
                let number = world.cloud.number(*member);
                numbers.push(number.ok_or_else(|| {
                    refused(Refusal::Other, &member.to_string(), "there is no such object to be a member")
                })?);
            }
            numbers.sort_unstable();
            numbers.dedup();
            if let Some(known) = world.cloud.new_groups.iter().find(|g| g.name == name) {
                return Ok(known.id);
            }
            let id = world.new_guid();
            world.cloud.new_group(id, name, numbers);
            Ok(id)
        })
    }
}
