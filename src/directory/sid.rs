//! Security identifiers: binary (MS-DTYP 2.4.2.2) and text (`S-1-5-21-…-1105`).

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// A security identifier. At most 15 sub-authorities, as Windows allows.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Sid {
    authority: u64,
    subs: Vec<u32>,
}

impl Sid {
    pub const MAX_SUB_AUTHORITIES: usize = 15;

    pub fn new(authority: u64, subs: Vec<u32>) -> Option<Self> {
        (subs.len() <= Self::MAX_SUB_AUTHORITIES && authority < 1 << 48).then_some(Sid { authority, subs })
    }
    /// From the bytes of an `objectSid` value: revision 1, count, 6 bytes of authority big-endian, sub-authorities
    /// little-endian, and nothing after.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (sid, used) = Self::from_prefix(bytes)?;
        (used == bytes.len()).then_some(sid)
    }
    /// The SID at the start of `bytes` and how many bytes it takes, as inside a security descriptor.
    pub fn from_prefix(bytes: &[u8]) -> Option<(Self, usize)> {
        let (&[revision, count], rest) = bytes.split_first_chunk::<2>()?;
        if revision != 1 || usize::from(count) > Self::MAX_SUB_AUTHORITIES {
            return None;
        }
        let (authority, rest) = rest.split_first_chunk::<6>()?;
        let authority = authority.iter().fold(0u64, |acc, b| acc << 8 | u64::from(*b));
        let subs = rest.get(..usize::from(count) * 4)?;
        let subs = subs.chunks_exact(4).map(|c| u32::from_le_bytes([c[0], c[1], c[2], c[3]])).collect();
        Some((Sid { authority, subs }, 8 + usize::from(count) * 4))
    }
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = vec![1, self.subs.len() as u8];
        out.extend_from_slice(&self.authority.to_be_bytes()[2..]);
        for sub in &self.subs {
            out.extend_from_slice(&sub.to_le_bytes());
        }
        out
    }
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.strip_prefix("S-1-").or_else(|| text.strip_prefix("s-1-"))?.split('-');
        let authority = parts.next()?;
        let authority = match authority.strip_prefix("0x") {
            Some(hex) => u64::from_str_radix(hex, 16).ok()?,
            None if authority.starts_with('+') => return None,
            None => authority.parse().ok()?,
        };
        let mut subs = Vec::new();
        for part in parts {
            if part.starts_with('+') {
                return None;
            }
            subs.push(part.parse().ok()?);
        }
        Self::new(authority, subs)
    }
    /// The last sub-authority: the relative id of a domain account.
    pub fn rid(&self) -> Option<u32> {
        self.subs.last().copied()
    }
    /// All but the last sub-authority: the domain of a domain account.
    pub fn domain(&self) -> Option<Sid> {
        let (_, rest) = self.subs.split_last()?;
        Some(Sid { authority: self.authority, subs: rest.to_vec() })
    }
    /// This domain's SID with a relative id appended.
    pub fn with_rid(&self, rid: u32) -> Option<Sid> {
        let mut subs = self.subs.clone();
        subs.push(rid);
        Self::new(self.authority, subs)
    }
    /// True for `S-1-5-21-x-y-z-rid`.
    pub fn is_domain_account(&self) -> bool {
        self.authority == 5 && self.subs.len() == 5 && self.subs[0] == 21
    }
    /// True for `S-1-5-32-…`, the built-in domain.
    pub fn is_builtin(&self) -> bool {
        self.authority == 5 && self.subs.len() == 2 && self.subs[0] == 32
    }
}

impl fmt::Display for Sid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.authority < 1 << 32 {
            write!(f, "S-1-{}", self.authority)?;
        } else {
            write!(f, "S-1-0x{:012x}", self.authority)?;
        }
        for sub in &self.subs {
            write!(f, "-{sub}")?;
        }
        Ok(())
    }
}

impl FromStr for Sid {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        Self::parse(text).ok_or_else(|| format!("{text:?} is not a security identifier (S-1-5-…)"))
    }
}

impl TryFrom<String> for Sid {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Sid> for String {
    fn from(sid: Sid) -> String {
        sid.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn known_values() {
        let builtin = Sid::from_bytes(&[1, 2, 0, 0, 0, 0, 0, 5, 32, 0, 0, 0, 32, 2, 0, 0]).unwrap();
        assert_eq!(builtin.to_string(), "S-1-5-32-544");
        assert!(builtin.is_builtin() && !builtin.is_domain_account());
        let user = Sid::parse("S-1-5-21-1-2-3-1105").unwrap();
        assert_eq!((user.rid(), user.domain().unwrap().to_string()), (Some(1105), "S-1-5-21-1-2-3".into()));
        assert_eq!(Sid::parse("S-1-0x1000000000000"), None);
        assert_eq!(Sid::parse("S-1-15-2").unwrap().to_string(), "S-1-15-2");
    }

    #[test]
    fn refused() {
        for bytes in
            [&[][..], &[1], &[2, 0, 0, 0, 0, 0, 0, 5], &[1, 16, 0, 0, 0, 0, 0, 5], &[1, 1, 0, 0, 0, 0, 0, 5, 1]]
        {
            assert_eq!(Sid::from_bytes(bytes), None, "{bytes:?}");
        }
        for text in ["", "S-1", "S-2-5-21", "S-1-5-x", "S-1-5-4294967296", "S-1-+5-1", "S-1-5-+1"] {
            assert_eq!(Sid::parse(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn round_trips(authority in 0u64..1 << 48, subs in proptest::collection::vec(any::<u32>(), 0..=15)) {
            let sid = Sid::new(authority, subs).unwrap();
            prop_assert_eq!(Sid::from_bytes(&sid.to_bytes()), Some(sid.clone()));
            prop_assert_eq!(Sid::parse(&sid.to_string()), Some(sid));
        }
        #[test]
        fn never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..80), text in ".{0,60}") {
            let _ = Sid::from_bytes(&bytes);
            let _ = Sid::parse(&text);
        }
    }
}
