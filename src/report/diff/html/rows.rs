//! Rows as compact JSON blocks: `{"s":[…],"r":[…]}`, the strings first used in a block and its rows. A number where a
//! text is expected names a string. A row is
//!
//! `[severity, action, name, rdn, container, id, guid, sid, changes, depends, [plus, minus, maybe], attributes,
//! sections, notes, differs, [before, after]]`
//!
//! with attributes `[name, a, b, c, state, reason]` and sections `[title, sign, count, [[text, reason]…]]`.

use super::line::{Line, PageRow, of_group, of_object};
use crate::report::diff::model::{DiffView, Head, Row};
use crate::report::html::json::{push_inert, push_json_text, split_dn, take_block};
use hashbrown::HashMap;
use rayon::prelude::*;
use serde_json::json;
use std::io;

/// Rows rendered side by side before they are encoded in order.
const CHUNK: usize = 4096;
/// The first block is small, so that a browser shows rows before it has read the rest.
const FIRST_BLOCK: usize = 200;
const BLOCK: usize = 2_000;
/// What the string table may hold in memory.
const TABLE_BYTES: usize = 16 << 20;
/// Names of a list that a row shows, from generous to none; after the last, only what changes of name and place stays.
const LEVELS: [Option<usize>; 6] = [Some(200), Some(40), Some(8), Some(1), Some(0), None];
/// Rows of a print.
const PRINT_ROWS: usize = 1_000;

/// Which rows the page holds.
pub(super) struct Selection {
    /// `None`: all of them.
    picked: Option<Vec<usize>>,
    pub total: usize,
    /// Rows that differ; counted only when not all rows are held.
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

pub(super) fn select(view: &dyn DiffView, cap: usize) -> Selection {
    let total = view.len();
    if total <= cap {
        return Selection { picked: None, total, notable: None };
    }
    let mut picked: Vec<usize> = (0..total).into_par_iter().filter(|i| view.is_notable(*i)).collect();
    let notable = picked.len();
    picked.truncate(cap);
    Selection { picked: Some(picked), total, notable: Some(notable) }
}

pub(super) fn meta(head: Head<'_>, selection: &Selection) -> String {
    let (columns, points) = match head {
        Head::Forecast(header) => {
            let points: Vec<_> = header.summary.open_points.iter().map(|p| json!([p.point, p.question])).collect();
            (json!(["AD today", "Entra today", "AD after"]), points)
        }
        Head::Scans(_) => (json!(["Before", "After"]), Vec::new()),
    };
    let value = json!({
        "rows": selection.len(), "total": selection.total, "columns": columns, "points": points, "printRows": PRINT_ROWS,
        "forecast": matches!(head, Head::Forecast(_)),
    });
    let mut text = String::new();
    push_inert(value.to_string().as_bytes(), &mut text);
    text
}

/// Writes every block, each a `<script type="application/json">` of its own.
pub(super) fn blocks(
    view: &dyn DiffView,
    selection: &Selection,
    bytes: usize,
    write: &mut dyn FnMut(&str) -> io::Result<()>,
) -> io::Result<()> {
    let mut encoder = Encoder { bytes, total: selection.len(), ..Encoder::default() };
    let mut block_end = FIRST_BLOCK;
    for start in (0..selection.len()).step_by(CHUNK) {
        let end = selection.len().min(start + CHUNK);
        let rows: Vec<Row> = (start..end).into_par_iter().map(|row| view.row(selection.index(row))).collect();
        for row in &rows {
            match row {
                Row::Group(row) => encoder.row(&of_group(row)),
                Row::Object(row) => encoder.row(&of_object(row)),
            }
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

#[derive(Default)]
struct Encoder {
    table: HashMap<Box<str>, usize>,
    table_bytes: usize,
    strings: Vec<u8>,
    rows: Vec<u8>,
    done: usize,
    total: usize,
    spent: usize,
    bytes: usize,
}

impl Encoder {
    fn take_block(&mut self) -> String {
        self.spent += self.strings.len() + self.rows.len();
        take_block("rows", &mut self.strings, &mut self.rows)
    }

    /// The row at the most generous level that keeps the page within its size.
    fn row(&mut self, row: &PageRow<'_>) {
        let (bytes, done, total) = (self.bytes as u128, self.done as u128 + 1, self.total.max(1) as u128);
        // The first rows may run ahead of their even share; the lead shrinks to nothing.
        let allowed = ((bytes * done + bytes / 50 * total.saturating_sub(done)) / total) as usize;
        let before = self.rows.len();
        for (at, level) in LEVELS.into_iter().enumerate() {
            self.rows.truncate(before);
            self.row_at(row, level);
            let fits = self.spent + self.strings.len() + self.rows.len() <= allowed;
            if fits || at + 1 == LEVELS.len() {
                break;
            }
        }
        self.done += 1;
    }

    fn row_at(&mut self, row: &PageRow<'_>, level: Option<usize>) {
        self.open();
        self.number(row.severity as u64);
        self.interned(row.action);
        self.optional(row.name);
        match row.dn.map(split_dn) {
            None => self.rows.extend_from_slice(b"null,null,"),
            Some((rdn, container)) => {
                self.optional(Some(rdn));
                match container {
                    Some(container) => self.interned(container),
                    None => self.rows.extend_from_slice(b"null,"),
                }
            }
        }
        self.optional(row.id);
        self.optional(row.guid);
        self.optional(row.sid);
        for words in [&row.changes, &row.depends] {
            self.open();
            words.iter().for_each(|word| self.interned(word));
            self.close();
        }
        self.open();
        row.counts.iter().for_each(|n| self.number(*n));
        self.close();
        self.open();
        for line in &row.attributes {
            // Where room is short, what stays as it is stays out.
            let named = matches!(line.name, "cn" | "parentDistinguishedName");
            if level > Some(0) || line.state != 0 && (level.is_some() || named) {
                self.attribute(line);
            }
        }
        self.close();
        self.open();
        for section in &row.sections {
            self.open();
            self.interned(section.title);
            self.interned(section.sign);
            self.number(section.count);
            self.open();
            for (text, reason) in section.items.iter().take(level.unwrap_or(0)) {
                self.open();
                self.optional(Some(text));
                if let Some(reason) = reason {
                    self.interned(reason);
                }
                self.close();
            }
            self.close();
            self.close();
        }
        self.close();
        self.open();
        let notes = if level.is_some() { row.notes.len() } else { 1 };
        row.notes.iter().take(notes).for_each(|note| self.interned(note));
        self.close();
        self.number(row.differs.into());
        match row.access {
            Some(access) => {
                self.open();
                access.iter().for_each(|n| self.number(*n));
                self.close();
            }
            None => self.rows.extend_from_slice(b"null,"),
        }
        self.close();
    }

    fn attribute(&mut self, line: &Line<'_>) {
        self.open();
        self.interned(line.name);
        let [a, b, c] = &line.columns;
        self.optional(a.as_deref());
        self.optional(b.as_deref());
        // What stays is written once.
        if line.state == 0 && a == c {
            self.rows.extend_from_slice(b"0,");
        } else {
            self.optional(c.as_deref());
        }
        self.number(line.state);
        if let Some(reason) = line.reason {
            self.interned(reason);
        }
        self.close();
    }

    fn open(&mut self) {
        self.rows.push(b'[');
    }
    fn close(&mut self) {
        if self.rows.last() == Some(&b',') {
            self.rows.pop();
        }
        self.rows.extend_from_slice(b"],");
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
            self.number(*number as u64);
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
}
