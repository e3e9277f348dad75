//! What was seen of the tenant, line by line, and what the token permits.

use super::model::Check;
use super::{check, pass};
use crate::collect::live::entra::Probe;
use crate::graph::permissions::{NEEDS, beyond};
use crate::report::model::{GateStatus, Severity};
use serde_json::json;

pub fn checks(probe: &Probe, out: &mut Vec<Check>) {
    let tenant = &probe.inventory.entra.tenant;
    let name = tenant
        .display_name
        .as_deref()
        .or(tenant.default_domain.as_deref())
        .unwrap_or("a tenant that does not tell its name");
    let as_whom = match &probe.claims {
        None => String::new(),
        Some(claims) if claims.is_delegated() => format!(" as {}", claims.upn.as_deref().unwrap_or("a user")),
        Some(claims) => format!(
            " as the application {}",
            claims.app_displayname.as_deref().or(claims.appid.as_deref()).unwrap_or("")
        ),
    };
    out.push(
        pass(
            "entra.connect",
            &format!("sign in to Entra and ask {}", probe.address),
            format!("signed in to {name}{as_whom}"),
        )
        .with(json!({ "tenant": tenant.id, "defaultDomain": tenant.default_domain })),
    );
    permissions(probe, out);
    for part in probe.parts.iter().filter(|p| p.shortfall.is_some()) {
        let short = part.shortfall.clone().unwrap_or_default();
        out.push(
            check(
                &format!("entra.read.{}", part.partition),
                GateStatus::Fail,
                Severity::Medium,
                &format!("read {}", part.partition),
                short,
            )
            .blocks(&["collect", "audit"])
            .remedy("Grant the permission and consent to it, or collect with --accept-partial: what rests on it is then unknown."),
        );
    }
}

fn permissions(probe: &Probe, out: &mut Vec<Check>) {
    let tried = "compare the token's permissions with what each command needs";
    let Some(claims) = &probe.claims else {
        out.push(check(
            "entra.permissions",
            GateStatus::Unknown,
            Severity::Low,
            tried,
            "the token does not tell its permissions",
        ));
        return;
    };
    let held = claims.permissions();
    for need in NEEDS.iter().filter(|need| !need.is_met(&held)) {
        let commands = need.commands.join(", ");
        out.push(
            check(
                "entra.permission",
                GateStatus::Fail,
                need.severity,
                tried,
                format!("the token may not {} (needed by {commands})", need.what),
            )
            .blocks(if need.severity >= Severity::High { need.commands } else { &[] })
            .remedy(format!("Add the permission {} to the application and grant admin consent.", need.least()))
            .with(json!({ "leastPrivileged": need.least(), "anyOf": need.any_of, "commands": need.commands })),
        );
    }
    if NEEDS.iter().all(|need| need.is_met(&held)) {
        out.push(pass("entra.permissions", tried, "every command has what it needs").with(json!({ "held": held })));
    }
    let extra = beyond(&held);
    if !extra.is_empty() {
        out.push(
            check(
                "entra.permissions-beyond",
                GateStatus::Fail,
                Severity::Low,
                "look for permissions that no command needs",
                format!("more than needed: {}", extra.join(", ")),
            )
            .remedy("Take them from the application, or use another: what is not held cannot be misused.")
            .with(json!({ "beyond": extra })),
        );
    }
}
