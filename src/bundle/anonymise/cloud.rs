//! Cloud Sync's configuration: of Graph's bodies only the properties that this program reads or a reader needs are taken
//! over, each by its meaning. What has no meaning here is left out; so no secret can come along.

use super::text::Mapper;
use super::vocabulary as known;
use crate::directory::inventory::CloudSync;
use serde_json::{Map, Value};

pub fn cloud_sync(cloud: &mut CloudSync, mapper: &mut Mapper) {
    let lists = [&mut cloud.service_principals, &mut cloud.jobs, &mut cloud.schemas, &mut cloud.agents];
    for value in lists.into_iter().flatten().flatten() {
        *value = node(value, "", mapper);
    }
    // Answers about groups hold their names; those about made-up values are the same in every tenant of a service.
    if let Some(list) = &mut cloud.expressions {
        list.retain(|e| e.group.is_none());
        list.iter_mut().for_each(|e| e.error = e.error.take().map(|_| "an error".to_owned()));
    }
    for value in [&mut cloud.functions, &mut cloud.filter_operators].into_iter().flatten().flatten() {
        *value = vocabulary(value);
    }
    for settings in cloud.notifications.iter_mut().flatten().filter_map(Value::as_object_mut) {
        // Who is told does not matter, only that somebody is.
        if let Some(recipients) = settings.get_mut("Recipients").filter(|r| r.as_str().is_some_and(|r| !r.is_empty())) {
            *recipients = Value::String("recipient@example.invalid".to_owned());
        }
    }
    for assignment in cloud.assignments.iter_mut().flatten() {
        assignment.principal_id = mapper.value(&assignment.principal_id);
        assignment.principal_type = assignment.principal_type.take().map(|t| mapper.enumeration(&t));
        assignment.app_role_id = assignment.app_role_id.take().map(|id| role(&id, mapper));
        assignment.resource_id = assignment.resource_id.take().map(|id| mapper.value(&id));
    }
}

/// The service's own words, which are the same in every tenant: names of functions and operators and what they take.
fn vocabulary(value: &Value) -> Value {
    const KEYS: [&str; 8] = [
        "name",
        "parameters",
        "required",
        "allowMultipleOccurrences",
        "type",
        "arity",
        "multivaluedComparisonType",
        "supportedAttributeTypes",
    ];
    match value {
        Value::Object(map) => {
            let known = map.iter().filter(|(key, _)| KEYS.contains(&key.as_str()));
            Value::Object(known.map(|(key, value)| (key.clone(), vocabulary(value))).collect())
        }
        Value::Array(list) => Value::Array(list.iter().map(vocabulary).collect()),
        Value::String(text) if text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') => value.clone(),
        Value::String(_) => Value::Null,
        other => other.clone(),
    }
}

/// The role that scopes a group into provisioning is the same in every tenant of a cloud.
fn role(id: &str, mapper: &mut Mapper) -> String {
    const ROLES: [&str; 5] = [
        "1a0abf4d-b9fa-4512-a3a2-51ee82c6fd9f",
        "15af7fd5-1a3f-4034-8ea1-1afa3d5ecf63",
        "d8fa317e-0713-4930-91d8-1dbeb150978f",
        "50a55e47-aae2-425c-8dcb-ed711147a39f",
        "52e862b9-0b95-43fe-9340-54f51248314f",
    ];
    if ROLES.iter().any(|r| r.eq_ignore_ascii_case(id)) { id.to_owned() } else { mapper.value(id) }
}

/// What a property's text is.
#[derive(Clone, Copy, PartialEq)]
enum Meaning {
    /// A name or an id.
    Name,
    /// The name of a machine, or of a service principal, which is that of a domain.
    Host,
    /// `AAD2ADGroupProvisioning.<tenant>.<id>`
    Job,
    Attribute,
    Enumeration,
    Number,
    Directory,
    Expression,
    Literal,
    Role,
    /// Holds further properties.
    Inner,
}

fn meaning(key: &str, within: &str) -> Option<Meaning> {
    Some(match key {
        "id" if within.is_empty() => Meaning::Job,
        "id" if within == "appRoles" => Meaning::Role,
        "displayName" | "machineName" => Meaning::Host,
        "id" | "appId" | "resourceId" | "principalId" => Meaning::Name,
        "templateId" => Meaning::Job,
        "name" => match within {
            "attributes" | "objects" => Meaning::Attribute,
            "directories" => Meaning::Directory,
            _ => Meaning::Name,
        },
        "sourceDirectoryName" | "targetDirectoryName" => Meaning::Directory,
        "sourceObjectName" | "targetObjectName" | "targetAttributeName" | "sourceOperandName" => Meaning::Attribute,
        "expression" => Meaning::Expression,
        "defaultValue" | "values" => Meaning::Literal,
        "type"
        | "mutability"
        | "flowType"
        | "flowTypes"
        | "flowBehavior"
        | "operatorName"
        | "code"
        | "state"
        | "status"
        | "servicePrincipalType"
        | "key"
        | "supportedPublishingTypes" => Meaning::Enumeration,
        "version"
        | "agentVersion"
        | "interval"
        | "expiration"
        | "steadyStateFirstAchievedTime"
        | "steadyStateLastAchievedTime"
        | "timeBegan"
        | "timeEnded" => Meaning::Number,
        // A setting's value may be anything; its name tells what it is.
        "value" => Meaning::Literal,
        "schedule"
        | "quarantine"
        | "lastExecution"
        | "lastSuccessfulExecution"
        | "synchronizationJobSettings"
        | "directories"
        | "objects"
        | "attributes"
        | "synchronizationRules"
        | "objectMappings"
        | "attributeMappings"
        | "source"
        | "parameters"
        | "scope"
        | "groups"
        | "categoryFilterGroups"
        | "inputFilterGroups"
        | "clauses"
        | "targetOperand"
        | "appRoles" => Meaning::Inner,
        // Truth values and numbers.
        "accountEnabled"
        | "appRoleAssignmentRequired"
        | "isEnabled"
        | "enabled"
        | "editable"
        | "priority"
        | "anchor"
        | "caseExact"
        | "flowNullValues"
        | "multivalued"
        | "required"
        | "matchingPriority"
        | "exportMissingReferences"
        | "countSuccessiveCompleteFailures"
        | "escrowsPruned"
        | "countEntitled"
        | "countExported" => Meaning::Number,
        _ => return None,
    })
}

fn node(value: &Value, within: &str, mapper: &mut Mapper) -> Value {
    match value {
        Value::Object(object) => {
            let mut out = Map::new();
            for (key, value) in object {
                if let Some(meaning) = meaning(key, within) {
                    out.insert(key.clone(), property(key, value, meaning, within, object, mapper));
                }
            }
            Value::Object(out)
        }
        Value::Array(list) => Value::Array(list.iter().map(|v| node(v, within, mapper)).collect()),
        // Text where properties are expected has no meaning.
        Value::String(_) => Value::Null,
        other => other.clone(),
    }
}

fn property(
    key: &str,
    value: &Value,
    meaning: Meaning,
    within: &str,
    object: &Map<String, Value>,
    mapper: &mut Mapper,
) -> Value {
    match value {
        Value::String(text) => Value::String(match meaning {
            Meaning::Name if key == "name" && is_source(within, object) => source_name(text, object, mapper),
            Meaning::Name if within == "synchronizationJobSettings" => setting(text, mapper),
            Meaning::Name => mapper.text(text),
            Meaning::Host => mapper.host(text),
            Meaning::Job => job(text, mapper),
            Meaning::Attribute => mapper.attribute(text),
            Meaning::Enumeration => mapper.enumeration(text),
            Meaning::Number => mapper.number(text),
            Meaning::Directory => directory(text, mapper),
            Meaning::Expression => match object.get("name").and_then(Value::as_str) {
                // A constant or an attribute that stands there bare.
                Some(name) if name == text => source_name(text, object, mapper),
                _ => mapper.expression(text),
            },
            Meaning::Literal => literal(text, mapper),
            Meaning::Role => role(text, mapper),
            Meaning::Inner => return Value::Null,
        }),
        Value::Array(list) if meaning != Meaning::Inner => {
            let map = |v: &Value, mapper: &mut Mapper| property(key, v, meaning, within, object, mapper);
            Value::Array(list.iter().map(|v| map(v, mapper)).collect())
        }
        Value::Object(_) | Value::Array(_) => node(value, key, mapper),
        other => other.clone(),
    }
}

fn is_source(within: &str, object: &Map<String, Value>) -> bool {
    matches!(within, "source" | "value") || object.contains_key("expression") || object.contains_key("parameters")
}

/// The name of a mapping's source, which means what its type says.
fn source_name(text: &str, object: &Map<String, Value>, mapper: &mut Mapper) -> String {
    let kind = object.get("type").and_then(Value::as_str).unwrap_or("Attribute");
    if kind.eq_ignore_ascii_case("Constant") {
        literal(text, mapper)
    } else if kind.eq_ignore_ascii_case("Function") {
        if known::is_function(text) { text.to_owned() } else { mapper.value(text) }
    } else if text.contains(['(', '"', '[']) {
        mapper.expression(text)
    } else {
        mapper.attribute(text)
    }
}

fn literal(text: &str, mapper: &mut Mapper) -> String {
    if text.trim().bytes().all(|b| b.is_ascii_digit()) && text.trim().len() < 6 {
        return text.to_owned();
    }
    mapper.literal(text)
}

/// A job's setting: names of the product are one word in camel case.
fn setting(text: &str, mapper: &mut Mapper) -> String {
    const NAMES: [&str; 9] = [
        "BatchingDelay",
        "Domain",
        "SkipOutOfScopeDeletions",
        "DeleteThresholdEnabled",
        "DeleteThresholdValue",
        "SyncAll",
        "SyncNotificationSettings",
        "SecretToken",
        "DirectoryDomain",
    ];
    if NAMES.iter().any(|n| n.eq_ignore_ascii_case(text)) { text.to_owned() } else { mapper.value(text) }
}

/// A job's id or template: which direction it has stays, the tenant and the number do not.
fn job(text: &str, mapper: &mut Mapper) -> String {
    let (template, rest) = text.split_once('.').map_or((text, None), |(t, r)| (t, Some(r)));
    const TEMPLATES: [&str; 12] = [
        "AAD2ADGroupProvisioning",
        "AAD2ADProvisioning",
        "AAD2ADUserProvisioning",
        "AAD2ADExchangeHybridWriteback",
        "AD2AADProvisioning",
        "AD2AADPasswordHash",
        "AD2AADExchangeHybridWriteback",
        "AAD2ADGroup",
        "AAD2AD",
        "AD2AAD",
        "AAD2ADPasswordHash",
        "AAD2ADExchange",
    ];
    let lower = template.to_lowercase();
    let kept = if TEMPLATES.iter().any(|t| t.eq_ignore_ascii_case(template)) {
        template.to_owned()
    } else if lower.starts_with("aad2ad") {
        // Which of the templates it is counts, its own words do not.
        let sort = ["exchange", "passwordhash"].into_iter().find(|s| lower.contains(s)).unwrap_or("");
        format!("AAD2AD{sort}")
    } else {
        mapper.value(template)
    };
    match rest {
        Some(rest) => format!("{kept}.{}", mapper.value(rest)),
        None => kept,
    }
}

/// The name of a directory in a schema: whether it means the cloud or Active Directory stays.
fn directory(text: &str, mapper: &mut Mapper) -> String {
    const NAMES: [&str; 8] = [
        "azure active directory",
        "active directory",
        "microsoft entra id",
        "entra id",
        "azure ad",
        "aad",
        "ad",
        "microsoft entra",
    ];
    let lower = text.trim().to_lowercase();
    if NAMES.contains(&lower.as_str()) {
        return text.to_owned();
    }
    let mut sort = String::new();
    if ["azure", "entra", "aad"].iter().any(|w| lower.contains(w)) {
        sort.push_str("Entra ");
    }
    if lower.contains("active directory") {
        sort.push_str("Active Directory ");
    }
    sort + &mapper.text(text)
}
