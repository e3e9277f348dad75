//! `plan.json` as bytes: one way to write it, so that its hash means something, and a reader that refuses a plan that
//! was edited.

use super::assembly::Assembly;
use super::model::{PLAN_SCHEMA, Plan, PlannedGroup};
use crate::bundle::write::hex;
use crate::error::{Error, Place, Result};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::{BufWriter, Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::mpsc;

/// The bytes of `plan.json`.
pub fn canonical(plan: &Plan) -> Result<Vec<u8>> {
    let mut bytes =
        serde_json::to_vec_pretty(plan).map_err(|e| Error::failed(format!("cannot write the plan: {e}")).source(e))?;
    bytes.push(b'\n');
    Ok(bytes)
}

/// SHA-256 of the plan's bytes with its own hash left empty.
pub fn hash(plan: &Plan) -> Result<String> {
    Ok(hash_of(&canonical(plan)?, &plan.sha256))
}

/// The same of bytes that are the plan's, as it is written.
fn hash_of(bytes: &[u8], own: &str) -> String {
    let mut hash = Sha256::new();
    match bytes.windows(SHA.len()).position(|w| w == SHA.as_bytes()).map(|at| at + SHA.len()) {
        Some(at) => {
            hash.update(&bytes[..at]);
            hash.update(&bytes[at + own.len()..]);
        }
        None => hash.update(bytes),
    }
    hex(&hash.finalize())
}

/// Stands before the hash. The schema before it is ours, so that it is the first to look so.
const SHA: &str = "\"sha256\": \"";
/// Digits of the hash.
const DIGITS: usize = 64;

/// What stands around the groups of one wave when the rest of the plan is left away.
const BEFORE: &str = "{\n  \"waves\": [\n    {\n      \"groups\": [";
const AFTER: &str = "\n      ]\n    }\n  ]\n}";

#[derive(Serialize)]
struct Shell<'g> {
    waves: [ShellWave<'g>; 1],
}

#[derive(Serialize)]
struct ShellWave<'g> {
    groups: &'g [PlannedGroup],
}

/// Some groups of a wave as they stand in the plan, without the brackets around them and a comma at either end.
pub(super) fn groups_json(groups: &[PlannedGroup]) -> Result<Vec<u8>> {
    let failed = |why: String| Error::failed(format!("cannot write the plan: {why}"));
    let shell = Shell { waves: [ShellWave { groups }] };
    let mut bytes = serde_json::to_vec_pretty(&shell).map_err(|e| failed(e.to_string()))?;
    if !bytes.starts_with(BEFORE.as_bytes()) || !bytes.ends_with(AFTER.as_bytes()) || groups.is_empty() {
        return Err(failed("its groups are not laid out as expected".to_owned()));
    }
    bytes.truncate(bytes.len() - AFTER.len());
    bytes.drain(..BEFORE.len());
    Ok(bytes)
}

/// Writes the bytes that `canonical` gives of the whole plan, its groups part by part, and returns the plan's hash. The
/// hash stands near the beginning and is known at the end only, so it is put in afterwards.
pub fn write(assembly: &Assembly<'_>, file: &mut File, path: &Path) -> Result<String> {
    let failed = |e: std::io::Error| Error::io("write", path, e);
    let head = canonical(assembly.head())?;
    let text = String::from_utf8(head).map_err(|e| Error::failed(format!("cannot write the plan: {e}")))?;
    let odd = || Error::failed("cannot write the plan: its head is not laid out as expected");
    let place = text.find(SHA).ok_or_else(odd)? + SHA.len();
    let (parts, gathered) = mpsc::sync_channel::<Vec<u8>>(PARTS_AHEAD);
    // One thread writes and hashes what the others make.
    let out = &mut *file;
    let hash = std::thread::scope(|scope| {
        let writer = scope.spawn(move || -> std::io::Result<String> {
            let (mut hash, mut out) = (Sha256::new(), BufWriter::with_capacity(1 << 20, out));
            let mut at = 0;
            for part in gathered {
                hash.update(&part);
                let (before, after) =
                    part.split_at(if (at..at + part.len()).contains(&place) { place - at } else { 0 });
                out.write_all(before)?;
                if at + before.len() == place {
                    out.write_all(&[b' '; DIGITS])?;
                }
                out.write_all(after)?;
                at += part.len();
            }
            out.flush()?;
            Ok(hex(&hash.finalize()))
        });
        // Where nobody takes it any more, the writer's own error says why.
        let gone = || Error::failed("cannot write the plan");
        let give = |part: Vec<u8>| parts.send(part).map_err(|_| gone());
        let done = lay_out(assembly, &text, give);
        drop(parts);
        let hash = writer.join().map_err(|_| gone())?.map_err(failed)?;
        done.map(|()| hash)
    })?;
    file.seek(SeekFrom::Start(place as u64)).map_err(failed)?;
    file.write_all(hash.as_bytes()).map_err(failed)?;
    Ok(hash)
}

/// Parts that may wait for the disk.
const PARTS_AHEAD: usize = 64;

/// The head, with the groups of each wave where it has none.
fn lay_out(assembly: &Assembly<'_>, text: &str, mut give: impl FnMut(Vec<u8>) -> Result<()>) -> Result<()> {
    const WAVES: &str = "\n  \"waves\": [";
    const NO_GROUPS: &str = "\n      \"groups\": []";
    let odd = || Error::failed("cannot write the plan: its waves are not laid out as expected");
    let (mut written, mut search) = (0, text.find(WAVES).ok_or_else(odd)? + WAVES.len());
    for (wave, size) in assembly.sizes().iter().enumerate() {
        let at = search + text[search..].find(NO_GROUPS).ok_or_else(odd)?;
        search = at + NO_GROUPS.len();
        if size.groups == 0 {
            continue;
        }
        // Up to and with the bracket that opens.
        give(text.as_bytes()[written..search - 1].to_vec())?;
        let mut first = true;
        assembly.json_of(wave, |mut part| {
            if !std::mem::replace(&mut first, false) {
                part.insert(0, b',');
            }
            give(part)
        })?;
        give(b"\n      ".to_vec())?;
        written = search - 1;
    }
    give(text.as_bytes()[written..].to_vec())
}

/// Reads a plan; one that is not byte for byte what was written is refused.
pub fn read(path: &Path) -> Result<Plan> {
    from_bytes(&std::fs::read(path).map_err(|e| Error::io("read the plan", path, e))?, path)
}

/// The same from its bytes; `path` says where they came from.
pub fn from_bytes(bytes: &[u8], path: &Path) -> Result<Plan> {
    #[derive(Deserialize)]
    struct Head {
        schema: Option<String>,
    }
    let head = serde_json::from_slice::<Head>(bytes).ok().and_then(|h| h.schema);
    if let Some(other) = head.as_deref().filter(|s| *s != PLAN_SCHEMA) {
        return Err(Error::input(
            Place::file(path),
            format!("the schema is {other:?}, this program reads {PLAN_SCHEMA:?}"),
        )
        .hint("Use the version of groupshift that made the plan, or plan again."));
    }
    let edited = |what: String| {
        Error::input(Place::file(path), what)
            .hint("Plan again from the bundle, and put what should differ into waves.toml or decisions.toml.")
    };
    if bytes.starts_with(b"\xef\xbb\xbf") {
        return Err(edited("the plan was edited: an editor has put a byte order mark before it".to_owned()));
    }
    let plan: Plan = serde_json::from_slice(bytes).map_err(|e| match e.is_eof() {
        true => edited("the plan ends too early: the file looks cut off".to_owned()),
        false => edited(format!("this is no plan of this program: {}", e.to_string().replace('`', "\""))),
    })?;
    if canonical(&plan)? != bytes {
        return Err(edited("the plan was edited: it is not written as this program writes it".to_owned()));
    }
    let real = hash_of(bytes, &plan.sha256);
    if real != plan.sha256 {
        return Err(edited(format!("the plan was edited: its SHA-256 is {real}, and it says {}", plan.sha256)));
    }
    Ok(plan)
}
