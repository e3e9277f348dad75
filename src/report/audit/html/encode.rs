//! Rows as JSON text: `{"s":[…],"r":[…]}`, the strings that are first used in a block and its rows. A number where a text is
//! expected names a string.

use crate::report::html::json::{push_cut, push_json_text, split_dn, take_block};
use hashbrown::HashMap;
use serde_json::Value;

/// What the string table may hold in memory.
const TABLE_BYTES: usize = 16 << 20;

#[derive(Default)]
pub(super) struct Encoder {
    table: HashMap<Box<str>, usize>,
    table_bytes: usize,
    strings: Vec<u8>,
    rows: Vec<u8>,
    /// Bytes of the blocks that were taken.
    taken: usize,
}

impl Encoder {
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }
    /// Bytes so far.
    pub fn spent(&self) -> usize {
        self.taken + self.strings.len() + self.rows.len()
    }
    /// What was written since the last time, as an element of its own.
    pub fn take_block(&mut self, class: &str) -> String {
        self.taken += self.strings.len() + self.rows.len();
        take_block(class, &mut self.strings, &mut self.rows)
    }
    pub fn open(&mut self) {
        self.rows.push(b'[');
    }
    pub fn close(&mut self) {
        if self.rows.last() == Some(&b',') {
            self.rows.pop();
        }
        self.rows.extend_from_slice(b"],");
    }
    pub fn number(&mut self, value: i64) {
        self.rows.extend_from_slice(value.to_string().as_bytes());
        self.rows.push(b',');
    }
    pub fn text(&mut self, text: Option<&str>) {
        match text {
            Some(text) => push_json_text(text, &mut self.rows),
            None => self.rows.extend_from_slice(b"null"),
        }
        self.rows.push(b',');
    }
    /// A text that comes often.
    pub fn often(&mut self, text: Option<&str>) {
        let Some(text) = text else { return self.text(None) };
        if let Some(number) = self.table.get(text) {
            self.number(*number as i64);
        } else if self.table_bytes + text.len() <= TABLE_BYTES {
            let number = self.table.len();
            self.table.insert(text.into(), number);
            self.table_bytes += text.len();
            push_json_text(text, &mut self.strings);
            self.strings.push(b',');
            self.number(number as i64);
        } else {
            self.text(Some(text));
        }
    }
    /// A value of any shape, its lists cut to a length.
    pub fn value(&mut self, value: &Value, limit: usize) {
        push_cut(value, limit, &mut self.rows);
        self.rows.push(b',');
    }
    /// A distinguished name as its first part and the rest, which many share.
    pub fn dn(&mut self, dn: Option<&str>) {
        match dn.map(split_dn) {
            None => self.rows.extend_from_slice(b"null,null,"),
            Some((first, rest)) => {
                self.text(Some(first));
                self.often(rest);
            }
        }
    }
}
