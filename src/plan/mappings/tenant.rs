//! What the tenant's own evaluator says about proposed mappings: what it is asked, and how its answers count. A mapping
//! that it reads otherwise for one planned group is not proposed.

use super::attributes::WithValue;
use super::search::{Choice, Form, Search};
use crate::directory::ObjectGuid;
use crate::directory::inventory::{Evaluation, Inventory};
use crate::plan::model::MappingProposal;
use crate::predict::cloud::{CloudView, GroupAttributes};
use crate::predict::expression;
use std::borrow::Cow;

/// A planned group whose mappings the tenant is asked about.
pub(in crate::plan) struct Asked<'a> {
    pub entra: u32,
    /// Values of extension properties that the plan writes.
    pub values: Vec<(&'a str, Cow<'a, str>)>,
}

/// What to ask the tenant's own evaluator about the proposed mappings: each over the attributes as they will be.
pub(in crate::plan) fn questions(
    inventory: &Inventory,
    view: &CloudView,
    proposal: &MappingProposal,
    asked: &[Asked<'_>],
) -> Vec<Evaluation> {
    let mut out = Vec::new();
    for mapping in [&proposal.cn, &proposal.parent_distinguished_name].into_iter().flatten() {
        let Ok(expr) = expression::parse(&mapping.expression) else { continue };
        for case in asked {
            let Some(group) = inventory.entra.groups.get(case.entra as usize) else { continue };
            let wanted = expr.attributes();
            let own = case.values.iter().find(|(n, _)| wanted.iter().any(|w| w.eq_ignore_ascii_case(n)));
            let attributes = WithValue {
                base: GroupAttributes { inventory, view, group },
                name: own.map_or("", |(n, _)| n),
                value: own.map(|(_, v)| &**v),
                domain: view.domain(),
            };
            let id = inventory.entra_object(group).id.to_string();
            out.extend(crate::predict::over(&mapping.expression, &expr, &attributes, &id));
        }
    }
    out
}

impl Search<'_> {
    /// What the tenant gave for this expression, by case, as far as it was asked.
    fn answers(&self, expression: &str) -> impl Iterator<Item = (usize, &Evaluation)> {
        let expression = expression.to_owned();
        self.evaluations.iter().filter(move |e| e.expression == expression).filter_map(|e| {
            let group = ObjectGuid::parse(e.group.as_deref()?)?;
            let row = |i: &usize| self.inventory.entra.groups.get(self.cases[*i].entra as usize);
            let is = |i: &usize| row(i).is_some_and(|g| self.inventory.entra_object(g).id == group);
            Some(((0..self.cases.len()).find(is)?, e))
        })
    }

    /// Why the tenant's own answers forbid an expression.
    pub(super) fn refusal(&self, expression: &str) -> Option<String> {
        let gives = |e: &Evaluation| match (e.evaluated, e.result.as_slice()) {
            (false, _) => format!("an error ({})", e.error.as_deref().unwrap_or("no reason given")),
            (true, []) => "nothing".to_owned(),
            (true, [one]) => format!("{one:?}"),
            (true, many) => format!("{many:?}"),
        };
        self.answers(expression).find_map(|(case, e)| {
            let kept = e.evaluated && matches!(e.result.as_slice(), [one] if self.part.same(one, &self.now(case)));
            (!kept).then(|| format!("{} for {}", gives(e), self.cases[case].dn))
        })
    }

    /// What asking the tenant brought.
    pub(super) fn tenant_notes(&self, chosen: Option<&Choice>) -> Vec<String> {
        let mut seen: Vec<&str> = Vec::new();
        let mut out = Vec::new();
        for text in self.evaluations.iter().map(|e| e.expression.as_str()) {
            if seen.contains(&text) || self.answers(text).next().is_none() {
                continue;
            }
            seen.push(text);
            let mine = chosen.is_some_and(|c| c.mapping.expression == text);
            match self.refusal(text) {
                None if mine => out.push(format!(
                    "The tenant's own evaluator gives the present value of {} for all {} groups that it was asked about ({text}).",
                    self.part.target(),
                    self.answers(text).count()
                )),
                Some(gave) if self.tried(text) => out.push(format!(
                    "{text} was refused for {}: the tenant's own evaluator gives {gave}.",
                    self.part.target()
                )),
                _ => {}
            }
        }
        out
    }

    /// Whether this expression would be proposed for this part but for the tenant's answer.
    fn tried(&self, text: &str) -> bool {
        let Some(form) = expression::parse(text).ok().map(Form::Expression) else { return false };
        let own = |i: usize| self.holds(i, &self.evaluate(&form, i, None));
        text.starts_with("[extension_") || self.answers(text).all(|(case, _)| own(case))
    }
}
