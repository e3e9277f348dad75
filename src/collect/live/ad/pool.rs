//! The connections to one server: made when somebody needs one, never more at a time than the configuration allows, and
//! kept for whoever comes next.

use super::link::{self, Dialer, Read, Trouble};
use super::names::{self, BATCH};
use crate::directory::ObjectGuid;
use crate::error::Result;
use crate::ldap::{Control, Entry, FaultKind, ReadSession, Search};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::sync::Semaphore;

/// Connections of one scan to one server.
pub struct Pool {
    pub dialer: Dialer,
    width: usize,
    places: Semaphore,
    turn: tokio::sync::Mutex<()>,
    idle: Mutex<Vec<ReadSession>>,
    /// Whether the server limits what one answer holds.
    limited: AtomicBool,
}

impl Pool {
    /// At most so many at a time.
    pub fn new(dialer: Dialer, width: usize) -> Pool {
        let width = width.max(1);
        Pool {
            dialer,
            width,
            places: Semaphore::new(width),
            turn: tokio::sync::Mutex::default(),
            idle: Mutex::default(),
            limited: AtomicBool::new(true),
        }
    }

    /// A single connection, for work that is done one step after the other.
    pub fn one(dialer: Dialer) -> Pool {
        Pool::new(dialer, 1)
    }

    pub fn width(&self) -> usize {
        self.width
    }

    fn idle(&self) -> MutexGuard<'_, Vec<ReadSession>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One that rests, or a new one. They are made one after another, each put to work before the next: a server of several
    /// processes then finds the one busy and takes the next connection with another.
    async fn session(&self) -> Result<ReadSession, Trouble> {
        if let Some(session) = self.idle().pop() {
            return Ok(session);
        }
        let _turn = self.turn.lock().await;
        let idle = self.idle().pop();
        match idle {
            Some(session) => Ok(session),
            None => self.dialer.open().await,
        }
    }

    /// Does the work over a connection that nobody else uses meanwhile; whoever comes first gets one first.
    pub async fn with<T>(&self, work: impl AsyncFn(&ReadSession) -> Result<T, Trouble>) -> Result<T, Trouble> {
        // It is never closed.
        let _place = self.places.acquire().await.ok();
        let session = self.session().await?;
        let done = work(&session).await;
        match &done {
            // What broke one has probably broken those at rest as well.
            Err(Trouble::Fault(fault)) if fault.kind == FaultKind::ConnectionLost => self.idle().clear(),
            // Without an answer nobody knows in what state it is.
            Err(Trouble::Fault(fault)) if fault.code.is_none() => {}
            _ => self.idle().push(session),
        }
        done
    }

    /// Does the work, again where a connection broke.
    pub async fn again<T>(&self, work: impl AsyncFn(&ReadSession) -> Result<T, Trouble>) -> Result<T> {
        let mut attempt = 0;
        loop {
            match self.with(&work).await {
                Err(Trouble::Fault(fault)) => {
                    let Some(pause) = link::pause(&fault, attempt) else { return Err((*fault).into()) };
                    tokio::time::sleep(pause).await;
                    attempt += 1;
                }
                other => return Ok(other?),
            }
        }
    }

    /// The server does not say that it limits what one answer holds.
    pub fn seems_unlimited(&self) {
        self.limited.store(false, Ordering::Relaxed);
    }

    /// Reads what a search finds: in one answer where that is not much and the server seems to give it, else in pages.
    ///
    /// A server without limits makes pages out of the whole: Samba finds all objects first and then looks each one up once
    /// more by itself, which takes five times as long as the answer at once.
    pub async fn at_once<T>(
        &self,
        not_much: bool,
        search: Search,
        read: impl AsyncFn(Search) -> Result<T, Trouble>,
    ) -> Result<T, Trouble> {
        if not_much && !self.limited.load(Ordering::Relaxed) {
            match read(search.clone().unpaged()).await {
                Err(Trouble::Fault(fault)) if fault.kind == FaultKind::Limit => {
                    self.limited.store(true, Ordering::Relaxed);
                }
                done => return done,
            }
        }
        read(search).await
    }

    /// A search, whole.
    pub async fn all(&self, search: Search) -> Result<Vec<Read>> {
        self.again(async |session| link::all(session, search.clone()).await).await
    }

    /// One object; none where there is none, or none to be seen.
    pub async fn read(&self, dn: &str, attributes: &[&str], controls: &[Control]) -> Result<Option<Entry>> {
        self.again(async |session| Ok(session.read(dn, attributes, controls.to_vec()).await?)).await
    }

    /// Objects by their GUIDs; those that are not found are not there.
    pub async fn by_guid(&self, base: &str, guids: &[ObjectGuid], attributes: &[&str], page: u32) -> Result<Vec<Read>> {
        let mut out = Vec::new();
        for batch in guids.chunks(BATCH) {
            out.append(&mut self.all(link::below(base, names::by_guid(batch), attributes, page)).await?);
        }
        Ok(out)
    }
}
