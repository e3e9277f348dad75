//! The journal's file: its tables, and a connection set up so that what is committed is on the disk.
//!
//! The rollback journal is kept (in TRUNCATE mode) instead of a write-ahead log: at rest the store is one file, which an
//! administrator can copy; reading needs no second file and no free space, so that a full disk hides nothing; undoing a
//! half-written transaction needs no free space either. With `synchronous=FULL` the commit is flushed before it counts.

use super::fault::{Act, Trouble, damaged, said};
use crate::error::{Error, Place, Result};
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, TransactionBehavior};
use std::path::Path;
use std::time::Duration;

/// Name of the file in the store's folder.
pub const FILE: &str = "runs.sqlite";

/// Marks the file as this program's ("gshf").
const APPLICATION: i64 = 0x6773_6866;

/// How long another reader or writer is waited for.
const PATIENCE: Duration = Duration::from_secs(15);

/// What takes a store from one version to the next; `user_version` says how many were done.
const VERSIONS: [&str; 1] = [V1];

const V1: &str = "
CREATE TABLE runs (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  plan_sha256 TEXT NOT NULL,
  tool TEXT NOT NULL,
  domain TEXT NOT NULL,
  tenant TEXT,
  nonce TEXT NOT NULL,
  begun TEXT NOT NULL,
  host TEXT NOT NULL,
  account TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('open', 'stopped', 'done', 'rolled-back', 'closed')),
  reason TEXT,
  controller TEXT,
  invocation_id TEXT,
  usn INTEGER,
  pin_domain TEXT,
  naming_context TEXT,
  clock TEXT NOT NULL,
  chain_length INTEGER NOT NULL DEFAULT 0,
  chain_head TEXT NOT NULL
);
CREATE TABLE plans (
  run TEXT PRIMARY KEY REFERENCES runs (id),
  bytes INTEGER NOT NULL,
  body BLOB NOT NULL
);
CREATE TABLE steps (
  run TEXT NOT NULL REFERENCES runs (id),
  step TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('pending', 'begun', 'done', 'undone', 'stuck')),
  begun TEXT,
  ended TEXT,
  detail TEXT,
  PRIMARY KEY (run, step)
);
CREATE TABLE snapshots (
  run TEXT NOT NULL REFERENCES runs (id),
  id INTEGER NOT NULL,
  kind TEXT NOT NULL,
  object TEXT NOT NULL,
  name TEXT NOT NULL,
  step TEXT NOT NULL,
  taken TEXT NOT NULL,
  bytes INTEGER NOT NULL,
  sha256 TEXT NOT NULL,
  chain TEXT NOT NULL,
  PRIMARY KEY (run, id)
);
CREATE INDEX snapshots_by_object ON snapshots (run, kind, object, id);
CREATE TABLE bodies (
  run TEXT NOT NULL,
  snapshot INTEGER NOT NULL,
  body BLOB NOT NULL,
  PRIMARY KEY (run, snapshot),
  FOREIGN KEY (run, snapshot) REFERENCES snapshots (run, id)
);
CREATE TABLE writes (
  run TEXT NOT NULL REFERENCES runs (id),
  id INTEGER NOT NULL,
  step TEXT NOT NULL,
  undo INTEGER NOT NULL CHECK (undo IN (0, 1)),
  undoes INTEGER,
  action TEXT NOT NULL,
  object TEXT NOT NULL,
  name TEXT NOT NULL,
  attribute TEXT,
  old TEXT,
  new TEXT,
  snapshot INTEGER,
  state TEXT NOT NULL CHECK (state IN ('intended', 'done', 'already', 'foreign', 'failed', 'undone')),
  meant TEXT NOT NULL,
  settled TEXT,
  server TEXT,
  detail TEXT,
  PRIMARY KEY (run, id),
  FOREIGN KEY (run, undoes) REFERENCES writes (run, id),
  FOREIGN KEY (run, snapshot) REFERENCES snapshots (run, id)
);
CREATE INDEX writes_by_state ON writes (run, state, id);
CREATE INDEX writes_by_step ON writes (run, step, id);
CREATE INDEX writes_by_object ON writes (run, object, id);
CREATE INDEX writes_undoing ON writes (run, undoes);
CREATE INDEX writes_by_snapshot ON writes (run, snapshot);
CREATE TABLE remarks (
  run TEXT NOT NULL REFERENCES runs (id),
  id INTEGER NOT NULL,
  kind TEXT NOT NULL,
  subject TEXT NOT NULL,
  text TEXT NOT NULL,
  said_by TEXT NOT NULL,
  said TEXT NOT NULL,
  PRIMARY KEY (run, id)
);
CREATE TABLE log (
  run TEXT NOT NULL REFERENCES runs (id),
  id INTEGER NOT NULL,
  at TEXT NOT NULL,
  level TEXT NOT NULL,
  text TEXT NOT NULL,
  PRIMARY KEY (run, id)
);
CREATE TABLE facts (
  run TEXT NOT NULL REFERENCES runs (id),
  key TEXT NOT NULL,
  value TEXT NOT NULL,
  PRIMARY KEY (run, key)
);
CREATE TRIGGER writes_stay BEFORE DELETE ON writes
  BEGIN SELECT RAISE(ABORT, 'the journal keeps every write'); END;
CREATE TRIGGER writes_stand BEFORE UPDATE OF run, id, step, undo, undoes, action, object, name, attribute, old, new, snapshot, meant
  ON writes BEGIN SELECT RAISE(ABORT, 'what a write was meant to do is not changed afterwards'); END;
CREATE TRIGGER snapshots_stay BEFORE DELETE ON snapshots
  BEGIN SELECT RAISE(ABORT, 'the journal keeps every snapshot'); END;
CREATE TRIGGER snapshots_stand BEFORE UPDATE ON snapshots
  BEGIN SELECT RAISE(ABORT, 'a snapshot is not changed afterwards'); END;
CREATE TRIGGER bodies_stay BEFORE DELETE ON bodies
  BEGIN SELECT RAISE(ABORT, 'the journal keeps every snapshot'); END;
CREATE TRIGGER bodies_stand BEFORE UPDATE ON bodies
  BEGIN SELECT RAISE(ABORT, 'a snapshot is not changed afterwards'); END;
";

/// Tables that belong to a run, in the order in which they refer to each other, with the columns of each.
pub(super) const TABLES: [(&str, &str, &str); 9] = [
    (
        "runs",
        "id",
        "id, plan_sha256, tool, domain, tenant, nonce, begun, host, account, state, reason, controller, invocation_id, usn, pin_domain, naming_context, clock, chain_length, chain_head",
    ),
    ("plans", "run", "run, bytes, body"),
    ("steps", "run", "run, step, state, begun, ended, detail"),
    ("snapshots", "run", "run, id, kind, object, name, step, taken, bytes, sha256, chain"),
    ("bodies", "run", "run, snapshot, body"),
    (
        "writes",
        "run",
        "run, id, step, undo, undoes, action, object, name, attribute, old, new, snapshot, state, meant, settled, server, detail",
    ),
    ("remarks", "run", "run, id, kind, subject, text, said_by, said"),
    ("log", "run", "run, id, at, level, text"),
    ("facts", "run", "run, key, value"),
];

const OPENING: Act = Act::reading("open the journal");

/// Opens a journal that is there; `write` false for one that is only read.
pub(super) fn open(file: &Path, write: bool) -> Result<Connection> {
    // Also a reader opens for writing where it may: a transaction that a dead process left half done is undone then.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let fault = |e| said(e, OPENING, file);
    let mut conn = Connection::open_with_flags(file, flags).map_err(fault)?;
    set_up(&conn).map_err(fault)?;
    let number = |pragma: &str| conn.query_row(&format!("PRAGMA {pragma}"), [], |row| row.get::<_, i64>(0));
    let (application, version) = (number("application_id").map_err(fault)?, number("user_version").map_err(fault)?);
    if application != APPLICATION {
        return Err(Error::failed("this is no journal of this program")
            .at(Place::file(file))
            .hint("Give [store] dir the folder of your runs, or move this file away."));
    }
    if version > VERSIONS.len() as i64 {
        return Err(Error::failed(format!(
            "this journal is of form {version}, written by a newer version of this program, which reads forms up to {}",
            VERSIONS.len()
        ))
        .at(Place::file(file))
        .hint("Use the newer version. Nothing was changed."));
    }
    if write {
        conn.pragma_query_value(None, "journal_mode", |row| row.get::<_, String>(0)).map_err(fault)?;
        migrate(&mut conn, version)
            .map_err(|t| t.said(Act::before("migrate", "bring the journal up to date"), file))?;
    } else {
        conn.pragma_update(None, "query_only", true).map_err(fault)?;
    }
    conn.set_prepared_statement_cache_capacity(64);
    Ok(conn)
}

fn set_up(conn: &Connection) -> rusqlite::Result<()> {
    conn.busy_timeout(PATIENCE)?;
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    conn.pragma_update(None, "foreign_keys", true)?;
    conn.pragma_update(None, "cell_size_check", true)?;
    conn.pragma_update(None, "synchronous", "FULL")?;
    // macOS: a flush that reaches the disk itself.
    conn.pragma_update(None, "fullfsync", true)?;
    // Nothing is spilled to a temporary file, which would need room somewhere else.
    conn.pragma_update(None, "temp_store", "MEMORY")?;
    conn.pragma_update_and_check(None, "journal_mode", "TRUNCATE", |_| Ok(()))
}

fn migrate(conn: &mut Connection, version: i64) -> Result<(), Trouble> {
    if version == VERSIONS.len() as i64 {
        return Ok(());
    }
    let tx = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
    for (number, sql) in (1i64..).zip(VERSIONS).skip(usize::try_from(version).unwrap_or(0)) {
        tx.execute_batch(sql)?;
        tx.pragma_update(None, "user_version", number)?;
    }
    tx.commit()?;
    Ok(())
}

/// Makes an empty journal in the folder: beside, then moved to its name, so that a file of that name is never half made.
pub(super) fn create_in(dir: &Path) -> Result<()> {
    let target = dir.join(FILE);
    let fail = |e: std::io::Error| Error::io("create the journal", &target, e);
    let staged = tempfile::Builder::new().prefix(".runs-").suffix(".sqlite").tempfile_in(dir).map_err(fail)?;
    let make = |file: &Path| -> Result<(), Trouble> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut conn = Connection::open_with_flags(file, flags)?;
        set_up(&conn)?;
        conn.pragma_update(None, "application_id", APPLICATION)?;
        migrate(&mut conn, 0)?;
        // In TRUNCATE mode the rollback journal stays as an empty file, which belongs to the name of this one.
        conn.pragma_update_and_check(None, "journal_mode", "DELETE", |_| Ok(()))?;
        conn.close().map_err(|(_, e)| e)?;
        Ok(())
    };
    // SQLite has the file open on its own; this handle would stand in the way of the renaming on some systems.
    let path = staged.into_temp_path();
    make(&path).map_err(|t| t.said(Act::before("create", "create the journal"), &target))?;
    match path.persist_noclobber(&target) {
        Ok(()) => Ok(()),
        // Another process made it meanwhile.
        Err(e) if e.error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        Err(e) => Err(fail(e.error)),
    }
}

/// Whether the file is sound, page by page; `thorough` also compares indices with their tables.
pub(super) fn check(conn: &Connection, file: &Path, thorough: bool) -> Result<()> {
    let act = Act::reading("rely on the journal");
    let pragma = if thorough { "integrity_check" } else { "quick_check" };
    let answer: String =
        conn.query_row(&format!("PRAGMA {pragma}(1)"), [], |row| row.get(0)).map_err(|e| said(e, act, file))?;
    let loose = conn.query_row("SELECT count(*) FROM pragma_foreign_key_check", [], |row| row.get::<_, i64>(0));
    match (answer.as_str(), loose.map_err(|e| said(e, act, file))?) {
        ("ok", 0) => Ok(()),
        ("ok", n) => Err(damaged(act, &format!("{n} of its rows refer to something that is not there"), file)),
        (what, _) => Err(damaged(act, what, file)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_committed_is_on_the_disk() {
        let dir = tempfile::tempdir().unwrap();
        create_in(dir.path()).unwrap();
        let file = dir.path().join(FILE);
        let writer = open(&file, true).unwrap();
        let number = |conn: &Connection, pragma: &str| {
            conn.query_row(&format!("PRAGMA {pragma}"), [], |row| row.get::<_, i64>(0)).unwrap()
        };
        // 2 is FULL: the file is flushed before a commit counts.
        for (pragma, value) in
            [("synchronous", 2), ("fullfsync", 1), ("foreign_keys", 1), ("temp_store", 2), ("trusted_schema", 0)]
        {
            assert_eq!(number(&writer, pragma), value, "{pragma}");
        }
        let mode: String = writer.query_row("PRAGMA journal_mode", [], |row| row.get(0)).unwrap();
        assert_eq!(mode, "truncate");
        assert_eq!(number(&writer, "user_version"), VERSIONS.len() as i64);
        let reader = open(&file, false).unwrap();
        assert_eq!((number(&reader, "synchronous"), number(&reader, "query_only")), (2, 1));
        assert!(reader.execute("DELETE FROM facts", []).is_err());
    }

    /// A copy takes every column of every table of a run; one that is missing here would be lost on the way.
    #[test]
    fn copies_know_every_column() {
        let dir = tempfile::tempdir().unwrap();
        create_in(dir.path()).unwrap();
        let conn = open(&dir.path().join(FILE), true).unwrap();
        let mut statement = conn
            .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name")
            .unwrap();
        let tables: Vec<String> = statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
        let mut known: Vec<&str> = TABLES.iter().map(|(name, _, _)| *name).collect();
        known.sort_unstable();
        assert_eq!(tables, known);
        for (table, _, columns) in TABLES {
            let mut statement = conn.prepare("SELECT name FROM pragma_table_info(?1) WHERE name <> 'number'").unwrap();
            let real: Vec<String> =
                statement.query_map([table], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
            assert_eq!(real.join(", "), columns, "{table}");
        }
    }
}
