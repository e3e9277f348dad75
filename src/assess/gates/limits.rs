//! C19: how many groups and memberships Cloud Sync would have to carry, against what it supports.

use super::{GateContext, GateRule, Outcome};
use crate::assess::settings::ScopeMode;
use crate::directory::inventory::Completeness;
use crate::report::model::Severity;
use serde_json::json;

pub fn gates() -> Vec<GateRule> {
    vec![GateRule {
        id: "C19",
        title: "Totals within Cloud Sync's limits",
        condition: "Groups and direct memberships in scope fit the limits of the scope mode; the tenant is small enough for the filter mode.",
        why: "Beyond the limits provisioning slows down or stops, and support ends.",
        remedy: "Choose the other scope mode if it fits, or bring fewer groups into scope.",
        severity: Severity::High,
        blocks: &["plan"],
        sources: &["DEP26"],
        attestable: false,
        check: c19,
    }]
}

fn c19(gcx: &GateContext<'_>) -> Outcome {
    let settings = &gcx.cx.settings;
    let limits = &settings.limits;
    let entra = &gcx.cx.inventory.entra;
    let tenant_groups = entra.tenant.collections.get("groups").copied();
    let tenant_users = entra.tenant.collections.get("users").copied();
    let tenant_memberships = (!entra.groups.is_empty()
        && entra.groups.iter().all(|g| g.members == Completeness::Complete))
    .then(|| entra.members.total() as u64);
    let groups = gcx.to_move;
    let links = gcx.links_to_move;
    // What was read of a list that is cut is the least that there is: it can fail, but not pass.
    let whole = entra.has_all("groups");
    let evidence = json!({
        "mode": settings.scope.as_str(),
        "groups": groups,
        "links": links,
        "selected": { "groups": limits.max_groups_selected, "links": limits.max_links_selected },
        "attribute": { "groups": limits.max_groups_filtered, "links": limits.max_links_filtered },
        "tenant": { "users": tenant_users, "groups": tenant_groups, "memberships": tenant_memberships,
            "limits": { "users": limits.max_tenant_users, "groups": limits.max_tenant_groups, "memberships": limits.max_tenant_memberships } },
    });
    if !entra.has("groups") {
        return Outcome::unknown(
            "Entra's groups are not in the input, so the totals are not known",
            "Add entra/groups*.json with members.",
        )
        .evidence(evidence);
    }
    let fits = |max_groups: u64, max_links: u64| -> Option<bool> {
        if groups > max_groups || links.is_some_and(|l| l > max_links) {
            return Some(false);
        }
        links.filter(|_| whole).map(|_| true)
    };
    let selected = fits(limits.max_groups_selected, limits.max_links_selected);
    let within = |value: Option<u64>, limit: u64, whole: bool| value.map(|v| v < limit).filter(|small| whole || !small);
    let tenant_small = [
        within(tenant_users, limits.max_tenant_users, entra.has_all("users")),
        within(tenant_groups, limits.max_tenant_groups, entra.has_all("groups")),
        within(tenant_memberships, limits.max_tenant_memberships, entra.has_all("groups")),
    ];
    let small = match tenant_small {
        t if t.contains(&Some(false)) => Some(false),
        t if t.contains(&None) => None,
        _ => Some(true),
    };
    let filtered = match (fits(limits.max_groups_filtered, limits.max_links_filtered), small) {
        (Some(false), _) | (_, Some(false)) => Some(false),
        (Some(true), Some(true)) => Some(true),
        _ => None,
    };
    let (own, other, other_name) = match settings.scope {
        ScopeMode::Selected => (selected, filtered, "attribute filter"),
        ScopeMode::Attribute => (filtered, selected, "selected groups"),
    };
    let totals = match links {
        Some(links) => format!("{groups} groups with {links} direct memberships would move"),
        None => format!("{groups} groups would move; their memberships are not all known"),
    };
    match own {
        Some(true) => Outcome::pass(format!("{totals}: within the limits of the mode \"{}\"", settings.scope.as_str()))
            .evidence(evidence),
        Some(false) => {
            let way = match other {
                Some(true) => format!("; the mode \"{other_name}\" would carry them"),
                Some(false) => "; neither mode carries them".to_owned(),
                None => format!("; whether the mode \"{other_name}\" would carry them is open"),
            };
            Outcome::fail(format!("{totals}: more than the mode \"{}\" supports{way}", settings.scope.as_str()))
                .evidence(evidence)
        }
        None => Outcome::unknown(
            totals,
            "Export the members of every group, and all users and groups of the tenant, or collect live.",
        )
        .evidence(evidence),
    }
}
