//! objectGUID: Active Directory keeps the first three fields little-endian, text and Entra write them big-endian.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;
use uuid::Uuid;

/// A GUID as text shows it; `from_ad_bytes` and `to_ad_bytes` speak AD's byte order (MS-DTYP 2.3.4.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ObjectGuid(Uuid);

impl ObjectGuid {
    pub const NIL: ObjectGuid = ObjectGuid(Uuid::nil());

    /// From the 16 bytes of an `objectGUID` value.
    pub fn from_ad_bytes(bytes: &[u8]) -> Option<Self> {
        Some(ObjectGuid(Uuid::from_bytes_le(bytes.try_into().ok()?)))
    }
    pub fn to_ad_bytes(self) -> [u8; 16] {
        self.0.to_bytes_le()
    }
    pub fn from_u128(value: u128) -> Self {
        ObjectGuid(Uuid::from_u128(value))
    }
    pub fn as_u128(self) -> u128 {
        self.0.as_u128()
    }
    pub fn is_nil(self) -> bool {
        self.0.is_nil()
    }
    /// From a base64 immutable id (`onPremisesImmutableId`: the bytes in AD's order).
    pub fn from_immutable_id(text: &str) -> Option<Self> {
        Self::from_ad_bytes(&STANDARD.decode(text.trim()).ok()?)
    }
    pub fn to_immutable_id(self) -> String {
        STANDARD.encode(self.to_ad_bytes())
    }
    /// Hyphenated text of 36 characters, with or without braces, in any letter case. Nothing else: no bare hex, no URN.
    pub fn parse(text: &str) -> Option<Self> {
        let text = match text.strip_prefix('{') {
            Some(inner) => inner.strip_suffix('}')?,
            None => text,
        };
        if text.len() != 36 {
            return None;
        }
        Uuid::try_parse(text).ok().map(ObjectGuid)
    }
}

impl fmt::Display for ObjectGuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.as_hyphenated().fmt(f)
    }
}

impl FromStr for ObjectGuid {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        Self::parse(text).ok_or_else(|| format!("{text:?} is not a GUID (xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx)"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn byte_orders() {
        let guid = ObjectGuid::parse("3a5c3221-c465-48c0-95b8-e9305786a271").unwrap();
        assert_eq!(guid.to_ad_bytes()[..8], [0x21, 0x32, 0x5c, 0x3a, 0x65, 0xc4, 0xc0, 0x48]);
        assert_eq!(guid.to_ad_bytes()[8..], [0x95, 0xb8, 0xe9, 0x30, 0x57, 0x86, 0xa2, 0x71]);
        assert_eq!(guid.to_immutable_id(), "ITJcOmXEwEiVuOkwV4aicQ==");
    }

    #[test]
    fn text_forms() {
        for (text, good) in [
            ("3A5C3221-C465-48C0-95B8-E9305786A271", true),
            ("{3a5c3221-c465-48c0-95b8-e9305786a271}", true),
            ("3a5c3221c46548c095b8e9305786a271", false),
            ("3a5c3221-c465-48c0-95b8-e9305786a27", false),
            ("{3a5c3221-c465-48c0-95b8-e9305786a271", false),
            ("", false),
            ("zzzzzzzz-c465-48c0-95b8-e9305786a271", false),
        ] {
            assert_eq!(ObjectGuid::parse(text).is_some(), good, "{text}");
        }
        assert!(ObjectGuid::from_ad_bytes(&[0; 15]).is_none());
        assert!(ObjectGuid::from_immutable_id("AAAA").is_none());
    }

    proptest! {
        #[test]
        fn round_trips(bytes in any::<[u8; 16]>()) {
            let guid = ObjectGuid::from_ad_bytes(&bytes).unwrap();
            prop_assert_eq!(guid.to_ad_bytes(), bytes);
            prop_assert_eq!(ObjectGuid::parse(&guid.to_string()), Some(guid));
            prop_assert_eq!(ObjectGuid::from_immutable_id(&guid.to_immutable_id()), Some(guid));
        }
    }
}
