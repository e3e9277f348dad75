//! The audit: what is, held against what should be, on the day of the cutover and every day after. A pure function of an
//! Inventory, the settings, what a plan or a run's snapshots say of the groups before, and the audit parts of a bundle.
//!
//! `checks` is the registry, one value a check; `context` joins what they all ask for; `former` is the state before;
//! `evidence` the provisioning logs, access packages, replication metadata and security events; `run` judges and is the
//! view that reports read. A failure is kept as a few numbers and put into words when somebody asks for it.

mod access;
mod checks;
mod context;
pub mod evidence;
pub mod former;
pub mod model;
pub mod principals;
mod run;
mod settings;
pub mod writers;

pub use checks::{AuditRule, all as checks};
pub use evidence::Evidence;
pub use former::Former;
pub use model::{AUDIT_SCHEMA, Audit, View};
pub use run::Audited;
pub use settings::Settings;

use crate::assess::AboutBundle;
use crate::directory::Inventory;
use crate::error::Result;

/// What is audited, and by what.
pub struct Input<'a> {
    pub inventory: &'a Inventory,
    pub settings: &'a Settings,
    pub about: AboutBundle,
    /// What the bundle holds for an audit alone: `Evidence::read`.
    pub evidence: &'a Evidence,
    /// What the groups were before: of a plan, or of a run.
    pub former: Option<&'a Former>,
}

pub fn audit<'a>(input: Input<'a>) -> Result<Audited<'a>> {
    Audited::run(input)
}
