//! The state that a command looks at: a bundle, or what the servers say now. Live state goes through a bundle in a private
//! temporary folder, so that both ways read the same, verify the same and show the same hash.

use super::collect::{add_events, read_live, save_live};
use super::printer::Printer;
use crate::assess::AboutBundle;
use crate::bundle::{self, Opened};
use crate::collect::live::{Outcome, Wishes, has_source};
use crate::config::Config;
use crate::directory::Inventory;
use crate::error::{Error, Result};
use std::path::{Path, PathBuf};

/// What to read.
pub struct Wanted<'w> {
    /// The bundle; without one, the servers.
    pub bundle: Option<&'w Path>,
    /// Logs, access packages and replication metadata too.
    pub audit: bool,
    /// Exported security events, where the configuration names their folder.
    pub events: bool,
    pub graph_budget: Option<u8>,
    pub accept_partial: bool,
    /// Where live state is kept as a bundle.
    pub keep: Option<&'w Path>,
}

pub struct State {
    pub inventory: Inventory,
    pub opened: Opened,
    /// Where the bundle lies, for what is read of it on demand.
    pub dir: PathBuf,
    /// Removed with the state.
    _temporary: Option<tempfile::TempDir>,
}

impl State {
    /// `None`: interrupted.
    pub fn read(wanted: Wanted<'_>, config: &Config, printer: &mut Printer) -> Result<Option<State>> {
        if let Some(dir) = wanted.bundle {
            let bar = printer.progress("reading the bundle");
            let read = bundle::open(dir);
            bar.finish_and_clear();
            let (opened, inventory) = read?;
            return Ok(Some(State { inventory, opened, dir: dir.to_owned(), _temporary: None }));
        }
        if let Some(keep) = wanted.keep {
            bundle::write::check_target(keep)?;
        }
        let wishes = Wishes { audit: wanted.audit, graph_budget: wanted.graph_budget, ..Wishes::default() };
        let read = read_live(config, wishes, None, printer).map_err(|e| match has_source(&config.settings) {
            true => e,
            false => e.hint("To look at state that was collected before instead, give --bundle BUNDLE."),
        });
        let mut collected = match read? {
            Outcome::Interrupted => return Ok(None),
            Outcome::Done(collected) => collected,
        };
        if wanted.events {
            add_events(&mut collected, config)?;
        }
        let (dir, temporary) = match wanted.keep {
            Some(keep) => (keep.to_owned(), None),
            None => {
                // Created for its owner alone.
                let temporary = tempfile::Builder::new()
                    .prefix("groupshift-")
                    .tempdir()
                    .map_err(|e| Error::io("create a folder in", &std::env::temp_dir(), e))?;
                (temporary.path().join("bundle"), Some(temporary))
            }
        };
        save_live(*collected, &dir, wanted.accept_partial, printer)?;
        let (opened, inventory) = bundle::open(&dir)?;
        Ok(Some(State { inventory, opened, dir, _temporary: temporary }))
    }

    pub fn about(&self) -> AboutBundle {
        AboutBundle::of(&self.opened)
    }
}
