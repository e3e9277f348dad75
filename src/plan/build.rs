//! A plan made: who may move, in which waves, by which steps, and what becomes of the rest.

use super::assembly::Assembly;
use super::candidates::{self, ByGroup, Candidate, Standing};
use super::decisions::Wish;
use super::lookup::{Lookup, Target};
use super::mappings::Proposed;
use super::model::{Action, Holds, Order, Plan, PlanBundle, Reason, Stop};
use super::nesting::Nesting;
use super::policy::Policy;
use super::selection::{self, Basis, Selection};
use super::settle::settle;
use super::toml_file::TomlText;
use super::{assemble, decisions, outside, stops, wanted};
use crate::assess::Assessed;
use crate::directory::inventory::Evaluation;
use crate::error::Result;
use crate::predict::Forecast;
use crate::report::model::{GateStatus, Verdict, View};
use hashbrown::HashMap;
use rayon::prelude::*;

/// All that a plan is made of.
pub struct Input<'a> {
    pub assessed: &'a Assessed<'a>,
    pub order: Order,
    /// `waves.toml` and `decisions.toml`, as read.
    pub policy: Option<TomlText<'a>>,
    pub decisions: Option<TomlText<'a>>,
    /// Where the bundle lies, as the plan says it.
    pub bundle_path: String,
    /// The folder of the scripts beside the plan.
    pub scripts_folder: String,
    /// Make the plan though gates refuse it; it is then marked as not executable.
    pub draft: bool,
}

/// A plan, or what holds it back.
pub enum Made<T = Box<Plan>> {
    Plan(T),
    /// Gates that stop `plan` itself: at least one of them fails.
    Blocked(Vec<Stop>),
}

/// What the parts of a plan are assembled from.
pub(super) struct Parts<'a> {
    pub input: &'a Input<'a>,
    pub policy: Option<&'a Policy>,
    pub wishes: &'a [Wish],
    pub by_group: &'a ByGroup,
    pub by_unlisted: &'a HashMap<u32, u32>,
    pub unlisted: &'a [u32],
    pub forecast: &'a Forecast<'a>,
    pub candidates: &'a [Candidate],
    /// Why an assessed group is in no wave, by position; empty for planned ones.
    pub reasons: &'a [Vec<Reason>],
    pub proposed: &'a Proposed,
    pub selection: &'a Selection,
    pub stops: Vec<Stop>,
    pub bundle: PlanBundle,
}

impl Parts<'_> {
    pub fn basis(&self) -> Basis<'_> {
        Basis { input: self.input, candidates: self.candidates, forecast: self.forecast, proposed: self.proposed }
    }
    /// The name of a candidate's group.
    pub fn dn(&self, candidate: usize) -> &str {
        self.basis().dn(candidate)
    }
}

/// Makes the plan, whole in memory.
pub fn plan(input: &Input<'_>) -> Result<Made> {
    plan_with(input, &[], |assembly| Ok(Box::new(assembly.whole()?)))
}

/// Makes the plan and gives it to `take`, which asks for its groups a part at a time. `evaluations` is what the tenant's
/// own evaluator gave for proposed mappings over some of the groups; empty where it was not asked.
pub fn plan_with<T>(
    input: &Input<'_>,
    evaluations: &[Evaluation],
    take: impl FnOnce(Assembly<'_>) -> Result<T>,
) -> Result<Made<T>> {
    let assessed = input.assessed;
    let policy = input.policy.map(Policy::parse).transpose()?;
    let wishes = input.decisions.map(decisions::parse).transpose()?.unwrap_or_default();
    let mut stops = stops::of_gates(&assessed.header().gates);
    // A gate that fails refuses the plan. One that is not known holds it back too, but what can be said is said: the
    // plan is written as one that no run executes.
    let fails = |stop: &Stop| {
        stop.holds == Holds::Plan
            && assessed.header().gates.iter().any(|g| stop.id.as_ref() == Some(&g.id) && g.status == GateStatus::Fail)
    };
    if stops.iter().any(fails) && !input.draft {
        return Ok(Made::Blocked(stops));
    }
    stops::of_bundle(assessed, &mut stops);
    let unlisted = outside::unlisted(assessed);
    let lookup = match input.policy.is_some() || !wishes.is_empty() {
        true => Lookup::build(assessed, &unlisted),
        false => Lookup::default(),
    };
    let (wishes, by_group, by_unlisted) = resolve(input, wishes, &lookup)?;

    let (mut chosen, mut reasons): (Vec<Option<Candidate>>, Vec<Vec<Reason>>) = (0..assessed.len())
        .into_par_iter()
        .map(|i| match candidates::standing(assessed, i, &wishes, &by_group) {
            Standing::May(candidate) => (Some(candidate), Vec::new()),
            Standing::MayNot(why) => (None, why),
        })
        .unzip();
    let nesting = Nesting::of(assessed, &chosen);
    let wanted = match (&policy, input.policy) {
        (Some(policy), Some(file)) => {
            Some(wanted::wanted(policy, file, assessed, &lookup, &nesting, &chosen, &reasons)?)
        }
        _ => None,
    };
    if let Some(wanted) = &wanted {
        wanted.apply(&mut chosen, &mut reasons);
    }
    nesting.drop_open(assessed, &mut chosen, &mut reasons);
    let (candidates, forecast, proposed) = settle(input, evaluations, &nesting, chosen, &mut reasons);
    if let (Some(wanted), Some(file)) = (&wanted, input.policy) {
        wanted.check_pins(file, &candidates, &reasons)?;
    }
    stops::of_limits(assessed, &candidates, &mut stops);
    let basis = Basis { input, candidates: &candidates, forecast: &forecast, proposed: &proposed };
    let selection = selection::select(&basis, &nesting, policy.as_ref(), wanted.as_ref())?;
    let parts = Parts {
        input,
        policy: policy.as_ref(),
        wishes: &wishes,
        by_group: &by_group,
        by_unlisted: &by_unlisted,
        unlisted: &unlisted,
        forecast: &forecast,
        candidates: &candidates,
        reasons: &reasons,
        proposed: &proposed,
        selection: &selection,
        stops,
        bundle: bundle_of(input),
    };
    Ok(Made::Plan(take(assemble::assemble(parts)?)?))
}

/// Wishes with their group found: by assessed group, and by Microsoft 365 group that is not assessed.
type Resolved = (Vec<Wish>, ByGroup, HashMap<u32, u32>);

fn resolve(input: &Input<'_>, mut wishes: Vec<Wish>, lookup: &Lookup) -> Result<Resolved> {
    let (mut by_group, mut by_unlisted): (ByGroup, HashMap<u32, u32>) = Default::default();
    let Some(file) = input.decisions else { return Ok((wishes, by_group, by_unlisted)) };
    for i in 0..wishes.len() {
        let target = lookup.find(&wishes[i].group).map_err(|what| file.error(wishes[i].offset, what))?;
        let may_move = matches!(target, Target::Group(g) if input.assessed.verdict(g as usize) != Verdict::Exclude);
        if wishes[i].action == Some(Action::Include) && !may_move {
            let what = format!("{} does not move by this path; no decision can include it", wishes[i].group);
            return Err(file
                .error(wishes[i].offset, what)
                .hint("Use action = \"leave\" to record that it stays outside."));
        }
        let action = wishes[i].action.unwrap_or(if may_move { Action::Include } else { Action::Leave });
        wishes[i].action = Some(action);
        let earlier = match target {
            Target::Group(g) => by_group.entry(g).or_default().clone(),
            Target::Unlisted(row) => by_unlisted.get(&row).map(|w| vec![*w]).unwrap_or_default(),
        };
        for other in earlier {
            let old = &wishes[other as usize];
            let same_rule = old.rule == wishes[i].rule;
            if same_rule || old.action != Some(action) {
                let line = file.place(old.offset).line.unwrap_or(0);
                let what = match same_rule {
                    true => format!(
                        "a second decision about {} and {}; the first is in line {line}",
                        wishes[i].rule, wishes[i].group
                    ),
                    false => {
                        format!("{} is both included and left; the other decision is in line {line}", wishes[i].group)
                    }
                };
                return Err(file.error(wishes[i].offset, what).hint("Keep one of the two."));
            }
        }
        match target {
            Target::Group(g) => by_group.entry(g).or_default().push(i as u32),
            Target::Unlisted(row) => drop(by_unlisted.insert(row, i as u32)),
        }
    }
    Ok((wishes, by_group, by_unlisted))
}

fn bundle_of(input: &Input<'_>) -> PlanBundle {
    let bundle = &input.assessed.header().bundle;
    PlanBundle {
        path: input.bundle_path.clone(),
        created: bundle.created.clone(),
        sha256: bundle.sha256.clone(),
        complete: bundle.complete,
        anonymised: bundle.anonymised,
        domain: bundle.domain.clone(),
        tenant: bundle.tenant.clone(),
        writeback_container: bundle.writeback_container.clone(),
    }
}
