//! When an event was: exact in XML; in a table the local time of whoever exported it, in the form of his language. What
//! has two readings, or no zone, is kept as it is written and never guessed.

use chrono::{DateTime, NaiveDate, NaiveDateTime, SecondsFormat, Utc};

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) enum Time {
    #[default]
    None,
    /// RFC 3339.
    Utc(String),
    /// Of a zone that the file does not tell: as date and time where it has one reading, else as it is written.
    Local(String),
}

/// How a date with slashes is to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    DayFirst,
    MonthFirst,
}

impl Time {
    /// `SystemTime` of an event, which is UTC whether it says so or not.
    pub(super) fn of_system(text: &str) -> Option<Time> {
        let text = text.trim();
        if let Some(utc) = zoned(text) {
            return Some(Time::Utc(utc));
        }
        iso(text).map(|naive| Time::Utc(naive.and_utc().to_rfc3339_opts(SecondsFormat::Secs, true)))
    }

    pub(super) fn of_table(text: &str, order: Option<Order>) -> Time {
        if let Some(utc) = zoned(text) {
            return Time::Utc(utc);
        }
        match iso(text).or_else(|| local(text, order)) {
            Some(naive) => Time::Local(naive.format("%Y-%m-%dT%H:%M:%S").to_string()),
            None if text.is_empty() => Time::None,
            None => Time::Local(text.to_owned()),
        }
    }
}

fn zoned(text: &str) -> Option<String> {
    let parsed = DateTime::parse_from_rfc3339(text)
        .or_else(|_| DateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S%.f%:z"))
        .or_else(|_| DateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S%.f %:z"))
        .ok()?;
    Some(parsed.with_timezone(&Utc).to_rfc3339_opts(SecondsFormat::Secs, true))
}

/// A year first, without a zone.
fn iso(text: &str) -> Option<NaiveDateTime> {
    ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f", "%Y/%m/%d %H:%M:%S", "%Y.%m.%d %H:%M:%S"]
        .iter()
        .find_map(|form| NaiveDateTime::parse_from_str(text, form).ok())
}

/// `11/20/2026 10:15:01 AM`, `20.11.2026 10:15:01`: the numbers of the date, what stands between them, and the rest.
fn parts(text: &str) -> Option<(u32, u32, i32, char, &str)> {
    let (date, time) = text.split_once([' ', ','])?;
    let separator = date.chars().find(|c| !c.is_ascii_digit())?;
    let mut numbers = date.split(separator);
    let (a, b, year) = (numbers.next()?, numbers.next()?, numbers.next()?);
    if numbers.next().is_some() || year.len() != 4 {
        return None;
    }
    Some((a.parse().ok()?, b.parse().ok()?, year.parse().ok()?, separator, time.trim_start_matches([' ', ','])))
}

/// The order that this date shows, where it shows one.
pub(super) fn order(text: &str) -> Option<Order> {
    match parts(text)? {
        (13..=31, 1..=12, ..) => Some(Order::DayFirst),
        (1..=12, 13..=31, ..) => Some(Order::MonthFirst),
        _ => None,
    }
}

fn local(text: &str, of_file: Option<Order>) -> Option<NaiveDateTime> {
    let (a, b, year, separator, time) = parts(text)?;
    // With dots the day is first wherever dates are written so.
    let order = match (separator, a == b) {
        (_, true) => Order::DayFirst,
        ('.', _) => Order::DayFirst,
        _ => of_file?,
    };
    let (day, month) = match order {
        Order::DayFirst => (a, b),
        Order::MonthFirst => (b, a),
    };
    let time = time.replace(['\u{202f}', '\u{a0}'], " ");
    let time = ["%I:%M:%S %p", "%I:%M %p", "%H:%M:%S", "%H:%M"]
        .iter()
        .find_map(|form| chrono::NaiveTime::parse_from_str(&time, form).ok())?;
    Some(NaiveDate::from_ymd_opt(year, month, day)?.and_time(time))
}
