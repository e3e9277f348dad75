//! One object as it came over the wire: names and raw values in the order sent. What a value means is for the reader
//! who knows the attribute; text and binary are not guessed apart. `RawEntry` is the same object before anything of it is
//! copied, for readers of millions of values.

use super::ber::{self, OCTETS, SEQUENCE, SET};
use super::fault::Fault;
use super::pages::FromWire;
use lber::structure::{PL, StructureTag};

/// One attribute description with its values. The name may carry options, such as `member;range=0-1499`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attribute {
    pub name: String,
    pub values: Vec<Vec<u8>>,
}

/// One object of a search's result.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Entry {
    pub dn: String,
    pub attributes: Vec<Attribute>,
}

impl Entry {
    /// The values of an attribute, by its name without regard to letter case; none where it is absent.
    pub fn values(&self, name: &str) -> &[Vec<u8>] {
        self.attributes.iter().find(|a| a.name.eq_ignore_ascii_case(name)).map_or(&[], |a| &a.values)
    }
    /// The first value of an attribute.
    pub fn bytes(&self, name: &str) -> Option<&[u8]> {
        self.values(name).first().map(Vec::as_slice)
    }
    /// The first value of an attribute, where it is text.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.bytes(name).and_then(|b| std::str::from_utf8(b).ok())
    }
    /// Every value of an attribute that is text.
    pub fn texts<'e>(&'e self, name: &str) -> impl Iterator<Item = &'e str> + use<'e> {
        self.values(name).iter().filter_map(|b| std::str::from_utf8(b).ok())
    }
    /// The first value of an attribute as a whole number.
    pub fn number(&self, name: &str) -> Option<i64> {
        self.text(name)?.trim().parse().ok()
    }
    /// Bytes of all names and values, for limits.
    pub fn size(&self) -> usize {
        let attributes = self.attributes.iter();
        self.dn.len() + attributes.map(|a| a.name.len() + a.values.iter().map(Vec::len).sum::<usize>()).sum::<usize>()
    }

    /// From the protocol's structure; `None` where that is malformed.
    pub(super) fn decode(tag: StructureTag) -> Option<Entry> {
        if tag.id != 4 {
            return None;
        }
        let mut parts = constructed(tag)?.into_iter();
        let dn = String::from_utf8(primitive(parts.next()?)?).ok()?;
        let mut attributes = Vec::new();
        for attribute in constructed(parts.next()?)? {
            let mut parts = constructed(attribute)?.into_iter();
            let name = String::from_utf8(primitive(parts.next()?)?).ok()?;
            let values = constructed(parts.next()?)?.into_iter().map(primitive).collect::<Option<Vec<_>>>()?;
            attributes.push(Attribute { name, values });
        }
        Some(Entry { dn, attributes })
    }
}

/// One object of a search's result, where it lies.
pub struct RawEntry<'e> {
    dn: &'e str,
    body: Body<'e>,
    count: usize,
    size: usize,
}

#[derive(Clone, Copy)]
enum Body<'e> {
    /// The attribute list as it came, found to be well formed.
    Wire(&'e [u8]),
    Decoded(&'e [Attribute]),
}

impl<'e> RawEntry<'e> {
    /// From the content of a search result entry; `None` where that is malformed.
    pub(super) fn parse(content: &'e [u8]) -> Option<RawEntry<'e>> {
        let (dn, rest) = ber::expect(OCTETS, content)?;
        let (list, rest) = ber::expect(SEQUENCE, rest)?;
        if !rest.is_empty() {
            return None;
        }
        let mut count = 0;
        let mut left = list;
        while !left.is_empty() {
            let (name, mut values, after) = attribute(left)?;
            std::str::from_utf8(name).ok()?;
            while !values.is_empty() {
                (_, values) = ber::expect(OCTETS, values)?;
                count += 1;
            }
            left = after;
        }
        Some(RawEntry { dn: std::str::from_utf8(dn).ok()?, body: Body::Wire(list), count, size: content.len() })
    }

    /// An entry that was copied out already.
    pub fn of(entry: &'e Entry) -> RawEntry<'e> {
        let count = entry.attributes.iter().map(|a| a.values.len()).sum();
        RawEntry { dn: &entry.dn, body: Body::Decoded(&entry.attributes), count, size: entry.size() }
    }

    pub fn dn(&self) -> &'e str {
        self.dn
    }
    /// Values in all.
    pub fn count(&self) -> usize {
        self.count
    }
    /// No fewer bytes than all names and values have.
    pub fn size(&self) -> usize {
        self.size
    }

    /// Calls for each attribute, in the order sent, with its name and its values.
    pub fn each(&self, mut tell: impl FnMut(&'e str, Values<'e>)) {
        match self.body {
            Body::Decoded(attributes) => {
                attributes.iter().for_each(|a| tell(&a.name, Values(Content::Decoded(a.values.iter()))));
            }
            Body::Wire(mut left) => {
                while let Some((name, values, after)) = attribute(left) {
                    tell(std::str::from_utf8(name).unwrap_or(""), Values(Content::Wire(values)));
                    left = after;
                }
            }
        }
    }
}

/// Name, values and what follows an attribute of the list.
fn attribute(list: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let (content, after) = ber::expect(SEQUENCE, list)?;
    let (name, rest) = ber::expect(OCTETS, content)?;
    let (values, rest) = ber::expect(SET, rest)?;
    rest.is_empty().then_some((name, values, after))
}

/// The values of one attribute, in the order sent.
#[derive(Clone)]
pub struct Values<'e>(Content<'e>);

#[derive(Clone)]
enum Content<'e> {
    Wire(&'e [u8]),
    Decoded(std::slice::Iter<'e, Vec<u8>>),
}

impl<'e> Iterator for Values<'e> {
    type Item = &'e [u8];

    fn next(&mut self) -> Option<&'e [u8]> {
        match &mut self.0 {
            Content::Decoded(values) => values.next().map(Vec::as_slice),
            Content::Wire(left) => {
                let (value, after) = ber::expect(OCTETS, left)?;
                *left = after;
                Some(value)
            }
        }
    }
}

impl FromWire for Entry {
    fn from_wire(raw: &RawEntry<'_>) -> Result<Entry, Box<Fault>> {
        let mut attributes = Vec::new();
        raw.each(|name, values| {
            attributes.push(Attribute { name: name.to_owned(), values: values.map(<[u8]>::to_vec).collect() });
        });
        Ok(Entry { dn: raw.dn.to_owned(), attributes })
    }
}

/// The addresses of a continuation reference; `None` where it is malformed.
pub(super) fn referral(tag: StructureTag) -> Option<Vec<String>> {
    constructed(tag)?.into_iter().map(|t| String::from_utf8(primitive(t)?).ok()).collect()
}

fn constructed(tag: StructureTag) -> Option<Vec<StructureTag>> {
    match tag.payload {
        PL::C(inner) => Some(inner),
        // An empty sequence may come as a primitive without content.
        PL::P(bytes) => bytes.is_empty().then(Vec::new),
    }
}

fn primitive(tag: StructureTag) -> Option<Vec<u8>> {
    match tag.payload {
        PL::P(bytes) => Some(bytes),
        PL::C(inner) => inner.is_empty().then(Vec::new),
    }
}
