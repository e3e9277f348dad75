//! What the bodies about the tenant as a whole mean: organization, on-premises synchronization, licences.

use crate::directory::inventory::{Sku, Tenant};
use serde_json::Value;

/// `organization`: which tenant this is.
pub(super) fn organization(tenant: &mut Tenant, value: &Value) {
    tenant.collections.insert("organization".to_owned(), 1);
    tenant.id = text(value, "id");
    tenant.display_name = text(value, "displayName");
    let domains = value.get("verifiedDomains").and_then(Value::as_array);
    tenant.default_domain = domains
        .and_then(|d| d.iter().find(|d| d.get("isDefault") == Some(&Value::Bool(true))))
        .and_then(|d| text(d, "name"));
}

/// `directory/onPremisesSynchronization`, of v1.0 or beta: each fills what the other lacks.
pub(super) fn synchronization(tenant: &mut Tenant, value: &Value) {
    tenant.collections.insert("onPremisesSynchronization".to_owned(), 1);
    let feature = |name: &str| value.get("features").and_then(|f| f.get(name)).and_then(Value::as_bool);
    tenant.group_writeback = tenant.group_writeback.or(feature("groupWriteBackEnabled"));
    tenant.unified_group_writeback = tenant.unified_group_writeback.or(feature("unifiedGroupWritebackEnabled"));
    if let Some(configuration) = value.get("configuration") {
        let writeback = configuration.get("writebackConfiguration");
        tenant.writeback_container = writeback
            .and_then(|w| text(w, "unifiedGroupContainer"))
            .filter(|t| !t.is_empty())
            .or(tenant.writeback_container.take());
        tenant.connect_version = text(configuration, "synchronizationClientVersion")
            .filter(|t| !t.is_empty())
            .or(tenant.connect_version.take());
    }
}

/// One of `subscribedSkus`.
pub(super) fn sku(value: &Value) -> Sku {
    let plans = value.get("servicePlans").and_then(Value::as_array);
    Sku {
        sku_part_number: text(value, "skuPartNumber").unwrap_or_default(),
        service_plans: plans.map(|p| p.iter().filter_map(|p| text(p, "servicePlanName")).collect()).unwrap_or_default(),
    }
}

/// The notification settings among the secrets of a configuration: threshold of deletions and who is told. No other key
/// is looked at, and of this one only these four properties are kept.
pub(super) fn notification(secret: &Value) -> Option<Value> {
    const KEPT: [&str; 4] = ["Enabled", "Recipients", "DeleteThresholdEnabled", "DeleteThresholdValue"];
    if !text(secret, "key")?.eq_ignore_ascii_case("SyncNotificationSettings") {
        return None;
    }
    let settings: Value = serde_json::from_str(&text(secret, "value")?).ok()?;
    let kept = KEPT.iter().filter_map(|name| Some(((*name).to_owned(), settings.get(*name)?.clone())));
    Some(Value::Object(kept.collect()))
}

fn text(value: &Value, name: &str) -> Option<String> {
    value.get(name).and_then(Value::as_str).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn nothing_else_of_the_secrets_is_kept() {
        let settings = json!({ "Enabled": true, "Recipients": "ops@contoso.com", "DeleteThresholdEnabled": true,
            "DeleteThresholdValue": 50, "Password": "p" });
        let secret = |key: &str, value: String| json!({ "key": key, "value": value });
        let found = notification(&secret("SyncNotificationSettings", settings.to_string())).unwrap();
        assert_eq!((found.get("Recipients").unwrap(), found.get("Password")), (&json!("ops@contoso.com"), None));
        assert_eq!(notification(&secret("AppKey", settings.to_string())), None);
        assert_eq!(notification(&secret("SyncNotificationSettings", "*****".to_owned())), None);
        assert_eq!(notification(&json!({ "key": "SyncNotificationSettings", "value": null })), None);
    }
}
