//! The writeback container: the one OU that V2 writes to, and who names it.

use super::index::anchor_of;
use super::settings::Settings;
use crate::directory::inventory::Inventory;
use crate::directory::{Dn, write_key};
use std::collections::BTreeMap;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Container {
    pub dn: String,
    /// What named it.
    pub from: &'static str,
    key: Vec<u8>,
}

impl Container {
    fn new(dn: &str, from: &'static str) -> Option<Self> {
        let mut key = Vec::new();
        write_key(dn.trim(), &mut key)?;
        (!key.is_empty()).then(|| Container { dn: dn.trim().to_owned(), from, key })
    }
    /// True for names below the container.
    pub fn holds(&self, dn: &str) -> bool {
        let mut key = Vec::new();
        write_key(dn, &mut key).is_some()
            && key.strip_suffix(self.key.as_slice()).is_some_and(|head| head.ends_with(b"\0"))
    }
    pub fn is(&self, dn: &str) -> bool {
        crate::directory::same_dn(&self.dn, dn)
    }
}

/// By configuration, by Entra, by Connect, else the parent of most anchors.
pub fn find(inventory: &Inventory, settings: &Settings) -> Option<Container> {
    let named = |dn: Option<&str>, from| dn.filter(|d| !d.trim().is_empty()).and_then(|d| Container::new(d, from));
    named(settings.writeback_ou.as_deref(), "configuration ([ad] writeback_ou)")
        .or_else(|| named(inventory.entra.tenant.writeback_container.as_deref(), "Entra (unifiedGroupContainer)"))
        .or_else(|| {
            named(inventory.connect.iter().find_map(super::connect::container_of), "Connect (writeback container)")
        })
        .or_else(|| named(parent_of_most(inventory).as_deref(), "the parent of most anchored groups"))
}

fn parent_of_most(inventory: &Inventory) -> Option<String> {
    let mut counts: BTreeMap<String, (usize, String)> = BTreeMap::new();
    for group in &inventory.ad.groups {
        if anchor_of(inventory, group).is_some()
            && let Ok(dn) = Dn::parse(inventory.dn(group.object))
            && let Some(parent) = dn.parent()
        {
            counts.entry(parent.key()).or_insert_with(|| (0, parent.to_string())).0 += 1;
        }
    }
    let most = counts.values().map(|(n, _)| *n).max()?;
    counts.into_values().find(|(n, _)| *n == most).map(|(_, dn)| dn)
}
