//! What an administrator tells an audit besides the bundle.

use chrono::{DateTime, Utc};

#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// Limits, scope mode, writeback container, the agent's account, the domain.
    pub assess: crate::assess::Settings,
    /// `[ad] approved_writers`: SIDs or account names that may write the groups besides the agent and the
    /// administrators of the domain.
    pub approved_writers: Vec<String>,
    /// Changes before this moment are the cutover's own. Without it: when the snapshots were taken, or when a group was
    /// stamped.
    pub since: Option<DateTime<Utc>>,
}
