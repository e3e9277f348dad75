//! Security events of domain controllers as an administrator exports them: XML (`wevtutil`, Event Viewer, tools that turn
//! event logs into XML) and CSV (Event Viewer, `Get-WinEvent | Export-Csv`). Kept are the events that tell who changed a
//! group: 4754 to 4758 and 5136; the others are counted. Read event by event, so a log may be of any size.

mod message;
mod table;
mod time;
mod xml;

use crate::directory::{ObjectGuid, Sid};
use crate::error::{Error, Place, Result};
use crate::report::model::Problem;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::Path;

/// One change to a group, with the account that made it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct SecurityEvent {
    pub id: u32,
    /// UTC, RFC 3339; `None` where the export has the local time of an unknown zone, or none.
    pub time: Option<String>,
    /// The time as the export writes it, where `time` is `None`.
    pub local_time: Option<String>,
    pub computer: Option<String>,
    pub record: Option<u64>,
    /// Who did it.
    pub subject_sid: Option<Sid>,
    /// `DOMAIN\name`.
    pub subject: Option<String>,
    /// The group.
    pub target_sid: Option<Sid>,
    pub target: Option<String>,
    /// The object of 5136.
    pub object_dn: Option<String>,
    pub object_guid: Option<ObjectGuid>,
    pub object_class: Option<String>,
    /// The attribute of 5136, its value (cut), and whether it was added or deleted.
    pub attribute: Option<String>,
    pub value: Option<String>,
    pub operation: Option<String>,
    pub member_sid: Option<Sid>,
    pub member_dn: Option<String>,
    /// File and line.
    pub from: String,
}

/// What a file held.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Summary {
    /// Events of every sort.
    pub events: u64,
    /// Those that were given to the caller.
    pub kept: u64,
    /// Events of other ids, of other sources or of objects that are no groups or containers, by id.
    pub passed_over: BTreeMap<u32, u64>,
    /// Kept events whose time is not known in UTC.
    pub undated: u64,
}

impl Summary {
    /// What the file does not tell, so that nothing is passed over in silence.
    pub fn problems(&self, name: &str) -> Vec<Problem> {
        let mut out = Vec::new();
        let mut tell = |kind: &str, detail: String| {
            out.push(Problem { kind: kind.to_owned(), object: name.to_owned(), detail });
        };
        if !self.passed_over.is_empty() {
            let ids: Vec<String> = self.passed_over.iter().take(12).map(|(id, n)| format!("{id} ({n})")).collect();
            let more = if self.passed_over.len() > ids.len() { ", …" } else { "" };
            let (over, ids) = (self.events - self.kept, ids.join(", "));
            tell(
                "events-passed-over",
                format!("{over} of {} events do not tell who changed a group: {ids}{more}", self.events),
            );
        }
        if self.undated > 0 {
            tell(
                "events-without-zone",
                format!(
                    "{} events have the local time of an unknown zone: export as XML, or with TimeCreated as ToUniversalTime().ToString(\"o\")",
                    self.undated
                ),
            );
        }
        out
    }
}

/// The ids that are kept: a universal security group was created, changed, given or deprived of a member, deleted; an
/// object of the directory was modified.
pub const IDS: [u32; 6] = [4754, 4755, 4756, 4757, 4758, 5136];

/// Longer attribute values, such as descriptors, are cut to this many characters.
const MAX_VALUE: usize = 512;

/// A sink of events.
pub type Take<'t> = dyn FnMut(SecurityEvent) -> Result<()> + 't;

/// Reads one export; `name` is how the events name the file they came from.
pub fn read_file(path: &Path, name: &str, take: &mut Take<'_>) -> Result<Summary> {
    let mut sorter = Sorter { name, take, summary: Summary::default() };
    match path.extension().map(|e| e.to_string_lossy().to_ascii_lowercase()).as_deref() {
        Some("csv") => table::read(path, &mut sorter)?,
        _ => xml::read(path, &mut sorter)?,
    }
    if sorter.summary.events == 0 {
        return Err(Error::input(Place::file(path).line(1), "no event in this file")
            .hint("Export the events again, or remove the file."));
    }
    Ok(sorter.summary)
}

/// An event as a file has it, under the names that Windows gives the fields in XML.
#[derive(Debug, Default)]
struct Raw {
    id: u32,
    source: Option<String>,
    time: time::Time,
    computer: Option<String>,
    record: Option<u64>,
    fields: BTreeMap<String, String>,
    line: u64,
}

/// Takes what concerns groups, counts the rest.
struct Sorter<'s, 't> {
    name: &'s str,
    take: &'s mut Take<'t>,
    summary: Summary,
}

impl Sorter<'_, '_> {
    /// Whether the fields of an event are worth reading.
    fn wants(id: u32, source: Option<&str>) -> bool {
        let audited = source.is_none_or(|source| {
            let source = source.to_ascii_lowercase();
            source.contains("security") && source.contains("auditing")
        });
        audited && IDS.contains(&id)
    }
    fn pass_over(&mut self, id: u32) {
        self.summary.events += 1;
        *self.summary.passed_over.entry(id).or_default() += 1;
    }
    /// Takes one event, or says what is wrong with it.
    fn add(&mut self, raw: Raw) -> Result<(), Wrong> {
        let class = raw.fields.get("ObjectClass").map(|c| c.to_ascii_lowercase());
        let concerns = class.as_deref().is_none_or(|c| matches!(c, "group" | "organizationalunit" | "container"));
        if !Self::wants(raw.id, raw.source.as_deref()) || !concerns {
            self.pass_over(raw.id);
            return Ok(());
        }
        let event = event(raw, self.name)?;
        self.summary.events += 1;
        self.summary.kept += 1;
        self.summary.undated += u64::from(event.time.is_none());
        (self.take)(event).map_err(Wrong::Stopped)
    }
}

/// Why an event is not taken.
enum Wrong {
    /// A field is missing or no such thing.
    Field(String),
    /// The one who takes events failed.
    Stopped(Error),
}

impl Wrong {
    /// The error, with the place of the event.
    fn at(self, place: Place) -> Error {
        match self {
            Wrong::Field(what) => Error::input(place, what).hint(
                "Export the events again; XML keeps every field: wevtutil qe Security /f:XML /q:\"*[System[(EventID=4756)]]\"",
            ),
            Wrong::Stopped(error) => error,
        }
    }
}

fn event(raw: Raw, name: &str) -> Result<SecurityEvent, Wrong> {
    let Raw { id, time, computer, record, mut fields, line, .. } = raw;
    // A dash stands for a field without a value.
    let mut text = |key: &str| fields.remove(key).filter(|v| !v.is_empty() && v != "-");
    let account = |domain: Option<String>, name: Option<String>| match (domain, name) {
        (Some(domain), Some(name)) => Some(format!("{domain}\\{name}")),
        (_, name) => name,
    };
    let subject_sid = sid("SubjectUserSid", text("SubjectUserSid"))?;
    let subject_domain = text("SubjectDomainName");
    let subject = account(subject_domain, text("SubjectUserName"));
    let target_sid = sid("TargetSid", text("TargetSid"))?;
    let target_domain = text("TargetDomainName");
    let target = account(target_domain, text("TargetUserName"));
    let object_dn = text("ObjectDN");
    let object_guid = match text("ObjectGUID") {
        None => None,
        Some(value) => match ObjectGuid::parse(value.trim_matches(['{', '}'])) {
            Some(guid) => Some(guid),
            // The text of the viewer names the object here.
            None if value.contains('=') => None,
            None => return Err(Wrong::Field(format!("ObjectGUID {value:?} is no GUID"))),
        },
    };
    let missing = |what: &str| Err(Wrong::Field(format!("event {id} without {what}")));
    match id {
        5136 if object_dn.is_none() && object_guid.is_none() => return missing("the object it is about (ObjectDN)"),
        5136 => {}
        _ if target_sid.is_none() && target.is_none() => return missing("the group it is about (TargetSid)"),
        _ => {}
    }
    let member_sid = sid("MemberSid", text("MemberSid"))?;
    let value = text("AttributeValue").map(|value| match value.char_indices().nth(MAX_VALUE) {
        Some((at, _)) => format!("{}…", &value[..at]),
        None => value,
    });
    let operation = text("OperationType").map(|operation| {
        match operation.as_str() {
            "%%14674" | "Value Added" => "added",
            "%%14675" | "Value Deleted" => "deleted",
            other => other,
        }
        .to_owned()
    });
    let (time, local_time) = match time {
        time::Time::Utc(utc) => (Some(utc), None),
        time::Time::Local(text) => (None, Some(text)),
        time::Time::None => (None, None),
    };
    Ok(SecurityEvent {
        id,
        time,
        local_time,
        computer,
        record,
        subject_sid,
        subject,
        target_sid,
        target,
        object_dn,
        object_guid,
        object_class: text("ObjectClass"),
        attribute: text("AttributeLDAPDisplayName"),
        value,
        operation,
        member_sid,
        member_dn: text("MemberName"),
        from: format!("{name}:{line}"),
    })
}

/// A SID; names that the viewer puts in its place are none, and say nothing that the account's name does not say.
fn sid(key: &str, value: Option<String>) -> Result<Option<Sid>, Wrong> {
    let Some(value) = value else { return Ok(None) };
    match Sid::parse(&value) {
        Some(sid) => Ok(Some(sid)),
        None if value.to_ascii_uppercase().starts_with("S-1-") => {
            Err(Wrong::Field(format!("{key} {value:?} is no SID")))
        }
        None => Ok(None),
    }
}

#[cfg(test)]
mod tests;
