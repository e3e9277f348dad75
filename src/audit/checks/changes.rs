//! Who did write them: A09.

use super::{AuditRule, Hit, Outcome, made_at_once};
use crate::audit::context::{Context, Entry};
use crate::audit::evidence::Changed;
use crate::directory::events::SecurityEvent;
use crate::directory::inventory::NONE;
use crate::directory::{ObjectGuid, Sid};
use crate::report::model::{GateStatus, Severity};
use chrono::{DateTime, SecondsFormat, Utc};
use hashbrown::HashMap;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

pub fn checks() -> Vec<AuditRule> {
    vec![AuditRule {
        id: "A09",
        title: "Nobody but the agent changed the groups",
        condition: "Since the cutover no security event of the domain controllers (4754-4758, 5136) and no replication metadata shows a change of a group by another account than the agent's.",
        why: "An out-of-band change gives or takes access without a trace in Entra.",
        remedy: "Ask the account's owner; undo the change by provisioning the group again; turn on enforcement.",
        severity: Severity::High,
        blocks: &[],
        sources: &["GOV26"],
        check: a09,
        show: made_at_once,
    }]
}

/// How many events or changes a failure names.
const LISTED: usize = 50;

/// A write of the job stands in the provisioning log within so many minutes of the change in AD.
const NEAR: i64 = 30;

/// Attributes whose change by hand is out of band; the access list is an administrator's to change (A08 judges it).
const WATCHED: [&str; 8] = [
    "member",
    "groupType",
    "cn",
    "name",
    "sAMAccountName",
    "adminDescription",
    "msDS-ExternalDirectoryObjectId",
    "msDS-ObjectSoa",
];

const SETTLE: &str = "Export events 4754-4758 and 5136 of every domain controller's Security log since the cutover into events/ (CSV or XML), collect live with --for audit for replication metadata and provisioning logs, name the agent's account ([ad] agent_account), and audit against the run's snapshots, which tell when each group was taken over.";

/// When a group was taken over, as far as anything tells: what changed before is the cutover's own.
fn since(cx: &Context<'_>, entry: &Entry) -> Option<DateTime<Utc>> {
    if cx.settings.since.is_some() {
        return cx.settings.since;
    }
    let stamped = || {
        let (_, object) = cx.ad(entry)?;
        cx.evidence.metadata.as_ref()?.changed(object.guid, "msDS-ExternalDirectoryObjectId")
    };
    cx.before(entry).and_then(|b| b.since).or_else(stamped)
}

fn time(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// Audited groups by what events name them by.
struct Names {
    by_sid: HashMap<Sid, u32>,
    by_guid: HashMap<ObjectGuid, u32>,
    by_dn: HashMap<Vec<u8>, u32>,
}

impl Names {
    fn of(cx: &Context<'_>) -> Self {
        let mut names = Names { by_sid: HashMap::new(), by_guid: HashMap::new(), by_dn: HashMap::new() };
        for (position, entry) in cx.each() {
            let before = cx.before(entry);
            let object = cx.ad(entry).map(|(_, o)| o);
            names.by_sid.extend(before.and_then(|b| b.sid.clone()).map(|s| (s, position)));
            names.by_sid.extend(object.and_then(|o| cx.inventory.sids.get(o.sid)).map(|s| (s, position)));
            names.by_guid.extend(before.map(|b| (b.guid, position)));
            names.by_guid.extend(object.map(|o| (o.guid, position)));
            for dn in [before.map(|b| b.dn.as_str()), cx.dn(entry)].into_iter().flatten() {
                let mut key = Vec::new();
                if crate::directory::write_key(dn, &mut key).is_some() {
                    names.by_dn.insert(key, position);
                }
            }
        }
        names
    }
    fn find(&self, event: &SecurityEvent) -> Option<u32> {
        let by_dn = |dn: &str| {
            let mut key = Vec::new();
            crate::directory::write_key(dn, &mut key)?;
            self.by_dn.get(&key)
        };
        let sid = event.target_sid.as_ref().and_then(|s| self.by_sid.get(s));
        let guid = || event.target_guid.and_then(|g| self.by_guid.get(&g));
        sid.or_else(guid).or_else(|| by_dn(event.target_dn.as_deref()?)).copied()
    }
}

fn event_json(event: &SecurityEvent) -> Value {
    json!({
        "time": time(event.time), "id": event.id, "what": words(event), "member": event.member, "attribute": event.attribute,
        "value": event.value, "controller": event.computer, "record": event.record,
    })
}

fn words(event: &SecurityEvent) -> &'static str {
    match event.id {
        4754 => "the group was created",
        4755 => "the group was changed",
        4756 => "a member was added",
        4757 => "a member was removed",
        4758 => "the group was deleted",
        _ => "an attribute was modified",
    }
}

fn a09(cx: &Context<'_>) -> Outcome {
    let (events, metadata) = (cx.evidence.events.as_ref(), cx.evidence.metadata.as_ref());
    if events.is_none() && metadata.is_none() {
        return Outcome::unknown("Neither security events nor replication metadata are in the input", SETTLE);
    }
    let mut out = Outcome { evidence: json!({}), ..Outcome::default() };
    let (by_event, unsettled) = events.map_or((0, 0), |events| judge_events(cx, events, &mut out));
    let (changes, unexplained) = metadata.map_or((0, 0), |_| judge_metadata(cx, &mut out));
    let controllers: BTreeSet<&str> = events.into_iter().flatten().filter_map(|e| e.computer.as_deref()).collect();
    let silent = silent(cx, &controllers);
    let span = events.and_then(|list| Some((time(list.first()?.time), time(list.last()?.time))));
    out.evidence = json!({
        "agentAccount": cx.principals.agent().map(|(name, _)| name),
        "events": events.map(Vec::len), "eventsFrom": span.as_ref().map(|s| &s.0), "eventsTo": span.as_ref().map(|s| &s.1),
        "controllersWithEvents": controllers, "controllersWithout": silent,
        "eventsOfTheGroups": by_event, "replicationMetadata": metadata.map(|m| m.len()),
        "changesInMetadata": changes, "changesThatNothingExplains": unexplained,
    });
    out.remedy = Some(SETTLE.to_owned());
    out.message = match out.failed.len() {
        0 => format!(
            "{by_event} event(s) and {changes} change(s) in replication metadata of the groups, none by another account as far as these tell"
        ),
        n => format!("{n} group(s) and account(s): changes by another account than the agent's"),
    };
    // Events of some controllers say nothing of the others; metadata says that something changed, not who did it.
    let covered = events.is_some() && silent.is_empty() && cx.principals.agent().is_some();
    let quiet = metadata.is_some_and(|m| !m.cut) && unexplained == 0;
    if out.failed.is_empty() && unsettled + unexplained == 0 && !covered && !quiet {
        out.status = Some(GateStatus::Unknown);
    }
    out
}

/// Known controllers none of whose events are in the input.
fn silent<'c>(cx: &'c Context<'_>, seen: &BTreeSet<&str>) -> Vec<&'c str> {
    let short = |name: &str| {
        let first = name.split(',').next().unwrap_or(name);
        let bare =
            first.get(3..).filter(|_| first.get(..3).is_some_and(|h| h.eq_ignore_ascii_case("CN="))).unwrap_or(first);
        bare.split('.').next().unwrap_or(bare).to_lowercase()
    };
    let seen: BTreeSet<String> = seen.iter().map(|name| short(name)).collect();
    let all = cx.inventory.ad.environment.domain_controllers.iter().map(|dc| dc.name.as_str());
    all.filter(|name| !seen.contains(&short(name))).collect()
}

/// The events of one account about one group, and why they are open where they are.
type Deeds<'e> = (Vec<&'e SecurityEvent>, Option<&'static str>);

/// Returns how many events concern audited groups after their cutover, and how many of them could not be judged.
fn judge_events(cx: &Context<'_>, events: &[SecurityEvent], out: &mut Outcome) -> (u64, u64) {
    let names = Names::of(cx);
    let (mut concerned, mut unsettled) = (0u64, 0u64);
    // By group and account: the events, and why they are open where they are.
    let mut found: BTreeMap<(u32, String), Deeds<'_>> = BTreeMap::new();
    for event in events {
        let Some(position) = names.find(event) else { continue };
        let since = since(cx, cx.entry(position));
        if since.is_some_and(|since| event.time <= since) {
            continue;
        }
        concerned += 1;
        let open = match cx.principals.is_agent(event.subject_sid.as_ref(), event.subject_name.as_deref()) {
            Some(true) => continue,
            Some(false) if since.is_some() => None,
            Some(false) => Some("when the group was taken over is not known: the change may be the cutover's own"),
            None => Some("the agent's account is not known: the change may be its own"),
        };
        unsettled += u64::from(open.is_some());
        let by_sid = event.subject_sid.as_ref().map(|s| cx.principals.name(s));
        let who = event
            .subject_name
            .clone()
            .or(by_sid)
            .unwrap_or_else(|| "an account that the event does not name".to_owned());
        let known = found.entry((position, who)).or_insert((Vec::new(), open));
        known.0.push(event);
        known.1 = known.1.and(open);
    }
    for ((position, who), (list, open)) in found {
        let last = list.iter().map(|e| e.time).max().map(time).unwrap_or_default();
        let message = match open {
            None => format!("{} change(s) by {who}, the last at {last}", list.len()),
            Some(why) => format!("{} change(s) by {who}, the last at {last}; {why}", list.len()),
        };
        let mut failure = cx.failure(position, &who, message);
        failure.subject = Some(who.clone());
        failure.expected = Some(cx.principals.agent().map_or("the agent's account", |(name, _)| name).to_owned());
        let first = list.first().map(|e| format!("{}: {} ({})", who, words(e), e.id));
        failure.actual = first;
        let shown: Vec<Value> = list.iter().take(LISTED).map(|e| event_json(e)).collect();
        failure.evidence = json!({ "count": list.len(), "account": who, "sid": list[0].subject_sid, "events": shown });
        match open {
            None => out.failed.push(Hit::made(position, failure)),
            Some(_) => out.open.push(Hit::made(position, failure)),
        }
    }
    (concerned, unsettled)
}

/// When the agent's account changed which group, by the events.
fn by_agent(cx: &Context<'_>) -> HashMap<u32, Vec<DateTime<Utc>>> {
    let mut out: HashMap<u32, Vec<DateTime<Utc>>> = HashMap::new();
    let Some(events) = cx.evidence.events.as_ref().filter(|list| !list.is_empty()) else { return out };
    let names = Names::of(cx);
    for event in events {
        if cx.principals.is_agent(event.subject_sid.as_ref(), event.subject_name.as_deref()) == Some(true)
            && let Some(position) = names.find(event)
        {
            out.entry(position).or_default().push(event.time);
        }
    }
    out
}

/// Returns how many watched attributes and values changed after the cutover, and how many of these changes neither the
/// provisioning log nor an event of the agent explains.
fn judge_metadata(cx: &Context<'_>, out: &mut Outcome) -> (u64, u64) {
    let (mut all, mut unexplained) = (0u64, 0u64);
    let Some(metadata) = &cx.evidence.metadata else { return (0, 0) };
    let logs = cx.evidence.logs.as_ref().filter(|l| !l.cut);
    let by_agent = by_agent(cx);
    for (position, entry) in cx.each() {
        let Some((_, object)) = cx.ad(entry) else { continue };
        let (Some(changes), Some(since)) = (metadata.group(object.guid), since(cx, entry)) else { continue };
        let watched = |c: &&Changed| c.time > since && WATCHED.iter().any(|w| w.eq_ignore_ascii_case(&c.attribute));
        let mut foreign: Vec<&Changed> = Vec::new();
        let mut open: Vec<&Changed> = Vec::new();
        for change in changes.iter().filter(watched) {
            all += 1;
            let covered = logs.is_some_and(|l| l.first.is_some_and(|first| first <= change.time));
            let event = |at: &DateTime<Utc>| (*at - change.time).num_minutes().abs() <= NEAR;
            if by_agent.get(&position).is_some_and(|times| times.iter().any(event)) {
                continue;
            }
            match logs.and_then(|l| l.group(entry.id)) {
                Some(log) if log.near(change.time, NEAR) => {}
                // The log reaches back to the change and has nothing of it: it was not the job.
                _ if covered => foreign.push(change),
                _ => open.push(change),
            }
        }
        for (list, certain) in [(foreign, true), (open, false)] {
            let Some(last) = list.iter().max_by_key(|c| c.time) else { continue };
            unexplained += list.len() as u64;
            let why = if certain {
                "and the provisioning log has nothing of it"
            } else {
                "and the provisioning log does not reach back to it, so who did it is open"
            };
            let message = format!(
                "{} change(s) since {}, the last of {} at {} on {}, {why}",
                list.len(),
                time(since),
                last.attribute,
                time(last.time),
                last.controller.as_deref().unwrap_or("a controller that is not named"),
            );
            let mut failure = cx.failure(position, "replication metadata", message);
            failure.attribute = Some(last.attribute.clone());
            failure.expected = Some("changes by the job only".to_owned());
            failure.actual = Some(format!("{} changed at {}", last.attribute, time(last.time)));
            let shown: Vec<Value> = list.iter().take(LISTED).map(|c| json!({
                "attribute": c.attribute, "value": c.value, "removed": c.removed, "time": time(c.time), "controller": c.controller,
                "version": c.version,
            })).collect();
            failure.evidence = json!({ "since": time(since), "changes": shown });
            if certain {
                out.failed.push(Hit::made(position, failure))
            } else {
                out.open.push(Hit::made(position, failure))
            }
        }
    }
    debug_assert!(out.failed.iter().all(|h| h.entry() != NONE));
    (all, unexplained)
}
