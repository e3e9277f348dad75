//! When to try again, and after what pause.

use chrono::{DateTime, Utc};
use std::time::Duration;

/// Tries of one request at most, the first included.
pub const TRIES: u32 = 8;
/// Longest time one request may wait in all.
pub const PATIENCE: Duration = Duration::from_secs(15 * 60);
const FIRST: Duration = Duration::from_millis(500);
const LONGEST: Duration = Duration::from_secs(60);

/// The pause that a `Retry-After` header asks for: seconds (whole or decimal) or a date.
pub fn retry_after(value: &str, now: DateTime<Utc>) -> Option<Duration> {
    let value = value.trim();
    if let Ok(seconds) = value.parse::<f64>() {
        return (seconds.is_finite() && seconds >= 0.0).then(|| Duration::from_secs_f64(seconds.min(86_400.0)));
    }
    let date = DateTime::parse_from_rfc2822(value).ok()?;
    Some((date.with_timezone(&Utc) - now).to_std().unwrap_or(Duration::ZERO))
}

/// Without a header: exponential, with full jitter (`random` is between 0 and 1), never below a tenth of the step.
pub fn pause(attempt: u32, random: f64) -> Duration {
    let step = FIRST.saturating_mul(1 << attempt.min(10)).min(LONGEST);
    step.mul_f64(0.1 + 0.9 * random.clamp(0.0, 1.0))
}

/// How much shorter the pauses are that this program chooses by itself when it is told to hurry, as against a service of
/// one's own. What the service asks for stays as it is.
const HURRY: u32 = 100;

pub fn hurried(pause: Duration, hurry: bool) -> Duration {
    if hurry { pause / HURRY } else { pause }
}

/// Whether the status says that the same request may succeed later.
pub fn is_passing(status: u16) -> bool {
    matches!(status, 408 | 429 | 500 | 502 | 503 | 504)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_the_header() {
        let now = DateTime::parse_from_rfc3339("2026-11-21T12:00:00Z").unwrap().with_timezone(&Utc);
        for (text, expected) in [
            ("0", Some(0.0)),
            ("10", Some(10.0)),
            (" 1.5 ", Some(1.5)),
            ("0.25", Some(0.25)),
            ("1e9", Some(86_400.0)),
            ("Sat, 21 Nov 2026 12:00:30 GMT", Some(30.0)),
            ("Sat, 21 Nov 2026 11:00:00 GMT", Some(0.0)),
            ("-1", None),
            ("NaN", None),
            ("inf", None),
            ("soon", None),
            ("", None),
        ] {
            assert_eq!(retry_after(text, now).map(|d| d.as_secs_f64()), expected, "{text:?}");
        }
    }

    #[test]
    fn pauses_grow_and_stay_within_bounds() {
        for attempt in 0..40 {
            let (least, most) = (pause(attempt, 0.0), pause(attempt, 1.0));
            assert!(least > Duration::ZERO && least < most && most <= LONGEST, "{attempt}: {least:?} {most:?}");
        }
        assert!(pause(3, 1.0) > pause(2, 1.0));
    }
}
