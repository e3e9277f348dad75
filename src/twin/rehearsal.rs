//! A rehearsal: the real engine on the twin in a store that is thrown away, once without faults and once for each fault, with
//! an operator who does what a careful one would: resumes after a break, waits at a gate, rolls back at a difference. What
//! the operator saw, what was done next, and whether every group is intact in the end.

use super::{Fault, Twin};
use crate::cutover::engine::{Accept, Ending, Engine, Halt, Options, Stop};
use crate::cutover::record::LogLine;
use crate::cutover::rollback::{Rolled, Target};
use crate::cutover::store::{Run, Store, is_crash};
use crate::directory::inventory::Inventory;
use crate::error::{Error, Result};
use crate::plan::Plan;
use serde::Serialize;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The title of the run in which nothing goes wrong.
pub const SMOOTH: &str = "nothing goes wrong";
/// Gates that nothing can observe from here: a rehearsal takes them as checked, and says so.
const TAKEN: [&str; 7] = ["E2", "E5", "E12", "E13", "E14", "E15", "C37"];
/// Processes, and attempts of one rollback, after which something goes in circles.
const AT_MOST: u32 = 40;

/// Gets the title of a scene and its run.
pub type Keep<'s> = &'s dyn Fn(&str, &Run) -> Result<()>;

/// What a rehearsal is made from.
pub struct Stage<'s> {
    pub plan: &'s Plan,
    /// The bundle's inventory, anew for each scene.
    pub inventory: &'s dyn Fn() -> Result<Inventory>,
    pub options: Options,
    /// Where stores are made and thrown away.
    pub dir: PathBuf,
    /// Gets the run of each scene as it ended, before its store goes: for a report.
    pub kept: Option<Keep<'s>>,
}

/// All scenes.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Rehearsal {
    pub plan: String,
    pub domain: String,
    /// The plan is a draft: what would stop a real run was told and passed.
    pub draft: bool,
    pub seed: Option<u64>,
    pub scenes: Vec<Scene>,
    pub safe: bool,
}

/// One run on one twin.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Scene {
    pub title: String,
    /// What went wrong, in the order in which it did.
    pub happened: Vec<String>,
    /// What the operator saw and did, line by line.
    pub lines: Vec<LogLine>,
    /// Where the run ended before its end, and what was done next.
    pub stops: Vec<Seen>,
    pub processes: u32,
    /// `done`, `rolled-back` or `stopped`.
    pub ending: &'static str,
    pub safe: bool,
    pub verdict: String,
    /// What an outsider holds against the run; empty where it is safe.
    pub against: Vec<String>,
    /// Port calls, for choosing where a fault comes.
    #[serde(skip)]
    calls: u64,
}

/// One stop as the operator saw it.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Seen {
    /// `gate`, `difference`, `interrupted`, `error`, `crash` or `stuck`.
    pub kind: &'static str,
    pub headline: String,
    pub lines: Vec<String>,
    pub next: Vec<String>,
    /// What was done next.
    pub did: String,
}

impl Stage<'_> {
    /// The run without faults, and with a seed one run a fault, each at a moment that the seed picks, and one with several.
    pub async fn rehearse(&self, seed: Option<u64>) -> Result<Rehearsal> {
        let twin = || Ok::<_, Error>(Twin::of((self.inventory)()?, self.plan, None));
        let smooth = self.scene(SMOOTH, twin()?).await?;
        let calls = smooth.calls;
        let mut scenes = vec![smooth];
        if let Some(seed) = seed {
            let mut rng = fastrand::Rng::with_seed(seed);
            for fault in Fault::ALL {
                // Cycles of the job are few, and none comes late enough for every moment.
                let late = if fault >= Fault::Strips { calls * 3 / 4 } else { calls * 9 / 10 };
                let (after, own) = (rng.u64(..late.max(1)), rng.u64(..));
                scenes.push(self.scene(fault.title(), twin()?.meeting(fault, after, own)).await?);
            }
            let several = Twin::of((self.inventory)()?, self.plan, Some(seed));
            scenes.push(self.scene("several things go wrong", several).await?);
        }
        Ok(Rehearsal {
            plan: self.plan.sha256.clone(),
            domain: self.plan.bundle.domain.clone().unwrap_or_default(),
            draft: self.is_draft(),
            seed,
            safe: scenes.iter().all(|s| s.safe),
            scenes,
        })
    }

    fn is_draft(&self) -> bool {
        !self.plan.executable || !self.plan.bundle.complete || self.plan.bundle.anonymised
    }

    /// One run on one twin, to its end or to a rollback.
    pub async fn scene(&self, title: &str, twin: Twin) -> Result<Scene> {
        let dir = tempfile::tempdir_in(&self.dir).map_err(|e| Error::io("make a folder in", &self.dir, e))?;
        let domain = self.plan.bundle.domain.clone().or_else(|| self.plan.job.domain.clone()).unwrap_or_default();
        let mut options = self.options.clone();
        let taken = |gate: &&str| Accept {
            subject: (**gate).to_owned(),
            reason: "taken as checked, for the rehearsal".to_owned(),
            by: "the rehearsal".to_owned(),
        };
        options.accept.extend(TAKEN.iter().map(taken));
        options.yes = true;
        options.confirm_irreversible = Some(domain.clone());
        options.copy_to = Some(dir.path().join("off-host"));
        options.rehearsal = self.is_draft();
        let store = dir.path().join("store");
        let bytes = crate::plan::canonical(self.plan)?;
        let id = Store::open(&store)?.begin_rehearsal(self.plan, &bytes, &domain, twin.now())?.id().to_owned();
        let mut play =
            Play { stage: self, twin, options, store, id, stops: Vec::new(), processes: 0, against: Vec::new() };
        let before = play.twin.before();
        let (ending, verdict) = play.act().await?;
        let mut against = std::mem::take(&mut play.against);
        against.extend(play.twin.check(&before));
        against.sort();
        against.dedup();
        let safe = against.is_empty();
        if let Some(kept) = self.kept {
            kept(title, &play.open()?.run(Some(&play.id))?)?;
        }
        let folder = dir.path().to_string_lossy().into_owned();
        let steady = |text: &str| steady(text, &folder);
        Ok(Scene {
            title: title.to_owned(),
            happened: play.twin.faults(),
            lines: play.twin.lines().into_iter().map(|l| LogLine { text: steady(&l.text), ..l }).collect(),
            stops: play
                .stops
                .into_iter()
                .map(|s| Seen {
                    headline: steady(&s.headline),
                    lines: s.lines.iter().map(|l| steady(l)).collect(),
                    ..s
                })
                .collect(),
            processes: play.processes,
            ending,
            verdict: if safe { verdict } else { "NOT SAFE".to_owned() },
            safe,
            against: against.iter().map(|a| steady(a)).collect(),
            calls: play.twin.calls(),
        })
    }
}

/// Paths and hashes of a rehearsal differ from one to the next, and mean nothing.
fn steady(text: &str, folder: &str) -> String {
    let text = text.replace(folder, "REHEARSAL");
    match text.split_once("manifest SHA-256 ") {
        Some((head, tail)) => {
            format!("{head}manifest SHA-256 …{}", tail.trim_start_matches(|c: char| c.is_ascii_hexdigit()))
        }
        None => text,
    }
}

struct Play<'p, 's> {
    stage: &'p Stage<'s>,
    twin: Twin,
    options: Options,
    store: PathBuf,
    id: String,
    stops: Vec<Seen>,
    processes: u32,
    against: Vec<String>,
}

impl Play<'_, '_> {
    fn open(&self) -> Result<Store> {
        let locks: &Path = &self.store;
        Ok(Store::open(&self.store)?.thrown_away()?.with_fuse(self.twin.fuse()).with_lock_folder(locks))
    }

    /// Goes on until the run is done or taken back.
    async fn act(&mut self) -> Result<(&'static str, String)> {
        let mut former: Option<String> = None;
        loop {
            self.processes += 1;
            if self.processes > AT_MOST {
                self.against.push(format!("the run came to no end in {AT_MOST} processes"));
                return Ok(("stopped", String::new()));
            }
            let ending = {
                let store = self.open()?;
                let run = store.run(Some(&self.id))?;
                let ports = self.twin.ports();
                Engine::new(&ports, &run, self.stage.plan, &self.options).go().await
            };
            let (kind, stop) = match ending {
                Ok(Ending::Done) => {
                    let verdict = match self.stops.len() {
                        0 => "safe: every group is in place".to_owned(),
                        n => format!("safe: every group is in place, after {n} stops"),
                    };
                    return Ok(("done", verdict));
                }
                Ok(Ending::Wave { .. }) => continue,
                Ok(Ending::Interrupted(why)) => ("interrupted", Stop::new(why)),
                Ok(Ending::Gate(stop)) => ("gate", stop),
                Ok(Ending::Drift(stop)) => ("difference", stop),
                Err(error) if is_crash(&error) => {
                    self.did("crash", Stop::new(error.message.clone()), "groupshift cutover resume");
                    continue;
                }
                Err(error) => {
                    let mut stop = Stop::new(error.to_string());
                    stop.next.clone_from(&error.hints);
                    ("error", stop)
                }
            };
            let again = former.as_deref() == Some(&stop.headline);
            former = Some(stop.headline.clone());
            let differs = kind == "difference" && !stop.differences.is_empty();
            if kind == "error" {
                // What broke is given a while.
                self.twin.pass(Duration::from_secs(5 * 60));
            }
            if !differs && !again {
                let wait = if kind == "gate" {
                    "waits half an hour, then: groupshift cutover resume"
                } else {
                    "groupshift cutover resume"
                };
                self.did(kind, stop, wait);
                if kind == "gate" {
                    self.twin.pass(Duration::from_secs(30 * 60));
                }
                continue;
            }
            let wave = self.stage.plan.steps.iter().find(|s| s.id == stop.step).and_then(|s| s.wave.clone());
            let (target, command) = match wave {
                Some(wave) => {
                    let command = format!("groupshift cutover rollback --wave \"{wave}\"");
                    (Target::Wave(wave), command)
                }
                None => (Target::All, "groupshift cutover rollback --all".to_owned()),
            };
            self.did(kind, stop, &command);
            return self.take_back(&target, &command).await;
        }
    }

    /// Rolls back, again and again where something stands in the way.
    async fn take_back(&mut self, target: &Target, command: &str) -> Result<(&'static str, String)> {
        let mut last: Option<Rolled> = None;
        for _ in 0..AT_MOST {
            self.processes += 1;
            let rolled = {
                let store = self.open()?;
                let run = store.run(Some(&self.id))?;
                let ports = self.twin.ports();
                Engine::new(&ports, &run, self.stage.plan, &self.options).rollback(target).await
            };
            match rolled {
                Ok(rolled) if rolled.stuck.is_empty() => {
                    let verdict = format!(
                        "safe: stopped and rolled back; {} restored, {} conflicts left to their owners, {} left on purpose",
                        rolled.restored.len(),
                        rolled.conflicts.len(),
                        rolled.left.len()
                    );
                    return Ok(("rolled-back", verdict));
                }
                Ok(rolled) => {
                    let stop =
                        Stop::new(format!("{} undo steps are stuck", rolled.stuck.len())).lines(rolled.stuck.clone());
                    let same = last.as_ref().is_some_and(|l| l.stuck == rolled.stuck);
                    last = Some(rolled);
                    self.did("stuck", stop, command);
                    if same {
                        break;
                    }
                }
                Err(Halt::Error(error)) if is_crash(&error) => {
                    self.did("crash", Stop::new(error.message.clone()), command);
                }
                Err(Halt::Error(error)) => {
                    self.did("error", Stop::new(error.to_string()), command);
                    self.twin.pass(Duration::from_secs(5 * 60));
                }
                Err(Halt::Gate(stop)) => self.did("gate", stop, command),
                Err(Halt::Drift(stop)) => self.did("difference", stop, command),
                Err(Halt::Interrupted(why)) => self.did("interrupted", Stop::new(why), command),
            }
        }
        self.against.extend(last.map(|l| l.stuck).unwrap_or_default());
        self.against.push("the rollback came to no end".to_owned());
        Ok(("stopped", String::new()))
    }

    fn did(&mut self, kind: &'static str, stop: Stop, did: &str) {
        self.twin.did(&format!("operator: {did}"));
        let Stop { headline, lines, next, .. } = stop;
        self.stops.push(Seen { kind, headline, lines, next, did: did.to_owned() });
    }
}
