//! The tenant's own evaluator of the mapping language, asked while its job is at hand. Its answers make predictions surer;
//! where it gives none, nothing is missing: what the documentation leaves open then stays open.

use super::queries;
use super::wire::{Trouble, Wire};
use crate::collect::live::{Note, Tell};
use crate::directory::inventory::{CloudSync, Evaluation};
use crate::error::Result;
use crate::graph::oracle::Job;
use futures_util::stream::{self, StreamExt};
use serde_json::Value;

/// Questions on their way at a time.
const AT_ONCE: usize = 4;

/// The answers, in the order of the questions; `None` where there is nobody to ask.
pub async fn ask(
    wire: &Wire,
    cloud: &CloudSync,
    questions: Vec<Evaluation>,
    tell: &Tell<'_>,
) -> Result<Option<Vec<Evaluation>>> {
    let Some(first) = questions.first() else { return Ok(None) };
    let mut evaluator = None;
    for place in places(cloud) {
        match wire.evaluate(&place, first.clone()).await {
            Ok(_) => {
                evaluator = Some(place);
                break;
            }
            Err(Trouble::Failed(error)) => return Err(error),
            Err(trouble) => tell(Note::Detail(format!(
                "the tenant's evaluator of expressions was not asked: {}",
                trouble.into_error().message
            ))),
        }
    }
    let Some(place) = evaluator else { return Ok(None) };
    tell(Note::Doing { part: "Entra", what: "asking the tenant's evaluator", done: 0, of: None });
    let answers: Vec<_> =
        stream::iter(questions).map(|question| wire.evaluate(&place, question)).buffered(AT_ONCE).collect().await;
    let mut out = Vec::new();
    for answer in answers {
        match answer {
            Ok(answer) => out.push(answer),
            Err(Trouble::Failed(error)) => return Err(error),
            // One question that it does not take is not answered; the others are.
            Err(_) => {}
        }
    }
    Ok(Some(out))
}

/// Where an evaluator may be: which job belongs to which service principal, the bodies do not say.
pub fn places(cloud: &CloudSync) -> Vec<Job> {
    let ids = |list: &Option<Vec<Value>>| -> Vec<String> {
        let id = |v: &Value| v.get("id").and_then(Value::as_str).map(str::to_owned);
        list.iter().flatten().filter_map(id).collect()
    };
    let jobs = ids(&cloud.jobs);
    ids(&cloud.service_principals)
        .iter()
        .flat_map(|p| jobs.iter().map(|j| Job { principal: p.clone(), job: j.clone() }))
        .filter(|place| place.job.starts_with(queries::JOB))
        .collect()
}
