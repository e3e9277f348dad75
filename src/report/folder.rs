//! The folder that a command writes its reports into: an empty one is accepted, one with content refused, and with
//! `--force` only files that this program wrote are replaced. Each file appears whole or not at all.

use crate::error::{Error, Place, Result};
use std::io::{BufWriter, Read, Write};
use std::path::{Path, PathBuf};

/// How a file of ours begins, somewhere in its first bytes.
const MARKS: [(&str, &str); 7] = [
    (".ps1", "groupshift/connect-evidence/v1"),
    (".json", "groupshift/"),
    (".html", "groupshift"),
    (".csv", "objectId,objectGuid,"),
    (".md", "# groupshift "),
    (".xml", "groupshift audit"),
    (".sarif", "groupshift/audit/"),
];

pub struct Folder {
    path: PathBuf,
    /// What was made for it, the folder itself first; taken away again where nothing came into it.
    made: Vec<PathBuf>,
}

impl Drop for Folder {
    fn drop(&mut self) {
        // A folder with content is not removed: that fails, and is meant to.
        let _ = self.made.iter().try_for_each(std::fs::remove_dir);
    }
}

impl Folder {
    /// Makes or accepts the folder; `names` are the files about to be written.
    pub fn prepare(path: &Path, names: &[&str], force: bool) -> Result<Self> {
        let entries = match std::fs::read_dir(path) {
            Ok(entries) => entries,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
                let missing = |p: &&Path| !p.as_os_str().is_empty() && !p.exists();
                let made = path.ancestors().take_while(missing).map(Path::to_owned).collect();
                create_private(path)?;
                return Ok(Folder { path: path.to_owned(), made });
            }
            Err(e) => return Err(Error::io("use the output folder", path, e)),
        };
        let present: Vec<PathBuf> = entries.flatten().map(|e| e.path()).collect();
        if !present.is_empty() && !force {
            return Err(Error::usage("the output folder exists and has content").at(Place::file(path)).hint(
                "Name another folder with --out, or add --force to replace the files that this program wrote there.",
            ));
        }
        for file in &present {
            let name = file.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
            if names.contains(&name.as_str()) && !is_ours(file) {
                return Err(Error::usage("this file was not written by this program, so --force does not replace it")
                    .at(Place::file(file))
                    .hint("Move it away, or name another folder with --out."));
            }
        }
        Ok(Folder { path: path.to_owned(), made: Vec::new() })
    }

    /// A folder that is there already, and whose files were looked at.
    pub fn at(path: &Path) -> Self {
        Folder { path: path.to_owned(), made: Vec::new() }
    }
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes one file beside its final name, to be renamed into place when what belongs to it is there.
    pub fn stage<T>(&self, name: &str, fill: impl FnOnce(&mut std::fs::File) -> Result<T>) -> Result<(Staged, T)> {
        let target = self.path.join(name);
        let fail = |e: std::io::Error| Error::io("write", &target, e);
        let mut file = tempfile::Builder::new().prefix(".groupshift-").tempfile_in(&self.path).map_err(fail)?;
        let filled = fill(file.as_file_mut()).map_err(|e| named(e, &target))?;
        Ok((Staged { file, target }, filled))
    }

    /// Writes one file beside its final name and renames it into place.
    pub fn write(&self, name: &str, fill: impl FnOnce(&mut dyn Write) -> Result<()>) -> Result<u64> {
        let target = self.path.join(name);
        let fail = |e: std::io::Error| Error::io("write", &target, e);
        let mut staged = tempfile::Builder::new().prefix(".groupshift-").tempfile_in(&self.path).map_err(fail)?;
        let mut out = BufWriter::with_capacity(1 << 18, staged.as_file_mut());
        fill(&mut out).map_err(|e| named(e, &target))?;
        out.flush().map_err(fail)?;
        drop(out);
        staged.as_file().sync_all().map_err(fail)?;
        let bytes = staged.as_file().metadata().map_err(fail)?.len();
        staged.persist(&target).map_err(|e| fail(e.error))?;
        Ok(bytes)
    }
}

/// An error in the middle of a file, which the writers do not know by name.
fn named(error: Error, target: &Path) -> Error {
    if error.place.is_none() { error.at(Place::file(target)) } else { error }
}

/// A file that is written and not yet in place.
pub struct Staged {
    file: tempfile::NamedTempFile,
    target: PathBuf,
}

impl Staged {
    /// Puts it into place, whole and flushed.
    pub fn persist(self) -> Result<()> {
        let fail = |e: std::io::Error| Error::io("write", &self.target, e);
        self.file.as_file().sync_all().map_err(fail)?;
        self.file.persist(&self.target).map_err(|e| fail(e.error)).map(drop)
    }
}

/// Creates a folder with its parents; readable by its owner only where the system knows such a thing.
pub fn create_private(path: &Path) -> Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt;
        builder.mode(0o700);
    }
    builder.create(path).map_err(|e| Error::io("create the folder", path, e))
}

/// Whether this program wrote the file, by what it begins with.
pub fn is_ours(file: &Path) -> bool {
    let mut head = Vec::new();
    let read = std::fs::File::open(file).and_then(|f| f.take(16_384).read_to_end(&mut head));
    let text = String::from_utf8_lossy(&head);
    let name = file.to_string_lossy();
    read.is_ok() && MARKS.iter().any(|(end, mark)| name.ends_with(end) && text.contains(mark))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replaces_only_its_own() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("out");
        let names = ["assessment.md"];
        let folder = Folder::prepare(&path, &names, false).unwrap();
        folder
            .write("assessment.md", |out| {
                out.write_all(b"# groupshift assessment\n").map_err(|e| Error::failed(e.to_string()))
            })
            .unwrap();
        assert!(Folder::prepare(&path, &names, false).is_err());
        assert!(Folder::prepare(&path, &names, true).is_ok());
        std::fs::write(path.join("assessment.md"), "mine").unwrap();
        assert!(Folder::prepare(&path, &names, true).is_err());
        std::fs::write(path.join("other.txt"), "mine").unwrap();
        std::fs::remove_file(path.join("assessment.md")).unwrap();
        assert!(Folder::prepare(&path, &names, true).is_ok());
    }

    #[test]
    fn a_failed_file_leaves_nothing_and_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder::prepare(dir.path(), &[], false).unwrap();
        let error = folder.write("a.json", |_| Err(Error::failed("no"))).unwrap_err();
        assert!(error.to_string().contains("a.json: no"), "{error}");
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
    }

    #[test]
    fn folders_that_stay_empty_are_taken_away_again() {
        let dir = tempfile::tempdir().unwrap();
        let (kept, deep) = (dir.path().join("reports"), dir.path().join("reports").join("x").join("y"));
        drop(Folder::prepare(&deep, &[], false).unwrap());
        assert!(!kept.exists());
        std::fs::create_dir(&kept).unwrap();
        drop(Folder::prepare(&deep, &[], false).unwrap());
        assert!(kept.exists() && !deep.exists(), "what was there before stays");
        drop(Folder::prepare(&kept, &[], false).unwrap());
        assert!(kept.exists());
        let written = Folder::prepare(&deep, &[], false).unwrap();
        written.write("a.md", |_| Ok(())).unwrap();
        drop(written);
        assert!(deep.join("a.md").exists());
    }
}
