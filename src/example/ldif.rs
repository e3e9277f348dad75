//! LDIF (RFC 2849) as the two usual tools write it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::io::{Result, Write};

/// Which tool's habits.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// CRLF, and `changetype: add` in every entry.
    Ldifde,
    /// LF, nothing but entries: `ldapsearch -LLL`.
    Ldapsearch,
}

const WIDTH: usize = 76;

pub struct Ldif<W> {
    out: W,
    dialect: Dialect,
    line: Vec<u8>,
}

impl<W: Write> Ldif<W> {
    pub fn new(out: W, dialect: Dialect) -> Self {
        Ldif { out, dialect, line: Vec::new() }
    }

    /// Opens an entry of these classes.
    pub fn entry(&mut self, dn: &str, classes: &[&str]) -> Result<()> {
        self.value("dn", dn)?;
        if self.dialect == Dialect::Ldifde {
            self.value("changetype", "add")?;
        }
        classes.iter().try_for_each(|class| self.value("objectClass", class))
    }

    /// A further part of an entry that is known already, as a search for one attribute answers.
    pub fn again(&mut self, dn: &str) -> Result<()> {
        self.value("dn", dn)
    }

    pub fn end(&mut self) -> Result<()> {
        self.out.write_all(self.eol())
    }

    pub fn value(&mut self, name: &str, value: &str) -> Result<()> {
        self.line.clear();
        if is_safe(value.as_bytes()) {
            write!(self.line, "{name}: {value}")?;
            self.flush_line()
        } else {
            self.binary(name, value.as_bytes())
        }
    }

    pub fn optional(&mut self, name: &str, value: Option<&str>) -> Result<()> {
        value.map_or(Ok(()), |value| self.value(name, value))
    }

    pub fn binary(&mut self, name: &str, value: &[u8]) -> Result<()> {
        self.line.clear();
        write!(self.line, "{name}:: {}", STANDARD.encode(value))?;
        self.flush_line()
    }

    fn eol(&self) -> &'static [u8] {
        match self.dialect {
            Dialect::Ldifde => b"\r\n",
            Dialect::Ldapsearch => b"\n",
        }
    }

    /// Writes the line, folded: what follows the first piece begins with a blank.
    fn flush_line(&mut self) -> Result<()> {
        let eol = self.eol();
        let (first, mut rest) = self.line.split_at(self.line.len().min(WIDTH));
        self.out.write_all(first)?;
        while !rest.is_empty() {
            let (piece, more) = rest.split_at(rest.len().min(WIDTH - 1));
            self.out.write_all(eol)?;
            self.out.write_all(b" ")?;
            self.out.write_all(piece)?;
            rest = more;
        }
        self.out.write_all(eol)
    }
}

/// True where a value may stand as it is.
fn is_safe(value: &[u8]) -> bool {
    value.iter().all(|b| (0x20..0x7f).contains(b))
        && !matches!(value.first(), Some(b' ' | b':' | b'<'))
        && value.last() != Some(&b' ')
}
