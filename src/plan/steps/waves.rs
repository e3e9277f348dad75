//! The job set up, the waves one after another, and the end.

use super::{OWNER, StepIds, Writer, gate, nothing, undo};
use crate::plan::model::Step;

pub(super) fn configure_job(w: &mut Writer<'_>) {
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

pub(super) fn throwaway(w: &mut Writer<'_>) {
    w.tool(
        "throwaway",
        "A throwaway group first",
        "A group made for the purpose: created in Entra and, stamped, in AD, with one member in both. It is scoped in alone and shows, before any real group, whether a matched group keeps SID, name, place and member, and what leaving the scope does.",
        vec![gate("job-paused", "the job is paused and its scope holds this group only")],
        &["objectGUID, SID, DN and member as before", "what was learnt, kept with the run"],
        undo("manual", "Taken out of scope by the program; deleting it in Entra and AD is left to a person."),
    );
}

pub(super) fn wave(w: &mut Writer<'_>, ids: &mut StepIds, position: usize) {
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
    ids.scope.push(at);
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
    ids.verify.push(verify);
    for step in &mut w.out[first..] {
        step.wave = Some(name.clone());
    }
}

pub(super) fn finish(w: &mut Writer<'_>) {
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
