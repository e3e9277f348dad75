//! `audit.sarif`: SARIF 2.1.0, for code scanning and other collectors of findings. Each failure is a result with the
//! directory's name of its object as logical location; a check that passes, is not known or does not apply is one result
//! of that kind, so that nothing is left out.

use super::compare::{Fate, News};
use super::{Report, each_failure, unwritten};
use crate::audit::model::{CheckHead, Failure};
use crate::error::Result;
use crate::report::model::{GateStatus, Severity};
use crate::report::plain;
use serde_json::{Value, json};
use std::io::Write;

const SCHEMA: &str = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

pub(super) fn write(report: &Report<'_>, out: &mut dyn Write) -> Result<()> {
    let fail = unwritten("the SARIF log");
    let view = report.view;
    let run = run(report);
    let run = run.strip_suffix('}').unwrap_or(&run);
    write!(out, "{{\n\"$schema\": \"{SCHEMA}\",\n\"version\": \"2.1.0\",\n\"runs\": [\n{run},\n\"results\": [")
        .map_err(&fail)?;
    let news = report.baseline.map(|b| b.news());
    let mut first = true;
    let mut put = |value: Value, out: &mut dyn Write| {
        let between = if std::mem::take(&mut first) { "\n" } else { ",\n" };
        write!(out, "{between}{value}").map_err(unwritten("the SARIF log"))
    };
    for index in 0..view.checks() {
        let check = view.check(index);
        if check.failed == 0 {
            put(whole(check, index), out)?;
        }
        each_failure(view, index, &mut |failures| {
            for failure in failures {
                put(result(check, index, failure, news.as_ref()), out)?;
            }
            Ok(true)
        })?;
    }
    for gone in report.baseline.iter().flat_map(|b| &b.resolved).filter(|r| r.fate != Fate::Open) {
        let Some(index) = (0..view.checks()).find(|i| view.check(*i).id == gone.check) else { continue };
        let mut value = json!({
            "ruleId": gone.check, "ruleIndex": index, "level": "none", "kind": "pass", "baselineState": "absent",
            "message": { "text": plain(&gone.message) },
            "partialFingerprints": { "groupshiftKey/v1": format!("{}|{}", gone.check, gone.key) },
        });
        value["locations"] = location(gone.dn.as_deref(), &gone.name);
        put(value, out)?;
    }
    out.write_all(b"\n]}\n]\n}\n").map_err(&fail)
}

/// Everything of the run but its results.
fn run(report: &Report<'_>) -> String {
    let view = report.view;
    let h = view.header();
    let rules: Vec<Value> = (0..view.checks()).map(|i| rule(report, view.check(i))).collect();
    let note = |text: &String| json!({ "level": "warning", "message": { "text": plain(text) } });
    let mut run = json!({
        "tool": { "driver": {
            "name": "groupshift",
            "version": env!("CARGO_PKG_VERSION"),
            "semanticVersion": env!("CARGO_PKG_VERSION"),
            "rules": rules,
        } },
        "invocations": [{
            "executionSuccessful": true,
            "toolExecutionNotifications": h.limits.iter().map(note).collect::<Vec<_>>(),
        }],
        "automationDetails": { "id": format!("groupshift/audit/{}/", h.bundle.domain.as_deref().map(plain).unwrap_or_else(|| "unknown".to_owned())) },
        "columnKind": "unicodeCodePoints",
        "properties": {
            "bundle": h.bundle, "against": h.against, "summary": h.summary,
        },
    });
    if let Some(b) = report.baseline {
        run["properties"]["baseline"] =
            json!({ "name": b.name, "created": b.created, "counts": b.counts, "notes": b.notes });
    }
    run.to_string()
}

fn rule(report: &Report<'_>, check: &CheckHead) -> Value {
    let text = report.registry.iter().find(|t| t.id == check.id);
    let why = text.map_or(check.title.as_str(), |t| t.why);
    let remedy = text.map_or(check.remediation.as_str(), |t| t.remedy);
    json!({
        "id": check.id,
        "name": check.title,
        "shortDescription": { "text": check.title },
        "fullDescription": { "text": why },
        "help": { "text": if remedy.is_empty() { why } else { remedy } },
        "defaultConfiguration": { "level": level(check.severity) },
        "properties": { "severity": check.severity.as_str(), "sources": check.sources, "tags": ["active-directory", "entra"] },
    })
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Blocker | Severity::High => "error",
        Severity::Medium => "warning",
        Severity::Low | Severity::Info => "note",
    }
}

/// The one result of a check without failures.
fn whole(check: &CheckHead, index: usize) -> Value {
    let kind = match check.status {
        GateStatus::Pass => "pass",
        GateStatus::NotApplicable => "notApplicable",
        GateStatus::Unknown => "open",
        GateStatus::Fail => "fail",
    };
    let level = if check.status == GateStatus::Fail { level(check.severity) } else { "none" };
    let mut text = plain(&check.message);
    if check.status == GateStatus::Unknown && !check.remediation.is_empty() {
        text.push_str(&format!(" What would settle it: {}", plain(&check.remediation)));
    }
    json!({
        "ruleId": check.id, "ruleIndex": index, "level": level, "kind": kind,
        "message": { "text": text },
        "partialFingerprints": { "groupshiftKey/v1": format!("{}|", check.id) },
        "properties": { "severity": check.severity.as_str(), "evidence": check.evidence, "unknown": check.unknown },
    })
}

fn result(check: &CheckHead, index: usize, f: &Failure, news: Option<&News<'_>>) -> Value {
    let mut value = json!({
        "ruleId": check.id, "ruleIndex": index, "level": level(check.severity), "kind": "fail",
        "message": { "text": plain(&f.message) },
        "partialFingerprints": { "groupshiftKey/v1": format!("{}|{}", check.id, f.key) },
        "properties": {
            "severity": check.severity.as_str(), "objectId": f.object_id, "objectGuid": f.object_guid, "sid": f.sid,
            "dn": f.dn, "subject": f.subject, "attribute": f.attribute, "expected": f.expected, "actual": f.actual,
            "evidence": f.evidence,
        },
    });
    value["locations"] = location(f.dn.as_deref(), f.display_name.as_deref().unwrap_or_else(|| f.name()));
    if let Some(news) = news {
        value["baselineState"] = json!(if news.has(&check.id, &f.key) { "new" } else { "unchanged" });
    }
    value
}

/// An object of the directory has no file and no line: its name is a logical location.
fn location(dn: Option<&str>, name: &str) -> Value {
    json!([{ "logicalLocations": [{
        "name": plain(name), "fullyQualifiedName": plain(dn.unwrap_or(name)), "kind": "resource",
    }] }])
}
