//! When: the sittings of a plan, and how long the parts take that a machine does.

use super::model::{Order, Timing};
use super::policy::Policy;
use chrono::{Duration, SecondsFormat};
use serde_json::Value;

/// Microsoft Graph allows an application 3,000 writes in 150 seconds.
pub(super) const WRITES_PER_SECOND: u64 = 20;
/// The cycle where no job tells its own.
const CYCLE_MINUTES: u64 = 20;

/// The calendar of a plan. Sitting 0 is the preparation, which has no hour of its own.
pub(super) struct Calendar<'p> {
    policy: Option<&'p Policy>,
    order: Order,
    has_canary: bool,
}

impl<'p> Calendar<'p> {
    pub fn new(policy: Option<&'p Policy>, order: Order, has_canary: bool) -> Self {
        Calendar { policy, order, has_canary }
    }
    fn days_between(&self) -> u64 {
        self.policy.map_or(1, Policy::days_between)
    }
    /// The sitting in which V2 is turned off.
    pub fn turn_off(&self) -> u32 {
        match (self.order, self.has_canary) {
            (Order::CanaryFirst, true) => 2,
            _ => 1,
        }
    }
    /// The sitting of a wave, by its position.
    pub fn wave(&self, position: usize) -> u32 {
        let position = position as u32;
        match (self.order, self.has_canary) {
            (Order::CanaryFirst, true) if position > 0 => position + 2,
            _ => position + 1,
        }
    }
    pub fn at(&self, session: u32) -> Option<String> {
        let start = self.policy?.start()?;
        let days = u64::from(session.checked_sub(1)?) * self.days_between();
        let at = start.checked_add_signed(Duration::try_days(i64::try_from(days).ok()?)?)?;
        Some(at.to_rfc3339_opts(SecondsFormat::Secs, true))
    }
    /// Days between the end of V2 and a wave that comes after it.
    pub fn days_frozen(&self, session: u32) -> Option<u64> {
        (session >= self.turn_off()).then(|| u64::from(session - self.turn_off()) * self.days_between())
    }
    pub fn sessions(&self, waves: usize) -> u64 {
        let last = waves.checked_sub(1).map_or(0, |last| self.wave(last));
        u64::from(last.max(self.turn_off()))
    }
}

/// Minutes of so many writes to Graph, rounded up.
pub(super) fn write_minutes(writes: u64) -> u64 {
    writes.div_ceil(WRITES_PER_SECOND * 60)
}

/// The length of the job's cycle, from its own schedule where the bundle has it.
pub(super) fn cycle(job: Option<&Value>) -> Timing {
    let told = job.and_then(|j| j.pointer("/schedule/interval")).and_then(Value::as_str);
    let (minutes, from) = match told.and_then(|t| Some((iso_minutes(t)?, t))) {
        Some((minutes, text)) => (minutes, format!("the job's schedule ({text})")),
        None => (CYCLE_MINUTES, "documented as 20 minutes; newer pages only say that it recurs".to_owned()),
    };
    Timing { graph_writes_per_second: WRITES_PER_SECOND, cycle_minutes: minutes, cycle_from: from, ..Timing::default() }
}

/// `PT40M`, `PT1H30M`, `P1DT2H`: whole minutes, rounded up.
fn iso_minutes(text: &str) -> Option<u64> {
    let rest = text.trim().strip_prefix('P')?;
    let (mut total, mut number, mut time) = (0u64, None::<u64>, false);
    for c in rest.chars() {
        match c {
            'T' if !time && number.is_none() => time = true,
            '0'..='9' => {
                let digit = u64::from(c.to_digit(10)?);
                number = Some(number.unwrap_or(0).checked_mul(10)?.checked_add(digit)?);
            }
            'D' if !time => total = total.checked_add(number.take()?.checked_mul(86_400)?)?,
            'H' if time => total = total.checked_add(number.take()?.checked_mul(3_600)?)?,
            'M' if time => total = total.checked_add(number.take()?.checked_mul(60)?)?,
            'S' if time => total = total.checked_add(number.take()?)?,
            _ => return None,
        }
    }
    (number.is_none() && total > 0).then(|| total.div_ceil(60))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals() {
        for (text, want) in [
            ("PT20M", Some(20)),
            ("PT40M", Some(40)),
            ("PT1H30M", Some(90)),
            ("P1DT2H", Some(1560)),
            ("PT90S", Some(2)),
            ("PT", None),
            ("20", None),
            ("PT20", None),
            ("P20M", None),
            ("PT99999999999999999999M", None),
        ] {
            assert_eq!(iso_minutes(text), want, "{text}");
        }
        assert_eq!(write_minutes(100_000), 84);
        assert_eq!(write_minutes(0), 0);
    }

    #[test]
    fn sittings() {
        for (order, canary, off, waves, frozen) in [
            (Order::Documented, true, 1, [1, 2, 3], [Some(0), Some(1), Some(2)]),
            (Order::CanaryFirst, true, 2, [1, 3, 4], [None, Some(1), Some(2)]),
            (Order::CanaryFirst, false, 1, [1, 2, 3], [Some(0), Some(1), Some(2)]),
        ] {
            let calendar = Calendar::new(None, order, canary);
            assert_eq!(calendar.turn_off(), off);
            assert_eq!([0, 1, 2].map(|w| calendar.wave(w)), waves);
            assert_eq!(waves.map(|s| calendar.days_frozen(s)), frozen);
        }
    }
}
