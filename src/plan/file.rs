//! `plan.json` as bytes: one way to write it, so that its hash means something, and a reader that refuses a plan that
//! was edited.

use super::assembly::Assembly;
use super::layout::{AFTER_GROUPS, BEFORE_GROUP, lay_out};
use super::model::{PLAN_SCHEMA, Plan, PlannedGroup};
use crate::bundle::write::hex;
use crate::error::{Error, Place, Result};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::{BufWriter, Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::mpsc;

/// The bytes of `plan.json`.
pub fn canonical(plan: &Plan) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    lay_out(plan, &mut bytes).map_err(|e| Error::failed(format!("cannot write the plan: {e}")).source(e))?;
    Ok(bytes)
}

/// SHA-256 of the plan's bytes with its own hash left empty.
pub fn hash(plan: &Plan) -> Result<String> {
    Ok(hash_of(&canonical(plan)?, &plan.sha256))
}

/// The same of bytes that are the plan's, as it is written.
fn hash_of(bytes: &[u8], own: &str) -> String {
    let mut hash = Sha256::new();
    match position(bytes) {
        Some(at) => {
            hash.update(&bytes[..at]);
            hash.update(&bytes[at + own.len()..]);
        }
        None => hash.update(bytes),
    }
    hex(&hash.finalize())
}

/// Where the hash stands, or is to stand.
fn position(bytes: &[u8]) -> Option<usize> {
    bytes.windows(SHA.len()).position(|w| w == SHA.as_bytes()).map(|at| at + SHA.len())
}

/// Stands before the hash. The schema before it is ours, so that it is the first to look so.
const SHA: &str = "\"sha256\": \"";
/// Digits of the hash.
const DIGITS: usize = 64;

/// A group of a wave as it stands in the plan, without the comma that follows it.
pub(super) fn write_group(group: &PlannedGroup, out: &mut Vec<u8>) -> Result<()> {
    out.extend_from_slice(BEFORE_GROUP.as_bytes());
    serde_json::to_writer(out, group).map_err(|e| Error::failed(format!("cannot write the plan: {e}")).source(e))
}

/// Parts that may wait for the disk.
const PARTS_AHEAD: usize = 64;
/// Bytes of the plan's head that are handed on in one go.
const HEAD_PART: usize = 1 << 18;

/// Writes the bytes that `canonical` gives of the whole plan, its groups part by part, and returns the plan's hash. The
/// hash stands near the beginning and is known at the end only, so it is put in afterwards.
pub fn write(assembly: &Assembly<'_>, file: &mut File, path: &Path) -> Result<String> {
    let failed = |e: std::io::Error| Error::io("write", path, e);
    // Where nobody takes parts any more, the writer's own error says why.
    let gone = || Error::failed("cannot write the plan");
    let (parts, gathered) = mpsc::sync_channel::<Vec<u8>>(PARTS_AHEAD);
    let out = &mut *file;
    let (hash, place) = std::thread::scope(|scope| {
        // One thread writes and hashes what the others make.
        let writer = scope.spawn(move || written(gathered, out));
        let give = |part: Vec<u8>| parts.send(part).map_err(|_| gone());
        let done = Splice::new(assembly, give).lay_out();
        drop(parts);
        let written = writer.join().map_err(|_| gone())?.map_err(failed)?;
        done.map(|()| written)
    })?;
    file.seek(SeekFrom::Start(place)).map_err(failed)?;
    file.write_all(hash.as_bytes()).map_err(failed)?;
    Ok(hash)
}

/// Writes the parts with room for the hash; returns the hash and its place.
fn written(parts: mpsc::Receiver<Vec<u8>>, out: &mut File) -> std::io::Result<(String, u64)> {
    let (mut hash, mut out) = (Sha256::new(), BufWriter::with_capacity(1 << 20, out));
    let mut place = None;
    for part in parts {
        hash.update(&part);
        match (place, position(&part)) {
            (None, Some(at)) => {
                let (before, after) = part.split_at(at);
                out.write_all(before)?;
                out.write_all(&[b' '; DIGITS])?;
                out.write_all(after)?;
                place = Some(at as u64);
            }
            // The head is longer than what comes before the hash.
            (None, None) => return Err(std::io::Error::other("the plan does not begin as expected")),
            _ => out.write_all(&part)?,
        }
    }
    out.flush()?;
    Ok((hex(&hash.finalize()), place.unwrap_or_default()))
}

/// The plan's head as it is laid out, with the groups of each wave put in where it has none.
struct Splice<'a, G> {
    assembly: &'a Assembly<'a>,
    give: G,
    /// What is laid out and not handed on yet.
    text: Vec<u8>,
    waves: usize,
    failed: Option<Error>,
}

impl<'a, G: FnMut(Vec<u8>) -> Result<()>> Splice<'a, G> {
    /// How a wave without groups ends. Only a wave has these at this depth, and no text holds a line's end.
    const NO_GROUPS: &'static [u8] = b"\n      \"groups\": []";

    fn new(assembly: &'a Assembly<'a>, give: G) -> Self {
        Splice { assembly, give, text: Vec::new(), waves: 0, failed: None }
    }

    fn lay_out(mut self) -> Result<()> {
        let done = lay_out(self.assembly.head(), &mut self);
        if let Some(error) = self.failed {
            return Err(error);
        }
        done.map_err(|e| Error::failed(format!("cannot write the plan: {e}")))?;
        if self.waves != self.assembly.sizes().len() {
            return Err(Error::failed("cannot write the plan: its waves are not laid out as expected"));
        }
        (self.give)(self.text)
    }

    fn hand_on(&mut self) -> Result<()> {
        (self.give)(std::mem::take(&mut self.text))
    }

    fn groups(&mut self) -> Result<()> {
        let wave = self.waves;
        self.waves += 1;
        if self.assembly.sizes().get(wave).is_none_or(|size| size.groups == 0) {
            return Ok(());
        }
        // Up to and with the bracket that opens.
        self.text.pop();
        self.hand_on()?;
        let (mut first, give) = (true, &mut self.give);
        self.assembly.json_of(wave, |mut part| {
            if !std::mem::replace(&mut first, false) {
                part.insert(0, b',');
            }
            give(part)
        })?;
        self.text.extend_from_slice(AFTER_GROUPS.as_bytes());
        self.text.push(b']');
        Ok(())
    }
}

impl<G: FnMut(Vec<u8>) -> Result<()>> Write for Splice<'_, G> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let line_ends = bytes.ends_with(b"\n");
        let mut done = if line_ends && self.text.len() > HEAD_PART { self.hand_on() } else { Ok(()) };
        self.text.extend_from_slice(bytes);
        if done.is_ok() && bytes == b"]" && self.text.ends_with(Self::NO_GROUPS) {
            done = self.groups();
        }
        done.map(|()| bytes.len()).map_err(|error| {
            let told = std::io::Error::other(error.to_string());
            self.failed = Some(error);
            told
        })
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
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
    let plan: Plan =
        serde_json::from_slice(bytes).map_err(|e| edited(format!("this is no plan of this program: {e}")))?;
    if canonical(&plan)? != bytes {
        return Err(edited("the plan was edited: it is not written as this program writes it".to_owned()));
    }
    let real = hash_of(bytes, &plan.sha256);
    if real != plan.sha256 {
        return Err(edited(format!("the plan was edited: its SHA-256 is {real}, and it says {}", plan.sha256)));
    }
    Ok(plan)
}
