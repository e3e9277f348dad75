//! What the Cloud Sync job's own mappings would make of name and place: C28–C31. Silent while no job exists.

use super::Rule;
use crate::assess::cloud::{Job, Predicted};
use crate::assess::subject::{Detail, Sink, Subject};
use crate::directory::{same_dn, split};
use crate::report::model::{Severity, Verdict};
use serde_json::json;
use std::borrow::Cow;

pub fn rules() -> Vec<Rule> {
    vec![
        Rule {
            id: "C28",
            title: "Would lose its Group_<id> name",
            condition: "AD: CN is Group_<guid>. The job's cn mapping yields another name.",
            why: "The first update renames the group; whatever knows it by distinguished name breaks.",
            remedy: "Map cn to Append(\"Group_\",[objectId]), or to an expression that keeps each name, or approve the rename.",
            severity: Severity::High,
            verdict: Verdict::Fix,
            sources: &["MIG26"],
            check: c28,
        },
        Rule {
            id: "C29",
            title: "Would be renamed",
            condition: "AD: CN differs from what the job's cn mapping yields (and is no Group_<guid>).",
            why: "The first update renames the group; whatever knows it by distinguished name breaks, and the new name may be taken.",
            remedy: "Change the mapping so that it keeps the name, or approve the rename and tell those who use the DN.",
            severity: Severity::Medium,
            verdict: Verdict::Fix,
            sources: &["MIG26"],
            check: c29,
        },
        Rule {
            id: "C30",
            title: "Would be moved",
            condition: "AD: the parent differs from what the job's parentDistinguishedName mapping yields.",
            why: "A moved group loses rights and policies that it inherits from its container; its DN changes.",
            remedy: "Map parentDistinguishedName to the group's container (constant, Switch or extension), or accept the move.",
            severity: Severity::High,
            verdict: Verdict::Fix,
            sources: &["CFG26", "GOV26"],
            check: c30,
        },
        Rule {
            id: "C31",
            title: "sAMAccountName",
            condition: "The job maps sAMAccountName to another value than AD has, or does not map it.",
            why: "Applications that know the group as DOMAIN\\name depend on it. Unmapped, an existing value is presumably left alone, which is not documented.",
            remedy: "Map sAMAccountName to the value AD has, or leave it unmapped and check the canary group.",
            severity: Severity::Medium,
            verdict: Verdict::Review,
            sources: &["CFG26"],
            check: c31,
        },
    ]
}

/// The CN of an AD group as its DN spells it.
fn current_cn<'a>(s: &Subject<'a>) -> Option<Cow<'a, str>> {
    Some(split(s.dn()?)?.0)
}

fn is_anchor_name(cn: &str) -> bool {
    crate::directory::AnchorText::read(Some(cn)).anchor().is_some()
}

/// Open because it is not known whether there is a job, or what its schema says.
fn job_open(s: &Subject<'_>, out: &mut Sink) {
    let (what, missing, remedy) = match &s.cx.cloud.job {
        Job::NotCollected => (
            "Whether a Cloud Sync job exists is open",
            "cloudsync/jobs.json",
            "Add cloudsync/jobs.json and schema.json (an empty jobs list says that there is none), or collect the tenant live.",
        ),
        Job::NoSchema(_) => (
            "A Cloud Sync job exists, but its mappings are not in the input",
            "cloudsync/schema.json",
            "Add cloudsync/schema.json (GET …/synchronization/jobs/{id}/schema), or collect the tenant live.",
        ),
        _ => return,
    };
    out.unknown(|| Detail::new(what).evidence(json!({ "missing": [missing] })).remedy(remedy));
}

fn unknown_detail(what: &str, candidates: &[String], reason: &str) -> Detail {
    Detail::new(format!("{what} cannot be predicted: {reason}"))
        .evidence(json!({ "candidates": candidates, "reason": reason }))
        .remedy("Ask the tenant's own parseExpression, or let a canary group show it.")
}

fn cn(s: &Subject<'_>, out: &mut Sink, for_anchor_names: bool) {
    if !s.in_ad() || s.anchor.is_none() {
        return;
    }
    let Some(current) = current_cn(s) else { return };
    if is_anchor_name(&current) != for_anchor_names {
        return;
    }
    let Some(projection) = s.projection() else { return job_open(s, out) };
    match &projection.cn {
        Predicted::Value(value) if value.eq_ignore_ascii_case(&current) => {}
        Predicted::Value(value) if value.to_lowercase() == current.to_lowercase() => {}
        Predicted::Value(value) => out.found(|| {
            Detail::new(format!("The job's cn mapping yields {value:?}"))
                .evidence(json!({ "current": current, "predicted": value, "expression": s.cx.cloud.expression("cn") }))
        }),
        Predicted::Unchanged => {}
        Predicted::Error(what) => out.unknown(|| unknown_detail("The new CN", &[], what)),
        Predicted::Unknown { candidates, reason } => out.unknown(|| unknown_detail("The new CN", candidates, reason)),
    }
}

fn c28(s: &Subject<'_>, out: &mut Sink) {
    cn(s, out, true);
}

fn c29(s: &Subject<'_>, out: &mut Sink) {
    cn(s, out, false);
}

fn c30(s: &Subject<'_>, out: &mut Sink) {
    if !s.in_ad() || s.anchor.is_none() {
        return;
    }
    let Some((_, current)) = s.dn().and_then(split) else { return };
    let Some(projection) = s.projection() else { return job_open(s, out) };
    match &projection.parent {
        Predicted::Value(value) if (*value == current || same_dn(value, &current)) => {}
        Predicted::Value(value) => out.found(|| {
            Detail::new(format!("The job's parentDistinguishedName mapping yields {value:?}")).evidence(
                json!({ "current": current, "predicted": value, "expression": s.cx.cloud.expression("parentDistinguishedName") }),
            )
        }),
        Predicted::Unchanged => {}
        Predicted::Error(what) => out.unknown(|| unknown_detail("The new container", &[], what)),
        Predicted::Unknown { candidates, reason } => out.unknown(|| unknown_detail("The new container", candidates, reason)),
    }
}

fn c31(s: &Subject<'_>, out: &mut Sink) {
    let Some((_, object)) = s.ad else { return };
    if s.anchor.is_none() {
        return;
    }
    let current = s.text(object.sam_account_name);
    let Some(projection) = s.projection() else { return job_open(s, out) };
    match &projection.sam_account_name {
        None => out.found_as(Severity::Info, Verdict::Migrate, || {
            Detail::new(
                "The job does not map sAMAccountName; the existing value is presumably left alone (not documented)",
            )
            .evidence(json!({ "current": current, "mapped": false }))
            .remedy("Nothing to fix; the canary group shows whether the value stays.")
        }),
        Some(Predicted::Value(value)) if current.is_some_and(|c| c.to_lowercase() == value.to_lowercase()) => {}
        Some(Predicted::Value(value)) => out.found(|| {
            Detail::new(format!("The job maps sAMAccountName to {value:?}"))
                .evidence(json!({ "current": current, "predicted": value, "mapped": true }))
        }),
        Some(Predicted::Unchanged) => {}
        Some(Predicted::Error(what)) => out.unknown(|| unknown_detail("The new sAMAccountName", &[], what)),
        Some(Predicted::Unknown { candidates, reason }) => {
            out.unknown(|| unknown_detail("The new sAMAccountName", candidates, reason))
        }
    }
}
