//! What `--against` takes: a plan, the snapshots of a run in the store, and an exported copy of them.

use crate::made::*;
use crate::support::*;
use groupshift::assess::{AboutBundle, Assessed};
use groupshift::audit::former::{Former, FormerMembers};
use groupshift::audit::model::AgainstKind;
use groupshift::bundle;
use groupshift::cutover::port::ObjectState;
use groupshift::cutover::record::{Intent, Settled, SnapshotKind, WriteState};
use groupshift::cutover::store::{Run, Snapshot, Store, object_to_json};
use groupshift::directory::ObjectGuid;
use groupshift::plan::{self, Input, Made, Order, Plan};
use std::collections::BTreeMap;
use std::path::Path;

/// A plan of the world before its cutover.
fn planned(dir: &Path) -> Plan {
    let mut world = World::base();
    world.add_pair(1);
    let bundle = world.bundle(dir).unwrap();
    let (opened, inventory) = bundle::open(&bundle).unwrap();
    let assessed = Assessed::run(&inventory, &world.settings, AboutBundle::of(&opened)).unwrap();
    let input = Input {
        assessed: &assessed,
        order: Order::Documented,
        policy: None,
        decisions: None,
        bundle_path: "bundle".to_owned(),
        scripts_folder: "plan-scripts".to_owned(),
        draft: true,
    };
    match plan::plan(&input).unwrap() {
        Made::Plan(plan) => *plan,
        Made::Blocked(stops) => panic!("{stops:?}"),
    }
}

fn object(name: &str, id: &str, rid: u32, members: &[String]) -> ObjectState {
    let mut attributes: BTreeMap<String, Vec<Vec<u8>>> = BTreeMap::new();
    let mut set = |name: &str, values: Vec<Vec<u8>>| drop(attributes.insert(name.to_owned(), values));
    set("objectSid", vec![sid_bytes(&sid(rid))]);
    set("groupType", vec![b"-2147483640".to_vec()]);
    set("sAMAccountName", vec![format!("sam-{rid}").into_bytes()]);
    set("adminDescription", vec![format!("Group_{id}").into_bytes()]);
    set("member", members.iter().map(|m| m.clone().into_bytes()).collect());
    ObjectState { guid: ObjectGuid::parse(&ad_guid(rid)).unwrap(), dn: group_dn(name), attributes }
}

/// A run of that plan in a store: the group under test was snapshotted, then stamped.
fn begun(dir: &Path) -> (Store, Run) {
    let plan = planned(dir);
    let store = Store::open(&dir.join("store")).unwrap();
    let bytes = plan::canonical(&plan).unwrap();
    let at = |text: &str| text.parse().unwrap();
    let run = store.begin(&plan, &bytes, dir, "contoso.com", at("2026-11-10T19:00:00Z")).unwrap();
    let group = object("Group_3a5c3221", G, 2001, &[user_dn(1), user_dn(2)]);
    let key = group.guid.to_string();
    let snapshot = |state: &ObjectState| Snapshot {
        kind: SnapshotKind::AdGroup,
        object: state.guid.to_string(),
        name: state.dn.clone(),
        body: object_to_json(state),
    };
    run.keep("T01", &[snapshot(&group)], at("2026-11-10T19:10:00Z")).unwrap();
    let intent = Intent {
        step: "T02".to_owned(),
        action: "stamp".to_owned(),
        object: key.clone(),
        name: "x".to_owned(),
        ..Intent::default()
    };
    let writes = run.intend(&[intent], at("2026-11-10T19:20:00Z")).unwrap();
    let done = Settled { write: writes[0], state: WriteState::Done, server: None, detail: None };
    run.settle(&[done], at("2026-11-10T19:30:00Z")).unwrap();
    // A later snapshot of the same group is not what it was before.
    let mut later = group;
    later.attributes.insert("member".to_owned(), Vec::new());
    run.keep("T09", &[snapshot(&later)], at("2026-11-10T20:00:00Z")).unwrap();
    (store, run)
}

fn now() -> chrono::DateTime<chrono::Utc> {
    "2026-11-20T00:00:00Z".parse().unwrap()
}

#[test]
fn a_plan() {
    let dir = tempfile::tempdir().unwrap();
    let plan = planned(dir.path());
    let path = dir.path().join("plan.json");
    std::fs::write(&path, plan::canonical(&plan).unwrap()).unwrap();
    let former = Former::open(path.to_str().unwrap(), &dir.path().join("none"), now()).unwrap();
    assert_eq!(
        (former.kind, former.name.as_str(), former.sha256.as_deref()),
        (AgainstKind::Plan, "plan.json", Some(plan.sha256.as_str()))
    );
    let id = ObjectGuid::parse(G).unwrap();
    let group = former.get(former.position_of_id(id).unwrap()).unwrap();
    assert_eq!((group.sid.as_ref().unwrap().to_string(), group.members.count()), (sid(2001), Some(2)));
    let planned = plan.waves.iter().flat_map(|w| &w.groups).find(|g| g.object_id == G).unwrap();
    assert_eq!((&group.dn, &group.approved_dn), (&planned.dn, &planned.predicted.dn));
    assert_eq!(former.against().groups as usize, plan.waves.iter().map(|w| w.groups.len()).sum::<usize>());
    // An edited plan is refused.
    let text = std::fs::read_to_string(&path).unwrap().replacen(&sid(2001), &sid(2002), 1);
    std::fs::write(&path, text).unwrap();
    assert!(Former::open(path.to_str().unwrap(), dir.path(), now()).unwrap_err().to_string().contains("edited"));
}

#[test]
fn a_run_and_its_copy() {
    let dir = tempfile::tempdir().unwrap();
    let (store, run) = begun(dir.path());
    let copy = dir.path().join("copy");
    run.export(&copy).unwrap();
    let id = run.id().to_owned();
    let folder = store.dir().to_owned();
    drop((store, run));
    for what in [id.as_str(), copy.to_str().unwrap(), folder.to_str().unwrap()] {
        let former = Former::open(what, &folder, now()).unwrap_or_else(|e| panic!("{what}: {e}"));
        assert_eq!(
            (former.kind, former.name.as_str(), former.groups().len()),
            (AgainstKind::Snapshot, id.as_str(), 1),
            "{what}"
        );
        let group = &former.groups()[0];
        assert_eq!((group.id, group.sid.as_ref()), (ObjectGuid::parse(G), Some(&sid_of(2001))));
        assert_eq!(group.members, FormerMembers::List(vec![user_dn(1), user_dn(2)]));
        assert_eq!(group.account_name.as_deref(), Some("sam-2001"));
        // What the run itself wrote is not a change by others.
        assert_eq!(group.since.unwrap().to_rfc3339(), "2026-11-10T19:30:00+00:00");
        assert!(group.wave.is_some(), "{what}: the plan of the run is read too");
    }
    // A copy that was changed is refused.
    let ldif = copy.join("groups.ldif");
    let text = std::fs::read_to_string(&ldif).unwrap().replace("sam-2001", "sam-2002");
    std::fs::write(&ldif, text).unwrap();
    let error = Former::open(copy.to_str().unwrap(), &folder, now()).unwrap_err();
    assert!(
        error.to_string().contains("changed") || error.hints.iter().any(|h| h.contains("changed")),
        "{error} {:?}",
        error.hints
    );
}

#[test]
fn anything_else_is_refused_with_what_to_give() {
    let dir = tempfile::tempdir().unwrap();
    for what in ["nothing", "20261110-1900-ffff", dir.path().to_str().unwrap()] {
        let error = Former::open(what, dir.path(), now()).unwrap_err();
        assert_eq!(error.exit_code(), 2, "{error}");
        assert!(error.hints.iter().any(|h| h.contains("plan.json")), "{what}: {:?}", error.hints);
    }
}

/// The clean world held against a plan that was made of it, and against nothing.
#[test]
fn what_it_was_held_against_is_said() {
    let mut clean = Clean::new();
    let against = clean.audit().header.against;
    assert_eq!((against.kind, against.groups), (AgainstKind::Snapshot, 3));
    clean.former = None;
    let audit = clean.audit();
    assert_eq!((audit.header.against.kind, audit.header.against.name), (AgainstKind::Nothing, None));
}
