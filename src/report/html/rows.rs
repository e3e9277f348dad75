//! Groups as compact JSON blocks. A block is `{"s":[…],"r":[…]}`: the strings first used in it, and its rows. A string
//! that stands in a table is written once and then named by its number; past `TABLE_BYTES` new strings are written in
//! place, so that the table never grows with the tenant. A row is
//!
//! `[verdict, name, rdn, container, objectId, objectGUID, sidPrefix, rid, members, [rule, grade, message, remedy, evidence, …]]`
//!
//! where verdict is 0 migrate, 1 fix, 2 review, 3 exclude; `rdn` 1 stands for `CN=Group_<objectId>`; rule, container,
//! sidPrefix, message and remedy are numbers of table strings (or strings in place); grade is twice the severity
//! (0 info … 4 blocker), plus one for unknown; evidence is 0 for none, else `[keys, value…]` with `keys` the JSON text of
//! the keys.

use std::io;

use hashbrown::HashMap;
use rayon::prelude::*;
use serde_json::{Value, json};

use super::json::{CUT, push_cut, push_inert, push_json_text, split_dn, take_block};
use super::{PRINT_ROWS, RuleText};
use crate::report::model::{Finding, FindingStatus, Group, Header, Severity, Verdict, View};

/// Groups rendered side by side before they are encoded in order.
const CHUNK: usize = 4096;
/// The first block is small, so that a browser shows rows before it has read the rest.
const FIRST_BLOCK: usize = 200;
const BLOCK: usize = 2_000;
/// What the string table may hold in memory.
const TABLE_BYTES: usize = 24 << 20;
/// The first rows may run ahead of their even share of the byte cap by this part of it; the lead shrinks to nothing.
const LEAD: u128 = 50;
/// Items of a list that evidence shows, from generous to sparse; after the last, evidence is left out of the page.
const LIST_LEVELS: [usize; 4] = [100, 20, 5, 1];

/// Which groups the page holds.
pub(super) struct Selection {
    /// `None`: all of them.
    picked: Option<Vec<usize>>,
    /// Groups of the assessment.
    pub total: usize,
    /// Groups that need attention; counted only when not all groups are held.
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

/// A group that somebody should look at: it does not simply move, or a finding is more than information.
fn is_notable(view: &dyn View, index: usize) -> bool {
    view.verdict(index) != Verdict::Migrate || view.group(index).findings.iter().any(finding_is_notable)
}

fn finding_is_notable(finding: &Finding) -> bool {
    finding.severity >= Severity::Low || finding.status == FindingStatus::Unknown
}

pub(super) fn select(view: &dyn View, cap: usize) -> Selection {
    let total = view.len();
    if total <= cap {
        return Selection { picked: None, total, notable: None };
    }
    let mut picked = Vec::with_capacity(cap);
    let mut notable = 0;
    for start in (0..total).step_by(CHUNK * 16) {
        let end = total.min(start + CHUNK * 16);
        let flags: Vec<bool> = (start..end).into_par_iter().map(|index| is_notable(view, index)).collect();
        for (offset, _) in flags.iter().enumerate().filter(|(_, flag)| **flag) {
            notable += 1;
            if picked.len() < cap {
                picked.push(start + offset);
            }
        }
    }
    Selection { picked: Some(picked), total, notable: Some(notable) }
}

/// What the script needs to know before the first row: how many rows come, and the rules by id.
pub(super) fn meta(header: &Header, registry: &[RuleText<'_>], selection: &Selection) -> String {
    let title = |id: &str, own: &str| match registry.iter().find(|text| text.id == id) {
        Some(text) => text.title.to_owned(),
        None => own.to_owned(),
    };
    let rules: Vec<Value> = header
        .summary
        .rules
        .iter()
        .map(|rule| json!([rule.rule, title(&rule.rule, &rule.title), rule.found + rule.unknown]))
        .collect();
    let about: Vec<&str> = registry.iter().map(|text| text.id).collect();
    let value = json!({
        "rows": selection.len(),
        "groups": selection.total,
        "rules": rules,
        "about": about,
        "printRows": PRINT_ROWS,
    });
    let mut text = String::new();
    push_inert(value.to_string().as_bytes(), &mut text);
    text
}

/// Writes every block, each a `<script type="application/json">` of its own.
pub(super) fn blocks(
    view: &dyn View,
    selection: &Selection,
    bytes: usize,
    write: &mut dyn FnMut(&str) -> io::Result<()>,
) -> io::Result<()> {
    let mut encoder = Encoder::new(selection.len(), bytes);
    let mut block_end = FIRST_BLOCK;
    for start in (0..selection.len()).step_by(CHUNK) {
        let end = selection.len().min(start + CHUNK);
        let groups: Vec<Group> = (start..end).into_par_iter().map(|row| view.group(selection.index(row))).collect();
        for group in &groups {
            encoder.row(group);
            if encoder.done == block_end {
                write(&encoder.take_block())?;
                block_end += BLOCK;
            }
        }
    }
    if !encoder.rows.is_empty() {
        write(&encoder.take_block())?;
    }
    write("<script type=\"application/json\" id=\"end\">{}</script>\n")
}

struct Encoder {
    table: HashMap<Box<str>, usize>,
    table_bytes: usize,
    /// JSON of the strings first used in this block, and of its rows; each with a comma behind every item.
    strings: Vec<u8>,
    rows: Vec<u8>,
    done: usize,
    total: usize,
    /// Bytes of the blocks before this one.
    spent: usize,
    bytes: usize,
}

impl Encoder {
    fn new(total: usize, bytes: usize) -> Self {
        Encoder {
            table: HashMap::new(),
            table_bytes: 0,
            strings: Vec::new(),
            rows: Vec::new(),
            done: 0,
            total,
            spent: 0,
            bytes,
        }
    }

    fn take_block(&mut self) -> String {
        self.spent += self.strings.len() + self.rows.len();
        take_block("rows", &mut self.strings, &mut self.rows)
    }

    fn row(&mut self, group: &Group) {
        let object_id = group.object_id.as_deref();
        self.rows.push(b'[');
        self.number(match group.verdict {
            Verdict::Migrate => 0,
            Verdict::Fix => 1,
            Verdict::Review => 2,
            Verdict::Exclude => 3,
        });
        self.optional(group.display_name.as_deref());
        match group.dn.as_deref().map(split_dn) {
            None => self.rows.extend_from_slice(b"null,null,"),
            Some((rdn, container)) => {
                match object_id {
                    Some(id) if rdn.strip_prefix("CN=Group_") == Some(id) => self.number(1),
                    _ => self.optional(Some(rdn)),
                }
                match container {
                    Some(container) => self.interned(container),
                    None => self.rows.extend_from_slice(b"null,"),
                }
            }
        }
        self.optional(object_id);
        self.optional(group.object_guid.as_deref());
        match group.sid.as_deref().map(split_sid) {
            None => self.rows.extend_from_slice(b"null,null,"),
            Some((prefix, rid)) => {
                self.interned(prefix);
                match rid {
                    Some(rid) => self.number(rid.into()),
                    None => self.rows.extend_from_slice(b"null,"),
                }
            }
        }
        self.number(group.members);
        self.rows.push(b'[');
        for finding in &group.findings {
            self.interned(&finding.rule);
            self.number(grade(finding));
            self.interned(&finding.message);
            self.interned(&finding.remediation);
            self.evidence(&finding.evidence);
        }
        if self.rows.last() == Some(&b',') {
            self.rows.pop();
        }
        self.rows.extend_from_slice(b"]],");
        self.done += 1;
    }

    fn number(&mut self, value: u64) {
        self.rows.extend_from_slice(value.to_string().as_bytes());
        self.rows.push(b',');
    }

    fn optional(&mut self, text: Option<&str>) {
        match text {
            Some(text) => push_json_text(text, &mut self.rows),
            None => self.rows.extend_from_slice(b"null"),
        }
        self.rows.push(b',');
    }

    fn interned(&mut self, text: &str) {
        if let Some(number) = self.table.get(text) {
            let number = *number as u64;
            self.number(number);
        } else if self.table_bytes + text.len() <= TABLE_BYTES {
            let number = self.table.len();
            self.table.insert(text.into(), number);
            self.table_bytes += text.len();
            push_json_text(text, &mut self.strings);
            self.strings.push(b',');
            self.number(number as u64);
        } else {
            self.optional(Some(text));
        }
    }

    /// Evidence at the most generous level that keeps the page within its size.
    fn evidence(&mut self, evidence: &Value) {
        let wrapped;
        let fields = match evidence {
            Value::Null => None,
            Value::Object(fields) if fields.is_empty() => None,
            Value::Object(fields) => Some(fields),
            other => {
                wrapped = serde_json::Map::from_iter([("value".to_owned(), other.clone())]);
                Some(&wrapped)
            }
        };
        let Some(fields) = fields else {
            self.rows.extend_from_slice(b"0,");
            return;
        };
        let (bytes, done, total) = (self.bytes as u128, self.done as u128 + 1, self.total.max(1) as u128);
        let allowed = ((bytes * done + bytes / LEAD * total.saturating_sub(done)) / total) as usize;
        let before = self.rows.len();
        for limit in LIST_LEVELS {
            self.rows.push(b'[');
            self.interned(&Value::from_iter(fields.keys().map(String::as_str)).to_string());
            for value in fields.values() {
                push_cut(value, limit, &mut self.rows);
                self.rows.push(b',');
            }
            self.rows.pop();
            self.rows.extend_from_slice(b"],");
            if self.spent + self.strings.len() + self.rows.len() <= allowed {
                return;
            }
            self.rows.truncate(before);
        }
        self.rows.push(b'[');
        self.interned(&json!([CUT]).to_string());
        self.rows.extend_from_slice(b"0],");
    }
}

fn grade(finding: &Finding) -> u64 {
    let severity = match finding.severity {
        Severity::Info => 0,
        Severity::Low => 1,
        Severity::Medium => 2,
        Severity::High => 3,
        Severity::Blocker => 4,
    };
    severity * 2 + u64::from(finding.status == FindingStatus::Unknown)
}

/// A SID as the part that its domain shares, and the relative id where that is a plain number.
fn split_sid(sid: &str) -> (&str, Option<u32>) {
    match sid.rsplit_once('-') {
        Some((prefix, rid)) => match rid.parse::<u32>() {
            Ok(number) if number.to_string() == rid => (prefix, Some(number)),
            _ => (sid, None),
        },
        None => (sid, None),
    }
}
