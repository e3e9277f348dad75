//! The example's Active Directory as two exports: everything but users by `ldifde`, users and the largest groups by
//! `ldapsearch`.

use super::access;
use super::ldif::{Dialect, Ldif};
use super::row::Trait;
use super::staff::{badge, badge_dn};
use super::tenant::{
    AGENT_RID, AdGroup, BADGE_COUNT, COMPANY, DNS_DOMAIN, Group, Member, NETBIOS, ROOT, Tenant, account_sid,
    containers, derived, dn, domain_sid, first_value,
};
use std::io::{Result, Write};

const CREATED: &str = "20190304081500.0Z";
const WRITTEN_BACK: &str = "20220615113000.0Z";
const CHANGED: &str = "20261119214500.0Z";
/// A domain controller returns at most this many values at once.
const RANGE: usize = 1_500;

/// Groups whose member list a domain controller hands out in ranges.
fn is_large(group: &Group) -> bool {
    group.ad_members.iter().any(|m| matches!(m, Member::Badges(n) if *n as usize > RANGE))
}

/// `ad/groups.ldf`.
pub fn groups(out: impl Write, tenant: &Tenant) -> Result<()> {
    let mut ldif = Ldif::new(out, Dialect::Ldifde);
    domain(&mut ldif)?;
    forest(&mut ldif)?;
    accounts(&mut ldif)?;
    for group in &tenant.ad_groups {
        ad_group(&mut ldif, tenant, group)?;
    }
    for group in tenant.groups.iter().filter(|g| !is_large(g)) {
        let Some(dn) = &group.dn else { continue };
        written_back(&mut ldif, group, dn)?;
        members(&mut ldif, tenant, &group.ad_members)?;
        ldif.end()?;
        if let Some(copy) = &group.copy {
            ldif.entry(copy, &["top", "group"])?;
            ldif.value("cn", &first_value(copy))?;
            ldif.value("sAMAccountName", &format!("{}-old", group.sam))?;
            ldif.value("groupType", &group.group_type.0.to_string())?;
            ldif.optional("adminDescription", group.admin_description.as_deref())?;
            ldif.binary("objectGUID", &derived(copy).to_ad_bytes())?;
            ldif.binary("objectSid", &account_sid(group.rid + 1_000).to_bytes())?;
            ldif.binary("nTSecurityDescriptor", &access::of_ordinary_group())?;
            members(&mut ldif, tenant, &group.ad_members)?;
            ldif.end()?;
        }
    }
    Ok(())
}

/// `ad/users.ldif`.
pub fn users(out: impl Write, tenant: &Tenant) -> Result<()> {
    let mut ldif = Ldif::new(out, Dialect::Ldapsearch);
    const CLASSES: [&str; 4] = ["top", "person", "organizationalPerson", "user"];
    for person in &tenant.people {
        let (Some(dn), Some(sid)) = (&person.dn, &person.sid) else { continue };
        ldif.entry(dn, &CLASSES)?;
        ldif.value("cn", &person.cn)?;
        ldif.value("sn", &person.surname)?;
        ldif.value("givenName", &person.given)?;
        ldif.value("displayName", &person.display_name)?;
        ldif.value("department", person.department)?;
        ldif.value("company", COMPANY)?;
        ldif.value("sAMAccountName", &person.sam)?;
        ldif.value("userPrincipalName", &person.upn)?;
        ldif.value("userAccountControl", "512")?;
        ldif.value("whenChanged", CHANGED)?;
        ldif.binary("objectGUID", &person.guid.to_ad_bytes())?;
        ldif.binary("objectSid", &sid.to_bytes())?;
        ldif.end()?;
    }
    for number in 1..=BADGE_COUNT {
        let badge = badge(number);
        ldif.entry(&badge.dn, &CLASSES)?;
        ldif.value("sAMAccountName", &badge.sam)?;
        ldif.binary("objectGUID", &badge.guid.to_ad_bytes())?;
        ldif.binary("objectSid", &badge.sid.to_bytes())?;
        ldif.end()?;
    }
    for group in tenant.groups.iter().filter(|g| is_large(g)) {
        let Some(dn) = &group.dn else { continue };
        for member in &group.ad_members {
            if let Member::Badges(count) = member {
                in_ranges(&mut ldif, group, dn, *count)?;
            }
        }
    }
    Ok(())
}

fn in_ranges<W: Write>(ldif: &mut Ldif<W>, group: &Group, dn: &str, count: u32) -> Result<()> {
    let numbers: Vec<u32> = (1..=count).collect();
    for (i, range) in numbers.chunks(RANGE).enumerate() {
        match i {
            0 => written_back(ldif, group, dn)?,
            _ => ldif.again(dn)?,
        }
        let first = i * RANGE;
        let last = match first + range.len() < numbers.len() {
            true => (first + range.len() - 1).to_string(),
            false => "*".to_owned(),
        };
        let name = format!("member;range={first}-{last}");
        for number in range {
            ldif.value(&name, &badge_dn(*number))?;
        }
        ldif.end()?;
    }
    Ok(())
}

/// An entry of a written-back group but for its members and its end.
fn written_back<W: Write>(ldif: &mut Ldif<W>, group: &Group, dn: &str) -> Result<()> {
    let row = group.row;
    let mail = format!("{}@{DNS_DOMAIN}", group.nickname.to_lowercase());
    let mail_enabled = row.traits.iter().any(|t| {
        matches!(
            t,
            Trait::AdMail
                | Trait::MailEnabledSecurity
                | Trait::DistributionList
                | Trait::Microsoft365(Some("universalMailEnabledSecurityGroup"))
        )
    });
    ldif.entry(dn, &["top", "group"])?;
    ldif.value("cn", &group.cn)?;
    ldif.value(
        "displayName",
        row.find(|t| if let Trait::FormerName(n) = t { Some(*n) } else { None }).unwrap_or(row.name),
    )?;
    ldif.value("sAMAccountName", &group.sam)?;
    ldif.value("groupType", &group.group_type.0.to_string())?;
    ldif.optional("adminDescription", group.admin_description.as_deref())?;
    ldif.optional("msDS-ExternalDirectoryObjectId", group.edoi.as_deref())?;
    if mail_enabled {
        ldif.value("mail", &mail)?;
        ldif.value("proxyAddresses", &format!("SMTP:{mail}"))?;
    }
    if row.has(Trait::AdminCount) {
        ldif.value("adminCount", "1")?;
    }
    if row.has(Trait::ObjectSoa) {
        ldif.value("msDS-ObjectSoa", "Cloud")?;
    }
    ldif.value("whenCreated", WRITTEN_BACK)?;
    ldif.value("whenChanged", CHANGED)?;
    ldif.binary("objectGUID", &group.guid.to_ad_bytes())?;
    ldif.binary("objectSid", &account_sid(group.rid).to_bytes())?;
    ldif.binary("nTSecurityDescriptor", &access::of_group(group))?;
    group.member_of.iter().try_for_each(|parent| ldif.value("memberOf", parent))
}

fn ad_group<W: Write>(ldif: &mut Ldif<W>, tenant: &Tenant, group: &AdGroup) -> Result<()> {
    ldif.entry(&group.dn, &["top", "group"])?;
    ldif.value("cn", group.row.name)?;
    ldif.value("sAMAccountName", &group.sam)?;
    ldif.value("groupType", &group.row.group_type.to_string())?;
    if !group.row.synced {
        ldif.value("adminCount", "1")?;
        ldif.value("isCriticalSystemObject", "TRUE")?;
    }
    ldif.value("whenCreated", CREATED)?;
    ldif.value("whenChanged", CHANGED)?;
    ldif.binary("objectGUID", &group.guid.to_ad_bytes())?;
    ldif.binary("objectSid", &group.sid.to_bytes())?;
    ldif.binary("nTSecurityDescriptor", &access::of_ordinary_group())?;
    group.member_of.iter().try_for_each(|parent| ldif.value("memberOf", parent))?;
    members(ldif, tenant, &group.members)?;
    ldif.end()
}

fn members<W: Write>(ldif: &mut Ldif<W>, tenant: &Tenant, members: &[Member]) -> Result<()> {
    for member in members {
        match *member {
            Member::Person(i) => ldif.optional("member", tenant.people[i].dn.as_deref())?,
            Member::Group(i) => ldif.optional("member", tenant.groups[i].dn.as_deref())?,
            Member::AdGroup(i) => ldif.value("member", &tenant.ad_groups[i].dn)?,
            Member::Badges(count) => (1..=count).try_for_each(|n| ldif.value("member", &badge_dn(n)))?,
            Member::Other(_) => {}
        }
    }
    Ok(())
}

/// The domain, its units, and the policy object of AD object enforcement.
fn domain<W: Write>(ldif: &mut Ldif<W>) -> Result<()> {
    ldif.entry(ROOT, &["top", "domain", "domainDNS"])?;
    ldif.value("dc", "fabrikam")?;
    ldif.value("msDS-Behavior-Version", "7")?;
    ldif.binary("objectGUID", &derived("ad/domain").to_ad_bytes())?;
    ldif.binary("objectSid", &domain_sid().to_bytes())?;
    ldif.binary("nTSecurityDescriptor", &access::of_domain())?;
    ldif.end()?;
    for below in containers() {
        let dn = format!("{below},{ROOT}");
        let (class, attribute) = match below.starts_with("OU=") {
            true => ("organizationalUnit", "ou"),
            false => ("container", "cn"),
        };
        ldif.entry(&dn, &["top", class])?;
        ldif.value(attribute, &first_value(&dn))?;
        ldif.value("whenCreated", CREATED)?;
        ldif.binary("objectGUID", &derived(&format!("ad/container/{below}")).to_ad_bytes())?;
        ldif.binary("nTSecurityDescriptor", &access::of_unit())?;
        ldif.end()?;
    }
    let policies = format!("CN=SOA-Policies,CN=System,{ROOT}");
    ldif.entry(&policies, &["top", "container"])?;
    ldif.value("cn", "SOA-Policies")?;
    ldif.end()?;
    ldif.entry(&format!("CN=Cloud,{policies}"), &["top", "container"])?;
    ldif.value("cn", "Cloud")?;
    ldif.value("msDS-Settings", "Enforced")?;
    ldif.value("msDS-Settings", &account_sid(AGENT_RID).to_string())?;
    ldif.end()
}

/// What the configuration and schema partitions tell of the forest.
fn forest<W: Write>(ldif: &mut Ldif<W>) -> Result<()> {
    let configuration = format!("CN=Configuration,{ROOT}");
    let schema = format!("CN=Schema,{configuration}");
    ldif.entry(&schema, &["top", "dMD"])?;
    ldif.value("cn", "Schema")?;
    ldif.value("objectVersion", "88")?;
    ldif.end()?;
    for (cn, name, oid) in [
        ("ms-DS-External-Directory-Object-Id", "msDS-ExternalDirectoryObjectId", "1.2.840.113556.1.4.2310"),
        ("Admin-Description", "adminDescription", "1.2.840.113556.1.2.226"),
    ] {
        ldif.entry(&format!("CN={cn},{schema}"), &["top", "attributeSchema"])?;
        ldif.value("lDAPDisplayName", name)?;
        ldif.value("attributeID", oid)?;
        ldif.value("isSingleValued", "TRUE")?;
        ldif.end()?;
    }
    let partitions = format!("CN=Partitions,{configuration}");
    ldif.entry(&format!("CN={NETBIOS},{partitions}"), &["top", "crossRef"])?;
    ldif.value("nCName", ROOT)?;
    ldif.value("dnsRoot", DNS_DOMAIN)?;
    ldif.value("nETBIOSName", NETBIOS)?;
    ldif.value("systemFlags", "3")?;
    ldif.end()?;
    let features = format!("CN=Optional Features,CN=Directory Service,CN=Windows NT,CN=Services,{configuration}");
    ldif.entry(&format!("CN=Recycle Bin Feature,{features}"), &["top", "msDS-OptionalFeature"])?;
    ldif.value("cn", "Recycle Bin Feature")?;
    ldif.value("msDS-EnabledFeatureBL", &partitions)?;
    ldif.end()
}

/// Domain controllers and the provisioning agent's managed service account.
fn accounts<W: Write>(ldif: &mut Ldif<W>) -> Result<()> {
    for (i, (name, system)) in [
        ("FABDC01", "Windows Server 2025 Datacenter"),
        ("FABDC02", "Windows Server 2022 Standard"),
        ("FABDC03", "Windows Server 2019 Standard"),
    ]
    .into_iter()
    .enumerate()
    {
        ldif.entry(&dn(name, "OU=Domain Controllers"), &["top", "person", "organizationalPerson", "user", "computer"])?;
        ldif.value("cn", name)?;
        ldif.value("sAMAccountName", &format!("{name}$"))?;
        ldif.value("dNSHostName", &format!("{}.{DNS_DOMAIN}", name.to_lowercase()))?;
        ldif.value("operatingSystem", system)?;
        ldif.value("userAccountControl", "532480")?;
        ldif.value("primaryGroupID", "516")?;
        ldif.binary("objectGUID", &derived(name).to_ad_bytes())?;
        ldif.binary("objectSid", &account_sid(1_000 + i as u32).to_bytes())?;
        ldif.end()?;
    }
    ldif.entry(
        &dn("provAgentgMSA", "CN=Managed Service Accounts"),
        &["top", "person", "organizationalPerson", "user", "computer", "msDS-GroupManagedServiceAccount"],
    )?;
    ldif.value("cn", "provAgentgMSA")?;
    ldif.value("sAMAccountName", "provAgentgMSA$")?;
    ldif.value("userAccountControl", "4096")?;
    ldif.value("primaryGroupID", "515")?;
    ldif.binary("objectGUID", &derived("provAgentgMSA").to_ad_bytes())?;
    ldif.binary("objectSid", &account_sid(AGENT_RID).to_bytes())?;
    ldif.end()
}
