//! The tenant's own evaluator of expressions.

use super::server::ok;
use super::{block_on, client, serve};
use groupshift::graph::oracle::Job;
use serde_json::{Value, json};

fn job() -> Job {
    Job { principal: "p1".to_owned(), job: "AAD2ADGroupProvisioning.a.b".to_owned() }
}

#[test]
fn it_is_asked_with_the_attributes_that_there_are() {
    let server = serve(|_, _| {
        ok(
            json!({ "parsingSucceeded": true, "evaluationSucceeded": true, "evaluationResult": ["EN_US"], "error": null }),
        )
    });
    let attributes = [
        ("preferredLanguage".to_owned(), vec!["EN-US".to_owned()]),
        ("absent".to_owned(), vec![]),
        ("many".to_owned(), vec!["a".to_owned(), "b".to_owned()]),
    ];
    let answer =
        block_on(client(&server).parse_expression(&job(), "Replace([preferredLanguage], \"-\")", &attributes)).unwrap();
    assert!(answer.parsed && answer.evaluated && answer.error.is_none());
    assert_eq!(answer.result, ["EN_US"]);
    let seen = server.graph();
    let sent: Value = seen[0].json();
    assert_eq!(sent["expression"], "Replace([preferredLanguage], \"-\")");
    let keys: Vec<&Value> =
        sent["testInputObject"]["properties"].as_array().unwrap().iter().map(|p| &p["key"]).collect();
    assert_eq!(keys, ["preferredLanguage", "many"], "an attribute that is absent is not sent");
    assert_eq!(sent["testInputObject"]["properties"][1]["value@odata.type"], "#Collection(String)");
}

#[test]
fn answers_without_a_value_are_told_apart() {
    for (body, parsed, evaluated, results, error) in [
        (json!({ "parsingSucceeded": true, "evaluationSucceeded": true, "evaluationResult": [] }), true, true, 0, None),
        (
            json!({ "parsingSucceeded": true, "evaluationSucceeded": true, "evaluationResult": [null] }),
            true,
            true,
            0,
            None,
        ),
        (
            json!({ "parsingSucceeded": false, "evaluationSucceeded": false, "evaluationResult": null, "error": { "code": "x", "message": "bad" } }),
            false,
            false,
            0,
            Some("bad"),
        ),
        (json!({ "error": { "code": "x" } }), false, false, 0, Some("{\"code\":\"x\"}")),
    ] {
        let shown = body.to_string();
        let server = serve(move |_, _| ok(body.clone()));
        let answer = block_on(client(&server).parse_expression(&job(), "[x]", &[])).unwrap();
        assert_eq!((answer.parsed, answer.evaluated, answer.result.len()), (parsed, evaluated, results), "{shown}");
        assert_eq!(answer.error.as_deref(), error, "{shown}");
    }
}
