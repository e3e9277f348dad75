//! The yardstick for `assess`: decompresses the data files of a bundle and deserialises every line into the same record
//! types, on one thread, and keeps nothing. Run as `reference-loader BUNDLE`; prints what it read as JSON.

use groupshift::bundle::{AdMembers, AdObjects, EntraMembers, EntraObjects, Family, files};
use std::hint::black_box;
use std::io::{BufRead, Write};
use std::path::Path;
use std::time::Instant;

fn load<F: Family>(dir: &Path, name: &str) -> std::io::Result<u64> {
    let mut input =
        std::io::BufReader::with_capacity(1 << 20, zstd::Decoder::new(std::fs::File::open(dir.join(name))?)?);
    let mut line = Vec::new();
    let mut records = 0;
    loop {
        line.clear();
        if input.read_until(b'\n', &mut line)? == 0 {
            return Ok(records);
        }
        let record: F::Record<'_> = serde_json::from_slice(&line)?;
        black_box(&record);
        records += 1;
    }
}

fn main() -> std::io::Result<()> {
    let dir = std::env::args_os().nth(1).ok_or_else(|| std::io::Error::other("usage: reference-loader BUNDLE"))?;
    let dir = Path::new(&dir);
    let started = Instant::now();
    let records = load::<AdObjects>(dir, files::AD_OBJECTS)?
        + load::<EntraObjects>(dir, files::ENTRA_OBJECTS)?
        + load::<AdMembers>(dir, files::AD_MEMBERS)?
        + load::<AdMembers>(dir, files::AD_MEMBER_OF)?
        + load::<EntraMembers>(dir, files::ENTRA_MEMBERS)?;
    writeln!(std::io::stdout(), "{{\"records\": {records}, \"seconds\": {:.3}}}", started.elapsed().as_secs_f64())
}
