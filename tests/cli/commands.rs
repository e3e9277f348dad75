//! Each command's happy path, its usage errors, and the options that all share.

use crate::support::World;
use crate::support::cli::Desk;
use serde_json::{Value, json};
use std::process::Stdio;

#[test]
fn collect_and_assess() {
    let desk = Desk::collected(&World::base());
    desk.run(&["bundle", "info", "bundle"]).ok().prints(&["complete", "adGroups", "ad/export.ldf"]);
    let ran = desk.assess(&[]).ok().prints(&["1 groups", "1 migrate", "Reports"]);
    assert!(ran.err.is_empty(), "{}", ran.err);
    assert_eq!(desk.json("out/assessment.json")["summary"]["migrate"], 1);
    // Without --out a dated folder under reports/.
    desk.run(&["assess", "bundle"]).ok().prints(&["reports", "assessment-"]);
    assert!(desk.path("reports").is_dir());
    // Only what is asked for.
    desk.run(&["assess", "bundle", "--out", "few", "--reports", "json,md"]).ok();
    assert_eq!(crate::support::cli::names(&desk.path("few")), ["assessment.json", "assessment.md"]);
    desk.run(&["assess", "bundle", "--out", "none", "--reports", "none"]).ok();
    assert!(!desk.path("none").exists());
}

/// Of exported files everything is read, whatever the bundle is for; saying what for is no mistake.
#[test]
fn exported_files_for_an_audit() {
    let mut world = World::base();
    world.json("cloudsync/provisioningLogs.json", json!({ "value": [] }));
    let desk = Desk::with(&world);
    desk.run(&["collect", "--offline", "export", "--for", "audit", "--out", "audit"]).ok();
    desk.run(&["collect", "--offline", "export", "--for", "assess", "--out", "assess"]).ok();
    let files = |bundle: &str| desk.json(&format!("{bundle}/manifest.json"))["files"].clone();
    assert_eq!(files("audit"), files("assess"));
}

#[test]
fn usage() {
    let desk = Desk::collected(&World::base());
    for args in [
        &[][..],
        &["nothing"],
        &["collect"],
        &["collect", "--offline", "export"],
        &["collect", "--offline", "nowhere", "--out", "b"],
        &["collect", "--offline", "export/ad/export.ldf", "--out", "b"],
        &["collect", "--offline", "export", "--out", "b", "--since", "bundle"],
        &["assess"],
        &["assess", "bundle", "--fail-on", "bad"],
        &["assess", "bundle", "--fail-on-unknown"],
        &["assess", "bundle", "--accept", "E14"],
        &["assess", "bundle", "--accept", "E14="],
        &["assess", "bundle", "--accept", "E1=x"],
        &["assess", "bundle", "--accept", "E14=x", "--accept", "e14=y"],
        &["assess", "bundle", "--config", "nowhere.toml"],
        &["assess", "bundle", "-q", "-v"],
        &["explain"],
        &["explain", "C99"],
        &["explain", "C01", "--all"],
        &["bundle"],
        &["completions", "cmd"],
        &["--format", "xml", "config", "show"],
    ] {
        let ran = desk.run(args).code(2);
        assert!(ran.out.is_empty() && !ran.err.is_empty(), "{args:?}: {}", ran.out);
    }
    assert_eq!(desk.names(), ["bundle", "export"]);
    for args in [&["--help"][..], &["--version"], &["assess", "--help"]] {
        assert!(!desk.run(args).ok().out.is_empty());
    }
    // An empty export is a failure, not a usage error.
    std::fs::create_dir(desk.path("empty")).unwrap();
    desk.run(&["collect", "--offline", "empty", "--out", "b"]).code(1).says(&["nothing to read"]);
}

#[test]
fn accept() {
    let desk = Desk::collected(&World::base());
    desk.assess(&["--accept", "e14= seen = twice "]).ok();
    let gate = desk.json("out/assessment.json")["gates"]
        .as_array()
        .unwrap()
        .iter()
        .find(|g| g["id"] == "E14")
        .unwrap()
        .clone();
    assert_eq!((gate["status"].as_str(), gate["attested"]["reason"].as_str()), (Some("pass"), Some("seen = twice")));
    assert!(!gate["attested"]["by"].as_str().unwrap().is_empty());
    let read = |name: &str| desk.text(&format!("out/{name}"));
    assert!(read("assessment.md").contains("seen = twice"));
    assert!(
        read("assessment.html").contains(" twice</bdi>"),
        "in the page, where = is written as a character reference"
    );
}

#[test]
fn fail_on() {
    // The clean world has nothing above info; its gates fail nowhere, but much is unknown.
    let desk = Desk::collected(&World::base());
    for (args, code) in [
        (&["--fail-on", "low"][..], 0),
        (&["--fail-on", "info"], 3),
        (&["--fail-on", "blocker"], 0),
        (&["--fail-on", "blocker", "--fail-on-unknown"], 3),
    ] {
        desk.run(&[&["assess", "bundle", "--reports", "none"], args].concat()).code(code);
    }
    let mut world = World::base();
    world.g().set("groupType", "-2147483646"); // C08, blocker
    let desk = Desk::collected(&world);
    desk.run(&["assess", "bundle", "--reports", "none"]).ok();
    desk.assess(&["--fail-on", "blocker"]).code(3);
    assert!(desk.path("out/assessment.json").exists(), "the reports are written all the same");
    let mut world = World::base();
    world.eset("isAssignableToRole", json!(true)); // C33, medium
    let desk = Desk::collected(&world);
    desk.run(&["assess", "bundle", "--reports", "none", "--fail-on", "high"]).ok();
    desk.run(&["assess", "bundle", "--reports", "none", "--fail-on", "medium"]).code(3);
    // A failed gate counts like a finding: E1 is a blocker.
    let mut world = World::base();
    world.server("sync01", |s| s["companyFeatures"]["GroupWritebackV2"] = json!(false));
    Desk::collected(&world).assess(&["--fail-on", "blocker"]).code(3);
}

#[test]
fn json_is_one_document() {
    let desk = Desk::with(&World::base());
    for args in [
        &["collect", "--offline", "export", "--out", "bundle"][..],
        &["assess", "bundle", "--out", "out"],
        &["assess", "bundle", "--reports", "none", "--fail-on", "info"],
        &["bundle", "verify", "bundle"],
        &["bundle", "info", "bundle"],
        &["config", "show"],
        &["explain", "C01"],
        &["explain", "C37"],
        &["explain", "--all"],
        &["schema", "assessment"],
        &["connect-script"],
        &["connect-script", "--out", "collect.ps1"],
    ] {
        let ran = desk.run(&[&["--format", "json"], args].concat());
        let value: Value = serde_json::from_str(&ran.out).unwrap_or_else(|e| panic!("{args:?}: {e}: {}", ran.out));
        assert!(value.is_object() || value.is_array(), "{args:?}");
    }
    // An error leaves standard output empty.
    let ran = desk.run(&["--format", "json", "bundle", "verify", "export"]).code(1);
    assert!(ran.out.is_empty() && ran.err.contains("no bundle"));
}

/// Where a connection fails, that is what has to be mended first; nobody is sent to export files.
#[test]
fn preflight_points_at_the_connection_that_fails() {
    let desk = Desk::new();
    std::fs::write(desk.path("groupshift.toml"), "[ad]\nurl = \"ldaps://127.0.0.1:1\"\nuser = \"u@contoso.com\"\n")
        .unwrap();
    let mut command = desk.command(&["preflight", "--format", "json"]);
    let done = command.env("GROUPSHIFT_AD_PASSWORD", "not a real one").output().unwrap();
    assert_eq!(done.status.code(), Some(3));
    let told: Value = serde_json::from_slice(&done.stdout).unwrap();
    let remedy = |id: &str| {
        let gates = told["gates"].as_array().unwrap();
        gates.iter().find(|g| g["id"] == id).unwrap()["remediation"].as_str().unwrap().to_owned()
    };
    assert!(remedy("E4").contains("ad.connect") && remedy("E13").contains("ad.connect"), "{told:#}");
    assert!(!remedy("E11").contains("connect above"), "Entra is not configured: {}", remedy("E11"));
}

#[test]
fn explain_knows_every_id() {
    let desk = Desk::new();
    for rule in groupshift::assess::rules() {
        desk.run(&["explain", rule.id]).ok().prints(&[rule.id, rule.title, rule.condition, rule.why, rule.remedy]);
    }
    for gate in groupshift::assess::gates() {
        desk.run(&["explain", &gate.id.to_lowercase()]).ok().prints(&[
            gate.id,
            gate.title,
            gate.condition,
            gate.why,
            gate.remedy,
        ]);
    }
    desk.run(&["explain", "c1"]).ok().prints(&["C01"]);
    desk.run(&["explain", "E04"]).ok().prints(&["E4 "]);
    desk.run(&["explain", "C42"]).code(2).says(&["C41"]);
    desk.run(&["explain", "--all"]).ok().prints(&["C41", "E15", "Sources", "MIG26"]);
}

#[test]
fn configuration() {
    let desk = Desk::collected(&World::base());
    let with = |text: &str| std::fs::write(desk.path("groupshift.toml"), text).unwrap();
    with("[ad]\nwriteback_uo = \"OU=x\"\n");
    desk.run(&["assess", "bundle", "--out", "out"]).code(2).says(&["groupshift.toml", "writeback_uo", "writeback_ou"]);
    assert!(!desk.path("out").exists());
    with("[policy]\nmax_group_members = 1\n");
    desk.run(&["assess", "bundle", "--out", "policy"]).ok();
    assert_eq!(desk.json("policy/assessment.json")["groups"][0]["verdict"], "exclude");
    desk.run(&["config", "show"]).ok().prints(&["max_group_members", "1", "groupshift.toml"]);
    // The environment outranks the file.
    let done = desk
        .command(&["assess", "bundle", "--out", "environment"])
        .env("GROUPSHIFT_POLICY_MAX_GROUP_MEMBERS", "50")
        .output()
        .unwrap();
    assert!(done.status.success());
    assert_eq!(desk.json("environment/assessment.json")["groups"][0]["verdict"], "migrate");
    with("[ad\n");
    desk.run(&["config", "show"]).code(2).says(&["groupshift.toml"]);
}

#[test]
fn output_for_packagers() {
    let desk = Desk::new();
    for shell in ["bash", "zsh", "fish", "powershell"] {
        desk.run(&["completions", shell]).ok().prints(&["groupshift"]);
    }
    desk.run(&["man"]).ok().prints(&[".TH groupshift"]);
    let ran = desk.run(&["connect-script", "--nonce", "abc123"]).ok();
    assert!(ran.out.contains("abc123") && ran.out.contains("connect-state"));
    desk.run(&["connect-script", "--out", "collect.ps1"]).ok();
    desk.run(&["connect-script", "--out", "collect.ps1"]).code(2).says(&["not overwritten"]);
}

#[test]
fn quiet_and_colours() {
    let desk = Desk::with(&World::base());
    let ran = desk.run(&["-q", "collect", "--offline", "export", "--out", "bundle"]).ok();
    assert!(ran.err.is_empty() && !ran.out.is_empty());
    let plain = desk.run(&["assess", "bundle", "--reports", "none"]).ok().out;
    assert!(!plain.contains('\u{1b}'), "no colours outside a terminal");
    let coloured = desk.run(&["--color", "always", "assess", "bundle", "--reports", "none"]).ok().out;
    assert!(coloured.contains("\u{1b}["));
    // A usage error, too, which is told before the arguments are understood.
    for (args, colours) in [
        (&["--color", "always", "nothing"][..], true),
        (&["nothing", "--color=never"], false),
        (&["--color", "always", "assess", "--color", "never"], false),
    ] {
        assert_eq!(desk.run(args).code(2).err.contains("\u{1b}["), colours, "{args:?}");
    }
    let done = desk.command(&["assess", "bundle", "--reports", "none"]).env("NO_COLOR", "1").output().unwrap();
    assert_eq!(String::from_utf8(done.stdout).unwrap(), plain);
}

/// A reader that goes away is no failure.
#[test]
fn a_broken_pipe_is_no_failure() {
    let desk = Desk::new();
    for args in [&["explain", "--all"][..], &["man"], &["schema", "assessment"], &["connect-script"]] {
        let mut child = desk.command(args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let done = child.wait_with_output().unwrap();
        let err = String::from_utf8_lossy(&done.stderr).into_owned();
        assert!(done.status.success() && err.is_empty(), "{args:?}: {:?} {err}", done.status);
    }
}
