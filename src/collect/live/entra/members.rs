//! Memberships as answers bring them: runs of members added to a group or taken away, in order. They are kept as numbers
//! in one piece of memory and put together once, at the end.

use crate::directory::Rows;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    Add,
    Remove,
    /// All members that are known so far are void.
    Clear,
}

#[derive(Debug, Clone, Copy)]
struct Run {
    row: u32,
    change: Change,
    start: usize,
    len: u32,
}

#[derive(Debug, Default)]
pub struct Changes {
    values: Vec<u32>,
    runs: Vec<Run>,
}

impl Changes {
    pub fn push(&mut self, row: u32, change: Change, members: &[u32]) {
        if members.is_empty() && change != Change::Clear {
            return;
        }
        let start = self.values.len();
        self.values.extend_from_slice(members);
        self.runs.push(Run { row, change, start, len: members.len() as u32 });
    }

    /// How many members were added, however often.
    pub fn added(&self) -> u64 {
        self.runs.iter().filter(|run| run.change == Change::Add).map(|run| u64::from(run.len)).sum()
    }

    /// The members of each of `count` rows, ascending, each once.
    pub fn rows(mut self, count: usize) -> Rows {
        // A stable sort keeps the order of the answers within a row.
        self.runs.sort_by_key(|run| run.row);
        let mut out = Rows::default();
        let mut row: Vec<u32> = Vec::new();
        let mut runs = self.runs.iter().peekable();
        for i in 0..count as u32 {
            row.clear();
            while let Some(run) = runs.next_if(|run| run.row == i) {
                let values = &self.values[run.start..run.start + run.len as usize];
                match run.change {
                    Change::Add => row.extend_from_slice(values),
                    Change::Clear => row.clear(),
                    Change::Remove => {
                        let mut gone = values.to_vec();
                        gone.sort_unstable();
                        row.retain(|member| gone.binary_search(member).is_err());
                    }
                }
            }
            row.sort_unstable();
            row.dedup();
            out.push(row.iter().copied());
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    proptest! {
        #[test]
        fn same_as_sets(changes in proptest::collection::vec((0u32..6, 0u8..8, proptest::collection::vec(0u32..12, 0..5)), 0..40)) {
            let mut sets = vec![BTreeSet::new(); 6];
            let mut all = Changes::default();
            for (row, change, members) in &changes {
                let set = &mut sets[*row as usize];
                let change = match change {
                    0 => { set.clear(); Change::Clear }
                    1..=3 => { for m in members { set.remove(m); } Change::Remove }
                    _ => { set.extend(members.iter().copied()); Change::Add }
                };
                all.push(*row, change, if change == Change::Clear { &[] } else { members });
            }
            let rows = all.rows(6);
            for (i, set) in sets.iter().enumerate() {
                prop_assert_eq!(rows.row(i), set.iter().copied().collect::<Vec<_>>());
            }
        }
    }
}
