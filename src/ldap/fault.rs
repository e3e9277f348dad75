//! What went wrong on the wire: its kind for the program, its words for the administrator.

use super::diagnostic;
use crate::error::{Error, Place};
use crate::report::plain;
use crate::tls;
use ldap3::{LdapError, LdapResult};
use std::fmt;
use std::time::Duration;

/// What sort of failure; decides whether to try again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultKind {
    /// The server cannot be reached: name, network, port.
    Unreachable,
    /// The connection broke off.
    ConnectionLost,
    /// No answer in time.
    Timeout,
    /// The server asks to come back later.
    Busy,
    /// No trust could be established.
    Tls,
    /// The account was refused.
    Credentials,
    /// The server wants TLS, signing or another way to sign in.
    StrongAuth,
    AccessDenied,
    NoSuchObject,
    /// A size, time or administrative limit.
    Limit,
    Referral,
    /// A control or a mechanism that the server lacks.
    Unsupported,
    /// The object is not what the operation took it for: a guarded write that found another value.
    Guard,
    /// The schema or the group rules forbid it.
    Schema,
    /// The answer is no valid LDAP, or breaks the protocol.
    Protocol,
    Other,
}

/// A failed operation.
#[derive(Debug, Clone)]
pub struct Fault {
    pub kind: FaultKind,
    /// LDAP result code, where the server answered.
    pub code: Option<u32>,
    /// In an administrator's words.
    pub words: String,
    /// What the server itself said.
    pub server_said: String,
    /// What was tried, as in "search" or "sign in as …".
    pub doing: String,
    /// The server's address.
    pub server: String,
    /// The object it was about.
    pub object: Option<String>,
    pub hint: Option<String>,
    /// The request never left this program: whatever it asked for was not done.
    pub unsent: bool,
}

impl Fault {
    pub(super) fn new(kind: FaultKind, doing: impl Into<String>, words: impl Into<String>) -> Self {
        Fault {
            kind,
            code: None,
            words: words.into(),
            server_said: String::new(),
            doing: doing.into(),
            server: String::new(),
            object: None,
            hint: None,
            unsent: false,
        }
    }

    pub(super) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    pub(super) fn at(mut self, server: &str) -> Self {
        self.server = server.to_owned();
        self
    }

    pub(super) fn about(mut self, object: &str) -> Self {
        self.object = (!object.is_empty()).then(|| object.to_owned());
        self
    }

    pub(super) fn timeout(doing: &str, after: Duration) -> Self {
        Fault::new(FaultKind::Timeout, doing, format!("no answer within {} s", after.as_secs_f32())).hint(
            "The server is overloaded or a firewall drops the connection; try again, or use another domain controller.",
        )
    }

    pub(super) fn malformed(doing: &str) -> Self {
        Fault::new(FaultKind::Protocol, doing, "the server's answer is not valid LDAP").hint(
            "Make sure that the address is that of a domain controller and that nothing between changes the traffic.",
        )
    }

    /// From a result other than success.
    pub(super) fn result(doing: &str, result: &LdapResult) -> Self {
        let said = result.text.trim_end_matches('\0').trim();
        let mut fault = match diagnostic::of(result.rc, said) {
            Some(meaning) => {
                let fault = Fault::new(meaning.kind, doing, meaning.words);
                if meaning.hint.is_empty() { fault } else { fault.hint(meaning.hint) }
            }
            None => Fault::new(FaultKind::Other, doing, "the server refused"),
        };
        fault.code = Some(result.rc);
        said.clone_into(&mut fault.server_said);
        if fault.kind == FaultKind::Referral && !result.refs.is_empty() {
            fault.hint = Some(format!("The server refers to {}.", result.refs.join(", ")));
        }
        fault
    }

    /// From an error of the client library.
    pub(super) fn library(doing: &str, error: LdapError, waited: Duration) -> Self {
        match error {
            LdapError::Timeout { .. } => Fault::timeout(doing, waited),
            LdapError::LdapResult { result } => Fault::result(doing, &result),
            LdapError::FilterParsing => Fault::filter(doing),
            // The task that writes the socket had ended before it was handed this.
            LdapError::OpSend { .. } => Fault { unsent: true, ..Fault::lost(doing) },
            LdapError::EndOfStream
            | LdapError::ResultRecv { .. }
            | LdapError::IdScrubSend { .. }
            | LdapError::MiscSend { .. } => Fault::lost(doing),
            LdapError::Io { source } => Fault::stream(doing, &source),
            LdapError::Rustls { source } => {
                let (words, hint) = tls::explain(&source);
                Fault::new(FaultKind::Tls, doing, words).hint(hint)
            }
            LdapError::DNSName { .. } => Fault::no_tls_name(doing),
            other => Fault::new(FaultKind::Other, doing, other.to_string()),
        }
    }

    pub(super) fn filter(doing: &str) -> Self {
        Fault::new(FaultKind::Protocol, doing, "the search filter is not valid")
    }

    pub(super) fn no_tls_name(doing: &str) -> Self {
        Fault::new(FaultKind::Tls, doing, "the server's name cannot stand in a certificate")
            .hint("Use the domain controller's full DNS name in [ad] url.")
    }

    /// A failed reading or writing, over TLS or not.
    pub(super) fn stream(doing: &str, error: &std::io::Error) -> Self {
        tls::of_io(error)
            .map(|(words, hint)| Fault::new(FaultKind::Tls, doing, words).hint(hint))
            .unwrap_or_else(|| Fault::io(doing, error))
    }

    /// An answer that is LDAP and yet makes no sense.
    pub fn odd(dn: &str, what: &str) -> Self {
        Fault::new(FaultKind::Protocol, "search", format!("the server answered with {what}")).about(dn)
    }

    /// The connection broke off.
    pub(super) fn lost(doing: &str) -> Self {
        Fault::new(FaultKind::ConnectionLost, doing, "the connection was lost")
            .hint("The server closed it (a restart, an idle or connection limit), or the network broke; try again.")
    }

    pub(super) fn io(doing: &str, error: &std::io::Error) -> Self {
        use std::io::ErrorKind;
        let (kind, words, hint) = match error.kind() {
            ErrorKind::ConnectionRefused => (
                FaultKind::Unreachable,
                "the connection was refused: nothing listens on that port".to_owned(),
                "Check [ad] url: 636 is ldaps://, 389 is ldap://, 3269 and 3268 are the Global Catalog.",
            ),
            ErrorKind::TimedOut => {
                (FaultKind::Timeout, "no answer in time".to_owned(), "A firewall may drop the connection.")
            }
            ErrorKind::ConnectionReset
            | ErrorKind::ConnectionAborted
            | ErrorKind::BrokenPipe
            | ErrorKind::UnexpectedEof
            | ErrorKind::NotConnected => return Fault::lost(doing),
            ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable => (
                FaultKind::Unreachable,
                format!("the server cannot be reached: {error}"),
                "Check the network between here and the domain controller.",
            ),
            _ => (FaultKind::ConnectionLost, format!("the connection failed: {error}"), "Try again."),
        };
        Fault::new(kind, doing, words).hint(hint)
    }

    /// Whether a new connection may do what this one could not.
    pub fn is_connection_lost(&self) -> bool {
        matches!(self.kind, FaultKind::ConnectionLost | FaultKind::Timeout)
    }

    /// Whether the same request may succeed after a while.
    pub fn is_busy(&self) -> bool {
        self.kind == FaultKind::Busy
    }

    /// Whether the object is simply not there (or hidden from the account).
    pub fn is_missing(&self) -> bool {
        self.kind == FaultKind::NoSuchObject
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.server.is_empty() {
            write!(f, "{}: ", plain(&self.server))?;
        }
        write!(f, "cannot {}: {}", plain(&self.doing), plain(&self.words))?;
        match (self.code, self.server_said.is_empty()) {
            (Some(code), false) => write!(f, " (LDAP result {code}: {})", plain(&self.server_said)),
            (Some(code), true) => write!(f, " (LDAP result {code})"),
            (None, _) => Ok(()),
        }
    }
}

impl std::error::Error for Fault {}

impl From<Fault> for Error {
    fn from(fault: Fault) -> Error {
        let mut error = Error::failed(fault.to_string());
        if let Some(object) = &fault.object {
            error = error.at(Place::default().object(object));
        }
        match &fault.hint {
            Some(hint) => error.hint(hint.clone()),
            None => error,
        }
    }
}
