//! How the tenant is reached: over HTTPS; over plain HTTP for what stands between in a test; or over HTTPS by way of
//! somebody else, who passes requests on.

use super::Tenant;
use super::faults::operation;
use super::state::State;
use super::writes::{Agent, OnDemand};
use futures_util::stream::{self, StreamExt};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Bytes, Frame};
use hyper::{Request, Response, service::service_fn};
use hyper_util::rt::TokioIo;
use rustls::{ServerConfig, pki_types};
use serde_json::Value;
use std::future::Future;
use std::io;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsAcceptor;

/// A request as it came.
#[derive(Debug, Clone, Default)]
pub struct Asked {
    pub method: String,
    pub path: String,
    pub query: String,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Asked {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str())
    }
    pub fn target(&self) -> String {
        if self.query.is_empty() { self.path.clone() } else { format!("{}?{}", self.path, self.query) }
    }
}

/// What goes over the line of a body.
#[derive(Debug, Clone, PartialEq)]
pub enum Sent {
    Whole(Vec<u8>),
    /// So much of it, of an announced length; then the connection ends.
    Cut(Vec<u8>, usize),
    /// The connection ends without an answer.
    Nothing,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
    pub sent: Sent,
}

impl Answer {
    pub fn json(status: u16, body: &Value) -> Answer {
        if status == 204 {
            let headers = vec![("request-id", "5e6ba1a0-0000-4000-8000-000000000000".to_owned())];
            return Answer { status, headers, sent: Sent::Whole(Vec::new()) };
        }
        let kind = if body.is_number() { "text/plain" } else { "application/json" };
        let headers =
            vec![("content-type", kind.to_owned()), ("request-id", "5e6ba1a0-0000-4000-8000-000000000000".to_owned())];
        Answer { status, headers, sent: Sent::Whole(body.to_string().into_bytes()) }
    }
}

/// What makes an answer of a request.
pub type Answering = Arc<dyn Fn(Asked) -> Pin<Box<dyn Future<Output = Answer> + Send>> + Send + Sync>;

/// The tenant at an address.
pub struct Server {
    pub tenant: Arc<Mutex<Tenant>>,
    pub ca_file: PathBuf,
    pub url: String,
    pub runtime: tokio::runtime::Runtime,
    _folder: tempfile::TempDir,
}

/// The tenant over HTTPS.
pub fn start(tenant: Tenant) -> Server {
    start_with(tenant, directly)
}

/// The tenant over HTTPS, where `answering` makes of it what answers.
pub fn start_with(mut tenant: Tenant, answering: impl FnOnce(Arc<Mutex<Tenant>>) -> Answering) -> Server {
    let folder = tempfile::tempdir().unwrap();
    let certified = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    let ca_file = folder.path().join("ca.pem");
    std::fs::write(&ca_file, certified.cert.pem()).unwrap();
    let key = pki_types::PrivateKeyDer::try_from(certified.signing_key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certified.cert.der().clone()], key)
        .unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
    let url = format!("https://127.0.0.1:{}", listener.local_addr().unwrap().port());
    tenant.base.clone_from(&url);
    let tenant = Arc::new(Mutex::new(tenant));
    runtime.spawn(accept(listener, Some(TlsAcceptor::from(Arc::new(tls))), answering(tenant.clone())));
    Server { tenant, ca_file, url, runtime, _folder: folder }
}

impl Server {
    /// The tenant as somebody sees it who stands in it.
    pub fn state(&self) -> State {
        State::of(self.tenant.clone())
    }

    /// The same tenant over plain HTTP too; returns the address.
    pub fn plain(&self) -> String {
        let listener = self.runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        self.runtime.spawn(accept(listener, None, directly(self.tenant.clone())));
        url
    }
}

/// The tenant answers by itself, after the sign-in service and the check of the token.
pub fn directly(tenant: Arc<Mutex<Tenant>>) -> Answering {
    Arc::new(move |asked| {
        let tenant = tenant.clone();
        Box::pin(async move {
            let called = tenant.lock().unwrap().call_of(&asked);
            if let Some((agent, wanted)) = called {
                // It looks at the tenant while it works.
                let done = tokio::task::spawn_blocking(move || agent(wanted)).await.unwrap();
                tenant.lock().unwrap().provisioned = Some(done);
            }
            let tenant = &mut *tenant.lock().unwrap();
            let checked = tenant.login.as_mut().and_then(|login| login.check(&asked));
            checked.unwrap_or_else(|| {
                let answer = tenant.exchange(&asked);
                if let Some(recorder) = &mut tenant.recorder {
                    recorder.push(&tenant.base, &asked, &answer);
                }
                answer
            })
        })
    })
}

impl Tenant {
    /// The agent that has to be called for this request, if any.
    fn call_of(&self, asked: &Asked) -> Option<(Agent, OnDemand)> {
        let agent = self.agent.clone()?;
        let path = asked.path.strip_suffix("/provisionOnDemand")?;
        let refused = self.denied.iter().chain(&self.refusals).any(|(part, ..)| asked.path.contains(part));
        if refused || self.fails_before(&operation(&asked.method, &asked.path, &asked.query)) {
            return None;
        }
        let body = serde_json::from_slice(&asked.body).ok()?;
        let wanted = self.wanted_on_demand(path.rsplit('/').next()?, &body)?;
        Some((agent, wanted))
    }
}

async fn accept(listener: tokio::net::TcpListener, tls: Option<TlsAcceptor>, answering: Answering) {
    while let Ok((stream, _)) = listener.accept().await {
        let (tls, answering) = (tls.clone(), answering.clone());
        tokio::spawn(async move {
            match tls {
                Some(tls) => {
                    if let Ok(stream) = tls.accept(stream).await {
                        converse(stream, answering).await;
                    }
                }
                None => converse(stream, answering).await,
            }
        });
    }
}

async fn converse(stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static, answering: Answering) {
    let service = service_fn(move |request: Request<hyper::body::Incoming>| {
        let answering = answering.clone();
        async move {
            let (head, body) = request.into_parts();
            let headers = head.headers.iter();
            let asked = Asked {
                method: head.method.to_string(),
                path: head.uri.path().to_owned(),
                query: head.uri.query().unwrap_or("").to_owned(),
                headers: headers.map(|(k, v)| (k.to_string(), v.to_str().unwrap_or("").to_owned())).collect(),
                body: body.collect().await.map_err(io::Error::other)?.to_bytes().to_vec(),
            };
            response(answering(asked).await)
        }
    });
    let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

fn response(answer: Answer) -> io::Result<Response<UnsyncBoxBody<Bytes, io::Error>>> {
    let mut builder = Response::builder().status(answer.status);
    for (name, value) in &answer.headers {
        builder = builder.header(*name, value);
    }
    let body = match answer.sent {
        Sent::Nothing => return Err(io::Error::other("as planned")),
        Sent::Whole(bytes) => Full::new(Bytes::from(bytes)).map_err(|never| match never {}).boxed_unsync(),
        Sent::Cut(bytes, length) => {
            builder = builder.header("content-length", length);
            let begun = stream::iter([Ok(Frame::data(Bytes::from(bytes)))]);
            // What was sent so far shall arrive before the connection ends.
            let end = stream::once(async {
                tokio::time::sleep(Duration::from_millis(20)).await;
                Err(io::Error::other("as planned"))
            });
            StreamBody::new(begun.chain(Box::pin(end))).boxed_unsync()
        }
    };
    builder.body(body).map_err(io::Error::other)
}
