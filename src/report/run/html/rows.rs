//! The writes as compact JSON blocks: `{"s":[…],"r":[…]}`, the strings first used in a block and its rows. A number where a
//! text is expected names a string. A row is
//!
//! `[state, id, name, object, action, attribute, step, undo, undoes, meant, settled, server, detail, snapshot, old, new]`
//!
//! where state is an index of `STATES`; action, attribute, step and server are numbers of strings.

use super::super::model::RunReport;
use super::super::words::time;
use super::frame::shown;
use crate::cutover::record::{WriteRecord, WriteState};
use crate::report::html::json::{push_cut, push_inert, push_json_text, take_block};
use hashbrown::HashMap;
use serde_json::{Value, json};
use std::io;

/// Above this many writes the page holds first those that are not simply done.
const MAX_ROWS: usize = 100_000;
/// The first block is small, so that a browser shows rows before it has read the rest.
const FIRST_BLOCK: usize = 200;
const BLOCK: usize = 2_000;
/// Rows of a print.
const PRINT_ROWS: usize = 1_000;

const STATES: [WriteState; 6] = [
    WriteState::Done,
    WriteState::Already,
    WriteState::Undone,
    WriteState::Intended,
    WriteState::Foreign,
    WriteState::Failed,
];

/// Positions of the writes that the page holds, in their order.
pub(super) fn pick(writes: &[WriteRecord]) -> Vec<usize> {
    if writes.len() <= MAX_ROWS {
        return (0..writes.len()).collect();
    }
    let plain = |w: &WriteRecord| matches!(w.state, WriteState::Done | WriteState::Already) && !w.intent.undo;
    let (done, mut picked): (Vec<usize>, Vec<usize>) = (0..writes.len()).partition(|at| plain(&writes[*at]));
    picked.truncate(MAX_ROWS);
    picked.extend(done.into_iter().take(MAX_ROWS - picked.len()));
    picked.sort_unstable();
    picked
}

pub(super) fn meta(report: &RunReport, rows: usize) -> String {
    let steps: Vec<Value> = report.standing.steps.iter().map(|s| json!([s.id, s.title])).collect();
    let value = json!({ "rows": rows, "total": report.writes.len(), "steps": steps, "printRows": PRINT_ROWS });
    let mut text = String::new();
    push_inert(value.to_string().as_bytes(), &mut text);
    text
}

/// Writes every block, each a `<script type="application/json">` of its own.
pub(super) fn blocks(
    writes: &[WriteRecord],
    picked: &[usize],
    write: &mut dyn FnMut(&str) -> io::Result<()>,
) -> io::Result<()> {
    let mut encoder = Encoder::default();
    // Long lists of members are what could make a page heavy: fewer of them the more writes there are.
    let limit = (2_000_000 / picked.len().max(1)).clamp(5, 200);
    let mut block_end = FIRST_BLOCK;
    for (done, at) in (1..).zip(picked) {
        encoder.row(&writes[*at], limit);
        if done == block_end {
            write(&encoder.take_block())?;
            block_end += BLOCK;
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
    strings: Vec<u8>,
    rows: Vec<u8>,
}

impl Encoder {
    fn take_block(&mut self) -> String {
        take_block("rows", &mut self.strings, &mut self.rows)
    }

    fn row(&mut self, write: &WriteRecord, limit: usize) {
        let intent = &write.intent;
        self.rows.push(b'[');
        self.number(STATES.iter().position(|s| *s == write.state).unwrap_or_default() as i64);
        self.number(write.id);
        self.text(Some(&intent.name));
        self.text(Some(&intent.object));
        self.interned(Some(&intent.action));
        self.interned(intent.attribute.as_deref());
        self.interned(Some(&intent.step));
        self.number(intent.undo.into());
        self.optional(intent.undoes);
        self.text(Some(&time(write.meant)));
        self.text(write.settled.map(time).as_deref());
        self.interned(write.server.as_deref());
        self.text(write.detail.as_deref());
        self.optional(intent.snapshot);
        self.value(intent.old.as_ref(), limit);
        self.value(intent.new.as_ref(), limit);
        self.rows.pop();
        self.rows.extend_from_slice(b"],");
    }

    fn number(&mut self, value: i64) {
        self.rows.extend_from_slice(value.to_string().as_bytes());
        self.rows.push(b',');
    }
    fn optional(&mut self, value: Option<i64>) {
        match value {
            Some(number) => self.number(number),
            None => self.rows.extend_from_slice(b"null,"),
        }
    }
    fn text(&mut self, text: Option<&str>) {
        match text {
            Some(text) => push_json_text(text, &mut self.rows),
            None => self.rows.extend_from_slice(b"null"),
        }
        self.rows.push(b',');
    }
    /// A text, or a list of texts one a line; everything else as its JSON.
    fn value(&mut self, value: Option<&Value>, limit: usize) {
        match value {
            None => self.rows.extend_from_slice(b"null"),
            Some(Value::Array(items)) if items.iter().all(Value::is_string) => {
                push_cut(&Value::Array(items.clone()), limit, &mut self.rows);
            }
            Some(other) => push_cut(&shown(other), limit, &mut self.rows),
        }
        self.rows.push(b',');
    }
    fn interned(&mut self, text: Option<&str>) {
        let Some(text) = text else {
            self.rows.extend_from_slice(b"null,");
            return;
        };
        let number = match self.table.get(text) {
            Some(number) => *number,
            None => {
                let number = self.table.len();
                self.table.insert(text.into(), number);
                push_json_text(text, &mut self.strings);
                self.strings.push(b',');
                number
            }
        };
        self.number(number as i64);
    }
}
