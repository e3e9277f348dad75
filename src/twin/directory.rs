//! The port over the twin's forest.

use super::Shared;
use super::ad::Group;
use super::changes::fault;
use super::faults::Port;
use super::world::{Actor, World, stamp};
use crate::cutover::port::{Carrier, Change, Controller, Directory, ObjectState, Pin, Refusal, Rights, STAMP, Written};
use crate::directory::{ObjectGuid, split};
use crate::error::{Error, Result};
use chrono::TimeDelta;
use std::collections::BTreeMap;

/// Active Directory in memory.
pub struct TwinDirectory(pub(super) Shared);

impl TwinDirectory {
    fn reading<T>(&self, what: &str, look: impl FnOnce(&World) -> Result<T>) -> Result<T> {
        let world = &mut *self.0.borrow_mut();
        world.arrive(Port::Directory, what)?;
        look(world)
    }
    fn writing<T>(&self, what: &str, write: impl FnOnce(&mut World) -> Written<T>) -> Written<T> {
        self.0.borrow_mut().attempt(Port::Directory, what, write)
    }
}

impl World {
    /// A group as a search of everything returns it.
    pub(super) fn state(&self, index: usize) -> ObjectState {
        let group = &self.ad.groups[index];
        let mut attributes = group.attributes.clone();
        let mut set = |name: &str, value: Vec<u8>| attributes.insert(name.to_owned(), vec![value]);
        set("objectGUID", group.guid.to_ad_bytes().to_vec());
        set("distinguishedName", group.dn.clone().into_bytes());
        set("uSNChanged", group.usn.to_string().into_bytes());
        if let Some((cn, _)) = split(&group.dn) {
            set("cn", cn.clone().into_owned().into_bytes());
            set("name", cn.into_owned().into_bytes());
        }
        let mut names = |name: &str, numbers: &mut dyn Iterator<Item = u32>| {
            let values: Vec<Vec<u8>> = numbers.map(|n| self.ad.dn(&self.base, n).as_bytes().to_vec()).collect();
            if !values.is_empty() {
                attributes.insert(name.to_owned(), values);
            }
        };
        names("member", &mut group.members.iter().copied());
        names("memberOf", &mut group.member_of.iter().copied());
        ObjectState { guid: group.guid, dn: group.dn.clone(), attributes }
    }

    /// An object that is no group: its name and what identifies it.
    fn other_state(&self, number: u32) -> ObjectState {
        let object = &self.base.ad.objects[number as usize];
        let dn = self.base.dn(number).to_owned();
        let mut attributes = BTreeMap::from([("distinguishedName".to_owned(), vec![dn.clone().into_bytes()])]);
        if !object.guid.is_nil() {
            attributes.insert("objectGUID".to_owned(), vec![object.guid.to_ad_bytes().to_vec()]);
        }
        if let Some(sid) = self.base.sids.get(object.sid) {
            attributes.insert("objectSid".to_owned(), vec![sid.to_bytes()]);
        }
        if let Some(sam) = self.base.text.get(object.sam_account_name) {
            attributes.insert("sAMAccountName".to_owned(), vec![sam.as_bytes().to_vec()]);
        }
        ObjectState { guid: object.guid, dn, attributes }
    }

    pub(super) fn object_state(&self, number: u32) -> Option<ObjectState> {
        match self.ad.index_of(&self.base, number) {
            Some(index) if self.ad.groups[index].deleted => None,
            Some(index) => Some(self.state(index)),
            None => Some(self.other_state(number)),
        }
    }

    /// What a group looks like at the end of its life.
    fn tombstone(&self, group: &Group) -> ObjectState {
        let cn = split(&group.dn).map(|(cn, _)| cn.into_owned()).unwrap_or_default();
        let dn = format!("CN={cn}\\0ADEL:{},CN=Deleted Objects,{}", group.guid, self.naming_context);
        let mut attributes = group.attributes.clone();
        attributes.insert("objectGUID".to_owned(), vec![group.guid.to_ad_bytes().to_vec()]);
        attributes.insert("distinguishedName".to_owned(), vec![dn.clone().into_bytes()]);
        ObjectState { guid: group.guid, dn, attributes }
    }

    /// The stamp as a controller shows it that lags this far behind.
    fn stamp_behind(&self, group: &Group, lag: TimeDelta) -> Option<String> {
        let seen = group.stamps.iter().rev().find(|(at, _)| *at + lag <= self.now);
        seen.or(group.stamps.first()).and_then(|(_, stamp)| stamp.clone())
    }
}

impl Directory for TwinDirectory {
    async fn pin(&self) -> Result<Pin> {
        self.reading("the controller", |world| {
            let host = world.controllers.first().map(|c| c.host.clone()).unwrap_or_default();
            if world.switches.unreachable.contains(&host) {
                return Err(silent(&host));
            }
            Ok(Pin {
                controller: host,
                invocation_id: world.ad.invocation_id,
                highest_committed_usn: world.ad.usn,
                domain: world.domain.clone(),
                naming_context: world.naming_context.clone(),
            })
        })
    }
    async fn read(&self, guids: &[ObjectGuid]) -> Result<Vec<Option<ObjectState>>> {
        self.reading("reading objects", |world| {
            Ok(guids.iter().map(|g| world.object_state(world.ad.object_by_guid(*g)?)).collect())
        })
    }
    async fn find(&self, dn: &str) -> Result<Option<ObjectState>> {
        self.reading("finding an object", |world| {
            Ok(world.ad.by_name(dn).and_then(|number| world.object_state(number)))
        })
    }
    async fn carriers(&self, anchors: &[String]) -> Result<Vec<(String, Carrier)>> {
        self.reading("searching the forest", |world| {
            let wanted: std::collections::HashMap<String, &String> =
                anchors.iter().map(|a| (a.to_lowercase(), a)).collect();
            let mut found = Vec::new();
            for (_, group) in world.ad.live() {
                for attribute in [STAMP, "adminDescription"] {
                    let value = group.text(attribute).map(str::to_lowercase);
                    if let Some(anchor) = value.and_then(|v| wanted.get(&v)) {
                        let carrier =
                            Carrier { guid: group.guid, dn: group.dn.clone(), attribute: attribute.to_owned() };
                        found.push(((*anchor).clone(), carrier));
                    }
                }
            }
            for other in &world.base.ad.environment.other_carriers {
                if let Some(anchor) = wanted.get(&other.value.to_lowercase()) {
                    let number = world.ad.by_name(&other.dn);
                    let guid = number.and_then(|n| world.base.ad.objects.get(n as usize)).map(|o| o.guid);
                    let carrier = Carrier {
                        guid: guid.unwrap_or_default(),
                        dn: other.dn.clone(),
                        attribute: other.attribute.clone(),
                    };
                    found.push(((*anchor).clone(), carrier));
                }
            }
            Ok(found)
        })
    }
    async fn controllers(&self) -> Result<Vec<Controller>> {
        self.reading("the list of controllers", |world| Ok(world.controllers.clone()))
    }
    async fn stamps_on(&self, controller: &Controller, guids: &[ObjectGuid]) -> Result<Vec<Option<String>>> {
        self.reading("asking a controller", |world| {
            let host = &controller.host;
            let at = world.controllers.iter().position(|c| c.host.eq_ignore_ascii_case(host));
            let unreachable = world.switches.unreachable.contains(host) || world.faults.is_silent(host, world.now);
            let (Some(at), false) = (at, unreachable) else { return Err(silent(host)) };
            let lag = TimeDelta::from_std(world.switches.lag).unwrap_or(TimeDelta::zero());
            let lag = lag * if controller.catalog { 2 } else { i32::from(at > 0) };
            Ok(guids
                .iter()
                .map(|guid| {
                    let group = &world.ad.groups[world.ad.by_guid(&world.base, *guid)?];
                    if group.deleted { None } else { world.stamp_behind(group, lag) }
                })
                .collect())
        })
    }
    async fn rights(&self, guids: &[ObjectGuid]) -> Result<Vec<Rights>> {
        self.reading("reading rights", |world| {
            let own = world.switches.rights;
            let of = |guid: &ObjectGuid| match world.writable(*guid) {
                Ok(index) => {
                    let may = |right| Some(world.allowed(index, right, "it").is_ok());
                    Rights { stamp: may(own.stamp), member: may(own.member), rename: may(own.rename) }
                }
                Err(_) => Rights::default(),
            };
            Ok(guids.iter().map(of).collect())
        })
    }
    async fn modify(&self, guid: ObjectGuid, changes: &[Change]) -> Written {
        self.writing("changing an object", |world| {
            let index = world.writable(guid)?;
            world.modify(index, changes, Actor::Run)
        })
    }
    async fn rename(&self, guid: ObjectGuid, rdn: &str, parent: &str) -> Written {
        self.writing("renaming an object", |world| {
            let index = world.writable(guid)?;
            world.rename(index, rdn, parent, Actor::Run)
        })
    }
    async fn deleted(&self, guid: ObjectGuid) -> Result<Option<ObjectState>> {
        self.reading("looking among deleted objects", |world| {
            let group = world.ad.by_guid(&world.base, guid).map(|i| &world.ad.groups[i]);
            Ok(group.filter(|g| g.deleted).map(|g| world.tombstone(g)))
        })
    }
    async fn reanimate(&self, guid: ObjectGuid, dn: &str) -> Written {
        self.writing("restoring a deleted object", |world| world.reanimate(guid, dn))
    }
    async fn create(&self, dn: &str, attributes: &[(String, Vec<Vec<u8>>)]) -> Written<ObjectGuid> {
        self.writing("making a group", |world| {
            if !world.switches.rights.create {
                return Err(fault(Refusal::Right, dn, "the account may not make groups there"));
            }
            let made = world.make(dn, attributes)?;
            let at = stamp(world.now);
            tracing::debug!(dn, at, "the twin made a group");
            Ok(made)
        })
    }
}

fn silent(host: &str) -> Error {
    Error::failed(format!("{host} does not answer"))
        .hint("See to it that the controller runs and can be reached, then go on.")
}
