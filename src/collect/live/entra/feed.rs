//! Pages on their way from the network into the state: read on one thread, taken in on another, a few pages ahead, so
//! that neither waits for the other and never more than these few are held.

use super::state::{Of, State};
use crate::collect::graph_json::{MemberRecord, Record};
use crate::directory::ObjectGuid;
use crate::error::{Error, Place, Result};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use tokio::sync::mpsc;

/// Pages held between the network and the state.
const AHEAD: usize = 8;

/// A page, or what is to be known between pages.
enum Work {
    Page { records: Vec<Record>, of: Of, name: String },
    Members { group: ObjectGuid, members: Vec<MemberRecord>, first: bool, name: String },
    RestartGroups,
    RestartUsers,
}

/// Where pages are handed in.
pub struct Feed {
    send: mpsc::Sender<Work>,
    groups: Arc<AtomicU64>,
    users: Arc<AtomicU64>,
}

impl Feed {
    pub async fn page(&self, records: Vec<Record>, of: Of, name: &str) -> Result<()> {
        self.hand(Work::Page { records, of, name: name.to_owned() }).await
    }
    pub async fn members(&self, group: ObjectGuid, members: Vec<MemberRecord>, first: bool, name: &str) -> Result<()> {
        self.hand(Work::Members { group, members, first, name: name.to_owned() }).await
    }
    /// What was read of a collection so far is void: it is read again from the start.
    pub async fn restart(&self, of: Of) -> Result<()> {
        match of {
            Of::Users => self.hand(Work::RestartUsers).await,
            Of::Groups => self.hand(Work::RestartGroups).await,
            // These are laid over what is known; the same page twice changes nothing.
            Of::DeletedGroups | Of::GroupDetails => Ok(()),
        }
    }
    /// Groups and users taken in so far, for the progress line.
    pub fn counts(&self) -> (u64, u64) {
        (self.groups.load(Ordering::Relaxed), self.users.load(Ordering::Relaxed))
    }
    async fn hand(&self, work: Work) -> Result<()> {
        // A closed channel: taking in failed, and its own error is the one that is told.
        self.send.send(work).await.map_err(|_| Error::failed("the pages of Entra are not taken in any more"))
    }
}

/// Runs `read`, whose pages go into `state` on a thread of their own.
pub async fn through<T>(state: State, read: impl AsyncFnOnce(&Feed) -> Result<T>) -> Result<(State, T)> {
    let (send, receive) = mpsc::channel(AHEAD);
    let feed = Feed { send, groups: Arc::default(), users: Arc::default() };
    let (groups, users) = (feed.groups.clone(), feed.users.clone());
    // The state travels in and out of the thread; an error leaves it behind, since nothing uses a half-read state.
    let slot = Arc::new(Mutex::new(Some(state)));
    let inner = slot.clone();
    let taking_in = tokio::task::spawn_blocking(move || take_in(&inner, receive, &groups, &users));
    let read = read(&feed).await;
    drop(feed);
    taking_in.await.map_err(|e| Error::failed(format!("the thread that takes in Entra's pages broke down: {e}")))??;
    let read = read?;
    let state = slot.lock().ok().and_then(|mut slot| slot.take());
    let state = state.ok_or_else(|| Error::failed("the thread that takes in Entra's pages broke down"))?;
    Ok((state, read))
}

fn take_in(
    slot: &Mutex<Option<State>>,
    mut receive: mpsc::Receiver<Work>,
    groups: &AtomicU64,
    users: &AtomicU64,
) -> Result<()> {
    let refused = |name: &str, what| Error::input(Place::file(name), what);
    let broken = || Error::failed("the state of Entra was lost by another error");
    let mut slot = slot.lock().map_err(|_| broken())?;
    let state = slot.as_mut().ok_or_else(broken)?;
    while let Some(work) = receive.blocking_recv() {
        match work {
            Work::Page { records, of, name } => {
                for record in &records {
                    state.apply(record, of).map_err(|what| refused(&name, what))?;
                }
                let counter = if of == Of::Users { users } else { groups };
                counter.fetch_add(records.len() as u64, Ordering::Relaxed);
            }
            Work::Members { group, members, first, name } => {
                state.list_members(group, &members, first).map_err(|what| refused(&name, what))?;
            }
            Work::RestartGroups => {
                state.restart_groups();
                groups.store(0, Ordering::Relaxed);
            }
            Work::RestartUsers => {
                state.restart_users();
                users.store(0, Ordering::Relaxed);
            }
        }
    }
    Ok(())
}
