//! Names as keys: what lets one pass number every member without comparing names.

use crate::collect::ldif::Entry;
use crate::directory::KeyWriter;
use uuid::Uuid;
use xxhash_rust::xxh3::xxh3_128_with_seed;

/// Turns names into 128-bit keys. With a seed drawn for the run nobody can prepare a collision, and by chance one among
/// ten million names has odds of 10^-25; so a key stands for its name, and members are numbered without touching the
/// names again.
#[derive(Clone, Copy)]
pub struct NameKeys {
    seed: u64,
}

pub type NameKey = [u64; 2];

impl Default for NameKeys {
    fn default() -> Self {
        NameKeys { seed: Uuid::new_v4().as_u128() as u64 }
    }
}

impl NameKeys {
    fn hash(self, bytes: &[u8]) -> NameKey {
        let hash = xxh3_128_with_seed(bytes, self.seed);
        [hash as u64, (hash >> 64) as u64]
    }
    /// The key of a text as it is spelt. Members mostly spell a name alike, and then this is all that is needed.
    pub fn spelling(self, text: &[u8]) -> NameKey {
        self.hash(text)
    }
    /// The key of a name, equal for all its spellings; `None` for what is no distinguished name.
    pub fn name(self, dn: &[u8], writer: &mut KeyWriter) -> Option<NameKey> {
        Some(self.hash(writer.key(dn)?))
    }
}

/// An entry with the keys of the names it holds, made ready by another thread than the one that numbers them.
#[derive(Default)]
pub struct Prepared {
    pub entry: Entry,
    pub(super) dn: NameKey,
    /// Keys of the values of `member` and `memberOf`, in order.
    pub(super) names: Vec<NameKey>,
}

impl Prepared {
    /// An entry with its names keyed.
    pub fn of(entry: Entry, keys: NameKeys) -> Self {
        let mut prepared = Prepared { entry, ..Prepared::default() };
        prepared.make_ready(keys);
        prepared
    }

    pub fn make_ready(&mut self, keys: NameKeys) {
        self.dn = keys.spelling(self.entry.dn.as_bytes());
        if self.names.capacity() > 1 << 10 {
            self.names = Vec::new();
        }
        self.names.clear();
        self.names.reserve_exact(self.entry.count());
        for (name, value, _) in self.entry.values() {
            if is_name_list(name) && !value.is_empty() {
                self.names.push(keys.spelling(value));
            }
        }
    }
}

/// `member` and `memberOf`, with options or without.
fn is_name_list(attribute: &str) -> bool {
    if !attribute.starts_with(['m', 'M']) {
        return false;
    }
    let attribute = attribute.split(';').next().unwrap_or(attribute);
    attribute.eq_ignore_ascii_case("member") || attribute.eq_ignore_ascii_case("memberOf")
}
