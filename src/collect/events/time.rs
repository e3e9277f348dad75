//! When an event was: exact in XML; in a table the local time of whoever exported it, in the form of his language. What
//! has two readings, or no zone, is kept as it is written and never guessed.

use chrono::{DateTime, NaiveDate, NaiveDateTime, Utc};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Time {
    Utc(DateTime<Utc>),
    /// Of a zone that the file does not tell.
    Local(NaiveDateTime),
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
        zoned(text).or_else(|| Some(iso(text)?.and_utc())).map(Time::Utc)
    }
    /// `None`: no time, or one of two readings.
    pub(super) fn of_table(text: &str, order: Option<Order>) -> Option<Time> {
        let text = text.trim();
        zoned(text).map(Time::Utc).or_else(|| iso(text).or_else(|| local(text, order)).map(Time::Local))
    }
}

fn zoned(text: &str) -> Option<DateTime<Utc>> {
    let parsed = DateTime::parse_from_rfc3339(text)
        .or_else(|_| DateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S%.f%:z"))
        .or_else(|_| DateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S%.f %:z"))
        .ok()?;
    Some(parsed.with_timezone(&Utc))
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

/// Whether it is a date that could be read either way.
pub(super) fn two_readings(text: &str) -> bool {
    matches!(parts(text.trim()), Some((1..=12, 1..=12, ..)))
}

fn local(text: &str, of_file: Option<Order>) -> Option<NaiveDateTime> {
    let (a, b, year, separator, time) = parts(text)?;
    let order = match separator {
        _ if a == b => Order::DayFirst,
        // With dots the day is first wherever dates are written so.
        '.' => Order::DayFirst,
        _ if a > 12 => Order::DayFirst,
        _ if b > 12 => Order::MonthFirst,
        // Of the languages with AM and PM in capitals, nearly all exports are those of the United States.
        _ => of_file.or((time.ends_with("AM") || time.ends_with("PM")).then_some(Order::MonthFirst))?,
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
