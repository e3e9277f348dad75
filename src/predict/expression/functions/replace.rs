//! Replace, whose filled slots decide what it does.

use super::super::ast::Call;
use super::super::eval::{Point, Stop, World};
use super::super::pattern::{Pattern, Trouble};
use super::super::value::Value;
use super::{Out, as_text, required_text, unknown};
use std::borrow::Cow;

const OLD: usize = 1;
const PATTERN: usize = 2;
const GROUP: usize = 3;
const NEW: usize = 4;
const NEW_ATTRIBUTE: usize = 5;
const TEMPLATE: usize = 6;

pub fn replace(w: &World<'_>, call: &Call) -> Out {
    let filled = [OLD, PATTERN, GROUP, NEW, NEW_ATTRIBUTE, TEMPLATE].map(|slot| call.arg(slot).is_some());
    match filled {
        [true, false, false, true, false, false] => old_value(w, call, NEW),
        [true, false, false, false, false, true] => old_value(w, call, TEMPLATE),
        [false, true, false, true, false, false] => whole_pattern(w, call),
        [false, true, true, true, false, false] => one_group(w, call),
        [false, true, true, false, true, false] => other_attribute(w, call),
        _ => Err(unknown(call, "does with this combination of arguments")),
    }
}

/// A filled slot as text. Null where only a text makes sense is not described.
fn filled<'n>(w: &World<'_>, call: &'n Call, slot: usize) -> Result<Cow<'n, str>, Stop> {
    required_text(w, call, slot)?.ok_or_else(|| unknown(call, "does when an argument has no value"))
}

fn old_value(w: &World<'_>, call: &Call, with: usize) -> Out {
    let source = required_text(w, call, 0)?;
    let old = filled(w, call, OLD)?;
    let new = filled(w, call, with)?;
    let Some(source) = source else { return w.null_text(call) };
    if old.is_empty() {
        return Err(unknown(call, "does with an empty old value"));
    }
    Ok(Value::Str(if with == TEMPLATE { new.replace(&*old, &source) } else { source.replace(&*old, &new) }))
}

fn trouble(trouble: Trouble) -> Stop {
    Stop::Unknown(trouble)
}

/// The pattern: compiled with the expression where it is constant.
fn pattern<'n>(w: &World<'_>, call: &'n Call) -> Result<Cow<'n, Pattern>, Stop> {
    match &call.pattern {
        Some(Ok(pattern)) => Ok(Cow::Borrowed(pattern)),
        Some(Err(reason)) => Err(Stop::Unknown(reason.clone())),
        None => Ok(Cow::Owned(Pattern::compile(&filled(w, call, PATTERN)?).map_err(trouble)?)),
    }
}

fn whole_pattern(w: &World<'_>, call: &Call) -> Out {
    let source = required_text(w, call, 0)?;
    let pattern = pattern(w, call)?;
    let new = filled(w, call, NEW)?;
    match source {
        Some(source) => Ok(Value::Str(pattern.replace_all(&source, &new).map_err(trouble)?)),
        None => w.null_text(call),
    }
}

fn group(w: &World<'_>, call: &Call, pattern: &Pattern) -> Result<usize, Stop> {
    let name = filled(w, call, GROUP)?;
    pattern.group(&name).ok_or_else(|| unknown(call, "does with a group that its pattern does not have"))
}

/// The text of one group gives way: every occurrence of that text, or the place of the group in one match or in all.
fn one_group(w: &World<'_>, call: &Call) -> Out {
    let source = required_text(w, call, 0)?;
    let pattern = pattern(w, call)?;
    let group = group(w, call, &pattern)?;
    let new = filled(w, call, NEW)?;
    let Some(source) = source else { return w.null_text(call) };
    Ok(Value::Str(replace_group(w, call, &pattern, group, &source, &new)?))
}

fn replace_group(
    w: &World<'_>,
    call: &Call,
    pattern: &Pattern,
    group: usize,
    source: &str,
    new: &str,
) -> Result<String, Stop> {
    let reason = || "whether Replace changes a group by its place or by its text is described nowhere".to_owned();
    if new.contains('$') {
        w.doubt("whether Replace expands $ in the replacement of a group is described nowhere");
    }
    let first = pattern.replace_group(source, group, new, 1).map_err(trouble)?;
    let every = pattern.replace_group(source, group, new, usize::MAX).map_err(trouble)?;
    let by_text = match pattern.first_group(source, group).map_err(trouble)? {
        Some("") => None,
        Some(text) => Some(source.replace(text, new)),
        None => Some(source.to_owned()),
    };
    if first == every && by_text.as_ref() == Some(&first) {
        return Ok(first);
    }
    match (w.choose(Point::ReplaceGroup, 3, reason), by_text) {
        (0, _) => Ok(first),
        (1, _) => Ok(every),
        (_, Some(text)) => Ok(text),
        (_, None) => Err(unknown(call, "does when the group is empty")),
    }
}

/// The two references contradict each other where the source has a value; the only sample is about one that has none.
fn other_attribute(w: &World<'_>, call: &Call) -> Out {
    let source = as_text(call, w.null_for_stop(w.required(call, 0))?)?.unwrap_or_default();
    let pattern = pattern(w, call)?;
    let group = group(w, call, &pattern)?;
    let other = || filled(w, call, NEW_ATTRIBUTE);
    if source.is_empty() {
        let other = other()?;
        return match pattern.first_group(&other, group).map_err(trouble)? {
            Some(text) => Ok(Value::str(text)),
            None => Err(unknown(call, "gives when its pattern does not match the other attribute")),
        };
    }
    let reason = || {
        "the two references contradict each other on what Replace does with another attribute when its source has a value"
            .to_owned()
    };
    if w.choose(Point::ReplaceOther, 2, reason) == 0 {
        return Ok(Value::Str(source.into_owned()));
    }
    Ok(Value::Str(replace_group(w, call, &pattern, group, &source, &other()?)?))
}
