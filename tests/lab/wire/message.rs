//! LDAP requests as the double understands them, and the answers it builds.

use super::ber::{self, children, element, integer, number, octets, sequence, tagged_integer, text};
use super::directory::{Filter, Object};

/// A control of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Control {
    pub oid: String,
    pub critical: bool,
    pub value: Vec<u8>,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Op {
    Bind { name: String, auth: Auth },
    Unbind,
    Search { base: String, scope: i64, size_limit: i64, filter: Filter, attributes: Vec<String> },
    Modify { dn: String, changes: Vec<(Kind, String, Vec<Vec<u8>>)> },
    Add { dn: String, attributes: Vec<(String, Vec<Vec<u8>>)> },
    Delete { dn: String },
    Rename { dn: String, rdn: String, parent: Option<String> },
    Abandon(i64),
    Extended { oid: String },
    Other(u8),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Add,
    Delete,
    Replace,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Auth {
    Simple(String),
    Sasl(String),
}

/// One request of a client.
#[derive(Debug, Clone)]
pub struct Request {
    /// Number of the connection, from 1.
    pub connection: u64,
    /// Number of the request over all connections, from 1.
    pub number: u64,
    pub id: i64,
    pub op: Op,
    pub controls: Vec<Control>,
}

impl Request {
    pub fn control(&self, oid: &str) -> Option<&Control> {
        self.controls.iter().find(|c| c.oid == oid)
    }
    /// Whether this is a search other than that of the root DSE.
    pub fn is_search(&self) -> bool {
        matches!(&self.op, Op::Search { base, .. } if !base.is_empty())
    }
    pub fn is_bind(&self) -> bool {
        matches!(self.op, Op::Bind { .. })
    }
    /// The cookie of a paged search; empty for its first page, `None` where it is not paged.
    pub fn page(&self) -> Option<(usize, Vec<u8>)> {
        let value = &self.control(PAGED)?.value;
        let ((_, inner), _) = ber::split(value)?;
        let fields = children(inner)?;
        Some((number(fields.first()?.1) as usize, fields.get(1)?.1.to_vec()))
    }

    pub fn read(message: &[u8], connection: u64, count: u64) -> Option<Request> {
        let ((0x30, inner), _) = ber::split(message)? else { return None };
        let parts = children(inner)?;
        let id = number(parts.first()?.1);
        let op = op(*parts.get(1)?)?;
        let mut controls = Vec::new();
        if let Some((0xa0, list)) = parts.get(2) {
            for (_, control) in children(list)? {
                let fields = children(control)?;
                let oid = text(fields.first()?.1);
                let critical = fields.iter().any(|(tag, v)| *tag == 1 && v.first().is_some_and(|b| *b != 0));
                let value = fields.iter().skip(1).find(|(tag, _)| *tag == 4).map(|(_, v)| v.to_vec());
                controls.push(Control { oid, critical, value: value.unwrap_or_default() });
            }
        }
        Some(Request { connection, number: count, id, op, controls })
    }
}

pub const PAGED: &str = "1.2.840.113556.1.4.319";

fn op((tag, content): ber::Element<'_>) -> Option<Op> {
    let values = |content| Some(children(content)?.into_iter().map(|(_, v)| v.to_vec()).collect::<Vec<_>>());
    Some(match tag {
        0x60 => {
            let fields = children(content)?;
            let auth = match *fields.get(2)? {
                (0x80, password) => Auth::Simple(text(password)),
                (_, sasl) => Auth::Sasl(text(children(sasl)?.first()?.1)),
            };
            Op::Bind { name: text(fields.get(1)?.1), auth }
        }
        0x42 => Op::Unbind,
        0x63 => {
            let fields = children(content)?;
            let attributes = children(fields.get(7)?.1)?.into_iter().map(|(_, a)| text(a)).collect();
            Op::Search {
                base: text(fields.first()?.1),
                scope: number(fields.get(1)?.1),
                size_limit: number(fields.get(3)?.1),
                filter: Filter::read(*fields.get(6)?)?,
                attributes,
            }
        }
        0x66 => {
            let fields = children(content)?;
            let mut changes = Vec::new();
            for (_, change) in children(fields.get(1)?.1)? {
                let parts = children(change)?;
                let kind = [Kind::Add, Kind::Delete, Kind::Replace][number(parts.first()?.1) as usize % 3];
                let attribute = children(parts.get(1)?.1)?;
                changes.push((kind, text(attribute.first()?.1), values(attribute.get(1)?.1)?));
            }
            Op::Modify { dn: text(fields.first()?.1), changes }
        }
        0x68 => {
            let fields = children(content)?;
            let mut attributes = Vec::new();
            for (_, attribute) in children(fields.get(1)?.1)? {
                let parts = children(attribute)?;
                attributes.push((text(parts.first()?.1), values(parts.get(1)?.1)?));
            }
            Op::Add { dn: text(fields.first()?.1), attributes }
        }
        0x4a => Op::Delete { dn: text(content) },
        0x6c => {
            let fields = children(content)?;
            let parent = fields.iter().find(|(tag, _)| *tag == 0x80).map(|(_, p)| text(p));
            Op::Rename { dn: text(fields.first()?.1), rdn: text(fields.get(1)?.1), parent }
        }
        0x50 => Op::Abandon(number(content)),
        0x77 => Op::Extended { oid: text(children(content)?.first()?.1) },
        other => Op::Other(other),
    })
}

/// A whole message of the server.
pub fn message(id: i64, op: Vec<u8>, controls: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut parts = vec![integer(id), op];
    if !controls.is_empty() {
        let list: Vec<_> = controls.iter().map(|(oid, value)| sequence(0x30, &[octets(oid), octets(value)])).collect();
        parts.push(sequence(0xa0, &list));
    }
    sequence(0x30, &parts)
}

/// The fields of an LDAPResult in an operation of this tag.
pub fn result(tag: u8, code: i64, said: &str, referrals: &[&str]) -> Vec<u8> {
    let mut fields = vec![tagged_integer(10, code), octets(""), octets(said)];
    if !referrals.is_empty() {
        fields.push(sequence(0xa3, &referrals.iter().map(octets).collect::<Vec<_>>()));
    }
    sequence(tag, &fields)
}

/// The tag of the answer that ends a request.
pub fn answer_tag(op: &Op) -> Option<u8> {
    Some(match op {
        Op::Bind { .. } => 0x61,
        Op::Search { .. } => 0x65,
        Op::Modify { .. } => 0x67,
        Op::Add { .. } => 0x69,
        Op::Delete { .. } => 0x6b,
        Op::Rename { .. } => 0x6d,
        Op::Extended { .. } => 0x78,
        Op::Unbind | Op::Abandon(_) | Op::Other(_) => return None,
    })
}

pub fn entry(object: &Object) -> Vec<u8> {
    let attributes: Vec<_> = object
        .attributes
        .iter()
        .map(|(name, values)| {
            sequence(0x30, &[octets(name), sequence(0x31, &values.iter().map(octets).collect::<Vec<_>>())])
        })
        .collect();
    sequence(0x64, &[octets(&object.dn), sequence(0x30, &attributes)])
}

pub fn reference(urls: &[&str]) -> Vec<u8> {
    sequence(0x73, &urls.iter().map(octets).collect::<Vec<_>>())
}

/// The value of the paged results control of an answer.
pub fn page_value(cookie: &[u8]) -> Vec<u8> {
    sequence(0x30, &[integer(0), octets(cookie)])
}

/// A notice of disconnection, as Active Directory writes it: its name stands outside the response.
pub fn notice(code: i64, said: &str) -> Vec<u8> {
    sequence(0x30, &[integer(0), result(0x78, code, said, &[]), element(0x8a, b"1.3.6.1.4.1.1466.20036")])
}
