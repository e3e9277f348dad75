//! Security descriptors as Active Directory keeps them in `nTSecurityDescriptor`: the self-relative form of MS-DTYP
//! 2.4.6, read and written, and the one question the program asks of them: may these accounts do this?

use super::{ObjectGuid, Sid};

mod names;
mod wire;

pub use names::{control, inheritance, rights, schema};

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
    /// A validated write, such as adding or removing oneself as a member.
    Validated(ObjectGuid),
    CreateChild(ObjectGuid),
    DeleteChild(ObjectGuid),
    Delete,
    DeleteTree,
    WriteDac,
    WriteOwner,
    GenericAll,
    GenericWrite,
}

impl Right {
    pub fn write_member() -> Right {
        Right::WriteProperty { attribute: schema::member(), set: Some(schema::membership()) }
    }
    /// The name itself, which a rename or a move writes, and the attribute that it is made of.
    pub fn rename() -> [Right; 2] {
        [schema::name(), schema::cn()]
            .map(|attribute| Right::WriteProperty { attribute, set: Some(schema::public_information()) })
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
            Right::Validated(_) => rights::SELF,
            Right::CreateChild(_) => rights::CREATE_CHILD,
            Right::DeleteChild(_) => rights::DELETE_CHILD,
            Right::Delete => rights::DELETE,
            Right::DeleteTree => rights::DELETE_TREE,
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
            Right::CreateChild(class) | Right::DeleteChild(class) | Right::Validated(class) => object_type == class,
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

#[cfg(test)]
mod tests;
