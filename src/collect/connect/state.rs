//! `connect-state.json`: what the collector script found on a Connect server, as published and as Windows PowerShell
//! 5.1 distorts it.

use super::lenient;
use crate::directory::ObjectGuid;
use crate::directory::connect::{
    Connector, Direction, Flow, FlowKind, JoinCondition, JoinGroup, Partition, ScopeCondition, ScopeGroup, SyncRule,
};
use crate::error::{Error, Place, Result};
use chrono::{DateTime, Utc};
use encoding_rs_io::DecodeReaderBytesBuilder;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;

pub const CONNECT_STATE_SCHEMA: &str = "groupshift/connect-state/v1";

/// The state of one Connect server. A part that could not be read is absent, and `errors` says why.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
pub struct ConnectState {
    /// `groupshift/connect-state/v1`.
    pub schema: String,
    /// What ties this file to the run that asked for it.
    #[serde(deserialize_with = "lenient::text")]
    pub nonce: Option<String>,
    #[serde(deserialize_with = "lenient::text")]
    pub computer_name: Option<String>,
    /// When it was collected, ISO 8601, UTC.
    #[serde(deserialize_with = "lenient::date")]
    #[schemars(with = "Option<String>")]
    pub collected_at: Option<DateTime<Utc>>,
    #[serde(deserialize_with = "lenient::text")]
    pub connect_version: Option<String>,
    pub scheduler: Option<StateScheduler>,
    /// Company features by name: `GroupWritebackV2`, `UnifiedGroupWriteback`, …
    #[serde(deserialize_with = "lenient::flags")]
    pub company_features: Option<BTreeMap<String, bool>>,
    /// Global settings by name, those of them that this program reads.
    #[serde(deserialize_with = "lenient::texts")]
    pub global_settings: Option<BTreeMap<String, String>>,
    #[serde(deserialize_with = "lenient::list")]
    pub connectors: Option<Vec<StateConnector>>,
    #[serde(deserialize_with = "lenient::list")]
    pub rules: Option<Vec<StateRule>>,
    /// Names of the attributes in the metaverse schema.
    #[serde(deserialize_with = "lenient::list")]
    pub metaverse_attributes: Option<Vec<String>>,
    pub provisioning_agent: Option<StateAgent>,
    #[serde(deserialize_with = "lenient::list")]
    pub errors: Option<Vec<StateError>>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
pub struct StateScheduler {
    #[serde(deserialize_with = "lenient::boolean")]
    pub sync_cycle_enabled: Option<bool>,
    #[serde(deserialize_with = "lenient::boolean")]
    pub scheduler_suspended: Option<bool>,
    #[serde(deserialize_with = "lenient::boolean")]
    pub staging_mode_enabled: Option<bool>,
    #[serde(deserialize_with = "lenient::boolean")]
    pub maintenance_enabled: Option<bool>,
    #[serde(deserialize_with = "lenient::boolean")]
    pub sync_cycle_in_progress: Option<bool>,
    /// `Delta` or `Initial`.
    #[serde(deserialize_with = "lenient::text")]
    pub next_sync_cycle_policy_type: Option<String>,
    /// `hh:mm:ss`.
    #[serde(deserialize_with = "lenient::text")]
    pub currently_effective_sync_cycle_interval: Option<String>,
    /// ISO 8601, UTC.
    #[serde(deserialize_with = "lenient::date")]
    #[schemars(with = "Option<String>")]
    pub next_sync_cycle_start: Option<DateTime<Utc>>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
pub struct StateConnector {
    #[serde(deserialize_with = "lenient::text")]
    pub id: Option<String>,
    #[serde(deserialize_with = "lenient::text")]
    pub name: Option<String>,
    /// `AD` or `Extensible2`.
    #[serde(deserialize_with = "lenient::text")]
    pub category: Option<String>,
    #[serde(deserialize_with = "lenient::text")]
    pub subtype: Option<String>,
    /// DNS name of the forest.
    #[serde(deserialize_with = "lenient::text")]
    pub forest: Option<String>,
    #[serde(deserialize_with = "lenient::text")]
    pub account: Option<String>,
    /// `Connector.GroupWriteBackContainerDn`.
    #[serde(deserialize_with = "lenient::text")]
    pub writeback_container: Option<String>,
    #[serde(deserialize_with = "lenient::list")]
    pub partitions: Option<Vec<StatePartition>>,
    #[serde(deserialize_with = "lenient::list")]
    pub attributes: Option<Vec<String>>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
pub struct StatePartition {
    #[serde(deserialize_with = "lenient::text")]
    pub dn: Option<String>,
    #[serde(deserialize_with = "lenient::boolean")]
    pub selected: Option<bool>,
    #[serde(deserialize_with = "lenient::list")]
    pub object_classes: Option<Vec<String>>,
    #[serde(deserialize_with = "lenient::list")]
    pub inclusions: Option<Vec<String>>,
    #[serde(deserialize_with = "lenient::list")]
    pub exclusions: Option<Vec<String>>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
pub struct StateRule {
    #[serde(deserialize_with = "lenient::text")]
    pub id: Option<String>,
    #[serde(deserialize_with = "lenient::text")]
    pub name: Option<String>,
    #[serde(deserialize_with = "lenient::text")]
    pub description: Option<String>,
    #[serde(deserialize_with = "lenient::text")]
    pub direction: Option<String>,
    /// Id of the connector.
    #[serde(deserialize_with = "lenient::text")]
    pub connector: Option<String>,
    #[serde(deserialize_with = "lenient::text")]
    pub source_object_type: Option<String>,
    #[serde(deserialize_with = "lenient::text")]
    pub target_object_type: Option<String>,
    #[serde(deserialize_with = "lenient::text")]
    pub link_type: Option<String>,
    #[serde(deserialize_with = "lenient::integer")]
    pub precedence: Option<i64>,
    #[serde(deserialize_with = "lenient::text")]
    pub immutable_tag: Option<String>,
    #[serde(deserialize_with = "lenient::boolean")]
    pub disabled: Option<bool>,
    /// Groups are ORed, the conditions within one are ANDed.
    #[serde(deserialize_with = "lenient::list")]
    pub scope: Option<Vec<StateScopeGroup>>,
    #[serde(deserialize_with = "lenient::list")]
    pub joins: Option<Vec<StateJoinGroup>>,
    #[serde(deserialize_with = "lenient::list")]
    pub flows: Option<Vec<StateFlow>>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct StateScopeGroup {
    #[serde(deserialize_with = "lenient::list")]
    pub conditions: Option<Vec<StateScope>>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct StateScope {
    #[serde(deserialize_with = "lenient::text")]
    pub attribute: Option<String>,
    #[serde(deserialize_with = "lenient::text")]
    pub operator: Option<String>,
    #[serde(deserialize_with = "lenient::text")]
    pub value: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct StateJoinGroup {
    #[serde(deserialize_with = "lenient::list")]
    pub conditions: Option<Vec<StateJoin>>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
pub struct StateJoin {
    #[serde(deserialize_with = "lenient::text")]
    pub connector_attribute: Option<String>,
    #[serde(deserialize_with = "lenient::text")]
    pub metaverse_attribute: Option<String>,
    #[serde(deserialize_with = "lenient::boolean")]
    pub case_sensitive: Option<bool>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
pub struct StateFlow {
    #[serde(deserialize_with = "lenient::text")]
    pub destination: Option<String>,
    /// `Direct`, `Constant` or `Expression`.
    #[serde(deserialize_with = "lenient::text")]
    pub flow_type: Option<String>,
    /// Attributes; for a constant, its value.
    #[serde(deserialize_with = "lenient::list")]
    pub source: Option<Vec<String>>,
    #[serde(deserialize_with = "lenient::text")]
    pub expression: Option<String>,
    #[serde(deserialize_with = "lenient::text")]
    pub merge_type: Option<String>,
    #[serde(deserialize_with = "lenient::boolean")]
    pub execute_once: Option<bool>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct StateAgent {
    #[serde(deserialize_with = "lenient::boolean")]
    pub installed: Option<bool>,
    #[serde(deserialize_with = "lenient::text")]
    pub version: Option<String>,
}

/// A part that the script could not read.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct StateError {
    #[serde(deserialize_with = "lenient::text")]
    pub section: Option<String>,
    #[serde(deserialize_with = "lenient::text")]
    pub message: Option<String>,
}

/// Reads a `connect-state.json` in any encoding that PowerShell writes with a byte order mark, or in UTF-8.
pub fn read_state(path: &Path) -> Result<ConnectState> {
    let file = std::fs::File::open(path).map_err(|e| Error::io("read this file", path, e))?;
    let mut text = String::new();
    let mut decoded = DecodeReaderBytesBuilder::new().utf8_passthru(true).strip_bom(true).build(file);
    decoded.read_to_string(&mut text).map_err(|e| match e.kind() {
        std::io::ErrorKind::InvalidData => Error::input(Place::file(path), "bytes that are no UTF-8 text").hint(
            "Run the collector script again: it writes UTF-8. Text that was re-saved may be in another encoding.",
        ),
        _ => Error::io("read this file", path, e),
    })?;
    parse_state(path, &text)
}

/// The text of a `connect-state.json`; `path` is for messages.
pub fn parse_state(path: &Path, text: &str) -> Result<ConnectState> {
    let state: ConnectState = serde_json::from_str(text).map_err(|e| {
        let place = Place::file(path).line(e.line().max(1) as u64).column(e.column().max(1) as u64);
        let message = e.to_string();
        let what = match message.rsplit_once(" at line ") {
            _ if e.is_eof() && text.trim().is_empty() => "the file is empty",
            _ if e.is_eof() => "the JSON ends too early: the file looks cut off",
            Some((what, _)) => what,
            None => &message,
        };
        let error = Error::input(place, format!("not a connect-state file: {what}"));
        // Cut objects appear as text of this kind where a structure belongs.
        if message.contains("string \"@{")
            || message.contains("string \"System.")
            || message.contains("string \"Microsoft.")
        {
            error.hint("ConvertTo-Json cut the objects: run it with -Depth 12, as the collector script does.")
        } else {
            error.hint("Run the collector script again: groupshift connect-script writes it.")
        }
    })?;
    let object = |state: &ConnectState| Place::file(path).object(state.computer_name.clone().unwrap_or_default());
    match state.schema.as_str() {
        CONNECT_STATE_SCHEMA => {}
        "" => {
            return Err(Error::input(Place::file(path), "not a connect-state file: it has no schema")
                .hint("The collector script, which groupshift connect-script prints, writes this file."));
        }
        other => {
            return Err(Error::input(object(&state), format!("schema {other:?}, expected {CONNECT_STATE_SCHEMA:?}"))
                .hint("The file was written for another version of this program: print the collector script again."));
        }
    }
    Ok(state)
}

fn guid(text: Option<&str>, place: &Place) -> Result<Option<ObjectGuid>> {
    match text.map(str::trim).filter(|t| !t.is_empty()) {
        None => Ok(None),
        Some(text) => match ObjectGuid::parse(text) {
            Some(guid) => Ok(Some(guid)),
            None => Err(Error::input(place.clone(), format!("{text:?} is no GUID"))),
        },
    }
}

fn trimmed(text: Option<String>) -> String {
    text.map(|t| t.trim().to_owned()).unwrap_or_default()
}

fn some_text(text: Option<String>) -> Option<String> {
    Some(trimmed(text)).filter(|t| !t.is_empty())
}

impl StateRule {
    pub(super) fn into_rule(self, path: &Path) -> Result<SyncRule> {
        let name = self.name.unwrap_or_default();
        let place = Place::file(path).object(format!("rule {name:?}"));
        // A list that is not there is not an empty one: a rule must not look right because its flows were not written.
        let lists = [("scope", self.scope.is_some()), ("joins", self.joins.is_some()), ("flows", self.flows.is_some())];
        if let Some((missing, _)) = lists.iter().find(|(_, there)| !there) {
            return Err(Error::input(place, format!("the rule has no list {missing:?}"))
                .hint("Run the collector script again: it writes an empty list where there is nothing to list."));
        }
        Ok(SyncRule {
            id: guid(self.id.as_deref(), &place)?,
            connector: guid(self.connector.as_deref(), &place)?,
            name,
            description: self.description.unwrap_or_default(),
            direction: self.direction.as_deref().map(Direction::read),
            source_object_type: trimmed(self.source_object_type),
            target_object_type: trimmed(self.target_object_type),
            link_type: trimmed(self.link_type),
            precedence: self.precedence,
            immutable_tag: some_text(self.immutable_tag),
            disabled: self.disabled,
            scope: self.scope.unwrap_or_default().into_iter().map(scope_group).collect(),
            joins: self.joins.unwrap_or_default().into_iter().map(join_group).collect(),
            flows: self.flows.unwrap_or_default().into_iter().map(flow).collect(),
        })
    }
}

fn scope_group(group: StateScopeGroup) -> ScopeGroup {
    let conditions = group.conditions.unwrap_or_default().into_iter();
    let read = |c: StateScope| ScopeCondition {
        attribute: trimmed(c.attribute),
        operator: trimmed(c.operator),
        value: c.value.unwrap_or_default(),
    };
    ScopeGroup { conditions: conditions.map(read).collect() }
}

fn join_group(group: StateJoinGroup) -> JoinGroup {
    let conditions = group.conditions.unwrap_or_default().into_iter();
    let read = |c: StateJoin| JoinCondition {
        connector_attribute: trimmed(c.connector_attribute),
        metaverse_attribute: trimmed(c.metaverse_attribute),
        case_sensitive: c.case_sensitive,
    };
    JoinGroup { conditions: conditions.map(read).collect() }
}

fn flow(flow: StateFlow) -> Flow {
    let source = flow.source.unwrap_or_default();
    let expression = flow.expression.unwrap_or_default();
    let kind = match flow.flow_type.as_deref().map(str::trim).unwrap_or_default() {
        t if t.eq_ignore_ascii_case("direct") => FlowKind::Direct,
        t if t.eq_ignore_ascii_case("constant") => FlowKind::Constant,
        t if t.eq_ignore_ascii_case("expression") => FlowKind::Expression,
        "" if !expression.trim().is_empty() => FlowKind::Expression,
        t => FlowKind::Other(t.to_owned()),
    };
    let (source, text) = match kind {
        FlowKind::Constant => (Vec::new(), source.join("; ")),
        FlowKind::Direct => (source, String::new()),
        FlowKind::Expression | FlowKind::Other(_) => (source, expression),
    };
    Flow {
        target: trimmed(flow.destination),
        kind,
        source,
        text,
        merge: trimmed(flow.merge_type),
        execute_once: flow.execute_once == Some(true),
    }
}

impl StateConnector {
    pub(super) fn into_connector(self, path: &Path) -> Result<Connector> {
        let name = self.name.unwrap_or_default();
        let place = Place::file(path).object(format!("connector {name:?}"));
        let partitions = self.partitions.map(|list| {
            let read = |p: StatePartition| Partition {
                dn: trimmed(p.dn),
                selected: p.selected,
                object_classes: p.object_classes,
                inclusions: p.inclusions,
                exclusions: p.exclusions,
            };
            list.into_iter().map(read).collect()
        });
        Ok(Connector {
            id: guid(self.id.as_deref(), &place)?,
            name,
            category: trimmed(self.category),
            subtype: trimmed(self.subtype),
            forest: some_text(self.forest),
            account: some_text(self.account),
            writeback_container: self.writeback_container.map(|c| c.trim().to_owned()),
            partitions,
            attributes: self.attributes,
        })
    }
}
