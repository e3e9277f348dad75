//! Where the groups stand, and what they are called: A03.

use super::identity::{AGAINST, EXPORT_AD};
use super::{AuditRule, Hit, Outcome, Row};
use crate::audit::context::Context;
use crate::audit::model::Failure;
use crate::directory::inventory::NONE;
use crate::directory::same_dn;
use crate::predict::{Changes, MappingsFrom, Predicted};
use crate::report::model::Severity;
use serde_json::json;

pub fn checks() -> Vec<AuditRule> {
    vec![AuditRule {
        id: "A03",
        title: "Name and place as approved",
        condition: "The group's DN is the one that the plan approves, else the one it had before, else the one that the job's mappings give; and the mappings do not lead away from it.",
        why: "Applications find groups by DN, and access that is inherited depends on the container.",
        remedy: "Correct the job's mappings of cn and parentDistinguishedName, then put the group back where it belongs.",
        severity: Severity::High,
        blocks: &[],
        sources: &["MIG26", "GOV26"],
        check: a03,
        show: show_a03,
    }]
}

/// `a` of a row of A03: the DN is another, the mappings lead away, the mappings fail, nothing can be said.
const PLACE: u32 = 0;
const LEADS_AWAY: u32 = 1;
const FAILS: u32 = 2;

fn a03(cx: &Context<'_>) -> Outcome {
    if !cx.inventory.ad.present {
        return Outcome::unknown("AD is not in the input", EXPORT_AD);
    }
    let mut out = Outcome::default();
    let mapped = cx.forecast.mappings() == MappingsFrom::Job;
    let (mut judged, mut by_record, mut by_mapping) = (0u64, 0u64, 0u64);
    for (position, entry) in cx.each().filter(|(_, e)| e.ad != NONE) {
        let before = cx.before(entry);
        judged += 1;
        if let (Some(before), Some(dn)) = (before, cx.dn(entry)) {
            if !same_dn(dn, before.approved_dn.as_deref().unwrap_or(&before.dn)) {
                out.failed.push(Hit::row(position, PLACE, 0));
                continue;
            }
            by_record += 1;
        }
        let outcome = cx.forecast.position_of_entra(entry.entra).map(|i| &cx.forecast.outcomes()[i]);
        let outcome = outcome.filter(|o| mapped && o.ad == entry.ad && o.action.writes());
        match outcome.map(|o| o.changes) {
            Some(changes) if changes.has(Changes::ERROR) => out.failed.push(Hit::row(position, FAILS, 0)),
            Some(changes) if changes.new_dn() && !changes.has(Changes::NAME_OPEN) => {
                out.failed.push(Hit::row(position, LEADS_AWAY, 0));
            }
            Some(changes) if !changes.has(Changes::NAME_OPEN) => by_mapping += 1,
            _ if before.is_none() && cx.is_wanted(entry) => out.open.push(Hit::row(position, PLACE, 0)),
            _ => {}
        }
    }
    out.evidence = json!({
        "groups": judged, "asRecorded": by_record, "asMapped": by_mapping, "mappingsKnown": mapped,
        "cn": cx.assess.cloud.expression("cn"), "parentDistinguishedName": cx.assess.cloud.expression("parentDistinguishedName"),
    });
    out.message = match (out.failed.len(), cx.former) {
        (0, Some(_)) => format!("{by_record} groups stand where they were approved to stand"),
        (0, None) => format!("{by_mapping} groups stand where the job's mappings put them"),
        (n, _) => format!("{n} of {judged} groups are not, or will not stay, where they should be"),
    };
    out.remedy = Some(format!("{AGAINST} Or add cloudsync/jobs.json and schema.json, whose mappings then decide."));
    out
}

fn show_a03(cx: &Context<'_>, row: Row) -> Failure {
    let entry = cx.entry(row.entry);
    let before = cx.before(entry);
    let dn = cx.dn(entry).unwrap_or_default();
    let mapped = || -> Option<String> {
        match cx.forecast.after(cx.forecast.position_of_entra(entry.entra)?)?.dn {
            Predicted::Value(dn) => Some(dn),
            Predicted::Unknown { reason, .. } => Some(format!("not known: {reason}")),
            Predicted::Error(error) => Some(format!("error: {error}")),
            Predicted::Unchanged => None,
        }
    };
    let message = match row.a {
        PLACE if before.is_some() => "The group stands under another name or in another place than approved",
        PLACE => "Where the group should stand is open",
        LEADS_AWAY => "The job's mappings give another DN: the next change of the group renames or moves it",
        _ => "The job's mappings give an error: the group is not synchronised",
    };
    let mut failure = cx.failure(row.entry, ["", "mapping", "mapping", ""][row.a.min(3) as usize], message);
    failure.attribute = Some("distinguishedName".to_owned());
    let approved = before.map(|b| b.approved_dn.clone().unwrap_or_else(|| b.dn.clone()));
    (failure.expected, failure.actual) = match row.a {
        PLACE => (approved.or_else(mapped), Some(dn.to_owned())),
        _ => (Some(approved.unwrap_or_else(|| dn.to_owned())), mapped()),
    };
    failure.evidence = json!({
        "dnBefore": before.map(|b| &b.dn), "approved": before.and_then(|b| b.approved_dn.as_ref()), "mapped": mapped(),
    });
    failure
}
