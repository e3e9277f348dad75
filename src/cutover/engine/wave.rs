//! A wave: held, scoped in, provisioned, compared with the prediction. The first difference pauses the job and stops.

use super::compare::{Difference, Expected, Kind, compare};
use super::job::first_fault;
use super::look::{FIRST, anchored};
use super::{Engine, Go, Halt, Stop, Surroundings};
use crate::cutover::port::{Directory, JobState, Level, Operator, Tenant};
use crate::cutover::record::{Intent, SnapshotKind};
use crate::directory::ObjectGuid;
use crate::directory::inventory::Inventory;
use crate::plan::model::{PlannedGroup, Step, Wave};
use crate::predict::Fate;
use hashbrown::{HashMap, HashSet};
use serde_json::{Value, json};

/// Members that one request on demand takes.
const ON_DEMAND_MEMBERS: usize = 5;

fn before(wave: &str) -> String {
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
        let ids: HashSet<ObjectGuid> = wave.groups.iter().filter_map(|g| ObjectGuid::parse(&g.object_id)).collect();
        self.gate_shrunk(self.shrunk(&first, &look, &ids))?;
        self.gate_new_removals(wave, &look)?;
        self.keep_look(&before(&wave.name), &look)?;
        // What stands now is what a rollback of this wave compares with.
        let guids: Vec<ObjectGuid> = wave.groups.iter().filter_map(|g| ObjectGuid::parse(&g.object_guid)).collect();
        self.keep_groups(&step.id, &guids).await?;
        Ok(None)
    }

    /// Removals that the prediction shows now and the plan did not: nobody has seen them yet.
    fn gate_new_removals(&self, wave: &Wave, look: &Inventory) -> Go {
        let forecast = self.forecast(look, &self.scope_up_to(&wave.name));
        let rows: HashMap<ObjectGuid, u32> =
            look.ad.groups.iter().enumerate().map(|(row, g)| (look.ad_object(g).guid, row as u32)).collect();
        let mut lines = Vec::new();
        for group in &wave.groups {
            let row = ObjectGuid::parse(&group.object_guid).and_then(|g| rows.get(&g));
            let Some(position) = row.and_then(|r| forecast.position_of_ad(*r)) else { continue };
            let planned: HashSet<String> = group.predicted.member_removals.iter().map(|d| d.to_lowercase()).collect();
            let mut new = Vec::new();
            forecast.visit_members(position, &mut |line| {
                if line.fate == Fate::Lost && !planned.contains(&look.dn(line.ad).to_lowercase()) {
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
                .next("They stand in AD and not in Entra. Add them in Entra, or take them out in AD, or accept it group by group; or collect and plan again."),
        ))
    }

    /// The wave's groups into the job's scope, nested ones first; afterwards the scope is exactly what it should be.
    pub(super) async fn scope_in(&self, step: &Step) -> Go<Option<String>> {
        let wave = self.wave_of(step)?;
        self.require_rest(step).await?;
        let groups: Vec<&PlannedGroup> = wave.groups.iter().collect();
        self.verify_stamps(step, &groups).await?;
        self.no_second_carriers(&groups).await?;
        let job = self.the_job().await?;
        let tenant = self.ports.tenant();
        let due = in_nesting_order(&wave.groups);
        let role = self.plan.job.app_role_id.clone().unwrap_or_default();
        if self.plan.job.scope == "attribute" {
            return Err(Halt::Gate(
                Stop::new("scoping by the WritebackEnabled attribute is not done by this version").next(
                    "Plan with scope = \"selected\" under [cloud_sync]: groups are then scoped in by assignment.",
                ),
            ));
        }
        let mut done = 0;
        for batch in due.chunks(20) {
            self.breathe()?;
            self.ports.operator().progress("assignments", done, Some(due.len() as u64));
            let there: HashSet<ObjectGuid> = tenant.assignments(&job).await?.iter().map(|a| a.principal).collect();
            let open: Vec<&(ObjectGuid, String)> = batch.iter().filter(|(id, _)| !there.contains(id)).collect();
            if open.is_empty() {
                continue;
            }
            let intents: Vec<Intent> = open
                .iter()
                .map(|(id, name)| Intent {
                    step: step.id.clone(),
                    action: "scope-in".to_owned(),
                    object: id.to_string(),
                    name: name.clone(),
                    attribute: Some("appRoleAssignedTo".to_owned()),
                    new: Some(json!(role)),
                    ..Intent::default()
                })
                .collect();
            let ids = self.run.intend(&intents, self.now())?;
            let wanted: Vec<ObjectGuid> = open.iter().map(|(id, _)| *id).collect();
            let answers = tenant.assign(&job, &role, &wanted).await?;
            let seen = || async {
                let now: HashSet<ObjectGuid> = tenant.assignments(&job).await?.iter().map(|a| a.principal).collect();
                Ok(wanted.iter().all(|id| now.contains(id)))
            };
            let all = self.wait_for(&seen).await?;
            let now: HashSet<ObjectGuid> = tenant.assignments(&job).await?.iter().map(|a| a.principal).collect();
            self.settle_scope(&ids, wanted.iter().map(|id| now.contains(id)), &answers)?;
            for (id, name) in open.iter().filter(|(id, _)| now.contains(id)) {
                self.ports.operator().say(Level::Write, &format!("{} {name} ({id}): in the job's scope", step.id));
            }
            done += wanted.len() as u64;
            if !all {
                return Err(first_fault(answers, "groups could not be brought into the job's scope"));
            }
        }
        self.scope_is_exact(step, &job).await?;
        Ok(Some(format!("{done} assigned, {} in the wave", wave.groups.len())))
    }

    /// The scope holds the groups of this wave and of those before, and nothing else.
    async fn scope_is_exact(&self, step: &Step, job: &JobState) -> Go {
        let wanted = self.scope_up_to(step.wave.as_deref().unwrap_or_default());
        let is_group = |kind: &Option<String>| kind.as_deref().is_none_or(|k| k.eq_ignore_ascii_case("Group"));
        let now: HashSet<ObjectGuid> = self
            .ports
            .tenant()
            .assignments(job)
            .await?
            .iter()
            .filter(|a| is_group(&a.principal_type))
            .map(|a| a.principal)
            .collect();
        let extra: Vec<String> =
            now.difference(&wanted).map(|id| format!("{id} is in scope, and in no wave so far")).collect();
        let lacking: Vec<String> = wanted.difference(&now).map(|id| format!("{id} is not in scope any more")).collect();
        if extra.is_empty() && lacking.is_empty() {
            return Ok(());
        }
        Err(Halt::Drift(
            Stop::new("the job's scope is not what the plan says")
                .lines(extra.into_iter().chain(lacking))
                .next("Somebody changed the assignments. Put them right in the portal (or accept the plan's), then: groupshift cutover resume"),
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

    /// Canaries on demand where the service allows it, then the job and one cycle.
    pub(super) async fn start_job(&self, step: &Step) -> Go<Option<String>> {
        let wave = self.wave_of(step)?;
        let job = self.the_job().await?;
        self.scope_is_exact(step, &job).await?;
        let key = format!("cycle-before:{}", step.id);
        if self.run.get(&key)?.is_none() {
            let last = job.raw.pointer("/status/lastExecution").cloned().unwrap_or(Value::Null);
            self.run.put(&key, &json!({ "last": last, "at": self.now() }))?;
        }
        if wave.canary {
            self.on_demand(step, wave, &job).await?;
        }
        if job.is_at_rest() {
            self.start(&step.id, &job).await?;
        }
        let before = self.run.get(&key)?.and_then(|v| v.get("last").cloned()).filter(|v| !v.is_null());
        let job = self.wait_for_cycle(&before, wave.cycles_at_most).await?;
        let since = self
            .run
            .get(&key)?
            .and_then(|v| serde_json::from_value(v.get("at")?.clone()).ok())
            .unwrap_or_else(|| self.now());
        let logs = match self.ports.tenant().logs(&job, since).await {
            Ok(logs) => logs,
            Err(error) if super::super::store::is_crash(&error) => return Err(error.into()),
            Err(error) => {
                self.say(
                    Level::Warning,
                    &format!("the provisioning logs could not be read, so they say nothing here: {error}"),
                )?;
                Vec::new()
            }
        };
        let trouble = self.tell_trouble(&job, &logs)?;
        Ok(Some(match trouble.is_empty() {
            true => "one successful cycle".to_owned(),
            false => format!("one cycle; {} troubles in the logs", trouble.len()),
        }))
    }

    /// One canary after another, each looked at before the next.
    async fn on_demand(&self, step: &Step, wave: &Wave, job: &JobState) -> Go {
        let tenant = self.ports.tenant();
        let schema = tenant.schema(job).await?;
        let rule = schema.pointer("/synchronizationRules/0/id").and_then(Value::as_str).unwrap_or_default().to_owned();
        for (id, name) in in_nesting_order(&wave.groups) {
            let key = format!("on-demand:{id}");
            if self.run.get(&key)?.is_some() {
                continue;
            }
            self.breathe()?;
            let Some(group) = tenant.groups(&[id]).await?.pop().flatten() else { continue };
            if group.members.len() > ON_DEMAND_MEMBERS {
                continue;
            }
            let intent = Intent {
                step: step.id.clone(),
                action: "provision".to_owned(),
                object: id.to_string(),
                name: name.clone(),
                ..Intent::default()
            };
            let ids = self.run.intend(&[intent], self.now())?;
            let answer = tenant.provision(job, &rule, id, &group.members).await;
            use crate::cutover::record::{Settled, WriteState};
            let (state, detail) = match &answer {
                Ok(seen) => (WriteState::Done, seen.result.clone()),
                Err(fault) => (WriteState::Failed, fault.error.to_string()),
            };
            let write = ids.first().copied().unwrap_or_default();
            self.run.settle(
                &[Settled { write, state, server: Some("Microsoft Graph".to_owned()), detail: Some(detail.clone()) }],
                self.now(),
            )?;
            if let Err(fault) = answer {
                if super::super::store::is_crash(&fault.error) {
                    return Err(fault.error.into());
                }
                self.say(Level::Warning, &format!("{name}: not provisioned on demand ({detail}); the cycle does it"))?;
                return Ok(());
            }
            self.run.put(&key, &json!(detail))?;
            self.say(Level::Write, &format!("{} {name}: provisioned on demand: {detail}", step.id))?;
            self.canary_unchanged(wave, id).await?;
        }
        Ok(())
    }

    /// A canary right after it was provisioned: same object, same name, and no fewer members than predicted.
    async fn canary_unchanged(&self, wave: &Wave, id: ObjectGuid) -> Go {
        let Some(planned) = wave.groups.iter().find(|g| ObjectGuid::parse(&g.object_id) == Some(id)) else {
            return Ok(());
        };
        let Some(guid) = ObjectGuid::parse(&planned.object_guid) else { return Ok(()) };
        let state = self.ports.directory().read(&[guid]).await?.pop().flatten();
        let Some((_, body)) = self.run.last_snapshot(SnapshotKind::AdGroup, &guid.to_string())? else { return Ok(()) };
        let was = super::super::store::object_from_json(&body)?;
        let mut lines = Vec::new();
        match state {
            None => lines.push(format!("{}: the group is gone", planned.dn)),
            Some(now) => {
                if now.sid() != was.sid() {
                    lines.push(format!("{}: another SID", planned.dn));
                }
                let named = planned.predicted.dn.as_deref();
                if !crate::directory::same_dn(&now.dn, &was.dn)
                    && !named.is_some_and(|d| crate::directory::same_dn(d, &now.dn))
                {
                    lines.push(format!("{}: is {} now", was.dn, now.dn));
                }
                let removals: HashSet<String> =
                    planned.predicted.member_removals.iter().map(|d| d.to_lowercase()).collect();
                let present: HashSet<String> = now.texts("member").map(str::to_lowercase).collect();
                let lost: Vec<&str> = was
                    .texts("member")
                    .filter(|m| !present.contains(&m.to_lowercase()) && !removals.contains(&m.to_lowercase()))
                    .collect();
                if !lost.is_empty() {
                    lines.push(format!("{}: {} members are gone, the first {}", planned.dn, lost.len(), lost[0]));
                }
            }
        }
        if lines.is_empty() {
            return Ok(());
        }
        self.pause("canary", false).await?;
        Err(Halt::Drift(
            Stop::new("the first canary is not as predicted; the job is paused and no other group was provisioned")
                .lines(lines)
                .next(format!("Take the wave back: groupshift cutover rollback --wave \"{}\"", wave.name))
                .next("Or find out why, mend it, and: groupshift cutover resume"),
        ))
    }

    /// Every anchored group against the prediction.
    pub(super) async fn verify_wave(&self, step: &Step) -> Go<Option<String>> {
        let wave = self.wave_of(step)?;
        let earlier = self.open_look(&before(&wave.name))?;
        let scope = self.scope_up_to(&wave.name);
        let written = self.guids_of(&scope);
        let none = HashSet::new();
        let mut cycles = 1;
        let (look, differences) = loop {
            let look = self.look("comparing every anchored group").await?;
            let differences = {
                let (then, now) = (self.forecast(&earlier, &scope), self.forecast(&look, &scope));
                let expected =
                    Expected { written: &written, created: &self.expected_new(), stamped: &none, maintained: false };
                compare(&then, &now, &expected)
            };
            let waiting = !differences.is_empty() && differences.iter().all(|d| d.kind == Kind::MemberMissing);
            if !waiting || cycles >= wave.cycles_at_most {
                break (look, differences);
            }
            cycles += 1;
            self.say(
                Level::Info,
                &format!("{} members are not there yet: waiting for another cycle", differences.len()),
            )?;
            let last = self.the_job().await?.raw.pointer("/status/lastExecution").cloned();
            self.wait_for_cycle(&last, 1).await?;
        };
        self.judge(step, &wave.name, differences).await?;
        self.learn(wave, &earlier, &look)?;
        // As this run leaves them: what a rollback may take back.
        let guids: Vec<ObjectGuid> = wave.groups.iter().filter_map(|g| ObjectGuid::parse(&g.object_guid)).collect();
        self.keep_groups(&step.id, &guids).await?;
        let shown = anchored(&look).len();
        self.say(
            Level::Info,
            &format!("wave {}: {shown} anchored groups compared, every one as predicted", wave.name),
        )?;
        Ok(Some(format!("{shown} groups compared")))
    }

    /// Every anchored group against the first look, once Connect exports again.
    pub(super) async fn compare_all(&self, step: &Step) -> Go<Option<String>> {
        let first = self.open_look(FIRST)?;
        let look = self.look("comparing every anchored group").await?;
        let scope: HashSet<ObjectGuid> =
            first.ad.groups.iter().filter_map(|g| crate::predict::index::anchor_of(&first, g).map(|a| a.0)).collect();
        let (none, stamped) = (HashSet::new(), self.stamped());
        let differences = {
            let (then, now) = (self.forecast(&first, &scope), self.forecast(&look, &scope));
            let expected =
                Expected { written: &none, created: &self.expected_new(), stamped: &stamped, maintained: true };
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

    /// What this tenant's behaviour shows about the open points; kept in the store, never in the plan.
    fn learn(&self, wave: &Wave, earlier: &Inventory, look: &Inventory) -> crate::error::Result<()> {
        let forecast = self.forecast(earlier, &self.scope_up_to(&wave.name));
        let (mut stayed, mut option) = (0u64, 0u64);
        for group in &wave.groups {
            let guid = ObjectGuid::parse(&group.object_guid);
            let old = earlier.ad.groups.iter().position(|g| Some(earlier.ad_object(g).guid) == guid);
            let new = look.ad.groups.iter().position(|g| Some(look.ad_object(g).guid) == guid);
            let (Some(old), Some(new)) = (old, new) else { continue };
            let Some(position) = forecast.position_of_ad(old as u32) else { continue };
            let now: HashSet<ObjectGuid> =
                look.ad.members.row(new).iter().map(|m| look.ad.objects[*m as usize].guid).collect();
            forecast.visit_members(position, &mut |line| {
                let there = earlier.ad.objects.get(line.ad as usize).is_some_and(|o| now.contains(&o.guid));
                match line.fate {
                    Fate::MaybeLost if there => stayed += 1,
                    Fate::KeptIfOption | Fate::MaybeAdded if there => option += 1,
                    _ => {}
                }
            });
        }
        let learnt = |subject: &str, text: String| -> crate::error::Result<()> {
            if self.run.remarks()?.iter().any(|r| r.kind == "learnt" && r.subject == subject) {
                return Ok(());
            }
            self.run.remark("learnt", subject, &text, "the canary", self.now())?;
            self.say(Level::Info, &format!("learnt: {subject}: {text}"))
        };
        if stayed > 0 {
            learnt(
                "first-update",
                format!(
                    "{stayed} members that the job does not write stayed after the first update (wave {})",
                    wave.name
                ),
            )?;
        }
        if option > 0 {
            learnt(
                "membership-option",
                format!("{option} on-premises users are members after the cycle (wave {})", wave.name),
            )?;
        }
        Ok(())
    }

    /// objectGUIDs of the planned groups with these object ids.
    fn guids_of(&self, ids: &HashSet<ObjectGuid>) -> HashSet<ObjectGuid> {
        self.planned()
            .iter()
            .filter(|g| ObjectGuid::parse(&g.object_id).is_some_and(|id| ids.contains(&id)))
            .filter_map(|g| ObjectGuid::parse(&g.object_guid))
            .collect()
    }

    /// Groups that this run stamps.
    fn stamped(&self) -> HashSet<ObjectGuid> {
        self.planned()
            .iter()
            .filter(|g| g.steps.iter().any(|s| s.kind == "stamp"))
            .filter_map(|g| ObjectGuid::parse(&g.object_guid))
            .collect()
    }

    /// Groups that V1 is expected to make once V2 is off, by object id.
    fn expected_new(&self) -> HashSet<ObjectGuid> {
        let made = |e: &str| matches!(e, "created" | "written-by-v1");
        self.plan
            .outside
            .iter()
            .filter(|o| made(&o.effect))
            .filter_map(|o| ObjectGuid::parse(o.object_id.as_deref()?))
            .collect()
    }
}

/// Nested groups before those that nest them; circles as they come.
pub(crate) fn in_nesting_order(groups: &[PlannedGroup]) -> Vec<(ObjectGuid, String)> {
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
