//! Messages of the protocol, as far as a connection that only reads meets them: requests written, answers taken apart
//! where they lie. What is not exactly as RFC 4511 has it is refused, since a part of an answer must not pass for the
//! whole; one known fault of Active Directory is forgiven (the name of a notice stands outside of it).

use crate::ldap::ber::{self, BOOLEAN, ENUMERATED, INTEGER, OCTETS, SEQUENCE};
use crate::ldap::control::Control;
use crate::ldap::request::Search;
use lber::structures::ASNTag;
use ldap3::LdapResult;

/// Tags of operations.
pub mod op {
    pub const BIND: u8 = 0x60;
    pub const BOUND: u8 = 0x61;
    pub const UNBIND: u8 = 0x42;
    pub const SEARCH: u8 = 0x63;
    pub const ENTRY: u8 = 0x64;
    pub const DONE: u8 = 0x65;
    pub const REFERENCE: u8 = 0x73;
    pub const ABANDON: u8 = 0x50;
    pub const EXTENDED: u8 = 0x77;
    pub const EXTENDED_ANSWER: u8 = 0x78;
}

const CONTROLS: u8 = 0xa0;
const REFERRAL: u8 = 0xa3;
const SIMPLE: u8 = 0x80;
const SASL: u8 = 0xa3;
const EXTENDED_NAME: u8 = 0x80;
/// Where Active Directory writes the name of a notice, beside the operation instead of in it.
const MISPLACED_NAME: u8 = 0x8a;
/// The value that an extended operation is answered with.
const EXTENDED_VALUE: u8 = 0x8b;
const START_TLS: &str = "1.3.6.1.4.1.1466.20037";
const WHO_AM_I: &str = "1.3.6.1.4.1.4203.1.11.3";

/// One message.
#[derive(Debug, PartialEq, Eq)]
pub struct Message<'b> {
    pub id: i32,
    pub op: u8,
    pub content: &'b [u8],
    controls: &'b [u8],
}

impl<'b> Message<'b> {
    /// From the content of the outermost sequence.
    pub fn parse(content: &'b [u8]) -> Option<Message<'b>> {
        let (id, rest) = ber::expect(INTEGER, content)?;
        let id = i32::try_from(ber::number(id)?).ok()?;
        let (op, content, mut rest) = ber::split(rest)?;
        let mut controls = &[][..];
        while !rest.is_empty() {
            let (tag, inner, after) = ber::split(rest)?;
            match tag {
                CONTROLS => controls = inner,
                MISPLACED_NAME => {}
                _ => return None,
            }
            rest = after;
        }
        Some(Message { id, op, content, controls })
    }

    /// Whether more messages of this operation may follow.
    pub fn is_last(&self) -> bool {
        !matches!(self.op, op::ENTRY | op::REFERENCE)
    }

    /// The value of an answer's control, empty where it has none; the outer `None` where the list is malformed.
    pub fn control(&self, oid: &str) -> Option<Option<&'b [u8]>> {
        let mut rest = self.controls;
        let mut found = None;
        while !rest.is_empty() {
            let (one, after) = ber::expect(SEQUENCE, rest)?;
            let (name, mut inner) = ber::expect(OCTETS, one)?;
            if let Some((_, after)) = ber::expect(BOOLEAN, inner) {
                inner = after;
            }
            let value = match inner.is_empty() {
                true => &[][..],
                false => ber::expect(OCTETS, inner).filter(|(_, after)| after.is_empty())?.0,
            };
            if name == oid.as_bytes() {
                found.get_or_insert(value);
            }
            rest = after;
        }
        Some(found)
    }

    /// The result that ends an operation.
    pub fn result(&self) -> Option<LdapResult> {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let (code, rest) = ber::expect(ENUMERATED, self.content)?;
        let (matched, rest) = ber::expect(OCTETS, rest)?;
        let (said, rest) = ber::expect(OCTETS, rest)?;
        let refs = match ber::expect(REFERRAL, rest) {
            Some((list, _)) => texts(list)?,
            None => Vec::new(),
        };
        Some(LdapResult { rc: ber::number(code)?, matched: text(matched), text: text(said), refs, ctrls: Vec::new() })
    }

    /// The value in an extended operation's answer.
    pub fn value(&self) -> Option<&'b [u8]> {
        let mut rest = self.content;
        while let Some((tag, content, after)) = ber::split(rest) {
            if tag == EXTENDED_VALUE {
                return Some(content);
            }
            rest = after;
        }
        None
    }
}

/// The addresses of a continuation reference.
pub fn texts(mut list: &[u8]) -> Option<Vec<String>> {
    let mut out = Vec::new();
    while !list.is_empty() {
        let (text, after) = ber::expect(OCTETS, list)?;
        out.push(std::str::from_utf8(text).ok()?.to_owned());
        list = after;
    }
    Some(out)
}

/// A whole message out of an operation.
pub fn message(id: i32, operation: &[u8], controls: &[Control]) -> Vec<u8> {
    let mut fields = ber::integer(id as u64);
    fields.extend_from_slice(operation);
    if !controls.is_empty() {
        let controls: Vec<u8> = controls.iter().flat_map(control).collect();
        fields.extend(ber::element(CONTROLS, &controls));
    }
    ber::element(SEQUENCE, &fields)
}

fn control(control: &Control) -> Vec<u8> {
    let raw = control.raw();
    let mut fields = vec![ber::octets(raw.ctype.as_bytes())];
    if raw.crit {
        fields.push(ber::element(BOOLEAN, &[0xff]));
    }
    fields.extend(raw.val.map(|value| ber::octets(&value)));
    ber::sequence(&fields)
}

/// A search; `None` where its filter is not valid.
pub fn search(search: &Search) -> Option<Vec<u8>> {
    let filter = ldap3::parse_filter(&search.filter).ok()?;
    let attributes: Vec<Vec<u8>> = search.attributes.iter().map(|a| ber::octets(a.as_bytes())).collect();
    let fields = [
        ber::octets(search.base.as_bytes()),
        ber::tagged_integer(ENUMERATED, search.scope as u64),
        // Aliases are not followed.
        ber::tagged_integer(ENUMERATED, 0),
        ber::integer(u64::from(search.size_limit)),
        // No limit of time but our own.
        ber::integer(0),
        // Names with their values.
        ber::element(BOOLEAN, &[0]),
        ber::structure(&filter.into_structure()),
        ber::sequence(&attributes),
    ];
    Some(ber::element(op::SEARCH, &fields.concat()))
}

/// Signs in by name and password.
pub fn simple_bind(user: &str, password: &str) -> Vec<u8> {
    let fields = [ber::integer(3), ber::octets(user.as_bytes()), ber::element(SIMPLE, password.as_bytes())];
    ber::element(op::BIND, &fields.concat())
}

/// Signs in as whom the certificate of the TLS connection names.
pub fn external_bind() -> Vec<u8> {
    let mechanism = [ber::octets(b"EXTERNAL"), ber::octets(b"")].concat();
    let fields = [ber::integer(3), ber::octets(b""), ber::element(SASL, &mechanism)];
    ber::element(op::BIND, &fields.concat())
}

pub fn start_tls() -> Vec<u8> {
    extended(START_TLS)
}

pub fn who_am_i() -> Vec<u8> {
    extended(WHO_AM_I)
}

fn extended(oid: &str) -> Vec<u8> {
    ber::element(op::EXTENDED, &ber::element(EXTENDED_NAME, oid.as_bytes()))
}

pub fn unbind() -> Vec<u8> {
    ber::element(op::UNBIND, &[])
}

pub fn abandon(id: i32) -> Vec<u8> {
    ber::tagged_integer(op::ABANDON, id as u64)
}

/// Controls of a search request: its own, and the page's.
pub fn controls(search: &Search, cookie: &[u8]) -> Vec<Control> {
    let mut out = search.controls.clone();
    out.extend(search.page.map(|size| Control::Paged { size, cookie: cookie.to_vec() }));
    out
}

#[cfg(test)]
mod tests;
