//! The mappings of name and place that keep every planned group where it is: the simplest form that holds for all of
//! them, proved by evaluating it for each. Forms that the documentation calls faulty are not proposed: no Switch with a
//! default, no IIF on an attribute that may be null, nothing that takes a DN apart by its commas.

use super::model::{CannotKeep, ExtensionProperty, MappingProposal, ProposedMapping, SchemaPatch};
use crate::directory::inventory::{Evaluation, Inventory, NONE};
use crate::directory::{Dn, same_dn, split};
use crate::predict::cloud::{CloudView, GroupAttributes, Job};
use crate::predict::expression::{self, Attr, Attributes, Expr, Outcome, Settled, Value as Word};
use crate::predict::mapping::CompiledMapping;
use crate::predict::schema::SynchronizationSchema;
use crate::predict::{Forecast, MappingsFrom};
use rayon::prelude::*;
use serde_json::{Value, json};

mod tenant;

pub(super) use tenant::{Asked, questions};

/// A planned group's row of `entra.groups` and what it is called.
pub(super) struct Case<'a> {
    pub entra: u32,
    pub dn: &'a str,
}

/// A proposal, and what it needs of each case.
pub(super) struct Proposed {
    pub proposal: MappingProposal,
    /// By case: values of extension properties to write, as (property, value).
    pub values: Vec<Vec<(String, String)>>,
    /// By case: the name and the container that follow, where they are proved.
    pub names: Vec<(Option<String>, Option<String>)>,
}

const GROUP_ID: &str = "Append(\"Group_\",[objectId])";
const DEFAULT_CN: &str = "Append(Append(Left(Trim([displayName]),51),\"_\"),Mid([objectId],25,12))";
/// A directory extension of the type String holds at most so many characters.
const EXTENSION_LENGTH: usize = 256;
/// The longest expression that the service accepts, and the most cases that a person still reads.
const EXPRESSION_LENGTH: usize = 10_000;
const SWITCH_CASES: usize = 30;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Cn,
    Parent,
}

impl Part {
    fn target(self) -> &'static str {
        match self {
            Part::Cn => "cn",
            Part::Parent => "parentDistinguishedName",
        }
    }
    fn property(self) -> &'static str {
        match self {
            Part::Cn => "GroupCN",
            Part::Parent => "GroupParentDN",
        }
    }
    fn same(self, a: &str, b: &str) -> bool {
        match self {
            Part::Cn => a == b,
            Part::Parent => a == b || same_dn(a, b),
        }
    }
}

/// A group's attributes with one extension property as it will be.
struct WithValue<'a> {
    base: GroupAttributes<'a>,
    name: &'a str,
    value: Option<&'a str>,
    domain: Option<&'a str>,
}

impl Attributes for WithValue<'_> {
    fn get(&self, name: &str) -> Attr {
        match self.value {
            Some(value) if name.eq_ignore_ascii_case(self.name) => Attr::Value(Word::str(value)),
            _ => self.base.get(name),
        }
    }
    fn service(&self, name: &str) -> Attr {
        match self.domain {
            Some(domain) if name.eq_ignore_ascii_case("DomainFQDN") => Attr::Value(domain.into()),
            _ => self.base.service(name),
        }
    }
    fn settled(&self) -> Option<&Settled> {
        self.base.settled()
    }
}

/// How a value is made.
enum Form<'e> {
    Expression(Expr),
    Job(&'e CompiledMapping),
}

/// What was chosen for one part of the name.
struct Choice {
    mapping: ProposedMapping,
    /// The Graph source object; `None` where the job's mapping stays as it is.
    source: Option<Value>,
    property: Option<String>,
    /// By case: the value to write, and what then follows.
    values: Vec<Option<String>>,
    outcomes: Vec<Outcome>,
}

struct Search<'s> {
    /// What the tenant gave for expressions over planned groups.
    evaluations: &'s [Evaluation],
    inventory: &'s Inventory,
    view: &'s CloudView,
    cases: &'s [Case<'s>],
    /// The present values, by case.
    now: Vec<String>,
    part: Part,
    /// Whether the mappings are a job's own, rather than the documented defaults.
    of_job: bool,
}

pub(super) fn propose(forecast: &Forecast<'_>, cases: &[Case<'_>], evaluations: &[Evaluation]) -> Proposed {
    let (inventory, view) = (forecast.inventory(), forecast.view());
    let mut proposal = MappingProposal::default();
    let mut values: Vec<Vec<(String, String)>> = vec![Vec::new(); cases.len()];
    let mut names = vec![(None, None); cases.len()];
    let mut sources: Vec<(Part, Option<Value>)> = Vec::new();
    let mut kept = [true; 2];
    let mut tenant_notes = Vec::new();
    for (slot, part) in [Part::Cn, Part::Parent].into_iter().enumerate() {
        let now: Vec<String> = cases.par_iter().map(|c| present(c.dn, part)).collect();
        let of_job = forecast.mappings() == MappingsFrom::Job;
        let search = Search { evaluations, inventory, view, cases, now, part, of_job };
        let chosen = search.choose();
        tenant_notes.extend(search.tenant_notes(chosen.as_ref()));
        let Some(choice) = chosen else {
            kept[slot] = cases.is_empty();
            proposal.cannot_keep.extend((0..cases.len()).map(|i| CannotKeep {
                object_id: search.object_id(i),
                dn: cases[i].dn.to_owned(),
                attribute: part.target().to_owned(),
                reason: "the tenant's own evaluator refuses every mapping that would keep it".to_owned(),
            }));
            continue;
        };
        for (i, outcome) in choice.outcomes.iter().enumerate() {
            let trouble = search.trouble(i, choice.values[i].as_deref()).or_else(|| search.differs(i, outcome));
            let text = outcome.text().map(|t| t.into_owned());
            match part {
                Part::Cn => names[i].0 = text.filter(|_| trouble.is_none()),
                Part::Parent => names[i].1 = text.filter(|_| trouble.is_none()),
            }
            if let Some(reason) = trouble {
                kept[slot] = false;
                proposal.cannot_keep.push(CannotKeep {
                    object_id: search.object_id(i),
                    dn: cases[i].dn.to_owned(),
                    attribute: part.target().to_owned(),
                    reason,
                });
            }
            if let (Some(name), Some(value)) = (&choice.property, &choice.values[i]) {
                values[i].push((name.clone(), value.clone()));
            }
        }
        if let Some(name) = &choice.property {
            proposal.extensions.push(ExtensionProperty {
                exists: known_extension(inventory, name),
                values: choice.values.iter().flatten().count() as u64,
                name: name.clone(),
            });
        }
        sources.push((part, choice.source));
        match part {
            Part::Cn => proposal.cn = Some(choice.mapping),
            Part::Parent => proposal.parent_distinguished_name = Some(choice.mapping),
        }
    }
    [proposal.keeps_every_name, proposal.keeps_every_place] = kept;
    proposal.schema_patch = patch(inventory, &sources);
    proposal.notes = notes(&proposal);
    proposal.notes.extend(view.settled().notes());
    proposal.notes.extend(tenant_notes);
    Proposed { proposal, values, names }
}

fn present(dn: &str, part: Part) -> String {
    let found = split(dn);
    match part {
        Part::Cn => found.map(|(cn, _)| cn.into_owned()),
        Part::Parent => found.map(|(_, parent)| parent.into_owned()),
    }
    .unwrap_or_default()
}

fn known_extension(inventory: &Inventory, name: &str) -> bool {
    inventory.entra.extensions.iter().any(|(n, _)| inventory.text.get(*n).is_some_and(|n| n.eq_ignore_ascii_case(name)))
}

/// `extension_<32 hexadecimal digits>_`, as some group of the tenant carries it.
fn application_prefix(inventory: &Inventory) -> Option<String> {
    let mut found: Vec<&str> = inventory
        .entra
        .extensions
        .iter()
        .filter_map(|(n, _)| inventory.text.get(*n))
        .filter_map(|n| {
            let id = n.get(10..42)?;
            let fits = n.starts_with("extension_") && id.bytes().all(|b| b.is_ascii_hexdigit());
            (fits && n.get(42..43) == Some("_")).then(|| &n[..43])
        })
        .collect();
    found.sort_unstable();
    found.dedup();
    match found.as_slice() {
        [one] => Some((*one).to_owned()),
        _ => None,
    }
}

impl Search<'_> {
    fn object_id(&self, case: usize) -> String {
        let row = self.cases[case].entra;
        match self.inventory.entra.groups.get(row as usize).filter(|_| row != NONE) {
            Some(group) => self.inventory.entra_object(group).id.to_string(),
            None => String::new(),
        }
    }
    fn evaluate(&self, form: &Form<'_>, case: usize, property: &str, value: Option<&str>) -> Outcome {
        let Some(group) = self.inventory.entra.groups.get(self.cases[case].entra as usize) else {
            return Outcome::unknown("the Entra group is not in the input");
        };
        let base = GroupAttributes { inventory: self.inventory, view: self.view, group };
        let attributes = WithValue { base, name: property, value, domain: self.view.domain() };
        match form {
            Form::Expression(expr) => expression::evaluate(expr, &attributes),
            Form::Job(mapping) => mapping.predicted_on_update(&attributes, Some(&self.now[case])),
        }
    }
    fn holds(&self, case: usize, outcome: &Outcome) -> bool {
        outcome.text().is_some_and(|t| self.part.same(&t, &self.now[case]))
    }
    /// Whether the form keeps every case; stops at the first that it does not.
    fn keeps_all(&self, form: &Form<'_>) -> bool {
        (0..self.cases.len()).into_par_iter().all(|i| self.holds(i, &self.evaluate(form, i, "", None)))
    }
    fn chosen(&self, form: &Form<'_>, name: &str, expression: &str, source: Option<Value>, why: &str) -> Choice {
        self.with_values(form, name, expression, source, why, None, vec![None; self.cases.len()])
    }
    #[expect(clippy::too_many_arguments, reason = "one private constructor of one value")]
    fn with_values(
        &self,
        form: &Form<'_>,
        name: &str,
        expression: &str,
        source: Option<Value>,
        why: &str,
        property: Option<String>,
        values: Vec<Option<String>>,
    ) -> Choice {
        let known = property.as_deref().unwrap_or("");
        let outcomes: Vec<Outcome> = (0..self.cases.len())
            .into_par_iter()
            .map(|i| self.evaluate(form, i, known, values[i].as_deref()))
            .collect();
        let holds = outcomes.iter().enumerate().filter(|(i, o)| self.holds(*i, o)).count() as u64;
        let mapping = ProposedMapping {
            form: name.to_owned(),
            expression: expression.to_owned(),
            evaluated: self.cases.len() as u64,
            holds,
            why: why.to_owned(),
        };
        Choice { mapping, source, property, values, outcomes }
    }

    fn choose(&self) -> Option<Choice> {
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
            return Some(self.chosen(&Form::Job(mapping), "job", &mapping.source, None, why));
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
                let first = self.now.first()?;
                let text = quoted(first);
                let source = json!({ "type": "Constant", "name": first, "expression": text, "parameters": [] });
                vec![("constant", text, source, "Every planned group stands in this one container.")]
            }
        };
        candidates.into_iter().find_map(|(name, text, source, why)| {
            let form = Form::Expression(expression::parse(&text).ok()?);
            let fits = self.refusal(&text).is_none() && self.keeps_all(&form);
            fits.then(|| self.chosen(&form, name, &text, Some(source), why))
        })
    }

    /// The job's mapping reads an extension property: filled in where it is missing, it may keep the rest as well.
    fn fill_in(&self, mapping: &CompiledMapping) -> Option<Choice> {
        let property = mapping.expr()?.attributes().into_iter().find(|a| a.to_lowercase().starts_with("extension_"))?;
        let form = Form::Job(mapping);
        let values: Vec<Option<String>> = (0..self.cases.len())
            .into_par_iter()
            .map(|i| (!self.holds(i, &self.evaluate(&form, i, "", None))).then(|| self.now[i].clone()))
            .collect();
        let why =
            "The job's own mapping stays; its extension property gets a value for the groups that it would not keep.";
        let choice = self.with_values(&form, "job", &mapping.source, None, why, Some(property), values);
        (choice.mapping.holds == choice.mapping.evaluated).then_some(choice)
    }

    /// A case a group, without a default: with one, the service is known to lose the value.
    fn switch(&self) -> Option<Choice> {
        if self.cases.len() > SWITCH_CASES {
            return None;
        }
        let mut text = "Switch([objectId],".to_owned();
        for (i, now) in self.now.iter().enumerate() {
            text.push_str(&format!(",{},{}", quoted(&self.object_id(i)), quoted(now)));
        }
        text.push(')');
        let form = Form::Expression(expression::parse(&text).ok()?);
        let source = json!({ "type": "Function", "name": "Switch", "expression": text, "parameters": [] });
        let why = "A case for each planned group, without a default. Groups that are scoped in later need a case of their own.";
        let fits = text.chars().count() <= EXPRESSION_LENGTH && self.keeps_all(&form);
        fits.then(|| self.chosen(&form, "switch", &text, Some(source), why))
    }

    /// An extension property that holds the value, group by group.
    fn extension(&self) -> Option<Choice> {
        let prefix = application_prefix(self.inventory).unwrap_or_else(|| "extension_{appId}_".to_owned());
        let property = format!("{prefix}{}", self.part.property());
        let text = format!("[{property}]");
        let form = Form::Expression(expression::parse(&text).ok()?);
        let source = json!({ "type": "Attribute", "name": property, "expression": text, "parameters": [] });
        let values: Vec<Option<String>> =
            self.now.iter().map(|now| Some(now.clone()).filter(|n| n.chars().count() <= EXTENSION_LENGTH)).collect();
        let why = "No expression over the groups' own attributes keeps them all: each gets its present value in an extension property, read directly. Groups that are scoped in later need a value, too.";
        Some(self.with_values(&form, "extension", &text, Some(source), why, Some(property), values))
    }

    /// What keeps a value from surviving though the expression yields it.
    fn trouble(&self, case: usize, value: Option<&str>) -> Option<String> {
        let now = &self.now[case];
        if now.is_empty() {
            return Some("its distinguished name cannot be read".to_owned());
        }
        if self.part == Part::Cn {
            let parsed = Dn::parse(self.cases[case].dn).ok()?;
            let attribute = parsed.rdn()?.attribute().to_owned();
            if !attribute.eq_ignore_ascii_case("CN") {
                return Some(format!("its name begins with {attribute}=, and Cloud Sync names by CN only"));
            }
            if now.trim() != now {
                return Some(
                    "its name begins or ends with a blank; whether the service keeps that is not documented".to_owned(),
                );
            }
        }
        if self.part == Part::Parent
            && let (Some(domain), Some(own)) = (self.view.domain(), Dn::parse(now).ok().and_then(|d| d.dns_domain()))
            && !own.eq_ignore_ascii_case(domain)
        {
            return Some(format!("it stands in the domain {own}, and the configuration writes to {domain}"));
        }
        (value.is_none() && now.chars().count() > EXTENSION_LENGTH && self.cases.len() > SWITCH_CASES)
            .then(|| {
                format!(
                    "its value has more than {EXTENSION_LENGTH} characters, the most that an extension property holds"
                )
            })
            .filter(|_| self.part == Part::Parent)
            .filter(|_| self.now.iter().any(|n| !self.part.same(n, now)))
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

/// A text as an expression writes it.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

/// The schema that maps groups, among those collected.
fn job_schema(inventory: &Inventory) -> Option<SynchronizationSchema> {
    let schemas = inventory.cloud_sync.schemas.as_ref()?;
    schemas.iter().find_map(|s| {
        let schema: SynchronizationSchema = serde_json::from_value(s.clone()).ok()?;
        schema.group_mapping().is_ok().then_some(schema)
    })
}

/// The change to the schema; nothing where the job's mappings stay.
fn patch(inventory: &Inventory, sources: &[(Part, Option<Value>)]) -> Option<SchemaPatch> {
    let schema = job_schema(inventory);
    let group = schema.as_ref().and_then(|s| s.group_mapping().ok());
    let mut patch = SchemaPatch {
        target_object_name: group
            .as_ref()
            .and_then(|g| g.mapping.target_object_name.clone())
            .unwrap_or_else(|| "group".to_owned()),
        expects: Vec::new(),
        attribute_mappings: Vec::new(),
    };
    for (part, source) in sources {
        let Some(source) = source else { continue };
        let before = group.as_ref().and_then(|g| g.mapping.of(part.target()).next());
        let before = before.and_then(|m| serde_json::to_value(m).ok());
        let mut after = before.clone().unwrap_or_else(|| {
            json!({ "targetAttributeName": part.target(), "exportMissingReferences": false,
                    "flowBehavior": "FlowWhenChanged", "flowType": "Always", "matchingPriority": 0 })
        });
        after["source"] = source.clone();
        after["defaultValue"] = Value::Null;
        after["flowType"] = json!("Always");
        patch.expects.extend(before);
        patch.attribute_mappings.push(after);
    }
    (!patch.attribute_mappings.is_empty()).then_some(patch)
}

fn notes(proposal: &MappingProposal) -> Vec<String> {
    let mut notes = Vec::new();
    let both = [&proposal.cn, &proposal.parent_distinguished_name];
    for mapping in both.into_iter().flatten() {
        let parsed = expression::parse(&mapping.expression);
        notes.extend(parsed.iter().flat_map(|e| e.notes().iter().map(|n| n.message.clone())));
    }
    if proposal.extensions.iter().any(|e| !e.exists) {
        notes.push("The extension property is created on the application with the identifier URI api://<tenantId>/CloudSyncCustomExtensionsApp; only that application is supported.".to_owned());
    }
    if proposal.extensions.iter().any(|e| e.exists) {
        notes.push("Which application the extension property belongs to is not in the bundle: a group reads it only if that is CloudSyncCustomExtensionsApp or Connect's own. The canary shows it.".to_owned());
    }
    notes.dedup();
    notes
}
