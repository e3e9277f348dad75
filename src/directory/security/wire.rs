//! The self-relative byte form of a security descriptor.

use super::{Ace, AceKind, Dacl, Entry, SecurityDescriptor, SecurityError, control};
use crate::directory::{ObjectGuid, Sid};

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
