//! `--dry-run`: every write that would be done, with what stands there now, and nothing done.

use super::{Go, Halt, Options, Surroundings};
use crate::cutover::port::{Directory, Level, Operator, STAMP, Tenant};
use crate::cutover::record::StepState;
use crate::directory::ObjectGuid;
use crate::plan::Plan;
use crate::plan::model::{GroupStep, PlannedGroup, Step};
use hashbrown::HashSet;

/// What a dry run counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct DryCounts {
    pub writes: u64,
    /// Writes that the live state would not let through.
    pub blocked: u64,
    pub done: u64,
}

/// Shows the steps that are still to do, up to the wanted wave.
pub async fn dry_run<P: Surroundings>(
    ports: &P,
    plan: &Plan,
    options: &Options,
    state: impl Fn(&str) -> StepState,
) -> Go<DryCounts> {
    Dry { ports, plan, options }.walk(state).await
}

struct Dry<'a, P: Surroundings> {
    ports: &'a P,
    plan: &'a Plan,
    options: &'a Options,
}

impl<P: Surroundings> Dry<'_, P> {
    async fn walk(&self, state: impl Fn(&str) -> StepState) -> Go<DryCounts> {
        let mut counts = DryCounts::default();
        let operator = self.ports.operator();
        for (position, step) in self.plan.steps.iter().enumerate() {
            if state(&step.id) == StepState::Done {
                continue;
            }
            if let Some(why) = operator.wants_to_stop() {
                return Err(Halt::Interrupted(why));
            }
            operator.say(Level::Step, &format!("{} {}", step.id, step.title));
            for gate in &step.gate {
                operator.say(Level::Info, &format!("  first: {}: {}", gate.id, gate.requires));
            }
            match step.kind.as_str() {
                "stamp" => self.dry_stamps(step, &mut counts).await?,
                "write-extension" | "write-extensions" | "freeze-canaries" => self.dry_properties(step, &mut counts),
                "scope-in" => self.dry_scope(step, &mut counts).await?,
                _ => match &step.script {
                    Some(script) => operator.say(
                        Level::Write,
                        &format!("  would ask for {script} on {}", step.server.as_deref().unwrap_or("the server")),
                    ),
                    None => operator.say(Level::Info, &format!("  {}", step.what)),
                },
            }
            let last_of_wave = self.plan.steps.get(position + 1).is_none_or(|next| next.wave != step.wave);
            if step.wave.is_some() && last_of_wave && self.options.wave == step.wave {
                break;
            }
        }
        Ok(counts)
    }

    async fn dry_stamps(&self, step: &Step, counts: &mut DryCounts) -> Go {
        let due: Vec<(&PlannedGroup, Option<String>, Option<String>)> =
            self.due(step).map(|(g, s)| (g, s.expects.clone(), s.writes.clone())).collect();
        let guids: Vec<ObjectGuid> =
            due.iter().map(|(g, _, _)| ObjectGuid::parse(&g.object_guid).unwrap_or_default()).collect();
        let pin = self.ports.directory().pin().await?;
        let here = crate::cutover::port::Controller { host: pin.controller, catalog: false };
        let now = self.ports.directory().stamps_on(&here, &guids).await?;
        for ((group, expects, writes), now) in due.iter().zip(now) {
            let text = super::write::line(&step.id, STAMP, &group.dn, now.as_deref(), writes.as_deref());
            if now == *writes {
                counts.done += 1;
                self.ports.operator().say(Level::Info, &format!("  there already: {text}"));
            } else if now == *expects {
                counts.writes += 1;
                self.ports.operator().say(Level::Write, &format!("  would write {text}"));
            } else {
                counts.blocked += 1;
                let saw = expects.as_deref().unwrap_or("(empty)");
                self.ports.operator().say(Level::Trouble, &format!("  would stop: {text}; the plan saw {saw}"));
            }
        }
        Ok(())
    }

    /// What is written to each group in this step.
    fn due<'s>(&'s self, step: &'s Step) -> impl Iterator<Item = (&'s PlannedGroup, &'s GroupStep)> {
        let groups = self.plan.waves.iter().flat_map(|w| &w.groups);
        groups.flat_map(move |g| g.steps.iter().filter(move |s| s.step == step.id).map(move |s| (g, s)))
    }

    fn dry_properties(&self, step: &Step, counts: &mut DryCounts) {
        for (group, due) in self.due(step) {
            counts.writes += 1;
            let name = due.attribute.as_deref().unwrap_or_default();
            let dn = group.display_name.as_deref().unwrap_or(&group.dn);
            let text = super::write::line(&step.id, name, dn, due.expects.as_deref(), due.writes.as_deref());
            self.ports.operator().say(Level::Write, &format!("  would write {text}"));
        }
    }

    async fn dry_scope(&self, step: &Step, counts: &mut DryCounts) -> Go {
        let Some(wave) = self.plan.waves.iter().find(|w| Some(&w.name) == step.wave.as_ref()) else { return Ok(()) };
        let there: HashSet<ObjectGuid> = match self.ports.tenant().job().await? {
            Some(job) => self.ports.tenant().assignments(&job).await?.iter().map(|a| a.principal).collect(),
            None => HashSet::new(),
        };
        for (id, name) in super::wave::in_nesting_order(&wave.groups.iter().collect::<Vec<_>>()) {
            let known = there.contains(&id);
            counts.writes += u64::from(!known);
            let text = if known { "is assigned; it would be taken out first" } else { "would be assigned" };
            self.ports.operator().say(Level::Write, &format!("  {name} ({id}) {text}"));
        }
        Ok(())
    }
}
