//! One bound connection: searches that end with their result, reads, guarded writes.

use super::control::{self, Control};
use super::entry::{Entry, referral};
use super::fault::{Fault, FaultKind};
use super::quiet::{Panicked, caught};
use super::request::{Answer, Change, Ending, Scope, Search};
use ldap3::{Ldap, LdapConnAsync, LdapError, LdapResult, Mod, SearchOptions};
use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Mutex, mpsc};
use tokio::task::JoinHandle;

/// The task that reads and writes the socket.
type Driver = JoinHandle<Result<Result<(), LdapError>, Panicked>>;
type Outcome<T> = Result<T, Fault>;

/// Entries and bytes that are handed on together.
const BATCH_ENTRIES: usize = 256;
const BATCH_BYTES: usize = 1 << 20;
/// Batches that may wait for the reader; more stay with the server.
const BATCHES_AHEAD: usize = 4;
/// Pages without any object, one after another, until the search is taken for one that never ends.
const EMPTY_PAGES: u32 = 1000;

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
        let driver = tokio::spawn(caught(connection.drive()));
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
        let unsent = fault.unsent;
        if fault.kind == FaultKind::ConnectionLost
            && let Some(driver) = self.driver.lock().await.take()
        {
            fault = match tokio::time::timeout(Duration::from_secs(1), driver).await {
                Ok(Ok(Err(Panicked))) => Fault::malformed(&fault.doing),
                Ok(Ok(Ok(Err(LdapError::Io { source })))) if source.to_string().contains("decoding error") => {
                    Fault::malformed(&fault.doing)
                }
                Ok(Ok(Ok(Err(e)))) => Fault::library(&fault.doing, e, self.wait),
                _ => fault,
            };
            fault.unsent = unsent;
        }
        if fault.server.is_empty() { fault.at(&self.server) } else { fault }
    }

    /// Starts a search. Entries come in batches; the end is only told after the server said that it is the end.
    pub fn search(&self, search: Search) -> Pages {
        let (give, batches) = mpsc::channel(BATCHES_AHEAD);
        let session = self.clone();
        let object = search.base.clone();
        let task = tokio::spawn(async move {
            match caught(session.drive(search, &give)).await {
                Ok(Ok(ending)) => Some(Ok(ending)),
                Ok(Err(Stop::Dropped)) => None,
                Ok(Err(Stop::Fault(fault))) => Some(Err(session.explain(fault.about(&object)).await)),
                Err(Panicked) => Some(Err(Fault::malformed("search").at(&session.server).about(&object))),
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
        match self.operation(doing, self.handle().extended(ldap3::exop::WhoAmI)).await {
            Ok(answer) if answer.1.rc == 0 => {
                let bytes = answer.0.val.unwrap_or_default();
                Ok(String::from_utf8_lossy(&bytes).into_owned())
            }
            Ok(answer) => Err(Fault::result(doing, &answer.1).at(&self.server)),
            Err(fault) => Err(fault),
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
        self.write("change the object", dn, ldap.modify(dn, mods)).await
    }

    /// Renames an object, or moves it below another parent.
    pub async fn rename(&self, dn: &str, new_rdn: &str, new_parent: Option<&str>) -> Outcome<()> {
        self.write("rename the object", dn, self.handle().modifydn(dn, new_rdn, true, new_parent)).await
    }

    /// Creates an object.
    pub async fn add(&self, dn: &str, attributes: &[(String, Vec<Vec<u8>>)]) -> Outcome<()> {
        let attributes = attributes
            .iter()
            .map(|(name, values)| (name.clone().into_bytes(), values.iter().cloned().collect()))
            .collect();
        self.write("create the object", dn, self.handle().add(dn, attributes)).await
    }

    /// Says good-bye; what fails then does not matter any more.
    pub async fn close(self) {
        let mut ldap = self.handle();
        let _ = ldap.unbind().await;
    }

    async fn write(
        &self,
        doing: &str,
        dn: &str,
        operation: impl Future<Output = Result<LdapResult, LdapError>>,
    ) -> Outcome<()> {
        match self.operation(doing, operation).await {
            Ok(result) if result.rc == 0 => Ok(()),
            Ok(result) => Err(Fault::result(doing, &result).at(&self.server).about(dn)),
            Err(fault) => Err(fault.about(dn)),
        }
    }

    /// Waits for the answer of one request, whatever the server makes of it.
    pub(super) async fn operation<T>(
        &self,
        doing: &str,
        operation: impl Future<Output = Result<T, LdapError>>,
    ) -> Outcome<T> {
        match caught(operation).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(e)) => Err(self.explain(Fault::library(doing, e, self.wait)).await),
            Err(Panicked) => Err(Fault::malformed(doing).at(&self.server)),
        }
    }

    async fn drive(&self, search: Search, give: &mpsc::Sender<Vec<Entry>>) -> Result<Ending, Stop> {
        let mut ending = Ending::default();
        let mut cookie = Vec::new();
        let mut seen = HashSet::new();
        let mut empty = 0;
        loop {
            let before = ending.entries;
            let page = self.request(&search, &cookie, give, &mut ending).await?;
            ending.pages += 1;
            let Some(next) = page.cookie.filter(|c| !c.is_empty()) else { return Ok(ending) };
            // A cookie alone may repeat: some servers number the search, not the page. The same cookie for a page that
            // begins with the same object leads back to where it came from.
            empty = if ending.entries == before { empty + 1 } else { 0 };
            if !seen.insert((next.clone(), page.first)) || empty > EMPTY_PAGES {
                let words = "the server repeats the same page without end";
                return Err(Stop::Fault(Fault::new(FaultKind::Protocol, "search", words)));
            }
            cookie = next;
        }
    }

    /// One request and its answer.
    async fn request(
        &self,
        search: &Search,
        cookie: &[u8],
        give: &mpsc::Sender<Vec<Entry>>,
        ending: &mut Ending,
    ) -> Result<Page, Stop> {
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
        let mut first = None;
        let most = search.page.map_or(u64::MAX, u64::from);
        let mut count = 0;
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
            count += 1;
            if count > most {
                // Whatever this server counts, it is not the pages that were asked for; it may never stop.
                let id = stream.ldap_handle().last_id();
                let _ = stream.ldap_handle().clone().abandon(id).await;
                let words = format!("the server sent more than the {most} objects that a page may hold");
                return Err(Stop::Fault(Fault::new(FaultKind::Protocol, doing, words)));
            }
            first.get_or_insert_with(|| entry.dn.clone());
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
            (None, _) => Ok(Page { cookie: None, first }),
            (Some(_), Some(value)) => {
                let cookie = control::paged_cookie(value).ok_or_else(|| Stop::Fault(Fault::malformed(doing)))?;
                Ok(Page { cookie: Some(cookie), first })
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

/// A page that was read to its end.
struct Page {
    /// To go on with; `None` for a search without pages, empty for the last page.
    cookie: Option<Vec<u8>>,
    /// The name of its first object.
    first: Option<String>,
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
