//! One object as it came over the wire: names and raw values in the order sent. What a value means is for the reader
//! who knows the attribute; text and binary are not guessed apart.

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
