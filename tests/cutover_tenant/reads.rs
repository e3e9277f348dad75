//! What the port reads: the right job, groups whole, logs since a time, whatever meets it on the way.

use super::support::{DOMAIN, guid, job, lab, lab_of, run, tenant};
use super::tenant::faults::Kind;
use super::tenant::writes::Provisioned;
use chrono::{TimeDelta, Utc};
use groupshift::cutover::port::Tenant as _;
use groupshift::error::Error;
use serde_json::json;
use std::sync::{Arc, Mutex};

#[test]
fn the_job_is_that_of_the_domain() {
    let lab = lab();
    run(async {
        let found = job(&lab.port()).await;
        assert_eq!(found.id, lab.state.job().unwrap().id);
        assert!(found.is_at_rest() && found.raw["schedule"]["interval"] == "PT20M");
    });
    let other = |name: &str, id: &str| {
        let mut tenant = tenant();
        let principal = "77000000-0000-4000-8000-000000000001";
        let list = tenant.fixed.get_mut("/servicePrincipals").unwrap().as_array_mut().unwrap();
        list.push(json!({ "id": principal, "displayName": name, "appRoles": [] }));
        let job = json!({ "id": id, "templateId": "x", "status": { "code": "Active" } });
        tenant.fixed.get_mut("/jobs").unwrap().as_array_mut().unwrap().push(job);
        tenant.owners.insert(id.to_owned(), principal.to_owned());
        lab_of(tenant)
    };
    let found = |lab: &super::support::Lab| run(async { lab.port().job().await });
    // Another domain's, and another direction's.
    for (name, id) in [("corp.example", "AAD2ADGroupProvisioning.a.b"), (DOMAIN, "AD2AADProvisioning.a.b")] {
        let lab = other(name, id);
        assert_eq!(found(&lab).unwrap().unwrap().id, lab.state.job().unwrap().id, "{name}");
    }
    // Two for one domain.
    let mut lab = other(DOMAIN, "AAD2ADGroupProvisioning.a.b");
    let error = found(&lab).unwrap_err();
    assert!(error.message.contains("2 Cloud Sync jobs") && error.hints[0].contains("service_principal"), "{error}");
    lab.config.settings.cloud_sync.service_principal = Some("77000000-0000-4000-8000-000000000001".to_owned());
    assert_eq!(found(&lab).unwrap().unwrap().id, "AAD2ADGroupProvisioning.a.b");
    lab.config.settings.cloud_sync.service_principal = Some("77000000-0000-4000-8000-000000000002".to_owned());
    let error = found(&lab).unwrap_err();
    assert!(error.hints.iter().any(|h| h.contains("no such service principal")), "{error} {:?}", error.hints);
    // Only another domain's: none. Renamed by somebody, and the only one: that.
    for (name, there) in [("corp.example", false), ("Groups to AD", true)] {
        let mut tenant = tenant();
        tenant.fixed.get_mut("/servicePrincipals").unwrap()[0]["displayName"] = json!(name);
        tenant.fixed.get_mut("/servicePrincipals").unwrap()[0]["applicationTemplateId"] =
            json!("fb81332f-3eca-4ecf-a939-4278e501d330");
        assert_eq!(found(&lab_of(tenant)).unwrap().is_some(), there, "{name}");
    }
    // It is made, deleted and made again while the run goes on.
    let lab = self::lab();
    let port = lab.port();
    run(async {
        assert!(port.job().await.unwrap().is_some());
        let (jobs, principals) = lab.state.with(|t| {
            (t.fixed.insert("/jobs".to_owned(), json!([])), t.fixed.insert("/servicePrincipals".to_owned(), json!([])))
        });
        assert!(port.job().await.unwrap().is_none());
        lab.state.with(|t| {
            t.fixed
                .extend([("/jobs".to_owned(), jobs.unwrap()), ("/servicePrincipals".to_owned(), principals.unwrap())])
        });
        assert!(port.job().await.unwrap().is_some());
    });
}

#[test]
fn groups_come_whole_and_in_order() {
    let lab = lab();
    // Several pages of members, in batches and after them.
    lab.state.with(|t| t.page = 2);
    lab.state.delete_group(&lab.groups[3]);
    let ids: Vec<_> = lab.groups.iter().rev().map(|g| guid(g)).collect();
    assert!(ids.len() > 20);
    let seen = run(async { lab.port().groups(&ids).await.unwrap() });
    assert_eq!(seen.len(), ids.len());
    for (id, seen) in ids.iter().zip(&seen) {
        let text = id.to_string();
        let Some(seen) = seen else {
            assert_eq!(text, lab.groups[3]);
            continue;
        };
        assert_eq!(seen.id, *id);
        let mut members: Vec<_> = lab.state.members(&text).iter().map(|m| guid(&m.id)).collect();
        members.sort();
        assert_eq!(seen.members, members);
        let group = lab.state.group(&text).unwrap();
        for name in ["displayName", "securityEnabled", "writebackConfiguration"] {
            assert_eq!(seen.properties[name], group[name], "{name}");
        }
        assert!(seen.properties.as_object().unwrap().keys().all(|k| !k.contains('@')));
        // The job's schema speaks of it.
        let extension = seen.properties.as_object().unwrap().keys().find(|k| k.starts_with("extension_")).unwrap();
        assert_eq!(seen.properties[extension], group.get(extension).cloned().unwrap_or_default());
    }
    assert!(run(async { lab.port().groups(&[]).await.unwrap() }).is_empty());
}

#[test]
fn hidden_members_are_no_empty_list() {
    let lab = lab();
    lab.state.edit_group(&lab.groups[0], |g| g["visibility"] = json!("HiddenMembership"));
    let error = run(async { lab.port().groups(&[lab.group(0)]).await }).unwrap_err();
    assert!(error.hints.iter().any(|h| h.contains("Member.Read.Hidden")), "{error}");
}

#[test]
fn logs_are_those_of_the_job_since_then() {
    let lab = lab();
    let now = Utc::now();
    for (hours, id) in [(30, "old"), (2, "new-1"), (1, "new-2")] {
        let at = (now - TimeDelta::hours(hours)).to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
        lab.state.append_log(json!({ "id": id, "activityDateTime": at }));
    }
    lab.state.append_log(json!({ "id": "other", "jobId": "AD2AADProvisioning.x" }));
    lab.state.append_log(json!({ "id": "new-3", "provisioningAction": "update" }));
    for page in [1, 100] {
        lab.state.with(|t| t.page = page);
        let port = lab.port();
        let logs = run(async { port.logs(&job(&port).await, now - TimeDelta::hours(3)).await.unwrap() });
        let ids: Vec<&str> = logs.iter().map(|l| l["id"].as_str().unwrap()).collect();
        assert_eq!(ids, ["new-1", "new-2", "new-3"], "{page}");
    }
    lab.fails("GET /v1.0/auditLogs/provisioning $skiptoken=", Kind::ExpiredPage);
    lab.state.with(|t| t.page = 1);
    let port = lab.port();
    let logs = run(async { port.logs(&job(&port).await, now - TimeDelta::hours(3)).await.unwrap() });
    assert_eq!(logs.len(), 3);
}

#[test]
fn agents_are_listed() {
    let lab = lab();
    let agents = run(async { lab.port().agents().await.unwrap() });
    assert!(agents.len() == 2 && agents[0]["status"] == "active");
}

#[test]
fn on_demand_names_members_by_what_they_are_and_reads_the_answer() {
    let lab = lab();
    let asked = Arc::new(Mutex::new(Vec::new()));
    let (heard, state) = (asked.clone(), lab.state.clone());
    lab.state.on_demand(move |wanted| {
        // The agent looks at the tenant while it works.
        assert!(state.group(&wanted.group).is_some());
        heard.lock().unwrap().push(wanted);
        Provisioned {
            result: "Skipped".to_owned(),
            details: json!({ "errorCode": "RedundantExport" }),
            value: json!({ "action": "Update", "provisioningSteps": [] }),
        }
    });
    let port = lab.port();
    let group = lab.groups.iter().find(|g| lab.state.members(g).len() > 1).unwrap().clone();
    let members: Vec<_> = lab.state.members(&group).iter().take(5).map(|m| guid(&m.id)).collect();
    let seen = run(async { port.provision(&job(&port).await, "rule-1", guid(&group), &members).await });
    let seen = seen.unwrap_or_else(|f| panic!("{}", f.error));
    assert_eq!((seen.result.as_str(), seen.details["errorCode"].as_str()), ("Skipped", Some("RedundantExport")));
    assert_eq!(seen.raw["value"]["action"], "Update");
    let asked = asked.lock().unwrap();
    assert_eq!(asked.len(), 1);
    assert_eq!((asked[0].rule.as_str(), asked[0].members.len()), ("rule-1", members.len()));
    let body = lab.state.writes().pop().unwrap().body;
    let kind = |n: usize| body["parameters"][0]["subjects"][0]["links"]["members"][n]["objectTypeName"].clone();
    let known = lab.state.members(&group);
    for (n, member) in members.iter().enumerate() {
        let of = known.iter().find(|m| guid(&m.id) == *member).unwrap();
        assert_eq!(kind(n), if of.kind.ends_with(".user") { "User" } else { "Group" });
    }
}

/// Every fault that a read can meet: the same answer as without it, or an error that says what it was.
#[test]
fn every_fault_in_every_read() {
    type Read = fn(&super::support::Lab) -> Result<String, Error>;
    let reads: Vec<(&str, Read)> = vec![
        ("GET /v1.0/servicePrincipals/{id}/synchronization/jobs", |lab| {
            run(async { Ok(format!("{:?}", lab.port().job().await?)) })
        }),
        ("GET /v1.0/servicePrincipals/{id}/synchronization/jobs/{id}/schema", |lab| {
            run(async { Ok(lab.port().schema(&job(&lab.port()).await).await?.to_string()) })
        }),
        ("GET /v1.0/servicePrincipals/{id}/synchronization/secrets", |lab| {
            run(async { Ok(lab.port().secrets(&job(&lab.port()).await).await?.to_string()) })
        }),
        ("GET /v1.0/servicePrincipals/{id}/appRoleAssignedTo", |lab| {
            run(async { Ok(format!("{:?}", lab.port().assignments(&job(&lab.port()).await).await?)) })
        }),
        ("GET /v1.0/auditLogs/provisioning $filter=", |lab| {
            run(async {
                let since = Utc::now() - TimeDelta::hours(1);
                Ok(format!("{:?}", lab.port().logs(&job(&lab.port()).await, since).await?))
            })
        }),
        ("GET /beta/onPremisesPublishingProfiles/provisioning/agents", |lab| {
            run(async { Ok(format!("{:?}", lab.port().agents().await?)) })
        }),
        ("POST /v1.0/$batch", groups),
        ("POST /beta/$batch", groups),
        ("PART /v1.0/groups/{id}", groups),
        ("PART /v1.0/groups/{id}/members", groups),
        ("PART /beta/groups/{id}", groups),
    ];
    fn groups(lab: &super::support::Lab) -> Result<String, Error> {
        let ids: Vec<_> = lab.groups.iter().take(12).map(|g| guid(g)).collect();
        run(async { Ok(format!("{:?}", lab.port().groups(&ids).await?)) })
    }
    let lab = lab();
    lab.state.append_log(json!({}));
    let mut wrong = Vec::new();
    for (operation, read) in &reads {
        let whole = read(&lab).unwrap();
        for (kind, words) in [
            (Kind::Throttled(Some("0")), ""),
            (Kind::Unavailable, ""),
            (Kind::ResetBefore, ""),
            (Kind::ResetWithin, ""),
            (Kind::Unauthorized, ""),
            (Kind::Truncated, "not the JSON"),
            (Kind::WebPage, "web page"),
            (Kind::Forbidden, "Authorization_RequestDenied"),
        ] {
            let passes = matches!(kind, Kind::Throttled(_) | Kind::Unavailable | Kind::Forbidden);
            if operation.starts_with("PART ") && !passes {
                continue;
            }
            lab.fails(operation, kind.clone());
            let answer = read(&lab);
            if !lab.unmet().is_empty() {
                wrong.push(format!("{operation} {kind:?}: was not met"));
            }
            match answer {
                Ok(seen) if words.is_empty() && seen == whole => {}
                Err(error) if !words.is_empty() && error.to_string().contains(words) => {}
                Ok(seen) => wrong.push(format!("{operation} {kind:?}: {:.200}", seen)),
                Err(error) => wrong.push(format!("{operation} {kind:?}: {error}")),
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
