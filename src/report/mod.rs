//! Views of an assessment: HTML, CSV, JSON, Markdown. Every view reads the same published types (`model`), row by row.

pub mod audit;
pub mod csv;
pub mod diff;
pub mod folder;
pub mod handover;
pub mod html;
pub mod json;
pub mod markdown;
pub mod model;
pub mod plan;
pub mod run;

use crate::error::{Error, Result};
use model::{Group, View};
use rayon::prelude::*;
use std::io::Write;

/// Groups rendered at a time: enough for all cores, few enough to hold.
const CHUNK: usize = 4096;

/// Writes one group into a buffer; told whether it is the first of all.
type Render<'r> = dyn Fn(&Group, bool, &mut Vec<u8>) -> std::io::Result<()> + Sync + 'r;

/// Renders every group on all cores and writes the pieces in published order. `render` is told whether the group is
/// the first of all.
fn in_order(view: &dyn View, out: &mut dyn Write, render: &Render<'_>) -> Result<()> {
    rows_in_order(view.len(), out, &|index, buffer| render(&view.group(index), index == 0, buffer))
}

/// Writes one row, by its index, into a buffer.
type RenderRow<'r> = dyn Fn(usize, &mut Vec<u8>) -> std::io::Result<()> + Sync + 'r;

/// Renders every row on all cores and writes the pieces in order.
fn rows_in_order(len: usize, out: &mut dyn Write, render: &RenderRow<'_>) -> Result<()> {
    let fail = |e: std::io::Error| Error::failed(format!("cannot write the report: {e}"));
    for start in (0..len).step_by(CHUNK) {
        let end = (start + CHUNK).min(len);
        let pieces: Vec<std::io::Result<Vec<u8>>> = (start..end)
            .into_par_iter()
            .fold(
                || Ok(Vec::new()),
                |buffer: std::io::Result<Vec<u8>>, index| {
                    let mut buffer = buffer?;
                    render(index, &mut buffer)?;
                    Ok(buffer)
                },
            )
            .collect();
        for piece in pieces {
            out.write_all(&piece.map_err(fail)?).map_err(fail)?;
        }
    }
    Ok(())
}

/// Text from a directory made harmless for a terminal, a log or an error: control and bidirectional-formatting
/// characters are shown as `\u{…}`.
pub fn plain(text: &str) -> String {
    if text.bytes().all(|b| matches!(b, b' '..=b'~')) {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if is_hazardous(c) {
            out.push_str(&format!("\\u{{{:x}}}", u32::from(c)));
        } else {
            out.push(c);
        }
    }
    out
}

/// Control characters, bidirectional formatting, zero-width and other invisible formatting characters.
pub fn is_hazardous(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{061c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}')
}
