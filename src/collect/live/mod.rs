//! Live collection: Active Directory over LDAP and Entra over Graph are read at the same time, each into an Inventory of
//! its own, and joined as the two halves of an offline collection are. Exports of the Connect servers are files either
//! way and are read from where the configuration says.

pub mod ad;
pub mod entra;

use super::connect;
use super::offline::Collected;
use crate::bundle::{self, Certificate, Part, RawFile, Source};
use crate::config::{Config, Connect, Settings};
use crate::directory::connect::ConnectServer;
use crate::directory::inventory::{Evaluation, Inventory};
use crate::error::{Error, Result};
use std::path::{Path, PathBuf};
use tokio::sync::watch;

/// What is wanted besides what an assessment needs.
#[derive(Debug, Clone, Default)]
pub struct Wishes {
    /// Provisioning logs, access packages, replication metadata (`--for audit`).
    pub audit: bool,
    /// Share of the tenant's Graph limit to use, in percent.
    pub graph_budget: Option<u8>,
    /// Shorter pauses of the program's own choice, for services that are in no need of rest: tests have their own.
    pub hurry: bool,
    /// What to ask the tenant's evaluator of expressions once everything else is read.
    pub questions: Option<fn(&Inventory) -> Vec<Evaluation>>,
}

/// A former bundle of the same forest and tenant (`--since`), which saves reading what has not changed since.
pub struct Base {
    pub dir: PathBuf,
    pub manifest: bundle::Manifest,
    pub inventory: Inventory,
}

impl Base {
    pub fn open(dir: &Path) -> Result<Self> {
        let (opened, inventory) = bundle::open(dir)?;
        if opened.manifest.anonymised {
            return Err(Error::usage("this bundle is anonymised; nothing can be collected on top of it")
                .at(crate::error::Place::file(dir))
                .hint("Give --since the bundle that it was made from."));
        }
        Ok(Base { dir: dir.to_owned(), manifest: opened.manifest, inventory })
    }
}

/// What a reader tells while it reads.
pub enum Note<'n> {
    /// What is being done now, for the progress line: `part` is `AD` or `Entra`.
    Doing {
        part: &'static str,
        what: &'n str,
        done: u64,
        of: Option<u64>,
    },
    /// A choice that was made, for `-v`.
    Detail(String),
    /// What somebody has to do now, such as entering a code to sign in.
    Notice(String),
    Warning(String),
}

/// Takes notes from any thread.
pub type Tell<'t> = dyn Fn(Note<'_>) + Send + Sync + 't;

/// One side, read: what its collector returns.
#[derive(Default)]
pub struct Half {
    pub inventory: Inventory,
    pub sources: Vec<Source>,
    pub parts: Vec<Part>,
    pub not_looked_at: Vec<String>,
    pub raw: Vec<RawFile>,
}

/// What Entra says of the writeback container: told as soon as it is known, since the access lists of that container
/// are read from AD. `None` inside `Some`: Entra was read and names none. A closed channel says the same.
pub type ContainerKnown = watch::Sender<Option<Option<String>>>;

/// A live collection.
pub struct Live<'c> {
    pub config: &'c Config,
    pub wishes: Wishes,
    pub since: Option<Base>,
    pub tell: &'c Tell<'c>,
}

/// How a live collection ended.
pub enum Outcome {
    Done(Box<Collected>),
    /// Ctrl-C; nothing is left over.
    Interrupted,
}

/// Whether anything is configured that could be read.
pub fn has_source(settings: &Settings) -> bool {
    settings.ad.url.is_some() || settings.entra.tenant_id.is_some() || has_connect(&settings.connect)
}

impl Live<'_> {
    /// Reads what is configured. Secrets are asked for before anything is connected.
    pub fn collect(self) -> Result<Outcome> {
        let settings = &self.config.settings;
        let (with_ad, with_entra) = (settings.ad.url.is_some(), settings.entra.tenant_id.is_some());
        if !has_source(settings) {
            return Err(Error::usage("nothing is configured that could be collected from")
                .hint("Set url under [ad] for Active Directory, tenant_id under [entra] for Entra, export or state under [connect] for Connect's exports, in groupshift.toml."));
        }
        let ad = with_ad.then(|| ad::Reader::new(self.config)).transpose()?;
        let entra = with_entra.then(|| entra::Reader::new(self.config, &self.wishes)).transpose()?;
        let connect = read_connect(&settings.connect)?;
        // Graph alone is paced by its limits, which one thread keeps up with; more would only wake each other.
        let mut runtime = match with_ad {
            true => tokio::runtime::Builder::new_multi_thread(),
            false => tokio::runtime::Builder::new_current_thread(),
        };
        let runtime = runtime
            .enable_all()
            .build()
            .map_err(|e| Error::failed(format!("cannot start the network runtime: {e}")))?;
        let (base, wishes, tell) = (self.since.as_ref(), &self.wishes, self.tell);
        let both = runtime.block_on(async {
            tokio::select! {
                both = both(ad, entra, wishes, base, tell) => both.map(Some),
                _ = tokio::signal::ctrl_c() => Ok(None),
            }
        });
        // A name lookup or a socket that hangs must not hold the program back.
        runtime.shutdown_timeout(std::time::Duration::from_secs(1));
        let Some((ad, entra)) = both? else { return Ok(Outcome::Interrupted) };
        Ok(Outcome::Done(Box::new(join(ad, entra, connect))))
    }
}

/// Both sides at the same time, each by its reader, with the Connect servers' files as the configuration names them; for
/// a caller that has a runtime already.
pub async fn gather(
    config: &Config,
    ad: Option<ad::Reader<'_>>,
    entra: Option<entra::Reader<'_>>,
    wishes: &Wishes,
    tell: &Tell<'_>,
) -> Result<Collected> {
    let connect = read_connect(&config.settings.connect)?;
    let (ad, entra) = both(ad, entra, wishes, None, tell).await?;
    Ok(join(ad, entra, connect))
}

async fn both(
    ad: Option<ad::Reader<'_>>,
    entra: Option<entra::Reader<'_>>,
    wishes: &Wishes,
    base: Option<&Base>,
    tell: &Tell<'_>,
) -> Result<(Option<Half>, Option<Half>)> {
    let (known, container) = watch::channel(None);
    let ad = async {
        match ad {
            // Boxed: each side is one large future, and what holds it inline pays for it in stack, level by level.
            Some(reader) => Box::pin(reader.collect(wishes, base, container, tell)).await.map(Some),
            None => Ok(None),
        }
    };
    let entra = async {
        match entra {
            Some(reader) => Box::pin(reader.collect(wishes, base, known, tell)).await.map(Some),
            None => {
                drop(known);
                Ok(None)
            }
        }
    };
    tokio::try_join!(ad, entra)
}

/// One Inventory and one certificate out of what was read.
fn join(ad: Option<Half>, entra: Option<Half>, connect: Option<ConnectRead>) -> Collected {
    let mut not_looked_at = Vec::new();
    let mut not = |there: bool, text: &str| {
        if !there {
            not_looked_at.push(text.to_owned());
        }
    };
    not(ad.is_some(), "ad: no [ad] url is configured");
    not(entra.is_some(), "entra, cloudsync: no [entra] tenant_id is configured");
    not(connect.is_some(), "connect: no export, state or csexport is configured under [connect]");
    let mut all = ad.unwrap_or_default();
    if let Some(mut other) = entra {
        let cloud_sync = std::mem::take(&mut other.inventory.cloud_sync);
        let mut problems = std::mem::take(&mut other.inventory.problems);
        all.inventory.take_entra(other.inventory);
        all.inventory.cloud_sync = cloud_sync;
        all.inventory.problems.append(&mut problems);
        all.sources.append(&mut other.sources);
        all.parts.append(&mut other.parts);
        all.not_looked_at.append(&mut other.not_looked_at);
        all.raw.append(&mut other.raw);
    }
    if let Some(mut read) = connect {
        all.parts.push(Part {
            source: "connect".to_owned(),
            partition: "servers".to_owned(),
            read: read.servers.len() as u64,
            ..Part::default()
        });
        all.sources.append(&mut read.sources);
        all.inventory.connect = read.servers;
    }
    all.inventory.problems.sort_by(|a, b| (&a.kind, &a.object, &a.detail).cmp(&(&b.kind, &b.object, &b.detail)));
    not_looked_at.extend(all.not_looked_at);
    let complete = all.parts.iter().all(|p| p.shortfall.is_none());
    let certificate = Certificate { complete, parts: all.parts, not_looked_at };
    let Half { inventory, sources, raw, .. } = all;
    Collected { inventory, sources, certificate, raw }
}

fn has_connect(connect: &Connect) -> bool {
    connect.export.is_some() || connect.state.is_some() || connect.csexport.is_some()
}

struct ConnectRead {
    servers: Vec<ConnectServer>,
    sources: Vec<Source>,
}

/// The Connect servers as their exports describe them; none where no export is configured.
pub fn connect_servers(config: &Config) -> Result<Option<Vec<ConnectServer>>> {
    Ok(read_connect(&config.settings.connect)?.map(|read| read.servers))
}

/// The exports of the Connect server that the configuration names.
fn read_connect(connect: &Connect) -> Result<Option<ConnectRead>> {
    if !has_connect(connect) {
        return Ok(None);
    }
    let mut sources = Vec::new();
    for path in [&connect.export, &connect.state, &connect.csexport].into_iter().flatten() {
        let metadata = std::fs::metadata(path).map_err(|e| Error::io("read what [connect] names", path, e))?;
        let modified = metadata.modified().ok().map(super::offline::time_of);
        let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
        sources.push(Source { part: "connect".to_owned(), name, bytes: metadata.len(), modified });
    }
    let files = connect::ServerFiles {
        folder: PathBuf::new(),
        export: connect.export.clone(),
        states: connect.state.iter().cloned().collect(),
        pending_exports: connect.csexport.iter().cloned().collect(),
        ..connect::ServerFiles::default()
    };
    Ok(Some(ConnectRead { servers: connect::read_server(&files)?, sources }))
}
