//! The policy applied to the groups: who is wanted at all, who is pinned where, and the waves that come out.

use super::build::Input;
use super::candidates::Candidate;
use super::lookup::{Lookup, Target};
use super::mappings::Proposed;
use super::model::{Reason, Risk};
use super::policy::{Choice, OrderBy, Policy, WAVE_SIZE};
use super::risk::{self, Facts};
use super::toml_file::TomlText;
use super::waves::{self, Cut, Pin, Slot, Task, Trouble};
use crate::assess::{Assessed, Entry};
use crate::directory::inventory::{EntraKind, NONE};
use crate::directory::{Dn, Rows, split, write_key};
use crate::error::{Error, Result};
use crate::predict::Forecast;
use fancy_regex::Regex;
use hashbrown::HashMap;
use rayon::prelude::*;
use toml::Spanned;

/// What the policy says of each assessed group.
pub(super) struct Wanted {
    /// By position: the pin, and where in the file a hard one stands.
    pins: HashMap<u32, (Pin, usize)>,
    excluded: HashMap<u32, String>,
    /// Where [include] is given: those that it names; the rest stays outside.
    included: Option<Vec<bool>>,
}

/// The waves, over positions in the list of candidates.
pub(super) struct Selection {
    pub waves: Vec<NamedCut>,
    pub risks: Vec<Risk>,
    pub children: Rows,
    /// The number of the circle that a group is in.
    pub circles: Vec<Option<u64>>,
}

pub(super) struct NamedCut {
    pub name: String,
    pub canary: bool,
    pub oversize: bool,
    pub groups: Vec<u32>,
}

/// Patterns and containers, ready to ask.
pub(super) struct Matcher {
    patterns: Vec<Regex>,
    containers: Vec<Vec<u8>>,
}

impl Matcher {
    pub fn new(file: TomlText<'_>, patterns: &[Spanned<String>], ous: &[Spanned<String>]) -> Result<Matcher> {
        let mut out = Matcher { patterns: Vec::new(), containers: Vec::new() };
        for pattern in patterns {
            let regex = Regex::new(pattern.get_ref()).map_err(|e| {
                file.error(pattern.span().start, format!("{:?} is no regular expression: {e}", pattern.get_ref()))
            })?;
            out.patterns.push(regex);
        }
        for ou in ous {
            let mut key = Vec::new();
            if !ou.get_ref().contains('=') || write_key(ou.get_ref().trim(), &mut key).is_none() {
                return Err(file.error(ou.span().start, format!("{:?} is no distinguished name", ou.get_ref())));
            }
            out.containers.push(key);
        }
        Ok(out)
    }
    fn is_empty(&self) -> bool {
        self.patterns.is_empty() && self.containers.is_empty()
    }
    /// By CN, by display name, or by container.
    pub fn matches(&self, (dn, display_name): (&str, &str)) -> bool {
        if self.is_empty() {
            return false;
        }
        let cn = split(dn).map(|(cn, _)| cn).unwrap_or_default();
        let found = |p: &Regex, text: &str| !text.is_empty() && p.is_match(text).unwrap_or(false);
        if self.patterns.iter().any(|p| found(p, &cn) || found(p, display_name)) {
            return true;
        }
        let mut key = Vec::new();
        !self.containers.is_empty()
            && write_key(dn, &mut key).is_some()
            && self.containers.iter().any(|c| key.strip_suffix(c.as_slice()).is_some_and(|head| head.ends_with(b"\0")))
    }
}

/// DN and display name.
pub(super) fn names_of<'a>(assessed: &Assessed<'a>, entry: Entry) -> (&'a str, &'a str) {
    let inventory = assessed.inventory();
    let dn = inventory.ad.groups.get(entry.ad as usize).map_or("", |g| inventory.dn(g.object));
    let entra = inventory.entra.groups.get(entry.entra as usize);
    (dn, entra.and_then(|g| inventory.text.get(g.display_name)).unwrap_or(""))
}

/// Reads the policy against the groups that there are.
pub(super) fn wanted(
    policy: &Policy,
    file: TomlText<'_>,
    assessed: &Assessed<'_>,
    lookup: &Lookup,
    chosen: &[Option<Candidate>],
    reasons: &[Vec<Reason>],
) -> Result<Wanted> {
    sizes(policy, file, assessed)?;
    let find = |name: &Spanned<String>| match lookup.find(name.get_ref()) {
        Ok(Target::Group(i)) => Ok(i),
        Ok(Target::Unlisted(_)) => {
            Err(file.error(name.span().start, format!("{} is a Microsoft 365 group: it does not move", name.get_ref())))
        }
        Err(what) => Err(file.error(name.span().start, what)),
    };
    let mut out = Wanted { pins: HashMap::new(), excluded: HashMap::new(), included: None };
    let exclude = choose(&policy.exclude, file, assessed, chosen.len(), &find)?;
    for (i, how) in exclude.iter().enumerate() {
        if let Some(how) = how {
            out.excluded.insert(i as u32, format!("waves.toml excludes it ({how})"));
        }
    }
    if let Some(include) = &policy.include {
        let named = choose(include, file, assessed, chosen.len(), &find)?;
        out.included = Some(with_nested(assessed, chosen, named.iter().map(Option::is_some).collect()));
    }
    let mut slots: Vec<(u32, &[Spanned<String>])> = vec![(0, &policy.canary.groups)];
    slots.extend(policy.wave.iter().enumerate().map(|(i, w)| (i as u32 + 1, w.get_ref().groups.as_slice())));
    for (slot, names) in slots {
        for name in names {
            let (i, at) = (find(name)?, name.span().start);
            let refuse = |what: String| Err(file.error(at, format!("{}: {what}", name.get_ref())));
            if let Some((_, other)) = out.pins.get(&i) {
                let line = file.place(*other).line.unwrap_or(0);
                return refuse(format!("pinned a second time; the first is in line {line}"));
            }
            if out.excluded.contains_key(&i) {
                return refuse("both pinned and excluded".to_owned());
            }
            if out.included.as_ref().is_some_and(|all| !all[i as usize]) {
                return refuse("pinned, and not among those that [include] names".to_owned());
            }
            if chosen[i as usize].is_none() {
                return refuse(format!("cannot be in a wave: {}", sentences(&reasons[i as usize])));
            }
            out.pins.insert(i, (Pin::Hard(slot), at));
        }
    }
    for (slot, wave) in policy.wave.iter().enumerate() {
        let matcher = Matcher::new(file, &wave.get_ref().patterns, &wave.get_ref().ous)?;
        if matcher.is_empty() {
            continue;
        }
        for i in (0..chosen.len())
            .filter(|i| chosen[*i].is_some() && matcher.matches(names_of(assessed, assessed.entry(*i))))
        {
            out.pins.entry(i as u32).or_insert((Pin::Soft(slot as u32 + 1), wave.span().start));
        }
    }
    Ok(out)
}

fn sentences(reasons: &[Reason]) -> String {
    let list: Vec<String> = reasons.iter().map(|r| format!("{} {}", r.rule, r.text)).collect();
    list.join("; ")
}

/// A wave may not be larger than what the job may have in scope at all.
fn sizes(policy: &Policy, file: TomlText<'_>, assessed: &Assessed<'_>) -> Result<()> {
    let settings = assessed.settings();
    let most = match settings.scope {
        crate::assess::ScopeMode::Selected => settings.limits.max_groups_selected,
        crate::assess::ScopeMode::Attribute => settings.limits.max_groups_filtered,
    };
    let own = policy.wave.iter().filter_map(|w| w.get_ref().size.as_ref());
    let all = policy.waves.size.iter().chain(policy.canary.size.iter()).chain(own);
    match all.into_iter().find(|s| *s.get_ref() > most) {
        Some(size) => Err(file
            .error(
                size.span().start,
                format!(
                    "a wave of {} groups; the mode \"{}\" takes {most} in all",
                    size.get_ref(),
                    settings.scope.as_str()
                ),
            )
            .hint("Cloud Sync's limits stand in [policy] of groupshift.toml.")),
        None => Ok(()),
    }
}

/// By position: how a choice names the group.
fn choose(
    choice: &Choice,
    file: TomlText<'_>,
    assessed: &Assessed<'_>,
    count: usize,
    find: &dyn Fn(&Spanned<String>) -> Result<u32>,
) -> Result<Vec<Option<&'static str>>> {
    let mut out = vec![None; count];
    for name in &choice.groups {
        out[find(name)? as usize] = Some("by name");
    }
    let matcher = Matcher::new(file, &choice.patterns, &choice.ous)?;
    if !matcher.is_empty() {
        out.par_iter_mut().enumerate().for_each(|(i, slot)| {
            if slot.is_none() && matcher.matches(names_of(assessed, assessed.entry(i))) {
                *slot = Some("by pattern or container");
            }
        });
    }
    Ok(out)
}

/// What is included brings what it nests.
fn with_nested(assessed: &Assessed<'_>, chosen: &[Option<Candidate>], mut named: Vec<bool>) -> Vec<bool> {
    let inventory = assessed.inventory();
    let mut of_entra: HashMap<u32, u32> = HashMap::new();
    for candidate in chosen.iter().flatten() {
        of_entra.insert(candidate.entry.entra, candidate.index);
    }
    let mut open: Vec<usize> = (0..named.len()).filter(|i| named[*i]).collect();
    while let Some(i) = open.pop() {
        let Some(candidate) = &chosen[i] else { continue };
        for member in inventory.entra.members.row(candidate.entry.entra as usize) {
            let object = &inventory.entra.objects[*member as usize];
            if object.kind == EntraKind::Group
                && let Some(child) = of_entra.get(&object.detail)
                && !std::mem::replace(&mut named[*child as usize], true)
            {
                open.push(*child as usize);
            }
        }
    }
    named
}

impl Wanted {
    /// Takes out what the policy does not want.
    pub fn apply(&self, chosen: &mut [Option<Candidate>], reasons: &mut [Vec<Reason>]) {
        for (i, slot) in chosen.iter_mut().enumerate() {
            let not_included = self.included.as_ref().is_some_and(|all| !all[i]);
            let text = match self.excluded.get(&(i as u32)) {
                Some(text) => text.clone(),
                None if not_included => "waves.toml does not include it".to_owned(),
                None => continue,
            };
            if slot.take().is_some() {
                reasons[i].push(Reason { rule: "policy".to_owned(), text });
            }
        }
    }
    /// A pinned group that fell out afterwards.
    pub fn check_pins(&self, file: TomlText<'_>, chosen: &[Option<Candidate>], reasons: &[Vec<Reason>]) -> Result<()> {
        let mut gone: Vec<(usize, u32)> = self
            .pins
            .iter()
            .filter(|(i, (pin, _))| matches!(pin, Pin::Hard(_)) && chosen[**i as usize].is_none())
            .map(|(i, (_, at))| (*at, *i))
            .collect();
        gone.sort_unstable();
        match gone.first() {
            Some((at, i)) => {
                Err(file.error(*at, format!("this group cannot be in a wave: {}", sentences(&reasons[*i as usize]))))
            }
            None => Ok(()),
        }
    }
}

/// Who nests whom among the candidates, in Entra or in AD.
fn children(candidates: &[Candidate], assessed: &Assessed<'_>) -> Rows {
    let inventory = assessed.inventory();
    let mut of_entra = vec![NONE; inventory.entra.groups.len()];
    let mut of_ad = vec![NONE; inventory.ad.groups.len()];
    for (i, c) in candidates.iter().enumerate() {
        of_entra[c.entry.entra as usize] = i as u32;
        of_ad[c.entry.ad as usize] = i as u32;
    }
    let lists: Vec<Vec<u32>> = candidates
        .par_iter()
        .map(|c| {
            let in_entra = inventory.entra.members.row(c.entry.entra as usize).iter().filter_map(|m| {
                let object = &inventory.entra.objects[*m as usize];
                (object.kind == EntraKind::Group).then(|| of_entra.get(object.detail as usize).copied()).flatten()
            });
            let in_ad = inventory
                .ad
                .members
                .row(c.entry.ad as usize)
                .iter()
                .filter_map(|m| of_ad.get(inventory.ad.objects[*m as usize].group as usize).copied());
            let mut list: Vec<u32> = in_entra.chain(in_ad).filter(|i| *i != NONE).collect();
            list.sort_unstable();
            list.dedup();
            list
        })
        .collect();
    let mut rows = Rows::default();
    for list in lists {
        rows.push(list);
    }
    rows
}

fn permutation<K: Ord + Send>(count: usize, key: impl Fn(usize) -> K + Sync) -> Vec<u32> {
    let mut order: Vec<u32> = (0..count as u32).collect();
    order.par_sort_by_cached_key(|i| (key(*i as usize), *i));
    let mut rank = vec![0; count];
    for (place, i) in order.iter().enumerate() {
        rank[*i as usize] = place as u32;
    }
    rank
}

pub(super) fn select(
    candidates: &[Candidate],
    assessed: &Assessed<'_>,
    forecast: &Forecast<'_>,
    proposed: &Proposed,
    policy: Option<&Policy>,
    wanted: Option<&Wanted>,
    input: &Input<'_>,
) -> Result<Selection> {
    let inventory = assessed.inventory();
    let children = children(candidates, assessed);
    let units = waves::units(&children);
    let mut unit_sizes: HashMap<u32, u32> = HashMap::new();
    for unit in &units {
        *unit_sizes.entry(*unit).or_default() += 1;
    }
    let nested_in = nested_in(candidates, assessed);
    let risks: Vec<Risk> = candidates
        .par_iter()
        .enumerate()
        .map(|(i, c)| {
            let position = forecast.position_of_ad(c.entry.ad);
            let (cn, parent) = &proposed.names[i];
            risk::score(&Facts {
                outcome: position.map(|p| &forecast.outcomes()[p]),
                members: inventory.ad.members.row(c.entry.ad as usize).len(),
                nested_in: nested_in[i] as usize,
                nests: children.row(i).len(),
                in_circle: unit_sizes[&units[i]] > 1,
                fixes: c.fixes.len(),
                decisions: c.decisions.len(),
                name_kept: cn.is_some() && parent.is_some(),
                near_limit: assessed.is_flagged(c.index as usize, "C18"),
            })
        })
        .collect();
    let dn = |i: usize| inventory.dn(inventory.ad.groups[candidates[i].entry.ad as usize].object);
    let risk_rank = permutation(candidates.len(), |i| (risks[i].score, dn(i)));
    let order = policy.map_or(OrderBy::Risk, |p| p.waves.order);
    let rank = match order {
        OrderBy::Risk => risk_rank.clone(),
        OrderBy::Name => permutation(candidates.len(), dn),
        OrderBy::Ou => permutation(candidates.len(), |i| {
            let parent = Dn::parse(dn(i)).ok().and_then(|d| d.parent()).map(|p| p.key()).unwrap_or_default();
            (parent, risk_rank[i])
        }),
        OrderBy::Pattern => by_patterns(candidates, policy, input, &risk_rank)?,
    };
    let mut slots = Vec::new();
    let canary = policy.map_or(super::policy::CANARY_SIZE, Policy::canary_size) as usize;
    let rest = policy.map_or(WAVE_SIZE, Policy::wave_size) as usize;
    slots.push(Slot { size: canary, fill: canary > 0 });
    let own = policy.map_or(&[][..], |p| p.wave.as_slice());
    slots.extend(
        own.iter()
            .map(|w| Slot { size: w.get_ref().size.as_ref().map_or(rest, |s| *s.get_ref() as usize), fill: false }),
    );
    let pins: Vec<Pin> = candidates
        .iter()
        .map(|c| wanted.and_then(|w| w.pins.get(&c.index)).map_or(Pin::Free, |(pin, _)| *pin))
        .collect();
    let task = Task { children: &children, rank: &rank, risk_rank: &risk_rank, pins: &pins, slots: &slots, rest };
    let cuts = waves::cut(&task).map_err(|trouble| refused(trouble, candidates, wanted, policy, input, &dn))?;
    let mut circles: HashMap<u32, u64> = HashMap::new();
    let circles = units
        .iter()
        .map(|u| {
            (unit_sizes[u] > 1).then(|| {
                let next = circles.len() as u64 + 1;
                *circles.entry(*u).or_insert(next)
            })
        })
        .collect();
    Ok(Selection { waves: named(cuts, policy), risks, children, circles })
}

fn by_patterns(
    candidates: &[Candidate],
    policy: Option<&Policy>,
    input: &Input<'_>,
    risk_rank: &[u32],
) -> Result<Vec<u32>> {
    let (Some(policy), Some(file)) = (policy, input.policy) else { return Ok(risk_rank.to_vec()) };
    let matchers: Vec<Matcher> = policy
        .waves
        .patterns
        .iter()
        .map(|p| Matcher::new(file, std::slice::from_ref(p), &[]))
        .collect::<Result<_>>()?;
    let first = |i: usize| {
        let names = names_of(input.assessed, candidates[i].entry);
        matchers.iter().position(|m| m.matches(names)).unwrap_or(matchers.len())
    };
    Ok(permutation(candidates.len(), |i| (first(i), risk_rank[i])))
}

/// How many AD groups nest each candidate.
fn nested_in(candidates: &[Candidate], assessed: &Assessed<'_>) -> Vec<u32> {
    let inventory = assessed.inventory();
    let mut of_object: HashMap<u32, u32> = HashMap::new();
    for (i, c) in candidates.iter().enumerate() {
        of_object.insert(inventory.ad.groups[c.entry.ad as usize].object, i as u32);
    }
    let counts: Vec<std::sync::atomic::AtomicU32> = candidates.iter().map(|_| 0.into()).collect();
    (0..inventory.ad.members.len()).into_par_iter().for_each(|row| {
        for member in inventory.ad.members.row(row) {
            if inventory.ad.objects[*member as usize].group != NONE
                && let Some(i) = of_object.get(member)
            {
                counts[*i as usize].fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            }
        }
    });
    counts.into_iter().map(std::sync::atomic::AtomicU32::into_inner).collect()
}

fn named(cuts: Vec<Cut>, policy: Option<&Policy>) -> Vec<NamedCut> {
    let (mut out, mut rest, mut part) = (Vec::<NamedCut>::new(), 0, (NONE, 0));
    for cut in cuts {
        let name = match cut.slot {
            Some(0) => "Canary".to_owned(),
            Some(s) => {
                part = if part.0 == s { (s, part.1 + 1) } else { (s, 1) };
                let own = policy.and_then(|p| p.wave.get(s as usize - 1)).and_then(|w| w.get_ref().name.as_ref());
                let own = own.map_or("", |n| n.get_ref().trim());
                if part.1 == 1 { own.to_owned() } else { format!("{own}, part {}", part.1) }
            }
            None => {
                rest += 1;
                format!("Wave {rest}")
            }
        };
        out.push(NamedCut { name, canary: cut.slot == Some(0), oversize: cut.oversize, groups: cut.groups });
    }
    out
}

fn refused<'d>(
    trouble: Trouble,
    candidates: &[Candidate],
    wanted: Option<&Wanted>,
    policy: Option<&Policy>,
    input: &Input<'_>,
    dn: &impl Fn(usize) -> &'d str,
) -> Error {
    let at = |i: u32| wanted.and_then(|w| w.pins.get(&candidates[i as usize].index)).map_or(0, |(_, at)| *at);
    let error = |offset: usize, what: String| match input.policy {
        Some(file) => file.error(offset, what),
        None => Error::usage(what),
    };
    let line = |i: u32| input.policy.and_then(|f| f.place(at(i)).line).unwrap_or(0);
    match trouble {
        Trouble::Apart(a, b) => error(
            at(b),
            format!(
                "{} and {} (line {}) nest each other and move together, but are pinned to different waves",
                dn(b as usize),
                dn(a as usize),
                line(a)
            ),
        ),
        Trouble::BeforeNested { parent, child } => error(
            at(parent),
            format!(
                "{} is pinned before {} (line {}), which it nests",
                dn(parent as usize),
                dn(child as usize),
                line(child)
            ),
        )
        .hint("A nested group moves before the group that nests it, or in the same wave."),
        Trouble::TooMany { slot, count } => {
            let size = match slot {
                0 => policy.and_then(|p| p.canary.size.as_ref()),
                s => policy.and_then(|p| p.wave.get(s as usize - 1)).and_then(|w| w.get_ref().size.as_ref()),
            };
            let first = (0..candidates.len() as u32)
                .filter(|i| {
                    wanted
                        .and_then(|w| w.pins.get(&candidates[*i as usize].index))
                        .is_some_and(|(p, _)| *p == Pin::Hard(slot))
                })
                .map(at)
                .min();
            let offset = size.map(|s| s.span().start).or(first).unwrap_or(0);
            error(
                offset,
                format!(
                    "{count} groups are pinned to this wave, with those that they nest; that is more than its size"
                ),
            )
        }
    }
}
