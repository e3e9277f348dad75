//! The job's settings and schema: read and compared before they are saved, saved while the job is at rest only, read back,
//! and held against the plan once more before every start. Pure functions over the documents of Graph below.

use super::scope::PROPERTY;
use super::{Engine, Go, Halt, Stop, Surroundings};
use crate::cutover::port::{JobState, Level, Tenant};
use crate::cutover::record::Intent;
use crate::directory::inventory::Inventory;
use crate::error::Error;
use crate::plan::model::Step;
use crate::predict::schema::SynchronizationSchema;
use serde_json::{Value, json};

/// Secrets that hold no credential; others are never kept.
const PLAIN: [&str; 4] = ["Domain", "SyncNotificationSettings", "SkipOutOfScopeDeletions", "SyncAll"];

/// The settings that a run saves and checks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Wanted {
    /// Groups that leave the scope are not deleted.
    pub skip: bool,
    pub threshold: u64,
    /// The job takes all groups that its filter lets pass, not only assigned ones.
    pub all: bool,
}

impl<P: Surroundings> Engine<'_, P> {
    /// What the job has to say while waves are taken over.
    pub(super) fn wanted(&self) -> Wanted {
        let job = &self.plan.job;
        Wanted { skip: job.skip_out_of_scope_deletions, threshold: job.delete_threshold, all: self.by_attribute() }
    }

    /// Saves the settings by PUT of all secrets: refused where one of them was masked.
    pub(super) async fn save_settings(&self, step: &Step, job: &JobState, wanted: Wanted) -> Go {
        let tenant = self.ports.tenant();
        let now = tenant.secrets(job).await?;
        if same_settings(&now, wanted) {
            return Ok(());
        }
        let masked = masked(&now);
        if !masked.is_empty() {
            // Set by hand, and said so: for these very values.
            let subject = format!("secrets-not-masked:{}", step.id);
            if self.accepted("gate", &subject)? {
                return Ok(());
            }
            let scope = if wanted.all { "all groups, with the scoping filter" } else { "selected groups only" };
            return Err(Halt::Gate(
                Stop::new("the job's settings cannot be saved without losing secrets that Graph does not show")
                    .line(format!("masked: {}", masked.join(", ")))
                    .next(format!(
                        "Set in the portal (configuration, Properties): prevent accidental deletion, threshold {}; SkipOutOfScopeDeletions = {}; scope: {scope}.",
                        wanted.threshold, wanted.skip
                    ))
                    .next(format!("Then: groupshift cutover resume --accept \"{subject}=who set it\"")),
            ));
        }
        self.require_rest(step).await?;
        let body = settings(&now, wanted);
        let intent = Intent {
            step: step.id.clone(),
            action: "secrets".to_owned(),
            name: "Cloud Sync job".to_owned(),
            old: Some(without_credentials(&now)),
            new: Some(without_credentials(&body)),
            ..Intent::default()
        };
        let seen = || async { Ok(same_settings(&tenant.secrets(job).await?, wanted)) };
        self.tenant_write(intent, async { tenant.put_secrets(job, &body).await }, seen).await?;
        Ok(())
    }

    pub(super) async fn save_schema(&self, step: &Step, job: &JobState, flow_types: &str, patch: bool) -> Go {
        let tenant = self.ports.tenant();
        let now = tenant.schema(job).await?;
        let wanted = self.schema_wanted(&now, flow_types, patch)?;
        if summary(&now) == summary(&wanted) {
            return Ok(());
        }
        self.require_rest(step).await?;
        let intent = Intent {
            step: step.id.clone(),
            action: "schema".to_owned(),
            name: "Cloud Sync job".to_owned(),
            old: Some(summary(&now)),
            new: Some(summary(&wanted)),
            ..Intent::default()
        };
        let seen = || async { Ok(summary(&tenant.schema(job).await?) == summary(&wanted)) };
        self.tenant_write(intent, async { tenant.put_schema(job, &wanted).await }, seen).await?;
        let after = tenant.job().await?;
        if after.as_ref().is_some_and(|j| !j.is_at_rest()) {
            self.pause(&step.id, false).await?;
            return Err(Halt::Drift(
                Stop::new("saving the schema started the job; it was paused at once")
                    .next("Look at the provisioning logs for what it did. Nothing was in scope by this run. Then: groupshift cutover resume"),
            ));
        }
        Ok(())
    }

    fn schema_wanted(&self, now: &Value, flow_types: &str, patch: bool) -> Go<Value> {
        let mut wanted = now.clone();
        let mut found = 0;
        let filter = if self.by_attribute() { Some(scoping_filter(&self.property_name()?)) } else { None };
        let patch = self.plan.mappings.schema_patch.as_ref().filter(|_| patch);
        for mapping in group_mappings(&mut wanted) {
            found += 1;
            let Some(object) = mapping.as_object_mut() else { continue };
            object.insert("flowTypes".to_owned(), json!(flow_types));
            if let Some(filter) = &filter {
                match object.get("scope").filter(|s| !is_no_filter(s)) {
                    Some(other) if clauses(other) != clauses(filter) => {
                        return Err(Halt::Drift(
                            Stop::new("the job has a scoping filter that is not the one on WritebackEnabled")
                                .line(format!("it is {other}"))
                                .next("Nothing was saved. Take the filter out in the portal, then: groupshift cutover resume. Or plan with scope = \"selected\" under [cloud_sync].")
                                .plan_again(),
                        ));
                    }
                    Some(_) => {}
                    None => drop(object.insert("scope".to_owned(), filter.clone())),
                }
            }
            let Some(patch) = patch else { continue };
            let Some(list) = mapping.get_mut("attributeMappings").and_then(Value::as_array_mut) else { continue };
            for new in &patch.attribute_mappings {
                let target = target_of(new);
                let expects = patch.expects.iter().find(|e| target_of(e) == target);
                match list.iter_mut().find(|m| target_of(m) == target) {
                    Some(present) => {
                        let source = |m: &Value| (m.pointer("/source/expression").cloned(), m.get("flowType").cloned());
                        let as_planned = expects.is_some_and(|e| source(e) == source(present));
                        // A configuration that this run made has the service's own defaults, whatever the plan foresaw.
                        let own = self.plan.job.id.is_none();
                        if source(present) != source(new) && !as_planned && !own {
                            return Err(Halt::Drift(
                                Stop::new(format!(
                                    "the job's mapping of {} is not what the plan saw",
                                    target.unwrap_or_default()
                                ))
                                .line(format!(
                                    "it is {}",
                                    present.pointer("/source/expression").unwrap_or(&Value::Null)
                                ))
                                .next("Nothing was saved.")
                                .plan_again(),
                            ));
                        }
                        if source(present) != source(new) {
                            *present = new.clone();
                        }
                    }
                    None => list.push(new.clone()),
                }
            }
        }
        if found == 0 {
            return Err(Error::failed("the job's schema has no mapping of groups")
                .hint("Look at the configuration in the portal; a plan is made for a job that provisions groups.")
                .into());
        }
        Ok(wanted)
    }

    /// Law 8: no job starts but with the saved schema and settings as the plan says, read now.
    pub(super) async fn ready_to_start(&self, step: &Step, job: &JobState) -> Go {
        let tenant = self.ports.tenant();
        let mut lines = Vec::new();
        let mut schema = tenant.schema(job).await?;
        let patch = self.plan.mappings.schema_patch.as_ref();
        let filter = if self.by_attribute() { Some(scoping_filter(&self.property_name()?)) } else { None };
        let mut found = 0;
        for mapping in group_mappings(&mut schema) {
            found += 1;
            let flow = mapping.get("flowTypes").and_then(Value::as_str).unwrap_or_default();
            if words(flow) != words(&self.plan.job.flow_types) {
                lines.push(format!("its flow types are {flow:?}, and should be {:?}", self.plan.job.flow_types));
            }
            let scope = mapping.get("scope").cloned().unwrap_or(Value::Null);
            if let Some(filter) = filter.as_ref().filter(|f| clauses(f) != clauses(&scope)) {
                lines.push(format!("its scoping filter is {scope}, and should be {filter}: it would take every group"));
            }
            for new in patch.into_iter().flat_map(|p| &p.attribute_mappings) {
                let list = mapping.get("attributeMappings").and_then(Value::as_array).into_iter().flatten();
                let saved = list.into_iter().find(|m| target_of(m) == target_of(new));
                let expression = |m: &Value| m.pointer("/source/expression").cloned();
                if saved.and_then(expression) != expression(new) {
                    lines.push(format!("its mapping of {} is not the planned one", target_of(new).unwrap_or_default()));
                }
            }
        }
        if found == 0 {
            lines.push("its schema has no mapping of groups".to_owned());
        }
        let (secrets, wanted) = (tenant.secrets(job).await?, self.wanted());
        let by_hand = |s: &Step| {
            self.run.remarks().is_ok_and(|all| {
                all.iter().any(|r| r.kind == "gate" && r.subject == format!("secrets-not-masked:{}", s.id))
            })
        };
        let hand_set = self.plan.steps.iter().filter(|s| s.kind == "configure-job").any(by_hand);
        match sync_all(&secrets) {
            Some(all) if all != wanted.all => lines.push(format!(
                "SyncAll is {all}: the job would take {}",
                if all { "every group of the tenant" } else { "assigned groups only" }
            )),
            Some(_) => {}
            None if self.fact("sync-all-unknown")?.is_none() => {
                self.run.put("sync-all-unknown", &json!(true))?;
                let text = "whether the job takes assigned groups only is not shown by Graph (no SyncAll): the throwaway group, alone in scope, shows it";
                self.run.remark("unknown", "scope-mode", text, "the run", self.now())?;
                self.say(Level::Warning, text)?;
            }
            None => {}
        }
        if !same_settings(&secrets, wanted) && sync_all(&secrets).is_none_or(|all| all == wanted.all) && !hand_set {
            lines.push(format!(
                "its delete settings are not SkipOutOfScopeDeletions = {} and a threshold of {}",
                wanted.skip, wanted.threshold
            ));
        }
        if lines.is_empty() {
            return Ok(());
        }
        Err(Halt::Drift(
            Stop { step: step.id.clone(), ..Stop::new("the job is not as the plan says; it was not started") }
                .lines(lines)
                .next("Somebody changed it since it was set up. Put it right in the portal while it is paused, then: groupshift cutover resume"),
        ))
    }
}

fn words(flow: &str) -> Vec<String> {
    let mut out: Vec<String> = flow.split(',').map(|w| w.trim().to_lowercase()).filter(|w| !w.is_empty()).collect();
    out.sort();
    out
}

/// The mappings of groups in a schema.
pub(crate) fn group_mappings(schema: &mut Value) -> impl Iterator<Item = &mut Value> {
    let rules = schema.get_mut("synchronizationRules").and_then(Value::as_array_mut).into_iter().flatten();
    rules
        .flat_map(|r| r.get_mut("objectMappings").and_then(Value::as_array_mut).into_iter().flatten())
        .filter(|m| m.get("sourceObjectName").and_then(Value::as_str).is_some_and(|n| n.eq_ignore_ascii_case("group")))
}

/// The filter that lets pass the groups whose extension value is true.
pub(super) fn scoping_filter(property: &str) -> Value {
    json!({
        "categoryFilterGroups": [], "inputFilterGroups": [],
        "groups": [{ "name": "groupshift", "clauses": [
            { "sourceOperandName": property, "operatorName": "IS TRUE", "targetOperand": { "values": [] } },
        ] }],
    })
}

fn is_no_filter(scope: &Value) -> bool {
    clauses(scope).is_empty()
}

/// The clauses of a filter, group by group, in a form that compares: the service may add names and empty parts.
fn clauses(scope: &Value) -> Vec<Vec<(String, String, String)>> {
    let list = |v: Option<&Value>| v.and_then(Value::as_array).cloned().unwrap_or_default();
    let clause = |c: &Value| {
        let text = |name: &str| c.get(name).and_then(Value::as_str).unwrap_or_default().to_lowercase();
        let operator = text("operatorName").replace(['_', ' '], "");
        let values = c.pointer("/targetOperand/values").filter(|v| v.as_array().is_some_and(|l| !l.is_empty()));
        (text("sourceOperandName"), operator, values.map(Value::to_string).unwrap_or_default())
    };
    ["groups", "categoryFilterGroups", "inputFilterGroups"]
        .iter()
        .flat_map(|part| list(scope.get(*part)))
        .map(|group| list(group.get("clauses")).iter().map(clause).collect::<Vec<_>>())
        .filter(|group| !group.is_empty())
        .collect()
}

/// The extension property that the job's filter reads already, where it is the one that scopes groups in.
pub(super) fn property_in_filter(schema: &Value) -> Option<String> {
    let mut copy = schema.clone();
    let ending = format!("_{}", PROPERTY.to_lowercase());
    for mapping in group_mappings(&mut copy) {
        let mut texts = Vec::new();
        operands(mapping.get("scope").unwrap_or(&Value::Null), &mut texts);
        let is = |t: &String| t.to_lowercase().starts_with("extension_") && t.to_lowercase().ends_with(&ending);
        if let Some(found) = texts.into_iter().find(is) {
            return Some(found);
        }
    }
    None
}

fn operands(value: &Value, out: &mut Vec<String>) {
    match value {
        Value::Object(map) => {
            out.extend(map.get("sourceOperandName").and_then(Value::as_str).map(str::to_owned));
            map.values().for_each(|v| operands(v, out));
        }
        Value::Array(list) => list.iter().for_each(|v| operands(v, out)),
        _ => {}
    }
}

/// The schema of a look's job, without the filter of its mapping of groups.
pub(super) fn without_filter(look: &Inventory) -> Option<SynchronizationSchema> {
    let schemas = look.cloud_sync.schemas.iter().flatten();
    schemas.into_iter().find_map(|schema| {
        let mut copy = schema.clone();
        for mapping in group_mappings(&mut copy) {
            if let Some(object) = mapping.as_object_mut() {
                object.insert("scope".to_owned(), Value::Null);
            }
        }
        let parsed: SynchronizationSchema = serde_json::from_value(copy).ok()?;
        parsed.group_mapping().is_ok().then_some(parsed)
    })
}

pub(super) fn target_of(mapping: &Value) -> Option<String> {
    mapping.get("targetAttributeName").and_then(Value::as_str).map(str::to_lowercase)
}

/// What of a schema a saved one has to agree in: the service may add defaults of its own.
pub(crate) fn summary(schema: &Value) -> Value {
    let mut copy = schema.clone();
    let list: Vec<Value> = group_mappings(&mut copy)
        .map(|m| {
            let mut mappings: Vec<Value> = m
                .get("attributeMappings")
                .and_then(Value::as_array)
                .into_iter()
                .flatten()
                .map(|a| json!({ "target": target_of(a), "flowType": a.get("flowType"), "expression": a.pointer("/source/expression") }))
                .collect();
            mappings.sort_by_key(Value::to_string);
            let flow = words(m.get("flowTypes").and_then(Value::as_str).unwrap_or_default());
            let scope = clauses(m.get("scope").unwrap_or(&Value::Null));
            json!({ "target": m.get("targetObjectName"), "flowTypes": flow, "enabled": m.get("enabled"), "mappings": mappings, "scope": scope })
        })
        .collect();
    Value::Array(list)
}

fn secret<'v>(secrets: &'v Value, key: &str) -> Option<&'v str> {
    let list = secrets.as_array()?;
    let found =
        list.iter().find(|s| s.get("key").and_then(Value::as_str).is_some_and(|k| k.eq_ignore_ascii_case(key)))?;
    found.get("value").and_then(Value::as_str)
}

fn sync_all(secrets: &Value) -> Option<bool> {
    let text = secret(secrets, "SyncAll")?;
    if is_mask(text) { None } else { Some(text.eq_ignore_ascii_case("true")) }
}

fn is_mask(text: &str) -> bool {
    text.is_empty()
        || (text.chars().filter(|c| matches!(c, '*' | '•')).count() >= 3
            && text.chars().all(|c| matches!(c, '*' | '•')))
}

/// Keys whose value Graph did not show.
pub(crate) fn masked(secrets: &Value) -> Vec<String> {
    let list = secrets.as_array().into_iter().flatten();
    list.filter(|s| s.get("value").and_then(Value::as_str).is_none_or(is_mask))
        .filter_map(|s| s.get("key").and_then(Value::as_str).map(str::to_owned))
        .collect()
}

/// The secrets with the values of those that are no credentials only.
pub(crate) fn without_credentials(secrets: &Value) -> Value {
    let list = secrets.as_array().into_iter().flatten();
    list.map(|s| {
        let key = s.get("key").and_then(Value::as_str).unwrap_or_default();
        let plain = PLAIN.iter().any(|p| p.eq_ignore_ascii_case(key));
        json!({ "key": key, "value": s.get("value").filter(|_| plain) })
    })
    .collect()
}

fn notification(secrets: &Value) -> Value {
    secret(secrets, "SyncNotificationSettings").and_then(|t| serde_json::from_str(t).ok()).unwrap_or_else(|| json!({}))
}

pub(crate) fn same_settings(secrets: &Value, wanted: Wanted) -> bool {
    let notification = notification(secrets);
    secret(secrets, "SkipOutOfScopeDeletions")
        .is_some_and(|t| t.eq_ignore_ascii_case(if wanted.skip { "true" } else { "false" }))
        && notification.get("DeleteThresholdEnabled").and_then(Value::as_bool) == Some(true)
        && notification.get("DeleteThresholdValue").and_then(Value::as_u64) == Some(wanted.threshold)
        && sync_all(secrets).is_none_or(|all| all == wanted.all)
}

/// All secrets, with the settings as they are to be. `SyncAll` is set where the job has it, and not added.
pub(crate) fn settings(secrets: &Value, wanted: Wanted) -> Value {
    let mut notification = notification(secrets);
    if let Some(object) = notification.as_object_mut() {
        object.insert("DeleteThresholdEnabled".to_owned(), json!(true));
        object.insert("DeleteThresholdValue".to_owned(), json!(wanted.threshold));
    }
    let word = |b: bool| if b { "True" } else { "False" }.to_owned();
    let mut ours =
        vec![("SkipOutOfScopeDeletions", word(wanted.skip)), ("SyncNotificationSettings", notification.to_string())];
    if secret(secrets, "SyncAll").is_some() {
        ours.push(("SyncAll", word(wanted.all)));
    }
    let is_ours = |s: &Value| {
        s.get("key").and_then(Value::as_str).is_some_and(|k| ours.iter().any(|(o, _)| o.eq_ignore_ascii_case(k)))
    };
    let mut list: Vec<Value> = secrets.as_array().into_iter().flatten().filter(|s| !is_ours(s)).cloned().collect();
    list.extend(ours.iter().map(|(key, value)| json!({ "key": key, "value": value })));
    Value::Array(list)
}
