//! A search from its first page to its last, whichever connection carries it: entries go on in batches, and the end is
//! only told after the server said that it is the end.

use super::control::{self, Control};
use super::entry::{Entry, RawEntry};
use super::fault::{Fault, FaultKind};
use super::quiet::{Panicked, caught};
use super::request::{Answer, Ending, Scope, Search};
use std::collections::HashSet;
use std::sync::Arc;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

/// Entries and bytes that are handed on together.
const BATCH_ENTRIES: usize = 256;
const BATCH_BYTES: usize = 1 << 20;
/// Batches that may wait for the reader; more stay with the server.
const BATCHES_AHEAD: usize = 2;
/// Pages without any object, one after another, until the search is taken for one that never ends.
const EMPTY_PAGES: u32 = 1000;

pub(super) type Outcome<T> = Result<T, Fault>;

/// What an object of an answer is taken into, straight from the bytes that came.
pub trait FromWire: Sized + Send + 'static {
    fn from_wire(entry: &RawEntry<'_>) -> Result<Self, Box<Fault>>;
}

/// A connection that carries searches.
pub(super) trait Lane: Clone + Send + Sync + 'static {
    /// The server's address, for messages.
    fn address(&self) -> Arc<str>;

    /// One request and its answer, down to its result.
    fn request<T: FromWire>(
        &self,
        search: &Search,
        cookie: &[u8],
        sink: &mut Sink<T>,
    ) -> impl Future<Output = Result<Page, Stop>> + Send;

    /// Says more of a fault, where the connection knows more; adds the server's address.
    fn explained(&self, fault: Fault) -> impl Future<Output = Fault> + Send;

    /// Starts a search.
    fn start<T: FromWire>(&self, search: Search) -> Pages<T> {
        let (give, batches) = mpsc::channel(BATCHES_AHEAD);
        let (lane, server, object) = (self.clone(), self.address(), search.base.clone());
        let address = server.clone();
        let task = tokio::spawn(async move {
            match caught(drive(&lane, search, give)).await {
                Ok(Ok(ending)) => Some(Ok(ending)),
                Ok(Err(Stop::Dropped)) => None,
                Ok(Err(Stop::Fault(fault))) => Some(Err(lane.explained(fault.about(&object)).await)),
                Err(Panicked) => Some(Err(Fault::malformed("search").at(&address).about(&object))),
            }
        });
        Pages { batches, task: Some(task), ending: None, server }
    }

    /// All entries of a search whose answer is small.
    fn whole(&self, search: Search) -> impl Future<Output = Outcome<Answer>> + Send {
        async {
            let mut pages = self.start::<Entry>(search);
            let mut entries = Vec::new();
            while let Some(batch) = pages.next().await? {
                entries.extend(batch);
            }
            Ok(Answer { entries, ending: pages.ending.unwrap_or_default() })
        }
    }

    /// One object by its name; `None` where it is not there (or hidden from the account).
    fn one(
        &self,
        dn: &str,
        attributes: &[&str],
        controls: Vec<Control>,
    ) -> impl Future<Output = Outcome<Option<Entry>>> + Send {
        let mut search = Search::new(dn, Scope::Base, "(objectClass=*)", attributes).unpaged();
        search.controls = controls;
        async {
            match self.whole(search).await {
                Ok(answer) => Ok(answer.entries.into_iter().next()),
                Err(fault) if fault.is_missing() => Ok(None),
                Err(fault) => Err(fault),
            }
        }
    }

    /// What the server says of itself.
    fn root(&self, attributes: &[&str]) -> impl Future<Output = Outcome<Entry>> + Send {
        let found = self.one("", attributes, Vec::new());
        async {
            found.await?.ok_or_else(|| {
                Fault::new(FaultKind::Protocol, "read the root DSE", "the server shows none")
                    .hint("Make sure that the address is that of a domain controller.")
                    .at(&self.address())
            })
        }
    }
}

async fn drive<L: Lane, T: FromWire>(lane: &L, search: Search, give: mpsc::Sender<Vec<T>>) -> Result<Ending, Stop> {
    let mut sink = Sink::new(give, &search);
    let mut cookie = Vec::new();
    let mut seen = HashSet::new();
    let mut empty = 0;
    loop {
        let before = sink.ending.entries;
        sink.begin();
        let page = lane.request(&search, &cookie, &mut sink).await?;
        sink.ending.pages += 1;
        let Some(next) = page.cookie.filter(|c| !c.is_empty()) else { return Ok(sink.ending) };
        // A cookie alone may repeat: some servers number the search, not the page. The same cookie for a page that
        // begins with the same object leads back to where it came from.
        empty = if sink.ending.entries == before { empty + 1 } else { 0 };
        if !seen.insert((next.clone(), page.first)) || empty > EMPTY_PAGES {
            return Err(broken("the server repeats the same page without end"));
        }
        cookie = next;
    }
}

/// Why a search stops before its end.
pub(super) enum Stop {
    /// Nobody reads on.
    Dropped,
    Fault(Box<Fault>),
}

impl From<Fault> for Stop {
    fn from(fault: Fault) -> Stop {
        Stop::Fault(Box::new(fault))
    }
}

pub(super) fn malformed() -> Stop {
    Fault::malformed("search").into()
}

fn broken(words: impl Into<String>) -> Stop {
    Fault::new(FaultKind::Protocol, "search", words).into()
}

/// A page that was read to its end.
pub(super) struct Page {
    /// To go on with; `None` for a search without pages, empty for the last page.
    cookie: Option<Vec<u8>>,
    /// The name of its first object.
    first: Option<String>,
}

/// Where the objects of a search go, page by page.
pub(super) struct Sink<T> {
    give: mpsc::Sender<Vec<T>>,
    batch: Vec<T>,
    bytes: usize,
    ending: Ending,
    paged: bool,
    /// Objects that a page may hold, and those of this page.
    most: u64,
    count: u64,
    first: Option<String>,
}

impl<T: FromWire> Sink<T> {
    fn new(give: mpsc::Sender<Vec<T>>, search: &Search) -> Self {
        Sink {
            give,
            batch: Vec::new(),
            bytes: 0,
            ending: Ending::default(),
            paged: search.page.is_some(),
            most: search.page.map_or(u64::MAX, u64::from),
            count: 0,
            first: None,
        }
    }

    fn begin(&mut self) {
        self.count = 0;
        self.first = None;
    }

    /// Takes an object in. Whoever reads has to be asked now and then, by `pass`.
    pub fn take(&mut self, entry: &RawEntry<'_>) -> Result<(), Stop> {
        self.count += 1;
        if self.count > self.most {
            // Whatever this server counts, it is not the pages that were asked for; it may never stop.
            return Err(broken(format!("the server sent more than the {} objects that a page may hold", self.most)));
        }
        self.first.get_or_insert_with(|| entry.dn().to_owned());
        self.ending.entries += 1;
        self.bytes += entry.size();
        self.batch.push(T::from_wire(entry).map_err(Stop::Fault)?);
        Ok(())
    }

    /// Comes back when nobody reads on.
    pub async fn closed(&mut self) {
        self.give.closed().await;
    }

    pub fn refer(&mut self, urls: Vec<String>) {
        self.ending.referrals.extend(urls);
    }

    /// Hands on what is enough for a batch.
    pub async fn pass(&mut self) -> Result<(), Stop> {
        match self.batch.len() >= BATCH_ENTRIES || self.bytes >= BATCH_BYTES {
            true => self.flush().await,
            false => Ok(()),
        }
    }

    async fn flush(&mut self) -> Result<(), Stop> {
        self.bytes = 0;
        if self.batch.is_empty() {
            return Ok(());
        }
        self.give.send(std::mem::take(&mut self.batch)).await.map_err(|_| Stop::Dropped)
    }

    /// The page ended with success; `control` finds the value of an answer's control.
    pub async fn end<'c>(&mut self, control: impl Fn(&str) -> Option<&'c [u8]> + Send) -> Result<Page, Stop> {
        self.flush().await?;
        if let Some(value) = control(control::DIR_SYNC) {
            self.ending.dir_sync = Some(control::dir_sync(value).ok_or_else(malformed)?);
        }
        let first = self.first.take();
        match (self.paged, control(control::PAGED)) {
            (false, _) => Ok(Page { cookie: None, first }),
            (true, Some(value)) => {
                Ok(Page { cookie: Some(control::paged_cookie(value).ok_or_else(malformed)?), first })
            }
            // The control was sent critical: a server that ends with success yet without its answer broke the protocol,
            // and what it sent may be a part.
            (true, None) => Err(broken("the server ended a paged search without saying whether more is to come")),
        }
    }
}

/// The running answer of a search.
pub struct Pages<T = Entry> {
    batches: mpsc::Receiver<Vec<T>>,
    task: Option<JoinHandle<Option<Outcome<Ending>>>>,
    ending: Option<Ending>,
    server: Arc<str>,
}

impl<T> Pages<T> {
    /// The next entries; `None` only after the server ended the search with success. After an error, what was given
    /// out before is part of an answer that was never completed.
    pub async fn next(&mut self) -> Outcome<Option<Vec<T>>> {
        if let Some(batch) = self.batches.recv().await {
            return Ok(Some(batch));
        }
        let Some(task) = self.task.take() else {
            return match self.ending {
                Some(_) => Ok(None),
                None => Err(Fault::lost("search").at(&self.server)),
            };
        };
        match task.await {
            Ok(Some(Ok(ending))) => {
                self.ending = Some(ending);
                Ok(None)
            }
            Ok(Some(Err(fault))) => Err(fault),
            Ok(None) => Err(Fault::lost("search").at(&self.server)),
            Err(e) => Err(Fault::from(e).at(&self.server)),
        }
    }

    /// How the search ended; `None` until `next` said that it did.
    pub fn ending(&self) -> Option<&Ending> {
        self.ending.as_ref()
    }
}
