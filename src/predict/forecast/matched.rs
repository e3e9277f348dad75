//! The first half of a forecast: which AD group the job takes for which Entra group, and what it does to it. Names and
//! members are judged afterwards, once the scope stands.

use super::matching::{self, Link};
use super::{Action, Assumptions, Forecast, Mappings, MappingsFrom, Scoping, Shared};
use crate::directory::inventory::Inventory;
use crate::predict::cloud::{CloudView, Job};

/// Groups matched, and nothing judged yet.
pub struct Matched<'a> {
    pub(super) inventory: &'a Inventory,
    pub(super) shared: Shared,
    pub(super) view: CloudView,
    pub(super) mappings: MappingsFrom,
    pub(super) option: Option<bool>,
    /// By row of `entra.groups`.
    pub(super) links: Vec<Link>,
    /// Rows of `ad.groups` and `entra.groups`, or `NONE`; ascending by the first.
    pub(super) entries: Vec<(u32, u32, Action)>,
}

impl<'a> Matched<'a> {
    pub fn of(inventory: &'a Inventory, assumed: &Assumptions<'_>, shared: Shared) -> Self {
        let mut view = CloudView::build(inventory, assumed.mode, assumed.domain);
        let mappings = match assumed.mappings {
            Mappings::Schema(schema) => {
                view.use_schema(schema);
                MappingsFrom::Plan
            }
            Mappings::Job => match view.job {
                Job::Known(_) => MappingsFrom::Job,
                Job::Absent => match crate::predict::defaults::schema(view.domain()) {
                    Ok(schema) => {
                        view.use_schema(&schema);
                        MappingsFrom::Defaults
                    }
                    Err(_) => MappingsFrom::Unknown,
                },
                Job::NotCollected | Job::NoSchema(_) => MappingsFrom::Unknown,
            },
        };
        let option = assumed.on_premises_members;
        let (links, entries) = (Vec::new(), Vec::new());
        Matched { inventory, shared, view, mappings, option, links, entries }.scoped(&assumed.scope)
    }

    /// The same with other groups in scope.
    pub fn scoped(mut self, scope: &Scoping<'_>) -> Self {
        self.links = matching::links(self.inventory, &self.shared.index, &self.view, scope);
        self.entries = matching::entries(self.inventory, &self.shared.index, &self.links);
        self
    }

    /// What the job does to an AD group, by its row; `None` where it is not forecast.
    pub fn action_of_ad(&self, row: u32) -> Option<Action> {
        let found = self.entries.binary_search_by_key(&row, |(ad, ..)| *ad).ok()?;
        Some(self.entries[found].2)
    }
    pub fn inventory(&self) -> &'a Inventory {
        self.inventory
    }
    pub fn mappings(&self) -> MappingsFrom {
        self.mappings
    }
    pub(crate) fn view(&self) -> &CloudView {
        &self.view
    }
    /// Names and members judged.
    pub fn forecast(self) -> Forecast<'a> {
        Forecast::judged(self)
    }
}
