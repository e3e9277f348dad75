//! Columns as an administrator reads them: words for states and kinds, RFC 3339 in UTC for times, JSON for values.

use super::fault::Trouble;
use crate::error::{Error, Result};
use chrono::{DateTime, SecondsFormat, Utc};
use rusqlite::{Connection, Params, Row};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// A state or kind as its published word.
pub(super) fn word<T: Serialize>(value: &T) -> Result<String> {
    match serde_json::to_value(value) {
        Ok(Value::String(word)) => Ok(word),
        _ => Err(Error::failed("a state without a word")),
    }
}

pub(super) fn from_word<T: DeserializeOwned>(word: String) -> Result<T> {
    let shown = crate::report::plain(&word);
    serde_json::from_value(Value::String(word)).map_err(|_| strange(&format!("{shown:?}, which is no state or kind")))
}

pub(super) fn time_text(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Millis, true)
}

pub(super) fn time(text: &str) -> Result<DateTime<Utc>> {
    let strange = |_| strange(&format!("{:?}, which is no time", crate::report::plain(text)));
    DateTime::parse_from_rfc3339(text).map(|t| t.to_utc()).map_err(strange)
}

pub(super) fn time_opt(text: Option<String>) -> Result<Option<DateTime<Utc>>> {
    text.as_deref().map(time).transpose()
}

pub(super) fn json_text(value: Option<&Value>) -> Option<String> {
    value.map(Value::to_string)
}

pub(super) fn json(text: Option<String>) -> Result<Option<Value>> {
    let read =
        |text: String| serde_json::from_str(&text).map_err(|e| strange(&format!("a value that is no JSON ({e})")));
    text.map(read).transpose()
}

/// A number that is never below zero.
pub(super) fn natural(row: &Row<'_>, column: usize) -> Result<u64, Trouble> {
    let number: i64 = row.get(column)?;
    Ok(u64::try_from(number).map_err(|_| strange(&format!("{number}, where a length or a count should stand")))?)
}

/// The same as SQLite keeps it.
pub(super) fn whole(number: u64) -> Result<i64> {
    i64::try_from(number).map_err(|_| Error::failed(format!("{number} is more than the journal can hold")))
}

fn strange(what: &str) -> Error {
    Error::failed(format!("the journal holds {what}")).hint(
        "It was changed by something else than this program. Export what is there, and look at it before going on.",
    )
}

/// All rows of a query.
pub(super) fn rows<T>(
    conn: &Connection,
    sql: &str,
    params: impl Params,
    read: impl Fn(&Row<'_>) -> Result<T, Trouble>,
) -> Result<Vec<T>, Trouble> {
    let mut statement = conn.prepare_cached(sql)?;
    let mut rows = statement.query(params)?;
    let mut out = Vec::new();
    while let Some(row) = rows.next()? {
        out.push(read(row)?);
    }
    Ok(out)
}

/// The first row of a query.
pub(super) fn first<T>(
    conn: &Connection,
    sql: &str,
    params: impl Params,
    read: impl FnOnce(&Row<'_>) -> Result<T, Trouble>,
) -> Result<Option<T>, Trouble> {
    let mut statement = conn.prepare_cached(sql)?;
    let mut rows = statement.query(params)?;
    rows.next()?.map(read).transpose()
}
