//! An AD object as JSON and back without loss: text values as strings, others as `{"b64": …}`. Readable by people, and by
//! any other program.

use crate::cutover::port::ObjectState;
use crate::directory::ObjectGuid;
use crate::error::{Error, Result};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// The object as JSON: `guid`, `dn`, `attributes` by name.
pub fn object_to_json(object: &ObjectState) -> Value {
    let value = |bytes: &Vec<u8>| match std::str::from_utf8(bytes) {
        Ok(text) => Value::String(text.to_owned()),
        Err(_) => Value::Object(Map::from_iter([("b64".to_owned(), Value::String(STANDARD.encode(bytes)))])),
    };
    let attributes: Map<String, Value> = object
        .attributes
        .iter()
        .map(|(name, values)| (name.clone(), Value::Array(values.iter().map(value).collect())))
        .collect();
    Value::Object(Map::from_iter([
        ("guid".to_owned(), Value::String(object.guid.to_string())),
        ("dn".to_owned(), Value::String(object.dn.clone())),
        ("attributes".to_owned(), Value::Object(attributes)),
    ]))
}

/// The object again; anything but what `object_to_json` writes is refused.
pub fn object_from_json(value: &Value) -> Result<ObjectState> {
    let bad = |what: &str| Error::failed(format!("a snapshot's body is no AD object: {what}"));
    let Value::Object(object) = value else { return Err(bad("it is no JSON object")) };
    if object.len() != 3 {
        return Err(bad("it must have guid, dn and attributes, and nothing else"));
    }
    let text = |name: &str| object.get(name).and_then(Value::as_str);
    let guid = text("guid").and_then(ObjectGuid::parse).ok_or_else(|| bad("no guid"))?;
    let dn = text("dn").ok_or_else(|| bad("no dn"))?.to_owned();
    let Some(Value::Object(all)) = object.get("attributes") else { return Err(bad("no attributes")) };
    let mut attributes = BTreeMap::new();
    for (name, values) in all {
        let Value::Array(values) = values else { return Err(bad(&format!("{name:?} has no list of values"))) };
        let values: Option<Vec<Vec<u8>>> = values.iter().map(bytes).collect();
        attributes.insert(name.clone(), values.ok_or_else(|| bad(&format!("{name:?} has a value of another form")))?);
    }
    Ok(ObjectState { guid, dn, attributes })
}

fn bytes(value: &Value) -> Option<Vec<u8>> {
    match value {
        Value::String(text) => Some(text.clone().into_bytes()),
        Value::Object(map) if map.len() == 1 => STANDARD.decode(map.get("b64")?.as_str()?).ok(),
        _ => None,
    }
}
