//! A difference as text, in the manner of a diff tool: what goes in red with `-`, what comes in green with `+`, what is
//! open in yellow with `?`. Styles are written as escape sequences; the printer takes them out where they do not belong.

use super::count;
use super::model::{
    AttributeState, DiffView, ForecastHeader, GroupDiff, Head, ObjectDiff, ObjectState, Row, ScanHeader,
};
use crate::report::html::text::thousands;
use crate::report::plain;
use anstyle::{AnsiColor, Style};

const RED: Style = AnsiColor::Red.on_default();
const GREEN: Style = AnsiColor::Green.on_default();
const YELLOW: Style = AnsiColor::Yellow.on_default();
const CYAN: Style = AnsiColor::Cyan.on_default();
const BOLD: Style = Style::new().bold();
const DIM: Style = Style::new().dimmed();

/// Names of one sort that a row shows.
const NAMES: usize = 12;

/// The answer: a short sentence, and what it consists of.
pub fn headline(head: Head<'_>) -> String {
    let (short, more) = answer(head);
    format!("{short} {more}").trim_end().to_owned()
}

/// The same in its two parts; the second may be empty.
pub fn answer(head: Head<'_>) -> (String, String) {
    match head {
        Head::Forecast(header) => of_forecast(header),
        Head::Scans(header) => (of_scans(header), String::new()),
    }
}

fn of_forecast(header: &ForecastHeader) -> (String, String) {
    let s = &header.summary;
    if s.groups == 0 {
        return ("There is no written-back group to predict.".to_owned(), String::new());
    }
    let mut short = format!("{} of {} stay as they are", s.unchanged, count(s.groups, "group", "groups"));
    if s.unchanged_unless > 0 {
        short.push_str(&format!("; {} more unless an open point is decided the other way", s.unchanged_unless));
    }
    short.push_str(&format!("; {}.", count(s.changed, "differs", "differ")));
    let mut parts: Vec<String> = Vec::new();
    let mut add = |n: u64, one: &str, many: &str| parts.extend((n > 0).then(|| count(n, one, many)));
    add(s.duplicates, "group is duplicated or cannot be matched", "groups are duplicated or cannot be matched");
    add(s.renamed, "is renamed", "are renamed");
    add(s.moved, "is moved", "are moved");
    add(s.created, "is created", "are created");
    add(s.members_lost, "membership is lost", "memberships are lost");
    add(s.members_maybe_lost, "membership may be lost", "memberships may be lost");
    add(s.members_added, "membership is added", "memberships are added");
    add(s.people_losing, "person loses some group", "people lose some group");
    let more = if parts.is_empty() { String::new() } else { format!("{}.", parts.join("; ")) };
    (short, more)
}

fn of_scans(header: &ScanHeader) -> String {
    let s = &header.summary;
    if s.added + s.removed + s.changed == 0 {
        return "Nothing changed between the two scans.".to_owned();
    }
    format!(
        "{} added, {} removed, {} changed; {} added, {} removed.",
        count(s.added, "object", "objects"),
        thousands(s.removed),
        thousands(s.changed),
        count(s.members_added, "membership", "memberships"),
        thousands(s.members_removed)
    )
}

/// The rows that matter, each as lines; `limit` rows at most.
pub fn rows(view: &dyn DiffView, limit: usize, line: &mut dyn FnMut(String)) {
    let mut shown = 0;
    let mut left = 0u64;
    for index in (0..view.len()).filter(|i| view.is_notable(*i)) {
        if shown == limit {
            left += 1;
            continue;
        }
        shown += 1;
        match view.row(index) {
            Row::Group(row) => group(&row, line),
            Row::Object(row) => object(&row, line),
        }
    }
    if left > 0 {
        line(format!("{DIM}… and {left} more; the reports have all of them{DIM:#}"));
    }
}

fn group(row: &GroupDiff, line: &mut dyn FnMut(String)) {
    let name = row.dn.as_deref().or(row.display_name.as_deref()).or(row.object_id.as_deref()).unwrap_or("(no name)");
    line(format!("{BOLD}{}{BOLD:#} {CYAN}@@ {} {} @@{CYAN:#}", plain(name), row.action, row.severity.as_str()));
    // Name and container stand there already.
    for a in row.attributes.iter().filter(|a| a.attribute != "distinguishedName") {
        let value = |v: &Option<String>| v.as_deref().map_or("(none)".to_owned(), plain);
        match a.state {
            AttributeState::Changed => {
                line(format!("{RED}- {}: {}{RED:#}", plain(&a.attribute), value(&a.ad)));
                line(format!("{GREEN}+ {}: {}{GREEN:#}", plain(&a.attribute), value(&a.after)));
            }
            AttributeState::Unknown | AttributeState::Error => {
                let candidates: Vec<String> = a.candidates.iter().map(|c| plain(c)).collect();
                let reason = plain(a.reason.as_deref().unwrap_or(""));
                let of = if candidates.is_empty() { "unknown".to_owned() } else { candidates.join(" | ") };
                line(format!("{YELLOW}? {}: {of}{YELLOW:#} {DIM}{reason}{DIM:#}", plain(&a.attribute)));
            }
            _ => {}
        }
    }
    let m = &row.members;
    for (fate, style, sign, n) in [
        ("lost", RED, '-', m.lost),
        ("added", GREEN, '+', m.added),
        ("maybe-lost", YELLOW, '?', m.maybe_lost),
        ("maybe-added", YELLOW, '?', m.maybe_added),
        ("open", YELLOW, '?', m.open),
    ] {
        let of = row.member_changes.iter().filter(|c| c.fate == fate);
        for c in of.take(NAMES) {
            let name = c.dn.as_deref().or(c.name.as_deref()).or(c.object_id.as_deref()).unwrap_or("(no name)");
            let reason = match &c.reason {
                Some(reason) => format!(" {DIM}{fate}: {}{DIM:#}", plain(reason)),
                None => String::new(),
            };
            line(format!("{style}{sign} member: {}{style:#}{reason}", plain(name)));
        }
        if n > NAMES as u64 {
            line(format!("{style}{sign} member: … and {} more{style:#}", n - NAMES as u64));
        }
    }
    let a = &row.access;
    for (style, sign, what, n) in [
        (RED, '-', "lose it", a.lost_count),
        (GREEN, '+', "gain it", a.gained_count),
        (YELLOW, '?', "may lose it", a.maybe_lost_count),
        (YELLOW, '?', "may gain it", a.maybe_gained_count),
    ] {
        if n > 0 {
            line(format!("{style}{sign} access: {} {what}{style:#}", count(n, "person", "people")));
        }
    }
    let said = usize::from(matches!(row.action.as_str(), "update" | "stamp"));
    for note in row.notes.iter().skip(said) {
        line(format!("{DIM}  {}{DIM:#}", plain(note)));
    }
}

fn object(row: &ObjectDiff, line: &mut dyn FnMut(String)) {
    let name = plain(row.dn.as_deref().or(row.name.as_deref()).or(row.id.as_deref()).unwrap_or("(no name)"));
    let about = format!("{CYAN}@@ {} {} {} @@{CYAN:#}", row.side, row.class, row.state.as_str());
    match row.state {
        ObjectState::Added => line(format!("{GREEN}+ {name}{GREEN:#} {about}")),
        ObjectState::Removed => line(format!("{RED}- {name}{RED:#} {about}")),
        ObjectState::Changed => line(format!("{BOLD}{name}{BOLD:#} {about}")),
    }
    for value in &row.attributes {
        if let Some(before) = &value.before {
            line(format!("{RED}- {}: {}{RED:#}", plain(&value.attribute), plain(before)));
        }
        if let Some(after) = &value.after {
            line(format!("{GREEN}+ {}: {}{GREEN:#}", plain(&value.attribute), plain(after)));
        }
    }
    for (style, sign, names, all) in [
        (RED, '-', &row.members_removed, row.members_removed_count),
        (GREEN, '+', &row.members_added, row.members_added_count),
    ] {
        for name in names.iter().take(NAMES) {
            line(format!("{style}{sign} member: {}{style:#}", plain(name)));
        }
        if all > NAMES as u64 {
            line(format!("{style}{sign} member: … and {} more{style:#}", all - NAMES as u64));
        }
    }
    if let Some(reason) = &row.members_unknown {
        line(format!("{YELLOW}? member: {}{YELLOW:#}", plain(reason)));
    }
}
