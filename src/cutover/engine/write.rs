//! Writes and what stands around them: intent before, read back after, and what a stopped process left in doubt.

use super::{Engine, Go, Halt, Stop, Surroundings};
use crate::cutover::port::{
    Change, Controller, Directory, Level, ObjectState, Operator, Refusal, STAMP, Tenant, WriteFault,
};
use crate::cutover::record::{Intent, Settled, WriteRecord, WriteState};
use crate::directory::{ObjectGuid, same_dn};
use crate::error::{Error, Result};
use futures_util::stream::{self, StreamExt};
use serde_json::Value;
use std::time::Duration;

/// Objects that one transaction of the journal covers, and writes on their way at a time.
pub(super) const BATCH: usize = 64;
const AT_A_TIME: usize = 8;
/// How often something that was written is looked for before it counts as not there, and how long between.
const LOOKS: u32 = 12;

/// The stamp that one group is to get.
#[derive(Debug, Clone)]
pub(crate) struct StampWrite {
    pub guid: ObjectGuid,
    pub name: String,
    pub old: Option<String>,
    pub new: Option<String>,
    pub snapshot: Option<i64>,
    pub undoes: Option<i64>,
}

/// The guarded change of a single value: it succeeds only where `old` is what stands there.
pub(crate) fn guarded(attribute: &str, old: Option<&str>, new: Option<&str>) -> Vec<Change> {
    let mut changes = Vec::new();
    if let Some(old) = old {
        changes.push(Change::Delete { attribute: attribute.to_owned(), values: vec![old.as_bytes().to_vec()] });
    }
    if let Some(new) = new {
        changes.push(Change::Add { attribute: attribute.to_owned(), values: vec![new.as_bytes().to_vec()] });
    }
    changes
}

impl<P: Surroundings> Engine<'_, P> {
    fn pinned(&self) -> Controller {
        Controller {
            host: self.run.record().ok().and_then(|r| r.pin).map(|p| p.controller).unwrap_or_default(),
            catalog: false,
        }
    }

    /// The stamps as the pinned controller has them.
    pub(crate) async fn stamps_now(&self, guids: &[ObjectGuid]) -> Result<Vec<Option<String>>> {
        self.ports.directory().stamps_on(&self.pinned(), guids).await
    }

    /// Writes stamps, a batch at a time: journalled, sent, read back, settled. What stands there already is left; what
    /// somebody else put there stops the run and is not touched.
    pub(crate) async fn write_stamps(&self, step: &str, undo: bool, writes: &[StampWrite]) -> Go<u64> {
        let server = self.pinned().host;
        let (mut written, mut foreign) = (0, Vec::new());
        for (done, batch) in writes.chunks(BATCH).enumerate() {
            self.breathe()?;
            self.ports.operator().progress("stamps", (done * BATCH) as u64, Some(writes.len() as u64));
            let guids: Vec<ObjectGuid> = batch.iter().map(|w| w.guid).collect();
            let now = self.stamps_now(&guids).await?;
            let mut due = Vec::new();
            for (write, now) in batch.iter().zip(&now) {
                if *now == write.new {
                    continue;
                }
                if *now == write.old {
                    due.push(write);
                } else {
                    foreign.push(format!(
                        "{}: {STAMP} is {}, the plan saw {}",
                        write.name,
                        now.as_deref().unwrap_or("empty"),
                        write.old.as_deref().unwrap_or("empty")
                    ));
                }
            }
            if due.is_empty() {
                continue;
            }
            let intents: Vec<Intent> = due.iter().map(|w| intent_of(step, undo, w)).collect();
            let ids = self.run.intend(&intents, self.now())?;
            let sent: Vec<std::result::Result<(), WriteFault>> = stream::iter(due.iter().map(|w| {
                let changes = guarded(STAMP, w.old.as_deref(), w.new.as_deref());
                async move { self.ports.directory().modify(w.guid, &changes).await }
            }))
            .buffered(AT_A_TIME)
            .collect()
            .await;
            let guids: Vec<ObjectGuid> = due.iter().map(|w| w.guid).collect();
            // Live state is the truth, whatever the answers said.
            let now = self.stamps_now(&guids).await?;
            let (mut settled, mut fault) = (Vec::new(), None);
            for (((write, id), sent), now) in due.iter().zip(&ids).zip(sent).zip(&now) {
                let (state, detail) = match (now == &write.new, sent) {
                    (true, Ok(())) => (WriteState::Done, None),
                    (true, Err(f)) => (WriteState::Done, Some(format!("answered: {}", f.error))),
                    (false, Ok(())) => {
                        (WriteState::Failed, Some("the server said yes, and the value is not there".to_owned()))
                    }
                    (false, Err(f)) => {
                        let text = f.error.to_string();
                        let state = match f.refusal {
                            Refusal::Guard if *now != write.old => WriteState::Foreign,
                            _ => WriteState::Failed,
                        };
                        if state == WriteState::Foreign {
                            foreign.push(format!("{}: changed by somebody else meanwhile: {text}", write.name));
                        } else {
                            fault.get_or_insert((f, write.name.clone()));
                        }
                        (state, Some(text))
                    }
                };
                if state == WriteState::Done {
                    written += 1;
                    let text = line(step, STAMP, &write.name, write.old.as_deref(), write.new.as_deref());
                    self.say(Level::Write, &text)?;
                }
                settled.push(Settled { write: *id, state, server: Some(server.clone()), detail });
            }
            self.run.settle(&settled, self.now())?;
            if let Some((fault, name)) = fault {
                return Err(refused(fault, &name));
            }
        }
        if foreign.is_empty() {
            self.run.flush_log()?;
            return Ok(written);
        }
        Err(Halt::Drift(
            Stop::new(format!("{} stamps are not what the plan saw; none of them was touched", foreign.len()))
                .lines(foreign)
                .next("Find out who wrote them. To take the present state for the truth, plan again.")
                .plan_again()
                .next("Everything else of this batch is as the journal says; groupshift cutover rollback takes this run's stamps back."),
        ))
    }

    /// One write to the tenant: journalled, sent, seen, settled. `seen` looks whether it is in effect; Graph may show it late.
    /// A wish to stop is not asked for here: a pause has to go out whatever the operator wants next.
    pub(crate) async fn tenant_write<F, G>(&self, intent: Intent, send: F, seen: impl Fn() -> G) -> Go<bool>
    where
        F: Future<Output = std::result::Result<(), WriteFault>>,
        G: Future<Output = Result<bool>>,
    {
        if seen().await? {
            return Ok(false);
        }
        let (step, name) = (intent.step.clone(), intent.name.clone());
        let text = format!("{step} {} {name}", intent.action);
        let id = self.run.intend(&[intent], self.now())?.first().copied().unwrap_or_default();
        let sent = send.await;
        let in_effect = match &sent {
            Err(f) if !matches!(f.refusal, Refusal::Doubt) => seen().await?,
            _ => self.wait_for(&seen).await?,
        };
        let state = if in_effect { WriteState::Done } else { WriteState::Failed };
        let detail = sent.as_ref().err().map(|f| f.error.to_string());
        self.run
            .settle(&[Settled { write: id, state, server: Some("Microsoft Graph".to_owned()), detail }], self.now())?;
        match (in_effect, sent) {
            (true, _) => {
                self.say(Level::Write, &text)?;
                Ok(true)
            }
            (false, Err(fault)) => Err(refused(fault, &name)),
            (false, Ok(())) => Err(Error::failed(format!("{name}: Graph accepted the change and does not show it"))
                .hint("Wait some minutes: Graph may show changes late. Then: groupshift cutover resume")
                .into()),
        }
    }

    /// Looks until it is so, for about a minute.
    pub(crate) async fn wait_for<G: Future<Output = Result<bool>>>(&self, seen: &impl Fn() -> G) -> Result<bool> {
        for look in 0..LOOKS {
            if seen().await? {
                return Ok(true);
            }
            self.ports.operator().sleep(Duration::from_millis(250 << look.min(5))).await;
        }
        Ok(false)
    }

    /// What a former process meant to write and never settled: live state says what became of it.
    pub(crate) async fn reconcile(&self) -> Go {
        let open = self.run.open_writes()?;
        if open.is_empty() {
            return Ok(());
        }
        self.say(
            Level::Info,
            &format!("{} writes were under way when the run stopped: looking at live state", open.len()),
        )?;
        let mut settled = Vec::new();
        for write in &open {
            let state = self.became(write).await?;
            let detail = Some("found by looking, after the run had stopped".to_owned());
            settled.push(Settled { write: write.id, state, server: None, detail });
        }
        self.run.settle(&settled, self.now())?;
        Ok(())
    }

    /// What live state says of one write. A start, and a request on demand, count as done where nobody can tell: a stamp
    /// must never be taken from a group that a started job may have matched.
    async fn became(&self, write: &WriteRecord) -> Result<WriteState> {
        let intent = &write.intent;
        let (tenant, id) = (self.ports.tenant(), ObjectGuid::parse(&intent.object));
        let text = |value: &Option<Value>| value.as_ref().and_then(Value::as_str).map(str::to_owned);
        let done = |is: bool| if is { WriteState::Done } else { WriteState::Failed };
        let attribute = intent.attribute.as_deref().unwrap_or_default();
        Ok(match (intent.action.as_str(), id) {
            ("stamp" | "unstamp", Some(id)) => {
                let now = self.stamps_now(&[id]).await?.pop().flatten();
                match now {
                    now if now == text(&intent.new) => WriteState::Done,
                    now if now == text(&intent.old) => WriteState::Failed,
                    _ => WriteState::Foreign,
                }
            }
            ("scope-in" | "scope-out", Some(id)) => {
                let wanted = intent.action == "scope-in";
                let there = match attribute {
                    "appRoleAssignedTo" => match tenant.job().await? {
                        Some(job) => self.assigned(&job).await?.contains(&id),
                        None => false,
                    },
                    property => super::scope::truth(self.property(id, property).await?.as_ref()),
                };
                done(there == wanted)
            }
            ("write-extension" | "freeze", Some(id)) => match self.property(id, attribute).await? {
                now if now == intent.new => WriteState::Done,
                now if now == intent.old => WriteState::Failed,
                _ => WriteState::Foreign,
            },
            ("start" | "provision", _) => WriteState::Done,
            ("pause", _) => done(tenant.job().await?.is_none_or(|j| j.is_at_rest())),
            ("create-job", _) => done(tenant.job().await?.is_some()),
            ("schema" | "secrets", _) => match tenant.job().await? {
                Some(job) if intent.action == "schema" => {
                    done(intent.new == Some(super::settings::summary(&tenant.schema(&job).await?)))
                }
                Some(job) => {
                    done(intent.new == Some(super::settings::without_credentials(&tenant.secrets(&job).await?)))
                }
                None => WriteState::Failed,
            },
            ("rename" | "reanimate" | "attribute" | "member", Some(id)) => {
                let now = self.ports.directory().read(&[id]).await?.pop().flatten();
                done(now.is_some_and(|now| stands(&now, intent)))
            }
            // A creation is looked for by its name when its step comes again.
            _ => WriteState::Failed,
        })
    }
}

/// Whether an object is as a write of the rollback wanted it.
fn stands(now: &ObjectState, intent: &Intent) -> bool {
    let texts = |value: &Option<Value>| -> Vec<String> {
        match value {
            Some(Value::Array(list)) => list.iter().filter_map(Value::as_str).map(str::to_lowercase).collect(),
            Some(Value::String(text)) => vec![text.to_lowercase()],
            _ => Vec::new(),
        }
    };
    let (old, new) = (texts(&intent.old), texts(&intent.new));
    match intent.action.as_str() {
        "reanimate" => true,
        "rename" => new.first().is_some_and(|dn| same_dn(dn, &now.dn)),
        action => {
            let present: Vec<String> =
                now.texts(intent.attribute.as_deref().unwrap_or_default()).map(str::to_lowercase).collect();
            match action {
                "member" => new.iter().all(|m| present.contains(m)) && old.iter().all(|m| !present.contains(m)),
                _ => present == new,
            }
        }
    }
}

fn intent_of(step: &str, undo: bool, write: &StampWrite) -> Intent {
    Intent {
        step: step.to_owned(),
        undo,
        undoes: write.undoes,
        action: if undo { "unstamp" } else { "stamp" }.to_owned(),
        object: write.guid.to_string(),
        name: write.name.clone(),
        attribute: Some(STAMP.to_owned()),
        old: write.old.clone().map(Value::from),
        new: write.new.clone().map(Value::from),
        snapshot: write.snapshot,
    }
}

pub(crate) fn line(step: &str, attribute: &str, name: &str, old: Option<&str>, new: Option<&str>) -> String {
    format!("{step} {name}: {attribute} {} -> {}", old.unwrap_or("(empty)"), new.unwrap_or("(empty)"))
}

/// A refused write as the end of the step: what to do depends on why.
pub(crate) fn refused(fault: WriteFault, name: &str) -> Halt {
    let text = fault.error.to_string();
    match fault.refusal {
        Refusal::Right => Halt::Gate(
            Stop::new(format!("the account may not do this to {name}"))
                .line(text)
                .lines(fault.error.hints)
                .next("Grant the right (groupshift preflight names it), then: groupshift cutover resume"),
        ),
        Refusal::Guard => Halt::Drift(
            Stop::new(format!("{name} is not as it was read a moment ago"))
                .line(text)
                .next("Somebody else changes it too. Find out who, then: groupshift cutover resume"),
        ),
        Refusal::Missing => Halt::Drift(
            Stop::new(format!("{name} is not there any more")).line(text).next(
                "Find out who deleted it. groupshift cutover rollback brings an AD group back with its SID while its tombstone lives.",
            ),
        ),
        Refusal::Doubt | Refusal::Busy | Refusal::Other => {
            Halt::Error(fault.error.hint("State is safe: the journal says what was done. Go on with: groupshift cutover resume"))
        }
    }
}
