//! The search for the simplest mapping of one part of the name that keeps all planned groups.

use super::attributes::{WithValue, application_prefix};
use super::{Case, Part};
use crate::directory::Dn;
use crate::directory::inventory::{Evaluation, Inventory, NONE};
use crate::plan::model::ProposedMapping;
use crate::predict::cloud::{CloudView, GroupAttributes, Job};
use crate::predict::expression::{self, Expr, Outcome};
use crate::predict::mapping::CompiledMapping;
use crate::predict::{MappingsFrom, Matched};
use rayon::prelude::*;
use serde_json::{Value, json};
use std::borrow::Cow;

const GROUP_ID: &str = "Append(\"Group_\",[objectId])";
const DEFAULT_CN: &str = "Append(Append(Left(Trim([displayName]),51),\"_\"),Mid([objectId],25,12))";
/// A directory extension of the type String holds at most so many characters.
const EXTENSION_LENGTH: usize = 256;
/// The longest expression that the service accepts, and the most cases that a person still reads.
const EXPRESSION_LENGTH: usize = 10_000;
const SWITCH_CASES: usize = 30;

/// How a value is made.
pub(super) enum Form<'e> {
    Expression(Expr),
    Job(&'e CompiledMapping),
}

/// What was chosen for one part of the name.
pub(super) struct Choice {
    pub mapping: ProposedMapping,
    /// The Graph source object; `None` where the job's mapping stays as it is.
    pub source: Option<Value>,
    pub property: Option<String>,
    /// By case: whether the property gets the present value.
    pub written: Vec<bool>,
    /// Cases for which the mapping yields something else, and what.
    differs: Vec<(usize, String)>,
}

pub(super) struct Search<'s> {
    /// What the tenant gave for expressions over planned groups.
    pub evaluations: &'s [Evaluation],
    pub inventory: &'s Inventory,
    view: &'s CloudView,
    pub cases: &'s [Case<'s>],
    pub part: Part,
    /// Whether the mappings are a job's own, rather than the documented defaults.
    of_job: bool,
}

impl<'s> Search<'s> {
    pub fn new(
        matched: &'s Matched<'_>,
        cases: &'s [Case<'s>],
        evaluations: &'s [Evaluation],
        part: Part,
    ) -> Search<'s> {
        let of_job = matched.mappings() == MappingsFrom::Job;
        Search { evaluations, inventory: matched.inventory(), view: matched.view(), cases, part, of_job }
    }

    /// The present value of a case.
    pub fn now(&self, case: usize) -> Cow<'s, str> {
        self.part.of(self.cases[case].dn)
    }
    pub fn object_id(&self, case: usize) -> String {
        let row = self.cases[case].entra;
        match self.inventory.entra.groups.get(row as usize).filter(|_| row != NONE) {
            Some(group) => self.inventory.entra_object(group).id.to_string(),
            None => String::new(),
        }
    }
    /// What a form gives for a case; with `property`, where that holds the present value.
    pub fn evaluate(&self, form: &Form<'_>, case: usize, property: Option<&str>) -> Outcome {
        let Some(group) = self.inventory.entra.groups.get(self.cases[case].entra as usize) else {
            return Outcome::unknown("the Entra group is not in the input");
        };
        let now = self.now(case);
        let base = GroupAttributes { inventory: self.inventory, view: self.view, group };
        let attributes = WithValue {
            base,
            name: property.unwrap_or(""),
            value: property.map(|_| &*now),
            domain: self.view.domain(),
        };
        match form {
            Form::Expression(expr) => expression::evaluate(expr, &attributes),
            Form::Job(mapping) => mapping.predicted_on_update(&attributes, Some(&now)),
        }
    }
    pub fn holds(&self, case: usize, outcome: &Outcome) -> bool {
        outcome.text().is_some_and(|t| self.part.same(&t, &self.now(case)))
    }
    /// Whether the form keeps every case; stops at the first that it does not.
    fn keeps_all(&self, form: &Form<'_>) -> bool {
        (0..self.cases.len()).into_par_iter().all(|i| self.holds(i, &self.evaluate(form, i, None)))
    }

    /// A form that keeps every case as it is.
    fn chosen(&self, form: &str, expression: &str, source: Option<Value>, why: &str) -> Choice {
        let cases = self.cases.len();
        let mapping = ProposedMapping {
            form: form.to_owned(),
            expression: expression.to_owned(),
            evaluated: cases as u64,
            holds: cases as u64,
            why: why.to_owned(),
        };
        Choice { mapping, source, property: None, written: vec![false; cases], differs: Vec::new() }
    }
    /// A choice whose mapping reads a property, which gets the present value where `written` says so.
    fn with_values(&self, form: &Form<'_>, property: String, written: Vec<bool>, mut choice: Choice) -> Choice {
        choice.differs = (0..self.cases.len())
            .into_par_iter()
            .filter_map(|i| {
                let outcome = self.evaluate(form, i, written[i].then_some(property.as_str()));
                Some((i, self.differs(i, &outcome)?))
            })
            .collect();
        choice.mapping.holds -= choice.differs.len() as u64;
        Choice { property: Some(property), written, ..choice }
    }

    pub fn choose(&self) -> Option<Choice> {
        if self.cases.is_empty() {
            return None;
        }
        let own = match &self.view.job {
            Job::Known(job) if self.of_job => match self.part {
                Part::Cn => job.cn_mapping(),
                Part::Parent => job.parent_mapping(),
            },
            _ => None,
        };
        if let Some(mapping) = own
            && self.refusal(&mapping.source).is_none()
            && self.keeps_all(&Form::Job(mapping))
        {
            let why = "The job's own mapping keeps every planned group; it stays as it is.";
            return Some(self.chosen("job", &mapping.source, None, why));
        }
        let stands = |choice: &Choice| self.refusal(&choice.mapping.expression).is_none();
        self.plain()
            .or_else(|| own.and_then(|m| self.fill_in(m)).filter(stands))
            .or_else(|| self.switch().filter(stands))
            .or_else(|| self.extension().filter(stands))
    }

    /// One expression without anything to write.
    fn plain(&self) -> Option<Choice> {
        let function = |text: &str| json!({ "type": "Function", "name": text.split('(').next(), "expression": text, "parameters": [] });
        let candidates: Vec<(&str, String, Value, &str)> = match self.part {
            Part::Cn => vec![
                (
                    "function",
                    GROUP_ID.to_owned(),
                    function(GROUP_ID),
                    "Every planned group is called Group_ and its object id, as Connect named them.",
                ),
                (
                    "function",
                    DEFAULT_CN.to_owned(),
                    function(DEFAULT_CN),
                    "Every planned group is called by display name and the end of its object id; this is also the documented default.",
                ),
                (
                    "attribute",
                    "[displayName]".to_owned(),
                    json!({ "type": "Attribute", "name": "displayName", "expression": "[displayName]", "parameters": [] }),
                    "Every planned group is called by its display name.",
                ),
            ],
            Part::Parent => {
                let first = self.now(0);
                let text = quoted(&first);
                let source = json!({ "type": "Constant", "name": first, "expression": text, "parameters": [] });
                vec![("constant", text, source, "Every planned group stands in this one container.")]
            }
        };
        candidates.into_iter().find_map(|(name, text, source, why)| {
            let form = Form::Expression(expression::parse(&text).ok()?);
            let fits = self.refusal(&text).is_none() && self.keeps_all(&form);
            fits.then(|| self.chosen(name, &text, Some(source), why))
        })
    }

    /// The job's mapping reads an extension property: filled in where it is missing, it may keep the rest as well.
    fn fill_in(&self, mapping: &CompiledMapping) -> Option<Choice> {
        let property = mapping.expr()?.attributes().into_iter().find(|a| a.to_lowercase().starts_with("extension_"))?;
        let form = Form::Job(mapping);
        let written: Vec<bool> =
            (0..self.cases.len()).into_par_iter().map(|i| !self.holds(i, &self.evaluate(&form, i, None))).collect();
        let why =
            "The job's own mapping stays; its extension property gets a value for the groups that it would not keep.";
        let choice = self.with_values(&form, property, written, self.chosen("job", &mapping.source, None, why));
        choice.differs.is_empty().then_some(choice)
    }

    /// A case a group, without a default: with one, the service is known to lose the value.
    fn switch(&self) -> Option<Choice> {
        if self.cases.len() > SWITCH_CASES {
            return None;
        }
        let mut text = "Switch([objectId],".to_owned();
        for i in 0..self.cases.len() {
            text.push_str(&format!(",{},{}", quoted(&self.object_id(i)), quoted(&self.now(i))));
        }
        text.push(')');
        let form = Form::Expression(expression::parse(&text).ok()?);
        let source = json!({ "type": "Function", "name": "Switch", "expression": text, "parameters": [] });
        let why = "A case for each planned group, without a default. Groups that are scoped in later need a case of their own.";
        let fits = text.chars().count() <= EXPRESSION_LENGTH && self.keeps_all(&form);
        fits.then(|| self.chosen("switch", &text, Some(source), why))
    }

    /// An extension property that holds the value, group by group.
    fn extension(&self) -> Option<Choice> {
        let prefix = application_prefix(self.inventory).unwrap_or_else(|| "extension_{appId}_".to_owned());
        let property = format!("{prefix}{}", self.part.property());
        let text = format!("[{property}]");
        let form = Form::Expression(expression::parse(&text).ok()?);
        let source = json!({ "type": "Attribute", "name": property, "expression": text, "parameters": [] });
        let written: Vec<bool> =
            (0..self.cases.len()).into_par_iter().map(|i| self.now(i).chars().count() <= EXTENSION_LENGTH).collect();
        let why = "No expression over the groups' own attributes keeps them all: each gets its present value in an extension property, read directly. Groups that are scoped in later need a value, too.";
        Some(self.with_values(&form, property, written, self.chosen("extension", &text, Some(source), why)))
    }

    /// The cases that a choice does not keep, in order, and why.
    pub fn lost(&self, choice: &Choice) -> Vec<(usize, String)> {
        let troubles = (0..self.cases.len())
            .into_par_iter()
            .map_init(Container::default, |container, i| Some((i, self.trouble(i, choice.written[i], container)?)));
        let mut out: Vec<(usize, String)> = troubles.flatten().collect();
        out.extend(choice.differs.iter().cloned());
        // Trouble comes first, and is the reason given.
        out.sort_by_key(|(i, _)| *i);
        out.dedup_by_key(|(i, _)| *i);
        out
    }

    /// What keeps a value from surviving though the expression yields it.
    fn trouble(&self, case: usize, written: bool, container: &mut Container) -> Option<String> {
        let now = self.now(case);
        if now.is_empty() {
            return Some("its distinguished name cannot be read".to_owned());
        }
        match self.part {
            Part::Cn => {
                let dn = self.cases[case].dn;
                if !dn.get(..3).is_some_and(|start| start.eq_ignore_ascii_case("CN=")) {
                    let parsed = Dn::parse(dn).ok()?;
                    let attribute = parsed.rdn()?.attribute();
                    if !attribute.eq_ignore_ascii_case("CN") {
                        return Some(format!("its name begins with {attribute}=, and Cloud Sync names by CN only"));
                    }
                }
                (now.trim() != now).then(|| {
                    "its name begins or ends with a blank; whether the service keeps that is not documented".to_owned()
                })
            }
            Part::Parent => {
                if let (Some(domain), Some(own)) = (self.view.domain(), container.domain(&now))
                    && !own.eq_ignore_ascii_case(domain)
                {
                    return Some(format!("it stands in the domain {own}, and the configuration writes to {domain}"));
                }
                let too_long = !written && self.cases.len() > SWITCH_CASES && now.chars().count() > EXTENSION_LENGTH;
                let elsewhere = || (0..self.cases.len()).any(|i| !self.part.same(&self.now(i), &now));
                (too_long && elsewhere()).then(|| {
                    format!(
                        "its value has more than {EXTENSION_LENGTH} characters, the most that an extension property holds"
                    )
                })
            }
        }
    }
    fn differs(&self, case: usize, outcome: &Outcome) -> Option<String> {
        if self.holds(case, outcome) {
            return None;
        }
        Some(match outcome {
            Outcome::Value(value) => match value.as_text() {
                Some(text) => format!("the mapping yields {text:?}"),
                None => "the mapping yields nothing".to_owned(),
            },
            Outcome::Drop => "the mapping leaves it out of the flow".to_owned(),
            Outcome::Error(text) => format!("the mapping fails: {text}"),
            Outcome::Unknown { reason, .. } => format!("what the mapping yields is open: {reason}"),
        })
    }
}

/// The container that was looked at last: groups in a row mostly share theirs.
#[derive(Default)]
struct Container {
    dn: String,
    domain: Option<String>,
}

impl Container {
    fn domain(&mut self, dn: &str) -> Option<&str> {
        if self.dn != dn {
            dn.clone_into(&mut self.dn);
            self.domain = Dn::parse(dn).ok().and_then(|d| d.dns_domain());
        }
        self.domain.as_deref()
    }
}

/// A text as an expression writes it.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}
