//! Pseudonyms inside mapping expressions, of Cloud Sync and of Connect: functions and known attributes stay, texts are
//! mapped as the values they are compared with.

use super::text::{Mapper, respell};
use super::vocabulary as known;

impl Mapper {
    /// Notes where an expression cuts names: 40 for `Left([displayName],40)`.
    pub fn add_cuts(&mut self, expression: &str) {
        let lower = expression.to_ascii_lowercase();
        for (at, _) in lower.match_indices("left(") {
            let (mut depth, mut quoted, mut last) = (0usize, false, None);
            for (i, c) in lower[at + 5..].char_indices() {
                match c {
                    '"' => quoted = !quoted,
                    _ if quoted => {}
                    '(' => depth += 1,
                    ')' if depth > 0 => depth -= 1,
                    ')' => {
                        let number: Option<usize> =
                            last.and_then(|from: usize| lower.get(from..at + 5 + i)?.trim().parse().ok());
                        self.cuts.extend(number.filter(|n| (1..=1024).contains(n)));
                        break;
                    }
                    ',' if depth == 0 => last = Some(at + 5 + i + 1),
                    _ => {}
                }
            }
        }
    }

    pub fn expression(&mut self, text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(c) = rest.chars().next() {
            let taken = match c {
                '"' => {
                    let end = literal_end(&rest[1..]);
                    out.push('"');
                    out.push_str(&self.quoted(&rest[1..1 + end]));
                    if rest.len() > end + 1 {
                        out.push('"');
                    }
                    (end + 2).min(rest.len())
                }
                '[' if rest.contains(']') => {
                    let end = rest.find(']').unwrap_or(rest.len());
                    out.push('[');
                    out.push_str(&self.attribute(&rest[1..end]));
                    end
                }
                c if c.is_alphanumeric() => {
                    let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
                    let word = &rest[..end];
                    let kept = known::is_function(word)
                        || known::is_enumeration(word)
                        || known::is_attribute(word)
                        || word.bytes().all(|b| b.is_ascii_digit());
                    if kept {
                        out.push_str(word)
                    } else {
                        out.push_str(&self.value(word))
                    }
                    end
                }
                c => {
                    out.push(c);
                    c.len_utf8()
                }
            };
            rest = &rest[taken..];
        }
        out
    }

    /// The inside of a quoted text, as spelled.
    fn quoted(&mut self, spelled: &str) -> String {
        let mut units = Vec::new();
        let mut rest = spelled;
        while let Some(c) = rest.chars().next() {
            let escaped = if c == '\\' { rest[1..].chars().next().filter(|c| matches!(c, '\\' | '"')) } else { None };
            let taken = c.len_utf8() + usize::from(escaped.is_some());
            units.push((escaped.unwrap_or(c), &rest[..taken]));
            rest = &rest[taken..];
        }
        let plain: String = units.iter().map(|(c, _)| *c).collect();
        let new = self.literal(&plain);
        respell(&units, &new).unwrap_or_else(|| new.replace('\\', "\\\\").replace('"', "\\\""))
    }

    /// A constant of a mapping or a rule.
    pub fn literal(&mut self, text: &str) -> String {
        let lower = text.trim().to_lowercase();
        if lower.contains("deletethisgroupinad") {
            return "DeleteThisGroupInAD".to_owned();
        }
        // `\2C`: an escaped separator, as the expressions that take a distinguished name apart write it.
        if known::is_enumeration(&lower) || (text.starts_with('\\') && text.len() <= 3) {
            return text.to_owned();
        }
        if is_pattern(text) { self.pattern(text) } else { self.text(text) }
    }

    /// A regular expression: its signs stay, its words are mapped. Part of a word matches no more.
    pub fn pattern(&mut self, text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(c) = rest.chars().next() {
            let taken = match c {
                '\\' => 1 + rest[1..].chars().next().map_or(0, char::len_utf8),
                '{' => rest
                    .find('}')
                    .filter(|end| rest[1..*end].bytes().all(|b| b.is_ascii_digit() || b == b','))
                    .map_or(1, |e| e + 1),
                '[' => class_end(rest).unwrap_or(1),
                '(' if rest.starts_with("(?") => {
                    2 + rest[2..]
                        .find(|c: char| !matches!(c, 'i' | 'm' | 's' | 'n' | 'x' | '-'))
                        .filter(|n| rest[2 + n..].starts_with([':', ')']))
                        .unwrap_or(0)
                }
                c if c.is_alphanumeric() => {
                    let end = rest.find(|c: char| !c.is_alphanumeric()).unwrap_or(rest.len());
                    let new = self.value(&rest[..end]);
                    out.push_str(&new);
                    rest = &rest[end..];
                    continue;
                }
                c => c.len_utf8(),
            };
            out.push_str(&rest[..taken]);
            rest = &rest[taken..];
        }
        out
    }
}

fn literal_end(text: &str) -> usize {
    let mut escaped = false;
    for (i, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' if text[i + 1..].starts_with(['\\', '"']) => escaped = true,
            '"' => return i,
            _ => {}
        }
    }
    text.len()
}

fn is_pattern(text: &str) -> bool {
    text.starts_with('^')
        || ["(?", "[^", ".*", ".+", "\\d", "\\w", "\\s", "\\b", "\\W", "\\D", "\\S"].iter().any(|m| text.contains(m))
}

/// The end of a character class that names ranges and signs only: `[A-Z0-9_]`, not `[EU]`.
fn class_end(text: &str) -> Option<usize> {
    let end = text.find(']')?;
    let mut inner = text[1..end].chars().peekable();
    while let Some(c) = inner.next() {
        if c == '\\' {
            inner.next();
        } else if c.is_alphanumeric() {
            if inner.next() != Some('-') {
                return None;
            }
            inner.next()?;
        }
    }
    Some(end + 1)
}
