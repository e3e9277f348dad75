//! Values of the mapping language, and how the service shows them as text.

use chrono::{DateTime, Utc};
use std::borrow::Cow;
use std::fmt;

/// A value of the mapping language.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// An absent attribute. Not the same as the empty text.
    Null,
    Str(String),
    Int(i64),
    Real(f64),
    Bool(bool),
    Date(DateTime<Utc>),
    Bin(Vec<u8>),
    Multi(Vec<Value>),
}

impl Value {
    pub fn str(text: impl Into<String>) -> Self {
        Value::Str(text.into())
    }
    pub fn is_null(&self) -> bool {
        matches!(self, Value::Null)
    }
    /// Null or the empty text.
    pub fn is_null_or_empty(&self) -> bool {
        match self {
            Value::Null => true,
            Value::Str(text) => text.is_empty(),
            _ => false,
        }
    }
    /// The text form of a single value; `None` for Null, for bytes and for several values.
    pub fn as_text(&self) -> Option<Cow<'_, str>> {
        match self {
            Value::Null | Value::Bin(_) | Value::Multi(_) => None,
            Value::Str(text) => Some(Cow::Borrowed(text)),
            other => Some(Cow::Owned(other.to_string())),
        }
    }
    /// A number, also where it stands as text: constants of the language carry no type.
    pub fn as_int(&self) -> Option<i64> {
        match self {
            Value::Int(n) => Some(*n),
            Value::Str(text) => text.trim().parse().ok(),
            _ => None,
        }
    }
    /// The number that a comparison sees.
    pub fn as_number(&self) -> Option<f64> {
        match self {
            Value::Int(n) => Some(*n as f64),
            Value::Real(n) => Some(*n),
            // Only plain decimal digits: "inf" and "1e3" are texts.
            Value::Str(text) if text.bytes().all(|b| b.is_ascii_digit() || b == b'.' || b == b'-') => text.parse().ok(),
            _ => None,
        }
    }
    /// True where two results would be written alike: the type does not count, Null and text do.
    pub fn same_result(&self, other: &Value) -> bool {
        match (self, other) {
            (Value::Null, Value::Null) => true,
            (Value::Bin(a), Value::Bin(b)) => a == b,
            (Value::Multi(a), Value::Multi(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.same_result(b)),
            _ => match (self.as_text(), other.as_text()) {
                (Some(a), Some(b)) => a == b,
                _ => false,
            },
        }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Value::Str(text.to_owned())
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Value::Bool(value)
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Null => Ok(()),
            Value::Str(text) => f.write_str(text),
            Value::Int(n) => write!(f, "{n}"),
            Value::Real(n) => write!(f, "{n}"),
            Value::Bool(true) => f.write_str("True"),
            Value::Bool(false) => f.write_str("False"),
            Value::Date(date) => write!(f, "{}", date.format("%-m/%-d/%Y %-I:%M:%S %p")),
            Value::Bin(bytes) => bytes.iter().try_for_each(|b| write!(f, "{b:02X}")),
            Value::Multi(values) => {
                f.write_str("[")?;
                for (i, value) in values.iter().enumerate() {
                    write!(f, "{}{value}", if i > 0 { ", " } else { "" })?;
                }
                f.write_str("]")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::TimeZone;

    #[test]
    fn shown_as_the_service_does() {
        for (value, text) in [
            (Value::Null, ""),
            (Value::str("a"), "a"),
            (Value::Int(-3), "-3"),
            (Value::Real(42568.75), "42568.75"),
            (Value::Bool(true), "True"),
            (Value::Date(Utc.with_ymd_and_hms(2012, 1, 1, 23, 0, 0).unwrap()), "1/1/2012 11:00:00 PM"),
            (Value::Bin(vec![1, 255]), "01FF"),
            (Value::Multi(vec!["a".into(), "b".into()]), "[a, b]"),
        ] {
            assert_eq!(value.to_string(), text);
        }
    }

    #[test]
    fn sameness() {
        assert!(Value::Int(7).same_result(&"7".into()));
        assert!(!Value::Null.same_result(&"".into()));
        assert!(!Value::Multi(vec!["a".into()]).same_result(&"a".into()));
        assert_eq!(Value::str("inf").as_number(), None);
    }
}
