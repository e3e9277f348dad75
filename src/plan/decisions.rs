//! `decisions.toml`: what somebody decided about a group that no rule can decide, with reason and name. A decision goes
//! into the plan word for word, and its hash with it.

use super::model::{Action, Decision};
use super::toml_file::TomlText;
use crate::error::Result;
use schemars::JsonSchema;
use serde::Deserialize;
use toml::Spanned;

/// The file.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Decisions {
    #[schemars(with = "Vec<Entry>")]
    pub decision: Vec<Spanned<Entry>>,
}

/// One decision, about one group or several.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// The rule whose finding is decided (`C27`); `*` for all of them, and for a group that merely stays outside.
    #[schemars(with = "String")]
    pub rule: Spanned<String>,
    /// The group, by object id or DN.
    #[schemars(with = "Option<String>")]
    pub group: Option<Spanned<String>>,
    /// Or several groups.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    pub groups: Vec<Spanned<String>>,
    /// `include` or `leave`. Default: `include` for a group that can move, `leave` for any other.
    pub action: Option<Action>,
    #[schemars(with = "String")]
    pub reason: Spanned<String>,
    #[schemars(with = "String")]
    pub by: Spanned<String>,
}

/// A decision about one group, not resolved yet.
#[derive(Debug, Clone)]
pub struct Wish {
    pub rule: String,
    pub group: String,
    pub action: Option<Action>,
    pub reason: String,
    pub by: String,
    /// Where in the file the group stands.
    pub offset: usize,
}

impl Wish {
    pub fn decided(&self, group: String, action: Action) -> Decision {
        Decision { rule: self.rule.clone(), group, action, reason: self.reason.clone(), by: self.by.clone() }
    }
}

/// The decisions, one a group, in the order of the file.
pub fn parse(file: TomlText<'_>) -> Result<Vec<Wish>> {
    let all: Decisions = file.parse()?;
    let mut out = Vec::new();
    for entry in &all.decision {
        let e = entry.get_ref();
        let rule = e.rule.get_ref().trim().to_uppercase();
        if rule != "*" && !crate::assess::rules().iter().any(|r| r.id == rule) {
            return Err(file
                .error(e.rule.span().start, format!("there is no rule {:?}", e.rule.get_ref()))
                .hint("Rules are C01 to C41; \"groupshift explain ID\" says what each means."));
        }
        for (name, value) in [("reason", &e.reason), ("by", &e.by)] {
            if value.get_ref().trim().is_empty() {
                return Err(file
                    .error(value.span().start, format!("\"{name}\" is empty"))
                    .hint("A decision is only recorded with a reason and the name of who made it."));
            }
        }
        let groups: Vec<&Spanned<String>> = e.group.iter().chain(&e.groups).collect();
        if groups.is_empty() {
            return Err(file.error(entry.span().start, "a decision about no group").hint("Add group = \"…\"."));
        }
        out.extend(groups.into_iter().map(|group| Wish {
            rule: rule.clone(),
            group: group.get_ref().trim().to_owned(),
            action: e.action,
            reason: e.reason.get_ref().trim().to_owned(),
            by: e.by.get_ref().trim().to_owned(),
            offset: group.span().start,
        }));
    }
    Ok(out)
}
