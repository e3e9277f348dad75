//! TOML files of the operator's: read with the line of every value, so that whatever is wrong is said with its place.

use crate::error::{Error, Place, Result};
use serde::de::DeserializeOwned;
use std::path::Path;

/// A policy or a list of decisions longer than this is something else.
const MAX_BYTES: u64 = 64 << 20;

/// A file's text together with its name, for messages.
#[derive(Debug, Clone, Copy)]
pub struct TomlText<'a> {
    pub text: &'a str,
    pub path: &'a Path,
}

/// The text of a file: UTF-8, with or without a byte order mark.
pub fn read(path: &Path) -> Result<String> {
    let fail = |e| Error { kind: crate::error::Kind::Usage, ..Error::io("read this file", path, e) };
    if std::fs::metadata(path).map_err(fail)?.len() > MAX_BYTES {
        return Err(Error::usage("a file of this size is something else").at(Place::file(path)));
    }
    let bytes = std::fs::read(path).map_err(fail)?;
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(text.to_owned()),
        Err(e) => {
            let line = 1 + bytes[..e.valid_up_to()].iter().filter(|b| **b == b'\n').count() as u64;
            Err(Error::usage("a character that is not UTF-8")
                .at(Place::file(path).line(line))
                .hint("Save the file as UTF-8 (in PowerShell: Set-Content -Encoding utf8)."))
        }
    }
}

impl TomlText<'_> {
    /// The file's content as `T`; what does not fit is refused with its line and, for a key, the nearest one.
    pub fn parse<T: DeserializeOwned>(self) -> Result<T> {
        toml::from_str(self.text).map_err(|e| {
            let mut error = Error::usage(in_words(e.message()));
            error = error.at(match e.span() {
                Some(span) => self.place(span.start),
                None => Place::file(self.path),
            });
            let value = e.span().and_then(|span| self.text.get(span)).unwrap_or_default();
            if let Some(hint) = hint(e.message(), value) {
                error = error.hint(hint);
            }
            if let Some(nearest) = nearest_key(e.message()) {
                error = error.hint(format!("The nearest key is \"{nearest}\"."));
            }
            error
        })
    }
    /// The line of a byte offset.
    pub fn place(self, offset: usize) -> Place {
        let before = &self.text.as_bytes()[..offset.min(self.text.len())];
        Place::file(self.path).line(1 + before.iter().filter(|b| **b == b'\n').count() as u64)
    }
    /// An error about a value of the file.
    pub fn error(self, offset: usize, message: impl Into<String>) -> Error {
        Error::usage(message).at(self.place(offset))
    }
}

/// The parser's message without the names that its types have in a program.
fn in_words(message: &str) -> String {
    let message = message.replace('`', "\"").replace(" as i128,", ",");
    let (found, expected) = match message.split_once(", expected ") {
        Some((found, expected)) => (found, Some(expected)),
        None => (message.as_str(), None),
    };
    let found = match found.split_once(": ") {
        Some(("invalid type", what)) => format!("{what} does not fit here", what = type_in_words(what)),
        Some(("invalid value", what)) => format!("{what} is out of range", what = type_in_words(what)),
        _ => found.to_owned(),
    };
    let expected = match expected {
        None => return found,
        Some("u64") => "a whole number that is not negative",
        Some("a sequence") => "a list, as [\"one\", \"two\"]",
        Some("a string") => "a text in quotes",
        Some(table) if table.starts_with("struct ") || table.ends_with("map") => "a table of keys and values",
        Some(other) => other,
    };
    format!("{found}, expected {expected}")
}

fn type_in_words(what: &str) -> String {
    for (name, word) in [
        ("integer ", "the number "),
        ("floating point ", "the number "),
        ("string ", "the text "),
        ("boolean ", "the value "),
    ] {
        if let Some(value) = what.strip_prefix(name) {
            let bare = if name == "string " { value } else { value.trim_matches('"') };
            return format!("{word}{bare}");
        }
    }
    match what {
        "map" => "this".to_owned(),
        "sequence" => "a list".to_owned(),
        other => other.to_owned(),
    }
}

/// What to write instead, where the sort of mistake is plain.
fn hint(message: &str, value: &str) -> Option<&'static str> {
    let is_time =
        value.len() > 9 && value.as_bytes()[4] == b'-' && value.bytes().next().is_some_and(|b| b.is_ascii_digit());
    if is_time {
        return Some("Put dates and times in quotes.");
    }
    if !message.starts_with("invalid type: map") {
        return None;
    }
    if message.ends_with("a sequence") {
        return Some("It may stand several times: write its head in double brackets, as [[wave]] and [[decision]].");
    }
    Some("It stands once: write its head in single brackets, as [waves]; waves of your own are [[wave]].")
}

/// Of "unknown field `x`, expected one of `a`, `b`" the key that is most like `x`.
fn nearest_key(message: &str) -> Option<&str> {
    let mut names = message.strip_prefix("unknown field")?.split('`').skip(1).step_by(2);
    let wrong = names.next()?;
    let distance = |name: &str| strsim::damerau_levenshtein(wrong, name);
    names.min_by_key(|name| distance(name)).filter(|name| distance(name) <= 3)
}
