//! The forecast of one group as the plan publishes it.

use super::mappings::Kept;
use super::model::{AttributeChange, Possible, PredictedGroup};
use crate::directory::inventory::NONE;
use crate::directory::split;
use crate::predict::{Fate, Forecast, GroupOutcome, Point, Predicted};

/// Possible changes are named up to this number.
const NAMED: usize = 20;

pub(super) fn of(forecast: &Forecast<'_>, position: Option<usize>, dn: &str, kept: Kept) -> PredictedGroup {
    let mut out = PredictedGroup {
        cn: kept.cn.then(|| split(dn)).flatten().map(|(cn, _)| cn.into_owned()),
        dn: kept.both().then(|| dn.to_owned()),
        ..PredictedGroup::default()
    };
    let Some(position) = position else {
        out.depends.push(Point::Input.as_str().to_owned());
        return out;
    };
    let outcome = &forecast.outcomes()[position];
    members(forecast, position, &mut out);
    let changes = forecast.changed(position);
    let open_name = !kept.both() || changes.iter().any(is_open);
    out.attributes = changes.into_iter().filter_map(|(name, predicted)| change(name, predicted)).collect();
    out.depends = depends(outcome, kept, || open_name).map(|p| p.as_str().to_owned()).collect();
    out
}

/// The members that come and go. Most groups have none of those, which their counts tell without a look at the members.
fn members(forecast: &Forecast<'_>, position: usize, out: &mut PredictedGroup) {
    let m = forecast.outcomes()[position].members;
    out.not_written = u64::from(m.not_written);
    out.possible_adds.count = u64::from(m.maybe_added);
    out.possible_removals.count = m.perhaps_lost();
    if m.added + m.lost + m.maybe_added + m.maybe_lost + m.open == 0 {
        return;
    }
    let inventory = forecast.inventory();
    let name = |ad: u32, entra: u32| match (ad, inventory.entra.objects.get(entra as usize)) {
        (NONE, Some(object)) => object.id.to_string(),
        _ => inventory.dn(ad).to_owned(),
    };
    let some = |list: &mut Possible, ad, entra| {
        if list.first.len() < NAMED {
            list.first.push(name(ad, entra));
        }
    };
    forecast.visit_members(position, &mut |line| match line.fate {
        Fate::Added => out.member_adds.push(name(line.ad, line.entra)),
        Fate::Lost => out.member_removals.push(name(line.ad, line.entra)),
        Fate::MaybeAdded => some(&mut out.possible_adds, line.ad, line.entra),
        Fate::MaybeLost | Fate::Open => some(&mut out.possible_removals, line.ad, line.entra),
        Fate::Kept | Fate::KeptIfOption | Fate::NotWritten => {}
    });
    out.member_adds.sort_unstable();
    out.member_removals.sort_unstable();
}

/// What a plan's sums need of a group, without naming any member.
#[derive(Default)]
pub(super) struct Sums {
    pub member_adds: u64,
    pub member_removals: u64,
    pub possible_removals: u64,
    pub not_written: u64,
    pub renamed_or_moved: bool,
    pub depends: Vec<Point>,
}

/// The sums of what `of` says of the same group.
pub(super) fn sums(forecast: &Forecast<'_>, position: Option<usize>, kept: Kept) -> Sums {
    let renamed_or_moved = !kept.both();
    let Some(position) = position else {
        return Sums { renamed_or_moved, depends: vec![Point::Input], ..Sums::default() };
    };
    let outcome = &forecast.outcomes()[position];
    let m = outcome.members;
    let open_name = || !kept.both() || forecast.changed(position).iter().any(is_open);
    Sums {
        member_adds: u64::from(m.added),
        member_removals: u64::from(m.lost),
        possible_removals: m.perhaps_lost(),
        not_written: u64::from(m.not_written),
        renamed_or_moved,
        depends: depends(outcome, kept, open_name).collect(),
    }
}

/// Names of the attributes that `of` says a change of.
pub(super) fn changed_attributes(forecast: &Forecast<'_>, position: Option<usize>) -> Vec<String> {
    let changes = position.map(|p| forecast.changed(p)).unwrap_or_default();
    changes.into_iter().map(|(name, _)| name).collect()
}

fn is_open(change: &(String, Predicted)) -> bool {
    matches!(change.1, Predicted::Unknown { .. })
}

/// The open points that the outcome rests on. Those of the name concern the job's mappings; where the proposed ones are
/// proved, they are none of ours.
fn depends(outcome: &GroupOutcome, kept: Kept, open_name: impl FnOnce() -> bool) -> impl Iterator<Item = Point> {
    let open_name = outcome.points.has(Point::Expression) && open_name();
    outcome.points.iter().filter(move |p| match p {
        Point::Expression => open_name,
        Point::Move | Point::AddOnly => !kept.both(),
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
