//! Limits on numbers of requests, beside the one on resource units: an application may write so often in a tenant, ask
//! for provisioning on demand so often, read provisioning logs so often. Kept over every window of the limit's length,
//! with a smaller number after the service refused, until it is at ease again.

use super::retry;
use std::collections::VecDeque;
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep_until};

/// So many requests of a kind in a time.
pub struct Quota {
    most: usize,
    period: Duration,
    state: Mutex<State>,
}

struct State {
    /// When those of the last period were let go.
    sent: VecDeque<Instant>,
    /// Below 1 after a refusal.
    slowed: f64,
    /// Nothing is let go before.
    held: Option<Instant>,
}

impl Quota {
    fn new(most: usize, period: Duration) -> Quota {
        let state = State { sent: VecDeque::new(), slowed: 1.0, held: None };
        Quota { most: most.max(1), period, state: Mutex::new(state) }
    }

    /// Waits until so many more may be sent, and counts them. Returns how long it waited.
    pub async fn take(&self, count: usize) -> Duration {
        let started = Instant::now();
        loop {
            let until = {
                let mut state = self.state.lock().await;
                let now = Instant::now();
                while state.sent.front().is_some_and(|t| *t + self.period <= now) {
                    state.sent.pop_front();
                }
                // A batch that is larger than a slowed limit goes when nothing else is on its way.
                let allowed = ((self.most as f64 * state.slowed) as usize).max(count);
                let beyond = (state.sent.len() + count).saturating_sub(allowed);
                let freed = match beyond {
                    0 => now,
                    beyond => state.sent[(beyond - 1).min(state.sent.len() - 1)] + self.period,
                };
                let until = freed.max(state.held.unwrap_or(now));
                if until <= now {
                    state.sent.extend(std::iter::repeat_n(now, count));
                    return started.elapsed();
                }
                until
            };
            sleep_until(until).await;
        }
    }

    /// The service refused: nothing for a while, and half as many from then on.
    pub async fn refused(&self, pause: Duration) {
        let mut state = self.state.lock().await;
        state.held = state.held.max(Some(Instant::now() + pause.min(retry::PATIENCE)));
        state.slowed = (state.slowed / 2.0).max(0.1);
    }

    /// The service answered, and said how near its limit is where it is near.
    pub async fn answered(&self, near: Option<f64>) {
        let mut state = self.state.lock().await;
        match near {
            Some(near) => state.slowed = state.slowed.min((1.5 - near).clamp(0.1, 0.7)),
            None => state.slowed = (state.slowed + 0.02).min(1.0),
        }
    }
}

/// The limits that Graph publishes for what this program does, by application and tenant.
pub struct Quotas {
    writes: Quota,
    on_demand: Quota,
    logs: Quota,
}

/// Writes in 150 seconds, of one application in one tenant.
const WRITES: f64 = 3_000.0;
const WRITES_IN: Duration = Duration::from_secs(150);
/// A little longer than the published ten seconds: requests do not arrive as evenly as they leave.
const TEN_SECONDS: Duration = Duration::from_millis(10_500);
const IN_TEN_SECONDS: usize = 5;

impl Quotas {
    /// A share of the tenant's write limit; the others are small and nobody else's.
    pub fn new(percent: u8, hurry: bool) -> Quotas {
        let writes = WRITES * f64::from(percent.clamp(1, 100)) / 100.0;
        let period = |period| retry::hurried(period, hurry);
        Quotas {
            writes: Quota::new(writes as usize, period(WRITES_IN)),
            on_demand: Quota::new(IN_TEN_SECONDS, period(TEN_SECONDS)),
            logs: Quota::new(IN_TEN_SECONDS, period(TEN_SECONDS)),
        }
    }

    /// The limit that a request counts against, if any. `writes` is how many it does.
    pub fn of(&self, path: &str, writes: usize) -> Option<(&Quota, usize)> {
        let path = path.split('?').next().unwrap_or_default();
        match writes {
            0 if path.ends_with("/auditLogs/provisioning") => Some((&self.logs, 1)),
            0 => None,
            _ if path.ends_with("/provisionOnDemand") => Some((&self.on_demand, 1)),
            writes => Some((&self.writes, writes)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn no_window_holds_more_than_the_limit() {
        let quota = Quota::new(100, Duration::from_secs(10));
        let mut times = Vec::new();
        for count in [1, 20, 7, 20, 20, 3].into_iter().cycle().take(60) {
            quota.take(count).await;
            times.extend(std::iter::repeat_n(Instant::now(), count));
        }
        for (n, first) in times.iter().enumerate() {
            let within = times[n..].iter().filter(|t| **t < *first + Duration::from_secs(10)).count();
            assert!(within <= 100, "{within}");
        }
        let (first, last) = (times[0], times[times.len() - 1]);
        let took = last.duration_since(first).as_secs_f64();
        // 710 at 100 in ten seconds: not slower than it has to be.
        assert!((60.0..90.0).contains(&took), "{took}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_refusal_holds_and_slows_until_answers_come() {
        let quota = Quota::new(100, Duration::from_secs(10));
        quota.refused(Duration::from_secs(30)).await;
        let started = Instant::now();
        quota.take(1).await;
        assert_eq!(started.elapsed(), Duration::from_secs(30));
        let batch = async || {
            let started = Instant::now();
            for _ in 0..10 {
                quota.take(20).await;
            }
            started.elapsed()
        };
        let slowed = batch().await;
        assert!(slowed >= Duration::from_secs(30), "{slowed:?}");
        for _ in 0..50 {
            quota.answered(None).await;
        }
        tokio::time::sleep(Duration::from_secs(10)).await;
        let free = batch().await;
        assert!(free <= Duration::from_secs(11), "{free:?}");
        // More than the limit at once goes all the same, alone.
        tokio::time::sleep(Duration::from_secs(10)).await;
        assert_eq!(quota.take(500).await, Duration::ZERO);
        quota.answered(Some(1.4)).await;
        assert!(quota.take(20).await >= Duration::from_secs(10));
    }

    #[test]
    fn each_request_counts_against_its_own_limit() {
        let quotas = Quotas::new(50, false);
        let most = |path: &str, writes| quotas.of(path, writes).map(|(q, n)| (q.most, n));
        assert_eq!(most("/v1.0/groups/x", 0), None);
        assert_eq!(most("/v1.0/groups/x", 1), Some((1_500, 1)));
        assert_eq!(most("/v1.0/$batch", 20), Some((1_500, 20)));
        assert_eq!(most("/v1.0/servicePrincipals/x/synchronization/jobs/y/provisionOnDemand", 1), Some((5, 1)));
        assert_eq!(most("/v1.0/auditLogs/provisioning?$filter=x", 0), Some((5, 1)));
    }
}
