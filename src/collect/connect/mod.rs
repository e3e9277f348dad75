//! Entra Connect servers from what an administrator exported: a `Get-ADSyncServerConfiguration` folder, the
//! `connect-state.json` of the collector script, `csexport` files. Each is optional; what is missing stays unknown.

mod export;
mod layout;
mod lenient;
mod merge;
mod pending;
mod state;
pub(in crate::collect) mod xml;

pub use export::{GlobalSettings, read_connector, read_global_settings, read_rule};
pub use layout::{ServerFiles, server_files};
pub use pending::read_pending_exports;
pub use state::{
    CONNECT_STATE_SCHEMA, ConnectState, StateAgent, StateConnector, StateError, StateFlow, StateJoin, StateJoinGroup,
    StatePartition, StateRule, StateScheduler, StateScope, StateScopeGroup, parse_state, read_state,
};

use crate::directory::connect::ConnectServer;
use crate::error::{Error, Place, Result};
use std::path::{Path, PathBuf};

/// Every server found in a `connect/` folder, by name: the files of one server directly in it, a folder for each server,
/// or both. An empty folder has no servers; a folder that is not there is an error.
pub fn read_connect(dir: &Path) -> Result<Vec<ConnectServer>> {
    let mut servers = Vec::new();
    for files in layout::find_servers(dir)? {
        for server in read_server(&files)? {
            if servers.iter().any(|other: &ConnectServer| other.name.eq_ignore_ascii_case(&server.name)) {
                return Err(Error::input(
                    Place::file(&files.folder),
                    format!("the server {} is described by two folders", server.name),
                )
                .hint("Keep the newer of the two: one folder for each Connect server."));
            }
            servers.push(server);
        }
    }
    servers.sort_by_key(|s| s.name.to_lowercase());
    Ok(servers)
}

/// The server that these files describe. Several, where there are only state files and they name several computers.
pub fn read_server(files: &ServerFiles) -> Result<Vec<ConnectServer>> {
    let mut states = Vec::new();
    for path in &files.states {
        states.push((path.clone(), read_state(path)?));
    }
    let alone = files.export.is_none() && files.pending_exports.is_empty();
    let mut groups: Vec<Vec<(PathBuf, ConnectState)>> = Vec::new();
    for state in states {
        let name = merge::short_name(&state.1);
        match groups.iter_mut().find(|g| g.first().is_some_and(|s| merge::short_name(&s.1) == name)) {
            Some(group) => group.push(state),
            None => groups.push(vec![state]),
        }
    }
    if groups.len() > 1 && !alone {
        return Err(Error::input(Place::file(&files.folder), "state files of several computers beside other exports")
            .hint("Put the files of each Connect server into a folder of its own: connect/<server>/…"));
    }
    if groups.is_empty() {
        groups.push(Vec::new());
    }
    groups.into_iter().map(|states| merge::merge(files, states)).collect()
}
