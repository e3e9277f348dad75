//! What Cloud Sync will do. A job's schema says which groups it takes and how it names them: `schema` reads it, `scope`
//! decides who is in, `expression` is the language of the mappings, `mapping` makes one mapping ready, and the
//! `JobPrediction` here puts them together: from a group's attributes to the name and the container that it will have
//! in Active Directory. `forecast` says so of every group of a tenant, with its members.
//!
//! Everything here is a pure function of its input. A plain value is said only where the documentation carries it; what
//! it leaves open comes out as unknown, with the readings that are possible and the reason.

pub(crate) mod cloud;
pub mod defaults;
pub mod explain;
pub mod expression;
mod forecast;
pub(crate) mod index;
pub mod mapping;
pub(crate) mod members;
mod questions;
pub mod schema;
pub mod scope;
mod tree;

pub use cloud::{Predicted, ScopeMode};
pub use forecast::{
    Action, After, Assumptions, Attribute, Changes, Counts, Fate, Forecast, Mappings, MappingsFrom, Matched,
    MemberLine, Outcome as GroupOutcome, Point, Points, Scoping, Shared, Today, Why,
};
pub(crate) use index::nesting;
pub use questions::{over, questions, spread};

use crate::directory::escape_value;
use expression::{Attr, Attributes, Outcome, Settled, Value};
use mapping::CompiledMapping;
use schema::{FlowTypes, GroupMapping, SynchronizationSchema};
use scope::{Assignment, CompiledScope, Scope};

/// What a group in Active Directory is called now: the unescaped CN, the parent's DN, the account name.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Current<'a> {
    pub cn: &'a str,
    pub parent: &'a str,
    pub sam: Option<&'a str>,
}

/// Today's value of an attribute: `Some(None)` for an empty one, `None` for one that is not known.
pub type Known<'n> = Option<Option<&'n str>>;

/// What a group will be called.
#[derive(Debug, Clone, PartialEq)]
pub struct GroupProjection {
    /// The plain value, unescaped.
    pub cn: Outcome,
    /// The DN of the container: what the mapping yields, even where it is no valid DN. That a matched group moves there
    /// is implied by the documentation and spelled out for users only.
    pub parent: Outcome,
    /// `None` where the job does not map it: then a group that is there presumably keeps its own, and a new one gets a
    /// random one.
    pub sam_account_name: Option<Outcome>,
}

/// The Microsoft Graph property of a group that a schema's source attribute means, where the two are called differently.
pub fn graph_property(attribute: &str) -> &str {
    match attribute {
        _ if attribute.eq_ignore_ascii_case("objectId") => "id",
        _ if attribute.eq_ignore_ascii_case("dirSyncEnabled") => "onPremisesSyncEnabled",
        _ => attribute,
    }
}

/// The mapping of one target attribute.
#[derive(Debug, Clone)]
enum Slot {
    Absent,
    One(Box<CompiledMapping>),
    Several(String),
}

/// A job's mapping of groups, made ready once for all groups.
#[derive(Debug, Clone)]
pub struct JobPrediction {
    cn: Slot,
    parent: Slot,
    sam: Slot,
    /// Every other target attribute with a mapping, but for members and the AD object's own identity.
    others: Vec<(String, Slot)>,
    scope: CompiledScope,
    flow_types: FlowTypes,
    domain: Option<String>,
    problem: Option<String>,
}

/// A source object together with the facts that the job knows.
struct InJob<'a> {
    attrs: &'a dyn Attributes,
    domain: Option<&'a str>,
}

impl Attributes for InJob<'_> {
    fn get(&self, name: &str) -> Attr {
        self.attrs.get(name)
    }
    fn service(&self, name: &str) -> Attr {
        match self.domain {
            Some(domain) if name.eq_ignore_ascii_case("DomainFQDN") => Attr::Value(domain.into()),
            _ => self.attrs.service(name),
        }
    }
    fn settled(&self) -> Option<&Settled> {
        self.attrs.settled()
    }
}

impl JobPrediction {
    /// Never fails: what stands in the way is kept as the `problem`, and every outcome is then unknown.
    pub fn new(schema: &SynchronizationSchema, domain: Option<&str>) -> Self {
        let domain = domain.filter(|d| !d.is_empty()).map(str::to_owned);
        match schema.group_mapping() {
            Ok(group) => {
                let slot = |target: &str| slot(&group, target);
                JobPrediction {
                    cn: slot("cn"),
                    parent: slot("parentDistinguishedName"),
                    sam: slot("sAMAccountName"),
                    others: other_targets(&group).into_iter().map(|t| (t.to_owned(), slot(t))).collect(),
                    scope: scope::compile(group.mapping.scope.as_ref()),
                    flow_types: group.mapping.flow_types.clone(),
                    domain,
                    problem: None,
                }
            }
            Err(problem) => JobPrediction {
                cn: Slot::Absent,
                parent: Slot::Absent,
                sam: Slot::Absent,
                others: Vec::new(),
                scope: CompiledScope::default(),
                flow_types: FlowTypes::all(),
                domain,
                problem: Some(problem),
            },
        }
    }
    /// Why nothing can be predicted from this schema.
    pub fn problem(&self) -> Option<&str> {
        self.problem.as_deref()
    }
    pub fn flow_types(&self) -> &FlowTypes {
        &self.flow_types
    }
    pub fn cn_mapping(&self) -> Option<&CompiledMapping> {
        self.cn.mapping()
    }
    pub fn parent_mapping(&self) -> Option<&CompiledMapping> {
        self.parent.mapping()
    }
    pub fn sam_mapping(&self) -> Option<&CompiledMapping> {
        self.sam.mapping()
    }
    /// What is odd about the mappings, in sentences: deviating spellings, known faults of the service, text that does
    /// not parse.
    pub fn notes(&self) -> Vec<String> {
        let mut out: Vec<String> = self.problem.iter().cloned().collect();
        for slot in [&self.cn, &self.parent, &self.sam] {
            if let Slot::Several(reason) = slot {
                out.push(reason.clone());
            }
            let Some(mapping) = slot.mapping() else { continue };
            if let mapping::Origin::Unreadable(reason) = &mapping.origin {
                out.push(format!("the mapping of {} cannot be read: {reason}", mapping.target));
            }
            out.extend(
                mapping.notes().iter().map(|n| format!("{}, column {}: {}", mapping.target, n.column, n.message)),
            );
        }
        out
    }

    /// True where the schema has no scoping filter.
    pub fn has_no_filter(&self) -> bool {
        self.problem.is_none() && self.scope.is_empty()
    }
    /// Target attributes with a mapping besides `cn`, `parentDistinguishedName`, `sAMAccountName` and `member`.
    pub fn other_targets(&self) -> impl Iterator<Item = &str> {
        self.others.iter().map(|(target, _)| target.as_str())
    }
    /// What one of the other target attributes of a matched group will be; `None` where it has no mapping.
    pub fn project_other(&self, target: &str, attrs: &dyn Attributes, now: Option<&str>) -> Option<Outcome> {
        let (target, slot) = self.others.iter().find(|(t, _)| t.eq_ignore_ascii_case(target))?;
        Some(self.on_update(slot, target, &InJob { attrs, domain: self.domain.as_deref() }, now))
    }
    /// What the other target attributes of a matched group will be, one after the other. `now` gives today's value; what
    /// it gives nothing for is passed over.
    pub fn each_other<'n>(
        &self,
        attrs: &dyn Attributes,
        now: &dyn Fn(&str) -> Option<Known<'n>>,
        visit: &mut dyn FnMut(&str, Known<'n>, Outcome),
    ) {
        let attrs = InJob { attrs, domain: self.domain.as_deref() };
        for (target, slot) in &self.others {
            let Some(today) = now(target) else { continue };
            visit(target, today, self.on_update(slot, target, &attrs, today.flatten()));
        }
    }
    /// The same for a group that is not in Active Directory yet.
    pub fn project_other_new(&self, target: &str, attrs: &dyn Attributes) -> Option<Outcome> {
        let (target, slot) = self.others.iter().find(|(t, _)| t.eq_ignore_ascii_case(target))?;
        Some(self.on_create(slot, target, &InJob { attrs, domain: self.domain.as_deref() }))
    }

    fn on_update(&self, slot: &Slot, target: &str, attrs: &InJob<'_>, now: Option<&str>) -> Outcome {
        let unchanged = now.map_or(Value::Null, Value::str);
        if let Some(problem) = &self.problem {
            return Outcome::unknown(problem.clone());
        }
        if self.flow_types.update() == Some(false) {
            return Outcome::Value(unchanged);
        }
        let outcome = match slot {
            Slot::One(mapping) => mapping.predicted_on_update(attrs, now),
            Slot::Several(reason) => return Outcome::unknown(reason.clone()),
            Slot::Absent => {
                let reason = format!("the job does not map {target}; that it stays is described nowhere");
                return Outcome::Unknown { candidates: vec![unchanged], reason };
            }
        };
        match self.flow_types.update() {
            Some(_) => outcome,
            None => {
                let reason = "whether the job's flow types hold Update cannot be read".to_owned();
                Outcome::Unknown { candidates: vec![unchanged], reason }
            }
        }
    }
    fn on_create(&self, slot: &Slot, target: &str, attrs: &InJob<'_>) -> Outcome {
        match (slot, &self.problem) {
            (_, Some(problem)) => Outcome::unknown(problem.clone()),
            (Slot::One(mapping), None) => mapping.value(attrs),
            (Slot::Several(reason), None) => Outcome::unknown(reason.clone()),
            (Slot::Absent, None) => Outcome::unknown(format!("the job does not map {target}")),
        }
    }

    /// What a group that is matched will be called after its first synchronization.
    pub fn project(&self, attrs: &dyn Attributes, current: Current<'_>) -> GroupProjection {
        let attrs = InJob { attrs, domain: self.domain.as_deref() };
        let on_update = |slot: &Slot, target: &str, now: Option<&str>| self.on_update(slot, target, &attrs, now);
        GroupProjection {
            cn: on_update(&self.cn, "cn", Some(current.cn)),
            parent: on_update(&self.parent, "parentDistinguishedName", Some(current.parent)),
            sam_account_name: match self.sam {
                Slot::Absent => None,
                _ => Some(on_update(&self.sam, "sAMAccountName", current.sam)),
            },
        }
    }
    /// What a group that is not in Active Directory yet will be called.
    pub fn project_new(&self, attrs: &dyn Attributes) -> GroupProjection {
        let attrs = InJob { attrs, domain: self.domain.as_deref() };
        let value = |slot: &Slot, target: &str| self.on_create(slot, target, &attrs);
        GroupProjection {
            cn: value(&self.cn, "cn"),
            parent: value(&self.parent, "parentDistinguishedName"),
            sam_account_name: match self.sam {
                Slot::Absent => None,
                _ => Some(value(&self.sam, "sAMAccountName")),
            },
        }
    }
    /// Whether the job takes the group.
    pub fn scope(&self, attrs: &dyn Attributes, assignment: Assignment) -> Scope {
        if let Some(problem) = &self.problem {
            return Scope::Unknown(problem.clone());
        }
        scope::in_scope(&self.scope, &InJob { attrs, domain: self.domain.as_deref() }, assignment)
    }
}

/// Target attributes that stand in neither of the named slots, each once, as the schema spells them.
fn other_targets<'s>(group: &GroupMapping<'s>) -> Vec<&'s str> {
    const ELSEWHERE: [&str; 5] = ["cn", "parentDistinguishedName", "sAMAccountName", "member", "objectGUID"];
    let mut out: Vec<&str> = Vec::new();
    for target in group.mapping.attribute_mappings.iter().filter_map(|m| m.target_attribute_name.as_deref()) {
        let known = |name: &&str| name.eq_ignore_ascii_case(target.trim());
        if !target.trim().is_empty() && !ELSEWHERE.iter().any(known) && !out.iter().any(known) {
            out.push(target.trim());
        }
    }
    out
}

fn slot(group: &GroupMapping<'_>, target: &str) -> Slot {
    let definition = group.target.and_then(|object| object.attribute(target));
    let mut found = group.mapping.of(target);
    match (found.next(), found.next()) {
        (None, _) => Slot::Absent,
        (Some(mapping), None) => Slot::One(Box::new(mapping::compile(mapping).with_definition(definition))),
        (Some(_), Some(_)) => Slot::Several(format!("the schema maps {target} more than once")),
    }
}

impl Slot {
    fn mapping(&self) -> Option<&CompiledMapping> {
        match self {
            Slot::One(mapping) => Some(mapping),
            Slot::Absent | Slot::Several(_) => None,
        }
    }
}

/// More combinations than this are not listed.
const MAX_CANDIDATES: usize = 8;

impl GroupProjection {
    /// The distinguished name that follows from name and container.
    pub fn dn(&self) -> Outcome {
        let join = |cn: &Value, parent: &Value| match (cn.as_text(), parent.as_text()) {
            (Some(cn), Some(parent)) if !cn.is_empty() && !parent.is_empty() => {
                Some(Value::Str(format!("CN={},{parent}", escape_value(&cn))))
            }
            _ => None,
        };
        let (cns, parents, mut reasons) = match (readings(&self.cn, "cn"), readings(&self.parent, "the container")) {
            (Err(outcome), _) | (_, Err(outcome)) => return outcome,
            (Ok((cns, a)), Ok((parents, b))) => (cns, parents, [a, b].into_iter().flatten().collect::<Vec<_>>()),
        };
        if reasons.is_empty() {
            return match cns.first().zip(parents.first()).and_then(|(cn, parent)| join(cn, parent)) {
                Some(dn) => Outcome::Value(dn),
                None => Outcome::unknown("name or container is empty"),
            };
        }
        reasons.dedup();
        let mut candidates = Vec::new();
        for dn in cns.iter().flat_map(|cn| parents.iter().filter_map(move |parent| join(cn, parent))) {
            if !candidates.contains(&dn) && candidates.len() < MAX_CANDIDATES {
                candidates.push(dn);
            }
        }
        Outcome::Unknown { candidates, reason: reasons.join("; ") }
    }
}

/// The readings of one part; an error of the object is the whole outcome.
fn readings(outcome: &Outcome, part: &str) -> Result<(Vec<Value>, Option<String>), Outcome> {
    match outcome {
        Outcome::Value(value) => Ok((vec![value.clone()], None)),
        Outcome::Unknown { candidates, reason } => Ok((candidates.clone(), Some(reason.clone()))),
        Outcome::Error(text) => Err(Outcome::Error(text.clone())),
        Outcome::Drop => Err(Outcome::unknown(format!("{part} is left out of the flow"))),
    }
}

#[cfg(test)]
mod tests;
