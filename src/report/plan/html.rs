//! `plan.html`: the runbook as one self-contained page without script. Text from a directory is escaped and its invisible
//! characters shown. Groups are listed up to a limit; `plan.json` has all.

use super::{Shown, words};
use crate::error::Result;
use crate::plan::model::{Holds, PlannedGroup, Step, Wave};
use crate::plan::{Plan, WaveSize};
use crate::report::html::{SPRITE, STYLE, count, csp_hash, internal, render_failed, unwritten};
use crate::report::plain;
use handlebars::Handlebars;
use serde_json::{Value, json};
use std::io;

/// Rows of one wave, and of the groups outside.
pub(super) const MAX_ROWS: usize = 2_000;
/// Waves of so many groups are open from the start.
const OPEN_ROWS: usize = 25;

const TEMPLATE: &str = include_str!("../../../templates/plan.hbs");
const OWN_STYLE: &str = include_str!("../../../templates/plan.css");

pub(super) fn write(shown: &Shown<'_>, out: &mut dyn io::Write) -> Result<()> {
    let style = format!("{STYLE}{OWN_STYLE}").replace("\r\n", "\n");
    let mut page = page(shown);
    harmless(&mut page);
    if let Value::Object(fields) = &mut page {
        fields.insert("styleHash".into(), json!(csp_hash(&style)));
        fields.insert("style".into(), json!(style));
    }
    let mut handlebars = Handlebars::new();
    handlebars.set_strict_mode(true);
    handlebars.register_partial("sprite", SPRITE).map_err(|e| internal("read", e))?;
    handlebars.register_template_string("plan", TEMPLATE).map_err(|e| internal("read", e))?;
    let mut out = io::BufWriter::with_capacity(1 << 16, out);
    handlebars.render_to_write("plan", &page, &mut out).map_err(render_failed)?;
    io::Write::flush(&mut out).map_err(unwritten)
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

fn page(shown: &Shown<'_>) -> Value {
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
        "sittings": words::sittings(plan, shown.sizes).iter().map(|sitting| json!({
            "when": sitting.when, "purpose": sitting.purpose, "steps": sitting.steps.iter().map(|s| step(s)).collect::<Vec<_>>(),
        })).collect::<Vec<_>>(),
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
        "waves": plan.waves.iter().zip(shown.sizes).map(|(w, size)| wave(w, size)).collect::<Vec<_>>(),
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

fn wave(wave: &Wave, size: &WaveSize) -> Value {
    let all = usize::try_from(size.groups).unwrap_or(usize::MAX);
    let listed = wave.groups.len().min(MAX_ROWS);
    json!({
        "name": wave.name,
        "when": words::time(wave.at.as_deref()).unwrap_or_else(|| format!("sitting {}", wave.session)),
        "groups": size.groups, "links": wave.links, "frozen": words::frozen(wave),
        "minutes": words::minutes(wave.minutes), "small": all <= OPEN_ROWS,
        "rows": wave.groups.iter().take(listed).map(row).collect::<Vec<_>>(),
        "more": more(all, listed),
    })
}

fn row(group: &PlannedGroup) -> Value {
    let p = &group.predicted;
    let mut foreseen = Vec::new();
    match &p.dn {
        Some(dn) if *dn == group.dn => {}
        Some(dn) => foreseen.push(format!("becomes {dn}")),
        None => foreseen.push("name or place not proved".to_owned()),
    }
    for (n, what) in [
        (p.member_adds.len() as u64, "added"),
        (p.member_removals.len() as u64, "removed"),
        (p.possible_removals.count, "perhaps removed"),
        (p.not_written, "not written"),
    ] {
        if n > 0 {
            foreseen.push(format!("{n} {what}"));
        }
    }
    foreseen.extend(p.attributes.iter().map(|a| format!("changes {}", a.name)));
    let parts: Vec<&str> = group.risk.parts.iter().map(|r| r.what.as_str()).collect();
    json!({
        "name": group.display_name.as_deref().unwrap_or("–"), "dn": group.dn, "members": group.members,
        "foreseen": if foreseen.is_empty() { "no change".to_owned() } else { foreseen.join("; ") },
        "risk": if parts.is_empty() { "0".to_owned() } else { format!("{}: {}", group.risk.score, parts.join(", ")) },
    })
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
