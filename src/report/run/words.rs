//! The report's sentences: the verdict, what to do next, states and times in words. `cutover status` says the same.

use super::model::*;
use crate::cutover::record::{RunState, StepState, WriteState};
use crate::report::html::count;
use chrono::{DateTime, Utc};
use serde_json::Value;

pub(super) fn verdict(standing: &Standing) -> Verdict {
    let (run, s) = (&standing.run, &standing.summary);
    let stuck = standing.steps.iter().any(|step| step.state == StepState::Stuck)
        || standing.rollback.as_ref().is_some_and(|r| !r.stuck.is_empty());
    let moved = format!("{} of {} verified", s.groups_done, count(s.groups, "group", "groups"));
    let (state, headline) = match run.state {
        _ if stuck => (VerdictState::Stuck, "An undo failed: the groups named below are not back yet.".to_owned()),
        RunState::Done => {
            let steps = count(s.steps, "step", "steps");
            (VerdictState::Done, format!("The cutover is done: {moved}, {steps}."))
        }
        RunState::RolledBack => {
            let rolled = standing.rollback.as_ref();
            let (conflicts, different) = rolled.map_or((0, 0), |r| (r.conflicts.len(), r.different.len()));
            let tail = match (conflicts, different) {
                (0, 0) => "every group compared is as its snapshot says".to_owned(),
                (n, d) => format!(
                    "{} left as they are, {} from the snapshots",
                    count(n as u64, "conflict", "conflicts"),
                    count(d as u64, "value differs", "values differ")
                ),
            };
            (VerdictState::RolledBack, format!("The run is rolled back; {tail}."))
        }
        RunState::Stopped => match &standing.stop {
            Some(stop) => (VerdictState::Stopped, format!("Stopped: {}.", stop.headline.trim_end_matches('.'))),
            None => {
                let why = run.reason.as_deref().unwrap_or("the operator ended it").trim_end_matches('.');
                (VerdictState::Stopped, format!("Stopped: {why}. {moved}."))
            }
        },
        RunState::Closed => {
            let why = run.reason.as_deref().unwrap_or("a run of another plan took its place").trim_end_matches('.');
            (VerdictState::Closed, format!("Closed, and left as it is: {why}. {moved}."))
        }
        RunState::Open => {
            (VerdictState::Open, format!("Begun and not ended: {moved}. It is running, or its process is gone."))
        }
    };
    Verdict { state, headline, notes: notes(standing), next: next(standing, state) }
}

fn notes(standing: &Standing) -> Vec<String> {
    let (s, mut out) = (&standing.summary, Vec::new());
    if standing.run.rehearsal {
        out.push("A rehearsal: all of this happened on a twin in memory, and nothing real was touched.".to_owned());
    }
    if s.past_point_of_no_return {
        out.push(
            "Group writeback V2 is off: that is past the point of no return. Rules and stamps stay; a rollback restores AD, \
             and no engine maintains the groups until a job does."
                .to_owned(),
        );
    } else if standing.steps.iter().any(|step| step.point_of_no_return) {
        out.push("The point of no return is not reached: everything so far can be taken back.".to_owned());
    }
    let w = &s.writes;
    if w.in_doubt + s.undo_writes.in_doubt > 0 {
        let n = count(w.in_doubt + s.undo_writes.in_doubt, "write is", "writes are");
        out.push(format!("{n} in doubt: meant and perhaps sent. Resume looks at live state and decides."));
    }
    if w.foreign + s.undo_writes.foreign > 0 {
        let n = count(w.foreign + s.undo_writes.foreign, "value", "values");
        out.push(format!("{n} of somebody else's stood where the run wanted to write, and stayed."));
    }
    if w.failed + s.undo_writes.failed > 0 {
        out.push(format!("{} refused or failed.", count(w.failed + s.undo_writes.failed, "write was", "writes were")));
    }
    let found: usize = standing.differences.iter().map(|d| d.differences.len()).sum();
    if found > 0 {
        out.push(format!("{} from the prediction, not accepted.", count(found as u64, "difference", "differences")));
    }
    for point in &standing.settled {
        let rest = match point.groups {
            0 => "no group still to come rests on it".to_owned(),
            n => format!(
                "{} still to come, with {}",
                count(n, "group rests on it", "groups rest on it"),
                count(point.removals, "possible removal", "possible removals")
            ),
        };
        out.push(format!("Settled: {} is {}: {rest}.", point.point, point.answer));
    }
    if !standing.left_out.is_empty() {
        let n = count(standing.left_out.len() as u64, "group was", "groups were");
        out.push(format!("{n} rolled back one by one; no wave of this run takes them in again."));
    }
    let learnt = standing.remarks.iter().filter(|r| r.kind == "learnt").count();
    if learnt > 0 {
        out.push(format!(
            "{} about how this tenant behaves.",
            count(learnt as u64, "thing was learnt", "things were learnt")
        ));
    }
    out
}

/// What can be done now, as commands where they are commands.
fn next(standing: &Standing, state: VerdictState) -> Vec<String> {
    let id = &standing.run.id;
    let resume = format!("groupshift cutover resume --run {id}");
    match state {
        VerdictState::Done => vec![
            "groupshift audit --against PLAN".to_owned(),
            "Keep the coexistence rules, the stamps and the store until the audit is clean.".to_owned(),
        ],
        VerdictState::Open => vec![
            "Where it is running: wait, or end it after its current object with Ctrl-C, or with a file named stop in the store."
                .to_owned(),
            format!("Where its process is gone: {resume}"),
        ],
        VerdictState::Stopped => {
            let mut out: Vec<String> = standing.stop.iter().flat_map(|s| s.next.iter().cloned()).collect();
            let due = next_wave(standing).filter(|_| standing.stop.is_none());
            match due {
                Some(wave) => out.push(format!("{resume} --wave {}", quoted(&wave.name))),
                None if !out.iter().any(|line| line.contains("cutover resume")) => out.push(resume),
                None => {}
            }
            out
        }
        VerdictState::Stuck => vec![
            "Mend what is named as stuck; nothing else was touched.".to_owned(),
            format!("Then the same rollback again, as in: groupshift cutover rollback --run {id} --all"),
        ],
        VerdictState::Closed => vec![
            "The run that took its place: groupshift cutover status".to_owned(),
            format!("What this one did can still be taken back: groupshift cutover rollback --run {id} --all"),
        ],
        VerdictState::RolledBack => {
            let conflicts = standing.rollback.as_ref().is_some_and(|r| !r.conflicts.is_empty());
            let mut out = Vec::new();
            if conflicts {
                out.push("Look at each conflict with whoever changed the value; nothing of it was overwritten.".to_owned());
            }
            out.push("To begin again, collect and plan anew: groupshift collect --out BUNDLE".to_owned());
            out
        }
    }
}

/// The first wave that is not verified.
fn next_wave(standing: &Standing) -> Option<&WaveStanding> {
    standing.waves.iter().find(|w| w.state != StepState::Done)
}

/// A name as one argument, in PowerShell, cmd and a Unix shell alike.
pub fn quoted(text: &str) -> String {
    let simple = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '/' | ':');
    match !text.is_empty() && text.chars().all(simple) {
        true => text.to_owned(),
        false => format!("\"{text}\""),
    }
}

pub fn step_word(state: StepState) -> &'static str {
    match state {
        StepState::Pending => "pending",
        StepState::Begun => "begun",
        StepState::Done => "done",
        StepState::Undone => "taken back",
        StepState::Stuck => "stuck",
    }
}

pub(super) fn write_word(state: WriteState) -> &'static str {
    match state {
        WriteState::Intended => "in doubt",
        WriteState::Done => "done",
        WriteState::Already => "was so already",
        WriteState::Foreign => "not ours",
        WriteState::Failed => "failed",
        WriteState::Undone => "taken back",
    }
}

/// The icon and colour of a state; a word stands beside it always.
pub(super) fn step_class(state: StepState) -> &'static str {
    match state {
        StepState::Pending => "not-applicable",
        StepState::Begun => "unknown",
        StepState::Done => "pass",
        StepState::Undone => "exclude",
        StepState::Stuck => "fail",
    }
}

pub(super) fn remark_word(kind: &str) -> &str {
    match kind {
        "learnt" => "Learnt",
        "gate" => "Accepted gate",
        "difference" => "Accepted difference",
        "shrunk" => "Accepted shrunken source",
        "confirmation" => "Confirmed",
        "off-host-copy" => "Copy on another host",
        "adopted" => "Taken over",
        "closed" => "Closed",
        "clock" => "Clock",
        "controller" => "Controller",
        "unknown" => "Not known",
        "would-stop" => "A real run would stop",
        other => other,
    }
}

pub fn time(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%d %H:%M:%S").to_string()
}

/// Between two moments, as a person says it.
pub(super) fn lasted(from: DateTime<Utc>, to: DateTime<Utc>) -> String {
    let seconds = (to - from).num_seconds().max(0);
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        _ => format!("{} h {} min", seconds / 3600, seconds / 60 % 60),
    }
}

/// A value before or after a write on one line.
pub(super) fn value(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => "(none)".to_owned(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}
