//! Access lists of what group writeback made: the container, what lies in it, and anchored groups elsewhere.

use super::discover::{self, Forest};
use super::feed::Feed;
use super::link::{self, Read};
use super::names::BATCH;
use super::pool::Pool;
use crate::bundle::Part;
use crate::collect::ad::Prepared;
use crate::collect::ldif::Entry;
use crate::directory::inventory::NONE;
use crate::directory::{Dn, ObjectGuid, same_dn, starts_like_anchor};
use crate::error::{Error, Place, Result};
use crate::ldap::{Control, SdParts};
use std::collections::{BTreeMap, HashMap, HashSet};
use tokio::sync::watch;

const DESCRIBED: &[&str] = &["objectClass", "objectGUID", "nTSecurityDescriptor"];

/// A container that the configuration names has to be there.
async fn check_container(pool: &Pool, dn: &str) -> Result<()> {
    match discover::guid_of(pool, dn).await? {
        Some(_) => Ok(()),
        None => Err(Error::usage("no such container in this domain, or the account may not see it")
            .at(Place::default().object(dn))
            .hint("Correct [ad] writeback_ou, or take it out: the container is then found by Entra or by the anchored groups.")),
    }
}

/// The writeback container, and who named it.
pub type Container = (String, &'static str);

/// The container as configured, else as Entra names it, if it is in this domain.
pub async fn named(
    pool: &Pool,
    forest: &Forest,
    configured: Option<&str>,
    mut entra: watch::Receiver<Option<Option<String>>>,
) -> Result<Option<Container>> {
    if let Some(dn) = configured {
        check_container(pool, dn).await?;
        return Ok(Some((dn.to_owned(), "configured")));
    }
    // A closed channel means that Entra is not read, or names none.
    let known = entra.wait_for(Option::is_some).await.ok().and_then(|known| known.clone().flatten());
    if let Some(dn) = known.as_deref().map(str::trim).filter(|dn| Dn::parse(dn).is_ok_and(|dn| forest.holds(&dn)))
        && discover::guid_of(pool, dn).await?.is_some()
    {
        return Ok(Some((dn.to_owned(), "named by Entra")));
    }
    Ok(None)
}

/// Anchored groups of the domain.
fn anchored<'f>(feed: &'f Feed, forest: &'f Forest) -> impl Iterator<Item = (ObjectGuid, Dn)> + 'f {
    let ad = &feed.inventory.ad;
    ad.groups.iter().enumerate().filter_map(move |(row, group)| {
        let object = &ad.objects[group.object as usize];
        let text = |t| feed.inventory.text.get(t).is_some_and(starts_like_anchor);
        let current = object.group == row as u32 && feed.seen.contains_key(&object.guid);
        let dn = Dn::parse(feed.inventory.dn(group.object)).ok().filter(|dn| forest.holds(dn))?;
        (current && (text(group.admin_description) || text(group.edoi))).then_some((object.guid, dn))
    })
}

/// Where nothing names the container: the parent of most anchored groups.
pub fn parent_of_most(feed: &Feed, forest: &Forest) -> Option<Container> {
    let mut counts: BTreeMap<String, (usize, String)> = BTreeMap::new();
    for (_, dn) in anchored(feed, forest) {
        if let Some(parent) = dn.parent() {
            counts.entry(parent.key()).or_insert_with(|| (0, parent.to_string())).0 += 1;
        }
    }
    let most = counts.values().map(|(n, _)| *n).max()?;
    let (_, dn) = counts.into_values().find(|(n, _)| *n == most)?;
    Some((dn, "the parent of most anchored groups"))
}

/// Groups that group writeback made or that stand where it writes.
pub fn written_back(feed: &Feed, forest: &Forest, container: Option<&str>) -> Vec<ObjectGuid> {
    let mut out: Vec<ObjectGuid> = anchored(feed, forest).map(|(guid, _)| guid).collect();
    if let Some(container) = container.and_then(|dn| Dn::parse(dn).ok()) {
        let ad = &feed.inventory.ad;
        for (row, group) in ad.groups.iter().enumerate() {
            let object = &ad.objects[group.object as usize];
            if object.group == row as u32
                && feed.seen.contains_key(&object.guid)
                && Dn::parse(feed.inventory.dn(group.object)).is_ok_and(|dn| dn.is_within(&container))
            {
                out.push(object.guid);
            }
        }
    }
    out.sort_unstable();
    out.dedup();
    out
}

/// Access lists by object. Most objects share one with their neighbours, so each distinct one is held once.
#[derive(Default)]
pub struct Lists {
    distinct: Vec<Vec<u8>>,
    places: HashMap<Vec<u8>, usize>,
    of: Vec<(ObjectGuid, String, usize)>,
    /// Containers, which nothing else reads.
    containers: Vec<Read>,
}

impl Lists {
    fn take(&mut self, read: Read) {
        if read.entry.get("objectClass").any(|class| !class.eq_ignore_ascii_case(b"top"))
            && !read.entry.get("objectClass").any(|class| class.eq_ignore_ascii_case(b"group"))
        {
            return self.containers.push(read);
        }
        let Some(bytes) = read.entry.get("nTSecurityDescriptor").next().map(<[u8]>::to_vec) else { return };
        let place = *self.places.entry(bytes).or_insert_with_key(|bytes| {
            self.distinct.push(bytes.clone());
            self.distinct.len() - 1
        });
        self.of.push((read.guid, read.entry.dn, place));
    }
}

/// The container's own list and those of what lies in it, groups only where the scan does not read theirs. Needs nothing
/// that the scan brings, so it runs beside it.
pub async fn below_container(pool: &Pool, container: &str, without_groups: bool) -> Result<Lists> {
    let mut lists = Lists::default();
    let filter = match without_groups {
        true => "(|(objectClass=organizationalUnit)(objectClass=container))",
        false => "(|(objectCategory=group)(objectClass=organizationalUnit)(objectClass=container))",
    };
    let search = link::below(container, filter, DESCRIBED, 500).with(Control::SdFlags(SdParts::OwnerGroupDacl));
    pool.all(search).await?.into_iter().for_each(|read| lists.take(read));
    Ok(lists)
}

/// Gives the objects their access lists, reads those that are not below the container, and says what is hidden.
pub async fn apply(
    pool: &Pool,
    forest: &Forest,
    feed: &mut Feed,
    mut lists: Lists,
    groups: &[ObjectGuid],
) -> Result<Part> {
    let read: HashSet<ObjectGuid> = lists.of.iter().map(|(guid, ..)| *guid).collect();
    let mut elsewhere = Vec::new();
    for guid in groups.iter().filter(|g| !read.contains(g)) {
        let known = feed.builder.known(&feed.inventory, *guid);
        if known.is_some_and(|id| feed.inventory.ad.objects[id as usize].security == NONE) {
            elsewhere.push(*guid);
        }
    }
    for batch in elsewhere.chunks(BATCH) {
        let search = link::below(forest.domain(), super::names::by_guid(batch), DESCRIBED, 500);
        let found = pool.all(search.with(Control::SdFlags(SdParts::OwnerGroupDacl))).await?;
        found.into_iter().for_each(|read| lists.take(read));
    }
    let mut seen = 0;
    for read in std::mem::take(&mut lists.containers) {
        seen += u64::from(read.entry.get("nTSecurityDescriptor").next().is_some());
        feed.refresh(None, read)?;
    }
    for (guid, dn, place) in std::mem::take(&mut lists.of) {
        // Renamed since it was read: by its name the list would go to another object.
        let known = feed.builder.known(&feed.inventory, guid);
        if known.is_some_and(|id| same_dn(feed.inventory.dn(id), &dn)) {
            let mut part = Entry::named(dn);
            part.push("nTSecurityDescriptor", &lists.distinct[place]);
            let prepared = Prepared::of(part, feed.builder.keys());
            feed.builder.add(&mut feed.inventory, &prepared, &feed.place)?;
        }
    }
    let mut hidden = Vec::new();
    for guid in groups {
        let Some(id) = feed.builder.known(&feed.inventory, *guid) else { continue };
        match feed.inventory.ad.objects[id as usize].security == NONE {
            true => hidden.push(feed.inventory.dn(id).to_owned()),
            false => seen += 1,
        }
    }
    Ok(Part {
        source: "ad".to_owned(),
        partition: "access lists".to_owned(),
        read: seen,
        hidden: super::certificate::hidden_names("the access lists of groups", &hidden),
        ..Part::default()
    })
}
