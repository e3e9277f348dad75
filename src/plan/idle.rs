//! What waves.toml and decisions.toml say to no effect. It is no error, and mostly a slip of the pen: an exclusion that
//! excludes nothing would let a group move that was to stay.

use super::build::Input;
use super::candidates::{BY_MAPPING, BY_SCOPE};
use super::decisions;
use super::lookup::{Lookup, Target};
use super::model::Action;
use super::outside;
use super::policy::Policy;
use super::toml_file::TomlText;
use super::wanted::{Matcher, names_of};
use crate::assess::Assessed;
use crate::error::Result;
use crate::report::model::{Verdict, View};
use rayon::prelude::*;
use toml::Spanned;

/// Texts of the file, with their places.
type Texts<'p> = &'p [Spanned<String>];

/// One sentence each, with file and line.
pub fn idle(input: &Input<'_>) -> Result<Vec<String>> {
    let mut out = Vec::new();
    if let Some(file) = input.policy {
        policy(file, input.assessed, &mut out)?;
    }
    if let Some(file) = input.decisions {
        decided(file, input.assessed, &mut out)?;
    }
    Ok(out)
}

fn policy(file: TomlText<'_>, assessed: &Assessed<'_>, out: &mut Vec<String>) -> Result<()> {
    let policy = Policy::parse(file)?;
    let choices = [Some(&policy.exclude), policy.include.as_ref()].into_iter().flatten();
    let mut lists: Vec<(Texts<'_>, Texts<'_>)> = choices.map(|c| (&*c.patterns, &*c.ous)).collect();
    lists.extend(policy.wave.iter().map(|w| (&*w.get_ref().patterns, &*w.get_ref().ous)));
    lists.push((&policy.waves.patterns, &[]));
    let fits = |matcher: &Matcher| {
        (0..assessed.len()).into_par_iter().any(|i| matcher.matches(names_of(assessed, assessed.entry(i))))
    };
    for (patterns, ous) in lists {
        for pattern in patterns {
            if !fits(&Matcher::new(file, std::slice::from_ref(pattern), &[])?) {
                let what = format!("the pattern {:?} fits no written-back group", pattern.get_ref());
                out.push(format!("{}: {what}", file.place(pattern.span().start)));
            }
        }
        for ou in ous {
            if !fits(&Matcher::new(file, &[], std::slice::from_ref(ou))?) {
                let what = format!("no written-back group stands in {:?}", ou.get_ref());
                out.push(format!("{}: {what}", file.place(ou.span().start)));
            }
        }
    }
    Ok(())
}

fn decided(file: TomlText<'_>, assessed: &Assessed<'_>, out: &mut Vec<String>) -> Result<()> {
    let wishes = decisions::parse(file)?;
    let lookup = Lookup::build(assessed, &outside::unlisted(assessed));
    for wish in wishes {
        // What is left stays, whatever rule is named; these rules' decisions count without a finding too.
        let counts = wish.action == Some(Action::Leave) || wish.rule == "*" || wish.rule == BY_SCOPE;
        let Ok(Target::Group(i)) = lookup.find(&wish.group) else { continue };
        if counts || BY_MAPPING.contains(&wish.rule.as_str()) || assessed.verdict(i as usize) == Verdict::Exclude {
            continue;
        }
        let raised = assessed.raised(i as usize).into_iter().find(|r| r.rule == wish.rule).map(|r| r.verdict);
        let why = match raised {
            Some(Verdict::Review) => continue,
            Some(Verdict::Fix) => "has to be fixed; no decision takes its place",
            _ => "is not found there",
        };
        let what = format!("the decision about {} and {} changes nothing: {} {why}", wish.rule, wish.group, wish.rule);
        out.push(format!("{}: {what}", file.place(wish.offset)));
    }
    Ok(())
}
