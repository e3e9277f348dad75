//! `handover.csv`: one row a group.

use super::model::{Handed, Handover};
use crate::error::{Error, Result};
use crate::report::csv::{cell, record};
use std::io::Write;

const COLUMNS: [&str; 21] = [
    "objectId",
    "objectGuid",
    "sid",
    "dn",
    "account",
    "domain",
    "samAccountName",
    "type",
    "displayName",
    "members",
    "governedBy",
    "nestedIn",
    "namedBy",
    "wave",
    "at",
    "dnAfter",
    "membersAdded",
    "membersLost",
    "membersOpen",
    "changes",
    "toDo",
];

pub(super) fn write(handover: &Handover, out: &mut dyn Write) -> Result<()> {
    let fail = |e: std::io::Error| Error::failed(format!("cannot write the table: {e}"));
    let mut buffer = "\u{feff}".as_bytes().to_vec();
    record(&mut buffer, COLUMNS.map(str::to_owned)).map_err(fail)?;
    for group in &handover.groups {
        record(&mut buffer, row(group)).map_err(fail)?;
        if buffer.len() > 1 << 16 {
            out.write_all(&buffer).map_err(fail)?;
            buffer.clear();
        }
    }
    out.write_all(&buffer).map_err(fail)
}

fn row(g: &Handed) -> [String; 21] {
    let text = |t: &Option<String>| t.as_deref().map(cell).unwrap_or_default();
    let list = |names: &[String], count: u64| {
        let mut all = names.join("; ");
        let more = count.saturating_sub(names.len() as u64);
        if more > 0 {
            all.push_str(&format!("; and {more} more"));
        }
        cell(&all)
    };
    let whole = |names: &[String], between: &str| cell(&names.join(between));
    [
        text(&g.object_id),
        text(&g.object_guid),
        text(&g.sid),
        cell(&g.dn),
        text(&g.account),
        text(&g.domain),
        text(&g.sam_account_name),
        text(&g.group_type),
        text(&g.display_name),
        g.members.to_string(),
        whole(&g.governed_by, "; "),
        list(&g.nested_in, g.nested_in_count),
        list(&g.named_by, g.named_by_count),
        text(&g.wave),
        text(&g.at),
        whole(&g.dn_after, " or "),
        g.members_added.to_string(),
        g.members_lost.to_string(),
        g.members_open.to_string(),
        whole(&g.changes, " "),
        whole(&g.to_do, " "),
    ]
}
