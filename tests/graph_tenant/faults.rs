//! Each fault in each operation of a collection: the same bundle as without it, or a clear error.

use super::tenant::Tenant;
use super::tenant::collecting::{config_with, example_of, run_with, save};
use super::tenant::faults::{Kind, Planned, operation};
use super::tenant::login::Login;
use super::tenant::server::{Server, start};
use groupshift::bundle::Manifest;
use groupshift::config::Config;
use groupshift::error::Error;
use std::collections::BTreeSet;
use std::net::TcpListener;
use std::path::Path;
use std::time::Instant;

/// Tenants that are collected from at the same time.
const BESIDE: usize = 4;

/// What a fault has to lead to.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Wanted {
    /// It passes, and changes nothing.
    Same,
    /// It ends the collection, in words that say this.
    Words(&'static [&'static str]),
    /// Either: a part that is asked for again is the same; one that cannot be is an error that names the answer.
    SameOrWords(&'static [&'static str]),
}

fn table(elsewhere: &str) -> Vec<(Kind, Wanted)> {
    vec![
        (Kind::Throttled(Some("0")), Wanted::Same),
        (Kind::Throttled(Some("0.02")), Wanted::Same),
        (Kind::Throttled(None), Wanted::Same),
        (Kind::Unavailable, Wanted::Same),
        (Kind::ResetBefore, Wanted::Same),
        (Kind::ResetWithin, Wanted::Same),
        (Kind::Unauthorized, Wanted::Same),
        (Kind::Truncated, Wanted::Words(&["the answer is not the JSON", "the answer to a count is no number"])),
        (Kind::BrokenOff, Wanted::Words(&["the answer ends in an error: InternalServerError: The rest is missing"])),
        (Kind::Doubled, Wanted::Words(&["the answer is not the JSON"])),
        (Kind::WebPage, Wanted::Words(&["web page"])),
        (Kind::ExpiredPage, Wanted::SameOrWords(&["Directory_ExpiredPageToken"])),
        (Kind::ForeignLink(elsewhere.to_owned()), Wanted::Words(&["a link to"])),
        (Kind::Loop, Wanted::Words(&["go round in a circle", "the same page"])),
        (Kind::RepeatedPage, Wanted::Same),
        (Kind::RepeatedObject, Wanted::Same),
        (Kind::Oversized, Wanted::Words(&["larger than"])),
    ]
}

/// Faults of the list itself are for those operations that answer with one.
fn applies(operation: &str, kind: &Kind, lists: &BTreeSet<String>) -> bool {
    let part = operation.starts_with("PART ");
    match kind {
        Kind::Throttled(_) | Kind::Unavailable => true,
        Kind::BrokenOff
        | Kind::Doubled
        | Kind::ForeignLink(_)
        | Kind::Loop
        | Kind::RepeatedPage
        | Kind::RepeatedObject => lists.contains(operation),
        // Only what is asked for with a token can be answered so.
        Kind::ExpiredPage => operation.ends_with("token="),
        _ => !part,
    }
}

struct World {
    server: Server,
    config: Config,
    folder: tempfile::TempDir,
}

/// Few objects, two pages of each list.
fn world() -> World {
    let dir = example_of(&["0"]);
    let mut tenant = Tenant::load(dir.path()).keep(6).with_audit();
    tenant.login = Some(Login { secret: Some("a-secret".to_owned()), ..Login::default() });
    let server = start(tenant);
    let folder = tempfile::tempdir().unwrap();
    let secret = folder.path().join("secret");
    std::fs::write(&secret, "a-secret").unwrap();
    let config = config_with(&server, folder.path(), &auth(&secret));
    World { server, config, folder }
}

fn auth(secret: &Path) -> String {
    format!("auth = \"secret\"\nclient_secret_file = {}", serde_json::json!(secret.to_string_lossy()))
}

fn collect(world: &World, name: &str) -> Result<Manifest, Error> {
    let collected = run_with(&world.config, None, true).result?;
    if !collected.certificate.complete {
        return Err(Error::failed(format!("{name}: incomplete: {:?}", collected.certificate)));
    }
    let mut manifest = save(collected, &world.folder.path().join("bundle"));
    std::fs::remove_dir_all(world.folder.path().join("bundle")).unwrap();
    manifest.created.clear();
    Ok(manifest)
}

/// The bytes of everything that was collected; the manifest itself tells the time and how many bytes went over the line.
fn contents(manifest: &Manifest) -> Vec<(&str, u64, &str)> {
    manifest.files.iter().map(|f| (f.name.as_str(), f.records, f.sha256.as_str())).collect()
}

#[test]
fn every_fault_in_every_operation() {
    let world = world();
    let wanted = collect(&world, "without a fault").unwrap();
    world.server.tenant.lock().unwrap().recorder = Some(Default::default());
    assert_eq!(contents(&collect(&world, "once more").unwrap()), contents(&wanted));
    let recorder = world.server.tenant.lock().unwrap().recorder.take().unwrap();
    let (mut operations, mut lists) = (BTreeSet::new(), BTreeSet::new());
    for line in &recorder.lines {
        let url = url::Url::parse(line["request"]["url"].as_str().unwrap()).unwrap();
        // Parts of a batch are told without the headers of the connection.
        let part = line["request"]["headers"].get("host").is_none();
        let method = if part { "PART" } else { line["request"]["method"].as_str().unwrap() };
        let operation = operation(method, url.path(), url.query().unwrap_or(""));
        if !part && line["response"]["body"]["value"].as_array().is_some_and(|list| !list.is_empty()) {
            lists.insert(operation.clone());
        }
        operations.insert(operation);
    }
    assert!(operations.len() > 25 && lists.len() > 12, "{operations:#?}");
    let foreign = TcpListener::bind("127.0.0.1:0").unwrap();
    foreign.set_nonblocking(true).unwrap();
    let elsewhere = format!("https://{}/v1.0/groups?$skiptoken=2", foreign.local_addr().unwrap());
    let cases: Vec<(String, Kind, Wanted)> = operations
        .iter()
        .flat_map(|operation| table(&elsewhere).into_iter().map(|(kind, means)| (operation.clone(), kind, means)))
        .filter(|(operation, kind, _)| applies(operation, kind, &lists))
        .collect();
    assert!(cases.len() > 250, "{}", cases.len());
    let begun = Instant::now();
    let wrong: Vec<String> = std::thread::scope(|scope| {
        let beside = (0..BESIDE).map(|n| {
            scope.spawn({
                let cases = &cases;
                move || tried(cases.iter().skip(n).step_by(BESIDE))
            })
        });
        let beside: Vec<_> = beside.collect();
        beside.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    assert!(wrong.is_empty(), "{} of {}\n{}", wrong.len(), cases.len(), wrong.join("\n"));
    println!("{} collections in {:.1} s", cases.len(), begun.elapsed().as_secs_f64());
    assert!(foreign.accept().is_err(), "somebody followed the link to another host");
}

/// Tries these, against a tenant of their own; what went otherwise than it has to.
fn tried<'c>(cases: impl Iterator<Item = &'c (String, Kind, Wanted)>) -> Vec<String> {
    let world = world();
    let wanted = collect(&world, "without a fault").unwrap();
    let mut wrong = Vec::new();
    for (operation, kind, means) in cases {
        let name = format!("{operation}: {kind:?}");
        {
            let mut tenant = world.server.tenant.lock().unwrap();
            tenant.requests.clear();
            tenant.faults = vec![Planned { operation: operation.clone(), kind: kind.clone() }];
        }
        let result = collect(&world, &name);
        let left = std::mem::take(&mut world.server.tenant.lock().unwrap().faults);
        if !left.is_empty() && *kind != Kind::Loop {
            wrong.push(format!("{name}: was not met"));
        }
        let said = |error: &Error, words: &[&str]| words.iter().any(|words| error.to_string().contains(words));
        match (result, means) {
            (Ok(manifest), Wanted::Same | Wanted::SameOrWords(_)) if contents(&manifest) == contents(&wanted) => {}
            (Err(error), Wanted::Words(words) | Wanted::SameOrWords(words)) if said(&error, words) => {}
            (Ok(manifest), Wanted::Same | Wanted::SameOrWords(_)) => {
                let other: Vec<_> =
                    contents(&manifest).into_iter().filter(|f| !contents(&wanted).contains(f)).collect();
                wrong.push(format!("{name}: the bundle differs: {other:?}"));
            }
            (Ok(_), _) => wrong.push(format!("{name}: no error")),
            (Err(error), _) => wrong.push(format!("{name}: {error}")),
        }
    }
    wrong
}
