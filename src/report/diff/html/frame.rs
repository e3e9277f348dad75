//! What the page says around its rows, as the value that the template is filled from. Every text from the input has its
//! invisible characters made visible here, once, at the end.

use super::rows::Selection;
use crate::report::diff::model::{ForecastHeader, Head, ScanHeader};
use crate::report::diff::text::answer;
use crate::report::html::text::{make_visible, moment, thousands};
use serde_json::{Value, json};

/// The template's data. Strict mode wants every field present.
pub(super) fn page(head: Head<'_>, selection: &Selection) -> Value {
    let mut page = match head {
        Head::Forecast(header) => forecast(header),
        Head::Scans(header) => scans(header),
    };
    let (short, more) = answer(head);
    page["headline"] = json!(short);
    page["lede"] = json!((!more.is_empty()).then_some(more));
    page["version"] = json!(env!("CARGO_PKG_VERSION"));
    page["cut"] = match selection.notable {
        Some(notable) => json!(format!(
            "This page holds {} of {} rows: the first of the {} that differ. diff.csv and diff.json have all.",
            thousands(selection.len() as u64),
            thousands(selection.total as u64),
            thousands(notable as u64)
        )),
        None => Value::Null,
    };
    make_visible(&mut page);
    page
}

fn fact(label: &str, value: impl Into<Option<String>>) -> Value {
    json!({ "label": label, "value": value.into() })
}

/// A number with what it counts; `filter` is the part of the page's address that shows those rows.
fn tile(n: u64, label: &str, filter: &str, class: &str) -> Value {
    json!({ "n": thousands(n), "label": label, "filter": filter, "class": class, "any": n > 0 })
}

fn forecast(header: &ForecastHeader) -> Value {
    let (b, s, basis) = (&header.bundle, &header.summary, &header.basis);
    let mut facts = vec![
        fact("Collected", moment(&b.created)),
        fact("Domain", basis.domain.clone().or_else(|| b.domain.clone())),
        fact("Tenant", b.tenant.clone()),
        fact("Collection", if b.complete { "complete".to_owned() } else { "partial".to_owned() }),
        fact(
            "In scope",
            match basis.scope.as_str() {
                "job" => "what the job takes today".to_owned(),
                _ => "every written-back group that is not excluded, as after the last wave".to_owned(),
            },
        ),
        fact(
            "Mappings",
            match basis.mappings.as_str() {
                "job" => "the job's own".to_owned(),
                "plan" => "as the plan proposes them".to_owned(),
                "defaults" => "the documented defaults, since there is no job".to_owned(),
                _ => "not in the bundle".to_owned(),
            },
        ),
        fact("Members on premises", format!("provisioned: {}", basis.membership_option)),
        fact("cn", basis.cn.clone()),
        fact("parent DN", basis.parent_distinguished_name.clone()),
    ];
    facts.extend(basis.notes.iter().map(|note| fact("Mapping note", note.clone())));
    facts.push(fact("Bundle SHA-256", b.sha256.clone()));
    json!({
        "title": match &b.domain {
            Some(domain) => format!("Difference for {domain} - groupshift"),
            None => "Difference - groupshift".to_owned(),
        },
        "schema": header.schema,
        "what": "Difference",
        "kicker": format!("AD today, Entra today, AD as Cloud Sync will leave it; collected {}", moment(&b.created)),
        "partial": !b.complete,
        "anonymised": b.anonymised,
        "facts": facts,
        "tiles": [
            tile(s.duplicates, "duplicated or not matched", "change=duplicate", "minus"),
            tile(s.renamed, "renamed", "change=renamed", "maybe"),
            tile(s.moved, "moved", "change=moved", "maybe"),
            tile(s.members_lost, "memberships lost", "change=members-lost", "minus"),
            tile(s.members_maybe_lost, "memberships perhaps lost", "change=members-maybe-lost", "maybe"),
            tile(s.members_added, "memberships added", "change=members-added", "plus"),
            tile(s.people_losing, "people lose some group", "change=access-lost", "minus"),
            tile(s.people_gaining, "people gain some group", "change=access-gained", "plus"),
            tile(s.created, "groups created", "change=created", "plus"),
            tile(s.to_stamp, "to be stamped first", "change=stamped&show=all", "quiet"),
            tile(s.members_kept_if_option, "memberships stay only with the option on", "point=membership-option&show=all", "maybe"),
            tile(s.unchanged_unless, "stay unless an open point decides otherwise", "show=all", "maybe"),
            tile(s.unchanged, "groups stay as they are", "show=all", "quiet"),
        ],
        "points": s.open_points.iter().map(|p| json!({
            "point": p.point, "question": p.question, "settled": p.settled_by, "groups": thousands(p.groups),
        })).collect::<Vec<_>>(),
        "limits": header.limits,
        "forecast": true,
    })
}

fn scans(header: &ScanHeader) -> Value {
    let s = &header.summary;
    let (before, after) = (moment(&header.before.created), moment(&header.after.created));
    let collection = |complete: bool| if complete { "complete" } else { "partial" };
    json!({
        "title": "Difference of two scans - groupshift",
        "schema": header.schema,
        "what": "Two scans",
        "kicker": format!("{before} against {after}"),
        "partial": !(header.before.complete && header.after.complete),
        "anonymised": header.before.anonymised || header.after.anonymised,
        "facts": [
            fact("Earlier", format!("{before}, {}", collection(header.before.complete))),
            fact("Later", format!("{after}, {}", collection(header.after.complete))),
            fact("Domain", header.after.domain.clone()),
            fact("Tenant", header.after.tenant.clone()),
            fact("Objects", format!("{} before, {} after", thousands(s.objects_before), thousands(s.objects_after))),
            fact("Earlier SHA-256", header.before.sha256.clone()),
            fact("Later SHA-256", header.after.sha256.clone()),
        ],
        "tiles": [
            tile(s.added, "objects added", "change=added", "plus"),
            tile(s.removed, "objects removed", "change=removed", "minus"),
            tile(s.changed, "objects changed", "change=changed", "maybe"),
            tile(s.renamed, "renamed or moved", "change=renamed", "maybe"),
            tile(s.members_added, "memberships added", "change=members-added", "plus"),
            tile(s.members_removed, "memberships removed", "change=members-lost", "minus"),
            tile(s.members_unknown, "member lists not comparable", "change=members-open", "quiet"),
        ],
        "points": [],
        "limits": header.limits,
        "forecast": false,
    })
}
