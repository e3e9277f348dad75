//! The lines of a bundle's data files. Objects are numbered by their line (from 0); members are those numbers.

use crate::directory::inventory::{
    AdClass, AdGroup, AdObject, Completeness, EntraGroup, EntraKind, EntraObject, EntraUser, Identifier, Inventory,
    NONE, SidRef, Tri, Writeback,
};
use crate::directory::{GroupType, ObjectGuid};
use serde::de::{Deserializer, Visitor};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::fmt;

/// Text that borrows from the line where it holds no escapes.
#[derive(Debug, Clone, Serialize)]
#[serde(transparent)]
pub struct Str<'a>(pub Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Str<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct V;
        impl<'de> Visitor<'de> for V {
            type Value = Str<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("text")
            }
            fn visit_borrowed_str<E>(self, v: &'de str) -> Result<Str<'de>, E> {
                Ok(Str(Cow::Borrowed(v)))
            }
            fn visit_str<E>(self, v: &str) -> Result<Str<'de>, E> {
                Ok(Str(Cow::Owned(v.to_owned())))
            }
        }
        deserializer.deserialize_str(V)
    }
}

/// A sort of record, so that one reader serves them all.
pub trait Family {
    type Record<'a>: Deserialize<'a> + Send;
}

pub struct AdObjects;
pub struct AdMembers;
pub struct EntraObjects;
pub struct EntraMembers;
/// Records that own what they hold.
pub struct Owned<T>(std::marker::PhantomData<T>);

impl Family for AdObjects {
    type Record<'a> = AdObjectRecord<'a>;
}
impl Family for AdMembers {
    type Record<'a> = MembersRecord;
}
impl Family for EntraObjects {
    type Record<'a> = EntraObjectRecord<'a>;
}
impl Family for EntraMembers {
    type Record<'a> = MembersRecord;
}
impl<T: for<'a> Deserialize<'a> + Send> Family for Owned<T> {
    type Record<'a> = T;
}

fn no(value: &bool) -> bool {
    !*value
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AdObjectRecord<'a> {
    #[serde(borrow)]
    pub dn: Str<'a>,
    pub class: AdClass,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub object_guid: Option<ObjectGuid>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub object_sid: Option<Str<'a>>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub sam_account_name: Option<Str<'a>>,
    /// Line of the security file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub security: Option<u32>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub group: Option<AdGroupRecord<'a>>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AdGroupRecord<'a> {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group_type: Option<GroupType>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub admin_description: Option<Str<'a>>,
    #[serde(rename = "msDS-ExternalDirectoryObjectId", borrow, default, skip_serializing_if = "Option::is_none")]
    pub edoi: Option<Str<'a>>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub display_name: Option<Str<'a>>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub description: Option<Str<'a>>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub mail: Option<Str<'a>>,
    #[serde(default, skip_serializing_if = "no")]
    pub has_proxy_addresses: bool,
    #[serde(default, skip_serializing_if = "no")]
    pub admin_count: bool,
    #[serde(rename = "msDS-ObjectSoa", borrow, default, skip_serializing_if = "Option::is_none")]
    pub object_soa: Option<Str<'a>>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub when_changed: Option<Str<'a>>,
    pub members: Completeness,
    #[serde(default, skip_serializing_if = "no")]
    pub conflict: bool,
}

/// Members of the group on line `group` of the objects file.
#[derive(Debug, Serialize, Deserialize)]
pub struct MembersRecord {
    pub group: u32,
    pub members: Vec<u32>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EntraObjectRecord<'a> {
    pub id: ObjectGuid,
    pub kind: EntraKind,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub name: Option<Str<'a>>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub user: Option<UserRecord<'a>>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub group: Option<EntraGroupRecord<'a>>,
}

/// Properties that Graph left out are left out here, nulls are null.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UserRecord<'a> {
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub on_premises_sync_enabled: Option<Option<bool>>,
    #[serde(borrow, default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub on_premises_object_identifier: Option<Option<Str<'a>>>,
    #[serde(borrow, default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub on_premises_security_identifier: Option<Option<Str<'a>>>,
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct EntraGroupRecord<'a> {
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    pub display_name: Option<Str<'a>>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    pub description: Option<Str<'a>>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    pub mail_nickname: Option<Str<'a>>,
    #[serde(deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub security_enabled: Option<Option<bool>>,
    #[serde(deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub mail_enabled: Option<Option<bool>>,
    #[serde(deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub unified: Option<Option<bool>>,
    #[serde(deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub dynamic: Option<Option<bool>>,
    #[serde(deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub paused: Option<Option<bool>>,
    #[serde(deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub on_premises_sync_enabled: Option<Option<bool>>,
    #[serde(deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub is_assignable_to_role: Option<Option<bool>>,
    #[serde(deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub is_management_restricted: Option<Option<bool>>,
    #[serde(deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub is_cloud_managed: Option<Option<bool>>,
    #[serde(deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub writeback_enabled: Option<Option<bool>>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    pub on_premises_group_type: Option<Str<'a>>,
    #[serde(borrow, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub on_premises_security_identifier: Option<Option<Str<'a>>>,
    #[serde(skip_serializing_if = "no")]
    pub has_on_premises_identity: bool,
    #[serde(skip_serializing_if = "no")]
    pub deleted: bool,
    pub members: Completeness,
    #[serde(skip_serializing_if = "no")]
    pub conflict: bool,
    #[serde(borrow, skip_serializing_if = "Vec::is_empty")]
    pub extensions: Vec<(Str<'a>, Str<'a>)>,
}

/// Keeps null apart from absent.
fn present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

fn text(inventory: &Inventory, text: crate::directory::Text) -> Option<Str<'_>> {
    inventory.text.get(text).map(|t| Str(Cow::Borrowed(t)))
}

fn sid(inventory: &Inventory, sid: SidRef) -> Option<Str<'static>> {
    inventory.sids.get(sid).map(|s| Str(Cow::Owned(s.to_string())))
}

fn row(index: u32) -> Option<u32> {
    (index != NONE).then_some(index)
}

impl<'a> AdObjectRecord<'a> {
    pub fn of(inventory: &'a Inventory, object: &AdObject) -> Self {
        AdObjectRecord {
            dn: text(inventory, object.dn).unwrap_or(Str(Cow::Borrowed(""))),
            class: object.class,
            object_guid: (!object.guid.is_nil()).then_some(object.guid),
            object_sid: sid(inventory, object.sid),
            sam_account_name: text(inventory, object.sam_account_name),
            security: row(object.security),
            group: row(object.group).and_then(|i| inventory.ad.groups.get(i as usize)).map(|g| AdGroupRecord {
                group_type: g.group_type,
                admin_description: text(inventory, g.admin_description),
                edoi: text(inventory, g.edoi),
                display_name: text(inventory, g.display_name),
                description: text(inventory, g.description),
                mail: text(inventory, g.mail),
                has_proxy_addresses: g.has_proxy_addresses,
                admin_count: g.admin_count,
                object_soa: text(inventory, g.object_soa),
                when_changed: text(inventory, g.when_changed),
                members: g.members,
                conflict: g.conflict,
            }),
        }
    }

    /// Takes the record into the Inventory as its next object.
    pub fn restore(self, inventory: &mut Inventory) {
        let id = inventory.ad.objects.len() as u32;
        let sid = self.object_sid.map_or(SidRef::default(), |s| inventory.sids.add_text(&s.0));
        let store = &mut inventory.text;
        let mut add = |t: Option<Str<'_>>| store.add_opt(t.as_ref().map(|t| &*t.0));
        let mut object = AdObject {
            dn: add(Some(self.dn)),
            guid: self.object_guid.unwrap_or_default(),
            sid,
            sam_account_name: add(self.sam_account_name),
            class: self.class,
            group: NONE,
            security: self.security.unwrap_or(NONE),
        };
        if let Some(g) = self.group {
            object.group = inventory.ad.groups.len() as u32;
            inventory.ad.groups.push(AdGroup {
                object: id,
                group_type: g.group_type,
                admin_description: add(g.admin_description),
                edoi: add(g.edoi),
                display_name: add(g.display_name),
                description: add(g.description),
                mail: add(g.mail),
                has_proxy_addresses: g.has_proxy_addresses,
                admin_count: g.admin_count,
                object_soa: add(g.object_soa),
                when_changed: add(g.when_changed),
                members: g.members,
                conflict: g.conflict,
            });
        }
        inventory.ad.objects.push(object);
    }
}

impl<'a> EntraObjectRecord<'a> {
    pub fn of(inventory: &'a Inventory, object: &EntraObject) -> Self {
        let entra = &inventory.entra;
        let (user, group) = match object.kind {
            EntraKind::User => (row(object.detail).map(|i| UserRecord::of(inventory, &entra.users[i as usize])), None),
            EntraKind::Group => {
                (None, row(object.detail).map(|i| EntraGroupRecord::of(inventory, &entra.groups[i as usize])))
            }
            _ => (None, None),
        };
        EntraObjectRecord { id: object.id, kind: object.kind, name: text(inventory, object.name), user, group }
    }

    pub fn restore(self, inventory: &mut Inventory) {
        let object = inventory.entra.objects.len() as u32;
        let name = inventory.text.add_opt(self.name.as_ref().map(|t| &*t.0));
        let mut detail = NONE;
        if let Some(user) = self.user {
            detail = inventory.entra.users.len() as u32;
            let user = user.restore(inventory, object);
            inventory.entra.users.push(user);
        } else if let Some(group) = self.group {
            detail = inventory.entra.groups.len() as u32;
            let group = group.restore(inventory, object);
            inventory.entra.groups.push(group);
        }
        inventory.entra.objects.push(EntraObject { id: self.id, kind: self.kind, detail, name });
    }
}

fn known_sid(inventory: &mut Inventory, text: Option<Option<Str<'_>>>) -> Option<SidRef> {
    text.map(|t| t.map_or(SidRef::default(), |t| inventory.sids.add_text(&t.0)))
}

impl<'a> UserRecord<'a> {
    fn of(inventory: &'a Inventory, user: &EntraUser) -> Self {
        UserRecord {
            on_premises_sync_enabled: user.synced.known(),
            on_premises_object_identifier: match user.on_premises_id {
                Identifier::Absent => None,
                Identifier::Null => Some(None),
                Identifier::Guid(guid) => Some(Some(Str(Cow::Owned(guid.to_string())))),
                Identifier::Unreadable(t) => Some(text(inventory, t)),
            },
            on_premises_security_identifier: user.sid.map(|s| sid(inventory, s)),
        }
    }
    fn restore(self, inventory: &mut Inventory, object: u32) -> EntraUser {
        EntraUser {
            object,
            synced: Tri::from_known(self.on_premises_sync_enabled),
            on_premises_id: match self.on_premises_object_identifier {
                None => Identifier::Absent,
                Some(None) => Identifier::Null,
                Some(Some(t)) => match ObjectGuid::parse(&t.0) {
                    Some(guid) => Identifier::Guid(guid),
                    None => Identifier::Unreadable(inventory.text.add(&t.0)),
                },
            },
            sid: known_sid(inventory, self.on_premises_security_identifier),
        }
    }
}

impl<'a> EntraGroupRecord<'a> {
    fn of(inventory: &'a Inventory, g: &EntraGroup) -> Self {
        let first = g.extensions.0 as usize;
        let extensions = &inventory.entra.extensions[first..first + usize::from(g.extensions.1)];
        EntraGroupRecord {
            display_name: text(inventory, g.display_name),
            description: text(inventory, g.description),
            mail_nickname: text(inventory, g.mail_nickname),
            security_enabled: g.security_enabled.known(),
            mail_enabled: g.mail_enabled.known(),
            unified: g.unified.known(),
            dynamic: g.dynamic.known(),
            paused: g.paused.known(),
            on_premises_sync_enabled: g.synced.known(),
            is_assignable_to_role: g.role_assignable.known(),
            is_management_restricted: g.management_restricted.known(),
            is_cloud_managed: g.cloud_managed.known(),
            writeback_enabled: g.writeback.is_enabled.known(),
            on_premises_group_type: text(inventory, g.writeback.group_type),
            on_premises_security_identifier: g.sid.map(|s| sid(inventory, s)),
            has_on_premises_identity: g.has_on_premises_identity,
            deleted: g.deleted,
            members: g.members,
            conflict: g.conflict,
            extensions: extensions
                .iter()
                .filter_map(|(n, v)| Some((text(inventory, *n)?, text(inventory, *v)?)))
                .collect(),
        }
    }
    fn restore(self, inventory: &mut Inventory, object: u32) -> EntraGroup {
        let first = inventory.entra.extensions.len() as u32;
        let count = self.extensions.len().min(usize::from(u16::MAX)) as u16;
        for (name, value) in self.extensions {
            let pair = (inventory.text.add(&name.0), inventory.text.add(&value.0));
            inventory.entra.extensions.push(pair);
        }
        let sid = known_sid(inventory, self.on_premises_security_identifier);
        let store = &mut inventory.text;
        let mut add = |t: Option<Str<'_>>| store.add_opt(t.as_ref().map(|t| &*t.0));
        EntraGroup {
            object,
            display_name: add(self.display_name),
            description: add(self.description),
            mail_nickname: add(self.mail_nickname),
            security_enabled: Tri::from_known(self.security_enabled),
            mail_enabled: Tri::from_known(self.mail_enabled),
            unified: Tri::from_known(self.unified),
            dynamic: Tri::from_known(self.dynamic),
            paused: Tri::from_known(self.paused),
            synced: Tri::from_known(self.on_premises_sync_enabled),
            role_assignable: Tri::from_known(self.is_assignable_to_role),
            management_restricted: Tri::from_known(self.is_management_restricted),
            cloud_managed: Tri::from_known(self.is_cloud_managed),
            writeback: Writeback {
                is_enabled: Tri::from_known(self.writeback_enabled),
                group_type: add(self.on_premises_group_type),
            },
            sid,
            has_on_premises_identity: self.has_on_premises_identity,
            deleted: self.deleted,
            members: self.members,
            conflict: self.conflict,
            extensions: (first, count),
        }
    }
}
