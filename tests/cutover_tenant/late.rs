//! Graph shows a write late: it is waited for, never done twice, and what stays unseen is in doubt.

use super::support::{Lab, guid, job, lab, run};
use super::tenant::faults::Kind;
use super::tenant::writes::{Lag, SCOPE_ROLE};
use groupshift::cutover::port::{Refusal, Tenant as _};
use serde_json::json;
use std::time::Duration;

fn late(lag: Lag) -> Lab {
    let lab = lab();
    lab.state.switch(|s| s.lag = Some(lag));
    lab
}

#[test]
fn reads_are_behind_and_catch_up() {
    let lab = late(Lag::Reads(2));
    let port = lab.port();
    run(async {
        let job = job(&port).await;
        port.start(&job).await.unwrap();
        assert!(port.job().await.unwrap().unwrap().is_at_rest());
        assert!(port.job().await.unwrap().unwrap().is_at_rest());
        assert!(!port.job().await.unwrap().unwrap().is_at_rest());
    });
    let lab = late(Lag::Time(Duration::from_millis(300)));
    let port = lab.port();
    run(async {
        let job = job(&port).await;
        port.start(&job).await.unwrap();
        assert!(port.job().await.unwrap().unwrap().is_at_rest());
        tokio::time::sleep(Duration::from_millis(350)).await;
        assert!(!port.job().await.unwrap().unwrap().is_at_rest());
    });
}

#[test]
fn a_lost_start_is_seen_late_or_stays_in_doubt() {
    let operation = "POST /v1.0/servicePrincipals/{id}/synchronization/jobs/{id}/start";
    for (reads, refusal) in [(2, None), (50, Some(Refusal::Doubt))] {
        let lab = late(Lag::Reads(reads));
        let port = lab.port();
        lab.fails(operation, Kind::ResetAfter);
        let written = run(async { port.start(&job(&port).await).await });
        assert_eq!(written.err().map(|f| f.refusal), refusal);
        assert_eq!(lab.done("POST", "/start"), 1);
    }
}

#[test]
fn a_group_that_does_not_show_is_not_made_twice() {
    let lab = late(Lag::Reads(30));
    let port = lab.port();
    lab.fails("POST /v1.0/groups", Kind::ResetAfter);
    let name = "groupshift throwaway late";
    let member = guid(lab.state.users().keys().next().unwrap());
    let first = run(async { port.create_group(name, &[member]).await });
    assert_eq!(first.err().map(|f| f.refusal), Some(Refusal::Doubt));
    lab.state.with(|t| t.stale = None);
    let second = run(async { lab.port().create_group(name, &[member]).await });
    assert!(lab.state.group(&second.unwrap_or_else(|f| panic!("{}", f.error)).to_string()).is_some());
    assert_eq!(lab.done("POST", "/v1.0/groups"), 1);
}

#[test]
fn assignments_that_do_not_show_are_sent_again_and_refused_by_the_service() {
    let lab = late(Lag::Reads(40));
    let port = lab.port();
    let wanted = lab.outside();
    lab.fails("POST /v1.0/$batch", Kind::ResetAfter);
    let answers = run(async { port.assign(&job(&port).await, SCOPE_ROLE, &wanted).await.unwrap() });
    assert!(
        answers.iter().all(Result::is_ok),
        "{:?}",
        answers.iter().find_map(|a| a.as_ref().err().map(|f| f.error.to_string()))
    );
    assert_eq!(lab.done("POST", "/appRoleAssignedTo"), wanted.len());
    assert_eq!(lab.state.assignments().len(), lab.state.in_scope().len());
}

#[test]
fn a_change_of_a_group_is_the_same_twice() {
    let lab = late(Lag::Reads(60));
    let port = lab.port();
    lab.fails("PATCH /beta/groups/{id}", Kind::ResetAfter);
    let id = lab.group(0);
    let wanted = json!({ "writebackConfiguration": { "isEnabled": false } });
    lab.state.edit_group(&lab.groups[0], |g| g["writebackConfiguration"]["isEnabled"] = json!(true));
    let written = run(async {
        port.groups(&[id]).await.unwrap();
        port.update_group(id, &wanted).await
    });
    assert!(written.is_ok());
    assert_eq!(lab.state.group(&lab.groups[0]).unwrap()["writebackConfiguration"]["isEnabled"], false);
}
