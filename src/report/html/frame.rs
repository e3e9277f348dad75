//! What the page says before and around the groups, as the value that the template is filled from: the answer, what to
//! do next, the rules, with gates and pictures from their own rooms. Every text from the input has its invisible
//! characters made visible here, once, at the end.

use serde::Serialize;
use serde_json::{Value, json};

use super::gates::{gate_groups, gate_order, gate_sentence, holds_back, source_value, status_label};
use super::pictures::{bars, class, held, stack_text, title, verdict_bars, weight};
use super::rows::Selection;
use super::text::{beyond, count, make_visible, moment, thousands};
use super::{PRINT_ROWS, RuleText};
use crate::report::model::{Gate, GateStatus, Header, RuleCount, Summary, Verdict};

/// Steps under "What to do next"; what is beyond them is counted.
const GATE_STEPS: usize = 5;
const RULE_STEPS: usize = 4;
/// Problems of the input that the page lists.
const PROBLEM_ROWS: usize = 200;

/// The template's data. Strict mode wants every field present, so nothing is skipped.
pub(super) fn page(header: &Header, registry: &[RuleText<'_>], selection: &Selection) -> Value {
    let summary = &header.summary;
    let standing: Vec<&Gate> = header.gates.iter().filter(|gate| holds_back(gate)).collect();
    let (steps, more_steps) = steps(header, registry);
    let (blockers, noted) = bars(summary, registry);
    let bundle = &header.bundle;
    let mut page = json!({
        "title": match &bundle.domain {
            Some(domain) => format!("Assessment of {domain} - groupshift"),
            None => "Assessment - groupshift".to_owned(),
        },
        "version": env!("CARGO_PKG_VERSION"),
        "schema": header.schema,
        "partial": !bundle.complete,
        "anonymised": bundle.anonymised,
        "bundle": {
            "created": moment(&bundle.created),
            "domain": bundle.domain,
            "tenant": bundle.tenant,
            "container": bundle.writeback_container,
            "containerFrom": bundle.writeback_container_from,
            "sha256": bundle.sha256,
        },
        "headline": headline(summary, &standing),
        "standing": standing_sentences(summary, &standing),
        "steps": steps,
        "moreSteps": more_steps,
        "nothingToDo": if summary.groups == 0 {
            "There is nothing to move. If groups were expected, look at what the collection could see."
        } else {
            "No gate of high severity holds anything back, and no rule asks for a change or a decision."
        },
        "counts": {
            "groups": thousands(summary.groups),
            "memberships": thousands(summary.memberships),
            "unknown": count(summary.unknown, "group", "groups"),
            "anyUnknown": summary.unknown > 0,
        },
        "limits": header.limits,
        "noLimits": if bundle.complete {
            "The collection was complete: it states no limits."
        } else {
            "The collection was accepted as partial, but its certificate names no limit."
        },
        "problemCount": count(header.problems.len() as u64, "problem in the input", "problems in the input"),
        "problems": header.problems.iter().take(PROBLEM_ROWS).collect::<Vec<_>>(),
        "moreProblems": beyond(header.problems.len(), PROBLEM_ROWS, "assessment.json lists all of them"),
        "verdicts": verdict_bars(summary),
        "stackText": stack_text(summary),
        "blockers": blockers,
        "notedCount": noted.len(),
        "noted": noted,
        "gateSentence": gate_sentence(&header.gates),
        "gateGroups": gate_groups(&header.gates, registry),
        "rows": { "cut": row_cap(selection), "printCap": thousands(PRINT_ROWS as u64) },
        "rules": rules(summary, registry),
    });
    make_visible(&mut page);
    page
}

fn headline(summary: &Summary, standing: &[&Gate]) -> String {
    if summary.groups == 0 {
        return "No written-back group was found in this bundle.".to_owned();
    }
    let all = thousands(summary.groups);
    let mut parts = Vec::new();
    let now = if standing.is_empty() { "can move now" } else { "can move once the gates pass" };
    match (summary.migrate, summary.groups) {
        (0, _) => parts.push(format!("None of {} can move as they are", count(summary.groups, "group", "groups"))),
        (1, 1) => parts.push(format!("The one group {now}")),
        (n, g) if n == g => parts.push(format!("All {all} groups {now}")),
        (n, _) => parts.push(format!("{} of {all} groups {now}", thousands(n))),
    }
    if summary.fix > 0 {
        let more = if summary.migrate > 0 { " more" } else { "" };
        parts.push(format!("{}{more} after fixes", thousands(summary.fix)));
    }
    if summary.review > 0 {
        parts.push(count(summary.review, "needs a decision", "need a decision"));
    }
    if summary.exclude > 0 {
        parts.push(count(summary.exclude, "does not move by this path", "do not move by this path"));
    }
    format!("{}.", parts.join("; "))
}

fn list(items: &[&str]) -> String {
    match items {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

fn standing_sentences(summary: &Summary, standing: &[&Gate]) -> Vec<String> {
    let mut sentences = Vec::new();
    let ids = |status: GateStatus| -> Vec<&str> {
        standing.iter().filter(|gate| gate.status == status).map(|gate| gate.id.as_str()).collect()
    };
    let (fail, unknown) = (ids(GateStatus::Fail), ids(GateStatus::Unknown));
    let verb =
        |ids: &[&str], one: &str, many: &str| format!("{} {}", list(ids), if ids.len() == 1 { one } else { many });
    if !standing.is_empty() {
        let must =
            count(standing.len() as u64, "gate of the environment must pass", "gates of the environment must pass");
        let what: Vec<String> = [
            (!fail.is_empty()).then(|| verb(&fail, "fails", "fail")),
            (!unknown.is_empty()).then(|| verb(&unknown, "is not known", "are not known")),
        ]
        .into_iter()
        .flatten()
        .collect();
        sentences.push(format!("First, {must}: {}.", what.join("; ")));
    }
    if summary.unknown > 0 {
        sentences.push(format!(
            "For {} the input could not settle every rule; that is shown as unknown, never as passed.",
            count(summary.unknown, "group", "groups")
        ));
    }
    sentences
}

#[derive(Serialize)]
struct Step {
    href: String,
    id: String,
    head: String,
    /// Names the icon and the colour: a gate status or a verdict.
    class: &'static str,
    label: String,
    detail: String,
}

/// What to do next: gates that stand, the worst first, then the rules that hold back the most groups.
fn steps(header: &Header, registry: &[RuleText<'_>]) -> (Vec<Step>, Option<String>) {
    let mut gates: Vec<&Gate> = header.gates.iter().filter(|gate| holds_back(gate)).collect();
    gates.sort_by_key(|gate| gate_order(gate));
    let mut rules: Vec<&RuleCount> = header
        .summary
        .rules
        .iter()
        .filter(|rule| matches!(rule.verdict, Verdict::Fix | Verdict::Review) && weight(rule) > 0)
        .collect();
    rules.sort_by_key(|rule| std::cmp::Reverse((weight(rule), rule.severity)));
    let mut steps = Vec::new();
    if !header.bundle.complete {
        steps.push(Step {
            href: "#limits".to_owned(),
            id: "Limits".to_owned(),
            head: "Complete the collection".to_owned(),
            class: GateStatus::Fail.as_str(),
            label: "partial".to_owned(),
            detail: "Settle what is listed there and collect again: no cutover runs from a partial bundle.".to_owned(),
        });
    }
    steps.extend(gates.iter().take(GATE_STEPS).map(|gate| Step {
        href: format!("#gate-{}", gate.id),
        id: gate.id.clone(),
        head: gate.title.clone(),
        class: gate.status.as_str(),
        label: status_label(gate.status).to_owned(),
        detail: if gate.remediation.is_empty() { gate.message.clone() } else { gate.remediation.clone() },
    }));
    for rule in rules.iter().take(RULE_STEPS) {
        let text = registry.iter().find(|text| text.id == rule.rule);
        steps.push(Step {
            href: format!("#rule={}", rule.rule),
            id: rule.rule.clone(),
            head: format!("{}: {}", count(weight(rule), "group", "groups"), title(rule, registry)),
            class: class(rule),
            label: class(rule).to_owned(),
            detail: match text {
                Some(text) if held(rule) == 0 => {
                    format!("Nothing was found, but the input cannot tell. If it holds: {}", text.remedy)
                }
                Some(text) => text.remedy.to_owned(),
                None => "Each group's finding says what to do.".to_owned(),
            },
        });
    }
    let more_gates = gates.len().saturating_sub(GATE_STEPS) as u64;
    let more_rules = rules.len().saturating_sub(RULE_STEPS) as u64;
    let mut more = Vec::new();
    if more_gates > 0 {
        more.push(count(more_gates, "gate", "gates"));
    }
    if more_rules > 0 {
        more.push(count(more_rules, "rule", "rules"));
    }
    (steps, (!more.is_empty()).then(|| format!("Then {}, shown below.", more.join(" and "))))
}

fn row_cap(selection: &Selection) -> Option<String> {
    let notable = selection.notable? as u64;
    let held = selection.len() as u64;
    let all = thousands(selection.total as u64);
    let what = if held == notable {
        format!("This page holds the {} of {all} groups that need attention", thousands(held))
    } else {
        format!(
            "This page holds the first {} of {} groups that need attention, of {all} in all",
            thousands(held),
            thousands(notable)
        )
    };
    Some(format!(
        "{what}: those whose verdict is not migrate, or with a finding that is unknown or of severity low or worse. \
         Every group is in assessment.csv and assessment.json beside this page. The counts above are of all groups."
    ))
}

/// The appendix: every rule and gate of the registry, and rules that only the summary knows.
fn rules(summary: &Summary, registry: &[RuleText<'_>]) -> Vec<Value> {
    let in_summary = |id: &str| summary.rules.iter().find(|rule| rule.rule == id);
    let known = registry.iter().map(|text| {
        json!({
            "id": text.id,
            "title": text.title,
            "why": text.why,
            "remedy": text.remedy,
            "sources": text.sources.iter().map(source_value).collect::<Vec<_>>(),
            "counted": in_summary(text.id).filter(|rule| rule.found + rule.unknown > 0).map(in_groups),
        })
    });
    let unknown = summary.rules.iter().filter(|rule| !registry.iter().any(|text| text.id == rule.rule)).map(|rule| {
        json!({
            "id": rule.rule,
            "title": rule.title,
            "why": "",
            "remedy": "",
            "sources": [],
            "counted": (rule.found + rule.unknown > 0).then(|| in_groups(rule)),
        })
    });
    known.chain(unknown).collect()
}

fn in_groups(rule: &RuleCount) -> String {
    format!("in {}", count(rule.found + rule.unknown, "group", "groups"))
}
