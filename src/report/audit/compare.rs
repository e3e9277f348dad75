//! This audit beside the last one: what is new, what stayed, what is fixed. A failure that is gone is only called fixed
//! where this audit could look: where it could not, it is open, and of a group that is audited no more, it is gone.

use super::each_failure;
use crate::audit::model::{Against, Audit, Failure, View};
use crate::error::Result;
use crate::report::model::{GateStatus, Severity};
use hashbrown::{HashMap, HashSet};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How this audit stands to the last one.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Comparison {
    /// Of the last audit: the file's name, when its state was collected, the SHA-256 of its bundle, what it was held against.
    pub name: String,
    pub created: String,
    pub bundle_sha256: String,
    pub against: Against,
    /// What keeps the two from being compared like with like, in sentences.
    pub notes: Vec<String>,
    pub counts: Counts,
    /// All checks, by id.
    pub checks: Vec<CheckChange>,
    /// Failures that the last audit did not have.
    pub new_failures: Vec<KeyOf>,
    /// Failures of the last audit that this one does not have.
    pub resolved: Vec<Resolved>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Counts {
    pub new: u64,
    pub unchanged: u64,
    pub fixed: u64,
    /// Of groups or objects that this audit did not meet.
    pub gone: u64,
    /// That this audit could not judge.
    pub open: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CheckChange {
    pub id: String,
    /// Null where the last audit did not have this check.
    pub before: Option<GateStatus>,
    pub now: GateStatus,
    #[serde(flatten)]
    pub counts: Counts,
}

/// A failure by its key.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub struct KeyOf {
    pub check: String,
    pub key: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Fate {
    Fixed,
    Gone,
    Open,
}

impl Fate {
    pub fn as_str(self) -> &'static str {
        match self {
            Fate::Fixed => "fixed",
            Fate::Gone => "gone",
            Fate::Open => "open",
        }
    }
}

/// A failure of the last audit that this one does not have.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Resolved {
    pub check: String,
    pub key: String,
    pub fate: Fate,
    pub object_id: Option<String>,
    pub dn: Option<String>,
    /// What it was about, in one name.
    pub name: String,
    /// What the last audit said of it.
    pub message: String,
}

impl Comparison {
    pub fn of(view: &dyn View, last: &Audit, name: &str) -> Result<Self> {
        let groups = Groups::of(view);
        let mut out = Comparison {
            name: name.to_owned(),
            created: last.header.bundle.created.clone(),
            bundle_sha256: last.header.bundle.sha256.clone(),
            against: last.header.against.clone(),
            notes: notes(view, last),
            ..Comparison::default()
        };
        for check in 0..view.checks() {
            out.check(view, check, last, &groups)?;
        }
        Ok(out)
    }

    fn check(&mut self, view: &dyn View, check: usize, last: &Audit, groups: &Groups) -> Result<()> {
        let head = view.check(check);
        let before = last.checks.iter().find(|c| c.head.id == head.id);
        let had: HashSet<&str> = before.iter().flat_map(|c| &c.failures).map(|f| f.key.as_str()).collect();
        let mut met: HashSet<String> = HashSet::new();
        let mut counts = Counts::default();
        each_failure(view, check, &mut |failures| {
            for failure in failures {
                match had.contains(failure.key.as_str()) {
                    true => {
                        counts.unchanged += 1;
                        met.insert(failure.key.clone());
                    }
                    false => {
                        counts.new += 1;
                        self.new_failures.push(KeyOf { check: head.id.clone(), key: failure.key.clone() });
                    }
                }
            }
            Ok(true)
        })?;
        let judges = matches!(head.status, GateStatus::Pass | GateStatus::Fail);
        for failure in before.iter().flat_map(|c| &c.failures).filter(|f| !met.contains(&f.key)) {
            let fate = match () {
                () if !judges || groups.is_open(view, check, failure) => Fate::Open,
                () if !groups.has(failure) => Fate::Gone,
                () => Fate::Fixed,
            };
            *match fate {
                Fate::Fixed => &mut counts.fixed,
                Fate::Gone => &mut counts.gone,
                Fate::Open => &mut counts.open,
            } += 1;
            self.resolved.push(Resolved {
                check: head.id.clone(),
                key: failure.key.clone(),
                fate,
                object_id: failure.object_id.clone(),
                dn: failure.dn.clone(),
                name: failure.name().to_owned(),
                message: failure.message.clone(),
            });
        }
        let all = &mut self.counts;
        for (sum, n) in [
            (&mut all.new, counts.new),
            (&mut all.unchanged, counts.unchanged),
            (&mut all.fixed, counts.fixed),
            (&mut all.gone, counts.gone),
            (&mut all.open, counts.open),
        ] {
            *sum += n;
        }
        self.checks.push(CheckChange {
            id: head.id.clone(),
            before: before.map(|c| c.head.status),
            now: head.status,
            counts,
        });
        Ok(())
    }

    /// Which failures are new, to be asked one by one.
    pub fn news(&self) -> News<'_> {
        News(self.new_failures.iter().map(|k| (k.check.as_str(), k.key.as_str())).collect())
    }
    /// Whether a failure at or above the severity is new.
    pub fn has_new(&self, view: &dyn View, least: Severity) -> bool {
        (0..view.checks())
            .map(|i| view.check(i))
            .filter(|c| c.severity >= least)
            .any(|c| self.checks.iter().any(|change| change.id == c.id && change.counts.new > 0))
    }
}

/// New failures by check and key.
pub struct News<'c>(HashSet<(&'c str, &'c str)>);

impl News<'_> {
    pub fn has(&self, check: &str, key: &str) -> bool {
        self.0.contains(&(check, key))
    }
}

fn notes(view: &dyn View, last: &Audit) -> Vec<String> {
    let (now, then) = (view.header(), &last.header);
    let mut out = Vec::new();
    if now.bundle.domain != then.bundle.domain || now.bundle.tenant != then.bundle.tenant {
        let of = |b: &crate::report::model::BundleRef| {
            format!("{} of {}", b.domain.as_deref().unwrap_or("?"), b.tenant.as_deref().unwrap_or("?"))
        };
        out.push(format!(
            "The last audit was of another place: {}, this one of {}.",
            of(&then.bundle),
            of(&now.bundle)
        ));
    }
    if (now.against.kind, &now.against.sha256) != (then.against.kind, &then.against.sha256) {
        out.push(format!(
            "The last audit was held against {}, this one against {}.",
            then.against.name.as_deref().unwrap_or("nothing"),
            now.against.name.as_deref().unwrap_or("nothing")
        ));
    }
    if now.bundle.created < then.bundle.created {
        out.push("The last audit is of a later state than this one.".to_owned());
    }
    if now.bundle.sha256 == then.bundle.sha256 {
        out.push("Both audits are of the same state.".to_owned());
    }
    if !then.bundle.complete {
        out.push("The last audit was of a partial collection.".to_owned());
    }
    out
}

/// The groups that this audit met, by everything that names them.
struct Groups {
    names: HashSet<String>,
    /// By check: names of those that it could not judge.
    open: HashMap<&'static str, HashSet<String>>,
}

impl Groups {
    fn of(view: &dyn View) -> Self {
        let (mut names, mut open) = (HashSet::new(), HashMap::<&'static str, HashSet<String>>::new());
        for index in 0..view.groups() {
            let group = view.group(index);
            for name in [&group.object_id, &group.object_guid, &group.dn].into_iter().flatten() {
                names.insert(name.clone());
                for id in &group.unknown {
                    open.entry(id).or_default().insert(name.clone());
                }
            }
        }
        Groups { names, open }
    }
    /// True too for what is no group: servers, agents and jobs are not counted one by one.
    fn has(&self, failure: &Failure) -> bool {
        let mut of = names(failure).peekable();
        of.peek().is_none() || of.any(|name| self.names.contains(name))
    }
    fn is_open(&self, view: &dyn View, check: usize, failure: &Failure) -> bool {
        let head = view.check(check);
        if head.unknown == 0 {
            return false;
        }
        let listed = (head.unknown as usize).min(crate::audit::model::UNKNOWNS_LISTED);
        self.open.get(head.id.as_str()).is_some_and(|open| names(failure).any(|name| open.contains(name)))
            || (0..listed).any(|i| view.open(check, i).key == failure.key)
    }
}

fn names(failure: &Failure) -> impl Iterator<Item = &String> {
    [&failure.object_id, &failure.object_guid, &failure.dn].into_iter().flatten()
}
