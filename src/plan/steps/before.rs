//! Before anything is turned off or taken over: checks, snapshots, stamps; and Connect held off the canaries.

use super::turn_off::staging_on;
use super::{StepIds, Writer, gate, nothing, undo};
use crate::plan::model::Hold;

pub(super) fn prepare(w: &mut Writer<'_>, ids: &mut StepIds) {
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
        ids.extension = w.tool(
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
    ids.stamp = w.tool(
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
pub(super) fn hold(w: &mut Writer<'_>, ids: &mut StepIds) {
    match w.plot.hold {
        Hold::Staging => staging_on(
            w,
            "It stays in staging until V2 is off and checked: password hash sync and password writeback through this server stop for that time.",
        ),
        Hold::Writeback => {
            ids.hold = w.tool(
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
