//! The service side of `benches/graph.sh`: a generated tenant over HTTPS, and the yardstick.
//!
//! `graph-tenant serve DIR` writes `groupshift.toml` into the folder and serves until standard input ends; then it writes
//! every body that it sent into `bodies/`, and what was asked of it, beside what had to be, as JSON to standard output.
//! `graph-tenant parse DIR` parses these bodies with serde_json alone.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)]

#[path = "../tests/lab/tenant/mod.rs"]
mod tenant;

use serde_json::{Value, json};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use tenant::Tenant;
use tenant::server::{Asked, Sent, directly, start_with};

const GROUPS: usize = 40_000;
const MEMBERSHIPS: usize = 1_000_000;
const USERS: usize = 100_000;
/// What the service puts on one page, of lists and of groups/delta.
const PAGE: usize = 999;
const DELTA_PAGE: usize = 100;
/// Groups that are asked for their source of authority: one in so many is enabled for writeback.
const ONE_IN: usize = 10;

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    match &arguments[1..] {
        [verb, dir] if verb == "serve" => serve(Path::new(dir)),
        [verb, dir] if verb == "parse" => parse(Path::new(dir)),
        _ => panic!("graph-tenant serve|parse DIR"),
    }
}

fn id(kind: u32, number: usize) -> String {
    format!("{:08x}-5a5a-4000-8{kind:03x}-{number:012x}", (number as u32).wrapping_mul(2_654_435_761))
}

fn generated() -> Tenant {
    let mut tenant = Tenant { page: PAGE, delta_page: DELTA_PAGE, ..Tenant::default() };
    for n in 0..USERS {
        let id = id(1, n);
        let upn = format!("user{n}@contoso.com");
        tenant.kinds.insert(id.clone(), "#microsoft.graph.user".to_owned());
        let user = json!({ "id": id, "userPrincipalName": upn, "onPremisesSyncEnabled": true });
        tenant.users.insert(id, user);
    }
    for n in 0..GROUPS {
        let id = id(2, n);
        tenant.kinds.insert(id.clone(), "#microsoft.graph.group".to_owned());
        let writeback = n % ONE_IN == 0;
        tenant.groups.insert(
            id.clone(),
            json!({ "id": id, "displayName": format!("Group {n}"), "description": format!("What group {n} is for"),
                "mailNickname": format!("group{n}"), "securityEnabled": true, "mailEnabled": false, "groupTypes": [],
                "isAssignableToRole": false, "isManagementRestricted": false, "visibility": "Private",
                "writebackConfiguration": { "isEnabled": writeback, "onPremisesGroupType": "universalSecurityGroup" } }),
        );
        let members = (0..MEMBERSHIPS / GROUPS).map(|m| self::id(1, (n * 7 + m * 3_571) % USERS)).collect();
        tenant.members.insert(id, members);
    }
    let organization = json!([{ "id": id(3, 1), "displayName": "Contoso", "verifiedDomains": [] }]);
    let synchronization =
        json!([{ "id": id(3, 1), "features": { "groupWriteBackEnabled": true }, "configuration": {} }]);
    let principal = json!([{ "id": id(4, 1), "displayName": "contoso.com", "applicationTemplateId": "fb81332f-3eca-4ecf-a939-4278e501d330" }]);
    for (path, values) in [
        ("/organization", organization),
        ("/directory/onPremisesSynchronization", synchronization),
        ("/subscribedSkus", json!([])),
        ("/servicePrincipals", principal),
        ("/jobs", json!([{ "id": "AAD2ADGroupProvisioning.a.b", "templateId": "AAD2ADGroupProvisioning" }])),
        ("/schema", json!([{ "id": "schema", "synchronizationRules": [] }])),
        ("/appRoleAssignedTo", json!([])),
        ("/agents", json!([])),
    ] {
        tenant.fixed.insert(path.to_owned(), values);
    }
    tenant
}

/// The fewest requests: every page of each list once, twenty groups a batch, each small part once.
fn fewest() -> usize {
    const SMALL: usize = 11;
    let batches = (GROUPS / ONE_IN).div_ceil(20);
    GROUPS.div_ceil(DELTA_PAGE) + USERS.div_ceil(PAGE) + 1 + batches + SMALL
}

/// The same in resource units: a part of a batch costs as a request does.
fn fewest_units() -> usize {
    fewest() - (GROUPS / ONE_IN).div_ceil(20) + GROUPS / ONE_IN
}

fn serve(dir: &Path) {
    let bodies: Arc<Mutex<Vec<Vec<u8>>>> = Arc::default();
    let sent = bodies.clone();
    let server = start_with(generated(), move |tenant| {
        let straight = directly(tenant);
        Arc::new(move |asked: Asked| {
            let (straight, sent) = (straight.clone(), sent.clone());
            Box::pin(async move {
                let answer = straight(asked).await;
                if let Sent::Whole(bytes) = &answer.sent {
                    sent.lock().unwrap().push(bytes.clone());
                }
                answer
            })
        })
    });
    std::fs::create_dir_all(dir.join("bodies")).unwrap();
    std::fs::write(dir.join("token"), "opaque-token").unwrap();
    let quoted = |p: PathBuf| json!(p.to_string_lossy()).to_string();
    let text = format!(
        "[entra]\ntenant_id = \"{}\"\nauth = \"token\"\ntoken_file = {}\ngraph_url = \"{}\"\nca_file = {}\n",
        id(3, 1),
        quoted(dir.canonicalize().unwrap().join("token")),
        server.url,
        quoted(server.ca_file.clone())
    );
    std::fs::write(dir.join("groupshift.toml"), text).unwrap();
    std::io::stdin().read_to_end(&mut Vec::new()).unwrap();
    let bodies = bodies.lock().unwrap();
    for (n, body) in bodies.iter().enumerate() {
        std::fs::write(dir.join(format!("bodies/{n:06}.json")), body).unwrap();
    }
    let bytes: usize = bodies.iter().map(Vec::len).sum();
    println!(
        "{}",
        json!({ "groups": GROUPS, "memberships": MEMBERSHIPS, "users": USERS, "requests": bodies.len(),
            "fewestRequests": fewest(), "fewestUnits": fewest_units(), "bytes": bytes })
    );
}

fn parse(dir: &Path) {
    let mut files: Vec<PathBuf> = std::fs::read_dir(dir.join("bodies")).unwrap().map(|e| e.unwrap().path()).collect();
    files.sort();
    let mut values = 0;
    for file in files {
        let value: Value = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
        values += value["value"].as_array().map_or(0, Vec::len);
    }
    println!("{values}");
}
