//! The job's scope: groups in and out, by assignment or by the extension value that the job's filter reads, and the proof
//! that it holds what it should and nothing else.

use super::job::first_fault;
use super::wave::in_nesting_order;
use super::{Engine, Go, Halt, Stop, Surroundings};
use crate::cutover::port::{Assigned, Directory, JobState, Level, Tenant, WriteFault, Written};
use crate::cutover::record::{Intent, Settled, WriteState};
use crate::directory::ObjectGuid;
use crate::directory::inventory::Inventory;
use crate::error::{Error, Result};
use crate::plan::model::{PlannedGroup, Step};
use hashbrown::{HashMap, HashSet};
use serde_json::{Value, json};

/// The extension property by which groups are scoped in, without its application's prefix.
pub(crate) const PROPERTY: &str = "WritebackEnabled";
/// Assignments that one request to Graph carries.
const BATCH: usize = 20;

impl<P: Surroundings> Engine<'_, P> {
    /// Whether groups are scoped in by an extension value instead of an assignment.
    pub(crate) fn by_attribute(&self) -> bool {
        self.plan.job.scope == "attribute"
    }

    /// The wave's groups into the job's scope, nested ones first; afterwards the scope is exactly what it should be.
    pub(super) async fn scope_in(&self, step: &Step) -> Go<Option<String>> {
        let wave = self.wave_of(step)?;
        self.require_rest(step).await?;
        self.pending_is_fresh(step).await?;
        let groups = self.taking_part(wave)?;
        self.verify_stamps(step, &groups).await?;
        self.no_second_carriers(&groups).await?;
        let job = self.the_job().await?;
        let due = in_nesting_order(&groups);
        let done = match self.by_attribute() {
            true => self.set_values(step, &due).await?,
            false => self.assign(step, &job, &due).await?,
        };
        self.scope_is_exact(step, &job).await?;
        Ok(Some(format!("{done} scoped in, {} in the wave", groups.len())))
    }

    async fn assign(&self, step: &Step, job: &JobState, due: &[(ObjectGuid, String)]) -> Go<u64> {
        let tenant = self.ports.tenant();
        let role = self.plan.job.app_role_id.clone().unwrap_or_default();
        let mut done = 0;
        for batch in due.chunks(BATCH) {
            self.breathe()?;
            self.progress("assignments", done as usize, due.len());
            let there = self.assigned(job).await?;
            let open: Vec<&(ObjectGuid, String)> = batch.iter().filter(|(id, _)| !there.contains(id)).collect();
            if open.is_empty() {
                continue;
            }
            let intents: Vec<Intent> =
                open.iter().map(|(id, name)| self.assignment(&step.id, false, *id, name, &role)).collect();
            let ids = self.run.intend(&intents, self.now())?;
            let wanted: Vec<ObjectGuid> = open.iter().map(|(id, _)| *id).collect();
            let answers = tenant.assign(job, &role, &wanted).await?;
            let seen = || async {
                let now = self.assigned(job).await?;
                Ok(wanted.iter().all(|id| now.contains(id)))
            };
            let all = self.wait_for(&seen).await?;
            let now = self.assigned(job).await?;
            self.settle_scope(&ids, wanted.iter().map(|id| now.contains(id)), &answers)?;
            for (id, name) in open.iter().filter(|(id, _)| now.contains(id)) {
                self.say(Level::Write, &format!("{} {name} ({id}): in the job's scope", step.id))?;
            }
            done += wanted.len() as u64;
            if !all {
                return Err(first_fault(answers, "groups could not be brought into the job's scope"));
            }
        }
        Ok(done)
    }

    /// The value that the job's filter reads becomes true, group by group, guarded and read back.
    async fn set_values(&self, step: &Step, due: &[(ObjectGuid, String)]) -> Go<u64> {
        let property = self.property_name()?;
        let mut done = 0;
        for (id, name) in due {
            self.breathe()?;
            self.progress("scope values", done as usize, due.len());
            done += u64::from(self.set_value(&step.id, false, *id, name, &property, true).await?);
        }
        Ok(done)
    }

    /// One group's value, from whatever it is to this.
    pub(crate) async fn set_value(
        &self,
        step: &str,
        undo: bool,
        id: ObjectGuid,
        name: &str,
        property: &str,
        wanted: bool,
    ) -> Go<bool> {
        let now = self.property(id, property).await?;
        if truth(now.as_ref()) == wanted {
            return Ok(false);
        }
        let intent = Intent {
            step: step.to_owned(),
            undo,
            action: if wanted { "scope-in" } else { "scope-out" }.to_owned(),
            object: id.to_string(),
            name: name.to_owned(),
            attribute: Some(property.to_owned()),
            old: now.clone(),
            new: Some(json!(wanted)),
            ..Intent::default()
        };
        let body = super::stamp::nested(property, json!(wanted));
        let send = async { self.ports.tenant().update_group(id, &body).await };
        let seen = || async { Ok(truth(self.property(id, property).await?.as_ref()) == wanted) };
        self.tenant_write(intent, send, seen).await
    }

    /// The full name of the extension property, found or made when the job was set up.
    pub(crate) fn property_name(&self) -> Result<String> {
        let known = self.fact(&format!("extension:{PROPERTY}"))?.and_then(|v| v.as_str().map(str::to_owned));
        known.ok_or_else(|| {
            Error::failed("the extension property that scopes groups in is not known to this run")
                .hint("The step that sets the job up finds or makes it: groupshift cutover resume")
        })
    }

    /// Ids of everything that is assigned to the job.
    pub(crate) async fn assigned(&self, job: &JobState) -> Result<HashSet<ObjectGuid>> {
        Ok(self.ports.tenant().assignments(job).await?.iter().map(|a| a.principal).collect())
    }

    /// Ids of everything in the job's scope, whoever brought it there.
    pub(crate) async fn in_scope_now(&self, job: &JobState) -> Go<HashSet<ObjectGuid>> {
        if !self.by_attribute() {
            return Ok(self.assigned(job).await?);
        }
        let property = self.property_name()?;
        let look = self.look("looking at every group's scope value").await?;
        let mut now = valued(&look, &property);
        // Graph's list may lag behind: planned groups are asked themselves.
        let mut planned: Vec<ObjectGuid> =
            self.planned().iter().filter_map(|g| ObjectGuid::parse(&g.object_id)).collect();
        planned.extend(self.throwaway_group()?);
        for batch in planned.chunks(100) {
            for (id, group) in batch.iter().zip(self.ports.tenant().groups(batch).await?) {
                match group.is_some_and(|g| truth(value_of(&g.properties, &property).as_ref())) {
                    true => drop(now.insert(*id)),
                    false => drop(now.remove(id)),
                }
            }
        }
        Ok(now)
    }

    /// The scope holds the groups of this wave and of those before, and nothing else.
    pub(super) async fn scope_is_exact(&self, step: &Step, job: &JobState) -> Go {
        let wanted = self.scope_up_to(step.wave.as_deref().unwrap_or_default());
        let now = self.in_scope_now(job).await?;
        let mut extra: Vec<String> =
            now.difference(&wanted).map(|id| format!("{id} is in scope, and in no wave so far")).collect();
        let mut lacking: Vec<String> =
            wanted.difference(&now).map(|id| format!("{id} is not in scope any more")).collect();
        if extra.is_empty() && lacking.is_empty() {
            return Ok(());
        }
        extra.sort();
        lacking.sort();
        Err(Halt::Drift(
            Stop::new("the job's scope is not what the plan says")
                .lines(extra.into_iter().chain(lacking))
                .next("The job is not started. Somebody changed the scope: put it right in the portal, then: groupshift cutover resume"),
        ))
    }

    /// One object a stamp, in the whole forest.
    async fn no_second_carriers(&self, groups: &[&PlannedGroup]) -> Go {
        let by_anchor: HashMap<String, &PlannedGroup> = groups
            .iter()
            .filter_map(|g| {
                ObjectGuid::parse(&g.object_id).map(|id| (crate::directory::Anchor(id).to_string().to_lowercase(), *g))
            })
            .collect();
        let anchors: Vec<String> = groups
            .iter()
            .filter_map(|g| ObjectGuid::parse(&g.object_id).map(|id| crate::directory::Anchor(id).to_string()))
            .collect();
        let mut lines = Vec::new();
        for (anchor, carrier) in self.ports.directory().carriers(&anchors).await? {
            let Some(group) = by_anchor.get(&anchor.to_lowercase()) else { continue };
            if !carrier.guid.to_string().eq_ignore_ascii_case(&group.object_guid) {
                lines.push(format!("{anchor} is also carried by {} in {}", carrier.dn, carrier.attribute));
            }
        }
        if lines.is_empty() {
            return Ok(());
        }
        Err(Halt::Drift(
            Stop::new("an anchor is carried by a second object")
                .lines(lines)
                .next("The job would report duplicates, or take the wrong one. Clear the value on the object that is not the group, then: groupshift cutover resume"),
        ))
    }

    fn assignment(&self, step: &str, undo: bool, id: ObjectGuid, name: &str, role: &str) -> Intent {
        Intent {
            step: step.to_owned(),
            undo,
            action: "scope-in".to_owned(),
            object: id.to_string(),
            name: name.to_owned(),
            attribute: Some("appRoleAssignedTo".to_owned()),
            new: Some(json!(role)),
            ..Intent::default()
        }
    }

    /// Brings one group into the scope: the throwaway, or one that was in scope before the run.
    pub(crate) async fn scope_one_in(
        &self,
        step: &str,
        undo: bool,
        id: ObjectGuid,
        name: &str,
        role: Option<&str>,
    ) -> Go {
        if self.by_attribute() {
            let property = self.property_name()?;
            self.set_value(step, undo, id, name, &property, true).await?;
            return Ok(());
        }
        let job = self.the_job().await?;
        let tenant = self.ports.tenant();
        let role = role.or(self.plan.job.app_role_id.as_deref()).unwrap_or_default();
        let intent = self.assignment(step, undo, id, name, role);
        let send = async { one(tenant.assign(&job, role, &[id]).await) };
        let seen = || async { Ok(self.assigned(&job).await?.contains(&id)) };
        self.tenant_write(intent, send, seen).await?;
        Ok(())
    }

    /// Takes groups out of the job's scope: those of these ids that are in it.
    pub(crate) async fn scope_groups_out(&self, step: &str, undo: bool, ids: &HashSet<ObjectGuid>) -> Go<u64> {
        if self.by_attribute() {
            let Ok(property) = self.property_name() else { return Ok(0) };
            let mut list: Vec<ObjectGuid> = ids.iter().copied().collect();
            list.sort();
            let mut count = 0;
            for id in list {
                self.breathe()?;
                if self.ports.tenant().groups(&[id]).await?.pop().flatten().is_none() {
                    continue;
                }
                count += u64::from(self.set_value(step, undo, id, &id.to_string(), &property, false).await?);
            }
            return Ok(count);
        }
        let Some(job) = self.ports.tenant().job().await? else { return Ok(0) };
        let there = self.ports.tenant().assignments(&job).await?;
        let out: Vec<Assigned> = there.into_iter().filter(|a| ids.contains(&a.principal)).collect();
        self.take_out(step, undo, &job, out).await
    }

    /// Takes assignments out of the job's scope.
    pub(crate) async fn take_out(&self, step: &str, undo: bool, job: &JobState, out: Vec<Assigned>) -> Go<u64> {
        let tenant = self.ports.tenant();
        let mut count = 0;
        for batch in out.chunks(BATCH) {
            self.breathe()?;
            let intents: Vec<Intent> = batch
                .iter()
                .map(|a| Intent {
                    step: step.to_owned(),
                    undo,
                    action: "scope-out".to_owned(),
                    object: a.principal.to_string(),
                    name: a.principal.to_string(),
                    attribute: Some("appRoleAssignedTo".to_owned()),
                    old: Some(json!({ "id": a.id, "appRoleId": a.app_role })),
                    ..Intent::default()
                })
                .collect();
            let ids = self.run.intend(&intents, self.now())?;
            let answers = tenant.unassign(job, batch).await?;
            let gone = || async {
                let now = self.assigned(job).await?;
                Ok(batch.iter().all(|a| !now.contains(&a.principal)))
            };
            let all_gone = self.wait_for(&gone).await?;
            let now = self.assigned(job).await?;
            self.settle_scope(&ids, batch.iter().map(|a| !now.contains(&a.principal)), &answers)?;
            for a in batch.iter().filter(|a| !now.contains(&a.principal)) {
                self.say(Level::Write, &format!("{step} {}: out of the job's scope", a.principal))?;
                count += 1;
            }
            if !all_gone {
                return Err(first_fault(answers, "groups could not be taken out of the job's scope"));
            }
        }
        Ok(count)
    }

    fn settle_scope(
        &self,
        ids: &[i64],
        done: impl Iterator<Item = bool>,
        answers: &[std::result::Result<(), WriteFault>],
    ) -> Result<()> {
        let settled: Vec<Settled> = ids
            .iter()
            .zip(done)
            .enumerate()
            .map(|(i, (id, done))| Settled {
                write: *id,
                state: if done { WriteState::Done } else { WriteState::Failed },
                server: Some("Microsoft Graph".to_owned()),
                detail: answers.get(i).and_then(|a| a.as_ref().err()).map(|f| f.error.to_string()),
            })
            .collect();
        self.run.settle(&settled, self.now())
    }
}

/// The answer to a request about one group.
fn one(answers: Result<Vec<Written>>) -> Written {
    match answers {
        Ok(mut list) => list.pop().unwrap_or(Ok(())),
        Err(error) => Err(WriteFault::new(crate::cutover::port::Refusal::Doubt, error)),
    }
}

/// A truth value as Graph or a collection spells it; none is false.
pub(crate) fn truth(value: Option<&Value>) -> bool {
    match value {
        Some(Value::Bool(b)) => *b,
        Some(Value::String(text)) => text.eq_ignore_ascii_case("true"),
        _ => false,
    }
}

/// A property by its name, dots leading into it, without regard to letter case; null is none.
pub(super) fn value_of(properties: &Value, name: &str) -> Option<Value> {
    let mut value = Some(properties);
    for part in name.split('.') {
        value = value
            .and_then(|v| v.as_object())
            .and_then(|o| o.iter().find(|(k, _)| k.eq_ignore_ascii_case(part)).map(|(_, v)| v));
    }
    value.filter(|v| !v.is_null()).cloned()
}

/// Ids of the groups of a look whose property is true.
pub(super) fn valued(look: &Inventory, property: &str) -> HashSet<ObjectGuid> {
    let mut out = HashSet::new();
    for group in &look.entra.groups {
        let (first, count) = (group.extensions.0 as usize, usize::from(group.extensions.1));
        let own = look.entra.extensions.get(first..first + count).unwrap_or_default();
        let text = |t| look.text.get(t).unwrap_or_default();
        let is =
            own.iter().any(|(n, v)| text(*n).eq_ignore_ascii_case(property) && text(*v).eq_ignore_ascii_case("true"));
        if is && !group.deleted {
            out.insert(look.entra_object(group).id);
        }
    }
    out
}
