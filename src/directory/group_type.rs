//! `groupType`: scope and kind of an AD group as one signed 32-bit number (MS-ADTS 2.2.12).

use serde::{Deserialize, Serialize};
use std::fmt;

/// A `groupType` value; LDAP carries it as a signed decimal (`-2147483640` is a universal security group).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct GroupType(pub i32);

impl GroupType {
    pub const BUILTIN_LOCAL: i32 = 0x1;
    pub const GLOBAL: i32 = 0x2;
    pub const DOMAIN_LOCAL: i32 = 0x4;
    pub const UNIVERSAL: i32 = 0x8;
    pub const SECURITY: i32 = i32::MIN;

    pub const UNIVERSAL_SECURITY: GroupType = GroupType(Self::SECURITY | Self::UNIVERSAL);
    pub const UNIVERSAL_DISTRIBUTION: GroupType = GroupType(Self::UNIVERSAL);

    /// Signed, or unsigned as some exports print it.
    pub fn parse(text: &str) -> Option<Self> {
        let value: i64 = text.trim().parse().ok()?;
        i32::try_from(value).or_else(|_| u32::try_from(value).map(|v| v as i32)).ok().map(GroupType)
    }
    pub fn is_universal(self) -> bool {
        self.0 & Self::UNIVERSAL != 0
    }
    pub fn is_security(self) -> bool {
        self.0 & Self::SECURITY != 0
    }
    pub fn scope(self) -> &'static str {
        match self.0 {
            v if v & Self::UNIVERSAL != 0 => "universal",
            v if v & Self::BUILTIN_LOCAL != 0 => "builtin local",
            v if v & Self::GLOBAL != 0 => "global",
            v if v & Self::DOMAIN_LOCAL != 0 => "domain local",
            _ => "no known scope",
        }
    }
}

impl fmt::Display for GroupType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.scope(), if self.is_security() { "security" } else { "distribution" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words() {
        for (text, words) in [
            ("-2147483640", "universal security"),
            ("2147483656", "universal security"),
            ("-2147483646", "global security"),
            ("-2147483644", "domain local security"),
            ("-2147483643", "builtin local security"),
            ("8", "universal distribution"),
            ("2", "global distribution"),
            ("0", "no known scope distribution"),
        ] {
            assert_eq!(GroupType::parse(text).unwrap().to_string(), words, "{text}");
        }
        for text in ["", "eight", "4294967296", "-2147483649"] {
            assert_eq!(GroupType::parse(text), None, "{text}");
        }
    }
}
