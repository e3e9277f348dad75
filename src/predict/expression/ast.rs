//! What a parsed expression is.

use super::catalog::Function;
use super::pattern::Pattern;
use super::value::Value;

/// A comparison operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Op {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// A node of the tree; `column` is where it starts, 1-based, in characters.
#[derive(Debug, Clone)]
pub enum Node {
    Literal {
        value: Value,
        column: usize,
    },
    Attribute {
        name: String,
        column: usize,
    },
    /// A bare word such as `vbTextCompare`.
    Word {
        word: String,
        column: usize,
    },
    /// `%name%`
    Service {
        name: String,
        column: usize,
    },
    Call(Box<Call>),
    /// `a & b & …`
    Concat {
        parts: Vec<Node>,
        column: usize,
    },
    Compare {
        op: Op,
        sides: Box<[Node; 2]>,
        column: usize,
    },
    Parenthesised {
        inner: Box<Node>,
        column: usize,
    },
}

/// A call: its slots are positional, an empty slot is `None`.
#[derive(Debug, Clone)]
pub struct Call {
    /// `None` for a function that the documentation does not know.
    pub function: Option<Function>,
    /// The documented spelling, else as written.
    pub name: String,
    pub column: usize,
    pub args: Vec<Option<Node>>,
    /// Replace with a constant pattern: compiled once.
    pub pattern: Option<Result<Pattern, String>>,
    /// IIF: the attributes that its condition uses.
    pub condition_attributes: Vec<String>,
}

impl Call {
    pub fn new(function: Option<Function>, name: String, column: usize, args: Vec<Option<Node>>) -> Self {
        let mut call = Call { function, name, column, args, pattern: None, condition_attributes: Vec::new() };
        match function {
            Some(Function::Replace) => {
                if let Some(Node::Literal { value, .. }) = call.arg(2) {
                    call.pattern = value.as_text().map(|text| Pattern::compile(&text));
                }
            }
            Some(Function::Iif) => {
                if let Some(condition) = call.arg(0) {
                    let mut names = Vec::new();
                    condition.attributes(&mut names);
                    call.condition_attributes = names;
                }
            }
            _ => {}
        }
        call
    }
    /// The slot at `index`, where it is there and filled.
    pub fn arg(&self, index: usize) -> Option<&Node> {
        self.args.get(index).and_then(Option::as_ref)
    }
}

impl Node {
    pub fn column(&self) -> usize {
        match self {
            Node::Literal { column, .. }
            | Node::Attribute { column, .. }
            | Node::Word { column, .. }
            | Node::Service { column, .. }
            | Node::Concat { column, .. }
            | Node::Compare { column, .. }
            | Node::Parenthesised { column, .. } => *column,
            Node::Call(call) => call.column,
        }
    }
    /// Adds the name of each attribute used here or below, once.
    pub fn attributes(&self, out: &mut Vec<String>) {
        match self {
            Node::Attribute { name, .. } => {
                if !out.contains(name) {
                    out.push(name.clone());
                }
            }
            Node::Call(call) => call.args.iter().flatten().for_each(|arg| arg.attributes(out)),
            Node::Concat { parts, .. } => parts.iter().for_each(|part| part.attributes(out)),
            Node::Compare { sides, .. } => sides.iter().for_each(|side| side.attributes(out)),
            Node::Parenthesised { inner, .. } => inner.attributes(out),
            Node::Literal { .. } | Node::Word { .. } | Node::Service { .. } => {}
        }
    }
}

/// Something worth saying about an expression that is no error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    pub column: usize,
    pub message: String,
}
