//! The part of a job's synchronizationSchema that a prediction reads, as Microsoft Graph sends it: rules, object
//! mappings, attribute mappings, filters, attribute definitions. Tolerant: unknown properties are ignored, null stands
//! for empty, enumerations are read in any letter case and unknown values are kept.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A list that may be null or hold nulls.
fn list<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Vec<T>, D::Error> {
    let items: Option<Vec<Option<T>>> = Option::deserialize(deserializer)?;
    Ok(items.unwrap_or_default().into_iter().flatten().collect())
}

/// A value that may be null.
fn or_default<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(deserializer: D) -> Result<T, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// An enumeration of words, read in any letter case; the first is the default.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $first:ident $(, $rest:ident)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Default)]
        pub enum $name {
            #[default]
            $first,
            $($rest,)*
            /// A word that the documentation does not know, as it came.
            Other(String),
        }
        impl $name {
            pub fn read(word: &str) -> Self {
                if word.eq_ignore_ascii_case(stringify!($first)) {
                    return $name::$first;
                }
                $(if word.eq_ignore_ascii_case(stringify!($rest)) {
                    return $name::$rest;
                })*
                $name::Other(word.to_owned())
            }
            pub fn as_str(&self) -> &str {
                match self {
                    $name::$first => stringify!($first),
                    $($name::$rest => stringify!($rest),)*
                    $name::Other(word) => word,
                }
            }
        }
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let word: Option<String> = Option::deserialize(deserializer)?;
                Ok(word.map_or_else(Self::default, |word| $name::read(&word)))
            }
        }
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }
    };
}

words!(
    /// What an attributeMappingSource is.
    SourceType { Attribute, Constant, Function }
);
words!(
    /// When a value flows.
    FlowType { Always, ObjectAddOnly, AttributeAddOnly, ValueAddOnly, MultiValueAddOnly }
);

/// Which changes an object mapping makes: a text list such as `Add,Update,Delete`; absent means all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FlowTypes {
    words: Option<Vec<String>>,
}

impl FlowTypes {
    pub fn all() -> Self {
        FlowTypes { words: None }
    }
    /// Whether the list holds `word`; `None` where it holds something that the documentation does not know.
    fn has(&self, word: &str) -> Option<bool> {
        let Some(words) = &self.words else { return Some(true) };
        if words.iter().any(|w| w.eq_ignore_ascii_case(word)) {
            return Some(true);
        }
        let known = |w: &String| ["None", "Add", "Update", "Delete"].iter().any(|k| w.eq_ignore_ascii_case(k));
        (!words.is_empty() && words.iter().all(known)).then_some(false)
    }
    pub fn add(&self) -> Option<bool> {
        self.has("Add")
    }
    pub fn update(&self) -> Option<bool> {
        self.has("Update")
    }
    pub fn delete(&self) -> Option<bool> {
        self.has("Delete")
    }
}

impl Default for FlowTypes {
    fn default() -> Self {
        Self::all()
    }
}

impl<'de> Deserialize<'de> for FlowTypes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Form {
            Text(String),
            List(Vec<String>),
        }
        let words = Option::<Form>::deserialize(deserializer)?.map(|form| {
            let texts = match form {
                Form::Text(text) => vec![text],
                Form::List(texts) => texts,
            };
            let words = texts.iter().flat_map(|text| text.split(',')).map(str::trim).filter(|word| !word.is_empty());
            words.map(str::to_owned).collect()
        });
        Ok(FlowTypes { words })
    }
}

impl Serialize for FlowTypes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.words {
            Some(words) => serializer.serialize_str(&words.join(",")),
            None => serializer.serialize_none(),
        }
    }
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct SynchronizationSchema {
    pub id: Option<String>,
    pub version: Option<String>,
    #[serde(deserialize_with = "list")]
    pub directories: Vec<DirectoryDefinition>,
    #[serde(deserialize_with = "list")]
    pub synchronization_rules: Vec<SynchronizationRule>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct DirectoryDefinition {
    pub id: Option<String>,
    pub name: Option<String>,
    #[serde(deserialize_with = "list")]
    pub objects: Vec<ObjectDefinition>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ObjectDefinition {
    pub name: Option<String>,
    #[serde(deserialize_with = "list")]
    pub attributes: Vec<AttributeDefinition>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct AttributeDefinition {
    pub name: Option<String>,
    #[serde(rename = "type")]
    pub kind: Option<String>,
    pub anchor: Option<bool>,
    pub case_exact: Option<bool>,
    pub default_value: Option<String>,
    pub flow_null_values: Option<bool>,
    pub multivalued: Option<bool>,
    pub mutability: Option<String>,
    pub required: Option<bool>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct SynchronizationRule {
    pub id: Option<String>,
    pub name: Option<String>,
    pub priority: Option<i64>,
    pub editable: Option<bool>,
    pub source_directory_name: Option<String>,
    pub target_directory_name: Option<String>,
    #[serde(deserialize_with = "list")]
    pub object_mappings: Vec<ObjectMapping>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ObjectMapping {
    pub name: Option<String>,
    pub enabled: Option<bool>,
    #[serde(deserialize_with = "or_default")]
    pub flow_types: FlowTypes,
    pub source_object_name: Option<String>,
    pub target_object_name: Option<String>,
    pub scope: Option<Filter>,
    #[serde(deserialize_with = "list")]
    pub attribute_mappings: Vec<AttributeMapping>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct AttributeMapping {
    pub target_attribute_name: Option<String>,
    pub source: Option<AttributeMappingSource>,
    pub default_value: Option<String>,
    pub flow_type: FlowType,
    pub flow_behavior: Option<String>,
    pub matching_priority: Option<i64>,
    pub export_missing_references: Option<bool>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct AttributeMappingSource {
    #[serde(rename = "type")]
    pub kind: SourceType,
    pub name: Option<String>,
    pub expression: Option<String>,
    #[serde(deserialize_with = "list")]
    pub parameters: Vec<SourceParameter>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct SourceParameter {
    pub key: Option<String>,
    pub value: Option<AttributeMappingSource>,
}

/// A scoping filter: three sets of groups.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Filter {
    #[serde(deserialize_with = "list")]
    pub groups: Vec<FilterGroup>,
    #[serde(deserialize_with = "list")]
    pub category_filter_groups: Vec<FilterGroup>,
    #[serde(deserialize_with = "list")]
    pub input_filter_groups: Vec<FilterGroup>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct FilterGroup {
    pub name: Option<String>,
    #[serde(deserialize_with = "list")]
    pub clauses: Vec<FilterClause>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct FilterClause {
    pub source_operand_name: Option<String>,
    pub operator_name: Option<String>,
    #[serde(deserialize_with = "or_default")]
    pub target_operand: FilterOperand,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct FilterOperand {
    #[serde(deserialize_with = "list")]
    pub values: Vec<String>,
}

/// The mapping that writes groups to Active Directory, with the rule it stands in.
#[derive(Debug, Clone, Copy)]
pub struct GroupMapping<'s> {
    pub rule: &'s SynchronizationRule,
    pub mapping: &'s ObjectMapping,
    /// The definition of the group object in the target directory, where the schema has it.
    pub target: Option<&'s ObjectDefinition>,
}

fn named(name: &Option<String>, wanted: &str) -> bool {
    name.as_deref().is_some_and(|name| name.trim().eq_ignore_ascii_case(wanted))
}

/// True for a directory name that means the cloud.
fn is_cloud(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    ["azure", "entra", "aad"].iter().any(|word| lower.contains(word))
}

impl SynchronizationSchema {
    /// The enabled mapping from cloud groups to groups of Active Directory. An error says why there is none, or that
    /// several stand on the same step.
    pub fn group_mapping(&self) -> Result<GroupMapping<'_>, String> {
        let all =
            || self.synchronization_rules.iter().flat_map(|rule| rule.object_mappings.iter().map(move |m| (rule, m)));
        let to_ad = |rule: &SynchronizationRule, mapping: &ObjectMapping| {
            let groups = named(&mapping.source_object_name, "group") && named(&mapping.target_object_name, "group");
            let target = rule.target_directory_name.as_deref().unwrap_or_default();
            // No schema of a real job is published, so its directory names are not known for sure: a target that is
            // not the cloud, or an attribute that only Active Directory has, tells.
            let named_ad =
                target.to_ascii_lowercase().contains("active directory") || named(&rule.target_directory_name, "ad");
            let writes_anchor = mapping.of("msDS-ExternalDirectoryObjectId").next().is_some()
                || mapping.of("parentDistinguishedName").next().is_some();
            groups && !is_cloud(target) && (named_ad || writes_anchor)
        };
        let mut found: Vec<_> = all().filter(|(rule, mapping)| to_ad(rule, mapping)).collect();
        if found.is_empty() {
            return Err("the schema has no mapping from cloud groups to groups of Active Directory".to_owned());
        }
        found.retain(|(_, mapping)| mapping.enabled != Some(false));
        found.sort_by_key(|(rule, _)| rule.priority.unwrap_or(i64::MAX));
        match found.as_slice() {
            [] => Err("the schema's mapping of groups to Active Directory is disabled".to_owned()),
            [(rule, mapping)] => Ok(GroupMapping { rule, mapping, target: self.target_definition(rule, mapping) }),
            _ => Err("the schema has several mappings of groups to Active Directory; which of them wins is described \
                      nowhere"
                .to_owned()),
        }
    }
    fn target_definition(&self, rule: &SynchronizationRule, mapping: &ObjectMapping) -> Option<&ObjectDefinition> {
        let directory = rule.target_directory_name.as_deref()?;
        let object = mapping.target_object_name.as_deref()?;
        let directory = self.directories.iter().find(|d| named(&d.name, directory.trim()))?;
        directory.objects.iter().find(|o| named(&o.name, object.trim()))
    }
}

impl ObjectMapping {
    /// The mappings of a target attribute; a sound schema has at most one.
    pub fn of<'s>(&'s self, target: &'s str) -> impl Iterator<Item = &'s AttributeMapping> {
        self.attribute_mappings.iter().filter(move |m| named(&m.target_attribute_name, target))
    }
}

impl ObjectDefinition {
    pub fn attribute(&self, name: &str) -> Option<&AttributeDefinition> {
        self.attributes.iter().find(|a| named(&a.name, name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};
    use std::path::{Path, PathBuf};

    fn read(value: Value) -> SynchronizationSchema {
        serde_json::from_value(value).unwrap()
    }

    fn job() -> Value {
        json!({
            "@odata.context": "x", "id": "AAD2ADGroupProvisioning.1", "version": "v1", "provisioningTaskIdentifier": null,
            "directories": [
                { "name": "Active Directory", "readOnly": false, "objects": [null, { "name": "Group", "attributes": [
                    { "name": "CN", "type": "string", "caseExact": false, "required": true, "referencedObjects": [] } ] }] } ],
            "synchronizationRules": [null, {
                "name": "AAD2ADGroupProvisioning", "priority": 1, "sourceDirectoryName": "Azure Active Directory",
                "targetDirectoryName": "active directory", "objectMappings": [
                    { "sourceObjectName": "User", "targetObjectName": "user", "enabled": true, "flowTypes": "Add" },
                    { "sourceObjectName": "group", "targetObjectName": "Group", "enabled": true,
                      "flowTypes": "add, Update", "scope": null, "attributeMappings": [
                        { "targetAttributeName": "cn", "flowType": "objectaddonly", "flowBehavior": "FlowWhenChanged",
                          "matchingPriority": 0, "defaultValue": null,
                          "source": { "type": "function", "name": "Append", "expression": "Append(\"a\",[b])",
                                      "parameters": null } },
                        { "targetAttributeName": "objectGUID", "source": null, "flowType": "Weekly" }, {} ] } ] }, {} ] })
    }

    #[test]
    fn a_job_schema() {
        let schema = read(job());
        let group = schema.group_mapping().unwrap();
        assert_eq!(group.rule.priority, Some(1));
        assert_eq!((group.mapping.flow_types.add(), group.mapping.flow_types.delete()), (Some(true), Some(false)));
        let cn = group.mapping.of("CN").next().unwrap();
        assert_eq!(cn.flow_type, FlowType::ObjectAddOnly);
        assert_eq!(cn.source.as_ref().unwrap().kind, SourceType::Function);
        assert_eq!(group.target.unwrap().attribute("cn").unwrap().case_exact, Some(false));
        let guid = group.mapping.of("ObjectGUID").next().unwrap();
        assert!(guid.source.is_none());
        assert_eq!(guid.flow_type, FlowType::Other("Weekly".to_owned()));
        let again = read(serde_json::to_value(&schema).unwrap());
        assert_eq!(again, schema);
    }

    #[test]
    fn flow_types() {
        for (value, update) in [
            (json!(null), Some(true)),
            (json!("Add,Update,Delete"), Some(true)),
            (json!(["Add", "update"]), Some(true)),
            (json!("None"), Some(false)),
            (json!("Add , Delete"), Some(false)),
            (json!("Add,Later"), None),
            (json!(""), None),
        ] {
            let flow: Option<FlowTypes> = serde_json::from_value(value.clone()).unwrap();
            assert_eq!(flow.unwrap_or_default().update(), update, "{value}");
        }
    }

    #[test]
    fn the_group_mapping_is_found_or_the_reason_said() {
        let with = |path: &str, value: Value| {
            let mut job = job();
            *job.pointer_mut(path).unwrap() = value;
            read(job).group_mapping().map(|_| ()).err().unwrap_or_default()
        };
        let mapping = "/synchronizationRules/1/objectMappings/1";
        assert!(with(&format!("{mapping}/enabled"), json!(false)).contains("disabled"));
        assert!(with(&format!("{mapping}/targetObjectName"), json!("user")).contains("no mapping"));
        assert!(
            with("/synchronizationRules/1/targetDirectoryName", json!("Azure Active Directory")).contains("no mapping")
        );
        assert!(with("/synchronizationRules/1/targetDirectoryName", json!("Contoso")).contains("no mapping"));
        assert!(with("/synchronizationRules/2", job()["synchronizationRules"][1].clone()).contains("several"));
        assert_eq!(
            with(&format!("{mapping}/attributeMappings/2"), json!({"targetAttributeName": "parentDistinguishedName"})),
            ""
        );
    }

    /// Every published example of a synchronizationSchema, wherever it stands in a body.
    #[test]
    fn published_examples() {
        let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/graph/examples");
        if !examples.is_dir() {
            println!("skipped: no published examples beside the package");
            return;
        }
        let mut folders: Vec<PathBuf> = vec![examples];
        let mut count = 0;
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else if path.extension().is_some_and(|e| e == "json") {
                    let Ok(body) = serde_json::from_str::<Value>(&std::fs::read_to_string(&path).unwrap()) else {
                        continue;
                    };
                    count += schemas(&body, &path);
                }
            }
        }
        assert!(count >= 5, "{count} schemas found");
    }

    fn schemas(value: &Value, path: &Path) -> usize {
        match value {
            Value::Object(map) if map.contains_key("synchronizationRules") => {
                let schema: SynchronizationSchema =
                    serde_json::from_value(value.clone()).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
                let text = serde_json::to_string(&schema).unwrap();
                assert_eq!(serde_json::from_str::<SynchronizationSchema>(&text).unwrap(), schema);
                1
            }
            Value::Object(map) => map.values().map(|v| schemas(v, path)).sum(),
            Value::Array(items) => items.iter().map(|v| schemas(v, path)).sum(),
            _ => 0,
        }
    }
}
