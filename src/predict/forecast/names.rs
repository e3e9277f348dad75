//! What a group will be called, as far as the mappings say, and what changes about it.

use super::collisions::Taken;
use super::matching::Action;
use super::points::{Point, Points};
use super::{Forecast, Outcome};
use crate::directory::inventory::NONE;
use crate::directory::{Anchor, same_dn, split};
use crate::predict::cloud::{GroupAttributes, Job, Predicted};
use crate::predict::expression;
use crate::predict::schema::FlowType;
use crate::predict::{Current, GroupProjection, JobPrediction};

/// What changes about a group besides its members, as a set.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Changes(u16);

impl Changes {
    pub const RENAMED: Changes = Changes(1);
    pub const MOVED: Changes = Changes(1 << 1);
    pub const DISPLAY_NAME: Changes = Changes(1 << 2);
    pub const DESCRIPTION: Changes = Changes(1 << 3);
    pub const ACCOUNT_NAME: Changes = Changes(1 << 4);
    /// The stamp is written by the cutover.
    pub const STAMPED: Changes = Changes(1 << 5);
    pub const OTHER: Changes = Changes(1 << 6);
    /// Name or place cannot be told.
    pub const NAME_OPEN: Changes = Changes(1 << 7);
    /// The new name is taken by another object, or by another group's new name.
    pub const NAME_TAKEN: Changes = Changes(1 << 8);
    /// The mappings give an error: the group is not synchronised.
    pub const ERROR: Changes = Changes(1 << 9);

    pub fn add(&mut self, other: Changes) {
        self.0 |= other.0;
    }
    pub fn has(self, other: Changes) -> bool {
        self.0 & other.0 != 0
    }
    /// Without those.
    pub(super) fn without(self, other: Changes) -> Changes {
        Changes(self.0 & !other.0)
    }
    pub fn is_empty(self) -> bool {
        self.0 & !Changes::STAMPED.0 == 0
    }
    /// The DN changes, or a new one is made.
    pub fn new_dn(self) -> bool {
        self.has(Changes::RENAMED | Changes::MOVED)
    }
}

impl std::ops::BitOr for Changes {
    type Output = Changes;
    fn bitor(self, other: Changes) -> Changes {
        Changes(self.0 | other.0)
    }
}

/// One attribute today and afterwards.
#[derive(Debug, Clone, PartialEq)]
pub struct Attribute {
    /// The AD attribute.
    pub name: String,
    pub today: Today,
    pub after: Predicted,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Today {
    Value(String),
    Empty,
    /// The bundle does not hold this attribute.
    NotCollected,
}

/// A group as it will be. `Predicted::Unchanged` where it stays.
#[derive(Debug, Clone, PartialEq)]
pub struct After {
    pub cn: Predicted,
    pub parent: Predicted,
    pub dn: Predicted,
    /// `None` where the job does not map it: an existing value is presumably left alone, a new group gets a random one.
    pub sam_account_name: Option<Predicted>,
    /// Every other mapped attribute, in the order of the schema.
    pub attributes: Vec<Attribute>,
    /// Who has the new DN already: a DN, or the object id of another group that gets it.
    pub taken_by: Option<String>,
}

pub(super) struct Now<'a> {
    cn: std::borrow::Cow<'a, str>,
    parent: std::borrow::Cow<'a, str>,
    pub(super) sam: Option<&'a str>,
}

impl<'a> Forecast<'a> {
    pub(super) fn now(&self, ad: u32) -> Option<Now<'a>> {
        let object = self.inventory.ad_object(self.inventory.ad.groups.get(ad as usize)?);
        let (cn, parent) = split(self.inventory.text.get(object.dn)?)?;
        Some(Now { cn, parent, sam: self.inventory.text.get(object.sam_account_name) })
    }

    pub(super) fn job(&self) -> Result<&JobPrediction, &str> {
        match &self.view.job {
            Job::Known(job) => Ok(job),
            Job::Absent | Job::NotCollected => Err("whether a Cloud Sync job exists is not in the input"),
            Job::NoSchema(reason) => Err(reason),
        }
    }

    pub(super) fn projection(&self, outcome: &Outcome, now: Option<&Now<'_>>) -> Option<GroupProjection> {
        let group = self.entra_group(outcome)?;
        let attributes = GroupAttributes { inventory: self.inventory, view: &self.view, group };
        let job = self.job().ok()?;
        Some(match now {
            Some(now) => job.project(&attributes, Current { cn: &now.cn, parent: &now.parent, sam: now.sam }),
            None => job.project_new(&attributes),
        })
    }

    /// The group at this position as it will be; `None` where the job does not write it.
    pub fn after(&self, position: usize) -> Option<After> {
        let outcome = &self.outcomes[position];
        if !outcome.action.writes() {
            return None;
        }
        let now = self.now(outcome.ad);
        let taken_by =
            self.collisions.iter().find(|(p, _)| *p as usize == position).map(|(_, taken)| self.name_of(*taken));
        let Some(projected) = self.projection(outcome, now.as_ref()) else {
            let reason = self.job().err().unwrap_or("the Entra group is not in the input").to_owned();
            let open = || Predicted::Unknown { candidates: Vec::new(), reason: reason.clone() };
            let (cn, parent, dn) = (open(), open(), open());
            return Some(After { cn, parent, dn, sam_account_name: None, attributes: Vec::new(), taken_by });
        };
        let dn = settle(projected.dn().into(), Some(self.dn(outcome)).filter(|dn| !dn.is_empty()), same_dn);
        let (cn, parent, sam) = match &now {
            Some(now) => (Some(&*now.cn), Some(&*now.parent), now.sam),
            None => (None, None, None),
        };
        Some(After {
            cn: settle(projected.cn.into(), cn, same_cn),
            parent: settle(projected.parent.into(), parent, same_dn),
            dn,
            sam_account_name: projected.sam_account_name.map(|p| settle(p.into(), sam, same_name)),
            attributes: self.attributes(outcome),
            taken_by,
        })
    }

    /// Name and container that the job would give a new object for this group, where the mappings tell.
    pub fn new_name(&self, outcome: &Outcome) -> Option<(String, String)> {
        let projected = self.projection(outcome, None)?;
        Some((projected.cn.text()?.into_owned(), projected.parent.text()?.into_owned()))
    }

    fn name_of(&self, taken: Taken) -> String {
        match taken {
            Taken::Object(object) => self.inventory.dn(object).to_owned(),
            Taken::Position(position) => match self.entra_group(&self.outcomes[position as usize]) {
                Some(group) => Anchor(self.inventory.entra_object(group).id).0.to_string(),
                None => String::new(),
            },
        }
    }

    fn dn(&self, outcome: &Outcome) -> &'a str {
        self.inventory.ad.groups.get(outcome.ad as usize).map_or("", |g| self.inventory.dn(g.object))
    }

    /// Notes in the first pass what changes and what that rests on.
    pub(super) fn judge_names(&self, outcome: &mut Outcome) {
        if !outcome.action.writes() {
            return;
        }
        let now = self.now(outcome.ad);
        let (mut changes, mut points) = (Changes::default(), outcome.points);
        if outcome.action == Action::Stamp {
            changes.add(Changes::STAMPED);
        }
        if outcome.action == Action::Update && !self.links[outcome.entra as usize].exact {
            points.add(Point::AnchorCase);
        }
        match self.projection(outcome, now.as_ref()) {
            None => {
                changes.add(Changes::NAME_OPEN);
                points.add(Point::Expression);
            }
            Some(projected) => {
                let (cn, parent, sam) = match &now {
                    Some(now) => (Some(&*now.cn), Some(&*now.parent), now.sam),
                    None => (None, None, None),
                };
                let mapping = |m: fn(&JobPrediction) -> Option<&crate::predict::mapping::CompiledMapping>| {
                    self.job()
                        .ok()
                        .and_then(m)
                        .is_some_and(|m| matches!(m.flow, FlowType::ObjectAddOnly | FlowType::AttributeAddOnly))
                };
                let open = |add_only: bool| if add_only { Point::AddOnly } else { Point::Expression };
                let mut look =
                    |after: expression::Outcome, now: Option<&str>, same: fn(&str, &str) -> bool, change, point| {
                        note(settle(after.into(), now, same), change, point, &mut changes, &mut points);
                    };
                look(projected.cn, cn, same_cn, Changes::RENAMED, open(mapping(JobPrediction::cn_mapping)));
                look(projected.parent, parent, same_dn, Changes::MOVED, open(mapping(JobPrediction::parent_mapping)));
                if let Some(after) = projected.sam_account_name {
                    look(after, sam, same_name, Changes::ACCOUNT_NAME, Point::Expression);
                }
            }
        }
        if outcome.ad == NONE {
            // A new group has nothing to be renamed from.
            changes = changes.without(Changes::RENAMED | Changes::MOVED | Changes::ACCOUNT_NAME);
        } else {
            if changes.has(Changes::MOVED) {
                points.add(Point::Move);
            }
            self.judge_attributes(outcome, &mut changes, &mut points);
        }
        outcome.changes = changes;
        outcome.points = points;
    }
}

pub(super) fn note(after: Predicted, change: Changes, point: Point, changes: &mut Changes, points: &mut Points) {
    match after {
        Predicted::Unchanged => {}
        Predicted::Value(_) => changes.add(change),
        Predicted::Error(_) => changes.add(Changes::ERROR),
        Predicted::Unknown { .. } => {
            changes.add(Changes::NAME_OPEN);
            points.add(point);
        }
    }
}

fn same_cn(a: &str, b: &str) -> bool {
    a == b || a.to_lowercase() == b.to_lowercase()
}

pub(super) fn same_name(a: &str, b: &str) -> bool {
    a.eq_ignore_ascii_case(b)
}

/// A predicted value that is the present one is no change.
pub(super) fn settle(after: Predicted, now: Option<&str>, same: fn(&str, &str) -> bool) -> Predicted {
    match (after, now) {
        (Predicted::Value(value), Some(now)) if same(&value, now) => Predicted::Unchanged,
        (after, _) => after,
    }
}
