//! The twin: a directory, a tenant, Connect servers and Cloud Sync in memory, made from a bundle, on which `rehearse` and
//! `demo` run the very engine that cuts a real forest over. It knows no plan's prediction: it matches, writes and forgets
//! by rules of its own, and what the documentation leaves open is a switch of `Behaviour`.
//!
//! `ad` holds the objects and `directory` the port over them, likewise `cloud` and `tenant`; `cloud_sync` is the service
//! that writes from the one to the other, `servers` the Connect servers; `observer` looks at the whole, `operator` is the
//! person and the clock. `faults` draws what goes wrong from a seed; `audit` says what an outsider would hold against
//! the run. Time passes only while the operator sleeps.

mod ad;
mod audit;
mod changes;
mod cloud;
mod cloud_sync;
mod connect;
mod directory;
mod dump;
mod edits;
mod evidence;
mod fault;
mod faults;
mod log;
mod members;
mod observer;
mod operator;
mod rehearsal;
mod servers;
mod tenant;
mod world;

pub use audit::Before;
pub use cloud_sync::Behaviour;
pub use directory::TwinDirectory;
pub use edits::Edit;
pub use fault::Fault;
pub use faults::is_crash;
pub use observer::TwinObserver;
pub use operator::TwinOperator;
pub use rehearsal::{Rehearsal, SMOOTH, Scene, Seen, Stage};
pub use servers::TwinServers;
pub use tenant::TwinTenant;
pub use world::{Actor, Rights, Switches};

use crate::cutover::port::{Level, Ports};
use crate::cutover::record::LogLine;
use crate::directory::inventory::Inventory;
use crate::error::Result;
use crate::plan::Plan;
use chrono::{DateTime, Utc};
use std::cell::RefCell;
use std::rc::Rc;
use world::World;

/// The five ports over one twin.
pub type TwinPorts = Ports<TwinDirectory, TwinTenant, TwinServers, TwinObserver, TwinOperator>;

/// The state that all ports share. No borrow lasts over an await: every call ends before it returns its future's value.
pub(crate) type Shared = Rc<RefCell<World>>;

/// A tenant with its forest and its servers, in memory.
pub struct Twin {
    world: Shared,
}

impl Twin {
    /// From what was collected, and the plan that says which domain, which job and which servers it is about. Without a
    /// seed nothing goes wrong.
    pub fn of(inventory: Inventory, plan: &Plan, seed: Option<u64>) -> Twin {
        Twin { world: Rc::new(RefCell::new(World::new(inventory, plan, seed))) }
    }
    /// Meets this one fault, at a port call after that many, and nothing else.
    pub fn meeting(self, fault: Fault, after: u64, seed: u64) -> Twin {
        self.world.borrow_mut().faults = faults::Faults::only(fault, after, seed);
        self
    }
    /// The same from now on.
    pub fn meet(&self, fault: Fault, seed: u64) {
        let world = &mut *self.world.borrow_mut();
        world.faults.next(fault, seed);
    }
    /// How Cloud Sync behaves where the documentation is silent.
    pub fn behaving(self, behaviour: Behaviour) -> Twin {
        self.world.borrow_mut().behaviour = behaviour;
        self
    }
    /// The ports. Taken again after a simulated crash, they are those of the next process: the state lives on.
    pub fn ports(&self) -> TwinPorts {
        self.world.borrow_mut().faults.restart();
        let shared = || Rc::clone(&self.world);
        Ports {
            directory: TwinDirectory(shared()),
            tenant: TwinTenant(shared()),
            servers: TwinServers(shared()),
            observer: TwinObserver(shared()),
            operator: TwinOperator(shared()),
        }
    }
    /// To be asked at each boundary of the journal: true once the process is to be thought dead, and where the seed has
    /// it die just there.
    pub fn fuse(&self) -> Rc<dyn Fn(&str) -> bool> {
        let world = Rc::clone(&self.world);
        Rc::new(move |boundary| world.borrow_mut().boundary(boundary))
    }
    /// Lets the twin die at the n-th port call from now.
    pub fn crash_at(&self, call: u64) {
        self.world.borrow_mut().faults.crash_at(call);
    }
    /// Lets the process die once at every place of a port call, before it and, where it writes, after it.
    pub fn crash_everywhere(&self) {
        self.world.borrow_mut().faults.everywhere();
    }
    /// Tells, whenever it is asked, how far things have come, as a process that begins again would find it.
    pub fn watch(&self) -> impl Fn() -> String + use<> {
        let world = Rc::clone(&self.world);
        move || {
            let world = world.borrow();
            let said = world.operator.lines.last().map(|l| l.text.as_str()).unwrap_or_default();
            // Times, and names that are numbered, are others whenever something is done again.
            let said = said.split(':').next().unwrap_or_default();
            format!("{} {} {said}", world.ad.usn, world.cloud.version)
        }
    }
    /// Everything as text, but times and what counts changes: two twins of one state give the same.
    pub fn dump(&self) -> String {
        self.world.borrow().dump()
    }
    /// How many changes AD has taken since the beginning: a write that was done twice shows.
    pub fn changes(&self) -> u64 {
        self.world.borrow().ad.usn
    }
    /// Changes rights, reachability and the like.
    pub fn switch(&self, change: impl FnOnce(&mut Switches)) {
        change(&mut self.world.borrow_mut().switches);
    }
    /// Changes the job's saved schema, as somebody at the portal does.
    pub fn schema(&self, change: impl FnOnce(&mut serde_json::Value)) {
        if let Some(schema) = &mut self.world.borrow_mut().cloud.schema {
            change(schema);
        }
    }
    /// Takes the custom rules off a Connect server, as its administrator does.
    pub fn drop_rules(&self, server: &str) {
        let connect = &mut self.world.borrow_mut().connect;
        if let Some(at) = connect.server(server) {
            connect.servers[at].rules.retain(|r| r.immutable_tag.is_some());
            connect.changed = true;
        }
    }
    /// Another database answers under the controller's name.
    pub fn replace_controller(&self) {
        let world = &mut *self.world.borrow_mut();
        world.ad.invocation_id = world.new_guid();
    }
    /// Sets a secret of the job, as whoever set it up did.
    pub fn secret(&self, key: &str, value: &str) {
        let secrets = &mut self.world.borrow_mut().cloud.secrets;
        secrets.retain(|(k, _)| k != key);
        secrets.push((key.to_owned(), value.to_owned()));
    }
    /// Answers every question that holds this text, or whose flag does.
    pub fn answer(&self, question: &str, text: &str) {
        self.world.borrow_mut().operator.script.push((question.to_owned(), Some(text.to_owned())));
    }
    /// Nobody is there to answer such a question; an empty text means any.
    pub fn nobody(&self, question: &str) {
        self.world.borrow_mut().operator.script.push((question.to_owned(), None));
    }
    /// The operator wants to stop, and why.
    pub fn stop(&self, why: &str) {
        self.world.borrow_mut().operator.stop = Some(why.to_owned());
    }
    pub fn go_on(&self) {
        self.world.borrow_mut().operator.stop = None;
    }
    /// Somebody else does something.
    pub fn foreign(&self, edit: &Edit) -> Result<String> {
        let world = &mut *self.world.borrow_mut();
        let said = world.edit(edit)?;
        world.note(format!("somebody else: {said}"));
        Ok(said)
    }
    pub fn now(&self) -> DateTime<Utc> {
        self.world.borrow().now
    }
    /// Lets time pass, with what falls due in it.
    pub fn pass(&self, time: std::time::Duration) {
        self.world.borrow_mut().pass(time);
    }
    /// What the operator was told, questions and answers included.
    pub fn lines(&self) -> Vec<LogLine> {
        self.world.borrow().operator.lines.clone()
    }
    /// What the operator did, among the lines of what was told.
    pub fn did(&self, text: &str) {
        let world = &mut *self.world.borrow_mut();
        let line = LogLine { at: world.now, level: Level::Step, text: text.to_owned() };
        world.operator.lines.push(line);
    }
    /// What went wrong so far, in the order in which it was injected.
    pub fn faults(&self) -> Vec<String> {
        self.world.borrow().faults.told().to_vec()
    }
    /// How many port calls there were.
    pub fn calls(&self) -> u64 {
        self.world.borrow().faults.calls()
    }
    /// The state to hold the end against.
    pub fn before(&self) -> Before {
        Before::of(&self.world.borrow())
    }
    /// What an outsider would hold against the run: identities lost, members lost, others' work undone.
    pub fn check(&self, before: &Before) -> Vec<String> {
        let world = self.world.borrow();
        let mut out = world.broken.clone();
        out.extend(before.differences(&world));
        out
    }
    /// The part of `check` that the run itself did; whatever else went wrong, there must be none.
    pub fn broken(&self) -> Vec<String> {
        self.world.borrow().broken.clone()
    }
    /// Everything as it stands, as a collection would give it.
    pub fn present(&self) -> Inventory {
        self.world.borrow().present().0
    }
}
