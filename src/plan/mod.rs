//! The plan: which groups move when, what is done to the tenant before and after, and how each step is taken back. A pure
//! function of an Inventory, an assessment, a policy and recorded decisions: no clock, no network; the same input gives
//! the same bytes. With it, the difference that Cloud Sync makes to each group, and who gains or loses access by it.

pub mod access;
/// What an administrator decided about groups that no rule can decide (`decisions.toml`).
pub mod decisions;
pub mod difference;
/// The published shape of `plan.json`.
pub mod model;
/// How waves are cut (`waves.toml`).
pub mod policy;

mod assemble;
mod assembly;
mod brief;
mod build;
mod candidates;
pub mod file;
mod handover;
mod idle;
mod layout;
mod lookup;
mod mappings;
mod nesting;
mod outside;
mod planned;
mod predicted;
mod risk;
mod schedule;
pub mod scripts;
mod selection;
mod servers;
mod settle;
mod steps;
mod stops;
/// TOML files of the operator's, with the line of every value.
pub mod toml_file;
mod wanted;
mod waves;

pub use assembly::{Assembly, WaveSize};
pub use brief::{Brief, NameAfter};
pub use build::{Input, Made, plan, plan_with};
pub use file::{canonical, from_bytes, hash, read, write};
pub use handover::{Governed, handover};
pub use idle::idle;
pub use model::{Order, PLAN_SCHEMA, Plan};
pub use scripts::{NONCE, Script, scripts};
pub(crate) use servers::written_through;
