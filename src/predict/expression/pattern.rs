//! Regular expressions as .NET reads them, run by `fancy-regex`. What both engines read alike is passed on, what differs
//! is translated, and what cannot be translated faithfully is refused with its reason: a wrong guess would rename groups.

use fancy_regex::{Captures, Regex, RegexBuilder};

/// A compiled pattern.
#[derive(Debug, Clone)]
pub struct Pattern {
    regex: Regex,
    /// Index of each group in `regex` by its .NET number (unnamed groups first, then named ones); `[0]` is the match.
    numbers: Vec<usize>,
    names: Vec<(String, usize)>,
    /// True where a character beyond U+FFFF, which .NET sees as two, cannot make a difference.
    pairs_safe: bool,
    case_blind: bool,
}

/// Why a pattern gave no answer.
pub type Trouble = String;

/// More steps than any sane mapping needs; beyond it the answer is unknown instead of late.
const BACKTRACK_LIMIT: usize = 200_000;
/// .NET's `\w`.
const WORD: &str = r"\p{L}\p{Mn}\p{Nd}\p{Pc}";

impl Pattern {
    pub fn compile(text: &str) -> Result<Self, Trouble> {
        let translated = Translator::new(text).run().map_err(|what| format!("the pattern {text:?} has {what}"))?;
        let regex = RegexBuilder::new(&translated.out)
            .backtrack_limit(BACKTRACK_LIMIT)
            .delegate_size_limit(1 << 20)
            .build()
            .map_err(|error| format!("the pattern {text:?} cannot be compiled: {error}"))?;
        let mut numbers = vec![0];
        numbers.extend(translated.groups.iter().enumerate().filter(|(_, n)| n.is_none()).map(|(i, _)| i + 1));
        let names: Vec<(String, usize)> =
            translated.groups.iter().enumerate().filter_map(|(i, n)| Some((n.clone()?, i + 1))).collect();
        numbers.extend(names.iter().map(|(_, i)| *i));
        Ok(Pattern { regex, numbers, names, pairs_safe: translated.pairs_safe, case_blind: translated.case_blind })
    }

    /// Refuses a subject on which the two engines may differ.
    fn check(&self, subject: &str) -> Result<(), Trouble> {
        if !self.pairs_safe && subject.bytes().any(|b| b >= 0xf0) {
            return Err("a regular expression meets a character beyond U+FFFF, which .NET counts as two".to_owned());
        }
        if self.case_blind && subject.chars().any(|c| matches!(c, 'ı' | 'İ' | 'ſ' | '\u{212a}' | '\u{212b}')) {
            return Err("a case-blind regular expression meets a letter whose case depends on the culture".to_owned());
        }
        Ok(())
    }
    pub fn is_match(&self, subject: &str) -> Result<bool, Trouble> {
        self.check(subject)?;
        self.regex.is_match(subject).map_err(failed)
    }
    /// The group called `name`, also by its number.
    pub fn group(&self, name: &str) -> Option<usize> {
        if let Ok(number) = name.parse::<usize>() {
            return self.numbers.get(number).copied();
        }
        self.names.iter().find(|(n, _)| n == name).map(|(_, i)| *i)
    }
    /// The text of a group in the first match: `None` without a match or where the group took no part.
    pub fn first_group<'t>(&self, subject: &'t str, group: usize) -> Result<Option<&'t str>, Trouble> {
        self.check(subject)?;
        let captures = self.regex.captures(subject).map_err(failed)?;
        Ok(captures.and_then(|captures| captures.get(group).map(|m| m.as_str())))
    }
    /// Replaces every match by `replacement`, in which `$1`, `${name}`, `$$`, `$&` and the like are expanded.
    pub fn replace_all(&self, subject: &str, replacement: &str) -> Result<String, Trouble> {
        if replacement.contains("$+") {
            return Err("the replacement uses $+".to_owned());
        }
        self.each(subject, usize::MAX, |captures, out| {
            self.expand(subject, captures, replacement, out);
            Ok(())
        })
    }
    /// Replaces, within the first `limit` matches, only the text of `group` by `replacement`, taken literally.
    pub fn replace_group(
        &self,
        subject: &str,
        group: usize,
        replacement: &str,
        limit: usize,
    ) -> Result<String, Trouble> {
        self.each(subject, limit, |captures, out| {
            let Some(whole) = captures.get(0) else { return Ok(()) };
            match captures.get(group) {
                Some(part) => {
                    out.push_str(subject.get(whole.start()..part.start()).unwrap_or_default());
                    out.push_str(replacement);
                    out.push_str(subject.get(part.end()..whole.end()).unwrap_or_default());
                }
                None => out.push_str(whole.as_str()),
            }
            Ok(())
        })
    }

    /// Walks the matches as .NET does: after a match it goes on at its end, where an empty match is allowed, and after
    /// an empty match one character further.
    fn each(
        &self,
        subject: &str,
        limit: usize,
        mut write: impl FnMut(&Captures<'_, str>, &mut String) -> Result<(), Trouble>,
    ) -> Result<String, Trouble> {
        self.check(subject)?;
        let mut out = String::with_capacity(subject.len());
        let (mut copied, mut from) = (0, 0);
        for _ in 0..limit {
            let Some(captures) = self.regex.captures_from_pos(subject, from).map_err(failed)? else { break };
            let Some(whole) = captures.get(0) else { break };
            out.push_str(subject.get(copied..whole.start()).unwrap_or_default());
            write(&captures, &mut out)?;
            copied = whole.end();
            from = whole.end();
            if whole.start() == whole.end() {
                let Some(next) = subject.get(from..).and_then(|rest| rest.chars().next()) else { break };
                if next > '\u{ffff}' {
                    return Err("an empty match beside a character beyond U+FFFF".to_owned());
                }
                from += next.len_utf8();
            }
            if from > subject.len() {
                break;
            }
        }
        out.push_str(subject.get(copied..).unwrap_or_default());
        Ok(out)
    }

    fn expand(&self, subject: &str, captures: &Captures<'_, str>, replacement: &str, out: &mut String) {
        let group = |index: usize| captures.get(index).map_or("", |m| m.as_str());
        let whole = captures.get(0).map_or(0..0, |m| m.start()..m.end());
        let mut rest = replacement;
        while let Some(at) = rest.find('$') {
            out.push_str(&rest[..at]);
            let after = &rest[at + 1..];
            let (text, used) = match after.as_bytes().first() {
                Some(b'$') => ("$", 1),
                Some(b'&') => (group(0), 1),
                Some(b'`') => (subject.get(..whole.start).unwrap_or_default(), 1),
                Some(b'\'') => (subject.get(whole.end..).unwrap_or_default(), 1),
                Some(b'_') => (subject, 1),
                Some(b'{') => match after.find('}').and_then(|end| Some((end, self.group(&after[1..end])?))) {
                    Some((end, index)) => (group(index), end + 1),
                    None => ("$", 0),
                },
                Some(b'0'..=b'9') => {
                    let digits = after.bytes().take_while(u8::is_ascii_digit).count();
                    match self.group(&after[..digits]) {
                        Some(index) => (group(index), digits),
                        None => ("$", 0),
                    }
                }
                _ => ("$", 0),
            };
            out.push_str(text);
            rest = &after[used..];
        }
        out.push_str(rest);
    }
}

fn failed(error: fancy_regex::Error) -> Trouble {
    format!("a regular expression gave up: {error}")
}

struct Translated {
    out: String,
    /// The capturing groups in the order of their opening parentheses.
    groups: Vec<Option<String>>,
    pairs_safe: bool,
    case_blind: bool,
}

struct Translator {
    chars: Vec<char>,
    at: usize,
    t: Translated,
}

type Step<T = ()> = Result<T, String>;

impl Translator {
    fn new(text: &str) -> Self {
        let t = Translated {
            out: String::with_capacity(text.len() + 16),
            groups: Vec::new(),
            pairs_safe: true,
            case_blind: false,
        };
        Translator { chars: text.chars().collect(), at: 0, t }
    }
    fn peek(&self, ahead: usize) -> Option<char> {
        self.chars.get(self.at + ahead).copied()
    }
    fn starts(&self, text: &str) -> bool {
        text.chars().enumerate().all(|(i, c)| self.peek(i) == Some(c))
    }
    fn out(&mut self, text: &str, used: usize) {
        self.t.out.push_str(text);
        self.at += used;
    }

    fn run(mut self) -> Step<Translated> {
        let mut numbered_reference = false;
        while let Some(c) = self.peek(0) {
            match c {
                '\\' => numbered_reference |= self.escape()?,
                '[' => self.class()?,
                '(' => self.group()?,
                // .NET: the end, or before a line feed that ends the text.
                '$' => self.out(r"(?=\n?\z)", 1),
                '.' => {
                    if !matches!(self.peek(1), Some('*')) {
                        self.t.pairs_safe = false;
                    }
                    self.out(".", 1);
                }
                '*' | '+' | '?' => self.quantifier()?,
                '{' if self.counted() > 0 => self.quantifier()?,
                '{' | '}' | ']' => {
                    self.t.out.push('\\');
                    self.t.out.push(c);
                    self.at += 1;
                }
                c => {
                    if c > '\u{ffff}' {
                        self.t.pairs_safe = false;
                    }
                    self.t.out.push(c);
                    self.at += 1;
                }
            }
        }
        let named = self.t.groups.iter().filter(|name| name.is_some()).count();
        if numbered_reference && named > 0 && named < self.t.groups.len() {
            return Err("a numbered back reference among named and unnamed groups".to_owned());
        }
        for (i, name) in self.t.groups.iter().enumerate() {
            if name.is_some() && self.t.groups[..i].contains(name) {
                return Err("two groups of the same name".to_owned());
            }
        }
        Ok(self.t)
    }
    /// The length of `{n}`, `{n,}` or `{n,m}` here, else 0: any other brace is a plain character in .NET.
    fn counted(&self) -> usize {
        let mut at = 1;
        let digits = |at: &mut usize| {
            let start = *at;
            while self.peek(*at).is_some_and(|c| c.is_ascii_digit()) {
                *at += 1;
            }
            *at > start
        };
        if !digits(&mut at) {
            return 0;
        }
        if self.peek(at) == Some(',') {
            at += 1;
            digits(&mut at);
        }
        if self.peek(at) == Some('}') { at + 1 } else { 0 }
    }
    fn quantifier(&mut self) -> Step {
        let width = if self.peek(0) == Some('{') { self.counted() } else { 1 };
        if self.peek(0) != Some('*') || self.peek(1) == Some('+') {
            self.t.pairs_safe = false;
        }
        for _ in 0..width {
            if let Some(c) = self.peek(0) {
                self.t.out.push(c);
            }
            self.at += 1;
        }
        if self.peek(0) == Some('?') {
            self.out("?", 1);
        }
        let again = matches!(self.peek(0), Some('*' | '+' | '?')) || (self.peek(0) == Some('{') && self.counted() > 0);
        if again { Err("one quantifier after another".to_owned()) } else { Ok(()) }
    }
    fn group(&mut self) -> Step {
        if self.peek(1) == Some('*') {
            return Err("a quantifier after nothing".to_owned());
        }
        if self.peek(1) != Some('?') {
            self.t.groups.push(None);
            self.out("(", 1);
            return Ok(());
        }
        for plain in ["(?:", "(?=", "(?!", "(?<=", "(?<!", "(?>"] {
            if self.starts(plain) {
                self.out(plain, plain.len());
                return Ok(());
            }
        }
        let close = match self.peek(2) {
            Some('<') => '>',
            Some('\'') => '\'',
            _ => return self.options(),
        };
        let mut at = 3;
        let mut name = String::new();
        while let Some(c) = self.peek(at).filter(|c| *c != close) {
            name.push(c);
            at += 1;
        }
        let sound = name.chars().next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
            && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        if !sound || self.peek(at).is_none() {
            return Err(format!("a group name that is not translated ({name:?})"));
        }
        self.out(&format!("(?<{name}>"), at + 1);
        self.t.groups.push(Some(name));
        Ok(())
    }
    /// `(?i)`, `(?s-i:` and the like. The other options change what later characters mean and are not translated.
    fn options(&mut self) -> Step {
        let mut at = 2;
        while self.peek(at).is_some_and(|c| matches!(c, 'i' | 's' | '-')) {
            self.t.case_blind |= self.peek(at) == Some('i');
            at += 1;
        }
        if at == 2 || !matches!(self.peek(at), Some(')' | ':')) {
            return Err("a construct in (?…) that is not translated".to_owned());
        }
        let text: String = self.chars[self.at..=self.at + at].iter().collect();
        self.out(&text, at + 1);
        Ok(())
    }
    /// An escape outside of a class; true for a numbered back reference.
    fn escape(&mut self) -> Step<bool> {
        let Some(c) = self.peek(1) else { return Err("a backslash at its end".to_owned()) };
        match c {
            'w' => self.unsafe_for_pairs(&format!("[{WORD}]"), 2),
            'W' => self.unsafe_for_pairs(&format!("[^{WORD}]"), 2),
            // .NET counts the two joiners as word characters here, and only here.
            'b' | 'B' => {
                let w = format!(r"[{WORD}\x{{200C}}\x{{200D}}]");
                let text = if c == 'b' {
                    format!("(?:(?<={w})(?!{w})|(?<!{w})(?={w}))")
                } else {
                    format!("(?:(?<={w})(?={w})|(?<!{w})(?!{w}))")
                };
                self.unsafe_for_pairs(&text, 2);
            }
            'Z' => self.out(r"(?=\n?\z)", 2),
            'A' | 'z' => {
                self.t.out.push('\\');
                self.t.out.push(c);
                self.at += 2;
            }
            '1'..='9' => {
                if self.peek(2).is_some_and(|c| c.is_ascii_digit()) {
                    return Err("a back reference of several digits".to_owned());
                }
                self.unsafe_for_pairs(&format!("\\{c}"), 2);
                return Ok(true);
            }
            'k' => {
                let name: String = self.chars[self.at + 2..].iter().take_while(|c| **c != '>').collect();
                let sound = name.strip_prefix('<').is_some_and(|n| {
                    n.chars().next().is_some_and(|c| c.is_ascii_alphabetic())
                        && n.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
                });
                if !sound || self.peek(2 + name.chars().count()) != Some('>') {
                    return Err("a named back reference that is not translated".to_owned());
                }
                let text = format!("\\k{name}>");
                let used = text.chars().count();
                self.unsafe_for_pairs(&text, used);
            }
            _ => {
                let (text, used) = self.common_escape(c)?;
                self.out(&text, used);
            }
        }
        Ok(false)
    }
    fn unsafe_for_pairs(&mut self, text: &str, used: usize) {
        self.t.pairs_safe = false;
        self.out(text, used);
    }
    /// Escapes that mean the same within a class and outside of it.
    fn common_escape(&mut self, c: char) -> Step<(String, usize)> {
        Ok(match c {
            'd' | 'D' | 's' | 'S' => {
                self.t.pairs_safe = false;
                (format!("\\{c}"), 2)
            }
            't' | 'n' | 'r' | 'f' | 'v' | 'a' => (format!("\\{c}"), 2),
            'e' => (r"\x1B".to_owned(), 2),
            'p' | 'P' => {
                self.t.pairs_safe = false;
                let body: String = self.chars[self.at + 2..].iter().take_while(|c| **c != '}').collect();
                const CATEGORIES: &str = " L Lu Ll Lt Lm Lo M Mn Mc Me N Nd Nl No P Pc Pd Ps Pe Pi Pf Po S Sm Sc Sk So Z \
                                          Zs Zl Zp C Cc Cf Co ";
                match body.strip_prefix('{') {
                    Some(name) if !name.contains(' ') && CATEGORIES.contains(&format!(" {name} ")) => {
                        (format!("\\{c}{{{name}}}"), 4 + name.len())
                    }
                    _ => return Err("a character category that is not translated".to_owned()),
                }
            }
            'x' | 'u' => {
                let width = if c == 'x' { 2 } else { 4 };
                let digits: String = self.chars[self.at + 2..].iter().take(width).collect();
                let code = u32::from_str_radix(&digits, 16).ok().filter(|_| digits.len() == width);
                match code.and_then(char::from_u32) {
                    Some(c) => (format!("\\x{{{:X}}}", u32::from(c)), 2 + width),
                    None => return Err("a character code that is not translated".to_owned()),
                }
            }
            c if c.is_alphanumeric() || c == '_' => return Err(format!("an escape that is not translated (\\{c})")),
            // An escaped other character is itself.
            c if c.is_ascii_punctuation() => (format!("\\{c}"), 2),
            c => (c.to_string(), 2),
        })
    }
    fn class(&mut self) -> Step {
        self.t.pairs_safe = false;
        self.out("[", 1);
        if self.peek(0) == Some('^') {
            self.out("^", 1);
        }
        let mut first = true;
        loop {
            let Some(c) = self.peek(0) else { return Err("a character class that is not closed".to_owned()) };
            match c {
                ']' if !first => {
                    self.out("]", 1);
                    return Ok(());
                }
                '[' if self.chars.get(self.at.wrapping_sub(1)) == Some(&'-') => {
                    return Err("a character class subtraction".to_owned());
                }
                '-' if self.peek(1) == Some('-') => return Err("a doubled hyphen in a character class".to_owned()),
                ']' | '[' | '&' | '~' | '^' => {
                    self.t.out.push('\\');
                    self.t.out.push(c);
                    self.at += 1;
                }
                '\\' => {
                    let Some(c) = self.peek(1) else { return Err("a backslash at its end".to_owned()) };
                    match c {
                        'w' => self.out(WORD, 2),
                        'W' => self.out(&format!("[^{WORD}]"), 2),
                        'b' => self.out(r"\x08", 2),
                        _ => {
                            let (text, used) = self.common_escape(c)?;
                            self.out(&text, used);
                        }
                    }
                }
                c => {
                    self.t.out.push(c);
                    self.at += 1;
                }
            }
            first = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn replaces_as_dotnet_does() {
        for (pattern, subject, replacement, want) in [
            ("[a-zA-Z_]*", "john_doe72", "", "72"),
            // After a match .NET takes the empty one that follows it.
            ("[a-z]*", "abc", "X", "XX"),
            ("x*", "ab", "-", "-a-b-"),
            ("(?<first>\\w+) (?<last>\\w+)", "John Doe", "${last}, ${first}", "Doe, John"),
            ("(?'first'\\w+) (\\w+)", "John Doe", "$1 $2 $3", "Doe John $3"),
            ("(a)(b)?", "a", "[$2]", "[]"),
            ("b", "abc", "<$`|$&|$'|$_|$$>", "a<a|b|c|abc|$>c"),
            ("b", "abc", "${nobody}$9$", "a${nobody}$9$c"),
            ("a$", "a\n", "b", "b\n"),
            ("a{x", "a{x", "b", "b"),
            ("[]a]", "]a", "b", "bb"),
            ("[[a]", "[a", "b", "bb"),
            ("[a&&b]", "a&b", "-", "---"),
            ("^.*?,(?=(?:CN|OU|DC)=)", "CN=Smith\\, John,OU=R\\, D,DC=contoso", "", "OU=R\\, D,DC=contoso"),
            (".*", "𝒳", "", ""),
            ("(?i)sales", "SALES", "x", "x"),
            ("\\bü", "über aü", "u", "uber aü"),
        ] {
            let compiled = Pattern::compile(pattern).unwrap();
            assert_eq!(compiled.replace_all(subject, replacement).unwrap(), want, "{pattern} on {subject}");
        }
    }

    #[test]
    fn refuses_what_the_engines_read_differently() {
        for pattern in [
            "a*+",
            "a**",
            "[a-z-[aeiou]]",
            "(?m)^a",
            "(?x)a b",
            "(?P<n>a)",
            "(?~a)",
            "\\h",
            "\\Ga",
            "\\R",
            "(?<1>a)",
            "(?<a-b>c)",
            "(?(1)a|b)",
            "a\\",
            "(",
            "[a",
            "\\p{IsGreek}",
            "(?<n>a)(b)\\1",
            "(?#c)a",
            "[a--b]",
            "(?<n>a)(?<n>b)",
            "\\x{41}",
            "\\cA",
            "\\012",
            "*a",
        ] {
            assert!(Pattern::compile(pattern).is_err(), "{pattern}");
        }
    }

    #[test]
    fn surrogate_pairs_are_not_guessed() {
        assert!(Pattern::compile("^.$").unwrap().is_match("𝒳").is_err());
        assert!(Pattern::compile("[^a]").unwrap().is_match("𝒳").is_err());
        assert_eq!(Pattern::compile("^a.*z$").unwrap().is_match("a𝒳z"), Ok(true));
        assert_eq!(Pattern::compile("^.$").unwrap().is_match("x"), Ok(true));
        assert!(Pattern::compile("x*").unwrap().replace_all("𝒳", "-").is_err());
    }

    #[test]
    fn catastrophic_patterns_end() {
        let subject = format!("{}!", "a".repeat(5_000));
        let _ = Pattern::compile("^(a+)+(?=b)$").unwrap().is_match(&subject);
        let _ = Pattern::compile("(a*)*(?!x)\\1b").map(|p| p.is_match(&subject));
    }

    proptest! {
        #[test]
        fn never_panics(pattern in "[\\[\\](){}?*+^$.|a-c\\\\<>:!=,1-3wdpPbZ&-]{0,14}", subject in "[abc1\\]𝒳ü\n ]{0,8}", to in "[$a{}n1&'`_]{0,6}") {
            if let Ok(pattern) = Pattern::compile(&pattern) {
                let _ = pattern.replace_all(&subject, &to);
                let _ = pattern.first_group(&subject, 1);
                let _ = pattern.replace_group(&subject, 1, "x", 3);
                let _ = pattern.is_match(&subject);
            }
        }
    }
}
