//! Which permissions of Graph each command needs, with the least privileged choice first. A permission that is held
//! beyond all of these is more than this program needs.

use crate::report::model::Severity;

/// Something a command does, and the permissions of which one is enough, the least privileged first.
pub struct Need {
    pub what: &'static str,
    pub any_of: &'static [&'static str],
    /// How bad it is to be without.
    pub severity: Severity,
    pub commands: &'static [&'static str],
}

const READ: &[&str] = &["collect", "audit"];

/// Everything this program asks of Graph.
pub static NEEDS: &[Need] = &[
    need(
        "read groups and their members",
        &["Group.Read.All", "Directory.Read.All", "Group.ReadWrite.All", "Directory.ReadWrite.All"],
        Severity::Blocker,
        READ,
    ),
    need(
        "read users and their on-premises identifiers",
        &["User.Read.All", "Directory.Read.All", "User.ReadWrite.All", "Directory.ReadWrite.All"],
        Severity::Blocker,
        READ,
    ),
    need(
        "read the Cloud Sync application and who is assigned to it",
        &["Application.Read.All", "Directory.Read.All", "Application.ReadWrite.All", "Directory.ReadWrite.All"],
        Severity::High,
        READ,
    ),
    need(
        "read Cloud Sync's jobs and mappings",
        &["Synchronization.Read.All", "Synchronization.ReadWrite.All"],
        Severity::High,
        READ,
    ),
    need(
        "read Connect's features and the writeback container",
        &["OnPremDirectorySynchronization.Read.All", "OnPremDirectorySynchronization.ReadWrite.All"],
        Severity::High,
        READ,
    ),
    need(
        "read the organization",
        &["Organization.Read.All", "Directory.Read.All", "Organization.ReadWrite.All", "Directory.ReadWrite.All"],
        Severity::Medium,
        READ,
    ),
    need(
        "read licences",
        &[
            "LicenseAssignment.Read.All",
            "Organization.Read.All",
            "Directory.Read.All",
            "Organization.ReadWrite.All",
            "Directory.ReadWrite.All",
        ],
        Severity::Low,
        READ,
    ),
    // Only the permission that also writes is documented; one that only reads is accepted where a token holds it.
    need(
        "read whether a group is managed in the cloud",
        &["Group-OnPremisesSyncBehavior.ReadWrite.All", "Group-OnPremisesSyncBehavior.Read.All"],
        Severity::Medium,
        READ,
    ),
    need("read members of groups that hide them", &["Member.Read.Hidden"], Severity::Low, READ),
    need("read provisioning logs", &["ProvisioningLog.Read.All", "AuditLog.Read.All"], Severity::Medium, &["audit"]),
    need(
        "read access packages and assignments",
        &["EntitlementManagement.Read.All", "EntitlementManagement.ReadWrite.All"],
        Severity::Medium,
        &["audit"],
    ),
    need(
        "change, start and pause Cloud Sync's jobs",
        &["Synchronization.ReadWrite.All"],
        Severity::Blocker,
        &["cutover"],
    ),
    need("take groups into and out of scope", &["AppRoleAssignment.ReadWrite.All"], Severity::Blocker, &["cutover"]),
    // Only some plans do these, and where the program may not, the run says what a person can do instead.
    need(
        "make the throwaway group, freeze canaries, write extension values",
        &["Group.ReadWrite.All", "Directory.ReadWrite.All"],
        Severity::Low,
        &["cutover"],
    ),
    need(
        "make Cloud Sync's configuration and extension properties where there are none",
        &["Application.ReadWrite.All", "Directory.ReadWrite.All"],
        Severity::Low,
        &["cutover"],
    ),
];

const fn need(
    what: &'static str,
    any_of: &'static [&'static str],
    severity: Severity,
    commands: &'static [&'static str],
) -> Need {
    Need { what, any_of, severity, commands }
}

impl Need {
    pub fn is_met(&self, held: &[&str]) -> bool {
        self.any_of.iter().any(|wanted| held.contains(wanted))
    }
    /// The least privileged choice.
    pub fn least(&self) -> &'static str {
        self.any_of.first().copied().unwrap_or_default()
    }
}

/// What a request needs, by its method and path such as `GET /v1.0/groups/…`; `None` where the table does not tell.
pub fn of_request(request: &str) -> Option<&'static Need> {
    let (method, path) = request.split_once(' ')?;
    let path = path.split_once('?').map_or(path, |(path, _)| path);
    let path = path.split_once("/v1.0/").or_else(|| path.split_once("/beta/")).map_or(path, |(_, rest)| rest);
    let parts: Vec<&str> = path.split('/').collect();
    let permission = match (method, parts.as_slice()) {
        ("GET", ["servicePrincipals", _, "synchronization", ..]) => "Synchronization.Read.All",
        (_, ["servicePrincipals", _, "synchronization", ..]) => "Synchronization.ReadWrite.All",
        ("POST" | "DELETE", ["servicePrincipals", _, "appRoleAssignedTo", ..]) => "AppRoleAssignment.ReadWrite.All",
        ("GET", ["directory", "onPremisesSynchronization", ..]) => "OnPremDirectorySynchronization.Read.All",
        (_, ["groups", _, "onPremisesSyncBehavior"]) => "Group-OnPremisesSyncBehavior.ReadWrite.All",
        ("POST" | "PATCH", ["groups", ..]) => "Group.ReadWrite.All",
        ("POST", ["applications" | "applicationTemplates", ..]) => "Application.ReadWrite.All",
        ("GET", ["groups", ..]) | ("GET", ["directory", "deletedItems", ..]) => "Group.Read.All",
        ("GET", ["users", ..]) => "User.Read.All",
        ("GET", ["servicePrincipals" | "applications", ..]) => "Application.Read.All",
        ("GET", ["organization", ..]) => "Organization.Read.All",
        ("GET", ["subscribedSkus", ..]) => "LicenseAssignment.Read.All",
        ("GET", ["auditLogs", "provisioning", ..]) => "ProvisioningLog.Read.All",
        ("GET", ["identityGovernance", "entitlementManagement", ..]) => "EntitlementManagement.Read.All",
        _ => return None,
    };
    NEEDS.iter().find(|need| need.least() == permission)
}

/// Permissions of the token that no command needs, or that are more than the least privileged choice and could be
/// given back because that one is held too.
pub fn beyond<'h>(held: &[&'h str]) -> Vec<&'h str> {
    const HARMLESS: &[&str] = &["openid", "profile", "email", "offline_access", "User.Read"];
    let needed = |p: &str| {
        NEEDS.iter().any(|need| {
            let first_held = need.any_of.iter().find(|wanted| held.contains(wanted));
            first_held.is_some_and(|first| *first == p)
        })
    };
    held.iter().copied().filter(|p| !HARMLESS.contains(p) && !needed(p)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_tells_what_it_needs() {
        for (request, least) in [
            ("GET /v1.0/groups/delta?$select=id,members", Some("Group.Read.All")),
            ("GET /v1.0/groups", Some("Group.Read.All")),
            ("GET /v1.0/groups/x/onPremisesSyncBehavior", Some("Group-OnPremisesSyncBehavior.ReadWrite.All")),
            ("GET /proxy/beta/users/delta?$deltatoken=…", Some("User.Read.All")),
            ("GET /beta/directory/onPremisesSynchronization", Some("OnPremDirectorySynchronization.Read.All")),
            ("GET /v1.0/directory/deletedItems/microsoft.graph.group", Some("Group.Read.All")),
            ("GET /v1.0/servicePrincipals/x/synchronization/jobs", Some("Synchronization.Read.All")),
            ("POST /v1.0/servicePrincipals/x/synchronization/jobs/y/start", Some("Synchronization.ReadWrite.All")),
            ("GET /v1.0/servicePrincipals/x/appRoleAssignedTo", Some("Application.Read.All")),
            ("POST /v1.0/servicePrincipals/x/appRoleAssignedTo", Some("AppRoleAssignment.ReadWrite.All")),
            ("GET /v1.0/auditLogs/provisioning?$top=5", Some("ProvisioningLog.Read.All")),
            ("GET /v1.0/somethingElse", None),
            ("PATCH /v1.0/groups/x", Some("Group.ReadWrite.All")),
            ("POST /v1.0/groups", Some("Group.ReadWrite.All")),
            ("PATCH /v1.0/groups/x/onPremisesSyncBehavior", Some("Group-OnPremisesSyncBehavior.ReadWrite.All")),
            ("POST /v1.0/applicationTemplates/x/instantiate", Some("Application.ReadWrite.All")),
            ("POST /v1.0/applications/x/extensionProperties", Some("Application.ReadWrite.All")),
            ("sign in", None),
        ] {
            assert_eq!(of_request(request).map(Need::least), least, "{request}");
        }
    }

    #[test]
    fn what_is_missing_and_what_is_too_much() {
        let met = |held: &[&str]| NEEDS.iter().filter(|n| n.is_met(held)).count();
        let least: Vec<&str> = NEEDS.iter().map(Need::least).collect();
        assert_eq!(met(&least), NEEDS.len());
        assert!(beyond(&least).is_empty(), "{:?}", beyond(&least));
        for (held, extra) in [
            (vec!["Group.Read.All"], vec![]),
            (vec!["User.Read.All", "User.ReadWrite.All"], vec!["User.ReadWrite.All"]),
            (vec!["Group.Read.All", "Group.ReadWrite.All"], vec![]),
            (vec!["Directory.ReadWrite.All"], vec![]),
            (vec!["RoleManagement.ReadWrite.Directory", "openid"], vec!["RoleManagement.ReadWrite.Directory"]),
        ] {
            assert_eq!(beyond(&held), extra, "{held:?}");
        }
        assert_eq!(met(&[]), 0);
    }
}
