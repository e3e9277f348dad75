//! Security descriptors as Active Directory keeps them in `nTSecurityDescriptor`: the self-relative form of MS-DTYP
//! 2.4.6, read and written, and the one question the program asks of them: may these accounts do this?

use super::{ObjectGuid, Sid};

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
    use super::ObjectGuid;

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
        /// msDS-ExternalDirectoryObjectId.
        edoi = 0xbd29bf90_66ad_40e1_887b_10df070419a6;
        /// The property set that EDOI belongs to.
        personal_information = 0x77b5b886_944a_11d1_aebd_0000f80367c1;
        admin_description = 0xbf967919_0de6_11d0_a285_00aa003049e2;
        /// The property set that `adminDescription` belongs to.
        general_information = 0x59ba2f42_79a2_11d0_9020_00c04fc2d3cf;
    }
}

/// Why bytes are no security descriptor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a security descriptor: {what} at byte {at}")]
pub struct SecurityError {
    pub what: &'static str,
    pub at: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AceKind {
    Allow,
    Deny,
}

/// One access control entry that allows or denies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ace {
    pub kind: AceKind,
    /// Of `inheritance`.
    pub flags: u8,
    /// Of `rights`.
    pub mask: u32,
    /// The attribute, property set, child class or extended right that the entry is limited to.
    pub object_type: Option<ObjectGuid>,
    /// The class of children that inherit the entry; `None` is every class.
    pub inherited_object_type: Option<ObjectGuid>,
    pub trustee: Sid,
}

impl Ace {
    pub fn allow(trustee: Sid, mask: u32) -> Self {
        Ace { kind: AceKind::Allow, flags: 0, mask, object_type: None, inherited_object_type: None, trustee }
    }
    pub fn deny(trustee: Sid, mask: u32) -> Self {
        Ace { kind: AceKind::Deny, ..Ace::allow(trustee, mask) }
    }
    pub fn on(mut self, object_type: ObjectGuid) -> Self {
        self.object_type = Some(object_type);
        self
    }
    pub fn flags(mut self, flags: u8) -> Self {
        self.flags = flags;
        self
    }
    /// Inherited by children of this class and by nothing else.
    pub fn for_children(mut self, class: ObjectGuid) -> Self {
        self.flags |= inheritance::CONTAINER | inheritance::ONLY;
        self.inherited_object_type = Some(class);
        self
    }
}

/// An entry of a list: one that allows or denies, or one of another type, kept as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry {
    Ace(Ace),
    Opaque { kind: u8, flags: u8, body: Vec<u8> },
}

/// The discretionary list. No list at all, a null list and an empty list are three different things.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Dacl {
    /// The descriptor was read without its list: it tells nothing about access.
    Absent,
    /// The list is null: everybody may do everything.
    Null,
    /// With no entry, nobody may do anything.
    List(Vec<Entry>),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecurityDescriptor {
    /// Of `control`; the flags that say which parts are there are set by `to_bytes` itself.
    pub control: u16,
    pub owner: Option<Sid>,
    pub group: Option<Sid>,
    pub dacl: Dacl,
}

/// What an account wants to do to the object that carries the descriptor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Right {
    WriteProperty {
        attribute: ObjectGuid,
        /// The property set that the attribute belongs to.
        set: Option<ObjectGuid>,
    },
    CreateChild(ObjectGuid),
    DeleteChild(ObjectGuid),
    Delete,
    WriteDac,
    WriteOwner,
    GenericAll,
    GenericWrite,
}

impl Right {
    pub fn write_member() -> Right {
        Right::WriteProperty { attribute: schema::member(), set: Some(schema::membership()) }
    }
    pub fn write_edoi() -> Right {
        Right::WriteProperty { attribute: schema::edoi(), set: Some(schema::personal_information()) }
    }
    pub fn write_admin_description() -> Right {
        Right::WriteProperty { attribute: schema::admin_description(), set: Some(schema::general_information()) }
    }

    fn mask(self) -> u32 {
        match self {
            Right::WriteProperty { .. } => rights::WRITE_PROPERTY,
            Right::CreateChild(_) => rights::CREATE_CHILD,
            Right::DeleteChild(_) => rights::DELETE_CHILD,
            Right::Delete => rights::DELETE,
            Right::WriteDac => rights::WRITE_DAC,
            Right::WriteOwner => rights::WRITE_OWNER,
            Right::GenericAll => rights::ALL,
            Right::GenericWrite => rights::WRITE,
        }
    }

    /// Whether an entry limited to `object_type` speaks of this right. Such an entry never grants a right over the whole
    /// object, but a denial of a part takes something of the whole away.
    fn covered(self, kind: AceKind, object_type: ObjectGuid) -> bool {
        match self {
            Right::WriteProperty { attribute, set } => object_type == attribute || Some(object_type) == set,
            Right::CreateChild(class) | Right::DeleteChild(class) => object_type == class,
            _ => kind == AceKind::Deny,
        }
    }
}

/// The answer to `SecurityDescriptor::access`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    Granted,
    Denied,
    /// The descriptor has no list, or the answer hangs on a conditional entry.
    Unknown,
}

impl SecurityDescriptor {
    pub fn parse(bytes: &[u8]) -> Result<Self, SecurityError> {
        let error = |what, at| SecurityError { what, at };
        if bytes.len() < 20 {
            return Err(error("the header ends too early", bytes.len()));
        }
        if bytes[0] != 1 {
            return Err(error("an unknown revision", 0));
        }
        let control = u16::from_le_bytes([bytes[2], bytes[3]]);
        if control & control::SELF_RELATIVE == 0 {
            return Err(error("the self-relative flag is missing", 2));
        }
        let sid = |at: usize| match u32_at(bytes, at)? as usize {
            0 => Ok(None),
            offset => match bytes.get(offset..).and_then(Sid::from_prefix) {
                Some((sid, _)) if offset >= 20 => Ok(Some(sid)),
                _ => Err(SecurityError { what: "no security identifier", at: offset }),
            },
        };
        let (owner, group) = (sid(4)?, sid(8)?);
        let dacl = match (control & control::DACL_PRESENT != 0, u32_at(bytes, 16)? as usize) {
            (false, _) => Dacl::Absent,
            (true, 0) => Dacl::Null,
            (true, offset) => Dacl::List(acl(bytes, offset)?),
        };
        // A system list is of no use here, but a broken one means that the bytes cannot be trusted.
        let system = u32_at(bytes, 12)? as usize;
        if control & control::SACL_PRESENT != 0 && system != 0 {
            acl(bytes, system)?;
        }
        Ok(SecurityDescriptor { control, owner, group, dacl })
    }

    /// The self-relative bytes, without a system list; `None` where the list is longer than a descriptor can hold.
    pub fn to_bytes(&self) -> Option<Vec<u8>> {
        let mut control = self.control & !(control::SACL_PRESENT | control::DACL_PRESENT) | control::SELF_RELATIVE;
        if self.dacl != Dacl::Absent {
            control |= control::DACL_PRESENT;
        }
        let mut out = vec![1, 0];
        out.extend_from_slice(&control.to_le_bytes());
        out.resize(20, 0);
        let mut part = |slot: usize, bytes: &[u8]| {
            let offset = out.len() as u32;
            out[slot..slot + 4].copy_from_slice(&offset.to_le_bytes());
            out.extend_from_slice(bytes);
        };
        // Windows writes the list first, then owner and group.
        if let Dacl::List(entries) = &self.dacl {
            part(16, &acl_bytes(entries)?);
        }
        if let Some(owner) = &self.owner {
            part(4, &owner.to_bytes());
        }
        if let Some(group) = &self.group {
            part(8, &group.to_bytes());
        }
        Some(out)
    }

    /// The list takes nothing from the parent.
    pub fn is_protected(&self) -> bool {
        self.control & control::DACL_PROTECTED != 0
    }

    /// The entries that allow or deny, in their order.
    pub fn aces(&self) -> impl Iterator<Item = &Ace> {
        self.entries().iter().filter_map(|entry| match entry {
            Entry::Ace(ace) => Some(ace),
            Entry::Opaque { .. } => None,
        })
    }

    fn entries(&self) -> &[Entry] {
        match &self.dacl {
            Dacl::List(entries) => entries,
            Dacl::Absent | Dacl::Null => &[],
        }
    }

    /// Whether an account that is all of `trustees` (its own SID, those of its groups, and what everybody is: Everyone,
    /// Authenticated Users) certainly holds the right.
    pub fn grants(&self, trustees: &[Sid], wanted: Right) -> bool {
        self.access(trustees, wanted) == Access::Granted
    }

    /// As Windows decides: entries in their order, the first that speaks of a wanted bit settles it.
    pub fn access(&self, trustees: &[Sid], wanted: Right) -> Access {
        let entries = match &self.dacl {
            Dacl::Absent => return Access::Unknown,
            Dacl::Null => return Access::Granted,
            Dacl::List(entries) => entries,
        };
        let mut missing = wanted.mask();
        let is_owner = self.owner.as_ref().is_some_and(|owner| trustees.contains(owner));
        let limits_owner = |ace: &Ace| ace.flags & inheritance::ONLY == 0 && is_owner_rights(&ace.trustee);
        if is_owner && !self.aces().any(limits_owner) {
            missing &= !(rights::READ_CONTROL | rights::WRITE_DAC);
        }
        let (mut may_allow, mut may_deny) = (false, false);
        for entry in entries {
            if missing == 0 {
                break;
            }
            match entry {
                Entry::Ace(ace) => {
                    let bits = rights::specific(ace.mask) & missing;
                    let meant = trustees.contains(&ace.trustee) || (is_owner && is_owner_rights(&ace.trustee));
                    let spoken = ace.object_type.is_none_or(|t| wanted.covered(ace.kind, t));
                    if ace.flags & inheritance::ONLY != 0 || bits == 0 || !meant || !spoken {
                        continue;
                    }
                    match ace.kind {
                        AceKind::Allow => missing &= !bits,
                        // What an earlier condition may have allowed, this denial does not reach.
                        AceKind::Deny if may_allow => return Access::Unknown,
                        AceKind::Deny => return Access::Denied,
                    }
                }
                // Conditional entries (MS-DTYP 2.4.4.17) hang on claims of the account, which nothing here knows.
                Entry::Opaque { kind: 0x09..=0x0c, flags, body } if flags & inheritance::ONLY == 0 => {
                    let mask = body.first_chunk::<4>().map_or(u32::MAX, |b| u32::from_le_bytes(*b));
                    if rights::specific(mask) & missing != 0 {
                        let allows = matches!(entry, Entry::Opaque { kind: 0x09 | 0x0b, .. });
                        may_allow |= allows;
                        may_deny |= !allows;
                    }
                }
                Entry::Opaque { .. } => {}
            }
        }
        match (missing == 0, may_allow, may_deny) {
            (true, _, false) => Access::Granted,
            (false, false, _) => Access::Denied,
            _ => Access::Unknown,
        }
    }

    /// The entries that a new child of `class` would inherit, as it would carry them.
    pub fn inheritable(&self, class: ObjectGuid) -> Vec<Ace> {
        let mut out = Vec::new();
        for ace in self.aces().filter(|ace| ace.flags & inheritance::CONTAINER != 0) {
            let applies = ace.inherited_object_type.is_none_or(|c| c == class);
            let stays = ace.flags & inheritance::NO_PROPAGATE == 0;
            if !applies && !stays {
                continue;
            }
            let mut child = ace.clone();
            child.flags = (ace.flags | inheritance::INHERITED) & !inheritance::ONLY;
            if !stays {
                child.flags = inheritance::INHERITED;
            }
            if !applies {
                child.flags |= inheritance::ONLY;
            }
            out.push(child);
        }
        out
    }
}

/// OWNER RIGHTS, S-1-3-4: limits what owning an object gives.
fn is_owner_rights(sid: &Sid) -> bool {
    Sid::new(3, vec![4]).as_ref() == Some(sid)
}

fn u32_at(bytes: &[u8], at: usize) -> Result<u32, SecurityError> {
    match bytes.get(at..).and_then(|rest| rest.first_chunk::<4>()) {
        Some(four) => Ok(u32::from_le_bytes(*four)),
        None => Err(SecurityError { what: "a number ends too early", at }),
    }
}

fn acl(bytes: &[u8], offset: usize) -> Result<Vec<Entry>, SecurityError> {
    let error = |what, at| SecurityError { what, at };
    let Some(&[revision, _, size0, size1, count0, count1, _, _]) =
        bytes.get(offset..).and_then(|b| b.first_chunk::<8>())
    else {
        return Err(error("the list's header ends too early", offset));
    };
    if !matches!(revision, 2 | 4) {
        return Err(error("an unknown list revision", offset));
    }
    let (size, count) = (usize::from(u16::from_le_bytes([size0, size1])), u16::from_le_bytes([count0, count1]));
    let Some(list) = bytes.get(offset..offset.saturating_add(size)).filter(|_| size >= 8 && offset >= 20) else {
        return Err(error("the list does not fit", offset));
    };
    let mut entries = Vec::with_capacity(usize::from(count).min(list.len() / 8));
    let mut at = 8;
    for _ in 0..count {
        let here = offset + at;
        let Some(&[kind, flags, low, high]) = list.get(at..).and_then(|b| b.first_chunk::<4>()) else {
            return Err(error("an entry's header ends too early", here));
        };
        let length = usize::from(u16::from_le_bytes([low, high]));
        let Some(body) = list.get(at + 4..at + length.max(4)).filter(|_| length >= 4) else {
            return Err(error("an entry does not fit", here));
        };
        entries.push(match kind {
            0 | 1 | 5 | 6 => Entry::Ace(ace(kind, flags, body, here)?),
            _ => Entry::Opaque { kind, flags, body: body.to_vec() },
        });
        at += length;
    }
    Ok(entries)
}

fn ace(kind: u8, flags: u8, body: &[u8], here: usize) -> Result<Ace, SecurityError> {
    let within = |e: SecurityError| SecurityError { at: here + 4 + e.at, ..e };
    let mask = u32_at(body, 0).map_err(within)?;
    let mut at = 4;
    let mut guids = [None, None];
    if kind >= 5 {
        let present = u32_at(body, at).map_err(within)?;
        at += 4;
        for (bit, slot) in guids.iter_mut().enumerate() {
            if present & (1 << bit) != 0 {
                let guid = body.get(at..at + 16).and_then(ObjectGuid::from_ad_bytes);
                *slot = Some(guid.ok_or(SecurityError { what: "an object type ends too early", at: here + 4 + at })?);
                at += 16;
            }
        }
    }
    let Some((trustee, _)) = body.get(at..).and_then(Sid::from_prefix) else {
        return Err(SecurityError { what: "no security identifier", at: here + 4 + at });
    };
    let [object_type, inherited_object_type] = guids;
    let kind = if matches!(kind, 0 | 5) { AceKind::Allow } else { AceKind::Deny };
    Ok(Ace { kind, flags, mask, object_type, inherited_object_type, trustee })
}

fn acl_bytes(entries: &[Entry]) -> Option<Vec<u8>> {
    let mut out = vec![2, 0, 0, 0];
    out.extend_from_slice(&u16::try_from(entries.len()).ok()?.to_le_bytes());
    out.extend_from_slice(&[0, 0]);
    for entry in entries {
        let start = out.len();
        match entry {
            Entry::Opaque { kind, flags, body } => {
                out.extend_from_slice(&[*kind, *flags, 0, 0]);
                out.extend_from_slice(body);
                // Every type from 5 to 12 but the plain conditional ones came with the object types of revision 4.
                if *kind > 4 {
                    out[0] = 4;
                }
            }
            Entry::Ace(ace) => {
                let types = [ace.object_type, ace.inherited_object_type];
                let typed = types.iter().any(Option::is_some);
                let kind = u8::from(ace.kind == AceKind::Deny) + if typed { 5 } else { 0 };
                out.extend_from_slice(&[kind, ace.flags, 0, 0]);
                out.extend_from_slice(&ace.mask.to_le_bytes());
                if typed {
                    out[0] = 4;
                    let present = u32::from(types[0].is_some()) | u32::from(types[1].is_some()) << 1;
                    out.extend_from_slice(&present.to_le_bytes());
                    types.iter().flatten().for_each(|guid| out.extend_from_slice(&guid.to_ad_bytes()));
                }
                out.extend_from_slice(&ace.trustee.to_bytes());
            }
        }
        let length = u16::try_from(out.len() - start).ok()?;
        out[start + 2..start + 4].copy_from_slice(&length.to_le_bytes());
    }
    let size = u16::try_from(out.len()).ok()?;
    out[2..4].copy_from_slice(&size.to_le_bytes());
    Some(out)
}

#[cfg(test)]
mod tests;
