//! One bound connection: searches that end with their result, reads, guarded writes.

use super::control::Control;
use super::entry::{Entry, RawEntry, referral};
use super::fault::{Fault, FaultKind};
use super::pages::{FromWire, Lane, Outcome, Page, Pages, Sink, Stop, malformed};
use super::quiet::{Panicked, caught};
use super::request::{Answer, Change, Search};
use ldap3::{Ldap, LdapConnAsync, LdapError, LdapResult, Mod, SearchOptions};
use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::task::JoinHandle;

/// The task that reads and writes the socket.
type Driver = JoinHandle<Result<Result<(), LdapError>, Panicked>>;

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
        self.start(search)
    }

    /// All entries of a search whose answer is small.
    pub async fn all(&self, search: Search) -> Outcome<Answer> {
        self.whole(search).await
    }

    /// One object by its name; `None` where it is not there (or hidden from the account).
    pub async fn read(&self, dn: &str, attributes: &[&str], controls: Vec<Control>) -> Outcome<Option<Entry>> {
        self.one(dn, attributes, controls).await
    }

    /// What the server says of itself.
    pub async fn root_dse(&self, attributes: &[&str]) -> Outcome<Entry> {
        self.root(attributes).await
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
}

impl Lane for Session {
    fn address(&self) -> Arc<str> {
        self.server.clone()
    }

    async fn explained(&self, fault: Fault) -> Fault {
        self.explain(fault).await
    }

    async fn request<T: FromWire>(&self, search: &Search, cookie: &[u8], sink: &mut Sink<T>) -> Result<Page, Stop> {
        let mut controls: Vec<_> = search.controls.iter().map(Control::raw).collect();
        if let Some(size) = search.page {
            controls.push(Control::Paged { size, cookie: cookie.to_vec() }.raw());
        }
        let mut ldap = self.handle();
        ldap.with_controls(controls);
        ldap.with_search_options(SearchOptions::new().sizelimit(search.size_limit as i32));
        let library = |e| Stop::from(Fault::library("search", e, self.wait));
        let mut stream = ldap
            .streaming_search(&search.base, search.scope, &search.filter, &search.attributes)
            .await
            .map_err(library)?;
        while let Some(item) = stream.next().await.map_err(library)? {
            if item.is_ref() {
                sink.refer(referral(item.0).ok_or_else(malformed)?);
                continue;
            }
            if item.is_intermediate() {
                continue;
            }
            let entry = Entry::decode(item.0).ok_or_else(malformed)?;
            let taken = match sink.take(&RawEntry::of(&entry)) {
                Ok(()) => sink.pass().await,
                Err(stop) => Err(stop),
            };
            if let Err(stop) = taken {
                // The server is told, so that it does not send the rest for nothing.
                let id = stream.ldap_handle().last_id();
                let _ = stream.ldap_handle().clone().abandon(id).await;
                return Err(stop);
            }
        }
        let result = stream.finish().await;
        if result.rc != 0 {
            return Err(Fault::result("search", &result).into());
        }
        sink.end(|oid| result.ctrls.iter().find(|c| c.1.ctype == oid).map(|c| c.1.val.as_deref().unwrap_or(&[]))).await
    }
}
