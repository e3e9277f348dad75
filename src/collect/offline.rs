//! `collect --offline`: an Inventory from the files an administrator exported. Any subset will do; what is missing
//! stays unknown. A part that visibly falls short (a page, a range, a size limit) is written into the certificate.

use super::ad::{AdBuilder, AdFinished, NameKeys, Prepared};
use super::entra::{Collection, EntraBuilder};
use super::events;
use super::graph_json::{self, Whole};
use super::ldif;
use super::tenant;
use crate::bundle::{Certificate, Part, RawFile, Source, files};
use crate::directory::Dn;
use crate::directory::inventory::{Assignment, CloudSync, Inventory};
use crate::error::{Error, Place, Result};
use crate::report::model::Problem;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::mpsc;

/// What the collection is told besides the folder.
#[derive(Debug, Default)]
pub struct Wishes {
    /// `[cloud_sync] domain`, where configured: exports of another domain are refused.
    pub domain: Option<String>,
    /// Of times in event exports that have no zone.
    pub event_zone: Option<chrono::FixedOffset>,
}

/// What came in.
pub struct Collected {
    pub inventory: Inventory,
    pub sources: Vec<Source>,
    pub certificate: Certificate,
    /// What only an audit reads.
    pub raw: Vec<RawFile>,
}

/// Told what is being read, for a progress line.
pub type Progress<'p> = dyn FnMut(&Path, u64) + 'p;

/// Reads the exported folder.
pub fn collect(dir: &Path, wishes: &Wishes, progress: &mut Progress<'_>) -> Result<Collected> {
    let folder = Folder::open(dir)?;
    let mut run = Run {
        folder,
        inventory: Inventory::default(),
        sources: Vec::new(),
        parts: Vec::new(),
        raw: Vec::new(),
        event_zone: wishes.event_zone,
        progress,
    };
    run.unread();
    let finished = run.ad()?;
    run.entra()?;
    run.cloud_sync()?;
    run.connect()?;
    run.events()?;
    if run.sources.is_empty() {
        return Err(Error::input(Place::file(dir), "there is nothing to read in this folder").hint(
            "Put exports into its ad/, entra/, cloudsync/, connect/ and events/ folders; the README's section on exported files says how to make them.",
        ));
    }
    check_domain(&run.inventory, &finished, wishes)?;
    run.inventory.problems.sort_by(|a, b| (&a.kind, &a.object, &a.detail).cmp(&(&b.kind, &b.object, &b.detail)));
    let mut not_looked_at =
        vec!["Global Catalog: second carriers of an anchor are searched among the exported objects only".to_owned()];
    for (part, present) in [
        ("ad", run.inventory.ad.present),
        ("entra", !run.inventory.entra.tenant.collections.is_empty()),
        ("cloudsync", run.sources.iter().any(|s| s.part == "cloudsync")),
        ("connect", !run.inventory.connect.is_empty()),
    ] {
        if !present {
            not_looked_at.push(format!("{part}/: the exported folder has no such part"));
        }
    }
    let certificate =
        Certificate { complete: run.parts.iter().all(|p| p.shortfall.is_none()), parts: run.parts, not_looked_at };
    Ok(Collected { inventory: run.inventory, sources: run.sources, certificate, raw: run.raw })
}

/// The exported folder: files are only ever taken from inside it.
struct Folder {
    root: PathBuf,
    canonical: PathBuf,
}

impl Folder {
    fn open(dir: &Path) -> Result<Self> {
        let canonical = dir.canonicalize().map_err(|e| match e.kind() {
            std::io::ErrorKind::NotFound => Error::usage("the folder of exported files does not exist")
                .at(Place::file(dir))
                .hint("Give --offline the folder that holds ad/, entra/, cloudsync/ and connect/."),
            _ => Error::io("open the folder", dir, e),
        })?;
        if !canonical.is_dir() {
            return Err(Error::usage(
                "this is a file; --offline takes the folder that holds ad/, entra/, cloudsync/ and connect/",
            )
            .at(Place::file(dir)));
        }
        Ok(Folder { root: dir.to_owned(), canonical })
    }

    /// Files of a part, sorted by name, as paths to read. A link that leads out of the folder is refused.
    fn files(&self, part: &str) -> Result<Vec<PathBuf>> {
        let dir = self.root.join(part);
        let mut out = Vec::new();
        let entries = match std::fs::read_dir(&dir) {
            Ok(entries) => entries,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(out),
            Err(e) => return Err(Error::io("list the folder", &dir, e)),
        };
        for entry in entries {
            let path = entry.map_err(|e| Error::io("list the folder", &dir, e))?.path();
            self.inside(&path)?;
            if path.is_file() {
                out.push(path);
            }
        }
        out.sort();
        Ok(out)
    }

    fn inside(&self, path: &Path) -> Result<()> {
        let canonical = path.canonicalize().map_err(|e| Error::io("follow", path, e))?;
        match canonical.starts_with(&self.canonical) {
            true => Ok(()),
            false => Err(Error::input(Place::file(path), "a link that leads out of the exported folder")
                .hint("Copy the file into the folder; nothing outside of it is read.")),
        }
    }
}

/// A time as the manifest writes it.
pub(super) fn time_of(time: std::time::SystemTime) -> String {
    chrono::DateTime::<chrono::Utc>::from(time).to_rfc3339_opts(chrono::SecondsFormat::Secs, true)
}

struct Run<'p, 'q> {
    folder: Folder,
    inventory: Inventory,
    sources: Vec<Source>,
    parts: Vec<Part>,
    raw: Vec<RawFile>,
    event_zone: Option<chrono::FixedOffset>,
    progress: &'p mut Progress<'q>,
}

impl Run<'_, '_> {
    fn source(&mut self, part: &str, path: &Path) {
        let metadata = std::fs::metadata(path).ok();
        let name = path.strip_prefix(&self.folder.root).unwrap_or(path).to_string_lossy().replace('\\', "/");
        let modified = metadata.as_ref().and_then(|m| m.modified().ok()).map(time_of);
        self.sources.push(Source { part: part.to_owned(), name, bytes: metadata.map_or(0, |m| m.len()), modified });
        (self.progress)(path, 0);
    }

    /// Files and folders that no part of the contract names are listed, so that nothing is passed over in silence.
    fn unread(&mut self) {
        let Ok(entries) = std::fs::read_dir(&self.folder.root) else { return };
        let mut names: Vec<String> = entries.flatten().map(|e| e.file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        for name in names {
            match name.to_ascii_lowercase().as_str() {
                "ad" | "entra" | "cloudsync" | "connect" | "events" => {}
                other if other.starts_with('.') => {}
                _ => self.not_read(&name, "not one of ad/, entra/, cloudsync/, connect/, events/"),
            }
        }
    }

    fn not_read(&mut self, name: &str, why: &str) {
        self.inventory.problems.push(Problem {
            kind: "file-not-read".to_owned(),
            object: name.to_owned(),
            detail: why.to_owned(),
        });
    }

    fn ad(&mut self) -> Result<AdFinished> {
        let mut builder = AdBuilder::default();
        let mut cut = false;
        for path in self.folder.files("ad")? {
            let name = file_name(&path);
            if !name.ends_with(".ldf") && !name.ends_with(".ldif") {
                self.not_read(&format!("ad/{name}"), "AD exports are *.ldf or *.ldif");
                continue;
            }
            self.source("ad", &path);
            let (inventory, progress) = (&mut self.inventory, &mut *self.progress);
            let mut read = 0u64;
            let mut last = String::new();
            let reader = read_ahead(ldif::Reader::open(&path)?, builder.keys(), &mut |prepared| {
                builder.add(inventory, prepared, &path)?;
                read += 1;
                if read.is_multiple_of(4096) {
                    progress(&path, read);
                }
                last.clone_from(&prepared.entry.dn);
                Ok(())
            })?;
            if read == 0 {
                return Err(Error::input(Place::file(&path).line(1), "no entry in this file")
                    .hint("Export it again, or remove it."));
            }
            self.inventory.ad.present = true;
            if !reader.closed {
                self.inventory.problems.push(Problem {
                    kind: "perhaps-cut".to_owned(),
                    object: last,
                    detail: format!("ad/{} ends without the empty line that ldifde and ldapsearch write after each entry: its last entry may be cut", path.file_name().unwrap_or_default().to_string_lossy()),
                });
            }
            let shortfall = reader
                .endings
                .iter()
                .find(|e| !e.result.starts_with("0 ") && e.result != "0")
                .map(|e| format!("the search ended with \"{}\" (line {}): entries are missing", e.result, e.line));
            cut |= shortfall.is_some();
            self.parts.push(Part {
                source: "ad".to_owned(),
                partition: format!("ad/{name}"),
                expected: None,
                read,
                shortfall,
                ..Part::default()
            });
        }
        let finished = builder.finish(&mut self.inventory);
        self.inventory.ad.environment.partial = cut;
        if self.inventory.ad.present {
            let n = finished.partial.len();
            self.parts.push(Part {
                source: "ad".to_owned(),
                partition: "member lists".to_owned(),
                read: self.inventory.ad.members.total() as u64,
                values_by_range: finished.values_by_range,
                shortfall: (n > 0).then(|| {
                    let first: Vec<&str> = finished.partial.iter().take(3).map(String::as_str).collect();
                    format!(
                        "the member lists of {n} group(s) came in ranges and are not whole ({}{})",
                        first.join("; "),
                        if n > 3 { "; …" } else { "" }
                    )
                }),
                ..Part::default()
            });
        }
        Ok(finished)
    }

    fn entra(&mut self) -> Result<()> {
        let mut builder = EntraBuilder::default();
        let mut pages: BTreeMap<&'static str, Pages> = BTreeMap::new();
        for path in self.folder.files("entra")? {
            let name = file_name(&path);
            if !name.ends_with(".json") && !name.ends_with(".jsonl") {
                self.not_read(&format!("entra/{name}"), "Graph bodies are *.json");
                continue;
            }
            let collection = match () {
                () if name.starts_with("groups") => Some((Collection::Groups, "groups")),
                () if name.starts_with("deleteditems") => Some((Collection::DeletedItems, "deletedItems")),
                () if name.starts_with("users") => Some((Collection::Users, "users")),
                () => None,
            };
            if let Some((collection, kind)) = collection {
                self.source("entra", &path);
                builder.expanded = speaks_of_members(&path)?;
                let label = format!("entra/{name}");
                let (inventory, progress) = (&mut self.inventory, &mut *self.progress);
                let mut read = 0u64;
                let summary = graph_json::read_file(&path, &mut |record| {
                    read += 1;
                    if read.is_multiple_of(4096) {
                        progress(&path, read);
                    }
                    builder.add(inventory, record, collection, &label)
                })?;
                *self.inventory.entra.tenant.collections.entry(kind.to_owned()).or_default() += summary.objects;
                pages.entry(kind).or_default().add(&summary);
                continue;
            }
            if name.starts_with("organization") {
                self.source("entra", &path);
                let (values, _) = graph_json::read_values(&path)?;
                if let Some(value) = values.first() {
                    tenant::organization(&mut self.inventory.entra.tenant, value);
                }
            } else if name.starts_with("onpremisessynchronization") {
                self.source("entra", &path);
                let (values, _) = graph_json::read_values(&path)?;
                if let Some(value) = values.first() {
                    tenant::synchronization(&mut self.inventory.entra.tenant, value);
                }
            } else if name.starts_with("subscribedskus") {
                self.source("entra", &path);
                let (values, _) = graph_json::read_values(&path)?;
                self.inventory.entra.tenant.skus = Some(values.iter().map(tenant::sku).collect());
            } else if name.starts_with("accesspackageassignments") {
                self.keep("entra", &path, files::ACCESS_ASSIGNMENTS, "accessPackageAssignments")?;
            } else if name.starts_with("accesspackages") {
                self.keep("entra", &path, files::ACCESS_PACKAGES, "accessPackages")?;
            } else {
                self.not_read(&format!("entra/{name}"), "none of the files that are read (groups*, deletedItems*, users*, organization, onPremisesSynchronization, subscribedSkus, accessPackages*, accessPackageAssignments*)");
            }
        }
        let cut = builder.finish(&mut self.inventory);
        for (kind, pages) in pages {
            let part = pages.part(kind);
            if part.shortfall.is_some() {
                self.inventory.entra.tenant.partial_collections.push(kind.to_owned());
            }
            self.parts.push(part);
        }
        if !cut.is_empty() {
            self.parts.push(Part {
                source: "entra".to_owned(),
                partition: "group members".to_owned(),
                read: self.inventory.entra.members.total() as u64,
                shortfall: Some(format!(
                    "{} group(s) have exactly 20 members and none has more: $expand=members stops at 20, so these lists may be cut",
                    cut.len()
                )),
                ..Part::default()
            });
        }
        let partial = self
            .inventory
            .entra
            .groups
            .iter()
            .filter(|g| g.members == crate::directory::inventory::Completeness::Partial)
            .count()
            - cut.len();
        if partial > 0 {
            self.parts.push(Part {
                source: "entra".to_owned(),
                partition: "group members".to_owned(),
                read: self.inventory.entra.members.total() as u64,
                shortfall: Some(format!(
                    "the member lists of {partial} group(s) go on at a members@odata.nextLink that was not followed"
                )),
                ..Part::default()
            });
        }
        Ok(())
    }

    /// Takes bodies that only an audit reads into a data file of their own, as they are.
    fn keep(&mut self, part: &str, path: &Path, file: &'static str, partition: &str) -> Result<()> {
        self.source(part, path);
        let at = match self.raw.iter().position(|raw| raw.name == file) {
            Some(at) => at,
            None => {
                self.raw.push(RawFile::new(file)?);
                self.raw.len() - 1
            }
        };
        let raw = &mut self.raw[at];
        let summary = graph_json::read_file(path, &mut |Whole(value)| raw.push(&value).map_err(|e| e.to_string()))?;
        let mut pages = Pages::default();
        pages.add(&summary);
        let mut part = Part { source: part.to_owned(), ..pages.part(partition) };
        match self.parts.iter_mut().find(|p| p.partition == partition) {
            Some(known) => {
                known.read += part.read;
                known.expected = known.expected.max(part.expected);
                known.shortfall = known.shortfall.take().or(part.shortfall.take());
            }
            None => self.parts.push(part),
        }
        Ok(())
    }

    fn cloud_sync(&mut self) -> Result<()> {
        let mut pages: BTreeMap<&'static str, Pages> = BTreeMap::new();
        for path in self.folder.files("cloudsync")? {
            let name = file_name(&path);
            let (field, kind): (Field, _) = match () {
                () if name.starts_with("serviceprincipal") => (|c| &mut c.service_principals, "servicePrincipal"),
                () if name.starts_with("jobs") => (|c| &mut c.jobs, "jobs"),
                () if name.starts_with("functions") => (|c| &mut c.functions, "functions"),
                () if name.starts_with("filteroperators") => (|c| &mut c.filter_operators, "filterOperators"),
                () if name.starts_with("schema") => (|c| &mut c.schemas, "schema"),
                () if name.starts_with("agents") => (|c| &mut c.agents, "agents"),
                () if name.starts_with("approleassignedto") => {
                    self.source("cloudsync", &path);
                    let list = self.inventory.cloud_sync.assignments.get_or_insert_default();
                    let summary = graph_json::read_file(&path, &mut |assignment: Assignment| {
                        list.push(assignment);
                        Ok(())
                    })?;
                    pages.entry("appRoleAssignedTo").or_default().add(&summary);
                    continue;
                }
                () if name.starts_with("secrets") => {
                    self.source("cloudsync", &path);
                    let (values, _) = graph_json::read_values(&path)?;
                    let kept = values.iter().filter_map(tenant::notification);
                    self.inventory.cloud_sync.notifications.get_or_insert_default().extend(kept);
                    continue;
                }
                () if name.starts_with("provisioninglogs") => {
                    self.keep("cloudsync", &path, files::PROVISIONING_LOGS, "provisioningLogs")?;
                    continue;
                }
                () => {
                    self.not_read(
                        &format!("cloudsync/{name}"),
                        "none of the files that are read (servicePrincipal, jobs, schema, appRoleAssignedTo, agents, functions*, filterOperators*, provisioningLogs*)",
                    );
                    continue;
                }
            };
            self.source("cloudsync", &path);
            let (values, summary) = graph_json::read_values(&path)?;
            field(&mut self.inventory.cloud_sync).get_or_insert_default().extend(values);
            pages.entry(kind).or_default().add(&summary);
        }
        for (kind, pages) in pages {
            let part = Part { source: "cloudsync".to_owned(), ..pages.part(kind) };
            if part.shortfall.is_some() {
                self.inventory.cloud_sync.partial.push(kind.to_owned());
            }
            self.parts.push(part);
        }
        Ok(())
    }

    fn connect(&mut self) -> Result<()> {
        let dir = self.folder.root.join("connect");
        if !dir.is_dir() {
            return Ok(());
        }
        let mut files = Vec::new();
        self.walk(&dir, &mut files)?;
        for path in &files {
            self.source("connect", path);
        }
        self.inventory.connect = super::connect::read_connect(&dir)?;
        self.parts.push(Part {
            source: "connect".to_owned(),
            partition: "servers".to_owned(),
            read: self.inventory.connect.len() as u64,
            ..Part::default()
        });
        Ok(())
    }

    /// Security events of domain controllers, for an audit.
    fn events(&mut self) -> Result<()> {
        let files = self.folder.files("events")?;
        let read = events::read_exports(&files, self.event_zone, self.progress)?;
        self.raw.extend(read.raw);
        self.sources.extend(read.sources);
        self.parts.extend(read.parts);
        self.inventory.problems.extend(read.problems);
        Ok(())
    }

    fn walk(&self, dir: &Path, out: &mut Vec<PathBuf>) -> Result<()> {
        let mut paths: Vec<PathBuf> = std::fs::read_dir(dir)
            .map_err(|e| Error::io("list the folder", dir, e))?
            .flatten()
            .map(|e| e.path())
            .collect();
        paths.sort();
        for path in paths {
            self.folder.inside(&path)?;
            match path.is_dir() {
                true => self.walk(&path, out)?,
                false => out.push(path),
            }
        }
        Ok(())
    }
}

/// Where the bodies of one sort of Cloud Sync file are kept.
type Field = fn(&mut CloudSync) -> &mut Option<Vec<Value>>;

/// Entries handed over at a time.
const BATCH: usize = 64;

/// Reads on one thread, keys names on a second and consumes on this one: the three take about as long. Returns the
/// reader, which knows how the file ended.
fn read_ahead(
    mut reader: ldif::Reader,
    keys: NameKeys,
    consume: &mut dyn FnMut(&Prepared) -> Result<()>,
) -> Result<ldif::Reader> {
    std::thread::scope(|scope| {
        let (send_read, receive_read) = mpsc::sync_channel::<Vec<Prepared>>(3);
        let (send_ready, receive_ready) = mpsc::sync_channel::<Vec<Prepared>>(3);
        let (give_back, used) = mpsc::channel::<Vec<Prepared>>();
        let reading = scope.spawn(move || {
            loop {
                let mut batch: Vec<Prepared> = used.try_recv().unwrap_or_default();
                batch.resize_with(BATCH, Prepared::default);
                let more = fill(&mut reader, &mut batch);
                // A closed channel means that the consumer stopped, and says why.
                if send_read.send(batch).is_err() || !more? {
                    return Ok(reader);
                }
            }
        });
        scope.spawn(move || {
            for mut batch in receive_read {
                batch.iter_mut().for_each(|prepared| prepared.make_ready(keys));
                if send_ready.send(batch).is_err() {
                    return;
                }
            }
        });
        for batch in receive_ready {
            for prepared in &batch {
                consume(prepared)?;
            }
            let _ = give_back.send(batch);
        }
        reading.join().unwrap_or_else(|_| Err(Error::failed("the reading thread broke down")))
    })
}

/// Reads into `batch`, which is cut to what was read; large entries end it early, so that few of them are held at once.
/// False at the end of the file.
fn fill(reader: &mut ldif::Reader, batch: &mut Vec<Prepared>) -> Result<bool> {
    let (mut n, mut bytes) = (0, 0);
    let mut more = Ok(true);
    while n < batch.len() && bytes < 1 << 20 {
        more = reader.next(&mut batch[n].entry);
        if !matches!(more, Ok(true)) {
            break;
        }
        bytes += batch[n].entry.size();
        n += 1;
    }
    batch.truncate(n);
    more
}

/// Pages of one collection, over all its files.
#[derive(Default)]
struct Pages {
    read: u64,
    /// By query: pages of v1.0 and of beta, or of other properties, are lists of their own.
    queries: BTreeMap<String, Query>,
}

#[derive(Default)]
struct Query {
    read: u64,
    pages: u64,
    with_next: u64,
    expected: Option<u64>,
}

impl Pages {
    fn add(&mut self, summary: &graph_json::Summary) {
        self.read += summary.objects;
        for page in &summary.pages {
            let query = self.queries.entry(page.context.clone().unwrap_or_default()).or_default();
            query.read += page.objects;
            query.pages += 1;
            query.with_next += u64::from(page.next.is_some());
            query.expected = query.expected.max(page.count);
        }
    }
    fn part(&self, kind: &str) -> Part {
        let several = self.queries.len() > 1;
        let shortfall = self.queries.iter().find_map(|(context, query)| {
            let of = if several { format!(" (of {context})") } else { String::new() };
            if query.with_next == query.pages {
                Some(format!("every page ends with @odata.nextLink: the last page is missing{of}"))
            } else {
                let expected = query.expected.filter(|e| *e > query.read)?;
                Some(format!("@odata.count says {expected}, {} were read{of}", query.read))
            }
        });
        Part {
            source: "entra".to_owned(),
            partition: kind.to_owned(),
            expected: self.queries.values().filter_map(|q| q.expected).max(),
            read: self.read,
            values_by_range: 0,
            shortfall,
            ..Part::default()
        }
    }
}

/// Whether the body's `@odata.context` says that members were expanded.
fn speaks_of_members(path: &Path) -> Result<bool> {
    use std::io::Read;
    // Only the start of the file: the context stands first in every Graph answer. It may end within a character.
    let mut head = Vec::new();
    let _ = super::source::open(path)?.take(4096).read_to_end(&mut head);
    let head = String::from_utf8_lossy(&head);
    let Some(at) = head.find("@odata.context") else { return Ok(false) };
    let context: String = head[at..].chars().take(512).take_while(|c| *c != '\n').collect();
    Ok(context.split("\",").next().is_some_and(|c| c.contains("members(")))
}

fn file_name(path: &Path) -> String {
    path.file_name().map(|n| n.to_string_lossy().to_ascii_lowercase()).unwrap_or_default()
}

/// Refuses LDIF of a domain that does not belong to the forest the rest speaks of.
fn check_domain(inventory: &Inventory, finished: &AdFinished, wishes: &Wishes) -> Result<()> {
    let mut claims: Vec<(String, String)> = Vec::new();
    if let Some(domain) = &wishes.domain {
        claims.push((domain.to_lowercase(), "the configuration ([cloud_sync] domain)".to_owned()));
    }
    let container_domain = |dn: &str| Dn::parse(dn).ok().and_then(|d| d.dns_domain());
    if let Some(domain) = inventory.entra.tenant.writeback_container.as_deref().and_then(container_domain) {
        claims.push((domain, "entra/onPremisesSynchronization (unifiedGroupContainer)".to_owned()));
    }
    let related = |a: &str, b: &str| a == b || a.ends_with(&format!(".{b}")) || b.ends_with(&format!(".{a}"));
    let known = |a: &str| finished.partitions.contains(a);
    for (domain, (path, line)) in &finished.domains {
        for (claim, from) in &claims {
            if !related(domain, claim) && !(known(domain) && (known(claim) || finished.domains.contains_key(claim))) {
                return Err(Error::input(
                    Place::file(path).line(*line),
                    format!("entries of {domain}, but {from} speaks of {claim}"),
                )
                .hint(
                    "An export of another domain was put into the folder, or the configuration is of another domain.",
                ));
            }
        }
    }
    if let Some((first, _)) = finished.domains.iter().next() {
        for (domain, (path, line)) in &finished.domains {
            let one_forest = related(domain, first) || (known(domain) && known(first));
            if !one_forest {
                return Err(Error::input(Place::file(path).line(*line), format!("entries of {domain} beside entries of {first}, and nothing says that they are one forest"))
                    .hint("Collect each forest for itself; for domains of one forest add an export of CN=Partitions,CN=Configuration,…"));
            }
        }
    }
    Ok(())
}
