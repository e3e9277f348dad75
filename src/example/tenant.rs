//! The tables of people and groups made into one tenant: identifiers derived from names, distinguished names, members
//! on both sides. The same every time: nothing here asks a clock or a random source.

use super::groups::{AD_ONLY, MIGRATING, TROUBLED};
use super::people::SITES;
use super::row::{AdRow, Era, Row, Trait, Who};
use super::staff::{Kind, Person, everybody};
use crate::directory::{Anchor, Dn, GroupType, ObjectGuid, Rdn, Sid};
use sha2::{Digest, Sha256};

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
const FIRST_AD_GROUP: u32 = 4_000;
const FIRST_GROUP: u32 = 5_000;
pub const AGENT_RID: u32 = 1_107;

/// An identifier that belongs to a label: the start of its SHA-256, marked as a version 4 UUID.
pub fn derived(label: &str) -> ObjectGuid {
    let hash = Sha256::digest(label.as_bytes());
    let start = hash.iter().take(16).fold(0u128, |acc, b| acc << 8 | u128::from(*b));
    let version = start & !(0xf << 76) | 4 << 76;
    ObjectGuid::from_u128(version & !(0x3 << 62) | 0x2 << 62)
}

fn sid_of(subs: &[u32]) -> Sid {
    match Sid::new(5, subs.to_vec()) {
        Some(sid) => sid,
        // Only a list that is too long has no SID, and none here is.
        None => sid_of(&[]),
    }
}

pub fn domain_sid() -> Sid {
    sid_of(&DOMAIN_SUBS)
}

pub fn account_sid(rid: u32) -> Sid {
    sid_of(&[&DOMAIN_SUBS[..], &[rid]].concat())
}

/// An account of the forest that came with Litware Tools.
pub fn other_forest_sid(rid: u32) -> Sid {
    sid_of(&[&OTHER_SUBS[..], &[rid]].concat())
}

/// The distinguished name of something with this CN in a container below the domain.
pub fn dn(cn: &str, below: &str) -> String {
    format!("{},{below},{ROOT}", Rdn::new("CN", cn))
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

impl Tenant {
    pub fn build() -> Tenant {
        let people = everybody();
        let mut tenant = Tenant { people, groups: Vec::new(), ad_groups: Vec::new() };
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
        let nth = |kind: Kind, n: usize| {
            let mut found = self.people.iter().enumerate().filter(|(_, p)| p.kind == kind);
            found.nth(n).map(|(i, _)| Member::Person(i))
        };
        let mut out: Vec<Member> = Vec::new();
        let mut add = |member: Member| {
            if !out.contains(&member) {
                out.push(member);
            }
        };
        for who in who {
            let mut people = |wanted: &dyn Fn(usize, &Person) -> bool| {
                let staff = self.people.iter().enumerate().filter(|(_, p)| p.kind == Kind::Staff);
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
                Who::CloudOnly(i) => nth(Kind::CloudOnly, i).into_iter().for_each(&mut add),
                Who::OtherForest(i) => nth(Kind::OtherForest, i).into_iter().for_each(&mut add),
                Who::NoIdentifier(i) => nth(Kind::NoIdentifier, i).into_iter().for_each(&mut add),
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
