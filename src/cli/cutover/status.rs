//! The commands that need no network: `status`, `adopt`.

use super::{AdoptArgs, WhichRun};
use crate::cli::printer::{BOLD, DIM, GREEN, Printer, RED, YELLOW};
use crate::cli::{Global, configuration};
use crate::cutover::record::StepState;
use crate::cutover::store::{LOCK_REACH, Store, user};
use crate::error::{Result, exit};
use crate::report::plain;
use crate::report::run::model::{Standing, StepStanding, VerdictState, WriteCounts};
use crate::report::run::{standing, step_word, time};
use serde_json::{Value, json};

/// Lines of a stop or of a rollback's lists.
const LINES: usize = 25;

pub fn status(which: &WhichRun, global: &Global, printer: &mut Printer) -> Result<u8> {
    let config = configuration(global, printer)?;
    let store = Store::open_existing(&config.settings.store.dir)?;
    let run = store.run_to_look_at(which.id.as_deref())?;
    let mut standing = standing(&run, &run.plan()?)?;
    let holder = store.held_by()?;
    if standing.verdict.state == VerdictState::Open {
        // Whether a process still walks it shows from here, which the report itself cannot say.
        let (word, keep) = match &holder {
            Some(holder) => (format!("Running: {holder}."), 0..1),
            None => ("Its process is gone, and its state is safe.".to_owned(), 1..2),
        };
        let s = &standing.summary;
        standing.verdict.headline = format!("{word} {} of {} groups verified.", s.groups_done, s.groups);
        standing.verdict.next = standing.verdict.next.get(keep).map(<[String]>::to_vec).unwrap_or_default();
    }
    let stop_file = store.stop_wish();
    if printer.is_json() {
        let mut value = serde_json::to_value(&standing).unwrap_or_default();
        if let Value::Object(fields) = &mut value {
            fields.insert("lock".to_owned(), json!(holder));
            fields.insert("stopFile".to_owned(), json!(stop_file));
            fields.insert("folder".to_owned(), json!(run.folder()));
        }
        printer.json(&value);
        return Ok(exit::DONE);
    }
    print(&standing, printer);
    if let Some(wish) = stop_file {
        printer.line(format!("  -> {}", plain(&wish)));
    }
    printer.line(format!("{DIM}Scripts, evidence and report: {}{DIM:#}", plain(&run.folder().display().to_string())));
    Ok(exit::DONE)
}

fn print(standing: &Standing, printer: &mut Printer) {
    let (run, s) = (&standing.run, &standing.summary);
    let style = match standing.verdict.state {
        VerdictState::Done => GREEN,
        VerdictState::Stuck => RED,
        VerdictState::Open | VerdictState::Stopped | VerdictState::RolledBack | VerdictState::Closed => YELLOW,
    };
    printer.line(format!("{BOLD}Run {}{BOLD:#} in {}", plain(&run.id), plain(&run.domain)));
    printer.line(format!("{style}{}{style:#}", plain(&standing.verdict.headline)));
    let pinned = run.controller.as_deref().map(|c| format!("; on {}", plain(c))).unwrap_or_default();
    printer.line(format!(
        "{DIM}begun {} UTC by {} on {}; plan {}{pinned}{DIM:#}",
        time(run.begun),
        plain(&run.user),
        plain(&run.host),
        run.plan_sha256.get(..12).unwrap_or(&run.plan_sha256)
    ));
    for step in &standing.steps {
        printer.line(line(step));
    }
    printer.line(format!("Waves: {} of {} verified, {} of {} groups", s.waves_done, s.waves, s.groups_done, s.groups));
    printer.line(format!("Writes: {}", counts(&s.writes)));
    if s.undo_writes.all() > 0 {
        printer.line(format!("Writes of rollbacks: {}", counts(&s.undo_writes)));
    }
    printer.line(format!("Snapshots: {}", s.snapshots));
    for remark in &standing.remarks {
        printer.line(format!(
            "{DIM}{} {}: {} ({}){DIM:#}",
            plain(&remark.kind),
            plain(&remark.subject),
            plain(&remark.text),
            plain(&remark.by)
        ));
    }
    if let Some(rolled) = &standing.rollback {
        for (word, list) in [("conflict", &rolled.conflicts), ("STUCK", &rolled.stuck)] {
            some(list, |text| format!("  {word}: {text}"), printer);
        }
    }
    if let Some(stop) = &standing.stop {
        some(&stop.lines, |text| format!("  {text}"), printer);
    }
    for note in &standing.verdict.notes {
        printer.line(format!("  {}", plain(note)));
    }
    printer.line(format!("{BOLD}Next{BOLD:#}"));
    for next in &standing.verdict.next {
        printer.line(format!("  -> {}", plain(next)));
    }
}

fn some(list: &[String], form: impl Fn(&str) -> String, printer: &mut Printer) {
    for text in list.iter().take(LINES) {
        printer.line(form(&plain(text)));
    }
    if list.len() > LINES {
        printer.line(form(&format!("and {} more (see the report)", list.len() - LINES)));
    }
}

fn line(step: &StepStanding) -> String {
    let style = match step.state {
        StepState::Pending | StepState::Undone => DIM,
        StepState::Begun => YELLOW,
        StepState::Done => GREEN,
        StepState::Stuck => RED,
    };
    let wave = step.wave.as_deref().map(|w| format!(" [{}]", plain(w))).unwrap_or_default();
    let detail = step.detail.as_deref().map(|d| format!(" ({})", plain(d))).unwrap_or_default();
    let no_return = if step.point_of_no_return { "  <- point of no return" } else { "" };
    format!(
        "  {style}{:<10}{style:#} {} {}{wave}{detail}{no_return}",
        step_word(step.state),
        plain(&step.id),
        plain(&step.title)
    )
}

fn counts(w: &WriteCounts) -> String {
    format!(
        "{} done, {} already so, {} in doubt, {} refused, {} not ours, {} taken back",
        w.done, w.already, w.in_doubt, w.failed, w.foreign, w.undone
    )
}

pub fn adopt(args: AdoptArgs, global: &Global, printer: &mut Printer) -> Result<u8> {
    let config = configuration(global, printer)?;
    if !args.from.join("manifest.json").is_file() {
        // What is no copy leaves no store behind: this says what is wrong with it.
        Store::verify_copy(&args.from)?;
    }
    let store = Store::open(&config.settings.store.dir)?;
    let run = store.adopt(&args.from, args.sha256.as_deref(), &user(), chrono::Utc::now())?;
    if printer.is_json() {
        printer.json(&json!({ "run": run.id(), "adopted": true, "folder": run.folder() }));
        return Ok(exit::DONE);
    }
    let id = plain(run.id());
    printer.line(format!("{GREEN}{BOLD}Run {id} is taken over.{BOLD:#}{GREEN:#}"));
    printer.line(format!("  {LOCK_REACH}"));
    printer.line(format!("  -> groupshift cutover status --run {id}"));
    printer.line(format!("  -> groupshift cutover resume --run {id}"));
    Ok(exit::DONE)
}
