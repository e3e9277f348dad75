//! An audit: every check judged, and the view that report writers read.

use super::Input;
use super::checks::{self, Hit, Outcome};
use super::context::Context;
use super::model::{AUDIT_SCHEMA, Against, CheckHead, Failure, GroupLine, Header, SeverityCounts, Summary, View};
use crate::assess;
use crate::directory::inventory::NONE;
use crate::error::Result;
use crate::report::model::GateStatus;
use rayon::prelude::*;

/// The result, which renders its failures one at a time.
pub struct Audited<'a> {
    cx: Context<'a>,
    header: Header,
    heads: Vec<CheckHead>,
    failed: Vec<Vec<Hit>>,
    open: Vec<Vec<Hit>>,
    /// By audited group: one bit a check.
    failed_of: Vec<u32>,
    open_of: Vec<u32>,
}

impl<'a> Audited<'a> {
    pub(super) fn run(input: Input<'a>) -> Result<Self> {
        let cx = Context::build(&input);
        let outcomes: Vec<Outcome> = checks::all().par_iter().map(|rule| (rule.check)(&cx)).collect();
        let groups = cx.entries.len();
        let (mut failed_of, mut open_of) = (vec![0u32; groups], vec![0u32; groups]);
        let (mut heads, mut failed, mut open) = (Vec::new(), Vec::new(), Vec::new());
        for (i, (rule, mut outcome)) in checks::all().iter().zip(outcomes).enumerate() {
            for (hits, bits) in [(&mut outcome.failed, &mut failed_of), (&mut outcome.open, &mut open_of)] {
                // Those of audited groups stand in the groups' order, the others after them.
                hits.sort_by_key(Hit::entry);
                for hit in hits.iter().filter(|h| h.entry() != NONE) {
                    bits[hit.entry() as usize] |= 1 << i;
                }
            }
            let status = outcome.judged();
            heads.push(CheckHead {
                id: rule.id.to_owned(),
                title: rule.title.to_owned(),
                status,
                severity: rule.severity,
                blocks: rule.blocks.iter().map(|b| (*b).to_owned()).collect(),
                message: outcome.message,
                remediation: match status {
                    GateStatus::Pass | GateStatus::NotApplicable => String::new(),
                    GateStatus::Fail => rule.remedy.to_owned(),
                    GateStatus::Unknown => outcome.remedy.unwrap_or_else(|| rule.remedy.to_owned()),
                },
                evidence: outcome.evidence,
                sources: rule.sources.iter().map(|s| (*s).to_owned()).collect(),
                failed: outcome.failed.len() as u64,
                unknown: outcome.open.len() as u64,
            });
            failed.push(outcome.failed);
            open.push(outcome.open);
        }
        let summary = summarise(&cx, &heads, &failed_of, &open_of);
        let settings = &input.settings.assess;
        let header = Header {
            schema: AUDIT_SCHEMA.to_owned(),
            bundle: assess::bundle_ref(cx.inventory, settings, cx.assess.container.as_ref(), &input.about),
            against: input.former.map_or_else(Against::default, |f| f.against()),
            summary,
            limits: input.about.limits,
            problems: cx.inventory.problems.clone(),
        };
        Ok(Audited { cx, header, heads, failed, open, failed_of, open_of })
    }

    fn shown(&self, check: usize, hit: &Hit) -> Failure {
        match hit {
            Hit::Made(_, failure) => (**failure).clone(),
            Hit::Row(row) => (checks::all()[check].show)(&self.cx, *row),
        }
    }
}

fn summarise(cx: &Context<'_>, heads: &[CheckHead], failed_of: &[u32], open_of: &[u32]) -> Summary {
    let mut summary = Summary {
        groups: cx.entries.len() as u64,
        memberships: cx.entries.par_iter().map(|e| cx.inventory.ad.members.row(e.ad as usize).len() as u64).sum(),
        groups_failing: failed_of.iter().filter(|bits| **bits != 0).count() as u64,
        groups_unknown: failed_of.iter().zip(open_of).filter(|(f, o)| **f == 0 && **o != 0).count() as u64,
        failures: SeverityCounts::default(),
        worst: heads.iter().filter(|h| h.status == GateStatus::Fail).map(|h| h.severity).max(),
        ..Summary::default()
    };
    for head in heads {
        *match head.status {
            GateStatus::Pass => &mut summary.checks.pass,
            GateStatus::Fail => &mut summary.checks.fail,
            GateStatus::Unknown => &mut summary.checks.unknown,
            GateStatus::NotApplicable => &mut summary.checks.not_applicable,
        } += 1;
        summary.failures.add(head.severity, head.failed);
    }
    summary
}

impl View for Audited<'_> {
    fn header(&self) -> &Header {
        &self.header
    }
    fn checks(&self) -> usize {
        self.heads.len()
    }
    fn check(&self, check: usize) -> &CheckHead {
        &self.heads[check]
    }
    fn failure(&self, check: usize, index: usize) -> Failure {
        self.shown(check, &self.failed[check][index])
    }
    fn open(&self, check: usize, index: usize) -> Failure {
        self.shown(check, &self.open[check][index])
    }
    fn groups(&self) -> usize {
        self.cx.entries.len()
    }
    fn group(&self, index: usize) -> GroupLine {
        let ids =
            |bits: u32| checks::all().iter().enumerate().filter(move |(i, _)| bits & (1 << i) != 0).map(|(_, c)| c.id);
        let mut line = self.cx.line(index);
        line.failed = ids(self.failed_of[index]).collect();
        line.unknown = ids(self.open_of[index]).collect();
        line
    }
    fn group_state(&self, index: usize) -> (bool, bool) {
        (self.failed_of[index] != 0, self.open_of[index] != 0)
    }
}
