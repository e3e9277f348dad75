//! The mappings that a new configuration of group provisioning begins with, as they are documented: what a tenant gets
//! that changes nothing.

use super::schema::SynchronizationSchema;
use serde_json::{Value, json};

/// Target attribute and expression of each documented default.
const EXPRESSIONS: [(&str, &str); 5] = [
    ("adminDescription", "Append(\"Group_\",[objectId])"),
    ("cn", "Append(Append(Left(Trim([displayName]),51),\"_\"),Mid([objectId],25,12))"),
    ("description", "Left(Trim([description]),448)"),
    ("displayName", "[displayName]"),
    ("msDS-ExternalDirectoryObjectId", "Append(\"Group_\",[objectId])"),
];

/// The schema for an AD domain (`contoso.com`); without one, nothing is said of the container.
pub fn schema(domain: Option<&str>) -> Result<SynchronizationSchema, serde_json::Error> {
    let mapping = |target: &str, source: Value| json!({ "targetAttributeName": target, "source": source });
    let constant = |target: &str, value: &str| {
        let quoted = format!("\"{value}\"");
        mapping(target, json!({ "type": "Constant", "name": value, "expression": quoted }))
    };
    let function = |(target, text): (&str, &str)| {
        let (kind, name) = match text.split_once('(') {
            Some((name, _)) => ("Function", name),
            None => ("Attribute", text.trim_matches(['[', ']'])),
        };
        mapping(target, json!({ "type": kind, "name": name, "expression": text }))
    };
    let mut mappings: Vec<Value> = EXPRESSIONS.into_iter().map(function).collect();
    mappings.extend([constant("isSecurityGroup", "True"), constant("UniversalScope", "True")]);
    mappings.push(mapping("member", json!({ "type": "Attribute", "name": "members", "expression": "[members]" })));
    if let Some(domain) = domain.filter(|d| !d.is_empty()) {
        let labels: Vec<String> = domain.split('.').map(|label| format!("DC={label}")).collect();
        mappings.push(constant("parentDistinguishedName", &format!("CN=Users,{}", labels.join(","))));
    }
    serde_json::from_value(json!({
        "synchronizationRules": [{
            "name": "documented defaults", "targetDirectoryName": "Active Directory",
            "objectMappings": [{ "sourceObjectName": "group", "targetObjectName": "group", "enabled": true,
                                 "attributeMappings": mappings }] }] }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::predict::expression::Value as Word;
    use crate::predict::{Current, JobPrediction};
    use std::collections::HashMap;

    #[test]
    fn a_group_is_renamed_and_moved() {
        let job = JobPrediction::new(&schema(Some("contoso.com")).unwrap(), Some("contoso.com"));
        let group = HashMap::from([
            ("objectId".to_owned(), Word::str("3a5c3221-c465-48c0-95b8-e9305786a271")),
            ("displayName".to_owned(), Word::str("Sales")),
        ]);
        let after = job.project(&group, Current { cn: "x", parent: "OU=G,DC=contoso,DC=com", sam: None });
        assert_eq!(after.dn().text().unwrap(), "CN=Sales_e9305786a271,CN=Users,DC=contoso,DC=com");
        assert!(job.notes().is_empty(), "{:?}", job.notes());
        assert!(JobPrediction::new(&schema(None).unwrap(), None).parent_mapping().is_none());
    }
}
