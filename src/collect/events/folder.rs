//! All event exports of one folder, as a bundle keeps them.

use super::read_file;
use crate::bundle::{Part, RawFile, Source, files};
use crate::collect::offline::{Collected, time_of};
use crate::error::{Error, Place, Result};
use crate::report::model::Problem;
use chrono::FixedOffset;
use std::path::{Path, PathBuf};

/// What came of them.
#[derive(Default)]
pub struct Exports {
    pub raw: Option<RawFile>,
    pub sources: Vec<Source>,
    pub parts: Vec<Part>,
    pub problems: Vec<Problem>,
}

/// Reads these files, in their order; `tell` hears of each file and how many events were taken from it so far.
pub fn read_exports(files: &[PathBuf], zone: Option<FixedOffset>, tell: &mut dyn FnMut(&Path, u64)) -> Result<Exports> {
    let mut out = Exports::default();
    for path in files {
        let name = format!("events/{}", path.file_name().unwrap_or_default().to_string_lossy());
        if !path.extension().is_some_and(|e| e.eq_ignore_ascii_case("xml") || e.eq_ignore_ascii_case("csv")) {
            out.problems.push(Problem {
                kind: "file-not-read".to_owned(),
                object: name,
                detail: "event exports are *.xml or *.csv; of an .evtx file make one with: wevtutil qe FILE.evtx /lf:true /f:XML".to_owned(),
            });
            continue;
        }
        tell(path, 0);
        let raw = match &mut out.raw {
            Some(raw) => raw,
            None => out.raw.insert(RawFile::new(files::SECURITY_EVENTS)?),
        };
        let mut read = 0u64;
        let summary = read_file(path, zone, &mut |event| {
            read += 1;
            if read.is_multiple_of(4096) {
                tell(path, read);
            }
            raw.push(&event)
        })?;
        let metadata = std::fs::metadata(path).ok();
        out.problems.extend(summary.problems(&name));
        out.parts.push(Part {
            source: "events".to_owned(),
            partition: name.clone(),
            read: summary.kept,
            ..Part::default()
        });
        out.sources.push(Source {
            part: "events".to_owned(),
            name,
            bytes: metadata.as_ref().map_or(0, std::fs::Metadata::len),
            modified: metadata.and_then(|m| m.modified().ok()).map(time_of),
        });
    }
    Ok(out)
}

/// Adds the exports of a folder to what was collected live (`[ad] events`).
pub fn add(collected: &mut Collected, dir: &Path, zone: Option<FixedOffset>) -> Result<()> {
    let fail = |e| Error::io("list the folder of event exports", dir, e);
    let mut files = Vec::new();
    for entry in std::fs::read_dir(dir).map_err(fail)? {
        let path = entry.map_err(fail)?.path();
        if path.is_file() {
            files.push(path);
        }
    }
    files.sort();
    if files.is_empty() {
        return Err(Error::usage("the folder of event exports is empty")
            .at(Place::file(dir))
            .hint("Export events into it, or take events out of [ad] in groupshift.toml."));
    }
    let read = read_exports(&files, zone, &mut |_, _| {})?;
    collected.raw.extend(read.raw);
    collected.sources.extend(read.sources);
    collected.certificate.parts.extend(read.parts);
    let problems = &mut collected.inventory.problems;
    problems.extend(read.problems);
    problems.sort_by(|a, b| (&a.kind, &a.object, &a.detail).cmp(&(&b.kind, &b.object, &b.detail)));
    Ok(())
}
