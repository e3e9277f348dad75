use super::*;
use proptest::prelude::*;

fn sid(text: &str) -> Sid {
    Sid::parse(text).unwrap()
}
fn agent() -> Sid {
    sid("S-1-5-21-1-2-3-1105")
}
fn everyone() -> Sid {
    sid("S-1-1-0")
}
fn with(entries: Vec<Ace>) -> SecurityDescriptor {
    SecurityDescriptor {
        control: 0,
        owner: Some(sid("S-1-5-21-1-2-3-512")),
        group: None,
        dacl: Dacl::List(entries.into_iter().map(Entry::Ace).collect()),
    }
}

#[test]
fn decides_as_windows_does() {
    use rights::*;
    let allow = |mask| Ace::allow(agent(), mask);
    let deny = |mask| Ace::deny(agent(), mask);
    let member = Right::write_member();
    for (name, aces, wanted, granted) in [
        ("an empty list", vec![], member, false),
        ("write all properties", vec![allow(WRITE_PROPERTY)], member, true),
        ("the attribute", vec![allow(WRITE_PROPERTY).on(schema::member())], member, true),
        ("its property set", vec![allow(WRITE_PROPERTY).on(schema::membership())], member, true),
        ("another attribute", vec![allow(WRITE_PROPERTY).on(schema::edoi())], member, false),
        ("EDOI by its set", vec![allow(WRITE_PROPERTY).on(schema::personal_information())], Right::write_edoi(), true),
        ("adding oneself is no write", vec![allow(SELF).on(schema::member())], member, false),
        ("reading is no write", vec![allow(GENERIC_READ)], member, false),
        ("generic write writes", vec![allow(GENERIC_WRITE)], member, true),
        ("generic all is everything", vec![allow(GENERIC_ALL)], Right::GenericAll, true),
        ("full control is generic all", vec![allow(ALL)], Right::GenericAll, true),
        ("generic write is not all", vec![allow(GENERIC_WRITE)], Right::GenericAll, false),
        ("bits may come in parts", vec![allow(WRITE), allow(ALL & !WRITE)], Right::GenericAll, true),
        ("one attribute is not all", vec![allow(GENERIC_ALL).on(schema::member())], Right::GenericAll, false),
        ("a denial of one attribute", vec![deny(WRITE_PROPERTY).on(schema::member()), allow(ALL)], member, false),
        (
            "leaves the others",
            vec![deny(WRITE_PROPERTY).on(schema::member()), allow(ALL)],
            Right::write_admin_description(),
            true,
        ),
        ("and takes from all", vec![deny(WRITE_PROPERTY).on(schema::member()), allow(ALL)], Right::GenericAll, false),
        ("deny before allow", vec![deny(WRITE_PROPERTY), allow(WRITE_PROPERTY)], member, false),
        ("allow before deny", vec![allow(WRITE_PROPERTY), deny(WRITE_PROPERTY)], member, true),
        ("somebody else's denial", vec![Ace::deny(sid("S-1-5-7"), ALL), allow(ALL)], member, true),
        ("a denial of everyone", vec![Ace::deny(everyone(), DELETE), allow(ALL)], Right::Delete, false),
        ("by a group", vec![Ace::allow(everyone(), DELETE)], Right::Delete, true),
        ("for children only", vec![allow(ALL).for_children(schema::class_group())], member, false),
        ("a denial for children", vec![deny(ALL).flags(inheritance::ONLY), allow(ALL)], Right::Delete, true),
        ("inherited counts", vec![allow(ALL).flags(inheritance::INHERITED)], Right::WriteDac, true),
        (
            "create groups",
            vec![allow(CREATE_CHILD).on(schema::class_group())],
            Right::CreateChild(schema::class_group()),
            true,
        ),
        (
            "create users",
            vec![allow(CREATE_CHILD).on(schema::class_group())],
            Right::CreateChild(schema::class_user()),
            false,
        ),
        ("delete children", vec![allow(DELETE_CHILD)], Right::DeleteChild(schema::class_user()), true),
        ("take ownership", vec![allow(ALL & !WRITE_OWNER)], Right::WriteOwner, false),
        ("write and more", vec![allow(GENERIC_WRITE | DELETE)], Right::GenericWrite, true),
    ] {
        assert_eq!(with(aces).grants(&[agent(), everyone()], wanted), granted, "{name}");
    }
}

#[test]
fn an_owner_may_change_the_list_unless_owner_rights_say_else() {
    let owner = sid("S-1-5-21-1-2-3-512");
    assert!(with(vec![]).grants(std::slice::from_ref(&owner), Right::WriteDac));
    assert!(!with(vec![]).grants(&[agent()], Right::WriteDac));
    assert!(!with(vec![]).grants(std::slice::from_ref(&owner), Right::Delete));
    let limited = with(vec![Ace::allow(sid("S-1-3-4"), rights::READ_CONTROL)]);
    assert!(!limited.grants(std::slice::from_ref(&owner), Right::WriteDac));
    let given = with(vec![Ace::allow(sid("S-1-3-4"), rights::WRITE_DAC)]);
    assert!(given.grants(&[owner], Right::WriteDac));
}

#[test]
fn no_list_is_not_an_empty_list() {
    let mut descriptor = with(vec![]);
    for (dacl, access) in
        [(Dacl::Absent, Access::Unknown), (Dacl::Null, Access::Granted), (Dacl::List(vec![]), Access::Denied)]
    {
        descriptor.dacl = dacl.clone();
        assert_eq!(descriptor.access(&[agent()], Right::Delete), access, "{dacl:?}");
        let read = SecurityDescriptor::parse(&descriptor.to_bytes().unwrap()).unwrap();
        assert_eq!(read.dacl, dacl);
    }
}

#[test]
fn conditional_entries_are_unknown() {
    let conditional = |kind: u8, mask: u32| {
        let mut body = mask.to_le_bytes().to_vec();
        body.extend_from_slice(&agent().to_bytes());
        body.extend_from_slice(b"artx");
        Entry::Opaque { kind, flags: 0, body }
    };
    let allow = || Entry::Ace(Ace::allow(agent(), rights::ALL));
    let deny = || Entry::Ace(Ace::deny(agent(), rights::ALL));
    for (name, entries, access) in [
        ("perhaps allowed", vec![conditional(9, rights::DELETE)], Access::Unknown),
        ("perhaps denied, then allowed", vec![conditional(0xa, rights::DELETE), allow()], Access::Unknown),
        ("perhaps denied, never allowed", vec![conditional(0xa, rights::DELETE)], Access::Denied),
        ("allowed before", vec![allow(), conditional(0xa, rights::DELETE)], Access::Granted),
        ("denied before", vec![deny(), conditional(9, rights::DELETE)], Access::Denied),
        ("perhaps allowed, then denied", vec![conditional(9, rights::DELETE), deny()], Access::Unknown),
        ("another right", vec![conditional(9, rights::SELF)], Access::Denied),
        ("an audit", vec![conditional(2, rights::DELETE), allow()], Access::Granted),
        ("an unheard-of type", vec![conditional(0x77, rights::DELETE)], Access::Denied),
    ] {
        let mut descriptor = with(vec![]);
        descriptor.dacl = Dacl::List(entries);
        assert_eq!(descriptor.access(&[agent()], Right::Delete), access, "{name}");
        assert_eq!(SecurityDescriptor::parse(&descriptor.to_bytes().unwrap()).unwrap().dacl, descriptor.dacl, "{name}");
    }
}

#[test]
fn children_inherit() {
    let ou = with(vec![
        Ace::allow(agent(), rights::ALL).for_children(schema::class_group()),
        Ace::allow(everyone(), rights::READ).flags(inheritance::CONTAINER),
        Ace::allow(everyone(), rights::LIST),
        Ace::deny(everyone(), rights::DELETE).flags(inheritance::CONTAINER | inheritance::NO_PROPAGATE),
        Ace::allow(agent(), rights::ALL).for_children(schema::class_user()),
    ]);
    let flags: Vec<u8> = ou.inheritable(schema::class_group()).iter().map(|ace| ace.flags).collect();
    assert_eq!(flags, [0x12, 0x12, 0x10, 0x1a]);
    let group = with(ou.inheritable(schema::class_group()));
    assert!(group.grants(&[agent()], Right::write_member()));
    assert!(!ou.grants(&[agent()], Right::write_member()));
}

/// A descriptor written down byte by byte: owner Administrators, list with one entry for Everyone.
const BY_HAND: [u8; 64] = [
    1, 0, 4, 0x94, 48, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 20, 0, 0, 0, // header
    2, 0, 28, 0, 1, 0, 0, 0, // list
    0, 0x12, 20, 0, 0x94, 0, 2, 0, 1, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, // allow, inherited, read, S-1-1-0
    1, 2, 0, 0, 0, 0, 0, 5, 32, 0, 0, 0, 32, 2, 0, 0, // S-1-5-32-544
];

#[test]
fn reads_and_writes_the_wire_form() {
    let read = SecurityDescriptor::parse(&BY_HAND).unwrap();
    assert_eq!(read.owner, Some(sid("S-1-5-32-544")));
    assert_eq!(read.group, None);
    assert!(read.is_protected());
    let ace = Ace::allow(everyone(), rights::READ).flags(0x12);
    assert_eq!(read.dacl, Dacl::List(vec![Entry::Ace(ace)]));
    assert_eq!(read.to_bytes().unwrap(), BY_HAND);
}

#[test]
fn malformed_bytes_are_refused_at_their_byte() {
    type Change = fn(&mut Vec<u8>);
    let changes: [(Change, &str, usize); 12] = [
        (|b| b.truncate(0), "header ends", 0),
        (|b| b.truncate(19), "header ends", 19),
        (|b| b[0] = 2, "revision", 0),
        (|b| b[3] = 0, "self-relative", 2),
        (|b| b[4] = 0xff, "security identifier", 255),
        (|b| b[4] = 4, "security identifier", 4),
        (|b| b[16] = 60, "header ends", 60),
        (|b| b[20] = 3, "list revision", 20),
        (|b| b[22] = 200, "list does not fit", 20),
        (|b| b[24] = 2, "entry's header", 48),
        (|b| b[30] = 2, "entry does not fit", 28),
        (|b| b[36] = 9, "security identifier", 36),
    ];
    for (change, what, at) in changes {
        let mut bytes = BY_HAND.to_vec();
        change(&mut bytes);
        let error = SecurityDescriptor::parse(&bytes).unwrap_err();
        assert!(error.to_string().contains(what), "{error} (wanted {what})");
        assert_eq!(error.at, at, "{error}");
    }
}

#[test]
fn too_long_a_list_is_not_written() {
    let body = vec![0; 40_000];
    let mut descriptor = with(vec![]);
    let entry = Entry::Opaque { kind: 0x77, flags: 0, body };
    descriptor.dacl = Dacl::List(vec![entry.clone()]);
    assert!(descriptor.to_bytes().is_some());
    descriptor.dacl = Dacl::List(vec![entry.clone(), entry]);
    assert_eq!(descriptor.to_bytes(), None);
}

fn any_sid() -> impl Strategy<Value = Sid> {
    (0u64..1 << 48, proptest::collection::vec(any::<u32>(), 0..=15)).prop_map(|(a, subs)| Sid::new(a, subs).unwrap())
}
fn any_guid() -> impl Strategy<Value = Option<ObjectGuid>> {
    proptest::option::of(any::<u128>().prop_map(ObjectGuid::from_u128))
}
fn any_entry() -> impl Strategy<Value = Entry> {
    let ace = (any::<bool>(), any::<u8>(), any::<u32>(), any_guid(), any_guid(), any_sid());
    prop_oneof![
        4 => ace.prop_map(|(allow, flags, mask, object_type, inherited_object_type, trustee)| {
            let kind = if allow { AceKind::Allow } else { AceKind::Deny };
            Entry::Ace(Ace { kind, flags, mask, object_type, inherited_object_type, trustee })
        }),
        1 => (7u8..=255, any::<u8>(), proptest::collection::vec(any::<u8>(), 0..60))
            .prop_map(|(kind, flags, body)| Entry::Opaque { kind, flags, body }),
    ]
}
fn any_descriptor() -> impl Strategy<Value = SecurityDescriptor> {
    let dacl = prop_oneof![
        1 => Just(Dacl::Absent),
        1 => Just(Dacl::Null),
        8 => proptest::collection::vec(any_entry(), 0..8).prop_map(Dacl::List),
    ];
    (any::<u16>(), proptest::option::of(any_sid()), proptest::option::of(any_sid()), dacl).prop_map(
        |(control, owner, group, dacl)| SecurityDescriptor {
            control: control & !(control::DACL_PRESENT | control::SACL_PRESENT) | control::SELF_RELATIVE,
            owner,
            group,
            dacl,
        },
    )
}

proptest! {
    #[test]
    fn round_trips(descriptor in any_descriptor()) {
        let mut read = SecurityDescriptor::parse(&descriptor.to_bytes().unwrap()).unwrap();
        read.control &= !control::DACL_PRESENT;
        prop_assert_eq!(read, descriptor);
    }
    #[test]
    fn mutated_bytes_never_panic(
        descriptor in any_descriptor(),
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        cut in any::<prop::sample::Index>(),
    ) {
        let mut bytes = descriptor.to_bytes().unwrap();
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if let Ok(read) = SecurityDescriptor::parse(&bytes) {
            let _ = read.access(&[everyone()], Right::GenericAll);
            let _ = read.inheritable(schema::class_group());
            if let Some(again) = read.to_bytes() {
                prop_assert_eq!(SecurityDescriptor::parse(&again).unwrap().dacl, read.dacl);
            }
        }
        let _ = SecurityDescriptor::parse(&bytes[..cut.index(bytes.len() + 1)]);
    }
    #[test]
    fn noise_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = SecurityDescriptor::parse(&bytes);
    }
}
