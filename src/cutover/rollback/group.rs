//! One group back to its snapshot: brought back from deletion, renamed, its texts, its members, its own memberships.

use super::{Baseline, MAINTAINED_BY_AD, Rolled};
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
/// Values that one change of members carries.
const MEMBERS: usize = 200;

/// What a group's members are to be, and what stands in the way.
struct Members {
    add: Vec<String>,
    remove: Vec<String>,
    conflicts: Vec<String>,
}

impl<P: Surroundings> Engine<'_, P> {
    pub(super) async fn restore_group(
        &self,
        guid: ObjectGuid,
        baselines: &HashMap<ObjectGuid, Baseline>,
        rolled: &mut Rolled,
    ) -> Go {
        let Some(baseline) = baselines.get(&guid) else { return Ok(()) };
        let was = self.body(&baseline.before)?;
        let left = baseline.left.as_ref().map(|r| self.body(r)).transpose()?;
        let mut now = self.ports.directory().read(&[guid]).await?.pop().flatten();
        let mut left = left;
        if now.is_none() {
            match self.bring_back(guid, &was, rolled).await? {
                Some(state) => {
                    // What came back from deletion is as the run leaves it.
                    left = Some(state.clone());
                    now = Some(state);
                }
                None => return Ok(()),
            }
        }
        let Some(now) = now else { return Ok(()) };
        self.restore_name(&was, left.as_ref(), &now, rolled).await?;
        self.restore_texts(&was, left.as_ref(), &now, rolled).await?;
        self.restore_members(&was, left.as_ref(), &now, rolled).await?;
        self.restore_member_of(&was, &now, rolled).await
    }

    fn intent(
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
    async fn undo_write(
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

    async fn restore_name(
        &self,
        was: &ObjectState,
        left: Option<&ObjectState>,
        now: &ObjectState,
        rolled: &mut Rolled,
    ) -> Go {
        if same_dn(&was.dn, &now.dn) && was.dn.eq_ignore_ascii_case(&now.dn) {
            return Ok(());
        }
        if !ours(left.map(|l| same_dn(&l.dn, &now.dn)), self.ever_scoped(was)?) {
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

    async fn restore_texts(
        &self,
        was: &ObjectState,
        left: Option<&ObjectState>,
        now: &ObjectState,
        rolled: &mut Rolled,
    ) -> Go {
        for name in TEXTS {
            let (old, present) = (was.values(name), now.values(name));
            if old == present {
                continue;
            }
            if !ours(left.map(|l| l.values(name) == present), self.ever_scoped(was)?) {
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
        let stamp = left.and_then(|l| l.stamp()).is_none() && now.stamp().is_none();
        if let Some(value) = was.stamp().filter(|_| stamp) {
            let changes = [Change::Add { attribute: STAMP.to_owned(), values: vec![value.as_bytes().to_vec()] }];
            let intent = self.intent(was, "attribute", Some(STAMP), None, Some(json!(value)));
            let send = self.ports.directory().modify(was.guid, &changes);
            self.undo_write(intent, was.guid, send, |o| o.is_some_and(|o| o.stamp() == Some(value)), rolled).await?;
        }
        Ok(())
    }

    async fn restore_members(
        &self,
        was: &ObjectState,
        left: Option<&ObjectState>,
        now: &ObjectState,
        rolled: &mut Rolled,
    ) -> Go {
        let due = members(was, left, now);
        rolled.conflicts.extend(due.conflicts);
        for (list, add) in [(&due.add, true), (&due.remove, false)] {
            for batch in list.chunks(MEMBERS) {
                self.breathe()?;
                let mut names = Vec::new();
                for dn in batch {
                    // A name that stands for nobody any more cannot be a member.
                    if add && self.ports.directory().find(dn).await?.is_none() {
                        rolled.left.push(format!("{}: {dn} is not there any more under this name", was.dn));
                    } else {
                        names.push(dn.clone());
                    }
                }
                if !names.is_empty() {
                    self.change_members(was, &names, add, rolled).await?;
                }
            }
        }
        Ok(())
    }

    async fn change_members(&self, was: &ObjectState, names: &[String], add: bool, rolled: &mut Rolled) -> Go {
        let values: Vec<Vec<u8>> = names.iter().map(|n| n.as_bytes().to_vec()).collect();
        let change = match add {
            true => Change::Add { attribute: "member".to_owned(), values },
            false => Change::Delete { attribute: "member".to_owned(), values },
        };
        let list = Some(json!(names));
        let intent = match add {
            true => self.intent(was, "member", Some("member"), None, list),
            false => self.intent(was, "member", Some("member"), list, None),
        };
        let wanted: HashSet<String> = names.iter().map(|n| n.to_lowercase()).collect();
        let is_so = |o: Option<&ObjectState>| {
            let present: HashSet<String> =
                o.into_iter().flat_map(|o| o.texts("member")).map(str::to_lowercase).collect();
            wanted.iter().all(|n| present.contains(n) == add)
        };
        let changes = [change];
        let send = self.ports.directory().modify(was.guid, &changes);
        self.undo_write(intent, was.guid, send, is_so, rolled).await?;
        Ok(())
    }

    /// The groups that nested it: a deletion takes it out of them.
    async fn restore_member_of(&self, was: &ObjectState, now: &ObjectState, rolled: &mut Rolled) -> Go {
        let present: HashSet<String> = now.texts("memberOf").map(str::to_lowercase).collect();
        let brought_back = rolled.restored.iter().any(|r| r == &format!("{}: reanimate", was.dn));
        for parent in was.texts("memberOf").filter(|p| !present.contains(&p.to_lowercase())) {
            let Some(holder) = self.ports.directory().find(parent).await? else {
                rolled.left.push(format!("{}: {parent}, which nested it, is not there any more", was.dn));
                continue;
            };
            if !brought_back {
                rolled.conflicts.push(format!("{}: {parent} does not nest it any more, not by this run", was.dn));
                continue;
            }
            let here = self
                .ports
                .directory()
                .read(&[was.guid])
                .await?
                .pop()
                .flatten()
                .map_or_else(|| was.dn.clone(), |o| o.dn);
            self.change_members(&holder, &[here], true, rolled).await?;
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

/// As the run left it; where nobody looked, what the job can have done counts as the run's.
fn ours(as_left: Option<bool>, ever_scoped: bool) -> bool {
    as_left.unwrap_or(ever_scoped)
}

fn shown(values: &[Vec<u8>]) -> Option<Value> {
    let texts: Vec<String> = values.iter().map(|v| String::from_utf8_lossy(v).into_owned()).collect();
    match texts.as_slice() {
        [] => None,
        [one] => Some(json!(one)),
        several => Some(json!(several)),
    }
}

/// Members that the run lost come back; those that it brought go; what others did since stays.
fn members(was: &ObjectState, left: Option<&ObjectState>, now: &ObjectState) -> Members {
    let lower = |o: &ObjectState| o.texts("member").map(str::to_lowercase).collect::<HashSet<String>>();
    let (then, present) = (lower(was), lower(now));
    let as_left = left.map(lower);
    let mut out = Members { add: Vec::new(), remove: Vec::new(), conflicts: Vec::new() };
    for dn in was.texts("member").filter(|m| !present.contains(&m.to_lowercase())) {
        match &as_left {
            // It was there when the run had done its part: somebody took it out later.
            Some(left) if left.contains(&dn.to_lowercase()) => {
                out.conflicts.push(format!("{}: {dn} was taken out since, not by this run", was.dn));
            }
            _ => out.add.push(dn.to_owned()),
        }
    }
    for dn in now.texts("member").filter(|m| !then.contains(&m.to_lowercase())) {
        match &as_left {
            Some(left) if left.contains(&dn.to_lowercase()) => out.remove.push(dn.to_owned()),
            Some(_) => out.conflicts.push(format!("{}: {dn} was added since, not by this run", was.dn)),
            None => out.conflicts.push(format!("{}: {dn} was added, and nobody looked whether by this run", was.dn)),
        }
    }
    out
}

/// What is not as it was, less what AD maintains itself.
pub(super) fn differences(was: &ObjectState, now: &ObjectState) -> Vec<String> {
    let mut out = Vec::new();
    if !same_dn(&was.dn, &now.dn) {
        out.push(format!("{}: is {} now", was.dn, now.dn));
    }
    let names: HashSet<String> = was.attributes.keys().chain(now.attributes.keys()).map(|n| n.to_lowercase()).collect();
    let mut names: Vec<String> = names.into_iter().collect();
    names.sort();
    for name in names {
        if MAINTAINED_BY_AD.iter().any(|m| m.eq_ignore_ascii_case(&name)) {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn group(members: &[&str]) -> ObjectState {
        let mut out = ObjectState { dn: "CN=G,DC=x".to_owned(), ..ObjectState::default() };
        out.attributes.insert("member".to_owned(), members.iter().map(|m| m.as_bytes().to_vec()).collect());
        out
    }

    #[test]
    fn members_go_back_unless_somebody_else_changed_them() {
        // was, left, now → add, remove, conflicts
        type Row<'a> = (&'a [&'a str], Option<&'a [&'a str]>, &'a [&'a str], &'a [&'a str], &'a [&'a str], usize);
        let table: [Row<'_>; 7] = [
            (&["a", "b"], Some(&["a"]), &["a"], &["b"], &[], 0),
            (&["a", "b"], Some(&["a", "b"]), &["a"], &[], &[], 1),
            (&["a"], Some(&["a", "c"]), &["a", "c"], &[], &["c"], 0),
            (&["a"], Some(&["a"]), &["a", "d"], &[], &[], 1),
            (&["a", "b"], None, &[], &["a", "b"], &[], 0),
            (&["a"], None, &["a", "e"], &[], &[], 1),
            (&["A"], Some(&["a"]), &["a"], &[], &[], 0),
        ];
        for (was, left, now, add, remove, conflicts) in table {
            let found = members(&group(was), left.map(group).as_ref(), &group(now));
            assert_eq!(
                (found.add, found.remove, found.conflicts.len()),
                (texts(add), texts(remove), conflicts),
                "{was:?} {left:?} {now:?}"
            );
        }
    }

    fn texts(list: &[&str]) -> Vec<String> {
        list.iter().map(|t| (*t).to_owned()).collect()
    }
}
