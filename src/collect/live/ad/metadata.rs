//! Replication metadata for the audit: which attribute and which membership changed when, and from which controller. Kept
//! raw: as the XML that Active Directory makes of it, or as the binary value on servers that make none.

use super::discover::Forest;
use super::link;
use super::pool::Pool;
use crate::bundle::{RawFile, files};
use crate::collect::ldif::Entry;
use crate::directory::ObjectGuid;
use crate::error::Result;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::stream::{self, StreamExt, TryStreamExt};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

/// What holds it, as one of these or another.
pub const ATTRIBUTES: [&str; 3] = ["msDS-ReplAttributeMetaData", "msDS-ReplValueMetaData", "replPropertyMetaData"];
/// Groups asked about with one search: the lists are long, and the server makes them up on request.
const FEW: usize = 20;

/// One group's metadata: a line of the raw file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Metadata {
    pub object_guid: ObjectGuid,
    pub dn: String,
    /// `msDS-ReplAttributeMetaData`: one XML fragment an attribute.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub attributes: Vec<String>,
    /// `msDS-ReplValueMetaData`: one XML fragment a value of a linked attribute.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<String>,
    /// `replPropertyMetaData` in base64, where the server shows neither of the others.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub binary: Option<String>,
}

impl Metadata {
    pub fn of(guid: ObjectGuid, entry: &Entry) -> Metadata {
        let texts = |name: &str| -> Vec<String> {
            entry.get(name).map(|v| String::from_utf8_lossy(v).trim_end_matches('\0').to_owned()).collect()
        };
        let (attributes, values) = (texts("msDS-ReplAttributeMetaData"), texts("msDS-ReplValueMetaData"));
        let binary = entry.get("replPropertyMetaData").next().map(|v| STANDARD.encode(v));
        let binary = binary.filter(|_| attributes.is_empty() && values.is_empty());
        Metadata { object_guid: guid, dn: entry.dn.clone(), attributes, values, binary }
    }
    fn is_empty(&self) -> bool {
        self.attributes.is_empty() && self.values.is_empty() && self.binary.is_none()
    }
}

/// The metadata of these groups, in their order: as it came along with the scan, else read now. The names are those whose
/// metadata is hidden.
pub async fn read(
    pool: &Pool,
    forest: &Forest,
    groups: &[ObjectGuid],
    along: &HashMap<ObjectGuid, Metadata>,
) -> Result<(RawFile, Vec<String>)> {
    let mut file = RawFile::new(files::AD_METADATA)?;
    let mut hidden = Vec::new();
    let attributes = [&["objectGUID", "uSNChanged"], ATTRIBUTES.as_slice()].concat();
    let ask = |batch: &[ObjectGuid]| {
        let open: Vec<ObjectGuid> = batch.iter().filter(|guid| !along.contains_key(guid)).copied().collect();
        let search = link::below(forest.domain(), super::names::by_guid(&open), &attributes, FEW as u32);
        async move { if open.is_empty() { Ok(Vec::new()) } else { pool.all(search).await } }
    };
    let mut answers = stream::iter(groups.chunks(FEW).map(ask)).buffered(pool.width());
    for batch in groups.chunks(FEW) {
        let answer = answers.try_next().await?.unwrap_or_default();
        let found: HashMap<ObjectGuid, Metadata> =
            answer.iter().map(|read| (read.guid, Metadata::of(read.guid, &read.entry))).collect();
        for metadata in batch.iter().filter_map(|guid| along.get(guid).or(found.get(guid))) {
            match metadata.is_empty() {
                true => hidden.push(metadata.dn.clone()),
                false => file.push(metadata)?,
            }
        }
    }
    Ok((file, hidden))
}
