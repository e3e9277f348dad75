//! Data files that no assessment reads: what only an audit, or the next incremental collection, has a use for. They are
//! packed while they are collected, so that a million raw records take little memory, and opened only by who needs them.

use crate::error::{Error, Result};
use serde::Serialize;
use std::io::Write;

/// One such file in the making: records as JSON Lines in Zstandard.
pub struct RawFile {
    /// One of `files::RAW`.
    pub name: &'static str,
    encoder: zstd::Encoder<'static, Vec<u8>>,
    records: u64,
    line: Vec<u8>,
}

impl RawFile {
    pub fn new(name: &'static str) -> Result<Self> {
        let encoder = zstd::Encoder::new(Vec::new(), super::write::LEVEL).map_err(broken)?;
        Ok(RawFile { name, encoder, records: 0, line: Vec::new() })
    }
    pub fn push<T: Serialize + ?Sized>(&mut self, record: &T) -> Result<()> {
        self.line.clear();
        serde_json::to_writer(&mut self.line, record).map_err(|e| broken(e.into()))?;
        self.line.push(b'\n');
        self.encoder.write_all(&self.line).map_err(broken)?;
        self.records += 1;
        Ok(())
    }
    pub fn records(&self) -> u64 {
        self.records
    }
    /// The packed bytes, and how many records they are.
    pub(super) fn finish(self) -> Result<(Vec<u8>, u64)> {
        Ok((self.encoder.finish().map_err(broken)?, self.records))
    }
}

fn broken(e: std::io::Error) -> Error {
    Error::failed(format!("cannot pack a record for the bundle: {e}"))
}
