//! The words of the field as types.

mod anchor;
pub mod connect;
mod dn;
pub mod events;
mod group_type;
mod guid;
pub mod inventory;
mod membership;
pub mod security;
mod sid;
mod text;

pub use anchor::{Anchor, AnchorText, starts_like_anchor};
pub use dn::{Dn, DnError, KeyWriter, Rdn, escape_value, same_dn, split, write_key};
pub use group_type::GroupType;
pub use guid::ObjectGuid;
pub use inventory::Inventory;
pub use membership::Rows;
pub use sid::Sid;
pub use text::{Arena, Text};
