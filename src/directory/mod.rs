//! The words of the field as types.

mod anchor;
mod dn;
mod group_type;
mod guid;
mod sid;

pub use anchor::{Anchor, AnchorText, starts_like_anchor};
pub use dn::{Dn, DnError, Rdn, escape_value, same_dn, write_key};
pub use group_type::GroupType;
pub use guid::ObjectGuid;
pub use sid::Sid;
