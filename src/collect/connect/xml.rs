//! A pull reader over one XML file: UTF-8 or UTF-16 by its byte order mark, no document type, no entities but the five
//! predefined ones and character references, well formed to the end; every error names file, line and element.

use crate::error::{Error, Place, Result};
use encoding_rs_io::DecodeReaderBytesBuilder;
use quick_xml::XmlVersion;
use quick_xml::events::{BytesStart, Event};
use quick_xml::reader::Reader;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

/// Deeper than any real file by far; a bound keeps a hostile one from eating memory.
const MAX_DEPTH: usize = 256;

/// What the reader met.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Item {
    /// A start tag; its local name. `Xml::attribute` reads its attributes until the next item.
    Start(String),
    /// The end of the innermost open element.
    End,
    /// The end of the document.
    Eof,
}

/// Counts line feeds as they are consumed, so that an error can say where it is.
struct Lines<R> {
    inner: R,
    line: u64,
}

impl<R: BufRead> Read for Lines<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buf)?;
        self.line += count_lines(&buf[..read]);
        Ok(read)
    }
}

impl<R: BufRead> BufRead for Lines<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.inner.fill_buf()
    }
    fn consume(&mut self, amount: usize) {
        // The bytes to consume are buffered, so this cannot reach the disk and cannot fail.
        let passed = self.inner.fill_buf().map(|b| count_lines(&b[..amount.min(b.len())])).unwrap_or(0);
        self.line += passed;
        self.inner.consume(amount);
    }
}

fn count_lines(bytes: &[u8]) -> u64 {
    bytes.iter().filter(|b| **b == b'\n').count() as u64
}

pub struct Xml {
    reader: Reader<Lines<Box<dyn BufRead>>>,
    file: PathBuf,
    buf: Vec<u8>,
    /// Names of the open elements, outermost first.
    path: Vec<String>,
    /// The last start tag, without its brackets, and the length of the name in it.
    tag: (String, usize),
    /// The last start tag closed itself: its end is yet to be told.
    empty: bool,
    /// The line where the item being read begins.
    line: u64,
    seen_root: bool,
    /// Roots may follow one another, as in a log of events written one by one.
    fragments: bool,
}

/// One step of the parser, with text still in pieces.
enum Piece {
    Start,
    Text(String),
    End,
    Eof,
}

impl Xml {
    pub fn open(path: &Path) -> Result<Self> {
        let file = File::open(path).map_err(|e| Error::io("read this file", path, e))?;
        Self::from_reader(path, file)
    }

    pub fn from_reader(path: &Path, input: impl Read + 'static) -> Result<Self> {
        let decoded = DecodeReaderBytesBuilder::new().utf8_passthru(true).strip_bom(true).build(input);
        let lines =
            Lines { inner: Box::new(BufReader::with_capacity(64 * 1024, decoded)) as Box<dyn BufRead>, line: 1 };
        let mut reader = Reader::from_reader(lines);
        reader.config_mut().check_end_names = true;
        Ok(Xml {
            reader,
            file: path.to_owned(),
            buf: Vec::new(),
            path: Vec::new(),
            tag: (String::new(), 0),
            empty: false,
            line: 1,
            seen_root: false,
            fragments: false,
        })
    }

    /// Takes a file of several roots, with nothing but declarations and `Record 12` headings between them, as tools that
    /// turn event logs into XML write it.
    pub fn fragments(mut self) -> Self {
        self.fragments = true;
        self
    }

    /// How many elements are open.
    pub fn depth(&self) -> usize {
        self.path.len()
    }

    pub fn place(&self) -> Place {
        let place = Place::file(&self.file).line(self.line);
        if self.path.is_empty() { place } else { place.object(format!("<{}>", self.path.join("/"))) }
    }

    pub fn error(&self, message: impl Into<String>) -> Error {
        Error::input(self.place(), message)
    }

    /// The next start or end; text between them is passed over.
    pub fn next(&mut self) -> Result<Item> {
        loop {
            match self.piece()? {
                Piece::Start => return Ok(Item::Start(self.path.last().cloned().unwrap_or_default())),
                Piece::End => return Ok(Item::End),
                Piece::Eof => return Ok(Item::Eof),
                Piece::Text(_) => {}
            }
        }
    }

    /// The next start tag below the element that was entered at `depth` (the value of `depth()` inside it), or `None` at
    /// its end. A caller that reads or skips each child to its end sees the children only.
    pub fn child(&mut self, depth: usize) -> Result<Option<String>> {
        loop {
            match self.next()? {
                Item::Start(name) => return Ok(Some(name)),
                Item::End if self.path.len() < depth => return Ok(None),
                Item::End => {}
                Item::Eof => return Ok(None),
            }
        }
    }

    /// Local name of the innermost open element.
    pub fn name(&self) -> String {
        self.path.last().cloned().unwrap_or_default()
    }

    /// Enters the root element, which must have this local name.
    pub fn root(&mut self, name: &str) -> Result<usize> {
        match self.next()? {
            Item::Start(found) if found == name => Ok(self.depth()),
            Item::Start(found) => Err(self.error(format!("the root element is <{found}>, expected <{name}>"))),
            Item::End | Item::Eof => Err(self.error(format!("no XML in this file, expected <{name}>"))),
        }
    }

    /// Reads to the end of the file, which must hold nothing more after the root element.
    pub fn finish(&mut self) -> Result<()> {
        loop {
            match self.next()? {
                Item::Eof => return Ok(()),
                Item::Start(_) | Item::End => {}
            }
        }
    }

    /// Passes over the rest of the element that was just entered. What is passed over is checked all the same.
    pub fn skip(&mut self) -> Result<()> {
        let depth = self.path.len();
        while self.path.len() >= depth {
            if let Piece::Eof = self.piece()? {
                break;
            }
        }
        Ok(())
    }

    /// The text of the element that was just entered, to its end. A child element inside is refused.
    pub fn text(&mut self) -> Result<String> {
        let mut text = String::new();
        loop {
            match self.piece()? {
                Piece::Text(part) => text.push_str(&part),
                Piece::End => return Ok(text),
                Piece::Start => return Err(self.error("an element where text is expected")),
                Piece::Eof => return Ok(text),
            }
        }
    }

    /// The text of the element that was just entered up to its first child or its end. True: a child was entered.
    pub fn leading_text(&mut self) -> Result<(String, bool)> {
        let mut text = String::new();
        loop {
            match self.piece()? {
                Piece::Text(part) => text.push_str(&part),
                Piece::End | Piece::Eof => return Ok((text, false)),
                Piece::Start => return Ok((text, true)),
            }
        }
    }

    /// An attribute of the last start tag, by local name.
    pub fn attribute(&self, name: &str) -> Result<Option<String>> {
        let tag = BytesStart::from_content(self.tag.0.as_str(), self.tag.1);
        for attribute in tag.attributes() {
            let attribute = attribute.map_err(|e| self.error(format!("malformed attribute: {e}")))?;
            if attribute.key.local_name().as_ref().eq_ignore_ascii_case(name) {
                let value = attribute.normalized_value(XmlVersion::Implicit1_0);
                return Ok(Some(value.map_err(|e| self.attribute_error(&e))?.into_owned()));
            }
        }
        Ok(None)
    }

    fn attribute_error(&self, error: &quick_xml::Error) -> Error {
        match error {
            quick_xml::Error::Escape(_) => self.refused_entity(),
            other => self.error(format!("malformed attribute value: {other}")),
        }
    }

    fn refused_entity(&self) -> Error {
        self.error("an entity other than the five of XML itself")
            .hint("Files as the tools write them hold none. Entities are never resolved: export the file again.")
    }

    fn piece(&mut self) -> Result<Piece> {
        if self.empty {
            self.empty = false;
            self.path.pop();
            return Ok(Piece::End);
        }
        loop {
            self.line = self.reader.get_ref().line;
            self.buf.clear();
            let event = self.reader.read_event_into(&mut self.buf).map(owned);
            let event = event.map_err(|e| self.malformed(e))?;
            if let Some(piece) = self.accept(event)? {
                return Ok(piece);
            }
        }
    }

    fn accept(&mut self, event: Owned) -> Result<Option<Piece>> {
        match event {
            Owned::Start { tag, name_len, empty } => {
                self.refuse_nul(&tag)?;
                if self.path.is_empty() && self.seen_root && !self.fragments {
                    return Err(self.error("a second root element"));
                }
                self.seen_root = true;
                let name = &tag[..name_len];
                let local = name.rsplit(':').next().unwrap_or(name).to_owned();
                self.path.push(local);
                if self.path.len() > MAX_DEPTH {
                    return Err(Error::input(
                        Place::file(&self.file).line(self.line),
                        format!("elements nested more than {MAX_DEPTH} deep"),
                    ));
                }
                self.tag = (tag, name_len);
                self.check_attributes()?;
                self.empty = empty;
                Ok(Some(Piece::Start))
            }
            Owned::End => {
                self.path.pop();
                Ok(Some(Piece::End))
            }
            Owned::Text(text) => {
                self.refuse_nul(&text)?;
                if self.path.is_empty() {
                    let heading =
                        self.fragments && text.split_whitespace().all(|w| w == "Record" || w.parse::<u64>().is_ok());
                    return match heading || text.trim().is_empty() {
                        true => Ok(None),
                        false => Err(self.error("text outside the root element")),
                    };
                }
                Ok(Some(Piece::Text(text)))
            }
            Owned::Reference(resolved) => match resolved {
                Some(text) if !self.path.is_empty() => Ok(Some(Piece::Text(text))),
                _ => Err(self.refused_entity()),
            },
            Owned::Declaration(encoding) => match encoding {
                Some(name) if !is_known_encoding(&name) => Err(self
                    .error(format!("the encoding {name:?} is not read"))
                    .hint("Save the file as UTF-8 or UTF-16 with a byte order mark.")),
                _ => Ok(None),
            },
            Owned::DocType => Err(self.error("a document type definition").hint(
                "Files as the tools write them hold none, and one can hide or change content: export the file again.",
            )),
            Owned::Ignored => Ok(None),
            Owned::Eof => {
                if !self.path.is_empty() {
                    return Err(self
                        .error("the file ends before this element does")
                        .hint("The file was cut: copy or export it again."));
                }
                Ok(Some(Piece::Eof))
            }
        }
    }

    fn refuse_nul(&self, text: &str) -> Result<()> {
        if !text.contains('\0') {
            return Ok(());
        }
        Err(self
            .error("NUL characters in the text")
            .hint("The file may be UTF-16 without a byte order mark: save it as UTF-8, or export it again."))
    }

    fn check_attributes(&self) -> Result<()> {
        let tag = BytesStart::from_content(self.tag.0.as_str(), self.tag.1);
        for attribute in tag.attributes() {
            let attribute = attribute.map_err(|e| self.error(format!("malformed attribute: {e}")))?;
            if attribute.value.contains('&') {
                attribute.normalized_value(XmlVersion::Implicit1_0).map_err(|e| self.attribute_error(&e))?;
            }
        }
        Ok(())
    }

    fn malformed(&self, error: quick_xml::Error) -> Error {
        let message = match &error {
            quick_xml::Error::Io(e) if e.kind() != io::ErrorKind::InvalidData => {
                return Error::failed(format!("cannot read this file: {e}")).at(self.place());
            }
            quick_xml::Error::Encoding(_) | quick_xml::Error::Io(_) => {
                return self
                    .error("bytes that are no UTF-8 text")
                    .hint("Save the file as UTF-8 or UTF-16 with a byte order mark, or export it again.");
            }
            other => format!("malformed XML: {other}"),
        };
        self.error(message).hint("The file was cut or changed: copy or export it again.")
    }
}

/// An event without its borrow of the buffer.
enum Owned {
    Start {
        tag: String,
        name_len: usize,
        empty: bool,
    },
    End,
    Text(String),
    /// The text that a reference stands for; `None` for one that is refused.
    Reference(Option<String>),
    Declaration(Option<String>),
    DocType,
    Ignored,
    Eof,
}

fn owned(event: Event) -> Owned {
    let start =
        |tag: &BytesStart, empty| Owned::Start { tag: tag.to_string(), name_len: tag.name().as_ref().len(), empty };
    match event {
        Event::Start(tag) => start(&tag, false),
        Event::Empty(tag) => start(&tag, true),
        Event::End(_) => Owned::End,
        Event::Text(text) => Owned::Text(text.xml10_content().into_owned()),
        Event::CData(text) => Owned::Text(text.xml10_content().into_owned()),
        Event::GeneralRef(reference) => Owned::Reference(match reference.resolve_char_ref() {
            Ok(Some(c)) => Some(c.to_string()),
            Ok(None) => predefined(&reference.xml10_content()),
            Err(_) => None,
        }),
        Event::Decl(declaration) => {
            Owned::Declaration(declaration.encoding().and_then(|e| e.ok()).map(|e| e.into_owned()))
        }
        Event::DocType(_) => Owned::DocType,
        Event::Comment(_) | Event::PI(_) => Owned::Ignored,
        Event::Eof => Owned::Eof,
    }
}

fn predefined(name: &str) -> Option<String> {
    let text = match name {
        "amp" => "&",
        "lt" => "<",
        "gt" => ">",
        "quot" => "\"",
        "apos" => "'",
        _ => return None,
    };
    Some(text.to_owned())
}

/// The bytes are UTF-8 by now, whatever a re-saved file still declares of its UTF-16 past.
fn is_known_encoding(name: &str) -> bool {
    ["utf-8", "utf8", "utf-16", "utf-16le", "utf-16be", "us-ascii", "unicode"]
        .iter()
        .any(|n| name.eq_ignore_ascii_case(n))
}
