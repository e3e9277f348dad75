//! The keyed permutations under every pseudonym: of a word's letters and digits, of GUIDs, of SIDs. The key is drawn
//! anew for each run and never leaves memory, so that nobody can hash a known name and look for it, or match two
//! bundles.

use crate::directory::{ObjectGuid, Sid};
use sha2::{Digest, Sha256};
use std::collections::HashMap;

pub struct Key([u8; 32]);

/// Rounds of the Feistel networks. Ten over a keyed hash leave no structure, however short the word.
const ROUNDS: u8 = 10;

impl Key {
    /// A fresh one from the system's random source.
    pub fn random() -> Self {
        let mut hash = Sha256::new();
        for _ in 0..3 {
            hash.update(uuid::Uuid::new_v4().as_bytes());
        }
        Key(hash.finalize().into())
    }
    /// A known one, for tests that must see the same pseudonyms twice.
    pub fn fixed(seed: u8) -> Self {
        Key([seed; 32])
    }
    /// Bytes that belong to a purpose and a text.
    fn bytes(&self, purpose: &str, parts: &[&[u8]]) -> [u8; 32] {
        let mut hash = Sha256::new();
        hash.update(self.0);
        hash.update(purpose.as_bytes());
        for part in parts {
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part);
        }
        hash.finalize().into()
    }
    fn numbers(&self, purpose: &str, parts: &[&[u8]]) -> [u32; 8] {
        let bytes = self.bytes(purpose, parts);
        std::array::from_fn(|i| {
            u32::from_le_bytes([bytes[i * 4], bytes[i * 4 + 1], bytes[i * 4 + 2], bytes[i * 4 + 3]])
        })
    }

    /// Another GUID for this one; nil stays nil.
    pub fn guid(&self, guid: ObjectGuid) -> ObjectGuid {
        if guid.is_nil() {
            return guid;
        }
        let bytes = self.bytes("guid", &[&guid.as_u128().to_be_bytes()]);
        let value = bytes[..16].iter().fold(0u128, |acc, b| acc << 8 | u128::from(*b));
        // The marks of a random GUID, so that nothing takes it for another sort.
        ObjectGuid::from_u128(value & !(0xf << 76) & !(0x3 << 62) | 4 << 76 | 2 << 62)
    }

    /// A domain's SID becomes another domain's, a relative id from 1000 another such; what every Windows has alike stays.
    pub fn sid(&self, sid: &Sid) -> Sid {
        let bytes = sid.to_bytes();
        let authority = bytes[2..8].iter().fold(0u64, |acc, b| acc << 8 | u64::from(*b));
        let mut subs: Vec<u32> =
            bytes[8..].chunks_exact(4).map(|c| u32::from_le_bytes([c[0], c[1], c[2], c[3]])).collect();
        match (authority, subs.as_slice()) {
            (..=4 | 16, _) | (5, [..=20]) | (5, [32, ..]) | (_, [] | [_]) => return sid.clone(),
            (5, [21, ..]) => {
                let end = subs.len().min(4);
                let domain: Vec<u8> = subs[..end].iter().flat_map(|s| s.to_le_bytes()).collect();
                let other = self.numbers("domain", &[&domain]);
                // Domains are numbered by 32 random bits three times over.
                subs[1..end].iter_mut().zip(other).for_each(|(sub, new)| *sub = new);
                if let Some(rid) = subs.get_mut(4) {
                    *rid = self.rid(&domain, *rid);
                }
                subs.iter_mut().skip(5).zip(&other[3..]).for_each(|(sub, new)| *sub = *new);
            }
            // An Entra object's: its id in four parts.
            (12, [1, a, b, c, d]) => {
                let le: Vec<u8> = [a, b, c, d].iter().flat_map(|s| s.to_le_bytes()).collect();
                if let Some(guid) = ObjectGuid::from_ad_bytes(&le) {
                    let new = self.guid(guid).to_ad_bytes();
                    subs[1..].iter_mut().zip(new.chunks_exact(4)).for_each(|(sub, c)| {
                        *sub = u32::from_le_bytes([c[0], c[1], c[2], c[3]]);
                    });
                }
            }
            _ => {
                let text = sid.to_string();
                for (i, sub) in subs.iter_mut().enumerate().skip(1) {
                    *sub = self.numbers("sid", &[text.as_bytes(), &[i as u8]])[0];
                }
            }
        }
        Sid::new(authority, subs).unwrap_or_else(|| sid.clone())
    }

    /// A permutation of the relative ids from 1000 to 2^30 - 1, one for each domain. Below 1000 they are the system's.
    fn rid(&self, domain: &[u8], rid: u32) -> u32 {
        if !(1000..1 << 30).contains(&rid) {
            return if rid < 1000 {
                rid
            } else {
                self.numbers("rid-beyond", &[domain, &rid.to_le_bytes()])[0] | 1 << 30
            };
        }
        let mut value = rid;
        loop {
            let (mut left, mut right) = (value >> 15, value & 0x7fff);
            for round in 0..ROUNDS {
                let f = self.numbers("rid", &[domain, &[round], &right.to_le_bytes()])[0] & 0x7fff;
                (left, right) = (right, left ^ f);
            }
            value = left << 15 | right;
            if value >= 1000 {
                return value;
            }
        }
    }

    /// Another word of the same length, letters for letters and digits for digits: a permutation of all such words, blind
    /// to letter case. `before` is what the word follows without a break, where a cut of names parts it. Lower-case ASCII.
    fn permuted(&self, word: &[u8], before: &[u8]) -> Vec<u8> {
        let digit: Vec<bool> = word.iter().map(u8::is_ascii_digit).collect();
        let shape: Vec<u8> = digit.iter().map(|d| u8::from(*d)).collect();
        let mut values: Vec<u8> =
            word.iter().map(|b| if b.is_ascii_digit() { b - b'0' } else { b.to_ascii_lowercase() - b'a' }).collect();
        let middle = values.len() / 2;
        for round in 0..ROUNDS {
            let (target, source) =
                if round % 2 == 0 { (0..middle, middle..word.len()) } else { (middle..word.len(), 0..middle) };
            let other = values[source].to_vec();
            let mut stream = [0u32; 8];
            for (n, at) in target.enumerate() {
                if n % 8 == 0 {
                    stream = self.numbers("word", &[&[round, (n / 8) as u8], before, &shape, &other]);
                }
                let radix = if digit[at] { 10 } else { 26 };
                values[at] = ((u32::from(values[at]) + stream[n % 8] % radix) % radix) as u8;
            }
        }
        values.iter().zip(&digit).map(|(v, d)| v + if *d { b'0' } else { b'a' }).collect()
    }

    /// A word with letters beyond ASCII: by hash, each letter for one of its sort.
    fn hashed(&self, word: &str, before: &str) -> String {
        let lower = word.to_lowercase();
        let mut out = String::with_capacity(word.len());
        for (i, c) in word.chars().enumerate() {
            let n = self.numbers("letters", &[before.as_bytes(), lower.as_bytes(), &(i as u32).to_le_bytes()])[0];
            let pick = |first: u32, count: u32| char::from_u32(first + n % count).unwrap_or('x');
            let of = |letters: &str| letters.chars().nth(n as usize % letters.chars().count()).unwrap_or('x');
            let new = match c {
                '0'..='9' => pick('0' as u32, 10),
                c if c.is_ascii() => pick('a' as u32, 26),
                c if (c as u32) > 0xffff => pick(0x20000, 0xa000),
                c if c.is_lowercase() || c.is_uppercase() => of("àáâãäåæçèéêëìíîïñòóôõöøùúûü"),
                _ => pick(0x4e00, 0x5000),
            };
            if c.is_uppercase() { out.extend(new.to_uppercase()) } else { out.push(new) }
        }
        out
    }

    /// Another word, in the letter case of this one.
    pub fn word(&self, word: &str, before: &str) -> String {
        if !word.is_ascii() {
            return self.hashed(word, before);
        }
        let mut new = word.to_ascii_lowercase().into_bytes();
        loop {
            new = self.permuted(&new, before.to_lowercase().as_bytes());
            // Words that are kept must not come out for others: walk on to the next.
            if !super::vocabulary::is_kept_word(&String::from_utf8_lossy(&new)) {
                break;
            }
        }
        let cased = new
            .iter()
            .zip(word.bytes())
            .map(|(n, old)| if old.is_ascii_uppercase() { n.to_ascii_uppercase() } else { *n });
        cased.map(char::from).collect()
    }

    /// An opaque name for a whole value, which tells neither its words nor its length.
    pub fn opaque(&self, purpose: &str, text: &str) -> String {
        let bytes = self.bytes(purpose, &[text.trim().to_lowercase().as_bytes()]);
        let mut out = String::from("x");
        out.extend(bytes[..15].iter().map(|b| char::from(b"abcdefghijkmnpqrstuvwxyz23456789"[usize::from(b % 32)])));
        out
    }
    /// A number that stands for a text, for sets of many texts.
    pub fn number(&self, text: &str) -> u64 {
        let bytes = self.bytes("set", &[text.trim().to_lowercase().as_bytes()]);
        u64::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3], bytes[4], bytes[5], bytes[6], bytes[7]])
    }
}

/// Words seen so far with their pseudonyms: a tenant has far fewer words than names.
#[derive(Default)]
pub struct Words(HashMap<String, String>);

impl Words {
    pub fn get(&mut self, key: &Key, word: &str) -> &str {
        if !self.0.contains_key(word) {
            self.0.insert(word.to_owned(), key.word(word, ""));
        }
        self.0.get(word).map_or("", String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashSet;

    #[test]
    fn short_words_are_permuted() {
        let key = Key::fixed(7);
        let mut seen = HashSet::new();
        for a in b'a'..=b'z' {
            for b in b'0'..=b'9' {
                let word = String::from_utf8(vec![a, b]).unwrap();
                let new = key.word(&word, "");
                assert!(new.as_bytes()[0].is_ascii_lowercase() && new.as_bytes()[1].is_ascii_digit(), "{new}");
                assert!(seen.insert(new), "{word}");
            }
        }
    }

    #[test]
    fn sids() {
        let key = Key::fixed(1);
        let map = |text: &str| key.sid(&Sid::parse(text).unwrap()).to_string();
        for kept in ["S-1-1-0", "S-1-5-11", "S-1-5-32-544", "S-1-3-4", "S-1-5-18", "S-1-16-8192"] {
            assert_eq!(map(kept), kept);
        }
        let (admins, user, other) = (map("S-1-5-21-1-2-3-512"), map("S-1-5-21-1-2-3-1105"), map("S-1-5-21-1-2-4-1105"));
        assert!(admins.ends_with("-512") && !admins.contains("-21-1-2-3-"), "{admins}");
        assert_eq!(admins.rsplit_once('-').unwrap().0, user.rsplit_once('-').unwrap().0);
        assert_eq!(admins.rsplit_once('-').unwrap().0, map("S-1-5-21-1-2-3"));
        assert_ne!(user.rsplit_once('-').unwrap(), other.rsplit_once('-').unwrap());
        assert!(!user.ends_with("-1105"));
        // An Entra id and the SID made of it stay a pair.
        let guid = ObjectGuid::parse("3a5c3221-c465-48c0-95b8-e9305786a271").unwrap();
        let of = |g: ObjectGuid| {
            let subs = g
                .to_ad_bytes()
                .chunks_exact(4)
                .map(|c| u32::from_le_bytes([c[0], c[1], c[2], c[3]]))
                .collect::<Vec<_>>();
            Sid::new(12, [vec![1], subs].concat()).unwrap()
        };
        assert_eq!(key.sid(&of(guid)), of(key.guid(guid)));
        assert!(key.guid(ObjectGuid::NIL).is_nil());
    }

    #[test]
    fn relative_ids_are_permuted() {
        let key = Key::fixed(3);
        let new: HashSet<u32> = (1000..6000).map(|rid| key.rid(b"d", rid)).collect();
        assert_eq!(new.len(), 5000);
        assert!(new.iter().all(|rid| (1000..1 << 30).contains(rid)));
    }

    proptest! {
        #[test]
        fn words_keep_shape_and_case_blind_equality(word in "[a-zA-Z0-9]{1,40}") {
            let key = Key::fixed(9);
            let new = key.word(&word, "");
            prop_assert_eq!(new.len(), word.len());
            for (a, b) in word.bytes().zip(new.bytes()) {
                prop_assert_eq!((a.is_ascii_digit(), a.is_ascii_uppercase()), (b.is_ascii_digit(), b.is_ascii_uppercase()));
            }
            prop_assert_eq!(key.word(&word.to_lowercase(), ""), new.to_lowercase());
        }
        #[test]
        fn other_letters_keep_their_number(word in "[a-zäöüßÀ-ÖА-я中文]{1,12}") {
            let new = Key::fixed(9).word(&word, "");
            prop_assert_eq!(new.chars().count(), word.chars().count());
        }
    }
}
