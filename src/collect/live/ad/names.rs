//! What is asked for: the filters and attributes of each sort of object. Only what rules, snapshots and the audit need
//! is read; an attribute that the schema lacks is simply not answered.

use crate::directory::ObjectGuid;
use crate::ldap::{escape, guid_filter};

/// The sorts of objects that are read whole, each counted and partitioned for itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    Groups,
    /// Whatever can be a member of a group: users, computers, managed service accounts, contacts, foreign principals.
    Principals,
}

impl Kind {
    pub const ALL: [Kind; 2] = [Kind::Groups, Kind::Principals];

    pub fn name(self) -> &'static str {
        match self {
            Kind::Groups => "groups",
            Kind::Principals => "users and other members",
        }
    }
    pub fn filter(self) -> &'static str {
        match self {
            Kind::Groups => "(objectCategory=group)",
            // The indexed way to say it. A class that the schema lacks matches nothing, and a member of yet another class
            // is looked up by its name.
            Kind::Principals => {
                "(|(objectCategory=person)(objectCategory=computer)(objectCategory=foreignSecurityPrincipal)\
                (objectCategory=msDS-ManagedServiceAccount)(objectCategory=msDS-GroupManagedServiceAccount)\
                (objectCategory=msDS-DelegatedManagedServiceAccount))"
            }
        }
    }
    /// The filter, limited further.
    pub fn and(self, more: &str) -> String {
        if more.is_empty() { self.filter().to_owned() } else { format!("(&{}{more})", self.filter()) }
    }
    pub fn attributes(self) -> &'static [&'static str] {
        match self {
            Kind::Groups => GROUP,
            Kind::Principals => PRINCIPAL,
        }
    }
    /// Objects asked for at a time. Entries of groups are large, and two pages of each connection may be in memory.
    pub fn page(self) -> u32 {
        match self {
            Kind::Groups => 500,
            Kind::Principals => 1000,
        }
    }
}

/// `member` stands first, so that `GROUP[1..]` is a group without it.
pub const GROUP: &[&str] = &[
    "member",
    "objectClass",
    "objectGUID",
    "objectSid",
    "sAMAccountName",
    "groupType",
    "adminDescription",
    "msDS-ExternalDirectoryObjectId",
    "displayName",
    "description",
    "mail",
    "proxyAddresses",
    "adminCount",
    "msDS-ObjectSoa",
    "whenChanged",
    "memberOf",
    "uSNChanged",
];

pub const PRINCIPAL: &[&str] =
    &["objectClass", "objectGUID", "objectSid", "sAMAccountName", "adminDescription", "msDS-ExternalDirectoryObjectId"];

/// A domain controller's own account.
pub const CONTROLLER: &[&str] = &[
    "objectClass",
    "objectGUID",
    "objectSid",
    "sAMAccountName",
    "adminDescription",
    "msDS-ExternalDirectoryObjectId",
    "dNSHostName",
    "operatingSystem",
    "userAccountControl",
];

/// Any object, as far as it may be a member or carry an anchor.
pub const ANY: &[&str] = &[
    "objectClass",
    "objectGUID",
    "objectSid",
    "sAMAccountName",
    "groupType",
    "adminDescription",
    "msDS-ExternalDirectoryObjectId",
    "displayName",
];

/// Objects by their GUIDs.
pub fn by_guid(guids: &[ObjectGuid]) -> String {
    match guids {
        [one] => guid_filter(*one),
        several => format!("(|{})", several.iter().map(|g| guid_filter(*g)).collect::<String>()),
    }
}

/// Objects by their names.
pub fn by_name(names: &[String]) -> String {
    let one = |name: &String| format!("(distinguishedName={})", escape(name));
    match names {
        [only] => one(only),
        several => format!("(|{})", several.iter().map(one).collect::<String>()),
    }
}

/// GUIDs or names looked up with one search.
pub const BATCH: usize = 50;
