//! What sort of value a key takes: how it is checked, and how an error names what was expected. No message of this
//! file repeats a value that could be a secret put in the wrong place.

use crate::directory::Dn;
use crate::report::plain;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

/// The sort of a key's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Any one line of text.
    Text,
    /// An id or a domain name that becomes a part of a URL.
    Id,
    /// `ldaps://host[:port]` or `ldap://host[:port]`.
    LdapUrl,
    /// `https://host[:port][/path]`; `http://` on this machine alone.
    HttpUrl,
    /// The name of an environment variable that holds a secret.
    Variable,
    /// A path; a relative one starts at the folder of the configuration file.
    Path,
    /// A distinguished name.
    Dn,
    /// A DNS domain name.
    Domain,
    Count {
        min: u64,
        max: u64,
    },
    Bool,
    Choice(&'static [&'static str]),
    /// Texts.
    List,
}

/// A value as it came from a file or a variable, before its key's kind has looked at it.
#[derive(Debug, Clone, PartialEq)]
pub enum Raw {
    Text(String),
    /// `None` where it is beyond 128 bits.
    Integer(Option<i128>),
    Bool(bool),
    List(Vec<String>),
    /// Something no key takes, by the name of its type.
    Other(&'static str),
}

/// A checked value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    Text(String),
    Path(PathBuf),
    Count(u64),
    Bool(bool),
    List(Vec<String>),
}

impl std::fmt::Display for Value {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Value::Text(text) => f.write_str(&plain(text)),
            Value::Path(path) => f.write_str(&plain(&path.to_string_lossy())),
            Value::Count(count) => write!(f, "{count}"),
            Value::Bool(flag) => write!(f, "{flag}"),
            Value::List(items) => f.write_str(&plain(&items.join(", "))),
        }
    }
}

impl Raw {
    fn found(&self) -> String {
        match self {
            Raw::Text(_) => "a text".to_owned(),
            Raw::Integer(Some(number)) => format!("{number}"),
            Raw::Integer(None) => "a number far too large".to_owned(),
            Raw::Bool(flag) => format!("{flag}"),
            Raw::List(_) => "a list".to_owned(),
            Raw::Other(what) => (*what).to_owned(),
        }
    }
}

impl Kind {
    /// Completes "expected …".
    pub fn expected(self) -> String {
        match self {
            Kind::Text => "a line of text".to_owned(),
            Kind::Id => "an id of letters, digits, '.', '-' and '_'".to_owned(),
            Kind::LdapUrl => "a URL of the form ldaps://host[:port] or ldap://host[:port]".to_owned(),
            Kind::HttpUrl => {
                "a URL of the form https://host[:port][/path] (http:// only for this very machine)".to_owned()
            }
            Kind::Variable => "the name of an environment variable (letters, digits and '_')".to_owned(),
            Kind::Path => "the path of a file or folder".to_owned(),
            Kind::Dn => "a distinguished name such as \"OU=Groups,DC=contoso,DC=com\"".to_owned(),
            Kind::Domain => "a DNS domain name such as \"contoso.com\"".to_owned(),
            Kind::Count { min, max: u64::MAX } => format!("a whole number of at least {min}"),
            Kind::Count { min, max } => format!("a whole number from {min} to {max}"),
            Kind::Bool => "true or false".to_owned(),
            Kind::Choice(names) => format!("one of {}", quoted(names)),
            Kind::List => "a list of texts, such as [\"one\", \"two\"]".to_owned(),
        }
    }

    /// The text of an environment variable as a value of this kind would stand in the file. List items are separated
    /// by commas.
    pub fn raw_from_variable(self, text: &str) -> Raw {
        match self {
            Kind::Count { .. } => match text.trim().parse::<i128>() {
                Ok(number) => Raw::Integer(Some(number)),
                Err(_) => Raw::Text(text.to_owned()),
            },
            Kind::Bool => match text.trim() {
                "true" => Raw::Bool(true),
                "false" => Raw::Bool(false),
                _ => Raw::Text(text.to_owned()),
            },
            Kind::List => {
                Raw::List(text.split(',').map(str::trim).filter(|item| !item.is_empty()).map(str::to_owned).collect())
            }
            _ => Raw::Text(text.to_owned()),
        }
    }

    /// Checks a value; the error is what was expected and what stands there. `folder` is what relative paths start at.
    pub fn check(self, raw: Raw, folder: &Path) -> Result<Value, String> {
        let wrong = |found: &str| Err(format!("expected {}, found {found}", self.expected()));
        match (self, raw) {
            (Kind::Count { min, max }, Raw::Integer(Some(number))) => match u64::try_from(number) {
                Ok(count) if (min..=max).contains(&count) => Ok(Value::Count(count)),
                _ => wrong(&number.to_string()),
            },
            (Kind::Bool, Raw::Bool(flag)) => Ok(Value::Bool(flag)),
            (Kind::List, Raw::List(items)) => match items.iter().find(|i| i.trim().is_empty() || has_control(i)) {
                Some(_) => wrong("an empty item, or one with a control character"),
                None => Ok(Value::List(items)),
            },
            (Kind::Count { .. } | Kind::Bool | Kind::List, raw) => wrong(&raw.found()),
            (_, Raw::Text(text)) => self.check_text(text, folder),
            (_, raw) => wrong(&raw.found()),
        }
    }

    fn check_text(self, text: String, folder: &Path) -> Result<Value, String> {
        let wrong = |found: &str| Err(format!("expected {}, found {found}", self.expected()));
        if self == Kind::Path && (text.contains('\n') || text.starts_with("-----BEGIN")) {
            return wrong("what looks like the content of a file");
        }
        if text.trim().is_empty() {
            return wrong("an empty text");
        }
        if has_control(&text) {
            return wrong("a text with a control character");
        }
        if text.trim() != text {
            return wrong("a text that starts or ends with a blank");
        }
        match self {
            Kind::Choice(names) => match names.contains(&text.as_str()) {
                true => Ok(Value::Text(text)),
                false => wrong(&format!("\"{}\"", shortened(&text))),
            },
            Kind::Id if !text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_')) => {
                wrong("another character")
            }
            Kind::LdapUrl => match Url::parse(&text, &["ldaps", "ldap"]) {
                Err(why) => wrong(why),
                Ok(url) if !matches!(url.rest, "" | "/") => wrong("more after the host"),
                Ok(_) => Ok(Value::Text(text)),
            },
            Kind::HttpUrl => match Url::parse(&text, &["https", "http"]) {
                Err(why) => wrong(why),
                Ok(url) if url.rest.contains(['?', '#']) => wrong("a query or fragment after the path"),
                Ok(url) if url.scheme == "http" && !url.is_loopback() => {
                    wrong("http:// to another machine, which would carry credentials in the clear")
                }
                Ok(_) => Ok(Value::Text(text)),
            },
            Kind::Variable if !is_variable_name(&text) => {
                wrong("something else (a secret itself never stands in this file)")
            }
            Kind::Path if text == "~" || text.starts_with("~/") || text.starts_with("~\\") => {
                wrong("\"~\", which is not expanded here: write the whole path")
            }
            Kind::Path => Ok(Value::Path(folder.join(text))),
            Kind::Dn => match Dn::parse(&text) {
                Ok(dn) if dn.rdns().is_empty() => wrong("an empty name"),
                Ok(_) => Ok(Value::Text(text)),
                Err(error) => wrong(&format!("a text that is {error}")),
            },
            Kind::Domain if !is_host_name(&text) || text.parse::<IpAddr>().is_ok() => wrong("another text"),
            _ => Ok(Value::Text(text)),
        }
    }
}

/// `"a", "b", "c"`.
pub fn quoted(names: &[&str]) -> String {
    names.iter().map(|name| format!("\"{name}\"")).collect::<Vec<_>>().join(", ")
}

/// A user's word as an error may show it: harmless to a terminal, and not longer than a line bears.
pub fn shortened(text: &str) -> String {
    let short: String = text.chars().take(40).collect();
    let dots = if short.len() < text.len() { "…" } else { "" };
    format!("{}{dots}", plain(&short))
}

fn has_control(text: &str) -> bool {
    text.chars().any(char::is_control)
}

fn is_variable_name(text: &str) -> bool {
    text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') && !text.starts_with(|c: char| c.is_ascii_digit())
}

fn is_host_name(text: &str) -> bool {
    text.len() <= 253
        && text.split('.').all(|label| {
            !label.is_empty()
                && label.len() <= 63
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '_'))
        })
}

/// The parts of a URL that the checks look at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Url<'t> {
    /// As `schemes` spells it.
    pub scheme: &'static str,
    pub host: &'t str,
    pub port: Option<u16>,
    /// Path, query and fragment.
    pub rest: &'t str,
}

impl<'t> Url<'t> {
    /// The error says what stands there, and never repeats it: a URL may hold a password.
    pub fn parse(text: &'t str, schemes: &[&'static str]) -> Result<Self, &'static str> {
        if text.chars().any(|c| c.is_whitespace() || c.is_control()) {
            return Err("a text with a blank in it");
        }
        let (scheme, rest) = text.split_once("://").ok_or("a text without \"://\"")?;
        let scheme =
            schemes.iter().find(|known| known.eq_ignore_ascii_case(scheme)).ok_or("a URL of another scheme")?;
        let (authority, rest) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
        if authority.contains('@') {
            return Err("a URL with a user name or password in it");
        }
        let (host, port) = match authority.strip_prefix('[') {
            Some(inner) => {
                let (host, port) = inner.split_once(']').ok_or("an IPv6 address without its \"]\"")?;
                host.parse::<std::net::Ipv6Addr>().map_err(|_| "a host that is no IPv6 address")?;
                (host, port)
            }
            None => {
                let (host, port) = authority.split_at(authority.find(':').unwrap_or(authority.len()));
                match is_host_name(host.strip_suffix('.').unwrap_or(host)) {
                    true => (host, port),
                    false => return Err("a URL without a valid host name"),
                }
            }
        };
        let port = match port.strip_prefix(':') {
            None if port.is_empty() => None,
            Some(digits) if digits.bytes().all(|b| b.is_ascii_digit()) => match digits.parse::<u16>() {
                Ok(port) if port > 0 => Some(port),
                _ => return Err("a port that is not 1 to 65535"),
            },
            _ => return Err("a port that is no number"),
        };
        Ok(Url { scheme, host, port, rest })
    }

    pub fn is_loopback(&self) -> bool {
        self.host.eq_ignore_ascii_case("localhost")
            || self.host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(kind: Kind, text: &str) -> Result<Value, String> {
        kind.check(Raw::Text(text.to_owned()), Path::new("etc"))
    }

    #[test]
    fn texts() {
        for (kind, good, bad) in [
            (Kind::Text, &["svc@contoso.com", "CONTOSO\\a$", "ä ö"][..], &["", " ", " a", "a ", "a\tb", "a\nb"][..]),
            (
                Kind::Id,
                &["0a1b-2", "contoso.onmicrosoft.com", "a_b"],
                &["a/b", "a b", "ä", "", "00000000-0000/../x", "a?b"],
            ),
            (
                Kind::LdapUrl,
                &[
                    "ldaps://dc1.contoso.com",
                    "LDAPS://dc1:636/",
                    "ldap://127.0.0.2:389",
                    "ldaps://[::1]:636",
                    "ldap://a.",
                ],
                &[
                    "dc1",
                    "http://dc1",
                    "ldaps://",
                    "ldaps:///",
                    "ldaps://dc1:0",
                    "ldaps://dc1:65536",
                    "ldaps://dc1:x",
                    "ldaps://u:p@dc1",
                    "ldaps://dc1/DC=x",
                    "ldaps://dc1?x",
                    "ldaps://[::1",
                    "ldaps://[zz]",
                    "ldaps://dc 1",
                    "ldaps://-dc",
                    "ldaps://dc1,dc2",
                    "ldaps://dc1:",
                    "ldaps://dc1:+1",
                    "ldaps://[::1]636",
                ],
            ),
            (
                Kind::HttpUrl,
                &[
                    "https://graph.example/x",
                    "http://127.0.0.1:8080",
                    "http://localhost",
                    "http://[::1]:1/a",
                    "https://h/",
                ],
                &[
                    "http://graph.example",
                    "https://h?x=1",
                    "https://h/#x",
                    "ftp://h",
                    "https://u@h",
                    "http://127.0.0.1.example.com",
                ],
            ),
            (Kind::Variable, &["A", "_a1", "GROUPSHIFT_AD_PASSWORD"], &["1A", "a-b", "hunter2!", "a b", "ä", "A=B"]),
            (Kind::Path, &["a.pem", "../x", "C:\\x"], &["", "~/x", "~", "-----BEGIN CERTIFICATE", "a\nb"]),
            (Kind::Dn, &["OU=A,DC=b", "CN=a\\,b"], &["contoso", "OU=A,", "OU"]),
            (Kind::Domain, &["contoso.com", "a"], &["", "a..b", "-a", "a/b", ".", "10.0.0.1", "a b"]),
            (Kind::Choice(&["one", "two"]), &["one", "two"], &["One", "", "three"]),
        ] {
            for text in good {
                assert!(check(kind, text).is_ok(), "{kind:?} {text:?}: {:?}", check(kind, text));
            }
            for text in bad {
                let error = check(kind, text).expect_err(text);
                assert!(error.starts_with(&format!("expected {}, found ", kind.expected())), "{error}");
            }
        }
    }

    #[test]
    fn types() {
        let count = Kind::Count { min: 1, max: 16 };
        for (kind, raw, want) in [
            (count, Raw::Integer(Some(16)), Ok(Value::Count(16))),
            (count, Raw::Integer(Some(0)), Err("expected a whole number from 1 to 16, found 0")),
            (count, Raw::Integer(Some(-1)), Err("expected a whole number from 1 to 16, found -1")),
            (count, Raw::Integer(None), Err("expected a whole number from 1 to 16, found a number far too large")),
            (count, Raw::Text("4".into()), Err("expected a whole number from 1 to 16, found a text")),
            (
                count,
                Raw::Other("a decimal number"),
                Err("expected a whole number from 1 to 16, found a decimal number"),
            ),
            (Kind::Bool, Raw::Bool(true), Ok(Value::Bool(true))),
            (Kind::Bool, Raw::Text("true".into()), Err("expected true or false, found a text")),
            (Kind::Text, Raw::Bool(true), Err("expected a line of text, found true")),
            (Kind::Text, Raw::Integer(Some(3)), Err("expected a line of text, found 3")),
            (Kind::List, Raw::List(vec!["a".into()]), Ok(Value::List(vec!["a".into()]))),
            (Kind::Choice(&["a", "b"]), Raw::Text("c".into()), Err("expected one of \"a\", \"b\", found \"c\"")),
        ] {
            assert_eq!(kind.check(raw.clone(), Path::new("")), want.map_err(str::to_owned), "{kind:?} {raw:?}");
        }
        assert!(Kind::List.check(Raw::List(vec![" ".into()]), Path::new("")).is_err());
    }

    #[test]
    fn variables() {
        let count = Kind::Count { min: 1, max: u64::MAX };
        for (kind, text, want) in [
            (count, " 7 ", Raw::Integer(Some(7))),
            (count, "seven", Raw::Text("seven".into())),
            (Kind::Bool, "true", Raw::Bool(true)),
            (Kind::Bool, "yes", Raw::Text("yes".into())),
            (Kind::List, "a, CONTOSO\\b$ ,,", Raw::List(vec!["a".into(), "CONTOSO\\b$".into()])),
            (Kind::Text, "7", Raw::Text("7".into())),
        ] {
            assert_eq!(kind.raw_from_variable(text), want, "{text}");
        }
    }

    #[test]
    fn relative_paths_start_at_the_folder() {
        assert_eq!(check(Kind::Path, "a.pem"), Ok(Value::Path(Path::new("etc").join("a.pem"))));
    }

    #[test]
    fn a_misplaced_secret_is_not_repeated() {
        for (kind, text) in [
            (Kind::LdapUrl, "ldaps://svc:hunter2@dc1"),
            (Kind::HttpUrl, "https://svc:hunter2@proxy"),
            (Kind::Variable, "hunter2!"),
            (Kind::Path, "-----BEGIN PRIVATE KEY-----\nhunter2"),
            (Kind::Id, "hunter2 x"),
            (Kind::Bool, "hunter2"),
        ] {
            let error = check(kind, text).expect_err(text);
            assert!(!error.contains("hunter2"), "{error}");
        }
    }
}
