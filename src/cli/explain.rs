//! `explain`: a rule or gate in full, from the one registry; or what an expression of the mapping language gives for a
//! group of a bundle.

use super::printer::{BOLD, DIM, GREEN, Printer, RED, YELLOW};
use super::{Global, configuration};
use crate::assess::{self, sources};
use crate::error::{Error, Place, Result, exit};
use crate::predict::explain::{Explained, explain, find_group};
use crate::predict::expression::{Attr, Outcome};
use crate::report::plain;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

#[derive(clap::Args)]
pub struct Args {
    /// C01…C41, E1…E15
    #[arg(value_name = "ID", required_unless_present_any = ["all", "expression"])]
    id: Option<String>,
    /// Every rule and gate, and the table of sources
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
    let mut all: Vec<Text> = rules.chain(gates).collect();
    all.sort_by_key(|t| (&t.id[..1], t.id[1..].parse::<u32>().unwrap_or(0), t.kind == "gate"));
    all
}

pub fn run(args: Args, global: &Global, printer: &mut Printer) -> Result<u8> {
    if let (Some(text), Some(group), Some(path)) = (&args.expression, &args.group, &args.bundle) {
        return expression(text, group, path, global, printer);
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
        (Some("C"), Some(n)) => format!("C{n:02}"),
        (Some("E"), Some(n)) => format!("E{n}"),
        _ => id,
    }
}

fn unknown(id: &str, all: &[Text]) -> Error {
    let near = all.iter().map(|t| t.id).min_by_key(|known| strsim::levenshtein(id, known)).unwrap_or("C01");
    Error::usage(format!("there is no rule or gate {id:?}"))
        .hint(format!("Did you mean {near}? Rules are C01 to C41, gates E1 to E15."))
}

fn value(t: &Text) -> Value {
    let mut value = json!({
        "id": t.id, "kind": t.kind, "title": t.title, "condition": t.condition, "why": t.why, "remedy": t.remedy, "severity": t.severity,
        "sources": t.sources.iter().map(|key| json!({ "key": key, "title": sources::title(key) })).collect::<Vec<_>>(),
    });
    if let Some(verdict) = t.verdict {
        value["verdict"] = json!(verdict);
    }
    if let Some(attestable) = t.attestable {
        value["attestable"] = json!(attestable);
        value["blocks"] = json!(t.blocks);
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
fn expression(text: &str, group: &str, path: &Path, global: &Global, printer: &mut Printer) -> Result<u8> {
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
            .hint(format!("{}\n  {}^", plain(text), " ".repeat(e.column.saturating_sub(1))))
    })?;
    match printer.is_json() {
        true => printer.json(&explained_value(text, &explained)),
        false => print_explained(&explained, printer),
    }
    Ok(exit::DONE)
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
        "value": value, "candidates": candidates, "reason": reason, "attributes": attributes,
        "notes": e.notes.iter().map(|n| json!({ "column": n.column, "message": n.message })).collect::<Vec<_>>(),
    })
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
    match &e.outcome {
        Outcome::Value(value) if value.is_null() => {
            printer.line(format!("{BOLD}Null{BOLD:#}: the expression gives no value"))
        }
        Outcome::Value(value) => printer.line(format!("{GREEN}{}{GREEN:#}", plain(&value.to_string()))),
        Outcome::Drop => printer.line("not written: the attribute leaves the flow"),
        Outcome::Error(text) => printer.line(format!("{RED}error{RED:#}: {}", plain(text))),
        Outcome::Unknown { candidates, reason } => {
            printer.line(format!("{YELLOW}unknown{YELLOW:#}: {}", plain(reason)));
            for candidate in candidates {
                let shown = if candidate.is_null() { "Null".to_owned() } else { plain(&candidate.to_string()) };
                printer.line(format!("  {YELLOW}?{YELLOW:#} {shown}"));
            }
        }
    }
}
