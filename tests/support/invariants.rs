//! What holds of every assessment, whatever the input: checked on each one that a test makes.

use groupshift::assess;
use serde_json::Value;
use std::collections::BTreeMap;

const STRICTNESS: [&str; 4] = ["migrate", "fix", "review", "exclude"];

/// Rules that make a group a matter of review while they are open.
const DECISIVE: [&str; 12] = ["C01", "C02", "C03", "C04", "C05", "C06", "C07", "C08", "C09", "C10", "C11", "C34"];

/// Rules whose findings about members carry a count and the first twenty.
const MEMBER_RULES: [&str; 7] = ["C20", "C21", "C22", "C23", "C24", "C25", "C26"];

pub fn check(assessment: &Value) {
    assert_eq!(assessment["schema"], "groupshift/assessment/v1");
    let groups = assessment["groups"].as_array().unwrap();
    let mut verdicts: BTreeMap<&str, u64> = STRICTNESS.iter().map(|v| (*v, 0)).collect();
    let mut rules: BTreeMap<(&str, &str), u64> = BTreeMap::new();
    let (mut memberships, mut open) = (0, 0);
    for group in groups {
        let verdict = group["verdict"].as_str().unwrap();
        *verdicts.get_mut(verdict).unwrap() += 1;
        memberships += group["members"].as_u64().unwrap();
        let findings = group["findings"].as_array().unwrap();
        open += u64::from(findings.iter().any(|f| f["status"] == "unknown"));
        let strictest = findings.iter().map(of_finding).max_by_key(|v| strictness(v)).unwrap_or("none");
        assert_eq!(verdict, strictest, "the verdict is the strictest of its findings: {group:#}");
        let ids: Vec<&str> = findings.iter().map(|f| f["rule"].as_str().unwrap()).collect();
        assert!(ids.is_sorted() && ids.windows(2).all(|w| w[0] != w[1]), "findings by rule id, each once: {ids:?}");
        for finding in findings {
            text(finding);
            *rules.entry((finding["rule"].as_str().unwrap(), finding["status"].as_str().unwrap())).or_default() += 1;
        }
    }
    assert!(groups.is_sorted_by_key(order), "groups by DN, null last, then by objectId");
    let summary = &assessment["summary"];
    assert_eq!(summary["groups"].as_u64(), Some(groups.len() as u64));
    for (verdict, count) in verdicts {
        assert_eq!(summary[verdict].as_u64(), Some(count), "{verdict}");
    }
    assert_eq!((summary["memberships"].as_u64(), summary["unknown"].as_u64()), (Some(memberships), Some(open)));
    for rule in summary["rules"].as_array().unwrap() {
        for status in ["found", "unknown"] {
            let count = rules.get(&(rule["rule"].as_str().unwrap(), status)).copied().unwrap_or(0);
            assert_eq!(rule[status].as_u64(), Some(count), "{rule}");
        }
    }
    gates(assessment);
}

fn order(group: &Value) -> (bool, String, String) {
    let text = |name: &str| group[name].as_str().unwrap_or_default().to_owned();
    (group["dn"].is_null(), text("dn"), if group["dn"].is_null() { text("objectId") } else { String::new() })
}

fn strictness(verdict: &str) -> usize {
    STRICTNESS.iter().position(|v| *v == verdict).unwrap_or(0)
}

/// The verdict that a finding gives by itself.
fn of_finding(finding: &Value) -> &'static str {
    let id = finding["rule"].as_str().unwrap();
    let rule = assess::rules().iter().find(|r| r.id == id).unwrap();
    match (finding["status"].as_str().unwrap(), id) {
        ("found", "C14" | "C31") if finding["severity"] == "info" => "migrate",
        ("found", _) => rule.verdict.as_str(),
        (_, id) if DECISIVE.contains(&id) => "review",
        // Identifiers of a group that is not synchronised: perhaps converted.
        (_, "C35") if finding["evidence"].get("onPremisesSyncEnabled").is_some() => "review",
        _ => "migrate",
    }
}

fn text(finding: &Value) {
    let id = finding["rule"].as_str().unwrap();
    for name in ["message", "remediation"] {
        assert!(!finding[name].as_str().unwrap().is_empty(), "{id}: {name}");
    }
    assert!(finding["evidence"].is_object(), "{id}: evidence");
    if finding["status"] == "found" && MEMBER_RULES.contains(&id) {
        let first = finding["evidence"]["first"].as_array().unwrap();
        let count = finding["evidence"]["count"].as_u64().unwrap();
        assert!(count > 0 && first.len() as u64 == count.min(20), "{finding:#}");
    }
}

fn gates(assessment: &Value) {
    let gates = assessment["gates"].as_array().unwrap();
    let ids: Vec<&str> = gates.iter().map(|g| g["id"].as_str().unwrap()).collect();
    let mut want: Vec<String> = (1..=15).map(|i| format!("E{i}")).collect();
    want.extend(["C19".to_owned(), "C37".to_owned()]);
    assert_eq!(ids, want, "all gates are always listed");
    for gate in gates {
        assert!(!gate["blocks"].as_array().unwrap().is_empty(), "{gate:#}");
        assert!(!gate["message"].as_str().unwrap().is_empty(), "{gate:#}");
        if matches!(gate["status"].as_str().unwrap(), "fail" | "unknown") {
            assert!(!gate["remediation"].as_str().unwrap().is_empty(), "what would settle it: {gate:#}");
            assert!(gate.get("attested").is_none(), "{gate:#}");
        }
    }
}
