//! The little directory behind the double: objects in memory, filters, the selection of attributes with the limits of
//! Active Directory, guarded writes.

use super::ber::{self, children, text};
use super::message::Kind;

/// An object: its name, and its attributes in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Object {
    pub dn: String,
    pub attributes: Vec<(String, Vec<Vec<u8>>)>,
}

impl Object {
    pub fn new(dn: &str) -> Object {
        Object { dn: dn.to_owned(), attributes: Vec::new() }
    }
    pub fn with<V: AsRef<[u8]>>(mut self, name: &str, values: impl IntoIterator<Item = V>) -> Object {
        self.attributes.push((name.to_owned(), values.into_iter().map(|v| v.as_ref().to_vec()).collect()));
        self
    }
    /// By its name, or by `<GUID=…>`.
    pub fn is_named(&self, dn: &str) -> bool {
        let guid = dn.strip_prefix("<GUID=").and_then(|rest| rest.strip_suffix('>'));
        match guid.and_then(groupshift::directory::ObjectGuid::parse) {
            Some(guid) => self.values("objectGUID").iter().any(|v| v == &guid.to_ad_bytes()),
            None => self.dn.eq_ignore_ascii_case(dn),
        }
    }
    pub fn values(&self, name: &str) -> &[Vec<u8>] {
        self.attributes.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map_or(&[], |(_, v)| v)
    }
    pub fn values_mut(&mut self, name: &str) -> &mut Vec<Vec<u8>> {
        let at = self.attributes.iter().position(|(n, _)| n.eq_ignore_ascii_case(name)).unwrap_or_else(|| {
            self.attributes.push((name.to_owned(), Vec::new()));
            self.attributes.len() - 1
        });
        &mut self.attributes[at].1
    }
}

#[derive(Debug, Clone)]
pub struct Directory {
    /// Attributes of the root DSE.
    pub root: Object,
    pub objects: Vec<Object>,
    /// Values an answer may hold before `;range=` sets in (MaxValRange); `None` gives every list whole, as Samba does.
    pub max_values: Option<usize>,
    /// MaxPageSize: larger pages are cut to it, and an unpaged search that finds more ends with sizeLimitExceeded.
    pub max_page: usize,
    /// Who may sign in, with which password.
    pub accounts: Vec<(String, String)>,
    /// Controls that are known; another one, sent critical, is answered by 12.
    pub controls: Vec<String>,
    /// Continuation references at the end of each subtree search.
    pub references: Vec<String>,
}

/// The account that every directory knows, and its password.
pub const USER: &str = "svc@contoso.test";
pub const PASSWORD: &str = "Correct-Horse-1";

impl Directory {
    pub fn new(objects: Vec<Object>) -> Directory {
        let base = "DC=contoso,DC=test";
        let root = Object::new("")
            .with("defaultNamingContext", [base])
            .with("rootDomainNamingContext", [base])
            .with("configurationNamingContext", [format!("CN=Configuration,{base}")])
            .with("schemaNamingContext", [format!("CN=Schema,CN=Configuration,{base}")])
            .with("namingContexts", [base.to_owned(), format!("CN=Configuration,{base}")])
            .with("dnsHostName", ["dc1.contoso.test"])
            .with("highestCommittedUSN", ["100000"])
            .with("supportedLDAPPolicies", ["MaxPageSize", "MaxValRange", "MaxConnections"]);
        let known = ["319", "801", "417", "2064", "529", "1339"];
        Directory {
            root,
            objects,
            max_values: Some(1500),
            max_page: 1000,
            accounts: vec![(USER.to_owned(), PASSWORD.to_owned())],
            controls: known.iter().map(|k| format!("1.2.840.113556.1.4.{k}")).collect(),
            references: Vec::new(),
        }
    }

    /// As Samba: no limits, and none named.
    pub fn without_limits(mut self) -> Directory {
        self.root.attributes.retain(|(name, _)| name != "supportedLDAPPolicies");
        Directory { max_values: None, max_page: usize::MAX, ..self }
    }

    /// Groups `g0…` in an OU, each with so many members.
    pub fn groups(count: usize, members: usize) -> Directory {
        let ou = "OU=GroupWriteback,DC=contoso,DC=test";
        let mut objects = vec![
            Object::new("DC=contoso,DC=test").with("objectClass", ["domain"]),
            Object::new(ou).with("objectClass", ["organizationalUnit"]),
        ];
        objects.extend((0..count).map(|g| {
            Object::new(&format!("CN=g{g},{ou}"))
                .with("objectClass", ["top", "group"])
                .with("cn", [format!("g{g}")])
                .with("uSNChanged", [(1000 + g).to_string()])
                .with("objectGUID", [guid(g)])
                .with("member", (0..members).map(|m| format!("CN=u{m},OU=Users,DC=contoso,DC=test")))
        }));
        Directory::new(objects)
    }

    pub fn find(&self, dn: &str) -> Option<&Object> {
        self.objects.iter().find(|o| o.is_named(dn))
    }
    pub fn find_mut(&mut self, dn: &str) -> Option<&mut Object> {
        self.objects.iter_mut().find(|o| o.is_named(dn))
    }

    /// What a search finds, in order; `None` where its base is not there.
    pub fn search(&self, base: &str, scope: i64, filter: &Filter) -> Option<Vec<&Object>> {
        if base.is_empty() && scope == 0 {
            return Some(vec![&self.root]);
        }
        let base = self.find(base)?.dn.to_lowercase();
        let below = format!(",{base}");
        let inside = |object: &&Object| {
            let dn = object.dn.to_lowercase();
            let parent = dn.strip_suffix(&below);
            match scope {
                0 => dn == base,
                1 => parent.is_some_and(|rdn| !rdn.replace("\\,", "").contains(',')),
                _ => dn == base || parent.is_some(),
            }
        };
        Some(self.objects.iter().filter(inside).filter(|o| filter.matches(o)).collect())
    }

    /// The object as it goes over the wire: the attributes asked for, long lists by range.
    pub fn shown(&self, object: &Object, wanted: &[String]) -> Object {
        let all = wanted.is_empty() || wanted.iter().any(|w| w == "*");
        let mut out = Object::new(&object.dn);
        for (name, values) in &object.attributes {
            let asked = wanted.iter().find(|w| w.split(';').next().is_some_and(|w| w.eq_ignore_ascii_case(name)));
            // A security descriptor comes only where it is asked for by its name.
            if asked.is_none() && (!all || name.eq_ignore_ascii_case("nTSecurityDescriptor")) {
                continue;
            }
            let range = asked.and_then(|a| a.split_once(";range=")).and_then(|(_, range)| range.split_once('-'));
            let limit = self.max_values.unwrap_or(usize::MAX);
            match range {
                None if values.len() > limit => {
                    out.attributes.push((name.clone(), Vec::new()));
                    out.attributes.push((format!("{name};range=0-{}", limit - 1), values[..limit].to_vec()));
                }
                None => out.attributes.push((name.clone(), values.clone())),
                Some((low, high)) => {
                    let low = low.parse::<usize>().unwrap_or(0);
                    if low >= values.len() {
                        continue;
                    }
                    let high = high.parse::<usize>().unwrap_or(usize::MAX).min(low.saturating_add(limit - 1));
                    let (end, spelt) = match high.saturating_add(1) {
                        end if end >= values.len() => (values.len(), "*".to_owned()),
                        end => (end, high.to_string()),
                    };
                    out.attributes.push((format!("{name};range={low}-{spelt}"), values[low..end].to_vec()));
                }
            }
        }
        out
    }

    /// All changes or none; the LDAP result.
    pub fn modify(&mut self, dn: &str, changes: &[(Kind, String, Vec<Vec<u8>>)]) -> (i64, &'static str) {
        let Some(object) = self.find_mut(dn) else { return (32, "0000208D: NameErr: DSID-0310028B") };
        let mut changed = object.clone();
        for (kind, name, values) in changes {
            let held = changed.values_mut(name);
            match kind {
                Kind::Replace => held.clone_from(values),
                Kind::Add => {
                    let single = name.eq_ignore_ascii_case("msDS-ExternalDirectoryObjectId");
                    if values.iter().any(|v| held.contains(v)) || (single && !held.is_empty()) {
                        return (20, "00002083: AtrErr: DSID-031519F7");
                    }
                    held.extend(values.iter().cloned());
                }
                Kind::Delete if values.is_empty() => held.clear(),
                Kind::Delete => {
                    for value in values {
                        let Some(at) = held.iter().position(|h| same(h, value)) else {
                            return (16, "00002085: AtrErr: DSID-03152804");
                        };
                        held.remove(at);
                    }
                }
            }
        }
        changed.attributes.retain(|(_, values)| !values.is_empty());
        *object = changed;
        (0, "")
    }
}

/// A GUID that follows from a number.
pub fn guid(n: usize) -> [u8; 16] {
    let mut out = [0x80; 16];
    out[8..].copy_from_slice(&(n as u64).to_be_bytes());
    out[0] = (n % 251) as u8;
    out
}

fn same(a: &[u8], b: &[u8]) -> bool {
    a == b || (std::str::from_utf8(a).is_ok() && a.eq_ignore_ascii_case(b))
}

/// A search filter over bytes.
#[derive(Debug, Clone, PartialEq)]
pub enum Filter {
    And(Vec<Filter>),
    Or(Vec<Filter>),
    Not(Box<Filter>),
    Equal(String, Vec<u8>),
    Present(String),
    /// Attribute; parts with their place: 0x80 first, 0x81 between, 0x82 last.
    Parts(String, Vec<(u8, Vec<u8>)>),
    AtLeast(String, Vec<u8>),
    AtMost(String, Vec<u8>),
    /// Matching rule, attribute, value.
    Rule(String, String, Vec<u8>),
}

impl Filter {
    pub fn read((tag, content): ber::Element<'_>) -> Option<Filter> {
        let list = || children(content)?.into_iter().map(Filter::read).collect::<Option<Vec<_>>>();
        let pair = || {
            let fields = children(content)?;
            Some((text(fields.first()?.1), fields.get(1)?.1.to_vec()))
        };
        Some(match tag {
            0xa0 => Filter::And(list()?),
            0xa1 => Filter::Or(list()?),
            0xa2 => Filter::Not(Box::new(list()?.pop()?)),
            0xa3 => pair().map(|(a, v)| Filter::Equal(a, v))?,
            0xa4 => {
                let fields = children(content)?;
                let parts = children(fields.get(1)?.1)?.into_iter().map(|(tag, v)| (tag, v.to_vec())).collect();
                Filter::Parts(text(fields.first()?.1), parts)
            }
            0xa5 => pair().map(|(a, v)| Filter::AtLeast(a, v))?,
            0xa6 => pair().map(|(a, v)| Filter::AtMost(a, v))?,
            0x87 => Filter::Present(text(content)),
            0xa9 => {
                let fields = children(content)?;
                let field = |tag| fields.iter().find(|(t, _)| *t == tag).map(|(_, v)| *v);
                Filter::Rule(text(field(0x81)?), text(field(0x82)?), field(0x83)?.to_vec())
            }
            _ => return None,
        })
    }

    pub fn matches(&self, object: &Object) -> bool {
        let any = |name: &str, test: &dyn Fn(&[u8]) -> bool| object.values(name).iter().any(|v| test(v));
        match self {
            Filter::And(all) => all.iter().all(|f| f.matches(object)),
            Filter::Or(some) => some.iter().any(|f| f.matches(object)),
            Filter::Not(inner) => !inner.matches(object),
            Filter::Present(name) => name.eq_ignore_ascii_case("objectClass") || !object.values(name).is_empty(),
            // The category is a name in the schema; its class's short form finds it.
            Filter::Equal(name, value) if name.eq_ignore_ascii_case("objectCategory") => {
                let short = format!("CN={},", text(value)).to_lowercase();
                any(name, &|v| same(v, value) || text(v).to_lowercase().starts_with(&short))
            }
            Filter::Equal(name, value) => any(name, &|v| same(v, value)),
            Filter::Parts(name, parts) => any(name, &|v| in_order(v, parts)),
            Filter::AtLeast(name, value) => any(name, &|v| order(v, value).is_ge()),
            Filter::AtMost(name, value) => any(name, &|v| order(v, value).is_le()),
            Filter::Rule(rule, name, value) => {
                let Ok(mask) = text(value).parse::<i64>() else { return false };
                any(name, &|v| {
                    let bits = text(v).parse::<i64>().unwrap_or(0) & mask;
                    if rule.ends_with(".803") { bits == mask } else { rule.ends_with(".804") && bits != 0 }
                })
            }
        }
    }
}

fn order(a: &[u8], b: &[u8]) -> std::cmp::Ordering {
    match (text(a).parse::<i64>(), text(b).parse::<i64>()) {
        (Ok(a), Ok(b)) => a.cmp(&b),
        _ => a.cmp(b),
    }
}

fn in_order(value: &[u8], parts: &[(u8, Vec<u8>)]) -> bool {
    let lower = value.to_ascii_lowercase();
    let mut rest = lower.as_slice();
    for (place, part) in parts {
        let part = part.to_ascii_lowercase();
        let found = match place {
            0x80 => rest.strip_prefix(part.as_slice()),
            0x82 => rest.ends_with(&part).then_some([].as_slice()),
            _ => (0..rest.len()).find_map(|at| rest[at..].strip_prefix(part.as_slice())),
        };
        match found {
            Some(after) => rest = after,
            None => return false,
        }
    }
    true
}
