//! What was seen of Active Directory, line by line, and what this account may do.

use super::model::Check;
use super::{check, pass};
use crate::collect::live::ad::{Effective, Probe};
use crate::report::model::{GateStatus, Severity};
use serde_json::json;

/// Kerberos refuses a larger difference.
const MAX_SKEW: i64 = 300;
/// Groups named as examples.
const NAMED: usize = 5;

/// A right on the groups that a command needs, by the attribute that has to be writable.
struct Right {
    id: &'static str,
    what: &'static str,
    attributes: &'static [&'static str],
    severity: Severity,
    blocks: &'static [&'static str],
    without: &'static str,
    grant: &'static str,
}

static RIGHTS: [Right; 3] = [
    Right {
        id: "ad.right.stamp",
        what: "stamp the anchor (msDS-ExternalDirectoryObjectId)",
        attributes: &["msds-externaldirectoryobjectid"],
        severity: Severity::High,
        blocks: &["cutover"],
        without: "a cutover cannot stamp these groups; assessment, plan and audit are not affected",
        grant: "dsacls \"{ou}\" /I:S /G \"{account}:WP;msDS-ExternalDirectoryObjectId;group\"",
    },
    Right {
        id: "ad.right.members",
        what: "restore members in a rollback",
        attributes: &["member"],
        severity: Severity::Low,
        blocks: &[],
        without: "rollback of lost members is then not available: it has to be done by another account",
        grant: "dsacls \"{ou}\" /I:S /G \"{account}:WP;member;group\"",
    },
    Right {
        id: "ad.right.rename",
        what: "rename a group back in a rollback",
        // A rename needs `name` too, which controllers do not list here.
        attributes: &["cn"],
        severity: Severity::Low,
        blocks: &[],
        without: "rollback of renames is then not available: it has to be done by another account",
        grant: "dsacls \"{ou}\" /I:S /G \"{account}:WP;cn;group\" \"{account}:WP;name;group\"",
    },
];

pub fn checks(probe: &Probe, out: &mut Vec<Check>) {
    let controller = &probe.controller;
    let secure = if probe.protected { "TLS, certificate verified" } else { "signed and sealed by Kerberos" };
    out.push(
        pass(
            "ad.connect",
            &format!("connect to {} and sign in as {}", probe.address, probe.account),
            format!(
                "signed in to {} ({secure}){}",
                controller.dns_name,
                probe
                    .who
                    .as_deref()
                    .map(|w| format!(", known there as {}", w.trim_start_matches("u:")))
                    .unwrap_or_default()
            ),
        )
        .with(json!({ "controller": controller.dns_name, "domain": controller.default_naming_context,
            "domainLevel": controller.domain_level, "forestLevel": controller.forest_level, "who": probe.who })),
    );
    out.push(clock(probe.skew_seconds));
    out.push(ports(probe));
    out.push(match &probe.carriers {
        Ok(count) => pass(
            "ad.global-catalog",
            "search the Global Catalog for second carriers of an anchor",
            format!("{count} object(s) of the forest carry an anchor's stamp"),
        ),
        Err(error) => check(
            "ad.global-catalog",
            GateStatus::Fail,
            Severity::High,
            "search the Global Catalog for second carriers of an anchor",
            error.to_string(),
        )
        .blocks(&["plan", "cutover"])
        .remedy(if error.hints.is_empty() {
            "Set [ad] global_catalog_url to a Global Catalog (ldaps://server:3269).".to_owned()
        } else {
            error.hints.join(" ")
        }),
    });
    out.push(match probe.hidden.is_empty() {
        true => {
            pass("ad.visible", "read schema, forest, controllers and policies", "nothing was hidden from the account")
        }
        false => check(
            "ad.visible",
            GateStatus::Unknown,
            Severity::Low,
            "read schema, forest, controllers and policies",
            format!("hidden from the account: {}", probe.hidden.join("; ")),
        )
        .remedy("Nothing needs to be done for an assessment; what rests on it is unknown there."),
    });
    out.push(container(probe));
    if probe.container.is_some() {
        lists_and_rights(probe, out);
    }
}

fn clock(skew: i64) -> Check {
    let tried = "compare the controller's clock with this computer's";
    let side = if skew > 0 { "ahead of" } else { "behind" };
    match skew.abs() {
        0..=2 => pass("ad.clock", tried, "the clocks agree"),
        n if n <= MAX_SKEW => {
            pass("ad.clock", tried, format!("the controller's clock is {n} s {side} this computer's"))
        }
        n => check(
            "ad.clock",
            GateStatus::Fail,
            Severity::Medium,
            tried,
            format!("the controller's clock is {n} s {side} this computer's: Kerberos refuses more than {MAX_SKEW} s"),
        )
        .remedy("Set this computer's clock by the domain."),
    }
}

fn ports(probe: &Probe) -> Check {
    let tried = "open the ports that the provisioning agent uses, from this computer";
    let closed: Vec<String> = probe.ports.iter().filter(|(_, open)| !open).map(|(port, _)| port.to_string()).collect();
    let evidence = json!({ "ports": probe.ports.iter().map(|(port, open)| json!({ "port": port, "open": open })).collect::<Vec<_>>() });
    match closed.is_empty() {
        true => {
            pass("ad.ports", tried, "389 and 3268 answer here; E5 asks the same of the agent's host").with(evidence)
        }
        false => check(
            "ad.ports",
            GateStatus::Unknown,
            Severity::Low,
            tried,
            format!("no answer here on {}; the agent's host may fare otherwise", closed.join(" and ")),
        )
        .remedy("Test it on the agent's host: Test-NetConnection DC -Port 389 and -Port 3268.")
        .with(evidence),
    }
}

fn container(probe: &Probe) -> Check {
    let tried = "find the writeback container and the groups in it";
    match &probe.container {
        Some((dn, from)) => pass("ad.container", tried, format!("{dn} ({from}), {} group(s)", probe.groups))
            .with(json!({ "dn": dn, "from": from, "groups": probe.groups })),
        None => check(
            "ad.container",
            GateStatus::Unknown,
            Severity::Medium,
            tried,
            "neither the configuration nor Entra names one, and no group of the domain carries an anchor",
        )
        .remedy("Set [ad] writeback_ou."),
    }
}

fn lists_and_rights(probe: &Probe, out: &mut Vec<Check>) {
    let tried = "read the access lists of the written-back groups";
    out.push(match probe.without_list {
        0 => pass("ad.access-lists", tried, "every access list is readable"),
        n => check(
            "ad.access-lists",
            GateStatus::Unknown,
            Severity::Medium,
            tried,
            format!("the access lists of {n} group(s) are hidden from the account"),
        )
        .remedy("Grant the account \"read permissions\" on the container, or C36, C37 and A08 stay unknown for these groups."),
    });
    for right in &RIGHTS {
        out.push(judge(right, probe));
    }
    let tried = "ask whether groups may be created in the container";
    out.push(match probe.may_create {
        Some(true) => pass("ad.right.move", tried, "allowed: a group that was moved away can be moved back, where its deletion right is held too"),
        Some(false) => check(
            "ad.right.move",
            GateStatus::Fail,
            Severity::Low,
            tried,
            "not allowed: rollback of moves is then not available and has to be done by another account",
        )
        .remedy("Only if a run is to move groups back by itself: grant \"create group objects\" on the container and \"delete\" on its groups."),
        None => check("ad.right.move", GateStatus::Unknown, Severity::Low, tried, "the container does not tell"),
    });
}

fn judge(right: &Right, probe: &Probe) -> Check {
    let tried = format!("ask whether the account may {} (allowedAttributesEffective)", right.what);
    let may = |e: &&Effective| right.attributes.iter().all(|a| e.attributes.iter().any(|held| held == a));
    let (mut with, mut without) = (0, 0);
    let mut examples = Vec::new();
    for effective in &probe.effective {
        if may(&effective) {
            with += effective.groups;
        } else {
            without += effective.groups;
            if examples.len() < NAMED {
                examples.push(effective.dn.clone());
            }
        }
    }
    let open = probe.not_asked;
    let evidence = json!({
        "allowed": with, "refused": without, "notAsked": open, "first": examples, "attributes": right.attributes,
    });
    if with + without + open == 0 {
        return check(right.id, GateStatus::NotApplicable, right.severity, &tried, "no written-back group was found")
            .with(evidence);
    }
    if without == 0 && open > 0 {
        let message = format!("allowed on {with} group(s), {open} could not be asked about");
        return check(right.id, GateStatus::Unknown, right.severity, &tried, message)
            .remedy("Look at the access lists in an assessment, which reads all of them (C36, C37).")
            .with(evidence);
    }
    if without == 0 {
        return pass(right.id, &tried, format!("allowed on {with} group(s)")).with(evidence);
    }
    let ou = probe.container.as_ref().map_or("", |(dn, _)| dn.as_str());
    let account = probe.who.as_deref().map_or(probe.account.as_str(), |w| w.trim_start_matches("u:"));
    let grant = right.grant.replace("{ou}", ou).replace("{account}", account);
    let mut remedy = format!("Grant it, on the container, inherited by its groups: {grant}");
    if with > 0 {
        remedy.push_str(
            " Groups that do not inherit (AdminSDHolder, inheritance switched off) need the same entry themselves.",
        );
    }
    check(
        right.id,
        GateStatus::Fail,
        right.severity,
        &tried,
        format!("not allowed on {without} of {} group(s): {}", with + without + open, right.without),
    )
    .blocks(right.blocks)
    .remedy(remedy)
    .with(evidence)
}
