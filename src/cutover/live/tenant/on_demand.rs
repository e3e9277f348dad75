//! Provisioning one group on demand. It writes to AD, so a request whose answer was lost is not sent again.

use super::LiveTenant;
use super::doubt::{held, refused, unread};
use super::job::text;
use crate::collect::live::entra::queries;
use crate::cutover::port::{JobState, OnDemand, Refusal, Written};
use crate::directory::ObjectGuid;
use crate::graph::Method;
use serde_json::{Value, json};

/// Members that one request may name.
const MEMBERS: usize = 5;

impl LiveTenant {
    pub(super) async fn provision_now(
        &self,
        job: &JobState,
        rule: &str,
        group: ObjectGuid,
        members: &[ObjectGuid],
    ) -> Written<OnDemand> {
        let name = format!("Entra group {group}");
        if rule.is_empty() || members.len() > MEMBERS {
            let message = format!("on demand, a group goes with at most {MEMBERS} members and by a rule of the schema");
            return Err(held(Refusal::Other, &name, message, ""));
        }
        let mut subject = json!({ "objectId": group.to_string(), "objectTypeName": "Group" });
        if !members.is_empty() {
            subject["links"] = json!({ "members": self.links(group, &name, members).await? });
        }
        let body = json!({ "parameters": [{ "ruleId": rule, "subjects": [subject] }] });
        let path = format!("{}/{}/provisionOnDemand", queries::jobs(&job.service_principal), job.id);
        let answer = self.graph().write(Method::Post, &path, Some(&body), None).await.map_err(|f| refused(f, &name))?;
        // It was carried out, whatever the answer looks like.
        Ok(read(&answer.json(&path).unwrap_or_default()))
    }

    /// Members as the request names them, each with what it is.
    async fn links(&self, group: ObjectGuid, name: &str, members: &[ObjectGuid]) -> Written<Vec<Value>> {
        let present = self.wire.values(&queries::members(&group.to_string())).await.map_err(unread)?;
        let link = |member: &ObjectGuid| {
            let found = present.iter().find(|m| ObjectGuid::parse(text(m, "id")) == Some(*member));
            let kind = found.map(|m| text(m, "@odata.type").rsplit('.').next().unwrap_or_default().to_owned());
            match kind.as_deref() {
                Some("user") => Ok(json!({ "objectId": member.to_string(), "objectTypeName": "User" })),
                Some("group") => Ok(json!({ "objectId": member.to_string(), "objectTypeName": "Group" })),
                Some(kind) => {
                    Err(held(Refusal::Other, name, format!("{member} is a {kind}, which is not provisioned"), ""))
                }
                None => Err(held(Refusal::Guard, name, format!("{member} is not a member any more"), "")),
            }
        };
        members.iter().map(link).collect()
    }
}

/// The answer: JSON inside strings, where it is any.
fn read(raw: &Value) -> OnDemand {
    let inner = |name: &str| {
        let value = raw.get(name).cloned().unwrap_or_default();
        value.as_str().and_then(|t| serde_json::from_str(t).ok()).unwrap_or(value)
    };
    let (key, value) = (inner("key"), inner("value"));
    let result = match (key.get("result").and_then(Value::as_str), key.as_str()) {
        (Some(result), _) => result.to_owned(),
        (None, Some(word)) if !word.is_empty() => word.to_owned(),
        _ => "Unknown".to_owned(),
    };
    OnDemand {
        result,
        details: key.get("details").cloned().unwrap_or_default(),
        raw: json!({ "key": key, "value": value }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_read_however_they_look() {
        for (raw, result, code) in [
            (
                json!({ "key": "{\"result\":\"Skipped\",\"details\":{\"errorCode\":\"RedundantExport\"}}", "value": "{}" }),
                "Skipped",
                Some("RedundantExport"),
            ),
            (
                json!({ "key": "{\"result\":\"Success\",\"details\":{}}", "value": "{\"action\":\"Update\"}" }),
                "Success",
                None,
            ),
            (json!({ "key": { "result": "Failure" } }), "Failure", None),
            (json!({ "key": "Success", "value": "not JSON" }), "Success", None),
            (json!({}), "Unknown", None),
            (json!(null), "Unknown", None),
        ] {
            let seen = read(&raw);
            assert_eq!(seen.result, result, "{raw}");
            assert_eq!(seen.details.get("errorCode").and_then(Value::as_str), code, "{raw}");
        }
        let update = read(&json!({ "key": "{\"result\":\"Success\"}", "value": "{\"action\":\"Update\"}" }));
        assert_eq!(update.raw["value"]["action"], "Update");
    }
}
