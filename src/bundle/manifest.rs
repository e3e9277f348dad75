//! `manifest.json`: what a bundle is made of, and how complete it is.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub const BUNDLE_SCHEMA: &str = "groupshift/bundle/v1";

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Manifest {
    pub schema: String,
    pub tool: Tool,
    /// When the collection ended, UTC, RFC 3339.
    pub created: String,
    /// Names and ids were replaced (`bundle anonymise`); such a bundle serves for sharing, never for a plan.
    pub anonymised: bool,
    /// Where each part came from.
    pub sources: Vec<Source>,
    /// Objects and memberships, by sort.
    pub counts: std::collections::BTreeMap<String, u64>,
    pub files: Vec<FileEntry>,
    pub certificate: Certificate,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Tool {
    pub name: String,
    pub version: String,
}

/// One file or server that was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Source {
    /// `ad`, `entra`, `cloudsync` or `connect`.
    pub part: String,
    /// A path below the exported folder.
    pub name: String,
    /// Bytes read.
    pub bytes: u64,
    /// When the file was last written, UTC: the nearest thing to a time of export that a file tells.
    pub modified: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FileEntry {
    pub name: String,
    pub sha256: String,
    pub bytes: u64,
    /// Lines, one record each.
    pub records: u64,
}

/// The completeness certificate: for each source and partition what was expected and what was read.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Certificate {
    /// False where any part fell short; such a bundle exists only because `--accept-partial` was given.
    pub complete: bool,
    pub parts: Vec<Part>,
    /// What this sort of collection cannot look at at all.
    pub not_looked_at: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Part {
    pub source: String,
    pub partition: String,
    /// By an independent count, where the input has one.
    pub expected: Option<u64>,
    pub read: u64,
    /// Values fetched by range retrieval.
    pub values_by_range: u64,
    /// What the account was not allowed to see of it, in sentences.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hidden: Vec<String>,
    /// Why this part is not whole; absent where it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shortfall: Option<String>,
}
