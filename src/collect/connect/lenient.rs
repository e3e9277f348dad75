//! Values as Windows PowerShell 5.1 writes them to JSON: booleans and numbers as text, a list of one as its element,
//! dates as `/Date(ms)/`, nothing as an empty text.

use chrono::{DateTime, Utc};
use serde::de::value::MapAccessDeserializer;
use serde::de::{Error as _, IgnoredAny, IntoDeserializer, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

/// A plain value.
enum Scalar {
    Null,
    Bool(bool),
    Integer(i64),
    Text(String),
    /// `{"value": …}`: what `ConvertTo-Json` makes of a date that carries display hints.
    Wrapped(Option<Box<Scalar>>),
}

impl<'de> Deserialize<'de> for Scalar {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ScalarVisitor)
    }
}

struct ScalarVisitor;

impl<'de> Visitor<'de> for ScalarVisitor {
    type Value = Scalar;
    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("a text, a number, true, false or null")
    }
    fn visit_unit<E>(self) -> Result<Scalar, E> {
        Ok(Scalar::Null)
    }
    fn visit_bool<E>(self, value: bool) -> Result<Scalar, E> {
        Ok(Scalar::Bool(value))
    }
    fn visit_i64<E>(self, value: i64) -> Result<Scalar, E> {
        Ok(Scalar::Integer(value))
    }
    fn visit_u64<E>(self, value: u64) -> Result<Scalar, E> {
        Ok(i64::try_from(value).map_or_else(|_| Scalar::Text(value.to_string()), Scalar::Integer))
    }
    fn visit_f64<E>(self, value: f64) -> Result<Scalar, E> {
        Ok(Scalar::Text(value.to_string()))
    }
    fn visit_str<E>(self, value: &str) -> Result<Scalar, E> {
        Ok(Scalar::Text(value.to_owned()))
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Scalar, A::Error> {
        let mut value = None;
        while let Some(key) = map.next_key::<String>()? {
            if key.eq_ignore_ascii_case("value") {
                value = Some(Box::new(map.next_value::<Scalar>()?));
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(Scalar::Wrapped(value))
    }
}

impl Scalar {
    fn flat(self) -> Option<Scalar> {
        match self {
            Scalar::Wrapped(inner) => inner.and_then(|s| s.flat()),
            Scalar::Null => None,
            Scalar::Text(text) if text.trim().is_empty() => None,
            other => Some(other),
        }
    }
}

pub fn boolean<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<bool>, D::Error> {
    match Scalar::deserialize(deserializer)?.flat() {
        None => Ok(None),
        Some(Scalar::Bool(value)) => Ok(Some(value)),
        Some(Scalar::Integer(0)) => Ok(Some(false)),
        Some(Scalar::Integer(1)) => Ok(Some(true)),
        Some(Scalar::Text(text)) => match super::export::read_bool(&text) {
            Some(value) => Ok(Some(value)),
            None => Err(D::Error::custom(format!("{text:?} is neither true nor false"))),
        },
        Some(_) => Err(D::Error::custom("a number where true or false is expected")),
    }
}

pub fn integer<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    match Scalar::deserialize(deserializer)?.flat() {
        None => Ok(None),
        Some(Scalar::Integer(value)) => Ok(Some(value)),
        Some(Scalar::Text(text)) => {
            text.trim().parse().map(Some).map_err(|_| D::Error::custom(format!("{text:?} is no whole number")))
        }
        Some(_) => Err(D::Error::custom("true or false where a number is expected")),
    }
}

/// A text; null stays absent, an empty text is a text.
pub fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Ok(match Scalar::deserialize(deserializer)? {
        Scalar::Null => None,
        Scalar::Text(text) => Some(text),
        Scalar::Bool(true) => Some("True".to_owned()),
        Scalar::Bool(false) => Some("False".to_owned()),
        Scalar::Integer(value) => Some(value.to_string()),
        Scalar::Wrapped(_) => return Err(D::Error::custom("an object where a text is expected")),
    })
}

/// ISO 8601 with its offset, or `/Date(ms)/`.
pub fn date<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<DateTime<Utc>>, D::Error> {
    match Scalar::deserialize(deserializer)?.flat() {
        None => Ok(None),
        Some(Scalar::Text(text)) => read_date(&text).map(Some).ok_or_else(|| {
            D::Error::custom(format!("{text:?} is no date in ISO 8601 with Z or an offset, nor /Date(…)/"))
        }),
        Some(_) => Err(D::Error::custom("no date where one is expected")),
    }
}

fn read_date(text: &str) -> Option<DateTime<Utc>> {
    let text = text.trim();
    if let Some(inner) = text.strip_prefix("/Date(").and_then(|t| t.strip_suffix(")/")) {
        // An offset may follow the milliseconds; they count from 1970 in UTC all the same.
        let end = inner.char_indices().skip(1).find(|(_, c)| matches!(c, '+' | '-')).map_or(inner.len(), |(i, _)| i);
        return DateTime::from_timestamp_millis(inner[..end].parse().ok()?);
    }
    DateTime::parse_from_rfc3339(text).ok().map(|d| d.with_timezone(&Utc))
}

/// A list, or its only element without the brackets; null stays absent.
pub fn list<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<Vec<T>>, D::Error> {
    struct ListVisitor<T>(PhantomData<T>);
    impl<'de, T: Deserialize<'de>> Visitor<'de> for ListVisitor<T> {
        type Value = Option<Vec<T>>;
        fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
            f.write_str("a list")
        }
        fn visit_unit<E>(self) -> Result<Self::Value, E> {
            Ok(None)
        }
        fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
            let mut items = Vec::new();
            while let Some(item) = seq.next_element()? {
                items.push(item);
            }
            Ok(Some(items))
        }
        fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
            Ok(Some(vec![T::deserialize(MapAccessDeserializer::new(map))?]))
        }
        fn visit_str<E: serde::de::Error>(self, value: &str) -> Result<Self::Value, E> {
            Ok(Some(vec![T::deserialize(value.into_deserializer())?]))
        }
        fn visit_bool<E: serde::de::Error>(self, value: bool) -> Result<Self::Value, E> {
            Ok(Some(vec![T::deserialize(value.into_deserializer())?]))
        }
        fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<Self::Value, E> {
            Ok(Some(vec![T::deserialize(value.into_deserializer())?]))
        }
        fn visit_i64<E: serde::de::Error>(self, value: i64) -> Result<Self::Value, E> {
            Ok(Some(vec![T::deserialize(value.into_deserializer())?]))
        }
    }
    deserializer.deserialize_any(ListVisitor(PhantomData))
}

/// A map of names to booleans; a name whose value is empty is left out.
pub fn flags<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<BTreeMap<String, bool>>, D::Error> {
    #[derive(Deserialize)]
    struct Flag(#[serde(deserialize_with = "boolean")] Option<bool>);
    let map = Option::<BTreeMap<String, Flag>>::deserialize(deserializer)?;
    Ok(map.map(|m| m.into_iter().filter_map(|(name, flag)| Some((name, flag.0?))).collect()))
}

/// A map of names to texts; null as a value is an empty text.
pub fn texts<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<BTreeMap<String, String>>, D::Error> {
    #[derive(Deserialize)]
    struct Text(#[serde(deserialize_with = "text")] Option<String>);
    let map = Option::<BTreeMap<String, Text>>::deserialize(deserializer)?;
    Ok(map.map(|m| m.into_iter().map(|(name, text)| (name, text.0.unwrap_or_default())).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Default, PartialEq, Deserialize)]
    #[serde(default)]
    struct All {
        #[serde(deserialize_with = "boolean")]
        b: Option<bool>,
        #[serde(deserialize_with = "integer")]
        i: Option<i64>,
        #[serde(deserialize_with = "text")]
        t: Option<String>,
        #[serde(deserialize_with = "date")]
        d: Option<DateTime<Utc>>,
        #[serde(deserialize_with = "list")]
        l: Option<Vec<String>>,
        #[serde(deserialize_with = "flags")]
        f: Option<BTreeMap<String, bool>>,
    }

    #[test]
    fn reads() {
        let moment = DateTime::from_timestamp_millis(1_700_000_000_000);
        let list = |items: &[&str]| Some(items.iter().map(|s| s.to_string()).collect());
        for (text, want) in [
            (r#"{"b":"True"}"#, All { b: Some(true), ..All::default() }),
            (r#"{"b":"FALSE"}"#, All { b: Some(false), ..All::default() }),
            (r#"{"b":false}"#, All { b: Some(false), ..All::default() }),
            (r#"{"b":null,"i":null,"t":null,"d":null,"l":null,"f":null}"#, All::default()),
            (r#"{"b":""}"#, All::default()),
            (r#"{"i":"88"}"#, All { i: Some(88), ..All::default() }),
            (r#"{"i":-1}"#, All { i: Some(-1), ..All::default() }),
            (r#"{"t":5}"#, All { t: Some("5".into()), ..All::default() }),
            (r#"{"t":true}"#, All { t: Some("True".into()), ..All::default() }),
            (r#"{"d":"/Date(1700000000000)/"}"#, All { d: moment, ..All::default() }),
            (r#"{"d":"\/Date(1700000000000+0100)\/"}"#, All { d: moment, ..All::default() }),
            (r#"{"d":{"value":"/Date(1700000000000)/","DateTime":"Tuesday"}}"#, All { d: moment, ..All::default() }),
            (r#"{"d":"2023-11-14T22:13:20Z"}"#, All { d: moment, ..All::default() }),
            (r#"{"d":"2023-11-14T23:13:20.0+01:00"}"#, All { d: moment, ..All::default() }),
            (r#"{"l":"one"}"#, All { l: list(&["one"]), ..All::default() }),
            (r#"{"l":["one","two"]}"#, All { l: list(&["one", "two"]), ..All::default() }),
            (r#"{"l":[]}"#, All { l: Some(Vec::new()), ..All::default() }),
            (r#"{"f":{"A":"true","B":null}}"#, All { f: Some([("A".to_owned(), true)].into()), ..All::default() }),
        ] {
            assert_eq!(serde_json::from_str::<All>(text).unwrap(), want, "{text}");
        }
    }

    #[test]
    fn refuses() {
        for text in [
            r#"{"b":"yes"}"#,
            r#"{"b":2}"#,
            r#"{"i":"many"}"#,
            r#"{"i":true}"#,
            r#"{"t":{}}"#,
            r#"{"t":[]}"#,
            r#"{"d":"21.11.2026 10:00"}"#,
            r#"{"d":"/Date()/"}"#,
            r#"{"d":"/Date(é)/"}"#,
            r#"{"l":{"a":1}}"#,
        ] {
            assert!(serde_json::from_str::<All>(text).is_err(), "{text}");
        }
    }
}
