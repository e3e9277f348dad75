//! How many members, and which of them Cloud Sync can write: C17, C18, C20–C27.

use super::Rule;
use crate::assess::members::{FIRST, LISTED, Sort};
use crate::assess::subject::{Detail, EntraSide, Sink, Subject};
use crate::directory::inventory::Completeness;
use crate::report::model::{Severity, Verdict};
use serde_json::{Value, json};

pub fn rules() -> Vec<Rule> {
    vec![
        Rule {
            id: "C17",
            title: "Too many direct members",
            condition: "More than 50,000 direct members, in AD or in Entra.",
            why: "Cloud Sync does not support larger groups; V2 wrote up to 250,000.",
            remedy: "Split the group, or nest smaller groups in it, before it moves.",
            severity: Severity::Blocker,
            verdict: Verdict::Exclude,
            sources: &["DEP26", "GWB2"],
            check: c17,
        },
        Rule {
            id: "C18",
            title: "Close to the member limit",
            condition: "Between 45,000 and 50,000 direct members.",
            why: "A little growth puts the group beyond what Cloud Sync supports.",
            remedy: "Watch its growth; plan a split.",
            severity: Severity::Medium,
            verdict: Verdict::Migrate,
            sources: &["DEP26"],
            check: c18,
        },
        Rule {
            id: "C20",
            title: "Members that exist in the cloud only",
            condition: "Entra members: users without an AD account.",
            why: "Cloud Sync skips them, as V2 did, unless it provisions users too.",
            remedy: "Nothing to fix, unless these people need access on premises.",
            severity: Severity::Info,
            verdict: Verdict::Migrate,
            sources: &["PRE26"],
            check: |s, out| users(s, out, Sort::CloudUser, "{n} member(s) exist in the cloud only and are not written"),
        },
        Rule {
            id: "C21",
            title: "Synchronised members without onPremisesObjectIdentifier",
            condition: "Entra members: synchronised users whose onPremisesObjectIdentifier is null.",
            why: "Cloud Sync finds a user's AD account by this value alone; without it the membership is lost.",
            remedy: "Bring Connect to 2.2.8.0 or later and run a full synchronisation, then collect again.",
            severity: Severity::High,
            verdict: Verdict::Fix,
            sources: &["PRE26"],
            check: |s, out| {
                users(s, out, Sort::NoIdentifier, "{n} synchronised member(s) have no onPremisesObjectIdentifier")
            },
        },
        Rule {
            id: "C22",
            title: "Members whose identifier is not in this forest",
            condition: "Entra members: users whose onPremisesObjectIdentifier is no objectGUID of the target forest.",
            why: "They belong to another forest, or the value is stale; Cloud Sync leaves them out.",
            remedy: "Check where these accounts live. For another forest, keep a group there; for a stale value, let Connect export it anew.",
            severity: Severity::High,
            verdict: Verdict::Fix,
            sources: &["PRE26", "TOPO"],
            check: |s, out| {
                users(
                    s,
                    out,
                    Sort::ForeignIdentifier,
                    "{n} member(s) have an identifier that is no objectGUID in the collected AD",
                )
            },
        },
        Rule {
            id: "C23",
            title: "Members that are groups synchronised from AD",
            condition: "Entra members: groups with onPremisesSyncEnabled true.",
            why: "Cloud Sync does not write such a nesting; V2 did. The nested group's people lose what this group grants.",
            remedy: "Convert the nested group's source of authority, or add its people to this group.",
            severity: Severity::High,
            verdict: Verdict::Fix,
            sources: &["WORKS26", "GWB2"],
            check: |s, out| groups(s, out, Sort::SyncedGroup, "{n} member(s) are groups synchronised from AD"),
        },
        Rule {
            id: "C24",
            title: "Members that are cloud groups out of scope",
            condition: "Entra members: cloud security groups that Cloud Sync will not provision.",
            why: "A nested group is written only if it is itself in scope.",
            remedy: "Bring the nested groups into scope, lowest first.",
            severity: Severity::High,
            verdict: Verdict::Fix,
            sources: &["CFG26"],
            check: c24,
        },
        Rule {
            id: "C25",
            title: "Members that are devices, service principals or contacts",
            condition: "Entra members of a type other than user and group.",
            why: "V2 wrote devices; for Cloud Sync nothing is documented.",
            remedy: "Find out what relies on these members; move them to another group or accept their loss.",
            severity: Severity::High,
            verdict: Verdict::Review,
            sources: &["GWB2", "PRE26"],
            check: c25,
        },
        Rule {
            id: "C26",
            title: "Members that are Microsoft 365 or mail-enabled groups",
            condition: "Entra members: Microsoft 365 groups, mail-enabled security groups, distribution lists.",
            why: "Cloud Sync cannot provision them, so the nesting is not written; a copy of V1 stays where it is.",
            remedy: "Replace the nested group by a security group, or accept the loss of the nesting.",
            severity: Severity::High,
            verdict: Verdict::Review,
            sources: &["OVW26"],
            check: |s, out| groups(s, out, Sort::MailGroup, "{n} member(s) are Microsoft 365 or mail-enabled groups"),
        },
        Rule {
            id: "C27",
            title: "Members differ between AD and Entra",
            condition: "AD's direct members are not the AD counterparts of Entra's direct members.",
            why: "Somebody changed AD by hand, or writeback fell behind. Nothing reconciles it, until the group next changes in the cloud and AD is overwritten.",
            remedy: "Settle each difference in Entra, where the group is mastered, before it moves.",
            severity: Severity::High,
            verdict: Verdict::Review,
            sources: &["SOAG", "PRE25"],
            check: c27,
        },
    ]
}

/// Direct members that were read on both sides, and whether AD's list is whole. A list that is cut counts with what was
/// read: a group does not get smaller by what is missing.
fn sizes(s: &Subject<'_>) -> (u64, Option<u64>, bool) {
    let inventory = s.cx.inventory;
    let ad = inventory.ad.members.row(s.entry.ad as usize).len() as u64;
    let read = s.entra_group().is_some_and(|g| g.members != Completeness::Absent);
    let entra = read.then(|| inventory.entra.members.row(s.entry.entra as usize).len() as u64);
    let ad_known = s.ad.is_none_or(|(g, _)| g.members == Completeness::Complete);
    (ad, entra, ad_known)
}

fn c17(s: &Subject<'_>, out: &mut Sink) {
    let (ad, entra, ad_known) = sizes(s);
    let most = ad.max(entra.unwrap_or(0));
    let limit = s.cx.settings.limits.max_group_members;
    if most > limit {
        out.found(|| {
            Detail::new(format!("{most} direct members, {limit} are supported"))
                .evidence(json!({ "adMembers": ad, "entraMembers": entra, "limit": limit }))
        });
    } else if !ad_known {
        out.unknown(|| {
            Detail::new(format!("At least {most} direct members; AD's list is not whole"))
                .evidence(json!({ "adMembersRead": ad, "entraMembers": entra, "limit": limit }))
                .remedy("Collect the member list whole (all ranges), or collect live.")
        });
    }
}

fn c18(s: &Subject<'_>, out: &mut Sink) {
    let (ad, entra, _) = sizes(s);
    let most = ad.max(entra.unwrap_or(0));
    let limits = &s.cx.settings.limits;
    if most >= limits.warn_group_members && most <= limits.max_group_members {
        out.found(|| {
            Detail::new(format!("{most} direct members, {} are supported", limits.max_group_members))
                .evidence(json!({ "adMembers": ad, "entraMembers": entra, "limit": limits.max_group_members }))
        });
    }
}

/// One finding about members of a sort: `found` when there are some, open when members of whom too little is known may
/// be of that sort.
fn sort(s: &Subject<'_>, out: &mut Sink, sort: Sort, open: &[Sort], message: &str, settle: &str) {
    let n = s.members.count(sort);
    if n > 0 {
        return out.found(|| Detail::new(message.replace("{n}", &n.to_string())).evidence(examples(s, n, &[sort])));
    }
    let unclear: u32 = open.iter().map(|o| s.members.count(*o)).sum();
    if unclear > 0 {
        out.unknown(|| {
            Detail::new(format!("Of {unclear} member(s) the input tells too little"))
                .evidence(examples(s, unclear, open))
                .remedy(settle)
        });
    } else {
        members_open(s, out);
    }
}

/// Open where the group's Entra members are not in the input at all, or only in part.
fn members_open(s: &Subject<'_>, out: &mut Sink) {
    let missing = match s.entra {
        EntraSide::NotCollected => true,
        EntraSide::Known(_) => !s.members.entra_known,
        EntraSide::Gone | EntraSide::NoAnchor => false,
    };
    if missing {
        out.unknown(|| {
            Detail::new("The group's members in Entra are not in the input, or not whole")
                .evidence(json!({ "missing": ["members"] }))
                .remedy("Export the members of each group (GET /groups/{id}/members, all pages) as its members array, or collect live.")
        });
    }
}

fn examples(s: &Subject<'_>, count: u32, sorts: &[Sort]) -> Value {
    let inventory = s.cx.inventory;
    let first: Vec<Value> = sorts
        .iter()
        .flat_map(|sort| s.members.first(*sort))
        .take(FIRST)
        .map(|&object| {
            let object = &inventory.entra.objects[object as usize];
            json!({ "id": object.id, "name": inventory.text.get(object.name) })
        })
        .collect();
    json!({ "count": count, "first": first })
}

fn users(s: &Subject<'_>, out: &mut Sink, wanted: Sort, message: &str) {
    let settle = "Export these users with onPremisesSyncEnabled and onPremisesObjectIdentifier (GET /users?$select=…), and AD's users with objectGUID.";
    sort(s, out, wanted, &[Sort::OpenUser, Sort::OpenKind], message, settle);
}

const GROUP_SETTLE: &str =
    "Export these groups with groupTypes, mailEnabled, securityEnabled and onPremisesSyncEnabled.";

fn groups(s: &Subject<'_>, out: &mut Sink, wanted: Sort, message: &str) {
    sort(s, out, wanted, &[Sort::OpenGroup, Sort::OpenKind], message, GROUP_SETTLE);
}

fn c25(s: &Subject<'_>, out: &mut Sink) {
    let settle = "Export members with their @odata.type.";
    sort(
        s,
        out,
        Sort::OtherType,
        &[Sort::OpenKind],
        "{n} member(s) are devices, service principals, contacts or the like",
        settle,
    );
}

fn c24(s: &Subject<'_>, out: &mut Sink) {
    let mut outside: Vec<(u32, &'static str)> = Vec::new();
    let (mut n, mut open) = (0u32, 0u32);
    if s.members.count(Sort::CloudGroup) + s.members.count(Sort::OpenGroup) > 0 {
        for &member in s.cx.inventory.entra.members.row(s.entry.entra as usize) {
            let sort = s.cx.members.sort(member);
            if !matches!(sort, Sort::CloudGroup | Sort::OpenGroup) {
                continue;
            }
            match s.cx.child_in_scope(member) {
                Some(true) => {}
                None => open += 1,
                Some(false) if sort == Sort::OpenGroup => open += 1,
                Some(false) => {
                    n += 1;
                    if s.detailed && outside.len() < FIRST {
                        outside.push((member, s.cx.child_reason(member)));
                    }
                }
            }
        }
    }
    if n > 0 {
        out.found(|| {
            let first: Vec<Value> = outside
                .iter()
                .map(|(object, why)| {
                    let object = &s.cx.inventory.entra.objects[*object as usize];
                    json!({ "id": object.id, "name": s.cx.inventory.text.get(object.name), "why": why })
                })
                .collect();
            Detail::new(format!("{n} nested cloud group(s) will not be provisioned"))
                .evidence(json!({ "count": n, "first": first }))
        });
    } else if open > 0 || s.members.count(Sort::OpenKind) > 0 {
        out.unknown(|| {
            Detail::new("Whether nested groups are in Cloud Sync's scope is open")
                .evidence(json!({ "count": open + s.members.count(Sort::OpenKind), "first": [] }))
                .remedy(format!("{GROUP_SETTLE} With a Cloud Sync job, its schema and appRoleAssignedTo too."))
        });
    } else {
        members_open(s, out);
    }
}

fn c27(s: &Subject<'_>, out: &mut Sink) {
    if !s.in_ad() {
        return;
    }
    let view = &s.members;
    match s.entra {
        EntraSide::Gone | EntraSide::NoAnchor => return,
        EntraSide::NotCollected => return members_open(s, out),
        EntraSide::Known(_) => {}
    }
    if !view.comparable {
        return out.unknown(|| {
            Detail::new("The member lists cannot be compared: one of them is not in the input, or not whole")
                .evidence(json!({ "entraMembersKnown": view.entra_known, "adMembersKnown": s.ad.is_some_and(|(g, _)| g.members == Completeness::Complete) }))
                .remedy("Collect both member lists whole.")
        });
    }
    if view.missing_count + view.extra_count > 0 {
        return out.found(|| {
            let names = |ids: &[u32]| ids.iter().map(|id| s.cx.inventory.dn(*id)).collect::<Vec<_>>();
            let mut evidence = json!({
                "missing": names(&view.missing), "missingCount": view.missing_count,
                "extra": names(&view.extra), "extraCount": view.extra_count,
            });
            if view.missing_count.max(view.extra_count) as usize > LISTED {
                evidence["listed"] = json!(format!("the first {LISTED} of each"));
            }
            if view.open > 0 {
                evidence["open"] = json!(view.open);
            }
            Detail::new(format!("{} member(s) missing in AD, {} too many", view.missing_count, view.extra_count))
                .evidence(evidence)
        });
    }
    if view.open > 0 {
        out.unknown(|| {
            Detail::new(format!(
                "{} member(s) cannot be compared: the input describes them on one side only",
                view.open
            ))
            .evidence(json!({ "open": view.open }))
            .remedy(
                "Export AD's users with objectGUID and objectSid, and Entra's users with onPremisesObjectIdentifier.",
            )
        });
    }
}
