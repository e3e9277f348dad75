//! The Entra half: groups, users, Cloud Sync, licences, read through Graph.

use super::{Base, ContainerKnown, Half, Tell, Wishes};
use crate::config::Config;
use crate::error::{Error, Result};

/// Reads one tenant.
pub struct Reader<'c> {
    config: &'c Config,
}

impl<'c> Reader<'c> {
    /// Checks the configuration and takes the secrets in; nothing is sent yet.
    pub fn new(config: &'c Config) -> Result<Self> {
        Ok(Reader { config })
    }

    /// Fills the Entra half. `container` is told what Entra names as the writeback container as soon as it is known.
    pub async fn collect(self, _: &Wishes, _: Option<&Base>, container: ContainerKnown, _: &Tell<'_>) -> Result<Half> {
        drop(container);
        let tenant = self.config.settings.entra.tenant_id.as_deref().unwrap_or_default();
        Err(Error::failed(format!("tenant {tenant} cannot be read by this build")))
    }
}
