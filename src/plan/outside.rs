//! Groups that no wave holds, and what turning V2 off does to them all the same.

use super::model::{Outside, Reason};
use crate::assess::Assessed;
use crate::directory::inventory::{EntraGroup, NONE, Tri};
use crate::report::model::View;
use hashbrown::HashSet;

/// What V2's end does to a group outside: the published word and the sentence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Effect {
    Frozen,
    BecomesDistribution,
    Created,
    WrittenByV1,
    /// Not in AD, and not written by V1.
    Nothing,
}

impl Effect {
    fn as_str(self) -> &'static str {
        match self {
            Effect::Frozen => "frozen",
            Effect::BecomesDistribution => "becomes-distribution",
            Effect::Created => "created",
            Effect::WrittenByV1 => "written-by-v1",
            Effect::Nothing => "none",
        }
    }
    fn sentence(self) -> &'static str {
        match self {
            Effect::Frozen => {
                "Stays in AD as it is; nobody maintains its members any more, so leavers keep what it gives them."
            }
            Effect::BecomesDistribution => {
                "V1 writes Microsoft 365 groups as distribution groups: what it gives access to in AD may be lost. Whether V1 converts or recreates it is not documented."
            }
            Effect::Created => "V1 writes every Microsoft 365 group: it appears in AD as a distribution group.",
            Effect::Nothing => "Nothing: AD has no such group, and V1 writes Microsoft 365 groups only.",
            Effect::WrittenByV1 => "Goes on under V1 as a distribution group, whatever its writeback setting says.",
        }
    }
}

fn effect(group: Option<&EntraGroup>, in_ad: bool, is_security: Option<bool>) -> Effect {
    match group {
        Some(g) if g.unified.is_true() && !g.deleted => match (in_ad, is_security) {
            (false, _) => Effect::Created,
            (true, Some(false)) => Effect::WrittenByV1,
            (true, _) => Effect::BecomesDistribution,
        },
        _ if !in_ad => Effect::Nothing,
        _ => Effect::Frozen,
    }
}

/// One assessed group.
pub(super) fn assessed(assessed: &Assessed<'_>, index: usize, reasons: Vec<Reason>, decision: Option<u64>) -> Outside {
    let inventory = assessed.inventory();
    let entry = assessed.entry(index);
    let ad = inventory.ad.groups.get(entry.ad as usize);
    let group = inventory.entra.groups.get(entry.entra as usize);
    let effect = effect(group, ad.is_some(), ad.and_then(|g| g.group_type).map(|t| t.is_security()));
    let text = |t| inventory.text.get(t).map(str::to_owned);
    let anchor = || crate::predict::index::anchor_of(inventory, ad?).map(|a| a.0.to_string());
    Outside {
        object_id: group.map(|g| inventory.entra_object(g).id.to_string()).or_else(anchor),
        dn: ad.map(|g| inventory.dn(g.object).to_owned()),
        display_name: group.and_then(|g| text(g.display_name)).or_else(|| ad.and_then(|g| text(g.display_name))),
        verdict: Some(assessed.verdict(index)),
        reasons,
        effect: effect.as_str().to_owned(),
        effect_text: effect.sentence().to_owned(),
        decision,
    }
}

/// Rows of Entra groups that are Microsoft 365 groups without a copy in AD and that the assessment does not list: V1 writes
/// them, whatever they say. Known only where AD was read whole.
pub(super) fn unlisted(run: &Assessed<'_>) -> Vec<u32> {
    let inventory = run.inventory();
    if !inventory.ad.is_whole() {
        return Vec::new();
    }
    let listed: HashSet<u32> = (0..run.len()).map(|i| run.entry(i).entra).filter(|e| *e != NONE).collect();
    let mut rows: Vec<u32> = (0..inventory.entra.groups.len() as u32)
        .filter(|row| {
            let group = &inventory.entra.groups[*row as usize];
            group.unified == Tri::True && !group.deleted && !listed.contains(row)
        })
        .collect();
    rows.sort_by_key(|row| inventory.entra_object(&inventory.entra.groups[*row as usize]).id);
    rows
}

/// One of those.
pub(super) fn microsoft_365(run: &Assessed<'_>, row: u32, decision: Option<u64>) -> Outside {
    let inventory = run.inventory();
    let group = &inventory.entra.groups[row as usize];
    let text = "Microsoft 365 group without a copy in AD: turning V2 off makes V1 write it".to_owned();
    Outside {
        object_id: Some(inventory.entra_object(group).id.to_string()),
        dn: None,
        display_name: inventory.text.get(group.display_name).map(str::to_owned),
        verdict: None,
        reasons: vec![Reason { rule: "C04".to_owned(), text }],
        effect: Effect::Created.as_str().to_owned(),
        effect_text: Effect::Created.sentence().to_owned(),
        decision,
    }
}
