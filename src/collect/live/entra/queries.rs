//! What is asked of Graph, word by word: the only place where paths and property lists are written down.

use std::collections::BTreeSet;

/// Properties of a group that rules and predictions read.
const GROUP: &str = "id,displayName,description,mailNickname,securityEnabled,mailEnabled,groupTypes,\
membershipRuleProcessingState,onPremisesSyncEnabled,onPremisesSecurityIdentifier,onPremisesSamAccountName,\
onPremisesDomainName,onPremisesNetBiosName,isAssignableToRole,isManagementRestricted,visibility";

/// Properties of groups that an answer of `groups/delta` might leave out without a word; see `Read::doubtful`.
pub const DOUBTFUL: [&str; 5] = [
    "writebackConfiguration",
    "isAssignableToRole",
    "isManagementRestricted",
    "onPremisesSyncEnabled",
    "onPremisesSecurityIdentifier",
];

pub const USER: &str =
    "id,userPrincipalName,onPremisesSyncEnabled,onPremisesObjectIdentifier,onPremisesSecurityIdentifier";

/// The application template of group provisioning to AD.
pub const TEMPLATE: &str = "fb81332f-3eca-4ecf-a939-4278e501d330";
/// How the jobs of that template begin.
pub const JOB: &str = "AAD2ADGroupProvisioning";

pub const ORGANIZATION: &str = "/v1.0/organization?$select=id,displayName,verifiedDomains";
pub const SYNCHRONIZATION: &str = "/v1.0/directory/onPremisesSynchronization?$select=id,features,configuration";
pub const SYNCHRONIZATION_BETA: &str = "/beta/directory/onPremisesSynchronization?$select=id,features,configuration";
pub const SKUS: &str = "/v1.0/subscribedSkus?$select=skuPartNumber,servicePlans";
/// Without `$select`: which property tells an agent's version is not documented, and it must not be cut off.
pub const AGENTS: &str = "/beta/onPremisesPublishingProfiles/provisioning/agents?$expand=agentGroups";
pub const GROUP_COUNT: &str = "/v1.0/groups/$count";
pub const SYNCED_COUNT: &str = "/v1.0/groups/$count?$filter=onPremisesSyncEnabled eq true";
/// Of beta, as the users themselves are read.
pub const USER_COUNT: &str = "/beta/users/$count";
const PRINCIPAL: &str = "id,appId,displayName,accountEnabled,applicationTemplateId,appRoleAssignmentRequired,appRoles,\
servicePrincipalType";

/// `beta` has writebackConfiguration; an answer of v1.0 is completed by `group_details`.
pub fn group_delta(version: &str, extensions: &BTreeSet<String>, top: bool) -> String {
    let mut select = group_select(version, extensions);
    select.push_str(",members");
    let top = if top { "&$top=999" } else { "" };
    format!("/{version}/groups/delta?$select={select}{top}")
}

/// Marks where changes are counted from, without reading anything.
pub fn group_delta_from_now(version: &str, extensions: &BTreeSet<String>) -> String {
    format!("/{version}/groups/delta?$select={},members&$deltatoken=latest", group_select(version, extensions))
}

pub fn group_list(version: &str, extensions: &BTreeSet<String>) -> String {
    format!("/{version}/groups?$select={}&$top=999", group_select(version, extensions))
}

pub fn group_select(version: &str, extensions: &BTreeSet<String>) -> String {
    let mut select = GROUP.to_owned();
    if version == "beta" {
        select.push_str(",writebackConfiguration");
    }
    for name in extensions {
        select.push(',');
        select.push_str(name);
    }
    select
}

/// Some properties of all groups.
pub fn group_details(properties: &[&str]) -> String {
    format!("/beta/groups?$select=id,{}&$top=999", properties.join(","))
}

pub fn deleted_groups(version: &str) -> String {
    let select = group_select(version, &BTreeSet::new());
    format!("/{version}/directory/deletedItems/microsoft.graph.group?$select={select},deletedDateTime&$top=999")
}

pub fn members(group: &str) -> String {
    format!("/v1.0/groups/{group}/members?$select=id&$top=999")
}

pub fn sync_behavior(group: &str) -> String {
    format!("/v1.0/groups/{group}/onPremisesSyncBehavior?$select=isCloudManaged")
}

pub fn users() -> String {
    format!("/beta/users?$select={USER}&$top=999")
}

pub fn user_delta_from_now() -> String {
    format!("/beta/users/delta?$select={USER}&$deltatoken=latest")
}

pub fn user(id: &str) -> String {
    format!("/beta/users/{id}?$select={USER},createdDateTime")
}

pub fn user_groups(id: &str) -> String {
    format!("/v1.0/users/{id}/memberOf/microsoft.graph.group?$select=id&$top=999")
}

pub fn principals_of_template() -> String {
    format!("/v1.0/servicePrincipals?$filter=applicationTemplateId eq '{TEMPLATE}'&$select={PRINCIPAL}&$top=999")
}

pub fn principal(id: &str) -> String {
    format!("/v1.0/servicePrincipals/{id}?$select={PRINCIPAL}")
}

pub fn principals() -> String {
    format!("/v1.0/servicePrincipals?$select={PRINCIPAL}&$top=999")
}

pub fn jobs(principal: &str) -> String {
    format!("/v1.0/servicePrincipals/{principal}/synchronization/jobs")
}

pub fn secrets(principal: &str) -> String {
    format!("/v1.0/servicePrincipals/{principal}/synchronization/secrets")
}

/// `what` is empty for the schema itself, or one of its functions.
pub fn schema(principal: &str, job: &str, what: &str) -> String {
    format!("/v1.0/servicePrincipals/{principal}/synchronization/jobs/{job}/schema{what}")
}

pub fn assignments(principal: &str) -> String {
    format!(
        "/v1.0/servicePrincipals/{principal}/appRoleAssignedTo?$select=id,principalId,principalType,appRoleId,resourceId&$top=999"
    )
}

pub fn provisioning_logs(from: &str, job: Option<&str>) -> String {
    let job = job.map(|id| format!(" and jobId eq '{id}'")).unwrap_or_default();
    format!("/v1.0/auditLogs/provisioning?$filter=activityDateTime ge {from}{job}&$top=999")
}

pub const ACCESS_PACKAGES: &str =
    "/v1.0/identityGovernance/entitlementManagement/accessPackages?$select=id,displayName,isHidden";

pub fn access_package(id: &str) -> String {
    format!(
        "/v1.0/identityGovernance/entitlementManagement/accessPackages/{id}?$expand=resourceRoleScopes($expand=role,scope)"
    )
}

pub fn access_assignments(package: &str) -> String {
    format!(
        "/v1.0/identityGovernance/entitlementManagement/assignments?$filter=accessPackage/id eq '{package}'&$expand=target,accessPackage,assignmentPolicy"
    )
}

/// Names of directory extensions that a job's schema speaks of: the groups' values of these decide its scope.
pub fn extensions(schemas: &[serde_json::Value]) -> BTreeSet<String> {
    let mut out = BTreeSet::new();
    let rules = schemas.iter().filter_map(|schema| schema.get("synchronizationRules"));
    rules.for_each(|rules| walk(rules, &mut out));
    out
}

fn walk(value: &serde_json::Value, out: &mut BTreeSet<String>) {
    match value {
        serde_json::Value::String(text) => {
            for piece in text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_') {
                let mut parts = piece.splitn(3, '_');
                if let (Some("extension"), Some(app), Some(name)) = (parts.next(), parts.next(), parts.next())
                    && app.len() == 32
                    && app.bytes().all(|b| b.is_ascii_hexdigit())
                    && !name.is_empty()
                {
                    out.insert(piece.to_owned());
                }
            }
        }
        serde_json::Value::Array(list) => list.iter().for_each(|v| walk(v, out)),
        serde_json::Value::Object(map) => map.iter().for_each(|(key, v)| {
            walk(&serde_json::Value::String(key.clone()), out);
            walk(v, out);
        }),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn extensions_of_a_schema() {
        let app = "0123456789abcdef0123456789abcdef";
        let schema = json!({ "directories": [{ "name": format!("extension_{app}_Other") }], "synchronizationRules": {
            "a": [{ "sourceOperandName": format!("extension_{app}_WritebackEnabled") }],
            "b": { "expression": format!("IIF(IsNullOrEmpty([extension_{app}_GroupDN]), \"x\", \"extension_short_x\")") },
        }});
        let found: Vec<String> = extensions(&[schema]).into_iter().collect();
        assert_eq!(found, [format!("extension_{app}_GroupDN"), format!("extension_{app}_WritebackEnabled")]);
    }
}
