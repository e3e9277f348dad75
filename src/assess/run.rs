//! An assessment: the first pass over all groups, the gates, and the view that report writers read.

use super::context::{Context, published_order};
use super::gates::{self, GateContext};
use super::rules;
use super::settings::Settings;
use super::subject::{Detail, EntraSide, Entry, Subject};
use crate::directory::inventory::{Completeness, Inventory, NONE};
use crate::error::Result;
use crate::report::model::{
    ASSESSMENT_SCHEMA, BundleRef, Finding, FindingStatus, Group, Header, RuleCount, Severity, Summary, Verdict, View,
};
use rayon::prelude::*;
use serde_json::json;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};

/// What the first pass keeps of a group: one bit a rule.
#[derive(Debug, Clone, Copy)]
struct Row {
    found: u64,
    open: u64,
    verdict: Verdict,
    worst: Option<Severity>,
    /// C24 may apply; it is judged after all verdicts are known.
    nested: bool,
}

/// How a rule weighed over all groups.
#[derive(Default)]
struct Tally {
    /// The worst severity it was found with, plus one; 0 where it was not found.
    worst: AtomicU8,
    /// How often it was found with more than `info`.
    attention: AtomicU64,
}

/// The result of an assessment, which renders its groups one at a time.
pub struct Assessed<'a> {
    cx: Context<'a>,
    entries: Vec<Entry>,
    rows: Vec<Row>,
    header: Header,
}

/// A rule as it was raised for one group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RaisedRule {
    pub rule: &'static str,
    pub status: FindingStatus,
    pub severity: Severity,
    pub verdict: Verdict,
}

/// What is said of the bundle in an assessment's head, besides what the Inventory tells.
pub struct AboutBundle {
    pub created: String,
    pub sha256: String,
    pub complete: bool,
    pub anonymised: bool,
    pub limits: Vec<String>,
}

impl AboutBundle {
    /// What an opened bundle's manifest says of it.
    pub fn of(opened: &crate::bundle::Opened) -> Self {
        let manifest = &opened.manifest;
        let short = |part: &crate::bundle::Part| {
            part.shortfall.as_ref().map(|shortfall| format!("Incomplete: {}: {shortfall}", part.partition))
        };
        let mut limits: Vec<String> = manifest.certificate.parts.iter().filter_map(short).collect();
        limits.extend(manifest.certificate.not_looked_at.iter().cloned());
        AboutBundle {
            created: manifest.created.clone(),
            sha256: opened.sha256.clone(),
            complete: manifest.certificate.complete,
            anonymised: manifest.anonymised,
            limits,
        }
    }
}

impl<'a> Assessed<'a> {
    pub fn run(inventory: &'a Inventory, settings: &'a Settings, about: AboutBundle) -> Result<Self> {
        let cx = Context::build(inventory, settings);
        let entries = cx.entries();
        let tallies: Vec<Tally> = rules::all().iter().map(|_| Tally::default()).collect();
        let c24 = rules::position("C24");
        let mut rows: Vec<Row> = entries
            .par_iter()
            .map_init(Vec::new, |scratch, entry| {
                let subject = Subject::new(&cx, *entry, false, scratch);
                first_pass(&subject, c24, &tallies)
            })
            .collect();
        second_pass(&cx, &entries, &mut rows, c24, &tallies);
        let (entries, rows) = published_order(inventory, entries, rows);
        let summary = summarise(&cx, &entries, &rows, &tallies);
        let mut assessed = Assessed {
            header: Header {
                schema: ASSESSMENT_SCHEMA.to_owned(),
                bundle: bundle_ref(inventory, settings, cx.container.as_ref(), &about),
                summary,
                gates: Vec::new(),
                limits: about.limits,
                problems: inventory.problems.clone(),
            },
            cx,
            entries,
            rows,
        };
        assessed.header.gates = assessed.judge_gates()?;
        Ok(assessed)
    }

    pub fn inventory(&self) -> &'a Inventory {
        self.cx.inventory
    }
    /// What a forecast of the same Inventory need not build again.
    pub fn shared(&self) -> crate::predict::Shared {
        crate::predict::Shared { index: self.cx.index.clone(), members: self.cx.members.clone() }
    }
    /// AD groups that have a group as member: (member object, group row), sorted.
    pub fn nesting(&self) -> &[(u32, u32)] {
        &self.cx.nesting
    }
    /// Which Entra groups may come into scope, by row: those that are written back and not excluded.
    pub fn may_move(&self) -> Vec<bool> {
        let verdicts = self.cx.verdicts.get();
        let of = |v: &Option<Verdict>| v.is_some_and(|v| v != Verdict::Exclude);
        verdicts.map(|v| v.iter().map(of).collect()).unwrap_or_default()
    }

    fn judge_gates(&self) -> Result<Vec<crate::report::model::Gate>> {
        let inventory = self.cx.inventory;
        let moving = |row: &Row| matches!(row.verdict, Verdict::Migrate | Verdict::Fix);
        let (mut to_move, mut links) = (0u64, Some(0u64));
        for (entry, _) in self.entries.iter().zip(&self.rows).filter(|(_, r)| moving(r)) {
            to_move += 1;
            let known =
                inventory.entra.groups.get(entry.entra as usize).is_some_and(|g| g.members == Completeness::Complete);
            links = links.filter(|_| known).map(|l| l + inventory.entra.members.row(entry.entra as usize).len() as u64);
        }
        gates::judge(&GateContext { cx: &self.cx, summary: &self.header.summary, to_move, links_to_move: links })
    }

    /// Whether a finding or a gate is at or above `limit`: findings that were found, gates that fail.
    pub fn reaches(&self, limit: Severity, unknown_too: bool) -> bool {
        use crate::report::model::GateStatus;
        let gate = |g: &crate::report::model::Gate| {
            g.severity >= limit && (g.status == GateStatus::Fail || unknown_too && g.status == GateStatus::Unknown)
        };
        let row = |r: &Row| r.worst.is_some_and(|w| w >= limit) || unknown_too && self.open_reaches(r, limit);
        self.header.gates.iter().any(gate) || self.rows.iter().any(row)
    }

    fn open_reaches(&self, row: &Row, limit: Severity) -> bool {
        rules::all().iter().enumerate().any(|(i, r)| row.open & (1 << i) != 0 && r.severity >= limit)
    }

    pub fn settings(&self) -> &'a Settings {
        self.cx.settings
    }
    /// The rows that a group of the published order was made of: AD group and Entra group, or `NONE`.
    pub fn entry(&self, index: usize) -> Entry {
        self.entries[index]
    }
    /// The rules that were found or left open for a group, without their texts.
    pub fn raised(&self, index: usize) -> Vec<RaisedRule> {
        let row = self.rows[index];
        let subject = Subject::new(&self.cx, self.entries[index], false, &mut Vec::new());
        let flagged = (0..rules::all().len()).filter(|i| (row.found | row.open) & (1 << i) != 0);
        flagged
            .filter_map(|i| {
                let rule = &rules::all()[i];
                let raised = rule.run(&subject).or_else(|| (rule.id == "C01").then(|| unexplained(&subject)))?;
                Some(RaisedRule {
                    rule: rule.id,
                    status: raised.status,
                    severity: raised.severity,
                    verdict: raised.verdict,
                })
            })
            .collect()
    }
    /// Whether any of these rules was found or left open for a group; cheap.
    pub fn is_flagged(&self, index: usize, rule: &str) -> bool {
        let row = self.rows[index];
        rules::position(rule).is_some_and(|i| (row.found | row.open) & (1 << i) != 0)
    }

    fn finding(&self, subject: &Subject<'_>, index: usize) -> Option<Finding> {
        let rule = &rules::all()[index];
        let raised = rule.run(subject).or_else(|| (rule.id == "C01").then(|| unexplained(subject)))?;
        let detail = raised.detail?;
        Some(Finding {
            rule: rule.id.to_owned(),
            status: raised.status,
            severity: raised.severity,
            message: detail.message,
            remediation: detail.remedy.unwrap_or_else(|| rule.remedy.to_owned()),
            evidence: detail.evidence,
        })
    }
}

impl View for Assessed<'_> {
    fn header(&self) -> &Header {
        &self.header
    }
    fn len(&self) -> usize {
        self.entries.len()
    }
    fn verdict(&self, index: usize) -> Verdict {
        self.rows[index].verdict
    }
    fn group(&self, index: usize) -> Group {
        let inventory = self.cx.inventory;
        let (entry, row) = (self.entries[index], self.rows[index]);
        let subject = Subject::new(&self.cx, entry, true, &mut Vec::new());
        let findings = (0..rules::all().len())
            .filter(|i| (row.found | row.open) & (1 << i) != 0)
            .filter_map(|i| self.finding(&subject, i))
            .collect();
        let display_name = subject
            .entra_group()
            .and_then(|g| subject.text(g.display_name))
            .or_else(|| subject.ad.and_then(|(g, _)| subject.text(g.display_name)));
        Group {
            object_id: subject.anchor.map(|a| a.0.to_string()),
            object_guid: subject.ad.filter(|(_, o)| !o.guid.is_nil()).map(|(_, o)| o.guid.to_string()),
            sid: subject.ad.and_then(|(_, o)| inventory.sids.get(o.sid)).map(|s| s.to_string()),
            dn: subject.dn().map(str::to_owned),
            display_name: display_name.map(str::to_owned),
            verdict: row.verdict,
            members: inventory.ad.members.row(entry.ad as usize).len() as u64,
            findings,
        }
    }
}

fn first_pass(subject: &Subject<'_>, c24: Option<usize>, tallies: &[Tally]) -> Row {
    let mut row = Row { found: 0, open: 0, verdict: Verdict::Migrate, worst: None, nested: false };
    let mut decided = false;
    for (i, rule) in rules::all().iter().enumerate() {
        if Some(i) == c24 {
            continue;
        }
        if let Some(raised) = rule.run(subject) {
            decided |= rule.id == "C01" || raised.verdict > Verdict::Migrate;
            row.take(i, &raised, tallies);
        }
    }
    if !decided {
        // Silence of every rule is no pass: C01 stays open.
        row.take(0, &unexplained(subject), tallies);
    }
    let members = &subject.members;
    use super::members::Sort;
    row.nested = members.count(Sort::CloudGroup) + members.count(Sort::OpenGroup) + members.count(Sort::OpenKind) > 0
        || !members.entra_known && !matches!(subject.entra, EntraSide::Gone | EntraSide::NoAnchor);
    row
}

impl Row {
    fn take(&mut self, rule: usize, raised: &super::subject::Raised, tallies: &[Tally]) {
        self.verdict = self.verdict.max(raised.verdict);
        match raised.status {
            FindingStatus::Found => {
                self.found |= 1 << rule;
                self.worst = self.worst.max(Some(raised.severity));
                tallies[rule].worst.fetch_max(raised.severity as u8 + 1, Ordering::Relaxed);
                tallies[rule].attention.fetch_add(u64::from(raised.severity > Severity::Info), Ordering::Relaxed);
            }
            FindingStatus::Unknown => self.open |= 1 << rule,
        }
    }
}

/// C01 for a group that no rule describes.
fn unexplained(subject: &Subject<'_>) -> super::subject::Raised {
    let entra = subject.entra_group();
    let detail = subject.detailed.then(|| {
        Detail::new("No rule describes this combination of properties; whether the group can move is open")
            .evidence(json!({
                "groupType": subject.ad.and_then(|(g, _)| g.group_type),
                "securityEnabled": entra.and_then(|g| g.security_enabled.known()),
                "mailEnabled": entra.and_then(|g| g.mail_enabled.known()),
                "onPremisesSyncEnabled": entra.and_then(|g| g.synced.known()),
            }))
            .remedy("Look at the group in Entra and in AD; it is neither a plain security group nor a kind that is known not to move.")
    });
    super::subject::Raised {
        status: FindingStatus::Unknown,
        severity: Severity::Info,
        verdict: Verdict::Review,
        detail,
    }
}

/// C24, which asks for the verdicts of nested groups. It turns `migrate` into `fix` at most, which does not change
/// whether a group counts as one that moves; so one further pass is enough.
fn second_pass(cx: &Context<'_>, entries: &[Entry], rows: &mut [Row], c24: Option<usize>, tallies: &[Tally]) {
    let mut verdicts: Vec<Option<Verdict>> = vec![None; cx.inventory.entra.groups.len()];
    for (entry, row) in entries.iter().zip(rows.iter()) {
        if entry.entra != NONE {
            let known = &mut verdicts[entry.entra as usize];
            *known = (*known).max(Some(row.verdict));
        }
    }
    let _ = cx.verdicts.set(verdicts);
    let Some(c24) = c24 else { return };
    rows.par_iter_mut().zip(entries).filter(|(row, _)| row.nested).for_each_init(Vec::new, |scratch, (row, entry)| {
        let subject = Subject::new(cx, *entry, false, scratch);
        if let Some(raised) = rules::all()[c24].run(&subject) {
            row.take(c24, &raised, tallies);
        }
    });
}

fn summarise(cx: &Context<'_>, entries: &[Entry], rows: &[Row], tallies: &[Tally]) -> Summary {
    let verdicts = |v: Verdict| rows.par_iter().filter(|r| r.verdict == v).count() as u64;
    let memberships = entries.par_iter().map(|e| cx.inventory.ad.members.row(e.ad as usize).len() as u64).sum();
    let rules = rules::all()
        .iter()
        .enumerate()
        .map(|(i, rule)| RuleCount {
            rule: rule.id.to_owned(),
            title: rule.title.to_owned(),
            severity: match tallies[i].worst.load(Ordering::Relaxed) {
                0 => rule.severity,
                n => Severity::ALL.into_iter().find(|s| *s as u8 + 1 == n).unwrap_or(rule.severity),
            },
            verdict: rule.verdict,
            attention: tallies[i].attention.load(Ordering::Relaxed),
            found: rows.par_iter().filter(|r| r.found & (1 << i) != 0).count() as u64,
            unknown: rows.par_iter().filter(|r| r.open & (1 << i) != 0).count() as u64,
        })
        .collect();
    Summary {
        groups: rows.len() as u64,
        migrate: verdicts(Verdict::Migrate),
        fix: verdicts(Verdict::Fix),
        exclude: verdicts(Verdict::Exclude),
        review: verdicts(Verdict::Review),
        unknown: rows.par_iter().filter(|r| r.open != 0).count() as u64,
        memberships,
        rules,
    }
}

/// What a report's head says of the bundle.
pub(crate) fn bundle_ref(
    inventory: &Inventory,
    settings: &Settings,
    container: Option<&super::container::Container>,
    about: &AboutBundle,
) -> BundleRef {
    let of_container = container.and_then(|c| crate::directory::Dn::parse(&c.dn).ok()?.dns_domain());
    BundleRef {
        created: about.created.clone(),
        sha256: about.sha256.clone(),
        complete: about.complete,
        anonymised: about.anonymised,
        domain: settings.domain.clone().or(of_container).or_else(|| inventory.ad.environment.domains.first().cloned()),
        tenant: inventory.entra.tenant.display_name.clone().or_else(|| inventory.entra.tenant.default_domain.clone()),
        writeback_container: container.map(|c| c.dn.clone()),
        writeback_container_from: container.map(|c| c.from.to_owned()),
    }
}
