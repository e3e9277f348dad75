//! Batches: twenty at a time, answers in the order of the requests, only what was refused for now sent again.

use super::server::{End, error, ok, reply};
use super::{block_on, client, serve};
use groupshift::graph::{BatchRequest, FaultKind, Method};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::time::Instant;

fn part(request: &Value, status: u16, body: Value) -> Value {
    json!({ "id": request["id"], "status": status, "headers": { "Content-Type": "application/json" }, "body": body })
}

fn requests(n: usize) -> Vec<BatchRequest> {
    (0..n).map(|n| BatchRequest::get(format!("/v1.0/groups/g{n}?$select=id"))).collect()
}

fn url(request: &Value) -> &str {
    request["url"].as_str().unwrap()
}

#[test]
fn many_requests_go_out_in_twenties_and_answers_find_their_places() {
    let server = serve(|seen, _| {
        let mut answers: Vec<Value> = Vec::new();
        for request in seen.json()["requests"].as_array().unwrap() {
            answers.push(part(request, 200, json!({ "of": format!("{}{}", seen.path, url(request)) })));
        }
        // In any order.
        answers.reverse();
        ok(json!({ "responses": answers }))
    });
    let mut all = requests(43);
    all.insert(7, BatchRequest::get("/beta/groups/b?$select=writebackConfiguration"));
    let answers = block_on(client(&server).batch(&all)).unwrap();
    for (request, answer) in all.iter().zip(&answers) {
        let (version, rest) = request.path[1..].split_once('/').unwrap();
        assert_eq!(answer.as_ref().unwrap()["of"], format!("/{version}/$batch/{rest}"));
    }
    let mut sizes: Vec<usize> = server.graph().iter().map(|s| s.json()["requests"].as_array().unwrap().len()).collect();
    sizes.sort_unstable();
    assert_eq!(sizes, [1, 3, 20, 20]);
    assert!(block_on(client(&server).batch(&[])).unwrap().is_empty());
}

#[test]
fn only_parts_that_were_refused_for_now_are_sent_again() {
    for outer in [200, 424] {
        let server = serve(move |seen, _| {
            let asked = seen.json();
            let answers: Vec<Value> = asked["requests"]
                .as_array()
                .unwrap()
                .iter()
                .map(|request| {
                    let refused = |status: u16, code: &str| {
                        part(request, status, json!({ "error": { "code": code, "message": "x" } }))
                    };
                    match (url(request).split(['/', '?']).nth(2).unwrap(), seen.before) {
                        ("g0", 0) => {
                            let mut answer = refused(429, "TooManyRequests");
                            answer["headers"]["Retry-After"] = json!("0.2");
                            answer
                        }
                        ("g1", 0) => refused(424, "FailedDependency"),
                        ("g2", 0..=1) => refused(503, "ServiceUnavailable"),
                        ("g3", _) => refused(404, "Request_ResourceNotFound"),
                        ("g4", _) => refused(403, "Authorization_RequestDenied"),
                        (name, _) => part(request, 200, json!({ "name": name })),
                    }
                })
                .collect();
            reply(if seen.before == 0 { outer } else { 200 }, json!({ "responses": answers }))
        });
        let graph = client(&server);
        let begun = Instant::now();
        let answers = block_on(graph.batch(&requests(6))).unwrap();
        assert!(begun.elapsed().as_millis() >= 200);
        for name in [0, 1, 2, 5] {
            assert_eq!(answers[name].as_ref().unwrap()["name"], format!("g{name}"), "{outer}");
        }
        let kinds: Vec<FaultKind> = [3, 4].map(|n| answers[n].as_ref().unwrap_err().kind).to_vec();
        assert_eq!(kinds, [FaultKind::NotFound, FaultKind::Forbidden]);
        let sent: Vec<BTreeSet<String>> = server
            .graph()
            .iter()
            .map(|s| {
                s.json()["requests"].as_array().unwrap().iter().map(|r| url(r).replace("?$select=id", "")).collect()
            })
            .collect();
        let set = |names: &[&str]| names.iter().map(|n| format!("/groups/{n}")).collect::<BTreeSet<_>>();
        assert_eq!(sent[1], set(&["g0", "g1", "g2"]), "{outer}");
        assert_eq!(sent[2], set(&["g2"]), "{outer}");
        assert_eq!(sent.len(), 3);
        assert_eq!((graph.usage().throttled, graph.usage().repeated), (1, 2));
    }
}

#[test]
fn a_batch_of_reads_survives_what_a_batch_of_writes_does_not_repeat() {
    let script = |first: super::server::Reply| {
        serve(move |seen, _| match seen.before {
            0 => first.clone(),
            _ => {
                let asked = seen.json();
                let answers: Vec<Value> =
                    asked["requests"].as_array().unwrap().iter().map(|r| part(r, 200, json!({}))).collect();
                ok(json!({ "responses": answers }))
            }
        })
    };
    let write = BatchRequest {
        method: Method::Patch,
        path: "/v1.0/groups/x".to_owned(),
        body: Some(json!({ "a": 1 })),
        if_match: Some("W/1".to_owned()),
    };
    let long = json!({ "responses": [{ "id": "0", "status": 200, "body": { "x": "cut before this ends" } }] });
    for first in [error(503, "ServiceUnavailable"), ok(json!({})).ending(End::Reset), ok(long).ending(End::Cut)] {
        let server = script(first.clone());
        assert!(block_on(client(&server).batch(&requests(2))).unwrap().iter().all(Result::is_ok));
        assert_eq!(server.graph().len(), 2);
        let server = script(first);
        assert!(block_on(client(&server).batch(std::slice::from_ref(&write))).is_err());
        assert_eq!(server.graph().len(), 1);
        let sent = &server.graph()[0].json()["requests"][0];
        assert_eq!(
            (&sent["method"], &sent["headers"]["If-Match"], &sent["body"]),
            (&json!("PATCH"), &json!("W/1"), &json!({ "a": 1 }))
        );
    }
    // Refused as a whole means that nothing was done.
    let server = script(error(429, "TooManyRequests").with("retry-after", "0"));
    assert!(block_on(client(&server).batch(&[write])).unwrap()[0].is_ok());
}

#[test]
fn answers_that_break_the_rules_of_a_batch_end_it() {
    for (name, answers) in [
        ("missing", json!([{ "id": "0", "status": 200, "body": {} }])),
        ("foreign", json!([{ "id": "0", "status": 200 }, { "id": "9", "status": 200 }])),
        ("twice", json!([{ "id": "0", "status": 200 }, { "id": "0", "status": 200 }, { "id": "1", "status": 200 }])),
        ("no list", json!({})),
    ] {
        let server = serve(move |_, _| ok(json!({ "responses": answers.clone() })));
        let fault = block_on(client(&server).batch(&requests(2))).unwrap_err();
        assert_eq!(fault.kind, FaultKind::Malformed, "{name}: {fault}");
    }
    let server = serve(|_, _| ok(json!({})));
    assert!(block_on(client(&server).batch(&[BatchRequest::get("/v2.0/x")])).is_err());
}

#[test]
fn a_part_that_is_refused_for_ever_is_a_fault_in_its_place() {
    let server = serve(|seen, _| {
        let asked = seen.json();
        let answers: Vec<Value> = asked["requests"].as_array().unwrap().iter().map(|request| match url(request).contains("g1") {
            true => json!({ "id": request["id"], "status": 429, "headers": { "retry-after": 0.01 },
                "body": { "error": { "code": "TooManyRequests", "message": "x", "innerError": { "request-id": "part-id" } } } }),
            false => part(request, 200, json!({})),
        }).collect();
        ok(json!({ "responses": answers }))
    });
    let answers = block_on(client(&server).batch(&requests(3))).unwrap();
    let fault = answers[1].as_ref().unwrap_err();
    assert_eq!((fault.kind, fault.request_id.as_deref()), (FaultKind::Throttled, Some("part-id")));
    assert!(answers[0].is_ok() && answers[2].is_ok());
    assert_eq!(server.graph().len(), 8);
}
