//! The same engine in reverse: what this run changed goes back, where it is still as the run left it. What others
//! changed since is a conflict, reported and never overwritten; an undo that fails is a state, `stuck`, with what to do.
//!
//! The order matters. The job is paused and that is read back; what it did is looked at and shown; AD is restored; then
//! groups leave the scope; a stamp is removed only from a group that was in no started job's scope, and only while V2 is
//! on: without it the next scoping makes a duplicate, and without V2 Connect deletes. The tool deletes no AD object here
//! either.

mod group;
mod mark;
mod members;
mod ours;
mod settings;

use super::engine::{Engine, Go, Halt, Stop, Surroundings};
use super::port::{Level, Observer};
use super::record::{SnapshotKind, SnapshotRecord, StepState, WriteRecord, WriteState};
use super::store::{is_crash, object_from_json};
use crate::directory::ObjectGuid;
use crate::error::Result;
use crate::plan::model::PlannedGroup;
use hashbrown::{HashMap, HashSet};
use ours::Ours;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What is rolled back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// One group, by object id or objectGUID.
    Group(String),
    Wave(String),
    All,
}

/// What a rollback did and could not do.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Rolled {
    pub restored: Vec<String>,
    /// Somebody else changed it since: left as it is.
    pub conflicts: Vec<String>,
    /// An undo that failed, with what to do.
    pub stuck: Vec<String>,
    /// Left on purpose, with the reason.
    pub left: Vec<String>,
    /// What is not as the snapshot says, after everything: empty where all is back.
    pub different: Vec<String>,
    /// Groups that were compared with their snapshot.
    pub compared: u64,
}

/// Attributes that AD maintains itself and that no rollback brings back; a comparison leaves them out.
pub const MAINTAINED_BY_AD: [&str; 14] = [
    "whenChanged",
    "uSNChanged",
    "uSNCreated",
    "whenCreated",
    "dSCorePropagationData",
    "lastKnownParent",
    "msDS-LastKnownRDN",
    "msDS-ReplAttributeMetaData",
    "msDS-ReplValueMetaData",
    "replPropertyMetaData",
    "modifyTimeStamp",
    "createTimeStamp",
    "structuralObjectClass",
    "subSchemaSubEntry",
];

impl<P: Surroundings> Engine<'_, P> {
    /// Takes back what the run did.
    pub async fn rollback(&self, target: &Target) -> Go<Rolled> {
        self.reconcile().await?;
        let groups = self.targets(target)?;
        let v2_off = self.v2_is_off().await?;
        let question = self.question(target, groups.len(), v2_off);
        if !self.confirm(&question).await? {
            return Err(Halt::Gate(Stop::new("the rollback was not confirmed").line(question).next(
                "Say yes, or give --yes: groupshift cutover rollback --all --yes (or --wave NAME, --group ID)",
            )));
        }
        self.say(Level::Step, &format!("rollback of {} groups", groups.len()))?;
        self.pause("rollback", true).await?;
        let mut rolled = Rolled::default();
        self.see(target).await?;
        let baselines = self.baselines()?;
        let ours = self.ours(target, &mut rolled)?;
        let guids = self.all_targets(target, &groups, &baselines)?;
        for guid in &guids {
            self.breathe()?;
            self.restore_group(*guid, &baselines, ours.get(guid), &guids, &mut rolled).await?;
        }
        if rolled.stuck.is_empty() {
            self.scope_out(target, &groups, &mut rolled).await?;
        } else {
            rolled.left.push(
                "the groups stay in the job's scope, and the job stays paused, until what is stuck is mended"
                    .to_owned(),
            );
        }
        let settled_stamps = self.remove_stamps(&groups, v2_off, &mut rolled).await?;
        self.restore_properties(&groups, v2_off, &mut rolled).await?;
        let mut waiting = None;
        if *target == Target::All {
            self.restore_job(&mut rolled).await?;
            match self.undo_scripts(v2_off, &mut rolled).await {
                Ok(()) => {}
                // A person has to do it: everything else is done and proved, and the rollback is run again after it.
                Err(Halt::Gate(stop)) => waiting = Some(stop),
                Err(halt) => return Err(halt),
            }
        }
        self.prove(&guids, &baselines, &settled_stamps, &mut rolled).await?;
        self.warn_of_nesting(target, &groups, &mut rolled)?;
        for line in &rolled.conflicts {
            self.say(Level::Warning, &format!("conflict: {line}"))?;
        }
        for line in &rolled.stuck {
            self.say(Level::Trouble, &format!("stuck: {line}"))?;
        }
        for line in &rolled.left {
            self.say(Level::Info, &format!("left: {line}"))?;
        }
        self.run.put("rolled", &serde_json::to_value(&rolled).unwrap_or_default())?;
        if let Some(stop) = waiting {
            return Err(Halt::Gate(stop.next("Then run the same rollback again: it goes on where it waits.")));
        }
        self.mark(target, &groups, v2_off, &rolled)?;
        Ok(rolled)
    }

    fn question(&self, target: &Target, groups: usize, v2_off: bool) -> String {
        let what = match target {
            Target::Group(id) => format!("the group {id}"),
            Target::Wave(name) => format!("wave {name} ({groups} groups)"),
            Target::All => format!("everything ({groups} groups)"),
        };
        match v2_off {
            true => format!(
                "Roll back {what}? Group writeback V2 is off: AD is restored, and no engine maintains these groups until a job does. The coexistence rules and the stamps stay."
            ),
            false => format!("Roll back {what}?"),
        }
    }

    /// Whether the step that cannot be undone was done. Where it was confirmed and its evidence never came, the tenant
    /// tells; what it does not tell counts as off.
    pub(crate) async fn v2_is_off(&self) -> Go<bool> {
        let Some(step) = self.plan.steps.iter().find(|s| s.point_of_no_return) else { return Ok(false) };
        let record = self.run.step(&step.id)?;
        let confirmed = self.run.remarks()?.iter().any(|r| r.kind == "confirmation" && r.subject == step.id);
        match record.state {
            StepState::Done => return Ok(true),
            StepState::Begun if confirmed => {}
            _ => return Ok(false),
        }
        let on = match self.ports.observer().look().await {
            Ok(look) => look.entra.tenant.group_writeback == Some(true),
            Err(error) if is_crash(&error) => return Err(error.into()),
            Err(_) => false,
        };
        if on {
            // Evidence of this script that comes later counts for nothing any more.
            self.next_attempt(&step.id)?;
            self.say(Level::Info, "group writeback V2 was confirmed to go off, and the tenant says that it is on")?;
        }
        Ok(!on)
    }

    /// The planned groups that are meant.
    fn targets(&self, target: &Target) -> Go<Vec<&PlannedGroup>> {
        let found: Vec<&PlannedGroup> = match target {
            Target::All => self.plan.waves.iter().flat_map(|w| &w.groups).collect(),
            Target::Wave(name) => {
                let wave = self.plan.waves.iter().find(|w| w.name.eq_ignore_ascii_case(name));
                let Some(wave) = wave else {
                    let names: Vec<&str> = self.plan.waves.iter().map(|w| w.name.as_str()).collect();
                    return Err(crate::error::Error::usage(format!("the plan has no wave {name:?}"))
                        .hint(format!("Its waves are: {}", names.join(", ")))
                        .into());
                };
                wave.groups.iter().collect()
            }
            Target::Group(id) => {
                let same = |text: &str| text.eq_ignore_ascii_case(id.trim());
                let all = self.plan.waves.iter().flat_map(|w| &w.groups);
                all.filter(|g| same(&g.object_id) || same(&g.object_guid) || crate::directory::same_dn(&g.dn, id))
                    .collect()
            }
        };
        if found.is_empty() && *target != Target::All {
            return Err(crate::error::Error::usage("no wave of the plan holds this group")
                .hint("Name it by object id, objectGUID or DN.")
                .into());
        }
        Ok(found)
    }

    /// By objectGUID: the snapshot that says what the group was before its wave, and the one of how the run left it.
    fn baselines(&self) -> Result<HashMap<ObjectGuid, Baseline>> {
        let holds: HashSet<&str> =
            self.plan.steps.iter().filter(|s| s.kind == "hold-job").map(|s| s.id.as_str()).collect();
        let mut out: HashMap<ObjectGuid, Baseline> = HashMap::new();
        for record in self.run.snapshots()? {
            if record.kind != SnapshotKind::AdGroup {
                continue;
            }
            let Some(guid) = ObjectGuid::parse(&record.object) else { continue };
            match out.get_mut(&guid) {
                None => drop(out.insert(guid, Baseline { before: record, left: None })),
                Some(known) if holds.contains(record.step.as_str()) => {
                    known.before = record;
                    known.left = None;
                }
                // A second try of the first snapshots says no more than the first.
                Some(known) if known.before.step == record.step => {}
                Some(known) => known.left = Some(record),
            }
        }
        Ok(out)
    }

    /// The planned groups, and what else the run saw changed: bystanders of its differences.
    fn all_targets(
        &self,
        target: &Target,
        groups: &[&PlannedGroup],
        baselines: &HashMap<ObjectGuid, Baseline>,
    ) -> Result<Vec<ObjectGuid>> {
        let mut out: Vec<ObjectGuid> = groups.iter().filter_map(|g| ObjectGuid::parse(&g.object_guid)).collect();
        if !matches!(target, Target::Group(_)) {
            let shown = self.shown(target)?;
            out.extend(shown.iter().filter_map(|d| ObjectGuid::parse(&d.object_guid)));
        }
        // Only what a snapshot knows can be restored.
        out.retain(|g| baselines.contains_key(g));
        let mut seen = HashSet::new();
        out.retain(|g| seen.insert(*g));
        Ok(out)
    }

    /// Groups leave the scope, once AD is restored.
    async fn scope_out(&self, target: &Target, groups: &[&PlannedGroup], rolled: &mut Rolled) -> Go {
        let mut ours: HashSet<ObjectGuid> = self
            .done("scope-in")?
            .iter()
            .filter_map(|w| ObjectGuid::parse(&w.intent.object))
            .filter(|id| groups.iter().any(|g| ObjectGuid::parse(&g.object_id) == Some(*id)))
            .collect();
        if *target == Target::All {
            ours.extend(self.throwaway_group()?);
        }
        if ours.is_empty() {
            return Ok(());
        }
        let deletes = self.answer(super::engine::OUT_OF_SCOPE)?.as_deref() == Some("deleted");
        if deletes && !self.accepted("gate", "scope-out")? {
            rolled.left.push(format!(
                "{} groups stay in the job's scope: this tenant deletes groups that leave it. The job is paused; keep it so. To take them out all the same: --accept \"scope-out=why\"",
                ours.len()
            ));
            return Ok(());
        }
        let count = self.scope_groups_out("rollback", true, &ours).await?;
        if count > 0 {
            rolled.restored.push(format!("{count} groups are out of the job's scope again"));
        }
        Ok(())
    }

    /// Writes of this sort that are in effect.
    pub(crate) fn done(&self, action: &str) -> Result<Vec<WriteRecord>> {
        let in_effect = |w: &WriteRecord| w.intent.action == action && !w.intent.undo && w.state == WriteState::Done;
        Ok(self.run.writes()?.into_iter().filter(in_effect).collect())
    }

    /// Everything that was restored, held against its snapshot once more.
    async fn prove(
        &self,
        guids: &[ObjectGuid],
        baselines: &HashMap<ObjectGuid, Baseline>,
        settled_stamps: &HashSet<ObjectGuid>,
        rolled: &mut Rolled,
    ) -> Go {
        use super::port::Directory;
        for batch in guids.chunks(100) {
            let now = self.ports.directory().read(batch).await?;
            for (guid, now) in batch.iter().zip(now) {
                let Some(baseline) = baselines.get(guid) else { continue };
                let was = self.body(&baseline.before)?;
                rolled.compared += 1;
                match now {
                    None => rolled.different.push(format!("{}: not there", was.dn)),
                    Some(now) => {
                        rolled.different.extend(group::differences(&was, &now, settled_stamps.contains(guid)));
                    }
                }
            }
        }
        Ok(())
    }

    fn body(&self, record: &SnapshotRecord) -> Result<super::port::ObjectState> {
        let kept = self.run.snapshot_by_id(record.id)?;
        let (_, body) = kept.ok_or_else(|| {
            crate::error::Error::failed(format!("snapshot {} is not in the store any more", record.id))
        })?;
        object_from_json(&body)
    }
}

/// The snapshots of one group.
pub(crate) struct Baseline {
    /// What it was before its wave; before the run, where no wave began.
    pub before: SnapshotRecord,
    /// How the run left it, where that was looked at.
    pub left: Option<SnapshotRecord>,
}
