//! Access packages and the applications behind the groups: A22–A24.

use super::{AuditRule, Hit, Outcome, Row, made_at_once};
use crate::audit::context::{Context, Entry};
use crate::audit::evidence::Packages;
use crate::audit::model::Failure;
use crate::audit::principals::{is_of_the_system, well_known};
use crate::directory::inventory::{AdClass, Completeness, NONE};
use crate::directory::{Dn, GroupType, ObjectGuid, same_dn};
use crate::report::model::{GateStatus, Severity};
use hashbrown::{HashMap, HashSet};
use serde_json::json;
use std::collections::BTreeSet;

pub fn checks() -> Vec<AuditRule> {
    vec![
        AuditRule {
            id: "A22",
            title: "Members are those of the access packages",
            condition: "Every group that an access package grants membership of has exactly the targets of the packages' active assignments as members.",
            why: "A direct addition is access without request, approval, review or end.",
            remedy: "Remove the direct members, or have them request the package; deliver assignments that are stuck.",
            severity: Severity::High,
            blocks: &[],
            sources: &["ELM", "GOV26"],
            check: a22,
            show: show_a22,
        },
        AuditRule {
            id: "A23",
            title: "What applications have on record is still true",
            condition: "DN, domain, account name and SID of every group are what was on record at the cutover, or what the plan approved.",
            why: "Applications name groups by one of the four: another value and they let nobody in.",
            remedy: "Tell the application's owner (groupshift handover), or put the old name back.",
            severity: Severity::High,
            blocks: &[],
            sources: &["ELM"],
            check: a23,
            show: show_a23,
        },
        AuditRule {
            id: "A24",
            title: "The application's own group holds nothing else",
            condition: "An AD group that nests a governed group has no other members, is a universal security group and no well-known group.",
            why: "Every other member gets the same access without the access package.",
            remedy: "Remove the other members; make the group universal; for a well-known group, grant the access to another one.",
            severity: Severity::High,
            blocks: &[],
            sources: &["GOV26"],
            check: a24,
            show: made_at_once,
        },
    ]
}

/// How many names a failure lists.
const LISTED: usize = 1_000;

const SETTLE: &str = "Add entra/accessPackages*.json (each with resourceRoleScopes, role and scope expanded) and accessPackageAssignments*.json (with target and accessPackage expanded), or collect live with --for audit.";

/// The packages; `Err` is what the check then says.
fn packages<'c>(cx: &'c Context<'_>) -> Result<&'c Packages, Box<Outcome>> {
    let Some(packages) = &cx.evidence.packages else {
        return Err(Box::new(Outcome::unknown("Access packages are not in the input", SETTLE)));
    };
    if packages.without_resources > 0 && packages.governed() == 0 {
        return Err(Box::new(Outcome::unknown("The access packages of the input do not show their resources", SETTLE)));
    }
    Ok(packages)
}

fn governed<'c>(cx: &'c Context<'_>, packages: &'c Packages) -> impl Iterator<Item = (u32, &'c Entry)> {
    cx.each().filter(|(_, e)| !e.id.is_nil() && !packages.grants(e.id).is_empty())
}

fn is_member_of_package(packages: &Packages, id: ObjectGuid) -> bool {
    packages.grants(id).iter().any(|g| g.is_membership())
}

/// Who should be a member by the packages: those to whom it was delivered, and those who may be or not be.
fn targets(packages: &Packages, id: ObjectGuid) -> (HashSet<ObjectGuid>, HashSet<ObjectGuid>) {
    let (mut sure, mut moving) = (HashSet::new(), HashSet::new());
    for grant in packages.grants(id).iter().filter(|g| g.is_membership()) {
        for one in packages.assigned(grant.package) {
            match one.target {
                Some(target) if one.is_active() => drop(sure.insert(target)),
                Some(target) if one.is_moving() => drop(moving.insert(target)),
                _ => {}
            }
        }
    }
    (sure, moving)
}

/// Direct members that no assignment explains, and targets that are no members.
fn compare(cx: &Context<'_>, packages: &Packages, entry: &Entry) -> (Vec<u32>, Vec<ObjectGuid>) {
    let (sure, moving) = targets(packages, entry.id);
    let objects = &cx.inventory.entra.objects;
    let members = cx.inventory.entra.members.row(entry.entra as usize);
    let ids: HashSet<ObjectGuid> = members.iter().map(|m| objects[*m as usize].id).collect();
    let explained = |m: &u32| {
        let id = objects[*m as usize].id;
        sure.contains(&id) || moving.contains(&id)
    };
    let direct: Vec<u32> = members.iter().copied().filter(|m| !explained(m)).collect();
    let mut missing: Vec<ObjectGuid> = sure.iter().copied().filter(|id| !ids.contains(id)).collect();
    missing.sort_unstable();
    (direct, missing)
}

/// `a` of a row of A22 where the packages grant no membership.
const NO_MEMBERSHIP: u32 = u32::MAX;

fn a22(cx: &Context<'_>) -> Outcome {
    let packages = match packages(cx) {
        Ok(packages) => packages,
        Err(outcome) => return *outcome,
    };
    let mut out = Outcome::default();
    let (mut groups, mut direct, mut undelivered) = (0u64, 0u64, 0u64);
    for (position, entry) in governed(cx, packages) {
        groups += 1;
        if !is_member_of_package(packages, entry.id) {
            out.failed.push(Hit::row(position, NO_MEMBERSHIP, 0));
            continue;
        }
        let known = cx.entra(entry).is_some_and(|g| g.members == Completeness::Complete);
        if !known || !packages.has_assignments || packages.assignments_cut || packages.cut {
            out.open.push(Hit::row(position, 0, 0));
            continue;
        }
        let (extra, missing) = compare(cx, packages, entry);
        if !extra.is_empty() || !missing.is_empty() {
            direct += extra.len() as u64;
            undelivered += missing.len() as u64;
            out.failed.push(Hit::row(position, extra.len() as u32, missing.len() as u32));
        }
    }
    out.evidence = json!({
        "packages": packages.packages.len(), "governedGroups": groups, "directAdditions": direct, "targetsThatAreNoMembers": undelivered,
        "assignmentsCollected": packages.has_assignments,
    });
    out.message = match out.failed.len() {
        0 => format!("{groups} groups are governed by access packages, their members are the assignments' targets"),
        n => format!("{n} of {groups} governed groups have other members than the assignments' targets"),
    };
    out.remedy = Some(SETTLE.to_owned());
    if groups == 0 {
        return match packages.cut || packages.without_resources > 0 {
            true => Outcome::unknown(
                "The access packages of the input are not whole, and none of them has an audited group",
                SETTLE,
            ),
            false => Outcome::not_applicable(format!(
                "{} access packages, none of which has an audited group as a resource",
                packages.packages.len()
            )),
        };
    }
    out
}

fn show_a22(cx: &Context<'_>, row: Row) -> Failure {
    let entry = cx.entry(row.entry);
    let Some(packages) = &cx.evidence.packages else { return cx.failure(row.entry, "", "") };
    let names: BTreeSet<&str> = packages.grants(entry.id).iter().map(|g| packages.name(g.package)).collect();
    let roles: BTreeSet<&str> = packages.grants(entry.id).iter().map(|g| g.role.as_str()).collect();
    if row.a == NO_MEMBERSHIP {
        let roles = roles.into_iter().collect::<Vec<_>>().join(", ");
        let mut failure = cx.failure(
            row.entry,
            "role",
            format!("The access packages grant the role {roles} of the group, not membership"),
        );
        failure.expected = Some("Member".to_owned());
        failure.actual = Some(roles);
        failure.evidence = json!({ "packages": names });
        return failure;
    }
    let (mut extra, mut missing) = compare(cx, packages, entry);
    let counts = (extra.len(), missing.len());
    extra.truncate(LISTED);
    missing.truncate(LISTED);
    let message = match counts {
        (0, 0) => {
            "Who should be a member is open: the assignments or the members are not whole in the input".to_owned()
        }
        (a, 0) => format!("{a} member(s) were added directly: no active assignment stands behind them"),
        (0, b) => format!("{b} active assignment(s) whose target is no member"),
        (a, b) => {
            format!("{a} member(s) were added directly, and {b} active assignment(s) have a target that is no member")
        }
    };
    let objects = &cx.inventory.entra.objects;
    let wanted: HashSet<ObjectGuid> = missing.iter().copied().collect();
    let known = if wanted.is_empty() { &[][..] } else { objects.as_slice() };
    let names_of: HashMap<ObjectGuid, &str> =
        known.iter().filter(|o| wanted.contains(&o.id)).filter_map(|o| Some((o.id, cx.text(o.name)?))).collect();
    let name = |id: ObjectGuid| json!({ "id": id, "name": names_of.get(&id) });
    let member = |m: &u32| json!({ "id": objects[*m as usize].id, "name": cx.text(objects[*m as usize].name), "kind": objects[*m as usize].kind });
    let mut failure = cx.failure(row.entry, "", message);
    failure.attribute = Some("members".to_owned());
    failure.expected = Some(format!("the {} targets of active assignments", targets(packages, entry.id).0.len()));
    failure.actual = Some(format!("{} added directly, {} targets missing", counts.0, counts.1));
    failure.evidence = json!({
        "packages": names, "addedDirectly": extra.iter().map(member).collect::<Vec<_>>(),
        "targetsMissing": missing.into_iter().map(name).collect::<Vec<_>>(),
    });
    failure
}

/// What an application may have on record of a group: name of the value, then, now.
fn record(cx: &Context<'_>, entry: &Entry) -> Vec<(&'static str, String, String)> {
    let (Some(before), Some((_, object))) = (cx.before(entry), cx.ad(entry)) else { return Vec::new() };
    let dn = cx.dn(entry).unwrap_or_default().to_owned();
    let approved = before.approved_dn.clone().unwrap_or_else(|| before.dn.clone());
    let domain = |dn: &str| Dn::parse(dn).ok().and_then(|d| d.dns_domain()).unwrap_or_default();
    let mut out = Vec::new();
    if domain(&dn) != domain(&approved) {
        out.push(("domain", domain(&approved), domain(&dn)));
    }
    if !same_dn(&dn, &approved) {
        out.push(("distinguishedName", approved, dn));
    }
    if let (Some(then), Some(now)) = (&before.account_name, cx.text(object.sam_account_name))
        && !then.eq_ignore_ascii_case(now)
    {
        out.push(("sAMAccountName", then.clone(), now.to_owned()));
    }
    if let (Some(then), Some(now)) = (&before.sid, cx.inventory.sids.get(object.sid))
        && *then != now
    {
        out.push(("objectSid", then.to_string(), now.to_string()));
    }
    out
}

fn a23(cx: &Context<'_>) -> Outcome {
    let settle =
        "Say what was on record: --against the run's snapshots, or --against PLAN (which has no account names).";
    let Some(former) = cx.former else {
        return Outcome::unknown("Nothing says what was on record at the cutover", settle);
    };
    if !cx.inventory.ad.present {
        return Outcome::unknown(
            "AD is not in the input",
            "Export the groups with ldifde or ldapsearch into ad/, or collect live.",
        );
    }
    let mut out = Outcome::default();
    let (mut compared, mut names) = (0u64, 0u64);
    for (position, entry) in cx.each().filter(|(_, e)| e.former != NONE && e.ad != NONE) {
        compared += 1;
        names += u64::from(cx.before(entry).is_some_and(|b| b.account_name.is_some()));
        if !record(cx, entry).is_empty() {
            out.failed.push(Hit::row(position, 0, 0));
        }
    }
    out.evidence = json!({ "groups": compared, "accountNamesOnRecord": names, "against": former.kind.as_str() });
    out.message = match out.failed.len() {
        0 => format!(
            "{compared} groups as on record{}; what the applications themselves hold is for their owners to compare (groupshift handover)",
            if names == 0 { " (the plan has no account names)" } else { "" }
        ),
        n => format!("{n} of {compared} groups are no longer what is on record"),
    };
    if compared == 0 {
        return Outcome::unknown("None of the groups on record is in the AD part of the input", settle);
    }
    out
}

fn show_a23(cx: &Context<'_>, row: Row) -> Failure {
    let changed = record(cx, cx.entry(row.entry));
    let names: Vec<&str> = changed.iter().map(|(name, ..)| *name).collect();
    let mut failure = cx.failure(row.entry, "", format!("{} changed since it was recorded", names.join(", ")));
    failure.attribute = Some(names.join(", "));
    failure.expected = Some(changed.iter().map(|c| c.1.as_str()).collect::<Vec<_>>().join("; "));
    failure.actual = Some(changed.iter().map(|c| c.2.as_str()).collect::<Vec<_>>().join("; "));
    let line =
        |(name, then, now): &(&'static str, String, String)| json!({ "what": name, "recorded": then, "now": now });
    failure.evidence = json!({ "changed": changed.iter().map(line).collect::<Vec<_>>() });
    failure
}

fn a24(cx: &Context<'_>) -> Outcome {
    let packages = match packages(cx) {
        Ok(packages) => packages,
        Err(outcome) => return *outcome,
    };
    let (inventory, mut out) = (cx.inventory, Outcome::default());
    if !inventory.ad.present {
        return Outcome::unknown(
            "AD is not in the input",
            "Export the groups, and those that nest them, into ad/, or collect live.",
        );
    }
    let (mut groups, mut outer) = (0u64, BTreeSet::new());
    let anchored = |object: u32| {
        let row = inventory.ad.objects[object as usize].group;
        inventory.ad.groups.get(row as usize).is_some_and(|g| crate::audit::context::anchor_of(inventory, g).is_some())
    };
    let is_governed = |object: u32| {
        let row = inventory.ad.objects[object as usize].group;
        let position = cx.position_of_ad(row);
        position != NONE && is_member_of_package(packages, cx.entry(position).id)
    };
    for (position, entry) in governed(cx, packages).filter(|(_, e)| e.ad != NONE) {
        groups += 1;
        let rows = cx.assess.parents(entry.ad);
        let mut parents: Vec<u32> = rows.iter().map(|row| inventory.ad.groups[*row as usize].object).collect();
        parents.extend_from_slice(inventory.ad.member_of.row(entry.ad as usize));
        parents.sort_unstable();
        parents.dedup();
        // A group that comes from Entra itself is no application's own.
        for parent in parents.into_iter().filter(|object| !anchored(*object)) {
            outer.insert(parent);
            let (wrong, others) = match inventory.ad.groups.get(inventory.ad.objects[parent as usize].group as usize) {
                Some(_) => judge_parent(cx, parent, &is_governed),
                None => (Vec::new(), None),
            };
            let dn = inventory.dn(parent).to_owned();
            if !wrong.is_empty() {
                let mut failure = cx.failure(position, &dn, format!("{dn}, which nests it, {}", wrong.join("; ")));
                failure.subject = Some(dn);
                failure.attribute = Some("memberOf".to_owned());
                failure.expected =
                    Some("a universal security group of its own, with governed groups as its only members".to_owned());
                failure.actual = Some(wrong.join("; "));
                failure.evidence = json!({ "group": inventory.dn(parent), "otherMembers": others });
                out.failed.push(Hit::made(position, failure));
            } else if others.is_none() {
                let message = format!("What else {dn}, which nests it, holds is not in the input");
                let mut failure = cx.failure(position, &dn, message);
                failure.subject = Some(dn);
                out.open.push(Hit::made(position, failure));
            }
        }
    }
    out.evidence = json!({ "governedGroups": groups, "applicationGroups": outer.len() });
    out.message = match (outer.len(), out.failed.len()) {
        (n, 0) => format!("{n} application group(s) nest governed groups, and hold nothing else"),
        (n, bad) => format!("{bad} nesting(s) in {n} application group(s) are not in order"),
    };
    out.remedy = Some(
        "Export the groups that nest governed groups, with their members, groupType and SID; or collect live."
            .to_owned(),
    );
    if groups == 0 {
        return match packages.cut {
            true => Outcome::unknown("The access packages of the input are not whole", SETTLE),
            false => Outcome::not_applicable("No audited group is governed by an access package"),
        };
    }
    if outer.is_empty() {
        out.status = Some(if inventory.ad.is_whole() { GateStatus::NotApplicable } else { GateStatus::Unknown });
        out.message = format!("{groups} governed groups, none of them nested in an application's group");
    }
    out
}

/// What is wrong with a group that nests a governed one, and its other members (`None` where its list is not whole).
fn judge_parent(
    cx: &Context<'_>,
    object: u32,
    is_governed: &dyn Fn(u32) -> bool,
) -> (Vec<String>, Option<Vec<String>>) {
    let inventory = cx.inventory;
    let entry = &inventory.ad.objects[object as usize];
    let group = &inventory.ad.groups[entry.group as usize];
    let mut wrong = Vec::new();
    if let Some(sid) = inventory.sids.get(entry.sid).filter(is_of_the_system) {
        wrong.push(format!(
            "is a group of the system ({})",
            well_known(&sid).map_or_else(|| sid.to_string(), |(name, _)| name.to_owned())
        ));
    }
    if let Some(found) = group.group_type.filter(|t| *t != GroupType::UNIVERSAL_SECURITY) {
        wrong.push(format!("is a {found} group"));
    }
    let members = inventory.ad.members.row(entry.group as usize);
    let mut others: Vec<String> = members
        .iter()
        .filter(|m| !is_governed(**m))
        .map(|m| {
            let missing = inventory.ad.objects[*m as usize].class == AdClass::Missing;
            format!("{}{}", inventory.dn(*m), if missing { " (not in the input)" } else { "" })
        })
        .collect();
    if !others.is_empty() {
        wrong.push(format!("holds {} other member(s)", others.len()));
    }
    others.sort_unstable();
    others.truncate(LISTED);
    let whole = group.members == Completeness::Complete && group.group_type.is_some();
    (wrong, whole.then_some(others))
}
