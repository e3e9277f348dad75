//! What the run knows beyond the plan: whom the job may have written, whom Connect maintains, what this tenant's behaviour
//! showed about the points that the documentation leaves open. Kept in the store; the plan stays as it was.

use super::{Engine, Surroundings};
use crate::cutover::port::{Level, Operator};
use crate::cutover::record::StepState;
use crate::directory::ObjectGuid;
use crate::directory::inventory::{Inventory, Tri};
use crate::error::Result;
use crate::plan::model::{Hold, PlannedGroup, Step, Wave};
use crate::predict::{Fate, Forecast};
use hashbrown::{HashMap, HashSet};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// The open points that a run can settle, by their published names.
pub(crate) const FIRST_UPDATE: &str = "first-update";
pub(crate) const MEMBERSHIP_OPTION: &str = "membership-option";
pub(crate) const MOVE: &str = "move";
/// No point of the prediction, and asked by every rollback.
pub(crate) const OUT_OF_SCOPE: &str = "out-of-scope";

/// An open point that was settled, and what that means for the groups still to come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Settled {
    pub point: String,
    /// `stay` or `go`, `on` or `off`, `stay` or `move`, `kept` or `deleted`.
    pub answer: String,
    pub text: String,
    /// Planned groups of waves that are still to come and rest on it.
    pub groups: u64,
    /// Possible removals in the plan's prediction that will not come, or will.
    pub removals: u64,
}

impl<P: Surroundings> Engine<'_, P> {
    /// A fact of the store; null is none.
    pub(crate) fn fact(&self, key: &str) -> Result<Option<Value>> {
        Ok(self.run.get(key)?.filter(|v| !v.is_null()))
    }

    /// What was settled so far.
    pub(crate) fn settled(&self) -> Result<Vec<Settled>> {
        Ok(self.fact("settled")?.and_then(|v| serde_json::from_value(v).ok()).unwrap_or_default())
    }

    pub(crate) fn answer(&self, point: &str) -> Result<Option<String>> {
        Ok(self.settled()?.into_iter().find(|s| s.point == point).map(|s| s.answer))
    }

    /// Writes down that a point is settled, tells it, and says what it changes for the rest of the plan. A later answer
    /// that differs replaces the former one, visibly.
    pub(crate) fn settle_point(&self, point: &str, answer: &str, text: &str, by: &str) -> Result<()> {
        let mut all = self.settled()?;
        let known = all.iter().position(|s| s.point == point);
        if known.is_some_and(|i| all[i].answer == answer) {
            return Ok(());
        }
        let (groups, removals) = self.resting_on(point)?;
        let mut said = format!("learnt: {point}: {text}");
        if groups > 0 {
            said += &format!("; {groups} groups of later waves rest on it");
            if point == FIRST_UPDATE {
                let will = if answer == "go" { "will come" } else { "will not come" };
                said += &format!(": {removals} possible removals of members {will}");
            }
        }
        self.run.remark("learnt", point, text, by, self.now())?;
        self.say(if known.is_some() { Level::Warning } else { Level::Info }, &said)?;
        let new =
            Settled { point: point.to_owned(), answer: answer.to_owned(), text: text.to_owned(), groups, removals };
        match known {
            Some(i) => all[i] = new,
            None => all.push(new),
        }
        self.run.put("settled", &serde_json::to_value(&all).unwrap_or_default())
    }

    /// Groups of waves that are still to come whose prediction rests on a point, and their possible removals.
    fn resting_on(&self, point: &str) -> Result<(u64, u64)> {
        let mut rest: Vec<&PlannedGroup> = Vec::new();
        for step in self.plan.steps.iter().filter(|s| s.kind == "hold-job") {
            let to_come = matches!(self.run.step(&step.id)?.state, StepState::Pending | StepState::Undone);
            let waves = self.plan.waves.iter().filter(|w| to_come && step.wave.as_deref() == Some(w.name.as_str()));
            rest.extend(waves.flat_map(|w| &w.groups).filter(|g| g.predicted.depends.iter().any(|d| d == point)));
        }
        Ok((rest.len() as u64, rest.iter().map(|g| g.predicted.possible_removals.count).sum()))
    }

    /// Names of the waves that were verified.
    pub(crate) fn verified(&self) -> Result<HashSet<&str>> {
        let mut out = HashSet::new();
        for step in self.plan.steps.iter().filter(|s| s.kind == "verify-wave") {
            if self.run.step(&step.id)?.state == StepState::Done {
                out.extend(step.wave.as_deref());
            }
        }
        Ok(out)
    }

    /// What a wave that passed shows about the open points.
    pub(super) fn learn(&self, wave: &Wave, earlier: &Inventory, look: &Inventory) -> Result<()> {
        let forecast = self.forecast(earlier, &self.scope_up_to(&wave.name));
        let (mut stayed, mut went, mut option, mut moved, mut still) = (0u64, 0u64, 0u64, 0u64, 0u64);
        let row_of = |i: &Inventory| -> HashMap<ObjectGuid, usize> {
            i.ad.groups.iter().enumerate().map(|(row, g)| (i.ad_object(g).guid, row)).collect()
        };
        let (old_rows, new_rows) = (row_of(earlier), row_of(look));
        for group in &wave.groups {
            let Some(guid) = ObjectGuid::parse(&group.object_guid) else { continue };
            let (Some(old), Some(new)) = (old_rows.get(&guid), new_rows.get(&guid)) else { continue };
            let Some(position) = forecast.position_of_ad(*old as u32) else { continue };
            let now: HashSet<ObjectGuid> =
                look.ad.members.row(*new).iter().map(|m| look.ad.objects[*m as usize].guid).collect();
            let was: HashSet<u32> = earlier.ad.members.row(*old).iter().copied().collect();
            forecast.visit_members(position, &mut |line| {
                let there = earlier.ad.objects.get(line.ad as usize).is_some_and(|o| now.contains(&o.guid));
                match line.fate {
                    Fate::MaybeLost if there => stayed += 1,
                    Fate::MaybeLost => went += 1,
                    // Only one that came shows that the job writes them: one that was there may just have been left.
                    Fate::MaybeAdded | Fate::Added if there && !was.contains(&line.ad) && is_user(earlier, line.ad) => {
                        option += 1;
                    }
                    _ => {}
                }
            });
            if group.predicted.depends.iter().any(|d| d == MOVE) {
                let parent = |i: &Inventory, row: usize| {
                    crate::directory::split(i.dn(i.ad.groups[row].object)).map(|(_, p)| p.to_lowercase())
                };
                let same = parent(earlier, *old) == parent(look, *new);
                *(if same { &mut still } else { &mut moved }) += 1;
            }
        }
        let by = format!("wave {}", wave.name);
        match (stayed, went) {
            (0, 0) => {}
            (n, 0) => self.settle_point(
                FIRST_UPDATE,
                "stay",
                &format!("{n} members that the job does not write stayed after the first update"),
                &by,
            )?,
            (_, n) => self.settle_point(
                FIRST_UPDATE,
                "go",
                &format!("{n} members that the job does not write were taken out by the first update"),
                &by,
            )?,
        }
        if option > 0 {
            let text = format!("{option} on-premises users became members by the cycle");
            self.settle_point(MEMBERSHIP_OPTION, "on", &text, &by)?;
        }
        match (still, moved) {
            (0, 0) => {}
            (n, 0) => {
                let text = format!("{n} matched groups whose container differs from the mapping's stayed in place");
                self.settle_point(MOVE, "stay", &text, &by)?;
            }
            (_, n) => {
                self.settle_point(MOVE, "move", &format!("{n} matched groups moved to the mapping's container"), &by)?
            }
        }
        Ok(())
    }

    /// Groups that were rolled back one by one: they stay out of the waves that follow.
    pub(crate) fn left_out(&self) -> Result<HashSet<ObjectGuid>> {
        let list: Vec<ObjectGuid> =
            self.fact("left-out")?.and_then(|v| serde_json::from_value(v).ok()).unwrap_or_default();
        let mut out = HashSet::new();
        for id in list {
            if !self.accepted("include", &format!("include:{id}"))? {
                out.insert(id);
            }
        }
        Ok(out)
    }

    /// The groups of a wave that take part in it.
    pub(crate) fn taking_part<'w>(&self, wave: &'w Wave) -> Result<Vec<&'w PlannedGroup>> {
        let out = self.left_out()?;
        let takes = |g: &&PlannedGroup| ObjectGuid::parse(&g.object_id).is_none_or(|id| !out.contains(&id));
        Ok(wave.groups.iter().filter(takes).collect())
    }

    /// Object ids of the groups that are to be in the job's scope while this wave is taken over: its own, and those of
    /// every wave that was scoped in and not taken back; less those left out.
    pub(crate) fn scope_up_to(&self, wave: &str) -> HashSet<ObjectGuid> {
        let left_out = self.left_out().unwrap_or_default();
        let scoped = |name: &str| {
            let step = self.plan.steps.iter().find(|s| s.kind == "scope-in" && s.wave.as_deref() == Some(name));
            step.is_some_and(|s| self.run.step(&s.id).is_ok_and(|r| r.state == StepState::Done))
        };
        let waves = self.plan.waves.iter().filter(|w| w.name == wave || scoped(&w.name));
        let ids = waves.flat_map(|w| &w.groups).filter_map(|g| ObjectGuid::parse(&g.object_id));
        ids.filter(|id| !left_out.contains(id)).collect()
    }

    /// Object ids of all groups of waves that were verified.
    pub(super) fn verified_scope(&self) -> Result<HashSet<ObjectGuid>> {
        let (verified, left_out) = (self.verified()?, self.left_out()?);
        let waves = self.plan.waves.iter().filter(|w| verified.contains(w.name.as_str()));
        let ids = waves.flat_map(|w| &w.groups).filter_map(|g| ObjectGuid::parse(&g.object_id));
        Ok(ids.filter(|id| !left_out.contains(id)).collect())
    }

    /// objectGUIDs of the planned groups with these object ids.
    pub(super) fn guids_of(&self, ids: &HashSet<ObjectGuid>) -> HashSet<ObjectGuid> {
        self.planned()
            .iter()
            .filter(|g| ObjectGuid::parse(&g.object_id).is_some_and(|id| ids.contains(&id)))
            .filter_map(|g| ObjectGuid::parse(&g.object_guid))
            .collect()
    }

    /// Groups that this run stamps.
    pub(super) fn stamped(&self) -> HashSet<ObjectGuid> {
        self.planned()
            .iter()
            .filter(|g| g.steps.iter().any(|s| s.kind == "stamp"))
            .filter_map(|g| ObjectGuid::parse(&g.object_guid))
            .collect()
    }

    /// Entra ids of groups whose AD copy may appear without being a surprise: those that V1 makes once V2 is off, and the
    /// throwaway.
    pub(super) fn expected_new(&self) -> Result<HashSet<ObjectGuid>> {
        let mut out = self.made_by_v1();
        out.extend(self.throwaway_group()?);
        Ok(out)
    }

    /// Microsoft 365 groups that V1 is expected to make once V2 is off, by object id.
    pub(super) fn made_by_v1(&self) -> HashSet<ObjectGuid> {
        let made = |e: &str| matches!(e, "created" | "written-by-v1");
        let outside = self.plan.outside.iter().filter(|o| made(&o.effect));
        outside.filter_map(|o| ObjectGuid::parse(o.object_id.as_deref()?)).collect()
    }

    /// Entra ids of groups that stay with Connect: it goes on changing their members.
    pub(super) fn stays_with_connect(&self) -> HashSet<ObjectGuid> {
        let stays = |e: &str| matches!(e, "written-by-v1" | "becomes-distribution");
        let outside = self.plan.outside.iter().filter(|o| stays(&o.effect));
        outside.filter_map(|o| ObjectGuid::parse(o.object_id.as_deref()?)).collect()
    }

    /// objectGUIDs of the AD groups that Connect maintains between two looks, so that their changes follow Entra: Microsoft
    /// 365 groups always; all others until V2 is off, unless it stands in staging.
    pub(super) fn maintained(&self, look: &Inventory, step: &Step) -> Result<HashSet<ObjectGuid>> {
        let off = self.plan.steps.iter().find(|s| s.point_of_no_return);
        let off = off.is_some_and(|s| self.run.step(&s.id).is_ok_and(|r| r.state == StepState::Done));
        // The comparison after leaving staging looks back to before V2 went off.
        let all = step.kind == "compare-all" || (!off && self.plan.policy.hold == Hold::Writeback);
        let index = crate::predict::index::Index::build(look);
        let mut out = HashSet::new();
        for group in &look.ad.groups {
            let Some(anchor) = crate::predict::index::anchor_of(look, group) else { continue };
            let entra = index.entra_group(look, anchor.0).and_then(|row| look.entra.groups.get(row as usize));
            if all || entra.is_some_and(|g| g.unified == Tri::True) {
                out.insert(look.ad_object(group).guid);
            }
        }
        Ok(out)
    }

    /// What the job will do to these groups, and to no other.
    pub(crate) fn forecast<'i>(&self, inventory: &'i Inventory, scope: &HashSet<ObjectGuid>) -> Forecast<'i> {
        use crate::predict::{Assumptions, Mappings, Scoping};
        let in_scope = super::look::rows(inventory, scope);
        let settings = &self.options.settings;
        // Who is scoped in is said here; the job's filter on the very value that scopes in must not say it again.
        let schema = self.by_attribute().then(|| super::settings::without_filter(inventory)).flatten();
        let assumed = Assumptions {
            mode: settings.scope,
            domain: settings.domain.as_deref().or(self.plan.bundle.domain.as_deref()),
            mappings: schema.as_ref().map_or(Mappings::Job, Mappings::Schema),
            scope: Scoping::Groups(&in_scope),
            on_premises_members: self.membership_option(),
        };
        Forecast::of(inventory, &assumed)
    }

    /// Whether memberships of on-premises users are provisioned: learnt, else attested as E14.
    fn membership_option(&self) -> Option<bool> {
        use crate::report::model::GateStatus;
        if let Ok(Some(answer)) = self.answer(MEMBERSHIP_OPTION) {
            return Some(answer == "on");
        }
        let attested = self.plan.gates.iter().any(|g| g.id == "E14" && g.status == GateStatus::Pass);
        let accepted = self
            .run
            .remarks()
            .unwrap_or_default()
            .iter()
            .any(|r| r.kind == "gate" && r.subject.eq_ignore_ascii_case("E14"));
        (attested || accepted).then_some(true)
    }

    /// Wishes to stop are looked at between two objects; progress goes to the operator.
    pub(super) fn progress(&self, what: &str, done: usize, of: usize) {
        self.ports.operator().progress(what, done as u64, Some(of as u64));
    }

    /// Facts of a wave's former try, so that it can be done again.
    pub(crate) fn forget_wave(&self, wave: &Wave) -> Result<()> {
        for step in self.plan.steps.iter().filter(|s| s.wave.as_deref() == Some(wave.name.as_str())) {
            self.run.put(&format!("cycle-before:{}", step.id), &Value::Null)?;
            self.run.put(&format!("differences:{}", step.id), &Value::Null)?;
            if step.script.is_some() {
                self.next_attempt(&step.id)?;
            }
        }
        for group in &wave.groups {
            let id = ObjectGuid::parse(&group.object_id).unwrap_or_default();
            self.run.put(&format!("on-demand:{id}"), &Value::Null)?;
        }
        Ok(())
    }

    /// Evidence carries the number of the attempt in its nonce: from now on a former file counts no more.
    pub(crate) fn next_attempt(&self, id: &str) -> Result<()> {
        let key = format!("attempt:{id}");
        let attempt = self.fact(&key)?.and_then(|v| v.as_u64()).unwrap_or(1);
        self.run.put(&key, &json!(attempt + 1))
    }
}

fn is_user(inventory: &Inventory, object: u32) -> bool {
    use crate::directory::inventory::AdClass;
    inventory.ad.objects.get(object as usize).is_some_and(|o| o.class == AdClass::User)
}
