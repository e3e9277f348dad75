//! The forecast of one group as the plan publishes it.

use super::model::{AttributeChange, Possible, PredictedGroup};
use crate::directory::inventory::NONE;
use crate::directory::{escape_value, split};
use crate::predict::{Fate, Forecast, Point, Predicted};

/// Possible changes are named up to this number.
const NAMED: usize = 20;

/// Whether members are named, or only counted: names are most of a plan, and its sums do without them.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Members {
    Named,
    Counted,
}

/// `names`: CN and container that the proposed mappings are proved to give.
pub(super) fn of(
    forecast: &Forecast<'_>,
    position: Option<usize>,
    dn: &str,
    names: (Option<&str>, Option<&str>),
    members: Members,
) -> PredictedGroup {
    let mut out = PredictedGroup { cn: names.0.map(str::to_owned), ..PredictedGroup::default() };
    if let (Some(cn), Some(parent)) = names {
        let kept = split(dn).is_some_and(|(c, p)| c == cn && crate::directory::same_dn(&p, parent));
        out.dn = Some(if kept { dn.to_owned() } else { format!("CN={},{parent}", escape_value(cn)) });
    }
    let Some(position) = position else {
        out.depends.push(Point::Input.as_str().to_owned());
        return out;
    };
    let inventory = forecast.inventory();
    let outcome = &forecast.outcomes()[position];
    let name = |ad: u32, entra: u32| match (ad, inventory.entra.objects.get(entra as usize)) {
        _ if members == Members::Counted => String::new(),
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
    let mut open_name = out.dn.is_none();
    if let Some(after) = forecast.after(position) {
        let mut changes: Vec<(String, Predicted)> = after.attributes.into_iter().map(|a| (a.name, a.after)).collect();
        changes.extend(after.sam_account_name.map(|p| ("sAMAccountName".to_owned(), p)));
        for (name, predicted) in changes {
            open_name |= matches!(predicted, Predicted::Unknown { .. });
            out.attributes.extend(change(name, predicted));
        }
    }
    // The name's open points concern the job's mappings; where the proposed ones are proved, they are none of ours.
    let concerns = |p: &Point| match p {
        Point::Expression => open_name,
        Point::Move | Point::AddOnly => out.dn.is_none(),
        _ => true,
    };
    out.depends = outcome.points.iter().filter(concerns).map(|p| p.as_str().to_owned()).collect();
    out
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
