//! Connect servers: names, containers, rules and pending exports replaced; what rules do stays.

use super::text::Mapper;
use super::vocabulary as known;
use crate::assess::connect::{DELETE_RULE, DOCUMENTED_INBOUND, DOCUMENTED_OUTBOUND};
use crate::directory::ObjectGuid;
use crate::directory::connect::{
    ConnectServer, Connector, Direction, FlowKind, Operation, PendingObject, SyncRule, entra_connector,
};

pub fn server(server: &mut ConnectServer, mapper: &mut Mapper) {
    server.name = mapper.host(&server.name);
    for (i, source) in server.sources.iter_mut().enumerate() {
        source.path = file(&source.path, i);
    }
    for problem in &mut server.problems {
        *problem = "a problem with this server's files (left out: the sentence may hold names)".to_owned();
    }
    server.nonce = server.nonce.take().map(|nonce| mapper.key.opaque("nonce", &nonce));
    for fact in &mut server.version.0 {
        fact.value = mapper.number(&fact.value);
    }
    for fact in server.scheduler.next_policy.0.iter_mut().chain(&mut server.scheduler.interval.0) {
        fact.value = mapper.number(&fact.value);
    }
    let mut feature = |name: String| if known::is_feature(&name) { name } else { mapper.value(&name) };
    server.company_features =
        server.company_features.take().map(|list| list.into_iter().map(|(n, v)| (feature(n), v)).collect());
    server.optional_features =
        std::mem::take(&mut server.optional_features).into_iter().map(|(n, v)| (feature(n), v)).collect();
    for fact in &mut server.writeback_container.0 {
        fact.value = fact.value.take().map(|dn| mapper.dn(&dn));
    }
    for fact in &mut server.writeback_forest.0 {
        fact.value = fact.value.take().map(|name| mapper.host(&name));
    }
    for fact in &mut server.source_anchor.0 {
        fact.value = mapper.attribute(&fact.value);
    }
    for fact in &mut server.provisioning_agent.0 {
        fact.value = fact.value.take().map(|version| mapper.number(&version));
    }
    server.metaverse_attributes =
        server.metaverse_attributes.take().map(|set| set.iter().map(|name| mapper.attribute(name)).collect());
    server.rules.iter_mut().flatten().for_each(|r| rule(r, mapper));
    server.connectors.iter_mut().flatten().for_each(|c| connector(c, mapper));
    for (i, pending) in server.pending_exports.iter_mut().enumerate() {
        pending.file = file(&pending.file, i);
        pending.objects.iter_mut().for_each(|o| pending_object(o, mapper));
    }
}

/// A file's name: the documented ones stay, others become a number with the ending they had.
pub fn file(path: &str, number: usize) -> String {
    const NAMES: [&str; 24] = [
        "connect-state.json",
        "csexport.xml",
        "exported-serverconfiguration",
        "groups.json",
        "users.json",
        "organization.json",
        "onpremisessynchronization.json",
        "subscribedskus.json",
        "deleteditems.json",
        "serviceprincipal.json",
        "jobs.json",
        "schema.json",
        "approleassignedto.json",
        "agents.json",
        "groups.ldf",
        "users.ldf",
        "groups.ldif",
        "users.ldif",
        "groups-v1.json",
        "groups-beta.json",
        "ad",
        "entra",
        "cloudsync",
        "connect",
    ];
    const ENDINGS: [&str; 6] = ["json", "jsonl", "ldf", "ldif", "xml", "csv"];
    let parts: Vec<String> = path
        .split('/')
        .enumerate()
        .map(|(depth, part)| {
            let lower = part.to_lowercase();
            if part.is_empty() || NAMES.contains(&lower.as_str()) {
                return part.to_owned();
            }
            match lower.rsplit_once('.').map(|(_, ending)| ending).filter(|e| ENDINGS.contains(e)) {
                Some(ending) => format!("file-{}.{ending}", number + 1),
                None => format!("part-{depth}"),
            }
        })
        .collect();
    parts.join("/")
}

/// Ids that every installation or the published procedure uses stay, so that their meaning does.
fn id(guid: ObjectGuid, mapper: &Mapper) -> ObjectGuid {
    let documented = [DOCUMENTED_INBOUND, DOCUMENTED_OUTBOUND, DELETE_RULE].contains(&guid.as_u128());
    if documented || guid == entra_connector() { guid } else { mapper.key.guid(guid) }
}

fn names_soa(text: &str) -> bool {
    let plain: String = text.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
    plain.contains("soainaad") || plain.contains("soainmicrosoftentraid")
}

fn rule(rule: &mut SyncRule, mapper: &mut Mapper) {
    let old_name = rule.name.clone();
    if !known::is_rule_name(&rule.name) {
        let like = if names_soa(&rule.name) { "Rule like SOAInAAD" } else { "Rule" };
        rule.name = format!("{like} {}", mapper.key.opaque("rule", &old_name));
    }
    rule.immutable_tag = rule.immutable_tag.take().map(|tag| tag_of(&tag, &rule.name, mapper));
    rule.id = rule.id.map(|guid| id(guid, mapper));
    rule.connector = rule.connector.map(|guid| id(guid, mapper));
    rule.description = String::new();
    if let Some(Direction::Other(text)) = &mut rule.direction {
        *text = mapper.value(text);
    }
    rule.source_object_type = mapper.attribute(&rule.source_object_type);
    rule.target_object_type = mapper.attribute(&rule.target_object_type);
    rule.link_type = mapper.enumeration(&rule.link_type);
    for condition in rule.scope.iter_mut().flat_map(|g| &mut g.conditions) {
        condition.attribute = mapper.attribute(&condition.attribute);
        condition.operator = mapper.enumeration(&condition.operator);
        condition.value = mapper.literal(&condition.value);
    }
    for condition in rule.joins.iter_mut().flat_map(|g| &mut g.conditions) {
        condition.connector_attribute = mapper.attribute(&condition.connector_attribute);
        condition.metaverse_attribute = mapper.attribute(&condition.metaverse_attribute);
    }
    for flow in &mut rule.flows {
        let deletes = flow.text.to_ascii_lowercase().contains("deletethisgroupinad");
        flow.target = mapper.attribute(&flow.target);
        flow.source.iter_mut().for_each(|name| *name = mapper.attribute(name));
        flow.merge = mapper.enumeration(&flow.merge);
        flow.text = match &mut flow.kind {
            FlowKind::Expression => mapper.expression(&flow.text),
            FlowKind::Other(kind) => {
                *kind = mapper.value(kind);
                mapper.expression(&flow.text)
            }
            FlowKind::Direct | FlowKind::Constant => mapper.literal(&flow.text),
        };
        if deletes && !flow.text.to_ascii_lowercase().contains("deletethisgroupinad") {
            flow.text.push_str(" \"DeleteThisGroupInAD\"");
        }
    }
}

/// The tag of a product's rule: that it is one, and whether one of the SOAInAAD rules, stays.
fn tag_of(tag: &str, name: &str, mapper: &Mapper) -> String {
    let plain = |t: &str| t.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
    if tag.trim().is_empty() {
        return tag.to_owned();
    }
    let Some(rest) = tag.get(..10).filter(|p| p.eq_ignore_ascii_case("Microsoft.")).map(|_| &tag[10..]) else {
        return mapper.key.opaque("tag", tag);
    };
    let (middle, version) = rest.rsplit_once('.').unwrap_or((rest, ""));
    if version.bytes().all(|b| b.is_ascii_digit()) && plain(middle) == plain(name) {
        return tag.to_owned();
    }
    let soa = if names_soa(tag) { "SOAInAAD." } else { "" };
    format!("Microsoft.{soa}{}", mapper.key.opaque("tag", tag))
}

fn connector(connector: &mut Connector, mapper: &mut Mapper) {
    connector.id = connector.id.map(|guid| id(guid, mapper));
    connector.name = mapper.host(&connector.name);
    connector.category = mapper.enumeration(&connector.category);
    if !connector.subtype.trim().eq_ignore_ascii_case(Connector::ENTRA_SUBTYPE) {
        connector.subtype = mapper.value(&connector.subtype);
    }
    connector.forest = connector.forest.take().map(|name| mapper.host(&name));
    connector.account = connector.account.take().map(|name| mapper.key.opaque("account", &name));
    connector.writeback_container = connector.writeback_container.take().map(|dn| mapper.dn(&dn));
    for partition in connector.partitions.iter_mut().flatten() {
        partition.dn = mapper.dn(&partition.dn);
        partition.object_classes.iter_mut().flatten().for_each(|class| *class = mapper.attribute(class));
        let lists = [&mut partition.inclusions, &mut partition.exclusions];
        lists.into_iter().flatten().flatten().for_each(|dn| *dn = mapper.dn(dn));
    }
    connector.attributes.iter_mut().flatten().for_each(|name| *name = mapper.attribute(name));
}

fn operation(operation: &mut Operation, mapper: &mut Mapper) {
    if let Operation::Unknown(word) = operation {
        *word = mapper.value(word);
    }
}

fn pending_object(object: &mut PendingObject, mapper: &mut Mapper) {
    object.dn = mapper.dn(&object.dn);
    object.new_dn = object.new_dn.take().map(|dn| mapper.dn(&dn));
    object.object_type = mapper.attribute(&object.object_type);
    operation(&mut object.operation, mapper);
    object.anchor = object.anchor.take().map(|anchor| mapper.value(&anchor));
    for attribute in &mut object.attributes {
        attribute.name = mapper.attribute(&attribute.name);
        operation(&mut attribute.operation, mapper);
    }
    for reference in &mut object.references {
        reference.attribute = mapper.attribute(&reference.attribute);
        operation(&mut reference.operation, mapper);
        let lists = [&mut reference.added, &mut reference.removed, &mut reference.unclear];
        lists.into_iter().flatten().for_each(|dn| *dn = mapper.dn(dn));
    }
}
