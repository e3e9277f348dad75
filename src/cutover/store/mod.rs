//! The store of runs: one SQLite file with the journal, the snapshots, the plan and what was learnt, and a folder a run
//! for its scripts, evidence and reports. It is written before anything is sent, survives the death of the process at any
//! instant, can be queried with any SQLite tool, and can be taken elsewhere as a copy that is readable without this program.

mod adopt;
mod body;
mod boundary;
mod chain;
mod copy;
mod export;
mod fault;
mod journal;
mod journal_file;
mod ldif;
mod lock;
mod pack;
mod run;
mod schema;
mod snapshot;
mod words;

pub use body::{object_from_json, object_to_json};
pub(crate) use boundary::crash;
pub use boundary::{FuseCall, is_crash};
pub use copy::{COPY_SCHEMA, CopyManifest};
pub use export::Exported;
pub use ldif::write_object;
pub use lock::{LOCK_REACH, Lock};
pub use run::{CLOCK, Run};
pub use schema::FILE;
pub use snapshot::Snapshot;

use crate::cutover::record::{RunRecord, RunState};
use crate::error::{Error, Place, Result};
use crate::plan::Plan;
use crate::report::folder::{Folder, create_private};
use crate::report::plain;
use chrono::{DateTime, Utc};
use fault::{Act, Trouble};
use journal_file::JournalFile;
use rusqlite::params;
use std::path::{Component, Path, PathBuf};
use std::rc::Rc;
use words::{time_text, word};

/// The folder of all runs.
pub struct Store {
    file: Rc<JournalFile>,
    /// Where the lock of a domain lies, where that is not the account's own data folder.
    lock_folder: Option<PathBuf>,
}

/// What a new run is called, and who began it where.
struct Named {
    id: String,
    nonce: String,
    host: String,
    user: String,
}

const LISTING: Act = Act::reading("list the runs");

impl Store {
    /// Opens the store, and makes it where there is none.
    pub fn open(dir: &Path) -> Result<Store> {
        if !dir.join(FILE).exists() {
            make(dir)?;
        }
        Self::there(dir)
    }

    /// Opens a store that must be there; for commands that only look.
    pub fn open_existing(dir: &Path) -> Result<Store> {
        if !dir.join(FILE).exists() {
            refuse_remains(dir)?;
            return Err(Error::failed("there is no store of runs here").at(Place::file(dir)).hint(
                "Nothing was begun with this configuration yet; [store] dir in groupshift.toml names the folder.",
            ));
        }
        Self::there(dir)
    }

    fn there(dir: &Path) -> Result<Store> {
        let file = dir.join(FILE);
        let length = std::fs::metadata(&file).map_err(|e| Error::io("read the journal", &file, e))?.len();
        if length == 0 {
            // SQLite would take it for a new one, and the runs would be gone without a word.
            let what = "its file is empty";
            return Err(fault::damaged(Act::reading("open the journal"), what, &file));
        }
        Ok(Store { file: Rc::new(JournalFile::open(dir)?), lock_folder: None })
    }

    /// Calls this at every boundary of the journal; where it says true, the operation ends with a played crash
    /// (`is_crash`).
    pub fn with_fuse(self, call: FuseCall) -> Store {
        self.file.fuse.set(call);
        self
    }

    /// For a store that is thrown away: nothing waits for the disk.
    pub fn thrown_away(self) -> Result<Store> {
        self.file.direct(LISTING, |conn| Ok(conn.pragma_update(None, "synchronous", "OFF")?))?;
        Ok(self)
    }

    /// Keeps the locks of domains in this folder, as for a rehearsal, which touches no domain.
    pub fn with_lock_folder(mut self, folder: &Path) -> Store {
        self.lock_folder = Some(folder.to_owned());
        self
    }

    pub fn dir(&self) -> &Path {
        &self.file.dir
    }

    /// All runs, the newest last.
    pub fn runs(&self) -> Result<Vec<RunRecord>> {
        self.file.read(LISTING, run::records)
    }

    /// Begins a run: keeps the plan, writes its scripts with the run's nonce into the run's folder, refuses a script
    /// beside the plan that is not as the plan makes it. `scripts_from` is the plan's folder.
    pub fn begin(
        &self,
        plan: &Plan,
        plan_bytes: &[u8],
        scripts_from: &Path,
        domain: &str,
        clock: DateTime<Utc>,
    ) -> Result<Run> {
        let kept = crate::plan::from_bytes(plan_bytes, scripts_from)?;
        if kept.sha256 != plan.sha256 {
            return Err(Error::failed("the plan's bytes are not those of the plan that is to be run"));
        }
        let id = self.free_id(clock)?;
        let nonce = uuid::Uuid::new_v4().simple().to_string();
        self.begin_as(plan, plan_bytes, scripts_from, domain, clock, Named { id, nonce, host: host(), user: user() })
    }

    /// Begins a rehearsal: it may pass what stops a real run, and its names are the same every time.
    pub fn begin_rehearsal(&self, plan: &Plan, plan_bytes: &[u8], domain: &str, clock: DateTime<Utc>) -> Result<Run> {
        let nowhere = self.file.dir.join("no-reviewed-scripts");
        let named = Named {
            id: format!("{}-0000", clock.format("%Y%m%d-%H%M")),
            nonce: "rehearsal".to_owned(),
            host: "(the twin)".to_owned(),
            user: "(a rehearsal)".to_owned(),
        };
        let run = self.begin_as(plan, plan_bytes, &nowhere, domain, clock, named)?;
        run.put(crate::cutover::engine::REHEARSAL, &serde_json::Value::Bool(true))?;
        Ok(run)
    }

    fn begin_as(
        &self,
        plan: &Plan,
        plan_bytes: &[u8],
        scripts_from: &Path,
        domain: &str,
        clock: DateTime<Utc>,
        Named { id, nonce, host, user }: Named,
    ) -> Result<Run> {
        let record = RunRecord {
            id: id.clone(),
            plan_sha256: plan.sha256.clone(),
            tool: env!("CARGO_PKG_VERSION").to_owned(),
            domain: domain.to_owned(),
            tenant: plan.bundle.tenant.clone(),
            nonce,
            begun: clock,
            host,
            user,
            state: RunState::Open,
            pin: None,
            reason: None,
        };
        let run = Run { file: self.file.clone(), id };
        write_scripts(plan, scripts_from, &run.folder(), &record.nonce)?;
        self.insert(&record, plan_bytes)?;
        Ok(run)
    }

    fn insert(&self, record: &RunRecord, plan_bytes: &[u8]) -> Result<()> {
        let body = pack::Packer::new()?.pack(plan_bytes)?;
        let (begun, state) = (time_text(record.begun), word(&record.state)?);
        self.file.write(Act::before("begin", "begin a run"), |tx| {
            let r = record;
            tx.execute(
                "INSERT INTO runs (id, plan_sha256, tool, domain, tenant, nonce, begun, host, account, state, clock, chain_head)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?7, ?11)",
                params![
                    r.id, r.plan_sha256, r.tool, r.domain, r.tenant, r.nonce, begun, r.host, r.user, state,
                    chain::start_of(r)
                ],
            )?;
            let bytes = plan_bytes.len() as i64;
            tx.execute("INSERT INTO plans (run, bytes, body) VALUES (?1, ?2, ?3)", params![r.id, bytes, body])?;
            Ok(())
        })
    }

    /// A short id that no run and no folder has.
    fn free_id(&self, clock: DateTime<Utc>) -> Result<String> {
        let taken = self.runs()?;
        let ids = std::iter::repeat_with(|| format!("{}-{:04x}", clock.format("%Y%m%d-%H%M"), fastrand::u16(..)));
        ids.take(1000)
            .find(|id| taken.iter().all(|run| run.id != *id) && !self.file.dir.join(id).exists())
            .ok_or_else(|| Error::failed("no id is free for a run of this minute").hint("Try again in a minute."))
    }

    /// The run of that id; without one, the run that is open or stopped, where there is exactly one.
    pub fn run(&self, id: Option<&str>) -> Result<Run> {
        let runs = self.runs()?;
        if let Some(id) = id {
            return self.named(&runs, id);
        }
        let going: Vec<&RunRecord> =
            runs.iter().filter(|r| matches!(r.state, RunState::Open | RunState::Stopped)).collect();
        match going.as_slice() {
            [one] => Ok(self.handle(&one.id)),
            [] if runs.is_empty() => Err(self.no_run()),
            [] => Err(Error::usage("no run is open or stopped")
                .at(Place::file(self.dir()))
                .hint(format!("Name one with --run. Ended: {}.", listed(runs.iter())))),
            several => Err(Error::usage("several runs are open or stopped")
                .at(Place::file(self.dir()))
                .hint(format!("Name one with --run: {}.", listed(several.iter().copied())))),
        }
    }

    /// The run of that id; without one, the newest of any state. For commands that only look.
    pub fn run_to_look_at(&self, id: Option<&str>) -> Result<Run> {
        let runs = self.runs()?;
        match (id, runs.last()) {
            (Some(id), _) => self.named(&runs, id),
            (None, Some(newest)) => Ok(self.handle(&newest.id)),
            (None, None) => Err(self.no_run()),
        }
    }

    /// The run of that id; without one, the run that is open or stopped, else the only one that is not rolled back. For a
    /// rollback, which must never guess.
    pub fn run_to_take_back(&self, id: Option<&str>) -> Result<Run> {
        let runs = self.runs()?;
        if let Some(id) = id {
            return self.named(&runs, id);
        }
        let of =
            |states: &[RunState]| -> Vec<&RunRecord> { runs.iter().filter(|r| states.contains(&r.state)).collect() };
        let mut open = of(&[RunState::Open, RunState::Stopped]);
        for wider in [vec![RunState::Done], vec![RunState::Closed], vec![RunState::RolledBack]] {
            if open.is_empty() {
                open = of(&wider);
            }
        }
        match open.as_slice() {
            [one] => Ok(self.handle(&one.id)),
            [] => Err(self.no_run()),
            several => Err(Error::usage("several runs could be meant")
                .at(Place::file(self.dir()))
                .hint(format!("Name one with --run: {}.", listed(several.iter().copied())))),
        }
    }

    fn named(&self, runs: &[RunRecord], id: &str) -> Result<Run> {
        match runs.iter().find(|r| r.id == id) {
            Some(run) => Ok(self.handle(&run.id)),
            None if runs.is_empty() => Err(self.no_run()),
            None => Err(Error::usage(format!("there is no run {:?}", plain(id)))
                .at(Place::file(self.dir()))
                .hint(format!("There are: {}.", listed(runs.iter())))),
        }
    }

    fn no_run(&self) -> Error {
        Error::usage("no run was begun here").at(Place::file(self.dir())).hint(
            "Begin one with: groupshift cutover run PLAN. [store] dir in groupshift.toml names the folder of the runs.",
        )
    }

    fn handle(&self, id: &str) -> Run {
        Run { file: self.file.clone(), id: id.to_owned() }
    }

    /// What a file in the store's folder asks for.
    pub fn stop_wish(&self) -> Option<String> {
        stop_wish_in(&self.file.dir)
    }
}

/// What a file in this folder asks for: `stop` or `pause`, with or without the ending that an editor adds.
pub fn stop_wish_in(dir: &Path) -> Option<String> {
    let names = ["stop", "pause", "stop.txt", "pause.txt"];
    let found = names.iter().find(|name| dir.join(name).exists())?;
    Some(format!("a file named {found} lies in {}; remove it before you resume", dir.display()))
}

fn listed<'r>(runs: impl Iterator<Item = &'r RunRecord>) -> String {
    let one = |r: &RunRecord| {
        let state = word(&r.state).unwrap_or_default();
        format!("{} ({state}, {}, begun {})", plain(&r.id), plain(&r.domain), time_text(r.begun))
    };
    runs.map(one).collect::<Vec<_>>().join(", ")
}

fn make(dir: &Path) -> Result<()> {
    refuse_remains(dir)?;
    create_private(dir)?;
    schema::create_in(dir)
}

/// Folders of runs without their journal: it was lost, and a new one would hide that.
fn refuse_remains(dir: &Path) -> Result<()> {
    let entries = match std::fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(e) => return Err(Error::io("use the store's folder", dir, e)),
    };
    let names = entries.flatten().filter(|e| e.path().is_dir()).map(|e| e.file_name().to_string_lossy().into_owned());
    match names.filter(|name| looks_like_run(name)).min() {
        Some(name) => {
            let what = format!("it is gone, and the folder of run {name} is still here");
            Err(fault::damaged(Act::reading("open the journal"), &what, &dir.join(FILE)))
        }
        None => Ok(()),
    }
}

/// `20261121-2103-7f3a`.
fn looks_like_run(name: &str) -> bool {
    let parts: Vec<&str> = name.split('-').collect();
    let [day, minute, tail] = parts.as_slice() else { return false };
    let digits = |text: &str, n: usize| text.len() == n && text.bytes().all(|b| b.is_ascii_digit());
    digits(day, 8) && digits(minute, 4) && tail.len() == 4 && tail.bytes().all(|b| b.is_ascii_hexdigit())
}

pub(crate) fn host() -> String {
    whoami::hostname().unwrap_or_else(|_| "(unknown host)".to_owned())
}

pub(crate) fn user() -> String {
    whoami::username().unwrap_or_else(|_| "(unknown account)".to_owned())
}

/// The plan's scripts with the run's nonce. Those beside the plan, which were reviewed, must be what the plan makes.
fn write_scripts(plan: &Plan, from: &Path, to: &Path, nonce: &str) -> Result<()> {
    create_private(to)?;
    for script in crate::plan::scripts(plan)? {
        let place = Path::new(&script.path);
        if !place.components().all(|part| matches!(part, Component::Normal(_))) {
            return Err(Error::failed(format!(
                "the plan names a script outside of its folder: {:?}",
                plain(&script.path)
            )));
        }
        let reviewed = from.join(place);
        match std::fs::read(&reviewed) {
            Ok(bytes) if bytes == script.text.as_bytes() => {}
            Ok(_) => {
                return Err(Error::failed(
                    "this script is not what the plan makes: it was edited, or made by another version",
                )
                .at(Place::file(&reviewed))
                .hint("Plan again, and have the scripts reviewed again."));
            }
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => {}
            Err(e) => return Err(Error::io("read the script", &reviewed, e)),
        }
        let target = to.join(place);
        let (Some(folder), Some(name)) = (target.parent(), place.file_name().and_then(|n| n.to_str())) else {
            continue;
        };
        create_private(folder)?;
        let text = script.text.replace(crate::plan::NONCE, nonce);
        Folder::at(folder)
            .write(name, |out| out.write_all(text.as_bytes()).map_err(|e| Error::io("write the script", &target, e)))?;
    }
    Ok(())
}

/// Copies a run's rows from one attached journal to another; both are of the same form.
fn copy_rows(tx: &rusqlite::Transaction<'_>, from: &str, to: &str, run: &str) -> Result<(), Trouble> {
    for (table, key, columns) in schema::TABLES {
        let sql = format!(
            "INSERT INTO {to}.{table} ({columns}) SELECT {columns} FROM {from}.{table} WHERE {key} = ?1 ORDER BY rowid"
        );
        tx.execute(&sql, [run])?;
    }
    Ok(())
}
