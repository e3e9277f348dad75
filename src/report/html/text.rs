//! How texts and numbers are written for people.

use serde_json::Value;

use crate::report::is_hazardous;

/// Invisible and direction-changing characters of every text, written out.
pub(in crate::report) fn make_visible(value: &mut Value) {
    match value {
        Value::String(text) if text.chars().any(is_hazardous) => *text = visible(text),
        Value::Array(items) => items.iter_mut().for_each(make_visible),
        Value::Object(fields) => fields.values_mut().for_each(make_visible),
        _ => {}
    }
}

pub(in crate::report) fn visible(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if is_hazardous(c) {
            out.push_str(&format!("⟨U+{:04X}⟩", u32::from(c)));
        } else {
            out.push(c);
        }
    }
    out
}

pub(in crate::report) fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.char_indices() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

pub(in crate::report) fn count(number: u64, one: &str, many: &str) -> String {
    format!("{} {}", thousands(number), if number == 1 { one } else { many })
}

pub(in crate::report) fn beyond(all: usize, shown: usize, where_else: &str) -> Option<String> {
    (all > shown).then(|| format!("{} more are not shown here; {where_else}.", thousands((all - shown) as u64)))
}

pub(in crate::report) fn moment(rfc3339: &str) -> String {
    match chrono::DateTime::parse_from_rfc3339(rfc3339) {
        Ok(time) => time.to_utc().format("%-d %B %Y, %H:%M UTC").to_string(),
        Err(_) => rfc3339.to_owned(),
    }
}
