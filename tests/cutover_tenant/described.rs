//! The traffic of everything that the port does, held against the published description.

use super::support::{DOMAIN, guid, job, lab_of, run};
use super::tenant::described::{described, findings, python, shared};
use super::tenant::record::Recorder;
use super::tenant::writes::SCOPE_ROLE;
use chrono::{TimeDelta, Utc};
use groupshift::cutover::port::Tenant as _;
use serde_json::json;

#[test]
fn the_traffic_of_a_cutover_is_as_described() {
    let Some((shared, python)) = shared().zip(python()) else {
        println!("skipped: the published description, Python or its packages are not there");
        return;
    };
    let mut tenant = super::support::tenant();
    // Properties that each tenant names by itself are not described: the job speaks of none here.
    let text = tenant.fixed["/schema"].to_string();
    let at = text.find("extension_").unwrap();
    let name: String = text[at..].chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
    tenant.fixed.insert("/schema".to_owned(), serde_json::from_str(&text.replace(&name, "mailNickname")).unwrap());
    let lab = lab_of(tenant);
    lab.state.with(|t| t.recorder = Some(Recorder::default()));
    lab.state.append_log(json!({ "provisioningAction": "update", "cycleId": "c" }));
    let port = lab.port();
    run(async {
        let job = job(&port).await;
        let ids: Vec<_> = lab.groups.iter().map(|g| guid(g)).collect();
        port.groups(&ids).await.unwrap();
        port.agents().await.unwrap();
        port.logs(&job, Utc::now() - TimeDelta::hours(1)).await.unwrap();
        port.pause(&job).await.unwrap_or_else(|f| panic!("{}", f.error));
        let mut secrets = port.secrets(&job).await.unwrap();
        secrets.as_array_mut().unwrap().push(json!({ "key": "SkipOutOfScopeDeletions", "value": "True" }));
        port.put_secrets(&job, &secrets).await.unwrap_or_else(|f| panic!("{}", f.error));
        let schema = port.schema(&job).await.unwrap();
        port.put_schema(&job, &schema).await.unwrap_or_else(|f| panic!("{}", f.error));
        for written in port.assign(&job, SCOPE_ROLE, &lab.outside()).await.unwrap() {
            written.unwrap_or_else(|f| panic!("{}", f.error));
        }
        port.groups(&[ids[0]]).await.unwrap();
        port.update_group(ids[0], &json!({ "writebackConfiguration": { "isEnabled": false } }))
            .await
            .unwrap_or_else(|f| panic!("{}", f.error));
        let members: Vec<_> = lab.state.members(&lab.groups[0]).iter().take(5).map(|m| guid(&m.id)).collect();
        port.provision(&job, "rule", ids[0], &members).await.unwrap_or_else(|f| panic!("{}", f.error));
        port.start(&job).await.unwrap_or_else(|f| panic!("{}", f.error));
        port.restart(&job, &json!({ "resetScope": "Escrows, QuarantineState" }))
            .await
            .unwrap_or_else(|f| panic!("{}", f.error));
        let all = port.assignments(&job).await.unwrap();
        for written in port.unassign(&job, &all).await.unwrap() {
            written.unwrap_or_else(|f| panic!("{}", f.error));
        }
        port.create_group("groupshift throwaway described", &members[..1])
            .await
            .unwrap_or_else(|f| panic!("{}", f.error));
        port.create_extension("GroupDN").await.unwrap_or_else(|f| panic!("{}", f.error));
        lab.state.with(|t| {
            for part in ["/servicePrincipals", "/jobs", "/schema", "/appRoleAssignedTo"] {
                t.fixed.insert(part.to_owned(), json!([]));
            }
        });
        lab.port().create_job(DOMAIN, "AAD2ADGroupProvisioning").await.unwrap_or_else(|f| panic!("{}", f.error));
    });
    let recorder = lab.state.with(|t| t.recorder.take()).unwrap();
    let all = recorder.lines.len();
    let mut described = described(&lab.server.url, recorder);
    assert!(described.lines.len() > 100 && all - described.lines.len() < 60, "{} of {all}", described.lines.len());
    let said = findings(&shared, &python, &described);
    assert!(said.ends_with(&format!("{} exchanges, 0 findings\n", described.lines.len())), "{said}");
    let written: Vec<usize> =
        (0..described.lines.len()).filter(|n| described.lines[*n]["request"]["method"] == "PUT").collect();
    assert_eq!(written.len(), 3);
    // The check does find a body that is not as described.
    described.lines[written[0]]["request"]["body"]["extra"] = json!(1);
    assert!(findings(&shared, &python, &described).contains("extra"));
}
