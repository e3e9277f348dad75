//! `assessment.csv`: one row a finding. Made for spreadsheets: a byte order mark, CRLF, and no cell that would run as a
//! formula. Text is shown harmlessly here; `assessment.json` has it as it is.

use super::model::{Finding, Group, View};
use super::{in_order, plain};
use crate::error::{Error, Result};
use std::io::Write;

pub const COLUMNS: [&str; 13] = [
    "objectId",
    "objectGuid",
    "sid",
    "dn",
    "displayName",
    "verdict",
    "members",
    "rule",
    "status",
    "severity",
    "message",
    "remediation",
    "evidence",
];

pub fn write(view: &dyn View, out: &mut dyn Write) -> Result<()> {
    let fail = |e: std::io::Error| Error::failed(format!("cannot write the table: {e}"));
    out.write_all("\u{feff}".as_bytes()).map_err(fail)?;
    let mut head = Vec::new();
    record(&mut head, COLUMNS.map(str::to_owned)).map_err(fail)?;
    out.write_all(&head).map_err(fail)?;
    in_order(view, out, &|group, _, buffer| {
        if group.findings.is_empty() {
            record(buffer, row(group, None))?;
        }
        for finding in &group.findings {
            record(buffer, row(group, Some(finding)))?;
        }
        Ok(())
    })
}

fn row(group: &Group, finding: Option<&Finding>) -> [String; 13] {
    let text = |t: &Option<String>| t.as_deref().map(cell).unwrap_or_default();
    let of = |f: fn(&Finding) -> String| finding.map(f).unwrap_or_default();
    [
        text(&group.object_id),
        text(&group.object_guid),
        text(&group.sid),
        text(&group.dn),
        text(&group.display_name),
        group.verdict.as_str().to_owned(),
        group.members.to_string(),
        of(|f| f.rule.clone()),
        of(|f| f.status.as_str().to_owned()),
        of(|f| f.severity.as_str().to_owned()),
        of(|f| cell(&f.message)),
        of(|f| cell(&f.remediation)),
        of(|f| cell(&f.evidence.to_string())),
    ]
}

/// A text cell that no spreadsheet takes for a formula: a leading apostrophe before `=`, `+`, `-`, `@` (also after
/// blanks, and in their full-width forms), tab and carriage return.
pub fn cell(text: &str) -> String {
    let text = match text.starts_with(['\t', '\r', '\n']) {
        true => format!("'{text}"),
        false => text.to_owned(),
    };
    let text = plain(&text);
    match text.trim_start().starts_with(['=', '+', '-', '@', '\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}']) {
        true => format!("'{text}"),
        false => text,
    }
}

pub(super) fn record<const N: usize>(buffer: &mut Vec<u8>, fields: [String; N]) -> std::io::Result<()> {
    let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(buffer);
    writer.write_record(fields).map_err(std::io::Error::other)?;
    writer.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells() {
        for (text, want) in [
            ("Sales", "Sales"),
            ("=1+1", "'=1+1"),
            ("+49 30", "'+49 30"),
            ("-x", "'-x"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("  =1", "'  =1"),
            ("\t=1", "'\\u{9}=1"),
            ("a\nb", "a\\u{a}b"),
            ("\u{202e}evil", "\\u{202e}evil"),
            ("＝1", "'＝1"),
            ("CN=a,DC=x", "CN=a,DC=x"),
        ] {
            assert_eq!(cell(text), want, "{text:?}");
        }
    }
}
