//! Who the groups are: A01, A02, A04, A05.

use super::{AuditRule, Hit, Outcome, Row};
use crate::audit::context::{Context, Entry};
use crate::audit::former::Former;
use crate::audit::model::Failure;
use crate::directory::inventory::{AdClass, NONE};
use crate::directory::{Anchor, AnchorText, GroupType, ObjectGuid, Sid};
use crate::predict::index::carriers;
use crate::report::model::Severity;
use hashbrown::HashSet;
use serde_json::json;

pub fn checks() -> Vec<AuditRule> {
    vec![
        AuditRule {
            id: "A01",
            title: "One object carries the anchor",
            condition: "For every group that is to be in AD (in the job's scope, in the plan or in the snapshots), exactly one object of the forest has msDS-ExternalDirectoryObjectId Group_<object id>.",
            why: "Cloud Sync joins by this value: with none it makes a second group with a new SID, with two it reports an error and may quarantine the whole job.",
            remedy: "Find the objects with (msDS-ExternalDirectoryObjectId=Group_<object id>) in the Global Catalog; keep the one with the snapshot's SID and clear or remove the others, then restart the job. Where none has it, stamp the right group.",
            severity: Severity::Blocker,
            blocks: &[],
            sources: &["WORKS26", "ERR26"],
            check: a01,
            show: show_a01,
        },
        AuditRule {
            id: "A02",
            title: "Same objectGUID and SID as before",
            condition: "objectGUID and objectSid of every group of the plan or snapshot are what they were before the cutover.",
            why: "A group made anew has another SID: every access list that names the old one lets nobody in.",
            remedy: "Restore the group from the Recycle Bin or the snapshot (groupshift cutover rollback), so that it has its old SID; what the new one was granted meanwhile has to be taken back.",
            severity: Severity::Blocker,
            blocks: &[],
            sources: &["GOV26"],
            check: a02,
            show: show_a02,
        },
        AuditRule {
            id: "A04",
            title: "Universal security group",
            condition: "groupType is -2147483640.",
            why: "Only universal security groups are provisioned; another scope or type changes where the group counts in access decisions.",
            remedy: "Convert the group back to a universal security group, and find out who changed it.",
            severity: Severity::High,
            blocks: &[],
            sources: &["PRE25"],
            check: a04,
            show: show_a04,
        },
        AuditRule {
            id: "A05",
            title: "Both anchors say the same",
            condition: "adminDescription and msDS-ExternalDirectoryObjectId are both Group_<object id> of the Entra group.",
            why: "One is what the group is joined by, the other keeps it from being synchronised back to Entra: apart, the group loops or loses its match.",
            remedy: "Set both to Group_<object id>. Find out who changed them.",
            severity: Severity::High,
            blocks: &[],
            sources: &["MAP25"],
            check: a05,
            show: show_a05,
        },
    ]
}

/// The rows of AD groups that carry the stamp, and the other objects that do.
fn stamped<'c>(cx: &'c Context<'_>, id: ObjectGuid) -> (Vec<u32>, Vec<&'c str>) {
    let rows = carriers(&cx.assess.index.by_edoi, id).iter().map(|(_, row)| *row).collect();
    let is_stamp = |name: &str| name.eq_ignore_ascii_case("msDS-ExternalDirectoryObjectId");
    let others = cx.inventory.ad.environment.other_carriers.iter();
    let others = others.filter(|c| is_stamp(&c.attribute) && Anchor::parse(&c.value).is_some_and(|a| a.0 == id));
    (rows, others.map(|c| c.dn.as_str()).collect())
}

/// Whether some object of the input shows the stamp at all: an export without the attribute says nothing of it.
fn shows_stamp(cx: &Context<'_>) -> bool {
    let environment = &cx.inventory.ad.environment;
    environment.controller.is_some()
        || environment.attributes_seen.iter().any(|a| a.eq_ignore_ascii_case("msDS-ExternalDirectoryObjectId"))
}

/// Whether second carriers elsewhere in the forest would have been seen: the catalog was searched, or the export reaches
/// beyond the container.
fn looked_beyond(cx: &Context<'_>) -> bool {
    let inventory = cx.inventory;
    let described = |class| !matches!(class, AdClass::Missing | AdClass::Container | AdClass::Other);
    inventory.ad.environment.global_catalog_searched
        || inventory.ad.is_whole()
            && inventory.ad.objects.iter().any(|o| {
                described(o.class)
                    && cx.assess.container.as_ref().is_some_and(|c| !c.holds(inventory.text.get(o.dn).unwrap_or("")))
            })
}

fn a01(cx: &Context<'_>) -> Outcome {
    let mut out = Outcome::default();
    if !cx.inventory.ad.present {
        return Outcome::unknown("AD is not in the input", EXPORT_AD);
    }
    let (mut wanted, shown, whole) = (0u64, shows_stamp(cx), cx.inventory.ad.is_whole());
    for (position, entry) in cx.each().filter(|(_, e)| !e.id.is_nil() && cx.is_wanted(e)) {
        wanted += 1;
        let (rows, others) = stamped(cx, entry.id);
        match rows.len() + others.len() {
            1 => {}
            0 if !whole || !shown => out.open.push(Hit::row(position, 0, 0)),
            n => out.failed.push(Hit::row(position, n as u32, 0)),
        }
    }
    let environment = &cx.inventory.ad.environment;
    let beyond = looked_beyond(cx);
    out.evidence = json!({
        "groups": wanted, "globalCatalogSearched": environment.global_catalog_searched,
        "forestDomains": environment.forest_domains, "adExportWhole": whole,
    });
    let reach = match environment.global_catalog_searched {
        true => "the Global Catalog was searched",
        false => "looked for among the exported objects; the Global Catalog was not searched",
    };
    out.message = match out.failed.len() {
        0 if wanted == 0 => "No group is to be in AD by what the input tells".to_owned(),
        0 => format!("{wanted} groups, each with one object ({reach})"),
        n => format!("{n} of {wanted} groups have no object or several ({reach})"),
    };
    if wanted == 0 {
        return Outcome::unknown(
            out.message,
            "Add cloudsync/appRoleAssignedTo.json, jobs.json and schema.json, or name a plan with --against.",
        );
    }
    if !shown {
        out.remedy =
            Some("Export AD with msDS-ExternalDirectoryObjectId: no object of the input carries it.".to_owned());
    } else if !whole {
        out.remedy = Some("Export AD again until the search ends with success, or collect live.".to_owned());
    } else if !beyond && out.failed.is_empty() {
        out.status = Some(crate::report::model::GateStatus::Unknown);
        out.message =
            format!("{wanted} groups with one object each in the container; the rest of the forest was not looked at");
        out.remedy = Some("Search the Global Catalog for (msDS-ExternalDirectoryObjectId=Group_*) and add the export, or collect live.".to_owned());
    }
    out
}

pub(super) const EXPORT_AD: &str = "Export the groups with ldifde or ldapsearch into ad/, or collect live.";

fn show_a01(cx: &Context<'_>, row: Row) -> Failure {
    let entry = cx.entry(row.entry);
    let (rows, others) = stamped(cx, entry.id);
    let mut names: Vec<&str> =
        rows.iter().map(|r| cx.inventory.dn(cx.inventory.ad.groups[*r as usize].object)).collect();
    names.extend(others);
    names.sort_unstable();
    let described = carriers(&cx.assess.index.by_admin_description, entry.id).len();
    let message = match (names.len(), described) {
        (0, 0) => format!("No object of AD carries {}", Anchor(entry.id)),
        (0, _) => {
            format!("No object is stamped with {}; {described} carry it in adminDescription only", Anchor(entry.id))
        }
        (n, _) => format!("{n} objects are stamped with {}", Anchor(entry.id)),
    };
    let mut failure = cx.failure(row.entry, "", message);
    failure.attribute = Some("msDS-ExternalDirectoryObjectId".to_owned());
    failure.expected = Some("1 object".to_owned());
    failure.actual = Some(match names.len() {
        0 => "0 objects".to_owned(),
        n => format!("{n} objects: {}", names.join("; ")),
    });
    failure.evidence =
        json!({ "value": Anchor(entry.id).to_string(), "objects": names, "withAdminDescription": described });
    failure
}

fn a02(cx: &Context<'_>) -> Outcome {
    let Some(former) = cx.former else {
        return Outcome::unknown("Nothing says what the groups were before the cutover", AGAINST);
    };
    if !cx.inventory.ad.present {
        return Outcome::unknown("AD is not in the input", EXPORT_AD);
    }
    let mut out = Outcome::default();
    let (mut same, mut retired) = (0u64, 0u64);
    for (position, entry) in cx.each() {
        let Some(before) = cx.before(entry) else { continue };
        let Some((_, object)) = cx.ad(entry) else {
            match () {
                () if cx.is_retired(entry) && cx.inventory.ad.is_whole() => retired += 1,
                () if cx.inventory.ad.is_whole() => out.failed.push(Hit::row(position, 1, 0)),
                () => out.open.push(Hit::row(position, 1, 0)),
            }
            continue;
        };
        let sid = cx.inventory.sids.get(object.sid);
        match (object.guid == before.guid, object.guid.is_nil(), &sid, &before.sid) {
            (_, _, Some(now), Some(then)) if now != then => out.failed.push(Hit::row(position, 0, 0)),
            (false, false, ..) => out.failed.push(Hit::row(position, 0, 0)),
            (true, _, Some(_), Some(_)) => same += 1,
            _ => out.open.push(Hit::row(position, 0, 0)),
        }
    }
    let outside = bystanders(cx, former, &mut out);
    out.evidence = json!({
        "compared": former.groups().len(), "same": same, "outsideTheWavesSame": outside, "retiredOnBothSides": retired,
    });
    out.message = match out.failed.len() {
        0 => format!("{same} groups have the objectGUID and SID that they had before"),
        n => format!("{n} groups are gone, or are not the objects that they were"),
    };
    out.remedy = Some("Export objectGUID and objectSid of the groups, whole, or collect live.".to_owned());
    out
}

/// Groups that no wave holds, and of which a run has a snapshot all the same; returns how many are what they were.
fn bystanders(cx: &Context<'_>, former: &Former, out: &mut Outcome) -> u64 {
    let (inventory, mut same) = (cx.inventory, 0u64);
    let met: HashSet<u32> = cx.entries.iter().map(|e| e.former).collect();
    let mut found = Vec::new();
    for (position, before) in former.groups().iter().enumerate() {
        if !before.outside || met.contains(&(position as u32)) {
            continue;
        }
        let object = cx.assess.index.ad_by_guid(inventory, before.guid).map(|o| &inventory.ad.objects[o as usize]);
        let sid = object.and_then(|o| inventory.sids.get(o.sid));
        let gone = before.id.is_some_and(|id| match cx.assess.index.entra_group(inventory, id) {
            Some(row) => inventory.entra.groups[row as usize].deleted,
            None => inventory.entra.has_all("groups"),
        });
        let wrong = match (object, &sid, &before.sid) {
            (None, ..) => inventory.ad.is_whole() && !gone,
            (Some(_), Some(now), Some(then)) => now != then,
            _ => false,
        };
        same += u64::from(!wrong && object.is_some());
        if wrong {
            found.push((before, sid));
        }
    }
    found.sort_by(|a, b| a.0.dn.cmp(&b.0.dn));
    for (before, sid) in found {
        let of = |sid: &Option<Sid>| sid.as_ref().map_or("SID not known".to_owned(), |s| format!("SID {s}"));
        let failure = Failure {
            key: before.guid.to_string(),
            object_id: before.id.map(|id| id.to_string()),
            object_guid: Some(before.guid.to_string()),
            dn: Some(before.dn.clone()),
            display_name: before.display_name.clone(),
            attribute: Some("objectSid".to_owned()),
            expected: Some(of(&before.sid)),
            actual: Some(if sid.is_some() { of(&sid) } else { "no such object".to_owned() }),
            message: "A group that no wave holds is not in AD any more, or has another SID".to_owned(),
            evidence: json!({ "outside": true }),
            ..Failure::default()
        };
        out.failed.push(Hit::made(NONE, failure));
    }
    same
}

pub(super) const AGAINST: &str =
    "Say what they were: --against PLAN, or --against the run's snapshots (groupshift snapshot list).";

fn show_a02(cx: &Context<'_>, row: Row) -> Failure {
    let entry = cx.entry(row.entry);
    let mut failure = cx.failure(row.entry, "", "");
    let Some(before) = cx.before(entry) else { return failure };
    let of =
        |guid: String, sid: Option<String>| format!("objectGUID {guid}, SID {}", sid.as_deref().unwrap_or("not known"));
    failure.attribute = Some("objectSid".to_owned());
    failure.expected = Some(of(before.guid.to_string(), before.sid.as_ref().map(|s| s.to_string())));
    failure.evidence = json!({ "dnBefore": before.dn, "objectGuidBefore": before.guid, "sidBefore": before.sid });
    match cx.ad(entry) {
        None => {
            failure.message = "The group is not in AD any more".to_owned();
            failure.actual = Some("no such object".to_owned());
        }
        Some((_, object)) => {
            let sid = cx.inventory.sids.get(object.sid).map(|s| s.to_string());
            failure.message = match object.guid == before.guid {
                true => "The object has another SID than before".to_owned(),
                false => {
                    "Another object stands in its place: it was made anew, and what was granted to the old SID is lost"
                        .to_owned()
                }
            };
            failure.actual = Some(of(object.guid.to_string(), sid));
        }
    }
    failure
}

fn a04(cx: &Context<'_>) -> Outcome {
    each_in_ad(cx, "groups are universal security groups", "groups are of another scope or type", |entry| {
        let (group, _) = cx.ad(entry)?;
        Some(group.group_type.map(|t| t == GroupType::UNIVERSAL_SECURITY))
    })
    .remedy("Export groupType of the groups.")
}

fn show_a04(cx: &Context<'_>, row: Row) -> Failure {
    let found = cx.ad(cx.entry(row.entry)).and_then(|(g, _)| g.group_type);
    let mut failure = cx.failure(
        row.entry,
        "",
        match found {
            Some(found) => format!("The group is a {found} group"),
            None => "The input has no groupType of the group".to_owned(),
        },
    );
    failure.attribute = Some("groupType".to_owned());
    failure.expected = Some(GroupType::UNIVERSAL_SECURITY.0.to_string());
    failure.actual = found.map(|t| t.0.to_string());
    failure
}

/// A question to every audited group that AD has: `Some(None)` where the input cannot tell.
fn each_in_ad(cx: &Context<'_>, good: &str, bad: &str, ask: impl Fn(&Entry) -> Option<Option<bool>>) -> Outcome {
    if !cx.inventory.ad.present {
        return Outcome::unknown("AD is not in the input", EXPORT_AD);
    }
    let mut out = Outcome::default();
    let (mut asked, mut fine) = (0u64, 0u64);
    for (position, entry) in cx.each() {
        let Some(answer) = ask(entry) else { continue };
        asked += 1;
        match answer {
            Some(true) => fine += 1,
            Some(false) => out.failed.push(Hit::row(position, 0, 0)),
            None => out.open.push(Hit::row(position, 0, 0)),
        }
    }
    out.evidence = json!({ "groups": asked });
    out.message = match out.failed.len() {
        0 => format!("{fine} {good}"),
        n => format!("{n} of {asked} {bad}"),
    };
    if asked == 0 {
        return Outcome::unknown("No group that is to be audited is in the AD part of the input", EXPORT_AD);
    }
    out
}

fn a05(cx: &Context<'_>) -> Outcome {
    let shown = shows_stamp(cx);
    each_in_ad(
        cx,
        "groups carry the same anchor in both attributes",
        "groups carry another anchor, or one of the two is missing",
        |entry| {
            let (group, _) = cx.ad(entry)?;
            if entry.id.is_nil() {
                return None;
            }
            let is = |text| AnchorText::read(cx.text(text)).anchor().is_some_and(|a| a.0 == entry.id);
            Some(match (is(group.admin_description), is(group.edoi)) {
                (true, true) => Some(true),
                (true, false) if !shown => None,
                _ => Some(false),
            })
        },
    )
    .remedy("Export adminDescription and msDS-ExternalDirectoryObjectId of the groups.")
}

fn show_a05(cx: &Context<'_>, row: Row) -> Failure {
    let entry = cx.entry(row.entry);
    let of = |text| cx.text(text).unwrap_or("");
    let (admin, edoi) = cx.ad(entry).map_or(("", ""), |(g, _)| (of(g.admin_description), of(g.edoi)));
    let want = Anchor(entry.id).to_string();
    let wrong = match (admin.eq_ignore_ascii_case(&want), edoi.eq_ignore_ascii_case(&want)) {
        (true, _) => "msDS-ExternalDirectoryObjectId",
        (_, true) => "adminDescription",
        _ => "adminDescription and msDS-ExternalDirectoryObjectId",
    };
    let mut failure = cx.failure(row.entry, "", format!("{wrong} is not {want}"));
    failure.attribute = Some(wrong.to_owned());
    failure.expected = Some(want);
    let shown = |text: &str| if text.is_empty() { "empty".to_owned() } else { text.to_owned() };
    failure.actual = Some(format!("adminDescription {}, msDS-ExternalDirectoryObjectId {}", shown(admin), shown(edoi)));
    failure.evidence = json!({ "adminDescription": admin, "msDS-ExternalDirectoryObjectId": edoi });
    failure
}
