//! The tenant's own evaluator of the mapping language (`schema/parseExpression`). It writes nothing, and what it answers
//! settles points that the documentation leaves open.

use super::client::{Graph, Method, malformed};
use super::fault::Fault;
use crate::directory::inventory::Evaluation;
use serde::Deserialize;
use serde_json::{Value, json};

/// What the tenant answered.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Answer {
    pub parsed: bool,
    pub evaluated: bool,
    /// The values; none where the expression gives none.
    pub result: Vec<String>,
    pub error: Option<String>,
}

impl Answer {
    /// The question with this answer.
    pub fn of(self, question: Evaluation) -> Evaluation {
        let evaluated = self.parsed && self.evaluated;
        Evaluation { evaluated, result: self.result, error: self.error, ..question }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wire {
    #[serde(default)]
    parsing_succeeded: Option<bool>,
    #[serde(default)]
    evaluation_succeeded: Option<bool>,
    #[serde(default)]
    evaluation_result: Option<Vec<Option<String>>>,
    #[serde(default)]
    error: Option<Value>,
}

/// Where an evaluator is: a job's schema.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    pub principal: String,
    pub job: String,
}

impl Graph {
    /// Evaluates an expression over these attributes; an attribute without values is left out, as an absent one is.
    pub async fn parse_expression(
        &self,
        at: &Job,
        expression: &str,
        attributes: &[(String, Vec<String>)],
    ) -> Result<Answer, Fault> {
        let properties: Vec<Value> = attributes
            .iter()
            .filter_map(|(key, values)| match values.as_slice() {
                [] => None,
                [one] => Some(json!({ "key": key, "value": one })),
                many => Some(json!({ "key": key, "value@odata.type": "#Collection(String)", "value": many })),
            })
            .collect();
        let body = json!({
            "expression": expression,
            "testInputObject": { "definition": { "attributes": [] }, "properties": properties },
        });
        let path =
            format!("/v1.0/servicePrincipals/{}/synchronization/jobs/{}/schema/parseExpression", at.principal, at.job);
        let answered = self.write(Method::Post, &path, Some(&body), None).await?;
        let wire: Wire = serde_json::from_slice(&answered.bytes).map_err(|e| malformed(&format!("POST {path}"), &e))?;
        let error = wire.error.filter(|e| !e.is_null());
        Ok(Answer {
            parsed: wire.parsing_succeeded.unwrap_or(error.is_none()),
            evaluated: wire.evaluation_succeeded.unwrap_or(error.is_none()),
            result: wire.evaluation_result.unwrap_or_default().into_iter().flatten().collect(),
            error: error.map(|e| e.get("message").and_then(Value::as_str).map_or_else(|| e.to_string(), str::to_owned)),
        })
    }
}
