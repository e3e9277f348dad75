//! The task that owns the socket: it writes requests, cuts what comes into messages and gives them, many at a time and
//! uncopied, to whoever asked. A message that is nobody's ends the connection: it may be a part of an answer that then
//! lacks it. When nobody takes what was read, no more is read, and the server waits.

use super::message::{self, Message, op};
use crate::ldap::ber::{self, Header, SEQUENCE};
use crate::ldap::control::Control;
use crate::ldap::fault::{Fault, FaultKind};
use futures_util::FutureExt;
use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::sync::atomic::{AtomicI32, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::{Notify, mpsc};

/// Bytes that are gathered before they are handed on.
const CHUNK: usize = 1 << 16;
/// Room is made for a long message in steps, so that a length that lies costs nothing.
const STEP: usize = 1 << 20;
/// Bytes of an answer that may wait to be taken; more stay with the server. Unless another request is under way: its
/// answer may be what the first one's reader waits for.
const AHEAD: usize = 4 << 20;
/// How long to wait for a good-bye to go out.
const LEAVE: Duration = Duration::from_secs(1);

/// One connection; clones share it.
#[derive(Clone)]
pub struct Wire {
    commands: mpsc::UnboundedSender<Command>,
    shared: Arc<Shared>,
}

struct Shared {
    server: Arc<str>,
    wait: Duration,
    last_id: AtomicI32,
    taken: Notify,
    /// Why the connection ended.
    end: Mutex<Option<Fault>>,
}

impl Shared {
    /// The next id; they come round again after two thousand million requests.
    fn id(&self) -> i32 {
        match self.last_id.fetch_add(1, Ordering::Relaxed).wrapping_add(1) & i32::MAX {
            0 => self.id(),
            id => id,
        }
    }
}

enum Command {
    Request { id: i32, bytes: Vec<u8>, answers: mpsc::UnboundedSender<Chunk> },
    Abandon(i32),
    Close,
}

/// Whole messages of one operation, one after another.
pub struct Chunk {
    bytes: Vec<u8>,
    /// Bytes of this operation that wait to be taken.
    waiting: Arc<AtomicUsize>,
    shared: Arc<Shared>,
}

impl Chunk {
    /// The messages; each is well framed, as was seen when they were cut.
    pub fn messages(&self) -> impl Iterator<Item = Option<Message<'_>>> {
        let mut rest = self.bytes.as_slice();
        std::iter::from_fn(move || {
            let (content, after) = ber::expect(SEQUENCE, rest)?;
            rest = after;
            Some(Message::parse(content))
        })
    }
}

impl Drop for Chunk {
    fn drop(&mut self) {
        self.waiting.fetch_sub(self.bytes.len(), Ordering::AcqRel);
        self.shared.taken.notify_one();
    }
}

impl Wire {
    pub fn start<S>(stream: S, server: &str, wait: Duration) -> Wire
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let (commands, orders) = mpsc::unbounded_channel();
        let shared = Arc::new(Shared {
            server: server.into(),
            wait,
            last_id: AtomicI32::new(0),
            taken: Notify::new(),
            end: Mutex::new(None),
        });
        tokio::spawn(drive(stream, orders, shared.clone()));
        Wire { commands, shared }
    }

    pub fn server(&self) -> &str {
        &self.shared.server
    }

    /// Sends a request off; what comes back is in `Answers`.
    pub fn send(&self, operation: &[u8], controls: &[Control]) -> Answers {
        let id = self.shared.id();
        let (give, chunks) = mpsc::unbounded_channel();
        let bytes = message::message(id, operation, controls);
        // Where nobody drives the connection any more, the channel closes, and the answer is why.
        let _ = self.commands.send(Command::Request { id, bytes, answers: give });
        Answers { id, chunks, wire: self.clone(), done: false }
    }

    /// Sends a request that one message answers, and waits for it.
    pub async fn ask(&self, operation: &[u8], doing: &str) -> Result<Chunk, Fault> {
        let mut answers = self.send(operation, &[]);
        let chunk = answers.next(doing).await?;
        answers.done();
        Ok(chunk)
    }

    /// Says good-bye.
    pub fn close(&self) {
        let _ = self.commands.send(Command::Close);
    }
}

/// What comes back to one request. Dropped before its end, it is abandoned.
pub struct Answers {
    id: i32,
    chunks: mpsc::UnboundedReceiver<Chunk>,
    wire: Wire,
    done: bool,
}

impl Answers {
    pub async fn next(&mut self, doing: &str) -> Result<Chunk, Fault> {
        let shared = &self.wire.shared;
        match tokio::time::timeout(shared.wait, self.chunks.recv()).await {
            Err(_) => Err(Fault::timeout(doing, shared.wait)),
            Ok(Some(chunk)) => Ok(chunk),
            Ok(None) => {
                let why = shared.end.lock().unwrap_or_else(PoisonError::into_inner).clone();
                Err(Fault { doing: doing.to_owned(), ..why.unwrap_or_else(|| Fault::lost(doing)) })
            }
        }
    }

    /// The last message came.
    pub fn done(&mut self) {
        self.done = true;
    }
}

impl Drop for Answers {
    fn drop(&mut self) {
        if !self.done {
            let _ = self.wire.commands.send(Command::Abandon(self.id));
        }
    }
}

/// Until the connection ends, or nobody needs it any more.
async fn drive<S: AsyncRead + AsyncWrite + Unpin>(
    mut stream: S,
    mut orders: mpsc::UnboundedReceiver<Command>,
    shared: Arc<Shared>,
) {
    let mut inbox = Inbox::default();
    let fault = loop {
        let full = inbox.is_full();
        inbox.make_room();
        tokio::select! {
            order = orders.recv() => match order {
                Some(Command::Request { id, bytes, answers }) => {
                    inbox.open.insert(id, Mailbox { answers, waiting: Arc::default() });
                    if let Err(e) = write(&mut stream, &bytes).await {
                        break inbox.last_words(&mut stream, &shared).await.unwrap_or_else(|| Fault::stream("send", &e));
                    }
                }
                Some(Command::Abandon(id)) => {
                    if inbox.open.remove(&id).is_some() {
                        inbox.abandoned.insert(id);
                        let abandon = message::message(shared.id(), &message::abandon(id), &[]);
                        if let Err(e) = write(&mut stream, &abandon).await {
                            break inbox.last_words(&mut stream, &shared).await.unwrap_or_else(|| Fault::stream("send", &e));
                        }
                    }
                }
                Some(Command::Close) | None => {
                    // What fails now does not matter any more.
                    let _ = tokio::time::timeout(LEAVE, async {
                        write(&mut stream, &message::message(shared.id(), &message::unbind(), &[])).await?;
                        stream.shutdown().await
                    })
                    .await;
                    break Fault::lost("read");
                }
            },
            read = stream.read_buf(&mut inbox.buffer), if !full => {
                let mut ended = end_of(read);
                // What is there already comes along.
                while ended.is_none() && inbox.buffer.len() < CHUNK && inbox.buffer.capacity() > inbox.buffer.len() {
                    match stream.read_buf(&mut inbox.buffer).now_or_never() {
                        Some(read) => ended = end_of(read),
                        None => break,
                    }
                }
                let sorted = inbox.sort(&shared);
                match (sorted, ended) {
                    (Err(fault), _) => break *fault,
                    (Ok(()), Some(Ended::Closed)) => break inbox.notice.take().unwrap_or_else(|| Fault::lost("read")),
                    (Ok(()), Some(Ended::Failed(e))) => break Fault::stream("read", &e),
                    (Ok(()), None) => {}
                }
            }
            () = shared.taken.notified(), if full => {}
        }
    };
    *shared.end.lock().unwrap_or_else(PoisonError::into_inner) = Some(fault);
    // The channels of those who wait close only now, when the reason can be read.
    drop(inbox);
}

async fn write<S: AsyncWrite + Unpin>(stream: &mut S, bytes: &[u8]) -> std::io::Result<()> {
    stream.write_all(bytes).await?;
    stream.flush().await
}

enum Ended {
    Closed,
    Failed(std::io::Error),
}

fn end_of(read: std::io::Result<usize>) -> Option<Ended> {
    match read {
        Ok(0) => Some(Ended::Closed),
        Ok(_) => None,
        Err(e) => Some(Ended::Failed(e)),
    }
}

/// Where the answers to one request go.
struct Mailbox {
    answers: mpsc::UnboundedSender<Chunk>,
    waiting: Arc<AtomicUsize>,
}

#[derive(Default)]
struct Inbox {
    buffer: Vec<u8>,
    /// Bytes that the message at the head of the buffer still lacks, as far as is known.
    lacking: usize,
    open: HashMap<i32, Mailbox>,
    abandoned: HashSet<i32>,
    /// What the server announced before it closed the connection.
    notice: Option<Fault>,
}

impl Inbox {
    /// Whether the only answer that is expected waits to be taken already.
    fn is_full(&self) -> bool {
        let mut open = self.open.values();
        matches!((open.next(), open.next()), (Some(one), None) if one.waiting.load(Ordering::Acquire) > AHEAD)
    }

    /// What the server said before it closed a connection that nothing can be sent over any more.
    async fn last_words<S: AsyncRead + Unpin>(&mut self, stream: &mut S, shared: &Arc<Shared>) -> Option<Fault> {
        let reading = async {
            loop {
                self.make_room();
                let ended = end_of(stream.read_buf(&mut self.buffer).await);
                if self.sort(shared).is_err() || ended.is_some() {
                    break;
                }
            }
        };
        let _ = tokio::time::timeout(LEAVE, reading).await;
        self.notice.take()
    }

    fn make_room(&mut self) {
        let room = self.lacking.clamp(CHUNK, STEP);
        if self.buffer.capacity() - self.buffer.len() < room / 2 {
            self.buffer.reserve(room);
        }
    }

    /// Gives out the whole messages of the buffer, those of one operation together.
    fn sort(&mut self, shared: &Arc<Shared>) -> Result<(), Box<Fault>> {
        let mut runs: Vec<(i32, Range<usize>, bool)> = Vec::new();
        let mut at = 0;
        self.lacking = 0;
        let outcome = loop {
            let rest = &self.buffer[at..];
            if rest.first().is_some_and(|tag| *tag != SEQUENCE) {
                break Err(Box::new(Fault::malformed("read")));
            }
            let total = match ber::header(rest) {
                Header::Short => break Ok(()),
                Header::Malformed => break Err(Box::new(Fault::malformed("read"))),
                Header::Element { header, length } => header + length,
            };
            let Some(whole) = rest.get(..total) else {
                self.lacking = total - rest.len();
                break Ok(());
            };
            let parsed = ber::expect(SEQUENCE, whole).and_then(|(content, _)| Message::parse(content));
            let Some(message) = parsed else { break Err(Box::new(Fault::malformed("read"))) };
            let (id, last) = (message.id, message.is_last());
            if id == 0 {
                self.notice = Some(notice(&message));
            } else if self.open.contains_key(&id) && !runs.iter().any(|(ended, _, last)| *ended == id && *last) {
                match runs.last_mut() {
                    Some((run, range, ended)) if *run == id && range.end == at => {
                        range.end = at + total;
                        *ended = last;
                    }
                    _ => runs.push((id, at..at + total, last)),
                }
            } else if self.abandoned.contains(&id) {
                if last {
                    self.abandoned.remove(&id);
                }
            } else {
                let words = format!("the server answered a request that was never made (message {id})");
                let fault = Fault::new(FaultKind::Protocol, "read", words).hint(
                    "The answers of this connection cannot be trusted; make sure that nothing between changes the traffic.",
                );
                break Err(Box::new(fault));
            }
            at += total;
        };
        self.give(runs, at, shared);
        outcome
    }

    fn give(&mut self, runs: Vec<(i32, Range<usize>, bool)>, end: usize, shared: &Arc<Shared>) {
        if end == 0 {
            return;
        }
        let tail = self.buffer[end..].to_vec();
        let only = matches!(&runs[..], [(_, range, _)] if *range == (0..end));
        for (id, range, last) in runs {
            let bytes = match only {
                true => {
                    self.buffer.truncate(end);
                    std::mem::take(&mut self.buffer)
                }
                false => self.buffer[range].to_vec(),
            };
            if let Some(Mailbox { answers, waiting }) = self.open.get(&id) {
                waiting.fetch_add(bytes.len(), Ordering::AcqRel);
                // Whoever does not listen any more has abandoned it.
                let _ = answers.send(Chunk { bytes, waiting: waiting.clone(), shared: shared.clone() });
            }
            if last {
                self.open.remove(&id);
            }
        }
        self.buffer.clear();
        self.buffer.reserve(CHUNK.max(tail.len()));
        self.buffer.extend_from_slice(&tail);
    }
}

/// A notice that belongs to no request: why the connection is about to end.
fn notice(message: &Message<'_>) -> Fault {
    let mut fault = Fault::lost("read");
    if message.op == op::EXTENDED_ANSWER
        && let Some(result) = message.result()
    {
        fault.code = Some(result.rc);
        result.text.trim_end_matches('\0').trim().clone_into(&mut fault.server_said);
    }
    fault
}

#[cfg(test)]
mod tests;
