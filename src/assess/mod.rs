//! Rules and gates: what is this group, may it move, what first. A pure function of an Inventory and the settings: no
//! clock, no network, no file.
//!
//! The first pass notes only which rules hold for which group, a few bytes each; a finding's text and evidence are made
//! when a report asks for the group. So a million groups fit, and no text is made that nobody reads.

/// Judgements about Entra Connect servers and their rules, by content.
pub mod connect;

mod container;
mod context;
mod gates;
mod rules;
mod run;
mod settings;
pub mod sources;
mod subject;
mod truth;

// Who is who, what becomes of members and what a job does stand with the prediction; rules ask them by these names.
use crate::predict::{cloud, index, members};

pub(crate) use container::find as find_container;
pub(crate) use context::{Context, published_order};
pub(crate) use run::bundle_ref;

pub use gates::{GateRule, all as gates};
pub use rules::{Rule, all as rules};
pub use run::{AboutBundle, Assessed, RaisedRule};
pub use settings::{Accepted, Limits, ScopeMode, Settings};
pub use subject::Entry;
