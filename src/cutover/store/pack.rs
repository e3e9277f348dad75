//! Zstandard for single values of the store, with a length that is not believed before it was seen.

use crate::error::{Error, Result};
use std::io::Read;

/// Snapshots are small and many: a little more effort than for bundles pays.
const LEVEL: i32 = 3;

pub(super) struct Packer(zstd::bulk::Compressor<'static>);

impl Packer {
    pub fn new() -> Result<Self> {
        zstd::bulk::Compressor::new(LEVEL).map(Packer).map_err(|e| Error::failed(format!("cannot compress: {e}")))
    }
    pub fn pack(&mut self, bytes: &[u8]) -> Result<Vec<u8>> {
        self.0.compress(bytes).map_err(|e| Error::failed(format!("cannot compress: {e}")))
    }
}

/// The bytes again, which must be exactly so many.
pub(super) fn unpack(packed: &[u8], bytes: u64) -> Result<Vec<u8>> {
    let bad = |what: String| Error::failed(format!("a value of the store cannot be unpacked: {what}"));
    let reader = zstd::Decoder::new(packed).map_err(|e| bad(e.to_string()))?;
    let mut out = Vec::new();
    reader.take(bytes.saturating_add(1)).read_to_end(&mut out).map_err(|e| bad(e.to_string()))?;
    match out.len() as u64 == bytes {
        true => Ok(out),
        false => Err(bad(format!("it should be of {bytes} bytes, and is not"))),
    }
}
