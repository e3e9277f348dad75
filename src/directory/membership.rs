//! Memberships as compressed sparse rows: a membership is one `u32`, never a string.

use rayon::prelude::*;

/// Rows of numbers, one row a group. `offsets` has one entry more than there are rows.
#[derive(Debug, Clone)]
pub struct Rows {
    offsets: Vec<u32>,
    values: Vec<u32>,
}

impl Default for Rows {
    fn default() -> Self {
        Rows { offsets: vec![0], values: Vec::new() }
    }
}

impl Rows {
    /// With room for so many rows and memberships, so that nothing is copied while they come.
    pub fn with_capacity(rows: usize, memberships: usize) -> Rows {
        let mut offsets = Vec::with_capacity(rows + 1);
        offsets.push(0);
        Rows { offsets, values: Vec::with_capacity(memberships) }
    }
    /// From pairs of row and value, sorted by row; values of a row keep their order.
    pub fn from_pairs(count: usize, pairs: &[(u32, u32)]) -> Rows {
        let mut rest = pairs.iter().peekable();
        let mut rows = Rows::default();
        for row in 0..count as u32 {
            rows.push(std::iter::from_fn(|| rest.next_if(|(r, _)| *r == row).map(|(_, value)| *value)));
        }
        rows
    }
    pub fn push(&mut self, row: impl IntoIterator<Item = u32>) {
        self.values.extend(row);
        self.offsets.push(self.values.len() as u32);
    }
    pub fn row(&self, index: usize) -> &[u32] {
        match (self.offsets.get(index), self.offsets.get(index + 1)) {
            (Some(&a), Some(&b)) => &self.values[a as usize..b as usize],
            _ => &[],
        }
    }
    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.offsets.len() - 1
    }
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
    /// How many memberships there are in all rows.
    pub fn total(&self) -> usize {
        self.values.len()
    }
    pub fn max_value(&self) -> Option<u32> {
        self.values.par_iter().copied().max()
    }
    /// Each row sorted, so that rows can be compared by walking along both.
    pub fn sort_rows(&mut self) {
        let mut rest: &mut [u32] = &mut self.values;
        let mut rows = Vec::with_capacity(self.offsets.len());
        for pair in self.offsets.windows(2) {
            let (row, tail) = rest.split_at_mut((pair[1] - pair[0]) as usize);
            if row.len() > 1 {
                rows.push(row);
            }
            rest = tail;
        }
        rows.into_par_iter().for_each(|row| row.sort_unstable());
    }
    /// The same rows with `extra[i]` appended to row `extra[i].0`; for values that arrive in later records.
    pub fn with_extra(self, extra: &[(u32, Vec<u32>)]) -> Rows {
        if extra.is_empty() {
            return self;
        }
        let mut by_row: Vec<(u32, &[u32])> = extra.iter().map(|(r, v)| (*r, v.as_slice())).collect();
        by_row.sort_by_key(|(r, _)| *r);
        let mut out = Rows::default();
        let mut next = by_row.into_iter().peekable();
        for i in 0..self.len() {
            let mut row = self.row(i).to_vec();
            while let Some((_, more)) = next.next_if(|(r, _)| *r as usize == i) {
                row.extend_from_slice(more);
            }
            out.push(row);
        }
        out
    }
    /// The reverse edges: row `v` lists the rows in which `v` stands, ascending. Built on demand.
    pub fn reversed(&self, columns: usize) -> Rows {
        let mut offsets = vec![0u32; columns + 1];
        for &v in &self.values {
            if let Some(o) = offsets.get_mut(v as usize + 1) {
                *o += 1;
            }
        }
        for i in 1..offsets.len() {
            offsets[i] += offsets[i - 1];
        }
        let mut at = offsets.clone();
        let mut values = vec![0u32; offsets.last().copied().unwrap_or(0) as usize];
        for row in 0..self.len() {
            for &v in self.row(row) {
                if (v as usize) < columns {
                    values[at[v as usize] as usize] = row as u32;
                    at[v as usize] += 1;
                }
            }
        }
        Rows { offsets, values }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn rows_and_extra() {
        let mut rows = Rows::default();
        rows.push([3, 1]);
        rows.push([]);
        rows.push([2]);
        let mut rows = rows.with_extra(&[(2, vec![0]), (0, vec![2]), (2, vec![5])]);
        rows.sort_rows();
        assert_eq!(
            (rows.row(0), rows.row(1), rows.row(2), rows.row(9)),
            (&[1, 2, 3][..], &[][..], &[0, 2, 5][..], &[][..])
        );
        assert_eq!((rows.len(), rows.total(), rows.max_value()), (3, 6, Some(5)));
    }

    #[test]
    fn pairs() {
        let rows = Rows::from_pairs(4, &[(0, 7), (2, 5), (2, 1)]);
        assert_eq!((rows.len(), rows.row(0), rows.row(1), rows.row(2)), (4, &[7][..], &[][..], &[5, 1][..]));
    }

    proptest! {
        #[test]
        fn reversed_twice_is_sorted_self(table in proptest::collection::vec(proptest::collection::btree_set(0u32..20, 0..8), 0..12)) {
            let mut rows = Rows::default();
            for row in &table {
                rows.push(row.iter().copied());
            }
            let back = rows.reversed(20).reversed(rows.len());
            for i in 0..rows.len() {
                prop_assert_eq!(back.row(i), rows.row(i));
            }
        }
    }
}
