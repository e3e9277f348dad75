//! `audit.html`: one self-contained page of the same make as the assessment's: the verdict, what changed, the checks, then
//! the groups. No network, nothing stored, a policy that allows the page's one script and one style by hash, directory
//! text shown as text only. Groups and failures go out as JSON blocks; the table shows those in sight.

mod encode;
mod frame;
mod rows;
mod trend;

use super::Report;
use crate::error::Result;
use crate::report::html::{SPRITE, STYLE, csp_hash, internal, render_failed, unwritten, wrapped};
use handlebars::{Context, Handlebars, Helper, HelperResult, Output, RenderContext, RenderErrorReason};
use serde_json::{Value, json};
use std::io::{self, Write as _};

/// Above this many groups the page holds only those of which something failed or is not known, and at most this many.
pub const MAX_ROWS: usize = 100_000;
/// What groups and failures may weigh in all, in bytes. Evidence is left out to stay below it, then whole failures.
const MAX_BYTES: usize = 56_000_000;

const TEMPLATE: &str = include_str!("../../../templates/audit.hbs");
const OWN_STYLE: &str = include_str!("../../../templates/audit.css");
const SCRIPT: [&str; 12] = [
    include_str!("../../../templates/page-base.js"),
    include_str!("../../../templates/audit-data.js"),
    include_str!("../../../templates/page-lanes.js"),
    include_str!("../../../templates/page-elements.js"),
    include_str!("../../../templates/audit-row.js"),
    include_str!("../../../templates/page-grid.js"),
    include_str!("../../../templates/page-detail.js"),
    include_str!("../../../templates/page-evidence.js"),
    include_str!("../../../templates/page-panel.js"),
    include_str!("../../../templates/page-theme.js"),
    include_str!("../../../templates/audit.js"),
    include_str!("../../../templates/page-explorer.js"),
];

/// Writes the page; the same report gives the same bytes.
pub(super) fn write(report: &Report<'_>, out: &mut dyn io::Write) -> Result<()> {
    let selection = rows::select(report.view, MAX_ROWS);
    let mut page = frame::page(report, &selection);
    let style = format!("{STYLE}{OWN_STYLE}").replace("\r\n", "\n");
    let script = wrapped(&SCRIPT);
    if let Value::Object(fields) = &mut page {
        // These are markup or code of ours, so they join after the directory's text was made visible.
        fields.insert("styleHash".into(), json!(csp_hash(&style)));
        fields.insert("scriptHash".into(), json!(csp_hash(&script)));
        fields.insert("style".into(), json!(style));
        fields.insert("script".into(), json!(script));
        fields.insert("meta".into(), json!(rows::meta(report, &selection)));
    }
    let mut handlebars = Handlebars::new();
    handlebars.set_strict_mode(true);
    handlebars.register_partial("sprite", SPRITE).map_err(|error| internal("read", error))?;
    handlebars.register_template_string("audit", TEMPLATE).map_err(|error| internal("read", error))?;
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
                rows::blocks(report, selected, MAX_BYTES, &mut |text| {
                    out.write(text).map_err(|e| crate::error::Error::failed(e.to_string()))
                })
                .map_err(|e| RenderErrorReason::IOError(io::Error::other(e.to_string())))?;
                Ok(())
            },
        ),
    );
    let mut out = io::BufWriter::with_capacity(1 << 16, out);
    handlebars.render_to_write("audit", &page, &mut out).map_err(render_failed)?;
    out.flush().map_err(unwritten)
}
