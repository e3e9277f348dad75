//! Views of an audit: JSON, HTML, CSV, Markdown, and JUnit and SARIF for pipelines. Every view reads the same published
//! types, failure by failure, with what the last audit said beside it where there is one.

pub mod compare;
mod csv;
pub mod document;
pub mod history;
mod html;
mod json;
mod junit;
mod markdown;
mod sarif;
pub mod words;

pub use html::MAX_ROWS;

use crate::audit::model::{Failure, View};
use crate::error::{Error, Result};
use crate::report::folder::Folder;
use crate::report::html::RuleText;
use compare::Comparison;
use document::Point;
use rayon::prelude::*;
use std::io::Write;

/// The reports' names, in the order they are written.
pub const FILE_NAMES: [&str; 6] =
    ["audit.json", "audit.html", "audit.csv", "audit.md", "audit.junit.xml", "audit.sarif"];

/// What is shown.
pub struct Report<'a> {
    pub view: &'a dyn View,
    /// The texts of the checks, for appendices and rules.
    pub registry: &'a [RuleText<'a>],
    /// What the last audit said.
    pub baseline: Option<&'a Comparison>,
    /// Earlier audits of the same domain, oldest first, this one last.
    pub trend: &'a [Point],
}

/// Writes the named reports; returns name and size of each.
pub fn write(report: &Report<'_>, folder: &Folder, names: &[&'static str]) -> Result<Vec<(&'static str, u64)>> {
    let one = |name: &&'static str| {
        let bytes = folder.write(name, |out| match *name {
            "audit.json" => json::write(report, out),
            "audit.csv" => csv::write(report, out),
            "audit.md" => markdown::write(report, out),
            "audit.junit.xml" => junit::write(report, out),
            "audit.sarif" => sarif::write(report, out),
            _ => html::write(report, out),
        })?;
        Ok((*name, bytes))
    };
    names.iter().map(one).collect()
}

/// Failures made side by side before they are taken in order.
const CHUNK: usize = 4096;

/// Gives the failures of a check in their order, some thousand at a time.
fn each_failure(view: &dyn View, check: usize, give: &mut dyn FnMut(&[Failure]) -> Result<bool>) -> Result<()> {
    let len = view.check(check).failed as usize;
    for start in (0..len).step_by(CHUNK) {
        let end = (start + CHUNK).min(len);
        let made: Vec<Failure> = (start..end).into_par_iter().map(|index| view.failure(check, index)).collect();
        if !give(&made)? {
            break;
        }
    }
    Ok(())
}

fn unwritten(what: &'static str) -> impl Fn(std::io::Error) -> Error {
    move |e| Error::failed(format!("cannot write {what}: {e}"))
}

/// Writes a text whole.
fn put(out: &mut dyn Write, what: &'static str, text: &str) -> Result<()> {
    out.write_all(text.as_bytes()).map_err(unwritten(what))
}
