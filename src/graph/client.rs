//! One request and its answer: with a token, within the budget, repeated where that is safe.

use super::budget::{self, Budget};
use super::cloud::Addresses;
use super::fault::{Fault, FaultKind, is_html};
use super::pages::Pages;
use super::quota::Quotas;
use super::retry;
use super::sign_in::{ShowCode, SignIn};
use super::token::Claims;
use crate::config::{self, Secret};
use crate::error::{Error, Result};
use crate::tls;
use chrono::Utc;
use reqwest::header::HeaderMap;
use secrecy::{ExposeSecret, SecretString};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep};
use url::Url;

/// An answer longer than this is refused: no page of Graph comes near.
pub const MAX_BODY: usize = 100 << 20;
/// Room made for an answer before it comes, at most: an answer may announce more than it brings.
const MOST_ANNOUNCED: u64 = 4 << 20;
/// Requests on their way at a time.
const AT_A_TIME: usize = 8;

/// What a request does. Only the first three can be repeated without another effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    Get,
    Put,
    Delete,
    Post,
    Patch,
}

impl Method {
    pub fn as_str(self) -> &'static str {
        match self {
            Method::Get => "GET",
            Method::Put => "PUT",
            Method::Delete => "DELETE",
            Method::Post => "POST",
            Method::Patch => "PATCH",
        }
    }
    fn reqwest(self) -> reqwest::Method {
        match self {
            Method::Get => reqwest::Method::GET,
            Method::Put => reqwest::Method::PUT,
            Method::Delete => reqwest::Method::DELETE,
            Method::Post => reqwest::Method::POST,
            Method::Patch => reqwest::Method::PATCH,
        }
    }
}

/// How to behave.
pub struct Options {
    /// Share of the tenant's limit to use, in percent.
    pub budget_percent: u8,
    pub connect_timeout: Duration,
    /// Longest silence of a running answer.
    pub read_timeout: Duration,
    /// Longest time of one answer as a whole, so that one that trickles in ends too.
    pub answer_timeout: Duration,
    /// Shorter pauses of this program's own choice, for a service that is in no need of rest.
    pub hurry: bool,
    /// Shows the code of a sign-in by device code.
    pub show_code: ShowCode,
    /// Told of every repeated request, for `-v`.
    pub tell: Box<dyn Fn(String) + Send + Sync>,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            budget_percent: 50,
            connect_timeout: Duration::from_secs(30),
            read_timeout: Duration::from_secs(120),
            answer_timeout: Duration::from_secs(300),
            hurry: false,
            show_code: Box::new(|_| {}),
            tell: Box::new(|_| {}),
        }
    }
}

/// What was used so far.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Usage {
    pub requests: u64,
    /// Resource units: as the service told, else as reckoned.
    pub units: u64,
    pub repeated: u64,
    pub throttled: u64,
    /// Spent waiting, for the budget or because the service asked to.
    pub waited: Duration,
    pub bytes: u64,
}

#[derive(Default)]
struct Counters {
    requests: AtomicU64,
    units: AtomicU64,
    repeated: AtomicU64,
    throttled: AtomicU64,
    waited_ms: AtomicU64,
    bytes: AtomicU64,
}

struct Inner {
    http: reqwest::Client,
    addresses: Addresses,
    sign_in: SignIn,
    budget: Budget,
    quotas: Quotas,
    gate: Semaphore,
    hurry: bool,
    counters: Counters,
    tell: Box<dyn Fn(String) + Send + Sync>,
}

/// The client; clones share token, budget and counters.
#[derive(Clone)]
pub struct Graph {
    inner: Arc<Inner>,
}

/// A successful answer.
#[derive(Debug, Clone)]
pub struct Body {
    pub status: u16,
    pub bytes: Vec<u8>,
    pub etag: Option<String>,
    pub location: Option<String>,
}

impl Body {
    /// As JSON; `path` is what was asked for.
    pub fn json(&self, path: &str) -> Result<serde_json::Value, Fault> {
        serde_json::from_slice(&self.bytes).map_err(|e| malformed(&format!("GET {}", shown(path)), &e))
    }
}

/// One request, ready to be sent any number of times.
pub(super) struct Request<'r> {
    pub method: Method,
    pub url: Url,
    /// For messages and the budget: the path without opaque tokens.
    pub shown: String,
    pub body: Option<&'r serde_json::Value>,
    pub if_match: Option<&'r str>,
    /// `ConsistencyLevel: eventual`, which `$count` and some filters need.
    pub eventual: bool,
    /// Resource units, where the path does not tell.
    pub units: Option<f64>,
    /// A status beyond the 200s whose body is an answer all the same.
    pub also: Option<u16>,
    /// How many writes it is.
    pub writes: usize,
}

impl Graph {
    /// From the configuration; secrets are fetched, nothing is sent yet.
    pub fn new(
        entra: &config::Entra,
        secret: &dyn Fn(Secret) -> Result<SecretString>,
        options: Options,
    ) -> Result<Graph> {
        let addresses = Addresses::of(entra)?;
        let sign_in = SignIn::new(entra, &addresses, secret, options.show_code)?;
        let mut tls = (*tls::client_config(entra.ca_file.as_deref(), None)?).clone();
        // The client offers HTTP/2 only where its configuration says so.
        tls.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        let http = reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .https_only(true)
            // A token must not go to where an answer points.
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .user_agent(concat!("groupshift/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(options.connect_timeout)
            .read_timeout(options.read_timeout)
            .timeout(options.answer_timeout)
            .pool_max_idle_per_host(AT_A_TIME)
            .build()
            .map_err(|e| Error::failed(format!("the HTTP client cannot be set up: {e}")))?;
        let inner = Inner {
            http,
            addresses,
            sign_in,
            budget: Budget::new(options.budget_percent),
            quotas: Quotas::new(options.budget_percent, options.hurry),
            gate: Semaphore::new(AT_A_TIME),
            hurry: options.hurry,
            counters: Counters::default(),
            tell: options.tell,
        };
        Ok(Graph { inner: Arc::new(inner) })
    }

    /// Where Graph is, for messages.
    pub fn address(&self) -> &str {
        self.inner.addresses.graph.as_str().trim_end_matches('/')
    }

    /// Signs in now; what the token says of itself (`None` where it is not readable).
    pub async fn sign_in(&self) -> Result<Option<Claims>, Fault> {
        let token = self.inner.sign_in.token(&self.inner.http).await?;
        Ok(Claims::of(token.expose_secret()))
    }

    /// The tenant's limit follows its size.
    pub async fn tenant_size(&self, users: u64) {
        self.inner.budget.size(budget::TenantSize::of(users)).await;
    }

    /// Reads a path such as `/v1.0/organization?$select=id`.
    pub async fn get(&self, path: &str) -> Result<Body, Fault> {
        self.send(self.request(Method::Get, path, None)?).await
    }

    /// Reads a path as JSON.
    pub async fn json(&self, path: &str) -> Result<serde_json::Value, Fault> {
        self.get(path).await?.json(path)
    }

    /// Reads a `$count`.
    pub async fn count(&self, path: &str) -> Result<u64, Fault> {
        let mut request = self.request(Method::Get, path, None)?;
        request.eventual = true;
        let name = request.shown.clone();
        let body = self.send(request).await?;
        let text = String::from_utf8_lossy(&body.bytes);
        text.trim_start_matches('\u{feff}')
            .trim()
            .parse()
            .map_err(|_| Fault::new(FaultKind::Malformed, &format!("GET {name}"), "the answer to a count is no number"))
    }

    /// Reads a list page by page; `path` may be a link that Graph gave earlier.
    pub fn pages(&self, path: &str) -> Pages {
        Pages::new(self.clone(), path)
    }

    /// Writes. Repeated only where a repetition has no other effect, or where the service said that nothing was done.
    pub async fn write(
        &self,
        method: Method,
        path: &str,
        body: Option<&serde_json::Value>,
        if_match: Option<&str>,
    ) -> Result<Body, Fault> {
        let mut request = self.request(method, path, body)?;
        request.if_match = if_match;
        self.send(request).await
    }

    pub fn usage(&self) -> Usage {
        let c = &self.inner.counters;
        let get = |n: &AtomicU64| n.load(Ordering::Relaxed);
        Usage {
            requests: get(&c.requests),
            units: get(&c.units),
            repeated: get(&c.repeated),
            throttled: get(&c.throttled),
            waited: Duration::from_millis(get(&c.waited_ms)),
            bytes: get(&c.bytes),
        }
    }

    pub(super) fn request<'r>(
        &self,
        method: Method,
        path: &str,
        body: Option<&'r serde_json::Value>,
    ) -> Result<Request<'r>, Fault> {
        let shown = shown(path);
        let url = self.inner.addresses.graph_address(path).map_err(|why| {
            Fault::new(FaultKind::Link, &format!("{} {shown}", method.as_str()), why)
                .hint("The link is not followed, since the token would go there; check [entra] graph_url and what stands between.")
        })?;
        let writes = usize::from(method != Method::Get);
        Ok(Request { method, url, shown, body, if_match: None, eventual: false, units: None, also: None, writes })
    }

    pub(super) async fn send(&self, request: Request<'_>) -> Result<Body, Fault> {
        let inner = &*self.inner;
        let name = format!("{} {}", request.method.as_str(), request.shown);
        let units = request.units.unwrap_or_else(|| budget::estimate(&request.shown));
        let repeatable = matches!(request.method, Method::Get | Method::Put | Method::Delete);
        let quota = inner.quotas.of(&request.shown, request.writes);
        // Whether one of the tries was perhaps carried out.
        let mut doubt = false;
        let begun = Instant::now();
        let mut renewed = false;
        let mut attempt = 0;
        loop {
            let waited = inner.budget.take(units).await;
            inner.wait(waited);
            if let Some((quota, count)) = quota {
                inner.wait(quota.take(count).await);
            }
            let token = match inner.sign_in.token(&inner.http).await {
                Ok(token) => token,
                Err(fault) => return Err(Fault { doubt, ..fault }),
            };
            let sent = inner.once(&request, &token, &name, units).await;
            let (fault, asked) = match sent {
                Ok((body, near)) => {
                    if let Some((quota, _)) = quota {
                        quota.answered(near).await;
                    }
                    return Ok(body);
                }
                Err(Missed { fault, asked }) => (fault, asked),
            };
            doubt |= fault.doubt;
            if fault.kind == FaultKind::Unauthorized && !renewed && inner.sign_in.refused(&token).await {
                renewed = true;
                continue;
            }
            // A refused request was not carried out, so even one that may not be repeated is sent again.
            let again = match fault.kind {
                FaultKind::Throttled => true,
                FaultKind::Service => repeatable && fault.status.is_some_and(retry::is_passing),
                FaultKind::Transport => repeatable,
                FaultKind::BadRequest => repeatable && fault.status == Some(408),
                _ => false,
            };
            let pause = asked.unwrap_or_else(|| self.backoff(attempt));
            if fault.kind == FaultKind::Throttled {
                // Requests beside this one would be refused as well.
                inner.budget.throttled(pause).await;
                if let Some((quota, _)) = quota {
                    quota.refused(pause).await;
                }
            }
            let too_long = begun.elapsed() + pause > retry::PATIENCE;
            if !again || attempt + 1 >= retry::TRIES || too_long {
                let mut words = fault.words.clone();
                if attempt > 0 {
                    words.push_str(&format!(" (tried {} times)", attempt + 1));
                }
                if again && too_long {
                    words.push_str(&format!(" (it asks to wait {} s, which is too long)", pause.as_secs()));
                }
                return Err(Fault { words, doubt, ..fault });
            }
            attempt += 1;
            inner.pause(&fault, pause).await;
        }
    }

    /// The pause before another try where the service asks for none.
    pub(super) fn backoff(&self, attempt: u32) -> Duration {
        self.hurried(retry::pause(attempt, fastrand::f64()))
    }

    /// A pause of this program's own choice, as long as it is here.
    pub fn hurried(&self, pause: Duration) -> Duration {
        retry::hurried(pause, self.inner.hurry)
    }

    /// Waits before parts of a batch are sent again; `refused` of them because the limit was reached.
    pub(super) async fn pause_for(&self, fault: &Fault, pause: Duration, refused: u64) {
        if refused > 0 {
            self.inner.counters.throttled.fetch_add(refused, Ordering::Relaxed);
            self.inner.budget.throttled(pause).await;
        }
        self.inner.pause(fault, pause).await;
    }
}

struct Missed {
    fault: Fault,
    /// What `Retry-After` says.
    asked: Option<Duration>,
}

impl From<Fault> for Missed {
    fn from(fault: Fault) -> Self {
        Missed { fault, asked: None }
    }
}

impl Inner {
    fn wait(&self, time: Duration) {
        self.counters.waited_ms.fetch_add(time.as_millis() as u64, Ordering::Relaxed);
    }

    /// Says why, counts, and waits before something is sent again.
    async fn pause(&self, fault: &Fault, pause: Duration) {
        self.counters.repeated.fetch_add(1, Ordering::Relaxed);
        (self.tell)(format!("{fault}; again in {:.1} s", pause.as_secs_f64()));
        self.wait(pause);
        sleep(pause).await;
    }

    /// Sends once; also tells how near its limit the service is, where it says so.
    async fn once(
        &self,
        request: &Request<'_>,
        token: &SecretString,
        name: &str,
        units: f64,
    ) -> Result<(Body, Option<f64>), Missed> {
        let _permit =
            self.gate.acquire().await.map_err(|_| Fault::new(FaultKind::Transport, name, "the client was closed"))?;
        let mut builder = self
            .http
            .request(request.method.reqwest(), request.url.clone())
            .bearer_auth(token.expose_secret())
            .header("accept", "application/json")
            .header("client-request-id", uuid::Uuid::new_v4().to_string());
        if request.eventual {
            builder = builder.header("ConsistencyLevel", "eventual");
        }
        if let Some(etag) = request.if_match {
            builder = builder.header("If-Match", etag);
        }
        if let Some(body) = request.body {
            builder = builder.json(body);
        }
        self.counters.requests.fetch_add(1, Ordering::Relaxed);
        let answer = builder.send().await.map_err(|e| Fault::transport(name, &e))?;
        let status = answer.status().as_u16();
        let headers = answer.headers().clone();
        let cost = header(&headers, "x-ms-resource-unit").and_then(|v| v.parse::<f64>().ok());
        let near = header(&headers, "x-ms-throttle-limit-percentage").and_then(|v| v.parse::<f64>().ok());
        self.counters.units.fetch_add(cost.unwrap_or(units).round() as u64, Ordering::Relaxed);
        self.budget.learn(cost.map_or(0.0, |c| c - units), near).await;
        let bytes = body_of(answer, name, MAX_BODY).await?;
        self.counters.bytes.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        let request_id = header(&headers, "request-id").map(str::to_owned);
        if !(200..300).contains(&status) && request.also != Some(status) {
            let asked = header(&headers, "retry-after").and_then(|v| retry::retry_after(v, Utc::now()));
            if status == 429 {
                self.counters.throttled.fetch_add(1, Ordering::Relaxed);
            }
            let mut fault = Fault::answer(name, status, request_id, &bytes);
            if status == 401 && header(&headers, "www-authenticate").is_some_and(|v| v.contains("claims=")) {
                fault = fault.hint(
                    "A Conditional Access policy asks for more than this sign-in gave; Entra's sign-in logs name it.",
                );
            }
            if (300..400).contains(&status) {
                fault = fault
                    .hint("The answer points elsewhere, which is not followed: check [entra] graph_url and the proxy.");
            }
            return Err(Missed { fault, asked });
        }
        if is_html(&bytes) {
            let fault = Fault::new(FaultKind::Malformed, name, "the answer is a web page, not Graph's")
                .hint("A proxy may have answered instead of Graph: check HTTPS_PROXY, NO_PROXY and its sign-in page.");
            return Err(Fault { doubt: true, ..fault }.into());
        }
        let body = Body {
            status,
            bytes,
            etag: header(&headers, "etag").map(str::to_owned),
            location: header(&headers, "location").map(str::to_owned),
        };
        Ok((body, near))
    }
}

fn header<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers.get(name).and_then(|v| v.to_str().ok())
}

/// The whole body, up to a limit.
pub(super) async fn body_of(mut answer: reqwest::Response, name: &str, limit: usize) -> Result<Vec<u8>, Fault> {
    let too_large = || {
        let words = format!("the answer is larger than {} MB and was not read on", limit >> 20);
        let fault = Fault::new(FaultKind::Malformed, name, words);
        Fault { doubt: true, ..fault.hint("No page of Graph is so large; check what answers under this address.") }
    };
    if answer.content_length().is_some_and(|n| n > limit as u64) {
        return Err(too_large());
    }
    // What is announced is made room for at once, as far as pages go.
    let announced = answer.content_length().map_or(0, |n| n.min(MOST_ANNOUNCED) as usize);
    let mut bytes = Vec::with_capacity(announced);
    loop {
        match answer.chunk().await {
            Ok(Some(chunk)) if bytes.len() + chunk.len() > limit => return Err(too_large()),
            Ok(Some(chunk)) => bytes.extend_from_slice(&chunk),
            Ok(None) => return Ok(bytes),
            Err(e) => return Err(Fault::transport(name, &e)),
        }
    }
}

pub(super) fn malformed(name: &str, error: &serde_json::Error) -> Fault {
    let words = format!("the answer is not the JSON that Graph promises: {error}");
    let fault = Fault::new(FaultKind::Malformed, name, words);
    let hint = "Try again; if it stays so, something between here and Graph changes or cuts the answers.";
    Fault { doubt: true, ..fault.hint(hint) }
}

/// A path as it may be shown: without the opaque tokens that links of Graph carry.
pub(super) fn shown(path: &str) -> String {
    let path = match Url::parse(path) {
        Ok(url) => match url.query() {
            Some(query) => format!("{}?{query}", url.path()),
            None => url.path().to_owned(),
        },
        Err(_) => path.to_owned(),
    };
    let lower = path.to_ascii_lowercase();
    match ["skiptoken=", "deltatoken="].iter().filter_map(|t| lower.find(t).map(|at| at + t.len())).min() {
        Some(at) => format!("{}…", &path[..at]),
        None => path,
    }
}
