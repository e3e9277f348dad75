//! An Inventory on disk: a folder with `manifest.json` and data files as Zstandard JSON Lines, written beside and
//! renamed into place, verified by SHA-256 before anything is read.

pub mod anonymise;
mod manifest;
mod raw;
pub mod read;
mod record;
pub mod write;

pub use manifest::{BUNDLE_SCHEMA, Certificate, FileEntry, Manifest, Part, Source, Tool};
pub use raw::RawFile;
pub use read::{Opened, open, open_verified};
pub use record::{AdMembers, AdObjects, EntraMembers, EntraObjects, Family, Owned};
pub use write::{write, write_with};

// The twin of a rehearsal makes an Inventory again from the records of another.
pub(crate) use record::{AdGroupRecord, AdObjectRecord, EntraGroupRecord, EntraObjectRecord, Str};

/// Names of the data files, in the order they are written and listed.
pub mod files {
    pub const MANIFEST: &str = "manifest.json";
    pub const AD_OBJECTS: &str = "ad-objects.jsonl.zst";
    pub const AD_MEMBERS: &str = "ad-members.jsonl.zst";
    pub const AD_MEMBER_OF: &str = "ad-member-of.jsonl.zst";
    pub const AD_DESCRIPTORS: &str = "ad-security.jsonl.zst";
    pub const AD_ENVIRONMENT: &str = "ad-environment.jsonl.zst";
    pub const ENTRA_OBJECTS: &str = "entra-objects.jsonl.zst";
    pub const ENTRA_MEMBERS: &str = "entra-members.jsonl.zst";
    pub const ENTRA_TENANT: &str = "entra-tenant.jsonl.zst";
    pub const CLOUD_SYNC: &str = "cloud-sync.jsonl.zst";
    pub const CONNECT: &str = "connect.jsonl.zst";
    pub const PROBLEMS: &str = "problems.jsonl.zst";
    /// Replication metadata of the groups (`collect --for audit`).
    pub const AD_METADATA: &str = "ad-metadata.jsonl.zst";
    /// Where a later live collection can go on from (`--since`): Graph's delta links.
    pub const ENTRA_DELTA: &str = "entra-delta.jsonl.zst";
    /// Graph's bodies that only an audit reads (`collect --for audit`).
    pub const PROVISIONING_LOGS: &str = "provisioning-logs.jsonl.zst";
    pub const ACCESS_PACKAGES: &str = "access-packages.jsonl.zst";
    pub const ACCESS_ASSIGNMENTS: &str = "access-package-assignments.jsonl.zst";
    /// Events of the controllers' security logs, as `directory::events::SecurityEvent`.
    pub const SECURITY_EVENTS: &str = "security-events.jsonl.zst";
    /// Files that a bundle may have after the others, in this order; read only by who needs them.
    pub const RAW: &[&str] =
        &[AD_METADATA, ENTRA_DELTA, PROVISIONING_LOGS, ACCESS_PACKAGES, ACCESS_ASSIGNMENTS, SECURITY_EVENTS];
    pub const DATA: [&str; 11] = [
        AD_OBJECTS,
        AD_MEMBERS,
        AD_MEMBER_OF,
        AD_DESCRIPTORS,
        AD_ENVIRONMENT,
        ENTRA_OBJECTS,
        ENTRA_MEMBERS,
        ENTRA_TENANT,
        CLOUD_SYNC,
        CONNECT,
        PROBLEMS,
    ];
}
