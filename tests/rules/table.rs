//! Tables of cases: the clean world, altered, and what one rule must say of the group under test.

use crate::support::{G, Outcome, World};
use rayon::prelude::*;
use serde_json::Value;
use std::panic::{AssertUnwindSafe, catch_unwind};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Want {
    Silent,
    Found,
    Open,
}
pub use Want::{Found, Open, Silent};

/// What is done to the clean world, what the rule says then, and the group's verdict (empty: not looked at).
pub type Case = (&'static str, fn(&mut World), Want, &'static str);

/// The group under test: by the name of its AD object, else by its Entra id.
pub fn subject(outcome: &Outcome) -> Option<&Value> {
    let named = |g: &&Value| g["dn"].as_str().is_some_and(|d| d.starts_with("CN=Group_3a5c3221,"));
    outcome.groups().iter().find(named).or_else(|| outcome.groups().iter().find(|g| g["objectId"] == G))
}

pub fn finding<'o>(outcome: &'o Outcome, rule: &str) -> Option<&'o Value> {
    subject(outcome)?["findings"].as_array()?.iter().find(|f| f["rule"] == rule)
}

pub fn told(outcome: &Outcome, rule: &str) -> Want {
    match finding(outcome, rule) {
        None => Silent,
        Some(f) if f["status"] == "found" => Found,
        Some(_) => Open,
    }
}

/// Runs the cases on all cores; all failures are shown at once.
pub fn table(rule: &str, cases: &[Case]) {
    let failures: Vec<String> = cases.par_iter().filter_map(|case| one(rule, case).err()).collect();
    assert!(failures.is_empty(), "{rule}:\n{}", failures.join("\n"));
}

fn one(rule: &str, (what, alter, want, verdict): &Case) -> Result<(), String> {
    let mut world = World::base();
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        alter(&mut world);
        world.assess()
    }))
    .map_err(|_| format!("{what}: panicked"))?
    .map_err(|e| format!("{what}: {e}"))?;
    let group = subject(&outcome).ok_or_else(|| format!("{what}: the group is not listed"))?;
    let told = told(&outcome, rule);
    if told != *want || !verdict.is_empty() && group["verdict"] != *verdict {
        return Err(format!(
            "{what}: {told:?} and {}, wanted {want:?} and {verdict}: {}",
            group["verdict"],
            short(group)
        ));
    }
    Ok(())
}

/// One altered world, assessed.
pub fn world(alter: impl FnOnce(&mut World)) -> Outcome {
    let mut world = World::base();
    alter(&mut world);
    world.run()
}

/// A group's findings in one line.
pub fn short(group: &Value) -> String {
    let findings = group["findings"].as_array().unwrap();
    findings
        .iter()
        .map(|f| format!("{}{}", f["rule"], if f["status"] == "unknown" { "?" } else { "" }))
        .collect::<Vec<_>>()
        .join(" ")
}
