//! What went wrong, to which object, and what to do next. One error type for the whole house: the kind decides the
//! exit code, the place says where in the input, the hints say what to do.

use std::fmt;
use std::path::{Path, PathBuf};

/// Documented exit codes (contract: 0 done, 1 failed, 2 usage, 3 findings, 4 gate, 5 drift, 130 interrupted).
pub mod exit {
    /// Done, and nothing at or above `--fail-on`.
    pub const DONE: u8 = 0;
    /// Failed.
    pub const FAILED: u8 = 1;
    /// Bad usage or configuration.
    pub const USAGE: u8 = 2;
    /// Done, with findings at or above `--fail-on`.
    pub const FINDINGS: u8 = 3;
    /// Stopped at a gate that an operator must pass.
    pub const GATE: u8 = 4;
    /// Stopped because the live state is not what the plan or the prediction says.
    pub const DRIFT: u8 = 5;
    /// Interrupted, state safe.
    pub const INTERRUPTED: u8 = 130;
}

pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What sort of trouble; decides the exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The command line or the configuration is wrong.
    Usage,
    /// An input file is wrong.
    Input,
    /// The surroundings failed: a file cannot be read or written, a server cannot be reached.
    Failed,
}

/// Where in the input the trouble is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Place {
    pub file: Option<PathBuf>,
    pub line: Option<u64>,
    pub column: Option<u64>,
    /// The object or element: a distinguished name, an id, an XML element path.
    pub object: Option<String>,
}

impl Place {
    pub fn file(path: impl Into<PathBuf>) -> Self {
        Place { file: Some(path.into()), ..Place::default() }
    }
    pub fn line(mut self, line: u64) -> Self {
        self.line = Some(line);
        self
    }
    pub fn column(mut self, column: u64) -> Self {
        self.column = Some(column);
        self
    }
    pub fn object(mut self, object: impl Into<String>) -> Self {
        self.object = Some(object.into());
        self
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut sep = "";
        if let Some(file) = &self.file {
            write!(f, "{}", file.display())?;
            if let Some(line) = self.line {
                write!(f, ":{line}")?;
                if let Some(column) = self.column {
                    write!(f, ":{column}")?;
                }
            }
            sep = ": ";
        } else if let Some(column) = self.column {
            write!(f, "column {column}")?;
            sep = ": ";
        }
        if let Some(object) = self.object.as_ref().filter(|o| !o.is_empty()) {
            write!(f, "{sep}{}", crate::report::plain(object))?;
        }
        Ok(())
    }
}

#[derive(Debug, thiserror::Error)]
#[error("{}{message}", place_prefix(.place))]
pub struct Error {
    pub kind: Kind,
    pub message: String,
    pub place: Option<Box<Place>>,
    /// What to do next, one sentence each.
    pub hints: Vec<String>,
    #[source]
    pub source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

fn place_prefix(place: &Option<Box<Place>>) -> String {
    match place {
        Some(place) => format!("{place}: "),
        None => String::new(),
    }
}

impl Error {
    fn new(kind: Kind, message: impl Into<String>) -> Self {
        Error { kind, message: message.into(), place: None, hints: Vec::new(), source: None }
    }
    /// The command line or the configuration is wrong (exit code 2).
    pub fn usage(message: impl Into<String>) -> Self {
        Self::new(Kind::Usage, message)
    }
    /// An input file is wrong (exit code 1).
    pub fn input(place: Place, message: impl Into<String>) -> Self {
        Self::new(Kind::Input, message).at(place)
    }
    /// The surroundings failed (exit code 1).
    pub fn failed(message: impl Into<String>) -> Self {
        Self::new(Kind::Failed, message)
    }
    /// A file could not be read or written; `doing` completes "cannot …".
    pub fn io(doing: &str, path: &Path, source: std::io::Error) -> Self {
        let mut error = Self::new(Kind::Failed, format!("cannot {doing}: {source}")).at(Place::file(path));
        error.source = Some(Box::new(source));
        error
    }
    pub fn at(mut self, place: Place) -> Self {
        self.place = Some(Box::new(place));
        self
    }
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }
    pub fn source(mut self, source: impl std::error::Error + Send + Sync + 'static) -> Self {
        self.source = Some(Box::new(source));
        self
    }
    pub fn exit_code(&self) -> u8 {
        match self.kind {
            Kind::Usage => exit::USAGE,
            Kind::Input | Kind::Failed => exit::FAILED,
        }
    }
}
