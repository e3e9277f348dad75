//! A plan whose groups are made when they are asked for, and the sums that need none of them.

use super::brief::Brief;
use super::build::Parts;
use super::model::{Plan, PlannedGroup, Wave};
use super::planned::{InWave, is_frozen};
use super::steps::StepIds;
use super::{file, mappings, predicted};
use crate::directory::inventory::Evaluation;
use crate::error::Result;
use crate::predict::{Point, spread};
use rayon::prelude::*;
use std::ops::Range;

/// Groups from which members are removed for certain, kept for the pages.
pub(super) const NAMED_REMOVALS: usize = 200;

/// What a page says of a wave whose groups it does not hold.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct WaveSize {
    pub groups: u64,
    /// The highest risk of its groups.
    pub risk: u32,
}

impl WaveSize {
    pub fn of(wave: &Wave) -> WaveSize {
        let risk = wave.groups.iter().map(|g| g.risk.score).max().unwrap_or(0);
        WaveSize { groups: wave.groups.len() as u64, risk }
    }
}

/// A plan whose groups are made when they are asked for: all of a million at once are many times what they are made from.
pub struct Assembly<'a> {
    pub(super) parts: Parts<'a>,
    pub(super) step_ids: StepIds,
    /// The plan with no group in its waves, and without its hash.
    pub(super) head: Plan,
    pub(super) sizes: Vec<WaveSize>,
    pub(super) removing: Vec<(usize, u32)>,
}

impl Assembly<'_> {
    pub fn head(&self) -> &Plan {
        &self.head
    }

    pub fn sizes(&self) -> &[WaveSize] {
        &self.sizes
    }

    /// Groups of a wave, in order.
    fn groups(&self, wave: usize) -> Vec<PlannedGroup> {
        let made = self.in_wave(wave);
        self.ids(wave).par_iter().map(|i| made.group(*i)).collect()
    }

    /// What a page says of some of them.
    pub fn briefs(&self, wave: usize, range: Range<usize>) -> Vec<Brief> {
        self.ids(wave).get(range).unwrap_or_default().par_iter().map(|i| Brief::made(&self.parts, *i)).collect()
    }

    /// The first groups that lose members for certain.
    pub fn removing(&self) -> Vec<PlannedGroup> {
        self.removing.iter().map(|(wave, i)| self.in_wave(*wave).group(*i)).collect()
    }

    /// The plan without its groups and its hash.
    pub fn into_head(self) -> (Plan, Vec<WaveSize>) {
        (self.head, self.sizes)
    }

    /// The whole plan in memory, with its hash.
    pub fn whole(self) -> Result<Plan> {
        let groups: Vec<_> = (0..self.head.waves.len()).map(|wave| self.groups(wave)).collect();
        let mut plan = self.head;
        plan.waves.iter_mut().zip(groups).for_each(|(wave, groups)| wave.groups = groups);
        plan.sha256 = file::hash(&plan)?;
        Ok(plan)
    }

    /// Gives the JSON of all groups as it stands in the plan, wave after wave, each wave in parts of `PART` groups; ends
    /// early where nobody takes it.
    pub(super) fn make_json(&self, mut give: impl FnMut(Result<Vec<u8>>) -> bool) {
        let waves = self.parts.selection.waves.iter().enumerate();
        let parts: Vec<(usize, &[u32])> =
            waves.flat_map(|(wave, cut)| cut.groups.chunks(PART).map(move |ids| (wave, ids))).collect();
        let json = |(wave, ids): &(usize, &[u32])| {
            let made = self.in_wave(*wave);
            let mut out = Vec::with_capacity(ids.len() * GROUP_BYTES);
            for (at, i) in ids.iter().enumerate() {
                if at > 0 {
                    out.push(b',');
                }
                file::write_group(&made.group(*i), &mut out)?;
            }
            Ok(out)
        };
        for some in parts.chunks(PARTS_AT_ONCE) {
            let made: Vec<Result<Vec<u8>>> = some.par_iter().map(json).collect();
            if !made.into_iter().all(&mut give) {
                return;
            }
        }
    }

    /// What to ask the tenant's own evaluator about the proposed mappings, over up to so many groups of the waves.
    pub fn questions(&self, most: usize) -> Vec<Evaluation> {
        let inventory = self.parts.input.assessed.inventory();
        let cases: Vec<mappings::Asked<'_>> = spread(self.parts.candidates.len(), most)
            .into_iter()
            .map(|i| mappings::Asked {
                entra: self.parts.candidates[i].entry.entra,
                values: self.parts.proposed.values(i, self.parts.dn(i)).collect(),
            })
            .collect();
        mappings::questions(inventory, self.parts.forecast.view(), &self.parts.proposed.proposal, &cases)
    }

    fn ids(&self, wave: usize) -> &[u32] {
        self.parts.selection.waves.get(wave).map_or(&[], |w| &w.groups)
    }

    fn in_wave(&self, wave: usize) -> InWave<'_> {
        InWave { parts: &self.parts, ids: &self.step_ids, wave }
    }
}

/// Groups whose JSON is made in one go, and how many of these are made at a time.
pub(super) const PART: usize = 64;
const PARTS_AT_ONCE: usize = 64;
/// What a group's JSON mostly takes, and a little more.
const GROUP_BYTES: usize = 2_048;

/// What a wave comes to.
#[derive(Default)]
pub(super) struct Tally {
    pub groups: u64,
    /// Direct memberships in Entra.
    pub links: u64,
    pub risk: u32,
    pub graph_writes: u64,
    pub member_adds: u64,
    pub member_removals: u64,
    pub possible_removals: u64,
    pub depends: u64,
    pub renamed_or_moved: u64,
    /// Groups by `Point::ALL`.
    pub points: [u64; Point::ALL.len()],
    /// Wave and candidate of the first groups that lose members.
    pub removing: Vec<(usize, u32)>,
}

impl Tally {
    fn and(mut self, other: Tally) -> Tally {
        self.groups += other.groups;
        self.links += other.links;
        self.risk = self.risk.max(other.risk);
        self.graph_writes += other.graph_writes;
        self.member_adds += other.member_adds;
        self.member_removals += other.member_removals;
        self.possible_removals += other.possible_removals;
        self.depends += other.depends;
        self.renamed_or_moved += other.renamed_or_moved;
        self.points.iter_mut().zip(other.points).for_each(|(own, more)| *own += more);
        let room = NAMED_REMOVALS.saturating_sub(self.removing.len());
        self.removing.extend(other.removing.into_iter().take(room));
        self
    }
}

pub(super) fn tallies(parts: &Parts<'_>, ids: &StepIds) -> Vec<Tally> {
    let waves = parts.selection.waves.par_iter().enumerate();
    waves
        .map(|(wave, cut)| {
            let frozen = is_frozen(parts, ids, wave);
            // In order, so that the first to lose members are the first of the wave.
            cut.groups.par_iter().map(|i| tally(parts, wave, *i, frozen)).reduce(Tally::default, Tally::and)
        })
        .collect()
}

fn tally(parts: &Parts<'_>, wave: usize, index: u32, frozen: bool) -> Tally {
    let candidate = &parts.candidates[index as usize];
    let position = parts.forecast.position_of_ad(candidate.entry.ad);
    let sums = predicted::sums(parts.forecast, position, parts.proposed.kept[index as usize]);
    Tally {
        groups: 1,
        links: parts.input.assessed.inventory().entra.members.row(candidate.entry.entra as usize).len() as u64,
        risk: parts.selection.score(index),
        // Into scope, each extension value, and the freeze.
        graph_writes: 1 + parts.proposed.count_values(index as usize) + u64::from(frozen),
        member_adds: sums.member_adds,
        member_removals: sums.member_removals,
        possible_removals: sums.possible_removals,
        depends: u64::from(!sums.depends.is_empty()),
        renamed_or_moved: u64::from(sums.renamed_or_moved),
        points: Point::ALL.map(|point| u64::from(sums.depends.contains(&point))),
        removing: if sums.member_removals == 0 { Vec::new() } else { vec![(wave, index)] },
    }
}
