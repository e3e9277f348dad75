//! `explain`: a rule, gate or check in full, from the one registry; or what an expression of the mapping language gives for a
//! group of a bundle.

use super::printer::{BOLD, DIM, GREEN, Printer, RED, YELLOW};
use super::{Global, configuration, evaluator};
use crate::assess::{self, sources};
use crate::audit;
use crate::directory::inventory::Evaluation;
use crate::error::{Error, Place, Result, exit};
use crate::graph::oracle::Answer;
use crate::predict::explain::{Explained, explain, find_group};
use crate::predict::expression::{self, Attr, Outcome};
use crate::report::plain;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

#[derive(clap::Args)]
pub struct Args {
    /// C01…C41, E1…E15, A01…A28
    #[arg(value_name = "ID", required_unless_present_any = ["all", "expression"])]
    id: Option<String>,
    /// Every rule, gate and check, and the table of sources
    #[arg(long, conflicts_with = "id")]
    all: bool,
    /// An expression of the mapping language, to be evaluated for a group of a bundle
    #[arg(long, value_name = "TEXT", conflicts_with_all = ["id", "all"], requires = "group", requires = "bundle")]
    expression: Option<String>,
    /// The group: object id, objectGUID, SID, DN or display name
    #[arg(long, value_name = "GROUP", requires = "expression")]
    group: Option<String>,
    /// The bundle that has the group
    #[arg(long, value_name = "BUNDLE", requires = "expression")]
    bundle: Option<PathBuf>,
    /// Ask the tenant's own evaluator too, and show where it disagrees
    #[arg(long, requires = "expression")]
    live: bool,
}

struct Text {
    id: &'static str,
    kind: &'static str,
    title: &'static str,
    condition: &'static str,
    why: &'static str,
    remedy: &'static str,
    severity: &'static str,
    verdict: Option<&'static str>,
    blocks: &'static [&'static str],
    attestable: Option<bool>,
    sources: &'static [&'static str],
}

fn texts() -> Vec<Text> {
    let rules = assess::rules().iter().map(|r| Text {
        id: r.id,
        kind: "rule",
        title: r.title,
        condition: r.condition,
        why: r.why,
        remedy: r.remedy,
        severity: r.severity.as_str(),
        verdict: Some(r.verdict.as_str()),
        blocks: &[],
        attestable: None,
        sources: r.sources,
    });
    let gates = assess::gates().iter().map(|g| Text {
        id: g.id,
        kind: "gate",
        title: g.title,
        condition: g.condition,
        why: g.why,
        remedy: g.remedy,
        severity: g.severity.as_str(),
        verdict: None,
        blocks: g.blocks,
        attestable: Some(g.attestable),
        sources: g.sources,
    });
    let checks = audit::checks().iter().map(|c| Text {
        id: c.id,
        kind: "check",
        title: c.title,
        condition: c.condition,
        why: c.why,
        remedy: c.remedy,
        severity: c.severity.as_str(),
        verdict: None,
        blocks: c.blocks,
        attestable: None,
        sources: c.sources,
    });
    let mut all: Vec<Text> = rules.chain(gates).chain(checks).collect();
    // In the order in which a group meets them: rules, gates, checks.
    let letter = |id: &str| "CEA".find(&id[..1]).unwrap_or(3);
    all.sort_by_key(|t| (letter(t.id), t.id[1..].parse::<u32>().unwrap_or(0), t.kind == "gate"));
    all
}

pub fn run(args: Args, global: &Global, printer: &mut Printer) -> Result<u8> {
    if let (Some(text), Some(group), Some(path)) = (&args.expression, &args.group, &args.bundle) {
        return expression(text, group, path, args.live, global, printer);
    }
    let all = texts();
    let wanted: Vec<&Text> = match &args.id {
        None => all.iter().collect(),
        Some(id) => {
            let id = normal(id);
            let found: Vec<&Text> = all.iter().filter(|t| t.id == id).collect();
            if found.is_empty() {
                return Err(unknown(&id, &all));
            }
            found
        }
    };
    if printer.is_json() {
        let values: Vec<Value> = wanted.iter().map(|t| value(t)).collect();
        printer.json(&if args.all || values.len() > 1 {
            json!(values)
        } else {
            values.into_iter().next().unwrap_or_default()
        });
        return Ok(exit::DONE);
    }
    for (i, text) in wanted.iter().enumerate() {
        if i > 0 {
            printer.line("");
        }
        print(text, printer);
    }
    if args.all {
        printer.line(format!("\n{BOLD}Sources{BOLD:#}"));
        for (key, title) in sources::SOURCES {
            printer.line(format!("  {key:8} {title}"));
        }
    }
    Ok(exit::DONE)
}

/// `c1` is C01, `e04` is E4.
fn normal(id: &str) -> String {
    let id = id.trim().to_uppercase();
    match (id.get(..1), id.get(1..).and_then(|n| n.parse::<u32>().ok())) {
        (Some(letter @ ("C" | "A")), Some(n)) => format!("{letter}{n:02}"),
        (Some("E"), Some(n)) => format!("E{n}"),
        _ => id,
    }
}

fn unknown(id: &str, all: &[Text]) -> Error {
    let near = all.iter().map(|t| t.id).min_by_key(|known| strsim::levenshtein(id, known)).unwrap_or("C01");
    Error::usage(format!("there is no rule, gate or check {id:?}"))
        .hint(format!("Did you mean {near}? Rules are C01 to C41, gates E1 to E15, checks A01 to A28."))
}

fn value(t: &Text) -> Value {
    let mut value = json!({
        "id": t.id, "kind": t.kind, "title": t.title, "condition": t.condition, "why": t.why, "remedy": t.remedy, "severity": t.severity,
        "sources": t.sources.iter().map(|key| json!({ "key": key, "title": sources::title(key) })).collect::<Vec<_>>(),
    });
    if let Some(verdict) = t.verdict {
        value["verdict"] = json!(verdict);
    }
    if t.verdict.is_none() {
        value["blocks"] = json!(t.blocks);
    }
    if let Some(attestable) = t.attestable {
        value["attestable"] = json!(attestable);
    }
    value
}

fn print(t: &Text, printer: &mut Printer) {
    let verdict = t.verdict.map(|v| format!(", verdict {v}")).unwrap_or_default();
    printer.line(format!("{BOLD}{} {}{BOLD:#} ({}, {}{verdict})", t.id, t.title, t.kind, t.severity));
    for (name, text) in [("Condition", t.condition), ("Why", t.why), ("Remedy", t.remedy)] {
        printer.line(format!("  {name:10} {text}"));
    }
    if !t.blocks.is_empty() {
        printer.line(format!("  {:10} {}", "Blocks", t.blocks.join(", ")));
    }
    if t.attestable == Some(true) {
        printer.line(format!(
            "  {:10} may be attested while it cannot be observed: --accept \"{}=REASON\"",
            "Attest", t.id
        ));
    }
    for key in t.sources {
        printer.line(format!("  {:10} {key} {DIM}{}{DIM:#}", "Source", sources::title(key).unwrap_or("")));
    }
}

/// Evaluates an expression for one group. What the tenant's own parser says can stand beside it once there is one to ask.
fn expression(text: &str, group: &str, path: &Path, live: bool, global: &Global, printer: &mut Printer) -> Result<u8> {
    let config = configuration(global, printer)?;
    let (_, inventory) = crate::bundle::open(path)?;
    let found = find_group(&inventory, group).map_err(|why| {
        Error::usage(plain(&why)).hint("Name a group of the bundle by object id, objectGUID, SID, DN or display name.")
    })?;
    let domain = config.settings.cloud_sync.domain.as_deref();
    let explained = explain(&inventory, domain, text, found).map_err(|e| {
        let column = u64::try_from(e.column).unwrap_or_default();
        Error::usage(format!("the expression does not parse: {}", plain(&e.message)))
            .at(Place::default().column(column))
            .hint(pointed_at(text, e.column))
    })?;
    let tenant = match live {
        true => Some(ask_tenant(&config, &inventory, text, &explained, printer)?),
        false => None,
    };
    let verdict = tenant.as_ref().map(|answer| compare(&explained.outcome, answer));
    match printer.is_json() {
        true => {
            let mut value = explained_value(text, &explained);
            if let (Some(answer), Some(verdict)) = (&tenant, &verdict) {
                value["tenant"] = json!({
                    "parsed": answer.parsed, "evaluated": answer.evaluated, "result": answer.result,
                    "error": answer.error, "agreement": verdict.as_str(),
                });
            }
            printer.json(&value);
        }
        false => {
            print_explained(&explained, printer);
            if let (Some(answer), Some(verdict)) = (&tenant, &verdict) {
                print_answer(answer, *verdict, printer);
            }
        }
    }
    // A disagreement is a finding: this program's reading of the language is not the tenant's.
    match verdict {
        Some(Agreement::Differs) => Ok(exit::FINDINGS),
        _ => Ok(exit::DONE),
    }
}

/// The part of an expression around a column, and a mark under it; on lines of their own, so that the mark is where it points.
fn pointed_at(text: &str, column: usize) -> String {
    /// Characters shown before and after the column.
    const AROUND: usize = 50;
    // A character that is shown by more than itself, such as a line break, would push the mark aside.
    let narrow = |c: char| if plain(c.encode_utf8(&mut [0; 4])).chars().count() == 1 { c } else { ' ' };
    let chars: Vec<char> = text.chars().map(narrow).collect();
    let at = column.saturating_sub(1).min(chars.len());
    let from = at.saturating_sub(AROUND);
    let to = (at + AROUND).min(chars.len());
    let part: String = chars[from..to].iter().collect();
    let (before, after) = (if from > 0 { "…" } else { "" }, if to < chars.len() { "…" } else { "" });
    let blanks = " ".repeat(at - from + before.chars().count());
    format!("it stops being one at the mark:\n    {before}{part}{after}\n    {blanks}^")
}

/// How the tenant's answer stands to this program's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Agreement {
    Same,
    /// This program left it open; the tenant's answer is one of the candidates, or settles what had none.
    Settled,
    Differs,
    /// The tenant could not evaluate it.
    NoAnswer,
}

impl Agreement {
    fn as_str(self) -> &'static str {
        match self {
            Agreement::Same => "same",
            Agreement::Settled => "settled",
            Agreement::Differs => "differs",
            Agreement::NoAnswer => "no-answer",
        }
    }
}

fn compare(ours: &Outcome, theirs: &Answer) -> Agreement {
    let same = |value: &expression::Value| expression::settled::gives(value, &theirs.result);
    match ours {
        Outcome::Error(_) if !theirs.evaluated => Agreement::Same,
        _ if !theirs.evaluated => Agreement::NoAnswer,
        Outcome::Value(value) if same(value) => Agreement::Same,
        Outcome::Drop if theirs.result.is_empty() => Agreement::Same,
        Outcome::Unknown { candidates, .. } if candidates.is_empty() || candidates.iter().any(same) => {
            Agreement::Settled
        }
        _ => Agreement::Differs,
    }
}

/// Asks the evaluator of the bundle's Cloud Sync job.
fn ask_tenant(
    config: &crate::config::Config,
    inventory: &crate::directory::inventory::Inventory,
    text: &str,
    explained: &Explained,
    printer: &mut Printer,
) -> Result<Answer> {
    let mut attributes = Vec::new();
    for (name, attr) in &explained.attributes {
        match attr {
            Attr::Absent => {}
            Attr::Value(expression::Value::Multi(values)) => {
                attributes.push((name.clone(), values.iter().map(ToString::to_string).collect()));
            }
            Attr::Value(value) => attributes.push((name.clone(), vec![value.to_string()])),
            Attr::Unknown(reason) => {
                return Err(Error::failed(format!("the bundle does not tell [{}]: {}", plain(name), plain(reason)))
                    .hint("Without it the tenant's answer would be about another group; collect it first."));
            }
        }
    }
    let question = Evaluation { expression: text.to_owned(), attributes, ..Evaluation::default() };
    let mut answers = evaluator::ask(config, inventory, std::slice::from_ref(&question), printer)?;
    answers.pop().ok_or_else(|| Error::failed("the tenant's evaluator gave no answer"))
}

fn print_answer(answer: &Answer, verdict: Agreement, printer: &mut Printer) {
    let said = match (&answer.error, answer.result.as_slice()) {
        (Some(error), _) => format!("error: {}", plain(error)),
        (None, []) => "no value".to_owned(),
        (None, values) => values.iter().map(|v| plain(v)).collect::<Vec<_>>().join(", "),
    };
    let (style, word) = match verdict {
        Agreement::Same => (GREEN, "the tenant agrees"),
        Agreement::Settled => (GREEN, "the tenant settles it"),
        Agreement::Differs => (RED, "the tenant disagrees"),
        Agreement::NoAnswer => (YELLOW, "the tenant could not evaluate it"),
    };
    printer.line(format!("{style}{word}{style:#}: {said}"));
}

fn explained_value(text: &str, e: &Explained) -> Value {
    let attributes: serde_json::Map<String, Value> = e
        .attributes
        .iter()
        .map(|(name, attr)| {
            let value = match attr {
                Attr::Value(value) => json!({ "value": value.to_string() }),
                Attr::Absent => json!({ "value": null }),
                Attr::Unknown(reason) => json!({ "unknown": reason }),
            };
            (name.clone(), value)
        })
        .collect();
    let (result, value, candidates, reason) = match &e.outcome {
        Outcome::Value(value) if value.is_null() => ("null", None, Vec::new(), None),
        Outcome::Value(value) => ("value", Some(value.to_string()), Vec::new(), None),
        Outcome::Drop => ("not-written", None, Vec::new(), None),
        Outcome::Error(text) => ("error", None, Vec::new(), Some(text.clone())),
        Outcome::Unknown { candidates, reason } => {
            let texts = candidates.iter().map(|c| if c.is_null() { Value::Null } else { json!(c.to_string()) });
            ("unknown", None, texts.collect(), Some(reason.clone()))
        }
    };
    json!({
        "expression": text, "group": { "objectId": e.object_id, "displayName": e.display_name }, "result": result,
        "value": value, "candidates": candidates, "reason": reason, "attributes": attributes, "settledBy": e.settled,
        "notes": e.notes.iter().map(|n| json!({ "column": n.column, "message": n.message })).collect::<Vec<_>>(),
    })
}

/// A value to be read by people: one that is empty is told from none.
fn shown(value: &expression::Value) -> String {
    match plain(&value.to_string()) {
        _ if value.is_null() => "Null".to_owned(),
        text if text.is_empty() => "\"\" (the empty text)".to_owned(),
        text => text,
    }
}

fn print_explained(e: &Explained, printer: &mut Printer) {
    let name = e.display_name.as_deref().map(plain).unwrap_or_default();
    printer.line(format!("{BOLD}{name}{BOLD:#} {DIM}{}{DIM:#}", e.object_id));
    for (name, attr) in &e.attributes {
        let shown = match attr {
            Attr::Value(value) => format!("{:?}", plain(&value.to_string())),
            Attr::Absent => "Null".to_owned(),
            Attr::Unknown(reason) => format!("{YELLOW}unknown{YELLOW:#}: {}", plain(reason)),
        };
        printer.line(format!("  [{}] = {shown}", plain(name)));
    }
    for note in &e.notes {
        printer.line(format!("  {YELLOW}note{YELLOW:#}, column {}: {}", note.column, plain(&note.message)));
    }
    for note in &e.settled {
        printer.line(format!("  {DIM}{}{DIM:#}", plain(note)));
    }
    match &e.outcome {
        Outcome::Value(value) if value.is_null() => {
            printer.line(format!("{BOLD}Null{BOLD:#}: the expression gives no value"))
        }
        Outcome::Value(value) => printer.line(format!("{GREEN}{}{GREEN:#}", shown(value))),
        Outcome::Drop => printer.line("not written: the attribute leaves the flow"),
        Outcome::Error(text) => printer.line(format!("{RED}error{RED:#}: {}", plain(text))),
        Outcome::Unknown { candidates, reason } => {
            printer.line(format!("{YELLOW}unknown{YELLOW:#}: {}", plain(reason)));
            for candidate in candidates {
                printer.line(format!("  {YELLOW}?{YELLOW:#} {}", shown(candidate)));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::predict::expression::Value as Text;

    #[test]
    fn the_mark_stands_under_its_column() {
        for (text, column, under) in [
            ("Left(a", 6, 'a'),
            ("a\n\u{1b}b", 4, 'b'),
            (&format!("{}X{}", "y".repeat(300), "y".repeat(300)), 301, 'X'),
        ] {
            let shown = pointed_at(text, column);
            let lines: Vec<&str> = shown.lines().collect();
            let at = lines[2].chars().position(|c| c == '^').unwrap();
            assert_eq!((lines.len(), lines[1].chars().nth(at)), (3, Some(under)), "{shown}");
            assert!(lines[1].chars().count() < 120, "{shown}");
        }
        assert!(pointed_at("", 1).ends_with("\n    ^"));
        assert!(pointed_at("ab", 3).ends_with("\n      ^"), "past the end");
    }

    #[test]
    fn the_tenant_agrees_settles_or_differs() {
        let answer = |result: &[&str]| Answer {
            parsed: true,
            evaluated: true,
            result: result.iter().map(|r| (*r).to_owned()).collect(),
            error: None,
        };
        let failed = Answer { error: Some("no".to_owned()), ..Answer::default() };
        let open = |candidates: &[&str]| Outcome::Unknown {
            candidates: candidates.iter().map(|c| Text::str(*c)).collect(),
            reason: "open".to_owned(),
        };
        for (ours, theirs, expected) in [
            (Outcome::Value(Text::str("a")), answer(&["a"]), Agreement::Same),
            (Outcome::Value(Text::str("a")), answer(&["A"]), Agreement::Differs),
            (Outcome::Value(Text::Null), answer(&[]), Agreement::Same),
            (Outcome::Value(Text::Null), answer(&[""]), Agreement::Differs),
            (Outcome::Value(Text::Multi(vec![Text::str("a"), Text::str("b")])), answer(&["a", "b"]), Agreement::Same),
            (Outcome::Drop, answer(&[]), Agreement::Same),
            (open(&["a", "b"]), answer(&["b"]), Agreement::Settled),
            (open(&["a", "b"]), answer(&["c"]), Agreement::Differs),
            (open(&[]), answer(&["c"]), Agreement::Settled),
            (Outcome::Error("x".to_owned()), failed.clone(), Agreement::Same),
            (Outcome::Value(Text::str("a")), failed.clone(), Agreement::NoAnswer),
        ] {
            assert_eq!(compare(&ours, &theirs), expected, "{ours:?} {theirs:?}");
        }
    }
}
