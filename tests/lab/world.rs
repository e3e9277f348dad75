//! The forest and the tenant of the lab, as group writeback V2 leaves them: one table, from which the directory is seeded
//! and the matching Graph bodies are made. Identifiers that only the domain controller gives (objectGUID, objectSid) are
//! read back from it.

#[path = "world/cutover.rs"]
pub mod cutover;
#[path = "world/seed.rs"]
pub mod seed;
#[path = "world/tenant.rs"]
mod tenant;

pub use seed::seed;
pub use tenant::write_tenant;

use super::directory::{Controller, ROOT};
use std::collections::BTreeMap;

pub const OU: &str = "OU=GroupWriteback,DC=contoso,DC=test";
/// An ordinary domain user: all that an assessment needs.
pub const READER: &str = "svc-groupshift@contoso.test";
/// May write the anchor's stamp on the groups of the container, and nothing else.
pub const WRITER: &str = "svc-stamper@contoso.test";
/// Stands for the provisioning agent's account.
pub const AGENT: &str = "svc-agent@contoso.test";
/// May do all that a cutover and its rollback need on the groups of the container, and no more than that.
pub const MOVER: &str = "svc-mover@contoso.test";

const UNIVERSAL_SECURITY: i32 = -2147483640;
const GLOBAL_SECURITY: i32 = -2147483646;
const UNIVERSAL_DISTRIBUTION: i32 = 8;
/// An account of a domain that this forest trusts.
pub const FOREIGN: &str = "S-1-5-21-1111111111-2222222222-3333333333-1104";

/// The group that AdminSDHolder protects.
pub const VAULT: &str = "Vault";
/// A unit whose access list does not inherit.
pub const SEALED_OU: &str = "OU=Sealed,OU=GroupWriteback,DC=contoso,DC=test";
const CONTACT: &str = "Supplier";
const COMPUTER: &str = "KIOSK1";

/// What stands in msDS-ExternalDirectoryObjectId.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stamp {
    Empty,
    Anchor,
    Other(&'static str),
}

/// One written-back group.
#[derive(Debug, Clone)]
pub struct Group {
    pub name: &'static str,
    /// The CN, where it is not `Group_<id>`; `{last}` is the last part of the object id.
    pub cn: Option<&'static str>,
    pub parent: &'static str,
    pub group_type: i32,
    pub stamp: Stamp,
    /// adminDescription, where it is not the anchor.
    pub admin_description: Option<&'static str>,
    pub mail: bool,
    pub in_ad: bool,
    pub in_entra: Kind,
    /// `u3` is the third person, `c1` the first without an AD account, anything else a group's name.
    pub members: Vec<&'static str>,
    /// Members in AD only, or missing there (`-u3`): besides people and groups the contact, the computer, and `FOREIGN`.
    pub drift: Vec<&'static str>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Security,
    Dynamic,
    Microsoft365,
    MailEnabledSecurity,
    Deleted,
    Gone,
}

pub struct World {
    pub people: usize,
    pub cloud_only: usize,
    pub groups: Vec<Group>,
    /// Groups of AD alone: name, type, members as names.
    pub plain: Vec<(&'static str, i32, Vec<&'static str>)>,
    /// Groups of the table whose copy in AD was deleted.
    pub deleted: Vec<&'static str>,
    /// Whether the forest is fit for a cutover: the Recycle Bin on, the agent's account in its rights everywhere.
    pub ready: bool,
}

fn group(name: &'static str, members: &[&'static str]) -> Group {
    Group {
        name,
        cn: None,
        parent: OU,
        group_type: UNIVERSAL_SECURITY,
        stamp: Stamp::Empty,
        admin_description: None,
        mail: false,
        in_ad: true,
        in_entra: Kind::Security,
        members: members.to_vec(),
        drift: Vec::new(),
    }
}

impl World {
    pub fn v2() -> World {
        let mut groups = vec![
            group("Sales", &["u1", "u2", "u3", "u4"]),
            Group { cn: Some("Sales EMEA_{last}"), ..group("Sales EMEA", &["u1", "u2"]) },
            group("Finance", &["u5", "u6", "c1"]),
            group("All Offices", &["Sales", "Finance", "u7"]),
            Group { stamp: Stamp::Anchor, ..group("Stamped", &["u8"]) },
            Group {
                stamp: Stamp::Other("User_3f2504e0-4f89-11d3-9a0c-0305e82c3301"),
                ..group("Stamped as a user", &["u9"])
            },
            Group {
                stamp: Stamp::Other("Group_00000000-0000-4000-8000-000000000099"),
                ..group("Stamped otherwise", &["u9"])
            },
            // Two groups with one stamp, neither of them its owner.
            Group {
                stamp: Stamp::Other("Group_00000000-0000-4000-8000-000000000099"),
                ..group("Stamped the same", &["u9"])
            },
            Group { group_type: GLOBAL_SECURITY, ..group("Global", &["u10"]) },
            Group { group_type: UNIVERSAL_DISTRIBUTION, ..group("Distribution", &["u11"]) },
            Group { in_entra: Kind::MailEnabledSecurity, mail: true, ..group("Mail-enabled", &["u12"]) },
            Group {
                in_entra: Kind::Microsoft365,
                group_type: UNIVERSAL_DISTRIBUTION,
                mail: true,
                ..group("Team Site", &["u13"])
            },
            Group { in_entra: Kind::Microsoft365, in_ad: false, ..group("Club", &["u14"]) },
            Group { in_entra: Kind::Deleted, ..group("Trade Fair", &["u15"]) },
            Group { in_entra: Kind::Gone, ..group("Orphan", &["u16"]) },
            Group { admin_description: Some("TakenOver_Group_{id}"), ..group("Taken over", &["u17"]) },
            Group { admin_description: Some(""), ..group("No anchor", &["u17"]) },
            Group { admin_description: Some("Group_of-no-id"), ..group("Malformed anchor", &["u17"]) },
            Group { parent: "OU=Retired,DC=contoso,DC=test", ..group("Moved away", &["u18"]) },
            Group { in_entra: Kind::Dynamic, ..group("Everybody", &["u1", "u2", "u3", "u4", "u5"]) },
            Group { drift: vec!["u20", "-u19"], ..group("Drifted", &["u19", "u21"]) },
            Group { drift: vec![CONTACT, COMPUTER, FOREIGN], ..group("Mixed members", &["u27"]) },
            Group { in_ad: false, ..group("Not written yet", &["u22"]) },
            Group { in_ad: false, ..group("Deleted copy", &["u28"]) },
            Group {
                cn: Some("Größe, \"Ürün\" + <Werk> ; #1 = \\x_{last}"),
                ..group("Größe, \"Ürün\" + <Werk> ; #1 = \\x", &["u23", "u24"])
            },
            Group { cn: Some("#Lead and trail_{last} "), ..group("#Lead and trail", &["u25"]) },
            Group { cn: Some("Two\nlines_{last}"), ..group("Two lines", &["u29"]) },
            group("Empty", &[]),
            // Protected as AdminSDHolder protects, and in a unit that inherits nothing.
            group(VAULT, &["u26"]),
            Group { parent: SEALED_OU, ..group("Sealed", &["u33"]) },
        ];
        // A copy with the anchor of another group, in another unit: found by searching the whole forest only.
        groups.push(Group {
            parent: "OU=Retired,DC=contoso,DC=test",
            in_entra: Kind::Gone,
            cn: Some("Copy of Stamped"),
            ..group("Copy of Stamped", &["u8"])
        });
        World {
            people: 60,
            cloud_only: 3,
            groups,
            plain: vec![
                ("File Share Readers", GLOBAL_SECURITY, vec!["u30", "u31"]),
                ("Sales Share", -2147483644, vec!["Sales", "File Share Readers"]),
                ("ERP Users", UNIVERSAL_SECURITY, vec!["All Offices", "u32"]),
            ],
            deleted: vec!["Deleted copy"],
            ready: false,
        }
    }

    /// Changes when the table does, so that a domain seeded from an older one is not used.
    pub fn fingerprint(&self) -> u64 {
        use std::hash::{Hash, Hasher};
        let mut hasher = std::collections::hash_map::DefaultHasher::new();
        let sources = [include_str!("world.rs"), include_str!("world/seed.rs"), include_str!("world/cutover.rs")];
        (format!("{:?}", self.groups), sources).hash(&mut hasher);
        hasher.finish()
    }

    pub fn group(&self, name: &str) -> &Group {
        self.groups.iter().find(|g| g.name == name).unwrap()
    }
}

/// The object id in Entra: made from a word, the same every time.
pub fn id(word: &str) -> String {
    let hash = |salt: u64| {
        word.bytes().fold(0xcbf2_9ce4_8422_2325 ^ salt, |h: u64, b| (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3))
    };
    let (a, b) = (hash(1), hash(2));
    format!(
        "{:08x}-{:04x}-4{:03x}-8{:03x}-{:012x}",
        a >> 32,
        a >> 16 & 0xffff,
        a & 0xfff,
        b >> 52,
        b & 0xffff_ffff_ffff
    )
}

impl Group {
    pub fn id(&self) -> String {
        // The copy carries the anchor of the group it is a copy of.
        id(self.name.strip_prefix("Copy of ").unwrap_or(self.name))
    }
    pub fn anchor(&self) -> String {
        format!("Group_{}", self.id())
    }
    pub fn cn(&self) -> String {
        match self.cn {
            Some(cn) => cn.replace("{last}", &self.id()[24..]),
            None => self.anchor(),
        }
    }
    pub fn dn(&self) -> String {
        format!("CN={},{}", escape(&self.cn()), self.parent)
    }
    fn security_enabled(&self) -> bool {
        self.in_entra != Kind::Microsoft365
    }
}

/// A value as a distinguished name wants it.
fn escape(value: &str) -> String {
    let mut out = String::new();
    let last = value.chars().count().saturating_sub(1);
    for (i, c) in value.chars().enumerate() {
        if c == '\n' {
            out.push_str("\\0A");
            continue;
        }
        let special = matches!(c, ',' | '+' | '"' | '\\' | '<' | '>' | ';' | '=');
        if special || (i == 0 && (c == '#' || c == ' ')) || (i == last && c == ' ') {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

pub fn person_dn(number: usize) -> String {
    format!("CN=Person {number:02},OU=People,{ROOT}")
}

/// The DN of a member as the table names it; none for people without an AD account.
fn member_dn(world: &World, member: &str) -> Option<String> {
    if let Some(number) = member.strip_prefix('u').and_then(|n| n.parse().ok()) {
        return Some(person_dn(number));
    }
    if member.strip_prefix('c').is_some_and(|n| n.parse::<usize>().is_ok()) {
        return None;
    }
    match member {
        CONTACT => return Some(format!("CN={CONTACT},OU=People,{ROOT}")),
        COMPUTER => return Some(format!("CN={COMPUTER},CN=Computers,{ROOT}")),
        FOREIGN => return Some(format!("CN={FOREIGN},CN=ForeignSecurityPrincipals,{ROOT}")),
        _ => {}
    }
    if world.plain.iter().any(|(name, ..)| *name == member) {
        return Some(format!("CN={member},OU=Shares,{ROOT}"));
    }
    let group = world.group(member);
    group.in_ad.then(|| group.dn())
}

/// A member in AD: from the cloud's list and the drift.
pub fn ad_members(world: &World, group: &Group) -> Vec<String> {
    let missing: Vec<&str> = group.drift.iter().filter_map(|d| d.strip_prefix('-')).collect();
    let extra = group.drift.iter().filter(|d| !d.starts_with('-')).copied();
    let kept = group.members.iter().copied().filter(|m| !missing.contains(m));
    kept.chain(extra).filter_map(|m| member_dn(world, m)).collect()
}

/// Identifiers that the controller gave: DN → objectGUID and SID, both as text.
pub type Given = BTreeMap<String, (String, String)>;

/// Reads them.
pub fn given(controller: &Controller) -> Given {
    use base64::Engine;
    let ldif = controller.search(ROOT, "(|(objectClass=user)(objectClass=group))", &["objectGUID", "objectSid"]);
    let decode = |v: &str| base64::engine::general_purpose::STANDARD.decode(v).unwrap();
    let mut out = Given::new();
    for entry in ldif.split("\n\n") {
        let text = |name: &str| entry.lines().find_map(|l| l.strip_prefix(name)).map(str::to_owned);
        let dn = text("dn: ").or_else(|| text("dn:: ").map(|v| String::from_utf8(decode(&v)).unwrap()));
        let (Some(dn), Some(guid), Some(sid)) = (dn, text("objectGUID:: "), text("objectSid:: ")) else { continue };
        let guid = groupshift::directory::ObjectGuid::from_ad_bytes(&decode(&guid)).unwrap().to_string();
        let sid = groupshift::directory::Sid::from_bytes(&decode(&sid)).unwrap().to_string();
        out.insert(dn, (guid, sid));
    }
    out
}
