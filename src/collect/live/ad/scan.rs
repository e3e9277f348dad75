//! The parallel part of a scan. Every sort of object is listed first, by objectGUID and uSNCreated alone: an independent
//! count, which also tells where to cut. Partitions are ranges of uSNCreated, which the controller gives once to each
//! object and never changes, so that they are disjoint and cover whatever happens meanwhile. Connections take partitions
//! from one queue and hand entries on over one bounded channel: when the consumer falls behind, nobody asks for more.

use super::feed::{Batch, Feed};
use super::link::{self, Read, Trouble, Whole};
use super::names::Kind;
use super::partition::{Listing, Partition, WORTH_CUTTING, cut};
use super::pool::Pool;
use crate::collect::ad::NameKeys;
use crate::collect::live::{Note, Tell};
use crate::directory::ObjectGuid;
use crate::error::{Error, Result};
use crate::ldap::{Control, Fault, FromWire, RawEntry, ReadSession, Search};
use crate::report::plain;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::sync::{Notify, mpsc};

/// Batches that may wait for the consumer.
const AHEAD: usize = 4;
/// A database with fewer sequence numbers has fewer objects: its sorts are read in one piece, while they are counted.
pub const SMALL: u64 = 50_000;
/// A database with fewer is listed in one answer, where the server limits none: some hundred bytes an object.
pub const LISTED_AT_ONCE: u64 = 200_000;
/// Objects that are read in one answer, where the server limits none: it has all of it in memory.
const ONE_ANSWER: u64 = 2 * WORTH_CUTTING as u64;
/// Lists that wait to be completed by other connections; more are completed on the spot.
const WAITING_LISTS: usize = 32;

/// What is to be scanned.
pub struct Task<'t> {
    pub pool: &'t Pool,
    pub base: &'t str,
    /// The controller's highest sequence number, which bounds the number of objects.
    pub usn: u64,
    /// Attributes of groups: with their members or without, with their access lists or without.
    pub group_attributes: &'t [&'t str],
    pub group_controls: &'t [Control],
    pub tell: &'t Tell<'t>,
}

/// What the scan brought.
pub struct Scanned {
    pub feed: Feed,
    pub partitions: Vec<Partition>,
    pub groups: Listing,
    pub principals: Listing,
    /// Connections that were replaced, and answers "busy" that were waited out.
    pub repeats: u64,
}

enum Job {
    List(Kind),
    Read(usize),
    Complete(Box<Read>, usize),
}

struct Queue {
    jobs: VecDeque<(Job, u32)>,
    running: usize,
    failed: bool,
    waiting_lists: usize,
    partitions: Vec<Partition>,
    groups: Listing,
    principals: Listing,
}

struct Shared<'t> {
    task: &'t Task<'t>,
    keys: NameKeys,
    queue: Mutex<Queue>,
    changed: Notify,
    out: mpsc::Sender<Batch>,
    read: AtomicU64,
    expected: AtomicU64,
    repeats: AtomicU64,
}

/// Reads everything below the base.
pub async fn scan(task: Task<'_>, feed: Feed) -> Result<Scanned> {
    let (out, batches) = mpsc::channel(AHEAD);
    let small = task.usn < SMALL;
    let pieces = Kind::ALL.map(|kind| Partition { kind, range: (None, None), expected: 0 });
    let mut jobs: VecDeque<(Job, u32)> = Kind::ALL.into_iter().map(|kind| (Job::List(kind), 0)).collect();
    if small {
        // The longest job first.
        jobs.extend((0..pieces.len()).rev().map(|piece| (Job::Read(piece), 0)));
        jobs.make_contiguous().reverse();
    }
    let queue = Queue {
        jobs,
        running: 0,
        failed: false,
        waiting_lists: 0,
        partitions: if small { pieces.to_vec() } else { Vec::new() },
        groups: Listing::default(),
        principals: Listing::default(),
    };
    let shared = Shared {
        task: &task,
        keys: feed.builder.keys(),
        queue: Mutex::new(queue),
        changed: Notify::new(),
        out,
        read: AtomicU64::new(0),
        expected: AtomicU64::new(0),
        repeats: AtomicU64::new(0),
    };
    let consumer = tokio::task::spawn_blocking(move || feed.run(batches));
    let workers = (0..task.pool.width()).map(|_| worker(&shared));
    let done = futures_util::future::try_join_all(workers).await;
    let repeats = shared.repeats.load(Ordering::Relaxed);
    let Shared { queue, out, .. } = shared;
    drop(out);
    // What the consumer refused is the reason why the readers found nobody to read for.
    let feed = consumer.await.map_err(|e| Error::failed(format!("the scan's consumer broke down: {e}")))??;
    done?;
    let queue = queue.into_inner().unwrap_or_else(PoisonError::into_inner);
    Ok(Scanned { feed, partitions: queue.partitions, groups: queue.groups, principals: queue.principals, repeats })
}

/// One job after another, until nothing is left to do; as many workers as connections.
async fn worker(shared: &Shared<'_>) -> Result<()> {
    while let Some((job, attempt)) = shared.next().await {
        let done = shared.task.pool.with(async |session| shared.perform(session, &job).await).await;
        let pause = match &done {
            Err(Trouble::Fault(fault)) => link::pause(fault, attempt),
            _ => None,
        };
        match (done, pause) {
            (Ok(()), _) => shared.finished(None),
            (Err(Trouble::Fault(fault)), Some(pause)) => {
                shared.repeats.fetch_add(1, Ordering::Relaxed);
                (shared.task.tell)(Note::Detail(plain(&format!("{fault}; reading this part again"))));
                tokio::time::sleep(pause).await;
                shared.finished(Some((job, attempt + 1)));
            }
            (Err(trouble), _) => {
                shared.fail();
                return Err(trouble.into());
            }
        }
    }
    Ok(())
}

impl Shared<'_> {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next job; none when all is done, or another connection failed.
    async fn next(&self) -> Option<(Job, u32)> {
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            {
                let mut queue = self.lock();
                if queue.failed {
                    return None;
                }
                if let Some(job) = queue.jobs.pop_front() {
                    queue.running += 1;
                    if let Job::Complete(..) = job.0 {
                        queue.waiting_lists -= 1;
                    }
                    return Some(job);
                }
                if queue.running == 0 {
                    return None;
                }
            }
            changed.await;
        }
    }

    fn finished(&self, again: Option<(Job, u32)>) {
        let mut queue = self.lock();
        queue.running -= 1;
        if let Some(job) = again {
            queue.waiting_lists += usize::from(matches!(job.0, Job::Complete(..)));
            queue.jobs.push_back(job);
        }
        drop(queue);
        self.changed.notify_waiters();
    }

    fn fail(&self) {
        self.lock().failed = true;
        self.changed.notify_waiters();
    }

    async fn perform(&self, session: &ReadSession, job: &Job) -> Result<(), Trouble> {
        match job {
            Job::List(kind) => self.list(session, *kind).await,
            Job::Read(partition) => self.partition(session, *partition).await,
            Job::Complete(cut, partition) => {
                let cut = Read { entry: cut.entry.clone(), cut: cut.cut.clone(), ..**cut };
                self.complete(session, cut, *partition).await
            }
        }
    }

    async fn list(&self, session: &ReadSession, kind: Kind) -> Result<(), Trouble> {
        let mut listing = list(self.task.pool, session, self.task.base, kind, self.task.usn).await?;
        let total = listing.guids.len() as u64;
        self.expected.fetch_add(total, Ordering::Relaxed);
        let mut queue = self.lock();
        let counted = queue.partitions.iter_mut().find(|p| p.kind == kind);
        let partitions = match counted {
            Some(whole) => {
                whole.expected = total;
                Vec::new()
            }
            None => cut(kind, &listing, self.task.pool.width()),
        };
        for partition in partitions {
            let number = queue.partitions.len();
            queue.partitions.push(partition);
            // Groups are the longer part: they are begun first.
            match kind {
                Kind::Groups => queue.jobs.push_front((Job::Read(number), 0)),
                Kind::Principals => queue.jobs.push_back((Job::Read(number), 0)),
            }
        }
        // Where to cut is known now; who is there is needed to the end.
        listing.created = Vec::new();
        listing.guids.shrink_to_fit();
        match kind {
            Kind::Groups => queue.groups = listing,
            Kind::Principals => queue.principals = listing,
        }
        drop(queue);
        self.changed.notify_waiters();
        Ok(())
    }

    async fn partition(&self, session: &ReadSession, number: usize) -> Result<(), Trouble> {
        let partition = self.lock().partitions[number].clone();
        let kind = partition.kind;
        let mut search = link::below(self.task.base, partition.filter(), self.attributes(kind), kind.page());
        search.controls.extend_from_slice(self.controls(kind));
        // A small domain is read while it is counted.
        let few = self.task.usn < SMALL || partition.expected <= ONE_ANSWER;
        self.task.pool.at_once(few, search, async |search| self.take_in(session, search, number).await).await
    }

    async fn take_in(&self, session: &ReadSession, search: Search, partition: usize) -> Result<(), Trouble> {
        let mut pages = session.search::<Read>(search);
        while let Some(page) = pages.next().await? {
            let mut whole = Vec::with_capacity(page.len());
            for read in page {
                if read.cut.is_empty() {
                    whole.push(read);
                    continue;
                }
                if let Some(read) = self.hand_on(read, partition) {
                    self.complete(session, read, partition).await?;
                }
            }
            self.give(whole, partition).await?;
        }
        Ok(())
    }

    /// Leaves a cut list to another connection, unless enough wait already.
    fn hand_on(&self, read: Read, partition: usize) -> Option<Read> {
        let mut queue = self.lock();
        if queue.waiting_lists >= WAITING_LISTS {
            return Some(read);
        }
        queue.waiting_lists += 1;
        queue.jobs.push_front((Job::Complete(Box::new(read), partition), 0));
        drop(queue);
        self.changed.notify_waiters();
        None
    }

    async fn complete(&self, session: &ReadSession, cut: Read, partition: usize) -> Result<(), Trouble> {
        let kind = self.lock().partitions[partition].kind;
        match link::complete(session, cut, self.attributes(kind), self.controls(kind)).await? {
            Whole::Read(read) => self.give(vec![read], partition).await,
            // The settling that follows finds out what became of it.
            Whole::Vanished => Ok(()),
            Whole::Restless(read) => Err(link::restless(&read).into()),
        }
    }

    fn attributes(&self, kind: Kind) -> &[&str] {
        match kind {
            Kind::Groups => self.task.group_attributes,
            Kind::Principals => kind.attributes(),
        }
    }

    fn controls(&self, kind: Kind) -> &[Control] {
        match kind {
            Kind::Groups => self.task.group_controls,
            Kind::Principals => &[],
        }
    }

    async fn give(&self, read: Vec<Read>, partition: usize) -> Result<(), Trouble> {
        if read.is_empty() {
            return Ok(());
        }
        let kind = self.lock().partitions[partition].kind;
        let count = read.len() as u64;
        let batch = Batch::of(self.keys, Some(partition), Some(kind), read);
        if self.out.send(batch).await.is_err() {
            return Err(Error::failed("the scan was stopped").into());
        }
        let done = self.read.fetch_add(count, Ordering::Relaxed) + count;
        let of = Some(self.expected.load(Ordering::Relaxed));
        (self.task.tell)(Note::Doing { part: "AD", what: "reading objects", done, of });
        Ok(())
    }
}

/// An object of a listing.
struct Identity {
    /// Its GUID, or the name of an object that has none to show.
    guid: Result<ObjectGuid, String>,
    created: Option<i64>,
}

impl FromWire for Identity {
    fn from_wire(entry: &RawEntry<'_>) -> Result<Identity, Box<Fault>> {
        let (mut guid, mut created) = (None, None);
        entry.each(|name, mut values| {
            if name.eq_ignore_ascii_case("objectGUID") {
                guid = values.next().and_then(ObjectGuid::from_ad_bytes);
            } else if name.eq_ignore_ascii_case("uSNCreated") {
                created = values.next().and_then(|v| std::str::from_utf8(v).ok()).and_then(|v| v.trim().parse().ok());
            }
        });
        Ok(Identity { guid: guid.ok_or_else(|| entry.dn().to_owned()), created })
    }
}

/// All objects of a sort, by their identity alone; `usn` bounds how many there can be.
pub async fn list(pool: &Pool, session: &ReadSession, base: &str, kind: Kind, usn: u64) -> Result<Listing, Trouble> {
    let search = link::below(base, kind.filter(), &["objectGUID", "uSNCreated"], 1000);
    pool.at_once(usn < LISTED_AT_ONCE, search, async |search| listed(session, search).await).await
}

async fn listed(session: &ReadSession, search: Search) -> Result<Listing, Trouble> {
    let mut listing = Listing::default();
    let mut pages = session.search::<Identity>(search);
    while let Some(page) = pages.next().await? {
        for object in page {
            listing.guids.push(object.guid.map_err(|dn| {
                Error::failed("the account may not read objectGUID, by which objects are told apart")
                    .at(crate::error::Place::default().object(dn))
                    .hint("Let the account read all properties of the domain's groups and users, as Authenticated Users may by default.")
            })?);
            listing.created.extend(object.created);
        }
    }
    Ok(listing)
}
