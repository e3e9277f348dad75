//! What is known of one Entra Connect server: its settings, synchronisation rules, connectors and pending exports, each
//! with where it was read. A value that no source gave is absent, and absent is never the same as false.

use super::ObjectGuid;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// The Entra ID connector carries this id on every installation; its subtype decides first, where it is known.
pub fn entra_connector() -> ObjectGuid {
    ObjectGuid::from_u128(0xb891884f_051e_4a83_95af_2544101c9083)
}

/// What a value was read from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Origin {
    /// `connect-state.json`, written by the collector script.
    State,
    /// A `Get-ADSyncServerConfiguration` folder.
    Export,
    /// A `csexport` file.
    PendingExports,
    /// A synchronisation policy JSON of the wizard: its presence is recorded, nothing is judged by it.
    Policy,
}

impl Origin {
    pub fn as_str(self) -> &'static str {
        match self {
            Origin::State => "connect-state.json",
            Origin::Export => "server configuration export",
            Origin::PendingExports => "csexport",
            Origin::Policy => "synchronisation policy",
        }
    }
}

/// A file or folder that was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    pub origin: Origin,
    /// Below the server's folder, with forward slashes.
    pub path: String,
    /// When its content was true, where the source says so.
    pub at: Option<DateTime<Utc>>,
    /// How many things it held: rules, connectors, pending objects; in words for a person.
    pub holds: String,
}

/// One observation of a value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Observed<T> {
    pub value: T,
    pub from: Origin,
    pub at: Option<DateTime<Utc>>,
}

/// A value as every source saw it, the most credible observation first: the later one where both are dated, else the
/// state script's. No observation at all means that the value is not known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Fact<T>(pub Vec<Observed<T>>);

impl<T> Default for Fact<T> {
    fn default() -> Self {
        Fact(Vec::new())
    }
}

impl<T: PartialEq> Fact<T> {
    /// The value to go by, where one is known.
    pub fn value(&self) -> Option<&T> {
        self.0.first().map(|o| &o.value)
    }
    pub fn is_known(&self) -> bool {
        !self.0.is_empty()
    }
    /// True where two sources say different things.
    pub fn disagrees(&self) -> bool {
        self.0.windows(2).any(|pair| pair[0].value != pair[1].value)
    }
    pub fn observe(&mut self, value: T, from: Origin, at: Option<DateTime<Utc>>) {
        let place = self.0.iter().position(|old| is_newer((from, at), (old.from, old.at)));
        self.0.insert(place.unwrap_or(self.0.len()), Observed { value, from, at });
    }
    pub fn observe_some(&mut self, value: Option<T>, from: Origin, at: Option<DateTime<Utc>>) {
        if let Some(value) = value {
            self.observe(value, from, at);
        }
    }
}

/// True where the first of two origins is to be believed over the second.
pub fn is_newer(new: (Origin, Option<DateTime<Utc>>), old: (Origin, Option<DateTime<Utc>>)) -> bool {
    match (new.1, old.1) {
        (Some(a), Some(b)) if a != b => a > b,
        _ => new.0 < old.0,
    }
}

/// One Connect server. Serialises to one JSON object, which a bundle holds on one line.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ConnectServer {
    /// Its computer name, where a source says it, else the name of its folder.
    pub name: String,
    /// What was read, in the order of reading. What is missing here was not given.
    pub sources: Vec<Source>,
    /// What the sources could not tell or where they contradict each other, in sentences.
    pub problems: Vec<String>,
    /// When the newest dated source was written.
    pub collected_at: Option<DateTime<Utc>>,
    /// The nonce of the collector script, which ties evidence to a run.
    pub nonce: Option<String>,
    /// The product version, as dotted numbers.
    pub version: Fact<String>,
    pub staging_mode: Fact<bool>,
    pub scheduler: Scheduler,
    /// `Get-ADSyncAADCompanyFeature`: `GroupWritebackV2`, `UnifiedGroupWriteback` and so on, as named there. `None`: not
    /// asked; a name that is missing: not told.
    pub company_features: Option<BTreeMap<String, bool>>,
    /// The wizard's choices (`Microsoft.OptionalFeature.*`), by the last part of their name.
    pub optional_features: BTreeMap<String, Fact<bool>>,
    /// The distinguished name that groups are written back to. `None` as a value: the settings were read and hold none.
    pub writeback_container: Fact<Option<String>>,
    pub writeback_forest: Fact<Option<String>>,
    /// Above so many deletions an export is held back; `None` as a value: switched off.
    pub deletion_threshold: Fact<Option<u64>>,
    pub source_anchor: Fact<String>,
    /// The rules of the most credible source, ordered by precedence, then id.
    pub rules: Option<Vec<SyncRule>>,
    pub rules_from: Option<Origin>,
    pub connectors: Option<Vec<Connector>>,
    pub connectors_from: Option<Origin>,
    /// Attributes of the metaverse schema. `cloudNoFlow` must be among them.
    pub metaverse_attributes: Option<BTreeSet<String>>,
    /// Version of a Cloud Sync provisioning agent on this host. `None` as a value: looked for, and there is none.
    pub provisioning_agent: Fact<Option<String>>,
    /// One entry a `csexport` file; empty where none was given.
    pub pending_exports: Vec<PendingExports>,
}

/// `Get-ADSyncScheduler`, or the settings that it reads.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Scheduler {
    pub sync_cycle_enabled: Fact<bool>,
    pub suspended: Fact<bool>,
    pub maintenance_enabled: Fact<bool>,
    pub in_progress: Fact<bool>,
    /// `Delta` or `Initial`.
    pub next_policy: Fact<String>,
    /// `hh:mm:ss`.
    pub interval: Fact<String>,
    pub next_start: Fact<DateTime<Utc>>,
}

impl ConnectServer {
    /// A company feature by its name, in any letter case.
    pub fn company_feature(&self, name: &str) -> Option<bool> {
        let features = self.company_features.as_ref()?;
        features.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| *value)
    }
    /// Whether the metaverse has an attribute of this name, where the schema was read.
    pub fn has_metaverse_attribute(&self, name: &str) -> Option<bool> {
        Some(self.metaverse_attributes.as_ref()?.iter().any(|a| a.eq_ignore_ascii_case(name)))
    }
    pub fn connector(&self, id: ObjectGuid) -> Option<&Connector> {
        self.connectors.as_ref()?.iter().find(|c| c.id == Some(id))
    }
    pub fn has_source(&self, origin: Origin) -> bool {
        self.sources.iter().any(|s| s.origin == origin)
    }
}

/// Which way a rule runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    Inbound,
    Outbound,
    /// Text that is neither.
    Other(String),
}

impl Direction {
    pub fn read(text: &str) -> Self {
        match text.trim() {
            t if t.eq_ignore_ascii_case("inbound") => Direction::Inbound,
            t if t.eq_ignore_ascii_case("outbound") => Direction::Outbound,
            t => Direction::Other(t.to_owned()),
        }
    }
    pub fn as_str(&self) -> &str {
        match self {
            Direction::Inbound => "Inbound",
            Direction::Outbound => "Outbound",
            Direction::Other(text) => text,
        }
    }
}

/// One synchronisation rule.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct SyncRule {
    pub id: Option<ObjectGuid>,
    pub name: String,
    pub description: String,
    pub direction: Option<Direction>,
    /// The connector (connected system) that the rule belongs to.
    pub connector: Option<ObjectGuid>,
    pub source_object_type: String,
    pub target_object_type: String,
    /// `Join`, `Provision`, `JoinNoFlow`, `StickyJoin`.
    pub link_type: String,
    pub precedence: Option<i64>,
    /// `Microsoft.<rule>.<version>` for a rule of the product; none for a custom or cloned one.
    pub immutable_tag: Option<String>,
    pub disabled: Option<bool>,
    /// Groups are ORed, the conditions within one are ANDed. In an outbound rule the attribute is one of the metaverse.
    pub scope: Vec<ScopeGroup>,
    /// Groups are ORed, the conditions within one are ANDed.
    pub joins: Vec<JoinGroup>,
    pub flows: Vec<Flow>,
}

impl SyncRule {
    pub fn is_custom(&self) -> bool {
        self.immutable_tag.as_deref().is_none_or(|tag| tag.trim().is_empty())
    }
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScopeGroup {
    pub conditions: Vec<ScopeCondition>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ScopeCondition {
    pub attribute: String,
    /// `EQUAL`, `NOTEQUAL`, `ISNULL`, `STARTSWITH` and so on.
    pub operator: String,
    pub value: String,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct JoinGroup {
    pub conditions: Vec<JoinCondition>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct JoinCondition {
    pub connector_attribute: String,
    pub metaverse_attribute: String,
    pub case_sensitive: Option<bool>,
}

/// Where the value of a flow comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FlowKind {
    /// An attribute as it is.
    Direct,
    /// A fixed text, in `text`.
    Constant,
    /// An expression, in `text`.
    Expression,
    /// Text that is none of these.
    Other(String),
}

/// One attribute flow (transformation) of a rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Flow {
    pub target: String,
    pub kind: FlowKind,
    /// Source attributes; an expression may name some as well.
    pub source: Vec<String>,
    /// The expression or the constant; empty for a direct flow.
    pub text: String,
    /// `Update`, `MergeCaseInsensitive` and so on.
    pub merge: String,
    pub execute_once: bool,
}

/// One connector, without its credentials, cookies and watermarks.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Connector {
    pub id: Option<ObjectGuid>,
    pub name: String,
    /// `AD` or `Extensible2`.
    pub category: String,
    pub subtype: String,
    /// DNS name of the forest, for an AD connector.
    pub forest: Option<String>,
    /// The account that the connector signs in with; `DOMAIN\name` for AD.
    pub account: Option<String>,
    /// `Connector.GroupWriteBackContainerDn`; empty where the parameter is there and empty.
    pub writeback_container: Option<String>,
    pub partitions: Option<Vec<Partition>>,
    /// Attributes chosen for import and export.
    pub attributes: Option<Vec<String>>,
}

impl Connector {
    pub const ENTRA_SUBTYPE: &'static str = "Windows Azure Active Directory (Microsoft)";

    pub fn is_entra(&self) -> bool {
        self.subtype.trim().eq_ignore_ascii_case(Self::ENTRA_SUBTYPE)
            || (self.subtype.trim().is_empty() && self.id == Some(entra_connector()))
    }
    pub fn is_ad(&self) -> bool {
        self.category.trim().eq_ignore_ascii_case("AD") && !self.is_entra()
    }
}

/// A partition (domain) of a connector and what is chosen in it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Partition {
    pub dn: String,
    pub selected: Option<bool>,
    pub object_classes: Option<Vec<String>>,
    /// Containers by distinguished name; of all that hold an object the longest decides.
    pub inclusions: Option<Vec<String>>,
    pub exclusions: Option<Vec<String>>,
}

/// What a connector has yet to write, from one `csexport` file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct PendingExports {
    /// Below the server's folder, with forward slashes.
    pub file: String,
    pub objects: Vec<PendingObject>,
}

/// What an export does to an object. Anything that is not known to be harmless is a change.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Operation {
    Add,
    Update,
    Replace,
    Delete,
    None,
    /// A word that is none of these.
    Unknown(String),
    /// Nothing says.
    #[default]
    Unsaid,
}

impl Operation {
    pub fn read(text: Option<&str>) -> Self {
        let Some(text) = text.map(str::trim).filter(|t| !t.is_empty()) else { return Operation::Unsaid };
        match text.to_ascii_lowercase().as_str() {
            "add" => Operation::Add,
            "update" | "modify" => Operation::Update,
            "replace" => Operation::Replace,
            "delete" => Operation::Delete,
            "none" => Operation::None,
            _ => Operation::Unknown(text.to_owned()),
        }
    }
    pub fn as_str(&self) -> &str {
        match self {
            Operation::Add => "add",
            Operation::Update => "update",
            Operation::Replace => "replace",
            Operation::Delete => "delete",
            Operation::None => "none",
            Operation::Unknown(text) => text,
            Operation::Unsaid => "unsaid",
        }
    }
}

/// One object with a pending export.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct PendingObject {
    pub dn: String,
    /// Where a rename or a move leads.
    pub new_dn: Option<String>,
    pub object_type: String,
    pub operation: Operation,
    /// The value of `adminDescription` that the file shows for the object, before or after.
    pub anchor: Option<String>,
    /// Attributes that change, other than references.
    pub attributes: Vec<PendingAttribute>,
    /// References that change (`member`, `managedBy`), value by value.
    pub references: Vec<PendingReference>,
}

impl PendingObject {
    /// False only where every part of the entry says that nothing changes.
    pub fn is_change(&self) -> bool {
        self.operation != Operation::None
            || self.new_dn.is_some()
            || self.attributes.iter().any(|a| a.operation != Operation::None)
            || !self.references.is_empty()
    }
    /// True where the export adds, removes or may touch a value of this reference attribute.
    pub fn changes_reference(&self, attribute: &str) -> bool {
        self.references.iter().any(|r| r.attribute.eq_ignore_ascii_case(attribute) && r.operation != Operation::None)
    }
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct PendingAttribute {
    pub name: String,
    pub operation: Operation,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct PendingReference {
    pub attribute: String,
    /// What happens to the attribute as a whole.
    pub operation: Operation,
    /// Distinguished names that are added.
    pub added: Vec<String>,
    pub removed: Vec<String>,
    /// Values whose operation the file does not tell, or tells in a word that is not known.
    pub unclear: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(hour: u32) -> Option<DateTime<Utc>> {
        format!("2026-11-01T{hour:02}:00:00Z").parse().ok()
    }

    #[test]
    fn which_observation_counts() {
        use Origin::{Export, State};
        for (first, second, value, disagrees) in [
            ((false, Export, at(1)), (true, State, at(2)), true, true),
            ((true, State, at(2)), (false, Export, at(1)), true, true),
            ((true, State, at(1)), (false, Export, at(2)), false, true),
            ((false, Export, at(9)), (true, State, None), true, true),
            ((false, Export, None), (true, State, None), true, true),
            ((true, State, at(1)), (false, Export, at(1)), true, true),
            ((true, Export, at(1)), (true, State, at(2)), true, false),
        ] {
            let mut fact = Fact::default();
            fact.observe(first.0, first.1, first.2);
            fact.observe(second.0, second.1, second.2);
            assert_eq!((fact.value(), fact.disagrees()), (Some(&value), disagrees), "{first:?} {second:?}");
        }
        assert_eq!(Fact::<bool>::default().value(), None);
    }

    #[test]
    fn absent_is_not_false_after_storage() {
        let mut server = ConnectServer { name: "SYNC01".into(), ..ConnectServer::default() };
        server.writeback_container.observe(None, Origin::Export, at(1));
        server.provisioning_agent.observe(None, Origin::State, None);
        let pending = |operation| PendingObject { operation, ..PendingObject::default() };
        let objects = [Operation::Add, Operation::None, Operation::Unsaid, Operation::Unknown("obliterate".into())];
        server.pending_exports =
            vec![PendingExports { file: "csexport.xml".into(), objects: objects.map(pending).into() }];
        let line = serde_json::to_string(&server).unwrap();
        assert!(!line.contains('\n'));
        let again: ConnectServer = serde_json::from_str(&line).unwrap();
        assert_eq!(again.writeback_container.value(), Some(&None));
        assert_eq!(again.provisioning_agent.value(), Some(&None));
        assert_eq!(again.staging_mode.value(), None);
        assert_eq!(again.company_feature("GroupWritebackV2"), None);
        assert_eq!(again.has_metaverse_attribute("cloudNoFlow"), None);
        assert_eq!(again.pending_exports, server.pending_exports);
    }
}
