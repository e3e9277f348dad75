//! The language against the documented samples, the worked group mappings, and nonsense.

mod groups;
mod open_points;
mod syntax;
mod vectors;

use super::*;

/// A source object: `"name=value"`, several values parted by `|`; a name alone is absent.
pub fn object(attributes: &[&str]) -> HashMap<String, Value> {
    attributes
        .iter()
        .filter_map(|text| text.split_once('='))
        .map(|(name, value)| {
            let value = match value.contains('|') {
                true => Value::Multi(value.split('|').map(Value::str).collect()),
                false => Value::str(value),
            };
            (name.to_owned(), value)
        })
        .collect()
}

pub fn outcome(expression: &str, attributes: &[&str]) -> Outcome {
    let expr = parse(expression).unwrap_or_else(|error| panic!("{expression}: {error}"));
    evaluate(&expr, &object(attributes))
}

/// The plain value as shown; an outcome that is none is shown as such.
pub fn shown(expression: &str, attributes: &[&str]) -> String {
    match outcome(expression, attributes) {
        Outcome::Value(Value::Null) => "<Null>".to_owned(),
        Outcome::Value(value) => value.to_string(),
        other => format!("{other:?}"),
    }
}

/// The candidates of an unknown outcome, Null as `<Null>`, with its reason.
pub fn unknown(expression: &str, attributes: &[&str]) -> (Vec<String>, String) {
    match outcome(expression, attributes) {
        Outcome::Unknown { candidates, reason } => {
            let shown = candidates.iter().map(|c| if c.is_null() { "<Null>".to_owned() } else { c.to_string() });
            (shown.collect(), reason)
        }
        other => panic!("{expression}: {other:?}"),
    }
}
