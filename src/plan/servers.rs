//! The Connect servers as their scripts need them: which rules are there, which precedences are free, through which
//! connector groups are written back.

use super::model::{Holds, RulePlan, ServerPlan, Stop};
use crate::assess::connect::{
    DOCUMENTED_INBOUND, DOCUMENTED_OUTBOUND, Judged, Judgement, ServerRole, free_everywhere, free_precedences,
    inbound_coexistence, outbound_coexistence, precedence_of_every_rule_is_known, server_role,
};
use crate::directory::ObjectGuid;
use crate::directory::connect::{ConnectServer, Connector, SyncRule, entra_connector};
use sha2::{Digest, Sha256};

pub(super) const INBOUND_NAME: &str = "In from AAD - Group SOAinAAD coexistence with Cloud Sync";
pub(super) const OUTBOUND_NAME: &str = "Out to AD - Group SOAinAAD coexistence with Cloud Sync";

pub(super) fn servers(list: &[ConnectServer], container: Option<&str>) -> (Vec<ServerPlan>, Vec<Stop>) {
    let mut stops = Vec::new();
    // What gate E10 names: a rule has the same precedence on every server where that is possible.
    let common = free_everywhere(list).unwrap_or_default();
    let mut out: Vec<ServerPlan> = list.iter().map(|s| one(s, &common, container, &mut stops)).collect();
    // The active server first: what is done on it comes first on the night.
    out.sort_by_key(|s| (s.role != "active", s.name.clone()));
    if list.is_empty() {
        let message = "no Connect server is in the bundle, so neither rules nor precedences are known".to_owned();
        let remedy = "Run the script of \"groupshift connect-script\" on every Connect server and collect again.";
        stops.push(stop(message, remedy, Holds::Run));
    }
    (out, stops)
}

fn stop(message: String, remediation: &str, holds: Holds) -> Stop {
    Stop { kind: "connect".to_owned(), id: None, message, remediation: remediation.to_owned(), holds }
}

fn one(server: &ConnectServer, common: &[u16], container: Option<&str>, stops: &mut Vec<Stop>) -> ServerPlan {
    let role = match server_role(server) {
        ServerRole::Active => "active",
        ServerRole::Staging => "staging",
        ServerRole::Stopped(_) => "stopped",
        ServerRole::Unknown(_) => "unknown",
    };
    let rules = server.rules.as_deref().unwrap_or_default();
    let known = server.rules.is_some() && precedence_of_every_rule_is_known(rules);
    let own = free_precedences(rules).into_iter().filter(|p| !common.contains(p));
    let mut free = common.iter().copied().chain(own).filter(|_| known);
    let connectors = written_through(server, container);
    let entra = server.connectors.iter().flatten().find(|c| c.is_entra());
    let inbound = rule(
        server,
        INBOUND_NAME,
        ObjectGuid::from_u128(DOCUMENTED_INBOUND),
        entra.and_then(|c| c.id).or(Some(entra_connector())),
        entra.map(|c| c.name.clone()),
        &|rule| inbound_coexistence(rule, server),
        &mut free,
    );
    let outbound: Vec<RulePlan> = connectors
        .iter()
        .enumerate()
        .map(|(i, c)| {
            let name = if i == 0 { OUTBOUND_NAME.to_owned() } else { format!("{OUTBOUND_NAME} ({})", c.name) };
            let id = if i == 0 { ObjectGuid::from_u128(DOCUMENTED_OUTBOUND) } else { derived(&c.name) };
            let judge = |rule: &SyncRule| {
                let judged = outbound_coexistence(rule, server);
                match rule.connector == c.id {
                    true => judged,
                    false => Judged { judgement: Judgement::Not, ..judged },
                }
            };
            rule(server, &name, id, c.id, Some(c.name.clone()), &judge, &mut free)
        })
        .collect();
    let blind = "Export it with Get-ADSyncServerConfiguration, or run the collector script there, and collect again.";
    if server.rules.is_none() {
        stops.push(stop(format!("the rules of {} are not in the bundle", server.name), blind, Holds::Run));
    } else if connectors.is_empty() {
        stops.push(stop(
            format!("through which AD connector {} writes groups back is not in the bundle", server.name),
            blind,
            Holds::Run,
        ));
    }
    for plan in std::iter::once(&inbound).chain(&outbound) {
        if !plan.present && plan.precedence.is_none() && server.rules.is_some() {
            let message =
                format!("{} has no precedence below 100 that is known to be free for {:?}", server.name, plan.name);
            stops.push(stop(message, "Renumber custom rules until there is one, and collect again.", Holds::Run));
        }
        if !plan.flaws.is_empty() && !plan.present {
            let message =
                format!("{} has a rule like {:?} that is not right: {}", server.name, plan.name, plan.flaws.join("; "));
            let remedy = "Correct or delete that rule by hand and collect again: a rule that is there is never changed by a script.";
            stops.push(stop(message, remedy, Holds::Run));
        }
    }
    ServerPlan {
        name: server.name.clone(),
        role: role.to_owned(),
        ad_connector: connectors.first().map(|c| c.name.clone()),
        inbound,
        outbound,
    }
}

fn rule(
    server: &ConnectServer,
    name: &str,
    documented: ObjectGuid,
    connector: Option<ObjectGuid>,
    connector_name: Option<String>,
    judge: &dyn Fn(&SyncRule) -> Judged,
    free: &mut dyn Iterator<Item = u16>,
) -> RulePlan {
    let mut plan = RulePlan {
        name: name.to_owned(),
        identifier: documented.to_string(),
        connector: connector.map(|c| c.to_string()),
        connector_name,
        precedence: None,
        present: false,
        flaws: Vec::new(),
    };
    for own in server.rules.iter().flatten() {
        match judge(own).judgement {
            Judgement::Right if !plan.present => {
                plan.present = true;
                plan.name = own.name.clone();
                plan.identifier = own.id.map_or_else(|| plan.identifier.clone(), |id| id.to_string());
                plan.precedence = own.precedence.and_then(|p| u16::try_from(p).ok());
            }
            Judgement::AlmostRight(flaws) => {
                plan.flaws.extend(flaws.into_iter().map(|f| format!("{:?}: {f}", own.name)));
            }
            Judgement::Right | Judgement::Not => {}
        }
    }
    if !plan.present {
        plan.precedence = free.next();
    }
    plan
}

/// The AD connectors that groups are written back through: that of the container, else the one that names a container, else the only one.
pub(crate) fn written_through<'c>(server: &'c ConnectServer, container: Option<&str>) -> Vec<&'c Connector> {
    let mut all: Vec<&Connector> = server.connectors.iter().flatten().filter(|c| c.is_ad() && c.id.is_some()).collect();
    all.sort_by_key(|c| c.id.map(|i| i.as_u128()));
    let named: Vec<&Connector> = all
        .iter()
        .copied()
        .filter(|c| c.writeback_container.as_deref().is_some_and(|w| !w.trim().is_empty()))
        .collect();
    if !named.is_empty() {
        return named;
    }
    let holds = |c: &&Connector| {
        let lower = container.map(str::to_lowercase);
        c.partitions.iter().flatten().any(|p| lower.as_ref().is_some_and(|l| l.ends_with(&p.dn.to_lowercase())))
    };
    let holding: Vec<&Connector> = all.iter().copied().filter(holds).collect();
    match (holding.is_empty(), all.len()) {
        (false, _) => holding,
        (true, 1) => all,
        _ => Vec::new(),
    }
}

/// An identifier for the rule of a further connector, the same on every run.
fn derived(connector: &str) -> ObjectGuid {
    let hash = Sha256::digest(format!("groupshift outbound coexistence {connector}").as_bytes());
    let start = hash.iter().take(16).fold(0u128, |acc, b| acc << 8 | u128::from(*b));
    ObjectGuid::from_u128(start & !(0xf << 76) | 4 << 76)
}
