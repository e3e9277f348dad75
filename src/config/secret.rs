//! Secrets are fetched when they are needed, from the variable or file that the configuration names, else from a prompt
//! on a terminal. They live in memory only, in a type that does not print itself.

use super::{Config, Secret, SecretSource};
use crate::error::{Error, Place, Result};
use secrecy::SecretString;
use std::io::IsTerminal;
use std::path::Path;

impl Secret {
    /// What to call it, and the keys of the configuration that say where it is.
    fn words(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Secret::AdPassword => ("password of the AD account", "[ad] password_env", "[ad] password_file"),
            Secret::ClientSecret => {
                ("client secret of the application", "[entra] client_secret_env", "[entra] client_secret_file")
            }
            Secret::GraphToken => ("access token for Microsoft Graph", "[entra] token_env", "[entra] token_file"),
        }
    }
}

impl Config {
    /// The secret itself: from its variable or file, else from a prompt, for which `whose` says whose it is.
    pub fn fetch(&self, secret: Secret, whose: &str) -> Result<SecretString> {
        self.fetch_from(secret, &|name| std::env::var(name).ok(), &mut || {
            let terminal = std::io::stdin().is_terminal();
            terminal.then(|| {
                rpassword::prompt_password(format!("{} {}: ", title(secret.words().0), crate::report::plain(whose)))
            })
        })
    }

    fn fetch_from(
        &self,
        secret: Secret,
        variable: &dyn Fn(&str) -> Option<String>,
        prompt: &mut dyn FnMut() -> Option<std::io::Result<String>>,
    ) -> Result<SecretString> {
        let (what, env_key, file_key) = secret.words();
        let name = match self.secret(secret) {
            SecretSource::File(path) => return from_file(path, what),
            SecretSource::Variable(name) => name,
        };
        if let Some(value) = variable(name) {
            return match value.is_empty() {
                false => Ok(SecretString::from(value)),
                true => Err(Error::usage(format!("the {what} is empty")).at(Place::default().object(name))),
            };
        }
        match prompt() {
            Some(Ok(value)) if !value.is_empty() => Ok(SecretString::from(value)),
            Some(Ok(_)) => Err(Error::usage(format!("no {what} was typed"))),
            Some(Err(e)) => Err(Error::failed(format!("the {what} could not be read from the terminal: {e}"))),
            None => Err(Error::usage(format!("the {what} is needed, and nobody is at the terminal to type it"))
                .hint(format!("Set the environment variable {name} ({env_key} names another)."))
                .hint(format!("Or name a file that holds it and nothing else: {file_key}."))),
        }
    }
}

fn title(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}

/// The file's text without a byte order mark and without the line's end that editors leave.
fn from_file(path: &Path, what: &str) -> Result<SecretString> {
    let bytes = std::fs::read(path).map_err(|e| Error::io(&format!("read the {what}"), path, e))?;
    let text = std::str::from_utf8(bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(&bytes)).map_err(|_| {
        Error::input(Place::file(path), format!("the {what} is not UTF-8 text")).hint("Save the file as UTF-8.")
    })?;
    let value = text.strip_suffix('\n').map_or(text, |t| t.strip_suffix('\r').unwrap_or(t));
    if value.is_empty() || value.contains(['\n', '\r', '\0']) {
        let wrong = if value.is_empty() { "the file is empty" } else { "the file has more than one line" };
        return Err(Error::input(Place::file(path), format!("{wrong}; it has to hold the {what} and nothing else")));
    }
    Ok(SecretString::from(value.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use secrecy::ExposeSecret;

    fn nobody() -> Option<std::io::Result<String>> {
        None
    }

    #[test]
    fn files_may_end_as_editors_end_them() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("password");
        let mut config = Config::default();
        config.settings.ad.password_file = Some(path.clone());
        for text in ["pass wörd", "pass wörd\n", "pass wörd\r\n", "\u{feff}pass wörd\r\n"] {
            std::fs::write(&path, text).unwrap();
            let secret = config.fetch_from(Secret::AdPassword, &|_| None, &mut nobody).unwrap();
            assert_eq!(secret.expose_secret(), "pass wörd", "{text:?}");
        }
        for text in ["", "\n", "hunter2\ntwo\n", "a\0b"] {
            std::fs::write(&path, text).unwrap();
            let error = config.fetch_from(Secret::AdPassword, &|_| None, &mut nobody).unwrap_err();
            assert!(error.to_string().contains("nothing else"), "{text:?}: {error}");
            assert!(!error.to_string().contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn the_variable_goes_before_the_prompt_and_nobody_is_asked_without_a_terminal() {
        let config = Config::default();
        let from = |value: Option<&str>, typed: Option<&str>| {
            config.fetch_from(
                Secret::ClientSecret,
                &|name| (name == "GROUPSHIFT_CLIENT_SECRET").then(|| value.map(str::to_owned)).flatten(),
                &mut || typed.map(|t| Ok(t.to_owned())),
            )
        };
        assert_eq!(from(Some("a"), Some("b")).unwrap().expose_secret(), "a");
        assert_eq!(from(None, Some("b")).unwrap().expose_secret(), "b");
        assert!(from(Some(""), Some("b")).is_err());
        assert!(from(None, Some("")).is_err());
        let error = from(None, None).unwrap_err();
        assert_eq!(error.exit_code(), 2);
        assert!(error.hints[0].contains("GROUPSHIFT_CLIENT_SECRET"), "{:?}", error.hints);
    }
}
