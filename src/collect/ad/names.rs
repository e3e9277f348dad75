//! Names as keys and as numbers: what lets one pass number every member without comparing names.

use crate::collect::ldif::Entry;
use crate::directory::KeyWriter;
use hashbrown::HashTable;
use uuid::Uuid;
use xxhash_rust::xxh3::xxh3_128_with_seed;

/// Turns names into 96-bit keys. With a seed drawn for the run nobody can prepare a collision, and by chance one among
/// ten million names has odds of 10^-15; so a key stands for its name, and members are numbered without touching the
/// names again.
#[derive(Clone, Copy)]
pub struct NameKeys {
    seed: u64,
}

/// In parts, so that a key and a number take sixteen bytes, of which a cache line holds four.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct NameKey([u32; 3]);

impl NameKey {
    /// By which a table finds its place.
    fn place(self) -> u64 {
        u64::from(self.0[0]) | u64::from(self.0[1]) << 32
    }
}

impl Default for NameKeys {
    fn default() -> Self {
        NameKeys { seed: Uuid::new_v4().as_u128() as u64 }
    }
}

impl NameKeys {
    fn hash(self, bytes: &[u8]) -> NameKey {
        let hash = xxh3_128_with_seed(bytes, self.seed);
        NameKey([hash as u32, (hash >> 32) as u32, (hash >> 64) as u32])
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

/// Numbers of names, by every spelling met and by the name itself.
#[derive(Default)]
pub struct Numbers {
    pub keys: NameKeys,
    by_spelling: HashTable<(NameKey, u32)>,
    by_name: HashTable<(NameKey, u32)>,
    writer: KeyWriter,
}

impl Numbers {
    /// With keys made elsewhere.
    #[cfg(test)]
    pub fn of(keys: NameKeys) -> Self {
        Numbers { keys, ..Numbers::default() }
    }

    /// The number of a name spelt as before.
    pub fn spelt(&self, spelling: NameKey) -> Option<u32> {
        self.by_spelling.find(spelling.place(), |(known, _)| *known == spelling).map(|(_, id)| *id)
    }

    /// The number of a name that was met before, however spelt.
    pub fn named(&mut self, dn: &[u8]) -> Option<u32> {
        let key = self.keys.name(dn, &mut self.writer)?;
        self.by_name.find(key.place(), |(known, _)| *known == key).map(|(_, id)| *id)
    }

    /// The number of a name, which `next` gives when it is first seen; `None` for what is no distinguished name.
    pub fn number(&mut self, dn: &[u8], spelling: NameKey, next: impl FnOnce() -> u32) -> Option<u32> {
        if let Some(id) = self.spelt(spelling) {
            return Some(id);
        }
        let key = self.keys.name(dn, &mut self.writer)?;
        let entry = self.by_name.entry(key.place(), |(known, _)| *known == key, |(known, _)| known.place());
        let id = entry.or_insert_with(|| (key, next())).get().1;
        self.by_spelling.insert_unique(spelling.place(), (spelling, id), |(known, _)| known.place());
        Some(id)
    }

    /// From now on the name means this object; false for what is no distinguished name.
    pub fn name(&mut self, dn: &[u8], id: u32) -> bool {
        let Some(key) = self.keys.name(dn, &mut self.writer) else { return false };
        self.by_name.insert_unique(key.place(), (key, id), |(known, _)| known.place());
        true
    }

    /// From now on no name means this object.
    pub fn forget(&mut self, id: u32) {
        self.by_spelling.retain(|(_, known)| *known != id);
        self.by_name.retain(|(_, known)| *known != id);
    }

    /// No name is asked for any more.
    pub fn clear(&mut self) {
        (self.by_spelling, self.by_name) = Default::default();
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
        for (_, values) in self.entry.attributes().filter(|(name, _)| is_name_list(name)) {
            self.names.extend(values.map(|(value, _)| value).filter(|v| !v.is_empty()).map(|v| keys.spelling(v)));
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
