//! The Active Directory side: users, groups with their members, and the few entries that tell of the forest.

use super::plan::{Fault, Group, Member, Plan, User, UserKind};
use super::text::{self, CONTAINER, DOMAIN, Ldif};
use std::io;
use std::path::Path;

/// What was written.
#[derive(Debug, Default, Clone, Copy)]
pub struct Written {
    pub groups: u64,
    pub users: u64,
    pub memberships: u64,
    pub bytes: u64,
}

const UNIVERSAL_SECURITY: &[u8] = b"-2147483640";

pub fn write(plan: &Plan, dir: &Path) -> io::Result<Written> {
    let mut written = Written { bytes: forest(&dir.join("environment.ldf"))?, ..Written::default() };
    users(plan, &dir.join("users.ldf"), &mut written)?;
    groups(plan, &dir.join("groups.ldf"), &mut written)?;
    Ok(written)
}

fn forest(path: &Path) -> io::Result<u64> {
    let mut out = Ldif::create(path)?;
    let schema = format!("CN=Schema,CN=Configuration,{DOMAIN}");
    let recycle_bin = format!(
        "CN=Recycle Bin Feature,CN=Optional Features,CN=Directory Service,CN=Windows NT,CN=Services,CN=Configuration,{DOMAIN}"
    );
    let partitions = format!("CN=Partitions,CN=Configuration,{DOMAIN}");
    for (dn, values) in [
        (
            schema.clone(),
            &[("objectClass", "top"), ("objectClass", "dMD"), ("cn", "Schema"), ("objectVersion", "88")][..],
        ),
        (
            format!("CN=ms-DS-External-Directory-Object-Id,{schema}"),
            &[
                ("objectClass", "top"),
                ("objectClass", "attributeSchema"),
                ("lDAPDisplayName", "msDS-ExternalDirectoryObjectId"),
                ("attributeID", "1.2.840.113556.1.4.2310"),
            ],
        ),
        (
            partitions,
            &[("objectClass", "top"), ("objectClass", "crossRefContainer"), ("msDS-EnabledFeature", &recycle_bin)],
        ),
        (
            CONTAINER.to_owned(),
            &[("objectClass", "top"), ("objectClass", "organizationalUnit"), ("ou", "GroupWriteback")],
        ),
    ] {
        out.text("dn", dn.as_bytes())?;
        for (name, value) in values {
            out.text(name, value.as_bytes())?;
        }
        out.end()?;
    }
    out.sink.finish()
}

fn users(plan: &Plan, path: &Path, written: &mut Written) -> io::Result<()> {
    let mut out = Ldif::create(path)?;
    let mut buffer = Vec::new();
    for user in plan.users().filter(has_account) {
        value(&mut out, &mut buffer, "dn", |b| text::user_dn(b, &user))?;
        for class in ["top", "person", "organizationalPerson", "user"] {
            out.text("objectClass", class.as_bytes())?;
        }
        value(&mut out, &mut buffer, "displayName", |b| text::user_name(b, &user, false))?;
        out.binary("objectGUID", &text::guid_bytes(user.guid))?;
        out.binary("objectSid", &text::sid_bytes(user.rid))?;
        value(&mut out, &mut buffer, "sAMAccountName", |b| text::account_name(b, &user))?;
        out.end()?;
        written.users += 1;
    }
    written.bytes += out.sink.finish()?;
    Ok(())
}

fn groups(plan: &Plan, path: &Path, written: &mut Written) -> io::Result<()> {
    let mut out = Ldif::create(path)?;
    let mut buffer = Vec::new();
    for group in plan.groups().filter(|g| g.fault != Some(Fault::NoAdObject)) {
        value(&mut out, &mut buffer, "dn", |b| text::group_dn(b, &group))?;
        out.text("objectClass", b"top")?;
        out.text("objectClass", b"group")?;
        value(&mut out, &mut buffer, "cn", |b| text::group_cn(b, &group))?;
        written.memberships += members(plan, &group, &mut out, &mut buffer)?;
        value(&mut out, &mut buffer, "displayName", |b| text::group_name(b, &group))?;
        out.binary("objectGUID", &text::guid_bytes(group.guid))?;
        out.binary("objectSid", &text::sid_bytes(group.rid))?;
        value(&mut out, &mut buffer, "sAMAccountName", |b| {
            b.push(b'$');
            text::digits(b, group.number, 7);
            b.extend_from_slice(b"-WRITEBACK");
        })?;
        anchors(plan, &group, &mut out, &mut buffer)?;
        let group_type = match group.fault {
            Some(Fault::GlobalScope) => b"-2147483646",
            Some(Fault::Distribution | Fault::Unified) => &b"8"[..],
            _ => UNIVERSAL_SECURITY,
        };
        out.text("groupType", group_type)?;
        match group.fault {
            Some(Fault::Mail | Fault::MailEnabled | Fault::Unified | Fault::UnifiedSecurity) => {
                value(&mut out, &mut buffer, "mail", |b| {
                    b.push(b'g');
                    text::digits(b, group.number, 7);
                    b.extend_from_slice(b"@contoso.com");
                })?;
            }
            Some(Fault::Protected) => out.text("adminCount", b"1")?,
            _ => {}
        }
        out.end()?;
        written.groups += 1;
    }
    for number in 0..plan.synced_groups {
        let (_, guid, rid) = plan.synced_group(number);
        value(&mut out, &mut buffer, "dn", |b| text::synced_group_dn(b, number))?;
        out.text("objectClass", b"top")?;
        out.text("objectClass", b"group")?;
        out.binary("objectGUID", &text::guid_bytes(guid))?;
        out.binary("objectSid", &text::sid_bytes(rid))?;
        out.text("groupType", UNIVERSAL_SECURITY)?;
        out.end()?;
        written.groups += 1;
    }
    written.bytes += out.sink.finish()?;
    Ok(())
}

/// `adminDescription` and EDOI as the group's fault has them.
fn anchors(plan: &Plan, group: &Group, out: &mut Ldif, buffer: &mut Vec<u8>) -> io::Result<()> {
    match group.fault {
        Some(Fault::NoAnchor) => return Ok(()),
        Some(Fault::MalformedAnchor) => out.text("adminDescription", b"Group_NoSync")?,
        _ => value(out, buffer, "adminDescription", |b| text::anchor(b, group.id))?,
    }
    let name = "msDS-ExternalDirectoryObjectId";
    match group.fault {
        Some(Fault::OtherEdoi) => value(out, buffer, name, |b| text::anchor(b, group.id ^ 0xff)),
        Some(Fault::DuplicateEdoi) => {
            let other = plan.group((group.number + 1) % plan.size.groups, 0);
            value(out, buffer, name, |b| text::anchor(b, other.id))
        }
        Some(Fault::UserEdoi) => value(out, buffer, name, |b| {
            b.extend_from_slice(b"User_");
            text::guid(b, group.id);
        }),
        _ if group.stamped => value(out, buffer, name, |b| text::anchor(b, group.id)),
        _ => Ok(()),
    }
}

/// The members that AD has: those of Entra with an AD object, and what has drifted.
fn members(plan: &Plan, group: &Group, out: &mut Ldif, buffer: &mut Vec<u8>) -> io::Result<u64> {
    let mut count = 0;
    let mut lost = group.fault == Some(Fault::DriftMissing);
    for member in plan.members(group) {
        buffer.clear();
        match member {
            Member::User(number) => {
                let user = plan.user(number);
                if !has_account(&user) || std::mem::take(&mut lost) {
                    continue;
                }
                text::user_dn(buffer, &user);
            }
            Member::Group(number) => text::group_dn(buffer, &plan.group(number, 0)),
            Member::SyncedGroup(number) => text::synced_group_dn(buffer, number),
            Member::Device(_) => continue,
        }
        out.text("member", buffer)?;
        count += 1;
    }
    if group.fault == Some(Fault::DriftExtra) {
        let walk = plan.walk(group);
        let beyond = (group.members..plan.size.users).map(|i| plan.user(walk.at(i)));
        if let Some(user) = beyond.take(100).find(has_account) {
            value(out, buffer, "member", |b| text::user_dn(b, &user))?;
            count += 1;
        }
    }
    Ok(count)
}

fn has_account(user: &User) -> bool {
    user.kind != UserKind::CloudOnly
}

fn value(out: &mut Ldif, buffer: &mut Vec<u8>, name: &str, write: impl FnOnce(&mut Vec<u8>)) -> io::Result<()> {
    buffer.clear();
    write(buffer);
    out.text(name, buffer)
}
