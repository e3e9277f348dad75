//! Several requests in one: up to twenty a batch. The parts are answered one by one; only those that were refused for
//! now are sent again.

use super::budget::estimate;
use super::client::{Graph, Method, malformed, shown};
use super::fault::{Fault, FaultKind};
use super::retry;
use chrono::Utc;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use tokio::time::Instant;

/// Requests in one batch.
pub const PER_BATCH: usize = 20;

/// One request of a batch: a path with its version, as for `Graph::get`. All of a batch have to be of one version.
#[derive(Debug, Clone, PartialEq)]
pub struct BatchRequest {
    pub method: Method,
    pub path: String,
    pub body: Option<Value>,
    pub if_match: Option<String>,
}

impl BatchRequest {
    pub fn get(path: impl Into<String>) -> BatchRequest {
        BatchRequest { method: Method::Get, path: path.into(), body: None, if_match: None }
    }
}

/// The answer to one request.
pub type BatchAnswer = Result<Value, Fault>;

#[derive(Deserialize)]
struct Answers {
    responses: Vec<Answer>,
}

#[derive(Deserialize)]
struct Answer {
    id: String,
    status: u16,
    #[serde(default)]
    headers: BTreeMap<String, Value>,
    #[serde(default)]
    body: Value,
}

impl Answer {
    fn header(&self, name: &str) -> Option<String> {
        let (_, value) = self.headers.iter().find(|(k, _)| k.eq_ignore_ascii_case(name))?;
        Some(value.as_str().map_or_else(|| value.to_string(), str::to_owned))
    }
}

impl Graph {
    /// Sends any number of requests, twenty at a time; answers come in the order of the requests. A part that failed
    /// for good is an error in its place; the call itself fails only where a whole batch did.
    pub async fn batch(&self, requests: &[BatchRequest]) -> Result<Vec<BatchAnswer>, Fault> {
        let mut out: Vec<Option<BatchAnswer>> = (0..requests.len()).map(|_| None).collect();
        let mut versions: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (index, request) in requests.iter().enumerate() {
            let (version, _) = split(&request.path)?;
            versions.entry(version).or_default().push(index);
        }
        for (version, indexes) in versions {
            for chunk in indexes.chunks(PER_BATCH) {
                self.one_batch(version, requests, chunk, &mut out).await?;
            }
        }
        let missing = || unclear("POST $batch", "an answer is missing");
        Ok(out.into_iter().map(|answer| answer.unwrap_or_else(|| Err(missing()))).collect())
    }

    async fn one_batch(
        &self,
        version: &str,
        requests: &[BatchRequest],
        chunk: &[usize],
        out: &mut [Option<BatchAnswer>],
    ) -> Result<(), Fault> {
        let mut open: Vec<usize> = chunk.to_vec();
        let name = format!("POST /{version}/$batch");
        let begun = Instant::now();
        let mut attempt = 0;
        while !open.is_empty() {
            let mut parts = Vec::new();
            for &index in &open {
                parts.push(part(index, &requests[index])?);
            }
            let body = json!({ "requests": parts });
            let mut request = self.request(Method::Post, &format!("/{version}/$batch"), Some(&body))?;
            request.units = Some(open.iter().map(|i| estimate(&requests[*i].path)).sum());
            request.writes = open.iter().filter(|i| requests[**i].method != Method::Get).count();
            // Where a part failed, some services say so for the whole; the parts tell which.
            request.also = Some(424);
            let reads = open.iter().all(|i| requests[*i].method == Method::Get);
            let answered = match self.send(request).await {
                // A batch of reads may be sent again whatever became of it.
                Err(fault) if reads && attempt + 1 < retry::TRIES && may_pass(&fault) => {
                    self.pause_for(&fault, self.backoff(attempt), 0).await;
                    attempt += 1;
                    continue;
                }
                other => other?,
            };
            let answers: Answers = serde_json::from_slice(&answered.bytes).map_err(|e| malformed(&name, &e))?;
            let mut again = Vec::new();
            let mut faults = BTreeMap::new();
            let (mut asked, mut refused, mut last) = (None, 0, None);
            for answer in answers.responses {
                let Some(index) = answer.id.parse::<usize>().ok().filter(|i| open.contains(i)) else {
                    return Err(unclear(&name, "an answer to a request that was not made"));
                };
                let request = &requests[index];
                if out[index].is_some() || again.contains(&index) {
                    return Err(unclear(&name, "two answers to one request"));
                }
                let shown = format!("{} {}", request.method.as_str(), shown(&request.path));
                let result = match answer.status {
                    200..300 => Ok(answer.body.clone()),
                    status => Err(Fault::answer(
                        &shown,
                        status,
                        answer.header("request-id"),
                        answer.body.to_string().as_bytes(),
                    )),
                };
                let repeatable = request.method == Method::Get || matches!(answer.status, 429 | 424);
                match result {
                    Err(fault) if repeatable && (retry::is_passing(answer.status) || answer.status == 424) => {
                        asked =
                            asked.max(answer.header("Retry-After").and_then(|v| retry::retry_after(&v, Utc::now())));
                        refused += u64::from(answer.status == 429);
                        again.push(index);
                        // What failed only because another part did says least.
                        if last.is_none() || answer.status != 424 {
                            last = Some(fault.clone());
                        }
                        faults.insert(index, fault);
                    }
                    result => out[index] = Some(result),
                }
            }
            if let Some(missing) = open.iter().find(|i| out[**i].is_none() && !again.contains(i)) {
                let path = shown(&requests[*missing].path);
                return Err(unclear(&name, format!("the answer to {path} is missing")));
            }
            if let Some(fault) = last {
                let pause = asked.unwrap_or_else(|| self.backoff(attempt));
                if attempt + 1 >= retry::TRIES || begun.elapsed() + pause > retry::PATIENCE {
                    for (index, fault) in faults {
                        out[index] = Some(Err(fault));
                    }
                    return Ok(());
                }
                self.pause_for(&fault, pause, refused).await;
            }
            open = again;
            attempt += 1;
        }
        Ok(())
    }
}

/// Answers that do not tell what became of the requests.
fn unclear(name: &str, words: impl Into<String>) -> Fault {
    Fault { doubt: true, ..Fault::new(FaultKind::Malformed, name, words) }
}

/// Whether what became of the whole batch may be otherwise the next time.
fn may_pass(fault: &Fault) -> bool {
    match fault.kind {
        FaultKind::Transport => true,
        FaultKind::Service => fault.status.is_some_and(retry::is_passing),
        _ => false,
    }
}

/// Version and the rest of a path.
fn split(path: &str) -> Result<(&str, &str), Fault> {
    let rest = path.strip_prefix('/').unwrap_or(path);
    match rest.split_once('/') {
        Some((version @ ("v1.0" | "beta"), _)) => Ok((version, &rest[version.len()..])),
        _ => Err(Fault::new(FaultKind::BadRequest, path, "a path begins with /v1.0/ or /beta/")),
    }
}

fn part(index: usize, request: &BatchRequest) -> Result<Value, Fault> {
    let (_, url) = split(&request.path)?;
    let mut part = json!({ "id": index.to_string(), "method": request.method.as_str(), "url": url });
    let mut headers = serde_json::Map::new();
    if let Some(body) = &request.body {
        part["body"] = body.clone();
        headers.insert("Content-Type".to_owned(), json!("application/json"));
    }
    if let Some(etag) = &request.if_match {
        headers.insert("If-Match".to_owned(), json!(etag));
    }
    if !headers.is_empty() {
        part["headers"] = Value::Object(headers);
    }
    Ok(part)
}
