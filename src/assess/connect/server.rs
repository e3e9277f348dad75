//! What part a server plays, its version, and which precedences are free on it.

use crate::directory::connect::{ConnectServer, Fact, SyncRule};
use std::cmp::Ordering;

/// What a server does now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ServerRole {
    /// It imports, synchronises and exports by its schedule.
    Active,
    /// It exports nothing.
    Staging,
    /// It would export, but its schedule is off; why.
    Stopped(String),
    /// What is not known or contradicts itself.
    Unknown(String),
}

/// The role, by the most credible observation of each value. Where an equally credible one contradicts it, the role is
/// unknown. A server that is not known to be suspended counts as running: it may export.
pub fn server_role(server: &ConnectServer) -> ServerRole {
    let scheduler = &server.scheduler;
    for (what, fact) in observed(server) {
        let Some(first) = fact.0.first() else { continue };
        if fact.0.iter().any(|o| (o.from, o.at) == (first.from, first.at) && o.value != first.value) {
            return ServerRole::Unknown(format!("{what} is both true and false by the {}", first.from.as_str()));
        }
    }
    match (server.staging_mode.value(), scheduler.sync_cycle_enabled.value(), scheduler.suspended.value()) {
        (Some(true), ..) => ServerRole::Staging,
        (None, ..) => ServerRole::Unknown("whether it is in staging mode was not given".to_owned()),
        (_, Some(false), _) => ServerRole::Stopped("the sync cycle is disabled".to_owned()),
        (_, _, Some(true)) => ServerRole::Stopped("the scheduler is suspended".to_owned()),
        (_, None, _) => ServerRole::Unknown("whether the sync cycle is enabled was not given".to_owned()),
        (_, Some(true), _) => ServerRole::Active,
    }
}

fn observed(server: &ConnectServer) -> [(&'static str, &Fact<bool>); 3] {
    [
        ("staging mode", &server.staging_mode),
        ("the sync cycle enabled", &server.scheduler.sync_cycle_enabled),
        ("the scheduler suspended", &server.scheduler.suspended),
    ]
}

/// Where the sources of a server say different things about what decides its role, one sentence each.
pub fn role_contradictions(server: &ConnectServer) -> Vec<String> {
    let mut found = Vec::new();
    for (what, fact) in observed(server).into_iter().filter(|(_, fact)| fact.disagrees()) {
        let told: Vec<String> = fact
            .0
            .iter()
            .map(|o| match o.at {
                Some(at) => format!("{} by the {} of {}", o.value, o.from.as_str(), at.format("%Y-%m-%dT%H:%M:%SZ")),
                None => format!("{} by the {} (no date)", o.value, o.from.as_str()),
            })
            .collect();
        found.push(format!("{what}: {}", told.join(", ")));
    }
    found
}

/// Compares dotted numbers; missing parts count as 0. `None` where one of them is no version.
pub fn compare_versions(a: &str, b: &str) -> Option<Ordering> {
    let (a, b) = (parts(a)?, parts(b)?);
    let at = |list: &[u64], i: usize| list.get(i).copied().unwrap_or(0);
    Some((0..a.len().max(b.len())).map(|i| at(&a, i).cmp(&at(&b, i))).find(|o| o.is_ne()).unwrap_or(Ordering::Equal))
}

/// True where `version` is `least` or later; `None` where that cannot be told.
pub fn at_least(version: &str, least: &str) -> Option<bool> {
    compare_versions(version, least).map(Ordering::is_ge)
}

fn parts(text: &str) -> Option<Vec<u64>> {
    text.trim().split('.').map(|part| part.parse().ok().filter(|_| part.bytes().all(|b| b.is_ascii_digit()))).collect()
}

/// Precedences from 0 to 99 that no rule has, those of the procedure (88 and 89) first, then the nearest above, then
/// below. True to the world only if the precedence of every rule is known.
pub fn free_precedences(rules: &[SyncRule]) -> Vec<u16> {
    let taken = |p: u16| rules.iter().any(|r| r.precedence == Some(i64::from(p)));
    (88..100).chain((0..88).rev()).filter(|&p| !taken(p)).collect()
}

/// Those that are free on every server whose rules are known: a rule then has the same precedence everywhere. `None` where no
/// server's rules are known.
pub fn free_everywhere(servers: &[ConnectServer]) -> Option<Vec<u16>> {
    let mut known = servers.iter().filter_map(|s| s.rules.as_deref()).map(free_precedences);
    let first = known.next()?;
    Some(known.fold(first, |common, own| common.into_iter().filter(|p| own.contains(p)).collect()))
}

pub fn precedence_of_every_rule_is_known(rules: &[SyncRule]) -> bool {
    rules.iter().all(|r| r.precedence.is_some())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::directory::connect::Origin;

    #[test]
    fn versions() {
        use Ordering::*;
        for (a, b, want) in [
            ("2.2.8.0", "2.2.8.0", Some(Equal)),
            ("2.2.8", "2.2.8.0", Some(Equal)),
            ("2.10.0.0", "2.9.9.9", Some(Greater)),
            ("1.1.1367.0", "1.1.2334.0", Some(Less)),
            (" 2.6.84.0 ", "2.2.8.0", Some(Greater)),
            ("2.x", "2.2", None),
            ("", "2.2", None),
            ("2..1", "2.2", None),
            ("+2.1", "2.2", None),
            ("99999999999999999999.0", "2.2", None),
        ] {
            assert_eq!(compare_versions(a, b), want, "{a} {b}");
        }
        assert_eq!(at_least("2.2.8.0", "2.2.8.0"), Some(true));
        assert_eq!(at_least("2.2.7.9", "2.2.8.0"), Some(false));
    }

    #[test]
    fn precedences() {
        let rule = |p| SyncRule { precedence: p, ..SyncRule::default() };
        assert_eq!(free_precedences(&[])[..3], [88, 89, 90]);
        assert_eq!(free_precedences(&[]).len(), 100);
        let some = [rule(Some(88)), rule(Some(90)), rule(Some(150)), rule(None)];
        assert_eq!(free_precedences(&some)[..2], [89, 91]);
        assert!(!precedence_of_every_rule_is_known(&some));
        let all: Vec<SyncRule> = (0..100).map(|p| rule(Some(p))).collect();
        assert!(free_precedences(&all).is_empty());
        assert_eq!(free_precedences(&all[..88]).last(), Some(&99));
        assert_eq!(free_precedences(&all[3..]), [2, 1, 0]);
    }

    #[test]
    fn roles() {
        let unknown = |role: &ServerRole| matches!(role, ServerRole::Unknown(_));
        let stopped = |role: &ServerRole| matches!(role, ServerRole::Stopped(_));
        let active = |role: &ServerRole| *role == ServerRole::Active;
        let staging = |role: &ServerRole| *role == ServerRole::Staging;
        type Case = (Option<bool>, Option<bool>, Option<bool>, fn(&ServerRole) -> bool);
        let cases: [Case; 9] = [
            (Some(false), Some(true), Some(false), active),
            (Some(false), Some(true), None, active),
            (Some(true), Some(true), Some(false), staging),
            (Some(true), Some(false), None, staging),
            (Some(false), Some(false), Some(false), stopped),
            (Some(false), Some(true), Some(true), stopped),
            (None, Some(true), Some(false), unknown),
            (Some(false), None, Some(false), unknown),
            (None, None, None, unknown),
        ];
        for (mode, enabled, suspended, check) in cases {
            let mut server = ConnectServer::default();
            server.staging_mode.observe_some(mode, Origin::State, None);
            server.scheduler.sync_cycle_enabled.observe_some(enabled, Origin::State, None);
            server.scheduler.suspended.observe_some(suspended, Origin::State, None);
            let role = server_role(&server);
            assert!(check(&role), "{mode:?} {enabled:?} {suspended:?}: {role:?}");
        }
    }

    #[test]
    fn the_newer_source_decides_and_the_older_is_named() {
        let at = |text: &str| text.parse().ok();
        for (export, state, role) in [
            (at("2026-11-01T00:00:00Z"), at("2026-11-02T00:00:00Z"), ServerRole::Staging),
            (at("2026-11-03T00:00:00Z"), at("2026-11-02T00:00:00Z"), ServerRole::Active),
            (None, None, ServerRole::Staging),
        ] {
            let mut server = ConnectServer::default();
            server.scheduler.sync_cycle_enabled.observe(true, Origin::State, state);
            server.staging_mode.observe(false, Origin::Export, export);
            server.staging_mode.observe(true, Origin::State, state);
            assert_eq!(server_role(&server), role);
            let told = role_contradictions(&server);
            assert!(told.len() == 1 && told[0].contains("true by the connect-state.json"), "{told:?}");
        }
        let mut server = ConnectServer::default();
        server.staging_mode.observe(false, Origin::State, None);
        server.staging_mode.observe(true, Origin::State, None);
        assert!(matches!(server_role(&server), ServerRole::Unknown(_)));
    }
}
