//! Access lists of what group writeback made: the container, what lies in it, and anchored groups elsewhere.

use super::discover::{self, Forest};
use super::feed::Feed;
use super::link::{self, Line, Read};
use super::names::BATCH;
use crate::bundle::Part;
use crate::collect::ad::Prepared;
use crate::collect::ldif::Entry;
use crate::directory::inventory::NONE;
use crate::directory::{Dn, ObjectGuid, starts_like_anchor};
use crate::error::{Error, Place, Result};
use crate::ldap::{Control, SdParts};
use std::collections::{BTreeMap, HashSet};

const DESCRIBED: &[&str] = &["objectClass", "objectGUID", "nTSecurityDescriptor"];

/// A container that the configuration names has to be there.
pub async fn check_container(line: &mut Line<'_>, dn: &str) -> Result<()> {
    match discover::guid_of(line, dn).await? {
        Some(_) => Ok(()),
        None => Err(Error::usage("no such container in this domain, or the account may not see it")
            .at(Place::default().object(dn))
            .hint("Correct [ad] writeback_ou, or take it out: the container is then found by Entra or by the anchored groups.")),
    }
}

/// The container: configured, else the one that Entra names if it is in this domain, else the parent of most anchors.
pub async fn container(
    line: &mut Line<'_>,
    forest: &Forest,
    feed: &Feed,
    configured: Option<&str>,
    entra: Option<&str>,
) -> Result<Option<(String, &'static str)>> {
    if let Some(dn) = configured {
        return Ok(Some((dn.to_owned(), "configured")));
    }
    if let Some(dn) = entra.map(str::trim).filter(|dn| Dn::parse(dn).is_ok_and(|dn| forest.holds(&dn)))
        && discover::guid_of(line, dn).await?.is_some()
    {
        return Ok(Some((dn.to_owned(), "named by Entra")));
    }
    Ok(parent_of_most(feed, forest).map(|dn| (dn, "the parent of most anchored groups")))
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

fn parent_of_most(feed: &Feed, forest: &Forest) -> Option<String> {
    let mut counts: BTreeMap<String, (usize, String)> = BTreeMap::new();
    for (_, dn) in anchored(feed, forest) {
        if let Some(parent) = dn.parent() {
            counts.entry(parent.key()).or_insert_with(|| (0, parent.to_string())).0 += 1;
        }
    }
    let most = counts.values().map(|(n, _)| *n).max()?;
    counts.into_values().find(|(n, _)| *n == most).map(|(_, dn)| dn)
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

/// Reads the access lists; the part says of how many they are hidden.
pub async fn read(
    line: &mut Line<'_>,
    forest: &Forest,
    feed: &mut Feed,
    container: Option<&str>,
    groups: &[ObjectGuid],
) -> Result<Part> {
    let flags = Control::SdFlags(SdParts::OwnerGroupDacl);
    let mut open: HashSet<ObjectGuid> = groups.iter().copied().collect();
    let mut seen = 0;
    if let Some(container) = container {
        let filter = "(|(objectCategory=group)(objectClass=organizationalUnit)(objectClass=container))";
        for read in line.all(link::below(container, filter, DESCRIBED, 500).with(flags.clone())).await? {
            open.remove(&read.guid);
            seen += u64::from(take(feed, read)?);
        }
    }
    let elsewhere: Vec<ObjectGuid> = groups.iter().copied().filter(|g| open.contains(g)).collect();
    for batch in elsewhere.chunks(BATCH) {
        let search = link::below(forest.domain(), super::names::by_guid(batch), DESCRIBED, 500).with(flags.clone());
        for read in line.all(search).await? {
            seen += u64::from(take(feed, read)?);
        }
    }
    let mut hidden = Vec::new();
    for guid in groups {
        if let Some(id) = feed.builder.known(&feed.inventory, *guid)
            && feed.inventory.ad.objects[id as usize].security == NONE
        {
            hidden.push(feed.inventory.dn(id).to_owned());
        }
    }
    Ok(Part {
        source: "ad".to_owned(),
        partition: "access lists".to_owned(),
        expected: None,
        read: seen,
        hidden: super::certificate::hidden_names("the access lists of groups", &hidden),
        ..Part::default()
    })
}

/// Adds a descriptor to the object that it belongs to. True where there is one.
fn take(feed: &mut Feed, read: Read) -> Result<bool> {
    let Some(descriptor) = read.entry.get("nTSecurityDescriptor").next().map(<[u8]>::to_vec) else { return Ok(false) };
    match feed.builder.known(&feed.inventory, read.guid) {
        // Renamed since it was read: by its name the descriptor would go to another object.
        Some(id) if !crate::directory::same_dn(feed.inventory.dn(id), &read.entry.dn) => return Ok(false),
        Some(_) => {
            let mut part = Entry::named(read.entry.dn.as_str());
            part.push("nTSecurityDescriptor", &descriptor);
            let prepared = Prepared::of(part, feed.builder.keys);
            feed.builder.add(&mut feed.inventory, &prepared, &feed.place)?;
        }
        None => feed.refresh(None, read)?,
    }
    Ok(true)
}
