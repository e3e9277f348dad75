//! What the page says before and around the groups, as the value that the template is filled from: the answer, what to
//! do next, the pictures' numbers, gates, rules. Every text from the input has its invisible characters made visible here.

use serde::Serialize;
use serde_json::{Value, json};

use super::facts::facts;
use super::rows::Selection;
use super::{PRINT_ROWS, RuleText};
use crate::report::is_hazardous;
use crate::report::model::{FindingStatus, Gate, GateStatus, Header, RuleCount, Severity, Summary, Verdict};

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
        "nothingToDo": "Nothing stands in the way: no gate holds anything back, and no rule asks for a change.",
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

/// Invisible and direction-changing characters of every text, written out.
fn make_visible(value: &mut Value) {
    match value {
        Value::String(text) if text.chars().any(is_hazardous) => *text = visible(text),
        Value::Array(items) => items.iter_mut().for_each(make_visible),
        Value::Object(fields) => fields.values_mut().for_each(make_visible),
        _ => {}
    }
}

pub(super) fn visible(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if is_hazardous(c) {
            out.push_str(&format!("⟨U+{:04X}⟩", u32::from(c)));
        } else {
            out.push(c);
        }
    }
    out
}

pub(super) fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.char_indices() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

fn count(number: u64, one: &str, many: &str) -> String {
    format!("{} {}", thousands(number), if number == 1 { one } else { many })
}

fn beyond(all: usize, shown: usize, where_else: &str) -> Option<String> {
    (all > shown).then(|| format!("{} more are not shown here; {where_else}.", thousands((all - shown) as u64)))
}

fn moment(rfc3339: &str) -> String {
    match chrono::DateTime::parse_from_rfc3339(rfc3339) {
        Ok(time) => time.to_utc().format("%-d %B %Y, %H:%M UTC").to_string(),
        Err(_) => rfc3339.to_owned(),
    }
}

/// A gate that somebody must settle first: unknown is never pass.
fn holds_back(gate: &Gate) -> bool {
    matches!(gate.status, GateStatus::Fail | GateStatus::Unknown) && gate.severity >= Severity::High
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
        .filter(|rule| matches!(rule.verdict, Verdict::Fix | Verdict::Review) && rule.found + rule.unknown > 0)
        .collect();
    rules.sort_by_key(|rule| std::cmp::Reverse((rule.found + rule.unknown, rule.severity)));
    let mut steps: Vec<Step> = gates
        .iter()
        .take(GATE_STEPS)
        .map(|gate| Step {
            href: format!("#gate-{}", gate.id),
            id: gate.id.clone(),
            head: gate.title.clone(),
            class: gate.status.as_str(),
            label: status_label(gate.status).to_owned(),
            detail: if gate.remediation.is_empty() { gate.message.clone() } else { gate.remediation.clone() },
        })
        .collect();
    for rule in rules.iter().take(RULE_STEPS) {
        let text = registry.iter().find(|text| text.id == rule.rule);
        steps.push(Step {
            href: format!("#rule={}", rule.rule),
            id: rule.rule.clone(),
            head: format!("{}: {}", count(rule.found + rule.unknown, "group", "groups"), title(rule, registry)),
            class: class(rule),
            label: class(rule).to_owned(),
            detail: match text {
                Some(text) if rule.found == 0 => {
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

fn title(rule: &RuleCount, registry: &[RuleText<'_>]) -> String {
    registry.iter().find(|text| text.id == rule.rule).map_or_else(|| rule.title.clone(), |text| text.title.to_owned())
}

fn status_label(status: GateStatus) -> &'static str {
    match status {
        GateStatus::Pass => "passes",
        GateStatus::Fail => "fails",
        GateStatus::Unknown => "not known",
        GateStatus::NotApplicable => "not applicable",
    }
}

fn meaning(verdict: Verdict) -> (&'static str, &'static str) {
    match verdict {
        Verdict::Migrate => ("Migrate", "can move as they are"),
        Verdict::Fix => ("Fix", "can move once the findings are fixed"),
        Verdict::Review => ("Review", "need somebody to look and decide"),
        Verdict::Exclude => ("Exclude", "do not move by this path"),
    }
}

fn in_verdict(summary: &Summary, verdict: Verdict) -> u64 {
    match verdict {
        Verdict::Migrate => summary.migrate,
        Verdict::Fix => summary.fix,
        Verdict::Review => summary.review,
        Verdict::Exclude => summary.exclude,
    }
}

/// Percent of a whole with two decimals, for positions; 0 of 0 is 0.
fn percent(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { (part as f64 * 10_000.0 / whole as f64).round() / 100.0 }
}

/// A share for people: never "0 %" for something, never "100 %" for less than all.
fn share(part: u64, whole: u64) -> String {
    let rounded = percent(part, whole).round();
    match part {
        0 => "0 %".to_owned(),
        _ if rounded < 1.0 => "under 1 %".to_owned(),
        _ if rounded >= 100.0 && part < whole => "over 99 %".to_owned(),
        _ => format!("{rounded} %"),
    }
}

fn verdict_bars(summary: &Summary) -> Vec<Value> {
    let mut before = 0;
    Verdict::ALL
        .iter()
        .map(|verdict| {
            let number = in_verdict(summary, *verdict);
            let (x, width) = (percent(before, summary.groups), percent(number, summary.groups));
            before += number;
            let (label, meaning) = meaning(*verdict);
            json!({
                "key": verdict.as_str(),
                "count": number,
                "shown": thousands(number),
                "short": thousands(number),
                "label": label,
                "meaning": meaning,
                "share": share(number, summary.groups),
                "x": x,
                "width": width,
                "middle": ((x + width / 2.0) * 100.0).round() / 100.0,
                "wide": width >= 4.0 + 2.0 * thousands(number).len() as f64,
            })
        })
        .collect()
}

fn stack_text(summary: &Summary) -> String {
    let parts: Vec<String> = Verdict::ALL
        .iter()
        .map(|verdict| format!("{} {}", verdict.as_str(), thousands(in_verdict(summary, *verdict))))
        .collect();
    format!("Verdicts of {}: {}.", count(summary.groups, "group", "groups"), parts.join(", "))
}

/// Bars of the rules that hold groups back or could not be settled, and of those that were only noted.
fn bars(summary: &Summary, registry: &[RuleText<'_>]) -> (Vec<Value>, Vec<Value>) {
    let mut seen: Vec<&RuleCount> = summary.rules.iter().filter(|rule| rule.found + rule.unknown > 0).collect();
    seen.sort_by_key(|rule| std::cmp::Reverse((rule.found + rule.unknown, rule.severity)));
    let (blocking, noted): (Vec<&RuleCount>, Vec<&RuleCount>) =
        seen.into_iter().partition(|rule| rule.verdict != Verdict::Migrate || rule.unknown > 0);
    let draw = |rules: Vec<&RuleCount>| -> Vec<Value> {
        let longest = rules.iter().map(|rule| rule.found + rule.unknown).max().unwrap_or(0);
        rules
            .iter()
            .map(|rule| {
                json!({
                    "rule": rule.rule,
                    "title": title(rule, registry),
                    "class": class(rule),
                    "found": percent(rule.found, longest),
                    "unknown": percent(rule.unknown, longest),
                    "counted": counted(rule),
                })
            })
            .collect()
    };
    (draw(blocking), draw(noted))
}

/// What a rule is marked with: its verdict, but only where it was found to hold.
fn class(rule: &RuleCount) -> &'static str {
    if rule.found == 0 { FindingStatus::Unknown.as_str() } else { rule.verdict.as_str() }
}

fn counted(rule: &RuleCount) -> String {
    match (rule.found, rule.unknown) {
        (found, 0) => thousands(found),
        (0, unknown) => format!("{} unknown", thousands(unknown)),
        (found, unknown) => format!("{} + {} unknown", thousands(found), thousands(unknown)),
    }
}

fn gate_order(gate: &Gate) -> (u8, std::cmp::Reverse<Severity>) {
    let status = match gate.status {
        GateStatus::Fail => 0,
        GateStatus::Unknown => 1,
        GateStatus::Pass => 2,
        GateStatus::NotApplicable => 3,
    };
    (status, std::cmp::Reverse(gate.severity))
}

fn gate_sentence(gates: &[Gate]) -> String {
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
fn gate_groups(gates: &[Gate], registry: &[RuleText<'_>]) -> Vec<Value> {
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

fn gate_card(gate: &Gate, registry: &[RuleText<'_>]) -> Value {
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
fn source(key: &str, registry: &[RuleText<'_>]) -> Value {
    match registry.iter().flat_map(|text| &text.sources).find(|source| source.key == key) {
        Some(known) => source_value(known),
        None => json!({ "text": key, "url": null }),
    }
}

fn source_value(source: &super::SourceText<'_>) -> Value {
    json!({
        "text": if source.title.is_empty() { source.key } else { source.title },
        "url": source.url.filter(|url| url.starts_with("https://")),
    })
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
