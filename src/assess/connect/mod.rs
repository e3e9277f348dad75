//! Judgements about an Entra Connect server by the content of its rules, never by a name alone: anybody can name a rule,
//! and the wizard makes new identifiers. Pure functions; each result carries the evidence it rests on.

mod clones;
mod coexistence;
#[cfg(test)]
mod samples;
mod scope;
mod server;

pub use clones::{RuleIssue, SoaReport, soa_in_aad_clones};
pub use coexistence::{Judged, Judgement, inbound_coexistence, outbound_coexistence};
pub use scope::{ContainerScope, container_scope};
pub use server::{
    ServerRole, at_least, compare_versions, free_everywhere, free_precedences, precedence_of_every_rule_is_known,
    role_contradictions, server_role,
};

use crate::directory::ObjectGuid;
use crate::directory::connect::{ConnectServer, Connector, Direction, Flow, SyncRule, entra_connector};

/// Identifiers that the published migration procedure uses. They are hints of intent, never proof.
pub const DOCUMENTED_INBOUND: u128 = 0xe4eae1c9_b9bc_4328_ade9_df871cdd3027;
pub const DOCUMENTED_OUTBOUND: u128 = 0x419fda18_75bb_4e23_b947_8b06e7246551;
/// The optional rule that lets a disabled or soft-deleted group be deleted from AD.
pub const DELETE_RULE: u128 = 0xcb871f2d_0f01_4c32_a333_ff809145b947;

/// The container that a server writes groups back to, where it says so.
pub fn container_of(server: &ConnectServer) -> Option<&str> {
    server.writeback_container.value()?.as_deref()
}

/// A switch of `Get-ADSyncAADCompanyFeature`.
pub fn company_feature(server: &ConnectServer, name: &str) -> Option<bool> {
    server.company_feature(name)
}

/// The version of a provisioning agent on the Connect server's own host.
pub fn agent_version(server: &ConnectServer) -> Option<String> {
    server.provisioning_agent.value()?.clone()
}

/// Which rule, on which server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleRef {
    pub server: String,
    pub name: String,
    pub id: Option<ObjectGuid>,
}

impl RuleRef {
    pub fn new(server: &ConnectServer, rule: &SyncRule) -> Self {
        RuleRef { server: server.name.clone(), name: rule.name.clone(), id: rule.id }
    }
}

/// A rule that makes Connect delete groups from AD when they leave the writeback scope (gate E6).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeleteRule {
    pub rule: RuleRef,
    /// `None`: the input does not say.
    pub enabled: Option<bool>,
    /// True: it flows the deletion. False: only its identifier is the published one.
    pub by_content: bool,
    /// The flow that does it.
    pub flow: Option<String>,
}

/// Whether the rule lets a group that is disabled for writeback, or soft-deleted, be deleted from AD.
pub fn deletes_out_of_scope(rule: &SyncRule, server: &ConnectServer) -> Option<DeleteRule> {
    let flow = rule.flows.iter().find(|f| {
        f.target.eq_ignore_ascii_case("reasonFiltered") && f.text.to_ascii_lowercase().contains("deletethisgroupinad")
    });
    let by_identifier = rule.id.is_some_and(|id| id.as_u128() == DELETE_RULE);
    (flow.is_some() || by_identifier).then(|| DeleteRule {
        rule: RuleRef::new(server, rule),
        enabled: rule.disabled.map(|d| !d),
        by_content: flow.is_some(),
        flow: flow.map(|f| f.text.clone()),
    })
}

/// What the rule's connector is, as far as the input tells.
pub(crate) enum Side<'a> {
    Entra,
    Ad(&'a Connector),
    /// Neither, by what the connector says of itself.
    Foreign(&'a Connector),
    /// The rule names no connector, or one that is not in the input.
    Unknown,
}

pub(crate) fn side<'a>(rule: &SyncRule, server: &'a ConnectServer) -> Side<'a> {
    let Some(id) = rule.connector else { return Side::Unknown };
    match server.connector(id) {
        Some(connector) if connector.is_entra() => Side::Entra,
        Some(connector) if connector.is_ad() => Side::Ad(connector),
        Some(connector) => Side::Foreign(connector),
        // Its id is the same on every installation; AD connectors have no such constant.
        None if id == entra_connector() => Side::Entra,
        None => Side::Unknown,
    }
}

pub(crate) fn is_group_rule(rule: &SyncRule) -> bool {
    rule.source_object_type.eq_ignore_ascii_case("group") && rule.target_object_type.eq_ignore_ascii_case("group")
}

pub(crate) fn is_inbound(rule: &SyncRule) -> bool {
    rule.direction == Some(Direction::Inbound)
}

pub(crate) fn flows_to<'a>(rule: &'a SyncRule, target: &str) -> Option<&'a Flow> {
    rule.flows.iter().find(|f| f.target.eq_ignore_ascii_case(target))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::directory::connect::FlowKind;

    #[test]
    fn delete_rule() {
        let server = ConnectServer { name: "S".into(), ..ConnectServer::default() };
        let text = "IIF(InStr([reasonFiltered], \"SoftDelete\") > 0, \"DeleteThisGroupInAD\", [reasonFiltered])";
        let known = Some(ObjectGuid::from_u128(DELETE_RULE));
        for (id, target, kind, text, disabled, want) in [
            (None, "reasonFiltered", FlowKind::Expression, text, Some(false), Some((Some(true), true))),
            (None, "REASONFILTERED", FlowKind::Constant, "deletethisgroupinad", Some(true), Some((Some(false), true))),
            (known, "displayName", FlowKind::Direct, "", None, Some((None, false))),
            (known, "reasonFiltered", FlowKind::Expression, text, None, Some((None, true))),
            (None, "reasonFiltered", FlowKind::Expression, "IIF(x, \"WriteBackOutOfScope\", y)", Some(false), None),
            (None, "description", FlowKind::Expression, text, Some(false), None),
        ] {
            let flow = samples::flow(target, kind, text);
            let rule = SyncRule { id, flows: vec![flow], disabled, ..SyncRule::default() };
            let found = deletes_out_of_scope(&rule, &server).map(|d| (d.enabled, d.by_content));
            assert_eq!(found, want, "{rule:?}");
        }
    }
}
