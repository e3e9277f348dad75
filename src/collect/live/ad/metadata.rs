//! Replication metadata for the audit: which attribute and which membership changed when, and from which controller. Kept
//! raw: as the XML that Active Directory makes of it, or as the binary value on servers that make none.

use super::discover::Forest;
use super::link::{self, Line};
use crate::bundle::{RawFile, files};
use crate::collect::ldif::Entry;
use crate::directory::ObjectGuid;
use crate::error::Result;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

const ATTRIBUTES: &[&str] =
    &["objectGUID", "uSNChanged", "msDS-ReplAttributeMetaData", "msDS-ReplValueMetaData", "replPropertyMetaData"];

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
    fn of(guid: ObjectGuid, entry: &Entry) -> Metadata {
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

/// Reads the metadata of these groups; the names are those whose metadata is hidden.
pub async fn read(line: &mut Line<'_>, forest: &Forest, groups: &[ObjectGuid]) -> Result<(RawFile, Vec<String>)> {
    let mut file = RawFile::new(files::AD_METADATA)?;
    let mut hidden = Vec::new();
    // The lists are long, and the server makes them up on request: few at a time.
    for batch in groups.chunks(20) {
        let search = link::below(forest.domain(), super::names::by_guid(batch), ATTRIBUTES, 20);
        let mut found: Vec<Metadata> =
            line.all(search).await?.iter().map(|read| Metadata::of(read.guid, &read.entry)).collect();
        found.sort_by_key(|m| m.object_guid);
        for metadata in &found {
            match metadata.is_empty() {
                true => hidden.push(metadata.dn.clone()),
                false => file.push(metadata)?,
            }
        }
    }
    Ok((file, hidden))
}
