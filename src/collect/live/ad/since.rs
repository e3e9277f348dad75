//! An incremental scan on top of a former bundle (`--since`). Everything cheap is read whole as ever: every object's name,
//! identity, class and attributes, so that renames, moves, deletions and new objects show, whatever their sequence
//! numbers; access lists are read again. Only member lists, nine tenths of a scan, are taken from the former bundle: of
//! groups that have not changed since (uSNChanged, on the same database) and whose members are still the objects they were.
//!
//! DirSync would add nothing here. It tells neither that a member was renamed or deleted (the group itself does not
//! change then) nor that an access list was inherited anew, so the whole listing would still be needed; and which groups
//! changed is what the indexed `uSNChanged` answers without any special right.

use super::discover::Forest;
use super::feed::Feed;
use super::link;
use super::names::Kind;
use super::pool::Pool;
use super::settling;
use crate::collect::live::Base;
use crate::directory::inventory::Completeness;
use crate::directory::{Dn, ObjectGuid, same_dn};
use crate::error::Result;
use std::collections::{HashMap, HashSet};

/// How to scan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Way {
    /// Read all, and why although a bundle was given.
    Full(Option<String>),
    /// Take member lists of groups unchanged since this sequence number from the bundle.
    Since(u64),
}

/// Whether the former bundle will do.
pub fn way(base: Option<&Base>, forest: &Forest) -> Way {
    let Some(base) = base else { return Way::Full(None) };
    let because = |why: &str| Way::Full(Some(why.to_owned()));
    let ad = &base.inventory.ad;
    let Some(controller) = &ad.environment.controller else {
        return because("the bundle was not collected from a live domain");
    };
    if !same_dn(&controller.default_naming_context, forest.domain()) {
        return because("the bundle is of another domain");
    }
    if controller.invocation_id.is_nil() || controller.invocation_id != forest.controller.invocation_id {
        return because("the bundle was read from another controller, or from before its database was restored");
    }
    if controller.highest_committed_usn > forest.controller.highest_committed_usn {
        return because("the controller's database is older than the bundle");
    }
    if ad.environment.partial {
        return because("the bundle is not whole");
    }
    Way::Since(controller.highest_committed_usn)
}

/// What an incremental scan took from where.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Taken {
    pub from_bundle: u64,
    pub read: u64,
}

/// Gives groups, read without their members, the members that they have.
pub async fn members(
    pool: &Pool,
    forest: &Forest,
    feed: &mut Feed,
    base: &Base,
    usn: u64,
    several_domains: bool,
) -> Result<Taken> {
    let old = &base.inventory.ad;
    let rows: HashMap<ObjectGuid, u32> =
        old.groups.iter().enumerate().map(|(row, g)| (old.objects[g.object as usize].guid, row as u32)).collect();
    let changed_since = format!("(uSNChanged>={})", usn + 1);
    let mut done: HashSet<ObjectGuid> = HashSet::new();
    for read in pool
        .all(link::below(
            forest.domain(),
            Kind::Groups.and(&changed_since),
            Kind::Groups.attributes(),
            Kind::Groups.page(),
        ))
        .await?
    {
        done.insert(read.guid);
        feed.refresh(Some(Kind::Groups), read)?;
    }
    let mut again = restored(pool, forest, feed, base, &changed_since).await?;
    let mut taken = Taken { read: done.len() as u64, from_bundle: 0 };
    let groups: Vec<(ObjectGuid, u32)> = feed
        .inventory
        .ad
        .groups
        .iter()
        .enumerate()
        .map(|(row, g)| (feed.inventory.ad.objects[g.object as usize].guid, row as u32))
        .collect();
    for (guid, row) in groups {
        if done.contains(&guid) || again.contains(&guid) {
            continue;
        }
        let members = rows.get(&guid).and_then(|old_row| {
            let whole = old.groups[*old_row as usize].members == Completeness::Complete;
            whole.then(|| still_there(feed, forest, base, *old_row, several_domains)).flatten()
        });
        match members {
            Some(members) => {
                feed.builder.adopt_members(row, members);
                taken.from_bundle += 1;
            }
            None => {
                again.insert(guid);
            }
        }
    }
    let again: Vec<ObjectGuid> = again.into_iter().filter(|g| !done.contains(g)).collect();
    settling::groups_again(pool, forest, feed, &again).await?;
    taken.read += again.len() as u64;
    Ok(taken)
}

/// The members that the bundle knows, as the objects they are today; none where one of them cannot be told.
fn still_there(feed: &mut Feed, forest: &Forest, base: &Base, row: u32, several_domains: bool) -> Option<Vec<u32>> {
    let old = &base.inventory;
    let mut out = Vec::new();
    for id in old.ad.members.row(row as usize) {
        let object = &old.ad.objects[*id as usize];
        let here = Dn::parse(old.dn(*id)).is_ok_and(|dn| forest.holds(&dn));
        if object.guid.is_nil() || !here {
            return None;
        }
        match feed.builder.known(&feed.inventory, object.guid) {
            Some(now) => out.push(now),
            // Gone from the domain: deleted, and the link with it; in a larger forest it may have moved to another domain.
            None if several_domains => return None,
            None => {}
        }
    }
    Some(out)
}

/// Objects that the bundle lacks bring memberships that no group's sequence number tells of, when they were restored from
/// the Recycle Bin: the groups that they say they are in.
async fn restored(
    pool: &Pool,
    forest: &Forest,
    feed: &mut Feed,
    base: &Base,
    changed_since: &str,
) -> Result<HashSet<ObjectGuid>> {
    let old: HashSet<ObjectGuid> = base.inventory.ad.objects.iter().map(|o| o.guid).collect();
    let mut groups = HashSet::new();
    for kind in Kind::ALL {
        let search =
            link::below(forest.domain(), kind.and(changed_since), &["objectGUID", "uSNChanged", "memberOf"], 1000);
        for read in pool.all(search).await? {
            if old.contains(&read.guid) {
                continue;
            }
            for parent in read.entry.get("memberOf") {
                let parent = String::from_utf8_lossy(parent);
                groups.extend(feed.guid_of(&parent));
            }
        }
    }
    Ok(groups)
}
