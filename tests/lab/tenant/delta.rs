//! Delta: a first round with everything, then what the log tells since a token was given.

use super::{Log, Tenant, pick};
use serde_json::{Value, json};
use std::collections::BTreeMap;

impl Tenant {
    /// The first answers hold every group, members split in two; the later ones what the log tells.
    pub(super) fn group_delta(&mut self, path: &str, query: &BTreeMap<String, String>, version: &str) -> (u16, Value) {
        let select = query.get("$select").cloned().unwrap_or_default();
        let link = |log: usize| format!("{}/{version}{path}?$deltatoken={log}&$select={select}", self.base);
        if query.get("$deltatoken").is_some_and(|t| t == "latest") {
            return (200, json!({ "value": [], "@odata.deltaLink": link(self.log.len()) }));
        }
        let names: Vec<&str> = select.split(',').collect();
        let shape = |group: &Value| {
            let mut value = pick(group, Some(&names), version);
            // Never set is not told.
            value.as_object_mut().unwrap().retain(|_, v| !v.is_null());
            value
        };
        if let Some(from) = query.get("$deltatoken") {
            let mut touched: BTreeMap<&str, BTreeMap<&str, bool>> = BTreeMap::new();
            for entry in &self.log[from.parse::<usize>().unwrap()..] {
                match entry {
                    Log::Group(id) => {
                        touched.entry(id).or_default();
                    }
                    Log::Member { group, member, added } => {
                        touched.entry(group).or_default().insert(member, *added);
                    }
                    Log::User(_) => {}
                }
            }
            let mut values = Vec::new();
            for (id, members) in touched {
                let Some(group) = self.groups.get(id) else {
                    values.push(json!({ "id": id, "@removed": { "reason": "changed" } }));
                    continue;
                };
                let mut value = shape(group);
                let told: Vec<Value> = members
                    .iter()
                    .map(|(m, added)| {
                        let mut member = self.member(m);
                        if !added {
                            member["@removed"] = json!({ "reason": "deleted" });
                        }
                        member
                    })
                    .collect();
                if !told.is_empty() {
                    value["members@delta"] = json!(told);
                }
                values.push(value);
            }
            return (200, json!({ "value": values, "@odata.deltaLink": link(self.log.len()) }));
        }
        // A token is a place in the list of groups and the length of the log when the list was begun.
        let (at, log) = match query.get("$skiptoken").and_then(|t| t.split_once('-')) {
            Some((at, log)) => (at.parse().unwrap(), log.parse().unwrap()),
            None => (0, self.log.len()),
        };
        let all: Vec<(&String, &Value)> = self.groups.iter().collect();
        let mut values = Vec::new();
        for (id, group) in all.iter().skip(at).take(self.page) {
            let members: Vec<Value> = self.members_of(id).iter().map(|m| self.member(m)).collect();
            let (first, second) = members.split_at(members.len() / 2);
            let mut value = shape(group);
            if !first.is_empty() {
                value["members@delta"] = json!(first);
            }
            values.push(value);
            if !second.is_empty() {
                values.push(json!({ "id": id, "members@delta": second }));
            }
        }
        let mut body = json!({ "value": values });
        if at + self.page < all.len() {
            body["@odata.nextLink"] =
                json!(format!("{}/{version}{path}?$skiptoken={}-{log}&$select={select}", self.base, at + self.page));
        } else {
            body["@odata.deltaLink"] = json!(link(log));
        }
        (200, body)
    }

    pub(super) fn user_delta(&self, query: &BTreeMap<String, String>) -> (u16, Value) {
        let select = query.get("$select").cloned().unwrap_or_default();
        let link = format!("{}/beta/users/delta?$deltatoken={}&$select={select}", self.base, self.log.len());
        let from = query.get("$deltatoken").filter(|t| *t != "latest").map_or(self.log.len(), |t| t.parse().unwrap());
        let mut values = Vec::new();
        for entry in &self.log[from..] {
            if let Log::User(id) = entry {
                values.push(match self.users.get(id) {
                    // The identifier is left out, as a delta may do.
                    Some(user) => pick(user, Some(&["id", "userPrincipalName", "onPremisesSyncEnabled"]), "beta"),
                    None => json!({ "id": id, "@removed": { "reason": "changed" } }),
                });
            }
        }
        (200, json!({ "value": values, "@odata.deltaLink": link }))
    }
}
