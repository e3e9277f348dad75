//! A configuration that is made anew, cut off at any of its parts, and gone on with.

use super::support::{DOMAIN, Lab, kinds, lab_of, run, tenant};
use super::tenant::faults::Kind;
use super::tenant::writes::SCOPE_ROLE;
use groupshift::cutover::port::{JobState, Refusal, Tenant as _, Written};
use serde_json::json;

const TEMPLATE: &str = "AAD2ADGroupProvisioning";

/// A tenant without any configuration.
fn bare() -> Lab {
    let mut tenant = tenant();
    for part in ["/servicePrincipals", "/jobs", "/schema", "/appRoleAssignedTo"] {
        tenant.fixed.insert(part.to_owned(), json!([]));
    }
    let lab = lab_of(tenant);
    lab.state.switch(|s| s.new_principal_late = 3);
    lab
}

fn create(lab: &Lab) -> Written<JobState> {
    run(async { lab.port().create_job(DOMAIN, TEMPLATE).await })
}

fn check(lab: &Lab, name: &str) {
    let job = lab.state.job().unwrap_or_else(|| panic!("{name}: no job"));
    assert_eq!(job.code, "Paused", "{name}");
    assert!(job.id.starts_with(TEMPLATE), "{name}");
    let domain: serde_json::Value = serde_json::from_str(&lab.state.secrets()["Domain"]).unwrap();
    assert_eq!(domain, json!({ "domain": DOMAIN }), "{name}");
    assert_eq!(lab.done("POST", "/instantiate"), 1, "{name}");
    assert_eq!(lab.done("POST", "/synchronization/jobs"), 1, "{name}");
}

#[test]
fn a_configuration_is_made_once_and_rests() {
    let lab = bare();
    assert!(run(async { lab.port().job().await.unwrap() }).is_none());
    let made = create(&lab).unwrap_or_else(|f| panic!("{}", f.error));
    assert!(made.is_at_rest());
    check(&lab, "new");
    let again = create(&lab).unwrap_or_else(|f| panic!("{}", f.error));
    assert_eq!(again.id, made.id);
    check(&lab, "once more");
    // It is found, has a schema, and takes groups by the role that its service principal has.
    run(async {
        let port = lab.port();
        let job = port.job().await.unwrap().unwrap();
        assert_eq!(job.id, made.id);
        assert!(port.schema(&job).await.unwrap()["synchronizationRules"].is_array());
        let answers = port.assign(&job, "", &[lab.group(0)]).await.unwrap();
        assert!(answers[0].is_ok());
        assert_eq!(port.assignments(&job).await.unwrap()[0].app_role.as_deref(), Some(SCOPE_ROLE));
    });
}

#[test]
fn one_that_runs_at_once_is_paused_and_what_is_not_allowed_is_said() {
    let lab = bare();
    lab.state.switch(|s| s.new_job_runs = true);
    assert!(create(&lab).unwrap_or_else(|f| panic!("{}", f.error)).is_at_rest());
    check(&lab, "runs at once");
    let lab = bare();
    lab.state.switch(|s| s.no_new_jobs = true);
    assert_eq!(create(&lab).err().map(|f| f.refusal), Some(Refusal::Right));
    assert!(lab.state.job().is_none());
}

/// At each of its requests something fails; the same call again leads to the same end.
#[test]
fn cut_off_at_any_part_it_goes_on() {
    let parts = [
        "POST /v1.0/applicationTemplates/{id}/instantiate",
        "POST /v1.0/servicePrincipals/{id}/synchronization/jobs",
        "PUT /v1.0/servicePrincipals/{id}/synchronization/secrets",
        "GET /v1.0/servicePrincipals/{id}/synchronization/secrets",
        "GET /v1.0/servicePrincipals/{id}/synchronization/jobs",
    ];
    for part in parts {
        for kind in kinds() {
            let lab = bare();
            lab.fails(part, kind.clone());
            let name = format!("{part} {kind:?}");
            if let Err(fault) = create(&lab) {
                assert!(!lab.unmet().is_empty() || !fault.error.to_string().is_empty(), "{name}");
                if kind == Kind::Forbidden {
                    assert_eq!(
                        fault.refusal == Refusal::Right,
                        !part.starts_with("GET") || part.ends_with("jobs"),
                        "{name}: {:?}",
                        fault.refusal
                    );
                }
                // A run that goes on, perhaps much later.
                create(&lab).unwrap_or_else(|f| panic!("{name}, again: {}", f.error));
            }
            check(&lab, &name);
        }
    }
}

#[test]
fn what_is_named_twice_is_for_a_person_to_sort_out() {
    let mut tenant = tenant();
    let one = |n: u8| {
        json!({ "id": format!("7700000{n}-0000-4000-8000-000000000001"), "displayName": DOMAIN,
        "applicationTemplateId": "fb81332f-3eca-4ecf-a939-4278e501d330", "appRoles": [] })
    };
    tenant.fixed.insert("/servicePrincipals".to_owned(), json!([one(1), one(2)]));
    tenant.fixed.insert("/jobs".to_owned(), json!([]));
    let lab = lab_of(tenant);
    let fault = create(&lab).err().unwrap();
    assert_eq!(fault.refusal, Refusal::Other);
    assert!(fault.error.message.contains("several configurations"), "{}", fault.error);
    assert!(lab.state.writes().is_empty());
}
