//! What has to hold before a step: the plan's own stops, gates of the environment, the copy of the snapshots on another
//! host, the confirmation that a keystroke by habit does not give.

use super::{Engine, Go, Halt, Stop, Surroundings};
use crate::assess::{AboutBundle, Assessed, Settings};
use crate::cutover::port::{Answer, Level, Operator};
use crate::cutover::record::StepState;
use crate::directory::inventory::Inventory;
use crate::error::{Error, Result};
use crate::plan::model::{Holds, Order, Step};
use crate::report::model::{Gate, GateStatus, View};
use hashbrown::HashSet;
use serde_json::json;
use std::path::{Path, PathBuf};

impl<P: Surroundings> Engine<'_, P> {
    /// Gates of the environment, judged over a live look. Groups that refuse the agent hold a run back where it would take
    /// them over.
    fn judge_gates(&self, inventory: &Inventory) -> Result<Vec<Gate>> {
        // Somebody's word passes what is not known; what is seen to fail now fails, whatever was attested before.
        let settings = Settings { accepted: Vec::new(), ..self.options.settings.clone() };
        let words: Vec<&str> = self
            .plan
            .gates
            .iter()
            .filter(|g| g.attested.is_some())
            .map(|g| g.id.as_str())
            .chain(self.options.settings.accepted.iter().map(|a| a.gate.as_str()))
            .collect();
        let about = AboutBundle {
            created: String::new(),
            sha256: String::new(),
            complete: true,
            anonymised: false,
            limits: Vec::new(),
        };
        let assessed = Assessed::run(inventory, &settings, about)?;
        let mut gates = assessed.header().gates.clone();
        for gate in gates.iter_mut().filter(|g| g.status == GateStatus::Unknown) {
            if words.iter().any(|w| w.eq_ignore_ascii_case(&gate.id)) {
                gate.status = GateStatus::Pass;
            }
        }
        for gate in gates.iter_mut().filter(|g| g.id == "C37" && g.status == GateStatus::Fail) {
            let planned: HashSet<&str> = self.planned().iter().map(|g| g.object_guid.as_str()).collect();
            let refuses = |i: &usize| {
                let own = inventory.ad.groups.get(assessed.entry(*i).ad as usize);
                let guid = own.map(|g| inventory.ad_object(g).guid.to_string());
                guid.is_some_and(|g| planned.contains(g.as_str())) && assessed.is_flagged(*i, "C37")
            };
            if !(0..assessed.len()).any(|i| refuses(&i)) {
                gate.status = GateStatus::Pass;
                gate.message += "; none of them is in a wave";
            }
        }
        Ok(gates)
    }

    /// Stops at gates that fail, or that nobody knows, where they hold back a run.
    pub(super) fn gate_environment(&self, inventory: &Inventory) -> Go<String> {
        let gates = self.judge_gates(inventory)?;
        let mut open = Vec::new();
        for gate in gates.iter().filter(|g| g.blocks.iter().any(|b| b == "plan" || b.starts_with("cutover"))) {
            let stands = match gate.status {
                GateStatus::Pass | GateStatus::NotApplicable => false,
                // What was seen to fail is not argued away.
                GateStatus::Fail => true,
                // Nor is anybody's word taken for what could be observed.
                GateStatus::Unknown => !takes_a_word(&gate.id) || !self.accepted("gate", &gate.id)?,
            };
            if stands {
                open.push(gate);
            }
        }
        let passed = gates.iter().filter(|g| g.status == GateStatus::Pass).count();
        if open.is_empty() {
            return Ok(format!("{passed} of {} gates pass", gates.len()));
        }
        let told: Vec<String> = open.iter().map(|g| format!("{} {}: {}", g.id, g.status.as_str(), g.message)).collect();
        if self.options.rehearsal {
            for (gate, line) in open.iter().zip(&told) {
                self.would_stop(&gate.id, line)?;
            }
            return Ok(format!("{} gates would stop a real run", open.len()));
        }
        let mut stop = Stop::new(format!("{} gates hold the cutover back", open.len())).lines(told);
        for gate in &open {
            stop = stop.next(format!("{}: {}", gate.id, gate.remediation));
        }
        if open.iter().all(|g| g.status == GateStatus::Unknown && takes_a_word(&g.id)) {
            let flags: Vec<String> = open.iter().map(|g| format!("--accept \"{}=who checked what\"", g.id)).collect();
            stop = stop.next(format!("Where somebody has looked: groupshift cutover resume {}", flags.join(" ")));
        }
        Err(Halt::Gate(stop))
    }

    /// What the plan itself says holds the run back.
    pub(super) fn gate_plan(&self) -> Go {
        let holds = |s: &&crate::plan::model::Stop| matches!(s.holds, Holds::Plan | Holds::Run);
        let holding: Vec<_> = self.plan.stops.iter().filter(holds).collect();
        if holding.is_empty() && self.plan.executable {
            return Ok(());
        }
        if self.options.rehearsal {
            for stop in holding {
                self.would_stop(stop.id.as_deref().unwrap_or(&stop.kind), &stop.message)?;
            }
            return Ok(());
        }
        let what = if self.plan.executable {
            "the plan cannot be executed"
        } else {
            "the plan is a draft, which no run executes"
        };
        let mut stop = Stop::new(what).lines(holding.iter().map(|s| s.message.clone()));
        for held in holding {
            stop = stop.next(held.remediation.clone());
        }
        Err(Halt::Gate(stop.plan_again()))
    }

    /// Every Connect server that is there is one that the plan gives the rules to.
    pub(super) fn gate_servers(&self, inventory: &Inventory) -> Go {
        let short = |name: &str| name.split('.').next().unwrap_or_default().to_lowercase();
        let planned: Vec<String> = self.plan.connect.iter().map(|s| short(&s.name)).collect();
        let strangers: Vec<String> =
            inventory.connect.iter().filter(|s| !planned.contains(&short(&s.name))).map(|s| s.name.clone()).collect();
        if strangers.is_empty() {
            return Ok(());
        }
        Err(Halt::Gate(
            Stop::new(format!("{} Connect servers are there that the plan does not know", strangers.len()))
                .lines(strangers)
                .next("A server without the coexistence rules deletes the groups on the day that it becomes active: its state has to be collected too (groupshift connect-script).")
                .plan_again(),
        ))
    }

    /// A verified copy of the snapshots on another host.
    pub(super) fn gate_copy(&self) -> Go {
        let kept = self.run.snapshots()?.len() as u64;
        let known = self.fact("off-host-copy")?;
        let told = |name: &str| known.as_ref().and_then(|v| v.get(name).cloned());
        let wanted = self.options.copy_to.clone();
        let former: Option<PathBuf> = told("root").and_then(|v| v.as_str().map(PathBuf::from));
        let current = told("snapshots").and_then(|v| v.as_u64()) == Some(kept);
        if current && (wanted.is_none() || wanted == former) {
            return Ok(());
        }
        // What was kept since the last copy belongs to it, too: the next goes beside it.
        if let Some(root) = wanted.or(former) {
            let own = self.run.folder();
            if own.parent().is_some_and(|store| inside(&root, store)) {
                return Err(Halt::Gate(
                    Stop::new("the copy of the snapshots would lie in the store itself")
                        .line(root.display().to_string())
                        .next("Name a folder on another host: groupshift cutover resume --copy-to \\\\server\\share\\folder"),
                ));
            }
            let folder = free_folder(&root);
            let exported = self.run.export(&folder)?;
            let text = format!(
                "{} snapshots, verified after writing; manifest SHA-256 {}",
                exported.snapshots, exported.sha256
            );
            self.run.remark(
                "off-host-copy",
                &folder.to_string_lossy(),
                &text,
                &whoami::username().unwrap_or_default(),
                self.now(),
            )?;
            self.run.put("off-host-copy", &json!({ "root": root, "snapshots": exported.snapshots }))?;
            self.say(Level::Info, &format!("copy of the snapshots: {} ({text})", folder.display()))?;
            return Ok(());
        }
        if self.options.rehearsal {
            self.would_stop("off-host-copy", "a real run asks for a copy of the snapshots on another host here")?;
            return Ok(());
        }
        Err(Halt::Gate(
            Stop::new("no copy of the snapshots lies on another host")
                .line("If this machine is lost after the point of no return, only such a copy knows what the groups were.")
                .next("Name a folder on another host: groupshift cutover resume --copy-to \\\\server\\share\\folder"),
        ))
    }

    /// The step that cannot be undone: every snapshot verified, every decision recorded, the domain's name given.
    pub(super) async fn gate_irreversible(&self, step: &Step) -> Go {
        let problems = self.run.verify_snapshots()?;
        if !problems.is_empty() {
            return Err(Halt::Gate(
                Stop::new("the snapshots do not verify; without them nothing could be restored")
                    .lines(problems)
                    .next("See which, and look at the store's disk: groupshift snapshot verify")
                    .next("Take the run over from a sound copy on a fresh store: groupshift cutover adopt COPY"),
            ));
        }
        self.gate_copy()?;
        let holding: Vec<String> = self
            .plan
            .stops
            .iter()
            .filter(|s| s.holds == Holds::Irreversible)
            .map(|s| format!("{} {}", s.message, s.remediation))
            .collect();
        if !holding.is_empty() {
            if !self.options.rehearsal {
                return Err(Halt::Gate(
                    Stop::new("what V2's end changes is not decided for every group")
                        .lines(holding)
                        .next("Record each decision in decisions.toml and plan with it (--decisions decisions.toml).")
                        .plan_again(),
                ));
            }
            for line in holding {
                self.would_stop("decisions", &line)?;
            }
        }
        self.canaries_verified(step)?;
        if self.run.remarks()?.iter().any(|r| r.kind == "confirmation" && r.subject == step.id) {
            return Ok(());
        }
        let domain = self.run.record()?.domain;
        let text = format!(
            "THE POINT OF NO RETURN. Group writeback V2 goes off for {domain} and cannot be turned on again. {} groups are in {} waves; {} stand outside. \
             From here a rollback means: AD is restored, and no engine maintains it until a job does.",
            self.plan.summary.planned, self.plan.summary.waves, self.plan.summary.outside
        );
        self.say(Level::Warning, &text)?;
        let given = match &self.options.confirm_irreversible {
            Some(given) => given.clone(),
            None => match self
                .ports
                .operator()
                .ask(&format!("Type the domain's name ({domain}) to go on"), "--confirm-irreversible DOMAIN")
                .await?
            {
                Answer::Text(text) => text.trim().to_owned(),
                Answer::Nobody => String::new(),
            },
        };
        if !given.eq_ignore_ascii_case(&domain) {
            let what = match given.is_empty() {
                true => "the step that cannot be undone was not confirmed".to_owned(),
                false => format!("{given:?} is not the domain's name"),
            };
            return Err(Halt::Gate(Stop::new(what).line("--yes does not confirm it.").next(format!(
                "When the change owner says so: groupshift cutover resume --confirm-irreversible {domain}"
            ))));
        }
        let by = whoami::username().unwrap_or_default();
        self.run.remark(
            "confirmation",
            &step.id,
            &format!("the domain's name was given: {domain}"),
            &by,
            self.now(),
        )?;
        Ok(())
    }

    /// Canary-first: V2 stays on until the first wave was verified under Cloud Sync, and has not been taken back since.
    fn canaries_verified(&self, step: &Step) -> Go {
        if self.plan.order != Order::CanaryFirst {
            return Ok(());
        }
        let position = self.plan.steps.iter().position(|s| s.id == step.id).unwrap_or_default();
        let waves = self.plan.steps[..position].iter().filter(|s| s.kind == "verify-wave");
        let mut verified = 0;
        for wave in waves {
            if self.run.step(&wave.id)?.state != StepState::Done {
                return Err(Halt::Gate(
                    Stop::new(format!(
                        "wave {} is not verified under Cloud Sync",
                        wave.wave.as_deref().unwrap_or_default()
                    ))
                    .next("In this order V2 goes off only after it: groupshift cutover resume does the wave first."),
                ));
            }
            verified += 1;
        }
        if verified > 0 {
            return Ok(());
        }
        Err(Halt::Gate(
            Stop::new("no wave was verified under Cloud Sync, which this order asks for before V2 goes off")
                .next("The new plan needs a canary wave ([canary] in waves.toml).")
                .plan_again(),
        ))
    }

    /// Agents of the service that are alive (the job cannot write without one).
    pub(super) async fn gate_agents(&self) -> Go {
        use crate::cutover::port::Tenant;
        let agents = match self.ports.tenant().agents().await {
            Ok(agents) => agents,
            Err(error) if crate::cutover::store::is_crash(&error) => return Err(error.into()),
            Err(error) => {
                if self.accepted("gate", "agents")? {
                    return Ok(());
                }
                return Err(Halt::Gate(
                    Stop::new("whether a provisioning agent is alive cannot be told")
                        .line(error.to_string())
                        .next("Look in the portal (Cloud Sync, Agents), then: groupshift cutover resume --accept \"agents=who looked, and what was seen\""),
                ));
            }
        };
        let active = agents
            .iter()
            .filter(|a| a.get("status").and_then(|s| s.as_str()).is_some_and(|s| s.eq_ignore_ascii_case("active")))
            .count();
        if active > 0 || agents.is_empty() && self.accepted("gate", "agents")? {
            return Ok(());
        }
        Err(Halt::Gate(Stop::new(format!("no provisioning agent is active ({} known)", agents.len())).next(
            "Start the service \"Microsoft Entra Provisioning Agent\" on its host, then: groupshift cutover resume",
        )))
    }

    /// The domain of the plan, which every run needs.
    pub fn domain_of(plan: &crate::plan::Plan) -> Result<String> {
        plan.bundle.domain.clone().or_else(|| plan.job.domain.clone()).ok_or_else(|| {
            Error::usage("the plan does not say which AD domain it is for")
                .hint("Set domain under [cloud_sync] in groupshift.toml, collect and plan again.")
        })
    }
}

/// Gates that nothing can observe from here: those that can be attested, the agent's network, and rights of an account
/// that is not known. What could be observed has to be.
fn takes_a_word(id: &str) -> bool {
    matches!(id, "E2" | "E12" | "E14" | "E15" | "E5" | "E13" | "C37")
}

/// Whether a folder is another, or lies in it.
fn inside(path: &Path, folder: &Path) -> bool {
    let full = |p: &Path| std::path::absolute(p).unwrap_or_else(|_| p.to_owned());
    full(path).starts_with(full(folder))
}

/// This folder where it is new or empty, else the first of its name with a number that is.
fn free_folder(root: &Path) -> PathBuf {
    let free = |p: &Path| !p.exists() || std::fs::read_dir(p).is_ok_and(|mut d| d.next().is_none());
    if free(root) {
        return root.to_owned();
    }
    let name = root.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    let numbered = (2..).map(|n| root.with_file_name(format!("{name}-{n}")));
    numbered.take(10_000).find(|p| free(p)).unwrap_or_else(|| root.to_owned())
}
