//! Beyond the pinned controller: which controllers and catalogs there are, what each of them has, and who else in the
//! forest carries an anchor.

use super::LiveDirectory;
use crate::collect::live::ad::discover::{self, Domain};
use crate::collect::live::ad::link::{self, Read, Trouble};
use crate::collect::live::ad::{Dialer, Pool, names};
use crate::cutover::port::{Carrier, Controller, STAMP};
use crate::directory::{Dn, ObjectGuid, same_dn};
use crate::error::{Error, Place, Result};
use crate::ldap::{Connector, ReadSession, Scope, Search, escape};
use futures_util::stream::{self, StreamExt, TryStreamExt};
use std::collections::HashMap;

/// Stamps asked for with one search.
const STAMPS: usize = 64;
/// Bit of a controller's `options`: it is a Global Catalog.
const IS_CATALOG: i64 = 1;
const ADMIN_DESCRIPTION: &str = "adminDescription";

impl LiveDirectory {
    /// Every writable controller of the domain and every catalog of the forest, from the configuration partition.
    /// Read-only controllers are none of either: they get what the others have, and no agent writes through them.
    pub(super) async fn list_controllers(&self) -> Result<Vec<Controller>> {
        let sites = format!("CN=Sites,{}", self.forest.configuration);
        let wanted = ["objectGUID", "objectClass", "options", "msDS-hasMasterNCs", "hasMasterNCs"];
        let search = Search::new(&sites, Scope::Subtree, "(objectClass=nTDSDSA)", &wanted);
        let settings = self.lines.again(async |session| link::all(session, search.clone()).await).await?;
        let search = Search::new(&sites, Scope::Subtree, "(objectClass=server)", &["objectGUID", "dNSHostName"]);
        let servers = self.lines.again(async |session| link::all(session, search.clone()).await).await?;
        let hosts: HashMap<String, String> = servers
            .iter()
            .filter_map(|read| Some((Dn::parse(&read.entry.dn).ok()?.key(), text(read, "dNSHostName")?)))
            .collect();
        let mut out = Vec::new();
        let mut own = false;
        for read in &settings {
            let values = |name: &'static str| read.entry.get(name).filter_map(|v| std::str::from_utf8(v).ok());
            own |= same_dn(&read.entry.dn, &self.forest.controller.ds_service_name);
            if values("objectClass").any(|class| class.eq_ignore_ascii_case("nTDSDSARO")) {
                continue;
            }
            let Some(server) = Dn::parse(&read.entry.dn).ok().and_then(|dn| dn.parent()) else { continue };
            // One without a DNS name is in the list all the same: it cannot be asked, and that has to show.
            let name = server.rdn().map(|rdn| rdn.value().to_owned()).unwrap_or_default();
            let host = hosts.get(&server.key()).cloned().unwrap_or(name);
            let holds = |nc: &str| same_dn(nc, self.domain());
            if values("msDS-hasMasterNCs").chain(values("hasMasterNCs")).any(holds) {
                out.push(Controller { host: host.clone(), catalog: false });
            }
            let options = text(read, "options").and_then(|v| v.parse::<i64>().ok()).unwrap_or(0);
            if options & IS_CATALOG != 0 {
                out.push(Controller { host, catalog: true });
            }
        }
        if !own {
            return Err(Error::failed("the list of domain controllers does not hold the one that the run is pinned to: it cannot be relied on")
                .at(Place::default().object(sites))
                .hint("Let the account read the forest's sites, as Authenticated Users may by default."));
        }
        out.sort_by_key(|c| (c.host.to_lowercase(), c.catalog));
        out.dedup();
        Ok(out)
    }

    pub(super) async fn ask_stamps(
        &self,
        controller: &Controller,
        guids: &[ObjectGuid],
    ) -> Result<Vec<Option<String>>> {
        let pinned = !controller.catalog && self.is_pinned(&controller.host);
        let batches = guids.chunks(STAMPS);
        let read: Vec<Vec<Read>> = match pinned {
            true => {
                let ask = |batch| async move {
                    let search = self.stamps(batch);
                    self.lines.again(async |session| link::all(session, search.clone()).await).await
                };
                stream::iter(batches.map(ask)).buffered(self.lines.width()).try_collect().await?
            }
            false => {
                let pool = Pool::one(Dialer { connector: self.way_to(controller)?, pin: None });
                pool.again(async |session| itself(session, controller).await).await?;
                let mut out = Vec::new();
                for batch in batches {
                    let search = self.stamps(batch);
                    // A new connection may lead to another one.
                    let ask = async |session: &ReadSession| {
                        itself(session, controller).await?;
                        link::all(session, search.clone()).await
                    };
                    out.push(pool.again(ask).await?);
                }
                out
            }
        };
        let stamps: HashMap<ObjectGuid, Option<String>> =
            read.iter().flatten().map(|read| (read.guid, text(read, STAMP))).collect();
        Ok(guids.iter().map(|guid| stamps.get(guid).cloned().flatten()).collect())
    }

    fn stamps(&self, guids: &[ObjectGuid]) -> Search {
        link::below(self.domain(), names::by_guid(guids), &["objectGUID", STAMP], STAMPS as u32)
    }

    fn is_pinned(&self, host: &str) -> bool {
        host.eq_ignore_ascii_case(&self.lines.controller)
    }

    /// The pinned controller is reached by its configured address, the others by their names.
    fn way_to(&self, controller: &Controller) -> Result<Connector> {
        let own = self.connector();
        let host = if self.is_pinned(&controller.host) { own.host_name() } else { controller.host.as_str() };
        if !controller.catalog {
            return own.host(host);
        }
        match self.ad.global_catalog_url.as_deref() {
            Some(url) => own.to(url, "[ad] global_catalog_url")?.host(host),
            None => {
                let (scheme, port) = if own.address().starts_with("ldaps:") { ("ldaps", 3269) } else { ("ldap", 3268) };
                own.to(&format!("{scheme}://{host}:{port}"), "the Global Catalog")
            }
        }
    }

    /// Asks a Global Catalog: the configured one, else the first of the forest that answers, this controller's before
    /// all others.
    pub(super) async fn ask_catalog<T>(&self, work: impl AsyncFn(&ReadSession) -> Result<T, Trouble>) -> Result<T> {
        let connectors = match self.ad.global_catalog_url.as_deref() {
            Some(url) => vec![self.connector().to(url, "[ad] global_catalog_url")?],
            None => {
                let mut catalogs: Vec<Controller> =
                    self.list_controllers().await?.into_iter().filter(|c| c.catalog).collect();
                catalogs.sort_by_key(|c| !self.is_pinned(&c.host));
                catalogs.iter().map(|c| self.way_to(c)).collect::<Result<_>>()?
            }
        };
        let mut last = Error::failed("the forest has no Global Catalog")
            .hint("Without one nobody can tell whether an anchor is carried twice.");
        for connector in connectors {
            match Pool::one(Dialer { connector, pin: None }).again(&work).await {
                Ok(done) => return Ok(done),
                Err(error) => last = error,
            }
        }
        Err(last.hint("Name a Global Catalog that can be reached in [ad] global_catalog_url."))
    }

    /// Every object that carries one of these anchors: the stamp through the Global Catalog, `adminDescription`, which it
    /// lacks, in each domain that answers. The look says which domains do not.
    pub(super) async fn search_forest(&self, anchors: &[String]) -> Result<Vec<(String, Carrier)>> {
        if anchors.is_empty() {
            return Ok(Vec::new());
        }
        let wanted: HashMap<String, &String> = anchors.iter().map(|a| (a.to_lowercase(), a)).collect();
        let mut out = Vec::new();
        let mut take = |attribute: &str, read: Vec<Read>| {
            for read in read {
                let value = text(&read, attribute).map(|v| v.to_lowercase());
                if let Some(anchor) = value.and_then(|v| wanted.get(&v)) {
                    let carrier = Carrier { guid: read.guid, dn: read.entry.dn, attribute: attribute.to_owned() };
                    out.push(((*anchor).clone(), carrier));
                }
            }
        };
        let filter = carrying(STAMP, anchors);
        // The empty base is the whole forest.
        let search = Search::new("", Scope::Subtree, &filter, &["objectGUID", STAMP]);
        take(STAMP, self.ask_catalog(async |session| link::all(session, search.clone()).await).await?);
        let filter = format!("(&(objectCategory=group){})", carrying(ADMIN_DESCRIPTION, anchors));
        let below = |base: &str| link::below(base, filter.as_str(), &["objectGUID", ADMIN_DESCRIPTION], 1000);
        let search = below(self.domain());
        take(ADMIN_DESCRIPTION, self.lines.again(async |session| link::all(session, search.clone()).await).await?);
        for domain in discover::domains(&Pool::one(self.lines.dialer.clone()), &self.forest).await? {
            if same_dn(&domain.dn, self.domain()) {
                continue;
            }
            match self.ask_domain(&domain, below(&domain.dn)).await {
                Ok(read) => take(ADMIN_DESCRIPTION, read),
                Err(error) => tracing::warn!("adminDescription was not searched for in {}: {error}", domain.dns_name),
            }
        }
        out.sort_by(|(a, x), (b, y)| (a, &x.attribute, &x.dn).cmp(&(b, &y.attribute, &y.dn)));
        Ok(out)
    }

    async fn ask_domain(&self, domain: &Domain, search: Search) -> Result<Vec<Read>> {
        let dialer = Dialer { connector: self.connector().host(&domain.dns_name)?, pin: None };
        Pool::one(dialer).all(search).await
    }
}

/// That it is the controller that was meant which answers: its name may stand for another one.
async fn itself(session: &ReadSession, controller: &Controller) -> Result<(), Trouble> {
    let root = session.root_dse(&["dnsHostName", "isGlobalCatalogReady"]).await?;
    let name = root.text("dnsHostName").unwrap_or_default();
    if !name.eq_ignore_ascii_case(&controller.host) {
        return Err(Error::failed(format!("{} answered in place of {}", name, controller.host))
            .hint("Look at the name's DNS entries: each controller has to be asked itself.")
            .into());
    }
    if controller.catalog && !root.text("isGlobalCatalogReady").is_some_and(|v| v.eq_ignore_ascii_case("TRUE")) {
        return Err(Error::failed(format!("{} is not ready yet as a Global Catalog", controller.host))
            .hint("Wait until it has replicated every domain.")
            .into());
    }
    Ok(())
}

/// Objects with one of these values; past a number it is cheaper to read all that begin like one.
fn carrying(attribute: &str, anchors: &[String]) -> String {
    match anchors {
        [one] => format!("({attribute}={})", escape(one)),
        few if few.len() <= names::BATCH => {
            let each: String = few.iter().map(|a| format!("({attribute}={})", escape(a))).collect();
            format!("(|{each})")
        }
        _ => format!("({attribute}=Group_*)"),
    }
}

fn text(read: &Read, name: &str) -> Option<String> {
    read.entry.get(name).next().and_then(|v| std::str::from_utf8(v).ok()).map(str::to_owned)
}
