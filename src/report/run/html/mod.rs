//! `run.html`: the run as one self-contained page of the same make as the others: no network, nothing stored, a policy that
//! allows the page's one script and one style by hash, directory text shown as text only. The writes go out as JSON
//! blocks; the table shows those in sight.

mod frame;
mod rows;

use super::model::RunReport;
use crate::error::Result;
use crate::report::html::text::make_visible;
use crate::report::html::{SPRITE, STYLE, csp_hash, internal, render_failed, unwritten, wrapped};
use handlebars::{Context, Handlebars, Helper, HelperResult, Output, RenderContext};
use serde_json::{Value, json};
use std::io::{self, Write as _};

const TEMPLATE: &str = include_str!("../../../../templates/run.hbs");
/// Tiles and the side-by-side table of the difference, the list of steps and the bar of waves of the plan, and its own.
const STYLES: [&str; 4] = [
    STYLE,
    include_str!("../../../../templates/diff.css"),
    include_str!("../../../../templates/plan.css"),
    include_str!("../../../../templates/run.css"),
];
const SCRIPT: [&str; 11] = [
    include_str!("../../../../templates/page-base.js"),
    include_str!("../../../../templates/run-data.js"),
    include_str!("../../../../templates/page-lanes.js"),
    include_str!("../../../../templates/page-elements.js"),
    include_str!("../../../../templates/run-row.js"),
    include_str!("../../../../templates/page-grid.js"),
    include_str!("../../../../templates/page-detail.js"),
    include_str!("../../../../templates/page-panel.js"),
    include_str!("../../../../templates/page-theme.js"),
    include_str!("../../../../templates/run.js"),
    include_str!("../../../../templates/page-explorer.js"),
];

/// Writes the page; the same report gives the same bytes.
pub(super) fn write(report: &RunReport, out: &mut dyn io::Write) -> Result<()> {
    let picked = rows::pick(&report.writes);
    let mut page = frame::page(report, picked.len());
    make_visible(&mut page);
    let style = STYLES.concat().replace("\r\n", "\n");
    let script = wrapped(&SCRIPT);
    if let Value::Object(fields) = &mut page {
        // These are markup or code of ours, so they join after the directory's text was made visible.
        fields.insert("styleHash".into(), json!(csp_hash(&style)));
        fields.insert("scriptHash".into(), json!(csp_hash(&script)));
        fields.insert("style".into(), json!(style));
        fields.insert("script".into(), json!(script));
        fields.insert("meta".into(), json!(rows::meta(report, picked.len())));
    }
    let mut handlebars = Handlebars::new();
    handlebars.set_strict_mode(true);
    handlebars.register_partial("sprite", SPRITE).map_err(|error| internal("read", error))?;
    handlebars.register_template_string("run", TEMPLATE).map_err(|error| internal("read", error))?;
    let (writes, selected) = (&report.writes, &picked);
    handlebars.register_helper(
        "row_blocks",
        Box::new(
            move |_: &Helper,
                  _: &Handlebars,
                  _: &Context,
                  _: &mut RenderContext,
                  out: &mut dyn Output|
                  -> HelperResult {
                rows::blocks(writes, selected, &mut |text| out.write(text))?;
                Ok(())
            },
        ),
    );
    let mut out = io::BufWriter::with_capacity(1 << 16, out);
    handlebars.render_to_write("run", &page, &mut out).map_err(render_failed)?;
    out.flush().map_err(unwritten)
}
