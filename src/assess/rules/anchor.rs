//! The anchors and what they point to: C10–C16.

use super::Rule;
use crate::assess::index::carriers;
use crate::assess::members::LISTED;
use crate::assess::subject::{Detail, EntraSide, Sink, Subject};
use crate::assess::truth::Truth;
use crate::directory::inventory::{Carrier, Tri};
use crate::directory::{AnchorText, starts_like_anchor};
use crate::report::model::{Severity, Verdict};
use serde_json::json;

pub fn rules() -> Vec<Rule> {
    vec![
        Rule {
            id: "C10",
            title: "No valid anchor in adminDescription",
            condition: "AD: adminDescription is empty, is no Group_<guid>, or is of unknown origin (TakenOver_Group_…).",
            why: "Only Group_<objectId> says which Entra group an AD group is. Copying anything else to msDS-ExternalDirectoryObjectId joins it to the wrong group or to none.",
            remedy: "Find out whether group writeback made this group. If it did not, take it out of the container; never copy the value.",
            severity: Severity::High,
            verdict: Verdict::Review,
            sources: &["MIG26"],
            check: c10,
        },
        Rule {
            id: "C11",
            title: "No such group in Entra",
            condition: "The anchor names an Entra group that does not exist.",
            why: "An orphan: nothing in the cloud maintains it, and it may still grant access.",
            remedy: "Check that the export is of the right tenant and look among the deleted groups. Then the owner decides: keep as a plain AD group, or snapshot and delete.",
            severity: Severity::High,
            verdict: Verdict::Review,
            sources: &["GWB2"],
            check: c11,
        },
        Rule {
            id: "C12",
            title: "Deleted in Entra, not yet purged",
            condition: "Entra: the group is soft-deleted.",
            why: "V2 keeps the AD copy frozen until the group is purged; after the cutover nothing does.",
            remedy: "Restore the group in Entra, or let it go and retire the AD copy, before the cutover.",
            severity: Severity::Medium,
            verdict: Verdict::Exclude,
            sources: &["GWB2"],
            check: c12,
        },
        Rule {
            id: "C13",
            title: "Writeback is not enabled, yet AD has a copy",
            condition: "Entra: a security group with writebackConfiguration.isEnabled false or null. AD: an object with its anchor.",
            why: "The copy is stale: V2 froze it when writeback was switched off. Moving it would bring old members back to life.",
            remedy: "Decide: bring it into Cloud Sync's scope on purpose, or retire the AD copy.",
            severity: Severity::Medium,
            verdict: Verdict::Review,
            sources: &["GWB2", "PORTAL"],
            check: c13,
        },
        Rule {
            id: "C14",
            title: "State of msDS-ExternalDirectoryObjectId",
            condition: "AD: the attribute is empty, equals the anchor, or is another Group_<guid> than adminDescription.",
            why: "Cloud Sync joins by this attribute. Empty, it creates a duplicate; another group's, it joins the wrong one.",
            remedy: "Different values: find out which is right. It is then replaced by comparing with the old value, never blindly.",
            severity: Severity::High,
            verdict: Verdict::Review,
            sources: &["MIG26"],
            check: c14,
        },
        Rule {
            id: "C15",
            title: "Anchor carried by more than one object",
            condition: "AD: the value of adminDescription or msDS-ExternalDirectoryObjectId stands on another object too.",
            why: "Cloud Sync stops with a duplicate-entries error and may put the whole job in quarantine.",
            remedy: "Keep the value on the one group that Entra means and clear it on the others, before any stamping.",
            severity: Severity::Blocker,
            verdict: Verdict::Fix,
            sources: &["ERR26"],
            check: c15,
        },
        Rule {
            id: "C16",
            title: "msDS-ExternalDirectoryObjectId holds something else",
            condition: "AD: the attribute is set, but not to a Group_<guid>.",
            why: "Another program wrote it (Exchange hybrid uses User_<guid> on users). Cloud Sync cannot join the group.",
            remedy: "Ask who uses the value, then clear it.",
            severity: Severity::High,
            verdict: Verdict::Review,
            sources: &["WORKS26"],
            check: c16,
        },
    ]
}

fn c10(s: &Subject<'_>, out: &mut Sink) {
    let Some((group, _)) = s.ad else { return };
    let value = s.text(group.admin_description);
    let what = match s.admin_description {
        AnchorText::Anchor { .. } => return,
        AnchorText::Empty => "adminDescription is empty",
        AnchorText::TakenOver(_) => "adminDescription is TakenOver_Group_…, an anchor of unknown origin",
        AnchorText::Malformed => "adminDescription begins like an anchor but is none",
        AnchorText::Other => "adminDescription is no anchor",
    };
    out.found(|| Detail::new(what).evidence(json!({ "adminDescription": value })));
}

fn c11(s: &Subject<'_>, out: &mut Sink) {
    let Some(anchor) = s.anchor else { return };
    match s.entra {
        EntraSide::Known(_) | EntraSide::NoAnchor => {}
        EntraSide::NotCollected => out.unknown(|| s.open("Whether Entra still has this group is open", &[])),
        EntraSide::Gone => out.found(|| {
            let deleted = s.cx.inventory.entra.has("deletedItems");
            let message = match deleted {
                true => "The anchor names no group of this tenant, neither live nor deleted".to_owned(),
                false => "The anchor names no group of this tenant; deleted groups were not collected, so it may be soft-deleted".to_owned(),
            };
            Detail::new(message).evidence(json!({ "objectId": anchor.0, "deletedGroupsCollected": deleted }))
        }),
    }
}

fn c12(s: &Subject<'_>, out: &mut Sink) {
    out.decide(
        s.ask(|g| Truth::of(g.deleted)),
        || Detail::new("The group lies among Entra's deleted groups").evidence(json!({ "deleted": true })),
        || s.open("Whether the group is soft-deleted is open", &[]),
    );
}

fn c13(s: &Subject<'_>, out: &mut Sink) {
    if !s.in_ad() {
        return;
    }
    let off = s.ask(|g| match g.writeback.is_enabled {
        Tri::Absent => Truth::Maybe,
        value => Truth::of(value != Tri::True),
    });
    let property = s.entra_group().map_or(Tri::Absent, |g| g.writeback.is_enabled);
    out.decide(
        s.entra_security() & off & s.ask(|g| Truth::of(!g.deleted)),
        || {
            let message = match property {
                Tri::False => "Writeback is switched off for this group, yet AD has a copy",
                _ => "Writeback was never set for this group (null), yet AD has a copy",
            };
            Detail::new(message).evidence(json!({ "isEnabled": property.known() }))
        },
        || match s.entra {
            EntraSide::NotCollected => s.open("Whether writeback is enabled for the group is open", &[]),
            _ => Detail::new(
                "Whether writeback is enabled for the group is open: the input has no writebackConfiguration",
            )
            .evidence(json!({ "missing": ["writebackConfiguration"] }))
            .remedy("Export the groups from Graph beta too: GET /beta/groups?$select=id,writebackConfiguration."),
        },
    );
}

fn c14(s: &Subject<'_>, out: &mut Sink) {
    let Some((group, _)) = s.ad else { return };
    let (edoi, admin) = (s.text(group.edoi), s.text(group.admin_description));
    let evidence = || json!({ "msDS-ExternalDirectoryObjectId": edoi, "adminDescription": admin });
    match (s.edoi, s.admin_description) {
        (AnchorText::Empty, _) if s.anchor.is_none() => out.found_as(Severity::Info, Verdict::Migrate, || {
            Detail::new("Empty, and without an anchor there is nothing to stamp it with (C10)")
                .evidence(evidence())
                .remedy("Settle C10 first.")
        }),
        (AnchorText::Empty, _) => out.found_as(Severity::Info, Verdict::Migrate, || {
            let seen = &s.cx.inventory.ad.environment.attributes_seen;
            let note = match seen.iter().any(|a| a == "msds-externaldirectoryobjectid") {
                true => "",
                false => " (no object of the input carries it: was it exported?)",
            };
            Detail::new(format!("Empty: the cutover stamps it with the anchor{note}"))
                .evidence(evidence())
                .remedy("Nothing to fix; stamping is the cutover's first step.")
        }),
        (AnchorText::Anchor { anchor: a, exact: x }, AnchorText::Anchor { anchor: b, exact: y }) if a == b => {
            out.found_as(Severity::Info, Verdict::Migrate, || {
                let note = if x && y { "" } else { " (letter case differs from what Cloud Sync writes; whether its match is case-sensitive is not documented)" };
                Detail::new(format!("Done: equals the anchor{note}")).evidence(evidence()).remedy("Nothing to fix.")
            })
        }
        (AnchorText::Anchor { .. }, AnchorText::Anchor { .. }) => {
            out.found(|| Detail::new("msDS-ExternalDirectoryObjectId names another group than adminDescription").evidence(evidence()))
        }
        (AnchorText::Anchor { .. }, _) => out.found(|| {
            Detail::new("msDS-ExternalDirectoryObjectId is an anchor, but adminDescription does not say the same").evidence(evidence())
        }),
        _ => {} // C16
    }
}

fn c15(s: &Subject<'_>, out: &mut Sink) {
    let Some((group, object)) = s.ad else { return };
    let inventory = s.cx.inventory;
    let index = &s.cx.index;
    if !index.perhaps_shared.contains(&object.group) {
        return;
    }
    let environment = &inventory.ad.environment;
    let mut shared: Vec<(&str, &str)> = Vec::new();
    let mut rows: Vec<u32> = Vec::new();
    let mut others: Vec<&str> = Vec::new();
    for (name, text, read) in [
        ("adminDescription", group.admin_description, s.admin_description),
        ("msDS-ExternalDirectoryObjectId", group.edoi, s.edoi),
    ] {
        let Some(value) = s.text(text).filter(|v| starts_like_anchor(v)) else { continue };
        let before = rows.len() + others.len();
        // Both attributes of the others count: the cutover copies one to the other.
        for (is_edoi, list) in [(false, &index.by_admin_description), (true, &index.by_edoi)] {
            let odd;
            let groups: &mut dyn Iterator<Item = u32> = match read {
                AnchorText::Anchor { anchor, .. } => &mut carriers(list, anchor.0).iter().map(|(_, row)| *row),
                _ => {
                    odd = index.odd_values.get(&(is_edoi, value.to_lowercase()));
                    &mut odd.into_iter().flatten().copied()
                }
            };
            rows.extend(groups.filter(|row| *row != object.group).take(LISTED));
        }
        let same = |c: &&Carrier| c.value.eq_ignore_ascii_case(value);
        others.extend(environment.other_carriers.iter().filter(same).map(|c| c.dn.as_str()));
        if rows.len() + others.len() > before {
            shared.push((name, value));
        }
    }
    let Some(&(_, value)) = shared.first() else { return };
    out.found(|| {
        others.extend(rows.iter().map(|row| inventory.dn(inventory.ad.groups[*row as usize].object)));
        others.sort_unstable();
        others.dedup();
        let names: Vec<&str> = shared.iter().map(|(n, _)| *n).collect();
        Detail::new(format!(
            "{} further object(s) carry the value of {}",
            others.len(),
            crate::assess::subject::list(&names)
        ))
        .evidence(json!({ "value": value, "attributes": names, "others": others }))
    });
}

fn c16(s: &Subject<'_>, out: &mut Sink) {
    let Some((group, _)) = s.ad else { return };
    if matches!(s.edoi, AnchorText::Other | AnchorText::Malformed | AnchorText::TakenOver(_)) {
        let value = s.text(group.edoi);
        out.found(|| {
            Detail::new("msDS-ExternalDirectoryObjectId is set, but not to an anchor")
                .evidence(json!({ "msDS-ExternalDirectoryObjectId": value }))
        });
    }
}
