//! Fills a new domain with the world: everything in one file of LDIF, then the access lists.

use super::super::directory::{Controller, PASSWORD, ROOT};
use super::{
    COMPUTER, CONTACT, FOREIGN, Group, OU, SEALED_OU, Stamp, VAULT, World, ad_members, id, member_dn, person_dn,
};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::fmt::Write as _;

const STAMP_ATTRIBUTE: &str = "bd29bf90-66ad-40e1-887b-10df070419a6";
const MEMBER_ATTRIBUTE: &str = "bf9679c0-0de6-11d0-a285-00aa003049e2";
const GROUP_CLASS: &str = "bf967a9c-0de6-11d0-a285-00aa003049e2";
/// SE_DACL_PROTECTED, in the second byte of a descriptor's control field.
const PROTECTED: u8 = 0x10;

/// A line of LDIF, base64 where it has to be.
fn line(out: &mut String, name: &str, value: &str) {
    let safe = value.bytes().all(|b| (0x20..0x7f).contains(&b))
        && !value.starts_with([' ', ':', '<'])
        && !value.ends_with(' ');
    if safe {
        writeln!(out, "{name}: {value}").unwrap();
    } else {
        writeln!(out, "{name}:: {}", STANDARD.encode(value)).unwrap();
    }
}

/// Fills a new domain.
pub fn seed(world: &World, controller: &Controller) {
    let mut out = String::new();
    for ou in ["GroupWriteback", "People", "Shares", "Retired"] {
        writeln!(out, "dn: OU={ou},{ROOT}\nchangetype: add\nobjectClass: organizationalUnit\n").unwrap();
    }
    writeln!(out, "dn: {SEALED_OU}\nchangetype: add\nobjectClass: organizationalUnit\n").unwrap();
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
    for sam in ["svc-groupshift", "svc-stamper", "svc-agent", "svc-mover"] {
        account(&mut out, &format!("CN={sam},CN=Users,{ROOT}"), sam);
    }
    writeln!(out, "dn: CN={CONTACT},OU=People,{ROOT}\nchangetype: add\nobjectClass: contact\n").unwrap();
    writeln!(
        out,
        "dn: CN={COMPUTER},CN=Computers,{ROOT}\nchangetype: add\nobjectClass: computer\nsAMAccountName: KIOSK1$\n"
    )
    .unwrap();
    let deleted = || world.groups.iter().filter(|g| world.deleted.contains(&g.name));
    for group in world.groups.iter().filter(|g| g.in_ad).chain(deleted()) {
        add_group(&mut out, group);
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
            // An account of another forest is named by its SID; the controller makes the object that stands for it.
            match member.contains(FOREIGN) {
                true => line(out, "member", &format!("<SID={FOREIGN}>")),
                false => line(out, "member", &member),
            }
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
    for group in deleted() {
        line(&mut out, "dn", &group.dn());
        out.push_str("changetype: delete\n\n");
    }
    controller.modify(&out);
    rights(world, controller);
    if world.ready {
        make_ready(world, controller);
    }
}

/// Rights that reach where those of the container do not: the agent's on the protected group and in the container to which
/// it moves groups, the mover's likewise.
fn make_ready(world: &World, controller: &Controller) {
    let sid = |sam: &str| {
        sid_text(&value_of(&controller.search(ROOT, &format!("(sAMAccountName={sam})"), &["objectSid"]), "objectSid"))
    };
    let (agent, mover) = (sid("svc-agent"), sid("svc-mover"));
    let everything = "CCDCLCSWRPWPDTLOCRSDRCWDWO";
    for dn in [world.group(VAULT).dn(), world.group("Sealed").dn()] {
        grant(controller, &dn, &format!("(A;;{everything};;;{agent})"));
    }
    grant(controller, SEALED_OU, &format!("(OA;CI;CCDC;{GROUP_CLASS};;{agent})"));
    for container in [format!("CN=Users,{ROOT}"), format!("OU=Retired,{ROOT}")] {
        grant(
            controller,
            &container,
            &format!(
                "(OA;CI;CCDC;{GROUP_CLASS};;{agent})(OA;CI;CCDC;{GROUP_CLASS};;{mover})(OA;CIIO;{everything};;{GROUP_CLASS};{agent})(OA;CIIO;{everything};;{GROUP_CLASS};{mover})"
            ),
        );
    }
    grant(controller, OU, &format!("(OA;CIIO;LCRPWPLORCSD;;{GROUP_CLASS};{mover})(OA;CI;CCDC;{GROUP_CLASS};;{mover})"));
}

fn add_group(out: &mut String, group: &Group) {
    line(out, "dn", &group.dn());
    writeln!(out, "changetype: add\nobjectClass: group\ngroupType: {}", group.group_type).unwrap();
    writeln!(out, "sAMAccountName: {}", &id(&format!("{}/sam", group.name))[..18]).unwrap();
    line(out, "displayName", group.name);
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

/// One account may stamp, another stands for the agent; one unit and one group do not inherit, and on another group a
/// person may write the members.
fn rights(world: &World, controller: &Controller) {
    let sid =
        |sam: &str| value_of(&controller.search(ROOT, &format!("(sAMAccountName={sam})"), &["objectSid"]), "objectSid");
    let (stamper, agent) = (sid_text(&sid("svc-stamper")), sid_text(&sid("svc-agent")));
    let vault = world.group(VAULT).dn();
    controller.modify(&format!("dn: {vault}\nchangetype: modify\nreplace: adminCount\nadminCount: 1\n-\n\n"));
    protect(controller, &vault);
    protect(controller, SEALED_OU);
    let stamp = format!("(OA;CIIO;WP;{STAMP_ATTRIBUTE};{GROUP_CLASS};{stamper})");
    let all = format!("(OA;CIIO;CCDCLCSWRPWPDTLOCRSDRCWDWO;;{GROUP_CLASS};{agent})(OA;CI;CCDC;{GROUP_CLASS};;{agent})");
    grant(controller, OU, &format!("{stamp}{all}"));
    let person = sid_text(&sid("person40"));
    let finance = world.group("Finance").dn();
    grant(controller, &finance, &format!("(OA;;WP;{MEMBER_ATTRIBUTE};;{person})"));
}

/// Adds entries to an object's access list.
pub fn grant(controller: &Controller, dn: &str, sddl: &str) {
    let url = format!("ldaps://{}", controller.address);
    let output = std::process::Command::new("samba-tool")
        .args(["dsacl", "set", &format!("--objectdn={dn}"), &format!("--sddl={sddl}")])
        .args(["-H", &url, "-U", &format!("administrator%{PASSWORD}")])
        .args(["--option=tls verify peer = ca_only", "-s", controller.folder.join("etc/smb.conf").to_str().unwrap()])
        .output()
        .unwrap();
    assert!(output.status.success(), "samba-tool dsacl set {dn}: {}", String::from_utf8_lossy(&output.stderr));
}

/// Cuts an object off from what its parents grant.
fn protect(controller: &Controller, dn: &str) {
    // Of the descriptor, the DACL alone.
    let (control, dacl) = ("1.2.840.113556.1.4.801", "MAMCAQQ=");
    let extension = format!("!{control}=::{dacl}");
    let search = ["-E", &extension, "-LLL", "-o", "ldif-wrap=no", "-s", "base", "-b", dn, "nTSecurityDescriptor"];
    let found = controller.tool("ldapsearch", &search, "");
    let mut descriptor = STANDARD.decode(value_of(&found, "nTSecurityDescriptor")).unwrap();
    descriptor[3] |= PROTECTED;
    let mut out = String::new();
    line(&mut out, "dn", dn);
    let descriptor = STANDARD.encode(descriptor);
    writeln!(out, "control: {control} true:: {dacl}\nchangetype: modify").unwrap();
    writeln!(out, "replace: nTSecurityDescriptor\nnTSecurityDescriptor:: {descriptor}\n-\n").unwrap();
    controller.modify(&out);
}

/// The first value of an attribute in LDIF, base64 as it stands.
fn value_of(ldif: &str, name: &str) -> String {
    let line = ldif.lines().find(|l| l.starts_with(&format!("{name}:"))).unwrap_or_else(|| panic!("{name} in {ldif}"));
    line.split_once(": ").unwrap().1.to_owned()
}

fn sid_text(base64_value: &str) -> String {
    let bytes = STANDARD.decode(base64_value).unwrap();
    groupshift::directory::Sid::from_bytes(&bytes).unwrap().to_string()
}

/// A password as AD takes it: in quotation marks, UTF-16; as text that `line` writes in base64.
fn quoted_utf16(password: &str) -> String {
    let bytes: Vec<u8> = format!("\"{password}\"").encode_utf16().flat_map(u16::to_le_bytes).collect();
    // All of these bytes are ASCII, so that they are text too.
    String::from_utf8(bytes).unwrap()
}
