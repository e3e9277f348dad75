//! What the tests of the engine play on: a small tenant of three waves with everything a plan needs to be executable, its
//! twin, and a store that is thrown away.

use crate::support::connect::ENTRA_CONNECTOR;
use crate::support::{self, G, World, group_dn, group_id, member, user_dn, user_id};
use groupshift::assess::{AboutBundle, Accepted, Assessed, Settings};
use groupshift::cutover::engine::{Accept, Ending, Engine, Halt, Options, Stop};
use groupshift::cutover::record::{RunRecord, StepState, WriteRecord};
use groupshift::cutover::rollback::{Rolled, Target};
use groupshift::cutover::store::{Run, Store};
use groupshift::directory::ObjectGuid;
use groupshift::directory::inventory::Inventory;
use groupshift::error::Error;
use groupshift::plan::model::{PlannedGroup, Step};
use groupshift::plan::toml_file::TomlText;
use groupshift::plan::{self, Input, Made, Order, Plan};
use groupshift::twin::{Before, Twin};
use serde_json::json;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock};

/// The Microsoft 365 group that stays outside, on both sides.
pub const TOWN_HALL: &str = "eeeeeeee-0000-4000-8000-000000000001";
pub const DOMAIN_NAME: &str = "contoso.com";

/// A tenant with its plan.
pub struct Stage {
    bundle: PathBuf,
    pub plan: Plan,
    bytes: Vec<u8>,
    pub settings: Settings,
}

/// How the plan is made.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Kind {
    pub canary_first: bool,
    pub frozen_canaries: bool,
    pub by_attribute: bool,
    /// The tenant has a Cloud Sync job already, with a group in its scope.
    pub with_job: bool,
}

pub fn documented() -> &'static Stage {
    stage(Kind::default())
}

/// Made once a test program, and shared.
pub fn stage(kind: Kind) -> &'static Stage {
    static STAGES: OnceLock<Mutex<BTreeMap<Kind, &'static Stage>>> = OnceLock::new();
    one_thread();
    let stages = STAGES.get_or_init(Mutex::default);
    let mut stages = stages.lock().unwrap_or_else(|e| e.into_inner());
    stages.entry(kind).or_insert_with(|| Box::leak(Box::new(make(kind, |_| {}))))
}

pub fn world(kind: Kind) -> World {
    let mut world = World::base();
    for n in 3..=8 {
        world.add_user(n);
    }
    for n in 1..=6 {
        world.add_pair(n);
        for user in [n, n + 1, n + 2] {
            world.entry(&format!("Extra {n}")).add("member", user_dn(user));
            let list = world.entra(&group_id(n))["members"].as_array_mut().unwrap();
            list.push(member("user", &user_id(user)));
        }
    }
    // 2 nests 1, and 5 nests 4, on both sides.
    for (parent, child) in [(2, 1), (5, 4)] {
        world.entry(&format!("Extra {parent}")).add("member", group_dn(&format!("Extra {child}")));
        let list = world.entra(&group_id(parent))["members"].as_array_mut().unwrap();
        list.push(member("group", &group_id(child)));
    }
    // A member that comes with the first update, and one that stands in AD only.
    world.entra(&group_id(3))["members"].as_array_mut().unwrap().push(member("user", &user_id(8)));
    // One is stamped already.
    world.entry("Extra 6").set("msDS-ExternalDirectoryObjectId", format!("Group_{}", group_id(6)));
    // A Microsoft 365 group that V1 writes on.
    let mut hall = support::ad_group("Town Hall", TOWN_HALL, 2900);
    hall.set("groupType", "8").add("member", user_dn(1));
    world.add_entry(hall);
    let mut hall = support::entra_group("Town Hall", TOWN_HALL);
    hall["groupTypes"] = json!(["Unified"]);
    hall["mailEnabled"] = json!(true);
    hall["securityEnabled"] = json!(false);
    hall["members"].as_array_mut().unwrap().push(member("user", &user_id(1)));
    world.add_entra(hall);
    world.json(
        "entra/onPremisesSynchronization.json",
        json!({ "value": [{ "id": "t", "features": { "groupWriteBackEnabled": true, "unifiedGroupWritebackEnabled": true } }] }),
    );
    world.json(
        "cloudsync/agents.json",
        json!({ "value": [
        { "id": "a1", "machineName": "CONNECT1.contoso.com", "status": "active", "version": "1.1.2505.0" },
        { "id": "a2", "machineName": "AGENT2.contoso.com", "status": "active", "version": "1.1.2505.0" } ] }),
    );
    world.server("CONNECT1", |_| {});
    world.server("CONNECT2", |s| s["scheduler"]["stagingModeEnabled"] = json!(true));
    assert_eq!(ENTRA_CONNECTOR.len(), 36);
    world.settings.domain = Some(DOMAIN_NAME.to_owned());
    let accept = |gate: &str| Accepted { gate: gate.to_owned(), reason: "seen".to_owned(), by: "test".to_owned() };
    world.settings.accepted = ["E2", "E12", "E14", "E15"].map(accept).to_vec();
    if kind.by_attribute {
        world.settings.scope = groupshift::assess::ScopeMode::Attribute;
    }
    if kind.with_job {
        crate::job::add(&mut world);
    }
    world
}

pub fn make(kind: Kind, change: impl FnOnce(&mut World)) -> Stage {
    make_with(kind, &[], change)
}

/// The same; each of these groups gets a decision that takes it in though it nests a Microsoft 365 group.
pub fn make_with(kind: Kind, nesting: &[&str], change: impl FnOnce(&mut World)) -> Stage {
    let mut world = world(kind);
    change(&mut world);
    let dir = tempfile::tempdir().unwrap().keep();
    let bundle = world.bundle(&dir).unwrap_or_else(|e| panic!("{e}"));
    let hold = if kind.frozen_canaries { "writeback" } else { "staging" };
    let waves = format!(
        "[canary]\nsize = 2\ngroups = [\"{G}\", \"{}\"]\nhold = \"{hold}\"\n[waves]\nsize = 3\norder = \"name\"\n",
        group_id(3)
    );
    let mut decisions = format!(
        "[[decision]]\nrule = \"C02\"\ngroup = \"{TOWN_HALL}\"\naction = \"leave\"\nreason = \"V1 goes on\"\nby = \"test\"\n[[decision]]\nrule = \"C27\"\ngroup = \"{}\"\naction = \"include\"\nreason = \"known\"\nby = \"test\"\n",
        group_id(3)
    );
    for name in nesting {
        let n: u32 = name.trim_start_matches("Extra ").parse().unwrap();
        decisions += &format!(
            "[[decision]]\nrule = \"C26\"\ngroup = \"{}\"\naction = \"include\"\nreason = \"known\"\nby = \"test\"\n",
            group_id(n)
        );
    }
    let (opened, inventory) = bundle_open(&bundle);
    let assessed = Assessed::run(&inventory, &world.settings, AboutBundle::of(&opened)).unwrap();
    let text = |text: &'static str, path: &'static str| TomlText { text, path: Path::new(path) };
    let made = plan::plan(&Input {
        assessed: &assessed,
        order: if kind.canary_first { Order::CanaryFirst } else { Order::Documented },
        policy: Some(text(Box::leak(waves.into_boxed_str()), "waves.toml")),
        decisions: Some(text(Box::leak(decisions.into_boxed_str()), "decisions.toml")),
        bundle_path: "bundle".to_owned(),
        scripts_folder: "plan-scripts".to_owned(),
        draft: false,
    });
    let plan = match made.unwrap_or_else(|e| panic!("{e}")) {
        Made::Plan(plan) => *plan,
        Made::Blocked(stops) => panic!("{stops:#?}"),
    };
    let bytes = plan::canonical(&plan).unwrap();
    Stage { bundle, plan, bytes, settings: world.settings }
}

/// What a look at a tenant gives that differs from the stage's in this.
pub fn inventory_of(change: impl FnOnce(&mut World)) -> Inventory {
    let mut world = world(Kind::default());
    change(&mut world);
    let dir = tempfile::tempdir().unwrap();
    bundle_open(&world.bundle(dir.path()).unwrap()).1
}

fn bundle_open(path: &Path) -> (groupshift::bundle::Opened, Inventory) {
    groupshift::bundle::open(path).unwrap()
}

impl Stage {
    pub fn inventory(&self) -> Inventory {
        bundle_open(&self.bundle).1
    }
    pub fn bundle(&self) -> &Path {
        &self.bundle
    }
    pub fn play(&'static self) -> Play {
        self.play_of(|t| t)
    }
    /// As `rehearse` plays it.
    pub fn scenes<T>(&self, with: impl FnOnce(&groupshift::twin::Stage<'_>) -> T) -> T {
        let read = || Ok(self.inventory());
        let base = Path::new("/dev/shm");
        let dir = if base.is_dir() { base.to_owned() } else { std::env::temp_dir() };
        let options = Options { settings: self.settings.clone(), ..Options::default() };
        with(&groupshift::twin::Stage { plan: &self.plan, inventory: &read, options, dir, kept: None })
    }
    pub fn seeded(&'static self, seed: u64) -> Play {
        self.begin(Twin::of(self.inventory(), &self.plan, Some(seed)))
    }
    /// With a twin that was changed before anything began.
    pub fn play_of(&'static self, change: impl FnOnce(Twin) -> Twin) -> Play {
        self.begin(change(Twin::of(self.inventory(), &self.plan, None)))
    }
    fn begin(&'static self, twin: Twin) -> Play {
        let base = Path::new("/dev/shm");
        let dir = match base.is_dir() {
            true => tempfile::tempdir_in(base).unwrap(),
            false => tempfile::tempdir().unwrap(),
        };
        let options = Options {
            yes: true,
            accept: ["E5", "E13", "C37"].iter().map(|g| accept(g)).collect(),
            confirm_irreversible: Some(DOMAIN_NAME.to_owned()),
            copy_to: Some(dir.path().join("elsewhere")),
            settings: self.settings.clone(),
            ..Options::default()
        };
        let before = twin.before();
        let store = Store::open(&dir.path().join("store")).unwrap();
        let run = store.begin(&self.plan, &self.bytes, Path::new("nowhere"), DOMAIN_NAME, twin.now()).unwrap();
        Play { stage: self, twin, before, options, run: run.id().to_owned(), dir }
    }

    /// The plan with other steps, hashed anew: what no planner makes.
    pub fn with_steps(&mut self, steps: Vec<Step>) {
        self.plan.steps = steps;
        self.plan.sha256.clear();
        self.plan.sha256 = plan::file::hash(&self.plan).unwrap();
        self.bytes = plan::canonical(&self.plan).unwrap();
    }
    pub fn group(&self, name: &str) -> &PlannedGroup {
        let head = format!("CN={name},");
        self.plan.waves.iter().flat_map(|w| &w.groups).find(|g| g.dn.starts_with(&head)).unwrap()
    }
    pub fn guid(&self, name: &str) -> ObjectGuid {
        ObjectGuid::parse(&self.group(name).object_guid).unwrap()
    }
    pub fn id(&self, name: &str) -> ObjectGuid {
        ObjectGuid::parse(&self.group(name).object_id).unwrap()
    }
    pub fn step(&self, kind: &str) -> &Step {
        self.plan.steps.iter().find(|s| s.kind == kind).unwrap()
    }
}

pub fn accept(subject: &str) -> Accept {
    Accept { subject: subject.to_owned(), reason: "for the test".to_owned(), by: "test".to_owned() }
}

/// One thread for what runs in parallel: the twins are small, and the tests run beside each other.
pub fn one_thread() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| drop(rayon::ThreadPoolBuilder::new().num_threads(1).build_global()));
}

pub fn rt() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

/// One run on one twin.
pub struct Play {
    pub stage: &'static Stage,
    pub twin: Twin,
    pub before: Before,
    pub options: Options,
    pub run: String,
    pub dir: tempfile::TempDir,
}

impl Play {
    pub fn store(&self) -> Store {
        Store::open(&self.dir.path().join("store")).unwrap()
    }
    /// The run as a reader sees it.
    pub fn run(&self) -> Run {
        self.store().run(Some(&self.run)).unwrap()
    }
    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }
    /// One process: goes on until it ends.
    pub fn go(&self) -> Result<Ending, Error> {
        let store = self.store().with_fuse(self.twin.fuse());
        self.go_in(&store)
    }
    pub fn go_in(&self, store: &Store) -> Result<Ending, Error> {
        let run = store.run(Some(&self.run)).unwrap();
        let ports = self.twin.ports();
        rt().block_on(Engine::new(&ports, &run, &self.stage.plan, &self.options).go())
    }
    /// Goes on to the end, which it has to reach.
    pub fn finish(&self) {
        match self.go() {
            Ok(Ending::Done) => {}
            other => panic!("{}\n{}", told(&other), self.log()),
        }
    }
    /// Goes on, and has to be stopped at a gate or by a difference.
    pub fn stops(&self) -> Stop {
        match self.go() {
            Ok(Ending::Gate(stop) | Ending::Drift(stop)) => stop,
            other => panic!("{}\n{}", told(&other), self.log()),
        }
    }
    /// Goes on until this step is done.
    pub fn go_until_done(&mut self, step: &Step) {
        self.go_until(step, StepState::Done);
    }
    pub fn go_until(&mut self, step: &Step, state: StepState) {
        let wanted = step.id.clone();
        let at = self.stage.plan.steps.iter().position(|s| s.id == wanted).unwrap();
        if let (StepState::Begun, true) = (state, at > 0) {
            let former = self.stage.plan.steps[at - 1].clone();
            return self.go_until_done(&former);
        }
        // The journal's boundary of the step after it ends the process.
        let next = self.stage.plan.steps.get(at + 1).map(|s| s.id.clone());
        let Some(next) = next else { return self.finish() };
        let (path, run) = (self.dir.path().join("store"), self.run.clone());
        let fuse = self.twin.fuse();
        let store = self.store().with_fuse(std::rc::Rc::new(move |name| {
            fuse(name)
                || (name == "step.after" && {
                    let reader = Store::open(&path).unwrap();
                    reader.run(Some(&run)).unwrap().step(&next).unwrap().state == StepState::Begun
                })
        }));
        match self.go_in(&store) {
            Err(e) if groupshift::cutover::store::is_crash(&e) => {}
            other => panic!("{}\n{}", told(&other), self.log()),
        }
    }
    #[allow(clippy::result_large_err)]
    pub fn rollback(&self, target: &Target) -> Result<Rolled, Halt> {
        let store = self.store().with_fuse(self.twin.fuse());
        let run = store.run(Some(&self.run)).unwrap();
        let ports = self.twin.ports();
        rt().block_on(Engine::new(&ports, &run, &self.stage.plan, &self.options).rollback(target))
    }
    /// Rolls back, which has to go through.
    pub fn rolled(&self, target: &Target) -> Rolled {
        match self.rollback(target) {
            Ok(rolled) => rolled,
            Err(Halt::Gate(stop) | Halt::Drift(stop)) => panic!("{stop:#?}\n{}", self.log()),
            Err(Halt::Error(e)) => panic!("{e}\n{}", self.log()),
            Err(Halt::Interrupted(why)) => panic!("{why}"),
        }
    }
    pub fn record(&self) -> RunRecord {
        self.run().record().unwrap()
    }
    pub fn writes(&self) -> Vec<WriteRecord> {
        self.run().writes().unwrap()
    }
    pub fn state_of(&self, step: &Step) -> StepState {
        self.run().step(&step.id).unwrap().state
    }
    /// What the operator was told.
    pub fn log(&self) -> String {
        let lines = self.twin.lines();
        lines.iter().map(|l| format!("{} {:?} {}\n", l.at.format("%d %H:%M:%S"), l.level, l.text)).collect()
    }
    pub fn said(&self, text: &str) -> bool {
        self.twin.lines().iter().any(|l| l.text.contains(text))
    }
    /// Nothing is held against the run.
    pub fn intact(&self) {
        assert_eq!(self.twin.check(&self.before), Vec::<String>::new(), "{:#?}\n{}", self.twin.faults(), self.log());
    }
    /// Members of an AD group now, by DN, sorted.
    pub fn members(&self, guid: ObjectGuid) -> Vec<String> {
        let now = self.twin.present();
        let row = now.ad.groups.iter().position(|g| now.ad_object(g).guid == guid).unwrap();
        let mut out: Vec<String> = now.ad.members.row(row).iter().map(|m| now.dn(*m).to_owned()).collect();
        out.sort();
        out
    }
    pub fn dn(&self, guid: ObjectGuid) -> Option<String> {
        let now = self.twin.present();
        let group = now.ad.groups.iter().find(|g| now.ad_object(g).guid == guid)?;
        Some(now.dn(group.object).to_owned())
    }
    pub fn stamp(&self, guid: ObjectGuid) -> Option<String> {
        let now = self.twin.present();
        let group = now.ad.groups.iter().find(|g| now.ad_object(g).guid == guid)?;
        now.text.get(group.edoi).map(str::to_owned)
    }
}

pub fn told(ending: &Result<Ending, Error>) -> String {
    match ending {
        Ok(Ending::Gate(stop)) => format!("gate: {stop:#?}"),
        Ok(Ending::Drift(stop)) => format!("drift: {stop:#?}"),
        Ok(other) => format!("{other:?}"),
        Err(e) => format!("error: {e} {:?}", e.hints),
    }
}
