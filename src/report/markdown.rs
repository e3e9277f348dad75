//! `assessment.md`: the answer, the gates and what blocks, for a ticket or a change request. Groups that need something
//! are listed up to a limit; the CSV has all.

use super::model::{FindingStatus, GateStatus, Group, Header, Severity, Verdict, View};
use super::plain;
use crate::error::{Error, Result};
use std::io::Write;

/// At most this many groups are listed.
pub const MAX_GROUPS: usize = 200;

pub fn write(view: &dyn View, out: &mut dyn Write) -> Result<()> {
    let mut text = head(view.header());
    groups(view, &mut text);
    out.write_all(text.as_bytes()).map_err(|e| Error::failed(format!("cannot write the summary: {e}")))
}

/// Text that Markdown and HTML take for text.
pub(super) fn md(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in plain(text).chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '\\' | '`' | '*' | '_' | '{' | '}' | '[' | ']' | '#' | '|' | '~' | '!' => {
                out.push('\\');
                out.push(c);
            }
            c => out.push(c),
        }
    }
    out
}

fn head(header: &Header) -> String {
    let s = &header.summary;
    let b = &header.bundle;
    let mut out = String::from("# groupshift assessment\n\n");
    if !b.complete {
        out.push_str("**PARTIAL: the collection fell short. What rests on the missing part is unknown.**\n\n");
    }
    if b.anonymised {
        out.push_str("**Anonymised: names and ids were replaced.**\n\n");
    }
    out.push_str(&format!(
        "{} of {} groups can move as they are; {} after fixes; {} need a decision; {} do not move by this path.\n\n",
        s.migrate, s.groups, s.fix, s.review, s.exclude
    ));
    let mut fact = |name: &str, value: Option<&str>| {
        if let Some(value) = value {
            out.push_str(&format!("- {name}: {}\n", md(value)));
        }
    };
    fact("Tenant", b.tenant.as_deref());
    fact("Domain", b.domain.as_deref());
    let container = b
        .writeback_container
        .as_ref()
        .map(|c| format!("{c} (by {})", b.writeback_container_from.as_deref().unwrap_or("?")));
    fact("Writeback container", container.as_deref());
    fact("Collected", Some(&b.created));
    fact("Bundle SHA-256", Some(&b.sha256));
    out.push_str(&format!(
        "- Direct memberships in AD: {}\n- Groups with open questions: {}\n",
        s.memberships, s.unknown
    ));
    for limit in &header.limits {
        out.push_str(&format!("- Not looked at or short: {}\n", md(limit)));
    }
    out.push_str("\n## Gates\n\n| Gate | Status | Severity | What was seen | What to do |\n|---|---|---|---|---|\n");
    for gate in &header.gates {
        let status = match (&gate.attested, gate.status) {
            (Some(a), _) => format!("pass (attested by {}: {})", md(&a.by), md(&a.reason)),
            (None, GateStatus::Fail) => "**fail**".to_owned(),
            (None, status) => status.as_str().to_owned(),
        };
        out.push_str(&format!(
            "| {} {} | {status} | {} | {} | {} |\n",
            gate.id,
            md(&gate.title),
            gate.severity.as_str(),
            md(&gate.message),
            md(&gate.remediation)
        ));
    }
    out.push_str("\n## Rules, by number of groups\n\n| Rule | Severity | Need attention | Found | Open |\n|---|---|---:|---:|---:|\n");
    let mut rules: Vec<_> = s.rules.iter().filter(|r| r.found + r.unknown > 0).collect();
    rules.sort_by_key(|r| (std::cmp::Reverse(r.severity), std::cmp::Reverse(r.attention), r.rule.clone()));
    for rule in rules {
        out.push_str(&format!(
            "| {} {} | {} | {} | {} | {} |\n",
            rule.rule,
            md(&rule.title),
            rule.severity.as_str(),
            rule.attention,
            rule.found,
            rule.unknown
        ));
    }
    if !header.problems.is_empty() {
        out.push_str("\n## Problems in the input\n\n");
        for problem in header.problems.iter().take(MAX_GROUPS) {
            out.push_str(&format!("- {}: {}: {}\n", md(&problem.kind), md(&problem.object), md(&problem.detail)));
        }
        if header.problems.len() > MAX_GROUPS {
            out.push_str(&format!("- … and {} more; assessment.json has all.\n", header.problems.len() - MAX_GROUPS));
        }
    }
    out
}

fn groups(view: &dyn View, out: &mut String) {
    let wanted: Vec<usize> = (0..view.len()).filter(|i| view.verdict(*i) != Verdict::Migrate).collect();
    if wanted.is_empty() {
        return;
    }
    out.push_str("\n## Groups that need something\n");
    for verdict in [Verdict::Fix, Verdict::Review, Verdict::Exclude] {
        let of: Vec<usize> = wanted.iter().copied().filter(|i| view.verdict(*i) == verdict).collect();
        if of.is_empty() {
            continue;
        }
        out.push_str(&format!("\n### {} ({})\n\n", verdict.as_str(), of.len()));
        let room = MAX_GROUPS / 3;
        for index in of.iter().take(room) {
            group(&view.group(*index), out);
        }
        if of.len() > room {
            out.push_str(&format!("- … and {} more; assessment.csv has all.\n", of.len() - room));
        }
    }
}

fn group(group: &Group, out: &mut String) {
    let name =
        group.display_name.as_deref().or(group.dn.as_deref()).or(group.object_id.as_deref()).unwrap_or("(no name)");
    let place = group.dn.as_deref().unwrap_or("not in AD");
    out.push_str(&format!("- **{}** ({})\n", md(name), md(place)));
    for f in group
        .findings
        .iter()
        .filter(|f| f.severity > Severity::Info || f.status == FindingStatus::Unknown && f.rule == "C01")
    {
        let open = if f.status == FindingStatus::Unknown { " (open)" } else { "" };
        out.push_str(&format!(
            "  - {} {}{open}: {} {}\n",
            f.rule,
            f.severity.as_str(),
            md(&f.message),
            md(&f.remediation)
        ));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_is_text() {
        assert_eq!(md("<script>|`a`*b*_c_[d](e)"), "&lt;script&gt;\\|\\`a\\`\\*b\\*\\_c\\_\\[d\\](e)");
        assert_eq!(md("a\nb\u{202e}"), "a\\\\u\\{a\\}b\\\\u\\{202e\\}");
    }
}
