//! One connection of the scan, pinned to one domain controller: a sequence number, a page or a range means something on
//! the controller only that gave it.

use crate::collect::ldif;
use crate::directory::ObjectGuid;
use crate::error::{Error, Result};
use crate::ldap::{Connector, Control, Entry, Fault, FaultKind, FromWire, RawEntry, ReadSession, Scope, Search};
use std::collections::BTreeMap;
use std::time::Duration;

/// How often a job is begun at most, when connections break.
const ATTEMPTS: u32 = 4;
/// The same for a server that says that it is busy: it is there, and asks for patience.
const ATTEMPTS_BUSY: u32 = 7;
/// How often a group's list is begun again because the group changed while its ranges were read.
const RANGE_ATTEMPTS: u32 = 5;

/// Attribute of the root DSE that names the controller.
const SERVICE: &str = "dsServiceName";

/// The controller that the scan began with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pin {
    pub ds_service_name: String,
    pub invocation_id: ObjectGuid,
}

/// Makes connections to the pinned controller.
#[derive(Clone)]
pub struct Dialer {
    pub connector: Connector,
    pub pin: Option<Pin>,
}

/// Why a piece of work ended: worth trying again, or not.
pub enum Trouble {
    Fault(Box<Fault>),
    Error(Error),
}

impl From<Fault> for Trouble {
    fn from(fault: Fault) -> Self {
        Trouble::Fault(Box::new(fault))
    }
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Self {
        Trouble::Error(error)
    }
}

impl From<Trouble> for Error {
    fn from(trouble: Trouble) -> Self {
        match trouble {
            Trouble::Fault(fault) => (*fault).into(),
            Trouble::Error(error) => error,
        }
    }
}

/// How long to wait before the same is tried once more; `None` where that is no use.
pub fn pause(fault: &Fault, attempt: u32) -> Option<Duration> {
    let passing = match fault.kind {
        FaultKind::Busy => ATTEMPTS_BUSY,
        FaultKind::ConnectionLost | FaultKind::Timeout | FaultKind::Unreachable => ATTEMPTS,
        _ => 0,
    };
    (attempt + 1 < passing).then(|| Duration::from_millis(100 << attempt.min(6)))
}

impl Dialer {
    /// A connection to the pinned controller. Behind one name there may be several, so a few are tried.
    pub async fn open(&self) -> Result<ReadSession, Trouble> {
        for _ in 0..8 {
            let session = self.connector.connect_to_read().await?;
            let Some(pin) = &self.pin else { return Ok(session) };
            if leads_to(&session, pin).await? {
                return Ok(session);
            }
        }
        Err(Error::failed("another domain controller answered than the one that the scan began with")
            .hint("Its name stands for several controllers, or its database was restored meanwhile. Name one controller in [ad] url, and collect again.")
            .into())
    }
}

/// Which controller a connection leads to.
pub async fn pin_of(session: &ReadSession) -> Result<Pin, Trouble> {
    let root = session.root_dse(&[SERVICE]).await?;
    let ds_service_name = root.text(SERVICE).unwrap_or_default().to_owned();
    Ok(Pin { invocation_id: invocation(session, &ds_service_name).await?, ds_service_name })
}

/// Whether a connection leads there. Both questions go out at once: whose name is the same has the same settings.
async fn leads_to(session: &ReadSession, pin: &Pin) -> Result<bool, Trouble> {
    let named = async { Ok::<_, Trouble>(session.root_dse(&[SERVICE]).await?) };
    let (root, invocation_id) = tokio::try_join!(named, invocation(session, &pin.ds_service_name))?;
    let ds_service_name = root.text(SERVICE).unwrap_or_default();
    Ok(ds_service_name == pin.ds_service_name && invocation_id == pin.invocation_id)
}

/// Which database the controller of this name has.
pub async fn invocation(session: &ReadSession, ds_service_name: &str) -> Result<ObjectGuid, Trouble> {
    let settings = match ds_service_name.is_empty() {
        true => None,
        false => session.read(ds_service_name, &["invocationId"], Vec::new()).await?,
    };
    Ok(settings.as_ref().and_then(|e| e.bytes("invocationId")).and_then(ObjectGuid::from_ad_bytes).unwrap_or_default())
}

/// An entry in the form that files are read into, with what the reader itself looks at.
pub struct Read {
    pub entry: ldif::Entry,
    pub guid: ObjectGuid,
    pub usn_changed: i64,
    /// Attributes of which the server gave the first values only, with the number of the next.
    pub cut: BTreeMap<String, u32>,
    pub values_by_range: u64,
}

/// The one place where an entry of the wire becomes an entry as files hold it: each value is copied once.
impl FromWire for Read {
    fn from_wire(from: &RawEntry<'_>) -> Result<Read, Box<Fault>> {
        let mut entry = ldif::Entry::named(from.dn());
        entry.reserve(from.count(), from.size());
        let mut read = Read { entry, guid: ObjectGuid::NIL, usn_changed: 0, cut: BTreeMap::new(), values_by_range: 0 };
        let mut endless = false;
        from.each(|description, mut values| {
            let (name, options) = description.split_once(';').unwrap_or((description, ""));
            let number = |value: Option<&[u8]>| {
                value.and_then(|v| std::str::from_utf8(v).ok()).and_then(|v| v.trim().parse().ok())
            };
            if name.eq_ignore_ascii_case("uSNChanged") {
                read.usn_changed = number(values.next()).unwrap_or_default();
                return;
            }
            if name.eq_ignore_ascii_case("uSNCreated") {
                return;
            }
            if description.eq_ignore_ascii_case("objectGUID") {
                let guid = values.clone().next().and_then(ObjectGuid::from_ad_bytes);
                read.guid = guid.unwrap_or_default();
            }
            let by_range = range(options);
            if let Some(Some(high)) = by_range {
                match high.checked_add(1) {
                    Some(next) => drop(read.cut.insert(name.to_owned(), next)),
                    None => endless = true,
                }
            }
            let before = read.entry.count();
            read.entry.push_all(name, values);
            if by_range.is_some() {
                read.values_by_range += (read.entry.count() - before) as u64;
            }
        });
        if endless { Err(Box::new(Fault::odd(from.dn(), "a range without an end"))) } else { Ok(read) }
    }
}

/// The same of an entry that was read for itself.
pub fn read(from: &Entry) -> Result<Read, Trouble> {
    Read::from_wire(&RawEntry::of(from)).map_err(Trouble::Fault)
}

/// `range=0-1499` → the number of its last value; `range=1500-*` → none.
fn range(options: &str) -> Option<Option<u32>> {
    let range =
        options.split(';').find_map(|o| o.get(..6).filter(|p| p.eq_ignore_ascii_case("range=")).map(|_| &o[6..]))?;
    let (_, high) = range.split_once('-')?;
    Some(high.parse().ok())
}

/// What became of a list that was read in ranges.
pub enum Whole {
    Read(Read),
    /// The object is no more, or has another name.
    Vanished,
    /// It changed each time, faster than it can be read.
    Restless(Read),
}

/// Reads the rest of an entry's cut lists. A list that changes while its ranges are read is read anew: ranges of two
/// states do not join.
pub async fn complete(
    session: &ReadSession,
    first: Read,
    attributes: &[&str],
    controls: &[Control],
) -> Result<Whole, Trouble> {
    let dn = first.entry.dn.clone();
    let (guid, mut current) = (first.guid, first);
    let mut attributes = attributes.to_vec();
    if !attributes.contains(&"uSNChanged") {
        // Without it nobody can tell whether two ranges are of one state.
        attributes.push("uSNChanged");
        current = match session.read(&dn, &attributes, controls.to_vec()).await? {
            Some(again) => read(&again)?,
            None => return Ok(Whole::Vanished),
        };
        if current.guid != guid {
            return Ok(Whole::Vanished);
        }
    }
    for _ in 0..RANGE_ATTEMPTS {
        match rest(session, &mut current, controls).await? {
            Rest::Done => return Ok(Whole::Read(current)),
            Rest::Gone => return Ok(Whole::Vanished),
            Rest::Changed => match session.read(&dn, &attributes, controls.to_vec()).await? {
                Some(again) => {
                    current = read(&again)?;
                    if current.guid != guid {
                        return Ok(Whole::Vanished);
                    }
                }
                None => return Ok(Whole::Vanished),
            },
        }
    }
    Ok(Whole::Restless(current))
}

enum Rest {
    Done,
    Changed,
    Gone,
}

async fn rest(session: &ReadSession, current: &mut Read, controls: &[Control]) -> Result<Rest, Trouble> {
    while let Some((name, low)) = current.cut.pop_first() {
        let wanted = format!("{name};range={low}-*");
        let answer =
            match session.read(&current.entry.dn, &[&wanted, "objectGUID", "uSNChanged"], controls.to_vec()).await {
                Ok(Some(answer)) => answer,
                Ok(None) => return Ok(Rest::Gone),
                // Past the end of a list that has become shorter.
                Err(fault) if fault.kind == FaultKind::Other => return Ok(Rest::Changed),
                Err(fault) => return Err(fault.into()),
            };
        let more = read(&answer)?;
        if more.guid != current.guid {
            return Ok(Rest::Gone);
        }
        if more.usn_changed != current.usn_changed {
            return Ok(Rest::Changed);
        }
        let values = || more.entry.values().filter(|(n, _, _)| n.eq_ignore_ascii_case(&name));
        if let Some(next) = more.cut.get(&name).copied() {
            if next <= low {
                return Err(odd(&current.entry.dn, "ranges that do not go on").into());
            }
            current.cut.insert(name.clone(), next);
        }
        for (_, value, _) in values() {
            current.entry.push(&name, value);
        }
        current.values_by_range += more.values_by_range;
    }
    // The list of an object that has not moved since its first range was read is whole.
    let now = session.read(&current.entry.dn, &["objectGUID", "uSNChanged"], Vec::new()).await?;
    match now.as_ref().map(read).transpose()? {
        Some(now) if now.guid == current.guid && now.usn_changed == current.usn_changed => Ok(Rest::Done),
        Some(now) if now.guid == current.guid => Ok(Rest::Changed),
        _ => Ok(Rest::Gone),
    }
}

/// An answer that makes no sense.
fn odd(dn: &str, what: &str) -> Error {
    Error::failed(format!("the server answered with {what}")).at(crate::error::Place::default().object(dn))
}

/// A search below `base`, in its naming context only.
pub fn below(base: &str, filter: impl Into<String>, attributes: &[&str], page: u32) -> Search {
    Search::new(base, Scope::Subtree, &filter.into(), attributes).page(page).with(Control::DomainScope)
}

/// A small search, whole. Cut lists are completed.
pub async fn all(session: &ReadSession, search: Search) -> Result<Vec<Read>, Trouble> {
    let attributes: Vec<String> = search.attributes.clone();
    let attributes: Vec<&str> = attributes.iter().map(String::as_str).collect();
    let controls = search.controls.clone();
    let mut out = Vec::new();
    let mut cut = Vec::new();
    let mut pages = session.search::<Read>(search);
    while let Some(page) = pages.next().await? {
        for read in page {
            if read.cut.is_empty() { out.push(read) } else { cut.push(read) }
        }
    }
    for read in cut {
        match complete(session, read, &attributes, &controls).await? {
            Whole::Read(read) => out.push(read),
            Whole::Vanished => {}
            Whole::Restless(read) => return Err(restless(&read).into()),
        }
    }
    Ok(out)
}

/// A list that cannot be read as it was at one time is not passed off as whole.
pub fn restless(read: &Read) -> Error {
    Error::failed("the object changed each time while its long member list was read")
        .at(crate::error::Place::default().object(read.entry.dn.clone()))
        .hint("Collect again at a quieter time.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_by_their_option() {
        for (options, expected) in [
            ("range=0-1499", Some(Some(1499))),
            ("Range=1500-*", Some(None)),
            ("binary;range=0-4", Some(Some(4))),
            ("", None),
            ("lang-de", None),
        ] {
            assert_eq!(range(options), expected, "{options}");
        }
    }
}
