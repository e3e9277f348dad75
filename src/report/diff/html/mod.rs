//! The difference as one self-contained HTML page, of the same make as the assessment's: no network, nothing stored, a
//! policy that allows the page's one script and one style by hash, directory text shown as text only. The rows go out
//! as JSON blocks; the table shows those in sight, and the detail puts the columns side by side.

mod frame;
mod line;
mod rows;

use crate::error::Result;
use crate::report::diff::model::DiffView;
use crate::report::html::{SPRITE, STYLE, csp_hash, internal, render_failed, unwritten, wrapped};
use handlebars::{Context, Handlebars, Helper, HelperResult, Output, RenderContext};
use serde_json::{Value, json};
use std::io::{self, Write as _};

/// Above this many rows the page holds only those that differ, and at most this many of them.
pub const MAX_ROWS: usize = 100_000;
/// What the rows may weigh in all, in bytes. Lists of members are cut to stay below it; counts never are.
const MAX_ROW_BYTES: usize = 56_000_000;

const TEMPLATE: &str = include_str!("../../../../templates/diff.hbs");
const OWN_STYLE: &str = include_str!("../../../../templates/diff.css");
const SCRIPT: [&str; 11] = [
    include_str!("../../../../templates/page-base.js"),
    include_str!("../../../../templates/diff-data.js"),
    include_str!("../../../../templates/page-lanes.js"),
    include_str!("../../../../templates/page-elements.js"),
    include_str!("../../../../templates/diff-row.js"),
    include_str!("../../../../templates/page-grid.js"),
    include_str!("../../../../templates/page-detail.js"),
    include_str!("../../../../templates/page-panel.js"),
    include_str!("../../../../templates/page-theme.js"),
    include_str!("../../../../templates/diff.js"),
    include_str!("../../../../templates/page-explorer.js"),
];

/// Writes the page; the same view gives the same bytes.
pub fn write(view: &dyn DiffView, out: &mut dyn io::Write) -> Result<()> {
    let selection = rows::select(view, MAX_ROWS);
    let mut page = frame::page(view.head(), &selection);
    let style = format!("{STYLE}{OWN_STYLE}").replace("\r\n", "\n");
    let script = wrapped(&SCRIPT);
    if let Value::Object(fields) = &mut page {
        // These are markup or code of ours, so they join after the directory's text was made visible.
        fields.insert("styleHash".into(), json!(csp_hash(&style)));
        fields.insert("scriptHash".into(), json!(csp_hash(&script)));
        fields.insert("style".into(), json!(style));
        fields.insert("script".into(), json!(script));
        fields.insert("meta".into(), json!(rows::meta(view.head(), &selection)));
    }
    let mut handlebars = Handlebars::new();
    handlebars.set_strict_mode(true);
    handlebars.register_partial("sprite", SPRITE).map_err(|error| internal("read", error))?;
    handlebars.register_template_string("diff", TEMPLATE).map_err(|error| internal("read", error))?;
    let selected = &selection;
    handlebars.register_helper(
        "row_blocks",
        Box::new(
            move |_: &Helper,
                  _: &Handlebars,
                  _: &Context,
                  _: &mut RenderContext,
                  out: &mut dyn Output|
                  -> HelperResult {
                rows::blocks(view, selected, MAX_ROW_BYTES, &mut |text| out.write(text))?;
                Ok(())
            },
        ),
    );
    let mut out = io::BufWriter::with_capacity(1 << 16, out);
    handlebars.render_to_write("diff", &page, &mut out).map_err(render_failed)?;
    out.flush().map_err(unwritten)
}
