//! Security events of domain controllers as an administrator exports them: XML (`wevtutil`, Event Viewer, tools that turn
//! event logs into XML) and CSV (Event Viewer, `Get-WinEvent | Export-Csv`). Kept are the events that tell who changed a
//! group: 4754 to 4758 and 5136; the others are counted. Read event by event, so a log may be of any size.

mod folder;
mod message;
mod table;
mod time;
mod xml;

use crate::directory::events::SecurityEvent;
use crate::directory::{ObjectGuid, Sid};
use crate::error::{Error, Place, Result};
use crate::report::model::Problem;
use chrono::FixedOffset;
pub use folder::{Exports, add, read_exports};
use std::collections::BTreeMap;
use std::path::Path;

use time::Time;

/// What a file held.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Summary {
    /// Events of every sort.
    pub events: u64,
    /// Those that were given to the caller.
    pub kept: u64,
    /// Events of other ids, of other sources or of objects that are no groups or containers, by id.
    pub passed_over: BTreeMap<u32, u64>,
    /// Kept events whose time has no zone and was taken as UTC, since nobody named one.
    pub zoneless: u64,
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
        if self.zoneless > 0 {
            tell(
                "events-without-zone",
                format!(
                    "the times of {} events have no zone and are taken as UTC, so each may be off by hours: give --event-zone, or export as XML",
                    self.zoneless
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

/// Reads one export. `zone`: of times that a table gives without one; UTC where nobody says.
pub fn read_file(path: &Path, zone: Option<FixedOffset>, take: &mut Take<'_>) -> Result<Summary> {
    let mut sorter = Sorter { zone, take, summary: Summary::default() };
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
    time: Option<Time>,
    computer: Option<String>,
    record: Option<u64>,
    fields: BTreeMap<String, String>,
}

/// Takes what concerns groups, counts the rest.
struct Sorter<'s, 't> {
    zone: Option<FixedOffset>,
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
        let zoneless = matches!(raw.time, Some(Time::Local(_))) && self.zone.is_none();
        let event = event(raw, self.zone)?;
        self.summary.events += 1;
        self.summary.kept += 1;
        self.summary.zoneless += u64::from(zoneless);
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

fn event(raw: Raw, zone: Option<FixedOffset>) -> Result<SecurityEvent, Wrong> {
    let Raw { id, time, computer, record, mut fields, .. } = raw;
    // A dash stands for a field without a value.
    let mut text = |key: &str| fields.remove(key).filter(|v| !v.is_empty() && v != "-");
    let missing = |what: &str| Wrong::Field(format!("event {id} without {what}"));
    let time = match time {
        Some(Time::Utc(utc)) => utc,
        Some(Time::Local(naive)) => {
            let zone = zone.unwrap_or(FixedOffset::east_opt(0).ok_or_else(|| missing("a zone"))?);
            naive.and_local_timezone(zone).single().ok_or_else(|| missing("a time that exists"))?.to_utc()
        }
        None => return Err(missing("its time")),
    };
    let (subject_domain, subject) = (text("SubjectDomainName"), text("SubjectUserName"));
    let target_sid = sid("TargetSid", text("TargetSid"))?;
    let target_name = text("TargetUserName");
    let target_dn = text("ObjectDN");
    let target_guid = match text("ObjectGUID") {
        None => None,
        Some(value) => match ObjectGuid::parse(value.trim_matches(['{', '}'])) {
            Some(guid) => Some(guid),
            // The text of the viewer names the object here.
            None if value.contains('=') => None,
            None => return Err(Wrong::Field(format!("ObjectGUID {value:?} is no GUID"))),
        },
    };
    match id {
        5136 if target_dn.is_none() && target_guid.is_none() => {
            return Err(missing("the object it is about (ObjectDN)"));
        }
        5136 => {}
        _ if target_sid.is_none() && target_name.is_none() => {
            return Err(missing("the group it is about (TargetSid)"));
        }
        _ => {}
    }
    let attribute = text("AttributeLDAPDisplayName");
    let operation = text("OperationType").map(|operation| match operation.as_str() {
        "%%14674" => "Value Added".to_owned(),
        "%%14675" => "Value Deleted".to_owned(),
        _ => operation,
    });
    let value = text("AttributeValue");
    let member_of_value =
        value.clone().filter(|_| attribute.as_deref().is_some_and(|a| a.eq_ignore_ascii_case("member")));
    let member_sid = sid("MemberSid", text("MemberSid"))?.map(|sid| sid.to_string());
    Ok(SecurityEvent {
        time,
        id,
        target_sid,
        target_name,
        target_dn,
        target_guid,
        subject_sid: sid("SubjectUserSid", text("SubjectUserSid"))?,
        subject_name: match (subject_domain, subject) {
            (Some(domain), Some(name)) => Some(format!("{domain}\\{name}")),
            (_, name) => name,
        },
        member: text("MemberName").or(member_of_value).or(member_sid),
        attribute,
        // As the log shows it: what was done, then the value.
        value: match (operation, value.map(cut)) {
            (Some(operation), Some(value)) => Some(format!("{operation}: {value}")),
            (operation, value) => value.or(operation),
        },
        computer,
        record,
    })
}

fn cut(value: String) -> String {
    match value.char_indices().nth(MAX_VALUE) {
        Some((at, _)) => format!("{}…", &value[..at]),
        None => value,
    }
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
