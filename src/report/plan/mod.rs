//! The plan for people: `plan.md` and `plan.html` beside `plan.json`, and the scripts of its steps. What a change board
//! reads: what, when, who, rollback, point of no return.

mod html;
mod markdown;
mod words;

pub use words::{headline, sittings};

use super::folder::{Folder, create_private, is_ours};
use crate::error::{Error, Place, Result};
use crate::plan::{self, Plan};
use std::io::Write;
use std::path::{Path, PathBuf};

/// Where a plan and what belongs to it lie.
#[derive(Debug, Clone)]
pub struct Files {
    pub json: PathBuf,
    pub html: PathBuf,
    pub md: PathBuf,
    folder: PathBuf,
    /// Name of the scripts' folder, beside the plan.
    pub scripts: String,
}

impl Files {
    /// `plan.json` → `plan.html`, `plan.md`, `plan-scripts/`.
    pub fn beside(json: &Path) -> Result<Files> {
        let wrong = |what: &str| {
            Error::usage(what.to_owned()).at(Place::file(json)).hint("Name a file that ends with .json, as plan.json.")
        };
        let stem = json.file_stem().and_then(|s| s.to_str()).filter(|s| !s.is_empty());
        let stem = stem.ok_or_else(|| wrong("this is no name for a file"))?;
        if !json.extension().is_some_and(|e| e.eq_ignore_ascii_case("json")) {
            return Err(wrong("a plan is a .json file"));
        }
        let folder = match json.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
            _ => PathBuf::from("."),
        };
        Ok(Files {
            json: json.to_owned(),
            html: folder.join(format!("{stem}.html")),
            md: folder.join(format!("{stem}.md")),
            folder,
            scripts: format!("{stem}-scripts"),
        })
    }

    /// Refuses to write over anything that this program did not write, and over what it did without `force`.
    pub fn check(&self, force: bool) -> Result<()> {
        let scripts = self.folder.join(&self.scripts);
        for file in [&self.json, &self.html, &self.md, &scripts] {
            if std::fs::symlink_metadata(file).is_err() {
                continue;
            }
            if !force {
                return Err(Error::usage("it exists already")
                    .at(Place::file(file))
                    .hint("Name another file with --out, or add --force to replace what this program wrote there."));
            }
            if file != &scripts && !is_ours(file) {
                return Err(Error::usage("this file was not written by this program, so --force does not replace it")
                    .at(Place::file(file))
                    .hint("Move it away, or name another file with --out."));
            }
        }
        Ok(())
    }
}

/// Writes the plan, its pages and its scripts.
pub fn write(plan: &Plan, files: &Files, force: bool) -> Result<()> {
    files.check(force)?;
    create_private(&files.folder)?;
    let folder = Folder::at(&files.folder);
    let name = |path: &Path| path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    let all = |bytes: &[u8], out: &mut dyn Write| {
        out.write_all(bytes).map_err(|e| Error::failed(format!("cannot write the plan: {e}")))
    };
    let scripts = plan::scripts(plan)?;
    let scripts_folder = files.folder.join(&files.scripts);
    clear(&scripts_folder)?;
    for script in &scripts {
        let path = files.folder.join(&script.path);
        if let Some(parent) = path.parent() {
            create_private(parent)?;
            Folder::at(parent).write(&name(&path), |out| all(script.text.as_bytes(), out))?;
        }
    }
    folder.write(&name(&files.md), |out| all(markdown::text(plan).as_bytes(), out))?;
    folder.write(&name(&files.html), |out| html::write(plan, out))?;
    // The plan itself comes last: where it is, everything that it names is.
    folder.write(&name(&files.json), |out| all(&plan::canonical(plan)?, out))?;
    Ok(())
}

/// Takes away the scripts of an earlier plan, whose steps had other numbers.
fn clear(folder: &Path) -> Result<()> {
    let Ok(servers) = std::fs::read_dir(folder) else { return Ok(()) };
    for server in servers.flatten() {
        for file in std::fs::read_dir(server.path()).into_iter().flatten().flatten() {
            let path = file.path();
            if !is_ours(&path) {
                return Err(Error::usage("this file was not written by this program, so --force does not replace it")
                    .at(Place::file(&path))
                    .hint("Move it away: scripts of an earlier plan are removed as a whole."));
            }
            std::fs::remove_file(&path).map_err(|e| Error::io("remove an earlier script", &path, e))?;
        }
    }
    Ok(())
}
