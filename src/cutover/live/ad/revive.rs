//! Deleted objects: what their tombstones keep, and bringing one back with its objectGUID and SID (MS-ADTS 3.1.1.5.3.7).
//! Without the Recycle Bin a deleted object is a tombstone with few attributes; with it, it keeps all of them until it is
//! recycled, and then nothing brings it back.

use super::write::missing;
use super::{LiveDirectory, named, whole};
use crate::collect::live::ad::link::Trouble;
use crate::cutover::port::{Change, ObjectState, Refusal, WriteFault, Written};
use crate::directory::ObjectGuid;
use crate::error::{Error, Place, Result};
use crate::ldap::{Control, FaultKind, Scope, SdParts, Search};

impl LiveDirectory {
    pub(super) async fn tombstone(&self, guid: ObjectGuid) -> Result<Option<ObjectState>> {
        let search = Search::new(&named(guid), Scope::Base, "(isDeleted=TRUE)", whole::EVERYTHING)
            .unpaged()
            .with(Control::ShowDeleted)
            .with(Control::SdFlags(SdParts::OwnerGroupDacl));
        let found = self
            .lines
            .again(async |session| match whole::all(session, search.clone()).await {
                Err(Trouble::Fault(fault)) if fault.is_missing() => Ok(None),
                other => Ok(other?.found.pop()),
            })
            .await?;
        match found {
            // Where the Recycle Bin is not in use, a tombstone may say so of itself and can still be brought back.
            Some(state) if is_true(&state, "isRecycled") && self.has_recycle_bin().await? => Ok(None),
            Some(state) => Ok(Some(state)),
            None => {
                self.sees_deleted(guid).await?;
                Ok(None)
            }
        }
    }

    /// To an account that may not list them, deleted objects look like objects that never were. Where any is shown, all
    /// are.
    async fn sees_deleted(&self, guid: ObjectGuid) -> Result<()> {
        let container = format!("CN=Deleted Objects,{}", self.domain());
        let mut search = Search::new(&container, Scope::OneLevel, "(isDeleted=TRUE)", &["objectGUID"])
            .unpaged()
            .with(Control::ShowDeleted);
        search.size_limit = 1;
        let shown = self
            .lines
            .again(async |session| match session.all(search.clone()).await {
                Ok(answer) => Ok(!answer.entries.is_empty()),
                Err(fault) if fault.is_missing() => Ok(false),
                // There are more than the one that was asked for.
                Err(fault) if fault.kind == FaultKind::Limit => Ok(true),
                Err(fault) => Err(fault.into()),
            })
            .await?;
        match shown {
            true => Ok(()),
            false => Err(Error::failed("no deleted object is shown to the account: whether this one can be brought back is not known")
                .at(Place::default().object(guid.to_string()))
                .hint(format!("Let it list and read them (dsacls \"{container}\" /takeownership, then /G ACCOUNT:LCRP), with the right \"Reanimate tombstones\" on the domain."))
                .hint("Or bring the group back with an account that may, then go on.")),
        }
    }

    async fn has_recycle_bin(&self) -> Result<bool> {
        let partitions = format!("CN=Partitions,{}", self.forest.configuration);
        let entry = self
            .lines
            .again(async |session| Ok(session.read(&partitions, &["msDS-EnabledFeature"], Vec::new()).await?))
            .await?;
        let feature = |name: &str| name.to_ascii_lowercase().starts_with("cn=recycle bin feature,");
        Ok(entry.is_some_and(|e| e.texts("msDS-EnabledFeature").any(feature)))
    }

    pub(super) async fn bring_back(&self, guid: ObjectGuid, dn: &str) -> Written {
        let found = self.tombstone(guid).await.map_err(|e| WriteFault::new(Refusal::Busy, e))?;
        let Some(tombstone) = found else { return Err(missing(guid)) };
        let changes = [
            Change::Delete { attribute: "isDeleted".to_owned(), values: Vec::new() },
            Change::Replace { attribute: "distinguishedName".to_owned(), values: vec![dn.as_bytes().to_vec()] },
        ];
        let controls = [Control::ShowDeleted];
        let done = self.lines.once(async |session| session.modify(&tombstone.dn, &changes, &controls).await).await;
        let Err(unwritten) = done else { return Ok(()) };
        let mut fault = super::refusal::of_creation(unwritten);
        // The tombstone went meanwhile, or somebody else brought the object back.
        if fault.refusal == Refusal::Other && matches!(self.tombstone(guid).await, Ok(None)) {
            fault.refusal = Refusal::Missing;
        }
        Err(fault)
    }
}

fn is_true(state: &ObjectState, attribute: &str) -> bool {
    state.text(attribute).is_some_and(|v| v.eq_ignore_ascii_case("TRUE"))
}
