//! Every fault in every write: in effect once, or not and said so, or in doubt. Nothing that must not be done twice is.

use super::support::{Lab, guid, job, kinds, lab, run};
use super::tenant::faults::Kind;
use groupshift::cutover::live::tenant::LiveTenant;
use groupshift::cutover::port::{Refusal, Tenant as _, WriteFault, Written};
use serde_json::{Value, json};

/// A write, and how to see what it did.
struct Case {
    name: &'static str,
    operation: &'static str,
    prepare: fn(&Lab),
    write: fn(&Lab, &LiveTenant) -> Written,
    /// Whether it is in effect.
    seen: fn(&Lab) -> bool,
    /// How often a request of it had an effect.
    times: fn(&Lab) -> usize,
    /// Sent again where its answer was lost, since a second time does no harm or is known not to be one.
    repeated: bool,
    /// A second effect is none.
    idempotent: bool,
}

fn nothing(_: &Lab) {}

const GROUP: &str = "groupshift throwaway 20261129-0400-1a2b";

fn schema_of(lab: &Lab) -> Value {
    lab.state.schema().unwrap()
}

fn changed(mut schema: Value) -> Value {
    schema["synchronizationRules"][0]["objectMappings"][0]["flowTypes"] = json!("Update");
    schema
}

fn cases() -> Vec<Case> {
    vec![
        Case {
            name: "pause",
            operation: "POST /v1.0/servicePrincipals/{id}/synchronization/jobs/{id}/pause",
            prepare: |lab| lab.state.set_job_status("Active"),
            write: |_, port| run(async { port.pause(&job(port).await).await }),
            seen: |lab| lab.state.job().unwrap().code == "Paused",
            times: |lab| lab.done("POST", "/pause"),
            repeated: true,
            idempotent: true,
        },
        Case {
            name: "start",
            operation: "POST /v1.0/servicePrincipals/{id}/synchronization/jobs/{id}/start",
            prepare: nothing,
            write: |_, port| run(async { port.start(&job(port).await).await }),
            seen: |lab| lab.state.job().unwrap().code == "Active",
            times: |lab| lab.done("POST", "/start"),
            repeated: false,
            idempotent: false,
        },
        Case {
            name: "restart",
            operation: "POST /v1.0/servicePrincipals/{id}/synchronization/jobs/{id}/restart",
            prepare: nothing,
            write: |_, port| run(async { port.restart(&job(port).await, &json!({ "resetScope": "Full" })).await }),
            seen: |lab| lab.state.job().unwrap().code == "Active",
            times: |lab| lab.done("POST", "/restart"),
            repeated: false,
            idempotent: false,
        },
        Case {
            name: "schema",
            operation: "PUT /v1.0/servicePrincipals/{id}/synchronization/jobs/{id}/schema",
            prepare: nothing,
            write: |_, port| {
                run(async {
                    let job = job(port).await;
                    let schema = port.schema(&job).await.unwrap();
                    port.put_schema(&job, &changed(schema)).await
                })
            },
            seen: |lab| schema_of(lab) == changed(schema_of(lab)),
            times: |lab| lab.done("PUT", "/schema"),
            repeated: true,
            idempotent: true,
        },
        Case {
            name: "secrets",
            operation: "PUT /v1.0/servicePrincipals/{id}/synchronization/secrets",
            prepare: nothing,
            write: |_, port| {
                run(async {
                    let job = job(port).await;
                    let mut secrets = port.secrets(&job).await.unwrap();
                    secrets.as_array_mut().unwrap().push(json!({ "key": "SkipOutOfScopeDeletions", "value": "True" }));
                    port.put_secrets(&job, &secrets).await
                })
            },
            seen: |lab| {
                let secrets = lab.state.secrets();
                secrets.get("SkipOutOfScopeDeletions").is_some_and(|v| v == "True")
                    && secrets.get("AppKey").is_some_and(|v| v == "not-to-be-seen")
            },
            times: |lab| lab.done("PUT", "/secrets"),
            repeated: true,
            idempotent: true,
        },
        Case {
            name: "freeze",
            operation: "PATCH /beta/groups/{id}",
            prepare: |lab| {
                lab.state.edit_group(&lab.groups[0], |g| {
                    g["writebackConfiguration"] =
                        json!({ "isEnabled": true, "onPremisesGroupType": "universalSecurityGroup" })
                })
            },
            write: |lab, port| {
                run(async {
                    let id = lab.group(0);
                    port.groups(&[id]).await.unwrap();
                    port.update_group(id, &json!({ "writebackConfiguration": { "isEnabled": false } })).await
                })
            },
            seen: |lab| {
                let now = lab.state.group(&lab.groups[0]).unwrap()["writebackConfiguration"].clone();
                assert_eq!(now["onPremisesGroupType"], "universalSecurityGroup");
                now["isEnabled"] == false
            },
            times: |lab| lab.done("PATCH", &lab.groups[0]),
            repeated: true,
            idempotent: true,
        },
        Case {
            name: "create group",
            operation: "POST /v1.0/groups",
            prepare: nothing,
            write: |lab, port| {
                run(async {
                    let members = [guid(lab.state.users().keys().next().unwrap())];
                    port.create_group(GROUP, &members).await.map(|_| ())
                })
            },
            seen: |lab| {
                let of_name: Vec<_> = lab.state.groups().into_values().filter(|g| g["displayName"] == GROUP).collect();
                assert!(of_name.len() < 2, "two groups of one name");
                of_name.first().is_some_and(|g| lab.state.members(g["id"].as_str().unwrap()).len() == 1)
            },
            times: |lab| lab.done("POST", "/v1.0/groups"),
            repeated: false,
            idempotent: false,
        },
        Case {
            name: "create extension",
            operation: "POST /v1.0/applications/{id}/extensionProperties",
            prepare: nothing,
            write: |_, port| {
                run(async {
                    let name = port.create_extension("GroupDN").await?;
                    assert_eq!(name, "extension_0b11c2aa00004000800000000000c10d_GroupDN");
                    Ok(())
                })
            },
            seen: |lab| lab.done("POST", "/extensionProperties") > 0,
            times: |lab| lab.done("POST", "/extensionProperties"),
            repeated: false,
            idempotent: false,
        },
        Case {
            name: "provision",
            operation: "POST /v1.0/servicePrincipals/{id}/synchronization/jobs/{id}/provisionOnDemand",
            prepare: nothing,
            write: |lab, port| {
                run(async { port.provision(&job(port).await, "rule", lab.group(0), &[]).await.map(|_| ()) })
            },
            seen: |lab| lab.done("POST", "/provisionOnDemand") > 0,
            times: |lab| lab.done("POST", "/provisionOnDemand"),
            repeated: false,
            idempotent: false,
        },
        Case {
            name: "scope in",
            operation: "POST /v1.0/$batch",
            prepare: nothing,
            write: |lab, port| scope_in(lab, port),
            seen: |lab| lab.state.in_scope().contains(lab.groups.last().unwrap()),
            times: |lab| lab.done("POST", "/appRoleAssignedTo"),
            repeated: true,
            idempotent: false,
        },
        Case {
            name: "scope in, a part",
            operation: "PART POST /v1.0/servicePrincipals/{id}/appRoleAssignedTo",
            prepare: nothing,
            write: |lab, port| scope_in(lab, port),
            seen: |lab| lab.state.in_scope().contains(lab.groups.last().unwrap()),
            times: |lab| lab.done("POST", "/appRoleAssignedTo"),
            repeated: true,
            idempotent: false,
        },
        Case {
            name: "scope out",
            operation: "POST /v1.0/$batch",
            prepare: |lab| lab.state.assign(lab.groups.last().unwrap()),
            write: |lab, port| scope_out(lab, port),
            seen: |lab| !lab.state.in_scope().contains(lab.groups.last().unwrap()),
            times: |lab| lab.done("DELETE", "/appRoleAssignedTo/"),
            repeated: true,
            idempotent: false,
        },
        Case {
            name: "scope out, a part",
            operation: "PART DELETE /v1.0/servicePrincipals/{id}/appRoleAssignedTo/{id}",
            prepare: |lab| lab.state.assign(lab.groups.last().unwrap()),
            write: |lab, port| scope_out(lab, port),
            seen: |lab| !lab.state.in_scope().contains(lab.groups.last().unwrap()),
            times: |lab| lab.done("DELETE", "/appRoleAssignedTo/"),
            repeated: true,
            idempotent: false,
        },
    ]
}

const ROLE: &str = super::tenant::writes::SCOPE_ROLE;

fn scope_in(lab: &Lab, port: &LiveTenant) -> Written {
    run(async {
        let last = guid(lab.groups.last().unwrap());
        let mut answers = port.assign(&job(port).await, ROLE, &[last]).await.unwrap();
        answers.pop().unwrap()
    })
}

fn scope_out(lab: &Lab, port: &LiveTenant) -> Written {
    run(async {
        let job = job(port).await;
        let last = guid(lab.groups.last().unwrap());
        let all = port.assignments(&job).await.unwrap();
        let out: Vec<_> = all.into_iter().filter(|a| a.principal == last).collect();
        assert_eq!(out.len(), 1);
        port.unassign(&job, &out).await.unwrap().pop().unwrap()
    })
}

fn refusal(written: &Written) -> Option<Refusal> {
    written.as_ref().err().map(|f| f.refusal)
}

/// What has to come of a write under a fault: a refusal, and whether it is in effect.
fn wanted(case: &Case, kind: &Kind) -> (Option<Refusal>, bool) {
    let is_part = case.operation.starts_with("PART ");
    match kind {
        Kind::Throttled(_) => (None, true),
        // A new token, and once more.
        Kind::Unauthorized => (None, true),
        Kind::Forbidden => (Some(Refusal::Right), false),
        Kind::Unavailable if case.repeated || matches!(case.name, "start" | "restart") => (None, true),
        Kind::ResetBefore if case.repeated => (None, true),
        Kind::Unavailable | Kind::ResetBefore => (Some(Refusal::Doubt), false),
        // Seen to be in effect, but where nothing can be seen.
        Kind::ResetAfter | Kind::UnavailableAfter if case.name == "provision" => (Some(Refusal::Doubt), true),
        Kind::ResetAfter | Kind::UnavailableAfter => (None, true),
        // Something on the way answers in Graph's place, after it was carried out.
        Kind::WebPage if case.name == "provision" && !is_part => (Some(Refusal::Doubt), true),
        Kind::WebPage => (None, true),
        other => panic!("{other:?}"),
    }
}

#[test]
fn every_fault_in_every_write() {
    let mut wrong = Vec::new();
    let mut count = 0;
    for case in cases() {
        let is_part = case.operation.starts_with("PART ");
        for kind in kinds() {
            // A part of a batch has no connection and no token of its own.
            if is_part && matches!(kind, Kind::ResetBefore | Kind::ResetAfter | Kind::Unauthorized | Kind::WebPage) {
                continue;
            }
            count += 1;
            let name = format!("{}, {kind:?}", case.name);
            let lab = lab();
            (case.prepare)(&lab);
            lab.state.with(|t| t.writes.clear());
            let port = lab.port();
            lab.fails(case.operation, kind.clone());
            let written = (case.write)(&lab, &port);
            let unmet = lab.unmet();
            let (wants, in_effect) = wanted(&case, &kind);
            if !unmet.is_empty() {
                wrong.push(format!("{name}: was not met"));
            }
            if refusal(&written) != wants {
                wrong.push(format!("{name}: {:?}", written.as_ref().err().map(|f| (f.refusal, f.error.to_string()))));
            }
            if (case.seen)(&lab) != in_effect {
                wrong.push(format!("{name}: in effect: {}", !in_effect));
            }
            let times = (case.times)(&lab);
            if times > 1 && !case.idempotent || (times == 0) == in_effect {
                wrong.push(format!("{name}: had an effect {times} times"));
            }
            if let Err(WriteFault { error, .. }) = &written {
                let text = format!("{error} {:?}", error.hints);
                if text.contains("not-to-be-seen") || text.contains("a-secret") {
                    wrong.push(format!("{name}: a secret in {text}"));
                }
                let told = ["request 9e0c", "request 5e6b", "connection", "web page"].iter().any(|t| text.contains(t));
                if !told && !is_part {
                    wrong.push(format!("{name}: no request id in {text}"));
                }
            }
            // Whatever it was, the same once more leads to the end, unless the account may not.
            if kind != Kind::Forbidden
                && case.name != "provision"
                && case.name != "scope out"
                && case.name != "scope out, a part"
            {
                let again = (case.write)(&lab, &lab.port());
                if refusal(&again).is_some() || !(case.seen)(&lab) {
                    wrong.push(format!("{name}: once more: {:?}", again.err().map(|f| f.error.to_string())));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {count}\n{}", wrong.len(), wrong.join("\n"));
    assert!(count > 100, "{count}");
}

#[test]
fn a_lasting_failure_is_an_error_and_no_loop() {
    for case in cases().into_iter().filter(|c| !c.operation.starts_with("PART ")) {
        let lab = lab();
        (case.prepare)(&lab);
        let port = lab.port();
        for _ in 0..60 {
            lab.fails(case.operation, Kind::Unavailable);
        }
        let written = (case.write)(&lab, &port);
        assert_eq!(refusal(&written), Some(Refusal::Doubt), "{}", case.name);
        assert!(!(case.seen)(&lab), "{}", case.name);
        let tries = 60 - lab.unmet().len();
        assert!((1..=40).contains(&tries), "{}: {tries} tries", case.name);
        // Throttled for longer than anybody waits.
        let lab = self::lab();
        (case.prepare)(&lab);
        lab.fails(case.operation, Kind::Throttled(Some("86400")));
        let written = (case.write)(&lab, &lab.port());
        assert_eq!(refusal(&written), Some(Refusal::Busy), "{}", case.name);
        assert_eq!((case.times)(&lab), 0, "{}", case.name);
    }
}

/// Of many parts, each has its own answer, and those that were lost are looked for.
#[test]
fn parts_fail_each_for_itself() {
    let lab = lab();
    let port = lab.port();
    let wanted = lab.outside();
    assert!(wanted.len() > 20, "{}", wanted.len());
    let operation = "PART POST /v1.0/servicePrincipals/{id}/appRoleAssignedTo";
    for kind in [Kind::Throttled(Some("0")), Kind::UnavailableAfter, Kind::Unavailable, Kind::Forbidden] {
        lab.fails(operation, kind);
    }
    // One of them is gone, one is there already.
    lab.state.delete_group(&wanted[7].to_string());
    lab.state.assign(&wanted[8].to_string());
    lab.state.with(|t| t.writes.clear());
    let answers = run(async { port.assign(&job(&port).await, ROLE, &wanted).await.unwrap() });
    assert_eq!(answers.len(), wanted.len());
    let refused: Vec<(usize, Refusal)> =
        answers.iter().enumerate().filter_map(|(n, a)| Some((n, a.as_ref().err()?.refusal))).collect();
    assert_eq!(refused, [(3, Refusal::Right), (7, Refusal::Missing)]);
    let scope = lab.state.in_scope();
    for (n, group) in wanted.iter().enumerate() {
        assert_eq!(scope.contains(&group.to_string()), ![3, 7].contains(&n), "{n}");
    }
    assert_eq!(lab.done("POST", "/appRoleAssignedTo"), wanted.len() - 3);
    // At most twenty a request.
    let batches = lab.state.with(|t| t.requests.iter().filter(|r| r.contains("$batch")).count());
    assert!(batches >= wanted.len().div_ceil(20), "{batches}");
    let fault = answers[3].as_ref().unwrap_err();
    assert!(fault.error.hints.iter().any(|h| h.contains("AppRoleAssignment.ReadWrite.All")), "{:?}", fault.error.hints);
    // And out again: what somebody else took out meanwhile is no fault.
    let all = run(async { port.assignments(&job(&port).await).await.unwrap() });
    lab.state.unassign(&all[0].principal.to_string());
    lab.fails("PART DELETE /v1.0/servicePrincipals/{id}/appRoleAssignedTo/{id}", Kind::UnavailableAfter);
    let answers = run(async { port.unassign(&job(&port).await, &all).await.unwrap() });
    assert!(answers.iter().all(Result::is_ok));
    assert!(lab.state.in_scope().is_empty());
}
