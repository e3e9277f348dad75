//! A whole collection against the tenant: held against the published description of Graph, with every fault in every
//! operation, and with sign-ins that end on the way.

#![allow(clippy::type_complexity, clippy::unwrap_used, clippy::panic)]

#[path = "lab/tenant/mod.rs"]
mod tenant;

#[path = "graph_tenant/described.rs"]
mod described;
#[path = "graph_tenant/faults.rs"]
mod faults;
#[path = "graph_tenant/sign_in.rs"]
mod sign_in;
