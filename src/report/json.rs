//! `assessment.json`: the head, then the groups, one a line, written as they are rendered.

use super::in_order;
use super::model::View;
use crate::error::{Error, Result};
use std::io::Write;

pub fn write(view: &dyn View, out: &mut dyn Write) -> Result<()> {
    let head = serde_json::to_string_pretty(view.header())
        .map_err(|e| Error::failed(format!("cannot write the head: {e}")))?;
    let fail = |e: std::io::Error| Error::failed(format!("cannot write the assessment: {e}"));
    // The head is an object; the groups become its last property.
    let head = head.strip_suffix("\n}").unwrap_or(&head);
    write!(out, "{head},\n  \"groups\": [").map_err(fail)?;
    in_order(view, out, &|group, first, buffer| {
        buffer.extend_from_slice(if first { b"\n    " } else { b",\n    " });
        serde_json::to_writer(buffer, group).map_err(std::io::Error::from)
    })?;
    out.write_all(b"\n  ]\n}\n").map_err(fail)
}
