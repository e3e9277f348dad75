//! Cloud Sync's job and its log: A17, A18.

use super::{AuditRule, Hit, Outcome, Row, made_at_once};
use crate::audit::context::Context;
use crate::audit::model::Failure;
use crate::report::model::Severity;
use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Value, json};

pub fn checks() -> Vec<AuditRule> {
    vec![
        AuditRule {
            id: "A17",
            title: "The job is healthy",
            condition: "The job that writes to the domain is Active, without quarantine, has reached steady state, its last runs did not fail, and accidental deletions are held back with a recipient to be told.",
            why: "A job in quarantine provisions nothing, and no threshold means that nothing stops a mass deletion.",
            remedy: "Read the job's quarantine reason and its provisioning logs; set the threshold and a recipient in the configuration's properties.",
            severity: Severity::High,
            blocks: &[],
            sources: &["GSYNC", "DEL"],
            check: a17,
            show: made_at_once,
        },
        AuditRule {
            id: "A18",
            title: "The last provisioning of every group succeeded",
            condition: "The newest entry of the provisioning log of every group in scope is a success: no failure, no staged delete, no skip.",
            why: "A group that is skipped or escrowed stands still without anybody noticing.",
            remedy: "Look the error code up (Cloud Sync error codes), remove its cause, and provision the group on demand.",
            severity: Severity::High,
            blocks: &[],
            sources: &["GPOS", "ERR26"],
            check: a18,
            show: show_a18,
        },
    ]
}

pub(super) fn text<'v>(value: &'v Value, name: &str) -> Option<&'v str> {
    value.get(name).and_then(Value::as_str).filter(|t| !t.is_empty())
}

/// The jobs that write groups to AD, whole; `None` where jobs were not collected.
fn jobs<'c>(cx: &'c Context<'_>) -> Option<Vec<&'c Value>> {
    let to_ad = cx.assess.cloud.to_ad_jobs()?;
    let all = cx.inventory.cloud_sync.jobs.as_ref()?;
    Some(all.iter().filter(|job| to_ad.iter().any(|short| short.get("id") == job.get("id"))).collect())
}

/// A setting of the job by its name, among its own settings and what the notification secret says.
fn setting(job: &Value, name: &str) -> Option<String> {
    let of = |list: &Value, key: &str, value: &str| -> Option<String> {
        let entry = list.as_array()?.iter().find(|e| text(e, key).is_some_and(|n| n.eq_ignore_ascii_case(name)))?;
        entry.get(value)?.as_str().map(str::to_owned)
    };
    job.get("synchronizationJobSettings").and_then(|list| of(list, "name", "value"))
}

fn a17(cx: &Context<'_>) -> Outcome {
    let settle = "Add cloudsync/jobs.json (GET /servicePrincipals/{id}/synchronization/jobs), and look at the configuration's properties for the accidental-delete threshold and its recipient.";
    let Some(jobs) = jobs(cx) else { return Outcome::unknown("The jobs of Cloud Sync are not in the input", settle) };
    let mut out = Outcome::default();
    let mut lines = Vec::new();
    if jobs.is_empty() {
        out.failed.push(Hit::about(
            "Cloud Sync",
            "job",
            "No job provisions groups to AD: nobody maintains them",
            "one job",
            "none",
        ));
    }
    for job in &jobs {
        let id = text(job, "id").unwrap_or("(without id)");
        let null = Value::Null;
        let status = job.get("status").unwrap_or(&null);
        let code = text(status, "code").unwrap_or("");
        let mut fail = |what: &str, message: String, expected: &str, actual: &str| {
            out.failed.push(Hit::about(id, what, message, expected, actual));
        };
        match code {
            "Active" => {}
            "" => out.open.push(Hit::about(id, "code", "The job's status is not in the input", "Active", "")),
            other => fail("code", format!("The job is {other}"), "Active", other),
        }
        let quarantine = status.get("quarantine").filter(|q| !q.is_null());
        if let Some(quarantine) = quarantine {
            let reason = text(quarantine, "reason").unwrap_or("no reason given");
            let error = quarantine.get("error").and_then(|e| text(e, "message")).unwrap_or("");
            let since = text(quarantine, "currentBegan").unwrap_or("?");
            fail(
                "quarantine",
                format!("The job is in quarantine since {since}: {reason} {error}").trim_end().to_owned(),
                "no quarantine",
                reason,
            );
        }
        let failures = status.get("countSuccessiveCompleteFailures").and_then(Value::as_u64);
        match failures {
            Some(0) => {}
            Some(n) => fail("failures", format!("{n} runs in a row failed altogether"), "0", &n.to_string()),
            None if !code.is_empty() => {
                out.open.push(Hit::about(id, "failures", "How often the job failed is not in the input", "0", ""))
            }
            None => {}
        }
        let steady =
            text(status, "steadyStateLastAchievedTime").or_else(|| text(status, "steadyStateFirstAchievedTime"));
        let never = |time: &str| time.starts_with("0001-");
        match steady {
            Some(time) if !never(time) => {}
            Some(_) => out.failed.push(Hit::about(
                id,
                "steady state",
                "The job has never come to the end of its first cycle",
                "steady state",
                "never",
            )),
            None if !code.is_empty() => out.open.push(Hit::about(
                id,
                "steady state",
                "Whether the job has reached steady state is not in the input",
                "steady state",
                "",
            )),
            None => {}
        }
        let last = status.get("lastExecution").filter(|e| !e.is_null());
        if let Some(state) = last.and_then(|e| text(e, "state"))
            && state.eq_ignore_ascii_case("Failed")
        {
            let error = last.and_then(|e| e.get("error")).and_then(|e| text(e, "message")).unwrap_or("");
            out.failed.push(Hit::about(
                id,
                "last run",
                format!("The last run failed {error}").trim_end().to_owned(),
                "Succeeded",
                state,
            ));
        }
        threshold(cx, job, id, &mut out);
        lines.push(json!({
            "id": id, "code": code, "quarantine": quarantine, "countSuccessiveCompleteFailures": failures, "steadyState": steady,
            "lastExecution": last, "settings": job.get("synchronizationJobSettings"),
        }));
    }
    out.evidence = json!({ "jobs": lines });
    out.message = match (out.failed.len(), out.open.len()) {
        (0, 0) => format!("{} job(s), healthy", jobs.len()),
        (0, n) => format!("{} job(s), healthy as far as the input tells; {n} point(s) are open", jobs.len()),
        (n, _) => format!("{n} thing(s) wrong with {} job(s)", jobs.len()),
    };
    out.remedy = Some(settle.to_owned());
    out
}

/// Accidental deletions: the job's own settings, or the notification settings of its configuration.
fn threshold(cx: &Context<'_>, job: &Value, id: &str, out: &mut Outcome) {
    let notification = cx.inventory.cloud_sync.notifications.as_ref().and_then(|all| all.first());
    let own = |name: &str| setting(job, name);
    let shared = |name: &str| {
        notification.and_then(|n| n.get(name)).map(|v| v.as_str().map_or_else(|| v.to_string(), str::to_owned))
    };
    let enabled = own("DeleteThresholdEnabled").or_else(|| shared("DeleteThresholdEnabled"));
    let value = own("DeleteThresholdValue").or_else(|| shared("DeleteThresholdValue"));
    let recipients = shared("Recipients").or_else(|| own("Recipients"));
    match enabled.as_deref().map(|e| e.eq_ignore_ascii_case("true")) {
        Some(true) => {}
        Some(false) => out.failed.push(Hit::about(
            id,
            "delete threshold",
            "Accidental deletions are not held back",
            "true",
            "false",
        )),
        None => out.open.push(Hit::about(
            id,
            "delete threshold",
            "Whether accidental deletions are held back is not in the input",
            "on, with a recipient",
            "",
        )),
    }
    if enabled.is_some() {
        match recipients.as_deref().map(|r| r.contains('@')) {
            Some(true) => {}
            Some(false) => out.failed.push(Hit::about(
                id,
                "recipient",
                "Nobody is told when deletions are held back",
                "a recipient",
                "none",
            )),
            None => out.open.push(Hit::about(
                id,
                "recipient",
                "Whether somebody is told when deletions are held back is not in the input",
                "a recipient",
                "",
            )),
        }
    }
    if value.as_deref().and_then(|v| v.parse::<u64>().ok()) == Some(0) {
        out.failed.push(Hit::about(id, "delete threshold value", "The threshold of deletions is 0", "above 0", "0"));
    }
}

fn time(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}

fn a18(cx: &Context<'_>) -> Outcome {
    let settle = "Add cloudsync/provisioningLogs*.json (GET /auditLogs/provisioning, 30 days), or collect live with --for audit.";
    let Some(logs) = &cx.evidence.logs else {
        return Outcome::unknown("The provisioning log is not in the input", settle);
    };
    let mut out = Outcome::default();
    let (mut wanted, mut logged) = (0u64, 0u64);
    for (position, entry) in cx.each().filter(|(_, e)| e.scope != Some(false) && cx.is_wanted(e)) {
        wanted += 1;
        match logs.group(entry.id) {
            Some(log) => {
                logged += 1;
                if !log.last.is_success() {
                    out.failed.push(Hit::row(position, 0, 0));
                }
            }
            None => {
                // Without a change there is no entry; but who was taken over while the log was kept must be in it.
                let taken = cx.before(entry).and_then(|b| b.since);
                if logs.first.zip(taken).is_some_and(|(first, taken)| taken >= first) && !logs.cut {
                    out.open.push(Hit::row(position, 1, 0));
                }
            }
        }
    }
    out.evidence = json!({
        "entries": logs.read, "unreadable": logs.unreadable, "whole": !logs.cut, "from": logs.first.map(time), "to": logs.last.map(time),
        "groupsInScope": wanted, "groupsWithEntry": logged,
    });
    out.remedy = Some(settle.to_owned());
    out.message = match out.failed.len() {
        0 => format!("{logged} of {wanted} groups have an entry in the log, the newest of each a success"),
        n => format!("The newest entry of {n} groups is no success"),
    };
    if logged == 0 && out.open.is_empty() {
        out.status = Some(crate::report::model::GateStatus::Unknown);
        out.message = match wanted {
            0 => "No group is in scope by what the input tells".to_owned(),
            _ => format!("The log has no entry of any of {wanted} groups"),
        };
    }
    out
}

fn show_a18(cx: &Context<'_>, row: Row) -> Failure {
    let entry = cx.entry(row.entry);
    let log = cx.evidence.logs.as_ref().and_then(|l| l.group(entry.id)).map(|g| &g.last);
    let Some(last) = log else {
        let mut failure = cx.failure(
            row.entry,
            "",
            "The group was taken over while the log was kept, and the log has no entry of it",
        );
        failure.expected = Some("success".to_owned());
        failure.actual = Some("no entry".to_owned());
        return failure;
    };
    let why = [last.code.as_deref(), last.reason.as_deref()].into_iter().flatten().collect::<Vec<_>>().join(": ");
    let what = match last.is_staged_delete() {
        true => "a staged delete: the job holds back the deletion of the group".to_owned(),
        false => format!("{} ({})", last.status, last.action),
    };
    let mut failure = cx.failure(
        row.entry,
        "",
        format!("The newest entry of the log, at {}, is {what} {why}", time(last.time)).trim_end(),
    );
    failure.expected = Some("success".to_owned());
    failure.actual = Some(if last.is_staged_delete() { "stagedDelete".to_owned() } else { last.status.clone() });
    failure.evidence = json!({ "time": time(last.time), "action": last.action, "status": last.status, "errorCode": last.code, "reason": last.reason });
    failure
}
