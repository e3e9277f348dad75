//! Who is left to move: what the forecast or the mappings refuse falls out, and with it what nests it, until all that is
//! left stands.

use super::build::Input;
use super::candidates::{BY_MAPPING, Candidate};
use super::mappings::{self, Case, Proposed};
use super::model::Reason;
use super::nesting::Nesting;
use super::stops::passes;
use crate::directory::inventory::Evaluation;
use crate::predict::{Action, Assumptions, Forecast, Mappings, Matched, Scoping};
use crate::report::model::View;
use rayon::prelude::*;

/// Groups by their position in the assessment, and why each cannot move.
type Refused = Vec<(u32, Reason)>;

pub(super) fn settle<'a>(
    input: &Input<'a>,
    evaluations: &[Evaluation],
    nesting: &Nesting,
    mut chosen: Vec<Option<Candidate>>,
    reasons: &mut [Vec<Reason>],
) -> (Vec<Candidate>, Forecast<'a>, Proposed) {
    let assessed = input.assessed;
    let (inventory, settings) = (assessed.inventory(), assessed.settings());
    let in_scope = |chosen: &[Option<Candidate>]| {
        let mut rows = vec![false; inventory.entra.groups.len()];
        for candidate in chosen.iter().flatten() {
            rows[candidate.entry.entra as usize] = true;
        }
        rows
    };
    let assumed = Assumptions {
        mode: settings.scope,
        domain: settings.domain.as_deref(),
        mappings: Mappings::Job,
        scope: Scoping::Groups(&in_scope(&chosen)),
        on_premises_members: passes(&assessed.header().gates, "E14").then_some(true),
    };
    // Who is matched decides who falls out; names and members are judged once, when that is settled.
    let mut matched = Matched::of(inventory, &assumed, assessed.shared());
    loop {
        let mut refused = unmatched(&matched, &chosen);
        if refused.is_empty() {
            let cases: Vec<Case<'_>> = chosen
                .iter()
                .flatten()
                .map(|c| Case {
                    entra: c.entry.entra,
                    dn: inventory.dn(inventory.ad.groups[c.entry.ad as usize].object),
                })
                .collect();
            let proposed = mappings::propose(&matched, &cases, evaluations);
            refused = not_kept(&chosen, &proposed);
            if refused.is_empty() {
                return (chosen.into_iter().flatten().collect(), matched.forecast(), proposed);
            }
        }
        for (index, reason) in refused {
            reasons[index as usize].push(reason);
            chosen[index as usize] = None;
        }
        nesting.drop_open(assessed, &mut chosen, reasons);
        matched = matched.scoped(&Scoping::Groups(&in_scope(&chosen)));
    }
}

/// Groups that the job would not update in place.
fn unmatched(matched: &Matched<'_>, chosen: &[Option<Candidate>]) -> Refused {
    let refuse = |candidate: &Candidate| {
        let action = matched.action_of_ad(candidate.entry.ad).unwrap_or(Action::Gone);
        let reason = || Reason { rule: "C15".to_owned(), text: action.sentence().to_owned() };
        (!matches!(action, Action::Update | Action::Stamp)).then(|| (candidate.index, reason()))
    };
    chosen.par_iter().flatten().filter_map(refuse).collect()
}

/// Groups whose name or place no mapping keeps, unless a decision accepts that.
fn not_kept(chosen: &[Option<Candidate>], proposed: &Proposed) -> Refused {
    let refuse = |(i, candidate): (usize, &Candidate)| {
        let kept = proposed.kept[i];
        if kept.both() || candidate.renaming_accepted {
            return None;
        }
        let why = proposed.trouble(i);
        let rule = if kept.cn { BY_MAPPING[2] } else { BY_MAPPING[1] };
        let text =
            format!("no proposed mapping keeps its name or place: {why}; a decision about {rule} would accept that");
        Some((candidate.index, Reason { rule: rule.to_owned(), text }))
    };
    chosen.iter().flatten().enumerate().filter_map(refuse).collect()
}
