//! Changes: guarded modification, rename and move, a new group. Each is one request, all or nothing.

use super::refusal::{guard_broken, of_creation};
use super::{LiveDirectory, named};
use crate::cutover::port::{Change, Refusal, WriteFault, Written};
use crate::directory::{ObjectGuid, Rdn, same_dn, split};
use crate::error::{Error, Place};

impl LiveDirectory {
    pub(super) async fn change(&self, guid: ObjectGuid, changes: &[Change]) -> Written {
        let name = named(guid);
        match self.lines.once(async |session| session.modify(&name, changes, &[]).await).await {
            Ok(()) => Ok(()),
            Err(unwritten) => Err(self.judged(guid, unwritten, |state| guard_broken(state, changes)).await),
        }
    }

    pub(super) async fn name(&self, guid: ObjectGuid, rdn: &str, parent: &str) -> Written {
        let now = self.dn_of(guid).await.map_err(|e| WriteFault::new(Refusal::Busy, e))?;
        let Some(dn) = now else { return Err(missing(guid)) };
        let is_name = rdn.get(..3).is_some_and(|start| start.eq_ignore_ascii_case("CN="));
        let rdn = if is_name { rdn.to_owned() } else { Rdn::new("CN", rdn).to_string() };
        // To stay where it is, it needs no right to be moved.
        let here = split(&dn).is_some_and(|(_, current)| same_dn(&current, parent));
        let to = (!here).then_some(parent);
        match self.lines.once(async |session| session.rename(&dn, &rdn, to).await).await {
            Ok(()) => Ok(()),
            // Under another name than a moment ago: somebody else renames it too.
            Err(unwritten) => Err(self.judged(guid, unwritten, |state| state.dn != dn).await),
        }
    }

    pub(super) async fn make(&self, dn: &str, attributes: &[(String, Vec<Vec<u8>>)]) -> Written<ObjectGuid> {
        self.lines.once(async |session| session.add(dn, attributes).await).await.map_err(of_creation)?;
        let doubt = |error| WriteFault::new(Refusal::Doubt, error);
        let made = self.lines.again(async |session| Ok(session.read(dn, &["objectGUID"], Vec::new()).await?)).await;
        let made = made.map_err(doubt)?;
        made.and_then(|entry| entry.bytes("objectGUID").and_then(ObjectGuid::from_ad_bytes)).ok_or_else(|| {
            let place = Place::default().object(dn);
            doubt(Error::failed("the controller said that it was made, and it cannot be read").at(place))
        })
    }

    /// The present name of an object.
    pub(super) async fn dn_of(&self, guid: ObjectGuid) -> crate::error::Result<Option<String>> {
        let name = named(guid);
        let found =
            self.lines.again(async |session| Ok(session.read(&name, &["objectGUID"], Vec::new()).await?)).await?;
        Ok(found.map(|entry| entry.dn))
    }
}

pub(super) fn missing(guid: ObjectGuid) -> WriteFault {
    let place = Place::default().object(guid.to_string());
    WriteFault::new(Refusal::Missing, Error::failed("there is no object of this objectGUID").at(place))
}
