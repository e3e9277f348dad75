//! What to ask the tenant's own evaluator: made-up values that settle how it reads the language, and the job's own
//! expressions over some of its groups, which show whether this program reads them as the tenant does.

use super::cloud::{CloudView, GroupAttributes, ScopeMode};
use super::expression::settled::PROBES;
use super::expression::{Attr, Attributes, Expr, Value, parse};
use super::schema::SynchronizationSchema;
use crate::directory::inventory::{EntraGroup, Evaluation, Inventory, Tri};

/// Groups over which a job's own expressions are evaluated.
const SAMPLE: usize = 10;

/// The questions of a collection, without their answers.
pub fn questions(inventory: &Inventory) -> Vec<Evaluation> {
    let mut out: Vec<Evaluation> = PROBES
        .iter()
        .map(|probe| Evaluation {
            expression: probe.expression.to_owned(),
            attributes: probe.attributes(),
            ..Evaluation::default()
        })
        .collect();
    let expressions = functions(inventory);
    let view = CloudView::build(inventory, ScopeMode::default(), None);
    for group in sample(inventory) {
        for (text, expr) in &expressions {
            let object = GroupAttributes { inventory, view: &view, group };
            out.extend(over(text, expr, &object, &inventory.entra_object(group).id.to_string()));
        }
    }
    out
}

/// One question about a group; none where the input does not tell all that the expression looks at.
pub fn over(text: &str, expr: &Expr, object: &dyn Attributes, group: &str) -> Option<Evaluation> {
    let mut attributes = Vec::new();
    for name in expr.attributes() {
        match object.get(&name) {
            Attr::Absent => {}
            Attr::Value(Value::Multi(values)) => {
                attributes.push((name, values.iter().map(ToString::to_string).collect()));
            }
            Attr::Value(value) => attributes.push((name, vec![value.to_string()])),
            Attr::Unknown(_) => return None,
        }
    }
    let group = Some(group.to_owned());
    Some(Evaluation { expression: text.to_owned(), attributes, group, ..Evaluation::default() })
}

/// The expressions of the jobs' mappings of groups that are more than an attribute or a constant, each once.
fn functions(inventory: &Inventory) -> Vec<(String, Expr)> {
    let mut out: Vec<(String, Expr)> = Vec::new();
    for schema in inventory.cloud_sync.schemas.iter().flatten() {
        let Ok(schema) = serde_json::from_value::<SynchronizationSchema>(schema.clone()) else { continue };
        let Ok(group) = schema.group_mapping() else { continue };
        for mapping in &group.mapping.attribute_mappings {
            let text = mapping.source.as_ref().and_then(|s| s.expression.as_deref()).unwrap_or("").trim();
            let known = out.iter().any(|(known, _)| known == text);
            if let Some(expr) = parse(text).ok().filter(|_| text.contains('(') && !known) {
                out.push((text.to_owned(), expr));
            }
        }
    }
    out
}

/// Cloud security groups spread over the tenant: those whose names and places are at stake.
fn sample(inventory: &Inventory) -> Vec<&EntraGroup> {
    let all: Vec<&EntraGroup> = inventory
        .entra
        .groups
        .iter()
        .filter(|g| g.security_enabled.is_true() && g.synced != Tri::True && !g.deleted)
        .collect();
    spread(all.len(), SAMPLE).into_iter().map(|i| all[i]).collect()
}

/// Up to so many positions among `all`, evenly spread, the first among them.
pub fn spread(all: usize, most: usize) -> Vec<usize> {
    let count = all.min(most);
    (0..count).map(|i| i * all / count).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_is_spread() {
        for (all, most, expected) in
            [(0, 5, vec![]), (3, 5, vec![0, 1, 2]), (10, 5, vec![0, 2, 4, 6, 8]), (7, 3, vec![0, 2, 4]), (4, 0, vec![])]
        {
            assert_eq!(spread(all, most), expected, "{all} {most}");
        }
    }
}
