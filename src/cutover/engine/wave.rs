//! A wave: held, scoped in, provisioned, compared with the prediction. The first difference pauses the job and stops.

use super::compare::{Difference, Expected, Kind, compare};
use super::learn::FIRST_UPDATE;
use super::look::{FIRST, anchored};
use super::{Engine, Go, Halt, Stop, Surroundings};
use crate::cutover::port::Level;
use crate::directory::ObjectGuid;
use crate::directory::inventory::Inventory;
use crate::plan::model::{PlannedGroup, Step, Wave};
use crate::predict::Fate;
use hashbrown::{HashMap, HashSet};
use serde_json::{Value, json};

pub(crate) fn before(wave: &str) -> String {
    format!("before-{wave}")
}

impl<P: Surroundings> Engine<'_, P> {
    /// The job at rest, both sides looked at again, and the prediction made anew from what Entra says now.
    pub(super) async fn hold_job(&self, step: &Step) -> Go<Option<String>> {
        let wave = self.wave_of(step)?;
        self.gate_agents().await?;
        self.pause(&step.id, false).await?;
        let look = self.look("looking at both sides before the wave").await?;
        let first = self.open_look(FIRST)?;
        let groups = self.taking_part(wave)?;
        let ids: HashSet<ObjectGuid> = groups.iter().filter_map(|g| ObjectGuid::parse(&g.object_id)).collect();
        self.gate_shrunk(self.shrunk(&first, &look, &ids, true), "Nothing was removed.")?;
        self.gate_new_removals(wave, &groups, &look)?;
        self.keep_look(&before(&wave.name), &look)?;
        // What stands now is what a rollback of this wave compares with.
        let guids: Vec<ObjectGuid> = groups.iter().filter_map(|g| ObjectGuid::parse(&g.object_guid)).collect();
        self.keep_groups(&step.id, &guids).await?;
        Ok(Some(match wave.groups.len() - groups.len() {
            0 => format!("{} groups", groups.len()),
            n => format!("{} groups, {n} left out since they were rolled back one by one", groups.len()),
        }))
    }

    /// Removals that the prediction shows now and the plan did not: nobody has seen them yet.
    fn gate_new_removals(&self, wave: &Wave, groups: &[&PlannedGroup], look: &Inventory) -> Go {
        let forecast = self.forecast(look, &self.scope_up_to(&wave.name));
        let strips = self.strips()?;
        let rows: HashMap<ObjectGuid, u32> =
            look.ad.groups.iter().enumerate().map(|(row, g)| (look.ad_object(g).guid, row as u32)).collect();
        let mut lines = Vec::new();
        for group in groups {
            let row = ObjectGuid::parse(&group.object_guid).and_then(|g| rows.get(&g));
            let Some(position) = row.and_then(|r| forecast.position_of_ad(*r)) else { continue };
            let planned: HashSet<String> = group.predicted.member_removals.iter().map(|d| d.to_lowercase()).collect();
            let mut new = Vec::new();
            forecast.visit_members(position, &mut |line| {
                let goes = line.fate == Fate::Lost || (strips && line.fate == Fate::MaybeLost);
                if goes && !planned.contains(&look.dn(line.ad).to_lowercase()) {
                    new.push(look.dn(line.ad).to_owned());
                }
            });
            if !new.is_empty() && !self.accepted("removals", &format!("removals:{}", group.object_id))? {
                lines.push(format!(
                    "{}: {} more members would be taken out, the first {}",
                    group.dn,
                    new.len(),
                    new[0]
                ));
                lines.push(format!("  accept with: --accept \"removals:{}=REASON\"", group.object_id));
            }
        }
        if lines.is_empty() {
            return Ok(());
        }
        Err(Halt::Drift(
            Stop::new("the job would take out members that the plan does not show")
                .lines(lines)
                .next("They stand in AD and the job does not write them. Add them in Entra, or take them out in AD, or accept it group by group, then: groupshift cutover resume (with --accept NAME=REASON for each)")
                .plan_again(),
        ))
    }

    /// Whether a canary showed that the first update takes out members that the job cannot write.
    pub(super) fn strips(&self) -> crate::error::Result<bool> {
        Ok(self.answer(FIRST_UPDATE)?.as_deref() == Some("go"))
    }

    /// Canaries on demand where the service allows it, then the job and one cycle.
    pub(super) async fn start_job(&self, step: &Step) -> Go<Option<String>> {
        let wave = self.wave_of(step)?;
        let job = self.the_job().await?;
        if job.is_at_rest() {
            self.scope_is_exact(step, &job).await?;
            self.ready_to_start(step, &job).await?;
        }
        let key = format!("cycle-before:{}", step.id);
        if self.fact(&key)?.is_none() {
            let last = job.raw.pointer("/status/lastExecution").cloned().unwrap_or(Value::Null);
            self.run.put(&key, &json!({ "last": last, "at": self.now() }))?;
        }
        if wave.canary {
            self.on_demand(step, wave, &job).await?;
        }
        if job.is_at_rest() {
            self.start(&step.id, &job).await?;
        }
        let known = self.fact(&key)?.unwrap_or_default();
        let last = known.get("last").cloned().filter(|v| !v.is_null());
        let job = self.wait_for_cycle(&last, wave.cycles_at_most).await?;
        let since = known.get("at").and_then(|v| serde_json::from_value(v.clone()).ok()).unwrap_or_else(|| self.now());
        let logs = self.log_since(&job, since).await?;
        let groups: HashMap<ObjectGuid, String> = self
            .taking_part(wave)?
            .into_iter()
            .filter_map(|g| {
                Some((ObjectGuid::parse(&g.object_id)?, g.display_name.clone().unwrap_or_else(|| g.dn.clone())))
            })
            .collect();
        let trouble = self.judge_log(&job, logs.as_deref(), &groups);
        if trouble.is_err() {
            self.pause(&step.id, false).await?;
        }
        Ok(Some(match trouble? {
            0 => "one successful cycle".to_owned(),
            n => format!("one cycle; {n} troubles in the log"),
        }))
    }

    /// Every anchored group against the prediction.
    pub(super) async fn verify_wave(&self, step: &Step) -> Go<Option<String>> {
        let wave = self.wave_of(step)?;
        let earlier = self.open_look(&before(&wave.name))?;
        let mut cycles = 1;
        let (look, differences) = loop {
            let look = self.look("comparing every anchored group").await?;
            let differences = self.differences(step, wave, &earlier, &look)?;
            let waiting = !differences.is_empty() && differences.iter().all(|d| d.kind == Kind::MemberMissing);
            let job = if waiting && cycles < wave.cycles_at_most { Some(self.the_job().await?) } else { None };
            let Some(job) = job.filter(|j| !j.is_at_rest()) else { break (look, differences) };
            cycles += 1;
            self.say(
                Level::Info,
                &format!("{} members are not there yet: waiting for another cycle", differences.len()),
            )?;
            let last = job.raw.pointer("/status/lastExecution").cloned();
            self.wait_for_cycle(&last, 1).await?;
        };
        // What AD lost is a difference; a source that shrank while the job ran was followed, and shows in none of them.
        self.judge(step, &wave.name, differences).await?;
        let ids: HashSet<ObjectGuid> = wave.groups.iter().filter_map(|g| ObjectGuid::parse(&g.object_id)).collect();
        let shrunk = self.shrunk(&earlier, &look, &ids, false);
        if !shrunk.is_empty() {
            self.pause(&step.id, false).await?;
            let next = format!(
                "The job has followed it in AD. To take it back: groupshift cutover rollback --wave \"{}\"",
                wave.name
            );
            self.gate_shrunk(shrunk, &next)?;
        }
        self.learn(wave, &earlier, &look)?;
        // As this run leaves them: what a rollback may take back.
        let guids: Vec<ObjectGuid> =
            self.taking_part(wave)?.iter().filter_map(|g| ObjectGuid::parse(&g.object_guid)).collect();
        self.keep_groups(&step.id, &guids).await?;
        let shown = anchored(&look).len();
        self.say(
            Level::Info,
            &format!("wave {}: {shown} anchored groups compared, every one as predicted or accepted", wave.name),
        )?;
        Ok(Some(format!("{shown} groups compared")))
    }

    /// What is not as predicted between the look before a wave and this one.
    pub(crate) fn differences(
        &self,
        step: &Step,
        wave: &Wave,
        earlier: &Inventory,
        look: &Inventory,
    ) -> crate::error::Result<Vec<Difference>> {
        let scope = self.scope_up_to(&wave.name);
        let (then, now) = (self.forecast(earlier, &scope), self.forecast(look, &scope));
        let expected = Expected {
            written: &self.guids_of(&scope),
            created: &self.expected_new()?,
            stamped: &HashSet::new(),
            maintained: &self.maintained(look, step)?,
            strips: self.strips()?,
            moves: self.answer(super::learn::MOVE)?.as_deref() == Some("move"),
        };
        Ok(compare(&then, &now, &expected))
    }

    /// Every anchored group against the first look, once Connect exports again.
    pub(super) async fn compare_all(&self, step: &Step) -> Go<Option<String>> {
        let first = self.open_look(FIRST)?;
        let look = self.look("comparing every anchored group").await?;
        // Canaries that the job took over before V2 went off.
        let scope = self.verified_scope()?;
        let differences = {
            let (then, now) = (self.forecast(&first, &scope), self.forecast(&look, &scope));
            let expected = Expected {
                written: &self.guids_of(&scope),
                created: &self.expected_new()?,
                stamped: &self.stamped(),
                maintained: &self.maintained(&look, step)?,
                strips: self.strips()?,
                moves: self.answer(super::learn::MOVE)?.as_deref() == Some("move"),
            };
            compare(&then, &now, &expected)
        };
        let becoming: HashSet<&str> = self
            .plan
            .outside
            .iter()
            .filter(|o| o.effect == "becomes-distribution")
            .filter_map(|o| o.dn.as_deref())
            .collect();
        let differences: Vec<Difference> =
            differences.into_iter().filter(|d| !(d.kind == Kind::Type && becoming.contains(d.dn.as_str()))).collect();
        self.judge(step, "all", differences).await?;
        let shown = anchored(&look).len();
        self.say(
            Level::Info,
            &format!("{shown} anchored groups compared: none was renamed, moved, emptied, deleted or made twice"),
        )?;
        Ok(Some(format!("{shown} groups compared")))
    }

    /// Differences that nobody accepted: the job is paused first, then they are shown.
    pub(crate) async fn judge(&self, step: &Step, wave: &str, differences: Vec<Difference>) -> Go {
        let mut open = Vec::new();
        for difference in differences {
            if !self.accepted("difference", &difference.key)? {
                open.push(difference);
            }
        }
        if open.is_empty() {
            return Ok(());
        }
        self.pause(&step.id, false).await?;
        let written: Vec<ObjectGuid> =
            open.iter().filter_map(|d| ObjectGuid::parse(&d.object_guid)).filter(|g| !g.is_nil()).collect();
        self.keep_groups(&step.id, &written).await?;
        self.run.put(&format!("differences:{}", step.id), &serde_json::to_value(&open).unwrap_or_default())?;
        let accept: Vec<String> = open.iter().take(5).map(|d| format!("--accept \"{}=REASON\"", d.key)).collect();
        let mut stop = Stop::new(format!(
            "{} differences from the prediction; the job is paused, nothing further was touched",
            open.len()
        ))
        .lines(open.iter().map(Difference::line))
        .next(format!("Accept what is right: groupshift cutover resume {}", accept.join(" ")));
        if wave != "all" {
            stop = stop.next(format!("Or take the wave back: groupshift cutover rollback --wave \"{wave}\""));
        }
        stop.differences = open;
        Err(Halt::Drift(stop.next("Or mend it, and: groupshift cutover resume (everything is compared again).")))
    }
}

/// Nested groups before those that nest them; circles as they come.
pub(crate) fn in_nesting_order(groups: &[&PlannedGroup]) -> Vec<(ObjectGuid, String)> {
    let by_id: HashMap<&str, usize> = groups.iter().enumerate().map(|(i, g)| (g.object_id.as_str(), i)).collect();
    let mut state = vec![0u8; groups.len()];
    let mut out = Vec::with_capacity(groups.len());
    for start in 0..groups.len() {
        // An explicit stack: nesting may be deep.
        let mut stack = vec![(start, 0)];
        while let Some((at, child)) = stack.pop() {
            if child == 0 {
                if state[at] != 0 {
                    continue;
                }
                state[at] = 1;
            }
            match groups[at].nests.get(child) {
                Some(id) => {
                    stack.push((at, child + 1));
                    if let Some(next) = by_id.get(id.as_str()).filter(|n| state[**n] == 0) {
                        stack.push((*next, 0));
                    }
                }
                None if state[at] == 1 => {
                    state[at] = 2;
                    let name = groups[at].display_name.clone().unwrap_or_else(|| groups[at].dn.clone());
                    out.extend(ObjectGuid::parse(&groups[at].object_id).map(|id| (id, name)));
                }
                None => {}
            }
        }
    }
    out
}
