//! Something between a client and a server that passes bytes on, until it is told to cut, to hold back, or to cut after so
//! many requests.

#![allow(dead_code)]

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

#[derive(Default)]
struct Shared {
    /// Messages of clients that still pass; below zero without end.
    left: AtomicI64,
    /// How many pass until the next cut, after one.
    every: AtomicI64,
    passed: AtomicU64,
    closed: AtomicBool,
    cuts: AtomicU64,
    lines: Mutex<Vec<TcpStream>>,
}

/// At an address of its own, as long as it lives.
pub struct Proxy {
    pub port: u16,
    shared: Arc<Shared>,
}

impl Proxy {
    pub fn start(target: SocketAddr) -> Proxy {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let shared = Arc::new(Shared { left: AtomicI64::new(-1), every: AtomicI64::new(-1), ..Shared::default() });
        let own = shared.clone();
        std::thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                if own.closed.load(Ordering::SeqCst) {
                    continue;
                }
                let Ok(server) = TcpStream::connect_timeout(&target, Duration::from_secs(2)) else { continue };
                let mut lines = own.lines.lock().unwrap();
                lines.extend([client.try_clone().unwrap(), server.try_clone().unwrap()]);
                drop(lines);
                let (up, down) = ((client.try_clone().unwrap(), server.try_clone().unwrap()), (server, client));
                let (first, second) = (own.clone(), own.clone());
                std::thread::spawn(move || pass(up.0, up.1, &first, true));
                std::thread::spawn(move || pass(down.0, down.1, &second, false));
            }
        });
        Proxy { port, shared }
    }

    /// Ends every connection now; new ones are taken.
    pub fn cut(&self) {
        self.shared.cut();
    }
    /// Ends every connection once so many more messages of clients went through: the last of them reaches the server, and
    /// its answer nobody.
    pub fn cut_after(&self, messages: i64) {
        self.shared.left.store(messages, Ordering::SeqCst);
    }
    /// The same again and again; below zero no more.
    pub fn cut_every(&self, messages: i64) {
        self.shared.every.store(messages, Ordering::SeqCst);
        self.cut_after(messages);
    }
    /// Takes no connection, or takes them again.
    pub fn close(&self, closed: bool) {
        self.shared.closed.store(closed, Ordering::SeqCst);
        if closed {
            self.cut();
        }
    }
    /// Messages of clients so far.
    pub fn passed(&self) -> u64 {
        self.shared.passed.load(Ordering::SeqCst)
    }
    pub fn cuts(&self) -> u64 {
        self.shared.cuts.load(Ordering::SeqCst)
    }
}

impl Shared {
    fn cut(&self) {
        self.cuts.fetch_add(1, Ordering::SeqCst);
        for line in self.lines.lock().unwrap().drain(..) {
            let _ = line.shutdown(Shutdown::Both);
        }
    }
}

fn pass(mut from: TcpStream, mut to: TcpStream, shared: &Shared, client: bool) {
    let mut buffer = vec![0; 1 << 16];
    while let Ok(n) = from.read(&mut buffer) {
        if n == 0 || to.write_all(&buffer[..n]).is_err() {
            break;
        }
        if client {
            shared.passed.fetch_add(1, Ordering::SeqCst);
            if shared.left.load(Ordering::SeqCst) > 0 && shared.left.fetch_sub(1, Ordering::SeqCst) == 1 {
                // It gets there; the answer does not come back.
                std::thread::sleep(Duration::from_millis(15));
                shared.left.store(shared.every.load(Ordering::SeqCst), Ordering::SeqCst);
                shared.cut();
            }
        }
    }
    let _ = (from.shutdown(Shutdown::Both), to.shutdown(Shutdown::Both));
}
