//! A row of either kind as the page shows it: names, columns, lists.

use crate::report::diff::model::{AttributeState, GroupDiff, ObjectDiff};
use crate::report::model::Severity;

/// A row of either kind, as the page shows it.
pub(super) struct PageRow<'a> {
    pub severity: Severity,
    pub action: &'a str,
    pub name: Option<&'a str>,
    pub dn: Option<&'a str>,
    pub id: Option<&'a str>,
    pub guid: Option<&'a str>,
    pub sid: Option<&'a str>,
    pub changes: Vec<&'a str>,
    pub depends: Vec<&'a str>,
    pub counts: [u64; 3],
    pub attributes: Vec<Line<'a>>,
    pub sections: Vec<Section<'a>>,
    pub notes: Vec<&'a str>,
    pub differs: bool,
    pub access: Option<[u64; 2]>,
}

/// One attribute: its columns, how it stands, why.
pub(super) struct Line<'a> {
    pub name: &'a str,
    pub columns: [Option<String>; 3],
    pub state: u64,
    pub reason: Option<&'a str>,
}

pub(super) struct Section<'a> {
    pub title: &'a str,
    pub sign: &'static str,
    pub count: u64,
    pub items: Vec<(&'a str, Option<&'a str>)>,
}

/// Names without a reason.
fn plainly(names: &[String]) -> Vec<(&str, Option<&str>)> {
    names.iter().map(|name| (name.as_str(), None)).collect()
}

pub(super) fn of_group(row: &GroupDiff) -> PageRow<'_> {
    let m = &row.members;
    let of = |fate: &'static str| {
        row.member_changes.iter().filter(move |c| c.fate == fate).map(|c| {
            let name = c.dn.as_deref().or(c.name.as_deref()).or(c.object_id.as_deref()).unwrap_or("(no name)");
            (name, c.reason.as_deref())
        })
    };
    let a = &row.access;
    let sections = [
        ("Members lost", "-", m.lost, of("lost").collect()),
        ("Members added", "+", m.added, of("added").collect()),
        ("Members perhaps lost", "?", m.maybe_lost, of("maybe-lost").collect()),
        ("Members perhaps added", "?", m.maybe_added, of("maybe-added").collect()),
        ("Members that cannot be compared", "?", m.open, of("open").collect()),
        ("Entra members that are not written", "·", m.not_written, of("not-written").collect()),
        ("People who lose this group, nesting counted", "-", a.lost_count, plainly(&a.lost)),
        ("People who gain this group, nesting counted", "+", a.gained_count, plainly(&a.gained)),
        ("People who perhaps lose this group", "?", a.maybe_lost_count, plainly(&a.maybe_lost)),
        ("People who perhaps gain this group", "?", a.maybe_gained_count, plainly(&a.maybe_gained)),
        ("AD groups that nest it", "·", row.used.nested_in_count, plainly(&row.used.nested_in)),
        ("AD objects whose access list names it", "·", row.used.named_by_count, plainly(&row.used.named_by)),
    ];
    PageRow {
        severity: row.severity,
        action: &row.action,
        name: row.display_name.as_deref(),
        dn: row.dn.as_deref(),
        id: row.object_id.as_deref(),
        guid: row.object_guid.as_deref(),
        sid: row.sid.as_deref(),
        changes: row.changes.iter().map(String::as_str).collect(),
        depends: row.depends.iter().map(String::as_str).collect(),
        counts: [m.added, m.lost, m.maybe_lost + m.maybe_added + m.open],
        attributes: row
            .attributes
            .iter()
            // Name and container stand there already.
            .filter(|a| a.attribute != "distinguishedName")
            .map(|a| Line {
                name: &a.attribute,
                columns: [
                    a.ad.clone(),
                    a.entra.clone(),
                    a.after.clone().or_else(|| (!a.candidates.is_empty()).then(|| a.candidates.join("\nor "))),
                ],
                state: match a.state {
                    AttributeState::Same => 0,
                    AttributeState::Changed => 1,
                    AttributeState::Unknown => 2,
                    AttributeState::Error => 3,
                    AttributeState::NotCollected => 4,
                    AttributeState::Unmapped => 5,
                },
                reason: a.reason.as_deref(),
            })
            .collect(),
        sections: sections
            .into_iter()
            .filter(|(_, _, count, _)| *count > 0)
            .map(|(title, sign, count, items)| Section { title, sign, count, items })
            .collect(),
        notes: row.notes.iter().map(String::as_str).collect(),
        differs: row.differs,
        access: row.dn.is_some().then_some([a.before, a.after]),
    }
}

pub(super) fn of_object(row: &ObjectDiff) -> PageRow<'_> {
    let mut changes = vec![row.state.as_str()];
    changes.extend(row.attributes.iter().any(|v| v.attribute == "distinguishedName").then_some("renamed"));
    changes.extend((row.members_added_count > 0).then_some("members-added"));
    changes.extend((row.members_removed_count > 0).then_some("members-lost"));
    changes.extend(row.members_unknown.is_some().then_some("members-open"));
    changes.extend([row.side.as_str(), row.class.as_str()]);
    let sections = [
        ("Members removed", "-", row.members_removed_count, plainly(&row.members_removed)),
        ("Members added", "+", row.members_added_count, plainly(&row.members_added)),
    ];
    PageRow {
        severity: Severity::Info,
        action: row.state.as_str(),
        name: row.name.as_deref(),
        dn: row.dn.as_deref(),
        id: row.id.as_deref().filter(|_| row.side == "entra"),
        guid: row.id.as_deref().filter(|_| row.side == "ad"),
        sid: row.sid.as_deref(),
        changes,
        depends: Vec::new(),
        counts: [row.members_added_count, row.members_removed_count, 0],
        attributes: row
            .attributes
            .iter()
            .map(|v| Line {
                name: &v.attribute,
                columns: [v.before.clone(), None, v.after.clone()],
                state: 1,
                reason: None,
            })
            .collect(),
        sections: sections
            .into_iter()
            .filter(|(_, _, count, _)| *count > 0)
            .map(|(title, sign, count, items)| Section { title, sign, count, items })
            .collect(),
        notes: row.members_unknown.iter().map(String::as_str).collect(),
        differs: true,
        access: None,
    }
}
