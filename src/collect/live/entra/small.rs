//! The small parts of a tenant: who it is, its synchronization, licences, Cloud Sync with its jobs, schemas,
//! assignments and agents. All are read at the same time; each may be refused by itself.

use super::ledger::Ledger;
use super::queries;
use super::wire::{Trouble, Wire};
use crate::collect::live::ContainerKnown;
use crate::collect::tenant;
use crate::config::Settings;
use crate::directory::inventory::{Assignment, CloudSync, Tenant};
use crate::error::Result;
use futures_util::future::try_join_all;
use serde_json::Value;

/// Candidates whose jobs are asked for when no service principal is of the known template.
const MOST_CANDIDATES: usize = 200;

pub struct Small {
    pub tenant: Tenant,
    pub cloud_sync: CloudSync,
}

/// Reads all of it. `container` is told as soon as the tenant's synchronization is known.
pub async fn read(wire: &Wire, ledger: &Ledger, settings: &Settings, container: ContainerKnown) -> Result<Small> {
    let (organization, synchronization, skus, agents, cloud_sync) = tokio::try_join!(
        async { ledger.denied("organization", wire.values(queries::ORGANIZATION).await) },
        synchronization(wire, ledger, container),
        async { ledger.denied("subscribedSkus", wire.values(queries::SKUS).await) },
        async { agents(wire, ledger).await },
        cloud_sync(wire, ledger, settings),
    )?;
    let mut tenant = synchronization;
    if let Some(values) = organization {
        if let Some(value) = values.first() {
            tenant::organization(&mut tenant, value);
        }
        ledger.read("organization", values.len() as u64, None, None);
    }
    if let Some(skus) = skus {
        ledger.read("subscribedSkus", skus.len() as u64, None, None);
        tenant.skus = Some(skus.iter().map(tenant::sku).collect());
    }
    Ok(Small { tenant, cloud_sync: CloudSync { agents, ..cloud_sync } })
}

/// v1.0 tells the features, beta the container and Connect's version too; a tenant need not answer both.
async fn synchronization(wire: &Wire, ledger: &Ledger, container: ContainerKnown) -> Result<Tenant> {
    let mut out = Tenant::default();
    let (first, beta) = tokio::join!(wire.values(queries::SYNCHRONIZATION), wire.values(queries::SYNCHRONIZATION_BETA));
    let mut refused = None;
    let mut read = 0;
    for answer in [first, beta] {
        match answer {
            Ok(values) => {
                read = read.max(values.len() as u64);
                if let Some(value) = values.first() {
                    tenant::synchronization(&mut out, value);
                }
            }
            Err(Trouble::Failed(error)) => return Err(error),
            Err(trouble) => refused = Some(trouble),
        }
    }
    // Whether beta was among the answers is seen from what it alone tells; without it the container stays unknown.
    if out.collections.is_empty()
        && let Some(trouble) = refused
    {
        ledger.denied("onPremisesSynchronization", Err::<(), _>(trouble))?;
    } else {
        ledger.read("onPremisesSynchronization", read, None, None);
        // Nobody may wait for it any more where AD is not read.
        let _ = container.send(Some(out.writeback_container.clone()));
    }
    Ok(out)
}

async fn agents(wire: &Wire, ledger: &Ledger) -> Result<Option<Vec<Value>>> {
    match wire.values(queries::AGENTS).await {
        // No agent was ever registered for provisioning.
        Err(Trouble::Missing(_)) => {
            ledger.read("agents", 0, None, None);
            Ok(Some(Vec::new()))
        }
        other => {
            let agents = ledger.denied("agents", other)?;
            if let Some(agents) = &agents {
                ledger.read("agents", agents.len() as u64, None, None);
            }
            Ok(agents)
        }
    }
}

async fn cloud_sync(wire: &Wire, ledger: &Ledger, settings: &Settings) -> Result<CloudSync> {
    let mut out = CloudSync::default();
    let Some(principals) = ledger.denied("servicePrincipal", principals(wire, settings).await)? else {
        return Ok(out);
    };
    ledger.read("servicePrincipal", principals.len() as u64, None, None);
    let ids: Vec<String> = principals.iter().filter_map(id).collect();
    out.service_principals = Some(principals);
    let (jobs, assignments) = tokio::join!(
        try_join_all(ids.iter().map(|id| jobs_of(wire, id))),
        try_join_all(ids.iter().map(|id| assigned(wire, id))),
    );
    if let Some(lists) = ledger.denied("appRoleAssignedTo", assignments)? {
        let all: Vec<Assignment> = lists.into_iter().flatten().collect();
        ledger.read("appRoleAssignedTo", all.len() as u64, None, None);
        out.assignments = Some(all);
    }
    let Some(lists) = ledger.denied("jobs", jobs)? else { return Ok(out) };
    let of: Vec<(String, String)> =
        ids.iter().zip(&lists).flat_map(|(p, jobs)| jobs.iter().filter_map(|j| Some((p.clone(), id(j)?)))).collect();
    let all: Vec<Value> = lists.into_iter().flatten().collect();
    ledger.read("jobs", all.len() as u64, None, None);
    out.jobs = Some(all);
    let one = async |principal: &str, job: &str| wire.value(&queries::schema(principal, job, "")).await;
    let schemas = try_join_all(of.iter().map(|(principal, job)| one(principal, job))).await;
    if let Some(schemas) = ledger.denied("schema", schemas)? {
        ledger.read("schema", schemas.len() as u64, Some(of.len() as u64), None);
        out.schemas = Some(schemas);
    }
    // What the mapping language knows is the same for all jobs of a service; the first that answers tells.
    if let Some((principal, job)) = of.first() {
        out.functions = optional(wire.values(&queries::schema(principal, job, "/functions")).await)?;
        out.filter_operators = optional(wire.values(&queries::schema(principal, job, "/filterOperators")).await)?;
    }
    Ok(out)
}

/// Something that serves as a check of what this program knows by itself: without it nothing is missing.
fn optional<T>(result: Result<T, Trouble>) -> Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(Trouble::Failed(error)) => Err(error),
        Err(_) => Ok(None),
    }
}

/// The configured service principal, else those of the template, else those that are named like a domain and have a job
/// that writes groups to AD.
pub(crate) async fn principals(wire: &Wire, settings: &Settings) -> Result<Vec<Value>, Trouble> {
    if let Some(id) = &settings.cloud_sync.service_principal {
        return Ok(vec![wire.value(&queries::principal(id)).await?]);
    }
    let found = wire.values(&queries::principals_of_template()).await?;
    if !found.is_empty() {
        return Ok(found);
    }
    let mut named = wire.values(&queries::principals()).await?;
    let domain = settings.cloud_sync.domain.as_deref().unwrap_or_default();
    let name = |p: &Value| p.get("displayName").and_then(Value::as_str).unwrap_or_default().to_owned();
    named.retain(|p| name(p).eq_ignore_ascii_case(domain) || is_domain(&name(p)));
    named.truncate(MOST_CANDIDATES);
    let ids: Vec<String> = named.iter().filter_map(id).collect();
    let jobs = wire.batch(&ids.iter().map(|id| queries::jobs(id)).collect::<Vec<_>>()).await?;
    let mut out = Vec::new();
    for (principal, answer) in named.into_iter().zip(jobs) {
        let jobs = match answer {
            Ok(jobs) => jobs,
            Err(Trouble::Missing(_) | Trouble::Refused(_)) => continue, // no synchronization of this one
            Err(trouble) => return Err(trouble),
        };
        let list = jobs.get("value").and_then(Value::as_array);
        if list.is_some_and(|l| l.iter().any(|job| id(job).is_some_and(|id| id.starts_with(queries::JOB)))) {
            out.push(principal);
        }
    }
    Ok(out)
}

/// `contoso.com`: labels of letters, digits and hyphens, at least two.
pub(crate) fn is_domain(name: &str) -> bool {
    let label = |l: &str| !l.is_empty() && l.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    name.contains('.') && name.split('.').all(label)
}

async fn jobs_of(wire: &Wire, principal: &str) -> Result<Vec<Value>, Trouble> {
    match wire.values(&queries::jobs(principal)).await {
        Err(Trouble::Missing(_)) => Ok(Vec::new()),
        other => other,
    }
}

async fn assigned(wire: &Wire, principal: &str) -> Result<Vec<Assignment>, Trouble> {
    let values = wire.values(&queries::assignments(principal)).await?;
    let text = |v: &Value, name: &str| v.get(name).and_then(Value::as_str).map(str::to_owned);
    Ok(values
        .iter()
        .map(|v| Assignment {
            principal_id: text(v, "principalId").unwrap_or_default().to_lowercase(),
            principal_type: text(v, "principalType"),
            app_role_id: text(v, "appRoleId"),
            resource_id: text(v, "resourceId"),
        })
        .collect())
}

fn id(value: &Value) -> Option<String> {
    value.get("id").and_then(Value::as_str).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn domain_names() {
        for (name, is) in [
            ("contoso.com", true),
            ("corp.contoso-eu.local", true),
            ("Salesforce", false),
            ("My app. Really", false),
            ("a..b", false),
            ("", false),
        ] {
            assert_eq!(is_domain(name), is, "{name}");
        }
    }
}
