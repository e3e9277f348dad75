//! Writes: meant, then sent, then settled. An intent stands on the disk and was read back from the file before anything
//! is sent (law 1); an outcome is added to it, and what was meant is never changed.

use super::fault::{Act, Trouble, damaged};
use super::run::Run;
use super::words::{first, from_word, json, json_text, rows, time, time_opt, time_text, word};
use crate::cutover::record::{Intent, Settled, WriteRecord, WriteState};
use crate::error::{Error, Place, Result};
use chrono::{DateTime, Utc};
use rusqlite::{Row, params};

const COLUMNS: &str = "id, step, undo, undoes, action, object, name, attribute, old, new, snapshot, state, meant, settled, server, detail";

const INTENDING: Act = Act::before("intend", "write down what is about to be sent");
const SETTLING: Act = Act::after("settle", "write down what became of the writes");
const LISTING: Act = Act::reading("read the writes of the run");

/// One intent as its row holds it, for writing and for comparing.
#[derive(Debug, PartialEq)]
struct IntentRow {
    step: String,
    undo: bool,
    undoes: Option<i64>,
    action: String,
    object: String,
    name: String,
    attribute: Option<String>,
    old: Option<String>,
    new: Option<String>,
    snapshot: Option<i64>,
    state: String,
    meant: String,
}

impl IntentRow {
    fn of(intent: &Intent, at: DateTime<Utc>) -> Result<Self> {
        Ok(IntentRow {
            step: intent.step.clone(),
            undo: intent.undo,
            undoes: intent.undoes,
            action: intent.action.clone(),
            object: intent.object.clone(),
            name: intent.name.clone(),
            attribute: intent.attribute.clone(),
            old: json_text(intent.old.as_ref()),
            new: json_text(intent.new.as_ref()),
            snapshot: intent.snapshot,
            state: word(&WriteState::Intended)?,
            meant: time_text(at),
        })
    }
    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(IntentRow {
            step: row.get(1)?,
            undo: row.get(2)?,
            undoes: row.get(3)?,
            action: row.get(4)?,
            object: row.get(5)?,
            name: row.get(6)?,
            attribute: row.get(7)?,
            old: row.get(8)?,
            new: row.get(9)?,
            snapshot: row.get(10)?,
            state: row.get(11)?,
            meant: row.get(12)?,
        })
    }
}

impl Run {
    /// Writes down what is about to be sent, in one transaction, and reads it back from the file. Where this fails nothing
    /// may be sent.
    pub fn intend(&self, intents: &[Intent], at: DateTime<Utc>) -> Result<Vec<i64>> {
        if intents.is_empty() {
            return Ok(Vec::new());
        }
        let wanted: Vec<IntentRow> = intents.iter().map(|i| IntentRow::of(i, at)).collect::<Result<_>>()?;
        let ids = self.file.write(INTENDING, |tx| {
            self.check_clock(tx, at)?;
            let next: i64 =
                tx.query_row("SELECT coalesce(max(id), 0) + 1 FROM writes WHERE run = ?1", [&self.id], |r| r.get(0))?;
            let sql = format!(
                "INSERT INTO writes (run, {COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, NULL, NULL, NULL)"
            );
            let mut insert = tx.prepare_cached(&sql)?;
            let mut ids = Vec::with_capacity(wanted.len());
            for (id, w) in (next..).zip(&wanted) {
                insert.execute(params![
                    self.id, id, w.step, w.undo, w.undoes, w.action, w.object, w.name, w.attribute, w.old, w.new,
                    w.snapshot, w.state, w.meant
                ])?;
                ids.push(id);
            }
            Ok(ids)
        })?;
        let stands = self.file.read(INTENDING, |conn| {
            let sql = format!("SELECT {COLUMNS} FROM writes WHERE run = ?1 AND id >= ?2 ORDER BY id");
            rows(conn, &sql, params![self.id, ids.first()], |row| Ok(IntentRow::read(row)?))
        })?;
        match stands == wanted {
            true => Ok(ids),
            false => Err(damaged(INTENDING, "it does not hold what was just written to it", &self.file.file)),
        }
    }

    /// Adds outcomes to writes, in one transaction. What a write says already of server and detail stays where the outcome
    /// says nothing of it.
    pub fn settle(&self, outcomes: &[Settled], at: DateTime<Utc>) -> Result<()> {
        if outcomes.is_empty() {
            return Ok(());
        }
        self.file.write(SETTLING, |tx| {
            let mut update = tx.prepare_cached(
                "UPDATE writes SET state = ?3, settled = ?4, server = coalesce(?5, server), detail = coalesce(?6, detail)
                 WHERE run = ?1 AND id = ?2",
            )?;
            for s in outcomes {
                if s.state == WriteState::Intended {
                    return Err(Error::failed(format!("write {} cannot be settled as intended", s.write)).into());
                }
                let state = word(&s.state)?;
                if update.execute(params![self.id, s.write, state, time_text(at), s.server, s.detail])? != 1 {
                    return Err(self.no_write(s.write).into());
                }
            }
            self.note_clock(tx, at)
        })
    }

    /// All writes, in the order in which they were meant.
    pub fn writes(&self) -> Result<Vec<WriteRecord>> {
        self.select("", "")
    }
    pub fn writes_of(&self, step: &str) -> Result<Vec<WriteRecord>> {
        self.select("AND step = ?2", step)
    }
    /// Those that were perhaps sent: nothing says yet what became of them.
    pub fn open_writes(&self) -> Result<Vec<WriteRecord>> {
        self.select("AND state = ?2", &word(&WriteState::Intended)?)
    }
    pub fn writes_to(&self, object: &str) -> Result<Vec<WriteRecord>> {
        self.select("AND object = ?2", object)
    }
    pub fn write(&self, id: i64) -> Result<WriteRecord> {
        let sql = format!("SELECT {COLUMNS} FROM writes WHERE run = ?1 AND id = ?2");
        let found = self.file.read(LISTING, |conn| first(conn, &sql, params![self.id, id], record))?;
        found.ok_or_else(|| self.no_write(id))
    }

    fn select(&self, condition: &str, value: &str) -> Result<Vec<WriteRecord>> {
        // The parameter is always there, whether the condition asks for it or not.
        let condition = if condition.is_empty() { "AND ?2 = ''" } else { condition };
        let sql = format!("SELECT {COLUMNS} FROM writes WHERE run = ?1 {condition} ORDER BY id");
        self.file.read(LISTING, |conn| rows(conn, &sql, params![self.id, value], record))
    }

    fn no_write(&self, id: i64) -> Error {
        Error::failed(format!("the run {} has no write {id}", self.id)).at(Place::file(&self.file.file))
    }
}

fn record(row: &Row<'_>) -> Result<WriteRecord, Trouble> {
    let raw = IntentRow::read(row)?;
    Ok(WriteRecord {
        id: row.get(0)?,
        intent: Intent {
            step: raw.step,
            undo: raw.undo,
            undoes: raw.undoes,
            action: raw.action,
            object: raw.object,
            name: raw.name,
            attribute: raw.attribute,
            old: json(raw.old)?,
            new: json(raw.new)?,
            snapshot: raw.snapshot,
        },
        state: from_word(raw.state)?,
        meant: time(&raw.meant)?,
        settled: time_opt(row.get(13)?)?,
        server: row.get(14)?,
        detail: row.get(15)?,
    })
}
