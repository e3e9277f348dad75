//! Just enough BER to read LDAP requests and write answers, well formed or not. Written for the tests alone, so that
//! the client's encoding is not judged by the client's own codec; values are bytes, in filters too.

/// One element: its tag byte and its content.
pub type Element<'b> = (u8, &'b [u8]);

/// The first element and what follows it.
pub fn split(bytes: &[u8]) -> Option<(Element<'_>, &[u8])> {
    let (header, length) = header(bytes)?;
    let rest = bytes.get(header..)?;
    Some(((bytes[0], rest.get(..length)?), &rest[length..]))
}

/// Bytes of tag and length, and the length; `None` where more bytes are needed.
pub fn header(bytes: &[u8]) -> Option<(usize, usize)> {
    let first = *bytes.get(1)?;
    if first < 0x80 {
        return Some((2, usize::from(first)));
    }
    let count = usize::from(first & 0x7f);
    let digits = bytes.get(2..2 + count)?;
    Some((2 + count, digits.iter().fold(0, |n, b| n << 8 | usize::from(*b))))
}

/// The elements of a constructed content.
pub fn children(mut content: &[u8]) -> Option<Vec<Element<'_>>> {
    let mut out = Vec::new();
    while !content.is_empty() {
        let (element, rest) = split(content)?;
        out.push(element);
        content = rest;
    }
    Some(out)
}

pub fn number(content: &[u8]) -> i64 {
    let negative = content.first().is_some_and(|b| b & 0x80 != 0);
    content.iter().fold(if negative { -1 } else { 0 }, |n, b| n << 8 | i64::from(*b))
}

pub fn text(content: &[u8]) -> String {
    String::from_utf8_lossy(content).into_owned()
}

pub fn element(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut out = vec![tag];
    if content.len() < 0x80 {
        out.push(content.len() as u8);
    } else {
        // As Active Directory writes it: always four bytes of length.
        out.push(0x84);
        out.extend((content.len() as u32).to_be_bytes());
    }
    out.extend(content);
    out
}

pub fn sequence(tag: u8, fields: &[Vec<u8>]) -> Vec<u8> {
    element(tag, &fields.concat())
}

pub fn octets(bytes: impl AsRef<[u8]>) -> Vec<u8> {
    element(4, bytes.as_ref())
}

pub fn integer(n: i64) -> Vec<u8> {
    tagged_integer(2, n)
}

pub fn tagged_integer(tag: u8, n: i64) -> Vec<u8> {
    let bytes = n.to_be_bytes();
    let mut start = 0;
    while start < 7
        && ((bytes[start] == 0 && bytes[start + 1] < 0x80) || (bytes[start] == 0xff && bytes[start + 1] >= 0x80))
    {
        start += 1;
    }
    element(tag, &bytes[start..])
}
