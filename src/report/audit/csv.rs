//! `audit.csv`: one row a failure, made for spreadsheets as the assessment's is.

use super::{Report, unwritten};
use crate::audit::model::{CheckHead, Failure};
use crate::error::Result;
use crate::report::csv::{cell, record};
use crate::report::rows_in_order;
use std::io::Write;

const COLUMNS: [&str; 16] = [
    "objectId",
    "objectGuid",
    "sid",
    "dn",
    "displayName",
    "subject",
    "check",
    "title",
    "severity",
    "attribute",
    "expected",
    "actual",
    "message",
    "remediation",
    "evidence",
    "baseline",
];

pub(super) fn write(report: &Report<'_>, out: &mut dyn Write) -> Result<()> {
    let fail = unwritten("the table");
    let view = report.view;
    let news = report.baseline.map(|b| b.news());
    let mut head = "\u{feff}".as_bytes().to_vec();
    record(&mut head, COLUMNS.map(str::to_owned)).map_err(&fail)?;
    out.write_all(&head).map_err(&fail)?;
    for check in 0..view.checks() {
        let of = view.check(check);
        rows_in_order(of.failed as usize, out, &|index, buffer| {
            let failure = view.failure(check, index);
            let state = match &news {
                None => "",
                Some(news) if news.has(&of.id, &failure.key) => "new",
                Some(_) => "unchanged",
            };
            record(buffer, row(of, &failure, state))
        })?;
    }
    Ok(())
}

fn row(check: &CheckHead, f: &Failure, state: &str) -> [String; 16] {
    let text = |t: &Option<String>| t.as_deref().map(cell).unwrap_or_default();
    [
        text(&f.object_id),
        text(&f.object_guid),
        text(&f.sid),
        text(&f.dn),
        text(&f.display_name),
        text(&f.subject),
        check.id.clone(),
        cell(&check.title),
        check.severity.as_str().to_owned(),
        text(&f.attribute),
        text(&f.expected),
        text(&f.actual),
        cell(&f.message),
        cell(&check.remediation),
        cell(&f.evidence.to_string()),
        state.to_owned(),
    ]
}
