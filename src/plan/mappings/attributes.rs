//! What an expression reads of a planned group: its attributes, with one extension property as it will be.

use crate::directory::inventory::Inventory;
use crate::predict::cloud::GroupAttributes;
use crate::predict::expression::{Attr, Attributes, Settled, Value};

pub(super) struct WithValue<'a> {
    pub base: GroupAttributes<'a>,
    pub name: &'a str,
    pub value: Option<&'a str>,
    pub domain: Option<&'a str>,
}

impl Attributes for WithValue<'_> {
    fn get(&self, name: &str) -> Attr {
        match self.value {
            Some(value) if name.eq_ignore_ascii_case(self.name) => Attr::Value(Value::str(value)),
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

pub(super) fn known_extension(inventory: &Inventory, name: &str) -> bool {
    inventory.entra.extensions.iter().any(|(n, _)| inventory.text.get(*n).is_some_and(|n| n.eq_ignore_ascii_case(name)))
}

/// `extension_<32 hexadecimal digits>_`, as some group of the tenant carries it.
pub(super) fn application_prefix(inventory: &Inventory) -> Option<String> {
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
