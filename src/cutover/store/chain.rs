//! The chain over a run's snapshots: each link is a hash of the one before it, of the record and of its body's hash, so
//! that a record changed, dropped or moved shows. It begins with the run's id, plan and nonce. It guards against
//! accident and against an edit that does not know it; who can rewrite the whole store can rewrite the chain, which is why
//! an exported copy carries the head.

use super::words::{time_text, word};
use crate::bundle::write::hex;
use crate::cutover::record::{RunRecord, SnapshotRecord};
use crate::error::Result;
use sha2::{Digest, Sha256};

/// Every part with its length before it, so that no two lists of parts give the same bytes.
fn digest(parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part.as_bytes());
    }
    hex(&hash.finalize())
}

/// What the first link rests on.
pub(super) fn start(id: &str, plan_sha256: &str, nonce: &str) -> String {
    digest(&["groupshift/snapshots/v1", id, plan_sha256, nonce])
}

pub(super) fn start_of(run: &RunRecord) -> String {
    start(&run.id, &run.plan_sha256, &run.nonce)
}

/// The chain value of a record whose predecessor's is `former`.
pub(super) fn link(former: &str, record: &SnapshotRecord) -> Result<String> {
    let kind = word(&record.kind)?;
    Ok(digest(&[
        former,
        &record.id.to_string(),
        &kind,
        &record.object,
        &record.name,
        &record.step,
        &time_text(record.taken),
        &record.bytes.to_string(),
        &record.sha256,
    ]))
}

/// What is wrong with records that should be a run's snapshots in order, each problem named once.
pub(super) fn problems(start: &str, records: &[SnapshotRecord], length: u64, head: &str) -> Result<Vec<String>> {
    let mut out = Vec::new();
    let mut former = start.to_owned();
    for (record, expected) in records.iter().zip(1i64..) {
        if record.id != expected {
            out.push(format!("snapshot {}: snapshot {expected} should stand here: one is missing or moved", record.id));
        }
        if link(&former, record)? != record.chain {
            out.push(format!(
                "snapshot {} of {}: the chain is broken here: this record was changed, or one before it dropped or moved",
                record.id,
                crate::report::plain(&record.object)
            ));
        }
        former.clone_from(&record.chain);
    }
    if records.len() as u64 != length {
        out.push(format!("the run took {length} snapshots, and {} are here", records.len()));
    } else if former != head {
        out.push("the last snapshot is not the one that the run wrote last".to_owned());
    }
    Ok(out)
}
