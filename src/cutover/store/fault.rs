//! What SQLite says, in an administrator's words: what could not be done, whether anything was sent, what to do next.

use crate::error::{Error, Place};
use crate::report::plain;
use rusqlite::ErrorCode;
use std::path::Path;

/// Something that the store does, for its errors and its boundaries.
#[derive(Debug, Clone, Copy)]
pub(super) struct Act {
    /// Name of the boundary.
    pub name: &'static str,
    /// Completes "cannot …".
    pub doing: &'static str,
    pub stage: Stage,
}

/// What a failure leaves behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// It stands before a write, which then is not sent.
    Before,
    /// The write was sent already.
    After,
    /// Nothing is written anywhere.
    Reading,
}

impl Act {
    pub const fn before(name: &'static str, doing: &'static str) -> Self {
        Act { name, doing, stage: Stage::Before }
    }
    pub const fn after(name: &'static str, doing: &'static str) -> Self {
        Act { name, doing, stage: Stage::After }
    }
    pub const fn reading(doing: &'static str) -> Self {
        Act { name: "read", doing, stage: Stage::Reading }
    }
}

/// A failure inside a transaction: SQLite's, or one that is in words already.
#[derive(Debug)]
pub(super) enum Trouble {
    Sql(rusqlite::Error),
    Said(Error),
}

impl From<rusqlite::Error> for Trouble {
    fn from(error: rusqlite::Error) -> Self {
        Trouble::Sql(error)
    }
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Self {
        Trouble::Said(error)
    }
}

impl Trouble {
    pub fn said(self, act: Act, file: &Path) -> Error {
        match self {
            Trouble::Said(error) => error,
            Trouble::Sql(error) => said(error, act, file),
        }
    }
}

/// SQLite's failure in words.
pub(super) fn said(error: rusqlite::Error, act: Act, file: &Path) -> Error {
    let doing = act.doing;
    let folder = file.parent().unwrap_or(Path::new(".")).display();
    let own = plain(&error.to_string());
    let (message, hint) = match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => (
            format!("cannot {doing}: the disk is full"),
            format!("Make room on the disk that holds {folder}; the journal is whole up to its last entry."),
        ),
        Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => (
            format!("cannot {doing}: the journal is read-only for this account ({own})"),
            format!("Give this account the right to write to {folder} and to every file in it."),
        ),
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => return damaged(act, &own, file).source(error),
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => (
            format!("cannot {doing}: another program holds the journal"),
            "Close whatever has runs.sqlite open (a SQLite shell, a backup, a virus scanner).".to_owned(),
        ),
        Some(ErrorCode::SystemIoFailure) => (
            format!("cannot {doing}: the disk refused ({own})"),
            format!("Look for a quota, a full or failing disk, or a share that went away, at {folder}."),
        ),
        Some(ErrorCode::CannotOpen) => (
            format!("cannot {doing}: the journal cannot be opened ({own})"),
            format!("See that this account may read and write {folder} and the files in it."),
        ),
        Some(ErrorCode::TooBig) => (
            format!("cannot {doing}: one value is too large for the journal ({own})"),
            "The journal holds values up to about 1 GB.".to_owned(),
        ),
        _ => (format!("cannot {doing}: {own}"), format!("The journal lies in {folder}.")),
    };
    let out = Error::failed(message).at(Place::file(file)).hint(hint);
    what_now(out, act).source(error)
}

/// The journal cannot be relied on.
pub(super) fn damaged(act: Act, what: &str, file: &Path) -> Error {
    let out = Error::failed(format!("cannot {}: the journal is damaged ({})", act.doing, plain(what)))
        .at(Place::file(file))
        .hint("Keep the store's folder as it is, and move it aside whole.")
        .hint(
            "Then take the run over from its exported copy: groupshift cutover adopt COPY. Every decision is made on live \
             state, so that what the copy does not know yet is found there.",
        );
    match act.stage {
        Stage::Before => out.hint("Nothing was sent for what could not be written down."),
        Stage::After | Stage::Reading => out,
    }
}

fn what_now(error: Error, act: Act) -> Error {
    match act.stage {
        Stage::Before => error
            .hint("Nothing was sent for what could not be written down. Then go on with: groupshift cutover resume"),
        Stage::After => error.hint(
            "What was sent before stands in the journal as intended. Then run groupshift cutover resume: it looks at live \
             state and decides.",
        ),
        Stage::Reading => error,
    }
}
