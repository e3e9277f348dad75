//! `explain`: a rule or gate in full, from the one registry.

use super::Global;
use super::printer::{BOLD, DIM, Printer};
use crate::assess::{self, sources};
use crate::error::{Error, Result, exit};
use serde_json::{Value, json};

#[derive(clap::Args)]
pub struct Args {
    /// C01…C41, E1…E15
    #[arg(value_name = "ID", required_unless_present = "all")]
    id: Option<String>,
    /// Every rule and gate, and the table of sources
    #[arg(long, conflicts_with = "id")]
    all: bool,
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

pub fn run(args: Args, _: &Global, printer: &mut Printer) -> Result<u8> {
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
