//! A gate's evidence as a flat list of labelled facts, so that the template can show any shape of it without recursion.

use serde::Serialize;
use serde_json::Value;

use super::text::thousands;

/// Facts shown of one gate, and items shown of one list.
const FACTS: usize = 80;
const ITEMS: usize = 50;
/// Deeper levels are not indented further.
const DEEPEST: usize = 4;

#[derive(Serialize, Debug, PartialEq, Eq)]
pub(in crate::report) struct Fact {
    pub depth: usize,
    pub label: String,
    pub values: Vec<String>,
    /// Whether the values are a list rather than one value.
    pub list: bool,
}

pub(in crate::report) fn facts(evidence: &Value) -> Vec<Fact> {
    let mut facts = Vec::new();
    match evidence {
        Value::Object(fields) => {
            for (label, value) in fields {
                add(0, label, value, &mut facts);
            }
        }
        Value::Null => {}
        other => add(0, "value", other, &mut facts),
    }
    if facts.len() > FACTS {
        let left_out = facts.len() - FACTS;
        facts.truncate(FACTS);
        facts.push(Fact { depth: 0, label: "…".to_owned(), values: vec![more(left_out)], list: false });
    }
    facts
}

fn more(left_out: usize) -> String {
    format!("{} more in the JSON file", thousands(left_out as u64))
}

fn add(depth: usize, label: &str, value: &Value, facts: &mut Vec<Fact>) {
    let depth_shown = depth.min(DEEPEST);
    let mut push = |values: Vec<String>, list: bool| {
        facts.push(Fact { depth: depth_shown, label: label.to_owned(), values, list });
    };
    match value {
        Value::Array(items) if items.is_empty() => push(vec!["(empty list)".to_owned()], false),
        Value::Array(items) if items.iter().all(|item| !item.is_object() && !item.is_array()) => {
            let mut values: Vec<String> = items.iter().take(ITEMS).map(scalar).collect();
            if items.len() > ITEMS {
                values.push(more(items.len() - ITEMS));
            }
            push(values, true);
        }
        Value::Array(items) => {
            push(Vec::new(), false);
            for (at, item) in items.iter().enumerate().take(ITEMS) {
                add(depth + 1, &(at + 1).to_string(), item, facts);
            }
            if items.len() > ITEMS {
                add(depth + 1, "…", &Value::String(more(items.len() - ITEMS)), facts);
            }
        }
        Value::Object(fields) => {
            push(if fields.is_empty() { vec!["(empty)".to_owned()] } else { Vec::new() }, false);
            for (label, item) in fields {
                add(depth + 1, label, item, facts);
            }
        }
        other => push(vec![scalar(other)], false),
    }
}

fn scalar(value: &Value) -> String {
    match value {
        Value::Null => "(none)".to_owned(),
        Value::Bool(true) => "yes".to_owned(),
        Value::Bool(false) => "no".to_owned(),
        Value::String(text) if text.is_empty() => "(empty)".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
