//! The example's tenant as Graph answers: groups of v1.0 with their members, what only beta tells of them, deleted
//! groups, users, and the tenant itself.

use super::row::Trait;
use super::staff::{Person, badge, badge_id};
use super::tenant::{
    AdGroup, BADGE_COUNT, CLOUD_DOMAIN, CN_EXTENSION, COMPANY, DNS_DOMAIN, Group, Member, NETBIOS, OTHERS, ROOT,
    Tenant, WRITEBACK, account_sid, derived,
};
use serde_json::{Map, Value, json};
use std::io::{Result, Write};

pub const TENANT_LABEL: &str = "entra/tenant";
const SYNCED: &str = "2026-11-20T21:14:07Z";
const V1: &str = "https://graph.microsoft.com/v1.0/$metadata#";

/// A response body whose objects stand one a line.
struct Body<W> {
    out: W,
    first: bool,
}

impl<W: Write> Body<W> {
    fn open(mut out: W, context: &str) -> Result<Self> {
        write!(out, "{{\"@odata.context\":{},\"value\":[", json!(format!("{V1}{context}")))?;
        Ok(Body { out, first: true })
    }
    fn separate(&mut self) -> Result<()> {
        self.out.write_all(if std::mem::take(&mut self.first) { b"\n" } else { b",\n" })
    }
    fn object(&mut self, object: &Value) -> Result<()> {
        self.separate()?;
        serde_json::to_writer(&mut self.out, object)?;
        Ok(())
    }
    fn close(mut self) -> Result<()> {
        self.out.write_all(b"\n]}\n")
    }
}

pub fn pretty(mut out: impl Write, value: &Value) -> Result<()> {
    serde_json::to_writer_pretty(&mut out, value)?;
    out.write_all(b"\n")
}

fn exists(group: &Group) -> bool {
    !group.row.has(Trait::NotInEntra) && !group.row.has(Trait::SoftDeleted)
}

/// `entra/groups-v1.json`.
pub fn groups_v1(out: impl Write, tenant: &Tenant) -> Result<()> {
    let mut body = Body::open(out, "groups")?;
    for group in tenant.groups.iter().filter(|g| exists(g)) {
        body.separate()?;
        write_group(&mut body.out, tenant, &properties(group), &group.members)?;
    }
    for group in tenant.ad_groups.iter().filter(|g| g.row.synced) {
        body.separate()?;
        write_group(&mut body.out, tenant, &synced_properties(group), &group.members)?;
    }
    body.close()
}

/// An object with its member list appended, streamed because a list can be long.
fn write_group(
    mut out: impl Write,
    tenant: &Tenant,
    properties: &Map<String, Value>,
    members: &[Member],
) -> Result<()> {
    let text = serde_json::to_string(properties)?;
    write!(out, "{},\"members\":[", text.strip_suffix('}').unwrap_or(&text))?;
    let mut separator = "";
    for member in members {
        let (kind, id) = match *member {
            Member::Person(i) => ("#microsoft.graph.user", tenant.people[i].id),
            Member::Group(i) => ("#microsoft.graph.group", tenant.groups[i].id),
            Member::AdGroup(i) => ("#microsoft.graph.group", tenant.ad_groups[i].id),
            Member::Other(i) => (OTHERS[i].0, derived(&format!("entra/other/{}", OTHERS[i].1))),
            Member::Badges(count) => {
                for number in 1..=count {
                    let id = badge_id(number);
                    write!(out, "{separator}{{\"@odata.type\":\"#microsoft.graph.user\",\"id\":\"{id}\"}}")?;
                    separator = ",";
                }
                continue;
            }
        };
        write!(out, "{separator}{{\"@odata.type\":\"{kind}\",\"id\":\"{id}\"}}")?;
        separator = ",";
    }
    out.write_all(b"]}")
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

fn properties(group: &Group) -> Map<String, Value> {
    let row = group.row;
    let unified = row.traits.iter().any(|t| matches!(t, Trait::Microsoft365(_)));
    let distribution = row.has(Trait::DistributionList);
    let mail_enabled = unified || distribution || row.has(Trait::MailEnabledSecurity);
    let dynamic = row.has(Trait::Dynamic);
    let mail = mail_enabled.then(|| format!("{}@{DNS_DOMAIN}", group.nickname.to_lowercase()));
    let mut types = Vec::new();
    if unified {
        types.push("Unified");
    }
    if dynamic {
        types.push("DynamicMembership");
    }
    // A department's name is the second word of its group's.
    let rule = format!("(user.department -eq {})", json!(row.name.split_once(' ').map_or(row.name, |(_, name)| name)));
    let state = if row.has(Trait::Paused) { "Paused" } else { "On" };
    let on_premises = row.has(Trait::Synced) || row.has(Trait::CloudManaged);
    let mut out = object(json!({
        "id": group.id.to_string(),
        "displayName": row.name,
        "description": Value::Null,
        "createdDateTime": "2022-06-01T08:00:00Z",
        "groupTypes": types,
        "isAssignableToRole": row.has(Trait::RoleAssignable).then_some(true),
        "mail": mail,
        "mailEnabled": mail_enabled,
        "mailNickname": group.nickname,
        "membershipRule": dynamic.then_some(rule),
        "membershipRuleProcessingState": dynamic.then_some(state),
        "onPremisesDomainName": on_premises.then_some(DNS_DOMAIN),
        "onPremisesLastSyncDateTime": row.has(Trait::Synced).then_some(SYNCED),
        "onPremisesNetBiosName": on_premises.then_some(NETBIOS),
        "onPremisesSamAccountName": on_premises.then_some(&group.sam),
        "onPremisesSecurityIdentifier": on_premises.then(|| account_sid(group.rid).to_string()),
        "onPremisesSyncEnabled": row.has(Trait::Synced).then_some(true),
        "proxyAddresses": mail.iter().map(|m| format!("SMTP:{m}")).collect::<Vec<_>>(),
        "securityEnabled": !distribution && !matches!(row.find(unified_type), Some(None | Some("universalDistributionGroup"))),
        "visibility": unified.then_some("Private"),
    }));
    if group.in_scope && group.cn.starts_with("Group_") && !row.has(Trait::CnNotKept) {
        out.insert(CN_EXTENSION.into(), json!(group.cn));
    }
    out
}

fn unified_type(t: &Trait) -> Option<Option<&'static str>> {
    if let Trait::Microsoft365(kind) = t { Some(*kind) } else { None }
}

fn synced_properties(group: &AdGroup) -> Map<String, Value> {
    object(json!({
        "id": group.id.to_string(),
        "displayName": group.row.name,
        "description": Value::Null,
        "createdDateTime": "2019-03-04T09:00:00Z",
        "groupTypes": [],
        "isAssignableToRole": Value::Null,
        "mail": Value::Null,
        "mailEnabled": false,
        "mailNickname": group.sam.replace(' ', ""),
        "membershipRule": Value::Null,
        "membershipRuleProcessingState": Value::Null,
        "onPremisesDomainName": DNS_DOMAIN,
        "onPremisesLastSyncDateTime": SYNCED,
        "onPremisesNetBiosName": NETBIOS,
        "onPremisesSamAccountName": group.sam,
        "onPremisesSecurityIdentifier": group.sid.to_string(),
        "onPremisesSyncEnabled": true,
        "proxyAddresses": [],
        "securityEnabled": true,
        "visibility": Value::Null,
    }))
}

fn writeback(group: &Group) -> Value {
    let row = group.row;
    let kind = match row.find(unified_type) {
        Some(kind) => kind,
        None if row.has(Trait::DistributionList) || row.has(Trait::Synced) => None,
        None => Some("universalSecurityGroup"),
    };
    let enabled = row.find(|t| if let Trait::Writeback(on) = t { Some(*on) } else { None }).unwrap_or(Some(true));
    json!({ "isEnabled": enabled, "onPremisesGroupType": kind })
}

/// What only beta tells of a group.
fn beta(group: &Group) -> Map<String, Value> {
    object(json!({
        "isManagementRestricted": group.row.has(Trait::ManagementRestricted),
        "writebackConfiguration": writeback(group),
        "onPremisesSyncBehavior": { "isCloudManaged": group.row.has(Trait::CloudManaged) },
    }))
}

/// `entra/groups-beta.json`: JSON Lines.
pub fn groups_beta(mut out: impl Write, tenant: &Tenant) -> Result<()> {
    for group in tenant.groups.iter().filter(|g| exists(g)) {
        let mut line = object(json!({ "id": group.id.to_string(), "displayName": group.row.name }));
        line.extend(beta(group));
        writeln!(out, "{}", Value::Object(line))?;
    }
    for group in tenant.ad_groups.iter().filter(|g| g.row.synced) {
        let line = json!({
            "id": group.id.to_string(),
            "displayName": group.row.name,
            "isManagementRestricted": false,
            "writebackConfiguration": { "isEnabled": Value::Null, "onPremisesGroupType": Value::Null },
            "onPremisesSyncBehavior": { "isCloudManaged": false },
        });
        writeln!(out, "{line}")?;
    }
    Ok(())
}

/// `entra/deletedItems.json`.
pub fn deleted_items(out: impl Write, tenant: &Tenant) -> Result<()> {
    let mut body = Body::open(out, "groups")?;
    for group in tenant.groups.iter().filter(|g| g.row.has(Trait::SoftDeleted)) {
        let mut all = properties(group);
        all.extend(beta(group));
        all.insert("deletedDateTime".into(), json!("2026-11-09T13:26:40Z"));
        body.separate()?;
        write_group(&mut body.out, tenant, &all, &group.members)?;
    }
    body.close()
}

/// `entra/users.json`.
pub fn users(out: impl Write, tenant: &Tenant) -> Result<()> {
    let mut body = Body::open(out, "users")?;
    for person in &tenant.people {
        body.object(&user(person))?;
    }
    for number in 1..=BADGE_COUNT {
        let badge = badge(number);
        body.separate()?;
        write!(
            body.out,
            "{{\"id\":\"{}\",\"userPrincipalName\":\"{}@{DNS_DOMAIN}\",\"onPremisesSyncEnabled\":true,\
             \"onPremisesObjectIdentifier\":\"{}\",\"onPremisesSecurityIdentifier\":\"{}\"}}",
            badge.id, badge.sam, badge.guid, badge.sid
        )?;
    }
    body.close()
}

fn user(person: &Person) -> Value {
    json!({
        "id": person.id.to_string(),
        "displayName": person.display_name,
        "userPrincipalName": person.upn,
        "department": person.department,
        "companyName": COMPANY,
        "officeLocation": person.site,
        "usageLocation": person.country,
        "accountEnabled": true,
        "userType": "Member",
        "onPremisesSyncEnabled": person.synced.then_some(true),
        "onPremisesObjectIdentifier": person.identifier.map(|g| g.to_string()),
        "onPremisesImmutableId": person.synced.then(|| person.identifier.unwrap_or(person.guid).to_immutable_id()),
        "onPremisesSecurityIdentifier": person.sid.as_ref().map(|s| s.to_string()),
        "onPremisesSamAccountName": person.synced.then_some(&person.sam),
        "onPremisesDistinguishedName": person.dn,
    })
}

/// `entra/organization.json`.
pub fn organization() -> Value {
    json!({ "@odata.context": format!("{V1}organization"), "value": [{
        "id": derived(TENANT_LABEL).to_string(),
        "displayName": COMPANY,
        "countryLetterCode": "DE",
        "onPremisesSyncEnabled": true,
        "onPremisesLastSyncDateTime": SYNCED,
        "verifiedDomains": [
            { "name": CLOUD_DOMAIN, "isDefault": false, "isInitial": true, "type": "Managed" },
            { "name": DNS_DOMAIN, "isDefault": true, "isInitial": false, "type": "Managed" },
        ],
    }]})
}

/// `entra/onPremisesSynchronization.json`, as beta answers.
pub fn on_premises_synchronization() -> Value {
    json!({
        "@odata.context": "https://graph.microsoft.com/beta/$metadata#directory/onPremisesSynchronization",
        "value": [{
            "id": derived(TENANT_LABEL).to_string(),
            "configuration": {
                "accidentalDeletionPrevention": { "synchronizationPreventionType": "enabledForCount", "alertThreshold": 500 },
                "anchorAttribute": "mS-DS-ConsistencyGuid",
                "synchronizationClientVersion": super::connect::VERSION,
                "synchronizationInterval": "PT30M",
                "writebackConfiguration": {
                    "unifiedGroupContainer": format!("{WRITEBACK},{ROOT}"),
                    "userContainer": Value::Null,
                },
            },
            "features": {
                "passwordSyncEnabled": true,
                "passwordWritebackEnabled": true,
                "deviceWritebackEnabled": false,
                "unifiedGroupWritebackEnabled": true,
                "groupWriteBackEnabled": true,
                "blockSoftMatchEnabled": true,
                "blockCloudObjectTakeoverThroughHardMatchEnabled": true,
            },
        }],
    })
}

/// `entra/subscribedSkus.json`.
pub fn subscribed_skus() -> Value {
    json!({ "@odata.context": format!("{V1}subscribedSkus"), "value": [{
        "skuPartNumber": "SPE_E5",
        "capabilityStatus": "Enabled",
        "consumedUnits": 331,
        "prepaidUnits": { "enabled": 400 },
        "servicePlans": [
            { "servicePlanName": "AAD_PREMIUM", "provisioningStatus": "Success" },
            { "servicePlanName": "AAD_PREMIUM_P2", "provisioningStatus": "Success" },
        ],
    }]})
}

/// The AD container that groups are provisioned to.
pub fn target_container() -> String {
    format!("{WRITEBACK},{ROOT}")
}

/// The agents' host names.
pub fn agent_host(number: u32) -> String {
    format!("fabsync{number:02}.{DNS_DOMAIN}")
}
