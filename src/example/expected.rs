//! What an assessment of the example must find, entry by entry and gate by gate.

use super::row::Trait;
use super::tenant::Tenant;
use crate::report::model::{GateStatus, Verdict};
use std::sync::LazyLock;

/// What an assessment must say of one entry.
pub struct Expectation {
    pub name: &'static str,
    /// The AD group, `None` where there is none.
    pub dn: Option<String>,
    /// The Entra group, `None` where the input cannot tell which it would be.
    pub object_id: Option<String>,
    /// Rules that must be found; others may be found as well.
    pub rules: Vec<&'static str>,
    pub verdict: Verdict,
}

impl Tenant {
    /// What the tables promise, entry by entry.
    pub fn expectations(&self) -> Vec<Expectation> {
        let mut out = Vec::new();
        for group in self.groups.iter().filter(|g| !g.row.has(Trait::NotAssessed)) {
            let mut rules = group.row.shows.to_vec();
            if group.row.verdict == Verdict::Migrate {
                rules.extend(["C01", "C14"]);
            }
            if group.nested_in_ad_only {
                rules.push("C38");
            }
            rules.sort_unstable();
            rules.dedup();
            let anchored = group.admin_description.as_deref().is_some_and(|text| text.ends_with(&group.id.to_string()));
            out.push(Expectation {
                name: group.row.name,
                dn: group.dn.clone(),
                object_id: (anchored || group.dn.is_none()).then(|| group.id.to_string()),
                rules,
                verdict: group.row.verdict,
            });
            if let Some(copy) = &group.copy {
                out.push(Expectation {
                    name: "Kiosk Browser Users (old server)",
                    dn: Some(copy.clone()),
                    object_id: Some(group.id.to_string()),
                    rules: vec!["C15", "C30", "C31"],
                    verdict: Verdict::Review,
                });
            }
        }
        out
    }
}

/// One expectation an entry, in the order of the tables.
pub fn expected() -> &'static [Expectation] {
    static EXPECTED: LazyLock<Vec<Expectation>> = LazyLock::new(|| Tenant::build().expectations());
    &EXPECTED
}

/// The gates that the example was built to show, and their status. A gate that is not named here may have any.
pub fn expected_gates() -> &'static [(&'static str, GateStatus)] {
    use GateStatus::{Fail, Pass, Unknown};
    &[
        ("C19", Pass),    // The totals stay below the limits of "selected groups".
        ("E1", Pass),     // Both flags are on, by Graph and by both servers.
        ("E2", Unknown),  // Graph does not tell an agent's version, and neither server hosts one.
        ("E3", Pass),     // Both servers run the same, new enough version.
        ("E4", Pass),     // The schema holds the attribute.
        ("E5", Unknown),  // No file shows an open port.
        ("E6", Fail),     // The standby server has the rule that deletes.
        ("E7", Fail),     // The standby server has a clone and the default disabled.
        ("E8", Pass),     // The writeback unit is included on both.
        ("E9", Pass),     // One server is active, one in staging.
        ("E10", Pass),    // Below 100 much is free, if not 88 on the standby server.
        ("E11", Pass),    // There is one configuration for the domain.
        ("E13", Pass),    // The Recycle Bin is enabled.
        ("E14", Unknown), // The membership option shows nowhere.
        ("E15", Unknown), // Nobody said that the official tool is not planned.
    ]
}
