//! One LDIF entry as a test builds it, and its text.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// An entry with its attributes in order; values are bytes and are written as base64 where LDIF asks for it.
#[derive(Debug, Clone)]
pub struct Entry {
    pub dn: String,
    pub values: Vec<(String, Vec<u8>)>,
}

impl Entry {
    pub fn new(dn: impl Into<String>, classes: &[&str]) -> Self {
        let values = classes.iter().map(|c| ("objectClass".to_owned(), c.as_bytes().to_vec())).collect();
        Entry { dn: dn.into(), values }
    }
    /// Replaces every value of the attribute by this one.
    pub fn set(&mut self, name: &str, value: impl AsRef<[u8]>) -> &mut Self {
        self.unset(name);
        self.add(name, value)
    }
    pub fn add(&mut self, name: &str, value: impl AsRef<[u8]>) -> &mut Self {
        self.values.push((name.to_owned(), value.as_ref().to_vec()));
        self
    }
    pub fn unset(&mut self, name: &str) -> &mut Self {
        self.values.retain(|(n, _)| !n.eq_ignore_ascii_case(name));
        self
    }
    pub fn text(&self) -> String {
        let mut out = line("dn", self.dn.as_bytes());
        for (name, value) in &self.values {
            out.push_str(&line(name, value));
        }
        out.push('\n');
        out
    }
}

fn line(name: &str, value: &[u8]) -> String {
    let safe = value.iter().all(|b| (0x20..0x7f).contains(b))
        && !matches!(value.first(), Some(b' ' | b':' | b'<'))
        && value.last() != Some(&b' ');
    match std::str::from_utf8(value) {
        Ok(text) if safe => format!("{name}: {text}\n"),
        _ => format!("{name}:: {}\n", STANDARD.encode(value)),
    }
}
