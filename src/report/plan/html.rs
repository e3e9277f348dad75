//! `plan.html`: the runbook as one self-contained page without script. Text from a directory is escaped and its invisible
//! characters shown. Groups are listed up to a limit; `plan.json` has all.

use super::Shown;
use super::words::{self, Sitting};
use crate::error::Result;
use crate::plan::model::{Holds, Step, Wave};
use crate::plan::{Brief, NameAfter, Plan, WaveSize};
use crate::report::html::{SPRITE, STYLE, count, csp_hash, internal, render_failed, unwritten};
use crate::report::plain;
use handlebars::{Handlebars, html_escape};
use rayon::prelude::*;
use serde_json::{Value, json};
use std::io;

/// Rows of one wave, and of the groups outside.
pub(super) const MAX_ROWS: usize = 2_000;
/// Waves of so many groups are open from the start.
const OPEN_ROWS: usize = 25;

const TEMPLATE: &str = include_str!("../../../templates/plan.hbs");
const SITTING: &str = include_str!("../../../templates/plan-sitting.hbs");
const OWN_STYLE: &str = include_str!("../../../templates/plan.css");

pub(super) fn write(shown: &Shown<'_>, sittings: &[Sitting<'_>], out: &mut dyn io::Write) -> Result<()> {
    let style = format!("{STYLE}{OWN_STYLE}").replace("\r\n", "\n");
    let mut handlebars = Handlebars::new();
    handlebars.set_strict_mode(true);
    handlebars.register_partial("sprite", SPRITE).map_err(|e| internal("read", e))?;
    handlebars.register_template_string("plan", TEMPLATE).map_err(|e| internal("read", e))?;
    handlebars.register_template_string("sitting", SITTING).map_err(|e| internal("read", e))?;
    let mut page = page(shown, sittings);
    harmless(&mut page);
    // What a long plan has thousands of is made apart, on all cores.
    let steps: Result<Vec<String>> = sittings.par_iter().map(|sitting| steps(sitting, &handlebars)).collect();
    page["sittings"] = json!(steps?.concat());
    let tables: Vec<String> = shown.groups.par_iter().map(|groups| rows(groups)).collect();
    for (wave, rows) in page["waves"].as_array_mut().into_iter().flatten().zip(tables) {
        wave["rows"] = json!(rows);
    }
    page["styleHash"] = json!(csp_hash(&style));
    page["style"] = json!(style);
    let mut out = io::BufWriter::with_capacity(1 << 16, out);
    handlebars.render_to_write("plan", &page, &mut out).map_err(render_failed)?;
    io::Write::flush(&mut out).map_err(unwritten)
}

/// The steps of a sitting.
fn steps(sitting: &Sitting<'_>, handlebars: &Handlebars<'_>) -> Result<String> {
    let mut value = json!({
        "when": sitting.when,
        "purpose": sitting.purpose,
        "steps": sitting.steps.iter().map(|s| step(s)).collect::<Vec<_>>(),
    });
    harmless(&mut value);
    handlebars.render("sitting", &value).map_err(render_failed)
}

/// Every text with its invisible characters shown.
fn harmless(value: &mut Value) {
    match value {
        Value::String(text) => *text = plain(text),
        Value::Array(items) => items.iter_mut().for_each(harmless),
        Value::Object(fields) => fields.values_mut().for_each(harmless),
        _ => {}
    }
}

fn page(shown: &Shown<'_>, sittings: &[Sitting<'_>]) -> Value {
    let plan = shown.plan;
    let (b, s) = (&plan.bundle, &plan.summary);
    let mut banners = Vec::new();
    if !plan.executable {
        banners.push("DRAFT. This plan cannot be executed; what holds it back stands below.");
    }
    if !b.complete {
        banners.push("PARTIAL. The collection fell short; groups and members may be missing.");
    }
    if b.anonymised {
        banners.push("Anonymised. Names and ids were replaced.");
    }
    let facts: Vec<Value> = [
        ("Domain", b.domain.clone()),
        ("Tenant", b.tenant.clone()),
        ("Container", b.writeback_container.clone()),
        ("Collected", Some(b.created.clone())),
        ("Bundle", Some(b.sha256.clone())),
        ("Order", Some(plan.order.as_str().to_owned())),
        ("Added", Some(count(s.member_adds, "membership", "memberships"))),
        ("Removed", Some(count(s.member_removals, "membership", "memberships"))),
        ("Perhaps", Some(format!("{} removed, if an open point falls that way", s.possible_removals))),
    ]
    .into_iter()
    .filter_map(|(label, value)| Some(json!({ "label": label, "value": value? })))
    .collect();
    let named = [("cn", &plan.mappings.cn), ("parentDistinguishedName", &plan.mappings.parent_distinguished_name)];
    let mapping = |(name, m): (&str, &Option<crate::plan::model::ProposedMapping>)| {
        let m = m.as_ref()?;
        let proved = format!("{} of {}", m.holds, m.evaluated);
        Some(json!({ "name": name, "form": m.form, "expression": m.expression, "why": m.why, "proved": proved }))
    };
    let mappings: Vec<Value> = named.into_iter().filter_map(mapping).collect();
    let kicker: Vec<&str> =
        [b.domain.as_deref(), b.tenant.as_deref(), Some(plan.order.as_str())].into_iter().flatten().collect();
    let no_return = plan.steps.iter().find(|s| s.point_of_no_return);
    json!({
        "title": format!("groupshift plan {}", b.domain.as_deref().unwrap_or("")),
        "banners": banners,
        "kicker": kicker.join(" / "),
        "headline": words::headline(plan),
        "bar": bar(shown),
        "nights": sittings.iter().map(|s| json!({ "when": s.when, "purpose": s.purpose })).collect::<Vec<_>>(),
        "noReturnStep": no_return.map(|s| s.id.as_str()),
        "noReturn": words::NO_RETURN,
        "orderRisk": words::order_risk(plan),
        "facts": facts,
        "stops": plan.stops.iter().map(|stop| json!({
            "holds": match stop.holds {
                Holds::Plan | Holds::Run => "the whole plan",
                Holds::Start => "the run, before its first write",
                Holds::Irreversible => "the point of no return",
            },
            "message": stop.message, "remediation": stop.remediation,
        })).collect::<Vec<_>>(),
        "waves": plan.waves.iter().zip(shown.sizes).zip(&shown.groups).map(|((w, size), groups)| wave(w, size, groups)).collect::<Vec<_>>(),
        "rollback": words::ROLLBACK,
        "rules": words::RULES_STAY,
        "kept": kept(plan),
        "mappings": mappings,
        "mappingNotes": mapping_notes(plan),
        "outsideLede": match (s.outside, s.undecided) {
            (0, _) => "Every written-back group is in a wave.".to_owned(),
            (n, 0) => format!("Turning V2 off changes {} all the same; a decision is recorded for each.", count(n, "group", "groups")),
            (n, open) => format!("Turning V2 off changes {} all the same; {} without a recorded decision, and the point of no return waits for them.", count(n, "group", "groups"), count(open, "is", "are")),
        },
        "outside": plan.outside.iter().take(MAX_ROWS).map(|o| outside(plan, o)).collect::<Vec<_>>(),
        "outsideMore": more(plan.outside.len(), MAX_ROWS),
        "open": plan.open.iter().map(|p| json!({ "name": p.name, "question": p.question, "groups": p.groups, "settled": p.settled_by })).collect::<Vec<_>>(),
        "gates": plan.gates.iter().map(|g| json!({
            "id": g.id, "title": g.title, "class": g.status.as_str(), "message": g.message,
            "status": match &g.attested {
                Some(word) => format!("attested by {}", word.by),
                None => g.status.as_str().to_owned(),
            },
        })).collect::<Vec<_>>(),
        "time": format!(
            "{} in Entra at {} a second at best, {} in AD, {} of the job ({}): {} of the machine's time over {}.",
            count(plan.timing.graph_writes, "write", "writes"), plan.timing.graph_writes_per_second,
            count(plan.timing.directory_writes, "write", "writes"), count(plan.timing.cycles, "cycle", "cycles"),
            plan.timing.cycle_from, words::minutes(plan.timing.minutes), count(plan.timing.sessions, "sitting", "sittings"),
        ),
        "sha256": plan.sha256,
    })
}

fn more(all: usize, shown: usize) -> Value {
    match all.checked_sub(shown) {
        Some(n) if n > 0 => json!(format!("{n} more in the JSON file.")),
        _ => Value::Null,
    }
}

/// The plan as a row of boxes: the end of V2 and the waves, in order.
fn bar(shown: &Shown<'_>) -> Vec<Value> {
    let plan = shown.plan;
    let mut out: Vec<(u32, u8, Value)> = plan
        .waves
        .iter()
        .zip(shown.sizes)
        .map(|(w, size)| {
            let when = words::time(w.at.as_deref()).unwrap_or_else(|| format!("sitting {}", w.session));
            let what = count(size.groups, "group", "groups");
            (w.session, 1, json!({ "name": w.name, "when": when, "what": what, "cut": false }))
        })
        .collect();
    if let Some(step) = plan.steps.iter().find(|s| s.point_of_no_return) {
        let when = words::time(step.at.as_deref()).unwrap_or_else(|| format!("sitting {}", step.session));
        out.push((step.session, 0, json!({ "name": "V2 off", "when": when, "what": "cannot be undone", "cut": true })));
    }
    out.sort_by_key(|(session, kind, _)| (*session, *kind));
    out.into_iter().map(|(_, _, value)| value).collect()
}

fn step(step: &Step) -> Value {
    let gates: Vec<String> = step.gate.iter().map(|g| g.requires.clone()).collect();
    json!({
        "id": step.id, "title": step.title, "what": step.what, "who": step.who, "server": step.server,
        "script": step.script, "gates": gates.join("; "), "evidence": step.evidence.join("; "),
        "minutes": step.minutes.filter(|m| *m > 0).map(words::minutes),
        "undo": if step.undo.kind == "impossible" { format!("Cannot be undone. {}", step.undo.text) } else { step.undo.text.clone() },
        "undoScript": step.undo.script, "noReturn": step.point_of_no_return,
    })
}

fn wave(wave: &Wave, size: &WaveSize, groups: &[Brief]) -> Value {
    let all = usize::try_from(size.groups).unwrap_or(usize::MAX);
    json!({
        "name": wave.name,
        "when": words::time(wave.at.as_deref()).unwrap_or_else(|| format!("sitting {}", wave.session)),
        "groups": size.groups, "links": wave.links, "frozen": words::frozen(wave),
        "minutes": words::minutes(wave.minutes), "small": all <= OPEN_ROWS,
        "more": more(all, groups.len()),
    })
}

/// The rows of a wave's table. Thousands of them are made here and not by the template, which would keep each cell twice.
fn rows(groups: &[Brief]) -> String {
    let mut out = String::new();
    let mut cell = |before: &str, text: &str| {
        out.push_str(before);
        out.push_str(&html_escape(&plain(text)));
    };
    for group in groups {
        cell("<tr><td><bdi>", group.display_name.as_deref().unwrap_or("–"));
        cell("</bdi></td><td class=\"code\"><bdi>", &group.dn);
        cell("</bdi></td><td>", &group.members.to_string());
        cell("</td><td>", &foreseen(group));
        let parts: Vec<&str> = group.risk.parts.iter().map(|r| r.what.as_str()).collect();
        let risk = match parts.is_empty() {
            true => "0".to_owned(),
            false => format!("{}: {}", group.risk.score, parts.join(", ")),
        };
        cell("</td><td>", &risk);
        cell("</td></tr>\n", "");
    }
    out
}

fn foreseen(group: &Brief) -> String {
    let mut out = Vec::new();
    match &group.name {
        NameAfter::Kept => {}
        NameAfter::Becomes(dn) => out.push(format!("becomes {dn}")),
        NameAfter::NotProved => out.push("name or place not proved".to_owned()),
    }
    for (n, what) in [
        (group.added, "added"),
        (group.removed, "removed"),
        (group.perhaps_removed, "perhaps removed"),
        (group.not_written, "not written"),
    ] {
        if n > 0 {
            out.push(format!("{n} {what}"));
        }
    }
    out.extend(group.attributes.iter().map(|name| format!("changes {name}")));
    if out.is_empty() { "no change".to_owned() } else { out.join("; ") }
}

fn kept(plan: &Plan) -> String {
    let m = &plan.mappings;
    let say = |yes: bool, what: &str| match yes {
        true => format!("Every planned group keeps its {what}."),
        false => format!("Not every planned group keeps its {what}."),
    };
    format!("{} {}", say(m.keeps_every_name, "name"), say(m.keeps_every_place, "place"))
}

fn mapping_notes(plan: &Plan) -> Vec<String> {
    let m = &plan.mappings;
    let extensions = m.extensions.iter().map(|e| {
        let state = if e.exists { "there already" } else { "to be created" };
        format!("{}: {state}, {} to write", e.name, count(e.values, "value", "values"))
    });
    let lost =
        m.cannot_keep.iter().take(MAX_ROWS).map(|c| format!("{} cannot keep {}: {}", c.dn, c.attribute, c.reason));
    extensions.chain(m.notes.iter().cloned()).chain(lost).collect()
}

fn outside(plan: &Plan, group: &crate::plan::model::Outside) -> Value {
    let why: Vec<String> = group.reasons.iter().map(|r| format!("{} {}", r.rule, r.text)).collect();
    let decided = group.decision.and_then(|d| plan.decisions.get(usize::try_from(d).ok()?));
    json!({
        "name": group.display_name.as_deref().or(group.object_id.as_deref()).unwrap_or("–"),
        "dn": group.dn.as_deref().unwrap_or("not in AD"), "why": why.join("; "), "effect": group.effect_text,
        "decision": match decided {
            Some(d) => Some(format!("{} ({})", d.reason, d.by)),
            None => (group.effect == "none").then(|| "not needed".to_owned()),
        },
    })
}
