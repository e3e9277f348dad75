//! `audit.junit.xml`: a test case a check, in the form that build servers read. A check that fails is a failure; one that
//! is not known or does not apply is skipped, with the reason, and never passed.

use super::compare::News;
use super::words::verdict;
use super::{Report, put};
use crate::audit::model::CheckHead;
use crate::error::Result;
use crate::report::model::GateStatus;
use crate::report::plain;
use std::io::Write;

/// Failures that are named in one test case.
const NAMED: usize = 50;

pub(super) fn write(report: &Report<'_>, out: &mut dyn Write) -> Result<()> {
    let view = report.view;
    let s = &view.header().summary.checks;
    let what = "the test report";
    let skipped = s.unknown + s.not_applicable;
    let numbers =
        format!("tests=\"{}\" failures=\"{}\" errors=\"0\" skipped=\"{skipped}\" time=\"0\"", view.checks(), s.fail);
    // The form has no place for a zone; the time is UTC.
    let created = &view.header().bundle.created;
    let timestamp = created.get(..19).unwrap_or(created);
    let host = view.header().bundle.domain.as_deref().unwrap_or("unknown");
    put(
        out,
        what,
        &format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"groupshift audit\" {numbers}>\n  <testsuite name=\"groupshift audit\" id=\"0\" package=\"groupshift\" hostname=\"{}\" timestamp=\"{}\" {numbers}>\n    <properties>\n{}    </properties>\n",
            xml(host),
            xml(timestamp),
            properties(report)
        ),
    )?;
    let news = report.baseline.map(|b| b.news());
    for index in 0..view.checks() {
        put(out, what, &case(report, index, view.check(index), news.as_ref()))?;
    }
    let (headline, more) = verdict(view);
    put(
        out,
        what,
        &format!(
            "    <system-out>{}</system-out>\n    <system-err/>\n  </testsuite>\n</testsuites>\n",
            xml(&[vec![headline], more].concat().join(" "))
        ),
    )
}

fn properties(report: &Report<'_>) -> String {
    let h = report.view.header();
    let mut out = String::new();
    for (name, value) in [
        ("schema", Some(h.schema.clone())),
        ("tool", Some(format!("groupshift {}", env!("CARGO_PKG_VERSION")))),
        ("bundle", Some(h.bundle.sha256.clone())),
        ("complete", Some(h.bundle.complete.to_string())),
        ("against", Some(h.against.kind.as_str().to_owned())),
        ("againstSha256", h.against.sha256.clone()),
        ("groups", Some(h.summary.groups.to_string())),
        ("groupsFailing", Some(h.summary.groups_failing.to_string())),
        ("newFailures", report.baseline.map(|b| b.counts.new.to_string())),
        ("fixedFailures", report.baseline.map(|b| b.counts.fixed.to_string())),
    ] {
        if let Some(value) = value {
            out.push_str(&format!("      <property name=\"{name}\" value=\"{}\"/>\n", xml(&value)));
        }
    }
    out
}

fn case(report: &Report<'_>, index: usize, check: &CheckHead, news: Option<&News<'_>>) -> String {
    let head = format!(
        "    <testcase classname=\"groupshift.audit.{}\" name=\"{} {}\" time=\"0\"",
        check.severity.as_str(),
        check.id,
        xml(&check.title)
    );
    let message = xml(&check.message);
    match check.status {
        GateStatus::Pass => format!("{head}/>\n"),
        GateStatus::NotApplicable => {
            format!("{head}>\n      <skipped message=\"does not apply: {message}\"/>\n    </testcase>\n")
        }
        GateStatus::Unknown => format!(
            "{head}>\n      <skipped message=\"not known: {message} What would settle it: {}\"/>\n    </testcase>\n",
            xml(&check.remediation)
        ),
        GateStatus::Fail => format!(
            "{head}>\n      <failure type=\"{}\" message=\"{message}\">{}</failure>\n    </testcase>\n",
            check.severity.as_str(),
            xml_lines(&failures(report, index, check, news))
        ),
    }
}

fn failures(report: &Report<'_>, index: usize, check: &CheckHead, news: Option<&News<'_>>) -> Vec<String> {
    let shown = (check.failed as usize).min(NAMED);
    let mut lines: Vec<String> = (0..shown)
        .map(|i| {
            let f = report.view.failure(index, i);
            let new = if news.is_some_and(|n| n.has(&check.id, &f.key)) { "new: " } else { "" };
            let values = match (&f.expected, &f.actual) {
                (None, None) => String::new(),
                (expected, actual) => format!(
                    " [expected {}, actual {}]",
                    expected.as_deref().unwrap_or("-"),
                    actual.as_deref().unwrap_or("-")
                ),
            };
            format!("{new}{}: {}{values}", f.name(), f.message)
        })
        .collect();
    if check.failed as usize > shown {
        lines.push(format!("{} more in audit.csv", check.failed as usize - shown));
    }
    if !check.remediation.is_empty() {
        lines.push(format!("What to do: {}", check.remediation));
    }
    lines
}

fn xml_lines(lines: &[String]) -> String {
    lines.iter().map(|line| xml(line)).collect::<Vec<_>>().join("\n")
}

/// Text for XML 1.0: control and invisible characters shown, what no document may hold left out, markup escaped.
fn xml(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in plain(text).chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}
