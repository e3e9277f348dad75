//! `audit.md`: compact, fit for a ticket: the verdict, what changed, the checks that fail with their first objects, what is
//! not known. The table (audit.csv) has every failure.

use super::words::{ordered, since, verdict};
use super::{Report, put};
use crate::audit::model::{CheckHead, Failure};
use crate::error::Result;
use crate::report::markdown::md;
use crate::report::model::GateStatus;
use std::io::Write;

/// Objects that are named of one check, and of what was resolved.
const NAMED: usize = 5;
/// Characters of an expected or actual value.
const VALUE: usize = 160;

pub(super) fn write(report: &Report<'_>, out: &mut dyn Write) -> Result<()> {
    put(out, "the summary", &text(report))
}

fn text(report: &Report<'_>) -> String {
    let view = report.view;
    let header = view.header();
    let (b, s) = (&header.bundle, &header.summary);
    let mut out = String::from("# groupshift audit\n\n");
    if !b.complete {
        out.push_str("**PARTIAL: the collection fell short. What rests on the missing part is unknown.**\n\n");
    }
    if b.anonymised {
        out.push_str("**Anonymised: names and ids were replaced.**\n\n");
    }
    let (headline, more) = verdict(view);
    out.push_str(&format!("**{}** {}\n\n", md(&headline), md(&more.join(" "))));
    if let Some(baseline) = report.baseline {
        out.push_str(&format!("{}\n\n", md(&since(baseline))));
    }
    let mut fact = |name: &str, value: Option<&str>| {
        if let Some(value) = value {
            out.push_str(&format!("- {name}: {}\n", md(value)));
        }
    };
    fact("Domain", b.domain.as_deref());
    fact("Tenant", b.tenant.as_deref());
    fact("State of", Some(&b.created));
    let against = match &header.against.name {
        Some(name) => format!("{} {name}, {} groups", header.against.kind.as_str(), header.against.groups),
        None => "nothing but the tenant itself".to_owned(),
    };
    fact("Held against", Some(&against));
    fact("Groups", Some(&format!("{}, {} direct memberships in AD", s.groups, s.memberships)));
    fact("Bundle SHA-256", Some(&b.sha256));
    for limit in &header.limits {
        out.push_str(&format!("- Not looked at or short: {}\n", md(limit)));
    }
    checks(report, &mut out);
    resolved(report, &mut out);
    if !header.problems.is_empty() {
        out.push_str(&format!("\n{} problem(s) in the input; audit.json lists them.\n", header.problems.len()));
    }
    out
}

fn checks(report: &Report<'_>, out: &mut String) {
    let view = report.view;
    let order = ordered(view);
    let of = |status: GateStatus| order.iter().copied().filter(move |i| view.check(*i).status == status);
    let news = report.baseline.map(|b| b.news());
    for (status, heading) in [(GateStatus::Fail, "Fails"), (GateStatus::Unknown, "Not known")] {
        if of(status).next().is_none() {
            continue;
        }
        out.push_str(&format!("\n## {heading}\n"));
        for i in of(status) {
            let check = view.check(i);
            out.push_str(&format!(
                "\n### {} {} ({})\n\n{}\n",
                check.id,
                md(&check.title),
                check.severity.as_str(),
                md(&check.message)
            ));
            if !check.remediation.is_empty() {
                let what = if status == GateStatus::Fail { "What to do" } else { "What would settle it" };
                out.push_str(&format!("\n*{what}.* {}\n", md(&check.remediation)));
            }
            failures(report, i, check, news.as_ref(), out);
        }
    }
    let passing: Vec<String> = of(GateStatus::Pass).map(|i| name(view.check(i))).collect();
    if !passing.is_empty() {
        out.push_str(&format!("\n## Passes\n\n{}\n", passing.join("; ")));
    }
    let other: Vec<String> = of(GateStatus::NotApplicable).map(|i| name(view.check(i))).collect();
    if !other.is_empty() {
        out.push_str(&format!("\n## Does not apply\n\n{}\n", other.join("; ")));
    }
}

fn name(check: &CheckHead) -> String {
    format!("{} {}", check.id, md(&check.title))
}

fn failures(
    report: &Report<'_>,
    i: usize,
    check: &CheckHead,
    news: Option<&super::compare::News<'_>>,
    out: &mut String,
) {
    let shown = (check.failed as usize).min(NAMED);
    if shown > 0 {
        out.push_str("\n| Object | Expected | Actual | What |\n|---|---|---|---|\n");
    }
    for index in 0..shown {
        let f = report.view.failure(i, index);
        let new = if news.is_some_and(|n| n.has(&check.id, &f.key)) { "**new** " } else { "" };
        out.push_str(&format!(
            "| {new}{} | {} | {} | {} |\n",
            object(&f),
            value(&f.expected),
            value(&f.actual),
            md(&short(&f.message, 2 * VALUE))
        ));
    }
    if check.failed as usize > shown {
        out.push_str(&format!("\n{} more in audit.csv.\n", check.failed as usize - shown));
    }
    if check.unknown > 0 {
        out.push_str(&format!("\n{} object(s) could not be judged; audit.json names the first.\n", check.unknown));
    }
}

fn object(f: &Failure) -> String {
    match (&f.display_name, &f.dn) {
        (Some(name), Some(dn)) => format!("{} ({})", md(name), md(dn)),
        _ => md(f.name()),
    }
}

fn value(text: &Option<String>) -> String {
    text.as_deref().map_or_else(|| "–".to_owned(), |t| md(&short(t, VALUE)))
}

fn short(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}

fn resolved(report: &Report<'_>, out: &mut String) {
    let Some(baseline) = report.baseline else { return };
    for note in &baseline.notes {
        out.push_str(&format!("\n{}\n", md(note)));
    }
    if baseline.resolved.is_empty() {
        return;
    }
    out.push_str("\n## No longer failing\n\n");
    for r in baseline.resolved.iter().take(NAMED) {
        out.push_str(&format!(
            "- {} {}: {} ({})\n",
            r.fate.as_str(),
            r.check,
            md(&r.name),
            md(&short(&r.message, VALUE))
        ));
    }
    if baseline.resolved.len() > NAMED {
        out.push_str(&format!("- … and {} more in audit.json.\n", baseline.resolved.len() - NAMED));
    }
}
