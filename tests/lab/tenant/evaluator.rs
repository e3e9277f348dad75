//! The tenant's evaluator of expressions (`schema/parseExpression`): the language read in one of the ways that its
//! documentation leaves open, or in none.

use groupshift::predict::expression::{Attr, Attributes, Outcome, Settled, Value as Word, evaluate, parse};
use serde_json::{Value, json};
use std::collections::HashMap;

/// How a tenant reads the language.
pub enum Evaluator {
    So(Settled),
    /// It gives what no reading gives.
    Otherwise,
}

struct Object<'a> {
    attributes: HashMap<String, Word>,
    reading: &'a Settled,
}

impl Attributes for Object<'_> {
    fn get(&self, name: &str) -> Attr {
        Attributes::get(&self.attributes, name)
    }
    fn service(&self, name: &str) -> Attr {
        if name == "DomainFQDN" { Attr::Value("contoso.com".into()) } else { Attr::Absent }
    }
    fn settled(&self) -> Option<&Settled> {
        Some(self.reading)
    }
}

pub fn answer(evaluator: &Evaluator, body: &[u8]) -> (u16, Value) {
    let asked: Value = serde_json::from_slice(body).unwrap();
    let text = asked["expression"].as_str().unwrap();
    let Ok(expression) = parse(text) else {
        let error = json!({ "code": "ParseError", "message": "it does not parse" });
        return (200, json!({ "parsingSucceeded": false, "evaluationSucceeded": false, "error": error }));
    };
    let Evaluator::So(reading) = evaluator else { return given(vec!["zzz".to_owned()]) };
    let attributes = asked["testInputObject"]["properties"]
        .as_array()
        .unwrap()
        .iter()
        .map(|p| {
            let value = match &p["value"] {
                Value::Array(list) => Word::Multi(list.iter().map(|v| Word::str(v.as_str().unwrap())).collect()),
                one => Word::str(one.as_str().unwrap()),
            };
            (p["key"].as_str().unwrap().to_owned(), value)
        })
        .collect();
    match evaluate(&expression, &Object { attributes, reading }) {
        Outcome::Value(Word::Null) | Outcome::Drop => given(Vec::new()),
        Outcome::Value(Word::Multi(list)) => given(list.iter().map(ToString::to_string).collect()),
        Outcome::Value(one) => given(vec![one.to_string()]),
        Outcome::Error(text) => failed(&text),
        Outcome::Unknown { reason, .. } => failed(&reason),
    }
}

fn given(result: Vec<String>) -> (u16, Value) {
    (200, json!({ "parsingSucceeded": true, "evaluationSucceeded": true, "evaluationResult": result, "error": null }))
}

fn failed(why: &str) -> (u16, Value) {
    let error = json!({ "code": "EvaluationError", "message": why });
    (200, json!({ "parsingSucceeded": true, "evaluationSucceeded": false, "evaluationResult": null, "error": error }))
}
