//! `preflight`: what can be tested from here, before anything is collected or changed.

use super::assess::SeverityArg;
use super::printer::{BOLD, DIM, GREEN, Printer, RED, YELLOW};
use super::{Global, configuration};
use crate::collect::live::Note;
use crate::error::{Result, exit};
use crate::preflight::model::Preflight;
use crate::preflight::{self, Outcome};
use crate::report::model::{GateStatus, Severity};
use crate::report::plain;
use std::sync::{Mutex, PoisonError};

#[derive(clap::Args)]
pub struct Args {
    /// Exit with 3 if something fails at or above this severity
    #[arg(long, value_enum, value_name = "SEVERITY", default_value = "high")]
    fail_on: SeverityArg,
    /// Count what is unknown too
    #[arg(long)]
    fail_on_unknown: bool,
    /// Pass a gate that cannot be observed from here on your word, for example "E14=checked in the portal"
    #[arg(long = "accept", value_name = "GATE=REASON")]
    accept: Vec<String>,
}

pub fn run(args: Args, global: &Global, printer: &mut Printer) -> Result<u8> {
    let config = configuration(global, printer)?;
    let settings = super::assess::settings(&config, &args.accept)?;
    let outcome = {
        let shown = Mutex::new(&mut *printer);
        preflight::run(&config, &settings, &|note| {
            let printer = &mut *shown.lock().unwrap_or_else(PoisonError::into_inner);
            match note {
                Note::Doing { .. } => {}
                Note::Detail(text) => printer.detail(plain(&text)),
                Note::Notice(text) => printer.note(plain(&text)),
                Note::Warning(text) => printer.warn(plain(&text)),
            }
        })?
    };
    let Outcome::Done(result) = outcome else {
        printer.note("interrupted: nothing was changed");
        return Ok(exit::INTERRUPTED);
    };
    show(&result, printer);
    match result.reaches(Severity::from(args.fail_on), args.fail_on_unknown) {
        true => Ok(exit::FINDINGS),
        false => Ok(exit::DONE),
    }
}

fn show(result: &Preflight, printer: &mut Printer) {
    if printer.is_json() {
        match serde_json::to_value(result) {
            Ok(value) => printer.json(&value),
            Err(e) => printer.warn(format!("the result cannot be printed: {e}")),
        }
        return;
    }
    printer.line(format!("{BOLD}Tried from here{BOLD:#}"));
    for check in &result.checks {
        printer.line(format!("  {} {}", word(check.status), plain(&check.message)));
        printer.line(format!("           {DIM}{}: {}{DIM:#}", check.id, plain(&check.tried)));
        remedy(check.status, &check.remediation, printer);
    }
    printer.line(format!("{BOLD}Gates{BOLD:#}"));
    for gate in &result.gates {
        let severity =
            if gate.status == GateStatus::Fail { format!(" [{}]", gate.severity.as_str()) } else { String::new() };
        printer.line(format!(
            "  {} {:3} {}{severity}: {}",
            word(gate.status),
            gate.id,
            gate.title,
            plain(&gate.message)
        ));
        remedy(gate.status, &gate.remediation, printer);
    }
    printer.line(format!("{BOLD}Commands{BOLD:#}"));
    for command in &result.commands {
        let held = match command.held_back_by.is_empty() {
            true => "ready".to_owned(),
            false => format!("held back by, or open: {}", command.held_back_by.join(", ")),
        };
        printer.line(format!("  {} {:8} {held}", word(command.ready), command.command));
    }
}

fn remedy(status: GateStatus, text: &str, printer: &mut Printer) {
    if matches!(status, GateStatus::Fail | GateStatus::Unknown) && !text.is_empty() {
        printer.line(format!("           -> {}", plain(text)));
    }
}

fn word(status: GateStatus) -> String {
    match status {
        GateStatus::Pass => format!("{GREEN}pass{GREEN:#}    "),
        GateStatus::Fail => format!("{RED}FAIL{RED:#}    "),
        GateStatus::Unknown => format!("{YELLOW}unknown{YELLOW:#} "),
        GateStatus::NotApplicable => format!("{DIM}n/a{DIM:#}     "),
    }
}
