//! The files of a `Get-ADSyncServerConfiguration` folder: one rule, one connector, the global settings with the
//! metaverse schema. Elements are found by name; what a newer version adds is passed over.

use super::xml::Xml;
use crate::directory::ObjectGuid;
use crate::directory::connect::{
    Connector, Direction, Flow, FlowKind, JoinCondition, JoinGroup, Partition, ScopeCondition, ScopeGroup, SyncRule,
};
use crate::error::{Error, Result};
use chrono::{DateTime, NaiveDateTime, Utc};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// `GlobalSettings/MV.xml`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct GlobalSettings {
    pub server: Option<String>,
    pub exported_at: Option<DateTime<Utc>>,
    /// Parameters that are plain text, by name. Encrypted ones are not read.
    pub parameters: BTreeMap<String, String>,
    pub metaverse_attributes: Option<BTreeSet<String>>,
}

/// `SynchronizationRules/SynchronizationRule_{…}.xml`.
pub fn read_rule(path: &Path) -> Result<SyncRule> {
    rule(Xml::open(path)?)
}

pub(super) fn rule(mut xml: Xml) -> Result<SyncRule> {
    let root = xml.root("synchronizationRule")?;
    let mut rule = SyncRule::default();
    while let Some(name) = xml.child(root)? {
        match name.as_str() {
            "id" => rule.id = guid(&mut xml)?,
            "name" => rule.name = xml.text()?,
            "description" => rule.description = xml.text()?,
            "immutable-tag" => rule.immutable_tag = Some(xml.text()?.trim().to_owned()).filter(|t| !t.is_empty()),
            "direction" => rule.direction = Some(Direction::read(&xml.text()?)),
            "disabled" => rule.disabled = boolean(&mut xml)?,
            "connector" => rule.connector = guid(&mut xml)?,
            "sourceObjectType" => rule.source_object_type = xml.text()?.trim().to_owned(),
            "targetObjectType" => rule.target_object_type = xml.text()?.trim().to_owned(),
            "linkType" => rule.link_type = xml.text()?.trim().to_owned(),
            "precedence" => rule.precedence = integer(&mut xml)?,
            "attribute-mappings" => rule.flows = mappings(&mut xml)?,
            "synchronizationCriteria" => {
                rule.scope = conditions(&mut xml, "scope", |part, text, c: &mut ScopeCondition| match part {
                    "csAttribute" => c.attribute = text.trim().to_owned(),
                    "csOperator" => c.operator = text.trim().to_owned(),
                    "csValue" => c.value = text,
                    _ => {}
                })?
                .into_iter()
                .map(|conditions| ScopeGroup { conditions })
                .collect();
            }
            "relationshipCriteria" => {
                rule.joins = conditions(&mut xml, "condition", |part, text, c: &mut JoinCondition| match part {
                    "csAttribute" => c.connector_attribute = text.trim().to_owned(),
                    "ilmAttribute" => c.metaverse_attribute = text.trim().to_owned(),
                    "caseSensitive" => c.case_sensitive = read_bool(&text),
                    _ => {}
                })?
                .into_iter()
                .map(|conditions| JoinGroup { conditions })
                .collect();
            }
            _ => xml.skip()?,
        }
    }
    xml.finish()?;
    Ok(rule)
}

fn mappings(xml: &mut Xml) -> Result<Vec<Flow>> {
    let depth = xml.depth();
    let mut flows = Vec::new();
    while let Some(name) = xml.child(depth)? {
        if name != "mapping" {
            xml.skip()?;
            continue;
        }
        let execute_once = xml.attribute("execute-once")?.as_deref().and_then(read_bool) == Some(true);
        let inside = xml.depth();
        let (mut target, mut merge, mut expression) = (String::new(), String::new(), String::new());
        let (mut source, mut constant) = (Vec::new(), String::new());
        while let Some(part) = xml.child(inside)? {
            match part.as_str() {
                "dest" => target = xml.text()?.trim().to_owned(),
                "expression" => expression = xml.text()?,
                "valueMergeType" => merge = xml.text()?.trim().to_owned(),
                "src" => (source, constant) = flow_source(xml)?,
                _ => xml.skip()?,
            }
        }
        // The kind is not written down: an expression wins, then a named attribute, and bare text is a constant.
        let (kind, text) = if !expression.trim().is_empty() {
            (FlowKind::Expression, expression)
        } else if !source.is_empty() {
            (FlowKind::Direct, String::new())
        } else {
            (FlowKind::Constant, constant)
        };
        flows.push(Flow { target, kind, source, text, merge, execute_once });
    }
    Ok(flows)
}

/// The attributes inside `<src>`, and its text. The text of any other child (`<const>`) counts as the constant.
fn flow_source(xml: &mut Xml) -> Result<(Vec<String>, String)> {
    let depth = xml.depth();
    let mut attributes = Vec::new();
    let (mut text, mut inside) = xml.leading_text()?;
    if inside {
        text.clear();
    }
    while inside {
        let name = xml.name();
        let value = xml.text()?;
        if name == "attr" {
            attributes.push(value.trim().to_owned())
        } else {
            text = value
        }
        inside = xml.child(depth)?.is_some();
    }
    Ok((attributes, text))
}

/// Groups of conditions: each `<conditions>` holds elements of the name `item`, whose children `set` stores.
fn conditions<T: Default>(xml: &mut Xml, item: &str, set: impl Fn(&str, String, &mut T)) -> Result<Vec<Vec<T>>> {
    let depth = xml.depth();
    let mut groups = Vec::new();
    while let Some(name) = xml.child(depth)? {
        if name != "conditions" {
            xml.skip()?;
            continue;
        }
        let inside = xml.depth();
        let mut group = Vec::new();
        while let Some(name) = xml.child(inside)? {
            if name != item {
                return Err(xml.error(format!("<{name}> where <{item}> is expected")));
            }
            let fields = xml.depth();
            let mut condition = T::default();
            while let Some(part) = xml.child(fields)? {
                let text = xml.text()?;
                set(&part, text, &mut condition);
            }
            group.push(condition);
        }
        groups.push(group);
    }
    Ok(groups)
}

/// `Connectors/Connector_{…}.xml`. Cookies, watermarks and encrypted parameters are passed over.
pub fn read_connector(path: &Path) -> Result<Connector> {
    connector(Xml::open(path)?)
}

pub(super) fn connector(mut xml: Xml) -> Result<Connector> {
    let root = xml.root("ma-data")?;
    let mut connector = Connector::default();
    while let Some(name) = xml.child(root)? {
        match name.as_str() {
            "id" => connector.id = guid(&mut xml)?,
            "name" => connector.name = xml.text()?,
            "category" => connector.category = xml.text()?.trim().to_owned(),
            "subtype" => connector.subtype = xml.text()?.trim().to_owned(),
            "private-configuration" => private_configuration(&mut xml, &mut connector)?,
            "attribute-inclusion" => connector.attributes = Some(texts(&mut xml, "attribute")?),
            "ma-partition-data" => {
                let depth = xml.depth();
                let mut partitions = Vec::new();
                while let Some(name) = xml.child(depth)? {
                    if name == "partition" { partitions.push(partition(&mut xml)?) } else { xml.skip()? }
                }
                connector.partitions = Some(partitions);
            }
            _ => xml.skip()?,
        }
    }
    xml.finish()?;
    Ok(connector)
}

fn private_configuration(xml: &mut Xml, connector: &mut Connector) -> Result<()> {
    let depth = xml.depth();
    let (mut user, mut domain) = (None, None);
    while let Some(name) = xml.child(depth)? {
        // AD connectors keep their settings in one element, the Entra connector in another.
        if name != "adma-configuration" && name != "MAConfig" {
            xml.skip()?;
            continue;
        }
        let inside = xml.depth();
        while let Some(name) = xml.child(inside)? {
            match name.as_str() {
                "forest-name" => connector.forest = some_text(xml.text()?),
                "forest-login-domain" => domain = some_text(xml.text()?),
                "forest-login-user" => user = some_text(xml.text()?),
                "parameter-values" => {
                    for (name, value) in parameters(xml)? {
                        match name.as_str() {
                            "UserName" => user = some_text(value),
                            "Connector.GroupWriteBackContainerDn" => {
                                connector.writeback_container = Some(value.trim().to_owned());
                            }
                            _ => {}
                        }
                    }
                }
                _ => xml.skip()?,
            }
        }
    }
    connector.account = match (domain, user) {
        (Some(domain), Some(user)) => Some(format!("{domain}\\{user}")),
        (_, user) => user,
    };
    Ok(())
}

fn partition(xml: &mut Xml) -> Result<Partition> {
    let depth = xml.depth();
    let mut partition = Partition::default();
    while let Some(name) = xml.child(depth)? {
        match name.as_str() {
            "name" => partition.dn = xml.text()?.trim().to_owned(),
            "selected" => partition.selected = boolean(xml)?,
            "filter" => {
                let inside = xml.depth();
                while let Some(name) = xml.child(inside)? {
                    match name.as_str() {
                        "object-classes" => partition.object_classes = Some(texts(xml, "object-class")?),
                        "containers" => {
                            let lists = xml.depth();
                            while let Some(name) = xml.child(lists)? {
                                match name.as_str() {
                                    "inclusions" => partition.inclusions = Some(texts(xml, "inclusion")?),
                                    "exclusions" => partition.exclusions = Some(texts(xml, "exclusion")?),
                                    _ => xml.skip()?,
                                }
                            }
                        }
                        _ => xml.skip()?,
                    }
                }
            }
            _ => xml.skip()?,
        }
    }
    Ok(partition)
}

/// `GlobalSettings/MV.xml`.
pub fn read_global_settings(path: &Path) -> Result<GlobalSettings> {
    global_settings(Xml::open(path)?)
}

pub(super) fn global_settings(mut xml: Xml) -> Result<GlobalSettings> {
    let root = xml.root("saved-mv-configuration")?;
    let mut settings = GlobalSettings {
        server: xml.attribute("server")?.and_then(some_text),
        exported_at: xml.attribute("export-date")?.as_deref().and_then(export_date),
        ..GlobalSettings::default()
    };
    while let Some(name) = xml.child(root)? {
        if name != "mv-data" {
            xml.skip()?;
            continue;
        }
        let depth = xml.depth();
        while let Some(name) = xml.child(depth)? {
            match name.as_str() {
                "schema" => {
                    let inside = xml.depth();
                    let attributes = settings.metaverse_attributes.get_or_insert_default();
                    while let Some(name) = xml.child(inside)? {
                        if name == "attribute-type"
                            && let Some(id) = xml.attribute("id")?
                        {
                            attributes.insert(id);
                        }
                    }
                }
                "parameter-values" => settings.parameters.extend(parameters(&mut xml)?),
                _ => xml.skip()?,
            }
        }
    }
    xml.finish()?;
    Ok(settings)
}

/// Plain parameters by name. An encrypted one is not even looked at.
fn parameters(xml: &mut Xml) -> Result<Vec<(String, String)>> {
    let depth = xml.depth();
    let mut found = Vec::new();
    while let Some(element) = xml.child(depth)? {
        let encrypted = xml.attribute("type")?.is_some_and(|t| t.to_ascii_lowercase().contains("encrypted"))
            || xml.attribute("encrypted")?.is_some_and(|e| e != "0");
        match xml.attribute("name")? {
            Some(name) if element == "parameter" && !encrypted => {
                let (text, child) = xml.leading_text()?;
                if child {
                    return Err(xml.error("an element where the text of a parameter is expected"));
                }
                found.push((name, text));
            }
            _ => xml.skip()?,
        }
    }
    Ok(found)
}

/// The texts of all children of this name.
fn texts(xml: &mut Xml, item: &str) -> Result<Vec<String>> {
    let depth = xml.depth();
    let mut found = Vec::new();
    while let Some(name) = xml.child(depth)? {
        if name == item { found.push(xml.text()?.trim().to_owned()) } else { xml.skip()? }
    }
    Ok(found)
}

fn some_text(text: String) -> Option<String> {
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

fn guid(xml: &mut Xml) -> Result<Option<ObjectGuid>> {
    let (place, text) = (xml.place(), xml.text()?);
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    ObjectGuid::parse(text).map(Some).ok_or_else(|| Error::input(place, format!("{text:?} is no GUID")))
}

fn integer(xml: &mut Xml) -> Result<Option<i64>> {
    let (place, text) = (xml.place(), xml.text()?);
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    text.parse().map(Some).map_err(|_| Error::input(place, format!("{text:?} is no number")))
}

fn boolean(xml: &mut Xml) -> Result<Option<bool>> {
    let (place, text) = (xml.place(), xml.text()?);
    if text.trim().is_empty() {
        return Ok(None);
    }
    read_bool(&text)
        .map(Some)
        .ok_or_else(|| Error::input(place, format!("{:?} is neither True nor False", text.trim())))
}

/// `True`, `False`, `1`, `0` in any letter case.
pub(super) fn read_bool(text: &str) -> Option<bool> {
    match text.trim() {
        "1" => Some(true),
        "0" => Some(false),
        t if t.eq_ignore_ascii_case("true") => Some(true),
        t if t.eq_ignore_ascii_case("false") => Some(false),
        _ => None,
    }
}

/// `2016-05-03 14:28:09.784`, which the sync engine writes in UTC.
fn export_date(text: &str) -> Option<DateTime<Utc>> {
    NaiveDateTime::parse_from_str(text.trim(), "%Y-%m-%d %H:%M:%S%.f").ok().map(|t| t.and_utc())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<SyncRule> {
        rule(Xml::from_reader(Path::new("r.xml"), std::io::Cursor::new(text.to_owned().into_bytes()))?)
    }

    #[test]
    fn the_kind_of_a_flow_follows_from_its_parts() {
        use FlowKind::*;
        let cases: [(&str, FlowKind, &[&str], &str); 9] = [
            ("<src>True</src>", Constant, &[], "True"),
            ("<src><const>True</const></src>", Constant, &[], "True"),
            ("<src>\n  <attr>cn</attr>\n</src>", Direct, &["cn"], ""),
            ("<src><attr>a</attr><attr>b</attr></src>", Direct, &["a", "b"], ""),
            ("<expression>%Forest.FQDN%</expression>", Expression, &[], "%Forest.FQDN%"),
            ("<src><attr>a</attr></src><expression>Trim([a])</expression>", Expression, &["a"], "Trim([a])"),
            ("<src>x</src><expression />", Constant, &[], "x"),
            ("<src />", Constant, &[], ""),
            ("", Constant, &[], ""),
        ];
        for (inside, kind, source, text) in cases {
            let mapping = format!("<mapping><dest>d</dest>{inside}<valueMergeType>Update</valueMergeType></mapping>");
            let all = format!(
                "<synchronizationRule><attribute-mappings>{mapping}</attribute-mappings></synchronizationRule>"
            );
            let flow = parse(&all).unwrap().flows.remove(0);
            let source: Vec<String> = source.iter().map(|s| (*s).to_owned()).collect();
            let want = Flow {
                target: "d".into(),
                kind,
                source,
                text: text.into(),
                merge: "Update".into(),
                execute_once: false,
            };
            assert_eq!(flow, want, "{inside}");
        }
    }

    #[test]
    fn absent_elements_stay_absent() {
        let bare = parse("<synchronizationRule><disabled /><precedence/><id></id></synchronizationRule>").unwrap();
        assert_eq!(bare, SyncRule::default());
        assert!(bare.disabled.is_none() && bare.precedence.is_none() && bare.direction.is_none());
    }

    #[test]
    fn groups_are_kept_apart() {
        let group = |a: &str| format!("<conditions><scope><csAttribute>{a}</csAttribute></scope></conditions>");
        let inside = format!("<synchronizationCriteria>{}{}</synchronizationCriteria>", group("a"), group("b"));
        let rule = parse(&format!("<synchronizationRule>{inside}</synchronizationRule>")).unwrap();
        assert_eq!(rule.scope.iter().map(|g| g.conditions.len()).collect::<Vec<_>>(), [1, 1]);
        let odd = "<synchronizationRule><synchronizationCriteria><conditions><any/></conditions></synchronizationCriteria></synchronizationRule>";
        assert!(parse(odd).unwrap_err().to_string().contains("<any> where <scope> is expected"));
    }
}
