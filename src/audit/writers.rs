//! Who may write an object, by its access list: of everyone whom an entry names, and of the owner, which of the rights
//! that matter for a governed group they hold.

use crate::directory::Sid;
use crate::directory::security::{Access, AceKind, Dacl, Entry, Right, SecurityDescriptor, inheritance, schema};

/// What somebody may do, as bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Powers(pub u8);

impl Powers {
    pub const MEMBER: Powers = Powers(1);
    pub const SELF: Powers = Powers(1 << 1);
    pub const DELETE: Powers = Powers(1 << 2);
    pub const RENAME: Powers = Powers(1 << 3);
    pub const DACL: Powers = Powers(1 << 4);
    pub const OWNER: Powers = Powers(1 << 5);
    const NAMES: [(Powers, &'static str); 6] = [
        (Powers::MEMBER, "write member"),
        (Powers::SELF, "add or remove itself as member"),
        (Powers::DELETE, "delete"),
        (Powers::RENAME, "rename and move"),
        (Powers::DACL, "change the access list"),
        (Powers::OWNER, "take ownership"),
    ];
    fn add(&mut self, other: Powers) {
        self.0 |= other.0;
    }
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }
    pub fn names(self) -> Vec<&'static str> {
        Self::NAMES.iter().filter(|(p, _)| self.0 & p.0 != 0).map(|(_, name)| *name).collect()
    }
}

/// One who may write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Writer {
    pub sid: Sid,
    pub powers: Powers,
    /// By an entry that hangs on a condition: perhaps.
    pub perhaps: Powers,
    /// Every entry that names it comes from the parent.
    pub inherited: bool,
    pub is_owner: bool,
}

/// What a descriptor says of its object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Writers {
    /// The bytes are no descriptor, or were read without the list.
    Unknown,
    /// The list is null: everybody may do everything.
    Everybody,
    Listed(Vec<Writer>),
}

/// Everyone and Authenticated Users, whom a denial to either reaches too.
fn crowd() -> Vec<Sid> {
    ["S-1-1-0", "S-1-5-11"].iter().filter_map(|s| Sid::parse(s)).collect()
}

/// CREATOR OWNER stands for nobody on the object itself; OWNER RIGHTS limits the owner, who is looked at anyway.
fn stands_for_nobody(sid: &Sid) -> bool {
    [0, 4].iter().any(|id| Sid::new(3, vec![*id]).as_ref() == Some(sid))
}

impl Writers {
    /// Who may write a group, by its own descriptor.
    pub fn of_group(bytes: &[u8]) -> Self {
        let [name, cn] = Right::rename();
        Self::of(
            bytes,
            &[
                (Powers::MEMBER, &[Right::write_member()]),
                (Powers::SELF, &[Right::Validated(schema::member())]),
                (Powers::DELETE, &[Right::Delete]),
                (Powers::DELETE, &[Right::DeleteTree]),
                (Powers::RENAME, &[name, cn]),
                (Powers::DACL, &[Right::WriteDac]),
                (Powers::OWNER, &[Right::WriteOwner]),
            ],
        )
    }

    /// Who may delete groups out of a container, or change what they inherit.
    pub fn of_container(bytes: &[u8]) -> Self {
        Self::of(
            bytes,
            &[
                (Powers::DELETE, &[Right::DeleteChild(schema::class_group())]),
                (Powers::DELETE, &[Right::DeleteTree]),
                (Powers::DACL, &[Right::WriteDac]),
                (Powers::OWNER, &[Right::WriteOwner]),
            ],
        )
    }

    fn of(bytes: &[u8], questions: &[(Powers, &[Right])]) -> Self {
        let Ok(descriptor) = SecurityDescriptor::parse(bytes) else { return Writers::Unknown };
        match &descriptor.dacl {
            Dacl::Absent => return Writers::Unknown,
            Dacl::Null => return Writers::Everybody,
            Dacl::List(_) => {}
        }
        let crowd = crowd();
        let mut out = Vec::new();
        for sid in candidates(&descriptor) {
            let (own, mut all) = ([sid.clone()], crowd.clone());
            all.push(sid.clone());
            let (mut powers, mut perhaps) = (Powers::default(), Powers::default());
            for (power, rights) in questions {
                // By its own entries alone: what everybody may do is told of everybody.
                let answer = |right: &Right| match descriptor.access(&own, *right) {
                    Access::Denied => Access::Denied,
                    own => match descriptor.access(&all, *right) {
                        Access::Denied => Access::Denied,
                        Access::Granted => own,
                        Access::Unknown => Access::Unknown,
                    },
                };
                let answers: Vec<Access> = rights.iter().map(answer).collect();
                if answers.contains(&Access::Denied) {
                    continue;
                }
                if answers.contains(&Access::Unknown) { perhaps.add(*power) } else { powers.add(*power) }
            }
            if powers.is_empty() && perhaps.is_empty() {
                continue;
            }
            let entries =
                || descriptor.aces().filter(|a| a.kind == AceKind::Allow && applies(a.flags) && a.trustee == sid);
            let is_owner = descriptor.owner.as_ref() == Some(&sid);
            let inherited = !is_owner && entries().all(|a| a.flags & inheritance::INHERITED != 0);
            out.push(Writer { sid, powers, perhaps, inherited, is_owner });
        }
        Writers::Listed(out)
    }
}

/// An entry for the object itself, not only for its children.
fn applies(flags: u8) -> bool {
    flags & inheritance::ONLY == 0
}

/// Everyone whom an entry allows something on the object itself, and its owner; each once, in the order of their SIDs.
fn candidates(descriptor: &SecurityDescriptor) -> Vec<Sid> {
    let mut out: Vec<Sid> = descriptor.owner.iter().cloned().collect();
    out.extend(descriptor.aces().filter(|a| a.kind == AceKind::Allow && applies(a.flags)).map(|a| a.trustee.clone()));
    if let Dacl::List(entries) = &descriptor.dacl {
        out.extend(entries.iter().filter_map(|entry| match entry {
            Entry::Opaque { kind, flags, body } if applies(*flags) => conditional_trustee(*kind, body),
            _ => None,
        }));
    }
    out.retain(|sid| !stands_for_nobody(sid));
    out.sort_unstable();
    out.dedup();
    out
}

/// Whom a conditional entry that allows (MS-DTYP 2.4.4.6, 2.4.4.8) speaks of.
fn conditional_trustee(kind: u8, body: &[u8]) -> Option<Sid> {
    let at = match kind {
        0x09 => 4,
        0x0b => {
            let present = u32::from_le_bytes(*body.get(4..)?.first_chunk()?);
            8 + 16 * (present & 3).count_ones() as usize
        }
        _ => return None,
    };
    Some(Sid::from_prefix(body.get(at..)?)?.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::directory::ObjectGuid;
    use crate::directory::security::{Ace, control, rights};

    fn sid(text: &str) -> Sid {
        Sid::parse(text).unwrap()
    }
    fn bytes(owner: &str, aces: Vec<Ace>) -> Vec<u8> {
        let dacl = Dacl::List(aces.into_iter().map(Entry::Ace).collect());
        SecurityDescriptor { control: control::SELF_RELATIVE, owner: Some(sid(owner)), group: None, dacl }
            .to_bytes()
            .unwrap()
    }
    const A: &str = "S-1-5-21-1-2-3-1101";
    const OWNER: &str = "S-1-5-21-1-2-3-512";

    #[test]
    fn powers() {
        let class_user = schema::class_user();
        let cases: Vec<(&str, Vec<Ace>, &[&str])> = vec![
            ("nothing", vec![], &[]),
            ("reads", vec![Ace::allow(sid(A), rights::READ)], &[]),
            ("member", vec![Ace::allow(sid(A), rights::WRITE_PROPERTY).on(schema::member())], &["write member"]),
            (
                "membership set",
                vec![Ace::allow(sid(A), rights::WRITE_PROPERTY).on(schema::membership())],
                &["write member"],
            ),
            ("another attribute", vec![Ace::allow(sid(A), rights::WRITE_PROPERTY).on(schema::edoi())], &[]),
            ("every attribute", vec![Ace::allow(sid(A), rights::WRITE_PROPERTY)], &["write member", "rename and move"]),
            ("only cn", vec![Ace::allow(sid(A), rights::WRITE_PROPERTY).on(schema::cn())], &[]),
            (
                "public information",
                vec![Ace::allow(sid(A), rights::WRITE_PROPERTY).on(schema::public_information())],
                &["rename and move"],
            ),
            ("self", vec![Ace::allow(sid(A), rights::SELF).on(schema::member())], &["add or remove itself as member"]),
            ("every validated write", vec![Ace::allow(sid(A), rights::SELF)], &["add or remove itself as member"]),
            ("delete", vec![Ace::allow(sid(A), rights::DELETE)], &["delete"]),
            ("tree", vec![Ace::allow(sid(A), rights::DELETE_TREE)], &["delete"]),
            ("list", vec![Ace::allow(sid(A), rights::WRITE_DAC)], &["change the access list"]),
            ("owner", vec![Ace::allow(sid(A), rights::WRITE_OWNER)], &["take ownership"]),
            ("only for children", vec![Ace::allow(sid(A), rights::ALL).for_children(class_user)], &[]),
            (
                "generic write",
                vec![Ace::allow(sid(A), rights::GENERIC_WRITE)],
                &["write member", "add or remove itself as member", "rename and move"],
            ),
            (
                "denied first",
                vec![
                    Ace::deny(sid(A), rights::WRITE_PROPERTY).on(schema::member()),
                    Ace::allow(sid(A), rights::WRITE_PROPERTY),
                ],
                &["rename and move"],
            ),
            (
                "everybody denied first",
                vec![Ace::deny(sid("S-1-1-0"), rights::DELETE), Ace::allow(sid(A), rights::DELETE)],
                &[],
            ),
            (
                "denied after",
                vec![Ace::allow(sid(A), rights::DELETE), Ace::deny(sid("S-1-1-0"), rights::DELETE)],
                &["delete"],
            ),
        ];
        for (what, aces, want) in cases {
            let Writers::Listed(found) = Writers::of_group(&bytes(OWNER, aces)) else { panic!("{what}") };
            let of = |who: &str| found.iter().find(|w| w.sid == sid(who));
            assert_eq!(of(A).map_or(vec![], |w| w.powers.names()), want, "{what}");
            // Whoever owns an object may change its list.
            assert_eq!(of(OWNER).unwrap().powers.names(), ["change the access list"], "{what}");
        }
    }

    #[test]
    fn what_everybody_may_do_is_told_of_everybody() {
        let aces = vec![Ace::allow(sid("S-1-1-0"), rights::WRITE_PROPERTY), Ace::allow(sid(A), rights::READ)];
        let Writers::Listed(found) = Writers::of_group(&bytes(OWNER, aces)) else { panic!() };
        let names: Vec<String> = found.iter().map(|w| w.sid.to_string()).collect();
        assert_eq!(names, ["S-1-1-0", OWNER]);
    }

    #[test]
    fn other_forms() {
        assert_eq!(Writers::of_group(b"no descriptor"), Writers::Unknown);
        let with = |dacl| {
            SecurityDescriptor { control: control::SELF_RELATIVE, owner: None, group: None, dacl }.to_bytes().unwrap()
        };
        assert_eq!(Writers::of_group(&with(Dacl::Absent)), Writers::Unknown);
        assert_eq!(Writers::of_group(&with(Dacl::Null)), Writers::Everybody);
        let mut body = rights::WRITE_PROPERTY.to_le_bytes().to_vec();
        body.extend(sid(A).to_bytes());
        body.extend(b"artx");
        let list = vec![Entry::Opaque { kind: 0x09, flags: 0, body }];
        let Writers::Listed(found) = Writers::of_group(&with(Dacl::List(list))) else { panic!() };
        assert_eq!(
            (found[0].powers.is_empty(), found[0].perhaps.names()),
            (true, vec!["write member", "rename and move"])
        );
        let only_delete = vec![Ace::allow(sid(A), rights::DELETE_CHILD).on(schema::class_group())];
        let Writers::Listed(found) = Writers::of_container(&bytes(A, only_delete)) else { panic!() };
        assert_eq!(found[0].powers.names(), ["delete", "change the access list"]);
        let other = vec![Ace::allow(sid(A), rights::DELETE_CHILD).on(ObjectGuid::from_u128(9))];
        let Writers::Listed(found) = Writers::of_container(&bytes(OWNER, other)) else { panic!() };
        assert_eq!(found.len(), 1);
    }
}
