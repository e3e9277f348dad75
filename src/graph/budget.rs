//! A share of the tenant's limit. Graph counts resource units per application and tenant in windows of ten seconds; the
//! share that this program may take of them is kept with a token bucket, and shrinks when the service says that the limit
//! is near.

use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep_until};

/// Limits by the tenant's size: below 50 users, up to 500, above.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TenantSize {
    Small,
    Medium,
    Large,
}

impl TenantSize {
    pub fn of(users: u64) -> TenantSize {
        match users {
            0..50 => TenantSize::Small,
            50..=500 => TenantSize::Medium,
            _ => TenantSize::Large,
        }
    }
    /// Resource units in ten seconds.
    pub fn units(self) -> f64 {
        match self {
            TenantSize::Small => 3_500.0,
            TenantSize::Medium => 5_000.0,
            TenantSize::Large => 8_000.0,
        }
    }
}

/// How many resource units may be spent, and since when.
pub struct Budget {
    share: f64,
    state: Mutex<State>,
}

struct State {
    per_second: f64,
    available: f64,
    last: Instant,
    /// Below 1 while the service says that the limit is near.
    slowed: f64,
    /// Nothing is spent before: the service asked to wait.
    held: Option<Instant>,
}

impl Budget {
    /// `percent` of the limit of a tenant whose size is not known yet.
    pub fn new(percent: u8) -> Budget {
        let share = f64::from(percent.clamp(1, 100)) / 100.0;
        let per_second = TenantSize::Small.units() / 10.0 * share;
        let state = State { per_second, available: per_second, last: Instant::now(), slowed: 1.0, held: None };
        Budget { share, state: Mutex::new(state) }
    }

    /// Takes the limit of a tenant of this size.
    pub async fn size(&self, size: TenantSize) {
        self.state.lock().await.per_second = size.units() / 10.0 * self.share;
    }

    /// Waits until so many units may be spent. Returns how long it waited.
    pub async fn take(&self, units: f64) -> Duration {
        let started = Instant::now();
        let until = {
            let mut state = self.state.lock().await;
            let now = Instant::now();
            let rate = state.per_second * state.slowed;
            let earned = now.duration_since(state.last).as_secs_f64() * rate;
            // A second's worth may be saved up, so that a pause does not end in a burst of ten.
            state.available = (state.available + earned).min(rate.max(units));
            state.last = now;
            state.available -= units;
            let paced = match state.available < 0.0 {
                true => now + Duration::from_secs_f64(-state.available / rate),
                false => now,
            };
            match paced.max(state.held.unwrap_or(now)) {
                until if until <= now => return Duration::ZERO,
                until => until,
            }
        };
        sleep_until(until).await;
        started.elapsed()
    }

    /// The service refused, and wants nothing for a while: half of the pace from then on, until it is at ease again.
    pub async fn throttled(&self, pause: Duration) {
        let mut state = self.state.lock().await;
        let until = Instant::now() + pause.min(super::retry::PATIENCE);
        state.held = state.held.max(Some(until));
        state.slowed = (state.slowed / 2.0).max(0.1);
    }

    /// What the service answered: units that the request cost beyond the estimate, and how near the limit is.
    pub async fn learn(&self, beyond: f64, near: Option<f64>) {
        let mut state = self.state.lock().await;
        state.available -= beyond;
        match near {
            // From 0.8 on the service tells; at 1 it begins to refuse.
            Some(near) => state.slowed = (1.5 - near).clamp(0.1, 0.7),
            None => state.slowed = (state.slowed + 0.05).min(1.0),
        }
    }
}

/// Units that a request is reckoned to cost (published costs of the identity services).
pub fn estimate(path: &str) -> f64 {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let path = path.trim_end_matches('/');
    let part = |n: usize| path.rsplit('/').nth(n).unwrap_or("");
    let base = match (part(0), part(2)) {
        ("members", "groups") => 3,
        ("transitiveMembers", "groups") => 5,
        ("appRoleAssignments" | "appRoleAssignedTo", _) => 2,
        _ if part(0) == "users" || part(1) == "users" => 2,
        _ if part(0) == "applications" || part(1) == "applications" => 2,
        _ => 1,
    };
    let mut units = base;
    if query.contains("$select=") {
        units -= 1;
    }
    if query.contains("$expand=") {
        units += 1;
    }
    f64::from(units.max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn costs_are_the_published_ones() {
        for (path, units) in [
            ("/v1.0/groups", 1.0),
            ("/v1.0/groups?$select=id", 1.0),
            ("/v1.0/groups/x/members", 3.0),
            ("/v1.0/groups/x/members?$select=id", 2.0),
            ("/v1.0/groups/x/transitiveMembers", 5.0),
            ("/beta/users?$select=id", 1.0),
            ("/beta/users", 2.0),
            ("/v1.0/users/x", 2.0),
            ("/v1.0/servicePrincipals/x/appRoleAssignedTo", 2.0),
            ("/v1.0/servicePrincipals/x?$expand=owners", 2.0),
        ] {
            assert_eq!(estimate(path), units, "{path}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_share_is_kept() {
        let budget = Budget::new(50);
        budget.size(TenantSize::Large).await;
        let started = Instant::now();
        for _ in 0..8_000 {
            budget.take(1.0).await;
        }
        // 8,000 units at half of 8,000 in ten seconds.
        let took = started.elapsed().as_secs_f64();
        assert!((19.0..21.0).contains(&took), "{took}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_refusal_holds_everything_and_halves_the_pace() {
        let budget = Budget::new(100);
        budget.size(TenantSize::Large).await;
        budget.throttled(Duration::from_secs(7)).await;
        let started = Instant::now();
        budget.take(1.0).await;
        assert!((7.0..7.1).contains(&started.elapsed().as_secs_f64()), "{:?}", started.elapsed());
        let started = Instant::now();
        for _ in 0..4_000 {
            budget.take(1.0).await;
        }
        let took = started.elapsed().as_secs_f64();
        assert!((8.5..10.5).contains(&took), "half of 800 a second: {took}");
        // However long the service wants to be left alone, the pace never falls to nothing.
        for _ in 0..50 {
            budget.throttled(Duration::ZERO).await;
        }
        let started = Instant::now();
        for _ in 0..800 {
            budget.take(1.0).await;
        }
        assert!(started.elapsed().as_secs_f64() < 11.0);
    }

    #[tokio::test(start_paused = true)]
    async fn nearness_of_the_limit_slows_down_and_passes() {
        let rate = async |budget: &Budget| {
            let started = Instant::now();
            for _ in 0..2_000 {
                budget.take(1.0).await;
            }
            started.elapsed()
        };
        let budget = Budget::new(100);
        budget.size(TenantSize::Large).await;
        let free = rate(&budget).await;
        budget.learn(0.0, Some(1.2)).await;
        let slowed = rate(&budget).await;
        assert!(slowed > free * 2, "{slowed:?} {free:?}");
        for _ in 0..20 {
            budget.learn(0.0, None).await;
        }
        assert!(rate(&budget).await < slowed / 2);
    }
}
