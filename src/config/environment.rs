//! The environment as the last layer: `GROUPSHIFT_<SECTION>_<KEY>` overrides the key. Variables that a `*_env` key
//! names hold secrets: they override nothing, and their content is never looked at here.

use super::keys::{KEYS, Key, SECTIONS, nearest};
use super::kind::{Kind, Value};
use super::{Around, Config, Origin, PREFIX};
use crate::error::{Error, Place};
use std::collections::BTreeSet;
use std::path::Path;

/// A variable that names no section is only remarked upon where it is this close to one that is known.
const CLOSE: usize = 3;

/// Puts the variables over what is set, and returns what is wrong with them.
pub fn apply(config: &mut Config, around: &Around<'_>) -> Vec<Error> {
    // Windows takes variable names without regard to letter case.
    let spelt = |name: &String| if around.windows { name.to_ascii_uppercase() } else { name.clone() };
    let there: BTreeSet<String> = around.env_names.iter().map(spelt).collect();
    let mut problems = Vec::new();
    // The keys that name secrets' variables come first, since they say which variables are no overrides.
    let mut secrets = variables_of_secrets(config);
    for names_variable in [true, false] {
        for key in KEYS.iter().filter(|key| (key.kind == Kind::Variable) == names_variable) {
            let name = key.variable();
            if there.contains(&name) && !secrets.contains(&name) {
                problems.extend(over(config, around, key, name));
            }
        }
        secrets.extend(variables_of_secrets(config));
    }
    for name in there.iter().filter(|name| name.starts_with(PREFIX) && !secrets.contains(*name)) {
        config.warnings.extend(unknown(name));
    }
    let set = |name: &String| (around.env)(name).is_some_and(|value| !value.is_empty());
    config.variables_set = variables_of_secrets(config).into_iter().filter(set).collect();
    problems
}

fn over(config: &mut Config, around: &Around<'_>, key: &Key, name: String) -> Option<Error> {
    let Some(text) = (around.env)(&name) else {
        let place = Place::default().object(&name);
        return Some(Error::usage("the value of this environment variable is not Unicode").at(place));
    };
    if text.is_empty() {
        config.warnings.push(format!("The environment variable {name} is empty and counts as not set."));
        return None;
    }
    // A path in the environment starts at the current folder, as one on the command line does.
    config.take(key, key.kind.raw_from_variable(&text), Path::new(""), Origin::Env(name)).err()
}

/// The variables that the `*_env` keys name.
fn variables_of_secrets(config: &Config) -> BTreeSet<String> {
    KEYS.iter()
        .filter(|key| key.kind == Kind::Variable)
        .filter_map(|key| match (key.get)(&config.settings) {
            Some(Value::Text(name)) => Some(name),
            _ => None,
        })
        .collect()
}

/// What to say of a variable that starts like one of ours and is none.
fn unknown(name: &str) -> Option<String> {
    let variables: Vec<String> = KEYS.iter().map(Key::variable).collect();
    if variables.iter().any(|variable| variable == name) {
        return None;
    }
    let names_a_section =
        SECTIONS.iter().any(|s| name[PREFIX.len()..].starts_with(&format!("{}_", s.name.to_ascii_uppercase())));
    let nearest = nearest(name, variables.iter().map(String::as_str))?;
    let close = strsim::damerau_levenshtein(name, nearest) <= CLOSE;
    let shown = crate::report::plain(name);
    (names_a_section || close)
        .then(|| format!("The environment variable {shown} is no setting and is ignored; the nearest is {nearest}."))
}
