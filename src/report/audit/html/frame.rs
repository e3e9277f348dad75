//! What the page says around its rows, as the value that the template is filled from. Every text from the input has its
//! invisible characters made visible here, once, at the end.

use super::super::Report;
use super::super::compare::{Comparison, News};
use super::super::words::{ordered, since, verdict};
use super::rows::Selection;
use super::trend::trend;
use crate::audit::model::{CheckHead, Failure};
use crate::report::html::count;
use crate::report::html::facts::facts;
use crate::report::html::gates::{source_value, status_label};
use crate::report::html::text::{beyond, make_visible, moment, thousands};
use crate::report::model::{GateStatus, Severity};
use serde_json::{Value, json};

/// Failures that a check's card names; the rest stands in the table below.
const NAMED: usize = 6;
/// Steps under "What to do next".
const STEPS: usize = 6;
/// Problems of the input, and resolved failures, that the page lists.
const LISTED: usize = 200;

pub(super) fn page(report: &Report<'_>, selection: &Selection) -> Value {
    let view = report.view;
    let header = view.header();
    let (b, s) = (&header.bundle, &header.summary);
    let (headline, more) = verdict(view);
    let order = ordered(view);
    let place = b.domain.as_deref().unwrap_or("Domain not named in the input");
    let kicker = b.tenant.as_ref().map_or_else(|| place.to_owned(), |tenant| format!("{place} / {tenant}"));
    let mut page = json!({
        "title": match &b.domain {
            Some(domain) => format!("Audit of {domain} - groupshift"),
            None => "Audit - groupshift".to_owned(),
        },
        "version": env!("CARGO_PKG_VERSION"),
        "schema": header.schema,
        "partial": !b.complete,
        "anonymised": b.anonymised,
        "kicker": kicker,
        "created": moment(&b.created),
        "headline": headline,
        "lede": more,
        "since": report.baseline.map(since),
        "steps": steps(report, &order),
        "nothingToDo": "Nothing fails and nothing is open. Audit again tomorrow.",
        "facts": fact_rows(report),
        "tiles": [
            tile(s.checks.fail, "checks fail", "status-fail", "minus"),
            tile(s.checks.unknown, "checks not known", "status-unknown", "maybe"),
            tile(s.checks.pass, "checks pass", "status-pass", "plus"),
            tile(s.checks.not_applicable, "do not apply", "status-not-applicable", "quiet"),
            tile(s.groups_failing, "groups not as they should be", "groups", "minus"),
            tile(s.groups_unknown, "groups with open questions", "show=unknown", "maybe"),
        ],
        "baseline": report.baseline.map(baseline),
        "trend": trend(report.trend),
        "statuses": statuses(report, &order),
        "checkOptions": (0..view.checks()).map(|i| view.check(i)).filter(|c| c.failed + c.unknown > 0)
            .map(|c| json!({ "id": c.id, "title": c.title })).collect::<Vec<_>>(),
        "cut": selection.notable.map(|notable| format!(
            "This page holds {} of {} groups: the first of the {} of which something fails or is not known. audit.csv has every failure.",
            thousands(selection.len() as u64), thousands(selection.total as u64), thousands(notable as u64)
        )),
        "limits": header.limits,
        "noLimits": if b.complete {
            "The collection was complete: it states no limits."
        } else {
            "The collection was accepted as partial, but its certificate names no limit."
        },
        "problemCount": count(header.problems.len() as u64, "problem in the input", "problems in the input"),
        "problems": header.problems.iter().take(LISTED).collect::<Vec<_>>(),
        "moreProblems": beyond(header.problems.len(), LISTED, "audit.json lists all of them"),
        "rules": report.registry.iter().map(|text| json!({
            "id": text.id, "title": text.title, "why": text.why, "remedy": text.remedy,
            "sources": text.sources.iter().map(source_value).collect::<Vec<_>>(),
        })).collect::<Vec<_>>(),
    });
    make_visible(&mut page);
    page
}

fn fact(label: &str, value: impl Into<Option<String>>) -> Value {
    json!({ "label": label, "value": value.into() })
}

fn fact_rows(report: &Report<'_>) -> Vec<Value> {
    let header = report.view.header();
    let (b, s) = (&header.bundle, &header.summary);
    let against = match &header.against.name {
        Some(name) => {
            format!("{} {name}, {}", header.against.kind.as_str(), count(header.against.groups, "group", "groups"))
        }
        None => "nothing but the tenant itself: what the groups were before is not known".to_owned(),
    };
    let mut rows = vec![
        fact("Collected", moment(&b.created)),
        fact("Domain", b.domain.clone()),
        fact("Tenant", b.tenant.clone()),
        fact("Container", b.writeback_container.clone()),
        fact("Collection", if b.complete { "complete".to_owned() } else { "partial".to_owned() }),
        fact("Held against", against),
    ];
    if let Some(taken) = &header.against.taken {
        rows.push(fact("As of", moment(taken)));
    }
    if let Some(sha256) = &header.against.sha256 {
        rows.push(fact("Its SHA-256", sha256.clone()));
    }
    rows.push(fact("Groups", format!("{} audited", thousands(s.groups))));
    rows.push(fact("Memberships", format!("{} direct, in AD", thousands(s.memberships))));
    rows.push(fact("Bundle SHA-256", b.sha256.clone()));
    rows
}

/// A number with what it counts and where on the page it leads.
fn tile(n: u64, label: &str, to: &str, class: &str) -> Value {
    json!({ "n": thousands(n), "label": label, "to": to, "class": class, "any": n > 0 })
}

/// What to do next: failing checks, worst first, then what would settle open ones of high severity.
fn steps(report: &Report<'_>, order: &[usize]) -> Vec<Value> {
    let view = report.view;
    order
        .iter()
        .map(|i| view.check(*i))
        .filter(|c| c.status == GateStatus::Fail || c.status == GateStatus::Unknown && c.severity >= Severity::High)
        .take(STEPS)
        .map(|c| {
            let new = report.baseline.and_then(|b| b.checks.iter().find(|x| x.id == c.id)).map_or(0, |x| x.counts.new);
            json!({
                "id": c.id,
                "head": c.title,
                "class": if c.status == GateStatus::Fail { c.severity.as_str() } else { "unknown" },
                "label": match (c.status, new) {
                    (GateStatus::Fail, 0) => c.severity.as_str().to_owned(),
                    (GateStatus::Fail, new) => format!("{}, {} new", c.severity.as_str(), thousands(new)),
                    _ => "not known".to_owned(),
                },
                "detail": c.remediation,
            })
        })
        .collect()
}

fn baseline(b: &Comparison) -> Value {
    let c = &b.counts;
    json!({
        "name": b.name, "created": moment(&b.created), "notes": b.notes,
        "tiles": [
            tile(c.new, "new", "state=new", "minus"), tile(c.unchanged, "unchanged", "state=unchanged", "maybe"),
            tile(c.fixed, "fixed", "resolved", "plus"), tile(c.gone, "of objects audited no more", "resolved", "quiet"),
            tile(c.open, "not known this time", "resolved", "quiet"),
        ],
        "resolvedCount": count(b.resolved.len() as u64, "failure of the last audit is", "failures of the last audit are"),
        "resolved": b.resolved.iter().take(LISTED).map(|r| json!({
            "fate": r.fate.as_str(), "check": r.check, "name": r.name, "message": r.message,
        })).collect::<Vec<_>>(),
        "moreResolved": beyond(b.resolved.len(), LISTED, "audit.json lists all of them"),
        "changes": b.checks.iter().filter(|x| x.before.is_some_and(|before| before != x.now)).map(|x| json!({
            "id": x.id, "before": x.before.map(status_label), "now": status_label(x.now), "class": x.now.as_str(),
        })).collect::<Vec<_>>(),
    })
}

/// The checks by status, the worst first in each.
fn statuses(report: &Report<'_>, order: &[usize]) -> Vec<Value> {
    let view = report.view;
    let news = report.baseline.map(|b| b.news());
    [
        (GateStatus::Fail, "Fail"),
        (GateStatus::Unknown, "Not known"),
        (GateStatus::Pass, "Pass"),
        (GateStatus::NotApplicable, "Do not apply"),
    ]
    .into_iter()
    .map(|(status, heading)| {
        let checks: Vec<Value> = order
            .iter()
            .filter(|i| view.check(**i).status == status)
            .map(|i| card(report, *i, news.as_ref()))
            .collect();
        json!({ "heading": heading, "key": status.as_str(), "checks": checks })
    })
    .collect()
}

fn card(report: &Report<'_>, index: usize, news: Option<&News<'_>>) -> Value {
    let view = report.view;
    let check: &CheckHead = view.check(index);
    let open = matches!(check.status, GateStatus::Fail | GateStatus::Unknown);
    let shown = (check.failed as usize).min(NAMED);
    let failures: Vec<Value> = (0..shown)
        .map(|i| {
            let f = view.failure(index, i);
            let new = news.is_some_and(|n| n.has(&check.id, &f.key));
            line(&f, new)
        })
        .collect();
    let unknowns: Vec<Value> = match check.status {
        GateStatus::Unknown => {
            let listed = (check.unknown as usize).min(NAMED).min(crate::audit::model::UNKNOWNS_LISTED);
            (0..listed).map(|i| line(&view.open(index, i), false)).collect()
        }
        _ => Vec::new(),
    };
    json!({
        "id": check.id,
        "title": check.title,
        "status": check.status.as_str(),
        "statusLabel": status_label(check.status),
        "severity": check.severity.as_str(),
        "message": check.message,
        "remediation": if open { check.remediation.as_str() } else { "" },
        "remedyLabel": if check.status == GateStatus::Unknown { "What would settle it." } else { "What to do." },
        "blocks": if open { check.blocks.join(", ") } else { String::new() },
        "failures": failures,
        "unknowns": unknowns,
        "more": (check.failed as usize > shown).then(|| format!("All {} of them", thousands(check.failed))),
        "openCount": (check.unknown > 0).then(|| count(check.unknown, "object could not be judged", "objects could not be judged")),
        "facts": facts(&check.evidence),
    })
}

fn line(f: &Failure, new: bool) -> Value {
    json!({
        "name": f.display_name.as_deref().unwrap_or_else(|| f.name()),
        "dn": f.dn, "expected": f.expected, "actual": f.actual, "attribute": f.attribute, "message": f.message, "new": new,
    })
}
