//! BER as far as LDAP goes: definite lengths and tags of one byte. Reading takes slices and copies nothing; whatever is
//! cut off, lies about its length or nests in an unknown way is `None`, and nothing here recurses over what a server sent.

use lber::common::TagClass;
use lber::structure::{PL, StructureTag};

pub const BOOLEAN: u8 = 0x01;
pub const INTEGER: u8 = 0x02;
pub const OCTETS: u8 = 0x04;
pub const ENUMERATED: u8 = 0x0a;
pub const SEQUENCE: u8 = 0x30;
pub const SET: u8 = 0x31;

/// What the bytes begin with.
#[derive(Debug, PartialEq, Eq)]
pub enum Header {
    /// More bytes are needed to tell.
    Short,
    Malformed,
    /// Bytes of tag and length, and the length of the content, which may not be there yet.
    Element {
        header: usize,
        length: usize,
    },
}

pub fn header(bytes: &[u8]) -> Header {
    let Some(&first) = bytes.get(1) else { return Header::Short };
    if first < 0x80 {
        return Header::Element { header: 2, length: usize::from(first) };
    }
    // 0x80 is a length that is told at the end, which LDAP forbids; more than four bytes are no length of a message.
    let count = usize::from(first & 0x7f);
    if count == 0 || count > 4 {
        return Header::Malformed;
    }
    match bytes.get(2..2 + count) {
        Some(digits) => {
            let length = digits.iter().fold(0usize, |n, b| n << 8 | usize::from(*b));
            Header::Element { header: 2 + count, length }
        }
        None => Header::Short,
    }
}

/// Tag, content and what follows the first element.
pub fn split(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let Header::Element { header, length } = header(bytes) else { return None };
    let (content, after) = bytes.get(header..)?.split_at_checked(length)?;
    Some((bytes[0], content, after))
}

/// The content of the first element, which has to be of this sort, and what follows it.
pub fn expect(tag: u8, bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (found, content, after) = split(bytes)?;
    (found == tag).then_some((content, after))
}

/// The contents of the fields of a sequence.
pub fn fields(value: &[u8]) -> Option<Vec<&[u8]>> {
    let (mut rest, _) = expect(SEQUENCE, value)?;
    let mut out = Vec::new();
    while !rest.is_empty() {
        let (_, content, after) = split(rest)?;
        out.push(content);
        rest = after;
    }
    Some(out)
}

/// A number that is not negative and fits.
pub fn number(content: &[u8]) -> Option<u32> {
    if content.is_empty() || content.len() > 5 || content[0] & 0x80 != 0 {
        return None;
    }
    u32::try_from(content.iter().fold(0u64, |n, b| n << 8 | u64::from(*b))).ok()
}

fn length(n: usize, out: &mut Vec<u8>) {
    if n < 0x80 {
        return out.push(n as u8);
    }
    let bytes = n.to_be_bytes();
    let skip = bytes.iter().take_while(|b| **b == 0).count();
    out.push(0x80 | (bytes.len() - skip) as u8);
    out.extend_from_slice(&bytes[skip..]);
}

pub fn element(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(content.len() + 6);
    out.push(tag);
    length(content.len(), &mut out);
    out.extend_from_slice(content);
    out
}

pub fn sequence(fields: &[Vec<u8>]) -> Vec<u8> {
    element(SEQUENCE, &fields.concat())
}

pub fn octets(bytes: &[u8]) -> Vec<u8> {
    element(OCTETS, bytes)
}

pub fn integer(n: u64) -> Vec<u8> {
    tagged_integer(INTEGER, n)
}

pub fn tagged_integer(tag: u8, n: u64) -> Vec<u8> {
    let mut bytes: Vec<u8> = n.to_be_bytes().into_iter().skip_while(|b| *b == 0).collect();
    if bytes.first().is_none_or(|b| b & 0x80 != 0) {
        bytes.insert(0, 0);
    }
    element(tag, &bytes)
}

pub fn negative(n: i32) -> Vec<u8> {
    element(INTEGER, &n.to_be_bytes())
}

/// What the filter parser made, as bytes. Our own filters, so their depth is known.
pub fn structure(tag: &StructureTag) -> Vec<u8> {
    let class = match tag.class {
        TagClass::Universal => 0x00,
        TagClass::Application => 0x40,
        TagClass::Context => 0x80,
        TagClass::Private => 0xc0,
    };
    // No tag of a filter is above 9.
    let id = class | (tag.id & 0x1f) as u8;
    match &tag.payload {
        PL::P(content) => element(id, content),
        PL::C(inner) => element(id | 0x20, &inner.iter().flat_map(structure).collect::<Vec<u8>>()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn lengths() {
        for (bytes, expected) in [
            (&[][..], Header::Short),
            (&[0x30], Header::Short),
            (&[0x30, 5], Header::Element { header: 2, length: 5 }),
            (&[0x30, 0x7f], Header::Element { header: 2, length: 127 }),
            (&[0x30, 0x80, 0, 0], Header::Malformed),
            (&[0x30, 0x81], Header::Short),
            (&[0x30, 0x81, 0xff], Header::Element { header: 3, length: 255 }),
            // Active Directory always writes four bytes of length.
            (&[0x30, 0x84, 0, 0, 0, 5], Header::Element { header: 6, length: 5 }),
            (&[0x30, 0x84, 0xff, 0xff, 0xff, 0xff], Header::Element { header: 6, length: 0xffff_ffff }),
            (&[0x30, 0x85, 0, 0, 0, 0, 5], Header::Malformed),
            (&[0x30, 0xff, 0, 0, 0, 0, 5], Header::Malformed),
        ] {
            assert_eq!(header(bytes), expected, "{bytes:02x?}");
        }
    }

    #[test]
    fn numbers() {
        for (bytes, expected) in [
            (&[][..], None),
            (&[0], Some(0)),
            (&[0x7f], Some(127)),
            (&[0x80], None),
            (&[0, 0x80], Some(128)),
            (&[0x7f, 0xff, 0xff, 0xff], Some(i32::MAX as u32)),
            (&[0, 0xff, 0xff, 0xff, 0xff], Some(u32::MAX)),
            (&[1, 0, 0, 0, 0], None),
            (&[0, 0, 0, 0, 0, 1], None),
        ] {
            assert_eq!(number(bytes), expected, "{bytes:02x?}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(tag in any::<u8>(), content in proptest::collection::vec(any::<u8>(), 0..600), after in any::<u8>(), n in any::<u32>()) {
            let mut bytes = element(tag, &content);
            bytes.push(after);
            prop_assert_eq!(split(&bytes), Some((tag, content.as_slice(), &[after][..])));
            // Not a byte less.
            for cut in 0..bytes.len() - 1 {
                prop_assert_eq!(split(&bytes[..cut]), None);
            }
            let number_bytes = integer(u64::from(n));
            prop_assert_eq!(expect(INTEGER, &number_bytes).and_then(|(c, _)| number(c)), Some(n));
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
            let _ = (header(&bytes), split(&bytes), fields(&bytes), number(&bytes));
        }
    }
}
