//! The two rules that keep Connect from deleting what Cloud Sync takes over: inbound, every cloud group without a mail
//! address is marked `cloudNoFlow`; outbound, marked groups join without flow. Almost right is wrong: each difference
//! is named.

use super::{DOCUMENTED_INBOUND, DOCUMENTED_OUTBOUND, RuleRef, Side, flows_to, side};
use crate::directory::connect::{ConnectServer, Direction, FlowKind, ScopeCondition, SyncRule};

/// How a rule compares with what the procedure asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Judgement {
    Right,
    /// Meant to be this rule, but not it: what differs, one sentence each.
    AlmostRight(Vec<String>),
    /// Another rule altogether.
    Not,
}

/// A judgement and the rule that it is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judged {
    pub rule: RuleRef,
    pub judgement: Judgement,
}

impl Judged {
    pub fn is_right(&self) -> bool {
        self.judgement == Judgement::Right
    }
}

const MARK: &str = "cloudNoFlow";

/// Is this the inbound rule that marks cloud groups `cloudNoFlow`?
pub fn inbound_coexistence(rule: &SyncRule, server: &ConnectServer) -> Judged {
    let meant = flows_to(rule, MARK).is_some() || rule.id.is_some_and(|id| id.as_u128() == DOCUMENTED_INBOUND);
    judged(rule, server, meant, |flaws| {
        common(rule, server, &Direction::Inbound, "Join", flaws);
        match side(rule, server) {
            Side::Entra => {}
            Side::Ad(c) => {
                flaws.push(format!("its connector is the AD connector {:?}, not the Entra connector", c.name))
            }
            Side::Foreign(c) => flaws.push(format!("its connector is {:?}, not the Entra connector", c.name)),
            Side::Unknown => flaws.push("its connector is not known to be the Entra connector".to_owned()),
        }
        scope(rule, &[("cloudMastered", "EQUAL", "true"), ("mail", "ISNULL", "")], flaws);
        let mut marks = 0;
        for flow in &rule.flows {
            if !flow.target.eq_ignore_ascii_case(MARK) {
                flaws.push(format!("it also flows {}", flow.target));
                continue;
            }
            marks += 1;
            match &flow.kind {
                FlowKind::Constant if flow.text.trim().eq_ignore_ascii_case("true") => {}
                FlowKind::Constant => flaws.push(format!("{MARK} gets the constant {:?}, not True", flow.text)),
                FlowKind::Direct => {
                    flaws.push(format!("{MARK} is flowed from {}, not a constant True", flow.source.join(", ")));
                }
                FlowKind::Expression => {
                    flaws.push(format!("{MARK} gets the expression {:?}, not a constant True", flow.text));
                }
                FlowKind::Other(kind) => flaws.push(format!("{MARK} gets a flow of the kind {kind:?}, not a constant")),
            }
            if flow.execute_once {
                flaws.push(format!("{MARK} is flowed once only (execute once)"));
            }
            if !flow.merge.eq_ignore_ascii_case("Update") {
                flaws.push(format!("{MARK} is merged by {:?}, not Update", flow.merge));
            }
        }
        match marks {
            0 => flaws.push(format!("it does not flow {MARK}")),
            1 => {}
            n => flaws.push(format!("it flows {MARK} {n} times")),
        }
    })
}

/// Is this the outbound rule that joins marked groups without flow?
pub fn outbound_coexistence(rule: &SyncRule, server: &ConnectServer) -> Judged {
    let scoped = rule.scope.iter().flat_map(|g| &g.conditions).any(|c| c.attribute.eq_ignore_ascii_case(MARK));
    let meant = scoped
        || rule.id.is_some_and(|id| id.as_u128() == DOCUMENTED_OUTBOUND)
        || (rule.is_custom() && rule.link_type.eq_ignore_ascii_case("JoinNoFlow") && super::is_group_rule(rule));
    judged(rule, server, meant, |flaws| {
        common(rule, server, &Direction::Outbound, "JoinNoFlow", flaws);
        match side(rule, server) {
            Side::Ad(_) => {}
            Side::Entra => flaws.push("its connector is the Entra connector, not an AD connector".to_owned()),
            Side::Foreign(c) => flaws.push(format!("its connector is {:?}, not an AD connector", c.name)),
            Side::Unknown => flaws.push("its connector is not known to be an AD connector".to_owned()),
        }
        scope(rule, &[(MARK, "EQUAL", "true")], flaws);
        if !rule.flows.is_empty() {
            let targets: Vec<&str> = rule.flows.iter().map(|f| f.target.as_str()).collect();
            flaws.push(format!("it flows {}, where nothing may flow", targets.join(", ")));
        }
    })
}

fn judged(rule: &SyncRule, server: &ConnectServer, meant: bool, look: impl FnOnce(&mut Vec<String>)) -> Judged {
    let judgement = if meant {
        let mut flaws = Vec::new();
        look(&mut flaws);
        if flaws.is_empty() { Judgement::Right } else { Judgement::AlmostRight(flaws) }
    } else {
        Judgement::Not
    };
    Judged { rule: RuleRef::new(server, rule), judgement }
}

/// What both rules must have.
fn common(rule: &SyncRule, server: &ConnectServer, direction: &Direction, link: &str, flaws: &mut Vec<String>) {
    match &rule.direction {
        Some(found) if found == direction => {}
        Some(found) => flaws.push(format!("its direction is {}, not {}", found.as_str(), direction.as_str())),
        None => flaws.push("its direction is not known".to_owned()),
    }
    for (what, found) in [("source", &rule.source_object_type), ("target", &rule.target_object_type)] {
        if !found.eq_ignore_ascii_case("group") {
            flaws.push(format!("its {what} object type is {found:?}, not group"));
        }
    }
    if !rule.link_type.eq_ignore_ascii_case(link) {
        flaws.push(format!("its link type is {:?}, not {link}", rule.link_type));
    }
    match rule.disabled {
        Some(false) => {}
        Some(true) => flaws.push("it is disabled".to_owned()),
        None => flaws.push("whether it is enabled is not known".to_owned()),
    }
    if let Some(tag) = rule.immutable_tag.as_deref().filter(|t| !t.trim().is_empty()) {
        flaws.push(format!("it has the tag {tag:?}, which belongs to rules of the product"));
    }
    match rule.precedence {
        None => flaws.push("its precedence is not known".to_owned()),
        Some(p) if !(0..100).contains(&p) => {
            flaws.push(format!("its precedence is {p}: custom rules need one from 0 to 99"));
        }
        Some(_) => {}
    }
    for other in server.rules.iter().flatten() {
        let same_rule = other == rule || (other.id.is_some() && other.id == rule.id);
        if rule.precedence.is_some() && other.precedence == rule.precedence && !same_rule {
            flaws.push(format!("its precedence is also that of {:?}", other.name));
        }
    }
    if rule.joins.iter().any(|g| !g.conditions.is_empty()) {
        flaws.push("it has join conditions, where the procedure has none".to_owned());
    }
}

/// Exactly one scope group of exactly these conditions.
fn scope(rule: &SyncRule, wanted: &[(&str, &str, &str)], flaws: &mut Vec<String>) {
    let groups: Vec<&Vec<ScopeCondition>> =
        rule.scope.iter().map(|g| &g.conditions).filter(|c| !c.is_empty()).collect();
    match groups.as_slice() {
        [] => flaws.push("it has no scope, so it takes in every group".to_owned()),
        [one] => compare(one, wanted, flaws),
        several => {
            let told: Vec<String> = several.iter().map(|g| format!("({})", show(g))).collect();
            flaws.push(format!(
                "its scope is {} groups of conditions, any of which is enough: {}; it must be one group",
                several.len(),
                told.join(" OR ")
            ));
            let all: Vec<ScopeCondition> = several.iter().flat_map(|g| g.iter().cloned()).collect();
            compare(&all, wanted, flaws);
        }
    }
}

fn compare(found: &[ScopeCondition], wanted: &[(&str, &str, &str)], flaws: &mut Vec<String>) {
    let fits = |c: &ScopeCondition, w: &(&str, &str, &str)| {
        c.attribute.eq_ignore_ascii_case(w.0)
            && c.operator.eq_ignore_ascii_case(w.1)
            // What stands behind a test for null has no meaning.
            && (w.1 == "ISNULL" || c.value.trim().eq_ignore_ascii_case(w.2))
    };
    for want in wanted {
        if !found.iter().any(|c| fits(c, want)) {
            flaws.push(format!("its scope lacks {} {} {}", want.0, want.1, want.2).trim_end().to_owned());
        }
    }
    for extra in found.iter().filter(|c| !wanted.iter().any(|w| fits(c, w))) {
        flaws.push(format!("its scope also asks for {}", show(std::slice::from_ref(extra))));
    }
}

fn show(conditions: &[ScopeCondition]) -> String {
    let one = |c: &ScopeCondition| format!("{} {} {}", c.attribute, c.operator, c.value).trim_end().to_owned();
    conditions.iter().map(one).collect::<Vec<_>>().join(" AND ")
}

#[cfg(test)]
mod tests {
    use super::super::samples::{ad_connector, condition, flow, inbound, outbound, server};
    use super::*;
    use crate::directory::ObjectGuid;
    use crate::directory::connect::{JoinCondition, JoinGroup, ScopeGroup, entra_connector};

    type Change = fn(&mut SyncRule);

    /// Applies each change to a right rule and checks what the judgement says of it; `None` where it stays right.
    fn table(
        right: SyncRule,
        judge: fn(&SyncRule, &ConnectServer) -> Judged,
        cases: &[(&str, Change, Option<&[&str]>)],
    ) {
        for (what, change, flaws) in cases {
            let mut rule = right.clone();
            change(&mut rule);
            let mut server = server();
            let rules = server.rules.as_mut().unwrap();
            rules.retain(|r| r.id != right.id);
            rules.push(rule.clone());
            let judged = judge(&rule, &server);
            assert_eq!((judged.rule.server.as_str(), judged.rule.id), ("SYNC01", rule.id));
            match (&judged.judgement, flaws) {
                (Judgement::Right, None) => {}
                (Judgement::AlmostRight(found), Some(wanted)) => {
                    assert_eq!(found.len(), wanted.len(), "{what}: {found:?}");
                    for (found, wanted) in found.iter().zip(*wanted) {
                        assert!(found.contains(wanted), "{what}: {found:?} says no {wanted:?}");
                    }
                }
                (found, wanted) => panic!("{what}: {found:?}, wanted {wanted:?}"),
            }
        }
    }

    #[test]
    fn inbound_table() {
        table(
            inbound(),
            inbound_coexistence,
            &[
                ("as documented", |_| {}, None),
                ("value in capitals", |r| r.scope[0].conditions[0].value = "TRUE".into(), None),
                ("constant in capitals", |r| r.flows[0].text = "TRUE".into(), None),
                ("conditions swapped", |r| r.scope[0].conditions.reverse(), None),
                ("names in other case", |r| r.scope[0].conditions[1].attribute = "MAIL".into(), None),
                ("a value behind ISNULL", |r| r.scope[0].conditions[1].value = "x".into(), None),
                ("lowest precedence", |r| r.precedence = Some(0), None),
                ("highest precedence", |r| r.precedence = Some(99), None),
                ("an empty scope group beside it", |r| r.scope.push(ScopeGroup::default()), None),
                (
                    "two ORed groups",
                    |r| {
                        let last = r.scope[0].conditions.pop().unwrap();
                        r.scope.push(ScopeGroup { conditions: vec![last] });
                    },
                    Some(&["(cloudMastered EQUAL true) OR (mail ISNULL)"]),
                ),
                ("mail not tested", |r| drop(r.scope[0].conditions.pop()), Some(&["lacks mail ISNULL"])),
                ("no scope", |r| r.scope.clear(), Some(&["no scope"])),
                (
                    "one condition more",
                    |r| r.scope[0].conditions.push(condition("displayName", "STARTSWITH", "x")),
                    Some(&["also asks for displayName STARTSWITH x"]),
                ),
                (
                    "not equal",
                    |r| r.scope[0].conditions[0].operator = "NOTEQUAL".into(),
                    Some(&["lacks cloudMastered EQUAL true", "also asks for cloudMastered NOTEQUAL"]),
                ),
                ("AD connector", |r| r.connector = Some(ad_connector()), Some(&["the AD connector \"contoso.com\""])),
                ("no such connector", |r| r.connector = Some(ObjectGuid::from_u128(9)), Some(&["not known to be"])),
                ("no connector", |r| r.connector = None, Some(&["not known to be"])),
                ("outbound", |r| r.direction = Some(Direction::Outbound), Some(&["direction is Outbound"])),
                ("no direction", |r| r.direction = None, Some(&["direction is not known"])),
                ("provision", |r| r.link_type = "Provision".into(), Some(&["link type is \"Provision\", not Join"])),
                ("join without flow", |r| r.link_type = "JoinNoFlow".into(), Some(&["not Join"])),
                ("users", |r| r.source_object_type = "user".into(), Some(&["source object type is \"user\""])),
                ("persons", |r| r.target_object_type = "person".into(), Some(&["target object type is \"person\""])),
                ("disabled", |r| r.disabled = Some(true), Some(&["it is disabled"])),
                ("enabled unknown", |r| r.disabled = None, Some(&["enabled is not known"])),
                ("tag", |r| r.immutable_tag = Some("Microsoft.X.001".into()), Some(&["tag \"Microsoft.X.001\""])),
                ("precedence of the product", |r| r.precedence = Some(100), Some(&["precedence is 100"])),
                ("precedence below zero", |r| r.precedence = Some(-1), Some(&["precedence is -1"])),
                ("precedence unknown", |r| r.precedence = None, Some(&["precedence is not known"])),
                ("precedence taken", |r| r.precedence = Some(89), Some(&["also that of \"anything else\""])),
                ("constant False", |r| r.flows[0].text = "False".into(), Some(&["constant \"False\""])),
                ("an expression", |r| r.flows[0].kind = FlowKind::Expression, Some(&["the expression \"true\""])),
                (
                    "a direct flow",
                    |r| r.flows[0] = flow("cloudNoFlow", FlowKind::Direct, ""),
                    Some(&["flowed from cloudNoFlow"]),
                ),
                ("once", |r| r.flows[0].execute_once = true, Some(&["once only"])),
                ("merged", |r| r.flows[0].merge = "Merge".into(), Some(&["merged by \"Merge\""])),
                (
                    "another flow",
                    |r| r.flows.push(flow("description", FlowKind::Direct, "")),
                    Some(&["also flows description"]),
                ),
                ("flowed twice", |r| r.flows.push(r.flows[0].clone()), Some(&["2 times"])),
                (
                    "a join condition",
                    |r| {
                        let join = JoinCondition {
                            connector_attribute: "cloudAnchor".into(),
                            metaverse_attribute: "cloudAnchor".into(),
                            case_sensitive: None,
                        };
                        r.joins.push(JoinGroup { conditions: vec![join] });
                    },
                    Some(&["join conditions"]),
                ),
                (
                    "documented identifier without its flow",
                    |r| {
                        r.id = Some(ObjectGuid::from_u128(DOCUMENTED_INBOUND));
                        r.flows.clear();
                    },
                    Some(&["does not flow cloudNoFlow"]),
                ),
                (
                    "all at once",
                    |r| {
                        r.disabled = Some(true);
                        r.link_type = "Provision".into();
                    },
                    Some(&["Provision", "disabled"]),
                ),
            ],
        );
    }

    #[test]
    fn outbound_table() {
        table(
            outbound(),
            outbound_coexistence,
            &[
                ("as documented", |_| {}, None),
                ("value in capitals", |r| r.scope[0].conditions[0].value = "TRUE".into(), None),
                ("link type in other case", |r| r.link_type = "joinnoflow".into(), None),
                ("provision", |r| r.link_type = "Provision".into(), Some(&["\"Provision\", not JoinNoFlow"])),
                ("join", |r| r.link_type = "Join".into(), Some(&["\"Join\", not JoinNoFlow"])),
                ("entra connector", |r| r.connector = Some(entra_connector()), Some(&["the Entra connector"])),
                ("no such connector", |r| r.connector = Some(ObjectGuid::from_u128(9)), Some(&["not known to be"])),
                ("inbound", |r| r.direction = Some(Direction::Inbound), Some(&["direction is Inbound"])),
                ("no scope", |r| r.scope.clear(), Some(&["no scope"])),
                (
                    "value false",
                    |r| r.scope[0].conditions[0].value = "False".into(),
                    Some(&["lacks cloudNoFlow EQUAL true", "also asks for cloudNoFlow EQUAL False"]),
                ),
                (
                    "ORed with more",
                    |r| r.scope.push(ScopeGroup { conditions: vec![condition("mail", "ISNULL", "")] }),
                    Some(&["2 groups of conditions", "also asks for mail ISNULL"]),
                ),
                ("a flow", |r| r.flows.push(flow("member", FlowKind::Direct, "")), Some(&["it flows member"])),
                ("disabled", |r| r.disabled = Some(true), Some(&["it is disabled"])),
                ("precedence 188", |r| r.precedence = Some(188), Some(&["precedence is 188"])),
                ("precedence taken", |r| r.precedence = Some(88), Some(&["also that of \"anything at all\""])),
            ],
        );
    }

    #[test]
    fn other_rules_are_not_meant() {
        let server = server();
        for rule in server.rules.as_ref().unwrap() {
            let name = &rule.name;
            let is_in = inbound_coexistence(rule, &server).judgement != Judgement::Not;
            let is_out = outbound_coexistence(rule, &server).judgement != Judgement::Not;
            assert_eq!((is_in, is_out), (rule.precedence == Some(88), rule.precedence == Some(89)), "{name}");
        }
        // A name alone makes no rule.
        let named = SyncRule {
            name: "In from AAD - Group SOAinAAD coexistence with Cloud Sync".into(),
            flows: vec![flow("displayName", FlowKind::Direct, "")],
            ..inbound()
        };
        assert_eq!(inbound_coexistence(&named, &server).judgement, Judgement::Not);
    }

    #[test]
    fn without_connectors_only_the_entra_side_is_known() {
        let server = ConnectServer { connectors: None, ..server() };
        assert!(inbound_coexistence(&inbound(), &server).is_right());
        assert!(
            matches!(outbound_coexistence(&outbound(), &server).judgement, Judgement::AlmostRight(f) if f.len() == 1)
        );
    }
}
