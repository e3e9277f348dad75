//! How `plan.json` is laid out: a value a line down to the groups of a wave, and each group on one line. So a person can
//! read the plan's head, a tool can take its groups line by line, and a plan of a million groups is not half blanks.

use serde::Serialize;
use serde_json::ser::{CompactFormatter, Formatter, PrettyFormatter, Serializer};
use std::io::{Result, Write};

/// The plan, its waves, a wave, its groups: what lies deeper stands on one line.
const OPEN: usize = 4;

/// Writes a value laid out so, with a line's end.
pub(super) fn lay_out(value: &impl Serialize, mut out: impl Write) -> serde_json::Result<()> {
    value.serialize(&mut Serializer::with_formatter(&mut out, Lines::default()))?;
    out.write_all(b"\n").map_err(serde_json::Error::io)
}

/// Stands before each group of a wave, and after the last.
pub(super) const BEFORE_GROUP: &str = "\n        ";
pub(super) const AFTER_GROUPS: &str = "\n      ]";

#[derive(Default)]
struct Lines {
    pretty: PrettyFormatter<'static>,
    depth: usize,
}

impl Lines {
    fn is_open(&self) -> bool {
        self.depth <= OPEN
    }
}

impl Formatter for Lines {
    fn begin_array<W: ?Sized + Write>(&mut self, out: &mut W) -> Result<()> {
        self.depth += 1;
        if self.is_open() { self.pretty.begin_array(out) } else { CompactFormatter.begin_array(out) }
    }
    fn end_array<W: ?Sized + Write>(&mut self, out: &mut W) -> Result<()> {
        let open = self.is_open();
        self.depth -= 1;
        if open { self.pretty.end_array(out) } else { CompactFormatter.end_array(out) }
    }
    fn begin_array_value<W: ?Sized + Write>(&mut self, out: &mut W, first: bool) -> Result<()> {
        match self.is_open() {
            true => self.pretty.begin_array_value(out, first),
            false => CompactFormatter.begin_array_value(out, first),
        }
    }
    fn end_array_value<W: ?Sized + Write>(&mut self, out: &mut W) -> Result<()> {
        if self.is_open() { self.pretty.end_array_value(out) } else { Ok(()) }
    }
    fn begin_object<W: ?Sized + Write>(&mut self, out: &mut W) -> Result<()> {
        self.depth += 1;
        if self.is_open() { self.pretty.begin_object(out) } else { CompactFormatter.begin_object(out) }
    }
    fn end_object<W: ?Sized + Write>(&mut self, out: &mut W) -> Result<()> {
        let open = self.is_open();
        self.depth -= 1;
        if open { self.pretty.end_object(out) } else { CompactFormatter.end_object(out) }
    }
    fn begin_object_key<W: ?Sized + Write>(&mut self, out: &mut W, first: bool) -> Result<()> {
        match self.is_open() {
            true => self.pretty.begin_object_key(out, first),
            false => CompactFormatter.begin_object_key(out, first),
        }
    }
    fn begin_object_value<W: ?Sized + Write>(&mut self, out: &mut W) -> Result<()> {
        if self.is_open() { self.pretty.begin_object_value(out) } else { CompactFormatter.begin_object_value(out) }
    }
    fn end_object_value<W: ?Sized + Write>(&mut self, out: &mut W) -> Result<()> {
        if self.is_open() { self.pretty.end_object_value(out) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn groups_stand_on_one_line_each() {
        let value = json!({ "a": 1, "b": [], "waves": [{ "groups": [{ "dn": "x", "steps": [{ "kind": [] }] }, {}] }, { "groups": [] }] });
        let text = r#"{
  "a": 1,
  "b": [],
  "waves": [
    {
      "groups": [
        {"dn":"x","steps":[{"kind":[]}]},
        {}
      ]
    },
    {
      "groups": []
    }
  ]
}
"#;
        let mut out = Vec::new();
        lay_out(&value, &mut out).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), text);
    }
}
