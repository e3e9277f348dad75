//! `groupshift.toml`, the environment, and where each value came from. Layers, each over the one before: defaults, one
//! file, environment variables `GROUPSHIFT_<SECTION>_<KEY>`. Secrets are in none of them: the configuration only names
//! the variable or the file that holds one. Everything wrong is said at once, with file, line and what to do.

mod check;
mod environment;
mod file;
mod keys;
mod kind;
mod schema;
mod secret;
mod show;

pub use keys::{
    Ad, Auth, Bind, Cloud, CloudSync, Connect, ConnectMode, Entra, KEYS, Key, Policy, SECTIONS, Scope, Section,
    Settings, Store,
};
pub use kind::{Kind, Value};
pub use show::{Row, Shown, show};

use crate::error::{Error, Place, Result};
use std::collections::BTreeSet;
use std::fmt;
use std::path::{Path, PathBuf};

/// Name of the published schema of the file.
pub const SCHEMA: &str = "groupshift/config/v1";
/// The file's usual name.
pub const FILE_NAME: &str = "groupshift.toml";
/// What every variable of this program starts with.
pub const PREFIX: &str = "GROUPSHIFT_";

/// Where a value came from. Ordered: a later layer goes over an earlier one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// Built in.
    Default,
    /// The configuration file.
    File { path: PathBuf, line: u64 },
    /// An environment variable.
    Env(String),
}

impl Origin {
    fn layer(&self) -> u8 {
        match self {
            Origin::Default => 0,
            Origin::File { .. } => 1,
            Origin::Env(_) => 2,
        }
    }
    /// As the place of an error about `key`.
    fn place(&self, key: &Key) -> Place {
        match self {
            Origin::Default => Place::default().object(key.path()),
            Origin::File { path, line } => Place::file(path).line(*line).object(key.path()),
            Origin::Env(name) => Place::default().object(name),
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::Default => f.write_str("default"),
            Origin::File { path, line } => write!(f, "{}:{line}", crate::report::plain(&path.to_string_lossy())),
            Origin::Env(name) => write!(f, "environment variable {name}"),
        }
    }
}

/// The surroundings that a configuration is loaded in; passed in, so that tests bring their own.
pub struct Around<'a> {
    /// The current folder, where `groupshift.toml` is looked for; empty for the process's own.
    pub folder: &'a Path,
    /// Whether the platform's configuration folder is the one of Windows.
    pub windows: bool,
    /// The value of a variable; `None` where it is not set or not Unicode.
    pub env: &'a dyn Fn(&str) -> Option<String>,
    /// Names of all variables there are.
    pub env_names: &'a [String],
}

/// The effective configuration.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    pub settings: Settings,
    /// The file that was read, if any.
    pub file: Option<PathBuf>,
    /// What is odd but no error, in sentences.
    pub warnings: Vec<String>,
    /// One a key, in the order of `KEYS`.
    origins: Vec<Origin>,
    /// Variables that the `*_env` keys name and that are set.
    variables_set: BTreeSet<String>,
}

/// Which secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Secret {
    /// Password of the AD account.
    AdPassword,
    /// Client secret of the application.
    ClientSecret,
    /// Access token for Graph.
    GraphToken,
}

/// Where a secret is to be taken from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SecretSource<'c> {
    /// The environment variable of that name; a prompt where it is not set.
    Variable(&'c str),
    File(&'c Path),
}

impl Default for Config {
    /// The defaults alone: no file, no environment.
    fn default() -> Self {
        Config {
            settings: Settings::default(),
            file: None,
            warnings: Vec::new(),
            origins: vec![Origin::Default; KEYS.len()],
            variables_set: BTreeSet::new(),
        }
    }
}

impl Config {
    /// Where the value of `section.name` came from; `None` where there is no such key.
    pub fn origin(&self, section: &str, name: &str) -> Option<&Origin> {
        let index = KEYS.iter().position(|k| k.section == section && k.name == name)?;
        self.origins.get(index)
    }

    /// Where a secret is to be taken from: its variable, or its file where a later layer (or the only one) names that.
    pub fn secret(&self, secret: Secret) -> SecretSource<'_> {
        let (ad, entra) = (&self.settings.ad, &self.settings.entra);
        let (section, name, variable, file) = match secret {
            Secret::AdPassword => ("ad", "password", &ad.password_env, &ad.password_file),
            Secret::ClientSecret => ("entra", "client_secret", &entra.client_secret_env, &entra.client_secret_file),
            Secret::GraphToken => ("entra", "token", &entra.token_env, &entra.token_file),
        };
        let layer = |suffix: &str| self.origin(section, &format!("{name}{suffix}")).map_or(0, Origin::layer);
        match file {
            Some(file) if layer("_file") >= layer("_env") => SecretSource::File(file),
            _ => SecretSource::Variable(variable),
        }
    }

    fn set(&mut self, key: &Key, value: Value, origin: Origin) -> bool {
        let index = KEYS.iter().position(|k| std::ptr::eq(k, key));
        let done = (key.put)(&mut self.settings, value);
        if let Some(slot) = index.and_then(|i| self.origins.get_mut(i)).filter(|_| done) {
            *slot = origin;
        }
        done
    }

    /// Sets a key from what a layer says, or says what is wrong with it.
    fn take(&mut self, key: &Key, raw: kind::Raw, folder: &Path, origin: Origin) -> Result<()> {
        let place = origin.place(key);
        let value = key.kind.check(raw, folder).map_err(|message| {
            let hint = format!("{}: {}", key.path(), key.about.trim());
            Error::usage(message).at(place.clone()).hint(hint)
        })?;
        match self.set(key, value, origin) {
            true => Ok(()),
            false => Err(Error::usage(format!("expected {}", key.kind.expected())).at(place)),
        }
    }
}

/// The error for a setting that a command cannot do without.
pub fn missing(section: &str, name: &str) -> Error {
    let error = Error::usage(format!("{section}.{name} is not set"));
    match keys::find(section, name) {
        Some(key) => error.hint(format!(
            "{} Set {name} under [{section}] in {FILE_NAME}, or the environment variable {}.",
            key.about.trim(),
            key.variable()
        )),
        None => error,
    }
}

/// Loads the configuration in the surroundings of this process. `explicit` is what `--config` names.
pub fn load_here(explicit: Option<&Path>) -> Result<Config> {
    let names: Vec<String> = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok()).collect();
    let env = |name: &str| std::env::var(name).ok();
    load(explicit, &Around { folder: Path::new(""), windows: cfg!(windows), env: &env, env_names: &names })
}

/// Loads the configuration: defaults, file, environment.
pub fn load(explicit: Option<&Path>, around: &Around<'_>) -> Result<Config> {
    let mut config = Config { file: find_file(explicit, around), ..Config::default() };
    let mut problems = Vec::new();
    if let Some(path) = config.file.clone() {
        let folder = path.parent().unwrap_or(Path::new("")).to_owned();
        let text = file::read(&path)?;
        let (entries, found) = file::parse(&text, &path);
        problems.extend(found);
        for file::Entry { key, raw, line } in entries {
            let origin = Origin::File { path: path.clone(), line };
            problems.extend(config.take(key, raw, &folder, origin).err());
        }
        // One store for one file, from whatever folder a command is started.
        if config.origin("store", "dir") == Some(&Origin::Default) {
            config.settings.store.dir = folder.join(&config.settings.store.dir);
        }
    }
    problems.sort_by_key(|problem| problem.place.as_ref().and_then(|place| place.line));
    problems.extend(environment::apply(&mut config, around));
    if problems.is_empty() {
        problems.extend(check::check(&mut config));
    }
    match together(problems) {
        Some(error) => Err(error),
        None => Ok(config),
    }
}

/// The file to read: the one named, else `groupshift.toml` here, else the one in the platform's folder.
fn find_file(explicit: Option<&Path>, around: &Around<'_>) -> Option<PathBuf> {
    if let Some(path) = explicit {
        return Some(around.folder.join(path));
    }
    // Anything of that name counts, so that one that cannot be read is an error and not passed over.
    let there = |path: &PathBuf| path.symlink_metadata().is_ok();
    let here = around.folder.join(FILE_NAME);
    if there(&here) {
        return Some(here);
    }
    platform_folder(around).map(|folder| folder.join("groupshift").join(FILE_NAME)).filter(there)
}

/// `%APPDATA%`, `$XDG_CONFIG_HOME` or `~/.config`. A relative one is not followed: it would depend on where a command
/// is started.
fn platform_folder(around: &Around<'_>) -> Option<PathBuf> {
    let folder = |name: &str| (around.env)(name).map(PathBuf::from).filter(|path| path.is_absolute());
    match around.windows {
        true => folder("APPDATA"),
        false => folder("XDG_CONFIG_HOME").or_else(|| folder("HOME").map(|home| home.join(".config"))),
    }
}

/// One error out of several: the first, with the others among its hints.
fn together(problems: Vec<Error>) -> Option<Error> {
    let mut problems = problems.into_iter();
    let first = problems.next()?;
    Some(problems.fold(first, |error, other| {
        let hints = other.hints.iter().map(|hint| format!(" {hint}")).collect::<String>();
        error.hint(format!("Also wrong: {other}.{hints}"))
    }))
}
