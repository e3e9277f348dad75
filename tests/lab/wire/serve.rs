//! The double's side of a connection: reads requests, asks the hook, answers.

use super::directory::{Directory, Object};
use super::message::{self, Auth, Op, Request, answer_tag, message, result};
use super::{Act, Shared, Start, ber};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;

trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

const START_TLS: &str = "1.3.6.1.4.1.1466.20037";

pub async fn accept(listener: TcpListener, start: Start, tls: Arc<ServerConfig>, shared: Arc<Shared>) {
    while let Ok((socket, _)) = listener.accept().await {
        let _ = socket.set_nodelay(true);
        let number = {
            let mut state = shared.state.lock().unwrap();
            let counts = &mut state.counts;
            counts.connections += 1;
            counts.open += 1;
            counts.most_open = counts.most_open.max(counts.open);
            counts.connections
        };
        tokio::spawn(connection(socket, start, tls.clone(), shared.clone(), number));
    }
}

async fn connection(socket: TcpStream, start: Start, tls: Arc<ServerConfig>, shared: Arc<Shared>, number: u64) {
    let mut peer = Peer { shared: shared.clone(), number, sent: 0, account: None, certificate: false };
    let acceptor = TlsAcceptor::from(tls);
    match start {
        Start::Tls => secured(acceptor, socket, &mut peer).await,
        Start::Clear => {
            let mut socket = socket;
            if peer.talk(&mut socket).await == Some(Next::StartTls) {
                secured(acceptor, socket, &mut peer).await;
            }
        }
    }
    shared.state.lock().unwrap().counts.open -= 1;
}

async fn secured(acceptor: TlsAcceptor, socket: TcpStream, peer: &mut Peer) {
    if let Ok(mut stream) = acceptor.accept(socket).await {
        peer.certificate = stream.get_ref().1.peer_certificates().is_some_and(|c| !c.is_empty());
        let next = peer.talk(&mut stream).await;
        // A regular end says good-bye; a cut one does not.
        if next == Some(Next::End) {
            let _ = stream.shutdown().await;
        }
    }
}

#[derive(PartialEq)]
enum Next {
    StartTls,
    End,
}

struct Peer {
    shared: Arc<Shared>,
    number: u64,
    sent: u64,
    account: Option<String>,
    certificate: bool,
}

impl Peer {
    /// Until the end of the connection; `None` where it is cut off.
    async fn talk(&mut self, stream: &mut dyn Stream) -> Option<Next> {
        let mut buffer = Vec::new();
        loop {
            let length = loop {
                match ber::header(&buffer) {
                    Some((header, length)) if buffer.len() >= header + length => break header + length,
                    _ => {}
                }
                let mut chunk = [0; 8192];
                let read = stream.read(&mut chunk).await.ok()?;
                if read == 0 {
                    return Some(Next::End);
                }
                self.shared.state.lock().unwrap().counts.received += read as u64;
                buffer.extend(&chunk[..read]);
            };
            let bytes: Vec<u8> = buffer.drain(..length).collect();
            let (request, act) = {
                let mut state = self.shared.state.lock().unwrap();
                state.requests += 1;
                let request = Request::read(&bytes, self.number, state.requests)?;
                let counts = &mut state.counts;
                match &request.op {
                    Op::Bind { .. } => counts.binds += 1,
                    Op::Search { .. } => {
                        counts.searches += 1;
                        counts.next_pages += u64::from(request.page().is_some_and(|(_, cookie)| !cookie.is_empty()));
                    }
                    Op::Modify { .. } | Op::Add { .. } | Op::Delete { .. } | Op::Rename { .. } => counts.writes += 1,
                    Op::Abandon(_) => counts.abandoned += 1,
                    Op::Unbind | Op::Extended { .. } | Op::Other(_) => {}
                }
                let super::State { directory, hook, .. } = &mut *state;
                let act = hook(&request, directory);
                (request, act)
            };
            let agreed = matches!(act, Act::Answer);
            let messages = match act {
                Act::Answer => self.answer(&request),
                Act::Delay(time) => {
                    tokio::time::sleep(time).await;
                    self.answer(&request)
                }
                Act::Silence => continue,
                Act::Result(code, said) => match answer_tag(&request.op) {
                    Some(tag) => vec![message(request.id, result(tag, code, said, &[]), &[])],
                    None => Vec::new(),
                },
                Act::Bytes(bytes) => vec![bytes],
                Act::Rewrite(rewrite) => rewrite(self.answer(&request)),
                Act::Notice(code, said) => {
                    self.send(stream, &message::notice(code, said)).await?;
                    return Some(Next::End);
                }
                Act::Hang => return None,
                Act::Cut(after) => {
                    let bytes = self.answer(&request).concat();
                    self.send(stream, &bytes[..after.min(bytes.len())]).await?;
                    return None;
                }
            };
            self.send(stream, &messages.concat()).await?;
            match &request.op {
                Op::Unbind => return Some(Next::End),
                Op::Extended { oid } if oid == START_TLS && agreed => return Some(Next::StartTls),
                _ => {}
            }
        }
    }

    /// `None` where the limit of bytes cut the connection.
    async fn send(&mut self, stream: &mut dyn Stream, bytes: &[u8]) -> Option<()> {
        let room = self.shared.cut_after.load(Ordering::SeqCst).saturating_sub(self.sent);
        let part = &bytes[..bytes.len().min(usize::try_from(room).unwrap_or(usize::MAX))];
        self.sent += part.len() as u64;
        stream.write_all(part).await.ok()?;
        stream.flush().await.ok()?;
        (part.len() == bytes.len()).then_some(())
    }

    fn answer(&mut self, request: &Request) -> Vec<Vec<u8>> {
        let Some(tag) = answer_tag(&request.op) else { return Vec::new() };
        let shared = self.shared.clone();
        let mut state = shared.state.lock().unwrap();
        let one = |code, said: &str| vec![message(request.id, result(tag, code, said, &[]), &[])];
        if let Some(unknown) =
            request.controls.iter().find(|c| c.critical && !state.directory.controls.contains(&c.oid))
        {
            return one(12, &format!("00000057: LdapErr: unknown control {}", unknown.oid));
        }
        let open = match &request.op {
            Op::Bind { .. } | Op::Extended { .. } => true,
            Op::Search { base, .. } => base.is_empty(),
            _ => false,
        };
        if !open && self.account.is_none() {
            return one(
                1,
                "000004DC: LdapErr: DSID-0C090A5C, comment: In order to perform this operation a successful bind must be completed on the connection., data 0, v4563",
            );
        }
        match &request.op {
            Op::Bind { name, auth } => {
                self.account = match auth {
                    Auth::Simple(password) => {
                        state.directory.accounts.iter().find(|a| a.0 == *name && a.1 == *password).map(|a| a.0.clone())
                    }
                    Auth::Sasl(mechanism) => {
                        (mechanism == "EXTERNAL" && self.certificate).then(|| "svc-groupshift".to_owned())
                    }
                };
                match self.account {
                    Some(_) => one(0, ""),
                    None => one(
                        49,
                        "80090308: LdapErr: DSID-0C090447, comment: AcceptSecurityContext error, data 52e, v3839\0",
                    ),
                }
            }
            Op::Search { base, scope, size_limit, filter, attributes } => {
                let Some(found) = state.directory.search(base, *scope, filter) else {
                    return one(
                        32,
                        "0000208D: NameErr: DSID-0310028B, problem 2001 (NO_OBJECT), data 0, best match of:",
                    );
                };
                let (messages, entries) = search(&state.directory, request, found, *size_limit, attributes);
                state.counts.entries += entries as u64;
                messages
            }
            Op::Modify { dn, changes } => {
                let (code, said) = state.directory.modify(dn, changes);
                one(code, said)
            }
            Op::Add { dn, attributes } => match state.directory.find(dn) {
                Some(_) => one(68, "00002071: UpdErr: DSID-0305038D"),
                None => {
                    state.directory.objects.push(Object { dn: dn.clone(), attributes: attributes.clone() });
                    one(0, "")
                }
            },
            Op::Rename { dn, rdn, parent } => {
                let old = dn.split_once(',').map_or("", |(_, parent)| parent).to_owned();
                match state.directory.find_mut(dn) {
                    Some(object) => {
                        object.dn = format!("{rdn},{}", parent.clone().unwrap_or(old));
                        one(0, "")
                    }
                    None => one(32, "0000208D: NameErr: DSID-0310028B"),
                }
            }
            Op::Extended { oid } if oid == "1.3.6.1.4.1.4203.1.11.3" => {
                let who = format!("u:CONTOSO\\{}", self.account.as_deref().unwrap_or(""));
                let fields =
                    [ber::tagged_integer(10, 0), ber::octets(""), ber::octets(""), ber::element(0x8b, who.as_bytes())];
                vec![message(request.id, ber::sequence(0x78, &fields), &[])]
            }
            Op::Extended { .. } => one(0, ""),
            _ => one(53, "unwilling"),
        }
    }
}

fn search(
    directory: &Directory,
    request: &Request,
    found: Vec<&Object>,
    size_limit: i64,
    attributes: &[String],
) -> (Vec<Vec<u8>>, usize) {
    let page = request.page();
    let limit = usize::try_from(size_limit).ok().filter(|n| *n > 0).unwrap_or(usize::MAX);
    let (start, most) = match &page {
        // The cookie is the number of entries given so far.
        Some((size, cookie)) => {
            let start = std::str::from_utf8(cookie).ok().and_then(|c| c.parse::<usize>().ok()).unwrap_or(0);
            (start, (*size).min(directory.max_page).max(1))
        }
        None => (0, directory.max_page.min(limit)),
    };
    let end = found.len().min(start.saturating_add(most));
    let chosen = found.get(start..end).unwrap_or(&[]);
    let mut messages: Vec<_> = chosen
        .iter()
        .map(|object| message(request.id, message::entry(&directory.shown(object, attributes)), &[]))
        .collect();
    let last = end >= found.len();
    let whole = matches!(&request.op, Op::Search { scope: 2, .. });
    if last && whole && request.control("1.2.840.113556.1.4.1339").is_none() {
        messages.extend(directory.references.iter().map(|url| message(request.id, message::reference(&[url]), &[])));
    }
    let (code, controls) = match &page {
        Some(_) => {
            let cookie = if last { String::new() } else { end.to_string() };
            (0, vec![(message::PAGED, message::page_value(cookie.as_bytes()))])
        }
        None => (if last { 0 } else { 4 }, Vec::new()),
    };
    messages.push(message(request.id, result(0x65, code, "", &[]), &controls));
    (messages, chosen.len())
}
