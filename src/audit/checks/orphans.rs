//! Groups that nobody maintains any more: A26.

use super::identity::EXPORT_AD;
use super::{AuditRule, Hit, Outcome, Row};
use crate::audit::context::{Context, anchor_of};
use crate::audit::model::Failure;
use crate::directory::inventory::NONE;
use crate::report::model::Severity;
use serde_json::json;

pub fn checks() -> Vec<AuditRule> {
    vec![AuditRule {
        id: "A26",
        title: "No anchored group without its Entra group",
        condition: "The Entra group of every anchored AD group exists and is not soft-deleted.",
        why: "Nobody maintains such a group, yet it still opens what it was granted.",
        remedy: "Find the owner; remove what the group is granted, then the group.",
        severity: Severity::Medium,
        blocks: &[],
        sources: &["GWB2"],
        check: a26,
        show: show_a26,
    }]
}

fn a26(cx: &Context<'_>) -> Outcome {
    let inventory = cx.inventory;
    if !inventory.ad.present {
        return Outcome::unknown("AD is not in the input", EXPORT_AD);
    }
    if !inventory.entra.has("groups") {
        return Outcome::unknown(
            "Entra's groups are not in the input",
            "Add entra/groups*.json, or collect the tenant live.",
        );
    }
    let mut out = Outcome::default();
    let (mut anchored, whole) = (0u64, inventory.entra.has_all("groups"));
    let mut others: Vec<(bool, u32, u32)> = Vec::new();
    for (row, group) in inventory.ad.groups.iter().enumerate() {
        let Some(anchor) = anchor_of(inventory, group) else { continue };
        anchored += 1;
        let deleted = match cx.assess.index.entra_group(inventory, anchor.0) {
            Some(entra) if !inventory.entra.groups[entra as usize].deleted => continue,
            found => found.is_some(),
        };
        others.push((!deleted && !whole, row as u32, u32::from(deleted)));
    }
    others.sort_by_key(|(_, row, _)| inventory.dn(inventory.ad.groups[*row as usize].object));
    for (open, row, deleted) in others {
        // The row stands in `b`, with the lowest bit for a soft-deleted one apart in `a`.
        let hit = Hit::row(cx.position_of_ad(row), deleted, row);
        if open { out.open.push(hit) } else { out.failed.push(hit) }
    }
    out.evidence = json!({ "anchoredGroups": anchored, "entraWhole": whole });
    out.message = match out.failed.len() {
        0 => format!("{anchored} anchored groups in AD, each with its Entra group"),
        n => format!("{n} of {anchored} anchored groups have no live Entra group"),
    };
    out.remedy = Some("Export all pages of Entra's groups, or collect the tenant live.".to_owned());
    out
}

fn show_a26(cx: &Context<'_>, row: Row) -> Failure {
    let message = match (row.a, cx.inventory.entra.has_all("groups")) {
        (1, _) => {
            "The Entra group is soft-deleted; it goes for good after 30 days, and what then becomes of the AD group is not documented"
        }
        (_, true) => "There is no such Entra group any more",
        (_, false) => "The Entra group is not among those that were read",
    };
    let mut failure = match row.entry {
        NONE => cx.failure_of_ad(row.b, "", message),
        position => cx.failure(position, "", message),
    };
    failure.expected = Some("a live Entra group".to_owned());
    failure.actual = Some(if row.a == 1 { "soft-deleted" } else { "none" }.to_owned());
    failure
}
