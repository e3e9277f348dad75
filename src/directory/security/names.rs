//! The numbers of security descriptors by their names.

/// Bits of an access mask, by their names in Active Directory (MS-ADTS 5.1.3.2).
pub mod rights {
    pub const CREATE_CHILD: u32 = 0x1;
    pub const DELETE_CHILD: u32 = 0x2;
    pub const LIST: u32 = 0x4;
    /// A validated write, such as adding oneself to a group.
    pub const SELF: u32 = 0x8;
    pub const READ_PROPERTY: u32 = 0x10;
    pub const WRITE_PROPERTY: u32 = 0x20;
    pub const DELETE_TREE: u32 = 0x40;
    pub const LIST_OBJECT: u32 = 0x80;
    pub const CONTROL_ACCESS: u32 = 0x100;
    pub const DELETE: u32 = 0x1_0000;
    pub const READ_CONTROL: u32 = 0x2_0000;
    pub const WRITE_DAC: u32 = 0x4_0000;
    pub const WRITE_OWNER: u32 = 0x8_0000;
    pub const GENERIC_ALL: u32 = 0x1000_0000;
    pub const GENERIC_EXECUTE: u32 = 0x2000_0000;
    pub const GENERIC_WRITE: u32 = 0x4000_0000;
    pub const GENERIC_READ: u32 = 0x8000_0000;
    /// What the generic rights stand for on a directory object.
    pub const ALL: u32 = 0xF_01FF;
    pub const READ: u32 = READ_CONTROL | LIST | READ_PROPERTY | LIST_OBJECT;
    pub const WRITE: u32 = READ_CONTROL | SELF | WRITE_PROPERTY;
    pub const EXECUTE: u32 = READ_CONTROL | LIST;

    /// The mask with its generic rights written out.
    pub fn specific(mask: u32) -> u32 {
        let mut out = mask & 0x0FFF_FFFF;
        for (generic, meaning) in
            [(GENERIC_ALL, ALL), (GENERIC_EXECUTE, EXECUTE), (GENERIC_WRITE, WRITE), (GENERIC_READ, READ)]
        {
            if mask & generic != 0 {
                out |= meaning;
            }
        }
        out
    }
}

/// Flags of an access control entry.
pub mod inheritance {
    pub const OBJECT: u8 = 0x01;
    pub const CONTAINER: u8 = 0x02;
    pub const NO_PROPAGATE: u8 = 0x04;
    /// The entry is only there for children; it does not apply to the object that carries it.
    pub const ONLY: u8 = 0x08;
    pub const INHERITED: u8 = 0x10;
}

/// Control flags of a descriptor.
pub mod control {
    pub const DACL_PRESENT: u16 = 0x0004;
    pub const SACL_PRESENT: u16 = 0x0010;
    pub const DACL_AUTO_INHERITED: u16 = 0x0400;
    pub const DACL_PROTECTED: u16 = 0x1000;
    pub const SELF_RELATIVE: u16 = 0x8000;
}

/// Classes, attributes and property sets by their schema identifiers, which are the same in every forest.
pub mod schema {
    use crate::directory::ObjectGuid;

    macro_rules! guids {
        ($($(#[$doc:meta])* $name:ident = $value:literal;)*) => {
            $($(#[$doc])* pub fn $name() -> ObjectGuid { ObjectGuid::from_u128($value) })*
        };
    }
    guids! {
        class_group = 0xbf967a9c_0de6_11d0_a285_00aa003049e2;
        class_user = 0xbf967aba_0de6_11d0_a285_00aa003049e2;
        member = 0xbf9679c0_0de6_11d0_a285_00aa003049e2;
        /// The property set that `member` belongs to.
        membership = 0xbc0ac240_79a9_11d0_9020_00c04fc2d4cf;
        /// The relative distinguished name.
        name = 0xbf967a0e_0de6_11d0_a285_00aa003049e2;
        cn = 0xbf96793f_0de6_11d0_a285_00aa003049e2;
        /// The property set that both belong to.
        public_information = 0xe48d0154_bcf8_11d1_8702_00c04fb96050;
        /// msDS-ExternalDirectoryObjectId.
        edoi = 0xbd29bf90_66ad_40e1_887b_10df070419a6;
        /// The property set that EDOI belongs to.
        personal_information = 0x77b5b886_944a_11d1_aebd_0000f80367c1;
        admin_description = 0xbf967919_0de6_11d0_a285_00aa003049e2;
        /// The property set that `adminDescription` belongs to.
        general_information = 0x59ba2f42_79a2_11d0_9020_00c04fc2d3cf;
    }
}
