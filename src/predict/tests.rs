//! A whole job: schema in, names and scope out.

use super::*;
use serde_json::json;
use std::collections::HashMap;

fn job(cn: &str, parent: &str, more: serde_json::Value) -> JobPrediction {
    let source = |expression: &str| json!({ "type": "Function", "expression": expression });
    let mut attributes = vec![
        json!({ "targetAttributeName": "msDS-ExternalDirectoryObjectId", "source": source("Append(\"Group_\",[objectId])"), "matchingPriority": 1 }),
        json!({ "targetAttributeName": "cn", "source": source(cn) }),
        json!({ "targetAttributeName": "parentDistinguishedName", "source": source(parent), "defaultValue": "OU=Default,DC=contoso,DC=com" }),
    ];
    attributes.extend(more["attributes"].as_array().into_iter().flatten().cloned());
    let schema = json!({ "synchronizationRules": [{
        "targetDirectoryName": "Active Directory",
        "objectMappings": [{ "sourceObjectName": "Group", "targetObjectName": "group",
            "flowTypes": more.get("flowTypes").cloned().unwrap_or(json!("Add,Update,Delete")),
            "scope": more.get("scope"), "attributeMappings": attributes }] }] });
    JobPrediction::new(&serde_json::from_value(schema).unwrap(), Some("contoso.com"))
}

fn group(name: &str) -> HashMap<String, Value> {
    HashMap::from([
        ("displayName".to_owned(), Value::str(name)),
        ("objectId".to_owned(), Value::str("3a5c3221-c465-48c0-95b8-e9305786a271")),
        ("securityEnabled".to_owned(), Value::Bool(true)),
        ("mailEnabled".to_owned(), Value::Bool(false)),
    ])
}

const NOW: Current<'_> = Current {
    cn: "Group_3a5c3221-c465-48c0-95b8-e9305786a271",
    parent: "OU=GroupWriteback,DC=contoso,DC=com",
    sam: Some("S1"),
};
const CN: &str = r#"Append(Append(Left(Trim([displayName]),51),"_"),Mid([objectId],25,12))"#;
const KEEP: &str = r#"Append("Group_",[objectId])"#;
const OU: &str = "\"OU=GroupWriteback,DC=contoso,DC=com\"";

fn dn(job: &JobPrediction, name: &str) -> String {
    match job.project(&group(name), NOW).dn() {
        Outcome::Value(dn) => dn.to_string(),
        other => format!("{other:?}"),
    }
}

#[test]
fn names() {
    let kept = job(KEEP, OU, json!({}));
    assert_eq!(dn(&kept, "Sales"), "CN=Group_3a5c3221-c465-48c0-95b8-e9305786a271,OU=GroupWriteback,DC=contoso,DC=com");
    let default = job(CN, OU, json!({}));
    assert_eq!(dn(&default, "Finance, EU"), "CN=Finance\\, EU_e9305786a271,OU=GroupWriteback,DC=contoso,DC=com");
    assert_eq!(default.project(&group("Sales"), NOW).sam_account_name, None);
    let switched = job(KEEP, r#"Switch([displayName],"OU=A,DC=x","Sales","OU=B,DC=x")"#, json!({}));
    assert_eq!(switched.project(&group("Sales"), NOW).parent, Outcome::Value("OU=B,DC=x".into()));
    assert!(switched.notes()[0].contains("fault"), "{:?}", switched.notes());
    let new = default.project_new(&group("Sales"));
    assert_eq!(new.cn, Outcome::Value("Sales_e9305786a271".into()));
}

#[test]
fn kept_container_of_a_group_without_one() {
    let expression = r#"IIF(IsPresent([extension_1_GroupDN]), [extension_1_GroupDN], "OU=Default,DC=contoso,DC=com")"#;
    let job = job(KEEP, expression, json!({}));
    // A new group gets the default either way; one that is there may also stay.
    assert_eq!(job.project_new(&group("Sales")).parent, Outcome::Value("OU=Default,DC=contoso,DC=com".into()));
    let Outcome::Unknown { candidates, reason } = job.project(&group("Sales"), NOW).parent else { panic!() };
    assert_eq!(candidates, [Value::str("OU=Default,DC=contoso,DC=com"), Value::str(NOW.parent)]);
    assert!(reason.contains("IIF") && reason.contains("default"), "{reason}");
    let Outcome::Unknown { candidates, .. } = job.project(&group("Sales"), NOW).dn() else { panic!() };
    assert_eq!(candidates.len(), 2);
}

#[test]
fn account_name_and_domain() {
    let sam = json!({ "attributes": [{ "targetAttributeName": "samaccountname",
        "source": { "expression": "Join(\"@\", [displayName], %DomainFQDN%)", "type": "Function", "name": "Join" } }] });
    let job = job(KEEP, OU, sam);
    let projection = job.project(&group("Sales"), NOW);
    assert_eq!(projection.sam_account_name, Some(Outcome::Value("Sales@contoso.com".into())));
    assert!(job.sam_mapping().is_some_and(|m| m.source.starts_with("Join")));
}

#[test]
fn flow_types_of_the_object() {
    let still = job(CN, OU, json!({ "flowTypes": "Add" }));
    assert_eq!(still.project(&group("Sales"), NOW).cn, Outcome::Value(NOW.cn.into()));
    let odd = job(CN, OU, json!({ "flowTypes": "Add,Sometimes" }));
    assert!(matches!(odd.project(&group("Sales"), NOW).cn, Outcome::Unknown { .. }));
}

#[test]
fn what_cannot_be_read_is_unknown_and_named() {
    let broken = job("Append(\"a\"", OU, json!({}));
    let Outcome::Unknown { reason, .. } = broken.project(&group("Sales"), NOW).dn() else { panic!() };
    assert!(reason.contains("cn") && reason.contains("column 11"), "{reason}");
    assert_eq!(broken.notes().len(), 1);
    let twice =
        job(CN, OU, json!({ "attributes": [{ "targetAttributeName": "CN", "source": { "name": "displayName" } }] }));
    assert!(twice.notes()[0].contains("more than once"));
    assert!(matches!(twice.project(&group("Sales"), NOW).cn, Outcome::Unknown { .. }));
    let empty = JobPrediction::new(&SynchronizationSchema::default(), None);
    assert!(empty.problem().is_some());
    assert!(matches!(empty.project(&group("Sales"), NOW).dn(), Outcome::Unknown { .. }));
    assert!(matches!(empty.scope(&group("Sales"), Assignment::All), Scope::Unknown(_)));
    let fails = job("Error(\"no name\")", OU, json!({}));
    assert_eq!(fails.project(&group("Sales"), NOW).dn(), Outcome::Error("no name".to_owned()));
}

#[test]
fn scope_of_a_job() {
    let filter = json!({ "scope": { "groups": [{ "name": "f", "clauses": [
        { "sourceOperandName": "displayName", "operatorName": "REGEX MATCH", "targetOperand": { "values": ["^Fin"] } }] }] } });
    let job = job(CN, OU, filter);
    assert_eq!(job.scope(&group("Finance"), Assignment::All), Scope::In);
    assert!(matches!(job.scope(&group("Sales"), Assignment::All), Scope::Out(reason) if reason.contains("^Fin")));
    assert!(matches!(job.scope(&group("Finance"), Assignment::NotAssigned), Scope::Out(_)));
    assert!(matches!(job.scope(&group("Finance"), Assignment::Unknown), Scope::Unknown(_)));
}

#[test]
fn source_attributes_in_graph() {
    for (attribute, property) in
        [("objectId", "id"), ("DirSyncEnabled", "onPremisesSyncEnabled"), ("displayName", "displayName")]
    {
        assert_eq!(graph_property(attribute), property);
    }
}

#[test]
fn a_job_is_shared_between_threads() {
    fn shared<T: Send + Sync + 'static>(_: &T) {}
    shared(&job(CN, OU, json!({})));
}

proptest::proptest! {
    #[test]
    fn a_mutated_schema_never_panics(at in 0usize..2000, with in "[\\[\\]{}\",:a-zA-Z0-9\\\\()% ]{0,4}") {
        let text = json!({ "directories": [{ "name": "Active Directory", "objects": [{ "name": "group", "attributes": [
                { "name": "cn", "caseExact": false, "flowNullValues": false }] }] }],
            "synchronizationRules": [{ "targetDirectoryName": "Active Directory", "priority": 1, "objectMappings": [{
                "sourceObjectName": "Group", "targetObjectName": "group", "flowTypes": "Add,Update",
                "scope": { "groups": [{ "clauses": [{ "sourceOperandName": "displayName", "operatorName": "REGEX MATCH",
                    "targetOperand": { "values": ["^S(a|b)*"] } }] }] },
                "attributeMappings": [
                    { "targetAttributeName": "cn", "flowType": "Always", "source": { "type": "Function", "expression": CN } },
                    { "targetAttributeName": "parentDistinguishedName", "defaultValue": "OU=x", "source": { "type": "Function",
                      "name": "Mid", "parameters": [
                        { "key": "source", "value": { "type": "Attribute", "name": "displayName" } },
                        { "key": "start", "value": { "type": "Constant", "name": "1" } }] } }] }] }] })
        .to_string();
        let at = at.min(text.len());
        let mutated = format!("{}{with}{}", &text[..at], text.get(at + 1..).unwrap_or_default());
        if let Ok(schema) = serde_json::from_str::<SynchronizationSchema>(&mutated) {
            let job = JobPrediction::new(&schema, Some("contoso.com"));
            let _ = (job.project(&group("Sales"), NOW).dn(), job.project_new(&group("Sales")).dn(), job.notes());
            let _ = job.scope(&group("Sales"), Assignment::All);
        }
    }
}
