//! What a group's attributes other than its name will hold, as far as the mappings say.

use super::matching::Action;
use super::names::{Attribute, Changes, Today, note, same_name, settle};
use super::points::{Point, Points};
use super::{Forecast, Outcome};
use crate::directory::GroupType;
use crate::directory::inventory::NONE;
use crate::predict::cloud::{GroupAttributes, Predicted};
use crate::predict::{JobPrediction, expression};

/// The stamp, which the cutover writes before the group comes into scope.
const STAMP: &str = "msDS-ExternalDirectoryObjectId";

/// What a target attribute stands for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Target {
    Plain,
    /// `isSecurityGroup` and `UniversalScope` are one attribute in AD, which is told in the place of the second.
    GroupType,
    OfGroupType,
}

impl Target {
    fn of(name: &str) -> Target {
        match name {
            _ if name.eq_ignore_ascii_case("UniversalScope") => Target::GroupType,
            _ if name.eq_ignore_ascii_case("isSecurityGroup") => Target::OfGroupType,
            _ => Target::Plain,
        }
    }
}

impl<'a> Forecast<'a> {
    pub(super) fn attributes(&self, outcome: &Outcome) -> Vec<Attribute> {
        let (Some(group), Ok(job)) = (self.entra_group(outcome), self.job()) else { return Vec::new() };
        let source = GroupAttributes { inventory: self.inventory, view: &self.view, group };
        job.other_targets()
            .filter_map(|target| match Target::of(target) {
                Target::OfGroupType => None,
                Target::GroupType => Some(self.group_type(outcome)),
                Target::Plain => self.attribute(outcome, job, &source, target),
            })
            .collect()
    }

    fn attribute(
        &self,
        outcome: &Outcome,
        job: &JobPrediction,
        source: &GroupAttributes<'_>,
        target: &str,
    ) -> Option<Attribute> {
        let exists = outcome.ad != NONE;
        let now = if exists { self.today(outcome, target) } else { Some(None) };
        let after = match exists {
            true => job.project_other(target, source, now.flatten())?,
            false => job.project_other_new(target, source)?,
        };
        let after = match now {
            Some(now) if exists => settle_attribute(after, now),
            _ => after.into(),
        };
        let today = match now {
            None => Today::NotCollected,
            Some(None) => Today::Empty,
            Some(Some(value)) => Today::Value(value.to_owned()),
        };
        Some(Attribute { name: target.to_owned(), today, after })
    }

    /// The attributes of the group at this position that do not simply stay, the account name among them: those of
    /// `after`, without the ones of which the first pass noted that nothing happens to them.
    pub fn changed(&self, position: usize) -> Vec<(String, Predicted)> {
        let outcome = &self.outcomes[position];
        let (Some(group), Ok(job)) = (self.entra_group(outcome), self.job()) else { return Vec::new() };
        if !outcome.action.writes() {
            return Vec::new();
        }
        let source = GroupAttributes { inventory: self.inventory, view: &self.view, group };
        let noted =
            Changes::DISPLAY_NAME | Changes::DESCRIPTION | Changes::ACCOUNT_NAME | Changes::OTHER | Changes::ERROR;
        let quiet = outcome.ad != NONE && !outcome.changes.has(noted) && !outcome.points.has(Point::Expression);
        // What the first pass had nothing to hold against, and the stamp, of which it says nothing.
        let is_open = |target: &str| {
            self.today(outcome, target).is_none()
                || outcome.action == Action::Stamp && target.eq_ignore_ascii_case(STAMP)
        };
        let mut out: Vec<(String, Predicted)> = Vec::new();
        let mut take = |name: String, after| {
            if after != Predicted::Unchanged {
                out.push((name, after));
            }
        };
        for target in job.other_targets() {
            let found = match Target::of(target) {
                Target::OfGroupType => None,
                Target::GroupType => match self.group_type_after(outcome) {
                    Predicted::Unchanged => None,
                    _ => Some(self.group_type(outcome)),
                },
                Target::Plain if quiet && !is_open(target) => None,
                Target::Plain => self.attribute(outcome, job, &source, target),
            };
            found.into_iter().for_each(|a| take(a.name, a.after));
        }
        if !quiet {
            let now = self.now(outcome.ad);
            let projected = self.projection(outcome, now.as_ref()).and_then(|p| p.sam_account_name);
            let now = now.and_then(|n| n.sam);
            projected.into_iter().for_each(|sam| take("sAMAccountName".to_owned(), settle(sam.into(), now, same_name)));
        }
        out
    }

    /// `groupType`, in its place among the targets.
    fn group_type(&self, outcome: &Outcome) -> Attribute {
        let today = match self.group_type_now(outcome) {
            Some(now) => Today::Value(now.to_string()),
            None if outcome.ad == NONE => Today::Empty,
            None => Today::NotCollected,
        };
        Attribute { name: "groupType".to_owned(), today, after: self.group_type_after(outcome) }
    }

    fn group_type_now(&self, outcome: &Outcome) -> Option<GroupType> {
        self.inventory.ad.groups.get(outcome.ad as usize).and_then(|g| g.group_type)
    }

    fn group_type_after(&self, outcome: &Outcome) -> Predicted {
        let wanted = GroupType::UNIVERSAL_SECURITY;
        match self.group_type_now(outcome) {
            Some(now) if now.is_universal() && now.is_security() => Predicted::Unchanged,
            None if outcome.ad == NONE => Predicted::Value(wanted.to_string()),
            now => Predicted::Unknown {
                candidates: [Some(wanted), now].into_iter().flatten().map(|t| t.to_string()).collect(),
                reason: Point::GroupType.question().to_owned(),
            },
        }
    }

    /// Today's value; `None` where the bundle does not hold the attribute.
    fn today(&self, outcome: &Outcome, target: &str) -> Option<Option<&'a str>> {
        let group = self.inventory.ad.groups.get(outcome.ad as usize)?;
        let is = |name: &str| target.eq_ignore_ascii_case(name);
        let text = match () {
            () if is("displayName") => group.display_name,
            () if is("description") => group.description,
            () if is("adminDescription") => group.admin_description,
            () if is(STAMP) => group.edoi,
            () if is("msDS-ObjectSoa") => group.object_soa,
            () if is("mail") => group.mail,
            () => return None,
        };
        Some(self.inventory.text.get(text))
    }

    pub(super) fn judge_attributes(&self, outcome: &Outcome, changes: &mut Changes, points: &mut Points) {
        let (Some(group), Ok(job)) = (self.entra_group(outcome), self.job()) else { return };
        let source = GroupAttributes { inventory: self.inventory, view: &self.view, group };
        let maps_type = job.other_targets().any(|t| Target::of(t) == Target::GroupType);
        if maps_type && self.group_type_after(outcome) != Predicted::Unchanged {
            points.add(Point::GroupType);
        }
        // The stamp is the cutover's own doing.
        let is_own = |target: &str| outcome.action == Action::Stamp && target.eq_ignore_ascii_case(STAMP);
        let today = |target: &str| {
            let judged = Target::of(target) == Target::Plain && !is_own(target);
            judged.then(|| self.today(outcome, target))
        };
        job.each_other(&source, &today, &mut |target, now, after| {
            let is = |name: &str| target.eq_ignore_ascii_case(name);
            let change = match () {
                () if is("displayName") => Changes::DISPLAY_NAME,
                () if is("description") => Changes::DESCRIPTION,
                () => Changes::OTHER,
            };
            // The usual case: what is there already.
            if let (Some(now), expression::Outcome::Value(value)) = (now, &after)
                && value.as_text().as_deref() == now
            {
                return;
            }
            let after = match now {
                Some(now) => settle_attribute(after, now),
                None => match Predicted::from(after) {
                    Predicted::Value(_) => return,
                    other => other,
                },
            };
            let mut seen = Changes::default();
            note(after, change, Point::Expression, &mut seen, points);
            // What an attribute other than the name will be may stay open without the name being so.
            changes.add(seen.without(Changes::NAME_OPEN));
        });
    }
}

/// An attribute that AD has, or has not, held against what comes.
fn settle_attribute(after: expression::Outcome, now: Option<&str>) -> Predicted {
    match Predicted::from(after) {
        // An empty text cannot stand in AD, so that every reading leaves an empty attribute empty.
        Predicted::Unknown { candidates, .. }
            if now.is_none() && !candidates.is_empty() && candidates.iter().all(String::is_empty) =>
        {
            Predicted::Unchanged
        }
        predicted => settle(predicted, now, |a, b| a == b),
    }
}
