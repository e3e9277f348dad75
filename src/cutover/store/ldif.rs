//! AD objects as LDIF content records (RFC 2849): what `ldifde`, `ldapadd` and people read. Values that are no plain text
//! go out as base64, long lines are folded.

use crate::cutover::port::ObjectState;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::io::{Result, Write};

/// Length at which a line is folded.
const WIDTH: usize = 76;

/// One record, with the empty line that ends it.
pub fn write_object(object: &ObjectState, out: &mut dyn Write) -> Result<()> {
    line("dn", object.dn.as_bytes(), out)?;
    let first = object.attributes.iter().filter(|(name, _)| name.eq_ignore_ascii_case("objectClass"));
    let rest = object.attributes.iter().filter(|(name, _)| !name.eq_ignore_ascii_case("objectClass"));
    for (name, values) in first.chain(rest) {
        for value in values {
            if is_name(name) {
                line(name, value, out)?;
            } else {
                // No directory has such a name; it is not lost for all that.
                let text = format!("# an attribute named {name:?}, which LDIF cannot hold: {}", STANDARD.encode(value));
                fold(text.as_bytes(), out)?;
            }
        }
    }
    out.write_all(b"\n")
}

/// A comment of one line.
pub(super) fn comment(text: &str, out: &mut dyn Write) -> Result<()> {
    fold(format!("# {}", crate::report::plain(text)).as_bytes(), out)
}

fn line(name: &str, value: &[u8], out: &mut dyn Write) -> Result<()> {
    let mut text = Vec::with_capacity(name.len() + 3 + value.len());
    text.extend_from_slice(name.as_bytes());
    if is_safe(value) {
        text.extend_from_slice(if value.is_empty() { b":" } else { b": " });
        text.extend_from_slice(value);
    } else {
        text.extend_from_slice(b":: ");
        text.extend_from_slice(STANDARD.encode(value).as_bytes());
    }
    fold(&text, out)
}

fn fold(text: &[u8], out: &mut dyn Write) -> Result<()> {
    let (head, mut rest) = text.split_at(text.len().min(WIDTH));
    out.write_all(head)?;
    while !rest.is_empty() {
        let (part, more) = rest.split_at(rest.len().min(WIDTH - 1));
        out.write_all(b"\n ")?;
        out.write_all(part)?;
        rest = more;
    }
    out.write_all(b"\n")
}

/// A SAFE-STRING that does not end in a blank either.
fn is_safe(value: &[u8]) -> bool {
    let middle = |b: &u8| !matches!(b, 0 | b'\n' | b'\r' | 0x7f..) && *b >= b' ';
    let starts = !matches!(value.first(), Some(b' ' | b':' | b'<'));
    starts && value.last() != Some(&b' ') && value.iter().all(middle)
}

fn is_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b';' | b'.' | b'='))
}
