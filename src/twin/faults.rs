//! What goes wrong, drawn from a seed: connections that break before or after a write took effect, busy services, others
//! who change things meanwhile, controllers that fall silent, a process that dies, and a Cloud Sync that does what nobody
//! foretold. The same seed and the same calls give the same faults.

use super::fault::Fault;
use super::world::World;
use crate::cutover::port::{Refusal, WriteFault, Written};
use crate::cutover::store;
use crate::directory::ObjectGuid;
use crate::error::{Error, Result};
use chrono::{DateTime, TimeDelta, Utc};
use hashbrown::HashSet;

/// Which port a call goes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Port {
    Directory,
    Tenant,
    Servers,
    Observer,
}

/// What a call meets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hit {
    LostBefore,
    LostAfter,
    Busy,
    CrashBefore,
    CrashAfter,
    /// What somebody else does; drawn where it is not named.
    Edit(Option<usize>),
    Silence,
}

/// What Cloud Sync does of its own to one group of a cycle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Surprise {
    Strip,
    Rename,
    Move,
    Duplicate,
    Delete,
    Quarantine,
    Skip,
}

/// True for the error of a simulated crash: what comes after it in the same process counts for nothing.
pub fn is_crash(error: &Error) -> bool {
    store::is_crash(error)
}

pub(super) fn crash() -> Error {
    store::crash("a call that the seed chose")
}

pub(crate) struct Faults {
    rng: Option<fastrand::Rng>,
    /// How many are still to come, and one call in how many meets one.
    budget: u32,
    one_in: u32,
    /// Groups of a cycle that meet a surprise, likewise.
    surprises: u32,
    calls: u64,
    crash_at: Option<u64>,
    dead: bool,
    silent: Option<(String, DateTime<Utc>)>,
    /// One fault that comes for certain, at the first call that it fits from this one on.
    sure: Option<(Fault, u64)>,
    /// The process dies at every call, before it and after it, once: what was seen already.
    everywhere: Option<HashSet<String>>,
    told: Vec<String>,
}

impl Faults {
    pub fn new(seed: Option<u64>) -> Faults {
        let mut rng = seed.map(fastrand::Rng::with_seed);
        // Some seeds crowd their faults at the start of a run, others spread them over all of it.
        let (budget, one_in, surprises) = match &mut rng {
            Some(rng) => (rng.u32(1..=6), [4, 10, 25, 60, 150][rng.usize(..5)], if rng.u8(..3) == 0 { 1 } else { 0 }),
            None => (0, 1, 0),
        };
        Faults {
            rng,
            budget,
            one_in,
            surprises,
            calls: 0,
            crash_at: None,
            dead: false,
            silent: None,
            sure: None,
            everywhere: None,
            told: Vec::new(),
        }
    }
    /// Nothing else goes wrong but this, at a call after that many; the seed picks what else there is to pick.
    pub fn only(fault: Fault, after: u64, seed: u64) -> Faults {
        Faults {
            rng: Some(fastrand::Rng::with_seed(seed)),
            budget: 0,
            surprises: 0,
            sure: Some((fault, after)),
            ..Faults::new(None)
        }
    }
    /// This one next, whatever came before.
    pub fn next(&mut self, fault: Fault, seed: u64) {
        self.rng.get_or_insert_with(|| fastrand::Rng::with_seed(seed));
        self.sure = Some((fault, self.calls));
    }
    pub fn everywhere(&mut self) {
        self.everywhere = Some(HashSet::new());
    }
    /// Whether the process dies here, since it has not yet.
    fn first_here(&mut self, place: String) -> bool {
        self.everywhere.as_mut().is_some_and(|seen| seen.insert(place))
    }
    fn due(&self) -> Option<Fault> {
        self.sure.filter(|(_, after)| self.calls > *after).map(|(fault, _)| fault)
    }
    /// The next process.
    pub fn restart(&mut self) {
        self.dead = false;
    }
    pub fn is_dead(&self) -> bool {
        self.dead
    }
    pub fn crash_at(&mut self, call: u64) {
        self.crash_at = Some(self.calls + call);
    }
    pub fn calls(&self) -> u64 {
        self.calls
    }
    pub fn told(&self) -> &[String] {
        &self.told
    }
    pub fn tell(&mut self, text: String) {
        self.told.push(text);
    }
    pub fn is_silent(&self, host: &str, now: DateTime<Utc>) -> bool {
        self.silent.as_ref().is_some_and(|(silent, until)| silent.eq_ignore_ascii_case(host) && now < *until)
    }
    pub fn pick(&mut self, below: usize) -> usize {
        match &mut self.rng {
            Some(rng) if below > 0 => rng.usize(..below),
            _ => 0,
        }
    }

    fn draw(&mut self, port: Port, write: bool) -> Option<Hit> {
        self.calls += 1;
        if self.crash_at == Some(self.calls) {
            self.crash_at = None;
            return Some(if write { Hit::CrashAfter } else { Hit::CrashBefore });
        }
        if let Some(hit) = self.due().and_then(|fault| fault.hit(port, write)) {
            return Some(hit);
        }
        let rng = self.rng.as_mut().filter(|_| self.budget > 0)?;
        // Calls to servers and looks at the whole are few.
        let one_in = if matches!(port, Port::Servers | Port::Observer) { self.one_in.div_ceil(4) } else { self.one_in };
        if rng.u32(..one_in) != 0 {
            return None;
        }
        let hits: &[Hit] = match (port, write) {
            (Port::Directory, false) => {
                &[Hit::LostBefore, Hit::CrashBefore, Hit::Edit(None), Hit::Edit(None), Hit::Silence]
            }
            (Port::Directory | Port::Tenant, true) => &[
                Hit::LostBefore,
                Hit::LostAfter,
                Hit::LostAfter,
                Hit::Busy,
                Hit::CrashBefore,
                Hit::CrashAfter,
                Hit::CrashAfter,
                Hit::Edit(None),
            ],
            (Port::Tenant, false) => &[Hit::LostBefore, Hit::Busy, Hit::CrashBefore, Hit::Edit(None)],
            (Port::Servers, _) => &[Hit::LostBefore, Hit::CrashBefore, Hit::CrashAfter, Hit::Edit(None)],
            (Port::Observer, _) => &[Hit::LostBefore, Hit::CrashBefore, Hit::Edit(None), Hit::Edit(None)],
        };
        let hit = hits[rng.usize(..hits.len())];
        self.budget -= 1;
        Some(hit)
    }

    /// What a cycle does of its own, to one of this many groups.
    pub fn surprise(&mut self, groups: usize) -> Option<(usize, Surprise)> {
        if let Some(surprise) = self.due().and_then(Fault::surprise).filter(|_| groups > 0) {
            self.sure = None;
            return Some((self.pick(groups), surprise));
        }
        let rng = self.rng.as_mut().filter(|_| self.surprises > 0 && groups > 0)?;
        if rng.u8(..2) == 0 {
            return None;
        }
        self.surprises -= 1;
        let all = [
            Surprise::Strip,
            Surprise::Rename,
            Surprise::Move,
            Surprise::Duplicate,
            Surprise::Delete,
            Surprise::Quarantine,
            Surprise::Skip,
        ];
        Some((rng.usize(..groups), all[rng.usize(..all.len())]))
    }
}

impl World {
    /// A call that reads: it comes through, or why not.
    pub(super) fn arrive(&mut self, port: Port, what: &str) -> Result<()> {
        match self.hit(port, what, false)? {
            None => Ok(()),
            Some(_) => Err(lost(what)),
        }
    }

    /// A call that writes, perhaps in vain, perhaps without an answer.
    pub(super) fn attempt<T>(
        &mut self,
        port: Port,
        what: &str,
        write: impl FnOnce(&mut World) -> Written<T>,
    ) -> Written<T> {
        let doubt = |error| WriteFault::new(Refusal::Doubt, error);
        match self.hit(port, what, true).map_err(doubt)? {
            None => write(self),
            Some(Hit::LostAfter) => {
                write(self)?;
                Err(doubt(lost(what)))
            }
            Some(Hit::CrashAfter) => {
                // Whether it was done, the dead do not learn.
                let _ = write(self);
                self.faults.dead = true;
                Err(doubt(crash()))
            }
            Some(Hit::Busy) => {
                let error = Error::failed(format!("{what}: the service is busy (429), and asks for patience"));
                Err(WriteFault::new(Refusal::Busy, error.hint("Wait a while, then go on.")))
            }
            Some(_) => Err(doubt(lost(what))),
        }
    }

    /// Draws what a call meets, and does what can be done here. What is left concerns the call itself.
    fn hit(&mut self, port: Port, what: &str, write: bool) -> Result<Option<Hit>> {
        if self.faults.dead {
            return Err(crash());
        }
        // A step on a server takes its time whenever it is done again.
        let now = if port == Port::Servers { String::new() } else { self.now.to_string() };
        let place = format!("{what} {now} {} {}", self.ad.usn, self.cloud.version);
        let hit = match () {
            () if self.faults.first_here(format!("before {place}")) => Some(Hit::CrashBefore),
            () if write && self.faults.first_here(format!("after {place}")) => Some(Hit::CrashAfter),
            () => self.faults.draw(port, write),
        };
        let text = match hit {
            None => return Ok(None),
            Some(Hit::Edit(which)) => {
                if self.foreign_edit(which) {
                    self.faults.sure = None;
                }
                return Ok(None);
            }
            Some(Hit::Silence) => {
                let at = self.faults.pick(self.controllers.len());
                if let Some(controller) = self.controllers.get(at) {
                    let host = controller.host.clone();
                    self.note(format!("{host} does not answer for ten minutes"));
                    self.faults.silent = Some((host, self.now + TimeDelta::minutes(10)));
                    self.faults.sure = None;
                }
                return Ok(None);
            }
            Some(Hit::CrashBefore) => "the process dies before it",
            Some(Hit::CrashAfter) => "the process dies after it",
            Some(Hit::LostBefore) => "the connection breaks before it",
            Some(Hit::LostAfter) => "the connection breaks after it",
            Some(Hit::Busy) => "the service is busy",
        };
        self.faults.sure = None;
        self.note(format!("{what}: {text}"));
        if hit == Some(Hit::CrashBefore) {
            self.faults.dead = true;
            return Err(crash());
        }
        Ok(hit)
    }

    /// Whether the journal stops here: the process is dead already, or dies now.
    pub(super) fn boundary(&mut self, name: &str) -> bool {
        if self.faults.dead {
            return true;
        }
        if self.faults.due() == Some(Fault::CrashJournal) {
            self.faults.sure = None;
            self.note(format!("the process dies at the journal's {name}"));
            self.faults.dead = true;
            return true;
        }
        let Some(rng) = self.faults.rng.as_mut().filter(|_| self.faults.budget > 0) else { return false };
        if rng.u32(..self.faults.one_in.saturating_mul(8)) != 0 {
            return false;
        }
        self.faults.budget -= 1;
        self.note(format!("the process dies at the journal's {name}"));
        self.faults.dead = true;
        true
    }

    pub(super) fn planned(&mut self) -> Option<(ObjectGuid, ObjectGuid)> {
        let at = self.faults.pick(self.cloud.planned.len());
        self.cloud.planned.get(at).copied()
    }
}

fn lost(what: &str) -> Error {
    Error::failed(format!("{what}: the connection broke")).hint("Nothing is lost by it: go on when it is back.")
}
