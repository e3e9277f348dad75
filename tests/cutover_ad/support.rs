//! Configurations, the port signed in, and the directory's own word for what stands in it.

use crate::directory::{Controller, PASSWORD, ROOT};
use groupshift::collect::ldif;
use groupshift::config::{self, Around, Config};
use groupshift::cutover::live::ad::LiveDirectory;
use groupshift::cutover::port::{Change, Directory, ObjectState, Refusal, STAMP, Written};
use groupshift::directory::ObjectGuid;
use std::collections::BTreeMap;
use std::path::Path;

/// A configuration from its `[ad]` section.
pub fn config(folder: &Path, ad: &str, password: &str) -> Config {
    let path = folder.join("groupshift.toml");
    std::fs::write(folder.join("password"), password).unwrap();
    std::fs::write(&path, format!("{ad}password_file = \"password\"\n")).unwrap();
    let around = Around { folder: Path::new(""), windows: false, env: &|_| None, env_names: &[] };
    config::load(Some(&path), &around).unwrap()
}

pub fn config_of(controller: &Controller, user: &str) -> Config {
    let folder = tempfile::tempdir_in(&controller.folder).unwrap();
    config(folder.path(), &controller.config(user), PASSWORD);
    // The password is read from its file when it is needed.
    config(&folder.keep(), &controller.config(user), PASSWORD)
}

pub async fn signed_in(controller: &Controller, user: &str) -> LiveDirectory {
    LiveDirectory::connect(&config_of(controller, user), None).await.unwrap()
}

pub fn add(attribute: &str, value: &str) -> Change {
    Change::Add { attribute: attribute.to_owned(), values: vec![value.as_bytes().to_vec()] }
}
pub fn delete(attribute: &str, value: &str) -> Change {
    Change::Delete { attribute: attribute.to_owned(), values: vec![value.as_bytes().to_vec()] }
}

pub fn refused<T: std::fmt::Debug>(written: Written<T>) -> Refusal {
    let fault = written.unwrap_err();
    assert!(!fault.error.to_string().is_empty());
    fault.refusal
}

pub async fn stamp_of(directory: &LiveDirectory, guid: ObjectGuid) -> Option<String> {
    directory.read(&[guid]).await.unwrap().pop().unwrap().unwrap().text(STAMP).map(str::to_owned)
}

pub async fn at(directory: &LiveDirectory, dn: &str) -> ObjectState {
    directory.find(dn).await.unwrap().unwrap_or_else(|| panic!("{dn} is not there"))
}

/// What ldapsearch shows of every object below a base: name → attribute → values, in order.
pub fn told(controller: &Controller, base: &str, filter: &str) -> BTreeMap<String, BTreeMap<String, Vec<Vec<u8>>>> {
    let mut arguments = vec!["-LLL", "-o", "ldif-wrap=no", "-E", "pr=1000/noprompt"];
    arguments.extend(["-E", "!1.2.840.113556.1.4.801=::MAMCAQc=", "-b", base, filter]);
    arguments.extend(["*", "memberOf", "nTSecurityDescriptor", "uSNChanged", "uSNCreated"]);
    let text = controller.tool("ldapsearch", &arguments, "");
    let mut reader = ldif::Reader::new(std::io::Cursor::new(text.into_bytes()), Path::new("ldapsearch"));
    let mut entry = ldif::Entry::default();
    let mut out = BTreeMap::new();
    while reader.next(&mut entry).unwrap() {
        let mut attributes: BTreeMap<String, Vec<Vec<u8>>> = BTreeMap::new();
        for (name, value, _) in entry.values() {
            attributes.entry(name.to_owned()).or_default().push(value.to_vec());
        }
        out.insert(entry.dn.clone(), attributes);
    }
    out
}

/// objectGUID of an object, from ldapsearch.
pub fn guid_of(controller: &Controller, name: &str) -> ObjectGuid {
    let group = crate::world::World::v2();
    let dn = group.group(name).dn();
    let there = told(controller, ROOT, "(objectClass=group)");
    let (_, attributes) = there.iter().find(|(d, _)| groupshift::directory::same_dn(d, &dn)).unwrap();
    ObjectGuid::from_ad_bytes(&attributes["objectGUID"][0]).unwrap()
}

/// samba-tool as the administrator, over LDAPS.
pub fn samba_tool(controller: &Controller, arguments: &[&str]) {
    let output = std::process::Command::new("samba-tool")
        .args(arguments)
        .args(["-H", &controller.ldaps(), "-U", &format!("administrator%{PASSWORD}")])
        .args(["--option=tls verify peer = ca_only", "-s", controller.folder.join("etc/smb.conf").to_str().unwrap()])
        .output()
        .unwrap();
    assert!(output.status.success(), "samba-tool {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// Adds objects to the stopped controller's database, quicker than over LDAP, and starts it again.
pub fn load(controller: &mut Controller, ldif: &str, relaxed: bool) {
    controller.kill();
    let file = controller.folder.join("load.ldif");
    std::fs::write(&file, ldif).unwrap();
    let mut command = std::process::Command::new("ldbadd");
    command.arg("-H").arg(controller.folder.join("private/sam.ldb"));
    command.arg(format!("--configfile={}", controller.folder.join("etc/smb.conf").display()));
    if relaxed {
        command.arg("--relax");
    }
    let output = command.arg(&file).output().unwrap();
    assert!(output.status.success(), "ldbadd: {}", String::from_utf8_lossy(&output.stderr));
    controller.boot();
}
