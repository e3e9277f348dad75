//! The provisioning log, kept to what is asked of it: the newest entry of each group, and when there were entries.

use super::text;
use crate::directory::ObjectGuid;
use chrono::{DateTime, Utc};
use hashbrown::HashMap;
use serde_json::Value;

/// One entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogEntry {
    pub time: DateTime<Utc>,
    /// `create`, `update`, `delete`, `stagedDelete`, `disable`, `other`.
    pub action: String,
    /// `success`, `failure`, `skipped`, `warning`.
    pub status: String,
    pub code: Option<String>,
    pub reason: Option<String>,
}

impl LogEntry {
    pub fn is_staged_delete(&self) -> bool {
        self.action.eq_ignore_ascii_case("stagedDelete")
    }
    /// A success, or a skip that says that there was nothing to change.
    pub fn is_success(&self) -> bool {
        let redundant = self.code.as_deref().is_some_and(|c| c.eq_ignore_ascii_case("RedundantExport"));
        !self.is_staged_delete()
            && (self.status.eq_ignore_ascii_case("success") || self.status.eq_ignore_ascii_case("skipped") && redundant)
    }
}

#[derive(Debug, Clone)]
pub struct GroupLog {
    pub last: LogEntry,
    /// Of every entry that succeeded, ascending once `times` was asked for.
    times: Vec<DateTime<Utc>>,
}

impl GroupLog {
    /// Whether an entry succeeded within `minutes` of this moment.
    pub fn near(&self, time: DateTime<Utc>, minutes: i64) -> bool {
        self.times.iter().any(|t| (*t - time).num_minutes().abs() <= minutes)
    }
}

#[derive(Debug, Default)]
pub struct Logs {
    /// By Entra object id.
    groups: HashMap<ObjectGuid, GroupLog>,
    pub read: u64,
    /// Entries that could not be read: no time, or no source object.
    pub unreadable: u64,
    /// The list is known not to be whole.
    pub cut: bool,
    pub first: Option<DateTime<Utc>>,
    pub last: Option<DateTime<Utc>>,
}

impl Logs {
    pub fn group(&self, id: ObjectGuid) -> Option<&GroupLog> {
        self.groups.get(&id)
    }
    pub fn is_empty(&self) -> bool {
        self.groups.is_empty()
    }

    /// One body of `GET /auditLogs/provisioning`, v1.0 or beta.
    pub fn take(&mut self, log: &Value) {
        self.read += 1;
        let time = text(log, &["activityDateTime"]).and_then(|t| t.parse::<DateTime<Utc>>().ok());
        let source = log.get("sourceIdentity").and_then(|s| ObjectGuid::parse(text(s, &["id"])?));
        let (Some(time), Some(source)) = (time, source) else {
            self.unreadable += 1;
            return;
        };
        self.first = Some(self.first.map_or(time, |t| t.min(time)));
        self.last = Some(self.last.map_or(time, |t| t.max(time)));
        let info = log.get("provisioningStatusInfo").or_else(|| log.get("statusInfo"));
        let error = info.and_then(|i| i.get("errorInformation")).filter(|e| !e.is_null());
        let owned = |text: Option<&str>| text.filter(|t| !t.is_empty()).map(str::to_owned);
        let entry = LogEntry {
            time,
            action: text(log, &["provisioningAction", "action"]).unwrap_or("other").to_owned(),
            status: info.and_then(|i| text(i, &["status"])).unwrap_or("").to_owned(),
            code: owned(error.and_then(|e| text(e, &["errorCode"]))).or_else(|| step_code(log)),
            reason: owned(error.and_then(|e| text(e, &["reason", "additionalDetails"]))),
        };
        let success = entry.is_success();
        let known = self.groups.entry(source).or_insert_with(|| GroupLog { last: entry.clone(), times: Vec::new() });
        if success {
            known.times.push(time);
        }
        // Of two entries of one moment the worse one speaks.
        if entry.time > known.last.time || entry.time == known.last.time && !success {
            known.last = entry;
        }
    }
}

/// Why a step was skipped, where the status does not say it.
fn step_code(log: &Value) -> Option<String> {
    let steps = log.get("provisioningSteps")?.as_array()?;
    let skip = |step: &&Value| text(step, &["status"]).is_some_and(|s| s.eq_ignore_ascii_case("skipped"));
    let details = steps.iter().find(skip)?.get("details")?;
    text(details, &["SkipReason", "skipReason", "errorCode"]).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_newest_entry_of_a_group() {
        let id = "3a5c3221-c465-48c0-95b8-e9305786a271";
        let log = |time: &str, action: &str, status: &str, code: Value| {
            json!({ "activityDateTime": time, "provisioningAction": action, "sourceIdentity": { "id": id },
                "provisioningStatusInfo": { "status": status, "errorInformation": { "errorCode": code, "reason": "r" } } })
        };
        let mut logs = Logs::default();
        logs.take(&log("2026-11-20T10:00:00Z", "update", "failure", json!("TimeOut")));
        logs.take(&log("2026-11-20T12:00:00Z", "update", "success", Value::Null));
        logs.take(&log("2026-11-20T11:00:00Z", "stagedDelete", "success", Value::Null));
        logs.take(&json!({ "activityDateTime": "yesterday" }));
        let group = logs.group(ObjectGuid::parse(id).unwrap()).unwrap();
        assert!(group.last.is_success() && group.last.time.to_rfc3339().contains("12:00"));
        assert!(group.near("2026-11-20T12:09:00Z".parse().unwrap(), 10));
        assert!(!group.near("2026-11-20T11:09:00Z".parse().unwrap(), 10));
        assert_eq!((logs.read, logs.unreadable), (4, 1));
        for (action, status, code, fine) in [
            ("update", "success", json!(null), true),
            ("other", "skipped", json!("RedundantExport"), true),
            ("other", "skipped", json!("NotEffectivelyEntitled"), false),
            ("stagedDelete", "success", json!(null), false),
            ("update", "warning", json!(null), false),
            ("update", "", json!(null), false),
        ] {
            let mut logs = Logs::default();
            logs.take(&log("2026-11-20T10:00:00Z", action, status, code));
            assert_eq!(
                logs.group(ObjectGuid::parse(id).unwrap()).unwrap().last.is_success(),
                fine,
                "{action} {status}"
            );
        }
    }
}
