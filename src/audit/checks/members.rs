//! Who is in them: A06, A07, A28.

use super::{AuditRule, Hit, Outcome, Row};
use crate::assess::ScopeMode;
use crate::audit::context::{Context, Entry};
use crate::audit::former::FormerMembers;
use crate::audit::model::Failure;
use crate::directory::inventory::{Completeness, NONE};
use crate::predict::{Fate, GroupOutcome};
use crate::report::model::Severity;
use serde_json::json;
use std::collections::BTreeMap;

pub fn checks() -> Vec<AuditRule> {
    vec![
        AuditRule {
            id: "A06",
            title: "Members are those of the Entra group",
            condition: "AD's direct members are the AD objects of the Entra group's direct members that the job provisions.",
            why: "AD-side edits are neither seen nor corrected until the Entra group next changes: who was added keeps access, who was removed lacks it.",
            remedy: "Provision the group on demand (at most five members a call), or restart the job; nothing reconciles by itself.",
            severity: Severity::High,
            blocks: &[],
            sources: &["PRE25", "SOAC", "GPADT"],
            check: a06,
            show: show_a06,
        },
        AuditRule {
            id: "A07",
            title: "No group was emptied",
            condition: "No group is without members in AD that had members before, or whose Entra group has members to provision.",
            why: "The membership option off, or references that do not resolve, empties groups: everybody loses access at once.",
            remedy: "Turn on \"Configure group membership\" in the configuration's scoping page; check msDS-ExternalDirectoryObjectId of nested groups and onPremisesObjectIdentifier of users; then restart the job.",
            severity: Severity::Blocker,
            blocks: &[],
            sources: &["WORKS26"],
            check: a07,
            show: show_a07,
        },
        AuditRule {
            id: "A28",
            title: "Sizes within what is supported",
            condition: "No group has more direct members than supported, and groups and memberships in scope stay below the limits of the scope mode.",
            why: "Beyond the limits provisioning slows down or stops, and support ends.",
            remedy: "Split the group, or bring fewer groups into scope.",
            severity: Severity::Medium,
            blocks: &[],
            sources: &["DEP26"],
            check: a28,
            show: show_a28,
        },
    ]
}

/// How many members of each sort a failure names.
const LISTED: usize = 1_000;

const EXPORT_BOTH: &str = "Export the members of the groups on both sides, whole, and users with onPremisesObjectIdentifier and objectGUID; or collect live.";

/// What the job makes of the members of an audited group, where the group is the one that it matches.
fn forecast<'c>(cx: &'c Context<'_>, entry: &Entry) -> Option<(usize, &'c GroupOutcome)> {
    let position = cx.forecast.position_of_entra(entry.entra)?;
    let outcome = &cx.forecast.outcomes()[position];
    (outcome.ad == entry.ad && outcome.action.writes()).then_some((position, outcome))
}

fn a06(cx: &Context<'_>) -> Outcome {
    if !cx.inventory.ad.present || !cx.inventory.entra.has("groups") {
        return Outcome::unknown("AD and Entra's groups are not both in the input", EXPORT_BOTH);
    }
    let mut out = Outcome::default();
    let (mut compared, mut links, mut missing, mut extra, mut unwritten) = (0u64, 0u64, 0u64, 0u64, 0u64);
    for (position, entry) in cx.each().filter(|(_, e)| e.ad != NONE && e.entra != NONE && !cx.is_retired(e)) {
        let Some((_, forecast)) = forecast(cx, entry) else {
            out.open.push(Hit::row(position, 0, 0));
            continue;
        };
        let m = &forecast.members;
        compared += 1;
        links += u64::from(m.kept);
        unwritten += u64::from(m.not_written);
        (missing, extra) = (missing + u64::from(m.added), extra + u64::from(m.lost));
        match (m.added + m.lost, m.maybe_added + m.maybe_lost + m.open) {
            (0, 0) => {}
            (0, _) => out.open.push(Hit::row(position, 0, 0)),
            _ => out.failed.push(Hit::row(position, m.added, m.lost)),
        }
    }
    out.evidence = json!({
        "groups": compared, "memberships": links, "missing": missing, "extra": extra,
        "entraMembersThatAreNotProvisioned": unwritten,
    });
    if let Some(access) = crate::audit::access::since(cx) {
        out.evidence["effectiveAccessSince"] = access;
    }
    out.message = match out.failed.len() {
        0 => format!("{compared} groups compared: {links} memberships, none missing, none beyond Entra's"),
        n => format!("{n} of {compared} groups differ from Entra: {missing} memberships missing, {extra} beyond"),
    };
    out.remedy = Some(EXPORT_BOTH.to_owned());
    if compared == 0 && out.open.is_empty() {
        return Outcome::unknown("No group that is to be audited has both sides in the input", EXPORT_BOTH);
    }
    out
}

fn show_a06(cx: &Context<'_>, row: Row) -> Failure {
    let entry = cx.entry(row.entry);
    let (mut missing, mut extra, mut open): (Vec<&str>, Vec<&str>, Vec<&str>) = Default::default();
    let mut reasons: BTreeMap<&'static str, u64> = BTreeMap::new();
    let (mut writes, mut wanted) = (true, 0u64);
    match forecast(cx, entry) {
        None => writes = false,
        Some((position, outcome)) => {
            wanted = u64::from(outcome.members.kept + outcome.members.added);
            cx.forecast.visit_members(position, &mut |line| {
                let name = || match line.ad {
                    NONE => cx
                        .inventory
                        .entra
                        .objects
                        .get(line.entra as usize)
                        .and_then(|o| cx.text(o.name))
                        .unwrap_or("(unnamed)"),
                    ad => cx.inventory.dn(ad),
                };
                let list = match line.fate {
                    Fate::Added => &mut missing,
                    Fate::Lost => &mut extra,
                    Fate::MaybeAdded | Fate::MaybeLost | Fate::Open => {
                        *reasons.entry(line.why.map_or("open", |w| w.as_str())).or_default() += 1;
                        &mut open
                    }
                    _ => return,
                };
                if list.len() < LISTED {
                    list.push(name());
                }
            });
        }
    }
    let now = cx.inventory.ad.members.row(entry.ad as usize).len();
    let message = match (row.a, row.b) {
        (0, 0) if !writes => "Which AD group the job takes for it is open, so its members are not compared".to_owned(),
        (0, 0) => "Whether the members are right is open: the input tells too little of some".to_owned(),
        (a, 0) => format!("{a} member(s) of the Entra group are missing in AD"),
        (0, b) => format!("{b} member(s) in AD are not members of the Entra group"),
        (a, b) => format!("{a} member(s) of the Entra group are missing in AD, {b} in AD are not members of it"),
    };
    let mut failure = cx.failure(row.entry, "", message);
    failure.attribute = Some("member".to_owned());
    if writes {
        failure.expected = Some(format!("{wanted} members, as Entra has them"));
    }
    failure.actual = Some(format!("{now} members, {} missing, {} extra", row.a, row.b));
    failure.evidence = json!({
        "missing": missing, "missingCount": row.a, "extra": extra, "extraCount": row.b, "open": open, "openBecause": reasons,
    });
    failure
}

/// How many members the group had before, where that is known.
fn had(cx: &Context<'_>, entry: &Entry) -> Option<u64> {
    cx.before(entry)?.members.count()
}

fn a07(cx: &Context<'_>) -> Outcome {
    if !cx.inventory.ad.present {
        return Outcome::unknown("AD is not in the input", EXPORT_BOTH);
    }
    let mut out = Outcome::default();
    let (mut judged, mut empty) = (0u64, 0u64);
    for (position, entry) in cx.each() {
        let Some((group, _)) = cx.ad(entry) else { continue };
        if group.members != Completeness::Complete {
            out.open.push(Hit::row(position, 0, 0));
            continue;
        }
        judged += 1;
        if !cx.inventory.ad.members.row(entry.ad as usize).is_empty() {
            continue;
        }
        empty += 1;
        let members = forecast(cx, entry).map(|(_, o)| o.members);
        let to_write = members.map_or(0, |m| m.added);
        let entra_is_known = cx.entra(entry).is_some_and(|g| g.members == Completeness::Complete)
            && members.is_none_or(|m| m.maybe_added == 0);
        match had(cx, entry).unwrap_or(0) {
            _ if to_write > 0 => out.failed.push(Hit::row(position, to_write, 0)),
            0 => {}
            // Entra has emptied it as well: nobody lost what he should have.
            _ if entra_is_known => {}
            _ => out.failed.push(Hit::row(position, 0, 0)),
        }
    }
    out.evidence = json!({ "groups": judged, "empty": empty, "comparedWithBefore": cx.former.is_some() });
    out.message = match out.failed.len() {
        0 => format!("{judged} groups; {empty} are empty, all of them in Entra too"),
        n => format!("{n} groups have no member in AD, and should have"),
    };
    out.remedy = Some("Export the member lists of AD's groups whole, or collect live.".to_owned());
    if judged == 0 && out.open.is_empty() {
        return Outcome::unknown("No group that is to be audited is in the AD part of the input", EXPORT_BOTH);
    }
    out
}

fn show_a07(cx: &Context<'_>, row: Row) -> Failure {
    let entry = cx.entry(row.entry);
    let complete = cx.ad(entry).is_some_and(|(g, _)| g.members == Completeness::Complete);
    let before = cx.before(entry).map(|b| &b.members);
    let message = match (complete, row.a) {
        (false, _) => "AD's member list of the group is not whole in the input".to_owned(),
        (_, 0) => "The group had members before and has none now".to_owned(),
        (_, n) => format!("The group has no member in AD; its Entra group has {n} that should be there"),
    };
    let mut failure = cx.failure(row.entry, "", message);
    failure.attribute = Some("member".to_owned());
    let had = had(cx, entry);
    failure.expected = match (row.a, had) {
        (0, Some(n)) => Some(format!("{n} members, as before")),
        (0, None) => None,
        (n, _) => Some(format!("{n} members, as Entra has them")),
    };
    failure.actual = complete.then(|| "0 members".to_owned());
    let mut first: Vec<&String> = match before {
        Some(FormerMembers::List(list)) => list.iter().collect(),
        _ => Vec::new(),
    };
    first.truncate(LISTED);
    failure.evidence = json!({ "membersBefore": had, "before": first, "toProvision": row.a });
    failure
}

fn a28(cx: &Context<'_>) -> Outcome {
    let limits = &cx.settings.assess.limits;
    let (inventory, mode) = (cx.inventory, cx.settings.assess.scope);
    let mut out = Outcome::default();
    let (mut groups, mut links, mut largest, mut scope_open) = (0u64, 0u64, 0u64, 0u64);
    for (position, entry) in cx.each() {
        let entra = inventory.entra.members.row(entry.entra as usize).len() as u64;
        let ad = inventory.ad.members.row(entry.ad as usize).len() as u64;
        let known = cx.entra(entry).is_some_and(|g| g.members == Completeness::Complete);
        largest = largest.max(entra.max(ad));
        if entra.max(ad) > limits.max_group_members {
            out.failed.push(Hit::row(position, entra as u32, ad as u32));
        } else if !known && cx.is_wanted(entry) {
            out.open.push(Hit::row(position, entra as u32, ad as u32));
        }
        match entry.scope {
            Some(true) => (groups, links) = (groups + 1, links + entra),
            None => scope_open += 1,
            Some(false) => {}
        }
    }
    let (max_groups, max_links) = match mode {
        ScopeMode::Selected => (limits.max_groups_selected, limits.max_links_selected),
        ScopeMode::Attribute => (limits.max_groups_filtered, limits.max_links_filtered),
    };
    let mut totals = vec![("groups in scope", groups, max_groups), ("direct memberships in scope", links, max_links)];
    if mode == ScopeMode::Attribute {
        let of = |name: &str| inventory.entra.tenant.collections.get(name).copied().unwrap_or(0);
        totals.push(("groups of the tenant", of("groups"), limits.max_tenant_groups));
        totals.push(("users of the tenant", of("users"), limits.max_tenant_users));
        totals.push((
            "memberships of the tenant",
            inventory.entra.members.total() as u64,
            limits.max_tenant_memberships,
        ));
    }
    for (what, n, most) in totals.iter().filter(|(_, n, most)| n > most) {
        let message = format!("{n} {what}, and at most {most} are supported in the mode \"{}\"", mode.as_str());
        out.failed.push(Hit::about("Cloud Sync", what, message, &format!("at most {most}"), &n.to_string()));
    }
    out.evidence = json!({
        "mode": mode.as_str(), "groupsInScope": groups, "linksInScope": links, "largestGroup": largest, "scopeOpen": scope_open,
        "limits": { "members": limits.max_group_members, "groups": max_groups, "links": max_links },
    });
    out.message = match out.failed.len() {
        0 => format!(
            "{groups} groups with {links} direct memberships in scope, the largest with {largest}: within the limits"
        ),
        n => format!("{n} limit(s) passed"),
    };
    out.remedy = Some(
        "Add cloudsync/appRoleAssignedTo.json, jobs.json and schema.json, and Entra's groups with all their members."
            .to_owned(),
    );
    let told = cx.assess.cloud.is_absent() || cx.assess.cloud.has_job();
    if out.failed.is_empty() && (!inventory.entra.has("groups") || !told || scope_open > 0 || cx.entries.is_empty()) {
        out.status = Some(crate::report::model::GateStatus::Unknown);
        out.message =
            "Which groups are in the job's scope, and with how many members, is not all in the input".to_owned();
    }
    out
}

fn show_a28(cx: &Context<'_>, row: Row) -> Failure {
    let most = cx.settings.assess.limits.max_group_members;
    let n = u64::from(row.a.max(row.b));
    let message = match n > most {
        true => format!("{n} direct members, and at most {most} are supported"),
        false => "The members of the Entra group are not whole in the input".to_owned(),
    };
    let mut failure = cx.failure(row.entry, "", message);
    failure.attribute = Some("member".to_owned());
    failure.expected = Some(format!("at most {most}"));
    failure.actual = Some(n.to_string());
    failure.evidence = json!({ "inEntra": row.a, "inAd": row.b });
    failure
}
