//! Access lists as this program reads them against Samba's own reading of the same bytes, in one process of its Python
//! module: entry by entry, and what they let an account do.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use groupshift::directory::security::{
    Access, Ace, AceKind, Dacl, Entry, Right, SecurityDescriptor, control, rights, schema,
};
use groupshift::directory::{ObjectGuid, Sid};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

const DESCRIPTORS: usize = 600;

struct Samba {
    child: Child,
    to: ChildStdin,
    from: BufReader<ChildStdout>,
}

impl Samba {
    /// The system's Python has the module, another that comes first in the path may not.
    fn start() -> Option<Samba> {
        let has_module = |python: &&&str| {
            let mut command = Command::new(python);
            command.args(["-c", "import samba.security"]).stdout(Stdio::null()).stderr(Stdio::null());
            command.status().is_ok_and(|s| s.success())
        };
        if let Some(python) = ["/usr/bin/python3", "python3"].iter().find(has_module) {
            let mut command = Command::new(python);
            command.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/audit/read_descriptors.py"));
            let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
            let (to, mut from) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
            let mut line = String::new();
            from.read_line(&mut line).unwrap();
            assert!(line.contains("samba"), "{line}");
            return Some(Samba { child, to, from });
        }
        println!("skipped: Samba's Python module is not here (python3-samba; ./tests/run installs it)");
        None
    }
    fn ask(&mut self, question: &Value) -> Value {
        writeln!(self.to, "{question}").unwrap();
        let mut line = String::new();
        self.from.read_line(&mut line).unwrap();
        assert!(!line.is_empty(), "Samba cannot read {question}");
        serde_json::from_str(&line).unwrap()
    }
}

impl Drop for Samba {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

const SIDS: [&str; 8] = [
    "S-1-1-0",
    "S-1-5-11",
    "S-1-5-18",
    "S-1-5-32-544",
    "S-1-3-4",
    "S-1-5-21-1111-2222-3333-512",
    "S-1-5-21-1111-2222-3333-1101",
    "S-1-5-21-1111-2222-3333-1102",
];

fn sid(text: &str) -> Sid {
    Sid::parse(text).unwrap()
}

fn pick<T: Copy>(rng: &mut fastrand::Rng, list: &[T]) -> T {
    list[rng.usize(..list.len())]
}

/// A descriptor of any shape that a directory may hold; `objects` lets entries be about a part.
fn made(rng: &mut fastrand::Rng, objects: bool) -> SecurityDescriptor {
    let masks = [
        rights::WRITE_PROPERTY,
        rights::SELF,
        rights::DELETE,
        rights::DELETE_TREE,
        rights::WRITE_DAC,
        rights::WRITE_OWNER,
        rights::READ,
        rights::ALL,
        rights::GENERIC_ALL,
        rights::GENERIC_WRITE,
        rights::CREATE_CHILD | rights::DELETE_CHILD,
    ];
    let parts = [
        schema::member(),
        schema::membership(),
        schema::cn(),
        schema::public_information(),
        ObjectGuid::from_u128(rng.u128(..)),
    ];
    let count = rng.usize(..12);
    let entries: Vec<Entry> = (0..count)
        .map(|_| {
            let mask = pick(rng, &masks) | pick(rng, &masks);
            let trustee = sid(pick(rng, &SIDS));
            // Samba's check takes masks as they are; generic rights are written out before they come to it.
            let mask = if objects { mask } else { rights::specific(mask) };
            let mut ace = if rng.u8(..4) == 0 { Ace::deny(trustee, mask) } else { Ace::allow(trustee, mask) };
            ace.flags = rng.u8(..0x20);
            if objects && rng.bool() {
                ace.object_type = rng.bool().then(|| pick(rng, &parts));
                ace.inherited_object_type = rng.bool().then(schema::class_group);
            }
            Entry::Ace(ace)
        })
        .collect();
    let dacl = match rng.u8(..20) {
        0 => Dacl::Null,
        _ => Dacl::List(entries),
    };
    let mut flags = control::SELF_RELATIVE;
    for flag in [control::DACL_PROTECTED, control::DACL_AUTO_INHERITED] {
        flags |= if rng.bool() { flag } else { 0 };
    }
    let owner = (rng.u8(..10) > 0).then(|| sid(pick(rng, &SIDS[2..])));
    SecurityDescriptor { control: flags, owner, group: rng.bool().then(|| sid(pick(rng, &SIDS))), dacl }
}

fn read(descriptor: &SecurityDescriptor) -> Value {
    let one = |ace: &Ace| {
        let is_object = ace.object_type.is_some() || ace.inherited_object_type.is_some();
        let kind = match (ace.kind, is_object) {
            (AceKind::Allow, false) => 0,
            (AceKind::Deny, false) => 1,
            (AceKind::Allow, true) => 5,
            (AceKind::Deny, true) => 6,
        };
        json!({
            "type": kind, "flags": ace.flags, "mask": ace.mask, "trustee": ace.trustee.to_string(),
            "object": ace.object_type.map(|g| g.to_string()), "inherited": ace.inherited_object_type.map(|g| g.to_string()),
        })
    };
    let aces = match &descriptor.dacl {
        Dacl::Absent | Dacl::Null => Value::Null,
        Dacl::List(_) => json!(descriptor.aces().map(one).collect::<Vec<_>>()),
    };
    json!({
        "owner": descriptor.owner.as_ref().map(|s| s.to_string()), "group": descriptor.group.as_ref().map(|s| s.to_string()),
        "protected": descriptor.is_protected(), "aces": aces,
    })
}

/// What Samba read, in the same form. An object entry without either identifier is an entry like any other.
fn of_samba(answer: &Value) -> Value {
    let mut aces = answer["aces"].clone();
    for ace in aces.as_array_mut().into_iter().flatten() {
        if ace["object"].is_null() && ace["inherited"].is_null() {
            ace["type"] = json!(ace["type"].as_u64().unwrap() % 5);
        }
    }
    let protected = answer["control"].as_u64().unwrap() & u64::from(control::DACL_PROTECTED) != 0;
    json!({ "owner": answer["owner"], "group": answer["group"], "protected": protected, "aces": aces })
}

const RIGHTS: [(Right, u32); 4] = [
    (Right::Delete, rights::DELETE),
    (Right::DeleteTree, rights::DELETE_TREE),
    (Right::WriteDac, rights::WRITE_DAC),
    (Right::WriteOwner, rights::WRITE_OWNER),
];

/// 600 descriptors of our own making: every entry, and for those without entries about a part, what they let do.
#[test]
fn generated_descriptors_are_read_as_samba_reads_them() {
    let Some(mut samba) = Samba::start() else { return };
    let mut rng = fastrand::Rng::with_seed(20_261_129);
    let (mut entries, mut answers) = (0, [0, 0]);
    for n in 0..DESCRIPTORS {
        let objects = n % 2 == 0;
        let bytes = made(&mut rng, objects).to_bytes().unwrap();
        let mine = SecurityDescriptor::parse(&bytes).unwrap();
        let who: Vec<&str> =
            (0..rng.usize(1..4)).map(|_| pick(&mut rng, &SIDS[..])).filter(|s| *s != "S-1-3-4").collect();
        let who = if who.is_empty() { vec![SIDS[6]] } else { who };
        let masks: Vec<u32> = RIGHTS.iter().map(|(_, mask)| *mask).collect();
        let answer = samba.ask(&json!({ "sd": STANDARD.encode(&bytes), "sids": who, "masks": masks }));
        assert_eq!(read(&mine), of_samba(&answer), "descriptor {n}: {}", STANDARD.encode(&bytes));
        entries += mine.aces().count();
        if objects {
            continue;
        }
        let trustees: Vec<Sid> = who.iter().map(|s| sid(s)).collect();
        for ((right, mask), samba) in RIGHTS.iter().zip(answer["allowed"].as_array().unwrap()) {
            let mine = mine.access(&trustees, *right);
            assert_eq!(
                mine == Access::Granted,
                samba.as_bool().unwrap(),
                "descriptor {n}, {who:?}, {mask:#x}: {mine:?}\n{:#}",
                read(&SecurityDescriptor::parse(&bytes).unwrap())
            );
            answers[usize::from(mine == Access::Granted)] += 1;
        }
    }
    println!("{DESCRIPTORS} descriptors, {entries} entries, {} rights granted and {} not", answers[1], answers[0]);
    assert!(entries > 2_000 && answers[0] > 200 && answers[1] > 200, "{entries} {answers:?}");
}

/// Descriptors as Samba itself makes them from their text form, among them what a new group gets.
#[test]
fn descriptors_that_samba_makes_are_read() {
    let Some(mut samba) = Samba::start() else { return };
    let group = "D:(A;;RPWPCRCCDCLCLORCWOWDSDDTSW;;;DA)(A;;RPWPCRCCDCLCLORCWOWDSDDTSW;;;SY)(A;;RPLCLORC;;;AU)(A;;RPWPCRCCDCLCLORCWOWDSDDTSW;;;AO)(A;;RPLCLORC;;;PS)(OA;;CR;ab721a55-1e2f-11d0-9819-00aa0040529b;;AU)(OA;;RP;46a9b11d-60ae-405a-b7e8-ff8a058d456f;;S-1-5-32-560)";
    let texts = [
        group.to_owned(),
        format!("O:DAG:DA{group}"),
        "O:DAG:DAD:P(OA;CIIO;WP;bf9679c0-0de6-11d0-a285-00aa003049e2;bf967a9c-0de6-11d0-a285-00aa003049e2;S-1-5-21-1-2-3-1101)".to_owned(),
        "O:SYD:AI(D;;SD;;;WD)(OD;;SW;bf9679c0-0de6-11d0-a285-00aa003049e2;;AN)".to_owned(),
        "D:".to_owned(),
    ];
    for text in &texts {
        let answer = samba.ask(&json!({ "sddl": text, "sids": ["S-1-1-0"], "masks": [] }));
        let bytes = STANDARD.decode(answer["sd"].as_str().unwrap()).unwrap();
        let mine = SecurityDescriptor::parse(&bytes).unwrap();
        assert_eq!(read(&mine), of_samba(&answer), "{text}");
    }
    // Of what a new group gets, nothing but administrators may write.
    let answer = samba.ask(&json!({ "sddl": texts[1], "sids": ["S-1-1-0"], "masks": [] }));
    let bytes = STANDARD.decode(answer["sd"].as_str().unwrap()).unwrap();
    let groupshift::audit::writers::Writers::Listed(list) = groupshift::audit::writers::Writers::of_group(&bytes)
    else {
        panic!()
    };
    let names: Vec<String> = list.iter().map(|w| w.sid.to_string()).collect();
    assert_eq!(names, ["S-1-5-18", "S-1-5-21-1111-2222-3333-512", "S-1-5-32-548"]);
}
