//! Several values, and texts that hold several.

use super::super::ast::Call;
use super::super::eval::{Point, Stop, World};
use super::super::value::Value;
use super::{Out, letters, required_int, required_text, unknown};
use crate::directory::Dn;

pub fn join(w: &World<'_>, call: &Call) -> Out {
    let separator = required_text(w, call, 0)?.unwrap_or_default();
    let mut out = String::new();
    let mut first = true;
    let mut add = |text: &str| {
        // Empty sources are skipped: only so does the documented sample come out.
        if !text.is_empty() {
            if !first {
                out.push_str(&separator);
            }
            first = false;
            out.push_str(text);
        }
    };
    for (index, arg) in call.args.iter().enumerate().skip(1) {
        if arg.is_none() {
            return Err(unknown(call, "does with an argument left out"));
        }
        let value = w.required(call, index)?;
        match &*value {
            Value::Null => {
                let reason = || "whether Join skips a source without value is described nowhere".to_owned();
                if w.choose(Point::JoinNull, 2, reason) == 1 {
                    return Ok(Value::Null);
                }
            }
            Value::Multi(values) => {
                for value in values {
                    match value.as_text() {
                        Some(text) => add(&text),
                        None => return Err(unknown(call, "makes of a value that is no text")),
                    }
                }
            }
            value => match value.as_text() {
                Some(text) => add(&text),
                None => return Err(unknown(call, "makes of bytes")),
            },
        }
    }
    Ok(Value::Str(out))
}

pub fn split(w: &World<'_>, call: &Call) -> Out {
    let text = required_text(w, call, 0)?;
    let delimiter = required_text(w, call, 1)?;
    let Some(text) = text else {
        return match w.null_text(call)? {
            Value::Null => Ok(Value::Null),
            _ => Ok(Value::Multi(Vec::new())),
        };
    };
    let Some(delimiter) = delimiter.filter(|d| !d.is_empty()) else {
        return Err(unknown(call, "does without a delimiter"));
    };
    let whole: Vec<&str> = text.split(&*delimiter).collect();
    let parts = if delimiter.chars().count() > 1 {
        let any: Vec<&str> = text.split(|c| delimiter.contains(c)).collect();
        w.either(Point::SplitDelimiter, whole, any, || {
            "whether Split takes a delimiter of several characters as a whole is described nowhere".to_owned()
        })
    } else {
        whole
    };
    let trimmed: Vec<&str> = parts.iter().map(|part| part.trim()).collect();
    let parts = w.either(Point::SplitTrim, parts, trimmed, || {
        "whether Split takes the blanks around its elements off is described nowhere".to_owned()
    });
    let filled: Vec<&str> = parts.iter().copied().filter(|part| !part.is_empty()).collect();
    let parts = w.either(Point::SplitEmpty, parts, filled, || {
        "whether Split keeps empty elements is described nowhere".to_owned()
    });
    Ok(Value::Multi(parts.into_iter().map(Value::str).collect()))
}

pub fn item(w: &World<'_>, call: &Call) -> Out {
    let source = w.required(call, 0)?;
    let number = required_int(w, call, 1)?;
    let index = usize::try_from(number).ok().and_then(|n| n.checked_sub(1));
    let Some(index) = index else { return Err(unknown(call, "does with an index below 1")) };
    let out_of_range = || Stop::Error(format!("Item {number} is not there"));
    match &*source {
        Value::Multi(values) => values.get(index).cloned().ok_or_else(out_of_range),
        Value::Null => Err(unknown(call, "gives for an empty source")),
        single => {
            w.doubt("what Item makes of a single value is described nowhere");
            if index == 0 { Ok(single.clone()) } else { Err(out_of_range()) }
        }
    }
}

pub fn count(w: &World<'_>, call: &Call) -> Out {
    let source = w.required(call, 0)?;
    match &*source {
        Value::Multi(values) => Ok(Value::Int(values.len() as i64)),
        Value::Null => {
            let reason = || "what Count gives for an empty source is described nowhere".to_owned();
            Ok(if w.choose(Point::CountNull, 2, reason) == 0 { Value::Int(0) } else { Value::Null })
        }
        _ => {
            w.doubt("what Count makes of a single value is described nowhere");
            Ok(Value::Int(1))
        }
    }
}

pub fn remove_duplicates(w: &World<'_>, call: &Call) -> Out {
    let source = w.required(call, 0)?;
    let Value::Multi(values) = &*source else {
        return if source.is_null() {
            Err(unknown(call, "gives for an empty source"))
        } else {
            Ok(source.into_owned())
        };
    };
    let distinct = |key: &dyn Fn(&Value) -> String| {
        let mut seen = std::collections::HashSet::new();
        values.iter().filter(|value| seen.insert(key(value))).cloned().collect::<Vec<_>>()
    };
    let exact = distinct(&|value| value.to_string());
    let blind = distinct(&|value| value.to_string().chars().map(letters::lower).collect());
    Ok(Value::Multi(w.either(Point::Duplicates, exact, blind, || {
        "whether RemoveDuplicates regards letter case is described nowhere".to_owned()
    })))
}

pub fn dn_component(w: &World<'_>, call: &Call) -> Out {
    let text = required_text(w, call, 0)?;
    let number = required_int(w, call, 1)?;
    let Some(text) = text else { return Err(unknown(call, "gives for an empty source")) };
    let Ok(dn) = Dn::parse(&text) else {
        return Err(unknown(call, "gives for a text that is no distinguished name"));
    };
    let index = usize::try_from(number).ok().and_then(|n| n.checked_sub(1));
    let Some(rdn) = index.and_then(|index| dn.rdns().get(index)) else {
        return Err(unknown(call, "gives beyond the parts of the name"));
    };
    if text.contains('\\') || text.contains('"') {
        w.doubt("whether DNComponent takes escapes off is described nowhere");
    }
    Ok(Value::str(rdn.value()))
}
