//! The Entra half: groups, users, Cloud Sync, licences, read through Graph. Pages of groups and users go through the
//! records that exported files go through, so a property means the same in both.

mod audit;
mod evaluator;
mod feed;
mod ledger;
mod members;
mod plan;
mod probe;
pub(crate) mod queries;
mod reading;
mod since;
pub(crate) mod small;
mod state;
#[cfg(test)]
mod tests;
pub(crate) mod wire;

pub use evaluator::places;
pub use probe::Probe;

use super::{Base, ContainerKnown, Half, Note, Tell, Wishes};
use crate::config::Config;
use crate::error::Result;
use crate::graph::Graph;
use chrono::{DateTime, Utc};
use ledger::Ledger;
use reading::Reading;
use since::Link;
use state::State;
use wire::{Wire, Word};

/// How often the client's words are passed on.
const WORDS: std::time::Duration = std::time::Duration::from_millis(300);

/// Reads one tenant.
pub struct Reader<'c> {
    config: &'c Config,
    wire: Wire,
}

impl<'c> Reader<'c> {
    /// Checks the configuration and takes the secrets in; nothing is sent yet.
    pub fn new(config: &'c Config, wishes: &Wishes) -> Result<Self> {
        Ok(Reader { config, wire: Wire::new(config, wishes)? })
    }

    /// Over a client that somebody else signs in: token, budget and counters are shared.
    pub fn over(config: &'c Config, graph: Graph) -> Self {
        Reader { config, wire: Wire::over(graph) }
    }

    /// Fills the Entra half. `container` is told what Entra names as the writeback container as soon as it is known.
    pub async fn collect(
        self,
        wishes: &Wishes,
        base: Option<&Base>,
        container: ContainerKnown,
        tell: &Tell<'_>,
    ) -> Result<Half> {
        self.telling(tell, self.read(wishes, base, container, tell)).await
    }

    /// Does something, and passes on meanwhile what the client has to say: a code to sign in with is of use only while
    /// the sign-in waits for it.
    async fn telling<T>(&self, tell: &Tell<'_>, doing: impl Future<Output = T>) -> T {
        let words = async {
            loop {
                tokio::time::sleep(WORDS).await;
                self.pass_on(tell);
            }
        };
        let done = tokio::select! {
            done = doing => done,
            never = words => never,
        };
        self.pass_on(tell);
        done
    }

    /// Passes on what the client has to say.
    fn pass_on(&self, tell: &Tell<'_>) {
        for word in self.wire.words() {
            tell(match word {
                Word::SignIn(text) | Word::Notice(text) => Note::Notice(text),
                Word::Detail(text) => Note::Detail(text),
            });
        }
    }

    async fn read(
        &self,
        wishes: &Wishes,
        base: Option<&Base>,
        container: ContainerKnown,
        tell: &Tell<'_>,
    ) -> Result<Half> {
        let started = Utc::now();
        let sees_hidden = self.wire.may("Member.Read.Hidden").await?;
        let ledger = Ledger::default();
        let small = small::read(&self.wire, &ledger, &self.config.settings, container).await?;
        let extensions = queries::extensions(small.cloud_sync.schemas.as_deref().unwrap_or_default());
        let tenant = small.tenant.id.clone();
        let (state, from, horizon) = match base {
            None => (State::default(), (None, None), started),
            Some(base) => begin(base, tenant.as_deref(), &extensions, tell)?,
        };
        let reading = Reading {
            wire: &self.wire,
            ledger: &ledger,
            tell,
            tenant,
            extensions,
            sees_hidden,
            unified_written: small.tenant.unified_group_writeback == Some(true),
            horizon,
        };
        let read = reading.read(state, from).await?;
        let (groups, deleted, users) = read.state.counts();
        let mut inventory = read.state.finish();
        let properties = std::mem::take(&mut inventory.entra.tenant.group_properties);
        inventory.entra.tenant = small.tenant;
        inventory.cloud_sync = small.cloud_sync;
        let tenant = &mut inventory.entra.tenant;
        tenant.group_properties = properties;
        for (name, there, count) in
            [("groups", read.groups, groups), ("users", read.users, users), ("deletedItems", read.deleted, deleted)]
        {
            if there {
                tenant.collections.insert(name.to_owned(), count);
            }
        }
        let mut raw: Vec<_> = since::keep(&read.links)?.into_iter().collect();
        if wishes.audit {
            inventory.cloud_sync.notifications = audit::notifications(&self.wire, &inventory).await?;
            raw.append(&mut audit::read(&self.wire, &ledger, &inventory, started).await?);
        }
        if let Some(questions) = wishes.questions {
            let asked = questions(&inventory);
            inventory.cloud_sync.expressions = evaluator::ask(&self.wire, &inventory.cloud_sync, asked, tell).await?;
        }
        self.wire.sources(&ledger);
        tell(Note::Detail(self.wire.usage()));
        let (parts, sources) = ledger.close();
        let short = |p: &&crate::bundle::Part| p.shortfall.is_some();
        for part in parts.iter().filter(short) {
            let tenant = &mut inventory.entra.tenant;
            match part.source.as_str() {
                // A collection that is not there at all says so by its absence.
                "entra" if tenant.collections.contains_key(&part.partition) => {
                    tenant.partial_collections.push(part.partition.clone());
                }
                "cloudsync" => inventory.cloud_sync.partial.push(part.partition.clone()),
                _ => {}
            }
        }
        Ok(Half { inventory, sources, parts, not_looked_at: Vec::new(), raw })
    }
}

type Beginning = (State, (Option<Link>, Option<Link>), DateTime<Utc>);

/// Where a former bundle lets the reading begin, and why it does not where it does not.
fn begin(
    base: &Base,
    tenant: Option<&str>,
    extensions: &std::collections::BTreeSet<String>,
    tell: &Tell<'_>,
) -> Result<Beginning> {
    let start = since::start(base, tenant, extensions)?;
    let usable = |what: &str, link: std::result::Result<Link, String>| match link {
        Ok(link) => Some(link),
        Err(why) => {
            tell(Note::Warning(format!("All {what} of Entra are read, not only what changed: {why}")));
            None
        }
    };
    let from = (usable("groups", start.groups), usable("users", start.users));
    let created = DateTime::parse_from_rfc3339(&base.manifest.created).map_or(DateTime::UNIX_EPOCH, |t| t.to_utc());
    // Each half of the state is void where its changes cannot be read.
    let mut state = State::of(&base.inventory);
    if from.0.is_none() {
        state.restart_groups();
    }
    if from.1.is_none() {
        state.restart_users();
    }
    Ok((state, from, created))
}
