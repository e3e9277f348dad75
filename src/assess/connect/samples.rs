//! A small Connect server with the two coexistence rules and the product's SOAInAAD rules, for tests.

use crate::directory::ObjectGuid;
use crate::directory::connect::{
    ConnectServer, Connector, Direction, Flow, FlowKind, Partition, ScopeCondition, ScopeGroup, SyncRule,
    entra_connector,
};

pub fn ad_connector() -> ObjectGuid {
    ObjectGuid::from_u128(0xad01)
}

pub fn condition(attribute: &str, operator: &str, value: &str) -> ScopeCondition {
    ScopeCondition { attribute: attribute.into(), operator: operator.into(), value: value.into() }
}

pub fn flow(target: &str, kind: FlowKind, text: &str) -> Flow {
    let source = if kind == FlowKind::Direct { vec![target.to_owned()] } else { Vec::new() };
    Flow { target: target.into(), kind, source, text: text.into(), merge: "Update".into(), execute_once: false }
}

fn group_rule(id: u128, name: &str, direction: Direction, connector: ObjectGuid, precedence: i64) -> SyncRule {
    SyncRule {
        id: Some(ObjectGuid::from_u128(id)),
        name: name.into(),
        direction: Some(direction),
        connector: Some(connector),
        source_object_type: "group".into(),
        target_object_type: "group".into(),
        link_type: "Join".into(),
        precedence: Some(precedence),
        disabled: Some(false),
        ..SyncRule::default()
    }
}

pub fn inbound() -> SyncRule {
    let conditions = vec![condition("cloudMastered", "EQUAL", "true"), condition("mail", "ISNULL", "")];
    SyncRule {
        scope: vec![ScopeGroup { conditions }],
        flows: vec![flow("cloudNoFlow", FlowKind::Constant, "true")],
        ..group_rule(0x1001, "anything at all", Direction::Inbound, entra_connector(), 88)
    }
}

pub fn outbound() -> SyncRule {
    SyncRule {
        link_type: "JoinNoFlow".into(),
        scope: vec![ScopeGroup { conditions: vec![condition("cloudNoFlow", "EQUAL", "True")] }],
        ..group_rule(0x1002, "anything else", Direction::Outbound, ad_connector(), 89)
    }
}

pub fn default_inbound() -> SyncRule {
    let targets = ["cloudMastered", "displayName", "member", "targetWritebackType"];
    SyncRule {
        immutable_tag: Some("Microsoft.InfromAADGroupSOAInAAD.005".into()),
        scope: vec![ScopeGroup { conditions: vec![condition("cloudMastered", "EQUAL", "True")] }],
        flows: targets.iter().map(|t| flow(t, FlowKind::Direct, "")).collect(),
        ..group_rule(0x2001, "In from AAD - Group SOAInAAD", Direction::Inbound, entra_connector(), 130)
    }
}

pub fn default_outbound() -> SyncRule {
    let targets = ["adminDescription", "displayName", "groupType", "member"];
    SyncRule {
        immutable_tag: Some("Microsoft.OuttoADGroupSOAInAAD.002".into()),
        flows: targets.iter().map(|t| flow(t, FlowKind::Direct, "")).collect(),
        ..group_rule(0x2002, "Out to AD - Group SOAInAAD", Direction::Outbound, ad_connector(), 140)
    }
}

pub fn partition(dn: &str, inclusions: &[&str], exclusions: &[&str]) -> Partition {
    let list = |names: &[&str]| Some(names.iter().map(|n| (*n).to_owned()).collect());
    Partition {
        dn: dn.into(),
        selected: Some(true),
        object_classes: list(&["user", "group"]),
        inclusions: list(inclusions),
        exclusions: list(exclusions),
    }
}

pub fn server() -> ConnectServer {
    let ad = Connector {
        id: Some(ad_connector()),
        name: "contoso.com".into(),
        category: "AD".into(),
        forest: Some("contoso.com".into()),
        partitions: Some(vec![partition("DC=contoso,DC=com", &["OU=Corp,DC=contoso,DC=com"], &["DC=contoso,DC=com"])]),
        ..Connector::default()
    };
    let entra = Connector {
        id: Some(entra_connector()),
        name: "contoso.onmicrosoft.com - AAD".into(),
        category: "Extensible2".into(),
        subtype: Connector::ENTRA_SUBTYPE.into(),
        ..Connector::default()
    };
    ConnectServer {
        name: "SYNC01".into(),
        rules: Some(vec![inbound(), outbound(), default_inbound(), default_outbound()]),
        connectors: Some(vec![ad, entra]),
        ..ConnectServer::default()
    }
}
