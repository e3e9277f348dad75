//! A small domain that behaves like one: linked values follow renames and deletions, sequence numbers move where Active
//! Directory moves them, and only there.

use crate::wire::directory::guid;
use crate::wire::{Directory, Object, PASSWORD, USER, Wire};
use groupshift::bundle;
use groupshift::collect::live::ad::Reader;
use groupshift::collect::live::{Base, Half, Wishes};
use groupshift::config::{self, Around, Config};
use groupshift::directory::Inventory;
use groupshift::error::Error;
use groupshift::ldap::Timeouts;
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

pub const DOMAIN: &str = "DC=contoso,DC=test";
pub const OU: &str = "OU=GroupWriteback,DC=contoso,DC=test";
pub const PEOPLE: &str = "OU=People,DC=contoso,DC=test";
const SETTINGS: &str = "CN=NTDS Settings,CN=DC1,CN=Configuration,DC=contoso,DC=test";
/// Sequence number of a fresh world: above what makes a domain small, so that it is listed and cut.
const FIRST_USN: u64 = 100_000;

pub fn user_dn(n: usize) -> String {
    format!("CN=u{n},{PEOPLE}")
}
pub fn group_dn(n: usize) -> String {
    format!("CN=g{n},{OU}")
}

fn named(dn: &str, number: usize) -> Object {
    Object::new(dn)
        .with("distinguishedName", [dn])
        .with("objectGUID", [guid(number)])
        .with("uSNCreated", [(number + 10).to_string()])
        .with("uSNChanged", [(number + 10).to_string()])
}

pub fn user(n: usize) -> Object {
    user_called(&user_dn(n), n)
}

pub fn user_called(dn: &str, n: usize) -> Object {
    let mut sid = vec![1, 5, 0, 0, 0, 0, 0, 5, 21, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0];
    sid.extend((n as u32 + 1_000).to_le_bytes());
    named(dn, n)
        .with("objectClass", ["top", "person", "organizationalPerson", "user"])
        .with("objectCategory", ["CN=Person,CN=Schema,CN=Configuration,DC=contoso,DC=test"])
        .with("objectSid", [sid])
        .with("sAMAccountName", [format!("u{n}")])
}

/// Numbers of groups begin here, so that GUIDs are not those of users.
pub const GROUPS: usize = 1_000_000;

pub fn group(n: usize, members: impl IntoIterator<Item = String>) -> Object {
    named(&group_dn(n), GROUPS + n)
        .with("objectClass", ["top", "group"])
        .with("objectCategory", ["CN=Group,CN=Schema,CN=Configuration,DC=contoso,DC=test"])
        .with("groupType", ["-2147483640"])
        .with("sAMAccountName", [format!("g{n}")])
        .with("adminDescription", [format!("Group_00000000-0000-0000-0000-{n:012x}")])
        .with("nTSecurityDescriptor", [security()])
        .with("member", members)
}

/// A self-relative descriptor with an owner and an empty DACL.
fn security() -> Vec<u8> {
    let mut out = vec![1, 0, 4, 0x80, 20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 36, 0, 0, 0];
    out.extend([1, 2, 0, 0, 0, 0, 0, 5, 32, 0, 0, 0, 32, 2, 0, 0]);
    out.extend([2, 0, 8, 0, 0, 0, 0, 0]);
    out
}

/// So many users, and groups with so many of them each.
pub fn world(users: usize, groups: usize, members: usize) -> Directory {
    let container = |dn: &str, n: usize| named(dn, n).with("objectClass", ["top", "organizationalUnit"]);
    let mut objects = vec![
        Object::new(DOMAIN).with("objectClass", ["domainDNS"]),
        container(OU, 2_000_000).with("nTSecurityDescriptor", [security()]),
        container(PEOPLE, 2_000_001),
        Object::new(SETTINGS).with("objectClass", ["nTDSDSA"]).with("invocationId", [guid(77)]),
    ];
    objects.extend((0..users).map(user));
    objects.extend((0..groups).map(|g| group(g, (0..members).map(|m| user_dn((g * 7 + m) % users.max(1))))));
    let mut directory = Directory::new(objects);
    directory.root = directory.root.with("dsServiceName", [SETTINGS]);
    *directory.root.values_mut("highestCommittedUSN") = vec![FIRST_USN.to_string().into_bytes()];
    directory
}

/// A small domain on a server that answers whatever is asked at once.
pub fn at_once(users: usize, groups: usize, members: usize) -> Directory {
    let mut directory = world(users, groups, members).without_limits();
    *directory.root.values_mut("highestCommittedUSN") = vec![b"20000".to_vec()];
    directory
}

/// Changes as a controller makes them.
pub trait Domain {
    /// The next sequence number.
    fn tick(&mut self) -> String;
    fn touch(&mut self, dn: &str);
    fn rename(&mut self, old: &str, new: &str);
    fn delete(&mut self, dn: &str);
    fn create(&mut self, object: Object);
    fn add_member(&mut self, group: &str, member: &str);
    fn remove_member(&mut self, group: &str, member: &str);
    /// Renames a container, and with it the names of all below it; their sequence numbers stay.
    fn rename_container(&mut self, old: &str, new: &str);
}

impl Domain for Directory {
    fn tick(&mut self) -> String {
        let usn = self.root.values_mut("highestCommittedUSN");
        let next = String::from_utf8(usn[0].clone()).unwrap().parse::<u64>().unwrap() + 1;
        usn[0] = next.to_string().into_bytes();
        next.to_string()
    }
    fn touch(&mut self, dn: &str) {
        let usn = self.tick();
        *self.find_mut(dn).unwrap().values_mut("uSNChanged") = vec![usn.into_bytes()];
    }
    fn rename(&mut self, old: &str, new: &str) {
        self.touch(old);
        let object = self.find_mut(old).unwrap();
        object.dn = new.to_owned();
        *object.values_mut("distinguishedName") = vec![new.as_bytes().to_vec()];
        // A link is to the object: its name follows, and the group does not change.
        for object in &mut self.objects {
            for name in ["member", "memberOf"] {
                if object.values(name).iter().any(|v| v == old.as_bytes()) {
                    object.values_mut(name).iter_mut().filter(|v| *v == old.as_bytes()).for_each(|v| *v = new.into());
                }
            }
        }
    }
    fn delete(&mut self, dn: &str) {
        self.tick();
        self.objects.retain(|o| o.dn != dn);
        for object in &mut self.objects {
            for name in ["member", "memberOf"] {
                if object.values(name).iter().any(|v| v == dn.as_bytes()) {
                    object.values_mut(name).retain(|v| v != dn.as_bytes());
                }
            }
        }
    }
    fn create(&mut self, mut object: Object) {
        let usn = self.tick();
        *object.values_mut("uSNCreated") = vec![usn.clone().into_bytes()];
        *object.values_mut("uSNChanged") = vec![usn.into_bytes()];
        self.objects.push(object);
    }
    fn add_member(&mut self, group: &str, member: &str) {
        self.touch(group);
        self.find_mut(group).unwrap().values_mut("member").push(member.into());
    }
    fn remove_member(&mut self, group: &str, member: &str) {
        self.touch(group);
        self.find_mut(group).unwrap().values_mut("member").retain(|v| v != member.as_bytes());
    }
    fn rename_container(&mut self, old: &str, new: &str) {
        self.tick();
        let moved: Vec<String> = self
            .objects
            .iter()
            .filter(|o| o.dn == old || o.dn.ends_with(&format!(",{old}")))
            .map(|o| o.dn.clone())
            .collect();
        for dn in moved {
            let usn = self.find(&dn).unwrap().values("uSNChanged").to_vec();
            let now = dn.strip_suffix(old).unwrap().to_owned() + new;
            self.rename(&dn, &now);
            *self.find_mut(&now).unwrap().values_mut("uSNChanged") = usn;
        }
    }
}

pub fn config(wire: &Wire, more: &str) -> Config {
    let path = wire.folder().join("groupshift.toml");
    let password = wire.folder().join("password");
    std::fs::write(&password, PASSWORD).unwrap();
    let quoted = |p: &Path| format!("'{}'", p.display());
    let text = format!(
        "[ad]\nurl = \"{}\"\nuser = \"{USER}\"\npassword_file = {}\nca_file = {}\n{more}\n",
        wire.url("ldaps"),
        quoted(&password),
        quoted(&wire.tls.ca_file)
    );
    std::fs::write(&path, text).unwrap();
    let around = Around { folder: Path::new(""), windows: false, env: &|_| None, env_names: &[] };
    config::load(Some(&path), &around).unwrap()
}

/// Reads the domain, with little patience.
pub fn scan(wire: &Wire) -> Result<Half, Error> {
    scan_with(wire, "", None, &Wishes::default())
}

pub fn scan_with(wire: &Wire, more: &str, base: Option<&Base>, wishes: &Wishes) -> Result<Half, Error> {
    let config = config(wire, more);
    let patience = Timeouts { connect: Duration::from_secs(10), answer: Duration::from_millis(1_500) };
    let reader = Reader::new(&config)?.with_timeouts(patience);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let (_, nothing_from_entra) = tokio::sync::watch::channel(None);
    runtime.block_on(async {
        let scan = reader.collect(wishes, base, nothing_from_entra, &|_| {});
        tokio::time::timeout(Duration::from_secs(60), scan).await.expect("a scan never hangs")
    })
}

/// What was read, as text to compare: every object, every group with its members and marks.
pub fn seen(inventory: &Inventory) -> BTreeMap<String, String> {
    let ad = &inventory.ad;
    let object = |id: u32| {
        let o = &ad.objects[id as usize];
        let mut out = format!("{:?} {} {:?}", o.class, o.guid, inventory.sids.get(o.sid).map(|s| s.to_string()));
        if let Some(group) = ad.groups.get(o.group as usize) {
            let members: Vec<&str> = ad.members.row(o.group as usize).iter().map(|m| inventory.dn(*m)).collect();
            let text = |t| inventory.text.get(t).unwrap_or("-");
            out += &format!(
                " {} {:?} sd:{} {members:?}",
                text(group.admin_description),
                group.members,
                o.security != u32::MAX
            );
        }
        (inventory.dn(id).to_owned(), out)
    };
    (0..ad.objects.len() as u32).map(object).collect()
}

/// The digests of the bundle that the half makes.
pub fn digests(half: Half) -> Vec<(String, String)> {
    let dir = tempfile::tempdir().unwrap();
    let base = save(half, &dir.path().join("bundle"));
    base.manifest.files.iter().map(|f| (f.name.clone(), f.sha256.clone())).collect()
}

/// Whether the certificate says that all is whole.
pub fn is_whole(half: &Half) -> bool {
    half.parts.iter().all(|p| p.shortfall.is_none())
}

/// The half as a bundle, to go on from.
pub fn save(half: Half, dir: &Path) -> Base {
    let certificate =
        bundle::Certificate { complete: is_whole(&half), parts: half.parts, not_looked_at: half.not_looked_at };
    let about = bundle::write::About {
        created: "2026-11-21T00:00:00Z".into(),
        anonymised: false,
        sources: half.sources,
        certificate,
    };
    bundle::write_with(&half.inventory, about, half.raw, dir).unwrap();
    Base::open(dir).unwrap()
}
