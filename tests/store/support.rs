//! A store with the example's plan, groups with every sort of value, and a piece of work that goes on where it stopped.

#![allow(dead_code)] // Each test program uses its own part of this.

use chrono::{DateTime, TimeDelta, Utc};
use groupshift::cutover::port::{Level, ObjectState, Pin};
use groupshift::cutover::record::{Intent, RunState, Settled, SnapshotKind, StepState, WriteState};
use groupshift::cutover::store::{Run, Snapshot, Store, object_to_json};
use groupshift::directory::ObjectGuid;
use groupshift::error::Result;
use groupshift::plan::{self, Plan};
use serde_json::json;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

pub const DOMAIN: &str = "contoso.com";

/// The committed plan of the example tenant, with its bytes.
pub fn plan() -> &'static (Plan, Vec<u8>) {
    static PLAN: OnceLock<(Plan, Vec<u8>)> = OnceLock::new();
    PLAN.get_or_init(|| {
        let path = plan_folder().join("plan.json");
        (plan::read(&path).unwrap(), std::fs::read(&path).unwrap())
    })
}

/// The same with few steps and one script: what a store does with a plan does not depend on how long it is.
pub fn small() -> &'static (Plan, Vec<u8>) {
    static PLAN: OnceLock<(Plan, Vec<u8>)> = OnceLock::new();
    PLAN.get_or_init(|| {
        let mut plan = plan().0.clone();
        let mut scripts = 0;
        plan.steps.retain(|s| {
            scripts += usize::from(s.script.is_some());
            s.script.is_none() || scripts == 1
        });
        plan.waves.truncate(1);
        plan.waves[0].groups.truncate(2);
        plan.outside.clear();
        plan.sha256 = String::new();
        plan.sha256 = plan::hash(&plan).unwrap();
        let bytes = plan::canonical(&plan).unwrap();
        (plan, bytes)
    })
}

pub fn plan_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("reports/example")
}

/// So many seconds into the night.
pub fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::parse_from_rfc3339("2026-11-21T21:00:00Z").unwrap().to_utc() + TimeDelta::seconds(seconds)
}

pub struct Desk {
    pub dir: tempfile::TempDir,
}

impl Desk {
    pub fn new() -> Self {
        Desk { dir: tempfile::tempdir().unwrap() }
    }
    pub fn path(&self) -> PathBuf {
        self.dir.path().join("store")
    }
    pub fn locks(&self) -> PathBuf {
        self.dir.path().join("locks")
    }
    pub fn store(&self) -> Store {
        store(&self.path(), &self.locks())
    }
}

pub fn store(dir: &Path, locks: &Path) -> Store {
    Store::open(dir).unwrap().with_lock_folder(locks)
}

pub fn begin(store: &Store) -> Run {
    try_begin(store).unwrap()
}

pub fn try_begin(store: &Store) -> Result<Run> {
    begin_with(store, plan())
}

fn begin_with(store: &Store, (plan, bytes): &(Plan, Vec<u8>)) -> Result<Run> {
    // No reviewed scripts lie there: the run makes its own from the plan.
    store.begin(plan, bytes, &plan_folder().join("nowhere"), DOMAIN, at(0))
}

pub fn guid(n: u32) -> ObjectGuid {
    ObjectGuid::parse(&format!("dddddddd-0000-4000-8000-{n:012x}")).unwrap()
}

/// A group with text, binary, long, empty and awkward values.
pub fn group(n: u32) -> ObjectState {
    let mut object = ObjectState {
        guid: guid(n),
        dn: format!("CN=Grüße\\, Team {n},OU=GroupWriteback,DC=contoso,DC=com"),
        ..ObjectState::default()
    };
    let mut put = |name: &str, values: &[&[u8]]| {
        object.attributes.insert(name.to_owned(), values.iter().map(|v| v.to_vec()).collect());
    };
    put("objectClass", &[b"top", b"group"]);
    put("cn", &["Grüße, Team".as_bytes()]);
    put("objectSid", &[&[1, 5, 0, 0, 0, 0, 0, 5, 21, 0, 0, 0, 0x57, 4, 0, 0, 0xae, 8, 0, 0, 5, 0xd, 0, 0, 8, 4, 0, 0]]);
    put("nTSecurityDescriptor", &[&[1, 0, 4, 0x8c, 0xff, 0, 0x80, 10, 13]]);
    put("description", &[b" begins and ends with a blank "]);
    put("info", &[b"line one\r\nline two\n\nline four: <b>\xe2\x80\xae</b>"]);
    put("adminDescription", &[b"Group_3a5c3221-c465-48c0-95b8-e9305786a271"]);
    put("extensionAttribute1", &[b":colon", b"<angle", b"", b"x"]);
    let members: Vec<Vec<u8>> =
        (0..30).map(|m| format!("CN=Person {m:04},OU=People,DC=contoso,DC=com").into_bytes()).collect();
    object.attributes.insert("member".to_owned(), members);
    object
}

pub fn snapshot(n: u32) -> Snapshot {
    let object = group(n);
    let (key, name, body) = (object.guid.to_string(), object.dn.clone(), object_to_json(&object));
    Snapshot { kind: SnapshotKind::AdGroup, object: key, name, body }
}

pub fn intent(n: u32, snapshot: Option<i64>) -> Intent {
    Intent {
        step: "S05".to_owned(),
        action: "stamp".to_owned(),
        object: guid(n).to_string(),
        name: group(n).dn,
        attribute: Some("msDS-ExternalDirectoryObjectId".to_owned()),
        new: Some(json!("Group_3a5c3221-c465-48c0-95b8-e9305786a271")),
        snapshot,
        ..Intent::default()
    }
}

pub fn pin() -> Pin {
    Pin {
        controller: "dc1.contoso.com".to_owned(),
        invocation_id: guid(999),
        highest_committed_usn: 12_345,
        domain: DOMAIN.to_owned(),
        naming_context: "DC=contoso,DC=com".to_owned(),
    }
}

pub const GROUPS: u32 = 4;

/// A whole small run that goes on wherever a former process ended, as the engine does.
pub fn work(store: &Store) -> Result<Run> {
    let run = match store.runs()?.last() {
        Some(run) => store.run(Some(&run.id))?,
        None => begin_with(store, small())?,
    };
    if run.record()?.pin.is_none() {
        run.set_pin(&pin())?;
    }
    if run.step("S02")?.state != StepState::Done {
        run.set_step("S02", StepState::Begun, None, at(1))?;
        if run.snapshots()?.is_empty() {
            let all: Vec<Snapshot> = (0..GROUPS).map(snapshot).collect();
            run.keep("S02", &all, at(2))?;
        }
        run.set_step("S02", StepState::Done, Some("kept"), at(3))?;
    }
    run.set_step("S05", StepState::Begun, None, at(4))?;
    for n in 0..GROUPS {
        let key = guid(n).to_string();
        let mut writes = run.writes_to(&key)?;
        if writes.is_empty() {
            let (record, _) = run.snapshot(SnapshotKind::AdGroup, &key)?.unwrap();
            run.intend(&[intent(n, Some(record.id))], at(5))?;
            writes = run.writes_to(&key)?;
        }
        let [write] = writes.as_slice() else { panic!("{writes:?}") };
        if write.state == WriteState::Intended {
            let server = Some("dc1.contoso.com".to_owned());
            run.settle(&[Settled { write: write.id, state: WriteState::Done, server, detail: None }], at(6))?;
        }
        run.log(Level::Write, &format!("stamped {n}"), at(6))?;
    }
    run.set_step("S05", StepState::Done, None, at(7))?;
    if run.remarks()?.is_empty() {
        run.remark("gate", "E14", "checked in the portal", "admin", at(8))?;
    }
    run.put("throwaway", &json!({ "phase": "left" }))?;
    run.log(Level::Step, "the end", at(9))?;
    run.set_state(RunState::Done, None)?;
    Ok(run)
}

/// What the end of `work` must be, however often it was interrupted.
#[track_caller]
pub fn finished(run: &Run, when: &str) {
    assert_eq!(run.verify_snapshots().unwrap(), Vec::<String>::new(), "{when}");
    let writes = run.writes().unwrap();
    assert_eq!(writes.len(), GROUPS as usize, "{when}");
    for (n, write) in (0..GROUPS).zip(&writes) {
        assert_eq!(write.intent, intent(n, Some(i64::from(n) + 1)), "{when}");
        assert_eq!(write.state, WriteState::Done, "{when}");
        assert_eq!(write.server.as_deref(), Some("dc1.contoso.com"), "{when}");
    }
    let records = run.snapshots().unwrap();
    assert_eq!(records.len(), GROUPS as usize, "{when}");
    for n in 0..GROUPS {
        let (_, body) = run.snapshot(SnapshotKind::AdGroup, &guid(n).to_string()).unwrap().unwrap();
        assert_eq!(groupshift::cutover::store::object_from_json(&body).unwrap(), group(n), "{when}");
    }
    let record = run.record().unwrap();
    assert_eq!((record.state, record.pin), (RunState::Done, Some(pin())), "{when}");
    assert_eq!(run.remarks().unwrap().len(), 1, "{when}");
    assert_eq!(run.get("throwaway").unwrap(), Some(json!({ "phase": "left" })), "{when}");
    assert!(run.log_lines().unwrap().iter().any(|l| l.text == "the end"), "{when}");
    assert!(run.steps().unwrap().iter().all(|s| s.state == StepState::Done), "{when}");
}
