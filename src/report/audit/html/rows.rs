//! The groups, then the failures, as blocks of rows. A group is
//!
//! `[name, rdn, container, id, guid, sid, members, scope, wave, [failed…], [unknown…]]`
//!
//! where failed and unknown are positions of checks and scope is 0 out, 1 in, 2 not known. A failure is
//!
//! `[group, check, state, open, name, rdn, container, attribute, expected, actual, message, evidence]`
//!
//! where group is the position of its group or -1 (then name, rdn and container say what it is about), state is 0 for no
//! baseline, 1 new, 2 unchanged, and open is 1 for what could not be judged.

use super::super::compare::News;
use super::super::{Report, each_failure};
use super::encode::Encoder;
use crate::audit::model::{Failure, UNKNOWNS_LISTED, View};
use crate::error::Result;
use crate::report::html::json::push_inert;
use hashbrown::HashMap;
use rayon::prelude::*;
use serde_json::{Value, json};

/// Groups made side by side before they are encoded in order.
const CHUNK: usize = 4096;
/// The first block is small, so that a browser shows rows before it has read the rest.
const FIRST_BLOCK: usize = 200;
const BLOCK: usize = 2_000;
/// Rows of a print.
const PRINT_ROWS: usize = 1_000;
/// Items of a list that evidence shows, from generous to sparse; then none of it.
const LEVELS: [Option<usize>; 4] = [Some(50), Some(10), Some(3), None];

/// Which groups the page holds.
pub(super) struct Selection {
    /// `None`: all of them.
    picked: Option<Vec<usize>>,
    pub total: usize,
    /// Groups of which something failed or is not known; counted only when not all are held.
    pub notable: Option<usize>,
}

impl Selection {
    pub fn len(&self) -> usize {
        self.picked.as_ref().map_or(self.total, Vec::len)
    }
    fn index(&self, row: usize) -> usize {
        self.picked.as_ref().map_or(row, |picked| picked[row])
    }
}

pub(super) fn select(view: &dyn View, cap: usize) -> Selection {
    let total = view.groups();
    if total <= cap {
        return Selection { picked: None, total, notable: None };
    }
    // Those that fail come before those that are only open.
    let of = |wanted: fn((bool, bool)) -> bool| {
        (0..total).into_par_iter().filter(|i| wanted(view.group_state(*i))).collect::<Vec<usize>>()
    };
    let mut picked = of(|(failed, _)| failed);
    let open = of(|(failed, open)| !failed && open);
    let notable = picked.len() + open.len();
    picked.extend(open);
    picked.truncate(cap);
    picked.sort_unstable();
    Selection { picked: Some(picked), total, notable: Some(notable) }
}

pub(super) fn meta(report: &Report<'_>, selection: &Selection) -> String {
    let view = report.view;
    let checks: Vec<Value> = (0..view.checks())
        .map(|i| {
            let c = view.check(i);
            json!([c.id, c.title, c.severity as u8, c.status.as_str(), c.remediation, c.failed])
        })
        .collect();
    let value = json!({
        "rows": selection.len(), "total": selection.total, "checks": checks, "printRows": PRINT_ROWS,
        "baseline": report.baseline.is_some(),
    });
    let mut text = String::new();
    push_inert(value.to_string().as_bytes(), &mut text);
    text
}

/// Writes every block, each a `<script type="application/json">` of its own.
pub(super) fn blocks(
    report: &Report<'_>,
    selection: &Selection,
    bytes: usize,
    write: &mut dyn FnMut(&str) -> Result<()>,
) -> Result<()> {
    let mut encoder = Encoder::default();
    let known = groups(report.view, selection, &mut encoder, write)?;
    failures(report, &known, selection, bytes, &mut encoder, write)?;
    write("<script type=\"application/json\" id=\"end\">{}</script>\n")
}

/// Positions of the page's groups, by everything that names them.
type Known = HashMap<String, u32>;

fn groups(
    view: &dyn View,
    selection: &Selection,
    encoder: &mut Encoder,
    write: &mut dyn FnMut(&str) -> Result<()>,
) -> Result<Known> {
    let positions: HashMap<&str, i64> = (0..view.checks()).map(|i| (view.check(i).id.as_str(), i as i64)).collect();
    let mut known = Known::new();
    let mut block_end = FIRST_BLOCK;
    for start in (0..selection.len()).step_by(CHUNK) {
        let end = selection.len().min(start + CHUNK);
        let made: Vec<_> = (start..end).into_par_iter().map(|row| view.group(selection.index(row))).collect();
        for (row, group) in (start..end).zip(&made) {
            // An object that carries another's id is found by its own name.
            for name in [&group.object_id, &group.object_guid, &group.dn].into_iter().flatten() {
                known.entry(name.clone()).or_insert(row as u32);
            }
            encoder.open();
            encoder.text(group.display_name.as_deref());
            encoder.dn(group.dn.as_deref());
            encoder.text(group.object_id.as_deref());
            encoder.text(group.object_guid.as_deref());
            encoder.text(group.sid.as_deref());
            encoder.number(group.members as i64);
            encoder.number(group.in_scope.map_or(2, i64::from));
            encoder.often(group.wave.as_deref());
            for ids in [&group.failed, &group.unknown] {
                encoder.open();
                ids.iter().filter_map(|id| positions.get(id)).for_each(|at| encoder.number(*at));
                encoder.close();
            }
            encoder.close();
            if row + 1 == block_end {
                write(&encoder.take_block("rows"))?;
                block_end += BLOCK;
            }
        }
    }
    if !encoder.is_empty() {
        write(&encoder.take_block("rows"))?;
    }
    Ok(known)
}

fn failures(
    report: &Report<'_>,
    known: &Known,
    selection: &Selection,
    bytes: usize,
    encoder: &mut Encoder,
    write: &mut dyn FnMut(&str) -> Result<()>,
) -> Result<()> {
    let view = report.view;
    let news = report.baseline.map(|b| b.news());
    let total: u64 = (0..view.checks()).map(|i| view.check(i).failed).sum();
    let mut done = 0u64;
    let mut in_block = 0;
    for check in 0..view.checks() {
        let mut one = |failure: &Failure, open: bool, done: u64| -> Result<()> {
            let row = of_page(failure, known);
            // A group that the page does not hold shows nothing here; what is no group always does.
            if row.is_none() && selection.notable.is_some() && failure.object_guid.is_some() {
                return Ok(());
            }
            // Failures may use up what is left evenly; evidence gives way first, then whole failures.
            let used = encoder.spent() as u128;
            let allowed = bytes as u128 * (u128::from(done) + 2_000) / (u128::from(total) + 2_000);
            let level = match () {
                () if used <= allowed => LEVELS[0],
                () if used <= allowed + (bytes / 20) as u128 => LEVELS[2],
                () if used <= bytes as u128 => LEVELS[3],
                () => return Ok(()),
            };
            encode(encoder, row, check, failure, state(view, check, failure, news.as_ref(), open), open, level);
            in_block += 1;
            if in_block == BLOCK {
                in_block = 0;
                write(&encoder.take_block("failures"))?;
            }
            Ok(())
        };
        each_failure(view, check, &mut |failures| {
            for failure in failures {
                one(failure, false, done)?;
                done += 1;
            }
            Ok(true)
        })?;
        for index in 0..(view.check(check).unknown as usize).min(UNKNOWNS_LISTED) {
            one(&view.open(check, index), true, done)?;
        }
    }
    if !encoder.is_empty() {
        write(&encoder.take_block("failures"))?;
    }
    Ok(())
}

fn of_page(failure: &Failure, known: &Known) -> Option<u32> {
    // By what belongs to one object alone first: an anchor may be carried by two.
    let names = [&failure.object_guid, &failure.dn, &failure.object_id];
    names.into_iter().flatten().find_map(|name| known.get(name).copied())
}

fn state(view: &dyn View, check: usize, failure: &Failure, news: Option<&News<'_>>, open: bool) -> i64 {
    match news {
        None => 0,
        Some(_) if open => 0,
        Some(news) if news.has(&view.check(check).id, &failure.key) => 1,
        Some(_) => 2,
    }
}

fn encode(
    encoder: &mut Encoder,
    row: Option<u32>,
    check: usize,
    failure: &Failure,
    state: i64,
    open: bool,
    level: Option<usize>,
) {
    encoder.open();
    encoder.number(row.map_or(-1, i64::from));
    encoder.number(check as i64);
    encoder.number(state);
    encoder.number(open.into());
    match row {
        Some(_) => {
            encoder.text(None);
            encoder.dn(None);
        }
        None => {
            encoder.often(Some(
                failure.subject.as_deref().or(failure.display_name.as_deref()).unwrap_or_else(|| failure.name()),
            ));
            encoder.dn(failure.dn.as_deref());
        }
    }
    encoder.often(failure.attribute.as_deref());
    encoder.often(failure.expected.as_deref());
    encoder.often(failure.actual.as_deref());
    encoder.often(Some(&failure.message));
    match (level, failure.evidence.as_object().is_some_and(|o| !o.is_empty())) {
        (_, false) => encoder.number(0),
        (None, true) => encoder.number(1),
        (Some(limit), true) => encoder.value(&failure.evidence, limit),
    }
    encoder.close();
}
