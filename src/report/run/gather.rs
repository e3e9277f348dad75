//! From the journal and the plan to the report: what is known of the run, in the plan's order.

use super::model::*;
use super::words;
use crate::cutover::record::{RunRecord, RunState, StepRecord, StepState, WriteRecord, WriteState};
use crate::cutover::store::Run;
use crate::error::Result;
use crate::plan::Plan;
use crate::plan::model::{Step, Wave};
use chrono::{DateTime, Utc};
use hashbrown::{HashMap, HashSet};
use serde_json::Value;

/// The whole report.
pub fn report(run: &Run, plan: &Plan) -> Result<RunReport> {
    let writes = run.writes()?;
    let log: Vec<LogEntry> =
        run.log_lines()?.into_iter().map(|l| LogEntry { at: l.at, level: l.level, text: l.text }).collect();
    let mut standing = of_writes(run, plan, &writes)?;
    let last = &mut standing.summary.last_entry;
    *last = (*last).max(log.iter().map(|l| l.at).max());
    Ok(RunReport { standing, writes, log })
}

/// Where the run stands, without single writes and the log. Reads only.
pub fn standing(run: &Run, plan: &Plan) -> Result<Standing> {
    of_writes(run, plan, &run.writes()?)
}

fn of_writes(run: &Run, plan: &Plan, writes: &[WriteRecord]) -> Result<Standing> {
    let record = run.record()?;
    let known: HashMap<String, StepRecord> = run.steps()?.into_iter().map(|s| (s.step.clone(), s)).collect();
    let mut by_step: HashMap<&str, WriteCounts> = HashMap::new();
    for write in writes.iter().filter(|w| !w.intent.undo) {
        tally(by_step.entry(write.intent.step.as_str()).or_default(), write.state);
    }
    let steps: Vec<StepStanding> = plan
        .steps
        .iter()
        .map(|s| step(s, known.get(&s.id), by_step.get(s.id.as_str()).copied().unwrap_or_default()))
        .collect();
    let waves: Vec<WaveStanding> = plan.waves.iter().map(|w| wave(w, &steps)).collect();
    let remarks = run.remarks()?;
    // One of before, which something else followed, is not why it stands still now.
    let is_why = |stop: &Halted| record.state == RunState::Stopped && record.reason.as_ref() == Some(&stop.headline);
    let stop = read(run.get("stop")?).filter(is_why);
    let rollback = read(run.get("rolled")?);
    let mut differences = Vec::new();
    for step in &plan.steps {
        let found: Vec<_> = read(run.get(&format!("differences:{}", step.id))?).unwrap_or_default();
        if !found.is_empty() {
            differences.push(Found { step: step.id.clone(), differences: found });
        }
    }
    let times = writes.iter().flat_map(|w| [Some(w.meant), w.settled]).flatten();
    let times = times.chain(known.values().flat_map(|s| [s.begun, s.ended]).flatten());
    let last_entry = times.chain(remarks.iter().map(|r| r.at)).max();
    let confirmed = |id: &str| remarks.iter().any(|r| r.kind == "confirmation" && r.subject == id);
    let past = steps.iter().any(|s| {
        s.point_of_no_return && (s.state == StepState::Done || s.state == StepState::Begun && confirmed(&s.id))
    });
    let summary = summary(run, &steps, &waves, writes, last_entry, past)?;
    let mut standing = Standing {
        schema: RUN_SCHEMA.to_owned(),
        verdict: Verdict { state: VerdictState::Open, headline: String::new(), notes: Vec::new(), next: Vec::new() },
        run: about(record, plan, read(run.get("rehearsal")?).unwrap_or(false)),
        summary,
        stop,
        waves,
        steps,
        differences,
        rollback,
        remarks,
        settled: read(run.get("settled")?).unwrap_or_default(),
        left_out: read(run.get("left-out")?).unwrap_or_default(),
    };
    standing.verdict = words::verdict(&standing);
    Ok(standing)
}

/// A fact of the journal in its form; nothing where it is of another version's.
fn read<T: serde::de::DeserializeOwned>(value: Option<Value>) -> Option<T> {
    value.and_then(|v| serde_json::from_value(v).ok())
}

fn about(record: RunRecord, plan: &Plan, rehearsal: bool) -> About {
    let pin = record.pin;
    About {
        id: record.id,
        state: record.state,
        reason: record.reason,
        domain: record.domain,
        tenant: record.tenant,
        begun: record.begun,
        host: record.host,
        user: record.user,
        tool: record.tool,
        controller: pin.as_ref().map(|p| p.controller.clone()),
        invocation_id: pin.as_ref().map(|p| p.invocation_id.to_string()),
        highest_committed_usn: pin.as_ref().map(|p| p.highest_committed_usn),
        plan_sha256: record.plan_sha256,
        bundle_sha256: plan.bundle.sha256.clone(),
        bundle_created: plan.bundle.created.clone(),
        order: plan.order.as_str().to_owned(),
        rehearsal,
    }
}

fn step(step: &Step, known: Option<&StepRecord>, writes: WriteCounts) -> StepStanding {
    StepStanding {
        id: step.id.clone(),
        kind: step.kind.clone(),
        title: step.title.clone(),
        who: step.who.clone(),
        server: step.server.clone(),
        wave: step.wave.clone(),
        reversible: step.reversible,
        point_of_no_return: step.point_of_no_return,
        state: known.map_or(StepState::Pending, |k| k.state),
        begun: known.and_then(|k| k.begun),
        ended: known.and_then(|k| k.ended),
        detail: known.and_then(|k| k.detail.clone()),
        writes,
    }
}

fn wave(wave: &Wave, steps: &[StepStanding]) -> WaveStanding {
    let own: Vec<&StepStanding> = steps.iter().filter(|s| s.wave.as_deref() == Some(wave.name.as_str())).collect();
    let any = |state: StepState| own.iter().any(|s| s.state == state);
    let done = own.iter().filter(|s| s.state == StepState::Done).count();
    let state = if any(StepState::Stuck) {
        StepState::Stuck
    } else if any(StepState::Undone) {
        StepState::Undone
    } else if done == own.len() && done > 0 {
        StepState::Done
    } else if done > 0 || any(StepState::Begun) {
        StepState::Begun
    } else {
        StepState::Pending
    };
    let ended = matches!(state, StepState::Done | StepState::Undone | StepState::Stuck);
    WaveStanding {
        name: wave.name.clone(),
        canary: wave.canary,
        groups: wave.groups.len() as u64,
        state,
        steps: own.len() as u64,
        steps_done: done as u64,
        begun: own.iter().filter_map(|s| s.begun).min(),
        ended: own.iter().filter_map(|s| s.ended).max().filter(|_| ended),
    }
}

fn summary(
    run: &Run,
    steps: &[StepStanding],
    waves: &[WaveStanding],
    writes: &[WriteRecord],
    last_entry: Option<DateTime<Utc>>,
    past_point_of_no_return: bool,
) -> Result<Summary> {
    let (mut cutover, mut undo) = (WriteCounts::default(), WriteCounts::default());
    let mut objects: HashSet<&str> = HashSet::new();
    for write in writes {
        tally(if write.intent.undo { &mut undo } else { &mut cutover }, write.state);
        if !write.intent.undo && write.state == WriteState::Done && !write.intent.object.is_empty() {
            objects.insert(&write.intent.object);
        }
    }
    let done = |w: &&WaveStanding| w.state == StepState::Done;
    let (snapshots, chain_head) = run.chain_head()?;
    Ok(Summary {
        groups: waves.iter().map(|w| w.groups).sum(),
        groups_done: waves.iter().filter(done).map(|w| w.groups).sum(),
        waves: waves.len() as u64,
        waves_done: waves.iter().filter(done).count() as u64,
        steps: steps.len() as u64,
        steps_done: steps.iter().filter(|s| s.state == StepState::Done).count() as u64,
        writes: cutover,
        undo_writes: undo,
        objects_changed: objects.len() as u64,
        snapshots,
        chain_head,
        last_entry,
        past_point_of_no_return,
    })
}

fn tally(counts: &mut WriteCounts, state: WriteState) {
    match state {
        WriteState::Done => counts.done += 1,
        WriteState::Already => counts.already += 1,
        WriteState::Intended => counts.in_doubt += 1,
        WriteState::Foreign => counts.foreign += 1,
        WriteState::Failed => counts.failed += 1,
        WriteState::Undone => counts.undone += 1,
    }
}
