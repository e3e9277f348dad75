//! What the account may do to each object, as the controller itself reckons it. Objects with the same access list share
//! the answer: large containers have few distinct ones, and the answer is long.

use super::LiveDirectory;
use crate::collect::live::ad::{link, names};
use crate::cutover::port::{Rights, STAMP};
use crate::directory::ObjectGuid;
use crate::error::Result;
use crate::ldap::{Control, SdParts};
use std::collections::{BTreeMap, HashMap};

/// Objects asked about with one search; each answer names every attribute that may be written.
const ASKED: usize = 20;
const EFFECTIVE: &str = "allowedAttributesEffective";

impl LiveDirectory {
    pub(super) async fn effective_rights(&self, guids: &[ObjectGuid]) -> Result<Vec<Rights>> {
        // Those whose list is hidden are each asked about.
        let (mut alike, mut alone) = (BTreeMap::<Vec<Vec<u8>>, Vec<ObjectGuid>>::new(), Vec::new());
        for batch in guids.chunks(names::BATCH) {
            let wanted = &["objectGUID", "objectClass", "nTSecurityDescriptor"];
            let search = link::below(self.domain(), names::by_guid(batch), wanted, names::BATCH as u32)
                .with(Control::SdFlags(SdParts::OwnerGroupDacl));
            for read in self.lines.again(async |session| link::all(session, search.clone()).await).await? {
                let list = read.entry.get("nTSecurityDescriptor").next().map(<[u8]>::to_vec);
                match list {
                    Some(list) => {
                        let classes = read.entry.get("objectClass").map(<[u8]>::to_vec);
                        alike.entry([list].into_iter().chain(classes).collect()).or_default().push(read.guid);
                    }
                    None => alone.push(vec![read.guid]),
                }
            }
        }
        let sorts: Vec<Vec<ObjectGuid>> = alike.into_values().chain(alone).collect();
        let mut answers: HashMap<ObjectGuid, Rights> = HashMap::with_capacity(guids.len());
        for batch in sorts.chunks(ASKED) {
            let first: Vec<ObjectGuid> = batch.iter().filter_map(|sort| sort.first().copied()).collect();
            let search = link::below(self.domain(), names::by_guid(&first), &["objectGUID", EFFECTIVE], ASKED as u32);
            let found = self.lines.again(async |session| link::all(session, search.clone()).await).await?;
            let of: HashMap<ObjectGuid, Rights> = found
                .iter()
                .map(|read| {
                    // An account without any right is answered with no value at all.
                    let may =
                        |name: &str| Some(read.entry.get(EFFECTIVE).any(|a| a.eq_ignore_ascii_case(name.as_bytes())));
                    // A rename needs `name` too, which controllers do not list here.
                    (read.guid, Rights { stamp: may(STAMP), member: may("member"), rename: may("cn") })
                })
                .collect();
            for sort in batch {
                let answer = sort.first().and_then(|first| of.get(first)).copied().unwrap_or_default();
                answers.extend(sort.iter().map(|guid| (*guid, answer)));
            }
        }
        Ok(guids.iter().map(|guid| answers.get(guid).copied().unwrap_or_default()).collect())
    }
}
