//! The end of a scan: what changed while it ran is read again, until what is held is what the independent count lists and
//! every member is an object that was read, or one that the account may not see.

use super::discover::{self, Forest};
use super::feed::Feed;
use super::link;
use super::names::{ANY, BATCH, Kind};
use super::partition::Listing;
use super::pool::Pool;
use super::scan;
use crate::directory::{Dn, ObjectGuid};
use crate::error::Result;
use std::collections::HashSet;

/// More rounds than this are a domain that never rests.
const ROUNDS: u32 = 6;

/// What the settling found.
#[derive(Debug, Default)]
pub struct Settled {
    /// Objects that were read again because they changed meanwhile.
    pub read_again: u64,
    pub vanished: u64,
    /// Members of the domain that the account may not see.
    pub unseen: Vec<String>,
    /// By sort: what the count lists and what is held, at the end.
    pub counts: Vec<(Kind, u64, u64)>,
    /// Why the scan is not whole, where it is not.
    pub shortfall: Option<String>,
}

/// Settles what was read since the sequence number with which the scan began.
pub async fn settle(pool: &Pool, forest: &Forest, feed: &mut Feed, listings: [Listing; 2]) -> Result<Settled> {
    let mut out = Settled::default();
    let mut since = forest.controller.highest_committed_usn;
    let mut listed: [HashSet<ObjectGuid>; 2] = listings.map(|l| l.guids.into_iter().collect());
    let mut looked_up: HashSet<u32> = HashSet::new();
    let mut restless = true;
    for round in 0..ROUNDS {
        let now = pool.again(async |session| discover::highest_usn(session).await).await?;
        if now > since {
            for kind in Kind::ALL {
                let filter = kind.and(&format!("(uSNChanged>={})", since + 1));
                let changed = pool.all(link::below(forest.domain(), filter, kind.attributes(), kind.page())).await?;
                out.read_again += changed.len() as u64;
                for read in changed {
                    listed[kind as usize].insert(read.guid);
                    feed.refresh(Some(kind), read)?;
                }
                // Only the list tells what was deleted. One more is enough: what is deleted after it counts as there.
                if round == 0 {
                    let (base, usn) = (forest.domain(), forest.controller.highest_committed_usn);
                    let list = pool.again(async |session| scan::list(pool, session, base, kind, usn).await).await?;
                    listed[kind as usize] = list.guids.into_iter().collect();
                }
            }
            since = now;
        }
        let mut work = missing_or_extra(pool, forest, feed, &mut listed, &mut out).await?;
        work += undescribed(pool, forest, feed, &mut looked_up).await?;
        let doubtful = feed.builder.doubtful_groups(&feed.inventory);
        work += doubtful.len() as u64;
        groups_again(pool, forest, feed, &doubtful).await?;
        out.read_again += work;
        // A busy domain always changes; what counts is that names and lists agree.
        if work == 0 {
            restless = false;
            break;
        }
    }
    for kind in Kind::ALL {
        let held: HashSet<ObjectGuid> = held(feed, kind).collect();
        let lacking = listed[kind as usize].iter().filter(|g| !held.contains(g)).count();
        out.counts.push((kind, listed[kind as usize].len() as u64, held.len() as u64));
        if lacking > 0 {
            out.shortfall
                .get_or_insert_with(|| format!("{lacking} of the {} that the count lists were not read", kind.name()));
        }
    }
    if restless {
        out.shortfall.get_or_insert_with(|| {
            format!(
                "the domain changed faster than it could be read ({} objects read again in {ROUNDS} rounds)",
                out.read_again
            )
        });
    }
    for id in feed.builder.undescribed(&feed.inventory) {
        let name = feed.inventory.dn(id);
        if Dn::parse(name).is_ok_and(|dn| forest.holds(&dn)) {
            out.unseen.push(name.to_owned());
        }
    }
    out.unseen.sort();
    Ok(out)
}

fn held(feed: &Feed, kind: Kind) -> impl Iterator<Item = ObjectGuid> {
    feed.seen.iter().filter(move |(_, k)| **k == Some(kind)).map(|(guid, _)| *guid)
}

/// What the count lists and was not read was made, or moved, meanwhile; what was read and is not listed was made later, or
/// is gone. Each is asked for by its GUID.
async fn missing_or_extra(
    pool: &Pool,
    forest: &Forest,
    feed: &mut Feed,
    listed: &mut [HashSet<ObjectGuid>; 2],
    out: &mut Settled,
) -> Result<u64> {
    let mut work = 0;
    for kind in Kind::ALL {
        let list = &mut listed[kind as usize];
        let held: HashSet<ObjectGuid> = held(feed, kind).collect();
        let differing: Vec<ObjectGuid> = list.symmetric_difference(&held).copied().collect();
        for batch in differing.chunks(BATCH) {
            let mut open: HashSet<ObjectGuid> = batch.iter().copied().collect();
            for read in pool.by_guid(forest.domain(), batch, kind.attributes(), kind.page()).await? {
                open.remove(&read.guid);
                list.insert(read.guid);
                feed.refresh(Some(kind), read)?;
            }
            for guid in open {
                list.remove(&guid);
                feed.gone(guid);
                out.vanished += 1;
            }
        }
        work += differing.len() as u64;
    }
    Ok(work)
}

/// Members of the domain that no entry describes: renamed meanwhile, deleted, of another sort, or hidden. Each is asked for
/// by its name, and where it is not there, the groups that name it are read again, once.
async fn undescribed(pool: &Pool, forest: &Forest, feed: &mut Feed, looked_up: &mut HashSet<u32>) -> Result<u64> {
    let here = |feed: &Feed, id: u32| Dn::parse(feed.inventory.dn(id)).is_ok_and(|dn| forest.holds(&dn));
    let open: Vec<u32> = feed.builder.undescribed(&feed.inventory);
    let open: Vec<u32> = open.into_iter().filter(|id| here(feed, *id) && looked_up.insert(*id)).collect();
    let mut found = 0;
    for batch in open.chunks(BATCH) {
        let names: Vec<String> = batch.iter().map(|id| feed.inventory.dn(*id).to_owned()).collect();
        for read in pool.all(link::below(forest.domain(), super::names::by_name(&names), ANY, 1000)).await? {
            let kind = feed.seen.get(&read.guid).copied().flatten();
            found += 1;
            match read.guid.is_nil() {
                true => feed.take(super::feed::Batch::of(feed.builder.keys(), None, None, [read]))?,
                false => feed.refresh(kind, read)?,
            }
        }
    }
    let mut not_there: HashSet<u32> = HashSet::new();
    if !open.is_empty() {
        let asked: HashSet<u32> = open.into_iter().collect();
        not_there = feed.builder.undescribed(&feed.inventory).into_iter().filter(|id| asked.contains(id)).collect();
    }
    let groups = match not_there.is_empty() {
        true => Vec::new(),
        false => feed.builder.groups_naming(&feed.inventory, |id| not_there.contains(&id)),
    };
    groups_again(pool, forest, feed, &groups).await?;
    Ok(found + groups.len() as u64)
}

/// Reads these groups again, whole.
pub async fn groups_again(pool: &Pool, forest: &Forest, feed: &mut Feed, groups: &[ObjectGuid]) -> Result<()> {
    let kind = Kind::Groups;
    for read in pool.by_guid(forest.domain(), groups, kind.attributes(), kind.page()).await? {
        feed.refresh(Some(kind), read)?;
    }
    Ok(())
}
