//! The mapping language of a synchronization schema: text to tree (`lexer`, `parser`), tree and attributes to an
//! outcome (`eval`, `functions`).
//!
//! Where the documentation leaves a rule open, the evaluator computes every reading of it, each consistently through
//! the whole expression. If all readings give the same, that is a plain value; else the outcome is `Unknown` and lists
//! what could come. So a plain value never rests on a guess.

pub mod ast;
pub mod catalog;
mod eval;
mod functions;
mod lexer;
mod parser;
mod pattern;
pub mod settled;
mod value;

#[cfg(test)]
mod tests;

pub use ast::{Node, Note};
pub(crate) use eval::{Evaluated, evaluate_full};
pub use lexer::MAX_CHARACTERS;
pub use parser::MAX_DEPTH;
pub use pattern::Pattern;
pub use settled::Settled;
pub use value::Value;

use std::collections::HashMap;

/// Why a text is no expression, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("column {column}: {message}")]
pub struct ParseError {
    /// 1-based, in characters.
    pub column: usize,
    pub message: String,
}

/// A parsed expression: immutable, shared between threads.
#[derive(Debug, Clone)]
pub struct Expr {
    root: Node,
    notes: Vec<Note>,
}

impl Expr {
    pub fn root(&self) -> &Node {
        &self.root
    }
    /// What is odd about the expression though it parses: deviating spellings, undocumented functions, known faults.
    pub fn notes(&self) -> &[Note] {
        &self.notes
    }
    /// The attributes that the expression uses, each once, in order of appearance.
    pub fn attributes(&self) -> Vec<String> {
        let mut out = Vec::new();
        self.root.attributes(&mut out);
        out
    }
    pub(crate) fn from_node(root: Node) -> Self {
        Expr { root, notes: Vec::new() }
    }
}

/// What an expression gives for one object.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    Value(Value),
    /// The attribute leaves the flow: nothing is written.
    Drop,
    /// The object fails with this text.
    Error(String),
    /// The documentation or the input leaves open what comes. The candidates are the readings that give a value; there
    /// may be others (an error, no change), as the reason says.
    Unknown {
        candidates: Vec<Value>,
        reason: String,
    },
}

impl Outcome {
    pub fn unknown(reason: impl Into<String>) -> Self {
        Outcome::Unknown { candidates: Vec::new(), reason: reason.into() }
    }
    /// The plain value, where there is one.
    pub fn value(&self) -> Option<&Value> {
        match self {
            Outcome::Value(value) => Some(value),
            _ => None,
        }
    }
    /// The text of the plain value, where there is one.
    pub fn text(&self) -> Option<std::borrow::Cow<'_, str>> {
        self.value().and_then(Value::as_text)
    }
}

/// What the input says about an attribute.
#[derive(Debug, Clone, PartialEq)]
pub enum Attr {
    Value(Value),
    /// Known to have no value: Null.
    Absent,
    /// The input does not tell; the reason says why.
    Unknown(String),
}

/// The source object. Names resolve exactly, then without regard to case.
pub trait Attributes {
    fn get(&self, name: &str) -> Attr;
    /// A fact of the service rather than of the object: `DomainFQDN` for `%DomainFQDN%`, `DefaultDomain` for
    /// `DefaultDomain()`.
    fn service(&self, name: &str) -> Attr {
        Attr::Unknown(format!("{name} is not in the input"))
    }
    /// Points of the language that the tenant's own evaluator has settled.
    fn settled(&self) -> Option<&Settled> {
        None
    }
}

/// The plainest source object: a table. What is not in it is known to be absent.
impl<S: std::hash::BuildHasher> Attributes for HashMap<String, Value, S> {
    fn get(&self, name: &str) -> Attr {
        let hit = self.get(name).or_else(|| self.iter().find(|(k, _)| k.eq_ignore_ascii_case(name)).map(|(_, v)| v));
        match hit {
            None | Some(Value::Null) => Attr::Absent,
            Some(value) => Attr::Value(value.clone()),
        }
    }
}

/// Reads an expression.
pub fn parse(text: &str) -> Result<Expr, ParseError> {
    let (root, notes) = parser::parse(text)?;
    Ok(Expr { root, notes })
}

/// What the expression gives for an object.
pub fn evaluate(expr: &Expr, attrs: &dyn Attributes) -> Outcome {
    evaluate_full(expr, attrs).outcome
}
