//! What was expected, what was read and what could not be: the Entra half of the completeness certificate.

use super::wire::Trouble;
use crate::bundle::{Part, Source};
use crate::error::Result;
use std::sync::Mutex;

/// The least-privileged application permission that each part needs.
const PERMISSIONS: [(&str, &str); 14] = [
    ("organization", "Organization.Read.All"),
    ("onPremisesSynchronization", "OnPremDirectorySynchronization.Read.All"),
    ("groups", "Group.Read.All"),
    ("group members", "GroupMember.Read.All"),
    ("users", "User.Read.All"),
    ("deletedItems", "Group.Read.All"),
    ("onPremisesSyncBehavior", "Group-OnPremisesSyncBehavior.ReadWrite.All"),
    ("servicePrincipal", "Application.Read.All"),
    ("jobs", "Synchronization.Read.All"),
    ("schema", "Synchronization.Read.All"),
    ("appRoleAssignedTo", "Application.Read.All"),
    ("agents", "OnPremisesPublishingProfiles.ReadWrite.All"),
    ("subscribedSkus", "LicenseAssignment.Read.All"),
    ("provisioningLogs", "ProvisioningLog.Read.All"),
];
const GOVERNANCE: &str = "EntitlementManagement.Read.All";

/// The permission that a part needs.
pub fn permission(partition: &str) -> &'static str {
    PERMISSIONS.iter().find(|(name, _)| *name == partition).map_or(GOVERNANCE, |(_, permission)| permission)
}

/// The side of the bundle that a part belongs to.
fn side(partition: &str) -> &'static str {
    match partition {
        "servicePrincipal" | "jobs" | "schema" | "appRoleAssignedTo" | "agents" | "provisioningLogs" => "cloudsync",
        _ => "entra",
    }
}

/// Parts and sources in the making; many reads write into it at the same time.
#[derive(Default)]
pub struct Ledger {
    parts: Mutex<Vec<Part>>,
    sources: Mutex<Vec<Source>>,
}

impl Ledger {
    /// A part that was read.
    pub fn read(&self, partition: &str, read: u64, expected: Option<u64>, shortfall: Option<String>) {
        let part = Part {
            source: side(partition).to_owned(),
            partition: partition.to_owned(),
            expected,
            read,
            shortfall,
            ..Part::default()
        };
        if let Ok(mut parts) = self.parts.lock() {
            parts.push(part);
        }
    }

    /// A part that the account may not see, which is no failure of the whole; any other trouble is.
    pub fn denied<T>(&self, partition: &str, result: Result<T, Trouble>) -> Result<Option<T>> {
        match result {
            Ok(value) => Ok(Some(value)),
            Err(trouble @ (Trouble::Denied(_) | Trouble::Unlicensed(_))) => {
                let permission = permission(partition);
                let text = match &trouble {
                    Trouble::Unlicensed(error) => format!("the tenant lacks the licence for it ({})", error.message),
                    _ => format!(
                        "not allowed to see: it needs the permission {permission} ({})",
                        trouble.into_error().message
                    ),
                };
                self.read(partition, 0, None, Some(text.clone()));
                if let Some(part) = self.parts.lock().ok().as_mut().and_then(|parts| parts.last_mut()) {
                    part.hidden.push(text);
                }
                Ok(None)
            }
            Err(trouble) => Err(trouble.into_error()),
        }
    }

    /// Where something was read from: an address without what was asked for.
    pub fn source(&self, part: &str, address: &str, bytes: u64) {
        let name = address.split('?').next().unwrap_or(address).to_owned();
        let Ok(mut sources) = self.sources.lock() else { return };
        match sources.iter_mut().find(|s| s.name == name) {
            Some(source) => source.bytes += bytes,
            None => sources.push(Source { part: part.to_owned(), name, bytes, modified: None }),
        }
    }

    /// Everything noted, in an order that does not depend on which answer came first.
    pub fn close(self) -> (Vec<Part>, Vec<Source>) {
        let mut parts = self.parts.into_inner().unwrap_or_default();
        let order = |name: &str| PERMISSIONS.iter().position(|(n, _)| *n == name).unwrap_or(PERMISSIONS.len());
        parts.sort_by(|a, b| (order(&a.partition), &a.partition).cmp(&(order(&b.partition), &b.partition)));
        let mut sources = self.sources.into_inner().unwrap_or_default();
        sources.sort_by(|a, b| (&a.part, &a.name).cmp(&(&b.part, &b.name)));
        (parts, sources)
    }
}

/// The sentence of a part that holds fewer objects than were counted.
pub fn short(what: &str, expected: Option<u64>, read: u64) -> Option<String> {
    let expected = expected.filter(|e| *e > read)?;
    Some(format!("Graph counts {expected} {what}, {read} were read"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Error;

    #[test]
    fn certificate() {
        let ledger = Ledger::default();
        ledger.read("users", 5, Some(5), short("users", Some(5), 5));
        ledger.read("groups", 4, Some(5), short("groups", Some(5), 4));
        let denied = Err::<(), _>(Trouble::Denied(Error::failed("Authorization_RequestDenied")));
        assert_eq!(ledger.denied("agents", denied).unwrap(), None);
        let failed = Err::<(), _>(Trouble::Failed(Error::failed("the network is down")));
        assert!(ledger.denied("agents", failed).unwrap_err().message.contains("network"));
        ledger.source("entra", "https://graph/v1.0/groups?$select=id", 10);
        ledger.source("entra", "https://graph/v1.0/groups?$skiptoken=x", 5);
        let (parts, sources) = ledger.close();
        let said: Vec<(&str, &str, bool)> =
            parts.iter().map(|p| (p.source.as_str(), p.partition.as_str(), p.shortfall.is_some())).collect();
        assert_eq!(said, [("entra", "groups", true), ("entra", "users", false), ("cloudsync", "agents", true)]);
        assert!(parts[2].shortfall.as_deref().unwrap().contains("OnPremisesPublishingProfiles"));
        assert_eq!((sources.len(), sources[0].bytes, sources[0].name.contains('$')), (1, 15, false));
        // More than were counted: created meanwhile.
        assert_eq!(short("groups", Some(3), 4), None);
        assert_eq!(short("groups", None, 4), None);
    }
}
