//! How much could go wrong with one group, as a sum whose parts are shown. It orders waves; it decides nothing.

use super::model::{Risk, RiskPart};
use crate::predict::{GroupOutcome, Point};

/// What the score looks at.
pub(super) struct Facts<'a> {
    pub outcome: Option<&'a GroupOutcome>,
    /// Direct members in AD.
    pub members: usize,
    /// AD groups that nest it.
    pub nested_in: usize,
    /// Planned groups that it nests.
    pub nests: usize,
    pub in_circle: bool,
    pub fixes: usize,
    pub decisions: usize,
    /// Name and place are proved to stay.
    pub name_kept: bool,
    /// Close to the limit of members (C18).
    pub near_limit: bool,
}

pub(super) fn score(facts: &Facts<'_>) -> Risk {
    let mut risk = Risk::default();
    let mut add = |what: String, points: u32| {
        if points > 0 {
            risk.score += points;
            risk.parts.push(RiskPart { what, points });
        }
    };
    let size = match facts.members {
        0..=9 => 0,
        10..=99 => 2,
        100..=999 => 5,
        1_000..=9_999 => 10,
        _ => 20,
    };
    add(format!("{} members", facts.members), size);
    let nested = facts.nested_in.min(10) as u32;
    add(format!("nested in {} AD groups", facts.nested_in), if nested > 0 { 4 + 2 * nested } else { 0 });
    let nests = facts.nests.min(10) as u32;
    add(format!("nests {} groups that move", facts.nests), if nests > 0 { 2 + nests } else { 0 });
    add("nests itself through other groups".to_owned(), if facts.in_circle { 10 } else { 0 });
    add("its name or place may change".to_owned(), if facts.name_kept { 0 } else { 25 });
    add(format!("{} findings settled by this plan", facts.fixes), 3 * facts.fixes.min(5) as u32);
    add(format!("{} findings accepted by decision", facts.decisions), 8 * facts.decisions.min(5) as u32);
    add("close to the limit of members".to_owned(), if facts.near_limit { 10 } else { 0 });
    let Some(outcome) = facts.outcome else { return risk };
    let m = outcome.members;
    add(format!("{} members are removed", m.lost), if m.lost > 0 { 20 + m.lost.min(10) } else { 0 });
    add(format!("{} members may be removed", m.maybe_lost), if m.maybe_lost > 0 { 8 } else { 0 });
    add(format!("{} members are added", m.added), if m.added > 0 { 4 } else { 0 });
    add(format!("{} members cannot be judged", m.open), if m.open > 0 { 10 } else { 0 });
    // The membership option concerns every group alike, so it tells none from another.
    let points = outcome.points.iter().filter(|p| *p != Point::MemberOption).count() as u32;
    add(format!("{points} open points"), 3 * points);
    risk
}
