//! Distinguished names by RFC 4514: parsing, escaping, parent, rename, and the comparison Active Directory makes
//! (case-blind, `\2C` and `\,` alike, blanks around separators without meaning).

use std::borrow::Cow;
use std::fmt;

/// Why a text is no distinguished name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a distinguished name: {what} at character {at}")]
pub struct DnError {
    pub what: &'static str,
    /// 1-based, in characters.
    pub at: usize,
}

/// One relative distinguished name: attribute type and unescaped value. Multi-valued RDNs (`A=1+B=2`) do not occur in
/// Active Directory; they are kept as further parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rdn {
    parts: Vec<(String, String)>,
}

impl Rdn {
    pub fn new(attribute: &str, value: &str) -> Self {
        Rdn { parts: vec![(attribute.to_owned(), value.to_owned())] }
    }
    pub fn attribute(&self) -> &str {
        &self.parts[0].0
    }
    /// The unescaped value.
    pub fn value(&self) -> &str {
        &self.parts[0].1
    }
}

impl fmt::Display for Rdn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, (attribute, value)) in self.parts.iter().enumerate() {
            if i > 0 {
                f.write_str("+")?;
            }
            write!(f, "{attribute}={}", escape_value(value))?;
        }
        Ok(())
    }
}

/// A distinguished name, most specific RDN first. The empty name (the rootDSE) has none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dn {
    rdns: Vec<Rdn>,
}

impl Dn {
    pub fn parse(text: &str) -> Result<Self, DnError> {
        Parser { chars: text.chars().collect(), at: 0 }.dn()
    }
    pub fn rdns(&self) -> &[Rdn] {
        &self.rdns
    }
    pub fn rdn(&self) -> Option<&Rdn> {
        self.rdns.first()
    }
    pub fn parent(&self) -> Option<Dn> {
        let (_, rest) = self.rdns.split_first()?;
        (!rest.is_empty()).then(|| Dn { rdns: rest.to_vec() })
    }
    /// The same place, another relative name.
    pub fn renamed(&self, rdn: Rdn) -> Dn {
        let mut rdns = self.rdns.clone();
        match rdns.first_mut() {
            Some(first) => *first = rdn,
            None => rdns.push(rdn),
        }
        Dn { rdns }
    }
    /// `rdn` below this name.
    pub fn child(&self, rdn: Rdn) -> Dn {
        let mut rdns = Vec::with_capacity(self.rdns.len() + 1);
        rdns.push(rdn);
        rdns.extend(self.rdns.iter().cloned());
        Dn { rdns }
    }
    /// True where this name equals `ancestor` or lies below it.
    pub fn is_within(&self, ancestor: &Dn) -> bool {
        let (own, other) = (self.key(), ancestor.key());
        other.is_empty() || own == other || own.strip_suffix(&other).is_some_and(|head| head.ends_with(SEPARATOR))
    }
    /// The DNS name that the `DC=` parts spell, `contoso.com`.
    pub fn dns_domain(&self) -> Option<String> {
        let parts: Vec<&str> =
            self.rdns.iter().filter(|r| r.attribute().eq_ignore_ascii_case("DC")).map(Rdn::value).collect();
        (!parts.is_empty()).then(|| parts.join(".").to_lowercase())
    }
    /// The `DC=` tail: the root of the domain that holds this name.
    pub fn domain_root(&self) -> Option<Dn> {
        let at = self.rdns.iter().position(|r| r.attribute().eq_ignore_ascii_case("DC"))?;
        Some(Dn { rdns: self.rdns[at..].to_vec() })
    }
    /// Equal keys, equal names: lower case, unescaped, unambiguous.
    pub fn key(&self) -> String {
        let mut out = String::new();
        for (i, rdn) in self.rdns.iter().enumerate() {
            if i > 0 {
                out.push(SEPARATOR);
            }
            let mut parts: Vec<String> =
                rdn.parts.iter().map(|(a, v)| format!("{}={}", canonical_type(a), lower(v))).collect();
            parts.sort_unstable();
            out.push_str(&parts.join("\u{1}"));
        }
        out
    }
}

/// Between RDNs of a key. A character that no name can hold unescaped: U+0000 never occurs in an AD name.
const SEPARATOR: char = '\0';

/// The comparison key of a DN's text without building the name where the text is plain; `None` for text that is no DN.
/// Appends to `out`, which the caller clears and reuses.
pub fn write_key(text: &str, out: &mut Vec<u8>) -> Option<()> {
    let start = out.len();
    if fast_key(text.as_bytes(), out).is_some() {
        return Some(());
    }
    out.truncate(start);
    slow_key(text, out)
}

/// Writes keys of many names, one after the other. Names in a row mostly share their container, whose key is kept.
#[derive(Debug, Default)]
pub struct KeyWriter {
    key: Vec<u8>,
    tail: Vec<u8>,
    tail_key: Vec<u8>,
}

impl KeyWriter {
    /// The same as `write_key`; `None` for bytes that are no text, too.
    pub fn key(&mut self, bytes: &[u8]) -> Option<&[u8]> {
        self.key.clear();
        let comma = (1..bytes.len()).find(|i| bytes[*i] == b',' && bytes[*i - 1] != b'\\');
        if let Some(comma) = comma
            && comma + 1 < bytes.len()
            && fast_key(&bytes[..comma], &mut self.key).is_some()
        {
            let tail = &bytes[comma + 1..];
            if self.tail.is_empty() || tail != self.tail {
                self.tail.clear();
                self.tail_key.clear();
                write_key(std::str::from_utf8(tail).ok()?, &mut self.tail_key)?;
                self.tail.extend_from_slice(tail);
            }
            // A tail of blanks only is no name, but its key is empty: such a text is refused as a whole.
            if self.tail_key.is_empty() {
                return None;
            }
            self.key.push(SEPARATOR as u8);
            self.key.extend_from_slice(&self.tail_key);
            return Some(&self.key);
        }
        self.key.clear();
        write_key(std::str::from_utf8(bytes).ok()?, &mut self.key)?;
        Some(&self.key)
    }
}

/// Bytes that end a run of plain ones inside a value.
const SPECIAL: [bool; 256] = {
    let mut table = [false; 256];
    let mut i = 0;
    while i < 256 {
        table[i] = i < 0x20 || i >= 0x80 || matches!(i as u8, b',' | b'\\' | b'"' | b'+' | b';' | b'<' | b'>');
        i += 1;
    }
    table
};

/// The common case by far: no OIDs, hexadecimal escapes or quotes, no blanks beside separators. `None` where the name
/// is not so plain, with `out` in disorder.
fn fast_key(bytes: &[u8], out: &mut Vec<u8>) -> Option<()> {
    let mut i = 0;
    while i < bytes.len() {
        let end = i + bytes[i..].iter().position(|b| *b == b'=')?;
        let attribute = &bytes[i..end];
        let (first, rest) = attribute.split_first()?;
        if !first.is_ascii_alphabetic() || !rest.iter().all(|b| b.is_ascii_alphanumeric() || *b == b'-') {
            return None;
        }
        push_lower(&bytes[i..=end], out);
        i = end + 1;
        if matches!(bytes.get(i), Some(b' ' | b'#')) {
            return None;
        }
        loop {
            let run = bytes[i..].iter().position(|b| SPECIAL[usize::from(*b)]).unwrap_or(bytes.len() - i);
            push_lower(&bytes[i..i + run], out);
            i += run;
            let next = bytes.get(i + 1);
            // A blank at a value's end does not count, unless it is escaped.
            let blank_before = bytes[i - 1] == b' ';
            match bytes.get(i) {
                None if blank_before => return None,
                None => return Some(()),
                Some(b',') => {
                    if blank_before {
                        return None;
                    }
                    next?;
                    out.push(SEPARATOR as u8);
                    i += 1;
                    break;
                }
                // The escapes that names in directories have: a comma above all.
                Some(b'\\') => match next {
                    Some(c @ (b',' | b'+' | b'"' | b'\\' | b'<' | b'>' | b';' | b'=' | b'#')) => {
                        out.push(*c);
                        i += 2;
                    }
                    _ => return None,
                },
                Some(0x80..) => {
                    let c = bytes[i..bytes.len().min(i + 4)].utf8_chunks().next()?.valid().chars().next()?;
                    for lower in c.to_lowercase() {
                        out.extend_from_slice(lower.encode_utf8(&mut [0; 4]).as_bytes());
                    }
                    i += c.len_utf8();
                }
                Some(_) => return None,
            }
        }
    }
    Some(())
}

fn push_lower(bytes: &[u8], out: &mut Vec<u8>) {
    let start = out.len();
    out.extend_from_slice(bytes);
    out[start..].make_ascii_lowercase();
}

/// Lower case letter by letter, as a directory compares: no rule about the end of a word.
fn lower(text: &str) -> String {
    text.chars().flat_map(char::to_lowercase).collect()
}

fn slow_key(text: &str, out: &mut Vec<u8>) -> Option<()> {
    out.extend_from_slice(Dn::parse(text).ok()?.key().as_bytes());
    Some(())
}

/// Value of the first RDN, unescaped, and the text of the parent, without building the name where it is plain. `None`
/// for text that is no DN or has no parent.
pub fn split(text: &str) -> Option<(Cow<'_, str>, Cow<'_, str>)> {
    let bytes = text.as_bytes();
    let equals = bytes.iter().position(|b| *b == b'=')?;
    let comma = bytes[equals..]
        .iter()
        .position(|b| matches!(b, b',' | b'\\' | b'"' | b'+' | b';' | b'#' | b'<' | b'>'))
        .map(|i| i + equals);
    let plain = |t: &str| !t.is_empty() && !t.starts_with(' ') && !t.ends_with(' ');
    if let Some(comma) = comma
        && bytes[comma] == b','
    {
        let (value, parent) = (&text[equals + 1..comma], &text[comma + 1..]);
        if plain(value) && plain(parent) && plain(&text[..equals]) {
            return Some((Cow::Borrowed(value), Cow::Borrowed(parent)));
        }
    }
    let dn = Dn::parse(text).ok()?;
    Some((Cow::Owned(dn.rdn()?.value().to_owned()), Cow::Owned(dn.parent()?.to_string())))
}

/// True where two texts name the same object; texts that are no DN compare as plain text.
pub fn same_dn(a: &str, b: &str) -> bool {
    let (mut ka, mut kb) = (Vec::new(), Vec::new());
    match (write_key(a, &mut ka), write_key(b, &mut kb)) {
        (Some(()), Some(())) => ka == kb,
        _ => a == b,
    }
}

fn canonical_type(attribute: &str) -> String {
    let lower = attribute.to_ascii_lowercase();
    match lower.strip_prefix("oid.").unwrap_or(&lower) {
        "2.5.4.3" => "cn".to_owned(),
        "2.5.4.11" => "ou".to_owned(),
        "2.5.4.10" => "o".to_owned(),
        "0.9.2342.19200300.100.1.25" => "dc".to_owned(),
        other => other.to_owned(),
    }
}

/// A value escaped by RFC 4514, section 2.4, and as AD shows it: control characters in hexadecimal.
pub fn escape_value(value: &str) -> String {
    let mut out = String::with_capacity(value.len() + 4);
    let last = value.chars().count().saturating_sub(1);
    for (i, c) in value.chars().enumerate() {
        match c {
            ',' | '+' | '"' | '\\' | '<' | '>' | ';' | '=' => {
                out.push('\\');
                out.push(c);
            }
            '#' if i == 0 => out.push_str("\\#"),
            ' ' if i == 0 || i == last => out.push_str("\\ "),
            c if (c as u32) < 0x20 || c == '\u{7f}' => out.push_str(&format!("\\{:02X}", c as u32)),
            c => out.push(c),
        }
    }
    out
}

impl fmt::Display for Dn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, rdn) in self.rdns.iter().enumerate() {
            if i > 0 {
                f.write_str(",")?;
            }
            write!(f, "{rdn}")?;
        }
        Ok(())
    }
}

struct Parser {
    chars: Vec<char>,
    at: usize,
}

impl Parser {
    fn dn(mut self) -> Result<Dn, DnError> {
        let mut rdns = Vec::new();
        self.blanks();
        if self.at == self.chars.len() {
            return Ok(Dn { rdns });
        }
        loop {
            let mut parts = vec![self.pair()?];
            while self.take('+') {
                parts.push(self.pair()?);
            }
            rdns.push(Rdn { parts });
            if self.at == self.chars.len() {
                return Ok(Dn { rdns });
            }
            if !(self.take(',') || self.take(';')) {
                return Err(self.error("a comma is missing"));
            }
        }
    }
    fn pair(&mut self) -> Result<(String, String), DnError> {
        self.blanks();
        let start = self.at;
        while self.peek().is_some_and(|c| c.is_ascii_alphanumeric() || c == '-' || c == '.' || c == '_') {
            self.at += 1;
        }
        let attribute: String = self.chars[start..self.at].iter().collect();
        if attribute.is_empty() {
            return Err(self.error("an attribute name is missing"));
        }
        self.blanks();
        if !self.take('=') {
            return Err(self.error("an equals sign is missing"));
        }
        self.blanks();
        let value = match self.peek() {
            Some('"') => self.quoted()?,
            Some('#') => self.hex_string()?,
            _ => self.plain()?,
        };
        self.blanks();
        Ok((attribute, value))
    }
    fn plain(&mut self) -> Result<String, DnError> {
        let mut bytes: Vec<u8> = Vec::new();
        // Trailing blanks do not count unless the last one is escaped.
        let mut significant = 0;
        while let Some(c) = self.peek() {
            match c {
                ',' | ';' | '+' => break,
                '"' | '<' | '>' => return Err(self.error("a character that must be escaped")),
                '\\' => {
                    self.at += 1;
                    self.escape(&mut bytes)?;
                    significant = bytes.len();
                }
                c => {
                    self.at += 1;
                    bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
                    if c != ' ' {
                        significant = bytes.len();
                    }
                }
            }
        }
        bytes.truncate(significant);
        String::from_utf8(bytes).map_err(|_| self.error("escaped bytes that are no UTF-8 text"))
    }
    fn quoted(&mut self) -> Result<String, DnError> {
        self.at += 1;
        let mut bytes = Vec::new();
        loop {
            match self.peek() {
                None => return Err(self.error("a quotation mark is not closed")),
                Some('"') => {
                    self.at += 1;
                    return String::from_utf8(bytes).map_err(|_| self.error("escaped bytes that are no UTF-8 text"));
                }
                Some('\\') => {
                    self.at += 1;
                    self.escape(&mut bytes)?;
                }
                Some(c) => {
                    self.at += 1;
                    bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
                }
            }
        }
    }
    fn escape(&mut self, bytes: &mut Vec<u8>) -> Result<(), DnError> {
        let Some(c) = self.peek() else { return Err(self.error("nothing follows a backslash")) };
        if let Some(high) = c.to_digit(16) {
            let low = self.chars.get(self.at + 1).and_then(|c| c.to_digit(16));
            let Some(low) = low else { return Err(self.error("a hexadecimal digit is missing")) };
            bytes.push((high * 16 + low) as u8);
            self.at += 2;
            return Ok(());
        }
        if matches!(c, ',' | '+' | '"' | '\\' | '<' | '>' | ';' | '=' | '#' | ' ' | '/') {
            bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
            self.at += 1;
            return Ok(());
        }
        Err(self.error("a backslash before a character that needs none"))
    }
    /// `#04024869`: kept as written, since the encoding (BER) says nothing to this program.
    fn hex_string(&mut self) -> Result<String, DnError> {
        let start = self.at;
        self.at += 1;
        while self.peek().is_some_and(|c| c.is_ascii_hexdigit()) {
            self.at += 1;
        }
        let digits = self.at - start - 1;
        if digits == 0 || digits % 2 == 1 {
            return Err(self.error("a hexadecimal digit is missing"));
        }
        Ok(self.chars[start..self.at].iter().collect())
    }
    fn blanks(&mut self) {
        while self.peek() == Some(' ') {
            self.at += 1;
        }
    }
    fn peek(&self) -> Option<char> {
        self.chars.get(self.at).copied()
    }
    fn take(&mut self, c: char) -> bool {
        let hit = self.peek() == Some(c);
        self.at += usize::from(hit);
        hit
    }
    fn error(&self, what: &'static str) -> DnError {
        DnError { what, at: self.at + 1 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn equal_names() {
        for (a, b, same) in [
            ("CN=Finance\\, EU,DC=x", "cn=finance\\2c eu,dc=X", true),
            ("CN=a, OU=b", "CN=a,OU=b", true),
            ("CN = a ,OU=b", "CN=a,OU=b", true),
            ("CN=\"a,b\",DC=x", "CN=a\\,b,DC=x", true),
            ("CN=\\C3\\BC,DC=x", "CN=Ü,DC=x", true),
            ("CN=a\\ ,DC=x", "CN=a,DC=x", false),
            ("CN=a,OU=b", "CN=a\\,OU=b", false),
            ("CN=a b,DC=x", "CN=a  b,DC=x", false),
            ("2.5.4.3=a", "CN=a", true),
            ("CN=a.b,DC=x", "CN=A.B,DC=x", true),
            ("CN=Deleted\\0ADEL:1,DC=x", "cn=deleted\\0adel:1,dc=x", true),
            ("not a dn", "not a dn", true),
            ("CN=a=b,DC=x", "CN=a\\=b,DC=x", true),
            ("CN= a,DC=x", "CN=a,DC=x", true),
        ] {
            assert_eq!(same_dn(a, b), same, "{a} | {b}");
        }
    }

    #[test]
    fn splits() {
        for (text, value, parent) in [
            ("CN=a b,OU=x,DC=y", "a b", "OU=x,DC=y"),
            ("CN=a\\,b,OU=x", "a,b", "OU=x"),
            ("CN=a , OU=x", "a", "OU=x"),
            ("CN=\"a,b\",OU=x", "a,b", "OU=x"),
            ("CN=a\\+b,OU=x\\,y,DC=z", "a+b", "OU=x\\,y,DC=z"),
        ] {
            let (v, p) = split(text).unwrap();
            assert_eq!((&*v, &*p), (value, parent), "{text}");
        }
        assert_eq!((split("DC=x"), split("x"), split("")), (None, None, None));
    }

    #[test]
    fn refused() {
        for (text, at) in [
            ("Finance", 8),
            ("CN=a,,DC=x", 6),
            ("CN=a\\", 6),
            ("CN=a\\4", 6),
            ("CN=a\\q", 6),
            ("=a", 1),
            ("CN=\"a", 6),
            ("CN=a<b", 5),
            ("CN=\\FF,DC=x", 7),
            ("CN=a,", 6),
            ("CN=#1", 6),
        ] {
            assert_eq!(Dn::parse(text).unwrap_err().at, at, "{text}");
        }
    }

    #[test]
    fn parts() {
        let dn = Dn::parse("CN=R\\+D,OU=Groups,DC=contoso,DC=com").unwrap();
        assert_eq!(dn.rdn().unwrap().value(), "R+D");
        assert_eq!(dn.parent().unwrap().to_string(), "OU=Groups,DC=contoso,DC=com");
        assert_eq!(dn.dns_domain().unwrap(), "contoso.com");
        assert_eq!(dn.domain_root().unwrap().to_string(), "DC=contoso,DC=com");
        assert_eq!(dn.renamed(Rdn::new("CN", "a,b")).to_string(), "CN=a\\,b,OU=Groups,DC=contoso,DC=com");
        assert!(dn.is_within(&Dn::parse("ou=groups,dc=contoso,dc=com").unwrap()));
        assert!(dn.is_within(&dn));
        assert!(!Dn::parse("OU=aGroups,DC=x").unwrap().is_within(&Dn::parse("OU=Groups,DC=x").unwrap()));
        assert!(!Dn::parse("DC=x").unwrap().is_within(&dn));
        assert_eq!(Dn::parse("").unwrap().rdns().len(), 0);
        assert_eq!(Dn::parse("DC=x").unwrap().parent(), None);
    }

    fn name() -> impl Strategy<Value = String> {
        proptest::string::string_regex("[ -~äöüß中𝒳\\x01\\n]{1,12}").unwrap()
    }

    proptest! {
        #[test]
        fn round_trips(values in proptest::collection::vec(name(), 1..5)) {
            let dn = Dn { rdns: values.iter().map(|v| Rdn::new("OU", v)).collect() };
            let again = Dn::parse(&dn.to_string()).unwrap();
            prop_assert_eq!(&again, &dn);
            prop_assert_eq!(again.key(), dn.key());
        }
        #[test]
        fn fast_and_slow_keys_agree(text in "(CN|ou|DC| cn|1.2|a.b)=([ -~üΣİ]|\\\\[,+# =\\\\]){0,10}(,(DC|OU| dc)=[ -~]{0,8}){0,3}") {
            let mut fast = Vec::new();
            let quick = write_key(&text, &mut fast);
            match Dn::parse(&text) {
                Ok(dn) => prop_assert_eq!(String::from_utf8(fast).unwrap(), dn.key()),
                Err(_) => prop_assert!(quick.is_none(), "{}", text),
            }
        }
        #[test]
        fn a_kept_container_changes_nothing(names in proptest::collection::vec("(CN|ou)=([ -~ü]|\\\\[,+# =\\\\]){0,6}(,(DC=x|OU=a\\\\,b|OU= c|,| )){0,3}", 1..5)) {
            let mut writer = KeyWriter::default();
            for name in &names {
                let mut plain = Vec::new();
                let expected = write_key(name, &mut plain).map(|()| plain.as_slice());
                prop_assert_eq!(writer.key(name.as_bytes()), expected, "{}", name);
            }
        }
        #[test]
        fn never_panics(text in ".{0,60}") {
            let _ = Dn::parse(&text);
            let _ = KeyWriter::default().key(text.as_bytes());
            let _ = write_key(&text, &mut Vec::new());
        }
    }
}
