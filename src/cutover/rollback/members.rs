//! A group's members as they were, and the groups that nested it.

use super::Rolled;
use super::group::Case;
use crate::cutover::engine::{Engine, Go, Surroundings};
use crate::cutover::port::{Change, Directory, ObjectState};
use crate::directory::ObjectGuid;
use hashbrown::HashSet;
use serde_json::json;

/// Values that one change of members carries.
const MEMBERS: usize = 200;

/// What a group's members are to be, and what stands in the way.
#[derive(Debug, Default, PartialEq, Eq)]
struct Members {
    add: Vec<String>,
    remove: Vec<String>,
    conflicts: Vec<String>,
    left: Vec<String>,
}

impl<P: Surroundings> Engine<'_, P> {
    pub(super) async fn restore_members(&self, case: &Case<'_>, rolled: &mut Rolled) -> Go {
        let was = case.was;
        let due = members(case);
        rolled.conflicts.extend(due.conflicts);
        rolled.left.extend(due.left);
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
    pub(super) async fn restore_member_of(&self, case: &Case<'_>, targets: &[ObjectGuid], rolled: &mut Rolled) -> Go {
        let (was, now) = (case.was, case.now);
        let present: HashSet<String> = now.texts("memberOf").map(str::to_lowercase).collect();
        for parent in was.texts("memberOf").filter(|p| !present.contains(&p.to_lowercase())) {
            let Some(holder) = self.ports.directory().find(parent).await? else {
                rolled.left.push(format!("{}: {parent}, which nested it, is not there any more", was.dn));
                continue;
            };
            if !case.brought_back {
                // A group that is restored itself gets its members with that.
                if !targets.contains(&holder.guid) {
                    rolled.conflicts.push(format!("{}: {parent} does not nest it any more, not by this run", was.dn));
                }
                continue;
            }
            let here = self.ports.directory().read(&[was.guid]).await?.pop().flatten();
            let here = here.map_or_else(|| was.dn.clone(), |o| o.dn);
            if !holder.texts("member").any(|m| m.eq_ignore_ascii_case(&here)) {
                self.change_members(&holder, &[here], true, rolled).await?;
            }
        }
        Ok(())
    }
}

/// Members that the run lost come back; those that it brought go; what others did since stays.
fn members(case: &Case<'_>) -> Members {
    let (was, now) = (case.was, case.now);
    let lower = |o: &ObjectState| o.texts("member").map(str::to_lowercase).collect::<HashSet<String>>();
    let (then, present) = (lower(was), lower(now));
    let as_left = case.left.map(lower);
    let accounted =
        |dn: &str, gained: bool| case.ours.is_some_and(|o| if gained { &o.gained } else { &o.lost }.contains(dn));
    let mut out = Members::default();
    for dn in was.texts("member").filter(|m| !present.contains(&m.to_lowercase())) {
        let key = dn.to_lowercase();
        match &as_left {
            // What went with a deletion comes back with the group.
            _ if case.brought_back => out.add.push(dn.to_owned()),
            // It was there when the run had done its part: somebody took it out later.
            Some(left) if left.contains(&key) => {
                out.conflicts.push(format!("{}: {dn} was taken out since, not by this run", was.dn));
            }
            Some(_) if accounted(&key, false) => out.add.push(dn.to_owned()),
            Some(_) => out.left.push(format!(
                "{}: {dn} is out because the Entra group has lost it meanwhile, or by somebody else: not added again",
                was.dn
            )),
            None if case.scoped => out.add.push(dn.to_owned()),
            None => out.conflicts.push(format!("{}: {dn} was taken out, not by this run", was.dn)),
        }
    }
    for dn in now.texts("member").filter(|m| !then.contains(&m.to_lowercase())) {
        let key = dn.to_lowercase();
        match &as_left {
            Some(left) if left.contains(&key) && accounted(&key, true) => out.remove.push(dn.to_owned()),
            Some(left) if left.contains(&key) => {
                out.left.push(format!("{}: {dn} came meanwhile, and not as this run's doing: stays", was.dn));
            }
            Some(_) => out.conflicts.push(format!("{}: {dn} was added since, not by this run", was.dn)),
            None => out.conflicts.push(format!("{}: {dn} was added, and nobody looked whether by this run", was.dn)),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cutover::rollback::Ours;

    fn group(members: &[&str]) -> ObjectState {
        let mut out = ObjectState { dn: "CN=G,DC=x".to_owned(), ..ObjectState::default() };
        out.attributes.insert("member".to_owned(), members.iter().map(|m| m.as_bytes().to_vec()).collect());
        out
    }

    #[test]
    fn members_go_back_unless_somebody_else_changed_them() {
        // was, left, now; accounted for: lost, gained → add, remove, conflicts, left
        type List<'a> = &'a [&'a str];
        type Row<'a> = (List<'a>, Option<List<'a>>, List<'a>, List<'a>, List<'a>, List<'a>, List<'a>, usize, usize);
        let table: [Row<'_>; 9] = [
            (&["a", "b"], Some(&["a"]), &["a"], &["b"], &[], &["b"], &[], 0, 0),
            // A leaver of the Entra group gets nothing back.
            (&["a", "b"], Some(&["a"]), &["a"], &[], &[], &[], &[], 0, 1),
            (&["a", "b"], Some(&["a", "b"]), &["a"], &["b"], &[], &[], &[], 1, 0),
            (&["a"], Some(&["a", "c"]), &["a", "c"], &[], &["c"], &[], &["c"], 0, 0),
            // Somebody else's, which stood there when the run looked.
            (&["a"], Some(&["a", "c"]), &["a", "c"], &[], &[], &[], &[], 0, 1),
            (&["a"], Some(&["a"]), &["a", "d"], &[], &["d"], &[], &[], 1, 0),
            (&["a", "b"], None, &[], &[], &[], &["a", "b"], &[], 0, 0),
            (&["a"], None, &["a", "e"], &[], &[], &[], &[], 1, 0),
            (&["A"], Some(&["a"]), &["a"], &[], &[], &[], &[], 0, 0),
        ];
        for (was, left, now, lost, gained, add, remove, conflicts, stay) in table {
            let set = |list: &[&str]| list.iter().map(|t| (*t).to_owned()).collect::<HashSet<String>>();
            let ours = Ours { lost: set(lost), gained: set(gained), ..Ours::default() };
            let (was, left, now) = (group(was), left.map(group), group(now));
            let case = Case {
                was: &was,
                left: left.as_ref(),
                now: &now,
                ours: Some(&ours),
                brought_back: false,
                scoped: true,
            };
            let found = members(&case);
            assert_eq!(
                (found.add, found.remove, found.conflicts.len(), found.left.len()),
                (texts(add), texts(remove), conflicts, stay),
                "{was:?} {left:?} {now:?}"
            );
        }
    }

    fn texts(list: &[&str]) -> Vec<String> {
        list.iter().map(|t| (*t).to_owned()).collect()
    }
}
