//! The waves: candidates scored, put in the order that the policy wants, and cut.

use super::build::Input;
use super::candidates::Candidate;
use super::mappings::Proposed;
use super::model::Risk;
use super::nesting::{Nesting, nested_in};
use super::policy::{OrderBy, Policy, WAVE_SIZE};
use super::risk::{self, Facts};
use super::wanted::{Matcher, Wanted, names_of};
use super::waves::{self, Cut, Pin, Slot, Task, Trouble};
use crate::directory::inventory::NONE;
use crate::directory::{Dn, Rows};
use crate::error::{Error, Result};
use crate::predict::Forecast;
use rayon::prelude::*;

/// The waves, over positions in the list of candidates.
pub(super) struct Selection {
    pub waves: Vec<NamedCut>,
    pub children: Rows,
    scores: Vec<u32>,
    nested_in: Vec<u32>,
    /// The number of the circle that a group is in; 0 for one in none.
    circles: Vec<u32>,
}

pub(super) struct NamedCut {
    pub name: String,
    pub canary: bool,
    pub oversize: bool,
    pub groups: Vec<u32>,
}

/// What is known of the candidates before they are cut into waves.
#[derive(Clone, Copy)]
pub(super) struct Basis<'b> {
    pub input: &'b Input<'b>,
    /// In the order of the assessment: by DN.
    pub candidates: &'b [Candidate],
    pub forecast: &'b Forecast<'b>,
    pub proposed: &'b Proposed,
}

impl<'b> Basis<'b> {
    pub fn dn(&self, i: usize) -> &'b str {
        let inventory = self.input.assessed.inventory();
        inventory.dn(inventory.ad.groups[self.candidates[i].entry.ad as usize].object)
    }
    fn facts(&self, i: usize, nested_in: u32, nests: usize, in_circle: bool) -> Facts<'b> {
        let (assessed, candidate) = (self.input.assessed, &self.candidates[i]);
        let position = self.forecast.position_of_ad(candidate.entry.ad);
        Facts {
            outcome: position.map(|p| &self.forecast.outcomes()[p]),
            members: assessed.inventory().ad.members.row(candidate.entry.ad as usize).len(),
            nested_in: nested_in as usize,
            nests,
            in_circle,
            fixes: candidate.fixes.len(),
            decisions: candidate.decisions.len(),
            name_kept: self.proposed.kept[i].both(),
            near_limit: assessed.is_flagged(candidate.index as usize, "C18"),
        }
    }
}

impl Selection {
    pub fn score(&self, i: u32) -> u32 {
        self.scores[i as usize]
    }
    /// The risk with its parts, whose words are not kept.
    pub fn risk(&self, basis: &Basis<'_>, i: u32) -> Risk {
        let at = i as usize;
        risk::risk(&basis.facts(at, self.nested_in[at], self.children.row(at).len(), self.circles[at] > 0))
    }
    pub fn circle(&self, i: u32) -> Option<u64> {
        Some(u64::from(self.circles[i as usize])).filter(|number| *number > 0)
    }
}

/// The place of each candidate when all are put in order by this key, then by DN.
fn places<K: Ord + Send>(count: usize, key: impl Fn(usize) -> K + Sync) -> Vec<u32> {
    let mut order: Vec<u32> = (0..count as u32).collect();
    order.par_sort_by_cached_key(|i| (key(*i as usize), *i));
    let mut place = vec![0; count];
    for (at, i) in order.iter().enumerate() {
        place[*i as usize] = at as u32;
    }
    place
}

/// Circles, numbered as they come; 0 for units of one group.
fn circles(units: &[u32]) -> Vec<u32> {
    let count = units.iter().max().map_or(0, |u| *u as usize + 1);
    let (mut sizes, mut numbers, mut next) = (vec![0u32; count], vec![0u32; count], 1);
    for unit in units {
        sizes[*unit as usize] += 1;
    }
    let mut number = |unit: &u32| {
        let at = *unit as usize;
        if sizes[at] > 1 && numbers[at] == 0 {
            numbers[at] = next;
            next += 1;
        }
        numbers[at]
    };
    units.iter().map(&mut number).collect()
}

pub(super) fn select(
    basis: &Basis<'_>,
    nesting: &Nesting,
    policy: Option<&Policy>,
    wanted: Option<&Wanted>,
) -> Result<Selection> {
    let Basis { input, candidates, .. } = *basis;
    let children = nesting.children(candidates, input.assessed);
    let units = waves::units(&children);
    let circles = circles(&units);
    let nested_in = nested_in(candidates, input.assessed);
    let score = |i: usize| risk::score(&basis.facts(i, nested_in[i], children.row(i).len(), circles[i] > 0));
    let scores: Vec<u32> = (0..candidates.len()).into_par_iter().map(score).collect();
    let risk_rank = places(candidates.len(), |i| scores[i]);
    let order = policy.map_or(OrderBy::Risk, |p| p.waves.order);
    let rank = match order {
        OrderBy::Risk => risk_rank.clone(),
        // As they stand.
        OrderBy::Name => (0..candidates.len() as u32).collect(),
        OrderBy::Ou => places(candidates.len(), |i| {
            let parent = Dn::parse(basis.dn(i)).ok().and_then(|d| d.parent()).map(|p| p.key()).unwrap_or_default();
            (parent, risk_rank[i])
        }),
        OrderBy::Pattern => by_patterns(candidates, policy, input, &risk_rank)?,
    };
    let mut slots = Vec::new();
    let canary = policy.map_or(super::policy::CANARY_SIZE, Policy::canary_size) as usize;
    let rest = policy.map_or(WAVE_SIZE, Policy::wave_size) as usize;
    slots.push(Slot { size: canary, fill: canary > 0 });
    let own = policy.map_or(&[][..], |p| p.wave.as_slice());
    slots.extend(
        own.iter()
            .map(|w| Slot { size: w.get_ref().size.as_ref().map_or(rest, |s| *s.get_ref() as usize), fill: false }),
    );
    let pins: Vec<Pin> = candidates
        .iter()
        .map(|c| wanted.and_then(|w| w.pins.get(&c.index)).map_or(Pin::Free, |(pin, _)| *pin))
        .collect();
    let dn = |i: usize| basis.dn(i);
    let task = Task { children: &children, rank: &rank, risk_rank: &risk_rank, pins: &pins, slots: &slots, rest };
    let cuts = waves::cut(&task).map_err(|trouble| refused(trouble, candidates, wanted, policy, input, &dn))?;
    Ok(Selection { waves: named(cuts, policy), scores, children, nested_in, circles })
}

fn by_patterns(
    candidates: &[Candidate],
    policy: Option<&Policy>,
    input: &Input<'_>,
    risk_rank: &[u32],
) -> Result<Vec<u32>> {
    let (Some(policy), Some(file)) = (policy, input.policy) else { return Ok(risk_rank.to_vec()) };
    let matchers: Vec<Matcher> = policy
        .waves
        .patterns
        .iter()
        .map(|p| Matcher::new(file, std::slice::from_ref(p), &[]))
        .collect::<Result<_>>()?;
    let first = |i: usize| {
        let names = names_of(input.assessed, candidates[i].entry);
        matchers.iter().position(|m| m.matches(names)).unwrap_or(matchers.len())
    };
    Ok(places(candidates.len(), |i| (first(i), risk_rank[i])))
}

fn named(cuts: Vec<Cut>, policy: Option<&Policy>) -> Vec<NamedCut> {
    let (mut out, mut rest, mut part) = (Vec::<NamedCut>::new(), 0, (NONE, 0));
    for cut in cuts {
        let name = match cut.slot {
            Some(0) => "Canary".to_owned(),
            Some(s) => {
                part = if part.0 == s { (s, part.1 + 1) } else { (s, 1) };
                let own = policy.and_then(|p| p.wave.get(s as usize - 1)).and_then(|w| w.get_ref().name.as_ref());
                let own = own.map_or("", |n| n.get_ref().trim());
                if part.1 == 1 { own.to_owned() } else { format!("{own}, part {}", part.1) }
            }
            None => {
                rest += 1;
                format!("Wave {rest}")
            }
        };
        out.push(NamedCut { name, canary: cut.slot == Some(0), oversize: cut.oversize, groups: cut.groups });
    }
    out
}

fn refused<'d>(
    trouble: Trouble,
    candidates: &[Candidate],
    wanted: Option<&Wanted>,
    policy: Option<&Policy>,
    input: &Input<'_>,
    dn: &impl Fn(usize) -> &'d str,
) -> Error {
    let at = |i: u32| wanted.and_then(|w| w.pins.get(&candidates[i as usize].index)).map_or(0, |(_, at)| *at);
    let error = |offset: usize, what: String| match input.policy {
        Some(file) => file.error(offset, what),
        None => Error::usage(what),
    };
    let line = |i: u32| input.policy.and_then(|f| f.place(at(i)).line).unwrap_or(0);
    match trouble {
        Trouble::Apart(a, b) => error(
            at(b),
            format!(
                "{} and {} (line {}) nest each other and move together, but are pinned to different waves",
                dn(b as usize),
                dn(a as usize),
                line(a)
            ),
        ),
        Trouble::BeforeNested { parent, child } => error(
            at(parent),
            format!(
                "{} is pinned before {} (line {}), which it nests",
                dn(parent as usize),
                dn(child as usize),
                line(child)
            ),
        )
        .hint("A nested group moves before the group that nests it, or in the same wave."),
        Trouble::TooMany { slot, count } => {
            let size = match slot {
                0 => policy.and_then(|p| p.canary.size.as_ref()),
                s => policy.and_then(|p| p.wave.get(s as usize - 1)).and_then(|w| w.get_ref().size.as_ref()),
            };
            let first = (0..candidates.len() as u32)
                .filter(|i| {
                    wanted
                        .and_then(|w| w.pins.get(&candidates[*i as usize].index))
                        .is_some_and(|(p, _)| *p == Pin::Hard(slot))
                })
                .map(at)
                .min();
            let offset = size.map(|s| s.span().start).or(first).unwrap_or(0);
            error(
                offset,
                format!(
                    "{count} groups are pinned to this wave, with those that they nest; that is more than its size"
                ),
            )
        }
    }
}
