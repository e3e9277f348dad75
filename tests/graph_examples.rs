//! Every documented answer of an operation that the collection reads goes through the types that read it.
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail by panicking")]

use groupshift::collect::graph_json::{self, Record, Whole};
use groupshift::directory::inventory::Assignment;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// What an operation's answer holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    /// Groups, users, members: directory objects, page by page.
    Objects,
    Assignments,
    Schema,
    /// Bodies that are kept as they come.
    Bodies,
}

/// Operations by their path, `{}` for an id.
const OPERATIONS: [(&str, Kind); 22] = [
    ("/groups", Kind::Objects),
    ("/groups/{}", Kind::Objects),
    ("/groups/delta", Kind::Objects),
    ("/groups/{}/members", Kind::Objects),
    ("/users", Kind::Objects),
    ("/users/{}", Kind::Objects),
    ("/users/delta", Kind::Objects),
    ("/organization", Kind::Bodies),
    ("/organization/{}", Kind::Bodies),
    ("/directory/onPremisesSynchronization", Kind::Bodies),
    ("/directory/onPremisesSynchronization/{}", Kind::Bodies),
    ("/servicePrincipals", Kind::Bodies),
    ("/servicePrincipals/{}", Kind::Bodies),
    ("/servicePrincipals/{}/synchronization/jobs", Kind::Bodies),
    ("/servicePrincipals/{}/synchronization/jobs/{}/schema", Kind::Schema),
    ("/servicePrincipals/{}/synchronization/jobs/{}/schema/functions", Kind::Bodies),
    ("/servicePrincipals/{}/synchronization/jobs/{}/schema/filterOperators", Kind::Bodies),
    ("/servicePrincipals/{}/appRoleAssignedTo", Kind::Assignments),
    ("/onPremisesPublishingProfiles/provisioning/agents", Kind::Bodies),
    ("/auditLogs/provisioning", Kind::Bodies),
    ("/identityGovernance/entitlementManagement/accessPackages", Kind::Bodies),
    ("/identityGovernance/entitlementManagement/accessPackages/{}", Kind::Bodies),
];

fn operation(url: &str) -> Option<(&'static str, Kind)> {
    let path = url.split('?').next().unwrap_or(url);
    let path = path.split_once("://").map_or(path, |(_, rest)| rest.split_once('/').map_or("", |(_, p)| p));
    let path = path.trim_start_matches('/');
    let (_, rest) = path.split_once('/')?;
    let segments: Vec<&str> = rest.trim_end_matches('/').split('/').collect();
    // A word of the interface is no id; the longest literal match wins by standing for itself.
    let words = [
        "delta",
        "members",
        "jobs",
        "schema",
        "functions",
        "filterOperators",
        "$count",
        "provisioning",
        "microsoft.graph.user",
    ];
    OPERATIONS.into_iter().find(|(pattern, _)| {
        let wanted: Vec<&str> = pattern.trim_start_matches('/').split('/').collect();
        wanted.len() == segments.len()
            && wanted
                .iter()
                .zip(&segments)
                .all(|(w, s)| if *w == "{}" { !words.contains(s) } else { w.eq_ignore_ascii_case(s) })
    })
}

fn examples() -> Option<Vec<(PathBuf, Value)>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/graph/examples");
    let mut out = Vec::new();
    for folder in ["curated", "docs-2023", "docs-2025"] {
        for entry in std::fs::read_dir(root.join(folder)).ok()? {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|e| e == "json") {
                let text = std::fs::read(&path).unwrap();
                out.push((path, serde_json::from_slice(&text).unwrap()));
            }
        }
    }
    out.sort_by(|a, b| a.0.cmp(&b.0));
    Some(out)
}

/// The objects of a body, as plain JSON.
fn plain(body: &Value) -> Vec<Value> {
    match body.get("value") {
        Some(Value::Array(list)) => list.clone(),
        _ => vec![body.clone()],
    }
}

fn read<I: graph_json::Item>(path: &Path, body: &Value) -> Vec<I> {
    let (items, page) = graph_json::read_answer(body.to_string().as_bytes(), path)
        .unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    assert_eq!(page.objects, items.len() as u64);
    items
}

/// A record holds what the JSON of the object holds.
fn same(path: &Path, record: &Record, value: &Value) {
    let text = |name: &str| value.get(name).and_then(Value::as_str).map(str::to_owned);
    let at = path.display();
    assert_eq!(record.id, text("id"), "{at}");
    assert_eq!(record.odata_type, text("@odata.type"), "{at}");
    for (name, read) in [
        ("displayName", &record.display_name),
        ("userPrincipalName", &record.user_principal_name),
        ("mailNickname", &record.mail_nickname),
        ("onPremisesSecurityIdentifier", &record.on_premises_security_identifier),
    ] {
        assert_eq!(read.is_some(), value.get(name).is_some(), "{at}: {name}");
        assert_eq!(read.clone().flatten(), text(name), "{at}: {name}");
    }
    for (name, read) in [
        ("securityEnabled", record.security_enabled),
        ("mailEnabled", record.mail_enabled),
        ("onPremisesSyncEnabled", record.on_premises_sync_enabled),
        ("isAssignableToRole", record.is_assignable_to_role),
    ] {
        assert_eq!(read, value.get(name).map(Value::as_bool), "{at}: {name}");
    }
    assert_eq!(record.removed, value.get("@removed").is_some(), "{at}");
    let count = |name: &str| value.get(name).and_then(Value::as_array).map(Vec::len);
    assert_eq!(record.members_delta.as_ref().map(Vec::len), count("members@delta"), "{at}");
    let writeback = value.get("writebackConfiguration");
    assert_eq!(record.writeback.is_some(), writeback.is_some(), "{at}");
    if let Some(Some(read)) = &record.writeback {
        let inner = writeback.and_then(|w| w.get("isEnabled")).map(Value::as_bool);
        assert_eq!(read.is_enabled, inner, "{at}");
    }
}

#[test]
fn documented_answers_are_read() {
    let Some(examples) = examples() else {
        println!("skipped: the documented examples are not here");
        return;
    };
    let mut read_of: BTreeMap<&str, u32> = BTreeMap::new();
    for (path, example) in &examples {
        let url = example.pointer("/request/url").and_then(Value::as_str).unwrap_or_default();
        let method = example.pointer("/request/method").and_then(Value::as_str).unwrap_or_default();
        let status = example.pointer("/response/status").and_then(Value::as_u64);
        let Some(body) = example.pointer("/response/body").filter(|b| b.is_object()) else { continue };
        if method != "GET" || status != Some(200) || example.pointer("/response/body/error").is_some() {
            continue;
        }
        let Some((name, kind)) = operation(url) else { continue };
        *read_of.entry(name).or_default() += 1;
        let values = plain(body);
        match kind {
            Kind::Objects => {
                let records: Vec<Record> = read(path, body);
                assert_eq!(records.len(), values.len(), "{}", path.display());
                records.iter().zip(&values).for_each(|(record, value)| same(path, record, value));
            }
            Kind::Assignments => {
                let read: Vec<Assignment> = read(path, body);
                assert_eq!(read.len(), values.len(), "{}", path.display());
                for (assignment, value) in read.iter().zip(&values) {
                    let principal = value.get("principalId").and_then(Value::as_str).unwrap_or_default();
                    assert_eq!(assignment.principal_id, principal.to_lowercase(), "{}", path.display());
                }
            }
            Kind::Schema => {
                let schema = serde_json::from_value::<groupshift::predict::schema::SynchronizationSchema>(body.clone());
                assert!(schema.is_ok(), "{}: {:?}", path.display(), schema.err());
            }
            Kind::Bodies => {
                let read = graph_json::objects(body.clone()).unwrap();
                assert!(!read.is_empty() && read.iter().all(Value::is_object), "{}", path.display());
                // An exported file of the same answer is read in the same way.
                if body.get("value").is_some_and(Value::is_array) {
                    let streamed: Vec<Whole> = self::read(path, body);
                    assert_eq!(streamed.into_iter().map(|w| w.0).collect::<Vec<_>>(), read, "{}", path.display());
                }
            }
        }
    }
    let all: u32 = read_of.values().sum();
    println!("{all} documented answers of {} operations read: {read_of:?}", read_of.len());
    // These have documented answers; should one find none, the table above is wrong.
    for wanted in [
        "/groups",
        "/groups/delta",
        "/groups/{}/members",
        "/users",
        "/users/delta",
        "/organization",
        "/directory/onPremisesSynchronization/{}",
        "/servicePrincipals",
        "/servicePrincipals/{}/synchronization/jobs",
        "/servicePrincipals/{}/synchronization/jobs/{}/schema",
        "/servicePrincipals/{}/synchronization/jobs/{}/schema/functions",
        "/servicePrincipals/{}/synchronization/jobs/{}/schema/filterOperators",
        "/servicePrincipals/{}/appRoleAssignedTo",
        "/onPremisesPublishingProfiles/provisioning/agents",
        "/auditLogs/provisioning",
        "/identityGovernance/entitlementManagement/accessPackages",
    ] {
        assert!(read_of.contains_key(wanted), "no documented answer of {wanted} was read: {read_of:?}");
    }
}

#[test]
fn error_answers_are_no_data() {
    let Some(examples) = examples() else {
        println!("skipped: the documented examples are not here");
        return;
    };
    let mut seen = 0;
    for (path, example) in &examples {
        let body = example.pointer("/response/body").filter(|b| b.pointer("/error/code").is_some_and(Value::is_string));
        let Some(body) = body else { continue };
        seen += 1;
        let read = graph_json::read_answer::<Record>(body.to_string().as_bytes(), path);
        let message = read.expect_err("an error answer").to_string();
        assert!(message.contains("error answer"), "{}: {message}", path.display());
    }
    assert!(seen >= 5, "{seen} error answers");
}
