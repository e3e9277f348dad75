//! Why a write came back. The controller's code tells most of it; where one code stands for several reasons, the object
//! is looked at: a guard held only where what was to be removed is not there, or what was to be added is.

use super::LiveDirectory;
use super::lines::Unwritten;
use crate::cutover::port::{Change, ObjectState, Refusal, WriteFault};
use crate::directory::{ObjectGuid, same_dn};
use crate::ldap::{Fault, FaultKind};
use std::collections::HashMap;

/// What the answer alone says.
fn refusal(fault: &Fault) -> Refusal {
    match fault.kind {
        // Sent, and no answer that could be read.
        _ if fault.code.is_none() => Refusal::Doubt,
        FaultKind::Busy => Refusal::Busy,
        FaultKind::AccessDenied => Refusal::Right,
        FaultKind::NoSuchObject => Refusal::Missing,
        FaultKind::Guard => Refusal::Guard,
        _ => Refusal::Other,
    }
}

/// Codes that stand for a held guard and for other things too: an attribute that the schema lacks, a constraint, a refusal
/// of any sort, an existing object.
const AMBIGUOUS: [u32; 4] = [16, 19, 53, 68];

impl LiveDirectory {
    /// The reason of a write to an object that exists, as far as anybody knows.
    pub(super) async fn judged(
        &self,
        guid: ObjectGuid,
        unwritten: Unwritten,
        broken: impl Fn(&ObjectState) -> bool,
    ) -> WriteFault {
        let fault = match unwritten {
            Unwritten::NotSent(error) => return WriteFault::new(Refusal::Busy, error),
            Unwritten::Fault(fault) => *fault,
        };
        let mut refusal = refusal(&fault);
        let ambiguous = refusal == Refusal::Guard && fault.code.is_some_and(|code| AMBIGUOUS.contains(&code));
        if (ambiguous || refusal == Refusal::Missing)
            && let Ok(mut now) = self.read_whole(&[guid]).await
        {
            refusal = match now.pop().flatten() {
                None => Refusal::Missing,
                Some(state) if broken(&state) => Refusal::Guard,
                // It is there: something that the write names is not.
                Some(_) => Refusal::Other,
            };
        }
        WriteFault::new(refusal, fault.into())
    }
}

/// A fault of a write to an object that is not there yet.
pub(super) fn of_creation(unwritten: Unwritten) -> WriteFault {
    match unwritten {
        Unwritten::NotSent(error) => WriteFault::new(Refusal::Busy, error),
        Unwritten::Fault(fault) => {
            let refusal = match refusal(&fault) {
                Refusal::Missing | Refusal::Guard => Refusal::Other,
                other => other,
            };
            WriteFault::new(refusal, (*fault).into())
        }
    }
}

/// Whether these changes cannot succeed on this object, because a value is or is not there.
pub(super) fn guard_broken(state: &ObjectState, changes: &[Change]) -> bool {
    let mut held: HashMap<String, Vec<Vec<u8>>> = HashMap::new();
    for change in changes {
        let (Change::Add { attribute, .. } | Change::Delete { attribute, .. } | Change::Replace { attribute, .. }) =
            change;
        let held = held.entry(attribute.to_ascii_lowercase()).or_insert_with(|| state.values(attribute).to_vec());
        match change {
            Change::Replace { values, .. } => held.clone_from(values),
            Change::Delete { values, .. } if values.is_empty() => {
                if held.is_empty() {
                    return true;
                }
                held.clear();
            }
            Change::Delete { values, .. } => {
                for value in values {
                    match held.iter().position(|h| same_value(h, value)) {
                        Some(at) => drop(held.swap_remove(at)),
                        None => return true,
                    }
                }
            }
            Change::Add { values, .. } => {
                // All that a run adds to, but `member`, has one value at most.
                let full = !held.is_empty() && !attribute.eq_ignore_ascii_case("member");
                if full || values.iter().any(|v| held.iter().any(|h| same_value(h, v))) {
                    return true;
                }
                held.extend(values.iter().cloned());
            }
        }
    }
    false
}

/// As the directory compares: text without regard to letter case, names by their meaning.
fn same_value(a: &[u8], b: &[u8]) -> bool {
    a == b
        || match (std::str::from_utf8(a), std::str::from_utf8(b)) {
            (Ok(a), Ok(b)) => a.to_lowercase() == b.to_lowercase() || (a.contains('=') && same_dn(a, b)),
            _ => false,
        }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cutover::port::STAMP;

    #[test]
    fn a_guard_is_broken_by_what_is_and_what_is_not_there() {
        let state = ObjectState {
            attributes: [
                (STAMP.to_owned(), vec![b"Group_1".to_vec()]),
                ("member".to_owned(), vec![b"CN=A\\, B,DC=x".to_vec(), b"CN=C,DC=x".to_vec()]),
            ]
            .into(),
            ..ObjectState::default()
        };
        let bytes = |values: &[&str]| values.iter().map(|v| v.as_bytes().to_vec()).collect::<Vec<_>>();
        let add = |a: &str, v: &[&str]| Change::Add { attribute: a.to_owned(), values: bytes(v) };
        let delete = |a: &str, v: &[&str]| Change::Delete { attribute: a.to_owned(), values: bytes(v) };
        for (changes, expected) in [
            (vec![add(STAMP, &["Group_2"])], true),
            (vec![delete(STAMP, &["group_1"]), add(STAMP, &["Group_2"])], false),
            (vec![delete(STAMP, &["Group_9"]), add(STAMP, &["Group_2"])], true),
            (vec![delete(STAMP, &[]), add(STAMP, &["Group_1"])], false),
            (vec![delete("info", &[])], true),
            (vec![add("info", &["x"])], false),
            (vec![add("member", &["cn=a\\2c b,dc=X"])], true),
            (vec![add("member", &["CN=D,DC=x"])], false),
            (vec![delete("MEMBER", &["CN=C,DC=x", "CN=D,DC=x"])], true),
            (vec![delete("member", &["CN=C,DC=x"]), add("member", &["CN=C,DC=x"])], false),
            (
                vec![Change::Replace { attribute: STAMP.to_owned(), values: Vec::new() }, add(STAMP, &["Group_1"])],
                false,
            ),
        ] {
            assert_eq!(guard_broken(&state, &changes), expected, "{changes:?}");
        }
    }
}
