//! What a bundle holds for an audit alone, read file by file and kept short: of the provisioning log the newest entry a
//! group, of access packages who should be in which group, of replication metadata what changed when, and the security
//! events of the controllers. `None` is a part that the bundle does not have.

mod logs;
mod metadata;
mod packages;

pub use logs::{GroupLog, LogEntry, Logs};
pub use metadata::{Changed, Metadata, SINCE_1601, read_binary};
pub use packages::{Assigned, Grant, Packages};

use crate::bundle::read::records;
use crate::bundle::{Opened, Owned, files};
use crate::directory::events::SecurityEvent;
use crate::error::Result;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::path::Path;

#[derive(Debug, Default)]
pub struct Evidence {
    pub logs: Option<Logs>,
    pub packages: Option<Packages>,
    pub metadata: Option<Metadata>,
    pub events: Option<Vec<SecurityEvent>>,
}

impl Evidence {
    /// Reads the audit parts of an opened (and so verified) bundle.
    pub fn read(dir: &Path, opened: &Opened) -> Result<Self> {
        let has = |name: &str| opened.manifest.files.iter().any(|f| f.name == name);
        let cut = |partition: &str| {
            opened.manifest.certificate.parts.iter().any(|p| p.partition == partition && p.shortfall.is_some())
        };
        let mut out = Evidence::default();
        if has(files::PROVISIONING_LOGS) {
            let mut logs = Logs::default();
            logs.cut = cut("provisioningLogs");
            each::<Value>(dir, files::PROVISIONING_LOGS, |log| logs.take(&log))?;
            out.logs = Some(logs);
        }
        if has(files::ACCESS_PACKAGES) {
            let mut packages = Packages::default();
            packages.cut = cut("accessPackages");
            each::<Value>(dir, files::ACCESS_PACKAGES, |package| packages.take(&package))?;
            if has(files::ACCESS_ASSIGNMENTS) {
                packages.has_assignments = true;
                packages.assignments_cut = cut("accessPackageAssignments");
                each::<Value>(dir, files::ACCESS_ASSIGNMENTS, |one| packages.take_assignment(&one))?;
            }
            out.packages = Some(packages);
        }
        if has(files::AD_METADATA) {
            let mut metadata = Metadata::default();
            metadata.cut = cut("replication metadata");
            each(dir, files::AD_METADATA, |one| metadata.take(&one))?;
            out.metadata = Some(metadata);
        }
        if has(files::SECURITY_EVENTS) {
            let mut events = Vec::new();
            each::<SecurityEvent>(dir, files::SECURITY_EVENTS, |event| events.push(event))?;
            events.sort_by_key(|e| (e.time, e.id, e.record));
            out.events = Some(events);
        }
        Ok(out)
    }
}

fn each<T: DeserializeOwned + Send>(dir: &Path, name: &str, mut take: impl FnMut(T)) -> Result<()> {
    records::<Owned<T>>(&dir.join(name), |record| {
        take(record);
        Ok(())
    })
}

/// A text property by any of its names.
fn text<'v>(value: &'v Value, names: &[&str]) -> Option<&'v str> {
    names.iter().find_map(|name| value.get(name)?.as_str())
}
