//! The AD half: one domain read whole from one pinned controller, the rest of its forest through the Global Catalog.

use super::{Base, Half, Tell, Wishes};
use crate::config::Config;
use crate::error::{Error, Result};
use tokio::sync::watch;

/// Reads one domain.
pub struct Reader<'c> {
    config: &'c Config,
}

impl<'c> Reader<'c> {
    /// Checks the configuration and takes the secrets in; nothing is sent yet.
    pub fn new(config: &'c Config) -> Result<Self> {
        Ok(Reader { config })
    }

    pub async fn collect(
        self,
        _: &Wishes,
        _: Option<&Base>,
        _: watch::Receiver<Option<Option<String>>>,
        _: &Tell,
    ) -> Result<Half> {
        let url = self.config.settings.ad.url.as_deref().unwrap_or_default();
        Err(Error::failed(format!("{url} cannot be read by this build")))
    }
}
