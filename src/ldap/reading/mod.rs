//! A connection that only reads, for scans of whole domains: answers are taken apart where they lie, without the tree
//! and the copies of every value that the client library makes. It is one more connection of the same account to the
//! same server; whatever writes, and whatever signs in by Kerberos, goes through the library as before.

mod message;
mod open;
mod wire;

use super::control::Control;
use super::entry::{Entry, RawEntry};
use super::fault::Fault;
use super::pages::{FromWire, Lane, Outcome, Page, Pages, Sink, Stop, malformed};
use super::request::{Answer, Search};
use super::session::Session;
use message::{Message, op};
use std::sync::Arc;
use wire::Wire;

/// A bound connection for searches; clones share it.
#[derive(Clone)]
pub struct ReadSession(Carrier);

#[derive(Clone)]
enum Carrier {
    Own(Wire),
    Library(Session),
}

impl ReadSession {
    /// Searches over a connection that also writes.
    pub fn over(session: &Session) -> ReadSession {
        ReadSession(Carrier::Library(session.clone()))
    }

    /// The server's address, for messages.
    pub fn server(&self) -> &str {
        match &self.0 {
            Carrier::Own(wire) => wire.server(),
            Carrier::Library(session) => session.server(),
        }
    }

    /// Starts a search whose objects are taken straight into what the reader needs.
    pub fn search<T: FromWire>(&self, search: Search) -> Pages<T> {
        match &self.0 {
            Carrier::Own(wire) => wire.start(search),
            Carrier::Library(session) => session.start(search),
        }
    }

    /// All entries of a search whose answer is small.
    pub async fn all(&self, search: Search) -> Outcome<Answer> {
        match &self.0 {
            Carrier::Own(wire) => wire.whole(search).await,
            Carrier::Library(session) => session.whole(search).await,
        }
    }

    /// One object by its name; `None` where it is not there (or hidden from the account).
    pub async fn read(&self, dn: &str, attributes: &[&str], controls: Vec<Control>) -> Outcome<Option<Entry>> {
        match &self.0 {
            Carrier::Own(wire) => wire.one(dn, attributes, controls).await,
            Carrier::Library(session) => session.one(dn, attributes, controls).await,
        }
    }

    /// What the server says of itself.
    pub async fn root_dse(&self, attributes: &[&str]) -> Outcome<Entry> {
        match &self.0 {
            Carrier::Own(wire) => wire.root(attributes).await,
            Carrier::Library(session) => session.root(attributes).await,
        }
    }

    /// Who the server takes this connection for, as in `u:CONTOSO\svc`.
    pub async fn who_am_i(&self) -> Outcome<String> {
        let wire = match &self.0 {
            Carrier::Own(wire) => wire,
            Carrier::Library(session) => return session.who_am_i().await,
        };
        let at = |fault: Fault| fault.at(wire.server());
        let doing = "ask who this connection is";
        let chunk = wire.ask(&message::who_am_i(), doing).await.map_err(at)?;
        let message = chunk.messages().next().flatten().filter(|m| m.op == op::EXTENDED_ANSWER);
        let answer = message.as_ref().and_then(|m| Some((m.result()?, m.value().unwrap_or_default())));
        match answer {
            Some((result, value)) if result.rc == 0 => Ok(String::from_utf8_lossy(value).into_owned()),
            Some((result, _)) => Err(at(Fault::result(doing, &result))),
            None => Err(at(Fault::malformed(doing))),
        }
    }

    /// Says good-bye; what fails then does not matter any more.
    pub async fn close(self) {
        match self.0 {
            Carrier::Own(wire) => wire.close(),
            Carrier::Library(session) => session.close().await,
        }
    }
}

impl Lane for Wire {
    fn address(&self) -> Arc<str> {
        self.server().into()
    }

    async fn explained(&self, fault: Fault) -> Fault {
        if fault.server.is_empty() { fault.at(self.server()) } else { fault }
    }

    async fn request<T: FromWire>(&self, search: &Search, cookie: &[u8], sink: &mut Sink<T>) -> Result<Page, Stop> {
        let request = message::search(search).ok_or_else(|| Fault::filter("search"))?;
        let mut answers = self.send(&request, &message::controls(search, cookie));
        loop {
            // Whoever stops reading is noticed at once: the request is then abandoned.
            let chunk = tokio::select! {
                chunk = answers.next("search") => chunk?,
                () = sink.closed() => return Err(Stop::Dropped),
            };
            for message in chunk.messages() {
                let message = message.ok_or_else(malformed)?;
                match message.op {
                    op::ENTRY => {
                        sink.take(&RawEntry::parse(message.content).ok_or_else(malformed)?)?;
                        sink.pass().await?;
                    }
                    op::REFERENCE => sink.refer(message::texts(message.content).ok_or_else(malformed)?),
                    op::DONE => {
                        answers.done();
                        return done(&message, sink).await;
                    }
                    // Nothing that answers with anything else was asked for.
                    _ => return Err(malformed()),
                }
            }
        }
    }
}

/// The result of a search.
async fn done<T: FromWire>(message: &Message<'_>, sink: &mut Sink<T>) -> Result<Page, Stop> {
    let result = message.result().ok_or_else(malformed)?;
    // Whether the list of controls is one at all is seen before any of it is used.
    message.control("").ok_or_else(malformed)?;
    if result.rc != 0 {
        return Err(Fault::result("search", &result).into());
    }
    sink.end(|oid| message.control(oid).flatten()).await
}
