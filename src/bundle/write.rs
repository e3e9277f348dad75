//! Writing a bundle: into a folder beside the wanted one, flushed, then renamed, so that it is whole or absent.

use super::RawFile;
use super::files;
use super::manifest::{BUNDLE_SCHEMA, Certificate, FileEntry, Manifest, Source, Tool};
use super::record::{AdObjectRecord, EntraObjectRecord};
use crate::directory::{Inventory, Rows};
use crate::error::{Error, Place, Result};
use base64::Engine as _;
use rayon::prelude::*;
use serde::Serialize;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

/// What a bundle says of itself besides its data.
pub struct About {
    pub created: String,
    pub anonymised: bool,
    pub sources: Vec<Source>,
    pub certificate: Certificate,
}

/// Writes `inventory` as a bundle at `out`, which must not exist (an empty folder is accepted).
pub fn write(inventory: &Inventory, about: About, out: &Path) -> Result<Manifest> {
    write_with(inventory, about, Vec::new(), out)
}

/// The same with raw files beside the data, which are written in the order of `files::RAW`.
pub fn write_with(inventory: &Inventory, about: About, mut raw: Vec<RawFile>, out: &Path) -> Result<Manifest> {
    check_target(out)?;
    let parent = out.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    std::fs::create_dir_all(parent).map_err(|e| Error::io("create the folder", parent, e))?;
    let mut builder = tempfile::Builder::new();
    builder.prefix(".groupshift-bundle-");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(std::fs::Permissions::from_mode(0o700));
    }
    let staging = builder.tempdir_in(parent).map_err(|e| Error::io("create a folder in", parent, e))?;
    let dir = staging.path();

    let ad = &inventory.ad;
    let entra = &inventory.entra;
    let descriptor = |d: &Vec<u8>| base64::engine::general_purpose::STANDARD.encode(d);
    type Job<'j> = Box<dyn Fn() -> Result<FileEntry> + Send + Sync + 'j>;
    let jobs: [Job<'_>; 11] = [
        Box::new(|| lines(dir, files::AD_OBJECTS, ad.objects.iter().map(|o| AdObjectRecord::of(inventory, o)))),
        Box::new(|| lines(dir, files::AD_MEMBERS, rows(&ad.members, |i| ad.groups[i].object))),
        Box::new(|| lines(dir, files::AD_MEMBER_OF, rows(&ad.member_of, |i| ad.groups[i].object))),
        Box::new(|| lines(dir, files::AD_DESCRIPTORS, ad.descriptors.iter().map(descriptor))),
        Box::new(|| lines(dir, files::AD_ENVIRONMENT, ad.present.then_some(&ad.environment))),
        Box::new(|| {
            lines(dir, files::ENTRA_OBJECTS, entra.objects.iter().map(|o| EntraObjectRecord::of(inventory, o)))
        }),
        Box::new(|| lines(dir, files::ENTRA_MEMBERS, rows(&entra.members, |i| entra.groups[i].object))),
        Box::new(|| lines(dir, files::ENTRA_TENANT, std::iter::once(&entra.tenant))),
        Box::new(|| lines(dir, files::CLOUD_SYNC, std::iter::once(&inventory.cloud_sync))),
        Box::new(|| lines(dir, files::CONNECT, inventory.connect.iter())),
        Box::new(|| lines(dir, files::PROBLEMS, inventory.problems.iter())),
    ];
    let mut entries: Vec<FileEntry> = jobs.par_iter().with_max_len(1).map(|job| job()).collect::<Result<_>>()?;
    drop(jobs);
    raw.sort_by_key(|file| files::RAW.iter().position(|name| *name == file.name));
    for file in raw {
        entries.push(packed(dir, file)?);
    }

    let manifest = Manifest {
        schema: BUNDLE_SCHEMA.to_owned(),
        tool: Tool { name: env!("CARGO_PKG_NAME").to_owned(), version: env!("CARGO_PKG_VERSION").to_owned() },
        created: about.created,
        anonymised: about.anonymised,
        sources: about.sources,
        counts: counts(inventory),
        files: entries,
        certificate: about.certificate,
    };
    let path = dir.join(files::MANIFEST);
    let mut text =
        serde_json::to_vec_pretty(&manifest).map_err(|e| Error::failed(format!("cannot write the manifest: {e}")))?;
    text.push(b'\n');
    let mut file = new_file(&path)?;
    file.write_all(&text).and_then(|()| file.sync_all()).map_err(|e| Error::io("write", &path, e))?;

    if out.exists() {
        // `check_target` let an empty folder pass; a rename does not replace it everywhere.
        std::fs::remove_dir(out).map_err(|e| Error::io("replace the empty folder", out, e))?;
    }
    let staged = staging.keep();
    std::fs::rename(&staged, out).map_err(|e| {
        let _ = std::fs::remove_dir_all(&staged);
        Error::io("move the finished bundle to", out, e)
    })?;
    Ok(manifest)
}

/// Refuses a target that has content, before any work is done.
pub fn check_target(out: &Path) -> Result<()> {
    let refuse = |what: &str| {
        Err(Error::usage(format!("{what}: a bundle is never written over something"))
            .at(Place::file(out))
            .hint("Name another folder with --out, or remove this one."))
    };
    if out.file_name().is_none() {
        return Err(Error::usage(
            "a bundle is written beside this folder and then renamed into place, which needs the folder's own name",
        )
        .at(Place::file(out))
        .hint("Run the command in the folder above, and name this one with --out."));
    }
    match std::fs::read_dir(out) {
        Ok(mut entries) => match entries.next() {
            None => Ok(()),
            Some(_) => refuse("the folder exists and is not empty"),
        },
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(_) => refuse("there is something that is no folder"),
    }
}

fn counts(inventory: &Inventory) -> BTreeMap<String, u64> {
    let mut out = BTreeMap::new();
    let mut put = |name: &str, count: usize| out.insert(name.to_owned(), count as u64);
    put("adObjects", inventory.ad.objects.len());
    put("adGroups", inventory.ad.groups.len());
    put("adMemberships", inventory.ad.members.total());
    put("entraObjects", inventory.entra.objects.len());
    put("entraGroups", inventory.entra.groups.len());
    put("entraUsers", inventory.entra.users.len());
    put("entraMemberships", inventory.entra.members.total());
    put("connectServers", inventory.connect.len());
    put("problems", inventory.problems.len());
    out
}

/// `MembersRecord`, borrowed.
#[derive(Serialize)]
struct MembersLine<'r> {
    group: u32,
    members: &'r [u32],
}

/// Rows in the order of their objects, which is the order that a reader numbers the groups in.
fn rows<'r>(rows: &'r Rows, object: impl Fn(usize) -> u32) -> impl Iterator<Item = MembersLine<'r>> + 'r {
    let mut order: Vec<(u32, usize)> =
        (0..rows.len()).filter(|i| !rows.row(*i).is_empty()).map(|i| (object(i), i)).collect();
    order.sort_unstable();
    order.into_iter().map(move |(group, i)| MembersLine { group, members: rows.row(i) })
}

/// Zstandard's level: numbers and distinguished names compress hardly better at higher ones, and slower.
pub(super) const LEVEL: i32 = 1;

/// A data file that is packed already.
fn packed(dir: &Path, file: RawFile) -> Result<FileEntry> {
    let path = dir.join(file.name);
    let fail = |e: std::io::Error| Error::io("write", &path, e);
    let name = file.name.to_owned();
    let (bytes, records) = file.finish()?;
    let mut out = new_file(&path)?;
    out.write_all(&bytes).and_then(|()| out.sync_all()).map_err(fail)?;
    Ok(FileEntry { name, sha256: hex(&Sha256::digest(&bytes)), bytes: bytes.len() as u64, records })
}

/// One data file: JSON Lines in Zstandard, hashed as written.
fn lines<T: Serialize>(dir: &Path, name: &str, records: impl IntoIterator<Item = T>) -> Result<FileEntry> {
    let path = dir.join(name);
    let fail = |e: std::io::Error| Error::io("write", &path, e);
    let hashing = Hashing { inner: new_file(&path)?, hash: Sha256::new(), bytes: 0 };
    let mut out = zstd::Encoder::new(BufWriter::with_capacity(1 << 18, hashing), LEVEL).map_err(fail)?;
    let mut count = 0u64;
    let mut line = Vec::new();
    for record in records {
        line.clear();
        serde_json::to_writer(&mut line, &record).map_err(|e| fail(e.into()))?;
        line.push(b'\n');
        out.write_all(&line).map_err(fail)?;
        count += 1;
    }
    let hashing = out.finish().map_err(fail)?.into_inner().map_err(|e| fail(e.into_error()))?;
    hashing.inner.sync_all().map_err(fail)?;
    Ok(FileEntry { name: name.to_owned(), sha256: hex(&hashing.hash.finalize()), bytes: hashing.bytes, records: count })
}

/// A file that was not there before. The folder that holds it is its owner's alone, where the system knows such a thing.
fn new_file(path: &Path) -> Result<File> {
    File::create_new(path).map_err(|e| Error::io("create", path, e))
}

struct Hashing {
    inner: File,
    hash: Sha256,
    bytes: u64,
}

impl Write for Hashing {
    fn write(&mut self, buffer: &[u8]) -> std::io::Result<usize> {
        let n = self.inner.write(buffer)?;
        self.hash.update(&buffer[..n]);
        self.bytes += n as u64;
        Ok(n)
    }
    fn flush(&mut self) -> std::io::Result<()> {
        self.inner.flush()
    }
}

pub fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |n: u8| char::from(DIGITS[usize::from(n)]);
    bytes.iter().flat_map(|b| [digit(b >> 4), digit(b & 15)]).collect()
}
