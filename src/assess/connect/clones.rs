//! The product's SOAInAAD rules carry group writeback. A disabled one or a clone of one from before
//! `targetWritebackType` makes Connect write security groups as distribution groups (gate E7).

use super::{
    DELETE_RULE, Judgement, RuleRef, Side, flows_to, inbound_coexistence, is_group_rule, is_inbound,
    outbound_coexistence, side,
};
use crate::directory::connect::{ConnectServer, SyncRule};
use std::collections::BTreeSet;

/// What is wrong with one rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleIssue {
    pub rule: RuleRef,
    pub what: String,
}

/// The state of the SOAInAAD rules of one server.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SoaReport {
    /// The product's own SOAInAAD rules.
    pub defaults: Vec<RuleRef>,
    pub disabled: Vec<RuleIssue>,
    pub clones: Vec<RuleIssue>,
    /// Enabled inbound group rules of the Entra connector that flow `targetWritebackType`. With none of them every
    /// written-back group becomes a distribution group.
    pub flows_writeback_type: Vec<RuleRef>,
}

impl SoaReport {
    pub fn is_clean(&self) -> bool {
        !self.defaults.is_empty()
            && self.disabled.is_empty()
            && self.clones.is_empty()
            && !self.flows_writeback_type.is_empty()
    }
}

/// Looks at the rules of a server; `None` where they were not given.
pub fn soa_in_aad_clones(server: &ConnectServer) -> Option<SoaReport> {
    let rules = server.rules.as_ref()?;
    let mut report = SoaReport::default();
    let defaults: Vec<&SyncRule> = rules.iter().filter(|r| is_default(r)).collect();
    for rule in &defaults {
        report.defaults.push(RuleRef::new(server, rule));
        match rule.disabled {
            Some(false) => {}
            Some(true) => report.disabled.push(issue(server, rule, "the product's rule is disabled".to_owned())),
            None => report.disabled.push(issue(server, rule, "whether it is enabled is not known".to_owned())),
        }
    }
    for rule in rules.iter().filter(|r| r.is_custom() && is_group_rule(r) && !is_of_the_migration(r, server)) {
        let original = defaults.iter().find(|d| is_copy(rule, d));
        let named = names_soa(&rule.name);
        if original.is_none() && !named {
            continue;
        }
        let mut what = match original {
            Some(original) => format!("a custom rule with the flows of {:?}", original.name),
            None => "a custom rule named like one of the product".to_owned(),
        };
        if is_inbound(rule) && flows_to(rule, "targetWritebackType").is_none() {
            what.push_str("; it does not flow targetWritebackType");
        }
        if rule.disabled == Some(true) {
            what.push_str("; it is disabled");
        }
        report.clones.push(issue(server, rule, what));
    }
    for rule in rules.iter().filter(|r| r.disabled == Some(false) && is_inbound(r) && is_group_rule(r)) {
        if flows_to(rule, "targetWritebackType").is_some() && matches!(side(rule, server), Side::Entra) {
            report.flows_writeback_type.push(RuleRef::new(server, rule));
        }
    }
    Some(report)
}

fn issue(server: &ConnectServer, rule: &SyncRule, what: String) -> RuleIssue {
    RuleIssue { rule: RuleRef::new(server, rule), what }
}

fn names_soa(text: &str) -> bool {
    let plain: String = text.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
    plain.contains("soainaad") || plain.contains("soainmicrosoftentraid")
}

fn is_default(rule: &SyncRule) -> bool {
    let tag = rule.immutable_tag.as_deref().unwrap_or_default();
    tag.to_ascii_lowercase().starts_with("microsoft.") && (names_soa(tag) || names_soa(&rule.name))
}

/// The rules of the migration, and the optional delete rule, are custom and bear such names by design.
fn is_of_the_migration(rule: &SyncRule, server: &ConnectServer) -> bool {
    inbound_coexistence(rule, server).judgement != Judgement::Not
        || outbound_coexistence(rule, server).judgement != Judgement::Not
        || rule.id.is_some_and(|id| id.as_u128() == DELETE_RULE)
        || super::deletes_out_of_scope(rule, server).is_some_and(|_| rule.flows.len() == 1)
}

/// At least three flows, and most of the custom rule's, go where those of the product's rule go, on the same side.
fn is_copy(rule: &SyncRule, original: &SyncRule) -> bool {
    let targets = |r: &SyncRule| r.flows.iter().map(|f| f.target.to_ascii_lowercase()).collect::<BTreeSet<_>>();
    let (own, theirs) = (targets(rule), targets(original));
    let shared = own.intersection(&theirs).count();
    rule.direction == original.direction
        && rule.connector == original.connector
        && is_group_rule(original)
        && shared >= 3
        && shared * 2 > own.len()
        && shared * 2 > theirs.len()
}

#[cfg(test)]
mod tests {
    use super::super::samples::{default_inbound, default_outbound, flow, inbound, server};
    use super::*;
    use crate::directory::ObjectGuid;
    use crate::directory::connect::FlowKind;

    #[test]
    fn clean() {
        let report = soa_in_aad_clones(&server()).unwrap();
        assert!(report.is_clean(), "{report:?}");
        assert_eq!((report.defaults.len(), report.flows_writeback_type.len()), (2, 1));
        assert_eq!(soa_in_aad_clones(&ConnectServer { rules: None, ..server() }), None);
        assert!(!soa_in_aad_clones(&ConnectServer { rules: Some(Vec::new()), ..server() }).unwrap().is_clean());
    }

    #[test]
    fn table() {
        type Change = fn(&mut Vec<SyncRule>);
        let clone_of = |original: SyncRule, name: &str| SyncRule {
            id: Some(ObjectGuid::from_u128(0x3001)),
            immutable_tag: None,
            name: name.into(),
            precedence: Some(60),
            ..original
        };
        // Disabled, clones, rules that flow the type.
        let cases: [(&str, Change, (usize, usize, usize)); 8] = [
            ("default disabled", |r| r[2].disabled = Some(true), (1, 0, 0)),
            ("default unknown", |r| r[3].disabled = None, (1, 0, 1)),
            ("clone beside", |r| r.push(SyncRule::default()), (0, 1, 2)),
            ("old clone instead", |r| r[2].disabled = Some(true), (1, 1, 0)),
            ("clone under another name", |_| {}, (0, 1, 2)),
            ("outbound clone", |_| {}, (0, 1, 1)),
            ("named so, other content", |_| {}, (0, 1, 1)),
            ("custom rule of its own", |_| {}, (0, 0, 1)),
        ];
        for (what, change, want) in cases {
            let mut server = server();
            let rules = server.rules.as_mut().unwrap();
            change(rules);
            let added = match what {
                "clone beside" => Some(clone_of(default_inbound(), "In from AAD - Group SOAInAAD - Cloned - 1/2/2024")),
                "old clone instead" => {
                    let mut old = clone_of(default_inbound(), "In from AAD - Group SOAInAAD (old)");
                    old.flows.retain(|f| f.target != "targetWritebackType");
                    Some(old)
                }
                "clone under another name" => Some(clone_of(default_inbound(), "Our groups")),
                "outbound clone" => Some(clone_of(default_outbound(), "Our groups, out")),
                "named so, other content" => Some(SyncRule {
                    flows: vec![flow("description", FlowKind::Direct, "")],
                    ..clone_of(default_inbound(), "SOA in AAD extra")
                }),
                "custom rule of its own" => Some(SyncRule {
                    flows: vec![flow("description", FlowKind::Direct, "")],
                    ..clone_of(default_inbound(), "Descriptions")
                }),
                _ => None,
            };
            rules.retain(|r| !r.name.is_empty());
            rules.extend(added);
            let report = soa_in_aad_clones(&server).unwrap();
            let found = (report.disabled.len(), report.clones.len(), report.flows_writeback_type.len());
            assert_eq!(found, want, "{what}: {report:?}");
            if what == "old clone instead" {
                assert!(report.clones[0].what.contains("does not flow targetWritebackType"), "{report:?}");
            }
        }
    }

    #[test]
    fn rules_of_the_migration_are_no_clones() {
        let mut server = server();
        let mut rule = inbound();
        rule.name = "In from AAD - Group SOAinAAD coexistence with Cloud Sync".into();
        rule.disabled = Some(true);
        server.rules.as_mut().unwrap()[0] = rule;
        assert!(soa_in_aad_clones(&server).unwrap().is_clean());
    }
}
