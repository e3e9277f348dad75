//! `diff.csv`: one row a difference, made for spreadsheets as the assessment's is. A group that stays as it is has one row
//! that says so.

use super::model::{AttributeDiff, AttributeState, DiffView, GroupDiff, Head, MemberDiff, ObjectDiff, Row};
use crate::error::{Error, Result};
use crate::report::csv::{cell, record};
use crate::report::rows_in_order;
use std::cell::Cell;
use std::io::Write;

pub const FORECAST_COLUMNS: [&str; 15] = [
    "objectId",
    "objectGuid",
    "sid",
    "dn",
    "displayName",
    "action",
    "severity",
    "change",
    "attribute",
    "ad",
    "entra",
    "after",
    "certainty",
    "reason",
    "depends",
];

pub const SCAN_COLUMNS: [&str; 11] =
    ["objectId", "objectGuid", "side", "class", "dn", "name", "state", "change", "attribute", "before", "after"];

pub fn write(view: &dyn DiffView, out: &mut dyn Write) -> Result<()> {
    let fail = |e: std::io::Error| Error::failed(format!("cannot write the table: {e}"));
    out.write_all("\u{feff}".as_bytes()).map_err(fail)?;
    let mut head = Vec::new();
    match view.head() {
        Head::Forecast(_) => record(&mut head, FORECAST_COLUMNS.map(str::to_owned)),
        Head::Scans(_) => record(&mut head, SCAN_COLUMNS.map(str::to_owned)),
    }
    .map_err(fail)?;
    out.write_all(&head).map_err(fail)?;
    rows_in_order(view.len(), out, &|index, buffer| match view.row(index) {
        Row::Group(row) => group(&row, buffer),
        Row::Object(row) => object(&row, buffer),
    })
}

/// One line's own part: what changes, the attribute, the three columns, how certain, why.
struct Line<'a> {
    change: &'a str,
    attribute: &'a str,
    ad: &'a str,
    entra: &'a str,
    after: &'a str,
    certainty: &'a str,
    reason: &'a str,
}

fn group(row: &GroupDiff, buffer: &mut Vec<u8>) -> std::io::Result<()> {
    let text = |t: &Option<String>| t.as_deref().map(cell).unwrap_or_default();
    let lines = Cell::new(0);
    let mut put = |line: Line<'_>| {
        lines.set(lines.get() + 1);
        record(
            buffer,
            [
                text(&row.object_id),
                text(&row.object_guid),
                text(&row.sid),
                text(&row.dn),
                text(&row.display_name),
                row.action.clone(),
                row.severity.as_str().to_owned(),
                line.change.to_owned(),
                cell(line.attribute),
                cell(line.ad),
                cell(line.entra),
                cell(line.after),
                line.certainty.to_owned(),
                cell(line.reason),
                row.depends.join(" "),
            ],
        )
    };
    for attribute in &row.attributes {
        if !matches!(attribute.state, AttributeState::Same | AttributeState::Unmapped) {
            attribute_line(attribute, &mut put)?;
        }
    }
    for member in &row.member_changes {
        member_line(member, &mut put)?;
    }
    for (change, people, certainty) in [
        ("access-lost", &row.access.lost, "certain"),
        ("access-gained", &row.access.gained, "certain"),
        ("access-lost", &row.access.maybe_lost, "open"),
        ("access-gained", &row.access.maybe_gained, "open"),
    ] {
        for person in people {
            let (ad, after) = if change == "access-lost" { (person.as_str(), "") } else { ("", person.as_str()) };
            put(Line { change, attribute: "", ad, entra: "", after, certainty, reason: "" })?;
        }
    }
    let reason = row.notes.first().map_or("", String::as_str);
    let named = row.changes.iter().find(|c| matches!(c.as_str(), "duplicate" | "created" | "name-taken"));
    if let Some(change) = named {
        put(Line { change, attribute: "", ad: "", entra: "", after: "", certainty: "certain", reason })?;
    }
    if lines.get() == 0 {
        put(Line { change: "unchanged", attribute: "", ad: "", entra: "", after: "", certainty: "", reason })?;
    }
    Ok(())
}

fn attribute_line(
    attribute: &AttributeDiff,
    put: &mut dyn FnMut(Line<'_>) -> std::io::Result<()>,
) -> std::io::Result<()> {
    let candidates = attribute.candidates.join(" | ");
    put(Line {
        change: "attribute",
        attribute: &attribute.attribute,
        ad: attribute.ad.as_deref().unwrap_or(""),
        entra: attribute.entra.as_deref().unwrap_or(""),
        after: attribute.after.as_deref().unwrap_or(&candidates),
        certainty: match attribute.state {
            AttributeState::Unknown => "open",
            AttributeState::Error => "error",
            _ => "certain",
        },
        reason: attribute.reason.as_deref().unwrap_or(""),
    })
}

fn member_line(member: &MemberDiff, put: &mut dyn FnMut(Line<'_>) -> std::io::Result<()>) -> std::io::Result<()> {
    let (dn, id) = (member.dn.as_deref().unwrap_or(""), member.object_id.as_deref().unwrap_or(""));
    let (now, after) = match member.fate.as_str() {
        "lost" => (dn, ""),
        "added" => ("", if dn.is_empty() { id } else { dn }),
        "maybe-lost" | "open" => (dn, dn),
        "maybe-added" => ("", dn),
        _ => ("", ""),
    };
    put(Line {
        change: &format!("member-{}", member.fate),
        attribute: "member",
        ad: now,
        entra: id,
        after,
        certainty: if matches!(member.fate.as_str(), "maybe-lost" | "maybe-added" | "open") {
            "open"
        } else {
            "certain"
        },
        reason: member.reason.as_deref().unwrap_or(""),
    })
}

fn object(row: &ObjectDiff, buffer: &mut Vec<u8>) -> std::io::Result<()> {
    let text = |t: &Option<String>| t.as_deref().map(cell).unwrap_or_default();
    let (of_entra, of_ad) = match row.side.as_str() {
        "ad" => (String::new(), text(&row.id)),
        _ => (text(&row.id), String::new()),
    };
    let lines = Cell::new(0);
    let mut put = |change: &str, attribute: &str, before: &str, after: &str| {
        lines.set(lines.get() + 1);
        let state = row.state.as_str().to_owned();
        record(
            buffer,
            [
                of_entra.clone(),
                of_ad.clone(),
                row.side.clone(),
                row.class.clone(),
                text(&row.dn),
                text(&row.name),
                state,
                change.to_owned(),
                cell(attribute),
                cell(before),
                cell(after),
            ],
        )
    };
    for value in &row.attributes {
        put(
            "attribute",
            &value.attribute,
            value.before.as_deref().unwrap_or(""),
            value.after.as_deref().unwrap_or(""),
        )?;
    }
    for name in &row.members_added {
        put("member-added", "member", "", name)?;
    }
    for name in &row.members_removed {
        put("member-removed", "member", name, "")?;
    }
    if lines.get() == 0 {
        put(row.state.as_str(), "", "", row.members_unknown.as_deref().unwrap_or(""))?;
    }
    Ok(())
}
