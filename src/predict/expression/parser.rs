//! Tokens to a tree, by recursive descent with a bounded depth.

use super::ParseError;
use super::ast::{Call, Node, Note};
use super::catalog::{self, Function};
use super::lexer::{Kind, Token, tokens};
use super::value::Value;

/// How deep calls and parentheses may nest. Far beyond any real mapping, far below what the stack carries.
pub const MAX_DEPTH: usize = 200;

pub fn parse(text: &str) -> Result<(Node, Vec<Note>), ParseError> {
    let mut parser = Parser { tokens: tokens(text)?, at: 0, depth: 0, notes: Vec::new() };
    if parser.kind() == &Kind::End {
        return parser.error("the expression is empty");
    }
    let root = parser.expression()?;
    match parser.kind() {
        Kind::End => {}
        Kind::Close => return parser.error("a closing parenthesis that nothing opened"),
        Kind::Compare(_) => return parser.error("comparisons do not chain"),
        Kind::Comma => return parser.error("a comma outside of a function's parentheses"),
        _ => return parser.error("an operator or the end of the expression is missing here"),
    }
    if let Node::Call(call) = &root
        && call.function == Some(Function::Switch)
        && call.arg(1).is_some()
    {
        parser.note(
            call.column,
            "Switch with a default at the top: Microsoft documents a fault by which the target may become empty when \
             another attribute of the object changed and this source did not",
        );
    }
    Ok((root, parser.notes))
}

struct Parser {
    tokens: Vec<Token>,
    at: usize,
    depth: usize,
    notes: Vec<Note>,
}

impl Parser {
    fn token(&self) -> &Token {
        // The list always ends with `End`, and nothing steps past it.
        &self.tokens[self.at.min(self.tokens.len() - 1)]
    }
    fn kind(&self) -> &Kind {
        &self.token().kind
    }
    fn column(&self) -> usize {
        self.token().column
    }
    fn take(&mut self, kind: &Kind) -> bool {
        let hit = self.kind() == kind;
        self.at += usize::from(hit);
        hit
    }
    fn error<T>(&self, message: impl Into<String>) -> Result<T, ParseError> {
        Err(ParseError { column: self.column(), message: message.into() })
    }
    fn note(&mut self, column: usize, message: impl Into<String>) {
        self.notes.push(Note { column, message: message.into() });
    }

    fn expression(&mut self) -> Result<Node, ParseError> {
        if self.depth == MAX_DEPTH {
            return self.error(format!("nested more than {MAX_DEPTH} levels deep"));
        }
        self.depth += 1;
        let column = self.column();
        let mut node = self.concat()?;
        if let Kind::Compare(op) = *self.kind() {
            self.at += 1;
            let right = self.concat()?;
            node = Node::Compare { op, sides: Box::new([node, right]), column };
            if matches!(self.kind(), Kind::Compare(_)) {
                return self.error("comparisons do not chain");
            }
        }
        self.depth -= 1;
        Ok(node)
    }
    fn concat(&mut self) -> Result<Node, ParseError> {
        let column = self.column();
        let first = self.primary()?;
        if self.kind() != &Kind::Concat {
            return Ok(first);
        }
        let mut parts = vec![first];
        while self.take(&Kind::Concat) {
            parts.push(self.primary()?);
        }
        Ok(Node::Concat { parts, column })
    }
    fn primary(&mut self) -> Result<Node, ParseError> {
        let Token { kind, column } = self.token().clone();
        let node = match kind {
            Kind::Name(name) => {
                self.at += 1;
                if self.take(&Kind::Open) {
                    return self.call(name, column);
                }
                return Ok(Node::Word { word: name, column });
            }
            Kind::Open => {
                self.at += 1;
                let inner = Box::new(self.expression()?);
                if self.kind() != &Kind::Close {
                    return self.error("a closing parenthesis is missing");
                }
                Node::Parenthesised { inner, column }
            }
            Kind::Attribute(name) => Node::Attribute { name, column },
            Kind::Text { text, lone } => {
                if let Some(at) = lone {
                    self.note(at, "a backslash before a character that needs none: taken as a plain backslash");
                }
                Node::Literal { value: Value::Str(text), column }
            }
            Kind::Number(digits) => {
                if digits.starts_with('-') {
                    self.note(column, "a minus sign before a number is described nowhere");
                }
                // Constants are text; a number keeps its digits unless it is the plain form of an integer.
                let value = match digits.parse::<i64>() {
                    Ok(number) if number.to_string() == digits => Value::Int(number),
                    _ => Value::Str(digits),
                };
                Node::Literal { value, column }
            }
            Kind::Hex(number) => Node::Literal { value: Value::Int(number), column },
            Kind::Service(name) => Node::Service { name, column },
            Kind::End => return self.error("the expression ends where a value is missing"),
            Kind::Close | Kind::Comma | Kind::Concat | Kind::Compare(_) => {
                return self.error("a value is missing here");
            }
        };
        self.at += 1;
        Ok(node)
    }
    fn call(&mut self, name: String, column: usize) -> Result<Node, ParseError> {
        let mut args = Vec::new();
        // Empty parentheses are no argument, not one left out.
        if !self.take(&Kind::Close) {
            loop {
                let empty = matches!(self.kind(), Kind::Comma | Kind::Close);
                args.push(if empty { None } else { Some(self.expression()?) });
                match self.kind() {
                    Kind::Comma => self.at += 1,
                    Kind::Close => {
                        self.at += 1;
                        break;
                    }
                    Kind::End => {
                        return self.error(format!("the parenthesis of {name} (column {column}) is not closed"));
                    }
                    Kind::Compare(_) => return self.error("comparisons do not chain"),
                    _ => return self.error("a comma, an operator or a closing parenthesis is missing here"),
                }
            }
        }
        let Some(entry) = catalog::find(&name) else {
            let nearest = catalog::nearest(&name).map(|n| format!(" (did you mean {n}?)")).unwrap_or_default();
            self.note(column, format!("{name} is no documented function{nearest}"));
            return Ok(Node::Call(Box::new(Call::new(None, name, column, args))));
        };
        if entry.name != name {
            self.note(column, format!("{name} is documented as {}", entry.name));
        }
        if entry.function.is_app_provisioning_only() {
            self.note(
                column,
                format!(
                    "{} is documented for app provisioning only; whether a job to Active Directory knows it is open",
                    entry.name
                ),
            );
        }
        check_count(entry, args.len()).map_err(|message| ParseError { column, message })?;
        Ok(Node::Call(Box::new(Call::new(Some(entry.function), entry.name.to_owned(), column, args))))
    }
}

fn check_count(entry: &catalog::Entry, count: usize) -> Result<(), String> {
    let name = entry.name;
    if count < entry.min || count > entry.max {
        let wanted = match (entry.min, entry.max) {
            (min, max) if min == max => format!("{min}"),
            (min, usize::MAX) => format!("at least {min}"),
            (min, max) => format!("{min} to {max}"),
        };
        return Err(format!("{name} takes {wanted} arguments, not {count}"));
    }
    if entry.function == Function::Switch && count % 2 == 1 {
        return Err(format!(
            "{name} takes a source, a default and pairs of key and value: an even number, not {count}"
        ));
    }
    Ok(())
}
