//! The groups that policy and decisions name, by object id or DN.

use crate::assess::Assessed;
use crate::directory::inventory::NONE;
use crate::directory::{ObjectGuid, write_key};
use crate::report::model::View;
use hashbrown::HashMap;

/// What a name stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Target {
    /// Position in the assessment.
    Group(u32),
    /// Row of a Microsoft 365 group that the assessment does not list.
    Unlisted(u32),
}

#[derive(Default)]
pub(super) struct Lookup {
    by_id: HashMap<u128, Vec<Target>>,
    by_dn: HashMap<Vec<u8>, u32>,
}

impl Lookup {
    pub fn build(assessed: &Assessed<'_>, unlisted: &[u32]) -> Lookup {
        let inventory = assessed.inventory();
        let mut out = Lookup::default();
        for i in 0..assessed.len() {
            let entry = assessed.entry(i);
            let ad = inventory.ad.groups.get(entry.ad as usize);
            let id = match inventory.entra.groups.get(entry.entra as usize).filter(|_| entry.entra != NONE) {
                Some(group) => Some(inventory.entra_object(group).id),
                None => ad.and_then(|g| crate::predict::index::anchor_of(inventory, g)).map(|a| a.0),
            };
            if let Some(id) = id {
                out.by_id.entry(id.as_u128()).or_default().push(Target::Group(i as u32));
            }
            if let Some(group) = ad {
                let mut key = Vec::new();
                if write_key(inventory.dn(group.object), &mut key).is_some() {
                    out.by_dn.insert(key, i as u32);
                }
            }
        }
        for row in unlisted {
            let id = inventory.entra_object(&inventory.entra.groups[*row as usize]).id;
            out.by_id.entry(id.as_u128()).or_default().push(Target::Unlisted(*row));
        }
        out
    }

    /// What this text names; an error in words where it names nothing, or several.
    pub fn find(&self, text: &str) -> Result<Target, String> {
        let text = text.trim();
        if let Some(id) = ObjectGuid::parse(text) {
            return match self.by_id.get(&id.as_u128()).map(Vec::as_slice) {
                Some([one]) => Ok(*one),
                Some(_) => {
                    Err(format!("several AD groups carry the object id {text}; name the one that is meant by its DN"))
                }
                None => Err(format!("no written-back group has the object id {text}")),
            };
        }
        let mut key = Vec::new();
        match write_key(text, &mut key) {
            Some(()) if text.contains('=') => match self.by_dn.get(&key) {
                Some(i) => Ok(Target::Group(*i)),
                None => Err(format!("no written-back group has the DN {text}")),
            },
            _ => Err(format!("{text:?} is neither an object id nor a DN")),
        }
    }
}
