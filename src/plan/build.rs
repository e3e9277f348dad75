//! A plan made: who may move, in which waves, by which steps, and what becomes of the rest.

use super::assembly::Assembly;
use super::candidates::{self, BY_MAPPING, ByGroup, Candidate, Standing};
use super::decisions::Wish;
use super::lookup::{Lookup, Target};
use super::mappings::{self, Case, Proposed};
use super::model::{Action, Holds, Order, Plan, PlanBundle, Reason, Stop};
use super::policy::Policy;
use super::selection::{self, Selection};
use super::toml_file::TomlText;
use super::{assemble, decisions, outside};
use crate::assess::{Assessed, ScopeMode};
use crate::directory::inventory::{EntraKind, Evaluation, NONE, Tri};
use crate::error::Result;
use crate::predict::{self, Assumptions, Forecast, Mappings, Scoping};
use crate::report::model::{Gate, GateStatus, Verdict, View};
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
    let mut stops = gate_stops(&assessed.header().gates);
    // A gate that fails refuses the plan. One that is not known holds it back too, but what can be said is said: the
    // plan is written as one that no run executes.
    let fails = |stop: &Stop| {
        stop.holds == Holds::Plan
            && assessed.header().gates.iter().any(|g| stop.id.as_ref() == Some(&g.id) && g.status == GateStatus::Fail)
    };
    if stops.iter().any(fails) && !input.draft {
        return Ok(Made::Blocked(stops));
    }
    bundle_stops(assessed, &mut stops);
    let unlisted = outside::unlisted(assessed);
    let lookup = match input.policy.is_some() || !wishes.is_empty() {
        true => Lookup::build(assessed, &unlisted),
        false => Lookup::default(),
    };
    let (wishes, by_group, by_unlisted) = resolve(input, wishes, &lookup)?;

    let standings: Vec<Standing> =
        (0..assessed.len()).into_par_iter().map(|i| candidates::standing(assessed, i, &wishes, &by_group)).collect();
    let mut chosen: Vec<Option<Candidate>> = Vec::with_capacity(standings.len());
    let mut reasons: Vec<Vec<Reason>> = Vec::with_capacity(standings.len());
    for standing in standings {
        match standing {
            Standing::May(candidate) => {
                chosen.push(Some(candidate));
                reasons.push(Vec::new());
            }
            Standing::MayNot(why) => {
                chosen.push(None);
                reasons.push(why);
            }
        }
    }
    let wanted = match (&policy, input.policy) {
        (Some(policy), Some(file)) => Some(selection::wanted(policy, file, assessed, &lookup, &chosen, &reasons)?),
        _ => None,
    };
    if let Some(wanted) = &wanted {
        wanted.apply(&mut chosen, &mut reasons);
    }
    drop_nesting(assessed, &mut chosen, &mut reasons);

    let (candidates, forecast, proposed) = settle(input, evaluations, &mut chosen, &mut reasons);
    if let (Some(wanted), Some(file)) = (&wanted, input.policy) {
        wanted.check_pins(file, &chosen, &reasons)?;
    }
    limit_stops(assessed, &candidates, &mut stops);
    let selection =
        selection::select(&candidates, assessed, &forecast, &proposed, policy.as_ref(), wanted.as_ref(), input)?;
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

/// Drops what the forecast or the mappings refuse, until what is left stands.
fn settle<'a>(
    input: &Input<'a>,
    evaluations: &[Evaluation],
    chosen: &mut [Option<Candidate>],
    reasons: &mut [Vec<Reason>],
) -> (Vec<Candidate>, Forecast<'a>, Proposed) {
    let assessed = input.assessed;
    let inventory = assessed.inventory();
    loop {
        let mut rows = vec![false; inventory.entra.groups.len()];
        let candidates: Vec<Candidate> = chosen.iter().flatten().cloned().collect();
        for candidate in &candidates {
            rows[candidate.entry.entra as usize] = true;
        }
        let settings = assessed.settings();
        let assumed = Assumptions {
            mode: settings.scope,
            domain: settings.domain.as_deref(),
            mappings: Mappings::Job,
            scope: Scoping::Groups(&rows),
            on_premises_members: passes(&assessed.header().gates, "E14").then_some(true),
        };
        let forecast = Forecast::with(inventory, &assumed, assessed.shared());
        let mut dropped = false;
        for candidate in &candidates {
            let found = forecast.position_of_ad(candidate.entry.ad).map(|p| &forecast.outcomes()[p]);
            let action = found.map_or(predict::Action::Gone, |o| o.action);
            if !matches!(action, predict::Action::Update | predict::Action::Stamp) {
                reasons[candidate.index as usize]
                    .push(Reason { rule: "C15".to_owned(), text: action.sentence().to_owned() });
                chosen[candidate.index as usize] = None;
                dropped = true;
            }
        }
        if !dropped {
            let cases: Vec<Case<'_>> = candidates
                .iter()
                .map(|c| Case {
                    entra: c.entry.entra,
                    dn: inventory.dn(inventory.ad.groups[c.entry.ad as usize].object),
                })
                .collect();
            let proposed = mappings::propose(&forecast, &cases, evaluations);
            for (i, candidate) in candidates.iter().enumerate() {
                let (cn, parent) = &proposed.names[i];
                let accepted = candidate.renaming_accepted;
                if (cn.is_some() && parent.is_some()) || accepted {
                    continue;
                }
                let why = proposed
                    .proposal
                    .cannot_keep
                    .iter()
                    .find(|k| k.dn == cases[i].dn)
                    .map_or("", |k| k.reason.as_str());
                let rule = if cn.is_none() { BY_MAPPING[1] } else { BY_MAPPING[2] };
                let text = format!(
                    "no proposed mapping keeps its name or place: {why}; a decision about {rule} would accept that"
                );
                reasons[candidate.index as usize].push(Reason { rule: rule.to_owned(), text });
                chosen[candidate.index as usize] = None;
                dropped = true;
            }
            if !dropped {
                return (candidates, forecast, proposed);
            }
        }
        drop_nesting(assessed, chosen, reasons);
    }
}

/// Groups that nest a cloud group which no wave holds: the reference would go, so they stay as well, and what nests them.
fn drop_nesting(assessed: &Assessed<'_>, chosen: &mut [Option<Candidate>], reasons: &mut [Vec<Reason>]) {
    let inventory = assessed.inventory();
    let mut planned = vec![NONE; inventory.entra.groups.len()];
    for candidate in chosen.iter().flatten() {
        planned[candidate.entry.entra as usize] = candidate.index;
    }
    let nested = |candidate: &Candidate| -> Vec<u32> {
        let members = inventory.entra.members.row(candidate.entry.entra as usize);
        let groups = members.iter().map(|m| &inventory.entra.objects[*m as usize]);
        groups.filter(|o| o.kind == EntraKind::Group && o.detail != NONE).map(|o| o.detail).collect()
    };
    let is_cloud_security = |row: u32| {
        let g = &inventory.entra.groups[row as usize];
        g.security_enabled.is_true() && !g.mail_enabled.is_true() && g.synced != Tri::True && !g.deleted
    };
    // Who nests whom, turned round: what is dropped asks those that nest it.
    let edges: Vec<(u32, u32)> = chosen
        .par_iter()
        .flatten()
        .filter(|c| !c.nesting_accepted)
        .flat_map_iter(|c| nested(c).into_iter().filter(|r| is_cloud_security(*r)).map(|r| (r, c.index)))
        .collect();
    let mut parents: HashMap<u32, Vec<u32>> = HashMap::new();
    for (child, parent) in &edges {
        parents.entry(*child).or_default().push(*parent);
    }
    let mut open: Vec<u32> = parents.keys().copied().filter(|row| planned[*row as usize] == NONE).collect();
    open.sort_unstable();
    while let Some(row) = open.pop() {
        let mut above = parents.get(&row).cloned().unwrap_or_default();
        above.sort_unstable();
        for index in above {
            let Some(candidate) = chosen[index as usize].take() else { continue };
            let group = &inventory.entra.groups[row as usize];
            let name = inventory.text.get(group.display_name).unwrap_or("");
            let id = inventory.entra_object(group).id;
            let text = format!(
                "it nests {name:?} ({id}), which no wave holds: the job would not write that membership; a decision about C24 would accept that"
            );
            reasons[index as usize].push(Reason { rule: "nesting".to_owned(), text });
            planned[candidate.entry.entra as usize] = NONE;
            open.push(candidate.entry.entra);
        }
    }
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

fn passes(gates: &[Gate], id: &str) -> bool {
    gates.iter().any(|g| g.id == id && g.status == GateStatus::Pass)
}

/// Gates that fail or are not known, by what they hold back.
fn gate_stops(gates: &[Gate]) -> Vec<Stop> {
    let open = |g: &&Gate| matches!(g.status, GateStatus::Fail | GateStatus::Unknown);
    gates
        .iter()
        .filter(open)
        .map(|g| Stop {
            kind: "gate".to_owned(),
            id: Some(g.id.clone()),
            message: format!(
                "{} {}: {}",
                g.id,
                if g.status == GateStatus::Fail { "fails" } else { "is not known" },
                g.message
            ),
            remediation: g.remediation.clone(),
            holds: if g.blocks.iter().any(|b| b == "plan") { Holds::Plan } else { Holds::Start },
        })
        .collect()
}

fn bundle_stops(assessed: &Assessed<'_>, stops: &mut Vec<Stop>) {
    let bundle = &assessed.header().bundle;
    let mut stop = |message: &str, remediation: &str| {
        stops.push(Stop {
            kind: "bundle".to_owned(),
            id: None,
            message: message.to_owned(),
            remediation: remediation.to_owned(),
            holds: Holds::Run,
        });
    };
    if !bundle.complete {
        stop(
            "the bundle is partial: groups and members may be missing from it",
            "Collect again, without --accept-partial.",
        );
    }
    if bundle.anonymised {
        stop("the bundle is anonymised: its names and ids are none of the tenant's", "Plan from the original bundle.");
    }
}

/// Cloud Sync's limits on what would be in scope.
fn limit_stops(assessed: &Assessed<'_>, candidates: &[Candidate], stops: &mut Vec<Stop>) {
    let settings = assessed.settings();
    let limits = &settings.limits;
    let (most_groups, most_links) = match settings.scope {
        ScopeMode::Selected => (limits.max_groups_selected, limits.max_links_selected),
        ScopeMode::Attribute => (limits.max_groups_filtered, limits.max_links_filtered),
    };
    let members = &assessed.inventory().entra.members;
    let links: u64 = candidates.iter().map(|c| members.row(c.entry.entra as usize).len() as u64).sum();
    let mut stop = |message: String| {
        stops.push(Stop {
            kind: "limit".to_owned(),
            id: Some("C19".to_owned()),
            message,
            remediation: "Plan fewer groups ([include] or [exclude] of waves.toml), or choose the other scope mode where its limits fit.".to_owned(),
            holds: Holds::Run,
        });
    };
    let mode = settings.scope.as_str();
    if candidates.len() as u64 > most_groups {
        stop(format!("{} groups are planned; the mode \"{mode}\" takes {most_groups}", candidates.len()));
    }
    if links > most_links {
        stop(format!("{links} direct memberships are planned; the mode \"{mode}\" takes {most_links}"));
    }
    if candidates.is_empty() {
        stops.push(Stop {
            kind: "empty".to_owned(),
            id: None,
            message: "no group can move".to_owned(),
            remediation: "See the reasons beside each group outside, and the assessment.".to_owned(),
            holds: Holds::Run,
        });
    }
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
