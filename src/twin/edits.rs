//! What others do to the forest and the tenant while a run goes on.

use super::world::{Actor, World};
use crate::cutover::port::{Change, STAMP};
use crate::directory::inventory::{AdClass, EntraKind};
use crate::directory::{Anchor, ObjectGuid, Rdn, split};
use crate::error::{Error, Place, Result};

/// Something that somebody else does. AD groups by objectGUID, Entra groups by object id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Edit {
    AddMember {
        group: ObjectGuid,
        member: String,
    },
    RemoveMember {
        group: ObjectGuid,
        member: String,
    },
    Rename {
        group: ObjectGuid,
        cn: String,
    },
    Move {
        group: ObjectGuid,
        parent: String,
    },
    Stamp {
        group: ObjectGuid,
        value: Option<String>,
    },
    Attribute {
        group: ObjectGuid,
        name: String,
        value: Option<String>,
    },
    DeleteGroup {
        group: ObjectGuid,
    },
    /// A member comes to the Entra group, or leaves it.
    Join {
        group: ObjectGuid,
        member: ObjectGuid,
    },
    Leave {
        group: ObjectGuid,
        member: ObjectGuid,
    },
    EmptyCloudGroup {
        group: ObjectGuid,
    },
    DeleteCloudGroup {
        group: ObjectGuid,
    },
    RenameCloudGroup {
        group: ObjectGuid,
        name: String,
    },
    Extension {
        group: ObjectGuid,
        name: String,
        value: Option<String>,
    },
    StartJob,
    PauseJob,
    Assign {
        group: ObjectGuid,
    },
    Unassign {
        group: ObjectGuid,
    },
}

impl World {
    /// Does it, and says what was done.
    pub(super) fn edit(&mut self, edit: &Edit) -> Result<String> {
        let own = |world: &World, guid: &ObjectGuid| {
            let index = world.ad.by_guid(&world.base, *guid).filter(|i| !world.ad.groups[*i].deleted);
            index
                .ok_or_else(|| Error::failed("there is no such AD group").at(Place::default().object(guid.to_string())))
        };
        let cloud = |world: &World, id: &ObjectGuid| {
            world.cloud.number(*id).ok_or_else(|| {
                Error::failed("there is no such object in Entra").at(Place::default().object(id.to_string()))
            })
        };
        let member = |value: &str| vec![value.as_bytes().to_vec()];
        let name = |world: &World, index: usize| world.ad.groups[index].dn.clone();
        Ok(match edit {
            Edit::AddMember { group, member: dn } => {
                let index = own(self, group)?;
                let change = Change::Add { attribute: "member".to_owned(), values: member(dn) };
                self.modify(index, &[change], Actor::Foreign)?;
                format!("{dn} becomes a member of {}", name(self, index))
            }
            Edit::RemoveMember { group, member: dn } => {
                let index = own(self, group)?;
                let change = Change::Delete { attribute: "member".to_owned(), values: member(dn) };
                self.modify(index, &[change], Actor::Foreign)?;
                format!("{dn} is taken out of {}", name(self, index))
            }
            Edit::Rename { group, cn } => {
                let index = own(self, group)?;
                let (old, parent) = (name(self, index), self.parent_of(index));
                self.rename(index, &Rdn::new("CN", cn).to_string(), &parent, Actor::Foreign)?;
                format!("{old} is renamed to {}", name(self, index))
            }
            Edit::Move { group, parent } => {
                let index = own(self, group)?;
                let old = name(self, index);
                let cn = split(&old).map(|(cn, _)| cn.into_owned()).unwrap_or_default();
                self.rename(index, &Rdn::new("CN", &cn).to_string(), parent, Actor::Foreign)?;
                format!("{old} is moved to {parent}")
            }
            Edit::Stamp { group, value } => {
                self.edit(&Edit::Attribute { group: *group, name: STAMP.to_owned(), value: value.clone() })?
            }
            Edit::Attribute { group, name: attribute, value } => {
                let index = own(self, group)?;
                self.put_text(index, attribute, value.as_deref(), Actor::Foreign);
                format!("{attribute} of {} becomes {}", name(self, index), value.as_deref().unwrap_or("empty"))
            }
            Edit::DeleteGroup { group } => {
                let index = own(self, group)?;
                self.delete(index);
                format!("{} is deleted", name(self, index))
            }
            Edit::Join { group, member } | Edit::Leave { group, member } => {
                let (number, who) = (cloud(self, group)?, cloud(self, member)?);
                let mut members = self.cloud_members(number);
                let joins = matches!(edit, Edit::Join { .. });
                members.retain(|m| *m != who);
                if joins {
                    members.push(who);
                    members.sort_unstable();
                }
                self.cloud.overlay(number).members = Some(members);
                self.cloud.touch(*group);
                format!("{member} {} the Entra group {group}", if joins { "joins" } else { "leaves" })
            }
            Edit::EmptyCloudGroup { group } => {
                let number = cloud(self, group)?;
                self.cloud.overlay(number).members = Some(Vec::new());
                self.cloud.touch(*group);
                format!("the Entra group {group} is emptied")
            }
            Edit::DeleteCloudGroup { group } => {
                let number = cloud(self, group)?;
                self.cloud.overlay(number).deleted = true;
                self.cloud.touch(*group);
                format!("the Entra group {group} is deleted")
            }
            Edit::RenameCloudGroup { group, name } => {
                let number = cloud(self, group)?;
                self.cloud.overlay(number).display_name = Some(name.clone());
                self.cloud.touch(*group);
                format!("the Entra group {group} is called {name} from now on")
            }
            Edit::Extension { group, name, value } => {
                let number = cloud(self, group)?;
                self.cloud.extensions.insert(name.clone());
                self.cloud.overlay(number).extensions.insert(name.clone(), value.clone());
                self.cloud.touch(*group);
                format!("{name} of the Entra group {group} becomes {}", value.as_deref().unwrap_or("empty"))
            }
            Edit::StartJob => {
                self.start_job();
                "the Cloud Sync job is started".to_owned()
            }
            Edit::PauseJob => {
                self.pause_job();
                "the Cloud Sync job is paused".to_owned()
            }
            Edit::Assign { group } => {
                cloud(self, group)?;
                self.assign(*group, None);
                format!("{group} is assigned to the job")
            }
            Edit::Unassign { group } => {
                self.cloud.reassigned = true;
                self.cloud.assigned.retain(|a| a.principal != *group);
                format!("{group} is taken off the job's assignments")
            }
        })
    }

    /// One such doing, drawn from the seed where none is named, to a planned group; false where it came to nothing.
    pub(super) fn foreign_edit(&mut self, which: Option<usize>) -> bool {
        let Some(edit) = self.some_edit(which) else { return false };
        // What cannot be done by somebody else either is no event.
        match self.edit(&edit) {
            Ok(said) => {
                self.note(format!("somebody else: {said}"));
                true
            }
            Err(_) => false,
        }
    }

    fn some_edit(&mut self, which: Option<usize>) -> Option<Edit> {
        let (group, id) = self.planned()?;
        let index = self.ad.by_guid(&self.base, group).filter(|i| !self.ad.groups[*i].deleted)?;
        let which = which.unwrap_or_else(|| self.faults.pick(9));
        let somebody = |world: &mut World, class: AdClass| {
            let all = world.base.ad.objects.len();
            let start = world.faults.pick(all);
            (0..all).map(|i| (start + i) % all).find(|i| world.base.ad.objects[*i].class == class)
        };
        Some(match which {
            0 | 1 => {
                let user = somebody(self, AdClass::User)?;
                Edit::AddMember { group, member: self.base.dn(user as u32).to_owned() }
            }
            2 => {
                let members = self.ad.groups[index].members.clone();
                let at = self.faults.pick(members.len());
                let member = members.get(at)?;
                Edit::RemoveMember { group, member: self.ad.dn(&self.base, *member).to_owned() }
            }
            3 => Edit::Rename { group, cn: format!("Renamed by hand {which} {}", self.ad.usn) },
            4 => {
                let other = Anchor(ObjectGuid::from_u128(id.as_u128() ^ 1)).to_string();
                Edit::Stamp { group, value: Some(other) }
            }
            5 | 6 => {
                let number = self.cloud.number(id)?;
                let members = self.cloud_members(number);
                let at = self.faults.pick(members.len());
                let member = members.get(at)?;
                Edit::Leave { group: id, member: self.cloud_id(*member) }
            }
            7 => {
                let all = self.base.entra.objects.len();
                let start = self.faults.pick(all);
                let found =
                    (0..all).map(|i| (start + i) % all).find(|i| self.base.entra.objects[*i].kind == EntraKind::User);
                let user = found?;
                Edit::Join { group: id, member: self.base.entra.objects[user].id }
            }
            _ if self.cloud.job.is_some() => Edit::StartJob,
            _ => return None,
        })
    }
}
