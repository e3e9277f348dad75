//! Requests as this collector makes them: a path in, pages, values or a number out, and trouble sorted by what it means
//! for a collection.

use super::ledger::Ledger;
use crate::collect::graph_json::{self, Item, json_error, objects};
use crate::collect::live::Wishes;
use crate::config::Config;
use crate::directory::ObjectGuid;
use crate::directory::inventory::Evaluation;
use crate::error::{Error, Place, Result};
use crate::graph::oracle::Job;
use crate::graph::{Answer, BatchRequest, Fault, FaultKind, Graph, Links, Options, PER_BATCH};
use futures_util::stream::{self, StreamExt, TryStreamExt};
use serde_json::Value;
use std::collections::{BTreeMap, HashSet};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Batches on their way at a time; the client's budget paces them.
const BATCHES: usize = 4;

/// Why an answer is not there.
#[derive(Debug)]
pub enum Trouble {
    /// The account may not see it.
    Denied(Error),
    /// The tenant lacks the licence for it.
    Unlicensed(Error),
    /// There is no such thing.
    Missing(Error),
    /// The service does not do this, or not so.
    Refused(Error),
    /// A page or delta token has expired: begin again.
    Expired(Error),
    /// Anything that ends the collection.
    Failed(Error),
}

impl Trouble {
    pub fn into_error(self) -> Error {
        match self {
            Trouble::Denied(e)
            | Trouble::Unlicensed(e)
            | Trouble::Missing(e)
            | Trouble::Refused(e)
            | Trouble::Expired(e)
            | Trouble::Failed(e) => e,
        }
    }
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Self {
        Trouble::Failed(error)
    }
}

impl From<Fault> for Trouble {
    fn from(fault: Fault) -> Self {
        let (kind, status) = (fault.kind, fault.status);
        let error = Error::from(fault);
        match kind {
            FaultKind::Forbidden => Trouble::Denied(error),
            FaultKind::Licence => Trouble::Unlicensed(error),
            FaultKind::NotFound => Trouble::Missing(error),
            FaultKind::BadRequest => Trouble::Refused(error),
            FaultKind::Service if status == Some(501) => Trouble::Refused(error),
            FaultKind::ExpiredPage | FaultKind::ExpiredDelta => Trouble::Expired(error),
            _ => Trouble::Failed(error),
        }
    }
}

/// What the client tells while it works, until somebody listens: a code to sign in with, and repeated requests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Word {
    SignIn(String),
    /// How long something will take.
    Notice(String),
    Detail(String),
}

pub struct Wire {
    graph: Graph,
    /// Bytes received, by address.
    bytes: Mutex<BTreeMap<String, u64>>,
    words: Arc<Mutex<Vec<Word>>>,
}

impl Wire {
    /// Fetches the secrets; nothing is sent yet.
    pub fn new(config: &Config, wishes: &Wishes) -> Result<Self> {
        let words = Arc::<Mutex<Vec<Word>>>::default();
        let (codes, details) = (words.clone(), words.clone());
        let push = |words: &Mutex<Vec<Word>>, word| words.lock().unwrap_or_else(PoisonError::into_inner).push(word);
        let options = Options {
            show_code: Box::new(move |code| {
                let minutes = code.expires_in.as_secs() / 60;
                let text = format!(
                    "To sign in, open {} and enter the code {} (it is good for {minutes} minutes)",
                    code.address, code.code
                );
                push(&codes, Word::SignIn(text));
            }),
            tell: Box::new(move |text| push(&details, Word::Detail(text))),
            hurry: wishes.hurry,
            ..Options::default()
        };
        let options = match wishes.graph_budget {
            Some(budget_percent) => Options { budget_percent, ..options },
            None => options,
        };
        let entra = &config.settings.entra;
        let who = entra.client_id.clone().unwrap_or_default();
        let graph = Graph::new(entra, &|secret| config.fetch(secret, &who), options)?;
        Ok(Wire { graph, bytes: Mutex::default(), words })
    }

    /// Over a client that is there already; what it has to say goes to whoever made it.
    pub fn over(graph: Graph) -> Self {
        Wire { graph, bytes: Mutex::default(), words: Arc::default() }
    }

    pub fn graph(&self) -> &Graph {
        &self.graph
    }

    /// Has something told to whoever waits.
    pub fn tell(&self, text: String) {
        self.words.lock().unwrap_or_else(PoisonError::into_inner).push(Word::Notice(text));
    }

    /// What the client had to say since it was asked last.
    pub fn words(&self) -> Vec<Word> {
        std::mem::take(&mut *self.words.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Signs in; what the token says of itself, where it can be read.
    pub async fn claims(&self) -> Result<Option<crate::graph::Claims>> {
        Ok(self.graph.sign_in().await?)
    }

    /// Where Graph is, for messages.
    pub fn address(&self) -> String {
        self.graph.address().to_owned()
    }

    /// Signs in; whether the token carries a permission, as far as it can be read.
    pub async fn may(&self, permission: &str) -> Result<bool> {
        let claims = self.graph.sign_in().await?;
        Ok(claims.is_some_and(|claims| claims.permissions().contains(&permission)))
    }

    /// Tells the client how many users there are, from which the tenant's limit follows.
    pub async fn size(&self, users: u64) {
        self.graph.tenant_size(users).await;
    }

    /// Hands each page to `each`, in order; returns the link from which changes can be read, where there is one.
    pub async fn pages(
        &self,
        query: &str,
        each: impl AsyncFnMut(Vec<u8>) -> Result<()>,
    ) -> Result<Option<String>, Trouble> {
        let read = |answer: Answer| {
            let links = answer.links()?;
            Ok((answer.bytes, links))
        };
        self.pages_as(query, read, each).await
    }

    /// Hands the objects of each page to `each`, in order. A page is read once, with its links.
    pub async fn objects<I: Item>(
        &self,
        query: &str,
        each: impl AsyncFnMut(Vec<I>) -> Result<()>,
    ) -> Result<Option<String>, Trouble> {
        let read = |answer: Answer| match graph_json::read_answer(&answer.bytes, Path::new(query)) {
            Ok((items, page)) => Ok((items, Links { next: page.next, delta: page.delta, objects: page.objects })),
            // What is no page at all, or broke off, has an error of its own.
            Err(error) => answer.links().map_err(Trouble::from).and(Err(error.into())),
        };
        self.pages_as(query, read, each).await
    }

    async fn pages_as<T>(
        &self,
        query: &str,
        read: impl Fn(Answer) -> Result<(T, Links), Trouble>,
        mut each: impl AsyncFnMut(T) -> Result<()>,
    ) -> Result<Option<String>, Trouble> {
        let mut pages = self.graph.pages(query);
        let mut with_token = query.to_ascii_lowercase().contains("token=");
        loop {
            let page = pages.next_as(|answer| {
                self.count_bytes(query, answer.bytes.len());
                read(answer)
            });
            match page.await {
                Ok(Some(page)) => {
                    each(page.content).await?;
                    if !page.has_next {
                        return Ok(page.delta);
                    }
                    with_token = true;
                }
                Ok(None) => return Ok(None),
                // A token that the service has forgotten is answered like this too.
                Err(Trouble::Missing(error)) if with_token => return Err(Trouble::Expired(error)),
                Err(trouble) => return Err(trouble),
            }
        }
    }

    /// All objects of a collection, or the one object. What an earlier page held already is left out: objects move from
    /// page to page while a list is read.
    pub async fn values(&self, query: &str) -> Result<Vec<Value>, Trouble> {
        let mut out = Vec::new();
        let mut seen = HashSet::new();
        self.pages(query, async |body| {
            let page = list(&body, query)?;
            out.extend(page.into_iter().filter(|value| is_new(&mut seen, value)));
            Ok(())
        })
        .await?;
        Ok(out)
    }

    /// One object.
    pub async fn value(&self, query: &str) -> Result<Value, Trouble> {
        let body = self.graph.get(query).await?;
        self.count_bytes(query, body.bytes.len());
        Ok(body.json(query)?)
    }

    /// An expression as the tenant evaluates it.
    pub async fn evaluate(&self, at: &Job, question: Evaluation) -> Result<Evaluation, Trouble> {
        let answer = self.graph.parse_expression(at, &question.expression, &question.attributes).await?;
        self.count_bytes(&super::queries::schema(&at.principal, &at.job, "/parseExpression"), 0);
        Ok(answer.of(question))
    }

    /// A number, where the service gives one.
    pub async fn count(&self, query: &str) -> Result<Option<u64>> {
        match self.graph.count(query).await.map_err(Trouble::from) {
            Ok(count) => Ok(Some(count)),
            Err(Trouble::Failed(error)) => Err(error),
            Err(_) => Ok(None),
        }
    }

    /// Waits as this program chooses to.
    pub async fn pause(&self, time: Duration) {
        tokio::time::sleep(self.graph.hurried(time)).await;
    }

    /// One answer a query, in their order.
    pub async fn batch(&self, queries: &[String]) -> Result<Vec<Result<Value, Trouble>>, Trouble> {
        let requests: Vec<BatchRequest> = queries.iter().map(BatchRequest::get).collect();
        let answers: Vec<_> = stream::iter(requests.chunks(PER_BATCH))
            .map(|chunk| self.graph.batch(chunk))
            .buffered(BATCHES)
            .try_collect()
            .await?;
        for query in queries {
            self.count_bytes(query, 0);
        }
        Ok(answers.into_iter().flatten().map(|answer| answer.map_err(Trouble::from)).collect())
    }

    fn count_bytes(&self, query: &str, bytes: usize) {
        let path = query.strip_prefix(self.graph.address()).unwrap_or(query);
        let address = format!("{}{}", self.graph.address(), without_ids(path));
        *self.bytes.lock().unwrap_or_else(PoisonError::into_inner).entry(address).or_default() += bytes as u64;
    }

    /// Where everything was read from.
    pub fn sources(&self, ledger: &Ledger) {
        for (address, bytes) in &*self.bytes.lock().unwrap_or_else(PoisonError::into_inner) {
            let cloud = ["/servicePrincipals", "/onPremisesPublishingProfiles/", "/auditLogs/"];
            let part = if cloud.iter().any(|c| address.contains(c)) { "cloudsync" } else { "entra" };
            ledger.source(part, address, *bytes);
        }
    }

    /// What was used, in a sentence.
    pub fn usage(&self) -> String {
        let usage = self.graph.usage();
        format!(
            "Graph: {} requests, {} resource units, {} repeated, {} throttled, {:.1} s waited, {} bytes",
            usage.requests,
            usage.units,
            usage.repeated,
            usage.throttled,
            usage.waited.as_secs_f64(),
            usage.bytes
        )
    }
}

/// A path without what follows the question mark, and with its ids left out: thousands of lists are one source.
fn without_ids(query: &str) -> String {
    let path = query.split('?').next().unwrap_or(query);
    let is_id =
        |s: &str| ObjectGuid::parse(s).is_some() || s.contains('.') && s != "v1.0" && !s.starts_with("microsoft.");
    let segments: Vec<&str> = path.split('/').map(|s| if is_id(s) { "{id}" } else { s }).collect();
    segments.join("/")
}

/// Whether an object with this id was not there before; what has no id is told by all that it holds.
pub fn is_new(seen: &mut HashSet<String>, value: &Value) -> bool {
    seen.insert(value.get("id").and_then(Value::as_str).map_or_else(|| value.to_string(), str::to_owned))
}

/// The objects of a body: of `value`, or the one object.
pub fn list(body: &[u8], query: &str) -> Result<Vec<Value>> {
    let path = Path::new(query);
    let value = serde_json::from_slice(body).map_err(|e| json_error(path, &e))?;
    objects(value).ok_or_else(|| Error::input(Place::file(path), "Graph's answer is no object"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn addresses_without_ids() {
        for (query, wanted) in [
            ("/v1.0/groups/3a5c3221-c465-48c0-95b8-e9305786a271/members?$select=id", "/v1.0/groups/{id}/members"),
            (
                "/v1.0/servicePrincipals/3a5c3221-c465-48c0-95b8-e9305786a271/synchronization/jobs/AAD2ADGroupProvisioning.a.b/schema",
                "/v1.0/servicePrincipals/{id}/synchronization/jobs/{id}/schema",
            ),
            (
                "/v1.0/directory/deletedItems/microsoft.graph.group?$top=1",
                "/v1.0/directory/deletedItems/microsoft.graph.group",
            ),
            ("/beta/groups/delta", "/beta/groups/delta"),
        ] {
            assert_eq!(without_ids(query), wanted);
        }
    }

    #[test]
    fn single_objects_and_collections() {
        for (body, count) in [
            (json!({ "value": [{ "id": 1 }, { "id": 2 }] }), 2),
            (json!({ "value": [] }), 0),
            (json!({ "id": 1 }), 1),
            (json!({ "value": { "id": 1 } }), 1),
            (json!({ "id": 1, "value": "text" }), 1),
        ] {
            assert_eq!(list(body.to_string().as_bytes(), "q").unwrap().len(), count, "{body}");
        }
        assert!(list(b"[1]", "q").is_err() && list(b"<html>", "q").is_err());
    }
}
