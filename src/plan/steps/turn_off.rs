//! The change of engine: V2 off, by Microsoft's steps.

use super::{ADMIN, OWNER, Writer, gate, nothing, texts, undo};
use crate::plan::model::{Order, Step};

pub(super) fn staging_on(w: &mut Writer<'_>, cost: &str) {
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

pub(super) fn turn_off(w: &mut Writer<'_>, already_staging: bool) {
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
