//! One run at a time: a lock on the store, and one on the domain among the runs of this account on this machine. The
//! operating system takes a lock away with its process, so that a dead run blocks nobody. Who holds it stands in a file
//! beside it, since a locked file itself cannot be read everywhere.

use super::{Store, host, user};
use crate::error::{Error, Place, Result};
use crate::report::folder::{Folder, create_private};
use crate::report::plain;
use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Serialize};
use std::cell::RefCell;
use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What the lock cannot see, for whoever takes a run over or begins one.
pub const LOCK_REACH: &str = "The lock keeps out a second run on this store, and on this domain by this account on this \
                              machine. It cannot see other machines or other accounts: make sure that no run goes on there.";

/// Somebody who only looks whether the lock is held has it for an instant; so often, and so long apart, is it tried again.
const TRIES: usize = 10;
const BETWEEN: Duration = Duration::from_millis(50);
const STORE_LOCK: &str = "lock";

/// Held until it is dropped or the process ends.
#[derive(Debug)]
pub struct Lock {
    held: Vec<Held>,
    holder: RefCell<Holder>,
}

#[derive(Debug)]
struct Held {
    /// The lock goes with it.
    _file: File,
    folder: PathBuf,
    name: String,
}

/// Who holds a lock.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Holder {
    run: Option<String>,
    domain: String,
    pid: u32,
    host: String,
    user: String,
    since: DateTime<Utc>,
}

impl Store {
    /// Takes both locks, or says who holds one. The journal is looked through first for damage: nothing begins on a bad one.
    pub fn lock(&self, domain: &str) -> Result<Lock> {
        self.file.check(false)?;
        let holder = Holder {
            run: None,
            domain: domain.to_owned(),
            pid: std::process::id(),
            host: host(),
            user: user(),
            since: Utc::now(),
        };
        let mut lock = Lock { held: Vec::new(), holder: RefCell::new(holder) };
        lock.take(self.dir(), STORE_LOCK, "this store")?;
        let folder = match &self.lock_folder {
            Some(folder) => {
                create_private(folder)?;
                folder.clone()
            }
            None => shared_folder()?,
        };
        lock.take(&folder, &format!("domain-{}.lock", file_name(domain)), &format!("the domain {}", plain(domain)))?;
        lock.write()?;
        Ok(lock)
    }

    /// Who works on this store now, in words; nobody where no living process holds its lock.
    pub fn held_by(&self) -> Result<Option<String>> {
        let path = self.dir().join(STORE_LOCK);
        let file = match OpenOptions::new().read(true).open(&path) {
            Ok(file) => file,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(Error::io("look at the lock", &path, e)),
        };
        match file.try_lock_shared() {
            Ok(()) => Ok(None),
            Err(TryLockError::WouldBlock) => Ok(Some(holder(&path))),
            Err(TryLockError::Error(e)) => Err(Error::io("look at the lock", &path, e)),
        }
    }
}

impl Lock {
    /// Says which run holds the lock, for those who are refused.
    pub fn name_run(&self, id: &str) -> Result<()> {
        self.holder.borrow_mut().run = Some(id.to_owned());
        self.write()
    }

    fn take(&mut self, folder: &Path, name: &str, what: &str) -> Result<()> {
        let path = folder.join(name);
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(&path).map_err(|e| {
            Error::io("open the lock", &path, e).hint("See that this account may write to that folder.")
        })?;
        let mut tried = file.try_lock();
        for _ in 0..TRIES {
            if !matches!(tried, Err(TryLockError::WouldBlock)) {
                break;
            }
            std::thread::sleep(BETWEEN);
            tried = file.try_lock();
        }
        match tried {
            Ok(()) => {
                self.held.push(Held { _file: file, folder: folder.to_owned(), name: name.to_owned() });
                Ok(())
            }
            Err(TryLockError::WouldBlock) => Err(refused(what, &path)),
            Err(TryLockError::Error(e)) => Err(Error::io("lock the file", &path, e)
                .hint("The file system may know no locks: put [store] dir on a local disk of this machine.")),
        }
    }

    fn write(&self) -> Result<()> {
        let text = serde_json::to_vec_pretty(&*self.holder.borrow())
            .map_err(|e| Error::failed(format!("cannot say who holds the lock: {e}")))?;
        for held in &self.held {
            let name = holder_name(&held.name);
            let path = held.folder.join(&name);
            Folder::at(&held.folder)
                .write(&name, |out| out.write_all(&text).map_err(|e| Error::io("say who holds the lock", &path, e)))?;
        }
        Ok(())
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // While the lock is still held, so that nobody's own file is removed. The lock's file itself stays: two processes
        // could otherwise hold a lock on two files of one name.
        for held in &self.held {
            let _ = std::fs::remove_file(held.folder.join(holder_name(&held.name)));
        }
    }
}

fn holder_name(lock: &str) -> String {
    format!("{lock}.holder.json")
}

/// Who holds a lock, in words.
fn holder(lock: &Path) -> String {
    let name = lock.file_name().map(|n| holder_name(&n.to_string_lossy())).unwrap_or_default();
    let holder = std::fs::read(lock.with_file_name(name)).ok();
    match holder.and_then(|text| serde_json::from_slice::<Holder>(&text).ok()) {
        Some(h) => {
            let run = h.run.as_deref().map_or_else(|| "a run".to_owned(), |run| format!("run {}", plain(run)));
            let since = h.since.to_rfc3339_opts(SecondsFormat::Secs, true);
            format!("{run} (process {} of {} on {}) since {since}", h.pid, plain(&h.user), plain(&h.host))
        }
        None => "another process, which has not said yet who it is".to_owned(),
    }
}

fn refused(what: &str, path: &Path) -> Error {
    Error::failed(format!("{what} is in use: held by {}", holder(path)))
        .at(Place::file(path))
        .hint("One run at a time. Wait for it, or end it after its current object with Ctrl-C or a file named stop in its store.")
        .hint("The lock ends with its process: if that one is gone, try again.")
}

/// A domain's name as part of a file's name; domains are compared without regard to letter case.
fn file_name(domain: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '.' | '-') { c } else { '_' };
    domain.to_lowercase().chars().map(plain).take(200).collect()
}

/// The account's data folder, whatever the store; the folder for temporary files where there is none.
fn shared_folder() -> Result<PathBuf> {
    let absolute = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let home = || absolute("HOME");
    let data = if cfg!(windows) {
        absolute("LOCALAPPDATA").or_else(|| absolute("APPDATA"))
    } else if cfg!(target_os = "macos") {
        home().map(|home| home.join("Library").join("Application Support"))
    } else {
        absolute("XDG_DATA_HOME").or_else(|| home().map(|home| home.join(".local").join("share")))
    };
    let own = data.map(|data| data.join("groupshift").join("locks"));
    if let Some(folder) = own.filter(|folder| create_private(folder).is_ok()) {
        return Ok(folder);
    }
    let folder = std::env::temp_dir().join(format!("groupshift-locks-{}", file_name(&user())));
    create_private(&folder)?;
    Ok(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn domains_as_file_names() {
        for (domain, name) in [
            ("contoso.com", "contoso.com"),
            ("CONTOSO.com", "contoso.com"),
            ("../../etc", ".._.._etc"),
            ("a\\b:c\u{202e}", "a_b_c_"),
        ] {
            assert_eq!(file_name(domain), name);
        }
    }
}
