//! `cutover status`, `cutover adopt` and `snapshot …` as an operator types them: without network, without a terminal.

use crate::stopped;
use crate::store::{self, at};
use crate::support::cli::Desk;
use groupshift::cutover::store::{Run, Store};
use serde_json::Value;

fn open(desk: &Desk) -> Store {
    store::store(&desk.path("groupshift-data"), &desk.path("locks"))
}

fn with_run(make: impl FnOnce(&Run)) -> (Desk, String) {
    let desk = Desk::new();
    let run = store::begin(&open(&desk));
    make(&run);
    let id = run.id().to_owned();
    (desk, id)
}

fn json(desk: &Desk, args: &[&str], code: i32) -> Value {
    let out = desk.run(&[args, &["--format", "json"]].concat()).code(code).out;
    serde_json::from_str(&out).unwrap_or_else(|e| panic!("{e}: {out}"))
}

#[test]
fn status_says_where_it_stands_and_what_to_type() {
    let (desk, id) = with_run(stopped);
    let ran = desk.run(&["cutover", "status"]).ok();
    let resume = format!("-> groupshift cutover resume --run {id}");
    ran.prints(&[
        &id,
        "Stopped: S27 Verify",
        "done       S01",
        "pending    S06",
        "point of no return",
        "1 done, 1 already so, 1 in doubt, 1 refused, 1 not ours, 1 taken back",
        "checked in the portal",
        "D-1a2b3c4d",
        "-> groupshift cutover rollback --wave Canary",
        &resume,
    ]);
    let value = json(&desk, &["cutover", "status"], 0);
    assert_eq!(value["verdict"]["state"], "stopped");
    assert_eq!(value["run"]["id"], id.as_str());
    assert_eq!(value["steps"][0]["state"], "done");
    assert_eq!(value["lock"], Value::Null);
    assert!(value.get("writes").is_none(), "single writes are the report's");
    // Nothing hostile reaches the terminal.
    let out = desk.run(&["cutover", "status", "--color", "never"]).ok().out;
    assert!(!out.contains('\u{1b}') && !out.contains('\u{202e}'));
}

#[test]
fn status_tells_a_running_process_from_a_dead_one() {
    let (desk, id) = with_run(|_| {});
    let value = json(&desk, &["cutover", "status"], 0);
    assert!(value["verdict"]["headline"].as_str().unwrap().starts_with("Its process is gone"), "{value}");
    assert!(value["verdict"]["next"][0].as_str().unwrap().contains(&format!("resume --run {id}")));
    let store = open(&desk);
    let lock = store.lock(store::DOMAIN).unwrap();
    lock.name_run(&id).unwrap();
    let value = json(&desk, &["cutover", "status"], 0);
    assert!(value["verdict"]["headline"].as_str().unwrap().starts_with("Running: run "), "{value}");
    assert!(value["lock"].as_str().unwrap().contains(&std::process::id().to_string()));
    assert!(value["verdict"]["next"][0].as_str().unwrap().contains("file named stop"));
    std::fs::write(desk.path("groupshift-data").join("stop"), "").unwrap();
    desk.run(&["cutover", "status"]).ok().prints(&["a file named stop lies in"]);
}

#[test]
fn without_a_store_or_with_an_unknown_run_it_says_what_there_is() {
    let desk = Desk::new();
    for args in
        [&["cutover", "status"][..], &["cutover", "resume"], &["snapshot", "list"], &["cutover", "rollback", "--all"]]
    {
        desk.run(args).code(1).says(&["no store of runs", "[store] dir"]);
    }
    assert!(!desk.path("groupshift-data").exists(), "looking made a store");
    let (desk, id) = with_run(|_| {});
    desk.run(&["cutover", "status", "--run", "20200101-0000-ffff"]).code(2).says(&["20200101-0000-ffff", &id]);
    // What is to be rolled back is never guessed, and two targets are one too many.
    desk.run(&["cutover", "rollback"]).code(2).says(&["--group ID, --wave NAME or --all"]);
    desk.run(&["cutover", "rollback", "--all", "--wave", "Canary"]).code(2);
    let other = store::begin(&open(&desk));
    desk.run(&["cutover", "rollback", "--all"]).code(2).says(&[&id, other.id(), "--run"]);
    desk.run(&["cutover", "resume"]).code(2).says(&[&id, other.id(), "--run"]);
    desk.run(&["cutover", "resume", "--run", &id, "--wave", "Nowhere"]).code(2).says(&["Canary"]);
    desk.run(&["cutover", "resume", "--run", &id, "--accept", "E14"])
        .code(2)
        .says(&["--accept \"E14=checked in the portal\""]);
    desk.run(&["cutover", "resume", "--run", &id, "--throwaway", "my group"]).code(2).says(&["object id"]);
}

#[test]
fn a_run_that_was_rolled_back_is_not_gone_on_with() {
    let (desk, id) = with_run(|run| crate::rolled(run, false));
    desk.run(&["cutover", "resume", "--run", &id]).code(2).says(&["is rolled back", "groupshift plan"]);
    desk.run(&["cutover", "status"]).ok().prints(&["conflict: ", "Writes of rollbacks: 1 done"]);
}

#[test]
fn a_run_that_another_plan_took_the_place_of_is_not_gone_on_with() {
    let (desk, id) = with_run(stopped);
    // One that wrote something stands in the way, until somebody says what is to become of it.
    let same_domain = crate::refused::variant(|plan| {
        plan.executable = true;
        plan.stops.clear();
        plan.bundle.domain = Some(store::DOMAIN.to_owned());
    });
    std::fs::write(desk.path("plan.json"), same_domain).unwrap();
    std::fs::write(
        desk.path("groupshift.toml"),
        "[ad]\nurl = \"ldaps://127.0.0.1:9\"\nuser = \"svc@contoso.com\"\npassword_env = \"GS_AD\"\n\
         [entra]\ntenant_id = \"contoso.com\"\nclient_id = \"app\"\nauth = \"token\"\ntoken_env = \"GS_AD\"\n",
    )
    .unwrap();
    let run = |more: &[&str]| {
        let mut command = desk.command(&[&["cutover", "run", "plan.json"], more].concat());
        let done = command.env("GS_AD", "x").env_remove("XDG_DATA_HOME").output().unwrap();
        (done.status.code().unwrap(), String::from_utf8(done.stderr).unwrap())
    };
    let (code, said) = run(&[]);
    assert_eq!(code, 2, "{said}");
    for part in [format!("resume --run {id}"), format!("rollback --run {id} --all"), format!("--accept \"{id}=why\"")] {
        assert!(said.contains(&part), "{part:?} is not in: {said}");
    }
    let (_, said) = run(&["--accept", &format!("{id}=the stamps stay, the new plan knows them")]);
    assert!(said.contains("closed and left as it is"), "{said}");
    desk.run(&["cutover", "status", "--run", &id])
        .ok()
        .prints(&["Closed, and left as it is: the stamps stay", "closed "]);
    desk.run(&["cutover", "resume", "--run", &id]).code(2).says(&["is closed", "rollback --run"]);
    assert_ne!(json(&desk, &["cutover", "status"], 0)["run"]["id"], id.as_str());
}

#[test]
fn snapshots_are_listed_shown_and_verified() {
    let (desk, id) = with_run(stopped);
    desk.run(&["snapshot", "list"]).ok().prints(&["2 of 2 snapshots", &id, "ad-group"]);
    let list = json(&desk, &["snapshot", "list", "--kind", "ad-group"], 0);
    let first = list["snapshots"][0].clone();
    assert_eq!(first["object"], store::guid(1).to_string());
    assert_eq!(json(&desk, &["snapshot", "list", "--kind", "job"], 0)["snapshots"], serde_json::json!([]));
    // By number, by objectGUID and by DN: the same.
    let dn = store::group(1).dn;
    for what in ["1", &store::guid(1).to_string().to_uppercase(), &dn] {
        let shown = json(&desk, &["snapshot", "show", what], 0);
        assert_eq!(shown["record"], first, "{what}");
        assert_eq!(groupshift::cutover::store::object_from_json(&shown["body"]).unwrap(), store::group(1));
    }
    // As text it is LDIF, which our own reader takes.
    let ldif = desk.run(&["snapshot", "show", "1", "--color", "never"]).ok().out;
    std::fs::write(desk.path("one.ldif"), format!("version: 1\n\n{ldif}")).unwrap();
    let mut reader = groupshift::collect::ldif::Reader::open(&desk.path("one.ldif")).unwrap();
    let mut entry = groupshift::collect::ldif::Entry::default();
    assert!(reader.next(&mut entry).unwrap());
    assert_eq!(entry.dn, dn);
    assert_eq!(entry.get("info").next().unwrap(), store::group(1).values("info")[0]);
    desk.run(&["snapshot", "show", "nothing"]).code(2).says(&["snapshot list"]);
    desk.run(&["snapshot", "verify"]).ok().prints(&["sound", "all 2 snapshots"]);

    let conn = rusqlite::Connection::open(desk.path("groupshift-data").join("runs.sqlite")).unwrap();
    conn.execute_batch("DROP TRIGGER snapshots_stand; UPDATE snapshots SET name = 'another' WHERE id = 2").unwrap();
    drop(conn);
    let dn2 = store::guid(2).to_string();
    desk.run(&["snapshot", "verify"]).code(1).prints(&[
        "not to be relied on",
        "snapshot 2 of",
        &dn2,
        "cutover adopt COPY",
    ]);
    let value = json(&desk, &["snapshot", "verify"], 1);
    assert_eq!(value["sound"], false);
    desk.run(&["snapshot", "show", "2"]).code(1).says(&["cannot be relied on", "groupshift snapshot verify"]);
    desk.run(&["snapshot", "export", "--out", "copy"]).code(1).says(&["unsound"]);
    assert!(!desk.path("copy").exists());
}

#[test]
fn a_copy_goes_out_and_a_run_is_taken_over_from_it() {
    let (desk, id) = with_run(stopped);
    let exported = json(&desk, &["snapshot", "export", "--out", "copy"], 0);
    let sha256 = exported["exported"]["sha256"].as_str().unwrap().to_owned();
    assert_eq!(exported["exported"]["snapshots"], 2);
    desk.run(&["snapshot", "export", "--out", "copy"]).code(2).says(&["never written over"]);
    desk.run(&["snapshot", "verify", "copy"]).ok().prints(&["sound", &id, &sha256]);

    let there = Desk::new();
    let copy = desk.path("copy").display().to_string();
    there.run(&["cutover", "adopt", "nowhere"]).code(1).says(&["cannot read the copy"]);
    assert_eq!(there.names(), Vec::<String>::new(), "no store is made for what is no copy");
    there
        .run(&["cutover", "adopt", &copy, "--sha256", &"0".repeat(64)])
        .code(1)
        .says(&["another copy", "Nothing was taken over"]);
    there.run(&["cutover", "adopt", &copy, "--sha256", &sha256]).ok().prints(&[
        &format!("Run {id} is taken over"),
        "cannot see other machines",
        &format!("groupshift cutover resume --run {id}"),
    ]);
    there.run(&["cutover", "status"]).ok().prints(&[&id, "adopted", "1 in doubt"]);
    there.run(&["snapshot", "verify"]).ok();
    there.run(&["cutover", "adopt", &copy]).code(2).says(&["holds the run"]);
    // A changed copy is told, and named.
    let file = desk.path("copy").join("groups.ldif");
    let text = std::fs::read_to_string(&file).unwrap().replace("Person 0001", "Person 9001");
    std::fs::write(&file, text).unwrap();
    desk.run(&["snapshot", "verify", "copy"]).code(1).prints(&["groups.ldif was changed"]);
    Desk::new().run(&["cutover", "adopt", &copy]).code(1).says(&["groups.ldif was changed"]);
}

#[test]
fn with_one_run_done_status_shows_it_and_no_stop_of_before() {
    let (desk, id) = with_run(stopped);
    let store = open(&desk);
    let run = store.run(Some(&id)).unwrap();
    run.set_state(groupshift::cutover::record::RunState::Done, None).unwrap();
    run.remark("gate", "E15", "nobody plans it", "admin", at(50)).unwrap();
    let out = desk.run(&["cutover", "status"]).ok().out;
    assert!(out.contains("The cutover is done") && out.contains("groupshift audit --against PLAN"), "{out}");
    assert!(!out.contains("Stopped: S27"), "{out}");
}
