//! The document: everything that was decided, put into its published shape.

use super::build::Parts;
use super::model::{
    Decision, Fixed, GroupStep, Hold, Holds, JobPlan, OpenPoint, Order, PLAN_SCHEMA, Plan, PlanSummary, PlannedGroup,
    PolicyRecord, PredictedGroup, Stop, Timing, Wave,
};
use super::policy::{CANARY_SIZE, OrderBy, Policy, WAVE_SIZE};
use super::predicted::Members;
use super::schedule::{self, Calendar};
use super::steps::{self, Plot, Steps, WavePlot};
use super::{file, mappings, outside, predicted, servers};
use crate::bundle::write::hex;
use crate::directory::inventory::{CloudSync, Evaluation};
use crate::directory::{Anchor, ObjectGuid};
use crate::error::Result;
use crate::predict::{Point, spread};
use crate::report::model::View;
use hashbrown::HashSet;
use rayon::prelude::*;
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::ops::Range;

/// Cycles that a wave takes, and after which a run gives up waiting: a reference may need the group it names to be known.
const CYCLES: u64 = 1;
const CYCLES_AT_MOST: u64 = 3;

/// Groups from which members are removed for certain, kept for the pages.
const NAMED_REMOVALS: usize = 200;

/// What a page says of a wave whose groups it does not hold.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct WaveSize {
    pub groups: u64,
    /// The highest risk of its groups.
    pub risk: u32,
}

impl WaveSize {
    pub fn of(wave: &Wave) -> WaveSize {
        let risk = wave.groups.iter().map(|g| g.risk.score).max().unwrap_or(0);
        WaveSize { groups: wave.groups.len() as u64, risk }
    }
}

/// A plan whose groups are made when they are asked for: all of a million at once are many times what they are made from.
pub struct Assembly<'a> {
    parts: Parts<'a>,
    steps: Steps,
    /// The plan with no group in its waves, and without its hash.
    head: Plan,
    sizes: Vec<WaveSize>,
    removing: Vec<(usize, u32)>,
}

impl Assembly<'_> {
    pub fn head(&self) -> &Plan {
        &self.head
    }

    pub fn sizes(&self) -> &[WaveSize] {
        &self.sizes
    }

    /// Groups of a wave, in order.
    pub fn groups(&self, wave: usize, range: Range<usize>) -> Vec<PlannedGroup> {
        self.ids(wave).get(range).unwrap_or_default().par_iter().map(|i| self.group(wave, *i)).collect()
    }

    /// The first groups that lose members for certain.
    pub fn removing(&self) -> Vec<PlannedGroup> {
        self.removing.par_iter().map(|(wave, i)| self.group(*wave, *i)).collect()
    }

    /// The whole plan in memory, with its hash.
    pub fn whole(self) -> Result<Plan> {
        let groups: Vec<_> = (0..self.head.waves.len()).map(|w| self.groups(w, 0..self.ids(w).len())).collect();
        let mut plan = self.head;
        plan.waves.iter_mut().zip(groups).for_each(|(wave, groups)| wave.groups = groups);
        plan.sha256 = file::hash(&plan)?;
        Ok(plan)
    }

    /// Gives the JSON of every group of a wave, as it stands in the plan, part after part.
    pub fn json_of(&self, wave: usize, mut give: impl FnMut(Vec<u8>) -> Result<()>) -> Result<()> {
        for some in self.ids(wave).chunks(PART * 16) {
            let made: Result<Vec<Vec<u8>>> = some
                .par_chunks(PART)
                .map(|ids| file::groups_json(&ids.iter().map(|i| self.group(wave, *i)).collect::<Vec<_>>()))
                .collect();
            made?.into_iter().try_for_each(&mut give)?;
        }
        Ok(())
    }

    /// What to ask the tenant's own evaluator about the proposed mappings, over up to so many groups of the waves.
    pub fn questions(&self, most: usize) -> Vec<Evaluation> {
        let inventory = self.parts.input.assessed.inventory();
        let cases: Vec<mappings::Asked<'_>> = spread(self.parts.candidates.len(), most)
            .into_iter()
            .map(|i| mappings::Asked {
                entra: self.parts.candidates[i].entry.entra,
                values: &self.parts.proposed.values[i],
            })
            .collect();
        mappings::questions(inventory, self.parts.forecast.view(), &self.parts.proposed.proposal, &cases)
    }

    fn ids(&self, wave: usize) -> &[u32] {
        self.parts.selection.waves.get(wave).map_or(&[], |w| &w.groups)
    }

    fn group(&self, wave: usize, index: u32) -> PlannedGroup {
        group(&self.parts, &self.steps, wave, index, is_frozen(&self.parts, &self.steps, wave))
    }
}

/// Groups whose JSON is made in one go.
const PART: usize = 64;

pub(super) fn assemble(mut parts: Parts<'_>) -> Result<Assembly<'_>> {
    let assessed = parts.input.assessed;
    let inventory = assessed.inventory();
    let order = parts.input.order;
    let hold = parts.policy.map_or(Hold::default(), |p| p.canary.hold);
    let container = parts.bundle.writeback_container.clone();
    let (connect, stops) = servers::servers(&inventory.connect, container.as_deref());
    parts.stops.extend(stops);
    let has_canary = parts.selection.waves.first().is_some_and(|w| w.canary);
    let calendar = Calendar::new(parts.policy, order, has_canary);
    let job = job_plan(&parts);
    let raw_job = raw_job(&inventory.cloud_sync, job.id.as_deref());
    let mut timing = schedule::cycle(raw_job);
    let outside = outside_groups(&parts);
    let undecided = outside.iter().filter(|o| o.decision.is_none() && o.effect != "none").count() as u64;
    job_stops(&mut parts, raw_job);
    order_stops(&mut parts, order, hold, has_canary, undecided);

    let plots: Vec<WavePlot> = parts
        .selection
        .waves
        .iter()
        .map(|wave| {
            let writes = wave.groups.len() as u64;
            let write_minutes = schedule::write_minutes(writes);
            WavePlot {
                name: wave.name.clone(),
                canary: wave.canary,
                groups: writes,
                write_minutes,
                minutes: write_minutes + CYCLES * timing.cycle_minutes,
            }
        })
        .collect();
    let proposal = &parts.proposed.proposal;
    let plot = Plot {
        order,
        hold,
        calendar: &calendar,
        servers: &connect,
        scripts_folder: &parts.input.scripts_folder,
        waves: plots,
        job_exists: job.id.is_some(),
        extension_values: proposal.extensions.iter().map(|e| e.values).sum(),
        creates_extension: proposal.extensions.iter().any(|e| !e.exists),
        patches_mapping: proposal.schema_patch.is_some(),
        stamps: parts.candidates.iter().filter(|c| stamp_of(&parts, c.entry.ad).is_some()).count() as u64,
        undecided,
        domain: parts.bundle.domain.clone().unwrap_or_else(|| "(unknown)".to_owned()),
        assigned_today: job.assigned_today.len() as u64,
    };
    let steps = steps::steps(&plot);
    let tallies = tallies(&parts, &steps);
    let waves = waves(&parts, &tallies, &calendar, &plot, &timing);

    let mut summary = PlanSummary {
        assessed: assessed.len() as u64,
        planned: parts.candidates.len() as u64,
        links: waves.iter().map(|w| w.links).sum(),
        waves: waves.len() as u64,
        outside: outside.len() as u64,
        undecided,
        ..PlanSummary::default()
    };
    let mut points = BTreeMap::<Point, u64>::new();
    for tally in &tallies {
        summary.member_adds += tally.member_adds;
        summary.member_removals += tally.member_removals;
        summary.possible_removals += tally.possible_removals;
        summary.depends += tally.depends;
        summary.renamed_or_moved += tally.renamed_or_moved;
        for (point, groups) in Point::ALL.into_iter().zip(&tally.points).filter(|(_, groups)| **groups > 0) {
            *points.entry(point).or_default() += groups;
        }
    }
    timing.graph_writes = waves.iter().map(|w| w.graph_writes).sum();
    timing.directory_writes = plot.stamps;
    timing.cycles = CYCLES * waves.len() as u64;
    timing.minutes = schedule::write_minutes(timing.graph_writes) + timing.cycles * timing.cycle_minutes;
    timing.sessions = calendar.sessions(waves.len());

    let head = Plan {
        schema: PLAN_SCHEMA.to_owned(),
        sha256: String::new(),
        tool: env!("CARGO_PKG_VERSION").to_owned(),
        executable: !parts.stops.iter().any(|s| matches!(s.holds, Holds::Plan | Holds::Run)),
        order,
        summary,
        gates: assessed.header().gates.clone(),
        mappings: proposal.clone(),
        job,
        connect,
        steps: steps.steps.clone(),
        waves,
        outside,
        decisions: recorded(&parts),
        policy: policy_record(&parts, hold),
        timing,
        open: points
            .into_iter()
            .map(|(p, groups)| OpenPoint {
                name: p.as_str().to_owned(),
                question: p.question().to_owned(),
                settled_by: p.settled_by().to_owned(),
                groups,
            })
            .collect(),
        stops: std::mem::take(&mut parts.stops),
        bundle: parts.bundle.clone(),
    };
    let sizes = tallies.iter().map(|t| WaveSize { groups: t.groups, risk: t.risk }).collect();
    let removing = tallies.into_iter().flat_map(|t| t.removing).take(NAMED_REMOVALS).collect();
    Ok(Assembly { parts, steps, head, sizes, removing })
}

/// What the chosen order asks for beyond the gates.
fn order_stops(parts: &mut Parts<'_>, order: Order, hold: Hold, has_canary: bool, undecided: u64) {
    let mut stop = |kind: &str, id: Option<&str>, message: String, remediation: &str, holds: Holds| {
        parts.stops.push(Stop {
            kind: kind.to_owned(),
            id: id.map(str::to_owned),
            message,
            remediation: remediation.to_owned(),
            holds,
        });
    };
    if undecided > 0 {
        stop(
            "decisions",
            None,
            format!(
                "{undecided} groups are changed by the end of V2 though no wave holds them, and nobody has decided about them"
            ),
            "Record a decision for each in decisions.toml and plan again; they are listed under \"outside\".",
            Holds::Irreversible,
        );
    }
    if order == Order::CanaryFirst && !has_canary {
        let what = "the order is canary-first, and there is no canary wave".to_owned();
        stop(
            "empty",
            None,
            what,
            "Give [canary] of waves.toml a size of at least 1, and a group that can move.",
            Holds::Run,
        );
    }
    let e6 = parts
        .input
        .assessed
        .header()
        .gates
        .iter()
        .any(|g| g.id == "E6" && g.status == crate::report::model::GateStatus::Pass);
    if order == Order::CanaryFirst && hold == Hold::Writeback && !e6 {
        let what = "freezing the canaries by isEnabled=false needs gate E6 passed: with that rule the frozen groups would be deleted".to_owned();
        stop("gate", Some("E6"), what, "Disable the rule on every server, or use hold = \"staging\".", Holds::Run);
    }
}

/// The value that a group's stamp is to get, with the value that is there; nothing where it is stamped.
fn stamp_of<'a>(parts: &Parts<'a>, ad: u32) -> Option<(Option<&'a str>, String)> {
    let inventory = parts.input.assessed.inventory();
    let group = inventory.ad.groups.get(ad as usize)?;
    let position = parts.forecast.position_of_ad(ad)?;
    let entra = inventory.entra.groups.get(parts.forecast.outcomes()[position].entra as usize)?;
    let wanted = Anchor(inventory.entra_object(entra).id).to_string();
    let now = inventory.text.get(group.edoi).filter(|t| !t.is_empty());
    (now != Some(wanted.as_str())).then_some((now, wanted))
}

/// What a wave comes to.
#[derive(Default)]
struct Tally {
    groups: u64,
    risk: u32,
    graph_writes: u64,
    member_adds: u64,
    member_removals: u64,
    possible_removals: u64,
    depends: u64,
    renamed_or_moved: u64,
    /// Groups by `Point::ALL`.
    points: [u64; Point::ALL.len()],
    /// Wave and candidate of the first groups that lose members.
    removing: Vec<(usize, u32)>,
}

impl Tally {
    fn and(mut self, other: Tally) -> Tally {
        self.groups += other.groups;
        self.risk = self.risk.max(other.risk);
        self.graph_writes += other.graph_writes;
        self.member_adds += other.member_adds;
        self.member_removals += other.member_removals;
        self.possible_removals += other.possible_removals;
        self.depends += other.depends;
        self.renamed_or_moved += other.renamed_or_moved;
        self.points.iter_mut().zip(other.points).for_each(|(own, more)| *own += more);
        let room = NAMED_REMOVALS.saturating_sub(self.removing.len());
        self.removing.extend(other.removing.into_iter().take(room));
        self
    }
}

fn tallies(parts: &Parts<'_>, steps: &Steps) -> Vec<Tally> {
    let waves = parts.selection.waves.par_iter().enumerate();
    waves
        .map(|(wave, cut)| {
            let frozen = is_frozen(parts, steps, wave);
            // In order, so that the first to lose members are the first of the wave.
            cut.groups.par_iter().map(|i| tally(parts, wave, *i, frozen)).reduce(Tally::default, Tally::and)
        })
        .collect()
}

fn tally(parts: &Parts<'_>, wave: usize, index: u32, frozen: bool) -> Tally {
    let inventory = parts.input.assessed.inventory();
    let candidate = &parts.candidates[index as usize];
    let dn = inventory.dn(inventory.ad.groups[candidate.entry.ad as usize].object);
    let p = predicted_of(parts, index, dn, Members::Counted);
    let depends_on = |point: Point| p.depends.iter().any(|d| d == point.as_str());
    Tally {
        groups: 1,
        risk: parts.selection.risks[index as usize].score,
        // Into scope, each extension value, and the freeze.
        graph_writes: 1 + parts.proposed.values[index as usize].len() as u64 + u64::from(frozen),
        member_adds: p.member_adds.len() as u64,
        member_removals: p.member_removals.len() as u64,
        possible_removals: p.possible_removals.count,
        depends: u64::from(!p.depends.is_empty()),
        renamed_or_moved: u64::from(p.dn.as_deref() != Some(dn)),
        points: Point::ALL.map(|point| u64::from(depends_on(point))),
        removing: if p.member_removals.is_empty() { Vec::new() } else { vec![(wave, index)] },
    }
}

fn predicted_of(parts: &Parts<'_>, index: u32, dn: &str, members: Members) -> PredictedGroup {
    let (cn, parent) = &parts.proposed.names[index as usize];
    let position = parts.forecast.position_of_ad(parts.candidates[index as usize].entry.ad);
    predicted::of(parts.forecast, position, dn, (cn.as_deref(), parent.as_deref()), members)
}

fn is_frozen(parts: &Parts<'_>, steps: &Steps, wave: usize) -> bool {
    parts.selection.waves[wave].canary && !steps.hold.is_empty()
}

fn waves(parts: &Parts<'_>, tallies: &[Tally], calendar: &Calendar<'_>, plot: &Plot<'_>, timing: &Timing) -> Vec<Wave> {
    let members = &parts.input.assessed.inventory().entra.members;
    let cuts = parts.selection.waves.iter().zip(tallies).enumerate();
    cuts.map(|(position, (cut, tally))| {
        let session = calendar.wave(position);
        let row = |i: &u32| members.row(parts.candidates[*i as usize].entry.entra as usize).len() as u64;
        let frozen = match (parts.input.order, cut.canary) {
            (Order::CanaryFirst, true) => None,
            _ => calendar.days_frozen(session),
        };
        Wave {
            name: cut.name.clone(),
            canary: cut.canary,
            session,
            at: calendar.at(session),
            days_frozen: frozen,
            links: cut.groups.iter().map(row).sum(),
            graph_writes: tally.graph_writes,
            cycles: CYCLES,
            cycles_at_most: CYCLES_AT_MOST,
            minutes: plot.waves[position].write_minutes + CYCLES * timing.cycle_minutes,
            oversize: cut.oversize,
            groups: Vec::new(),
        }
    })
    .collect()
}

fn group(parts: &Parts<'_>, ids: &Steps, wave: usize, index: u32, frozen: bool) -> PlannedGroup {
    let assessed = parts.input.assessed;
    let inventory = assessed.inventory();
    let candidate = &parts.candidates[index as usize];
    let (ad, entra) =
        (&inventory.ad.groups[candidate.entry.ad as usize], &inventory.entra.groups[candidate.entry.entra as usize]);
    let object = inventory.ad_object(ad);
    let id = inventory.entra_object(entra).id;
    let dn = inventory.dn(ad.object);
    let object_id = |i: &u32| {
        let row = parts.candidates[*i as usize].entry.entra;
        inventory.entra_object(&inventory.entra.groups[row as usize]).id.to_string()
    };
    PlannedGroup {
        object_id: id.to_string(),
        object_guid: object.guid.to_string(),
        sid: inventory.sids.get(object.sid).map(|s| s.to_string()),
        dn: dn.to_owned(),
        display_name: inventory.text.get(entra.display_name).map(str::to_owned),
        verdict: candidate.verdict,
        risk: parts.selection.risks[index as usize].clone(),
        members: inventory.ad.members.row(candidate.entry.ad as usize).len() as u64,
        members_sha256: members_hash(parts, candidate.entry.ad),
        group_type: ad.group_type.map(|t| t.0),
        nests: parts.selection.children.row(index as usize).iter().map(object_id).collect(),
        unit: parts.selection.circles[index as usize],
        fixes: candidate.fixes.iter().map(|rule| fixed(rule, ids)).collect(),
        decisions: candidate.decisions.iter().map(|d| u64::from(*d)).collect(),
        steps: group_steps(parts, ids, wave, index, id, frozen),
        predicted: predicted_of(parts, index, dn, Members::Named),
    }
}

fn fixed(rule: &str, ids: &Steps) -> Fixed {
    let by = match rule {
        super::candidates::BY_SCOPE => "every group that it nests moves in this wave or an earlier one".to_owned(),
        _ if ids.extension.is_empty() => "the proposed mapping keeps its name and place".to_owned(),
        _ => format!("the proposed mapping keeps its name and place, with the extension values of {}", ids.extension),
    };
    Fixed { rule: rule.to_owned(), by }
}

fn group_steps(
    parts: &Parts<'_>,
    ids: &Steps,
    wave: usize,
    index: u32,
    id: ObjectGuid,
    frozen: bool,
) -> Vec<GroupStep> {
    let candidate = &parts.candidates[index as usize];
    let step = |kind: &str, step: &str, attribute: &str, undo: &str| GroupStep {
        kind: kind.to_owned(),
        step: step.to_owned(),
        attribute: Some(attribute.to_owned()),
        expects: None,
        writes: None,
        reversible: true,
        undo: undo.to_owned(),
    };
    let mut out = Vec::new();
    for (name, value) in &parts.proposed.values[index as usize] {
        out.push(GroupStep {
            expects: extension_now(parts, candidate.entry.entra, name),
            writes: Some(value.clone()),
            ..step("write-extension", &ids.extension, name, "the former value, where the present one is still ours")
        });
    }
    if let Some((now, wanted)) = stamp_of(parts, candidate.entry.ad) {
        out.push(GroupStep {
            expects: now.map(str::to_owned),
            writes: Some(wanted),
            ..step(
                "stamp",
                &ids.stamp,
                "msDS-ExternalDirectoryObjectId",
                "the former value, where the present one is still ours and no started job ever had the group in scope",
            )
        });
    }
    if frozen {
        out.push(GroupStep {
            expects: Some("true".to_owned()),
            writes: Some("false".to_owned()),
            ..step("freeze", &ids.hold, "writebackConfiguration.isEnabled", "true again, while V2 is on")
        });
    }
    let (attribute, writes) = match parts.input.assessed.settings().scope {
        crate::assess::ScopeMode::Selected => ("appRoleAssignedTo", id.to_string()),
        crate::assess::ScopeMode::Attribute => ("WritebackEnabled", "true".to_owned()),
    };
    out.push(GroupStep {
        // The job's scope is emptied before the first wave.
        expects: None,
        writes: Some(writes),
        ..step("scope-in", &ids.scope[wave], attribute, "out of scope, after the job is paused and AD restored")
    });
    out.push(GroupStep { attribute: None, ..step("verify", &ids.verify[wave], "", "nothing to undo") });
    out
}

fn extension_now(parts: &Parts<'_>, entra: u32, name: &str) -> Option<String> {
    let inventory = parts.input.assessed.inventory();
    let (first, count) = inventory.entra.groups.get(entra as usize)?.extensions;
    let own = inventory.entra.extensions.get(first as usize..first as usize + usize::from(count))?;
    let (_, value) = own.iter().find(|(n, _)| inventory.text.get(*n).is_some_and(|n| n.eq_ignore_ascii_case(name)))?;
    inventory.text.get(*value).map(str::to_owned)
}

fn members_hash(parts: &Parts<'_>, ad: u32) -> String {
    let inventory = parts.input.assessed.inventory();
    let mut names: Vec<String> =
        inventory.ad.members.row(ad as usize).iter().map(|m| inventory.dn(*m).to_lowercase()).collect();
    names.sort_unstable();
    let mut hash = Sha256::new();
    for name in names {
        hash.update(name.as_bytes());
        hash.update(b"\n");
    }
    hex(&hash.finalize())
}

fn outside_groups(parts: &Parts<'_>) -> Vec<super::model::Outside> {
    let assessed = parts.input.assessed;
    let planned: HashSet<u32> = parts.candidates.iter().map(|c| c.index).collect();
    let decided = |list: &[u32]| {
        let leave = |w: &&u32| parts.wishes[**w as usize].action == Some(super::model::Action::Leave);
        list.iter().find(leave).map(|w| u64::from(*w))
    };
    let mut out: Vec<_> = (0..assessed.len())
        .into_par_iter()
        .filter(|i| !planned.contains(&(*i as u32)))
        .map(|i| {
            let decision = parts.by_group.get(&(i as u32)).and_then(|w| decided(w));
            outside::assessed(assessed, i, parts.reasons[i].clone(), decision)
        })
        .collect();
    out.extend(
        parts
            .unlisted
            .iter()
            .map(|row| outside::microsoft_365(assessed, *row, parts.by_unlisted.get(row).map(|w| u64::from(*w)))),
    );
    out
}

fn recorded(parts: &Parts<'_>) -> Vec<Decision> {
    use super::model::Action;
    parts.wishes.iter().map(|w| w.decided(w.group.clone(), w.action.unwrap_or(Action::Leave))).collect()
}

fn policy_record(parts: &Parts<'_>, hold: Hold) -> PolicyRecord {
    let policy = parts.policy;
    let sha = |text: Option<super::toml_file::TomlText<'_>>| text.map(|t| hex(&Sha256::digest(t.text.as_bytes())));
    PolicyRecord {
        waves_sha256: sha(parts.input.policy),
        decisions_sha256: sha(parts.input.decisions),
        canary_size: policy.map_or(CANARY_SIZE, Policy::canary_size),
        wave_size: policy.map_or(WAVE_SIZE, Policy::wave_size),
        order_by: policy.map_or(OrderBy::Risk, |p| p.waves.order).as_str().to_owned(),
        hold,
        start: policy.and_then(Policy::start).map(|s| s.to_rfc3339_opts(chrono::SecondsFormat::Secs, true)),
        days_between: policy.map_or(1, Policy::days_between),
    }
}

/// A job that has run already has taken groups over, and what leaving its scope does to them is documented nowhere.
fn job_stops(parts: &mut Parts<'_>, job: Option<&Value>) {
    let Some(job) = job else { return };
    let ran = job.pointer("/status/lastExecution").is_some_and(|v| !v.is_null());
    let code = job.pointer("/status/code").and_then(Value::as_str).unwrap_or("");
    let active = ["Active", "Quarantine"].iter().any(|c| code.eq_ignore_ascii_case(c));
    if ran || active {
        parts.stops.push(Stop {
            kind: "job".to_owned(),
            id: None,
            message: format!("the Cloud Sync job has run already (status {code:?}): what leaving its scope does to groups that it maintains is not documented"),
            remediation: "See what it maintains (groups with a stamp); exclude those from the waves, or let the throwaway group show what leaving the scope does first.".to_owned(),
            holds: Holds::Start,
        });
    }
}

fn raw_job<'j>(cloud: &'j CloudSync, id: Option<&str>) -> Option<&'j Value> {
    let id = id?;
    cloud.jobs.iter().flatten().find(|j| j.get("id").and_then(Value::as_str) == Some(id))
}

fn job_plan(parts: &Parts<'_>) -> JobPlan {
    let assessed = parts.input.assessed;
    let inventory = assessed.inventory();
    let (cloud, settings) = (&inventory.cloud_sync, assessed.settings());
    let text = |v: &Value, name: &str| v.get(name).and_then(Value::as_str).map(str::to_owned);
    let domain = parts.forecast.domain().map(str::to_owned).or_else(|| parts.bundle.domain.clone());
    let named =
        |p: &&Value| text(p, "displayName").is_some_and(|n| domain.as_ref().is_some_and(|d| n.eq_ignore_ascii_case(d)));
    let principals: Vec<&Value> = cloud.service_principals.iter().flatten().collect();
    let principal = principals.iter().copied().find(named).or(match principals.as_slice() {
        [one] => Some(*one),
        _ => None,
    });
    let role = |r: &&Value| r.get("isEnabled").and_then(Value::as_bool) == Some(true);
    let mut assigned_today: Vec<String> =
        cloud.assignments.iter().flatten().map(|a| a.principal_id.to_ascii_lowercase()).collect();
    assigned_today.sort_unstable();
    assigned_today.dedup();
    JobPlan {
        id: parts.forecast.view().to_ad_jobs().and_then(|jobs| text(jobs.first()?, "id")),
        service_principal: settings.service_principal.clone().or_else(|| text(principal?, "id")),
        template: "AAD2ADGroupProvisioning".to_owned(),
        domain,
        scope: settings.scope.as_str().to_owned(),
        app_role_id: principal
            .and_then(|p| p.get("appRoles")?.as_array()?.iter().find(role).and_then(|r| text(r, "id")))
            .or_else(|| cloud.assignments.iter().flatten().find_map(|a| a.app_role_id.clone())),
        flow_types: "Update".to_owned(),
        skip_out_of_scope_deletions: true,
        delete_threshold: 1,
        assigned_today,
    }
}
