//! Whole looks at both sides, kept with the run as bundles: what is compared later, and what an auditor can read.

use super::{Engine, Go, Halt, Stop, Surroundings};
use crate::bundle::{self, Certificate};
use crate::cutover::port::{Observer, Operator};
use crate::directory::ObjectGuid;
use crate::directory::inventory::{Inventory, NONE};
use crate::error::{Error, Place, Result};
use chrono::SecondsFormat;
use hashbrown::{HashMap, HashSet};
use std::path::PathBuf;

/// The look that a run begins with.
pub(crate) const FIRST: &str = "first";

impl<P: Surroundings> Engine<'_, P> {
    /// Looks at both sides.
    pub(crate) async fn look(&self, what: &str) -> Go<Inventory> {
        self.breathe()?;
        self.ports.operator().progress(what, 0, None);
        let inventory = self.ports.observer().look().await?;
        if !inventory.ad.is_whole() {
            return Err(Error::failed("the look at Active Directory is not whole; nothing is concluded from it").into());
        }
        Ok(inventory)
    }

    fn look_folder(&self, name: &str) -> PathBuf {
        let safe: String = name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
        self.run.folder().join("looks").join(safe)
    }

    /// Keeps a look under a name; a former one of that name makes way.
    pub(crate) fn keep_look(&self, name: &str, inventory: &Inventory) -> Result<()> {
        let folder = self.look_folder(name);
        if folder.exists() {
            std::fs::remove_dir_all(&folder).map_err(|e| Error::io("replace the former look", &folder, e))?;
        }
        let about = bundle::write::About {
            created: self.now().to_rfc3339_opts(SecondsFormat::Secs, true),
            anonymised: false,
            sources: Vec::new(),
            certificate: Certificate { complete: true, parts: Vec::new(), not_looked_at: Vec::new() },
        };
        bundle::write(inventory, about, &folder).map(|_| ())
    }

    pub(crate) fn has_look(&self, name: &str) -> bool {
        self.look_folder(name).exists()
    }

    pub(crate) fn open_look(&self, name: &str) -> Result<Inventory> {
        let folder = self.look_folder(name);
        if !folder.exists() {
            return Err(Error::failed("the run's own record of what it saw is not there")
                .at(Place::file(folder))
                .hint("Take the run over from its snapshot copy: groupshift cutover adopt"));
        }
        Ok(bundle::open(&folder)?.1)
    }

    /// Member lists that are empty or much smaller than when the run began (law 10), of these groups.
    pub(crate) fn shrunk(
        &self,
        first: &Inventory,
        now: &Inventory,
        groups: &HashSet<ObjectGuid>,
        in_ad: bool,
    ) -> Vec<(ObjectGuid, String)> {
        let (entra_then, entra_now) = (entra_members(first), entra_members(now));
        let (ad_then, ad_now) = (ad_members(first), ad_members(now));
        let mut out = Vec::new();
        for group in self.planned() {
            let Some(id) = ObjectGuid::parse(&group.object_id).filter(|id| groups.contains(id)) else { continue };
            let guid = ObjectGuid::parse(&group.object_guid).unwrap_or_default();
            let name = group.display_name.as_deref().unwrap_or(&group.dn);
            // What follows Entra in AD is said once, of Entra.
            let sides =
                [("Entra", entra_then.get(&id), entra_now.get(&id)), ("AD", ad_then.get(&guid), ad_now.get(&guid))];
            for (side, then, count) in sides.into_iter().take(if in_ad { 2 } else { 1 }) {
                let then = then.copied().unwrap_or(0);
                // An AD group that is gone is no short list: the comparison says so.
                if side == "AD" && count.is_none() {
                    continue;
                }
                let count = count.copied().unwrap_or(0);
                if is_suspect(then, count) {
                    out.push((id, format!("{name} ({id}): {then} members in {side} when the run began, {count} now")));
                    break;
                }
            }
        }
        out
    }

    /// Stops where a source shrank, unless the operator said of each group that it is true; `done` says what came of it.
    pub(crate) fn gate_shrunk(&self, shrunk: Vec<(ObjectGuid, String)>, done: &str) -> Go {
        let mut open = Vec::new();
        for (id, text) in shrunk {
            if !self.accepted("shrunk", &format!("shrunk:{id}"))? {
                open.push((id, text));
            }
        }
        if open.is_empty() {
            return Ok(());
        }
        let ids: Vec<String> = open.iter().map(|(id, _)| format!("--accept \"shrunk:{id}=REASON\"")).collect();
        Err(Halt::Drift(
            Stop::new(format!("{} member lists are empty or much smaller than when the run began", open.len()))
                .lines(open.into_iter().map(|(_, text)| text))
                .next(format!("{done} Look whether the members left on purpose, group by group."))
                .next(format!("Where it is true: groupshift cutover resume {}", ids.join(" "))),
        ))
    }
}

/// Empty, or less than half and at least five fewer.
pub(crate) fn is_suspect(then: usize, now: usize) -> bool {
    then > 0 && (now == 0 || (now * 2 < then && then - now >= 5))
}

/// Direct members by object id.
fn entra_members(inventory: &Inventory) -> HashMap<ObjectGuid, usize> {
    let groups = inventory.entra.groups.iter().enumerate();
    groups.map(|(row, g)| (inventory.entra_object(g).id, inventory.entra.members.row(row).len())).collect()
}

/// Direct members by objectGUID.
fn ad_members(inventory: &Inventory) -> HashMap<ObjectGuid, usize> {
    let groups = inventory.ad.groups.iter().enumerate();
    groups.map(|(row, g)| (inventory.ad_object(g).guid, inventory.ad.members.row(row).len())).collect()
}

/// By row of `entra.groups`: whether the group is one of these.
pub(crate) fn rows(inventory: &Inventory, ids: &HashSet<ObjectGuid>) -> Vec<bool> {
    inventory.entra.groups.iter().map(|g| ids.contains(&inventory.entra_object(g).id)).collect()
}

/// objectGUIDs of every AD group that carries an anchor.
pub(crate) fn anchored(inventory: &Inventory) -> Vec<(u32, ObjectGuid)> {
    inventory
        .ad
        .groups
        .iter()
        .enumerate()
        .filter(|(_, g)| crate::predict::index::anchor_of(inventory, g).is_some() && g.object != NONE)
        .map(|(row, g)| (row as u32, inventory.ad_object(g).guid))
        .collect()
}
