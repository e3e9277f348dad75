//! Each form is what its readers take it for, whatever the names.

use crate::made::{HOSTILE, Made, reports};
use crate::support::cli::Desk;
use groupshift::audit::model::{Audit, View};
use groupshift::report::audit::FILE_NAMES;
use groupshift::report::audit::compare::Comparison;
use groupshift::report::is_hazardous;
use quick_xml::events::Event;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

fn written(view: &Made) -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("out");
    reports(view, None, &[], &out);
    (dir, out)
}

fn text(dir: &Path, name: &str) -> String {
    std::fs::read_to_string(dir.join(name)).unwrap()
}

fn json(dir: &Path, name: &str) -> Value {
    serde_json::from_str(&text(dir, name)).unwrap()
}

/// The schema that the program publishes, as a validator.
fn published(name: &str) -> jsonschema::Validator {
    let desk = Desk::new();
    let schema: Value = serde_json::from_str(&desk.run(&["schema", name]).ok().out).unwrap();
    jsonschema::validator_for(&schema).unwrap()
}

pub fn valid(validator: &jsonschema::Validator, value: &Value) {
    let wrong: Vec<String> =
        validator.iter_errors(value).take(5).map(|e| format!("{}: {e}", e.instance_path())).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn same_input_same_bytes() {
    let view = Made::new(5_000);
    let ((_a, one), (_b, two)) = (written(&view), written(&view));
    for name in FILE_NAMES {
        assert!(std::fs::read(one.join(name)).unwrap() == std::fs::read(two.join(name)).unwrap(), "{name}");
    }
}

#[test]
fn json_is_the_document_and_fits_its_schema() {
    let view = Made::new(100);
    let (_dir, out) = written(&view);
    let value = json(&out, "audit.json");
    valid(&published("audit"), &value);
    let read: Audit = serde_json::from_value(value.clone()).unwrap();
    assert!(read == view.document());
    // As the contract has it.
    let checks = value["checks"].as_array().unwrap();
    assert_eq!(value["schema"], "groupshift/audit/v1");
    assert_eq!(checks.len(), 28);
    for check in checks {
        for key in ["id", "status", "severity", "message", "remediation", "failures"] {
            assert!(check.get(key).is_some(), "{key}");
        }
    }
    let moved = &checks[2]["failures"][0];
    for key in ["objectId", "dn", "expected", "actual"] {
        assert!(moved[key].is_string(), "{key}");
    }
    // With a baseline in it, too.
    let last = Made::new(90).document();
    let comparison = Comparison::of(&view, &last, "last").unwrap();
    let with = out.join("with");
    reports(&view, Some(&comparison), &[], &with);
    valid(&published("audit"), &json(&with, "audit.json"));
}

#[test]
fn csv_has_one_row_a_failure_and_no_formula() {
    let view = Made::new(100);
    let (_dir, out) = written(&view);
    let bytes = std::fs::read(out.join("audit.csv")).unwrap();
    assert!(bytes.starts_with("\u{feff}objectId,objectGuid,".as_bytes()));
    let mut reader = csv::Reader::from_reader(&bytes[3..]);
    let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    let s = &view.header.summary.failures;
    assert_eq!(rows.len() as u64, s.blocker + s.high + s.medium + s.low + s.info);
    for cell in rows.iter().flatten() {
        assert!(!cell.starts_with(['=', '+', '-', '@', '\t', '\r']), "{cell}");
        assert!(!cell.chars().any(is_hazardous), "{cell:?}");
    }
    assert!(rows.iter().any(|r| r[4].starts_with("'=cmd")), "the hostile name stands there, disarmed");
    assert!(rows.iter().any(|r| &r[5] == "SYNC01" && &r[6] == "A14"));
}

#[test]
fn markdown_is_short_and_holds_no_markup_of_the_directory() {
    let view = Made::new(20_000);
    let (_dir, out) = written(&view);
    let md = text(&out, "audit.md");
    assert!(md.len() < 30_000, "{} bytes are no ticket", md.len());
    for line in md.lines() {
        assert!(!line.contains("<img") && !line.contains("<script") && !line.contains("<b>"), "{line}");
    }
    assert!(!md.replace('\n', "").chars().any(is_hazardous));
    // A pipe in a name does not make a column.
    for row in md.lines().filter(|l| l.starts_with("| ")) {
        assert_eq!(row.replace("\\|", "").matches('|').count(), 5, "{row}");
    }
    for part in ["## Fails", "## Not known", "## Passes", "What to do", "What would settle it", "A22 "] {
        assert!(md.contains(part), "{part}");
    }
}

/// Elements of a JUnit report, with their attributes.
fn elements(xml: &str) -> Vec<(String, BTreeMap<String, String>)> {
    let mut reader = quick_xml::Reader::from_str(xml);
    let mut out = Vec::new();
    loop {
        match reader.read_event().unwrap() {
            Event::Eof => return out,
            Event::Start(tag) | Event::Empty(tag) => {
                let attributes = tag.attributes().map(|a| {
                    let a = a.unwrap();
                    let value = a.normalized_value(quick_xml::XmlVersion::Implicit1_0).unwrap().into_owned();
                    (a.key.as_ref().to_owned(), value)
                });
                out.push((tag.name().as_ref().to_owned(), attributes.collect()));
            }
            _ => {}
        }
    }
}

#[test]
fn junit_counts_what_it_holds() {
    let view = Made::new(300);
    let (_dir, out) = written(&view);
    let xml = text(&out, "audit.junit.xml");
    // What no XML document may hold.
    let allowed =
        |c: char| matches!(c, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..);
    assert!(xml.chars().all(allowed));
    let all = elements(&xml);
    let of = |name: &str| all.iter().filter(|(n, _)| n == name).count();
    for (name, at) in all.iter().filter(|(n, _)| n.starts_with("testsuite")) {
        for (key, want) in [
            ("tests", of("testcase")),
            ("failures", of("failure")),
            ("errors", of("error")),
            ("skipped", of("skipped")),
        ] {
            assert_eq!(at[key], want.to_string(), "{name} {key}");
        }
    }
    let suite = &all.iter().find(|(n, _)| n == "testsuite").unwrap().1;
    for key in ["name", "timestamp", "hostname", "time", "id", "package"] {
        assert!(!suite[key].is_empty(), "{key}");
    }
    assert_eq!(suite["timestamp"], "2026-11-21T08:00:00", "as the form wants it: no zone");
    assert_eq!(of("testcase"), 28);
    let (mut pass, mut names) = (0, std::collections::BTreeSet::new());
    for pair in all.windows(2) {
        if pair[0].0 == "testcase" {
            names.insert(pair[0].1["name"].clone());
            assert!(pair[0].1.contains_key("classname") && pair[0].1.contains_key("time"));
            pass += usize::from(!matches!(pair[1].0.as_str(), "failure" | "skipped"));
        }
    }
    assert_eq!(names.len(), 28);
    assert_eq!(pass as u64, view.header.summary.checks.pass, "what is unknown is skipped, not passed");
    assert!(xml.contains("&lt;img src=x onerror") && !xml.contains("<img"));
}

/// The standard's own schema (OASIS SARIF 2.1.0), without its descriptions.
fn sarif_schema() -> jsonschema::Validator {
    let schema: Value = serde_json::from_str(include_str!("sarif-2.1.0.json")).unwrap();
    assert!(schema["definitions"].as_object().unwrap().len() > 40, "the whole schema");
    jsonschema::validator_for(&schema).unwrap()
}

#[test]
fn sarif_fits_the_standard() {
    let view = Made::new(200);
    let (_dir, out) = written(&view);
    let schema = sarif_schema();
    // The yardstick measures: what is wrong is refused.
    assert!(!schema.is_valid(&serde_json::json!({ "version": "2.1.0", "runs": [{ "results": [] }] })));
    let log = json(&out, "audit.sarif");
    valid(&schema, &log);
    let run = &log["runs"][0];
    let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
    assert_eq!(rules.len(), 28);
    let results = run["results"].as_array().unwrap();
    for result in results {
        let index = result["ruleIndex"].as_u64().unwrap() as usize;
        assert_eq!(rules[index]["id"], result["ruleId"]);
    }
    let count = |kind: &str| results.iter().filter(|r| r["kind"] == kind).count();
    let c = &view.header.summary.checks;
    assert_eq!(count("pass") as u64, c.pass);
    assert_eq!(count("open") as u64, c.unknown, "unknown is open, not passed");
    assert_eq!(count("notApplicable") as u64, c.not_applicable);
    let moved = results.iter().find(|r| r["ruleId"] == "A03").unwrap();
    let place = &moved["locations"][0]["logicalLocations"][0];
    assert!(place["fullyQualifiedName"].as_str().unwrap().ends_with(",OU=GroupWriteback,DC=contoso,DC=com"));
    assert_eq!(moved["level"], "error");
    let mut prints: Vec<&str> =
        results.iter().map(|r| r["partialFingerprints"]["groupshiftKey/v1"].as_str().unwrap()).collect();
    prints.sort_unstable();
    let all = prints.len();
    prints.dedup();
    assert_eq!(prints.len(), all, "each result is told apart");
    // Beside the last audit each result says how it stands.
    let last = Made::with(200, vec![0, 1], vec![0, 3], vec![]).document();
    let comparison = Comparison::of(&view, &last, "last").unwrap();
    let with = out.join("with");
    reports(&view, Some(&comparison), &[], &with);
    let log = json(&with, "audit.sarif");
    valid(&schema, &log);
    let results = log["runs"][0]["results"].as_array().unwrap();
    let state = |state: &str| results.iter().filter(|r| r["baselineState"] == state).count() as u64;
    assert_eq!(state("new"), comparison.counts.new);
    assert_eq!(state("unchanged"), comparison.counts.unchanged);
    assert_eq!(state("absent"), comparison.counts.fixed + comparison.counts.gone);
    assert!(state("absent") > 0);
}

#[test]
fn names_are_there_in_every_form() {
    // Made harmless, not left out.
    let view = Made::with(10, vec![0, 1, 2], vec![], vec![]);
    let (_dir, out) = written(&view);
    for (name, shown) in [
        ("audit.csv", "\\u{202e}txt.exe"),
        ("audit.md", "u\\{202e\\}txt.exe"),
        ("audit.junit.xml", "\\u{202e}txt.exe"),
        ("audit.sarif", "u{202e}txt.exe"),
        ("audit.json", "\u{202e}txt.exe"),
    ] {
        assert!(text(&out, name).contains(shown), "{name}");
    }
    assert!(HOSTILE[2].contains('\u{202e}'));
}
