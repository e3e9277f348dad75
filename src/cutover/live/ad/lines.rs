//! Connections to the pinned controller: opened when they are needed, shared by what runs at the same time, replaced when
//! they break, always to the same controller and the same database. Reading is begun again on a new connection; a write
//! is sent a second time only where the first never left this program, or where the controller answered that it did not
//! do it.

use crate::collect::live::ad::Dialer;
use crate::collect::live::ad::link::{self, Trouble};
use crate::error::{Error, Result};
use crate::ldap::{Fault, ReadSession, Session};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::Mutex;

/// A connection that rested for so long is tried before a write goes out on it: controllers and firewalls drop such
/// connections, and a write on a dead one would be in doubt for nothing.
const RESTED: Duration = Duration::from_secs(30);
/// How long that try may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// Behind one name there may be several controllers, so a few connections are tried.
const TRIES: u32 = 4;

pub(super) struct Lines {
    pub dialer: Dialer,
    /// DNS name of the pinned controller.
    pub controller: String,
    slots: Vec<Slot>,
}

#[derive(Default)]
struct Slot {
    users: AtomicUsize,
    held: Mutex<Held>,
}

#[derive(Default)]
struct Held {
    session: Option<Session>,
    /// Which connection of this slot it is.
    number: u64,
    used: Option<Instant>,
}

/// A place in a slot, given back when it goes.
struct Seat<'l>(&'l Slot);

impl Drop for Seat<'_> {
    fn drop(&mut self) {
        self.0.users.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A connection on loan.
struct Lent<'l> {
    seat: Seat<'l>,
    session: Session,
    number: u64,
}

impl Lent<'_> {
    /// It broke; the next one who wants it gets a new one.
    async fn broken(&self) {
        let mut held = self.seat.0.held.lock().await;
        if held.number == self.number {
            held.session = None;
        }
    }
}

/// Why a write is not known to be done.
pub(super) enum Unwritten {
    /// There was no connection to send it on.
    NotSent(Error),
    Fault(Box<Fault>),
}

impl Lines {
    pub fn new(dialer: Dialer, controller: &str, connections: usize) -> Lines {
        let slots = (0..connections.max(1)).map(|_| Slot::default()).collect();
        Lines { dialer, controller: controller.to_owned(), slots }
    }

    /// How many requests are worth sending at a time.
    pub fn width(&self) -> usize {
        self.slots.len()
    }

    async fn lend(&self) -> Result<Lent<'_>, Trouble> {
        let Some(slot) = self.slots.iter().min_by_key(|slot| slot.users.load(Ordering::Relaxed)) else {
            return Err(Error::failed("no connection is allowed: [ad] connections is 0").into());
        };
        slot.users.fetch_add(1, Ordering::Relaxed);
        let seat = Seat(slot);
        let mut held = slot.held.lock().await;
        let rested = held.used.is_none_or(|at| at.elapsed() > RESTED);
        if let Some(session) = held.session.clone() {
            let alive = !rested
                || matches!(tokio::time::timeout(PATIENCE, session.root_dse(&["dnsHostName"])).await, Ok(Ok(_)));
            if alive {
                held.used = Some(Instant::now());
                let number = held.number;
                return Ok(Lent { seat, session, number });
            }
            held.session = None;
        }
        let session = self.open().await?;
        held.number += 1;
        held.used = Some(Instant::now());
        held.session = Some(session.clone());
        let number = held.number;
        drop(held);
        Ok(Lent { seat, session, number })
    }

    /// A new connection to the pinned controller and database, or an error that says where it led instead.
    async fn open(&self) -> Result<Session, Trouble> {
        let connector = &self.dialer.connector;
        let Some(pin) = &self.dialer.pin else { return Ok(connector.connect().await?) };
        let mut restored = false;
        for _ in 0..TRIES {
            let session = connector.connect().await?;
            let there = link::pin_of(&ReadSession::over(&session)).await?;
            if there == *pin {
                return Ok(session);
            }
            restored = there.ds_service_name.eq_ignore_ascii_case(&pin.ds_service_name);
            session.close().await;
            if restored {
                break;
            }
        }
        // The address stands for several controllers: the one that is meant is asked by its own name.
        if !restored
            && !self.controller.eq_ignore_ascii_case(connector.host_name())
            && let Ok(by_name) = connector.host(&self.controller)
            && let Ok(session) = by_name.connect().await
        {
            if link::pin_of(&ReadSession::over(&session)).await? == *pin {
                return Ok(session);
            }
            session.close().await;
        }
        let (address, name) = (connector.address(), &self.controller);
        Err(match restored {
            true => Error::failed(format!("the database of {name} was restored from a backup while the run went on: it is another one than the run is pinned to"))
                .hint("What the run wrote may be missing there. Wait until replication has brought it back, look at the groups, then: groupshift cutover resume"),
            false => Error::failed(format!("{address} leads to another domain controller than {name}, which the run is pinned to"))
                .hint(format!("Name {name} itself in [ad] url, then: groupshift cutover resume"))
                .hint("If that controller is gone for good: groupshift cutover resume --controller DC"),
        }
        .into())
    }

    /// Reads something, on a new connection where the old one broke.
    pub async fn again<T>(&self, work: impl AsyncFn(&ReadSession) -> Result<T, Trouble>) -> Result<T> {
        let mut attempt = 0;
        loop {
            let done = match self.lend().await {
                Ok(lent) => {
                    let done = work(&ReadSession::over(&lent.session)).await;
                    if let Err(Trouble::Fault(fault)) = &done
                        && fault.code.is_none()
                    {
                        lent.broken().await;
                    }
                    done
                }
                Err(trouble) => Err(trouble),
            };
            match done {
                Err(Trouble::Fault(fault)) => {
                    let Some(pause) = link::pause(&fault, attempt) else { return Err((*fault).into()) };
                    tokio::time::sleep(pause).await;
                    attempt += 1;
                }
                other => return Ok(other?),
            }
        }
    }

    /// Sends one write. It goes out again only where nothing of it was done.
    pub async fn once(&self, write: impl AsyncFn(&Session) -> Result<(), Fault>) -> Result<(), Unwritten> {
        let mut attempt = 0;
        loop {
            let (fault, sent) = match self.lend().await {
                Ok(lent) => match write(&lent.session).await {
                    Ok(()) => return Ok(()),
                    Err(fault) => {
                        // Without an answer the connection is not to be trusted with the next request.
                        if fault.code.is_none() {
                            lent.broken().await;
                        }
                        let sent = !fault.unsent;
                        (fault, sent)
                    }
                },
                Err(Trouble::Fault(fault)) => (*fault, false),
                Err(Trouble::Error(error)) => return Err(Unwritten::NotSent(error)),
            };
            let undone = !sent || fault.is_busy();
            match link::pause(&fault, attempt).filter(|_| undone) {
                Some(pause) => tokio::time::sleep(pause).await,
                None if sent => return Err(Unwritten::Fault(Box::new(fault))),
                None => return Err(Unwritten::NotSent(fault.into())),
            }
            attempt += 1;
        }
    }
}
