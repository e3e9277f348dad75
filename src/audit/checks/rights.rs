//! Who may write them: A08.

use super::{AuditRule, Hit, Outcome, Row};
use crate::audit::context::Context;
use crate::audit::model::Failure;
use crate::audit::principals::Standing;
use crate::audit::writers::{Writer, Writers};
use crate::directory::inventory::NONE;
use crate::report::model::Severity;
use rayon::prelude::*;
use serde_json::{Value, json};
use std::collections::BTreeMap;

pub fn checks() -> Vec<AuditRule> {
    vec![AuditRule {
        id: "A08",
        title: "Only the agent writes the groups",
        condition: "On every group nobody but the agent's account, the administrators of the forest (Account Operators only while it is empty) and the approved writers may write member, delete, rename or move it, or change its access list; the account of Connect may only while writeback V1 is in use.",
        why: "Every other way to write is a way around the governance of the Entra group.",
        remedy: "Remove the access entry, on the object or where it is inherited from; for the account of Connect, the rights that Set-ADSyncUnifiedGroupWritebackPermissions gave.",
        severity: Severity::High,
        blocks: &[],
        sources: &["ELM", "GOV26", "ACC"],
        check: a08,
        show: show_a08,
    }]
}

const EXPORT: &str = "Export the groups, their container and the accounts with nTSecurityDescriptor (ldapsearch -E '!1.2.840.113556.1.4.801=::MAMCAQc='), name the agent's account ([ad] agent_account), or collect live.";

/// How a writer weighs.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Weight {
    Fine,
    Open,
    Bad,
}

/// Whether writeback V1 is in use, which the account of Connect needs its rights for.
fn v1_is_on(cx: &Context<'_>) -> Option<bool> {
    let servers = cx.inventory.connect.iter();
    let mut seen: Vec<bool> =
        servers.filter_map(|s| crate::assess::connect::company_feature(s, "UnifiedGroupWriteback")).collect();
    seen.extend(cx.inventory.entra.tenant.unified_group_writeback);
    match (seen.contains(&true), seen.contains(&false)) {
        (true, _) => Some(true),
        (_, true) => Some(false),
        _ => None,
    }
}

fn weigh(cx: &Context<'_>, writer: &Writer, v1: Option<bool>) -> Weight {
    let weight = match cx.principals.standing(&writer.sid) {
        Standing::Agent | Standing::Administrator | Standing::Approved | Standing::ByMembers => Weight::Fine,
        Standing::Connect => match v1 {
            Some(true) => Weight::Fine,
            Some(false) => Weight::Bad,
            None => Weight::Open,
        },
        Standing::Other => Weight::Bad,
        Standing::Unclear => Weight::Open,
    };
    // What hangs on a condition is open at most.
    if writer.powers.is_empty() { weight.min(Weight::Open) } else { weight }
}

/// The writers of an access list that are not simply approved; `Err` with whether everybody may write, or nothing is known.
fn noted<'w>(cx: &Context<'_>, writers: &'w Writers, v1: Option<bool>) -> Result<Vec<(Weight, &'w Writer)>, bool> {
    match writers {
        Writers::Unknown => Err(false),
        Writers::Everybody => Err(true),
        Writers::Listed(list) => {
            let all = list.iter().map(|w| (weigh(cx, w, v1), w));
            Ok(all.filter(|(weight, _)| *weight != Weight::Fine).collect())
        }
    }
}

fn verdict(noted: &Result<Vec<(Weight, &Writer)>, bool>) -> Weight {
    match noted {
        Err(true) => Weight::Bad,
        Err(false) => Weight::Open,
        Ok(list) => list.iter().map(|(w, _)| *w).max().unwrap_or(Weight::Fine),
    }
}

fn a08(cx: &Context<'_>) -> Outcome {
    let inventory = cx.inventory;
    if inventory.ad.descriptors.is_empty() {
        return Outcome::unknown("No access list is in the input", EXPORT);
    }
    let v1 = v1_is_on(cx);
    let mut used = vec![false; inventory.ad.descriptors.len()];
    for (_, entry) in cx.each() {
        if let Some(flag) = cx.ad(entry).and_then(|(_, o)| used.get_mut(o.security as usize)) {
            *flag = true;
        }
    }
    let verdicts: Vec<Weight> = inventory
        .ad
        .descriptors
        .par_iter()
        .zip(&used)
        .map(|(bytes, used)| match used {
            true => verdict(&noted(cx, &Writers::of_group(bytes), v1)),
            false => Weight::Fine,
        })
        .collect();
    let mut out = Outcome::default();
    let mut groups = 0u64;
    for (position, entry) in cx.each() {
        let Some((_, object)) = cx.ad(entry) else { continue };
        groups += 1;
        match verdicts.get(object.security as usize) {
            None | Some(Weight::Open) => out.open.push(Hit::row(position, object.security, 0)),
            Some(Weight::Bad) => out.failed.push(Hit::row(position, object.security, 0)),
            Some(Weight::Fine) => {}
        }
    }
    container(cx, v1, &mut out);
    let lists = used.iter().filter(|u| **u).count();
    out.evidence = json!({
        "groups": groups, "distinctAccessLists": lists, "agentAccount": cx.principals.agent().map(|(name, _)| name),
        "writebackV1": v1, "approvedWritersNotFound": cx.principals.unresolved, "writers": tally(cx, &used, v1),
    });
    out.message = match out.failed.len() {
        0 => format!(
            "{groups} groups under {lists} access list(s): nobody but the agent, administrators and approved writers"
        ),
        _ => format!(
            "{} of {groups} groups can be written by others",
            out.failed.iter().filter(|h| h.entry() != NONE).count()
        ),
    };
    out.remedy = Some(EXPORT.to_owned());
    if groups == 0 {
        return Outcome::unknown("No group that is to be audited is in the AD part of the input", EXPORT);
    }
    out
}

/// The container: who deletes there deletes groups, and who changes its list changes theirs.
fn container(cx: &Context<'_>, v1: Option<bool>, out: &mut Outcome) {
    let inventory = cx.inventory;
    let Some(container) = &cx.assess.container else { return };
    let is = |o: &&crate::directory::inventory::AdObject| inventory.text.get(o.dn).is_some_and(|dn| container.is(dn));
    let Some(object) = inventory.ad.objects.iter().find(is) else { return };
    let Some(bytes) = inventory.ad.descriptors.get(object.security as usize) else { return };
    let writers = Writers::of_container(bytes);
    let noted = noted(cx, &writers, v1);
    let mut failure = Failure {
        key: format!("{}|container", container.dn),
        dn: Some(container.dn.clone()),
        subject: Some(container.dn.clone()),
        attribute: Some("nTSecurityDescriptor".to_owned()),
        message: "Others may delete groups out of the container, or change what its groups inherit".to_owned(),
        ..Failure::default()
    };
    describe(cx, &noted, &mut failure);
    match verdict(&noted) {
        Weight::Bad => out.failed.push(Hit::made(NONE, failure)),
        Weight::Open => out.open.push(Hit::made(NONE, failure)),
        Weight::Fine => {}
    }
}

/// Everyone who may write some audited group, with how they stand and how many access lists name them.
fn tally(cx: &Context<'_>, used: &[bool], v1: Option<bool>) -> Value {
    let mut seen: BTreeMap<String, (u64, Value)> = BTreeMap::new();
    for (bytes, _) in cx.inventory.ad.descriptors.iter().zip(used).filter(|(_, used)| **used) {
        let Writers::Listed(list) = Writers::of_group(bytes) else { continue };
        for writer in &list {
            let entry = seen.entry(writer.sid.to_string()).or_insert_with(|| {
                let standing = match cx.principals.standing(&writer.sid) {
                    Standing::Agent => "agent",
                    Standing::Administrator => "administrator",
                    Standing::Approved => "approved",
                    Standing::ByMembers => "approved by its members",
                    Standing::Connect => "Connect",
                    Standing::Other => "not approved",
                    Standing::Unclear => "not known",
                };
                (
                    0,
                    json!({ "name": cx.principals.name(&writer.sid), "sid": writer.sid, "standing": standing,
                    "people": cx.principals.behind(&writer.sid), "weighs": weigh(cx, writer, v1) == Weight::Bad }),
                )
            });
            entry.0 += 1;
        }
    }
    let mut list: Vec<(u64, Value)> = seen.into_values().collect();
    list.sort_by_key(|(n, _)| std::cmp::Reverse(*n));
    list.truncate(50);
    let with = |(n, mut v): (u64, Value)| {
        v["accessLists"] = json!(n);
        v
    };
    json!(list.into_iter().map(with).collect::<Vec<_>>())
}

fn describe(cx: &Context<'_>, noted: &Result<Vec<(Weight, &Writer)>, bool>, failure: &mut Failure) {
    failure.expected = Some("the agent's account, administrators of the domain and approved writers".to_owned());
    let list = match noted {
        Err(true) => {
            failure.actual = Some("everybody: the access list is null".to_owned());
            failure.evidence = json!({ "nullAccessList": true });
            return;
        }
        Err(false) => {
            failure.actual = None;
            failure.message = "The access list is not in the input, or cannot be read".to_owned();
            failure.evidence = json!({ "missing": ["nTSecurityDescriptor"] });
            return;
        }
        Ok(list) => list,
    };
    let one = |(weight, w): &(Weight, &Writer)| {
        let sid = &w.sid;
        let of = |powers: crate::audit::writers::Powers| powers.names();
        json!({
            "name": cx.principals.name(sid), "sid": sid, "rights": of(w.powers), "perhaps": of(w.perhaps), "inherited": w.inherited,
            "owner": w.is_owner, "people": cx.principals.behind(sid), "known": cx.principals.is_known(sid),
            "open": *weight == Weight::Open,
        })
    };
    let name = |(_, w): &(Weight, &Writer)| {
        let rights = if w.powers.is_empty() { w.perhaps.names() } else { w.powers.names() };
        format!("{} ({})", cx.principals.name(&w.sid), rights.join(", "))
    };
    failure.actual = Some(list.iter().map(name).collect::<Vec<_>>().join("; "));
    failure.evidence = json!({ "writers": list.iter().map(one).collect::<Vec<_>>() });
}

fn show_a08(cx: &Context<'_>, row: Row) -> Failure {
    let mut failure = cx.failure(row.entry, "", "");
    failure.attribute = Some("nTSecurityDescriptor".to_owned());
    let writers = cx.inventory.ad.descriptors.get(row.a as usize).map_or(Writers::Unknown, |b| Writers::of_group(b));
    let noted = noted(cx, &writers, v1_is_on(cx));
    let bad = noted.as_ref().map_or(0, |list| list.iter().filter(|(w, _)| *w == Weight::Bad).count());
    failure.message = match (&noted, bad) {
        (Err(_), _) => "Everybody may write the group".to_owned(),
        (_, 0) => "Whether those who may write the group are approved is open: the agent's or Connect's account, the use of V1, or whose administrators they are is not known".to_owned(),
        (_, n) => format!("{n} account(s) or group(s) that are not approved may write the group"),
    };
    describe(cx, &noted, &mut failure);
    failure
}
