//! The plan for people: `plan.md` and `plan.html` beside `plan.json`, and the scripts of its steps. What a change board
//! reads: what, when, who, rollback, point of no return.

mod html;
mod markdown;
mod words;

pub use words::{headline, sittings};

use super::folder::{Folder, create_private, is_ours};
use crate::error::{Error, Place, Result};
use crate::plan::model::PlannedGroup;
use crate::plan::{self, Assembly, Brief, Plan, WaveSize};
use std::io::Write;
use std::ops::Range;
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

/// Groups that the pages list at most, over all waves: what one job can hold. `plan.json` has all.
const PAGE_GROUPS: usize = 20_000;

/// What the pages show: the plan, whose waves may hold no group, and the first groups of each.
pub(crate) struct Shown<'p> {
    plan: &'p Plan,
    sizes: &'p [WaveSize],
    /// By wave.
    groups: Vec<Vec<Brief>>,
    /// The first groups that lose members for certain.
    removing: Vec<&'p PlannedGroup>,
}

/// The first groups of each wave, as far as there is room.
fn listed(sizes: &[WaveSize], mut briefs: impl FnMut(usize, Range<usize>) -> Vec<Brief>) -> Vec<Vec<Brief>> {
    let mut room = PAGE_GROUPS;
    let take = |(wave, size): (usize, &WaveSize)| {
        let rows = html::MAX_ROWS.min(room).min(usize::try_from(size.groups).unwrap_or(usize::MAX));
        room -= rows;
        briefs(wave, 0..rows)
    };
    sizes.iter().enumerate().map(take).collect()
}

/// Writes the plan, its pages and its scripts.
pub fn write(plan: &Plan, files: &Files, force: bool) -> Result<()> {
    let folder = ready(files, force)?;
    let sizes: Vec<WaveSize> = plan.waves.iter().map(WaveSize::of).collect();
    let groups = listed(&sizes, |wave, rows| plan.waves[wave].groups[rows].iter().map(Brief::of).collect());
    let all_groups = plan.waves.iter().flat_map(|w| &w.groups);
    let removing = all_groups.filter(|g| !g.predicted.member_removals.is_empty()).take(markdown::MAX_ROWS).collect();
    beside(&Shown { plan, sizes: &sizes, groups, removing }, files, &folder)?;
    // The plan itself comes last: where it is, everything that it names is.
    folder.write(&name(&files.json), |out| all(&plan::canonical(plan)?, out))?;
    Ok(())
}

/// The same of a plan that is never whole in memory. Returns it with its hash and without its groups, and how many those
/// are.
pub fn write_in_parts(assembly: Assembly<'_>, files: &Files, force: bool) -> Result<(Plan, Vec<WaveSize>)> {
    let folder = ready(files, force)?;
    let (staged, sha256) = folder.stage(&name(&files.json), |out| plan::write(&assembly, out, &files.json))?;
    let groups = listed(assembly.sizes(), |wave, rows| assembly.briefs(wave, rows));
    let removing = assembly.removing();
    let (head, sizes) = assembly.into_head();
    let plan = Plan { sha256, ..head };
    beside(&Shown { plan: &plan, sizes: &sizes, groups, removing: removing.iter().collect() }, files, &folder)?;
    staged.persist()?;
    Ok((plan, sizes))
}

fn ready(files: &Files, force: bool) -> Result<Folder> {
    files.check(force)?;
    create_private(&files.folder)?;
    Ok(Folder::at(&files.folder))
}

fn name(path: &Path) -> String {
    path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default()
}

fn all(bytes: &[u8], out: &mut dyn Write) -> Result<()> {
    out.write_all(bytes).map_err(|e| Error::failed(format!("cannot write the plan: {e}")))
}

/// The scripts and the pages.
fn beside(shown: &Shown<'_>, files: &Files, folder: &Folder) -> Result<()> {
    let scripts = plan::scripts(shown.plan)?;
    clear(&files.folder.join(&files.scripts))?;
    for script in &scripts {
        let path = files.folder.join(&script.path);
        if let Some(parent) = path.parent() {
            create_private(parent)?;
            Folder::at(parent).write(&name(&path), |out| all(script.text.as_bytes(), out))?;
        }
    }
    let sittings = sittings(shown.plan, shown.sizes);
    let (md, html) = rayon::join(
        || folder.write(&name(&files.md), |out| all(markdown::text(shown, &sittings).as_bytes(), out)),
        || folder.write(&name(&files.html), |out| html::write(shown, &sittings, out)),
    );
    md.and(html).map(drop)
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
