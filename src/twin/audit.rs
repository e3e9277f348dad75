//! What an outsider holds against a run when it is over: each group as it was before, and who changed it since.

use super::ad::Ad;
use super::world::{Actor, World};
use crate::directory::{ObjectGuid, Sid};
use std::collections::BTreeMap;

/// The forest's groups at one moment: SID, name, members by object number.
pub struct Before {
    groups: BTreeMap<ObjectGuid, (Option<Sid>, String, Vec<u32>)>,
}

impl Before {
    pub(super) fn of(world: &World) -> Before {
        let known = world.ad.live().filter(|(_, g)| !g.guid.is_nil());
        Before { groups: known.map(|(_, g)| (g.guid, (g.sid(), g.dn.clone(), g.members.clone()))).collect() }
    }

    /// What is no longer as it was, and nobody but the run or the services it steers can have done.
    pub(super) fn differences(&self, world: &World) -> Vec<String> {
        let mut out = Vec::new();
        for (guid, (sid, dn, members)) in &self.groups {
            let Some(index) = world.ad.by_guid(&world.base, *guid) else {
                out.push(format!("{dn}: there is no object of its objectGUID any more"));
                continue;
            };
            let group = &world.ad.groups[index];
            if group.deleted {
                out.push(format!("{dn}: deleted"));
                continue;
            }
            if group.sid() != *sid {
                out.push(format!("{dn}: another SID"));
            }
            if !world.stands_at(index, dn)
                && !matches!(last(&world.ad, index, "dn", &[]), Some(Actor::Foreign | Actor::Shown))
            {
                out.push(format!("{dn}: now {}", group.dn));
            }
            for member in members.iter().filter(|m| group.members.binary_search(m).is_err()) {
                match last(&world.ad, index, "member", &member.to_le_bytes()) {
                    // A leaver of the Entra group, or another's doing, is no loss.
                    Some(Actor::Foreign | Actor::Shown | Actor::Connect) => {}
                    Some(Actor::CloudSync) if !world.stands_in_cloud(index, *member) => {}
                    _ => out.push(format!("{dn}: lost the member {}", world.ad.dn(&world.base, *member))),
                }
            }
        }
        out
    }
}

/// Who changed a value last.
fn last(ad: &Ad, index: usize, attribute: &str, value: &[u8]) -> Option<Actor> {
    ad.trace.get(&(index, attribute.to_owned(), value.to_vec())).map(|(actor, _)| *actor)
}
