//! The verdict of an audit in sentences, the same on every page and on the terminal.

use super::compare::Comparison;
use crate::audit::model::{CheckHead, View};
use crate::report::html::count;
use crate::report::model::{GateStatus, Severity};

/// The answer, and what stands beside it.
pub fn verdict(view: &dyn View) -> (String, Vec<String>) {
    let s = &view.header().summary;
    let c = &s.checks;
    let judged = c.pass + c.fail;
    let headline = match (c.fail, c.unknown, s.worst) {
        (0, 0, _) if judged == 0 => "Nothing could be audited: no check applies to this input.".to_owned(),
        (0, 0, _) => format!(
            "All {} that apply pass for {}.",
            count(judged, "check", "checks"),
            count(s.groups, "group", "groups")
        ),
        (0, open, _) => format!(
            "No check fails, but {} could not be judged from this input; {}.",
            count(open, "check", "checks"),
            count(c.pass, "check passes", "checks pass")
        ),
        (fail, _, worst) => {
            let worst = match worst {
                Some(Severity::Blocker) => "the worst a blocker".to_owned(),
                Some(severity) => format!("the worst of severity {}", severity.as_str()),
                None => "none of any severity".to_owned(),
            };
            format!(
                "{} of {} {}, {worst}.",
                fail,
                count(fail + c.pass + c.unknown, "check", "checks"),
                if fail == 1 { "fails" } else { "fail" }
            )
        }
    };
    let mut more = Vec::new();
    if c.fail > 0 || s.groups_failing > 0 {
        more.push(match s.groups_failing {
            0 => format!("No group of {} is concerned; what fails is around them.", s.groups),
            n => format!(
                "{n} of {} {}.",
                count(s.groups, "group", "groups"),
                if n == 1 { "is not as it should be" } else { "are not as they should be" }
            ),
        });
        if c.unknown > 0 {
            more.push(format!(
                "{} could not be judged from this input. Unknown is never counted as passed.",
                count(c.unknown, "check", "checks")
            ));
        }
    } else if c.unknown > 0 {
        more.push("Unknown is never counted as passed; what would settle each stands with it.".to_owned());
    }
    if s.groups == 0 {
        more.push(
            "No group was audited: none is in a job's scope, carries its stamp or stands in a plan or snapshot."
                .to_owned(),
        );
    }
    (headline, more)
}

/// What changed since the last audit, in one sentence.
pub fn since(b: &Comparison) -> String {
    let c = &b.counts;
    let mut text =
        format!("Since the audit of {}: {} new, {} fixed, {} unchanged", b.created, c.new, c.fixed, c.unchanged);
    if c.gone > 0 {
        text.push_str(&format!(", {} of objects that are audited no more", c.gone));
    }
    if c.open > 0 {
        text.push_str(&format!(", {} that could not be judged this time", c.open));
    }
    text.push('.');
    text
}

/// Failing checks first, then open ones, passing ones, those that do not apply; the worst first in each.
pub fn ordered(view: &dyn View) -> Vec<usize> {
    let rank = |c: &CheckHead| match c.status {
        GateStatus::Fail => 0,
        GateStatus::Unknown => 1,
        GateStatus::Pass => 2,
        GateStatus::NotApplicable => 3,
    };
    let mut all: Vec<usize> = (0..view.checks()).collect();
    all.sort_by_key(|i| {
        let check = view.check(*i);
        (rank(check), std::cmp::Reverse(check.severity), *i)
    });
    all
}
