//! Groups: read with what v1.0, beta and the directory extensions say of them and with all direct members; changed where
//! they are still as they were read.

use super::LiveTenant;
use super::doubt::{Again, held, unread};
use super::job::text;
use crate::collect::live::entra::queries;
use crate::collect::live::entra::wire::Trouble;
use crate::cutover::port::{CloudGroup, JobState, Refusal, WriteFault, Written};
use crate::directory::ObjectGuid;
use crate::error::{Error, Place, Result};
use crate::graph::{BatchAnswer, BatchRequest, Fault, Method, PER_BATCH};
use futures_util::stream::{self, StreamExt, TryStreamExt};
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

/// A group and its members are two requests of a batch.
const GROUPS_A_BATCH: usize = PER_BATCH / 2;
/// Batches on their way at a time; the client's budget paces them.
const BATCHES: usize = 4;
const WRITEBACK: &str = "writebackConfiguration";

fn object(id: ObjectGuid) -> Place {
    Place::default().object(format!("Entra group {id}"))
}

/// `None` where there is no such object.
fn found(answer: BatchAnswer) -> Result<Option<Value>> {
    match answer {
        Ok(value) => Ok(Some(value)),
        Err(fault) if fault.is_missing() => Ok(None),
        Err(fault) => Err(fault.into()),
    }
}

impl LiveTenant {
    pub(super) async fn read_groups(&self, ids: &[ObjectGuid]) -> Result<Vec<Option<CloudGroup>>> {
        let extensions = self.extensions().await?;
        let read: Vec<Vec<Option<CloudGroup>>> = stream::iter(ids.chunks(GROUPS_A_BATCH))
            .map(|chunk| self.read_some(chunk, &extensions))
            .buffered(BATCHES)
            .try_collect()
            .await?;
        let out: Vec<Option<CloudGroup>> = read.into_iter().flatten().collect();
        if let [one] = out.as_slice() {
            let one = one.clone();
            self.known(|k| k.group = one);
        }
        Ok(out)
    }

    async fn read_some(&self, ids: &[ObjectGuid], extensions: &BTreeSet<String>) -> Result<Vec<Option<CloudGroup>>> {
        let select = queries::group_select("v1.0", extensions);
        let mut requests = Vec::new();
        for id in ids {
            requests.push(BatchRequest::get(format!("/v1.0/groups/{id}?$select={select}")));
            requests.push(BatchRequest::get(queries::members(&id.to_string())));
        }
        let beta = |id: &ObjectGuid| BatchRequest::get(format!("/beta/groups/{id}?$select=id,{WRITEBACK}"));
        let details: Vec<BatchRequest> = ids.iter().map(beta).collect();
        let graph = self.graph();
        let (plain, details) = tokio::try_join!(graph.batch(&requests), graph.batch(&details))?;
        let mut plain = plain.into_iter();
        let mut out = Vec::new();
        for (id, detail) in ids.iter().zip(details) {
            let (Some(group), Some(members)) = (plain.next(), plain.next()) else { break };
            let (Some(group), Some(members), Some(detail)) = (found(group)?, found(members)?, found(detail)?) else {
                out.push(None);
                continue;
            };
            self.refuse_hidden(*id, &group).await?;
            let members = self.all_members(*id, members).await?;
            out.push(Some(CloudGroup { id: *id, properties: properties(group, &detail), members }));
        }
        Ok(out)
    }

    /// Members that the service hides would look like an empty list.
    async fn refuse_hidden(&self, id: ObjectGuid, group: &Value) -> Result<()> {
        if !text(group, "visibility").eq_ignore_ascii_case("HiddenMembership") {
            return Ok(());
        }
        let sees = match self.known(|k| k.sees_hidden) {
            Some(sees) => sees,
            None => {
                let sees = self.wire.may("Member.Read.Hidden").await?;
                self.known(|k| k.sees_hidden = Some(sees));
                sees
            }
        };
        if sees {
            return Ok(());
        }
        Err(Error::failed("the group hides its members, and the application may not see them")
            .at(object(id))
            .hint("Give it the permission Member.Read.Hidden, then: groupshift cutover resume"))
    }

    /// The first page came with the batch; the others are asked for.
    async fn all_members(&self, id: ObjectGuid, first: Value) -> Result<Vec<ObjectGuid>> {
        let mut out = Vec::new();
        let mut take = |page: &Value| -> Result<()> {
            let list = page
                .get("value")
                .and_then(Value::as_array)
                .ok_or_else(|| Error::failed("the members, as Graph returns them, are no list").at(object(id)))?;
            for member in list {
                let member = ObjectGuid::parse(text(member, "id"))
                    .ok_or_else(|| Error::failed("a member without an id came from Graph").at(object(id)))?;
                out.push(member);
            }
            Ok(())
        };
        take(&first)?;
        if let Some(next) = first.get("@odata.nextLink").and_then(Value::as_str) {
            let rest = match self.wire.values(next).await {
                // A link that has expired: the whole list once more.
                Err(Trouble::Expired(_)) => self.wire.values(&queries::members(&id.to_string())).await,
                other => other,
            };
            take(&json!({ "value": rest.map_err(Trouble::into_error)? }))?;
        }
        out.sort_unstable();
        out.dedup();
        Ok(out)
    }

    /// Names of extension properties that may matter: those the job's schema speaks of, and those of the application
    /// that Cloud Sync reads them from.
    async fn extensions(&self) -> Result<BTreeSet<String>> {
        if let Some(known) = self.known(|k| k.extensions.clone()) {
            return Ok(known);
        }
        let mut names = BTreeSet::new();
        if let Some(job) = self.find_job().await? {
            names.extend(self.names_of_schema(&job).await?);
        }
        if let Some(application) = self.extension_application().await? {
            names.extend(self.properties_of(&application).await?.iter().map(|p| text(p, "name").to_owned()));
        }
        self.known(|k| k.extensions.get_or_insert_default().extend(names));
        Ok(self.known(|k| k.extensions.clone()).unwrap_or_default())
    }

    async fn names_of_schema(&self, job: &JobState) -> Result<BTreeSet<String>> {
        let query = queries::schema(&job.service_principal, &job.id, "");
        match self.wire.value(&query).await {
            Ok(schema) => Ok(queries::extensions(&[schema])),
            // A new job has none yet.
            Err(Trouble::Missing(_)) => Ok(BTreeSet::new()),
            Err(trouble) => Err(trouble.into_error()),
        }
    }

    pub(super) fn learn_extensions(&self, schema: &Value) {
        let names = queries::extensions(std::slice::from_ref(schema));
        self.known(|k| {
            if let Some(known) = &mut k.extensions {
                known.extend(names);
            }
        });
    }

    /// Reads what is to be changed, holds it against what was read before, changes it.
    pub(super) async fn change_group(&self, id: ObjectGuid, wanted: &Value) -> Written {
        let name = format!("Entra group {id}");
        let Some(wanted) = wanted.as_object().filter(|w| !w.is_empty()) else {
            return Err(held(Refusal::Other, &name, "nothing to be changed was named", ""));
        };
        let version = if wanted.contains_key(WRITEBACK) { "beta" } else { "v1.0" };
        let names: Vec<&str> = wanted.keys().map(String::as_str).collect();
        let path = format!("/{version}/groups/{id}");
        let query = format!("{path}?$select=id,{}", names.join(","));
        let now = self.wire.value(&query).await.map_err(unread)?;
        if holds(&now, wanted) {
            return Ok(());
        }
        let before = self.known(|k| k.group.take()).filter(|g| g.id == id);
        let changed: Vec<&str> = match &before {
            Some(before) => names.iter().copied().filter(|n| differs(&before.properties, &now, n)).collect(),
            None => Vec::new(),
        };
        if !changed.is_empty() {
            let message = format!("{} changed a moment ago, by somebody else; it was not touched", changed.join(", "));
            return Err(held(Refusal::Guard, &name, message, ""));
        }
        let body = body(&now, wanted);
        let tag = Some(text(&now, "@odata.etag")).filter(|t| !t.is_empty());
        let first = std::cell::Cell::new(true);
        let send = async || -> Result<_, Fault> {
            // A second try may meet the tag that the first one made; the value was looked at in between.
            let tag = tag.filter(|_| first.replace(false));
            self.graph().write(Method::Patch, &path, Some(&body), tag).await
        };
        let there = async || {
            let seen = self.wire.value(&query).await.map_err(Trouble::into_error)?;
            Ok(holds(&seen, wanted))
        };
        let written = self.sent(&name, Again::Never, send, there).await;
        match written {
            // Lost on the way there, by the looks of it: sent again where nothing changed meanwhile.
            Err(WriteFault { refusal: Refusal::Doubt, error }) => {
                let seen = self.wire.value(&query).await.map_err(unread)?;
                if names.iter().any(|n| differs(&now, &seen, n)) {
                    return Err(WriteFault::new(Refusal::Doubt, error));
                }
                self.sent(&name, Again::Never, send, there).await
            }
            other => other,
        }
    }
}

/// What Graph says of the group, in one object.
fn properties(mut group: Value, detail: &Value) -> Value {
    if let Some(object) = group.as_object_mut() {
        object.retain(|name, _| !name.starts_with('@'));
        if let Some(writeback) = detail.get(WRITEBACK) {
            object.insert(WRITEBACK.to_owned(), without_annotations(writeback));
        }
    }
    group
}

fn without_annotations(value: &Value) -> Value {
    match value {
        Value::Object(map) => Value::Object(
            map.iter().filter(|(n, _)| !n.starts_with('@')).map(|(n, v)| (n.clone(), v.clone())).collect(),
        ),
        other => other.clone(),
    }
}

/// Whether an object has these values; of nested ones, those that are named.
fn holds(now: &Value, wanted: &Map<String, Value>) -> bool {
    wanted.iter().all(|(name, value)| {
        let now = now.get(name).unwrap_or(&Value::Null);
        match value {
            Value::Object(parts) => holds(now, parts),
            value => now == value,
        }
    })
}

fn differs(before: &Value, now: &Value, name: &str) -> bool {
    // What is not set is left out, or null; a property that nobody asked for then passes for not set, so that a value of
    // it is nobody's to write over.
    let of = |value: &Value| without_annotations(value.get(name).unwrap_or(&Value::Null));
    of(before) != of(now)
}

/// The body of the change. Whether a nested object is merged or replaced is not documented: it is sent whole.
fn body(now: &Value, wanted: &Map<String, Value>) -> Value {
    let mut out = Map::new();
    for (name, value) in wanted {
        let value = match (value, now.get(name)) {
            (Value::Object(parts), Some(Value::Object(present))) => {
                let kept = present.iter().filter(|(n, v)| !n.starts_with('@') && !v.is_null());
                let mut whole: Map<String, Value> = kept.map(|(n, v)| (n.clone(), v.clone())).collect();
                whole.extend(parts.clone());
                Value::Object(whole)
            }
            _ => value.clone(),
        };
        out.insert(name.clone(), value);
    }
    Value::Object(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(value: Value) -> Map<String, Value> {
        value.as_object().unwrap().clone()
    }

    #[test]
    fn nested_values_are_compared_by_what_is_named_and_sent_whole() {
        let now = json!({ "@odata.etag": "x", WRITEBACK: { "@odata.type": "t", "isEnabled": true, "onPremisesGroupType": "universalSecurityGroup" } });
        let wanted = map(json!({ WRITEBACK: { "isEnabled": false } }));
        assert!(!holds(&now, &wanted));
        assert_eq!(
            body(&now, &wanted),
            json!({ WRITEBACK: { "isEnabled": false, "onPremisesGroupType": "universalSecurityGroup" } })
        );
        let unset = json!({ WRITEBACK: { "isEnabled": null, "onPremisesGroupType": null } });
        assert_eq!(body(&unset, &wanted), json!({ WRITEBACK: { "isEnabled": false } }));
        assert!(holds(&json!({ WRITEBACK: { "isEnabled": false, "onPremisesGroupType": null } }), &wanted));
        // Taking a value back, and one that was never there.
        let empty = map(json!({ "extension_a_GroupDN": null }));
        assert!(holds(&json!({}), &empty) && !holds(&json!({ "extension_a_GroupDN": "x" }), &empty));
        assert_eq!(body(&json!({}), &empty), json!({ "extension_a_GroupDN": null }));
    }

    #[test]
    fn what_was_not_read_before_passes_for_not_set() {
        let before = json!({ "displayName": "A", WRITEBACK: { "isEnabled": true } });
        for (now, name, is) in [
            (json!({ "displayName": "B" }), "displayName", true),
            (json!({ "displayName": "A" }), "displayName", false),
            (json!({ WRITEBACK: { "@odata.type": "x", "isEnabled": true } }), WRITEBACK, false),
            (json!({}), WRITEBACK, true),
            (json!({ "other": 1 }), "other", true),
            (json!({ "other": null }), "other", false),
            (json!({}), "other", false),
        ] {
            assert_eq!(differs(&before, &now, name), is, "{now} {name}");
        }
    }
}
