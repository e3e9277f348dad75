//! What of a group's changes is this run's: what the job was predicted to do, and what a comparison showed to the operator
//! as no part of the prediction. Who left or joined the Entra group meanwhile is neither: nobody gets access back by a
//! rollback that the tenant took away.

use super::{Rolled, Target};
use crate::cutover::engine::compare::{Difference, Kind};
use crate::cutover::engine::{Engine, Go, Halt, Surroundings, before_look};
use crate::cutover::port::Level;
use crate::cutover::record::StepState;
use crate::cutover::store::is_crash;
use crate::directory::ObjectGuid;
use crate::error::Result;
use crate::plan::model::{Step, Wave};
use crate::predict::{Fate, Predicted};
use hashbrown::{HashMap, HashSet};

/// Of one group, by objectGUID.
#[derive(Debug, Clone, Default)]
pub(super) struct Ours {
    /// Members that went, and that came, by DN in lower case.
    pub lost: HashSet<String>,
    pub gained: HashSet<String>,
    pub renamed: bool,
    /// Attributes, in lower case.
    pub attributes: HashSet<String>,
}

impl<P: Surroundings> Engine<'_, P> {
    /// Waves that the target concerns, with their steps of comparison.
    fn waves_of(&self, target: &Target) -> Vec<(&Wave, &Step)> {
        let concerns = |w: &&Wave| match target {
            Target::All => true,
            Target::Wave(name) => w.name.eq_ignore_ascii_case(name),
            Target::Group(id) => w.groups.iter().any(|g| {
                g.object_id.eq_ignore_ascii_case(id.trim())
                    || g.object_guid.eq_ignore_ascii_case(id.trim())
                    || crate::directory::same_dn(&g.dn, id)
            }),
        };
        let step_of = |w: &Wave| {
            let of_wave = |s: &&Step| s.kind == "verify-wave" && s.wave.as_deref() == Some(w.name.as_str());
            self.plan.steps.iter().find(of_wave)
        };
        self.plan.waves.iter().filter(concerns).filter_map(|w| Some((w, step_of(w)?))).collect()
    }

    /// Looks at what a started wave did that nobody has verified: what it shows is told, and may then be taken back.
    pub(super) async fn see(&self, target: &Target) -> Go {
        for (wave, step) in self.waves_of(target) {
            let state = |kind: &str| {
                let own = |s: &&Step| s.kind == kind && s.wave == step.wave;
                let found = self.plan.steps.iter().find(own);
                found.map_or(Ok(StepState::Pending), |s| self.run.step(&s.id).map(|r| r.state))
            };
            let started = !matches!(state("start-job")?, StepState::Pending | StepState::Undone);
            let verified = state("verify-wave")? == StepState::Done;
            let before = before_look(&wave.name);
            if !started || verified || !self.has_look(&before) {
                continue;
            }
            let look = match self.look("looking at what the wave did").await {
                Ok(look) => look,
                Err(Halt::Error(error)) if !is_crash(&error) => {
                    let text = format!(
                        "what the wave did could not be looked at as a whole ({error}): only what a snapshot of a group tells is restored"
                    );
                    self.say(Level::Warning, &text)?;
                    continue;
                }
                Err(halt) => return Err(halt),
            };
            let differences = self.differences(step, wave, &self.open_look(&before)?, &look)?;
            for difference in &differences {
                self.say(Level::Info, &format!("  {}", difference.line()))?;
            }
            let mut guids: Vec<ObjectGuid> =
                wave.groups.iter().filter_map(|g| ObjectGuid::parse(&g.object_guid)).collect();
            guids.extend(differences.iter().filter_map(|d| ObjectGuid::parse(&d.object_guid)));
            let mut once = HashSet::new();
            guids.retain(|g| !g.is_nil() && once.insert(*g));
            self.run
                .put(&format!("differences:{}", step.id), &serde_json::to_value(&differences).unwrap_or_default())?;
            self.keep_groups(&step.id, &guids).await?;
        }
        Ok(())
    }

    /// Differences that were shown at the steps that the target concerns.
    pub(super) fn shown(&self, target: &Target) -> Result<Vec<Difference>> {
        let mut out = Vec::new();
        let waves: HashSet<&str> = self.waves_of(target).iter().map(|(w, _)| w.name.as_str()).collect();
        for step in &self.plan.steps {
            let concerns = match step.wave.as_deref() {
                Some(wave) => waves.contains(wave),
                None => *target == Target::All,
            };
            let kept = self.fact(&format!("differences:{}", step.id))?.filter(|_| concerns);
            let list: Vec<Difference> = kept.and_then(|v| serde_json::from_value(v).ok()).unwrap_or_default();
            out.extend(list);
        }
        Ok(out)
    }

    /// What of each group's changes is this run's.
    pub(super) fn ours(&self, target: &Target, rolled: &mut Rolled) -> Result<HashMap<ObjectGuid, Ours>> {
        let mut out: HashMap<ObjectGuid, Ours> = HashMap::new();
        for (wave, _) in self.waves_of(target) {
            let before = before_look(&wave.name);
            if !self.has_look(&before) {
                continue;
            }
            let look = self.open_look(&before)?;
            let forecast = self.forecast(&look, &self.scope_up_to(&wave.name));
            let rows: HashMap<ObjectGuid, u32> =
                look.ad.groups.iter().enumerate().map(|(row, g)| (look.ad_object(g).guid, row as u32)).collect();
            for guid in wave.groups.iter().filter_map(|g| ObjectGuid::parse(&g.object_guid)) {
                let own = out.entry(guid).or_default();
                let Some(position) = rows.get(&guid).and_then(|row| forecast.position_of_ad(*row)) else { continue };
                forecast.visit_members(position, &mut |line| {
                    let dn = || look.dn(line.ad).to_lowercase();
                    match line.fate {
                        Fate::Lost | Fate::MaybeLost => drop(own.lost.insert(dn())),
                        Fate::Added | Fate::MaybeAdded => drop(own.gained.insert(dn())),
                        _ => {}
                    }
                });
                if let Some(after) = forecast.after(position) {
                    own.renamed |= !matches!(after.dn, Predicted::Unchanged);
                    own.attributes.extend(after.attributes.iter().map(|a| a.name.to_lowercase()));
                    if after.sam_account_name.is_some() {
                        own.attributes.insert("samaccountname".to_owned());
                    }
                }
            }
        }
        for difference in self.shown(target)? {
            let Some(guid) = ObjectGuid::parse(&difference.object_guid).filter(|g| !g.is_nil()) else { continue };
            let own = out.entry(guid).or_default();
            let member = difference.member.as_deref().unwrap_or_default().to_lowercase();
            match difference.kind {
                Kind::MemberLost => drop(own.lost.insert(member)),
                Kind::Name => own.renamed = true,
                Kind::Type => drop(own.attributes.insert("grouptype".to_owned())),
                Kind::Anchor => drop(own.attributes.insert("admindescription".to_owned())),
                Kind::Attribute => {
                    own.attributes.extend(["displayname", "description", "samaccountname"].map(str::to_owned));
                }
                Kind::Created | Kind::Duplicate => rolled.left.push(format!(
                    "{}: {}. This program deletes no AD object: look at it, and delete it by hand where it is none of yours",
                    difference.dn, difference.actual
                )),
                // A member that stands in AD and not in Entra: the job brings no such; whoever added it did so on purpose.
                Kind::MemberGained | Kind::MemberMissing | Kind::Deleted | Kind::Sid | Kind::Stamp => {}
            }
        }
        Ok(out)
    }
}
