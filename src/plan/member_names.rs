//! The hash of a group's member names. Names are put in order once for all groups, so that a group's members are sorted
//! as numbers and no name is kept twice.

use crate::bundle::write::hex;
use crate::directory::Text;
use crate::directory::inventory::Inventory;
use rayon::prelude::*;
use sha2::{Digest, Sha256};
use std::borrow::Cow;

/// The members of AD groups in the order of their names in lower case.
pub(super) struct MemberNames<'a> {
    inventory: &'a Inventory,
    /// The place of each member, by its object's number.
    place: Vec<u32>,
    /// The name at each place.
    names: Vec<Text>,
}

/// What hashing needs, kept from one group to the next.
#[derive(Default)]
pub(super) struct Scratch {
    places: Vec<u32>,
    text: String,
}

fn lower(name: &str) -> Cow<'_, str> {
    match name.is_ascii() {
        true if name.bytes().any(|b| b.is_ascii_uppercase()) => Cow::Owned(name.to_ascii_lowercase()),
        true => Cow::Borrowed(name),
        false => Cow::Owned(name.to_lowercase()),
    }
}

impl<'a> MemberNames<'a> {
    pub fn of(inventory: &'a Inventory) -> Self {
        let name = |object: u32| lower(inventory.dn(object));
        // The first bytes are compared beside the number; names, which lie all over memory, only where those are equal.
        let head = |object: u32| {
            let name = name(object);
            let mut head = [0; 24];
            let len = name.len().min(head.len());
            head[..len].copy_from_slice(&name.as_bytes()[..len]);
            head
        };
        let mut is_member = vec![false; inventory.ad.objects.len()];
        for row in 0..inventory.ad.members.len() {
            inventory.ad.members.row(row).iter().for_each(|m| is_member[*m as usize] = true);
        }
        let members = (0..is_member.len() as u32).into_par_iter().filter(|o| is_member[*o as usize]);
        let mut keyed: Vec<([u8; 24], u32)> = members.map(|o| (head(o), o)).collect();
        keyed.par_sort_unstable_by(|a, b| a.0.cmp(&b.0).then_with(|| name(a.1).cmp(&name(b.1))).then(a.1.cmp(&b.1)));
        let mut place = vec![0; inventory.ad.objects.len()];
        for (at, (_, object)) in keyed.iter().enumerate() {
            place[*object as usize] = at as u32;
        }
        let names = keyed.into_iter().map(|(_, object)| inventory.ad.objects[object as usize].dn).collect();
        MemberNames { inventory, place, names }
    }

    /// SHA-256 of the names of a group's members, by its row: in lower case, sorted, one a line.
    pub fn hash(&self, ad: u32, scratch: &mut Scratch) -> String {
        let Scratch { places, text } = scratch;
        places.clear();
        places.extend(self.inventory.ad.members.row(ad as usize).iter().map(|m| self.place[*m as usize]));
        places.sort_unstable();
        text.clear();
        for place in places.iter() {
            let name = self.inventory.text.get(self.names[*place as usize]).unwrap_or("");
            match name.is_ascii() {
                true => text.push_str(name),
                false => text.push_str(&name.to_lowercase()),
            }
            text.push('\n');
        }
        text.make_ascii_lowercase();
        hex(&Sha256::digest(text.as_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::directory::ObjectGuid;
    use crate::directory::inventory::{AdClass, AdObject, NONE, SidRef};
    use proptest::prelude::*;

    fn plain(names: &[&str]) -> String {
        let mut lines: Vec<String> = names.iter().map(|n| n.to_lowercase() + "\n").collect();
        lines.sort_by(|a, b| a.trim_end_matches('\n').cmp(b.trim_end_matches('\n')));
        hex(&Sha256::digest(lines.concat().as_bytes()))
    }

    proptest! {
        /// Long common beginnings, letters whose lower case is longer or depends on what follows, equal names.
        #[test]
        fn it_is_the_hash_of_the_sorted_names(
            names in proptest::collection::vec("(CN=|cn=|CN=A long common beginning )[A-cΣσİß ]{0,6}", 1..20),
            picks in proptest::collection::vec(proptest::collection::btree_set(0u32..20, 0..12), 1..6),
        ) {
            let mut inventory = Inventory::default();
            for name in &names {
                let dn = inventory.text.add(name);
                inventory.ad.objects.push(AdObject {
                    dn,
                    guid: ObjectGuid::default(),
                    sid: SidRef::default(),
                    sam_account_name: Text::NONE,
                    class: AdClass::User,
                    group: NONE,
                    security: NONE,
                });
            }
            let rows: Vec<Vec<u32>> =
                picks.iter().map(|row| row.iter().copied().filter(|o| (*o as usize) < names.len()).collect()).collect();
            for row in &rows {
                inventory.ad.members.push(row.iter().copied());
            }
            let (order, mut scratch) = (MemberNames::of(&inventory), Scratch::default());
            for (ad, row) in rows.iter().enumerate() {
                let names: Vec<&str> = row.iter().map(|o| names[*o as usize].as_str()).collect();
                prop_assert_eq!(order.hash(ad as u32, &mut scratch), plain(&names));
            }
        }
    }
}
