//! LDAP controls this program sends, and what it reads of those that come back. What safety rests on is sent critical:
//! a server that does not know the control then refuses instead of doing something else.

use super::ber::{fields, integer, negative, octets, sequence};
use ldap3::controls::RawControl;

/// Which parts of a security descriptor to read: owner, group and DACL need no special right; the SACL does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SdParts {
    OwnerGroupDacl,
    Dacl,
}

/// A step of a DirSync search. An empty cookie starts from the beginning.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DirSync {
    /// Only what the account may read by its object rights; without it the account needs "Replicating Directory Changes".
    pub object_security: bool,
    /// Values of linked attributes one by one, instead of whole attributes.
    pub incremental_values: bool,
    pub max_bytes: u32,
    pub cookie: Vec<u8>,
}

/// A control of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Control {
    /// Pages of at most so many entries; the cookie of the page before, or none.
    Paged {
        size: u32,
        cookie: Vec<u8>,
    },
    /// Which parts of `nTSecurityDescriptor` to return.
    SdFlags(SdParts),
    /// Deleted objects too.
    ShowDeleted,
    /// Deleted and recycled objects too.
    ShowRecycled,
    /// Names with the object's GUID and SID before them.
    ExtendedDn,
    DirSync(DirSync),
    /// Stay in this naming context: no continuation references.
    DomainScope,
}

pub(super) const PAGED: &str = "1.2.840.113556.1.4.319";
const SD_FLAGS: &str = "1.2.840.113556.1.4.801";
const SHOW_DELETED: &str = "1.2.840.113556.1.4.417";
const SHOW_RECYCLED: &str = "1.2.840.113556.1.4.2064";
const EXTENDED_DN: &str = "1.2.840.113556.1.4.529";
pub(super) const DIR_SYNC: &str = "1.2.840.113556.1.4.841";
const DOMAIN_SCOPE: &str = "1.2.840.113556.1.4.1339";

impl Control {
    pub fn oid(&self) -> &'static str {
        match self {
            Control::Paged { .. } => PAGED,
            Control::SdFlags(_) => SD_FLAGS,
            Control::ShowDeleted => SHOW_DELETED,
            Control::ShowRecycled => SHOW_RECYCLED,
            Control::ExtendedDn => EXTENDED_DN,
            Control::DirSync(_) => DIR_SYNC,
            Control::DomainScope => DOMAIN_SCOPE,
        }
    }

    pub(super) fn raw(&self) -> RawControl {
        let val = match self {
            Control::Paged { size, cookie } => Some(sequence(&[integer(u64::from(*size)), octets(cookie)])),
            Control::SdFlags(parts) => {
                let flags = match parts {
                    SdParts::OwnerGroupDacl => 7,
                    SdParts::Dacl => 4,
                };
                Some(sequence(&[integer(flags)]))
            }
            Control::ShowDeleted | Control::ShowRecycled | Control::DomainScope => None,
            Control::ExtendedDn => Some(sequence(&[integer(1)])),
            Control::DirSync(sync) => {
                let mut flags = 0;
                if sync.object_security {
                    flags |= 1;
                }
                // The flag is the top bit of a signed number.
                let flags = match sync.incremental_values {
                    true => negative(i32::MIN | flags),
                    false => integer(flags as u64),
                };
                Some(sequence(&[flags, integer(u64::from(sync.max_bytes)), octets(&sync.cookie)]))
            }
        };
        RawControl { ctype: self.oid().to_owned(), crit: true, val }
    }
}

/// The cookie of a paged answer; empty at the last page, `None` where the value is malformed.
pub(super) fn paged_cookie(value: &[u8]) -> Option<Vec<u8>> {
    let fields = fields(value)?;
    fields.get(1).map(|f| f.to_vec())
}

/// Whether more is to come, and the cookie to go on with.
pub(super) fn dir_sync(value: &[u8]) -> Option<(bool, Vec<u8>)> {
    let fields = fields(value)?;
    let more = fields.first()?.iter().any(|b| *b != 0);
    fields.get(2).map(|f| (more, f.to_vec()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn values_are_the_published_encodings() {
        for (control, expected) in [
            (Control::SdFlags(SdParts::OwnerGroupDacl), Some(vec![0x30, 3, 2, 1, 7])),
            (Control::SdFlags(SdParts::Dacl), Some(vec![0x30, 3, 2, 1, 4])),
            (Control::ExtendedDn, Some(vec![0x30, 3, 2, 1, 1])),
            (Control::ShowDeleted, None),
            (Control::Paged { size: 1000, cookie: vec![] }, Some(vec![0x30, 6, 2, 2, 3, 0xe8, 4, 0])),
            (
                Control::DirSync(DirSync {
                    object_security: true,
                    incremental_values: true,
                    max_bytes: 0,
                    cookie: vec![9],
                }),
                Some(vec![0x30, 12, 2, 4, 0x80, 0, 0, 1, 2, 1, 0, 4, 1, 9]),
            ),
        ] {
            let raw = control.raw();
            assert!(raw.crit, "{control:?} is sent critical");
            assert_eq!(raw.val, expected, "{control:?}");
        }
    }

    proptest! {
        #[test]
        fn a_cookie_survives_both_ways(cookie in proptest::collection::vec(any::<u8>(), 0..400), size in any::<u32>()) {
            let raw = Control::Paged { size, cookie: cookie.clone() }.raw();
            prop_assert_eq!(paged_cookie(&raw.val.unwrap()), Some(cookie));
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
            let _ = paged_cookie(&bytes);
            let _ = dir_sync(&bytes);
        }
    }
}
