//! Taking a run over from its exported copy, on a machine that has lost the store or never had it. The copy is verified
//! first, all of it: files, chain, plan. What the copy does not know yet is found on live state.

use super::copy::{self, CopyManifest, names};
use super::export::attached;
use super::fault::Act;
use super::journal_file::JournalFile;
use super::run::{Run, insert_remark};
use super::{LOCK_REACH, Store, copy_rows, host, schema};
use crate::cutover::record::Remark;
use crate::error::{Error, Place, Result};
use crate::report::folder::{Folder, create_private};
use chrono::{DateTime, Utc};
use rusqlite::TransactionBehavior;
use std::path::Path;
use std::rc::Rc;

const ADOPTING: Act = Act::before("adopt", "take the run over");

impl Store {
    /// Takes a run over. `expected` is the manifest's SHA-256 as it was noted when the copy was made, where it was.
    pub fn adopt(&self, from: &Path, expected: Option<&str>, by: &str, at: DateTime<Utc>) -> Result<Run> {
        let (manifest, sha256) = copy::read(from)?;
        if let Some(expected) = expected.filter(|e| !e.trim().eq_ignore_ascii_case(&sha256)) {
            let what = format!("the copy's SHA-256 is {sha256}, not {expected}: it is another copy, or was changed");
            return Err(Error::input(Place::file(from), what).hint("Nothing was taken over."));
        }
        let id = manifest.run.id.clone();
        if self.runs()?.iter().any(|run| run.id == id) {
            return Err(Error::usage(format!("this store holds the run {id} already"))
                .at(Place::file(self.dir()))
                .hint("Nothing has to be taken over: groupshift cutover resume")
                .hint("To start from the copy instead, move the store's folder away first."));
        }
        let folder = self.dir().join(&id);
        if folder.exists() {
            return Err(Error::failed("a folder of this run stands in the way, and the journal does not know the run")
                .at(Place::file(&folder))
                .hint("Move it away: it may be left from a take-over that was interrupted."));
        }
        // What is verified is a copy of one's own, which nobody changes meanwhile.
        let own = tempfile::Builder::new()
            .prefix(".adopting-")
            .tempdir_in(self.dir())
            .map_err(|e| Error::io("create a folder in", self.dir(), e))?;
        let dir = own.path().join("copy");
        create_private(&dir)?;
        take_in(from, &manifest, &dir)?;
        check(&dir, &manifest, from)?;

        create_private(&dir.join(names::RUN))?;
        std::fs::rename(dir.join(names::RUN), &folder).map_err(|e| Error::io("move the run's files to", &folder, e))?;
        let done = self.insert_copy(&dir.join(schema::FILE), &manifest, by, at);
        if done.is_err() && self.runs().is_ok_and(|runs| runs.iter().all(|run| run.id != id)) {
            // Back to where it goes away with the rest.
            let _ = std::fs::rename(&folder, dir.join(names::RUN));
        }
        done.map(|()| self.handle(&id))
    }

    fn insert_copy(&self, file: &Path, manifest: &CopyManifest, by: &str, at: DateTime<Utc>) -> Result<()> {
        self.file.fuse.boundary(ADOPTING.name, "before")?;
        let remark = Remark {
            kind: "adopted".to_owned(),
            subject: manifest.host.clone(),
            text: format!(
                "Taken over on {} from the copy of {} made on {}, with {} snapshots and {} open writes. What was done there \
                 after that is not in this journal and is looked for on live state. {LOCK_REACH}",
                host(),
                manifest.created,
                manifest.host,
                manifest.snapshots,
                manifest.open_writes
            ),
            by: by.to_owned(),
            at,
        };
        self.file.direct(ADOPTING, |conn| {
            attached(conn, file, |conn| {
                let tx = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
                copy_rows(&tx, "copy", "main", &manifest.run.id)?;
                insert_remark(&tx, &manifest.run.id, &remark)?;
                Ok(tx.commit()?)
            })
        })?;
        self.file.fuse.boundary(ADOPTING.name, "after")
    }

    /// Verifies an exported copy where it lies; returns its manifest, the manifest's SHA-256 and what is wrong.
    pub fn verify_copy(dir: &Path) -> Result<(CopyManifest, String, Vec<String>)> {
        let (manifest, sha256) = copy::read(dir)?;
        let own = tempfile::tempdir().map_err(|e| Error::io("create a folder in", &std::env::temp_dir(), e))?;
        let inside = own.path().join("copy");
        create_private(&inside)?;
        let mut problems = bring(dir, &manifest, &inside)?;
        if problems.is_empty() {
            problems.extend(judge(&inside, &manifest)?);
        }
        Ok((manifest, sha256, problems))
    }
}

/// Copies every file of the manifest; says what is wrong with them.
fn bring(from: &Path, manifest: &CopyManifest, to: &Path) -> Result<Vec<String>> {
    let mut problems = Vec::new();
    for entry in &manifest.files {
        let target = to.join(&entry.name);
        let (Some(folder), Some(name)) = (target.parent(), target.file_name().and_then(|n| n.to_str())) else {
            continue;
        };
        create_private(folder)?;
        Folder::at(folder).write(name, |out| {
            problems.extend(copy::pass(from, entry, out)?);
            Ok(())
        })?;
    }
    Ok(problems)
}

fn take_in(from: &Path, manifest: &CopyManifest, to: &Path) -> Result<()> {
    let problems = bring(from, manifest, to)?;
    refuse(from, problems)
}

fn check(dir: &Path, manifest: &CopyManifest, from: &Path) -> Result<()> {
    refuse(from, judge(dir, manifest)?)
}

fn refuse(from: &Path, problems: Vec<String>) -> Result<()> {
    let mut problems = problems.into_iter();
    let Some(first) = problems.next() else { return Ok(()) };
    let error = Error::input(Place::file(from), format!("this copy cannot be relied on: {first}"));
    let error = problems.take(20).fold(error, |error, other| error.hint(format!("Also wrong: {other}.")));
    Err(error.hint("Nothing was taken over. Use another copy of the run."))
}

/// What is wrong with the journal of a copy, held against its manifest.
fn judge(dir: &Path, manifest: &CopyManifest) -> Result<Vec<String>> {
    let mut out = Vec::new();
    let file = match JournalFile::open(dir) {
        Ok(file) => file,
        Err(error) => return Ok(vec![error.message]),
    };
    if let Err(error) = file.check(true) {
        return Ok(vec![error.message]);
    }
    let run = Run { file: Rc::new(file), id: manifest.run.id.clone() };
    let runs = run.file.read(ADOPTING, super::run::records)?;
    if runs.len() != 1 || runs.first() != Some(&manifest.run) {
        out.push("its journal is of another run than its manifest".to_owned());
        return Ok(out);
    }
    if run.chain_head()? != (manifest.snapshots, manifest.chain_head.clone()) {
        out.push("its chain of snapshots ends otherwise than its manifest says".to_owned());
    }
    out.extend(run.verify_snapshots()?);
    if let Err(error) = run.plan() {
        out.push(format!("its plan: {}", error.message));
    }
    Ok(out)
}
