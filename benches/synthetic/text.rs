//! Names, ids and lines as bytes, appended to a buffer: no formatting machinery in the loops that run a billion times.

use super::plan::{Era, Group, User};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

pub const DOMAIN: &str = "DC=contoso,DC=com";
pub const DNS_DOMAIN: &str = "contoso.com";
pub const CONTAINER: &str = "OU=GroupWriteback,DC=contoso,DC=com";
/// Sub-authorities of the domain's SID.
pub const DOMAIN_SID: [u32; 4] = [21, 1_004_336_348, 1_177_238_915, 682_003_330];

const FIRST: [&str; 16] = [
    "Amara", "Bruno", "Chiara", "Dmitri", "Elif", "Farid", "Greta", "Hiro", "Ines", "Jonas", "Kavya", "Lucia", "Mateo",
    "Nadia", "Oskar", "Zoë",
];
const LAST: [&str; 16] = [
    "Abebe",
    "Brandt",
    "Castillo",
    "Dubois",
    "Eriksen",
    "Fontana",
    "Grabowski",
    "Haddad",
    "Ivanova",
    "Jensen",
    "Kowalczyk",
    "Lindqvist",
    "Moreau",
    "Nakamura",
    "Okonkwo",
    "Müller",
];
const CITIES: [&str; 8] = ["Berlin", "Lagos", "Lyon", "Osaka", "Oslo", "Porto", "Quito", "Tartu"];
const TEAMS: [&str; 16] = [
    "Finance",
    "Legal",
    "Payroll",
    "Sales EMEA",
    "Sales APAC",
    "Research",
    "Support",
    "Facilities",
    "Procurement",
    "Audit",
    "Platform Engineering",
    "Data Science",
    "Field Service",
    "Treasury",
    "Marketing",
    "Quality Assurance and Regulatory Affairs",
];
const PURPOSES: [&str; 8] =
    ["Readers", "Editors", "Owners", "Share Full Access", "VPN Users", "Application Users", "Approvers", "Break Glass"];

pub fn digits(out: &mut Vec<u8>, mut number: u64, width: usize) {
    let start = out.len();
    loop {
        out.push(b'0' + (number % 10) as u8);
        number /= 10;
        if number == 0 {
            break;
        }
    }
    while out.len() - start < width {
        out.push(b'0');
    }
    out[start..].reverse();
}

/// Hyphenated lower-case text.
pub fn guid(out: &mut Vec<u8>, value: u128) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    for (i, byte) in value.to_be_bytes().into_iter().enumerate() {
        if matches!(i, 4 | 6 | 8 | 10) {
            out.push(b'-');
        }
        out.push(HEX[usize::from(byte >> 4)]);
        out.push(HEX[usize::from(byte & 15)]);
    }
}

/// The bytes of objectGUID: the first three fields little-endian.
pub fn guid_bytes(value: u128) -> [u8; 16] {
    let mut bytes = value.to_be_bytes();
    bytes[0..4].reverse();
    bytes[4..6].reverse();
    bytes[6..8].reverse();
    bytes
}

pub fn sid(out: &mut Vec<u8>, rid: u32) {
    out.extend_from_slice(b"S-1-5");
    for part in DOMAIN_SID.into_iter().chain([rid]) {
        out.push(b'-');
        digits(out, part.into(), 1);
    }
}

pub fn sid_bytes(rid: u32) -> [u8; 28] {
    let mut bytes = [0; 28];
    bytes[..8].copy_from_slice(&[1, 5, 0, 0, 0, 0, 0, 5]);
    for (slot, part) in bytes[8..].chunks_exact_mut(4).zip(DOMAIN_SID.into_iter().chain([rid])) {
        slot.copy_from_slice(&part.to_le_bytes());
    }
    bytes
}

/// `Okonkwo, Nadia 0000017` for one user in 64, else `Nadia Okonkwo 0000017`; as a name in a DN where `escaped`.
pub fn user_name(out: &mut Vec<u8>, user: &User, escaped: bool) {
    let first = FIRST[(user.dice & 15) as usize];
    let last = LAST[(user.dice >> 4 & 15) as usize];
    if user.dice >> 8 & 63 == 0 {
        out.extend_from_slice(last.as_bytes());
        out.extend_from_slice(if escaped { b"\\, " } else { b", " });
        out.extend_from_slice(first.as_bytes());
    } else {
        out.extend_from_slice(first.as_bytes());
        out.push(b' ');
        out.extend_from_slice(last.as_bytes());
    }
    out.push(b' ');
    digits(out, user.number, 7);
}

pub fn account_name(out: &mut Vec<u8>, user: &User) {
    out.push(b'u');
    digits(out, user.number, 7);
}

pub fn user_dn(out: &mut Vec<u8>, user: &User) {
    out.extend_from_slice(b"CN=");
    user_name(out, user, true);
    out.extend_from_slice(b",OU=");
    out.extend_from_slice(CITIES[(user.dice >> 14 & 7) as usize].as_bytes());
    out.extend_from_slice(b",OU=People,");
    out.extend_from_slice(DOMAIN.as_bytes());
}

pub fn group_name(out: &mut Vec<u8>, group: &Group) {
    out.extend_from_slice(TEAMS[(group.dice & 15) as usize].as_bytes());
    out.push(b' ');
    out.extend_from_slice(PURPOSES[(group.dice >> 4 & 7) as usize].as_bytes());
    out.push(b' ');
    digits(out, group.number, 7);
}

pub fn anchor(out: &mut Vec<u8>, id: u128) {
    out.extend_from_slice(b"Group_");
    guid(out, id);
}

/// The name that the group's era gave it.
pub fn group_cn(out: &mut Vec<u8>, group: &Group) {
    match group.era {
        Era::Anchor => anchor(out, group.id),
        Era::ByHand => group_name(out, group),
        Era::DisplayName => {
            let start = out.len();
            group_name(out, group);
            out.truncate(start + 51); // the names are ASCII
            out.push(b'_');
            let at = out.len();
            guid(out, group.id);
            out.drain(at..at + 24);
        }
    }
}

pub fn group_dn(out: &mut Vec<u8>, group: &Group) {
    out.extend_from_slice(b"CN=");
    group_cn(out, group);
    out.push(b',');
    out.extend_from_slice(CONTAINER.as_bytes());
}

pub fn synced_group_dn(out: &mut Vec<u8>, number: u64) {
    out.extend_from_slice(b"CN=Legacy Group ");
    digits(out, number, 6);
    out.extend_from_slice(b",OU=Groups,");
    out.extend_from_slice(DOMAIN.as_bytes());
}

/// A file being written, and how long it has become.
pub struct Sink {
    out: BufWriter<File>,
    pub bytes: u64,
}

impl Sink {
    pub fn create(path: &Path) -> io::Result<Self> {
        Ok(Sink { out: BufWriter::with_capacity(1 << 20, File::create_new(path)?), bytes: 0 })
    }
    pub fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.bytes += bytes.len() as u64;
        self.out.write_all(bytes)
    }
    pub fn finish(mut self) -> io::Result<u64> {
        self.out.flush()?;
        Ok(self.bytes)
    }
}

/// LDIF as `ldapsearch -LLL` writes it: folded at 76 columns, base64 where RFC 2849 asks for it.
pub struct Ldif {
    pub sink: Sink,
    line: Vec<u8>,
}

const WIDTH: usize = 76;

impl Ldif {
    pub fn create(path: &Path) -> io::Result<Self> {
        Ok(Ldif { sink: Sink::create(path)?, line: Vec::new() })
    }

    pub fn text(&mut self, name: &str, value: &[u8]) -> io::Result<()> {
        let safe = value.iter().all(|b| matches!(b, 0x20..=0x7e))
            && !matches!(value.first(), Some(b' ' | b':' | b'<'))
            && value.last() != Some(&b' ');
        if !safe {
            return self.binary(name, value);
        }
        self.line.clear();
        self.line.extend_from_slice(name.as_bytes());
        self.line.extend_from_slice(b": ");
        self.line.extend_from_slice(value);
        self.fold()
    }

    pub fn binary(&mut self, name: &str, value: &[u8]) -> io::Result<()> {
        self.line.clear();
        self.line.extend_from_slice(name.as_bytes());
        self.line.extend_from_slice(b":: ");
        let start = self.line.len();
        self.line.resize(start + value.len().div_ceil(3) * 4, 0);
        STANDARD.encode_slice(value, &mut self.line[start..]).map_err(io::Error::other)?;
        self.fold()
    }

    pub fn end(&mut self) -> io::Result<()> {
        self.sink.put(b"\n")
    }

    fn fold(&mut self) -> io::Result<()> {
        let (head, mut rest) = self.line.split_at(self.line.len().min(WIDTH));
        self.sink.put(head)?;
        while !rest.is_empty() {
            let (next, after) = rest.split_at(rest.len().min(WIDTH - 1));
            self.sink.put(b"\n ")?;
            self.sink.put(next)?;
            rest = after;
        }
        self.sink.put(b"\n")
    }
}
