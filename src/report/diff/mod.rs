//! Views of a difference: JSON, HTML, CSV, Markdown, and text for a terminal. Every view reads the same published types
//! (`model`), row by row.

pub mod csv;
pub mod html;
pub mod json;
pub mod markdown;
pub mod model;
pub mod text;

use crate::error::Result;
use crate::report::folder::Folder;
use model::DiffView;

/// The reports' names, in the order they are written.
pub const FILE_NAMES: [&str; 4] = ["diff.json", "diff.html", "diff.csv", "diff.md"];

/// Writes the named reports; returns name and size of each.
pub fn write(view: &dyn DiffView, folder: &Folder, names: &[&'static str]) -> Result<Vec<(&'static str, u64)>> {
    let one = |name: &&'static str| {
        let bytes = folder.write(name, |out| match *name {
            "diff.json" => json::write(view, out),
            "diff.csv" => csv::write(view, out),
            "diff.md" => markdown::write(view, out),
            _ => html::write(view, out),
        })?;
        Ok((*name, bytes))
    };
    names.iter().map(one).collect()
}

/// Small numbers in words: `1 group`, `12 groups`.
fn count(n: u64, one: &str, many: &str) -> String {
    super::html::count(n, one, many)
}
