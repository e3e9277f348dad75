//! One run in the store: what it is, how its steps stand, what was said, learnt and logged.

use super::fault::{Act, Trouble};
use super::journal_file::JournalFile;
use super::words::{first, from_word, json, natural, rows, time, time_opt, time_text, whole, word};
use crate::cutover::port::{Level, Pin};
use crate::cutover::record::{LogLine, Remark, RunRecord, RunState, StepRecord, StepState};
use crate::directory::ObjectGuid;
use crate::error::{Error, Place, Result};
use crate::plan::Plan;
use chrono::{DateTime, TimeDelta, Utc};
use rusqlite::{Connection, Row, Transaction, params};
use serde_json::Value;
use std::path::PathBuf;
use std::rc::Rc;

/// A clock that goes back by less than this was only put right.
const SLACK: TimeDelta = TimeDelta::seconds(60);

/// The kind of the remark that accepts a clock which went back.
pub const CLOCK: &str = "clock";

const READING: Act = Act::reading("read the run");

/// A handle on one run. Cheap to clone; all clones write through the same connection.
#[derive(Clone)]
pub struct Run {
    pub(super) file: Rc<JournalFile>,
    pub(super) id: String,
}

impl Run {
    pub fn id(&self) -> &str {
        &self.id
    }

    pub fn record(&self) -> Result<RunRecord> {
        let found = self.file.read(READING, |conn| record_of(conn, &self.id))?;
        found.ok_or_else(|| {
            Error::failed(format!("the run {} is no longer in the journal", self.id)).at(Place::file(&self.file.file))
        })
    }

    /// The folder of its scripts, evidence and reports.
    pub fn folder(&self) -> PathBuf {
        self.file.dir.join(&self.id)
    }

    /// The plan that the run was begun with, read from the store and verified.
    pub fn plan(&self) -> Result<Plan> {
        let bytes = self.plan_bytes()?;
        let plan = crate::plan::from_bytes(&bytes, &self.file.file)?;
        let expected = self.record()?.plan_sha256;
        if plan.sha256 != expected {
            let what = format!(
                "the plan kept in the store has SHA-256 {}, and the run was begun with {expected}",
                plan.sha256
            );
            return Err(Error::failed(what).at(Place::file(&self.file.file)).hint(
                "The store was changed by something else than this program: take the run over from its exported copy.",
            ));
        }
        Ok(plan)
    }

    /// The bytes of `plan.json` as they were when the run began.
    pub fn plan_bytes(&self) -> Result<Vec<u8>> {
        let sql = "SELECT bytes, body FROM plans WHERE run = ?1";
        self.file.read(Act::reading("read the plan from the store"), |conn| {
            let read = |row: &Row<'_>| Ok((natural(row, 0)?, row.get::<_, Vec<u8>>(1)?));
            match first(conn, sql, [&self.id], read)? {
                Some((bytes, body)) => Ok(super::pack::unpack(&body, bytes)?),
                None => Err(Error::failed("the store does not hold the plan of the run").into()),
            }
        })
    }

    pub fn set_state(&self, state: RunState, reason: Option<&str>) -> Result<()> {
        let state = word(&state)?;
        self.file.write(Act::after("state", "write down how the run stands"), |tx| {
            tx.execute("UPDATE runs SET state = ?2, reason = ?3 WHERE id = ?1", params![self.id, state, reason])?;
            Ok(())
        })
    }

    pub fn set_pin(&self, pin: &Pin) -> Result<()> {
        let usn = whole(pin.highest_committed_usn)?;
        self.file.write(Act::before("pin", "write down the controller that the run is pinned to"), |tx| {
            let sql =
                "UPDATE runs SET controller = ?2, invocation_id = ?3, usn = ?4, pin_domain = ?5, naming_context = ?6
                       WHERE id = ?1";
            let invocation = pin.invocation_id.to_string();
            tx.execute(sql, params![self.id, pin.controller, invocation, usn, pin.domain, pin.naming_context])?;
            Ok(())
        })
    }

    /// How a step stands; pending where nothing was said of it yet.
    pub fn step(&self, id: &str) -> Result<StepRecord> {
        let sql = "SELECT step, state, begun, ended, detail FROM steps WHERE run = ?1 AND step = ?2";
        let found = self.file.read(READING, |conn| first(conn, sql, params![self.id, id], step_record))?;
        Ok(found.unwrap_or_else(|| StepRecord {
            step: id.to_owned(),
            state: StepState::Pending,
            begun: None,
            ended: None,
            detail: None,
        }))
    }

    /// The steps that something was said of, in the order in which that happened first.
    pub fn steps(&self) -> Result<Vec<StepRecord>> {
        let sql = "SELECT step, state, begun, ended, detail FROM steps WHERE run = ?1 ORDER BY rowid";
        self.file.read(READING, |conn| rows(conn, sql, [&self.id], step_record))
    }

    /// A step's first beginning and its last end are kept; one that begins again has no end.
    pub fn set_step(&self, id: &str, state: StepState, detail: Option<&str>, at: DateTime<Utc>) -> Result<()> {
        let (began, ended) = match state {
            StepState::Pending => (None, None),
            StepState::Begun => (Some(time_text(at)), None),
            StepState::Done | StepState::Undone | StepState::Stuck => (None, Some(time_text(at))),
        };
        let state = word(&state)?;
        self.file.write(Act::before("step", "write down how the step stands"), |tx| {
            let sql = "INSERT INTO steps (run, step, state, begun, ended, detail) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
                       ON CONFLICT (run, step) DO UPDATE SET state = excluded.state,
                         begun = coalesce(steps.begun, excluded.begun), ended = excluded.ended, detail = excluded.detail";
            tx.execute(sql, params![self.id, id, state, began, ended, detail])?;
            self.note_clock(tx, at)
        })
    }

    /// What the operator accepted, or what was learnt.
    pub fn remark(&self, kind: &str, subject: &str, text: &str, by: &str, at: DateTime<Utc>) -> Result<()> {
        self.file.write(Act::before("remark", "write down what was said"), |tx| {
            insert_remark(
                tx,
                &self.id,
                &Remark {
                    kind: kind.to_owned(),
                    subject: subject.to_owned(),
                    text: text.to_owned(),
                    by: by.to_owned(),
                    at,
                },
            )?;
            if kind == CLOCK {
                // From here on the time counts as right.
                tx.execute("UPDATE runs SET clock = ?2 WHERE id = ?1", params![self.id, time_text(at)])?;
            }
            self.note_clock(tx, at)
        })
    }

    pub fn remarks(&self) -> Result<Vec<Remark>> {
        let sql = "SELECT kind, subject, text, said_by, said FROM remarks WHERE run = ?1 ORDER BY id";
        self.file.read(READING, |conn| {
            rows(conn, sql, [&self.id], |row| {
                Ok(Remark {
                    kind: row.get(0)?,
                    subject: row.get(1)?,
                    text: row.get(2)?,
                    by: row.get(3)?,
                    at: time(&row.get::<_, String>(4)?)?,
                })
            })
        })
    }

    /// A line of the operator's log. Lines about single writes reach the disk with the next entry of the journal, or a
    /// second later; all others at once.
    pub fn log(&self, level: Level, text: &str, at: DateTime<Utc>) -> Result<()> {
        let urgent = !matches!(level, Level::Write | Level::Info);
        self.file.log(&self.id, LogLine { at, level, text: text.to_owned() }, urgent)
    }

    /// Keeps the lines of the log that still wait.
    pub fn flush_log(&self) -> Result<()> {
        self.file.flush_log()
    }

    pub fn log_lines(&self) -> Result<Vec<LogLine>> {
        self.file.flush_log()?;
        let sql = "SELECT at, level, text FROM log WHERE run = ?1 ORDER BY id";
        self.file.read(READING, |conn| {
            rows(conn, sql, [&self.id], |row| {
                let level = from_word(row.get(1)?)?;
                Ok(LogLine { at: time(&row.get::<_, String>(0)?)?, level, text: row.get(2)? })
            })
        })
    }

    /// Keeps a small fact under a name of its own.
    pub fn put(&self, key: &str, value: &Value) -> Result<()> {
        self.file.write(Act::before("put", "keep what the run has to remember"), |tx| {
            let sql = "INSERT INTO facts (run, key, value) VALUES (?1, ?2, ?3)
                       ON CONFLICT (run, key) DO UPDATE SET value = excluded.value";
            tx.execute(sql, params![self.id, key, value.to_string()])?;
            Ok(())
        })
    }

    pub fn get(&self, key: &str) -> Result<Option<Value>> {
        let sql = "SELECT value FROM facts WHERE run = ?1 AND key = ?2";
        let text = self.file.read(READING, |conn| first(conn, sql, params![self.id, key], |row| Ok(row.get(0)?)))?;
        json(text)
    }

    /// Refuses a clock that went back behind what the journal holds: times of evidence would mean nothing.
    pub(super) fn check_clock(&self, tx: &Transaction<'_>, at: DateTime<Utc>) -> Result<(), Trouble> {
        let newest: String = tx.query_row("SELECT clock FROM runs WHERE id = ?1", [&self.id], |row| row.get(0))?;
        let newest = time(&newest)?;
        if at + SLACK < newest {
            return Err(Error::failed(format!(
                "the clock was set back: it is {} by this computer's clock, and the journal's last entry is of {}",
                time_text(at),
                time_text(newest)
            ))
            .hint("Nothing was sent. Set the clock right (w32tm /resync, chronyc makestep), then: groupshift cutover resume")
            .hint(
                "Where the clock was wrong before and is right now, say so: groupshift cutover resume --accept CLOCK=REASON",
            )
            .into());
        }
        self.note_clock(tx, at)
    }

    /// Remembers the newest time that the journal has seen.
    pub(super) fn note_clock(&self, tx: &Transaction<'_>, at: DateTime<Utc>) -> Result<(), Trouble> {
        let mut update = tx.prepare_cached("UPDATE runs SET clock = ?2 WHERE id = ?1 AND clock < ?2")?;
        update.execute(params![self.id, time_text(at)])?;
        Ok(())
    }
}

pub(super) fn insert_remark(tx: &Transaction<'_>, run: &str, remark: &Remark) -> Result<(), Trouble> {
    let sql = "INSERT INTO remarks (run, id, kind, subject, text, said_by, said)
               SELECT ?1, coalesce(max(id), 0) + 1, ?2, ?3, ?4, ?5, ?6 FROM remarks WHERE run = ?1";
    tx.execute(sql, params![run, remark.kind, remark.subject, remark.text, remark.by, time_text(remark.at)])?;
    Ok(())
}

const RUN_COLUMNS: &str = "id, plan_sha256, tool, domain, tenant, nonce, begun, host, account, state, reason, controller, \
                           invocation_id, usn, pin_domain, naming_context";

pub(super) fn records(conn: &Connection) -> Result<Vec<RunRecord>, Trouble> {
    rows(conn, &format!("SELECT {RUN_COLUMNS} FROM runs ORDER BY number"), [], run_record)
}

pub(super) fn record_of(conn: &Connection, id: &str) -> Result<Option<RunRecord>, Trouble> {
    first(conn, &format!("SELECT {RUN_COLUMNS} FROM runs WHERE id = ?1"), [id], run_record)
}

fn run_record(row: &Row<'_>) -> Result<RunRecord, Trouble> {
    let pin = match row.get::<_, Option<String>>(11)? {
        None => None,
        Some(controller) => {
            let invocation: String = row.get(12)?;
            Some(Pin {
                controller,
                invocation_id: ObjectGuid::parse(&invocation)
                    .ok_or_else(|| Error::failed(format!("the journal's invocation id {invocation:?} is no GUID")))?,
                highest_committed_usn: natural(row, 13)?,
                domain: row.get(14)?,
                naming_context: row.get(15)?,
            })
        }
    };
    Ok(RunRecord {
        id: row.get(0)?,
        plan_sha256: row.get(1)?,
        tool: row.get(2)?,
        domain: row.get(3)?,
        tenant: row.get(4)?,
        nonce: row.get(5)?,
        begun: time(&row.get::<_, String>(6)?)?,
        host: row.get(7)?,
        user: row.get(8)?,
        state: from_word(row.get(9)?)?,
        pin,
        reason: row.get(10)?,
    })
}

fn step_record(row: &Row<'_>) -> Result<StepRecord, Trouble> {
    Ok(StepRecord {
        step: row.get(0)?,
        state: from_word(row.get(1)?)?,
        begun: time_opt(row.get(2)?)?,
        ended: time_opt(row.get(3)?)?,
        detail: row.get(4)?,
    })
}
