//! The JSON Schema of `groupshift.toml` (schema name `groupshift/config/v1`), made from the registry of keys.

use super::{Config, KEYS, Kind, SCHEMA, SECTIONS, Settings};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::{Map, Value, json};
use std::borrow::Cow;

impl JsonSchema for Config {
    fn schema_name() -> Cow<'static, str> {
        SCHEMA.into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let mut sections = Map::new();
        for section in SECTIONS {
            let keys: Map<String, Value> =
                KEYS.iter().filter(|k| k.section == section.name).map(|k| (k.name.to_owned(), key_schema(k))).collect();
            let schema = json!({
                "type": "object",
                "description": section.about.trim(),
                "additionalProperties": false,
                "properties": keys,
            });
            sections.insert(section.name.to_owned(), schema);
        }
        schemars::json_schema!({
            "type": "object",
            "description": "The configuration of groupshift. Secrets never stand in it.",
            "additionalProperties": false,
            "properties": sections,
        })
    }
}

fn key_schema(key: &super::Key) -> Value {
    let mut schema = match key.kind {
        Kind::Count { min, max: u64::MAX } => json!({ "type": "integer", "minimum": min }),
        Kind::Count { min, max } => json!({ "type": "integer", "minimum": min, "maximum": max }),
        Kind::Bool => json!({ "type": "boolean" }),
        Kind::Choice(names) => json!({ "type": "string", "enum": names }),
        Kind::List => json!({ "type": "array", "items": { "type": "string", "minLength": 1 } }),
        Kind::Variable => json!({ "type": "string", "pattern": "^[A-Za-z_][A-Za-z0-9_]*$" }),
        Kind::Id => json!({ "type": "string", "pattern": "^[A-Za-z0-9._-]+$" }),
        Kind::LdapUrl => json!({ "type": "string", "pattern": "^[Ll][Dd][Aa][Pp][Ss]?://" }),
        Kind::HttpUrl => json!({ "type": "string", "pattern": "^[Hh][Tt][Tt][Pp][Ss]?://" }),
        Kind::Text | Kind::Path | Kind::Dn | Kind::Domain => json!({ "type": "string", "minLength": 1 }),
    };
    let default = (key.get)(&Settings::default()).map(|value| super::show::json(&value));
    if let Some(object) = schema.as_object_mut() {
        object.insert("description".to_owned(), key.about.trim().into());
        if let Some(default) = default {
            object.insert("default".to_owned(), default);
        }
    }
    schema
}
