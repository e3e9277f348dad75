//! The forest and the tenant of the lab, as group writeback V2 leaves them: one table, from which the directory is seeded
//! and the matching Graph bodies are made. Identifiers that only the domain controller gives (objectGUID, objectSid) are
//! read back from it.

use super::directory::{Controller, PASSWORD, ROOT};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

pub const OU: &str = "OU=GroupWriteback,DC=contoso,DC=test";
/// An ordinary domain user: all that an assessment needs.
pub const READER: &str = "svc-groupshift@contoso.test";
/// May write the anchor's stamp on the groups of the container, and nothing else.
pub const WRITER: &str = "svc-stamper@contoso.test";
/// Stands for the provisioning agent's account.
pub const AGENT: &str = "svc-agent@contoso.test";

const UNIVERSAL_SECURITY: i32 = -2147483640;
const GLOBAL_SECURITY: i32 = -2147483646;
const UNIVERSAL_DISTRIBUTION: i32 = 8;
const STAMP_ATTRIBUTE: &str = "bd29bf90-66ad-40e1-887b-10df070419a6";
const GROUP_CLASS: &str = "bf967a9c-0de6-11d0-a285-00aa003049e2";

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
    /// Members in AD only, or missing there (`-u3`).
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
            Group { parent: "OU=Retired,DC=contoso,DC=test", ..group("Moved away", &["u18"]) },
            Group { in_entra: Kind::Dynamic, ..group("Everybody", &["u1", "u2", "u3", "u4", "u5"]) },
            Group { drift: vec!["u20", "-u19"], ..group("Drifted", &["u19", "u21"]) },
            Group { in_ad: false, ..group("Not written yet", &["u22"]) },
            Group {
                cn: Some("Größe, \"Ürün\" + <Werk> ; #1 = \\x_{last}"),
                ..group("Größe, \"Ürün\" + <Werk> ; #1 = \\x", &["u23", "u24"])
            },
            Group { cn: Some("#Lead and trail_{last} "), ..group("#Lead and trail", &["u25"]) },
            group("Empty", &[]),
            Group { parent: "OU=Vault,OU=GroupWriteback,DC=contoso,DC=test", ..group("Vault", &["u26"]) },
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
        }
    }

    /// Changes when the table does, so that a domain seeded from an older one is not used.
    pub fn fingerprint(&self) -> u64 {
        use std::hash::{Hash, Hasher};
        let mut hasher = std::collections::hash_map::DefaultHasher::new();
        format!("{:?}{}{:?}{}", self.groups, self.people, self.plain, include_str!("world.rs")).hash(&mut hasher);
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

/// A line of LDIF, base64 where it has to be.
fn line(out: &mut String, name: &str, value: &str) {
    let safe = value.bytes().all(|b| (0x20..0x7f).contains(&b))
        && !value.starts_with([' ', ':', '<'])
        && !value.ends_with(' ');
    if safe {
        writeln!(out, "{name}: {value}").unwrap();
    } else {
        use base64::Engine;
        writeln!(out, "{name}:: {}", base64::engine::general_purpose::STANDARD.encode(value)).unwrap();
    }
}

/// Fills a new domain.
pub fn seed(world: &World, controller: &Controller) {
    let mut out = String::new();
    for ou in ["GroupWriteback", "People", "Shares", "Retired"] {
        writeln!(out, "dn: OU={ou},{ROOT}\nchangetype: add\nobjectClass: organizationalUnit\n").unwrap();
    }
    writeln!(out, "dn: OU=Vault,{OU}\nchangetype: add\nobjectClass: organizationalUnit\n").unwrap();
    let account = |out: &mut String, dn: &str, sam: &str| {
        line(out, "dn", dn);
        writeln!(
            out,
            "changetype: add\nobjectClass: user\nsAMAccountName: {sam}\nuserPrincipalName: {sam}@contoso.test"
        )
        .unwrap();
        writeln!(out, "userAccountControl: 512").unwrap();
        line(out, "unicodePwd", &quoted_utf16(PASSWORD));
        out.push('\n');
    };
    for number in 1..=world.people {
        account(&mut out, &person_dn(number), &format!("person{number:02}"));
    }
    for sam in ["svc-groupshift", "svc-stamper", "svc-agent"] {
        account(&mut out, &format!("CN={sam},CN=Users,{ROOT}"), sam);
    }
    writeln!(out, "dn: CN=Supplier,OU=People,{ROOT}\nchangetype: add\nobjectClass: contact\n").unwrap();
    writeln!(
        out,
        "dn: CN=KIOSK1,CN=Computers,{ROOT}\nchangetype: add\nobjectClass: computer\nsAMAccountName: KIOSK1$\n"
    )
    .unwrap();
    for group in world.groups.iter().filter(|g| g.in_ad) {
        line(&mut out, "dn", &group.dn());
        writeln!(out, "changetype: add\nobjectClass: group\ngroupType: {}", group.group_type).unwrap();
        writeln!(out, "sAMAccountName: {}", &id(&format!("{}/sam", group.name))[..18]).unwrap();
        line(&mut out, "displayName", group.name);
        let anchor = group.admin_description.map_or_else(|| group.anchor(), |a| a.replace("{id}", &group.id()));
        if !anchor.is_empty() {
            writeln!(out, "adminDescription: {anchor}").unwrap();
        }
        match group.stamp {
            Stamp::Empty => {}
            Stamp::Anchor => writeln!(out, "msDS-ExternalDirectoryObjectId: {}", group.anchor()).unwrap(),
            Stamp::Other(value) => writeln!(out, "msDS-ExternalDirectoryObjectId: {value}").unwrap(),
        }
        if group.mail {
            writeln!(out, "mail: {}@contoso.test", group.name.to_lowercase().replace(' ', ".")).unwrap();
        }
        out.push('\n');
    }
    for (name, group_type, _) in &world.plain {
        writeln!(out, "dn: CN={name},OU=Shares,{ROOT}\nchangetype: add\nobjectClass: group\nsAMAccountName: {name}\ngroupType: {group_type}\n").unwrap();
    }
    let members = |out: &mut String, dn: &str, members: Vec<String>| {
        if members.is_empty() {
            return;
        }
        line(out, "dn", dn);
        out.push_str("changetype: modify\nadd: member\n");
        for member in members {
            line(out, "member", &member);
        }
        out.push_str("-\n\n");
    };
    for group in world.groups.iter().filter(|g| g.in_ad) {
        members(&mut out, &group.dn(), ad_members(world, group));
    }
    for (name, _, list) in &world.plain {
        let list = list.iter().filter_map(|m| member_dn(world, m)).collect();
        members(&mut out, &format!("CN={name},OU=Shares,{ROOT}"), list);
    }
    controller.modify(&out);
    rights(controller);
}

/// One account may stamp, another stands for the agent, one unit does not inherit.
fn rights(controller: &Controller) {
    let sid =
        |sam: &str| value_of(&controller.search(ROOT, &format!("(sAMAccountName={sam})"), &["objectSid"]), "objectSid");
    let (stamper, agent) = (sid_text(&sid("svc-stamper")), sid_text(&sid("svc-agent")));
    let samba_tool = |arguments: &[&str]| {
        let url = format!("ldaps://{}", controller.address);
        let output = std::process::Command::new("samba-tool")
            .args(arguments)
            .args(["-H", &url, "-U", &format!("administrator%{PASSWORD}")])
            .args([
                "--option=tls verify peer = no_check",
                "-s",
                controller.folder.join("etc/smb.conf").to_str().unwrap(),
            ])
            .output()
            .unwrap();
        assert!(output.status.success(), "samba-tool {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    };
    let stamp = format!("(OA;CIIO;WP;{STAMP_ATTRIBUTE};{GROUP_CLASS};{stamper})");
    let all = format!("(OA;CIIO;CCDCLCSWRPWPDTLOCRSDRCWDWO;;{GROUP_CLASS};{agent})(OA;CI;CCDC;{GROUP_CLASS};;{agent})");
    samba_tool(&["dsacl", "set", &format!("--objectdn={OU}"), &format!("--sddl={stamp}{all}")]);
    // As AdminSDHolder leaves a group that it protects.
    controller.modify(&format!(
        "dn: {}\nchangetype: modify\nreplace: adminCount\nadminCount: 1\n-\n\n",
        World::v2().group("Vault").dn()
    ));
}

/// The first value of an attribute in LDIF, base64 as it stands.
fn value_of(ldif: &str, name: &str) -> String {
    let line = ldif.lines().find(|l| l.starts_with(&format!("{name}:"))).unwrap_or_else(|| panic!("{name} in {ldif}"));
    line.split_once(": ").unwrap().1.to_owned()
}

fn sid_text(base64_value: &str) -> String {
    use base64::Engine;
    let bytes = base64::engine::general_purpose::STANDARD.decode(base64_value).unwrap();
    groupshift::directory::Sid::from_bytes(&bytes).unwrap().to_string()
}

/// A password as AD takes it: in quotation marks, UTF-16; as text that `line` writes in base64.
fn quoted_utf16(password: &str) -> String {
    let bytes: Vec<u8> = format!("\"{password}\"").encode_utf16().flat_map(u16::to_le_bytes).collect();
    // All of these bytes are ASCII, so that they are text too.
    String::from_utf8(bytes).unwrap()
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

/// The tenant's side, as the files of an offline collection: `entra/` and `cloudsync/` below `dir`.
pub fn write_tenant(world: &World, given: &Given, dir: &Path) {
    let write = |name: &str, value: Value| {
        let path = dir.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, serde_json::to_vec_pretty(&value).unwrap()).unwrap();
    };
    let exists = |g: &&Group| !matches!(g.in_entra, Kind::Gone | Kind::Deleted);
    let groups: Vec<Value> = world.groups.iter().filter(exists).map(|g| graph_group(world, g)).collect();
    write("entra/groups.json", json!({ "value": groups }));
    let deleted: Vec<Value> = world
        .groups
        .iter()
        .filter(|g| g.in_entra == Kind::Deleted)
        .map(|g| {
            let mut value = graph_group(world, g);
            value["deletedDateTime"] = json!("2026-11-01T08:00:00Z");
            value
        })
        .collect();
    write("entra/deletedItems.json", json!({ "value": deleted }));
    let mut users = Vec::new();
    for number in 1..=world.people {
        let (guid, sid) = &given[&person_dn(number)];
        users.push(json!({
            "id": id(&format!("u{number}")), "userPrincipalName": format!("person{number:02}@contoso.test"),
            "displayName": format!("Person {number:02}"), "onPremisesSyncEnabled": true,
            "onPremisesObjectIdentifier": guid, "onPremisesSecurityIdentifier": sid,
        }));
    }
    for number in 1..=world.cloud_only {
        users.push(json!({
            "id": id(&format!("c{number}")), "userPrincipalName": format!("cloud{number}@contoso.test"),
            "displayName": format!("Cloud {number}"), "onPremisesSyncEnabled": null,
            "onPremisesObjectIdentifier": null, "onPremisesSecurityIdentifier": null,
        }));
    }
    write("entra/users.json", json!({ "value": users }));
    write(
        "entra/organization.json",
        json!({ "value": [{
        "id": id("tenant"), "displayName": "Contoso",
        "verifiedDomains": [{ "name": "contoso.test", "isDefault": true, "isInitial": false, "capabilities": "Email", "type": "Managed" }],
    }] }),
    );
    write(
        "entra/onPremisesSynchronization.json",
        json!({ "value": [{
        "id": id("tenant"),
        "features": { "groupWriteBackEnabled": true, "unifiedGroupWritebackEnabled": true },
        "configuration": {
            "synchronizationClientVersion": "2.5.76.0",
            "writebackConfiguration": { "unifiedGroupContainer": OU },
        },
    }] }),
    );
    write(
        "entra/subscribedSkus.json",
        json!({ "value": [{
        "id": "1", "skuPartNumber": "AAD_PREMIUM", "servicePlans": [{ "servicePlanId": id("plan"), "servicePlanName": "AAD_PREMIUM", "provisioningStatus": "Success", "appliesTo": "User" }],
    }] }),
    );
    write(
        "cloudsync/agents.json",
        json!({ "value": [{
        "id": id("agent"), "machineName": "sync1.contoso.test", "externalIp": "203.0.113.5", "status": "active",
        "supportedPublishingTypes": ["provisioning"],
    }] }),
    );
}

fn graph_group(world: &World, group: &Group) -> Value {
    let mut types = Vec::new();
    if group.in_entra == Kind::Microsoft365 {
        types.push("Unified");
    }
    if group.in_entra == Kind::Dynamic {
        types.push("DynamicMembership");
    }
    let mail_enabled = matches!(group.in_entra, Kind::Microsoft365 | Kind::MailEnabledSecurity);
    let members: Vec<Value> = group
        .members
        .iter()
        .map(|m| {
            let person = m.len() < 4 && m.starts_with(['u', 'c']);
            let kind = if person { "#microsoft.graph.user" } else { "#microsoft.graph.group" };
            let id = if person { id(m) } else { world.group(m).id() };
            json!({ "@odata.type": kind, "id": id })
        })
        .collect();
    json!({
        "id": group.id(), "displayName": group.name, "description": null,
        "mailNickname": id(&format!("{}/nick", group.name))[..8], "securityEnabled": group.security_enabled(),
        "mailEnabled": mail_enabled, "groupTypes": types,
        "membershipRuleProcessingState": (group.in_entra == Kind::Dynamic).then_some("On"),
        "onPremisesSyncEnabled": null, "onPremisesSecurityIdentifier": null, "onPremisesSamAccountName": null,
        "onPremisesDomainName": null, "onPremisesNetBiosName": null,
        "isAssignableToRole": null, "isManagementRestricted": false,
        "visibility": if group.in_entra == Kind::Microsoft365 { json!("Private") } else { Value::Null },
        "writebackConfiguration": { "isEnabled": group.name != "Club", "onPremisesGroupType": if group.security_enabled() { json!("universalSecurityGroup") } else { Value::Null } },
        "onPremisesSyncBehavior": { "isCloudManaged": false },
        "members": members,
    })
}
