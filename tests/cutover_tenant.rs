//! The port of a cutover to the tenant, against the lab's tenant: what each write does, what becomes of it under every
//! fault, what reads show, and the traffic held against the published description.

#![allow(clippy::type_complexity, clippy::unwrap_used, clippy::panic)]

#[path = "lab/tenant/mod.rs"]
mod tenant;

#[path = "cutover_tenant/configure.rs"]
mod configure;
#[path = "cutover_tenant/described.rs"]
mod described;
#[path = "cutover_tenant/faults.rs"]
mod faults;
#[path = "cutover_tenant/guards.rs"]
mod guards;
#[path = "cutover_tenant/late.rs"]
mod late;
#[path = "cutover_tenant/reads.rs"]
mod reads;
#[path = "cutover_tenant/support.rs"]
mod support;
