//! Which assessed groups may move, and why the others may not. A `fix` moves only where the plan itself holds its fix, a
//! `review` only by a recorded decision; nothing that is unknown is taken for settled.

use super::decisions::Wish;
use super::model::{Action, Reason};
use crate::assess::{Assessed, Entry, RaisedRule};
use crate::directory::inventory::{Inventory, NONE};
use crate::report::model::{FindingStatus, Verdict, View};
use hashbrown::HashMap;

/// Rules whose fix is the mapping that the plan proposes.
pub(super) const BY_MAPPING: [&str; 3] = ["C28", "C29", "C30"];
/// The rule whose fix is that the nested group moves too.
pub(super) const BY_SCOPE: &str = "C24";

/// A group that may move.
#[derive(Debug, Clone)]
pub(super) struct Candidate {
    /// Position in the assessment.
    pub index: u32,
    pub entry: Entry,
    pub verdict: Verdict,
    /// Rules that the plan settles.
    pub fixes: Vec<&'static str>,
    /// Positions in the list of wishes.
    pub decisions: Vec<u32>,
    /// A decision accepts that a nested group stays outside.
    pub nesting_accepted: bool,
    /// A decision accepts that its name or place changes.
    pub renaming_accepted: bool,
}

pub(super) enum Standing {
    May(Candidate),
    MayNot(Vec<Reason>),
}

/// Wishes by the group that they are about.
pub(super) type ByGroup = HashMap<u32, Vec<u32>>;

pub(super) fn standing(assessed: &Assessed<'_>, index: usize, wishes: &[Wish], by_group: &ByGroup) -> Standing {
    let inventory = assessed.inventory();
    let entry = assessed.entry(index);
    let verdict = assessed.verdict(index);
    let own = by_group.get(&(index as u32)).map_or(&[][..], Vec::as_slice);
    if let Some(reason) = incomplete(inventory, entry) {
        let mut reasons = vec![reason];
        if verdict != Verdict::Migrate {
            reasons.extend(assessed.raised(index).iter().filter(|r| r.verdict > Verdict::Fix).map(unsettled));
        }
        return Standing::MayNot(reasons);
    }
    if let Some(left) = own.iter().find(|w| wishes[**w as usize].action == Some(Action::Leave)) {
        let w = &wishes[*left as usize];
        let text = format!("{} decided to leave it outside: {}", w.by, w.reason);
        return Standing::MayNot(vec![Reason { rule: w.rule.clone(), text }]);
    }
    let accepted = |rule: &str| {
        own.iter()
            .copied()
            .find(|w| matches!(wishes[*w as usize].rule.as_str(), "*") || wishes[*w as usize].rule == rule)
    };
    let mut candidate = Candidate {
        index: index as u32,
        entry,
        verdict,
        fixes: Vec::new(),
        decisions: Vec::new(),
        nesting_accepted: false,
        renaming_accepted: false,
    };
    if let Some(w) = BY_MAPPING.into_iter().find_map(|rule| own.iter().find(|w| wishes[**w as usize].rule == rule)) {
        candidate.renaming_accepted = true;
        candidate.decisions.push(*w);
    }
    if let Some(w) = accepted(BY_SCOPE) {
        candidate.nesting_accepted = true;
        if !candidate.decisions.contains(&w) {
            candidate.decisions.push(w);
        }
    }
    if verdict == Verdict::Migrate {
        return Standing::May(candidate);
    }
    let mut reasons = Vec::new();
    for raised in assessed.raised(index) {
        match (raised.verdict, raised.status) {
            (Verdict::Migrate, _) => {}
            (Verdict::Fix, _) if BY_MAPPING.contains(&raised.rule) || raised.rule == BY_SCOPE => {
                candidate.fixes.push(raised.rule);
            }
            (Verdict::Review, FindingStatus::Found) => match accepted(raised.rule) {
                Some(w) if !candidate.decisions.contains(&w) => candidate.decisions.push(w),
                Some(_) => {}
                None => reasons.push(unsettled(&raised)),
            },
            _ => reasons.push(unsettled(&raised)),
        }
    }
    match reasons.is_empty() {
        true => Standing::May(candidate),
        false => Standing::MayNot(reasons),
    }
}

/// A rule that stands in the way, in words.
fn unsettled(raised: &RaisedRule) -> Reason {
    let rule = crate::assess::rules().iter().find(|r| r.id == raised.rule);
    let title = rule.map_or("", |r| r.title);
    let text = match (raised.verdict, raised.status) {
        (Verdict::Exclude, _) => format!("{title}: does not move by this path"),
        (_, FindingStatus::Unknown) => {
            format!("{title}: the input cannot tell; what would settle it stands in the assessment")
        }
        (Verdict::Review, _) => format!("{title}: needs a decision"),
        _ => format!("{title}: to be fixed first, then collect again"),
    };
    Reason { rule: raised.rule.to_owned(), text }
}

/// What a cutover could not do without.
fn incomplete(inventory: &Inventory, entry: Entry) -> Option<Reason> {
    let lacks = |text: &str| Some(Reason { rule: "C01".to_owned(), text: text.to_owned() });
    let Some(group) = inventory.ad.groups.get(entry.ad as usize) else { return lacks("AD has no such group") };
    if entry.entra == NONE {
        return lacks("no Entra group is known for it");
    }
    let object = inventory.ad_object(group);
    if object.guid.is_nil() || !object.sid.is_some() {
        return lacks(
            "the input lacks its objectGUID or objectSid, by which a cutover proves that it is still the same group",
        );
    }
    None
}
