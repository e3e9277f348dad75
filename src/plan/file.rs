//! `plan.json` as bytes: one way to write it, so that its hash means something, and a reader that refuses a plan that
//! was edited.

use super::assembly::{Assembly, PART, WaveSize};
use super::layout::{AFTER_GROUPS, BEFORE_GROUP, lay_out};
use super::model::{PLAN_SCHEMA, Plan, PlannedGroup};
use crate::bundle::write::hex;
use crate::error::{Error, Place, Result};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::{self, BufWriter, Seek, SeekFrom, Write};
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

/// Parts of a wave's groups that may wait to be written.
const PARTS_AHEAD: usize = 128;

/// Writes the bytes that `canonical` gives of the whole plan, its groups part by part while further ones are made, and
/// returns the plan's hash.
pub fn write(assembly: &Assembly<'_>, file: &mut File, path: &Path) -> Result<String> {
    let failed = |e: io::Error| Error::io("write", path, e);
    std::thread::scope(|scope| {
        let (parts, made) = mpsc::sync_channel(PARTS_AHEAD);
        scope.spawn(move || assembly.make_json(|part| parts.send(part).is_ok()));
        let out = BufWriter::with_capacity(1 << 20, Hashed::new(file));
        let mut splice = Splice { out, line: Vec::new(), sizes: assembly.sizes().iter(), made, failed: None };
        let done = lay_out(assembly.head(), &mut splice);
        if let Some(error) = splice.failed {
            return Err(error);
        }
        done.map_err(|e| failed(e.into()))?;
        if splice.sizes.next().is_some() {
            return Err(Error::failed("cannot write the plan: its waves are not laid out as expected"));
        }
        splice.out.into_inner().map_err(|e| failed(e.into_error()))?.finish().map_err(failed)
    })
}

/// The plan's head as it is laid out, with the groups of each wave put in where it has none.
struct Splice<'a, W> {
    out: W,
    /// The line that is being laid out.
    line: Vec<u8>,
    /// Of the waves to come.
    sizes: std::slice::Iter<'a, WaveSize>,
    /// Their groups.
    made: mpsc::Receiver<Result<Vec<u8>>>,
    failed: Option<Error>,
}

/// How a wave ends that has no groups. Nothing else of a plan has any at this depth.
const NO_GROUPS: &[u8] = b"      \"groups\": []";

impl<W: Write> Splice<'_, W> {
    fn groups(&mut self) -> io::Result<()> {
        let odd = || io::Error::other("its waves are not laid out as expected");
        let parts = self.sizes.next().ok_or_else(odd)?.groups.div_ceil(PART as u64);
        if parts == 0 {
            return Ok(());
        }
        // Up to and with the bracket that opens.
        self.line.pop();
        self.out.write_all(&self.line)?;
        for part in 0..parts {
            match self.made.recv().map_err(io::Error::other)? {
                Ok(groups) if part == 0 => self.out.write_all(&groups)?,
                Ok(groups) => self.out.write_all(b",").and_then(|()| self.out.write_all(&groups))?,
                Err(error) => {
                    self.failed = Some(error);
                    return Err(odd());
                }
            }
        }
        self.line.clear();
        self.line.extend_from_slice(AFTER_GROUPS.as_bytes());
        Ok(())
    }
}

impl<W: Write> Write for Splice<'_, W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.line.extend_from_slice(bytes);
        if bytes == b"]" && self.line == NO_GROUPS {
            self.groups()?;
        }
        if bytes.ends_with(b"\n") {
            self.out.write_all(&self.line)?;
            self.line.clear();
        }
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// A plan's file that is hashed as it is written. The hash stands near the beginning and is known at the end only, so
/// room is left for it, and it is put in afterwards.
struct Hashed<'f> {
    file: &'f mut File,
    hash: Sha256,
    place: Option<u64>,
}

impl<'f> Hashed<'f> {
    fn new(file: &'f mut File) -> Self {
        Hashed { file, hash: Sha256::new(), place: None }
    }

    fn finish(self) -> io::Result<String> {
        let hash = hex(&self.hash.finalize());
        let place = self.place.ok_or_else(|| io::Error::other("the plan does not begin as expected"))?;
        self.file.seek(SeekFrom::Start(place))?;
        self.file.write_all(hash.as_bytes())?;
        Ok(hash)
    }
}

impl Write for Hashed<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.hash.update(bytes);
        let place = if self.place.is_none() { position(bytes) } else { None };
        match place {
            Some(at) => {
                self.file.write_all(&bytes[..at])?;
                self.file.write_all(&[b' '; DIGITS])?;
                self.file.write_all(&bytes[at..])?;
                self.place = Some(at as u64);
            }
            None => self.file.write_all(bytes)?,
        }
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
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
