//! Before anything is written: every gate on live state, every planned group as the plan saw it, everything kept.

use super::look::{FIRST, anchored};
use super::{Engine, Go, Halt, Stop, Surroundings};
use crate::cutover::port::{Directory, Level, ObjectState, Operator, Tenant};
use crate::cutover::record::SnapshotKind;
use crate::cutover::store::{Snapshot, object_to_json};
use crate::directory::inventory::Inventory;
use crate::directory::{ObjectGuid, same_dn};
use crate::plan::model::{PlannedGroup, Step};
use hashbrown::HashMap;
use serde_json::{Value, json};

/// Objects that are read and kept in one go.
const BATCH: usize = 100;

impl<P: Surroundings> Engine<'_, P> {
    pub(super) async fn preflight(&self, _step: &Step) -> Go<Option<String>> {
        self.gate_plan()?;
        let inventory = self.look("looking at both sides").await?;
        self.gate_servers(&inventory)?;
        let seen = self.gate_environment(&inventory)?;
        self.gate_agents().await?;
        self.rights().await?;
        self.keep_look(FIRST, &inventory)?;
        Ok(Some(seen))
    }

    /// The rights that the run needs, and those that a rollback would (law 11).
    async fn rights(&self) -> Go {
        let guids: Vec<ObjectGuid> =
            self.planned().iter().map(|g| ObjectGuid::parse(&g.object_guid).unwrap_or_default()).collect();
        let rights = self.ports.directory().rights(&guids).await?;
        let stamps: Vec<bool> = self.planned().iter().map(|g| g.steps.iter().any(|s| s.kind == "stamp")).collect();
        let lacking = rights.iter().zip(&stamps).filter(|(r, due)| **due && r.stamp == Some(false)).count();
        if lacking > 0 {
            return Err(Halt::Gate(
                Stop::new(format!("the account may not write msDS-ExternalDirectoryObjectId of {lacking} planned groups"))
                    .next("Grant write of that attribute on the groups of the writeback container; groupshift preflight names the one ACE."),
            ));
        }
        let (members, names) = (
            rights.iter().filter(|r| r.member == Some(false)).count(),
            rights.iter().filter(|r| r.rename == Some(false)).count(),
        );
        if members + names == 0 {
            return Ok(());
        }
        let text = format!(
            "member rollback unavailable for {members} groups, rename rollback for {names}: the account lacks the rights"
        );
        self.say(Level::Warning, &text)?;
        if self.accepted("rights", "rollback-rights")? || self.confirm(&format!("{text}. Go on without?")).await? {
            self.run.put("rollback-rights", &json!({ "members": members, "names": names }))?;
            return Ok(());
        }
        Err(Halt::Gate(
            Stop::new("a rollback would not be able to restore members or names")
                .line(text)
                .next("Grant the rights for rollback (see groupshift preflight and the README's cutover chapter), then: groupshift cutover resume")
                .next("Or go on without: groupshift cutover resume --accept \"rollback-rights=why\""),
        ))
    }

    /// Everything that will be touched, kept; refused where a planned group is not as the plan saw it.
    pub(super) async fn snapshot(&self, step: &Step) -> Go<Option<String>> {
        let first = self.open_look(FIRST)?;
        let differs = self.planned_differs(&first);
        if !differs.is_empty() {
            return Err(Halt::Drift(not_as_planned(differs)));
        }
        let guids: Vec<ObjectGuid> = anchored(&first).into_iter().map(|(_, guid)| guid).collect();
        self.keep_groups(&step.id, &guids).await?;
        // The first look may be old, where the run stopped in between: what was kept a moment ago counts.
        let mut differs = Vec::new();
        for planned in self.planned() {
            let kept = self.run.last_snapshot(SnapshotKind::AdGroup, &planned.object_guid)?;
            let kept = kept.map(|(_, body)| crate::cutover::store::object_from_json(&body)).transpose()?;
            differs.extend(state_differs(planned, kept.as_ref()));
        }
        if !differs.is_empty() {
            return Err(Halt::Drift(not_as_planned(differs)));
        }
        let ids: Vec<ObjectGuid> = self.planned().iter().filter_map(|g| ObjectGuid::parse(&g.object_id)).collect();
        for batch in ids.chunks(BATCH) {
            self.breathe()?;
            let groups = self.ports.tenant().groups(batch).await?;
            let mut bodies = Vec::new();
            for (id, group) in batch.iter().zip(groups) {
                let Some(group) = group else {
                    return Err(Halt::Drift(
                        Stop::new(format!("the Entra group {id} of the plan is gone")).plan_again(),
                    ));
                };
                let name = group.properties.get("displayName").and_then(Value::as_str).unwrap_or_default().to_owned();
                let body = serde_json::to_value(&group).unwrap_or_default();
                bodies.push(Snapshot { kind: SnapshotKind::CloudGroup, object: id.to_string(), name, body });
            }
            self.run.keep(&step.id, &bodies, self.now())?;
        }
        self.keep_job(&step.id).await?;
        let count = self.run.snapshots()?.len();
        let problems = self.run.verify_snapshots()?;
        if !problems.is_empty() {
            return Err(crate::error::Error::failed("the snapshots do not verify right after they were written")
                .hint(problems.join("; "))
                .hint("Look at the disk of the store; nothing was written to AD or Entra.")
                .into());
        }
        if self.options.copy_to.is_some() {
            self.gate_copy()?;
        }
        self.say(Level::Info, &format!("{count} snapshots kept and verified"))?;
        Ok(Some(format!("{count} snapshots")))
    }

    /// Keeps AD groups whole.
    pub(crate) async fn keep_groups(&self, step: &str, guids: &[ObjectGuid]) -> Go {
        for (done, batch) in guids.chunks(BATCH).enumerate() {
            self.breathe()?;
            self.ports.operator().progress("snapshots", (done * BATCH) as u64, Some(guids.len() as u64));
            let states = self.ports.directory().read(batch).await?;
            let bodies: Vec<Snapshot> = states
                .into_iter()
                .flatten()
                .map(|state| Snapshot {
                    kind: SnapshotKind::AdGroup,
                    object: state.guid.to_string(),
                    name: state.dn.clone(),
                    body: object_to_json(&state),
                })
                .collect();
            self.run.keep(step, &bodies, self.now())?;
        }
        Ok(())
    }

    /// Keeps the job with schema, secrets' names, and assignments; nothing where there is no job.
    pub(crate) async fn keep_job(&self, step: &str) -> Go {
        let tenant = self.ports.tenant();
        let Some(job) = tenant.job().await? else { return Ok(()) };
        let schema = tenant.schema(&job).await?;
        let secrets = super::settings::without_credentials(&tenant.secrets(&job).await?);
        let assignments = tenant.assignments(&job).await?;
        let one =
            |kind, body: Value| Snapshot { kind, object: job.id.clone(), name: "Cloud Sync job".to_owned(), body };
        let bodies = [
            one(SnapshotKind::Job, serde_json::to_value(&job).unwrap_or_default()),
            one(SnapshotKind::Schema, schema),
            one(SnapshotKind::Secrets, secrets),
            one(SnapshotKind::Assignments, serde_json::to_value(&assignments).unwrap_or_default()),
        ];
        self.run.keep(step, &bodies, self.now())?;
        Ok(())
    }

    /// Planned groups whose identity, name, type or stamp is not what the plan saw.
    pub(crate) fn planned_differs(&self, look: &Inventory) -> Vec<String> {
        let by_guid: HashMap<ObjectGuid, usize> =
            look.ad.groups.iter().enumerate().map(|(row, g)| (look.ad_object(g).guid, row)).collect();
        let mut out = Vec::new();
        for planned in self.planned() {
            let row = ObjectGuid::parse(&planned.object_guid).and_then(|guid| by_guid.get(&guid));
            let Some(row) = row else {
                out.push(format!("{}: no group with objectGUID {} any more", planned.dn, planned.object_guid));
                continue;
            };
            out.extend(differs(planned, look, *row));
        }
        out
    }
}

fn not_as_planned(differs: Vec<String>) -> Stop {
    Stop::new(format!("planned groups are not as the plan saw them: {} differences", differs.len()))
        .lines(differs)
        .next("Nothing was written: the plan is about a state that is gone.")
        .plan_again()
}

/// The same of an object as it was read just now.
fn state_differs(planned: &PlannedGroup, now: Option<&ObjectState>) -> Vec<String> {
    let Some(now) = now else {
        return vec![format!("{}: no group with objectGUID {} any more", planned.dn, planned.object_guid)];
    };
    let mut out = Vec::new();
    let mut differs =
        |what: &str, then: &str, now_is: &str| out.push(format!("{}: {what} was {then}, and is {now_is}", now.dn));
    if !same_dn(&now.dn, &planned.dn) {
        differs("the name", &planned.dn, &now.dn);
    }
    let sid = now.sid().map(|s| s.to_string());
    if planned.sid.is_some() && sid != planned.sid {
        differs("the SID", planned.sid.as_deref().unwrap_or(""), sid.as_deref().unwrap_or("(none)"));
    }
    let kind = now.group_type().map(|t| t.0);
    if planned.group_type.is_some() && kind != planned.group_type {
        differs("groupType", &format!("{:?}", planned.group_type), &format!("{kind:?}"));
    }
    for step in planned.steps.iter().filter(|s| s.kind == "stamp") {
        if now.stamp() != step.expects.as_deref() && now.stamp() != step.writes.as_deref() {
            differs("the stamp", step.expects.as_deref().unwrap_or("empty"), now.stamp().unwrap_or("empty"));
        }
    }
    let members = now.values("member").len();
    if super::look::is_suspect(planned.members as usize, members) {
        differs("the number of members in AD", &planned.members.to_string(), &members.to_string());
    }
    out
}

fn differs(planned: &PlannedGroup, look: &Inventory, row: usize) -> Vec<String> {
    let group = &look.ad.groups[row];
    let object = look.ad_object(group);
    let dn = look.dn(group.object);
    let mut out = Vec::new();
    let mut differs = |what: &str, then: &str, now: &str| out.push(format!("{dn}: {what} was {then}, and is {now}"));
    if !same_dn(dn, &planned.dn) {
        differs("the name", &planned.dn, dn);
    }
    let sid = look.sids.get(object.sid).map(|s| s.to_string());
    if planned.sid.is_some() && sid != planned.sid {
        differs("the SID", planned.sid.as_deref().unwrap_or(""), sid.as_deref().unwrap_or("(none)"));
    }
    if planned.group_type.is_some() && group.group_type.map(|t| t.0) != planned.group_type {
        differs("groupType", &format!("{:?}", planned.group_type), &format!("{:?}", group.group_type.map(|t| t.0)));
    }
    let stamp = look.text.get(group.edoi).filter(|t| !t.is_empty());
    for step in planned.steps.iter().filter(|s| s.kind == "stamp") {
        if stamp != step.expects.as_deref() && stamp != step.writes.as_deref() {
            differs("the stamp", step.expects.as_deref().unwrap_or("empty"), stamp.unwrap_or("empty"));
        }
    }
    // Members move every day while V2 is on; a list that shrank is another matter.
    let now = look.ad.members.row(row).len();
    if super::look::is_suspect(planned.members as usize, now) {
        differs("the number of members in AD", &planned.members.to_string(), &now.to_string());
    }
    out
}
