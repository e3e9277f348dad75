//! The rest of the forest: members from other domains and second carriers of an anchor through the Global Catalog, which
//! has every object but few attributes, and `adminDescription`, which it lacks, in each other domain itself.

use super::discover::{Domain, Forest};
use super::feed::{Batch, Feed};
use super::link::{self, Dialer, Read};
use super::names::{ANY, BATCH};
use super::pool::Pool;
use super::scan;
use crate::bundle::{Part, Source};
use crate::collect::live::{Note, Tell};
use crate::config::Ad;
use crate::directory::inventory::Completeness;
use crate::directory::{Dn, same_dn};
use crate::error::{Error, Result};
use crate::ldap::{Connector, Scope, Search};
use crate::report::plain;

/// What was searched, and what could not be.
#[derive(Default)]
pub struct Searched {
    pub parts: Vec<Part>,
    pub sources: Vec<Source>,
    pub not_looked_at: Vec<String>,
}

/// The Global Catalog's answer: objects of other domains that carry an anchor, and how many carry one at all.
pub struct Carriers {
    pool: Pool,
    elsewhere: Vec<Read>,
    all: u64,
}

impl Carriers {
    /// Objects of the whole forest that carry an anchor.
    pub fn count(&self) -> u64 {
        self.all
    }
}

/// Searches the Global Catalog for carriers of an anchor. Needs nothing that the scan brings, so it runs beside it.
pub async fn carriers(controller: &Connector, ad: &Ad, forest: &Forest) -> Result<Carriers> {
    let connector = connector(controller, ad.global_catalog_url.as_deref(), forest)?;
    let pool = Pool::one(Dialer { connector, pin: None });
    if !forest.limits_answers {
        pool.seems_unlimited();
    }
    let few = forest.controller.highest_committed_usn < scan::LISTED_AT_ONCE;
    // The empty base is the whole forest.
    let search = Search::new("", Scope::Subtree, "(msDS-ExternalDirectoryObjectId=Group_*)", ANY);
    let mut elsewhere = pool
        .again(async |session| {
            let read = async |search| link::all(session, search).await;
            pool.at_once(few, search.clone(), read).await
        })
        .await?;
    let all = elsewhere.len() as u64;
    // The domain itself is read better by the scan.
    elsewhere.retain(|read| !Dn::parse(&read.entry.dn).is_ok_and(|dn| forest.holds(&dn)));
    Ok(Carriers { pool, elsewhere, all })
}

/// Searches the forest beyond the domain.
pub async fn search(
    controller: &Connector,
    carriers: Result<Carriers>,
    ad: &Ad,
    forest: &Forest,
    domains: &[Domain],
    feed: &mut Feed,
    tell: &Tell<'_>,
) -> Result<Searched> {
    let mut out = Searched::default();
    let catalog = match carriers {
        Ok(carriers) => members(carriers, forest, feed, &mut out).await,
        Err(error) => Err(error),
    };
    match catalog {
        Ok(()) => feed.inventory.ad.environment.global_catalog_searched = true,
        // What was asked for and fails is an error; what was merely tried is said.
        Err(error) if ad.global_catalog_url.is_some() => return Err(error),
        Err(error) => {
            tell(Note::Warning(plain(&format!("the Global Catalog could not be searched: {error}"))));
            out.not_looked_at.push(format!(
                "Global Catalog: second carriers of an anchor in other domains, and members from there ({error}); set [ad] global_catalog_url"
            ));
        }
    }
    let environment = &mut feed.inventory.ad.environment;
    environment.forest_domains = domains.iter().map(|d| d.dns_name.to_lowercase()).collect();
    environment.forest_domains.sort();
    for domain in domains.iter().filter(|d| !same_dn(&d.dn, forest.domain())) {
        match other_domain(controller, domain, feed, &mut out).await {
            Ok(()) => feed.inventory.ad.environment.domains_searched.push(domain.dns_name.to_lowercase()),
            Err(error) => {
                let text = format!("adminDescription in the domain {} ({error})", domain.dns_name);
                tell(Note::Warning(plain(&format!("not looked at: {text}"))));
                out.not_looked_at.push(text);
            }
        }
    }
    feed.inventory.ad.environment.domains_searched.sort();
    Ok(out)
}

/// The address to try where none is configured: the same controller, if it says that it is a catalog.
fn connector(dialer: &Connector, configured: Option<&str>, forest: &Forest) -> Result<Connector> {
    if let Some(url) = configured {
        return dialer.to(url, "[ad] global_catalog_url");
    }
    if !forest.controller.global_catalog {
        return Err(Error::failed("the controller is no Global Catalog"));
    }
    let (scheme, port) = if dialer.address().starts_with("ldaps:") { ("ldaps", 3269) } else { ("ldap", 3268) };
    let host = dialer.host_name();
    dialer.to(&format!("{scheme}://{host}:{port}"), "[ad] global_catalog_url")
}

async fn members(carriers: Carriers, forest: &Forest, feed: &mut Feed, out: &mut Searched) -> Result<()> {
    let Carriers { pool, elsewhere, all } = carriers;
    for read in elsewhere {
        absent_members(feed, read)?;
    }
    let elsewhere = |feed: &Feed, id: &u32| !Dn::parse(feed.inventory.dn(*id)).is_ok_and(|dn| forest.holds(&dn));
    let open = feed.builder.undescribed(&feed.inventory);
    let open: Vec<u32> = open.into_iter().filter(|id| elsewhere(feed, id)).collect();
    let mut found = 0;
    for batch in open.chunks(BATCH) {
        let names: Vec<String> = batch.iter().map(|id| feed.inventory.dn(*id).to_owned()).collect();
        let search = Search::new("", Scope::Subtree, &super::names::by_name(&names), ANY);
        for read in pool.all(search).await? {
            absent_members(feed, read)?;
            found += 1;
        }
    }
    let hidden = feed.builder.undescribed(&feed.inventory).into_iter().filter(|id| elsewhere(feed, id));
    let hidden: Vec<String> = hidden.map(|id| feed.inventory.dn(id).to_owned()).collect();
    let part = |partition: &str| Part { source: "ad".to_owned(), partition: partition.to_owned(), ..Part::default() };
    out.parts.push(Part { read: all, ..part("Global Catalog: carriers of an anchor") });
    let hidden = super::certificate::hidden_names("members from other domains", &hidden);
    out.parts.push(Part {
        expected: Some(open.len() as u64),
        read: found,
        hidden,
        ..part("Global Catalog: members from other domains")
    });
    let name = pool.dialer.connector.address().to_owned();
    out.sources.push(Source { part: "ad".to_owned(), name, bytes: 0, modified: None });
    Ok(())
}

async fn other_domain(controller: &Connector, domain: &Domain, feed: &mut Feed, out: &mut Searched) -> Result<()> {
    let pool = Pool::one(Dialer { connector: controller.host(&domain.dns_name)?, pin: None });
    let filter = "(&(objectCategory=group)(adminDescription=Group_*))";
    let read = pool.all(link::below(&domain.dn, filter, ANY, 1000)).await?;
    out.parts.push(Part {
        source: "ad".to_owned(),
        partition: format!("carriers of an anchor in {}", domain.dns_name),
        read: read.len() as u64,
        ..Part::default()
    });
    for read in read {
        absent_members(feed, read)?;
    }
    let name = pool.dialer.connector.address().to_owned();
    out.sources.push(Source { part: "ad".to_owned(), name, bytes: 0, modified: None });
    Ok(())
}

/// Takes in an object whose members are not read: they are its own domain's business.
fn absent_members(feed: &mut Feed, read: Read) -> Result<()> {
    let guid = read.guid;
    match guid.is_nil() {
        true => feed.take(Batch::of(feed.builder.keys(), None, None, [read]))?,
        // The catalog and a domain each show attributes that the other lacks; what is known is kept.
        false if feed.builder.known(&feed.inventory, guid).is_some() => {
            let values: Vec<(String, Vec<u8>)> = read
                .entry
                .values()
                .filter(|(name, _, _)| !name.eq_ignore_ascii_case("objectClass"))
                .map(|(name, value, _)| (name.to_owned(), value.to_vec()))
                .collect();
            let mut part = crate::collect::ldif::Entry::named(read.entry.dn.as_str());
            values.iter().for_each(|(name, value)| part.push(name, value));
            let prepared = crate::collect::ad::Prepared::of(part, feed.builder.keys());
            feed.builder.add(&mut feed.inventory, &prepared, &feed.place)?;
        }
        false => feed.refresh(None, read)?,
    }
    if let Some(id) = feed.builder.known(&feed.inventory, guid) {
        let row = feed.inventory.ad.objects[id as usize].group;
        if let Some(group) = feed.inventory.ad.groups.get_mut(row as usize) {
            group.members = Completeness::Absent;
        }
    }
    Ok(())
}
