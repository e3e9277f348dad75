//! `plan.md`: the runbook. Groups are listed up to a limit; `plan.json` has all.

use super::Shown;
use super::words::{self, Sitting};
use crate::plan::model::{Holds, Step, Wave};
use crate::plan::{Brief, NameAfter, Plan, WaveSize};
use crate::report::html::count;
use crate::report::markdown::md;
use std::fmt::Write as _;

/// At most so many groups are listed in one table.
pub(super) const MAX_ROWS: usize = 200;
/// And so many in all tables of waves together.
const MAX_GROUPS: usize = 10_000;

/// Rows of a table cell by cell.
fn row(out: &mut String, cells: &[String]) {
    let _ = writeln!(out, "| {} |", cells.join(" | "));
}

fn head(out: &mut String, columns: &[&str]) {
    let _ = writeln!(out, "\n| {} |\n|{}", columns.join(" | "), "---|".repeat(columns.len()));
}

pub(super) fn text(shown: &Shown<'_>, sittings: &[Sitting<'_>]) -> String {
    let plan = shown.plan;
    let mut out = String::from("# groupshift plan\n\n");
    banner(plan, &mut out);
    let _ = writeln!(out, "{}\n", md(&words::headline(plan)));
    facts(plan, &mut out);
    stops(plan, &mut out);
    short(sittings, &mut out);
    let _ = writeln!(out, "\n## The point of no return\n\n{}\n\n{}", words::NO_RETURN, md(&words::order_risk(plan)));
    out.push_str("\n## The steps\n");
    for sitting in sittings {
        steps(sitting, &mut out);
    }
    waves(shown, &mut out);
    out.push_str("\n## Rollback\n\nBefore the point of no return every step can be taken back; after it, see there. In this order:\n\n");
    for (i, line) in words::ROLLBACK.iter().enumerate() {
        let _ = writeln!(out, "{}. {line}", i + 1);
    }
    names(plan, &mut out);
    members(shown, &mut out);
    outside(plan, &mut out);
    open(plan, &mut out);
    time(plan, &mut out);
    connect(plan, &mut out);
    gates(plan, &mut out);
    out
}

fn banner(plan: &Plan, out: &mut String) {
    if !plan.executable {
        out.push_str("**DRAFT: this plan cannot be executed. What holds it back stands below.**\n\n");
    }
    if !plan.bundle.complete {
        out.push_str("**PARTIAL: the collection fell short; groups and members may be missing.**\n\n");
    }
    if plan.bundle.anonymised {
        out.push_str("**Anonymised: names and ids were replaced.**\n\n");
    }
}

fn facts(plan: &Plan, out: &mut String) {
    let b = &plan.bundle;
    let mut fact = |name: &str, value: Option<&str>| {
        if let Some(value) = value {
            let _ = writeln!(out, "- {name}: {}", md(value));
        }
    };
    fact("Tenant", b.tenant.as_deref());
    fact("Domain", b.domain.as_deref());
    fact("Writeback container", b.writeback_container.as_deref());
    fact("Bundle collected", Some(&b.created));
    fact("Bundle SHA-256", Some(&b.sha256));
    fact("Plan SHA-256", Some(&plan.sha256));
    let s = &plan.summary;
    let _ = writeln!(
        out,
        "- Memberships that are foreseen to change: {} added, {} removed, {} removed only if an open point falls that way",
        s.member_adds, s.member_removals, s.possible_removals
    );
}

fn stops(plan: &Plan, out: &mut String) {
    if plan.stops.is_empty() {
        return;
    }
    out.push_str("\n## What stands in the way\n");
    head(out, &["Holds back", "What", "What to do"]);
    for stop in &plan.stops {
        let holds = match stop.holds {
            Holds::Plan | Holds::Run => "**the whole plan**",
            Holds::Start => "the run, before its first write",
            Holds::Irreversible => "the point of no return",
        };
        row(out, &[holds.to_owned(), md(&stop.message), md(&stop.remediation)]);
    }
}

fn short(sittings: &[Sitting<'_>], out: &mut String) {
    out.push_str("\n## What happens, night by night\n\n");
    for sitting in sittings {
        let _ = writeln!(out, "- **{}**: {}.", md(&sitting.when), md(&sitting.purpose));
    }
    out.push_str("\nWho does it: groupshift writes to AD, Entra and the job. The Connect administrator runs the scripts in Windows PowerShell on the named server and gives their evidence files to groupshift, which holds them against live state. The change owner confirms the point of no return. Any difference from the prediction pauses the job and asks.\n");
}

fn steps(sitting: &Sitting<'_>, out: &mut String) {
    let _ = writeln!(out, "\n### {}\n\n{}.", md(&sitting.when), md(&sitting.purpose));
    head(out, &["Step", "What happens", "Who, where", "Only if", "Proved by", "Taken back by"]);
    for step in &sitting.steps {
        row(out, &cells(step));
    }
}

fn cells(step: &Step) -> [String; 6] {
    let title = match step.point_of_no_return {
        true => format!("**{} {} — POINT OF NO RETURN**", step.id, md(&step.title)),
        false => format!("{} **{}**", step.id, md(&step.title)),
    };
    let mut who = md(&step.who);
    if let Some(server) = &step.server {
        let _ = write!(who, ", on {}", md(server));
    }
    if let Some(script) = &step.script {
        let _ = write!(who, ": {}", md(script));
    }
    let list = |items: Vec<String>| match items.is_empty() {
        true => "–".to_owned(),
        false => items.join("; "),
    };
    let gates = step.gate.iter().map(|g| match g.id.starts_with(['E', 'C']) && g.id[1..].parse::<u32>().is_ok() {
        true => format!("{} {}", g.id, md(&g.requires)),
        false => md(&g.requires),
    });
    let mut undo = md(&step.undo.text);
    if step.undo.kind == "impossible" {
        undo = format!("**Cannot be undone.** {undo}");
    }
    if let Some(script) = &step.undo.script {
        let _ = write!(undo, " ({})", md(script));
    }
    let mut what = md(&step.what);
    if let Some(minutes) = step.minutes.filter(|m| *m > 0) {
        let _ = write!(what, " Expected: {}.", words::minutes(minutes));
    }
    [title, what, who, list(gates.collect()), list(step.evidence.iter().map(|e| md(e)).collect()), undo]
}

fn waves(shown: &Shown<'_>, out: &mut String) {
    out.push_str("\n## The waves\n");
    head(out, &["Wave", "When", "Groups", "Memberships", "Highest risk", "Frozen before", "The machine's part"]);
    for (wave, size) in shown.plan.waves.iter().zip(shown.sizes) {
        row(
            out,
            &[
                md(&wave.name),
                words::time(wave.at.as_deref()).unwrap_or_else(|| format!("sitting {}", wave.session)),
                size.groups.to_string(),
                wave.links.to_string(),
                size.risk.to_string(),
                words::frozen(wave),
                words::minutes(wave.minutes),
            ],
        );
    }
    out.push_str("\nNested groups stand before the groups that nest them. Risk is a sum of what could go wrong with a group; it orders the waves and decides nothing.\n");
    let mut room = MAX_GROUPS;
    for ((wave, size), briefs) in shown.plan.waves.iter().zip(shown.sizes).zip(&shown.groups) {
        room -= groups(wave, size, briefs, room, out);
    }
}

/// Lists as many groups as there is room for, and returns how many those are.
fn groups(wave: &Wave, size: &WaveSize, briefs: &[Brief], room: usize, out: &mut String) -> usize {
    let _ = writeln!(out, "\n### {}: {}", md(&wave.name), count(size.groups, "group", "groups"));
    let listed = briefs.len().min(MAX_ROWS).min(room);
    if listed == 0 && size.groups > 0 {
        out.push_str("\nListed in the JSON file.\n");
        return 0;
    }
    head(out, &["Group", "DN", "Members", "Foreseen", "Risk, and its parts"]);
    for group in briefs.iter().take(listed) {
        let parts: Vec<String> = group.risk.parts.iter().map(|r| format!("{} ({})", md(&r.what), r.points)).collect();
        row(
            out,
            &[
                md(group.display_name.as_deref().unwrap_or("–")),
                md(&group.dn),
                group.members.to_string(),
                foreseen(group),
                if parts.is_empty() { "0".to_owned() } else { format!("{}: {}", group.risk.score, parts.join(", ")) },
            ],
        );
    }
    if size.groups > listed as u64 {
        let _ = writeln!(out, "\n{} more in the JSON file.", size.groups - listed as u64);
    }
    listed
}

fn foreseen(group: &Brief) -> String {
    let mut out = Vec::new();
    match &group.name {
        NameAfter::Kept => {}
        NameAfter::Becomes(dn) => out.push(format!("becomes {}", md(dn))),
        NameAfter::NotProved => out.push("name or place not proved".to_owned()),
    }
    for (n, what) in [
        (group.added, "added"),
        (group.removed, "**removed**"),
        (group.perhaps_removed, "perhaps removed"),
        (group.not_written, "not written"),
    ] {
        if n > 0 {
            out.push(format!("{n} {what}"));
        }
    }
    if !group.attributes.is_empty() {
        let changed: Vec<String> = group.attributes.iter().map(|name| md(name)).collect();
        out.push(format!("changes {}", changed.join(", ")));
    }
    if out.is_empty() { "no change".to_owned() } else { out.join("; ") }
}

fn names(plan: &Plan, out: &mut String) {
    let m = &plan.mappings;
    out.push_str("\n## Names and places\n\n");
    let kept = |yes: bool, what: &str| match yes {
        true => format!("Every planned group keeps its {what}."),
        false => format!("**Not every planned group keeps its {what}.**"),
    };
    let _ = writeln!(out, "{} {}", kept(m.keeps_every_name, "name"), kept(m.keeps_every_place, "place"));
    head(out, &["Attribute", "Form", "Mapping", "Proved for", "Why"]);
    for (name, mapping) in [("cn", &m.cn), ("parentDistinguishedName", &m.parent_distinguished_name)] {
        if let Some(p) = mapping {
            let proved = format!("{} of {}", p.holds, p.evaluated);
            row(out, &[name.to_owned(), md(&p.form), md(&p.expression), proved, md(&p.why)]);
        }
    }
    for extension in &m.extensions {
        let _ = writeln!(
            out,
            "\n- {}: {}, {} to write",
            md(&extension.name),
            if extension.exists { "there already" } else { "to be created" },
            count(extension.values, "value", "values")
        );
    }
    for note in &m.notes {
        let _ = writeln!(out, "\n- {}", md(note));
    }
    for group in m.cannot_keep.iter().take(MAX_ROWS) {
        let _ = writeln!(out, "\n- {} cannot keep {}: {}", md(&group.dn), md(&group.attribute), md(&group.reason));
    }
}

fn members(shown: &Shown<'_>, out: &mut String) {
    if shown.removing.is_empty() {
        return;
    }
    out.push_str("\n## Members that are removed for certain\n");
    head(out, &["Group", "Removed"]);
    for group in shown.removing.iter().take(MAX_ROWS) {
        let p = &group.predicted.member_removals;
        let mut list: Vec<String> = p.iter().take(10).map(|d| md(d)).collect();
        if p.len() > 10 {
            list.push(format!("and {} more", p.len() - 10));
        }
        row(out, &[md(&group.dn), list.join("; ")]);
    }
}

fn outside(plan: &Plan, out: &mut String) {
    if plan.outside.is_empty() {
        return;
    }
    let undecided = plan.summary.undecided;
    let _ = writeln!(
        out,
        "\n## Groups outside every wave\n\nTurning V2 off changes these {} all the same. {}",
        count(plan.outside.len() as u64, "group", "groups"),
        match undecided {
            0 => "A decision is recorded for each.".to_owned(),
            n => format!(
                "**{} without a recorded decision; the point of no return waits for them.**",
                count(n, "is", "are")
            ),
        }
    );
    head(out, &["Group", "DN", "Why it does not move", "What V2's end does to it", "Decision"]);
    for group in plan.outside.iter().take(MAX_ROWS) {
        let why: Vec<String> = group.reasons.iter().map(|r| format!("{} {}", md(&r.rule), md(&r.text))).collect();
        let decided = group.decision.and_then(|d| plan.decisions.get(usize::try_from(d).ok()?));
        row(
            out,
            &[
                md(group.display_name.as_deref().or(group.object_id.as_deref()).unwrap_or("–")),
                md(group.dn.as_deref().unwrap_or("not in AD")),
                why.join("; "),
                md(&group.effect_text),
                match decided {
                    Some(d) => format!("{} ({})", md(&d.reason), md(&d.by)),
                    None if group.effect == "none" => "not needed".to_owned(),
                    None => "**missing**".to_owned(),
                },
            ],
        );
    }
    if plan.outside.len() > MAX_ROWS {
        let _ = writeln!(out, "\n{} more in the JSON file.", plan.outside.len() - MAX_ROWS);
    }
}

fn open(plan: &Plan, out: &mut String) {
    if plan.open.is_empty() {
        return;
    }
    out.push_str("\n## What is open\n\nThe documentation or the input leaves these open. Unknown is never counted as fine: the throwaway group and the canary show them before the first large wave.\n");
    head(out, &["Open point", "What is open", "Groups", "What settles it"]);
    for point in &plan.open {
        row(out, &[md(&point.name), md(&point.question), point.groups.to_string(), md(&point.settled_by)]);
    }
}

fn time(plan: &Plan, out: &mut String) {
    let t = &plan.timing;
    let _ = writeln!(
        out,
        "\n## How long it takes\n\n{} in Entra at {} a second at best, {} in AD, {} of the job of {} ({}): {} of the machine's time, over {}. What people do, and a cycle of Connect, is not in it.",
        count(t.graph_writes, "write", "writes"),
        t.graph_writes_per_second,
        count(t.directory_writes, "write", "writes"),
        count(t.cycles, "cycle", "cycles"),
        words::minutes(t.cycle_minutes),
        md(&t.cycle_from),
        words::minutes(t.minutes),
        count(t.sessions, "sitting", "sittings"),
    );
}

fn connect(plan: &Plan, out: &mut String) {
    out.push_str("\n## Connect: what must never be done, and when the rules may go\n\n");
    for line in words::RULES_STAY {
        let _ = writeln!(out, "- {line}");
    }
    head(out, &["Server", "Part", "Inbound rule", "Outbound rule"]);
    let rule = |r: &crate::plan::model::RulePlan| match (r.present, r.precedence) {
        (true, p) => format!("there, precedence {}", p.map_or("?".to_owned(), |p| p.to_string())),
        (false, Some(p)) => format!("added at precedence {p}"),
        (false, None) => "**no precedence known to be free**".to_owned(),
    };
    for server in &plan.connect {
        let outbound: Vec<String> = server.outbound.iter().map(rule).collect();
        row(out, &[md(&server.name), md(&server.role), rule(&server.inbound), outbound.join("; ")]);
    }
}

fn gates(plan: &Plan, out: &mut String) {
    out.push_str("\n## Gates\n");
    head(out, &["Gate", "Status", "What was seen"]);
    for gate in &plan.gates {
        let status = match &gate.attested {
            Some(word) => format!("pass, attested by {}: {}", md(&word.by), md(&word.reason)),
            None => gate.status.as_str().to_owned(),
        };
        row(out, &[format!("{} {}", gate.id, md(&gate.title)), status, md(&gate.message)]);
    }
}
