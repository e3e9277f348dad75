//! Which way of reading groups and members costs the fewest resource units, by the tenant's size. Two ways lead to all
//! groups: the answer of `groups/delta`, which brings the members along, or the list of groups and one list of members for
//! each group that can be written back. `$expand=members` is none: it stops at 20.

/// Objects on one page of a list.
pub const PAGE: u64 = 999;
/// Groups that a page of `groups/delta` is reckoned to bring where the service decides.
const DELTA_PAGE: u64 = 100;
/// Resource units of one page of a group's members: 3, and 1 less for `$select`.
const MEMBERS: u64 = 2;

/// What the tenant was asked for before anything is read; `None` where it did not say.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Counts {
    pub groups: Option<u64>,
    /// Groups that come from AD: these are never written back, so their members need no list.
    pub synced: Option<u64>,
    pub users: Option<u64>,
}

/// How groups and their members are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// `groups/delta` with members.
    Delta,
    /// The list of groups, and members group by group.
    Lists,
}

/// The choice, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    pub way: Way,
    /// Estimated resource units of either way.
    pub delta: u64,
    pub lists: u64,
    pub why: String,
}

/// Chooses by estimated resource units; without counts the way that needs none.
pub fn choose(counts: Counts) -> Choice {
    let Some(groups) = counts.groups else {
        let why =
            "The tenant does not count its groups: groups are read with groups/delta, members with them".to_owned();
        return Choice { way: Way::Delta, delta: 0, lists: 0, why };
    };
    let cloud = groups.saturating_sub(counts.synced.unwrap_or(0));
    let delta = groups.div_ceil(DELTA_PAGE).max(1);
    let lists = groups.div_ceil(PAGE).max(1) + cloud * MEMBERS;
    let way = if delta <= lists { Way::Delta } else { Way::Lists };
    let (name, other, cost, saved) = match way {
        Way::Delta => ("groups/delta with members", "a list of members for each group", delta, lists),
        Way::Lists => ("the list of groups and members group by group", "groups/delta", lists, delta),
    };
    let why = format!(
        "{groups} groups, {cloud} of them not from AD: {name} takes about {cost} resource unit(s), {other} about {saved}"
    );
    Choice { way, delta, lists, why }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chosen_by_size() {
        for (groups, synced, way, delta, lists) in [
            (Some(0), Some(0), Way::Delta, 1, 1),
            (Some(40), Some(0), Way::Delta, 1, 81),
            (Some(40_000), Some(20_000), Way::Delta, 400, 40_041),
            (Some(100_000), Some(99_990), Way::Lists, 1000, 121),
            (Some(100_000), Some(99_000), Way::Delta, 1000, 2101),
            (Some(100_000), None, Way::Delta, 1000, 200_101),
            // A count that changed meanwhile must not turn the difference round.
            (Some(10), Some(12), Way::Delta, 1, 1),
            (None, Some(5), Way::Delta, 0, 0),
        ] {
            let choice = choose(Counts { groups, synced, users: None });
            assert_eq!((choice.way, choice.delta, choice.lists), (way, delta, lists), "{groups:?} {synced:?}");
        }
        let said = choose(Counts { groups: Some(40_000), synced: Some(20_000), users: None }).why;
        assert!(said.contains("400 resource") && said.contains("40041"), "{said}");
    }
}
