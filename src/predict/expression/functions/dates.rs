//! Dates: .NET's general reading, Windows ticks, differences, and custom formats.

use super::super::ast::Call;
use super::super::eval::{Point, Stop, World};
use super::super::value::Value;
use super::{Out, optional_text, required_int, required_text, unknown};
use chrono::{DateTime, Datelike, Duration, Months, NaiveDate, NaiveDateTime, Timelike, Utc};

/// 100-nanosecond ticks from 1601-01-01 to 1970-01-01.
const EPOCH_TICKS: i64 = 116_444_736_000_000_000;

/// A date as people and ISO 8601 write it; without an offset it is UTC.
pub fn read_date(text: &str) -> Option<DateTime<Utc>> {
    let text = text.trim();
    let (date, rest) = if text.get(4..5) == Some("-") {
        let date = NaiveDate::parse_from_str(text.get(..10)?, "%Y-%m-%d").ok()?;
        (date, text.get(10..)?)
    } else {
        let end = text.find(' ').unwrap_or(text.len());
        let mut parts = text[..end].split('/').map(|part| part.parse::<u32>().ok());
        let (month, day, year) = (parts.next()??, parts.next()??, parts.next()??);
        if parts.next().is_some() || year < 1000 {
            return None;
        }
        (NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, month, day)?, &text[end..])
    };
    let (rest, offset) = offset(rest)?;
    let time = rest.strip_prefix(['T', ' ']).unwrap_or(rest).trim();
    let date_time = if time.is_empty() { date.and_hms_opt(0, 0, 0)? } else { clock(date, time)? };
    date_time.checked_sub_signed(Duration::minutes(offset)).map(|d| d.and_utc())
}

/// Takes `Z` or `±hh:mm` off the end; gives the minutes.
fn offset(text: &str) -> Option<(&str, i64)> {
    if let Some(rest) = text.strip_suffix(['Z', 'z']) {
        return Some((rest, 0));
    }
    let Some(at) = text.rfind(['+', '-']) else { return Some((text, 0)) };
    let (hours, minutes) = text.get(at + 1..)?.split_once(':')?;
    let (hours, minutes): (i64, i64) = (hours.parse().ok()?, minutes.parse().ok()?);
    if hours > 14 || minutes > 59 {
        return None;
    }
    let sign = if text.as_bytes().get(at) == Some(&b'-') { -1 } else { 1 };
    Some((&text[..at], sign * (hours * 60 + minutes)))
}

fn clock(date: NaiveDate, time: &str) -> Option<NaiveDateTime> {
    let upper = time.to_ascii_uppercase();
    let (digits, half) = match (upper.strip_suffix("AM"), upper.strip_suffix("PM")) {
        (Some(rest), _) => (rest.trim_end(), Some(0)),
        (_, Some(rest)) => (rest.trim_end(), Some(12)),
        _ => (upper.as_str(), None),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let mut parts = whole.split(':').map(|part| part.parse::<u32>().ok());
    let (mut hour, minute) = (parts.next()??, parts.next()??);
    let second = match parts.next() {
        Some(second) => second?,
        None => 0,
    };
    if parts.next().is_some() || fraction.len() > 7 || !fraction.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    if let Some(half) = half {
        if !(1..=12).contains(&hour) {
            return None;
        }
        hour = hour % 12 + half;
    }
    date.and_hms_nano_opt(hour, minute, second, format!("{fraction:0<9}").parse().ok()?)
}

fn date_arg(w: &World<'_>, call: &Call, index: usize) -> Result<Option<DateTime<Utc>>, Stop> {
    let value = w.required(call, index)?;
    match &*value {
        Value::Null => Ok(None),
        Value::Date(date) => Ok(Some(*date)),
        Value::Str(text) => match read_date(text) {
            Some(date) => Ok(Some(date)),
            None => Err(unknown(call, "makes of a text that is no date")),
        },
        _ => Err(unknown(call, "makes of anything but a date")),
    }
}

fn required_date(w: &World<'_>, call: &Call, index: usize) -> Result<DateTime<Utc>, Stop> {
    date_arg(w, call, index)?.ok_or_else(|| unknown(call, "gives for an empty date"))
}

pub fn cdate(w: &World<'_>, call: &Call) -> Out {
    required_date(w, call, 0).map(Value::Date)
}

pub fn date_from_num(w: &World<'_>, call: &Call) -> Out {
    let ticks = required_int(w, call, 0)?;
    if ticks <= 0 || ticks == i64::MAX {
        return Err(unknown(call, "gives for a date that means never"));
    }
    let since = ticks - EPOCH_TICKS;
    let date = DateTime::from_timestamp(since.div_euclid(10_000_000), (since.rem_euclid(10_000_000) * 100) as u32);
    date.map(Value::Date).ok_or_else(|| unknown(call, "gives for such a number"))
}

pub fn num_from_date(w: &World<'_>, call: &Call) -> Out {
    let date = required_date(w, call, 0)?;
    let ticks = date
        .timestamp()
        .checked_mul(10_000_000)
        .and_then(|t| t.checked_add(i64::from(date.timestamp_subsec_nanos() / 100)))
        .and_then(|t| t.checked_add(EPOCH_TICKS));
    ticks.map(Value::Int).ok_or_else(|| unknown(call, "gives for such a date"))
}

pub fn date_add(w: &World<'_>, call: &Call) -> Out {
    let interval = required_text(w, call, 0)?.unwrap_or_default();
    let count = required_int(w, call, 1)?;
    let date = required_date(w, call, 2)?;
    let months = |per: i64| {
        let total = u32::try_from(count.unsigned_abs()).ok()?.checked_mul(per as u32)?;
        let moved = if count < 0 {
            date.checked_sub_months(Months::new(total))
        } else {
            date.checked_add_months(Months::new(total))
        }?;
        if moved.day() != date.day() {
            w.doubt("what DateAdd does at the end of a month is described nowhere");
        }
        Some(moved)
    };
    let plain = |seconds: i64| {
        let span = Duration::try_seconds(count.checked_mul(seconds)?)?;
        date.checked_add_signed(span)
    };
    let moved = match &*interval {
        "yyyy" => months(12),
        "m" => months(1),
        "ww" => plain(7 * 86_400),
        "d" => plain(86_400),
        "h" => plain(3_600),
        "n" => plain(60),
        "s" => plain(1),
        _ => return Err(unknown(call, "does with such an interval")),
    };
    match moved.filter(|date| (1..=9999).contains(&date.year())) {
        Some(date) => Ok(Value::Date(date)),
        None => Err(unknown(call, "gives beyond the years 1 to 9999")),
    }
}

pub fn date_diff(w: &World<'_>, call: &Call) -> Out {
    let interval = required_text(w, call, 0)?.unwrap_or_default();
    let (from, to) = (required_date(w, call, 1)?, required_date(w, call, 2)?);
    let span = to - from;
    let months = i64::from(to.year() - from.year()) * 12 + i64::from(to.month()) - i64::from(from.month());
    let reason = || "how DateDiff rounds months and years is described nowhere".to_owned();
    let count = match &*interval {
        "yyyy" => {
            w.either(Point::DateDiff, i64::from(to.year() - from.year()), full_months(from, to, months) / 12, reason)
        }
        "m" => w.either(Point::DateDiff, months, full_months(from, to, months), reason),
        "ww" => (week_start(to) - week_start(from)).num_days() / 7,
        "d" => span.num_days(),
        "h" => span.num_hours(),
        "n" => span.num_minutes(),
        "s" => span.num_seconds(),
        _ => return Err(unknown(call, "does with such an interval")),
    };
    Ok(Value::Int(count))
}

/// Months that have fully gone by, toward zero.
fn full_months(from: DateTime<Utc>, to: DateTime<Utc>, calendar: i64) -> i64 {
    let within = |d: DateTime<Utc>| (d.day(), d.time());
    match calendar.signum() {
        1 if within(to) < within(from) => calendar - 1,
        -1 if within(to) > within(from) => calendar + 1,
        _ => calendar,
    }
}

fn week_start(date: DateTime<Utc>) -> NaiveDate {
    let day = date.date_naive();
    day - Duration::days(i64::from(day.weekday().num_days_from_sunday()))
}

/// A custom format, taken apart.
enum Piece {
    /// A run of one format letter.
    Field(char, usize),
    Literal(char),
}

fn pieces(format: &str) -> Option<Vec<Piece>> {
    let chars: Vec<char> = format.chars().collect();
    // A single character is one of .NET's standard formats.
    if chars.len() < 2 {
        return None;
    }
    let mut out = Vec::new();
    let mut at = 0;
    while let Some(&c) = chars.get(at) {
        match c {
            'y' | 'M' | 'd' | 'H' | 'h' | 'm' | 's' | 'f' | 'F' | 't' | 'z' | 'K' => {
                let run = chars[at..].iter().take_while(|x| **x == c).count();
                out.push(Piece::Field(c, run));
                at += run;
            }
            '\'' | '"' => {
                let length = chars[at + 1..].iter().position(|x| *x == c)?;
                out.extend(chars[at + 1..at + 1 + length].iter().map(|c| Piece::Literal(*c)));
                at += length + 2;
            }
            '\\' => {
                out.push(Piece::Literal(*chars.get(at + 1)?));
                at += 2;
            }
            'g' | '%' => return None,
            c => {
                out.push(Piece::Literal(c));
                at += 1;
            }
        }
    }
    Some(out)
}

/// Reads by a custom format: the local time, and the offset in minutes where the text has one. Fields whose meaning
/// depends on culture or on today give `None`.
fn read_by(format: &[Piece], text: &str) -> Option<(NaiveDateTime, Option<i64>)> {
    let (mut year, mut month, mut day) = (None, 1, 1);
    let (mut hour, mut minute, mut second, mut nanos) = (0, 0, 0, 0);
    let (mut half, mut zone) = (None, None);
    let mut rest = text.trim();
    for piece in format {
        match *piece {
            Piece::Literal(c) => rest = rest.strip_prefix(c)?,
            Piece::Field('y', 4) => year = Some(number(&mut rest, 4, 4)?),
            Piece::Field('M', n @ 1..=2) => month = number(&mut rest, n, 2)?,
            Piece::Field('d', n @ 1..=2) => day = number(&mut rest, n, 2)?,
            Piece::Field('H' | 'h', n @ 1..=2) => hour = number(&mut rest, n, 2)?,
            Piece::Field('m', n @ 1..=2) => minute = number(&mut rest, n, 2)?,
            Piece::Field('s', n @ 1..=2) => second = number(&mut rest, n, 2)?,
            Piece::Field('f', n @ 1..=7) => {
                let digits = rest.get(..n).filter(|d| d.bytes().all(|b| b.is_ascii_digit()))?;
                nanos = format!("{digits:0<9}").parse().ok()?;
                rest = rest.get(n..)?;
            }
            Piece::Field('t', 2) => {
                half = Some(match rest.get(..2)?.to_ascii_uppercase().as_str() {
                    "AM" => 0,
                    "PM" => 12,
                    _ => return None,
                });
                rest = rest.get(2..)?;
            }
            Piece::Field('z', 3) => {
                let (before, minutes) = offset(rest.get(..6)?)?;
                if !before.is_empty() {
                    return None;
                }
                zone = Some(minutes);
                rest = rest.get(6..)?;
            }
            Piece::Field(..) => return None,
        }
    }
    if !rest.is_empty() {
        return None;
    }
    let twelve = format.iter().any(|piece| matches!(piece, Piece::Field('h', _)));
    if twelve {
        if !(1..=12).contains(&hour) {
            return None;
        }
        hour = hour % 12 + half?;
    } else if half.is_some() {
        return None;
    }
    let date = NaiveDate::from_ymd_opt(i32::try_from(year?).ok()?, month, day)?;
    Some((date.and_hms_nano_opt(hour, minute, second, nanos)?, zone))
}

/// At least `min` digits, at most `max`.
fn number(rest: &mut &str, min: usize, max: usize) -> Option<u32> {
    let count = rest.bytes().take(max).take_while(u8::is_ascii_digit).count();
    if count < min {
        return None;
    }
    let (digits, tail) = rest.split_at(count);
    *rest = tail;
    digits.parse().ok()
}

fn write_by(format: &[Piece], date: NaiveDateTime) -> Option<String> {
    use std::fmt::Write;
    let mut out = String::new();
    for piece in format {
        let twelve = date.hour12().1;
        let ok = match *piece {
            Piece::Literal(c) => {
                out.push(c);
                Ok(())
            }
            Piece::Field('y', 2) => write!(out, "{:02}", date.year() % 100),
            Piece::Field('y', 4) => write!(out, "{:04}", date.year()),
            Piece::Field('M', width @ 1..=2) => write!(out, "{:0width$}", date.month()),
            Piece::Field('d', width @ 1..=2) => write!(out, "{:0width$}", date.day()),
            Piece::Field('H', width @ 1..=2) => write!(out, "{:0width$}", date.hour()),
            Piece::Field('h', width @ 1..=2) => write!(out, "{twelve:0width$}"),
            Piece::Field('m', width @ 1..=2) => write!(out, "{:0width$}", date.minute()),
            Piece::Field('s', width @ 1..=2) => write!(out, "{:0width$}", date.second()),
            Piece::Field('f', width @ 1..=7) => {
                out.push_str(format!("{:09}", date.nanosecond()).get(..width)?);
                Ok(())
            }
            Piece::Field('t', 2) => write!(out, "{}", if date.hour12().0 { "PM" } else { "AM" }),
            Piece::Field(..) => return None,
        };
        ok.ok()?;
    }
    Some(out)
}

pub fn format_date_time(w: &World<'_>, call: &Call) -> Out {
    let source = required_text(w, call, 0)?;
    // The older form has no styles; the number of slots tells the two apart.
    let first = call.args.len() - 2;
    if first == 2 && optional_text(w, call, 1)?.is_some_and(|styles| !styles.is_empty()) {
        return Err(unknown(call, "does with styles given"));
    }
    let read = required_text(w, call, first)?.unwrap_or_default();
    let write = required_text(w, call, first + 1)?.unwrap_or_default();
    let Some(source) = source else { return w.null_text(call) };
    let untold = || unknown(call, "makes of this text in this format");
    let (read, write) = (pieces(&read).ok_or_else(untold)?, pieces(&write).ok_or_else(untold)?);
    let (local, zone) = read_by(&read, &source).ok_or_else(untold)?;
    let as_utc = local.checked_sub_signed(Duration::minutes(zone.unwrap_or(0))).ok_or_else(untold)?;
    let kept = write_by(&write, local).ok_or_else(untold)?;
    let moved = write_by(&write, as_utc).ok_or_else(untold)?;
    Ok(Value::Str(w.either(Point::DateOffset, moved, kept, || {
        "whether FormatDateTime moves a time with an offset to UTC is described nowhere".to_owned()
    })))
}
