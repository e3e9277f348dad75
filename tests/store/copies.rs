//! The copy for another host: what it holds is what the store holds, in LDIF, JSON and SQLite; a run is taken over from
//! it; a copy that was changed in any file is refused.

use super::support::*;
use groupshift::collect::ldif;
use groupshift::cutover::port::ObjectState;
use groupshift::cutover::record::{RunState, SnapshotKind};
use groupshift::cutover::store::{CopyManifest, Store, object_from_json, object_to_json, write_object};
use groupshift::directory::ObjectGuid;
use proptest::prelude::*;
use serde_json::Value;
use std::cell::Cell;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::rc::Rc;

/// What our own reader makes of LDIF, by DN.
fn reread(file: &Path) -> BTreeMap<String, BTreeMap<String, Vec<Vec<u8>>>> {
    let mut reader = ldif::Reader::open(file).unwrap();
    let mut entry = ldif::Entry::default();
    let mut out = BTreeMap::new();
    while reader.next(&mut entry).unwrap() {
        let mut attributes: BTreeMap<String, Vec<Vec<u8>>> = BTreeMap::new();
        for (name, value, _) in entry.values() {
            attributes.entry(name.to_lowercase()).or_default().push(value.to_vec());
        }
        assert!(out.insert(entry.dn.clone(), attributes).is_none(), "twice: {}", entry.dn);
    }
    out
}

fn lower(object: &ObjectState) -> BTreeMap<String, Vec<Vec<u8>>> {
    object.attributes.iter().map(|(name, values)| (name.to_lowercase(), values.clone())).collect()
}

fn exported(desk: &Desk) -> (PathBuf, String) {
    let run = work(&desk.store()).unwrap();
    let to = desk.dir.path().join("copy");
    let exported = run.export(&to).unwrap();
    (to, exported.sha256)
}

#[test]
fn the_ldif_of_a_copy_is_what_the_snapshots_hold() {
    let desk = Desk::new();
    let (copy, _) = exported(&desk);
    let read = reread(&copy.join("groups.ldif"));
    assert_eq!(read.len(), GROUPS as usize);
    for n in 0..GROUPS {
        assert_eq!(read[&group(n).dn], lower(&group(n)), "{n}");
    }
}

#[test]
fn the_json_of_a_copy_is_what_the_journal_holds() {
    let desk = Desk::new();
    let (copy, sha256) = exported(&desk);
    let run = desk.store().run_to_look_at(None).unwrap();
    let json = |name: &str| -> Value { serde_json::from_slice(&std::fs::read(copy.join(name)).unwrap()).unwrap() };
    let journal = json("journal.json");
    assert_eq!(journal["writes"], serde_json::to_value(run.writes().unwrap()).unwrap());
    assert_eq!(journal["steps"], serde_json::to_value(run.steps().unwrap()).unwrap());
    assert_eq!(journal["remarks"], serde_json::to_value(run.remarks().unwrap()).unwrap());
    assert_eq!(journal["run"], serde_json::to_value(run.record().unwrap()).unwrap());
    let snapshots = json("snapshots.json");
    for (at, record) in run.snapshots().unwrap().iter().enumerate() {
        assert_eq!(snapshots["snapshots"][at]["record"], serde_json::to_value(record).unwrap());
        let body = &snapshots["snapshots"][at]["body"];
        assert_eq!(object_from_json(body).unwrap(), group(at as u32));
    }
    assert_eq!(std::fs::read(copy.join("plan.json")).unwrap(), small().1);
    // The scripts with the run's nonce are in it.
    assert!(copy.join("run").join(&groupshift::plan::scripts(&small().0).unwrap()[0].path).exists());
    let manifest: CopyManifest = serde_json::from_value(json("manifest.json")).unwrap();
    assert_eq!((manifest.snapshots, manifest.writes, manifest.open_writes), (u64::from(GROUPS), u64::from(GROUPS), 0));
    let (_, again, problems) = Store::verify_copy(&copy).unwrap();
    assert_eq!((again, problems), (sha256, Vec::<String>::new()));
}

#[test]
fn a_copy_is_whole_or_not_there_and_never_over_something() {
    let desk = Desk::new();
    let (copy, _) = exported(&desk);
    let run = desk.store().run_to_look_at(None).unwrap();
    let error = run.export(&copy).unwrap_err();
    assert_eq!(error.exit_code(), 2, "{error}");
    let empty = desk.dir.path().join("empty");
    std::fs::create_dir(&empty).unwrap();
    run.export(&empty).unwrap();
    assert!(empty.join("manifest.json").exists());
    let left: Vec<_> = std::fs::read_dir(desk.dir.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert!(left.iter().all(|name| !name.to_string_lossy().starts_with(".groupshift")), "{left:?}");
}

#[test]
fn a_run_is_taken_over_from_its_copy_and_goes_on() {
    let desk = Desk::new();
    let store = desk.store();
    let run = begin(&store);
    run.set_pin(&pin()).unwrap();
    let all: Vec<_> = (0..GROUPS).map(snapshot).collect();
    run.keep("S02", &all, at(2)).unwrap();
    run.intend(&[intent(0, Some(1))], at(5)).unwrap();
    let copy = desk.dir.path().join("copy");
    let exported = run.export(&copy).unwrap();
    let (former, records) = (run.record().unwrap(), run.snapshots().unwrap());
    // The machine is lost; the copy alone gets to another one.
    drop((run, store));
    std::fs::remove_dir_all(desk.path()).unwrap();
    let there = Desk::new();
    let moved = there.dir.path().join("from the share");
    std::fs::rename(&copy, &moved).unwrap();

    let store = there.store();
    let wrong = "0".repeat(64);
    let error = store.adopt(&moved, Some(&wrong), "admin", at(100)).err().unwrap();
    assert!(error.message.contains("another copy, or was changed"), "{error}");
    assert_eq!(store.runs().unwrap().len(), 0);
    let run = store.adopt(&moved, Some(&exported.sha256.to_uppercase()), "admin", at(100)).unwrap();
    assert_eq!(run.record().unwrap(), former);
    assert_eq!(run.snapshots().unwrap(), records);
    assert_eq!(run.verify_snapshots().unwrap(), Vec::<String>::new());
    assert_eq!(run.open_writes().unwrap().len(), 1);
    assert_eq!(run.plan_bytes().unwrap(), plan().1);
    let remark = &run.remarks().unwrap()[0];
    assert_eq!((remark.kind.as_str(), remark.by.as_str()), ("adopted", "admin"));
    assert!(
        remark.text.contains("1 open writes") && remark.text.contains("cannot see other machines"),
        "{}",
        remark.text
    );
    let script = &groupshift::plan::scripts(&plan().0).unwrap()[0];
    assert!(std::fs::read_to_string(run.folder().join(&script.path)).unwrap().contains(&former.nonce));
    // It goes on to the end that it would have had there.
    let run = work(&store).unwrap();
    assert_eq!(run.record().unwrap().state, RunState::Done);
    assert_eq!(run.writes().unwrap().len(), GROUPS as usize);
    // A second time there is nothing to take over.
    let error = store.adopt(&moved, None, "admin", at(200)).err().unwrap();
    assert!(error.message.contains("holds the run"), "{error}");
}

#[test]
fn a_copy_changed_in_any_file_is_refused_by_name() {
    let desk = Desk::new();
    let (copy, _) = exported(&desk);
    let manifest: CopyManifest = serde_json::from_slice(&std::fs::read(copy.join("manifest.json")).unwrap()).unwrap();
    let there = Desk::new();
    let store = there.store();
    for entry in &manifest.files {
        let path = copy.join(&entry.name);
        let whole = std::fs::read(&path).unwrap();
        let mut flipped = whole.clone();
        let middle = flipped.len() / 2;
        flipped[middle] ^= 1;
        for (how, bytes) in
            [("changed", Some(flipped)), ("cut", Some(whole[..whole.len() - 1].to_vec())), ("gone", None)]
        {
            match bytes {
                Some(bytes) => std::fs::write(&path, bytes).unwrap(),
                None => std::fs::remove_file(&path).unwrap(),
            }
            let error = store
                .adopt(&copy, None, "admin", at(100))
                .err()
                .unwrap_or_else(|| panic!("{} {how}: taken over", entry.name));
            assert!(error.message.contains(&entry.name), "{} {how}: {error}", entry.name);
            let (_, _, problems) = Store::verify_copy(&copy).unwrap();
            assert!(problems.iter().any(|p| p.contains(&entry.name)), "{} {how}: {problems:?}", entry.name);
        }
        std::fs::write(&path, whole).unwrap();
    }
    assert_eq!(store.runs().unwrap().len(), 0);
    // Nothing of the attempts lies around, and the copy itself is still good.
    let left: Vec<_> = std::fs::read_dir(there.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert!(left.iter().all(|name| name.to_string_lossy().starts_with("runs.sqlite")), "{left:?}");
    store.adopt(&copy, None, "admin", at(100)).unwrap();
}

/// Somebody who mends the manifest after changing the journal is told by the chain.
#[test]
fn a_copy_with_a_mended_manifest_is_told_by_its_chain() {
    let desk = Desk::new();
    let (copy, sha256) = exported(&desk);
    let file = copy.join("runs.sqlite");
    let conn = rusqlite::Connection::open(&file).unwrap();
    conn.execute_batch("DROP TRIGGER snapshots_stand; UPDATE snapshots SET name = 'another' WHERE id = 2").unwrap();
    drop(conn);
    let mut manifest: Value = serde_json::from_slice(&std::fs::read(copy.join("manifest.json")).unwrap()).unwrap();
    let bytes = std::fs::read(&file).unwrap();
    let entry = manifest["files"].as_array_mut().unwrap().iter_mut().find(|f| f["name"] == "runs.sqlite").unwrap();
    entry["sha256"] =
        serde_json::json!(groupshift::bundle::write::hex(&<sha2::Sha256 as sha2::Digest>::digest(&bytes)));
    entry["bytes"] = serde_json::json!(bytes.len());
    std::fs::write(copy.join("manifest.json"), serde_json::to_vec_pretty(&manifest).unwrap()).unwrap();
    let there = Desk::new();
    let error = there.store().adopt(&copy, None, "admin", at(100)).err().unwrap();
    assert!(error.message.contains("chain is broken"), "{error}");
    let error = there.store().adopt(&copy, Some(&sha256), "admin", at(100)).err().unwrap();
    assert!(error.message.contains("was changed"), "{error}");
}

#[test]
fn a_manifest_that_reaches_outside_is_refused() {
    let desk = Desk::new();
    let (copy, _) = exported(&desk);
    let path = copy.join("manifest.json");
    let text = std::fs::read_to_string(&path).unwrap();
    for name in ["../outside", "/etc/passwd", "a/../../b", "C:/windows/x", "a\\\\..\\\\b", ""] {
        let changed = text.replacen("\"name\": \"groups.ldif\"", &format!("\"name\": \"{name}\""), 1);
        assert_ne!(changed, text);
        std::fs::write(&path, changed).unwrap();
        let error = Desk::new().store().adopt(&copy, None, "admin", at(100)).err().unwrap();
        assert!(error.message.contains("outside of the copy"), "{name}: {error}");
    }
}

#[test]
fn a_take_over_that_was_interrupted_leaves_the_store_as_it_was() {
    let desk = Desk::new();
    let (copy, _) = exported(&desk);
    for blows in 1..4 {
        let there = Desk::new();
        let count = Cell::new(0);
        let store = there.store().with_fuse(Rc::new(move |name| {
            count.set(count.get() + 1);
            name.starts_with("adopt") && count.get() >= blows
        }));
        let done = store.adopt(&copy, None, "admin", at(100));
        drop(store);
        let store = there.store();
        if done.is_ok() {
            assert!(blows > 2, "the fuse did not blow");
            continue;
        }
        // Either it is there whole, or it can be taken over now.
        match store.runs().unwrap().len() {
            0 => drop(
                store.adopt(&copy, None, "admin", at(100)).unwrap_or_else(|e| panic!("{blows}: {e} {:?}", e.hints)),
            ),
            _ => assert_eq!(store.run_to_look_at(None).unwrap().verify_snapshots().unwrap(), Vec::<String>::new()),
        }
        assert!(store.run_to_look_at(None).unwrap().folder().is_dir());
    }
}

fn any_object() -> impl Strategy<Value = ObjectState> {
    let name = prop_oneof!["[a-zA-Z][a-zA-Z0-9-]{0,12}", Just("msDS-ExternalDirectoryObjectId".to_owned())];
    let value = prop_oneof![
        proptest::collection::vec(any::<u8>(), 0..40),
        "\\PC{0,100}".prop_map(String::into_bytes),
        "[ -~]{0,200}".prop_map(String::into_bytes),
    ];
    let attributes = proptest::collection::btree_map(name, proptest::collection::vec(value, 1..5), 1..6);
    let dn = "[a-zA-Z0-9 äöü,=\\\\+<>#;\"-]{1,90}";
    (any::<[u8; 16]>(), dn, attributes).prop_map(|(guid, dn, attributes)| {
        // Names are one name without regard to letter case, as in a directory.
        let mut seen = std::collections::HashSet::new();
        let attributes = attributes.into_iter().filter(|(n, _)| seen.insert(n.to_lowercase())).collect();
        ObjectState { guid: ObjectGuid::from_u128(u128::from_be_bytes(guid)), dn: format!("CN={dn}"), attributes }
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_object_survives_json(object in any_object()) {
        let text = object_to_json(&object).to_string();
        let back: Value = serde_json::from_str(&text).unwrap();
        prop_assert_eq!(object_from_json(&back).unwrap(), object);
    }

    #[test]
    fn any_object_survives_ldif(object in any_object()) {
        let special = ["dn", "changetype", "control", "version"];
        prop_assume!(object.attributes.keys().all(|n| !special.contains(&n.to_lowercase().as_str())));
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("one.ldif");
        let mut text = b"version: 1\n\n".to_vec();
        write_object(&object, &mut text).unwrap();
        prop_assert!(text.split(|b| *b == b'\n').all(|line| line.len() <= 76), "a line is longer than 76");
        prop_assert!(text.is_ascii());
        std::fs::write(&file, text).unwrap();
        let read = reread(&file);
        prop_assert_eq!(read.len(), 1);
        let (dn, attributes) = read.into_iter().next().unwrap();
        prop_assert_eq!(&dn, &object.dn);
        prop_assert_eq!(attributes, lower(&object));
    }
}

#[test]
fn kinds_in_a_copy_are_all_readable() {
    // Every kind of snapshot goes out and comes back, not AD groups alone.
    let desk = Desk::new();
    let store = desk.store();
    let run = begin(&store);
    let kinds = [
        SnapshotKind::AdGroup,
        SnapshotKind::CloudGroup,
        SnapshotKind::Job,
        SnapshotKind::Schema,
        SnapshotKind::Secrets,
        SnapshotKind::Assignments,
        SnapshotKind::Server,
    ];
    let all: Vec<_> =
        kinds.iter().map(|kind| groupshift::cutover::store::Snapshot { kind: *kind, ..snapshot(1) }).collect();
    run.keep("S02", &all, at(1)).unwrap();
    let copy = desk.dir.path().join("copy");
    run.export(&copy).unwrap();
    let there = Desk::new();
    let run = there.store().adopt(&copy, None, "admin", at(2)).unwrap();
    for kind in kinds {
        assert_eq!(run.snapshot(kind, &guid(1).to_string()).unwrap().unwrap().1, snapshot(1).body);
    }
}
