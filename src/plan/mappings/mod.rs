//! The mappings of name and place that keep every planned group where it is: the simplest form that holds for all of
//! them, proved by evaluating it for each. Forms that the documentation calls faulty are not proposed: no Switch with a
//! default, no IIF on an attribute that may be null, nothing that takes a DN apart by its commas.

mod attributes;
mod patch;
mod search;
mod tenant;

pub(super) use tenant::{Asked, questions};

use super::model::{CannotKeep, ExtensionProperty, MappingProposal};
use crate::directory::inventory::Evaluation;
use crate::directory::{same_dn, split};
use crate::predict::Matched;
use hashbrown::HashMap;
use search::Search;
use serde_json::Value;
use std::borrow::Cow;

/// A planned group's row of `entra.groups` and what it is called.
pub(super) struct Case<'a> {
    pub entra: u32,
    pub dn: &'a str,
}

/// A proposal, and what it needs of each case.
pub(super) struct Proposed {
    pub proposal: MappingProposal,
    /// By case.
    pub kept: Vec<Kept>,
    values: Vec<Values>,
    /// By case, where there is one: the first of its entries in `cannot_keep`.
    troubles: HashMap<u32, u32>,
}

/// Whether a group is proved to keep its name and its container.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Kept {
    pub cn: bool,
    pub parent: bool,
}

impl Kept {
    pub fn both(self) -> bool {
        self.cn && self.parent
    }
}

/// An extension property that gets a group's present name or container.
struct Values {
    property: String,
    part: Part,
    /// By case: whether it is written.
    written: Vec<bool>,
}

impl Proposed {
    /// Values of extension properties to write for a case, as (property, value).
    pub fn values<'p>(&'p self, case: usize, dn: &'p str) -> impl Iterator<Item = (&'p str, Cow<'p, str>)> {
        let own = self.values.iter().filter(move |v| v.written[case]);
        own.map(move |v| (v.property.as_str(), v.part.of(dn)))
    }
    pub fn count_values(&self, case: usize) -> u64 {
        self.values.iter().filter(|v| v.written[case]).count() as u64
    }
    /// Why a case is not kept.
    pub fn trouble(&self, case: usize) -> &str {
        let found = self.troubles.get(&(case as u32)).and_then(|at| self.proposal.cannot_keep.get(*at as usize));
        found.map_or("", |k| k.reason.as_str())
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Cn,
    Parent,
}

impl Part {
    fn target(self) -> &'static str {
        match self {
            Part::Cn => "cn",
            Part::Parent => "parentDistinguishedName",
        }
    }
    fn property(self) -> &'static str {
        match self {
            Part::Cn => "GroupCN",
            Part::Parent => "GroupParentDN",
        }
    }
    /// This part of a name; empty where the name cannot be read.
    fn of(self, dn: &str) -> Cow<'_, str> {
        let found = split(dn);
        match self {
            Part::Cn => found.map(|(cn, _)| cn),
            Part::Parent => found.map(|(_, parent)| parent),
        }
        .unwrap_or_default()
    }
    fn same(self, a: &str, b: &str) -> bool {
        match self {
            Part::Cn => a == b,
            Part::Parent => a == b || same_dn(a, b),
        }
    }
}

pub(super) fn propose(matched: &Matched<'_>, cases: &[Case<'_>], evaluations: &[Evaluation]) -> Proposed {
    let inventory = matched.inventory();
    let mut proposal = MappingProposal::default();
    let mut values: Vec<Values> = Vec::new();
    let mut kept = vec![Kept::default(); cases.len()];
    let mut troubles: HashMap<u32, u32> = HashMap::new();
    let mut sources: Vec<(Part, Option<Value>)> = Vec::new();
    let mut tenant_notes = Vec::new();
    for part in [Part::Cn, Part::Parent] {
        let search = Search::new(matched, cases, evaluations, part);
        let chosen = search.choose();
        tenant_notes.extend(search.tenant_notes(chosen.as_ref()));
        let lost: Vec<(usize, String)> = match &chosen {
            Some(choice) => search.lost(choice),
            None => {
                let why = "the tenant's own evaluator refuses every mapping that would keep it";
                (0..cases.len()).map(|i| (i, why.to_owned())).collect()
            }
        };
        let mut stays = vec![true; cases.len()];
        for (i, reason) in lost {
            stays[i] = false;
            troubles.entry(i as u32).or_insert(proposal.cannot_keep.len() as u32);
            proposal.cannot_keep.push(CannotKeep {
                object_id: search.object_id(i),
                dn: cases[i].dn.to_owned(),
                attribute: part.target().to_owned(),
                reason,
            });
        }
        let all = stays.iter().all(|s| *s);
        for (kept, stays) in kept.iter_mut().zip(stays) {
            match part {
                Part::Cn => kept.cn = stays,
                Part::Parent => kept.parent = stays,
            }
        }
        match part {
            Part::Cn => proposal.keeps_every_name = all,
            Part::Parent => proposal.keeps_every_place = all,
        }
        let Some(choice) = chosen else { continue };
        if let Some(property) = choice.property {
            proposal.extensions.push(ExtensionProperty {
                exists: attributes::known_extension(inventory, &property),
                values: choice.written.iter().filter(|w| **w).count() as u64,
                name: property.clone(),
            });
            values.push(Values { property, part, written: choice.written });
        }
        sources.push((part, choice.source));
        match part {
            Part::Cn => proposal.cn = Some(choice.mapping),
            Part::Parent => proposal.parent_distinguished_name = Some(choice.mapping),
        }
    }
    proposal.schema_patch = patch::patch(inventory, &sources);
    proposal.notes = patch::notes(&proposal);
    proposal.notes.extend(matched.view().settled().notes());
    proposal.notes.extend(tenant_notes);
    Proposed { proposal, kept, values, troubles }
}
