//! The gates as the page lists them: those that stand first, each with what it holds back and what would settle it.

use serde_json::{Value, json};

use super::RuleText;
use super::facts::facts;
use super::text::count;
use crate::report::model::{Gate, GateStatus, Severity};

/// A gate that somebody must settle first: unknown is never pass.
pub(in crate::report) fn holds_back(gate: &Gate) -> bool {
    matches!(gate.status, GateStatus::Fail | GateStatus::Unknown) && gate.severity >= Severity::High
}

pub(in crate::report) fn status_label(status: GateStatus) -> &'static str {
    match status {
        GateStatus::Pass => "passes",
        GateStatus::Fail => "fails",
        GateStatus::Unknown => "not known",
        GateStatus::NotApplicable => "not applicable",
    }
}

pub(in crate::report) fn gate_order(gate: &Gate) -> (u8, std::cmp::Reverse<Severity>) {
    let status = match gate.status {
        GateStatus::Fail => 0,
        GateStatus::Unknown => 1,
        GateStatus::Pass => 2,
        GateStatus::NotApplicable => 3,
    };
    (status, std::cmp::Reverse(gate.severity))
}

pub(in crate::report) fn gate_sentence(gates: &[Gate]) -> String {
    let with = |status: GateStatus| gates.iter().filter(|gate| gate.status == status).count() as u64;
    format!(
        "{} of the environment: {}, {} not known, {}, {} not applicable. Unknown is never counted as passed.",
        count(gates.len() as u64, "condition", "conditions"),
        count(with(GateStatus::Fail), "fails", "fail"),
        with(GateStatus::Unknown),
        count(with(GateStatus::Pass), "passes", "pass"),
        with(GateStatus::NotApplicable),
    )
}

/// Gates in groups of one status; within a group the worst first, then in their published order.
pub(in crate::report) fn gate_groups(gates: &[Gate], registry: &[RuleText<'_>]) -> Vec<Value> {
    let mut sorted: Vec<&Gate> = gates.iter().collect();
    sorted.sort_by_key(|gate| gate_order(gate));
    let headings = [
        (GateStatus::Fail, "Fail"),
        (GateStatus::Unknown, "Not known"),
        (GateStatus::Pass, "Pass"),
        (GateStatus::NotApplicable, "Not applicable"),
    ];
    let of = |status: GateStatus| -> Vec<Value> {
        sorted.iter().filter(|gate| gate.status == status).map(|gate| gate_card(gate, registry)).collect()
    };
    headings.iter().map(|(status, heading)| json!({ "heading": heading, "gates": of(*status) })).collect()
}

pub(in crate::report) fn gate_card(gate: &Gate, registry: &[RuleText<'_>]) -> Value {
    let open = matches!(gate.status, GateStatus::Fail | GateStatus::Unknown);
    let facts = facts(&gate.evidence);
    let about = registry.iter().any(|text| text.id == gate.id);
    // What is folded away: evidence always, the foot only where nothing is to be done.
    let foot = !open && (about || !gate.sources.is_empty());
    let more = match (facts.is_empty(), foot) {
        (true, false) => "",
        (true, true) => "Sources",
        (false, false) => "Evidence",
        (false, true) => "Evidence and sources",
    };
    json!({
        "id": gate.id,
        "title": gate.title,
        "status": gate.status.as_str(),
        "statusLabel": status_label(gate.status),
        "severity": gate.severity.as_str(),
        "message": gate.message,
        // A gate that passes asks for nothing, so its remedy would only be in the way.
        "remediation": if open { gate.remediation.as_str() } else { "" },
        "remedyLabel": if gate.status == GateStatus::Unknown { "What would settle it." } else { "What to do." },
        "open": open,
        "blocks": if open { gate.blocks.join(", ") } else { String::new() },
        "attested": gate.attested.as_ref().map(|word| json!({ "by": word.by, "reason": word.reason })),
        "about": about,
        "sources": gate.sources.iter().map(|key| source(key, registry)).collect::<Vec<_>>(),
        "facts": facts,
        "more": more,
    })
}

/// A source by its key: the registry's text and address where it knows the key, else the key itself.
pub(in crate::report) fn source(key: &str, registry: &[RuleText<'_>]) -> Value {
    match registry.iter().flat_map(|text| &text.sources).find(|source| source.key == key) {
        Some(known) => source_value(known),
        None => json!({ "text": key, "url": null }),
    }
}

pub(in crate::report) fn source_value(source: &super::SourceText<'_>) -> Value {
    json!({
        "text": if source.title.is_empty() { source.key } else { source.title },
        "url": source.url.filter(|url| url.starts_with("https://")),
    })
}
