//! Pseudonyms of text. Names are replaced word by word, letters for letters and digits for digits, everything else stays
//! where it is: so that what expressions cut, join and compare comes out as before. A name is also parted where the
//! mappings part it (the 51 characters of the default one), and the ids in `<name>_<last 12 of the id>` go with the ids.

use super::key::{Key, Words};
use super::vocabulary as known;
use crate::directory::{Dn, ObjectGuid, Sid, escape_value, starts_like_anchor};
use std::collections::{BTreeSet, HashMap, HashSet};

pub struct Mapper {
    pub key: Key,
    words: Words,
    /// The last 12 digits of ids, as numbers, with those that replace them.
    pub suffixes: HashMap<u64, u64>,
    /// Names of people and machines, as numbers: such a name is replaced as a whole.
    pub persons: HashSet<u64>,
    /// Where mappings cut names, in characters.
    pub cuts: BTreeSet<usize>,
}

/// For words that no mapping cuts: beyond every cut.
const UNCUT: usize = usize::MAX / 2;
/// What the default mapping leaves of a display name.
const DEFAULT_CUT: usize = 51;

/// A character and how it was spelled.
type Unit<'t> = (char, &'t str);

impl Mapper {
    pub fn new(key: Key) -> Self {
        Mapper {
            key,
            words: Words::default(),
            suffixes: HashMap::new(),
            persons: HashSet::new(),
            cuts: BTreeSet::from([DEFAULT_CUT]),
        }
    }

    /// Notes an id whose last digits names may end in.
    pub fn add_id(&mut self, id: ObjectGuid) {
        const LAST: u128 = (1 << 48) - 1;
        let new = self.key.guid(id).as_u128() & LAST;
        self.suffixes.insert((id.as_u128() & LAST) as u64, new as u64);
    }
    /// Notes the name of somebody by a DN.
    pub fn add_person(&mut self, dn: &str) {
        if let Some(rdn) = Dn::parse(dn).ok().as_ref().and_then(Dn::rdn) {
            let number = self.key.number(rdn.value());
            self.persons.insert(number);
        }
    }
    /// Notes that a name is not somebody's alone: a group or a container has it too, and mappings may take it apart.
    pub fn add_shared(&mut self, name: &str) {
        let head = name.trim().rsplit_once('_').map_or("", |(head, _)| head);
        for name in [name, head] {
            let number = self.key.number(name);
            self.persons.remove(&number);
        }
    }
    /// A name of somebody, as a whole. What ends in `$` is an account of a machine and goes on doing so.
    pub fn person(&self, name: &str) -> String {
        if name.trim().is_empty() {
            return name.to_owned();
        }
        let end = if name.ends_with('$') { "$" } else { "" };
        self.key.opaque("person", name.trim_end_matches('$')) + end
    }

    /// A whole value: a display name, a relative name, an account name, an anchor.
    pub fn value(&mut self, text: &str) -> String {
        let core = text.trim();
        if core.is_empty() || known::is_kept_value(core) {
            return text.to_owned();
        }
        let lead = &text[..text.len() - text.trim_start().len()];
        let tail = &text[text.trim_end().len()..];
        let new = self.core(core);
        format!("{lead}{new}{tail}")
    }
    fn core(&mut self, core: &str) -> String {
        // "TakenOver_Group_…", "Group_…", "User_…": which of them it is stays readable.
        let mut prefix = if core.get(..10).is_some_and(|p| p.eq_ignore_ascii_case("TakenOver_")) { 10 } else { 0 };
        if starts_like_anchor(&core[prefix..]) {
            prefix += 6;
        } else if core[prefix..].get(..5).is_some_and(|p| p.eq_ignore_ascii_case("User_")) {
            prefix += 5;
        }
        if prefix > 0 {
            return format!("{}{}", &core[..prefix], self.tokens(&core[prefix..], prefix));
        }
        if let Some((head, digits)) = core.rsplit_once('_')
            && digits.len() == 12
            && let Ok(number) = u64::from_str_radix(digits, 16)
            && !head.trim().is_empty()
            && let Some(new) = self.suffixes.get(&number).copied()
        {
            let upper = digits.bytes().any(|b| b.is_ascii_uppercase());
            let new = if upper { format!("{new:012X}") } else { format!("{new:012x}") };
            return format!("{}_{new}", self.value(head));
        }
        if self.persons.contains(&self.key.number(core)) {
            return self.person(core);
        }
        self.tokens(core, 0)
    }

    /// Ids, SIDs and words; the rest stays. `offset` characters stand before the text in its value.
    fn tokens(&mut self, text: &str, offset: usize) -> String {
        let mut out = String::with_capacity(text.len());
        let mut at = 0;
        let mut position = offset;
        while let Some(c) = text[at..].chars().next() {
            let start = at;
            if c.is_alphanumeric() {
                let rest = &text[at..];
                let end = rest.find(|c: char| !c.is_alphanumeric()).unwrap_or(rest.len());
                let word = &rest[..end];
                if let Some((taken, new)) = self.identifier(rest, word) {
                    out.push_str(&new);
                    at += taken;
                } else {
                    self.word(word, position, &mut out);
                    at += end;
                }
            } else {
                out.push(c);
                at += c.len_utf8();
            }
            position += text[start..at].chars().count();
        }
        out
    }

    /// A GUID in either spelling or a SID at the start of `rest`: how many bytes it takes, and what replaces it.
    fn identifier(&self, rest: &str, word: &str) -> Option<(usize, String)> {
        let ends = |n: usize| rest[n..].chars().next().is_none_or(|c| !c.is_alphanumeric());
        let cased =
            |old: &str, new: String| if old.bytes().any(|b| b.is_ascii_uppercase()) { new.to_uppercase() } else { new };
        if let Some(guid) = rest.get(..36).filter(|_| word.len() == 8)
            && let Some(id) = ObjectGuid::parse(guid)
            && ends(36)
        {
            return Some((36, cased(guid, self.key.guid(id).to_string())));
        }
        if word.len() == 32
            && word.is_ascii()
            && let Ok(number) = u128::from_str_radix(word, 16)
        {
            let new = self.key.guid(ObjectGuid::from_u128(number)).to_string().replace('-', "");
            return Some((32, cased(word, new)));
        }
        if matches!(word, "S" | "s") && rest.get(1..4) == Some("-1-") {
            let end = rest[4..].find(|c: char| !c.is_ascii_digit() && c != '-').map_or(rest.len(), |n| n + 4);
            let text = rest[..end].trim_end_matches('-');
            if let Some(sid) = Sid::parse(text) {
                let new = self.key.sid(&sid).to_string();
                return Some((text.len(), if word == "s" { new.to_lowercase() } else { new }));
            }
        }
        None
    }

    fn word(&mut self, word: &str, position: usize, out: &mut String) {
        if known::is_kept_word(word) {
            return out.push_str(word);
        }
        let length = word.chars().count();
        let mut from = 0;
        for cut in
            self.cuts.iter().filter_map(|c| c.checked_sub(position)).filter(|c| (1..length).contains(c)).chain([length])
        {
            let byte = |n: usize| word.char_indices().nth(n).map_or(word.len(), |(i, _)| i);
            let (before, piece) = (&word[..byte(from)], &word[byte(from)..byte(cut)]);
            if before.is_empty() {
                out.push_str(self.words.get(&self.key, piece));
            } else {
                out.push_str(&self.key.word(piece, before));
            }
            from = cut;
        }
    }

    /// Text that may be or hold a distinguished name, or a part of one.
    pub fn text(&mut self, text: &str) -> String {
        let mut out = String::new();
        let mut plain = 0;
        let mut at = 0;
        let mut boundary = true;
        while at < text.len() {
            let rest = &text[at..];
            if boundary && let Some(head) = rdn_head(rest) {
                let before = &text[plain..at];
                out.push_str(&self.value(before));
                out.push_str(&rest[..head]);
                let end = at + head + value_end(&rest[head..]);
                let domain = rest[..head - 1].trim().eq_ignore_ascii_case("DC");
                let spelled = &text[at + head..end];
                let new = if domain { self.tokens(spelled, UNCUT) } else { self.relative(spelled) };
                out.push_str(&new);
                (at, plain) = (end, end);
                boundary = false;
                continue;
            }
            let Some(c) = rest.chars().next() else { break };
            boundary = !c.is_alphanumeric() && c != '_' && c != '-';
            at += c.len_utf8();
        }
        out.push_str(&self.value(&text[plain..]));
        out
    }
    /// The name of a host or a domain: label by label, since it is known with and without its domain, and as `DC=` parts.
    pub fn host(&mut self, name: &str) -> String {
        if name.contains('=') { self.text(name) } else { self.tokens(name, UNCUT) }
    }
    /// A distinguished name. What is none stays none.
    pub fn dn(&mut self, dn: &str) -> String {
        self.text(dn)
    }

    /// The value of a relative name, as spelled.
    fn relative(&mut self, spelled: &str) -> String {
        // What is no value of a name, because it is escaped wrongly, stays none.
        let Some(units) = dn_units(spelled) else { return format!("\\z{}", self.key.opaque("unreadable", spelled)) };
        let plain: String = units.iter().map(|(c, _)| *c).collect();
        let new = self.value(&plain);
        respell(&units, &new).unwrap_or_else(|| escape_value(&new))
    }

    /// The name of an attribute or a class: the products' own stay.
    pub fn attribute(&mut self, name: &str) -> String {
        if known::is_attribute(name.trim()) {
            return name.to_owned();
        }
        let parts =
            name.get(..10).filter(|p| p.eq_ignore_ascii_case("extension_")).and_then(|_| name[10..].split_once('_'));
        if let Some((app, own)) = parts {
            let new = if known::is_attribute(own) { own.to_owned() } else { self.tokens(own, UNCUT) };
            return format!("{}{}_{new}", &name[..10], self.tokens(app, UNCUT));
        }
        self.tokens(name, UNCUT)
    }
    /// A word of an enumeration, kept where it is one.
    pub fn enumeration(&mut self, word: &str) -> String {
        let plain: String = word.chars().filter(|c| *c != ' ').collect();
        let all = |w: &str| known::is_enumeration(w) || known::is_number_or_date(w);
        if word.split(',').all(|w| all(w.trim())) || known::is_enumeration(&plain) {
            word.to_owned()
        } else {
            self.text(word)
        }
    }
    /// A version, a date or an interval, kept where it is one.
    pub fn number(&mut self, text: &str) -> String {
        if known::is_number_or_date(text.trim()) { text.to_owned() } else { self.enumeration(text) }
    }
}

/// The attribute and equals sign of a relative name at the start of `text`: how many bytes they take.
fn rdn_head(text: &str) -> Option<usize> {
    const TYPES: [&str; 10] = ["CN", "OU", "DC", "O", "L", "ST", "C", "UID", "2.5.4.3", "2.5.4.11"];
    let end = text.bytes().take(24).position(|b| b == b'=')?;
    let kind = text.get(..end)?.trim();
    let kind = kind.get(4..).filter(|_| kind.get(..4).is_some_and(|o| o.eq_ignore_ascii_case("OID."))).unwrap_or(kind);
    TYPES.iter().any(|t| t.eq_ignore_ascii_case(kind)).then_some(end + 1)
}

/// Where the value of a relative name ends: at a separator that is neither escaped nor quoted.
fn value_end(text: &str) -> usize {
    let mut escaped = false;
    let mut quoted = false;
    for (i, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' if text[..i].trim().is_empty() || quoted => quoted = !quoted,
            ',' | ';' | '+' if !quoted => return i,
            _ => {}
        }
    }
    text.len()
}

/// The characters of a relative name's value with their spelling. `None` where they are not spelled one by one: in
/// quotation marks, in hexadecimal UTF-8, or wrongly.
fn dn_units(text: &str) -> Option<Vec<Unit<'_>>> {
    let mut out = Vec::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let (unit, taken) = match c {
            '\\' => match rest.get(1..3).and_then(|h| u8::from_str_radix(h, 16).ok().filter(|_| !h.starts_with('+'))) {
                Some(byte) if byte.is_ascii() => (char::from(byte), 3),
                Some(_) => return escaped_utf8(text),
                None => {
                    let next = rest[1..].chars().next().filter(|c| !c.is_alphanumeric())?;
                    (next, 1 + next.len_utf8())
                }
            },
            '"' => return escaped_utf8(text),
            c => (c, c.len_utf8()),
        };
        out.push((unit, &rest[..taken]));
        rest = &rest[taken..];
    }
    Some(out)
}

/// Units of a value that only the DN reader understands: the spelling is given up.
fn escaped_utf8(text: &str) -> Option<Vec<Unit<'_>>> {
    let dn = Dn::parse(&format!("CN={text}")).ok()?;
    Some(dn.rdn()?.value().chars().map(|c| (c, "\u{fffd}")).collect())
}

/// `new` in the spelling of `units`, where both have the same marks in the same places.
pub fn respell(units: &[Unit<'_>], new: &str) -> Option<String> {
    if new.chars().count() != units.len() {
        return None;
    }
    let mut out = String::with_capacity(new.len() + 4);
    for (c, (old, spelled)) in new.chars().zip(units) {
        match (c == *old, c.is_alphanumeric()) {
            (true, false) if *spelled == "\u{fffd}" => return None,
            (true, false) => out.push_str(spelled),
            (_, true) => out.push(c),
            (false, false) => return None,
        }
    }
    Some(out)
}
