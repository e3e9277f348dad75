//! How fast the store keeps snapshots, verifies and exports them, in objects a second; beside it, in the same run, what
//! the disk alone takes for the same bodies in a plain file, flushed as often.
//!
//!   cargo run --release --example snapshots -- [GROUPS] [MEMBERS]
#![allow(clippy::print_stdout, clippy::unwrap_used, clippy::panic, reason = "a measurement prints and may fail loudly")]

use groupshift::cutover::port::ObjectState;
use groupshift::cutover::record::SnapshotKind;
use groupshift::cutover::store::{Snapshot, Store, object_to_json};
use groupshift::directory::ObjectGuid;
use std::io::Write;
use std::path::Path;
use std::time::Instant;

/// As many as the engine keeps at a time.
const BATCH: usize = 100;

fn group(n: usize, members: usize) -> Snapshot {
    let guid = ObjectGuid::from_u128(0x6772_6f75_0000_4000_8000_0000_0000_0000 + n as u128);
    let mut object = ObjectState {
        guid,
        dn: format!("CN=Group {n:07},OU=GroupWriteback,DC=contoso,DC=com"),
        ..ObjectState::default()
    };
    let mut put = |name: &str, values: Vec<Vec<u8>>| drop(object.attributes.insert(name.to_owned(), values));
    put("objectClass", vec![b"top".to_vec(), b"group".to_vec()]);
    put("adminDescription", vec![format!("Group_{guid}").into_bytes()]);
    put("objectSid", vec![(n as u64).to_le_bytes().repeat(3)]);
    // A security descriptor of the usual size.
    put("nTSecurityDescriptor", vec![(0..1_200u32).map(|b| (b.wrapping_mul(n as u32 | 1) >> 3) as u8).collect()]);
    let person =
        |m: usize| format!("CN=Person {:06},OU=People,DC=contoso,DC=com", (n * 37 + m * 101) % 200_000).into_bytes();
    put("member", (0..members).map(person).collect());
    Snapshot {
        kind: SnapshotKind::AdGroup,
        object: guid.to_string(),
        name: object.dn.clone(),
        body: object_to_json(&object),
    }
}

fn main() {
    let mut arguments = std::env::args().skip(1).map(|a| a.parse::<usize>().expect("a number"));
    let (groups, members) = (arguments.next().unwrap_or(2_000), arguments.next().unwrap_or(50));
    let all: Vec<Snapshot> = (0..groups).map(|n| group(n, members)).collect();
    let dir = tempfile::tempdir_in(".").unwrap();
    let bodies: Vec<Vec<u8>> = all.iter().map(|s| s.body.to_string().into_bytes()).collect();
    let megabytes = bodies.iter().map(Vec::len).sum::<usize>() as f64 / 1e6;

    let plain = Instant::now();
    let mut file = std::fs::File::create(dir.path().join("plain")).unwrap();
    for batch in bodies.chunks(BATCH) {
        batch.iter().for_each(|body| file.write_all(body).unwrap());
        file.sync_all().unwrap();
    }
    let plain = plain.elapsed().as_secs_f64();

    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("reports/example/plan.json");
    let (plan, bytes) = (groupshift::plan::read(&path).unwrap(), std::fs::read(&path).unwrap());
    let store = Store::open(&dir.path().join("store")).unwrap();
    let now = chrono::Utc::now();
    let run = store.begin(&plan, &bytes, &dir.path().join("no scripts"), "contoso.com", now).unwrap();
    let keeping = Instant::now();
    for batch in all.chunks(BATCH) {
        run.keep("S02", batch, now).unwrap();
    }
    let keeping = keeping.elapsed().as_secs_f64();
    let verifying = Instant::now();
    assert!(run.verify_snapshots().unwrap().is_empty());
    let verifying = verifying.elapsed().as_secs_f64();
    let exporting = Instant::now();
    run.export(&dir.path().join("copy")).unwrap();
    let exporting = exporting.elapsed().as_secs_f64();

    println!("{groups} groups of {members} members, {megabytes:.1} MB of JSON, {BATCH} a transaction");
    for (what, seconds) in [
        ("kept, flushed and read back", keeping),
        ("verified", verifying),
        ("exported, with LDIF and JSON, and verified", exporting),
        ("yardstick: written to a plain file, flushed as often", plain),
    ] {
        println!("{:>9.0} objects/s  {:>7.2} s  {what}", groups as f64 / seconds, seconds);
    }
    println!("keeping took {:.1} times the yardstick", keeping / plain);
}
