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
            let message = e.message().replace('`', "\"");
            let mut error = Error::usage(message.clone());
            error = error.at(match e.span() {
                Some(span) => self.place(span.start),
                None => Place::file(self.path),
            });
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

/// Of "unknown field `x`, expected one of `a`, `b`" the key that is most like `x`.
fn nearest_key(message: &str) -> Option<&str> {
    let mut names = message.strip_prefix("unknown field")?.split('`').skip(1).step_by(2);
    let wrong = names.next()?;
    let distance = |name: &str| strsim::damerau_levenshtein(wrong, name);
    names.min_by_key(|name| distance(name)).filter(|name| distance(name) <= 3)
}
