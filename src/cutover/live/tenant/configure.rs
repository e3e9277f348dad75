//! A new configuration: the application of the template is instantiated, a job made of it, its domain set. Each part is
//! looked for first, so that a run that was cut off goes on where it was.

use super::LiveTenant;
use super::doubt::{held, refused, unread};
use super::job::{state_of, text};
use crate::collect::live::entra::queries;
use crate::collect::live::entra::wire::Trouble;
use crate::cutover::port::{JobState, Refusal, WriteFault, Written};
use crate::graph::{FaultKind, Method};
use serde_json::{Value, json};
use std::time::Duration;

/// A new service principal is not known everywhere at once: public scripts wait twenty seconds.
const WAITS: u32 = 30;
const WAIT: Duration = Duration::from_secs(4);

impl LiveTenant {
    pub(super) async fn make_job(&self, domain: &str, template: &str) -> Written<JobState> {
        let principal = match self.principal_of(domain).await? {
            Some(id) => id,
            None => self.instantiate(domain).await?,
        };
        self.known(|k| k.principal = Some(principal.clone()));
        let job = self.job_of(&principal, domain, template).await?;
        if !job.is_at_rest() {
            self.set_paused(&job).await?;
        }
        self.set_domain(&principal, domain).await?;
        match self.job_now(&job).await {
            Ok(Some(job)) if job.is_at_rest() => Ok(job),
            Ok(_) => Err(held(
                Refusal::Other,
                domain,
                "the new configuration is not at rest",
                "Disable it in the portal, then: groupshift cutover resume",
            )),
            Err(error) => Err(WriteFault::new(Refusal::Doubt, error)),
        }
    }

    /// The service principal of the template that is named after the domain.
    async fn principal_of(&self, domain: &str) -> Written<Option<String>> {
        let found = self.wire.values(&queries::principals_of_template()).await.map_err(unread)?;
        let mut named = found.iter().filter(|p| text(p, "displayName").eq_ignore_ascii_case(domain));
        let first = named.next().map(|p| text(p, "id").to_owned());
        match named.next() {
            Some(_) => Err(held(
                Refusal::Other,
                domain,
                "there are several configurations named after this domain",
                "Delete those without a job in the portal, then: groupshift cutover resume",
            )),
            None => Ok(first),
        }
    }

    async fn instantiate(&self, domain: &str) -> Written<String> {
        let path = format!("/v1.0/applicationTemplates/{}/instantiate", queries::TEMPLATE);
        let body = json!({ "displayName": domain });
        let fault = match self.graph().write(Method::Post, &path, Some(&body), None).await {
            Ok(answer) => {
                let made: Value = answer.json(&path).unwrap_or_default();
                let id = made.pointer("/servicePrincipal/id").and_then(Value::as_str).unwrap_or_default();
                if !id.is_empty() {
                    return Ok(id.to_owned());
                }
                None
            }
            Err(fault) if fault.doubt => Some(fault),
            Err(fault) => return Err(refused(fault, domain)),
        };
        // A second application of the name would be one too many: it is looked for, never asked for again.
        for _ in 0..WAITS {
            if let Some(id) = self.principal_of(domain).await? {
                return Ok(id);
            }
            self.wire.pause(WAIT).await;
        }
        Err(match fault {
            Some(fault) => refused(fault, domain),
            None => held(Refusal::Doubt, domain, "Graph says that the application was made, and does not show it", ""),
        })
    }

    /// The job of the service principal, made where there is none.
    async fn job_of(&self, principal: &str, domain: &str, template: &str) -> Written<JobState> {
        let body = json!({ "templateId": template });
        let path = queries::jobs(principal);
        let mut lost = None;
        for _ in 0..WAITS {
            match self.jobs_of(principal).await {
                Ok(jobs) => {
                    if let Some(job) = jobs.into_iter().next() {
                        return Ok(state_of(principal, job));
                    }
                    if lost.is_none() {
                        match self.graph().write(Method::Post, &path, Some(&body), None).await {
                            // What it became is read back like everything else.
                            Ok(_) => lost = Some(None),
                            Err(fault) if fault.doubt => lost = Some(Some(fault)),
                            // Not known where this was sent; nothing was done.
                            Err(fault) if fault.kind == FaultKind::NotFound => {}
                            Err(fault) => return Err(refused(fault, domain)),
                        }
                        continue;
                    }
                }
                // The service principal is not known everywhere yet.
                Err(Trouble::Missing(_)) => {}
                Err(trouble) => return Err(unread(trouble)),
            }
            self.wire.pause(WAIT).await;
        }
        Err(match lost {
            Some(Some(fault)) => refused(fault, domain),
            Some(None) => held(Refusal::Doubt, domain, "Graph says that the job was made, and does not show it", ""),
            None => held(
                Refusal::Busy,
                domain,
                "the new service principal is not known to the synchronization service yet",
                "Wait some minutes, then: groupshift cutover resume",
            ),
        })
    }

    /// PUT takes the place of all secrets: those that are there stay, unless Graph hides one.
    async fn set_domain(&self, principal: &str, domain: &str) -> Written {
        let wanted = json!({ "domain": domain });
        let now = self.read_secrets(principal).await.map_err(|e| WriteFault::new(Refusal::Other, e))?;
        let mut list: Vec<Value> = now.as_array().cloned().unwrap_or_default();
        let is_domain = |s: &&Value| text(s, "key").eq_ignore_ascii_case("Domain");
        if let Some(set) = list.iter().find(is_domain) {
            let set: Value = serde_json::from_str(text(set, "value")).unwrap_or_default();
            if text(&set, "domain").eq_ignore_ascii_case(domain) {
                return Ok(());
            }
        }
        list.retain(|s| !is_domain(&s));
        list.push(json!({ "key": "Domain", "value": wanted.to_string() }));
        self.save_secrets(principal, &Value::Array(list)).await
    }
}
