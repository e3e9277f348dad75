//! Snapshots: what stood there before, whole, hashed and chained, read back from the file before they count.

use super::body::object_from_json;
use super::chain;
use super::fault::{Act, Trouble, damaged};
use super::pack::{Packer, unpack};
use super::run::Run;
use super::words::{first, from_word, natural, rows, time, time_text, whole, word};
use crate::bundle::write::hex;
use crate::cutover::record::{SnapshotKind, SnapshotRecord};
use crate::error::{Error, Place, Result};
use crate::report::plain;
use chrono::{DateTime, Utc};
use rusqlite::{Connection, Row, params};
use serde_json::Value;
use sha2::{Digest, Sha256};

/// Something to be kept as it is now.
#[derive(Debug, Clone, PartialEq)]
pub struct Snapshot {
    pub kind: SnapshotKind,
    /// objectGUID, object id, or the job's id.
    pub object: String,
    pub name: String,
    pub body: Value,
}

const COLUMNS: &str = "id, kind, object, name, step, taken, bytes, sha256, chain";
const KEEPING: Act = Act::before("keep", "keep the snapshot");
const READING: Act = Act::reading("read a snapshot");

/// A body ready to be kept.
struct Packed {
    record: SnapshotRecord,
    body: Vec<u8>,
}

impl Run {
    /// Keeps snapshots in one transaction and reads them back from the file. Where this fails nothing may be sent.
    pub fn keep(&self, step: &str, snapshots: &[Snapshot], at: DateTime<Utc>) -> Result<Vec<i64>> {
        if snapshots.is_empty() {
            return Ok(Vec::new());
        }
        let mut packer = Packer::new()?;
        let mut packed = snapshots.iter().map(|s| pack(s, step, at, &mut packer)).collect::<Result<Vec<_>>>()?;
        self.file.write(KEEPING, |tx| {
            self.check_clock(tx, at)?;
            let (length, mut former) = self.chain_end(tx)?;
            let sql =
                format!("INSERT INTO snapshots (run, {COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)");
            let mut insert = tx.prepare_cached(&sql)?;
            let mut insert_body = tx.prepare_cached("INSERT INTO bodies (run, snapshot, body) VALUES (?1, ?2, ?3)")?;
            for (id, p) in (length + 1..).zip(&mut packed) {
                p.record.id = id;
                p.record.chain = chain::link(&former, &p.record)?;
                former.clone_from(&p.record.chain);
                let r = &p.record;
                let (kind, taken, bytes) = (word(&r.kind)?, time_text(r.taken), whole(r.bytes)?);
                insert
                    .execute(params![self.id, id, kind, r.object, r.name, r.step, taken, bytes, r.sha256, r.chain])?;
                insert_body.execute(params![self.id, id, p.body])?;
            }
            let length = length + packed.len() as i64;
            tx.execute(
                "UPDATE runs SET chain_length = ?2, chain_head = ?3 WHERE id = ?1",
                params![self.id, length, former],
            )?;
            Ok(())
        })?;
        self.compare(&packed)?;
        Ok(packed.iter().map(|p| p.record.id).collect())
    }

    /// Whether the file holds what was just kept, by record and by hash of the unpacked body.
    fn compare(&self, packed: &[Packed]) -> Result<()> {
        let wrong = |what: &str| damaged(KEEPING, what, &self.file.file);
        let first_id = packed.first().map(|p| p.record.id);
        let sql = format!(
            "SELECT {COLUMNS}, body FROM snapshots s JOIN bodies b ON b.run = s.run AND b.snapshot = s.id
             WHERE s.run = ?1 AND id >= ?2 ORDER BY id"
        );
        let stand = self.file.read(KEEPING, |conn| {
            rows(conn, &sql, params![self.id, first_id], |row| {
                let record = record(row)?;
                let body = unpack(&row.get::<_, Vec<u8>>(9)?, record.bytes)?;
                Ok((record, hex(&Sha256::digest(&body))))
            })
        })?;
        let same = stand.len() == packed.len()
            && stand.iter().zip(packed).all(|((record, sha256), p)| *record == p.record && *sha256 == p.record.sha256);
        if same { Ok(()) } else { Err(wrong("it does not hold what was just written to it")) }
    }

    /// Number of snapshots, and the chain value that the next one rests on.
    fn chain_end(&self, conn: &Connection) -> Result<(i64, String), Trouble> {
        let sql = "SELECT chain_length, chain_head FROM runs WHERE id = ?1";
        let end: (i64, String) = conn.query_row(sql, [&self.id], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(end)
    }

    /// The first snapshot taken of an object: its state before the run. Verified as it is read.
    pub fn snapshot(&self, kind: SnapshotKind, object: &str) -> Result<Option<(SnapshotRecord, Value)>> {
        self.one(kind, object, "ASC")
    }
    /// The last one.
    pub fn last_snapshot(&self, kind: SnapshotKind, object: &str) -> Result<Option<(SnapshotRecord, Value)>> {
        self.one(kind, object, "DESC")
    }
    /// One by its number.
    pub fn snapshot_by_id(&self, id: i64) -> Result<Option<(SnapshotRecord, Value)>> {
        let sql = format!("SELECT {COLUMNS} FROM snapshots WHERE run = ?1 AND id = ?2");
        let found = self.file.read(READING, |conn| first(conn, &sql, params![self.id, id], record))?;
        found.map(|record| self.with_body(record)).transpose()
    }
    /// All of them in order, without bodies.
    pub fn snapshots(&self) -> Result<Vec<SnapshotRecord>> {
        let sql = format!("SELECT {COLUMNS} FROM snapshots WHERE run = ?1 ORDER BY id");
        self.file.read(READING, |conn| rows(conn, &sql, [&self.id], record))
    }

    fn one(&self, kind: SnapshotKind, object: &str, order: &str) -> Result<Option<(SnapshotRecord, Value)>> {
        let sql = format!(
            "SELECT {COLUMNS} FROM snapshots WHERE run = ?1 AND kind = ?2 AND object = ?3 ORDER BY id {order} LIMIT 1"
        );
        let kind = word(&kind)?;
        let found = self.file.read(READING, |conn| first(conn, &sql, params![self.id, kind, object], record))?;
        found.map(|record| self.with_body(record)).transpose()
    }

    fn with_body(&self, record: SnapshotRecord) -> Result<(SnapshotRecord, Value)> {
        let bytes = self.body_bytes(&record)?;
        let body =
            serde_json::from_slice(&bytes).map_err(|e| self.unsound(&record, &format!("it is no JSON ({e})")))?;
        Ok((record, body))
    }

    /// The JSON of a snapshot, verified: its own hash, and its link of the chain.
    pub(super) fn body_bytes(&self, record: &SnapshotRecord) -> Result<Vec<u8>> {
        let body = self.file.read(READING, |conn| {
            let sql = "SELECT body FROM bodies WHERE run = ?1 AND snapshot = ?2";
            first(conn, sql, params![self.id, record.id], |row| Ok(row.get::<_, Vec<u8>>(0)?))
        })?;
        let body = body.ok_or_else(|| self.unsound(record, "its body is missing"))?;
        let bytes = unpack(&body, record.bytes).map_err(|e| self.unsound(record, &e.message))?;
        if hex(&Sha256::digest(&bytes)) != record.sha256 {
            return Err(self.unsound(record, "its body does not match its SHA-256"));
        }
        if chain::link(&self.former(record)?, record)? != record.chain {
            return Err(self.unsound(record, "its record does not match the chain"));
        }
        Ok(bytes)
    }

    fn former(&self, record: &SnapshotRecord) -> Result<String> {
        if record.id == 1 {
            return Ok(chain::start_of(&self.record()?));
        }
        let sql = "SELECT chain FROM snapshots WHERE run = ?1 AND id = ?2";
        let params = params![self.id, record.id - 1];
        let found = self.file.read(READING, |conn| first(conn, sql, params, |row| Ok(row.get(0)?)))?;
        found.ok_or_else(|| self.unsound(record, "the snapshot before it is missing"))
    }

    fn unsound(&self, record: &SnapshotRecord, what: &str) -> Error {
        Error::failed(format!("snapshot {} of {} cannot be relied on: {what}", record.id, plain(&record.name)))
            .at(Place::file(&self.file.file).object(&record.object))
            .hint("Nothing was restored from it. See what else is wrong: groupshift snapshot verify")
            .hint("Take the run over from its exported copy on a fresh store: groupshift cutover adopt COPY")
    }

    /// Everything that is wrong with the snapshots; empty where all can be relied on.
    pub fn verify_snapshots(&self) -> Result<Vec<String>> {
        let mut out = Vec::new();
        if let Err(error) = self.file.check(true) {
            out.push(error.to_string());
        }
        let run = self.record()?;
        let records = self.snapshots()?;
        let (length, head) = self.file.read(READING, |conn| self.chain_end(conn))?;
        out.extend(chain::problems(&chain::start_of(&run), &records, length as u64, &head)?);
        for record in &records {
            // The chain was judged above, as a whole; here it is the body alone.
            if let Err(what) = self.sound_body(record)? {
                out.push(format!("snapshot {} of {}: {what}", record.id, plain(&record.object)));
            }
        }
        Ok(out)
    }

    fn sound_body(&self, record: &SnapshotRecord) -> Result<Result<(), String>> {
        let body = self.file.read(READING, |conn| {
            let sql = "SELECT body FROM bodies WHERE run = ?1 AND snapshot = ?2";
            first(conn, sql, params![self.id, record.id], |row| Ok(row.get::<_, Vec<u8>>(0)?))
        })?;
        let Some(body) = body else { return Ok(Err("its body is missing".to_owned())) };
        Ok(match unpack(&body, record.bytes) {
            Err(e) => Err(e.message),
            Ok(bytes) if hex(&Sha256::digest(&bytes)) != record.sha256 => {
                Err("its body does not match its SHA-256".to_owned())
            }
            Ok(_) => Ok(()),
        })
    }

    /// Length of the chain and its last value.
    pub fn chain_head(&self) -> Result<(u64, String)> {
        let (length, head) = self.file.read(READING, |conn| self.chain_end(conn))?;
        Ok((length as u64, head))
    }
}

fn pack(snapshot: &Snapshot, step: &str, at: DateTime<Utc>, packer: &mut Packer) -> Result<Packed> {
    if snapshot.kind == SnapshotKind::AdGroup {
        // What could not be restored later is no snapshot.
        object_from_json(&snapshot.body)?;
    }
    let bytes =
        serde_json::to_vec(&snapshot.body).map_err(|e| Error::failed(format!("cannot keep a snapshot: {e}")))?;
    let record = SnapshotRecord {
        id: 0,
        kind: snapshot.kind,
        object: snapshot.object.clone(),
        name: snapshot.name.clone(),
        step: step.to_owned(),
        taken: time(&time_text(at))?,
        bytes: bytes.len() as u64,
        sha256: hex(&Sha256::digest(&bytes)),
        chain: String::new(),
    };
    Ok(Packed { record, body: packer.pack(&bytes)? })
}

fn record(row: &Row<'_>) -> Result<SnapshotRecord, Trouble> {
    Ok(SnapshotRecord {
        id: row.get(0)?,
        kind: from_word(row.get(1)?)?,
        object: row.get(2)?,
        name: row.get(3)?,
        step: row.get(4)?,
        taken: time(&row.get::<_, String>(5)?)?,
        bytes: natural(row, 6)?,
        sha256: row.get(7)?,
        chain: row.get(8)?,
    })
}
