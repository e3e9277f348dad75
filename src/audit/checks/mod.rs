//! The registry of checks: A01–A28, one value a check. `explain`, the README's table and every report read it; nothing
//! else says what a check is. All are always listed; unknown is never pass.

mod changes;
mod connect;
mod enforcement;
mod governance;
mod identity;
mod job;
mod members;
mod orphans;
mod place;
mod rights;
mod scope;
mod service;

use super::context::Context;
use super::model::Failure;
use crate::directory::inventory::NONE;
use crate::report::model::{GateStatus, Severity};
use serde_json::{Value, json};

/// One check.
pub struct AuditRule {
    /// `A01`…`A28`; published, never changes meaning.
    pub id: &'static str,
    pub title: &'static str,
    /// The condition in words.
    pub condition: &'static str,
    /// Why it matters.
    pub why: &'static str,
    pub remedy: &'static str,
    pub severity: Severity,
    /// Commands or steps that it holds back while it does not pass.
    pub blocks: &'static [&'static str],
    /// Keys of the source table.
    pub sources: &'static [&'static str],
    pub(super) check: fn(&Context<'_>) -> Outcome,
    /// Puts a failure that is kept as numbers into words.
    pub(super) show: fn(&Context<'_>, Row) -> Failure,
}

/// A failure with two numbers that only its check knows the meaning of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row {
    /// The audited group, by its position, or `NONE`.
    pub entry: u32,
    pub a: u32,
    pub b: u32,
}

/// A failure, or something that could not be judged.
#[derive(Debug, Clone, PartialEq)]
pub enum Hit {
    Row(Row),
    /// Of which there are few: servers, agents, jobs; with the audited group, or `NONE`.
    Made(u32, Box<Failure>),
}

impl Hit {
    pub fn row(entry: u32, a: u32, b: u32) -> Hit {
        Hit::Row(Row { entry, a, b })
    }
    pub fn made(entry: u32, failure: Failure) -> Hit {
        Hit::Made(entry, Box::new(failure))
    }
    /// About something that is no group: a server, a job, an agent, a controller.
    pub fn about(subject: &str, what: &str, message: impl Into<String>, expected: &str, actual: &str) -> Hit {
        Hit::made(
            NONE,
            Failure {
                key: format!("{subject}|{what}"),
                subject: Some(subject.to_owned()),
                expected: Some(expected.to_owned()),
                actual: Some(actual.to_owned()),
                message: message.into(),
                evidence: json!({}),
                ..Failure::default()
            },
        )
    }
    /// The audited group, or `NONE`.
    pub fn entry(&self) -> u32 {
        match self {
            Hit::Row(row) => row.entry,
            Hit::Made(entry, _) => *entry,
        }
    }
}

/// What a check saw. Without a status of its own it fails where something failed, is unknown where something stayed
/// open, and passes otherwise.
#[derive(Debug, Default)]
pub struct Outcome {
    pub status: Option<GateStatus>,
    pub message: String,
    pub evidence: Value,
    /// In place of the check's own remedy; for `unknown`, what would settle it.
    pub remedy: Option<String>,
    pub failed: Vec<Hit>,
    pub open: Vec<Hit>,
}

impl Outcome {
    pub fn new(message: impl Into<String>) -> Self {
        Outcome { message: message.into(), evidence: json!({}), ..Outcome::default() }
    }
    pub fn pass(message: impl Into<String>) -> Self {
        Outcome { status: Some(GateStatus::Pass), ..Outcome::new(message) }
    }
    pub fn not_applicable(message: impl Into<String>) -> Self {
        Outcome { status: Some(GateStatus::NotApplicable), ..Outcome::new(message) }
    }
    /// `settle` says what would answer it.
    pub fn unknown(message: impl Into<String>, settle: impl Into<String>) -> Self {
        Outcome { status: Some(GateStatus::Unknown), remedy: Some(settle.into()), ..Outcome::new(message) }
    }
    pub fn evidence(mut self, evidence: Value) -> Self {
        self.evidence = evidence;
        self
    }
    pub fn remedy(mut self, remedy: impl Into<String>) -> Self {
        self.remedy = Some(remedy.into());
        self
    }
    /// The status that follows from what it holds.
    pub fn judged(&self) -> GateStatus {
        match self.status {
            _ if !self.failed.is_empty() => GateStatus::Fail,
            Some(status) => status,
            None if !self.open.is_empty() => GateStatus::Unknown,
            None => GateStatus::Pass,
        }
    }
}

/// All checks, by id.
pub fn all() -> &'static [AuditRule] {
    static CHECKS: std::sync::LazyLock<Vec<AuditRule>> = std::sync::LazyLock::new(|| {
        let mut checks = Vec::new();
        checks.extend(identity::checks());
        checks.extend(place::checks());
        checks.extend(members::checks());
        checks.extend(rights::checks());
        checks.extend(changes::checks());
        checks.extend(enforcement::checks());
        checks.extend(connect::checks());
        checks.extend(job::checks());
        checks.extend(service::checks());
        checks.extend(scope::checks());
        checks.extend(orphans::checks());
        checks.extend(governance::checks());
        checks.sort_by_key(|c| c.id);
        checks
    });
    &CHECKS
}

/// For checks that make every failure at once.
fn made_at_once(_: &Context<'_>, _: Row) -> Failure {
    Failure::default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn registry_is_whole() {
        let ids: Vec<&str> = all().iter().map(|c| c.id).collect();
        let want: Vec<String> = (1..=28).map(|i| format!("A{i:02}")).collect();
        assert_eq!(ids, want);
        for check in all() {
            for text in [check.title, check.condition, check.why, check.remedy] {
                assert!(text.len() > 8, "{}", check.id);
            }
            assert!(!check.sources.is_empty(), "{}", check.id);
            for source in check.sources {
                assert!(crate::assess::sources::title(source).is_some(), "{}: {source}", check.id);
            }
        }
    }
}
