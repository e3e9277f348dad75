//! The consumer: entries of all connections come together here and go, each object once, through the same builder that
//! reads exported files.

use super::link::Read;
use super::metadata::Metadata;
use super::names::Kind;
use crate::collect::ad::{AdBuilder, NameKeys, Prepared};
use crate::directory::ObjectGuid;
use crate::directory::inventory::Inventory;
use crate::error::Result;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::path::PathBuf;
use tokio::sync::mpsc;

/// Entries of one partition; `None` for those that are not counted.
pub struct Batch {
    pub partition: Option<usize>,
    pub kind: Option<Kind>,
    pub entries: Vec<(ObjectGuid, Prepared)>,
    pub values_by_range: u64,
}

impl Batch {
    /// Keys the names, which is the work that can be done before entries come together.
    pub fn of(
        keys: NameKeys,
        partition: Option<usize>,
        kind: Option<Kind>,
        read: impl IntoIterator<Item = Read>,
    ) -> Self {
        let mut values_by_range = 0;
        let entries = read
            .into_iter()
            .map(|read| {
                values_by_range += read.values_by_range;
                (read.guid, Prepared::of(read.entry, keys))
            })
            .collect();
        Batch { partition, kind, entries, values_by_range }
    }
}

/// What is being built.
pub struct Feed {
    pub builder: AdBuilder,
    pub inventory: Inventory,
    /// What was read, and as what: an open partition that is read again brings nothing twice.
    pub seen: HashMap<ObjectGuid, Option<Kind>>,
    /// Objects by partition.
    pub read: Vec<u64>,
    pub values_by_range: u64,
    /// Of groups, where it comes along with them.
    pub metadata: Option<HashMap<ObjectGuid, Metadata>>,
    /// The server, as the place of errors.
    pub place: PathBuf,
}

impl Feed {
    pub fn new(place: PathBuf) -> Self {
        Feed {
            builder: AdBuilder::default(),
            inventory: Inventory::default(),
            seen: HashMap::new(),
            read: Vec::new(),
            values_by_range: 0,
            metadata: None,
            place,
        }
    }

    pub fn take(&mut self, batch: Batch) -> Result<()> {
        for (guid, prepared) in &batch.entries {
            if !guid.is_nil() {
                match self.seen.entry(*guid) {
                    Entry::Vacant(unseen) => drop(unseen.insert(batch.kind)),
                    Entry::Occupied(mut seen) => {
                        // An object of the surroundings is counted where its partition brings it.
                        if batch.kind.is_some() && seen.get().is_none() {
                            seen.insert(batch.kind);
                            self.count(batch.partition);
                        }
                        continue;
                    }
                }
            }
            self.builder.add(&mut self.inventory, prepared, &self.place)?;
            if let (Some(metadata), Some(Kind::Groups)) = (&mut self.metadata, batch.kind) {
                metadata.insert(*guid, Metadata::of(*guid, &prepared.entry));
            }
            self.count(batch.partition);
        }
        self.values_by_range += batch.values_by_range;
        Ok(())
    }

    fn count(&mut self, partition: Option<usize>) {
        let Some(partition) = partition else { return };
        if self.read.len() <= partition {
            self.read.resize(partition + 1, 0);
        }
        self.read[partition] += 1;
    }

    /// A newer description of an object.
    pub fn refresh(&mut self, kind: Option<Kind>, read: Read) -> Result<()> {
        let (guid, range) = (read.guid, read.values_by_range);
        let prepared = Prepared::of(read.entry, self.builder.keys());
        self.builder.refresh(&mut self.inventory, &prepared, guid, &self.place)?;
        self.values_by_range += range;
        // What is known of the former state is read anew at the end.
        if let Some(metadata) = &mut self.metadata {
            metadata.remove(&guid);
        }
        let known = self.seen.entry(guid).or_insert(kind);
        *known = kind.or(*known);
        Ok(())
    }

    /// The GUID of a known object by its name.
    pub fn guid_of(&mut self, dn: &str) -> Option<ObjectGuid> {
        let id = self.builder.number_of(dn.as_bytes())?;
        Some(self.inventory.ad.objects[id as usize].guid).filter(|guid| !guid.is_nil())
    }

    /// The object is no more.
    pub fn gone(&mut self, guid: ObjectGuid) {
        self.builder.gone(&self.inventory, guid);
        self.seen.remove(&guid);
    }

    /// Takes batches until nobody sends any more.
    pub fn run(mut self, mut batches: mpsc::Receiver<Batch>) -> Result<Self> {
        while let Some(batch) = batches.blocking_recv() {
            self.take(batch)?;
        }
        Ok(self)
    }
}
