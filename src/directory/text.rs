//! Text of a million objects in one piece of memory: a value is a number, and equal handling of "no value".

/// A piece of text in an [`Arena`], or none. Eight bytes, whatever its length.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Text(u64);

const LENGTH_BITS: u32 = 24;

impl Text {
    pub const NONE: Text = Text(0);
    pub fn is_none(self) -> bool {
        self.0 == 0
    }
    pub fn is_some(self) -> bool {
        self.0 != 0
    }
    /// The same text in an arena that took its own in.
    pub fn moved(self, by: u64) -> Text {
        if self.is_none() { self } else { Text(self.0 + (by << LENGTH_BITS)) }
    }
}

/// Append-only store of text. Nothing is ever freed or deduplicated; one tenant is loaded, judged and dropped.
#[derive(Debug, Default)]
pub struct Arena {
    text: String,
}

impl Arena {
    /// Longer values than this are cut; no directory attribute this program reads comes near (the longest, a DN, is
    /// limited by Active Directory to far less).
    pub const MAX_LEN: usize = (1 << LENGTH_BITS) - 1;

    pub fn add(&mut self, text: &str) -> Text {
        let mut end = text.len().min(Self::MAX_LEN);
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        let start = self.text.len() as u64 + 1;
        self.text.push_str(&text[..end]);
        Text(start << LENGTH_BITS | end as u64)
    }
    pub fn add_opt(&mut self, text: Option<&str>) -> Text {
        text.map_or(Text::NONE, |t| self.add(t))
    }
    pub fn get(&self, text: Text) -> Option<&str> {
        let start = (text.0 >> LENGTH_BITS).checked_sub(1)? as usize;
        let len = (text.0 & Self::MAX_LEN as u64) as usize;
        self.text.get(start..start + len)
    }
    /// Appends all of another arena; its texts are found here as `Text::moved` by the number returned.
    pub fn append(&mut self, other: Arena) -> u64 {
        let by = self.text.len() as u64;
        self.text.push_str(&other.text);
        by
    }
    /// Bytes held.
    pub fn len(&self) -> usize {
        self.text.len()
    }
    pub fn is_empty(&self) -> bool {
        self.text.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_text_and_its_absence_apart() {
        let mut arena = Arena::default();
        let (a, empty, b) = (arena.add("Zürich"), arena.add(""), arena.add("x"));
        assert_eq!(arena.get(a), Some("Zürich"));
        assert_eq!(arena.get(empty), Some(""));
        assert_eq!(arena.get(b), Some("x"));
        assert_eq!(arena.get(Text::NONE), None);
        assert_eq!(arena.add_opt(None), Text::NONE);
        let mut other = Arena::default();
        other.add("first");
        let by = other.append(arena);
        assert_eq!((other.get(a.moved(by)), other.get(empty.moved(by))), (Some("Zürich"), Some("")));
        assert_eq!(Text::NONE.moved(by), Text::NONE);
    }

    #[test]
    fn cuts_at_a_character() {
        let mut arena = Arena::default();
        let long = "ü".repeat(Arena::MAX_LEN);
        let cut = arena.add(&long);
        assert_eq!(arena.get(cut).unwrap().len(), Arena::MAX_LEN - 1);
    }
}
