//! The effective configuration as rows, for `groupshift config show`. Of a secret only the name of its variable or file
//! is shown, and whether the variable is set.

use super::{Config, KEYS, Kind, Origin, Value};
use schemars::JsonSchema;
use serde::Serialize;

/// What `config show --format json` prints.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Shown {
    /// The file that was read, if any.
    pub file: Option<String>,
    pub settings: Vec<Row>,
    pub warnings: Vec<String>,
}

/// One key.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Row {
    /// `ad.url`.
    pub key: String,
    /// The variable that overrides it.
    pub variable: String,
    /// Null where nothing is set.
    pub value: serde_json::Value,
    /// `default`, `file` or `environment`.
    pub origin: String,
    /// Where exactly: file and line, or the variable.
    pub from: Option<String>,
    /// For a key that names a secret's variable: whether that variable is set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret_is_set: Option<bool>,
    /// The value as text output shows it.
    #[serde(skip)]
    pub text: String,
}

/// Every key with its value and where that came from, in the order of the file's sections.
pub fn show(config: &Config) -> Shown {
    Shown {
        file: config.file.as_ref().map(|path| path.to_string_lossy().into_owned()),
        settings: KEYS.iter().zip(&config.origins).map(|(key, origin)| row(config, key, origin)).collect(),
        warnings: config.warnings.clone(),
    }
}

fn row(config: &Config, key: &super::Key, origin: &Origin) -> Row {
    let value = (key.get)(&config.settings);
    let mut text = value.as_ref().map_or("(not set)".to_owned(), Value::to_string);
    let mut json = value.as_ref().map_or(serde_json::Value::Null, json);
    let mut secret_is_set = None;
    if let (Kind::Variable, Some(Value::Text(name))) = (key.kind, &value) {
        let set = config.variables_set.contains(name);
        secret_is_set = Some(set);
        // No variable of that name, and not the usual spelling of one: perhaps it is the secret itself.
        if !set && name.chars().any(|c| c.is_ascii_lowercase()) {
            text = "(hidden: no variable of that name is set)".to_owned();
            json = serde_json::Value::Null;
        } else {
            text.push_str(if set { " (set)" } else { " (not set)" });
        }
    }
    let (word, from) = match origin {
        Origin::Default => ("default", None),
        Origin::File { .. } => ("file", Some(origin.to_string())),
        Origin::Env(name) => ("environment", Some(name.clone())),
    };
    Row { key: key.path(), variable: key.variable(), value: json, origin: word.to_owned(), from, secret_is_set, text }
}

pub(super) fn json(value: &Value) -> serde_json::Value {
    match value {
        Value::Text(text) => text.clone().into(),
        Value::Path(path) => path.to_string_lossy().into_owned().into(),
        Value::Count(count) => (*count).into(),
        Value::Bool(flag) => (*flag).into(),
        Value::List(items) => items.clone().into(),
    }
}

impl Shown {
    /// Rows of three columns (key, value, origin) under their headings, aligned with blanks.
    pub fn table(&self) -> String {
        let width = |column: fn(&Row) -> usize| self.settings.iter().map(column).max().unwrap_or(0);
        let (keys, texts) = (width(|r| r.key.chars().count()), width(|r| r.text.chars().count()).min(60));
        let mut out = String::new();
        for row in &self.settings {
            let from = row.from.as_deref().unwrap_or(&row.origin);
            let line = format!("{:keys$}  {:texts$}  {from}", row.key, row.text);
            out.push_str(line.trim_end());
            out.push('\n');
        }
        out
    }
}
