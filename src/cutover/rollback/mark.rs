//! How the run stands after a rollback: which steps were taken back, which come again with `resume`, what is left out.

use super::{Rolled, Target};
use crate::cutover::engine::{Engine, Surroundings};
use crate::cutover::record::{RunState, StepState};
use crate::directory::ObjectGuid;
use crate::error::Result;
use crate::plan::model::{PlannedGroup, Step};
use hashbrown::HashSet;

impl<P: Surroundings> Engine<'_, P> {
    pub(super) fn mark(&self, target: &Target, groups: &[&PlannedGroup], v2_off: bool, rolled: &Rolled) -> Result<()> {
        let state = if rolled.stuck.is_empty() { StepState::Undone } else { StepState::Stuck };
        let detail = rolled.stuck.first().map(String::as_str);
        for step in &self.plan.steps {
            let record = self.run.step(&step.id)?;
            if record.state == StepState::Pending || !self.takes_back(target, step) {
                continue;
            }
            // What a rollback never takes back once V2 is off is still done.
            let kept = ["stamp", "verify-stamps", "write-extensions", "freeze-canaries"];
            let stays =
                v2_off && (step.point_of_no_return || step.script.is_some() || kept.contains(&step.kind.as_str()));
            if *target == Target::All && stays {
                continue;
            }
            self.run.set_step(&step.id, state, detail, self.now())?;
        }
        match target {
            Target::All => {
                let reason = format!(
                    "{} restored, {} conflicts, {} stuck",
                    rolled.restored.len(),
                    rolled.conflicts.len(),
                    rolled.stuck.len()
                );
                // What is stuck is tried again by the same command.
                let state = if rolled.stuck.is_empty() { RunState::RolledBack } else { RunState::Stopped };
                return self.run.set_state(state, Some(&reason));
            }
            Target::Wave(name) => {
                if let Some(wave) = self.plan.waves.iter().find(|w| w.name.eq_ignore_ascii_case(name)) {
                    self.forget_wave(wave)?;
                }
                self.run.set_state(RunState::Stopped, Some(&format!("wave {name} was rolled back")))?;
            }
            Target::Group(id) => {
                let mut out: HashSet<ObjectGuid> = self.left_out()?;
                out.extend(groups.iter().filter_map(|g| ObjectGuid::parse(&g.object_id)));
                let mut list: Vec<ObjectGuid> = out.into_iter().collect();
                list.sort();
                self.run.put("left-out", &serde_json::to_value(&list).unwrap_or_default())?;
                self.run.set_state(RunState::Stopped, Some(&format!("the group {id} was rolled back")))?;
            }
        }
        Ok(())
    }

    fn takes_back(&self, target: &Target, step: &Step) -> bool {
        // Whatever was rolled back, the job is paused: its last step comes again.
        let last = step.kind == "final-job";
        match target {
            Target::All => !step.point_of_no_return,
            Target::Wave(name) => last || step.wave.as_deref().is_some_and(|w| w.eq_ignore_ascii_case(name)),
            Target::Group(_) => last,
        }
    }

    /// Says what a reader of the rest has to know: the job's rest, and groups that nest those taken back.
    pub(super) fn warn_of_nesting(&self, target: &Target, groups: &[&PlannedGroup], rolled: &mut Rolled) -> Result<()> {
        if *target == Target::All {
            return Ok(());
        }
        let taken: HashSet<&str> = groups.iter().map(|g| g.object_id.as_str()).collect();
        let holders = self
            .planned()
            .into_iter()
            .filter(|g| !taken.contains(g.object_id.as_str()) && g.nests.iter().any(|n| taken.contains(n.as_str())));
        let mut scoped = 0;
        for group in holders {
            scoped += u64::from(self.was_started(&group.object_id)?);
        }
        if scoped > 0 {
            rolled.left.push(format!(
                "{scoped} groups that the job maintains nest groups that are out of its scope now: it may take them out of those groups when it next writes them. Roll those back too, or bring these in again soon"
            ));
        }
        rolled.left.push(match target {
            Target::Wave(_) => "the job is paused: groupshift cutover resume does the wave again and starts it".to_owned(),
            _ => "the job is paused: groupshift cutover resume goes on without this group and starts it; to bring the group in again when its wave is repeated: --accept \"include:OBJECTID=why\"".to_owned(),
        });
        Ok(())
    }
}
