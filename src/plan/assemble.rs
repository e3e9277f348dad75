//! The document: everything that was decided, put into its published shape.

use super::assembly::{Assembly, NAMED_REMOVALS, Tally, WaveSize, tallies};
use super::build::Parts;
use super::model::{
    Decision, Hold, Holds, JobPlan, OpenPoint, Order, PLAN_SCHEMA, Plan, PlanSummary, PolicyRecord, Stop, Timing, Wave,
};
use super::planned::stamp_of;
use super::policy::{CANARY_SIZE, OrderBy, Policy, WAVE_SIZE};
use super::schedule::{self, Calendar};
use super::steps::{self, Plot, WavePlot};
use super::{outside, servers};
use crate::bundle::write::hex;
use crate::directory::inventory::CloudSync;
use crate::error::Result;
use crate::predict::Point;
use crate::report::model::View;
use hashbrown::HashSet;
use rayon::prelude::*;
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

/// Cycles that a wave takes, and after which a run gives up waiting: a reference may need the group it names to be known.
const CYCLES: u64 = 1;
const CYCLES_AT_MOST: u64 = 3;

pub(super) fn assemble(mut parts: Parts<'_>) -> Result<Assembly<'_>> {
    let assessed = parts.input.assessed;
    let inventory = assessed.inventory();
    let order = parts.input.order;
    let hold = parts.policy.map_or(Hold::default(), |p| p.canary.hold);
    let container = parts.bundle.writeback_container.clone();
    let (connect, stops) = servers::servers(&inventory.connect, container.as_deref());
    parts.stops.extend(stops);
    let has_canary = parts.selection.waves.first().is_some_and(|w| w.canary);
    let calendar = Calendar::new(parts.policy, order, has_canary);
    let job = job_plan(&parts);
    let raw_job = raw_job(&inventory.cloud_sync, job.id.as_deref());
    let mut timing = schedule::cycle(raw_job);
    let outside = outside_groups(&parts);
    let undecided = outside.iter().filter(|o| o.decision.is_none() && o.effect != "none").count() as u64;
    job_stops(&mut parts, raw_job);
    order_stops(&mut parts, order, hold, has_canary, undecided);

    let plots: Vec<WavePlot> = parts
        .selection
        .waves
        .iter()
        .map(|wave| {
            let writes = wave.groups.len() as u64;
            let write_minutes = schedule::write_minutes(writes);
            WavePlot {
                name: wave.name.clone(),
                canary: wave.canary,
                groups: writes,
                write_minutes,
                minutes: write_minutes + CYCLES * timing.cycle_minutes,
            }
        })
        .collect();
    let proposal = &parts.proposed.proposal;
    let plot = Plot {
        order,
        hold,
        calendar: &calendar,
        servers: &connect,
        scripts_folder: &parts.input.scripts_folder,
        waves: plots,
        job_exists: job.id.is_some(),
        extension_values: proposal.extensions.iter().map(|e| e.values).sum(),
        creates_extension: proposal.extensions.iter().any(|e| !e.exists),
        patches_mapping: proposal.schema_patch.is_some(),
        stamps: parts.candidates.par_iter().filter(|c| stamp_of(&parts, c.entry.ad).is_some()).count() as u64,
        undecided,
        domain: parts.bundle.domain.clone().unwrap_or_else(|| "(unknown)".to_owned()),
        assigned_today: job.assigned_today.len() as u64,
    };
    let (steps, ids) = steps::steps(&plot);
    let tallies = tallies(&parts, &ids);
    let waves = waves(&parts, &tallies, &calendar, &plot, &timing);

    let mut summary = PlanSummary {
        assessed: assessed.len() as u64,
        planned: parts.candidates.len() as u64,
        links: waves.iter().map(|w| w.links).sum(),
        waves: waves.len() as u64,
        outside: outside.len() as u64,
        undecided,
        ..PlanSummary::default()
    };
    let mut points = BTreeMap::<Point, u64>::new();
    for tally in &tallies {
        summary.member_adds += tally.member_adds;
        summary.member_removals += tally.member_removals;
        summary.possible_removals += tally.possible_removals;
        summary.depends += tally.depends;
        summary.renamed_or_moved += tally.renamed_or_moved;
        for (point, groups) in Point::ALL.into_iter().zip(&tally.points).filter(|(_, groups)| **groups > 0) {
            *points.entry(point).or_default() += groups;
        }
    }
    timing.graph_writes = waves.iter().map(|w| w.graph_writes).sum();
    timing.directory_writes = plot.stamps;
    timing.cycles = CYCLES * waves.len() as u64;
    timing.minutes = schedule::write_minutes(timing.graph_writes) + timing.cycles * timing.cycle_minutes;
    timing.sessions = calendar.sessions(waves.len());

    let head = Plan {
        schema: PLAN_SCHEMA.to_owned(),
        sha256: String::new(),
        tool: env!("CARGO_PKG_VERSION").to_owned(),
        executable: !parts.stops.iter().any(|s| matches!(s.holds, Holds::Plan | Holds::Run)),
        order,
        summary,
        gates: assessed.header().gates.clone(),
        mappings: proposal.clone(),
        job,
        connect,
        steps,
        waves,
        outside,
        decisions: recorded(&parts),
        policy: policy_record(&parts, hold),
        timing,
        open: points
            .into_iter()
            .map(|(p, groups)| OpenPoint {
                name: p.as_str().to_owned(),
                question: p.question().to_owned(),
                settled_by: p.settled_by().to_owned(),
                groups,
            })
            .collect(),
        stops: std::mem::take(&mut parts.stops),
        bundle: parts.bundle.clone(),
    };
    let sizes = tallies.iter().map(|t| WaveSize { groups: t.groups, risk: t.risk }).collect();
    let removing = tallies.into_iter().flat_map(|t| t.removing).take(NAMED_REMOVALS).collect();
    Ok(Assembly { parts, step_ids: ids, head, sizes, removing })
}

/// What the chosen order asks for beyond the gates.
fn order_stops(parts: &mut Parts<'_>, order: Order, hold: Hold, has_canary: bool, undecided: u64) {
    let mut stop = |kind: &str, id: Option<&str>, message: String, remediation: &str, holds: Holds| {
        parts.stops.push(Stop {
            kind: kind.to_owned(),
            id: id.map(str::to_owned),
            message,
            remediation: remediation.to_owned(),
            holds,
        });
    };
    if undecided > 0 {
        stop(
            "decisions",
            None,
            format!(
                "{undecided} groups are changed by the end of V2 though no wave holds them, and nobody has decided about them"
            ),
            "Record a decision for each in decisions.toml and plan again; they are listed under \"outside\".",
            Holds::Irreversible,
        );
    }
    if order == Order::CanaryFirst && !has_canary {
        let what = "the order is canary-first, and there is no canary wave".to_owned();
        stop(
            "empty",
            None,
            what,
            "Give [canary] of waves.toml a size of at least 1, and a group that can move.",
            Holds::Run,
        );
    }
    let e6 = parts
        .input
        .assessed
        .header()
        .gates
        .iter()
        .any(|g| g.id == "E6" && g.status == crate::report::model::GateStatus::Pass);
    if order == Order::CanaryFirst && hold == Hold::Writeback && !e6 {
        let what = "freezing the canaries by isEnabled=false needs gate E6 passed: with that rule the frozen groups would be deleted".to_owned();
        stop("gate", Some("E6"), what, "Disable the rule on every server, or use hold = \"staging\".", Holds::Run);
    }
}

fn waves(parts: &Parts<'_>, tallies: &[Tally], calendar: &Calendar<'_>, plot: &Plot<'_>, timing: &Timing) -> Vec<Wave> {
    let cuts = parts.selection.waves.iter().zip(tallies).enumerate();
    cuts.map(|(position, (cut, tally))| {
        let session = calendar.wave(position);
        let frozen = match (parts.input.order, cut.canary) {
            (Order::CanaryFirst, true) => None,
            _ => calendar.days_frozen(session),
        };
        Wave {
            name: cut.name.clone(),
            canary: cut.canary,
            session,
            at: calendar.at(session),
            days_frozen: frozen,
            links: tally.links,
            graph_writes: tally.graph_writes,
            cycles: CYCLES,
            cycles_at_most: CYCLES_AT_MOST,
            minutes: plot.waves[position].write_minutes + CYCLES * timing.cycle_minutes,
            oversize: cut.oversize,
            groups: Vec::new(),
        }
    })
    .collect()
}

fn outside_groups(parts: &Parts<'_>) -> Vec<super::model::Outside> {
    let assessed = parts.input.assessed;
    let planned: HashSet<u32> = parts.candidates.iter().map(|c| c.index).collect();
    let decided = |list: &[u32]| {
        let leave = |w: &&u32| parts.wishes[**w as usize].action == Some(super::model::Action::Leave);
        list.iter().find(leave).map(|w| u64::from(*w))
    };
    let mut out: Vec<_> = (0..assessed.len())
        .into_par_iter()
        .filter(|i| !planned.contains(&(*i as u32)))
        .map(|i| {
            let decision = parts.by_group.get(&(i as u32)).and_then(|w| decided(w));
            outside::assessed(assessed, i, parts.reasons[i].clone(), decision)
        })
        .collect();
    out.extend(
        parts
            .unlisted
            .iter()
            .map(|row| outside::microsoft_365(assessed, *row, parts.by_unlisted.get(row).map(|w| u64::from(*w)))),
    );
    out
}

fn recorded(parts: &Parts<'_>) -> Vec<Decision> {
    use super::model::Action;
    parts.wishes.iter().map(|w| w.decided(w.group.clone(), w.action.unwrap_or(Action::Leave))).collect()
}

fn policy_record(parts: &Parts<'_>, hold: Hold) -> PolicyRecord {
    let policy = parts.policy;
    let sha = |text: Option<super::toml_file::TomlText<'_>>| text.map(|t| hex(&Sha256::digest(t.text.as_bytes())));
    PolicyRecord {
        waves_sha256: sha(parts.input.policy),
        decisions_sha256: sha(parts.input.decisions),
        canary_size: policy.map_or(CANARY_SIZE, Policy::canary_size),
        wave_size: policy.map_or(WAVE_SIZE, Policy::wave_size),
        order_by: policy.map_or(OrderBy::Risk, |p| p.waves.order).as_str().to_owned(),
        hold,
        start: policy.and_then(Policy::start).map(|s| s.to_rfc3339_opts(chrono::SecondsFormat::Secs, true)),
        days_between: policy.map_or(1, Policy::days_between),
    }
}

/// A job that has run already has taken groups over, and what leaving its scope does to them is documented nowhere.
fn job_stops(parts: &mut Parts<'_>, job: Option<&Value>) {
    let Some(job) = job else { return };
    let ran = job.pointer("/status/lastExecution").is_some_and(|v| !v.is_null());
    let code = job.pointer("/status/code").and_then(Value::as_str).unwrap_or("");
    let active = ["Active", "Quarantine"].iter().any(|c| code.eq_ignore_ascii_case(c));
    if ran || active {
        parts.stops.push(Stop {
            kind: "job".to_owned(),
            id: None,
            message: format!("the Cloud Sync job has run already (status {code:?}): what leaving its scope does to groups that it maintains is not documented"),
            remediation: "See what it maintains (groups with a stamp); exclude those from the waves, or let the throwaway group show what leaving the scope does first.".to_owned(),
            holds: Holds::Start,
        });
    }
}

fn raw_job<'j>(cloud: &'j CloudSync, id: Option<&str>) -> Option<&'j Value> {
    let id = id?;
    cloud.jobs.iter().flatten().find(|j| j.get("id").and_then(Value::as_str) == Some(id))
}

fn job_plan(parts: &Parts<'_>) -> JobPlan {
    let assessed = parts.input.assessed;
    let inventory = assessed.inventory();
    let (cloud, settings) = (&inventory.cloud_sync, assessed.settings());
    let text = |v: &Value, name: &str| v.get(name).and_then(Value::as_str).map(str::to_owned);
    let domain = parts.forecast.domain().map(str::to_owned).or_else(|| parts.bundle.domain.clone());
    let named =
        |p: &&Value| text(p, "displayName").is_some_and(|n| domain.as_ref().is_some_and(|d| n.eq_ignore_ascii_case(d)));
    let principals: Vec<&Value> = cloud.service_principals.iter().flatten().collect();
    let principal = principals.iter().copied().find(named).or(match principals.as_slice() {
        [one] => Some(*one),
        _ => None,
    });
    let role = |r: &&Value| r.get("isEnabled").and_then(Value::as_bool) == Some(true);
    let mut assigned_today: Vec<String> =
        cloud.assignments.iter().flatten().map(|a| a.principal_id.to_ascii_lowercase()).collect();
    assigned_today.sort_unstable();
    assigned_today.dedup();
    JobPlan {
        id: parts.forecast.view().to_ad_jobs().and_then(|jobs| text(jobs.first()?, "id")),
        service_principal: settings.service_principal.clone().or_else(|| text(principal?, "id")),
        template: "AAD2ADGroupProvisioning".to_owned(),
        domain,
        scope: settings.scope.as_str().to_owned(),
        app_role_id: principal
            .and_then(|p| p.get("appRoles")?.as_array()?.iter().find(role).and_then(|r| text(r, "id")))
            .or_else(|| cloud.assignments.iter().flatten().find_map(|a| a.app_role_id.clone())),
        flow_types: "Update".to_owned(),
        skip_out_of_scope_deletions: true,
        delete_threshold: 1,
        assigned_today,
    }
}
