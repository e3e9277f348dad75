//! The program as a user runs it: in a folder of its own, with nothing on standard input and no settings around it.

use super::World;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A folder to run in.
pub struct Desk {
    pub dir: tempfile::TempDir,
}

pub struct Ran {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Desk {
    pub fn new() -> Self {
        Desk { dir: tempfile::tempdir().unwrap() }
    }
    /// With `world` as the folder `export`.
    pub fn with(world: &World) -> Self {
        let desk = Desk::new();
        world.write(&desk.path("export"));
        desk
    }
    /// With the clean world collected into `bundle`.
    pub fn collected(world: &World) -> Self {
        let desk = Desk::with(world);
        desk.run(&["collect", "--offline", "export", "--out", "bundle"]).ok();
        desk
    }
    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_groupshift"));
        command.args(args).current_dir(self.dir.path()).stdin(Stdio::null());
        for (name, _) in std::env::vars().filter(|(n, _)| n.starts_with("GROUPSHIFT_")) {
            command.env_remove(name);
        }
        // No configuration of the person who runs the tests is read.
        for name in ["HOME", "XDG_CONFIG_HOME", "APPDATA"] {
            command.env(name, self.dir.path());
        }
        command.env_remove("NO_COLOR").env_remove("CLICOLOR_FORCE");
        command
    }
    pub fn run(&self, args: &[&str]) -> Ran {
        let done = self.command(args).output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Ran { code: done.status.code().unwrap_or(-1), out: text(done.stdout), err: text(done.stderr) }
    }
    pub fn collect(&self) -> Ran {
        self.run(&["collect", "--offline", "export", "--out", "bundle"])
    }
    pub fn assess(&self, more: &[&str]) -> Ran {
        self.run(&[&["assess", "bundle", "--out", "out"], more].concat())
    }
    pub fn json(&self, name: &str) -> Value {
        serde_json::from_slice(&std::fs::read(self.path(name)).unwrap()).unwrap()
    }
    pub fn text(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap()
    }
    /// Names in the folder, hidden ones too.
    pub fn names(&self) -> Vec<String> {
        names(self.dir.path())
    }
}

pub fn names(dir: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        std::fs::read_dir(dir).unwrap().map(|e| e.unwrap().file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

impl Ran {
    #[track_caller]
    pub fn ok(self) -> Self {
        self.code(0)
    }
    #[track_caller]
    pub fn code(self, want: i32) -> Self {
        assert_eq!(self.code, want, "stdout: {}\nstderr: {}", self.out, self.err);
        self
    }
    /// Standard error has each of these.
    #[track_caller]
    pub fn says(self, parts: &[&str]) -> Self {
        for part in parts {
            assert!(self.err.contains(part), "{part:?} is not in: {}", self.err);
        }
        self
    }
    #[track_caller]
    pub fn prints(self, parts: &[&str]) -> Self {
        for part in parts {
            assert!(self.out.contains(part), "{part:?} is not in: {}", self.out);
        }
        self
    }
}
