//! Text to tokens. Columns are 1-based and count characters.

use super::ParseError;

#[derive(Debug, Clone, PartialEq)]
pub enum Kind {
    /// A function name or an enumeration word.
    Name(String),
    /// `[name]`
    Attribute(String),
    /// `"…"`, unescaped. `lone` is the column of the first backslash that starts no escape.
    Text {
        text: String,
        lone: Option<usize>,
    },
    /// Digits as they stand, with a sign where one stood.
    Number(String),
    Hex(i64),
    /// `%name%`
    Service(String),
    Open,
    Close,
    Comma,
    Concat,
    Compare(super::ast::Op),
    End,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Token {
    pub kind: Kind,
    pub column: usize,
}

/// The limit that the documentation gives for an expression.
pub const MAX_CHARACTERS: usize = 10_000;

pub fn tokens(text: &str) -> Result<Vec<Token>, ParseError> {
    let chars: Vec<char> = text.chars().collect();
    if chars.len() > MAX_CHARACTERS {
        let message = format!("the expression has {} characters; at most {MAX_CHARACTERS} are allowed", chars.len());
        return Err(ParseError { column: MAX_CHARACTERS + 1, message });
    }
    let mut lexer = Lexer { chars, at: 0, out: Vec::new() };
    while lexer.token()? {}
    Ok(lexer.out)
}

struct Lexer {
    chars: Vec<char>,
    at: usize,
    out: Vec<Token>,
}

impl Lexer {
    fn peek(&self, ahead: usize) -> Option<char> {
        self.chars.get(self.at + ahead).copied()
    }
    fn error<T>(&self, column: usize, message: impl Into<String>) -> Result<T, ParseError> {
        Err(ParseError { column, message: message.into() })
    }
    fn push(&mut self, kind: Kind, column: usize) {
        self.out.push(Token { kind, column });
    }
    /// True after something that has a value: then `&` is the operator, else the start of a hexadecimal number.
    fn after_operand(&self) -> bool {
        self.out.last().is_some_and(|token| {
            !matches!(token.kind, Kind::Open | Kind::Comma | Kind::Concat | Kind::Compare(_) | Kind::End)
        })
    }
    fn take_while(&mut self, mut wanted: impl FnMut(char) -> bool) -> String {
        let start = self.at;
        while self.peek(0).is_some_and(&mut wanted) {
            self.at += 1;
        }
        self.chars[start..self.at].iter().collect()
    }

    fn token(&mut self) -> Result<bool, ParseError> {
        self.take_while(|c| matches!(c, ' ' | '\t' | '\r' | '\n'));
        let column = self.at + 1;
        let Some(c) = self.peek(0) else {
            self.push(Kind::End, column);
            return Ok(false);
        };
        match c {
            '(' => self.single(Kind::Open),
            ')' => self.single(Kind::Close),
            ',' => self.single(Kind::Comma),
            '=' | '<' | '>' => self.compare(c),
            '"' => self.text()?,
            '[' => self.attribute()?,
            '%' => self.service()?,
            '&' => self.ampersand()?,
            '|' => {
                return self.error(
                    column,
                    "there is no || in this language; write an OR as a second IIF in the false branch (|| belongs to \
                     the sync rules of Entra Connect)",
                );
            }
            '-' if !self.after_operand() && self.peek(1).is_some_and(|c| c.is_ascii_digit()) => {
                self.at += 1;
                self.number("-", column);
            }
            c if c.is_ascii_digit() => self.number("", column),
            c if c.is_alphabetic() => {
                let name = self.take_while(|c| c.is_alphanumeric() || c == '_');
                self.push(Kind::Name(name), column);
            }
            '“' | '”' | '„' => {
                return self.error(column, "a typographic quotation mark; text stands in straight ones (\")");
            }
            '\'' => return self.error(column, "a single quotation mark; text stands in double ones (\")"),
            '+' | '-' | '*' | '/' => {
                return self.error(column, format!("there is no operator {c} in this language"));
            }
            c if c.is_whitespace() || matches!(c, '\u{200b}' | '\u{feff}') => {
                let message = format!(
                    "a blank of another kind (U+{:04X}), as pages that one copies from have it; put a plain blank",
                    u32::from(c)
                );
                return self.error(column, message);
            }
            c => return self.error(column, format!("unexpected character {c:?}")),
        }
        Ok(true)
    }
    fn single(&mut self, kind: Kind) {
        self.at += 1;
        self.push(kind, self.at);
    }
    fn compare(&mut self, c: char) {
        use super::ast::Op;
        let column = self.at + 1;
        let (op, width) = match (c, self.peek(1)) {
            ('<', Some('>')) => (Op::NotEqual, 2),
            ('<', Some('=')) => (Op::LessOrEqual, 2),
            ('>', Some('=')) => (Op::GreaterOrEqual, 2),
            ('<', _) => (Op::Less, 1),
            ('>', _) => (Op::Greater, 1),
            _ => (Op::Equal, 1),
        };
        self.at += width;
        self.push(Kind::Compare(op), column);
    }
    fn number(&mut self, sign: &str, column: usize) {
        let mut digits = sign.to_owned();
        digits += &self.take_while(|c| c.is_ascii_digit());
        if self.peek(0) == Some('.') && self.peek(1).is_some_and(|c| c.is_ascii_digit()) {
            self.at += 1;
            digits.push('.');
            digits += &self.take_while(|c| c.is_ascii_digit());
        }
        self.push(Kind::Number(digits), column);
    }
    fn text(&mut self) -> Result<(), ParseError> {
        let column = self.at + 1;
        self.at += 1;
        let mut text = String::new();
        let mut lone = None;
        loop {
            match (self.peek(0), self.peek(1)) {
                (None, _) => return self.error(column, "the quotation mark that opens this text is not closed"),
                (Some('"'), _) => {
                    self.at += 1;
                    self.push(Kind::Text { text, lone }, column);
                    return Ok(());
                }
                (Some('\\'), Some(c @ ('\\' | '"'))) => {
                    text.push(c);
                    self.at += 2;
                }
                (Some(c), _) => {
                    // A backslash before any other character stays, and so does the character: only so do the
                    // expressions that Microsoft publishes for keeping a group's container work.
                    if c == '\\' {
                        lone = lone.or(Some(self.at + 1));
                    }
                    text.push(c);
                    self.at += 1;
                }
            }
        }
    }
    fn attribute(&mut self) -> Result<(), ParseError> {
        let column = self.at + 1;
        self.at += 1;
        let name = self.take_while(|c| c != ']');
        if self.peek(0).is_none() {
            return self.error(column, "the bracket that opens this attribute is not closed");
        }
        self.at += 1;
        if name.trim().is_empty() {
            return self.error(column, "an attribute name is missing between the brackets");
        }
        self.push(Kind::Attribute(name), column);
        Ok(())
    }
    fn service(&mut self) -> Result<(), ParseError> {
        let column = self.at + 1;
        self.at += 1;
        let name = self.take_while(|c| c.is_alphanumeric() || matches!(c, '_' | '.'));
        if name.is_empty() || self.peek(0) != Some('%') {
            return self.error(column, "a percent sign that starts no token such as %DomainFQDN%");
        }
        self.at += 1;
        self.push(Kind::Service(name), column);
        Ok(())
    }
    fn ampersand(&mut self) -> Result<(), ParseError> {
        let column = self.at + 1;
        if self.peek(1) == Some('&') {
            return self.error(
                column,
                "there is no && in this language; write an AND as an IIF within the true branch (&& belongs to the \
                 sync rules of Entra Connect)",
            );
        }
        self.at += 1;
        if self.after_operand() {
            self.push(Kind::Concat, column);
            return Ok(());
        }
        if !matches!(self.peek(0), Some('H' | 'h')) {
            return self.error(column, "an operand is missing before &");
        }
        self.at += 1;
        let digits = self.take_while(|c| c.is_ascii_hexdigit());
        match i64::from_str_radix(&digits, 16) {
            Ok(number) => self.push(Kind::Hex(number), column),
            Err(_) => return self.error(column, "&H is not followed by a hexadecimal number of at most 63 bits"),
        }
        Ok(())
    }
}
