//! What a page says of a planned group: a line of a table, where `plan.json` has the whole of it.

use super::build::Parts;
use super::model::{PlannedGroup, Risk};
use super::predicted;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Brief {
    pub dn: String,
    pub display_name: Option<String>,
    /// Direct members in AD.
    pub members: u64,
    pub name: NameAfter,
    pub added: u64,
    pub removed: u64,
    pub perhaps_removed: u64,
    pub not_written: u64,
    /// Attributes that change.
    pub attributes: Vec<String>,
    pub risk: Risk,
}

/// What the group will be called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NameAfter {
    Kept,
    Becomes(String),
    NotProved,
}

impl Brief {
    pub fn of(group: &PlannedGroup) -> Brief {
        let p = &group.predicted;
        Brief {
            dn: group.dn.clone(),
            display_name: group.display_name.clone(),
            members: group.members,
            name: match &p.dn {
                Some(dn) if *dn == group.dn => NameAfter::Kept,
                Some(dn) => NameAfter::Becomes(dn.clone()),
                None => NameAfter::NotProved,
            },
            added: p.member_adds.len() as u64,
            removed: p.member_removals.len() as u64,
            perhaps_removed: p.possible_removals.count,
            not_written: p.not_written,
            attributes: p.attributes.iter().map(|a| a.name.clone()).collect(),
            risk: group.risk.clone(),
        }
    }

    /// The same without making the group.
    pub(super) fn made(parts: &Parts<'_>, index: u32) -> Brief {
        let inventory = parts.input.assessed.inventory();
        let entry = parts.candidates[index as usize].entry;
        let kept = parts.proposed.kept[index as usize];
        let sums = predicted::sums(parts.forecast, parts.forecast.position_of_ad(entry.ad), kept);
        let entra = &inventory.entra.groups[entry.entra as usize];
        Brief {
            dn: parts.dn(index as usize).to_owned(),
            display_name: inventory.text.get(entra.display_name).map(str::to_owned),
            members: inventory.ad.members.row(entry.ad as usize).len() as u64,
            name: if kept.both() { NameAfter::Kept } else { NameAfter::NotProved },
            added: sums.member_adds,
            removed: sums.member_removals,
            perhaps_removed: sums.possible_removals,
            not_written: sums.not_written,
            attributes: predicted::changed_attributes(parts.forecast, parts.forecast.position_of_ad(entry.ad)),
            risk: parts.selection.risk(&parts.basis(), index),
        }
    }
}
