//! What is made anew: a group, an extension property. Both are looked for by their name first, so that a second try, or a
//! run that was cut off, finds what the first one made.

use super::LiveTenant;
use super::doubt::{held, refused, unread};
use super::job::text;
use crate::collect::live::entra::queries;
use crate::collect::live::entra::wire::Trouble;
use crate::cutover::port::{Refusal, WriteFault, Written};
use crate::directory::ObjectGuid;
use crate::error::{Error, Result};
use crate::graph::Method;
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::time::Duration;

/// Members that a request to make a group may name.
const MEMBERS: usize = 20;
const NICKNAME: usize = 64;
/// How long a group is looked for whose making was not answered.
const WAITS: u32 = 15;
const WAIT: Duration = Duration::from_secs(4);

/// Tells a group that was made here from one that somebody else gave the same name.
const OURS: &str = "Made by groupshift for a cutover; it can be deleted when that is done.";

/// A text as part of a `$filter`: its quotes doubled, and nothing in it that a URL would read.
pub(super) fn quoted(text: &str) -> String {
    let mut out = String::from("'");
    for byte in text.replace('\'', "''").bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.".contains(&byte) {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out.push('\'');
    out
}

/// What a mail nickname may hold, from a name.
fn nickname(name: &str) -> String {
    let mut out = String::new();
    for c in name.chars() {
        let c = if c.is_ascii_alphanumeric() { c } else { '-' };
        if (c != '-' || !out.ends_with('-')) && out.len() < NICKNAME {
            out.push(c);
        }
    }
    out.trim_matches('-').to_owned()
}

impl LiveTenant {
    pub(super) async fn make_group(&self, name: &str, members: &[ObjectGuid]) -> Written<ObjectGuid> {
        let nickname = nickname(name);
        if nickname.is_empty() || members.len() > MEMBERS {
            return Err(held(Refusal::Other, name, "no group can be made with this name and so many members", ""));
        }
        if let Some(there) = self.group_named(name, &nickname).await? {
            return Ok(there);
        }
        let address = self.graph().address();
        let bound: Vec<String> = members.iter().map(|m| format!("{address}/v1.0/directoryObjects/{m}")).collect();
        let mut body = json!({
            "displayName": name, "description": OURS, "mailNickname": nickname, "mailEnabled": false, "securityEnabled": true, "groupTypes": [],
        });
        if !bound.is_empty() {
            body["members@odata.bind"] = json!(bound);
        }
        match self.graph().write(Method::Post, "/v1.0/groups", Some(&body), None).await {
            Ok(answer) => {
                let made: Value = answer.json("/v1.0/groups").unwrap_or_default();
                match ObjectGuid::parse(text(&made, "id")) {
                    Some(id) => {
                        // Before it is known where it will be asked for, it could not be brought into a scope.
                        let query = format!("/v1.0/groups/{id}?$select=id");
                        self.appears(&async || Ok(self.wire.value(&query).await.is_ok())).await;
                        Ok(id)
                    }
                    None => self.after_all(name, &nickname).await?.ok_or_else(|| {
                        held(Refusal::Doubt, name, "Graph says that the group was made, and not which it is", "")
                    }),
                }
            }
            Err(fault) if fault.doubt => match self.after_all(name, &nickname).await? {
                Some(id) => Ok(id),
                None => Err(refused(fault, name)),
            },
            Err(fault) => Err(refused(fault, name)),
        }
    }

    /// A group of this name, and no other, as one that was made here.
    async fn group_named(&self, name: &str, nickname: &str) -> Written<Option<ObjectGuid>> {
        let query = format!(
            "/v1.0/groups?$filter=displayName%20eq%20{}&$select=id,displayName,description,mailNickname,securityEnabled,mailEnabled,groupTypes",
            quoted(name)
        );
        let found = self.wire.values(&query).await.map_err(unread)?;
        let mut named = found.iter().filter(|g| text(g, "displayName") == name);
        let Some(one) = named.next() else { return Ok(None) };
        let flag = |key: &str| one.get(key).and_then(Value::as_bool);
        let ours = text(one, "description") == OURS
            && text(one, "mailNickname") == nickname
            && flag("securityEnabled") == Some(true)
            && flag("mailEnabled") == Some(false)
            && named.next().is_none();
        match ObjectGuid::parse(text(one, "id")).filter(|_| ours) {
            Some(id) => Ok(Some(id)),
            None => Err(held(
                Refusal::Other,
                name,
                "a group of this name is there already, and was not made by this program",
                "Rename it or delete it, then: groupshift cutover resume",
            )),
        }
    }

    /// Looks for longer than for other things: names are indexed late.
    async fn after_all(&self, name: &str, nickname: &str) -> Written<Option<ObjectGuid>> {
        for _ in 0..WAITS {
            if let Some(id) = self.group_named(name, nickname).await? {
                return Ok(Some(id));
            }
            self.wire.pause(WAIT).await;
        }
        self.group_named(name, nickname).await
    }

    /// The application whose extension properties Cloud Sync reads.
    pub(super) async fn extension_application(&self) -> Result<Option<Value>> {
        let uri = format!("api://{}/CloudSyncCustomExtensionsApp", self.tenant_id().await?);
        let query = format!(
            "/v1.0/applications?$filter=identifierUris/any(u:u%20eq%20{})&$select=id,appId,displayName",
            quoted(&uri)
        );
        let found = self.wire.values(&query).await.map_err(Trouble::into_error)?;
        Ok(found.into_iter().next())
    }

    pub(super) async fn properties_of(&self, application: &Value) -> Result<Vec<Value>> {
        let query = format!("/v1.0/applications/{}/extensionProperties", text(application, "id"));
        self.wire.values(&query).await.map_err(Trouble::into_error)
    }

    /// The configuration may name the tenant by one of its domains.
    async fn tenant_id(&self) -> Result<String> {
        let configured = self.settings.entra.tenant_id.as_deref().unwrap_or_default();
        if let Some(id) = ObjectGuid::parse(configured) {
            return Ok(id.to_string());
        }
        let found = self.wire.values(queries::ORGANIZATION).await.map_err(Trouble::into_error)?;
        let id = found.first().map(|o| text(o, "id").to_owned()).filter(|id| !id.is_empty());
        id.ok_or_else(|| {
            Error::failed("Graph does not tell the tenant's id").hint("Set tenant_id under [entra] to the tenant's id.")
        })
    }

    pub(super) async fn make_extension(&self, wanted: &str) -> Written<String> {
        let other = |error: Error| WriteFault::new(Refusal::Other, error);
        let application = self.extension_application().await.map_err(other)?.ok_or_else(|| {
            held(
                Refusal::Other,
                "CloudSyncCustomExtensionsApp",
                "the application that Cloud Sync reads extension properties from is not there",
                "Make it, as Microsoft describes for directory extensions in Cloud Sync: an application named CloudSyncCustomExtensionsApp with the identifier URI api://<tenantId>/CloudSyncCustomExtensionsApp, and its service principal. Then: groupshift cutover resume",
            )
        })?;
        let prefix = format!("extension_{}_", text(&application, "appId").replace('-', ""));
        let short = match wanted.strip_prefix(&prefix) {
            Some(short) => short,
            None if wanted.starts_with("extension_") => {
                let message =
                    "the extension property belongs to another application, whose properties Cloud Sync does not read";
                return Err(held(Refusal::Other, wanted, message, "Collect and plan again."));
            }
            None => wanted,
        };
        let full = format!("{prefix}{short}");
        let is_ours = |p: &Value| text(p, "name").eq_ignore_ascii_case(&full);
        let there = async || Ok(self.properties_of(&application).await?.iter().any(is_ours));
        let present = self.properties_of(&application).await.map_err(other)?;
        if let Some(found) = present.iter().find(|p| is_ours(p)) {
            return self.usable(found, kind_of(short));
        }
        let path = format!("/v1.0/applications/{}/extensionProperties", text(&application, "id"));
        let body = json!({ "name": short, "dataType": kind_of(short), "targetObjects": ["Group"] });
        if let Err(fault) = self.graph().write(Method::Post, &path, Some(&body), None).await {
            let again = fault.doubt || fault.words.to_ascii_lowercase().contains("exists");
            if !again || self.appears(&there).await != Some(true) {
                return Err(refused(fault, &full));
            }
        }
        self.known(|k| {
            if let Some(known) = &mut k.extensions {
                known.insert(full.clone());
            }
        });
        Ok(full)
    }

    /// A property that is there already, where groups can carry it and it is of the right kind.
    fn usable(&self, property: &Value, kind: &str) -> Written<String> {
        let name = text(property, "name");
        let targets = property.get("targetObjects").and_then(Value::as_array);
        let groups =
            targets.is_some_and(|t| t.iter().filter_map(Value::as_str).any(|t| t.eq_ignore_ascii_case("Group")));
        if groups && text(property, "dataType").eq_ignore_ascii_case(kind) {
            return Ok(name.to_owned());
        }
        let message = format!("the extension property is there, and is not of the kind {kind} for groups");
        Err(held(Refusal::Other, name, message, "Plan with another name, or delete it where nothing reads it."))
    }
}

/// What is scoped by is a yes or no; what keeps names and places is text.
fn kind_of(name: &str) -> &'static str {
    if name.eq_ignore_ascii_case("WritebackEnabled") { "Boolean" } else { "String" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_in_filters_and_nicknames() {
        assert_eq!(quoted("O'Neil & Söhne #1"), "'O%27%27Neil%20%26%20S%C3%B6hne%20%231'");
        assert_eq!(nickname("groupshift throwaway 20261121-2103-7f3a"), "groupshift-throwaway-20261121-2103-7f3a");
        assert_eq!(nickname("  (a)  b "), "a-b");
        assert_eq!(nickname("ä"), "");
        assert!(nickname(&"x".repeat(100)).len() <= NICKNAME);
    }
}
