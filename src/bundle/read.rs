//! Reading a bundle: every hash first, then the data, decompressed on one thread and parsed on all.

use super::files;
use super::manifest::{BUNDLE_SCHEMA, FileEntry, Manifest};
use super::record::{AdMembers, AdObjects, EntraMembers, EntraObjects, Family, MembersRecord, Owned};
use super::write::hex;
use crate::directory::Rows;
use crate::directory::connect::ConnectServer;
use crate::directory::inventory::{AdEnvironment, CloudSync, Inventory, Tenant};
use crate::error::{Error, Place, Result};
use crate::report::model::Problem;
use base64::Engine as _;
use rayon::prelude::*;
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::sync::mpsc;

/// A bundle whose files are what the manifest says.
pub struct Opened {
    pub manifest: Manifest,
    /// SHA-256 of `manifest.json`, which names all the other hashes.
    pub sha256: String,
}

/// Reads the manifest and verifies every file against it.
pub fn open_verified(dir: &Path) -> Result<Opened> {
    let path = dir.join(files::MANIFEST);
    let text = std::fs::read(&path).map_err(|e| match e.kind() {
        std::io::ErrorKind::NotFound if !dir.exists() => {
            Error::input(Place::file(dir), "there is no bundle here: the folder does not exist")
                .hint("Name the folder that groupshift collect --out wrote.")
        }
        std::io::ErrorKind::NotFound => Error::input(Place::file(dir), "this is no bundle: it has no manifest.json")
            .hint("Make one with: groupshift collect --offline DIR --out BUNDLE"),
        _ => Error::io("read", &path, e),
    })?;
    let manifest: Manifest = serde_json::from_slice(&text).map_err(|e| {
        let schema = serde_json::from_slice::<serde_json::Value>(&text)
            .ok()
            .and_then(|v| v.get("schema")?.as_str().map(str::to_owned));
        match schema {
            Some(schema) if schema != BUNDLE_SCHEMA => other_schema(&path, &schema),
            _ => crate::collect::graph_json::json_error(&path, &e),
        }
    })?;
    if manifest.schema != BUNDLE_SCHEMA {
        return Err(other_schema(&path, &manifest.schema));
    }
    let names: Vec<&str> = manifest.files.iter().map(|f| f.name.as_str()).collect();
    let (data, raw) = names.split_at(names.len().min(files::DATA.len()));
    let mut known = files::RAW.iter();
    if data != files::DATA || !raw.iter().all(|name| known.any(|k| k == name)) {
        return Err(Error::input(Place::file(&path), "the manifest does not list the files that a bundle has"));
    }
    manifest.files.par_iter().try_for_each(|entry| verify(dir, entry))?;
    Ok(Opened { manifest, sha256: hex(&Sha256::digest(&text)) })
}

fn other_schema(path: &Path, schema: &str) -> Error {
    Error::input(Place::file(path), format!("the schema is {schema:?}, this program reads {BUNDLE_SCHEMA:?}"))
        .hint("Use the version of groupshift that made the bundle, or collect again.")
}

fn verify(dir: &Path, entry: &FileEntry) -> Result<()> {
    let path = dir.join(&entry.name);
    let refuse = |what: String| {
        Err(Error::input(Place::file(&path), what)
            .hint("The bundle was changed or damaged after it was written: collect again, or restore it from a copy."))
    };
    let mut file = match File::open(&path) {
        Ok(file) => file,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
            return refuse("the file is missing from the bundle".to_owned());
        }
        Err(e) => return Err(Error::io("open", &path, e)),
    };
    let mut hash = Sha256::new();
    let mut buffer = vec![0u8; 1 << 18];
    let mut bytes = 0u64;
    loop {
        let n = file.read(&mut buffer).map_err(|e| Error::io("read", &path, e))?;
        if n == 0 {
            break;
        }
        hash.update(&buffer[..n]);
        bytes += n as u64;
    }
    if bytes != entry.bytes {
        return refuse(format!("the file has {bytes} bytes, the manifest says {}", entry.bytes));
    }
    if hex(&hash.finalize()) != entry.sha256 {
        return refuse("the file's SHA-256 is not the one in the manifest".to_owned());
    }
    Ok(())
}

/// Verifies a bundle and reads it whole.
pub fn open(dir: &Path) -> Result<(Opened, Inventory)> {
    let opened = open_verified(dir)?;
    // The two sides do not know each other, so each is read on a core of its own.
    let (ad, entra) = rayon::join(|| read_ad(dir, &opened.manifest), || read_entra(dir, &opened.manifest));
    let mut inventory = ad?;
    inventory.take_entra(entra?);
    for encoded in small::<String>(dir, files::AD_DESCRIPTORS)? {
        let bytes = base64::engine::general_purpose::STANDARD.decode(&encoded).map_err(|_| {
            Error::input(Place::file(dir.join(files::AD_DESCRIPTORS)), "a descriptor that is not base64")
        })?;
        inventory.ad.descriptors.push(bytes);
    }
    if let Some(environment) = small::<AdEnvironment>(dir, files::AD_ENVIRONMENT)?.pop() {
        inventory.ad.present = true;
        inventory.ad.environment = environment;
    }
    inventory.entra.tenant = small::<Tenant>(dir, files::ENTRA_TENANT)?.pop().unwrap_or_default();
    inventory.cloud_sync = small::<CloudSync>(dir, files::CLOUD_SYNC)?.pop().unwrap_or_default();
    inventory.connect = small::<ConnectServer>(dir, files::CONNECT)?;
    inventory.problems = small::<Problem>(dir, files::PROBLEMS)?;
    Ok((opened, inventory))
}

fn expected(manifest: &Manifest, name: &str) -> u64 {
    manifest.files.iter().find(|f| f.name == name).map_or(0, |f| f.records)
}

/// Room for what the manifest promises, within reason: a manifest is not to be trusted with memory.
fn room(manifest: &Manifest, name: &str) -> usize {
    expected(manifest, name).min(1 << 26) as usize
}

fn check(dir: &Path, manifest: &Manifest, name: &str, found: usize) -> Result<()> {
    let promised = expected(manifest, name);
    if promised == found as u64 {
        return Ok(());
    }
    Err(Error::input(Place::file(dir.join(name)), format!("{found} records, the manifest says {promised}")))
}

fn read_ad(dir: &Path, manifest: &Manifest) -> Result<Inventory> {
    let mut inventory = Inventory::default();
    inventory.ad.objects.reserve_exact(room(manifest, files::AD_OBJECTS));
    records::<AdObjects>(&dir.join(files::AD_OBJECTS), |r| {
        r.restore(&mut inventory);
        Ok(())
    })?;
    let ad = &mut inventory.ad;
    check(dir, manifest, files::AD_OBJECTS, ad.objects.len())?;
    ad.groups.shrink_to_fit();
    let group = |object: u32| ad.objects.get(object as usize).map(|o| o.group);
    let (groups, limit) = (ad.groups.len(), ad.objects.len());
    let members = read_rows::<AdMembers>(&dir.join(files::AD_MEMBERS), groups, limit, group)?;
    let member_of = read_rows::<AdMembers>(&dir.join(files::AD_MEMBER_OF), groups, limit, group)?;
    (ad.members, ad.member_of) = (members, member_of);
    Ok(inventory)
}

fn read_entra(dir: &Path, manifest: &Manifest) -> Result<Inventory> {
    let mut inventory = Inventory::default();
    inventory.entra.objects.reserve_exact(room(manifest, files::ENTRA_OBJECTS));
    records::<EntraObjects>(&dir.join(files::ENTRA_OBJECTS), |r| {
        r.restore(&mut inventory);
        Ok(())
    })?;
    let entra = &mut inventory.entra;
    check(dir, manifest, files::ENTRA_OBJECTS, entra.objects.len())?;
    entra.groups.shrink_to_fit();
    entra.users.shrink_to_fit();
    let detail = |object: u32| entra.objects.get(object as usize).map(|o| o.detail);
    let (groups, limit) = (entra.groups.len(), entra.objects.len());
    entra.members = read_rows::<EntraMembers>(&dir.join(files::ENTRA_MEMBERS), groups, limit, detail)?;
    Ok(inventory)
}

fn small<T: for<'a> serde::Deserialize<'a> + Send>(dir: &Path, name: &str) -> Result<Vec<T>> {
    let mut out = Vec::new();
    records::<Owned<T>>(&dir.join(name), |r| {
        out.push(r);
        Ok(())
    })?;
    Ok(out)
}

/// Member rows, which stand in the order of the groups; groups without members have no line.
fn read_rows<F>(path: &Path, groups: usize, limit: usize, group_of: impl Fn(u32) -> Option<u32>) -> Result<Rows>
where
    F: for<'a> Family<Record<'a> = MembersRecord>,
{
    let mut out = Rows::default();
    let wrong = |what: &str| Error::input(Place::file(path), what.to_owned());
    records::<F>(path, |r| {
        let row = group_of(r.group)
            .filter(|g| (*g as usize) < groups)
            .ok_or_else(|| wrong("members of an object that is no group"))?;
        if (row as usize) < out.len() {
            return Err(wrong("the groups are out of order"));
        }
        while out.len() < row as usize {
            out.push([]);
        }
        out.push(r.members);
        Ok(())
    })?;
    while out.len() < groups {
        out.push([]);
    }
    if out.max_value().is_some_and(|v| v as usize >= limit) {
        return Err(wrong("a member that is no object"));
    }
    Ok(out)
}

/// Bytes of text parsed as one piece.
const BLOCK: usize = 1 << 20;
/// Blocks decompressed ahead.
const AHEAD: usize = 4;

/// Hands each record of a data file to `consume`, in order. One thread decompresses, all parse.
pub fn records<F: Family>(path: &Path, mut consume: impl FnMut(F::Record<'_>) -> Result<()>) -> Result<()> {
    std::thread::scope(|scope| {
        let (send, receive) = mpsc::sync_channel::<Result<Vec<u8>>>(AHEAD);
        scope.spawn(move || {
            if let Err(e) = blocks(path, |block| send.send(Ok(block)).is_ok()) {
                let _ = send.send(Err(e));
            }
        });
        let mut line = 0u64;
        let mut batch: Vec<Vec<u8>> = Vec::new();
        loop {
            batch.clear();
            match receive.recv() {
                Ok(block) => batch.push(block?),
                Err(_) => return Ok(()),
            }
            while batch.len() < rayon::current_num_threads()
                && let Ok(block) = receive.try_recv()
            {
                batch.push(block?);
            }
            let parsed: Vec<Parsed<'_, F>> = batch.par_iter().map(|b| parse::<F>(b)).collect();
            for block in parsed {
                match block {
                    Ok(records) => {
                        line += records.len() as u64;
                        for record in records {
                            consume(record)?;
                        }
                    }
                    Err((at, e)) => {
                        let place = Place::file(path).line(line + at + 1).column(e.column() as u64);
                        return Err(Error::input(place, format!("not a record of this file: {e}")));
                    }
                }
            }
        }
    })
}

/// The records of a block, or which of its lines is none.
type Parsed<'b, F> = Result<Vec<<F as Family>::Record<'b>>, (u64, serde_json::Error)>;

fn parse<F: Family>(block: &[u8]) -> Parsed<'_, F> {
    let mut out = Vec::with_capacity(block.len() / 128);
    for line in block.split(|b| *b == b'\n').filter(|l| !l.is_empty()) {
        out.push(serde_json::from_slice(line).map_err(|e| (out.len() as u64, e))?);
    }
    Ok(out)
}

/// The decompressed text in blocks that end at a line end; `give` returns false when nobody listens any more.
pub fn blocks(path: &Path, mut give: impl FnMut(Vec<u8>) -> bool) -> Result<()> {
    let fail = |e: std::io::Error| Error::io("read", path, e);
    let file = File::open(path).map_err(|e| Error::io("open", path, e))?;
    let mut input = zstd::Decoder::new(file).map_err(fail)?;
    let mut block = Vec::with_capacity(BLOCK);
    loop {
        let start = block.len();
        let n = (&mut input).take((BLOCK.max(start * 2) - start) as u64).read_to_end(&mut block).map_err(fail)?;
        if n == 0 {
            if !block.is_empty() {
                give(block);
            }
            return Ok(());
        }
        // A line longer than the block makes the block grow.
        if let Some(end) = block.iter().rposition(|b| *b == b'\n') {
            let rest = block[end + 1..].to_vec();
            block.truncate(end + 1);
            if !give(std::mem::replace(&mut block, rest)) {
                return Ok(());
            }
        }
    }
}
