//! Every gate, held against input that passes, fails or cannot tell, and what an administrator's word can pass.

// Helpers of tests are tests too, which the lints see only where an attribute says so.
#![allow(clippy::unwrap_used, clippy::panic)]
// A case is one row of a table: a tuple, whose expression drops what a helper hands back for chaining.
#![allow(dropping_references, clippy::type_complexity)]

#[path = "support/mod.rs"]
mod support;

#[path = "gates/ad.rs"]
mod ad;
#[path = "gates/attested.rs"]
mod attested;
#[path = "gates/connect.rs"]
mod connect;
#[path = "gates/limits.rs"]
mod limits;
#[path = "gates/tenant.rs"]
mod tenant;

use support::{Outcome, World};

/// What is done to the clean world, and the gate's status then.
pub type Case = (&'static str, fn(&mut World), &'static str);

pub fn table(gate: &str, cases: &[Case]) {
    let failures: Vec<String> = cases
        .iter()
        .filter_map(|(what, alter, want)| {
            let outcome = world(*alter);
            (outcome.status(gate) != *want).then(|| format!("{what}: wanted {want}: {:#}", outcome.gate(gate)))
        })
        .collect();
    assert!(failures.is_empty(), "{gate}:\n{}", failures.join("\n"));
}

pub fn world(alter: impl FnOnce(&mut World)) -> Outcome {
    let mut world = World::base();
    alter(&mut world);
    world.run()
}
