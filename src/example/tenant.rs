//! The tables of people and groups made into one tenant: identifiers derived from names, distinguished names, members
//! on both sides. The same every time: nothing here asks a clock or a random source.

use super::groups::{AD_ONLY, AdRow, Era, MIGRATING, Row, TROUBLED, Trait, Who};
use super::people::{CLOUD_ONLY, DEPARTMENTS, NameOrder, OTHER_FOREST, SITES};
use crate::directory::{Anchor, Dn, GroupType, ObjectGuid, Rdn, Sid};
use crate::report::model::Verdict;
use sha2::{Digest, Sha256};
use std::collections::HashMap;

pub const COMPANY: &str = "Fabrikam Industries";
pub const DNS_DOMAIN: &str = "fabrikam.example";
pub const NETBIOS: &str = "FABRIKAM";
pub const CLOUD_DOMAIN: &str = "fabrikamindustries.onmicrosoft.com";
pub const ROOT: &str = "DC=fabrikam,DC=example";
pub const WRITEBACK: &str = "OU=Entra Groups,OU=Identity";
pub const APPLICATIONS: &str = "OU=Application Groups,OU=Identity";
pub const RESOURCES: &str = "OU=Resource Groups,OU=Identity";
pub const RETIRED: &str = "OU=Retired,OU=Identity";
pub const BADGES: &str = "OU=Badges,OU=Shop Floor";
pub const INTERIM: &str = "OU=Interim,OU=Identity";
/// Badge accounts in all: one more than a group may have members.
pub const BADGE_COUNT: u32 = 50_001;
/// The extension property that keeps the CN of a group of the older naming.
pub const CN_EXTENSION: &str = "extension_6f0d2f8a1c7b4e0f9b3a5d2c8e714f60_GroupCN";

const DOMAIN_SUBS: [u32; 4] = [21, 1_318_470_925, 2_843_105_573, 3_127_760_519];
const OTHER_SUBS: [u32; 4] = [21, 4_021_559_377, 1_190_736_248, 2_504_418_993];
const FIRST_PERSON: u32 = 1_200;
const FIRST_AD_GROUP: u32 = 4_000;
const FIRST_GROUP: u32 = 5_000;
const FIRST_BADGE: u32 = 100_000;
pub const AGENT_RID: u32 = 1_107;

/// An identifier that belongs to a label: the start of its SHA-256, marked as a version 4 UUID.
pub fn derived(label: &str) -> ObjectGuid {
    let hash = Sha256::digest(label.as_bytes());
    let start = hash.iter().take(16).fold(0u128, |acc, b| acc << 8 | u128::from(*b));
    let version = start & !(0xf << 76) | 4 << 76;
    ObjectGuid::from_u128(version & !(0x3 << 62) | 0x2 << 62)
}

fn sid_of(subs: &[u32], rid: u32) -> Sid {
    let mut all = subs.to_vec();
    all.push(rid);
    // Five sub-authorities always fit; the fallback is the null SID.
    Sid::new(5, all).or_else(|| Sid::new(0, vec![0])).unwrap_or_else(|| domain_sid())
}

pub fn domain_sid() -> Sid {
    Sid::new(5, DOMAIN_SUBS.to_vec()).unwrap_or_else(|| sid_of(&[21], 0))
}

pub fn account_sid(rid: u32) -> Sid {
    sid_of(&DOMAIN_SUBS, rid)
}

/// The distinguished name of something with this CN in a container below the domain.
pub fn dn(cn: &str, below: &str) -> String {
    format!("{},{below},{ROOT}", Rdn::new("CN", cn))
}

/// A user with a name, in AD and Entra or in one of them.
pub struct Person {
    pub id: ObjectGuid,
    pub guid: ObjectGuid,
    pub rid: u32,
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

/// A member, on either side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Member {
    Person(usize),
    /// The first so many badge accounts.
    Badges(u32),
    Group(usize),
    AdGroup(usize),
    Other(usize),
}

/// What is neither user nor group: Graph's type and a name.
pub const OTHERS: [(&str, &str); 3] = [
    ("#microsoft.graph.device", "FABPACK-0147"),
    ("#microsoft.graph.servicePrincipal", "Imaging pipeline"),
    ("#microsoft.graph.orgContact", "Imaging partner hotline"),
];

/// A written-back group.
pub struct Group {
    pub row: &'static Row,
    pub id: ObjectGuid,
    pub guid: ObjectGuid,
    pub rid: u32,
    pub sam: String,
    pub nickname: String,
    pub cn: String,
    /// `None` where AD has no such group.
    pub dn: Option<String>,
    pub admin_description: Option<String>,
    pub edoi: Option<String>,
    pub group_type: GroupType,
    pub members: Vec<Member>,
    pub ad_members: Vec<Member>,
    pub member_of: Vec<String>,
    /// The domain's own groups nest it.
    pub nested_in_ad_only: bool,
    pub in_scope: bool,
    /// A second AD group with the same adminDescription: its DN.
    pub copy: Option<String>,
}

pub struct AdGroup {
    pub row: &'static AdRow,
    pub id: ObjectGuid,
    pub guid: ObjectGuid,
    pub sid: Sid,
    pub sam: String,
    pub dn: String,
    pub members: Vec<Member>,
    pub member_of: Vec<String>,
}

pub struct Tenant {
    pub people: Vec<Person>,
    pub groups: Vec<Group>,
    pub ad_groups: Vec<AdGroup>,
    /// Where the contractors without AD account, the users of the other forest and those without identifier begin.
    cloud_only: usize,
    other_forest: usize,
    no_identifier: usize,
    named: usize,
}

/// `Latin/native`, or one form for both.
fn forms(name: &str) -> (&str, &str) {
    let name = name.trim();
    name.split_once('/').unwrap_or((name, name))
}

fn letters(text: &str) -> String {
    text.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase()
}

/// What may stand in an account name: letters, digits, hyphens; other letters by their code.
fn account_name(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            c if c.is_ascii_alphanumeric() => out.push(c),
            ' ' | '-' | ',' | '.' if !out.ends_with('-') => out.push('-'),
            c if !c.is_ascii() => out.push_str(&format!("{:x}", c as u32)),
            _ => {}
        }
    }
    out.truncate(64);
    out
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
                id: derived(&format!("entra/user/{local}")),
                guid,
                rid,
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
fn further(name: &str, rid: u32) -> Person {
    let (given, surname) = name.split_once(' ').unwrap_or((name, ""));
    let local = format!("{}.{}", letters(given), letters(surname));
    Person {
        id: derived(&format!("entra/user/{local}")),
        guid: derived(&format!("ad/user/{local}")),
        rid,
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

const NO_IDENTIFIER: [&str; 2] = ["Ingrid Solheim", "Piet Vermeulen"];

impl Tenant {
    pub fn build() -> Tenant {
        let mut people = named_people();
        let named = people.len();
        let cloud_only = people.len();
        people.extend(CLOUD_ONLY.iter().map(|name| further(name, 0)));
        let other_forest = people.len();
        people.extend(OTHER_FOREST.iter().enumerate().map(|(i, name)| Person {
            synced: true,
            identifier: Some(derived(&format!("litware/user/{name}"))),
            sid: Some(sid_of(&OTHER_SUBS, 1_600 + i as u32)),
            ..further(name, 0)
        }));
        let no_identifier = people.len();
        people.extend(NO_IDENTIFIER.iter().enumerate().map(|(i, name)| {
            let rid = FIRST_PERSON + 900 + i as u32;
            let person = further(name, rid);
            Person {
                dn: Some(dn(name, INTERIM)),
                upn: person.upn.replace(CLOUD_DOMAIN, DNS_DOMAIN),
                synced: true,
                sid: Some(account_sid(rid)),
                ..person
            }
        }));
        let mut tenant = Tenant {
            people,
            groups: Vec::new(),
            ad_groups: Vec::new(),
            cloud_only,
            other_forest,
            no_identifier,
            named,
        };
        tenant.groups = MIGRATING.iter().chain(TROUBLED).enumerate().map(|(i, row)| group(row, i as u32)).collect();
        tenant.ad_groups = AD_ONLY.iter().enumerate().map(|(i, row)| ad_group(row, i as u32)).collect();
        tenant.add_members();
        tenant
    }

    fn add_members(&mut self) {
        for i in 0..self.groups.len() {
            let row = self.groups[i].row;
            let members = self.resolve(row.members);
            let mut ad: Vec<Member> = members.iter().copied().filter(|m| self.is_in_ad(*m)).collect();
            if let Some(lost) = row.find(|t| if let Trait::Lost(n) = t { Some(*n) } else { None }) {
                ad.drain(..lost.min(ad.len()));
            }
            if let Some(added) = row.find(|t| if let Trait::Added(who) = t { Some(*who) } else { None }) {
                ad.extend(self.resolve(added));
            }
            self.groups[i].members = members;
            self.groups[i].ad_members = ad;
        }
        for i in 0..self.ad_groups.len() {
            self.ad_groups[i].members = self.resolve(self.ad_groups[i].row.members);
        }
        // The back links, as AD keeps them.
        let mut links: Vec<(Member, String, bool)> = Vec::new();
        for group in &self.groups {
            for parent in group.dn.iter().chain(&group.copy) {
                links.extend(group.ad_members.iter().map(|m| (*m, parent.clone(), false)));
            }
        }
        for group in &self.ad_groups {
            links.extend(group.members.iter().map(|m| (*m, group.dn.clone(), true)));
        }
        for (member, parent, ad_only) in links {
            match member {
                Member::Group(i) => {
                    self.groups[i].member_of.push(parent);
                    self.groups[i].nested_in_ad_only |= ad_only;
                }
                Member::AdGroup(i) => self.ad_groups[i].member_of.push(parent),
                Member::Person(_) | Member::Badges(_) | Member::Other(_) => {}
            }
        }
    }

    fn is_in_ad(&self, member: Member) -> bool {
        match member {
            Member::Person(i) => self.people[i].dn.is_some(),
            Member::Group(i) => self.groups[i].dn.is_some(),
            Member::Badges(_) | Member::AdGroup(_) => true,
            Member::Other(_) => false,
        }
    }

    /// The members that a table row means, each once, in a fixed order.
    fn resolve(&self, who: &[Who]) -> Vec<Member> {
        let mut out: Vec<Member> = Vec::new();
        let mut add = |member: Member| {
            if !out.contains(&member) {
                out.push(member);
            }
        };
        for who in who {
            let mut people = |wanted: &dyn Fn(usize, &Person) -> bool| {
                let staff = self.people[..self.named].iter().enumerate();
                staff.filter(|(i, p)| wanted(*i, p)).for_each(|(i, _)| add(Member::Person(i)));
            };
            match *who {
                Who::Department(d) => people(&|_, p| p.department == d),
                Who::Site(s) => people(&|_, p| p.site == s),
                Who::At(d, s) => people(&|_, p| p.department == d && p.site == s),
                Who::Every(n, k) => people(&|i, _| i % n == k % n),
                Who::Group(name) => {
                    self.groups.iter().position(|g| g.row.name == name).into_iter().for_each(|i| add(Member::Group(i)));
                }
                Who::AdGroup(name) => {
                    let found = self.ad_groups.iter().position(|g| g.row.name == name);
                    found.into_iter().for_each(|i| add(Member::AdGroup(i)));
                }
                Who::CloudOnly(i) => add(Member::Person(self.cloud_only + i)),
                Who::OtherForest(i) => add(Member::Person(self.other_forest + i)),
                Who::NoIdentifier(i) => add(Member::Person(self.no_identifier + i)),
                Who::Badges(n) => add(Member::Badges(n)),
                Who::Device => add(Member::Other(0)),
                Who::ServicePrincipal => add(Member::Other(1)),
                Who::Contact => add(Member::Other(2)),
            }
        }
        out
    }
}

fn group(row: &'static Row, number: u32) -> Group {
    let id = derived(&format!("entra/group/{}", row.name));
    let other = derived(&format!("entra/group/formerly {}", row.name));
    let filled = |text: &str| text.replace("{id}", &id.to_string()).replace("{other}", &other.to_string());
    let written_as = row.find(|t| if let Trait::FormerName(n) = t { Some(*n) } else { None }).unwrap_or(row.name);
    let cn = match row.find(|t| if let Trait::Cn(cn) = t { Some(*cn) } else { None }) {
        Some(cn) => cn.to_owned(),
        None => match row.era {
            Era::Numbered => Anchor(id).to_string(),
            Era::Named => format!("{}_{}", written_as.chars().take(51).collect::<String>(), &id.to_string()[24..]),
        },
    };
    let below = row.find(|t| if let Trait::Below(below) = t { Some(*below) } else { None }).unwrap_or(WRITEBACK);
    let sam = account_name(row.name);
    let in_entra = !row.has(Trait::NotInEntra) && !row.has(Trait::SoftDeleted);
    let plain = !row.traits.iter().any(|t| {
        matches!(t, Trait::Microsoft365(_) | Trait::MailEnabledSecurity | Trait::DistributionList | Trait::NotInScope)
    });
    Group {
        row,
        id,
        guid: derived(&format!("ad/group/{}", row.name)),
        rid: row.find(|t| if let Trait::Rid(rid) = t { Some(*rid) } else { None }).unwrap_or(FIRST_GROUP + number),
        nickname: row
            .find(|t| if let Trait::Nickname(n) = t { Some((*n).to_owned()) } else { None })
            .unwrap_or_else(|| sam.clone()),
        sam: if row.has(Trait::Rid(527)) { row.name.to_owned() } else { sam },
        dn: (!row.has(Trait::NotInAd)).then(|| dn(&cn, below)),
        copy: row.has(Trait::Copied).then(|| dn(&format!("{} (old server)", row.name), RETIRED)),
        cn,
        admin_description: match row.find(|t| if let Trait::AdminDescription(text) = t { Some(*text) } else { None }) {
            Some(text) => text.map(filled),
            None => Some(Anchor(id).to_string()),
        },
        edoi: row.find(|t| if let Trait::Edoi(text) = t { Some(filled(text)) } else { None }),
        group_type: ad_type(row),
        members: Vec::new(),
        ad_members: Vec::new(),
        member_of: Vec::new(),
        nested_in_ad_only: false,
        in_scope: in_entra && plain,
    }
}

/// What Connect makes of a group, where the table does not say otherwise.
fn ad_type(row: &Row) -> GroupType {
    row.find(|t| match t {
        Trait::Type(group_type) => Some(*group_type),
        Trait::Microsoft365(None | Some("universalDistributionGroup")) | Trait::DistributionList => {
            Some(GroupType::UNIVERSAL_DISTRIBUTION)
        }
        _ => None,
    })
    .unwrap_or(GroupType::UNIVERSAL_SECURITY)
}

fn ad_group(row: &'static AdRow, number: u32) -> AdGroup {
    AdGroup {
        row,
        id: derived(&format!("entra/ad-group/{}", row.name)),
        guid: derived(&format!("ad/ad-group/{}", row.name)),
        sid: match row.sid {
            Some(text) => {
                Sid::parse(text).unwrap_or_else(|| account_sid(text.parse().unwrap_or(FIRST_AD_GROUP + number)))
            }
            None => account_sid(FIRST_AD_GROUP + number),
        },
        sam: row.name.to_owned(),
        dn: dn(row.name, row.below),
        members: Vec::new(),
        member_of: Vec::new(),
    }
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

/// What an assessment must say of one entry.
pub struct Expectation {
    pub name: &'static str,
    /// The AD group, `None` where there is none.
    pub dn: Option<String>,
    /// The Entra group, `None` where the input cannot tell which it would be.
    pub object_id: Option<String>,
    /// Rules that must be found; others may be found as well.
    pub rules: Vec<&'static str>,
    pub verdict: Verdict,
}

impl Tenant {
    /// What the tables promise, entry by entry.
    pub fn expectations(&self) -> Vec<Expectation> {
        let mut out = Vec::new();
        for group in self.groups.iter().filter(|g| !g.row.has(Trait::NotAssessed)) {
            let mut rules = group.row.shows.to_vec();
            if group.row.verdict == Verdict::Migrate {
                rules.extend(["C01", "C14"]);
            }
            if group.nested_in_ad_only {
                rules.push("C38");
            }
            rules.sort_unstable();
            rules.dedup();
            let anchored = group.admin_description.as_deref().is_some_and(|text| text.ends_with(&group.id.to_string()));
            out.push(Expectation {
                name: group.row.name,
                dn: group.dn.clone(),
                object_id: (anchored || group.dn.is_none()).then(|| group.id.to_string()),
                rules,
                verdict: group.row.verdict,
            });
            if let Some(copy) = &group.copy {
                out.push(Expectation {
                    name: "Kiosk Browser Users (old server)",
                    dn: Some(copy.clone()),
                    object_id: Some(group.id.to_string()),
                    rules: vec!["C15", "C30", "C31"],
                    verdict: Verdict::Review,
                });
            }
        }
        out
    }
}

/// The units and containers of the domain, parents first, as relative names below it.
pub fn containers() -> Vec<String> {
    let mut out: Vec<String> =
        ["CN=Users", "CN=Builtin", "CN=System", "CN=Managed Service Accounts", "OU=Domain Controllers", "OU=Identity"]
            .map(str::to_owned)
            .to_vec();
    out.extend(
        [WRITEBACK, APPLICATIONS, RESOURCES, RETIRED, INTERIM, "OU=Shop Floor", BADGES, "OU=Sites"].map(str::to_owned),
    );
    for site in &SITES {
        out.push(format!("OU={},OU=Sites", site.unit));
        out.push(format!("OU=Users,OU={},OU=Sites", site.unit));
    }
    out
}

/// The value of a name's first part.
pub fn first_value(name: &str) -> String {
    Dn::parse(name).ok().and_then(|dn| dn.rdn().map(|rdn| rdn.value().to_owned())).unwrap_or_default()
}
