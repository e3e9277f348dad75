//! A streaming LDIF reader (RFC 2849) for what `ldifde` and `ldapsearch` write: content records and `changetype: add`,
//! folded lines, base64, attribute options such as `member;range=0-1499`, CRLF. One entry is held at a time.
//!
//! Our own, since no kept crate streams entries with line numbers and leaves the values undecoded.

use crate::error::{Error, Place, Result};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

/// One entry. Its buffers are used again for the next.
#[derive(Debug, Default, Clone)]
pub struct Entry {
    pub dn: String,
    /// Line of the `dn:`.
    pub line: u64,
    bytes: Vec<u8>,
    /// Attribute descriptions in `bytes`, one for each run of values.
    names: Vec<(u32, u32)>,
    values: Vec<Value>,
}

#[derive(Debug, Clone, Copy)]
struct Value {
    /// Place in `names`.
    name: u32,
    value: (u32, u32),
    /// Lines after that of the `dn:`.
    line: u32,
}

impl Entry {
    /// An entry that did not come from a file; values are pushed one by one.
    pub fn named(dn: impl Into<String>) -> Self {
        Entry { dn: dn.into(), ..Entry::default() }
    }
    /// Makes room for so many values, and bytes of names and values.
    pub fn reserve(&mut self, values: usize, bytes: usize) {
        self.values.reserve_exact(values);
        self.bytes.reserve_exact(bytes);
    }
    pub fn push(&mut self, name: &str, value: &[u8]) {
        self.push_all(name, std::iter::once(value));
    }
    /// Several values of one attribute.
    pub fn push_all<'v>(&mut self, name: &str, values: impl Iterator<Item = &'v [u8]>) {
        let name = self.name(name.as_bytes());
        for value in values {
            let start = self.bytes.len() as u32;
            self.bytes.extend_from_slice(value);
            self.values.push(Value { name, value: (start, self.bytes.len() as u32), line: 0 });
        }
    }
    /// The values of a long list share the one name that stands before the first of them.
    fn name(&mut self, name: &[u8]) -> u32 {
        if self.names.last().is_none_or(|(from, to)| &self.bytes[*from as usize..*to as usize] != name) {
            let start = self.bytes.len() as u32;
            self.bytes.extend_from_slice(name);
            self.names.push((start, self.bytes.len() as u32));
        }
        self.names.len() as u32 - 1
    }
    /// The values of one attribute, by its name without options.
    pub fn get<'e>(&'e self, attribute: &'e str) -> impl Iterator<Item = &'e [u8]> + 'e {
        let is = move |name: &str| name.split(';').next().is_some_and(|n| n.eq_ignore_ascii_case(attribute));
        self.values().filter(move |(name, _, _)| is(name)).map(|(_, value, _)| value)
    }
    /// Attribute description (with options, as written), value and line, in file order.
    pub fn values(&self) -> impl Iterator<Item = (&str, &[u8], u64)> {
        self.attributes().flat_map(|(name, values)| values.map(move |(value, line)| (name, value, line)))
    }
    /// The same by attribute descriptions: consecutive values that share one, each with its line.
    pub fn attributes(&self) -> impl Iterator<Item = (&str, impl ExactSizeIterator<Item = (&[u8], u64)>)> {
        let text = |(from, to): (u32, u32)| &self.bytes[from as usize..to as usize];
        self.values.chunk_by(|a, b| a.name == b.name).map(move |run| {
            let name = run.first().and_then(|v| self.names.get(v.name as usize)).map_or(&[][..], |name| text(*name));
            let values = run.iter().map(move |v| (text(v.value), self.line + u64::from(v.line)));
            (std::str::from_utf8(name).unwrap_or(""), values)
        })
    }
    /// Values held.
    pub fn count(&self) -> usize {
        self.values.len()
    }
    /// Bytes held.
    pub fn size(&self) -> usize {
        self.bytes.len() + size_of_val(&self.names[..]) + size_of_val(&self.values[..])
    }
    fn clear(&mut self, line: u64) {
        self.dn.clear();
        if self.bytes.capacity() > KEPT {
            // A huge entry's buffers are not kept for the small ones after it.
            (self.bytes, self.values) = (Vec::new(), Vec::new());
        }
        self.bytes.clear();
        self.names.clear();
        self.values.clear();
        self.line = line;
    }
}

/// How a server's answer ended, where the tool wrote it down (`ldapsearch` without `-LLL`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ending {
    pub line: u64,
    /// As printed: `4 Size limit exceeded`.
    pub result: String,
}

pub struct Reader {
    input: Box<dyn BufRead + Send>,
    path: PathBuf,
    /// Number of the physical line last read.
    line: u64,
    /// The logical line, unfolded.
    text: Vec<u8>,
    /// Number of the physical line where `text` begins.
    text_line: u64,
    /// A physical line read too far, while looking for folds.
    ahead: Vec<u8>,
    has_ahead: bool,
    ended: bool,
    /// Whether the last entry was followed by an empty line, as the tools write it.
    pub closed: bool,
    pub endings: Vec<Ending>,
}

/// Buffers of an entry up to this size are used again.
const KEPT: usize = 1 << 16;

/// A line longer than this is no directory data.
const MAX_LINE: usize = 64 << 20;

impl Reader {
    pub fn open(path: &Path) -> Result<Self> {
        Ok(Self::new(super::source::open(path)?, path))
    }

    pub fn new(input: impl Read + Send + 'static, path: &Path) -> Self {
        Reader {
            input: Box::new(BufReader::with_capacity(1 << 18, input)),
            path: path.to_owned(),
            line: 0,
            text: Vec::new(),
            text_line: 0,
            ahead: Vec::new(),
            has_ahead: false,
            ended: false,
            closed: true,
            endings: Vec::new(),
        }
    }

    fn place(&self) -> Place {
        Place::file(&self.path).line(self.text_line)
    }

    /// Reads one physical line into `ahead` without its line end; false at the end of the file.
    fn fill_ahead(&mut self) -> Result<bool> {
        if self.has_ahead {
            return Ok(true);
        }
        self.ahead.clear();
        let n = (&mut self.input)
            .take(MAX_LINE as u64)
            .read_until(b'\n', &mut self.ahead)
            .map_err(|e| Error::io("read", &self.path, e))?;
        if n == 0 {
            return Ok(false);
        }
        self.line += 1;
        if self.ahead.last() != Some(&b'\n') {
            let place = Place::file(&self.path).line(self.line);
            return Err(if n >= MAX_LINE {
                Error::input(place, "a line of more than 64 MiB")
            } else {
                Error::input(place, "the file ends in the middle of a line: it looks cut off")
                    .hint("Export it again; if it is whole, add a line end after its last line.")
            });
        }
        self.ahead.pop();
        if self.ahead.last() == Some(&b'\r') {
            self.ahead.pop();
        }
        self.has_ahead = true;
        Ok(true)
    }

    /// Reads the next logical line into `text`; false at the end.
    fn next_line(&mut self) -> Result<bool> {
        loop {
            if !self.fill_ahead()? {
                return Ok(false);
            }
            std::mem::swap(&mut self.text, &mut self.ahead);
            self.has_ahead = false;
            self.text_line = self.line;
            if self.text.first() == Some(&b' ') {
                return Err(Error::input(self.place(), "a continued line with nothing before it"));
            }
            if !self.text.is_empty() {
                while self.fill_ahead()? && self.ahead.first() == Some(&b' ') {
                    if self.text.len() + self.ahead.len() > MAX_LINE {
                        return Err(Error::input(self.place(), "a value of more than 64 MiB"));
                    }
                    self.text.extend_from_slice(&self.ahead[1..]);
                    self.has_ahead = false;
                }
            }
            if self.text.first() != Some(&b'#') {
                return Ok(true);
            }
        }
    }

    /// The next entry; false at the end of the file.
    pub fn next(&mut self, entry: &mut Entry) -> Result<bool> {
        if self.ended {
            return Ok(false);
        }
        entry.clear(0);
        let mut open = false;
        while self.next_line()? {
            if self.text.is_empty() {
                if open {
                    self.closed = true;
                    return Ok(true);
                }
                continue;
            }
            let text = std::mem::take(&mut self.text);
            let more = if open { self.attribute(&text, entry) } else { self.head(&text, entry) };
            self.text = text;
            match more? {
                Head::Entry => {
                    open = true;
                    self.closed = false;
                }
                Head::Skipped => {}
            }
        }
        self.ended = true;
        Ok(open)
    }

    /// The first line of a record.
    fn head(&mut self, text: &[u8], entry: &mut Entry) -> Result<Head> {
        let (name, value) = self.split(text)?;
        if name.eq_ignore_ascii_case(b"dn") {
            entry.clear(self.text_line);
            let dn = self.decode(value)?;
            entry.dn = String::from_utf8(dn).map_err(|_| self.not_utf8("dn"))?;
            return Ok(Head::Entry);
        }
        let printed = || String::from_utf8_lossy(text).into_owned();
        match &*name.to_ascii_lowercase() {
            b"version" | b"search" | b"ref" | b"pagedresults" | b"control" => Ok(Head::Skipped),
            b"result" => {
                let result = printed().get(7..).unwrap_or("").trim().to_owned();
                self.endings.push(Ending { line: self.text_line, result });
                Ok(Head::Skipped)
            }
            b"#!result" | b"matcheddn" | b"text" | b"numresponses" | b"numentries" | b"numreferences" => {
                Ok(Head::Skipped)
            }
            _ => Err(Error::input(
                self.place(),
                format!("an entry must begin with \"dn:\", not {:?}", short(&printed())),
            )
            .hint("Is this an LDIF file written by ldifde or ldapsearch?")),
        }
    }

    fn attribute(&mut self, text: &[u8], entry: &mut Entry) -> Result<Head> {
        let (name, value) = self.split(text)?;
        if name.eq_ignore_ascii_case(b"changetype") {
            let kind = self.decode(value)?;
            if !kind.eq_ignore_ascii_case(b"add") {
                let kind = String::from_utf8_lossy(&kind).into_owned();
                return Err(Error::input(
                    self.place().object(&entry.dn),
                    format!("changetype {kind:?}: this file holds changes, not objects"),
                )
                .hint("Export with ldifde -f FILE or ldapsearch -LLL."));
            }
            return Ok(Head::Entry);
        }
        if name.eq_ignore_ascii_case(b"dn") {
            return Err(Error::input(
                self.place().object(&entry.dn),
                "a second dn inside an entry: an empty line is missing before it",
            ));
        }
        let name_of_value = entry.name(name);
        let start = entry.bytes.len() as u32;
        match value {
            Raw::Plain(value) => {
                if !value.is_ascii() && std::str::from_utf8(value).is_err() {
                    return Err(self.not_utf8(&String::from_utf8_lossy(name)));
                }
                entry.bytes.extend_from_slice(value);
            }
            Raw::Base64(value) => {
                if STANDARD.decode_vec(value, &mut entry.bytes).is_err() {
                    return Err(Error::input(
                        self.place().object(&entry.dn),
                        format!("the value of {:?} is not base64", String::from_utf8_lossy(name)),
                    ));
                }
            }
            Raw::Url => return Err(self.url(name)),
        }
        let end = entry.bytes.len();
        let Ok(end) = u32::try_from(end) else {
            return Err(Error::input(self.place().object(&entry.dn), "an entry of more than 4 GiB"));
        };
        let line = u32::try_from(self.text_line - entry.line).unwrap_or(u32::MAX);
        entry.values.push(Value { name: name_of_value, value: (start, end), line });
        Ok(Head::Entry)
    }

    fn split<'t>(&self, text: &'t [u8]) -> Result<(&'t [u8], Raw<'t>)> {
        let Some(colon) = text.iter().position(|&b| b == b':') else {
            if std::str::from_utf8(text).is_err() {
                return Err(self.not_utf8("a line"));
            }
            let shown = String::from_utf8_lossy(text);
            return Err(Error::input(self.place(), format!("a line without a colon: {:?}", short(&shown)))
                .hint("A value may have been wrapped without the leading blank that LDIF asks for."));
        };
        let (name, rest) = (&text[..colon], &text[colon + 1..]);
        if name.is_empty()
            || !name.iter().all(|b| {
                b.is_ascii_alphanumeric() || matches!(b, b'-' | b';' | b'.' | b'=' | b'*' | b'_' | b'#' | b'!')
            })
        {
            let shown = String::from_utf8_lossy(name);
            return Err(Error::input(self.place(), format!("{:?} is no attribute name", short(&shown))));
        }
        Ok(match rest {
            [b':', value @ ..] => (name, Raw::Base64(trim(value))),
            [b'<', ..] => (name, Raw::Url),
            value => (name, Raw::Plain(trim_start(value))),
        })
    }

    fn decode(&self, value: Raw<'_>) -> Result<Vec<u8>> {
        match value {
            Raw::Plain(value) => Ok(value.to_vec()),
            Raw::Base64(value) => {
                STANDARD.decode(value).map_err(|_| Error::input(self.place(), "the value is not base64"))
            }
            Raw::Url => Err(self.url(b"dn")),
        }
    }

    fn url(&self, name: &[u8]) -> Error {
        Error::input(
            self.place(),
            format!("the value of {:?} is a reference to another file", String::from_utf8_lossy(name)),
        )
        .hint("References are not followed; export the values themselves.")
    }

    fn not_utf8(&self, what: &str) -> Error {
        Error::input(
            self.place(),
            format!("{what}: the text is not UTF-8; it looks like Windows-1252 or another 8-bit code page"),
        )
        .hint("LDIF is UTF-8: export again (ldifde -u writes UTF-16, which is read too) without converting the file.")
    }
}

enum Head {
    Entry,
    Skipped,
}

enum Raw<'t> {
    Plain(&'t [u8]),
    Base64(&'t [u8]),
    Url,
}

fn trim_start(mut value: &[u8]) -> &[u8] {
    while let [b' ', rest @ ..] = value {
        value = rest;
    }
    value
}

fn trim(value: &[u8]) -> &[u8] {
    value.trim_ascii()
}

fn short(text: &str) -> String {
    let mut out: String = text.chars().take(40).collect();
    if out.len() < text.len() {
        out.push('…');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    type Flat = Vec<(String, Vec<(String, Vec<u8>)>)>;

    fn read(text: &[u8]) -> Result<Flat> {
        let mut reader = Reader::new(std::io::Cursor::new(text.to_vec()), Path::new("x.ldf"));
        let (mut entry, mut out) = (Entry::default(), Vec::new());
        while reader.next(&mut entry)? {
            out.push((entry.dn.clone(), entry.values().map(|(n, v, _)| (n.to_owned(), v.to_vec())).collect()));
        }
        Ok(out)
    }

    /// What one attribute description stands before, each value with its line; the next entry starts anew.
    #[test]
    fn values_by_attribute() {
        let text = "dn: CN=a\nmember: CN=b\nmember: CN=\n c\nmember;range=0-1: CN=d\nMember: CN=e\nmember: CN=f\n\ndn: CN=g\nmember: CN=h\n";
        let mut reader = Reader::new(std::io::Cursor::new(text.as_bytes().to_vec()), Path::new("x.ldf"));
        let (mut entry, mut runs) = (Entry::default(), Vec::new());
        while reader.next(&mut entry).unwrap() {
            for (name, values) in entry.attributes() {
                let values: Vec<String> = values.map(|(v, line)| format!("{}@{line}", v.escape_ascii())).collect();
                runs.push(format!("{name} {}", values.join(" ")));
            }
        }
        let expected =
            ["member CN=b@2 CN=c@3", "member;range=0-1 CN=d@5", "Member CN=e@6", "member CN=f@7", "member CN=h@10"];
        assert_eq!(runs, expected);
        // An entry that comes from a server has no lines.
        let mut entry = Entry::named("CN=a");
        entry.push_all("member", [&b"CN=b"[..], b"CN=c"].into_iter());
        entry.push("member", b"CN=d");
        let runs: Vec<(usize, u64)> =
            entry.attributes().map(|(_, v)| (v.len(), v.map(|(_, line)| line).sum())).collect();
        assert_eq!((runs, entry.count()), (vec![(3, 0)], 3));
    }

    #[test]
    fn dialects() {
        let text = b"version: 1\r\n\r\n# a comment\r\n  folded\r\ndn: CN=a,DC=x\r\nchangetype: add\r\nmember;range=0-1: CN=b\r\n ,DC=x\r\nobjectGUID:: AAEC\r\ndescription:\r\n\r\ndn:: Q049w7w=\ncn: \xc3\xbc\n";
        assert_eq!(
            read(text).unwrap(),
            vec![
                (
                    "CN=a,DC=x".into(),
                    vec![
                        ("member;range=0-1".into(), b"CN=b,DC=x".to_vec()),
                        ("objectGUID".into(), vec![0, 1, 2]),
                        ("description".into(), vec![])
                    ]
                ),
                ("CN=ü".into(), vec![("cn".into(), "ü".as_bytes().to_vec())]),
            ]
        );
    }

    #[test]
    fn refused_with_its_line() {
        for (text, line, what) in [
            (&b"dn: CN=a\ncn: b"[..], 2, "cut off"),
            (b"dn: CN=a\ncn:: $$\n", 2, "not base64"),
            (b"dn: CN=a\ncn b\n", 2, "without a colon"),
            (b"dn: CN=a\nchangetype: delete\n", 2, "changes"),
            (b"dn: CN=a\ncn:< file:///etc/passwd\n", 2, "reference"),
            (b"cn: a\n", 1, "must begin"),
            (b" folded\n", 1, "nothing before"),
            (b"dn: CN=a\ncn: M\xfcller\n", 2, "not UTF-8"),
            (b"dn: CN=a\ncn: x\ndn: CN=b\n", 3, "second dn"),
            (b"<html>\n", 1, "colon"),
            (b"{\"value\": []}\n", 1, "attribute name"),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.message.contains(what), "{error}");
            assert_eq!(error.place.unwrap().line, Some(line), "{what}");
        }
    }

    #[test]
    fn ldapsearch_endings() {
        let text =
            b"dn: CN=a\ncn: a\n\n# search result\nsearch: 2\nresult: 4 Size limit exceeded\n\n# numResponses: 2\n";
        let mut reader = Reader::new(std::io::Cursor::new(text.to_vec()), Path::new("x.ldf"));
        let mut entry = Entry::default();
        assert!(reader.next(&mut entry).unwrap());
        assert!(!reader.next(&mut entry).unwrap());
        assert_eq!(reader.endings, vec![Ending { line: 6, result: "4 Size limit exceeded".into() }]);
    }

    /// Writes as the tools do: base64 where RFC 2849 asks for it, folded at 76.
    fn write(flat: &Flat) -> Vec<u8> {
        fn line(out: &mut Vec<u8>, name: &str, value: &[u8]) {
            let safe = value.iter().all(|b| (0x20..0x7f).contains(b))
                && !matches!(value.first(), Some(b' ' | b':' | b'<'))
                && value.last() != Some(&b' ');
            let text = match safe {
                true => format!("{name}: {}", String::from_utf8_lossy(value)),
                false => format!("{name}:: {}", STANDARD.encode(value)),
            };
            let mut rest = text.as_bytes();
            let mut room = 76;
            while rest.len() > room {
                out.extend_from_slice(&rest[..room]);
                out.extend_from_slice(b"\r\n ");
                rest = &rest[room..];
                room = 75;
            }
            out.extend_from_slice(rest);
            out.extend_from_slice(b"\r\n");
        }
        let mut out = Vec::new();
        for (dn, values) in flat {
            line(&mut out, "dn", dn.as_bytes());
            for (name, value) in values {
                line(&mut out, name, value);
            }
            out.extend_from_slice(b"\r\n");
        }
        out
    }

    proptest! {
        #[test]
        fn round_trips(dn in "CN=[a-zü ]{1,90}", values in proptest::collection::vec(("[a-z]{1,8}(;range=[0-9]{1,3}-\\*)?", proptest::collection::vec(any::<u8>(), 0..120)), 1..6)) {
            prop_assume!(values.iter().all(|(n, _)| n != "dn" && n != "changetype"));
            let flat: Flat = vec![(dn, values)];
            prop_assert_eq!(read(&write(&flat)).unwrap(), flat);
        }
        #[test]
        fn mutated_input_never_panics(at in 0usize..150, byte in any::<u8>(), cut in 0usize..150) {
            let mut text = b"version: 1\r\ndn: CN=a,DC=x\r\nobjectGUID:: AAECAwQFBgcICQoLDA0ODw==\r\nmember;range=0-1499: CN=b,\r\n DC=x\r\n\r\ndn: CN=b,DC=x\r\ncn: b\r\n\r\n".to_vec();
            if let Some(b) = text.get_mut(at) { *b = byte; }
            let _ = read(&text);
            text.truncate(cut);
            let _ = read(&text);
        }
    }
}
