//! The job's scope by assignment: twenty writes a request, each with its own answer. What is assigned already, or gone
//! already, is no fault.

use super::LiveTenant;
use super::doubt::{held, refused};
use super::job::text;
use crate::collect::live::entra::queries;
use crate::collect::live::entra::wire::Trouble;
use crate::cutover::port::{Assigned, JobState, Refusal, Written};
use crate::directory::ObjectGuid;
use crate::error::{Error, Place, Result};
use crate::graph::{BatchRequest, Fault, FaultKind, Method, PER_BATCH};
use hashbrown::HashSet;
use serde_json::{Value, json};
use std::time::Duration;

/// How often parts are sent again whose answer was lost: neither can be done twice.
const ROUNDS: u32 = 4;
const BETWEEN: Duration = Duration::from_millis(1_500);

/// The role by which a group is scoped in, by cloud (domain reference 5.3).
const ROLES: [&str; 5] = [
    "1a0abf4d-b9fa-4512-a3a2-51ee82c6fd9f",
    "15af7fd5-1a3f-4034-8ea1-1afa3d5ecf63",
    "d8fa317e-0713-4930-91d8-1dbeb150978f",
    "50a55e47-aae2-425c-8dcb-ed711147a39f",
    "52e862b9-0b95-43fe-9340-54f51248314f",
];

fn path(job: &JobState) -> String {
    format!("/v1.0/servicePrincipals/{}/appRoleAssignedTo", job.service_principal)
}

/// The service refuses a second assignment of the same role.
fn is_there_already(fault: &Fault) -> bool {
    fault.status == Some(400) && fault.words.to_ascii_lowercase().contains("already exist")
}

impl LiveTenant {
    pub(super) async fn read_assignments(&self, job: &JobState) -> Result<Vec<Assigned>> {
        let query = queries::assignments(&job.service_principal);
        let values = match self.wire.values(&query).await {
            Err(Trouble::Expired(_)) => self.wire.values(&query).await,
            other => other,
        };
        let kept = |v: &Value, name: &str| v.get(name).and_then(Value::as_str).map(str::to_owned);
        let one = |v: &Value| {
            let principal = ObjectGuid::parse(text(v, "principalId")).ok_or_else(|| {
                Error::failed("an assignment of the job names no principal")
                    .at(Place::default().object(text(v, "id")))
                    .hint("Look at the configuration's scope in the portal.")
            })?;
            Ok(Assigned {
                id: text(v, "id").to_owned(),
                principal,
                principal_type: kept(v, "principalType"),
                app_role: kept(v, "appRoleId"),
            })
        };
        values.map_err(Trouble::into_error)?.iter().map(one).collect()
    }

    pub(super) async fn scope_in(&self, job: &JobState, role: &str, groups: &[ObjectGuid]) -> Result<Vec<Written>> {
        let role = match role.is_empty() {
            true => self.role_of(job).await?,
            false => role.to_owned(),
        };
        let request = |at: usize| BatchRequest {
            method: Method::Post,
            path: path(job),
            body: Some(
                json!({ "principalId": groups[at].to_string(), "resourceId": job.service_principal, "appRoleId": role }),
            ),
            if_match: None,
        };
        let done = async |open: &[usize]| {
            let there: HashSet<ObjectGuid> = self.read_assignments(job).await?.iter().map(|a| a.principal).collect();
            Ok(open.iter().copied().filter(|at| there.contains(&groups[*at])).collect())
        };
        let name = |at: usize| groups[at].to_string();
        Ok(self.each(groups.len(), request, is_there_already, done, name).await)
    }

    pub(super) async fn scope_out(&self, job: &JobState, assignments: &[Assigned]) -> Result<Vec<Written>> {
        let request = |at: usize| BatchRequest {
            method: Method::Delete,
            path: format!("{}/{}", path(job), assignments[at].id),
            body: None,
            if_match: None,
        };
        let done = async |open: &[usize]| {
            let there: HashSet<String> = self.read_assignments(job).await?.into_iter().map(|a| a.id).collect();
            Ok(open.iter().copied().filter(|at| !there.contains(&assignments[*at].id)).collect())
        };
        let gone = |fault: &Fault| fault.kind == FaultKind::NotFound;
        let name = |at: usize| assignments[at].principal.to_string();
        Ok(self.each(assignments.len(), request, gone, done, name).await)
    }

    /// Sends each, twenty at a time. Those whose answer was lost are looked for, and sent again where they are not there.
    async fn each(
        &self,
        count: usize,
        request: impl Fn(usize) -> BatchRequest,
        no_fault: impl Fn(&Fault) -> bool,
        done: impl AsyncFn(&[usize]) -> Result<Vec<usize>>,
        name: impl Fn(usize) -> String,
    ) -> Vec<Written> {
        let mut out: Vec<Option<Written>> = (0..count).map(|_| None).collect();
        let all: Vec<usize> = (0..count).collect();
        for chunk in all.chunks(PER_BATCH) {
            let mut open = chunk.to_vec();
            let mut lost: Vec<(usize, Fault)> = Vec::new();
            for round in 0..ROUNDS {
                let requests: Vec<BatchRequest> = open.iter().map(|at| request(*at)).collect();
                lost.clear();
                match self.graph().batch(&requests).await {
                    Ok(answers) => {
                        for (at, answer) in open.iter().zip(answers) {
                            match answer {
                                Ok(_) => out[*at] = Some(Ok(())),
                                Err(fault) if no_fault(&fault) => out[*at] = Some(Ok(())),
                                Err(fault) if fault.doubt => lost.push((*at, fault)),
                                Err(fault) => out[*at] = Some(Err(refused(fault, &name(*at)))),
                            }
                        }
                    }
                    Err(fault) if fault.doubt => lost = open.iter().map(|at| (*at, fault.clone())).collect(),
                    Err(fault) => {
                        for at in &open {
                            out[*at] = Some(Err(refused(fault.clone(), &name(*at))));
                        }
                    }
                }
                if lost.is_empty() {
                    break;
                }
                self.wire.pause(BETWEEN * (round + 1)).await;
                open = lost.iter().map(|(at, _)| *at).collect();
                // A look that fails leaves them in doubt.
                let Ok(found) = done(&open).await else { break };
                for at in &found {
                    out[*at] = Some(Ok(()));
                }
                lost.retain(|(at, _)| !found.contains(at));
                open.retain(|at| !found.contains(at));
                if open.is_empty() {
                    break;
                }
            }
            for (at, fault) in lost {
                out[at].get_or_insert_with(|| Err(refused(fault, &name(at))));
            }
        }
        let unsent = || Err(held(Refusal::Other, "an assignment", "it was not sent", ""));
        out.into_iter().map(|written| written.unwrap_or_else(unsent)).collect()
    }

    /// The role that scopes a group in, where nothing named it: a job that was made just now has no assignment yet.
    async fn role_of(&self, job: &JobState) -> Result<String> {
        let query = queries::principal(&job.service_principal);
        let principal = self.wire.value(&query).await.map_err(Trouble::into_error)?;
        let roles: Vec<&Value> = principal.get("appRoles").and_then(Value::as_array).into_iter().flatten().collect();
        let enabled = |r: &&&Value| r.get("isEnabled").and_then(Value::as_bool) != Some(false);
        let known = |r: &&&Value| ROLES.iter().any(|k| k.eq_ignore_ascii_case(text(r, "id")));
        let for_users = |r: &&&Value| {
            r.get("allowedMemberTypes").and_then(Value::as_array).is_some_and(|l| l.iter().any(|t| t == "User"))
        };
        let usable: Vec<&Value> = roles.iter().filter(enabled).filter(for_users).copied().collect();
        let found = roles.iter().filter(enabled).find(known).copied().or(match usable.as_slice() {
            [one] => Some(*one),
            _ => None,
        });
        found.map(|r| text(r, "id").to_owned()).ok_or_else(|| {
            Error::failed("which app role scopes a group into the job is not told by its service principal")
                .at(Place::default().object(&job.service_principal))
                .hint("Assign one group in the portal (configuration, scoping), collect and plan again: the plan then knows the role.")
        })
    }
}
