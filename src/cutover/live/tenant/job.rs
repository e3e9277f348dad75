//! The job that provisions groups to the domain: which it is, its state, schema and secrets.

use super::LiveTenant;
use super::doubt::{Again, held, refused};
use crate::collect::live::entra::wire::Trouble;
use crate::collect::live::entra::{queries, small};
use crate::cutover::engine::settings::{masked, summary};
use crate::cutover::port::{JobState, Refusal, Written};
use crate::error::{Error, Place, Result};
use crate::graph::{Body, FaultKind, Method};
use serde_json::{Value, json};

pub(super) fn text<'v>(value: &'v Value, name: &str) -> &'v str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// Whether a job provisions groups to AD. The template that a job names need not be the one it was made from.
fn provisions_groups(job: &Value) -> bool {
    let begins = |t: &str| t.len() >= queries::JOB.len() && t[..queries::JOB.len()].eq_ignore_ascii_case(queries::JOB);
    let is = |name: &str| job.get(name).and_then(Value::as_str).is_some_and(|t| t.is_ascii() && begins(t));
    is("id") || is("templateId")
}

pub(super) fn state_of(principal: &str, job: Value) -> JobState {
    JobState {
        service_principal: principal.to_owned(),
        id: text(&job, "id").to_owned(),
        code: job.pointer("/status/code").and_then(Value::as_str).unwrap_or_default().to_owned(),
        raw: job,
    }
}

impl LiveTenant {
    pub(super) async fn find_job(&self) -> Result<Option<JobState>> {
        if let Some(principal) = self.known(|k| k.principal.clone()) {
            match self.jobs_of(&principal).await {
                Ok(jobs) => {
                    if let Some(job) = one(jobs.into_iter().map(|j| (principal.clone(), j)).collect())? {
                        return Ok(Some(job));
                    }
                }
                Err(Trouble::Missing(_)) => {}
                Err(trouble) => return Err(trouble.into_error()),
            }
            self.known(|k| k.principal = None);
        }
        let principals = match small::principals(&self.wire, &self.settings).await {
            Err(Trouble::Missing(error)) => {
                return Err(
                    error.hint("Check service_principal under [cloud_sync]: the tenant has no such service principal.")
                );
            }
            other => other.map_err(Trouble::into_error)?,
        };
        let wanted = self.settings.cloud_sync.domain.as_deref();
        let mut found = Vec::new();
        for principal in &principals {
            let id = text(principal, "id").to_owned();
            match self.jobs_of(&id).await {
                Ok(jobs) => found.extend(jobs.into_iter().map(|j| (text(principal, "displayName"), (id.clone(), j)))),
                Err(Trouble::Missing(_)) => {}
                Err(trouble) => return Err(trouble.into_error()),
            }
        }
        // A configuration is named after its domain; one that somebody renamed is taken where it is the only one.
        let named = |name: &str| wanted.is_some_and(|w| name.eq_ignore_ascii_case(w));
        if self.settings.cloud_sync.service_principal.is_none() {
            if found.iter().any(|(name, _)| named(name)) {
                found.retain(|(name, _)| named(name));
            } else if wanted.is_some() {
                found.retain(|(name, _)| !small::is_domain(name));
            }
        }
        let job = one(found.into_iter().map(|(_, job)| job).collect())?;
        self.known(|k| k.principal = job.as_ref().map(|j| j.service_principal.clone()));
        Ok(job)
    }

    /// Jobs of a service principal that provision groups to AD.
    pub(super) async fn jobs_of(&self, principal: &str) -> Result<Vec<Value>, Trouble> {
        let jobs = self.wire.values(&queries::jobs(principal)).await?;
        Ok(jobs.into_iter().filter(provisions_groups).collect())
    }

    /// The job's state now.
    pub(super) async fn job_now(&self, job: &JobState) -> Result<Option<JobState>> {
        let jobs = self.jobs_of(&job.service_principal).await.map_err(Trouble::into_error)?;
        let found = jobs.into_iter().find(|j| text(j, "id") == job.id);
        Ok(found.map(|j| state_of(&job.service_principal, j)))
    }

    async fn at_rest(&self, job: &JobState) -> Result<bool> {
        Ok(self.job_now(job).await?.is_some_and(|j| j.is_at_rest()))
    }

    fn act(job: &JobState, action: &str) -> String {
        format!("{}/{}/{action}", queries::jobs(&job.service_principal), job.id)
    }

    pub(super) async fn set_paused(&self, job: &JobState) -> Written {
        let path = Self::act(job, "pause");
        let send = async || self.graph().write(Method::Post, &path, None, None).await;
        self.sent("the Cloud Sync job", Again::Always, send, async || self.at_rest(job).await).await
    }

    /// Not sent again after a lost answer: the job may have been started, and paused since by somebody who saw trouble.
    pub(super) async fn set_running(&self, job: &JobState) -> Written {
        let path = Self::act(job, "start");
        let send = async || self.graph().write(Method::Post, &path, None, None).await;
        let there = async || Ok(self.job_now(job).await?.is_some_and(|j| !j.is_at_rest()));
        self.sent("the Cloud Sync job", Again::Unavailable, send, there).await
    }

    pub(super) async fn run_anew(&self, job: &JobState, criteria: &Value) -> Written {
        let path = Self::act(job, "restart");
        let body = json!({ "criteria": criteria });
        let send = async || self.graph().write(Method::Post, &path, Some(&body), None).await;
        // A job that ran before tells nothing of whether it was restarted.
        let was_at_rest = job.is_at_rest();
        let there = async || Ok(was_at_rest && !self.at_rest(job).await?);
        self.sent("the Cloud Sync job", Again::Unavailable, send, there).await
    }

    pub(super) async fn read_schema(&self, job: &JobState) -> Result<Value> {
        let path = queries::schema(&job.service_principal, &job.id, "");
        let body = self.graph().get(&path).await?;
        let schema = body.json(&path)?;
        if !schema.get("synchronizationRules").is_some_and(Value::is_array) {
            return Err(Error::failed("the job's schema, as Graph returns it, has no rules")
                .at(Place::default().object(&job.id))
                .hint("Open the configuration's attribute mapping in the portal and save it once, then: groupshift cutover resume"));
        }
        self.keep_tag(&path, &body, &schema);
        self.learn_extensions(&schema);
        Ok(schema)
    }

    fn keep_tag(&self, path: &str, body: &Body, value: &Value) {
        let tag = body.etag.clone().or_else(|| Some(text(value, "@odata.etag").to_owned()).filter(|t| !t.is_empty()));
        self.known(|k| match tag {
            Some(tag) => k.tags.insert(path.to_owned(), tag),
            None => k.tags.remove(path),
        });
    }

    pub(super) async fn save_schema(&self, job: &JobState, schema: &Value) -> Written {
        let path = queries::schema(&job.service_principal, &job.id, "");
        let body = without_annotations(schema);
        let tag = self.known(|k| k.tags.get(&path).cloned());
        let saved = async || Ok(summary(&self.read_schema(job).await?) == summary(&body));
        match self.graph().write(Method::Put, &path, Some(&body), tag.as_deref()).await {
            Ok(_) => Ok(()),
            // A repeated PUT meets the tag that its own first try made.
            Err(fault) if fault.doubt || fault.kind == FaultKind::Conflict => match self.appears(&saved).await {
                Some(true) => Ok(()),
                _ => Err(refused(fault, "the Cloud Sync job's schema")),
            },
            Err(fault) => Err(refused(fault, "the Cloud Sync job's schema")),
        }
    }

    pub(super) async fn read_secrets(&self, principal: &str) -> Result<Value> {
        let path = secrets_path(principal);
        let body = self.graph().json(&path).await?;
        let list = body.get("value").and_then(Value::as_array).ok_or_else(|| {
            Error::failed("the job's secrets, as Graph returns them, are no list")
                .at(Place::default().object(principal))
        })?;
        let pair = |s: &Value| json!({ "key": text(s, "key"), "value": s.get("value").unwrap_or(&Value::Null) });
        Ok(list.iter().map(pair).collect())
    }

    /// PUT takes the place of all secrets, so none may be missing and none may be a mask.
    pub(super) async fn save_secrets(&self, principal: &str, secrets: &Value) -> Written {
        const OBJECT: &str = "the Cloud Sync job's secrets";
        let hidden = masked(secrets);
        if !hidden.is_empty() {
            let message = format!("not saved: Graph does not show the value of {}", hidden.join(", "));
            return Err(held(
                Refusal::Other,
                OBJECT,
                message,
                "Change the setting in the portal: it knows the values.",
            ));
        }
        let now =
            self.read_secrets(principal).await.map_err(|e| crate::cutover::port::WriteFault::new(Refusal::Other, e))?;
        let keys = |list: &Value| -> Vec<String> {
            list.as_array().into_iter().flatten().map(|s| text(s, "key").to_lowercase()).collect()
        };
        let given = keys(secrets);
        let lost: Vec<String> = keys(&now).into_iter().filter(|k| !given.contains(k)).collect();
        if !lost.is_empty() {
            let message = format!("not saved: {} would be lost, set by somebody meanwhile", lost.join(", "));
            return Err(held(Refusal::Guard, OBJECT, message, ""));
        }
        let body = json!({ "value": secrets });
        let path = secrets_path(principal);
        let there = async || {
            let now = self.read_secrets(principal).await?;
            Ok(masked(&now).is_empty() && sorted(&now) == sorted(secrets))
        };
        let send = async || self.graph().write(Method::Put, &path, Some(&body), None).await;
        self.sent(OBJECT, Again::Never, send, there).await
    }
}

/// The one job; an error where there are several.
fn one(mut found: Vec<(String, Value)>) -> Result<Option<JobState>> {
    if found.len() > 1 {
        let ids: Vec<&str> = found.iter().map(|(_, job)| text(job, "id")).collect();
        return Err(Error::failed(format!(
            "{} Cloud Sync jobs provision groups to AD, and nothing says which is meant: {}",
            ids.len(),
            ids.join(", ")
        ))
        .hint("Set domain under [cloud_sync] (and service_principal, its object id, where two are named alike)."));
    }
    Ok(found.pop().map(|(principal, job)| state_of(&principal, job)))
}

fn secrets_path(principal: &str) -> String {
    format!("/v1.0/servicePrincipals/{principal}/synchronization/secrets")
}

fn sorted(secrets: &Value) -> Vec<(String, String)> {
    let list = secrets.as_array().into_iter().flatten();
    let mut out: Vec<(String, String)> =
        list.map(|s| (text(s, "key").to_lowercase(), text(s, "value").to_owned())).collect();
    out.sort_unstable();
    out
}

/// What Graph adds to an answer is no part of what is saved.
fn without_annotations(schema: &Value) -> Value {
    let mut schema = schema.clone();
    if let Some(object) = schema.as_object_mut() {
        object.retain(|name, _| !name.starts_with("@odata."));
    }
    schema
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn which_jobs_provision_groups() {
        for (job, is) in [
            (json!({ "id": "AAD2ADGroupProvisioning.a.b" }), true),
            (json!({ "id": "aad2adgroupprovisioning.a.b" }), true),
            (json!({ "id": "x", "templateId": "AAD2ADGroupProvisioning" }), true),
            (json!({ "id": "AD2AADProvisioning.a", "templateId": "ADDCInPassthrough" }), false),
            (json!({ "id": "äöü" }), false),
            (json!({}), false),
        ] {
            assert_eq!(provisions_groups(&job), is, "{job}");
        }
    }

    #[test]
    fn several_jobs_are_an_error_that_names_them() {
        let job = |id: &str| ("sp".to_owned(), json!({ "id": id, "status": { "code": "Paused" } }));
        assert_eq!(one(Vec::new()).unwrap(), None);
        let found = one(vec![job("a")]).unwrap().unwrap();
        assert!(found.is_at_rest() && found.service_principal == "sp");
        let error = one(vec![job("a"), job("b")]).unwrap_err();
        assert!(error.message.contains("a, b") && !error.hints.is_empty(), "{error}");
    }
}
