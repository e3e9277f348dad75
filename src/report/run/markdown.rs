//! `run.md`: the run for a ticket. Writes and lists go up to a limit; `run.json` has all.

use super::model::*;
use super::words::{lasted, remark_word, step_word, time, value, write_word};
use crate::cutover::engine::compare::Difference;
use crate::cutover::port::Level;
use crate::cutover::record::{WriteRecord, WriteState};
use crate::report::html::count;
use crate::report::markdown::md;
use std::fmt::Write as _;

/// Lines of a list, and rows of a table.
const MAX_LINES: usize = 100;
const MAX_WRITES: usize = 200;
/// Characters of a value in a table.
const MAX_VALUE: usize = 120;

pub(super) fn text(report: &RunReport) -> String {
    let standing = &report.standing;
    let mut out = format!("# groupshift run {}\n\n", md(&standing.run.id));
    answer(standing, &mut out);
    if let Some(stop) = &standing.stop {
        stopped(stop, &mut out);
    }
    facts(standing, &mut out);
    waves(standing, &mut out);
    steps(standing, &mut out);
    for found in &standing.differences {
        let _ = writeln!(out, "\n## Differences found by {}", md(&found.step));
        differences(&found.differences, &mut out);
    }
    if let Some(rolled) = &standing.rollback {
        rollback(rolled, &mut out);
    }
    remarks(standing, &mut out);
    writes(&report.writes, &mut out);
    log(&report.log, &mut out);
    out
}

fn answer(standing: &Standing, out: &mut String) {
    let _ = writeln!(out, "**{}**", md(&standing.verdict.headline));
    bullets(&standing.verdict.notes, out);
    let _ = writeln!(out, "\n## What to do next");
    bullets(&standing.verdict.next, out);
}

fn bullets(lines: &[String], out: &mut String) {
    if lines.is_empty() {
        return;
    }
    out.push('\n');
    for line in lines.iter().take(MAX_LINES) {
        let _ = writeln!(out, "- {}", md(line));
    }
    more(lines.len(), MAX_LINES, out);
}

fn more(all: usize, shown: usize, out: &mut String) {
    if all > shown {
        let _ = writeln!(out, "\n{} more in run.json.", all - shown);
    }
}

fn row(out: &mut String, cells: &[String]) {
    let _ = writeln!(out, "| {} |", cells.join(" | "));
}

fn head(out: &mut String, columns: &[&str]) {
    let _ = writeln!(out, "\n| {} |\n|{}", columns.join(" | "), "---|".repeat(columns.len()));
}

fn stopped(stop: &Halted, out: &mut String) {
    let _ = writeln!(out, "\n## Why it stopped\n\n{}", md(&stop.headline));
    bullets(&stop.lines, out);
    differences(&stop.differences, out);
}

fn differences(list: &[Difference], out: &mut String) {
    if list.is_empty() {
        return;
    }
    head(out, &["Key", "Kind", "Group", "Expected", "Found"]);
    for d in list.iter().take(MAX_LINES) {
        row(out, &[md(&d.key), d.kind.as_str().to_owned(), md(&d.dn), md(&d.expected), md(&d.actual)]);
    }
    more(list.len(), MAX_LINES, out);
}

fn facts(standing: &Standing, out: &mut String) {
    let (run, s) = (&standing.run, &standing.summary);
    out.push_str("\n## What this is\n");
    head(out, &["", ""]);
    let mut fact = |label: &str, text: String| row(out, &[label.to_owned(), md(&text)]);
    fact("Domain", run.domain.clone());
    if let Some(tenant) = &run.tenant {
        fact("Tenant", tenant.clone());
    }
    fact("Begun", format!("{} UTC by {} on {}", time(run.begun), run.user, run.host));
    if let Some(last) = s.last_entry {
        fact("Last entry", format!("{} UTC, {} after it began", time(last), lasted(run.begun, last)));
    }
    if let Some(controller) = &run.controller {
        fact("Domain controller", controller.clone());
    }
    fact("Plan SHA-256", run.plan_sha256.clone());
    fact("Bundle SHA-256", run.bundle_sha256.clone());
    fact("Order", run.order.clone());
    fact("Snapshots", format!("{}; the chain ends with {}", s.snapshots, s.chain_head));
    fact("Writes", counts(&s.writes));
    if s.undo_writes.all() > 0 {
        fact("Writes of rollbacks", counts(&s.undo_writes));
    }
}

fn counts(w: &WriteCounts) -> String {
    format!(
        "{} done, {} already so, {} in doubt, {} not ours, {} failed, {} taken back",
        w.done, w.already, w.in_doubt, w.foreign, w.failed, w.undone
    )
}

fn waves(standing: &Standing, out: &mut String) {
    out.push_str("\n## Waves\n");
    head(out, &["Wave", "Groups", "State", "Begun", "Ended"]);
    for wave in &standing.waves {
        let at = |t: Option<chrono::DateTime<chrono::Utc>>| t.map(time).unwrap_or_default();
        let state = step_word(wave.state).to_owned();
        row(out, &[md(&wave.name), wave.groups.to_string(), state, at(wave.begun), at(wave.ended)]);
    }
}

fn steps(standing: &Standing, out: &mut String) {
    out.push_str("\n## Steps\n");
    head(out, &["Step", "What", "State", "Begun (UTC)", "Took", "Writes", "Detail"]);
    for step in &standing.steps {
        let what = match step.point_of_no_return {
            true => format!("**{}** (point of no return)", md(&step.title)),
            false => md(&step.title),
        };
        let took = step.begun.zip(step.ended).map(|(from, to)| lasted(from, to)).unwrap_or_default();
        row(
            out,
            &[
                md(&step.id),
                what,
                step_word(step.state).to_owned(),
                step.begun.map(time).unwrap_or_default(),
                took,
                match step.writes.all() {
                    0 => String::new(),
                    n => n.to_string(),
                },
                md(step.detail.as_deref().unwrap_or_default()),
            ],
        );
    }
}

fn rollback(rolled: &crate::cutover::rollback::Rolled, out: &mut String) {
    out.push_str("\n## Rollback\n\n");
    let compared = count(rolled.compared, "group was", "groups were");
    let different = count(rolled.different.len() as u64, "value differs", "values differ");
    let _ = writeln!(out, "{compared} compared with their snapshots afterwards; {different}.");
    let lists = [
        ("Stuck", &rolled.stuck),
        ("Conflicts", &rolled.conflicts),
        ("Different from the snapshot", &rolled.different),
        ("Left on purpose", &rolled.left),
        ("Restored", &rolled.restored),
    ];
    for (title, list) in lists.into_iter().filter(|(_, list)| !list.is_empty()) {
        let _ = writeln!(out, "\n### {title} ({})", list.len());
        bullets(list, out);
    }
}

fn remarks(standing: &Standing, out: &mut String) {
    if standing.remarks.is_empty() {
        return;
    }
    out.push_str("\n## Accepted, confirmed, learnt\n");
    head(out, &["When (UTC)", "What", "About", "Said", "By"]);
    for r in &standing.remarks {
        row(out, &[time(r.at), remark_word(&r.kind).to_owned(), md(&r.subject), md(&r.text), md(&r.by)]);
    }
}

/// First what is not simply done.
fn writes(all: &[WriteRecord], out: &mut String) {
    let _ = writeln!(out, "\n## Writes ({})", all.len());
    if all.is_empty() {
        out.push_str("\nNothing was written.\n");
        return;
    }
    let plain = |w: &&WriteRecord| matches!(w.state, WriteState::Done | WriteState::Already);
    let odd = all.iter().filter(|w| !plain(w));
    let shown: Vec<&WriteRecord> = odd.chain(all.iter().filter(plain)).take(MAX_WRITES).collect();
    head(out, &["#", "Step", "Meant (UTC)", "What", "Object", "Before", "After", "State", "Answered by"]);
    for w in shown {
        let i = &w.intent;
        let what = match &i.attribute {
            Some(attribute) => format!("{} {attribute}", i.action),
            None => i.action.clone(),
        };
        let undo = if i.undo { "undo: " } else { "" };
        row(
            out,
            &[
                w.id.to_string(),
                md(&i.step),
                time(w.meant),
                md(&format!("{undo}{what}")),
                md(&i.name),
                md(&short(&value(i.old.as_ref()))),
                md(&short(&value(i.new.as_ref()))),
                match &w.detail {
                    Some(detail) => format!("{}: {}", write_word(w.state), md(&short(detail))),
                    None => write_word(w.state).to_owned(),
                },
                md(w.server.as_deref().unwrap_or_default()),
            ],
        );
    }
    more(all.len(), MAX_WRITES, out);
}

fn short(text: &str) -> String {
    match text.char_indices().nth(MAX_VALUE) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}

fn log(lines: &[LogEntry], out: &mut String) {
    let told: Vec<&LogEntry> =
        lines.iter().filter(|l| matches!(l.level, Level::Step | Level::Warning | Level::Trouble)).collect();
    if told.is_empty() {
        return;
    }
    out.push_str("\n## Log: steps, warnings, trouble\n\n");
    let skip = told.len().saturating_sub(MAX_WRITES);
    if skip > 0 {
        let _ = writeln!(out, "- {skip} earlier lines are in run.json.");
    }
    for line in &told[skip..] {
        let mark = match line.level {
            Level::Warning => "warning: ",
            Level::Trouble => "**trouble:** ",
            _ => "",
        };
        let _ = writeln!(out, "- {} {mark}{}", time(line.at), md(&line.text));
    }
}
