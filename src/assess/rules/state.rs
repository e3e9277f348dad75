//! The group's state and surroundings: C32, C33, C36–C41.

use super::Rule;
use crate::assess::subject::{Detail, EntraSide, Sink, Subject};
use crate::assess::truth::Truth;
use crate::directory::inventory::Tri;
use crate::directory::security::Access;
use crate::report::model::{Severity, Verdict};
use serde_json::json;

pub fn rules() -> Vec<Rule> {
    vec![
        Rule {
            id: "C32",
            title: "Dynamic group whose rule is paused",
            condition: "Entra: groupTypes contains DynamicMembership and membershipRuleProcessingState is Paused.",
            why: "Dynamic groups are supported, but a paused one carries members of the day it was paused.",
            remedy: "Resume rule processing and let it settle before the group moves.",
            severity: Severity::Medium,
            verdict: Verdict::Migrate,
            sources: &["PRE25", "GRP26"],
            check: c32,
        },
        Rule {
            id: "C33",
            title: "Role-assignable or restricted-management group",
            condition: "Entra: isAssignableToRole or isManagementRestricted is true.",
            why: "Nothing is documented about such groups in group provisioning to AD.",
            remedy: "Try one with a canary first, or leave them out.",
            severity: Severity::Medium,
            verdict: Verdict::Review,
            sources: &["GRP26"],
            check: c33,
        },
        Rule {
            id: "C36",
            title: "Inherits no rights",
            condition: "AD: adminCount is 1, or the group's access list is protected from inheritance; the agent's account holds no explicit right.",
            why: "Rights granted on the container do not reach this group, so the provisioning agent cannot write it.",
            remedy: "Grant the agent's gMSA explicitly on the group (on AdminSDHolder for protected groups), or restore inheritance.",
            severity: Severity::High,
            verdict: Verdict::Fix,
            sources: &["PRE26", "GMSA"],
            check: c36,
        },
        Rule {
            id: "C37",
            title: "The agent's account cannot write the group",
            condition: "AD: the group's access list does not let the agent's gMSA write member and msDS-ExternalDirectoryObjectId.",
            why: "Cloud Sync would match the group and fail to update it.",
            remedy: "Run Set-AADCloudSyncPermissions -PermissionType UserGroupCreateDelete for the domain, or grant the rights on the container.",
            severity: Severity::Blocker,
            verdict: Verdict::Fix,
            sources: &["PRE26"],
            check: c37,
        },
        Rule {
            id: "C38",
            title: "Nested in other AD groups",
            condition: "AD: other groups have this group as a member.",
            why: "Access flows through it to wherever those groups are trusted; a recreated group would silently drop out.",
            remedy: "Nothing to fix. The snapshot keeps the nesting; tell the owners of the outer groups.",
            severity: Severity::Medium,
            verdict: Verdict::Migrate,
            sources: &["SOAC"],
            check: c38,
        },
        Rule {
            id: "C39",
            title: "Well-known group of the system",
            condition: "AD: the SID is a built-in one or has a well-known relative id.",
            why: "Such groups must not be provisioned from the cloud.",
            remedy: "Use a new group, nested where it is needed.",
            severity: Severity::Blocker,
            verdict: Verdict::Exclude,
            sources: &["GOV26"],
            check: c39,
        },
        Rule {
            id: "C40",
            title: "Under enforcement already",
            condition: "AD: msDS-ObjectSoa is Cloud and the domain's policy is Enforced.",
            why: "Writes by any account but the allowed ones are refused: stamping, repair and rollback too.",
            remedy: "Switch the policy to Audit for the cutover, or run with an allowed account.",
            severity: Severity::High,
            verdict: Verdict::Review,
            sources: &["ENF26"],
            check: c40,
        },
        Rule {
            id: "C41",
            title: "On for writeback, but not in AD",
            condition: "Entra: a security group with writebackConfiguration.isEnabled true. AD: no object.",
            why: "Writeback is broken for it, or it went to another container; Cloud Sync would create a new group.",
            remedy: "Find out before the cutover: look for errors in Connect, and for the group under another name.",
            severity: Severity::Medium,
            verdict: Verdict::Review,
            sources: &["GWB2"],
            check: c41,
        },
    ]
}

fn c32(s: &Subject<'_>, out: &mut Sink) {
    let properties = s.entra_group().map_or((Tri::Absent, Tri::Absent), |g| (g.dynamic, g.paused));
    out.decide(
        s.is(|g| g.dynamic) & s.is(|g| g.paused),
        || {
            Detail::new("Dynamic membership; processing of its rule is paused")
                .evidence(json!({ "membershipRuleProcessingState": "Paused" }))
        },
        || {
            s.open(
                "Whether a dynamic rule is paused is open",
                &[("groupTypes", properties.0), ("membershipRuleProcessingState", properties.1)],
            )
        },
    );
}

fn c33(s: &Subject<'_>, out: &mut Sink) {
    let (role, restricted) =
        s.entra_group().map_or((Tri::Absent, Tri::Absent), |g| (g.role_assignable, g.management_restricted));
    out.decide(
        s.is(|g| g.role_assignable) | s.is(|g| g.management_restricted),
        || {
            Detail::new(match role {
                Tri::True => "The group can be assigned to Entra roles",
                _ => "The group lies in a restricted management unit",
            })
            .evidence(json!({ "isAssignableToRole": role.known(), "isManagementRestricted": restricted.known() }))
        },
        || {
            s.open(
                "Whether the group is role-assignable or under restricted management is open",
                &[("isAssignableToRole", role), ("isManagementRestricted", restricted)],
            )
        },
    );
}

fn c36(s: &Subject<'_>, out: &mut Sink) {
    let Some((group, object)) = s.ad else { return };
    let facts = s.cx.descriptor(object.security);
    let protected = facts.is_some_and(|f| f.protected);
    if !group.admin_count && !protected || facts.is_some_and(|f| f.agent_explicit == Some(true)) {
        return;
    }
    out.found(|| {
        let message = match (group.admin_count, protected) {
            (true, true) => "adminCount is 1 and the access list is protected from inheritance",
            (true, false) => "adminCount is 1: AdminSDHolder governs the access list",
            _ => "The access list is protected from inheritance",
        };
        Detail::new(message).evidence(json!({
            "adminCount": group.admin_count, "inheritanceOff": facts.map(|f| f.protected), "agentAccount": s.cx.agent_name(),
        }))
    });
}

fn c37(s: &Subject<'_>, out: &mut Sink) {
    let Some((_, object)) = s.ad else { return };
    let Some(facts) = s.cx.descriptor(object.security) else { return };
    if facts.agent_write == Some(Access::Denied) {
        out.found(|| {
            Detail::new("The agent's account may not write member and msDS-ExternalDirectoryObjectId of this group")
                .evidence(json!({ "agentAccount": s.cx.agent_name(), "denied": facts.denied }))
        });
    }
}

fn c38(s: &Subject<'_>, out: &mut Sink) {
    let Some((_, object)) = s.ad else { return };
    let inventory = s.cx.inventory;
    let named = inventory.ad.member_of.row(s.entry.ad as usize);
    let found = s.cx.parents(object.group);
    if named.is_empty() && found.is_empty() {
        return;
    }
    out.found(|| {
        let mut parents: Vec<&str> = named.iter().map(|id| inventory.dn(*id)).collect();
        parents.extend(found.iter().map(|row| inventory.dn(inventory.ad.groups[*row as usize].object)));
        parents.sort_unstable();
        parents.dedup();
        let n = parents.len();
        parents.truncate(super::super::members::LISTED);
        Detail::new(format!("Nested in {n} AD group(s)")).evidence(json!({ "count": n, "groups": parents }))
    });
}

/// Relative ids of a domain's groups that must not be provisioned from the cloud, and what they are called.
const WELL_KNOWN: [(u32, &str); 9] = [
    (512, "Domain Admins"),
    (513, "Domain Users"),
    (514, "Domain Guests"),
    (518, "Schema Admins"),
    (519, "Enterprise Admins"),
    (520, "Group Policy Creator Owners"),
    (525, "Protected Users"),
    (526, "Key Admins"),
    (527, "Enterprise Key Admins"),
];

fn c39(s: &Subject<'_>, out: &mut Sink) {
    let Some((_, object)) = s.ad else { return };
    let Some(sid) = s.cx.inventory.sids.get(object.sid) else { return };
    let name = if sid.is_builtin() {
        "a built-in group"
    } else if sid.is_domain_account() {
        match sid.rid() {
            // Below 1000 the system numbers its own accounts.
            Some(rid @ ..1000) => {
                WELL_KNOWN.iter().find(|(r, _)| *r == rid).map_or("a group of the system", |(_, n)| *n)
            }
            _ => return,
        }
    } else {
        return;
    };
    out.found(|| Detail::new(format!("By its SID this is {name}")).evidence(json!({ "sid": sid.to_string() })));
}

fn c40(s: &Subject<'_>, out: &mut Sink) {
    let Some((group, _)) = s.ad else { return };
    if !s.text(group.object_soa).is_some_and(|v| v.eq_ignore_ascii_case("Cloud")) {
        return;
    }
    let environment = &s.cx.inventory.ad.environment;
    let enforced = match &environment.soa_policy {
        Some(settings) => Truth::of(settings.iter().any(|v| v.to_ascii_lowercase().contains("enforced"))),
        None if environment.soa_policy_searched => Truth::No,
        None => Truth::Maybe,
    };
    out.decide(
        enforced,
        || {
            Detail::new("msDS-ObjectSoa is Cloud and the domain enforces it: writes by other accounts are refused")
                .evidence(json!({ "msDS-ObjectSoa": "Cloud", "policy": environment.soa_policy }))
        },
        || {
            Detail::new("msDS-ObjectSoa is Cloud; whether the domain enforces it is open")
                .evidence(json!({ "msDS-ObjectSoa": "Cloud", "missing": ["CN=SOA-Policies,CN=System"] }))
                .remedy("Export CN=SOA-Policies,CN=System,… of the domain too.")
        },
    );
}

fn c41(s: &Subject<'_>, out: &mut Sink) {
    if s.in_ad() || !matches!(s.entra, EntraSide::Known(_)) {
        return;
    }
    let wanted = s.entra_security() & s.is(|g| g.writeback.is_enabled) & s.ask(|g| Truth::of(!g.deleted));
    if wanted == Truth::No {
        return;
    }
    if !s.cx.inventory.ad.is_whole() {
        return out.unknown(|| {
            Detail::new("On for writeback; whether AD has the group is open: AD is not in the input, or not whole")
                .evidence(json!({ "isEnabled": true, "missing": ["ad/*.ldf"] }))
                .remedy("Export the writeback container with ldifde or ldapsearch, or collect live.")
        });
    }
    out.decide(
        wanted,
        || Detail::new("On for writeback, but no AD object carries its anchor").evidence(json!({ "isEnabled": true })),
        || s.open("Whether this is a security group is open", &[("groupTypes", s.unified_tri())]),
    );
}

impl Subject<'_> {
    fn unified_tri(&self) -> Tri {
        self.entra_group().map_or(Tri::Absent, |g| g.unified)
    }
}
