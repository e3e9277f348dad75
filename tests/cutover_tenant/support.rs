//! A tenant with a job, and the port to it.

use super::tenant::Tenant;
use super::tenant::collecting::{config_with, example_of};
use super::tenant::faults::{Kind, Planned};
use super::tenant::login::Login;
use super::tenant::server::{Server, start};
use super::tenant::state::State;
use groupshift::collect::live::Wishes;
use groupshift::config::Config;
use groupshift::cutover::live::flight::Flight;
use groupshift::cutover::live::tenant::{LiveTenant, Words};
use groupshift::cutover::port::{JobState, Tenant as _};
use groupshift::directory::ObjectGuid;
use serde_json::{Value, json};
use std::sync::OnceLock;

pub const DOMAIN: &str = "fabrikam.example";
/// The tenant's id, as the configuration names it.
pub const TENANT: &str = "4b5c3221-c465-48c0-95b8-e9305786a272";
pub const APP: &str = "0b11c2aa-0000-4000-8000-00000000c10d";

pub struct Lab {
    pub state: State,
    pub server: Server,
    pub config: Config,
    /// Security groups with members, in order.
    pub groups: Vec<String>,
    _folder: tempfile::TempDir,
}

fn example() -> &'static tempfile::TempDir {
    static EXAMPLE: OnceLock<tempfile::TempDir> = OnceLock::new();
    EXAMPLE.get_or_init(|| example_of(&["0", "1"]))
}

/// The example tenant, a part of it.
pub fn tenant() -> Tenant {
    let mut tenant = Tenant::load(example().path());
    let application = json!([{ "id": "0b11c2aa-0000-4000-8000-00000000c10c", "appId": APP,
        "displayName": "CloudSyncCustomExtensionsApp",
        "identifierUris": [format!("api://{TENANT}/CloudSyncCustomExtensionsApp")] }]);
    tenant.fixed.insert("/applications".to_owned(), application);
    // More groups than a request takes, in nobody's scope.
    let people: Vec<String> = tenant.users.keys().take(6).cloned().collect();
    assert_eq!(people.len(), 6);
    for n in 0..25 {
        let id = format!("b0000000-0000-4000-8000-{n:012x}");
        let group = json!({ "id": id, "displayName": format!("Team {n}"), "mailNickname": format!("team-{n}"),
            "securityEnabled": true, "mailEnabled": false, "groupTypes": [], "onPremisesSyncEnabled": null,
            "visibility": null, "writebackConfiguration": { "isEnabled": true, "onPremisesGroupType": null } });
        tenant.groups.insert(id.clone(), group);
        tenant.kinds.insert(id.clone(), "#microsoft.graph.group".to_owned());
        tenant.members.insert(id, people.iter().cloned().collect());
    }
    tenant.login = Some(Login { secret: Some("a-secret".to_owned()), ..Login::default() });
    tenant
}

pub fn lab() -> Lab {
    lab_of(tenant())
}

pub fn lab_of(tenant: Tenant) -> Lab {
    let server = start(tenant);
    let folder = tempfile::tempdir().unwrap();
    let secret = folder.path().join("secret");
    std::fs::write(&secret, "a-secret").unwrap();
    let auth = format!("auth = \"secret\"\nclient_secret_file = {}", json!(secret.to_string_lossy()));
    let mut config = config_with(&server, folder.path(), &auth);
    config.settings.cloud_sync.domain = Some(DOMAIN.to_owned());
    let state = server.state();
    for (key, value) in [
        ("Domain", format!("{{\"domain\":\"{DOMAIN}\"}}")),
        ("AppKey", "not-to-be-seen".to_owned()),
        (
            "SyncNotificationSettings",
            "{\"Enabled\":false,\"DeleteThresholdEnabled\":true,\"DeleteThresholdValue\":500}".to_owned(),
        ),
    ] {
        state.set_secret(key, &value);
    }
    let plain = |group: &Value| group["securityEnabled"] == true && group["mailEnabled"] == false;
    let groups = state.groups().into_iter().filter(|(id, g)| plain(g) && !state.members(id).is_empty());
    let groups = groups.map(|(id, _)| id).collect();
    Lab { state, server, config, groups, _folder: folder }
}

impl Lab {
    /// A port of its own, as a new process would have.
    pub fn port(&self) -> LiveTenant {
        let wishes = Wishes { hurry: true, graph_budget: Some(100), ..Wishes::default() };
        LiveTenant::new(&self.config, &wishes, Words::default(), Flight::default()).unwrap()
    }
    pub fn fails(&self, operation: &str, kind: Kind) {
        let planned = Planned { operation: operation.to_owned(), kind };
        self.server.tenant.lock().unwrap().faults.push(planned);
    }
    /// Faults that nothing has met.
    pub fn unmet(&self) -> Vec<Planned> {
        std::mem::take(&mut self.server.tenant.lock().unwrap().faults)
    }
    pub fn group(&self, number: usize) -> ObjectGuid {
        guid(&self.groups[number])
    }
    /// Groups that are not in scope.
    pub fn outside(&self) -> Vec<ObjectGuid> {
        let scope = self.state.in_scope();
        self.groups.iter().filter(|g| !scope.contains(*g)).map(|g| guid(g)).collect()
    }
    /// How often a write of this kind had an effect.
    pub fn done(&self, method: &str, ending: &str) -> usize {
        let is = |path: &str| path.ends_with(ending) || ending.ends_with('/') && path.contains(ending);
        self.state.writes().iter().filter(|w| w.method == method && is(&w.path) && w.status < 300).count()
    }
}

pub fn guid(id: &str) -> ObjectGuid {
    ObjectGuid::parse(id).unwrap()
}

pub async fn job(port: &LiveTenant) -> JobState {
    port.job().await.unwrap().unwrap()
}

/// Runs a test's steps; the server has a runtime of its own, which must not end within another one.
pub fn run<T>(steps: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(steps)
}

/// Every fault that may meet a write.
pub fn kinds() -> Vec<Kind> {
    vec![
        Kind::Throttled(Some("0")),
        Kind::Throttled(Some("0.02")),
        Kind::Throttled(None),
        Kind::Unavailable,
        Kind::UnavailableAfter,
        Kind::ResetBefore,
        Kind::ResetAfter,
        Kind::Unauthorized,
        Kind::Forbidden,
        Kind::WebPage,
    ]
}
