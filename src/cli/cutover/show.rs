//! How a command of `cutover` ended, on standard output.

use crate::cli::printer::{BOLD, DIM, GREEN, Printer, RED, YELLOW};
use crate::cutover::engine::{Ending, Halt, Stop};
use crate::cutover::rollback::Rolled;
use crate::cutover::store::Run;
use crate::error::{Result, exit};
use crate::report::plain;
use crate::report::run::quoted;
use serde_json::json;
use std::path::Path;

/// Lines of one list; the report has all.
const LINES: usize = 25;

pub fn ending(run: &Run, ending: &Ending, reports: Option<&Path>, printer: &mut Printer) {
    if printer.is_json() {
        let (state, halted, wave, next) = match ending {
            Ending::Done => ("done", None, None, None),
            Ending::Wave { done, next } => ("wave", None, Some(done), next.as_ref()),
            Ending::Gate(stop) => ("gate", Some(stop), None, None),
            Ending::Drift(stop) => ("drift", Some(stop), None, None),
            Ending::Interrupted(_) => ("interrupted", None, None, None),
        };
        return printer.json(&json!({
            "run": run.id(), "ending": state, "stop": halted, "wave": wave, "nextWave": next, "report": reports,
        }));
    }
    let id = plain(run.id());
    match ending {
        Ending::Done => {
            printer.line(format!("{GREEN}{BOLD}The cutover is done.{BOLD:#}{GREEN:#}"));
            printer.line("  -> groupshift audit --against PLAN");
        }
        Ending::Wave { done, next } => {
            printer.line(format!("{GREEN}Wave {} is verified.{GREEN:#}", plain(done)));
            match next {
                Some(next) => {
                    printer.line(format!("  -> groupshift cutover resume --run {id} --wave {}", quoted(&plain(next))));
                }
                None => printer.line(format!("  -> groupshift cutover resume --run {id}")),
            }
        }
        Ending::Gate(halted) => lines(halted, YELLOW, printer),
        Ending::Drift(halted) => lines(halted, RED, printer),
        Ending::Interrupted(why) => {
            printer.line(format!("{YELLOW}Interrupted:{YELLOW:#} {}. State is safe.", plain(why)));
            printer.line(format!("  -> groupshift cutover resume --run {id}"));
        }
    }
    report(reports, printer);
}

/// A stop outside of a run's walk: a draft, a dry run, a rollback.
pub fn stop(run: Option<&Run>, kind: &str, halted: &Stop, printer: &mut Printer) {
    if printer.is_json() {
        return printer.json(&json!({ "run": run.map(Run::id), "ending": kind, "stop": halted }));
    }
    lines(halted, if kind == "gate" { YELLOW } else { RED }, printer);
}

/// What ended a dry run or a rollback before its end, and its exit code.
pub fn halted(run: Option<&Run>, halt: Halt, reports: Option<&Path>, printer: &mut Printer) -> Result<u8> {
    let code = match halt {
        Halt::Error(error) => return Err(error),
        Halt::Gate(halted) => {
            stop(run, "gate", &halted, printer);
            exit::GATE
        }
        Halt::Drift(halted) => {
            stop(run, "drift", &halted, printer);
            exit::DRIFT
        }
        Halt::Interrupted(why) if printer.is_json() => {
            printer.json(&json!({ "run": run.map(Run::id), "ending": "interrupted", "reason": why }));
            exit::INTERRUPTED
        }
        Halt::Interrupted(why) => {
            printer.line(format!("{YELLOW}Interrupted:{YELLOW:#} {}. State is safe.", plain(&why)));
            printer.line("  -> Give the same command again.");
            exit::INTERRUPTED
        }
    };
    if !printer.is_json() {
        report(reports, printer);
    }
    Ok(code)
}

pub fn lines(stop: &Stop, style: anstyle::Style, printer: &mut Printer) {
    printer.line(format!("{style}Stopped:{style:#} {}", plain(&stop.headline)));
    for line in stop.lines.iter().take(LINES) {
        printer.line(format!("  {}", plain(line)));
    }
    if stop.lines.len() > LINES {
        printer.line(format!("  and {} more (see the report)", stop.lines.len() - LINES));
    }
    for next in &stop.next {
        printer.line(format!("  -> {}", plain(next)));
    }
}

pub fn rolled(run: &Run, rolled: &Rolled, reports: Option<&Path>, printer: &mut Printer) {
    if printer.is_json() {
        return printer.json(&json!({ "run": run.id(), "rolledBack": rolled, "report": reports }));
    }
    let clean = rolled.stuck.is_empty() && rolled.conflicts.is_empty();
    let style = if clean { GREEN } else { YELLOW };
    printer.line(format!(
        "{style}{BOLD}Rolled back:{BOLD:#}{style:#} {} restored, {} conflicts, {} stuck, {} left on purpose",
        rolled.restored.len(),
        rolled.conflicts.len(),
        rolled.stuck.len(),
        rolled.left.len()
    ));
    let lists = [
        ("conflict", &rolled.conflicts),
        ("STUCK", &rolled.stuck),
        ("left", &rolled.left),
        ("different", &rolled.different),
    ];
    for (word, list) in lists {
        for line in list.iter().take(LINES) {
            printer.line(format!("  {word}: {}", plain(line)));
        }
        if list.len() > LINES {
            printer.line(format!("  {word}: and {} more (see the report)", list.len() - LINES));
        }
    }
    printer.line(format!(
        "  {} groups compared with their snapshots; {} values differ",
        rolled.compared,
        rolled.different.len()
    ));
    if !rolled.stuck.is_empty() {
        printer.line("  -> Mend what is stuck, then give the same command again.");
    }
    report(reports, printer);
}

fn report(path: Option<&Path>, printer: &mut Printer) {
    if let Some(path) = path {
        printer.line(format!("{DIM}Report: {}{DIM:#}", plain(&path.display().to_string())));
    }
}
