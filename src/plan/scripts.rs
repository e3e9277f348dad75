//! The steps on the Connect servers as Windows PowerShell 5.1, with the tenant's own values. Each script checks that it
//! runs where it should, can be run again, obeys -WhatIf and writes evidence.

use super::model::{Plan, ServerPlan, Step};
use crate::error::{Error, Result};
use handlebars::{Context, Handlebars, Helper, HelperResult, Output, RenderContext, RenderErrorReason};
use serde_json::{Value, json};

/// A script file, its path relative to the plan's folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Script {
    pub path: String,
    pub text: String,
}

/// Stands in every script until a run fills in its own.
pub const NONCE: &str = "GROUPSHIFT-NONCE";

const TEMPLATES: [(&str, &str); 8] = [
    ("common", include_str!("../../templates/connect/_common.ps1.hbs")),
    ("staging", include_str!("../../templates/connect/staging.ps1.hbs")),
    ("scheduler", include_str!("../../templates/connect/scheduler.ps1.hbs")),
    ("coexistence-rules", include_str!("../../templates/connect/coexistence-rules.ps1.hbs")),
    ("remove-rules", include_str!("../../templates/connect/remove-rules.ps1.hbs")),
    ("full-sync", include_str!("../../templates/connect/full-sync.ps1.hbs")),
    ("pending-exports", include_str!("../../templates/connect/pending-exports.ps1.hbs")),
    ("disable-v2", include_str!("../../templates/connect/disable-v2.ps1.hbs")),
];

/// A step's template and its switches.
fn template(kind: &str) -> Option<(&'static str, Value)> {
    Some(match kind {
        "staging-on" => ("staging", json!({ "on": true })),
        "staging-off" => ("staging", json!({ "on": false })),
        "scheduler-on" => ("scheduler", json!({ "on": true })),
        "scheduler-off" => ("scheduler", json!({ "on": false })),
        "coexistence-rules" => ("coexistence-rules", json!({})),
        "remove-rules" => ("remove-rules", json!({})),
        "full-sync" => ("full-sync", json!({ "full": true, "staging": true })),
        "delta-sync" => ("full-sync", json!({ "full": false, "staging": false })),
        "pending-exports" => ("pending-exports", json!({})),
        "disable-v2" => ("disable-v2", json!({})),
        _ => return None,
    })
}

/// What undoes a step by script.
pub(crate) fn undo_kind(kind: &str) -> Option<&'static str> {
    Some(match kind {
        "staging-on" => "staging-off",
        "scheduler-off" => "scheduler-on",
        "scheduler-on" => "scheduler-off",
        "staging-off" => "staging-on",
        "coexistence-rules" => "remove-rules",
        _ => return None,
    })
}

pub(super) fn has_script(kind: &str) -> bool {
    template(kind).is_some()
}

/// All scripts of a plan, in the order of its steps.
pub fn scripts(plan: &Plan) -> Result<Vec<Script>> {
    rendered(plan, |_| true)
}

/// One script of a plan, by its path.
pub fn script(plan: &Plan, path: &str) -> Result<Option<Script>> {
    Ok(rendered(plan, |p| p == path)?.pop())
}

fn rendered(plan: &Plan, wanted: impl Fn(&str) -> bool) -> Result<Vec<Script>> {
    let templates = engine()?;
    let mut out = Vec::new();
    for step in &plan.steps {
        let Some(server) = step.server.as_ref().and_then(|name| plan.connect.iter().find(|s| s.name == *name)) else {
            continue;
        };
        if let Some(path) = step.script.as_ref().filter(|p| wanted(p)) {
            out.push(render(&templates, plan, step, server, &step.kind, path)?);
        }
        if let (Some(path), Some(kind)) = (step.undo.script.as_ref().filter(|p| wanted(p)), undo_kind(&step.kind)) {
            out.push(render(&templates, plan, step, server, kind, path)?);
        }
    }
    Ok(out)
}

fn render(
    templates: &Handlebars<'_>,
    plan: &Plan,
    step: &Step,
    server: &ServerPlan,
    kind: &str,
    path: &str,
) -> Result<Script> {
    let fault =
        |what: String| Error::failed(format!("cannot render the script of {} on {}: {what}", step.id, server.name));
    let Some((name, switches)) = template(kind) else { return Err(fault(format!("{kind} has no script"))) };
    let mut data = json!({
        "step": if kind == step.kind { step.id.clone() } else { format!("{}-undo", step.id) },
        "kind": kind,
        "plan": plan.sha256,
        "nonce": NONCE,
        "impact": if kind == "disable-v2" { "High" } else { "Medium" },
        "domain": plan.bundle.domain.as_deref().unwrap_or("(unknown)"),
        "server": {
            "name": server.name,
            "inbound": rule(&server.inbound),
            "outbound": server.outbound.iter().map(rule).collect::<Vec<_>>(),
        },
        // Strict templates want every name; the switches of one kind are absent from another.
        "on": false, "full": false, "staging": false,
    });
    if let (Value::Object(all), Value::Object(own)) = (&mut data, switches) {
        all.extend(own);
    }
    let text = templates.render(name, &data).map_err(|e| fault(e.to_string()))?;
    // Windows PowerShell takes a file without a mark for the code page of the system.
    let text = format!("\u{feff}{}", text.replace("\r\n", "\n").replace('\n', "\r\n"));
    Ok(Script { path: path.to_owned(), text })
}

fn rule(rule: &super::model::RulePlan) -> Value {
    json!({
        "name": rule.name, "identifier": rule.identifier, "connector": rule.connector.as_deref().unwrap_or(""),
        "connector_name": rule.connector_name.as_deref().unwrap_or(""), "present": rule.present,
        "precedence": rule.precedence.map_or_else(|| "$null".to_owned(), |p| p.to_string()),
    })
}

fn engine() -> Result<Handlebars<'static>> {
    let mut out = Handlebars::new();
    out.set_strict_mode(true);
    out.register_escape_fn(handlebars::no_escape);
    for (name, text) in TEMPLATES {
        out.register_template_string(name, text)
            .map_err(|e| Error::failed(format!("cannot read the script template {name}: {e}")).source(e))?;
    }
    out.register_helper("ps", Box::new(ps));
    out.register_helper("comment", Box::new(comment));
    Ok(out)
}

fn parameter<'h>(helper: &'h Helper<'_>) -> std::result::Result<&'h str, RenderErrorReason> {
    helper.param(0).and_then(|p| p.value().as_str()).ok_or(RenderErrorReason::ParamNotFoundForIndex("ps", 0))
}

/// A text as a single-quoted PowerShell string.
fn ps(
    h: &Helper<'_>,
    _: &Handlebars<'_>,
    _: &Context,
    _: &mut RenderContext<'_, '_>,
    out: &mut dyn Output,
) -> HelperResult {
    let text = parameter(h)?;
    if text.chars().any(crate::report::is_hazardous) {
        return Err(RenderErrorReason::Other(format!("a control character in {:?}", crate::report::plain(text))).into());
    }
    Ok(out.write(&quoted(text))?)
}

/// PowerShell takes the typographic quotes for quotes, too.
fn quoted(text: &str) -> String {
    let mut out = String::from("'");
    for c in text.chars() {
        if matches!(c, '\'' | '\u{2018}' | '\u{2019}' | '\u{201a}' | '\u{201b}') {
            out.push(c);
        }
        out.push(c);
    }
    out.push('\'');
    out
}

/// A text in a block comment, which it cannot end.
fn comment(
    h: &Helper<'_>,
    _: &Handlebars<'_>,
    _: &Context,
    _: &mut RenderContext<'_, '_>,
    out: &mut dyn Output,
) -> HelperResult {
    Ok(out.write(&crate::report::plain(parameter(h)?).replace('#', "_"))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes() {
        for (text, want) in
            [("a", "'a'"), ("O'Neil", "'O''Neil'"), ("’; Remove-Item x", "'’’; Remove-Item x'"), ("$(x)", "'$(x)'")]
        {
            assert_eq!(quoted(text), want);
        }
    }
}
