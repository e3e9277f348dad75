//! Everything of the page but the writes, as the value that the template is filled from.

use super::super::model::*;
use super::super::words::{self, lasted, remark_word, step_class, step_word, time};
use crate::cutover::engine::compare::Difference;
use crate::cutover::port::Level;
use crate::cutover::record::StepState;
use crate::report::html::count;
use crate::report::html::text::{beyond, thousands};
use serde_json::{Value, json};

/// Lines of one list that the page shows; `run.json` has all.
const MAX_LINES: usize = 500;
/// Lines of the log.
const MAX_LOG: usize = 2_000;

pub(super) fn page(report: &RunReport, rows: usize) -> Value {
    let standing = &report.standing;
    let (run, s) = (&standing.run, &standing.summary);
    let kicker: Vec<&str> =
        [Some(run.domain.as_str()), run.tenant.as_deref(), Some(run.id.as_str())].into_iter().flatten().collect();
    let bad = matches!(standing.verdict.state, VerdictState::Stuck);
    json!({
        "title": format!("groupshift run {} - {}", run.id, standing.verdict.state.as_str()),
        "version": env!("CARGO_PKG_VERSION"),
        "schema": standing.schema,
        "kicker": kicker.join(" / "),
        "banner": bad.then_some("STUCK. An undo failed. What is not back, and what to do, stands under Rollback."),
        "headline": standing.verdict.headline,
        "notes": standing.verdict.notes,
        "next": standing.verdict.next,
        "bar": standing.waves.iter().map(wave).collect::<Vec<_>>(),
        "tiles": tiles(s),
        "facts": facts(report),
        "stop": standing.stop.as_ref().map(stop),
        "steps": standing.steps.iter().map(step).collect::<Vec<_>>(),
        "differences": standing.differences.iter().map(found).collect::<Vec<_>>(),
        "rollback": standing.rollback.as_ref().map(rollback),
        "remarks": standing.remarks.iter().map(|r| json!({
            "what": remark_word(&r.kind), "subject": r.subject, "text": r.text, "by": r.by, "at": time(r.at),
        })).collect::<Vec<_>>(),
        "cut": (rows < report.writes.len()).then(|| format!(
            "This page holds {} of {} writes: first those that are not simply done. run.json beside it has every one.",
            thousands(rows as u64), thousands(report.writes.len() as u64)
        )),
        "any": !report.writes.is_empty(),
        "logCount": count(report.log.len() as u64, "line", "lines"),
        "log": log(report),
    })
}

fn tiles(s: &Summary) -> Vec<Value> {
    let tile = |n: u64, label: &str, class: &str, filter: &str| json!({ "n": thousands(n), "label": label, "class": class, "any": n > 0, "filter": filter });
    let both = |of: fn(&WriteCounts) -> u64| of(&s.writes) + of(&s.undo_writes);
    vec![
        tile(both(|c| c.done), "writes done and read back", "plus", "state=done"),
        tile(both(|c| c.already), "were so already", "", "state=already"),
        tile(both(|c| c.in_doubt), "in doubt", "maybe", "state=intended"),
        tile(both(|c| c.foreign), "not ours, left alone", "maybe", "state=foreign"),
        tile(both(|c| c.failed), "refused or failed", "minus", "state=failed"),
        tile(both(|c| c.undone), "taken back", "", "state=undone"),
    ]
}

fn facts(report: &RunReport) -> Vec<Value> {
    let (run, s) = (&report.standing.run, &report.standing.summary);
    let controller = run.controller.as_ref().map(|c| match run.highest_committed_usn {
        Some(usn) => format!("{c}, USN {usn} when the run began"),
        None => c.clone(),
    });
    let span = s.last_entry.map(|last| format!("{} UTC, {} after it began", time(last), lasted(run.begun, last)));
    [
        ("Domain", Some(run.domain.clone())),
        ("Tenant", run.tenant.clone()),
        ("Begun", Some(format!("{} UTC", time(run.begun)))),
        ("Last entry", span),
        ("By", Some(format!("{} on {}", run.user, run.host))),
        ("Controller", controller),
        ("Plan", Some(run.plan_sha256.clone())),
        ("Bundle", Some(format!("{}, collected {}", run.bundle_sha256, run.bundle_created))),
        ("Order", Some(run.order.clone())),
        ("Snapshots", Some(format!("{}; the chain ends with {}", thousands(s.snapshots), s.chain_head))),
        ("Program", Some(format!("groupshift {}", run.tool))),
    ]
    .into_iter()
    .map(|(label, value)| json!({ "label": label, "value": value }))
    .collect()
}

fn wave(wave: &WaveStanding) -> Value {
    let when = match (wave.begun, wave.ended) {
        (_, Some(ended)) => format!("{} UTC", time(ended)),
        (Some(begun), None) => format!("since {} UTC", time(begun)),
        (None, None) => "not begun".to_owned(),
    };
    json!({
        "name": wave.name, "when": when, "what": count(wave.groups, "group", "groups"),
        "class": step_class(wave.state),
        "state": if wave.state == StepState::Done { "verified" } else { step_word(wave.state) },
        "pending": wave.state == StepState::Pending,
    })
}

fn step(step: &StepStanding) -> Value {
    let when = match (step.begun, step.ended) {
        (Some(begun), Some(ended)) => Some(format!("{} UTC, {}", time(begun), lasted(begun, ended))),
        (Some(begun), None) => Some(format!("since {} UTC", time(begun))),
        (None, Some(ended)) => Some(format!("{} UTC", time(ended))),
        (None, None) => None,
    };
    let w = &step.writes;
    let parts = [
        (w.done, "done"),
        (w.already, "already so"),
        (w.in_doubt, "in doubt"),
        (w.foreign, "not ours"),
        (w.failed, "failed"),
        (w.undone, "taken back"),
    ];
    let writes: Vec<String> =
        parts.iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!("{} {what}", thousands(*n))).collect();
    json!({
        "id": step.id, "title": step.title, "noReturn": step.point_of_no_return,
        "class": step_class(step.state), "state": step_word(step.state),
        "detail": step.detail, "when": when, "wave": step.wave,
        "who": match &step.server { Some(server) => format!("{}, on {server}", step.who), None => step.who.clone() },
        "writes": (!writes.is_empty()).then(|| writes.join(", ")),
        "filter": format!("step={}", step.id),
    })
}

fn stop(stop: &Halted) -> Value {
    json!({
        "step": stop.step, "headline": stop.headline,
        "lines": stop.lines.iter().take(MAX_LINES).collect::<Vec<_>>(),
        "more": beyond(stop.lines.len(), MAX_LINES, "run.json lists all of them"),
        "next": stop.next,
        "differences": stop.differences.iter().take(MAX_LINES).map(difference).collect::<Vec<_>>(),
    })
}

fn found(found: &Found) -> Value {
    json!({
        "step": found.step,
        "rows": found.differences.iter().take(MAX_LINES).map(difference).collect::<Vec<_>>(),
        "more": beyond(found.differences.len(), MAX_LINES, "run.json lists all of them"),
    })
}

fn difference(d: &Difference) -> Value {
    json!({ "key": d.key, "kind": d.kind.as_str(), "dn": d.dn, "expected": d.expected, "actual": d.actual })
}

fn rollback(rolled: &crate::cutover::rollback::Rolled) -> Value {
    let list = |title: &str, class: &str, lines: &[String], none: &str| {
        json!({
            "title": title, "class": class, "count": thousands(lines.len() as u64),
            "lines": lines.iter().take(MAX_LINES).collect::<Vec<_>>(), "any": !lines.is_empty(), "none": none,
            "more": beyond(lines.len(), MAX_LINES, "run.json lists all of them"),
        })
    };
    let proof = match rolled.different.len() as u64 {
        0 => "no value differs, less what Active Directory maintains itself".to_owned(),
        n => count(n, "value differs", "values differ"),
    };
    json!({
        "proof": format!("{} compared with their snapshots afterwards: {proof}.", count(rolled.compared, "group was", "groups were")),
        "lists": [
            list("Stuck", "fail", &rolled.stuck, "No undo failed."),
            list("Conflicts", "fix", &rolled.conflicts, "Nobody else had changed what was to be restored."),
            list("Different from the snapshot", "unknown", &rolled.different, "Nothing."),
            list("Left on purpose", "not-applicable", &rolled.left, "Nothing."),
            list("Restored", "pass", &rolled.restored, "Nothing had to be restored."),
        ],
    })
}

/// The log without its lines about single writes, which the table of writes holds; the newest where there are too many.
fn log(report: &RunReport) -> Value {
    let lines: Vec<&LogEntry> = report.log.iter().filter(|l| l.level != Level::Write).collect();
    let skip = lines.len().saturating_sub(MAX_LOG);
    json!({
        "earlier": (skip > 0).then(|| format!("{} earlier are in run.json.", count(skip as u64, "line", "lines"))),
        "lines": lines[skip..].iter().map(|l| json!({
            "at": time(l.at), "text": l.text, "step": l.level == Level::Step,
            "class": match l.level { Level::Trouble => "bad", Level::Warning => "warned", _ => "" },
            "mark": match l.level { Level::Trouble => "trouble", Level::Warning => "warning", _ => "" },
        })).collect::<Vec<_>>(),
    })
}

/// What the page shows of a value that is no text.
pub(super) fn shown(value: &Value) -> Value {
    match value {
        Value::Null | Value::String(_) => value.clone(),
        other => Value::String(words::value(Some(other))),
    }
}
