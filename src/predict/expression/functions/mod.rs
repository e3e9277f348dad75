//! The functions, by subject. This file finds the right one and holds what they share: arguments as text and numbers,
//! and positions in a text.

mod dates;
mod encode;
mod letters;
mod lists;
pub mod logic;
mod replace;
mod text;

use super::ast::Call;
use super::catalog::Function as F;
use super::eval::{Point, Step, Stop, World};
use super::value::Value;
use std::borrow::Cow;

type Out = Result<Value, Stop>;

pub fn call<'n>(w: &World<'_>, call: &'n Call) -> Step<'n> {
    let Some(function) = call.function else {
        let column = call.column;
        return Err(Stop::Unknown(format!("{} (column {column}) is no documented function", call.name)));
    };
    match function {
        // These pass an argument on as it is.
        F::Iif => return w.iif(call),
        F::Switch => return logic::switch(w, call),
        F::Coalesce => return logic::coalesce(w, call),
        F::CRef | F::Redact => return w.required(call, 0),
        F::IgnoreFlowIfNullOrEmpty => {
            let value = w.null_for_stop(w.required(call, 0))?;
            if value.is_null_or_empty() {
                return Err(unknown(call, "does below the top level of an expression"));
            }
            return Ok(value);
        }
        F::SelectUniqueValue => {
            let why = "SelectUniqueValue takes the first value that is free in the target, and is not made for groups";
            w.doubt(why);
            let options = u8::try_from(call.args.len().min(8)).unwrap_or(8);
            let picked = w.choose(Point::UniqueValue(call.column), options, || why.to_owned());
            return w.required(call, usize::from(picked));
        }
        _ => {}
    }
    let out = match function {
        F::Append => text::append(w, call),
        F::Left => text::left(w, call),
        F::Mid => text::mid(w, call),
        F::Len => text::len(w, call),
        F::InStr => text::in_str(w, call),
        F::Trim => text::trim(w, call),
        F::StripSpaces => text::strip_spaces(w, call),
        F::Word => text::word(w, call),
        F::ToLower | F::ToUpper => letters::change_case(w, call, function == F::ToUpper),
        F::PCase => letters::proper_case(w, call),
        F::NormalizeDiacritics => letters::normalize_diacritics(w, call),
        F::Replace => replace::replace(w, call),
        F::Join => lists::join(w, call),
        F::Split => lists::split(w, call),
        F::Item => lists::item(w, call),
        F::Count => lists::count(w, call),
        F::RemoveDuplicates => lists::remove_duplicates(w, call),
        F::DnComponent => lists::dn_component(w, call),
        F::CBool => logic::cbool(w, call),
        F::CStr => logic::cstr(w, call),
        F::Not => logic::not(w, call),
        F::IsNull => logic::is_null(w, call),
        F::IsNullOrEmpty => logic::is_null_or_empty(w, call).map(Value::Bool),
        F::IsPresent => logic::is_null_or_empty(w, call).map(|empty| Value::Bool(!empty)),
        F::IsString => logic::is_string(w, call),
        F::BitAnd => logic::bit_and(w, call),
        F::Error => match required_text(w, call, 0)? {
            Some(text) => Err(Stop::Error(text.into_owned())),
            None => Err(Stop::Error(String::new())),
        },
        F::ConvertFromBase64 => encode::from_base64(w, call),
        F::ConvertToBase64 => encode::to_base64(w, call),
        F::ConvertToUtf8Hex => encode::to_utf8_hex(w, call),
        F::StringFromSid => encode::string_from_sid(w, call),
        F::CDate => dates::cdate(w, call),
        F::DateAdd => dates::date_add(w, call),
        F::DateDiff => dates::date_diff(w, call),
        F::DateFromNum => dates::date_from_num(w, call),
        F::NumFromDate => dates::num_from_date(w, call),
        F::FormatDateTime => dates::format_date_time(w, call),
        F::DefaultDomain => match w.service("DefaultDomain")? {
            Value::Null => Err(Stop::Error("the tenant has no default domain".to_owned())),
            value => Ok(value),
        },
        F::Guid | F::Now | F::RandomString => {
            Err(Stop::Unknown(format!("{} gives another value each time", call.name)))
        }
        _ => Err(Stop::Unknown(format!("{} is not described well enough to predict", call.name))),
    };
    out.map(Cow::Owned)
}

/// Words that stand for themselves.
pub fn is_enumeration_word(word: &str) -> bool {
    ["vbTextCompare", "vbBinaryCompare", "Unicode", "ASCII", "UTF8"].iter().any(|w| w.eq_ignore_ascii_case(word))
}

/// "What Mid … is described nowhere."
fn unknown(call: &Call, what: &str) -> Stop {
    Stop::Unknown(format!("what {} (column {}) {what} is described nowhere", call.name, call.column))
}

/// A single value as text, `None` for Null.
fn as_text<'n>(call: &Call, value: Cow<'n, Value>) -> Result<Option<Cow<'n, str>>, Stop> {
    match value {
        Cow::Borrowed(Value::Str(text)) => Ok(Some(Cow::Borrowed(text))),
        Cow::Owned(Value::Str(text)) => Ok(Some(Cow::Owned(text))),
        value => match &*value {
            Value::Null => Ok(None),
            Value::Multi(_) => Err(unknown(call, "makes of several values")),
            Value::Bin(_) => Err(unknown(call, "makes of bytes")),
            other => Ok(Some(Cow::Owned(other.to_string()))),
        },
    }
}

fn required_text<'n>(w: &World<'_>, call: &'n Call, index: usize) -> Result<Option<Cow<'n, str>>, Stop> {
    as_text(call, w.required(call, index)?)
}

fn optional_text<'n>(w: &World<'_>, call: &'n Call, index: usize) -> Result<Option<Cow<'n, str>>, Stop> {
    match w.optional(call, index)? {
        Some(value) => as_text(call, value),
        None => Ok(None),
    }
}

fn required_int(w: &World<'_>, call: &Call, index: usize) -> Result<i64, Stop> {
    let value = w.required(call, index)?;
    value.as_int().ok_or_else(|| unknown(call, &format!("does when argument {} is no whole number", index + 1)))
}

/// How positions in a text are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Units {
    Utf16,
    Characters,
}

impl Units {
    /// Asks only where it makes a difference.
    fn of(w: &World<'_>, text: &str) -> Units {
        if text.bytes().all(|b| b < 0xf0) {
            return Units::Characters;
        }
        let reason = || {
            "positions and lengths are counted in UTF-16 units or in characters, which differs beyond U+FFFF (emoji and \
             the like)"
                .to_owned()
        };
        if w.choose(Point::Units, 2, reason) == 0 { Units::Utf16 } else { Units::Characters }
    }
    fn width(self, c: char) -> usize {
        if self == Units::Utf16 { c.len_utf16() } else { 1 }
    }
    fn len(self, text: &str) -> usize {
        text.chars().map(|c| self.width(c)).sum()
    }
    /// The byte at which a position stands; the end of the text for positions past it, `None` within a character.
    fn byte_at(self, text: &str, position: usize) -> Option<usize> {
        let mut seen = 0;
        for (byte, c) in text.char_indices() {
            if seen >= position {
                return (seen == position).then_some(byte);
            }
            seen += self.width(c);
        }
        (seen <= position).then_some(text.len())
    }
    fn slice<'t>(self, call: &Call, text: &'t str, start: usize, length: usize) -> Result<&'t str, Stop> {
        let from = self.byte_at(text, start);
        let to = self.byte_at(text, start.saturating_add(length));
        match (from, to) {
            (Some(from), Some(to)) => Ok(text.get(from..to).unwrap_or_default()),
            _ => Err(Stop::Unknown(format!(
                "{} (column {}) cuts a character beyond U+FFFF in half",
                call.name, call.column
            ))),
        }
    }
}
