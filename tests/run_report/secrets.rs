//! No secret of the surroundings is in the store, the reports, the copies or in anything that is said.

use crate::refused::executable;
use crate::store;
use crate::support::cli::Desk;
use groupshift::bundle;
use groupshift::cutover::engine::{Engine, Options};
use groupshift::cutover::port::Tenant;
use groupshift::example;
use groupshift::twin::Twin;
use serde_json::json;
use std::path::Path;

const SECRETS: [&str; 4] =
    ["Pa55-of-the-agent", "Cl13nt-secret-of-the-app", "b3arer-token-of-the-service", "d1rectory-password"];

/// Every file below, and the text of every row of a SQLite file.
fn everything(dir: &Path) -> Vec<(String, Vec<u8>)> {
    let (mut out, mut open) = (Vec::new(), vec![dir.to_owned()]);
    while let Some(path) = open.pop() {
        if path.is_dir() {
            open.extend(std::fs::read_dir(&path).unwrap().map(|e| e.unwrap().path()));
        } else if path.is_file() {
            let bytes = std::fs::read(&path).unwrap();
            // What is packed in the journal is looked at unpacked.
            if path.extension().is_some_and(|e| e == "sqlite") {
                let conn = rusqlite::Connection::open(&path).unwrap();
                let mut bodies = conn.prepare("SELECT body FROM bodies UNION ALL SELECT body FROM plans").unwrap();
                for body in bodies.query_map([], |row| row.get::<_, Vec<u8>>(0)).unwrap() {
                    out.push((format!("{} unpacked", path.display()), zstd::decode_all(&body.unwrap()[..]).unwrap()));
                }
            }
            out.push((path.display().to_string(), bytes));
        }
    }
    out
}

#[track_caller]
fn none_in(texts: &[(String, Vec<u8>)], secrets: &[&str]) {
    for (name, bytes) in texts {
        for secret in secrets {
            let found = bytes.windows(secret.len()).any(|w| w == secret.as_bytes());
            assert!(!found, "{secret} is in {name}");
        }
    }
}

#[test]
fn the_jobs_secrets_stay_in_the_tenant() {
    let desk = store::Desk::new();
    let (export, dir) = (desk.dir.path().join("export"), desk.dir.path().join("bundle"));
    example::write(&export).unwrap();
    let done = Desk::new();
    done.run(&["collect", "--offline", export.to_str().unwrap(), "--out", dir.to_str().unwrap()]).ok();
    let (_, inventory) = bundle::open(&dir).unwrap();
    let bytes = executable();
    let plan = groupshift::plan::from_bytes(&bytes, Path::new("plan.json")).unwrap();
    let store = desk.store();
    let run =
        store.begin_rehearsal(&plan, &bytes, plan.bundle.domain.as_deref().unwrap(), store::at(-28 * 3600)).unwrap();
    let begun = std::time::Instant::now();
    let twin = Twin::of(inventory, &plan, None);
    let ports = twin.ports();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let ending = runtime.block_on(async {
        // The tenant holds credentials beside the two settings that the run changes, as a real one does.
        let job = ports.tenant.job().await.unwrap().expect("the example has a job");
        let mut secrets = ports.tenant.secrets(&job).await.unwrap();
        let list = secrets.as_array_mut().unwrap();
        for (key, secret) in ["Password", "ClientSecret", "SecretToken"].into_iter().zip(SECRETS) {
            list.push(json!({ "key": key, "value": secret }));
        }
        ports.tenant.put_secrets(&job, &secrets).await.map_err(|f| f.error).unwrap();
        let options = Options { rehearsal: true, yes: true, wave: Some("Canary".to_owned()), ..Options::default() };
        Engine::new(&ports, &run, &plan, &options).go().await
    });
    println!("the run ended with {ending:?} after {:?}", begun.elapsed());
    assert!(run.writes().unwrap().iter().any(|w| w.intent.action == "secrets"), "the job's settings were not saved");
    let kept = run.snapshots().unwrap();
    assert!(kept.iter().any(|s| s.kind == groupshift::cutover::record::SnapshotKind::Secrets), "no secrets were met");
    groupshift::report::run::write(&run, &plan).unwrap();
    run.export(&desk.dir.path().join("copy")).unwrap();
    drop(run);
    let texts = [everything(&desk.path()), everything(&desk.dir.path().join("copy"))].concat();
    assert!(texts.len() > 100, "{}", texts.len());
    // Their names are there, so that somebody can see what would be lost; their values are not.
    assert!(texts.iter().any(|(_, b)| b.windows(12).any(|w| w == b"ClientSecret")));
    none_in(&texts, &SECRETS);
}

#[test]
fn what_the_configuration_names_is_never_said_or_kept() {
    let desk = Desk::new();
    std::fs::write(desk.path("plan.json"), executable()).unwrap();
    // A server that nobody answers at: the run is begun and cannot go on.
    std::fs::write(
        desk.path("groupshift.toml"),
        "[ad]\nurl = \"ldaps://127.0.0.1:9\"\nuser = \"svc@contoso.com\"\npassword_env = \"GS_AD\"\n\
         [entra]\ntenant_id = \"contoso.com\"\nclient_id = \"app\"\nauth = \"secret\"\nclient_secret_env = \"GS_APP\"\n\
         login_url = \"https://127.0.0.1:9\"\ngraph_url = \"https://127.0.0.1:9\"\n",
    )
    .unwrap();
    let said = |args: &[&str]| {
        let mut command = desk.command(args);
        command.env("GS_AD", SECRETS[3]).env("GS_APP", SECRETS[1]).env_remove("XDG_DATA_HOME");
        let done = command.output().unwrap();
        (done.status.code().unwrap(), [done.stdout, done.stderr].concat())
    };
    let (code, words) = said(&["cutover", "run", "plan.json", "-vv"]);
    let text = String::from_utf8_lossy(&words).into_owned();
    assert_eq!(code, 1, "{text}");
    assert!(text.contains("groupshift cutover resume --run "), "{text}");
    let (code, status) = said(&["cutover", "status"]);
    assert_eq!(code, 0);
    assert!(String::from_utf8_lossy(&status).contains("Stopped: "), "{}", String::from_utf8_lossy(&status));
    // A run that touched nothing does not stand in the way of another plan.
    std::fs::write(
        desk.path("other.json"),
        crate::refused::variant(|plan| {
            plan.executable = true;
            plan.stops.clear();
            plan.tool = "another".to_owned();
        }),
    )
    .unwrap();
    let (_, other) = said(&["cutover", "run", "other.json"]);
    assert!(String::from_utf8_lossy(&other).contains("another plan is closed"), "{}", String::from_utf8_lossy(&other));
    let (code, _) = said(&["cutover", "rollback", "--all", "--yes"]);
    assert_eq!(code, 1);
    // The same command goes on with the same run.
    let (_, again) = said(&["cutover", "run", "other.json"]);
    assert!(String::from_utf8_lossy(&again).contains("going on with run"));
    let (code, _) = said(&["snapshot", "export", "--out", "copy"]);
    assert_eq!(code, 0);
    let mut texts = everything(desk.dir.path());
    texts.extend([("said".to_owned(), words), ("said again".to_owned(), again)]);
    none_in(&texts, &SECRETS);
    assert!(texts.iter().any(|(name, _)| name.ends_with("run.html")), "no report was written");
}
