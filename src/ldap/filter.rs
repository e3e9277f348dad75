//! Values as they have to be written into a search filter.

use crate::directory::ObjectGuid;
use std::fmt::Write;

/// A text value, with what has a meaning in filters escaped.
pub fn escape(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    for c in value.chars() {
        match c {
            '\\' | '*' | '(' | ')' | '\0' => {
                let _ = write!(out, "\\{:02x}", c as u32);
            }
            _ => out.push(c),
        }
    }
    out
}

/// A binary value, every byte escaped.
pub fn escape_bytes(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 3), |mut out, b| {
        let _ = write!(out, "\\{b:02x}");
        out
    })
}

/// The filter for the one object with this objectGUID.
pub fn guid_filter(guid: ObjectGuid) -> String {
    format!("(objectGUID={})", escape_bytes(&guid.to_ad_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_means_something_in_a_filter_is_escaped() {
        for (value, expected) in [
            ("Sales", "Sales"),
            ("a*b(c)d\\e", "a\\2ab\\28c\\29d\\5ce"),
            ("nul\0", "nul\\00"),
            ("Größe & Ürün", "Größe & Ürün"),
        ] {
            assert_eq!(escape(value), expected);
        }
        assert_eq!(escape_bytes(&[0, 0x2a, 0xff]), "\\00\\2a\\ff");
    }
}
