//! The AD half: one domain read whole from one pinned controller, the rest of its forest as far as it matters. Discover,
//! list and read in parallel, settle what changed meanwhile, search the forest, read access lists; each step says in the
//! certificate what it expected, read and was not shown.

mod catalog;
mod certificate;
pub(crate) mod discover;
mod feed;
pub(crate) mod link;
mod metadata;
pub(crate) mod names;
mod partition;
mod plain;
mod pool;
mod probe;
mod scan;
mod security;
mod settling;
mod since;

pub use feed::Feed;
pub use link::Dialer;
pub use metadata::Metadata;
pub use names::GROUP;
pub use plain::read_plainly;
pub use pool::Pool;
pub use probe::{Effective, Probe};
pub use scan::{Scanned, Task, scan};

use super::{Base, Half, Note, Tell, Wishes};
use crate::bundle::{Part, Source};
use crate::config::{Config, Secret};
use crate::directory::Dn;
use crate::error::{Error, Place, Result};
use crate::ldap::{Connector, Control, SdParts, Timeouts};
use crate::report::plain;
use discover::Forest;
use since::Way;
use std::collections::HashMap;
use std::path::PathBuf;
use tokio::sync::watch;

/// Clocks that differ by more break Kerberos, and make a reader of times wonder.
const MAX_SKEW_SECONDS: i64 = 300;

/// Reads one domain.
pub struct Reader<'c> {
    config: &'c Config,
    dialer: Dialer,
}

impl<'c> Reader<'c> {
    /// Checks the configuration and takes the secrets in; nothing is sent yet.
    pub fn new(config: &'c Config) -> Result<Self> {
        let ad = &config.settings.ad;
        let who = ad.user.as_deref().unwrap_or("the AD account");
        let connector = Connector::new(ad, || config.fetch(Secret::AdPassword, who))?;
        Ok(Reader { config, dialer: Dialer { connector, pin: None } })
    }

    /// Over connections that somebody else was given the secrets for; where a pin is named, to that controller only.
    pub fn over(config: &'c Config, connector: Connector, pin: Option<link::Pin>) -> Self {
        Reader { config, dialer: Dialer { connector, pin } }
    }

    /// With other patience than usual.
    pub fn with_timeouts(mut self, timeouts: Timeouts) -> Self {
        self.dialer.connector.timeouts = timeouts;
        self
    }

    /// Reads the domain. `container` tells what Entra names as the writeback container, once it is known.
    pub async fn collect(
        self,
        wishes: &Wishes,
        base: Option<&Base>,
        container: watch::Receiver<Option<Option<String>>>,
        tell: &Tell<'_>,
    ) -> Result<Half> {
        let ad = &self.config.settings.ad;
        let doing = |what: &str| tell(Note::Doing { part: "AD", what, done: 0, of: None });
        doing("connecting");
        let mut pool = Pool::new(self.dialer.clone(), ad.connections as usize);
        let forest = pool.again(async |session| discover::forest(session).await).await?;
        self.check(&forest, tell)?;
        pool.dialer.pin = Some(forest.pin());
        if !forest.limits_answers {
            pool.seems_unlimited();
        }
        let pool = &pool;
        let way = since::way(base, &forest);
        match &way {
            Way::Full(Some(why)) => tell(Note::Warning(format!("--since: {why}; AD is read in full"))),
            Way::Since(usn) => tell(Note::Detail(format!(
                "member lists of groups unchanged since USN {usn} are taken from the bundle"
            ))),
            Way::Full(None) => {}
        }
        let mut feed = Feed::new(PathBuf::from(self.dialer.connector.address()));
        // In a small domain access lists come along, and for an audit the metadata; in a large one only those of a part of
        // the groups are wanted.
        let small = forest.controller.highest_committed_usn < scan::SMALL;
        let mut attributes = if matches!(way, Way::Full(_)) { GROUP.to_vec() } else { GROUP[1..].to_vec() };
        let mut controls = Vec::new();
        if small {
            attributes.push("nTSecurityDescriptor");
            controls.push(Control::SdFlags(SdParts::OwnerGroupDacl));
            if wishes.audit {
                attributes.extend(metadata::ATTRIBUTES);
                feed.metadata = Some(HashMap::new());
            }
        }
        let task = Task {
            pool,
            base: forest.domain(),
            usn: forest.controller.highest_committed_usn,
            group_attributes: &attributes,
            group_controls: &controls,
            tell,
        };
        let lists = async {
            let named = security::named(pool, &forest, ad.writeback_ou.as_deref(), container).await?;
            match named {
                Some(named) => Ok(Some((security::below_container(pool, &named.0, small).await?, named))),
                None => Ok(None),
            }
        };
        let around = discover::surroundings(pool, &forest);
        // Whether the catalog has to be there is judged later.
        let carriers = async { Ok(catalog::carriers(&self.dialer.connector, ad, &forest).await) };
        let (scanned, mut around, lists, carriers) = tokio::try_join!(scan(task, feed), around, lists, carriers)?;
        let Scanned { mut feed, partitions, groups, principals, repeats } = scanned;
        let surroundings = around.give(&mut feed)?;
        if repeats > 0 {
            tell(Note::Detail(format!("{repeats} part(s) of the scan were begun again")));
        }
        if let (Way::Since(usn), Some(base)) = (&way, base) {
            doing("member lists that changed");
            let several = around.domains.len() != 1;
            let taken = since::members(pool, &forest, &mut feed, base, *usn, several).await?;
            tell(Note::Detail(format!(
                "member lists: {} taken from the bundle, {} read",
                taken.from_bundle, taken.read
            )));
        }
        doing("settling what changed meanwhile");
        let settled = settling::settle(pool, &forest, &mut feed, [groups, principals]).await?;
        if settled.read_again + settled.vanished > 0 {
            tell(Note::Detail(format!(
                "changed while the scan ran: {} object(s) read again, {} gone",
                settled.read_again, settled.vanished
            )));
        }
        doing("searching the forest");
        let mut beyond =
            catalog::search(&self.dialer.connector, carriers, ad, &forest, &around.domains, &mut feed, tell).await?;
        doing("access lists");
        let found = match lists {
            Some((lists, named)) => Some((lists, named)),
            None => match security::parent_of_most(&feed, &forest) {
                Some(named) => Some((security::below_container(pool, &named.0, small).await?, named)),
                None => None,
            },
        };
        let (lists, container) = found.unzip();
        if let Some((dn, from)) = &container {
            tell(Note::Detail(plain(&format!("writeback container: {dn} ({from})"))));
        }
        let written_back = security::written_back(&feed, &forest, container.as_ref().map(|(dn, _)| dn.as_str()));
        let access = security::apply(pool, &forest, &mut feed, lists.unwrap_or_default(), &written_back).await?;
        let mut raw = Vec::new();
        let mut metadata = None;
        if wishes.audit {
            doing("replication metadata");
            let (file, hidden) =
                metadata::read(pool, &forest, &written_back, &feed.metadata.take().unwrap_or_default()).await?;
            metadata = Some(Part {
                expected: Some(written_back.len() as u64),
                read: file.records(),
                hidden: certificate::hidden_names("the replication metadata of groups", &hidden),
                ..part("replication metadata")
            });
            raw.push(file);
        }
        let mut sources = vec![Source {
            part: "ad".to_owned(),
            name: self.dialer.connector.address().to_owned(),
            bytes: 0,
            modified: None,
        }];
        sources.append(&mut beyond.sources);
        // No longer needed, and the next step holds every membership twice.
        feed.seen = Default::default();
        feed.builder.settle(&mut feed.inventory);
        let (read, ranges) = (std::mem::take(&mut feed.read), feed.values_by_range);
        let mut inventory = feed.inventory;
        feed.builder.finish(&mut inventory);
        inventory.ad.environment.partial = settled.shortfall.is_some();
        inventory.ad.environment.controller = Some(forest.controller);
        let memberships = inventory.ad.members.total() as u64;
        let mut parts = vec![Part { read: surroundings, hidden: around.hidden, ..part("schema and surroundings") }];
        parts.append(&mut certificate::parts(&partitions, &read, &settled, ranges, memberships));
        parts.push(access);
        parts.extend(metadata);
        parts.append(&mut beyond.parts);
        Ok(Half { inventory, sources, parts, not_looked_at: beyond.not_looked_at, raw })
    }

    /// Whether this is the domain that is meant.
    fn check(&self, forest: &Forest, tell: &Tell<'_>) -> Result<()> {
        check_domain(self.config, forest, self.dialer.connector.address())?;
        let controller = &forest.controller;
        tell(Note::Detail(plain(&format!(
            "controller {} (functional level {}), database {}, USN {}, time {}",
            controller.dns_name,
            controller.controller_level.map_or("?".to_owned(), |l| l.to_string()),
            controller.invocation_id,
            controller.highest_committed_usn,
            forest.time
        ))));
        if forest.skew_seconds.abs() > MAX_SKEW_SECONDS {
            tell(Note::Warning(format!(
                "the controller's clock is {} s {} this computer's: Kerberos refuses more than 300 s",
                forest.skew_seconds.abs(),
                if forest.skew_seconds > 0 { "ahead of" } else { "behind" }
            )));
        }
        Ok(())
    }
}

/// Whether the controller serves the domain that the configuration names.
pub(crate) fn check_domain(config: &Config, forest: &Forest, address: &str) -> Result<()> {
    let dns_domain = Dn::parse(forest.domain()).ok().and_then(|dn| dn.dns_domain());
    if let (Some(wanted), Some(found)) = (&config.settings.cloud_sync.domain, &dns_domain)
        && !wanted.eq_ignore_ascii_case(found)
    {
        return Err(Error::usage(format!("the controller serves {found}, but [cloud_sync] domain is {wanted}"))
            .at(Place::default().object(address))
            .hint("Name a controller of the domain that groups are provisioned to."));
    }
    Ok(())
}

fn part(partition: &str) -> Part {
    Part { source: "ad".to_owned(), partition: partition.to_owned(), ..Part::default() }
}
