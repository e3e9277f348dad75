//! Parts of a text.

use super::super::ast::Call;
use super::super::eval::{Point, Stop, World};
use super::super::value::Value;
use super::{Out, Units, as_text, letters, optional_text, required_int, required_text, unknown};

pub fn append(w: &World<'_>, call: &Call) -> Out {
    let source = required_text(w, call, 0)?;
    let suffix = required_text(w, call, 1)?;
    match (source, suffix) {
        (Some(source), Some(suffix)) => {
            let mut out = String::with_capacity(source.len() + suffix.len());
            out.push_str(&source);
            out.push_str(&suffix);
            Ok(Value::Str(out))
        }
        // Null may count as the empty text, or make the result Null.
        (source, suffix) => match w.null_text(call)? {
            Value::Null => Ok(Value::Null),
            _ => Ok(Value::Str(source.or(suffix).unwrap_or_default().into_owned())),
        },
    }
}

pub fn left(w: &World<'_>, call: &Call) -> Out {
    let Some(text) = required_text(w, call, 0)? else { return Ok(Value::str("")) };
    let count = required_int(w, call, 1)?;
    let Ok(count) = usize::try_from(count) else { return Ok(Value::Str(text.into_owned())) };
    // No text has more units than bytes.
    if count >= text.len() {
        return Ok(Value::Str(text.into_owned()));
    }
    let units = Units::of(w, &text);
    Ok(Value::str(units.slice(call, &text, 0, count)?))
}

pub fn mid(w: &World<'_>, call: &Call) -> Out {
    let text = required_text(w, call, 0)?;
    let start = required_int(w, call, 1)?;
    let length = match w.optional(call, 2)? {
        None => i64::MAX,
        Some(value) => value.as_int().ok_or_else(|| unknown(call, "does when its length is no whole number"))?,
    };
    let Some(text) = text else { return w.null_text(call) };
    let (Ok(start), Ok(length)) = (usize::try_from(start), usize::try_from(length)) else {
        return Err(unknown(call, "does with a negative start or length"));
    };
    let Some(from) = start.checked_sub(1) else { return Err(unknown(call, "does when it starts at 0")) };
    let units = Units::of(w, &text);
    if from >= units.len(&text) {
        let reason = || format!("what {} gives when it starts past the end is described nowhere", call.name);
        return match w.choose(Point::MidPastEnd, 3, reason) {
            0 => Ok(Value::str("")),
            1 => Ok(Value::Null),
            _ => Err(Stop::Error(format!("{} starts past the end of its source", call.name))),
        };
    }
    Ok(Value::str(units.slice(call, &text, from, length)?))
}

pub fn len(w: &World<'_>, call: &Call) -> Out {
    let value = w.null_for_stop(w.required(call, 0))?;
    let Some(text) = as_text(call, value)? else { return Ok(Value::Int(0)) };
    Ok(Value::Int(Units::of(w, &text).len(&text) as i64))
}

pub fn in_str(w: &World<'_>, call: &Call) -> Out {
    let text = required_text(w, call, 0)?;
    let wanted = required_text(w, call, 1)?;
    let start = match w.optional(call, 2)? {
        None => 1,
        Some(value) => value.as_int().ok_or_else(|| unknown(call, "does when its start is no whole number"))?,
    };
    let compare = optional_text(w, call, 3)?;
    let (Some(text), Some(wanted)) = (text, wanted) else {
        return match w.null_text(call)? {
            Value::Null => Ok(Value::Null),
            _ => Ok(Value::Int(0)),
        };
    };
    let Some(skip) = usize::try_from(start).ok().and_then(|start| start.checked_sub(1)) else {
        return Err(unknown(call, "does with a start below 1"));
    };
    let units = Units::of(w, &text);
    if skip > 0 && skip >= units.len(&text) {
        return Err(unknown(call, "gives when it starts past the end"));
    }
    if wanted.is_empty() {
        let reason = || format!("what {} gives for an empty match is described nowhere", call.name);
        return Ok(Value::Int(w.either(Point::EmptyMatch, start, 0, reason)));
    }
    let Some(from) = units.byte_at(&text, skip) else {
        return Err(unknown(call, "does when it starts within a character"));
    };
    let position = |blind: bool| {
        let tail = text.get(from..).unwrap_or_default();
        find(tail, &wanted, blind).map_or(0, |byte| (skip + units.len(&tail[..byte]) + 1) as i64)
    };
    let found = match compare.as_deref() {
        Some(word) if word.eq_ignore_ascii_case("vbTextCompare") => position(true),
        Some(word) if word.eq_ignore_ascii_case("vbBinaryCompare") => position(false),
        Some(_) => return Err(unknown(call, "does with such a compare argument")),
        None => w.either(Point::InStrCase, position(false), position(true), || {
            format!("whether {} regards letter case by default is described nowhere", call.name)
        }),
    };
    Ok(Value::Int(found))
}

/// The byte at which `wanted` first stands in `text`.
fn find(text: &str, wanted: &str, blind: bool) -> Option<usize> {
    if !blind {
        return text.find(wanted);
    }
    let wanted: Vec<char> = wanted.chars().map(letters::lower).collect();
    text.char_indices().map(|(byte, _)| byte).find(|&byte| {
        let mut chars = text[byte..].chars().map(letters::lower);
        wanted.iter().all(|c| chars.next() == Some(*c))
    })
}

pub fn trim(w: &World<'_>, call: &Call) -> Out {
    let value = w.required(call, 0)?;
    match &*value {
        Value::Null => w.null_text(call),
        Value::Multi(values) => {
            let mut out = Vec::with_capacity(values.len());
            for value in values {
                match value.as_text() {
                    Some(text) => out.push(trimmed(w, &text)),
                    None => return Err(unknown(call, "makes of a value that is no text")),
                }
            }
            Ok(Value::Multi(out))
        }
        value => match value.as_text() {
            Some(text) => Ok(trimmed(w, &text)),
            None => Err(unknown(call, "makes of bytes")),
        },
    }
}

fn trimmed(w: &World<'_>, text: &str) -> Value {
    let all = text.trim();
    Value::str(w.either(Point::TrimSet, all, text.trim_matches(' '), || {
        "whether Trim takes white space other than blanks is described nowhere".to_owned()
    }))
}

pub fn strip_spaces(w: &World<'_>, call: &Call) -> Out {
    match required_text(w, call, 0)? {
        Some(text) => Ok(Value::Str(text.replace(' ', ""))),
        None => w.null_text(call),
    }
}

pub fn word(w: &World<'_>, call: &Call) -> Out {
    let text = as_text(call, w.null_for_stop(w.required(call, 0))?)?;
    let number = required_int(w, call, 1)?;
    let delimiters = required_text(w, call, 2)?;
    let (Some(text), Ok(number)) = (text, usize::try_from(number)) else { return Ok(Value::str("")) };
    let Some(index) = number.checked_sub(1) else { return Ok(Value::str("")) };
    let Some(delimiters) = delimiters.filter(|d| !d.is_empty()) else {
        return Err(unknown(call, "does without delimiters"));
    };
    let mut words = text.split(|c| delimiters.contains(c));
    let kept = words.clone().nth(index).unwrap_or_default();
    let skipped = words.by_ref().filter(|word| !word.is_empty()).nth(index).unwrap_or_default();
    let reason = || "whether Word counts the empty words between two delimiters is described nowhere".to_owned();
    Ok(Value::str(w.either(Point::WordEmpty, skipped, kept, reason)))
}
