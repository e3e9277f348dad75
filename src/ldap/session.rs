//! One bound connection: searches that end with their result, reads, guarded writes.

use super::control::{self, Control};
use super::entry::{Entry, referral};
use super::fault::{Fault, FaultKind};
use ldap3::{Ldap, LdapConnAsync, LdapError, LdapResult, Mod, SearchOptions};
use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Mutex, mpsc};
use tokio::task::JoinHandle;

pub use ldap3::Scope;

/// The task that reads and writes the socket.
type Driver = JoinHandle<Result<(), LdapError>>;
type Outcome<T> = Result<T, Fault>;

/// Entries and bytes that are handed on together.
const BATCH_ENTRIES: usize = 256;
const BATCH_BYTES: usize = 1 << 20;
/// Batches that may wait for the reader; more stay with the server.
const BATCHES_AHEAD: usize = 4;

/// A search.
#[derive(Debug, Clone)]
pub struct Search {
    pub base: String,
    pub scope: Scope,
    pub filter: String,
    pub attributes: Vec<String>,
    pub controls: Vec<Control>,
    /// Entries a page; `None` for one answer without paging.
    pub page: Option<u32>,
    pub size_limit: u32,
}

impl Search {
    /// In pages of 1000, Active Directory's default maximum.
    pub fn new(base: &str, scope: Scope, filter: &str, attributes: &[&str]) -> Search {
        Search {
            base: base.to_owned(),
            scope,
            filter: filter.to_owned(),
            attributes: attributes.iter().map(|a| (*a).to_owned()).collect(),
            controls: Vec::new(),
            page: Some(1000),
            size_limit: 0,
        }
    }
    pub fn with(mut self, control: Control) -> Search {
        self.controls.push(control);
        self
    }
    pub fn page(mut self, size: u32) -> Search {
        self.page = Some(size);
        self
    }
    /// In one answer.
    pub fn unpaged(mut self) -> Search {
        self.page = None;
        self
    }
}

/// The whole answer of one search request.
#[derive(Debug, Clone, Default)]
pub struct Answer {
    pub entries: Vec<Entry>,
    pub ending: Ending,
}

/// How a search ended: with success, and with what besides entries.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ending {
    pub entries: u64,
    /// Continuation references that were not followed.
    pub referrals: Vec<String>,
    /// Pages that were read.
    pub pages: u64,
    /// DirSync: whether more is to come, and the cookie to go on with.
    pub dir_sync: Option<(bool, Vec<u8>)>,
}

/// One change of a modify operation. What is removed is named, so that the server refuses if it is no longer there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    Add {
        attribute: String,
        values: Vec<Vec<u8>>,
    },
    Delete {
        attribute: String,
        values: Vec<Vec<u8>>,
    },
    /// Without a guard; only where the protocol wants it so (the reanimation of a deleted object).
    Replace {
        attribute: String,
        values: Vec<Vec<u8>>,
    },
}

/// One bound connection; clones share it.
#[derive(Clone)]
pub struct Session {
    ldap: Ldap,
    server: Arc<str>,
    wait: Duration,
    driver: Arc<Mutex<Option<Driver>>>,
}

impl Session {
    pub(super) fn start(connection: LdapConnAsync, ldap: Ldap, server: &str, wait: Duration) -> Session {
        let driver = tokio::spawn(connection.drive());
        Session { ldap, server: server.into(), wait, driver: Arc::new(Mutex::new(Some(driver))) }
    }

    pub(super) fn handle(&self) -> Ldap {
        let mut ldap = self.ldap.clone();
        ldap.with_timeout(self.wait);
        ldap
    }

    /// The server's address, for messages.
    pub fn server(&self) -> &str {
        &self.server
    }

    /// Says why the connection was lost, where the task that drove it knows; adds the server's address.
    pub(super) async fn explain(&self, fault: Fault) -> Fault {
        let mut fault = fault;
        if fault.kind == FaultKind::ConnectionLost
            && let Some(driver) = self.driver.lock().await.take()
        {
            fault = match tokio::time::timeout(Duration::from_secs(1), driver).await {
                Ok(Err(join)) if join.is_panic() => Fault::malformed(&fault.doing),
                Ok(Ok(Err(LdapError::Io { source }))) if source.to_string().contains("decoding error") => {
                    Fault::malformed(&fault.doing)
                }
                Ok(Ok(Err(e))) => Fault::library(&fault.doing, e, self.wait),
                _ => fault,
            };
        }
        if fault.server.is_empty() { fault.at(&self.server) } else { fault }
    }

    /// Starts a search. Entries come in batches; the end is only told after the server said that it is the end.
    pub fn search(&self, search: Search) -> Pages {
        let (give, batches) = mpsc::channel(BATCHES_AHEAD);
        let session = self.clone();
        let object = search.base.clone();
        let task = tokio::spawn(async move {
            let done = session.drive(search, &give).await;
            match done {
                Ok(ending) => Some(Ok(ending)),
                Err(Stop::Dropped) => None,
                Err(Stop::Fault(fault)) => Some(Err(session.explain(fault.about(&object)).await)),
            }
        });
        Pages { batches, task: Some(task), ending: None, server: self.server.clone() }
    }

    /// All entries of a search whose answer is small.
    pub async fn all(&self, search: Search) -> Outcome<Answer> {
        let mut pages = self.search(search);
        let mut entries = Vec::new();
        while let Some(batch) = pages.next().await? {
            entries.extend(batch);
        }
        Ok(Answer { entries, ending: pages.ending.unwrap_or_default() })
    }

    /// One object by its name; `None` where it is not there (or hidden from the account).
    pub async fn read(&self, dn: &str, attributes: &[&str], controls: Vec<Control>) -> Outcome<Option<Entry>> {
        let mut search = Search::new(dn, Scope::Base, "(objectClass=*)", attributes).unpaged();
        search.controls = controls;
        match self.all(search).await {
            Ok(answer) => Ok(answer.entries.into_iter().next()),
            Err(fault) if fault.is_missing() => Ok(None),
            Err(fault) => Err(fault),
        }
    }

    /// What the server says of itself.
    pub async fn root_dse(&self, attributes: &[&str]) -> Outcome<Entry> {
        self.read("", attributes, Vec::new()).await?.ok_or_else(|| {
            Fault::new(FaultKind::Protocol, "read the root DSE", "the server shows none")
                .hint("Make sure that the address is that of a domain controller.")
                .at(&self.server)
        })
    }

    /// Who the server takes this connection for, as in `u:CONTOSO\svc`.
    pub async fn who_am_i(&self) -> Outcome<String> {
        let doing = "ask who this connection is";
        match self.handle().extended(ldap3::exop::WhoAmI).await {
            Ok(answer) if answer.1.rc == 0 => {
                let bytes = answer.0.val.unwrap_or_default();
                Ok(String::from_utf8_lossy(&bytes).into_owned())
            }
            Ok(answer) => Err(Fault::result(doing, &answer.1).at(&self.server)),
            Err(e) => Err(self.explain(Fault::library(doing, e, self.wait)).await),
        }
    }

    /// Changes an object, all or nothing.
    pub async fn modify(&self, dn: &str, changes: &[Change], controls: &[Control]) -> Outcome<()> {
        let set = |values: &[Vec<u8>]| values.iter().cloned().collect::<HashSet<Vec<u8>>>();
        let mods = changes
            .iter()
            .map(|change| match change {
                Change::Add { attribute, values } => Mod::Add(attribute.clone().into_bytes(), set(values)),
                Change::Delete { attribute, values } => Mod::Delete(attribute.clone().into_bytes(), set(values)),
                Change::Replace { attribute, values } => Mod::Replace(attribute.clone().into_bytes(), set(values)),
            })
            .collect();
        let mut ldap = self.handle();
        ldap.with_controls(controls.iter().map(Control::raw).collect::<Vec<_>>());
        let done = ldap.modify(dn, mods).await;
        self.settle("change the object", dn, done).await
    }

    /// Renames an object, or moves it below another parent.
    pub async fn rename(&self, dn: &str, new_rdn: &str, new_parent: Option<&str>) -> Outcome<()> {
        let done = self.handle().modifydn(dn, new_rdn, true, new_parent).await;
        self.settle("rename the object", dn, done).await
    }

    /// Creates an object.
    pub async fn add(&self, dn: &str, attributes: &[(String, Vec<Vec<u8>>)]) -> Outcome<()> {
        let attributes = attributes
            .iter()
            .map(|(name, values)| (name.clone().into_bytes(), values.iter().cloned().collect()))
            .collect();
        let done = self.handle().add(dn, attributes).await;
        self.settle("create the object", dn, done).await
    }

    /// Says good-bye; what fails then does not matter any more.
    pub async fn close(self) {
        let mut ldap = self.handle();
        let _ = ldap.unbind().await;
    }

    async fn settle(&self, doing: &str, dn: &str, done: Result<LdapResult, LdapError>) -> Outcome<()> {
        match done {
            Ok(result) if result.rc == 0 => Ok(()),
            Ok(result) => Err(Fault::result(doing, &result).at(&self.server).about(dn)),
            Err(e) => Err(self.explain(Fault::library(doing, e, self.wait).about(dn)).await),
        }
    }

    async fn drive(&self, search: Search, give: &mpsc::Sender<Vec<Entry>>) -> Result<Ending, Stop> {
        let mut ending = Ending::default();
        let mut cookie = Vec::new();
        let mut seen = HashSet::new();
        loop {
            let next = self.request(&search, &cookie, give, &mut ending).await?;
            ending.pages += 1;
            match next {
                None => return Ok(ending),
                Some(next) if next.is_empty() => return Ok(ending),
                Some(next) => {
                    // Cookies are opaque and may repeat legitimately only when the server counts elsewhere; a page
                    // that brought nothing and repeats its cookie would go on for ever.
                    if !seen.insert((next.clone(), ending.entries)) {
                        return Err(Stop::Fault(Fault::new(
                            FaultKind::Protocol,
                            "search",
                            "the server repeats the same page without end",
                        )));
                    }
                    cookie = next;
                }
            }
        }
    }

    /// One request and its answer; returns the cookie of a paged search.
    async fn request(
        &self,
        search: &Search,
        cookie: &[u8],
        give: &mpsc::Sender<Vec<Entry>>,
        ending: &mut Ending,
    ) -> Result<Option<Vec<u8>>, Stop> {
        let doing = "search";
        let mut controls: Vec<_> = search.controls.iter().map(Control::raw).collect();
        if let Some(size) = search.page {
            controls.push(Control::Paged { size, cookie: cookie.to_vec() }.raw());
        }
        let mut ldap = self.handle();
        ldap.with_controls(controls);
        ldap.with_search_options(SearchOptions::new().sizelimit(search.size_limit as i32));
        let library = |e| Stop::Fault(Fault::library(doing, e, self.wait));
        let mut stream = ldap
            .streaming_search(&search.base, search.scope, &search.filter, &search.attributes)
            .await
            .map_err(library)?;
        let mut batch = Vec::new();
        let mut bytes = 0;
        while let Some(item) = stream.next().await.map_err(library)? {
            let malformed = || Stop::Fault(Fault::malformed(doing));
            if item.is_ref() {
                ending.referrals.extend(referral(item.0).ok_or_else(malformed)?);
                continue;
            }
            if item.is_intermediate() {
                continue;
            }
            let entry = Entry::decode(item.0).ok_or_else(malformed)?;
            ending.entries += 1;
            bytes += entry.size();
            batch.push(entry);
            if (batch.len() >= BATCH_ENTRIES || bytes >= BATCH_BYTES)
                && give.send(std::mem::take(&mut batch)).await.is_err()
            {
                // Nobody reads on: the server is told, so that it does not send the rest for nothing.
                let id = stream.ldap_handle().last_id();
                let _ = stream.ldap_handle().clone().abandon(id).await;
                return Err(Stop::Dropped);
            }
            if batch.is_empty() {
                bytes = 0;
            }
        }
        let result = stream.finish().await;
        if result.rc != 0 {
            return Err(Stop::Fault(Fault::result(doing, &result)));
        }
        if !batch.is_empty() && give.send(batch).await.is_err() {
            return Err(Stop::Dropped);
        }
        let value =
            |oid: &str| result.ctrls.iter().find(|c| c.1.ctype == oid).map(|c| c.1.val.as_deref().unwrap_or(&[]));
        if let Some(value) = value(control::DIR_SYNC) {
            ending.dir_sync = Some(control::dir_sync(value).ok_or_else(|| Stop::Fault(Fault::malformed(doing)))?);
        }
        match (search.page, value(control::PAGED)) {
            (None, _) => Ok(None),
            (Some(_), Some(value)) => {
                control::paged_cookie(value).map(Some).ok_or_else(|| Stop::Fault(Fault::malformed(doing)))
            }
            // The control was sent critical: a server that ends with success yet without its answer broke the protocol,
            // and what it sent may be a part.
            (Some(_), None) => Err(Stop::Fault(Fault::new(
                FaultKind::Protocol,
                doing,
                "the server ended a paged search without saying whether more is to come",
            ))),
        }
    }
}

enum Stop {
    /// Nobody reads on.
    Dropped,
    Fault(Fault),
}

/// The running answer of a search.
pub struct Pages {
    batches: mpsc::Receiver<Vec<Entry>>,
    task: Option<JoinHandle<Option<Outcome<Ending>>>>,
    ending: Option<Ending>,
    server: Arc<str>,
}

impl Pages {
    /// The next entries; `None` only after the server ended the search with success. After an error, what was given
    /// out before is part of an answer that was never completed.
    pub async fn next(&mut self) -> Outcome<Option<Vec<Entry>>> {
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
