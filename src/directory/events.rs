//! A security event of a domain controller, as exports of its log tell it: who changed which group, when, on which
//! controller.

use super::{ObjectGuid, Sid};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// One event: 4754–4758 (a universal security group was created, changed, got or lost a member, was deleted) or 5136 (a
/// directory object was modified). What the export does not tell is `None`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SecurityEvent {
    pub time: DateTime<Utc>,
    pub id: u32,
    /// The group: its SID (4754–4758), its name (`TargetUserName`), its DN and objectGUID (5136).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target_sid: Option<Sid>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target_name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target_dn: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target_guid: Option<ObjectGuid>,
    /// Who did it: SID and `DOMAIN\name`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject_sid: Option<Sid>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject_name: Option<String>,
    /// The member that came or went: its DN, else its SID as text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub member: Option<String>,
    /// 5136: the attribute, and its value as the log shows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attribute: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// The controller that logged it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub computer: Option<String>,
    /// Its number in that controller's log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub record: Option<u64>,
}
