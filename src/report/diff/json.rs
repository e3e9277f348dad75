//! `diff.json`: the head, then the groups or objects, one a line, written as they are rendered.

use super::model::{DiffView, Head, Row};
use crate::error::{Error, Result};
use crate::report::rows_in_order;
use std::io::Write;

pub fn write(view: &dyn DiffView, out: &mut dyn Write) -> Result<()> {
    let (head, list) = match view.head() {
        Head::Forecast(header) => (serde_json::to_string_pretty(header), "groups"),
        Head::Scans(header) => (serde_json::to_string_pretty(header), "objects"),
    };
    let head = head.map_err(|e| Error::failed(format!("cannot write the head: {e}")))?;
    let fail = |e: std::io::Error| Error::failed(format!("cannot write the difference: {e}"));
    // The head is an object; the rows become its last property.
    let head = head.strip_suffix("\n}").unwrap_or(&head);
    write!(out, "{head},\n  \"{list}\": [").map_err(fail)?;
    rows_in_order(view.len(), out, &|index, buffer| {
        buffer.extend_from_slice(if index == 0 { b"\n    " } else { b",\n    " });
        match view.row(index) {
            Row::Group(group) => serde_json::to_writer(buffer, &group),
            Row::Object(object) => serde_json::to_writer(buffer, &object),
        }
        .map_err(std::io::Error::from)
    })?;
    out.write_all(b"\n  ]\n}\n").map_err(fail)
}
