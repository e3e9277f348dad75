//! `handover.md`: one part a group, fit to be cut out and sent to the owner of an application.

use super::model::{Handed, Handover};
use crate::error::{Error, Result};
use crate::report::markdown::md;
use std::io::Write;

/// At most this many groups are written out; the table has all.
const MAX_GROUPS: usize = 2_000;

pub(super) fn write(handover: &Handover, out: &mut dyn Write) -> Result<()> {
    let fail = |e: std::io::Error| Error::failed(format!("cannot write the handover: {e}"));
    out.write_all(head(handover).as_bytes()).map_err(fail)?;
    for group in handover.groups.iter().take(MAX_GROUPS) {
        out.write_all(part(group).as_bytes()).map_err(fail)?;
    }
    if handover.groups.len() > MAX_GROUPS {
        let more = handover.groups.len() - MAX_GROUPS;
        out.write_all(format!("\n{more} more groups stand in handover.csv.\n").as_bytes()).map_err(fail)?;
    }
    Ok(())
}

fn head(h: &Handover) -> String {
    let mut out = String::from("# groupshift handover\n\n");
    let b = &h.bundle;
    if !b.complete {
        out.push_str(
            "**PARTIAL: the collection fell short. Groups, members or nesting may be missing on this page.**\n\n",
        );
    }
    if b.anonymised {
        out.push_str("**Anonymised: names and ids were replaced.**\n\n");
    }
    out.push_str(&format!(
        "For the owners of applications that use {} AD group(s) written from Entra. Cloud Sync takes them over from Connect; each keeps its SID and its objectGUID, so that access by SID stays as it is.\n\n",
        h.groups.len()
    ));
    let mut fact = |name: &str, value: Option<&str>| {
        if let Some(value) = value {
            out.push_str(&format!("- {name}: {}\n", md(value)));
        }
    };
    fact("Domain", b.domain.as_deref());
    fact("Tenant", b.tenant.as_deref());
    fact("Collected", Some(&b.created));
    fact("Bundle SHA-256", Some(&b.sha256));
    match &h.plan {
        Some(plan) => {
            fact("Plan SHA-256", Some(&plan.sha256));
            if !plan.of_this_bundle {
                out.push_str("- The plan was made from another bundle than this page: look at both dates.\n");
            }
        }
        None => out.push_str("- No plan was given: when each group moves is not said here.\n"),
    }
    out.push_str(match h.names_from.as_str() {
        "plan" => "- Names afterwards are those of the plan.\n",
        "job" => "- Names afterwards are those that the Cloud Sync job gives.\n",
        "defaults" => {
            "- There is no Cloud Sync job and no plan yet: names afterwards are those of Cloud Sync's default mappings, and a plan may keep the present ones.\n"
        }
        _ => "- What names the job gives cannot be said from this input.\n",
    });
    for limit in &h.limits {
        out.push_str(&format!("- Limits: {}\n", md(limit)));
    }
    out.push_str(&format!("\n**Tickets.** {}\n", md(&h.tickets)));
    out
}

fn part(g: &Handed) -> String {
    let name = g.display_name.as_deref().or(g.sam_account_name.as_deref()).unwrap_or(&g.dn);
    let mut out = format!("\n## {}\n\n| | |\n|---|---|\n", md(name));
    let mut row = |what: &str, value: Option<&str>| {
        out.push_str(&format!("| {what} | {} |\n", value.map_or("not in the input".to_owned(), md)));
    };
    row("Distinguished name", Some(&g.dn));
    row("Account", g.account.as_deref().or(g.sam_account_name.as_deref()));
    row("SID", g.sid.as_deref());
    row("objectGUID", g.object_guid.as_deref());
    row("Entra object id", g.object_id.as_deref());
    row("Type", g.group_type.as_deref());
    row("Direct members", Some(&g.members.to_string()));
    if !g.governed_by.is_empty() {
        row("Governed by", Some(&g.governed_by.join("; ")));
    }
    let list = |names: &[String], count: u64| match count {
        0 => "none".to_owned(),
        _ => {
            let more = count.saturating_sub(names.len() as u64);
            let rest = if more > 0 { format!("; and {more} more") } else { String::new() };
            format!("{}{rest}", names.join("; "))
        }
    };
    row("Nested in", Some(&list(&g.nested_in, g.nested_in_count)));
    row("Named by access lists of", Some(&list(&g.named_by, g.named_by_count)));
    if let Some(wave) = &g.wave {
        row("Wave", Some(&format!("{wave}{}", g.at.as_deref().map(|at| format!(", {at}")).unwrap_or_default())));
    }
    out.push_str("\n**What changes.** ");
    out.push_str(&md(&g.changes.join(" ")));
    out.push_str("\n\n**What to do.** ");
    out.push_str(&md(&g.to_do.join(" ")));
    out.push('\n');
    out
}
