//! `diff.md`: the answer and the groups that matter most, for a ticket or a change request. Groups are listed up to a
//! limit; the CSV has all.

use super::model::{AttributeState, DiffView, ForecastHeader, GroupDiff, Head, ObjectDiff, Row, ScanHeader};
use super::text::headline;
use crate::error::{Error, Result};
use crate::report::markdown::md;
use std::io::Write;

/// At most this many groups or objects are listed, and this many names of each.
const MAX_ROWS: usize = 200;
const MAX_NAMES: usize = 10;

pub fn write(view: &dyn DiffView, out: &mut dyn Write) -> Result<()> {
    let mut text = String::from("# groupshift diff\n\n");
    text.push_str(&format!("{}\n\n", md(&headline(view.head()))));
    match view.head() {
        Head::Forecast(header) => forecast(header, &mut text),
        Head::Scans(header) => scans(header, &mut text),
    }
    rows(view, &mut text);
    out.write_all(text.as_bytes()).map_err(|e| Error::failed(format!("cannot write the summary: {e}")))
}

fn forecast(header: &ForecastHeader, out: &mut String) {
    let (b, s, basis) = (&header.bundle, &header.summary, &header.basis);
    if !b.complete {
        out.push_str("**PARTIAL: the collection fell short. What rests on the missing part is unknown.**\n\n");
    }
    if b.anonymised {
        out.push_str("**Anonymised: names and ids were replaced.**\n\n");
    }
    let mut fact = |name: &str, value: Option<&str>| {
        if let Some(value) = value {
            out.push_str(&format!("- {name}: {}\n", md(value)));
        }
    };
    fact("Tenant", b.tenant.as_deref());
    fact("Domain written to", basis.domain.as_deref());
    fact("Collected", Some(&b.created));
    fact("Bundle SHA-256", Some(&b.sha256));
    fact(
        "In scope",
        Some(match basis.scope.as_str() {
            "job" => "what the job takes today",
            _ => "every written-back group, as after the last wave",
        }),
    );
    fact(
        "Mappings",
        Some(match basis.mappings.as_str() {
            "job" => "the job's own",
            "defaults" => "the documented defaults, since there is no job",
            "plan" => "as the plan proposes them",
            _ => "not in the bundle",
        }),
    );
    fact("Membership to on-premises users", Some(&basis.membership_option));
    fact("cn", basis.cn.as_deref());
    fact("parentDistinguishedName", basis.parent_distinguished_name.as_deref());
    for note in &basis.notes {
        fact("About the mappings", Some(note));
    }
    out.push_str("\n| What | Number |\n|---|---:|\n");
    for (what, n) in [
        ("Groups looked at", s.groups),
        ("Stay as they are", s.unchanged),
        ("Stay as they are unless an open point is decided the other way", s.unchanged_unless),
        ("Renamed", s.renamed),
        ("Moved", s.moved),
        ("Other attributes change", s.attributes),
        ("Created anew", s.created),
        ("Duplicates or match errors", s.duplicates),
        ("To be stamped first, or they are duplicated", s.to_stamp),
        ("New name is taken", s.name_taken),
        ("Memberships added", s.members_added),
        ("Memberships lost", s.members_lost),
        ("Memberships perhaps lost", s.members_maybe_lost),
        ("Memberships that cannot be compared", s.members_open),
        ("Memberships that stay only with the membership option on", s.members_kept_if_option),
        ("Entra memberships not written", s.members_not_written),
        ("People who gain some group", s.people_gaining),
        ("People who lose some group", s.people_losing),
        ("People who perhaps lose some group", s.people_maybe_losing),
        ("AD groups beside them whose people change", s.parents_affected),
        ("Groups that depend on an open point", s.depends),
    ] {
        out.push_str(&format!("| {what} | {n} |\n"));
    }
    if !s.open_points.is_empty() {
        out.push_str("\n## Open points\n\n| Point | Groups | What is open | What settles it |\n|---|---:|---|---|\n");
        for point in &s.open_points {
            let (question, settled) = (md(&point.question), md(&point.settled_by));
            out.push_str(&format!("| {} | {} | {question} | {settled} |\n", point.point, point.groups));
        }
    }
    limits(&header.limits, out);
}

fn scans(header: &ScanHeader, out: &mut String) {
    let s = &header.summary;
    for (name, b) in [("Before", &header.before), ("After", &header.after)] {
        let partial = if b.complete { "" } else { ", partial" };
        out.push_str(&format!("- {name}: collected {}{partial}, SHA-256 {}\n", md(&b.created), md(&b.sha256)));
    }
    out.push_str("\n| What | Number |\n|---|---:|\n");
    for (what, n) in [
        ("Objects before", s.objects_before),
        ("Objects after", s.objects_after),
        ("Added", s.added),
        ("Removed", s.removed),
        ("Changed", s.changed),
        ("Renamed or moved", s.renamed),
        ("Memberships added", s.members_added),
        ("Memberships removed", s.members_removed),
        ("Member lists that cannot be compared", s.members_unknown),
    ] {
        out.push_str(&format!("| {what} | {n} |\n"));
    }
    limits(&header.limits, out);
}

fn limits(limits: &[String], out: &mut String) {
    if !limits.is_empty() {
        out.push_str("\n## Limits\n\n");
        limits.iter().for_each(|limit| out.push_str(&format!("- {}\n", md(limit))));
    }
}

fn rows(view: &dyn DiffView, out: &mut String) {
    let notable: Vec<usize> = (0..view.len()).filter(|i| view.is_notable(*i)).collect();
    if notable.is_empty() {
        return;
    }
    out.push_str(&format!("\n## What changes ({})\n\n", notable.len()));
    for index in notable.iter().take(MAX_ROWS) {
        match view.row(*index) {
            Row::Group(row) => group(&row, out),
            Row::Object(row) => object(&row, out),
        }
    }
    if notable.len() > MAX_ROWS {
        out.push_str(&format!("- … and {} more; diff.csv has all.\n", notable.len() - MAX_ROWS));
    }
}

fn names(what: &str, all: u64, names: impl Iterator<Item = String>, out: &mut String) {
    if all == 0 {
        return;
    }
    let listed: Vec<String> = names.take(MAX_NAMES).collect();
    let more = match all.saturating_sub(listed.len() as u64) {
        0 => String::new(),
        n => format!(" … and {n} more"),
    };
    out.push_str(&format!("  - {what} ({all}): {}{more}\n", listed.join("; ")));
}

fn group(row: &GroupDiff, out: &mut String) {
    let name = row.display_name.as_deref().or(row.dn.as_deref()).or(row.object_id.as_deref()).unwrap_or("(no name)");
    let place = row.dn.as_deref().unwrap_or("not in AD");
    out.push_str(&format!("- **{}** ({}): {}\n", md(name), md(place), row.severity.as_str()));
    for note in &row.notes {
        out.push_str(&format!("  - {}\n", md(note)));
    }
    for a in &row.attributes {
        let value = |v: &Option<String>| v.as_deref().map_or("(none)".to_owned(), |v| format!("\"{}\"", md(v)));
        let attribute = md(&a.attribute);
        match a.state {
            AttributeState::Changed => {
                out.push_str(&format!("  - {attribute}: {} → {}\n", value(&a.ad), value(&a.after)));
            }
            AttributeState::Unknown | AttributeState::Error => {
                let candidates: Vec<String> = a.candidates.iter().map(|c| md(c)).collect();
                let reason = a.reason.as_deref().unwrap_or("");
                let or = if candidates.is_empty() { String::new() } else { format!(" ({})", candidates.join(" or ")) };
                out.push_str(&format!("  - {attribute}: {} → unknown{or}: {}\n", value(&a.ad), md(reason)));
            }
            _ => {}
        }
    }
    let m = &row.members;
    for (fate, what, n) in [
        ("added", "members added", m.added),
        ("lost", "members lost", m.lost),
        ("maybe-lost", "members perhaps lost", m.maybe_lost),
        ("maybe-added", "members perhaps added", m.maybe_added),
        ("open", "members that cannot be compared", m.open),
        ("not-written", "Entra members not written", m.not_written),
    ] {
        let of = row.member_changes.iter().filter(|c| c.fate == fate).map(|c| {
            let name = c.dn.as_deref().or(c.name.as_deref()).or(c.object_id.as_deref()).unwrap_or("(no name)");
            match (fate, &c.reason) {
                ("added", _) | (_, None) => md(name),
                (_, Some(reason)) => format!("{} ({})", md(name), md(reason)),
            }
        });
        names(what, n, of, out);
    }
    let a = &row.access;
    for (what, n, people) in [
        ("people who lose this group", a.lost_count, &a.lost),
        ("people who gain this group", a.gained_count, &a.gained),
        ("people who perhaps lose this group", a.maybe_lost_count, &a.maybe_lost),
        ("people who perhaps gain this group", a.maybe_gained_count, &a.maybe_gained),
    ] {
        names(what, n, people.iter().map(|p| md(p)), out);
    }
    if !row.depends.is_empty() {
        out.push_str(&format!("  - depends on: {}\n", row.depends.join(", ")));
    }
}

fn object(row: &ObjectDiff, out: &mut String) {
    let name = row.dn.as_deref().or(row.name.as_deref()).or(row.id.as_deref()).unwrap_or("(no name)");
    out.push_str(&format!("- **{}** ({} {}): {}\n", md(name), row.side, row.class, row.state.as_str()));
    for value in &row.attributes {
        let shown = |v: &Option<String>| v.as_deref().map_or("(none)".to_owned(), |v| format!("\"{}\"", md(v)));
        let attribute = md(&value.attribute);
        out.push_str(&format!("  - {attribute}: {} → {}\n", shown(&value.before), shown(&value.after)));
    }
    names("members added", row.members_added_count, row.members_added.iter().map(|n| md(n)), out);
    names("members removed", row.members_removed_count, row.members_removed.iter().map(|n| md(n)), out);
    if let Some(reason) = &row.members_unknown {
        out.push_str(&format!("  - members: {}\n", md(reason)));
    }
}
