//! What each Entra object would be as a member in AD: its counterpart there, and which rule about members it meets.

use super::index::Index;
use crate::directory::inventory::{AdClass, Completeness, EntraKind, Identifier, Inventory, NONE, SidRef, Tri};
use rayon::prelude::*;

/// What sort of member an Entra object is, seen from group provisioning to AD.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Sort {
    /// A user with an AD account that Cloud Sync can reference.
    Provisionable,
    /// C20: no AD account.
    CloudUser,
    /// C21: synchronised, without onPremisesObjectIdentifier.
    NoIdentifier,
    /// C22: the identifier is no objectGUID of the forest.
    ForeignIdentifier,
    /// A user of whom the input tells too little.
    OpenUser,
    /// C23: a group synchronised from AD.
    SyncedGroup,
    /// C24 decides: a cloud security group.
    CloudGroup,
    /// C25: device, service principal, contact or another type.
    OtherType,
    /// C26: Microsoft 365 group, mail-enabled security group or distribution list.
    MailGroup,
    /// A group of which the input tells too little.
    OpenGroup,
    /// Nothing tells what it is.
    OpenKind,
}

/// The AD object a member stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counterpart {
    Object(u32),
    /// None, as far as the input tells for certain.
    Nobody,
    /// The input cannot tell.
    Open,
}

const NOBODY: u32 = NONE;
const OPEN: u32 = NONE - 1;

/// Sort and counterpart of every Entra object, by object number.
pub struct MemberMap {
    sorts: Vec<Sort>,
    links: Vec<u32>,
}

impl MemberMap {
    pub fn build(inventory: &Inventory, index: &Index) -> Self {
        let mut sorts = vec![Sort::OpenKind; inventory.entra.objects.len()];
        let mut links = vec![NOBODY; inventory.entra.objects.len()];
        sorts.par_iter_mut().zip(&mut links).enumerate().for_each(|(i, (sort, link))| {
            let (s, counterpart) = describe(inventory, index, i);
            *sort = s;
            *link = match counterpart {
                Counterpart::Object(id) => id,
                Counterpart::Nobody => NOBODY,
                Counterpart::Open => OPEN,
            };
        });
        MemberMap { sorts, links }
    }
    pub fn sort(&self, object: u32) -> Sort {
        self.sorts[object as usize]
    }
    pub fn is_group(&self, object: u32) -> bool {
        matches!(self.sort(object), Sort::SyncedGroup | Sort::CloudGroup | Sort::MailGroup | Sort::OpenGroup)
    }
    pub fn counterpart(&self, object: u32) -> Counterpart {
        match self.links[object as usize] {
            NOBODY => Counterpart::Nobody,
            OPEN => Counterpart::Open,
            id => Counterpart::Object(id),
        }
    }
}

fn describe(inventory: &Inventory, index: &Index, object: usize) -> (Sort, Counterpart) {
    let entry = &inventory.entra.objects[object];
    match entry.kind {
        EntraKind::User if entry.detail != NONE => user(inventory, index, entry.detail),
        EntraKind::User => (Sort::OpenUser, Counterpart::Open),
        EntraKind::Group => group(inventory, index, object),
        EntraKind::Device | EntraKind::ServicePrincipal | EntraKind::Contact | EntraKind::Other => {
            (Sort::OtherType, Counterpart::Nobody)
        }
        EntraKind::Unknown => (Sort::OpenKind, Counterpart::Open),
    }
}

fn user(inventory: &Inventory, index: &Index, row: u32) -> (Sort, Counterpart) {
    let user = &inventory.entra.users[row as usize];
    let by_sid = || match user.sid {
        Some(sid) if sid.is_some() => match index.ad_by_sid(inventory, sid) {
            Some(id) => Counterpart::Object(id),
            None if index.has_ad_users => Counterpart::Nobody,
            None => Counterpart::Open,
        },
        Some(_) => Counterpart::Nobody,
        // A user that is not synchronised has no SID whether or not the export asked for it.
        None if matches!(user.synced, Tri::Null | Tri::False) => Counterpart::Nobody,
        None => Counterpart::Open,
    };
    match user.on_premises_id {
        Identifier::Guid(guid) => match index.ad_by_guid(inventory, guid) {
            Some(id) => (Sort::Provisionable, Counterpart::Object(id)),
            None if index.has_ad_users => (Sort::ForeignIdentifier, by_sid()),
            None => (Sort::OpenUser, Counterpart::Open),
        },
        Identifier::Unreadable(_) => (Sort::ForeignIdentifier, by_sid()),
        Identifier::Null => match user.synced {
            Tri::True => (Sort::NoIdentifier, by_sid()),
            Tri::Null | Tri::False => (Sort::CloudUser, by_sid()),
            Tri::Absent => (Sort::OpenUser, by_sid()),
        },
        Identifier::Absent => match user.synced {
            Tri::Null | Tri::False => (Sort::CloudUser, by_sid()),
            Tri::True | Tri::Absent => (Sort::OpenUser, by_sid()),
        },
    }
}

fn group(inventory: &Inventory, index: &Index, object: usize) -> (Sort, Counterpart) {
    let entry = &inventory.entra.objects[object];
    let by_anchor = match index.ad_group_by_anchor(entry.id) {
        Some(row) => Counterpart::Object(inventory.ad.groups[row as usize].object),
        None if inventory.ad.is_whole() => Counterpart::Nobody,
        None => Counterpart::Open,
    };
    let Some(group) = inventory.entra.groups.get(entry.detail as usize) else { return (Sort::OpenGroup, by_anchor) };
    if group.synced == Tri::True {
        let counterpart = match group.sid {
            Some(sid) if sid != SidRef::default() => {
                let lacking = if inventory.ad.is_whole() { Counterpart::Nobody } else { Counterpart::Open };
                index.ad_by_sid(inventory, sid).map_or(lacking, Counterpart::Object)
            }
            _ => Counterpart::Open,
        };
        return (Sort::SyncedGroup, counterpart);
    }
    let sort = if group.unified.is_true() || group.mail_enabled.is_true() {
        Sort::MailGroup
    } else if group.synced == Tri::Absent || group.unified == Tri::Absent || group.mail_enabled == Tri::Absent {
        Sort::OpenGroup
    } else {
        Sort::CloudGroup
    };
    (sort, by_anchor)
}

/// The members of one group, counted by sort, and AD's list held against the expected one.
#[derive(Debug, Default)]
pub struct MemberView {
    pub counts: [u32; 11],
    /// Up to `FIRST` of each sort, only where details are wanted.
    pub first: [Vec<u32>; 11],
    /// AD objects that should be members and are not.
    pub missing: Vec<u32>,
    pub missing_count: u32,
    /// AD members that no Entra member stands for.
    pub extra: Vec<u32>,
    pub extra_count: u32,
    /// AD members or Entra members of whom the input tells too little to compare them.
    pub open: u32,
    /// Whether both lists are whole, so that they can be compared at all.
    pub comparable: bool,
    /// Whether Entra's members are known whole.
    pub entra_known: bool,
}

/// How many examples a finding about members names.
pub const FIRST: usize = 20;
/// How many distinguished names a comparison of members lists on each side.
pub const LISTED: usize = 1_000;

impl MemberView {
    /// Rows are numbers into `ad.groups` and `entra.groups`, or `NONE`.
    pub fn build(
        inventory: &Inventory,
        map: &MemberMap,
        ad: u32,
        entra: u32,
        detailed: bool,
        scratch: &mut Vec<u32>,
    ) -> Self {
        let mut view = MemberView::default();
        let Some(group) = inventory.entra.groups.get(entra as usize) else { return view };
        view.entra_known = group.members == Completeness::Complete;
        scratch.clear();
        for &member in inventory.entra.members.row(entra as usize) {
            let sort = map.sort(member) as usize;
            view.counts[sort] += 1;
            if detailed && view.first[sort].len() < FIRST {
                view.first[sort].push(member);
            }
            match map.counterpart(member) {
                Counterpart::Object(id) => scratch.push(id),
                Counterpart::Nobody => {}
                Counterpart::Open => view.open += 1,
            }
        }
        let Some(ad_group) = inventory.ad.groups.get(ad as usize) else { return view };
        view.comparable = view.entra_known && ad_group.members == Completeness::Complete;
        if !view.comparable {
            return view;
        }
        scratch.sort_unstable();
        scratch.dedup();
        let open_members = view.open;
        let actual = inventory.ad.members.row(ad as usize);
        let (mut i, mut j) = (0, 0);
        while i < scratch.len() || j < actual.len() {
            match (scratch.get(i), actual.get(j)) {
                (Some(e), Some(a)) if e == a => (i, j) = (i + 1, j + 1),
                (Some(e), Some(a)) if e < a => view.lacks(*e, &mut i, detailed),
                (Some(e), None) => view.lacks(*e, &mut i, detailed),
                (_, Some(a)) => {
                    j += 1;
                    if inventory.ad.objects[*a as usize].class == AdClass::Missing || open_members > 0 {
                        view.open += 1;
                    } else {
                        view.extra_count += 1;
                        if detailed && view.extra.len() < LISTED {
                            view.extra.push(*a);
                        }
                    }
                }
                (None, None) => break,
            }
        }
        view
    }

    fn lacks(&mut self, id: u32, i: &mut usize, detailed: bool) {
        *i += 1;
        self.missing_count += 1;
        if detailed && self.missing.len() < LISTED {
            self.missing.push(id);
        }
    }
    pub fn count(&self, sort: Sort) -> u32 {
        self.counts[sort as usize]
    }
    pub fn first(&self, sort: Sort) -> &[u32] {
        &self.first[sort as usize]
    }
}
