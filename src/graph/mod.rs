//! Microsoft Graph as a good citizen: signs in, keeps to the tenant's limits, repeats only what may be repeated, follows
//! links only to the configured host, and tells every failure in an administrator's words, with the request's id.

mod aadsts;
mod assertion;
mod batch;
mod budget;
mod client;
mod cloud;
mod fault;
pub mod oracle;
mod pages;
pub mod permissions;
mod quota;
mod retry;
mod sign_in;
mod token;

pub use batch::{BatchAnswer, BatchRequest, PER_BATCH};
pub use budget::{Budget, TenantSize};
pub use client::{Body, Graph, Method, Options, Usage};
pub use fault::{Fault, FaultKind};
pub use pages::{Answer, Links, Page, Pages};
pub use sign_in::DeviceCode;
pub use token::Claims;
