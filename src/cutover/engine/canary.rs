//! Canaries on demand: one group after another, each looked at before the next.

use super::wave::in_nesting_order;
use super::{Engine, Go, Halt, Stop, Surroundings};
use crate::cutover::port::{Directory, JobState, Level, OnDemand, Refusal, Tenant, Written};
use crate::cutover::record::{Intent, Settled, SnapshotKind, WriteState};
use crate::cutover::store::is_crash;
use crate::directory::{ObjectGuid, same_dn};
use crate::plan::model::{Step, Wave};
use hashbrown::HashSet;
use serde_json::{Value, json};

/// Members that one request on demand takes.
const MEMBERS: usize = 5;

impl<P: Surroundings> Engine<'_, P> {
    pub(super) async fn on_demand(&self, step: &Step, wave: &Wave, job: &JobState) -> Go {
        let tenant = self.ports.tenant();
        let schema = tenant.schema(job).await?;
        let rule = schema.pointer("/synchronizationRules/0/id").and_then(Value::as_str).unwrap_or_default().to_owned();
        for (id, name) in in_nesting_order(&self.taking_part(wave)?) {
            let key = format!("on-demand:{id}");
            if self.fact(&key)?.is_some() {
                continue;
            }
            self.breathe()?;
            let Some(group) = tenant.groups(&[id]).await?.pop().flatten() else { continue };
            if group.members.len() > MEMBERS {
                continue;
            }
            let intent = Intent {
                step: step.id.clone(),
                action: "provision".to_owned(),
                object: id.to_string(),
                name: name.clone(),
                ..Intent::default()
            };
            let write = self.run.intend(&[intent], self.now())?.first().copied().unwrap_or_default();
            let answer = tenant.provision(job, &rule, id, &group.members).await;
            let (state, detail) = outcome(&answer);
            let settled =
                Settled { write, state, server: Some("Microsoft Graph".to_owned()), detail: Some(detail.clone()) };
            if let Err(fault) = answer
                && is_crash(&fault.error)
            {
                return Err(Halt::Error(fault.error));
            }
            self.run.settle(&[settled], self.now())?;
            match state {
                WriteState::Done => {
                    self.say(Level::Write, &format!("{} {name}: provisioned on demand: {detail}", step.id))?
                }
                _ => {
                    self.say(
                        Level::Warning,
                        &format!("{name}: not provisioned on demand ({detail}); the cycle does it"),
                    )?;
                }
            }
            // Looked at whatever the answer was: a request without an answer may have been done.
            self.canary_unchanged(step, wave, id).await?;
            self.run.put(&key, &json!(detail))?;
            if state != WriteState::Done {
                return Ok(());
            }
        }
        Ok(())
    }

    /// A canary right after it was provisioned: same object, same name and type, and no fewer members than predicted.
    async fn canary_unchanged(&self, step: &Step, wave: &Wave, id: ObjectGuid) -> Go {
        let Some(planned) = wave.groups.iter().find(|g| ObjectGuid::parse(&g.object_id) == Some(id)) else {
            return Ok(());
        };
        let Some(guid) = ObjectGuid::parse(&planned.object_guid) else { return Ok(()) };
        let state = self.ports.directory().read(&[guid]).await?.pop().flatten();
        let Some((_, body)) = self.run.last_snapshot(SnapshotKind::AdGroup, &guid.to_string())? else { return Ok(()) };
        let was = crate::cutover::store::object_from_json(&body)?;
        let mut lines = Vec::new();
        match state {
            None => lines.push(format!("{}: the group is gone", planned.dn)),
            Some(now) => {
                if now.sid() != was.sid() {
                    lines.push(format!("{}: another SID", planned.dn));
                }
                if now.group_type() != was.group_type() {
                    lines.push(format!("{}: another groupType", planned.dn));
                }
                let named = planned.predicted.dn.as_deref();
                if !same_dn(&now.dn, &was.dn) && !named.is_some_and(|d| same_dn(d, &now.dn)) {
                    lines.push(format!("{}: is {} now", was.dn, now.dn));
                }
                // Who left the Entra group meanwhile is no loss; the comparison after the cycle judges it in full.
                let removals: HashSet<String> =
                    planned.predicted.member_removals.iter().map(|d| d.to_lowercase()).collect();
                let present: HashSet<String> = now.texts("member").map(str::to_lowercase).collect();
                let lost: Vec<&str> = was
                    .texts("member")
                    .filter(|m| !present.contains(&m.to_lowercase()) && !removals.contains(&m.to_lowercase()))
                    .collect();
                if let Some(first) = lost.first() {
                    lines.push(format!("{}: {} members are gone, the first {first}", planned.dn, lost.len()));
                }
            }
        }
        if lines.is_empty() || self.accepted("difference", &format!("canary:{id}"))? {
            return Ok(());
        }
        self.pause(&step.id, false).await?;
        Err(Halt::Drift(
            Stop::new("a canary is not as predicted; the job is paused and no other group was provisioned")
                .lines(lines)
                .next(format!("Take the wave back: groupshift cutover rollback --wave \"{}\"", wave.name))
                .next(format!("Or find out why, and go on: groupshift cutover resume --accept \"canary:{id}=REASON\"")),
        ))
    }
}

/// What is written down of a request: one in doubt counts as done, so that a stamp is never taken from a group that the
/// job may have matched.
fn outcome(answer: &Written<OnDemand>) -> (WriteState, String) {
    match answer {
        Ok(seen) => (WriteState::Done, seen.result.clone()),
        Err(fault) if fault.refusal == Refusal::Doubt => {
            (WriteState::Done, format!("in doubt, counted as done: {}", fault.error))
        }
        Err(fault) => (WriteState::Failed, fault.error.to_string()),
    }
}
