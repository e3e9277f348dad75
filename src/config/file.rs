//! `groupshift.toml`: the text, its keys with the line that each stands on, and every problem found on the way.

use super::keys::{self, Key, SECTIONS};
use super::kind::{Raw, quoted, shortened};
use crate::error::{Error, Place};
use std::io::Read;
use std::path::Path;
use toml::de::{DeTable, DeValue};

/// No configuration is anywhere near this long; something else was named by mistake.
const MAX_BYTES: u64 = 1 << 20;

/// One key of the file.
pub struct Entry {
    pub key: &'static Key,
    pub raw: Raw,
    pub line: u64,
}

/// Reads the text of a configuration file: UTF-8, with or without a byte order mark.
pub fn read(path: &Path) -> Result<String, Error> {
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).map_err(|e| match e.kind() {
        std::io::ErrorKind::NotFound => {
            Error::usage("this configuration file does not exist").at(Place::file(path)).hint(
                "Give --config the path of an existing file, or leave it out: ./groupshift.toml and the platform's configuration folder are then looked at.",
            )
        }
        _ => unreadable(path, e),
    })?;
    file.take(MAX_BYTES + 1).read_to_end(&mut bytes).map_err(|e| unreadable(path, e))?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(Error::usage("a configuration file of more than 1 MiB: this is something else")
            .at(Place::file(path))
            .hint("Give --config the path of a groupshift.toml."));
    }
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        return Err(Error::usage("this configuration file is UTF-16")
            .at(Place::file(path).line(1))
            .hint("Save it as UTF-8 (in PowerShell: Set-Content -Encoding utf8)."));
    }
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(text.to_owned()),
        Err(e) => Err(Error::usage("a character that is not UTF-8")
            .at(Place::file(path).line(line_at(bytes, e.valid_up_to())))
            .hint("Save the file as UTF-8.")),
    }
}

fn unreadable(path: &Path, source: std::io::Error) -> Error {
    // A configuration that is there and cannot be read is bad usage, as one with an error in it is.
    Error { kind: crate::error::Kind::Usage, ..Error::io("read the configuration file", path, source) }
}

/// The keys of the text, in the order of its lines, and what is wrong with it.
pub fn parse(text: &str, path: &Path) -> (Vec<Entry>, Vec<Error>) {
    let (mut entries, mut problems) = (Vec::new(), Vec::new());
    let at = |offset: usize| Place::file(path).line(line_at(text.as_bytes(), offset));
    let table = match DeTable::parse(text) {
        Ok(table) => table,
        Err(error) => {
            // Only the parser's own words: its full display repeats the line, which may hold a secret.
            let mut problem = Error::usage(format!("not valid TOML: {}", error.message()));
            if let Some(span) = error.span() {
                problem = problem.at(at(span.start));
            } else {
                problem = problem.at(Place::file(path));
            }
            if error.message().contains("escape") {
                problem = problem.hint("Write texts with backslashes in single quotes: 'CONTOSO\\name', 'C:\\folder'.");
            }
            return (entries, vec![problem]);
        }
    };
    for (name, value) in table.get_ref() {
        let place = || at(name.span().start);
        let section = name.get_ref().as_ref();
        match value.get_ref() {
            DeValue::Table(keys) if SECTIONS.iter().any(|s| s.name == section) => {
                for (name, value) in keys {
                    let place = at(name.span().start);
                    match keys::find(section, name.get_ref()) {
                        Some(key) => {
                            let line = place.line.unwrap_or(0);
                            entries.push(Entry { key, raw: raw(value.get_ref()), line });
                        }
                        None => problems.push(unknown_key(section, name.get_ref()).at(place)),
                    }
                }
            }
            DeValue::Table(_) => problems.push(unknown_section(section).at(place())),
            _ if SECTIONS.iter().any(|s| s.name == section) => problems.push(
                Error::usage(format!("\"{section}\" is a section"))
                    .at(place())
                    .hint(format!("Write [{section}] on a line of its own, and its keys below.")),
            ),
            _ => problems.push(outside(section).at(place())),
        }
    }
    entries.sort_by_key(|entry| entry.line);
    (entries, problems)
}

fn raw(value: &DeValue<'_>) -> Raw {
    match value {
        DeValue::String(text) => Raw::Text(text.clone().into_owned()),
        DeValue::Integer(number) => Raw::Integer(i128::from_str_radix(number.as_str(), number.radix()).ok()),
        DeValue::Boolean(flag) => Raw::Bool(*flag),
        DeValue::Float(_) => Raw::Other("a decimal number"),
        DeValue::Datetime(_) => Raw::Other("a date or time"),
        DeValue::Table(_) => Raw::Other("a table"),
        DeValue::Array(items) => {
            let texts: Option<Vec<String>> = items.iter().map(|i| i.get_ref().as_str().map(str::to_owned)).collect();
            texts.map_or(Raw::Other("a list of something else"), Raw::List)
        }
    }
}

fn unknown_section(section: &str) -> Error {
    let names: Vec<&str> = SECTIONS.iter().map(|s| s.name).collect();
    let error = Error::usage(format!("unknown section [{}]", shortened(section)));
    match keys::nearest(section, names.iter().copied()) {
        Some(nearest) => error.hint(format!("The nearest section is [{nearest}]; there are {}.", quoted(&names))),
        None => error,
    }
}

fn unknown_key(section: &str, name: &str) -> Error {
    if keys::names_a_secret(name) {
        return secret(Some(section), name);
    }
    let error = Error::usage(format!("unknown key \"{}\" in [{section}]", shortened(name)));
    if let Some(other) = keys::KEYS.iter().find(|k| k.name == name) {
        return error.hint(format!("\"{name}\" is a key of [{}].", other.section));
    }
    match keys::nearest(name, keys::of_section(section).map(|k| k.name)) {
        Some(nearest) => error.hint(format!("The nearest key is \"{nearest}\".")),
        None => error,
    }
}

fn outside(name: &str) -> Error {
    if keys::names_a_secret(name) {
        return secret(None, name);
    }
    let error = Error::usage(format!("the key \"{}\" stands outside of any section", shortened(name)));
    match keys::nearest(name, keys::KEYS.iter().map(|k| k.name)).and_then(|n| keys::KEYS.iter().find(|k| k.name == n)) {
        Some(key) => error.hint(format!("The nearest key is \"{}\" of section [{}].", key.name, key.section)),
        None => error,
    }
}

/// A secret in the file. The message never shows the value.
fn secret(section: Option<&str>, name: &str) -> Error {
    let ways: Vec<String> = keys::KEYS
        .iter()
        .filter(|k| section.is_none_or(|s| s == k.section) && keys::names_a_secret(k.name))
        .map(|k| if section.is_some() { k.name.to_owned() } else { k.path() })
        .collect();
    let ways: Vec<&str> = ways.iter().map(String::as_str).collect();
    let error =
        Error::usage(format!("\"{}\" would hold a secret, and a secret never stands in this file", shortened(name)));
    match ways.is_empty() {
        true => error.hint("Take it out; this section has no use for a secret."),
        false => error.hint(format!(
            "Take it out, and name the environment variable or the file that holds it: {}. A secret that stood here should be changed.",
            quoted(&ways)
        )),
    }
}

/// 1-based line of a byte offset.
fn line_at(text: &[u8], offset: usize) -> u64 {
    1 + text[..offset.min(text.len())].iter().filter(|b| **b == b'\n').count() as u64
}
