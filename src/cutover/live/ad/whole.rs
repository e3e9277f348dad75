//! Objects with every attribute that the account may read: what a snapshot holds. Lists that the controller cuts are read
//! to their end, and anew where the object changed meanwhile.

use super::LiveDirectory;
use crate::collect::live::ad::link::{self, Read, Trouble, Whole};
use crate::collect::live::ad::names;
use crate::cutover::port::ObjectState;
use crate::directory::ObjectGuid;
use crate::error::{Error, Place, Result};
use crate::ldap::{Control, Entry, FaultKind, ReadSession, Scope, SdParts, Search};
use futures_util::stream::{self, StreamExt, TryStreamExt};
use std::collections::HashMap;

/// Every attribute, and those that come only where they are asked for by name.
pub(super) const EVERYTHING: &[&str] = &["*", "memberOf", "nTSecurityDescriptor", "uSNChanged", "uSNCreated"];

/// Objects that one search reads.
const BATCH: usize = 25;
/// How often an object that got another name while it was read is looked for again.
const ROUNDS: u32 = 4;

/// What a search brought.
pub(super) struct Found {
    pub found: Vec<ObjectState>,
    /// Gone, or under another name than when its list was begun.
    pub vanished: Vec<ObjectGuid>,
}

/// The objects of a search, whole.
pub(super) async fn all(session: &ReadSession, search: Search) -> Result<Found, Trouble> {
    let controls = search.controls.clone();
    let mut out = Found { found: Vec::new(), vanished: Vec::new() };
    let mut cut = Vec::new();
    let mut pages = session.search::<Entry>(search);
    while let Some(page) = pages.next().await? {
        for entry in page {
            let (read, created) = take(&entry)?;
            match read.cut.is_empty() {
                true => out.found.push(state(read, created)),
                false => cut.push((read, created)),
            }
        }
    }
    for (read, created) in cut {
        let guid = read.guid;
        match link::complete(session, read, EVERYTHING, &controls).await? {
            Whole::Read(read) => out.found.push(state(read, created)),
            Whole::Vanished => out.vanished.push(guid),
            Whole::Restless(read) => return Err(link::restless(&read).into()),
        }
    }
    Ok(out)
}

fn take(entry: &Entry) -> Result<(Read, Option<i64>), Trouble> {
    let read = link::read(entry)?;
    if read.guid.is_nil() {
        return Err(Error::failed("the account may not read its objectGUID, by which objects are told apart")
            .at(Place::default().object(entry.dn.as_str()))
            .hint("Let the account read all properties of the domain's groups, as Authenticated Users may by default.")
            .into());
    }
    Ok((read, entry.number("uSNCreated")))
}

fn state(read: Read, created: Option<i64>) -> ObjectState {
    let mut out = ObjectState { guid: read.guid, dn: read.entry.dn.clone(), ..ObjectState::default() };
    for (name, value, _) in read.entry.values() {
        match out.attributes.get_mut(name) {
            Some(values) => values.push(value.to_vec()),
            None => drop(out.attributes.insert(name.to_owned(), vec![value.to_vec()])),
        }
    }
    let mut number = |name: &str, n: i64| out.attributes.insert(name.to_owned(), vec![n.to_string().into_bytes()]);
    number("uSNChanged", read.usn_changed);
    created.map(|n| number("uSNCreated", n));
    out
}

impl LiveDirectory {
    pub(super) async fn read_whole(&self, guids: &[ObjectGuid]) -> Result<Vec<Option<ObjectState>>> {
        let batches = guids.chunks(BATCH).map(|batch| self.read_batch(batch));
        let found: Vec<Vec<ObjectState>> =
            stream::iter(batches).buffered(self.lines.width()).try_collect::<Vec<_>>().await?;
        let mut by_guid: HashMap<ObjectGuid, ObjectState> =
            found.into_iter().flatten().map(|state| (state.guid, state)).collect();
        Ok(guids.iter().map(|guid| by_guid.remove(guid)).collect())
    }

    async fn read_batch(&self, guids: &[ObjectGuid]) -> Result<Vec<ObjectState>> {
        let mut due = guids.to_vec();
        let mut out = Vec::new();
        for _ in 0..ROUNDS {
            let search = link::below(self.domain(), names::by_guid(&due), EVERYTHING, BATCH as u32)
                .with(Control::SdFlags(SdParts::OwnerGroupDacl));
            let mut found = self.lines.again(async |session| all(session, search.clone()).await).await?;
            out.append(&mut found.found);
            due = found.vanished;
            if due.is_empty() {
                return Ok(out);
            }
        }
        let first = due.first().map(ToString::to_string).unwrap_or_default();
        Err(Error::failed("the object got another name each time its list was read")
            .at(Place::default().object(first))
            .hint("Find out who renames it, and go on at a quieter time."))
    }

    /// The object of a name; one of another domain as far as a Global Catalog knows it.
    pub(super) async fn find_whole(&self, dn: &str) -> Result<Option<ObjectState>> {
        let search = Search::new(dn, Scope::Base, "(objectClass=*)", EVERYTHING).unpaged();
        let own = search.clone().with(Control::SdFlags(SdParts::OwnerGroupDacl));
        let found = self
            .lines
            .again(async |session| match all(session, own.clone()).await {
                Err(Trouble::Fault(fault)) if fault.is_missing() => Ok(Some(None)),
                Err(Trouble::Fault(fault)) if fault.kind == FaultKind::Referral => Ok(None),
                other => Ok(Some(other?.found.pop())),
            })
            .await?;
        match found {
            Some(found) => Ok(found),
            None => {
                self.ask_catalog(async |session| match all(session, search.clone()).await {
                    Err(Trouble::Fault(fault)) if fault.is_missing() => Ok(None),
                    other => Ok(other?.found.pop()),
                })
                .await
            }
        }
    }
}
