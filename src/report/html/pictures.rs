//! The numbers behind the pictures: verdicts as one stacked bar, rules as bars by group count.

use serde_json::{Value, json};

use super::RuleText;
use super::text::{count, thousands};
use crate::report::model::{FindingStatus, RuleCount, Severity, Summary, Verdict};

pub(super) fn title(rule: &RuleCount, registry: &[RuleText<'_>]) -> String {
    registry.iter().find(|text| text.id == rule.rule).map_or_else(|| rule.title.clone(), |text| text.title.to_owned())
}

pub(super) fn meaning(verdict: Verdict) -> (&'static str, &'static str) {
    match verdict {
        Verdict::Migrate => ("Migrate", "can move as they are"),
        Verdict::Fix => ("Fix", "can move once the findings are fixed"),
        Verdict::Review => ("Review", "need somebody to look and decide"),
        Verdict::Exclude => ("Exclude", "do not move by this path"),
    }
}

pub(super) fn in_verdict(summary: &Summary, verdict: Verdict) -> u64 {
    match verdict {
        Verdict::Migrate => summary.migrate,
        Verdict::Fix => summary.fix,
        Verdict::Review => summary.review,
        Verdict::Exclude => summary.exclude,
    }
}

/// Percent of a whole with two decimals, for positions; 0 of 0 is 0.
pub(super) fn percent(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { (part as f64 * 10_000.0 / whole as f64).round() / 100.0 }
}

/// A share for people: never "0 %" for something, never "100 %" for less than all.
pub(super) fn share(part: u64, whole: u64) -> String {
    let rounded = percent(part, whole).round();
    match part {
        0 => "0 %".to_owned(),
        _ if rounded < 1.0 => "under 1 %".to_owned(),
        _ if rounded >= 100.0 && part < whole => "over 99 %".to_owned(),
        _ => format!("{rounded} %"),
    }
}

pub(super) fn verdict_bars(summary: &Summary) -> Vec<Value> {
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

pub(super) fn stack_text(summary: &Summary) -> String {
    let parts: Vec<String> = Verdict::ALL
        .iter()
        .map(|verdict| format!("{} {}", verdict.as_str(), thousands(in_verdict(summary, *verdict))))
        .collect();
    format!("Verdicts of {}: {}.", count(summary.groups, "group", "groups"), parts.join(", "))
}

/// Bars of the rules that hold groups back or could not be settled, and of those that were only noted.
pub(super) fn bars(summary: &Summary, registry: &[RuleText<'_>]) -> (Vec<Value>, Vec<Value>) {
    let mut seen: Vec<&RuleCount> = summary.rules.iter().filter(|rule| rule.found + rule.unknown > 0).collect();
    seen.sort_by_key(|rule| std::cmp::Reverse((weight(rule), rule.severity)));
    let (blocking, noted): (Vec<&RuleCount>, Vec<&RuleCount>) =
        seen.into_iter().partition(|rule| (rule.verdict != Verdict::Migrate && held(rule) > 0) || rule.unknown > 0);
    let draw = |rules: Vec<&RuleCount>| -> Vec<Value> {
        let longest = rules.iter().map(|rule| weight(rule)).max().unwrap_or(0);
        rules
            .iter()
            .map(|rule| {
                json!({
                    "rule": rule.rule,
                    "title": title(rule, registry),
                    "class": class(rule),
                    "found": percent(held(rule), longest),
                    "unknown": percent(rule.unknown, longest),
                    "counted": counted(rule),
                })
            })
            .collect()
    };
    (draw(blocking), draw(noted))
}

/// Groups that a rule was found for, without those where it only states that all is in order.
pub(super) fn held(rule: &RuleCount) -> u64 {
    if rule.severity > Severity::Info { rule.attention } else { rule.found }
}

/// Groups that a rule concerns, open ones included.
pub(super) fn weight(rule: &RuleCount) -> u64 {
    held(rule) + rule.unknown
}

/// What a rule is marked with: its verdict, but only where it was found to hold.
pub(super) fn class(rule: &RuleCount) -> &'static str {
    if held(rule) == 0 && rule.unknown > 0 { FindingStatus::Unknown.as_str() } else { rule.verdict.as_str() }
}

pub(super) fn counted(rule: &RuleCount) -> String {
    match (held(rule), rule.unknown) {
        (found, 0) => thousands(found),
        (0, unknown) => format!("{} unknown", thousands(unknown)),
        (found, unknown) => format!("{} + {} unknown", thousands(found), thousands(unknown)),
    }
}
