//! What the owners of applications need of each group that is handed over to Cloud Sync: as CSV for all of them, as
//! Markdown to send on, as JSON on standard output.

mod csv;
mod markdown;
pub mod model;

use crate::error::Result;
use crate::report::folder::Folder;
use model::Handover;

/// The files' names, in the order they are written.
pub const FILE_NAMES: [&str; 2] = ["handover.csv", "handover.md"];

/// Writes both files; returns name and size of each.
pub fn write(handover: &Handover, folder: &Folder) -> Result<Vec<(&'static str, u64)>> {
    let [table, text] = FILE_NAMES;
    Ok(vec![
        (table, folder.write(table, |out| csv::write(handover, out))?),
        (text, folder.write(text, |out| markdown::write(handover, out))?),
    ])
}
