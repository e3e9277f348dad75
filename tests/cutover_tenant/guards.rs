//! Writes that have to be refused before they are sent, or by the service: somebody else was there first.

use super::support::{guid, job, lab, run};
use super::tenant::faults::Kind;
use groupshift::cutover::port::{Refusal, Tenant as _, WriteFault};
use serde_json::json;

fn of<T>(written: Result<T, WriteFault>) -> (Option<Refusal>, String) {
    match written {
        Ok(_) => (None, String::new()),
        Err(fault) => (Some(fault.refusal), format!("{} {:?}", fault.error, fault.error.hints)),
    }
}

#[test]
fn a_masked_secret_is_never_saved() {
    let lab = lab();
    let port = lab.port();
    lab.state.switch(|s| s.masked_secrets = true);
    run(async {
        let job = job(&port).await;
        let secrets = port.secrets(&job).await.unwrap();
        let (refusal, text) = of(port.put_secrets(&job, &secrets).await);
        assert_eq!(refusal, Some(Refusal::Other));
        assert!(text.contains("AppKey") && text.contains("portal"), "{text}");
    });
    assert_eq!(lab.done("PUT", "/secrets"), 0);
    assert_eq!(lab.state.secrets()["AppKey"], "not-to-be-seen");
}

#[test]
fn secrets_that_somebody_added_are_not_lost() {
    let lab = lab();
    let port = lab.port();
    run(async {
        let job = job(&port).await;
        let secrets = port.secrets(&job).await.unwrap();
        lab.state.set_secret("SyncAll", "false");
        let (refusal, text) = of(port.put_secrets(&job, &secrets).await);
        assert_eq!(refusal, Some(Refusal::Guard));
        assert!(text.contains("syncall"), "{text}");
    });
    assert_eq!(lab.state.secrets()["SyncAll"], "false");
}

#[test]
fn a_group_that_somebody_changed_is_left() {
    let lab = lab();
    let (port, id) = (lab.port(), lab.group(0));
    let frozen = json!({ "writebackConfiguration": { "isEnabled": false } });
    lab.state.edit_group(&lab.groups[0], |g| {
        g["writebackConfiguration"] = json!({ "isEnabled": true, "onPremisesGroupType": null });
    });
    run(async {
        port.groups(&[id]).await.unwrap();
        lab.state.edit_group(&lab.groups[0], |g| g["writebackConfiguration"]["isEnabled"] = json!(null));
        let (refusal, text) = of(port.update_group(id, &frozen).await);
        assert_eq!(refusal, Some(Refusal::Guard), "{text}");
        assert_eq!(lab.done("PATCH", &lab.groups[0]), 0);
        // Read anew, it is taken as it is.
        port.groups(&[id]).await.unwrap();
        assert_eq!(of(port.update_group(id, &frozen).await).0, None);
        // There already: nothing is sent.
        assert_eq!(of(port.update_group(id, &frozen).await).0, None);
        assert_eq!(lab.done("PATCH", &lab.groups[0]), 1);
        lab.state.delete_group(&lab.groups[0]);
        assert_eq!(of(port.update_group(id, &frozen).await).0, Some(Refusal::Missing));
    });
}

#[test]
fn where_there_are_tags_the_service_guards() {
    let lab = lab();
    lab.state.switch(|s| s.etags = true);
    let (port, id) = (lab.port(), lab.group(0));
    run(async {
        let job = job(&port).await;
        let mut schema = port.schema(&job).await.unwrap();
        schema["synchronizationRules"][0]["objectMappings"][0]["flowTypes"] = json!("Update");
        // Somebody saves another schema in between.
        let mut other = lab.state.schema().unwrap();
        other["synchronizationRules"][0]["name"] = json!("Somebody's");
        other["synchronizationRules"][0]["objectMappings"][0]["flowTypes"] = json!("Add");
        lab.state.with(|t| t.fixed.insert("/schema".to_owned(), json!([other])));
        let (refusal, text) = of(port.put_schema(&job, &schema).await);
        assert_eq!(refusal, Some(Refusal::Guard), "{text}");
        assert_eq!(lab.done("PUT", "/schema"), 0);
        let mut schema = port.schema(&job).await.unwrap();
        schema["synchronizationRules"][0]["objectMappings"][0]["flowTypes"] = json!("Update");
        // The first try is lost after it took effect; the second meets another tag, its own.
        lab.fails("PUT /v1.0/servicePrincipals/{id}/synchronization/jobs/{id}/schema", Kind::ResetAfter);
        assert_eq!(of(port.put_schema(&job, &schema).await), (None, String::new()));
        assert_eq!(lab.done("PUT", "/schema"), 1);
        port.groups(&[id]).await.unwrap();
        let written = port.update_group(id, &json!({ "writebackConfiguration": { "isEnabled": false } })).await;
        assert_eq!(of(written), (None, String::new()));
    });
}

#[test]
fn on_demand_takes_members_of_the_group_and_few() {
    let lab = lab();
    let port = lab.port();
    let group = lab.groups.iter().find(|g| lab.state.members(g).len() > 5).unwrap().clone();
    let members: Vec<_> = lab.state.members(&group).iter().map(|m| guid(&m.id)).collect();
    run(async {
        let job = job(&port).await;
        let many = port.provision(&job, "rule", guid(&group), &members[..6]).await;
        assert_eq!(of(many).0, Some(Refusal::Other));
        let stranger = port.provision(&job, "rule", guid(&group), &[guid(&group)]).await;
        assert_eq!(of(stranger).0, Some(Refusal::Guard));
        assert_eq!(lab.done("POST", "/provisionOnDemand"), 0);
    });
}

#[test]
fn a_group_of_that_name_that_is_somebody_elses_is_not_taken() {
    let lab = lab();
    let port = lab.port();
    lab.state.edit_group(&lab.groups[0], |g| (g["displayName"], g["mailNickname"]) = (json!("Sales"), json!("Sales")));
    let name = lab.state.group(&lab.groups[0]).unwrap()["displayName"].as_str().unwrap().to_owned();
    let (refusal, text) = of(run(async { port.create_group(&name, &[]).await }));
    assert_eq!(refusal, Some(Refusal::Other));
    assert!(text.contains("not made by this program"), "{text}");
    assert_eq!(lab.done("POST", "/v1.0/groups"), 0);
}

#[test]
fn extensions_are_those_that_cloud_sync_reads() {
    let lab = lab();
    let port = lab.port();
    run(async {
        let full = port.create_extension("GroupDN").await.unwrap_or_else(|f| panic!("{}", f.error));
        // There already: by its short and by its full name, in another process too.
        assert_eq!(lab.port().create_extension("GroupDN").await.unwrap_or_else(|f| panic!("{}", f.error)), full);
        assert_eq!(lab.port().create_extension(&full).await.unwrap_or_else(|f| panic!("{}", f.error)), full);
        assert_eq!(lab.done("POST", "/extensionProperties"), 1);
        // A value of it is read, written, read back.
        let id = lab.group(0);
        port.groups(&[id]).await.unwrap();
        port.update_group(id, &json!({ full.clone(): "CN=x,DC=y" })).await.unwrap_or_else(|f| panic!("{}", f.error));
        let seen = lab.port().groups(&[id]).await.unwrap().pop().unwrap().unwrap();
        assert_eq!(seen.properties[&full], "CN=x,DC=y");
        // And taken back.
        port.groups(&[id]).await.unwrap();
        port.update_group(id, &json!({ full.clone(): null })).await.unwrap_or_else(|f| panic!("{}", f.error));
        assert!(lab.state.group(&lab.groups[0]).unwrap()[&full].is_null());
        let (refusal, _) = of(port.create_extension("extension_00000000000000000000000000000001_GroupDN").await);
        assert_eq!(refusal, Some(Refusal::Other));
        lab.state.with(|t| t.fixed.insert("/applications".to_owned(), json!([])));
        let (refusal, text) = of(lab.port().create_extension("Other").await);
        assert_eq!(refusal, Some(Refusal::Other));
        assert!(text.contains("CloudSyncCustomExtensionsApp") && text.contains("identifier URI"), "{text}");
    });
}
