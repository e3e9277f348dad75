//! One expression evaluated for one group of a bundle: the value, or what is possible and why it is open, with what the
//! expression read of the group.

use super::cloud::{CloudView, GroupAttributes, ScopeMode};
use super::expression::{self, Attr, Attributes, Note, Outcome, ParseError, Settled};
use crate::directory::inventory::{EntraGroup, Inventory};
use crate::directory::{Anchor, ObjectGuid, same_dn};

/// What came of an expression.
#[derive(Debug, Clone, PartialEq)]
pub struct Explained {
    pub outcome: Outcome,
    /// The attributes that it uses, as the input has them for this group.
    pub attributes: Vec<(String, Attr)>,
    /// What is odd about the expression though it parses.
    pub notes: Vec<Note>,
    /// What the tenant's own evaluator has settled, where the outcome was open without it.
    pub settled: Vec<String>,
    /// Entra object id and display name of the group.
    pub object_id: String,
    pub display_name: Option<String>,
}

/// Evaluates `text` for a group of the bundle. `domain` is the configured AD domain, where there is one.
pub fn explain(
    inventory: &Inventory,
    domain: Option<&str>,
    text: &str,
    group: &EntraGroup,
) -> Result<Explained, ParseError> {
    let parsed = expression::parse(text)?;
    let view = CloudView::build(inventory, ScopeMode::default(), domain);
    let source = InDomain { group: GroupAttributes { inventory, view: &view, group }, domain: view.domain() };
    let attributes = parsed.attributes().into_iter().map(|name| (name.clone(), source.get(&name))).collect();
    let outcome = expression::evaluate(&parsed, &source);
    let without = expression::evaluate(&parsed, &Unsettled(&source));
    Ok(Explained {
        settled: if outcome == without { Vec::new() } else { view.settled().notes() },
        outcome,
        attributes,
        notes: parsed.notes().to_vec(),
        object_id: inventory.entra_object(group).id.to_string(),
        display_name: inventory.text.get(group.display_name).map(str::to_owned),
    })
}

/// The group with what the job knows besides: its domain.
struct InDomain<'a> {
    group: GroupAttributes<'a>,
    domain: Option<&'a str>,
}

impl Attributes for InDomain<'_> {
    fn get(&self, name: &str) -> Attr {
        self.group.get(name)
    }
    fn service(&self, name: &str) -> Attr {
        let tenant = &self.group.inventory.entra.tenant;
        match (name, self.domain, tenant.default_domain.as_deref()) {
            ("DomainFQDN", Some(domain), _) => Attr::Value(domain.into()),
            ("DefaultDomain", _, Some(domain)) => Attr::Value(domain.into()),
            _ => self.group.service(name),
        }
    }
    fn settled(&self) -> Option<&Settled> {
        self.group.settled()
    }
}

/// The same, as it is read without the tenant's answers.
struct Unsettled<'a>(&'a dyn Attributes);

impl Attributes for Unsettled<'_> {
    fn get(&self, name: &str) -> Attr {
        self.0.get(name)
    }
    fn service(&self, name: &str) -> Attr {
        self.0.service(name)
    }
}

/// The Entra group that somebody names: by object id, anchor, exact display name; or by objectGUID, SID or DN of its AD
/// group. An error says why it is none, or how many it could be.
pub fn find_group<'i>(inventory: &'i Inventory, name: &str) -> Result<&'i EntraGroup, String> {
    let name = name.trim();
    let by_id = |id: ObjectGuid| inventory.entra.groups.iter().find(|g| inventory.entra_object(g).id == id);
    let id = ObjectGuid::parse(name).or_else(|| Anchor::parse(name).map(|a| a.0));
    if let Some(group) = id.and_then(by_id) {
        return Ok(group);
    }
    let of_ad = inventory.ad.groups.iter().find(|g| {
        let object = inventory.ad_object(g);
        let sid = || inventory.sids.get(object.sid).is_some_and(|s| s.to_string() == name);
        id == Some(object.guid) || same_dn(inventory.dn(g.object), name) || name.starts_with("S-1-") && sid()
    });
    if let Some(group) = of_ad {
        let anchor = super::index::anchor_of(inventory, group);
        return anchor
            .and_then(|a| by_id(a.0))
            .ok_or_else(|| format!("the AD group {name} has no Entra group in the bundle"));
    }
    let display_name = |g: &EntraGroup| inventory.text.get(g.display_name).unwrap_or_default();
    let named = |g: &&EntraGroup| display_name(g) == name;
    let mut found: Vec<&EntraGroup> = inventory.entra.groups.iter().filter(named).take(2).collect();
    if found.is_empty() && !name.is_empty() {
        let lower = name.to_lowercase();
        let named = |g: &&EntraGroup| display_name(g).to_lowercase() == lower;
        found = inventory.entra.groups.iter().filter(named).take(2).collect();
    }
    match found.as_slice() {
        [one] => Ok(one),
        [] => Err(format!("the bundle has no group {}", if name.is_empty() { "of an empty name" } else { name })),
        _ => Err(format!("several groups of the bundle are called {name}")),
    }
}
