//! A short look at the tenant before anything is collected: can it be signed in to, what does the token permit, and the
//! small parts that gates ask about. Nothing is written.

use super::ledger::Ledger;
use super::{Reader, small};
use crate::bundle::Part;
use crate::collect::live::{ContainerKnown, Tell};
use crate::directory::inventory::Inventory;
use crate::error::Result;
use crate::graph::Claims;

/// What was seen.
pub struct Probe {
    /// The tenant and its Cloud Sync; no groups, no users.
    pub inventory: Inventory,
    /// What the token says of itself; none where it cannot be read.
    pub claims: Option<Claims>,
    pub address: String,
    /// What was read, and what the account was not allowed to.
    pub parts: Vec<Part>,
}

impl Reader<'_> {
    /// Looks. `container` is told what Entra names as the writeback container.
    pub async fn probe(self, container: ContainerKnown, tell: &Tell<'_>) -> Result<Probe> {
        let claims = self.telling(tell, self.wire.claims()).await?;
        let ledger = Ledger::default();
        let small = self.telling(tell, small::read(&self.wire, &ledger, &self.config.settings, container)).await?;
        let mut inventory = Inventory::default();
        inventory.entra.tenant = small.tenant;
        inventory.cloud_sync = small.cloud_sync;
        let (parts, _) = ledger.close();
        Ok(Probe { inventory, claims, address: self.wire.address(), parts })
    }
}
