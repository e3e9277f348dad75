//! The report of a run, in the run's own folder: `run.json`, `run.html`, `run.md`. The verdict first, then the steps, every
//! write with what stood before and after it, what was accepted and learnt, what a rollback did. The same state of a run
//! gives the same bytes.

mod gather;
mod html;
mod markdown;
pub mod model;
mod words;

pub use gather::{report, standing};
pub use words::{quoted, step_word, time};

use super::folder::{Folder, create_private};
use crate::cutover::store::Run;
use crate::error::{Error, Result};
use crate::plan::Plan;
use model::RunReport;
use std::io::Write;
use std::path::PathBuf;

/// The reports' names, in the order in which they are written.
pub const FILE_NAMES: [&str; 3] = ["run.json", "run.md", "run.html"];

/// Writes all three into the run's folder; returns the page's path.
pub fn write(run: &Run, plan: &Plan) -> Result<PathBuf> {
    let report = report(run, plan)?;
    let folder = run.folder();
    create_private(&folder)?;
    write_to(&report, &Folder::at(&folder))?;
    Ok(folder.join("run.html"))
}

/// The same into any folder.
pub fn write_to(report: &RunReport, folder: &Folder) -> Result<()> {
    folder.write("run.json", |out| json(report, out))?;
    folder.write("run.md", |out| put(markdown::text(report).as_bytes(), out))?;
    folder.write("run.html", |out| html::write(report, out))?;
    Ok(())
}

/// The head pretty, then writes and log, one a line.
fn json(report: &RunReport, out: &mut dyn Write) -> Result<()> {
    let fail = |e: serde_json::Error| Error::failed(format!("cannot write the run's report: {e}"));
    let head = serde_json::to_string_pretty(&report.standing).map_err(fail)?;
    put(head.strip_suffix("\n}").unwrap_or(&head).as_bytes(), out)?;
    list("writes", &report.writes, out)?;
    list("log", &report.log, out)?;
    put(b"\n}\n", out)
}

fn list<T: serde::Serialize>(name: &str, items: &[T], out: &mut dyn Write) -> Result<()> {
    put(format!(",\n  \"{name}\": [").as_bytes(), out)?;
    for (at, item) in items.iter().enumerate() {
        put(if at == 0 { b"\n    " } else { b",\n    " }, out)?;
        let line =
            serde_json::to_vec(item).map_err(|e| Error::failed(format!("cannot write the run's report: {e}")))?;
        put(&line, out)?;
    }
    put(if items.is_empty() { b"]" } else { b"\n  ]" }, out)
}

fn put(bytes: &[u8], out: &mut dyn Write) -> Result<()> {
    out.write_all(bytes).map_err(|e| {
        Error::failed(format!("cannot write the run's report: {e}"))
            .hint("The run itself is not touched by this: its journal is whole. Free space in the store's folder.")
            .source(e)
    })
}
