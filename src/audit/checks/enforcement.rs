//! Whether AD itself refuses other writers: A10–A12.

use super::{AuditRule, Hit, Outcome, Row, made_at_once};
use crate::audit::context::Context;
use crate::audit::model::Failure;
use crate::audit::principals::Standing;
use crate::directory::Sid;
use crate::report::model::{GateStatus, Severity};
use serde_json::json;

pub fn checks() -> Vec<AuditRule> {
    vec![
        AuditRule {
            id: "A10",
            title: "Groups marked as mastered in the cloud",
            condition: "Where the domain has an enforcement policy, msDS-ObjectSoa is Cloud on every group.",
            why: "Without the mark the policy does not protect the group.",
            remedy: "Add the constant mapping msDS-ObjectSoa = Cloud to the job, and restart it.",
            severity: Severity::Medium,
            blocks: &[],
            sources: &["ENF26"],
            check: a10,
            show: show_a10,
        },
        AuditRule {
            id: "A11",
            title: "The enforcement policy is in force",
            condition: "CN=Cloud,CN=SOA-Policies,CN=System is Enforced; its SIDs are the agent's account and approved writers, all resolve, and there are at most 64.",
            why: "One SID that does not resolve keeps the whole policy from loading; in Audit mode nothing is blocked.",
            remedy: "Run Set-CloudSyncSOAPolicy.ps1 again with the right accounts.",
            severity: Severity::High,
            blocks: &[],
            sources: &["ENF26"],
            check: a11,
            show: made_at_once,
        },
        AuditRule {
            id: "A12",
            title: "Every controller can enforce",
            condition: "Every writable domain controller runs Windows Server 2022 or 2025 with ntdsai.dll 10.0.20348.5257 or 10.0.26100.32995 or later, the known-issue-rollback policy on, and Security Diagnostics 1.",
            why: "A controller that does not enforce is the way around the policy.",
            remedy: "Update the controllers, apply the group policy package, restart them.",
            severity: Severity::High,
            blocks: &[],
            sources: &["ENF26"],
            check: a12,
            show: made_at_once,
        },
    ]
}

/// The most SIDs that a policy may hold.
const MOST_SIDS: usize = 64;

const SETTLE: &str = "Export CN=SOA-Policies,CN=System,… of the domain with msDS-Settings, and msDS-ObjectSoa of the groups; or collect live.";

/// The policy's settings; `Err` is what the check then says.
fn policy<'c>(cx: &'c Context<'_>) -> Result<&'c [String], Box<Outcome>> {
    let environment = &cx.inventory.ad.environment;
    match &environment.soa_policy {
        Some(settings) => Ok(settings),
        None if environment.soa_policy_searched => {
            Err(Box::new(Outcome::not_applicable("The domain has no enforcement policy: enforcement was not chosen")))
        }
        None => {
            Err(Box::new(Outcome::unknown("Whether the domain has an enforcement policy is not in the input", SETTLE)))
        }
    }
}

fn is_cloud(cx: &Context<'_>, position: u32) -> bool {
    let soa = cx.ad(cx.entry(position)).and_then(|(g, _)| cx.text(g.object_soa));
    soa.is_some_and(|v| v.eq_ignore_ascii_case("Cloud"))
}

fn a10(cx: &Context<'_>) -> Outcome {
    let settings = match policy(cx) {
        Ok(settings) => settings,
        Err(outcome) => return *outcome,
    };
    let mut out = Outcome::default();
    let mut groups = 0u64;
    for (position, _) in cx.each().filter(|(_, e)| cx.ad(e).is_some()) {
        groups += 1;
        if !is_cloud(cx, position) {
            out.failed.push(Hit::row(position, 0, 0));
        }
    }
    out.evidence = json!({ "groups": groups, "policy": settings });
    out.message = match out.failed.len() {
        0 => format!("{groups} groups are marked as mastered in the cloud"),
        n => format!("{n} of {groups} groups lack the mark, so the policy does not protect them"),
    };
    out
}

fn show_a10(cx: &Context<'_>, row: Row) -> Failure {
    let found = cx.ad(cx.entry(row.entry)).and_then(|(g, _)| cx.text(g.object_soa));
    let mut failure = cx.failure(row.entry, "", "msDS-ObjectSoa is not Cloud");
    failure.attribute = Some("msDS-ObjectSoa".to_owned());
    failure.expected = Some("Cloud".to_owned());
    failure.actual = Some(found.unwrap_or("empty").to_owned());
    failure
}

/// SIDs among the settings, which is written down nowhere in full: whatever looks like one.
fn sids(settings: &[String]) -> Vec<Sid> {
    let piece = |c: char| !(c.is_ascii_alphanumeric() || c == '-');
    settings.iter().flat_map(|text| text.split(piece)).filter_map(Sid::parse).collect()
}

fn a11(cx: &Context<'_>) -> Outcome {
    let settings = match policy(cx) {
        Ok(settings) => settings,
        Err(outcome) => return *outcome,
    };
    let mut out = Outcome::default();
    let subject = "CN=Cloud,CN=SOA-Policies";
    let has = |word: &str| settings.iter().any(|v| v.to_ascii_lowercase().contains(word));
    let mode = match (has("enforced"), has("audit")) {
        (true, false) => "Enforced",
        (false, true) => "Audit",
        (true, true) => "both Enforced and Audit",
        (false, false) => "none",
    };
    if mode != "Enforced" {
        out.failed.push(Hit::about(
            subject,
            "mode",
            format!("The policy's mode is {mode}: nothing is blocked"),
            "Enforced",
            mode,
        ));
    }
    let sids = sids(settings);
    if sids.len() > MOST_SIDS {
        let message = format!("{} SIDs, and a policy with more than {MOST_SIDS} does not load", sids.len());
        out.failed.push(Hit::about(
            subject,
            "count",
            message,
            &format!("at most {MOST_SIDS}"),
            &sids.len().to_string(),
        ));
    }
    match cx.principals.agent() {
        Some((name, agent)) if !sids.contains(agent) => {
            let message = format!("The agent's account {name} is not among the policy's SIDs: Cloud Sync cannot write");
            out.failed.push(Hit::about(subject, "agent", message, &agent.to_string(), "not listed"));
        }
        Some(_) => {}
        None => out.open.push(Hit::about(
            subject,
            "agent",
            "The agent's account is not known, so whether it is listed is open",
            "the agent's SID",
            "",
        )),
    }
    let environment = &cx.inventory.ad;
    let has_accounts = environment.is_whole() && cx.assess.index.has_ad_users;
    for sid in &sids {
        let text = sid.to_string();
        if !cx.principals.is_known(sid) {
            let message = format!(
                "{text} is no account of the input: a SID that does not resolve keeps the whole policy from loading"
            );
            let hit = Hit::about(subject, &text, message, "an account that exists", &text);
            if has_accounts {
                out.failed.push(hit)
            } else {
                out.open.push(hit)
            }
            continue;
        }
        match cx.principals.standing(sid) {
            Standing::Agent | Standing::Approved | Standing::ByMembers => {}
            Standing::Unclear => out.open.push(Hit::about(
                subject,
                &text,
                format!("Whether {text} is the agent's account is open"),
                "the agent's account",
                &text,
            )),
            Standing::Administrator | Standing::Connect | Standing::Other => {
                let name = cx.principals.name(sid);
                let message =
                    format!("{name} may write governed objects, and is neither the agent nor an approved writer");
                out.failed.push(Hit::about(subject, &text, message, "the agent's account and approved writers", &name));
            }
        }
    }
    out.evidence = json!({ "mode": mode, "sids": sids.iter().map(|s| json!({ "sid": s, "name": cx.principals.name(s) })).collect::<Vec<_>>(), "settings": settings });
    out.message = match out.failed.len() {
        0 => format!("The policy is {mode}, with {} account(s)", sids.len()),
        n => format!("{n} thing(s) wrong with the enforcement policy"),
    };
    out.remedy = Some("Name the agent's account ([ad] agent_account) and export the accounts of the domain with their SIDs, or collect live.".to_owned());
    out
}

fn a12(cx: &Context<'_>) -> Outcome {
    if let Err(outcome) = policy(cx) {
        return *outcome;
    }
    let settle = "On every writable controller look at the version of ntdsai.dll, the known-issue-rollback policy and the level of Security Diagnostics; Check-CloudSyncSOAPolicy.ps1 checks the policy.";
    let mut out = Outcome::default();
    let controllers = &cx.inventory.ad.environment.domain_controllers;
    for controller in controllers {
        let system = controller.operating_system.as_deref();
        let year = system.and_then(|text| {
            text.split(|c: char| !c.is_ascii_digit()).find_map(|part| part.parse::<u32>().ok().filter(|y| *y >= 2000))
        });
        match year {
            Some(year) if year >= 2022 => {}
            Some(_) => {
                let message = format!("{} runs {}, which cannot enforce", controller.name, system.unwrap_or_default());
                out.failed.push(Hit::about(
                    &controller.name,
                    "system",
                    message,
                    "Windows Server 2022 or 2025",
                    system.unwrap_or_default(),
                ));
            }
            None => out.open.push(Hit::about(
                &controller.name,
                "system",
                format!("The operating system of {} is not in the input", controller.name),
                "Windows Server 2022 or 2025",
                "",
            )),
        }
    }
    out.evidence = json!({ "controllers": controllers });
    out.message = match out.failed.len() {
        0 if controllers.is_empty() => "No domain controller is in the input".to_owned(),
        0 => format!(
            "{} controllers by their operating system; patch level and settings are not readable over LDAP",
            controllers.len()
        ),
        n => format!("{n} of {} controllers cannot enforce", controllers.len()),
    };
    out.remedy = Some(settle.to_owned());
    // The file version and the registry of a controller are not in its directory.
    out.status = Some(GateStatus::Unknown);
    out
}
