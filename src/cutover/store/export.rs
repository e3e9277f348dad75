//! The copy of a run for another place: the groups as LDIF, all snapshots and the journal as JSON, the journal itself, the
//! plan, scripts and evidence, under one manifest. Written whole or not at all, and read back.

use super::chain;
use super::copy::{self, COPY_SCHEMA, CopyManifest, names};
use super::fault::{Act, Trouble};
use super::journal_file::JournalFile;
use super::run::Run;
use super::{body, copy_rows, host, ldif, schema};
use crate::bundle::write::hex;
use crate::bundle::{FileEntry, Tool};
use crate::cutover::record::{SnapshotKind, WriteState};
use crate::error::{Error, Place, Result};
use crate::report::folder::{Folder, create_private};
use chrono::{SecondsFormat, Utc};
use rusqlite::Connection;
use serde::Serialize;
use serde_json::json;
use sha2::{Digest, Sha256};
use std::collections::HashSet;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::rc::Rc;

/// What was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Exported {
    pub folder: PathBuf,
    pub groups: u64,
    pub snapshots: u64,
    pub files: u64,
    pub bytes: u64,
    pub chain_head: String,
    /// SHA-256 of the manifest, which names that of every other file: to be written down where the copy cannot be changed
    /// from.
    pub sha256: String,
}

const COPYING: Act = Act::reading("copy the run");

impl Run {
    /// Writes the copy to `to`, which must not exist or be empty.
    pub fn export(&self, to: &Path) -> Result<Exported> {
        check_target(to)?;
        self.flush_log()?;
        let parent = to.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        std::fs::create_dir_all(parent).map_err(|e| Error::io("create the folder", parent, e))?;
        let staging = tempfile::Builder::new()
            .prefix(".groupshift-copy-")
            .tempdir_in(parent)
            .map_err(|e| Error::io("create a folder in", parent, e))?;
        let dir = staging.path().join("copy");
        create_private(&dir)?;
        schema::create_in(&dir)?;
        self.copy_to(&dir.join(schema::FILE))?;
        let mut exported = self.fill(&dir)?;
        if to.exists() {
            // An empty folder was let pass; a rename does not replace it everywhere.
            std::fs::remove_dir(to).map_err(|e| Error::io("replace the empty folder", to, e))?;
        }
        std::fs::rename(&dir, to).map_err(|e| Error::io("move the finished copy to", to, e))?;
        exported.folder = to.to_owned();
        Ok(exported)
    }

    /// Copies the rows of this run into an empty journal.
    fn copy_to(&self, file: &Path) -> Result<()> {
        self.file.direct(COPYING, |conn| {
            attached(conn, file, |conn| {
                let tx = conn.transaction()?;
                copy_rows(&tx, "main", "copy", &self.id)?;
                Ok(tx.commit()?)
            })
        })
    }

    /// Everything else is written from the copied journal, so that all parts of the copy are of one instant.
    fn fill(&self, dir: &Path) -> Result<Exported> {
        let copied = Run { file: Rc::new(JournalFile::open(dir)?), id: self.id.clone() };
        let problems = copied.verify_snapshots()?;
        if let Some(first) = problems.first() {
            return Err(Error::failed(format!("a copy of unsound snapshots is none: {first}"))
                .at(Place::file(&self.file.file))
                .hint("See all that is wrong: groupshift snapshot verify"));
        }
        let folder = Folder::at(dir);
        let groups = copied.write_groups(&folder)?;
        copied.write_snapshots(&folder)?;
        let (writes, open_writes) = copied.write_journal(&folder)?;
        let plan = copied.plan_bytes()?;
        folder.write(names::PLAN, |out| put(out, &plan))?;
        folder.write(names::README, |out| put(out, README.as_bytes()))?;
        copy_folder(&self.folder(), &dir.join(names::RUN))?;
        let (run, (snapshots, chain_head)) = (copied.record()?, copied.chain_head()?);
        drop(copied);

        let mut files = Vec::new();
        for name in copy::files_below(dir)? {
            let path = dir.join(&name);
            let mut file = std::fs::File::open(&path).map_err(|e| Error::io("read back", &path, e))?;
            let (sha256, bytes) =
                copy::digest(&mut file, &mut std::io::sink()).map_err(|e| Error::io("read back", &path, e))?;
            files.push(FileEntry { name, sha256, bytes, records: 0 });
        }
        let manifest = CopyManifest {
            schema: COPY_SCHEMA.to_owned(),
            tool: Tool { name: env!("CARGO_PKG_NAME").to_owned(), version: env!("CARGO_PKG_VERSION").to_owned() },
            created: Utc::now().to_rfc3339_opts(SecondsFormat::Secs, true),
            host: host(),
            run,
            snapshots,
            chain_head: chain_head.clone(),
            groups,
            writes,
            open_writes,
            files,
        };
        let text = pretty(&manifest)?;
        folder.write(names::MANIFEST, |out| put(out, &text))?;
        Ok(Exported {
            folder: dir.to_owned(),
            groups,
            snapshots,
            files: manifest.files.len() as u64 + 1,
            bytes: manifest.files.iter().map(|f| f.bytes).sum::<u64>() + text.len() as u64,
            chain_head,
            sha256: hex(&Sha256::digest(&text)),
        })
    }

    /// `groups.ldif`: every AD group as it was before the run.
    fn write_groups(&self, folder: &Folder) -> Result<u64> {
        let (records, run) = (self.snapshots()?, self.record()?);
        let (mut seen, mut count) = (HashSet::new(), 0);
        folder.write(names::GROUPS, |out| {
            let fail = |e: std::io::Error| Error::failed(format!("cannot write {}: {e}", names::GROUPS));
            out.write_all(b"version: 1\n\n").map_err(fail)?;
            let about = format!("AD groups as they were before run {} on {}, whole", run.id, run.domain);
            ldif::comment(&about, out).map_err(fail)?;
            out.write_all(b"\n").map_err(fail)?;
            for record in records.iter().filter(|r| r.kind == SnapshotKind::AdGroup) {
                if !seen.insert(record.object.as_str()) {
                    continue;
                }
                let body = serde_json::from_slice(&self.body_bytes(record)?)
                    .map_err(|e| Error::failed(format!("snapshot {} is no JSON: {e}", record.id)))?;
                let object = body::object_from_json(&body)?;
                let taken = super::words::time_text(record.taken);
                let about = format!("objectGUID {}, taken {taken}, snapshot {}", object.guid, record.id);
                ldif::comment(&about, out).map_err(fail)?;
                ldif::write_object(&object, out).map_err(fail)?;
                count += 1;
            }
            Ok(())
        })?;
        Ok(count)
    }

    /// `snapshots.json`: all of them, each on a line of its own.
    fn write_snapshots(&self, folder: &Folder) -> Result<()> {
        let (records, run) = (self.snapshots()?, self.record()?);
        folder.write(names::SNAPSHOTS, |out| {
            let head = json!({ "chainStart": chain::start_of(&run), "run": run.id });
            let head = head.to_string();
            let head = head.trim_start_matches('{').trim_end_matches('}');
            put(out, format!("{{\"schema\":\"groupshift/snapshots/v1\",{head},\"snapshots\":[").as_bytes())?;
            for (index, record) in records.iter().enumerate() {
                put(out, if index == 0 { b"\n" } else { b",\n" })?;
                let text = compact(record)?;
                put(out, b"{\"record\":")?;
                put(out, &text)?;
                put(out, b",\"body\":")?;
                put(out, &self.body_bytes(record)?)?;
                put(out, b"}")?;
            }
            put(out, b"\n]}\n")
        })?;
        Ok(())
    }

    /// `journal.json`: the run, its steps, writes, remarks and log. Returns the number of writes, and of open ones.
    fn write_journal(&self, folder: &Folder) -> Result<(u64, u64)> {
        let writes = self.writes()?;
        let open = writes.iter().filter(|w| w.state == WriteState::Intended).count() as u64;
        let count = writes.len() as u64;
        let text = pretty(&json!({
            "schema": "groupshift/journal/v1",
            "run": self.record()?, "steps": self.steps()?, "writes": writes,
            "remarks": self.remarks()?, "log": self.log_lines()?,
        }))?;
        folder.write(names::JOURNAL, |out| put(out, &text))?;
        Ok((count, open))
    }
}

/// Does something with another journal attached as `copy`.
pub(super) fn attached<T>(
    conn: &mut Connection,
    file: &Path,
    work: impl FnOnce(&mut Connection) -> Result<T, Trouble>,
) -> Result<T, Trouble> {
    let path = file
        .to_str()
        .ok_or_else(|| Error::failed("the path is not Unicode, which the journal needs").at(Place::file(file)))?;
    conn.execute("ATTACH ?1 AS copy", [path])?;
    let done = work(conn);
    let apart = conn.execute("DETACH copy", []);
    let out = done?;
    apart?;
    Ok(out)
}

fn check_target(to: &Path) -> Result<()> {
    crate::bundle::write::check_target(to).map_err(|_| {
        let mut e = Error::usage("a copy is never written over something").at(Place::file(to));
        e.hints = vec!["Name a folder that is not there yet.".to_owned()];
        e
    })
}

/// Copies a folder's files; links are not followed.
pub(super) fn copy_folder(from: &Path, to: &Path) -> Result<()> {
    if !from.is_dir() {
        return Ok(());
    }
    create_private(to)?;
    for name in copy::files_below(from)? {
        let (source, target) = (from.join(&name), to.join(&name));
        let (Some(folder), Some(file)) = (target.parent(), target.file_name().and_then(|n| n.to_str())) else {
            continue;
        };
        create_private(folder)?;
        let mut input = std::fs::File::open(&source).map_err(|e| Error::io("read", &source, e))?;
        Folder::at(folder)
            .write(file, |out| std::io::copy(&mut input, out).map(drop).map_err(|e| Error::io("copy", &source, e)))?;
    }
    Ok(())
}

fn put(out: &mut dyn Write, bytes: &[u8]) -> Result<()> {
    out.write_all(bytes).map_err(|e| Error::failed(format!("cannot write the copy: {e}")).source(e))
}

fn compact<T: Serialize>(value: &T) -> Result<Vec<u8>> {
    serde_json::to_vec(value).map_err(|e| Error::failed(format!("cannot write the copy: {e}")))
}

fn pretty<T: Serialize>(value: &T) -> Result<Vec<u8>> {
    let mut text =
        serde_json::to_vec_pretty(value).map_err(|e| Error::failed(format!("cannot write the copy: {e}")))?;
    text.push(b'\n');
    Ok(text)
}

const README: &str = "\
A copy of one run of groupshift. It needs no program to be read.

groups.ldif     every AD group that the run touches, as it was before the run: all attributes that the account could read,
                members and memberOf whole, the security descriptor as nTSecurityDescriptor (base64). LDIF, RFC 2849.
snapshots.json  all snapshots in order: AD groups, Entra groups, job, schema, assignments. One a line; text values as they
                are, others as {\"b64\": ...}.
journal.json    the run: steps, every write with what stood before and after it, remarks, log.
runs.sqlite     the same as a SQLite database; groupshift takes the run over from it.
plan.json       the plan as it was run.
run/            scripts, evidence and reports.
manifest.json   SHA-256 of every file here, and the head of the chain over the snapshots.

Check the copy:       groupshift snapshot verify FOLDER
Take the run over:    groupshift cutover adopt FOLDER

The files hold names, memberships and access rules of the directory: keep them as you keep its backups.
";
