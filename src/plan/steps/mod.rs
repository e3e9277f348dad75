//! The steps of a plan in their order: preparation, the change of engine, wave after wave, the end. Each says what must
//! hold before it, what proves it, and how it is taken back.

mod before;
mod turn_off;
mod waves;

use super::model::{GateRef, Hold, Order, ServerPlan, Step, Undo};
use super::schedule::Calendar;
use super::scripts::{has_script, undo_kind};

/// What the steps are made from.
pub(super) struct Plot<'a> {
    pub order: Order,
    pub hold: Hold,
    pub calendar: &'a Calendar<'a>,
    pub servers: &'a [ServerPlan],
    pub scripts_folder: &'a str,
    pub waves: Vec<WavePlot>,
    pub job_exists: bool,
    pub extension_values: u64,
    pub creates_extension: bool,
    pub patches_mapping: bool,
    pub stamps: u64,
    pub undecided: u64,
    pub domain: String,
    pub assigned_today: u64,
}

pub(super) struct WavePlot {
    pub name: String,
    pub canary: bool,
    pub groups: u64,
    pub write_minutes: u64,
    pub minutes: u64,
}

/// The ids of the steps that the groups' own steps belong to; empty where there is no such step.
#[derive(Default)]
pub(super) struct StepIds {
    pub stamp: String,
    pub extension: String,
    pub hold: String,
    /// By wave.
    pub scope: Vec<String>,
    pub verify: Vec<String>,
}

const TOOL: &str = "groupshift";
const ADMIN: &str = "Connect administrator";
const OWNER: &str = "change owner";

struct Writer<'a> {
    plot: &'a Plot<'a>,
    out: Vec<Step>,
    session: u32,
}

fn gate(id: &str, requires: &str) -> GateRef {
    GateRef { id: id.to_owned(), requires: requires.to_owned() }
}

fn undo(kind: &str, text: &str) -> Undo {
    Undo { kind: kind.to_owned(), text: text.to_owned(), script: None }
}

fn nothing() -> Undo {
    undo("none-needed", "It changes nothing.")
}

fn texts(list: &[&str]) -> Vec<String> {
    list.iter().map(|t| (*t).to_owned()).collect()
}

impl Writer<'_> {
    /// Adds a step; id, sitting and script follow from where it stands.
    fn add(&mut self, mut step: Step) -> String {
        step.id = format!("S{:02}", self.out.len() + 1);
        step.session = self.session;
        step.at = self.plot.calendar.at(self.session);
        if let Some(server) = step.server.as_deref().filter(|_| has_script(&step.kind)) {
            let folder: String = server
                .chars()
                .map(|c| if c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.') { c } else { '_' })
                .collect();
            let folder = folder.trim_start_matches('.');
            let path = |what: &str| format!("{}/{}/{}-{what}.ps1", self.plot.scripts_folder, folder, step.id);
            step.script = Some(path(&step.kind));
            if step.undo.kind == "script" && undo_kind(&step.kind).is_some() {
                step.undo.script = Some(path("undo"));
            }
        }
        step.reversible = step.undo.kind != "impossible";
        let id = step.id.clone();
        self.out.push(step);
        id
    }
    fn active(&self) -> Option<String> {
        self.plot.servers.first().map(|s| s.name.clone())
    }
    fn tool(
        &mut self,
        kind: &str,
        title: &str,
        what: &str,
        gates: Vec<GateRef>,
        evidence: &[&str],
        undo: Undo,
    ) -> String {
        self.add(Step {
            kind: kind.to_owned(),
            title: title.to_owned(),
            what: what.to_owned(),
            who: TOOL.to_owned(),
            gate: gates,
            evidence: texts(evidence),
            undo,
            ..Step::default()
        })
    }
    #[expect(clippy::too_many_arguments, reason = "a step is said in one piece")]
    fn script(
        &mut self,
        server: Option<String>,
        kind: &str,
        title: &str,
        what: &str,
        gates: Vec<GateRef>,
        evidence: &[&str],
        undo: Undo,
    ) -> String {
        self.add(Step {
            kind: kind.to_owned(),
            title: title.to_owned(),
            what: what.to_owned(),
            who: ADMIN.to_owned(),
            server,
            gate: gates,
            evidence: texts(evidence),
            undo,
            ..Step::default()
        })
    }
    fn pending(&mut self, title: &str, what: &str, gates: Vec<GateRef>) -> String {
        let server = self.active();
        let evidence = [
            "the evidence file with server name, time and the run's nonce, newer than the last cycle",
            "csexport of the AD connector: no add, delete, rename or member change of an anchored group",
        ];
        self.script(server, "pending-exports", title, what, gates, &evidence, nothing())
    }
}

pub(super) fn steps(plot: &Plot<'_>) -> (Vec<Step>, StepIds) {
    let mut w = Writer { plot, out: Vec::new(), session: 0 };
    let mut ids = StepIds::default();
    before::prepare(&mut w, &mut ids);
    let canary_first = plot.order == Order::CanaryFirst && plot.waves.first().is_some_and(|wave| wave.canary);
    w.session = 1;
    if canary_first {
        before::hold(&mut w, &mut ids);
        waves::configure_job(&mut w);
        waves::throwaway(&mut w);
        waves::wave(&mut w, &mut ids, 0);
        w.session = plot.calendar.turn_off();
        turn_off::turn_off(&mut w, plot.hold == Hold::Staging);
    } else {
        turn_off::turn_off(&mut w, false);
        waves::configure_job(&mut w);
        waves::throwaway(&mut w);
        if !plot.waves.is_empty() {
            waves::wave(&mut w, &mut ids, 0);
        }
    }
    for position in 1..plot.waves.len() {
        w.session = plot.calendar.wave(position);
        waves::wave(&mut w, &mut ids, position);
    }
    waves::finish(&mut w);
    (w.out, ids)
}
