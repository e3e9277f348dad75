//! The attributes of one object as text, by the names that a reader knows them by.

use crate::directory::Text;
use crate::directory::inventory::{AdGroup, EntraGroup, EntraKind, EntraUser, Identifier, Inventory, Tri};

/// An enumeration's published word.
pub(super) fn word(value: impl serde::Serialize) -> String {
    serde_json::to_value(value).ok().and_then(|v| v.as_str().map(str::to_owned)).unwrap_or_default()
}

pub(super) type Values = Vec<(String, Option<String>)>;

pub(super) fn ad_values(inventory: &Inventory, i: u32) -> Values {
    let Some(object) = inventory.ad.objects.get(i as usize) else { return Vec::new() };
    let text = |t: Text| inventory.text.get(t).map(str::to_owned);
    let mut out: Values = vec![
        ("distinguishedName".to_owned(), Some(inventory.dn(i).to_owned())),
        ("objectClass".to_owned(), Some(word(object.class))),
        ("objectGUID".to_owned(), (!object.guid.is_nil()).then(|| object.guid.to_string())),
        ("objectSid".to_owned(), inventory.sids.get(object.sid).map(|s| s.to_string())),
        ("sAMAccountName".to_owned(), text(object.sam_account_name)),
    ];
    if let Some(descriptor) = inventory.ad.descriptors.get(object.security as usize) {
        let hash = xxhash_rust::xxh3::xxh3_64(descriptor);
        out.push(("nTSecurityDescriptor".to_owned(), Some(format!("{} bytes, {hash:016x}", descriptor.len()))));
    }
    if let Some(group) = inventory.ad.groups.get(object.group as usize) {
        out.extend(ad_group_values(inventory, group));
    }
    out
}

fn ad_group_values(inventory: &Inventory, group: &AdGroup) -> Values {
    let text = |t: Text| inventory.text.get(t).map(str::to_owned);
    let flag = |set: bool| set.then(|| "yes".to_owned());
    [
        ("groupType", group.group_type.map(|t| t.to_string())),
        ("adminDescription", text(group.admin_description)),
        ("msDS-ExternalDirectoryObjectId", text(group.edoi)),
        ("displayName", text(group.display_name)),
        ("description", text(group.description)),
        ("mail", text(group.mail)),
        ("proxyAddresses", flag(group.has_proxy_addresses)),
        ("adminCount", flag(group.admin_count)),
        ("msDS-ObjectSoa", text(group.object_soa)),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value))
    .collect()
}

fn tri(value: Tri) -> Option<String> {
    match value {
        Tri::Absent => None,
        Tri::Null => Some("null".to_owned()),
        Tri::False => Some("false".to_owned()),
        Tri::True => Some("true".to_owned()),
    }
}

pub(super) fn entra_values(inventory: &Inventory, i: u32) -> Values {
    let Some(object) = inventory.entra.objects.get(i as usize) else { return Vec::new() };
    match object.kind {
        EntraKind::Group => match inventory.entra.groups.get(object.detail as usize) {
            Some(group) => entra_group_values(inventory, group),
            None => Vec::new(),
        },
        EntraKind::User => match inventory.entra.users.get(object.detail as usize) {
            Some(user) => entra_user_values(inventory, user, object.name),
            None => Vec::new(),
        },
        _ => vec![("type".to_owned(), Some(word(object.kind)))],
    }
}

fn entra_group_values(inventory: &Inventory, group: &EntraGroup) -> Values {
    let text = |t: Text| inventory.text.get(t).map(str::to_owned);
    let mut out: Values = [
        ("displayName", text(group.display_name)),
        ("description", text(group.description)),
        ("mailNickname", text(group.mail_nickname)),
        ("securityEnabled", tri(group.security_enabled)),
        ("mailEnabled", tri(group.mail_enabled)),
        ("groupTypes: Unified", tri(group.unified)),
        ("groupTypes: DynamicMembership", tri(group.dynamic)),
        ("membershipRuleProcessingState: Paused", tri(group.paused)),
        ("onPremisesSyncEnabled", tri(group.synced)),
        ("isAssignableToRole", tri(group.role_assignable)),
        ("isManagementRestricted", tri(group.management_restricted)),
        ("isCloudManaged", tri(group.cloud_managed)),
        ("writebackConfiguration.isEnabled", tri(group.writeback.is_enabled)),
        ("writebackConfiguration.onPremisesGroupType", text(group.writeback.group_type)),
        ("deleted", group.deleted.then(|| "true".to_owned())),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value))
    .collect();
    let (first, count) = group.extensions;
    for (name, value) in &inventory.entra.extensions[first as usize..first as usize + usize::from(count)] {
        out.push((text(*name).unwrap_or_default(), text(*value)));
    }
    out
}

fn entra_user_values(inventory: &Inventory, user: &EntraUser, name: Text) -> Values {
    let text = |t: Text| inventory.text.get(t).map(str::to_owned);
    let identifier = match user.on_premises_id {
        Identifier::Absent => None,
        Identifier::Null => Some("null".to_owned()),
        Identifier::Guid(guid) => Some(guid.to_string()),
        Identifier::Unreadable(value) => text(value),
    };
    [
        ("name", text(name)),
        ("onPremisesSyncEnabled", tri(user.synced)),
        ("onPremisesObjectIdentifier", identifier),
        ("onPremisesSecurityIdentifier", user.sid.and_then(|s| inventory.sids.get(s)).map(|s| s.to_string())),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value))
    .collect()
}
