//! Whom the job takes, and whom it does not: A19–A21.

use super::{AuditRule, Hit, Outcome, Row};
use crate::audit::context::{Context, anchor_of};
use crate::audit::model::Failure;
use crate::directory::ObjectGuid;
use crate::directory::inventory::{EntraGroup, NONE, Tri};
use crate::predict::members::Sort;
use crate::report::model::{GateStatus, Severity};
use serde_json::json;

pub fn checks() -> Vec<AuditRule> {
    vec![
        AuditRule {
            id: "A19",
            title: "The job's scope is the migrated set",
            condition: "Every migrated group, and every cloud security group nested in one, is in the job's scope; nothing else is.",
            why: "A migrated group out of scope is maintained by nobody; an extra one is written without having been planned.",
            remedy: "Assign what is missing to the configuration's service principal, and take out what does not belong.",
            severity: Severity::High,
            blocks: &[],
            sources: &["DEP26", "CFG26"],
            check: a19,
            show: show_a19,
        },
        AuditRule {
            id: "A20",
            title: "No group is left on writeback alone",
            condition: "No Entra security group is switched on for writeback (writebackConfiguration.isEnabled) and out of the job's scope.",
            why: "Cloud Sync ignores the switch: the AD copy is frozen, leavers keep their access.",
            remedy: "Bring the group into the job's scope, or retire its AD copy and switch it off.",
            severity: Severity::Medium,
            blocks: &[],
            sources: &["FAQ26"],
            check: a20,
            show: show_a20,
        },
        AuditRule {
            id: "A21",
            title: "No new Microsoft 365 groups in the container",
            condition: "Since the cutover no Microsoft 365 group has come into the writeback container.",
            why: "Turning V2 off makes V1 write every Microsoft 365 group to AD.",
            remedy: "Tell the owners of the container, or decide about V1.",
            severity: Severity::Medium,
            blocks: &[],
            sources: &["MIG26"],
            check: a21,
            show: show_a21,
        },
    ]
}

const SETTLE: &str = "Add cloudsync/servicePrincipal.json, jobs.json, schema.json and appRoleAssignedTo.json, and Entra's groups with their members; or collect the tenant live.";

/// `a` of a row of A19.
const MISSING: u32 = 0;
const EXTRA: u32 = 1;
/// A nested group that is not in scope; `b` is its row of `entra.groups`.
const CHILD: u32 = 2;
/// Assigned, but of a kind that the job does not take; `b` is its row of `entra.groups`.
const UNFIT: u32 = 3;

/// A cloud security group: what the job can take.
fn is_plain(group: &EntraGroup) -> bool {
    group.security_enabled == Tri::True
        && group.mail_enabled == Tri::False
        && !group.unified.is_true()
        && matches!(group.synced, Tri::Null | Tri::False)
        && !group.deleted
}

fn a19(cx: &Context<'_>) -> Outcome {
    let (inventory, cloud) = (cx.inventory, &cx.assess.cloud);
    if !inventory.entra.has("groups") || !cloud.is_absent() && !cloud.has_job() {
        return Outcome::unknown("Which groups the job takes is not in the input", SETTLE);
    }
    let mut out = Outcome::default();
    let (mut inside, mut migrated) = (0u64, 0u64);
    let mut children: Vec<(u32, u32)> = Vec::new();
    for (position, entry) in cx.each() {
        if cx.is_retired(entry) {
            continue;
        }
        migrated += 1;
        match entry.scope {
            Some(true) => {
                inside += 1;
                if cx.former.is_some() && !cx.is_planned(entry) {
                    out.failed.push(Hit::row(position, EXTRA, 0));
                }
                for &member in inventory.entra.members.row(entry.entra as usize) {
                    if cx.assess.members.sort(member) == Sort::CloudGroup
                        && cloud.in_scope(inventory, member) == Some(Some(false))
                    {
                        children.push((inventory.entra.objects[member as usize].detail, position));
                    }
                }
            }
            // Out of scope, and yet planned, or stamped as the job's own.
            Some(false) => out.failed.push(Hit::row(position, MISSING, 0)),
            None => out.open.push(Hit::row(position, MISSING, 0)),
        }
    }
    // A child is told once, with the first of its parents; one that is audited itself is told above.
    children.sort_unstable();
    children.dedup_by_key(|(child, _)| *child);
    for (child, parent) in children {
        if child != NONE && cx.position_of_entra(child) == NONE {
            out.failed.push(Hit::row(parent, CHILD, child));
        }
    }
    let assigned = inventory.cloud_sync.assignments.iter().flatten().filter_map(|a| ObjectGuid::parse(&a.principal_id));
    let mut unfit: Vec<u32> = assigned
        .filter_map(|id| cx.assess.index.entra_group(inventory, id))
        .filter(|row| {
            let group = &inventory.entra.groups[*row as usize];
            !is_plain(group) && group.security_enabled != Tri::Absent && group.mail_enabled != Tri::Absent
        })
        .collect();
    unfit.sort_by_key(|row| inventory.entra_object(&inventory.entra.groups[*row as usize]).id);
    unfit.dedup();
    // An audited group that left the scope by what it has become is told as missing.
    for row in unfit.into_iter().filter(|row| cx.position_of_entra(*row) == NONE) {
        out.failed.push(Hit::row(NONE, UNFIT, row));
    }
    let assignments = inventory.cloud_sync.assignments.as_ref().map(Vec::len);
    out.evidence = json!({
        "mode": cx.settings.assess.scope.as_str(), "audited": migrated, "inScope": inside, "assignments": assignments,
        "jobAbsent": cloud.is_absent(),
    });
    out.message = match out.failed.len() {
        0 => format!("{inside} groups in the job's scope, as they should be"),
        n => format!("{n} differences between the job's scope and the migrated groups"),
    };
    out.remedy = Some(SETTLE.to_owned());
    if migrated == 0 && out.failed.is_empty() {
        return Outcome::unknown("No group is in scope, stamped, or in a plan: there is nothing to compare", SETTLE);
    }
    out
}

fn show_a19(cx: &Context<'_>, row: Row) -> Failure {
    let object = |entra: u32| {
        let group = &cx.inventory.entra.groups[entra as usize];
        (
            group,
            cx.inventory.entra_object(group).id.to_string(),
            cx.text(group.display_name).unwrap_or("(unnamed)").to_owned(),
        )
    };
    let (expected, actual) = match row.a {
        EXTRA | UNFIT => ("not in scope", "in scope"),
        _ => ("in scope", "not in scope"),
    };
    let mut failure = match row.a {
        MISSING => {
            let entry = cx.entry(row.entry);
            let message = match (entry.scope, !cx.is_planned(entry)) {
                (None, _) => "Whether the job takes the group is open",
                (_, true) => "The group carries the job's stamp, and the job does not take it: nobody maintains it",
                (_, false) => "The group was migrated, and the job does not take it: nobody maintains it",
            };
            cx.failure(row.entry, "", message)
        }
        EXTRA => cx.failure(row.entry, "extra", "The job takes the group, and the plan does not have it"),
        CHILD => {
            let (_, id, name) = object(row.b);
            let mut failure = cx.failure(
                row.entry,
                &id,
                format!("It nests {name}, which the job does not take: the reference is not written"),
            );
            failure.subject = Some(name);
            failure.evidence = json!({ "nested": id });
            failure
        }
        _ => {
            let (group, id, name) = object(row.b);
            let mut failure = Failure {
                key: format!("{id}|unfit"),
                message: format!("{name} is assigned to the job, which cannot provision such a group"),
                object_id: Some(id),
                display_name: Some(name),
                ..Failure::default()
            };
            failure.evidence = json!({
                "securityEnabled": group.security_enabled.known(), "mailEnabled": group.mail_enabled.known(), "unified": group.unified.known(),
                "onPremisesSyncEnabled": group.synced.known(), "deleted": group.deleted,
            });
            failure
        }
    };
    if failure.evidence.is_null() {
        failure.evidence = json!({});
    }
    failure.attribute = Some("appRoleAssignedTo".to_owned());
    failure.expected = Some(expected.to_owned());
    failure.actual = Some(
        if cx.entries.get(row.entry as usize).is_some_and(|e| e.scope.is_none()) { "not known" } else { actual }
            .to_owned(),
    );
    failure
}

fn a20(cx: &Context<'_>) -> Outcome {
    let (inventory, cloud) = (cx.inventory, &cx.assess.cloud);
    let settle = "Export the groups from Graph beta too (GET /beta/groups?$select=id,writebackConfiguration), and add the job's files; or collect the tenant live.";
    if !inventory.entra.has("groups") || !cloud.is_absent() && !cloud.has_job() {
        return Outcome::unknown("Which groups the job takes is not in the input", settle);
    }
    if !inventory.entra.tenant.group_properties.iter().any(|p| p == "writebackConfiguration")
        && inventory.entra.groups.iter().all(|g| g.writeback.is_enabled == Tri::Absent)
    {
        return Outcome::unknown("No group of the input carries writebackConfiguration", settle);
    }
    let mut out = Outcome::default();
    let mut switched = 0u64;
    let mut found: Vec<(bool, u32)> = Vec::new();
    for (row, group) in
        inventory.entra.groups.iter().enumerate().filter(|(_, g)| is_plain(g) && g.writeback.is_enabled == Tri::True)
    {
        switched += 1;
        let scope = if cloud.is_absent() { Some(false) } else { cloud.in_scope(inventory, group.object).flatten() };
        match scope {
            Some(true) => {}
            Some(false) => found.push((false, row as u32)),
            None => found.push((true, row as u32)),
        }
    }
    found.sort_by_key(|(_, row)| inventory.entra_object(&inventory.entra.groups[*row as usize]).id);
    for (open, row) in found {
        let hit = Hit::row(cx.position_of_entra(row), row, 0);
        if open { out.open.push(hit) } else { out.failed.push(hit) }
    }
    out.evidence = json!({ "switchedOn": switched });
    out.message = match out.failed.len() {
        0 => format!("{switched} security groups are switched on for writeback, all of them in the job's scope"),
        n => format!("{n} of {switched} security groups that are switched on for writeback are out of the job's scope"),
    };
    out.remedy = Some(settle.to_owned());
    out
}

fn show_a20(cx: &Context<'_>, row: Row) -> Failure {
    let group = &cx.inventory.entra.groups[row.a as usize];
    let id = cx.inventory.entra_object(group).id;
    let copy = cx.assess.index.ad_group_by_anchor(id).map(|r| cx.inventory.ad.groups[r as usize].object);
    let scope = if cx.assess.cloud.is_absent() {
        Some(false)
    } else {
        cx.assess.cloud.in_scope(cx.inventory, group.object).flatten()
    };
    let message = match (scope, copy) {
        (None, _) => "Switched on for writeback; whether the job takes it is open",
        (_, Some(_)) => "Switched on for writeback and not in the job's scope: its AD copy is maintained by nobody",
        (_, None) => "Switched on for writeback and not in the job's scope; AD has no copy",
    };
    let mut failure = match row.entry {
        NONE => Failure {
            key: id.to_string(),
            object_id: Some(id.to_string()),
            dn: copy.map(|object| cx.inventory.dn(object).to_owned()),
            display_name: cx.text(group.display_name).map(str::to_owned),
            message: message.to_owned(),
            ..Failure::default()
        },
        position => cx.failure(position, "", message),
    };
    failure.attribute = Some("writebackConfiguration.isEnabled".to_owned());
    failure.expected = Some("in the job's scope, or false".to_owned());
    failure.actual = Some("true, not in scope".to_owned());
    failure.evidence = json!({ "copyInAd": copy.map(|object| cx.inventory.dn(object)) });
    failure
}

fn a21(cx: &Context<'_>) -> Outcome {
    let inventory = cx.inventory;
    let settle = "Name the plan with --against, which lists the Microsoft 365 groups that AD had before; or collect live with --for audit, so that it is known when each came.";
    let Some(container) = &cx.assess.container else {
        return Outcome::unknown(
            "The writeback container is not known",
            "Set [ad] writeback_ou, or add onPremisesSynchronization.json of Graph beta.",
        );
    };
    if !inventory.ad.present || !inventory.entra.has("groups") {
        return Outcome::unknown("AD and Entra's groups are not both in the input", settle);
    }
    let mut out = Outcome::default();
    let mut inside: Vec<(u32, u32)> = Vec::new();
    for (row, group) in inventory.ad.groups.iter().enumerate() {
        let Some(anchor) = anchor_of(inventory, group) else { continue };
        let Some(entra) = cx.assess.index.entra_group(inventory, anchor.0) else { continue };
        if inventory.entra.groups[entra as usize].unified.is_true() && container.holds(inventory.dn(group.object)) {
            inside.push((row as u32, entra));
        }
    }
    inside.sort_by_key(|(row, _)| inventory.dn(inventory.ad.groups[*row as usize].object));
    let count = inside.len();
    for (row, entra) in inside {
        let hit = Hit::row(cx.position_of_ad(row), row, entra);
        match is_new(cx, row, entra) {
            Some(true) => out.failed.push(hit),
            Some(false) => {}
            None => out.open.push(hit),
        }
    }
    out.evidence = json!({ "container": container.dn, "microsoft365Groups": count });
    out.message = match (count, out.failed.len(), out.open.len()) {
        (0, ..) => format!("No Microsoft 365 group stands in {}", container.dn),
        (n, 0, 0) => format!("{n} Microsoft 365 groups stand in the container, all of them from before"),
        (n, 0, open) => {
            format!("{n} Microsoft 365 groups stand in the container; when {open} of them came is not known")
        }
        (n, new, _) => format!("{new} of {n} Microsoft 365 groups in the container came since the cutover"),
    };
    out.remedy = Some(settle.to_owned());
    if count == 0 && !inventory.ad.is_whole() {
        out.status = Some(GateStatus::Unknown);
        out.message = "AD's export is not whole: Microsoft 365 groups may stand in the container unseen".to_owned();
    }
    out
}

/// Whether the group came since the cutover: by the plan's list of what was there, or by when AD made it.
fn is_new(cx: &Context<'_>, row: u32, entra: u32) -> Option<bool> {
    let id = cx.inventory.entra_object(&cx.inventory.entra.groups[entra as usize]).id;
    if let Some(outside) = cx.former.and_then(|f| f.outside.as_ref()) {
        return Some(!outside.contains(&id) && cx.former.is_none_or(|f| f.position_of_id(id).is_none()));
    }
    let metadata = cx.evidence.metadata.as_ref()?;
    let guid = cx.inventory.ad_object(&cx.inventory.ad.groups[row as usize]).guid;
    let created = metadata.changed(guid, "whenCreated")?;
    // The first stamp of the forest is the earliest that a cutover can have begun.
    let stamps = cx.each().filter_map(|(_, e)| metadata.changed(cx.ad(e)?.1.guid, "msDS-ExternalDirectoryObjectId"));
    let begun = cx.settings.since.or_else(|| stamps.min())?;
    Some(created >= begun)
}

fn show_a21(cx: &Context<'_>, row: Row) -> Failure {
    let created =
        cx.evidence.metadata.as_ref().and_then(|m| {
            m.changed(cx.inventory.ad_object(&cx.inventory.ad.groups[row.a as usize]).guid, "whenCreated")
        });
    let message = match is_new(cx, row.a, row.b) {
        Some(_) => "A Microsoft 365 group that was not in the container before the cutover",
        None => "A Microsoft 365 group; when it came into the container is not known",
    };
    let mut failure = match row.entry {
        NONE => cx.failure_of_ad(row.a, "", message),
        position => cx.failure(position, "", message),
    };
    failure.expected = Some("not in the container".to_owned());
    failure.actual = Some("in the container".to_owned());
    failure.evidence = json!({ "created": created.map(|t| t.to_rfc3339_opts(chrono::SecondsFormat::Secs, true)) });
    failure
}
