//! The forecast of one group as the plan publishes it.

use super::model::{AttributeChange, Possible, PredictedGroup};
use crate::directory::inventory::NONE;
use crate::directory::{escape_value, split};
use crate::predict::{Fate, Forecast, GroupOutcome, Point, Predicted};

/// Possible changes are named up to this number.
const NAMED: usize = 20;

/// CN and container that the proposed mappings are proved to give.
pub(super) type Names<'n> = (Option<&'n str>, Option<&'n str>);

pub(super) fn of(forecast: &Forecast<'_>, position: Option<usize>, dn: &str, names: Names<'_>) -> PredictedGroup {
    let mut out =
        PredictedGroup { cn: names.0.map(str::to_owned), dn: dn_after(dn, names), ..PredictedGroup::default() };
    let Some(position) = position else {
        out.depends.push(Point::Input.as_str().to_owned());
        return out;
    };
    let inventory = forecast.inventory();
    let outcome = &forecast.outcomes()[position];
    let name = |ad: u32, entra: u32| match (ad, inventory.entra.objects.get(entra as usize)) {
        (NONE, Some(object)) => object.id.to_string(),
        _ => inventory.dn(ad).to_owned(),
    };
    let possible = |list: &mut Possible, ad, entra| {
        list.count += 1;
        if list.first.len() < NAMED {
            list.first.push(name(ad, entra));
        }
    };
    forecast.visit_members(position, &mut |line| match line.fate {
        Fate::Added => out.member_adds.push(name(line.ad, line.entra)),
        Fate::Lost => out.member_removals.push(name(line.ad, line.entra)),
        Fate::MaybeAdded => possible(&mut out.possible_adds, line.ad, line.entra),
        Fate::MaybeLost | Fate::Open | Fate::KeptIfOption => possible(&mut out.possible_removals, line.ad, line.entra),
        Fate::NotWritten => out.not_written += 1,
        Fate::Kept => {}
    });
    out.member_adds.sort_unstable();
    out.member_removals.sort_unstable();
    let changes = changes(forecast, position);
    let open_name = out.dn.is_none() || changes.iter().any(is_open);
    out.attributes = changes.into_iter().filter_map(|(name, predicted)| change(name, predicted)).collect();
    let depends = depends(outcome, out.dn.is_some(), || open_name);
    out.depends = depends.map(|p| p.as_str().to_owned()).collect();
    out
}

/// What a plan's sums need of a group, without naming any member.
pub(super) struct Sums {
    pub member_adds: u64,
    pub member_removals: u64,
    pub possible_removals: u64,
    pub renamed_or_moved: bool,
    pub depends: Vec<Point>,
}

/// The sums of what `of` says of the same group.
pub(super) fn sums(forecast: &Forecast<'_>, position: Option<usize>, dn: &str, names: Names<'_>) -> Sums {
    let after = dn_after(dn, names);
    let renamed_or_moved = after.as_deref() != Some(dn);
    let Some(position) = position else {
        let depends = vec![Point::Input];
        return Sums { member_adds: 0, member_removals: 0, possible_removals: 0, renamed_or_moved, depends };
    };
    let outcome = &forecast.outcomes()[position];
    let m = outcome.members;
    let open_name = || after.is_none() || changes(forecast, position).iter().any(is_open);
    Sums {
        member_adds: u64::from(m.added),
        member_removals: u64::from(m.lost),
        possible_removals: u64::from(m.maybe_lost) + u64::from(m.open) + u64::from(m.kept_if_option),
        renamed_or_moved,
        depends: depends(outcome, after.is_some(), open_name).collect(),
    }
}

fn dn_after(dn: &str, names: Names<'_>) -> Option<String> {
    let (Some(cn), Some(parent)) = names else { return None };
    let kept = split(dn).is_some_and(|(c, p)| c == cn && crate::directory::same_dn(&p, parent));
    Some(if kept { dn.to_owned() } else { format!("CN={},{parent}", escape_value(cn)) })
}

/// What becomes of the group's attributes other than its name.
fn changes(forecast: &Forecast<'_>, position: usize) -> Vec<(String, Predicted)> {
    let Some(after) = forecast.after(position) else { return Vec::new() };
    let mut out: Vec<(String, Predicted)> = after.attributes.into_iter().map(|a| (a.name, a.after)).collect();
    out.extend(after.sam_account_name.map(|p| ("sAMAccountName".to_owned(), p)));
    out
}

fn is_open(change: &(String, Predicted)) -> bool {
    matches!(change.1, Predicted::Unknown { .. })
}

/// The open points that the outcome rests on. Those of the name concern the job's mappings; where the proposed ones are
/// proved, they are none of ours.
fn depends(outcome: &GroupOutcome, proved: bool, open_name: impl FnOnce() -> bool) -> impl Iterator<Item = Point> {
    let open_name = outcome.points.has(Point::Expression) && open_name();
    outcome.points.iter().filter(move |p| match p {
        Point::Expression => open_name,
        Point::Move | Point::AddOnly => !proved,
        _ => true,
    })
}

fn change(name: String, predicted: Predicted) -> Option<AttributeChange> {
    match predicted {
        Predicted::Unchanged => None,
        Predicted::Value(value) => Some(AttributeChange { name, after: Some(value), note: None }),
        Predicted::Error(text) => Some(AttributeChange { name, after: None, note: Some(text) }),
        Predicted::Unknown { candidates, reason } => {
            let note = match candidates.is_empty() {
                true => reason,
                false => format!("{reason}; perhaps {}", candidates.join(" or ")),
            };
            Some(AttributeChange { name, after: None, note: Some(note) })
        }
    }
}
