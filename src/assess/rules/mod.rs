//! The registry of rules: one value a rule. `explain`, the README's table and every report read it; nothing else says
//! what a rule is.

mod anchor;
mod kind;
mod mapping;
mod members;
mod state;

use super::subject::{Raised, Sink, Subject};
use crate::report::model::{Severity, Verdict};

/// One rule about a group.
pub struct Rule {
    /// `C01`…`C41`; published, never changes meaning.
    pub id: &'static str,
    pub title: &'static str,
    /// The condition in words.
    pub condition: &'static str,
    /// Why it matters.
    pub why: &'static str,
    pub remedy: &'static str,
    pub severity: Severity,
    pub verdict: Verdict,
    /// Keys of the source table (`explain --all` prints what each stands for).
    pub sources: &'static [&'static str],
    pub check: fn(&Subject<'_>, &mut Sink),
}

impl Rule {
    /// Open questions about what a group is make it a matter of review; others leave its verdict.
    fn open_verdict(&self) -> Verdict {
        match self.id {
            "C01" | "C02" | "C03" | "C04" | "C05" | "C06" | "C07" | "C08" | "C09" | "C10" | "C11" | "C34" => {
                Verdict::Review
            }
            _ => Verdict::Migrate,
        }
    }
    /// What the rule says of a group; nothing where its condition does not hold.
    pub fn run(&self, subject: &Subject<'_>) -> Option<Raised> {
        let mut sink = Sink::new(subject.detailed, self.severity, self.verdict, self.open_verdict());
        (self.check)(subject, &mut sink);
        sink.raised
    }
}

/// All rules about groups, by id. C19 is a gate.
pub fn all() -> &'static [Rule] {
    static RULES: std::sync::LazyLock<Vec<Rule>> = std::sync::LazyLock::new(|| {
        let mut rules = Vec::new();
        rules.extend(kind::rules());
        rules.extend(anchor::rules());
        rules.extend(members::rules());
        rules.extend(mapping::rules());
        rules.extend(state::rules());
        rules.sort_by_key(|r| r.id);
        rules
    });
    &RULES
}

/// Position of a rule in `all`, for rules that are run apart.
pub fn position(id: &str) -> Option<usize> {
    all().iter().position(|r| r.id == id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn registry_is_whole() {
        let ids: Vec<&str> = all().iter().map(|r| r.id).collect();
        let want: Vec<String> = (1..=41).filter(|i| *i != 19).map(|i| format!("C{i:02}")).collect();
        assert_eq!(ids, want);
        for rule in all() {
            for text in [rule.title, rule.condition, rule.why, rule.remedy] {
                assert!(text.len() > 8, "{}", rule.id);
            }
            assert!(!rule.sources.is_empty(), "{}", rule.id);
            for source in rule.sources {
                assert!(crate::assess::sources::title(source).is_some(), "{}: {source}", rule.id);
            }
        }
    }
}
