//! The users of the example as objects: the people of the sites, those that are unusual, and the badge accounts.

use super::people::{CLOUD_ONLY, DEPARTMENTS, NO_IDENTIFIER, NameOrder, OTHER_FOREST, SITES};
use super::tenant::{BADGES, CLOUD_DOMAIN, DNS_DOMAIN, INTERIM, ROOT, account_sid, derived, dn, other_forest_sid};
use crate::directory::{ObjectGuid, Sid};
use std::collections::HashMap;

const FIRST_PERSON: u32 = 1_200;
const FIRST_BADGE: u32 = 100_000;

/// What sort of user.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Staff,
    CloudOnly,
    OtherForest,
    NoIdentifier,
}

/// A user with a name, in AD and Entra or in one of them.
pub struct Person {
    pub kind: Kind,
    pub id: ObjectGuid,
    pub guid: ObjectGuid,
    pub cn: String,
    pub display_name: String,
    pub given: String,
    pub surname: String,
    pub sam: String,
    pub upn: String,
    pub department: &'static str,
    pub site: &'static str,
    pub country: &'static str,
    /// In this forest's AD, and under which name.
    pub dn: Option<String>,
    pub synced: bool,
    /// `onPremisesObjectIdentifier`.
    pub identifier: Option<ObjectGuid>,
    pub sid: Option<Sid>,
}

/// `Latin/native`, or one form for both.
fn forms(name: &str) -> (&str, &str) {
    let name = name.trim();
    name.split_once('/').unwrap_or((name, name))
}

fn letters(text: &str) -> String {
    text.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase()
}

fn named_people() -> Vec<Person> {
    let mut people = Vec::new();
    let mut taken: HashMap<String, usize> = HashMap::new();
    for (s, site) in SITES.iter().enumerate() {
        for (i, (given, surname)) in site.given.split(';').zip(site.surnames.split(';')).enumerate() {
            let ((given_latin, given), (surname_latin, surname)) = (forms(given), forms(surname));
            let cn = match site.order {
                NameOrder::GivenFirst => format!("{given} {surname}"),
                NameOrder::SurnameComma => format!("{surname}, {given}"),
                NameOrder::SurnameFirst => format!("{surname} {given}"),
            };
            let mut local = format!("{}.{}", letters(given_latin), letters(surname_latin));
            let count = taken.entry(local.clone()).or_default();
            *count += 1;
            if *count > 1 {
                local.push_str(&count.to_string());
            }
            let rid = FIRST_PERSON + people.len() as u32;
            // Pre-Windows 2000 names end at 20 characters; the number keeps them apart.
            let sam: String =
                letters(given_latin).chars().take(2).chain(letters(surname_latin).chars().take(12)).collect();
            let guid = derived(&format!("ad/user/{local}"));
            people.push(Person {
                kind: Kind::Staff,
                id: derived(&format!("entra/user/{local}")),
                guid,
                dn: Some(dn(&cn, &format!("OU=Users,OU={},OU=Sites", site.unit))),
                display_name: cn.clone(),
                cn,
                given: given.to_owned(),
                surname: surname.to_owned(),
                sam: format!("{sam}{rid}"),
                upn: format!("{local}@{DNS_DOMAIN}"),
                department: DEPARTMENTS[(i + s * 5) % DEPARTMENTS.len()],
                site: site.name,
                country: site.country,
                synced: true,
                identifier: Some(guid),
                sid: Some(account_sid(rid)),
            });
        }
    }
    people
}

/// A user outside the sites.
fn further(name: &str) -> Person {
    let (given, surname) = name.split_once(' ').unwrap_or((name, ""));
    let local = format!("{}.{}", letters(given), letters(surname));
    Person {
        kind: Kind::CloudOnly,
        id: derived(&format!("entra/user/{local}")),
        guid: derived(&format!("ad/user/{local}")),
        cn: name.to_owned(),
        display_name: name.to_owned(),
        given: given.to_owned(),
        surname: surname.to_owned(),
        sam: local.chars().take(20).collect(),
        upn: format!("{local}@{CLOUD_DOMAIN}"),
        department: "External",
        site: "",
        country: "",
        dn: None,
        synced: false,
        identifier: None,
        sid: None,
    }
}

/// All users with a name, in a fixed order.
pub fn everybody() -> Vec<Person> {
    let mut people = named_people();
    people.extend(CLOUD_ONLY.iter().map(|name| further(name)));
    people.extend(OTHER_FOREST.iter().zip(1_600..).map(|(name, rid)| Person {
        kind: Kind::OtherForest,
        synced: true,
        identifier: Some(derived(&format!("litware/user/{name}"))),
        sid: Some(other_forest_sid(rid)),
        ..further(name)
    }));
    people.extend(NO_IDENTIFIER.iter().zip(FIRST_PERSON + 900..).map(|(name, rid)| {
        let person = further(name);
        Person {
            kind: Kind::NoIdentifier,
            dn: Some(dn(name, INTERIM)),
            upn: person.upn.replace(CLOUD_DOMAIN, DNS_DOMAIN),
            synced: true,
            sid: Some(account_sid(rid)),
            ..person
        }
    }));
    people
}

/// One of the shop floor's badge accounts, from 1.
pub struct Badge {
    pub sam: String,
    pub dn: String,
    pub id: ObjectGuid,
    pub guid: ObjectGuid,
    pub sid: Sid,
}

pub fn badge(number: u32) -> Badge {
    let sam = format!("sf{number:05}");
    Badge {
        dn: badge_dn(number),
        id: badge_id(number),
        guid: derived(&format!("ad/badge/{number}")),
        sid: account_sid(FIRST_BADGE + number),
        sam,
    }
}

pub fn badge_dn(number: u32) -> String {
    format!("CN=sf{number:05},{BADGES},{ROOT}")
}

/// Badges are many, so their ids are counted, not hashed: a fixed start mixed with the number.
pub fn badge_id(number: u32) -> ObjectGuid {
    let mixed = u128::from(number).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835);
    let version = mixed & !(0xf << 76) | 4 << 76;
    ObjectGuid::from_u128(version & !(0x3 << 62) | 0x2 << 62)
}
