//! The assessment as one self-contained HTML page: no network, no second file, nothing stored. Handlebars writes the
//! frame and everything that stands without script; the groups go out as JSON blocks of some thousand rows, one block at
//! a time, so that neither this program nor the browser ever holds a million rendered rows.
//!
//! Directory text is hostile. In the frame it is escaped by Handlebars after invisible characters were made visible; in
//! the blocks it is JSON that cannot end its element; the script shows it by `textContent` only. A Content-Security-Policy
//! allows exactly the one script and the one style of the page, by hash.

pub(super) mod facts;
mod frame;
pub(super) mod gates;
pub(super) mod json;
mod pictures;
mod rows;
pub(super) mod text;

pub(super) use text::count;

use std::io::{self, Write as _};

use base64::Engine as _;
use handlebars::{Context, Handlebars, Helper, HelperResult, Output, RenderContext, RenderError, RenderErrorReason};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::error::{Error, Result};
use crate::report::model::View;

/// Above this many groups the page holds only groups that need attention, and at most this many of them.
pub const MAX_ROWS: usize = 100_000;
/// What the rows may weigh in all, in bytes. Evidence is cut to stay below it; names, messages and remedies never are.
pub const MAX_ROW_BYTES: usize = 56_000_000;
/// Groups that a print holds at most; beyond it the print names the CSV.
pub const PRINT_ROWS: usize = 1_000;

const TEMPLATE: &str = include_str!("../../templates/assessment.hbs");
/// Icons, shared with other pages.
pub(super) const SPRITE: &str = include_str!("../../templates/page-sprite.hbs");
pub(super) const STYLE: &str = include_str!("../../templates/assessment.css");
/// `page-` parts are shared with other pages.
const SCRIPT: [&str; 14] = [
    include_str!("../../templates/page-base.js"),
    include_str!("../../templates/assessment-data.js"),
    include_str!("../../templates/page-lanes.js"),
    include_str!("../../templates/assessment-search.js"),
    include_str!("../../templates/page-elements.js"),
    include_str!("../../templates/assessment-row.js"),
    include_str!("../../templates/page-grid.js"),
    include_str!("../../templates/page-detail.js"),
    include_str!("../../templates/page-evidence.js"),
    include_str!("../../templates/assessment-detail.js"),
    include_str!("../../templates/page-panel.js"),
    include_str!("../../templates/assessment.js"),
    include_str!("../../templates/page-theme.js"),
    include_str!("../../templates/page-explorer.js"),
];

/// The text of one rule or gate for the appendix, the same for every assessment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleText<'a> {
    /// `C01`…`C41`, `E1`…`E15`.
    pub id: &'a str,
    pub title: &'a str,
    /// Why it matters.
    pub why: &'a str,
    /// What to do when it holds; empty where nothing is to be done.
    pub remedy: &'a str,
    pub sources: Vec<SourceText<'a>>,
}

/// Where a rule or gate comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceText<'a> {
    /// Key of the source table, as gates name it in `sources`.
    pub key: &'a str,
    /// What a reader sees; the key where this is empty.
    pub title: &'a str,
    /// Shown as a link when it is an `https://` address.
    pub url: Option<&'a str>,
}

/// How large a page may become.
#[derive(Debug, Clone, Copy)]
struct Caps {
    rows: usize,
    bytes: usize,
}

/// Writes the page. Groups are visited in their published order; the same view gives the same bytes.
pub fn write(view: &dyn View, registry: &[RuleText<'_>], out: &mut dyn io::Write) -> Result<()> {
    write_capped(view, registry, Caps { rows: MAX_ROWS, bytes: MAX_ROW_BYTES }, out)
}

fn write_capped(view: &dyn View, registry: &[RuleText<'_>], caps: Caps, out: &mut dyn io::Write) -> Result<()> {
    let selection = rows::select(view, caps.rows);
    let mut page = frame::page(view.header(), registry, &selection);
    let (style, script) = (style(), script());
    if let Value::Object(fields) = &mut page {
        // These three are markup or code of ours, so they join after the directory's text was made visible.
        fields.insert("styleHash".into(), json!(csp_hash(&style)));
        fields.insert("scriptHash".into(), json!(csp_hash(&script)));
        fields.insert("style".into(), json!(style));
        fields.insert("script".into(), json!(script));
        fields.insert("meta".into(), json!(rows::meta(view.header(), registry, &selection)));
    }
    let mut handlebars = Handlebars::new();
    handlebars.set_strict_mode(true);
    handlebars.register_partial("sprite", SPRITE).map_err(|error| internal("read", error))?;
    handlebars.register_template_string("assessment", TEMPLATE).map_err(|error| internal("read", error))?;
    let selected = &selection;
    handlebars.register_helper(
        "group_blocks",
        Box::new(
            move |_: &Helper,
                  _: &Handlebars,
                  _: &Context,
                  _: &mut RenderContext,
                  out: &mut dyn Output|
                  -> HelperResult {
                rows::blocks(view, selected, caps.bytes, &mut |text| out.write(text))?;
                Ok(())
            },
        ),
    );
    let mut out = io::BufWriter::with_capacity(1 << 16, out);
    handlebars.render_to_write("assessment", &page, &mut out).map_err(render_failed)?;
    out.flush().map_err(unwritten)
}

pub(super) fn render_failed(error: RenderError) -> Error {
    match error.reason() {
        RenderErrorReason::IOError(source) => unwritten(io::Error::new(source.kind(), source.to_string())),
        _ => internal("fill", error),
    }
}

pub(super) fn unwritten(source: io::Error) -> Error {
    Error::failed(format!("cannot write the HTML report: {source}"))
        .hint("free space or choose another folder with --out, then run the command again")
        .source(source)
}

pub(super) fn internal(doing: &str, error: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::failed(format!("cannot {doing} the built-in page template: {error}"))
        .hint("this is a fault of the program; the other report formats do not use this template")
        .source(error)
}

/// A browser normalises line ends before it hashes an element, so the text is normalised before it is written.
fn style() -> String {
    STYLE.replace("\r\n", "\n")
}

fn script() -> String {
    wrapped(&SCRIPT)
}

/// The parts of a script as one function of its own.
pub(super) fn wrapped(parts: &[&str]) -> String {
    let mut text = String::from("(function () {\n\"use strict\";\n");
    for part in parts {
        text.push_str(part);
    }
    text.push_str("})();\n");
    text.replace("\r\n", "\n")
}

/// The hash that a Content-Security-Policy names an inline element by.
pub(super) fn csp_hash(text: &str) -> String {
    base64::engine::general_purpose::STANDARD.encode(Sha256::digest(text.as_bytes()))
}

#[cfg(test)]
mod tests;
