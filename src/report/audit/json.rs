//! `audit.json`: the head, then check after check, each failure on a line of its own.

use super::{Report, unwritten};
use crate::audit::model::{Header, UNKNOWNS_LISTED};
use crate::error::{Error, Result};
use crate::report::audit::compare::Comparison;
use crate::report::rows_in_order;
use serde::Serialize;
use std::io::Write;

#[derive(Serialize)]
struct Head<'a> {
    #[serde(flatten)]
    header: &'a Header,
    #[serde(skip_serializing_if = "Option::is_none")]
    baseline: Option<&'a Comparison>,
}

pub(super) fn write(report: &Report<'_>, out: &mut dyn Write) -> Result<()> {
    let fail = unwritten("the audit");
    let view = report.view;
    let broken = |e: serde_json::Error| Error::failed(format!("cannot write the audit: {e}"));
    let head = Head { header: view.header(), baseline: report.baseline };
    let head = serde_json::to_string_pretty(&head).map_err(broken)?;
    // The head is an object; the checks become its last property.
    let head = head.strip_suffix("\n}").unwrap_or(&head);
    write!(out, "{head},\n  \"checks\": [").map_err(&fail)?;
    for check in 0..view.checks() {
        let of = view.check(check);
        let text = serde_json::to_string(of).map_err(broken)?;
        let text = text.strip_suffix('}').unwrap_or(&text);
        write!(out, "{}\n    {text},\"failures\":[", if check > 0 { "," } else { "" }).map_err(&fail)?;
        rows_in_order(of.failed as usize, out, &|index, buffer| {
            buffer.extend_from_slice(if index == 0 { b"\n      " } else { b",\n      " });
            serde_json::to_writer(buffer, &view.failure(check, index)).map_err(std::io::Error::from)
        })?;
        write!(out, "],\"unknowns\":[").map_err(&fail)?;
        rows_in_order((of.unknown as usize).min(UNKNOWNS_LISTED), out, &|index, buffer| {
            buffer.extend_from_slice(if index == 0 { b"\n      " } else { b",\n      " });
            serde_json::to_writer(buffer, &view.open(check, index)).map_err(std::io::Error::from)
        })?;
        write!(out, "]}}").map_err(&fail)?;
    }
    out.write_all(b"\n  ]\n}\n").map_err(&fail)
}
