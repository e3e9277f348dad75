//! What every check asks for, joined once: the assessment's look-ups, the forecast of the job as it stands, and the
//! groups to be audited, each with its AD object, its Entra object and what it was before.

use super::evidence::Evidence;
use super::former::{Former, FormerGroup};
use super::model::Failure;
use super::principals::Principals;
use super::settings::Settings;
use super::{Input, model};
use crate::assess;
use crate::directory::inventory::{AdGroup, AdObject, EntraGroup, Inventory, NONE};
use crate::directory::{Anchor, AnchorText, ObjectGuid};
use crate::predict::{Assumptions, Forecast, Mappings, Scoping, Shared};
use rayon::prelude::*;
use serde_json::json;

/// One audited group: rows of `ad.groups`, `entra.groups` and of the groups before, or `NONE`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    pub ad: u32,
    pub entra: u32,
    pub former: u32,
    /// Entra object id; nil where nothing tells it.
    pub id: ObjectGuid,
    pub scope: Option<bool>,
}

pub struct Context<'a> {
    pub inventory: &'a Inventory,
    pub settings: &'a Settings,
    pub evidence: &'a Evidence,
    pub former: Option<&'a Former>,
    pub assess: assess::Context<'a>,
    /// What the job makes of the groups that are to be in its scope.
    pub forecast: Forecast<'a>,
    /// In published order: by DN, those without one last, by object id.
    pub entries: Vec<Entry>,
    /// Positions in `entries` by row of `ad.groups` and of `entra.groups`, or `NONE`.
    by_ad: Vec<u32>,
    by_entra: Vec<u32>,
    pub principals: Principals<'a>,
}

impl<'a> Context<'a> {
    pub fn build(input: &Input<'a>) -> Self {
        let inventory = input.inventory;
        let cx = assess::Context::build(inventory, &input.settings.assess);
        let entries = entries(&cx, input.former);
        let mut wanted = vec![false; inventory.entra.groups.len()];
        for entry in entries.iter().filter(|e| e.entra != NONE) {
            wanted[entry.entra as usize] = true;
        }
        let forecast = Forecast::with(
            inventory,
            &Assumptions {
                mode: input.settings.assess.scope,
                domain: input.settings.assess.domain.as_deref(),
                mappings: Mappings::Job,
                scope: Scoping::Groups(&wanted),
                // What should be there is what the option writes; that it is off shows in what is missing.
                on_premises_members: Some(true),
            },
            Shared { index: cx.index.clone(), members: cx.members.clone() },
        );
        let (mut by_ad, mut by_entra) =
            (vec![NONE; inventory.ad.groups.len()], vec![NONE; inventory.entra.groups.len()]);
        for (position, entry) in entries.iter().enumerate() {
            for (list, row) in [(&mut by_ad, entry.ad), (&mut by_entra, entry.entra)] {
                if let Some(at) = list.get_mut(row as usize) {
                    *at = position as u32;
                }
            }
        }
        let principals = Principals::build(&cx, input.settings);
        Context {
            inventory,
            principals,
            settings: input.settings,
            evidence: input.evidence,
            former: input.former,
            assess: cx,
            forecast,
            entries,
            by_ad,
            by_entra,
        }
    }

    /// The audited group at a row of `ad.groups` or of `entra.groups`, or `NONE`.
    pub fn position_of_ad(&self, row: u32) -> u32 {
        self.by_ad.get(row as usize).copied().unwrap_or(NONE)
    }
    pub fn position_of_entra(&self, row: u32) -> u32 {
        self.by_entra.get(row as usize).copied().unwrap_or(NONE)
    }
    /// Every audited group with its position.
    pub fn each(&self) -> impl Iterator<Item = (u32, &Entry)> {
        self.entries.iter().enumerate().map(|(i, e)| (i as u32, e))
    }
    /// The group is to be in AD: the job takes it, or it was there before and its Entra group has not gone.
    pub fn is_wanted(&self, entry: &Entry) -> bool {
        entry.scope == Some(true) || self.is_planned(entry) && !self.is_retired(entry)
    }
    /// The plan, or the plan of the run, has it in a wave.
    pub fn is_planned(&self, entry: &Entry) -> bool {
        self.before(entry).is_some_and(|b| !b.outside)
    }
    /// Its Entra group is known to be gone, or soft-deleted.
    pub fn is_retired(&self, entry: &Entry) -> bool {
        match self.entra(entry) {
            Some(group) => group.deleted,
            None => self.inventory.entra.has_all("groups"),
        }
    }
    pub fn text(&self, text: crate::directory::Text) -> Option<&'a str> {
        self.inventory.text.get(text)
    }
    pub fn dn(&self, entry: &Entry) -> Option<&'a str> {
        self.ad(entry).and_then(|(_, o)| self.text(o.dn))
    }

    /// A failure of an AD group that is not among the audited ones, by its row.
    pub fn failure_of_ad(&self, row: u32, what: &str, message: impl Into<String>) -> Failure {
        let group = &self.inventory.ad.groups[row as usize];
        let object = self.inventory.ad_object(group);
        let dn = self.inventory.dn(group.object).to_owned();
        let guid = (!object.guid.is_nil()).then(|| object.guid.to_string());
        let of = guid.as_deref().unwrap_or(&dn);
        Failure {
            key: if what.is_empty() { of.to_owned() } else { format!("{of}|{what}") },
            object_id: anchor_of(self.inventory, group).map(|a| a.0.to_string()),
            sid: self.inventory.sids.get(object.sid).map(|s| s.to_string()),
            display_name: self.text(group.display_name).map(str::to_owned),
            object_guid: guid,
            dn: Some(dn),
            message: message.into(),
            evidence: json!({}),
            ..Failure::default()
        }
    }

    pub fn ad(&self, entry: &Entry) -> Option<(&'a AdGroup, &'a AdObject)> {
        let group = self.inventory.ad.groups.get(entry.ad as usize)?;
        Some((group, self.inventory.ad_object(group)))
    }
    pub fn entra(&self, entry: &Entry) -> Option<&'a EntraGroup> {
        self.inventory.entra.groups.get(entry.entra as usize)
    }
    pub fn before(&self, entry: &Entry) -> Option<&'a FormerGroup> {
        self.former?.get(entry.former)
    }
    pub fn entry(&self, position: u32) -> &Entry {
        &self.entries[position as usize]
    }

    /// A failure of an audited group, with what identifies it filled in; `what` tells it apart from others of the group.
    pub fn failure(&self, position: u32, what: &str, message: impl Into<String>) -> Failure {
        let entry = self.entry(position);
        let line = self.line(position as usize);
        let of = line.object_id.as_deref().or(line.object_guid.as_deref()).or(line.dn.as_deref()).unwrap_or("?");
        let key = if what.is_empty() { of.to_owned() } else { format!("{of}|{what}") };
        let before = self.before(entry);
        Failure {
            key,
            dn: line.dn.or_else(|| before.map(|b| b.dn.clone())),
            object_id: line.object_id,
            object_guid: line.object_guid.or_else(|| before.map(|b| b.guid.to_string())),
            sid: line.sid,
            display_name: line.display_name,
            message: message.into(),
            evidence: json!({}),
            ..Failure::default()
        }
    }

    pub fn line(&self, position: usize) -> model::GroupLine {
        let inventory = self.inventory;
        let entry = &self.entries[position];
        let (ad, before) = (self.ad(entry), self.before(entry));
        let text = |t| inventory.text.get(t).map(str::to_owned);
        let display_name = self
            .entra(entry)
            .and_then(|g| text(g.display_name))
            .or_else(|| ad.and_then(|(g, _)| text(g.display_name)))
            .or_else(|| before.and_then(|b| b.display_name.clone()));
        model::GroupLine {
            object_id: (!entry.id.is_nil()).then(|| entry.id.to_string()),
            object_guid: ad.filter(|(_, o)| !o.guid.is_nil()).map(|(_, o)| o.guid.to_string()),
            sid: ad.and_then(|(_, o)| inventory.sids.get(o.sid)).map(|s| s.to_string()),
            dn: ad.and_then(|(_, o)| text(o.dn)),
            display_name,
            members: inventory.ad.members.row(entry.ad as usize).len() as u64,
            in_scope: entry.scope,
            wave: before.and_then(|b| b.wave.clone()),
            failed: Vec::new(),
            unknown: Vec::new(),
        }
    }
}

/// The groups to audit: what the job takes, what carries its stamp, and what the plan or the snapshots hold.
fn entries(cx: &assess::Context<'_>, former: Option<&Former>) -> Vec<Entry> {
    let inventory = cx.inventory;
    let scope_of = |row: u32| {
        let group = &inventory.entra.groups[row as usize];
        match cx.cloud.is_absent() || group.deleted {
            true => Some(false),
            false => cx.cloud.in_scope(inventory, group.object).flatten(),
        }
    };
    let ad_of_id = |id: ObjectGuid| cx.index.ad_group_by_anchor(id).unwrap_or(NONE);
    let former_group = |position: u32| former.and_then(|f| f.get(position));
    // Of two carriers of an anchor, the one that was there before is the group.
    let before = |id: ObjectGuid| {
        let position = former.and_then(|f| f.position_of_id(id));
        let group = position.and_then(|p| former?.get(p));
        let ad = group.and_then(|g| cx.index.ad_by_guid(inventory, g.guid));
        let row = ad.map_or(NONE, |object| inventory.ad.objects[object as usize].group);
        (position.unwrap_or(NONE), row)
    };
    let by_entra: Vec<Entry> = (0..inventory.entra.groups.len() as u32)
        .into_par_iter()
        .filter_map(|row| {
            let id = inventory.entra_object(&inventory.entra.groups[row as usize]).id;
            let scope = scope_of(row);
            let (former, known) = before(id);
            let is_stamped = !crate::predict::index::carriers(&cx.index.by_edoi, id).is_empty();
            let planned = former_group(former).is_some_and(|g| !g.outside);
            if scope != Some(true) && !is_stamped && !planned {
                return None;
            }
            let ad = if known != NONE { known } else { by_stamp(cx, id).unwrap_or_else(|| ad_of_id(id)) };
            Some(Entry { ad, entra: row, former, id, scope })
        })
        .collect();
    let mut out = by_entra;
    // Stamped groups whose Entra group is not in the input, but for those that are known by another anchor already.
    let claimed: hashbrown::HashSet<u32> = out.iter().map(|e| e.ad).collect();
    let mut gone: Vec<Entry> = cx
        .index
        .by_edoi
        .chunk_by(|a, b| a.0 == b.0)
        .filter_map(|same| {
            let id = ObjectGuid::from_u128(same[0].0);
            if cx.index.entra_group(inventory, id).is_some() || claimed.contains(&same[0].1) {
                return None;
            }
            let (former, known) = before(id);
            let ad = if known != NONE { known } else { same[0].1 };
            let scope = inventory.entra.has_all("groups").then_some(false);
            Some(Entry { ad, entra: NONE, former, id, scope })
        })
        .collect();
    out.append(&mut gone);
    // Groups of the plan or snapshot that neither AD nor Entra shows by their anchor any more.
    if let Some(former) = former {
        let mut met = vec![false; former.groups().len()];
        out.iter().filter(|e| e.former != NONE).for_each(|e| met[e.former as usize] = true);
        for (position, group) in former.groups().iter().enumerate().filter(|(i, g)| !met[*i] && !g.outside) {
            let object = cx.index.ad_by_guid(inventory, group.guid);
            let ad = object.map_or(NONE, |o| inventory.ad.objects[o as usize].group);
            let id = group.id.unwrap_or_default();
            let ad = if ad == NONE { ad_of_id(id) } else { ad };
            let scope = inventory.entra.has_all("groups").then_some(false);
            out.push(Entry { ad, entra: NONE, former: position as u32, id, scope });
        }
    }
    sorted(inventory, out)
}

/// The first AD group whose stamp names the Entra group.
fn by_stamp(cx: &assess::Context<'_>, id: ObjectGuid) -> Option<u32> {
    crate::predict::index::carriers(&cx.index.by_edoi, id).first().map(|(_, row)| *row)
}

/// By DN, byte by byte; those without one last, by object id.
fn sorted(inventory: &Inventory, mut entries: Vec<Entry>) -> Vec<Entry> {
    let name = |e: &Entry| inventory.ad.groups.get(e.ad as usize).map(|g| inventory.dn(g.object));
    entries.par_sort_unstable_by(|a, b| {
        let (x, y) = (name(a), name(b));
        x.is_none().cmp(&y.is_none()).then_with(|| x.cmp(&y)).then_with(|| a.id.cmp(&b.id))
    });
    entries
}

/// The anchor that an AD group carries, by its description or else its stamp.
pub fn anchor_of(inventory: &Inventory, group: &AdGroup) -> Option<Anchor> {
    let read = |text| AnchorText::read(inventory.text.get(text)).anchor();
    read(group.admin_description).or_else(|| read(group.edoi))
}
