//! A double of a domain controller on the LDAP wire, for what a real one in the lab does not do on command: limits,
//! faults, broken answers, changes between two pages. It listens on the loopback interface from a thread of its own, so
//! that it serves both async tests and the program run as a process.
//!
//! `Wire::start(Directory, Certificate)`; `on(hook)` decides what becomes of each request; `change` alters the
//! directory at any time; `counts` says what was asked.

// Several test programs share this; none uses all of it.
#![allow(dead_code, unused_imports)]

pub mod ber;
pub mod directory;
pub mod message;
mod serve;
pub mod tls;

pub use directory::{Directory, Object, PASSWORD, USER};
pub use message::{Auth, Op, Request};
pub use tls::Certificate;

use std::net::SocketAddr;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Makes other messages of an answer's.
pub type Rewrite = Box<dyn FnOnce(Vec<Vec<u8>>) -> Vec<Vec<u8>> + Send>;

/// What becomes of a request.
pub enum Act {
    /// The answer that the directory gives.
    Answer,
    /// The same after a while.
    Delay(Duration),
    /// Nothing, ever.
    Silence,
    /// A result of this code with this diagnostic message, and nothing else.
    Result(i64, &'static str),
    /// These bytes in place of the answer.
    Bytes(Vec<u8>),
    /// The answer's messages, rewritten.
    Rewrite(Rewrite),
    /// A notice of disconnection, then the end of the connection.
    Notice(i64, &'static str),
    /// The end of the connection, without any word.
    Hang,
    /// So many bytes of the answer, then the end.
    Cut(usize),
}

type Hook = Box<dyn FnMut(&Request, &mut Directory) -> Act + Send>;

/// What was asked so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    pub connections: u64,
    /// Those that are open, and the most that were at a time.
    pub open: u64,
    pub most_open: u64,
    /// Bytes received, those of TLS handshakes left out.
    pub received: u64,
    pub binds: u64,
    /// Search requests, each page counted.
    pub searches: u64,
    /// Those with a cookie of a page before.
    pub next_pages: u64,
    pub entries: u64,
    pub writes: u64,
    pub abandoned: u64,
}

struct State {
    directory: Directory,
    hook: Hook,
    counts: Counts,
    requests: u64,
}

struct Shared {
    state: Mutex<State>,
    /// Bytes a connection may send before it is cut; `u64::MAX` for any number.
    cut_after: AtomicU64,
}

/// The running double; it ends when this is dropped.
pub struct Wire {
    pub address: SocketAddr,
    pub tls: tls::Tls,
    dir: tempfile::TempDir,
    shared: Arc<Shared>,
    stop: Option<tokio::sync::oneshot::Sender<()>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

/// How a connection begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// With TLS at once, as port 636 does.
    Tls,
    /// In the clear, with StartTLS on offer, as port 389 does.
    Clear,
}

impl Wire {
    /// Over TLS, with a good certificate.
    pub fn start(directory: Directory) -> Wire {
        Wire::with(directory, Start::Tls, Certificate::Good)
    }

    pub fn with(directory: Directory, start: Start, certificate: Certificate) -> Wire {
        let dir = tempfile::tempdir().unwrap();
        let tls = tls::make(dir.path(), certificate);
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let state = State { directory, hook: Box::new(|_, _| Act::Answer), counts: Counts::default(), requests: 0 };
        let shared = Arc::new(Shared { state: Mutex::new(state), cut_after: AtomicU64::new(u64::MAX) });
        let (stop, stopped) = tokio::sync::oneshot::channel();
        let (server, serving) = (tls.server.clone(), shared.clone());
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async move {
                let listener = tokio::net::TcpListener::from_std(listener).unwrap();
                tokio::select! {
                    () = serve::accept(listener, start, server, serving) => {}
                    _ = stopped => {}
                }
            });
        });
        Wire { address, tls, dir, shared, stop: Some(stop), thread: Some(thread) }
    }

    /// As `ldaps://127.0.0.1:…` or `ldap://127.0.0.1:…`.
    pub fn url(&self, scheme: &str) -> String {
        format!("{scheme}://{}", self.address)
    }
    /// A folder for files of the test.
    pub fn folder(&self) -> &Path {
        self.dir.path()
    }
    /// Decides from now on what becomes of each request; runs under the directory's lock and may change it.
    pub fn on(&self, hook: impl FnMut(&Request, &mut Directory) -> Act + Send + 'static) {
        self.shared.state.lock().unwrap().hook = Box::new(hook);
    }
    pub fn change<T>(&self, change: impl FnOnce(&mut Directory) -> T) -> T {
        change(&mut self.shared.state.lock().unwrap().directory)
    }
    pub fn counts(&self) -> Counts {
        self.shared.state.lock().unwrap().counts
    }
    /// Cuts each connection after it sent so many bytes (before encryption); `None` for never.
    pub fn cut_after(&self, bytes: Option<u64>) {
        self.shared.cut_after.store(bytes.unwrap_or(u64::MAX), Ordering::SeqCst);
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
