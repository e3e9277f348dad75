//! Groups inside groups: read once from millions of memberships, since hardly any of them is of a group.

use super::candidates::Candidate;
use super::model::Reason;
use crate::assess::Assessed;
use crate::directory::Rows;
use crate::directory::inventory::{NONE, Tri};
use hashbrown::HashMap;
use rayon::prelude::*;

/// Row i: the Entra groups, by row of `entra.groups`, that the assessed group i nests directly. Empty for groups that
/// cannot move.
pub(super) struct Nesting {
    rows: Rows,
}

impl Nesting {
    pub fn of(assessed: &Assessed<'_>, chosen: &[Option<Candidate>]) -> Nesting {
        let entra = &assessed.inventory().entra;
        let members = assessed.shared().members;
        let nested = |candidate: &Candidate| -> Vec<u32> {
            let own = entra.members.row(candidate.entry.entra as usize).iter();
            let groups = own.filter(|m| members.is_group(**m)).map(|m| entra.objects[*m as usize].detail);
            groups.filter(|row| *row != NONE).collect()
        };
        let lists: Vec<Vec<u32>> = chosen.par_iter().map(|c| c.as_ref().map(nested).unwrap_or_default()).collect();
        let mut rows = Rows::default();
        for list in lists {
            rows.push(list);
        }
        Nesting { rows }
    }

    /// What an assessed group nests.
    pub fn of_group(&self, index: u32) -> &[u32] {
        self.rows.row(index as usize)
    }

    /// Groups that nest a cloud group which no wave holds: the reference would go, so they stay as well, and what nests
    /// them.
    pub fn drop_open(&self, assessed: &Assessed<'_>, chosen: &mut [Option<Candidate>], reasons: &mut [Vec<Reason>]) {
        let inventory = assessed.inventory();
        let mut planned = vec![false; inventory.entra.groups.len()];
        for candidate in chosen.iter().flatten() {
            planned[candidate.entry.entra as usize] = true;
        }
        let is_cloud_security = |row: u32| {
            let g = &inventory.entra.groups[row as usize];
            g.security_enabled.is_true() && !g.mail_enabled.is_true() && g.synced != Tri::True && !g.deleted
        };
        // Who nests whom, turned round: what is dropped asks those that nest it.
        let mut parents: HashMap<u32, Vec<u32>> = HashMap::new();
        for candidate in chosen.iter().flatten().filter(|c| !c.nesting_accepted) {
            for child in self.of_group(candidate.index).iter().filter(|r| is_cloud_security(**r)) {
                parents.entry(*child).or_default().push(candidate.index);
            }
        }
        let mut open: Vec<u32> = parents.keys().copied().filter(|row| !planned[*row as usize]).collect();
        open.sort_unstable();
        while let Some(row) = open.pop() {
            for index in parents.get(&row).into_iter().flatten() {
                let Some(candidate) = chosen[*index as usize].take() else { continue };
                let group = &inventory.entra.groups[row as usize];
                let name = inventory.text.get(group.display_name).unwrap_or("");
                let id = inventory.entra_object(group).id;
                let text = format!(
                    "it nests {name:?} ({id}), which no wave holds: the job would not write that membership; a decision about C24 would accept that"
                );
                reasons[*index as usize].push(Reason { rule: "nesting".to_owned(), text });
                open.push(candidate.entry.entra);
            }
        }
    }

    /// Who nests whom among the candidates, in Entra or in AD, by their positions; each row ascending.
    pub fn children(&self, candidates: &[Candidate], assessed: &Assessed<'_>) -> Rows {
        let inventory = assessed.inventory();
        let mut of_entra = vec![NONE; inventory.entra.groups.len()];
        let mut of_ad = vec![NONE; inventory.ad.groups.len()];
        for (i, c) in candidates.iter().enumerate() {
            of_entra[c.entry.entra as usize] = i as u32;
            of_ad[c.entry.ad as usize] = i as u32;
        }
        let mut edges: Vec<(u32, u32)> = Vec::new();
        for (i, c) in candidates.iter().enumerate() {
            edges.extend(self.of_group(c.index).iter().map(|child| (i as u32, of_entra[*child as usize])));
        }
        edges.extend(assessed.nesting().iter().map(|(member, row)| {
            let child = inventory.ad.objects[*member as usize].group;
            (of_ad[*row as usize], of_ad[child as usize])
        }));
        edges.retain(|(parent, child)| *parent != NONE && *child != NONE);
        edges.sort_unstable();
        edges.dedup();
        Rows::from_pairs(candidates.len(), &edges)
    }
}

/// How many AD groups nest each candidate.
pub(super) fn nested_in(candidates: &[Candidate], assessed: &Assessed<'_>) -> Vec<u32> {
    let ad = &assessed.inventory().ad;
    let mut by_row = vec![0u32; ad.groups.len()];
    for (member, _) in assessed.nesting() {
        by_row[ad.objects[*member as usize].group as usize] += 1;
    }
    candidates.iter().map(|c| by_row[c.entry.ad as usize]).collect()
}
