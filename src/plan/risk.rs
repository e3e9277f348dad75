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

/// The sum alone.
pub(super) fn score(facts: &Facts<'_>) -> u32 {
    let mut score = 0;
    weigh(facts, &mut |points, _| score += points);
    score
}

/// The sum with its parts in words.
pub(super) fn risk(facts: &Facts<'_>) -> Risk {
    let mut risk = Risk::default();
    weigh(facts, &mut |points, what| {
        risk.score += points;
        risk.parts.push(RiskPart { what: what(), points });
    });
    risk
}

/// Each part that counts, with its points.
fn weigh(facts: &Facts<'_>, part: &mut dyn FnMut(u32, &dyn Fn() -> String)) {
    let mut add = |points: u32, what: &dyn Fn() -> String| {
        if points > 0 {
            part(points, what);
        }
    };
    let size = match facts.members {
        0..=9 => 0,
        10..=99 => 2,
        100..=999 => 5,
        1_000..=9_999 => 10,
        _ => 20,
    };
    add(size, &|| format!("{} members", facts.members));
    let nested = facts.nested_in.min(10) as u32;
    add(if nested > 0 { 4 + 2 * nested } else { 0 }, &|| format!("nested in {} AD groups", facts.nested_in));
    let nests = facts.nests.min(10) as u32;
    add(if nests > 0 { 2 + nests } else { 0 }, &|| format!("nests {} groups that move", facts.nests));
    add(if facts.in_circle { 10 } else { 0 }, &|| "nests itself through other groups".to_owned());
    add(if facts.name_kept { 0 } else { 25 }, &|| "its name or place may change".to_owned());
    add(3 * facts.fixes.min(5) as u32, &|| format!("{} findings settled by this plan", facts.fixes));
    add(8 * facts.decisions.min(5) as u32, &|| format!("{} findings accepted by decision", facts.decisions));
    add(if facts.near_limit { 10 } else { 0 }, &|| "close to the limit of members".to_owned());
    let Some(outcome) = facts.outcome else { return };
    let m = outcome.members;
    add(if m.lost > 0 { 20 + m.lost.min(10) } else { 0 }, &|| format!("{} members are removed", m.lost));
    add(if m.maybe_lost > 0 { 8 } else { 0 }, &|| format!("{} members may be removed", m.maybe_lost));
    add(if m.added > 0 { 4 } else { 0 }, &|| format!("{} members are added", m.added));
    add(if m.open > 0 { 10 } else { 0 }, &|| format!("{} members cannot be judged", m.open));
    // The membership option concerns every group alike, so it tells none from another.
    let points = outcome.points.iter().filter(|p| *p != Point::MemberOption).count() as u32;
    add(3 * points, &|| format!("{points} open points"));
}
