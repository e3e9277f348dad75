//! Opening an exported file: encodings named and undone, positions kept.

use crate::error::{Error, Place, Result};
use encoding_rs_io::DecodeReaderBytesBuilder;
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

/// Opens a text file as UTF-8: a byte order mark is taken off, UTF-16 with a byte order mark is decoded, UTF-16
/// without one is refused by name. Bytes that are not UTF-8 pass through for the reader to refuse with its line.
pub fn open(path: &Path) -> Result<impl Read + use<>> {
    let mut file = File::open(path).map_err(|e| Error::io("open", path, e))?;
    let mut head = [0u8; 4];
    let n = read_up_to(&mut file, &mut head).map_err(|e| Error::io("read", path, e))?;
    let head = &head[..n];
    if matches!(head, [a, 0, b, 0] if *a != 0 && *b != 0) || matches!(head, [0, a, 0, b] if *a != 0 && *b != 0) {
        return Err(Error::input(Place::file(path).line(1), "the file is UTF-16 without a byte order mark")
            .hint("Save it with a byte order mark (ldifde -u writes one) or as UTF-8."));
    }
    let joined = std::io::Cursor::new(head.to_vec()).chain(file);
    DecodeReaderBytesBuilder::new()
        .bom_sniffing(true)
        .strip_bom(true)
        .utf8_passthru(true)
        .build_with_buffer(BufReader::with_capacity(1 << 16, joined), vec![0; 1 << 18])
        .map_err(|e| Error::failed(format!("cannot set up decoding: {e}")))
}

fn read_up_to(file: &mut File, buffer: &mut [u8]) -> std::io::Result<usize> {
    let mut n = 0;
    while n < buffer.len() {
        match file.read(&mut buffer[n..])? {
            0 => break,
            k => n += k,
        }
    }
    Ok(n)
}
