//! The exported copy of a run, as a folder: what is in it, and whether it is still what was written.

use super::schema;
use crate::bundle::write::hex;
use crate::bundle::{FileEntry, Tool};
use crate::cutover::record::RunRecord;
use crate::error::{Error, Place, Result};
use crate::report::plain;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::io::{Read, Write};
use std::path::{Component, Path};

pub const COPY_SCHEMA: &str = "groupshift/snapshot-copy/v1";

/// Names in the copy's folder.
pub(super) mod names {
    pub const MANIFEST: &str = "manifest.json";
    pub const GROUPS: &str = "groups.ldif";
    pub const SNAPSHOTS: &str = "snapshots.json";
    pub const JOURNAL: &str = "journal.json";
    pub const PLAN: &str = "plan.json";
    pub const README: &str = "README.txt";
    /// The folder that holds what lies in the run's own.
    pub const RUN: &str = "run";
}

/// `manifest.json` of a copy.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CopyManifest {
    pub schema: String,
    pub tool: Tool,
    /// When the copy was made, UTC.
    pub created: String,
    /// The machine it was made on.
    pub host: String,
    pub run: RunRecord,
    /// How many snapshots there are, and the chain value of the last.
    pub snapshots: u64,
    pub chain_head: String,
    /// AD groups in `groups.ldif`.
    pub groups: u64,
    pub writes: u64,
    /// Writes of which the journal does not say what became of them.
    pub open_writes: u64,
    /// Every other file of the copy.
    pub files: Vec<FileEntry>,
}

/// The manifest, and its own SHA-256.
pub(super) fn read(dir: &Path) -> Result<(CopyManifest, String)> {
    let path = dir.join(names::MANIFEST);
    let bytes = std::fs::read(&path).map_err(|e| {
        Error::io("read the copy", &path, e).hint("Name the folder that groupshift snapshot export wrote.")
    })?;
    let head: Option<String> = serde_json::from_slice::<serde_json::Value>(&bytes)
        .ok()
        .and_then(|v| v.get("schema")?.as_str().map(str::to_owned));
    if head.as_deref().is_some_and(|schema| schema != COPY_SCHEMA) {
        let what = format!("the schema is {:?}, this program reads {COPY_SCHEMA:?}", plain(&head.unwrap_or_default()));
        return Err(Error::input(Place::file(&path), what));
    }
    let manifest: CopyManifest = serde_json::from_slice(&bytes)
        .map_err(|e| Error::input(Place::file(&path), format!("this is no manifest of a copy: {e}")))?;
    for entry in &manifest.files {
        if !is_inside(&entry.name) {
            let what = format!("it names a file outside of the copy: {:?}", plain(&entry.name));
            return Err(Error::input(Place::file(&path), what));
        }
    }
    if !manifest.files.iter().any(|entry| entry.name == schema::FILE) {
        return Err(Error::input(Place::file(&path), "the copy has no journal"));
    }
    Ok((manifest, hex(&Sha256::digest(&bytes))))
}

/// A relative path with forward slashes that stays below where it starts, on every system.
fn is_inside(name: &str) -> bool {
    !name.is_empty()
        && !name.contains(['\\', ':', '\0'])
        && Path::new(name).components().all(|part| matches!(part, Component::Normal(_)))
}

/// Reads one file of the copy, writes it to `out`, and says what is wrong with it.
pub(super) fn pass(dir: &Path, entry: &FileEntry, out: &mut dyn Write) -> Result<Option<String>> {
    let path = dir.join(&entry.name);
    let mut file = match std::fs::File::open(&path) {
        Ok(file) => file,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
            return Ok(Some(format!("{} is missing", plain(&entry.name))));
        }
        Err(e) => return Err(Error::io("read", &path, e)),
    };
    let (sha256, bytes) = digest(&mut file, out).map_err(|e| Error::io("copy", &path, e))?;
    Ok((sha256 != entry.sha256 || bytes != entry.bytes).then(|| {
        format!("{} was changed: its SHA-256 is {sha256}, and the manifest says {}", plain(&entry.name), entry.sha256)
    }))
}

/// SHA-256 and length of what is read, which goes to `out` on the way.
pub(super) fn digest(input: &mut dyn Read, out: &mut dyn Write) -> std::io::Result<(String, u64)> {
    let (mut hash, mut bytes, mut buffer) = (Sha256::new(), 0u64, vec![0u8; 1 << 16]);
    loop {
        let n = input.read(&mut buffer)?;
        if n == 0 {
            return Ok((hex(&hash.finalize()), bytes));
        }
        hash.update(&buffer[..n]);
        out.write_all(&buffer[..n])?;
        bytes += n as u64;
    }
}

/// Files below a folder, as paths with forward slashes, in order.
pub(super) fn files_below(dir: &Path) -> Result<Vec<String>> {
    let (mut out, mut open) = (Vec::new(), vec![String::new()]);
    while let Some(prefix) = open.pop() {
        let folder = dir.join(&prefix);
        let fail = |e: std::io::Error| Error::io("read the folder", &folder, e);
        for entry in std::fs::read_dir(&folder).map_err(fail)? {
            let entry = entry.map_err(fail)?;
            let name = entry.file_name().into_string().map_err(|name| {
                Error::failed(format!("a file's name is not Unicode: {}", plain(&name.to_string_lossy())))
                    .at(Place::file(&folder))
            })?;
            let kind = entry.file_type().map_err(fail)?;
            let path = if prefix.is_empty() { name } else { format!("{prefix}/{name}") };
            // Links are not followed: a copy holds what lies here.
            if kind.is_dir() {
                open.push(path);
            } else if kind.is_file() {
                out.push(path);
            }
        }
    }
    out.sort();
    Ok(out)
}
