//! How a sort of object is cut into partitions: ranges of uSNCreated, disjoint and covering, of about the same number of
//! objects by the listing.

use super::names::Kind;
use crate::directory::ObjectGuid;

/// Objects of a partition, at least.
pub const WORTH_CUTTING: usize = 5_000;

/// One partition: what it is, and what the listing expects of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Partition {
    pub kind: Kind,
    /// Of uSNCreated: more than the first, at most the second.
    pub range: (Option<i64>, Option<i64>),
    pub expected: u64,
}

impl Partition {
    pub fn filter(&self) -> String {
        let (above, up_to) = self.range;
        let above = above.map(|n| format!("(uSNCreated>={})", n.saturating_add(1))).unwrap_or_default();
        let up_to = up_to.map(|n| format!("(uSNCreated<={n})")).unwrap_or_default();
        self.kind.and(&format!("{above}{up_to}"))
    }
    pub fn name(&self) -> String {
        let kind = self.kind.name();
        match self.range {
            (None, None) => format!("{kind}, in one piece"),
            (None, Some(to)) => format!("{kind}, uSNCreated up to {to}"),
            (Some(from), None) => format!("{kind}, uSNCreated above {from}"),
            (Some(from), Some(to)) => format!("{kind}, uSNCreated above {from} up to {to}"),
        }
    }
}

/// The objects that the count found.
#[derive(Debug, Default, Clone)]
pub struct Listing {
    pub guids: Vec<ObjectGuid>,
    pub created: Vec<i64>,
}

/// Cuts a sort into pieces of about the same number of objects.
pub fn cut(kind: Kind, listing: &Listing, connections: usize) -> Vec<Partition> {
    let total = listing.guids.len();
    let whole = |expected| vec![Partition { kind, range: (None, None), expected }];
    let pieces = if connections > 1 { (connections * 2).min(total / WORTH_CUTTING) } else { 1 };
    if pieces < 2 || listing.created.len() != total {
        return whole(total as u64);
    }
    let mut created = listing.created.clone();
    created.sort_unstable();
    let mut out = Vec::new();
    let (mut from, mut at) = (None, 0);
    for piece in 1..=pieces {
        let end = total * piece / pieces;
        let to = match piece == pieces {
            true => None,
            false => created.get(end.saturating_sub(1)).copied(),
        };
        // Numbers repeat at most by a defect, and then the border moves to where they end.
        let next = to.map_or(total, |to| created.partition_point(|n| *n <= to));
        if next > at || to.is_none() {
            out.push(Partition { kind, range: (from, to), expected: (next - at) as u64 });
            (from, at) = (to, next);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]

        #[test]
        fn partitions_are_disjoint_and_cover(created in proptest::collection::vec(0i64..5_000, 0..30_000), connections in 1usize..9) {
            let listing = Listing { guids: vec![ObjectGuid::NIL; created.len()], created: created.clone() };
            let partitions = cut(Kind::Groups, &listing, connections);
            let holds = |p: &Partition, n: i64| p.range.0.is_none_or(|a| n > a) && p.range.1.is_none_or(|b| n <= b);
            for n in created.iter().copied().chain([-1, 5_001, i64::MAX]) {
                prop_assert_eq!(partitions.iter().filter(|p| holds(p, n)).count(), 1, "{}", n);
            }
            for p in &partitions {
                prop_assert_eq!(p.expected, created.iter().filter(|n| holds(p, **n)).count() as u64);
            }
        }
    }

    #[test]
    fn small_sorts_and_hidden_numbers_are_read_in_one_piece() {
        let listing = |n: usize, created: usize| Listing {
            guids: vec![ObjectGuid::NIL; n],
            created: (0..created as i64).collect(),
        };
        for (n, created, connections, pieces) in [
            (10, 10, 4, 1),
            (11_000, 11_000, 4, 2),
            (90_000, 90_000, 4, 8),
            (90_000, 89_999, 4, 1),
            (90_000, 90_000, 1, 1),
            (0, 0, 4, 1),
        ] {
            assert_eq!(
                cut(Kind::Groups, &listing(n, created), connections).len(),
                pieces,
                "{n} {created} {connections}"
            );
        }
    }

    #[test]
    fn filters() {
        let p = Partition { kind: Kind::Groups, range: (Some(5), Some(9)), expected: 0 };
        assert_eq!(p.filter(), "(&(objectCategory=group)(uSNCreated>=6)(uSNCreated<=9))");
        let p = Partition { kind: Kind::Groups, range: (None, None), expected: 0 };
        assert_eq!(p.filter(), "(objectCategory=group)");
    }
}
