//! Stations of one run that many tests begin at: it is led there once, everything is kept (the domain, the tenant, the
//! servers, the store), and each test gets a copy.

use super::agent::{Agent, Memory};
use super::connect::{Administrator, Server};
use super::directory;
use super::lab::{Dump, Lab, Ran, WORD, values};
use super::tenant::server::start;
use super::tenant::state::State;
use super::tenant::{Log, Tenant};
use super::world::{Stamp, World, person_dn};
use groupshift::directory::same_dn;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// How far the run has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Station {
    /// Stamped and seen everywhere; the next is staging mode on.
    Stamped,
    /// V2 is off, the job set up, the throwaway group left behind; the next is the canaries' pending exports.
    Ready,
    /// The canaries are verified; the next is the second wave's pending exports.
    Canaries,
}

/// A tenant's state, less what is a test's own.
#[derive(Clone)]
struct KeptTenant {
    groups: BTreeMap<String, Value>,
    members: BTreeMap<String, BTreeSet<String>>,
    deleted: BTreeMap<String, Value>,
    users: BTreeMap<String, Value>,
    kinds: BTreeMap<String, String>,
    fixed: BTreeMap<String, Value>,
    secrets: BTreeMap<String, Vec<(String, String)>>,
    log: Vec<Log>,
    made: u64,
    page: usize,
}

impl KeptTenant {
    fn of(t: &Tenant) -> KeptTenant {
        KeptTenant {
            groups: t.groups.clone(),
            members: t.members.clone(),
            deleted: t.deleted.clone(),
            users: t.users.clone(),
            kinds: t.kinds.clone(),
            fixed: t.fixed.clone(),
            secrets: t.secrets.clone(),
            log: t.log.clone(),
            made: t.made,
            page: t.page,
        }
    }
    fn back(self) -> Tenant {
        Tenant {
            groups: self.groups,
            members: self.members,
            deleted: self.deleted,
            users: self.users,
            kinds: self.kinds,
            fixed: self.fixed,
            secrets: self.secrets,
            log: self.log,
            made: self.made,
            page: self.page,
            ..Tenant::default()
        }
    }
}

/// Everything at a station.
struct Kept {
    folder: PathBuf,
    tenant: KeptTenant,
    server: Server,
    memory: Memory,
}

/// By station; made by whoever comes first.
static KEPT: Mutex<BTreeMap<Station, Kept>> = Mutex::new(BTreeMap::new());
static FOLDER: Mutex<Option<(tempfile::TempDir, std::fs::File)>> = Mutex::new(None);
/// The groups before any run.
static FRESH: Mutex<Option<Dump>> = Mutex::new(None);

impl Lab {
    /// A lab whose run stands at this station; `None` where there can be no controller.
    pub fn at(station: Station) -> Option<Lab> {
        if !directory::available() {
            return None;
        }
        let mut kept = KEPT.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.is_empty() {
            lead(&mut kept)?;
        }
        Some(kept[&station].again())
    }

    /// Keeps everything as it is now.
    fn keep(&mut self, folder: &Path) -> Kept {
        std::fs::create_dir_all(folder).unwrap();
        let memory = self.agent.memory();
        self.controller.keep(&folder.join("dc"));
        for name in ["store", "plan", "bundle", "connect-state.json"] {
            super::lab::copy(&self.path(name), &folder.join(name));
        }
        let tenant = KeptTenant::of(&self.server.tenant.lock().unwrap());
        Kept { folder: folder.to_owned(), tenant, server: self.administrator.server.clone(), memory }
    }
}

impl Kept {
    fn again(&self) -> Lab {
        let controller = directory::start_kept(&self.folder.join("dc"));
        let dir = tempfile::tempdir().unwrap();
        for name in ["store", "plan", "bundle", "connect-state.json"] {
            super::lab::copy(&self.folder.join(name), &dir.path().join(name));
        }
        let server = start(self.tenant.clone().back());
        let state = State::of(server.tenant.clone());
        let agent = Agent::start(&controller, server.tenant.clone());
        agent.remember(self.memory.clone());
        let mut administrator = Administrator::new(dir.path().join("connect-state.json"));
        administrator.server = self.server.clone();
        administrator.keep_state();
        let world = World::cutover();
        let mut lab = Lab {
            world,
            controller,
            server,
            state,
            agent,
            administrator,
            dir,
            user: directory::ADMIN,
            variables: Vec::new(),
        };
        lab.configure("");
        lab
    }
}

/// Leads a run past every station.
fn lead(kept: &mut BTreeMap<Station, Kept>) -> Option<()> {
    // A static is never dropped: the next run of tests takes the folder away.
    let holder = directory::own_folder();
    let folder = holder.0.path().to_owned();
    *FOLDER.lock().unwrap_or_else(PoisonError::into_inner) = Some(holder);
    let mut lab = Lab::new()?;
    lab.plan("documented");
    *FRESH.lock().unwrap_or_else(PoisonError::into_inner) = Some(lab.dump());
    lab.begin().code(4).says(&["staging"]);
    let at = lab.keep(&folder.join("stamped"));
    kept.insert(Station::Stamped, at);
    lab.drive(|_, step| step.contains("Canary")).code(4);
    let at = lab.keep(&folder.join("ready"));
    kept.insert(Station::Ready, at);
    lab.drive(|_, step| step.contains("Offices")).code(4);
    let at = lab.keep(&folder.join("canaries"));
    kept.insert(Station::Canaries, at);
    Some(())
}

/// What a run of all waves leaves different from before: the stamps, what was drifted put right, and the throwaway group.
pub fn expected(lab: &Lab, fresh: &Dump) -> Vec<String> {
    let mut out = Vec::new();
    for lines in fresh.values() {
        let dn = values(lines, "dn").pop().unwrap();
        let Some(group) = lab.world.groups.iter().find(|g| same_dn(&g.dn(), &dn)) else { continue };
        let outside = ["Bystander", "Team Site", "Club"].contains(&group.name);
        if group.name == "Drifted" {
            out.push(format!("{dn}: - member: {}", person_dn(20)));
            out.push(format!("{dn}: + member: {}", person_dn(19)));
        }
        if group.stamp == Stamp::Empty && !outside {
            out.push(format!("{dn}: + msDS-ExternalDirectoryObjectId: {}", group.anchor()));
        }
    }
    let throwaway = lab.dump();
    let throwaway = throwaway.values().find(|l| l.iter().any(|l| l.starts_with("displayName: groupshift throwaway")));
    out.extend(throwaway.map(|lines| format!("{} is new", values(lines, "dn").pop().unwrap())));
    out
}

impl Lab {
    /// The groups as they were before any run.
    pub fn fresh(&self) -> Dump {
        FRESH.lock().unwrap_or_else(PoisonError::into_inner).clone().expect("a station was led past")
    }
    pub fn status(&self) -> Value {
        let ran = self.go(&["cutover", "status", "--format", "json"]).code(0);
        serde_json::from_str(&ran.out).unwrap()
    }
    /// How many writes of the journal stand so.
    pub fn writes(&self, state: &str) -> u64 {
        let status = self.status();
        status["steps"].as_array().unwrap().iter().map(|s| s["writes"][state].as_u64().unwrap()).sum()
    }
    pub fn rollback(&self, what: &[&str]) -> Ran {
        let mut arguments = vec!["cutover", "rollback", "--yes", "--no-progress"];
        arguments.extend(what);
        self.go(&arguments)
    }
    /// Takes everything back, with the administrator doing what waits.
    pub fn rollback_all(&mut self) -> Ran {
        for _ in 0..40 {
            let ran = self.rollback(&["--all"]);
            if ran.code != 4 || self.waits().is_none() {
                return ran;
            }
            self.work();
        }
        panic!("the rollback goes round in a circle: it waits for {:?}", self.waits());
    }

    /// Begins the run.
    pub fn begin(&mut self) -> Ran {
        let mut arguments = vec!["cutover", "run", "plan/plan.json"];
        arguments.extend(WORD);
        self.go(&arguments)
    }

    /// Goes on once, with the word that every run has and with more.
    pub fn resume(&self, more: &[&str]) -> Ran {
        let mut arguments = vec!["cutover", "resume"];
        arguments.extend(WORD);
        arguments.extend(["--confirm-irreversible", "contoso.test"]);
        arguments.extend(more);
        self.go(&arguments)
    }

    /// Goes on, with the administrator doing what waits on the servers, until the run ends or stops for another reason, or
    /// until `here` says so of a script that waits: it is given the step's id and title, and the script is left undone.
    pub fn drive(&mut self, here: impl Fn(&Lab, &str) -> bool) -> Ran {
        let mut copies = 0;
        loop {
            let waits = self.waits();
            if let Some(title) = &waits
                && here(self, title)
            {
                return Ran { code: 4, out: title.clone(), err: String::new() };
            }
            if waits.is_some() {
                self.work();
            }
            copies += 1;
            assert!(copies < 60, "the run goes round in a circle: it waits for {:?}", self.waits());
            let copy = self.path(&format!("copies/{copies}"));
            let ran = self.resume(&["--copy-to", copy.to_str().unwrap()]);
            if ran.code != 4 || self.waits().is_none() {
                return ran;
            }
        }
    }

    /// To the end.
    pub fn finish(&mut self) -> Ran {
        self.drive(|_, _| false)
    }

    /// The script that waits for the administrator: its step's title.
    pub fn waits(&self) -> Option<String> {
        let run = self.run_folder()?;
        let (script, _) = super::connect::waiting(&run).pop()?;
        let name = script.file_stem().unwrap().to_string_lossy().into_owned();
        let id = name.split('-').next().unwrap();
        let plan = self.json("plan/plan.json");
        let step = plan["steps"].as_array().unwrap().iter().find(|s| s["id"] == id)?.clone();
        Some(format!("{id} {}", step["title"].as_str().unwrap()))
    }

    /// The administrator does what waits, with the effects on the tenant.
    pub fn work(&mut self) -> Vec<String> {
        let run = self.run_folder().unwrap();
        let done = self.administrator.work(&run).unwrap();
        let v2 = self.administrator.server.v2;
        self.state.with(|t| {
            t.fixed.get_mut("/directory/onPremisesSynchronization").unwrap()[0]["features"]["groupWriteBackEnabled"] =
                v2.into();
        });
        done
    }
}
