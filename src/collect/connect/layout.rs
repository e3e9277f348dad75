//! Which file is what: a `connect/` folder holds one server's files, a folder for each server, or both. Links that lead
//! out of the folder are refused.

use super::pending::is_csexport;
use crate::error::{Error, Place, Result};
use std::path::{Path, PathBuf};

/// The files that describe one server.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ServerFiles {
    /// Where they stand; paths are shown relative to it.
    pub folder: PathBuf,
    /// The name to use where no file tells one.
    pub name: Option<String>,
    /// A `Get-ADSyncServerConfiguration` folder.
    pub export: Option<PathBuf>,
    /// `connect-state*.json`.
    pub states: Vec<PathBuf>,
    /// `csexport*.xml`, and other XML files with its root element.
    pub pending_exports: Vec<PathBuf>,
    /// Policy files of the wizard.
    pub policies: Vec<PathBuf>,
    /// Other XML and JSON files, which nothing here can read.
    pub unread: Vec<PathBuf>,
}

impl ServerFiles {
    pub fn is_empty(&self) -> bool {
        self.export.is_none() && self.states.is_empty() && self.pending_exports.is_empty() && self.policies.is_empty()
    }
}

/// An entry of a folder, links resolved.
pub(super) struct Entry {
    pub name: String,
    pub path: PathBuf,
    pub is_dir: bool,
}

/// The entries of a folder by name. A link is followed only where it stays below `root`.
pub(super) fn entries(dir: &Path, root: &Path) -> Result<Vec<Entry>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).map_err(|e| Error::io("list this folder", dir, e))? {
        let entry = entry.map_err(|e| Error::io("list this folder", dir, e))?;
        let path = entry.path();
        let kind = entry.file_type().map_err(|e| Error::io("look at this file", &path, e))?;
        if kind.is_symlink() {
            let whole = |p: &Path| p.canonicalize().map_err(|e| Error::io("follow this link", p, e));
            if !whole(&path)?.starts_with(whole(root)?) {
                return Err(Error::input(Place::file(&path), "a link that leads out of the folder")
                    .hint("Copy what it points to into the folder, or remove the link."));
            }
        }
        let is_dir = std::fs::metadata(&path).map_err(|e| Error::io("look at this file", &path, e))?.is_dir();
        found.push(Entry { name: entry.file_name().to_string_lossy().into_owned(), path, is_dir });
    }
    found.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(found)
}

pub(super) const CONNECTORS: &str = "Connectors";
pub(super) const RULES: &str = "SynchronizationRules";
pub(super) const SETTINGS: &str = "GlobalSettings";

fn is_part_of_export(entry: &Entry) -> bool {
    entry.is_dir && [CONNECTORS, RULES, SETTINGS].iter().any(|part| entry.name.eq_ignore_ascii_case(part))
}

/// The files of one server folder, with an export directly in it or in a folder of any name below.
pub fn server_files(dir: &Path) -> Result<ServerFiles> {
    let mut files = direct_files(dir, dir)?;
    if files.export.is_none() {
        adopt_exports(&mut files, exports_below(dir, dir)?)?;
    }
    Ok(files)
}

fn exports_below(dir: &Path, root: &Path) -> Result<Vec<PathBuf>> {
    let mut exports = Vec::new();
    for entry in entries(dir, root)? {
        if entry.is_dir && entries(&entry.path, root)?.iter().any(is_part_of_export) {
            exports.push(entry.path);
        }
    }
    Ok(exports)
}

fn adopt_exports(files: &mut ServerFiles, exports: Vec<PathBuf>) -> Result<()> {
    if let [first, second, ..] = exports.as_slice() {
        return Err(Error::input(
            Place::file(&files.folder),
            format!("two exports of one server: {} and {}", name_of(first), name_of(second)),
        )
        .hint("Keep the newer one. For several servers, make a folder for each: connect/<server>/…"));
    }
    files.export = exports.into_iter().next();
    Ok(())
}

fn name_of(path: &Path) -> String {
    path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default()
}

/// What stands directly in a folder.
fn direct_files(dir: &Path, root: &Path) -> Result<ServerFiles> {
    let mut files = ServerFiles { folder: dir.to_owned(), ..ServerFiles::default() };
    for entry in entries(dir, root)? {
        let name = entry.name.to_ascii_lowercase();
        match name.rsplit_once('.').map(|(_, ext)| ext) {
            _ if is_part_of_export(&entry) => files.export = Some(dir.to_owned()),
            _ if entry.is_dir => {}
            Some("json") if name.starts_with("connect-state") => files.states.push(entry.path),
            Some("json") if name.contains("synchronizationpolicy") || name == "migratedpolicy.json" => {
                files.policies.push(entry.path);
            }
            Some("xml") if name.starts_with("csexport") || is_csexport(&entry.path) => {
                files.pending_exports.push(entry.path);
            }
            Some("json" | "xml") => files.unread.push(entry.path),
            _ => {}
        }
    }
    Ok(files)
}

/// Every server folder in `dir`.
pub(super) fn find_servers(dir: &Path) -> Result<Vec<ServerFiles>> {
    let mut direct = direct_files(dir, dir)?;
    let mut found = Vec::new();
    let mut exports = Vec::new();
    for entry in entries(dir, dir)? {
        if !entry.is_dir || is_part_of_export(&entry) {
            continue;
        }
        let mut files = direct_files(&entry.path, dir)?;
        files.name = Some(entry.name);
        let is_bare_export = files.export.is_some()
            && files.states.is_empty()
            && files.pending_exports.is_empty()
            && files.policies.is_empty();
        // Beside loose files of a server, a folder that is nothing but an export is that server's export.
        if is_bare_export && !direct.is_empty() && direct.export.is_none() {
            exports.push(entry.path);
            continue;
        }
        if files.export.is_none() {
            let below = exports_below(&entry.path, dir)?;
            adopt_exports(&mut files, below)?;
        }
        if !files.is_empty() {
            found.push(files);
        }
    }
    if !exports.is_empty() {
        adopt_exports(&mut direct, exports)?;
    }
    if direct.is_empty() {
        return Ok(found);
    }
    // Loose files that tell no server's name belong to the one server that there is.
    if direct.states.is_empty() && direct.export.is_none() && !found.is_empty() {
        let [only] = found.as_mut_slice() else {
            let loose = direct.pending_exports.iter().chain(&direct.policies).map(|p| name_of(p));
            let message = format!("of which server is {}?", loose.collect::<Vec<_>>().join(", "));
            return Err(Error::input(Place::file(dir), message)
                .hint("Put it into the folder of its Connect server: connect/<server>/…"));
        };
        only.pending_exports.append(&mut direct.pending_exports);
        only.policies.append(&mut direct.policies);
        only.unread.append(&mut direct.unread);
        return Ok(found);
    }
    found.insert(0, direct);
    Ok(found)
}
