//! Conditions, choices and plain numbers.

use super::super::ast::{Call, Op};
use super::super::eval::{Point, Step, Stop, World, is_equality};
use super::super::value::Value;
use super::{Out, as_text, letters, unknown};
use std::borrow::Cow;
use std::cmp::Ordering;

/// A comparison. Equality of text is documented, but for letter case and Null; order is plain for numbers and dates.
pub fn compare(w: &World<'_>, op: Op, left: &Value, right: &Value, column: usize) -> Out {
    let holds = |ordering: Ordering| match op {
        Op::Equal => ordering == Ordering::Equal,
        Op::NotEqual => ordering != Ordering::Equal,
        Op::Less => ordering == Ordering::Less,
        Op::LessOrEqual => ordering != Ordering::Greater,
        Op::Greater => ordering == Ordering::Greater,
        Op::GreaterOrEqual => ordering != Ordering::Less,
    };
    let open = |what: &str| Stop::Unknown(format!("how {what} compare (column {column}) is described nowhere"));
    match (left, right) {
        (Value::Int(a), Value::Int(b)) => return Ok(Value::Bool(holds(a.cmp(b)))),
        (Value::Date(a), Value::Date(b)) => return Ok(Value::Bool(holds(a.cmp(b)))),
        _ => {}
    }
    let null = left.is_null() || right.is_null();
    let text = |value: &Value| if value.is_null() { Some(Cow::Borrowed("")) } else { None };
    let (a, b) = match (text(left).or(left.as_text()), text(right).or(right.as_text())) {
        (Some(a), Some(b)) => (a, b),
        _ => return Err(open("several values or bytes")),
    };
    let numbers = match (left.as_number(), right.as_number()) {
        (Some(a), Some(b)) => a.partial_cmp(&b),
        _ => None,
    };
    let by_text = if is_equality(op) {
        let exact = holds(a.cmp(&b));
        let blind = holds(a.chars().map(letters::lower).cmp(b.chars().map(letters::lower)));
        let answer = w.either(Point::EqualsCase, exact, blind, || {
            "whether = regards letter case is described nowhere, and only case decides here".to_owned()
        });
        if null {
            w.either(Point::NullCompare, answer, false, || {
                "how an empty value compares is described nowhere".to_owned()
            })
        } else {
            answer
        }
    } else {
        match numbers {
            Some(_) => holds(a.cmp(&b)),
            None => return Err(open("texts by < and >")),
        }
    };
    let typed = |value: &Value| matches!(value, Value::Int(_) | Value::Real(_));
    Ok(Value::Bool(match numbers {
        Some(ordering) if typed(left) || typed(right) => {
            let number = holds(ordering);
            if is_equality(op) {
                w.either(Point::Order, number, by_text, || {
                    "whether a number and a text compare as numbers is described nowhere".to_owned()
                })
            } else {
                number
            }
        }
        Some(ordering) => w.either(Point::Order, by_text, holds(ordering), || {
            "whether two texts of digits compare as numbers is described nowhere".to_owned()
        }),
        None => by_text,
    }))
}

/// What a condition's value means.
pub fn truth(w: &World<'_>, value: &Value, call: &Call) -> Result<bool, Stop> {
    match value {
        Value::Bool(truth) => Ok(*truth),
        Value::Str(text) if text == "True" => Ok(true),
        Value::Str(text) if text == "False" => Ok(false),
        _ if value.is_null_or_empty() => {
            w.doubt(format!("what {} makes of a condition without value is described nowhere", call.name));
            Ok(false)
        }
        _ => Err(unknown(call, "makes of a condition that is neither true nor false")),
    }
}

pub fn switch<'n>(w: &World<'_>, call: &'n Call) -> Step<'n> {
    use super::F;
    if let Some(super::super::ast::Node::Call(source)) = call.arg(0)
        && matches!(source.function, Some(F::IsNull | F::IsNullOrEmpty | F::IsPresent))
    {
        w.doubt(format!("Switch is documented as not working with {} as its source", source.name));
    }
    let source = as_text(call, w.null_for_stop(w.required(call, 0))?)?.unwrap_or_default();
    let mut hit: Option<(usize, Cow<'n, Value>)> = None;
    let mut index = 2;
    while index + 1 < call.args.len() {
        let key = as_text(call, w.required(call, index)?)?.unwrap_or_default();
        if key == source {
            let value = w.required(call, index + 1)?;
            match &hit {
                None => hit = Some((index, value)),
                Some((_, first)) => {
                    if !first.same_result(&value) {
                        let reason = || "which of two equal keys of Switch wins is described nowhere".to_owned();
                        if w.choose(Point::SwitchDuplicate, 2, reason) == 1 {
                            hit = Some((index, value));
                        }
                    }
                }
            }
        }
        index += 2;
    }
    match hit {
        Some((_, value)) => Ok(value),
        None => match call.arg(1) {
            Some(default) => w.eval(default),
            None => Ok(Cow::Owned(Value::Null)),
        },
    }
}

pub fn coalesce<'n>(w: &World<'_>, call: &'n Call) -> Step<'n> {
    for (index, arg) in call.args.iter().enumerate() {
        if arg.is_none() {
            continue;
        }
        let value = w.null_for_stop(w.required(call, index))?;
        match &*value {
            Value::Null => {}
            Value::Multi(_) => return Err(unknown(call, "makes of several values")),
            _ => return Ok(value),
        }
    }
    Ok(Cow::Owned(Value::Null))
}

pub fn cbool(w: &World<'_>, call: &Call) -> Out {
    let value = w.required(call, 0)?;
    match &*value {
        Value::Bool(truth) => Ok(Value::Bool(*truth)),
        Value::Real(n) => Ok(Value::Bool(*n != 0.0)),
        Value::Str(text) if text == "True" || text == "False" => {
            w.doubt("what CBool makes of a text is described nowhere");
            Ok(Value::Bool(text == "True"))
        }
        value => match value.as_int() {
            Some(n) => Ok(Value::Bool(n != 0)),
            None => Err(unknown(call, "makes of anything but a number or a comparison")),
        },
    }
}

pub fn cstr(w: &World<'_>, call: &Call) -> Out {
    let value = w.required(call, 0)?;
    if matches!(&*value, Value::Bool(_) | Value::Date(_)) {
        w.doubt("how CStr writes a Boolean or a date is described nowhere");
    }
    match as_text(call, value)? {
        Some(text) => Ok(Value::Str(text.into_owned())),
        None => w.null_text(call),
    }
}

pub fn not(w: &World<'_>, call: &Call) -> Out {
    let value = w.null_for_stop(w.required(call, 0))?;
    let text = as_text(call, value)?.unwrap_or_default();
    let exact = text != "True";
    let blind = !text.eq_ignore_ascii_case("true");
    Ok(Value::Bool(
        w.either(Point::NotCase, exact, blind, || "whether Not regards letter case is described nowhere".to_owned()),
    ))
}

pub fn is_null(w: &World<'_>, call: &Call) -> Out {
    Ok(Value::Bool(w.null_for_stop(w.required(call, 0))?.is_null()))
}

pub fn is_null_or_empty(w: &World<'_>, call: &Call) -> Result<bool, Stop> {
    let value = w.null_for_stop(w.required(call, 0))?;
    let reason = || format!("whether {} takes blanks or an empty list for a value is described nowhere", call.name);
    match &*value {
        Value::Null => Ok(true),
        Value::Str(text) if text.is_empty() => Ok(true),
        Value::Str(text) if text.trim().is_empty() => Ok(w.choose(Point::BlankPresent, 2, reason) == 1),
        Value::Multi(values) if values.is_empty() => Ok(w.choose(Point::BlankPresent, 2, reason) == 1),
        _ => Ok(false),
    }
}

pub fn is_string(w: &World<'_>, call: &Call) -> Out {
    let value = w.required(call, 0)?;
    match &*value {
        Value::Str(_) => Ok(Value::Bool(true)),
        _ => Err(unknown(call, "gives for anything but a text")),
    }
}

pub fn bit_and(w: &World<'_>, call: &Call) -> Out {
    let (a, b) = (super::required_int(w, call, 0)?, super::required_int(w, call, 1)?);
    if a < 0 || b < 0 || a > i64::from(i32::MAX) || b > i64::from(i32::MAX) {
        w.doubt("the width and sign of BitAnd are described nowhere");
    }
    Ok(Value::Int(a & b))
}
