//! Evidence that lies where it has to, or beside that place under the name that the script gave it: the nonce tells it.

use crate::cutover::port::Errand;
use crate::error::{Error, Result};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};

/// Evidence is small; anything larger is something else.
const LARGEST: u64 = 16 << 20;

/// Whether the evidence lies there, now.
pub(super) fn evidence(errand: &Errand) -> Result<bool> {
    if fs::metadata(&errand.evidence).is_ok_and(|m| m.is_file() && m.len() > 0) {
        return Ok(true);
    }
    let folders = [errand.evidence.parent(), errand.script.parent()];
    for folder in folders.into_iter().flatten() {
        if let Some((file, body)) = with_nonce(folder, &errand.nonce) {
            bring(&file, &body, &errand.evidence)?;
            return Ok(true);
        }
    }
    Ok(false)
}

/// The file of a folder that carries the nonce.
fn with_nonce(folder: &Path, nonce: &str) -> Option<(PathBuf, Value)> {
    let mut files: Vec<PathBuf> = fs::read_dir(folder).ok()?.filter_map(|e| Some(e.ok()?.path())).collect();
    files.sort();
    files.into_iter().find_map(|file| {
        let json = file.extension().is_some_and(|e| e.eq_ignore_ascii_case("json"));
        let small = fs::metadata(&file).is_ok_and(|m| m.is_file() && m.len() <= LARGEST);
        let bytes = (json && small).then(|| fs::read(&file).ok()).flatten()?;
        let text = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(&bytes);
        let body: Value = serde_json::from_slice(text).ok()?;
        (body.get("nonce").and_then(Value::as_str) == Some(nonce)).then_some((file, body))
    })
}

/// Copies the evidence to its place, after the files that it names.
fn bring(file: &Path, body: &Value, place: &Path) -> Result<()> {
    let (from, to) = (file.parent().unwrap_or(Path::new(".")), place.parent().unwrap_or(Path::new(".")));
    let copy = |from: &Path, to: &Path| {
        fs::copy(from, to).map(|_| ()).map_err(|e| Error::io("copy the evidence to its place", from, e))
    };
    if from != to {
        let named = body.pointer("/detail/files");
        let list = named.map(|n| n.as_array().cloned().unwrap_or_else(|| vec![n.clone()])).unwrap_or_default();
        for name in list.iter().filter_map(|f| f.get("file")?.as_str()) {
            let plain = !name.is_empty() && !name.contains(['/', '\\', ':']) && !name.starts_with('.');
            let source = from.join(name);
            if plain && source.is_file() {
                copy(&source, &to.join(name))?;
            }
        }
    }
    copy(file, place)
}
