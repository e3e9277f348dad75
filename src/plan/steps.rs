//! The steps of a plan in their order: preparation, the change of engine, wave after wave, the end. Each says what must
//! hold before it, what proves it, and how it is taken back.

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

/// The steps, and of each wave the ids of those that its groups' steps belong to.
pub(super) struct Steps {
    pub steps: Vec<Step>,
    pub stamp: String,
    pub extension: String,
    pub hold: String,
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

pub(super) fn steps(plot: &Plot<'_>) -> Steps {
    let mut w = Writer { plot, out: Vec::new(), session: 0 };
    let mut found = Steps {
        steps: Vec::new(),
        stamp: String::new(),
        extension: String::new(),
        hold: String::new(),
        scope: Vec::new(),
        verify: Vec::new(),
    };
    prepare(&mut w, &mut found);
    let canary_first = plot.order == Order::CanaryFirst && plot.waves.first().is_some_and(|wave| wave.canary);
    w.session = 1;
    if canary_first {
        hold(&mut w, &mut found);
        configure_job(&mut w);
        throwaway(&mut w);
        wave(&mut w, &mut found, 0);
        w.session = plot.calendar.turn_off();
        turn_off(&mut w, plot.hold == Hold::Staging);
    } else {
        turn_off(&mut w, false);
        configure_job(&mut w);
        throwaway(&mut w);
        if !plot.waves.is_empty() {
            wave(&mut w, &mut found, 0);
        }
    }
    for position in 1..plot.waves.len() {
        w.session = plot.calendar.wave(position);
        wave(&mut w, &mut found, position);
    }
    finish(&mut w);
    found.steps = w.out;
    found
}

fn prepare(w: &mut Writer<'_>, found: &mut Steps) {
    w.tool(
        "preflight",
        "Check every gate on live state",
        "groupshift preflight asks AD, the catalog, Entra and the Connect servers again. What the bundle said may have changed since.",
        vec![gate("gates", "every gate that blocks the cutover passes or is attested")],
        &["the preflight report"],
        nothing(),
    );
    w.tool(
        "snapshot",
        "Keep everything that will be touched",
        "Each group with all attributes and members, its Entra object, the job with schema and status, rules and settings of the Connect servers; hashed, read back, and copied to another host.",
        vec![gate("live-equals-plan", "every planned group is as the plan saw it: objectGUID, SID, name, stamp, members")],
        &["snapshot verify passes", "the operator names the copy on another host"],
        nothing(),
    );
    if w.plot.job_exists {
        w.tool(
            "pause-job",
            "Pause the Cloud Sync job",
            "Nothing is to be provisioned until a wave asks for it. The pause is read back.",
            vec![],
            &["the job's status says Paused"],
            undo("automatic", "The job is started again, if it ran before and nothing was stamped yet."),
        );
    }
    if w.plot.creates_extension || w.plot.extension_values > 0 {
        let what = format!(
            "{}{} groups get their present name or container as the value of an extension property, so that the mapping can read it.",
            if w.plot.creates_extension { "The extension property is created. " } else { "" },
            w.plot.extension_values
        );
        found.extension = w.tool(
            "write-extensions",
            "Write extension values",
            &what,
            vec![gate("live-equals-plan", "each group's value is empty, or what the plan saw")],
            &["each value read back from Graph"],
            undo(
                "automatic",
                "The former values are written back, where they are still ours. The property itself stays.",
            ),
        );
    }
    let what = format!(
        "{} groups get msDS-ExternalDirectoryObjectId = Group_<object id>, the value by which Cloud Sync recognises them. A group without it would be created a second time.",
        w.plot.stamps
    );
    found.stamp = w.tool(
        "stamp",
        "Stamp the groups",
        &what,
        vec![
            gate("E4", "the schema has the attribute"),
            gate("job-paused", "the job is paused, or there is none"),
            gate("snapshot-off-host", "the snapshot exists and was verified"),
        ],
        &["each value read back from the same domain controller"],
        undo(
            "automatic",
            "A stamp is removed where it is still ours and the group was never in a started job's scope.",
        ),
    );
    w.tool(
        "verify-stamps",
        "See the stamps everywhere",
        "Every writable domain controller and every Global Catalog is asked itself. One that cannot be reached stops the plan here.",
        vec![gate("replication", "every writable controller and catalog answers")],
        &["each controller and catalog by name, with what it answered"],
        nothing(),
    );
}

/// Canary-first: Connect must not write the canaries while V2 is on.
fn hold(w: &mut Writer<'_>, found: &mut Steps) {
    match w.plot.hold {
        Hold::Staging => staging_on(
            w,
            "It stays in staging until V2 is off and checked: password hash sync and password writeback through this server stop for that time.",
        ),
        Hold::Writeback => {
            found.hold = w.tool(
                "freeze-canaries",
                "Freeze the canaries in Connect",
                "writebackConfiguration.isEnabled becomes false for each canary, so that V2 leaves its copy in AD as it is.",
                vec![gate("E6", "no rule deletes groups that leave the writeback scope, on any server")],
                &["the value read back from Graph"],
                undo("automatic", "isEnabled becomes true again, where it is still ours."),
            );
            let server = w.active();
            w.script(
                server,
                "delta-sync",
                "Run a cycle",
                "Connect takes note of the frozen canaries.",
                vec![],
                &["the run history says success"],
                undo("none-needed", "A cycle does only what is due anyway."),
            );
        }
    }
    for time in ["first", "second"] {
        if time == "second" {
            let server = w.active();
            w.script(
                server,
                "delta-sync",
                "A cycle between the two files",
                "What Connect would export is made up anew.",
                vec![],
                &["the run history says success"],
                undo("none-needed", "A cycle does only what is due anyway."),
            );
        }
        w.pending(
            &format!("Pending exports without the canaries, {time} file"),
            "Two files, one cycle apart, show that Connect does not write the canaries.",
            vec![gate("canaries-not-written", "no pending export names a canary")],
        );
    }
}

fn staging_on(w: &mut Writer<'_>, cost: &str) {
    let server = w.active();
    let what = format!("Done in the wizard; the script reads it back. {cost}");
    w.script(
        server,
        "staging-on",
        "Staging mode on",
        &what,
        vec![gate("E9", "one server is active, the others are in staging")],
        &["the evidence file: StagingModeEnabled is true"],
        undo("script", "Leave staging mode in the wizard, after the check of pending exports."),
    );
}

/// V2 off, by Microsoft's steps.
fn turn_off(w: &mut Writer<'_>, already_staging: bool) {
    if !already_staging {
        staging_on(w, "Until it is off again, password hash sync and password writeback through this server stop.");
    }
    let server = w.active();
    w.script(
        server.clone(),
        "scheduler-off",
        "Scheduler off",
        "No cycle starts by itself until this is over. The setting is shared by all Connect servers.",
        vec![gate("staging", "the server is in staging mode")],
        &["the evidence file: SyncCycleEnabled is false"],
        undo("script", "Turn the scheduler on again."),
    );
    let names: Vec<(String, bool)> = w
        .plot
        .servers
        .iter()
        .map(|s| (s.name.clone(), s.inbound.present && s.outbound.iter().all(|o| o.present)))
        .collect();
    for (name, present) in &names {
        let what = match present {
            true => "Both rules are there by content; the script only shows them.",
            false => {
                "Two custom rules keep the groups joined in Connect without being written, so that it does not delete them when V2 goes off. Rules are each server's own."
            }
        };
        w.script(
            Some(name.clone()),
            "coexistence-rules",
            "The two coexistence rules",
            what,
            vec![gate("staging", "the server is in staging mode"), gate("E10", "the planned precedences are free")],
            &["the evidence file: both rules by content, precedence and connector"],
            undo("script", "Remove them again, while V2 is on. Once it is off they are never removed by a rollback."),
        );
    }
    full_syncs(w, &names, "Every object is judged by the new rules. In staging mode nothing is exported.");
    w.pending(
        "Pending exports before the point of no return",
        "What Connect would export to AD now. Nothing may concern an anchored group.",
        vec![gate("rules-in-place", "the rules are right by content on every Connect server")],
    );
    irreversible(w, server.clone());
    full_syncs(w, &names, "Connect judges every object again without V2. In staging mode nothing is exported.");
    w.pending(
        "Pending exports before leaving staging",
        "This is the last look before Connect exports again: a delete that is pending here would be done.",
        vec![gate("v2-off", "the company feature reads false")],
    );
    w.script(
        server.clone(),
        "scheduler-on",
        "Scheduler on",
        "Cycles start by themselves again, still without exports.",
        vec![gate("pending-exports-clean", "the file of the step before is clean")],
        &["the evidence file: SyncCycleEnabled is true"],
        undo("script", "Turn the scheduler off again."),
    );
    w.script(
        server,
        "staging-off",
        "Staging mode off",
        "Done in the wizard; the script reads it back. Do not untick \"Group writeback\" there: while the rules stand, the next cycle would delete the groups.",
        vec![gate("pending-exports-clean", "no add, delete, rename or member change of an anchored group is pending")],
        &["the evidence file: StagingModeEnabled is false"],
        undo("script", "Enter staging mode again."),
    );
    w.tool(
        "compare-all",
        "Compare every anchored group",
        "After the first exporting cycle every group with an anchor, planned or not, is compared with the snapshot, and the forest is searched for second carriers.",
        vec![],
        &["no difference: objectGUID, SID, name, place, type, members"],
        nothing(),
    );
}

fn full_syncs(w: &mut Writer<'_>, servers: &[(String, bool)], what: &str) {
    for (name, _) in servers {
        w.script(
            Some(name.clone()),
            "full-sync",
            "Full synchronisation",
            what,
            vec![
                gate("staging", "the server is in staging mode"),
                gate("rules-in-place", "both rules are right by content"),
            ],
            &["the evidence file: the run history says success"],
            undo("none-needed", "It exports nothing."),
        );
    }
}

fn irreversible(w: &mut Writer<'_>, server: Option<String>) {
    let mut gates = vec![
        gate("confirmation", &format!("the domain's name is typed ({}); --yes is not enough", w.plot.domain)),
        gate("rules-in-place", "the rules are right by content on every Connect server"),
        gate("pending-exports-clean", "the file of the step before is clean and newer than the last cycle"),
        gate("snapshot-off-host", "a verified copy of the snapshots lies on another host"),
        gate(
            "decisions-recorded",
            &match w.plot.undecided {
                0 => "a decision is recorded for each group that this changes though no wave holds it".to_owned(),
                n => format!("a decision for each group that this changes though no wave holds it: {n} are missing"),
            },
        ),
    ];
    if w.plot.order == Order::CanaryFirst {
        gates.push(gate("canary-verified", "the first wave was verified under Cloud Sync"));
    }
    let id = w.add(Step {
        kind: "disable-v2".to_owned(),
        title: "Group writeback V2 off".to_owned(),
        what: "THE POINT OF NO RETURN. Connect stops maintaining the groups for good; every Microsoft 365 group is written by V1 from now on. Groups of later waves stand frozen until their wave: leavers keep access that long.".to_owned(),
        who: format!("{OWNER} and {ADMIN}"),
        server,
        gate: gates,
        evidence: texts(&["the evidence file: GroupWritebackV2 is false", "who confirmed, and when"]),
        point_of_no_return: true,
        undo: undo("impossible", "None is published. A rollback from here on means: AD is restored, and no engine maintains it until a job does. The rules and the stamps stay."),
        ..Step::default()
    });
    debug_assert!(!id.is_empty());
}

fn configure_job(w: &mut Writer<'_>) {
    if !w.plot.job_exists {
        w.tool(
            "create-job",
            "Create the Cloud Sync configuration",
            "A configuration from Entra to this AD domain, left paused. Where the service does not let the program create it, it is made in the portal and read back.",
            vec![gate("E11", "no other configuration writes to the domain")],
            &["the job read back, paused"],
            undo("manual", "Delete the configuration in the portal while nothing is in its scope."),
        );
    }
    let what = format!(
        "Scope \"assigned only\"{}; flow types Update only until the end, so that nothing can be created or deleted; the delete threshold low{}. Saved while paused, read back whole.",
        match w.plot.assigned_today {
            0 => String::new(),
            n => format!(", and emptied: what is assigned today ({n}) comes back in its own wave, or not at all"),
        },
        match w.plot.patches_mapping {
            true => "; the proposed mappings of name and container",
            false => "; the mappings of name and container as they are",
        }
    );
    w.tool(
        "configure-job",
        "Set the job up",
        &what,
        vec![
            gate("job-paused", "the job reads Paused before and after"),
            gate("schema-as-planned", "the mappings that are replaced are those that the plan saw"),
            gate("secrets-not-masked", "no secret that is written back was masked when read"),
            gate("E14", "membership of on-premises users is provisioned: seen in the portal and attested, or shown by the throwaway group"),
        ],
        &["schema, settings and scope read back from Graph"],
        undo("automatic", "The former schema and settings are written back, the job paused."),
    );
}

fn throwaway(w: &mut Writer<'_>) {
    w.tool(
        "throwaway",
        "A throwaway group first",
        "A group made for the purpose: created in Entra and, stamped, in AD, with one member in both. It is scoped in alone and shows, before any real group, whether a matched group keeps SID, name, place and member, and what leaving the scope does.",
        vec![gate("job-paused", "the job is paused and its scope holds this group only")],
        &["objectGUID, SID, DN and member as before", "what was learnt, kept with the run"],
        undo("manual", "Taken out of scope by the program; deleting it in Entra and AD is left to a person."),
    );
}

fn wave(w: &mut Writer<'_>, found: &mut Steps, position: usize) {
    let plot = &w.plot.waves[position];
    let (name, groups, canary) = (plot.name.clone(), plot.groups, plot.canary);
    let (write_minutes, minutes) = (plot.write_minutes, plot.minutes);
    let first = w.out.len();
    w.tool(
        "hold-job",
        &format!("{name}: pause the job"),
        "The job is paused and read back; the prediction is made again from live Entra, and a source that shrank stops the wave.",
        vec![gate("source-not-shrunk", "no member list in Entra or AD is empty or much smaller than planned, unless accepted group by group")],
        &["the job's status says Paused"],
        undo("automatic", "The job goes on as it was."),
    );
    w.pending(&format!("{name}: pending exports"), "Connect must not be about to change any anchored group.", vec![]);
    let at = w.tool(
        "scope-in",
        &format!("{name}: scope {groups} groups in"),
        "Nested groups before those that nest them. Each assignment is read back.",
        vec![
            gate("job-paused", "the job is paused"),
            gate("stamps-everywhere", "every group of the wave that has an AD copy carries its stamp on every writable controller and catalog"),
            gate("pending-exports-clean", "the file of the step before is clean"),
        ],
        &["the job's scope read back: exactly the groups of this wave and of the waves before"],
        undo("automatic", "The groups are taken out of scope again, after the job is paused and AD restored. Their stamps stay."),
    );
    if let Some(step) = w.out.last_mut() {
        step.minutes = Some(write_minutes);
    }
    found.scope.push(at);
    let what = match canary {
        true => {
            "The job is started. Groups of at most five members may be provisioned on demand, one at a time; the others wait for its cycle."
        }
        false => "The job is started, and its cycle waited for.",
    };
    w.tool(
        "start-job",
        &format!("{name}: start the job and wait"),
        what,
        vec![gate("scope-read-back", "the scope is what the plan says")],
        &["the job's status: a successful cycle after the start, no quarantine, no escrow, no staged delete"],
        undo("automatic", "The job is paused, and that is read back first of all."),
    );
    if let Some(step) = w.out.last_mut() {
        step.minutes = Some(minutes - write_minutes);
    }
    let verify = w.tool(
        "verify-wave",
        &format!("{name}: compare with the prediction"),
        "Every anchored group is compared, not only the wave's, and the forest searched for second carriers. The first difference pauses the job; the operator accepts it, fixes it or rolls the wave back.",
        vec![],
        &["same objectGUID and SID; name, place, type and members as predicted; no duplicate; no change outside the wave"],
        nothing(),
    );
    found.verify.push(verify);
    for step in &mut w.out[first..] {
        step.wave = Some(name.clone());
    }
}

fn finish(w: &mut Writer<'_>) {
    w.tool(
        "final-job",
        "The job as it is to stay",
        "Flow types Add, Update, Delete and the usual delete threshold, so that the configuration serves new groups from now on.",
        vec![gate("all-waves-verified", "every wave was verified or accepted")],
        &["schema and settings read back"],
        undo("automatic", "Flow types Update only, as during the waves."),
    );
    w.tool(
        "audit",
        "Audit",
        "groupshift audit --against this plan: every check on live state.",
        vec![],
        &["the audit's reports"],
        nothing(),
    );
    w.add(Step {
        kind: "keep-rules".to_owned(),
        title: "The coexistence rules stay".to_owned(),
        what: "Microsoft does not document when they may go. Until it does: they stay as long as Connect reads the writeback container or writes groups back at all. Before anybody retires them, a server in staging mode without them must show no pending delete of an anchored group. Group writeback is never unticked in the wizard while they stand.".to_owned(),
        who: OWNER.to_owned(),
        undo: nothing(),
        ..Step::default()
    });
}
