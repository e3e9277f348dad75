//! What only an audit reads: provisioning logs, and the access packages that govern groups, with who holds them. The
//! bodies are kept as they come.

use super::ledger::Ledger;
use super::queries;
use super::wire::{Trouble, Wire, is_new};
use crate::bundle::{RawFile, files};
use crate::directory::Inventory;
use crate::directory::inventory::{EntraKind, NONE};
use crate::error::Result;
use chrono::{DateTime, Duration, SecondsFormat, Utc};
use serde_json::Value;
use std::collections::HashSet;
use std::pin::Pin;

/// How far back provisioning logs are read: as long as the service keeps them.
const DAYS: i64 = 30;
/// Between two requests for logs: 5 in 10 seconds are allowed.
const PACE: std::time::Duration = std::time::Duration::from_millis(2_000);

/// A part of the reading on the heap: the whole is one future, and its size is paid in stack.
type Boxed<'a, T> = Pin<Box<dyn Future<Output = Result<T>> + 'a>>;

/// Reads both, at the same time.
pub fn read<'a>(
    wire: &'a Wire,
    ledger: &'a Ledger,
    inventory: &'a Inventory,
    now: DateTime<Utc>,
) -> Boxed<'a, Vec<RawFile>> {
    Box::pin(async move {
        let (logs, packages) = tokio::try_join!(logs(wire, ledger, inventory, now), packages(wire, ledger, inventory))?;
        Ok(logs.into_iter().chain(packages).collect())
    })
}

/// Threshold and recipients of the configurations; `None` where the account may not read them.
pub fn notifications<'a>(wire: &'a Wire, inventory: &'a Inventory) -> Boxed<'a, Option<Vec<Value>>> {
    Box::pin(async move {
        let principals = inventory.cloud_sync.service_principals.iter().flatten();
        let mut found: Option<Vec<Value>> = None;
        for id in principals.filter_map(|p| p.get("id")?.as_str()) {
            match wire.values(&queries::secrets(id)).await {
                Ok(values) => {
                    let kept = values.iter().filter_map(crate::collect::tenant::notification);
                    found.get_or_insert_default().extend(kept);
                }
                Err(Trouble::Failed(error)) => return Err(error),
                Err(_) => {} // without it the check stays open
            }
        }
        Ok(found)
    })
}

async fn logs(wire: &Wire, ledger: &Ledger, inventory: &Inventory, now: DateTime<Utc>) -> Result<Option<RawFile>> {
    let jobs: Vec<&str> = inventory.cloud_sync.jobs.iter().flatten().filter_map(|j| j.get("id")?.as_str()).collect();
    let window = (now - Duration::days(DAYS), now);
    let from = window.0.to_rfc3339_opts(SecondsFormat::Secs, true);
    let mut raw = RawFile::new(files::PROVISIONING_LOGS)?;
    for (i, job) in jobs.iter().enumerate() {
        if i > 0 {
            wire.pause(PACE).await;
        }
        let mut read = logs_of(wire, &mut raw, &queries::provisioning_logs(&from, Some(job)), None, window).await;
        if let Err(Trouble::Refused(_)) = read {
            // Where the service does not filter by job, it is done here.
            read = logs_of(wire, &mut raw, &queries::provisioning_logs(&from, None), Some(job), window).await;
        }
        if ledger.denied("provisioningLogs", read)?.is_none() {
            return Ok(None);
        }
    }
    ledger.read("provisioningLogs", raw.records(), None, None);
    Ok(Some(raw))
}

async fn logs_of(
    wire: &Wire,
    raw: &mut RawFile,
    query: &str,
    job: Option<&str>,
    window: (DateTime<Utc>, DateTime<Utc>),
) -> Result<(), Trouble> {
    let mut first = true;
    let (mut pages, mut oldest) = (0u64, window.1);
    let mut seen = HashSet::new();
    wire.pages(query, async |body| {
        if !std::mem::take(&mut first) {
            wire.pause(PACE).await;
        }
        pages += 1;
        for log in super::wire::list(&body, query)? {
            if let Some(time) = activity(&log) {
                oldest = oldest.min(time);
            }
            let of_job = job.is_none_or(|job| log.get("jobId").and_then(Value::as_str) == Some(job));
            if of_job && is_new(&mut seen, &log) {
                raw.push(&log)?;
            }
        }
        // Logs come newest first, so how far back they reach tells how many are left.
        if (pages == 3 || pages.is_multiple_of(50))
            && let Some(left) = pages_left(window, oldest, pages)
        {
            let time = PACE.as_secs() * left;
            wire.tell(format!(
                "provisioning logs: {pages} pages reach back to {}; about {left} more, {}:{:02} minutes, since the service allows 5 requests in 10 seconds",
                oldest.to_rfc3339_opts(SecondsFormat::Secs, true),
                time / 60,
                time % 60
            ));
        }
        Ok(())
    })
    .await?;
    Ok(())
}

fn activity(log: &Value) -> Option<DateTime<Utc>> {
    log.get("activityDateTime")?.as_str()?.parse().ok()
}

/// About how many pages are still to come, when `pages` of them reach back to `oldest`; `None` where that tells nothing.
fn pages_left(window: (DateTime<Utc>, DateTime<Utc>), oldest: DateTime<Utc>, pages: u64) -> Option<u64> {
    let (left, done) = ((oldest - window.0).num_seconds(), (window.1 - oldest).num_seconds());
    (left > 0 && done > 0).then(|| (pages as f64 * left as f64 / done as f64).ceil() as u64)
}

async fn packages(wire: &Wire, ledger: &Ledger, inventory: &Inventory) -> Result<Vec<RawFile>> {
    let Some(listed) = ledger.denied("accessPackages", wire.values(queries::ACCESS_PACKAGES).await)? else {
        return Ok(Vec::new());
    };
    let ids: Vec<&str> = listed.iter().filter_map(|p| p.get("id")?.as_str()).collect();
    let queries_of: Vec<String> = ids.iter().map(|id| queries::access_package(id)).collect();
    let Some(answers) = ledger.denied("accessPackages", wire.batch(&queries_of).await)? else {
        return Ok(Vec::new());
    };
    let groups: HashSet<String> = inventory
        .entra
        .objects
        .iter()
        .filter(|o| o.kind == EntraKind::Group && o.detail != NONE)
        .map(|o| o.id.to_string())
        .collect();
    let (mut packages, mut holders) = (RawFile::new(files::ACCESS_PACKAGES)?, RawFile::new(files::ACCESS_ASSIGNMENTS)?);
    let mut of_groups = Vec::new();
    for (id, answer) in ids.iter().zip(answers) {
        let package = match answer {
            Ok(package) => package,
            Err(Trouble::Missing(_)) => continue, // deleted meanwhile
            Err(trouble) => {
                ledger.denied("accessPackages", Err::<(), _>(trouble))?;
                return Ok(Vec::new());
            }
        };
        if governs(&package, &groups) {
            of_groups.push(*id);
        }
        packages.push(&package)?;
    }
    ledger.read("accessPackages", packages.records(), Some(ids.len() as u64), None);
    for id in of_groups {
        let listed = wire.values(&queries::access_assignments(id)).await;
        let Some(listed) = ledger.denied("accessPackageAssignments", listed)? else {
            return Ok(vec![packages]);
        };
        for assignment in listed {
            holders.push(&assignment)?;
        }
    }
    ledger.read("accessPackageAssignments", holders.records(), None, None);
    Ok(vec![packages, holders])
}

/// Whether a resource role of the package is one of a group of this tenant.
fn governs(package: &Value, groups: &HashSet<String>) -> bool {
    let scopes = package.get("resourceRoleScopes").and_then(Value::as_array);
    scopes.into_iter().flatten().any(|entry| {
        let origin = entry.get("scope").and_then(|s| s.get("originId")).and_then(Value::as_str);
        origin.is_some_and(|id| groups.contains(&id.to_lowercase()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn how_long_the_logs_take() {
        let at = |day: i64| DateTime::<Utc>::UNIX_EPOCH + Duration::days(day);
        for (oldest, pages, left) in
            [(20, 5, Some(10)), (29, 3, Some(87)), (30, 3, None), (0, 9, None), (1, 29, Some(1))]
        {
            assert_eq!(pages_left((at(0), at(30)), at(oldest), pages), left, "{oldest}");
        }
    }

    #[test]
    fn packages_of_groups() {
        let groups: HashSet<String> = ["7b56ede0-9b58-40bd-b11e-b3d18fc32698".to_owned()].into();
        let with =
            |id: &str| json!({ "resourceRoleScopes": [{ "scope": { "originId": id, "originSystem": "AadGroup" } }] });
        assert!(governs(&with("7B56EDE0-9b58-40bd-b11e-b3d18fc32698"), &groups));
        assert!(!governs(&with("8b56ede0-9b58-40bd-b11e-b3d18fc32698"), &groups));
        assert!(!governs(&json!({ "id": "x" }), &groups));
    }
}
