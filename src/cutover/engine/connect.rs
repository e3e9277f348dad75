//! Steps on a Connect server: the script with the run's own nonce is laid ready, somebody (or the program itself, on
//! that server) runs it, and its evidence is judged before the run believes it.

use super::evidence::{self, Claim};
use super::look::{FIRST, anchored};
use super::{Engine, Go, Halt, Stop, Surroundings};
use crate::cutover::port::{Answer, Done, Errand, Level, Operator, SyncServer};
use crate::cutover::record::SnapshotKind;
use crate::cutover::store::Snapshot;
use crate::directory::write_key;
use crate::error::{Error, Result};
use crate::plan::model::{ServerPlan, Step};
use crate::plan::scripts;
use hashbrown::HashSet;
use serde_json::{Value, json};
use std::path::PathBuf;

impl<P: Surroundings> Engine<'_, P> {
    pub(super) async fn errand(&self, step: &Step) -> Go<Option<String>> {
        if step.point_of_no_return {
            self.gate_irreversible(step).await?;
        }
        self.run_script(step, false).await
    }

    fn server_of(&self, step: &Step) -> Result<&ServerPlan> {
        let name = step.server.as_deref().unwrap_or_default();
        let found = self.plan.connect.iter().find(|s| s.name == name);
        found.ok_or_else(|| {
            Error::failed(format!("step {} names the Connect server {name:?}, which the plan does not have", step.id))
        })
    }

    /// Has a step's script run (or its undo), and judges the evidence.
    pub(crate) async fn run_script(&self, step: &Step, undo: bool) -> Go<Option<String>> {
        let server = self.server_of(step)?;
        let path = if undo { step.undo.script.as_deref() } else { step.script.as_deref() };
        let Some(path) = path else { return Ok(None) };
        let (id, kind) = match undo {
            true => (format!("{}-undo", step.id), scripts::undo_kind(&step.kind).unwrap_or_default().to_owned()),
            false => (step.id.clone(), step.kind.clone()),
        };
        let anchored = self.anchored_keys()?;
        loop {
            self.breathe()?;
            let key = format!("attempt:{id}");
            let attempt = self.run.get(&key)?.and_then(|v| v.as_u64()).unwrap_or(1);
            let errand = self.errand_of(step, path, &id, &kind, server, undo, attempt)?;
            match self.ports.servers().perform(&errand).await? {
                Done::Evidence => {}
                Done::Waiting(what) => {
                    self.say(Level::Info, &what)?;
                    match self
                        .ports
                        .operator()
                        .ask("Press Enter when the evidence lies there", "groupshift cutover resume")
                        .await?
                    {
                        Answer::Text(_) => continue,
                        Answer::Nobody => {
                            return Err(Halt::Gate(
                                Stop {
                                    step: step.id.clone(),
                                    ..Stop::new(format!("{id} is for the Connect administrator of {}", server.name))
                                }
                                .line(what)
                                .next("When the evidence lies there: groupshift cutover resume"),
                            ));
                        }
                    }
                }
            }
            let (found, body) = evidence::read(&errand.evidence)?;
            let folder = errand.evidence.parent().map(PathBuf::from).unwrap_or_default();
            let claim = Claim {
                plan: &self.plan.sha256,
                step: &id,
                kind: &kind,
                nonce: &errand.nonce,
                server,
                anchored: &anchored,
            };
            let against = evidence::judge(&found, &claim, &folder)?;
            if against.is_empty() {
                self.keep_evidence(&id, server, body)?;
                self.say(
                    Level::Info,
                    &format!(
                        "{id}: shown by the evidence of {} of {}",
                        found.computer_name,
                        found.at.format("%Y-%m-%d %H:%M:%S UTC")
                    ),
                )?;
                return Ok(Some(format!("evidence of {}", found.at.to_rfc3339())));
            }
            // The next try carries another nonce, so that this file does not count again.
            self.run.put(&key, &json!(attempt + 1))?;
            let mut stop = Stop {
                step: step.id.clone(),
                ..Stop::new(format!("the evidence of {} does not show what it has to", server.name))
            };
            stop = stop.lines(against);
            return Err(match kind.as_str() {
                "pending-exports" => Halt::Drift(
                    stop.next("Connect is about to change groups that Cloud Sync is to maintain. Leave the scheduler off, find out why, mend it.")
                        .next("Then: groupshift cutover resume (the script is run again, with a new nonce)"),
                ),
                _ => Halt::Gate(stop.next("Mend it on the server, then: groupshift cutover resume (the script is run again, with a new nonce)")),
            });
        }
    }

    #[expect(clippy::too_many_arguments, reason = "an errand is said in one piece")]
    fn errand_of(
        &self,
        step: &Step,
        path: &str,
        id: &str,
        kind: &str,
        server: &ServerPlan,
        undo: bool,
        attempt: u64,
    ) -> Result<Errand> {
        let nonce = format!("{}-{id}-{attempt}", self.run.record()?.nonce);
        let folder = self.run.folder();
        let script = folder.join("scripts").join(format!("{id}-{attempt}.ps1"));
        let rendered = scripts(self.plan)?;
        let text = rendered
            .iter()
            .find(|s| s.path == path)
            .map(|s| s.text.replace(scripts::NONCE, &nonce))
            .ok_or_else(|| Error::failed(format!("the plan has no script {path}")))?;
        let evidence = folder.join("evidence").join(format!("{id}-{attempt}.json"));
        for file in [&script, &evidence] {
            let parent = file.parent().unwrap_or(&folder);
            std::fs::create_dir_all(parent).map_err(|e| Error::io("create the folder", parent, e))?;
        }
        std::fs::write(&script, text).map_err(|e| Error::io("write the script", &script, e))?;
        Ok(Errand {
            step: step.id.clone(),
            kind: kind.to_owned(),
            server: server.name.clone(),
            script,
            undo,
            nonce,
            evidence,
        })
    }

    fn anchored_keys(&self) -> Result<HashSet<Vec<u8>>> {
        if !self.has_look(FIRST) {
            return Ok(HashSet::new());
        }
        let look = self.open_look(FIRST)?;
        let mut out = HashSet::new();
        for (row, _) in anchored(&look) {
            let mut key = Vec::new();
            if write_key(look.dn(look.ad.groups[row as usize].object), &mut key).is_some() {
                out.insert(key);
            }
        }
        Ok(out)
    }

    fn keep_evidence(&self, id: &str, server: &ServerPlan, body: Value) -> Result<()> {
        let snapshot = Snapshot { kind: SnapshotKind::Server, object: id.to_owned(), name: server.name.clone(), body };
        self.run.keep(id, &[snapshot], self.now()).map(|_| ())
    }
}
