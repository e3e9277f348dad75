//! The anchor `Group_<objectId>`: Connect writes it to `adminDescription`, Cloud Sync joins by it in
//! `msDS-ExternalDirectoryObjectId` (EDOI).

use super::ObjectGuid;
use std::fmt;

/// `Group_` and the Entra object id. The hexadecimal digits compare without case; the prefix is written exactly so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Anchor(pub ObjectGuid);

/// What a value of `adminDescription` or EDOI is, read as an anchor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AnchorText {
    /// No value.
    Empty,
    /// `Group_<guid>`; `exact` is false where its letter case is not what Cloud Sync would write.
    Anchor { anchor: Anchor, exact: bool },
    /// `TakenOver_Group_<guid>`: seen in the wild, of unknown origin.
    TakenOver(Anchor),
    /// Begins like an anchor but is none.
    Malformed,
    /// Something else altogether.
    Other,
}

impl Anchor {
    pub const PREFIX: &'static str = "Group_";

    pub fn parse(text: &str) -> Option<Self> {
        let rest = text.strip_prefix(Self::PREFIX)?;
        if rest.starts_with('{') {
            return None;
        }
        ObjectGuid::parse(rest).map(Anchor)
    }
}

impl fmt::Display for Anchor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", Self::PREFIX, self.0)
    }
}

impl AnchorText {
    pub fn read(text: Option<&str>) -> Self {
        let Some(text) = text.filter(|t| !t.is_empty()) else { return AnchorText::Empty };
        if let Some(anchor) = Anchor::parse(text) {
            return AnchorText::Anchor { anchor, exact: !text.bytes().skip(6).any(|b| b.is_ascii_uppercase()) };
        }
        if let Some(anchor) = text.strip_prefix("TakenOver_").and_then(Anchor::parse) {
            return AnchorText::TakenOver(anchor);
        }
        if starts_like_anchor(text) { AnchorText::Malformed } else { AnchorText::Other }
    }
    pub fn anchor(self) -> Option<Anchor> {
        match self {
            AnchorText::Anchor { anchor, .. } => Some(anchor),
            _ => None,
        }
    }
}

/// True where AD's case-blind filter `(adminDescription=Group_*)` would match.
pub fn starts_like_anchor(text: &str) -> bool {
    text.get(..6).is_some_and(|p| p.eq_ignore_ascii_case(Anchor::PREFIX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads() {
        let guid = ObjectGuid::parse("3a5c3221-c465-48c0-95b8-e9305786a271").unwrap();
        let anchor = Anchor(guid);
        for (text, want) in [
            (None, AnchorText::Empty),
            (Some(""), AnchorText::Empty),
            (Some("Group_3a5c3221-c465-48c0-95b8-e9305786a271"), AnchorText::Anchor { anchor, exact: true }),
            (Some("Group_3A5C3221-C465-48C0-95B8-E9305786A271"), AnchorText::Anchor { anchor, exact: false }),
            (Some("TakenOver_Group_3a5c3221-c465-48c0-95b8-e9305786a271"), AnchorText::TakenOver(anchor)),
            (Some("group_3a5c3221-c465-48c0-95b8-e9305786a271"), AnchorText::Malformed),
            (Some("Group_{3a5c3221-c465-48c0-95b8-e9305786a271}"), AnchorText::Malformed),
            (Some("Group_3a5c3221-c465-48c0-95b8-e9305786a271 "), AnchorText::Malformed),
            (Some("Group_NoSync"), AnchorText::Malformed),
            (Some("User_3a5c3221-c465-48c0-95b8-e9305786a271"), AnchorText::Other),
            (Some("Grüße"), AnchorText::Other),
        ] {
            assert_eq!(AnchorText::read(text), want, "{text:?}");
        }
        assert_eq!(anchor.to_string(), "Group_3a5c3221-c465-48c0-95b8-e9305786a271");
    }
}
