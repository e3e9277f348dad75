//! The policy read against the groups: who is wanted at all, and who is pinned where.

use super::candidates::Candidate;
use super::lookup::{Lookup, Target};
use super::model::Reason;
use super::nesting::Nesting;
use super::policy::{Choice, Policy};
use super::toml_file::TomlText;
use super::waves::Pin;
use crate::assess::{Assessed, Entry};
use crate::directory::{split, write_key};
use crate::error::Result;
use fancy_regex::Regex;
use hashbrown::HashMap;
use rayon::prelude::*;
use toml::Spanned;

/// What the policy says of each assessed group.
pub(super) struct Wanted {
    /// By position: the pin, and where in the file a hard one stands.
    pub pins: HashMap<u32, (Pin, usize)>,
    excluded: HashMap<u32, String>,
    /// Where [include] is given: those that it names; the rest stays outside.
    included: Option<Vec<bool>>,
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
    nesting: &Nesting,
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
        out.included = Some(with_nested(nesting, chosen, named.iter().map(Option::is_some).collect()));
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
fn with_nested(nesting: &Nesting, chosen: &[Option<Candidate>], mut named: Vec<bool>) -> Vec<bool> {
    let of_entra: HashMap<u32, u32> = chosen.iter().flatten().map(|c| (c.entry.entra, c.index)).collect();
    let mut open: Vec<u32> = (0..named.len() as u32).filter(|i| named[*i as usize]).collect();
    while let Some(i) = open.pop() {
        for child in nesting.of_group(i).iter().filter_map(|row| of_entra.get(row)) {
            if !std::mem::replace(&mut named[*child as usize], true) {
                open.push(*child);
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
    pub fn check_pins(&self, file: TomlText<'_>, planned: &[Candidate], reasons: &[Vec<Reason>]) -> Result<()> {
        let is_planned = |index: u32| planned.binary_search_by_key(&index, |c| c.index).is_ok();
        let mut gone: Vec<(usize, u32)> = self
            .pins
            .iter()
            .filter(|(i, (pin, _))| matches!(pin, Pin::Hard(_)) && !is_planned(**i))
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
