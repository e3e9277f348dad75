//! The difference that Cloud Sync makes: AD today, Entra today, AD afterwards, group by group, with the AD groups around
//! them whose effective members change. `scans` holds two bundles against each other instead.

mod group;
pub mod scans;
mod usage;

use super::access::{Access, Kind};
use crate::assess::{AboutBundle, Assessed, Entry, Settings, bundle_ref, find_container, published_order};
use crate::directory::inventory::{Inventory, NONE};
use crate::predict::{Action, Assumptions, Changes, Counts, Forecast, GroupOutcome, MappingsFrom, Point, Scoping};
use crate::report::diff::model::{
    Basis, DIFF_SCHEMA, DiffKind, DiffView, ForecastHeader, ForecastSummary, Head, OpenPoint, Row,
};
use crate::report::model::Severity;
use rayon::prelude::*;
use usage::Usage;

/// What a forecast's difference says of every bundle.
const LIMITS: [&str; 3] = [
    "Applications outside AD that use a group, by SID, by name or by DN, are not in a bundle; neither are the access lists of file servers.",
    "Effective membership counts what the member lists show: an account's primary group does not stand in them.",
    "Names, members and access are predicted for the state after the first synchronization of every group in scope.",
];

/// A row: an outcome of the forecast, or an AD group that nests one whose members change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Outcome(u32),
    Parent(u32),
}

pub struct Difference<'a> {
    forecast: &'a Forecast<'a>,
    access: Access,
    usage: Usage,
    rows: Vec<Place>,
    header: ForecastHeader,
}

/// Which groups are taken to be in scope, as the command line says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ScopeChoice {
    #[default]
    Planned,
    Job,
}

/// The forecast that an assessment, its settings and its attested gates lead to. `option`: whether membership of
/// on-premises users is provisioned, where somebody says so.
pub fn forecast<'a>(
    assessed: &Assessed<'a>,
    settings: &Settings,
    scope: ScopeChoice,
    option: Option<bool>,
) -> Forecast<'a> {
    let attested = settings.accepted.iter().any(|a| a.gate == "E14");
    let may_move = assessed.may_move();
    let assumed = Assumptions {
        mode: settings.scope,
        domain: settings.domain.as_deref(),
        scope: match scope {
            ScopeChoice::Planned => Scoping::Groups(&may_move),
            ScopeChoice::Job => Scoping::Job,
        },
        on_premises_members: option.or(attested.then_some(true)),
        ..Assumptions::default()
    };
    Forecast::with(assessed.inventory(), &assumed, assessed.shared())
}

impl<'a> Difference<'a> {
    pub fn of(forecast: &'a Forecast<'a>, settings: &Settings, scope: ScopeChoice, about: &AboutBundle) -> Self {
        let inventory = forecast.inventory();
        let access = Access::of(forecast);
        let usage = Usage::of(forecast);
        let parents: Vec<u32> =
            access.groups().into_iter().filter(|row| forecast.position_of_ad(*row).is_none()).collect();
        let rows = order(forecast, &parents);
        let mut summary = summarise(forecast.outcomes());
        summary.groups += parents.len() as u64;
        summary.changed += parents.len() as u64;
        summary.parents_affected = parents.len() as u64;
        summary.people_gaining = access.people(Kind::Gained);
        summary.people_losing = access.people(Kind::Lost);
        summary.people_maybe_gaining = access.people(Kind::MaybeGained);
        summary.people_maybe_losing = access.people(Kind::MaybeLost);
        let container = find_container(inventory, settings);
        let mut limits: Vec<String> = LIMITS.iter().map(|l| (*l).to_owned()).collect();
        limits.extend(about.limits.iter().cloned());
        let header = ForecastHeader {
            schema: DIFF_SCHEMA.to_owned(),
            kind: DiffKind::Forecast,
            bundle: bundle_ref(inventory, settings, container.as_ref(), about),
            basis: basis(forecast, scope),
            summary,
            limits,
        };
        Difference { forecast, access, usage, rows, header }
    }

    /// Row of the AD group that a row is about.
    pub fn ad_row(&self, index: usize) -> Option<u32> {
        let row = match *self.rows.get(index)? {
            Place::Outcome(i) => self.forecast.outcomes()[i as usize].ad,
            Place::Parent(row) => row,
        };
        (row != NONE).then_some(row)
    }
    pub fn header(&self) -> &ForecastHeader {
        &self.header
    }
    fn inventory(&self) -> &'a Inventory {
        self.forecast.inventory()
    }
    /// The worst severity of a row, without rendering it.
    fn severity(&self, index: usize) -> Severity {
        match self.rows[index] {
            Place::Outcome(i) => severity(&self.forecast.outcomes()[i as usize]),
            Place::Parent(row) => match self.access.group(row).iter().any(|c| c.1 == Kind::Lost) {
                true => Severity::High,
                false => Severity::Medium,
            },
        }
    }
    /// Whether a difference at or above `limit` is certain, or also open ones where they count.
    pub fn reaches(&self, limit: Severity, unknown_too: bool) -> bool {
        (0..self.rows.len()).into_par_iter().any(|i| {
            let depends = match self.rows[i] {
                Place::Outcome(o) => self.forecast.outcomes()[o as usize].depends(),
                Place::Parent(_) => false,
            };
            (self.is_notable(i) && self.severity(i) >= limit) || unknown_too && depends
        })
    }
}

impl DiffView for Difference<'_> {
    fn head(&self) -> Head<'_> {
        Head::Forecast(&self.header)
    }
    fn len(&self) -> usize {
        self.rows.len()
    }
    fn row(&self, index: usize) -> Row {
        Row::Group(Box::new(match self.rows[index] {
            Place::Outcome(i) => group::outcome(self, i as usize),
            Place::Parent(row) => group::parent(self, row),
        }))
    }
    fn is_notable(&self, index: usize) -> bool {
        match self.rows[index] {
            Place::Outcome(i) => self.forecast.outcomes()[i as usize].differs(),
            Place::Parent(_) => true,
        }
    }
}

/// By DN, then groups that AD has not, by object id.
fn order(forecast: &Forecast<'_>, parents: &[u32]) -> Vec<Place> {
    let outcomes = forecast.outcomes();
    let in_ad = outcomes.partition_point(|o| o.ad != NONE);
    let of = |i: usize| (Entry { ad: outcomes[i].ad, entra: outcomes[i].entra }, Place::Outcome(i as u32));
    let nesting = parents.iter().map(|row| (Entry { ad: *row, entra: NONE }, Place::Parent(*row)));
    let (entries, rows) = (0..in_ad).map(of).chain(nesting).chain((in_ad..outcomes.len()).map(of)).unzip();
    published_order(forecast.inventory(), entries, rows).1
}

/// How much an outcome needs somebody's attention.
pub fn severity(outcome: &GroupOutcome) -> Severity {
    let (m, c) = (&outcome.members, outcome.changes);
    let has = |change| c.has(change);
    match () {
        () if outcome.action.is_trouble() || has(Changes::NAME_TAKEN) || has(Changes::ERROR) => Severity::Blocker,
        () if m.lost > 0 || c.new_dn() || has(Changes::ACCOUNT_NAME) => Severity::High,
        () if m.added + m.maybe_lost + m.maybe_added + m.open > 0 || has(Changes::NAME_OPEN) => Severity::Medium,
        () if outcome.action == Action::Create => Severity::Medium,
        () if has(Changes::DISPLAY_NAME) || has(Changes::DESCRIPTION) || has(Changes::OTHER) => Severity::Low,
        () => Severity::Info,
    }
}

fn summarise(outcomes: &[GroupOutcome]) -> ForecastSummary {
    let count = |f: &(dyn Fn(&GroupOutcome) -> bool + Sync)| outcomes.par_iter().filter(|o| f(o)).count() as u64;
    let sum = |f: fn(&Counts) -> u32| outcomes.par_iter().map(|o| u64::from(f(&o.members))).sum::<u64>();
    let has = |change: Changes| count(&|o| o.changes.has(change));
    let changed = count(&|o| o.differs());
    ForecastSummary {
        groups: outcomes.len() as u64,
        unchanged: count(&|o| !o.differs() && !o.depends()),
        unchanged_unless: count(&|o| !o.differs() && o.depends()),
        changed,
        depends: count(&|o| o.depends()),
        renamed: has(Changes::RENAMED),
        moved: has(Changes::MOVED),
        attributes: count(&|o| {
            [Changes::DISPLAY_NAME, Changes::DESCRIPTION, Changes::ACCOUNT_NAME, Changes::OTHER]
                .into_iter()
                .any(|c| o.changes.has(c))
        }),
        created: count(&|o| o.action == Action::Create),
        duplicates: count(&|o| o.action.is_trouble()),
        to_stamp: count(&|o| o.action == Action::Stamp),
        name_taken: has(Changes::NAME_TAKEN),
        members_kept: sum(|m| m.kept),
        members_kept_if_option: sum(|m| m.kept_if_option),
        members_added: sum(|m| m.added),
        members_maybe_added: sum(|m| m.maybe_added),
        members_lost: sum(|m| m.lost),
        members_maybe_lost: sum(|m| m.maybe_lost),
        members_open: sum(|m| m.open),
        members_not_written: sum(|m| m.not_written),
        open_points: Point::ALL
            .into_iter()
            .map(|p| OpenPoint {
                point: p.as_str().to_owned(),
                question: p.question().to_owned(),
                settled_by: p.settled_by().to_owned(),
                groups: count(&|o| o.points.has(p)),
            })
            .filter(|p| p.groups > 0)
            .collect(),
        ..ForecastSummary::default()
    }
}

fn basis(forecast: &Forecast<'_>, scope: ScopeChoice) -> Basis {
    let view = forecast.view();
    let of = |target: &str| match forecast.mappings() {
        MappingsFrom::Unknown => None,
        _ => view.expression(target).map(str::to_owned),
    };
    Basis {
        scope: match scope {
            ScopeChoice::Planned => "planned",
            ScopeChoice::Job => "job",
        }
        .to_owned(),
        mappings: match forecast.mappings() {
            MappingsFrom::Job => "job",
            MappingsFrom::Plan => "plan",
            MappingsFrom::Defaults => "defaults",
            MappingsFrom::Unknown => "unknown",
        }
        .to_owned(),
        membership_option: match forecast.on_premises_members() {
            Some(true) => "on",
            Some(false) => "off",
            None => "unknown",
        }
        .to_owned(),
        domain: forecast.domain().map(str::to_owned),
        cn: of("cn"),
        parent_distinguished_name: of("parentDistinguishedName"),
        notes: view.notes(),
    }
}
