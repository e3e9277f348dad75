//! A scripted Graph and login service over HTTPS: a test says what each request is answered, and looks at what came.

use futures_util::stream;
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, StreamBody};
use hyper::body::{Bytes, Frame, Incoming};
use hyper::{Request, Response, service::service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio_rustls::rustls::{ServerConfig, crypto::ring, pki_types::PrivateKeyDer};

/// A request as it came.
#[derive(Debug, Clone)]
pub struct Seen {
    pub method: String,
    /// Path and query.
    pub path: String,
    pub headers: BTreeMap<String, String>,
    pub body: String,
    pub http2: bool,
    /// How many requests of this path, without its query, came before.
    pub before: usize,
}

impl Seen {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }
    pub fn form(&self) -> BTreeMap<String, String> {
        url::form_urlencoded::parse(self.body.as_bytes()).map(|(k, v)| (k.into_owned(), v.into_owned())).collect()
    }
    pub fn is_login(&self) -> bool {
        self.path.contains("/oauth2/")
    }
}

/// What happens to the body.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum End {
    Whole,
    /// The connection breaks after the body's first half.
    Cut,
    /// Nothing follows the body's first half, and the connection stays.
    Silence,
    /// A byte now and then, for ever.
    Trickle,
    /// So many megabytes of blanks before the body, without a length in the header.
    Padded(usize),
    /// No answer at all; the connection breaks.
    Reset,
    /// No answer at all; the connection stays.
    Mute,
}

#[derive(Debug, Clone)]
pub struct Reply {
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
    pub body: Vec<u8>,
    pub end: End,
}

pub fn reply(status: u16, body: Value) -> Reply {
    Reply { status, headers: Vec::new(), body: body.to_string().into_bytes(), end: End::Whole }
}

pub fn ok(body: Value) -> Reply {
    reply(200, body)
}

pub fn error(status: u16, code: &str) -> Reply {
    reply(
        status,
        json!({ "error": { "code": code, "message": "as the test wants it",
        "innerError": { "request-id": "inner-id" } } }),
    )
}

impl Reply {
    pub fn with(mut self, name: &'static str, value: impl ToString) -> Reply {
        self.headers.push((name, value.to_string()));
        self
    }
    pub fn text(mut self, body: &str) -> Reply {
        self.body = body.as_bytes().to_vec();
        self
    }
    pub fn ending(mut self, end: End) -> Reply {
        self.end = end;
        self
    }
}

pub struct Server {
    pub url: String,
    pub ca_file: PathBuf,
    pub folder: tempfile::TempDir,
    seen: Arc<Mutex<Vec<Seen>>>,
    _runtime: tokio::runtime::Runtime,
}

impl Server {
    /// Requests to Graph, in the order in which they came.
    pub fn graph(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().iter().filter(|s| !s.is_login()).cloned().collect()
    }
    pub fn logins(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().iter().filter(|s| s.is_login()).cloned().collect()
    }
}

type Body = BoxBody<Bytes, io::Error>;
pub type Script = dyn Fn(&Seen, &str) -> Reply + Send + Sync;

/// Starts a server; `script` gets each request and the server's own address. `protocols` are what TLS offers.
pub fn start_with(protocols: &[&[u8]], script: impl Fn(&Seen, &str) -> Reply + Send + Sync + 'static) -> Server {
    let folder = tempfile::tempdir().unwrap();
    let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned(), "localhost".to_owned()]).unwrap();
    let ca_file = folder.path().join("ca.pem");
    std::fs::write(&ca_file, made.cert.pem()).unwrap();
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let mut tls = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap();
    tls.alpn_protocols = protocols.iter().map(|p| p.to_vec()).collect();
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(tls));
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
    let url = format!("https://127.0.0.1:{}", listener.local_addr().unwrap().port());
    let seen = Arc::<Mutex<Vec<Seen>>>::default();
    let script: Arc<Script> = Arc::new(script);
    let (log, own) = (seen.clone(), url.clone());
    runtime.spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (acceptor, script, log, own) = (acceptor.clone(), script.clone(), log.clone(), own.clone());
            tokio::spawn(async move {
                let Ok(stream) = acceptor.accept(stream).await else { return };
                let http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
                let service =
                    service_fn(move |request| answer(request, http2, script.clone(), log.clone(), own.clone()));
                let io = TokioIo::new(stream);
                if http2 {
                    let builder = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
                    drop(builder.serve_connection(io, service).await);
                } else {
                    drop(hyper::server::conn::http1::Builder::new().serve_connection(io, service).await);
                }
            });
        }
    });
    Server { url, ca_file, folder, seen, _runtime: runtime }
}

pub fn start(script: impl Fn(&Seen, &str) -> Reply + Send + Sync + 'static) -> Server {
    start_with(&[b"http/1.1"], script)
}

async fn answer(
    request: Request<Incoming>,
    http2: bool,
    script: Arc<Script>,
    log: Arc<Mutex<Vec<Seen>>>,
    own: String,
) -> Result<Response<Body>, io::Error> {
    let (parts, body) = request.into_parts();
    let headers = parts.headers.iter().map(|(k, v)| (k.to_string(), v.to_str().unwrap().to_owned())).collect();
    let path = parts.uri.path_and_query().unwrap().to_string();
    let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
    let body = String::from_utf8(body.to_vec()).unwrap();
    let seen = {
        let mut log = log.lock().unwrap();
        let bare = |path: &str| path.split('?').next().unwrap_or_default().to_owned();
        let before = log.iter().filter(|s| bare(&s.path) == bare(&path)).count();
        log.push(Seen { method: parts.method.to_string(), path, headers, body, http2, before });
        log.last().cloned().unwrap()
    };
    let reply = script(&seen, &own);
    match reply.end {
        End::Reset => return Err(io::Error::other("as the test wants it")),
        End::Mute => tokio::time::sleep(Duration::from_secs(3600)).await,
        _ => {}
    }
    let mut response = Response::builder().status(reply.status);
    for (name, value) in &reply.headers {
        response = response.header(*name, value);
    }
    Ok(response.body(body_of(reply)).unwrap())
}

fn body_of(reply: Reply) -> Body {
    let frame = |bytes: &[u8]| Ok::<_, io::Error>(Frame::data(Bytes::copy_from_slice(bytes)));
    let half = &reply.body[..reply.body.len() / 2];
    match reply.end {
        End::Whole | End::Reset | End::Mute => {
            http_body_util::Full::new(Bytes::from(reply.body)).map_err(|never: Infallible| match never {}).boxed()
        }
        End::Cut => {
            let parts = vec![frame(half), Err(io::Error::other("cut"))];
            // A pause, so that the first half goes out before the connection does.
            let parts = stream::unfold(parts.into_iter(), |mut parts| async move {
                let next = parts.next()?;
                if next.is_err() {
                    tokio::time::sleep(Duration::from_millis(30)).await;
                }
                Some((next, parts))
            });
            BodyExt::boxed(StreamBody::new(
                Box::pin(parts) as std::pin::Pin<Box<dyn futures_util::Stream<Item = _> + Send + Sync>>
            ))
        }
        End::Silence => {
            let parts = futures_util::StreamExt::chain(stream::iter([frame(half)]), stream::pending());
            BodyExt::boxed(StreamBody::new(parts))
        }
        End::Trickle => {
            let parts = stream::unfold((), |()| async {
                tokio::time::sleep(Duration::from_millis(20)).await;
                Some((Ok(Frame::data(Bytes::from_static(b" "))), ()))
            });
            BodyExt::boxed(StreamBody::new(
                Box::pin(parts) as std::pin::Pin<Box<dyn futures_util::Stream<Item = _> + Send + Sync>>
            ))
        }
        End::Padded(megabytes) => {
            let block = Bytes::from(vec![b' '; 1 << 20]);
            let last = Bytes::from(reply.body);
            let parts = (0..megabytes).map(move |_| block.clone()).chain([last]).map(|b| Ok(Frame::data(b)));
            BodyExt::boxed(StreamBody::new(stream::iter(parts)))
        }
    }
}
