//! One journal as this process holds it: a connection that writes, one of its own that reads back what was written (so
//! that a comparison looks at the file and not at the writer's memory), and log lines that wait for the next transaction.

use super::boundary::Fuse;
use super::fault::{Act, Trouble};
use super::schema;
use super::words::{time_text, word};
use crate::cutover::record::LogLine;
use crate::error::{Error, Place, Result};
use rusqlite::{Connection, Transaction, TransactionBehavior, params};
use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Log lines wait at most for this many others, or this long, or for the next entry of the journal.
const WAITING_LINES: usize = 256;
const WAITING_TIME: Duration = Duration::from_secs(1);

pub(super) struct JournalFile {
    /// The store's folder.
    pub dir: PathBuf,
    pub file: PathBuf,
    pub fuse: Fuse,
    writer: RefCell<Connection>,
    reader: RefCell<Connection>,
    waiting: RefCell<Waiting>,
}

#[derive(Default)]
struct Waiting {
    lines: Vec<(String, LogLine)>,
    since: Option<Instant>,
}

impl JournalFile {
    pub fn open(dir: &Path) -> Result<Self> {
        let file = dir.join(schema::FILE);
        let writer = schema::open(&file, true)?;
        let reader = schema::open(&file, false)?;
        Ok(JournalFile {
            dir: dir.to_owned(),
            file,
            fuse: Fuse::default(),
            writer: RefCell::new(writer),
            reader: RefCell::new(reader),
            waiting: RefCell::default(),
        })
    }

    /// One transaction, flushed to the disk when this returns; waiting log lines go with it.
    pub fn write<T>(&self, act: Act, work: impl FnOnce(&Transaction<'_>) -> Result<T, Trouble>) -> Result<T> {
        self.fuse.boundary(act.name, "before")?;
        let mut writer = self.writer.try_borrow_mut().map_err(|_| self.busy(act))?;
        let mut waiting = self.waiting.try_borrow_mut().map_err(|_| self.busy(act))?;
        let inside = || -> Result<T, Trouble> {
            let tx = writer.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let out = work(&tx)?;
            keep_lines(&tx, &waiting.lines)?;
            self.fuse.boundary(act.name, "inside")?;
            tx.commit()?;
            Ok(out)
        };
        let out = inside().map_err(|t| t.said(act, &self.file))?;
        *waiting = Waiting::default();
        drop((writer, waiting));
        self.fuse.boundary(act.name, "after")?;
        Ok(out)
    }

    /// Reads what stands in the file.
    pub fn read<T>(&self, act: Act, work: impl FnOnce(&Connection) -> Result<T, Trouble>) -> Result<T> {
        let reader = self.reader.try_borrow_mut().map_err(|_| self.busy(act))?;
        // One state of the file for all that is read.
        let inside = || -> Result<T, Trouble> {
            let tx = reader.unchecked_transaction()?;
            let out = work(&tx)?;
            tx.finish()?;
            Ok(out)
        };
        inside().map_err(|t| t.said(act, &self.file))
    }

    /// Runs something on the writing connection outside of a transaction (attaching another file).
    pub fn direct<T>(&self, act: Act, work: impl FnOnce(&mut Connection) -> Result<T, Trouble>) -> Result<T> {
        let mut writer = self.writer.try_borrow_mut().map_err(|_| self.busy(act))?;
        work(&mut writer).map_err(|t| t.said(act, &self.file))
    }

    /// Whether the file is sound.
    pub fn check(&self, thorough: bool) -> Result<()> {
        let reader = self.reader.try_borrow().map_err(|_| self.busy(Act::reading("check the journal")))?;
        schema::check(&reader, &self.file, thorough)
    }

    /// A log line. It is kept with the next entry of the journal, at once where it is `urgent` or others wait for long.
    pub fn log(&self, run: &str, line: LogLine, urgent: bool) -> Result<()> {
        let due = {
            let mut waiting = self.waiting.try_borrow_mut().map_err(|_| self.busy(LOGGING))?;
            waiting.lines.push((run.to_owned(), line));
            let since = *waiting.since.get_or_insert_with(Instant::now);
            urgent || waiting.lines.len() >= WAITING_LINES || since.elapsed() >= WAITING_TIME
        };
        if due { self.flush_log() } else { Ok(()) }
    }

    /// Keeps the lines that wait.
    pub fn flush_log(&self) -> Result<()> {
        let none = self.waiting.try_borrow().is_ok_and(|waiting| waiting.lines.is_empty());
        if none { Ok(()) } else { self.write(LOGGING, |_| Ok(())) }
    }

    fn busy(&self, act: Act) -> Error {
        Error::failed(format!("cannot {}: the journal is being written", act.doing)).at(Place::file(&self.file))
    }
}

const LOGGING: Act = Act::after("log", "keep a line of the log");

impl Drop for JournalFile {
    fn drop(&mut self) {
        // Lines of the log alone are not worth an error at the end; every write stands in the journal.
        let waiting = std::mem::take(&mut *self.waiting.borrow_mut());
        if let (false, Ok(mut writer)) = (waiting.lines.is_empty(), self.writer.try_borrow_mut()) {
            let mut last = || -> Result<(), Trouble> {
                let tx = writer.transaction_with_behavior(TransactionBehavior::Immediate)?;
                keep_lines(&tx, &waiting.lines)?;
                Ok(tx.commit()?)
            };
            if let Err(trouble) = last() {
                tracing::debug!("the last lines of the log were not kept: {trouble:?}");
            }
        }
    }
}

fn keep_lines(tx: &Transaction<'_>, lines: &[(String, LogLine)]) -> Result<(), Trouble> {
    let sql = "INSERT INTO log (run, id, at, level, text)
               SELECT ?1, coalesce(max(id), 0) + 1, ?2, ?3, ?4 FROM log WHERE run = ?1";
    let mut insert = tx.prepare_cached(sql)?;
    for (run, line) in lines {
        insert.execute(params![run, time_text(line.at), word(&line.level)?, line.text])?;
    }
    Ok(())
}
