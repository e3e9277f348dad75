//! What an administrator tells an assessment besides the bundle: limits, the scope mode, the agent's account.

pub use crate::predict::cloud::ScopeMode;

/// The limits of Cloud Sync's group provisioning (domain reference 3.4, DEP26), each overridable under `[policy]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    pub max_group_members: u64,
    pub warn_group_members: u64,
    pub max_groups_selected: u64,
    pub max_links_selected: u64,
    pub max_groups_filtered: u64,
    pub max_links_filtered: u64,
    pub max_tenant_users: u64,
    pub max_tenant_groups: u64,
    pub max_tenant_memberships: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            max_group_members: 50_000,
            warn_group_members: 45_000,
            max_groups_selected: 10_000,
            max_links_selected: 250_000,
            max_groups_filtered: 20_000,
            max_links_filtered: 500_000,
            max_tenant_users: 200_000,
            max_tenant_groups: 40_000,
            max_tenant_memberships: 1_000_000,
        }
    }
}

#[derive(Debug, Clone, Default)]
pub struct Settings {
    pub limits: Limits,
    pub scope: ScopeMode,
    /// `[ad] writeback_ou`.
    pub writeback_ou: Option<String>,
    /// `[ad] agent_account`: `DOMAIN\name$` or a SID.
    pub agent_account: Option<String>,
    /// `[cloud_sync] domain`.
    pub domain: Option<String>,
    /// `[cloud_sync] service_principal`.
    pub service_principal: Option<String>,
    /// `--accept GATE=REASON`.
    pub accepted: Vec<Accepted>,
}

/// A gate passed on somebody's word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accepted {
    pub gate: String,
    pub reason: String,
    pub by: String,
}
