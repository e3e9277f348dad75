//! How waves are cut: `waves.toml`. Every group that it names must exist and be able to move; what contradicts itself
//! or Cloud Sync's limits is refused with its line.

use super::model::Hold;
use super::toml_file::TomlText;
use crate::error::Result;
use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::Deserialize;
use toml::Spanned;

/// A value with its place in the file.
type At<T> = Spanned<T>;

/// `waves.toml`.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Policy {
    /// The first wave: few groups, of little risk.
    pub canary: Canary,
    /// The waves that take what no other names.
    pub waves: Waves,
    /// Waves of the operator's own, in this order, after the canary.
    #[schemars(with = "Vec<NamedWave>")]
    pub wave: Vec<At<NamedWave>>,
    /// Where it is given, only these groups are planned, with those that they nest.
    pub include: Option<Choice>,
    /// These groups stay outside every wave.
    pub exclude: Choice,
    pub schedule: Schedule,
}

#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Canary {
    /// How many groups; those of the least risk beside the pinned ones. 0: no canary wave. Default 5.
    #[schemars(with = "Option<u64>")]
    pub size: Option<At<u64>>,
    /// Groups that are canaries, by object id or DN.
    #[schemars(with = "Vec<String>")]
    pub groups: Vec<At<String>>,
    /// With `--order canary-first`: how Connect is kept from writing them.
    pub hold: Hold,
}

#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Waves {
    /// How many groups a wave has at most. Default 100.
    #[schemars(with = "Option<u64>")]
    pub size: Option<At<u64>>,
    pub order: OrderBy,
    /// For `order = "pattern"`: regular expressions on CN or display name; groups of the first one come first.
    #[schemars(with = "Vec<String>")]
    pub patterns: Vec<At<String>>,
}

/// What comes first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum OrderBy {
    /// The least risk.
    #[default]
    Risk,
    /// Container by container, by name.
    Ou,
    /// By the list of patterns.
    Pattern,
    /// By DN.
    Name,
}

impl OrderBy {
    pub fn as_str(self) -> &'static str {
        match self {
            OrderBy::Risk => "risk",
            OrderBy::Ou => "ou",
            OrderBy::Pattern => "pattern",
            OrderBy::Name => "name",
        }
    }
}

#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct NamedWave {
    #[schemars(with = "String")]
    pub name: Option<At<String>>,
    /// Groups that are pinned to this wave, by object id or DN.
    #[schemars(with = "Vec<String>")]
    pub groups: Vec<At<String>>,
    /// Regular expressions on CN or display name.
    #[schemars(with = "Vec<String>")]
    pub patterns: Vec<At<String>>,
    /// Containers, by DN.
    #[schemars(with = "Vec<String>")]
    pub ous: Vec<At<String>>,
    /// How many groups it has at most; default: that of `[waves]`.
    #[schemars(with = "Option<u64>")]
    pub size: Option<At<u64>>,
}

#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Choice {
    #[schemars(with = "Vec<String>")]
    pub groups: Vec<At<String>>,
    #[schemars(with = "Vec<String>")]
    pub patterns: Vec<At<String>>,
    #[schemars(with = "Vec<String>")]
    pub ous: Vec<At<String>>,
}

#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Schedule {
    /// When the first sitting begins: RFC 3339 with its offset, `"2026-11-24T21:00:00+01:00"`.
    #[schemars(with = "Option<String>")]
    pub start: Option<At<String>>,
    /// Days from one wave to the next. Default 1.
    #[schemars(with = "Option<u64>")]
    pub days_between: Option<At<u64>>,
}

/// Waves that the program makes itself, beside "Wave 1", "Wave 2" and so on.
const OWN_NAMES: [&str; 2] = ["canary", "throwaway"];

fn is_number(text: &str) -> bool {
    text.trim().bytes().all(|b| b.is_ascii_digit())
}

pub const CANARY_SIZE: u64 = 5;
pub const WAVE_SIZE: u64 = 100;

impl Policy {
    pub fn parse(file: TomlText<'_>) -> Result<Policy> {
        let policy: Policy = file.parse()?;
        policy.check(file)?;
        Ok(policy)
    }
    pub fn canary_size(&self) -> u64 {
        self.canary.size.as_ref().map_or(CANARY_SIZE, |s| *s.get_ref())
    }
    pub fn wave_size(&self) -> u64 {
        self.waves.size.as_ref().map_or(WAVE_SIZE, |s| *s.get_ref())
    }
    pub fn days_between(&self) -> u64 {
        self.schedule.days_between.as_ref().map_or(1, |d| *d.get_ref())
    }
    pub fn start(&self) -> Option<DateTime<Utc>> {
        let text = self.schedule.start.as_ref()?.get_ref();
        DateTime::parse_from_rfc3339(text).ok().map(|t| t.with_timezone(&Utc))
    }

    /// What can be said without the groups.
    fn check(&self, file: TomlText<'_>) -> Result<()> {
        if let Some(start) = &self.schedule.start
            && self.start().is_none()
        {
            let what = format!("{:?} is no time with an offset", start.get_ref());
            return Err(file.error(start.span().start, what).hint("Write it as \"2026-11-24T21:00:00+01:00\"."));
        }
        if let Some(days) = self.schedule.days_between.as_ref().filter(|d| *d.get_ref() > 366) {
            return Err(file.error(days.span().start, "more than a year between two waves"));
        }
        let sizes = self.waves.size.iter().chain(self.wave.iter().filter_map(|w| w.get_ref().size.as_ref()));
        if let Some(size) = sizes.into_iter().find(|s| *s.get_ref() == 0) {
            return Err(file.error(size.span().start, "a wave of no groups"));
        }
        let mut names = std::collections::BTreeSet::new();
        for wave in &self.wave {
            let Some(name) = &wave.get_ref().name else {
                return Err(file.error(wave.span().start, "a wave without a name"));
            };
            let plain = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | ' ' | '.');
            let text = name.get_ref().trim();
            if text.is_empty() || text.chars().count() > 64 || !text.chars().all(plain) {
                return Err(file
                    .error(name.span().start, format!("{text:?} cannot be the name of a wave"))
                    .hint("Use 1 to 64 letters, digits, blanks, '-', '_' and '.'."));
            }
            let lower = text.to_lowercase();
            if OWN_NAMES.contains(&lower.as_str()) || lower.strip_prefix("wave ").is_some_and(is_number) {
                return Err(file
                    .error(name.span().start, format!("{text:?} is the name of a wave that the program makes itself"))
                    .hint("\"canary\", \"throwaway\" and \"Wave 1\", \"Wave 2\" … are taken: give it another name."));
            }
            if !names.insert(lower) {
                return Err(file
                    .error(name.span().start, format!("a second wave with the name {text:?}"))
                    .hint("Names are unique, whatever their letter case."));
            }
            let w = wave.get_ref();
            if w.groups.is_empty() && w.patterns.is_empty() && w.ous.is_empty() {
                return Err(file
                    .error(wave.span().start, format!("the wave {text:?} names nothing"))
                    .hint("Give it groups, patterns or ous."));
            }
        }
        if self.waves.order == OrderBy::Pattern && self.waves.patterns.is_empty() {
            let at = self.waves.size.as_ref().map_or(0, |s| s.span().start);
            return Err(file.error(at, "order = \"pattern\" needs patterns"));
        }
        Ok(())
    }
}
