//! One group back to its snapshot: brought back from deletion, renamed, its texts; members and memberships are in `members`.

use super::{Baseline, MAINTAINED_BY_AD, Ours, Rolled};
use crate::cutover::engine::{Engine, Go, Halt, Surroundings};
use crate::cutover::port::{Change, Directory, Level, ObjectState, Refusal, STAMP, WriteFault, Written};
use crate::cutover::record::{Intent, Settled, WriteState};
use crate::directory::{ObjectGuid, same_dn, split};
use crate::error::Result;
use hashbrown::{HashMap, HashSet};
use serde_json::{Value, json};

/// Attributes whose values a rollback restores; others are compared and reported.
const TEXTS: [&str; 8] =
    ["displayName", "description", "adminDescription", "sAMAccountName", "info", "mail", "managedBy", "groupType"];
impl<P: Surroundings> Engine<'_, P> {
    pub(super) async fn restore_group(
        &self,
        guid: ObjectGuid,
        baselines: &HashMap<ObjectGuid, Baseline>,
        ours: Option<&Ours>,
        targets: &[ObjectGuid],
        rolled: &mut Rolled,
    ) -> Go {
        let Some(baseline) = baselines.get(&guid) else { return Ok(()) };
        let was = self.body(&baseline.before)?;
        let left = baseline.left.as_ref().map(|r| self.body(r)).transpose()?;
        let mut now = self.ports.directory().read(&[guid]).await?.pop().flatten();
        let mut left = left;
        let mut brought_back = false;
        if now.is_none() {
            match self.bring_back(guid, &was, rolled).await? {
                Some(state) => {
                    // What came back from deletion is as the run leaves it.
                    left = Some(state.clone());
                    now = Some(state);
                    brought_back = true;
                }
                None => return Ok(()),
            }
        }
        let Some(now) = now else { return Ok(()) };
        let case =
            Case { was: &was, left: left.as_ref(), now: &now, ours, brought_back, scoped: self.ever_scoped(&was)? };
        self.restore_name(&case, rolled).await?;
        self.restore_texts(&case, rolled).await?;
        self.restore_members(&case, rolled).await?;
        self.restore_member_of(&case, targets, rolled).await
    }

    pub(super) fn intent(
        &self,
        was: &ObjectState,
        action: &str,
        attribute: Option<&str>,
        old: Option<Value>,
        new: Option<Value>,
    ) -> Intent {
        Intent {
            step: "rollback".to_owned(),
            undo: true,
            action: action.to_owned(),
            object: was.guid.to_string(),
            name: was.dn.clone(),
            attribute: attribute.map(str::to_owned),
            old,
            new,
            ..Intent::default()
        }
    }

    /// One write of the rollback: journalled, sent, looked at, settled. The answer is the object as it is then; a
    /// refusal goes into the report, and the rest is still rolled back.
    pub(super) async fn undo_write(
        &self,
        intent: Intent,
        guid: ObjectGuid,
        send: impl Future<Output = Written>,
        is_so: impl Fn(Option<&ObjectState>) -> bool,
        rolled: &mut Rolled,
    ) -> Go<Option<ObjectState>> {
        let what = format!(
            "{}: {}{}",
            intent.name,
            intent.action,
            intent.attribute.as_deref().map(|a| format!(" {a}")).unwrap_or_default()
        );
        let id = self.run.intend(&[intent], self.now())?.first().copied().unwrap_or_default();
        let sent = send.await;
        if let Err(fault) = &sent
            && crate::cutover::store::is_crash(&fault.error)
        {
            return Err(Halt::Error(crate::error::Error { hints: Vec::new(), ..fault_error(sent) }));
        }
        let now = self.ports.directory().read(&[guid]).await?.pop().flatten();
        let done = is_so(now.as_ref());
        let state = match (&sent, done) {
            (_, true) => WriteState::Done,
            (Err(WriteFault { refusal: Refusal::Guard, .. }), false) => WriteState::Foreign,
            _ => WriteState::Failed,
        };
        let detail = sent.as_ref().err().map(|f| f.error.to_string());
        self.run.settle(&[Settled { write: id, state, server: None, detail: detail.clone() }], self.now())?;
        match state {
            WriteState::Done => {
                self.say(Level::Write, &format!("rollback {what}"))?;
                rolled.restored.push(what);
            }
            WriteState::Foreign => rolled.conflicts.push(format!("{what}: changed by somebody else meanwhile")),
            _ => {
                let why = detail.unwrap_or_else(|| "the server said yes, and it is not so".to_owned());
                rolled
                    .stuck
                    .push(format!("{what}: {why}. Do it by hand, or grant the right and run the rollback again."));
            }
        }
        Ok(now)
    }

    /// A deleted group under its old name, with its SID and objectGUID.
    async fn bring_back(&self, guid: ObjectGuid, was: &ObjectState, rolled: &mut Rolled) -> Go<Option<ObjectState>> {
        if self.ports.directory().deleted(guid).await?.is_none() {
            rolled.stuck.push(format!(
                "{}: deleted, and no tombstone of objectGUID {guid} is left. Restore it from a backup of AD (authoritative restore); the snapshot has every value: groupshift snapshot export",
                was.dn
            ));
            return Ok(None);
        }
        let intent = self.intent(was, "reanimate", None, None, Some(json!(was.dn)));
        let send = self.ports.directory().reanimate(guid, &was.dn);
        let now = self.undo_write(intent, guid, send, |o| o.is_some(), rolled).await?;
        if let Some(now) = &now
            && now.sid() != was.sid()
        {
            rolled.stuck.push(format!("{}: it came back with another SID", was.dn));
        }
        Ok(now)
    }

    async fn restore_name(&self, case: &Case<'_>, rolled: &mut Rolled) -> Go {
        let (was, now) = (case.was, case.now);
        if same_dn(&was.dn, &now.dn) && was.dn.eq_ignore_ascii_case(&now.dn) {
            return Ok(());
        }
        if !case.is_ours(|l| same_dn(&l.dn, &now.dn), |o| o.renamed) {
            rolled.conflicts.push(format!("{}: is {} now, and not by this run", was.dn, now.dn));
            return Ok(());
        }
        let Some((_, parent)) = split(&was.dn) else { return Ok(()) };
        let rdn = crate::directory::Dn::parse(&was.dn)
            .ok()
            .and_then(|d| d.rdn().map(|r| format!("{}={}", r.attribute(), crate::directory::escape_value(r.value()))));
        let Some(rdn) = rdn else { return Ok(()) };
        let intent = self.intent(was, "rename", Some("distinguishedName"), Some(json!(now.dn)), Some(json!(was.dn)));
        let send = self.ports.directory().rename(was.guid, &rdn, &parent);
        self.undo_write(intent, was.guid, send, |o| o.is_some_and(|o| same_dn(&o.dn, &was.dn)), rolled).await?;
        Ok(())
    }

    async fn restore_texts(&self, case: &Case<'_>, rolled: &mut Rolled) -> Go {
        let (was, now) = (case.was, case.now);
        for name in TEXTS {
            let (old, present) = (was.values(name), now.values(name));
            if old == present {
                continue;
            }
            let lower = name.to_lowercase();
            if !case.is_ours(|l| l.values(name) == present, |o| o.attributes.contains(&lower)) {
                rolled.conflicts.push(format!("{}: {name} was changed since, not by this run", was.dn));
                continue;
            }
            let mut changes = Vec::new();
            if !present.is_empty() {
                changes.push(Change::Delete { attribute: name.to_owned(), values: present.to_vec() });
            }
            if !old.is_empty() {
                changes.push(Change::Add { attribute: name.to_owned(), values: old.to_vec() });
            }
            let intent = self.intent(was, "attribute", Some(name), shown(present), shown(old));
            let send = self.ports.directory().modify(was.guid, &changes);
            self.undo_write(intent, was.guid, send, |o| o.is_some_and(|o| o.values(name) == old), rolled).await?;
        }
        // The stamp of a group that was matched stays; one that was lost with a deletion comes back.
        let lost = case.left.and_then(|l| l.stamp()).is_none() && now.stamp().is_none();
        if let Some(value) = was.stamp().filter(|_| lost && case.brought_back) {
            let changes = [Change::Add { attribute: STAMP.to_owned(), values: vec![value.as_bytes().to_vec()] }];
            let intent = self.intent(was, "attribute", Some(STAMP), None, Some(json!(value)));
            let send = self.ports.directory().modify(was.guid, &changes);
            self.undo_write(intent, was.guid, send, |o| o.is_some_and(|o| o.stamp() == Some(value)), rolled).await?;
        }
        Ok(())
    }

    /// Whether a started job ever had the group in its scope: then what changed may be the job's doing.
    pub(super) fn ever_scoped(&self, was: &ObjectState) -> Result<bool> {
        let planned = self
            .plan
            .waves
            .iter()
            .flat_map(|w| &w.groups)
            .find(|g| ObjectGuid::parse(&g.object_guid) == Some(was.guid));
        let Some(planned) = planned else { return Ok(false) };
        self.was_started(&planned.object_id)
    }

    /// The same by object id.
    pub(super) fn was_started(&self, object_id: &str) -> Result<bool> {
        let writes = self.run.writes()?;
        let scoped = writes.iter().find(|w| {
            w.intent.action == "scope-in"
                && w.intent.object.eq_ignore_ascii_case(object_id)
                && w.state != WriteState::Failed
        });
        let Some(scoped) = scoped else { return Ok(false) };
        let later = |w: &crate::cutover::record::WriteRecord| w.id > scoped.id && w.state != WriteState::Failed;
        Ok(writes.iter().any(|w| {
            later(w)
                && (w.intent.action == "start"
                    || (w.intent.action == "provision" && w.intent.object.eq_ignore_ascii_case(object_id)))
        }))
    }
}

fn fault_error(sent: Written) -> crate::error::Error {
    match sent {
        Err(fault) => fault.error,
        Ok(()) => crate::error::Error::failed("stopped"),
    }
}

/// One group between what it was and what it is to be again.
pub(super) struct Case<'c> {
    pub was: &'c ObjectState,
    /// How the run left it, where that was looked at.
    pub left: Option<&'c ObjectState>,
    pub now: &'c ObjectState,
    pub ours: Option<&'c Ours>,
    /// It was deleted: whatever is missing went with the deletion.
    pub brought_back: bool,
    /// A started job had it in its scope.
    pub scoped: bool,
}

impl Case<'_> {
    /// A change is the run's where the group is as the run left it, and the run or the job accounts for the change. Where
    /// nobody could look, what the job can have done counts.
    fn is_ours(&self, as_left: impl Fn(&ObjectState) -> bool, accounted: impl Fn(&Ours) -> bool) -> bool {
        match self.left {
            _ if self.brought_back => true,
            Some(left) => as_left(left) && self.ours.is_some_and(accounted),
            None => self.scoped,
        }
    }
}

fn shown(values: &[Vec<u8>]) -> Option<Value> {
    let texts: Vec<String> = values.iter().map(|v| String::from_utf8_lossy(v).into_owned()).collect();
    match texts.as_slice() {
        [] => None,
        [one] => Some(json!(one)),
        several => Some(json!(several)),
    }
}

/// What is not as it was, less what AD maintains itself.
pub(super) fn differences(was: &ObjectState, now: &ObjectState, stamp_stays: bool) -> Vec<String> {
    let mut out = Vec::new();
    if !same_dn(&was.dn, &now.dn) {
        out.push(format!("{}: is {} now", was.dn, now.dn));
    }
    let names: HashSet<String> = was.attributes.keys().chain(now.attributes.keys()).map(|n| n.to_lowercase()).collect();
    let mut names: Vec<String> = names.into_iter().collect();
    names.sort();
    for name in names {
        let maintained = MAINTAINED_BY_AD.iter().any(|m| m.eq_ignore_ascii_case(&name));
        if maintained || (stamp_stays && name.eq_ignore_ascii_case(STAMP)) {
            continue;
        }
        let sorted = |o: &ObjectState| {
            let mut values = o.values(&name).to_vec();
            values.sort();
            values
        };
        let (a, b) = (sorted(was), sorted(now));
        if a != b {
            out.push(format!("{}: {name}: {} values then, {} now, not the same", was.dn, a.len(), b.len()));
        }
    }
    out
}
