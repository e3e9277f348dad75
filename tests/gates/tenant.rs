//! E1, E2, E11, E12, E14, E15.

use crate::support::World;
use crate::{table, world};
use serde_json::{Value, json};

fn features(w: &mut World, v2: Value) {
    w.json(
        "entra/onPremisesSynchronization.json",
        json!({ "value": [{ "id": "t", "features": { "groupWriteBackEnabled": v2 } }] }),
    );
}

fn v2_on_server(w: &mut World, name: &str, value: Value) {
    w.server(name, |s| s["companyFeatures"]["GroupWritebackV2"] = value);
}

#[test]
fn e1() {
    table(
        "E1",
        &[
            ("nothing says", |_| {}, "unknown"),
            ("on by Entra", |w| features(w, json!(true)), "pass"),
            ("off by Entra", |w| features(w, json!(false)), "fail"),
            ("null", |w| features(w, json!(null)), "unknown"),
            ("on by Connect", |w| v2_on_server(w, "sync01", json!(true)), "pass"),
            ("off by Connect", |w| v2_on_server(w, "sync01", json!(false)), "fail"),
            ("as PowerShell writes it", |w| v2_on_server(w, "sync01", json!("True")), "pass"),
            (
                "they contradict",
                |w| {
                    features(w, json!(true));
                    v2_on_server(w, "sync01", json!(false));
                },
                "unknown",
            ),
            (
                "two servers contradict",
                |w| {
                    v2_on_server(w, "sync01", json!(true));
                    v2_on_server(w, "sync02", json!(false));
                },
                "unknown",
            ),
            (
                "the body itself, not in a list",
                |w| {
                    w.json(
                        "entra/onPremisesSynchronization.json",
                        json!({ "id": "t", "features": { "groupWriteBackEnabled": true } }),
                    );
                },
                "pass",
            ),
        ],
    );
}

fn agents(w: &mut World, list: &[(&str, &str, Option<&str>)]) {
    let agents: Vec<Value> = list
        .iter()
        .map(|(name, status, version)| json!({ "machineName": name, "status": status, "version": version }))
        .collect();
    w.json("cloudsync/agents.json", json!({ "value": agents }));
}

#[test]
fn e2() {
    table(
        "E2",
        &[
            ("not collected", |_| {}, "unknown"),
            ("none", |w| agents(w, &[]), "fail"),
            ("one, inactive", |w| agents(w, &[("a", "inactive", Some("1.1.2505.0"))]), "fail"),
            ("one, version unknown", |w| agents(w, &[("a", "active", None)]), "unknown"),
            ("one, version no version", |w| agents(w, &[("a", "active", Some("new"))]), "unknown"),
            ("the lowest", |w| agents(w, &[("a", "active", Some("1.1.2334.0"))]), "pass"),
            ("one below", |w| agents(w, &[("a", "active", Some("1.1.2333.9"))]), "fail"),
            (
                "an old one that is inactive",
                |w| agents(w, &[("a", "active", Some("1.1.2505.0")), ("b", "inactive", Some("1.1.1.0"))]),
                "pass",
            ),
            (
                "one of two is old",
                |w| agents(w, &[("a", "active", Some("1.1.2505.0")), ("b", "active", Some("1.1.1370.0"))]),
                "fail",
            ),
            (
                "the version told by Connect on the same host",
                |w| {
                    agents(w, &[("SYNC01.contoso.com", "active", None)]);
                    w.server("sync01", |_| {});
                },
                "pass",
            ),
            (
                "an old version told by Connect",
                |w| {
                    agents(w, &[("sync01.contoso.com", "active", None)]);
                    w.server("SYNC01", |s| s["provisioningAgent"]["version"] = json!("1.1.1373.0"));
                },
                "fail",
            ),
        ],
    );
}

fn jobs(w: &mut World, templates: &[&str]) {
    let jobs: Vec<Value> =
        templates.iter().enumerate().map(|(i, t)| json!({ "id": format!("{t}.{i}"), "templateId": t })).collect();
    w.json("cloudsync/jobs.json", json!({ "value": jobs }));
}

#[test]
fn e11() {
    table(
        "E11",
        &[
            ("none", |_| {}, "pass"),
            ("not collected", |w| w.files.clear(), "unknown"),
            ("one", |w| jobs(w, &["AAD2ADGroupProvisioning"]), "pass"),
            ("two", |w| jobs(w, &["AAD2ADGroupProvisioning", "AAD2ADGroupProvisioning"]), "fail"),
            (
                "the other direction does not count",
                |w| jobs(w, &["AD2AADProvisioning", "AD2AADPasswordHash", "AAD2ADGroupProvisioning"]),
                "pass",
            ),
            (
                "Exchange writeback does not count",
                |w| jobs(w, &["AAD2ADExchangeHybridWriteback", "AAD2ADGroupProvisioning"]),
                "pass",
            ),
        ],
    );
}

fn skus(w: &mut World, plans: &[&str]) {
    let plans: Vec<Value> = plans.iter().map(|p| json!({ "servicePlanName": p })).collect();
    w.json("entra/subscribedSkus.json", json!({ "value": [{ "skuPartNumber": "X", "servicePlans": plans }] }));
}

#[test]
fn e12_is_seen_to_fail_but_never_to_pass() {
    table(
        "E12",
        &[
            ("nothing says", |_| {}, "unknown"),
            ("P1", |w| skus(w, &["AAD_PREMIUM"]), "unknown"),
            ("P2", |w| skus(w, &["AAD_PREMIUM_P2"]), "unknown"),
            ("no P1", |w| skus(w, &["EXCHANGE_S_STANDARD"]), "fail"),
            ("no licence at all", |w| drop(w.json("entra/subscribedSkus.json", json!({ "value": [] }))), "fail"),
            (
                "three configurations on P1",
                |w| {
                    skus(w, &["AAD_PREMIUM"]);
                    jobs(w, &["AAD2ADGroupProvisioning"; 3]);
                },
                "fail",
            ),
            (
                "three configurations with governance",
                |w| {
                    skus(w, &["AAD_PREMIUM", "Entra_Identity_Governance"]);
                    jobs(w, &["AAD2ADGroupProvisioning"; 3]);
                },
                "unknown",
            ),
            ("twenty-one", |w| jobs(w, &["AAD2ADGroupProvisioning"; 21]), "fail"),
        ],
    );
}

#[test]
fn e14_and_e15_are_never_seen() {
    let outcome = world(|w| features(w, json!(true)));
    for gate in ["E14", "E15"] {
        assert_eq!(outcome.status(gate), "unknown", "{gate}");
    }
}
