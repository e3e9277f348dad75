//! One process's way through a run: the pinned controller, what a former process left in doubt, then step after step until
//! the end, a stop or a wish of the operator's. However it ends, a job that works on an unverified wave is paused.

use super::{Ending, Engine, Go, Halt, Stop, Surroundings};
use crate::cutover::port::{Directory, Level};
use crate::cutover::record::{RunState, StepState};
use crate::cutover::store::is_crash;
use crate::error::{Error, Result};
use crate::plan::model::Step;
use serde_json::Value;

/// The fact that a run carries which was begun as a rehearsal on a twin.
pub(crate) const REHEARSAL: &str = "rehearsal";

impl<P: Surroundings> Engine<'_, P> {
    /// Goes on with the run until its end, or until something stops it. State is in the journal whatever happens.
    pub async fn go(&self) -> Result<Ending> {
        if self.options.rehearsal && self.run.get(REHEARSAL)?.is_none() {
            return Err(Error::failed("only a run that was begun as a rehearsal passes what stops a real one"));
        }
        if self.run.record()?.state == RunState::RolledBack {
            return Ok(Ending::Gate(
                Stop::new("this run was rolled back as a whole")
                    .next("Begin a new run of a new plan: groupshift collect, groupshift plan, groupshift cutover run"),
            ));
        }
        self.run.set_state(RunState::Open, None)?;
        self.run.put("stop", &Value::Null)?;
        let ending = match self.walk().await {
            Ok(ending) => ending,
            Err(Halt::Error(error)) => {
                if !is_crash(&error) {
                    // What went wrong is what counts, even where it cannot be written down any more.
                    let _ = self.say(Level::Trouble, &error.to_string());
                    let _ = self.leave_safe().await;
                    let _ = self.run.set_state(RunState::Stopped, Some(&error.to_string()));
                }
                return Err(error);
            }
            Err(Halt::Gate(stop)) => Ending::Gate(stop),
            Err(Halt::Drift(stop)) => Ending::Drift(stop),
            Err(Halt::Interrupted(why)) => Ending::Interrupted(why),
        };
        let (state, reason) = match &ending {
            Ending::Done => (RunState::Done, None),
            Ending::Wave { done, .. } => (RunState::Stopped, Some(format!("wave {done} is verified"))),
            Ending::Gate(stop) | Ending::Drift(stop) => (RunState::Stopped, Some(stop.headline.clone())),
            Ending::Interrupted(why) => (RunState::Stopped, Some(why.clone())),
        };
        if let Ending::Gate(stop) | Ending::Drift(stop) = &ending {
            self.run.put("stop", &serde_json::to_value(stop).unwrap_or_default())?;
            self.say(Level::Trouble, &stop.headline)?;
            for line in stop.lines.iter().take(50) {
                self.say(Level::Trouble, &format!("  {line}"))?;
            }
        }
        if !matches!(ending, Ending::Done | Ending::Wave { .. }) {
            self.leave_safe().await?;
        }
        self.run.set_state(state, reason.as_deref())?;
        Ok(ending)
    }

    /// Pauses the job where it was started for a wave, or for the throwaway group, that nobody has verified yet.
    async fn leave_safe(&self) -> Result<()> {
        let begun = |step: &&Step| {
            matches!(step.kind.as_str(), "start-job" | "verify-wave" | "throwaway")
                && self.run.step(&step.id).is_ok_and(|s| s.state == StepState::Begun)
        };
        let Some(step) = self.plan.steps.iter().find(begun) else { return Ok(()) };
        match self.pause(&step.id, false).await {
            Ok(true) => self.say(Level::Info, "the job is paused: what it does is not verified yet"),
            Ok(false) => Ok(()),
            Err(Halt::Error(error)) if is_crash(&error) => Err(error),
            Err(Halt::Error(error)) => self.say(
                Level::Trouble,
                &format!("the job could not be paused, and works on a wave that is not verified: pause it in the portal ({error})"),
            ),
            Err(_) => self.say(
                Level::Trouble,
                "the job could not be paused, and works on a wave that is not verified: pause it in the portal",
            ),
        }
    }

    async fn walk(&self) -> Go<Ending> {
        self.hold_pin().await?;
        self.reconcile().await?;
        for (position, step) in self.plan.steps.iter().enumerate() {
            let last_of_wave = self.plan.steps.get(position + 1).is_none_or(|next| next.wave != step.wave);
            let wanted = step.wave.as_deref().filter(|w| last_of_wave && self.options.wave.as_deref() == Some(*w));
            let record = self.run.step(&step.id)?;
            if record.state != StepState::Done {
                if record.state == StepState::Stuck {
                    return Err(Halt::Gate(stuck(step, record.detail.as_deref())));
                }
                self.breathe()?;
                if step.kind == "hold-job" && record.state != StepState::Begun {
                    self.ask_for_wave(step, record.state).await?;
                }
                self.say(Level::Step, &format!("{} {}", step.id, step.title))?;
                self.run.set_step(&step.id, StepState::Begun, None, self.now())?;
                match self.step(step).await {
                    Ok(detail) => self.run.set_step(&step.id, StepState::Done, detail.as_deref(), self.now())?,
                    Err(halt) => return Err(named(halt, step)),
                }
            }
            if let Some(wave) = wanted {
                return Ok(Ending::Wave { done: wave.to_owned(), next: self.next_wave(position) });
            }
        }
        Ok(Ending::Done)
    }

    fn next_wave(&self, position: usize) -> Option<String> {
        self.plan.steps[position + 1..].iter().find_map(|s| s.wave.clone())
    }

    /// One step; the answer is what its record says of it.
    async fn step(&self, step: &Step) -> Go<Option<String>> {
        match step.kind.as_str() {
            "preflight" => self.preflight(step).await,
            "snapshot" => self.snapshot(step).await,
            "pause-job" => self.pause_step(step).await,
            "write-extensions" => self.write_extensions(step).await,
            "stamp" => self.stamp(step).await,
            "verify-stamps" => self.verify_stamps(step, &self.planned()).await,
            "freeze-canaries" => self.freeze(step).await,
            "create-job" => self.create_job(step).await,
            "configure-job" => self.configure_job(step).await,
            "throwaway" => self.throwaway(step).await,
            "hold-job" => self.hold_job(step).await,
            "scope-in" => self.scope_in(step).await,
            "start-job" => self.start_job(step).await,
            "verify-wave" => self.verify_wave(step).await,
            "compare-all" => self.compare_all(step).await,
            "final-job" => self.final_job(step).await,
            "audit" => Ok(Some("run: groupshift audit --against the plan".to_owned())),
            "keep-rules" => {
                self.say(Level::Info, &step.what)?;
                Ok(None)
            }
            _ if step.script.is_some() => self.errand(step).await,
            other => Err(Error::failed(format!(
                "the plan has a step of the kind {other:?}, which this version does not know"
            ))
            .hint("Use the version of groupshift that made the plan, or plan again.")
            .into()),
        }
    }

    /// Before a wave begins, and before one that was taken back begins again.
    async fn ask_for_wave(&self, step: &Step, state: StepState) -> Go {
        let wave = self.wave_of(step)?;
        if self.options.wave.is_some() || self.options.yes {
            return Ok(());
        }
        // The first wave follows from having begun at all.
        let again = state == StepState::Undone;
        if !again && self.plan.waves.first().is_some_and(|first| first.name == wave.name) {
            return Ok(());
        }
        let question = match again {
            true => format!("Wave {} was rolled back. Do it again ({} groups)?", wave.name, wave.groups.len()),
            false => format!("Go on with wave {} ({} groups)?", wave.name, wave.groups.len()),
        };
        if self.confirm(&question).await? {
            return Ok(());
        }
        Err(Halt::Gate(Stop::new(format!("wave {} was not begun", wave.name)).next(format!(
            "Go on with: groupshift cutover resume --wave \"{}\" (or --yes for all that remain).",
            wave.name
        ))))
    }

    /// The controller, and its database, stay the same for the whole run.
    async fn hold_pin(&self) -> Go {
        let now = self.ports.directory().pin().await?;
        let Some(pinned) = self.run.record()?.pin else {
            self.run.set_pin(&now)?;
            self.say(
                Level::Info,
                &format!("pinned to {} (highestCommittedUSN {})", now.controller, now.highest_committed_usn),
            )?;
            return Ok(());
        };
        let same = pinned.invocation_id == now.invocation_id;
        if same && now.highest_committed_usn >= pinned.highest_committed_usn {
            return Ok(());
        }
        if self.accepted("controller", &now.controller)? {
            self.run.set_pin(&now)?;
            return Ok(());
        }
        let stop = match same {
            true => Stop::new(format!("the database of {} went back: it was restored from an image", now.controller))
                .line(format!(
                    "highestCommittedUSN {} when the run began, {} now",
                    pinned.highest_committed_usn, now.highest_committed_usn
                ))
                .next("Such a controller replicates nothing right (USN rollback). Mend it before anything else is written."),
            false => Stop::new(format!("the run is pinned to {}, and {} answers", pinned.controller, now.controller))
                .line(format!("database {} then, {} now", pinned.invocation_id, now.invocation_id))
                .next(format!("Point [ad] url at {} again.", pinned.controller)),
        };
        Err(Halt::Gate(stop.next(format!(
            "Or, to go on with another controller: groupshift cutover resume --controller {}",
            now.controller
        ))))
    }
}

fn stuck(step: &Step, detail: Option<&str>) -> Stop {
    Stop { step: step.id.clone(), ..Stop::new(format!("{} {} is stuck: an undo failed", step.id, step.title)) }
        .lines(detail.map(str::to_owned))
        .next("Mend what the line says, then run the same rollback again (groupshift cutover rollback --wave NAME, or --all); only then: groupshift cutover resume")
}

fn named(halt: Halt, step: &Step) -> Halt {
    let with = |mut stop: Stop| {
        if stop.step.is_empty() {
            stop.step = step.id.clone();
        }
        stop.headline = format!("{} {}: {}", step.id, step.title, stop.headline);
        stop
    };
    match halt {
        Halt::Gate(stop) => Halt::Gate(with(stop)),
        Halt::Drift(stop) => Halt::Drift(with(stop)),
        other => other,
    }
}
