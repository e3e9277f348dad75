//! What becomes of each group in Active Directory when Cloud Sync takes over: is it found, renamed, moved, made anew;
//! which members stay, come, go, and which are not written, and why. Where the documentation is silent the outcome
//! depends on a named open point, and both results are given.
//!
//! The first pass keeps some bytes a group; names and member lists are made when somebody asks for a group.

mod attributes;
mod collisions;
mod matched;
mod matching;
mod members;
mod names;
mod points;

pub use matched::Matched;
pub use matching::Action;
pub use members::{Counts, Fate, MemberLine, Why};
pub use names::{After, Attribute, Changes, Today};
pub use points::{Point, Points};

use super::cloud::{CloudView, ScopeMode};
use super::index::Index;
use super::members::MemberMap;
use super::schema::SynchronizationSchema;
use crate::directory::inventory::{EntraGroup, Inventory, NONE};
use matching::Link;
use rayon::prelude::*;
use std::sync::Arc;

/// Which mappings name the groups.
#[derive(Debug, Clone, Copy, Default)]
pub enum Mappings<'a> {
    /// The job's own; the documented defaults where there is no job.
    #[default]
    Job,
    /// These, as a plan proposes them.
    Schema(&'a SynchronizationSchema),
}

/// Which groups the job takes. Default clause and scoping filter count in each case.
#[derive(Debug, Clone, Copy, Default)]
pub enum Scoping<'a> {
    /// Every written-back group, and whatever the job takes now: the state after the last wave.
    #[default]
    Planned,
    /// What the job takes now.
    Job,
    /// These, by row of `entra.groups`.
    Groups(&'a [bool]),
}

/// What a forecast assumes.
#[derive(Debug, Clone, Copy, Default)]
pub struct Assumptions<'a> {
    pub mode: ScopeMode,
    /// The configured AD domain; else the job or the bundle tells.
    pub domain: Option<&'a str>,
    pub mappings: Mappings<'a>,
    pub scope: Scoping<'a>,
    /// "Provision membership to on-premises users"; `None` while nobody said.
    pub on_premises_members: Option<bool>,
}

/// Where the mappings came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MappingsFrom {
    Job,
    Plan,
    /// There is no job: the documented defaults.
    Defaults,
    /// The input tells neither whether there is a job nor how it maps; names stay unknown.
    Unknown,
}

/// What becomes of one group, in short. Rows of `ad.groups` and `entra.groups`, or `NONE`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outcome {
    pub ad: u32,
    pub entra: u32,
    pub action: Action,
    pub changes: Changes,
    /// The open points that this outcome rests on; a group with any of them `depends`.
    pub points: Points,
    pub members: Counts,
}

impl Outcome {
    pub fn depends(&self) -> bool {
        !self.points.is_empty()
    }
    /// Whether anything of the group will, or may, be other than it is.
    pub fn differs(&self) -> bool {
        let m = &self.members;
        self.action.is_trouble()
            || matches!(self.action, Action::Create | Action::CreateBeside)
            || !self.changes.is_empty()
            || m.added + m.lost + m.maybe_added + m.maybe_lost + m.open > 0
    }
}

/// Look-ups over an Inventory that an assessment and its forecast share.
#[derive(Clone)]
pub struct Shared {
    pub(crate) index: Arc<Index>,
    pub(crate) members: Arc<MemberMap>,
}

/// The forecast for one tenant.
pub struct Forecast<'a> {
    inventory: &'a Inventory,
    index: Arc<Index>,
    map: Arc<MemberMap>,
    view: CloudView,
    mappings: MappingsFrom,
    option: Option<bool>,
    /// By row of `entra.groups`.
    links: Vec<Link>,
    outcomes: Vec<Outcome>,
    /// Positions in `outcomes` by row of `entra.groups` and of `ad.groups`, or `NONE`.
    by_entra: Vec<u32>,
    by_ad: Vec<u32>,
    /// Positions whose predicted DN is taken, with the AD object or the position that takes it.
    collisions: Vec<(u32, collisions::Taken)>,
}

impl<'a> Forecast<'a> {
    pub fn of(inventory: &'a Inventory, assumed: &Assumptions<'_>) -> Self {
        let index = Arc::new(Index::build(inventory));
        let members = Arc::new(MemberMap::build(inventory, &index));
        Self::with(inventory, assumed, Shared { index, members })
    }

    /// The same with what an assessment of the same Inventory has built.
    pub fn with(inventory: &'a Inventory, assumed: &Assumptions<'_>, shared: Shared) -> Self {
        Matched::of(inventory, assumed, shared).forecast()
    }

    fn judged(matched: Matched<'a>) -> Self {
        let Matched { inventory, shared: Shared { index, members: map }, view, mappings, option, links, entries } =
            matched;
        let mut forecast = Forecast {
            inventory,
            index,
            map,
            view,
            mappings,
            option,
            links,
            outcomes: Vec::new(),
            by_entra: vec![NONE; inventory.entra.groups.len()],
            by_ad: vec![NONE; inventory.ad.groups.len()],
            collisions: Vec::new(),
        };
        forecast.outcomes = entries
            .into_par_iter()
            .map_init(Vec::new, |scratch, (ad, entra, action)| forecast.judge(ad, entra, action, scratch))
            .collect();
        for (i, outcome) in forecast.outcomes.iter().enumerate() {
            if outcome.ad != NONE {
                forecast.by_ad[outcome.ad as usize] = i as u32;
            }
            // Of several entries with one Entra group, the one that is matched speaks for it.
            if let Some(known) = forecast.by_entra.get_mut(outcome.entra as usize)
                && (*known == NONE || forecast.links[outcome.entra as usize].ad == outcome.ad)
            {
                *known = i as u32;
            }
        }
        forecast.collisions = collisions::find(&forecast);
        for (i, _) in &forecast.collisions {
            forecast.outcomes[*i as usize].changes.add(Changes::NAME_TAKEN);
        }
        forecast
    }

    fn judge(&self, ad: u32, entra: u32, action: Action, scratch: &mut Vec<members::Expected>) -> Outcome {
        let mut outcome = Outcome {
            ad,
            entra,
            action,
            changes: Changes::default(),
            points: Points::default(),
            members: Counts::default(),
        };
        if action == Action::Open {
            outcome.points.add(Point::Scope);
        }
        self.count_members(&mut outcome, scratch);
        self.judge_names(&mut outcome);
        outcome
    }

    pub fn inventory(&self) -> &'a Inventory {
        self.inventory
    }
    pub fn mappings(&self) -> MappingsFrom {
        self.mappings
    }
    /// "Provision membership to on-premises users", as assumed.
    pub fn on_premises_members(&self) -> Option<bool> {
        self.option
    }
    /// The AD domain that the job writes to, lower case.
    pub fn domain(&self) -> Option<&str> {
        self.view.domain()
    }
    /// How many groups are forecast: AD's in the order of `ad.groups`, then those that AD has not, by object id.
    pub fn len(&self) -> usize {
        self.outcomes.len()
    }
    pub fn is_empty(&self) -> bool {
        self.outcomes.is_empty()
    }
    pub fn outcomes(&self) -> &[Outcome] {
        &self.outcomes
    }
    /// The outcome's position, by row of `entra.groups` or of `ad.groups`.
    pub fn position_of_entra(&self, row: u32) -> Option<usize> {
        self.by_entra.get(row as usize).filter(|i| **i != NONE).map(|i| *i as usize)
    }
    pub fn position_of_ad(&self, row: u32) -> Option<usize> {
        self.by_ad.get(row as usize).filter(|i| **i != NONE).map(|i| *i as usize)
    }
    pub fn entra_group(&self, outcome: &Outcome) -> Option<&'a EntraGroup> {
        self.inventory.entra.groups.get(outcome.entra as usize)
    }
    pub(crate) fn index(&self) -> &Index {
        &self.index
    }
    pub(crate) fn view(&self) -> &CloudView {
        &self.view
    }
}
