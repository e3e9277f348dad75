//! Do both bundles say the same? The verdicts of a bundle without any name: what was found how often, and the gates.

use crate::assess::{AboutBundle, Assessed, Settings};
use crate::directory::Inventory;
use crate::error::Result;
use crate::report::model::View;
use rayon::prelude::*;
use std::collections::BTreeMap;

/// How many groups have which verdict, size and findings, and which status each gate has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdicts {
    groups: BTreeMap<String, u64>,
    gates: Vec<(String, &'static str)>,
}

impl Verdicts {
    /// Judges with default settings: those of a configuration name accounts and containers by their real names.
    pub fn of(inventory: &Inventory) -> Result<Self> {
        let settings = Settings::default();
        let about = AboutBundle {
            created: String::new(),
            sha256: String::new(),
            complete: true,
            anonymised: false,
            limits: Vec::new(),
        };
        let assessed = Assessed::run(inventory, &settings, about)?;
        let groups = (0..assessed.len())
            .into_par_iter()
            .fold(BTreeMap::new, |mut counts, i| {
                *counts.entry(line(&assessed, i)).or_insert(0u64) += 1;
                counts
            })
            .reduce(BTreeMap::new, |mut all, some| {
                some.into_iter().for_each(|(line, n)| *all.entry(line).or_insert(0) += n);
                all
            });
        let gates = assessed.header().gates.iter().map(|g| (g.id.clone(), g.status.as_str())).collect();
        Ok(Verdicts { groups, gates })
    }

    /// Groups that `other` judges otherwise, and the ids of gates that it does.
    pub fn differences(&self, other: &Verdicts) -> (u64, Vec<String>) {
        let groups =
            self.groups.iter().map(|(line, n)| n.saturating_sub(other.groups.get(line).copied().unwrap_or(0))).sum();
        let gates = self.gates.iter().filter(|gate| !other.gates.contains(gate)).map(|(id, _)| id.clone()).collect();
        (groups, gates)
    }
    pub fn groups(&self) -> u64 {
        self.groups.values().sum()
    }
}

fn line(view: &impl View, index: usize) -> String {
    let group = view.group(index);
    let mut out = format!("{} {}", group.verdict.as_str(), group.members);
    for finding in &group.findings {
        out.push_str(&format!(" {} {} {}", finding.rule, finding.status.as_str(), finding.severity.as_str()));
    }
    out
}
